"""Places that are computed: ``x[i * stride + k]``, ``x[pad:-pad]``, ``x[i * stride : i * stride + HH]``.

What is picked from an axis is a sum over its places against a *selection*, 1 at the place that is picked and 0 at all
others: ``x[e(i, k)]`` is ``sum_p S[p, i, k] x[p]`` with ``S[p, i, k] = [p = e(i, k)]``, and a store is the same turned
round. A convolution and its gradient hold whatever S is, so S is data: what is proved of every S is proved of this one.
What is refuted is not, so that a refutation needs the second judge.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Expr, Symbol

from derive.code.arrays import Array, Axis, axis, size_of, summed
from derive.code.faults import Fault, Unsupported
from derive.code.layout import size_factors
from derive.code.lengths import at_least, opened
from derive.code.trace import Trace

Factor = tuple[Expr, Symbol]


def selection(own: Factor, place: Expr, inside: Sequence[Factor], trace: Trace) -> Expr:
    """1 where the letter of an axis is at a place counted from 0, which is affine in loops' and further letters.

    Raises `Unsupported` where the place may lie outside of the axis.
    """
    size, at = own
    letters = [(n, i) for n, i in (*((n, i) for i, n in trace.loops), *inside) if place.has(i)]
    place = opened(place)
    steps = {i: place.coeff(i) for _, i in letters}
    start = sympy.expand(place - sum(step * i for i, step in steps.items()))
    if steps and any(each.has(*steps) for each in (start, *steps.values())):
        raise Unsupported("an index that is computed from labels or products of rounds")
    _check_inside(size, place, letters, steps)
    letters.sort(key=lambda factor: (str(steps[factor[1]]), str(factor[0])))
    taken = ", ".join(f"{steps[i]} * {n}" for n, i in letters)
    return trace.window(f"{size}: {start} + ({taken})", ((size, at), *letters))


def _check_inside(size: Expr, place: Expr, letters: Sequence[Factor], steps: dict[Symbol, Expr]) -> None:
    """Whether a place is on the axis in every round."""
    first, last = place, place
    for n, i in letters:
        if not steps[i].is_nonnegative:
            raise Unsupported("an index that goes down as a loop goes on")
        first, last = first.subs(i, 1), last.subs(i, n)
    if not opened(first).is_nonnegative or not at_least(size - 1 - last).is_nonnegative:
        raise Unsupported(
            f"an index from {opened(first)} to {opened(last)} on an axis of size {size}: it may be outside"
        )


def sliced(own: Axis, low: Expr, high: Expr, trace: Trace) -> tuple[Axis, Expr]:
    """The axis that a slice gives, and its selection."""
    low, high = (_from_start(end, own) for end in (low, high))
    length = sympy.expand(opened(high) - opened(low))
    if len(own) != 1 or length.free_symbols & {i for i, _ in trace.loops}:
        raise Unsupported(f"a slice from {low} to {high}")
    if length.is_nonpositive:
        raise Unsupported(f"a slice of {length} places")
    made = axis(*size_factors(length, ()))
    place = low + sum((i - 1) * size_of(made[k + 1 :]) for k, (_, i) in enumerate(made))
    return made, selection(own[0], place, made, trace)


def _from_start(end: Expr, own: Axis) -> Expr:
    """An end of a slice counted from the start; below 0 it is counted from the end."""
    return size_of(own) + end if end.is_negative else end


def padded(array: Array, sides: Sequence[tuple[Expr, Expr]], trace: Trace) -> Array:
    """An array with zeros before and behind each axis."""
    if len(sides) != array.rank:
        raise Fault(f"{len(sides)} widths for an array of {array.rank} axes")
    array = array.fresh()
    axes, expr = list(array.axes), array.expr
    for k, (before, behind) in enumerate(sides):
        if before == behind == 0:
            continue
        if len(axes[k]) != 1:
            raise Unsupported("padding an axis of size 1, or one that is several axes in one")
        ((size, at),) = axes[k]
        axes[k] = axis(*size_factors(size + before + behind, ()))
        (wide,) = axes[k]
        expr = summed(selection(wide, before + at - 1, [(size, at)], trace) * expr, [(size, at)])
    return Array(tuple(axes), expr)
