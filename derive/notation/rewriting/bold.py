"""Vectors in bold or with an arrow whose entries are plain: ``\\mathbf{y} = W \\mathbf{x}`` beside ``y_i`` and ``x_j``.

Only where nothing else can be meant: the vector never has an index, and the plain letter is never without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from derive.latex import syntax as S
from derive.latex.constructs import GREEK
from derive.latex.syntax import Node, rebuilt
from derive.notation.names import Letters, letter_of, spell, subscript_items

_PLAIN = Letters()
Members = tuple[Node, ...]


def with_plain_vectors(chains: list[Members], listed: Set[str]) -> tuple[list[Members], tuple[str, ...]]:
    """The chains with such vectors as plain letters, and the letters.

    Args:
        listed: the arguments that functions are defined with, as LaTeX.
    """
    found = list(_names(node for members in chains for node in members))
    plain = {name.name for name, _ in found if isinstance(name, S.Symbol) and not name.font}
    found += [(S.Symbol(letter, "bold"), ()) for letter in plain if set(in_bold(letter)) & listed]
    letters = sorted({letter for node, _ in found for letter in _vectors(node)})
    chosen = tuple(letter for letter in letters if _is_one_name(letter, found))
    if not chosen:
        return chains, ()
    return [
        tuple(rebuilt(member, lambda node: _plain(node, chosen)) for member in members) for members in chains
    ], chosen


def in_bold(letter: str) -> tuple[str, ...]:
    """How a vector with that letter is written, as LaTeX."""
    return tuple(f"\\{sign}{{{letter}}}" for sign in ("mathbf", "boldsymbol", "bm", "vec"))


def _names(nodes: Iterable[Node]) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """The names in formulas, each with its subscripts."""
    for node in nodes:
        name, subscripts = node, list[Node]()
        while isinstance(name, S.Script):
            subscripts += subscript_items(name.sub) if name.sub is not None else ()
            if name.sup is not None:
                yield from _names((name.sup,))
            name = name.base
        yield from _names(subscripts)
        if isinstance(name, S.Symbol | S.Accent) and spell(name, _PLAIN) is not None:
            yield name, tuple(subscripts)
        else:
            yield from _names(name.children())


def _vectors(name: Node) -> Iterator[str]:
    """The letters in a name that are bold or have an arrow."""
    for node in name.walk():
        letter = _vector(node)
        if letter is not None:
            yield letter


def _vector(node: Node) -> str | None:
    """The letter, Latin or Greek, that a node sets in bold or under an arrow."""
    if isinstance(node, S.Accent) and node.accent == "vec" and isinstance(node.body, S.Symbol):
        return _letter(node.body) if not node.body.font else None
    return _letter(node) if isinstance(node, S.Symbol) and node.font == "bold" else None


def _letter(symbol: S.Symbol) -> str | None:
    return symbol.name if (symbol.name.isalpha() and len(symbol.name) == 1) or symbol.name[1:] in GREEK else None


def _is_one_name(letter: str, found: list[tuple[Node, tuple[Node, ...]]]) -> bool:
    """Whether the vector of a letter and the plain letter are an array and its entries, under every accent."""
    arrays = {_plain_name(name, letter) for name, indices in found if letter in _vectors(name) and not indices}
    if any(letter in _vectors(name) and indices for name, indices in found):
        return False
    plain = [(name, indices) for name, indices in found if name in arrays]
    has_entries = any(any(_is_index(i) for i in indices) for _, indices in plain)
    return has_entries and all(indices for _, indices in plain)


def _is_index(node: Node) -> bool:
    letter = letter_of(node)
    return letter is not None and letter.islower()


def _plain_name(name: Node, letter: str) -> Node:
    return rebuilt(name, lambda node: _plain(node, (letter,)))


def _plain(node: Node, letters: tuple[str, ...]) -> Node:
    if _vector(node) not in letters:
        return node
    if isinstance(node, S.Accent):
        return node.body
    assert isinstance(node, S.Symbol)
    return S.Symbol(node.name, "", node.span)
