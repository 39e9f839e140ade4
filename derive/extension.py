"""Graphs extended by a gradient, so that it can be differentiated again.

The upstream gradient becomes an input, gradients of intermediates that the closed form uses by name become definitions,
and the gradient itself is the only output of the new graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import sympy
from sympy import Expr, Symbol

from derive.closed import ClosedForm
from derive.court import Court
from derive.forward import Definition, Graph, GraphError, entry, names_in
from derive.gradient import DIRECT
from derive.language import indices_of, name_of

LOSSES = ("M", "R", "F", "E", "\\mathcal{L}")
"""Names for the unknown function of a gradient: the first that the forward pass does not use."""


def adjoint_name(name: str) -> str:
    """The name of a gradient among the quantities of a forward pass: with a bar."""
    return f"\\bar{{{name}}}"


def extended(
    court: Court,
    left: Expr,
    form: ClosedForm,
    upstream: Mapping[str, str],
    called: str | None = None,
    loss: str | None = None,
) -> Graph:
    """The graph with the gradient ``left`` in closed form as a definition and its only output.

    Args:
        upstream: the document's names for derivatives of the loss.
        called: the name of the gradient; with a bar without it.
        loss: the name of the unknown function of it that is differentiated next; a letter without it.

    Raises:
        GraphError: the name is taken.
    """
    graph = court.graph
    by = left.args[1]
    names = {staged: upstream.get(staged, adjoint_name(_by(staged))) for staged in _adjoints(graph, form)}
    added = list(_stages(court, form, names))
    name = called if called is not None else adjoint_name(name_of(by))
    last = Definition(name, indices_of(by), graph.sizes_of(name_of(by)), _renamed(form.expr, names))
    _check_names(graph, (*added, last))
    used = names_in(last.expr).union(*(d.uses for d in added))
    kept = [d for d in graph.definitions if any(graph.depends(n, d.name) for n in used)]
    sizes = dict(graph.sizes) | {new: graph.sizes_of(_by(old)) for old, new in names.items()} | {name: last.sizes}
    known = {*graph.by_name, *graph.inputs, *graph.size_names, graph.loss}
    chosen = loss if loss is not None else next(letter for letter in LOSSES if letter not in known)
    return replace(graph, definitions=(*kept, *added, last), sizes=sizes, loss=chosen, outputs=(name,))


def _by(staged: str) -> str:
    """The name by which a staged derivative of the loss differentiates."""
    return staged.partition("/∂")[2].removesuffix(DIRECT)


def _adjoints(graph: Graph, form: ClosedForm) -> Iterator[str]:
    """The derivatives of the loss that become quantities: the upstream ones, and those that are used by name."""
    for output in graph.outputs:
        yield f"∂{graph.loss}/∂{output}"
        yield f"∂{graph.loss}/∂{output}{DIRECT}"
    yield from form.stages


def _stages(court: Court, form: ClosedForm, names: Mapping[str, str]) -> Iterator[Definition]:
    """The gradients that a closed form uses by name, as definitions."""
    for staged in form.stages:
        definition = court.calculus.staged[staged]
        expr = court.compactor.closed_form(definition.entry()).expr
        yield Definition(names[staged], definition.indices, definition.sizes, _renamed(expr, names))


def _renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """An expression with some quantities under other names."""
    quantities = (q for q in expr.atoms(sympy.Indexed, Symbol) if name_of(q) in names)
    return expr.xreplace({q: entry(names[name_of(q)], indices_of(q)) for q in quantities})


def _check_names(graph: Graph, definitions: tuple[Definition, ...]) -> None:
    for definition in definitions:
        if definition.name in (*graph.by_name, *graph.inputs):
            raise GraphError(f"{definition.name} is taken", definition.name)
