"""The comparison of a claim's two sides at concrete points.

Floats look for a point where the sides differ, intervals make sure of it. Free indices of one axis are tried
equal and different. Of several counterexamples the simplest is shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, product
from typing import Any, Literal

import sympy
from sympy import Expr, Symbol

from derive.caches import kept
from derive.forward import Graph, names_in
from derive.language import name_of
from derive.probe.arithmetic import Floats, Interval, Intervals, OutOfDomain, disjoint, is_nothing, is_pinned, middle
from derive.probe.code import NotEvaluable, program
from derive.probe.data import MAX_SIZE, SAME, SPREAD, Point, Style, choose_sizes
from derive.probe.duals import Duals
from derive.probe.evaluation import Budget, Evaluator, TooLarge, measure

Reading = Literal["total", "partial"]

FLOATS = Duals(Floats())

PRECISIONS = (80, 300)
TOLERANCE = 1e-10
NOISE = 1e-12
TIGHT, NOTHING = -33, -200
"""Powers of 2: two intervals pin one number down if together they are so much narrower than large; what is known to be
smaller than the other counts as 0."""
MAX_ASSIGNMENTS = 12
MAX_CANDIDATES = 400
MAX_CERTIFIED = 2
EXTRA_ROUNDS = 3
SEARCH = 100


@dataclass(frozen=True)
class Round:
    """A style of data with a plan for sizes; a ``special`` one speaks of sizes below 3 or of data that are 0 only."""

    style: Style
    plan: tuple[int, ...]
    special: Literal["", "small", "zero"] = ""


ROUNDS = (
    Round("plain", SAME),
    Round("generic", SPREAD),
    Round("positive", SPREAD),
    Round("unit", SPREAD),
    Round("large", (5, 3, 4)),
    Round("generic", (4, 5, 3)),
    Round("tiny", SPREAD),
    Round("generic", (1,), "small"),
    Round("plain", (2,), "small"),
    Round("sparse", SAME, "zero"),
    Round("zero", SAME, "zero"),
)
"""What is tried in turn: the first are enough beside a proof, what has none must agree in all."""
ALL_ROUNDS = len(ROUNDS)


Demands = tuple[tuple[str, ...], frozenset[Expr], Mapping[str, int]]
"""The names of sizes, what is computed of them, and for some the least value."""


@dataclass(frozen=True)
class Claim:
    """``left = right`` for all values of the free indices that meet the conditions.

    Attributes:
        sizes: the size of the axis of each free index.
        apart: pairs of indices that are never equal.
        conditions: pairs of indices, one possibly a selector's entry, and whether they are equal or never so.
        equal: pairs of sizes that must be the same; then all are.
        positive: expressions that must be positive at a point.
    """

    left: Expr
    right: Expr
    indices: tuple[Symbol, ...] = ()
    sizes: tuple[Expr, ...] = ()
    apart: frozenset[frozenset[Symbol]] = frozenset()
    conditions: tuple[tuple[Expr, Expr, bool], ...] = ()
    equal: tuple[tuple[Expr, Expr], ...] = ()
    positive: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Counterexample:
    """Sizes, index values and data at which two intervals that hold the sides are disjoint.

    Attributes:
        values: the data by name, exactly: strings of integers or fractions, in nested lists for an array.
        left: the left side's value, to as many digits as tell it from the right one.
        entries: how many entries of the data the two sides depend on.
        special: ``small`` if the sides differ only at sizes below 3, ``zero`` if only where data are 0.
    """

    sizes: Mapping[str, int]
    indices: Mapping[str, int]
    values: Mapping[str, Any]
    left: str
    right: str
    entries: int = 0
    special: Literal["", "small", "zero"] = ""


@dataclass(frozen=True)
class Agreement:
    """How many points were compared, all of them equal up to rounding.

    Attributes:
        rounds: how many kinds of points were tried to the end.
        one_sided: arguments of absolute values, signs and steps on the way that never took both signs.
    """

    points: int
    rounds: int = ALL_ROUNDS
    one_sided: tuple[Expr, ...] = ()

    @property
    def is_thorough(self) -> bool:
        """Whether all kinds of points were tried, on both sides of every kink."""
        return self.rounds == ALL_ROUNDS and not self.one_sided


def compare(claim: Claim, graph: Graph, reading: Reading, rounds: int = 3) -> Counterexample | Agreement:
    """Look for a point at which the sides differ for certain; otherwise say how many points agreed.

    Raises `NotEvaluable` for what the probe has no meaning for, `TooLarge` where not even one point could be
    compared.
    """
    return _Comparison(claim, graph, reading).run(rounds)


def may_agree(claim: Claim, graph: Graph, reading: Reading) -> bool:
    """Whether the sides agree at one point as floats: a quick look at many claims of which most are wrong.

    Raises as `compare`.
    """
    return _Comparison(claim, graph, reading).looks_right()


@kept(16)
def _known(graph: Graph) -> dict[tuple[object, ...], Evaluator]:
    """The evaluators of a graph: what one claim made them evaluate at a point is there for the next."""
    return {}


class _Comparison:
    """One claim before the probe."""

    def __init__(self, claim: Claim, graph: Graph, reading: Reading) -> None:
        self.claim = claim
        self.graph = graph
        self.reading = reading
        self.budget = Budget()
        self._doubtful = False  # whether floats differ at the point in hand
        self._facts = tuple(_relevant(claim, graph)) if graph.facts else ()
        self._numbers = _numbers(claim, graph)
        self._demands = _demanded(claim, graph)
        self._passed: dict[Expr, set[bool]] = {}
        sizes = self._sizes(SPREAD)
        if any(measure(a, sizes) != measure(b, sizes) for a, b in claim.equal):
            raise NotEvaluable("the sizes that must be the same cannot be")

    def run(self, rounds: int) -> Counterexample | Agreement:
        agreed = done = 0
        try:
            for seed, kind in enumerate(ROUNDS):
                if seed >= rounds and agreed:
                    break
                found = self._at(self._point(seed, kind))
                if isinstance(found, Counterexample):
                    found = replace(found, special=kind.special)
                    return self._simpler(found) if seed and not kind.special else found
                agreed += found
                done = seed + 1
        except TooLarge:
            if self._doubtful or not agreed:
                raise
        return Agreement(agreed, done, self._one_sided())

    def looks_right(self) -> bool:
        """Whether floats agree at a point, at all indices that are tried."""
        evaluator = self._floats(self._point(1, ROUNDS[1]))
        chosen = assignments(self.claim, evaluator, self._numbers)
        return all(not _differ(*self._sides(evaluator, indices)) for indices in chosen)

    def _one_sided(self) -> tuple[Expr, ...]:
        """The claim's kinks, and those of the forward pass, that were passed by on one side only."""
        exprs = (self.claim.left, self.claim.right, *(d.expr for d in self.graph.definitions))
        own = {function.args[0] for expr in exprs for function in expr.atoms(sympy.Abs, sympy.sign, sympy.Heaviside)}
        return tuple(kink for kink, sides in self._passed.items() if len(sides) < 2 and kink in own)

    def _simpler(self, found: Counterexample) -> Counterexample:
        """One of small integers and sizes instead, if a few more points show one."""
        for seed in range(SEARCH, SEARCH + EXTRA_ROUNDS):
            try:
                other = self._at(self._point(seed, ROUNDS[0]))
            except TooLarge:
                break
            if isinstance(other, Counterexample):
                return min(found, other, key=_simplicity)
        return found

    def _point(self, seed: int, kind: Round) -> Point:
        return Point(self.graph, self._sizes(kind.plan), seed, kind.style)

    def _sizes(self, plan: tuple[int, ...]) -> dict[str, int]:
        """Values for all sizes; the same for all where a claim says that some are."""
        return choose_sizes(*self._demands, plan[:1] if self.claim.equal else plan)

    def _floats(self, point: Point) -> Evaluator:
        known = _known(self.graph)
        key = self.reading, point.seed, point.style, *point.sizes.items()
        if key not in known:
            known[key] = Evaluator(self.graph, point.sizes, point.data, Floats(), self.reading)
        known[key].budget = self.budget
        return known[key]

    def _at(self, point: Point) -> Counterexample | int:
        """The simplest of a few counterexamples at a point, or at how many index values the sides agree
        there."""
        evaluator = self._floats(point)
        if not all(_holds(fact, evaluator) for fact in self._facts):
            return 0
        agreed = 0
        certified: list[Counterexample] = []
        for indices in assignments(self.claim, evaluator, self._numbers):
            found = self._compared(point, evaluator, indices)
            if isinstance(found, Counterexample):
                certified.append(found)
            else:
                agreed += found
            if len(certified) == MAX_CERTIFIED:
                break
        for kink, sides in evaluator.passed.items():
            self._passed.setdefault(kink, set()).update(sides)
        return min(certified, key=_simplicity) if certified else agreed

    def _compared(self, point: Point, evaluator: Evaluator, indices: Mapping[Symbol, int]) -> Counterexample | bool:
        """A counterexample, or whether the sides agree; they may do neither."""
        try:
            left, right = self._sides(evaluator, indices)
        except OutOfDomain:
            return False
        if not _differ(left, right):
            return True
        self._doubtful = True
        found = self._certified(point.again(), indices)
        self._doubtful = False
        return found

    def _sides(self, evaluator: Evaluator, indices: Mapping[Symbol, int]) -> tuple[Any, Any]:
        return evaluator.value(self.claim.left, indices), evaluator.value(self.claim.right, indices)

    def _certified(self, point: Point, indices: Mapping[Symbol, int]) -> Counterexample | bool:
        """A counterexample if intervals are disjoint; otherwise whether they meet in a number that they both
        pin down, be it 0."""
        for bits in PRECISIONS:
            evaluator = Evaluator(self.graph, point.sizes, point.data, Intervals(bits), self.reading, self.budget)
            try:
                left, right = self._sides(evaluator, indices)
            except OutOfDomain:
                continue
            if disjoint(left, right):
                return _counterexample(point, indices, left, right)
            if is_pinned(left, right, TIGHT) or (bits == PRECISIONS[-1] and is_nothing(left, right, NOTHING)):
                return True
        return False


def size_values(claim: Claim, graph: Graph, distinct: bool) -> dict[str, int]:
    """A value for each size in a claim and its forward pass: small ones, different or all the same."""
    return choose_sizes(*_demanded(claim, graph), SPREAD if distinct else SAME)


def _demanded(claim: Claim, graph: Graph) -> Demands:
    """What a claim, and the forward pass before it, ask of sizes."""
    names, computed, least = _demanded_by(graph)
    sides = [program(side, claim.indices, FLOATS) for side in (claim.left, claim.right)]
    axes = (s.name for n in (*claim.sizes, *(n for pair in claim.equal for n in pair)) for s in n.free_symbols)
    more = frozenset().union(axes, *(code.sizes for code in sides)).difference(names)
    computed = computed.union(_computed(claim.sizes), *(code.computed for code in sides))
    numbered = _numbered(graph, (claim.left, claim.right))
    return (*names, *sorted(more)), computed, _largest((*least.items(), *numbered))


@kept(16)
def _demanded_by(graph: Graph) -> Demands:
    computed = set(_computed(graph.all_sizes))
    for definition in graph.definitions:
        try:
            computed |= program(definition.expr, definition.indices, FLOATS).computed
        except (NotEvaluable, TooLarge):
            continue  # if a claim needs it, that is when to say so
    numbered = _numbered(graph, (d.expr for d in graph.definitions))
    return graph.size_names, frozenset(computed), _largest(numbered)


def _numbers(claim: Claim, graph: Graph) -> tuple[int, ...]:
    """The numbers by which a claim and its forward pass read entries: index values worth trying."""
    own = {value for _, value in _numbered(graph, (claim.left, claim.right))}
    return tuple(sorted(own.union(_numbers_in(graph))))


@kept(16)
def _numbers_in(graph: Graph) -> frozenset[int]:
    return frozenset(value for _, value in _numbered(graph, (d.expr for d in graph.definitions)))


def _computed(sizes: Iterable[Expr]) -> Iterator[Expr]:
    return (n for n in sizes if not isinstance(n, Symbol | sympy.Integer))


def _largest(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    return dict(sorted(pairs, key=lambda pair: pair[1]))


def _numbered(graph: Graph, exprs: Iterable[Expr]) -> Iterator[tuple[str, int]]:
    """For each entry that is read by number, as in ``x[4]``, the size of that axis and the number."""
    for entry in (entry for expr in exprs for entry in expr.atoms(sympy.Indexed)):
        for place, n in zip(entry.indices, graph.sizes_of(name_of(entry)), strict=False):
            if isinstance(place, sympy.Integer) and isinstance(n, Symbol) and place <= MAX_SIZE:
                yield n.name, int(place)


def _differ(left: float, right: float) -> bool:
    """Whether two floats differ by more than rounding. What is next to 0, or too large for floats, may always."""
    if not (math.isfinite(left) and math.isfinite(right)):
        return True
    return left != right and abs(left - right) >= TOLERANCE * max(abs(left), abs(right))


def _relevant(claim: Claim, graph: Graph) -> Iterator[tuple[Expr, Expr]]:
    """The facts about what a claim's sides are made of; a claim about the loss is about everything."""
    met = graph.made_from(names_in(claim.left) | names_in(claim.right))
    for fact in graph.facts:
        if graph.loss in met or any(met & names_in(side) - {*graph.size_names} for side in fact):
            yield fact


def _holds(fact: tuple[Expr, Expr], evaluator: Evaluator) -> bool:
    """Whether what is given as equal is so at a point; where it is not, the point says nothing."""
    letters = _spans(fact, evaluator)
    evaluator.spend(math.prod(map(len, letters.values())))
    for values in product(*letters.values()):
        indices = dict(zip(letters, values, strict=True))
        try:
            left, right = (evaluator.value(side, indices) for side in fact)
        except OutOfDomain:
            return False
        if not math.isfinite(left - right) or abs(left - right) > NOISE + TOLERANCE * max(abs(left), abs(right)):
            return False
    return True


def _spans(fact: tuple[Expr, Expr], evaluator: Evaluator) -> dict[Symbol, range]:
    """The values of each free index of a fact: those of the axis that it stands at."""
    spans: dict[Symbol, range] = {}
    for entry in {entry for side in fact for entry in side.atoms(sympy.Indexed)}:
        sizes = evaluator.graph.sizes_of(name_of(entry))
        for letter, size in zip(entry.indices, sizes, strict=False):
            if any(letter in side.free_symbols for side in fact):
                spans[letter] = range(1, measure(size, evaluator.sizes) + 1)
    return spans


# -- index values --------------------------------------------------------------------------------------------


def assignments(claim: Claim, evaluator: Evaluator, numbers: tuple[int, ...] = ()) -> list[dict[Symbol, int]]:
    """Values for the free indices: letters of one axis both equal and different, from both ends of the axis
    and at the given numbers."""
    counts = [measure(n, evaluator.sizes) for n in claim.sizes]
    chosen: dict[tuple[int, ...], None] = dict.fromkeys(
        _everywhere(counts)
        if claim.conditions or claim.positive
        else _with_numbers(list(_patterns(claim, counts, numbers)), counts, numbers)
    )
    found = (dict(zip(claim.indices, values, strict=True)) for values in chosen)
    return list(islice((indices for indices in found if _meets(claim, indices, evaluator)), MAX_ASSIGNMENTS))


def _everywhere(counts: list[int]) -> Iterator[tuple[int, ...]]:
    """All values, as far as there are not too many; those that differ most first."""
    values = islice(product(*(range(1, min(n, MAX_SIZE) + 1) for n in counts)), MAX_CANDIDATES)
    return iter(sorted(values, key=lambda chosen: -len(set(chosen))))


def _patterns(claim: Claim, counts: list[int], numbers: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Values for each way in which letters of one axis can be equal or not: from the beginning, the end, the
    second value, and each number."""
    axes = {size: [k for k, other in enumerate(claim.sizes) if other == size] for size in dict.fromkeys(claim.sizes)}
    ways = [list(enumerate(_partitions(len(places), counts[places[0]]))) for places in axes.values()]
    ordered = sorted(islice(product(*ways), MAX_CANDIDATES), key=lambda way: sum(rank for rank, _ in way))
    for first in (1, 0, 2, *numbers):
        for way in ordered:
            values = [0] * len(counts)
            for k, (places, (_, blocks)) in enumerate(zip(axes.values(), way, strict=True)):
                for position, block in zip(places, blocks, strict=True):
                    # 0 is the last value, from which one goes backwards
                    step = block + k if first else -block - k
                    values[position] = (first - 1 + step) % counts[position] + 1
            yield tuple(values)


def _with_numbers(
    patterns: list[tuple[int, ...]], counts: list[int], numbers: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """The patterns, and soon each index at each number: what is claimed of ``k_i`` may fail for ``k_1`` alone."""
    yield from patterns[:4]
    for place, count in enumerate(counts if patterns else ()):
        for number in numbers:
            if number <= count:
                yield (*patterns[0][:place], number, *patterns[0][place + 1 :])
    yield from patterns[4:]


def _partitions(letters: int, count: int) -> list[tuple[int, ...]]:
    """Ways in which letters can be equal, as numbers of blocks: all different first, all equal next."""
    found: list[tuple[int, ...]] = [()]
    for _ in range(letters):
        wider = ((*blocks, b) for blocks in found for b in reversed(range(min(max(blocks, default=-1) + 2, count))))
        found = list(islice(wider, MAX_CANDIDATES))
    if not found:  # an axis without values
        return []
    found.sort(key=lambda blocks: -len(set(blocks)))
    return list(dict.fromkeys((found[0], (0,) * letters, *found)))


def _meets(claim: Claim, indices: Mapping[Symbol, int], evaluator: Evaluator) -> bool:
    """Whether index values are among those that a claim speaks of."""
    if any(len({indices[i] for i in pair if i in indices}) < 2 for pair in claim.apart):
        return False
    same = all(_is_met(condition, indices, evaluator) for condition in claim.conditions)
    return same and all(_is_positive(expr, indices, evaluator) for expr in claim.positive)


def _is_met(condition: tuple[Expr, Expr, bool], indices: Mapping[Symbol, int], evaluator: Evaluator) -> bool:
    """Whether two indices are equal, or are not; so they are where a claim has no such index."""
    first, second, equal = condition
    try:
        return bool(evaluator.value(sympy.KroneckerDelta(first, second), indices) == 1.0) == equal
    except NotEvaluable:
        return True


def _is_positive(expr: Expr, indices: Mapping[Symbol, int], evaluator: Evaluator) -> bool:
    try:
        return bool(evaluator.value(expr, indices) > TOLERANCE)
    except OutOfDomain:
        return False


# -- counterexamples -----------------------------------------------------------------------------------------


def _counterexample(point: Point, indices: Mapping[Symbol, int], left: Interval, right: Interval) -> Counterexample:
    entries = len(point.used)
    values = {symbol.name: value for symbol, value in indices.items()}
    sides = next(pair for pair in _decimals(left, right) if pair[0] != pair[1])
    return Counterexample(dict(point.sizes), values, point.arrays(), *sides, entries)


def _decimals(left: Interval, right: Interval) -> Iterator[tuple[str, str]]:
    """The sides with more and more digits, in the end more than the intervals have."""
    return ((middle(left, digits), middle(right, digits)) for digits in range(8, left.bits // 2, 4))


def _simplicity(found: Counterexample) -> tuple[int, int, int]:
    """Few entries, small sizes, small numbers."""
    numbers = (Fraction(text) for text in _flat(found.values.values()))
    return found.entries, sum(found.sizes.values()), sum(abs(n.numerator) + n.denominator for n in numbers)


def _flat(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        else:
            yield from _flat(value.values() if isinstance(value, dict) else value)
