"""Arithmetic of normal forms: products, powers, sums over indices and elementwise functions, each in one canonical way.

The rules, all exact over the reals where both sides are defined:

- a sum over an index is expanded, factors without the index leave it, a Kronecker delta with the index renames and ends
  it, and what is left becomes a *contraction*: connected factors with their bound indices named canonically, so that the
  order of summation and the letters do not matter and independent sums factor;
- a power of a single term is taken factor by factor where signs allow, a power of several terms keeps a primitive base;
- exp of a sum is a product, log of a product of positive factors a sum; sigmoid and tanh are written with exp.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import count, permutations, product
from math import gcd, lcm
from typing import cast

from derive.normal.atoms import (
    Atom,
    Atoms,
    Bound,
    Index,
    Monomial,
    Poly,
    Rational,
    add,
    add_to,
    constant,
    free_of,
    rational,
    scale,
    terms,
    variable,
)

MAX_TERMS = 20_000
MAX_EXPONENT = 64
MAX_BOUND = 8
MAX_DIGITS = 400


class GaveUp(Exception):
    """The computation grew too large or took too long; says nothing about truth."""


class Undefined(Exception):
    """An expression has no value: division by zero."""


Range = tuple[Index, Poly]
"""A bound index with the number of its values."""


class Algebra:
    """Polynomials over one table of atoms.

    Args:
        positive: names of symbols and elements known to be positive.
        nonnegative: names known not to be negative.
        deadline: `time.monotonic` value after which `GaveUp` is raised, or None.
    """

    def __init__(self, positive: Iterable[str] = (), deadline: float | None = None) -> None:
        self.atoms = Atoms()
        self.positive = set(positive)
        self.deadline = deadline
        self.sign_of_name: Callable[[str], str] = lambda name: ""
        self.facts: dict[Atom, tuple[tuple[str, ...], Poly]] = {}
        self._fresh = count()
        self._renamed: dict[tuple[Atom, tuple[tuple[Index, Index], ...]], Poly] = {}
        self._signs: dict[Atom, str] = {}
        self._generators: dict[Atom, Atom | None] = {}
        self._steps = 0

    # -- bookkeeping ---------------------------------------------------------------------------------------------

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

    def symbol(self, name: str) -> Poly:
        return variable(self.atoms.get("symbol", name))

    def element(self, name: str, indices: tuple[Index, ...]) -> Poly:
        return variable(self.atoms.get("element", name, indices))

    def delta(self, i: Index, j: Index) -> Poly:
        """Kronecker's delta."""
        if i == j:
            return constant(1)
        if isinstance(i, int) and isinstance(j, int):
            return {}
        first, second = sorted((i, j), key=_index_order)
        return variable(self.atoms.get("delta", first, second))

    # -- products ------------------------------------------------------------------------------------------------

    def multiply(self, p: Poly, q: Poly) -> Poly:
        self.spend(len(p) * len(q))
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
        """The product of two monomials: a monomial, or a polynomial where an atom's exponent rule applies."""
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
                special = special or atom.kind == "delta"
                continue
            value = rational(old + e)
            special = special or atom.kind not in ("symbol", "element", "sum", "exp")
            if value:
                exponents[atom] = value
            else:
                del exponents[atom]
        if special or any(atom.kind == "delta" for atom, _ in m):
            return self._settle(exponents)
        return tuple(sorted(exponents.items()))

    def _settle(self, exponents: Mapping[Atom, Rational]) -> Poly:
        """Apply the rules of deltas, bases, primes and functions to a product of powers of distinct atoms."""
        for atom in exponents:
            if atom.kind == "delta":
                return self._unify(atom, exponents)
        plain: dict[Atom, Rational] = {}
        rest: Poly = constant(1)
        for atom, e in exponents.items():
            power = self._power_of(atom, e)
            if power is None:
                plain[atom] = e
            else:
                rest = self.multiply(rest, power)
        if rest == {(): 1}:
            return {tuple(sorted(plain.items())): 1}
        return self.multiply({tuple(sorted(plain.items())): 1}, rest)

    def _power_of(self, atom: Atom, e: Rational) -> Poly | None:
        """The canonical form of ``atom**e`` where it is not just that."""
        if e == 0:
            return constant(1)
        if atom.kind == "prime" and not 0 < e < 1:
            whole = e.__floor__()
            p = cast(int, atom.args[0])
            return scale(variable(atom, rational(e - whole)) if e != whole else constant(1), _number_power(p, whole))
        if atom.kind == "power" and e >= 1:
            base = base_of(atom)
            return self._expand(base, atom, e)
        if atom.kind == "function":
            return self._function_power(atom, e)
        return None

    def _expand(self, base: Poly, atom: Atom, e: Rational) -> Poly:
        whole = e.__floor__()
        part = rational(e - whole)
        expanded = self._repeat(base, whole)
        return self.multiply(expanded, variable(atom, part)) if part else expanded

    def _function_power(self, atom: Atom, e: Rational) -> Poly | None:
        """abs(u)**e keeps an exponent below 2 only, sin(u)**e one below 2."""
        name, argument = atom.args[0], dict(cast(Iterable[tuple[Monomial, Rational]], atom.args[1]))
        if name == "abs" and not 0 < e < 2:
            pairs = (e / 2).__floor__() if isinstance(e, Fraction) else e // 2
            rest = rational(e - 2 * pairs)
            squares = self.power(argument, 2 * pairs)
            return self.multiply(squares, variable(atom, rest)) if rest else squares
        if name == "sin" and e >= 2 and e == e.__floor__():
            cosine = self.function("cos", argument)
            square = add(constant(1), self._repeat(cosine, 2), -1)
            rest = rational(e - 2)
            return self.multiply(square, variable(atom, rest)) if rest else square
        return None

    def _unify(self, delta: Atom, exponents: Mapping[Atom, Rational]) -> Poly:
        """delta(i, j) times something: write i for j in it; the delta itself is idempotent."""
        keep, drop = cast(tuple[Index, Index], delta.args)
        if exponents[delta] < 0:
            raise Undefined("division by a Kronecker delta")
        rest = {atom: e for atom, e in exponents.items() if atom is not delta}
        if all(drop not in atom.free for atom in rest):
            settled = self._settle(rest) if rest else constant(1)
            return self._attach(delta, settled)
        replaced = self.product((self.rename(atom, {drop: keep}), e) for atom, e in rest.items())
        return self._attach(delta, replaced)

    def _attach(self, delta: Atom, p: Poly) -> Poly:
        """``delta * p`` for a ``p`` in which the delta's second index no longer occurs."""
        total: Poly = {}
        for monomial, c in p.items():
            total[tuple(sorted((*monomial, (delta, 1))))] = c
        return total

    def product(self, powers: Iterable[tuple[Poly, Rational]]) -> Poly:
        total = constant(1)
        for base, e in powers:
            total = self.multiply(total, self.power(base, e))
        return total

    # -- powers --------------------------------------------------------------------------------------------------

    def power(self, p: Poly, e: Rational) -> Poly:
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
            return self._term_power(monomial, coefficient, e)
        if isinstance(e, int) and e > 0:
            return self._repeat(p, e)
        return self._base_power(p, e)

    def _repeat(self, p: Poly, times: int) -> Poly:
        if times > MAX_EXPONENT and len(p) > 1:
            raise GaveUp(f"a power of {times}")
        result = constant(1)
        while times:
            if times & 1:
                result = self.multiply(result, p)
            times >>= 1
            if times:
                p = self.multiply(p, p)
        return result

    def _term_power(self, monomial: Monomial, coefficient: Rational, e: Rational) -> Poly:
        if isinstance(e, int):
            powers = self._settle({atom: rational(k * e) for atom, k in monomial}) if monomial else constant(1)
            return scale(powers, _number_power(coefficient, e))
        splits: list[Poly] = []
        rest: dict[Atom, Rational] = {}
        for atom, k in monomial:
            split = self._root(atom, k, e)
            if split is None:
                rest[atom] = k
            else:
                splits.append(split)
        if rest or coefficient < 0:
            splits.append(self._stuck_root(rest, 1 if coefficient > 0 else -1, e))
        splits.append(self._number_root(abs(coefficient), e))
        total = constant(1)
        for split in splits:
            total = self.multiply(total, split)
        return total

    def _root(self, atom: Atom, k: Rational, e: Rational) -> Poly | None:
        """``(atom**k)**e`` where it can be taken apart from the other factors."""
        if self.sign(atom):
            return self._settle({atom: rational(k * e)})
        if isinstance(k, int) and k % 2 == 0:
            return self.power(self.function("abs", variable(atom)), rational(k * e))
        return None

    def _stuck_root(self, rest: dict[Atom, Rational], sign: int, e: Rational) -> Poly:
        """The root of factors whose signs are unknown: together under one root."""
        if len(rest) == 1 and sign > 0:
            ((atom, k),) = rest.items()
            return self._settle({atom: rational(k * e)})  # a root of x**odd presumes x >= 0
        if not rest:
            raise Undefined("an even root of a negative number") if e.denominator % 2 == 0 else GaveUp("a root of -1")
        base: Poly = {tuple(sorted(rest.items())): sign}
        return self._power_atom(base, e)

    def _number_root(self, value: Rational, e: Rational) -> Poly:
        """A positive rational to a rational power, as primes under roots."""
        if value == 1:
            return constant(1)
        total = constant(1)
        for part, direction in ((value.numerator, 1), (value.denominator, -1)):
            for prime, k in _factors(part):
                exponent = rational(k * direction * e)
                total = self.multiply(total, self._settle({self.atoms.get("prime", prime): exponent}))
        return total

    def _base_power(self, p: Poly, e: Rational) -> Poly:
        """A power of several terms: content out, a primitive base in."""
        content, monomial, base = self._primitive(p, e)
        outside = self._term_power(monomial, content, e)
        if len(base) == 1:
            ((m, c),) = base.items()
            return self.multiply(outside, self._term_power(m, c, e))
        return self.multiply(outside, self._signed_power(base, e))

    def _signed_power(self, base: Poly, e: Rational) -> Poly:
        """Integer powers of ``a - b`` and ``b - a`` share one base."""
        if _leads_negative(base):
            whole = e.__floor__()
            sign = -1 if whole % 2 else 1
            power = scale(self._power_atom(scale(base, -1), whole), sign) if whole else constant(1)
            return self.multiply(power, self._power_atom(base, rational(e - whole))) if e != whole else power
        return self._power_atom(base, e)

    def _power_atom(self, base: Poly, e: Rational) -> Poly:
        atom = self.atoms.get("power", terms(base))
        if e >= 1:
            return self._expand(base, atom, e)
        return variable(atom, e)

    def _primitive(self, p: Poly, e: Rational) -> tuple[Rational, Monomial, Poly]:
        """``p`` as content * monomial * primitive base, the monomial such that its power may be taken apart."""
        numerator = gcd(*(c.numerator for c in p.values()))
        denominator = lcm(*(c.denominator for c in p.values()))
        content = rational(Fraction(numerator, denominator))
        common: dict[Atom, Rational] = {}
        for atom in {atom for monomial in p for atom, _ in monomial}:
            if atom.kind in ("delta", "prime"):
                continue
            lowest = min(dict(monomial).get(atom, 0) for monomial in p)
            if lowest and (isinstance(e, int) or self.sign(atom) or (isinstance(lowest, int) and lowest % 2 == 0)):
                common[atom] = lowest
        monomial = tuple(sorted(common.items()))
        inverse = tuple((atom, -k) for atom, k in monomial)
        base = self.multiply(scale(p, rational(1 / Fraction(content))), {inverse: 1})
        return content, monomial, base

    # -- signs ---------------------------------------------------------------------------------------------------

    def sign(self, atom: Atom) -> str:
        """``positive``, ``nonnegative`` or ``""`` for unknown, for real data wherever the atom is defined."""
        known = self._signs.get(atom)
        if known is None:
            known = self._signs[atom] = self._sign(atom)
        return known

    def _sign(self, atom: Atom) -> str:
        if atom.kind in ("symbol", "element"):
            name = str(atom.args[0])
            return "positive" if name in self.positive else self.sign_of_name(name)
        if atom.kind in ("exp", "prime"):
            return "positive"
        if atom.kind == "delta":
            return "nonnegative"
        if atom.kind == "function":
            return "nonnegative" if atom.args[0] == "abs" else ""
        if atom.kind == "power":
            return self.sign_of(base_of(atom))
        return _product_sign(self._factor_sign(a, e) for a, e in cast(Monomial, atom.args[1]))

    def _factor_sign(self, atom: Atom, e: Rational) -> str:
        sign = self.sign(atom)
        if sign == "nonnegative" and e < 0:
            return "positive"
        if sign:
            return sign
        if isinstance(e, Fraction):  # a root presumes that its base is not negative
            return "positive" if e < 0 else "nonnegative"
        return ("positive" if e < 0 else "nonnegative") if e % 2 == 0 else ""

    def sign_of(self, p: Poly) -> str:
        """The sign of a polynomial where all of its terms show it."""
        signs = [
            _product_sign(self._factor_sign(atom, e) for atom, e in monomial) if c > 0 else "" for monomial, c in p.items()
        ]
        if not signs or not all(signs):
            return ""
        return "positive" if "positive" in signs else "nonnegative"

    # -- functions -----------------------------------------------------------------------------------------------

    def exp(self, p: Poly) -> Poly:
        total = constant(1)
        for monomial, c in p.items():
            if len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0].kind == "function":
                atom = monomial[0][0]
                if atom.args[0] == "log":
                    base = dict(cast(Iterable[tuple[Monomial, Rational]], atom.args[1]))
                    total = self.multiply(total, self.power(base, c))
                    continue
            total = self.multiply(total, variable(self.atoms.get("exp", monomial), c))
        return total

    def log(self, p: Poly) -> Poly:
        if not p:
            raise Undefined("the logarithm of zero")
        content, monomial, base = self._primitive(p, Fraction(1, 2)) if len(p) > 1 else self._single(p)
        total = self._number_log(abs(content))
        stuck: dict[Atom, Rational] = {}
        for atom, k in monomial:
            part = self._atom_log(atom, k)
            if part is None:
                stuck[atom] = k
            else:
                add_to(total, part)
        rest = self.multiply(base, {tuple(sorted(stuck.items())): 1 if content > 0 else -1})
        if rest != {(): 1}:
            add_to(total, variable(self.atoms.get("function", "log", terms(rest))))
        return total

    def _single(self, p: Poly) -> tuple[Rational, Monomial, Poly]:
        ((monomial, c),) = p.items()
        return c, monomial, constant(1)

    def _number_log(self, value: Rational) -> Poly:
        total: Poly = {}
        for part, direction in ((value.numerator, 1), (value.denominator, -1)):
            for prime, k in _factors(part):
                add_to(total, variable(self.atoms.get("function", "log", terms(constant(prime)))), k * direction)
        return total

    def _atom_log(self, atom: Atom, k: Rational) -> Poly | None:
        if atom.kind == "exp":
            return {cast(Monomial, atom.args[0]): k}
        if atom.kind == "power" and (k.denominator != 1 or self.sign(atom)):
            return scale(self.log(base_of(atom)), k)
        if self.sign(atom):
            return variable(self.atoms.get("function", "log", terms(variable(atom)))) if k == 1 else scale(
                variable(self.atoms.get("function", "log", terms(variable(atom)))), k
            )
        if isinstance(k, int) and k % 2 == 0:
            magnitude = self.function("abs", variable(atom))
            return scale(variable(self.atoms.get("function", "log", terms(magnitude))), k)
        return None

    def function(self, name: str, *arguments: Poly) -> Poly:
        """An elementwise function; those with a canonical rewriting are rewritten."""
        rule = _FUNCTIONS.get(name)
        if rule is not None:
            return rule(self, *arguments)
        return variable(self.atoms.get("function", name, *(terms(a) for a in arguments)))

    def _abs(self, p: Poly) -> Poly:
        if not p:
            return {}
        if self.sign_of(p):
            return p
        if self.sign_of(scale(p, -1)):
            return scale(p, -1)
        if len(p) > 1:
            content, monomial, base = self._primitive(p, 1)
            if _leads_negative(base):
                base = scale(base, -1)
            outside = self._abs({monomial: abs(content)}) if monomial else constant(abs(content))
            if len(base) == 1:
                return self.multiply(outside, self._abs(base))
            return self.multiply(outside, variable(self.atoms.get("function", "abs", terms(base))))
        ((monomial, c),) = p.items()
        total = constant(abs(c))
        for atom, k in monomial:
            total = self.multiply(total, self._atom_abs(atom, k))
        return total

    def _atom_abs(self, atom: Atom, k: Rational) -> Poly:
        if self._factor_sign(atom, k):
            return {((atom, k),): 1}
        if atom.kind == "power":
            base = base_of(atom)
            return self.power(self._abs(base), k)
        return self.power(variable(self.atoms.get("function", "abs", terms(variable(atom)))), k)

    def _odd(self, name: str, p: Poly) -> Poly:
        if not p:
            return {}
        if _leads_negative(p):
            return scale(variable(self.atoms.get("function", name, terms(scale(p, -1)))), -1)
        return variable(self.atoms.get("function", name, terms(p)))

    def _even(self, name: str, p: Poly) -> Poly:
        if not p:
            return constant(1)
        return variable(self.atoms.get("function", name, terms(scale(p, -1) if _leads_negative(p) else p)))

    def _sigmoid(self, p: Poly) -> Poly:
        """1/(1 + exp(-u)), written 1 - 1/(1 + exp(u))."""
        return add(constant(1), self.power(add(constant(1), self.exp(p)), -1), -1)

    def _tanh(self, p: Poly) -> Poly:
        """tanh(u) = 1 - 2/(1 + exp(2u))."""
        return add(constant(1), self.power(add(constant(1), self.exp(scale(p, 2))), -1), -2)

    def _maximum(self, p: Poly, q: Poly) -> Poly:
        """max(a, b) = (a + b + |a - b|)/2."""
        return scale(add(add(p, q), self._abs(add(p, q, -1))), Fraction(1, 2))

    def _minimum(self, p: Poly, q: Poly) -> Poly:
        return scale(add(add(p, q), self._abs(add(p, q, -1)), -1), Fraction(1, 2))

    def _signum(self, p: Poly) -> Poly:
        """u/|u|, undefined at zero."""
        return self.multiply(p, self.power(self._abs(p), -1))

    def _step(self, p: Poly) -> Poly:
        return scale(add(constant(1), self._signum(p)), Fraction(1, 2))

    # -- renaming ------------------------------------------------------------------------------------------------

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
            name, indices = cast(tuple[str, tuple[Index, ...]], atom.args)
            return self.element(name, tuple(self.rename_index(i, mapping) for i in indices))
        if atom.kind == "delta":
            i, j = cast(tuple[Index, Index], atom.args)
            return self.delta(self.rename_index(i, mapping), self.rename_index(j, mapping))
        return self.rebuild(atom, lambda inner: self.rename(inner, mapping))

    def rename_index(self, index: Index, mapping: Mapping[Index, Index]) -> Index:
        if isinstance(index, Atom):
            ((monomial, _),) = self.rename(index, mapping).items()
            return monomial[0][0]
        return mapping.get(index, index)

    def rename_all(self, p: Poly, mapping: Mapping[Index, Index]) -> Poly:
        return self.map_atoms(p, lambda atom: self.rename(atom, mapping))

    def map_atoms(self, p: Poly, replace: Callable[[Atom], Poly]) -> Poly:
        """Put ``replace(atom)`` for each atom of a polynomial, and multiply out."""
        total: Poly = {}
        for monomial, c in p.items():
            product = constant(c)
            kept: list[tuple[Atom, Rational]] = []
            for atom, e in monomial:
                new = replace(atom)
                if len(new) == 1 and new.get(((atom, 1),)) == 1:
                    kept.append((atom, e))
                else:
                    product = self.multiply(product, self.power(new, e))
            if kept:
                product = self.multiply({tuple(kept): 1}, product)
            add_to(total, product)
        return total

    def rebuild(self, atom: Atom, replace: Callable[[Atom], Poly]) -> Poly:
        """A compound atom with ``replace`` applied to the atoms inside it."""
        if atom.kind == "power":
            base = base_of(atom)
            return self.map_atoms(base, replace)
        if atom.kind == "exp":
            return self.exp(self.map_atoms({cast(Monomial, atom.args[0]): 1}, replace))
        if atom.kind == "function":
            arguments = [
                self.map_atoms(dict(cast(Iterable[tuple[Monomial, Rational]], part)), replace) for part in atom.args[1:]
            ]
            name = cast(str, atom.args[0])
            return self.log(arguments[0]) if name == "log" else self.function(name, *arguments)
        if atom.kind == "sum":
            ranges, factors = self.open(atom)
            body = self.map_atoms({factors: 1}, replace)
            return self.sum(body, ranges)
        return variable(atom)

    # -- sums ----------------------------------------------------------------------------------------------------

    def open(self, atom: Atom) -> tuple[list[Range], Monomial]:
        """A contraction's ranges and factors, its bound indices freshly named."""
        sizes, factors = cast(tuple[tuple[frozenset[tuple[Monomial, Rational]], ...], Monomial], atom.args)
        mapping: dict[Index, Index] = {Bound(atom.height, k): self.fresh() for k in range(len(sizes))}
        monomial, coefficient = self._renamed_monomial(factors, mapping)
        if coefficient != 1:
            raise GaveUp("a contraction changed its sign under renaming")
        return [(mapping[Bound(atom.height, k)], dict(size)) for k, size in enumerate(sizes)], monomial

    def sum(self, p: Poly, ranges: list[Range]) -> Poly:
        """The sum of ``p`` over all values of the indices in ``ranges``."""
        total: Poly = {}
        p = self.reduce(p, {index for index, _ in ranges})
        for monomial, c in p.items():
            add_to(total, self._sum_monomial(monomial, ranges), c)
        return total

    def _sum_monomial(self, monomial: Monomial, ranges: list[Range]) -> Poly:
        self.spend(len(monomial) + 1)
        indices = {index for index, _ in ranges}
        inside = [(atom, e) for atom, e in monomial if not indices.isdisjoint(atom.free)]
        outside: Poly = {tuple((atom, e) for atom, e in monomial if indices.isdisjoint(atom.free)): 1}
        for atom, _ in inside:
            if atom.kind == "delta" and not indices.isdisjoint(cast(tuple[Index, Index], atom.args)):
                return self.multiply(outside, self._sum_delta(atom, inside, ranges))
        opened = self._open_all(inside, ranges)
        if opened is not None:
            return self.multiply(outside, opened)
        used = {index for atom, _ in inside for index in atom.free}
        for index, size in ranges:
            if index not in used:
                outside = self.multiply(outside, size)
        kept = [(index, size) for index, size in ranges if index in used]
        for part, factors in _components(kept, inside):
            outside = self.multiply(outside, self._contraction(part, factors))
        return outside

    def _sum_delta(self, delta: Atom, inside: list[tuple[Atom, Rational]], ranges: list[Range]) -> Poly:
        """A delta with a bound index ends its sum."""
        i, j = cast(tuple[Index, Index], delta.args)
        bound = {index for index, _ in ranges}
        drop, keep = (i, j) if i in bound else (j, i)
        rest = {tuple((atom, e) for atom, e in inside if atom is not delta): cast(Rational, 1)}
        renamed = self.rename_all(rest, {drop: keep})
        return self.sum(renamed, [(index, size) for index, size in ranges if index != drop])

    def _open_all(self, inside: list[tuple[Atom, Rational]], ranges: list[Range]) -> Poly | None:
        """Merge the contractions among the factors into one flat sum; None where there are none."""
        if not any(atom.kind == "sum" and isinstance(e, int) and e > 0 for atom, e in inside):
            return None
        body = constant(1)
        wider = list(ranges)
        for atom, e in inside:
            if atom.kind == "sum" and isinstance(e, int) and e > 0:
                for _ in range(e):
                    more, factors = self.open(atom)
                    wider += more
                    body = self.multiply(body, {factors: 1})
            else:
                body = self.multiply(body, {((atom, e),): 1})
        if len(wider) > MAX_BOUND:
            raise GaveUp("too many nested sums")
        return self.sum(body, wider)

    def _contraction(self, ranges: list[Range], factors: list[tuple[Atom, Rational]]) -> Poly:
        """A connected product under its sums, as one atom with canonical bound indices."""
        nested = self._nest(ranges, factors)
        if nested is not None:
            return nested
        height = 1 + max(atom.height for atom, _ in factors)
        best: tuple[tuple[int, ...], tuple[object, ...], Monomial, Rational] | None = None
        for order in self._orders(ranges, factors):
            mapping: dict[Index, Index] = {index: Bound(height, k) for k, (index, _) in enumerate(order)}
            monomial, coefficient = self._renamed_monomial(tuple(factors), mapping)
            key = tuple(part for atom, e in monomial for part in (atom.id, hash(e)))
            if best is None or key < best[0]:
                best = key, tuple(terms(size) for _, size in order), monomial, coefficient
        assert best is not None
        return scale(self._known(self.atoms.get("sum", best[1], best[2])), best[3])

    def _renamed_monomial(self, factors: Monomial, mapping: Mapping[Index, Index]) -> tuple[Monomial, Rational]:
        """A product with indices renamed, which must stay a single term."""
        renamed = self.map_atoms({factors: 1}, lambda atom: self.rename(atom, mapping))
        if len(renamed) != 1:
            raise GaveUp("a product changed its shape under renaming")
        ((monomial, coefficient),) = renamed.items()
        return monomial, coefficient

    def _orders(self, ranges: list[Range], factors: list[tuple[Atom, Rational]]) -> Iterable[list[Range]]:
        """The orders of bound indices that the canonical form chooses from: those that look alike are permuted."""
        if len(ranges) == 1:
            return [ranges]
        groups: dict[tuple[object, ...], list[Range]] = {}
        for entry in ranges:
            groups.setdefault(self._signature(entry, ranges, factors), []).append(entry)
        ordered = [groups[key] for key in sorted(groups, key=repr)]
        count_ = 1
        for group in ordered:
            for k in range(2, len(group) + 1):
                count_ *= k
        if count_ > 720:
            raise GaveUp("a contraction with too many symmetric indices")
        return ([entry for group in choice for entry in group] for choice in product(*(permutations(g) for g in ordered)))

    def _signature(self, entry: Range, ranges: list[Range], factors: list[tuple[Atom, Rational]]) -> tuple[object, ...]:
        """How an index looks with the other bound indices made alike."""
        index, size = entry
        mapping: dict[Index, Index] = {other: "~other" for other, _ in ranges}
        mapping[index] = "~this"
        look = []
        for atom, e in factors:
            if index in atom.free:
                renamed = self.rename(atom, mapping)
                look.append((tuple(sorted((_ids(m), c) for m, c in renamed.items())), e))
        return (tuple(sorted((_ids(m), c) for m, c in size.items())), tuple(sorted(look)))

    # -- sums with denominators, and known sums --------------------------------------------------------------------

    def _nest(self, ranges: list[Range], factors: list[tuple[Atom, Rational]]) -> Poly | None:
        """Close inner sums first where their value is known or cancels a denominator that depends on an outer index."""
        if len(ranges) < 2 or not (self.facts or any(atom.kind in ("power", "sum") for atom, _ in factors)):
            return None
        closings: dict[Atom | None, list[tuple[Range, Poly]]] = {}
        for index, size in ranges:
            inner = tuple(sorted((atom, e) for atom, e in factors if index in atom.free))
            if len(inner) == len(factors):
                continue
            closed = self.sum({inner: 1}, [(index, size)])
            if self._outer_atom(closed) is None:
                return self._close([(index, size)], closed, ranges, factors)
            closings.setdefault(self._outer_atom(closed), []).append(((index, size), closed))
        for atom, entries in closings.items():
            needed = self._needed(cast(Atom, atom), factors)
            if 0 < needed <= len(entries):
                chosen = entries[:needed]
                return self._close([entry for entry, _ in chosen], self.power(chosen[0][1], needed), ranges, factors)
        return None

    def _outer_atom(self, closed: Poly) -> Atom | None:
        """The contraction that a closed sum is; None where a fact gave it another value."""
        if len(closed) == 1:
            ((monomial, _),) = closed.items()
            if len(monomial) == 1 and monomial[0][0].kind == "sum":
                return monomial[0][0]
        return None

    def _needed(self, atom: Atom, factors: list[tuple[Atom, Rational]]) -> int:
        """How many factors ``atom`` a denominator among the factors asks for; 0 where none does."""
        for other, e in factors:
            if other is atom and e < 0:
                return 1
            if other.kind == "power" and e < 0 and self._generator(other) is atom:
                return int(self._leading(other)[1])
        return 0

    def _close(
        self, closed: list[Range], value: Poly, ranges: list[Range], factors: list[tuple[Atom, Rational]]
    ) -> Poly:
        """The flat sum with its inner sums over ``closed`` replaced by their value."""
        indices = {index for index, _ in closed}
        outer = tuple(sorted((atom, e) for atom, e in factors if indices.isdisjoint(atom.free)))
        body = self.reduce(self.multiply(value, {outer: 1}), None)
        return self.sum(body, [entry for entry in ranges if entry[0] not in indices])

    def _known(self, atom: Atom) -> Poly:
        """A contraction whose value a fact gives, else itself."""
        for pattern, (letters, value) in self.facts.items():
            free = sorted(atom.free, key=_index_order)
            if len(free) != len(letters) or pattern.height != atom.height:
                continue
            for order in permutations(free):
                mapping: dict[Index, Index] = dict(zip(letters, order, strict=True))
                renamed = self._plain_rename(pattern, mapping)
                if renamed is atom:
                    return self.rename_all(value, mapping)
        return variable(atom)

    def _plain_rename(self, atom: Atom, mapping: Mapping[Index, Index]) -> Atom:
        sizes, factors = cast(tuple[tuple[object, ...], Monomial], atom.args)
        monomial, _ = self._renamed_monomial(factors, mapping)
        return self.atoms.get("sum", sizes, monomial)

    def reduce(self, p: Poly, indices: set[Index] | None) -> Poly:
        """Cancel numerators against denominators of several terms: with base P = c*g^d + ..., g^d/P = (1 - .../P)/c.

        Only bases that depend on one of ``indices`` are treated, all of them where that is None.
        """
        todo, done = dict(p), cast(Poly, {})
        while todo:
            self.spend(len(todo))
            if len(todo) + len(done) > MAX_TERMS:
                raise GaveUp("a quotient has too many terms")
            monomial, c = todo.popitem()
            step = self._reduction(monomial, indices)
            if step is None:
                add_to(done, {monomial: c})
            else:
                add_to(todo, step, c)
        return done

    def _reduction(self, monomial: Monomial, indices: set[Index] | None) -> Poly | None:
        for base_atom, b in monomial:
            if base_atom.kind != "power" or b >= 0 or (indices is not None and indices.isdisjoint(base_atom.free)):
                continue
            generator = self._generator(base_atom)
            if generator is None:
                continue
            lead, degree = self._leading(base_atom)
            if dict(monomial).get(generator, 0) >= degree:
                return self._divide(monomial, base_atom, lead)
        return None

    def _generator(self, base_atom: Atom) -> Atom | None:
        """The atom by whose degree a base is divided: its latest with a single leading term."""
        if base_atom not in self._generators:
            self._generators[base_atom] = _choose_generator(base_of(base_atom))
        return self._generators[base_atom]

    def _leading(self, base_atom: Atom) -> tuple[Monomial, Rational]:
        """The leading monomial of a base in its generator, and its degree."""
        generator = cast(Atom, self._generator(base_atom))
        degrees = {m: dict(m).get(generator, 0) for m in base_of(base_atom)}
        lead = max(degrees, key=lambda m: degrees[m])
        return lead, degrees[lead]

    def _divide(self, monomial: Monomial, base_atom: Atom, lead: Monomial) -> Poly:
        """``lead * rest`` over a base: write lead as (base - others)/c."""
        base = base_of(base_atom)
        c = Fraction(base[lead])
        inverse: Poly = {tuple((atom, -k) for atom, k in lead): rational(1 / c)}
        rest = self.multiply({monomial: 1}, inverse)
        raised = self.multiply(rest, variable(base_atom))
        others = {m: k for m, k in base.items() if m != lead}
        return add(raised, self.multiply(rest, others), -1)


_FUNCTIONS: dict[str, Callable[..., Poly]] = {
    "exp": Algebra.exp,
    "log": Algebra.log,
    "abs": Algebra._abs,
    "sigmoid": Algebra._sigmoid,
    "tanh": Algebra._tanh,
    "max": Algebra._maximum,
    "min": Algebra._minimum,
    "sign": Algebra._signum,
    "step": Algebra._step,
    "sin": lambda algebra, p: algebra._odd("sin", p),
    "erf": lambda algebra, p: algebra._odd("erf", p),
    "cos": lambda algebra, p: algebra._even("cos", p),
}
"""Functions with a canonical rewriting; any other name stays an opaque function of its arguments."""


def _index_order(index: Index) -> tuple[int, str]:
    if isinstance(index, int):
        return 0, f"{index:09d}"
    if isinstance(index, Bound):
        return 2, f"{index.height:04d} {index.position:04d}"
    if isinstance(index, Atom):
        return 3, f"{index.id:09d}"
    return 1, index


def _ids(monomial: Monomial) -> tuple[tuple[int, Rational], ...]:
    return tuple((atom.id, e) for atom, e in monomial)


def _product_sign(signs: Iterable[str]) -> str:
    total = "positive"
    for sign in signs:
        if not sign:
            return ""
        if sign == "nonnegative":
            total = sign
    return total


def _leads_negative(p: Poly) -> bool:
    """Which of p and -p is written with a minus: by the sum of the coefficients, then by the first term."""
    total = sum(p.values())
    if total:
        return total < 0
    return p[min(p, key=_ids)] < 0


def _components(ranges: list[Range], factors: list[tuple[Atom, Rational]]) -> list[tuple[list[Range], list[tuple[Atom, Rational]]]]:
    """Factors that share bound indices, directly or through others, belong to one contraction."""
    if len(ranges) == 1:
        return [(ranges, factors)]
    parts: list[tuple[set[Index], list[tuple[Atom, Rational]]]] = []
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


def base_of(base_atom: Atom) -> Poly:
    return dict(cast(Iterable[tuple[Monomial, Rational]], base_atom.args[0]))


def _choose_generator(base: Poly) -> Atom | None:
    candidates = {a for m in base for a, _ in m if a.kind not in ("delta", "prime")}
    for atom in sorted(candidates, key=lambda a: (a.shape, a.id), reverse=True):
        top = max(dict(m).get(atom, 0) for m in base)
        if top > 0 and sum(dict(m).get(atom, 0) == top for m in base) == 1:
            return atom
    return None


def _number_power(value: Rational, e: int) -> Rational:
    if abs(e) * max(value.numerator.bit_length(), value.denominator.bit_length()) > 4 * MAX_DIGITS:
        raise GaveUp("a number with too many digits")
    return rational(Fraction(value) ** e)


def _factors(n: int) -> list[tuple[int, int]]:
    """Prime factors of a positive integer of moderate size, by trial division; a large rest counts as prime."""
    found = []
    p = 2
    while p * p <= n and p < 10_000:
        k = 0
        while n % p == 0:
            n //= p
            k += 1
        if k:
            found.append((p, k))
        p += 1 if p == 2 else 2
    if n > 1:
        found.append((n, 1))
    return found


__all__ = ["Algebra", "GaveUp", "Range", "Undefined", "free_of"]
