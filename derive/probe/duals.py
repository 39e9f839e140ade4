"""Forward-mode differentiation: numbers that carry the slope with which they move.

A number that does not move stays a plain one. Each derivative that is being taken has a tag of its own, the
inner ones higher, so that derivatives inside derivatives do not confuse what moves for whom (Siskind and
Pearlmutter, *Perturbation confusion and referential transparency*, 2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.probe.arithmetic import Arithmetic, Number


class Dual:
    """``value + slope * ε``, where ε belongs to the derivative ``tag``; both parts may move with lower
    tags."""

    __slots__ = ("slope", "tag", "value")

    def __init__(self, tag: int, value: Number, slope: Number) -> None:
        self.tag = tag
        self.value = value
        self.slope = slope

    def __add__(self, other: Number) -> Dual:
        if isinstance(other, Dual):
            if other.tag == self.tag:
                return Dual(self.tag, self.value + other.value, self.slope + other.slope)
            if other.tag > self.tag:
                return Dual(other.tag, self + other.value, other.slope)
        return Dual(self.tag, self.value + other, self.slope)

    def __mul__(self, other: Number) -> Dual:
        if isinstance(other, Dual):
            if other.tag == self.tag:
                slope = self.slope * other.value + self.value * other.slope
                return Dual(self.tag, self.value * other.value, slope)
            if other.tag > self.tag:
                return Dual(other.tag, self * other.value, self * other.slope)
        return Dual(self.tag, self.value * other, self.slope * other)

    __radd__ = __add__
    __rmul__ = __mul__


@dataclass(frozen=True)
class Duals:
    """An arithmetic whose functions also take dual numbers."""

    base: Arithmetic

    @property
    def cost(self) -> int:
        return self.base.cost

    def number(self, value: Fraction) -> Number:
        return self.base.number(value)

    def pi(self) -> Number:
        return self.base.pi()

    def power(self, a: Number, exponent: Fraction) -> Number:
        if not isinstance(a, Dual):
            return self.base.power(a, exponent)
        value = self.power(a.value, exponent)
        if exponent == 0:
            return value
        return Dual(a.tag, value, self.power(a.value, exponent - 1) * self.number(exponent) * a.slope)

    def call(self, function: str, a: Number) -> Number:
        if not isinstance(a, Dual):
            return self.base.call(function, a)
        value = self.call(function, a.value)
        return Dual(a.tag, value, self._slope(function, a.value, value) * a.slope)

    def _slope(self, function: str, u: Number, value: Number) -> Number:
        """The derivative at ``u``, where the function has this value; written down here a second time on
        purpose."""
        match function:
            case "exp":
                return value
            case "log":
                return self.power(u, Fraction(-1))
            case "abs":  # 2 step - 1: at 0, where the sign is 0, it has no slope
                return self.call("step", u) * self.number(Fraction(2)) + self._minus(self._one)
            case "sign" | "step":
                return self.call("step", u) * self.number(Fraction(0))
            case "sigmoid":
                return value * (self._one + self._minus(value))
            case "softplus":
                return self.call("sigmoid", u)
            case "tanh":
                return self._one + self._minus(value * value)
            case "sin":
                return self.call("cos", u)
            case "cos":
                return self._minus(self.call("sin", u))
            case "erf":
                root = self.base.power(self.pi(), Fraction(-1, 2))
                return self.call("exp", self._minus(u * u)) * root * self.number(Fraction(2))
            case "arctan":
                return self.power(self._one + u * u, Fraction(-1))
        raise KeyError(function)

    @property
    def _one(self) -> Number:
        return self.number(Fraction(1))

    def _minus(self, a: Number) -> Number:
        return a * self.number(Fraction(-1))
