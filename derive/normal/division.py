"""Numerators against denominators: with a base P = l + r, l its leading term, l/P is written 1 - r/P.

Terms are compared atom by atom, later ones first, by their exponents. A numerator is divided while it contains the
leading exponents of those atoms by which the leading term beats all others; the rest of the leading term is inverted.
Each step lowers the numerator in this order, in atoms whose exponents stay positive, so that dividing ends.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from derive.normal.atoms import (
    Atom,
    Index,
    Monomial,
    Poly,
    Rational,
    add,
    add_to,
    atoms_of,
    exponent_of,
    rational,
    terms,
    variable,
)
from derive.normal.limits import MAX_TERMS, GaveUp

if TYPE_CHECKING:
    from derive.normal.algebra import Algebra


@dataclass(frozen=True, slots=True)
class Divisor:
    """How to divide by a base.

    Attributes:
        principal: the atoms, with exponents, that a numerator must contain; the first decides most.
        is_canonical: whether there is one such atom and none that looks like it, so that another letter for an index
            would not make another atom the first.
        inverse: one over the leading term.
        others: the base without its leading term.
    """

    principal: Monomial
    is_canonical: bool
    inverse: Poly
    others: Poly


def divisor(algebra: Algebra, atom: Atom, indices: Collection[Index] | None) -> Divisor | None:
    """How to divide by the base of a power; None where no atom singles out a leading term.

    Under a sum over ``indices`` only atoms that depend on one of them count: others leave the sum.
    """
    key = atom, None if indices is None else atom.free.intersection(indices)
    if key not in algebra.divisors:
        algebra.divisors[key] = _divisor(atom.base, key[1])
    return algebra.divisors[key]


def _divisor(base: Poly, indices: frozenset[Index] | None) -> Divisor | None:
    leading = list(base)
    principal: list[tuple[Atom, Rational]] = []
    candidates = [a for a in atoms_of(base) if a.kind not in ("delta", "order", "prime")]
    if indices is not None:
        candidates = [a for a in candidates if not indices.isdisjoint(a.free)]
    for atom in sorted(candidates, key=lambda a: (a.shape, a.id), reverse=True):
        if len(leading) == 1:
            break
        top = max(exponent_of(m, atom) for m in leading)
        if top > 0:
            principal.append((atom, top))
        leading = [m for m in leading if exponent_of(m, atom) == top]
    if len(leading) > 1 or not principal:
        return None
    (lead,) = leading
    inverse: Poly = {tuple((atom, -k) for atom, k in lead): rational(1 / Fraction(base[lead]))}
    others = {m: c for m, c in base.items() if m != lead}
    alike = sum(atom.shape == principal[0][0].shape for atom in candidates)
    return Divisor(tuple(principal), len(principal) == alike == 1, inverse, others)


def reduce(algebra: Algebra, p: Poly, indices: Collection[Index] | None = None) -> Poly:
    """Cancel numerators against denominators that depend on one of ``indices``; against all where that is None."""
    if not any(atom.kind == "power" and e < 0 for monomial in p for atom, e in monomial):
        return p
    todo = dict(p)
    done: Poly = {}
    steps = 0
    while todo:
        steps += 1
        algebra.spend(1)
        if steps > MAX_TERMS:
            raise GaveUp("a quotient has too many terms")
        monomial, c = todo.popitem()
        quotient = _quotient(algebra, monomial, indices)
        if quotient is None:
            add_to(done, {monomial: c})
        else:
            add_to(todo, quotient, c)
    return done


def _quotient(algebra: Algebra, monomial: Monomial, indices: Collection[Index] | None) -> Poly | None:
    """One step of dividing a monomial; None where there is nothing to divide."""
    for atom, e in monomial:
        if atom.kind != "power" or e >= 0 or (indices is not None and atom.free.isdisjoint(indices)):
            continue
        by = divisor(algebra, atom, indices)
        if by is not None and all(exponent_of(monomial, a) >= k for a, k in by.principal):
            rest = algebra.multiply({monomial: 1}, by.inverse)
            raised = algebra.multiply(rest, variable(atom))
            return add(raised, algebra.multiply(rest, by.others), -1)
    return None


def exact_quotient(algebra: Algebra, p: Poly, base: Poly) -> Poly | None:
    """``p`` over ``base`` where nothing remains, else None."""
    atom = algebra.atoms.get("power", terms(base))
    quotient = reduce(algebra, algebra.multiply(p, variable(atom, -1)))
    return None if any(a is atom for m in quotient for a, _ in m) else quotient
