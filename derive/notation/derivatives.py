"""Derivatives as people write them: quotients, operators, gradients, with something held fixed, on one path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sympy
from sympy import Expr, Integer, Symbol

from derive.forward import closure, names_in
from derive.language import D, is_quantity, name_of, scalar
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation import powers
from derive.notation.context import Context
from derive.notation.names import PARTIALS, Spelling, letter_of
from derive.notation.roles import LABELLED
from derive.notation.survey import is_quotient
from derive.notation.values import Slot, Value, close
from derive.source import SourceError


def _differential(ctx: Context, node: Node) -> Node | None:
    """What stands behind ∂ or d in a numerator or denominator; None where it is no differential."""
    if not isinstance(node, S.Product) or len(node.factors) < 2 or node.operators[0] != "":
        return None
    head = ctx.table.spell(node.factors[0])
    if head is None or head.key not in PARTIALS or head.indices or _is_name(ctx, head.key):
        return None
    if len(node.factors) == 2:
        return node.factors[1]
    return S.Product(node.factors[1:], node.operators[1:], node.span)


def _is_name(ctx: Context, key: str) -> bool:
    """Whether the d of a quotient of differentials is a name of the document, which it hardly ever is."""
    if not ctx.table.introduced(Spelling(key)):
        return False
    ctx.asked.add("differential")
    return ctx.policy.differential == "name"


_FIXED = frozenset({"fixed", "const", "constant", "held"})


def derivative(ctx: Context, above: Node, below: Node, node: Node) -> Value | None:
    """``\\frac{\\partial a}{\\partial b}``."""
    order = _order(ctx, above)
    if order:
        return _higher(ctx, above, below, node, order)
    by = _differential(ctx, below)
    if by is None:
        return None
    of = _differential(ctx, above)
    if of is None:
        if _is_operator_name(ctx, above):
            raise SourceError("a derivative of nothing", span_of(node), "Write what is differentiated.")
        return None
    if _is_straight(ctx, below):
        ctx.asked.add("straight")
    return differentiate(ctx, ctx.value(of), ctx.value(by), node)


def _is_straight(ctx: Context, below: Node) -> bool:
    """Whether a quotient is one of straight d, which holds nothing fixed."""
    head = ctx.table.spell(below.factors[0]) if isinstance(below, S.Product) else None
    return head is not None and head.key == "d"


def _order(ctx: Context, above: Node) -> int:
    """The n in ``\\partial^n f`` or a lone ``d^n``; 0 where there is none."""
    head = above.factors[0] if isinstance(above, S.Product) and above.operators[0] == "" else above
    spelled = ctx.table.spell(head) if isinstance(head, S.Script) else None
    if spelled is None or spelled.key not in PARTIALS or not isinstance(spelled.power, S.Number):
        return 0
    if spelled.indices or _is_name(ctx, spelled.key):
        return 0
    return int(spelled.power.text) if spelled.power.text in ("2", "3") else 0


def _higher(ctx: Context, above: Node, below: Node, node: Node, order: int) -> Value | None:
    """``\\frac{\\partial^2 f}{\\partial x \\partial y}``: the derivative by one after the other."""
    by = _denominators(ctx, below, order)
    if by is None:
        return None
    if not isinstance(above, S.Product):
        raise SourceError("a derivative of nothing", span_of(node), "Write what is differentiated.")
    return _repeated(ctx, ctx.value(_juxtaposed(list(above.factors[1:]))), by, node)


def _repeated(ctx: Context, of: Value, by: list[Node], node: Node) -> Value:
    for name in by:
        variable = ctx.value(name)
        if of.slots or variable.slots:
            raise SourceError("a second derivative of or by an array without indices", span_of(node))
        of = differentiate(ctx, of, variable, node)
    return of


def _denominators(ctx: Context, below: Node, order: int) -> list[Node] | None:
    """What ``\\partial x_i \\partial x_j`` or ``\\partial x_i^2`` differentiates by, ``order`` names in all."""
    if not isinstance(below, S.Product) or any(below.operators) or len(below.factors) % 2:
        return None
    found: list[Node] = []
    for head, name in zip(below.factors[::2], below.factors[1::2], strict=True):
        if not _is_operator_name(ctx, head):
            return None
        spelled = ctx.table.spell(name)
        power = spelled.power if spelled is not None else None
        if isinstance(power, S.Number) and isinstance(name, S.Script):
            found += [_without_power(name)] * int(power.text if power.text in ("2", "3") else 0)
        else:
            found.append(name)
    return found if len(found) == order else None


def _without_power(name: S.Script) -> Node:
    if name.sub is None and not name.primes:
        return name.base
    return replace(name, sup=None)


def _is_operator_name(ctx: Context, node: Node) -> bool:
    spelled = ctx.table.spell(node)
    return spelled is not None and spelled.key in PARTIALS and spelled.power is None


def _derivative_or_fail(ctx: Context, node: S.Fraction, held: tuple[Expr, ...]) -> Value:
    by, of = _differential(ctx, node.denominator), _differential(ctx, node.numerator)
    if by is None or of is None:
        raise SourceError("only a derivative can have something held fixed", node.span)
    return differentiate(ctx, ctx.value(of), ctx.value(by), node, held)


def differentiate(ctx: Context, of: Value, by: Value, node: Node, held: tuple[Expr, ...] = ()) -> Value:
    if not is_quantity(by.expr) or (isinstance(by.expr, Symbol) and by.expr.is_integer):
        raise SourceError("a derivative by something that is no variable", span_of(node))
    first, second, slots = _derivative_axes(ctx, of, by)
    arguments = (first, second, sympy.Tuple(*held)) if held else (first, second)
    if of.slots or ctx.policy.gradients == "columns":
        return Value(D(*arguments), slots, ctx.table.ranks.row_vectors and not of.slots and len(slots) == 1)
    return _as_row(ctx, Value(D(*arguments), slots))


def _as_row(ctx: Context, gradient: Value) -> Value:
    """The derivative of a number by an array as a row, where the array is a vector; a matrix is turned if asked."""
    if len(gradient.slots) == 1:
        ctx.table.tell("the derivative of a number by a vector is a row")
        return replace(gradient, row=True)
    return gradient.transpose() if ctx.policy.gradients == "turned" else gradient


def _derivative_axes(ctx: Context, of: Value, by: Value) -> tuple[Expr, Expr, tuple[Slot, ...]]:
    """Bare arrays on both sides of a derivative: the same entry of both, or the whole Jacobian."""
    if of.slots and by.slots:
        ctx.asked.add("product")
        ctx.asked.add("layout")
        if ctx.policy.layout == "denominator":
            ctx.table.tell("the rows of a Jacobian belong to what is differentiated by")
            return of.expr, by.expr, by.slots + of.slots
        if ctx.policy.product == "matrix":
            return of.expr, by.expr, of.slots + by.slots
        ctx.diagonals.append((of, by))
        return ctx.shapes.align(of, by)
    return of.expr, by.expr, of.slots or by.slots


def held_fixed(ctx: Context, node: S.HeldFixed) -> Value:
    """A derivative with names held fixed."""
    if not isinstance(node.body, S.Fraction):
        raise SourceError("only a derivative can have something held fixed", node.span)
    return _derivative_or_fail(ctx, node.body, tuple(_fixed_names(ctx, node.fixed)))


def _fixed_names(ctx: Context, node: Node) -> Iterator[Expr]:
    """The names in ``\\mu, \\sigma \\text{ fixed}`` and in ``\\mu = \\text{const}``."""
    if isinstance(node, S.Words) or (isinstance(node, S.Symbol) and node.name.lower() in _FIXED):
        return
    if isinstance(node, S.Sequence | S.Product):
        for item in node.children():
            yield from _fixed_names(ctx, item)
    elif isinstance(node, S.Chain) and not list(_fixed_names(ctx, node.members[-1])):
        yield from _fixed_names(ctx, node.members[0])
    else:
        value = ctx.value(node).expr if not isinstance(node, S.Chain) else Integer(0)
        if not is_quantity(value):
            raise SourceError("derive does not evaluate a derivative at a point", span_of(node))
        yield value


def on_path(ctx: Context, fraction: S.Fraction, note: Node) -> Value | None:
    """A derivative with ``_{\\text{direct}}`` or ``_{\\text{via } c}`` behind it: its part on one path."""
    items = note.items if isinstance(note, S.Sequence) else (note,)
    words = " ".join(
        i.text if isinstance(i, S.Words) else i.name for i in items if isinstance(i, S.Words | S.Symbol)
    ).lower()
    of, by = _differential(ctx, fraction.numerator), _differential(ctx, fraction.denominator)
    if of is None or by is None:
        return None
    if words.startswith("direct"):
        return _direct(ctx, of, by, fraction)
    if words.startswith(("via", "through")) and len(items) > 1:
        through = ctx.value(items[-1])
        first = differentiate(ctx, ctx.value(of), through, fraction)
        return powers.times(ctx, first, "", differentiate(ctx, through, ctx.value(by), fraction), fraction)
    return None


def _direct(ctx: Context, of: Node, by: Node, node: Node) -> Value:
    """The derivative with every other name that the definition uses held fixed."""
    value = ctx.value(of)
    names = ctx.table.stages(name_of(value.expr)) if is_quantity(value.expr) else ()
    held = tuple(scalar(name) for name in names)
    return differentiate(ctx, value, ctx.value(by), node, held or (scalar("~nothing"),))


def operator(ctx: Context, rest: list[Node]) -> tuple[Value, int] | None:
    """``\\frac{\\partial}{\\partial x}`` applied to the bracket that follows, or to all that follows."""
    head = rest[0]
    if not isinstance(head, S.Fraction) or len(rest) < 2:
        return None
    order = 0 if isinstance(head.numerator, S.Product) else _order(ctx, head.numerator)
    repeated = _denominators(ctx, head.denominator, order) if order else None
    if repeated is None and not _is_bare_operator(ctx, head):
        return None
    used = 2 if isinstance(rest[1], S.Group) else _end(ctx, rest)
    operand = ctx.value(_juxtaposed(rest[1:used]))
    if repeated is not None:
        return _repeated(ctx, operand, repeated, head), used
    by = _differential(ctx, head.denominator)
    assert by is not None
    return differentiate(ctx, operand, ctx.value(by), head), used


def _end(ctx: Context, rest: list[Node]) -> int:
    """How many factors an operator takes with itself: a loss and no more, as its value is nowhere beside."""
    if len(rest) > 2 and _is_loss(ctx, rest[1]):
        return 2
    derivatives = ((k, one) for k in range(2, len(rest)) if (one := _derivative_at(ctx, rest, k)) is not None)
    behind, derivative = next(derivatives, (len(rest), None))
    if derivative is None:
        return behind
    if _is_of_open_loss(ctx, [*rest[behind:], derivative]):
        return behind  # of which nothing can be said twice
    ctx.asked.add("operand")
    return behind if ctx.policy.operand == "next" else len(rest)


def _is_loss(ctx: Context, node: Node) -> bool:
    spelled = ctx.table.spell(node)
    bare = spelled is not None and not spelled.indices and spelled.power is None
    return bare and spelled is not None and (spelled.key == ctx.table.loss or spelled.key in LABELLED)


def _derivative_at(ctx: Context, rest: list[Node], at: int) -> Node | None:
    """The derivative, or the operator of one, that a factor is or begins, or is a name for."""
    factor = rest[at]
    if isinstance(factor, S.Script) and factor.base == S.Symbol("\\nabla"):
        return factor
    if isinstance(factor, S.Fraction) and is_quotient(factor):
        return factor
    spelled, behind = ctx.table.spell(factor), ctx.table.spell(rest[at + 1]) if at + 1 < len(rest) else None
    if spelled is not None and behind is not None and spelled.key + behind.key in ctx.table.letters.compounds:
        spelled = Spelling(spelled.key + behind.key, behind.indices)
    alias = ctx.table.alias(spelled.key, len(spelled.indices)) if spelled is not None else None
    inside = alias.body.walk() if alias is not None else ()
    return next((node for node in inside if isinstance(node, S.Fraction) and is_quotient(node)), None)


def _is_of_open_loss(ctx: Context, factors: list[Node]) -> bool:
    """Whether a loss that nothing defines stands in some factors."""
    loss = ctx.table.loss
    names = (ctx.table.spell(node) for factor in factors for node in factor.walk())
    return (loss, 0) not in ctx.table.defined and any(name is not None and name.key == loss for name in names)


def subscripted_operator(ctx: Context, rest: list[Node]) -> tuple[Value, int] | None:
    """``\\partial_x f``; ``\\partial_j f`` and ``D_j f`` are by entry j of the one array that f is made from."""
    head = rest[0]
    if (
        len(rest) < 2
        or not isinstance(head, S.Script)
        or head.sub is None
        or head.sup is not None
        or ctx.is_known(head)
    ):
        return None
    if not isinstance(head.base, S.Symbol) or head.base.name not in ("\\partial", "D") or ctx.is_known(head.base):
        return None
    of = ctx.value(rest[1])
    letter = letter_of(head.sub)
    if letter is None or letter not in ctx.table.letters.indices:
        if head.base.name == "D":
            return None
        return differentiate(ctx, of, ctx.value(head.sub), head), 2
    arrays = [name for name in _origins(ctx, of.expr) if len(ctx.table.axes_of(name, 0)) == 1]
    if len(arrays) != 1:
        raise SourceError("derive cannot tell by what this differentiates", span_of(head))
    ctx.table.tell(f"{head.base.name}_{letter} is the derivative by entry {letter} of {arrays[0]}")
    by = ctx.value(S.Script(S.Symbol(arrays[0], "", span_of(head)), head.sub, None, 0, span_of(head)))
    return differentiate(ctx, of, by, head), 2


def _origins(ctx: Context, expr: Expr) -> list[str]:
    """The inputs of the forward pass that an expression is made from."""
    return sorted(name for name in closure(names_in(expr), ctx.table.stages) if name in ctx.table.inputs)


def _is_bare_operator(ctx: Context, node: S.Fraction) -> bool:
    spelled = ctx.table.spell(node.numerator)
    return spelled is not None and spelled.key in PARTIALS and _differential(ctx, node.denominator) is not None


def gradient(ctx: Context, rest: list[Node]) -> tuple[Value, int] | None:
    """``\\nabla_x L``, ``\\nabla_x (x^\\top A x)``; what begins with a number or a row is differentiated as a whole,
    ``\\nabla_x \\, x^\\top A x``."""
    head = rest[0]
    if len(rest) < 2 or not isinstance(head, S.Script) or head.sub is None or ctx.is_known(head):
        return None
    if not isinstance(head.base, S.Symbol) or head.base.name != "\\nabla":
        return None
    if head.sup is not None and head.sup != S.Number("2"):
        return None
    of, used = _operand(ctx, rest)
    if of.slots:
        return None
    gradient = differentiate(ctx, of, ctx.value(head.sub), head)
    if head.sup is None:
        return gradient, used
    again = ctx.value(head.sub)
    return Value(D(gradient.expr, again.expr), gradient.slots + again.slots), used


def _operand(ctx: Context, rest: list[Node]) -> tuple[Value, int]:
    """What a gradient is of, and how many factors it takes with its sign: a name, a bracket, a function's value; where
    none of these follows, all that does."""
    first = ctx.value(rest[1])
    inner = rest[1].base if isinstance(rest[1], S.Script) else rest[1]
    if not first.slots and (is_quantity(first.expr) or isinstance(inner, S.Group | S.Apply)):
        return first, 2
    return ctx.value(_juxtaposed(rest[1:])), len(rest)


def directional(ctx: Context, node: S.Product) -> Value | None:
    """The derivative in a direction: ``d_x f(x, y) \\cdot \\tilde{x}``, ``df(x, y) \\cdot (\\tilde{x}, \\tilde{y})``.

    A direction is any vector: nothing need say what it is.
    """
    if node.operators != ("", "\\cdot"):
        return None
    head, of, direction = node.factors
    base = head.base if isinstance(head, S.Script) else head
    if base != S.Symbol("d") or ctx.is_known(head) or ctx.is_known(base):
        return None
    by = _varied(ctx, head, of)
    along = list(_items(direction))
    if not by or len(by) != len(along):
        return None
    parts = [_in_direction(ctx, ctx.value(of), ctx.value(b), a, node) for b, a in zip(by, along, strict=True)]
    whole = parts[0]
    for part in parts[1:]:
        whole = ctx.table.shapes.add(whole, part)
    return whole


def _varied(ctx: Context, head: Node, of: Node) -> list[Node]:
    """The variables that a differential varies: its subscript, or the function's arguments."""
    if isinstance(head, S.Script):
        return [head.sub] if head.sub is not None and head.sup is None else []
    spelled = ctx.table.spell(of)
    return [S.Symbol(name) for name in ctx.table.arguments.get(spelled.key, ())] if spelled is not None else []


def _items(direction: Node) -> Iterator[Node]:
    body = direction.body if isinstance(direction, S.Group) else direction
    yield from body.items if isinstance(body, S.Sequence) else (body,)


def _in_direction(ctx: Context, of: Value, by: Value, along: Node, node: Node) -> Value:
    direction = ctx.value(along)
    if of.slots or len(by.slots) != 1 or len(direction.slots) != 1:
        raise SourceError("a derivative in a direction that is no vector", span_of(node))
    spelled = ctx.table.spell(along)
    if spelled is not None:
        ctx.variables.add(spelled.key)
    product = ctx.table.shapes.elementwise(differentiate(ctx, of, by, node), direction)
    return close(product, product.slots[0])


def slash_derivative(ctx: Context, node: S.Product) -> Value | None:
    """``\\partial a / \\partial b`` in a line."""
    if "/" not in node.operators:
        return None
    at = node.operators.index("/") + 1
    start = next((k for k in range(at) if _is_operator_name(ctx, node.factors[k])), None)
    if start is None or not _is_operator_name(ctx, node.factors[at]):
        return None
    end = at + 2
    value = derivative(ctx, _part(node, start, at), _part(node, at, min(end, len(node.factors))), node)
    if value is None:
        return None
    if start:
        value = powers.times(ctx, ctx.value(_part(node, 0, start)), "", value, node)
    if end < len(node.factors):
        rest = ctx.value(_part(node, end, len(node.factors)))
        value = powers.times(ctx, value, node.operators[end - 1], rest, node)
    return value


def _part(node: S.Product, start: int, end: int) -> Node:
    factors = node.factors[start:end]
    if len(factors) == 1:
        return factors[0]
    return S.Product(factors, node.operators[start : end - 1], span_of(factors[0]).join(span_of(factors[-1])))


def _juxtaposed(factors: list[Node]) -> Node:
    """Factors side by side as one node."""
    if len(factors) == 1:
        return factors[0]
    span = span_of(factors[0]).join(span_of(factors[-1]))
    return S.Product(tuple(factors), ("",) * (len(factors) - 1), span)
