"""Changes of coordinates: what the intermediates of a forward pass say about its data.

A definition that is affine in one entry of its data, or in one function of it, is solved for that: x̂ = (x - μ)/√(σ²+ε)
for x, s = exp(x)/Z for exp(x), s = 1/(1 + exp(-x)) for exp(x). Such a *fold* puts the intermediate in the place of the
data. The definitions themselves, also in the new coordinates, say what sums are worth: Σ x̂ = 0, Σ s = 1,
Σ x² = D (1/r² - ε). These *facts* are told to the algebra, which uses them wherever such a sum arises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import sympy
from sympy import Expr

from derive.forward import Definition, Graph
from derive.language import indices_of, is_quantity, name_of
from derive.normal.algebra import Algebra, GaveUp, Undefined
from derive.normal.atoms import (
    Atom,
    Index,
    Monomial,
    Poly,
    Rational,
    add,
    atoms_of,
    exponent_of,
    free_of,
    inner_atoms,
    nested_atoms,
    rational,
    scale,
    variable,
)
from derive.normal.prover import Prover
from derive.primitives import BY_FUNCTION

NAMELESS = "~"


@dataclass(frozen=True, eq=False)
class Fold:
    """A new coordinate: entries of ``name`` replace those of its data.

    Attributes:
        targets: the atoms that are replaced, over the indices ``formal``, with what replaces them.
        meaning: for a coordinate without a name in the graph, what it stands for.
    """

    name: str
    formal: tuple[Index, ...]
    targets: tuple[tuple[Atom, Poly], ...]
    meaning: Definition | None = None

    @cached_property
    def replaced(self) -> frozenset[str]:
        """The names whose entries are replaced."""
        return frozenset().union(*(target.names for target, _ in self.targets))

    @property
    def rank(self) -> bool:
        """Functions of the data are replaced before the data itself."""
        return self.targets[0][0].kind == "element"

    def targets_differ(self, other: Fold) -> bool:
        """Whether two folds replace different things."""
        return {t.shape for t, _ in self.targets}.isdisjoint(t.shape for t, _ in other.targets)

    def concerns(self, p: Poly) -> bool:
        """Whether a normal form has anything that is replaced."""
        return any(self._occurs(atom) for atom in atoms_of(p))

    def _occurs(self, atom: Atom) -> bool:
        if self.replaced.isdisjoint(atom.names):
            return False
        if any(_match(target, atom) is not None for target, _ in self.targets):
            return True
        return any(self._occurs(inner) for inner in inner_atoms(atom))

    def change(self, algebra: Algebra, p: Poly) -> Poly:
        """A normal form in the new coordinate; sums that the coordinate itself is made with stay as they are."""
        shield = {a.shape for _, value in self.targets for a in atoms_of(value) if a.kind in ("sum", "power")}
        done: dict[Atom, Poly] = {}

        def replace(atom: Atom) -> Poly:
            if atom not in done:
                done[atom] = changed(atom)
            return done[atom]

        def changed(atom: Atom) -> Poly:
            for target, value in self.targets:
                match = _match(target, atom)
                if match is not None:
                    return algebra.rename_all(value, match)
            if self.replaced.isdisjoint(atom.names) or atom.shape in shield or atom.kind in ("symbol", "element"):
                return variable(atom)
            return algebra.rebuild(atom, replace)

        return algebra.map_atoms(p, replace)

    def own_sums(self) -> set[Atom]:
        """The sums over the data that the coordinate is made with."""
        found = {a for _, value in self.targets for a in atoms_of(value) if a.kind == "sum"}
        return {a for a in found if not self.replaced.isdisjoint(a.names)}


class Coordinates:
    """The folds and facts of a forward pass, over the algebra of a prover that knows no definitions.

    Attributes:
        folds: those of named intermediates first.
    """

    def __init__(self, graph: Graph, prover: Prover) -> None:
        self.graph = graph
        self.prover = prover
        self.algebra = prover.algebra
        self._values = {d.name: value for d in graph.definitions if (value := self._value(d)) is not None}
        self.folds = tuple(self._folds())
        identities = list(self._identities())
        for identity in identities:
            self._learn(identity)
        prover.converter.forget()

    def _value(self, definition: Definition) -> Poly | None:
        """The normal form of a definition; None for one that has none of tolerable size."""
        try:
            return self.prover.normal(definition.expr)
        except (GaveUp, Undefined):
            return None

    def folds_for(self, p: Poly) -> list[Fold]:
        """The folds that replace something in a normal form."""
        names = {name for atom in atoms_of(p) for name in atom.names}
        near = dict.fromkeys(fold for name in sorted(names) for fold in self._folds_by_name.get(name, ()))
        return [fold for fold in sorted(near, key=self.folds.index) if fold.concerns(p)]

    @cached_property
    def _folds_by_name(self) -> dict[str, list[Fold]]:
        found: dict[str, list[Fold]] = {}
        for fold in self.folds:
            for name in fold.replaced:
                found.setdefault(name, []).append(fold)
        return found

    # -- folds -------------------------------------------------------------------------------------------------------

    def _folds(self) -> Iterator[Fold]:
        named: set[str] = set()
        for definition in self.graph.definitions:
            for fold in self._solutions(definition):
                named |= {target.shape for target, _ in fold.targets}
                yield fold
        for definition in (*_differences(self.graph), *_functions(self.graph)):
            for fold in self._solutions(definition, definition):
                if not any(target.shape in named for target, _ in fold.targets):
                    yield fold

    def _solutions(self, definition: Definition, meaning: Definition | None = None) -> Iterator[Fold]:
        p = self._values.get(definition.name) if meaning is None else self._value(definition)
        if p is None or not definition.indices:
            return
        formal = tuple(self.prover.converter.index(i) for i in definition.indices)
        for solve in (_affine, _fractional):
            try:
                targets = solve(self.algebra, definition.name, formal, p)
            except (GaveUp, Undefined):
                continue
            if targets:
                yield Fold(definition.name, formal, targets, meaning)

    # -- facts -------------------------------------------------------------------------------------------------------

    def _identities(self) -> Iterator[Poly]:
        """What the definitions make zero, as they stand and in each of the coordinates."""
        for definition in self.graph.definitions:
            if definition.name in self._values:
                identity = self._identity(definition)
                yield identity
                for fold in self.folds_for(identity):
                    if definition.name != fold.name:
                        yield from self._changed(fold, identity)
        for fold in self.folds:
            for atom in fold.own_sums():
                unchanged = Fold(fold.name, fold.formal, tuple((t, v) for t, v in fold.targets), fold.meaning)
                body = _summed_anew(self.algebra, atom, unchanged)
                if body is not None:
                    yield add(body, variable(atom), -1)

    def _changed(self, fold: Fold, identity: Poly) -> Iterator[Poly]:
        try:
            yield fold.change(self.algebra, identity)
        except (GaveUp, Undefined):
            return

    def _identity(self, definition: Definition) -> Poly:
        """A definition as something that is zero; of a root its power, so that what is under it can be solved for."""
        left, right = self.prover.normal(definition.entry()), self._values[definition.name]
        root = _single_root(right)
        if root is None:
            return add(right, left, -1)
        inner, e, outside = root
        inside = self.algebra.multiply(left, self.algebra.power(outside, -1))
        return add(inner, self.algebra.power(inside, rational(1 / Fraction(e))), -1)

    def _learn(self, identity: Poly) -> None:
        """Tell the algebra the value of the one sum that an identity determines."""
        try:
            identity = self.algebra.map_atoms(identity, self._as_known)
            solved = _solve_sum(self.algebra, identity)
        except (GaveUp, Undefined):
            return
        if solved is not None and solved[0] not in self.algebra.facts:
            atom, value = solved
            letters = tuple(sorted(i for i in atom.free if isinstance(i, str) and i not in self._picked))
            self.algebra.assume(atom, (letters, value))

    @cached_property
    def _picked(self) -> frozenset[Index]:
        """The indices that definitions use and do not run over: what is known of one entry is not known of all."""
        return frozenset(
            self.prover.converter.index(letter)
            for definition in self.graph.definitions
            for letter in definition.expr.free_symbols - set(definition.indices)
            if letter.is_integer and not letter.is_positive
        )

    def _as_known(self, atom: Atom) -> Poly:
        return self.algebra.rebuild(atom, self._as_known) if inner_atoms(atom) else variable(atom)


def _summed_anew(algebra: Algebra, atom: Atom, fold: Fold) -> Poly | None:
    """A sum over the data with the data replaced under it, the same sum in what replaces them left alone."""
    from derive.normal.contraction import opened

    try:
        ranges, body = opened(algebra, atom)
        return algebra.sum(fold.change(algebra, body), ranges)
    except (GaveUp, Undefined):
        return None


# -- quantities without a name ---------------------------------------------------------------------------------------


def _differences(graph: Graph) -> Iterator[Definition]:
    """``x_i - μ`` wherever a definition has it."""
    for node in _nodes(graph):
        if isinstance(node, sympy.Add) and [is_quantity(a) + 2 * is_quantity(-a) for a in node.args] in (
            [1, 2],
            [2, 1],
        ):
            entries = [q for a in node.args if is_quantity(q := _entry_of(a)) and indices_of(q)]
            if entries:
                yield from _nameless(graph, node, max(entries, key=lambda q: len(indices_of(q))))


def _functions(graph: Graph) -> Iterator[Definition]:
    """``sigmoid(x_i)`` and the like wherever a definition has it."""
    for node in _nodes(graph):
        if node.func in BY_FUNCTION and not isinstance(node, sympy.exp) and isinstance(node.args[0], sympy.Indexed):
            yield from _nameless(graph, node, node.args[0])


def _nodes(graph: Graph) -> Iterator[Expr]:
    """The different parts of all definitions."""
    return iter(dict.fromkeys(n for d in graph.definitions for n in sympy.preorder_traversal(d.expr)))


def _nameless(graph: Graph, expr: Expr, entry: Expr) -> Iterator[Definition]:
    """An expression as the definition of something without a name, over the indices of one of its entries."""
    letters = indices_of(entry)
    if len(set(letters)) == len(letters) and all(isinstance(i, sympy.Symbol) for i in letters):
        formal = tuple(sympy.Symbol(f"{i.name}", integer=True) for i in letters)
        expr = expr.xreplace(dict(zip(letters, formal, strict=True)))
        yield Definition(f"{NAMELESS}{expr}", formal, tuple(graph.sizes_of(name_of(entry))), expr)


def _entry_of(term: Expr) -> Expr:
    """The entry in ``x`` or ``-x``."""
    coefficient, rest = term.as_coeff_Mul()
    return rest if coefficient in (1, -1) else term


def spelled_out(expr: Expr, meanings: Iterable[Definition]) -> Expr:
    """Nameless coordinates replaced by what they stand for."""
    by_name = {meaning.name: meaning for meaning in meanings}
    return _spelled_out(expr, by_name) if by_name else expr


def _spelled_out(expr: Expr, by_name: dict[str, Definition]) -> Expr:
    if isinstance(expr, sympy.Indexed):
        meaning = by_name.get(name_of(expr))
        return expr if meaning is None else meaning.expr.xreplace(dict(zip(meaning.indices, expr.indices, strict=True)))
    if not expr.args:
        return expr
    parts = [_spelled_out(a, by_name) for a in expr.args]
    if all(new is old for new, old in zip(parts, expr.args, strict=True)):
        return expr
    if isinstance(expr, sympy.Mul):
        return sympy.Mul(*parts, evaluate=False)
    return expr.func(*parts)


# -- solving definitions ---------------------------------------------------------------------------------------------

Targets = tuple[tuple[Atom, Poly], ...]


def _affine(algebra: Algebra, name: str, formal: tuple[Index, ...], p: Poly) -> Targets:
    """``v = a u + b`` solved for u: an entry of the data, an exponential or another function of one."""
    for atom in sorted((a for a in atoms_of(p) if a.kind in ("element", "exp", "function")), reverse=True):
        k = _only_exponent(p, atom)
        if set(_places(atom)) == set(formal) and k in (1, -1) and _is_alone(p, atom, formal):
            slope, rest = _split(p, atom, k)
            if (k == 1 or atom.kind == "exp") and _is_nonzero(algebra, slope):
                left = algebra.element(name, formal)
                value = algebra.multiply(add(left, rest, -1), algebra.power(slope, -1))
                return ((atom, algebra.power(value, k)),)
    return ()


def _only_exponent(p: Poly, atom: Atom) -> Rational:
    """The exponent with which an atom occurs; 0 where there are several."""
    found = {exponent_of(monomial, atom) for monomial in p} - {0}
    return found.pop() if len(found) == 1 else 0


def _is_nonzero(algebra: Algebra, slope: Poly) -> bool:
    """Whether a slope is not zero wherever it has a value."""
    if len(slope) == 1:
        return all(e < 0 or algebra.sign(a) == "positive" for m in slope for a, e in m)
    return all(algebra.factor_sign(a, e) for m in slope for a, e in m)


def _is_alone(p: Poly, atom: Atom, formal: tuple[Index, ...]) -> bool:
    """Whether the name of an atom is in nothing else that depends on all the indices."""
    (name,) = atom.names if len(atom.names) == 1 else ("",)
    others = (other for other in atoms_of(p) if other is not atom)
    return not any(name in other.names and set(formal) <= set(other.free) for other in others)


def _fractional(algebra: Algebra, name: str, formal: tuple[Index, ...], p: Poly) -> Targets:
    """``v = (a u + b)/(c u + d)`` solved for a power u of an exponential, and for the denominator."""
    below = {a for a in atoms_of(p) if a.kind == "power" and set(a.free) == set(formal)}
    if len(below) != 1 or {exponent_of(m, a) for a in below for m in p} - {0, -1}:
        return ()
    (bottom,) = below
    exponentials = {a for a in atoms_of(bottom.base) if a.kind == "exp" and set(_places(a)) == set(formal)}
    if len(exponentials) != 1:
        return ()
    (atom,) = exponentials
    k = max(exponent_of(m, atom) for m in bottom.base)
    left = algebra.element(name, formal)
    identity = add(algebra.multiply(left, bottom.base), _times(algebra, p, bottom), -1)
    for q in (identity, bottom.base):
        others = {a for a in atoms_of(q) if a is not atom and not atom.names.isdisjoint(a.names)}
        if others or {exponent_of(m, atom) for m in q} - {0, k}:
            return ()
    slope, rest = _split(identity, atom, k)
    c, d = _split(bottom.base, atom, k)
    value = scale(algebra.multiply(rest, algebra.power(slope, -1)), -1)
    top = add(algebra.multiply(d, slope), algebra.multiply(c, rest), -1)
    root = algebra.power(value, rational(1 / Fraction(k)))
    return ((atom, root), (bottom, algebra.multiply(top, algebra.power(slope, -1))))


def _times(algebra: Algebra, p: Poly, bottom: Atom) -> Poly:
    """A polynomial times a base that stands in its denominators."""
    above, rest = _split(p, bottom, -1)
    return add(above, algebra.multiply(rest, bottom.base))


def _split(p: Poly, atom: Atom, k: Rational) -> tuple[Poly, Poly]:
    """The factor of ``atom**k``, and the terms without it."""
    slope: Poly = {}
    rest: Poly = {}
    for monomial, c in p.items():
        if exponent_of(monomial, atom) == k:
            slope[_without(monomial, atom)] = c
        else:
            rest[monomial] = c
    return slope, rest


def _without(monomial: Monomial, atom: Atom) -> Monomial:
    return tuple((a, e) for a, e in monomial if a is not atom)


def _match(target: Atom, atom: Atom) -> dict[Index, Index] | None:
    """The indices with which an atom is a target."""
    if atom.kind != target.kind or atom.shape != target.shape:
        return None
    pattern, actual = _places(target), _places(atom)
    mapping = dict(zip(pattern, actual, strict=True)) if len(pattern) == len(actual) else {}
    return mapping if mapping and len(mapping) == len(pattern) else None


def _places(atom: Atom) -> tuple[Index, ...]:
    """The indices of an element, or of the one element in a function."""
    while atom.kind in ("exp", "function", "power"):
        inner = [a for a in inner_atoms(atom) if a.free]
        if len(inner) != 1:
            return ()
        (atom,) = inner
    return atom.indices if atom.kind == "element" else ()


def _single_root(p: Poly) -> tuple[Poly, Rational, Poly] | None:
    """The base, its exponent and the rest of ``c * base**e`` where 1/e is whole and e is not 1."""
    if len(p) != 1:
        return None
    ((monomial, c),) = p.items()
    roots = [(a, e) for a, e in monomial if a.kind in ("power", "sum") and e != 1]
    if len(roots) != 1 or (1 / Fraction(roots[0][1])).denominator != 1:
        return None
    atom, e = roots[0]
    base = atom.base if atom.kind == "power" else variable(atom)
    return base, e, {_without(monomial, atom): c}


def _solve_sum(algebra: Algebra, identity: Poly) -> tuple[Atom, Poly] | None:
    """From a polynomial that is zero, the value of the one sum in it that stands to the first power and alone."""
    sums = [a for a in atoms_of(identity) if a.kind == "sum"]
    for atom in sorted(sums, key=lambda a: (a.height, len(a.factors), a.shape, a.id), reverse=True):
        with_atom = {m: c for m, c in identity.items() if exponent_of(m, atom)}
        inside = any(atom in nested_atoms(inner_atoms(a)) for a in atoms_of(identity) if a is not atom)
        if inside or len(with_atom) != 1 or any(exponent_of(m, atom) != 1 for m in with_atom):
            continue
        ((monomial, c),) = with_atom.items()
        slope = _without(monomial, atom)
        rest = {m: k for m, k in identity.items() if m not in with_atom}
        if not free_of(rest) | {i for a, _ in slope for i in a.free} <= atom.free:
            continue
        if not _is_nonzero(algebra, {slope: c}):
            continue
        value = algebra.multiply(scale(rest, -1), algebra.power({slope: c}, -1))
        if atom not in atoms_of(value):
            return atom, value
    return None
