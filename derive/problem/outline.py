"""The forward graph of what was read, and what an undefined loss depends on."""

from __future__ import annotations

from derive.forward import Graph, GraphError
from derive.language import D, name_of
from derive.notation.elaborate import Elaborator
from derive.notation.table import POSITIVE
from derive.problem.draft import Draft
from derive.source import SourceError


def build_graph(draft: Draft) -> None:
    shapes = {d.name: d.sizes for d in draft.definitions}
    for key in sorted({key for key, _ in draft.table.ranks.hidden} | set(draft.table.ranks.counts)):
        for count in sorted(
            {c for k, c in draft.table.ranks.hidden if k == key} | draft.table.ranks.counts.get(key, set())
        ):
            sizes = tuple(axis.size for axis in draft.table.axes_of(key, count))
            shapes.setdefault(draft.table.name(key, count), sizes)
    positive = frozenset(name for name in draft.table.inputs if name in POSITIVE)
    chosen = {str(i) for d in draft.definitions for i in d.expr.free_symbols if i.is_integer and i not in d.indices}
    fixed = {letter: axis for letter, axis in draft.table.fixed.items() if letter in chosen}
    selectors = {name: axis.size for name, axis in (fixed | draft.table.selectors).items()}
    loss = draft.table.loss or "L"
    try:
        definitions = tuple(draft.definitions)
        graph = Graph(definitions, shapes, loss, _outputs(draft), positive, tuple(draft.facts), selectors)
    except GraphError as error:
        equation = next((e for e in draft.equations if e.defines and e.defines[0] == error.name), draft.equations[0])
        draft.fail(equation, SourceError(str(error), equation.span))
        return
    draft.problem.graph = graph


def _outputs(draft: Draft) -> tuple[str, ...]:
    """What an undefined loss depends on: of the names that no definition uses, those it is differentiated by."""
    sinks = Graph(tuple(draft.definitions), loss=draft.table.loss or "L").outputs
    by: set[str] = set()
    for equation in draft.equations:
        elaborator = Elaborator(draft.table, dict(equation.axes), draft.policy())
        for member in equation.members if equation.role != "definition" else ():
            try:
                by |= {name_of(d.args[1]) for d in elaborator.value(member).expr.atoms(D)}
            except SourceError:
                continue
    draft.problem.heard()
    return tuple(name for name in sinks if name in by) or sinks
