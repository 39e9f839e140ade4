"""``x.at[i].set(v)`` and ``x.at[i].add(v)`` of JAX: changed copies of an array, which itself stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from derive.code.arrays import Array, Cell, elementwise
from derive.code.faults import Unsupported
from derive.code.indexing import added_at, is_mask_index, read, store, under_mask
from derive.code.values import At, Value, as_array

if TYPE_CHECKING:
    from derive.code.machine import Machine


def changed_copy(machine: Machine, owner: At, name: str, arguments: Sequence[Value]) -> Cell:
    """The changed copy; where an index names a place twice, it is added to twice."""
    if name not in ("set", "add") or len(arguments) != 1 or owner.items is None:
        raise Unsupported(f"x.at[…].{name}")
    array, items, value = owner.array, owner.items, as_array(arguments[0])
    if name == "set":
        return Cell(store(array, items, value, machine.trace))
    if is_mask_index(items):
        return Cell(under_mask(array, items[0], value, lambda old, new: old + new))
    if any(isinstance(item, Array) for item in items):
        return Cell(added_at(array, items, value, machine.trace))
    picked, _ = read(array, items, machine.trace)
    return Cell(store(array, items, elementwise(lambda old, new: old + new, (picked, value)), machine.trace))
