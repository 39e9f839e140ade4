"""Random ways of writing: forward passes with their derivatives, right and wrong, written out as people write them.

``expressions`` are trees over indexed names; ``passes`` are forward passes and ``derivation`` takes their derivatives,
without `derive`; ``truth`` computes every line with numbers; ``switches`` are the ways of writing, drawn from one
integer; ``writing`` turns a tree into LaTeX in one of them, ``pages`` makes a document of it, and ``reading`` compares
the verdicts of `derive` with the truth. ``python -m styles 0 300`` prints the table.
"""
