"""Lines whose shapes do not fit, as where a transpose was forgotten.

A product such as ``\\delta x`` of two columns has no value at most sizes. That alone refutes nothing: shapes may have
been misread. Such a line is refuted only if

- all shapes follow from the document, and a transpose or an exchange of factors makes the line true for every size, or
  the document has another right side for the same gradient that is; and
- at sizes that are all the same, where the most products have a value, the line is false however it can be read: with
  products as matrices or entry by entry, gradients as columns or rows, Jacobians in either layout, or turned.

What is shown is a point of the latter kind: where the sizes differ the line means nothing, and where it means something
it is false.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, product

import sympy

from derive.gradient import Reading
from derive.language import is_unnamed, key_of, name_of
from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt, span_of
from derive.limits import TimeLimit, time_limit
from derive.mistakes.changes import Vocabulary, shown
from derive.mistakes.edits import Edit, reshapings
from derive.mistakes.table import Mistake
from derive.notation.calls import is_customary
from derive.notation.elaborate import Elaborator, Policy
from derive.notation.names import letter_of, with_compounds
from derive.notation.ranks import is_upper
from derive.notation.survey import is_quotient
from derive.notation.values import Misfit, Value
from derive.probe.evaluation import NotEvaluable, TooLarge
from derive.probe.points import Agreement, Counterexample, compare
from derive.problem import Pair, Problem
from derive.problem.problem import GRADIENTS, LAYOUTS, PRODUCTS
from derive.source import SourceError
from derive.verdict import Judge, Judged, Verdict

MAX_FOUND = 3
MAX_TRIED = 400
SECONDS = 2.0


@dataclass(frozen=True)
class Refutation:
    """The verdict on a line whose shapes do not fit, the right side that it should have, and the mistakes."""

    verdict: Verdict
    correct: Node
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class _Repair:
    """A right side with which the line is true, and the edits that lead there."""

    node: Node
    pair: Pair
    edits: tuple[Edit, ...]


def refute(judge: Judge, judged: Judged, link: int) -> Refutation | None:
    """The refutation of a link that could not be read because its shapes do not fit; None where that is not sure."""
    error = judged.links[link].error
    if not isinstance(error, Misfit) or not _is_understood(judge.problem):
        return None
    try:
        with time_limit(2 * SECONDS), judge.limited(SECONDS):
            return _Line(judge, judged, link).refutation(error)
    except TimeLimit:
        return None


def _is_understood(problem: Problem) -> bool:
    """Whether the forward pass was understood throughout, so that the shapes of names can be relied on."""
    forward = (e for e in problem.equations if e.names or e.role in ("definition", "given"))
    return all(e.error is None for e in forward)


class _Line:
    """One such link."""

    def __init__(self, judge: Judge, judged: Judged, link: int) -> None:
        self.judge = judge
        self.problem: Problem = judge.problem
        self.equation = judged.equation
        self.link = link
        node = with_compounds(self.equation.members[link + 1], self.problem.table.letters)
        self.node = rebuilt(node, self._with_calls)

    def _with_calls(self, node: Node) -> Node:
        """A product whose function calls are one factor each, so that they change places as a whole."""
        if not isinstance(node, S.Product):
            return node
        factors, operators = [node.factors[0]], []
        for operator, factor in zip(node.operators, node.factors[1:], strict=True):
            if not operator and isinstance(factor, S.Group) and self._is_function(factors[-1]):
                span = span_of(factors[-1]).join(span_of(factor))
                factors[-1] = S.Product((factors[-1], factor), ("",), span)
            else:
                factors.append(factor)
                operators.append(operator)
        return (
            node if len(factors) in (1, len(node.factors)) else S.Product(tuple(factors), tuple(operators), node.span)
        )

    def _is_function(self, node: Node) -> bool:
        spelled = self.problem.table.spell(node)
        if spelled is None or spelled.indices or self.problem.table.introduced(spelled):
            return False
        return is_customary(spelled.key.rstrip("'")) or spelled.key.rstrip("'") in self.problem.table.vague

    def refutation(self, error: Misfit) -> Refutation | None:
        repairs = list(islice(self._repairs(), MAX_FOUND))
        found = self._counterexample() if repairs else None
        if found is None or self.judge.doubts.of_refutation(repairs[0].pair):
            return None
        reason = self._shapes(error)
        verdict = Verdict("refuted", reason=reason, counterexample=found, pair=repairs[0].pair)
        return Refutation(verdict, repairs[0].node, tuple(self._mistakes(repairs)))

    def _mistakes(self, repairs: list[_Repair]) -> Iterator[Mistake]:
        for k, repair in enumerate(repairs):
            for n, edit in enumerate(repair.edits):
                joint = "and " if n else "or " if k else ""
                change = edit.change
                message = change.kind.message.format(*map(shown, change.parts))
                yield Mistake(change.kind.code, joint + message, change.span, bool(n))

    # -- the line mended ---------------------------------------------------------------------------------------------

    def _repairs(self) -> Iterator[_Repair]:
        """What the line should be: after one edit, else after two, else as the document says elsewhere."""
        found = False
        for repair in self._mended() if self.problem.table.ranks.linear or self._letters else ():
            found = True
            yield repair
        if not found:
            yield from self._said_elsewhere()

    def _said_elsewhere(self) -> Iterator[_Repair]:
        """Other right sides that the document has for the same, where no dot leaves open which product is meant."""
        if any(isinstance(n, S.Product) and "\\cdot" in n.operators for n in self.node.walk()) or self.link:
            return
        for other in self.problem.equations:
            if other is not self.equation and other.members[:1] == self.equation.members[:1] and other.error is None:
                repair = self._repair(other.members[1], ()) if len(other.members) > 1 else None
                if repair is not None:
                    yield replace(repair, node=other.shown[1])

    def _mended(self) -> Iterator[_Repair]:
        """After one edit, else after two."""
        tried = list(self._edited(self.node))
        single = [repair for edit, node in tried if (repair := self._repair(node, (edit,))) is not None]
        yield from single
        if not single:
            twice = ((first, second, node) for first, once in tried for second, node in self._edited(once))
            for first, second, node in islice(twice, MAX_TRIED):
                repair = self._repair(node, (first, second))
                if repair is not None:
                    yield repair
                    return

    def _edited(self, node: Node) -> Iterator[tuple[Edit, Node]]:
        return ((edit, edit.of(node)) for edit in reshapings(node, self._vocabulary))

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        names: dict[str, tuple[Node, ...]] = {key: () for inner in self.node.walk() if (key := self._key(inner))}
        return Vocabulary(
            names,
            (),
            self._letters,
            (),
            {},
            frozenset(),
            (),
            key=self._key,
            power=self._power,
            is_derivative=is_quotient,
        )

    @property
    def _letters(self) -> tuple[str, ...]:
        """The letters of the line's free indices."""
        known = self.problem.table.letters.indices
        found = (letter for inner in self.equation.members[0].walk() if (letter := letter_of(inner)) in known)
        return tuple(dict.fromkeys(letter for letter in found if letter is not None))

    def _key(self, node: Node) -> str | None:
        spelled = self.problem.table.spell(node)
        return spelled.key if spelled is not None else None

    def _power(self, node: Node) -> Node | None:
        spelled = self.problem.table.spell(node)
        return spelled.power if spelled is not None else None

    def _repair(self, node: Node, edits: tuple[Edit, ...]) -> _Repair | None:
        """The line with another right side, if it is true."""
        members = list(self.equation.members)
        members[self.link + 1] = node
        with self.problem.table.axes.trial():
            pair = self.problem.sides(replace(self.equation, members=tuple(members)), Policy("matrix")).pair(
                self.link, self.link + 1
            )
            self.problem.heard()
            if isinstance(pair, SourceError) or pair.transposed or self._is_doubtful(pair):
                return None
            if not isinstance(self._compared(pair, "total"), Agreement):
                return None  # to compare is quicker than to prove
            return _Repair(node, pair, edits) if self.judge.pair(pair, "total").status == "proved" else None

    def _is_doubtful(self, pair: Pair) -> bool:
        """Whether a pair has a matrix in small letters without indices, which may be none, or differentiates
        by a vector of which nothing says along which axis it is added."""
        arrays = pair.left.atoms(sympy.Indexed) | pair.right.atoms(sympy.Indexed)
        by = {name_of(d.args[1]) for d in pair.derivatives}
        counts = self.problem.table.ranks.counts
        names = {name_of(array) for array in arrays if len(array.indices) > 1}
        small = any(not is_upper(name) and max(counts.get(key_of(name), {0})) < 2 for name in names)
        return small or bool(by & self.problem.table.shifts)

    # -- the line as it stands ---------------------------------------------------------------------------------------

    def _counterexample(self) -> Counterexample | None:
        """A point at which the line is false; None where in some way of reading it none was found."""
        first: Counterexample | None = None
        for pair in self._readings():
            readings: tuple[Reading, ...] = ("total", "partial") if self.judge.is_ambiguous(pair) else ("total",)
            for reading in readings:
                found = self._compared(pair, reading) if first else self.judge.pair(pair, reading).counterexample
                if not isinstance(found, Counterexample):
                    return None
                first = first or found
        return first

    def _compared(self, pair: Pair, reading: Reading) -> Counterexample | Agreement | None:
        try:
            return compare(pair.claim, self.judge.doubts.graph_of(pair), reading)
        except (NotEvaluable, TooLarge):
            return None

    def _readings(self) -> Iterator[Pair]:
        """The line at sizes that are all the same, in every way of reading it in which it has a value there."""
        for by, layout, gradients in product(PRODUCTS, LAYOUTS, GRADIENTS):
            with self.problem.table.axes.trial():
                policy = Policy(by, layout=layout, gradients=gradients, square=True)
                pairs = self.problem.sides(self.equation, policy).square_pairs(self.link)
                self.problem.heard()
                if isinstance(pairs, SourceError):
                    continue
                yield from pairs if gradients != "turned" else pairs[:1]

    # -- in words ----------------------------------------------------------------------------------------------------

    def _shapes(self, error: Misfit) -> str:
        """The shapes of what does not fit."""
        with self.problem.table.axes.trial():
            sides = self.problem.sides(self.equation, Policy("matrix"))
            self.problem.heard()
            place = sides.values[self.link + 1]
            at = place.span if isinstance(place, Misfit) else error.span
            node = next((n for n in self.node.walk() if isinstance(n, S.Product) and span_of(n) == at), None)
            written = _written(self._factors(node)) if isinstance(node, S.Product) else ""
        return f"the shapes do not fit: {written or error.message}; even where all sizes are the same, the sides differ"

    def _factors(self, product: S.Product) -> list[Value]:
        """The arrays that a product multiplies; none where its factors have no meaning of their own."""
        elaborator = Elaborator(self.problem.table, dict(self.equation.axes), Policy("matrix"))
        try:
            return [value for factor in product.factors if (value := elaborator.value(factor)).slots]
        except SourceError:
            return []


def _written(values: list[Value]) -> str:
    """Shapes as (m×n)(n×1); sizes that the document does not name get letters."""
    unnamed = [str(slot.axis.size) for value in values for slot in value.slots if is_unnamed(slot.axis.size)]
    named = {str(slot.axis.size) for value in values for slot in value.slots} - {*unnamed}
    letters = dict(zip(dict.fromkeys(unnamed), (c for c in "mnkpqrst" if c not in named), strict=False))
    return "".join(f"({_shape(value, letters)})" for value in values)


def _shape(value: Value, letters: dict[str, str]) -> str:
    sizes = [letters.get(str(slot.axis.size), str(slot.axis.size)) for slot in value.slots]
    if len(sizes) == 1:
        sizes = ["1", *sizes] if value.row else [*sizes, "1"]
    return "×".join(sizes)
