"""A document's mathematics put together: symbol table, forward graph, equations.

A `Problem` can be asked for the two sides of any link of any equation as SymPy expressions, in each way that the page
leaves open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol

from derive.document import Document
from derive.forward import Graph
from derive.latex.syntax import Node, span_of
from derive.notation.elaborate import Elaborator, Policy
from derive.notation.equations import Equation
from derive.notation.table import Table
from derive.notation.values import ShapeError, Value
from derive.source import SourceError


@dataclass(frozen=True)
class Assumption:
    """Something that had to be taken for granted, and the line that first made it necessary."""

    text: str
    line: int | None


@dataclass(frozen=True)
class Pair:
    """Two sides to compare, over free indices with their sizes.

    Attributes:
        conditions: pairs of indices that are equal (or not) where the equation is claimed.
        unknown: names in it that nothing introduces.
        stray: letters that the right side has and the left side lacks.
    """

    left: Expr
    right: Expr
    indices: tuple[Symbol, ...]
    sizes: tuple[Expr, ...]
    conditions: tuple[tuple[Expr, Expr, bool], ...] = ()
    unknown: frozenset[str] = frozenset()
    stray: tuple[Symbol, ...] = ()


@dataclass
class Problem:
    """Everything a document says."""

    document: Document
    table: Table
    graph: Graph
    equations: list[Equation]
    assumptions: dict[str, Assumption]
    _heard: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """Hear an assumption; it counts once the reading that needs it is chosen."""
        self._heard.append(text)

    def heard(self) -> tuple[str, ...]:
        """The assumptions heard since the last call."""
        heard, self._heard = tuple(dict.fromkeys(self._heard)), []
        return heard

    def assume(self, texts: Iterable[str], line: int | None) -> None:
        for text in texts:
            self.assumptions.setdefault(text, Assumption(text, line))

    def policies(self, equation: Equation) -> Iterator[Policy]:
        """The ways to read an equation, customary ones first; only those that differ for it."""
        probe = Elaborator(self.table, dict(equation.axes))
        for member in equation.members:
            try:
                probe.value(member)
            except SourceError:
                continue
        products = ("elementwise", "matrix") if "product" in probe.asked else ("elementwise",)
        slashes = ("tight", "loose") if "slash" in probe.asked else ("tight",)
        for slash in slashes:
            for product in products:
                yield Policy(product, slash)  # type: ignore[arg-type]

    def pairs(self, equation: Equation, policy: Policy) -> list[Pair | SourceError]:
        """The links of an equation under a policy; a link that cannot be read is its error."""
        elaborator = Elaborator(self.table, dict(equation.axes), policy)
        values = self._values(elaborator, equation.members)
        return [
            self._pair(equation, elaborator, values[k], values[k + 1], equation.members[k + 1])
            for k in range(len(values) - 1)
        ]

    def against_head(self, equation: Equation, link: int, policy: Policy) -> Pair | SourceError:
        """The right side of a link beside the head of its chain."""
        elaborator = Elaborator(self.table, dict(equation.axes), policy)
        left, right = self._values(elaborator, (equation.head, equation.members[link + 1]))
        return self._pair(equation, elaborator, left, right, equation.members[link + 1])

    def _values(self, elaborator: Elaborator, members: Iterable[Node]) -> list[Value | SourceError]:
        values: list[Value | SourceError] = []
        for member in members:
            try:
                values.append(elaborator.value(member))
            except SourceError as error:
                values.append(error)
        return [settle(value, values[0], elaborator, self.table) for value in values]

    def _pair(
        self,
        equation: Equation,
        elaborator: Elaborator,
        left: Value | SourceError,
        right: Value | SourceError,
        node: Node,
    ) -> Pair | SourceError:
        for side in (left, right):
            if isinstance(side, SourceError):
                return side
        assert isinstance(left, Value) and isinstance(right, Value)
        if right.slots and len(left.slots) != len(right.slots):
            return SourceError(_shapes_differ(left, right), span_of(node))
        try:
            first, second, slots = self.table.shapes.align(left, right)
        except ShapeError:
            return SourceError("the two sides have different axes", span_of(node))
        indices = [(s.symbol, s.axis) for s in slots]
        fixed = self.graph.selectors
        letters = {x.symbol: x.axis for name, x in elaborator.free.items() if name not in fixed}
        used = first.free_symbols | second.free_symbols
        indices += [(symbol, axis) for symbol, axis in letters.items() if symbol in used]
        stray = tuple(s for s, _ in indices if s in second.free_symbols and s not in first.free_symbols)
        try:
            conditions = tuple(self._conditions(equation, elaborator))
        except SourceError as error:
            return error
        return Pair(
            first,
            second,
            tuple(s for s, _ in indices),
            tuple(axis.size for _, axis in indices),
            conditions,
            frozenset(elaborator.unknown),
            stray,
        )

    def _conditions(self, equation: Equation, elaborator: Elaborator) -> Iterator[tuple[Expr, Expr, bool]]:
        for condition in equation.conditions:
            delta = elaborator._equal(condition.first, condition.second, condition.first)
            if delta is not None and isinstance(delta.expr, sympy.KroneckerDelta):
                yield (*delta.expr.args[:2], condition.equal)


def _shapes_differ(left: Value, right: Value) -> str:
    names = {0: "a number", 1: "a vector", 2: "a matrix"}
    first, second = (names.get(len(v.slots), f"an array of {len(v.slots)} axes") for v in (left, right))
    return f"the left side is {first}, the right side {second}"


def settle(
    value: Value | SourceError, first: Value | SourceError, elaborator: Elaborator, table: Table
) -> Value | SourceError:
    """Match implicit axes with the letters that the rest of the equation writes."""
    if isinstance(value, SourceError) or not value.slots:
        return value
    for slot in value.slots:
        letters = [letter for letter in elaborator.free.values() if letter.axis.same(slot.axis)]
        if len(letters) > 1 and isinstance(first, Value):
            letters = [letter for letter in letters if letter.symbol in first.expr.free_symbols]
        if len(letters) == 1:
            table.tell(f"an index that was left out is {letters[0].symbol.name}, as on the other side")
            value = value.rename(slot.symbol, letters[0].symbol)
    return value
