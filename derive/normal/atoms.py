"""Atoms and polynomials: what a normal form is made of.

A polynomial is a dict from monomial to rational coefficient; a monomial is a tuple of ``(atom, exponent)`` pairs in the
order of the atoms, exponents rational and possibly negative. Atoms are interned by an `Atoms` table: two that are equal
are the same object, and a later atom may contain earlier ones, never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

Rational: TypeAlias = "int | Fraction"
Monomial: TypeAlias = "tuple[tuple[Atom, Rational], ...]"
Poly: TypeAlias = "dict[Monomial, Rational]"


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
    element    (name, indices): an entry of an indexed name
    delta      (index, index): 1 where they are equal, else 0
    prime      (p,): a prime under a root
    power      (terms,): a base of several terms; the exponent stands in the monomial
    exp        (monomial,): the exponential of a monomial with coefficient 1
    function   (name, terms, ...): an elementwise function of polynomials
    sum        (sizes, factors): a contraction of connected factors over bound indices
    ========== ================================================================
    """

    __slots__ = ("_shape", "args", "free", "height", "id", "kind", "names")

    def __init__(self, kind: str, args: tuple[object, ...], id: int) -> None:
        self.kind = kind
        self.args = args
        self.id = id
        self.free: frozenset[Index] = frozenset(_free(kind, args))
        self.height: int = _height(kind, args)
        self.names: frozenset[str] = frozenset(_names(kind, args))
        self._shape = ""

    @property
    def shape(self) -> str:
        """How the atom looks with the names of its indices left out: the same for all renamings of it."""
        if not self._shape:
            named = self.kind in ("symbol", "element", "function")
            inner = [str(self.args[0])] if named else []
            if self.kind not in ("symbol", "element", "delta"):
                inner += _shapes(self.args[len(inner) :])
            self._shape = f"{self.height:02d}{self.kind}({','.join(inner)})"
        return self._shape

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


def terms(p: Poly) -> frozenset[tuple[Monomial, Rational]]:
    """A polynomial as a key."""
    return frozenset(p.items())


def constant(value: Rational) -> Poly:
    return {(): value} if value else {}


def variable(atom: Atom, exponent: Rational = 1) -> Poly:
    return {((atom, exponent),): 1}


def rational(value: Rational) -> Rational:
    """An int where the value is one: ints are faster and print better."""
    return value.numerator if value.denominator == 1 else value


def add_to(total: Poly, p: Poly, factor: Rational = 1) -> None:
    """``total += factor * p``, in place."""
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
    return {m: rational(c * factor) for m, c in p.items()} if factor else {}


def atoms_of(p: Poly) -> set[Atom]:
    return {atom for monomial in p for atom, _ in monomial}


def free_of(p: Poly) -> set[Index]:
    return {index for monomial in p for atom, _ in monomial for index in atom.free}


def _free(kind: str, args: tuple[object, ...]) -> Iterable[Index]:
    """The indices that an atom depends on and does not bind itself."""
    if kind == "element":
        yield from _indices(args[1])
    elif kind == "delta":
        yield from _indices(args)
    elif kind in ("exp", "sum"):
        factors: Monomial = args[-1]  # type: ignore[assignment]
        bound = len(args[0]) if kind == "sum" else 0  # type: ignore[arg-type]
        height = 1 + max((atom.height for atom, _ in factors), default=0)
        own = {Bound(height, k) for k in range(bound)}
        yield from (index for atom, _ in factors for index in atom.free if index not in own)
    elif kind in ("power", "function"):
        for part in args[kind == "function" :]:
            yield from (index for m, _ in part for atom, _ in m for index in atom.free)  # type: ignore[attr-defined]


def _names(kind: str, args: tuple[object, ...]) -> Iterable[str]:
    """The symbols and indexed names in an atom."""
    if kind in ("symbol", "element"):
        yield str(args[0])
    for atom in _inner(kind, args):
        yield from atom.names


def _inner(kind: str, args: tuple[object, ...]) -> Iterable[Atom]:
    """The atoms directly inside an atom."""
    if kind in ("exp", "sum"):
        yield from (atom for atom, _ in args[-1])  # type: ignore[attr-defined]
    elif kind in ("power", "function"):
        yield from (a for part in args[kind == "function" :] for m, _ in part for a, _ in m)  # type: ignore[attr-defined]
    elif kind in ("element", "delta"):
        indices = args[1] if kind == "element" else args
        yield from (index for index in indices if isinstance(index, Atom))  # type: ignore[attr-defined]
    if kind == "sum":
        yield from (atom for size in args[0] for m, _ in size for atom, _ in m)  # type: ignore[attr-defined]


def _indices(indices: object) -> Iterable[Index]:
    for index in indices:  # type: ignore[attr-defined]
        if isinstance(index, Atom):
            yield from index.free
        elif not isinstance(index, int):
            yield index


def _shapes(args: Iterable[object]) -> Iterable[str]:
    for part in args:
        if isinstance(part, Atom):
            yield part.shape
        elif isinstance(part, frozenset | tuple):
            yield f"[{','.join(sorted(_shapes(part)))}]"
        elif isinstance(part, Bound) or not isinstance(part, str):
            yield "." if isinstance(part, Bound) else str(part)
        else:
            yield part


def _height(kind: str, args: tuple[object, ...]) -> int:
    """How many contractions are nested in an atom."""
    return (kind == "sum") + max((atom.height for atom in _inner(kind, args)), default=0)
