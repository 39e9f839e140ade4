"""Values: expressions with implicit axes.

``x_i`` is a scalar for each i; a bare ``x`` is an array whose axis nobody wrote. A `Value` keeps such axes as *slots*,
index symbols that wait to be matched: elementwise with another value's, by a sum, or with a letter of the equation.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Symbol

from derive.language import bound, total


@dataclass(frozen=True)
class Axis:
    """An index range: an identity and the number of its values."""

    id: int
    size: Expr


@dataclass(frozen=True)
class Slot:
    """An implicit index over an axis."""

    symbol: Symbol
    axis: Axis


class ShapeError(ValueError):
    """Two values whose axes do not fit together."""


@dataclass(frozen=True)
class Value:
    """A scalar expression for each value of its slots; ``row`` marks a vector written with a transpose."""

    expr: Expr
    slots: tuple[Slot, ...] = ()
    row: bool = False

    def rename(self, old: Symbol, new: Symbol) -> Value:
        """The value with one slot's index replaced by another symbol; the slot is gone."""
        return Value(
            self.expr.xreplace({old: new}), tuple(s for s in self.slots if s.symbol is not old), self.row
        )

    def transpose(self) -> Value:
        if len(self.slots) == 1:
            return Value(self.expr, self.slots, not self.row)
        return Value(self.expr, tuple(reversed(self.slots)))


def fresh_slot(axis: Axis) -> Slot:
    return Slot(bound("i"), axis)


def align(a: Value, b: Value) -> tuple[Expr, Expr, tuple[Slot, ...]]:
    """Both expressions over common slots: equal axes are identified in order, the smaller value is broadcast.

    Raises `ShapeError` where neither's axes are among the other's.
    """
    if len(b.slots) > len(a.slots):
        right, left, slots = align(b, a)
        return left, right, slots
    mapping: dict[Symbol, Symbol] = {}
    free = list(a.slots)
    for slot in b.slots:
        match = next((s for s in free if s.axis.id == slot.axis.id), None)
        if match is None:
            raise ShapeError("the axes of the two sides do not fit")
        free.remove(match)
        mapping[slot.symbol] = match.symbol
    return a.expr, b.expr.xreplace(mapping), a.slots


def elementwise(a: Value, b: Value) -> Value:
    """The product entry by entry, with broadcasting."""
    left, right, slots = align(a, b)
    return Value(left * right, slots, (a.row or b.row) and len(slots) == 1)


def add(a: Value, b: Value) -> Value:
    left, right, slots = align(a, b)
    return Value(left + right, slots, (a.row or b.row) and len(slots) == 1)


def apply(value: Value, function: object) -> Value:
    """An elementwise function of a value."""
    return Value(function(value.expr), value.slots, value.row)  # type: ignore[operator]


def close(value: Value, slot: Slot) -> Value:
    """The sum over one slot."""
    rest = tuple(s for s in value.slots if s is not slot)
    return Value(total(value.expr, [(slot.symbol, slot.axis.size)]), rest)


def dot(a: Value, b: Value) -> Value:
    """The sum over the last axis of ``a`` and the first of ``b``."""
    if not a.slots or not b.slots or a.slots[-1].axis.id != b.slots[0].axis.id:
        raise ShapeError("the axes of a product do not fit")
    shared = a.slots[-1]
    right = b.rename(b.slots[0].symbol, shared.symbol)
    expr = total(a.expr * right.expr, [(shared.symbol, shared.axis.size)])
    return Value(expr, a.slots[:-1] + right.slots, bool(a.row and len(a.slots) == 1 and len(b.slots) == 2))


def outer(a: Value, b: Value) -> Value:
    """Column times row."""
    return Value(a.expr * b.expr, a.slots + b.slots)


def matrix_product(a: Value, b: Value) -> Value:
    """The product of linear algebra: row times column, matrix times vector, column times row."""
    if not a.slots or not b.slots:
        return Value(a.expr * b.expr, a.slots + b.slots, a.row or b.row)
    if len(a.slots) == 1 and len(b.slots) == 1 and not a.row:
        if b.row:
            return outer(a, b)
        raise ShapeError("a column times a column")
    if len(a.slots) == 1 and not a.row:
        raise ShapeError("a column times a matrix")
    if len(b.slots) == 1 and b.row:
        raise ShapeError("a matrix times a row")
    return dot(a, b)
