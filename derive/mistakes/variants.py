"""Variants of the true derivation: what comes out when one of its steps is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import sympy
from sympy import Expr, Symbol

from derive.forward import Graph, entry
from derive.language import D, bound, indices_of, name_of, total
from derive.mistakes import table
from derive.mistakes.table import Kind

MAX_HELD = 3


@dataclass(frozen=True)
class Variant:
    """A wrong value for a gradient, and the step that it forgets."""

    expr: Expr
    kind: Kind
    message: str


def variants(derivative: Expr, graph: Graph) -> Iterator[Variant]:
    """Wrong values of ``∂L/∂v`` for a loss that is an unknown function of one output."""
    if not isinstance(derivative, D) or derivative.args[0] != Symbol(graph.loss, real=True) or graph.has_loss:
        return
    by = derivative.args[1]
    outputs = [name for name in graph.outputs if graph.depends(name, name_of(by))]
    if len(outputs) != 1 or name_of(by) in outputs:
        return
    yield from _diagonal(by, outputs[0], graph)
    between = [d.name for d in graph.definitions if graph.depends(d.name, name_of(by)) and d.name != outputs[0]]
    for count in range(1, min(MAX_HELD, len(between)) + 1):
        for held in combinations(between, count):
            yield from _held(by, outputs[0], held, graph)


def _diagonal(by: Expr, output: str, graph: Graph) -> Iterator[Variant]:
    """Only the output with the index of the input."""
    indices = indices_of(by)
    if len(indices) != len(graph.sizes_of(output)) or not indices:
        return
    out = entry(output, indices)
    yield Variant(D(derivative_of(graph), out) * D(out, by), table.DIAGONAL, table.DIAGONAL.message)


def _held(by: Expr, output: str, held: tuple[str, ...], graph: Graph) -> Iterator[Variant]:
    """Some intermediates taken for constants, with and without the sum over the outputs."""
    letters = tuple(bound(i.name) for i in graph.indices_of(output))
    out = entry(output, letters)
    names = sympy.Tuple(*(entry(name, graph.indices_of(name)) for name in held))
    slope = D(derivative_of(graph), out) * D(out, by, names)
    listed = " and ".join(held)
    yield Variant(
        total(slope, zip(letters, graph.sizes_of(output), strict=True)), table.HELD, table.HELD.message.format(listed)
    )


def derivative_of(graph: Graph) -> Expr:
    """The loss as SymPy writes it."""
    return Symbol(graph.loss, real=True)
