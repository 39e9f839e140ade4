"""The operators of Python on values, each asked for in advance where its result can be large."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.machine import Machine, attempt, is_array, is_number
from derive.code.concrete.values import JaxArray, Tensor, Text, Value

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}

IN_PLACE: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.iadd,
    ast.Sub: operator.isub,
    ast.Mult: operator.imul,
    ast.Div: operator.itruediv,
    ast.FloorDiv: operator.ifloordiv,
    ast.Mod: operator.imod,
    ast.Pow: operator.ipow,
    ast.MatMult: operator.imatmul,
    ast.BitAnd: operator.iand,
    ast.BitOr: operator.ior,
    ast.BitXor: operator.ixor,
    ast.LShift: operator.ilshift,
    ast.RShift: operator.irshift,
}

UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
}

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

SAFE_FORMAT = re.compile(r"(?:[^%]|%[dsi%])*")
STEPS = (ast.FloorDiv, ast.Mod)
"""Operators that jump: the piece that the data lie on is noted."""


def binary(machine: Machine, kind: type[ast.operator], left: Value, right: Value, in_place: bool = False) -> Value:
    """``left kind right``; with ``in_place`` what ``kind=`` does, on arrays and lists in their own memory."""
    if kind is ast.Mod and isinstance(left, str):
        return percent(left, right)
    afford(machine, kind, left, right)
    in_place = in_place and not isinstance(left, JaxArray)
    result = attempt((IN_PLACE if in_place else BINARY)[kind], left, right)
    if kind in STEPS and is_number(result):
        machine.decide(np.floor(np.asarray(attempt(operator.truediv, left, right), dtype=float)))
    if isinstance(left, set | frozenset) or result is left:
        return result
    return like(result, left, right)


def like(result: Value, *operands: Value) -> Value:
    """The result as an array of torch or JAX where an operand was one."""
    for operand in operands:
        if isinstance(operand, Tensor | JaxArray) and not isinstance(result, type(operand)) and is_array(result):
            return np.asarray(result).view(type(operand))
    return result


def afford(machine: Machine, kind: type[ast.operator], left: Value, right: Value) -> None:
    """Pay for the result of an operator, and refuse operands that have none here."""
    if is_array(left) or is_array(right):
        for operand in (left, right):
            if not is_number(operand) and not isinstance(operand, list | tuple):
                raise NotRunnable(None, f"{kind.__name__} of an array and {name_of(operand)}", "error")
        a, b = (shape_of(machine, operand) for operand in (left, right))
        (afford_product if kind is ast.MatMult else afford_broadcast)(machine, a, b)
        if kind is ast.Sub and any(isinstance(o, Tensor) and o.dtype == bool for o in (left, right)):
            raise NotRunnable(None, "RuntimeError: torch does not subtract boolean tensors", "error")
    elif isinstance(left, int) and isinstance(right, int):
        afford_integer(machine, kind, int(left), int(right))
    elif isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple):
        afford_sequence(machine, left, right)
    elif not all(isinstance(operand, int | float | set | frozenset | type(None)) for operand in (left, right)):
        raise NotRunnable(None, f"{kind.__name__} of {name_of(left)} and {name_of(right)}")


def shape_of(machine: Machine, value: Value) -> tuple[int, ...]:
    """The shape of an operand; of a list, after its length was paid for."""
    if isinstance(value, list | tuple):
        return np.shape(attempt(np.asarray, plain(machine, value)))
    return np.shape(value)


def afford_broadcast(machine: Machine, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    machine.budget.shape(attempt(np.broadcast_shapes, a, b))


def afford_product(machine: Machine, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    if not a or not b:
        raise NotRunnable(None, "ValueError: matmul of a number", "error")
    batch = attempt(np.broadcast_shapes, a[:-2], b[:-2])
    rows, columns = a[-2:-1], b[-1:] if len(b) > 1 else ()
    machine.budget.shape((*batch, *rows, *columns))
    machine.budget.multiply(math.prod((*batch, *rows, *columns)) * a[-1])


def afford_integer(machine: Machine, kind: type[ast.operator], left: int, right: int) -> None:
    if kind is ast.Pow and right > 0:
        machine.budget.bits(left.bit_length() * min(right, 10**6) if abs(left) > 1 else 1)
    elif kind is ast.LShift:
        machine.budget.bits(left.bit_length() + max(right, 0))
    elif kind is ast.Mult:
        machine.budget.bits(left.bit_length() + right.bit_length())
    elif kind is ast.Add:
        machine.budget.bits(max(left.bit_length(), right.bit_length()) + 1)


def afford_sequence(machine: Machine, left: Value, right: Value) -> None:
    lengths = [len(operand) if isinstance(operand, str | list | tuple) else None for operand in (left, right)]
    if None not in lengths:
        machine.budget.hold(sum(n for n in lengths if n is not None))
        return
    count = right if lengths[1] is None else left
    length = next(n for n in lengths if n is not None)
    if not isinstance(count, int):
        raise NotRunnable(None, f"TypeError: {name_of(left)} with {name_of(right)}", "error")
    machine.budget.hold(length * max(count, 0))


def percent(template: str, values: Value) -> Value:
    """``'W%d' % i``: only whole numbers and strings are filled in, without widths."""
    filled = values if isinstance(values, tuple) else (values,)
    if SAFE_FORMAT.fullmatch(template) and all(isinstance(v, int | str) for v in filled):
        return attempt(operator.mod, template, values)
    return Text()


def unary(machine: Machine, kind: type[ast.unaryop], value: Value) -> Value:
    """``-value``, ``~value``, ``+value``, ``not value``."""
    if kind is ast.Not:
        return not truth(machine, value)
    if not is_number(value):
        raise NotRunnable(None, f"{kind.__name__} of {name_of(value)}")
    return like(attempt(UNARY[kind], value), value)


def compare(machine: Machine, kind: type[ast.cmpop], left: Value, right: Value) -> Value:
    """``left kind right``; containers are compared entry by entry, each entry paid for."""
    if kind in (ast.Is, ast.IsNot):
        return (left is right or _same_literal(left, right)) is (kind is ast.Is)
    if kind in (ast.In, ast.NotIn):
        return contains(machine, right, left) is (kind is ast.In)
    if is_array(left) or is_array(right):
        if kind in (ast.Eq, ast.NotEq) and not (comparable(left) and comparable(right)):
            return kind is ast.NotEq
        afford(machine, ast.Add, left, right)
        outcome = like(attempt(COMPARISONS[kind], left, right), left, right)
        machine.decide(outcome)
        return outcome
    if kind in (ast.Eq, ast.NotEq):
        return equal(machine, left, right) is (kind is ast.Eq)
    if not all(isinstance(v, int | float | str) for v in (left, right)):
        raise NotRunnable(None, f"comparison of {name_of(left)} and {name_of(right)}")
    outcome = attempt(COMPARISONS[kind], left, right)
    machine.decide(outcome)
    return outcome


def comparable(value: Value) -> bool:
    """Whether NumPy compares a value entry by entry."""
    return is_number(value) or isinstance(value, list | tuple)


def _same_literal(left: Value, right: Value) -> bool:
    """Names for the same marker are the same thing."""
    return type(left) is type(right) and not is_number(left) and not isinstance(left, list | dict) and left == right


def equal(machine: Machine, left: Value, right: Value) -> bool:
    """``left == right`` for what is no array; nested containers cost a step an entry."""
    machine.budget.step()
    if isinstance(left, list | tuple) and type(left) is type(right):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(truth(machine, compare(machine, ast.Eq, a, b)) for a, b in pairs)
    if isinstance(left, dict | Text) or isinstance(right, dict | Text):
        raise NotRunnable(None, f"comparison of {name_of(left)} and {name_of(right)}")
    if isinstance(left, list | tuple) or isinstance(right, list | tuple):
        return False
    outcome = bool(left == right)
    if isinstance(left, float) or isinstance(right, float):
        machine.decide(outcome)
    return outcome


def contains(machine: Machine, container: Value, item: Value) -> bool:
    """``item in container``."""
    if isinstance(container, dict | set | frozenset):
        return key_of(item) in container
    if isinstance(container, str) and isinstance(item, str):
        return item in container
    if isinstance(container, range) and isinstance(item, int):
        return item in container
    if isinstance(container, list | tuple):
        return any(truth(machine, compare(machine, ast.Eq, item, each)) for each in container)
    raise NotRunnable(None, f"membership in {name_of(container)}")


def truth(machine: Machine, value: Value) -> bool:
    """Whether a value counts as true; for numbers the decision is noted."""
    if isinstance(value, Text):
        raise NotRunnable(None, "the truth of a formatted string")
    outcome = bool(attempt(bool, value))
    if is_number(value) and not isinstance(value, bool):
        machine.decide(outcome)
    return outcome


def key_of(value: Value) -> Value:
    """A key of a dictionary or member of a set: numbers, strings and flat tuples of them."""
    parts = value if isinstance(value, tuple) else (value,)
    if not all(part is None or isinstance(part, int | float | str | np.generic) for part in parts):
        raise NotRunnable(None, f"{name_of(value)} as a key")
    return value


def plain(machine: Machine, value: Value, depth: int = 0) -> Value:
    """A value that may be given to NumPy: arrays, numbers, and lists of them, each entry paid for."""
    machine.budget.step()
    if isinstance(value, list | tuple):
        if depth > 32:
            raise NotRunnable(None, "a list nested too deeply", "limit")
        return type(value)(plain(machine, each, depth + 1) for each in value)
    if isinstance(value, range):
        machine.budget.hold(len(value))
        return list(value)
    if value is None or value is Ellipsis or isinstance(value, np.ndarray | np.generic | int | float | slice):
        return value
    if isinstance(value, str) and depth == 0:
        return value
    raise NotRunnable(None, f"{name_of(value)} given to a function of a library")


def name_of(value: Value) -> str:
    """What a message calls a value."""
    return {"NoneType": "None", "Text": "a formatted string"}.get(type(value).__name__, type(value).__name__)
