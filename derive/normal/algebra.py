"""Arithmetic of normal forms: each expression in one canonical way.

The rules, all exact over the reals wherever both sides are defined:

- products are multiplied out, and an atom occurs once in a monomial (here);
- a power of a single term is taken factor by factor where signs allow, one of several terms keeps a primitive base
  (`powers`); signs are read off the shape of an expression (`signs`);
- a Kronecker delta renames one index to the other in whatever it multiplies (`deltas`);
- exp of a sum is a product, log of a product of positive factors a sum; sigmoid and tanh are written with exp
  (`elementwise`);
- a sum over an index becomes a *contraction* with canonical bound indices (`contraction`), after numerators are
  cancelled against denominators that depend on the index (`division`).

Roots: an even root or a root of an even root presumes that its base is not negative; an odd root of a negative number
is the negative real one. What is equal under this reading is equal also where odd roots are only taken of positive
numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import count

from derive.normal import contraction, deltas, division, elementwise, powers, signs
from derive.normal.atoms import (
    Atom,
    Atoms,
    Index,
    Monomial,
    Poly,
    Rational,
    add_to,
    base_of,
    constant,
    rational,
    scale,
    variable,
)
from derive.normal.contraction import Fact, Range
from derive.normal.division import Divisor
from derive.normal.limits import MAX_TERMS, GaveUp, Undefined

_ADDITIVE = frozenset({"symbol", "constant", "element", "position", "sum", "exp"})
"""Kinds of atoms whose exponents are simply added."""


class Algebra:
    """Polynomials over one table of atoms.

    Args:
        positive: names of symbols and elements known to be positive.
        indicators: names of those known to be 0 or 1, which are their own powers.
        deadline: `time.monotonic` value after which `GaveUp` is raised, or None.

    Attributes:
        sign_of_name: asked for the sign of a name that is not in ``positive``.
        facts: contractions whose value is known; ``facts_by_shape`` finds them by how they look.
        ranges: the number of values of free indices, where it is known; a delta presumes that an index of which nothing
            is known has the range of the sum that it ends.
        presumed: numbers of entries that were read; a delta presumes that each axis goes as far.
    """

    def __init__(
        self, positive: Iterable[str] = (), deadline: float | None = None, indicators: Iterable[str] = ()
    ) -> None:
        self.atoms = Atoms()
        self.positive = set(positive)
        self.indicators = frozenset(indicators)
        self.deadline = deadline
        self.sign_of_name: Callable[[str], str] = lambda name: ""
        self.facts: dict[Atom, Fact] = {}
        self.facts_by_shape: dict[str, list[Atom]] = {}
        self.ranges: dict[Index, Poly] = {}
        self.presumed: set[int] = {1}
        self.known_signs: dict[Atom, str] = {}
        self.divisors: dict[tuple[Atom, frozenset[Index] | None], Divisor | None] = {}
        self._fresh = count()
        self._renamed: dict[tuple[Atom, tuple[tuple[Index, Index], ...]], Poly] = {}
        self._steps = 0

    # -- bookkeeping -------------------------------------------------------------------------------------------

    def spend(self, steps: int) -> None:
        """Count work; raise `GaveUp` after the deadline."""
        self._steps += steps
        if self._steps > 2000:
            self._steps = 0
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise GaveUp("the time limit was reached")

    def fresh(self) -> str:
        """An index name that nothing uses."""
        return f"~{next(self._fresh)}"

    def assume(self, atom: Atom, fact: Fact) -> None:
        """Take the value of a contraction for known."""
        if atom not in self.facts:
            self.facts_by_shape.setdefault(atom.shape, []).append(atom)
        self.facts[atom] = fact
        self._renamed.clear()

    # -- atoms -------------------------------------------------------------------------------------------------

    def is_indicator(self, atom: Atom) -> bool:
        """Whether an atom is 0 or 1 and nothing else."""
        return bool(self.indicators) and atom.kind in ("symbol", "element") and atom.args[0] in self.indicators

    def symbol(self, name: str) -> Poly:
        return variable(self.atoms.get("symbol", name))

    def constant(self, name: str) -> Poly:
        """A positive real constant, such as pi."""
        return variable(self.atoms.get("constant", name))

    def element(self, name: str, indices: tuple[Index, ...]) -> Poly:
        return variable(self.atoms.get("element", name, indices))

    def position(self, index: Index) -> Poly:
        """An index used as a number."""
        if isinstance(index, int):
            return constant(index)
        if isinstance(index, Atom):
            return variable(index)
        return variable(self.atoms.get("position", index))

    def delta(self, i: Index, j: Index) -> Poly:
        """Kronecker's delta, which compares two indices of one axis."""
        return deltas.delta(self, i, j)

    def order(self, i: Index, j: Index) -> Poly:
        """1 where an index is at most another of its axis, else 0."""
        if i == j:
            return constant(1)
        if isinstance(i, int) and isinstance(j, int):
            return constant(int(i <= j))
        return variable(self.atoms.get("order", i, j))

    # -- products ----------------------------------------------------------------------------------------------

    def multiply(self, p: Poly, q: Poly) -> Poly:
        self.spend(len(p) * len(q))
        if len(p) == 1 and () in p:
            return scale(q, p[()])
        if len(q) == 1 and () in q:
            return scale(p, q[()])
        if len(p) * len(q) > MAX_TERMS:
            raise GaveUp("a product has too many terms")
        total: Poly = {}
        for m, a in p.items():
            for n, b in q.items():
                joined = self._join(m, n)
                if isinstance(joined, dict):
                    add_to(total, joined, a * b)
                else:
                    value = total.get(joined, 0) + a * b
                    if value:
                        total[joined] = rational(value)
                    else:
                        del total[joined]
        return total

    def _join(self, m: Monomial, n: Monomial) -> Monomial | Poly:
        """The product of two monomials: a monomial, or a polynomial where an atom has a rule of its own."""
        if not m:
            return n
        if not n:
            return m
        exponents = dict(m)
        special = False
        for atom, e in n:
            old = exponents.get(atom)
            if old is None:
                exponents[atom] = e
                special = special or atom.kind in ("delta", "order")
                continue
            value = rational(old + e)
            special = special or atom.kind not in _ADDITIVE or self.is_indicator(atom)
            if value:
                exponents[atom] = value
            else:
                del exponents[atom]
        if special or any(atom.kind == "delta" for atom, _ in m):
            return self.settle(exponents)
        return tuple(sorted(exponents.items()))

    def settle(self, exponents: Mapping[Atom, Rational]) -> Poly:
        """Apply the rules of deltas, bases, primes and functions to a product of powers of distinct atoms."""
        if any(atom.kind == "delta" for atom in exponents):
            return deltas.unify(self, exponents)
        if (both := deltas.ordered_both_ways(self, exponents)) is not None:
            return both
        plain: dict[Atom, Rational] = {}
        rest: Poly | None = None
        for atom, e in exponents.items():
            power = powers.power_of(self, atom, e)
            if power is None:
                plain[atom] = e
            else:
                rest = power if rest is None else self.multiply(rest, power)
        product: Poly = {tuple(sorted(plain.items())): 1}
        return product if rest is None else self.multiply(product, rest)

    def product(self, factors: Iterable[tuple[Poly, Rational]]) -> Poly:
        """The product of powers of polynomials."""
        total = constant(1)
        for base, e in factors:
            total = self.multiply(total, self.power(base, e))
        return total

    # -- the other operations ----------------------------------------------------------------------------------

    def power(self, p: Poly, e: Rational) -> Poly:
        """``p**e`` for a rational exponent."""
        return powers.power(self, p, e)

    def exp(self, p: Poly) -> Poly:
        return elementwise.exp(self, p)

    def log(self, p: Poly) -> Poly:
        return elementwise.log(self, p)

    def function(self, name: str, *arguments: Poly) -> Poly:
        """An elementwise function; those with a canonical rewriting are rewritten."""
        return elementwise.function(self, name, *arguments)

    def sum(self, p: Poly, ranges: list[Range]) -> Poly:
        """The sum of ``p`` over all values of the indices in ``ranges``."""
        return contraction.summed(self, p, ranges)

    def sign(self, atom: Atom) -> str:
        """``positive``, ``nonnegative`` or ``""`` for unknown, for real data wherever the atom is defined."""
        return signs.sign(self, atom)

    def sign_of(self, p: Poly) -> str:
        """The sign of a polynomial where all of its terms show it."""
        return signs.sign_of(self, p)

    def factor_sign(self, atom: Atom, e: Rational) -> str:
        """The sign of ``atom**e``."""
        return signs.factor_sign(self, atom, e)

    def primitive(self, p: Poly, e: Rational) -> tuple[Rational, Monomial, Poly]:
        """``p`` as content * monomial * base, such that ``p**e`` is the product of their powers."""
        return powers.primitive(self, p, e)

    def reduce(self, p: Poly, indices: Collection[Index] | None = None) -> Poly:
        """Numerators cancelled against denominators that depend on one of ``indices``; against all for None."""
        return division.reduce(self, p, indices)

    _factor_sign = factor_sign
    _primitive = primitive

    # -- renaming ----------------------------------------------------------------------------------------------

    def rename(self, atom: Atom, mapping: Mapping[Index, Index]) -> Poly:
        """An atom with free indices replaced, in canonical form again."""
        used = tuple((old, new) for old, new in mapping.items() if old in atom.free and old != new)
        if not used:
            return variable(atom)
        key = (atom, used)
        found = self._renamed.get(key)
        if found is None:
            found = self._renamed[key] = self._rename(atom, dict(used))
        return found

    def _rename(self, atom: Atom, mapping: Mapping[Index, Index]) -> Poly:
        self.spend(1)
        if atom.kind == "element":
            return self.element(str(atom.args[0]), tuple(self.rename_index(i, mapping) for i in atom.indices))
        if atom.kind == "position":
            return self.position(self.rename_index(atom.indices[0], mapping))
        if atom.kind == "delta":
            i, j = atom.indices
            return self.delta(self.rename_index(i, mapping), self.rename_index(j, mapping))
        if atom.kind == "order":
            i, j = atom.indices
            return self.order(self.rename_index(i, mapping), self.rename_index(j, mapping))
        return self.rebuild(atom, lambda inner: self.rename(inner, mapping))

    def rename_index(self, index: Index, mapping: Mapping[Index, Index]) -> Index:
        if index in mapping or not isinstance(index, Atom):
            return mapping.get(index, index)
        ((monomial, _),) = self.rename(index, mapping).items()
        return monomial[0][0]

    def rename_all(self, p: Poly, mapping: Mapping[Index, Index]) -> Poly:
        return self.map_atoms(p, lambda atom: self.rename(atom, mapping))

    def map_atoms(self, p: Poly, replace: Callable[[Atom], Poly]) -> Poly:
        """Put ``replace(atom)`` for each atom of a polynomial and multiply out."""
        total: Poly = {}
        for monomial, c in p.items():
            self.spend(1)
            product: Poly | None = None
            kept: list[tuple[Atom, Rational]] = []
            for atom, e in monomial:
                new = replace(atom)
                if len(new) == 1 and new.get(((atom, 1),)) == 1:
                    kept.append((atom, e))
                else:
                    power = self.power(new, e)
                    product = power if product is None else self.multiply(product, power)
            rest: Poly = {tuple(kept): 1}
            add_to(total, rest if product is None else self.multiply(rest, product), c)
        return total

    def rebuild(self, atom: Atom, replace: Callable[[Atom], Poly]) -> Poly:
        """A compound atom with ``replace`` applied to the atoms inside it."""
        if atom.kind == "power":
            return self.map_atoms(atom.base, replace)
        if atom.kind == "exp":
            return self.exp(self.map_atoms({atom.factors: 1}, replace))
        if atom.kind == "function":
            return self.function(str(atom.args[0]), *(self.map_atoms(part, replace) for part in atom.parts))
        if atom.kind == "sum":
            ranges, body = contraction.opened(self, atom)
            sizes = [(index, self.map_atoms(size, replace)) for index, size in ranges]
            return self.sum(self.map_atoms(body, replace), sizes)
        return variable(atom)


__all__ = ["Algebra", "GaveUp", "Range", "Undefined", "base_of"]
