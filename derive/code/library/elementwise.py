"""Functions of single entries."""

from __future__ import annotations

import ast
from collections.abc import Callable

import sympy
from sympy import Expr, Integer, Rational

from derive.code.arrays import Array, Cell
from derive.code.arrays import elementwise as entrywise
from derive.code.faults import Unsupported
from derive.code.library.rows import Call
from derive.code.masks import Comparison, either
from derive.code.values import Masked, Value, is_number
from derive.language import erf, sigmoid, softplus
from derive.primitives import COMPOSED, maximum, minimum


def _relu(u: Expr) -> Expr:
    return maximum(u, Integer(0))


def _log_sigmoid(u: Expr) -> Expr:
    return -sympy.log(1 + sympy.exp(-u))


def _gelu(u: Expr) -> Expr:
    return u * (1 + erf(u / sympy.sqrt(2))) / 2


UNARY: dict[str, Callable[[Expr], Expr]] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "rsqrt": lambda u: u ** Rational(-1, 2),
    "square": lambda u: u**2,
    "reciprocal": lambda u: 1 / u,
    "abs": sympy.Abs,
    "sign": sympy.sign,
    "negative": lambda u: -u,
    "positive": lambda u: u,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": COMPOSED["tan"],
    "tanh": sympy.tanh,
    "sinh": COMPOSED["sinh"],
    "cosh": COMPOSED["cosh"],
    "sigmoid": sigmoid,
    "erf": erf,
    "log1p": lambda u: sympy.log(1 + u),
    "expm1": lambda u: sympy.exp(u) - 1,
    "log2": lambda u: sympy.log(u) / sympy.log(2),
    "exp2": lambda u: sympy.exp(u * sympy.log(2)),
    "relu": _relu,
    "softplus": softplus,
    "silu": lambda u: u * sigmoid(u),
    "log_sigmoid": _log_sigmoid,
}
"""By name, what each makes of an entry."""

BINARY: dict[str, Callable[[Expr, Expr], Expr]] = {
    "maximum": maximum,
    "minimum": minimum,
    "heaviside": lambda u, h: sympy.Heaviside(u),
}

OPERATIONS: dict[str, type[ast.operator]] = {
    "add": ast.Add,
    "subtract": ast.Sub,
    "multiply": ast.Mult,
    "divide": ast.Div,
    "power": ast.Pow,
}
"""Functions that are operators by another name."""

COMPARISONS: dict[str, type[ast.cmpop]] = {
    "greater": ast.Gt,
    "greater_equal": ast.GtE,
    "less": ast.Lt,
    "less_equal": ast.LtE,
    "equal": ast.Eq,
    "not_equal": ast.NotEq,
}


def _unary(name: str) -> Callable[[Call], Value]:
    def means(call: Call) -> Value:
        value = call["a"]
        if isinstance(value, Masked):
            return value.like(entrywise(UNARY[name], [value.array]))
        array = call.array()
        if array.kind == "bool":
            array = array.of_kind("whole")
        return entrywise(UNARY[name], [array])

    return means


def _binary(name: str) -> Callable[[Call], Value]:
    return lambda call: entrywise(BINARY[name], [call.array(), call.array("b")])


def _operation(name: str) -> Callable[[Call], Value]:
    def means(call: Call) -> Value:
        from derive.code.expressions import operate

        if is_number(call.get("alpha")) or call.has("alpha"):
            raise Unsupported(f"{call.name} with alpha=")
        return operate(call.machine, OPERATIONS[name], call["a"], call["b"], call.line)

    return means


def _comparison(name: str) -> Callable[[Call], Value]:
    def means(call: Call) -> Value:
        from derive.code.expressions import compare

        return compare(call.machine, COMPARISONS[name], call["a"], call["b"])

    return means


def _where(call: Call) -> Value:
    if not call.has("a") or not call.has("b"):
        raise Unsupported("where with a condition alone")
    condition = call.array("condition")
    if condition.kind != "bool":
        condition = _is_not_zero(call, condition)
    return entrywise(either, [condition, call.array(), call.array("b")])


def _is_not_zero(call: Call, array: Array) -> Array:
    raise Unsupported(f"{call.name} with a condition that is no truth value")


def _clip(call: Call) -> Value:
    array = call.array()
    for name, bound in (("min", maximum), ("max", minimum)):
        if call.get(name) is not None:
            array = entrywise(bound, [array, call.array(name)])
    return array


def _logical_not(call: Call) -> Value:
    return entrywise(lambda u: 1 - u, [_truths(call, "a")], "bool")


def _logical_and(call: Call) -> Value:
    return entrywise(lambda p, q: p * q, [_truths(call, "a"), _truths(call, "b")], "bool")


def _logical_or(call: Call) -> Value:
    return entrywise(lambda p, q: p + q - p * q, [_truths(call, "a"), _truths(call, "b")], "bool")


def _truths(call: Call, name: str) -> Array:
    array = call.array(name)
    if array.kind != "bool":
        raise Unsupported(f"{call.name} of what is no truth value")
    return array


def _leaky_relu(call: Call) -> Value:
    slope = call.array("negative_slope") if call.has("negative_slope") else Array((), Rational(1, 100))
    comparison = Comparison(call.machine.trace.definitions)
    return entrywise(lambda u, s: either(comparison.holds(ast.Gt, u, Integer(0)), u, s * u), [call.array(), slope])


def _gelu_of(call: Call) -> Value:
    approximate = call.get("approximate", "none")
    if approximate in ("none", False):
        return entrywise(_gelu, [call.array()])
    raise Unsupported("the approximate gelu", hint="Write its formula.")


def _same(call: Call) -> Value:
    """The same numbers: a copy."""
    array = call.array()
    if call.is_of("int") and array.kind == "real":
        raise Unsupported("rounding to integers")
    if call.is_of("bool"):
        if array.kind != "bool":
            raise Unsupported("numbers as truth values")
        return array
    if array.kind == "bool" and call.has("dtype"):
        return array.of_kind("whole" if call.is_of("int") else "real")
    if array.kind == "whole" and call.has("dtype") and not call.is_of("int"):
        return array.of_kind("real")
    return array


def _shared(call: Call) -> Value:
    """The same storage under another name, where nothing is converted."""
    same = _same(call)
    cell = call.cell()
    if isinstance(same, Array) and cell is not None and same.kind == cell.array.kind:
        return Cell(cell.array, cell, whole=True)
    return same


def _as_float(call: Call) -> Value:
    array = call.array()
    return array.of_kind("real") if array.kind in ("bool", "whole") else array


def _as_integer(call: Call) -> Value:
    array = call.array()
    if array.kind == "bool":
        return array.of_kind("whole")
    if array.kind in ("whole", "index"):
        return array
    raise Unsupported("rounding to integers")


MEANS: dict[str, Callable[[Call], Value]] = {
    **{name: _unary(name) for name in UNARY},
    **{name: _binary(name) for name in BINARY},
    **{name: _operation(name) for name in OPERATIONS},
    **{name: _comparison(name) for name in COMPARISONS},
    "where": _where,
    "clip": _clip,
    "logical_not": _logical_not,
    "logical_and": _logical_and,
    "logical_or": _logical_or,
    "leaky_relu": _leaky_relu,
    "gelu": _gelu_of,
    "same": _same,
    "shared": _shared,
    "as_float": _as_float,
    "as_integer": _as_integer,
}
