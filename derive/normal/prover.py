"""Proofs of equality: compare as it stands, then inline definitions one by one, latest first, until it is zero.

A hand derivation that uses the same stages as the computed one is proved without inlining them; one that does not is
compared in terms of the inputs. What then still differs is read once more with all definitions put in from the start:
a root or a logarithm of a sum may have been brought to a common denominator before it was known what cancels in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar

from sympy import Expr, Indexed, Integer, Symbol

from derive.forward import Definition, names_in
from derive.normal.algebra import Algebra
from derive.normal.atoms import Atom, Index, Poly, add, variable
from derive.normal.convert import Converter, with_index_symbols
from derive.normal.limits import GaveUp
from derive.normal.zero import is_zero, is_zero_within

P = ParamSpec("P")
R = TypeVar("R")


def _within_bounds(method: Callable[P, R]) -> Callable[P, R]:
    """An expression nested so deeply that Python's stack ends is given up."""

    @wraps(method)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except RecursionError:
            raise GaveUp("an expression is nested too deeply") from None

    return guarded


class Prover:
    """Decides equalities over a set of definitions.

    Args:
        definitions: by name; staged derivatives may be added while it is in use.
        positive: names of positive data and of all sizes.
        facts: pairs of expressions that are equal for all data.
        indicators: names of data that is 0 or 1.
        deadline: `time.monotonic` value at which to give up.

    Raises `GaveUp` for a fact that does not state the value of a single sum.
    """

    def __init__(
        self,
        definitions: Mapping[str, Definition],
        positive: Iterable[str] = (),
        facts: Iterable[tuple[Expr, Expr]] = (),
        deadline: float | None = None,
        indicators: Iterable[str] = (),
    ) -> None:
        self.definitions = definitions
        self.algebra = Algebra(positive, deadline, indicators)
        self.algebra.sign_of_name = self._sign_of_name
        self.converter = Converter(self.algebra)
        self._reader = Converter(self.algebra, self._value)
        self._bodies: dict[str, tuple[tuple[str, ...], Poly]] = {}
        self._values: dict[str, tuple[tuple[str, ...], Poly]] = {}
        self._ranks: dict[str, int] = {}
        self._asked: set[str] = set()
        for left, right in facts:
            with suppress(GaveUp):  # a fact that it has no use for helps with no proof
                self._assume(left, right)

    @_within_bounds
    def normal(self, expr: Expr) -> Poly:
        """The normal form with definitions left as atoms."""
        self._presume(expr)
        return self.converter.read(expr)

    @_within_bounds
    def equal(self, left: Expr, right: Expr) -> bool:
        """True only if both sides are equal for all sizes and data.

        Raises `GaveUp` after the deadline or where an expression has no normal form of tolerable size, `Undefined`
        where one has no value.
        """
        self._presume(right)
        if self.vanishes(add(self.normal(left), self.normal(right), -1)):
            return True
        for name in sorted(self._defined(left) | self._defined(right), key=self._rank):
            if name not in self._values:
                self._values[name] = self._with_formal(self.definitions[name], self._reader)
        return is_zero_within(self.algebra, add(self._reader.read(left), self._reader.read(right), -1))

    @_within_bounds
    def vanishes(self, p: Poly, keep: frozenset[str] = frozenset()) -> bool:
        """Whether a normal form is zero, also after inlining definitions, those in ``keep`` excepted."""
        while not is_zero(self.algebra, p):
            name = self._latest(p, keep)
            if name is None:
                return False
            p = self.inline(p, name)
        return True

    @_within_bounds
    def inlined(self, p: Poly, keep: frozenset[str] = frozenset()) -> Poly:
        """A normal form with all definitions put in, those in ``keep`` excepted."""
        while (name := self._latest(p, keep)) is not None:
            p = self.inline(p, name)
        return p

    def bound(self, sizes: Mapping[Symbol, Expr]) -> None:
        """Say how many values free indices have."""
        for index, size in sizes.items():
            self.algebra.ranges[self.converter.index(index)] = self.normal(size)

    def _presume(self, expr: Expr) -> None:
        """Entries that are read by number exist."""
        numbers = (i for entry in expr.atoms(Indexed) for i in entry.indices if isinstance(i, Integer))
        self.algebra.presumed.update(map(int, numbers))

    # -- definitions -------------------------------------------------------------------------------------------

    def _latest(self, p: Poly, keep: frozenset[str] = frozenset()) -> str | None:
        """The name in a normal form whose definition lies deepest."""
        met = {name for monomial in p for atom, _ in monomial for name in atom.names}
        names = {name for name in met if name in self.definitions} - keep
        return max(names, key=lambda name: (self._rank(name), name), default=None)

    def _rank(self, name: str) -> int:
        """How many definitions lie between a name and the inputs."""
        path = {name: None}
        while path:
            top = next(reversed(path))
            used = [n for n in self.definitions[top].uses if n in self.definitions]
            below = next((n for n in used if n not in self._ranks), None)
            if below is None:
                path.popitem()
                self._ranks[top] = 1 + max((self._ranks[n] for n in used), default=0)
            elif below in path:
                raise GaveUp("the definitions go in a circle")
            else:
                path[below] = None
        return self._ranks[name]

    def _defined(self, expr: Expr) -> set[str]:
        """The defined names that an expression uses, also by way of others."""
        found: set[str] = set()
        todo = [name for name in names_in(expr) if name in self.definitions]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo.extend(n for n in self.definitions[name].uses if n in self.definitions)
        return found

    def _with_formal(self, definition: Definition, reader: Converter) -> tuple[tuple[str, ...], Poly]:
        """The indices of a definition under fresh names, and its normal form with them."""
        self._presume(definition.expr)
        formal = tuple(self.algebra.fresh() for _ in definition.indices)
        expr, letters = with_index_symbols(definition.expr, definition.indices)
        names = {reader.index(letter): name for letter, name in zip(letters, formal, strict=True)}
        return formal, self.algebra.rename_all(reader.read(expr), names)

    def _body(self, name: str) -> tuple[tuple[str, ...], Poly]:
        """A definition with the names in it left as they are."""
        if name not in self._bodies:
            self._bodies[name] = self._with_formal(self.definitions[name], self.converter)
        return self._bodies[name]

    def define(self, name: str, formal: tuple[str, ...], body: Poly) -> None:
        """Give a name a value that `inline` puts in its place, over the indices ``formal``."""
        self._bodies[name] = formal, body

    def forget(self, name: str) -> None:
        """Drop what is known about a name whose definition was replaced."""
        self._bodies.pop(name, None)
        self._values.clear()
        self._ranks.clear()
        self.converter.forget()
        self._reader.forget()

    def _value(self, name: str, indices: tuple[Index, ...]) -> Poly | None:
        """What a name stands for in terms of the inputs."""
        return self._at(*self._values[name], indices) if name in self._values else None

    def _at(self, formal: tuple[str, ...], body: Poly, actual: tuple[Index, ...]) -> Poly:
        if len(formal) != len(actual):
            raise GaveUp("a name is defined with another number of indices")
        return self.algebra.rename_all(body, dict(zip(formal, actual, strict=True)))

    @_within_bounds
    def inline(self, p: Poly, name: str) -> Poly:
        """A normal form with one name replaced by its definition, also inside sums, roots and functions."""
        done: dict[Atom, Poly] = {}

        def replace(atom: Atom) -> Poly:
            if name not in atom.names:
                return variable(atom)
            if atom not in done:
                done[atom] = self._inlined(atom, name, replace)
            return done[atom]

        return self.algebra.map_atoms(p, replace)

    def _inlined(self, atom: Atom, name: str, replace: Callable[[Atom], Poly]) -> Poly:
        if atom.kind not in ("symbol", "element", "delta"):
            return self.algebra.rebuild(atom, replace)
        if atom.args[0] != name:
            raise GaveUp("a definition used inside an index")
        return self._at(*self._body(name), atom.indices if atom.kind == "element" else ())

    def _sign_of_name(self, name: str) -> str:
        """The sign of a defined name, as far as the shape of its definition shows it."""
        if name not in self.definitions or name in self._asked:
            return ""
        self._asked.add(name)
        try:
            return self.algebra.sign_of(self._body(name)[1])
        except GaveUp:
            return ""
        finally:
            self._asked.discard(name)

    # -- facts -------------------------------------------------------------------------------------------------

    def _assume(self, left: Expr, right: Expr) -> None:
        """Take ``left = right`` for granted, where the left side is a multiple of one contraction."""
        p = self.normal(left)
        found = [(a, m) for m in p for a, e in m if a.kind == "sum" and e == 1]
        if len(p) != 1 or len(found) != 1:
            raise GaveUp("a fact must state the value of a single sum")
        ((atom, monomial),) = found
        rest: Poly = {tuple((a, e) for a, e in monomial if a is not atom): p[monomial]}
        value = self.algebra.multiply(self.normal(right), self.algebra.power(rest, -1))
        letters = tuple(sorted(i for i in atom.free if isinstance(i, str)))
        self.algebra.assume(atom, (letters, value))
        self.converter.forget()
