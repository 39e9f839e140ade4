"""A library function as a row of a table: what it means, and its parameters in their order.

Parameters have one name in all libraries (``axis``, ``keepdims``); each library's own spelling is translated when a
call is read. A parameter that is not in the row is a mistake of the caller, as it would be in Python.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr

from derive.code.arrays import Array, Cell
from derive.code.faults import Fault, Unsupported
from derive.code.values import Ignored, Value, as_array, is_array, is_number, plain_number

if TYPE_CHECKING:
    from derive.code.machine import Machine

SPELLINGS = {
    "dim": "axis",
    "keepdim": "keepdims",
    "input": "a",
    "x": "a",
    "x1": "a",
    "x2": "b",
    "other": "b",
    "object": "a",
    "self": "a",
    "arr": "a",
    "correction": "ddof",
    "a_min": "min",
    "a_max": "max",
    "dims": "axes",
    "m": "a",
    "tensors": "arrays",
    "size": "shape",
    "newshape": "shape",
    "loc": "low",
    "scale": "high",
    "indices_or_sections": "parts",
}
"""Names of parameters in some library, with the name that rows have."""

IGNORED = frozenset({"dtype", "device", "order", "requires_grad", "copy", "casting", "subok", "inplace", "layout",
                     "memory_format", "non_blocking", "precision", "out_sharding", "optimize", "ndmin"})  # fmt: skip
"""Parameters that change no real number (a dtype is looked at where it does)."""

REFUSED = frozenset({"out", "where", "initial", "weights"})
"""Parameters of NumPy's functions that are not read."""


@dataclass(frozen=True)
class Row:
    """One function of a library.

    Attributes:
        means: what it gives.
        parameters: their names in order; the last may begin with ``*``.
    """

    means: Callable[[Call], Value]
    parameters: tuple[str, ...]


def rows(means: Mapping[str, Callable[[Call], Value]], text: str) -> dict[str, Row]:
    """A table from lines ``name[=meaning] parameter parameter …``."""
    found = {}
    for line in text.strip().splitlines():
        name, *parameters = line.split()
        name, _, meaning = name.partition("=")
        found[name] = Row(means[meaning or name], tuple(parameters))
    return found


class Call:
    """One call of a library function, its arguments by name."""

    def __init__(self, machine: Machine, row: Row, name: str, node: ast.expr) -> None:
        self.machine = machine
        self.row = row
        self.name = name
        self.node = node
        self.values: dict[str, Value] = {}

    @property
    def line(self) -> int:
        return self.node.lineno

    def bind(self, arguments: Sequence[Value], keywords: Mapping[str, Value]) -> Call:
        """Give the parameters their values. Raises `Fault` as Python would."""
        names = list(self.row.parameters)
        if names and names[-1].startswith("*"):
            name = names.pop()[1:]
            self.values[name] = tuple(arguments[len(names) :])
            arguments = arguments[: len(names)]
        if len(arguments) > len(names):
            raise Fault(f"{self.name} takes {len(names)} arguments, not {len(arguments)}")
        self.values |= dict(zip(names, arguments, strict=False))
        for key, value in keywords.items():
            self._keyword(key, value)
        return self

    def _keyword(self, key: str, value: Value) -> None:
        name = key if key in self.row.parameters else SPELLINGS.get(key, key)
        starred = f"*{name}" in self.row.parameters
        if name in self.row.parameters or starred:
            if not starred and name in self.values:
                raise Fault(f"{self.name} gets {key} twice")
            self.values[name] = value
        elif key in REFUSED:
            raise Unsupported(f"{self.name} with {key}=")
        elif key in IGNORED:
            self.values[key] = value
        else:
            raise Unsupported(f"{self.name} with {key}=")

    # -- arguments ---------------------------------------------------------------------------------------------------

    def get(self, name: str, default: Value = None) -> Value:
        return self.values.get(name, default)

    def has(self, name: str) -> bool:
        return name in self.values

    def __getitem__(self, name: str) -> Value:
        if name not in self.values:
            raise Fault(f"{self.name} is called without {name}")
        return self.values[name]

    def array(self, name: str = "a") -> Array:
        return as_array(self[name], f"an argument of {self.name}")

    def cell(self, name: str = "a") -> Cell | None:
        """The cell of an argument, of which a view may be made."""
        value = self[name]
        return value if isinstance(value, Cell) else None

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.get(name, default)
        if isinstance(value, bool):
            return value
        raise Unsupported(f"{self.name} with {name}= that is no truth value")

    def number(self, name: str, default: int | None = None) -> int:
        """A fixed integer."""
        value = self.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise Unsupported(f"{self.name} with {name}= that is no fixed integer")

    def places(self, rank: int, name: str = "axis") -> tuple[int, ...]:
        """Axes by number from the left; all of them where none is given."""
        value = self.get(name)
        if value is None:
            return tuple(range(rank))
        found = []
        for k in value if isinstance(value, tuple | list) else (value,):
            if is_array(k):
                raise Fault(f"{self.name} with an array for its {name}")
            if isinstance(k, bool) or not isinstance(k, int):
                raise Unsupported(f"{self.name} with {name}= that is no fixed integer")
            if not -rank <= k < rank:
                raise Fault(f"{self.name} over axis {k} of an array of {rank} axes")
            found.append(k % rank)
        if len(set(found)) != len(found):
            raise Fault(f"{self.name} over one axis twice")
        return tuple(found)

    def shape(self, name: str = "shape") -> tuple[Value, ...]:
        """A shape: numbers and sizes, given one by one, as a tuple, or as one number."""
        value = self[name]
        if isinstance(value, tuple | list) and len(value) == 1 and isinstance(value[0], tuple | list):
            value = value[0]
        found = []
        for each in value if isinstance(value, tuple | list) else (value,):
            each = plain_number(as_array(each)) if is_array(each) else each
            if is_array(each):
                raise Fault(f"{self.name} with a size that is no integer")
            if not is_number(each):
                raise Unsupported(f"{self.name} with a size that is not known")
            found.append(each)
        return tuple(found)

    def is_of(self, kind: str, name: str = "dtype") -> bool:
        """Whether a dtype was given that is of a kind: ``int`` or ``bool``."""
        value = self.get(name)
        label = value.name if isinstance(value, Ignored) else str(getattr(value, "name", value))
        return kind in label.rpartition(".")[2].lower()


Size = Expr
