"""Symbolic derivatives: local partials of indexed sums, and the chain rule over the forward graph.

Derivatives are *staged*: the adjoint of a name is defined by the adjoints of the names that use it, the
derivative of one name by another through the names in between, each with a name of its own (``∂L/∂x``). A
deep graph costs a definition a name, and a hand derivation that uses the same stages is compared with them as
they stand.

Sources: reverse accumulation over a graph of named intermediates, Griewank and Walther, *Evaluating
Derivatives* (2nd ed.), ch. 3; the product and chain rules for indexed sums are the textbook ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import sympy
from sympy import Expr, Integer, KroneckerDelta, Symbol

from derive.forward import Definition, Graph, entry, names_in, quantities_in
from derive.language import D, bound, delta, index, indices_of, is_quantity, is_real, name_of, refresh
from derive.primitives import BY_FUNCTION

Reading = Literal["total", "partial"]
"""What ``∂a/∂b`` means for intermediates: through all paths, or with the other named intermediates held
fixed."""

Spans = Mapping[Expr, Expr]
"""For indices that are known to run over a whole axis, or to lie in it, the size of that axis."""


DIRECT = " direct"
"""What the free symbol for such a derivative has behind its name where the staged one goes by it."""


class NoDerivative(TypeError):
    """A derivative that has no rule or no meaning here."""


def derivative_name(of: str, by: str) -> str:
    """The name under which the derivative of one name by another is staged."""
    return f"∂{of}/∂{by}"


def is_direct(name: str) -> bool:
    """Whether a name is for how an unknown loss depends on an output that others use too; no document has one."""
    return name.endswith(DIRECT)


# -- local partials ------------------------------------------------------------------------------------------


def partial(expr: Expr, name: str, indices: tuple[Expr, ...], spans: Spans | None = None) -> Expr:
    """The local partial of ``expr`` by the entry ``name[indices]``, every other name held fixed.

    Args:
        spans: for the entry's indices, the sizes of their axes. With them, sums over deltas are carried out.

    Raises:
        NoDerivative: there is no rule for it, or it has no value (0^x by x).
    """
    found = _Partial(name, indices, spans or {}).of(expr)
    if not is_real(found):
        raise NoDerivative(f"the derivative by {name} has no real value")
    return found


@dataclass(frozen=True)
class _Partial:
    """Partials by one entry. Each rule's docstring is its formula."""

    name: str
    indices: tuple[Expr, ...]
    spans: Spans

    def of(self, expr: Expr) -> Expr:
        if isinstance(expr, sympy.Indexed | Symbol):
            return self._entry(expr)
        if self.name not in names_in(expr):
            return Integer(0)
        if isinstance(expr, sympy.Add):
            return sympy.Add(*(self.of(term) for term in expr.args))
        if isinstance(expr, sympy.Mul):
            return self._product(expr.args)
        if isinstance(expr, sympy.Sum):
            return self._sum(expr)
        if isinstance(expr, sympy.Product):
            return self._long_product(expr)
        return self._function(expr)

    def _entry(self, expr: Expr) -> Expr:
        """x_a by x_b: δ_ab."""
        if name_of(expr) != self.name:
            return Integer(0)
        own = indices_of(expr)
        if len(own) != len(self.indices):
            raise NoDerivative(f"{self.name} has {len(own)} indices here and {len(self.indices)} there")
        return sympy.Mul(*map(delta, own, self.indices))

    def _product(self, factors: tuple[Expr, ...]) -> Expr:
        """uv: u'v + uv'."""
        slopes = ((k, self.of(factor)) for k, factor in enumerate(factors))
        return sympy.Add(*(sympy.Mul(*factors[:k], s, *factors[k + 1 :]) for k, s in slopes if s != 0))

    def _sum(self, expr: Expr) -> Expr:
        """Σ u_i: Σ u_i'."""
        fresh = refresh(expr)
        return summed(self.of(fresh.function), fresh.limits, self.spans)

    def _long_product(self, expr: Expr) -> Expr:
        """Π u_i: Π u_i Σ u_i'/u_i."""
        fresh = refresh(expr)
        return expr * summed(self.of(fresh.function) / fresh.function, fresh.limits, self.spans)

    def _function(self, expr: Expr) -> Expr:
        """f(u): f'(u) u'."""
        if isinstance(expr, sympy.exp):
            return expr * self.of(expr.args[0])
        if isinstance(expr, sympy.Pow):
            return self._power(expr)
        primitive = BY_FUNCTION.get(expr.func)
        if primitive is not None:
            return primitive.derivative(expr.args[0]) * self.of(expr.args[0])
        if isinstance(expr, sympy.core.function.AppliedUndef) and len(expr.args) == 1:
            slope = sympy.Function(f"{expr.func.__name__}'", real=True)(expr.args[0])
            return slope * self.of(expr.args[0])
        raise NoDerivative(f"no derivative rule for {expr.func.__name__}")

    def _power(self, expr: Expr) -> Expr:
        """u^p: p u^(p-1) u' + u^p log(u) p'."""
        base, power = expr.base, expr.exp
        slope, growth = self.of(base), self.of(power)
        by_base = power * base ** (power - 1) * slope if slope != 0 else slope
        return by_base + expr * sympy.log(base) * growth if growth != 0 else by_base


# -- sums over Kronecker deltas ------------------------------------------------------------------------------


def summed(body: Expr, limits: Iterable[tuple[Symbol, Expr, Expr]], spans: Spans) -> Expr:
    """``body`` summed over ranges, the first one the innermost: Σ_i δ_ij f_i is f_j, Σ_i c f_i is c Σ_i f_i.

    A delta ends its sum only where ``spans`` says that its other index lies in the range that is summed.
    """
    limits = tuple(limits)
    known = {**spans, **{letter: high for letter, low, high in limits if low == 1}}
    for letter, low, high in limits:
        terms = (part for term in sympy.Add.make_args(body) for part in _opened(term, letter))
        body = sympy.Add(*(_summed_term(term, letter, low, high, known) for term in terms))
    return body


def _opened(term: Expr, letter: Symbol) -> Iterator[Expr]:
    """A product with its factors multiplied out that are sums with a delta of this letter in them."""
    factors = sympy.Mul.make_args(term)
    for k, factor in enumerate(factors):
        if isinstance(factor, sympy.Add) and any(_deltas(part, letter) for part in factor.args):
            for part in factor.args:
                yield from _opened(sympy.Mul(*factors[:k], part, *factors[k + 1 :]), letter)
            return
    yield term


def _deltas(term: Expr, letter: Symbol) -> list[Expr]:
    """The Kronecker deltas of a letter among a product's factors."""
    return [f for f in sympy.Mul.make_args(term) if isinstance(f, KroneckerDelta) and letter in f.args[:2]]


def _summed_term(term: Expr, letter: Symbol, low: Expr, high: Expr, known: Spans) -> Expr:
    for pair in _deltas(term, letter):
        first, second = pair.args[:2]
        other = second if first == letter else first
        if low == 1 and known.get(other) == high and not other.has(letter):
            # refreshed, lest a sum inside bind the index that is put in
            rest = refresh(sympy.Mul(*(f for f in sympy.Mul.make_args(term) if f is not pair)))
            return rest.xreplace({letter: other})
    inside: list[Expr] = []
    outside: list[Expr] = []
    for factor in sympy.Mul.make_args(term):
        (inside if factor.has(letter) else outside).append(factor)
    if not inside:
        return sympy.Mul(*outside, high - low + 1)
    return sympy.Mul(*outside, sympy.Sum(sympy.Mul(*inside), (letter, low, high)))


def _places(expr: Expr, name: str, sizes: tuple[Expr, ...]) -> dict[Expr, Expr]:
    """The sizes of the axes at which an expression reads a name, by the indices there: as long as the
    expression means anything, they lie in those axes."""
    entries = (entry for entry in quantities_in(expr) if name_of(entry) == name)
    return {i: n for entry in entries for i, n in zip(indices_of(entry), sizes, strict=False)}


# -- the chain rule ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Way:
    """How derivatives of one kind go: by which name, in which reading, with which names held fixed."""

    by: str
    reading: Reading
    held: frozenset[str] = frozenset()

    @property
    def mark(self) -> str:
        """What tells the staged derivatives of this kind from those of others."""
        reading = " partial" if self.reading == "partial" else ""
        return reading + "".join(f" |{h}" for h in sorted(self.held))

    def ends(self, mentions: frozenset[str]) -> bool:
        """Whether an expression that mentions these names keeps all but the entry itself fixed."""
        return self.reading == "partial" and not self.held and self.by in mentions


class Calculus:
    """Derivatives over one graph. Staged derivatives are collected in `staged` as they are asked for."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.staged: dict[str, Definition] = {}
        self._mentions: dict[str, frozenset[str]] = {}
        self._below: dict[str, frozenset[str]] = {}
        self._unknown = frozenset() if graph.has_loss else frozenset(map(self._upstream, graph.outputs))

    # -- adjoints --------------------------------------------------------------------------------------------

    def adjoint(self, name: str, indices: tuple[Expr, ...]) -> Expr:
        """∂L/∂name[indices]: all paths to the loss."""
        if name == self.graph.loss:
            return Integer(1)
        staged = derivative_name(self.graph.loss, name)
        if staged not in self.staged and not self._is_free(name):
            self._stage_adjoints(name)
        if staged in self.staged and self.staged[staged].expr == 0:
            return Integer(0)
        return entry(staged, indices)

    def _is_free(self, name: str) -> bool:
        """Whether an adjoint is a free symbol: that of an output of an unknown loss that nothing else
        uses."""
        return not self.graph.has_loss and name in self.graph.outputs and name not in self.graph.consumers

    def _stage_adjoints(self, name: str) -> None:
        """Stage what an adjoint needs, the last names first: a deep graph must not mean a deep recursion."""
        later = (d.name for d in reversed(self.graph.definitions) if self.graph.depends(d.name, name))
        for each in (*later, name):
            staged = derivative_name(self.graph.loss, each)
            if each != self.graph.loss and staged not in self.staged and not self._is_free(each):
                self.staged[staged] = self._adjoint_definition(each, staged)

    def _adjoint_definition(self, name: str, staged: str) -> Definition:
        """The adjoint of a name by those of its consumers."""
        formal = self._letters(self.graph.indices_of(name))
        terms = [self._path(user, name, formal) for user in self.graph.consumers.get(name, ())]
        if not self.graph.has_loss and name in self.graph.outputs:
            terms.append(entry(self._upstream(name), formal))
        return Definition(staged, formal, self.graph.sizes_of(name), sympy.Add(*terms))

    def _upstream(self, output: str) -> str:
        """The free symbol for how an unknown loss depends on an output directly."""
        staged = derivative_name(self.graph.loss, output)
        return staged if self._is_free(output) else f"{staged}{DIRECT}"

    def _path(self, user: Definition, name: str, formal: tuple[Symbol, ...]) -> Expr:
        """The part of an adjoint that comes through one consumer, summed over the consumer's indices."""
        if user.name not in self.graph.reaching:
            return Integer(0)
        letters = tuple(bound(i.name) for i in user.indices)
        spans = dict(zip((*formal, *letters), (*self.graph.sizes_of(name), *user.sizes), strict=True))
        slope = partial(user.at(letters), name, formal, spans)
        if slope == 0:
            return slope
        return self._total(self.adjoint(user.name, letters) * slope, letters, user.sizes, spans)

    def _total(self, body: Expr, letters: tuple[Symbol, ...], sizes: tuple[Expr, ...], spans: Spans) -> Expr:
        limits = [(letter, Integer(1), n) for letter, n in zip(letters, sizes, strict=True)]
        return summed(body, limits, spans)

    def _letters(self, like: Iterable[Symbol], taken: Iterable[Symbol] = ()) -> tuple[Symbol, ...]:
        """Letters for a staged definition, none of them taken or one that stands for a particular value."""
        avoided = {*(i.name for i in taken), *self.graph.selectors}
        letters = []
        for i in like:
            letter = str(i.name)
            while letter in avoided:
                letter += "'"
            avoided.add(letter)
            letters.append(index(letter))
        return tuple(letters)

    # -- derivatives of one quantity by another --------------------------------------------------------------

    def derivative(self, of: Expr, by: Expr, reading: Reading, held: frozenset[str] = frozenset()) -> Expr:
        """``∂of/∂by``, ``of`` an expression and ``by`` a symbol or an entry.

        Read as *total*: through all named intermediates that lie between, those in ``held`` excepted. Read as
        *partial*: where ``of`` mentions ``by`` itself, all other names held fixed; where it does not, through
        the nearest names that do. The loss, where ``of`` contains it, is differentiated through all paths in
        each reading.
        """
        return self._slope(of, _Way(name_of(by), reading, held), indices_of(by), names_in(of))

    def _slope(self, of: Expr, way: _Way, indices: tuple[Expr, ...], mentions: frozenset[str]) -> Expr:
        spans = dict(zip(indices, self.graph.sizes_of(way.by), strict=False))
        direct = partial(of, way.by, indices, spans)
        if way.ends(mentions):
            return direct
        between = sorted(names_in(of) - {way.by} - way.held)
        return sympy.Add(direct, *(self._through(of, middle, way, indices, spans) for middle in between))

    def _through(self, of: Expr, middle: str, way: _Way, indices: tuple[Expr, ...], spans: Spans) -> Expr:
        """The part of a derivative that goes through one intermediate."""
        if middle == self.graph.loss:
            return partial(of, middle, ()) * self._of_loss(way.by, indices, way.held)
        if middle in self._unknown:  # the second derivative of an unknown loss is unknown, not zero
            raise NoDerivative(f"a second derivative of {self.graph.loss}, which is not defined")
        definition = self._definition(middle)
        if definition is None or not self._depends(middle, way.by):
            return Integer(0)
        letters = tuple(bound(i.name) for i in definition.indices)
        sizes = definition.sizes
        spans = {**spans, **_places(of, middle, sizes), **dict(zip(letters, sizes, strict=True))}
        slope = partial(of, middle, letters, spans)
        if slope == 0:
            return slope
        return self._total(slope * self._tangent(middle, letters, way, indices), letters, sizes, spans)

    def _tangent(self, name: str, letters: tuple[Expr, ...], way: _Way, indices: tuple[Expr, ...]) -> Expr:
        """∂name[letters]/∂by[indices], staged under a name that tells the reading."""
        staged = derivative_name(name, way.by) + way.mark
        if staged not in self.staged:
            for each in self._needed(name, way):
                self._stage_tangent(each, way)
        if self.staged[staged].expr == 0:
            return Integer(0)
        return entry(staged, (*letters, *indices))

    def _needed(self, name: str, way: _Way) -> Iterator[str]:
        """The names through which a derivative goes, each after those that it needs itself: found without
        recursion, so that a deep graph does no harm."""
        seen: set[str] = set()
        stack = [(name, False)]
        while stack:
            top, finished = stack.pop()
            if finished:
                yield top
            elif top not in seen:
                seen.add(top)
                stack.append((top, True))
                stack.extend((below, False) for below in self._nearer(top, way))

    def _nearer(self, name: str, way: _Way) -> list[str]:
        """The names in a definition through which a derivative goes on."""
        definition = self._definition(name)
        if definition is None or way.ends(self._mentioned(name)):
            return []
        names = sorted(definition.uses - {way.by, self.graph.loss} - way.held)
        return [n for n in names if self._definition(n) is not None and self._depends(n, way.by)]

    def _stage_tangent(self, name: str, way: _Way) -> None:
        staged = derivative_name(name, way.by) + way.mark
        definition = self._definition(name)
        if staged in self.staged or definition is None:
            return
        rows = self._letters(definition.indices)
        columns = self._letters(self.graph.indices_of(way.by), rows)
        sizes = (*definition.sizes, *self.graph.sizes_of(way.by))
        self._mentions[staged] = self._mentioned(name)
        expr = self._slope(definition.at(rows), way, columns, self._mentioned(name))
        self.staged[staged] = Definition(staged, (*rows, *columns), sizes, expr)

    # -- names, forward and staged ---------------------------------------------------------------------------

    def _definition(self, name: str) -> Definition | None:
        return self.graph.by_name.get(name) or self.staged.get(name)

    def _mentioned(self, name: str) -> frozenset[str]:
        """The names that count as mentioned by a definition; a staged derivative counts as what it is the
        derivative of, so that a second derivative holds fixed what the first one does."""
        if name in self._mentions:
            return self._mentions[name]
        definition = self._definition(name)
        return definition.uses if definition is not None else frozenset()

    def _depends(self, name: str, on: str) -> bool:
        """Whether a name, possibly that of a staged derivative, is defined by way of another."""
        if name in self.graph.by_name:
            return self.graph.depends(name, on)
        if name not in self._below:
            self._below[name] = frozenset(self._all_below(name))
        return on in self._below[name]

    def _all_below(self, name: str) -> set[str]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            definition = self._definition(waiting.pop())
            new = definition.uses - seen if definition is not None else frozenset()
            seen |= new
            waiting.extend(new)
        return seen

    # -- a claim's derivatives -------------------------------------------------------------------------------

    def resolve(self, expr: Expr, reading: Reading) -> Expr:
        """The expression with every `D` replaced by what it means in a reading."""
        if isinstance(expr, D):
            return self._resolve(expr, reading)
        args = [self.resolve(a, reading) for a in expr.args]
        return expr.func(*args) if any(a is not b for a, b in zip(args, expr.args, strict=True)) else expr

    def _resolve(self, expr: Expr, reading: Reading) -> Expr:
        """A derivative; one of a derivative is taken together with it, as one of higher order."""
        chain: list[tuple[Expr, frozenset[str]]] = []
        while isinstance(expr, D):
            expr, by, *held = expr.args
            chain.append((by, frozenset(name_of(h) for h in held[0]) if held else frozenset()))
        if is_quantity(expr) and name_of(expr) == self.graph.loss:
            reading = "total"
        elif reading == "partial" and expr.has(D):
            raise NoDerivative("a partial derivative of an expression that contains derivatives")
        (by, fixed), *higher = reversed(chain)
        value, mentions = self._first(self.resolve(expr, reading), by, reading, fixed)
        for by, fixed in higher:
            value = self._slope(value, _Way(name_of(by), reading, fixed), indices_of(by), mentions)
        return value

    def _first(self, of: Expr, by: Expr, reading: Reading, held: frozenset[str]) -> tuple[Expr, frozenset[str]]:
        """A first derivative, and the names that count as mentioned by what it is the derivative of."""
        way = _Way(name_of(by), reading, held)
        if not is_quantity(of):
            return self._slope(of, way, indices_of(by), names_in(of)), names_in(of)
        name = name_of(of)
        if name == self.graph.loss:
            return self._of_loss(way.by, indices_of(by), held), frozenset()
        if name not in self.graph.by_name or name == way.by:
            return partial(of, way.by, indices_of(by)), names_in(of)
        if not self._depends(name, way.by):
            return Integer(0), frozenset()
        if reading == "partial" and not held:
            body = self.graph.by_name[name].at(indices_of(of))
            return self._slope(body, way, indices_of(by), names_in(body)), names_in(body)
        return self._tangent(name, indices_of(of), way, indices_of(by)), self._mentioned(name)

    def _of_loss(self, name: str, indices: tuple[Expr, ...], held: frozenset[str]) -> Expr:
        """The derivative of the loss through all paths, or through those that avoid the names in ``held``."""
        if name == self.graph.loss:
            return Integer(1)
        if not self.graph.has_loss and not any(self.graph.depends(o, name) for o in self.graph.outputs):
            raise NoDerivative(f"nothing says how {self.graph.loss} depends on {name}")
        if not held:
            return self.adjoint(name, indices)
        way = _Way(name, "total", held)
        if not self.graph.has_loss:
            return sympy.Add(*(self._through_output(output, way, indices) for output in self.graph.outputs))
        if not self._depends(self.graph.loss, name):
            return Integer(0)
        return self._tangent(self.graph.loss, (), way, indices)

    def _through_output(self, output: str, way: _Way, indices: tuple[Expr, ...]) -> Expr:
        letters = tuple(bound(i.name) for i in self.graph.indices_of(output))
        sizes = self.graph.sizes_of(output)
        spans = dict(zip(indices, self.graph.sizes_of(way.by), strict=False))
        if output == way.by:
            return entry(self._upstream(output), indices)
        if output in way.held or not self._depends(output, way.by):
            return Integer(0)
        slope = entry(self._upstream(output), letters) * self._tangent(output, letters, way, indices)
        return self._total(slope, letters, sizes, spans)


def inline(expr: Expr, definitions: Iterable[Definition]) -> Expr:
    """An expression with names replaced by their definitions, the latest first."""
    for definition in reversed(list(definitions)):
        targets = {q: definition.at(indices_of(q)) for q in quantities_in(expr) if name_of(q) == definition.name}
        if targets:
            expr = refresh(expr.xreplace(targets))
    return expr
