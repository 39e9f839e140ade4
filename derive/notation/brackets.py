"""Brackets: grouping, absolute values, norms, inner products."""

from __future__ import annotations

import sympy

from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation import conditions
from derive.notation.context import Context
from derive.notation.powers import is_matrix
from derive.notation.values import ShapeError, Value, apply, close
from derive.source import SourceError

_NORMS = ("‖", "\\lVert")
_BARS = ("|", "\\lvert", *_NORMS)


def group(ctx: Context, node: S.Group) -> Value:
    if isinstance(node.body, S.Chain):
        indicator = conditions.indicator(ctx, node)
        if indicator is not None:
            return indicator
        raise SourceError("an equation inside an expression", node.span)
    if node.opening in ("(", "[", "\\{", "", "\\lbrace", "\\lbrack"):
        return ctx.value(node.body)
    if node.opening in _BARS:
        value = ctx.value(node.body)
        if is_matrix(value) and node.opening not in _NORMS:
            raise SourceError("derive does not read determinants", node.span)
        return _norm(value) if value.slots or node.opening in _NORMS else apply(value, sympy.Abs)
    if node.opening == "\\langle" and isinstance(node.body, S.Sequence) and len(node.body.items) == 2:
        return _inner_product(ctx, *node.body.items)
    raise SourceError("derive does not know this bracket", node.span)


def norm_with_kind(ctx: Context, node: S.Group, kind: Node) -> Value | None:
    """``\\|x\\|_2``, ``\\|x\\|_1`` or ``\\|X\\|_F``; None where the subscript says something else."""
    if node.opening not in _BARS:
        return None
    if kind == S.Number("1"):
        return _all_summed(apply(ctx.value(node.body), sympy.Abs))
    value = ctx.value(node.body)
    if kind == S.Number("2") and is_matrix(value):
        raise SourceError(
            "derive does not read spectral norms", node.span, "Write \\|A\\|_F for the root of all squares."
        )
    return _norm(value) if kind in (S.Number("2"), S.Symbol("F")) else None


def _norm(value: Value) -> Value:
    """The Euclidean norm; of a matrix Frobenius's."""
    if not value.slots:
        raise ShapeError("a norm of something that is no vector")
    return apply(_all_summed(apply(value, lambda u: u**2)), sympy.sqrt)


def _all_summed(value: Value) -> Value:
    for slot in value.slots:
        value = close(value, slot)
    return value


def _inner_product(ctx: Context, first: Node, second: Node) -> Value:
    """Of two vectors, or of two matrices entry by entry."""
    a, b = ctx.value(first), ctx.value(second)
    if not a.slots or len(a.slots) != len(b.slots):
        raise ShapeError("an inner product of something that is no vector")
    return _all_summed(ctx.shapes.elementwise(a, b))
