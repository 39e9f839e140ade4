"""Sums, means, variances, maxima, norms, softmax."""

from __future__ import annotations

from collections.abc import Callable

import sympy

from derive.code.arrays import Array, Cell, reduce, without
from derive.code.arrays import elementwise as entrywise
from derive.code.faults import Unsupported
from derive.code.library.rows import Call
from derive.code.values import Pair, Poison, Value, is_number, plain_number


def _numbers(call: Call) -> Array:
    array = call.array()
    if array.kind == "index":
        raise Unsupported(f"{call.name} of labels")
    return array


def _reduced(call: Call, array: Array, keep: bool, mean: bool = False) -> Array:
    made = reduce(array, call.places(array.rank), keep, mean)
    return call.machine.hoisted(made, call.line)


def _sum(call: Call) -> Value:
    if isinstance(call["a"], tuple | list):
        return _sum_of_list(call)
    return _reduced(call, _numbers(call), call.flag("keepdims"))


def _sum_of_list(call: Call) -> Value:
    import ast

    from derive.code.expressions import operate

    if call.get("axis") is not None:
        raise Unsupported("the sum of a list along an axis")
    found: Value = 0
    for each in call["a"]:
        found = operate(call.machine, ast.Add, found, each, call.line)
    return found


def _mean(call: Call) -> Value:
    return _reduced(call, _numbers(call), call.flag("keepdims"), mean=True)


def _variance(call: Call, ddof: int) -> Array:
    array = _numbers(call)
    places = call.places(array.rank)
    mean = call.machine.hoisted(reduce(array, places, True, mean=True), call.line)
    squares = entrywise(lambda u, m: (u - m) ** 2, [array, mean])
    found = call.machine.hoisted(reduce(squares, places, call.flag("keepdims"), mean=True), call.line)
    if not ddof:
        return found
    count = sympy.Mul(*(array.shape[k] for k in places))
    return Array(found.axes, found.expr * count / (count - ddof))


def _ddof(call: Call, usual: int) -> int:
    if call.has("unbiased"):
        return int(call.flag("unbiased"))
    return call.number("ddof", usual)


def _var(usual: int) -> Callable[[Call], Value]:
    return lambda call: _variance(call, _ddof(call, usual))


def _std(usual: int) -> Callable[[Call], Value]:
    return lambda call: entrywise(sympy.sqrt, [_variance(call, _ddof(call, usual))])


def _maximum(call: Call) -> Array:
    """A maximum as a number that may be anything: the gradient is right only if it does not depend on it."""
    array = _numbers(call).fresh()
    axes = without(array.axes, call.places(array.rank), call.flag("keepdims"))
    return call.machine.trace.maximum(axes, call.line, tuple((n, i) for i, n in call.machine.loops))


def _max(call: Call) -> Value:
    if isinstance(call["a"], int) or is_number(call["a"]):
        raise Unsupported("the maximum of sizes")
    return _maximum(call)


def _max_with_indices(call: Call) -> Value:
    """torch's: the values alone without an axis, else a pair with the indices."""
    if call.get("b") is not None:
        from derive.primitives import maximum

        return entrywise(maximum, [call.array(), call.array("b")])
    values = _maximum(call)
    if call.get("axis") is None:
        return values
    cell, indices = Cell(values), Poison("the place of a maximum")
    return Pair((cell, indices))


def _norm(call: Call) -> Value:
    array = _numbers(call)
    if call.get("ord") not in (None, 2, "fro"):
        raise Unsupported("a norm that is not the Euclidean one")
    squares = entrywise(lambda u: u**2, [array])
    return entrywise(sympy.sqrt, [_reduced(call, squares, call.flag("keepdims"))])


def _softmax(call: Call) -> Value:
    array = _numbers(call)
    exponentials = entrywise(sympy.exp, [array])
    places = call.places(array.rank)
    total = call.machine.hoisted(reduce(exponentials, places, True), call.line)
    return entrywise(lambda e, z: e / z, [exponentials, total])


def _log_softmax(call: Call) -> Value:
    array = _numbers(call)
    total = reduce(entrywise(sympy.exp, [array]), call.places(array.rank), True)
    return entrywise(lambda u, z: u - sympy.log(z), [array, call.machine.hoisted(total, call.line)])


def _logsumexp(call: Call) -> Value:
    array = _numbers(call)
    total = _reduced(call, entrywise(sympy.exp, [array]), call.flag("keepdims"))
    return entrywise(sympy.log, [total])


def _product(call: Call) -> Value:
    """The product of a shape; of arrays of data it is not read."""
    value = call["a"]
    if isinstance(value, tuple | list) and all(map(is_number, value)):
        return plain_number(Array((), sympy.Mul(*value), "whole"))
    array = call.array()
    if not array.rank:
        return array
    raise Unsupported("the product of an array's entries")


def _dot_along(call: Call) -> Value:
    array = entrywise(lambda p, q: p * q, [call.array(), call.array("b")])
    return _reduced(call, array, call.flag("keepdims"))


def _trace_of(call: Call) -> Value:
    array = _numbers(call).fresh()
    if array.rank != 2:
        raise Unsupported("the trace of what is no matrix")
    from derive.code.layout import einsum

    return einsum("ii->", [array])


def _average(call: Call) -> Value:
    return _mean(call)


def _mse(call: Call) -> Value:
    """The mean of the squared differences, as torch's ``mse_loss``."""
    if call.get("reduction", "mean") not in ("mean", "sum"):
        raise Unsupported("this reduction")
    squares = entrywise(lambda p, q: (p - q) ** 2, [call.array(), call.array("target")])
    return call.machine.hoisted(reduce(squares, range(squares.rank), False, call.get("reduction") != "sum"), call.line)


MEANS: dict[str, Callable[[Call], Value]] = {
    "sum": _sum,
    "mean": _mean,
    "average": _average,
    "var": _var(0),
    "std": _std(0),
    "torch_var": _var(1),
    "torch_std": _std(1),
    "max": _max,
    "torch_max": _max_with_indices,
    "norm": _norm,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "prod": _product,
    "dot_along": _dot_along,
    "trace": _trace_of,
    "mse_loss": _mse,
}
