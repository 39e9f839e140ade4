"""Going through what can be gone through, each round paid for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.machine import Machine
from derive.code.concrete.operators import name_of
from derive.code.concrete.values import JaxArray, Tensor, Value


def iterate(machine: Machine, value: Value) -> Iterator[Value]:
    """The items of a container, range, array, or of an iterator that an interpreted function made."""
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            raise NotRunnable(None, "TypeError: iteration over an array without axes", "error")
        items: Iterator[Value] = (_row(value, i) for i in range(len(value)))
    elif isinstance(value, list | tuple | str | dict | set | frozenset | range | Iterator):
        items = iter(value)
    else:
        raise NotRunnable(None, f"TypeError: iteration over {name_of(value)}", "error")
    return _paid(machine, items)


def _paid(machine: Machine, items: Iterator[Value]) -> Iterator[Value]:
    try:
        for item in items:
            machine.budget.step()
            yield item
    except RuntimeError as error:  # a dictionary that grew while it was gone through
        raise NotRunnable(None, f"RuntimeError: {error}", "error") from None


def _row(array: np.ndarray, i: int) -> Value:
    row = array[i]
    return row.view(type(array)) if isinstance(array, Tensor | JaxArray) and row.ndim == 0 else row
