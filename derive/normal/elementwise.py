"""Elementwise functions: exp and log split products and sums, others are written with them where that is canonical.

`RULES` is the table of rewritings. A function without a row is opaque: equal for equal arguments, and nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, cast

from derive.normal import deltas
from derive.normal.atoms import (
    Atom,
    Monomial,
    Poly,
    Rational,
    add,
    add_to,
    constant,
    magnitude,
    rational,
    scale,
    terms,
    variable,
)
from derive.normal.division import reduce
from derive.normal.limits import GaveUp, Undefined
from derive.normal.powers import leads_negative, power, prime_factors, primitive
from derive.normal.signs import factor_sign, parity

if TYPE_CHECKING:
    from derive.normal.algebra import Algebra


def function(algebra: Algebra, name: str, *arguments: Poly) -> Poly:
    """A function of some arguments, rewritten where `RULES` has a rule for it."""
    for k, argument in enumerate(arguments):
        with_argument = partial(_with_argument, algebra, name, arguments, k)
        apart = deltas.split(algebra, argument, with_argument)
        if apart is not None:
            return apart
    arguments = tuple(reduce(algebra, argument) for argument in arguments)
    rule = RULES.get(name)
    return _opaque(algebra, name, *arguments) if rule is None else rule(algebra, *arguments)


def _with_argument(algebra: Algebra, name: str, arguments: tuple[Poly, ...], k: int, p: Poly) -> Poly:
    """The function with its k-th argument replaced."""
    return function(algebra, name, *arguments[:k], p, *arguments[k + 1 :])


def _opaque(algebra: Algebra, name: str, *arguments: Poly) -> Poly:
    return variable(algebra.atoms.get("function", name, *(terms(p) for p in arguments)))


# Exponentials and logarithms


def exp(algebra: Algebra, p: Poly) -> Poly:
    """exp(a + b) = exp(a) exp(b), exp(c log a) = a**c for a number c."""
    apart = deltas.split(algebra, p, lambda q: exp(algebra, q))
    if apart is not None:
        return apart
    total = constant(1)
    for monomial, c in reduce(algebra, p).items():
        if len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0].is_function("log"):
            total = algebra.multiply(total, power(algebra, monomial[0][0].base, c))
        else:
            total = algebra.multiply(total, variable(algebra.atoms.get("exp", monomial), c))
    return total


def log(algebra: Algebra, p: Poly) -> Poly:
    """log(a b**c) = log(a) + c log(b) for positive a and b."""
    apart = deltas.split(algebra, p, lambda q: log(algebra, q))
    if apart is not None:
        return apart
    p = reduce(algebra, p)
    if len(p) > 1:
        content, monomial, base = primitive(algebra, p, Fraction(1, 2))
        if len(base) == 1 and base != constant(1):
            return add(log(algebra, {monomial: content}), log(algebra, base))
    elif p:
        ((monomial, content),) = p.items()
        base = constant(1)
    else:
        raise Undefined("the logarithm of zero")
    total: Poly = {}
    for prime, times in prime_factors(magnitude(content)):
        add_to(total, _opaque(algebra, "log", constant(prime)), times)
    stuck: dict[Atom, Rational] = {}
    for atom, k in monomial:
        part = _log_of_factor(algebra, atom, k)
        if part is None:
            stuck[atom] = k
        else:
            add_to(total, part)
    add_to(total, _stuck_log(algebra, base, stuck, -1 if content < 0 else 1))
    return total


def _log_of_factor(algebra: Algebra, atom: Atom, k: Rational) -> Poly | None:
    """log(atom**k) apart from the other factors, where their signs allow it."""
    if atom.kind == "exp":
        return {atom.factors: k}
    if atom.kind == "prime":
        return scale(_opaque(algebra, "log", constant(cast(int, atom.args[0]))), k)
    if algebra.sign(atom) or parity(k) == "root":
        return scale(_log_of_atom(algebra, atom), k)
    if parity(k) == "even":
        return scale(log(algebra, algebra.function("abs", variable(atom))), k)
    return None


def _log_of_atom(algebra: Algebra, atom: Atom) -> Poly:
    return log(algebra, atom.base) if atom.kind == "power" else _opaque(algebra, "log", variable(atom))


def _stuck_log(algebra: Algebra, base: Poly, factors: Mapping[Atom, Rational], sign: int) -> Poly:
    """The logarithm of factors whose signs are unknown: together, squares taken out."""
    if len(factors) == 1 and sign > 0 and base == {(): 1}:
        ((atom, k),) = factors.items()
        return scale(_log_of_atom(algebra, atom), k)  # the logarithm of x**odd presumes x > 0
    total: Poly = {}
    inside: dict[Atom, Rational] = {}
    for atom, k in factors.items():
        squares = 2 * (k / 2).__floor__() if isinstance(k, Fraction) else k - k % 2
        inside[atom] = rational(k - squares)
        if squares:
            add_to(total, log(algebra, algebra.function("abs", variable(atom))), squares)
    rest = scale(algebra.multiply(base, algebra.settle(inside)) if inside else base, sign)
    if rest != {(): 1}:
        add_to(total, _opaque(algebra, "log", rest))
    return total


def symbolic_power(algebra: Algebra, base: Poly, exponent: Poly, whole: bool) -> Poly:
    """``base**exponent`` = exp(exponent log(base)), which presumes a positive base.

    A base of unknown sign has whole powers too; for a ``whole`` exponent the power stays as it is, but for
    b**(c m + n) = (b**m)**c b**n with numbers c and n.
    """
    apart = deltas.split(algebra, base, lambda p: symbolic_power(algebra, p, exponent, whole))
    if apart is not None:
        return apart
    if not base and algebra.sign_of(exponent) == "positive":
        return {}
    if not whole or not base or algebra.sign_of(base):
        return exp(algebra, algebra.multiply(exponent, log(algebra, base)))
    total = constant(1)
    for monomial, c in exponent.items():
        if c.denominator != 1:
            raise GaveUp("a whole power with a fraction in its exponent, of a base that may be negative")
        whole_power = _opaque(algebra, "pow", base, {monomial: 1}) if monomial else base
        total = algebra.multiply(total, power(algebra, whole_power, c))
    return total


# Absolute values


def absolute(algebra: Algebra, p: Poly) -> Poly:
    """|a b| = |a| |b|, and the value itself where its sign is known."""
    p = reduce(algebra, p)
    if not p:
        return {}
    for candidate in (p, scale(p, -1)):
        if algebra.sign_of(candidate):
            return candidate
    if len(p) == 1:
        ((monomial, c),) = p.items()
        return _absolute_term(algebra, monomial, c)
    content, monomial, base = primitive(algebra, p, 1)
    outside = _absolute_term(algebra, monomial, content)
    if len(base) == 1:
        return algebra.multiply(outside, absolute(algebra, base))
    if leads_negative(base):
        base = scale(base, -1)
    inside = base if algebra.sign_of(base) else _opaque(algebra, "abs", base)
    return algebra.multiply(outside, inside)


def _absolute_term(algebra: Algebra, monomial: Monomial, c: Rational) -> Poly:
    total = constant(magnitude(c))
    for atom, k in monomial:
        if factor_sign(algebra, atom, k):
            factor: Poly = {((atom, k),): 1}
        elif atom.kind == "power":
            factor = power(algebra, absolute(algebra, atom.base), k)
        elif atom.is_function("pow"):
            factor = power(algebra, _pow(algebra, absolute(algebra, atom.base), atom.parts[1]), k)
        else:
            factor = power(algebra, _opaque(algebra, "abs", variable(atom)), k)
        total = algebra.multiply(total, factor)
    return total


def _signum(algebra: Algebra, p: Poly) -> Poly:
    """|u|/u, undefined at zero."""
    return algebra.multiply(absolute(algebra, p), power(algebra, p, -1))


def _step(algebra: Algebra, p: Poly) -> Poly:
    """(1 + sign(u))/2."""
    return scale(add(constant(1), _signum(algebra, p)), Fraction(1, 2))


def _maximum(algebra: Algebra, p: Poly, q: Poly) -> Poly:
    """(a + b + |a - b|)/2."""
    return scale(add(add(p, q), algebra.function("abs", add(p, q, -1))), Fraction(1, 2))


def _minimum(algebra: Algebra, p: Poly, q: Poly) -> Poly:
    """(a + b - |a - b|)/2."""
    return scale(add(add(p, q), algebra.function("abs", add(p, q, -1)), -1), Fraction(1, 2))


# Functions of exponentials, odd and even functions


def _sigmoid(algebra: Algebra, p: Poly) -> Poly:
    """1 - 1/(1 + exp(u))."""
    return add(constant(1), power(algebra, add(constant(1), exp(algebra, p)), -1), -1)


def _softplus(algebra: Algebra, p: Poly) -> Poly:
    """log(1 + exp(u))."""
    return log(algebra, add(constant(1), exp(algebra, p)))


def _tanh(algebra: Algebra, p: Poly) -> Poly:
    """1 - 2/(1 + exp(2u))."""
    return add(constant(1), power(algebra, add(constant(1), exp(algebra, scale(p, 2))), -1), -2)


def _odd(name: str) -> Callable[[Algebra, Poly], Poly]:
    """f(-u) = -f(u)."""

    def rule(algebra: Algebra, p: Poly) -> Poly:
        if not p:
            return {}
        if leads_negative(p):
            return scale(_opaque(algebra, name, scale(p, -1)), -1)
        return _opaque(algebra, name, p)

    return rule


def _even(name: str, at_zero: int) -> Callable[[Algebra, Poly], Poly]:
    """f(-u) = f(u)."""

    def rule(algebra: Algebra, p: Poly) -> Poly:
        if not p:
            return constant(at_zero)
        return _opaque(algebra, name, scale(p, -1) if leads_negative(p) else p)

    return rule


def _pow(algebra: Algebra, base: Poly, exponent: Poly) -> Poly:
    return symbolic_power(algebra, base, exponent, whole=True)


RULES: dict[str, Callable[..., Poly]] = {
    "exp": exp,
    "log": log,
    "pow": _pow,
    "abs": absolute,
    "sign": _signum,
    "step": _step,
    "max": _maximum,
    "min": _minimum,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "tanh": _tanh,
    "sin": _odd("sin"),
    "erf": _odd("erf"),
    "arctan": _odd("arctan"),
    "cos": _even("cos", at_zero=1),
}
"""Functions with a canonical rewriting."""
