"""Axes that always stand together as one axis: the rows and columns of an image are one loop over H W pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.kernels.program import Call, Equal, Node, Power, Product, Program, Quotient, Read, Sum, walk


def merged(program: Program) -> Program:
    """The program with letters that always stand together, in this order, as one letter: (h, w) as one axis of H W."""
    letters = list(program.sizes)
    k = 0
    while k + 1 < len(letters):
        pair = letters[k], letters[k + 1]
        if all(_together(axes, pair) for axes in _all_axes(program)):
            program = _joined(program, pair)
            letters[k : k + 2] = ["".join(pair)]
        else:
            k += 1
    return program


def _all_axes(program: Program) -> Iterable[tuple[str, ...]]:
    for array in program.arrays:
        yield array.axes
    for step in program.steps:
        yield step.axes
        yield step.over
        for node in walk(step.value):
            if isinstance(node, Read):
                yield node.axes
            if isinstance(node, Equal):
                yield (node.first,)
                yield (node.second,)


def _together(axes: tuple[str, ...], pair: tuple[str, str]) -> bool:
    first, second = (p in axes for p in pair)
    return first == second and (not first or axes.index(pair[1]) == axes.index(pair[0]) + 1)


def _joined(program: Program, pair: tuple[str, str]) -> Program:
    name = "".join(pair)

    def axes_of(axes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name if a == pair[0] else a for a in axes if a != pair[1])

    def node_of(node: Node) -> Node:
        match node:
            case Read(read, axes):
                return Read(read, axes_of(axes))
            case Sum(terms):
                return Sum(tuple((s, node_of(t)) for s, t in terms))
            case Product(factors):
                return Product(tuple(map(node_of, factors)))
            case Quotient(above, below):
                return Quotient(node_of(above), node_of(below))
            case Power(base, exponent):
                return Power(node_of(base), exponent)
            case Call(function, arguments):
                return Call(function, tuple(map(node_of, arguments)))
            case _:
                return node

    sizes = {(name if a == pair[0] else a): s for a, s in program.sizes.items() if a != pair[1]}
    sizes[name] = f"{program.sizes[pair[0]]} * {program.sizes[pair[1]]}"
    arrays = tuple(replace(a, axes=axes_of(a.axes)) for a in program.arrays)
    steps = tuple(replace(s, axes=axes_of(s.axes), over=axes_of(s.over), value=node_of(s.value)) for s in program.steps)
    return replace(program, sizes=sizes, arrays=arrays, steps=steps)
