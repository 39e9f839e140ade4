"""Sums that nobody writes, where a document says that it means them.

``<!-- given: a_i b_i = \\sum_i a_i b_i -->`` announces Einstein's convention: a letter that stands twice in a term, and
not on the left side of the equation, is summed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation.names import letter_of, subscript_items
from derive.notation.survey import bound_letters


def announces(members: tuple[Node, ...]) -> bool:
    """Whether an equation says that a term is its own sum."""
    return len(members) == 2 and isinstance(members[1], S.BigOperator) and members[1].body == members[0]


def with_sums(members: tuple[Node, ...]) -> tuple[Node, ...]:
    """The sides of an equation with the sums written."""
    free = set(_subscripts(members[0])) if members else set()
    return tuple(_summed(member, free) for member in members)


def _summed(node: Node, free: set[str]) -> Node:
    if isinstance(node, S.Sum):
        return replace(node, terms=tuple(_summed(term, free) for term in node.terms))
    if isinstance(node, S.Group | S.Decoration):
        return replace(node, body=_summed(node.body, free))
    if not isinstance(node, S.Product):
        return node
    counts = Counter(_subscripts(node))
    for letter in sorted(letter for letter, n in counts.items() if n > 1 and letter not in free):
        node = S.BigOperator("sum", S.Symbol(letter), None, node, span_of(node))
    return node


def _subscripts(node: Node) -> Iterator[str]:
    """The letters in subscripts that no sum in the expression binds."""
    if isinstance(node, S.BigOperator):
        own = set(bound_letters(node.lower))
        yield from (letter for letter in _subscripts(node.body) if letter not in own)
        return
    if isinstance(node, S.Script) and node.sub is not None:
        yield from (x for item in subscript_items(node.sub) if (x := letter_of(item)) is not None and x.islower())
    for child in node.children():
        if not (isinstance(node, S.Script) and child is node.sub):
            yield from _subscripts(child)
