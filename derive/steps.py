"""A derivation as a person would write it, from the loss back to a variable, each step proved.

For every name between the variable and the loss there is a stage: the chain rule over the names that use it, the local
partials, what is known put in, the sums that cancel, the coordinates of the forward pass, and what is left collected
into the closed form. A step is an equation ``before = after``; the normal form judges each of them by the definitions
of the forward pass and by the closed forms of the stages before it, not by how the step came about.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Literal

import sympy
from sympy import Expr, KroneckerDelta, Symbol

from derive.closed import ClosedForm, Compactor, operations
from derive.coordinates import Fold
from derive.forward import Definition, Graph, entry, names_in, quantities_in
from derive.gradient import DIRECT, Calculus, derivative_name, partial, summed
from derive.language import D, bound, index, indices_of, name_of, ordered, refresh
from derive.normal.algebra import GaveUp, Undefined
from derive.normal.atoms import add
from derive.normal.prover import Prover

Rule = Literal["chain rule", "local partial", "cancellation", "known sum", "substitution", "coordinates", "collection"]

LETTERS = "ijklmnpqrstuvw"
PATHS = 12
"""Paths that are listed; what has more is described by its stages alone."""

Equation = tuple[Expr, Expr]


@dataclass(frozen=True)
class Step:
    """``before = after``.

    Attributes:
        subject: what the whole chain of equations is about, a derivative.
        because: equations that the step uses.
        proved: whether the normal form proves it.
        changed: parts of ``before`` that the step changes, where it leaves others alone.
        terms: the terms of ``after`` in the order in which they belong.
    """

    rule: Rule
    subject: Expr
    before: Expr
    after: Expr
    because: tuple[Equation, ...]
    proved: bool
    changed: tuple[Expr, ...] = ()
    terms: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Stage:
    """The derivative of the loss by one name.

    Attributes:
        left: the derivative, ``D(L, v[i])``.
        indices, sizes: those of the name.
        users: the entries through which it reaches the loss.
        form: its closed form.
        proved: whether the closed form is proved equal to the derivative.
    """

    name: str
    left: Expr
    indices: tuple[Symbol, ...]
    sizes: tuple[Expr, ...]
    users: tuple[Expr, ...]
    steps: tuple[Step, ...]
    form: ClosedForm
    proved: bool


@dataclass(frozen=True)
class Derivation:
    """The stages that lead to one gradient, the gradient's own last.

    Attributes:
        paths: from the variable to the loss; empty where there are too many to list.
        silent: steps of a path, pairs of a name and one that it uses, that carry nothing.
    """

    stages: tuple[Stage, ...]
    paths: tuple[tuple[str, ...], ...]
    silent: frozenset[tuple[str, str]]
    seconds: float

    @property
    def last(self) -> Stage:
        return self.stages[-1]


@dataclass(frozen=True)
class _Use:
    """How one definition uses a name.

    Attributes:
        of: the entry of the user; the letters in ``summed`` are summed over, the others are the name's own.
        slope: the local partial of it.
    """

    of: Expr
    by: Expr
    summed: tuple[tuple[Symbol, Expr], ...]
    slope: Expr


class Author:
    """Writes derivations over one graph.

    Args:
        letters: for each size, as a string, letters for indices of it.
        positive: names of positive data and sizes.
    """

    def __init__(
        self,
        graph: Graph,
        calculus: Calculus,
        compactor: Compactor,
        positive: frozenset[str],
        letters: Mapping[str, Sequence[str]],
    ) -> None:
        self.graph = graph
        self.calculus = calculus
        self.compactor = compactor
        self.letters = letters
        self.seconds = 10.0
        self.deadline: float | None = None
        self._closed: dict[str, Definition] = {}
        self._prover = Prover(graph.by_name, positive, graph.facts, None)
        self._stages: dict[str, Stage] = {}
        self._uses: dict[tuple[str, str], _Use] = {}
        self.silent: set[tuple[str, str]] = set()

    def derivation(self, name: str, seconds: float = 10.0) -> Derivation:
        """The derivation of the gradient by a name.

        Args:
            seconds: for each stage; a step that is not proved in time is shown as not proved.

        Raises:
            GaveUp: no closed form of tolerable size was found.
            NoDerivative: the loss does not depend on the name in a way that is known.
        """
        start = time.perf_counter()
        self.seconds = seconds
        loss = Symbol(self.graph.loss, real=True)
        self.calculus.resolve(D(loss, entry(name, self.graph.indices_of(name))), "total")
        names = [*self._between(name), name]
        stages = tuple(self._stage(each) for each in names)
        paths = self._paths(name)
        return Derivation(stages, paths, frozenset(self.silent), time.perf_counter() - start)

    def _between(self, name: str) -> Iterator[str]:
        """The names between a name and the loss whose derivatives are staged, the last ones first."""
        for definition in reversed(self.graph.definitions):
            staged = derivative_name(self.graph.loss, definition.name)
            if definition.name != name and staged in self.calculus.staged and self.graph.depends(definition.name, name):
                yield definition.name

    # -- a stage -----------------------------------------------------------------------------------------------------

    def _stage(self, name: str) -> Stage:
        if name not in self._stages:
            self.deadline = time.monotonic() + self.seconds
            self._stages[name] = self._written(name)
        return self._stages[name]

    def _written(self, name: str) -> Stage:
        loss = Symbol(self.graph.loss, real=True)
        indices, sizes = self.graph.indices_of(name), self.graph.sizes_of(name)
        left = D(loss, entry(name, indices))
        staged = derivative_name(self.graph.loss, name)
        form = self._form(left, staged, indices)
        users = self._users(name)
        steps: tuple[Step, ...] = ()
        uses: list[_Use] = []
        if staged in self.calculus.staged:
            uses = [self._use(user, name, indices) for user in users]
            writer = _StageWriter(self, left, form, uses)
            steps = tuple(writer.steps())
            if not is_same(writer.result, form.expr):
                sums = sums_in(writer.result)
                form = replace(form, expr=writer.result, operations=operations(writer.result), reductions=sums)
            if form.is_compact:
                self._closed[staged] = Definition(staged, indices, sizes, form.expr)
        proved = all(step.proved for step in steps)
        return Stage(name, left, indices, sizes, tuple(use.of for use in uses), steps, form, proved)

    def _form(self, left: Expr, staged: str, indices: tuple[Symbol, ...]) -> ClosedForm:
        """The closed form of a derivative of the loss; of one that has none the form in which it is staged."""
        try:
            return self.compactor.closed_form(entry(staged, indices), self.deadline)
        except (GaveUp, Undefined):
            self.deadline = time.monotonic() + self.seconds
            raw = self.raw(left)
            stages = tuple(sorted(name for name in names_in(raw) if name in self.calculus.staged))
            return ClosedForm(raw, (), operations(raw), stages=stages, is_compact=False)

    def closed_value(self, staged: str, indices: tuple[Expr, ...]) -> Expr:
        """The closed form of an earlier stage at some indices; the upstream gradient is itself."""
        definition = self._closed.get(staged)
        return definition.at(indices) if definition is not None else entry(staged, indices)

    def direct(self, left: Expr) -> Expr | None:
        """How an unknown loss depends on a name directly, where other names use it, too."""
        name = name_of(left.args[1])
        staged = derivative_name(self.graph.loss, name)
        if self.graph.has_loss or name not in self.graph.outputs or staged not in self.calculus.staged:
            return None
        return entry(f"{staged}{DIRECT}", indices_of(left.args[1]))

    def _users(self, name: str) -> list[Definition]:
        """The definitions through which a name acts on the loss, the last ones first."""
        users = [d for d in self.graph.consumers.get(name, ()) if d.name in self.graph.reaching]
        order = {d.name: k for k, d in enumerate(self.graph.definitions)}
        return sorted(users, key=lambda d: order[d.name], reverse=True)

    def _use(self, user: Definition, name: str, indices: tuple[Symbol, ...]) -> _Use:
        """A user's local partial, its indices tied to those of the name wherever a delta says so."""
        letters: list[Expr] = [bound(i.name) for i in user.indices]
        spans = dict(zip((*indices, *letters), (*self.graph.sizes_of(name), *user.sizes), strict=True))
        slope = partial(user.at(letters), name, indices, spans)
        summed: list[tuple[Symbol, Expr]] = []
        used = {i.name for i in indices} | set(self.graph.selectors)
        for k, letter in enumerate(letters):
            other = _tied(slope, letter, indices)
            if other is None:
                other = index(self._fresh_letter(user.indices[k].name, user.sizes[k], used))
                used.add(other.name)
                summed.append((other, user.sizes[k]))
            slope = slope.xreplace({letter: other})
            letters[k] = other
        use = _Use(entry(user.name, tuple(letters)), entry(name, indices), tuple(summed), slope)
        self._uses[user.name, name] = use
        return use

    def _fresh_letter(self, own: str, size: Expr, used: set[str]) -> str:
        """A letter for an index of a user that the name does not have: its own, else another of the axis."""
        numbered = (f"i_{k}" for k in count(1))
        candidates = chain([own], self.letters.get(str(size), ()), LETTERS, numbered)
        return next(letter for letter in candidates if letter not in used)

    # -- what is known -----------------------------------------------------------------------------------------------

    def known(self, total: Expr) -> Expr | None:
        """The value of a sum that the forward pass determines, without a sum in it."""
        form = self.compact(total)
        return None if form is None or form.expr.has(sympy.Sum) else form.expr

    def compact(self, expr: Expr) -> ClosedForm | None:
        """The closed form of an expression; None where it has none."""
        try:
            return self.compactor.closed_form(expr, self.deadline)
        except (GaveUp, Undefined):
            return None

    def because(self, form: ClosedForm, before: Expr) -> tuple[Equation, ...]:
        """What a change to a closed form rests on: x = μ + x̂ √(σ²+ε), and definitions of other names that are new."""
        folds = {fold.name: self.compactor.equation(fold) for fold in form.folds if fold.meaning is None}
        equations = [equation for equation in folds.values() if _occurrences(before, *equation)]
        equations += self.new_definitions(before, form.expr, folds)
        return tuple(equations)

    def new_definitions(self, before: Expr, after: Expr, known: Iterable[str] = ()) -> tuple[Equation, ...]:
        """The definitions of the names that a step brings in."""
        new = (self.graph.by_name.get(name) for name in sorted(names_in(after) - names_in(before) - set(known)))
        return tuple((d.entry(), d.expr) for d in new if d is not None)

    def in_coordinates(self, expr: Expr, folds: Iterable[Fold]) -> tuple[Expr, tuple[Expr, ...]]:
        """An expression with the data replaced by its coordinates, and the parts that were replaced."""
        changed: list[Expr] = []
        for fold in folds:
            if fold.meaning is None:
                found = _occurrences(expr, *self.compactor.equation(fold))
                changed += found
                expr = expr.xreplace(found)
        return expr, tuple(changed)

    # -- judging -----------------------------------------------------------------------------------------------------

    def proves(self, before: Expr, after: Expr, near: frozenset[str] = frozenset()) -> bool:
        """Whether an equation holds by the definitions and the closed forms of the stages before.

        Gradients that both sides use by name may have any value.

        Args:
            near: the names whose definitions are put in first; all others only if that is not enough.
        """
        self._prover.algebra.deadline = self.deadline
        after = self._resolved(after)
        before = self._with_closed_forms(self._resolved(before), names_in(after))
        try:
            difference = add(self._prover.normal(before), self._prover.normal(after), -1)
            far = frozenset(self.graph.by_name) - near
            return self._prover.vanishes(difference, far) or self._prover.equal(before, after)
        except (GaveUp, Undefined):
            return False

    def _with_closed_forms(self, expr: Expr, kept: frozenset[str]) -> Expr:
        """Derivatives of the loss in closed form, those with a name in ``kept`` excepted."""
        while found := {q for q in quantities_in(expr) if name_of(q) in self._closed and name_of(q) not in kept}:
            expr = refresh(expr.xreplace({q: self.closed_value(name_of(q), indices_of(q)) for q in found}))
        return expr

    def _resolved(self, expr: Expr) -> Expr:
        """Derivatives of the loss as entries, others as local partials worked out."""
        if not expr.has(D):
            return expr
        if not isinstance(expr, D):
            return expr.func(*(self._resolved(a) for a in expr.args))
        of, by = expr.args
        if name_of(of) == self.graph.loss:
            return entry(derivative_name(self.graph.loss, name_of(by)), indices_of(by))
        use = self._uses[name_of(of), name_of(by)]
        places = dict(zip((*indices_of(use.of), *indices_of(use.by)), (*indices_of(of), *indices_of(by)), strict=True))
        return refresh(use.slope).xreplace(places)

    def raw(self, left: Expr) -> Expr:
        """The derivative of the loss as the calculus defines it, by the derivatives of its users."""
        by = left.args[1]
        staged = derivative_name(self.graph.loss, name_of(by))
        definition = self.calculus.staged.get(staged)
        return definition.at(indices_of(by)) if definition is not None else entry(staged, indices_of(by))

    # -- paths -------------------------------------------------------------------------------------------------------

    def _paths(self, name: str) -> tuple[tuple[str, ...], ...]:
        """The paths from a name to the loss, the shortest first; none where there are many."""
        found: list[tuple[str, ...]] = []
        todo: list[tuple[str, ...]] = [(name,)]
        while todo:
            path = todo.pop()
            if path[-1] == self.graph.loss:
                found.append(path)
            elif path[-1] in self.graph.outputs and not self.graph.has_loss:
                found.append((*path, self.graph.loss))
            todo += [(*path, user.name) for user in self._users(path[-1])]
            if len(found) > PATHS or len(todo) > 10 * PATHS:
                return ()
        return tuple(sorted(found, key=len))


def _occurrences(expr: Expr, target: Expr, value: Expr) -> dict[Expr, Expr]:
    """Where an expression has a target, at whatever indices, with its value there; one of several entries is looked
    for nowhere."""
    found: dict[Expr, Expr] = {}
    if len(target.atoms(sympy.Indexed)) != 1:
        return found
    (pattern,) = target.atoms(sympy.Indexed)
    for node in sympy.preorder_traversal(expr):
        if node.func != target.func:
            continue
        for use in node.atoms(sympy.Indexed) if not isinstance(node, sympy.Indexed) else (node,):
            if name_of(use) == name_of(pattern) and len(use.indices) == len(pattern.indices):
                places = dict(zip(pattern.indices, use.indices, strict=True))
                times = _times(node, target.xreplace(places))
                if times is not None:
                    found[node] = refresh(value).xreplace(places) ** times
    return found


def _times(node: Expr, target: Expr) -> Expr | None:
    """The exponent with which an expression is a power of a target."""
    if node == target:
        return sympy.Integer(1)
    if isinstance(node, sympy.exp):
        ratio = node.args[0] / target.args[0]
        return ratio if ratio.is_Rational else None
    return None


class _StageWriter:
    """Writes the steps of one stage: local partials beside the chain of values that leads to the closed form."""

    def __init__(self, author: Author, left: Expr, form: ClosedForm, uses: Sequence[_Use]) -> None:
        self.author = author
        self.left = left
        self.form = form
        self.uses = uses
        self.result = form.expr
        self._near = frozenset(name_of(q) for use in uses for q in (use.of, use.by)) | form_names(form)
        self._slopes: dict[_Use, Expr] = {}

    def steps(self) -> Iterator[Step]:
        direct = [name_of(use.of) for use in self.uses] == [self.author.graph.loss]
        terms = self._terms(self._link)
        chained = self.left if direct else sympy.Add(*terms)
        if not direct:
            yield self._step("chain rule", self.left, self.left, chained, (), (), terms)
        for use in self.uses:
            if direct or name_of(use.of) != self.author.graph.loss:
                yield from self._local(use)
        current = self._slopes[self.uses[0]] if direct else chained
        for rule, expr, because, changed in self._values():
            if rule == "collection" and operations(current) < operations(expr) and not current.has(D):
                break
            if not is_same(expr, current):
                yield self._step(rule, self.left, current, expr, because, changed)
                current = expr
        self.result = current

    def _step(
        self,
        rule: Rule,
        subject: Expr,
        before: Expr,
        after: Expr,
        because: tuple[Equation, ...] = (),
        changed: tuple[Expr, ...] = (),
        terms: tuple[Expr, ...] = (),
    ) -> Step:
        first = self.author.raw(before) if before == self.left else before
        is_proved = self.author.proves(first, after, self._near)
        return Step(rule, subject, before, after, because, is_proved, changed, terms)

    # -- local partials ----------------------------------------------------------------------------------------------

    def _local(self, use: _Use) -> Iterator[Step]:
        """A local partial, worked out and then in the quantities of the forward pass where that is shorter."""
        subject = D(use.of, use.by)
        current = tidied(use.slope)
        yield self._step("local partial", subject, subject, current)
        for step in self._cancellations(subject, current):
            yield step
            current = step.after
        form = self.author.compact(current) if current.has(*_COMPACTED) else None
        if form is not None and form.operations < operations(current):
            because = self.author.because(form, current)
            yield self._step(_rule_for(form, because), subject, current, form.expr, because)
            current = form.expr
        self._slopes[use] = current
        if current == 0:
            self.author.silent.add((name_of(use.by), name_of(use.of)))

    def _cancellations(self, subject: Expr, expr: Expr) -> Iterator[Step]:
        """Sums that are a number by the definitions of the forward pass, put in."""
        values = {node: self.author.known(node) for node in _outermost_sums(expr)}
        known = {node: value for node, value in values.items() if value is not None and value.is_number}
        if known:
            rule: Rule = "cancellation" if 0 in known.values() else "known sum"
            after = expr.xreplace(known)
            yield self._step(rule, subject, expr, after, tuple(known.items()), tuple(known))

    # -- the chain of values -----------------------------------------------------------------------------------------

    def _values(self) -> Iterator[tuple[Rule, Expr, tuple[Equation, ...], tuple[Expr, ...]]]:
        """What the derivative is, step by step, from the chain rule to the closed form."""
        current = tidied(sympy.Add(*self._terms(lambda use: self._value(use) * self._slopes[use])))
        yield "substitution", current, (), ()
        for step in self._cancellations(self.left, current):
            yield step.rule, step.after, step.because, step.changed
            current = step.after
        because: tuple[Equation, ...] = ()
        moved, changed = self.author.in_coordinates(current, self.form.folds)
        if changed:
            because = self.author.because(self.form, current)
            if operations(moved) <= operations(current):
                yield "coordinates", moved, because, changed
                because = ()
        elif new := self.author.new_definitions(current, self.form.expr):
            yield "known sum", self.form.expr, new, ()
        yield "collection", self.form.expr, because, ()

    def _terms(self, factor: Callable[[_Use], Expr]) -> tuple[Expr, ...]:
        """A product for each use, summed over the letters of the user that the name does not have."""
        terms = []
        for use in self.uses:
            letters = {i: bound(i.name) for i, _ in use.summed}
            body = refresh(factor(use)).xreplace(letters)
            spans = dict(zip(indices_of(use.by), self.author.graph.sizes_of(name_of(use.by)), strict=True))
            terms.append(summed(body, [(letters[i], sympy.Integer(1), n) for i, n in reversed(use.summed)], spans))
        direct = self.author.direct(self.left)
        return (*terms, *([direct] if direct is not None else []))

    def _link(self, use: _Use) -> Expr:
        """The derivative of the loss by a user times that of the user; what the loss itself uses is worked out."""
        if name_of(use.of) == self.author.graph.loss:
            self._slopes[use] = tidied(use.slope)
            return self._slopes[use]
        return D(self.left.args[0], use.of) * D(use.of, use.by)

    def _value(self, use: _Use) -> Expr:
        """The same in closed form, unless the closed form of this stage keeps its name."""
        name = name_of(use.of)
        if name == self.author.graph.loss:
            return sympy.Integer(1)
        staged = derivative_name(self.author.graph.loss, name)
        if staged in names_in(self.form.expr):
            return entry(staged, indices_of(use.of))
        return self.author.closed_value(staged, indices_of(use.of))


def form_names(form: ClosedForm) -> frozenset[str]:
    """The names that a closed form and its coordinates are written with."""
    return names_in(form.expr).union(fold.name for fold in form.folds)


def _rule_for(form: ClosedForm, because: tuple[Equation, ...]) -> Rule:
    """What brings an expression to a closed form."""
    if any(fold.meaning is None for fold in form.folds):
        return "coordinates"
    return "known sum" if because else "collection"


def _tied(slope: Expr, letter: Symbol, indices: Iterable[Symbol]) -> Expr | None:
    """The index that a letter equals in every term of a slope, by a delta."""
    terms = sympy.Add.make_args(slope)
    for other in indices:
        delta = KroneckerDelta(letter, other)
        if all(delta in sympy.Mul.make_args(term) for term in terms):
            return other
    return None


def tidied(expr: Expr) -> Expr:
    """An expression with the numbers that all terms of a sum share in front of it: 2 (x - μ) for 2 x - 2 μ."""
    if not expr.args or isinstance(expr, sympy.Indexed | KroneckerDelta | ordered | D):
        return expr
    parts = [tidied(a) for a in expr.args]
    if isinstance(expr, sympy.Sum):
        number, body = _number_and_rest(parts[0])
        return _scaled(number, sympy.Sum(body, *expr.limits))
    if isinstance(expr, sympy.Add):
        return _with_number_in_front(parts)
    if isinstance(expr, sympy.Mul):
        split = [_number_and_rest(a) for a in parts]
        number = sympy.Mul(*(n for n, _ in split))
        return _scaled(number, sympy.Mul(*(rest for _, rest in split)))
    return expr.func(*parts)


def _with_number_in_front(terms: list[Expr]) -> Expr:
    split = [_number_and_rest(term) for term in terms]
    numbers = {abs(n) for n, _ in split}
    common = numbers.pop() if len(numbers) == 1 else sympy.gcd_list([n if n.is_Integer else 1 for n, _ in split])
    if common in (0, 1):
        return sympy.Add(*terms)
    return _scaled(common, sympy.Add(*(_scaled(n / common, rest) for n, rest in split)))


def _number_and_rest(expr: Expr) -> tuple[Expr, Expr]:
    if isinstance(expr, sympy.Rational):
        return expr, sympy.Integer(1)
    if not isinstance(expr, sympy.Mul):
        return sympy.Integer(1), expr
    numbers = [a for a in expr.args if isinstance(a, sympy.Rational)]
    return sympy.Mul(*numbers), sympy.Mul(*(a for a in expr.args if not isinstance(a, sympy.Rational)))


def _scaled(number: Expr, expr: Expr) -> Expr:
    """A number times an expression, which is not multiplied out."""
    if isinstance(expr, sympy.Add) and number != 1:
        return sympy.Mul(number, expr, evaluate=False)
    return number * expr


def _outermost_sums(expr: Expr) -> list[Expr]:
    if isinstance(expr, sympy.Sum):
        return [expr]
    return [s for a in expr.args for s in _outermost_sums(a)] if not isinstance(expr, sympy.Indexed) else []


def sums_in(expr: Expr) -> tuple[Expr, ...]:
    """The different sums in an expression that depend on no index of a sum around them."""
    found: dict[Expr, Expr] = {}
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, sympy.Sum) and not any(s.is_Dummy for s in node.free_symbols):
            found.setdefault(_plain(node, 0), node)
    return tuple(found.values())


def is_same(first: Expr, second: Expr) -> bool:
    """Whether two expressions are written alike, but for the letters of summed indices."""
    return bool(first == second or _plain(first, 0) == _plain(second, 0))


def _plain(expr: Expr, depth: int) -> Expr:
    """An expression with its products evaluated and its summed indices numbered."""
    if isinstance(expr, sympy.Sum):
        letters = {limit[0]: Symbol(f"~{depth + k}") for k, limit in enumerate(expr.limits)}
        body = _plain(expr.function.xreplace(letters), depth + len(letters))
        return sympy.Tuple(body, *(limit[2] for limit in expr.limits))
    if not expr.args or isinstance(expr, sympy.Indexed):
        return expr
    parts = [_plain(a, depth) for a in expr.args]
    if isinstance(expr, sympy.Mul | sympy.Add | sympy.Pow):
        return sympy.Tuple(Symbol(expr.func.__name__), *sorted(_flat(expr.func, parts), key=sympy.default_sort_key))
    return sympy.Tuple(Symbol(expr.func.__name__), *parts)


def _flat(kind: type[Expr], parts: list[Expr]) -> Iterator[Expr]:
    """The parts of a sum or a product, those of inner ones among them; ones do not count."""
    for part in parts:
        if isinstance(part, sympy.Tuple) and part.args[0] == Symbol(kind.__name__) and kind is not sympy.Pow:
            yield from part.args[1:]
        elif not (kind is sympy.Mul and part == 1):
            yield part


_COMPACTED = (sympy.Indexed, sympy.Sum)
