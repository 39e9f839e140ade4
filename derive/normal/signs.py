"""Signs, read off the shape of an expression: sufficient conditions only, the empty string means unknown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from derive.normal.atoms import Atom, Poly, Rational

if TYPE_CHECKING:
    from derive.normal.algebra import Algebra

Parity = Literal["even", "odd", "root"]


def parity(e: Rational) -> Parity:
    """How ``x**e`` treats a negative x: loses its sign, keeps it, or has no value (an even root)."""
    if e.denominator % 2 == 0:
        return "root"
    return "odd" if e.numerator % 2 else "even"


def sign(algebra: Algebra, atom: Atom) -> str:
    """``positive``, ``nonnegative`` or ``""``, for real data wherever the atom is defined."""
    known = algebra.known_signs.get(atom)
    if known is None:
        known = algebra.known_signs[atom] = _sign(algebra, atom)
    return known


def _sign(algebra: Algebra, atom: Atom) -> str:
    if atom.kind in ("symbol", "element"):
        name = str(atom.args[0])
        if name in algebra.indicators:
            return "nonnegative"
        return "positive" if name in algebra.positive else algebra.sign_of_name(name)
    if atom.kind in ("exp", "prime", "constant"):
        return "positive"
    if atom.is_function("log") and atom.base.get((), 0) > 1 and len(atom.base) == 1:
        return "positive"
    if atom.kind in ("delta", "order") or atom.is_function("abs"):
        return "nonnegative"
    if atom.kind == "power":
        return sign_of(algebra, atom.base)
    if atom.kind == "sum":
        return _product_sign(factor_sign(algebra, a, e) for a, e in atom.factors)
    return ""


def factor_sign(algebra: Algebra, atom: Atom, e: Rational) -> str:
    """The sign of ``atom**e``."""
    known = sign(algebra, atom)
    if known == "positive" or (known and e > 0):
        return known
    if known or parity(e) != "odd":
        return "positive" if e < 0 else "nonnegative"
    return ""


def sign_of(algebra: Algebra, p: Poly) -> str:
    """The sign of a polynomial where all of its terms show it."""
    found = {
        _product_sign(factor_sign(algebra, atom, e) for atom, e in monomial) if c > 0 else ""
        for monomial, c in p.items()
    }
    if not found or "" in found:
        return ""
    return "positive" if "positive" in found else "nonnegative"


def _product_sign(signs: Iterable[str]) -> str:
    total = "positive"
    for each in signs:
        if not each:
            return ""
        if each == "nonnegative":
            total = each
    return total
