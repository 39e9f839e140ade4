"""Entries that a page picks: the class c of ``-z_c + \\log \\sum_j e^{z_j}``, the word ``u_{j^*}``.

A letter that no sum binds and no left side has, at a place where other letters are indices, singles out one entry:
``z_c`` is an entry of z, and ∂z_c/∂z_j is δ_jc. The other reading, a quantity of its own beside the summed ones, needs
evidence: a word such as *negative samples* in the text, and the entry added to the sum itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import replace

from derive.latex.syntax import (
    Accent,
    BigOperator,
    Chain,
    Group,
    Node,
    Number,
    Product,
    Script,
    Statement,
    Sum,
    Symbol,
    Words,
    rebuilt,
    span_of,
)
from derive.notation.names import Letters, label_text, letter_of, spell, subscript_items

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


# -- picks that are no single letters ------------------------------------------------------------------------------

PICKING = frozenset(
    (
        "true",
        "correct",
        "target",
        "label",
        "truth",
        "gt",
        "wahr",
        "richtig",
        "ziel",
        "vrai",
        "vraie",
        "cible",
        "correcta",
    )
)
"""Words below an array that single out the entry of the right class."""


def marked_picks(nodes: list[Node]) -> frozenset[Node]:
    """What stands for one letter at a summed place of an array: ``\\hat{k}``, ``k_0``, the word of ``z_{\\text{c}}``.

    None where it stands elsewhere too, other than in a condition: then it has a meaning of its own.
    """
    inner = [n for node in nodes for n in node.walk()]
    alone = {id(node.node) for node in nodes if isinstance(node, Statement)}
    bound = {letter for n in inner if isinstance(n, BigOperator) for letter in _letters_of(n.lower)}
    summed = {place for n in inner if isinstance(n, Script) for place, letter in _own_places(n) if letter in bound}
    found: set[Node] = set()
    below: set[int] = set()
    for script in (n for n in inner if isinstance(n, Script) and n.sub is not None):
        base, items = spell(script.base, Letters()), list(subscript_items(script.sub))  # type: ignore[arg-type]
        below |= {id(part) for item in items for part in (item, *item.children())}
        for k, item in enumerate(items):
            if base is not None and _is_mark(item) and (base.key, len(items), k) in summed:
                found.add(item)
    below |= {
        id(member) for n in inner if isinstance(n, Chain) and n.relations[0] in ("=", "\\neq") for member in n.members
    }
    elsewhere = {n for n in inner if id(n) not in below | alone}
    return frozenset(found - elsewhere)


def _own_places(script: Script) -> Iterator[tuple[Place, str]]:
    return (pair for pair in places(replace(script, sup=None)) if script.sub is not None)


def _letters_of(lower: Node | None) -> Iterator[str]:
    first = lower.members[0] if isinstance(lower, Chain) else lower
    if first is not None and (letter := letter_of(first)) is not None:
        yield letter


def _is_mark(node: Node) -> bool:
    if isinstance(node, Accent):
        return node.accent in ("hat", "bar", "tilde", "check") and letter_of(node.body) is not None
    if isinstance(node, Script):
        number = isinstance(node.sub, Number) and node.sup is None and not node.primes
        return number and letter_of(node.base) is not None
    return (isinstance(node, Words) and node.text in PICKING) or (
        isinstance(node, Symbol) and node.font in ("text", "word") and node.name in PICKING
    )


def with_marked_picks(node: Node, picks: Set[Node]) -> Node:
    """The tree with each of these as one letter."""
    return rebuilt(node, lambda inner: _as_letter(inner) if inner in picks else inner) if picks else node


def _as_letter(node: Node) -> Node:
    if isinstance(node, Words):
        return Symbol(f"\\text{{{node.text}}}", "", node.span)
    return Symbol(label_text(node) if not isinstance(node, Symbol) else f"\\text{{{node.name}}}", "", span_of(node))
