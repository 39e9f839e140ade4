"""The zero test: whether a normal form is zero for all sizes and data.

Roots and denominators are atoms ``base**q``. The outermost one is picked, the polynomial split by the fractional part
of its exponent (parts with different fractions cannot cancel), each part multiplied until no negative exponent is left,
the integer powers replaced by the base, and so on inwards. If every part vanishes the difference is zero.

That leaves differences inside functions, exponents and sums, where denominators have no canonical form.
`is_zero_within` also tests those: two functions are one if the difference of their arguments is zero, two products of
exponentials if that of their exponents is, and a combination of sums is zero if that of the summands is.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.normal.algebra import Algebra
from derive.normal.atoms import (
    Atom,
    Bound,
    Index,
    Monomial,
    Poly,
    Rational,
    add,
    add_to,
    atoms_of,
    constant,
    exponent_of,
    inner_atoms,
    nested_atoms,
    rational,
    terms,
    variable,
)
from derive.normal.division import exact_quotient
from derive.normal.limits import MAX_MERGED

DEPTH = 3
"""How deep `is_zero_within` looks into arguments of arguments."""


def is_zero(algebra: Algebra, p: Poly) -> bool:
    """True only if ``p`` vanishes identically. Raises `GaveUp` where it grows too large."""
    return next(_remainders(algebra, p), None) is None


def is_zero_within(algebra: Algebra, p: Poly, depth: int = DEPTH) -> bool:
    """The same with differences inside functions, exponents and sums; slower."""
    if is_zero(algebra, p):
        return True
    if depth == 0:
        return False
    p = _merged(algebra, p, depth)
    return all(_cancels(algebra, part, depth) for part in _remainders(algebra, p))


# Roots and denominators


def _remainders(algebra: Algebra, p: Poly) -> Iterator[Poly]:
    """What is left of a polynomial without roots and denominators: all of it is zero if each is."""
    if not p:
        return
    outermost = max((atom for atom in atoms_of(p) if atom.kind == "power"), default=None)
    if outermost is None:
        yield p
        return
    for part in _classes(p, outermost).values():
        yield from _remainders(algebra, _cleared(algebra, part, outermost))


def _classes(p: Poly, atom: Atom) -> dict[Rational, Poly]:
    """The terms grouped by the fractional part of the exponent of ``atom``."""
    parts: dict[Rational, Poly] = {}
    for monomial, c in p.items():
        e = exponent_of(monomial, atom)
        parts.setdefault(rational(e - e.__floor__()), {})[monomial] = c
    return parts


def _cleared(algebra: Algebra, part: Poly, atom: Atom) -> Poly:
    """One part divided by its lowest power of the atom's base, the rest expanded."""
    lowest = min(exponent_of(monomial, atom) for monomial in part)
    total: Poly = {}
    for monomial, c in part.items():
        rest: Poly = {tuple((a, k) for a, k in monomial if a is not atom): c}
        raised = algebra.power(atom.base, rational(exponent_of(monomial, atom) - lowest))
        add_to(total, algebra.multiply(rest, raised))
    return total


# Functions with equal arguments


def _merged(algebra: Algebra, p: Poly, depth: int) -> Poly:
    """A polynomial in which functions and roots of equal arguments, written differently, have become the same."""
    kept: list[Atom] = []
    values: dict[Atom, Poly] = {}
    atoms = sorted(_mergeable(p))[:MAX_MERGED]
    for atom in atoms:
        other = next((a for a in kept if _is_same(algebra, atom, a, depth)), None)
        if other is None:
            kept.append(atom)
        else:
            values[atom] = other.base if atom.kind == "power" else variable(other)
    for atom in kept:
        value = _factored(algebra, atom, kept)
        if value is not None:
            values[atom] = value
    return _replaced(algebra, p, values) if values else p


def _is_same(algebra: Algebra, atom: Atom, other: Atom, depth: int) -> bool:
    """Whether two functions, or two bases, have equal arguments."""
    if atom.kind != other.kind or len(atom.parts) != len(other.parts):
        return False
    if atom.kind == "function" and atom.args[0] != other.args[0]:
        return False
    differences = (add(a, b, -1) for a, b in zip(atom.parts, other.parts, strict=True))
    return all(is_zero_within(algebra, difference, depth - 1) for difference in differences)


def _factored(algebra: Algebra, atom: Atom, others: list[Atom]) -> Poly | None:
    """A root, a logarithm or an absolute value taken apart by the arguments of others that divide its own."""
    if not _is_multiplicative(atom):
        return None
    rest = atom.base
    factors: dict[Atom, int] = {}
    for other in others:
        is_smaller = other.names <= atom.names and other.free <= atom.free and 1 < len(other.base) < len(atom.base)
        if not (is_smaller and _is_multiplicative(other)):
            continue
        if atom.is_function("log") and not algebra.sign_of(other.base):
            continue
        while (quotient := exact_quotient(algebra, rest, other.base)) is not None:
            factor = algebra.atoms.get("power", terms(other.base))
            factors[factor] = factors.get(factor, 0) + 1
            rest = quotient
    if not factors:
        return None
    product: Monomial = tuple(sorted(factors.items()))
    if atom.kind == "power":
        last = variable(algebra.atoms.get("power", terms(rest))) if len(rest) > 1 else rest
        return algebra.multiply({product: 1}, last)
    value = algebra.function(str(atom.args[0]), {product: 1})
    more = algebra.function(str(atom.args[0]), rest)
    return add(value, more) if atom.is_function("log") else algebra.multiply(value, more)


def _is_multiplicative(atom: Atom) -> bool:
    return atom.kind == "power" or atom.is_function("log") or atom.is_function("abs")


def _mergeable(p: Poly) -> set[Atom]:
    """The functions and roots in a polynomial that contain no summed index."""
    return {
        a
        for a in nested_atoms(atoms_of(p))
        if a.kind in ("function", "power") and not any(isinstance(i, Bound) for i in a.free)
    }


def _replaced(algebra: Algebra, p: Poly, values: dict[Atom, Poly]) -> Poly:
    done = dict(values)

    def replace(atom: Atom) -> Poly:
        if atom not in done:
            new = algebra.rebuild(atom, replace) if inner_atoms(atom) else variable(atom)
            done[atom] = variable(atom) if atom.kind == "power" and new == atom.base else new
        return done[atom]

    return algebra.map_atoms(p, replace)


# Exponents and sums


def _cancels(algebra: Algebra, p: Poly, depth: int) -> bool:
    """Whether a polynomial without roots and denominators vanishes, with exponents and summands compared."""
    p = _with_equal_exponents(algebra, p, depth)
    return not p or _cancels_under_sums(algebra, p, depth)


def _with_equal_exponents(algebra: Algebra, p: Poly, depth: int) -> Poly:
    """A polynomial in which products of exponentials with equal exponents, written differently, are the same."""
    groups: list[tuple[Poly, Poly]] = []
    for monomial, c in p.items():
        exponent: Poly = {}
        for atom, e in monomial:
            if atom.kind == "exp":
                add_to(exponent, {atom.factors: e})
        rest: Poly = {tuple((a, e) for a, e in monomial if a.kind != "exp"): c}
        for other, total in groups:
            if exponent == other or is_zero_within(algebra, add(exponent, other, -1), depth - 1):
                add_to(total, rest)
                break
        else:
            groups.append((exponent, rest))
    result: Poly = {}
    for exponent, rest in groups:
        add_to(result, algebra.multiply(rest, algebra.exp(exponent)))
    return result


def _cancels_under_sums(algebra: Algebra, p: Poly, depth: int) -> bool:
    """Whether the summands of sums over the same ranges cancel, with what is no sum spread over one of the sums."""
    bodies: dict[tuple[object, ...], tuple[list[Index], list[Poly], Poly]] = {}
    rest: Poly = {}
    for monomial, c in p.items():
        sums = [atom for atom, e in monomial if atom.kind == "sum" and e == 1]
        if not sums:
            rest[monomial] = c
            continue
        chosen = max(sums, key=lambda a: (any(f.kind == "power" for f, _ in a.factors), a.id))
        key = tuple(map(terms, chosen.parts))
        if key not in bodies:
            bodies[key] = [algebra.fresh() for _ in chosen.parts], list(chosen.parts), {}
        names: dict[Index, Index] = {Bound(chosen.height, k): name for k, name in enumerate(bodies[key][0])}
        factors = algebra.rename_all({chosen.factors: c}, names)
        outer: Monomial = tuple((a, e) for a, e in monomial if a is not chosen)
        add_to(bodies[key][2], algebra.multiply(factors, {outer: 1}))
    for _, sizes, body in bodies.values():
        if is_zero_within(algebra, body, depth - 1):
            continue
        if not rest:
            return False
        count = constant(1)
        for size in sizes:
            count = algebra.multiply(count, size)
        body, rest = add(body, algebra.multiply(rest, algebra.power(count, -1))), {}
        if not is_zero_within(algebra, body, depth - 1):
            return False
    return not rest
