"""Arithmetic on values: products with a sign between them, quotients, powers, roots, transposes."""

from __future__ import annotations

from functools import reduce

import sympy
from sympy import Expr, Integer

from derive.forward import names_in
from derive.language import D, refresh
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation.context import Context
from derive.notation.names import Letters, spell
from derive.notation.ranks import TRANSPOSES, is_upper
from derive.notation.values import Value, apply, fresh_slot
from derive.source import SourceError

MAX_POWER = 1000
MAX_BITS = 2000  # of a number's power

MAX_MATRIX_POWER = 6
CONVOLUTIONS = frozenset(
    ("convolution", "convolutions", "convolutional", "convolved", "correlation", "faltung", "gefaltet", "convolución")
)
"""Words of a text in which a star is no product entry by entry."""
CROSS = frozenset({"cross", "kreuzprodukt", "vektorprodukt", "vectoriel"})
"""Words of a text in which a cross is no product entry by entry."""

_STARS = frozenset({"*", "\\star"})
_ELEMENTWISE = frozenset({"\\odot", "\\circ", "*", "\\star"})


def raised(ctx: Context, base: Value, power: Node | None, node: Node) -> Value:
    """A superscript behind a value: a power or a transpose; of a square matrix a product with itself."""
    assert power is not None
    if _is_transpose(ctx, power) and base.slots:
        return base.transpose()
    if base.slots and _is_inverse_transpose(power):
        raise SourceError("derive does not read inverses of matrices", span_of(node))
    exponent = ctx.scalar(power)
    if is_matrix(base) and not ctx.implicit:
        return _matrix_power(ctx, base, exponent, node)
    return apply(base, lambda u: _power(ctx, u, exponent, power))


def is_matrix(value: Value) -> bool:
    """Whether a value has two open axes and is made of capitals alone, as matrices are written."""
    names = [name for name in names_in(value.expr) if not name.startswith("∂")]
    return len(value.slots) == 2 and any(map(is_upper, names)) and not value.expr.has(D)


def is_square(value: Value) -> bool:
    """Whether both axes of a matrix are one, or as long as each other."""
    return is_matrix(value) and value.slots[0].axis.size == value.slots[1].axis.size


def _matrix_power(ctx: Context, base: Value, exponent: Expr, node: Node) -> Value:
    """A matrix to a whole power: of a square one the product; entry by entry where that has no meaning."""
    if not isinstance(exponent, sympy.Integer) or exponent < 1:
        kind = "inverses" if exponent == -1 else "such powers"
        raise SourceError(f"derive does not read {kind} of matrices", span_of(node))
    if not is_square(base):
        return apply(base, lambda u: u**exponent)
    if exponent > MAX_MATRIX_POWER:
        raise SourceError("a power of a matrix too large to compute with", span_of(node))
    ctx.table.tell("a power of a square matrix is a product of matrices")
    return reduce(ctx.shapes.matrix_product, (_anew(base) for _ in range(int(exponent))))


def _anew(value: Value) -> Value:
    """The same array over slots of its own."""
    slots = tuple(fresh_slot(slot.axis) for slot in value.slots)
    letters = {old.symbol: new.symbol for old, new in zip(value.slots, slots, strict=True)}
    return Value(refresh(value.expr).xreplace(letters), slots, value.row)


def _is_inverse_transpose(power: Node) -> bool:
    """``A^{-T}``, ``A^{-\\top}``."""
    if not isinstance(power, S.Sum) or power.signs != ("-",):
        return False
    spelled = spell(power.terms[0], Letters())
    return spelled is not None and spelled.key in TRANSPOSES


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


def _refuse_other_meaning(ctx: Context, left: Value, operator: str, right: Value, node: Node) -> None:
    """A star that the page calls a convolution, and a circle between functions, are no product entry by entry."""
    if operator in _STARS and left.slots and right.slots and ctx.table.words & CONVOLUTIONS:
        raise SourceError("derive does not read convolutions", span_of(node))
    if operator == "\\circ" and not left.slots and not right.slots:
        raise SourceError("derive does not read compositions of functions", span_of(node))


def times(ctx: Context, left: Value, operator: str, right: Value, node: Node) -> Value:
    """The product of two values with a sign, or none, between them."""
    if not left.slots or not right.slots or operator in _ELEMENTWISE:
        _refuse_other_meaning(ctx, left, operator, right, node)
        return ctx.shapes.elementwise(left, right)
    if operator == "\\times" and (ctx.table.words & CROSS or any(slot.axis.size == 3 for slot in left.slots)):
        return _cross(ctx, left, right, node)
    transposed = left.row or right.row
    if not transposed and not ctx.implicit and _are_declared(ctx, left, right):
        return ctx.shapes.matrix_product(left, right)
    if not transposed and not ctx.implicit:
        ctx.asked.add("product")
    if (ctx.policy.product == "elementwise" or ctx.implicit) and not transposed:
        return ctx.shapes.elementwise(left, right)
    if operator == "\\cdot" and len(left.slots) == len(right.slots) == 1:
        outer = right.row and not left.row and not ctx.shapes.join(left.slots[0].axis, right.slots[0].axis)
        return ctx.shapes.matrix_product(left, right) if outer else ctx.shapes.dot(left, right)
    return ctx.shapes.matrix_product(left, right)


def _cross(ctx: Context, left: Value, right: Value, node: Node) -> Value:
    """The product of two vectors of three entries that is a vector."""
    if not len(left.slots) == len(right.slots) == 1 or left.slots[0].axis.size != 3 or right.slots[0].axis.size != 3:
        raise SourceError("a cross product of what is not two vectors of three entries", span_of(node))
    ctx.shapes.join(left.slots[0].axis, right.slots[0].axis)
    slot = fresh_slot(left.slots[0].axis)
    first, second = (
        [value.expr.xreplace({value.slots[0].symbol: Integer(k)}) for k in (1, 2, 3)] for value in (left, right)
    )
    entries = (
        sympy.KroneckerDelta(slot.symbol, k) * (first[k % 3] * second[(k + 1) % 3] - first[(k + 1) % 3] * second[k % 3])
        for k in (1, 2, 3)
    )
    return Value(sympy.Add(*entries), (slot,))


def _are_declared(ctx: Context, left: Value, right: Value) -> bool:
    """Whether two values are matrices that the page declares: their product is that of linear algebra."""
    declared = [names_in(value.expr) & ctx.table.ranks.declared for value in (left, right)]
    if not all(declared) or len(left.slots) != 2 or len(right.slots) != 2:
        return False
    return bool(left.slots[1].axis.size == right.slots[0].axis.size)
