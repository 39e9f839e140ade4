"""Conditions on indices: Kronecker deltas, indicators, cases."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy import Expr, Integer

from derive.language import ordered
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation.context import Context
from derive.notation.names import Spelling, letter_of
from derive.notation.values import Axis, Value, apply
from derive.source import SourceError

_INDICATORS = frozenset({"1", "\\mathbb{1}", "\\mathbf{1}", "\\mathbb{I}", "\\mathds{1}"})


def kronecker(ctx: Context, spelled: Spelling, node: Node) -> Value | None:
    """``\\delta_{ij}`` with two indices of one axis, unless the document gives δ another meaning."""
    if spelled.key != "\\delta" or len(spelled.indices) != 2:
        return None
    if ("\\delta", 2) in ctx.table.defined or ("\\delta", 2) in ctx.table.aliases:
        return None
    return equal_indices(ctx, spelled.indices[0], spelled.indices[1], node)


def equal_indices(ctx: Context, first: Node, second: Node, node: Node) -> Value | None:
    """1 where two indices are equal."""
    symbols: list[Expr] = []
    axes: list[Axis] = []
    for item in (first, second):
        letter = letter_of(item)
        if letter is not None and (letter in ctx.scope or letter in ctx.axes or letter in ctx.free):
            found = ctx.letter(letter, ctx.table.axes.fresh())
            symbols.append(found.symbol)
            axes.append(found.axis)
        elif isinstance(item, S.Number):
            symbols.append(Integer(item.text))
        elif isinstance(item, S.Script) and ctx.table.spell(item) is not None:
            symbols.append(ctx.value(item).expr)
        else:
            return None
    if len(axes) == 2 and not ctx.table.axes.join(*axes):
        raise SourceError("a Kronecker delta between indices of different axes", span_of(node))
    return Value(sympy.KroneckerDelta(*symbols))


def links(chain: S.Chain) -> Iterator[tuple[Node, str, Node]]:
    """The comparisons that a chain makes: ``1 \\leq j \\leq i`` are two."""
    yield from zip(chain.members, chain.relations, chain.members[1:], strict=False)


def compared_indices(ctx: Context, left: Node, relation: str, right: Node, node: Node) -> Expr | None:
    """1 where two indices are in an order, else 0; None where they are no indices. An index is at least 1."""
    if relation in (">", "\\geq"):
        left, relation, right = right, "<" if relation == ">" else "\\leq", left
    if relation not in ("<", "\\leq"):
        return None
    first, second = _placed(left), _placed(right)
    if first is None or second is None or not any(letter_of(index) for index, _ in (first, second)):
        return None
    equal = equal_indices(ctx, first[0], second[0], node)
    if equal is None:
        return None
    ahead = second[1] - first[1] - (relation == "<")
    i, j = equal.expr.args if isinstance(equal.expr, sympy.KroneckerDelta) else (Integer(1), Integer(1))
    letter = letter_of(first[0])
    if letter is not None and i != ctx.letter(letter, ctx.table.axes.fresh()).symbol:
        i, j = j, i
    if ahead not in (0, -1):
        raise SourceError("derive does not compute with indices", span_of(node))
    return ordered(i, j) - (equal.expr if ahead else 0)


def _placed(node: Node) -> tuple[Node, int] | None:
    """An index and a whole number added to it: ``i - 1``."""
    if isinstance(node, S.Group | S.Decoration):
        return _placed(node.body)
    if isinstance(node, S.Sum) and len(node.terms) == 2 and isinstance(node.terms[1], S.Number):
        return node.terms[0], int(node.terms[1].text) * (-1 if node.signs[1] == "-" else 1)
    return (node, 0) if letter_of(node) is not None or isinstance(node, S.Number) else None


def is_indicator(ctx: Context, node: Node) -> bool:
    spelled = ctx.table.spell(node)
    return spelled is not None and spelled.key in _INDICATORS


def indicator(ctx: Context, condition: Node) -> Value | None:
    """``1_{i = j}``, ``1(k == i)``, ``\\mathbb{1}[x > 0]``."""
    while isinstance(condition, S.Group | S.Decoration):
        condition = condition.body
    if isinstance(condition, S.Chain) and len(condition.members) == 2:
        left, right = condition.members
        relation = condition.relations[0]
        if relation in ("=", "\\neq"):
            equal = equal_indices(ctx, left, right, condition)
            if equal is not None:
                return equal if relation == "=" else Value(1 - equal.expr)
        if relation in ("<", ">", "\\leq", "\\geq"):
            if ctx.is_index(left) or ctx.is_index(right):
                between = compared_indices(ctx, left, relation, right, condition)
                if between is not None:
                    return Value(between)
            return _step(ctx, left, right, relation)
    return None


def _step(ctx: Context, left: Node, right: Node, relation: str) -> Value:
    a, b = ctx.value(left), ctx.value(right)
    first, second, slots = ctx.shapes.align(a, b)
    difference = first - second if relation in (">", "\\geq") else second - first
    ctx.table.tell("an indicator of an inequality is taken away from the point where both sides are equal")
    return Value(sympy.Heaviside(difference), slots)


def cases(ctx: Context, node: S.Cases) -> Value:
    """Cases on whether two indices are equal: each value times the indicator of its condition."""
    total: Value | None = None
    rest = Integer(1)
    for value, condition in node.rows:
        indicator = _case(ctx, condition, rest)
        rest = rest - indicator
        term = apply(ctx.value(value), lambda u, i=indicator: u * i)  # type: ignore[misc]
        total = term if total is None else ctx.shapes.add(total, term)
    assert total is not None
    return total


def _case(ctx: Context, condition: Node | None, rest: Expr) -> Expr:
    """The indicator of a row's condition; ``otherwise`` takes what the rows before left."""
    for part in condition.items if isinstance(condition, S.Sequence) else (condition,):
        if isinstance(part, S.Chain):
            found = indicator(ctx, part)
            if found is None:
                raise SourceError("derive does not understand this condition", part.span)
            return found.expr
    if isinstance(condition, S.Words) and condition.text.lower().strip(". ") in (
        "otherwise",
        "else",
        "sonst",
        "sinon",
    ):
        return rest
    raise SourceError("derive does not understand this condition", span_of(condition or S.Empty()))
