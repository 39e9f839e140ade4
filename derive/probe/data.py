"""Concrete sizes and data.

Small integers and sizes come first, so that a counterexample is one to check by hand; fractions and sizes
that differ come after, so that nothing agrees by coincidence. Only the last styles have entries that are 0; in
all others neighbouring entries differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property
from itertools import accumulate, product
from math import prod
from random import Random
from typing import Any, Literal
from zlib import crc32

import sympy
from sympy import Expr

from derive.caches import kept
from derive.forward import Graph
from derive.language import name_of
from derive.opaque import is_held, name_held
from derive.probe.evaluation import TooLarge, measure

Style = Literal["plain", "generic", "positive", "unit", "large", "tiny", "sparse", "zero"]
"""``plain``: small integers; ``generic``: fractions of either sign; ``positive``: fractions; ``unit``:
between 0 and 1; ``large``: whole numbers from 2 to 40; ``tiny``: around a millionth, of either sign; ``sparse``:
small integers, every third of them 0; ``zero``: 0, but 1 to 3 for what is positive."""

SAME, SPREAD = (3,), (3, 4, 5)
"""Plans for sizes: all 3, the least at which a normalisation's gradient does not vanish without ε, or different."""

STRIDES = (1, 7, 31, 53, 71)
"""How far entries that are neighbours along an axis lie apart in a name's pool of values."""
POOL = 97
MAX_SIZE = 12
MAX_SHOWN = 1000
MAX_ROW = 10_000


@dataclass
class Point:
    """Sizes and data; each entry's value follows from the seed, so that asking again gives the same."""

    graph: Graph
    sizes: Mapping[str, int]
    seed: int
    style: Style
    used: dict[tuple[str, tuple[int, ...]], Fraction] = field(default_factory=dict)

    def data(self, name: str, indices: tuple[int, ...]) -> Fraction:
        """The value of an input entry."""
        key = name, indices
        if key not in self.used:
            self.used[key] = self._draw(name, indices)
        return self.used[key]

    def again(self) -> Point:
        """The same point with nothing used yet."""
        return Point(self.graph, self.sizes, self.seed, self.style)

    def _draw(self, name: str, indices: tuple[int, ...]) -> Fraction:
        if is_held(name) and name_held(name) not in self.graph.by_name:
            return self.data(name_held(name), indices)  # so that an open name is here what it is at rest
        if name in self.graph.selectors:
            size = measure(self.graph.selectors[name], self.sizes)
            return Fraction(1 + (sum(indices) + self.seed) % size)
        fact = self._facts.get(name)
        if name in self.graph.indicators:
            return self._indicated(name, fact, indices)
        if fact is not None:
            return self._share(*fact, indices)
        return self._raw(name, indices, name in self.graph.positive)

    def _raw(self, name: str, indices: tuple[int, ...], positive: bool) -> Fraction:
        """Each name walks through a shuffled pool of its own; a number's sign changes from point to point, so that
        what holds for one sign only is found out."""
        if not indices and self.style in ("plain", "generic", "tiny"):
            sign = 1 if positive or (self.seed + crc32(name.encode())) % 2 else -1
            return sign * abs(_pool(f"{self.seed} {name}", self.style, positive)[0])
        pool = _pool(f"{self.seed} {name}", self.style, positive)
        return pool[sum(i * step for i, step in zip(indices, STRIDES, strict=False)) % POOL]

    def _indicated(self, name: str, fact: tuple[Expr, Fraction] | None, indices: tuple[int, ...]) -> Fraction:
        """0 or 1; of entries that add up to a whole number, as many 1 as that."""
        if fact is None:
            return Fraction(int(self._raw(name, indices, positive=False) > 0))
        row = sorted(self._row(fact[0], indices))
        place = (row.index(indices) + self.seed) % len(row) if indices in row else len(row)
        return Fraction(int(place < fact[1]))

    # -- arrays whose sum is given ---------------------------------------------------------------------------

    @cached_property
    def _facts(self) -> dict[str, tuple[Expr, Fraction]]:
        """For each name the sum of its entries that is given, and its value."""
        found: dict[str, tuple[Expr, Fraction]] = {}
        for left, right in self.graph.facts:
            value = right.xreplace(
                {s: sympy.Integer(self.sizes[s.name]) for s in right.free_symbols if s.name in self.sizes}
            )
            entries = isinstance(left, sympy.Sum) and isinstance(left.function, sympy.Indexed)
            if entries and isinstance(value, sympy.Rational):
                found.setdefault(name_of(left.function), (left, Fraction(int(value.p), int(value.q))))
        return found

    def _share(self, fact: Expr, total: Fraction, indices: tuple[int, ...]) -> Fraction:
        """An entry of an array whose sum over some indices is given: positive shares of a positive total; of
        another total, numbers of either sign moved by as much as is missing."""
        name = name_of(fact.function)
        row = [self._raw(name, entry, positive=total > 0) for entry in self._row(fact, indices)]
        own = self._raw(name, indices, positive=total > 0)
        return own * total / sum(row) if total > 0 else own + (total - sum(row)) / len(row)

    def _row(self, fact: Expr, indices: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """The entries that are summed together with one."""
        spans = {letter: range(1, measure(high, self.sizes) + 1) for letter, _, high in fact.limits}
        if prod(map(len, spans.values())) > MAX_ROW:
            raise TooLarge
        for values in product(*spans.values()):
            chosen = dict(zip(spans, values, strict=True))
            yield tuple(chosen.get(i, k) for i, k in zip(fact.function.indices, indices, strict=True))

    # -- what was used ---------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, Any]:
        """The data of the names that were used: a number, or nested lists of all entries, as strings.

        Of an array too large to print only the entries that were used, by their indices.
        """
        return {name: self._array(name) for name in sorted({name for name, _ in self.used})}

    def _array(self, name: str) -> Any:
        used = [indices for other, indices in self.used if other == name]
        sizes = self.graph.sizes_of(name.removeprefix(f"∂{self.graph.loss}/∂"))
        shape = tuple(measure(n, self.sizes) for n in sizes)
        if len(shape) != len(used[0]):
            shape = tuple(map(max, zip(*used, strict=True)))
        if prod(shape) > MAX_SHOWN:
            return {",".join(map(str, indices)): str(self.data(name, indices)) for indices in sorted(used)}
        return self._nested(name, (), shape)

    def _nested(self, name: str, prefix: tuple[int, ...], shape: tuple[int, ...]) -> Any:
        if len(prefix) == len(shape):
            return str(self.data(name, prefix))
        return [self._nested(name, (*prefix, k), shape) for k in range(1, shape[len(prefix)] + 1)]


@kept(4096)
def _pool(seed: str, style: Style, positive: bool) -> tuple[Fraction, ...]:
    """Values in random order, none beside its equal."""
    values = _values(style, positive)
    steps = Random(seed).choices(range(1, len(values)), k=POOL)
    return tuple(values[total % len(values)] for total in accumulate(steps))


@cache
def _values(style: Style, positive: bool) -> tuple[Fraction, ...]:
    if style == "plain" or (style in ("sparse", "zero") and positive):
        return tuple(Fraction(n) for n in ((1, 2, 3) if positive else (-2, -1, 1, 2, 3)))
    if style == "sparse":
        return tuple(map(Fraction, (0, -2, 1, 0, 2, -1)))
    if style == "zero":
        return (Fraction(0),) * 2
    if style == "large":
        return tuple(map(Fraction, range(2, 41)))
    if style == "unit":
        return tuple(Fraction(n, 16) for n in range(1, 16))
    if style == "positive":
        return tuple(Fraction(n, 8) for n in range(1, 17))
    signs = (1,) if positive else (1, -1)  # below 1, so that what saturates, as erf does, does not hide everything
    unit = 2**24 if style == "tiny" else 16
    return tuple(Fraction(n * sign, unit) for n in range(1, 17) for sign in signs)


def choose_sizes(
    names: Iterable[str], computed: Iterable[Expr], least: Mapping[str, int], plan: tuple[int, ...] = SAME
) -> dict[str, int]:
    """A value for every size.

    They are those of the plan in turn, but as large as ``least`` says, and others where something computed of them
    would be no integer.
    """
    computed = list(computed)
    values = {n: max(plan[k % len(plan)], least.get(n, 1)) for k, n in enumerate(names)}
    broken = [n for n in computed if not _fits(n, values)]
    letters = sorted({s.name for n in broken for s in n.free_symbols})
    for choice in product(range(2, MAX_SIZE + 1), repeat=len(letters)) if len(letters) <= 3 else ():
        chosen = values | dict(zip(letters, choice, strict=True))
        if all(_fits(n, chosen, least=3 if n in broken else 2) for n in computed):
            return chosen
    return values


def _fits(size: Expr, values: Mapping[str, int], least: int = 2) -> bool:
    value = size.xreplace({s: sympy.Integer(values[s.name]) for s in size.free_symbols if s.name in values})
    return not isinstance(value, sympy.Rational) or (isinstance(value, sympy.Integer) and value >= least)
