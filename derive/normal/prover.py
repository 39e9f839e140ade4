"""Proofs of equality: compare as it stands, then inline definitions one by one, latest first, until it is zero.

A hand derivation that uses the same stages as the computed one is proved without inlining them; one that does not is
compared in terms of the inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from sympy import Expr

from derive.forward import Definition
from derive.normal.algebra import Algebra, GaveUp
from derive.normal.atoms import Atom, Index, Poly, add, variable
from derive.normal.convert import Converter
from derive.normal.zero import is_zero

SIZES = ("pi",)


class Prover:
    """Decides equalities over a set of definitions.

    Args:
        definitions: by name; staged derivatives may be added while it is in use.
        positive: names of positive data and of all sizes.
        facts: pairs of expressions that are equal for all data.
        apart: pairs of indices that are never equal, as in a claim for ``j ≠ i``.
        deadline: `time.monotonic` value at which to give up.
    """

    def __init__(
        self,
        definitions: Mapping[str, Definition],
        positive: Iterable[str] = (),
        facts: Iterable[tuple[Expr, Expr]] = (),
        deadline: float | None = None,
    ) -> None:
        self.definitions = definitions
        self.algebra = Algebra({*positive, *SIZES}, deadline)
        self.algebra.sign_of_name = self._sign_of_name
        self.converter = Converter(self.algebra)
        self._bodies: dict[str, tuple[tuple[Index, ...], Poly]] = {}
        self._ranks: dict[str, int] = {}
        self._asked: set[str] = set()
        for left, right in facts:
            self._assume(left, right)

    def normal(self, expr: Expr) -> Poly:
        """The normal form with definitions left as atoms."""
        return self.converter.read(expr)

    def equal(self, left: Expr, right: Expr) -> bool:
        """True only if both sides are equal for all sizes and data.

        Raises `GaveUp` after the deadline or where an expression has no normal form of tolerable size.
        """
        return self.vanishes(add(self.normal(left), self.normal(right), -1))

    def vanishes(self, p: Poly) -> bool:
        """Whether a normal form is zero, also after inlining definitions."""
        while not is_zero(self.algebra, p):
            name = self._latest(p)
            if name is None:
                return False
            p = self.inline(p, name)
        return True

    def inlined(self, p: Poly, keep: frozenset[str] = frozenset()) -> Poly:
        """A normal form with all definitions put in, those in ``keep`` excepted."""
        while (name := self._latest(p, keep)) is not None:
            p = self.inline(p, name)
        return p

    # -- definitions ---------------------------------------------------------------------------------------------

    def _latest(self, p: Poly, keep: frozenset[str] = frozenset()) -> str | None:
        """The name in a normal form whose definition lies deepest."""
        names = {name for monomial in p for atom, _ in monomial for name in atom.names if name in self.definitions}
        names -= keep
        return max(names, key=lambda name: (self._rank(name), name), default=None)

    def _rank(self, name: str) -> int:
        """How many definitions lie between a name and the inputs."""
        stack = [name]
        while stack:
            top = stack[-1]
            below = [n for n in self.definitions[top].uses if n in self.definitions and n not in self._ranks]
            if below:
                stack.extend(below)
                continue
            stack.pop()
            known = (self._ranks[n] for n in self.definitions[top].uses if n in self.definitions)
            self._ranks[top] = 1 + max(known, default=0)
        return self._ranks[name]

    def _body(self, name: str) -> tuple[tuple[Index, ...], Poly]:
        if name not in self._bodies:
            definition = self.definitions[name]
            formal = tuple(self.algebra.fresh() for _ in definition.indices)
            mapping: dict[Index, Index] = {
                self.converter.index(i): f for i, f in zip(definition.indices, formal, strict=True)
            }
            body = self.algebra.rename_all(self.normal(definition.expr), mapping)
            self._bodies[name] = formal, body
        return self._bodies[name]

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

    def _inlined(self, atom: Atom, name: str, replace: object) -> Poly:
        if atom.kind in ("symbol", "element"):
            formal, body = self._body(name)
            actual = cast(tuple[Index, ...], atom.args[1]) if atom.kind == "element" else ()
            if atom.args[0] != name:
                raise GaveUp("a definition used inside an index")
            return self.algebra.rename_all(body, dict(zip(formal, actual, strict=True)))
        return self.algebra.rebuild(atom, replace)  # type: ignore[arg-type]

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

    # -- facts ---------------------------------------------------------------------------------------------------

    def _assume(self, left: Expr, right: Expr) -> None:
        """Take ``left = right`` for granted, where the left side is one contraction or one atom."""
        p = self.normal(left)
        if len(p) != 1:
            raise GaveUp("a fact must state the value of a single sum")
        ((monomial, c),) = p.items()
        if c != 1 or len(monomial) != 1 or monomial[0][1] != 1 or monomial[0][0].kind != "sum":
            raise GaveUp("a fact must state the value of a single sum")
        atom = monomial[0][0]
        letters = tuple(sorted(str(i) for i in atom.free))
        self.algebra.facts[atom] = letters, self.normal(right)
