"""Two kinds of numbers with the same operations: floats, quick, and intervals with outward rounding, certain."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

from mpmath import iv, mp


class OutOfDomain(ArithmeticError):
    """An expression has no real value at this point, or none that this precision can bound."""


class Arithmetic(Protocol):
    """What the evaluator needs of a kind of numbers; numbers themselves support ``+ - *``."""

    def number(self, value: Fraction) -> Any: ...
    def divide(self, a: Any, b: Any) -> Any: ...
    def power(self, a: Any, exponent: Fraction) -> Any: ...
    def call(self, function: str, a: Any) -> Any: ...


class Floats:
    """Double precision; for finding a point worth certifying."""

    def number(self, value: Fraction) -> float:
        return float(value)

    def divide(self, a: float, b: float) -> float:
        if b == 0.0:
            raise OutOfDomain("division by zero")
        return a / b

    def power(self, a: float, exponent: Fraction) -> float:
        if (a == 0.0 and exponent < 0) or (a < 0.0 and exponent.denominator % 2 == 0):
            raise OutOfDomain("a power without a real value")
        try:
            if a < 0.0 and exponent.denominator > 1:
                return math.copysign((-a) ** float(exponent), -1.0 if exponent.numerator % 2 else 1.0)
            return float(a ** float(exponent)) if exponent.denominator > 1 else float(a**exponent.numerator)
        except OverflowError as error:
            raise OutOfDomain("a number too large") from error

    def call(self, function: str, a: float) -> float:
        try:
            return _FLOAT[function](a)
        except (ValueError, OverflowError, ZeroDivisionError) as error:
            raise OutOfDomain(f"{function} has no real value here") from error


def _float_sign(a: float) -> float:
    if a == 0.0:
        raise ValueError
    return math.copysign(1.0, a)


def _float_sigmoid(a: float) -> float:
    return 1.0 / (1.0 + math.exp(-a)) if a >= 0 else math.exp(a) / (1.0 + math.exp(a))


_FLOAT: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "abs": abs,
    "sign": _float_sign,
    "sigmoid": _float_sigmoid,
    "tanh": math.tanh,
    "erf": math.erf,
    "sin": math.sin,
    "cos": math.cos,
    "step": lambda a: (1.0 + _float_sign(a)) / 2.0,
}


class Intervals:
    """Outward-rounded intervals of ``mpmath.iv`` with ``bits`` of precision: the true value always lies inside."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def number(self, value: Fraction) -> Any:
        iv.prec = self.bits
        return iv.mpf(value.numerator) / value.denominator if value.denominator != 1 else iv.mpf(value.numerator)

    def divide(self, a: Any, b: Any) -> Any:
        _away_from_zero(b)
        return a / b

    def power(self, a: Any, exponent: Fraction) -> Any:
        if exponent.denominator == 1:
            if exponent < 0:
                _away_from_zero(a)
            return a**exponent.numerator
        if not a.a > 0:
            raise OutOfDomain("a root of something not known to be positive")
        if exponent.denominator == 2:
            return iv.sqrt(a) ** exponent.numerator
        return iv.exp(iv.log(a) * exponent.numerator / exponent.denominator)

    def call(self, function: str, a: Any) -> Any:
        return _INTERVAL[function](a)


def _away_from_zero(a: Any) -> None:
    if a.a <= 0 <= a.b:
        raise OutOfDomain("division by an interval around zero")


def _interval_log(a: Any) -> Any:
    if not a.a > 0:
        raise OutOfDomain("the logarithm of something not known to be positive")
    return iv.log(a)


def _interval_sign(a: Any) -> Any:
    _away_from_zero(a)
    return iv.mpf(1 if a.a > 0 else -1)


def _interval_tanh(a: Any) -> Any:
    return 1 - 2 / (1 + iv.exp(2 * a))


def _interval_erf(a: Any) -> Any:
    """erf is increasing: enclose it between its values at the ends, widened by more than mpmath's error there."""
    with mp.workprec(iv.prec + 30):
        low, high = mp.erf(mp.mpf(a.a._mpi_[0])), mp.erf(mp.mpf(a.b._mpi_[1]))
        slack = mp.mpf(2) ** (-iv.prec)
        return iv.mpf([low - slack, high + slack])


_INTERVAL: dict[str, Callable[[Any], Any]] = {
    "exp": iv.exp,
    "log": _interval_log,
    "abs": abs,
    "sign": _interval_sign,
    "sigmoid": lambda a: 1 / (1 + iv.exp(-a)),
    "tanh": _interval_tanh,
    "erf": _interval_erf,
    "sin": iv.sin,
    "cos": iv.cos,
    "step": lambda a: (1 + _interval_sign(a)) / 2,
}


def disjoint(a: Any, b: Any) -> bool:
    """Whether two intervals have no point in common."""
    return bool(a.b < b.a or b.b < a.a)


def ends(interval: Any) -> tuple[float, float]:
    """The lower and upper end of an interval, as floats."""
    low, high = interval._mpi_
    return float(mp.mpf(low)), float(mp.mpf(high))
