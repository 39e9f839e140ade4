"""Names in their meaning: number, size, index, alias, array, entry."""

from __future__ import annotations

from fractions import Fraction as Ratio

import sympy
from sympy import Integer, Rational
from sympy.core.function import AppliedUndef

from derive.language import scalar, size, tensor
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation import brackets, calls, conditions, derivatives, powers
from derive.notation.context import Context, Letter
from derive.notation.names import EULER, Spelling, is_euler, subscript_items
from derive.notation.ranks import IDENTITIES, ONES
from derive.notation.table import Alias
from derive.notation.values import Value, apply, fresh_slot, mean
from derive.source import SourceError

MAX_NUMBER = 10**9
BARS = frozenset(
    [
        "bar",
        "bars",
        "overbar",
        "overline",
        "strich",
        "querstrich",
        "balken",
        "barre",
        "barres",
        "barra",
        "barras",
        "черта",
    ]
)
MEANS = frozenset(
    [
        "mean",
        "means",
        "average",
        "averages",
        "mittel",
        "mittelwert",
        "mittelwerte",
        "moyenne",
        "moyennes",
        "media",
        "média",
    ]
)
"""Words of a text in which a line above a name is its mean."""


def number(ctx: Context, node: S.Number) -> Value:
    number = Ratio(node.text)
    if abs(number) > MAX_NUMBER:
        raise SourceError("a number too large to compute with", node.span)
    return Value(Rational(number.numerator, number.denominator))


def name(ctx: Context, node: S.Symbol | S.Accent | S.Decoration) -> Value:
    if isinstance(node, S.Decoration):
        return ctx.value(node.body)
    spelled = ctx.table.spell(node)
    if spelled is None:
        return _drawn_over(ctx, node)
    return _spelled(ctx, spelled, node)


def _drawn_over(ctx: Context, node: Node) -> Value:
    """An accent over a whole expression: a line above it is decoration, anything else has no meaning."""
    if isinstance(node, S.Accent) and node.accent == "bar" and _bars_are_means(ctx):
        value = ctx.value(node.body)
        if len(value.slots) != 1:
            raise SourceError("derive cannot tell over what this is the mean", span_of(node))
        return mean(value)
    if isinstance(node, S.Accent) and node.accent in ("bar", "underline"):
        ctx.table.tell("a line over an expression is read as decoration")
        return ctx.value(node.body)
    raise SourceError("derive does not know this accent over an expression", span_of(node))


def script(ctx: Context, node: S.Script) -> Value:
    if isinstance(node.base, S.Number) or conditions.is_indicator(ctx, node.base):
        indicator = conditions.indicator(ctx, node.sub) if node.sub is not None else None
        if indicator is not None:
            return indicator
    spelled = ctx.table.spell(node)
    if spelled is None:
        base = _subscripted(ctx, node)
        return powers.raised(ctx, base, node.sup, node) if node.sup is not None else base
    if spelled.power is not None:
        return _power_of_name(ctx, spelled, node)
    return _spelled(ctx, spelled, node)


def _subscripted(ctx: Context, node: S.Script) -> Value:
    """A subscript behind an expression: a remark on the path of a derivative, or indices of an array."""
    if node.primes:
        return _prime_of_expression(ctx, node)
    if node.sub is None:
        return ctx.value(node.base)
    if isinstance(node.base, S.Fraction) and (path := derivatives.on_path(ctx, node.base, node.sub)) is not None:
        return path
    if isinstance(node.base, S.Group) and (norm := brackets.norm_with_kind(ctx, node.base, node.sub)) is not None:
        return norm
    base = ctx.value(node.base)
    items = list(subscript_items(node.sub))
    if 0 < len(items) <= len(base.slots):
        return ctx.selected(base, items, node)
    raise SourceError("derive does not understand this subscript behind an expression", span_of(node.sub))


def _prime_of_expression(ctx: Context, node: S.Script) -> Value:
    """``(f g)'``: the derivative by the variable that arbitrary functions depend on."""
    value = ctx.value(node.base)
    if node.primes > 1 or node.sub is not None or not value.expr.atoms(AppliedUndef):
        raise SourceError("derive cannot tell by what this prime differentiates", node.span)
    return derivatives.differentiate(ctx, value, Value(scalar(ctx.table.variable)), node)


def _power_of_name(ctx: Context, spelled: Spelling, node: S.Script) -> Value:
    if spelled.key in EULER and _is_euler(ctx, spelled):
        exponent = ctx.value(spelled.power)  # type: ignore[arg-type]
        if powers.is_square(exponent):
            raise SourceError("derive does not read exponentials of matrices", span_of(node))
        return apply(exponent, sympy.exp)
    return powers.raised(ctx, _spelled(ctx, spelled, node), spelled.power, node)


def _is_euler(ctx: Context, spelled: Spelling) -> bool:
    """Whether e is Euler's number below a power; where the document has a name e, that is a question."""
    if not ctx.table.introduced(Spelling(spelled.key)):
        return True
    if not is_euler(spelled):
        return False
    ctx.asked.add("euler")
    return ctx.policy.euler == "number"


def _spelled(ctx: Context, spelled: Spelling, node: Node) -> Value:
    """A name in its meaning: delta, size, alias, array, entry or number."""
    if (delta := conditions.kronecker(ctx, spelled, node)) is not None:
        return delta
    alias = ctx.table.alias(spelled.key, len(spelled.indices))
    if alias is not None:
        return _expanded(ctx, alias, spelled, node)
    if spelled.indices and (spelled.key, 0) in ctx.table.aliases:
        return ctx.selected(
            _expanded(ctx, ctx.table.aliases[spelled.key, 0], Spelling(spelled.key), node), spelled.indices, node
        )
    if spelled.key.endswith("'") and spelled.key.rstrip("'") in ctx.table.arguments:
        return _primed(ctx, spelled, node)
    return entry(ctx, spelled, node) if spelled.indices else _bare_name(ctx, spelled, node)


def _primed(ctx: Context, spelled: Spelling, node: Node) -> Value:
    """``s'`` where ``s(x)`` is defined: its derivative by its argument; ``s''`` the derivative of that."""
    key = spelled.key.rstrip("'")
    value = _spelled(ctx, Spelling(key, spelled.indices), node)
    by = _bare_name(ctx, Spelling(ctx.table.arguments[key][0]), node)
    for _ in range(len(spelled.key) - len(key)):
        value = derivatives.differentiate(ctx, value, by, node)
    return value


def entry(ctx: Context, spelled: Spelling, node: Node) -> Value:
    """A name with its indices; axes that are not written are slots."""
    if not ctx.table.introduced(spelled):
        ctx.unknown.add(spelled.key)
    key, count = spelled.key, len(spelled.indices)
    axes = ctx.table.axes_of(key, count)
    symbols = [ctx.index(item, axis, node) for item, axis in zip(spelled.indices, axes, strict=False)]
    slots = tuple(fresh_slot(axis) for axis in axes[count:])
    row = ctx.table.ranks.row_vectors and len(slots) == 1
    return Value(tensor(ctx.table.name(key, count))[(*symbols, *(s.symbol for s in slots))], slots, row)


def _bare_name(ctx: Context, spelled: Spelling, node: Node) -> Value:
    key = spelled.key
    if ctx.table.is_size(key):
        return Value(ctx.table.axes.canonical(size(key)))
    if key in ctx.table.letters.limits and ctx.is_index(node):
        return Value(ctx.letter(key, ctx.table.axes.fresh()).symbol)
    if key in ctx.scope or (key in ctx.axes and key in ctx.table.letters.indices):
        raise SourceError(f"{key} is an index here and a value there", span_of(node), "Use two letters.")
    if not ctx.table.introduced(spelled):
        special = _special(ctx, key)
        if special is not None:
            return special
    return array(ctx, key) if ctx.table.total(key, 0) else _plain_name(ctx, key, node)


def _special(ctx: Context, key: str) -> Value | None:
    """Names with a customary meaning, where the document gives them none."""
    if key == "\\pi":
        return Value(sympy.pi)
    if key in EULER:
        return Value(sympy.E)
    if key in ONES or key.split("_")[0] in ONES:
        return Value(Integer(1), (fresh_slot(ctx.table.axes.fresh()),))
    if key in IDENTITIES or key.split("_")[0] in IDENTITIES:
        axis = ctx.table.axes.fresh()
        first, second = fresh_slot(axis), fresh_slot(axis)
        return Value(sympy.KroneckerDelta(first.symbol, second.symbol), (first, second))
    return None


def array(ctx: Context, key: str) -> Value:
    """A name without the indices that it has elsewhere, or never with any."""
    slots = tuple(fresh_slot(axis) for axis in ctx.table.axes_of(key, 0))
    if not ctx.table.introduced(Spelling(key)):
        ctx.unknown.add(key)
    row = ctx.table.ranks.row_vectors and len(slots) == 1
    return Value(tensor(ctx.table.name(key, 0))[tuple(s.symbol for s in slots)], slots, row)


def _plain_name(ctx: Context, key: str, node: Node) -> Value:
    if not ctx.table.introduced(Spelling(key)):
        if ctx.table.is_any_function(key) and not calls.is_customary(key.rstrip("'")):
            ctx.variables.add(ctx.table.variable)
            return Value(sympy.Function(key, real=True)(scalar(ctx.table.variable)))
        if key in ctx.table.vague:
            raise SourceError(f"{key} is a function, and stands here without what it is applied to", span_of(node))
        if (barred := _barred(ctx, key, node)) is not None:
            return barred
        ctx.unknown.add(key)
    return Value(scalar(key))


def _bars_are_means(ctx: Context) -> bool:
    """Whether the page speaks of bars and of means: *a bar is the mean over the batch*."""
    return bool(ctx.table.words & BARS and ctx.table.words & MEANS)


def _barred(ctx: Context, key: str, node: Node) -> Value | None:
    """A line over a known number is drawn by a box or a copying error; over an array it is the mean."""
    inner = Spelling(key[5:-1]) if key.startswith("\\bar{") else None
    if inner is None:
        return None
    alias = ctx.table.alias(inner.key, 1)
    if alias is not None:
        ctx.table.tell(f"{key} is the mean of {inner.key}")
        return mean(_expanded(ctx, alias, inner, node))
    if not ctx.table.introduced(inner) and not _bars_are_means(ctx):
        return None
    if ctx.table.total(inner.key, 0) == 1:
        ctx.table.tell(f"{key} is the mean of {inner.key}")
        return mean(array(ctx, inner.key))
    if ctx.table.total(inner.key, 0):
        return None
    ctx.table.tell(f"{key} is read as {inner.key}")
    return _plain_name(ctx, inner.key, node)


def _expanded(ctx: Context, alias: Alias, spelled: Spelling, node: Node) -> Value:
    """What an alias stands for: the written indices put in for its first letters, slots for the others."""
    axes = ctx.table.axes_of(spelled.key, len(alias.letters)) if alias.letters else ()
    chosen = {}
    slots = []
    for k, (letter, axis) in enumerate(zip(alias.letters, axes, strict=False)):
        if k < len(spelled.indices):
            chosen[letter] = Letter(ctx.index(spelled.indices[k], axis, node), axis)
        else:
            slots.append(fresh_slot(axis))
            chosen[letter] = Letter(slots[-1].symbol, axis)
    if spelled.key in ctx.expanding:
        raise SourceError(f"what {spelled.key} stands for is made of itself", span_of(node))
    ctx.expanding.append(spelled.key)
    try:
        inner = ctx.inside(chosen, alias.body)
    finally:
        ctx.expanding.pop()
    return Value(inner.expr, (*slots, *inner.slots), inner.row and not slots)


def compound(ctx: Context, rest: list[Node]) -> tuple[Value, int] | None:
    """``d \\hat{x}_i`` where the document has such a name."""
    if len(rest) < 2:
        return None
    prefix, base = ctx.table.spell(rest[0]), ctx.table.spell(rest[1])
    if prefix is None or base is None or prefix.indices:
        return None
    key = prefix.key + base.key
    if key not in ctx.table.letters.compounds:
        return None
    spelled = Spelling(key, base.indices, None, rest[1])
    value = _spelled(ctx, spelled, rest[1])
    return (powers.raised(ctx, value, base.power, rest[1]) if base.power is not None else value), 2
