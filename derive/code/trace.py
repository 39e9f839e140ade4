"""What is written down while code is read: definitions of named quantities, the stages of the backward pass, and all
that was taken for granted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import sympy
from sympy import Expr, Symbol

from derive.code.arrays import Array, Axis, Kind, inputs
from derive.code.faults import Fault, Unsupported
from derive.code.lengths import opened
from derive.forward import Definition, entry
from derive.language import name_of

Phase = Literal["forward", "backward"]
BACKWARD = "b:"
"""What the names of the backward pass begin with."""
PLACEHOLDER = "?"
"""What the names begin with that stand for a value of the round before."""


@dataclass(frozen=True)
class Stage:
    """An assignment in the functions of a pair themselves, not in what they call.

    Attributes:
        name: the Python name, or the key, that is assigned.
        definition: the definition that holds the value.
        line: counted from 1.
    """

    name: str
    definition: str
    line: int


@dataclass
class Trace:
    """The record of one reading.

    Attributes:
        definitions: named quantities in the order of their assignments.
        sizes: for each name the sizes of its indices.
        shown: for each definition the Python name and its line.
        axes: for each name its axes.
        stages: the assignments of arrays, in order.
        free: the names of maxima, which stand for themselves, with their lines: nothing may depend on them.
        selectors: names that are used as indices, with the size of the axis that they choose from.
        taken: names that no definition may have, as they are sizes.
        unpacked: for each unpacking of a cache its line, the names given, and the names that were saved.
        loops: the letters and numbers of rounds of the loops that are being read, the outermost first.
        windows: by what they pick, the names of the selections of `windows`.
    """

    phase: Phase = "forward"
    definitions: dict[str, Definition] = field(default_factory=dict)
    sizes: dict[str, tuple[Expr, ...]] = field(default_factory=dict)
    shown: dict[str, tuple[str, int]] = field(default_factory=dict)
    axes: dict[str, tuple[Axis, ...]] = field(default_factory=dict)
    stages: list[Stage] = field(default_factory=list)
    free: list[tuple[str, int]] = field(default_factory=list)
    selectors: dict[str, Expr] = field(default_factory=dict)
    positive: set[str] = field(default_factory=set)
    assumptions: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    unpacked: list[tuple[int, tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)
    loops: list[tuple[Symbol, Expr]] = field(default_factory=list)
    windows: dict[str, str] = field(default_factory=dict)

    def input(self, name: str, axes: tuple[Axis, ...], kind: Kind = "real", positive: bool = False) -> Array:
        """Data under a name of its own."""
        name, shown = self._unused(name), name
        made = inputs(name, axes, kind)
        self.sizes[name], self.axes[name] = made.sizes, made.axes
        self.shown[name] = (shown, 0)
        if positive:
            self.positive.add(name)
        return made

    def define(self, name: str, array: Array, line: int, is_stage: bool = False) -> Array:
        """An array under a name: later expressions use the name and not its value."""
        full = self._unused((BACKWARD if self.phase == "backward" else "") + name)
        array = array.fresh()
        self.definitions[full] = Definition(full, array.letters, array.sizes, array.expr)
        self.sizes[full], self.axes[full] = array.sizes, array.axes
        self.shown[full] = (name, line)
        if is_stage:
            self.stages.append(Stage(name, full, line))
        return Array(array.axes, entry(full, array.letters), array.kind)

    def maximum(self, axes: tuple[Axis, ...], line: int, rounds: Axis = ()) -> Array:
        """A maximum: any number, on which nothing may depend in the end; in a loop, another one each round."""
        name = self._unused("max")
        made = inputs(name, (*((each,) for each in rounds), *axes))
        self.sizes[name], self.axes[name] = made.sizes, made.axes
        self.free.append((name, line))
        return Array(axes, made.expr)

    def select(self, index: Array, size: Expr) -> None:
        """Note that labels choose from an axis, always the same one."""
        if index.limit is not None:
            self._fits(index.limit, size)
            return
        if not isinstance(index.expr, sympy.Indexed | Symbol):
            raise Unsupported("an index that is computed from labels")
        name = name_of(index.expr)
        if name in self.selectors:
            self._fits(self.selectors[name], size)
        self.selectors[name] = size

    def _fits(self, limit: Expr, size: Expr) -> None:
        """Whether indices that run up to a limit are those of an axis."""
        gap = opened(size - limit)
        if gap == 0:
            return
        if gap.is_positive:
            raise Unsupported(f"indices up to {limit} on an axis of size {size}: a part of it only")
        raise Fault(f"indices up to {limit} on an axis of size {size}")

    def window(self, key: str, axes: Axis) -> Expr:
        """An entry of a selection: data, over one place and the letters that say which place is picked."""
        name = self.windows.get(key) or self._unused(f"window{len(self.windows) + 1}")
        self.windows[key] = name
        self.taken.add(name)  # also while the record is taken back
        self.sizes[name] = tuple(n for n, _ in axes)
        self.axes[name] = tuple((each,) for each in axes)
        return entry(name, tuple(i for _, i in axes))

    def shown_name(self, name: str) -> str:
        """The Python name of a definition."""
        return self.shown[name][0] if name in self.shown else name

    def assume(self, sentence: str) -> None:
        if sentence not in self.assumptions:
            self.assumptions.append(sentence)

    def mark(self) -> tuple[int, ...]:
        """Where the record stands, to go back to."""
        tables: tuple[Any, ...] = (self.definitions, self.sizes, self.shown, self.axes, self.stages, self.free)
        return tuple(len(table) for table in tables)

    def back_to(self, mark: tuple[int, ...]) -> None:
        """Strike out what was written down since a mark."""
        tables: tuple[Any, ...] = (self.definitions, self.sizes, self.shown, self.axes, self.stages, self.free)
        for table, length in zip(tables, mark, strict=True):
            while len(table) > length:
                table.popitem() if isinstance(table, dict) else table.pop()

    def _unused(self, name: str) -> str:
        found, k = name, 2
        while found in self.sizes or found in self.taken:
            found, k = f"{name}@{k}", k + 1
        return found
