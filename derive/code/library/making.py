"""Functions that make arrays: zeros, ranges, random numbers; and Python's own functions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import sympy
from sympy import Expr, Integer

from derive.code.arrays import Array, Axis, Kind, stacked_numbers
from derive.code.faults import Fault, Unsupported
from derive.code.layout import axes_of
from derive.code.lengths import named, opened, whole_part
from derive.code.library.rows import Call
from derive.code.library.spans import positions
from derive.code.values import Config, Ignored, Span, Value, as_array, described, is_array, is_number, plain_number

_numbers = count(1)
MAX_NUMBERS = 1000
"""How many fixed numbers a range may have."""


def _filled(number: Expr) -> Callable[[Call], Value]:
    def means(call: Call) -> Value:
        return Array(_axes(call), number, _kind(call))

    return means


def _kind(call: Call) -> Kind:
    return "bool" if call.is_of("bool") else "whole" if call.is_of("int") else "real"


def _axes(call: Call) -> tuple[Axis, ...]:
    return axes_of([sympy.sympify(n) for n in call.shape()], call.machine.order)


def _filled_like(number: Expr) -> Callable[[Call], Value]:
    def means(call: Call) -> Value:
        array = call.array().fresh()
        if array.kind != "real" and not call.has("dtype"):
            raise Unsupported(f"{call.name} of integers or truth values, which makes such", hint="Give it a dtype.")
        return Array(array.axes, number, _kind(call))

    return means


def _full(call: Call) -> Value:
    value = call.array("value")
    if value.rank:
        raise Unsupported("an array filled with an array")
    return Array(_axes(call), value.expr, value.kind if call.machine.library == "numpy" else "real")


def _full_like(call: Call) -> Value:
    return Array(call.array().fresh().axes, call.array("value").expr, call.array().kind)


def _eye(call: Call) -> Value:
    n = call.shape("n")[0]
    if call.has("m") and call["m"] not in (None, n):
        raise Unsupported("an identity matrix that is not square")
    rows, columns = axes_of([sympy.sympify(n)] * 2, call.machine.order)
    same = sympy.Mul(*(sympy.KroneckerDelta(i, j) for (_, i), (_, j) in zip(rows, columns, strict=True)))
    return Array((rows, columns), same)


def _range(call: Call) -> Value:
    """``range`` and ``arange``: over a size, or a list of fixed numbers."""
    given = (call.get(name) for name in ("start", "stop", "step"))
    ends = [plain_number(as_array(e)) if is_array(e) else e for e in given if e is not None]
    if not all(map(is_number, ends)):
        raise Fault(f"{call.name} over numbers that are no integers")
    if all(isinstance(e, int) for e in ends):
        places = range(*ends)
        if ends and places and (places[-1] - places[0]) // places.step >= MAX_NUMBERS:
            raise Unsupported(f"{call.name} over more than {MAX_NUMBERS} fixed numbers")
        found = list(places)
        return found if call.name.endswith("range") and not call.name.endswith("arange") else stacked_numbers(found)
    start, stop = (0, ends[0]) if len(ends) == 1 else ends[:2]
    return _span(*map(sympy.sympify, (start, stop, ends[2] if len(ends) > 2 else 1)))


def _span(start: Expr, stop: Expr, step: Expr) -> Span:
    """The rounds of a range upwards: one more than whole steps fit between its first and its last number."""
    if not step.is_positive:
        raise Unsupported("a range that goes down")
    if not all(n.is_positive for each in (start, stop, step) for n in each.free_symbols):
        raise Unsupported("a range from or to the number of a round")
    rounds = opened(stop - start) if step == 1 else 1 + whole_part((stop - start - 1) / step)
    return Span(named(rounds) if isinstance(rounds, sympy.Add) else rounds, first=start, step=step)


def _arange(call: Call) -> Value:
    found = _range(call)
    return positions(found, call.machine.order) if isinstance(found, Span) else found


def _enumerate(call: Call) -> Value:
    value = call["a"]
    if is_array(value):
        return Span(as_array(value).shape[0], (value,))
    if isinstance(value, tuple | list):
        return [(k, each) for k, each in enumerate(value)]
    raise Unsupported(f"enumerate of {described(value)}")


def _zip(call: Call) -> Value:
    values = call["all"]
    if all(isinstance(v, tuple | list) for v in values):
        return list(zip(*values, strict=False))
    if values and all(map(is_array, values)):
        sizes = {as_array(v).shape[0] for v in values}
        if len(sizes) == 1:
            return Span(sizes.pop(), tuple(values), counted=False)
    raise Unsupported("zip of arrays and lists of different lengths")


def _reversed(call: Call) -> Value:
    value = call["a"]
    if isinstance(value, Span):
        return value
    if isinstance(value, tuple | list):
        return list(reversed(value))
    raise Unsupported(f"reversed of {described(value)}")


def _random(call: Call) -> Value:
    """Random numbers are data: whatever holds, holds for all of them."""
    if call.machine.loops:
        raise Unsupported("random numbers inside a loop")
    call.machine.trace.assume("random arrays are arbitrary data")
    axes = _axes(call) if call.get("shape") not in (None, ()) else ()
    return call.machine.trace.input(f"random{next(_numbers)}", axes)


def _random_like(call: Call) -> Value:
    return call.machine.trace.input(f"random{next(_numbers)}", call.array().fresh().axes)


def _len(call: Call) -> Value:
    value = call["a"]
    if is_array(value):
        array = as_array(value)
        if not array.rank:
            raise Fault("the length of a number")
        return int(array.shape[0]) if array.shape[0].is_Integer else array.shape[0]
    if isinstance(value, tuple | list | dict | str):
        return len(value)
    raise Unsupported(f"the length of {described(value)}")


def _float(call: Call) -> Value:
    value = call["a"]
    if isinstance(value, str):
        raise Unsupported("a number from text")
    return as_array(value).of_kind("real")


def _int(call: Call) -> Value:
    value = call["a"]
    if is_number(value):
        return value
    array = as_array(value)
    if array.kind == "index" or (array.kind == "whole" and not array.rank):
        return array
    if array.expr.is_Integer:
        return int(array.expr)
    sizes = array.expr.free_symbols
    counts = bool(sizes) and not array.rank and all(n.is_positive and n.is_integer for n in sizes)
    if counts and array.expr.is_rational_function(*sizes):
        return whole_part(array.expr)
    raise Unsupported("rounding to an integer")


def _bool(call: Call) -> Value:
    from derive.code.expressions import truth

    return truth(call.machine, call["a"])


def _extreme(name: str) -> Callable[[Call], Value]:
    def means(call: Call) -> Value:
        from derive.code.arrays import elementwise
        from derive.code.library.elementwise import BINARY

        values = call["all"]
        if len(values) == 1:
            raise Unsupported(f"{name} of one value")
        if all(isinstance(v, int) for v in values):
            return max(values) if name == "maximum" else min(values)
        if any(is_array(v) and as_array(v).rank for v in values):
            raise Fault(f"Python's {name} of arrays", hint="Use np.maximum.")
        found = as_array(values[0])
        for each in values[1:]:
            found = elementwise(BINARY[name], [found, as_array(each)])
        return found

    return means


def _isinstance(call: Call) -> Value:
    if is_array(call["a"]):
        return "array" in _label(call["kind"]).lower() or "tensor" in _label(call["kind"]).lower()
    raise Unsupported("isinstance")


def _label(value: Value) -> str:
    return " ".join(map(_label, value)) if isinstance(value, tuple) else str(getattr(value, "name", ""))


def _ignored(call: Call) -> Value:
    return Ignored(call.name)


def _text(call: Call) -> Value:
    value = call.get("a", "")
    return str(value) if isinstance(value, str | int) else Ignored("a text")


def _none(call: Call) -> Value:
    return None


def _array(call: Call) -> Value:
    """``np.array``: a copy of an array, or an array of numbers and arrays of one shape."""
    value = call["a"]
    if isinstance(value, tuple | list):
        from derive.code.layout import stacked

        if value and all(is_number(v) for v in value):
            return stacked_numbers(value)
        arrays = [as_array(_array_of(call, v)) for v in value]
        if not arrays:
            raise Unsupported("an empty array")
        return stacked([a.of_kind("real") if a.kind == "whole" else a for a in arrays], 0)
    from derive.code.library.elementwise import MEANS

    return MEANS["same"](call)


def _array_of(call: Call, value: Value) -> Value:
    if isinstance(value, tuple | list):
        inner = Call(call.machine, call.row, call.name, call.node).bind([value], {})
        return _array(inner)
    return value


def _dict(call: Call) -> Value:
    value = call.get("a")
    if value is None:
        return {}
    if isinstance(value, dict) and not isinstance(value, Config):
        return dict(value)
    raise Unsupported("dict of this")


def _list(call: Call) -> Value:
    value = call.get("a", [])
    if isinstance(value, tuple | list):
        return list(value)
    raise Unsupported(f"list of {described(value)}")


def _tuple(call: Call) -> Value:
    return tuple(_list(call))


def _one_hot(call: Call) -> Value:
    import ast

    from derive.code.expressions import compare

    labels = call.array()
    count_of = call.shape("n")[0]
    places = positions(Span(sympy.sympify(count_of)))
    wide = labels.with_axes((*labels.axes, ()))
    same = compare(call.machine, ast.Eq, wide, places)
    return as_array(same).of_kind("whole" if call.machine.library == "torch" else "real")


MEANS: dict[str, Callable[[Call], Value]] = {
    "zeros": _filled(Integer(0)),
    "ones": _filled(Integer(1)),
    "zeros_like": _filled_like(Integer(0)),
    "ones_like": _filled_like(Integer(1)),
    "full": _full,
    "full_like": _full_like,
    "eye": _eye,
    "range": _range,
    "arange": _arange,
    "enumerate": _enumerate,
    "zip": _zip,
    "reversed": _reversed,
    "random": _random,
    "random_like": _random_like,
    "len": _len,
    "float": _float,
    "int": _int,
    "bool": _bool,
    "builtin_max": _extreme("maximum"),
    "builtin_min": _extreme("minimum"),
    "isinstance": _isinstance,
    "ignored": _ignored,
    "text": _text,
    "none": _none,
    "array": _array,
    "dict": _dict,
    "list": _list,
    "tuple": _tuple,
    "one_hot": _one_hot,
}
