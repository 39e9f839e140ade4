"""Entries that a page picks: the class c of ``-z_c + \\log \\sum_j e^{z_j}``, the word ``u_{j^*}``.

A letter that no sum binds and no left side has, at a place where other letters are indices, singles out one entry:
``z_c`` is an entry of z, and ∂z_c/∂z_j is δ_jc. The other reading, a quantity of its own beside the summed ones, needs
evidence: a word such as *negative samples* in the text, and the entry added to the sum itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from derive.latex.syntax import BigOperator, Group, Node, Product, Script, Sum
from derive.notation.names import Letters, letter_of, spell, subscript_items

APART = frozenset(
    ("negative", "negatives", "noise", "distractor", "distractors", "negativen", "negativ", "négatif", "négatifs")
)
"""Words for summed things among which the one beside them is not."""

Place = tuple[str, int, int]
"""A base, the number of its subscripts, and the position of one."""


def places(node: Node) -> Iterator[tuple[Place, str]]:
    """The places of subscripts in an expression, with the letter that stands there."""
    for inner in node.walk():
        if isinstance(inner, Script) and inner.sub is not None:
            base = spell(inner.base, Letters())
            items = [letter_of(item) for item in subscript_items(inner.sub)]
            if base is not None:
                yield from (((base.key, len(items), k), letter) for k, letter in enumerate(items) if letter is not None)


def picked(nodes: list[Node], fixed: Set[str], known: Set[str], words: Set[str]) -> set[str]:
    """The fixed letters that stand where a known index stands elsewhere, those set apart left out."""
    found = [place for node in nodes for place in places(node)]
    indexed = {place for place, letter in found if letter in known}
    letters = {letter for place, letter in found if letter in fixed and letter.islower() and place in indexed}
    return letters - (set(_apart(nodes, letters)) if words & APART else set())


def _apart(nodes: Iterable[Node], letters: Set[str]) -> Iterator[str]:
    """The letters of entries that are added to a sum over others of their kind."""
    for whole in (inner for node in nodes for inner in node.walk() if isinstance(inner, Sum)):
        summed = {place for term in whole.terms if (body := _summand(term)) is not None for place, _ in places(body)}
        for term in whole.terms:
            if _summand(term) is None:
                yield from (letter for place, letter in places(term) if letter in letters and place in summed)


def _summand(term: Node) -> Node | None:
    """What a term of a sum sums up, where it is a sum over an index, perhaps with a factor."""
    while isinstance(term, Group):
        term = term.body
    if isinstance(term, Product):
        term = term.factors[-1]
    return term.body if isinstance(term, BigOperator) and term.operator == "sum" else None
