"""Squares of names in brackets: ``\\left(\\sigma_B\\right)^2`` is ``\\sigma_B^2``, which may be one symbol."""

from __future__ import annotations

from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt, span_of

TWO = S.Number("2")


def with_squares(node: Node) -> Node:
    """The tree with the brackets taken off names that are squared as a whole, and are no arguments of what stands
    before them: ``f(x)^2`` stays."""
    products = [inner for inner in node.walk() if isinstance(inner, S.Product)]
    behind = {
        span_of(factor)
        for one in products
        for sign, factor in zip(one.operators, one.factors[1:], strict=True)
        if not sign
    }
    return rebuilt(node, lambda inner: inner if span_of(inner) in behind else _squared(inner))


def _squared(node: Node) -> Node:
    if not isinstance(node, S.Script) or node.sup != TWO or node.sub is not None or node.primes:
        return node
    body = node.base.body if isinstance(node.base, S.Group) and node.base.opening == "(" else None
    if isinstance(body, S.Symbol | S.Accent):
        return replace(node, base=body)
    if isinstance(body, S.Script) and body.sup is None and not body.primes and isinstance(body.base, S.Symbol):
        return replace(body, sup=node.sup, span=node.span)
    return node
