"""Brackets: grouping, absolute values, norms, inner products."""

from __future__ import annotations

import sympy

from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation import conditions
from derive.notation.context import Context
from derive.notation.values import ShapeError, Value, apply, close
from derive.source import SourceError


def group(ctx: Context, node: S.Group) -> Value:
    if isinstance(node.body, S.Chain):
        indicator = conditions.indicator(ctx, node)
        if indicator is not None:
            return indicator
        raise SourceError("an equation inside an expression", node.span)
    if node.opening in ("(", "[", "\\{", "", "\\lbrace", "\\lbrack"):
        return ctx.value(node.body)
    if node.opening in ("|", "\\lvert"):
        value = ctx.value(node.body)
        return _norm(ctx, value) if value.slots else apply(value, sympy.Abs)
    if node.opening in ("‖", "\\lVert"):
        return _norm(ctx, ctx.value(node.body))
    if node.opening == "\\langle" and isinstance(node.body, S.Sequence) and len(node.body.items) == 2:
        return _inner_product(ctx, *node.body.items)
    raise SourceError("derive does not know this bracket", node.span)


def _norm(ctx: Context, value: Value) -> Value:
    """The Euclidean norm."""
    if len(value.slots) != 1:
        raise ShapeError("a norm of something that is no vector")
    return apply(close(apply(value, lambda u: u**2), value.slots[0]), sympy.sqrt)


def _inner_product(ctx: Context, first: Node, second: Node) -> Value:
    a, b = ctx.value(first), ctx.value(second)
    if len(a.slots) != 1 or len(b.slots) != 1:
        raise ShapeError("an inner product of something that is no vector")
    return ctx.table.shapes.dot(a, b)
