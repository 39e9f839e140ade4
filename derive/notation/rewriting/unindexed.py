"""Sums that do not say what they run over: ``\\sum x_i`` runs over i, ``\\sum^m x_i`` and ``\\sum_1^m x_i`` too.

What such a sum runs over are the index letters in it that nothing outside of it has; where the one letter in it stands
outside too, it is another index of the same name, because a sum over nothing would say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, mapped
from derive.notation.names import letter_of, subscript_items
from derive.notation.survey import bound_letters

_CUSTOMARY = frozenset("ijklmnpqrstuvw")
_STARTS = (S.Number("0"), S.Number("1"))


def with_indices(members: tuple[Node, ...], outside: frozenset[str]) -> tuple[Node, ...]:
    """The sides of an equation with an index for each such sum; ``outside`` are the letters of its chain's head."""
    around = outside.union(*map(letters_outside, members))
    return tuple(_indexed(member, around, frozenset()) for member in members)


def letters_outside(node: Node) -> frozenset[str]:
    """The index letters of an expression outside of all sums."""
    if isinstance(node, S.BigOperator):
        return frozenset()
    return frozenset(_own(node)).union(*map(letters_outside, node.children()))


def _own(node: Node) -> Iterator[str]:
    """The letters in a name's subscript, and the one in brackets above it."""
    if isinstance(node, S.Script):
        items = list(subscript_items(node.sub)) if node.sub is not None else []
        if isinstance(node.sup, S.Group) and node.sup.opening == "(":
            items.append(node.sup.body)
        yield from (letter for item in items if (letter := letter_of(item)) is not None and letter in _CUSTOMARY)


def letters_within(node: Node) -> frozenset[str]:
    """The letters that no sum in an expression binds; those below an inner sum without index are its own."""
    if isinstance(node, S.BigOperator) and _is_unindexed(node):
        return frozenset()
    if isinstance(node, S.BigOperator):
        return letters_within(node.body) - frozenset(bound_letters(node.lower))
    return frozenset(_own(node)).union(*map(letters_within, node.children()))


def _indexed(node: Node, around: frozenset[str], bound: frozenset[str]) -> Node:
    if not isinstance(node, S.BigOperator):
        return mapped(node, lambda child: _indexed(child, around, bound))
    if not _is_unindexed(node):
        inner = bound | frozenset(bound_letters(node.lower))
        return mapped(node, lambda child: _indexed(child, around, inner))
    found = letters_within(node.body) - bound
    chosen = found - around or (found if len(found) == 1 else frozenset())
    if len(chosen) > 1 and node.upper is not None:
        chosen = frozenset()
    body = _indexed(node.body, around, bound | chosen)
    return replace(node, lower=_lower(node, sorted(chosen)), body=body) if chosen else replace(node, body=body)


def _is_unindexed(node: S.BigOperator) -> bool:
    return node.operator == "sum" and (node.lower is None or node.lower in _STARTS)


def _lower(node: S.BigOperator, letters: list[str]) -> Node:
    symbols = tuple(S.Symbol(letter, "", node.span) for letter in letters)
    if len(symbols) > 1:
        return S.Sequence(symbols, (",",) * (len(symbols) - 1), node.span)
    return symbols[0] if node.lower is None else S.Chain((symbols[0], node.lower), ("=",), node.span)
