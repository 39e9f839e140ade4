"""Auxiliary names with numbers: what *let $x_1 = x_i - \\mu$* introduces is no entry of x."""

from __future__ import annotations

from collections.abc import Iterable

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt
from derive.latex.writer import latex

Members = tuple[Node, ...]


def auxiliaries(announced: Iterable[Members]) -> frozenset[Node]:
    """The names with a number for a subscript among those that sentences introduce.

    Args:
        announced: the sides of equations behind *let*.
    """
    heads = (members[0] for members in announced if len(members) == 2 and not isinstance(members[1], S.Number))
    return frozenset(head for head in heads if _is_numbered(head))


def with_auxiliaries(members: Members, names: frozenset[Node]) -> Members:
    """The sides of an equation with each of the names as one symbol."""
    return tuple(rebuilt(member, lambda node: _named(node) if node in names else node) for member in members)


def _is_numbered(node: Node) -> bool:
    is_plain = isinstance(node, S.Script) and isinstance(node.base, S.Symbol) and node.sup is None and not node.primes
    return is_plain and isinstance(node.sub, S.Number)  # type: ignore[attr-defined]


def _named(node: Node) -> Node:
    """``x_1`` as one symbol; behind a letter of words, so that nothing takes its number for an index."""
    assert isinstance(node, S.Script)
    return S.Symbol(f"\\text{{{latex(node.base)}{latex(node.sub or node)}}}", "", node.span)
