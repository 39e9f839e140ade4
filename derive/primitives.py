"""The elementwise functions: one row each, with derivative, normal form and names. To add a function, add its
row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer, Rational

from derive.language import erf, sigmoid, softplus


@dataclass(frozen=True)
class Primitive:
    """An elementwise function of one argument.

    Attributes:
        name: what documents, the normal form and the probe call it.
        function: its SymPy class.
        derivative: u -> the derivative at u.
        latex: how it is written; an operator name where LaTeX has none.
        numpy: NumPy's name for it, or "" where it is composed of others.
        aliases: other names that documents use.
    """

    name: str
    function: type[Expr]
    derivative: Callable[[Expr], Expr]
    latex: str
    numpy: str
    aliases: tuple[str, ...] = ()


def _sign(u: Expr) -> Expr:
    return sympy.sign(u)


PRIMITIVES = (
    Primitive("exp", sympy.exp, sympy.exp, r"\exp", "exp"),
    Primitive("log", sympy.log, lambda u: 1 / u, r"\log", "log", ("ln",)),
    Primitive("abs", sympy.Abs, _sign, "", "abs"),
    Primitive("sign", sympy.sign, lambda u: Integer(0), r"\operatorname{sign}", "sign", ("sgn",)),
    Primitive("sigmoid", sigmoid, lambda u: sigmoid(u) * (1 - sigmoid(u)), r"\sigma", "", ("sigm", "logistic")),
    Primitive("softplus", softplus, sigmoid, r"\operatorname{softplus}", "", ("Softplus",)),
    Primitive("tanh", sympy.tanh, lambda u: 1 - sympy.tanh(u) ** 2, r"\tanh", "tanh"),
    Primitive("erf", erf, lambda u: 2 / sympy.sqrt(sympy.pi) * sympy.exp(-(u**2)), r"\operatorname{erf}", ""),
    Primitive("sin", sympy.sin, sympy.cos, r"\sin", "sin"),
    Primitive("cos", sympy.cos, lambda u: -sympy.sin(u), r"\cos", "cos"),
    Primitive("arctan", sympy.atan, lambda u: 1 / (1 + u**2), r"\arctan", "arctan", ("atan",)),
    Primitive("step", sympy.Heaviside, lambda u: Integer(0), r"\operatorname{step}", "", ("heaviside",)),
)
"""All primitives. `Max` and `Min` of two arguments are read as (a + b +- |a - b|)/2 and have no row."""

BY_NAME = {name: p for p in PRIMITIVES for name in (p.name, *p.aliases)}
BY_FUNCTION = {p.function: p for p in PRIMITIVES}


def _cosh(u: Expr) -> Expr:
    return (sympy.exp(u) + sympy.exp(-u)) / 2


def _arcsin(u: Expr) -> Expr:
    return sympy.atan(u / sympy.sqrt(1 - u**2))


COMPOSED: dict[str, Callable[[Expr], Expr]] = {
    "cosh": _cosh,
    "sinh": lambda u: (sympy.exp(u) - sympy.exp(-u)) / 2,
    "sech": lambda u: 1 / _cosh(u),
    "coth": lambda u: 1 / sympy.tanh(u),
    "tan": lambda u: sympy.sin(u) / sympy.cos(u),
    "cot": lambda u: sympy.cos(u) / sympy.sin(u),
    "sec": lambda u: 1 / sympy.cos(u),
    "csc": lambda u: 1 / sympy.sin(u),
    "softsign": lambda u: u / (1 + sympy.Abs(u)),
    "logit": lambda u: sympy.log(u / (1 - u)),
    "sqrt": sympy.sqrt,
    **dict.fromkeys(("swish", "Swish", "silu", "SiLU"), lambda u: u * sigmoid(u)),
    **dict.fromkeys(("gelu", "GELU"), lambda u: u * (1 + erf(u / sympy.sqrt(2))) / 2),
    "mish": lambda u: u * sympy.tanh(sympy.log(1 + sympy.exp(u))),
    "logsigmoid": lambda u: sympy.log(sigmoid(u)),
    **dict.fromkeys(("arcsin", "asin"), _arcsin),
    **dict.fromkeys(("arccos", "acos"), lambda u: sympy.pi / 2 - _arcsin(u)),
    "erfc": lambda u: 1 - erf(u),
    "expm1": lambda u: sympy.exp(u) - 1,
    "log1p": lambda u: sympy.log(1 + u),
    **dict.fromkeys(("arcosh", "arccosh"), lambda u: sympy.log(u + sympy.sqrt(u**2 - 1))),
    **dict.fromkeys(("artanh", "arctanh"), lambda u: sympy.log((1 + u) / (1 - u)) / 2),
    **dict.fromkeys(("arsinh", "arcsinh"), lambda u: sympy.log(u + sympy.sqrt(u**2 + 1))),
}
"""Functions that others say exactly, by the names that documents use."""

INVERSES: dict[str, Callable[[Expr], Expr]] = {
    "exp": sympy.log,
    "log": sympy.exp,
    "sigmoid": COMPOSED["logit"],
    "tanh": COMPOSED["artanh"],
    "sinh": COMPOSED["arsinh"],
    "softplus": lambda u: sympy.log(sympy.exp(u) - 1),
    "sin": _arcsin,
    "cos": COMPOSED["arccos"],
    "tan": sympy.atan,
}
"""Inverse functions, where they have one value or a customary one."""


def maximum(a: Expr, b: Expr) -> Expr:
    """max(a, b) = (a + b + |a - b|)/2."""
    return Rational(1, 2) * (a + b + sympy.Abs(a - b))


def minimum(a: Expr, b: Expr) -> Expr:
    """min(a, b) = (a + b - |a - b|)/2."""
    return Rational(1, 2) * (a + b - sympy.Abs(a - b))
