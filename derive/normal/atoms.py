"""Atoms and polynomials: what a normal form is made of.

A polynomial is a dict from monomial to rational coefficient; a monomial is a tuple of ``(atom, exponent)`` pairs in the
order of the atoms, exponents rational and possibly negative. Polynomials are never changed once they are made. Atoms
are interned by an `Atoms` table: two that are equal are the same object, and a later atom may contain earlier ones,
never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from typing import TypeAlias, cast

from derive.forward import closure

Rational: TypeAlias = "int | Fraction"
Factor: TypeAlias = "tuple[Atom, Rational]"
Monomial: TypeAlias = "tuple[Factor, ...]"
Poly: TypeAlias = "dict[Monomial, Rational]"
Terms: TypeAlias = "frozenset[tuple[Monomial, Rational]]"


@dataclass(frozen=True, slots=True, order=True)
class Bound:
    """A summed index inside a contraction: named by the contraction's height, so that inner and outer never meet."""

    height: int
    position: int


Index: TypeAlias = "str | int | Bound | Atom"


class Atom:
    """An indivisible factor. ``kind`` says how ``args`` are read:

    ========== ================================================================
    symbol     (name,): a scalar or a size
    constant   (name,): a real constant, such as pi
    element    (name, indices): an entry of an indexed name
    position   (index,): an index used as a number
    delta      (index, index): 1 where they are equal, else 0
    order      (index, index): 1 where the first is at most the second, else 0
    prime      (p,): a prime under a root
    power      (terms,): a base under a root or in a denominator; the exponent stands in the monomial
    exp        (monomial,): the exponential of a monomial with coefficient 1
    function   (name, terms, ...): an elementwise function of polynomials
    sum        (sizes, factors): a contraction of connected factors over bound indices
    ========== ================================================================

    Attributes:
        id: its place in the table.
        free: the indices that it depends on and does not bind itself; computed ones (``y[i]``) with what they contain.
        height: how many contractions are nested in it.
        names: the symbols and indexed names in it.
    """

    __slots__ = ("_parts", "_shape", "args", "free", "height", "id", "kind", "names")

    def __init__(self, kind: str, args: tuple[object, ...], id: int) -> None:
        self.kind = kind
        self.args = args
        self.id = id
        self._shape = ""
        self._parts: tuple[Poly, ...] | None = None
        inner = _inner(kind, args)
        self.height: int = (kind == "sum") + max([atom.height for atom in inner], default=0)
        own = (str(args[0]),) if kind in ("symbol", "element") else ()
        self.names: frozenset[str] = frozenset(own).union(*[atom.names for atom in inner])
        free = cast(frozenset[Index], frozenset().union(*[atom.free for atom in inner]))
        if kind in _WITH_INDICES:
            free = free.union([index for index in self.indices if not isinstance(index, int)])
        elif kind == "sum":
            free = free.difference([Bound(self.height, k) for k in range(len(cast(tuple[Terms, ...], args[0])))])
        self.free: frozenset[Index] = free

    @property
    def indices(self) -> tuple[Index, ...]:
        """The indices that stand in an element, a position, a delta or an order."""
        return cast(tuple[Index, ...], self.args[1] if self.kind == "element" else self.args)

    @property
    def factors(self) -> Monomial:
        """The product inside an exponential or a contraction."""
        return cast(Monomial, self.args[-1])

    @property
    def parts(self) -> tuple[Poly, ...]:
        """A power's base, a function's arguments or a contraction's sizes, their terms in the order of the atoms."""
        if self._parts is None:
            frozen = cast(
                tuple[Terms, ...],
                self.args[0] if self.kind == "sum" else self.args[self.kind == "function" :],
            )
            self._parts = tuple(dict(sorted(part, key=lambda term: ids(term[0]))) for part in frozen)
        return self._parts

    @property
    def base(self) -> Poly:
        """The base of a power, the first argument of a function."""
        return self.parts[0]

    @property
    def shape(self) -> str:
        """How the atom looks with the names of its indices left out: the same for all renamings of it."""
        if not self._shape:
            looks = _look(self)
            if len(looks) > 80:
                looks = blake2b(looks.encode(), digest_size=12).hexdigest()
            self._shape = f"{self.height:02d}{looks}"
        return self._shape

    def is_function(self, name: str) -> bool:
        """Whether it is a value of the function of that name."""
        return self.kind == "function" and self.args[0] == name

    def __repr__(self) -> str:
        return f"{self.kind}{self.id}"

    def __lt__(self, other: Atom) -> bool:
        return self.id < other.id


class Atoms:
    """The table in which atoms are interned."""

    def __init__(self) -> None:
        self._table: dict[tuple[object, ...], Atom] = {}

    def get(self, kind: str, *args: object) -> Atom:
        key = (kind, *args)
        atom = self._table.get(key)
        if atom is None:
            atom = self._table[key] = Atom(kind, args, len(self._table))
        return atom

    def __len__(self) -> int:
        return len(self._table)


# Polynomials


def terms(p: Poly) -> Terms:
    """A polynomial as a key."""
    return frozenset(p.items())


def constant(value: Rational) -> Poly:
    return {(): value} if value else {}


def variable(atom: Atom, exponent: Rational = 1) -> Poly:
    return {((atom, exponent),): 1}


def rational(value: Rational) -> Rational:
    """An int where the value is one: ints are faster and print better."""
    return value.numerator if value.denominator == 1 else value


def magnitude(value: Rational) -> Rational:
    """The absolute value."""
    return -value if value < 0 else value


def add_to(total: Poly, p: Poly, factor: Rational = 1) -> None:
    """``total += factor * p``, in place; only for a ``total`` that is still being made."""
    for monomial, coefficient in p.items():
        value = total.get(monomial, 0) + coefficient * factor
        if value:
            total[monomial] = rational(value)
        else:
            total.pop(monomial, None)


def add(p: Poly, q: Poly, factor: Rational = 1) -> Poly:
    total = dict(p)
    add_to(total, q, factor)
    return total


def scale(p: Poly, factor: Rational) -> Poly:
    if factor == 1:
        return p
    return {m: rational(c * factor) for m, c in p.items()} if factor else {}


def exponent_of(monomial: Monomial, atom: Atom) -> Rational:
    """The exponent of an atom in a monomial, 0 where it does not occur."""
    return next((e for a, e in monomial if a is atom), 0)


def inner_atoms(atom: Atom) -> set[Atom]:
    """The atoms directly inside an atom."""
    return _inner(atom.kind, atom.args)


def nested_atoms(atoms: Iterable[Atom]) -> set[Atom]:
    """The given atoms with all that are inside them."""
    return closure(atoms, inner_atoms)


def base_of(atom: Atom) -> Poly:
    """The base of a power atom."""
    return atom.base


def atoms_of(p: Poly) -> set[Atom]:
    return {atom for monomial in p for atom, _ in monomial}


def free_of(p: Poly) -> set[Index]:
    return {index for monomial in p for atom, _ in monomial for index in atom.free}


def ids(monomial: Monomial) -> tuple[tuple[int, Rational], ...]:
    """A monomial as something that can be ordered."""
    return tuple((atom.id, e) for atom, e in monomial)


def sortable(p: Poly) -> tuple[tuple[tuple[tuple[int, Rational], ...], Rational], ...]:
    """A polynomial as something that can be ordered."""
    return tuple(sorted((ids(m), c) for m, c in p.items()))


def index_order(index: Index) -> tuple[int, int, int, str]:
    """Numbers before names before bound indices before computed ones."""
    if isinstance(index, int):
        return 0, index, 0, ""
    if isinstance(index, Bound):
        return 2, index.height, index.position, ""
    if isinstance(index, Atom):
        return 3, index.id, 0, ""
    return 1, 0, 0, index


# What atoms know about themselves

_WITH_INDICES = ("element", "position", "delta", "order")
_NAMED = ("symbol", "constant", "element", "function")


def _inner(kind: str, args: tuple[object, ...]) -> set[Atom]:
    """The atoms directly inside an atom."""
    if kind in _WITH_INDICES:
        indices = cast(tuple[Index, ...], args[1] if kind == "element" else args)
        return {index for index in indices if isinstance(index, Atom)}
    inner: set[Atom] = set()
    if kind in ("exp", "sum"):
        inner.update([a for a, _ in cast(Monomial, args[-1])])
    if kind in ("power", "function", "sum"):
        for part in _frozen_parts(kind, args):
            inner.update([a for m, _ in part for a, _ in m])
    return inner


def _frozen_parts(kind: str, args: tuple[object, ...]) -> tuple[Terms, ...]:
    return cast(tuple[Terms, ...], args[0] if kind == "sum" else args[kind == "function" :])


def _look(atom: Atom) -> str:
    inner = [str(atom.args[0])] if atom.kind in _NAMED else []
    if atom.kind not in _WITH_INDICES:
        inner += _shapes(atom.args[len(inner) :])
    return f"{atom.kind}({','.join(inner)})"


def _shapes(args: Iterable[object]) -> Iterable[str]:
    for part in args:
        if isinstance(part, Atom):
            yield part.shape
        elif isinstance(part, frozenset | tuple):
            yield f"[{','.join(sorted(_shapes(part)))}]"
        elif isinstance(part, int | Fraction):
            yield f"{part.numerator:x}/{part.denominator:x}"  # Python writes no long numbers in decimal
        else:
            yield str(part)
