"""Evaluates expressions with derivatives at a point, by forward-mode dual numbers over the forward graph.

A derivative ``D(a, b)`` is the slope of ``a`` when the entry ``b`` moves: in the total reading through all
definitions between them, in the partial reading with other names held fixed. An undefined loss is a linear
functional of the outputs with given weights, the upstream gradient; of such a loss only the first derivatives
mean anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import product
from math import prod
from typing import Literal, TypeAlias

import sympy
from sympy import Expr, Symbol

from derive.forward import Definition, Graph
from derive.probe.arithmetic import Arithmetic, Number, OutOfDomain
from derive.probe.code import By, Frame, NotEvaluable, Program, Target, TooLarge, program
from derive.probe.duals import Dual, Duals

MAX_OPERATIONS = 2_000_000
MAX_NESTING = 400
OWN_NESTING = 6

Key: TypeAlias = "tuple[str, tuple[int, ...]]"
"""A name and indices, counted from 1: an entry."""

Data: TypeAlias = Callable[[str, tuple[int, ...]], Fraction]
"""The value of an input entry, by name and indices counted from 1."""


@dataclass
class Budget:
    """How many operations are left, over all points of a comparison."""

    left: int = MAX_OPERATIONS


@dataclass(frozen=True)
class Seed:
    """An entry that moves.

    Attributes:
        tag: which derivative moves it; inner ones have higher tags.
        partial: whether a definition that mentions the entry's name keeps all other names fixed.
        held: names that stay fixed.
        direct: whether only the entry itself moves, and nothing by way of it.
    """

    name: str
    indices: tuple[int, ...]
    tag: int
    partial: bool = False
    held: frozenset[str] = frozenset()
    direct: bool = False


@dataclass(eq=False)
class Motion:
    """What moves, and the entries that have been evaluated under it."""

    seeds: tuple[Seed, ...]
    entries: dict[Key, Number] = field(default_factory=dict)
    through: dict[str, Motion] = field(default_factory=dict)
    inside: dict[str, Motion] = field(default_factory=dict)


class _Postponed(Exception):
    """An entry that lies too many definitions away is evaluated before what needs it, not while it waits."""

    def __init__(self, motion: Motion, key: Key) -> None:
        super().__init__(key)
        self.motion = motion
        self.key = key


class Evaluator:
    """Values at one point.

    Args:
        graph: the forward pass.
        sizes: the value of each size symbol, by name.
        data: the inputs' values; asked for ``∂L/∂y`` too where y is an output of an undefined loss.
        arithmetic: the kind of numbers.
        reading: how derivatives between intermediates are meant.
        budget: the operations allowed, which other evaluators may share.
    """

    def __init__(
        self,
        graph: Graph,
        sizes: Mapping[str, int],
        data: Data,
        arithmetic: Arithmetic,
        reading: Literal["total", "partial"] = "total",
        budget: Budget | None = None,
    ) -> None:
        self.graph = graph
        self.sizes = sizes
        self.data = data
        self.arithmetic = Duals(arithmetic)
        self.reading = reading
        self.budget = Budget() if budget is None else budget
        self._zero, self._one = (arithmetic.number(Fraction(k)) for k in (0, 1))
        self._integers: dict[int, Number] = {}
        self._motions: dict[tuple[Seed, ...], Motion] = {}
        self._programs: dict[str, Program] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._slopes: dict[Seed, Number] = {}
        self._nesting = 0
        self.passed: dict[Expr, set[bool]] = {}
        """Of each kink on the way of floats, whether its argument was positive, negative, or each once."""

    def value(self, expr: Expr, indices: Mapping[Symbol, int]) -> Number:
        """The value of an expression whose free indices have the given values (from 1).

        Raises `OutOfDomain`, `NotEvaluable` or `TooLarge`.
        """
        code = program(expr, tuple(indices), self.arithmetic)
        self.spend(code.weight)
        return self._settle(lambda: code.start(self, self._motion(()), tuple(indices.values())))

    def _settle(self, work: Callable[[], Number]) -> Number:
        """Do work, first evaluating what it postpones: so a deep graph needs no deep recursion."""
        waiting = [work]
        while True:
            self._nesting = 0
            try:
                number = waiting[-1]()
            except _Postponed as postponed:
                waiting.append(partial(self.entry, postponed.motion, postponed.key))
                continue
            waiting.pop()
            if not waiting:
                return number

    # -- what compiled code asks for -------------------------------------------------------------------------

    def spend(self, operations: int) -> None:
        """Count operations; raise `TooLarge` where there are too many."""
        self.budget.left -= operations * self.arithmetic.cost
        if self.budget.left < 0:
            raise TooLarge

    def pass_by(self, kink: Expr, number: Number) -> None:
        """Note on which side of a kink a number lies."""
        while isinstance(number, Dual):
            number = number.value
        if isinstance(number, float) and number:
            self.passed.setdefault(kink, set()).add(number > 0)

    def integer(self, value: int) -> Number:
        """An integer as a number."""
        if value not in self._integers:
            self._integers[value] = self.arithmetic.number(Fraction(value))
        return self._integers[value]

    def size(self, name: str) -> int:
        """The value of a size."""
        if name not in self.sizes:
            raise NotEvaluable(f"the size {name} has no value")
        return self.sizes[name]

    def selected(self, name: str, indices: tuple[int, ...]) -> int:
        """The value of a name that is used as an index."""
        if name not in self.graph.selectors:
            raise NotEvaluable(f"the index {name} has no value")
        return int(self.data(name, indices))

    def cubic(self, name: str, order: int) -> list[Number]:
        """The coefficients of a derivative of the cubic that stands for a function left general."""
        coefficients = [self.data(f"{name} coefficient", (k,)) for k in range(1, 5)]
        for _ in range(order):
            coefficients = [k * c for k, c in enumerate(coefficients)][1:]
        return [self.arithmetic.number(c) for c in coefficients]

    # -- entries ---------------------------------------------------------------------------------------------

    def entry(self, motion: Motion, key: Key) -> Number:
        """The value of an entry, with its slope for each seed that moves it."""
        name, indices = key
        through = self._through(motion, name)
        if through is motion:
            number = self._computed(motion, key)
        else:
            number = through.entries.get(key)
            number = self.entry(through, key) if number is None else number
        for seed in motion.seeds:
            if seed.name == name and seed.indices == indices:
                number = number + Dual(seed.tag, self._zero, self._one)
        motion.entries[key] = number
        return number

    def _motion(self, seeds: tuple[Seed, ...]) -> Motion:
        if seeds not in self._motions:
            self._motions[seeds] = Motion(seeds)
        return self._motions[seeds]

    def _through(self, motion: Motion, name: str) -> Motion:
        """The part of a motion that reaches a name by way of its definition."""
        if name not in motion.through:
            seeds = tuple(seed for seed in motion.seeds if self._reaches(seed, name))
            if name == self.graph.loss:
                seeds = tuple(replace(seed, partial=False) for seed in seeds)
            motion.through[name] = motion if seeds == motion.seeds else self._motion(seeds)
        return motion.through[name]

    def _reaches(self, seed: Seed, name: str) -> bool:
        if seed.direct or name == seed.name or name in seed.held:
            return False
        return self.graph.depends(name, seed.name) or (name == self.graph.loss and not self.graph.has_loss)

    def _inside(self, motion: Motion, name: str, mentions: frozenset[str]) -> Motion:
        """A motion inside a definition: there a partial derivative moves the entry alone if the definition
        has it."""
        if name not in motion.inside:
            motion.inside[name] = self._restricted(motion, mentions)
        return motion.inside[name]

    def _restricted(self, motion: Motion, mentions: frozenset[str]) -> Motion:
        seeds = (replace(s, direct=True) if s.partial and s.name in mentions else s for s in motion.seeds)
        return self._motion(tuple(seeds))

    def _computed(self, motion: Motion, key: Key) -> Number:
        name, indices = key
        self._check_range(name, indices)
        definition = self.graph.by_name.get(name)
        if definition is not None:
            return self._defined(definition, motion, indices)
        number = self.arithmetic.number(self.data(name, indices))
        for seed in motion.seeds:
            number = number + Dual(seed.tag, self._zero, self._loss_slope(seed, motion))
        return number

    def _defined(self, definition: Definition, motion: Motion, indices: tuple[int, ...]) -> Number:
        """Run a definition's code, unless too many others wait for it."""
        code = self._programs.get(definition.name)
        if code is None:
            code = self._programs[definition.name] = program(definition.expr, definition.indices, self.arithmetic)
        nesting = code.nesting + OWN_NESTING
        if self._nesting and self._nesting + nesting > MAX_NESTING:
            raise _Postponed(motion, (definition.name, indices))
        self.spend(code.weight)
        self._nesting += nesting
        inside = self._inside(motion, definition.name, code.mentions)
        number = code.start(self, inside, indices)
        self._nesting -= nesting
        return number

    def _check_range(self, name: str, indices: tuple[int, ...]) -> None:
        """Nothing is said of an entry that lies outside its array."""
        if name not in self._shapes:
            self._shapes[name] = tuple(measure(n, self.sizes) for n in self.graph.sizes_of(name))
        shape = self._shapes[name]
        if len(shape) != len(indices):
            if shape or name in self.graph.by_name:
                raise NotEvaluable(f"{name} has {len(shape)} indices, not {len(indices)}")
        elif not all(1 <= i <= n for i, n in zip(indices, shape, strict=True)):
            raise OutOfDomain(f"{name} has no entry {', '.join(map(str, indices))}")

    # -- derivatives -----------------------------------------------------------------------------------------

    def derivative(self, frame: Frame, target: Target, bys: tuple[By, ...]) -> Number:
        """The slope of a target as entries move, each in a motion inside the previous one's."""
        outer = frame.motion
        of_loss = target.name == self.graph.loss
        partially = self.reading == "partial" and not of_loss
        if partially and (outer.seeds or target.nested):
            raise NotEvaluable("a partial derivative inside the derivative of an expression")
        first = 1 + max((seed.tag for seed in outer.seeds), default=0)
        seeds = tuple(_seed(frame, by, target, first + k, partially) for k, by in enumerate(bys))
        if of_loss and not self.graph.has_loss and len(seeds) == 1:
            return self._loss_slope(seeds[0], outer)
        number = self._moved(frame, target, self._motion(outer.seeds + seeds))
        for seed in reversed(seeds):
            number = number.slope if isinstance(number, Dual) and number.tag == seed.tag else self._zero
        return number

    def _moved(self, frame: Frame, target: Target, motion: Motion) -> Number:
        """A target in a motion. Of a name the definition is what counts as mentioning an entry, not the name
        alone."""
        if target.name is None:
            return target.code(Frame(self, self._restricted(motion, target.mentions), frame.indices))
        return self.entry(motion, (target.name, tuple([i(frame) for i in target.indices])))

    def _loss_slope(self, seed: Seed, motion: Motion) -> Number:
        """∂L/∂seed of an undefined loss through all paths: the slope of the weighted sum of all outputs."""
        if seed.name == self.graph.loss:
            return self._one
        if any(other is not seed for other in motion.seeds):
            raise NotEvaluable("a second derivative of a loss that is not defined")
        alone = Seed(seed.name, seed.indices, 1, held=seed.held)
        if alone not in self._slopes:
            self._slopes[alone] = self._weighted(self._motion((alone,)))
        return self._slopes[alone]

    def _weighted(self, motion: Motion) -> Number:
        (seed,) = motion.seeds
        outputs = [name for name in self.graph.outputs if self.graph.depends(name, seed.name)]
        if not outputs:
            raise NotEvaluable(f"nothing says how {self.graph.loss} depends on {seed.name}")
        slope = self._zero
        for key in self._entries(outputs):
            number = self.entry(motion, key)
            if isinstance(number, Dual):
                slope = slope + number.slope * self.arithmetic.number(self.upstream(*key))
        return slope

    def _entries(self, names: list[str]) -> Iterator[Key]:
        for name in names:
            counts = [measure(n, self.sizes) for n in self.graph.sizes_of(name)]
            self.spend(prod(counts))
            ranges = (range(1, n + 1) for n in counts)
            yield from ((name, indices) for indices in product(*ranges))

    def upstream(self, output: str, indices: tuple[int, ...]) -> Fraction:
        """The weight of an output's entry in an undefined loss."""
        return self.data(f"∂{self.graph.loss}/∂{output}", indices)


def _seed(frame: Frame, by: By, target: Target, tag: int, partially: bool) -> Seed:
    held = by.held - {target.name}
    return Seed(by.name, tuple([i(frame) for i in by.indices]), tag, partially and not by.held, held)


def measure(size: Expr, sizes: Mapping[str, int]) -> int:
    """The value of a size: a number, a symbol, or something computed of such."""
    if isinstance(size, Symbol):
        size = sympy.Integer(sizes[size.name]) if size.name in sizes else size
    elif not isinstance(size, sympy.Integer):
        size = size.xreplace({s: sympy.Integer(sizes[s.name]) for s in size.free_symbols if s.name in sizes})
    if not isinstance(size, sympy.Integer):
        raise NotEvaluable(f"a size that is no integer: {size}")
    return int(size)


__all__ = ["Budget", "Data", "Evaluator", "NotEvaluable", "OutOfDomain", "TooLarge", "measure"]
