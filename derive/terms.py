"""Term by term: a gradient split by the paths from the variable to the loss, beside the author's terms.

One row a path (directly, through σ², through μ): the derived term, the author's term that belongs to it, whether they
are equal, and how far apart they are on random data when both are evaluated with NumPy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy
from sympy import Expr, Symbol

from derive.court import Court
from derive.gradient import Reading, partial
from derive.language import D, bound, indices_of, name_of, total
from derive.latex.syntax import Node
from derive.normal.algebra import GaveUp, Undefined
from derive.numeric import RandomData
from derive.probe.points import size_values
from derive.problem import Pair
from derive.typeset import Typesetter
from derive.verdict import Judge, Status


@dataclass(frozen=True)
class Term:
    """A row of the table.

    Attributes:
        path: the stage through which the variable acts, "" for what it acts on directly, None for a term of the
            author's that belongs to no path.
        author: the author's term that was matched with the path.
        difference: the largest difference of the two on random data.
    """

    path: str | None
    derived: Node | None
    author: Node | None
    status: Status
    difference: float | None


@dataclass(frozen=True)
class _Path:
    """A stage that uses the variable, and its part of the gradient."""

    stage: str
    expr: Expr


@dataclass(frozen=True)
class _Written:
    """A term as the author wrote it, and with its derivatives resolved."""

    expr: Expr
    value: Expr


@dataclass(frozen=True)
class TermPair:
    """A row as expressions over the forward pass and its derivatives, to be evaluated; attributes as of `Term`."""

    path: str | None
    derived: Expr | None
    author: Expr | None


def term_table(judge: Judge, pair: Pair, typesetter: Typesetter) -> tuple[Term, ...]:
    """The rows for a claim about ∂L/∂v; none where v reaches the loss by one path only."""
    table = _table(judge, pair, typesetter)
    return tuple(table.rows()) if table is not None else ()


def term_pairs(judge: Judge, pair: Pair, typesetter: Typesetter) -> tuple[TermPair, ...]:
    """The same rows, not typeset."""
    table = _table(judge, pair, typesetter)
    return tuple(table.pairs()) if table is not None else ()


def _table(judge: Judge, pair: Pair, typesetter: Typesetter) -> _Table | None:
    """The table in the reading that makes most of it true."""
    graph = judge.doubts.graph_of(pair)
    left = pair.left
    if not isinstance(left, D) or left.args[0] != Symbol(graph.loss, real=True):
        return None
    court = judge.court(graph)
    paths = list(_paths(court, left.args[1]))
    if len(paths) < 2:
        return None
    tables = [
        _Table(court, pair, reading, typesetter, paths, terms)
        for reading in readings(pair)
        for terms in _splits(pair.right)
    ]
    return max(tables, key=lambda table: len(table.matches))


def readings(pair: Pair) -> tuple[Reading, ...]:
    """How the derivatives that a claim is made of may be meant."""
    return ("total", "partial") if pair.right.has(D) else ("total",)


def _paths(court: Court, by: Expr) -> Iterator[_Path]:
    """The stages that use the variable, the last one first: what it acts on directly, then the statistics."""
    name, indices = name_of(by), indices_of(by)
    users = [d for d in court.graph.definitions if name in d.uses]
    for user in reversed(users):
        letters = tuple(bound(i.name) for i in user.indices)
        slope = partial(user.at(letters), name, indices)
        adjoint = court.calculus.adjoint(user.name, letters)
        if slope != 0 and adjoint != 0:
            yield _Path(user.name, total(adjoint * slope, zip(letters, user.sizes, strict=True)))


class _Table:
    """Derived and written terms matched in one reading."""

    def __init__(
        self,
        court: Court,
        pair: Pair,
        reading: Reading,
        typesetter: Typesetter,
        paths: list[_Path],
        terms: Iterable[Expr],
    ) -> None:
        self.court = court
        self.pair = pair
        self.typesetter = typesetter
        self.paths = paths
        self.written = [_Written(term, court.calculus.resolve(term, reading)) for term in terms]
        self.matches = self._exact()

    def rows(self) -> Iterator[Term]:
        matches = self.matches | self._leftover()
        data = self._data()
        for k, path in enumerate(self.paths):
            yield self._row(path, path.stage if k else "", matches.get(path.stage), data)
        for term in self.written:
            if term not in matches.values():
                yield Term(None, None, self._node(term.expr), "refuted", None)

    def pairs(self) -> Iterator[TermPair]:
        matches = self.matches | self._leftover()
        for k, path in enumerate(self.paths):
            author = matches.get(path.stage)
            yield TermPair(path.stage if k else "", path.expr, author.value if author is not None else None)
        for term in self.written:
            if term not in matches.values():
                yield TermPair(None, None, term.value)

    def _exact(self) -> dict[str, _Written]:
        """Written terms that equal a path's part."""
        found: dict[str, _Written] = {}
        for path in self.paths:
            for term in self.written:
                if term not in found.values() and self._equal(path.expr, term.value):
                    found[path.stage] = term
                    break
        return found

    def _leftover(self) -> dict[str, _Written]:
        """What is left goes to the path whose stage it is differentiated by, else to the one it looks most like."""
        found: dict[str, _Written] = {}
        for path in self.paths:
            free = [term for term in self.written if term not in (*self.matches.values(), *found.values())]
            if path.stage in self.matches or not free or self._equal(path.expr, sympy.Integer(0)):
                continue
            form = self._compact(path.expr)
            found[path.stage] = max(
                free, key=lambda term: (_goes_through(term.expr, path.stage), _likeness(form, term.value))
            )
        return found

    def _row(self, path: _Path, name: str, author: _Written | None, data: RandomData) -> Term:
        derived = self._node(self._compact(path.expr))
        if author is None:
            status: Status = "proved" if self._equal(path.expr, sympy.Integer(0)) else "refuted"
            return Term(name, derived, None, status, None)
        status = "proved" if self._equal(path.expr, author.value) else "refuted"
        difference = self._difference(path.expr, author.value, data)
        return Term(name, derived, self._node(author.expr), status, difference)

    def _node(self, expr: Expr) -> Node:
        return self.typesetter.node(expr, self.pair.indices, self.pair.sizes)

    def _equal(self, first: Expr, second: Expr) -> bool:
        try:
            return self.court.prover.equal(first, second)
        except (GaveUp, Undefined):
            return False

    def _compact(self, expr: Expr) -> Expr:
        try:
            return self.court.compactor.closed_form(expr).expr
        except (GaveUp, Undefined):
            return expr

    def _data(self) -> RandomData:
        sizes = size_values(self.pair.claim, self.court.graph, True)
        return RandomData(self.court.graph, self.court.calculus.staged, sizes)

    def _difference(self, first: Expr, second: Expr, data: RandomData) -> float:
        """The largest absolute difference on random data."""
        import numpy as np

        with np.errstate(all="ignore"):
            values = [data.value(e, self.pair.indices, self.pair.sizes) for e in (first, second)]
        return float(np.max(np.abs(values[0] - values[1])))


def _splits(right: Expr) -> Iterator[tuple[Expr, ...]]:
    """The author's terms, a common factor multiplied out; a product may also be one term, with a bracket in it."""
    expanded = sympy.expand_mul(right, deep=False) if isinstance(right, sympy.Mul) else right
    yield sympy.Add.make_args(expanded)
    if expanded != right:
        yield (right,)


def _goes_through(term: Expr, stage: str) -> bool:
    """Whether a term has a derivative of, or by, a stage."""
    return any(
        stage in (name_of(a) for a in d.args[:2] if not a.args or isinstance(a, sympy.Indexed)) for d in term.atoms(D)
    )


def _likeness(first: Expr, second: Expr) -> float:
    """How many names two expressions share, less the difference of their lengths."""
    names = [
        [name_of(q) for q in e.atoms(sympy.Indexed, Symbol)] + ["sum"] * len(e.atoms(sympy.Sum))
        for e in (first, second)
    ]
    return len(set(names[0]) & set(names[1])) - 0.1 * abs(len(names[0]) - len(names[1]))
