"""``a[...]``: reading and storing by slices, numbers, labels and masks.

An index is first made a *plan*: the axes of what it picks, and for each axis of the array the place that is picked on
it, as an expression over the letters of the plan. Reading puts the places in; storing turns the plan round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Integer, KroneckerDelta, Symbol

from derive.code.arrays import Array, Axis, common_axes, factors, size_of, summed
from derive.code.faults import Fault, Unsupported
from derive.code.lengths import opened
from derive.code.masks import either
from derive.code.trace import Trace
from derive.code.windows import Factor, selection, sliced
from derive.language import delta

Item = object
"""None, Ellipsis, a slice, an integer, a size, or an `Array` of labels, positions or truth values."""


@dataclass
class Plan:
    """What an index picks.

    Attributes:
        axes: the axes of what is picked.
        places: for letters of the array the place that is picked; letters that are not here stay as they are.
        windows: for letters of the array whose place is computed the selection, and the axis that is picked.
        advanced: the axes over which arrays of indices run.
        is_view: whether NumPy would give a view.
    """

    axes: list[Axis] = field(default_factory=list)
    places: dict[Symbol, Expr] = field(default_factory=dict)
    windows: list[tuple[Factor, Expr, Axis]] = field(default_factory=list)
    advanced: tuple[Axis, ...] = ()
    is_view: bool = True

    def gathered(self, expr: Expr) -> Expr:
        """An entry of the array at the places that are computed."""
        for own, chosen, _ in self.windows:
            expr = summed(chosen * expr, [own])
        return expr

    def scattered(self, expr: Expr) -> Expr:
        """An entry of what is picked brought back to the places that it comes from, 0 at all others."""
        for _, chosen, made in self.windows:
            expr = summed(chosen * expr, made)
        return expr


def read(array: Array, items: Sequence[Item], trace: Trace) -> tuple[Array, bool]:
    """What an index picks, and whether it is a view."""
    if is_mask_index(items):
        raise Unsupported("reading the entries under a mask", hint="Multiply by the mask, or use where.")
    array = array.fresh()
    plan = planned(array, items, trace)
    if plan.windows and array.kind == "index":
        raise Unsupported("labels at places that are computed")
    made = Array(tuple(plan.axes), plan.gathered(array.expr.xreplace(plan.places)), array.kind, array.limit)
    return made, plan.is_view


def masked(array: Array, mask: Item) -> tuple[Array, Expr]:
    """An array and a mask for its entries, over the same letters."""
    assert isinstance(mask, Array)
    array = array.fresh()
    if [*map(factors, mask.axes)] != [*map(factors, array.axes[: mask.rank])]:
        raise Fault("a mask of another shape than the array")
    mask = mask.with_axes((*mask.axes, *([()] * (array.rank - mask.rank))))
    return array, mask.over(array.axes)


def store(array: Array, items: Sequence[Item], value: Array, trace: Trace) -> Array:
    """The array with a value stored at an index."""
    if is_mask_index(items):
        return under_mask(array, items[0], value, lambda _, new: new)
    array = array.fresh()
    plan = planned(array, items, trace)
    _check_value(value, plan)
    guard, back = _turned(array, plan)
    new = value.over(plan.axes).xreplace(back)
    if plan.windows:
        expr = array.expr * (1 - guard * plan.scattered(Integer(1))) + guard * plan.scattered(new)
    elif new == 0:
        expr = array.expr * (1 - guard)
    elif array.expr == 0:
        expr = guard * new
    else:
        fixed = {i: at for i, at in plan.places.items() if at.is_Integer and not trace.loops}
        expr = array.expr + sympy.expand(guard * sympy.expand(new - array.expr.xreplace(fixed)))
    return Array(array.axes, expr, array.kind, array.limit)


def increased(array: Array, items: Sequence[Item], value: Array, trace: Trace) -> Array:
    """The array with a value added at an index."""
    array = array.fresh()
    plan = planned(array, items, trace)
    _check_value(value, plan)
    guard, back = _turned(array, plan)
    share = plan.scattered(value.over(plan.axes).xreplace(back))
    return Array(array.axes, array.expr + sympy.expand(guard * share), array.kind, array.limit)


def under_mask(array: Array, mask: Item, value: Array, change: Callable[[Expr, Expr], Expr]) -> Array:
    """The array with its entries changed by a number where a mask holds."""
    if value.rank:
        raise Unsupported("storing an array under a mask", hint="Use where.")
    array, condition = masked(array, mask)
    return Array(array.axes, either(condition, change(array.expr, value.expr), array.expr), array.kind)


def added_at(array: Array, items: Sequence[Item], value: Array, trace: Trace) -> Array:
    """``np.add.at``: every value is added, also where several go to one place."""
    array = array.fresh()
    plan = planned(array, items, trace)
    _check_value(value, plan)
    if plan.windows:
        raise Unsupported("adding at places that are computed")
    own = [factor for one in plan.advanced for factor in one]
    guard = sympy.Mul(
        *(delta(i, at) if isinstance(at, Symbol) else KroneckerDelta(i, at) for i, at in plan.places.items())
    )
    return Array(array.axes, array.expr + summed(guard * value.over(plan.axes), own), array.kind)


def is_mask_index(items: Sequence[Item]) -> bool:
    return len(items) == 1 and isinstance(items[0], Array) and items[0].kind == "bool"


def _check_value(value: Array, plan: Plan) -> None:
    """A value must fit what it is stored in; axes of size 1 in front are dropped."""
    if value.rank > len(plan.axes):
        raise Fault("a value with more axes than the place where it is stored")
    for own, other in zip(reversed(value.axes), reversed(plan.axes), strict=False):
        if own and factors(own) != factors(other):
            raise Fault(f"a value with an axis of {size_of(own)} is stored where {size_of(other)} is")


def _turned(array: Array, plan: Plan) -> tuple[Expr, dict[Symbol, Expr]]:
    """The condition for a place to be stored at, and the plan's letters by those of the array.

    Raises `Unsupported` where two values could go to one place: which one stays is not said.
    """
    own = {i for one in plan.advanced for _, i in one}
    back: dict[Symbol, Expr] = {}
    for i, at in plan.places.items():
        if at in own and at not in back:
            back[at] = i
    if own - set(back):
        raise Unsupported("several values may be stored at one place", hint="np.add.at adds all of them.")
    guard: Expr = Integer(1)
    for i, at in plan.places.items():
        if back.get(at) != i:
            at = at.xreplace(back)
            guard = guard * (delta(i, at) if isinstance(at, Symbol) else KroneckerDelta(i, at))
    return guard, back


# -- the plan --------------------------------------------------------------------------------------------------------


def planned(array: Array, items: Sequence[Item], trace: Trace) -> Plan:
    """The plan of an index into an array, whose letters are its own."""
    items = _filled(items, array.rank)
    arrays = [item for item in items if isinstance(item, Array)]
    plan = Plan()
    if any(item.rank for item in arrays):
        plan.is_view = False
        plan.advanced = common_axes([a.fresh() for a in arrays])
    where: list[int] = []  # the places among the plan's axes at which arrays of indices stand
    axes = iter(array.axes)
    for item in items:
        if item is None:
            plan.axes.append(())
            continue
        own = next(axes)
        if isinstance(item, slice):
            plan.axes.extend(_sliced(own, item, plan, trace))
        else:
            _pick(own, item, plan, trace)
            if plan.advanced and isinstance(item, Array | int | Expr):
                where.append(len(plan.axes))
    if plan.advanced:
        at = where[0] if len(set(where)) == 1 else 0
        plan.axes[at:at] = plan.advanced
    return plan


def _filled(items: Sequence[Item], rank: int) -> list[Item]:
    """An item for every axis."""
    used = sum(item is not None and item is not Ellipsis for item in items)
    if used > rank:
        raise Fault(f"{used} indices for an array of {rank} axes")
    missing: list[Item] = [slice(None)] * (rank - used)
    for k, item in enumerate(items):
        if item is Ellipsis:
            return [*items[:k], *missing, *items[k + 1 :]]
    return [*items, *missing]


def _pick(own: Axis, item: Item, plan: Plan, trace: Trace) -> None:
    """One place of an axis."""
    size = size_of(own)
    item = _computed(item, size, trace)
    if isinstance(item, Expr) and not item.is_Integer:
        if len(own) != 1:
            raise Unsupported("a place that is computed, of an axis that is several axes in one")
        place = size + item if item.is_negative else item
        plan.windows.append((own[0], selection(own[0], place, (), trace), ()))
        return
    if isinstance(item, Array):
        if item.kind != "index":
            what = "a mask among other indices" if item.kind == "bool" else "an index that is no integer"
            raise Unsupported(what) if item.kind in ("bool", "whole") else Fault(what)
        trace.select(item, size)
        at = item.over(plan.advanced) if item.rank else item.expr
    elif isinstance(item, bool) or not isinstance(item, int | Expr):
        raise Fault("an index that is no integer")
    else:
        at = _counted(Integer(item) if isinstance(item, int) else item, size)
    places = list(at.args) if isinstance(at, sympy.Tuple) else [at]
    if len(places) != len(own) and own:
        raise Unsupported("one place of an axis that is several axes in one")
    plan.places |= {i: place for (_, i), place in zip(own, places, strict=False)}


def _computed(item: Item, size: Expr, trace: Trace) -> Item:
    """The number of a round where it is no position on the axis, or the position where a computed place is one."""
    rounds = dict(trace.loops)
    if isinstance(item, Array) and item.expr in rounds and opened(size - rounds[item.expr]) != 0:
        return item.expr - 1
    if isinstance(item, Expr) and item + 1 in rounds and opened(size - rounds[item + 1]) == 0:
        return Array((), item + 1, "index", size)
    return item


def _counted(place: Expr, size: Expr) -> Expr:
    """A place counted from 0, or backwards from -1, as one counted from 1."""
    if place.is_Integer and place < 0:
        if not size.is_Integer:
            raise Unsupported("an index counted from the end of an axis without a fixed size")
        place = size + place
    if not place.is_Integer:
        raise Unsupported("an index that is computed from sizes")
    if size.is_Integer and not 0 <= place < size:
        raise Fault(f"index {place} on an axis of size {size}")
    return place + 1


def _sliced(own: Axis, item: slice, plan: Plan, trace: Trace) -> list[Axis]:
    """An axis after a slice: all of it, one of the equal blocks of which it consists, or a window of it."""
    size = size_of(own)
    low = Integer(0) if item.start is None else sympy.sympify(item.start)
    high = size if item.stop is None else sympy.sympify(item.stop)
    if item.step not in (None, 1):
        raise Unsupported("a slice with a step")
    if low == 0 and opened(high - size) == 0:
        return [own]
    if own and own[0][0].is_Integer and len(own) > 1:
        block = size_of(own[1:])
        number = sympy.cancel(low / block)
        if number.is_Integer and sympy.expand(high - low - block) == 0:
            if not 0 <= number < own[0][0]:
                raise Fault(f"a slice from {low} to {high} of an axis of size {size}")
            plan.places[own[0][1]] = number + 1
            return [own[1:]]
    made, chosen = sliced(own, low, high, trace)
    plan.windows.append((own[0], chosen, made))
    return [made]
