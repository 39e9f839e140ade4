"""The search for the mistake that explains a refuted line.

Candidates are compared as floats at a few places; those that agree are given to the normal form, and only what it
proves is named. Simple explanations come first: one mistake before two. How far the search goes is counted in
candidates, so that it finds the same on every machine; the time limit is there for what nobody foresaw.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Literal

from sympy import Expr, Symbol

from derive import source
from derive.forward import names_in
from derive.gradient import NoDerivative, Reading
from derive.language import D, is_quantity, name_of
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.latex.writer import latex
from derive.limits import TimeLimit, time_limit
from derive.mistakes import table
from derive.mistakes.changes import Path, Vocabulary, at, put, shown
from derive.mistakes.edits import Edit, both, edits
from derive.mistakes.table import Kind, Mistake
from derive.mistakes.values import Leaves, Numbers, Reader
from derive.mistakes.variants import Variant, variants
from derive.mistakes.vocabulary import vocabulary
from derive.normal.algebra import GaveUp, Undefined
from derive.notation.context import Policy
from derive.notation.equations import Equation
from derive.probe.sample import Known, close, places
from derive.problem import Pair, Sides
from derive.source import SourceError
from derive.typeset import Typesetter, key_node
from derive.verdict import Judge, Judged

Role = Literal["right", "before", "left"]

MAX_FOUND = 3
MAX_EDITS = 3000
MAX_IN_FULL = 250
"""Edits of an expression that has to be read in full each time."""
MAX_PROOFS = 12
PLACES = 3
SINGLE_SHARE = 0.6
"""The share of the time that is for single mistakes; the rest is for two."""


@dataclass(frozen=True)
class _Target:
    """What a changed line should be equal to; as a variant of the truth, that is a second mistake."""

    expr: Expr
    reading: Reading
    values: _Values
    variant: Variant | None = None


@dataclass(frozen=True)
class _Tried:
    """An edit with the line that it makes, and that line's value at the first place."""

    edit: Edit
    node: Node
    value: float


@dataclass(frozen=True)
class _Explanation:
    """An edit or a variant; ``together`` where it takes another one as well."""

    attempt: _Attempt
    edit: Edit | None = None
    variant: Variant | None = None
    together: bool = False

    def mistake(self, equation: Equation, link: int, first: bool) -> Mistake:
        """What to say of it, after others or first, in an equation that reads like the one it was found in."""
        right = equation.members[link + 1]
        joint = "" if first else "and " if self.together else "or "
        if self.edit is None:
            assert self.variant is not None
            kind, names = self.variant.kind, " and ".join(shown(key_node(name)) for name in self.variant.parts)
            return Mistake(kind.code, joint + kind.message.format(names), span_of(right), self.together)
        member = equation.members[self.attempt.reader.member]
        change = self.edit.change_in(member, self.attempt.vocabulary)
        parts = [shown(part) for part in change.parts]
        if self.attempt.role == "before":
            code = change.kind.opposite or change.kind.code
            return Mistake(code, joint + change.kind.step.format(*parts), span_of(right), self.together)
        where = ", on the left" if self.attempt.role == "left" else ""
        message = joint + change.kind.message.format(*parts) + where
        if self.together:  # its place is one in a line that the other edit has changed
            return Mistake(change.kind.code, message, change.span, self.together)
        edit = source.Edit(span_of(at(member, self.edit.path)), latex(change.node))
        return Mistake(change.kind.code, message, change.span, self.together, edit)


@dataclass
class Finder:
    """Finds mistakes in the refuted links of one document."""

    judge: Judge
    typesetter: Typesetter
    _known: dict[object, list[_Explanation]] = field(default_factory=dict)
    _named: set[tuple[int, int]] = field(default_factory=set)
    _points: Known = field(default_factory=dict)

    def find(self, judged: Judged, link: int, correct: Node | None, seconds: float) -> tuple[Mistake, ...]:
        """The mistakes that explain a refuted link: several that fit equally well, or two that make it together.

        Args:
            correct: what the right side should be, for the factors that the author's may lack.
            seconds: how long to look.
        """
        equation, value = judged.equation, judged.values[link]
        if judged.sides is None or judged.links[link].pair is None:
            return ()
        if value is not None and value.status == "proved" and self._named_before(equation, link):
            return ()  # the line is right; what is wrong stands in the one before, where it is named
        key = equation.members, equation.conditions, equation.head, link
        if key not in self._known:
            self._known[key] = self._explanations(judged, link, correct, seconds)
        explanations = self._known[key]
        if explanations:
            self._named.add((id(equation), link))
        return tuple(e.mistake(equation, link, not k) for k, e in enumerate(explanations))

    def _named_before(self, equation: Equation, link: int) -> bool:
        before = equation.previous
        if link or before is None:
            return (id(equation), link - 1) in self._named
        return (id(before), len(before.members) - 2) in self._named

    def _explanations(self, judged: Judged, link: int, correct: Node | None, seconds: float) -> list[_Explanation]:
        try:
            axes = self.judge.problem.table.axes
            with time_limit(4 * seconds), self.judge.limited(2 * seconds), axes.trial():
                return _Search(self.judge, judged, link, correct, self.typesetter, seconds, self._points).found()
        except TimeLimit:
            return []


class _Search:
    """One refuted link."""

    def __init__(
        self,
        judge: Judge,
        judged: Judged,
        link: int,
        correct: Node | None,
        typesetter: Typesetter,
        seconds: float,
        points: Known,
    ) -> None:
        self.judge = judge
        self.judged = judged
        self.link = link
        self.correct = correct
        self.typesetter = typesetter
        self.start = time.process_time()
        self.seconds = seconds
        pair = judged.links[link].pair
        assert pair is not None
        self.graph = judge.doubts.graph_of(pair)
        self.points = points
        self.proofs = 0
        self._leaves: dict[tuple[int, tuple[Symbol, ...]], Leaves] = {}

    def found(self) -> list[_Explanation]:
        """The explanations of the right side against the head of the chain, then against the line before; then of the
        line before, changed into this one; then by two mistakes."""
        attempts = [
            attempt
            for sides in self._sides()
            for pair, member, role in self._comparisons(sides)
            for attempt in self._readings(sides, pair, member, role)
        ]
        for explain in (_Attempt.simple, _Attempt.edited_variant, _Attempt.two_edits, _Attempt.nested):
            for attempt in attempts if explain is _Attempt.simple else [a for a in attempts if a.role != "left"]:
                if found := explain(attempt) if attempt.numbers else []:
                    return found[:MAX_FOUND]
        return []

    def _sides(self) -> Iterator[Sides]:
        """The ways to read the equation."""
        first = self.judged.sides
        assert first is not None
        yield first
        problem = self.judge.problem
        for policy in [Policy(), *problem.policies(first.asked)] if first.asked else ():
            if policy != first.elaborator.policy:
                yield problem.sides(first.equation, policy)
                problem.heard()

    def _comparisons(self, sides: Sides) -> Iterator[tuple[Pair, int, Role]]:
        """Pairs whose right side is to be changed, with the position and the role of that side."""
        value, link = self.judged.values[self.link], self.link
        step = sides.pair(link, link + 1)
        if isinstance(step, SourceError):
            return
        if value is None or value.status not in ("proved", "tested"):
            against = sides.against_head(link) if value is not None else None
            if isinstance(against, Pair):
                yield against, link + 1, "right"
            yield step, link + 1, "right"
        turned = replace(step, left=step.right, right=step.left)
        yield turned, link, "left" if value is None else "before"

    def _readings(self, sides: Sides, pair: Pair, member: int, role: Role) -> Iterator[_Attempt]:
        known = self._leaves.setdefault((id(sides), pair.indices), {})
        reader = Reader(self.judge, sides, member, pair, known)
        own = self.judged.links[self.link].reading or "total"  # in which the line is refuted, and corrected
        readings: tuple[Reading, ...] = ("total", "partial") if self.judge.is_ambiguous(pair) else ("total",)
        of_loss = isinstance(pair.left, D) and pair.left.args[0] == Symbol(self.graph.loss, real=True)
        return (_Attempt(self, reader, each, role) for each in readings if of_loss or each == own)

    def over(self, share: float = 1.0) -> bool:
        """Whether the time, or a share of it, is spent, or proofs enough have failed."""
        return time.process_time() - self.start > share * self.seconds or self.proofs >= MAX_PROOFS

    def proves(self, pair: Pair, first: Expr, reading: Reading, target: _Target) -> bool:
        """Whether the normal form proves an expression equal to a target."""
        self.proofs += 1
        try:
            return self.judge.equal(pair, first, reading, target.expr, target.reading)
        except (GaveUp, Undefined, NoDerivative):
            return False


class _Attempt:
    """Changes of one side of a pair, in one reading.

    Args:
        role: what that side is: the author's line, the line before changed into it, or the left side of an equation.
    """

    def __init__(self, search: _Search, reader: Reader, reading: Reading, role: Role) -> None:
        self.search = search
        self.reader = reader
        self.pair = reader.pair
        self.node = reader.node
        self.reading: Reading = reading
        self.role: Role = role
        self._tried: list[_Tried] = []

    # -- explanations ------------------------------------------------------------------------------------------------

    def simple(self) -> list[_Explanation]:
        """One mistake explains the line."""
        own = self._variant(table.DIAGONAL, table.OFF_DIAGONAL)
        return own or [*self._single(), *self._variant(table.HELD)]

    def _variant(self, *kinds: Kind) -> list[_Explanation]:
        """The line is a variant of the truth."""
        own = self.numbers[0].as_it_stands
        fitting = (t for t in self.variants if t.variant is not None and t.variant.kind in kinds)
        return [self._of(t) for t in fitting if own is not None and self._fits(self.node, own, t)][:1]

    def _single(self) -> list[_Explanation]:
        """One edit makes the line true."""
        found: dict[tuple[str, str], _Tried] = {}
        tier: int | None = None
        for tried in self.tried:
            if self.search.over() or (tier is not None and tried.edit.tier > tier):
                break
            change = tried.edit.change
            key = change.kind.code, shown(change.parts[0])
            known = key in found or any(other.edit.change.span == change.span for other in found.values())
            if not known and self.target is not None and self._fits(tried.node, tried.value, self.target):
                found[key], tier = tried, tried.edit.tier
        return [self._of(tried) for tried in found.values()]

    def edited_variant(self) -> list[_Explanation]:
        """One likely edit makes the line a variant of the truth."""
        for tried in self.tried:
            if tried.edit.tier:
                break
            for target in self.variants:
                if self._fits(tried.node, tried.value, target):
                    return [self._of(tried, True), self._of(target, True)]
        return []

    def two_edits(self) -> list[_Explanation]:
        """Two edits in different places make the line true."""
        for first, second in self._pairs():
            if first.edit.tier and second.edit.tier:
                continue  # what fits is more likely chance
            node = both(first.edit, second.edit, self.node, self.vocabulary)
            if node is not None and self._is_true(node):
                return [self._of(first, True), self._of(second, True)]
        return []

    def nested(self) -> list[_Explanation]:
        """The line is true after an edit of what is left when another took away a sum or put in brackets."""
        for outer in self.tried:
            if not outer.edit.is_structural:
                continue
            for inner in edits(outer.node, self.vocabulary):
                if inner.tier or self.search.over():
                    break
                if self._is_true(inner.of(outer.node)):
                    return [_Explanation(self, inner, together=True), self._of(outer, True)]
        return []

    def _is_true(self, node: Node) -> bool:
        value = self.numbers[0].of(node)
        return value is not None and self.target is not None and self._fits(node, value, self.target)

    def _pairs(self) -> Iterator[tuple[_Tried, _Tried]]:
        """Pairs of edits that together should make the line true if they add up or multiply; likelier ones first."""
        own = self.numbers[0].as_it_stands
        wanted = None if self.target is None else self.target.values[0]
        if own is None or wanted is None:
            return
        all_tried = list(self.tried)
        differences = _Numbers((t.value - own, t) for t in all_tried)
        ratios = _Numbers((t.value / own if own else math.nan, t) for t in all_tried)
        ranked: list[tuple[int, int, _Tried, _Tried]] = []
        for k, tried in enumerate(all_tried):
            partners = [*differences.near(wanted - tried.value)]
            if tried.value:
                partners += ratios.near(wanted / tried.value)
            ranked += [(k + j, k, tried, other) for j, other in partners if j > k]
        for _, _, first, second in sorted(ranked, key=lambda one: one[:2]):
            if self.search.over():
                return
            yield first, second

    # -- what is compared --------------------------------------------------------------------------------------------

    @cached_property
    def numbers(self) -> list[Numbers]:
        """The side at some places."""
        found = islice(places(self.pair.claim, self.search.graph, self.search.points), PLACES)
        return [Numbers(self.reader, place, self.reading) for place in found]

    @cached_property
    def target(self) -> _Target | None:
        """The true value."""
        target = self._target(self.pair.left, self.reading)
        return None if target.values[0] is None else target

    @cached_property
    def variants(self) -> list[_Target]:
        """Variants of the truth, but those that are no more than zero."""
        if self.role != "right":
            return []
        found = (self._target(v.expr, "total", v) for v in variants(self.pair.left, self.search.graph))
        return [target for target in found if target.values[0] and not close(target.values[0], 0.0)]

    def _target(self, expr: Expr, reading: Reading, variant: Variant | None = None) -> _Target:
        return _Target(expr, reading, _Values(self.numbers, expr, reading), variant)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        search = self.search
        found = vocabulary(self.reader, search.graph, search.correct, search.typesetter)
        self.reader.keep(found.factors)
        return found

    @property
    def tried(self) -> Iterator[_Tried]:
        """All edits that give the line a value other than its own, with that value; tried as they are asked for."""
        k = 0
        while True:
            while k < len(self._tried):
                yield self._tried[k]
                k += 1
            following = next(self._trying, None)
            if following is None:
                return
            self._tried.append(following)

    @cached_property
    def _trying(self) -> Iterator[_Tried]:
        return self._try()

    def _try(self) -> Iterator[_Tried]:
        numbers = self.numbers[0]
        own = numbers.as_it_stands
        terms = _Terms(self.node, numbers)
        for edit in islice(edits(self.node, self.vocabulary), MAX_EDITS if numbers.direct else MAX_IN_FULL):
            if self.search.over(SINGLE_SHARE) or (self.role == "left" and edit.tier):
                return
            if self.role == "left" and not edit.path:
                continue  # as much a mistake of the right side
            node = edit.of(self.node)
            value = numbers.of(node)
            if value is None or (self.role == "left" and close(value, 0.0) and self.pair.right.has(D)):
                continue  # another derivative that is zero explains nothing
            if (own is None or not close(value, own)) and not terms.vanishes(edit, value):
                yield _Tried(edit, node, value)

    def _fits(self, node: Node, value: float, target: _Target) -> bool:
        """Whether a changed line with this value at the first place is equal to a target."""
        first = target.values[0]
        if first is None or not close(value, first):
            return False
        pairs = ((n.of(node), target.values[k]) for k, n in enumerate(self.numbers) if k)
        return all(a is not None and b is not None and close(a, b) for a, b in pairs) and self._proves(node, target)

    def _proves(self, node: Node, target: _Target) -> bool:
        expr = self.pair.right if node is self.node else self.reader.expression(node)
        if expr is None or (self.role == "right" and _brings_in(self.pair.left, self.pair.right, expr)):
            return False
        return self.search.proves(self.pair, expr, self.reading, target)

    def _of(self, found: _Tried | _Target, together: bool = False) -> _Explanation:
        if isinstance(found, _Tried):
            return _Explanation(self, found.edit, together=together)
        return _Explanation(self, variant=found.variant, together=together)


def _brings_in(left: Expr, right: Expr, changed: Expr) -> bool:
    """Whether a change brought the left side itself into the right one: ∂L/∂x = ∂L/∂x explains nothing."""

    def met(expr: Expr) -> set[tuple[str, ...]]:
        derivatives = {(*sorted(names_in(d.args[0])), name_of(d.args[1])) for d in expr.atoms(D)}
        return derivatives | {(name,) for name in names_in(expr)}

    own = (
        (*sorted(names_in(left.args[0])), name_of(left.args[1]))
        if isinstance(left, D)
        else (str(name_of(left)),)
        if is_quantity(left)
        else ()
    )
    return bool(own) and own in met(changed) and own not in met(right)


class _Terms:
    """The terms of a sum that an edit may make vanish: what makes its own term 0 explains nothing but by accident."""

    def __init__(self, tree: Node, numbers: Numbers) -> None:
        self._tree = tree
        self._numbers = numbers
        self._without: dict[Path, float | None] = {}

    def vanishes(self, edit: Edit, value: float) -> bool:
        """Whether an edited tree with this value is the tree without the term that was edited."""
        where = next((k for k in range(len(edit.path), 0, -1) if edit.path[k - 1][0] == "terms"), 0)
        place = edit.path[:where]
        if not where or len(edit.path) == where:
            return False
        if place not in self._without:
            self._without[place] = self._numbers.of(put(self._tree, place, S.Number("0")))
        without = self._without[place]
        return without is not None and close(value, without)


class _Values:
    """The values of an expression at the places of a search, each computed when it is asked for."""

    def __init__(self, numbers: list[Numbers], expr: Expr, reading: Reading) -> None:
        self._numbers = numbers
        self._expr = expr
        self._reading: Reading = reading
        self._known: dict[int, float | None] = {}

    def __getitem__(self, k: int) -> float | None:
        if k not in self._known:
            self._known[k] = self._numbers[k].place.value(self._expr, self._reading)
        return self._known[k]


class _Numbers:
    """Numbers with the edits that they belong to, found by value."""

    def __init__(self, entries: Iterator[tuple[float, _Tried]]) -> None:
        self._entries: dict[int, list[tuple[int, float, _Tried]]] = {}
        for k, (value, tried) in enumerate(entries):
            if not math.isfinite(value):
                continue
            self._entries.setdefault(_cell(value), []).append((k, value, tried))

    def near(self, value: float) -> Iterator[tuple[int, _Tried]]:
        cell = _cell(value)
        for c in (cell - 1, cell, cell + 1):
            yield from ((k, tried) for k, known, tried in self._entries.get(c, ()) if close(known, value))


def _cell(value: float) -> int:
    return round(value * 1e7)
