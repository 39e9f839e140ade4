"""Conditions on indices: Kronecker deltas, indicators, cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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
        elif isinstance(item, S.Number) and item.text.isdigit():
            symbols.append(Integer(item.text))
        elif isinstance(item, S.Script) and ctx.table.spell(item) is not None:
            symbols.append(ctx.value(item).expr)
        else:
            return None
    if len(axes) == 1:
        symbols = [ctx.table.position(str(s), axes[0]) if isinstance(s, Integer) else s for s in symbols]
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
    """``1_{i = j}``, ``1(k == i)``, ``\\mathbb{1}[x > 0]``, ``[0 < x < 1]``."""
    while isinstance(condition, S.Group | S.Decoration):
        condition = condition.body
    if not isinstance(condition, S.Chain):
        return None
    whole: Value | None = None
    for left, relation, right in links(condition):
        one = _comparison(ctx, left, relation, right, condition)
        if one is None:
            return None
        whole = one if whole is None else ctx.shapes.elementwise(whole, one)
    return whole


def _comparison(ctx: Context, left: Node, relation: str, right: Node, node: Node) -> Value | None:
    """The indicator of one comparison, of indices or of values."""
    if relation in ("=", "\\neq"):
        equal = equal_indices(ctx, left, right, node)
        return equal if equal is None or relation == "=" else Value(1 - equal.expr)
    if relation not in ("<", ">", "\\leq", "\\geq"):
        return None
    if ctx.is_index(left) or ctx.is_index(right):
        between = compared_indices(ctx, left, relation, right, node)
        if between is not None:
            return Value(between)
    return _step(ctx, left, right, relation)


def _step(ctx: Context, left: Node, right: Node, relation: str) -> Value:
    a, b = ctx.value(left), ctx.value(right)
    first, second, slots = ctx.shapes.align(a, b)
    difference = first - second if relation in (">", "\\geq") else second - first
    ctx.table.tell("an indicator of an inequality is taken away from the point where both sides are equal")
    return Value(sympy.Heaviside(difference), slots)


def cases(ctx: Context, node: S.Cases) -> Value:
    """Each value times the indicator of its condition; a row holds where its condition does and none before it."""
    total: Value | None = None
    before: list[Row] = []
    for value, condition in node.rows:
        own = _row(ctx, condition)
        indicator = sympy.Mul(*_joined(own), *(_none_of(row) for row in before if not _exclude(row, own)))
        before.append(own)
        term = apply(ctx.value(value), lambda u, i=indicator: u * i)  # type: ignore[misc]
        total = term if total is None else ctx.shapes.add(total, term)
    assert total is not None
    return total


Row = tuple[Expr, ...]
"""The indicators that a row's condition is the product of; none for *otherwise*."""


def _row(ctx: Context, condition: Node | None) -> Row:
    found: list[Expr] = []
    for part in condition.items if isinstance(condition, S.Sequence) else (condition,):
        if isinstance(part, S.Chain):
            for left, relation, right in links(_without_word(part)):
                value = _comparison(ctx, left, relation, right, part)
                if value is None or value.slots:
                    raise SourceError("derive does not understand this condition", part.span)
                found.append(value.expr)
        elif _word(part) not in (*OTHERWISE, *_JOINING):
            raise SourceError("derive does not understand this condition", span_of(condition or S.Empty()))
    return tuple(found)


def _without_word(chain: S.Chain) -> S.Chain:
    """``\\text{if } x > 0`` where the word was taken for a factor."""
    first = chain.members[0]
    if not isinstance(first, S.Product) or first.operators[0] or _word(first.factors[0]) not in _JOINING:
        return chain
    rest = first.factors[1:]
    bare = rest[0] if len(rest) == 1 else replace(first, factors=rest, operators=first.operators[1:])
    return replace(chain, members=(bare, *chain.members[1:]))


def _word(node: Node | None) -> str:
    """A word, in small letters."""
    text = node.text if isinstance(node, S.Words) else node.name if isinstance(node, S.Symbol) else "?"
    return text.lower().strip(".,: ")


OTHERWISE = ("otherwise", "else", "sonst", "sinon", "andernfalls", "autrement")
_JOINING = (
    "if", "when", "where", "for", "and", "with", "falls", "wenn", "für", "fuer", "und", "si", "quand", "pour", "et",
)  # fmt: skip


def _joined(row: Row) -> Row:
    """A row's indicators without those that others imply: ``u > 1`` says that ``u > 0``."""
    return tuple(one for one in row if not any(one is not other and _implies(other, one) for other in row))


def _implies(first: Expr, second: Expr) -> bool:
    """Whether one step is 1 wherever another is, as their arguments differ by a number."""
    if not isinstance(first, sympy.Heaviside) or not isinstance(second, sympy.Heaviside):
        return False
    ahead = sympy.expand(second.args[0] - first.args[0])
    return bool(ahead.is_number and ahead > 0)


def _exclude(first: Row, second: Row) -> bool:
    """Whether two rows never hold together, but for where both sides of a condition are equal."""
    return any(_disjoint(one, other) for one in first for other in second)


def _disjoint(first: Expr, second: Expr) -> bool:
    if not isinstance(first, sympy.Heaviside) or not isinstance(second, sympy.Heaviside):
        return bool(sympy.expand(first + second - 1) == 0)
    gap = sympy.expand(first.args[0] + second.args[0])
    return bool(gap.is_number and gap <= 0)


def _none_of(row: Row) -> Expr:
    """1 where a row does not hold."""
    if len(row) == 1 and isinstance(row[0], sympy.Heaviside):
        return sympy.Heaviside(-row[0].args[0])
    return 1 - sympy.Mul(*row)
