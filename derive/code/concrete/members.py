"""``value.name`` for every kind of value."""

from __future__ import annotations

import numpy as np

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.calls import call_value
from derive.code.concrete.items import bound, member, of_class
from derive.code.concrete.libraries import LIBRARY, MODULES
from derive.code.concrete.libraries import numpy_ as numpy_library
from derive.code.concrete.libraries import torch_ as torch_library
from derive.code.concrete.libraries.jax_ import METHODS as JAX_METHODS
from derive.code.concrete.libraries.jax_ import At
from derive.code.concrete.libraries.python import has_attribute, methods_of
from derive.code.concrete.machine import Machine
from derive.code.concrete.operators import name_of
from derive.code.concrete.values import (
    Bound,
    Builtin,
    Class,
    Function,
    Instance,
    JaxArray,
    Marker,
    Namespace,
    Super,
    Tensor,
    Value,
    Wrapped,
)


def get_attribute(machine: Machine, value: Value, name: str) -> Value:
    """``value.name``; dunder names of Python's own are never reached, as every table is a whitelist."""
    if isinstance(value, Instance):
        return of_instance(machine, value, name)
    if isinstance(value, Class):
        return of_autograd(value) if name == "apply" and is_autograd(value) else of_class(value, name)
    if isinstance(value, Super):
        return of_super(value, name)
    if isinstance(value, Namespace | Builtin):
        path = value.path if isinstance(value, Namespace) else value.name
        return in_library(f"{path}.{name}")
    if isinstance(value, np.ndarray | np.generic):
        return of_array(value, name)
    if isinstance(value, Function):
        return of_function(value, name)
    if isinstance(value, torch_library.Result | At):
        return value.attribute(name)
    methods = methods_of(value)
    if name in methods:
        return Bound(Builtin(name, methods[name]), (value,))
    if isinstance(value, int | float) and name in ("real", "imag"):
        return value if name == "real" else 0
    raise NotRunnable(None, f"{name_of(value)} has no .{name} here")


def of_instance(machine: Machine, instance: Instance, name: str) -> Value:
    if name in instance.attributes:
        return instance.attributes[name]
    if name == "__class__":
        return instance.kind
    found = member(instance, name)
    if found is None:
        raise NotRunnable(None, f"AttributeError: {instance.kind.name} has no attribute {name}", "error")
    if isinstance(found, Wrapped) and found.marker == "property":
        return call_value(machine, found.function, [instance], {})
    return found


def of_super(value: Super, name: str) -> Value:
    found = Class("super", value.bases, {}).find(name)
    if found is None and name == "__init__":
        return Builtin("__init__", lambda machine, *_, **__: None)
    if found is None:
        raise NotRunnable(None, f"no base of the source has {name}")
    return bound(value.instance, found)


def of_array(value: Value, name: str) -> Value:
    """A method or attribute by the array's library."""
    if isinstance(value, Tensor):
        table, attribute = torch_library.METHODS, torch_library.attribute
    elif isinstance(value, JaxArray):
        table, attribute = JAX_METHODS, jax_attribute
    else:
        table, attribute = numpy_library.METHODS, numpy_library.attribute
    return Bound(Builtin(name, table[name]), (value,)) if name in table else attribute(value, name)


def jax_attribute(value: Value, name: str) -> Value:
    return At(value) if name == "at" else numpy_library.attribute(value, name)


def in_library(path: str) -> Value:
    """What a dotted name of a library stands for."""
    if path in LIBRARY:
        return LIBRARY[path]
    if path in MODULES:
        return Namespace(path)
    raise NotRunnable(None, f"{path} is not supported")


def of_function(function: Function, name: str) -> Value:
    """What a program stored on a function; ``defvjp`` of a function with a rule of its own is kept there."""
    if name in function.attributes:
        return function.attributes[name]
    if name in ("defvjp", "defjvp", "defjvps"):
        return Builtin(name, lambda machine, *rules, **_: function.attributes.update(rules=rules))
    if name == "__name__":
        return function.name
    raise NotRunnable(None, f"AttributeError: function {function.name} has no attribute {name}", "error")


# -- autograd functions ----------------------------------------------------------------------------------------------


def is_autograd(kind: Class) -> bool:
    """Whether a class derives from ``torch.autograd.Function``."""
    return any(
        (isinstance(base, Marker) and base.name == "Function") or (isinstance(base, Class) and is_autograd(base))
        for base in kind.bases
    )


def of_autograd(kind: Class) -> Value:
    """``Class.apply``: the forward function with a context."""
    return Bound(of_class(kind, "forward"), (torch_library.context(),))


def attribute_of(machine: Machine, value: Value, name: Value, *default: Value) -> Value:
    """``getattr``."""
    if not isinstance(name, str):
        raise NotRunnable(None, "TypeError: the name of an attribute is a string", "error")
    if default and isinstance(value, Instance) and not has_attribute(machine, value, name):
        return default[0]
    return get_attribute(machine, value, name)
