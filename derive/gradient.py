"""Symbolic derivatives: local partials of indexed sums, and the chain rule over the forward graph.

Derivatives are *staged*: the adjoint of a name is defined by the adjoints of the names that use it, the derivative of
one name by another through the names in between, each with a name of its own (``∂L/∂x``). A deep graph costs a
definition a name, and a hand derivation that uses the same stages is compared with them as they stand.

Sources: reverse accumulation over a graph of named intermediates, Griewank and Walther, *Evaluating Derivatives*
(2nd ed.), ch. 3; the product and chain rules for indexed sums are the textbook ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import sympy
from sympy import Expr, Integer, Symbol

from derive.forward import Definition, Graph, entry, names_in, quantities_in
from derive.language import D, bound, index, indices_of, is_quantity, name_of, refresh, total
from derive.primitives import BY_FUNCTION

Reading = Literal["total", "partial"]
"""What ``∂a/∂b`` means for intermediates: through all paths, or with the other named intermediates held fixed."""


def derivative_name(of: str, by: str) -> str:
    """The name under which the derivative of one name by another is staged."""
    return f"∂{of}/∂{by}"


def partial(expr: Expr, name: str, indices: tuple[Expr, ...]) -> Expr:
    """The local partial of ``expr`` by the entry ``name[indices]``, every other name held fixed."""
    if isinstance(expr, sympy.Indexed):
        if name_of(expr) != name:
            return Integer(0)
        return sympy.Mul(*(sympy.KroneckerDelta(a, b) for a, b in zip(expr.indices, indices, strict=True)))
    if isinstance(expr, Symbol):
        return Integer(int(not indices and name_of(expr) == name))
    if not expr.args or name not in names_in(expr):
        return Integer(0)
    if isinstance(expr, sympy.Add):
        return sympy.Add(*(partial(term, name, indices) for term in expr.args))
    if isinstance(expr, sympy.Mul):
        return _partial_product(expr, name, indices)
    if isinstance(expr, sympy.Sum):
        return _partial_sum(expr, name, indices)
    return _partial_function(expr, name, indices)


def _partial_product(expr: Expr, name: str, indices: tuple[Expr, ...]) -> Expr:
    terms = []
    for k, factor in enumerate(expr.args):
        slope = partial(factor, name, indices)
        if slope != 0:
            terms.append(sympy.Mul(*expr.args[:k], slope, *expr.args[k + 1 :]))
    return sympy.Add(*terms)


def _partial_sum(expr: Expr, name: str, indices: tuple[Expr, ...]) -> Expr:
    fresh = refresh(expr)
    inner = partial(fresh.function, name, indices)
    return sympy.Sum(inner, *fresh.limits) if inner != 0 else inner


def _partial_function(expr: Expr, name: str, indices: tuple[Expr, ...]) -> Expr:
    """The chain rule for one elementwise function or power."""
    if isinstance(expr, sympy.exp):
        return expr * partial(expr.args[0], name, indices)
    if isinstance(expr, sympy.Pow):
        base, power = expr.base, expr.exp
        slope = power * base ** (power - 1) * partial(base, name, indices)
        return slope + expr * sympy.log(base) * partial(power, name, indices)
    if isinstance(expr, sympy.Product):
        fresh = refresh(expr)
        inner = partial(fresh.function, name, indices)
        return expr * sympy.Sum(inner / fresh.function, *fresh.limits) if inner != 0 else inner
    primitive = BY_FUNCTION.get(expr.func)
    if primitive is not None:
        return primitive.derivative(expr.args[0]) * partial(expr.args[0], name, indices)
    if isinstance(expr, sympy.core.function.AppliedUndef):
        return _partial_undefined(expr, name, indices)
    raise TypeError(f"no derivative rule for {expr.func.__name__}")


def _partial_undefined(expr: Expr, name: str, indices: tuple[Expr, ...]) -> Expr:
    """A function that the document leaves general: f(u)' = f'(u) u'."""
    if len(expr.args) != 1:
        raise TypeError(f"no derivative rule for {expr.func.__name__} of several arguments")
    slope = sympy.Function(f"{expr.func.__name__}'", real=True)(expr.args[0])
    return slope * partial(expr.args[0], name, indices)


class Calculus:
    """Derivatives over one graph. Staged derivatives are collected in `staged` as they are asked for."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.staged: dict[str, Definition] = {}

    # -- adjoints ------------------------------------------------------------------------------------------------

    def adjoint(self, name: str, indices: tuple[Expr, ...]) -> Expr:
        """∂L/∂name[indices]: all paths to the loss."""
        staged = derivative_name(self.graph.loss, name)
        if name == self.graph.loss:
            return Integer(1)
        if staged not in self.staged:
            self._stage_adjoint(name, staged)
        if staged in self.staged and self.staged[staged].expr == 0:
            return Integer(0)
        return entry(staged, indices)

    def _stage_adjoint(self, name: str, staged: str) -> None:
        """Define the adjoint of a name by those of its consumers; that of an output of an unknown loss stays free."""
        formal = self._formal(name)
        terms = [self._path(user, name, formal) for user in self.graph.consumers.get(name, ())]
        if not self.graph.has_loss and name in self.graph.outputs:
            if not terms:
                return
            terms.append(entry(f"{staged} direct", formal))
        self.staged[staged] = Definition(staged, formal, self.graph.sizes_of(name), sympy.Add(*terms))

    def _path(self, user: Definition, name: str, formal: tuple[Symbol, ...]) -> Expr:
        """The part of an adjoint that comes through one consumer, summed over the consumer's indices."""
        if not self._reaches_loss(user.name):
            return Integer(0)
        letters = tuple(bound(i.name) for i in user.indices)
        slope = partial(user.at(letters), name, formal)
        if slope == 0:
            return slope
        return total(self.adjoint(user.name, letters) * slope, zip(letters, user.sizes, strict=True))

    def _reaches_loss(self, name: str) -> bool:
        targets = (self.graph.loss,) if self.graph.has_loss else self.graph.outputs
        return any(self.graph.depends(target, name) for target in targets)

    def _formal(self, name: str) -> tuple[Symbol, ...]:
        return tuple(index(f"{i.name}") for i in self.graph.indices_of(name))

    # -- derivatives of one quantity by another --------------------------------------------------------------------

    def derivative(self, of: Expr, by: Expr, reading: Reading, held: frozenset[str] = frozenset()) -> Expr:
        """``∂of/∂by``, ``of`` an expression and ``by`` a symbol or an entry.

        Read as *total*: through all named intermediates that lie between, those in ``held`` excepted. Read as
        *partial*: where ``of`` mentions ``by`` itself, all other names held fixed; where it does not, through the
        nearest names that do.
        """
        name, indices = name_of(by), indices_of(by)
        direct = partial(of, name, indices)
        if reading == "partial" and not held and name in names_in(of):
            return direct
        between = sorted({name_of(q) for q in quantities_in(of)} - {name} - held)
        terms = [direct]
        for middle in between:
            if middle in self.graph.by_name and self.graph.depends(middle, name):
                terms.append(self._through(of, middle, name, indices, reading, held))
        return sympy.Add(*terms)

    def _through(
        self, of: Expr, middle: str, name: str, indices: tuple[Expr, ...], reading: Reading, held: frozenset[str]
    ) -> Expr:
        """The part of a derivative that goes through one intermediate."""
        definition = self.graph.by_name[middle]
        letters = tuple(bound(i.name) for i in definition.indices)
        slope = partial(of, middle, letters)
        if slope == 0:
            return slope
        inner = self._tangent(definition, letters, name, indices, reading, held)
        return total(slope * inner, zip(letters, definition.sizes, strict=True))

    def _tangent(
        self,
        definition: Definition,
        letters: tuple[Expr, ...],
        name: str,
        indices: tuple[Expr, ...],
        reading: Reading,
        held: frozenset[str],
    ) -> Expr:
        """∂definition[letters]/∂name[indices], staged under a name that tells the reading."""
        mark = {"total": "", "partial": " partial"}[reading] + "".join(f" |{h}" for h in sorted(held))
        staged = derivative_name(definition.name, name) + mark
        if staged not in self.staged:
            rows = tuple(index(f"{i.name}") for i in definition.indices)
            columns = tuple(index(f"{i.name}'") for i in self.graph.indices_of(name))
            sizes = definition.sizes + self.graph.sizes_of(name)
            by = entry(name, columns)
            expr = self.derivative(definition.at(rows), by, reading, held)
            self.staged[staged] = Definition(staged, rows + columns, sizes, expr)
        if self.staged[staged].expr == 0:
            return Integer(0)
        return entry(staged, (*letters, *indices))

    # -- a claim's derivatives -------------------------------------------------------------------------------------

    def resolve(self, expr: Expr, reading: Reading) -> Expr:
        """The expression with every `D` replaced by what it means in a reading."""
        if not expr.has(D):
            return expr
        arguments = [self.resolve(a, reading) for a in expr.args]
        if not isinstance(expr, D):
            return expr.func(*arguments)
        of, by, *held = arguments
        names = frozenset(name_of(h) for h in held[0]) if held else frozenset()
        return self._resolve(of, by, reading, names)

    def _resolve(self, of: Expr, by: Expr, reading: Reading, held: frozenset[str]) -> Expr:
        if isinstance(of, Symbol) and name_of(of) == self.graph.loss:
            return self.adjoint(name_of(by), indices_of(by))
        if is_quantity(of) and name_of(of) in self.graph.by_name and of != by:
            definition = self.graph.by_name[name_of(of)]
            if name_of(by) == definition.name:
                return partial(of, definition.name, indices_of(by))
            if reading == "total" or held:
                return self._tangent(definition, indices_of(of), name_of(by), indices_of(by), reading, held)
            of = definition.at(indices_of(of))
        return self.derivative(of, by, reading, held)


def inline(expr: Expr, definitions: Iterable[Definition]) -> Expr:
    """An expression with names replaced by their definitions, the latest first."""
    for definition in reversed(list(definitions)):
        targets = {q: definition.at(indices_of(q)) for q in quantities_in(expr) if name_of(q) == definition.name}
        if targets:
            expr = refresh(expr.xreplace(targets))
    return expr
