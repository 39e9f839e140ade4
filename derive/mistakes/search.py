"""The search for the mistake that explains a refuted line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sympy import Expr

from derive.language import D
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.mistakes import edits as editing
from derive.mistakes.edits import Edit, Vocabulary
from derive.mistakes.table import Kind
from derive.mistakes.variants import Variant, variants
from derive.notation.elaborate import Elaborator
from derive.notation.names import letter_of
from derive.notation.values import ShapeError, Value
from derive.problem import Pair
from derive.problem.problem import settle
from derive.source import SourceError, Span
from derive.typeset import Typesetter, key_node
from derive.verdict import Judge, Judged

MAX_FOUND = 3


@dataclass(frozen=True)
class Mistake:
    """A mistake that explains a line exactly."""

    kind: Kind
    message: str
    span: Span


class Search:
    """Looks for the mistake in one refuted link.

    Args:
        pair: the sides that differ; the left one is right.
        correct: the true right side, for the factors that the author's may lack.
        seconds: how long to look.
    """

    def __init__(
        self,
        judge: Judge,
        judged: Judged,
        link: int,
        pair: Pair,
        correct: Node | None,
        typesetter: Typesetter,
        seconds: float,
    ) -> None:
        self.judge = judge
        self.judged = judged
        self.equation = judged.equation
        self.node = judged.equation.members[link + 1]
        self.pair = pair
        self.reading = judged.links[link].reading or "total"
        self.correct = correct
        self.typesetter = typesetter
        self.deadline = time.monotonic() + seconds
        self.table = judge.problem.table
        self.graph = judge.graph_of(pair)
        self._values = judge.sample(pair, self.reading)

    def mistakes(self) -> list[Mistake]:
        """The simplest explanations: one variant, one edit, then an edit of a variant."""
        if self._values is None:
            return []
        targets = list(self._variants())
        for variant in targets:
            if self._equal(self.pair.right, variant.expr):
                return [Mistake(variant.kind, variant.message, span_of(self.node))]
        found = self._single()
        return found or self._compound(targets)

    def _variants(self) -> Iterator[Variant]:
        for variant in variants(self.pair.left, self.graph):
            yield variant

    def _single(self) -> list[Mistake]:
        found: list[Mistake] = []
        for edit in self._edits():
            if time.monotonic() > self.deadline or len(found) == MAX_FOUND:
                break
            expr = self._read(edit.node)
            if expr is not None and self._equal(expr, self.pair.left):
                found.append(Mistake(edit.kind, edit.message, edit.span))
        return found

    def _compound(self, targets: list[Variant]) -> list[Mistake]:
        """One edit that turns the line into a known variant: two mistakes."""
        for edit in self._edits():
            if time.monotonic() > self.deadline or not targets:
                break
            expr = self._read(edit.node)
            for variant in targets if expr is not None else ():
                if self._equal(expr, variant.expr):
                    return [
                        Mistake(edit.kind, edit.message, edit.span),
                        Mistake(variant.kind, variant.message, span_of(self.node)),
                    ]
        return []

    # -- candidates --------------------------------------------------------------------------------------------------

    def _edits(self) -> Iterator[Edit]:
        vocabulary = self._vocabulary()
        yield from editing.edits(self.node, vocabulary)
        yield from editing.whole(self.node, vocabulary)

    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(self._names(), self._letters(), tuple(self._factors()), self._key)

    def _key(self, node: Node) -> str | None:
        spelled = self.table.spell(node)
        return spelled.key if spelled is not None else None

    def _names(self) -> dict[str, tuple[Node, ...]]:
        """Names of the same shape."""
        shapes: dict[str, tuple[str, ...]] = {}
        for name in (*self.graph.by_name, *self.graph.inputs):
            shapes[name.split("#")[0]] = tuple(str(n) for n in self.graph.sizes_of(name))
        return {
            name: tuple(key_node(other) for other, sizes in shapes.items() if sizes == shape and other != name)
            for name, shape in shapes.items()
        }

    def _letters(self) -> tuple[str, ...]:
        """Index letters of the equation."""
        found: dict[str, None] = dict.fromkeys(self.equation.axes)
        for node in self.node.walk():
            if isinstance(node, S.BigOperator) and node.lower is not None:
                for inner in node.lower.walk():
                    letter = letter_of(inner)
                    if letter is not None and letter in self.table.letters.indices:
                        found[letter] = None
        return tuple(found)

    def _factors(self) -> Iterator[Node]:
        """Factors of the true value, then sizes, numbers and scalars."""
        seen: set[str] = set()
        for node in (*_factors_of(self.correct), *self._customary()):
            text = str(node)
            if text not in seen:
                seen.add(text)
                yield node

    def _customary(self) -> Iterator[Node]:
        for n in dict.fromkeys(self.pair.sizes):
            size = self.typesetter.node(n)
            yield S.Fraction(S.Number("1"), size)
            yield size
        yield S.Number("2")
        yield S.Fraction(S.Number("1"), S.Number("2"))
        for name in self.graph.inputs:
            if not self.graph.sizes_of(name):
                yield key_node(name)

    # -- decisions ---------------------------------------------------------------------------------------------------

    def _read(self, node: Node) -> Expr | None:
        """An edited right side as SymPy, over the indices of the pair; None where it has no meaning."""
        elaborator = Elaborator(self.table, dict(self.equation.axes), self.judged.sides.elaborator.policy)
        try:
            left = elaborator.value(self.equation.members[0])
            value = settle(elaborator.value(node), left, elaborator, self.table)
        except (SourceError, ShapeError):
            return None
        finally:
            self.judge.problem.heard()
        if not isinstance(value, Value) or value.slots:
            return None
        return value.expr

    def _equal(self, first: Expr, second: Expr) -> bool:
        """Whether two expressions are equal: at the sampled points first, then for certain."""
        assert self._values is not None
        if not self._values.agree(first, second):
            return False
        pair = replace(self.pair, left=first, right=second)
        return self.judge.proves(pair, self.reading)


def _factors_of(node: Node | None) -> Iterator[Node]:
    """The factors that an expression is written with."""
    if node is None:
        return
    if isinstance(node, S.Sum) and len(node.terms) == 1:
        yield from _factors_of(node.terms[0])
    elif isinstance(node, S.Product):
        for factor in node.factors:
            yield from _factors_of(factor) if isinstance(factor, S.Fraction) else (factor,)
    elif isinstance(node, S.Fraction):
        yield from _factors_of(node.numerator)
        for factor in _factors_of(node.denominator):
            yield S.Fraction(S.Number("1"), factor)
    elif not (isinstance(node, S.Number) and node.text == "1"):
        yield node


__all__ = ["D", "Mistake", "Search"]
