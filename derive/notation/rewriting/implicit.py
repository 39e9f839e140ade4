"""Definitions that give a name with a number of values or a constant before it: ``N \\mu = \\sum_i x_i``.

Solved for the name, as far as nothing else says what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.names import Letters, spell, symbol_key
from derive.notation.survey import is_quotient, upper_limits

Chain = tuple[Node, ...]


def solved(chains: Sequence[Chain]) -> list[Chain]:
    """The equations with such left sides solved for their name."""
    uppers = (upper for members in chains for member in members for upper in upper_limits(member))
    sizes = frozenset(upper.name for upper in uppers if isinstance(upper, S.Symbol))
    named = {key for members in chains if (key := _key(members[0])) is not None}
    return [_solved(members, sizes, named) for members in chains]


def _solved(members: Chain, sizes: frozenset[str], named: set[str]) -> Chain:
    left = members[0]
    if len(members) != 2 or not isinstance(left, S.Product) or set(left.operators) - {"", "\\cdot", "*"}:
        return members
    known = [factor for factor in left.factors if _is_number(factor, sizes)]
    unknown = [factor for factor in left.factors if factor not in known]
    key = _key(unknown[0]) if len(unknown) == 1 and known else None
    if key is None or key in named or _has_derivative(members[1]) or any(_key(n) == key for n in members[1].walk()):
        return members
    below = known[0] if len(known) == 1 else S.Product(tuple(known), ("",) * (len(known) - 1))
    return unknown[0], S.Fraction(members[1], below)


def _is_number(node: Node, sizes: frozenset[str]) -> bool:
    return isinstance(node, S.Number) or (isinstance(node, S.Symbol) and node.name in sizes)


def _key(node: Node) -> str | None:
    """The key of a name without power."""
    bare = replace(node, sub=None) if isinstance(node, S.Script) and node.sup is None else node
    while isinstance(bare, S.Script) and bare.sup is None and bare.sub is None and not bare.primes:
        bare = bare.base
    if isinstance(bare, S.Symbol):
        return symbol_key(bare) if bare.name not in ("d", "\\partial", "\\nabla") else None
    spelled = spell(bare, Letters()) if isinstance(bare, S.Accent) else None
    return spelled.key if spelled is not None and spelled.power is None else None


def _has_derivative(node: Node) -> bool:
    return any(is_quotient(inner) or inner == S.Symbol("\\nabla") for inner in node.walk())
