"""What SymPy's symbols are declared to be, in derive's terms: real data, positive data, sizes, indices.

derive tells names apart by how they are spelled, and knows real and positive numbers only. So two symbols that look
alike get names of their own; what is declared negative, even or the like is written with a symbol that is not,
``n = -p``; and what cannot be written so is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy
from sympy import Dummy, Expr, Symbol

Rewriting = Callable[[Any], Any]
"""What a declared number is, in terms of a symbol that derive knows: works for SymPy and for fractions."""

WHOLE_RANGE = 9
"""How many values are tried of a whole number that may be negative, around 0."""


@dataclass(frozen=True)
class _Kind:
    """A row of the table of declarations.

    Attributes:
        holds: whether a symbol is declared so.
        assumptions: those of the symbol to write it with.
        value: what it is, written with that symbol.
    """

    holds: Callable[[Symbol], bool | None]
    assumptions: dict[str, bool]
    value: Rewriting


_SIZE = {"integer": True, "positive": True}
_WHOLE = {"integer": True}
_KINDS = (
    _Kind(lambda s: s.is_zero, {"real": True}, lambda u: 0 * u),
    _Kind(lambda s: s.is_even and s.is_positive, _SIZE, lambda u: 2 * u),
    _Kind(lambda s: s.is_odd and s.is_positive, _SIZE, lambda u: 2 * u - 1),
    _Kind(lambda s: s.is_integer and s.is_positive, _SIZE, lambda u: u),
    _Kind(lambda s: s.is_even and s.is_nonnegative, _SIZE, lambda u: 2 * u - 2),
    _Kind(lambda s: s.is_integer and s.is_nonnegative, _SIZE, lambda u: u - 1),
    _Kind(lambda s: s.is_even and s.is_negative, _SIZE, lambda u: -2 * u),
    _Kind(lambda s: s.is_odd and s.is_negative, _SIZE, lambda u: 1 - 2 * u),
    _Kind(lambda s: s.is_integer and s.is_negative, _SIZE, lambda u: -u),
    _Kind(lambda s: s.is_integer and s.is_nonpositive, _SIZE, lambda u: 1 - u),
    _Kind(lambda s: s.is_even, _WHOLE, lambda u: 2 * (u - WHOLE_RANGE // 2 - 1)),
    _Kind(lambda s: s.is_odd, _WHOLE, lambda u: 2 * (u - WHOLE_RANGE // 2) - 1),
    _Kind(lambda s: s.is_integer, _WHOLE, lambda u: u - WHOLE_RANGE // 2 - 1),
    _Kind(lambda s: s.is_positive, {"positive": True}, lambda u: u),
    _Kind(lambda s: s.is_negative, {"positive": True}, lambda u: -u),
    _Kind(lambda s: s.is_nonnegative, {"real": True}, abs),
    _Kind(lambda s: s.is_nonpositive, {"real": True}, lambda u: -abs(u)),
    _Kind(lambda s: True, {"real": True}, lambda u: u),
)
"""What numbers may be declared to be; the first row that holds counts."""

_UNKNOWN = {
    "irrational": "is_irrational", "prime": "is_prime", "composite": "is_composite", "infinite": "is_infinite",
    "transcendental": "is_transcendental",
}  # fmt: skip
"""Declarations that derive has no use for, and without which an equality may be false."""


class Declared:
    """Some expressions with every symbol one that derive knows.

    Attributes:
        sides: the expressions.
        has_nonzero: whether a number is declared to differ from 0 without a sign: then data that are 0 say nothing.

    Raises:
        ValueError: what derive does not know: numbers that do not commute or may be complex, two symbols of one name
            with different assumptions, one name with different numbers of indices.
    """

    def __init__(self, sides: Iterable[Expr]) -> None:
        self.sides = list(sides)
        self._values: dict[str, Rewriting] = {}
        for side in self.sides:
            _check_kind(side)
        names = self._tell_apart()
        self.sides = [side.xreplace(names) for side in self.sides]
        _check_ranks(self.sides)
        indices = set(_index_letters(self.sides))
        free = {s for side in self.sides for s in side.free_symbols if isinstance(s, Symbol)} - indices
        self.has_nonzero = any(s.is_nonzero and s.is_positive is None and s.is_negative is None for s in free)
        self._rewrite({s: _kind(s) for s in free})

    def value(self, name: str, text: str) -> str:
        """A value of derive's symbol as one of the symbol that was declared."""
        return str(self._values[name](Fraction(text))) if name in self._values else text

    def _tell_apart(self) -> dict[Symbol, Symbol]:
        """Names of their own for dummies that look like other symbols."""
        symbols = sorted({s for side in self.sides for s in _free(side)}, key=sympy.default_sort_key)
        plain = Counter(s.name for s in symbols if not isinstance(s, Dummy))
        twice = next((name for name, times in plain.items() if times > 1), None)
        if twice is not None:
            raise ValueError(f"two symbols are called {twice}, with different assumptions: give them different names")
        names: dict[Symbol, Symbol] = {}
        used = set(plain)
        for dummy in (s for s in symbols if isinstance(s, Dummy)):
            name = dummy.name
            while name in used:
                name += "_"
            used.add(name)
            names[dummy] = Symbol(name, **dummy.assumptions0)
        return names

    def _rewrite(self, kinds: dict[Symbol, _Kind]) -> None:
        known = {s: Symbol(s.name, **kind.assumptions) for s, kind in kinds.items()}
        found: dict[Expr, Expr] = {s: kind.value(known[s]) for s, kind in kinds.items()}
        for entry in {e for side in self.sides for e in side.atoms(sympy.Indexed)}:
            label = entry.base.label
            if label in kinds:
                plain = sympy.IndexedBase(known[label])[tuple(i.xreplace(found) for i in entry.indices)]
                found[entry] = kinds[label].value(plain)
        self._values = {s.name: kind.value for s, kind in kinds.items()}
        self.sides = [side.xreplace(found) for side in self.sides]


def _kind(symbol: Symbol) -> _Kind:
    unknown = next((word for word, query in _UNKNOWN.items() if getattr(symbol, query)), None)
    if unknown is not None:
        raise ValueError(f"{symbol} is declared {unknown}, of which derive knows nothing")
    return next(kind for kind in _KINDS if kind.holds(symbol))


def _free(expr: Expr) -> Iterator[Symbol]:
    """The symbols of an expression that no sum binds, those of arrays among them."""
    return (s for s in expr.free_symbols if isinstance(s, Symbol))


def _check_kind(side: Any) -> None:
    if not isinstance(side, Expr) or getattr(side, "is_Matrix", False):
        raise ValueError(f"{type(side).__name__} is no number: write the entries of an array with IndexedBase")
    if side.has(sympy.I):
        raise ValueError("derive proves over the real numbers, and there is an imaginary unit")
    for symbol in _free(side):
        if symbol.is_commutative is False:
            raise ValueError(f"{symbol} does not commute: derive's numbers do")
        if symbol.is_real is False or (symbol.is_complex and symbol.is_real is None):
            raise ValueError(f"{symbol} may be complex: derive proves over the real numbers, declare it real")


def _check_ranks(sides: Sequence[Expr]) -> None:
    ranks: dict[str, int] = {}
    arrays = {e for side in sides for e in side.atoms(sympy.Indexed)}
    labels = {e.base.label for e in arrays}
    uses = [(str(e.base.label), len(e.indices)) for e in arrays]
    for side in sides:
        bare = side.xreplace({e: sympy.Integer(0) for e in side.atoms(sympy.Indexed)}).free_symbols & labels
        uses += [(s.name, 0) for s in bare]
    for name, rank in sorted(uses):
        if ranks.setdefault(name, rank) != rank:
            raise ValueError(
                f"the number of indices of {name} is {ranks[name]} here and {rank} there: give one of them another name"
            )


def _index_letters(sides: Sequence[Expr]) -> Iterator[Expr]:
    """The symbols that stand as indices."""
    for side in sides:
        for entry in side.atoms(sympy.Indexed):
            yield from (s for i in entry.indices for s in i.free_symbols if not s.is_positive)
        for delta in side.atoms(sympy.KroneckerDelta):
            yield from (s for i in delta.args[:2] for s in i.free_symbols if not s.is_positive)
