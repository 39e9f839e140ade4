"""The closed form: a derivative in the quantities that the forward pass computes anyway.

It is a change of coordinates, not a simplification. A definition that is affine in one entry of its data is solved for
it (x = μ + x̂ √(σ²+ε)), one linear in an exponential for that (exp(x_i) = s_i Z); the derivative is rewritten in the new
coordinates; the forward pass's own definitions, rewritten too, say which sums vanish (Σ x̂ = 0) or are known
(Σ x̂² = N σ²/(σ²+ε)). Of the possible coordinates those are kept in which the result needs the fewest sums and
operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import sympy
from sympy import Expr

from derive.forward import Definition, Graph, entry
from derive.language import indices_of, is_quantity, name_of, tensor
from derive.normal.algebra import Algebra, GaveUp, Undefined, base_of
from derive.normal.atoms import Atom, Index, Monomial, Poly, Rational, _inner, add, rational, scale, variable
from derive.normal.prover import Prover

CENTRED = "~centred"


@dataclass(frozen=True)
class ClosedForm:
    """A compact expression for a derivative.

    Attributes:
        expr: the expression, over the names of the graph and the upstream gradient.
        reductions: the different sums in it.
        operations: how many arithmetic operations it writes.
        kept: the name of the intermediate that replaced its data, if one did.
    """

    expr: Expr
    reductions: tuple[Expr, ...]
    operations: int
    kept: str | None


@dataclass(frozen=True)
class Coordinate:
    """A new coordinate: a ``name`` whose entries replace those of its data.

    Attributes:
        target: the atom that is replaced, over the indices ``formal``.
        value: what replaces it.
        meaning: for a coordinate without a name in the graph, the expression that it stands for.
    """

    name: str
    formal: tuple[Index, ...]
    target: Atom
    value: Poly
    meaning: Definition | None = None


class Compactor:
    """Finds closed forms over one graph.

    Args:
        graph: the forward pass.
        staged: definitions of staged derivatives, looked up while it works.
        positive: names of positive data and sizes.
    """

    def __init__(self, graph: Graph, staged: dict[str, Definition], positive: frozenset[str]) -> None:
        self.graph = graph
        self.staged = staged
        self.positive = positive

    def closed_form(self, expr: Expr, deadline: float | None = None) -> ClosedForm:
        """The most compact form of an expression in names of the graph and staged derivatives.

        Raises `GaveUp` where every attempt grows too large.
        """
        best: tuple[tuple[int, int], ClosedForm] | None = None
        reason = "no form was found"
        for choose in self._choices():
            try:
                found = self._in_coordinates(expr, choose, deadline)
            except (GaveUp, Undefined) as error:
                reason = str(error)
                continue
            cost = len(found.reductions), found.operations
            if best is None or cost < best[0]:
                best = cost, found
        if best is None:
            raise GaveUp(reason)
        return best[1]

    # -- coordinates -------------------------------------------------------------------------------------------------

    def _choices(self) -> Iterator[Callable[[Prover], Coordinate | None]]:
        """No new coordinate; each definition that can be solved; each difference that the forward pass takes."""
        yield lambda prover: None
        for definition in self.graph.definitions:
            if definition.indices:
                for solve in (_solve_affine, _solve_exponential):
                    yield lambda prover, d=definition, s=solve: s(prover, d)  # type: ignore[misc]
        for definition in self._differences():
            yield lambda prover, d=definition: _solve_affine(prover, d, d)  # type: ignore[misc]

    def _differences(self) -> list[Definition]:
        """``x_i - μ`` wherever a definition has it, as a definition of a nameless quantity."""
        found: dict[Expr, Definition] = {}
        for definition in self.graph.definitions:
            for node in sympy.preorder_traversal(definition.expr):
                if isinstance(node, sympy.Add) and len(node.args) == 2 and all(map(_is_term, node.args)):
                    entries = [q for q in map(_entry_of, node.args) if indices_of(q)]
                    if entries:
                        letters = max((indices_of(q) for q in entries), key=len)
                        sizes = self.graph.sizes_of(name_of(max(entries, key=lambda q: len(indices_of(q)))))
                        formal = tuple(sympy.Symbol(f"{i.name}", integer=True) for i in letters)
                        fitted = node.xreplace(dict(zip(letters, formal, strict=True)))
                        found.setdefault(fitted, Definition(CENTRED, formal, tuple(sizes), fitted))
        return list(found.values())

    # -- one attempt -------------------------------------------------------------------------------------------------

    def _in_coordinates(
        self, expr: Expr, choose: Callable[[Prover], Coordinate | None], deadline: float | None
    ) -> ClosedForm:
        prover = Prover(self.staged, self.positive, self.graph.facts, deadline)
        prover.algebra.sign_of_name = self._signs(prover)
        coordinate = choose(prover)
        self._know(prover, coordinate)
        p = prover.inlined(prover.normal(expr))
        p = _change(prover.algebra, p, coordinate)
        p = prover.algebra.reduce(p, None)
        return self._written(prover, p, coordinate)

    def _signs(self, prover: Prover) -> Callable[[str], str]:
        """Signs of intermediates, from their definitions."""
        judge = Prover(self.graph.by_name, self.positive, (), None)
        del prover
        return judge.algebra.sign_of_name

    def _know(self, prover: Prover, coordinate: Coordinate | None) -> None:
        """What the definitions say about sums, in the new coordinates: each that names the value of one sum."""
        for definition in self.graph.definitions:
            identity = _identity(prover, definition)
            if coordinate is None or definition.name != coordinate.name:
                identity = _change(prover.algebra, identity, coordinate)
            solved = _solve_sum(prover.algebra, identity)
            if solved is not None:
                atom, value = solved
                letters = tuple(sorted(str(i) for i in atom.free))
                prover.algebra.facts.setdefault(atom, (letters, value))

    def _written(self, prover: Prover, p: Poly, coordinate: Coordinate | None) -> ClosedForm:
        content, rest = factored(prover.algebra, p)
        expr = _join(prover.converter.write(content), prover.converter.write(rest))
        if coordinate is not None and coordinate.meaning is not None:
            expr = _spelled_out(expr, coordinate.meaning)
        sums = tuple(dict.fromkeys(_canonical_sums(p)))
        reductions = tuple(prover.converter.write(variable(atom)) for atom in sums)
        if coordinate is not None and coordinate.meaning is not None:
            reductions = tuple(_spelled_out(r, coordinate.meaning) for r in reductions)
        name = coordinate.name if coordinate is not None and coordinate.meaning is None else None
        return ClosedForm(expr, reductions, operations(expr), name)


def _is_term(term: Expr) -> bool:
    return is_quantity(_entry_of(term))


def _entry_of(term: Expr) -> Expr:
    """The entry in ``x`` or ``-x``."""
    coefficient, rest = term.as_coeff_Mul()
    return rest if coefficient in (1, -1) else term


# -- solving definitions ---------------------------------------------------------------------------------------------


def _formal(prover: Prover, definition: Definition) -> tuple[Index, ...]:
    return tuple(prover.converter.index(i) for i in definition.indices)


def _solve_affine(prover: Prover, definition: Definition, meaning: Definition | None = None) -> Coordinate | None:
    """Solve ``v = a u + b`` for the entry u of the data."""
    p = prover.normal(definition.expr)
    formal = _formal(prover, definition)
    for atom in sorted({a for m in p for a, _ in m if a.kind == "element"}, reverse=True):
        if set(cast(tuple[Index, ...], atom.args[1])) == set(formal) and _is_affine(p, atom, formal):
            return _solved(prover, definition, p, atom, formal, meaning)
    return None


def _solve_exponential(prover: Prover, definition: Definition) -> Coordinate | None:
    """Solve ``v = a exp(u) + b`` for the exponential."""
    p = prover.normal(definition.expr)
    formal = _formal(prover, definition)
    for atom in sorted({a for m in p for a, _ in m if a.kind == "exp"}, reverse=True):
        inner = cast(Monomial, atom.args[0])
        plain = len(inner) == 1 and inner[0][0].kind == "element" and inner[0][1] == 1
        if plain and set(atom.free) == set(formal) and _is_affine(p, atom, formal):
            return _solved(prover, definition, p, atom, formal, None)
    return None


def _is_affine(p: Poly, atom: Atom, formal: tuple[Index, ...]) -> bool:
    """Whether an atom occurs to the first power only, and its name in nothing else that depends on all the indices."""
    (name,) = atom.names if len(atom.names) == 1 else ("",)
    for monomial in p:
        for other, e in monomial:
            if other is atom:
                if e != 1:
                    return False
            elif name in other.names and set(formal) <= set(other.free):
                return False
    return any(atom in dict(monomial) for monomial in p)


def _solved(
    prover: Prover, definition: Definition, p: Poly, atom: Atom, formal: tuple[Index, ...], meaning: Definition | None
) -> Coordinate | None:
    slope: Poly = {}
    rest: Poly = {}
    for monomial, c in p.items():
        if atom in dict(monomial):
            slope[tuple((a, e) for a, e in monomial if a is not atom)] = c
        else:
            rest[monomial] = c
    if not all(prover.algebra._factor_sign(a, e) for m in slope for a, e in m):
        return None  # dividing by something that may be zero
    left = prover.algebra.element(definition.name, formal)
    value = prover.algebra.multiply(add(left, rest, -1), prover.algebra.power(slope, -1))
    return Coordinate(definition.name, formal, atom, value, meaning)


def _change(algebra: Algebra, p: Poly, coordinate: Coordinate | None) -> Poly:
    """A normal form in the new coordinate; sums that the coordinate itself is made with stay as they are."""
    if coordinate is None:
        return p
    shield = {a.shape for m in coordinate.value for a, _ in m if a.kind in ("sum", "power")}
    done: dict[Atom, Poly] = {}

    def replace(atom: Atom) -> Poly:
        if atom not in done:
            done[atom] = change(atom)
        return done[atom]

    def change(atom: Atom) -> Poly:
        match = _match(coordinate, atom)
        if match is not None:
            return algebra.rename_all(coordinate.value, match)
        if coordinate.target.names.isdisjoint(atom.names) or atom.shape in shield or atom.kind in ("symbol", "element"):
            return variable(atom)
        return algebra.rebuild(atom, replace)

    return algebra.map_atoms(p, replace)


def _match(coordinate: Coordinate, atom: Atom) -> dict[Index, Index] | None:
    """The indices with which an atom is the coordinate's target."""
    if atom.kind != coordinate.target.kind or atom.shape != coordinate.target.shape:
        return None
    pattern, actual = _places(coordinate.target), _places(atom)
    mapping = dict(zip(pattern, actual, strict=True))
    return mapping if len(mapping) == len(pattern) else None


def _places(atom: Atom) -> tuple[Index, ...]:
    """The indices of an element, or of the element in an exponential."""
    if atom.kind == "exp":
        atom = cast(Monomial, atom.args[0])[0][0]
    return cast(tuple[Index, ...], atom.args[1])


def _identity(prover: Prover, definition: Definition) -> Poly:
    """A polynomial that a definition makes zero; of a root its square, so that what is under it can be solved for."""
    left, right = prover.normal(definition.entry()), prover.normal(definition.expr)
    base = _single_root(right)
    if base is None:
        return add(right, left, -1)
    atom, e, outside = base
    inside = prover.algebra.multiply(left, prover.algebra.power(outside, -1))
    return add(base_of(atom), prover.algebra.power(inside, rational(1 / Fraction(e))), -1)


def _single_root(p: Poly) -> tuple[Atom, Rational, Poly] | None:
    """The base, its exponent and the rest of ``c * base**e`` where 1/e is whole."""
    if len(p) != 1:
        return None
    ((monomial, c),) = p.items()
    powers = [(atom, e) for atom, e in monomial if atom.kind == "power"]
    if len(powers) != 1 or (1 / Fraction(powers[0][1])).denominator != 1:
        return None
    atom, e = powers[0]
    return atom, e, {tuple((a, k) for a, k in monomial if a is not atom): c}


def _solve_sum(algebra: Algebra, identity: Poly) -> tuple[Atom, Poly] | None:
    """From a polynomial that is zero, the value of the one sum in it that stands to the first power and alone."""
    sums = [a for a in {a for m in identity for a, _ in m} if a.kind == "sum"]
    for atom in sorted(sums, key=lambda a: (a.height, a.shape, a.id), reverse=True):
        with_atom = {m: c for m, c in identity.items() if atom in dict(m)}
        inside = any(atom in _atoms_inside(a) for m in identity for a, _ in m if a is not atom)
        if inside or any(dict(m)[atom] != 1 for m in with_atom) or len(with_atom) != 1:
            continue
        ((monomial, c),) = with_atom.items()
        slope: Poly = {tuple((a, e) for a, e in monomial if a is not atom): c}
        rest = {m: k for m, k in identity.items() if m not in with_atom}
        value = algebra.multiply(scale(rest, -1), algebra.power(slope, -1))
        if not any(a is atom for m in value for a, _ in m):
            return atom, value
    return None


def _atoms_inside(atom: Atom) -> set[Atom]:
    found: set[Atom] = set()
    stack = list(_inner(atom.kind, atom.args))
    while stack:
        inner = stack.pop()
        if inner not in found:
            found.add(inner)
            stack.extend(_inner(inner.kind, inner.args))
    return found


# -- writing ---------------------------------------------------------------------------------------------------------


def factored(algebra: Algebra, p: Poly) -> tuple[Poly, Poly]:
    """A polynomial as a common monomial times the rest."""
    if len(p) < 2:
        return p, {(): 1}
    content, monomial, rest = algebra._primitive(p, 1)
    if all(c < 0 for c in rest.values()):
        content, rest = -content, scale(rest, -1)
    return {monomial: content}, rest


def _join(content: Expr, rest: Expr) -> Expr:
    return rest if content == 1 else content if rest == 1 else sympy.Mul(content, rest, evaluate=False)


def _canonical_sums(p: Poly) -> Iterator[Atom]:
    for monomial in p:
        for atom, _ in monomial:
            if atom.kind == "sum":
                yield atom
            for inner in _atoms_inside(atom) if atom.kind != "sum" else ():
                if inner.kind == "sum":
                    yield inner


def _spelled_out(expr: Expr, meaning: Definition) -> Expr:
    """A nameless coordinate's entries replaced by what they stand for."""
    if isinstance(expr, sympy.Indexed) and name_of(expr) == meaning.name:
        return meaning.expr.xreplace(dict(zip(meaning.indices, expr.indices, strict=True)))
    if not expr.args or not expr.has(tensor(meaning.name)):
        return expr
    parts = [_spelled_out(a, meaning) for a in expr.args]
    if isinstance(expr, sympy.Mul):
        return sympy.Mul(*parts, evaluate=False)
    return expr.func(*parts)


def operations(expr: Expr) -> int:
    """How many additions, multiplications, powers, functions and sums an expression writes."""
    if isinstance(expr, sympy.Add | sympy.Mul):
        terms = [a for a in expr.args if a != -1]
        return len(terms) - 1 + sum(map(operations, terms))
    if isinstance(expr, sympy.Pow):
        inner = operations(expr.base)
        return inner + (0 if expr.exp == -1 else 1) + (1 if not isinstance(expr.exp, sympy.Rational) else 0)
    if isinstance(expr, sympy.Sum):
        return 1 + operations(expr.function)
    if isinstance(expr, sympy.Indexed | sympy.Symbol | sympy.Number | sympy.KroneckerDelta) or not expr.args:
        return 0
    return 1 + sum(map(operations, expr.args))


__all__ = ["ClosedForm", "Compactor", "entry", "factored", "operations"]
