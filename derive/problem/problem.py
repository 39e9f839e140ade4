"""A document's mathematics put together: symbol table, forward graph, equations.

A `Problem` can be asked for the two sides of any link of any equation as SymPy expressions, in each way that the page
leaves open.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import overload

import sympy
from sympy import Expr, Symbol

from derive.document import Document
from derive.forward import Graph, names_in
from derive.language import D, key_of, name_of
from derive.latex.syntax import Node, span_of
from derive.notation.conditions import compared_indices, equal_indices
from derive.notation.context import Gradients, Layout, Letter, Operand, Product, Reach, Slash
from derive.notation.elaborate import Elaborator, Policy
from derive.notation.equations import Equation
from derive.notation.table import Table
from derive.notation.values import Misfit, ShapeError, Slot, SquareShapes, Transposed, Value
from derive.probe.points import Claim
from derive.source import SourceError

PRODUCTS: tuple[Product, ...] = ("matrix", "elementwise")
GRADIENTS: tuple[Gradients, ...] = ("columns", "rows", "turned")
LAYOUTS: tuple[Layout, ...] = ("numerator", "denominator")


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
        restricted: whether it is claimed under a condition that is not among those.
        transposed: whether the right side was transposed, so as to have the left side's axes.
        equal: sizes that must be the same for the pair to have a meaning.
        values: numbers that are supposed for inputs; both sides have them already.
        positive: what is supposed to be positive.
        known: names of data that is supposed to have a property, with that.
    """

    left: Expr
    right: Expr
    indices: tuple[Symbol, ...]
    sizes: tuple[Expr, ...]
    conditions: tuple[tuple[Expr, Expr, bool], ...] = ()
    unknown: frozenset[str] = frozenset()
    stray: tuple[Symbol, ...] = ()
    restricted: bool = False
    transposed: bool = False
    equal: tuple[tuple[Expr, Expr], ...] = ()
    values: tuple[tuple[Expr, Expr], ...] = ()
    positive: tuple[Expr, ...] = ()
    known: tuple[tuple[str, str], ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """The names in both sides."""
        return names_in(self.left) | names_in(self.right)

    @cached_property
    def derivatives(self) -> frozenset[Expr]:
        """The derivatives that both sides write."""
        return frozenset(self.left.atoms(D) | self.right.atoms(D))

    @cached_property
    def beside(self) -> tuple[Expr, Expr]:
        """Both sides with 1 for each derivative: what they use of a name is not how something moves with it."""
        ones = dict.fromkeys(self.derivatives, sympy.Integer(1))
        return self.left.xreplace(ones), self.right.xreplace(ones)

    @property
    def claim(self) -> Claim:
        """The pair as the probe takes it."""
        return Claim(
            self.left,
            self.right,
            self.indices,
            self.sizes,
            conditions=self.conditions,
            equal=self.equal,
            positive=self.positive,
        )

    def variables_of(self, loss: str) -> set[str]:
        """The names that the loss is differentiated by."""
        symbol = Symbol(loss, real=True)
        return {name_of(d.args[1]) for d in self.derivatives if d.args[0] == symbol}


@dataclass
class Problem:
    """Everything a document says.

    Attributes:
        derivatives: those that its claims write.
    """

    document: Document
    table: Table
    graph: Graph
    equations: list[Equation]
    assumptions: dict[str, Assumption]
    derivatives: frozenset[Expr] = frozenset()
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

    def sides(self, equation: Equation, policy: Policy) -> Sides:
        """The members of an equation, and the head of its chain, read under a policy."""
        elaborator = Elaborator(self.table, dict(equation.axes), policy, claimed=equation.role == "claim")
        members = equation.members if equation.previous is None else (*equation.members, equation.head)
        sets = {k + 1 for k, relation in enumerate(equation.relations) if relation == "\\in"}
        values = [_a_set(member) if k in sets else _value(elaborator, member) for k, member in enumerate(members)]
        settled = [settle(value, values[0], elaborator, self.table) for value in values]
        return Sides(self, equation, elaborator, settled)

    def policies(self, asked: set[str]) -> Iterator[Policy]:
        """The ways to answer the questions that a first reading raised, its own answers left out."""
        products: tuple[Product, ...] = ("elementwise", "matrix") if "product" in asked else ("elementwise",)
        slashes: tuple[Slash, ...] = ("tight", "loose", "whole") if "slash" in asked else ("tight",)
        layouts: tuple[Layout, ...] = ("numerator", "denominator") if "layout" in asked else ("numerator",)
        reaches: tuple[Reach, ...] = ("short", "long") if "reach" in asked else ("short",)
        rows: tuple[Gradients, ...] = ("columns", "rows") if self.has_row_gradients else ("columns",)
        operands: tuple[Operand, ...] = ("whole", "next") if "operand" in asked else ("whole",)
        ways = itertools.product(operands, rows, reaches, slashes, products, layouts)
        for operand, row, reach, slash, product, layout in ways:
            policy = Policy(product, slash, layout, reach, row, operand)
            if policy != Policy() and (product == "matrix" or layout == "numerator"):
                yield policy

    def doubtful(self, policy: Policy, asked: set[str]) -> Iterator[tuple[Policy, str]]:
        """Readings that a line hardly has, in which it is proved by nothing, with what they take for granted."""
        if "differential" in asked:
            yield replace(policy, differential="name"), "d is a name here, and no sign of a derivative"
        if "euler" in asked:
            yield replace(policy, euler="name"), "e is the name that the document defines, and not Euler's number"

    @cached_property
    def has_row_gradients(self) -> bool:
        """Whether the document writes derivatives of a number by a vector as rows: some claims have shapes that fit
        only so, and none has shapes that fit only otherwise."""
        claims = [e for e in self.equations if e.role == "claim" and e.error is None and e.members]
        fitting = [(self._fits(e, "columns"), self._fits(e, "rows")) for e in claims]
        return (False, True) in fitting and (True, False) not in fitting

    def _fits(self, equation: Equation, gradients: Gradients) -> bool:
        """Whether the sides of an equation have one shape, with products as in linear algebra."""
        for layout in LAYOUTS:
            with self.table.axes.trial():
                pairs = self.sides(equation, Policy("matrix", layout=layout, gradients=gradients)).like_pairs()
                self._heard.clear()
            if all(pairs):
                return True
        return False


@dataclass
class Sides:
    """The members of an equation as values, under one policy."""

    problem: Problem
    equation: Equation
    elaborator: Elaborator
    values: list[Value | SourceError]

    @property
    def asked(self) -> set[str]:
        """The questions that the page left open."""
        return self.elaborator.asked

    def pairs(self) -> list[Pair | SourceError]:
        """The links of the equation; one that cannot be read is its error."""
        return [self.pair(k, k + 1) for k in range(len(self.equation.members) - 1)]

    def like_pairs(self) -> list[bool]:
        """For each link whether its sides have a value and the same shape."""
        alike = []
        for k in range(len(self.equation.members) - 1):
            left, right = self.values[k : k + 2]
            ranks = [len(side.slots) for side in (left, right) if isinstance(side, Value)]
            alike.append(len(ranks) == 2 and ranks[0] == ranks[1] and isinstance(self.pair(k, k + 1), Pair))
        return alike

    def against_head(self, link: int) -> Pair | SourceError:
        """The right side of a link beside the head of its chain."""
        head = 0 if self.equation.previous is None else len(self.values) - 1
        return self.pair(head, link + 1)

    def pair(self, first: int, second: int) -> Pair | SourceError:
        """Two members as expressions over common indices."""
        left, right = self.values[first], self.values[second]
        for side in (left, right):
            if isinstance(side, SourceError):
                return side
        assert isinstance(left, Value) and isinstance(right, Value)
        place = span_of(self.equation.members[second])
        if right.slots and len(left.slots) != len(right.slots):
            return Misfit(_shapes_differ(left, right), place)
        transposed = False
        try:
            try:
                a, b, slots = self.elaborator.shapes.align(left, right)
            except Transposed:
                a, b, slots = self.elaborator.shapes.align(left, right.transpose())
                transposed = True
            conditions = tuple(self._conditions())
            a, b = (side * self._order() for side in (a, b))
        except ShapeError:
            return Misfit("the two sides have different axes", place)
        except SourceError as error:
            return error
        return replace(self._over_indices(a, b, slots, conditions), transposed=transposed)

    def square_pairs(self, link: int) -> list[Pair] | SourceError:
        """A link at sizes that are all the same, where there is no telling a matrix from its transpose by its shape:
        as it stands, and with the right side transposed."""
        left, right = self.values[link : link + 2]
        for side in (left, right):
            if isinstance(side, SourceError):
                return side
        assert isinstance(left, Value) and isinstance(right, Value)
        shapes = self.elaborator.shapes
        assert isinstance(shapes, SquareShapes)
        if right.slots and len(left.slots) != len(right.slots):
            return Misfit(_shapes_differ(left, right), span_of(self.equation.members[link + 1]))
        try:
            conditions = tuple(self._conditions())
        except SourceError as error:
            return error
        turned = [right, right.transpose()] if len(right.slots) == 2 else [right]
        pairs = [self._over_indices(*shapes.in_order(left, value), conditions) for value in turned]
        equal = tuple((a.size, b.size) for a, b in shapes.met)
        return [replace(pair, equal=equal) for pair in pairs]

    def _over_indices(
        self, left: Expr, right: Expr, slots: tuple[Slot, ...], conditions: tuple[tuple[Expr, Expr, bool], ...]
    ) -> Pair:
        indices = [(slot.symbol, slot.axis) for slot in slots]
        used = left.free_symbols | right.free_symbols
        for name, letter in self.elaborator.free.items():
            if name not in self.problem.graph.selectors and letter.symbol in used:
                indices.append((letter.symbol, letter.axis))
        stray = tuple(s for s, _ in indices if s in right.free_symbols and s not in left.free_symbols)
        sizes = tuple(axis.size for _, axis in indices)
        unknown = frozenset((self.elaborator.unknown - self.elaborator.variables) | self.elaborator.vague)
        used = len(conditions) + len(list(self._orders()))
        restricted = self.equation.restricted or used < len(self.equation.conditions)
        return Pair(left, right, tuple(s for s, _ in indices), sizes, conditions, unknown, stray, restricted)

    def _conditions(self) -> Iterator[tuple[Expr, Expr, bool]]:
        for condition in self.equation.conditions:
            if condition.relation not in ("=", "\\neq"):
                continue
            delta = equal_indices(self.elaborator, condition.first, condition.second, condition.first)
            if delta is not None and isinstance(delta.expr, sympy.KroneckerDelta):
                yield (*delta.expr.args[:2], condition.relation == "=")

    def _order(self) -> Expr:
        """1 where indices are in the order that the equation is claimed for, else 0: both sides are compared there."""
        return sympy.Mul(*self._orders())

    def _orders(self) -> Iterator[Expr]:
        for condition in self.equation.conditions:
            first, second = condition.first, condition.second
            order = None
            if any(map(self.elaborator.is_index, (first, second))):
                order = compared_indices(self.elaborator, first, condition.relation, second, first)
            if order is not None:
                yield order


def symmetrized(expr: Expr, names: Iterable[str]) -> Expr:
    """An expression with each entry of some matrices as half the sum of the two entries that mirror each other."""
    chosen = set(names)
    entries = {a for a in expr.atoms(sympy.Indexed) if name_of(a) in chosen and len(a.indices) == 2}
    return expr.xreplace({a: (a + a.base[a.indices[1], a.indices[0]]) / 2 for a in entries})


def _a_set(node: Node) -> SourceError:
    return SourceError("a set, and no value", span_of(node))


def _value(elaborator: Elaborator, node: Node) -> Value | SourceError:
    try:
        return elaborator.value(node)
    except SourceError as error:
        return error


def _shapes_differ(left: Value, right: Value) -> str:
    names = {0: "a number", 1: "a vector", 2: "a matrix"}
    first, second = (names.get(len(v.slots), f"an array of {len(v.slots)} axes") for v in (left, right))
    return f"the left side is {first}, the right side {second}"


@overload
def settle(value: Value, first: Value | SourceError, elaborator: Elaborator, table: Table) -> Value: ...


@overload
def settle(
    value: Value | SourceError, first: Value | SourceError, elaborator: Elaborator, table: Table
) -> Value | SourceError: ...


def settle(
    value: Value | SourceError, first: Value | SourceError, elaborator: Elaborator, table: Table
) -> Value | SourceError:
    """Match implicit axes with the letters that the rest of the equation writes."""
    if isinstance(value, SourceError) or not value.slots:
        return value
    samples = {a for a in value.expr.atoms(sympy.Indexed) if key_of(name_of(a)) in table.ranks.samples}
    found: dict[Symbol, Letter] = {}
    for slot in value.slots:
        if any(slot.symbol in sample.indices for sample in samples):
            continue  # a vector, and no entry whose index was left out
        letters = [letter for letter in elaborator.free.values() if letter.axis.same(slot.axis)]
        if len(letters) > 1 and isinstance(first, Value):
            letters = [letter for letter in letters if letter.symbol in first.expr.free_symbols]
        if len(letters) == 1:
            found[slot.symbol] = letters[0]
    if len(found) < len(value.slots):
        return value  # an array of which some axes stay open is written whole
    for symbol, letter in found.items():
        table.tell(f"an index that was left out is {letter.symbol.name}, as on the other side")
        value = value.rename(symbol, letter.symbol)
    return value
