"""Letters that are more than one, and letters with primes: ``NHW`` beside sums over n, h and w; sums over ``i'``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from derive.latex import syntax as S
from derive.latex.syntax import Node, mapped, span_of
from derive.notation.names import Letters, letter_of, spell
from derive.notation.survey import summed_letters


def with_products(chains: list[tuple[Node, ...]]) -> list[tuple[Node, ...]]:
    """The chains with every word of capitals whose small letters sums bind, such as ``NHW``, as their product."""
    bound = summed_letters(n for members in chains for m in members for n in m.walk())
    return [tuple(_split(member, bound) for member in members) for members in chains]


def named_products(chains: Iterable[tuple[Node, ...]]) -> Mapping[str, tuple[str, ...]]:
    """Names that an equation says to be a product of capitals: ``m = N H W``."""
    found: dict[str, tuple[str, ...]] = {}
    for members in chains:
        name, value = spell(members[0], Letters()), members[-1]
        if name is None or len(members) < 2 or not isinstance(value, S.Product) or "/" in value.operators:
            continue
        letters = [letter_of(factor) for factor in value.factors]
        capitals = tuple(letter for letter in letters if letter is not None and letter.isupper())
        if len(capitals) == len(letters):
            found.setdefault(name.key, capitals)
    return found


def with_primes(chains: list[tuple[Node, ...]]) -> list[tuple[Node, ...]]:
    """The chains with every primed letter that sums bind as one letter: ``\\sum_{c'} x_{c'}``."""
    operators = (n for members in chains for m in members for n in m.walk() if isinstance(n, S.BigOperator))
    bound = {name for n in operators if n.lower is not None for inner in n.lower.walk() if (name := _primed(inner))}

    def join(node: Node) -> Node:
        name = _primed(node)
        return S.Symbol(name, "", span_of(node)) if name in bound else mapped(node, join)

    return [tuple(map(join, members)) for members in chains] if bound else chains


def _primed(node: Node) -> str:
    """``c'`` for a small letter with primes and nothing else; "" for any other node."""
    if not isinstance(node, S.Script) or not node.primes or node.sub is not None or node.sup is not None:
        return ""
    letter = letter_of(node.base)
    return letter + "'" * node.primes if letter is not None and letter.islower() else ""


def _split(node: Node, bound: Set[str]) -> Node:
    if isinstance(node, S.Symbol) and node.font == "word":
        if node.name.isupper() and len(node.name) > 1 and set(node.name.lower()) <= bound:
            return S.Product(
                tuple(S.Symbol(c, "", node.span) for c in node.name), ("",) * (len(node.name) - 1), node.span
            )
        return node
    return mapped(node, lambda child: _split(child, bound))
