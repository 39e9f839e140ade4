"""From a forward graph to its kernel: gradients chosen, both programs lowered, and proved.

For each gradient there are two expressions: the closed form, and the staged derivatives of the chain rule. The closed
form is taken where it is made of sums over the data only; where it would need a sum over more indices than any
definition has (attention), or functions multiplied out (e^2x for a sigmoid), the stages are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, Symbol

from derive.court import Court
from derive.forward import Graph, entry
from derive.kernels.axes import Axes, NotLowerable
from derive.kernels.centred import find_centres
from derive.kernels.lower import Lowering, Scope
from derive.kernels.names import Names, comment
from derive.kernels.norms import Norms
from derive.kernels.program import Array, Kernel, Output, Program
from derive.kernels.stable import stable
from derive.language import D, index, is_quantity, name_of
from derive.normal.algebra import GaveUp, Undefined

_SECONDS = 10.0


@dataclass(frozen=True)
class Formula:
    """A gradient to compute.

    Attributes:
        key: by which name of the graph.
        expr: over the names of the graph and staged derivatives, its free indices ``indices``.
    """

    key: str
    indices: tuple[Symbol, ...]
    expr: Expr


@dataclass(frozen=True)
class Made:
    """A kernel with what it is proved against.

    Attributes:
        graph: the forward pass in stable form.
    """

    kernel: Kernel
    graph: Graph
    court: Court
    formulas: tuple[Formula, ...]
    size_names: Mapping[Symbol, str]


def make_kernel(graph: Graph, title: str, wrt: Iterable[str] | None, lines: Mapping[str, str], sizes: set[str]) -> Made:
    """Lower a graph and its gradients.

    Args:
        wrt: the names to differentiate by; None for all inputs but positive scalars.
        lines: for the comments, each definition as text under its name, each gradient under that name after a ∂.
        sizes: the names of all sizes.

    Raises:
        NotLowerable: the graph has something that kernels do not, or nothing to compute.
        GaveUp: a gradient grew too large.
    """
    if not graph.definitions:
        raise NotLowerable("there is no forward pass")
    chosen = default_wrt(graph) if wrt is None else tuple(wrt)
    graph = stable(graph, sizes)
    court = Court(graph, sizes)
    formulas = tuple(_formula(court, key) for key in chosen)
    names = Names()
    outputs = (graph.loss,) if graph.has_loss else graph.outputs
    for key in (*graph.inputs, *outputs):
        names.of(key)
    scope = Scope(graph, Axes(graph, names), find_centres(graph))
    forward = Lowering(scope, graph.by_name, names.copy())
    _forward(forward, outputs)
    for name in scope.saveable:
        names.fresh(name)
    scope.returned.update(_returned(scope, outputs, names))
    norms = Norms(graph)
    staged = {name: norms.definition(d) for name, d in court.calculus.staged.items()}
    backward = Lowering(scope, {**graph.by_name, **staged}, names)
    gradients = _backward(backward, [replace(f, expr=norms.guarded(f.expr)) for f in formulas], norms)
    texts = tuple(comment(lines[f"∂{f.key}"]) for f in formulas if f"∂{f.key}" in lines)
    forward.outputs += _saved(gradients, forward)
    kept = tuple(a.name for a in gradients.arrays if a.role == "input" or a.key in outputs)
    definitions = tuple(comment(lines[d.name]) for d in graph.definitions if d.name in lines)
    kernel = Kernel(comment(title), forward.program("forward", definitions), gradients, kept, texts)
    return Made(kernel, graph, court, formulas, scope.axes.size_names)


def default_wrt(graph: Graph) -> tuple[str, ...]:
    """What one differentiates by: all inputs but positive numbers such as ε."""
    return tuple(name for name in graph.inputs if graph.sizes_of(name) or name not in graph.positive)


# -- gradients -------------------------------------------------------------------------------------------------------


def _formula(court: Court, key: str) -> Formula:
    """The expression by which a gradient is computed."""
    graph = court.graph
    indices = graph.indices_of(key)
    staged = court.calculus.resolve(D(Symbol(graph.loss, real=True), entry(key, indices)), "total")
    definition = court.calculus.staged.get(name_of(staged)) if is_quantity(staged) else None
    if definition is not None:
        staged = definition.at(indices)
    if _is_elementwise(graph):
        return Formula(key, indices, staged)
    try:
        closed = court.compactor.closed_form(staged, time.monotonic() + _SECONDS).expr
    except (GaveUp, Undefined):
        return Formula(key, indices, staged)
    rank = max((len(d.sizes) for d in graph.definitions), default=0)
    fits = all(_letters(s) <= max(rank, len(indices)) for s in closed.atoms(sympy.Sum))
    return Formula(key, indices, closed if fits and not _has_functions(closed) else staged)


def _is_elementwise(graph: Graph) -> bool:
    """Whether the forward pass has no sums but that of its loss: there is nothing to compact."""
    return not any(d.expr.has(sympy.Sum) for d in graph.definitions if d.name != graph.loss)


def _letters(expr: Expr) -> int:
    """How many letters one goes through to compute a sum."""
    inner = {i for e in expr.atoms(sympy.Indexed) for i in e.free_symbols if isinstance(i, Symbol) and i.is_integer}
    return len({i for i in inner if not i.is_positive})


def _has_functions(expr: Expr) -> bool:
    return bool(expr.atoms(sympy.Function))


# -- programs --------------------------------------------------------------------------------------------------------


def _forward(lowering: Lowering, outputs: Iterable[str]) -> None:
    graph, axes = lowering.scope.graph, lowering.scope.axes
    for key in sorted(graph.inputs, key=lambda key: -len(graph.sizes_of(key))):
        lowering.array(key, "input", key)
    for key in outputs:
        letters = tuple(map(index, axes.of(key)))
        definition = graph.by_name[key]
        name = lowering.names.of(key)
        lowering.output(key, name, name, letters, lowering.resolve(definition.at(letters)))


def _returned(scope: Scope, outputs: Iterable[str], names: Names) -> dict[str, Array]:
    """Results that are worth reading again: those that took more than arithmetic (a softmax)."""
    found = {}
    for key in outputs:
        definition = scope.graph.by_name[key]
        if definition.indices and definition.expr.atoms(sympy.Function, sympy.Sum):
            found[key] = Array(names.of(key), scope.axes.of(key), "saved", comment(key), key)
    return found


def _backward(lowering: Lowering, formulas: Iterable[Formula], norms: Norms) -> Program:
    axes = lowering.scope.axes
    for formula in formulas:
        letters = tuple(map(index, axes.of(formula.key)))
        expr = formula.expr.xreplace(dict(zip(formula.indices, letters, strict=True)))
        name = lowering.scope.arrays[formula.key].name
        lowering.output(formula.key, name, lowering.names.fresh(f"d{name}"), letters, lowering.resolve(expr))
    lines = ("where a norm is 0 its derivative, of which there is none, is taken to be 0",)
    return lowering.program("backward", lines if norms.found else ())


def _saved(backward: Program, forward: Lowering) -> list[Output]:
    """The steps of the forward pass that the backward pass reads."""
    return [
        Output(a.name, a.name, a.symbol, a.key, saved=True)
        for a in backward.arrays
        if a.role == "saved" and a.key not in forward.scope.returned
    ]


__all__ = ["Formula", "Made", "NotLowerable", "default_wrt", "make_kernel"]
