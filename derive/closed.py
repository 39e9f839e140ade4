"""The closed form: a derivative in the quantities that the forward pass computes anyway.

Derivatives come staged, each adjoint defined by those of the names that use it. Stage by stage, from the loss
backwards, an adjoint is written in the names of the forward pass and of the adjoints before it, in the coordinates
(`coordinates`) in which it needs the fewest sums and operations. An earlier adjoint is put in where that costs no more
than keeping it: those of a batch norm's mean and variance vanish into the one of its data. One that would be summed
over and over again keeps its name: dP and dS of attention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr

from derive.coordinates import Coordinates, Fold, spelled_out
from derive.forward import Definition, Graph, names_in
from derive.language import indices_of, is_quantity, name_of, ordered
from derive.layout import Cost, Layout, Setter
from derive.normal.algebra import GaveUp, Undefined
from derive.normal.atoms import Poly, atoms_of, nested_atoms, variable
from derive.normal.prover import Prover

INLINED = 20
"""Operations: an adjoint with more keeps its name, so that a deep graph has small stages."""
MERGED = 12
"""Terms: a longer sum is not brought to a common denominator."""


@dataclass(frozen=True)
class ClosedForm:
    """A compact expression for a derivative.

    Attributes:
        expr: the expression, over the names of the graph, the upstream gradient and the gradients in ``stages``.
        reductions: the different sums in it.
        operations: how many arithmetic operations it writes.
        kept: the name of the intermediate that replaced its data, if one did.
        folds: the changes of coordinates that it took.
        stages: the names of the gradients that it uses, each after those that it uses itself.
        is_compact: false for a derivative that has no compact form and is left as it is staged.
    """

    expr: Expr
    reductions: tuple[Expr, ...]
    operations: int
    kept: str | None = None
    folds: tuple[Fold, ...] = ()
    stages: tuple[str, ...] = ()
    is_compact: bool = True


@dataclass(frozen=True)
class _Form:
    """A normal form in chosen coordinates, laid out."""

    p: Poly
    layout: Layout
    cost: Cost
    folds: tuple[Fold, ...] = ()


@dataclass(frozen=True)
class _Stage:
    """A staged derivative in compact form; ``kept``: the names of adjoints that it uses."""

    name: str
    form: _Form
    kept: frozenset[str]


class Compactor:
    """Finds closed forms over one graph.

    Args:
        graph: the forward pass.
        staged: definitions of staged derivatives, looked up while it works.
        positive: names of positive data and sizes.
        nameable: the staged derivatives that may keep their name; without it those of the loss.
    """

    def __init__(
        self,
        graph: Graph,
        staged: Mapping[str, Definition],
        positive: frozenset[str],
        nameable: Callable[[str], bool] | None = None,
    ) -> None:
        self.graph = graph
        self._nameable = nameable if nameable is not None else self._is_adjoint
        self.staged = staged
        self.positive = positive
        self._stages: dict[str, _Stage] = {}

    def closed_form(self, expr: Expr, deadline: float | None = None) -> ClosedForm:
        """The most compact form of an expression in names of the graph and staged derivatives.

        Raises `GaveUp` where every attempt grows too large.
        """
        self.prover.algebra.deadline = deadline
        self.coordinates  # noqa: B018 - the facts must be known before anything is read
        alone = self._alone(expr)
        stage = alone if alone is not None else self._compacted("", self.prover.normal(expr))
        return self._closed(stage, expr if alone is not None else None)

    def equation(self, fold: Fold) -> tuple[Expr, Expr]:
        """A change of coordinates as an equation over the indices of its definition: ``x = μ + x̂ √(σ²+ε)``."""
        target, value = fold.targets[0]
        return self.prover.converter.write(variable(target)), self.setter.write(self.setter.layout(value))

    @cached_property
    def prover(self) -> Prover:
        """Arithmetic with all names as atoms, and with what the forward pass says about sums."""
        judge = Prover(self.graph.by_name, self.positive, (), None)
        prover = Prover({}, self.positive, self.graph.facts, None)
        prover.algebra.sign_of_name = judge.algebra.sign_of_name
        return prover

    @cached_property
    def coordinates(self) -> Coordinates:
        return Coordinates(self.graph, self.prover)

    @cached_property
    def setter(self) -> Setter:
        return Setter(self.prover.algebra, self.prover.converter, self.graph.size_names)

    # -- stages ------------------------------------------------------------------------------------------------------

    def _alone(self, expr: Expr) -> _Stage | None:
        """The stage of a staged derivative that stands alone."""
        name = name_of(expr) if is_quantity(expr) else ""
        return self._staged(name) if name in self.staged else None

    def _staged(self, name: str) -> _Stage:
        """The compact form of a staged derivative; those that it uses first, a deep graph being no deep recursion."""
        todo = [name]
        while todo:
            top = todo[-1]
            missing = [n for n in self._uses(top) if n not in self._stages]
            if top in self._stages or not missing:
                todo.pop()
                if top not in self._stages:
                    self._stages[top] = self._compacted(top, self.prover.normal(self.staged[top].expr))
            else:
                todo += missing
        return self._stages[name]

    def _uses(self, name: str) -> list[str]:
        return sorted(n for n in self.staged[name].uses if n in self.staged)

    def _compacted(self, name: str, p: Poly) -> _Stage:
        """A normal form with earlier derivatives put in, except those that had better keep their names."""
        used = sorted({n for a in atoms_of(p) for n in a.names if n in self.staged})
        for each in used:
            self._put_in(self._staged(each))
        named = frozenset().union(*(self._stages[n].kept for n in used))
        fixed = {n for n in used if n in named or self._is_large(n)}
        doubtful = {n for n in used if n not in fixed and self._is_doubtful(n, p, name in self._summed)}
        found: list[tuple[Cost, _Form, frozenset[str]]] = []
        for keep in {frozenset(fixed): None, frozenset(fixed | doubtful): None}:
            try:
                form = self._best(self._with_put_in(p, keep))
            except (GaveUp, Undefined) as error:
                reason = error
                continue
            kept = self._adjoints_in(form.p)
            cost = _together(form.cost, (self._stages[n].form.cost for n in kept & doubtful))
            found.append((cost, form, kept))
        if not found:
            raise reason
        _, form, kept = min(reversed(found), key=lambda one: one[0])
        return _Stage(name, form, kept)

    def _put_in(self, stage: _Stage) -> None:
        """Make a derivative's compact form what its name is replaced by."""
        formal = tuple(self.prover.algebra.fresh() for _ in self.staged[stage.name].indices)
        own = [self.prover.converter.index(i) for i in self.staged[stage.name].indices]
        body = self.prover.algebra.rename_all(stage.form.p, dict(zip(own, formal, strict=True)))
        self.prover.define(stage.name, formal, body)

    def _with_put_in(self, p: Poly, keep: frozenset[str]) -> Poly:
        """All staged names but some replaced; what they contain themselves has been decided before."""
        names = {n for a in atoms_of(p) for n in a.names if n in self.staged} - keep
        for name in sorted(names):
            p = self.prover.inline(p, name)
        return p

    def _is_large(self, name: str) -> bool:
        """Whether an adjoint keeps its name whatever it costs."""
        return self._nameable(name) and self._stages[name].form.cost.operations > INLINED

    @cached_property
    def _summed(self) -> frozenset[str]:
        """The staged derivatives that others sum."""
        totals = (t for d in self.staged.values() for t in d.expr.atoms(sympy.Sum))
        return frozenset(name for total in totals for name in names_in(total) if name in self.staged)

    def _is_doubtful(self, name: str, p: Poly, is_summed: bool) -> bool:
        """Whether an adjoint may be better off with its name: a sum that would be summed again, or several terms.

        Args:
            is_summed: whether what it is used in will be summed.
        """
        if not self._nameable(name):
            return False
        form = self._stages[name].form
        nested = any(a.kind == "sum" and name in a.names for a in nested_atoms(atoms_of(p)))
        return len(form.p) > 1 if not form.cost.reductions else nested or is_summed

    def _is_adjoint(self, name: str) -> bool:
        """Whether a staged derivative is one of the loss, which can be shown by its name."""
        of, _, by = name[1:].partition("/∂")
        return of == self.graph.loss and by in self.graph.by_name

    def _adjoints_in(self, p: Poly) -> frozenset[str]:
        return frozenset(n for a in atoms_of(p) for n in a.names if n in self.staged)

    # -- coordinates -------------------------------------------------------------------------------------------------

    def _best(self, p: Poly) -> _Form:
        """A normal form in the coordinates in which it costs least, found one coordinate at a time."""
        best = self._form(p, ())
        usable = self.coordinates.folds_for(p)
        improved = True
        while improved:
            improved = False
            for fold in usable:
                if any(not fold.targets_differ(other) for other in best.folds):
                    continue
                try:
                    form = self._form(p, (*best.folds, fold))
                except (GaveUp, Undefined):
                    continue
                if form.cost < best.cost:
                    best, improved = form, True
        return best

    def _form(self, p: Poly, folds: tuple[Fold, ...]) -> _Form:
        algebra = self.prover.algebra
        for fold in sorted(folds, key=lambda f: f.rank):
            p = fold.change(algebra, p)
            if _has_root_of(p, fold.name):
                raise GaveUp("a coordinate under a root")
        forms = [p]
        reduced = algebra.reduce(p, None)
        if reduced != p:
            forms.append(reduced)
        laid = [(q, self.setter.layout(q)) for q in forms]
        fraction = self.setter.over_common_denominator(p) if _has_different_denominators(p) else None
        if fraction is not None:
            laid.append((p, fraction))
        made = [_Form(q, layout, self.setter.cost(layout), folds) for q, layout in laid]
        return min(made, key=lambda form: form.cost)

    # -- writing -----------------------------------------------------------------------------------------------------

    def _closed(self, stage: _Stage, alone: Expr | None) -> ClosedForm:
        form = stage.form
        meanings = [fold.meaning for fold in self.coordinates.folds if fold.meaning is not None]
        expr = spelled_out(self.setter.write(form.layout), meanings)
        reductions = tuple(spelled_out(r, meanings) for r in self.setter.reductions(form.layout))
        if alone is not None:
            formal = self.staged[stage.name].indices
            actual = dict(zip(formal, indices_of(alone), strict=True))
            expr, *rest = (e.xreplace(actual) for e in (expr, *reductions))
            reductions = tuple(rest)
        kept = next((fold.name for fold in form.folds if fold.meaning is None), None)
        return ClosedForm(expr, reductions, operations(expr), kept, form.folds, tuple(self._in_order(stage.kept)))

    def _in_order(self, names: Iterable[str]) -> Iterator[str]:
        """Kept derivatives, each after those that it uses itself."""
        done: dict[str, None] = {}
        todo = sorted(names, reverse=True)
        while todo:
            missing = sorted((n for n in self._stages[todo[-1]].kept if n not in done), reverse=True)
            if missing:
                todo += missing
            else:
                done[todo.pop()] = None
        return iter(done)


def _has_root_of(p: Poly, name: str) -> bool:
    """Whether a coordinate stands under a root: then it was no good."""
    return any(e.denominator > 1 and name in a.names for m in p for a, e in m if a.kind == "power")


def _has_different_denominators(p: Poly) -> bool:
    """Whether terms have entries or functions in their denominators that others lack."""
    if len(p) > MERGED:
        return False
    below = [frozenset(a for a, e in m if e < 0 and e.denominator == 1 and a.kind != "symbol") for m in p]
    return len(set(below)) > 1


def _together(cost: Cost, others: Iterable[Cost]) -> Cost:
    """What several things cost that are all computed."""
    for other in others:
        cost = Cost(
            max(cost.width, other.width), cost.reductions + other.reductions, cost.operations + other.operations
        )
    return cost


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
    if isinstance(expr, sympy.Indexed | sympy.Symbol | sympy.Number | sympy.KroneckerDelta | ordered) or not expr.args:
        return 0
    return 1 + sum(map(operations, expr.args))


__all__ = ["ClosedForm", "Compactor", "operations"]
