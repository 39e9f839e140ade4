"""The search for the mistake that explains a refuted line.

Candidates are compared as floats at a few places; those that agree are given to the normal form, and only what it proves
is named. Simple explanations come first: one mistake before two. How far the search goes is counted in candidates, so
that it finds the same on every machine; the time limit is there for what nobody foresaw.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from sympy import Expr

from derive.gradient import NoDerivative, Reading
from derive.latex.syntax import Node, span_of
from derive.limits import TimeLimit, time_limit
from derive.mistakes.edits import Edit, Vocabulary, both, edits, shown
from derive.mistakes.table import BY_CODE, Kind, Mistake
from derive.mistakes.values import Numbers, Reader
from derive.mistakes.variants import Variant, variants
from derive.mistakes.vocabulary import vocabulary
from derive.normal.algebra import GaveUp, Undefined
from derive.probe.sample import Place, close, places
from derive.problem import Pair
from derive.source import Span
from derive.typeset import Typesetter, key_node
from derive.verdict import Judge, Judged, claim_of

MAX_FOUND = 3
MAX_EDITS = 3000
MAX_IN_FULL = 300
"""Edits of an expression that has to be read in full each time."""
MAX_PROOFS = 12


@dataclass(frozen=True)
class _Target:
    """What a changed line should be equal to; as a variant of the truth, that is a second mistake."""

    expr: Expr
    reading: Reading
    values: tuple[float, ...]
    variant: Variant | None = None


@dataclass(frozen=True)
class _Tried:
    """An edit with the values that it gives the line."""

    edit: Edit
    node: Node
    values: tuple[float, ...]


def find(
    judge: Judge, judged: Judged, link: int, correct: Node | None, typesetter: Typesetter, seconds: float
) -> tuple[Mistake, ...]:
    """The mistakes that explain a refuted link: several that fit equally well, or two that make it together.

    Args:
        correct: what the right side should be, for the factors that the author's may lack.
        seconds: how long to look.
    """
    if judged.sides is None or judged.links[link].pair is None:
        return ()
    try:
        with time_limit(seconds + 0.5), judge.limited(seconds):
            return _Search(judge, judged, link, correct, typesetter, seconds).found()
    except TimeLimit:
        return ()


class _Search:
    """One refuted link."""

    def __init__(
        self, judge: Judge, judged: Judged, link: int, correct: Node | None, typesetter: Typesetter, seconds: float
    ) -> None:
        self.judge = judge
        self.judged = judged
        self.link = link
        self.correct = correct
        self.typesetter = typesetter
        self.deadline = time.monotonic() + seconds
        pair = judged.links[link].pair
        assert pair is not None
        self.pair = pair
        self.graph = judge.graph_of(pair)
        self.proofs = 0

    def found(self) -> tuple[Mistake, ...]:
        value = self.judged.values[self.link]
        right_anyway = value is not None and value.status in ("proved", "tested")
        if not right_anyway:
            pairs = [self.pair] if value is None or value.pair is None else [value.pair, self.pair]
            for one in self._attempts(self.link + 1, pairs):
                if found := one.variant() + one.single():
                    return tuple(found[:MAX_FOUND])
        if self.link or right_anyway:
            turned = replace(self.pair, left=self.pair.right, right=self.pair.left)
            for one in self._attempts(self.link, [turned], back=True):
                if found := one.single():
                    return tuple(found[:MAX_FOUND])
        if not right_anyway:
            for one in self._attempts(self.link + 1, pairs):
                if found := one.compound():
                    return tuple(found)
        return ()

    def _attempts(self, member: int, pairs: list[Pair], back: bool = False) -> list[_Attempt]:
        key = member, back
        if key not in self._made:
            readings: tuple[Reading, ...] = ("total", "partial") if self._ambiguous else ("total",)
            self._made[key] = [_Attempt(self, member, pairs, reading, back) for reading in readings]
        return self._made[key]

    @cached_property
    def _made(self) -> dict[tuple[int, bool], list[_Attempt]]:
        return {}

    @cached_property
    def _ambiguous(self) -> bool:
        return self.judge.is_ambiguous(self.pair)

    @property
    def over(self) -> bool:
        return time.monotonic() > self.deadline or self.proofs >= MAX_PROOFS

    def proves(self, pair: Pair, first: Expr, reading: Reading, target: _Target) -> bool:
        """Whether the normal form proves an expression equal to a target."""
        self.proofs += 1
        try:
            return self.judge.equal(pair, first, reading, target.expr, target.reading)
        except (GaveUp, Undefined, NoDerivative):
            return False


class _Attempt:
    """Changes of one member of the link, in one reading.

    Args:
        pairs: what a changed member may be equal to, as left sides; the member is the right side of each.
        back: whether the member is the one before, changed into the author's line.
    """

    def __init__(self, search: _Search, member: int, pairs: list[Pair], reading: Reading, back: bool) -> None:
        self.search = search
        self.pairs = pairs
        self.pair = pairs[0]
        self.reading: Reading = reading
        self.back = back
        self.reader = Reader(search.judge, search.judged, member, self.pair)
        self.node = self.reader.node
        found = places(claim_of(self.pair), search.graph)
        self.places = [place for place in islice(found, 4) if self._own(place) is not None][:3]
        self.values = tuple(value for place in self.places if (value := self._own(place)) is not None)
        self.numbers = [Numbers(self.reader, place, reading) for place in self.places]

    def _own(self, place: Place) -> float | None:
        return place.value(self.pair.right, self.reading)

    @cached_property
    def targets(self) -> list[_Target]:
        """The true values."""
        found = [self._target(pair.left, self.reading) for pair in self.pairs]
        return [target for target in found if target is not None]

    @cached_property
    def wrong_targets(self) -> list[_Target]:
        """Variants of the truth."""
        if self.back:
            return []
        found = (self._target(v.expr, "total", v) for v in variants(self.pair.left, self.search.graph))
        return [target for target in found if target is not None]

    def _target(self, expr: Expr, reading: Reading, variant: Variant | None = None) -> _Target | None:
        values = [place.value(expr, reading) for place in self.places]
        known = tuple(value for value in values if value is not None)
        return _Target(expr, reading, known, variant) if known and len(known) == len(values) else None

    # -- explanations ------------------------------------------------------------------------------------------------

    def variant(self) -> list[Mistake]:
        """The line is a variant of the truth."""
        if not self.values:
            return []
        fitting = (t for t in self.wrong_targets if _agree(self.values, t.values))
        return [self._of_variant(t) for t in fitting if self._proves(self.node, t)][:1]

    def single(self) -> list[Mistake]:
        """One edit makes the line true."""
        found: dict[tuple[str, Span], Mistake] = {}
        rank: int | None = None
        for tried in self.tried:
            if self.search.over or (rank is not None and tried.edit.rule > rank):
                break
            for target in self.targets:
                if _agree(tried.values, target.values) and self._proves(tried.node, target):
                    mistake = self._of_edit(tried.edit)
                    found.setdefault((mistake.code, mistake.span), mistake)
                    rank = tried.edit.rule
                    break
        return list(found.values())

    def compound(self) -> list[Mistake]:
        """One edit makes the line a variant of the truth, or two make it true."""
        for tried in self.tried:
            for target in self.wrong_targets:
                if _agree(tried.values, target.values) and self._proves(tried.node, target):
                    return _joined(self._of_edit(tried.edit), self._of_variant(target))
        for target in self.targets:
            for first, second in self._pairs(target):
                node = both(first.edit, second.edit, self.node, self.vocabulary)
                if node is not None and _agree(self._values(node), target.values) and self._proves(node, target):
                    return _joined(self._of_edit(first.edit), self._of_edit(second.edit))
        return []

    def _pairs(self, target: _Target) -> Iterator[tuple[_Tried, _Tried]]:
        """Pairs of edits that together should give the target, if they add up or multiply."""
        own, wanted = self.values[0] if self.values else 0.0, target.values[0] if target.values else 0.0
        sums = _Table((t.values[0] - own, t) for t in self.tried)
        ratios = _Table((t.values[0] / own, t) for t in self.tried if own and t.values[0])
        ranked: list[tuple[int, _Tried, _Tried]] = []
        for k, tried in enumerate(self.tried):
            value = tried.values[0]
            partners = [*sums.near(wanted - value)]
            if own and value:
                partners += ratios.near(wanted / value)
            ranked += [(k + j, tried, other) for j, other in partners if j > k]
        ranked.sort(key=lambda one: one[0])
        for _, first, second in ranked:
            if self.search.over:
                return
            yield first, second

    # -- candidates --------------------------------------------------------------------------------------------------

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return vocabulary(self.search.judged, self.reader, self.search.graph, self.search.correct, self.search.typesetter)

    @cached_property
    def tried(self) -> list[_Tried]:
        """All edits that give the line a value other than its own, with those values."""
        if not self.values or not all(n.as_it_stands is not None for n in self.numbers):
            return []
        most = MAX_EDITS if all(n.direct for n in self.numbers) else MAX_IN_FULL
        found = []
        for edit in islice(edits(self.node, self.vocabulary), most):
            if time.monotonic() > self.search.deadline:
                break
            node = edit.of(self.node)
            values = self._values(node)
            if values and not _agree(values, self.values):
                found.append(_Tried(edit, node, values))
        return found

    def _values(self, node: Node) -> tuple[float, ...]:
        """The values of a changed member; empty where it has none."""
        found = []
        for numbers in self.numbers:
            value = numbers.of(node)
            if value is None:
                return ()
            found.append(value)
        return tuple(found)

    def _proves(self, node: Node, target: _Target) -> bool:
        expr = self.pair.right if node is self.node else self.reader.expression(node)
        return expr is not None and self.search.proves(self.pair, expr, self.reading, target)

    # -- messages ----------------------------------------------------------------------------------------------------

    def _of_variant(self, target: _Target) -> Mistake:
        variant = target.variant
        assert variant is not None
        names = " and ".join(shown(key_node(name)) for name in variant.parts)
        return Mistake(variant.kind.code, variant.kind.message.format(names), span_of(self.node))

    def _of_edit(self, edit: Edit) -> Mistake:
        kind: Kind = edit.change.kind
        parts = [shown(part) for part in edit.change.parts]
        if not self.back:
            return Mistake(kind.code, kind.message.format(*parts), edit.change.span)
        right = self.search.judged.equation.members[self.search.link + 1]
        code = kind.opposite or kind.code
        assert code in BY_CODE
        return Mistake(code, kind.step.format(*parts), span_of(right))


class _Table:
    """Numbers with what they belong to, found by value."""

    def __init__(self, entries: Iterator[tuple[float, _Tried]]) -> None:
        self._entries: dict[int, list[tuple[int, float, _Tried]]] = {}
        for k, (value, tried) in enumerate(entries):
            self._entries.setdefault(_cell(value), []).append((k, value, tried))

    def near(self, value: float) -> Iterator[tuple[int, _Tried]]:
        cell = _cell(value)
        for c in (cell - 1, cell, cell + 1):
            for k, known, tried in self._entries.get(c, ()):
                if close(known, value):
                    yield k, tried


def _cell(value: float) -> int:
    return round(value * 1e7)


def _agree(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return bool(a) and len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))


def _joined(first: Mistake, second: Mistake) -> list[Mistake]:
    """Two mistakes that make a line together."""
    return [first, replace(second, message=f"and {second.message}")]


__all__ = ["Mistake", "find"]
