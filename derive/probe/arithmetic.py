"""Two kinds of numbers with the same operations: floats, quick, and intervals with outward rounding,
certain."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

from mpmath import libmp
from mpmath.libmp import libmpi

Number: TypeAlias = Any
"""A float, an `Interval` or a `derive.probe.duals.Dual`: whatever has ``+`` and ``*``."""


class OutOfDomain(ArithmeticError):
    """An expression has no real value at this point, or none that this precision can bound."""


class Arithmetic(Protocol):
    """What the evaluator needs of a kind of numbers; the numbers themselves have ``+`` and ``*``.

    Attributes:
        cost: what an operation takes, that of floats being 1.
    """

    @property
    def cost(self) -> int: ...
    def number(self, value: Fraction) -> Number: ...
    def pi(self) -> Number: ...
    def power(self, a: Number, exponent: Fraction) -> Number: ...
    def call(self, function: str, a: Number) -> Number: ...


# -- floats --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Floats:
    """Double precision; for finding a point worth certifying. What is too large for it is no number (nan)."""

    cost = 1

    def number(self, value: Fraction) -> float:
        try:
            return float(value)
        except OverflowError:
            return math.nan

    def pi(self) -> float:
        return math.pi

    def power(self, a: float, exponent: Fraction) -> float:
        try:
            if exponent.denominator == 1:
                return float(a**exponent.numerator)
            if a < 0.0:
                raise OutOfDomain("a root of a negative number")
            return float(a ** float(exponent))
        except OverflowError:
            return math.nan
        except ZeroDivisionError as error:
            raise OutOfDomain("a power without a finite value") from error

    def call(self, function: str, a: float) -> float:
        try:
            return _FLOAT[function](a)
        except OverflowError:
            return math.nan
        except ValueError as error:
            raise OutOfDomain(f"{function} has no finite value here") from error


def _float_sign(a: float) -> float:
    return math.copysign(1.0, a) if a else 0.0


def _float_step(a: float) -> float:
    if a == 0.0:
        raise ValueError
    return 1.0 if a > 0.0 else 0.0


def _float_sigmoid(a: float) -> float:
    return 1.0 / (1.0 + math.exp(-a)) if a >= 0 else math.exp(a) / (1.0 + math.exp(a))


def _float_softplus(a: float) -> float:
    return max(a, 0.0) + math.log1p(math.exp(-abs(a)))


_FLOAT: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "abs": abs,
    "sign": _float_sign,
    "sigmoid": _float_sigmoid,
    "softplus": _float_softplus,
    "tanh": math.tanh,
    "erf": math.erf,
    "sin": math.sin,
    "cos": math.cos,
    "arctan": math.atan,
    "step": _float_step,
}
"""At 0 the sign is 0, and the step has no value: conventions for it differ."""


# -- intervals -----------------------------------------------------------------------------------------------

MAX_EXPONENT_BITS = 40
MAX_ANGLE_BITS = 4000

Raw: TypeAlias = "tuple[Any, Any]"
"""The two ends of an interval, as mpmath keeps them."""


class Interval:
    """The reals between two binary numbers; every operation rounds outward, so that the true value stays
    inside.

    This is the arithmetic of ``mpmath.iv``, by way of the functions underneath it: those take the precision
    as an argument, where ``iv`` has it as a setting that anybody may change meanwhile.
    """

    __slots__ = ("bits", "raw")

    def __init__(self, raw: Raw, bits: int) -> None:
        self.raw = raw
        self.bits = bits

    def __add__(self, other: Interval) -> Interval:
        if not isinstance(other, Interval):
            return NotImplemented
        return Interval(libmpi.mpi_add(self.raw, other.raw, self.bits), self.bits)

    def __mul__(self, other: Interval) -> Interval:
        if not isinstance(other, Interval):
            return NotImplemented
        return Interval(libmpi.mpi_mul(self.raw, other.raw, self.bits), self.bits)

    def __repr__(self) -> str:
        return f"[{', '.join(libmp.to_str(end, 15) for end in self.raw)}]"


@dataclass(frozen=True)
class Intervals:
    """Intervals with ``bits`` of precision."""

    bits: int
    cost = 10

    def number(self, value: Fraction) -> Interval:
        p, q = value.numerator, value.denominator
        low = libmp.from_rational(p, q, self.bits, libmp.round_floor)
        high = libmp.from_rational(p, q, self.bits, libmp.round_ceiling)
        return Interval((low, high), self.bits)

    def pi(self) -> Interval:
        return Interval(libmpi.mpi_pi(self.bits), self.bits)

    def power(self, a: Interval, exponent: Fraction) -> Interval:
        whole = exponent.denominator == 1
        if exponent < 0 and _sign(a.raw) == 0:
            raise OutOfDomain("a negative power of something not known to differ from 0")
        if not whole and libmp.mpf_sign(a.raw[0]) < 0:
            raise OutOfDomain("a root of something not known to be positive")
        return Interval(_power(a.raw, exponent, self.bits), self.bits)

    def call(self, function: str, a: Interval) -> Interval:
        return Interval(_INTERVAL[function](a.raw, self.bits), self.bits)


def disjoint(a: Interval, b: Interval) -> bool:
    """Whether two intervals have no point in common."""
    return bool(libmp.mpf_lt(a.raw[1], b.raw[0]) or libmp.mpf_lt(b.raw[1], a.raw[0]))


def is_pinned(a: Interval, b: Interval, exponent: int) -> bool:
    """Whether the least interval around two is narrower than 2**exponent of its largest number."""
    low, high = _hull(a, b)
    return bool(libmp.mpf_le(libmp.mpf_sub(high, low), libmp.mpf_shift(_largest(low, high), exponent)))


def is_nothing(a: Interval, b: Interval, exponent: int) -> bool:
    """Whether all numbers in two intervals are smaller than 2**exponent."""
    return bool(libmp.mpf_lt(_largest(*_hull(a, b)), libmp.mpf_shift(libmp.fone, exponent)))


def _hull(a: Interval, b: Interval) -> Raw:
    low = a.raw[0] if libmp.mpf_lt(a.raw[0], b.raw[0]) else b.raw[0]
    return low, a.raw[1] if libmp.mpf_gt(a.raw[1], b.raw[1]) else b.raw[1]


def _largest(low: Any, high: Any) -> Any:
    """The larger absolute value of two ends."""
    ends = libmp.mpf_abs(low), libmp.mpf_abs(high)
    return ends[0] if libmp.mpf_gt(*ends) else ends[1]


def middle(interval: Interval, digits: int = 8) -> str:
    """The middle of an interval, in decimals; 0 if nothing tells it from 0."""
    if _sign(interval.raw) == 0:
        return "0"
    text: str = libmp.to_str(libmpi.mpi_mid(interval.raw, interval.bits), digits)
    return text.removesuffix(".0")


def _sign(raw: Raw) -> int:
    """1 or -1 where all of an interval has that sign, else 0."""
    if libmp.mpf_sign(raw[0]) > 0:
        return 1
    return -1 if libmp.mpf_sign(raw[1]) < 0 else 0


def _power(raw: Raw, exponent: Fraction, bits: int) -> Raw:
    if exponent.denominator == 1:
        return libmpi.mpi_pow_int(raw, exponent.numerator, bits)  # type: ignore[no-any-return]
    if exponent.denominator == 2:
        return libmpi.mpi_pow_int(libmpi.mpi_sqrt(raw, bits), exponent.numerator, bits)  # type: ignore[no-any-return]
    if libmp.mpf_sign(raw[0]) == 0:  # increasing, as the exponent is positive here: 0 at the lower end
        high = _power((raw[1], raw[1]), exponent, bits)[1] if libmp.mpf_sign(raw[1]) else libmp.fzero
        return libmp.fzero, high
    scaled = libmpi.mpi_mul(_log(raw, bits), Intervals(bits).number(exponent).raw, bits)
    return _exp(scaled, bits)


def _widened(raw: Raw, bits: int) -> Raw:
    """A little more than an interval. mpmath rounds its elementary functions in the asked direction, but from
    an approximation with a few guard digits, which almost always is the true rounding; this makes it always a
    bound."""
    low, high = raw
    low = libmp.mpf_sub(low, libmp.mpf_shift(libmp.mpf_abs(low), 3 - bits), bits, libmp.round_floor)
    high = libmp.mpf_add(high, libmp.mpf_shift(libmp.mpf_abs(high), 3 - bits), bits, libmp.round_ceiling)
    return low, high


def _exp(raw: Raw, bits: int) -> Raw:
    _check_magnitude(raw, MAX_EXPONENT_BITS)
    return _widened(libmpi.mpi_exp(raw, bits), bits)


def _check_magnitude(raw: Raw, most: int) -> None:
    """Refuse numbers of more binary places before the point than a function can be worked out for in no time."""
    if any(man and exp + size > most for _, man, exp, size in raw):
        raise OutOfDomain("a number too large")


def _wave(function: Callable[[Raw, int], Raw]) -> Callable[[Raw, int], Raw]:
    """The sine or the cosine: of a large number it takes as many digits of pi as that has."""

    def bounded(raw: Raw, bits: int) -> Raw:
        _check_magnitude(raw, MAX_ANGLE_BITS)
        return _widened(function(raw, bits), bits)

    return bounded


def _log(raw: Raw, bits: int) -> Raw:
    if _sign(raw) <= 0:
        raise OutOfDomain("the logarithm of something not known to be positive")
    return _widened(libmpi.mpi_log(raw, bits), bits)


def _interval_sign(raw: Raw, bits: int) -> Raw:
    sign = _sign(raw)
    if sign == 0 and raw == libmpi.mpi_zero:
        return libmpi.mpi_zero  # type: ignore[no-any-return]
    if sign == 0:
        raise OutOfDomain("the sign of something not known to differ from 0")
    return (libmp.fone, libmp.fone) if sign > 0 else (libmp.fnone, libmp.fnone)


def _step(raw: Raw, bits: int) -> Raw:
    sign = _sign(raw)
    if sign == 0:
        raise OutOfDomain("a step at something not known to differ from 0")
    return libmpi.mpi_one if sign > 0 else libmpi.mpi_zero  # type: ignore[no-any-return]


def _sigmoid(raw: Raw, bits: int) -> Raw:
    """1/(1 + exp(-u))."""
    below = libmpi.mpi_add(libmpi.mpi_one, _exp(libmpi.mpi_neg(raw), bits), bits)
    return libmpi.mpi_div(libmpi.mpi_one, below, bits)  # type: ignore[no-any-return]


def _softplus(raw: Raw, bits: int) -> Raw:
    """log(1 + exp(u))."""
    return _log(libmpi.mpi_add(libmpi.mpi_one, _exp(raw, bits), bits), bits)


def _tanh(raw: Raw, bits: int) -> Raw:
    """2 sigmoid(2u) - 1."""
    doubled = tuple(libmp.mpf_shift(end, 1) for end in raw)
    return libmpi.mpi_sub(  # type: ignore[no-any-return]
        tuple(libmp.mpf_shift(end, 1) for end in _sigmoid(doubled, bits)),
        libmpi.mpi_one,
        bits,
    )


def _rising(function: Callable[[Any, int, str], Any]) -> Callable[[Raw, int], Raw]:
    """An increasing function: enclosed between its values at the ends, widened by more than mpmath's error there."""

    def enclosed(raw: Raw, bits: int) -> Raw:
        low, high = (function(end, bits + 30, libmp.round_nearest) for end in raw)
        slack = libmp.mpf_shift(libmp.fone, -bits)
        return (
            libmp.mpf_sub(low, slack, bits, libmp.round_floor),
            libmp.mpf_add(high, slack, bits, libmp.round_ceiling),
        )

    return enclosed


_INTERVAL: dict[str, Callable[[Raw, int], Raw]] = {
    "exp": _exp,
    "log": _log,
    "abs": libmpi.mpi_abs,
    "sign": _interval_sign,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "tanh": _tanh,
    "erf": _rising(libmp.mpf_erf),
    "arctan": _rising(libmp.mpf_atan),
    "sin": _wave(libmpi.mpi_sin),
    "cos": _wave(libmpi.mpi_cos),
    "step": _step,
}
