"""Sums and products over an index."""

from __future__ import annotations

import sympy
from sympy import Expr, Integer

from derive.language import bound, total
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation import conditions
from derive.notation.axes import Scope, first_value, size_expression
from derive.notation.context import Context, Letter
from derive.notation.names import letter_of
from derive.notation.rewriting.capitals import MEAN
from derive.notation.rewriting.dots import FAMILY
from derive.notation.survey import bound_letters
from derive.notation.values import Axis, Value, apply, close, fresh_slot
from derive.source import SourceError


def big_operator(ctx: Context, node: S.BigOperator) -> Value:
    if node.operator == FAMILY:
        return _family(ctx, node)
    if node.operator not in ("sum", "prod", MEAN):
        raise SourceError(f"derive does not understand \\{node.operator} with limits", node.span)
    letters = list(bound_letters(node.lower))
    if set(letters) & ctx.table.letters.steps:
        raise SourceError("derive does not sum over steps", node.span)
    if not letters:
        return _sum_over_slots(ctx, node)
    axes = _axes_of(ctx, node)
    outer = dict(ctx.scope)
    for letter in letters:
        ctx.scope[letter] = Letter(bound(letter), axes[letter])
    chosen = {letter: ctx.scope[letter] for letter in letters}
    implicit, ctx.implicit = ctx.implicit, not any(_mentions(node.body, letter) for letter in letters)
    try:
        body = ctx.value(node.body)
        factor = _condition_factor(ctx, node.lower) * _ends(ctx, node, letters)
    finally:
        ctx.scope, ctx.implicit = outer, implicit
    for letter in reversed(letters):
        body = _bind(ctx, body, chosen[letter])
        if chosen[letter].symbol not in body.expr.free_symbols and _has_whole_arrays(ctx, node.body):
            ctx.vague.add(f"the sum over {letter}")  # of arrays of which it may take the entries, or not
    found = [chosen[letter] for letter in letters]
    if node.operator == MEAN:
        body = apply(body, lambda u: u / sympy.Mul(*(letter.axis.size for letter in found)))
    return _summed(ctx, node, body, factor, found)


def _family(ctx: Context, node: S.BigOperator) -> Value:
    """``[u_1, \\dots, u_n]``: the entries side by side, as the columns of a matrix where they are vectors."""
    (letter,) = bound_letters(node.lower) if node.lower is not None else ("",)
    outer = dict(ctx.scope)
    slot = fresh_slot(_axes_of(ctx, node)[letter])
    ctx.scope[letter] = Letter(slot.symbol, slot.axis)
    try:
        body = ctx.value(node.body)
    finally:
        ctx.scope = outer
    return Value(body.expr, (*body.slots, slot))


def _axes_of(ctx: Context, node: S.BigOperator) -> Scope:
    """The axes of the letters that a sum binds; a sum in a function's body is linked when it is met."""
    axes = ctx.table.axes
    if id(node) not in axes.operators:
        axes.link(node, {letter: found.axis for letter, found in ctx.scope.items()})
    return axes.operators[id(node)]


def _bind(ctx: Context, body: Value, letter: Letter) -> Value:
    """An index dropped under a sum is the sum's."""
    loose = [s for s in body.slots if not _beside(body.expr, s.symbol, letter.symbol)]
    slots = [s for s in loose if s.axis.same(letter.axis)]
    if not slots and len(body.slots) == len(loose) == 1 and ctx.table.axes.join(loose[0].axis, letter.axis):
        slots = loose
    if len(slots) == 1:
        ctx.table.tell("an index left out under a sum is the one summed over")
        return body.rename(slots[0].symbol, letter.symbol)
    return body


def _beside(expr: Expr, slot: sympy.Symbol, letter: sympy.Symbol) -> bool:
    """Whether an entry has both: the open axis of a vector ``v_j`` is not the j that it is written with."""
    return any(slot in entry.free_symbols and letter in entry.free_symbols for entry in expr.atoms(sympy.Indexed))


def _condition_factor(ctx: Context, lower: Node | None) -> Expr:
    """The product of the indicators of conditions such as ``j \\neq i``."""
    factor = Integer(1)
    for part in lower.items if isinstance(lower, S.Sequence) else (lower,):
        if isinstance(part, S.Chain) and part.relations[0] == "\\neq":
            equal = conditions.equal_indices(ctx, part.members[0], part.members[1], part)
            if equal is None:
                raise SourceError("derive does not understand this condition", part.span)
            factor = factor * (1 - equal.expr)
        elif isinstance(part, S.Chain) and part.relations[0] != "=":
            for left, relation, right in conditions.links(part):
                between = conditions.compared_indices(ctx, left, relation, right, part)
                if between is None:
                    raise SourceError("derive does not understand this range", part.span)
                factor = factor * between
    return factor


def _ends(ctx: Context, node: S.BigOperator, letters: list[str]) -> Expr:
    """The indicators of limits that are other indices: ``\\sum_{j=1}^{i}``, ``\\sum_{j=i+1}^{N}``."""
    own = S.Symbol(letters[0], "", node.span)
    factor = Integer(1)
    for relation, end in (("\\geq", _start(node.lower)), ("\\leq", node.upper)):
        if end is None or not any(letter_of(part) in ctx.table.letters.indices for part in end.walk()):
            continue
        between = conditions.compared_indices(ctx, own, relation, end, end)
        if between is None or len(letters) != 1 or first_value(node.lower) == 0:
            raise SourceError("derive does not understand the limits of this sum", span_of(end))
        factor = factor * between
    return factor


def _start(lower: Node | None) -> Node | None:
    """Where a sum begins, as its lower limit says."""
    return lower.members[1] if isinstance(lower, S.Chain) and lower.relations[0] == "=" else None


def _summed(ctx: Context, node: S.BigOperator, body: Value, factor: Expr, letters: list[Letter]) -> Value:
    axes = [letter.axis for letter in letters]
    _check_range(ctx, node, letters, axes)
    if node.operator in ("sum", MEAN):
        ranges = [(letter.symbol, axis.size) for letter, axis in zip(letters, axes, strict=True)]
        whole = total(body.expr * factor, ranges)
        return Value(whole - _left_out(ctx, node, body.expr * factor, letters), body.slots)
    if factor != 1:
        raise SourceError("a product over part of an axis", node.span)
    limits = [(letter.symbol, 1, axis.size) for letter, axis in zip(letters, axes, strict=True)]
    return Value(sympy.Product(body.expr, *limits), body.slots)


def _check_range(ctx: Context, node: S.BigOperator, letters: list[Letter], axes: list[Axis]) -> None:
    """The limits cover the whole axis; a sum from 0 to the size is noted, any other range refused."""
    if node.upper is None or len(letters) != 1:
        return
    high = size_expression(node.upper)
    start = first_value(node.lower)
    if high is None:
        raise SourceError("derive does not understand the limits of this sum", node.span)
    if ctx.table.axes.end(node) is None:
        return
    if high.as_coeff_Mul()[0].q != 1:
        raise SourceError("derive cannot tell whether this is the whole of an axis", span_of(node.upper))
    high = ctx.table.axes.canonical(high)
    terms = high - (start if start is not None else 1) + 1
    if terms == axes[0].size or (high == axes[0].size and start is not None and 1 < start <= 4):
        return
    if start == 0 and high == axes[0].size and not ctx.claimed:
        ctx.table.tell(
            f"the sum from 0 to {high} would have {high}+1 terms; it is read as the whole axis of {high} values"
        )
        return
    raise SourceError(f"a sum of {terms} terms over an axis of {ctx.table.axes.told(axes[0])}", node.span)


def _left_out(ctx: Context, node: S.BigOperator, body: Expr, letters: list[Letter]) -> Expr:
    """The first terms that a sum from 2, 3 or 4 does not have."""
    start = first_value(node.lower)
    if start is None or start <= 1 or len(letters) != 1:
        return Integer(0)
    return sympy.Add(*(body.xreplace({letters[0].symbol: Integer(k)}) for k in range(1, int(start))))


def _sum_over_slots(ctx: Context, node: S.BigOperator) -> Value:
    """A sum without an index runs over the one axis that is left open."""
    body = ctx.value(node.body)
    if len(body.slots) != 1 or node.operator != "sum":
        raise SourceError("a sum that does not say what it runs over", node.span)
    ctx.table.tell("a sum without an index runs over the axis whose index was left out")
    return close(body, body.slots[0])


def _has_whole_arrays(ctx: Context, node: Node) -> bool:
    """Whether an array stands in an expression without any of its indices."""
    names = (ctx.table.spell(inner) for inner in node.walk() if isinstance(inner, S.Symbol | S.Accent))
    return any(name is not None and ctx.table.total(name.key, 0) > 0 for name in names) and not any(
        isinstance(inner, S.Script) and inner.sub is not None for inner in node.walk()
    )


def _mentions(node: Node, letter: str) -> bool:
    return any(isinstance(inner, S.Symbol) and inner.name == letter for inner in node.walk())
