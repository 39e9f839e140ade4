"""Normal forms laid out as a person writes them: factored, sums over one range joined, roots and means kept together.

A normal form is a flat sum of products. Its layout takes out what all terms share, then what several share, and joins
the summands of sums that have the same factor. Layouts are cheap to make and to compare; only the one that is chosen is
written in SymPy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import gcd
from typing import TypeAlias

import sympy
from sympy import Expr

from derive.language import bound
from derive.normal.algebra import Algebra
from derive.normal.atoms import (
    Atom,
    Bound,
    Index,
    Monomial,
    Poly,
    Rational,
    add_to,
    free_of,
    inner_atoms,
    magnitude,
    rational,
    terms,
    variable,
)
from derive.normal.contraction import opened
from derive.normal.convert import Converter

GROUPED = 40
"""Terms: in a longer sum no factors of some terms are looked for."""
FUNCTION_COST = 3
"""What an exponential or a logarithm counts beside a multiplication."""


@dataclass(frozen=True, eq=False)
class Joined:
    """A sum over indices of a laid-out body; ``key`` makes equal ones equal.

    Attributes:
        ranges: the summed indices with their sizes.
        width: how many indices the body runs through, free ones and summed ones.
    """

    ranges: tuple[tuple[str, Poly], ...]
    body: Layout
    key: object
    width: int
    id: int


Piece: TypeAlias = "Atom | Joined"


@dataclass(frozen=True)
class Product:
    """``coefficient`` times powers of pieces times sums of products."""

    coefficient: Rational
    factors: tuple[tuple[Piece, Rational], ...]
    groups: tuple[Layout, ...] = ()


Layout: TypeAlias = "tuple[Product, ...]"
"""A sum of products."""


@dataclass(frozen=True, order=True)
class Cost:
    """What a layout costs, the worst first: the most indices that a sum runs through, sums, operations, names."""

    width: int
    reductions: int
    operations: int
    names: int = 0


@dataclass(frozen=True)
class _Term:
    coefficient: Rational
    factors: Mapping[Piece, Rational]


class Setter:
    """Lays out normal forms of one algebra, and writes layouts in SymPy.

    Args:
        sizes: the names of sizes in the order in which sums over them are nested. They are not taken out of some terms
            only: a mean keeps its 1/N.
    """

    def __init__(self, algebra: Algebra, converter: Converter, sizes: Sequence[str]) -> None:
        self.algebra = algebra
        self.converter = converter
        self.sizes = sizes
        self._joined: dict[object, Joined] = {}
        self._bases: dict[Atom, tuple[int, Layout]] = {}

    # -- laying out --------------------------------------------------------------------------------------------------

    def layout(self, p: Poly) -> Layout:
        """A normal form, factored."""
        return self._factored(list(self._with_joined_sums(p)))

    def over_common_denominator(self, p: Poly) -> Layout | None:
        """A normal form as one fraction, its denominator what the terms need between them; None for a long one."""
        below: dict[Atom, Rational] = {}
        for atom, e in (factor for monomial in p for factor in monomial):
            if e < 0 and not self.is_size(atom):
                below[atom] = min(below.get(atom, 0), e)
        above: Poly = {}
        for monomial, c in p.items():
            add_to(above, self._lifted(monomial, c, below))
            if len(above) > GROUPED:
                return None
        top = self.layout(above)
        if len(top) == 1:
            return (Product(top[0].coefficient, (*top[0].factors, *below.items()), top[0].groups),)
        return (Product(1, tuple(below.items()), (top,)),) if top else ()

    def _lifted(self, monomial: Monomial, c: Rational, below: Mapping[Atom, Rational]) -> Poly:
        """A term times the powers of some denominators."""
        lifted: Poly = {tuple((a, e) for a, e in monomial if a not in below): c}
        own = dict(monomial)
        for atom, e in below.items():
            base = atom.base if atom.kind == "power" else variable(atom)
            lifted = self.algebra.multiply(lifted, self.algebra.power(base, rational(own.get(atom, 0) - e)))
        return lifted

    def _with_joined_sums(self, p: Poly) -> Iterator[_Term]:
        """The terms, those with the same factor of sums over the same ranges put together."""
        groups: dict[object, list[tuple[Rational, Atom, Monomial]]] = {}
        for monomial, c in p.items():
            sums = [a for a, e in monomial if a.kind == "sum" and e == 1]
            if len(sums) != 1:
                yield _Term(c, dict(monomial))
                continue
            (atom,) = sums
            outer = tuple((a, e) for a, e in monomial if a is not atom)
            key = (
                outer,
                frozenset(atom.free),
                tuple(sorted(str(sorted(map(str, part.items()))) for part in atom.parts)),
            )
            groups.setdefault(key, []).append((c, atom, outer))
        for members in groups.values():
            yield from (
                self._together(members)
                if len(members) > 1
                else (_Term(c, {**dict(outer), atom: 1}) for c, atom, outer in members)
            )

    def _together(self, members: list[tuple[Rational, Atom, Monomial]]) -> Iterator[_Term]:
        """Several sums with one factor as one sum."""
        outer = members[0][2]
        share = reduce(_common_part, (c for c, _, _ in members))
        parts = {atom: rational(Fraction(c) / share) for c, atom, _ in members}
        yield _Term(share, {**dict(outer), self._join(parts): 1})

    def _join(self, parts: Mapping[Atom, Rational]) -> Joined:
        key = frozenset(parts.items())
        if key not in self._joined:
            ranges: list[tuple[str, Poly]] = []
            total: Poly = {}
            for atom, c in parts.items():
                own, body = opened(self.algebra, atom)
                if not ranges:
                    ranges = [(str(i), size) for i, size in own]
                names = dict(_matched(own, ranges))
                for monomial, k in self.algebra.rename_all(body, names).items():
                    total[monomial] = rational(total.get(monomial, 0) + k * c)
            width = len(free_of(total) | {i for i, _ in ranges})
            self._joined[key] = Joined(tuple(ranges), self.layout(total), key, width, len(self._joined))
        return self._joined[key]

    def _factored(self, terms: list[_Term]) -> Layout:
        """A sum with what all its terms share in front, and then what some of them share."""
        if not terms:
            return ()
        if len(terms) == 1:
            return (self._product(terms[0].coefficient, terms[0].factors),)
        coefficient, content = self._content(terms)
        rest = [_divided(term, coefficient, content) for term in terms]
        groups = self._grouped(rest)
        if coefficient == 1 and not content:
            return groups
        return (self._product(coefficient, content, (groups,)),)

    def _grouped(self, terms: list[_Term]) -> Layout:
        """A sum without a common factor: factors that save most are taken out of some of its terms."""
        done: list[Product] = []
        while 1 < len(terms) <= GROUPED:
            best = self._best_factor(terms)
            if best is None:
                break
            inside = [t for t in terms if self._divides(best, t)]
            terms = [t for t in terms if not self._divides(best, t)]
            done.extend(self._factored(inside))
        return (*(p for t in terms for p in self._factored([t])), *done)

    def _product(
        self, coefficient: Rational, factors: Mapping[Piece, Rational], groups: tuple[Layout, ...] = ()
    ) -> Product:
        return Product(coefficient, tuple(factors.items()), groups)

    # -- common factors ----------------------------------------------------------------------------------------------

    def is_size(self, piece: Piece) -> bool:
        """Whether a piece is a number or made of sizes alone."""
        if isinstance(piece, Joined):
            return False
        if piece.kind == "power":
            return all(self.is_size(inner) for inner in inner_atoms(piece))
        return piece.kind in ("prime", "constant") or (piece.kind == "symbol" and piece.args[0] in self.sizes)

    def _content(self, terms: list[_Term]) -> tuple[Rational, dict[Piece, Rational]]:
        """What all terms share."""
        shared: dict[Piece, Rational] = {}
        for piece in dict.fromkeys(piece for term in terms for piece in term.factors):
            self.algebra.spend(len(terms))
            common = self._common([term.factors.get(piece, 0) for term in terms], piece)
            if common:
                shared[piece] = common
        return reduce(_common_part, (term.coefficient for term in terms)), shared

    def _common(self, exponents: list[Rational], piece: Piece) -> Rational:
        """The power of a piece that several terms share: of exponents with one sign the one nearest to zero.

        A size in the denominators of most terms is taken out of all.
        """
        if len(set(exponents)) == 1:
            return exponents[0]
        if self.is_size(piece):
            return _common_denominator(exponents)
        if all(e > 0 for e in exponents):
            return min(exponents)
        return max(exponents) if all(e < 0 for e in exponents) else 0

    def _best_factor(self, terms: list[_Term]) -> dict[Piece, Rational] | None:
        """Of the products that some terms share the one that saves most multiplications; sizes do not count."""
        candidates: dict[object, dict[Piece, Rational]] = {}
        for k, first in enumerate(terms):
            self.algebra.spend(len(terms))
            for second in terms[k + 1 :]:
                shared = self._shared(first, second)
                if shared:
                    candidates.setdefault(frozenset(shared.items()), shared)
        best, most = None, 0
        for shared in candidates.values():
            self.algebra.spend(len(terms))
            times = sum(self._divides(shared, t) for t in terms) - 1
            saved = times * sum(map(_weight, shared))
            if saved > most:
                best, most = shared, saved
        return best

    def _shared(self, first: _Term, second: _Term) -> dict[Piece, Rational]:
        shared = {}
        for piece, e in first.factors.items():
            common = 0 if self.is_size(piece) else self._common([e, second.factors.get(piece, 0)], piece)
            if common:
                shared[piece] = common
        return shared

    def _divides(self, content: Mapping[Piece, Rational], term: _Term) -> bool:
        return all(self._common([e, term.factors.get(piece, 0)], piece) == e for piece, e in content.items())

    # -- counting ----------------------------------------------------------------------------------------------------

    def cost(self, layout: Layout) -> Cost:
        counter = _Counter(self)
        operations = counter.sum(layout)
        return Cost(counter.width, len(counter.sums), operations, len(counter.names))

    def reductions(self, layout: Layout) -> tuple[Expr, ...]:
        """The different sums, written in SymPy; one that depends on the index of a sum around it is part of that."""
        counter = _Counter(self)
        counter.sum(layout)
        whole = (p for p in counter.sums.values() if isinstance(p, Joined) or not _is_inside(p))
        written = (self._piece(piece, {}) for piece in whole)
        return tuple(total for total in written if not any(s.is_Dummy for s in total.free_symbols))

    def base(self, atom: Atom) -> tuple[int, Layout]:
        """The base of a power, with the sign that makes the sizes in it positive."""
        if atom not in self._bases:
            p = atom.base
            sign = -1 if self._is_number_less_sizes(p) else 1
            self._bases[atom] = sign, self.layout({m: c * sign for m, c in p.items()})
        return self._bases[atom]

    def _is_number_less_sizes(self, p: Poly) -> bool:
        return all(c < 0 for m, c in p.items() if m) and all(self.is_size(a) for m in p for a, _ in m)

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, layout: Layout) -> Expr:
        """A layout in SymPy; products of sums stay as they are."""
        return self._sum(layout)

    def _sum(self, layout: Layout) -> Expr:
        written = [self._written(product) for product in layout]
        return written[0] if len(written) == 1 else sympy.Add(*written)

    def _written(self, product: Product) -> Expr:
        coefficient = sympy.Rational(product.coefficient.numerator, product.coefficient.denominator)
        factors, scaled = self._with_means(product.factors)
        plain: list[Expr] = []
        for piece, e in factors:
            if isinstance(piece, Atom) and piece.kind == "power" and piece not in scaled:
                sign, base = self.base(piece)
                coefficient *= sign if rational(e).denominator == 1 and e % 2 else 1
                written = self._sum(base if sign < 0 and rational(e).denominator == 1 else self.layout(piece.base))
            elif isinstance(piece, Atom) and piece.kind == "power":
                written = self._sum(self.layout(scaled[piece]))
            else:
                written = self._piece(piece, {})
            plain.append(written ** sympy.Rational(e.numerator, e.denominator))
        groups = [self._sum(group) for group in product.groups]
        head = sympy.Mul(coefficient, *plain)
        if not groups:
            return head
        return groups[0] if head == 1 and len(groups) == 1 else sympy.Mul(head, *groups, evaluate=False)

    def _with_means(
        self, factors: tuple[tuple[Piece, Rational], ...]
    ) -> tuple[list[tuple[Piece, Rational]], dict[Piece, Poly]]:
        """``N**(1/2) (N a + b)**(-1/2)`` is ``(a + b/N)**(-1/2)``: sizes multiplied into a root go back into it."""
        kept = dict(factors)
        scaled: dict[Piece, Poly] = {}
        for root, e in factors:
            if not (isinstance(root, Atom) and root.kind == "power" and rational(e).denominator > 1):
                continue
            base: Poly = root.base
            for size, k in factors:
                if isinstance(size, Atom) and size.kind == "symbol" and kept.get(size) == -e and k == -e:
                    base = self.algebra.multiply(base, {((size, -1),): 1})
                    del kept[size]
            if base is not root.base:
                scaled[root] = base
        return list(kept.items()), scaled

    def _piece(self, piece: Piece, names: Mapping[Index, Expr]) -> Expr:
        if isinstance(piece, Atom) and piece.kind == "sum":
            ranges, body = opened(self.algebra, piece)
            key = ("sum", piece)
            if key not in self._joined:
                entries = tuple((str(i), size) for i, size in ranges)
                self._joined[key] = Joined(entries, self.layout(body), key, 0, len(self._joined))
            piece = self._joined[key]
        if isinstance(piece, Joined):
            letters = [self._letter(i) for i, _ in piece.ranges]
            sizes = [self._sum(self.layout(size)) for _, size in piece.ranges]
            body = self._sum(piece.body)
            limits = [(letter, 1, size) for letter, size in zip(letters, sizes, strict=True)]
            return sympy.Sum(body, *sorted(limits, key=self._place, reverse=True))
        if piece.kind == "exp":
            return sympy.exp(self._sum(self.layout({piece.factors: 1})))
        return self.converter.write({((piece, 1),): 1})

    def _place(self, limit: tuple[Expr, int, Expr]) -> int:
        """Where a sum stands among others: an innermost one first."""
        name = str(limit[2])
        return self.sizes.index(name) if name in self.sizes else len(self.sizes)

    def _letter(self, i: str) -> sympy.Symbol:
        """The symbol of an opened index."""
        return self.converter.name_index(i, bound("~"))


class _Counter:
    """Counts what a layout costs."""

    def __init__(self, setter: Setter) -> None:
        self.setter = setter
        self.sums: dict[object, Piece] = {}
        self.names: set[str] = set()
        self.width = 0

    def sum(self, layout: Layout) -> int:
        return len(layout) - 1 + sum(map(self.product, layout)) if layout else 0

    def product(self, product: Product) -> int:
        total = -1 + (magnitude(product.coefficient).numerator != 1) + (magnitude(product.coefficient).denominator != 1)
        for piece, e in product.factors:
            total += 1 + self.power(e) + self.piece(piece)
        for group in product.groups:
            total += 1 + self.sum(group)
        return max(total, 0)

    def power(self, e: Rational) -> int:
        return 0 if e in (1, -1) else 1

    def piece(self, piece: Piece) -> int:
        if isinstance(piece, Joined):
            self.width = max(self.width, piece.width)
            self.sums.setdefault(piece.key, piece)
            return 1 + self.sum(piece.body)
        self.names |= piece.names
        if piece.kind == "sum":
            self.width = max(self.width, len(piece.free) + len(piece.parts))
            self.sums.setdefault(piece, piece)
            return 1 + self.product(Product(1, piece.factors))
        if piece.kind == "power":
            return self.sum(self.setter.base(piece)[1])
        if piece.kind == "exp":
            return FUNCTION_COST + self.product(Product(1, piece.factors))
        if piece.kind == "function":
            return FUNCTION_COST + sum(self.sum(self.setter.layout(part)) for part in piece.parts)
        return 0


# -- common factors --------------------------------------------------------------------------------------------------


def _common_part(a: Rational, b: Rational) -> Rational:
    """The number that two coefficients share, negative if both are: 2 of 4 and 6, 1/2 of 1/2 and -1/2."""
    first, second = Fraction(a), Fraction(b)
    sign = -1 if a < 0 and b < 0 else 1
    bottom = first.denominator if first.denominator == second.denominator else 1
    return rational(Fraction(sign * gcd(first.numerator, second.numerator), bottom))


def _common_denominator(exponents: list[Rational]) -> Rational:
    """The one negative exponent that most of several terms have and the others lack."""
    below = [e for e in exponents if e]
    return below[0] if len(set(below)) == 1 and below[0] < 0 and 2 * len(below) > len(exponents) else 0


def _divided(term: _Term, coefficient: Rational, content: Mapping[Piece, Rational]) -> _Term:
    factors = dict(term.factors)
    for piece, e in content.items():
        left = rational(factors.get(piece, 0) - e)
        if left:
            factors[piece] = left
        else:
            factors.pop(piece, None)
    return _Term(rational(Fraction(term.coefficient) / coefficient), factors)


def _is_inside(atom: Atom) -> bool:
    """Whether an atom has an index that a sum around it binds."""
    return any(isinstance(i, Bound) for i in atom.free)


def _weight(piece: Piece) -> int:
    return 2 if isinstance(piece, Joined) or piece.kind in ("sum", "power", "exp", "function") else 1


def _matched(own: Iterable[tuple[Index, Poly]], ranges: list[tuple[str, Poly]]) -> Iterator[tuple[Index, Index]]:
    """Which of some ranges each of others of the same sizes is put in the place of."""
    free = list(ranges)
    for i, size in own:
        place = next(k for k, (_, other) in enumerate(free) if terms(other) == terms(size))
        yield i, free.pop(place)[0]
