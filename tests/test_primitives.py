"""The table of elementwise functions: each row's parts fit each other and the rest of the package."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import sympy
from graphs import Values

from derive.language import erf, scalar, sigmoid
from derive.primitives import BY_FUNCTION, BY_NAME, PRIMITIVES, Primitive, maximum, minimum
from derive.probe.arithmetic import Floats, Intervals, middle

u, v = scalar("u"), scalar("v")
POINTS = (0.2, 0.7, 1.3, 2.5)

PLAIN: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "abs": abs,
    "sign": lambda t: math.copysign(1.0, t),
    "sigmoid": lambda t: 1 / (1 + math.exp(-t)),
    "softplus": lambda t: math.log1p(math.exp(t)),
    "tanh": math.tanh,
    "erf": math.erf,
    "sin": math.sin,
    "cos": math.cos,
    "arctan": math.atan,
    "step": lambda t: float(t > 0),
}


def test_every_row_is_tested_here() -> None:
    assert {p.name for p in PRIMITIVES} == set(PLAIN)


@pytest.mark.parametrize("primitive", PRIMITIVES, ids=lambda p: p.name)
def test_the_derivative(primitive: Primitive) -> None:
    function = PLAIN[primitive.name]
    for at in (*POINTS, *(() if primitive.name == "log" else (-t for t in POINTS))):
        slope = (function(at + 1e-6) - function(at - 1e-6)) / 2e-6
        found = Values({}, {"u": np.array(at)})(primitive.derivative(u))
        assert float(found) == pytest.approx(slope, rel=1e-7, abs=1e-8)
        assert Floats().call(primitive.name, at) == pytest.approx(function(at))
        found = Intervals(80).call(primitive.name, Intervals(80).number(Fraction(at)))
        assert float(middle(found, 17)) == pytest.approx(function(at), rel=1e-14)


def test_each_function_has_one_row_and_each_name_one_function() -> None:
    assert len(BY_FUNCTION) == len(PRIMITIVES)
    names = [name for p in PRIMITIVES for name in (p.name, *p.aliases)]
    assert len(names) == len(set(names)) == len(BY_NAME)
    assert BY_NAME["ln"].function is sympy.log
    assert BY_FUNCTION[sigmoid].name == "sigmoid" and BY_FUNCTION[erf].name == "erf"


@pytest.mark.parametrize("primitive", PRIMITIVES, ids=lambda p: p.name)
def test_numpy_has_the_functions_that_are_said_to_be_its_own(primitive: Primitive) -> None:
    if primitive.numpy:
        assert getattr(np, primitive.numpy)(0.7) == pytest.approx(PLAIN[primitive.name](0.7))


@pytest.mark.parametrize(("first", "second"), [(1.0, 2.0), (2.0, -3.0), (-1.0, -1.0)])
def test_the_larger_and_the_smaller(first: float, second: float) -> None:
    values = Values({}, lambda name, indices: {"u": first, "v": second}[name])
    assert values(maximum(u, v)) == max(first, second)
    assert values(minimum(u, v)) == min(first, second)
