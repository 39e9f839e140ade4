"""The same entries in another arrangement: reshaping, transposing, stretching, products of matrices, Einstein sums."""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Expr, Integer, Symbol

from derive.code.arrays import (
    Array,
    Axis,
    axis,
    elementwise,
    factors,
    letter,
    mismatch,
    shape_text,
    size_of,
    summed,
)
from derive.code.faults import Fault, Mismatch, Unsupported
from derive.code.lengths import named


def axes_of(shape: Sequence[Expr], order: Sequence[str] = ()) -> tuple[Axis, ...]:
    """Axes for a shape; a product of sizes becomes factors, in the order in which the sizes were declared."""
    return tuple(axis(*size_factors(size, order)) for size in shape)


def size_factors(size: Expr, order: Sequence[str]) -> tuple[Expr, ...]:
    """A size as a product of sizes; a sum is a size of its own. Raises `Unsupported` for what may be 0 or less."""
    if size.is_Integer and size < 0:
        raise Fault(f"an axis of size {size}")
    if size.is_Integer or isinstance(size, Symbol):
        return (size,)
    if isinstance(size, sympy.Mul) and all(f.is_Integer or isinstance(f, Symbol) for f in size.args):
        known = {name: k for k, name in enumerate(order)}
        return tuple(sorted(size.args, key=lambda f: (known.get(str(f), -1), str(f))))
    return (named(size),)


def reshaped(array: Array, shape: Sequence[Expr]) -> Array:
    """The entries in order in another shape; one size may be -1."""
    whole = sympy.Mul(*array.sizes)
    known = sympy.Mul(*(n for n in shape if n != -1))
    sizes = [sympy.cancel(whole / known) if n == -1 else n for n in shape]
    if sum(n == -1 for n in shape) > 1 or sympy.expand(sympy.Mul(*sizes) - whole) != 0:
        listed = ", ".join(map(str, shape))
        more, fewer = sympy.fraction(sympy.cancel(whole / sympy.Mul(*sizes)))
        message = f"an array of shape {shape_text([array])} does not fit into ({listed})"
        raise Mismatch(message, (fewer,), tuple(sympy.Mul.make_args(more)), summed=True)
    rest = [factor for one in array.axes for factor in one]
    found = []
    for size in sizes:
        taken: list[tuple[Expr, Symbol]] = []
        while sympy.expand(size_of(tuple(taken)) - size) != 0:
            if not rest or len(taken) > len(array.sizes):
                raise Unsupported("reshaping that cuts through an axis")
            taken.append(rest.pop(0))
        found.append(tuple(taken))
    return array.with_axes(found)


def permuted(array: Array, places: Sequence[int]) -> Array:
    """The axes in another order."""
    rank = array.rank
    if sorted(k % rank if -rank <= k < rank else -1 for k in places) != list(range(rank)):
        raise Fault(f"{tuple(places)} is no order of {rank} axes")
    return array.with_axes(array.axes[k] for k in places)


def swapped(array: Array, first: int, second: int) -> Array:
    places = list(range(array.rank))
    places[first], places[second] = places[second], places[first]
    return permuted(array, places)


def widened(array: Array, place: int) -> Array:
    """With an axis of size 1 put in."""
    axes = list(array.axes)
    axes.insert(place % (array.rank + 1), ())
    return array.with_axes(axes)


def squeezed(array: Array, places: Sequence[int] | None) -> Array:
    """Without axes of size 1: all of them, or those named."""
    if places is None:
        return array.with_axes(one for one in array.axes if one)
    gone = {k % array.rank for k in places}
    if any(array.axes[k] for k in gone):
        raise Fault("only axes of size 1 can be taken out")
    return array.with_axes(one for k, one in enumerate(array.axes) if k not in gone)


def stretched(array: Array, axes: Sequence[Axis]) -> Array:
    """Broadcast to given axes."""
    if array.rank > len(axes):
        raise Fault(f"{shape_text([array])} has more axes than it shall be stretched to")
    for own, other in zip(reversed(array.axes), reversed(axes), strict=False):
        if own and factors(own) != factors(other):
            raise mismatch(own, other, f"{shape_text([array])} cannot be stretched to the shape asked for")
    return Array(tuple(axes), array.over(axes), array.kind, array.limit)


def repeated(array: Array, counts: Sequence[Expr]) -> Array:
    """Whole copies side by side, along axes of size 1 (``np.tile``)."""
    rank = max(array.rank, len(counts))
    axes = [()] * (rank - array.rank) + list(array.axes)
    times = [Integer(1)] * (rank - len(counts)) + list(counts)
    for k, n in enumerate(times):
        if n != 1:
            axes[k] = (*axis(*size_factors(n, ())), *axes[k])
    return array.with_axes(axes)


# -- products --------------------------------------------------------------------------------------------------------


def matmul(a: Array, b: Array) -> Array:
    """``a @ b``: summed over the last axis of a and the last but one of b, broadcast over the axes before."""
    a, b = _numbers(a).fresh(), _numbers(b).fresh()
    if not a.rank or not b.rank:
        raise Fault("a matrix product with a number")
    left, right = a.axes[-1], b.axes[-2] if b.rank > 1 else b.axes[-1]
    if factors(left) != factors(right):
        raise mismatch(left, right, f"the inner sizes of a matrix product differ: {shape_text([a, b])}", summed=True)
    joined = {j: i for (_, i), (_, j) in zip(left, right, strict=True)}
    batch = _batch(a, b)
    rows, columns = a.axes[-2:-1], b.axes[-1:] if b.rank > 1 else ()
    first = Array(a.axes[:-2], a.expr).over(batch)
    second = Array(b.axes[:-2], b.expr.xreplace(joined)).over(batch)
    return Array((*batch, *rows, *columns), summed(first * second, left))


def _batch(a: Array, b: Array) -> tuple[Axis, ...]:
    fronts = [Array(each.axes[:-2], Integer(0)) for each in (a, b)]
    return elementwise(lambda *_: Integer(0), fronts).axes


def dot(a: Array, b: Array) -> Array:
    """``np.dot``: a multiple for a number, else summed over the last axis of a and the last but one of b, with all
    other axes side by side."""
    if not a.rank or not b.rank:
        return elementwise(lambda p, q: p * q, [a, b])
    if b.rank <= 2:
        return matmul(a, b) if a.rank <= 2 or b.rank == 2 else tensordot(a, b, ([-1], [-1]))
    return tensordot(a, b, ([-1], [-2]))


def tensordot(a: Array, b: Array, places: tuple[Sequence[int], Sequence[int]]) -> Array:
    """Summed over pairs of axes, the others side by side."""
    a, b = _numbers(a).fresh(), _numbers(b).fresh()
    first, second = [k % a.rank for k in places[0]], [k % b.rank for k in places[1]]
    joined: dict[Symbol, Symbol] = {}
    for k, m in zip(first, second, strict=True):
        if factors(a.axes[k]) != factors(b.axes[m]):
            raise mismatch(a.axes[k], b.axes[m], f"the axes that are summed over differ: {shape_text([a, b])}")
        joined |= {j: i for (_, i), (_, j) in zip(a.axes[k], b.axes[m], strict=True)}
    rest = [one for k, one in enumerate(a.axes) if k not in first]
    rest += [one for k, one in enumerate(b.axes) if k not in second]
    return Array(tuple(rest), summed(a.expr * b.expr.xreplace(joined), [f for k in first for f in a.axes[k]]))


def outer(a: Array, b: Array) -> Array:
    """Every entry of a times every entry of b, both read as vectors."""
    first, second = (reshaped(each, [Integer(-1)]) for each in (a, b))
    return elementwise(lambda p, q: p * q, [widened(first, 1), second])


def einsum(spec: str, arrays: Sequence[Array]) -> Array:
    """An Einstein sum over letters; ``...`` is not read."""
    inputs, arrow, output = spec.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if not arrow:
        output = "".join(sorted(c for c in set(inputs) - {","} if inputs.count(c) == 1))
    if "." in spec:
        raise Unsupported("an Einstein sum with ...")
    if len(terms) != len(arrays):
        raise Fault(f"{len(arrays)} operands for {spec!r}")
    axes: dict[str, Axis] = {}
    product: Expr = Integer(1)
    for term, array in zip(terms, arrays, strict=True):
        product = product * _einsum_factor(term, _numbers(array).fresh(), axes)
    if not set(output) <= set(axes) or len(set(output)) != len(output):
        raise Fault(f"{spec!r} asks for letters that no operand has")
    gone = [factor for name, one in axes.items() if name not in output for factor in one]
    return Array(tuple(axes[name] for name in output), summed(product, gone))


def _einsum_factor(term: str, array: Array, axes: dict[str, Axis]) -> Expr:
    """An operand's entry over the letters of the axes that are named so far."""
    if len(term) != array.rank:
        raise Fault(f"{term!r} for an array of {array.rank} axes")
    renamed: dict[Symbol, Symbol] = {}
    for name, one in zip(term, array.axes, strict=True):
        known = axes.setdefault(name, one)
        if factors(known) != factors(one):
            raise mismatch(known, one, f"two sizes for {name!r}: {size_of(known)} and {size_of(one)}")
        renamed |= {i: j for (_, i), (_, j) in zip(one, known, strict=True)}
    return array.expr.xreplace(renamed)


def _numbers(array: Array) -> Array:
    if array.kind == "index":
        raise Unsupported("arithmetic with labels or indices")
    return array


# -- side by side ----------------------------------------------------------------------------------------------------


def stacked(arrays: Sequence[Array], place: int) -> Array:
    """Arrays of one shape along a new axis of a fixed number of places."""
    axes = elementwise(lambda *_: Integer(0), [_numbers(a) for a in arrays]).axes
    if any(a.rank != len(axes) or a.sizes != arrays[0].sizes for a in arrays):
        raise Fault(f"arrays of different shapes cannot be stacked: {shape_text(arrays)}")
    number = letter()
    expr = sympy.Add(*(sympy.KroneckerDelta(number, k + 1) * a.over(axes) for k, a in enumerate(arrays)))
    made = list(axes)
    made.insert(place % (len(axes) + 1), ((Integer(len(arrays)), number),) if len(arrays) > 1 else ())
    return Array(tuple(made), expr if len(arrays) > 1 else arrays[0].over(axes))


def joined(arrays: Sequence[Array], place: int) -> Array:
    """Arrays one behind the other along an axis; only blocks of equal size, whose number is fixed."""
    place %= arrays[0].rank
    if any(a.rank != arrays[0].rank for a in arrays):
        raise Fault(f"arrays of different ranks cannot be joined: {shape_text(arrays)}")
    if any(factors(a.axes[place]) != factors(arrays[0].axes[place]) for a in arrays):
        raise Unsupported("joining arrays of different lengths")
    made = stacked(arrays, 0)
    number, *axes = made.axes
    axes[place] = (*number, *axes[place])
    return made.with_axes(axes)
