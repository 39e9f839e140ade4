"""Symbolic arrays: an expression over index letters, and the axes that the letters run over.

An axis is a tuple of factors ``(size, letter)``, so that ``reshape`` and ``flatten`` keep sizes symbolic: the axis of
``x.reshape(N, -1)`` has the factors C, H and W. An axis of size 1 has no factors. Letters count from 1.

Arrays are values and never change. What a variable holds is a `Cell`: names that share storage share the cell, and a
view knows the cell that it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

import sympy
from sympy import Expr, Integer, Rational, Symbol

from derive.code.faults import Fault, Mismatch, Unsupported
from derive.code.lengths import opened
from derive.forward import entry
from derive.language import bound, refresh, total

Axis = tuple[tuple[Expr, Symbol], ...]
Kind = Literal["real", "whole", "bool", "index"]
"""``real``: floats. ``whole``: integers as numbers, which can store no fraction. ``bool``: 0 or 1. ``index``: positions
on an axis, of which only equality and use as an index have a meaning."""

_letters = count()


def letter(hint: str = "i") -> Symbol:
    """A new index letter."""
    return Symbol(f"{hint}{next(_letters)}", integer=True)


def axis(*sizes: Expr) -> Axis:
    """An axis with new letters; factors of size 1 disappear."""
    return tuple((size, letter()) for size in sizes if size != 1)


def size_of(one: Axis) -> Expr:
    """The number of places on an axis."""
    return sympy.Mul(*(size for size, _ in one))


def factors(one: Axis) -> tuple[Expr, ...]:
    return tuple(size for size, _ in one)


@dataclass(frozen=True, eq=False)
class Array:
    """An immutable array.

    Attributes:
        axes: its axes, see the module.
        expr: an entry, over the letters of the axes.
        kind: what the entries are.
        limit: for ``index``, the size of the axis whose positions these are, where that is known.
    """

    axes: tuple[Axis, ...]
    expr: Expr
    kind: Kind = "real"
    limit: Expr | None = None

    @property
    def shape(self) -> tuple[Expr, ...]:
        return tuple(map(size_of, self.axes))

    @property
    def rank(self) -> int:
        return len(self.axes)

    @property
    def letters(self) -> tuple[Symbol, ...]:
        return tuple(i for one in self.axes for _, i in one)

    @property
    def sizes(self) -> tuple[Expr, ...]:
        return tuple(n for one in self.axes for n, _ in one)

    def fresh(self) -> Array:
        """The same array with letters of its own, so that it can be put beside itself."""
        renamed = {i: letter() for i in self.letters}
        axes = tuple(tuple((n, renamed[i]) for n, i in one) for one in self.axes)
        return Array(axes, refresh(self.expr).xreplace(renamed), self.kind, self.limit)

    def over(self, axes: Sequence[Axis]) -> Expr:
        """An entry over the letters of other axes of the same sizes, aligned at the right; axes of size 1 stretch."""
        renamed: dict[Symbol, Symbol] = {}
        for own, other in zip(reversed(self.axes), reversed(axes), strict=False):
            if own:
                renamed |= {i: j for (_, i), (_, j) in zip(own, other, strict=True)}
        return refresh(self.expr).xreplace(renamed)

    def of_kind(self, kind: Kind) -> Array:
        return Array(self.axes, self.expr, kind, self.limit)

    def with_axes(self, axes: Iterable[Axis]) -> Array:
        return Array(tuple(axes), self.expr, self.kind, self.limit)


class Cell:
    """The storage of a variable: names that alias one another share it.

    Attributes:
        version: how often it was changed.
        base: for a view, the cell that it looks at.
        whole: whether a view looks at all of its base: another name, through which one may store.
    """

    def __init__(self, array: Array, base: Cell | None = None, whole: bool = False) -> None:
        self.held = array
        self.version = 0
        self.base = base
        self.whole = whole
        self._seen = base.version if base is not None else 0

    @property
    def array(self) -> Array:
        """What it holds now."""
        if self.whole and self.base is not None and self.is_stale():
            self.held, self._seen = self.base.array, self.base.version
        return self.held

    def put(self, array: Array) -> None:
        """Change what is stored, which every alias sees."""
        if self.base is not None:
            self.base.put(array)
            self._seen = self.base.version
        self.held = array
        self.version += 1

    def is_stale(self) -> bool:
        """Whether what a view looks at was changed since."""
        return self.base is not None and (self.base.version != self._seen or self.base.is_stale())

    def can_be_stored_into(self) -> bool:
        """Whether storing here is storing into something that has a name."""
        return self.base is None or (self.whole and self.base.can_be_stored_into())


def scalar(value: int | float | Expr) -> Array:
    """A number as an array without axes; a float has the value that its digits say."""
    if isinstance(value, bool):
        return Array((), Integer(int(value)), "bool")
    if isinstance(value, int):
        return Array((), Integer(value), "whole")
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise Unsupported("infinities and NaN have no place in a proof")
        return Array((), Rational(repr(value)), "real")
    if not all(each.is_positive for each in value.free_symbols):
        raise Unsupported("arithmetic with the number of a round", hint="Only indices are computed from it.")
    return Array((), value, "whole" if value.is_integer else "real")


def inputs(name: str, axes: Sequence[Axis], kind: Kind = "real") -> Array:
    """The array whose entries are the data ``name``."""
    made = Array(tuple(axes), Integer(0), kind)
    return Array(made.axes, entry(name, made.letters), kind)


def shape_text(arrays: Iterable[Array]) -> str:
    """Shapes for a message: ``(N, D) and (D, N)``."""
    return " and ".join(_tuple_text(each.shape) for each in arrays)


def _tuple_text(shape: Sequence[Expr]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


# -- together --------------------------------------------------------------------------------------------------------


def common_axes(arrays: Sequence[Array]) -> tuple[Axis, ...]:
    """The axes to which arrays broadcast, with letters of their own."""
    rank = max(each.rank for each in arrays)
    return tuple(_common_axis(arrays, k - rank) for k in range(rank))


def _common_axis(arrays: Sequence[Array], place: int) -> Axis:
    """The axis ``place`` (counted from the right, so negative) that all arrays have or stretch to."""
    chosen: Axis = ()
    for each in arrays:
        own = each.axes[place] if -place <= each.rank else ()
        if own and not chosen:
            chosen = axis(*factors(own))
        elif own and factors(own) != factors(chosen):
            raise mismatch(own, chosen, f"these shapes do not go together: {shape_text(arrays)}")
    return chosen


def mismatch(one: Axis, other: Axis, message: str, summed: bool = False) -> Fault | Unsupported:
    """Two axes that should be one: of another size, or of the same size in another order of factors."""
    if opened(size_of(one) - size_of(other)) == 0:
        return Unsupported("two axes of the same length whose entries are in a different order, or may be")
    return Mismatch(message, factors(one), factors(other), summed)


def elementwise(function: Callable[..., Expr], arrays: Sequence[Array], kind: Kind = "real") -> Array:
    """A function of the entries of arrays, broadcast."""
    for each in arrays:
        if each.kind == "index":
            raise Unsupported("arithmetic with labels or indices", hint="Only comparing and indexing with them is.")
    axes = common_axes(arrays)
    return Array(axes, function(*(each.over(axes) for each in arrays)), kind)


def summed(expr: Expr, letters: Iterable[tuple[Expr, Symbol]]) -> Expr:
    """An expression summed over letters; where it does not depend on one, a multiple."""
    for size, own in letters:
        if not expr.has(own):
            expr = expr * size
        elif size.is_Integer and expr.has(sympy.KroneckerDelta):
            expr = sympy.Add(*(refresh(expr).xreplace({own: Integer(k + 1)}) for k in range(int(size))))
        else:
            dummy = bound("k")
            apart, rest = expr.as_independent(own) if expr.is_Mul and expr.has(sympy.KroneckerDelta) else (1, expr)
            expr = apart * total(rest.xreplace({own: dummy}), [(dummy, size)])
    return expr


def reduce(array: Array, places: Sequence[int], keep: bool, mean: bool = False) -> Array:
    """The sum, or the mean, over some axes."""
    array = array.fresh()
    gone = [factor for k in places for factor in array.axes[k]]
    expr = summed(array.expr, gone)
    if mean:
        expr = expr / sympy.Mul(*(n for n, _ in gone))
    kind: Kind = "whole" if array.kind in ("whole", "bool") and not mean else "real"
    return Array(without(array.axes, places, keep), expr, kind)


def without(axes: Sequence[Axis], places: Sequence[int], keep: bool) -> tuple[Axis, ...]:
    """Axes after a reduction over some of them."""
    if keep:
        return tuple(() if k in places else one for k, one in enumerate(axes))
    return tuple(one for k, one in enumerate(axes) if k not in places)


def stacked_numbers(numbers: Sequence[int | Expr]) -> Array:
    """A vector of fixed numbers."""
    own = axis(Integer(len(numbers)))
    values = [sympy.sympify(n) for n in numbers]
    if not own:
        return Array((own,), values[0], "whole")
    place = own[0][1]
    return Array((own,), sympy.Add(*(sympy.KroneckerDelta(place, k + 1) * n for k, n in enumerate(values))), "whole")
