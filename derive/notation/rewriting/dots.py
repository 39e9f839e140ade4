"""Dots written out: ``u_1^2 + u_2^2 + \\dots + u_n^2`` as a sum, ``[u_1, \\dots, u_n]`` as a family.

The first two entries show where the index stands, the last one what it ends with. Dots that do not fit that shape are
left as they are, and refused where they are met.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, mapped, placed, rebuilt, span_of

FAMILY = "family"
"""The operator of a `BigOperator` that lists its body for all values of its index."""


def without_dots(node: Node, taken: frozenset[str]) -> Node:
    """The tree with dots replaced by sums and families, over letters that are not ``taken``."""
    return rebuilt(node, lambda inner: _written_out(inner, taken))


def _written_out(node: Node, taken: frozenset[str]) -> Node:
    if isinstance(node, S.Sum) and any(isinstance(t, S.Ellipsis) for t in node.terms):
        return _sum(node, taken) or node
    if isinstance(node, S.Sequence) and any(isinstance(t, S.Ellipsis) for t in node.items):
        return _family(node, taken) or node
    return node


def _sum(node: S.Sum, taken: frozenset[str]) -> Node | None:
    if set(node.signs) != {"+"}:
        return None
    found = _general(tuple(node.terms), taken)
    if found is None:
        return None
    letter, last, body = found
    return S.BigOperator("sum", S.Chain((S.Symbol(letter), S.Number("1")), ("=",)), last, body, node.span)


def _family(node: S.Sequence, taken: frozenset[str]) -> Node | None:
    found = _general(node.items, taken) if set(node.separators) == {","} else None
    if found is None:
        return None
    letter, last, body = found
    return S.BigOperator(FAMILY, S.Chain((S.Symbol(letter), S.Number("1")), ("=",)), last, body, node.span)


def _general(parts: tuple[Node, ...], taken: frozenset[str]) -> tuple[str, Node, Node] | None:
    """The letter, the last index and the general term of ``f(1), f(2), ..., f(n)``."""
    dots = [k for k, part in enumerate(parts) if isinstance(part, S.Ellipsis)]
    if len(dots) != 1 or dots[0] < 1 or dots[0] != len(parts) - 2:
        return None
    letter = next(x for x in "ijklmpqrst" if x not in taken)
    *first, _, last = parts
    body = _replace_number(first[0], "1", S.Symbol(letter))
    if body == first[0]:
        return None
    for k, part in enumerate(first[1:], start=2):
        if _replace_symbol(body, letter, S.Number(str(k))) != part:
            return None
    ends = dict.fromkeys(_differences(body, last, letter))
    if len(ends) != 1 or _replace_symbol(body, letter, next(iter(ends))) != last:
        return None
    return letter, next(iter(ends)), placed(body, span_of(first[0]))


def _replace_number(node: Node, text: str, new: Node) -> Node:
    """A number in subscripts replaced by a letter."""
    if isinstance(node, S.Script) and node.sub == S.Number(text):
        node = replace(node, sub=new)
    return mapped(node, lambda inner: _replace_number(inner, text, new))


def _replace_symbol(node: Node, letter: str, new: Node) -> Node:
    if isinstance(node, S.Script) and node.sub == S.Symbol(letter):
        node = replace(node, sub=new)
    return mapped(node, lambda inner: _replace_symbol(inner, letter, new))


def _differences(body: Node, last: Node, letter: str) -> Iterator[Node]:
    """What stands in the last term where the general one has its letter."""
    if (
        isinstance(body, S.Script)
        and isinstance(last, S.Script)
        and body.sub == S.Symbol(letter)
        and last.sub is not None
    ):
        yield last.sub
    if type(body) is type(last):
        for one, other in zip(body.children(), last.children(), strict=False):
            yield from _differences(one, other, letter)
