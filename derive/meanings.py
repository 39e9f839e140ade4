"""What the names of a page were taken for: ``derive check --reading``.

Everything that derive says of a page rests on this table. Where a row is not what the author meant, a ``given`` helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from sympy import Expr

from derive.language import is_unnamed, key_of, size
from derive.latex.syntax import Node
from derive.opaque import is_parameter, is_stand_in, shown_name
from derive.problem import Problem

Kind = Literal["size", "data", "defined", "loss", "gradient", "open"]


@dataclass(frozen=True)
class Meaning:
    """What one name was taken for.

    Attributes:
        name: in LaTeX.
        kind: the size of an axis; data (an input or a parameter, which nothing defines); defined by a line; the loss,
            of which no more is known; another name of a gradient; open: some function of ``uses`` that nobody knows.
        sizes: how many values each of its axes has; one that the page does not name is `is_unnamed`.
        line: the line that says what it is.
        uses: the names that it is made from.
        value: what a gradient's name stands for.
    """

    name: str
    kind: Kind
    sizes: tuple[Expr, ...] = ()
    line: int | None = None
    uses: tuple[str, ...] = ()
    value: Node | None = field(default=None, compare=False)


def meanings(problem: Problem) -> list[Meaning]:
    """The names that a page uses, each with what it was taken for: the sizes first, then data, then what is made from
    them in the order of the forward pass."""
    parts = (_sizes, _data, _defined, _loss, _gradients)
    return [meaning for part in parts for meaning in part(problem)]


def _sizes(problem: Problem) -> Iterator[Meaning]:
    for name in sorted(problem.table.axes.sizes()):
        yield Meaning(name, "size")


def _data(problem: Problem) -> Iterator[Meaning]:
    """What the forward pass uses and nothing defines."""
    graph = problem.graph
    used = {use for definition in graph.definitions for use in definition.uses}
    for name in sorted(used - set(graph.by_name) - problem.table.axes.sizes() - {graph.loss}):
        if not is_parameter(name) and not is_unnamed(size(name)):
            yield Meaning(key_of(name), "data", graph.sizes_of(name))


def _defined(problem: Problem) -> Iterator[Meaning]:
    lines = _lines(problem)
    for definition in problem.graph.definitions:
        name = definition.name
        is_open = is_stand_in(definition)
        uses = problem.table.open.get(name, set()) if is_open else definition.uses - problem.table.axes.sizes()
        shown = tuple(sorted({key_of(use) for use in uses if shown_name(use) and not is_unnamed(size(use))}))
        line = problem.table.unread.get(name) if is_open else lines.get(name)
        yield Meaning(key_of(name), "open" if is_open else "defined", definition.sizes, line, shown)


def _lines(problem: Problem) -> dict[str, int]:
    """The line of each definition, by the name in the graph."""
    found: dict[str, int] = {}
    for equation in problem.equations:
        for key, count in equation.names.values():
            found.setdefault(problem.table.name(key, count), equation.line)
    return found


def _loss(problem: Problem) -> Iterator[Meaning]:
    graph = problem.graph
    if problem.table.loss is not None and graph.loss not in graph.by_name:
        yield Meaning(graph.loss, "loss", uses=tuple(map(key_of, graph.outputs)))


def _gradients(problem: Problem) -> Iterator[Meaning]:
    """Names such as ``dout`` that stand for a gradient."""
    for (key, _), alias in problem.table.aliases.items():
        yield Meaning(key, "gradient", value=alias.body)
