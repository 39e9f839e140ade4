"""What a name of the source can stand for, besides NumPy arrays, numbers, strings and containers of them.

Arrays are real NumPy arrays, so views alias and casts fail as they do there. Those of torch and JAX are marked by an
empty subclass, which NumPy hands on from operand to result: the methods of a value are those of its library.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

Value = Any
"""Any value of the interpreted program."""


class Tensor(np.ndarray):
    """An array of torch."""


class JaxArray(np.ndarray):
    """An array of jax.numpy: never changed in place."""


@dataclass(eq=False)
class Scope:
    """The names of a running function, comprehension, class body or module.

    Attributes:
        local: the names that Python holds local here: reading one before it is bound is an error.
        outer: names declared ``global`` or ``nonlocal``, with the scope that owns them.
        kind: in the body of a class, the class.
    """

    variables: dict[str, Value]
    parent: Scope | None = None
    local: frozenset[str] = frozenset()
    outer: dict[str, Scope] = field(default_factory=dict)
    is_class: bool = False
    is_comprehension: bool = False
    kind: Class | None = None


@dataclass(eq=False)
class Function:
    """A function or lambda of the source, with the scope where it was defined."""

    name: str
    node: ast.FunctionDef | ast.Lambda
    scope: Scope
    defaults: tuple[Value, ...] = ()
    keyword_defaults: dict[str, Value] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(eq=False)
class Class:
    """A class of the source."""

    name: str
    bases: tuple[Value, ...]
    members: dict[str, Value]

    def find(self, name: str) -> Value | None:
        """A member of this class or of the first base of the source that has it."""
        if name in self.members:
            return self.members[name]
        found = (base.find(name) for base in self.bases if isinstance(base, Class))
        return next((each for each in found if each is not None), None)


@dataclass(eq=False)
class Instance:
    """An object of a class of the source; ``ctx`` of an autograd function is one as well."""

    kind: Class
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Super:
    """``super()``: an object, and the classes where its members are looked up."""

    instance: Instance
    bases: tuple[Value, ...]


@dataclass(eq=False)
class Bound:
    """A function with its first arguments given: a method of an object, or a ``partial``."""

    function: Value
    arguments: tuple[Value, ...]
    keywords: dict[str, Value] = field(default_factory=dict)


@dataclass(eq=False)
class Wrapped:
    """A method marked ``staticmethod``, ``classmethod`` or ``property``."""

    marker: str
    function: Value


@dataclass(frozen=True)
class Namespace:
    """A library, or a part of one: ``numpy.linalg``."""

    path: str


@dataclass(frozen=True)
class Builtin:
    """A function of the whitelist: called with the machine first where it needs the budget or random numbers."""

    name: str
    call: Callable[..., Value]


@dataclass(frozen=True)
class Marker:
    """A thing that is only named: a type, a data type, a decorator."""

    name: str


@dataclass(frozen=True)
class Unknown:
    """What could not be evaluated, and is of no use until somebody uses it."""

    line: int
    why: str


class Config(dict[str, Value]):
    """An argument that the source uses as a dictionary of settings.

    Attributes:
        draw: gives the number that stands for a setting which nothing gives; the same for the same key.
    """

    def __init__(self, draw: Callable[[str], Value], entries: Mapping[str, Value] = MappingProxyType({})) -> None:
        super().__init__(entries)
        self.draw = draw


class Text:
    """A formatted string: may be printed or raised, nothing else."""
