"""Forward passes from SymPy objects: the same graph that a document with these equations gives.

Names become LaTeX as SymPy prints them (``mu`` is ``\\mu``); the sizes of axes come from the ranges of sums, from `Idx`
and from the shapes of arrays, and two places that a letter joins are one axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import sympy
from sympy import Expr, Symbol
from sympy.printing.latex import translate

from derive.forward import Definition, Graph, GraphError, entry, quantities_in
from derive.language import bound, index, indices_of, is_quantity, name_of, ordered, size, tensor, unnamed_size
from derive.primitives import maximum, minimum

Equations = Iterable["tuple[Expr, Expr] | sympy.Eq"]
Place = tuple[str, int]
"""A name and the position of an index."""


def graph_of(equations: Equations, positive: Iterable[str] = (), loss: str = "L") -> Graph:
    """The forward graph of some equations.

    Args:
        equations: pairs (or `Eq`) of a name and its value; the name is a symbol or an entry with different indices.
        positive: names of positive data, beside the symbols that are declared positive.
        loss: the name of the scalar to differentiate; it need not be among the equations.

    Raises:
        GraphError: an equation does not define a name, a name is defined twice, or the definitions go in a circle.
        ValueError: a sum that does not begin at 1.
    """
    given = list(map(_sides, equations))
    flat = [_spelled(side) for side in normalised(*(side for pair in given for side in pair))]
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    for left, _ in pairs:
        letters = indices_of(left)
        if not is_quantity(left) or len(set(letters)) < len(letters):
            raise GraphError(f"{left} is not a name with different indices", str(left))
    axes = _Axes(pairs)
    sizes = {name: tuple(axes.size(name, k) for k in range(rank)) for name, rank in axes.ranks.items()}
    definitions = tuple(
        Definition(name_of(left), indices_of(left), sizes[name_of(left)], right) for left, right in pairs
    )
    declared = (q for pair in given for side in pair for q in quantities_in(side) if q.is_positive and not q.is_integer)
    known = frozenset(map(_latex_name, (*positive, *map(name_of, declared))))
    return Graph(definitions, sizes, _latex_name(loss), positive=known)


def _sides(equation: tuple[Expr, Expr] | sympy.Eq) -> tuple[Expr, Expr]:
    left, right = equation.args if isinstance(equation, sympy.Eq) else equation
    return left, sympy.sympify(right, strict=True)


# -- vocabulary ------------------------------------------------------------------------------------------------------


def normalised(*exprs: Expr) -> list[Expr]:
    """Expressions in derive's vocabulary: integer index symbols, indices numbered from 1, max and min written out.

    Raises:
        ValueError: sums that begin neither all at 1 nor all at 0, or at 0 beside entries that are read by number.
    """
    first = _first_value(exprs)
    ends = {s for t in _totals(exprs) for _, _, high in t.limits for s in high.free_symbols}
    indices = {i for e in _entries(exprs) for i in e.indices if isinstance(i, Symbol | sympy.Idx)} - ends
    indices |= {limit[0] for t in _totals(exprs) for limit in t.limits}
    fresh = {i: index(str(i)) for i in indices if not (isinstance(i, Symbol) and i.is_integer and not i.is_positive)}
    return [_rewritten(expr.xreplace(fresh), 1 - first) for expr in exprs]


def _totals(exprs: Iterable[Expr]) -> set[Expr]:
    return {total for expr in exprs for total in expr.atoms(sympy.Sum, sympy.Product)}


def _entries(exprs: Iterable[Expr]) -> set[Expr]:
    return {entry for expr in exprs for entry in expr.atoms(sympy.Indexed)}


def _first_value(exprs: Sequence[Expr]) -> int:
    """The number of the first entry of every axis, the same throughout: what counts from 0 here and from 1 there
    would be read as equal."""
    lows = {(low, i) for total in _totals(exprs) for i, low, _ in total.limits}
    for low, i in sorted(lows, key=str):
        if low not in (0, 1) or {other for other, _ in lows} != {low}:
            raise ValueError(f"the range of {i} begins at {low}: number the values from 1")
    if not any(low == 0 for low, _ in lows):
        return 1
    letters = {i for _, i in lows}
    for quantity in _entries(exprs):
        if not all(isinstance(i, Symbol | sympy.Idx) and not i.is_positive for i in quantity.indices):
            raise ValueError(f"{quantity} beside sums that begin at 0: number the values from 1")
    for expr in exprs:
        if any(_is_number(i, expr) for i in letters):
            raise ValueError("a summed index that is used as a number begins at 0: number the values from 1")
    return 0


def _is_number(i: Symbol, expr: Expr) -> bool:
    """Whether an index is used as a number, not only as an index."""
    if isinstance(expr, sympy.Indexed | sympy.KroneckerDelta | ordered):
        return False
    if isinstance(expr, sympy.Sum | sympy.Product):
        return _is_number(i, expr.function)
    return bool(expr == i) or any(_is_number(i, a) for a in expr.args)


def _rewritten(expr: Expr, shift: int) -> Expr:
    """An expression with ranges that end ``shift`` later and begin at 1."""
    if not expr.args or isinstance(expr, sympy.Indexed):
        return expr
    if isinstance(expr, sympy.Sum | sympy.Product):
        letters = {limit[0]: bound(limit[0].name) for limit in expr.limits}
        outer = {i: letter - shift for i, letter in letters.items()}  # a range may end at the index of another
        limits = [(letters[i], 1, high.xreplace(outer) + shift) for i, _, high in expr.limits]
        return expr.func(_rewritten(expr.function, shift).xreplace(letters), *limits)
    parts = [_rewritten(a, shift) for a in expr.args]
    if isinstance(expr, sympy.Max | sympy.Min):
        joined = parts[0]
        for part in parts[1:]:
            joined = (maximum if isinstance(expr, sympy.Max) else minimum)(joined, part)
        return joined
    return expr.func(*parts)


def _spelled(expr: Expr) -> Expr:
    """An expression with its names in LaTeX and its data real."""
    found: dict[Expr, Expr] = {}
    for q in quantities_in(expr):
        if isinstance(q, sympy.Indexed):
            found[q] = tensor(_latex_name(name_of(q)))[q.indices]
        elif q.is_integer and q.is_positive:
            found[q] = size(q.name)
        else:
            found[q] = entry(_latex_name(q.name), ())
    return expr.xreplace(found)


def _latex_name(name: str) -> str:
    """A name as SymPy prints it: ``\\mu`` for ``mu``, ``\\hat{x}`` for ``xhat`` or ``x_hat``."""
    if not name.isidentifier():
        return name
    base, _, accent = name.rpartition("_")
    joined = base + accent if base and accent in ("hat", "tilde", "bar", "dot") else name
    return str(translate(joined))


# -- axes ------------------------------------------------------------------------------------------------------------


class _Axes:
    """Which places of names lie on one axis, and its size.

    Attributes:
        ranks: how many indices each name has, names in order of appearance.
    """

    def __init__(self, pairs: Sequence[tuple[Expr, Expr]]) -> None:
        self.ranks: dict[str, int] = {}
        self._parent: dict[Place, Place] = {}
        self._sizes: dict[Place, Expr] = {}
        for left, right in pairs:
            seen: dict[Expr, Place] = {}
            for quantity in (left, *sorted(quantities_in(right), key=str)):
                self._visit(quantity, seen)
            for letter, high in _ranges(right):
                if letter in seen:
                    self._sizes.setdefault(self._root(seen[letter]), high)
        self._settle()

    def size(self, name: str, k: int) -> Expr:
        return self._sizes[self._root((name, k))]

    def _visit(self, quantity: Expr, seen: dict[Expr, Place]) -> None:
        name, letters = name_of(quantity), indices_of(quantity)
        is_size = not letters and quantity.is_integer and quantity.is_positive
        if is_size:
            return
        if self.ranks.setdefault(name, len(letters)) != len(letters):
            raise GraphError(f"{name} has {self.ranks[name]} indices here and {len(letters)} there", name)
        for k, letter in enumerate(letters):
            self._join((name, k), seen.setdefault(letter, (name, k)))

    def _join(self, first: Place, second: Place) -> None:
        self._parent[self._root(first)] = self._root(second)

    def _root(self, place: Place) -> Place:
        while (above := self._parent.get(place, place)) != place:
            place = above
        return place

    def _settle(self) -> None:
        """Sizes under the final representatives; axes that nothing names get sizes of their own."""
        self._sizes = {self._root(place): high for place, high in reversed(self._sizes.items())}
        unnamed = 0
        for name, rank in self.ranks.items():
            for k in range(rank):
                if self._root((name, k)) not in self._sizes:
                    self._sizes[self._root((name, k))] = unnamed_size(unnamed)
                    unnamed += 1


def _ranges(expr: Expr) -> Iterator[tuple[Symbol, Expr]]:
    for total in expr.atoms(sympy.Sum, sympy.Product):
        for letter, _, high in total.limits:
            yield letter, high


def letters_of(graph: Graph) -> Mapping[str, Sequence[str]]:
    """For each size the letters that the definitions use for it, in order of appearance."""
    letters: dict[str, dict[str, None]] = {}
    for definition in graph.definitions:
        pairs = [*zip(definition.indices, definition.sizes, strict=True), *_ranges(definition.expr)]
        for letter, high in pairs:
            letters.setdefault(str(high), {})[letter.name] = None
    return {high: list(known) for high, known in letters.items()}
