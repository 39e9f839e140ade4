"""The forward graph of what was read, and what an undefined loss depends on."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr

from derive.forward import Graph, GraphError
from derive.language import key_of, name_of, scalar
from derive.notation.table import POSITIVE
from derive.problem.dependences import find_dependences, stand_ins
from derive.problem.draft import Draft
from derive.source import SourceError


def build_graph(draft: Draft) -> None:
    """Give the problem its forward graph; definitions that make none are left open, with their error."""
    for _ in range(len(draft.definitions) + 1):
        try:
            Graph(tuple(draft.definitions), loss=draft.table.loss or "L")
            break
        except GraphError as error:
            _leave_out(draft, error)
    derivatives = find_dependences(draft)
    draft.problem.derivatives = frozenset(derivatives)
    draft.problem.graph = _graph(draft, derivatives)


def _leave_out(draft: Draft, error: GraphError) -> None:
    left = next(d for d in draft.definitions if d.name == error.name)
    for equation in draft.equations:
        if equation.defines is not None and equation.defines[0] == error.name:
            draft.leave_open(equation, equation.defines, set(left.uses), SourceError(str(error), equation.span))
    draft.definitions = [d for d in draft.definitions if d.name != error.name]


def _graph(draft: Draft, derivatives: set[Expr]) -> Graph:
    table = draft.table
    positive = frozenset(name for name in table.inputs if name in POSITIVE)
    chosen = {str(i) for d in draft.definitions for i in d.expr.free_symbols if i.is_integer and i not in d.indices}
    fixed = {letter: axis for letter, axis in table.fixed.items() if letter in chosen}
    selectors = {name: axis.size for name, axis in (fixed | table.selectors).items()}
    shapes, facts = _shapes(draft), tuple(draft.facts)
    opened = stand_ins(draft, shapes)
    graph = Graph((*draft.definitions, *opened), loss=table.loss or "L")
    outputs = _outputs(draft, graph, derivatives)
    graph = replace(graph, sizes=shapes, outputs=outputs, positive=positive, facts=facts, selectors=selectors)
    return replace(graph, indicators=_indicators(draft, graph, derivatives))


def _indicators(draft: Draft, graph: Graph, derivatives: set[Expr]) -> frozenset[str]:
    """Data that is 0 or 1, under each number of indices that it is written with; none that lines differentiate by."""
    moving = {name_of(d.args[1]) for d in derivatives} | set(graph.by_name)
    return frozenset(n for n in graph.sizes if key_of(n) in draft.table.indicators) - moving


def _shapes(draft: Draft) -> dict[str, tuple[Expr, ...]]:
    """The sizes of the axes of every name, under each number of indices that it is written with."""
    table = draft.table
    shapes = {d.name: d.sizes for d in draft.definitions}
    names = set(table.ranks.hidden) | {(key, n) for key, counts in table.ranks.counts.items() for n in counts}
    for key, count in sorted(names):
        shapes.setdefault(table.name(key, count), tuple(axis.size for axis in table.axes_of(key, count)))
    return shapes


def _outputs(draft: Draft, graph: Graph, derivatives: set[Expr]) -> tuple[str, ...]:
    """What an undefined loss depends on.

    Of the names that the document defines and differentiates the loss by, the last ones. Where none of them ends the
    forward pass, the names that end it are added: a loss of more names is only the more general.
    """
    loss = scalar(draft.table.loss or "L")
    by = {name_of(d.args[1]) for d in derivatives if d.args[0] == loss} & set(graph.by_name) - {graph.loss}
    last = tuple(d.name for d in graph.definitions if d.name in by and not _reaches_another(graph, d.name, by))
    carried = _carried(draft, graph)
    if carried:
        draft.table.carried = set(carried)
        draft.assume("one step is read alone; what other steps do with its names is left open")
        return tuple(dict.fromkeys((*last, *graph.outputs, *carried)))
    return last if set(last) & set(graph.outputs) else last + graph.outputs


def _carried(draft: Draft, graph: Graph) -> tuple[str, ...]:
    """Names of a step that other steps use too: ``c_t`` where a definition has ``c_{t-1}``, and those of which a part
    of the gradient comes from elsewhere."""
    names = {name for d in graph.definitions for name in d.uses}.union(*draft.table.open.values())
    stepped = {
        d.name
        for d in graph.definitions
        for step in draft.table.letters.steps
        if d.name.endswith(f"_{step}")
        and any(f"{d.name.removesuffix(step)}{{{step}{sign}1}}" in names for sign in "+-")
    }
    apart = {d.name for d in graph.definitions if key_of(d.name) in draft.table.carried}
    return tuple(d.name for d in graph.definitions if d.name in stepped | apart)


def _reaches_another(graph: Graph, name: str, among: set[str]) -> bool:
    return any(graph.depends(other, name) for other in among if other != name)
