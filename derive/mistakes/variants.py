"""Variants of the true derivation: what comes out when one of its steps is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import sympy
from sympy import Expr, Integer, KroneckerDelta, Symbol

from derive.forward import Graph, entry
from derive.language import D, bound, indices_of, is_quantity, name_of, total
from derive.mistakes import table
from derive.mistakes.table import Kind

MAX_HELD = 2


@dataclass(frozen=True)
class Variant:
    """A wrong value for a gradient, and the step that it forgets; ``parts`` fill its message."""

    expr: Expr
    kind: Kind
    parts: tuple[str, ...] = ()


def variants(derivative: Expr, graph: Graph) -> Iterator[Variant]:
    """Wrong values of ``∂L/∂v`` for a loss that is an unknown function of one output, or of a derivative between
    intermediates; derivatives in them are total."""
    if not isinstance(derivative, D):
        return
    of, by = derivative.args[:2]
    if of == _loss(graph) and not graph.has_loss:
        outputs = [name for name in graph.outputs if graph.depends(name, name_of(by))]
        if len(outputs) != 1 or name_of(by) in outputs:
            return
        yield from _diagonals(by, outputs[0], graph)
        shared = list(_shared(by, graph))
    elif is_quantity(of) and of != _loss(graph):
        shared = [name for name in _shared(by, graph) if graph.depends(name_of(of), name)]
    else:
        return
    for count in range(1, min(MAX_HELD, len(shared)) + 1):
        for held in combinations(shared, count):
            yield _held(of, by, held, graph)


def _shared(by: Expr, graph: Graph) -> Iterator[str]:
    """The intermediates that are not entry by entry like the input, as statistics are: what people hold constant."""
    for definition in graph.definitions:
        if definition.sizes != graph.sizes_of(name_of(by)) and graph.depends(definition.name, name_of(by)):
            yield definition.name


def _diagonals(by: Expr, output: str, graph: Graph) -> Iterator[Variant]:
    """Only the output with the index of the input, and all but that one."""
    indices = indices_of(by)
    sizes = graph.sizes_of(output)
    if not indices or sizes != graph.sizes_of(name_of(by)):
        return
    out = entry(output, indices)
    yield Variant(D(_loss(graph), out) * D(out, by), table.DIAGONAL)
    letters = tuple(bound(i.name) for i in graph.indices_of(output))
    other = entry(output, letters)
    same = sympy.Mul(*(KroneckerDelta(a, b) for a, b in zip(letters, indices, strict=True)))
    slope = D(_loss(graph), other) * D(other, by) * (Integer(1) - same)
    yield Variant(total(slope, zip(letters, sizes, strict=True)), table.OFF_DIAGONAL)


def _held(of: Expr, by: Expr, held: tuple[str, ...], graph: Graph) -> Variant:
    """Some intermediates taken for constants."""
    names = sympy.Tuple(*(entry(name, graph.indices_of(name)) for name in held))
    return Variant(D(of, by, names), table.HELD, (" and ".join(held),))


def _loss(graph: Graph) -> Expr:
    """The loss as SymPy writes it."""
    return Symbol(graph.loss, real=True)
