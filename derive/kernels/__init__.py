"""Kernels: a document's forward pass and its derived gradient as fast code.

    graph, closed forms --lower--> program --readback--> proved --emit--> NumPy, C, Numba

A program (`derive.kernels.program`) is what is proved and what is printed; a target adds nothing to it but its syntax.
"""
