"""The forward graph of what was read, and what an undefined loss depends on."""

from __future__ import annotations

from sympy import Expr

from derive.forward import Graph, GraphError
from derive.language import D, name_of, scalar
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.elaborate import Elaborator
from derive.notation.table import POSITIVE
from derive.problem.draft import Draft
from derive.source import SourceError


def build_graph(draft: Draft) -> None:
    """Give the problem its forward graph; definitions that make none are left out, with their error."""
    for _ in range(len(draft.definitions) + 1):
        try:
            draft.problem.graph = _graph(draft)
            return
        except GraphError as error:
            _leave_out(draft, error)


def _leave_out(draft: Draft, error: GraphError) -> None:
    for equation in draft.equations:
        if equation.defines is not None and equation.defines[0] == error.name:
            draft.fail(equation, SourceError(str(error), equation.span))
    draft.definitions = [d for d in draft.definitions if d.name != error.name]


def _graph(draft: Draft) -> Graph:
    table = draft.table
    positive = frozenset(name for name in table.inputs if name in POSITIVE)
    chosen = {str(i) for d in draft.definitions for i in d.expr.free_symbols if i.is_integer and i not in d.indices}
    fixed = {letter: axis for letter, axis in table.fixed.items() if letter in chosen}
    selectors = {name: axis.size for name, axis in (fixed | table.selectors).items()}
    definitions, facts = tuple(draft.definitions), tuple(draft.facts)
    return Graph(definitions, _shapes(draft), table.loss or "L", _outputs(draft), positive, facts, selectors)


def _shapes(draft: Draft) -> dict[str, tuple[Expr, ...]]:
    """The sizes of the axes of every name, under each number of indices that it is written with."""
    table = draft.table
    shapes = {d.name: d.sizes for d in draft.definitions}
    names = set(table.ranks.hidden) | {(key, n) for key, counts in table.ranks.counts.items() for n in counts}
    for key, count in sorted(names):
        shapes.setdefault(table.name(key, count), tuple(axis.size for axis in table.axes_of(key, count)))
    return shapes


def _outputs(draft: Draft) -> tuple[str, ...]:
    """What an undefined loss depends on.

    Of the names that the document defines and differentiates the loss by, the last ones. Where none of them ends the
    forward pass, the names that end it are added: a loss of more names is only the more general.
    """
    graph = Graph(tuple(draft.definitions), loss=draft.table.loss or "L")
    by = _differentiated(draft) & set(graph.by_name) - {graph.loss}
    last = tuple(d.name for d in graph.definitions if d.name in by and not _reaches_another(graph, d.name, by))
    carried = _carried(draft, graph)
    if carried:
        draft.table.carried = set(carried)
        draft.assume("one step is read alone; what other steps do with its names is left open")
        return tuple(dict.fromkeys((*last, *graph.outputs, *carried)))
    return last if set(last) & set(graph.outputs) else last + graph.outputs


def _carried(draft: Draft, graph: Graph) -> tuple[str, ...]:
    """Names of a step that other steps use too: ``c_t`` where a definition has ``c_{t-1}``."""
    names = {name for d in graph.definitions for name in d.uses}.union(*draft.table.open.values())
    return tuple(
        d.name
        for d in graph.definitions
        for step in draft.table.letters.steps
        if d.name.endswith(f"_{step}")
        and any(f"{d.name.removesuffix(step)}{{{step}{sign}1}}" in names for sign in "+-")
    )


def _reaches_another(graph: Graph, name: str, among: set[str]) -> bool:
    return any(graph.depends(other, name) for other in among if other != name)


def _differentiated(draft: Draft) -> set[str]:
    """The names that the loss is differentiated by."""
    loss = scalar(draft.table.loss or "L")
    by: set[str] = set()
    for equation in draft.equations:
        elaborator = Elaborator(draft.table, dict(equation.axes), draft.policy())
        for member in equation.members if equation.role != "definition" else ():
            by |= {name_of(d.args[1]) for d in _derivatives(elaborator, member) if d.args[0] == loss}
    draft.problem.heard()
    return by


def _derivatives(elaborator: Elaborator, node: Node) -> set[Expr]:
    """The derivatives in an expression; of one that cannot be read as a whole, those in its quotients."""
    try:
        return set(elaborator.value(node).expr.atoms(D))
    except SourceError:
        inner = (child for child in node.walk() if isinstance(child, S.Fraction) and child is not node)
        return set().union(*(_derivatives(elaborator, child) for child in inner))
