"""Sums of terms and products of factors: what juxtaposition and the signs between factors mean."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation import calls, derivatives, powers, quantities
from derive.notation.context import Context
from derive.notation.values import Value, apply
from derive.source import SourceError


def signed_sum(ctx: Context, node: S.Sum) -> Value:
    if any(sign.startswith("\\") for sign in node.signs):
        raise SourceError("a sign that is both plus and minus", node.span)
    values = [ctx.value(term) for term in node.terms]
    _shift_columns(ctx, node.terms, values)
    signed = (apply(v, lambda u: -u) if sign == "-" else v for sign, v in zip(node.signs, values, strict=True))
    return reduce(ctx.shapes.add, signed)


def _shift_columns(ctx: Context, terms: tuple[Node, ...], values: list[Value]) -> None:
    """The b in ``W X + b`` is added to every column, that in ``X W + b`` to every row: an entry of b belongs to an
    output of W. Where nothing shows which factor weighs, it is taken for the latter, and kept in mind."""
    for term, matrix in zip(terms, values, strict=True):
        for shift, vector in zip(terms, values, strict=True):
            if len(matrix.slots) != 2 or len(vector.slots) != 1 or vector.row:
                continue
            if any(vector.slots[0].axis.same(slot.axis) for slot in matrix.slots):
                continue
            weighs = [_is_weight(ctx, factor) for factor in term.factors] if isinstance(term, S.Product) else []
            if weighs[:1] == [True] and not weighs[-1]:
                if ctx.table.axes.join(vector.slots[0].axis, matrix.slots[0].axis):
                    ctx.table.axes.tell(f"{_key(ctx, shift)} is added to every column of a matrix")
            elif weighs[-1:] != [True] or weighs[0]:
                ctx.table.shifts.add(_key(ctx, shift))


def _is_weight(ctx: Context, node: Node) -> bool:
    """Whether a factor is a matrix of weights, by its customary name."""
    return _key(ctx, node).split("_")[0].strip("\\{}").removeprefix("mathbf{") in ("W", "Theta")


def _key(ctx: Context, node: Node) -> str:
    spelled = ctx.table.spell(node)
    return spelled.key if spelled is not None else ""


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
        return right if left is None else powers.times(ctx, left, operator, right, node)
    assert left is not None
    if len(run) > 1:
        ctx.asked.add("slash")
    below = _below(ctx, run)
    divided = powers.divide(ctx, left, _run(ctx, run[:below]), node)
    return powers.times(ctx, divided, "", _run(ctx, run[below:]), node) if below < len(run) else divided


def _below(ctx: Context, run: list[Node]) -> int:
    """How many of the factors behind a slash are its denominator: those that touch, no sum among them."""
    if ctx.policy.slash != "tight":
        return 1 if ctx.policy.slash == "loose" else len(run)
    for k, (first, second) in enumerate(pairwise(run), 1):
        if isinstance(second, S.BigOperator) or span_of(first).end < span_of(second).start:
            return k
    return len(run)


def _run(ctx: Context, run: list[Node]) -> Value:
    """Juxtaposed factors: function applications and derivative operators take what follows them."""
    result: Value | None = None
    rest = list(run)
    while rest:
        head = rest[0]
        value, rest = _take(ctx, rest)
        result = value if result is None else powers.times(ctx, result, "", value, head)
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
