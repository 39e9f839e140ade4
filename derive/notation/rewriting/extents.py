"""How far a sum goes: ``\\sum_i y_i \\log p_i + (1 - y_i) \\log(1 - p_i)`` sums both terms, as both have its index.

Outside of the sum such a letter would mean nothing, where neither the left side nor anything else gives it a meaning.
"""

from __future__ import annotations

from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, mapped, span_of
from derive.notation.rewriting.unindexed import letters_within
from derive.notation.survey import bound_letters


def with_extents(members: tuple[Node, ...], head: frozenset[str]) -> tuple[Node, ...]:
    """The sides of an equation with each sum over all terms behind it that have its index.

    Args:
        head: the index letters of the left side, which have a meaning of their own.
    """
    return (*members[:1], *(_extended(member, head) for member in members[1:]))


def _extended(node: Node, known: frozenset[str]) -> Node:
    inner = known | frozenset(bound_letters(node.lower)) if isinstance(node, S.BigOperator) else known
    node = mapped(node, lambda child: _extended(child, inner))
    return _over_terms(node, known) if isinstance(node, S.Sum) else node


def _over_terms(node: S.Sum, known: frozenset[str]) -> Node:
    """A sum of terms, those that belong under a sum sign before them put there."""
    terms, signs = list(node.terms), list(node.signs)
    at = 0
    while at < len(terms):
        letters = frozenset(_sums_over(terms[at])) - known
        last = max((k for k in range(at + 1, len(terms)) if letters & letters_within(terms[k])), default=at)
        if last > at:
            terms[at : last + 1] = [_taken_in(terms[at], terms[at + 1 : last + 1], signs[at + 1 : last + 1])]
            del signs[at + 1 : last + 1]
        at += 1
    if len(terms) == len(node.terms):
        return node
    return terms[0] if len(terms) == 1 and signs[0] == "+" else S.Sum(tuple(terms), tuple(signs), node.span)


def _sums_over(term: Node) -> list[str]:
    """The letters that a term's last factor binds, if that is a sum."""
    last = term.factors[-1] if isinstance(term, S.Product) else term
    return list(bound_letters(last.lower)) if isinstance(last, S.BigOperator) and last.operator == "sum" else []


def _taken_in(term: Node, others: list[Node], signs: list[str]) -> Node:
    """A term with others under the sum that it ends with."""
    if isinstance(term, S.Product):
        return replace(term, factors=(*term.factors[:-1], _taken_in(term.factors[-1], others, signs)))
    assert isinstance(term, S.BigOperator)
    own = term.body
    first, own_signs = (own.terms, own.signs) if isinstance(own, S.Sum) else ((own,), ("+",))
    body = S.Sum((*first, *others), (*own_signs, *signs), span_of(own).join(span_of(others[-1])))
    return replace(term, body=body, span=span_of(term).join(span_of(others[-1])))
