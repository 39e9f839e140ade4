"""An upright d in front of a name, as in ``\\mathrm{d}x``, is the d of a differential like a slanted one.

So is a bold one that touches a bold name, as in ``\\mathbf{dx}``.
"""

from __future__ import annotations

from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt, span_of

_UPRIGHT = (S.Symbol("d", "text"), S.Symbol("d", "word"))


def with_slanted(node: Node) -> Node:
    """The tree with such letters slanted; one that stands alone, as a label does, is left as it is."""
    return rebuilt(node, _slanted)


def _slanted(node: Node) -> Node:
    if isinstance(node, S.Fraction):
        return replace(node, numerator=_letter(node.numerator))
    if not isinstance(node, S.Product):
        return node
    following = (*zip(node.operators, node.factors[1:], strict=True), ("end", None))
    factors = (
        factor if operator else _bold(_letter(factor), second)
        for factor, (operator, second) in zip(node.factors, following, strict=True)
    )
    return replace(node, factors=tuple(factors))


def _bold(first: Node, second: Node | None) -> Node:
    """The first of two factors, slanted if it is a bold d that touches a bold name."""
    if first != S.Symbol("d", "bold") or second is None or span_of(first).end != span_of(second).start:
        return first
    base = second.base if isinstance(second, S.Script) else second
    return replace(first, font="") if isinstance(base, S.Symbol) and base.font == "bold" else first


def _letter(node: Node) -> Node:
    """``d`` or ``d^2`` in the usual font."""
    if isinstance(node, S.Script) and node.sub is None:
        return replace(node, base=_letter(node.base))
    return replace(node, font="") if isinstance(node, S.Symbol) and node in _UPRIGHT else node
