"""Sums and brackets: missing, too many, or reaching too far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.mistakes import table
from derive.mistakes.changes import (
    Change,
    Vocabulary,
    is_number,
    mentions,
    renamed,
    terms_of,
    times,
    unbracketed,
    with_factor,
    without_factor,
    without_power,
)


def brackets_missing(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``a b + c + d`` for ``a (b + c + d)``: the leading factors of a term go to those after it too."""
    if not isinstance(node, S.Sum):
        return
    for k, term in enumerate(node.terms[:-1]):
        if not isinstance(term, S.Product) or "/" in term.operators:
            continue
        for m in range(1, len(term.factors)):
            lead = term.factors[0] if m == 1 else S.Product(term.factors[:m], term.operators[: m - 1])
            rest = term.factors[m] if m == len(term.factors) - 1 else S.Product(term.factors[m:], term.operators[m:])
            span = span_of(term.factors[0]).join(span_of(term.factors[m - 1]))
            for end in range(len(node.terms), k + 1, -1):
                inside = S.Sum((rest, *node.terms[k + 1 : end]), ("+", *node.signs[k + 1 : end]))
                whole = S.Product((lead, S.Group("(", inside)), ("",))
                terms = (*node.terms[:k], whole, *node.terms[end:])
                signs = (*node.signs[: k + 1], *node.signs[end:])
                yield Change(S.Sum(terms, signs, node.span), table.FIRST_TERM_ONLY, (lead, rest), span)


def sum_reaches_further(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``\\sum_i a + b`` for ``\\sum_i (a + b)``."""
    if not isinstance(node, S.Sum):
        return
    for k, term in enumerate(node.terms[:-1]):
        last = term.factors[-1] if isinstance(term, S.Product) else term
        if isinstance(last, S.BigOperator):
            for end in range(len(node.terms), k + 1, -1):
                inside = S.Sum((last.body, *node.terms[k + 1 : end]), ("+", *node.signs[k + 1 : end]))
                longer = replace(last, body=S.Group("(", inside))
                new = with_factor(term, len(term.factors) - 1, longer) if isinstance(term, S.Product) else longer
                terms = (*node.terms[:k], new, *node.terms[end:])
                signs = (*node.signs[: k + 1], *node.signs[end:])
                message = (S.BigOperator(last.operator, last.lower, None, S.Ellipsis()), last.body)
                yield Change(S.Sum(terms, signs, node.span), table.FIRST_TERM_ONLY, message, last.span)


def brackets_extra(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``a (b + c)`` for ``a b + c``."""
    if not isinstance(node, S.Product) or "/" in node.operators or len(node.factors) < 2:
        return
    last = node.factors[-1]
    if not isinstance(last, S.Group) or not isinstance(last.body, S.Sum) or len(last.body.terms) < 2:
        return
    lead = without_factor(node, len(node.factors) - 1)
    inside = last.body
    for k in range(1, len(inside.terms)):
        head, tail = terms_of(inside, 0, k), terms_of(inside, k, len(inside.terms))
        for multiplied, left in ((head, tail), (tail, head)):
            first = times(lead, S.Group("(", multiplied))
            new = S.Group("(", S.Sum((first, S.Group("(", left)), ("+", "+"), node.span))
            yield Change(new, table.TOO_FAR, (lead, left), last.span)


def sums_extra(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if isinstance(node, S.BigOperator) and node.operator == "sum":
        yield Change(S.Group("(", node.body), table.SUM_EXTRA, (node,), node.span)


def sums_missing(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A sum around a term, or around a factor and those after it."""
    if isinstance(node, S.Sum) and len(node.terms) > 1:
        for k, term in enumerate(node.terms):
            for letter, summed in _summed(term, vocabulary):
                terms = (*node.terms[:k], summed, *node.terms[k + 1 :])
                yield Change(replace(node, terms=terms), table.SUM_MISSING, (letter, term), span_of(term))
    elif isinstance(node, S.Product) and "/" not in node.operators:
        for k in range(1, len(node.factors)):
            rest = node.factors[k] if k == len(node.factors) - 1 else S.Product(node.factors[k:], node.operators[k:])
            span = span_of(node.factors[k]).join(span_of(node.factors[-1]))
            for letter, summed in _summed(rest, vocabulary):
                product = S.Product((*node.factors[:k], summed), node.operators[:k], node.span)
                yield Change(product, table.SUM_MISSING, (letter, rest), span)


def whole_sum(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    for letter, summed in _summed(node, vocabulary):
        yield Change(summed, table.SUM_MISSING, (letter, node), span_of(node))


def _summed(node: Node, vocabulary: Vocabulary) -> Iterator[tuple[str, Node]]:
    """A sum over a letter of an expression, or over a new letter that takes its place."""
    own = [letter for letter in vocabulary.letters if mentions(node, letter)]
    for letter in own:
        yield letter, S.BigOperator("sum", S.Symbol(letter), None, S.Group("(", node), span_of(node))
    for letter in own:
        for other in vocabulary.letters:
            if other not in own:
                body = S.Group("(", renamed(node, letter, other))
                yield other, S.BigOperator("sum", S.Symbol(other), None, body, span_of(node))


def powers_beside_sums(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``\\sum u^2`` for ``(\\sum u)^2``, and the other way round."""
    if isinstance(node, S.BigOperator) and isinstance(node.body, S.Script) and is_number(node.body.sup):
        outside = S.Script(S.Group("(", replace(node, body=without_power(node.body))), None, node.body.sup)
        yield Change(outside, table.POWER_OF_SUM, (outside, node), node.span)
    elif isinstance(node, S.Script) and node.sub is None and is_number(node.sup):
        operator = unbracketed(node.base)
        if isinstance(operator, S.BigOperator):
            inside = replace(operator, body=S.Script(S.Group("(", operator.body), None, node.sup))
            yield Change(inside, table.POWER_OF_SUM, (inside, node), node.span)
