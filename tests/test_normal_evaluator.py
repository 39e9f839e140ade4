"""Numbers for expressions: the independent oracle of the normal form's tests, and the tests of the oracle itself.

Everything is evaluated term by term at concrete sizes, first with floats and, where two sides seem to differ, with
fifty digits. Shares nothing with `derive.normal` nor with `derive.probe`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any

import mpmath
import pytest
import sympy
from sympy import Expr, Rational, Symbol

from derive.forward import Definition
from derive.language import erf, index, scalar, sigmoid, size, tensor, total


class NoValue(ArithmeticError):
    """An expression has no real value here, or none that fits a float."""


@dataclass
class Point:
    """Sizes, and data that are drawn when they are asked for.

    Attributes:
        positive: names whose entries are positive.
        selectors: names whose entries are indices, with the number of values to choose from.
    """

    seed: int
    sizes: Mapping[str, int]
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    positive: frozenset[str] = frozenset()
    selectors: Mapping[str, int] = field(default_factory=dict)
    exact: bool = False

    def datum(self, name: str, indices: tuple[int, ...]) -> Any:
        random = Random(f"{self.seed} {name} {indices}")
        if name in self.selectors:
            return random.randint(1, self.selectors[name])
        sign = 1 if name in self.positive else random.choice((-1, 1))
        return self.number(Fraction(random.randint(1, 31) * sign, 16))

    def number(self, value: Fraction) -> Any:
        return mpmath.mpf(value.numerator) / value.denominator if self.exact else float(value)

    def value(self, expr: Expr, indices: Mapping[Symbol, int]) -> Any:
        """The value of an expression. Raises `NoValue`."""
        try:
            found = self._value(expr, dict(indices))
        except (OverflowError, ZeroDivisionError, ValueError) as error:
            raise NoValue(str(error)) from error
        if not math.isfinite(found):
            raise NoValue("overflow")
        return found

    def _value(self, expr: Expr, indices: dict[Symbol, int]) -> Any:
        if isinstance(expr, sympy.Rational):
            return self.number(Fraction(int(expr.p), int(expr.q)))
        if isinstance(expr, sympy.Indexed):
            places = tuple(round(self._value(i, indices)) for i in expr.indices)
            return self._quantity(str(expr.base.label), places)
        if isinstance(expr, Symbol):
            if expr in indices:
                return self.number(Fraction(indices[expr]))
            if expr.is_integer and expr.is_positive and expr.name in self.sizes:
                return self.number(Fraction(self.sizes[expr.name]))
            return self._quantity(expr.name, ())
        if isinstance(expr, sympy.Sum | sympy.Product):
            return self._big(expr.function, list(expr.limits), indices, isinstance(expr, sympy.Sum))
        values = [self._value(a, indices) for a in expr.args]
        return self._apply(expr, values)

    def _quantity(self, name: str, places: tuple[int, ...]) -> Any:
        definition = self.definitions.get(name)
        if definition is None:
            return self.datum(name, places)
        return self._value(definition.expr, dict(zip(definition.indices, places, strict=True)))

    def _big(self, body: Expr, limits: list[Any], indices: dict[Symbol, int], is_sum: bool) -> Any:
        if not limits:
            return self._value(body, indices)
        *inner, (letter, low, high) = limits
        first, last = (round(self._value(end, indices)) for end in (low, high))
        whole = self.number(Fraction(0 if is_sum else 1))
        for k in range(first, last + 1):
            part = self._big(body, inner, {**indices, letter: k}, is_sum)
            whole = whole + part if is_sum else whole * part
        return whole

    def _apply(self, expr: Expr, values: list[Any]) -> Any:
        m = mpmath if self.exact else math
        if isinstance(expr, sympy.Add):
            return sum(values[1:], values[0])
        if isinstance(expr, sympy.Mul):
            return math.prod(values[1:], start=values[0])
        if isinstance(expr, sympy.Pow):
            return self._power(values[0], values[1], expr.exp)
        if isinstance(expr, sympy.KroneckerDelta):
            return self.number(Fraction(int(values[0] == values[1])))
        if isinstance(expr, sympy.Max | sympy.Min):
            return max(values) if isinstance(expr, sympy.Max) else min(values)
        if expr is sympy.pi or expr is sympy.E:
            return m.pi + 0 if expr is sympy.pi else m.exp(1)
        (u,) = values[:1]
        if isinstance(expr, sympy.log) and u <= 0:
            raise NoValue("the logarithm of a number that is not positive")
        if isinstance(expr, sympy.sign | sympy.Heaviside):
            if u == 0:
                raise NoValue("sign of 0")
            return self.number(Fraction(-1 if u < 0 else 1) if isinstance(expr, sympy.sign) else Fraction(int(u > 0)))
        if isinstance(expr, sympy.Abs):
            return abs(u)
        if isinstance(expr, sigmoid):
            return 1 / (1 + m.exp(-u))
        names = {sympy.exp: "exp", sympy.log: "log", sympy.tanh: "tanh", sympy.sin: "sin", sympy.cos: "cos", erf: "erf"}
        names[sympy.atan] = "arctan"
        if expr.func in names:
            return getattr(m, names[expr.func])(u)
        return m.cos(u * 3 + len(expr.func.__name__)) + u / 7  # some function that nobody defined

    def _power(self, base: Any, exponent: Any, written: Expr) -> Any:
        if base == 0 and exponent <= 0:
            raise NoValue("0 to a power")
        if base > 0 or written.is_integer:
            return base ** (round(exponent) if written.is_integer else exponent)
        if isinstance(written, sympy.Rational) and written.q % 2:
            return (-1 if written.p % 2 else 1) * abs(base) ** exponent
        raise NoValue("a root of a negative number")


def agree(left: Expr, right: Expr, point: Point, indices: Mapping[Symbol, int]) -> bool | None:
    """Whether two expressions have the same value; None where one has none."""
    try:
        first, second = point.value(left, indices), point.value(right, indices)
        if abs(first - second) <= 1e-9 * max(1.0, abs(first), abs(second)):
            return True
        sure = Point(point.seed, point.sizes, point.definitions, point.positive, point.selectors, exact=True)
        with mpmath.workdps(50):
            first, second = sure.value(left, indices), sure.value(right, indices)
            return bool(abs(first - second) <= mpmath.mpf(10) ** -25 * max(1, abs(first), abs(second)))
    except NoValue:
        return None


# The oracle itself

N, K = size("N"), size("K")
i, j, k = index("i"), index("j"), index("k")
x, a = tensor("x"), scalar("a")
POINT = Point(1, {"N": 3, "K": 4})
DATA = [POINT.datum("x", (n,)) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (N / K, 0.75),
        (total(x[k], [(k, N)]), sum(DATA)),
        (total(k * x[k], [(k, N)]), DATA[0] + 2 * DATA[1] + 3 * DATA[2]),
        (total(x[k], [(k, N)]) ** 2, sum(DATA) ** 2),
        (sympy.Sum(x[j] * x[k], (j, 1, k), (k, 1, N)), sum(DATA[p] * DATA[q] for q in range(3) for p in range(q + 1))),
        (total(sympy.KroneckerDelta(i, k) * x[k], [(k, N)]), DATA[1]),
        (sympy.sqrt(x[i] ** 2), abs(DATA[1])),
        ((-abs(a) - 1) ** Rational(1, 3), -((abs(POINT.datum("a", ())) + 1) ** (1 / 3))),
        ((-abs(a) - 1) ** Rational(2, 3), (abs(POINT.datum("a", ())) + 1) ** (2 / 3)),
        (sigmoid(x[i]) + sigmoid(-x[i]), 1.0),
        (sympy.Product(x[k], (k, 1, 2)), DATA[0] * DATA[1]),
        (sympy.sqrt(-1 - a**2), None),
        (sympy.log(-sympy.exp(a)), None),
    ],
)
def test_values(expr: Expr, expected: float | None) -> None:
    if expected is None:
        assert agree(expr, expr, POINT, {i: 2}) is None
    else:
        assert POINT.value(expr, {i: 2}) == pytest.approx(expected)


def test_differences_are_seen() -> None:
    assert agree(x[i], x[j], POINT, {i: 1, j: 2}) is False
    assert agree(x[i], x[j], POINT, {i: 2, j: 2}) is True
    assert agree(x[i] + Rational(1, 10**9), x[i], POINT, {i: 1}) is not None
