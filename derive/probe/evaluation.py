"""Evaluates expressions with derivatives at a point, by forward-mode dual numbers over the forward graph.

A derivative ``D(a, b)`` is the slope of ``a`` when the entry ``b`` moves: in the total reading through all definitions
between them, in the partial reading with other names held fixed. An undefined loss is a linear functional of the
outputs with given weights, the upstream gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Literal

import sympy
from sympy import Expr, Symbol

from derive.forward import Graph, names_in
from derive.language import D, indices_of, name_of
from derive.primitives import BY_FUNCTION
from derive.probe.arithmetic import Arithmetic, OutOfDomain

MAX_OPERATIONS = 2_000_000


class TooLarge(Exception):
    """Evaluating takes more operations than allowed."""


class NotEvaluable(Exception):
    """An expression that the probe has no meaning for."""


Data = Callable[[str, tuple[int, ...]], Fraction]
"""The value of an input entry, by name and indices counted from 1."""


@dataclass(frozen=True)
class _Seed:
    """What moves: one entry; ``held`` stay fixed; ``partial`` closes names as soon as the entry is met directly."""

    name: str
    indices: tuple[int, ...]
    partial: bool = False
    held: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Scope:
    """Where an expression stands: its index values, what moves, and whether names in it may be opened."""

    indices: Mapping[Symbol, int]
    seed: _Seed | None = None
    open: bool = True


Dual = tuple[Any, Any]
"""A value and its slope; the slope is None where it is zero."""


class Evaluator:
    """Values at one point.

    Args:
        graph: the forward pass.
        sizes: the value of each size symbol, by name.
        data: the inputs' values; asked for ``∂L/∂y`` too where y is an output of an undefined loss.
        arithmetic: the kind of numbers.
        reading: how derivatives between intermediates are meant.
    """

    def __init__(
        self,
        graph: Graph,
        sizes: Mapping[str, int],
        data: Data,
        arithmetic: Arithmetic,
        reading: Literal["total", "partial"],
    ) -> None:
        self.graph = graph
        self.sizes = sizes
        self.data = data
        self.arithmetic = arithmetic
        self.reading = reading
        self._zero = arithmetic.number(Fraction(0))
        self._one = arithmetic.number(Fraction(1))
        self._entries: dict[tuple[_Seed | None, str, tuple[int, ...]], Dual] = {}
        self._mentions: dict[tuple[Expr, str], bool] = {}
        self._operations = 0

    def value(self, expr: Expr, indices: Mapping[Symbol, int]) -> Any:
        """The value of an expression whose free indices have the given values (from 1).

        Raises `OutOfDomain`, `NotEvaluable` or `TooLarge`.
        """
        return self._eval(expr, _Scope(indices))[0]

    # -- expressions ---------------------------------------------------------------------------------------------

    def _eval(self, expr: Expr, scope: _Scope) -> Dual:
        self._operations += 1
        if self._operations > MAX_OPERATIONS:
            raise TooLarge
        if isinstance(expr, sympy.Rational):
            return self.arithmetic.number(Fraction(int(expr.p), int(expr.q))), None
        if isinstance(expr, Symbol):
            return self._symbol(expr, scope)
        if isinstance(expr, sympy.Indexed):
            return self._entry(name_of(expr), self._indices(expr.indices, scope), scope)
        rule = _RULES.get(expr.func)
        if rule is not None:
            return rule(self, expr, scope)
        primitive = BY_FUNCTION.get(expr.func)
        if primitive is not None:
            return self._primitive(primitive.name, expr, scope)
        if isinstance(expr, sympy.core.function.AppliedUndef):
            return self._undefined(expr, scope)
        if expr is sympy.pi or expr is sympy.E:
            return self._constant(expr), None
        raise NotEvaluable(f"cannot evaluate {expr.func.__name__}")

    def _constant(self, expr: Expr) -> Any:
        e = self.arithmetic.call("exp", self._one)
        if expr is sympy.E:
            return e
        from mpmath import iv

        return iv.pi + 0 if not isinstance(self._one, float) else float(sympy.pi)

    def _symbol(self, symbol: Symbol, scope: _Scope) -> Dual:
        if symbol in scope.indices:
            return self.arithmetic.number(Fraction(scope.indices[symbol])), None
        if symbol.name in self.sizes and symbol.is_integer:
            return self.arithmetic.number(Fraction(self.sizes[symbol.name])), None
        return self._entry(symbol.name, (), scope)

    def _indices(self, indices: tuple[Expr, ...], scope: _Scope) -> tuple[int, ...]:
        return tuple(self._index(i, scope) for i in indices)

    def _index(self, expr: Expr, scope: _Scope) -> int:
        if isinstance(expr, sympy.Integer):
            return int(expr)
        if isinstance(expr, Symbol):
            if expr in scope.indices:
                return scope.indices[expr]
            if expr.name in self.sizes:
                return self.sizes[expr.name]
            return int(self.data(expr.name, ()))
        if isinstance(expr, sympy.Indexed):
            return int(self.data(name_of(expr), self._indices(expr.indices, scope)))
        raise NotEvaluable(f"an index that is computed: {expr}")

    def _add(self, expr: Expr, scope: _Scope) -> Dual:
        value, slope = self._eval(expr.args[0], scope)
        for term in expr.args[1:]:
            v, s = self._eval(term, scope)
            value = value + v
            slope = _plus(slope, s)
        return value, slope

    def _mul(self, expr: Expr, scope: _Scope) -> Dual:
        value, slope = self._eval(expr.args[0], scope)
        for factor in expr.args[1:]:
            v, s = self._eval(factor, scope)
            slope = _plus(_times(slope, v), _times(s, value))
            value = value * v
        return value, slope

    def _pow(self, expr: Expr, scope: _Scope) -> Dual:
        base, slope = self._eval(expr.base, scope)
        if not isinstance(expr.exp, sympy.Rational):
            return self._general_power(base, slope, expr.exp, scope)
        exponent = Fraction(int(expr.exp.p), int(expr.exp.q))
        value = self.arithmetic.power(base, exponent)
        if slope is None:
            return value, None
        inner = self.arithmetic.power(base, exponent - 1) * self.arithmetic.number(exponent)
        return value, inner * slope

    def _general_power(self, base: Any, slope: Any, exponent: Expr, scope: _Scope) -> Dual:
        """base**p = exp(p log base)."""
        power, power_slope = self._eval(exponent, scope)
        logarithm = self.arithmetic.call("log", base)
        value = self.arithmetic.call("exp", power * logarithm)
        first = _times(power_slope, logarithm)
        second = None if slope is None else self.arithmetic.divide(power * slope, base)
        return value, _times(_plus(first, second), value)

    def _exp(self, expr: Expr, scope: _Scope) -> Dual:
        u, slope = self._eval(expr.args[0], scope)
        value = self.arithmetic.call("exp", u)
        return value, _times(slope, value)

    def _primitive(self, name: str, expr: Expr, scope: _Scope) -> Dual:
        u, slope = self._eval(expr.args[0], scope)
        value = self.arithmetic.call(name, u)
        if slope is None:
            return value, None
        return value, self._slope_of(name, u, value) * slope

    def _slope_of(self, name: str, u: Any, value: Any) -> Any:
        """The derivative of an elementwise function at ``u``, written down here a second time on purpose."""
        call, one = self.arithmetic.call, self._one
        if name == "log":
            return self.arithmetic.divide(one, u)
        if name == "abs":
            return call("sign", u)
        if name in ("sign", "step"):
            return self._zero
        if name == "sigmoid":
            return value * (one - value)
        if name == "tanh":
            return one - value * value
        if name == "sin":
            return call("cos", u)
        if name == "cos":
            return self._zero - call("sin", u)
        if name == "erf":
            root_pi = self.arithmetic.power(self._constant(sympy.pi), Fraction(1, 2))
            return self.arithmetic.divide((one + one) * call("exp", self._zero - u * u), root_pi)
        raise NotEvaluable(f"no slope for {name}")

    def _undefined(self, expr: Expr, scope: _Scope) -> Dual:
        """A function left general is some cubic here; its primes are that cubic's derivatives."""
        if len(expr.args) != 1:
            raise NotEvaluable(f"cannot evaluate {expr.func.__name__} of several arguments")
        u, slope = self._eval(expr.args[0], scope)
        name = expr.func.__name__
        order = len(name) - len(name.rstrip("'"))
        coefficients = [self.data(f"{name.rstrip(chr(39))} coefficient", (k,)) for k in range(1, 5)]
        for _ in range(order):
            coefficients = [k * c for k, c in enumerate(coefficients)][1:]
        value = self._polynomial(coefficients, u)
        if slope is None:
            return value, None
        return value, self._polynomial([k * c for k, c in enumerate(coefficients)][1:], u) * slope

    def _polynomial(self, coefficients: list[Fraction], u: Any) -> Any:
        value = self._zero
        for c in reversed(coefficients):
            value = value * u + self.arithmetic.number(c)
        return value

    # -- sums and deltas -----------------------------------------------------------------------------------------

    def _ranges(self, expr: Expr, scope: _Scope) -> Iterator[_Scope]:
        """The scopes of a sum's or product's terms."""
        letters = [limit[0] for limit in expr.limits]
        spans = [range(self._bound(low, scope), self._bound(high, scope) + 1) for _, low, high in expr.limits]
        for values in product(*spans):
            yield _Scope({**scope.indices, **dict(zip(letters, values, strict=True))}, scope.seed, scope.open)

    def _bound(self, expr: Expr, scope: _Scope) -> int:
        """A limit of summation: an integer expression in sizes and indices."""
        known = {s: scope.indices.get(s, self.sizes.get(s.name)) for s in expr.free_symbols}
        if any(v is None for v in known.values()):
            raise NotEvaluable(f"the range {expr} has no value")
        value = expr.xreplace({s: sympy.Integer(v) for s, v in known.items()})
        if not isinstance(value, sympy.Integer):
            raise NotEvaluable(f"the range {expr} is no integer at this size")
        return int(value)

    def _sum(self, expr: Expr, scope: _Scope) -> Dual:
        value, slope = self._zero, None
        for inner in self._ranges(expr, scope):
            v, s = self._eval(expr.function, inner)
            value, slope = value + v, _plus(slope, s)
        return value, slope

    def _product(self, expr: Expr, scope: _Scope) -> Dual:
        value, slope = self._one, None
        for inner in self._ranges(expr, scope):
            v, s = self._eval(expr.function, inner)
            slope = _plus(_times(slope, v), _times(s, value))
            value = value * v
        return value, slope

    def _delta(self, expr: Expr, scope: _Scope) -> Dual:
        i, j = (self._index(argument, scope) for argument in expr.args[:2])
        return (self._one if i == j else self._zero), None

    # -- names ---------------------------------------------------------------------------------------------------

    def _entry(self, name: str, indices: tuple[int, ...], scope: _Scope) -> Dual:
        seed = scope.seed
        if seed is not None and name == seed.name:
            value, _ = self._defined(name, indices, None)
            return value, self._one if indices == seed.indices else None
        if seed is None or not scope.open or name in seed.held or not self.graph.depends(name, seed.name):
            return self._defined(name, indices, None)
        return self._defined(name, indices, seed)

    def _defined(self, name: str, indices: tuple[int, ...], seed: _Seed | None) -> Dual:
        key = seed, name, indices
        found = self._entries.get(key)
        if found is None:
            found = self._entries[key] = self._compute(name, indices, seed)
        return found

    def _compute(self, name: str, indices: tuple[int, ...], seed: _Seed | None) -> Dual:
        definition = self.graph.by_name.get(name)
        if definition is None:
            return self.arithmetic.number(self.data(name, indices)), None
        scope = _Scope(dict(zip(definition.indices, indices, strict=True)))
        if seed is not None:
            scope = _Scope(scope.indices, seed, self._opens(definition.expr, seed))
        return self._eval(definition.expr, scope)

    def _opens(self, expr: Expr, seed: _Seed) -> bool:
        """Whether names in an expression may move: always in the total reading, else where it lacks the entry itself."""
        if not seed.partial:
            return True
        key = expr, seed.name
        if key not in self._mentions:
            self._mentions[key] = seed.name in names_in(expr)
        return not self._mentions[key]

    # -- derivatives ---------------------------------------------------------------------------------------------

    def _derivative(self, expr: Expr, scope: _Scope) -> Dual:
        if scope.seed is not None:
            raise NotEvaluable("a derivative inside a derivative")
        of, by, *held = expr.args
        name, indices = name_of(by), self._indices(indices_of(by), scope)
        if isinstance(of, Symbol) and of.name == self.graph.loss:
            return self._loss_slope(_Seed(name, indices)), None
        fixed = frozenset(name_of(h) for h in held[0]) if held else frozenset()
        partial = self.reading == "partial" and not fixed
        return self._slope(of, scope, _Seed(name, indices, partial, fixed)), None

    def _slope(self, of: Expr, scope: _Scope, seed: _Seed) -> Any:
        """How fast an expression moves; a defined name is opened first, so that its own definition counts as direct."""
        if isinstance(of, Symbol | sympy.Indexed) and name_of(of) != seed.name:
            indices = self._indices(indices_of(of), scope)
            if not self.graph.depends(name_of(of), seed.name):
                return self._zero
            return _or_zero(self._defined(name_of(of), indices, seed)[1], self._zero)
        inner = _Scope(scope.indices, seed, self._opens(of, seed))
        return _or_zero(self._eval(of, inner)[1], self._zero)

    def _loss_slope(self, seed: _Seed) -> Any:
        """∂L/∂seed through all paths; an undefined loss is the weighted sum of all outputs."""
        if seed.name == self.graph.loss:
            return self._one
        if self.graph.has_loss:
            return _or_zero(self._defined(self.graph.loss, (), seed)[1], self._zero)
        slope = self._zero
        for output in self.graph.outputs:
            if not self.graph.depends(output, seed.name):
                continue
            for indices in product(*(range(1, self._bound(n, _Scope({})) + 1) for n in self.graph.sizes_of(output))):
                own = self._entry(output, indices, _Scope({}, seed))[1]
                if own is not None:
                    slope = slope + own * self.arithmetic.number(self.upstream(output, indices))
        return slope

    def upstream(self, output: str, indices: tuple[int, ...]) -> Fraction:
        """The weight of an output's entry in an undefined loss."""
        return self.data(f"∂{self.graph.loss}/∂{output}", indices)


_RULES: dict[type[Expr], Callable[[Evaluator, Expr, _Scope], Dual]] = {
    sympy.Add: Evaluator._add,
    sympy.Mul: Evaluator._mul,
    sympy.Pow: Evaluator._pow,
    sympy.exp: Evaluator._exp,
    sympy.Sum: Evaluator._sum,
    sympy.Product: Evaluator._product,
    sympy.KroneckerDelta: Evaluator._delta,
    D: Evaluator._derivative,
}


def _plus(a: Any, b: Any) -> Any:
    if a is None:
        return b
    return a if b is None else a + b


def _times(slope: Any, factor: Any) -> Any:
    return None if slope is None else slope * factor


def _or_zero(slope: Any, zero: Any) -> Any:
    return zero if slope is None else slope


__all__ = ["Data", "Evaluator", "NotEvaluable", "OutOfDomain", "TooLarge"]
