"""Points at which claims are evaluated, and the comparison of two sides there.

Sizes are at least 3 (a normalisation's gradient vanishes at 2 without ε), entries non-zero and not constant, free
indices tried equal and different. Small integers come first, so that a counterexample is one to check by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count, product
from random import Random
from typing import Any, Literal

import sympy
from sympy import Expr, Symbol

from derive.forward import Graph
from derive.language import name_of
from derive.probe.arithmetic import Floats, Intervals, OutOfDomain, disjoint, ends
from derive.probe.evaluation import Evaluator

PRECISIONS = (80, 300)
TOLERANCE = 1e-7
MAX_ASSIGNMENTS = 12


@dataclass(frozen=True)
class Claim:
    """``left = right`` for all values of the free indices, pairs in ``apart`` excepted.

    Attributes:
        sizes: the size of the axis of each free index.
    """

    left: Expr
    right: Expr
    indices: tuple[Symbol, ...] = ()
    sizes: tuple[Expr, ...] = ()
    apart: frozenset[frozenset[Symbol]] = frozenset()


@dataclass(frozen=True)
class Counterexample:
    """Sizes, index values and data at which two intervals that hold the sides are disjoint."""

    sizes: Mapping[str, int]
    indices: Mapping[str, int]
    values: Mapping[str, Any]
    left: str
    right: str


@dataclass(frozen=True)
class Agreement:
    """How many points were compared, all of them equal up to rounding."""

    points: int


@dataclass
class Point:
    """Concrete sizes and data; data are drawn when they are asked for, and remembered.

    Attributes:
        style: ``plain`` small integers, ``generic`` fractions, ``positive`` positive fractions.
    """

    graph: Graph
    sizes: Mapping[str, int]
    seed: int
    style: Literal["plain", "generic", "positive"]
    used: dict[tuple[str, tuple[int, ...]], Fraction] = field(default_factory=dict)
    _pools: dict[str, list[Fraction]] = field(default_factory=dict)

    def data(self, name: str, indices: tuple[int, ...]) -> Fraction:
        key = name, indices
        if key not in self.used:
            self.used[key] = self._draw(name, indices)
        return self.used[key]

    def _draw(self, name: str, indices: tuple[int, ...]) -> Fraction:
        if name in self.graph.selectors:
            size = self.integer(self.graph.selectors[name])
            return Fraction(1 + (sum(indices) + self.seed) % size)
        for left, right in self.graph.facts:
            if isinstance(left, sympy.Sum) and isinstance(left.function, sympy.Indexed) and name_of(left.function) == name:
                return self._share(left, right, indices)
        return self._raw(name, indices, positive=name in self.graph.positive)

    def _raw(self, name: str, indices: tuple[int, ...], positive: bool) -> Fraction:
        """Neighbouring entries differ: each name walks through a shuffled pool of its own."""
        key = f"{name}{'+' if positive else ''}"
        if key not in self._pools:
            self._pools[key] = self._pool(key, positive)
        pool = self._pools[key]
        return pool[sum(i * step for i, step in zip(indices, (1, 3, 7, 11, 13, 17), strict=False)) % len(pool)]

    def _pool(self, key: str, positive: bool) -> list[Fraction]:
        random = Random(f"{self.seed} {key}")
        if self.style == "plain":
            values = [Fraction(n) for n in (range(1, 5) if positive else (-3, -2, -1, 1, 2, 3, 4))]
        elif self.style == "generic" and not positive:
            values = [Fraction(random.randint(1, 25) * random.choice((-1, 1)), 8) for _ in range(17)]
        else:
            values = [Fraction(random.randint(1, 25), 8) for _ in range(17)]
        random.shuffle(values)
        return values

    def _share(self, fact: Expr, total: Expr, indices: tuple[int, ...]) -> Fraction:
        """An entry of an array whose sum over some indices is given: positive shares of that total."""
        name = name_of(fact.function)
        letters = [limit[0] for limit in fact.limits]
        spans = [range(1, self.integer(limit[2]) + 1) for limit in fact.limits]
        whole = Fraction(0)
        for values in product(*spans):
            chosen = dict(zip(letters, values, strict=True))
            entry = tuple(chosen.get(i, k) for i, k in zip(fact.function.indices, indices, strict=True))
            whole += self._raw(name, entry, positive=True)
        return self._raw(name, indices, positive=True) / whole * Fraction(str(total))

    def integer(self, size: Expr) -> int:
        return int(size.xreplace({s: sympy.Integer(self.sizes[s.name]) for s in size.free_symbols}))


def compare(
    claim: Claim, graph: Graph, reading: Literal["total", "partial"], rounds: int = 3, distinct: bool = True
) -> Counterexample | Agreement:
    """Look for a point at which the sides differ for certain; otherwise say how many points agreed."""
    agreed = 0
    for point in _points(claim, graph, rounds, distinct):
        for indices in assignments(claim, point):
            verdict = _differs(claim, graph, point, indices, reading)
            if verdict is True:
                found = certify(claim, graph, point, indices, reading)
                if found is not None:
                    return found
            elif verdict is False:
                agreed += 1
    return Agreement(agreed)


def _points(claim: Claim, graph: Graph, rounds: int, distinct: bool) -> Iterator[Point]:
    sizes = size_values(claim, graph, distinct)
    styles: tuple[Literal["plain", "generic", "positive"], ...] = ("plain", "generic", "positive")
    for seed in range(rounds):
        yield Point(graph, sizes, seed, styles[seed % 3])


def size_values(claim: Claim, graph: Graph, distinct: bool) -> dict[str, int]:
    """A value for every size symbol: 3, 4, 5, 3, 4, ... or all 3."""
    symbols: dict[str, None] = {}
    sizes = [n for name in graph.sizes for n in graph.sizes[name]] + [n for d in graph.definitions for n in d.sizes]
    for expr in (*claim.sizes, *sizes, claim.left, claim.right, *(d.expr for d in graph.definitions)):
        for symbol in sorted(expr.free_symbols, key=str):
            if symbol.is_integer and symbol.is_positive:
                symbols[symbol.name] = None
    values = (3 + k % 3 if distinct else 3 for k in count())
    return dict(zip(symbols, values, strict=False))


def assignments(claim: Claim, point: Point) -> list[dict[Symbol, int]]:
    """Values for the free indices: letters of one size both equal and different."""
    spans = [range(1, min(2 + (len(claim.indices) < 2), point.integer(n)) + 1) for n in claim.sizes]
    chosen = []
    for values in product(*spans):
        indices = dict(zip(claim.indices, values, strict=True))
        if all(len({indices[i] for i in pair if i in indices}) == 2 for pair in claim.apart):
            chosen.append(indices)
    return sorted(chosen, key=lambda c: -len(set(c.values())))[:MAX_ASSIGNMENTS]


def _differs(
    claim: Claim, graph: Graph, point: Point, indices: Mapping[Symbol, int], reading: Literal["total", "partial"]
) -> bool | None:
    """Whether floats differ by more than rounding; None where a side has no value."""
    try:
        left, right = _sides(claim, Evaluator(graph, point.sizes, point.data, Floats(), reading), indices)
    except OutOfDomain:
        return None
    if left != left or right != right:
        return None
    return bool(abs(left - right) > TOLERANCE * (1e-3 + abs(left) + abs(right)))


def _sides(claim: Claim, evaluator: Evaluator, indices: Mapping[Symbol, int]) -> tuple[Any, Any]:
    return evaluator.value(claim.left, indices), evaluator.value(claim.right, indices)


def certify(
    claim: Claim, graph: Graph, point: Point, indices: Mapping[Symbol, int], reading: Literal["total", "partial"]
) -> Counterexample | None:
    """The counterexample at a point if interval arithmetic shows that the sides differ there, else None."""
    for bits in PRECISIONS:
        fresh = Point(graph, point.sizes, point.seed, point.style)
        evaluator = Evaluator(graph, fresh.sizes, fresh.data, Intervals(bits), reading)
        try:
            left, right = _sides(claim, evaluator, indices)
        except OutOfDomain:
            continue
        if disjoint(left, right):
            return _counterexample(fresh, indices, left, right)
    return None


def _counterexample(point: Point, indices: Mapping[Symbol, int], left: Any, right: Any) -> Counterexample:
    return Counterexample(
        dict(point.sizes),
        {symbol.name: value for symbol, value in indices.items()},
        _arrays(point.used),
        _decimal(left),
        _decimal(right),
    )


def _decimal(interval: Any) -> str:
    """The middle of an interval, to eight digits."""
    low, high = ends(interval)
    return f"{(low + high) / 2:.8g}"


def _arrays(used: Mapping[tuple[str, tuple[int, ...]], Fraction]) -> dict[str, Any]:
    """The data that was used, by name: a number, a (nested) list where all entries are there, else entries by index."""
    names: dict[str, dict[tuple[int, ...], Fraction]] = {}
    for (name, indices), value in sorted(used.items()):
        names.setdefault(name, {})[indices] = value
    return {name: _array(entries) for name, entries in names.items()}


def _array(entries: Mapping[tuple[int, ...], Fraction]) -> Any:
    if () in entries:
        return str(entries[()])
    shape = [max(indices[k] for indices in entries) for k in range(len(next(iter(entries))))]
    full = all(indices in entries for indices in product(*(range(1, n + 1) for n in shape)))
    return _nested(entries, (), shape) if full else {",".join(map(str, i)): str(v) for i, v in entries.items()}


def _nested(entries: Mapping[tuple[int, ...], Fraction], prefix: tuple[int, ...], shape: Sequence[int]) -> Any:
    if len(prefix) == len(shape):
        return str(entries[prefix])
    return [_nested(entries, (*prefix, k), shape) for k in range(1, shape[len(prefix)] + 1)]


def free_indices(exprs: Iterable[Expr]) -> set[Symbol]:
    """Symbols that are indices: integers not known to be positive."""
    return {s for e in exprs for s in e.free_symbols if isinstance(s, Symbol) and s.is_integer and not s.is_positive}
