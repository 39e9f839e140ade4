"""SymPy expressions as program trees, in a fixed order of evaluation.

Products take their small factors first (numbers, sizes, statistics, then arrays), so that a coefficient is multiplied
up before it meets an array; sums begin with a positive term. An elementwise function of the same arguments is called
once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

import sympy
from sympy import Expr, Symbol

from derive.kernels.axes import NotLowerable
from derive.kernels.names import Names
from derive.kernels.norms import INVERSE
from derive.kernels.program import (
    Call,
    Equal,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Read,
    Size,
    Step,
    Sum,
    children,
    reads,
    walk,
)
from derive.language import indices_of, is_quantity, name_of
from derive.primitives import BY_FUNCTION

ONE = Number(Fraction(1))
STEP = "@"  # before the names of a program's steps and arrays: no name of a document begins with it
ROUND = "rounded"
LEFT = "left"  # left(near, hi, rest) = (near − hi) + rest, in this order


def tree(expr: Expr, sizes: Mapping[Symbol, str], rank: Callable[[str], int]) -> Node:
    """The program tree of an expression over program entries.

    Args:
        sizes: identifiers of size symbols.
        rank: how many axes a step or an array has.

    Raises:
        NotLowerable: the expression has something for which kernels have no operation.
    """
    return _Trees(sizes, rank).of(expr)


class _Trees:
    def __init__(self, sizes: Mapping[Symbol, str], rank: Callable[[str], int]) -> None:
        self.sizes = sizes
        self.rank = rank

    def of(self, expr: Expr) -> Node:
        if isinstance(expr, sympy.Rational):
            return _number(expr)
        if expr is sympy.pi:
            return Call("pi", ())
        if is_quantity(expr):
            return self._entry(expr)
        if isinstance(expr, sympy.Add):
            return self._sum(expr)
        if isinstance(expr, sympy.exp):
            return Call("exp", (self.of(expr.args[0]),))
        if isinstance(expr, sympy.Mul | sympy.Pow):
            return self._product(expr)
        if isinstance(expr, sympy.KroneckerDelta):
            return Equal(expr.args[0].name, expr.args[1].name)
        if expr.func.__name__ in (ROUND, LEFT, INVERSE):
            return Call(expr.func.__name__, tuple(self.of(a) for a in expr.args))
        primitive = BY_FUNCTION.get(expr.func)
        if primitive is None:
            raise NotLowerable(f"kernels have no function {expr.func.__name__}")
        return Call(primitive.name, (self.of(expr.args[0]),))  # SymPy's step has its value at 0 beside the argument

    def _entry(self, expr: Expr) -> Node:
        if isinstance(expr, Symbol) and expr.is_integer:
            if expr not in self.sizes:
                raise NotLowerable(f"{expr.name} is a whole number that is no array's size")
            return Size(self.sizes[expr])
        return Read(name_of(expr).lstrip(STEP), tuple(i.name for i in indices_of(expr)))

    def _axes(self, node: Node) -> int:
        """How many axes a tree's values have, as far as the order of factors needs to know it."""
        return max((self.rank(r.name) for r in reads(node)), default=0)

    def _sum(self, expr: Expr) -> Node:
        terms: list[tuple[bool, Node]] = []
        for term in expr.args:
            negative = term.as_coeff_Mul()[0].is_negative
            terms.append((not negative, self.of(-term if negative else term)))
        terms.sort(key=lambda t: (not t[0], -self._axes(t[1]), len(list(walk(t[1]))), str(t[1])))
        return Sum(tuple(terms))

    def _product(self, expr: Expr) -> Node:
        above: list[Node] = []
        below: list[Node] = []
        coefficient, factors = _factors(expr)
        for base, power in factors:
            self._power(base, power, above, below)
        if coefficient.denominator & (coefficient.denominator - 1):
            below.append(Number(Fraction(coefficient.denominator)))
            coefficient = Fraction(coefficient.numerator)
        if coefficient != 1:
            above.append(Number(coefficient))
        numerator = self._joined(above)
        return Quotient(numerator, self._joined(below)) if below else numerator

    def _joined(self, nodes: list[Node]) -> Node:
        flat = [f for n in nodes for f in (n.factors if isinstance(n, Product) else (n,))]
        flat.sort(key=lambda n: (not isinstance(n, Number), self._axes(n), len(list(walk(n))), str(n)))
        return Product(tuple(flat)) if len(flat) > 1 else flat[0] if flat else ONE

    def _power(self, base: Expr, power: Expr, above: list[Node], below: list[Node]) -> None:
        """One factor, above or below the line."""
        negative = bool(power.is_number and power.is_negative)
        magnitude = -power if negative else power
        node = self.of(base)
        if isinstance(magnitude, sympy.Rational) and magnitude.q == 2:
            node, magnitude = Call("sqrt", (node,)), sympy.Integer(magnitude.p)
        if magnitude.is_Integer:
            node = Power(node, int(magnitude)) if magnitude != 1 else node
        else:
            node = Call("pow", (node, self.of(magnitude)))
        (below if negative else above).append(node)


def _number(value: Expr) -> Node:
    return Number(Fraction(int(value.p), int(value.q)))


def _factors(expr: Expr) -> tuple[Fraction, list[tuple[Expr, Expr]]]:
    """A product as a number and powers, factors that are products themselves opened."""
    coefficient = Fraction(1)
    found: list[tuple[Expr, Expr]] = []
    for factor in expr.args if isinstance(expr, sympy.Mul) else (expr,):
        if isinstance(factor, sympy.Rational):
            coefficient *= Fraction(int(factor.p), int(factor.q))
        elif isinstance(factor, sympy.Mul):
            inner, more = _factors(factor)
            coefficient *= inner
            found += more
        elif isinstance(factor, sympy.Pow) and not isinstance(factor, sympy.exp):
            found.append((factor.base, factor.exp))
        else:
            found.append((factor, sympy.S.One))
    return coefficient, found


# -- calls -----------------------------------------------------------------------------------------------------------


def named_calls(steps: list[Step], names: Names, order: Callable[[Iterable[str]], tuple[str, ...]]) -> list[Step]:
    """Steps in which a function that is called twice with the same arguments is a step of its own."""
    counted = Counter(c for s in steps for c in walk(s.value) if isinstance(c, Call) and any(True for _ in reads(c)))
    repeated = [c for c, n in counted.items() if n > 1 and c.function != "sqrt"]
    by_name = {s.name: s for s in steps}
    result: list[Step] = []
    known: dict[Node, Node] = {}
    for step in steps:
        for call in _innermost(step.value):
            if call not in repeated or call in known:
                continue
            axes = order({a for r in reads(call) for a in r.axes})
            wide = all(r.name in by_name and by_name[r.name].wide for r in reads(call))
            name = names.fresh(_call_name(call))
            result.append(Step(name, axes, _replaced(call, known), wide=wide))
            known[call] = Read(name, axes)
        result.append(replace(step, value=_replaced(step.value, known)))
    return result


def _call_name(call: Call) -> str:
    return "_".join([call.function, *sorted({r.name for r in reads(call)})])[:28].rstrip("_")


def _innermost(node: Node) -> Iterable[Node]:
    for child in children(node):
        yield from _innermost(child)
    yield node


def _replaced(node: Node, known: Mapping[Node, Node]) -> Node:
    """A tree with the known calls in it read from their steps."""
    if node in known:
        return known[node]
    match node:
        case Sum(terms):
            return Sum(tuple((sign, _replaced(term, known)) for sign, term in terms))
        case Product(factors):
            return Product(tuple(_replaced(f, known) for f in factors))
        case Quotient(numerator, denominator):
            return Quotient(_replaced(numerator, known), _replaced(denominator, known))
        case Power(base, exponent):
            return Power(_replaced(base, known), exponent)
        case Call(function, arguments):
            return Call(function, tuple(_replaced(a, known) for a in arguments))
        case _:
            return node


# -- products --------------------------------------------------------------------------------------------------------


def named_products(steps: list[Step], names: Names, order: Callable[[Iterable[str]], tuple[str, ...]]) -> list[Step]:
    """Steps in which a product of arrays that several steps need (γ dy) is multiplied out once."""
    wide = {s.name for s in steps if s.wide}
    whole = [p for s in steps for p in walk(s.value) if isinstance(p, Product) and _is_plain(p, wide)]
    for product in sorted(set(whole), key=lambda p: (len(p.factors), str(p))):
        users = [s for s in steps if any(_contains(p, product) for p in walk(s.value))]
        if len(users) < 2:
            continue
        axes = order({a for r in reads(product) for a in r.axes})
        name = names.fresh("_".join(sorted(r.name for r in reads(product))))
        read = Read(name, axes)
        made = Step(name, axes, product, wide=False)
        first = steps.index(users[0])
        steps = [*steps[:first], made, *(replace(s, value=_divided(s.value, product, read)) for s in steps[first:])]
    return steps


def _is_plain(product: Product, wide: set[str]) -> bool:
    """A product of two arrays or more, nothing else, one of which has all the axes."""
    entries = [f for f in product.factors if isinstance(f, Read)]
    axes = {a for r in entries for a in r.axes}
    return (
        len(entries) == len(product.factors)
        and not wide & {r.name for r in entries}
        and any(set(r.axes) == axes for r in entries)
        and len(axes) > 1
    )


def _contains(node: Node, product: Product) -> bool:
    return isinstance(node, Product) and not Counter(product.factors) - Counter(node.factors)


def _divided(node: Node, product: Product, read: Read) -> Node:
    """A tree with the product in it replaced by its name."""
    if _contains(node, product):
        rest = list(node.factors)  # type: ignore[union-attr]
        for factor in product.factors:
            rest.remove(factor)
        parts = tuple(_divided(f, product, read) for f in rest)
        return Product((read, *parts)) if parts else read
    match node:
        case Sum(terms):
            return Sum(tuple((sign, _divided(term, product, read)) for sign, term in terms))
        case Product(factors):
            return Product(tuple(_divided(f, product, read) for f in factors))
        case Quotient(numerator, denominator):
            return Quotient(_divided(numerator, product, read), _divided(denominator, product, read))
        case Power(base, exponent):
            return Power(_divided(base, product, read), exponent)
        case Call(function, arguments):
            return Call(function, tuple(_divided(a, product, read) for a in arguments))
        case _:
            return node
