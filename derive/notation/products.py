"""Sums of terms and products of factors: what juxtaposition and the signs between factors mean."""

from __future__ import annotations

from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation import calls, derivatives, powers, quantities
from derive.notation.context import Context
from derive.notation.values import Value, apply
from derive.source import SourceError


def signed_sum(ctx: Context, node: S.Sum) -> Value:
    result: Value | None = None
    for sign, term in zip(node.signs, node.terms, strict=True):
        if sign.startswith("\\"):
            raise SourceError("a sign that is both plus and minus", node.span)
        value = ctx.value(term)
        if sign == "-":
            value = apply(value, lambda u: -u)
        result = value if result is None else ctx.table.shapes.add(result, value)
    assert result is not None
    return result


def fraction(ctx: Context, node: S.Fraction) -> Value:
    derivative = derivatives.derivative(ctx, node.numerator, node.denominator, node)
    if derivative is not None:
        return derivative
    return powers.divide(ctx, ctx.value(node.numerator), ctx.value(node.denominator), node)


def product(ctx: Context, node: S.Product) -> Value:
    """Runs of juxtaposed factors, joined by the signs between them."""
    slashed = derivatives.slash_derivative(ctx, node)
    if slashed is not None:
        return slashed
    if (directional := derivatives.directional(ctx, node)) is not None:
        return directional
    runs, operators = _runs(node)
    result: Value | None = None
    for k, run in enumerate(runs):
        operator = operators[k - 1] if k else ""
        result = _join_run(ctx, result, operator, run, node)
    assert result is not None
    return result


def _join_run(ctx: Context, left: Value | None, operator: str, run: list[Node], node: Node) -> Value:
    if operator != "/":
        right = _run(ctx, run)
        return right if left is None else powers.times(ctx, left, operator, right)
    assert left is not None
    if len(run) > 1:
        ctx.asked.add("slash")
        if ctx.policy.slash == "loose":
            return powers.times(ctx, powers.divide(ctx, left, ctx.value(run[0]), node), "", _run(ctx, run[1:]))
    return powers.divide(ctx, left, _run(ctx, run), node)


def _run(ctx: Context, run: list[Node]) -> Value:
    """Juxtaposed factors: function applications and derivative operators take what follows them."""
    result: Value | None = None
    rest = list(run)
    while rest:
        value, rest = _take(ctx, rest)
        result = value if result is None else powers.times(ctx, result, "", value)
    assert result is not None
    return result


def _take(ctx: Context, rest: list[Node]) -> tuple[Value, list[Node]]:
    """The value of the first factor with all that belongs to it, and the factors after it."""
    head = rest[0]
    for read in (
        quantities.compound,
        derivatives.operator,
        derivatives.subscripted_operator,
        derivatives.gradient,
        calls.application,
    ):
        taken = read(ctx, rest)
        if taken is not None:
            value, used = taken
            return value, rest[used:]
    return ctx.value(head), rest[1:]


def _runs(node: S.Product) -> tuple[list[list[Node]], list[str]]:
    """The factors in runs of juxtaposition, and the signs between the runs."""
    runs: list[list[Node]] = [[node.factors[0]]]
    signs: list[str] = []
    for operator, factor in zip(node.operators, node.factors[1:], strict=True):
        if operator == "":
            runs[-1].append(factor)
        else:
            runs.append([factor])
            signs.append(operator)
    return runs, signs
