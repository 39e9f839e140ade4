"""Values: expressions with implicit axes.

``x_i`` is a scalar for each i; a bare ``x`` is an array whose axes nobody wrote. A `Value` keeps such axes as *slots*,
index symbols that wait to be matched: elementwise with another value's, by a sum, or with a letter of the equation.

An `Axis` is an index range. Axes that turn out to be one are joined: the operations below join axes that must be equal
for an expression to make sense, unless the forward pass has settled that they are two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sympy import Expr, Symbol

from derive.language import arises_unreal, bound, total
from derive.source import SourceError


class Misfit(SourceError):
    """A place in a document where the axes of two values do not fit together."""


class ShapeError(ValueError):
    """Two values whose axes do not fit together."""


class Transposed(ShapeError):
    """Two values that have the same axes in another order."""


class NotReal(ShapeError):
    """An expression without a real value, of whatever shape."""

    def __init__(self) -> None:
        super().__init__("this has no real value: it divides by zero, or takes a root or logarithm that there is not")


@dataclass(eq=False)
class Axis:
    """An index range; joined axes share a root.

    Attributes:
        sizes: what the document says about the number of values; kept at the root.
        from_zero: upper limits of sums over it that start at 0.
        settled: whether the forward pass uses it, so that a claim cannot join it with another.
    """

    measure: Callable[[Axis], Expr]
    sizes: list[Expr] = field(default_factory=list)
    from_zero: list[Expr] = field(default_factory=list)
    settled: bool = False
    _parent: Axis | None = None

    @property
    def root(self) -> Axis:
        axis = self
        while axis._parent is not None:
            axis = axis._parent
        return axis

    @property
    def size(self) -> Expr:
        """The number of values."""
        return self.measure(self.root)

    def same(self, other: Axis) -> bool:
        return self.root is other.root

    def absorb(self, other: Axis) -> None:
        """Make another root a part of this one."""
        self.sizes += [n for n in other.sizes if n not in self.sizes]
        self.from_zero += [n for n in other.from_zero if n not in self.from_zero]
        self.settled = self.settled or other.settled
        other._parent = self


Join = Callable[[Axis, Axis], bool]
"""Whether two axes are, or can be made, one."""


@dataclass(frozen=True, eq=False)
class Slot:
    """An implicit index over an axis."""

    symbol: Symbol
    axis: Axis


@dataclass(frozen=True)
class Value:
    """A scalar expression for each value of its slots; ``row`` marks a vector written with a transpose."""

    expr: Expr
    slots: tuple[Slot, ...] = ()
    row: bool = False

    def __post_init__(self) -> None:
        """SymPy computes on with what is no real number (to it, 1/log 0 is 0): it has to be caught where it arises."""
        if arises_unreal(self.expr):
            raise NotReal

    def rename(self, old: Symbol, new: Symbol) -> Value:
        """The value with one slot's index replaced by another symbol; the slot is gone."""
        return Value(self.expr.xreplace({old: new}), tuple(s for s in self.slots if s.symbol is not old), self.row)

    def transpose(self) -> Value:
        if len(self.slots) == 1:
            return Value(self.expr, self.slots, not self.row)
        return Value(self.expr, tuple(reversed(self.slots)))


def fresh_slot(axis: Axis) -> Slot:
    return Slot(bound("i"), axis)


@dataclass(frozen=True)
class Shapes:
    """The operations on values, given a way to join axes."""

    join: Join

    def align(self, a: Value, b: Value) -> tuple[Expr, Expr, tuple[Slot, ...]]:
        """Both expressions over common slots: equal axes are identified in order, the smaller value is broadcast.

        Raises `ShapeError` where the axes of neither are among the other's, `Transposed` where their order differs.
        """
        if len(b.slots) > len(a.slots):
            right, left, slots = self.align(b, a)
            return left, right, slots
        free = list(a.slots)
        mapping: dict[Symbol, Symbol] = {}
        unmatched: list[Slot] = []
        for slot in b.slots:
            match = next((s for s in free if s.axis.same(slot.axis)), None)
            if match is None:
                unmatched.append(slot)
                continue
            free.remove(match)
            mapping[slot.symbol] = match.symbol
        if len(mapping) == len(a.slots) and list(mapping.values()) != [s.symbol for s in a.slots]:
            raise Transposed("one of two parts is the other's transpose, by its axes")
        for slot in reversed(unmatched):  # the last axes are those that broadcasting identifies
            if not free or not self.join(free[-1].axis, slot.axis):
                raise ShapeError("the axes of the two parts do not fit")
            mapping[slot.symbol] = free.pop().symbol
        return a.expr, b.expr.xreplace(mapping), a.slots

    def elementwise(self, a: Value, b: Value) -> Value:
        """The product entry by entry, with broadcasting."""
        left, right, slots = self.align(a, b)
        return Value(left * right, slots, (a.row or b.row) and len(slots) == 1)

    def add(self, a: Value, b: Value) -> Value:
        left, right, slots = self.align(a, b)
        return Value(left + right, slots, (a.row or b.row) and len(slots) == 1)

    def dot(self, a: Value, b: Value) -> Value:
        """The sum over the last axis of ``a`` and the first of ``b``."""
        if not a.slots or not b.slots or not self.meet(a.slots[-1].axis, b.slots[0].axis):
            raise ShapeError("the axes of a product do not fit")
        shared = fresh_slot(a.slots[-1].axis)
        left = a.rename(a.slots[-1].symbol, shared.symbol)
        right = b.rename(b.slots[0].symbol, shared.symbol)
        expr = total(left.expr * right.expr, [(shared.symbol, shared.axis.size)])
        return Value(expr, a.slots[:-1] + right.slots, bool(a.row and len(a.slots) == 1 and len(b.slots) == 2))

    def meet(self, a: Axis, b: Axis) -> bool:
        """Whether a product can sum over two axes together."""
        return self.join(a, b)

    def matrix_product(self, a: Value, b: Value) -> Value:
        """The product of linear algebra: row times column, matrix times vector, column times row."""
        if not a.slots or not b.slots:
            return Value(a.expr * b.expr, a.slots + b.slots, a.row or b.row)
        if len(a.slots) == 1 and len(b.slots) == 1 and not a.row:
            if b.row:
                return Value(a.expr * b.expr, a.slots + b.slots)
            raise ShapeError("a column times a column")
        if len(a.slots) == 1 and not a.row:
            raise ShapeError("a column times a matrix")
        if len(b.slots) == 1 and b.row:
            raise ShapeError("a matrix times a row")
        return self.dot(a, b)


@dataclass(frozen=True)
class SquareShapes(Shapes):
    """The operations at sizes that are all the same, where more of them have a meaning than at others.

    What is computed so says nothing about other sizes, and so proves nothing; but what is false there is false.

    Attributes:
        met: the pairs of axes that had to be equally long.
    """

    met: list[tuple[Axis, Axis]] = field(default_factory=list)

    def meet(self, a: Axis, b: Axis) -> bool:
        if not self.join(a, b):
            self.met.append((a, b))
        return True

    def matrix_product(self, a: Value, b: Value) -> Value:
        """As at any sizes where that has a meaning, else with a vector turned as the product needs it."""
        try:
            return super().matrix_product(a, b)
        except ShapeError:
            return self.dot(a, b)

    def align(self, a: Value, b: Value) -> tuple[Expr, Expr, tuple[Slot, ...]]:
        """As at any sizes where that has a meaning, else place by place from the last."""
        try:
            return super().align(a, b)
        except ShapeError:
            return self.in_order(a, b)

    def in_order(self, a: Value, b: Value) -> tuple[Expr, Expr, tuple[Slot, ...]]:
        """Both expressions over common slots, place by place from the last."""
        if len(b.slots) > len(a.slots):
            right, left, slots = self.in_order(b, a)
            return left, right, slots
        places = list(zip(reversed(a.slots), reversed(b.slots), strict=False))
        for own, other in places:
            self.meet(own.axis, other.axis)
        return a.expr, b.expr.xreplace({other.symbol: own.symbol for own, other in places}), a.slots


def apply(value: Value, function: Callable[[Expr], Expr]) -> Value:
    """An elementwise function of a value."""
    return Value(function(value.expr), value.slots, value.row)


def close(value: Value, slot: Slot) -> Value:
    """The sum over one slot, whose symbol stays free for others that share it."""
    rest = tuple(s for s in value.slots if s is not slot)
    letter = bound(slot.symbol.name)
    return Value(total(value.expr.xreplace({slot.symbol: letter}), [(letter, slot.axis.size)]), rest)


def mean(value: Value) -> Value:
    """The mean over the one axis that is open."""
    if len(value.slots) != 1:
        raise ShapeError("a mean over an axis that is not said")
    return apply(close(value, value.slots[0]), lambda u: u / value.slots[0].axis.size)
