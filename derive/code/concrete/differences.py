"""Finite differences along a line, from which a gradient's truth is read.

A true gradient's differences are exact to some 1e-10 of their size, a missing term of relative size 1e-3 shows a
thousand times above `TOLERANCE`: central differences of sixth order at a step of 3e-4 have an error of 1e-21 times the
seventh derivative, and rounding adds some 1e-12 of the function's value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

STEP = 3e-4
TOLERANCE = 1e-6
"""Relative to the size of what is compared."""
FLOOR = 1e-9
"""Relative to the function's value: below this a gradient is zero."""

WEIGHTS = ((1, 45 / 60), (2, -9 / 60), (3, 1 / 60))
"""Weights of f(kh) - f(-kh), divided by h: Fornberg, Generation of finite difference formulas (1988), table 1."""
FOURTH = ((1, 8 / 12), (2, -1 / 12))


class Kink(Exception):
    """The function is not smooth between the points of a difference: it has to be taken elsewhere."""


@dataclass(frozen=True)
class Slope:
    """A directional derivative.

    Attributes:
        value: of sixth order.
        error: how far that of fourth order is from it; more than the error.
    """

    value: float
    error: float


def slope(along: Callable[[float], float]) -> Slope:
    """The derivative of a function of one number at 0."""
    rises = {k: along(k * STEP) - along(-k * STEP) for k, _ in WEIGHTS}
    sixth, fourth = (sum(w * rises[k] for k, w in weights) / STEP for weights in (WEIGHTS, FOURTH))
    return Slope(sixth, abs(sixth - fourth))


def agree(claimed: float, true: Slope, scale: float, value: float) -> bool:
    """Whether a claimed slope is the true one.

    Args:
        scale: the sum of the sizes of what was summed up to ``claimed``.
        value: the function's value.
    """
    allowed = TOLERANCE * max(scale, abs(true.value)) + FLOOR * (1 + abs(value))
    return abs(claimed - true.value) <= allowed


def reliable(true: Slope, scale: float, value: float) -> bool:
    """Whether the differences are exact enough to judge by."""
    return true.error <= 100 * (TOLERANCE * max(scale, abs(true.value)) + FLOOR * (1 + abs(value)))
