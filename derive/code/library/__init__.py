"""What library functions mean: a table a library, rows that share one meaning where the libraries do.

To teach the reader a function, add its row to the library's table; to give it a new meaning, add that to
``elementwise``, ``reductions``, ``arrangement`` or ``making``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from derive.code.faults import Fault, Unsupported
from derive.code.library import jax, numpy, plain, torch
from derive.code.library.rows import Call, Row
from derive.code.library.spans import positions
from derive.code.library.updates import changed_copy
from derive.code.values import At, Config, Ignored, Method, Record, Span, Value, described, is_array

if TYPE_CHECKING:
    from derive.code.machine import Machine

__all__ = ["Span", "call_method", "call_path", "formatted", "is_builtin", "library_of", "positions"]

TABLES: Mapping[str, Mapping[str, Row]] = {
    "numpy": numpy.FUNCTIONS,
    "jax.numpy": numpy.FUNCTIONS,
    "cupy": numpy.FUNCTIONS,
    "autograd.numpy": numpy.FUNCTIONS,
    "torch": torch.FUNCTIONS,
    "jax": jax.FUNCTIONS,
    "scipy": plain.SCIPY,
    "math": plain.MATH,
    "builtins": plain.BUILTINS,
    "past.builtins": plain.BUILTINS,
    "six.moves": plain.BUILTINS,
    "array_api_strict": numpy.FUNCTIONS,
}
"""For each module the functions behind its name; the longest name that fits counts."""

_METHODS: Mapping[str, Callable[[str], Row | None]] = {"numpy": numpy.method, "torch": torch.method, "jax": jax.method}
"""For each library what the methods of its arrays are."""

_DTYPES = ("float", "double", "int", "bool", "half", "long", "uint", "bfloat", "complex", "dtype", "device")


def is_builtin(name: str) -> bool:
    """Whether Python knows a name without an import."""
    return name in plain.BUILTINS or name in plain.TYPES


def library_of(path: str) -> str:
    """The library that a module's name belongs to, or nothing."""
    root = path.split(".")[0]
    return {"numpy": "numpy", "cupy": "numpy", "autograd": "numpy", "torch": "torch", "jax": "jax"}.get(root, "")


def call_path(
    machine: Machine, path: str, arguments: Sequence[Value], keywords: Mapping[str, Value], node: ast.expr
) -> Value:
    """Call a function by its full name."""
    row = _row(path)
    if row is not None:
        return row.means(Call(machine, row, path, node).bind(arguments, keywords))
    if path == "builtins.super":
        return Record("super")
    if path.rpartition(".")[2].lower().startswith(_DTYPES):
        return Ignored(path)
    raise Unsupported(f"the function {path.removeprefix('builtins.')}", hint="Write what it does as array operations.")


def _row(path: str) -> Row | None:
    fitting = [module for module in TABLES if path.startswith(f"{module}.")]
    if not fitting:
        return None
    module = max(fitting, key=len)
    return TABLES[module].get(path.removeprefix(f"{module}."))


def call_method(
    machine: Machine, method: Method, arguments: Sequence[Value], keywords: Mapping[str, Value], node: ast.expr
) -> Value:
    """Call a method of a value."""
    owner, name = method.owner, method.name
    if is_array(owner):
        row = _METHODS[machine.library](name)
        if row is None:
            raise Unsupported(f"the method {name} of an array")
        return row.means(Call(machine, row, name, node).bind([owner, *arguments], keywords))
    kinds: tuple[tuple[type, Callable[..., Value]], ...] = (
        (dict, _of_dict), (list, _of_list), (str, _of_text), (Record, _of_record), (Ignored, _of_ignored),
        (At, changed_copy),
    )  # fmt: skip
    for kind, means in kinds:
        if isinstance(owner, kind):
            return means(machine, owner, name, list(arguments))
    raise Unsupported(f"the method {name} of {described(owner)}")


def _of_dict(machine: Machine, owner: dict[Value, Value], name: str, arguments: list[Value]) -> Value:
    from derive.code.configs import config_entry

    if name in ("get", "setdefault", "pop") and arguments:
        key = arguments[0]
        if key in owner:
            return owner.pop(key) if name == "pop" else owner[key]
        default = arguments[1] if len(arguments) > 1 else None
        if isinstance(owner, Config):
            return config_entry(machine, owner, key, default)
        if name == "setdefault":
            owner[key] = default
        return default
    if name in ("items", "keys", "values") and not isinstance(owner, Config):
        return [tuple(each) if name == "items" else each for each in getattr(owner, name)()]
    if name == "copy":
        return type(owner)(owner)
    if name == "update" and arguments and isinstance(arguments[0], dict):
        owner.update(arguments[0])
        return None
    raise Unsupported(f"the method {name} of a dict")


def _of_list(machine: Machine, owner: list[Value], name: str, arguments: list[Value]) -> Value:
    if name == "append" and len(arguments) == 1:
        owner.append(arguments[0])
        return None
    if name == "pop" and not arguments:
        if not owner:
            raise Fault("pop from an empty list")
        return owner.pop()
    if name == "extend" and isinstance(arguments[0], tuple | list):
        owner.extend(arguments[0])
        return None
    raise Unsupported(f"the method {name} of a list")


def _of_text(machine: Machine, owner: str, name: str, arguments: list[Value]) -> Value:
    if name == "format":
        return formatted(owner, r"{}", arguments)
    if name in ("lower", "upper", "strip") and not arguments:
        return getattr(owner, name)()
    if name in ("startswith", "endswith") and all(isinstance(a, str) for a in arguments):
        return getattr(owner, name)(*arguments)
    raise Unsupported(f"the method {name} of a string")


def formatted(text: str, place: str, values: Sequence[Value]) -> Value:
    """A text with numbers and words put in at its places; with widths, precisions and the like it is any text."""
    parts = re.split(place, text)
    if (
        len(parts) != len(values) + 1
        or not all(isinstance(v, int | str) for v in values)
        or re.search(r"[%{}]", "".join(parts))
    ):
        return Ignored("a text")
    return "".join(f"{part}{value}" for part, value in zip(parts, (*values, ""), strict=True))


def _of_record(machine: Machine, owner: Record, name: str, arguments: list[Value]) -> Value:
    """``ctx.save_for_backward``, ``super().__init__`` and what else changes no number."""
    if name == "save_for_backward":
        owner.attributes["saved_tensors"] = owner.attributes["saved_variables"] = tuple(arguments)
        return None
    if name in ("mark_non_differentiable", "set_materialize_grads", "__init__", "mark_dirty"):
        return None
    raise Unsupported(f"the method {name}")


def _of_ignored(machine: Machine, owner: Ignored, name: str, arguments: list[Value]) -> Value:
    return owner
