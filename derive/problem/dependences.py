"""What the names that a page leaves open may depend on.

Open are those whose definition cannot be read, those that a definition gives another name only (``\\mu = \\Upsilon``),
those that no line defines and a line differentiates, and those that are customary for statistics of the data. Each
becomes a function of what it may depend on (see `derive.opaque`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from sympy import Expr

from derive.forward import Definition, Graph, GraphError, quantities_in
from derive.language import D, is_quantity, is_unnamed, key_of, name_of, size
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.elaborate import Elaborator
from derive.notation.equations import Equation
from derive.notation.roles import is_weight
from derive.notation.table import POSITIVE, SIZE_LETTERS
from derive.opaque import parameter_shapes, stand_in
from derive.problem.draft import Draft
from derive.source import SourceError

STATISTICS = ("\\mu", "\\sigma", "\\bar{", "\\overline{", "\\text{mean}", "\\text{var}", "\\text{std}", "\\text{Var}")
"""How names begin that are customary for statistics of the data: where nothing defines one, it may depend on them."""


def find_dependences(draft: Draft) -> set[Expr]:
    """Add to the open names those that nothing defines and that a line differentiates, or that are customary for
    statistics of data. Returns the derivatives that the claims write."""
    derivatives, written = _written(draft)
    _open_renamed(draft, {one.by for one in written})
    graph = draft_graph(draft)
    known = set(graph.by_name) | {use for d in graph.definitions for use in d.uses}
    strange = [w for w in written if not any(graph.depends(name, w.by) for name in w.of)]
    for one in sorted(strange, key=str):
        for name in one.of - set(graph.by_name) - {graph.loss}:
            _open(draft, name, one.by, graph)
    for one in sorted(strange, key=str):
        for name in one.of & set(graph.by_name) if one.by not in known | set(draft.table.open) else ():
            _open_below(draft, name, one.by, graph)
    for name in sorted(known - set(graph.by_name) - set(draft.table.open)):
        if name.startswith(STATISTICS):
            _open_statistic(draft, name, {one.by for one in written}, graph)
    return derivatives


def draft_graph(draft: Draft) -> Graph:
    """The definitions so far as a graph; an empty one where they make none."""
    try:
        return Graph(tuple(draft.definitions), loss=draft.table.loss or "L")
    except GraphError:
        return Graph(())


@dataclass(frozen=True)
class _Written:
    """A derivative that a line writes: of which names together, and by which."""

    of: frozenset[str]
    by: str


def _written(draft: Draft) -> tuple[set[Expr], set[_Written]]:
    """The derivatives that claims write, and what those are that do more than be said to be zero."""
    derivatives: set[Expr] = set()
    in_use: set[Expr] = set()
    for equation in draft.equations:
        sides = [_derivatives(draft, equation, m) for m in equation.members if equation.role != "definition"]
        derivatives |= set().union(*sides)
        if len(sides) != 2 or equation.members[1] != S.Number("0"):
            in_use |= set().union(*sides)
        elif equation.given:
            for derivative in sides[0]:
                _hold(draft, _names(derivative.args[0]), name_of(derivative.args[1]))
    draft.problem.heard()
    return derivatives, {_Written(_names(d.args[0]), name_of(d.args[1])) for d in in_use}


def _hold(draft: Draft, names: frozenset[str], by: str) -> None:
    """Names do not depend on another, as a given says; one that depends on nothing else is open no longer."""
    draft.table.constants |= names
    for name in names & set(draft.table.open):
        draft.table.open[name].discard(by)
        if not draft.table.open[name]:
            del draft.table.open[name]
            draft.table.unread.pop(name, None)


def _derivatives(draft: Draft, equation: Equation, node: Node) -> set[Expr]:
    """The derivatives in an expression; of one that cannot be read as a whole, those in its quotients."""
    elaborator = Elaborator(draft.table, dict(equation.axes), draft.policy())
    with suppress(SourceError):
        return set(elaborator.value(node).expr.atoms(D))
    found: set[Expr] = set()
    for quotient in (child for child in node.walk() if isinstance(child, S.Fraction) and child is not node):
        with suppress(SourceError):
            found |= elaborator.value(quotient).expr.atoms(D)
    return found


def _names(expr: Expr) -> frozenset[str]:
    """The names in an expression that are no sizes."""
    return frozenset(name_of(q) for q in quantities_in(expr) if not q.is_integer)


def _open_renamed(draft: Draft, by: set[str]) -> None:
    """Let names that a definition only gives another name, one that stands nowhere else, depend on all that lines
    differentiate by, but for weights of other stages: that nothing says what they are makes no constants of them."""
    graph = draft_graph(draft)
    weights = {use for d in graph.definitions for use in d.uses if is_weight(use)}
    for name, other in _renamed(draft):
        uses = {use for use in by - weights if draft.is_quantity(use) and not graph.depends(use, name)}
        if not any(one in SIZE_LETTERS or _is_constant(draft, one) for one in (name, other)):
            draft.table.open[name] = uses
            draft.table.renamed[name] = other
            draft.definitions = [d for d in draft.definitions if d.name != name]


def _renamed(draft: Draft) -> Iterator[tuple[str, str]]:
    """Names that a definition says to be another name, which stands nowhere else on the page, with that; a weight that
    is said to be something is so by way of example."""
    for definition in (d for d in draft.definitions if is_quantity(d.expr) and not is_weight(d.name)):
        other = name_of(definition.expr)
        if draft.table.axes.uses[key_of(other)] == 1:
            yield definition.name, other


def _open(draft: Draft, name: str, by: str, graph: Graph) -> None:
    """Let a name depend on another, unless that one is made from it."""
    if not graph.depends(by, name) and not _is_constant(draft, name):
        draft.table.open.setdefault(name, set()).add(by)


def _open_below(draft: Draft, name: str, by: str, graph: Graph) -> None:
    """Let what a name is made from depend on another name that the forward pass does not have: any of its inputs
    may, if no line says which."""
    inputs = {use for use in graph.made_from([name]) if use not in graph.by_name and not _is_constant(draft, use)}
    if not any(by in draft.table.open.get(use, ()) for use in inputs):
        for use in inputs - {graph.loss}:
            _open(draft, use, by, graph)


def _open_statistic(draft: Draft, name: str, by: set[str], graph: Graph) -> None:
    """Let a name depend on the arrays that stand beside it in a definition and that lines differentiate by."""
    for definition in graph.consumers.get(name, ()):
        for use in sorted(definition.uses & by):
            if draft.table.total(key_of(use), 0) and not use.startswith(STATISTICS):
                _open(draft, name, use, graph)
                draft.table.statistics.add(name)


def _is_constant(draft: Draft, name: str) -> bool:
    """Whether a name is surely no function of data: a size, or what only keeps a root from zero."""
    table = draft.table
    sizes = table.axes.sizes()
    return name in sizes or is_unnamed(size(name)) or name in POSITIVE or name in table.constants


def stand_ins(draft: Draft, shapes: dict[str, tuple[Expr, ...]]) -> Iterator[Definition]:
    """The definitions that stand for open names; the shapes of what nobody knows of them are added to the others."""
    definitions = list(draft.definitions)
    for name, uses in draft.table.open.items():
        if not any(d.name == name for d in definitions):
            graph = Graph(tuple(definitions))
            apart = {use for use in uses if not any(graph.depends(n, name) for n in (use, *_size_names(use, shapes)))}
            definition = stand_in(name, apart, shapes)
            shapes.update(parameter_shapes(definition, apart, shapes))
            definitions.append(definition)
            yield definition


def _size_names(name: str, shapes: dict[str, tuple[Expr, ...]]) -> set[str]:
    return {s.name for n in shapes.get(name, ()) for s in n.free_symbols}
