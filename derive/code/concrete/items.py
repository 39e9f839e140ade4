"""Reading and storing items, slices and attributes."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.machine import Machine, attempt, is_array
from derive.code.concrete.operators import key_of, name_of, plain
from derive.code.concrete.values import (
    Bound,
    Builtin,
    Class,
    Config,
    Function,
    Instance,
    JaxArray,
    Marker,
    Namespace,
    Tensor,
    Value,
    Wrapped,
)


def get_item(machine: Machine, container: Value, index: Value) -> Value:
    """``container[index]``."""
    if is_array(container):
        index = checked_index(machine, container, index)
        found = attempt(operator.getitem, container, index)
        return found.view(type(container)) if _is_foreign(container) and is_array(found) else found
    if hasattr(container, "item_at"):
        return container.item_at(machine, index)
    if isinstance(container, Config):
        return setting(machine, container, key_of(index))
    if isinstance(container, dict):
        return attempt(operator.getitem, container, key_of(index))
    if isinstance(container, list | tuple | str | range):
        found = attempt(operator.getitem, container, index)
        machine.budget.hold(len(found) if isinstance(index, slice) and hasattr(found, "__len__") else 0)
        return found
    if isinstance(container, Marker | Namespace):
        return container  # annotations such as Callable[[int], int]
    raise NotRunnable(None, f"an item of {name_of(container)}")


def _is_foreign(value: Value) -> bool:
    return isinstance(value, Tensor | JaxArray)


def setting(machine: Machine, settings: Config, key: Value, default: Value = None) -> Value:
    """An entry of a dictionary of settings; a positive number is drawn for what neither it nor the source gives."""
    if key not in settings:
        if key in machine.fixed:
            settings[key] = machine.fixed[key]
        elif default is None or isinstance(default, float):
            settings[key] = settings.draw(key)
        else:
            return default
    return settings[key]


def set_item(machine: Machine, container: Value, index: Value, value: Value) -> None:
    """``container[index] = value``."""
    if isinstance(container, JaxArray):
        raise NotRunnable(None, "TypeError: JAX arrays are not changed in place", "error")
    if isinstance(container, np.ndarray):
        index = checked_index(machine, container, index)
        attempt(operator.setitem, container, index, plain(machine, value))
    elif isinstance(container, dict):
        container[key_of(index)] = value
    elif isinstance(container, list):
        if isinstance(index, slice):
            value = list(value) if isinstance(value, list | tuple) else attempt(list, plain(machine, value))
            machine.budget.hold(len(container) + len(value))
        attempt(operator.setitem, container, index, value)
    else:
        raise NotRunnable(None, f"storing an item of {name_of(container)}", "error")


def delete_item(container: Value, index: Value) -> None:
    """``del container[index]``."""
    if not isinstance(container, list | dict):
        raise NotRunnable(None, f"deleting an item of {name_of(container)}", "error")
    attempt(operator.delitem, container, key_of(index) if isinstance(container, dict) else index)


def checked_index(machine: Machine, array: Any, index: Value) -> Value:
    """An index that NumPy may have, after the result was paid for."""
    index = plain(machine, index)
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, str) for part in parts):
        raise NotRunnable(None, "an array indexed by a string", "error")
    machine.budget.hold(_bound_of_cells(array, parts))
    if isinstance(array, Tensor) and any(isinstance(p, slice) and (p.step or 1) < 0 for p in parts):
        raise NotRunnable(None, "ValueError: torch has no slices of negative step", "error")
    return index


def _bound_of_cells(array: Any, parts: tuple[Value, ...]) -> int:
    """At least as many numbers as ``array[parts]`` holds."""
    fancy = [np.asarray(part) for part in parts if isinstance(part, np.ndarray | list)]
    if not fancy or any(each.dtype == bool for each in fancy):
        return int(np.size(array))
    lengths = attempt(np.broadcast_shapes, *(each.shape for each in fancy))
    axis, kept = 0, 1
    for part in parts:
        if part is Ellipsis:
            axis = np.ndim(array) - sum(p is not None for p in parts[parts.index(Ellipsis) + 1 :])
        elif part is not None:
            kept *= 1 if isinstance(part, np.ndarray | list) or axis >= np.ndim(array) else np.shape(array)[axis]
            axis += 1
    return int(math.prod(lengths) * kept * math.prod(np.shape(array)[axis:]))


# -- attributes ------------------------------------------------------------------------------------------------------


def set_attribute(machine: Machine, target: Value, name: str, value: Value) -> None:
    """``target.name = value``."""
    if isinstance(target, Instance | Function):
        target.attributes[name] = value
    elif isinstance(target, Class):
        target.members[name] = value
    elif isinstance(target, np.ndarray) and name == "shape":
        raise NotRunnable(None, "a shape that is assigned")
    elif isinstance(target, Tensor) and name in ("grad", "requires_grad"):
        raise NotRunnable(None, f".{name} of a tensor")
    else:
        raise NotRunnable(None, f"attribute {name} of {name_of(target)} cannot be set", "error")


def member(instance: Instance, name: str) -> Value | None:
    """A member of an object's class, bound as Python binds it."""
    return bound(instance, instance.kind.find(name))


def bound(instance: Instance, found: Value) -> Value:
    """A member of a class as an object of it has it."""
    if isinstance(found, Function):
        return Bound(found, (instance,))
    if isinstance(found, Wrapped):
        if found.marker == "classmethod":
            return Bound(found.function, (instance.kind,))
        return found.function if found.marker == "staticmethod" else found
    return found


def of_class(kind: Class, name: str) -> Value:
    """``Class.name``."""
    found = kind.find(name)
    if found is None:
        raise NotRunnable(None, f"AttributeError: {kind.name} has no attribute {name}", "error")
    if isinstance(found, Wrapped):
        return Bound(found.function, (kind,)) if found.marker == "classmethod" else found.function
    return found


def method_of(table: dict[str, Any], value: Value, name: str) -> Value:
    """A whitelisted method, bound to its value."""
    if name not in table:
        raise NotRunnable(None, f"{name_of(value)}.{name} is not supported")
    return Bound(Builtin(name, table[name]), (value,))
