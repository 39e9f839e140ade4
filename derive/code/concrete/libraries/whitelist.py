"""What it takes to be on the whitelist: checked arguments, a price, a noted decision, a checked result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from derive.code.concrete.budget import Budget, NotRunnable
from derive.code.concrete.machine import Machine, attempt, is_array
from derive.code.concrete.operators import name_of, plain
from derive.code.concrete.values import Builtin, JaxArray, Marker, Tensor, Value

Call = Callable[..., Value]
Price = Callable[..., None]
"""Pays for a call in advance: ``price(budget, *arguments, **keywords)``."""


def words(text: str) -> list[str]:
    """Names that are many, written as a text."""
    return text.split()


DTYPES: dict[str, type[Any]] = {
    **dict.fromkeys(words("float float16 float32 float64 double half single bfloat16 longdouble floating"), np.float64),
    **dict.fromkeys(words("float_ float128 f f4 f8 d"), np.float64),
    **dict.fromkeys(words("int int8 int16 int32 int64 long short int_ intp i i4 i8 uint8 uint32 uint64 u1"), np.int64),
    **dict.fromkeys(words("bool bool_"), np.bool_),
}
"""Every float is a double here, as the judgement is one about real numbers."""


def data_type(value: Value) -> Value:
    """The type that a ``dtype`` argument names."""
    name = value if isinstance(value, str) else getattr(value, "name", "").rpartition(".")[2]
    if value is None:
        return None
    if not isinstance(value, str | Marker | Builtin) or name not in DTYPES:
        raise NotRunnable(None, f"the data type {name or name_of(value)} is not supported")
    return DTYPES[name]


def argument(machine: Machine, value: Value) -> Value:
    """An argument as NumPy may have it."""
    if isinstance(value, Builtin | Marker):
        return data_type(value)
    if isinstance(value, Iterator):
        raise NotRunnable(None, "an iterator given to a function of a library")
    return plain(machine, value)


def keyword(machine: Machine, name: str, value: Value) -> Value:
    """A keyword argument as NumPy may have it."""
    return data_type(value) if name == "dtype" else argument(machine, value)


def whitelisted(function: Call, price: Price | None = None, decision: Call | None = None) -> Call:
    """A function that only reads arrays and numbers.

    Args:
        price: pays in advance, where the result may be larger than the arguments.
        decision: what of the arguments decides on which smooth piece the result lies.
    """

    def call(machine: Machine, *arguments: Value, **keywords: Value) -> Value:
        values = [argument(machine, each) for each in arguments]
        named = {name: keyword(machine, name, each) for name, each in keywords.items()}
        if price is not None:
            attempt(price, machine.budget, *values, **named)
        if decision is not None and machine.decisions is not None:
            machine.decide(attempt(decision, *values, **named))
        return checked(machine, attempt(function, *values, **named))

    return call


def checked(machine: Machine, result: Value) -> Value:
    """A result that the source may have: numbers and arrays of them, paid for."""
    if isinstance(result, list | tuple):
        return type(result)(checked(machine, each) for each in result)
    if is_array(result):
        if result.dtype.kind not in "biuf":
            raise NotRunnable(None, f"an array of {result.dtype}")
        machine.budget.hold(result.size)
    elif result is not None and not isinstance(result, int | float | str):
        raise NotRunnable(None, f"a result of kind {name_of(result)}")
    return result


def of_kind(kind: type[Tensor] | type[JaxArray], call: Call) -> Call:
    """The same function with its arrays and numbers marked as those of a library."""

    def marked(machine: Machine, *arguments: Value, **keywords: Value) -> Value:
        return mark(kind, call(machine, *arguments, **keywords))

    return marked


def mark(kind: type[Tensor] | type[JaxArray], value: Value) -> Value:
    """Arrays and NumPy's numbers as those of a library."""
    if isinstance(value, list | tuple):
        return type(value)(mark(kind, each) for each in value)
    return np.asarray(value).view(kind) if is_array(value) else value


# -- prices ----------------------------------------------------------------------------------------------------------


def broadcast(budget: Budget, *arguments: Value, **_: Value) -> None:
    """An elementwise result."""
    budget.shape(np.broadcast_shapes(*(np.shape(a) for a in arguments if _has_shape(a))))


def _has_shape(value: Value) -> bool:
    return isinstance(value, np.ndarray | np.generic | int | float | list | tuple)


def shaped(budget: Budget, shape: Value, *_: Value, **__: Value) -> None:
    """A new array of a shape that is the first argument."""
    budget.shape(shape if isinstance(shape, list | tuple) else (shape,))


def product(budget: Budget, *arguments: Value, **_: Value) -> None:
    """At most all numbers of one by all of the other."""
    sizes = [np.size(a) for a in arguments if _has_shape(a)]
    budget.hold(np.prod(sizes, dtype=float))


def contraction(budget: Budget, a: Value, b: Value, *_: Value, **__: Value) -> None:
    """A product summed over an axis that both have."""
    shared = np.shape(a)[-1] if np.ndim(a) else 1
    cells = float(np.size(a)) * float(np.size(b))
    budget.hold(cells / max(shared, 1) ** 2 if np.ndim(b) else np.size(a))
    budget.multiply(cells / max(shared, 1))


def together(budget: Budget, arrays: Value, *_: Value, **__: Value) -> None:
    """All of a list of arrays beside one another."""
    budget.hold(sum(np.size(a) for a in arrays))
