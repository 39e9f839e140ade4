"""Powers and roots: factor by factor where signs allow it, else one root of a canonical base.

An odd root is that of the real line, defined for negative numbers and multiplicative, and is treated like an integer
power. For an even root the signs of the factors matter: √(x²y) = |x|√y, but √(xy) of two factors of unknown sign stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, cast

from derive.normal import deltas
from derive.normal.atoms import (
    Atom,
    Factor,
    Monomial,
    Poly,
    Rational,
    add,
    add_to,
    constant,
    ids,
    magnitude,
    rational,
    scale,
    terms,
    variable,
)
from derive.normal.division import reduce
from derive.normal.limits import MAX_BITS, MAX_EXPONENT, MAX_PRIME, GaveUp, Undefined
from derive.normal.signs import parity

if TYPE_CHECKING:
    from derive.normal.algebra import Algebra


def power(algebra: Algebra, p: Poly, e: Rational) -> Poly:
    """``p**e`` for a rational exponent."""
    e = rational(e)
    if e == 1:
        return p
    if e == 0:
        return constant(1)
    if not p:
        if e < 0:
            raise Undefined("division by zero")
        return {}
    if len(p) == 1:
        ((monomial, coefficient),) = p.items()
        return _term_power(algebra, monomial, coefficient, e)
    if isinstance(e, int) and e > 0:
        return _repeated(algebra, p, e)
    apart = deltas.split(algebra, p, lambda q: power(algebra, q, e))
    if apart is not None:
        return apart
    reduced = reduce(algebra, p)
    return _base_power(algebra, p, e) if len(reduced) > 1 else power(algebra, reduced, e)


def _repeated(algebra: Algebra, p: Poly, times: int) -> Poly:
    """``p`` multiplied by itself."""
    if times > MAX_EXPONENT and len(p) > 1:
        raise GaveUp(f"a power of {times}")
    result = constant(1)
    while times:
        if times & 1:
            result = algebra.multiply(result, p)
        times >>= 1
        if times:
            p = algebra.multiply(p, p)
    return result


# The power of one term


def _term_power(algebra: Algebra, monomial: Monomial, coefficient: Rational, e: Rational) -> Poly:
    if parity(e) != "root":
        sign = -1 if coefficient < 0 and parity(e) == "odd" else 1
        raised = algebra.settle({atom: rational(k * e) for atom, k in monomial}) if monomial else constant(1)
        return scale(algebra.multiply(raised, _number_power(algebra, magnitude(coefficient), e)), sign)
    total = _number_power(algebra, magnitude(coefficient), e)
    stuck: dict[Atom, Rational] = {}
    for atom, k in monomial:
        if algebra.sign(atom) or parity(k) == "root":
            total = algebra.multiply(total, algebra.settle({atom: rational(k * e)}))
        elif parity(k) == "even":
            total = algebra.multiply(total, power(algebra, algebra.function("abs", variable(atom)), k * e))
        else:
            stuck[atom] = k
    if stuck or coefficient < 0:
        total = algebra.multiply(total, _stuck_root(algebra, stuck, coefficient < 0, e))
    return total


def _stuck_root(algebra: Algebra, factors: Mapping[Atom, Rational], negative: bool, e: Rational) -> Poly:
    """An even root of odd powers of factors whose signs are unknown: together under one root, squares taken out."""
    if not factors:
        raise Undefined("an even root of a negative number")
    if len(factors) == 1 and not negative:
        ((atom, k),) = factors.items()
        return algebra.settle({atom: rational(k * e)})  # a root of x**odd presumes x >= 0
    total = constant(1)
    inside: dict[Atom, Rational] = {}
    for atom, k in factors.items():
        squares = 2 * (k / 2).__floor__() if isinstance(k, Fraction) else k - k % 2
        inside[atom] = rational(k - squares)
        if squares:
            outside = power(algebra, algebra.function("abs", variable(atom)), squares * e)
            total = algebra.multiply(total, outside)
    product = scale(algebra.settle(inside), -1 if negative else 1)
    root = _base(algebra, product, e) if len(product) == 1 else _base_power(algebra, product, e)
    return algebra.multiply(total, root)


def _number_power(algebra: Algebra, value: Rational, e: Rational) -> Poly:
    """A positive number to a rational power, with primes under roots."""
    if isinstance(e, int):
        return constant(whole_power(value, e))
    if value == 1:
        return constant(1)
    total = constant(1)
    for prime, k in prime_factors(value):
        total = algebra.multiply(total, algebra.settle({algebra.atoms.get("prime", prime): rational(k * e)}))
    return total


# The power of several terms


def _base_power(algebra: Algebra, p: Poly, e: Rational) -> Poly:
    """Content out, a primitive base in."""
    content, monomial, base = primitive(algebra, p, e)
    outside = _term_power(algebra, monomial, content, e)
    if len(base) == 1:
        ((m, c),) = base.items()
        return algebra.multiply(outside, _term_power(algebra, m, c, e))
    return algebra.multiply(outside, _signed_power(algebra, base, e))


def _signed_power(algebra: Algebra, base: Poly, e: Rational) -> Poly:
    """Powers of ``a - b`` and ``b - a`` share one base, but for even roots, which have their own."""
    if not leads_negative(base):
        return _base(algebra, base, e)
    if parity(e) != "root":
        return scale(_base(algebra, scale(base, -1), e), -1 if parity(e) == "odd" else 1)
    return _base(algebra, base, e)


def _base(algebra: Algebra, base: Poly, e: Rational) -> Poly:
    atom = algebra.atoms.get("power", terms(base))
    folded = power_of(algebra, atom, e)
    return variable(atom, e) if folded is None else folded


def primitive(algebra: Algebra, p: Poly, e: Rational) -> tuple[Rational, Monomial, Poly]:
    """``p`` as content * monomial * base, such that ``p**e`` is the product of their powers.

    Denominators of several terms come out only when nothing else does and nothing cancels against them.
    """
    content: Rational = 1
    common: dict[Atom, Rational] = {}
    while True:
        p = reduce(algebra, p)
        factor = _content(p)
        shared = [(atom, k) for atom, k in _lowest(p) if _comes_out(algebra, atom, k, e)]
        if factor == 1 and not shared:
            return content, tuple((atom, k) for atom, k in common.items() if k), p
        shared = [(atom, k) for atom, k in shared if atom.kind != "power"] or shared
        p = _divided(algebra, p, shared, factor)
        content = rational(content * factor)
        for atom, k in shared:
            common[atom] = rational(common.get(atom, 0) + k)


def _content(p: Poly) -> Rational:
    """The greatest common divisor of the coefficients."""
    numerator = gcd(*(c.numerator for c in p.values()))
    return rational(Fraction(numerator, lcm(*(c.denominator for c in p.values()))))


def _divided(algebra: Algebra, p: Poly, common: Iterable[Factor], content: Rational) -> Poly:
    """``p`` divided by a common factor."""
    total: Poly = {}
    for monomial, c in (p if content == 1 else scale(p, 1 / Fraction(content))).items():
        exponents = dict(monomial)
        for atom, k in common:
            exponents[atom] = rational(exponents.get(atom, 0) - k)
        add_to(total, algebra.settle(exponents) if exponents else constant(1), c)
    return total


def _lowest(p: Poly) -> list[tuple[Atom, Rational]]:
    """The lowest exponent of each atom, where that is not 0."""
    lowest: dict[Atom, Rational] = {}
    seen: dict[Atom, int] = {}
    for monomial in p:
        for atom, k in monomial:
            lowest[atom] = min(k, lowest.get(atom, k))
            seen[atom] = seen.get(atom, 0) + 1
    return sorted((atom, k) for atom, k in lowest.items() if k < 0 or seen[atom] == len(p))


def _comes_out(algebra: Algebra, atom: Atom, k: Rational, e: Rational) -> bool:
    """Whether ``atom**k`` may be taken apart from the other factors under the exponent ``e``."""
    if atom.kind in ("delta", "order"):
        return False
    return parity(e) != "root" or parity(k) != "odd" or bool(algebra.sign(atom))


def leads_negative(p: Poly) -> bool:
    """Which of p and -p is written with a minus: by the sum of the coefficients, then by the first term."""
    total = sum(p.values())
    if total:
        return total < 0
    return p[min(p, key=ids)] < 0


# Powers of single atoms


def power_of(algebra: Algebra, atom: Atom, e: Rational) -> Poly | None:
    """The canonical form of ``atom**e`` where it is not just that."""
    if e == 0:
        return constant(1)
    if atom.kind == "prime" and not 0 < e < 1:
        whole = e.__floor__()
        number = constant(whole_power(cast(int, atom.args[0]), whole))
        return algebra.multiply(number, variable(atom, rational(e - whole))) if e != whole else number
    if atom.kind == "power" and (e >= 1 or (e < 0 and _folds(atom))):
        whole = e.__floor__()
        expanded = power(algebra, atom.base, whole)
        return algebra.multiply(expanded, variable(atom, rational(e - whole))) if e != whole else expanded
    if atom.kind == "order" and e != 1:
        if e < 0:
            raise Undefined("division by what is 0 for some indices")
        return variable(atom)
    if atom.kind == "function":
        return _function_power(algebra, atom, e)
    if e > 0 and algebra.is_indicator(atom):
        return None if e == 1 else variable(atom)
    return None


def _folds(atom: Atom) -> bool:
    """Whether whole negative powers of a base belong to other atoms: its factors, or the base with the other sign."""
    return len(atom.base) == 1 or leads_negative(atom.base)


def _function_power(algebra: Algebra, atom: Atom, e: Rational) -> Poly | None:
    """abs(u)**e keeps an exponent between 0 and 2, sin(u)**e one below 2; the rest is written with u or cos(u)."""
    if atom.is_function("abs") and parity(e) == "even":
        return power(algebra, atom.base, e)
    if atom.is_function("abs") and not 0 < e < 2:
        pairs = 2 * (e / 2).__floor__() if isinstance(e, Fraction) else e - e % 2
        squares = power(algebra, atom.base, pairs)
        return algebra.multiply(squares, variable(atom, rational(e - pairs))) if e != pairs else squares
    if atom.is_function("sin") and isinstance(e, int) and e >= 2:
        cosine = algebra.function("cos", atom.base)
        squares = _repeated(algebra, add(constant(1), power(algebra, cosine, 2), -1), e // 2)
        return algebra.multiply(squares, variable(atom)) if e % 2 else squares
    return None


# Numbers


def whole_power(value: Rational, e: int) -> Rational:
    """A number to a whole power."""
    if value == 1:
        return 1
    if abs(e) * max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise GaveUp("a number with too many digits")
    return rational(Fraction(value) ** e)


def prime_factors(value: Rational) -> list[tuple[int, int]]:
    """Prime factors of a positive number with their exponents, by trial division; a large rest counts as prime."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise GaveUp("a number with too many digits")
    found = []
    for part, direction in ((value.numerator, 1), (value.denominator, -1)):
        p = 2
        while p * p <= part and p < MAX_PRIME:
            k = 0
            while part % p == 0:
                part //= p
                k += 1
            if k:
                found.append((p, k * direction))
            p += 1 if p == 2 else 2
        if part > 1:
            found.append((part, direction))
    return found
