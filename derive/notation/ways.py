"""The chain rule over several ways, as it is written: a sum of products, with a derivative by the same name in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.survey import is_quotient


def sums_over_ways(members: Sequence[Node]) -> bool:
    """Whether a chain goes on with a sum, each term of which takes a derivative by the same name, that of its head if
    it has one: ``\\frac{dL}{dx} = \\frac{dL}{du} \\frac{du}{dx} + \\frac{dL}{dv} \\frac{dv}{dx}``."""
    head, *rest = members
    for each in (member for member in rest if isinstance(member, S.Sum) and len(member.terms) > 1):
        same = set.intersection(*(set(_below(term)) for term in each.terms))
        if same & (set(_below(head)) or same):
            return True
    return False


def _below(node: Node) -> Iterator[Node]:
    """What the derivatives in an expression are taken by."""
    yield from (n.denominator for n in node.walk() if isinstance(n, S.Fraction) and is_quotient(n))
