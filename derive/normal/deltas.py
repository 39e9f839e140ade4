"""Kronecker deltas: the product of a delta with something is taken at equal indices.

A monomial with deltas groups indices into classes of equal ones. Its canonical form uses the first index of each class
everywhere and keeps one delta for each other member. Inside a root, a denominator or a function a delta takes only the
values 0 and 1, so that f(δ) = f(0) + δ (f(1) - f(0)) moves it outside; so does the order of two indices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from derive.normal.atoms import (
    Atom,
    Index,
    Monomial,
    Poly,
    Rational,
    add,
    add_to,
    constant,
    index_order,
    variable,
)
from derive.normal.limits import Undefined

if TYPE_CHECKING:
    from derive.normal.algebra import Algebra


def delta(algebra: Algebra, i: Index, j: Index) -> Poly:
    """δ_ij: 1 for the same index, 0 for different numbers."""
    if i == j:
        return constant(1)
    if isinstance(i, int) and isinstance(j, int):
        return {}
    return variable(algebra.atoms.get("delta", *sorted((i, j), key=index_order)))


def unify(algebra: Algebra, exponents: Mapping[Atom, Rational]) -> Poly:
    """A product in which deltas occur: write the first of equal indices for the others."""
    pairs = []
    rest: dict[Atom, Rational] = {}
    for atom, e in exponents.items():
        if atom.kind != "delta":
            rest[atom] = e
        elif e < 0:
            raise Undefined("division by a Kronecker delta")
        else:
            pairs.append((atom.indices[0], atom.indices[1]))
    leaders = _leaders(algebra, pairs)
    if leaders is None:
        return {}
    own = {atom for drop, keep in leaders.items() for m in delta(algebra, keep, drop) for atom, _ in m}
    if not _depends(rest, leaders):
        return _attached(algebra, own, leaders, algebra.settle(rest) if rest else constant(1))
    renamed = algebra.product((algebra.rename(atom, leaders), e) for atom, e in rest.items())
    return _attached(algebra, own, leaders, renamed)


def ordered_both_ways(algebra: Algebra, exponents: Mapping[Atom, Rational]) -> Poly | None:
    """A product in which i ≤ j and j ≤ i stand both: a delta instead; None where there are no such two."""
    orders = {atom.indices: atom for atom in exponents if atom.kind == "order"}
    for (i, j), atom in orders.items():
        other = orders.get((j, i))
        if other is not None:
            rest = {a: e for a, e in exponents.items() if a is not atom and a is not other}
            return algebra.multiply(delta(algebra, i, j), algebra.settle(rest) if rest else constant(1))
    return None


def _leaders(algebra: Algebra, pairs: list[tuple[Index, Index]]) -> dict[Index, Index] | None:
    """For each index that equals an earlier one the first of its class; None where two numbers would be equal."""
    while True:
        leaders: dict[Index, Index] = {}
        for pair in pairs:
            ends = {leaders.get(i, i) for i in pair}
            if len(ends) == 1:
                continue
            keep, drop = sorted(ends, key=index_order)
            if isinstance(drop, int):
                return None
            leaders = {i: keep if leader == drop else leader for i, leader in leaders.items()}
            leaders[drop] = keep
        plain: dict[Index, Index] = {i: keep for i, keep in leaders.items() if not isinstance(i, Atom)}
        renamed = [(_inside(algebra, i, plain), _inside(algebra, j, plain)) for i, j in pairs]
        if renamed == pairs:
            return leaders
        pairs = renamed


def _inside(algebra: Algebra, index: Index, mapping: Mapping[Index, Index]) -> Index:
    """A computed index with the indices inside it renamed."""
    return algebra.rename_index(index, mapping) if isinstance(index, Atom) else index


def _attached(algebra: Algebra, own: Iterable[Atom], leaders: Mapping[Index, Index], p: Poly) -> Poly:
    """The deltas times ``p``, in which the indices that they drop should no longer occur."""
    deltas: Monomial = tuple((atom, 1) for atom in own)
    total: Poly = {}
    for monomial, c in p.items():
        exponents = dict(monomial)
        if any(atom.kind == "delta" for atom in exponents) or _depends(exponents, leaders):
            add_to(total, unify(algebra, exponents | dict(deltas)), c)
        else:
            add_to(total, {tuple(sorted((*monomial, *deltas))): c})
    return total


def _depends(atoms: Iterable[Atom], leaders: Mapping[Index, Index]) -> bool:
    return any(drop in atom.free for atom in atoms for drop in leaders)


def split(algebra: Algebra, p: Poly, value: Callable[[Poly], Poly]) -> Poly | None:
    """``value(p)`` with a delta or an order of ``p`` moved outside: f(0) + δ (f(1) - f(0)). None where it has none."""
    found = min((atom for monomial in p for atom, _ in monomial if atom.kind in ("delta", "order")), default=None)
    if found is None:
        return None
    absent = {m: c for m, c in p.items() if all(atom is not found for atom, _ in m)}
    present: Poly = {}
    for monomial, c in p.items():
        add_to(present, {tuple((atom, e) for atom, e in monomial if atom is not found): c})
    if found.kind == "delta":
        keep, drop = found.indices
        present = algebra.rename_all(present, {drop: keep})
    apart = value(absent)
    return add(apart, algebra.multiply(variable(found), add(value(present), apart, -1)))
