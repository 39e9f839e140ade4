"""The zero test: whether a normal form is zero for all sizes and data.

Roots and denominators are atoms ``base**q``. The outermost one is picked, the polynomial split by the fractional part
of its exponent (parts with different fractions cannot cancel), each part multiplied until no negative exponent is left,
the integer powers replaced by the base, and so on inwards. If every part vanishes the difference is zero.
"""

from __future__ import annotations

from derive.normal.algebra import Algebra, base_of
from derive.normal.atoms import Atom, Poly, Rational, add_to, atoms_of, rational


def is_zero(algebra: Algebra, p: Poly) -> bool:
    """True only if ``p`` vanishes identically. Raises `GaveUp` where it grows too large."""
    if not p:
        return True
    powers = [atom for atom in atoms_of(p) if atom.kind == "power"]
    if not powers:
        return False
    outermost = max(powers)
    return all(is_zero(algebra, _cleared(algebra, part, outermost)) for part in _classes(p, outermost).values())


def _classes(p: Poly, atom: Atom) -> dict[Rational, Poly]:
    """The terms grouped by the fractional part of the exponent of ``atom``."""
    parts: dict[Rational, Poly] = {}
    for monomial, c in p.items():
        e = dict(monomial).get(atom, 0)
        parts.setdefault(rational(e - e.__floor__()), {})[monomial] = c
    return parts


def _cleared(algebra: Algebra, part: Poly, atom: Atom) -> Poly:
    """One part divided by its lowest power of the atom's base, the rest expanded."""
    base = base_of(atom)
    lowest = min(dict(monomial).get(atom, 0) for monomial in part)
    total: Poly = {}
    for monomial, c in part.items():
        e = dict(monomial).get(atom, 0)
        rest: Poly = {tuple((a, k) for a, k in monomial if a is not atom): c}
        add_to(total, algebra.multiply(rest, algebra.power(base, rational(e - lowest))))
    return total
