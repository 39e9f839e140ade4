"""Factors and addends: one more, one less, or in another place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.mistakes import table
from derive.mistakes.changes import (
    Change,
    Path,
    Vocabulary,
    bracketed,
    is_number,
    mentions,
    put,
    renamed,
    times,
    with_factor,
    without_factor,
)
from derive.notation.survey import bound_letters


def factors_extra(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A product without one of its factors, a fraction without its denominator or numerator."""
    if isinstance(node, S.Fraction) and not vocabulary.is_derivative(node):
        if node.numerator != S.Number("1"):
            one = replace(node, numerator=S.Number("1"))
            yield Change(one, table.FACTOR_EXTRA, (node.numerator,), span_of(node.numerator))
        inverse = S.Fraction(S.Number("1"), node.denominator)
        yield Change(bracketed(node.numerator), table.FACTOR_EXTRA, (inverse,), span_of(node.denominator))
    if not isinstance(node, S.Product) or "/" in node.operators:
        return
    for k, factor in enumerate(node.factors):
        new = without_factor(node, k)
        yield Change(new, table.FACTOR_EXTRA, (factor,), span_of(factor))


def factors_missing(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A factor for a term of a sum, or for a sum's body."""
    if isinstance(node, S.Sum) and len(node.terms) > 1:
        for k, term in enumerate(node.terms):
            for factor in vocabulary.factors:
                new = replace(node, terms=(*node.terms[:k], times(factor, term), *node.terms[k + 1 :]))
                yield Change(new, table.FACTOR_MISSING, (factor, term), span_of(term))
    elif isinstance(node, S.BigOperator) and node.lower is not None:
        letters = list(bound_letters(node.lower))
        for factor in vocabulary.factors:
            if any(mentions(factor, letter) for letter in letters):  # others may as well stand before the sum
                body = times(factor, node.body)
                yield Change(replace(node, body=body), table.FACTOR_MISSING, (factor, node.body), span_of(node.body))


def whole_factor(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    for factor in vocabulary.factors:
        new = times(factor, S.Group("(", node))
        yield Change(new, table.FACTOR_MISSING, (factor, node), span_of(node))


def factors_beside_sums(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``w_i \\sum_j u_j`` for ``\\sum_j w_j u_j``, and the other way round."""
    if not isinstance(node, S.Product) or "/" in node.operators:
        return
    at = next((k for k, factor in enumerate(node.factors) if isinstance(factor, S.BigOperator)), None)
    if at is None:
        return
    sum_ = node.factors[at]
    assert isinstance(sum_, S.BigOperator)
    letters = list(bound_letters(sum_.lower)) if sum_.lower is not None else []
    for letter in letters[:1]:
        yield from _into_sum(node, at, sum_, letter, vocabulary)


def _into_sum(node: S.Product, at: int, sum_: S.BigOperator, letter: str, vocabulary: Vocabulary) -> Iterator[Change]:
    for k, factor in enumerate(node.factors[:at]):
        if vocabulary.key(factor) is None and not isinstance(factor, S.Fraction):
            continue
        for path, part in _movable(factor, vocabulary):
            others = [o for o in vocabulary.letters if o != letter and mentions(part, o)]
            for other in others[:1]:
                inside = replace(sum_, body=times(renamed(part, other, letter), sum_.body))
                rest = without_factor(with_factor(node, at, inside), k) if not path else with_factor(
                    with_factor(node, at, inside), k, put(factor, path, S.Number("1"))
                )  # fmt: skip
                yield Change(rest, table.SIDE_OF_SUM, (part, letter), span_of(part))


def _movable(factor: Node, vocabulary: Vocabulary) -> Iterator[tuple[Path, Node]]:
    """A factor, or the factors of a fraction's numerator."""
    if not isinstance(factor, S.Fraction) or vocabulary.is_derivative(factor):
        yield (), factor
        return
    top = factor.numerator
    if isinstance(top, S.Product):
        for k, part in enumerate(top.factors):
            yield (("numerator", -1), ("factors", k)), part
    else:
        yield (("numerator", -1),), top


def addends(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``\\sigma^2`` for ``\\sigma^2 + \\epsilon``, and the like under a root or a power."""
    key = vocabulary.key(node)
    for addend in vocabulary.addends.get(key, ()) if key else ():
        yield Change(S.Group("(", _plus(node, addend)), table.ADDEND, (addend, node), span_of(node))
    inside = node.radicand if isinstance(node, S.Root) else None
    if isinstance(node, S.Script) and isinstance(node.base, S.Group) and is_number(node.sup):
        inside = node.base.body
    if inside is not None and vocabulary.key(inside) not in vocabulary.addends:
        for addend in dict.fromkeys(a for addends in vocabulary.addends.values() for a in addends):
            whole = _plus(inside, addend)
            new = replace(node, radicand=whole) if isinstance(node, S.Root) else replace(node, base=S.Group("(", whole))  # type: ignore[call-arg]
            yield Change(new, table.ADDEND, (addend, inside), span_of(inside))


def _plus(node: Node, addend: Node) -> Node:
    terms, signs = (node.terms, node.signs) if isinstance(node, S.Sum) else ((node,), ("+",))
    more, sign = (addend.terms[0], addend.signs[0]) if isinstance(addend, S.Sum) else (addend, "+")
    return S.Sum((*terms, more), (*signs, sign), span_of(node))


def means(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A sum for a mean, wherever it stands."""
    if isinstance(node, S.BigOperator) and node.operator == "sum":
        for size in vocabulary.factors:
            if isinstance(size, S.Fraction) and vocabulary.key(size.denominator) in vocabulary.sizes:
                yield Change(times(size, node), table.FACTOR_MISSING, (size, node), node.span)
