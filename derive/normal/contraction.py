"""Sums over indices as contractions: connected products whose bound indices are named canonically.

A sum is expanded; factors without the index leave it; a delta with the index renames and ends it; contractions inside
it are merged into one flat product. What is left falls into connected components, each an atom of its own, so that
the order of summation and the letters do not matter and independent sums factor. Where a contraction stands in a
denominator that depends on an outer index, the inner sum is closed first, so that Σ_n (Σ_k x_nk)/S_n = Σ_n 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import permutations, product
from math import factorial, prod
from typing import TYPE_CHECKING, Any, TypeAlias

from derive.normal.atoms import (
    Atom,
    Bound,
    Factor,
    Index,
    Monomial,
    Poly,
    Rational,
    add_to,
    constant,
    ids,
    index_order,
    magnitude,
    scale,
    sortable,
    terms,
    variable,
)
from derive.normal.division import divisor, reduce
from derive.normal.limits import MAX_BOUND, MAX_ORDERS, GaveUp

if TYPE_CHECKING:
    from derive.normal.algebra import Algebra

Range: TypeAlias = "tuple[Index, Poly]"
"""A bound index with the number of its values."""

Fact: TypeAlias = "tuple[tuple[Index, ...], Poly]"
"""The value of a contraction, and the free indices for which others may be put in both."""


def summed(algebra: Algebra, p: Poly, ranges: list[Range]) -> Poly:
    """The sum of ``p`` over all values of the indices in ``ranges``."""
    if any(_is_empty(size) for _, size in ranges):
        return {}
    total: Poly = {}
    indices = {index for index, _ in ranges}
    for monomial, c in reduce(algebra, p, indices).items():
        add_to(total, _summed_term(algebra, monomial, ranges), c)
    return total


def _is_empty(size: Poly) -> bool:
    """Whether a range has no values. Raises `GaveUp` for one that is none."""
    if any(atom.free for monomial in size for atom, _ in monomial):
        raise GaveUp("a sum whose range depends on an index")
    count = _count(size)
    if count is not None and (count < 0 or count.denominator != 1):
        raise GaveUp("a sum over a number of values that is no number of values")
    return count == 0


def _count(size: Poly) -> Rational | None:
    """How many values a range has; None where that is a symbol."""
    return size.get((), 0) if set(size) <= {()} else None


def _summed_term(algebra: Algebra, monomial: Monomial, ranges: list[Range]) -> Poly:
    algebra.spend(len(monomial) + 1)
    indices = {index for index, _ in ranges}
    inside = [(atom, e) for atom, e in monomial if not indices.isdisjoint(atom.free)]
    outside: Poly = {tuple((atom, e) for atom, e in monomial if indices.isdisjoint(atom.free)): 1}
    return algebra.multiply(outside, _summed_factors(algebra, inside, ranges))


def _summed_factors(algebra: Algebra, factors: list[Factor], ranges: list[Range]) -> Poly:
    """The sum of a product whose factors all depend on a summed index."""
    for atom, _ in factors:
        drop = _ended_by(atom, ranges)
        if drop is not None:
            return _without_delta(algebra, atom, drop, factors, ranges)
    if any(atom.kind == "sum" and e >= 1 for atom, e in factors):
        return _flattened(algebra, factors, ranges)
    used = {index for atom, _ in factors for index in atom.free}
    total = constant(1)
    for index, size in ranges:
        if index not in used:
            total = algebra.multiply(total, size)
    kept = [(index, size) for index, size in ranges if index in used]
    for part, members in _components(kept, factors):
        total = algebra.multiply(total, _contracted(algebra, part, members))
    return total


# Deltas


def _ended_by(atom: Atom, ranges: list[Range]) -> Index | None:
    """The summed index that a delta says is another index; None where it does not."""
    if atom.kind != "delta":
        return None
    bound = {index for index, _ in ranges}
    for drop, keep in (atom.indices, atom.indices[::-1]):
        if drop in bound and not (isinstance(keep, Atom) and drop in keep.free):
            return drop
    return None


def _without_delta(algebra: Algebra, delta: Atom, drop: Index, factors: list[Factor], ranges: list[Range]) -> Poly:
    """Only the term where ``drop`` equals the delta's other index is left."""
    (keep,) = (index for index in delta.indices if index != drop)
    sizes = dict(ranges)
    if keep in sizes and sizes[keep] != sizes[drop]:
        raise GaveUp("a delta between indices of different ranges")
    if keep not in sizes and algebra.ranges.get(keep, sizes[drop]) != sizes[drop]:
        raise GaveUp("a delta with an index that runs further than the sum")
    if isinstance(keep, Atom) and keep.kind == "symbol" and variable(keep) != sizes[drop]:
        raise GaveUp("a delta with a number that may lie beyond the sum")
    count = _count(sizes[drop])
    if isinstance(keep, int) and (keep < 0 or (count is not None and keep > count)):
        return {}
    rest: Poly = {tuple((atom, e) for atom, e in factors if atom is not delta): 1}
    if isinstance(keep, int) and count is None and keep not in algebra.presumed:
        raise GaveUp(f"a delta with {keep}, which may lie beyond the sum")
    others = [(index, size) for index, size in ranges if index != drop]
    return summed(algebra, algebra.rename_all(rest, {drop: keep}), others)


# Contractions inside sums


def opened(algebra: Algebra, atom: Atom) -> tuple[list[Range], Poly]:
    """A contraction's ranges and what it sums, its bound indices freshly named."""
    mapping: dict[Index, Index] = {Bound(atom.height, k): algebra.fresh() for k in range(len(atom.parts))}
    body = algebra.rename_all({atom.factors: 1}, mapping)
    return [(mapping[Bound(atom.height, k)], size) for k, size in enumerate(atom.parts)], body


def _flattened(algebra: Algebra, factors: list[Factor], ranges: list[Range]) -> Poly:
    """Contractions among the factors merged with the sum around them."""
    whole = {atom: e.__floor__() if atom.kind == "sum" and e >= 1 else 0 for atom, e in factors}
    if len(ranges) + sum(len(atom.parts) * times for atom, times in whole.items() if times) > MAX_BOUND:
        raise GaveUp("too many nested sums")
    wider = list(ranges)
    body: Poly = {tuple((atom, e - whole[atom]) for atom, e in factors if e != whole[atom]): 1}
    for atom, times in whole.items():
        for _ in range(times):
            more, inside = opened(algebra, atom)
            wider += more
            body = algebra.multiply(body, inside)
    return summed(algebra, body, wider)


def _components(ranges: list[Range], factors: list[Factor]) -> list[tuple[list[Range], list[Factor]]]:
    """Factors that share bound indices, directly or through others, belong to one contraction."""
    if len(ranges) == 1:
        return [(ranges, factors)]
    parts: list[tuple[set[Index], list[Factor]]] = []
    indices = {index for index, _ in ranges}
    for atom, e in factors:
        own: set[Index] = set(atom.free & indices)
        members = [(atom, e)]
        apart = []
        for other in parts:
            if own.isdisjoint(other[0]):
                apart.append(other)
            else:
                own |= other[0]
                members = other[1] + members
        parts = [*apart, (own, members)]
    return [([entry for entry in ranges if entry[0] in own], members) for own, members in parts]


# The canonical form of a contraction


def _contracted(algebra: Algebra, ranges: list[Range], factors: list[Factor]) -> Poly:
    """A connected product under its sums, as one atom with canonical bound indices."""
    closed = _closed_inside(algebra, ranges, factors)
    if closed is not None:
        return closed
    sizes = [atom for _, size in ranges for monomial in size for atom, _ in monomial]
    height = 1 + max(atom.height for atom in (*sizes, *(atom for atom, _ in factors)))
    best: tuple[tuple[tuple[int, Rational], ...], list[Range], Monomial, Rational] | None = None
    for order in _orders(algebra, ranges, factors):
        mapping: dict[Index, Index] = {index: Bound(height, k) for k, (index, _) in enumerate(order)}
        monomial, c = _renamed(algebra, tuple(factors), mapping)
        key = ids(monomial)
        if best is None or key < best[0]:
            best = key, order, monomial, c
        elif key == best[0] and c != best[3]:
            return {}  # swapping two indices changes the sign
    assert best is not None
    atom = algebra.atoms.get("sum", tuple(terms(size) for _, size in best[1]), best[2])
    if atom.height != height:
        raise GaveUp("a product changed its shape under renaming")
    return scale(_known(algebra, atom), best[3])


def _renamed(algebra: Algebra, factors: Monomial, mapping: Mapping[Index, Index]) -> tuple[Monomial, Rational]:
    """A product with indices renamed, which must stay a single term."""
    renamed = algebra.rename_all({factors: 1}, mapping)
    if len(renamed) != 1:
        raise GaveUp("a product changed its shape under renaming")
    ((monomial, c),) = renamed.items()
    return monomial, c


def _orders(algebra: Algebra, ranges: list[Range], factors: list[Factor]) -> Iterable[list[Range]]:
    """The orders of bound indices that the canonical form chooses from: those that look alike are permuted."""
    if len(ranges) == 1:
        return [ranges]
    groups: dict[tuple[Any, ...], list[Range]] = {}
    for entry in ranges:
        groups.setdefault(_signature(algebra, entry, ranges, factors), []).append(entry)
    ordered = [groups[key] for key in sorted(groups)]
    if prod(factorial(len(group)) for group in ordered) > MAX_ORDERS:
        raise GaveUp("a contraction with too many symmetric indices")
    choices = product(*(permutations(group) for group in ordered))
    return ([entry for group in choice for entry in group] for choice in choices)


def _signature(algebra: Algebra, entry: Range, ranges: list[Range], factors: list[Factor]) -> tuple[Any, ...]:
    """How an index looks with the other bound indices made alike."""
    index, size = entry
    mapping: dict[Index, Index] = {other: "~other" for other, _ in ranges}
    mapping[index] = "~this"
    look = [(_unsigned(algebra.rename(atom, mapping)), e) for atom, e in factors if index in atom.free]
    return sortable(size), tuple(sorted(look))


def _unsigned(p: Poly) -> tuple[Any, ...]:
    """A polynomial but for signs, which renaming may change in an odd function."""
    return sortable({m: magnitude(c) for m, c in p.items()})


# Inner sums that are closed first


def _closed_inside(algebra: Algebra, ranges: list[Range], factors: list[Factor]) -> Poly | None:
    """The sum with inner sums closed whose value is known or cancels a denominator that depends on an outer index."""
    has_denominator = any(atom.kind in ("power", "sum") and e < 0 for atom, e in factors)
    if len(ranges) < 2 or not (algebra.facts or has_denominator):
        return None
    closings: dict[Atom, list[tuple[Range, Poly]]] = {}
    for index, size in ranges:
        inner = [(atom, e) for atom, e in factors if index in atom.free]
        if len(inner) == len(factors) and not algebra.facts:
            continue
        closed = summed(algebra, {tuple(inner): 1}, [(index, size)])
        atom = _as_contraction(closed)
        if atom is None:
            return _close(algebra, [(index, size)], closed, ranges, factors)
        closings.setdefault(atom, []).append(((index, size), closed))
    for atom, entries in closings.items():
        needed = _needed(algebra, atom, factors, {index for index, _ in ranges})
        if 0 < needed <= len(entries):
            chosen = entries[:needed]
            value = algebra.product((closed, 1) for _, closed in chosen)
            return _close(algebra, [entry for entry, _ in chosen], value, ranges, factors)
    return None


def _as_contraction(closed: Poly) -> Atom | None:
    """The contraction that a closed sum is; None where it has another value."""
    if len(closed) == 1:
        ((monomial, _),) = closed.items()
        if len(monomial) == 1 and monomial[0][0].kind == "sum":
            return monomial[0][0]
    return None


def _needed(algebra: Algebra, atom: Atom, factors: list[Factor], indices: set[Index]) -> int:
    """How many factors ``atom`` a denominator among the factors asks for; 0 where none does."""
    for other, e in factors:
        if other is atom and e < 0:
            return 1
        if other.kind == "power" and e < 0:
            by = divisor(algebra, other, indices)
            if by is not None and by.is_canonical and by.principal[0][0] is atom:
                return int(by.principal[0][1])
    return 0


def _close(algebra: Algebra, closed: list[Range], value: Poly, ranges: list[Range], factors: list[Factor]) -> Poly:
    """The flat sum with its inner sums over ``closed`` replaced by their value."""
    indices = {index for index, _ in closed}
    outer = tuple((atom, e) for atom, e in factors if indices.isdisjoint(atom.free))
    body = reduce(algebra, algebra.multiply(value, {outer: 1}))
    return summed(algebra, body, [entry for entry in ranges if entry[0] not in indices])


# Known sums


def _known(algebra: Algebra, atom: Atom) -> Poly:
    """A contraction whose value a fact gives, else itself."""
    for pattern in algebra.facts_by_shape.get(atom.shape, ()):
        letters, value = algebra.facts[pattern]
        candidates = sorted(_indices_in(atom), key=index_order)
        for chosen in product(candidates, repeat=len(letters)):
            mapping = dict(zip(letters, chosen, strict=True))
            monomial, c = _renamed(algebra, pattern.factors, mapping)
            if c == 1 and algebra.atoms.get("sum", pattern.args[0], monomial) is atom:
                return algebra.rename_all(value, mapping)
    return variable(atom)


def _indices_in(atom: Atom) -> set[Index]:
    """The indices, numbers too, that stand in a contraction's factors and are not its own."""
    found: set[Index] = set(atom.free)
    for factor, _ in atom.factors:
        if factor.kind in ("element", "delta", "order"):
            found.update(index for index in factor.indices if isinstance(index, int))
    return found
