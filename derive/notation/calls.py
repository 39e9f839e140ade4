"""Functions applied to arguments: elementwise ones, those of whole arrays, and the document's own."""

from __future__ import annotations

from dataclasses import replace

import sympy
from sympy import Integer, Symbol

from derive.language import erf, scalar, sigmoid
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation import conditions, powers
from derive.notation.context import Context
from derive.notation.functions import is_statistic, is_value, is_word, substituted
from derive.notation.names import Spelling, symbol_key
from derive.notation.ranks import ARRAY_FUNCTIONS, plain
from derive.notation.values import ShapeError, Value, apply, close, fresh_slot, mean
from derive.primitives import BY_NAME, COMPOSED, INVERSES, maximum, minimum
from derive.source import SourceError

_RELU = ("relu", "ReLU")
_DOUBTFUL = "nothing says whether this is a function or a factor"
MAX_BELOW = 9
_DEVIATIONS = ("std", "stdev")


def application(ctx: Context, rest: list[Node]) -> tuple[Value, int] | None:
    """A function's name before a bracket."""
    if len(rest) < 2:
        return None
    group, power = rest[1], None
    if isinstance(group, S.Script) and group.sub is None and not group.primes:
        power, group = group.sup, group.base
    if not isinstance(group, S.Group) or group.opening not in ("(", "[", "\\{"):
        return None
    if isinstance(rest[0], S.Number) or conditions.is_indicator(ctx, rest[0]):
        indicator = conditions.indicator(ctx, group)
        return (indicator, 2) if indicator is not None else None
    spelled = ctx.table.spell(rest[0])
    if spelled is None or spelled.indices or is_value(rest[0]):
        _refuse_doubtful(ctx, spelled, rest[0], group)
        return None
    if _stands_bare(spelled.key, group.body) or _is_inverse_value(ctx, spelled, group.body):
        return None
    if is_statistic(spelled.key, group) and not ctx.table.introduced(Spelling(spelled.key)):
        statistic = _statistic(ctx, plain(spelled.key), ctx.value(group.body))
        return (powers.raised(ctx, statistic, power, group) if power is not None else statistic), 2
    applied = _apply_name(ctx, spelled.key, group.body, rest[0])
    if applied is None:
        _refuse_doubtful(ctx, spelled, rest[0], group)
        return None
    if spelled.power is not None and _is_minus_one(spelled.power):
        applied = _inverse(ctx, spelled.key, group.body, rest[0])
    elif spelled.power is not None:
        applied = powers.raised(ctx, applied, spelled.power, rest[0])
    return (powers.raised(ctx, applied, power, group) if power is not None else applied), 2


def _is_minus_one(power: Node) -> bool:
    return power == S.Sum((S.Number("1"),), ("-",))


def _inverse(ctx: Context, key: str, argument: Node, node: Node) -> Value:
    """``\\tanh^{-1}(x)``: the function of which tanh is the inverse, where it is a known one."""
    name = "sigmoid" if key == "\\sigma" else plain(key)
    name = BY_NAME[name].name if name in BY_NAME else name
    if key in ctx.table.functions or name not in INVERSES:
        raise SourceError("derive does not know the inverse of this function", span_of(node))
    ctx.table.tell(f"{key}^{{-1}} is the inverse function")
    return apply(ctx.value(argument), INVERSES[name])


def _refuse_doubtful(ctx: Context, spelled: Spelling | None, head: Node, group: S.Group) -> None:
    """``g_\\theta(x)`` and ``\\phi_1(x)``, of which nothing says what they are, look like functions of x; so does a
    customary one that has another meaning on the page, before one name: ``\\sigma(z)`` where σ is a deviation."""
    if spelled is not None and group.opening == "(" and is_customary(spelled.key) and not spelled.indices:
        inside = ctx.table.spell(group.body)
        if ctx.table.introduced(Spelling(spelled.key)) and inside is not None and spelled.power is None:
            raise SourceError(_DOUBTFUL, span_of(head))
    if spelled is None or not isinstance(head, S.Script) or head.sub is None or group.opening != "(":
        return
    key = spelled.key.rstrip("'")
    known = any(k == key for k, _ in (*ctx.table.defined, *ctx.table.aliases))
    if not known and isinstance(group.body, S.Symbol) and group.body.name.isalpha():
        raise SourceError(_DOUBTFUL, span_of(head))


def _stands_bare(key: str, body: Node) -> bool:
    """Whether a name's own bracket has the name as a value: in ``\\sigma(1 - \\sigma)`` it multiplies."""
    if isinstance(body, S.Sum):
        return any(_stands_bare(key, term) for term in body.terms)
    if isinstance(body, S.Product):
        return _stands_bare(key, body.factors[-1])
    return isinstance(body, S.Symbol) and symbol_key(body) == key


def _is_inverse_value(ctx: Context, spelled: Spelling, body: Node) -> bool:
    """Whether the bracket behind ``\\text{RMS}^{-1}`` multiplies: a function that sums over an array has no inverse."""
    function = ctx.table.functions.get(spelled.key)
    if function is None or len(function.parameters) != 1 or ctx.table.spell(body) is not None:
        return False
    is_inverse = isinstance(spelled.power, S.Sum) and spelled.power.signs == ("-",)
    return is_inverse and not _is_of_numbers(function.body, function.parameters[0], ctx)


def _apply_name(ctx: Context, key: str, argument: Node, node: Node) -> Value | None:
    """A named function of its argument; None where the name is a quantity that multiplies."""
    name = plain(key)
    if key in ctx.table.functions:
        return _apply_defined(ctx, key, argument, node)
    if ctx.table.is_any_function(key) and not is_customary(key.rstrip("'")):
        return _apply_any(ctx, key, argument)
    if key.endswith("'") and not ctx.table.introduced(Spelling(key)):
        return _apply_derivative(ctx, key[:-1], argument, node)
    if ctx.table.introduced(Spelling(key)) or ctx.table.is_size(key):
        if is_customary(key) and key in ctx.table.inputs and not any(k == key for k, _ in ctx.table.defined):
            raise SourceError(_DOUBTFUL, span_of(node))
        return None
    if key == "\\sigma" and not ctx.table.ranks.counts.get(key):
        ctx.table.tell("\\sigma(u) is the logistic function 1/(1 + e^{-u})")
        return apply(ctx.value(argument), sigmoid)
    if name in BY_NAME:
        return apply(ctx.value(argument), BY_NAME[name].function)
    if name in COMPOSED:
        return apply(ctx.value(argument), COMPOSED[name])
    if name in _RELU:
        return apply(ctx.value(argument), lambda u: maximum(Integer(0), u))
    if name in ARRAY_FUNCTIONS:
        return _apply_array(ctx, name, argument, node)
    if key in ctx.table.vague:
        return _apply_vague(ctx, key, argument)
    if isinstance(node, S.Symbol) and is_word(node):
        raise SourceError(_DOUBTFUL, span_of(node))
    return None


def _apply_vague(ctx: Context, key: str, argument: Node) -> Value:
    """Φ and φ of the normal distribution, or a function of which nothing is known."""
    ctx.vague.add(key)
    value = ctx.value(argument)
    if key == "\\Phi":
        ctx.table.tell("\\Phi(u) is the normal distribution function")
        return apply(value, lambda u: (1 + erf(u / sympy.sqrt(2))) / 2)
    if key in ("\\phi", "\\varphi"):
        ctx.table.tell(f"{key}(u) is the normal density")
        return apply(value, lambda u: sympy.exp(-(u**2) / 2) / sympy.sqrt(2 * sympy.pi))
    return apply(value, lambda u: sympy.Function(key, real=True)(u))


def is_customary(key: str) -> bool:
    """Whether a name means a function without being defined."""
    name = plain(key)
    return key == "\\sigma" or name in BY_NAME or name in COMPOSED or name in _RELU or name in ARRAY_FUNCTIONS


def _statistic(ctx: Context, name: str, value: Value) -> Value:
    """The mean, or the mean square of the distance from it, over the one open axis."""
    ctx.table.tell(f"{name} is taken over the axis of what stands in the bracket")
    centre = mean(value)
    if name.lower() not in ("var", "mathbb{v}", *_DEVIATIONS):
        return centre
    distance = ctx.shapes.add(value, apply(centre, lambda u: -u))
    variance = mean(apply(distance, lambda u: u**2))
    return apply(variance, sympy.sqrt) if name.lower() in _DEVIATIONS else variance


def _apply_defined(ctx: Context, key: str, argument: Node, node: Node) -> Value:
    """A function that the document defines, its parameters replaced by the arguments."""
    function = ctx.table.functions[key]
    arguments = argument.items if isinstance(argument, S.Sequence) else (argument,)
    if len(arguments) != len(function.parameters):
        raise SourceError(f"{key} takes {len(function.parameters)} arguments", span_of(node))
    if key in ctx.expanding:
        raise SourceError(f"the function {key} is defined by itself", span_of(node))
    chosen = dict(zip(function.parameters, arguments, strict=True))
    ctx.expanding.append(key)
    try:
        if len(arguments) == 1 and _is_of_numbers(function.body, function.parameters[0], ctx):
            value = ctx.value(arguments[0])
            if value.slots:
                return _entry_by_entry(ctx, function.parameters[0], function.body, value)
        return ctx.value(substituted(function.body, chosen, ctx.table.letters))
    finally:
        ctx.expanding.pop()


def _is_of_numbers(body: Node, parameter: str, ctx: Context) -> bool:
    """Whether a function's body is arithmetic on a number: ``z \\sigma(z)`` of a matrix is no matrix product."""
    for node in body.walk():
        if isinstance(node, S.BigOperator | S.Matrix) or (isinstance(node, S.Group) and node.opening not in "([\\{"):
            return False
        if isinstance(node, S.Script) and (node.sub is not None or ctx.table.ranks.is_transpose(node.sup)):
            return False
        spelled = ctx.table.spell(node) if isinstance(node, S.Symbol) else None
        if spelled is None or spelled.key == parameter:
            continue
        if plain(spelled.key) in ARRAY_FUNCTIONS or (not is_customary(spelled.key) and ctx.table.total(spelled.key, 0)):
            return False
    return True


def _entry_by_entry(ctx: Context, parameter: str, body: Node, value: Value) -> Value:
    """A function of a number at each entry of an array."""
    inner = ctx.value(substituted(body, {parameter: S.Symbol("~u")}, ctx.table.letters))
    ctx.unknown.discard("~u")
    return apply(value, lambda u: inner.expr.xreplace({scalar("~u"): u}))


def _apply_any(ctx: Context, key: str, argument: Node) -> Value:
    """A function of which the document says nothing, so that what is claimed is claimed for any."""
    value = ctx.value(argument)
    if isinstance(value.expr, Symbol):
        ctx.variables.add(value.expr.name)
    return apply(value, lambda u: sympy.Function(key, real=True)(u))


def _apply_derivative(ctx: Context, key: str, argument: Node, node: Node) -> Value | None:
    """``\\sigma'(u)``: the derivative of a function of one number, at the argument."""
    place = S.Symbol("~u")
    inner = _apply_name(ctx, key, place, node)
    if inner is None or inner.slots:
        return None
    ctx.unknown.discard("~u")
    variable = scalar("~u")
    slope = sympy.diff(inner.expr, variable)
    value = ctx.value(argument)
    if slope.has(sympy.Derivative) and not value.expr._diff_wrt:
        raise SourceError(f"derive does not know what {key}' is", span_of(node))
    return apply(value, lambda u: slope.xreplace({variable: u}))


def _apply_array(ctx: Context, name: str, argument: Node, node: Node) -> Value:
    """softmax, log-sum-exp, row sums, diag and trace; the first three act on the last axis."""
    value = ctx.value(argument)
    if not value.slots:
        raise ShapeError(f"{name} of something that has no axis")
    if name == "diag":
        return _diagonal(ctx, value)
    if name in ("tr", "Tr", "trace"):
        return _trace(ctx, value)
    if name == "rowsum":
        return close(value, value.slots[-1])
    if name == "sum":
        for slot in value.slots:
            value = close(value, slot)
        return value
    exponentials = apply(value, sympy.exp)
    partition = close(exponentials, value.slots[-1])
    if name in ("LSE", "logsumexp"):
        return apply(partition, sympy.log)
    ratio = powers.divide(ctx, exponentials, partition, node)
    return ratio if name == "softmax" else apply(ratio, sympy.log)


def _diagonal(ctx: Context, value: Value) -> Value:
    """The diagonal matrix of a vector."""
    if len(value.slots) != 1:
        raise ShapeError("diag of something that is no vector")
    other = fresh_slot(value.slots[0].axis)
    return Value(value.expr * sympy.KroneckerDelta(value.slots[0].symbol, other.symbol), (value.slots[0], other))


def _trace(ctx: Context, value: Value) -> Value:
    if len(value.slots) != 2 or not ctx.table.axes.join(value.slots[0].axis, value.slots[1].axis):
        raise ShapeError("the trace of something that is no square matrix")
    return close(value.rename(value.slots[1].symbol, value.slots[0].symbol), value.slots[0])


def applied(ctx: Context, node: S.Apply) -> Value:
    """``\\log x``, ``\\tanh^2(u)``, ``\\max(0, x)``."""
    name = plain(node.function.name)
    if (behind := _bracket_behind(ctx, node.argument)) is not None:
        ctx.asked.add("reach")
        if ctx.policy.reach == "short":
            taken, bracket = behind
            return powers.times(ctx, ctx.value(replace(node, argument=taken)), "", ctx.value(bracket), node)
    argument = node.argument
    if isinstance(argument, S.Group) and argument.opening in ("(", "[", "\\{"):
        argument = argument.body
    if name == S.FACTORIAL:
        return _factorial(argument, node)
    if node.function.name == S.BINOMIAL:
        return _binomial(ctx, argument, node)
    if name in ("max", "min"):
        return _extremum(ctx, name, argument, node)
    applied = _apply_name(ctx, node.function.name, argument, node)
    if applied is None or node.sub is not None:
        raise SourceError(f"derive does not know the function {node.function.name}", node.span)
    if node.sup is not None and _is_minus_one(node.sup):
        return _inverse(ctx, node.function.name, argument, node)
    return powers.raised(ctx, applied, node.sup, node) if node.sup is not None else applied


def _factorial(argument: Node, node: S.Apply) -> Value:
    """``3!``, of small whole numbers only."""
    if not isinstance(argument, S.Number) or not argument.text.isdigit() or len(argument.text) > 2:
        raise SourceError("derive reads factorials of whole numbers up to 99 only", span_of(node))
    return Value(sympy.factorial(int(argument.text)))


def _binomial(ctx: Context, argument: Node, node: S.Apply) -> Value:
    """``\\binom{n}{2} = n (n - 1)/2``, for a small whole number below."""
    above, below = argument.items  # type: ignore[attr-defined]
    if not isinstance(below, S.Number) or not below.text.isdigit() or int(below.text) > MAX_BELOW:
        raise SourceError(f"derive reads binomials over whole numbers up to {MAX_BELOW} only", span_of(node))
    count = int(below.text)
    n = ctx.scalar(above)
    return Value(sympy.prod(n - k for k in range(count)) / sympy.factorial(count))


def _bracket_behind(ctx: Context, argument: Node) -> tuple[Node, Node] | None:
    """A quantity that a function is applied to without brackets, and the bracket of a sum behind it."""
    if not isinstance(argument, S.Product) or any(argument.operators):
        return None
    *taken, last = argument.factors
    if (
        not isinstance(last, S.Group)
        or last.opening not in ("(", "[")
        or not isinstance(last.body, S.Sum | S.BigOperator)
    ):
        return None
    before = ctx.table.spell(taken[-1])
    if before is None or before.key in ctx.table.functions or not ctx.table.introduced(before):
        return None
    return (taken[0] if len(taken) == 1 else S.Product(tuple(taken), ("",) * (len(taken) - 1))), last


def _extremum(ctx: Context, name: str, argument: Node, node: Node) -> Value:
    items = argument.items if isinstance(argument, S.Sequence) else ()
    if len(items) != 2:
        raise SourceError(f"{name} of two numbers is understood, nothing else", span_of(node))
    first, second, slots = ctx.shapes.align(ctx.value(items[0]), ctx.value(items[1]))
    return Value((maximum if name == "max" else minimum)(first, second), slots)
