"""From equations to a problem: axes, ranks, definitions, roles, the forward graph."""

from __future__ import annotations

from itertools import pairwise

import sympy
from sympy import Expr, Symbol

from derive.document import Document
from derive.forward import Definition, Graph, GraphError
from derive.language import D, index, indices_of, name_of, scalar, size
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation import quantities
from derive.notation.axes import Axes
from derive.notation.elaborate import Elaborator, Policy
from derive.notation.equations import Equation, equations
from derive.notation.names import indexed_node
from derive.notation.ranks import Ranks
from derive.notation.roles import OUTPUT, SHIFT, find_loss, free_name, upstream_and_scale
from derive.notation.survey import survey
from derive.notation.table import POSITIVE, Alias, Name, Table
from derive.notation.values import ShapeError, Value
from derive.problem.classification import Classifier
from derive.problem.problem import Problem, settle
from derive.source import SourceError


def read_problem(document: Document) -> Problem:
    """All of a document's mathematics. What cannot be read is kept with its error; nothing is raised for it."""
    found, functions = equations(document)
    readable = [e for e in found if e.error is None and e.members]
    letters = survey([e.statement() for e in readable])
    table = Table(letters, Axes(letters), Ranks(letters, {}), lambda text: None)
    table.arguments, table.functions = functions.values, functions.aliases
    problem = Problem(document, table, Graph(()), found, {})
    table.tell = problem.tell
    table.axes.tell = lambda text: problem.assume([text], None)
    _Builder(problem, readable).build()
    return problem


class _Builder:
    """The steps from equations to a forward graph, in order."""

    def __init__(self, problem: Problem, equations: list[Equation]) -> None:
        self.problem = problem
        self.table = problem.table
        self.equations = equations
        self.classifier = Classifier(self.table, equations)
        self.facts: list[tuple[Expr, Expr]] = []
        self.definitions: list[Definition] = []

    def build(self) -> None:
        self.classifier.count_indices()
        self._find_loss()
        self.classifier.classify()
        self._infer_ranks()
        self._join_axes()
        self._define()
        self._assume_roles()
        self._graph()
        self.problem.assume(self.problem.heard(), None)

    # -- the loss and the ranks --------------------------------------------------------------------------------------

    def _find_loss(self) -> None:
        lefts = [self.table.spell(self.classifier.left(e)) for e in self.equations if len(e.members) > 1]
        defined = {s.key for s in lefts if s is not None and s.power is None}
        nodes = [member for e in self.equations for member in e.members]
        self.table.loss = find_loss(nodes, self.table.letters, defined)

    def _infer_ranks(self) -> None:
        ranks = self.table.ranks
        ranks.scalars = {self.table.loss or ""} | self.classifier.sizes()
        defining = [e for e in self.equations if e.defines in self.table.defined]
        aliases = [e for e in self.equations if e.defines in self.table.aliases and e not in defining]
        claims = [
            e
            for e in self.equations
            if e not in (*defining, *aliases) and not (e.given and self.classifier.target(e) is None)
        ]
        ranks.infer(_named(defining), _named(aliases), [e.members for e in claims])

    # -- axes --------------------------------------------------------------------------------------------------------

    def _join_axes(self) -> None:
        """Definitions first: what they join, claims must respect."""
        self.table.axes.plain = {key for key, _ in self.table.defined}
        self.table.axes.kronecker = ("\\delta", 2) not in self.table.defined | set(self.table.aliases)
        forward = [e for e in self.equations if e.role in ("definition", "given")]
        claims = [e for e in self.equations if e.role not in ("definition", "given")]
        for group in (forward, claims):
            for equation in group:
                self._link(equation)
            for equation in group:
                self._join_shapes(equation)
            self.table.axes.settle()

    def _link(self, equation: Equation) -> None:
        scope = equation.previous.axes if equation.previous is not None else {}
        if equation.defines in self.table.defined:
            left = self.classifier.open_letters(equation.members[next(iter(equation.names))], frozenset())
            for letter in self.classifier.open_letters(equation.value, frozenset()) - left:
                self.table.fixed.setdefault(letter, self.table.axes.fresh())
        scope.update(self.table.fixed)
        for member in equation.members:
            self.table.axes.link(self.classifier.joined(member), scope)
        for condition in equation.conditions:
            self.table.axes.link(condition.first, scope)
            self.table.axes.link(condition.second, scope)
        equation.axes = scope
        self._equate_sizes(equation)

    def _equate_sizes(self, equation: Equation) -> None:
        """``N = m`` between sizes."""
        if equation.role != "given" or len(equation.members) != 2:
            return
        spelled = [self.table.spell(member) for member in equation.members]
        names = [s.key for s in spelled if s is not None and not s.indices and s.power is None]
        if len(names) == 2 and any(self.table.is_size(name) for name in names):
            first, second = names if not self.table.is_size(names[0]) else (names[1], names[0])
            self.table.axes.equate(size(first), size(second), quiet=True)
            self.table.aliases.pop((names[0], 0), None)

    def _join_shapes(self, equation: Equation) -> None:
        """Read an equation once for the axes that its operations join; what it says is not kept."""
        elaborator = Elaborator(self.table, dict(equation.axes), self._policy())
        values = []
        for member in equation.members:
            try:
                values.append(elaborator.value(member))
            except SourceError:
                continue
        for left, right in pairwise(values):
            self._join_letters(left, right, elaborator)
            try:
                self.table.shapes.align(left, right)
            except ShapeError:
                continue
        self.problem.heard()

    def _join_letters(self, left: Value, right: Value, elaborator: Elaborator) -> None:
        """An index that one side leaves out is the one letter that the other side writes more."""
        for open_side, written in ((left, right), (right, left)):
            letters = [x for x in elaborator.free.values() if x.symbol in written.expr.free_symbols]
            if len(open_side.slots) == len(written.slots) + 1 and len(letters) == 1:
                self.table.axes.join(open_side.slots[-1].axis, letters[0].axis)

    def _policy(self) -> Policy:
        """How definitions are read: as linear algebra in a document with transposes."""
        return Policy("matrix" if self.table.ranks.linear else "elementwise")

    def _policies(self) -> tuple[Policy, ...]:
        """The usual way to read a definition, and the other one for where that makes no sense."""
        return self._policy(), Policy("elementwise" if self.table.ranks.linear else "matrix")

    # -- definitions -------------------------------------------------------------------------------------------------

    def _define(self) -> None:
        """Elaborate the definitions, each after those that it uses."""
        waiting = {e.defines: e for e in self.equations if e.defines in self.table.defined}
        done: set[Name] = set()
        for target in list(waiting):
            self._define_in_order(target, waiting, done, ())
        for equation in self.equations:
            if equation.role == "given" and equation.defines is None:
                self._take_given(equation)

    def _define_in_order(
        self, target: Name, waiting: dict[Name, Equation], done: set[Name], path: tuple[Name, ...]
    ) -> None:
        if target in done:
            return
        equation = waiting[target]
        if target in path:
            circle = " uses ".join(key for key, _ in (*path[path.index(target) :], target))
            self._fail(equation, SourceError(f"the definitions go in a circle: {circle}", equation.span))
            done.add(target)
            return
        used = {s.key for s in self.classifier.spellings(equation.value)}
        for other in waiting:
            if other[0] in used and other != target:
                self._define_in_order(other, waiting, done, (*path, target))
        if target not in done:
            done.add(target)
            self._define_one(equation, target)

    def _fail(self, equation: Equation, error: SourceError) -> None:
        equation.error = error
        if equation.defines is not None:
            self.table.defined.discard(equation.defines)
            self.table.broken[equation.defines[0]] = equation.line

    def _define_one(self, equation: Equation, target: Name) -> None:
        errors = []
        for policy in self._policies():
            elaborator = Elaborator(self.table, dict(equation.axes), policy, True)
            try:
                definition = self._read_definition(equation, target, elaborator)
                break
            except SourceError as error:
                errors.append(error)
        else:
            self._fail(equation, errors[0])
            return
        if definition is None:
            self._define_alias(equation, target)
            return
        self.table.inputs |= elaborator.unknown
        self.table.uses[definition.name] = tuple(sorted(definition.uses))
        self.definitions.append(definition)

    def _read_definition(self, equation: Equation, target: Name, elaborator: Elaborator) -> Definition | None:
        """The definition that an equation is under a policy; None for a name of an expression with derivatives."""
        left = self._left_value(equation, target, elaborator)
        right = settle(elaborator.value(equation.value), left, elaborator, self.table)
        left = settle(left, left, elaborator, self.table)
        return None if right.expr.has(D) else self._definition(left, right, equation)

    def _left_value(self, equation: Equation, target: Name, elaborator: Elaborator) -> Value:
        node = self.classifier.joined(equation.members[next(iter(equation.names))])
        spelled = self.table.spell(node)
        assert spelled is not None
        if spelled.indices:
            return quantities.entry(elaborator, spelled, node)
        key, count = target
        return (
            quantities.array(elaborator, key, self.table.total(key, count))
            if count or self.table.total(key, 0)
            else Value(scalar(key))
        )

    def _define_alias(self, equation: Equation, target: Name) -> None:
        """A definition by derivatives names an expression; it is no stage of the forward pass."""
        self.classifier.set_alias(target, equation.members[next(iter(equation.names))], equation.value)
        self.table.defined.discard(target)

    def _definition(self, left: Value, right: Value, equation: Equation) -> Definition:
        """The definition with the left side's indices, implicit ones given letters."""
        try:
            if len(right.slots) > len(left.slots):
                raise ShapeError
            first, second, slots = self.table.shapes.align(left, right)
        except ShapeError:
            raise SourceError("the two sides have different axes", span_of(equation.value)) from None
        taken = {i.name for i in indices_of(first)}
        letters = {s.symbol: index(_letter(k, taken)) for k, s in enumerate(slots)}
        indices = tuple(i.xreplace(letters) for i in indices_of(first))
        key, count = equation.defines or ("", 0)
        sizes = tuple(axis.size for axis in self.table.axes_of(key, count))
        return Definition(name_of(first), indices, sizes, second.xreplace(letters))

    def _take_given(self, equation: Equation) -> None:
        """A given that defines nothing: equal sizes and aliases are known already; a sum with a value is a fact."""
        name = self.table.spell(self.classifier.left(equation)) if equation.members else None
        known = name is not None and any(key == name.key for key, _ in self.table.aliases)
        if equation.relations[:1] != ("=",) or known or self.classifier.target(equation) is not None:
            return
        elaborator = Elaborator(self.table, dict(equation.axes))
        try:
            left, right = (elaborator.scalar(m) for m in equation.members[:2])
        except SourceError as error:
            self._fail(equation, error)
            return
        if isinstance(left, sympy.Sum):
            self.facts.append((left, right))
            self.table.inputs |= elaborator.unknown
        else:
            self._fail(equation, SourceError("derive cannot use this given", equation.span))

    # -- roles -------------------------------------------------------------------------------------------------------

    def _assume_roles(self) -> None:
        """Name the upstream gradient and the scale where claims use them and the document never says."""
        loss = self.table.loss
        if loss is None or (loss, 0) in self.table.defined or loss in self.table.broken or not self.definitions:
            return
        unknown, outputs = self._unknown_in_claims()
        if not unknown or outputs:
            return
        upstream, scale = upstream_and_scale(unknown)
        last = self._draft_graph().outputs[-1:]
        if upstream is not None and last:
            self._assume_stage(upstream, scale, last[0])

    def _draft_graph(self) -> Graph:
        try:
            return Graph(tuple(self.definitions))
        except GraphError:
            return Graph(())

    def _unknown_in_claims(self) -> tuple[set[str], bool]:
        """Names that only claims use, and whether the loss is differentiated by an output or an unknown name."""
        unknown: set[str] = set()
        outputs = False
        sinks = set(self._draft_graph().outputs)
        for equation in self.equations:
            if equation.role == "definition" or equation.given:
                continue
            elaborator = Elaborator(self.table, dict(equation.axes), self._policy())
            for member in equation.members:
                try:
                    expr = elaborator.value(member).expr
                except SourceError:
                    continue
                outputs = outputs or self._differentiates(expr, sinks | elaborator.unknown)
            unknown |= elaborator.unknown
        self.problem.heard()
        return unknown, outputs

    def _differentiates(self, expr: Expr, names: set[str]) -> bool:
        """Whether an expression has the loss's derivative by one of the names."""
        loss = Symbol(str(self.table.loss), real=True)
        return any(d.args[0] == loss and name_of(d.args[1]) in names for d in expr.atoms(D))

    def _assume_stage(self, upstream: str, scale: str | None, output: str) -> None:
        """``y = scale * output + shift`` as the last stage where there is a scale; the upstream gradient is ∂L/∂y."""
        definition = next(d for d in self.definitions if d.name == output)
        letters = tuple(i.name for i in definition.indices)
        if scale is not None:
            taken = {d.name for d in self.definitions} | self.table.inputs | {upstream}
            y, shift = free_name(OUTPUT, taken), free_name(SHIFT, taken)
            expr = scalar(scale) * definition.entry() + scalar(shift)
            self.definitions.append(Definition(y, definition.indices, definition.sizes, expr))
            self.table.inputs |= {scale, shift}
            self._share_axes(y, output, letters)
            self.table.defined.add((y, len(letters)))
            self._assume(
                f"the forward pass ends in {indexed(y, letters)} = {scale} {indexed(output, letters)} + {shift}"
            )
            output = y
        self._name_upstream(upstream, output, letters)

    def _assume(self, text: str) -> None:
        self.problem.assume([text], None)

    def _share_axes(self, name: str, like: str, letters: tuple[str, ...]) -> None:
        """Give a new name the axes of another."""
        key = like.split("#")[0]
        axes = self.table.axes_of(key, len(letters))
        self.table.ranks.counts.setdefault(name, set()).add(len(letters))
        for k, axis in enumerate(axes):
            self.table.axes._places[name, len(axes), k] = axis

    def _name_upstream(self, upstream: str, output: str, letters: tuple[str, ...]) -> None:
        loss = str(self.table.loss)
        by = indexed_node(S.Symbol(output), tuple(S.Symbol(letter) for letter in letters))
        body = S.Fraction(_differential(S.Symbol(loss)), _differential(by))
        self._share_axes(upstream, output, letters)
        self.table.aliases[upstream, len(letters)] = Alias(letters, body)
        self._assume(f"{indexed(upstream, letters)} is ∂{loss}/∂{indexed(output, letters)}")

    # -- the graph ---------------------------------------------------------------------------------------------------

    def _graph(self) -> None:
        shapes = {d.name: d.sizes for d in self.definitions}
        for key in sorted({key for key, _ in self.table.ranks.hidden} | set(self.table.ranks.counts)):
            for count in sorted(
                {c for k, c in self.table.ranks.hidden if k == key} | self.table.ranks.counts.get(key, set())
            ):
                sizes = tuple(axis.size for axis in self.table.axes_of(key, count))
                shapes.setdefault(self.table.name(key, count), sizes)
        positive = frozenset(name for name in self.table.inputs if name in POSITIVE)
        chosen = {str(i) for d in self.definitions for i in d.expr.free_symbols if i.is_integer and i not in d.indices}
        fixed = {letter: axis for letter, axis in self.table.fixed.items() if letter in chosen}
        selectors = {name: axis.size for name, axis in (fixed | self.table.selectors).items()}
        loss = self.table.loss or "L"
        try:
            definitions = tuple(self.definitions)
            graph = Graph(definitions, shapes, loss, self._outputs(), positive, tuple(self.facts), selectors)
        except GraphError as error:
            equation = next((e for e in self.equations if e.defines and e.defines[0] == error.name), self.equations[0])
            self._fail(equation, SourceError(str(error), equation.span))
            return
        self.problem.graph = graph

    def _outputs(self) -> tuple[str, ...]:
        """What an undefined loss depends on: of the names that no definition uses, those it is differentiated by."""
        sinks = Graph(tuple(self.definitions), loss=self.table.loss or "L").outputs
        by: set[str] = set()
        for equation in self.equations:
            elaborator = Elaborator(self.table, dict(equation.axes), self._policy())
            for member in equation.members if equation.role != "definition" else ():
                try:
                    by |= {name_of(d.args[1]) for d in elaborator.value(member).expr.atoms(D)}
                except SourceError:
                    continue
        self.problem.heard()
        return tuple(name for name in sinks if name in by) or sinks


def _named(equations: list[Equation]) -> list[tuple[Node, ...]]:
    """Each equation's new name with its value."""
    return [(e.members[next(iter(e.names))], e.value) for e in equations]


def _letter(k: int, taken: set[str]) -> str:
    return [letter for letter in "ijklmnpq" if letter not in taken][k]


def _differential(node: Node) -> Node:
    return S.Product((S.Symbol("\\partial"), node), ("",))


def indexed(name: str, letters: tuple[str, ...]) -> str:
    """``name_{i,j}`` as LaTeX."""
    if not letters:
        return name
    return f"{name}_{letters[0]}" if len(letters) == 1 else f"{name}_{{{','.join(letters)}}}"
