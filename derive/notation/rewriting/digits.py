"""Digits right behind a letter are its subscript: ``z1`` for ``z_1``; nobody writes a number behind what it multiplies.

In ``2x``, ``x 2`` and ``\\delta_{i1}`` nothing is changed.
"""

from __future__ import annotations

from derive.latex import syntax as S
from derive.latex.constructs import GREEK
from derive.latex.syntax import Node, mapped, span_of

_NO_NAMES = frozenset({"d", "e", "\\pi"})
"""Letters that are signs or numbers of their own."""


def with_subscripts(node: Node) -> Node:
    """A formula with such digits as subscripts; those in a subscript are an index of their own: ``\\delta_{i1}``."""
    return _joined(mapped(node, lambda child: child if _is_below(node, child) else with_subscripts(child)))


def _is_below(node: Node, child: Node) -> bool:
    below = node.sub if isinstance(node, S.Script) else node.lower if isinstance(node, S.BigOperator) else None
    return child is below


def _joined(node: Node) -> Node:
    """A product with each letter joined to the digits behind it."""
    if not isinstance(node, S.Product):
        return node
    factors: list[Node] = [node.factors[0]]
    operators: list[str] = []
    for operator, factor in zip(node.operators, node.factors[1:], strict=True):
        named = _named(factors[-1], factor) if not operator else None
        if named is not None:
            factors[-1] = named
        else:
            factors.append(factor)
            operators.append(operator)
    return S.Product(tuple(factors), tuple(operators), node.span) if len(factors) > 1 else factors[0]


def _named(letter: Node, behind: Node) -> Node | None:
    """A letter with the digits behind it as its subscript; a power of the digits is one of the name."""
    number = behind.base if isinstance(behind, S.Script) and behind.sub is None else behind
    if not (isinstance(letter, S.Symbol) and isinstance(number, S.Number) and number.text.isdigit()):
        return None
    is_letter = len(letter.name) == 1 or letter.name.removeprefix("\\") in GREEK
    if not is_letter or letter.name in _NO_NAMES or letter.span.end != number.span.start:
        return None
    sup, primes = (behind.sup, behind.primes) if isinstance(behind, S.Script) else (None, 0)
    return S.Script(letter, number, sup, primes, letter.span.join(span_of(behind)))
