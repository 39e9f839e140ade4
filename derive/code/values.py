"""What a Python name may stand for while code is read.

Numbers are Python integers, sizes (SymPy expressions) or arrays without axes. Arrays that are stored are cells; what an
expression gives may be a bare array. Beside them there are tuples, lists, dicts, strings and what stands here.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Expr

from derive.code.arrays import Array, Cell, scalar
from derive.code.faults import Unsupported

Value = Any
"""One of the kinds named above."""


@dataclass(eq=False)
class Record:
    """An object with attributes: ``self``, ``ctx``, a named tuple."""

    kind: str
    attributes: dict[str, Value] = field(default_factory=dict)
    class_name: str = ""


class Config(dict[str, Value]):
    """A dict that a caller would fill: an entry that is missing is data."""


@dataclass(frozen=True)
class Path:
    """A module or something in it, by its full name: ``numpy.add``."""

    name: str


@dataclass(frozen=True, eq=False)
class Method:
    """An attribute of a value, to be called."""

    owner: Value
    name: str


@dataclass(frozen=True, eq=False)
class At:
    """``x.at[i]`` of JAX: the places of an array whose changed copy is asked for next."""

    array: Array
    items: tuple[Any, ...] | None = None


@dataclass(frozen=True, eq=False)
class Function:
    """A function of the file, with the scope that it closes over and the object that it is bound to."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    name: str = ""
    scope: dict[str, Value] | None = None
    owner: Record | None = None


@dataclass(frozen=True)
class Choice:
    """A string or truth value that a caller would choose: the first branch that asks for one decides."""

    name: str


class Pair(tuple[Any, ...]):
    """``values, indices``, as torch gives a maximum along an axis."""

    NAMES = ("values", "indices")


class Numbers(tuple[Any, ...]):
    """A NumPy vector of sizes, whose elements are asked for one by one; arithmetic with it is not that of a tuple."""


@dataclass(frozen=True, eq=False)
class Masked:
    """``x[mask]``: the entries of an array under a mask, of which nobody knows how many there are.

    Attributes:
        array: an array of which only these entries count.
        mask: 1 where an entry counts, over the letters of the array.
    """

    array: Array
    mask: Expr

    def like(self, array: Array) -> Masked:
        """Other numbers under the same mask."""
        return Masked(array, Array(self.array.axes, self.mask).over(array.axes))

    def has_mask_of(self, other: Masked) -> bool:
        return bool(self.like(other.array).mask == other.mask)


@dataclass(frozen=True)
class Poison:
    """A value that cannot be told; using it is what is unsupported."""

    why: str


@dataclass(frozen=True)
class Span:
    """``range(n)`` for a size n; ``rows`` are arrays that are walked along with it.

    Attributes:
        stop: how many rounds there are.
        first, step: what is counted from, and by how much.
    """

    stop: Expr
    rows: tuple[Value, ...] = ()
    counted: bool = True
    first: Expr = sympy.S.Zero
    step: Expr = sympy.S.One

    @property
    def is_plain(self) -> bool:
        """Whether it counts 0, 1, 2."""
        return bool(self.first == 0 and self.step == 1)


@dataclass(frozen=True)
class Ignored:
    """A dtype, a device, a context: something that changes no real number."""

    name: str


def is_array(value: Value) -> bool:
    return isinstance(value, Array | Cell)


def is_number(value: Value) -> bool:
    """An integer or a size."""
    return isinstance(value, int | Expr) and not isinstance(value, bool)


def as_array(value: Value, what: str = "this value") -> Array:
    """A value as an array. Raises `Unsupported` for what is none, and for views that are out of date."""
    if isinstance(value, Cell):
        if not value.whole and value.is_stale():
            raise Unsupported("a view of an array that was changed in place since", hint="Copy it first.")
        return value.array
    if isinstance(value, Array):
        return value
    if isinstance(value, bool | int | float | Expr):
        return scalar(value)
    if isinstance(value, Poison):
        raise Unsupported(value.why)
    if isinstance(value, Masked):
        raise Unsupported("the entries under a mask", hint="Multiply by the mask, or use where.")
    raise Unsupported(f"{what} is no array but {described(value)}")


def plain_number(array: Array) -> Value:
    """An array without axes as an integer or a size, where it is one."""
    if array.rank or array.kind != "whole":
        return array
    if array.expr.is_Integer:
        return int(array.expr)
    is_size = array.expr.is_integer and not array.expr.atoms(sympy.Indexed, sympy.Sum, sympy.Heaviside)
    return array.expr if is_size else array


def described(value: Value) -> str:
    """A value in a word, for messages."""
    names = {Path: "a module's name", Ignored: "a dtype or device", type(None): "None", str: "a string"}
    return names.get(type(value), f"a {type(value).__name__.lower()}")
