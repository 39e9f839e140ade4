"""The SymPy vocabulary in which problems are written.

SymPy's own `Indexed`, `Sum` and `KroneckerDelta` are the language; nothing here evaluates them. Added are the
derivative of one quantity by another, left as the author wrote it (`D`), and a few elementwise functions that
SymPy lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import sympy
from sympy import Dummy, Expr, Function, IndexedBase, KroneckerDelta, Symbol, default_sort_key

from derive.caches import kept

_UNREAL = frozenset({sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I})
"""What SymPy makes of a quotient by zero, the logarithm of zero or the root of a negative number."""
_UNNAMED = re.compile(r"n_\{\d+\}")


class D(Function):  # type: ignore[misc]
    """``D(a, b)``: the derivative of ``a`` by ``b`` before anybody decided which quantities are held fixed.

    ``a`` is an expression or the loss; ``b`` a symbol or an `Indexed`. A third argument, a `Tuple`, names
    what the author marked as held fixed.
    """

    @classmethod
    def eval(cls, *arguments: Expr) -> None:
        return None


class sigmoid(Function):  # type: ignore[misc]
    """1/(1 + exp(-u))."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        return self * (1 - self)


class softplus(Function):  # type: ignore[misc]
    """log(1 + exp(u))."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        return sigmoid(self.args[0])


class erf(Function):  # type: ignore[misc]
    """The error function 2/sqrt(pi) * integral of exp(-t**2) from 0 to u."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        return 2 / sympy.sqrt(sympy.pi) * sympy.exp(-(self.args[0] ** 2))


class ordered(Function):  # type: ignore[misc]
    """``ordered(i, j)``: 1 where an index is at most another of the same axis, else 0. So Σ_{i ≤ j} is a sum over the
    whole axis."""

    nargs = 2
    is_integer = True
    is_nonnegative = True

    @classmethod
    def eval(cls, first: Expr, second: Expr) -> Expr | None:
        if first == second or first == 1:
            return sympy.Integer(1)
        both = isinstance(first, sympy.Integer) and isinstance(second, sympy.Integer)
        return sympy.Integer(int(first <= second)) if both else None


def size(name: str) -> Symbol:
    """The number of values of an index: a positive integer."""
    return Symbol(name, integer=True, positive=True)


def unnamed_size(number: int) -> Symbol:
    """The size of an axis for which the document has no name."""
    return size(f"n_{{{number}}}")


def is_unnamed(n: Expr) -> bool:
    """Whether a size is one that the document does not name."""
    return isinstance(n, Symbol) and _UNNAMED.fullmatch(n.name) is not None


def scalar(name: str, positive: bool = False) -> Symbol:
    """A real number that does not depend on an index."""
    return Symbol(name, positive=True) if positive else Symbol(name, real=True)


@kept(4096)
def tensor(name: str) -> IndexedBase:
    """A real array; its entries are ``tensor(name)[i, j]``."""
    return IndexedBase(name, real=True)


def index(name: str) -> Symbol:
    """A free index."""
    return Symbol(name, integer=True)


def bound(name: str) -> Dummy:
    """An index to sum over: distinct from every other, also of the same name."""
    return Dummy(name, integer=True)


def total(body: Expr, ranges: Iterable[tuple[Symbol, Expr]]) -> Expr:
    """``body`` summed over each index from 1 to its size; the first range is the innermost sum."""
    limits = [(i, 1, n) for i, n in ranges]
    return sympy.Sum(body, *limits) if limits and body != 0 else body


def delta(first: Expr, second: Expr) -> Expr:
    """1 where two indices are equal, else 0."""
    if first == second:
        return sympy.Integer(1)
    letters = sorted((first, second), key=default_sort_key)
    # two letters may be equal or not: SymPy's evaluation would find that out from the assumptions on their difference
    plain = isinstance(first, Symbol) and isinstance(second, Symbol)
    return KroneckerDelta(*letters, evaluate=not plain)


def refresh(expr: Expr) -> Expr:
    """The same expression with every summed index renamed to a new one, so that it can be put inside another
    sum."""
    if isinstance(expr, sympy.Sum | sympy.Product):
        return _refresh_range(expr)
    args = [refresh(a) for a in expr.args]
    return expr.func(*args) if any(a is not b for a, b in zip(args, expr.args, strict=True)) else expr


def _refresh_range(expr: Expr) -> Expr:
    """A sum or product with new letters. Its first limit is the innermost: the ranges may contain the later
    letters."""
    fresh: dict[Symbol, Dummy] = {}
    limits = []
    for letter, low, high in reversed(expr.limits):
        low, high = low.xreplace(fresh), high.xreplace(fresh)
        fresh[letter] = bound(letter.name)
        limits.append((fresh[letter], low, high))
    return expr.func(refresh(expr.function).xreplace(fresh), *reversed(limits))


def name_of(expr: Expr) -> str:
    """The name of a symbol or of an indexed name."""
    return str(expr.base.name) if isinstance(expr, sympy.Indexed) else str(expr.name)


def key_of(name: str) -> str:
    """A name as the document writes it, without what tells it from the same with another number of indices."""
    return name.partition("#")[0]


def indices_of(expr: Expr) -> tuple[Expr, ...]:
    """The indices of an entry; none for a symbol."""
    return tuple(expr.indices) if isinstance(expr, sympy.Indexed) else ()


def is_real(expr: Expr) -> bool:
    """Whether there is nothing infinite or imaginary in an expression."""
    waiting = [expr]
    while waiting:
        part = waiting.pop()
        if part in _UNREAL if not part.args else _is_even_root_of_negative(part):
            return False
        waiting.extend(part.args)
    return True


def _is_even_root_of_negative(expr: Expr) -> bool:
    """Whether an expression is such a root of a number, which SymPy keeps as it is above the square root."""
    if not isinstance(expr, sympy.Pow) or not expr.base.is_number or not expr.exp.is_Rational:
        return False
    return bool(expr.exp.q % 2 == 0 and expr.base.is_negative)


def arises_unreal(expr: Expr) -> bool:
    """Whether an expression made of real parts is unreal: it is such a number, or has one as a factor."""
    if expr.is_number:
        return not is_real(expr)
    return isinstance(expr, sympy.Mul) and not _UNREAL.isdisjoint(expr.args)


def is_quantity(expr: Expr) -> bool:
    """Whether an expression is a symbol or an entry, something a definition can define and a derivative be
    taken by."""
    return isinstance(expr, sympy.Indexed | Symbol)
