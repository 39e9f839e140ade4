"""Functions that arrange entries anew: reshaping, transposing, joining, products of matrices."""

from __future__ import annotations

from collections.abc import Callable

import sympy
from sympy import Expr, Integer, Symbol

from derive.code import layout
from derive.code.arrays import Array, Cell, size_of
from derive.code.faults import Fault, Refine, Unsupported
from derive.code.indexing import added_at
from derive.code.layout import axes_of
from derive.code.library.rows import Call
from derive.code.values import Numbers, Value, as_array, is_number
from derive.code.windows import padded
from derive.language import size


def _view(call: Call, array: Array) -> Cell:
    return Cell(array, call.cell())


def _sizes(shape: tuple[Value, ...]) -> list[Expr]:
    return [sympy.sympify(n) for n in shape]


def _reshape(call: Call) -> Value:
    if call.get("order") not in (None, "C"):
        raise Unsupported("another order of entries than C")
    return _view(call, layout.reshaped(call.array(), _sizes(call.shape())))


def _ravel(call: Call) -> Value:
    return _view(call, layout.reshaped(call.array(), [Integer(-1)]))


def _flatten(call: Call) -> Value:
    """numpy's copies; torch's may begin at an axis."""
    array = call.array()
    first = call.number("start_dim", 0) % max(array.rank, 1)
    shape = [*array.shape[:first], Integer(-1)]
    return _view(call, layout.reshaped(array, shape))


def _transpose(call: Call) -> Value:
    array = call.array()
    axes = call.get("axes")
    if isinstance(axes, tuple) and len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list)):
        axes = axes[0]
    places = list(axes) if axes else list(reversed(range(array.rank)))
    if not all(isinstance(k, int) for k in places):
        raise Unsupported("axes that are no fixed numbers")
    return _view(call, layout.permuted(array, places))


def _torch_transpose(call: Call) -> Value:
    return _view(call, layout.swapped(call.array(), call.number("first"), call.number("second")))


def _t(call: Call) -> Value:
    array = call.array()
    if array.rank > 2:
        raise Fault("t() of an array of more than two axes")
    return _view(call, array.with_axes(reversed(array.axes)))


def _moveaxis(call: Call) -> Value:
    array = call.array()
    start, end = call.number("first") % array.rank, call.number("second") % array.rank
    places = [k for k in range(array.rank) if k != start]
    places.insert(end, start)
    return _view(call, layout.permuted(array, places))


def _widen(call: Call) -> Value:
    return _view(call, layout.widened(call.array(), call.number("axis")))


def _squeeze(call: Call) -> Value:
    array = call.array()
    if call.get("axis") is not None:
        return _view(call, layout.squeezed(array, call.places(array.rank)))
    for length in array.shape:
        if not length.is_Integer:
            call.machine.trace.assume(f"{length} is not 1")
    return _view(call, layout.squeezed(array, None))


def _broadcast_to(call: Call) -> Value:
    array, shape = call.array(), call.shape()
    kept = [array.shape[k - len(shape)] if n == -1 and len(shape) - k <= array.rank else n for k, n in enumerate(shape)]
    return layout.stretched(array, axes_of(_sizes(tuple(kept)), call.machine.order))


def _expand_as(call: Call) -> Value:
    return layout.stretched(call.array(), call.array("b").fresh().axes)


def _pad(call: Call) -> Value:
    """Zeros around an array."""
    array, widths = call.array(), call["widths"]
    if call.get("mode", "constant") != "constant" or as_array(call.get("constant_values", 0)).expr != 0:
        raise Unsupported("padding with other numbers than 0")
    sides = [_sides(width) for width in (widths if isinstance(widths, tuple | list) else (widths,))]
    if len(sides) == 2 and all(len(side) == 1 for side in sides):
        sides = [sides[0] + sides[1]]
    if len(sides) == 1:
        sides = sides * array.rank
    return padded(array, [(side[0], side[-1]) for side in sides], call.machine.trace)


def _sides(width: Value) -> tuple[Expr, ...]:
    """What is put before and behind an axis: two numbers, or one for both."""
    found = width if isinstance(width, tuple | list) else (width,)
    if len(found) not in (1, 2) or not all(map(is_number, found)):
        raise Unsupported("padding by widths that are no numbers")
    return tuple(map(sympy.sympify, found))


def _tile(call: Call) -> Value:
    return layout.repeated(call.array(), _sizes(call.shape("reps")))


def _matmul(call: Call) -> Value:
    return call.machine.hoisted(layout.matmul(call.array(), call.array("b")), call.line)


def _dot(call: Call) -> Value:
    return call.machine.hoisted(layout.dot(call.array(), call.array("b")), call.line)


def _outer(call: Call) -> Value:
    return layout.outer(call.array(), call.array("b"))


def _einsum(call: Call) -> Value:
    spec = call["spec"]
    if not isinstance(spec, str):
        raise Unsupported("an Einstein sum that is not written as a string")
    arrays = [as_array(each) for each in call["operands"]]
    return call.machine.hoisted(layout.einsum(spec, arrays), call.line)


def _tensordot(call: Call) -> Value:
    axes = call.get("axes", 2)
    if isinstance(axes, int):
        axes = (list(range(-axes, 0)), list(range(axes)))
    pairs = [list(each) if isinstance(each, tuple | list) else [each] for each in axes]
    return call.machine.hoisted(layout.tensordot(call.array(), call.array("b"), (pairs[0], pairs[1])), call.line)


def _arrays(call: Call) -> list[Array]:
    value = call["arrays"]
    if not isinstance(value, tuple | list) or not value:
        raise Unsupported(f"{call.name} of what is no list of arrays")
    return [as_array(each) for each in value]


def _stack(call: Call) -> Value:
    return layout.stacked(_arrays(call), call.number("axis", 0))


def _numbers(call: Call) -> Numbers | None:
    """Sizes and lists of sizes one after the other, as constructors put together the lengths of layers."""
    found: list[Value] = []
    for each in call["arrays"] if isinstance(call["arrays"], tuple | list) else ():
        found += each if isinstance(each, list | tuple) else [each]
    return Numbers(found) if found and all(map(is_number, found)) else None


def _concatenate(call: Call) -> Value:
    if (numbers := _numbers(call)) is not None:
        return numbers
    return layout.joined(_arrays(call), call.number("axis", 0))


def _hstack(call: Call) -> Value:
    if (numbers := _numbers(call)) is not None:
        return numbers
    arrays = _arrays(call)
    return layout.joined(arrays, 0 if arrays[0].rank == 1 else 1)


def _vstack(call: Call) -> Value:
    arrays = _arrays(call)
    return layout.stacked(arrays, 0) if arrays[0].rank == 1 else layout.joined(arrays, 0)


def _split(call: Call) -> Value:
    """Into a number of equal blocks along an axis."""
    return _blocks(call.array(), _parts(call, call.number("axis", 0)), call.number("axis", 0))


def _parts(call: Call, place: int) -> int:
    """The number of equal blocks, given itself or as the places where to cut."""
    cuts = call["parts"]
    if not isinstance(cuts, tuple | list):
        return call.number("parts")
    count = len(cuts) + 1
    whole = call.array().shape[place]
    if any(sympy.expand(sympy.sympify(cut) * count - whole * (k + 1)) != 0 for k, cut in enumerate(cuts)):
        raise Unsupported("cutting an axis into blocks of different lengths")
    return count


def _hsplit(call: Call) -> Value:
    return _blocks(call.array(), _parts(call, 1), 1)


def _blocks(array: Array, parts: int, place: int) -> Value:
    array = array.fresh()
    place %= array.rank
    own = array.axes[place]
    if own and own[0][0] == parts:
        number = own[0][1]
        axes = [*array.axes[:place], own[1:], *array.axes[place + 1 :]]
        return [Array(tuple(axes), array.expr.xreplace({number: Integer(k + 1)})) for k in range(parts)]
    whole = size_of(own)
    if isinstance(whole, Symbol):
        part = size(f"{whole.name}_{parts}")
        raise Refine(whole, (Integer(parts), part), f"{whole.name} is a multiple of {parts}")
    raise Unsupported(f"{parts} blocks of an axis of size {whole}")


def _add_at(call: Call) -> Value:
    """``np.add.at(a, indices, b)``."""
    from derive.code.expressions import _item  # the same items as in a[...]

    cell = call.cell()
    if cell is None or not cell.can_be_stored_into():
        raise Unsupported("add.at into what has no name")
    indices = call["indices"]
    items = [_item(call.machine, each) for each in (indices if isinstance(indices, tuple) else (indices,))]
    made = added_at(cell.array, items, call.array("b"), call.machine.trace)
    cell.put(call.machine.named("_", made, call.line))
    return None


def _size(call: Call) -> Value:
    array = call.array()
    shape = tuple(int(n) if n.is_Integer else n for n in array.shape)
    return shape if call.get("axis") is None else shape[call.number("axis")]


def _rank(call: Call) -> Value:
    return call.array().rank


def _count(call: Call) -> Value:
    n = sympy.Mul(*call.array().shape)
    return int(n) if n.is_Integer else n


def _shape(call: Call) -> Value:
    return tuple(int(n) if n.is_Integer else n for n in call.array().shape)


def _item_of(call: Call) -> Value:
    array = call.array()
    if array.rank:
        raise Fault("item() of an array with axes")
    return array


def _diagonal(call: Call) -> Value:
    """A vector as a diagonal matrix, or the diagonal of a matrix."""
    array = call.array().fresh()
    if array.rank == 1:
        other = array.fresh()
        pairs = zip(array.axes[0], other.axes[0], strict=True)
        same = sympy.Mul(*(sympy.KroneckerDelta(i, j) for (_, i), (_, j) in pairs))
        return Array((array.axes[0], other.axes[0]), array.expr * same)
    if array.rank == 2:
        return layout.einsum("ii->i", [array])
    raise Unsupported("diag of an array of more than two axes")


def _repeat(call: Call) -> Value:
    raise Unsupported("repeat", hint="Use broadcasting.")


def _index_add(call: Call) -> Value:
    """torch's ``index_add_(0, index, source)``."""
    if call.number("axis") != 0:
        raise Unsupported("index_add_ along another axis than the first")
    cell = call.cell()
    if cell is None or not cell.can_be_stored_into():
        raise Unsupported("index_add_ into what has no name")
    made = added_at(cell.array, [call.array("indices")], call.array("b"), call.machine.trace)
    cell.put(call.machine.named("_", made, call.line))
    return cell


MEANS: dict[str, Callable[[Call], Value]] = {
    "reshape": _reshape,
    "ravel": _ravel,
    "flatten": _flatten,
    "transpose": _transpose,
    "torch_transpose": _torch_transpose,
    "t": _t,
    "moveaxis": _moveaxis,
    "expand_dims": _widen,
    "squeeze": _squeeze,
    "broadcast_to": _broadcast_to,
    "expand_as": _expand_as,
    "tile": _tile,
    "pad": _pad,
    "matmul": _matmul,
    "dot": _dot,
    "outer": _outer,
    "einsum": _einsum,
    "tensordot": _tensordot,
    "stack": _stack,
    "concatenate": _concatenate,
    "hstack": _hstack,
    "vstack": _vstack,
    "split": _split,
    "hsplit": _hsplit,
    "add_at": _add_at,
    "size": _size,
    "ndim": _rank,
    "count": _count,
    "shape": _shape,
    "item": _item_of,
    "diag": _diagonal,
    "repeat": _repeat,
    "index_add": _index_add,
}
