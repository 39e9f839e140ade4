"""An upright d in front of a name, as in ``\\mathrm{d}x``, is the d of a differential like a slanted one."""

from __future__ import annotations

from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt

_UPRIGHT = (S.Symbol("d", "text"), S.Symbol("d", "word"))


def with_slanted(node: Node) -> Node:
    """The tree with such letters slanted; one that stands alone, as a label does, is left as it is."""
    return rebuilt(node, _slanted)


def _slanted(node: Node) -> Node:
    if isinstance(node, S.Fraction):
        return replace(node, numerator=_letter(node.numerator))
    if not isinstance(node, S.Product):
        return node
    factors = (
        factor if operator else _letter(factor)
        for factor, operator in zip(node.factors, (*node.operators, "end"), strict=True)
    )
    return replace(node, factors=tuple(factors))


def _letter(node: Node) -> Node:
    """``d`` or ``d^2`` in the usual font."""
    if isinstance(node, S.Script) and node.sub is None:
        return replace(node, base=_letter(node.base))
    return replace(node, font="") if isinstance(node, S.Symbol) and node in _UPRIGHT else node
