"""Arithmetic on values: products with a sign between them, quotients, powers, roots, transposes."""

from __future__ import annotations

import sympy
from sympy import Expr, Integer

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation.context import Context
from derive.notation.ranks import TRANSPOSES
from derive.notation.values import Value, apply
from derive.source import SourceError

MAX_POWER = 1000
MAX_BITS = 2000  # of a number's power

_ELEMENTWISE = frozenset({"\\odot", "\\circ", "*", "\\star"})


def raised(ctx: Context, base: Value, power: Node | None, node: Node) -> Value:
    """A superscript behind a value: a power or a transpose."""
    assert power is not None
    if _is_transpose(ctx, power) and base.slots:
        return base.transpose()
    exponent = ctx.scalar(power)
    return apply(base, lambda u: _power(ctx, u, exponent, power))


def _is_transpose(ctx: Context, power: Node) -> bool:
    spelled = ctx.table.spell(power)
    return spelled is not None and spelled.key in TRANSPOSES and not spelled.indices


def _power(ctx: Context, base: Expr, exponent: Expr, node: Node) -> Expr:
    if isinstance(exponent, sympy.Rational) and max(abs(exponent.p), exponent.q) > MAX_POWER:
        raise SourceError("a power too large to compute with", span_of(node))
    both = isinstance(base, sympy.Rational) and isinstance(exponent, sympy.Rational)
    if both and abs(exponent) * max(abs(base.p).bit_length(), base.q.bit_length()) > MAX_BITS:
        raise SourceError("a power too large to compute with", span_of(node))
    return base**exponent


def root(ctx: Context, node: S.Root) -> Value:
    degree = ctx.scalar(node.degree) if node.degree is not None else Integer(2)
    if not isinstance(degree, sympy.Integer) or not 1 <= degree <= MAX_POWER:
        raise SourceError("a root of a degree that is no positive integer", node.span)
    return apply(ctx.value(node.radicand), lambda u: u ** (1 / degree))


def divide(ctx: Context, above: Value, below: Value, node: Node) -> Value:
    if below.expr == 0:
        raise SourceError("division by zero", span_of(node))
    return ctx.shapes.elementwise(above, apply(below, lambda u: 1 / u))


def times(ctx: Context, left: Value, operator: str, right: Value) -> Value:
    if not left.slots or not right.slots or operator in _ELEMENTWISE:
        return ctx.shapes.elementwise(left, right)
    transposed = left.row or right.row
    if not transposed and not ctx.implicit:
        ctx.asked.add("product")
    if (ctx.policy.product == "elementwise" or ctx.implicit) and not transposed:
        return ctx.shapes.elementwise(left, right)
    if operator == "\\cdot" and len(left.slots) == len(right.slots) == 1:
        return ctx.shapes.dot(left, right)
    return ctx.shapes.matrix_product(left, right)
