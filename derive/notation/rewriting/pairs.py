"""Sums over pairs: ``\\sum_{i \\neq j} x_i x_j`` runs over both letters where nothing outside of it has the second.

Such a sum is written as one sum inside another, ``\\sum_j \\sum_{i \\neq j}``; so is ``\\sum_{i < j}``. Where the
second letter stands outside, on the left side or in a sum around it, the sum runs over the first alone and stays.
"""

from __future__ import annotations

from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, mapped
from derive.notation.names import letter_of
from derive.notation.rewriting.unindexed import letters_outside, letters_within
from derive.notation.survey import bound_letters

_BETWEEN = frozenset({"\\neq", "<", ">", "\\leq", "\\geq"})


def with_pairs(members: tuple[Node, ...], outside: frozenset[str]) -> tuple[Node, ...]:
    """The sides of an equation with nested sums; ``outside`` are the letters of its chain's head."""
    around = outside.union(*map(letters_outside, members))
    return tuple(_nested(member, around) for member in members)


def _nested(node: Node, around: frozenset[str]) -> Node:
    if not isinstance(node, S.BigOperator):
        return mapped(node, lambda child: _nested(child, around))
    second = _second(node)
    inner = around | frozenset(bound_letters(node.lower))
    if second is None or letter_of(second) in around or letter_of(second) not in letters_within(node.body):
        return mapped(node, lambda child: _nested(child, inner))
    body = replace(node, body=_nested(node.body, inner | {letter_of(second) or ""}))
    lower: Node = second
    if node.upper is not None:
        lower = S.Chain((second, S.Number("1", node.span)), ("=",), node.span)
    return S.BigOperator(node.operator, lower, node.upper, body, node.span)


def _second(node: S.BigOperator) -> Node | None:
    """The j of ``\\sum_{i \\neq j}``."""
    lower = node.lower
    if node.operator != "sum" or not isinstance(lower, S.Chain) or len(lower.members) != 2:
        return None
    letters = [letter_of(member) for member in lower.members]
    is_pair = lower.relations[0] in _BETWEEN and all(letter is not None and letter.islower() for letter in letters)
    return lower.members[1] if is_pair else None
