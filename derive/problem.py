"""A document's mathematics put together: symbol table, forward graph, equations.

`read_problem` takes a document through the survey, the axes, the definitions and the roles. What it returns can be asked
for the two sides of any link of any equation as SymPy expressions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol

from derive.document import Document
from derive.forward import Definition, Graph, GraphError
from derive.language import D, bound, index, indices_of, is_quantity, name_of, scalar, size, tensor
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.axes import Axes
from derive.notation.elaborate import Elaborator, Policy
from derive.notation.equations import Equation, equations
from derive.notation.names import Spelling, letter_of
from derive.notation.roles import OUTPUT, SHIFT, find_loss, free_name, upstream_and_scale
from derive.notation.survey import PARTIALS, bound_letters, survey
from derive.notation.table import POSITIVE, Alias, Table
from derive.notation.values import Axis, ShapeError, Slot, Value, align
from derive.source import SourceError, Span


@dataclass(frozen=True)
class Assumption:
    """Something that had to be taken for granted, and the line that first made it necessary."""

    text: str
    line: int | None


@dataclass(frozen=True)
class Pair:
    """Two sides to compare, over free indices with their sizes.

    Attributes:
        conditions: pairs of indices that are equal (or not) where the equation is claimed.
        unknown: names in it that nothing introduces.
        stray: letters that the right side has and the left side lacks.
    """

    left: Expr
    right: Expr
    indices: tuple[Symbol, ...]
    sizes: tuple[Expr, ...]
    conditions: tuple[tuple[Expr, Expr, bool], ...] = ()
    unknown: frozenset[str] = frozenset()
    stray: tuple[Symbol, ...] = ()


@dataclass
class Problem:
    """Everything a document says."""

    document: Document
    table: Table
    graph: Graph
    equations: list[Equation]
    assumptions: dict[str, Assumption]
    _heard: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """Hear an assumption; it counts once the reading that needs it is chosen."""
        self._heard.append(text)

    def heard(self) -> tuple[str, ...]:
        """The assumptions heard since the last call."""
        heard, self._heard = tuple(dict.fromkeys(self._heard)), []
        return heard

    def assume(self, texts: Iterable[str], line: int | None) -> None:
        for text in texts:
            self.assumptions.setdefault(text, Assumption(text, line))

    def policies(self, equation: Equation) -> Iterator[Policy]:
        """The ways to read an equation, customary ones first; only those that differ for it."""
        probe = Elaborator(self.table, dict(equation.axes))
        for member in equation.members:
            try:
                probe.value(member)
            except SourceError:
                continue
        products = ("elementwise", "matrix") if "product" in probe.asked else ("elementwise",)
        slashes = ("tight", "loose") if "slash" in probe.asked else ("tight",)
        for slash in slashes:
            for product in products:
                yield Policy(product, slash)  # type: ignore[arg-type]

    def pairs(self, equation: Equation, policy: Policy) -> list[Pair | SourceError]:
        """The links of an equation under a policy; a link that cannot be read is its error."""
        elaborator = Elaborator(self.table, dict(equation.axes), policy)
        values = self._values(elaborator, equation.members)
        return [
            self._pair(equation, elaborator, values[k], values[k + 1], equation.members[k + 1])
            for k in range(len(values) - 1)
        ]

    def against_head(self, equation: Equation, link: int, policy: Policy) -> Pair | SourceError:
        """The right side of a link beside the head of its chain."""
        elaborator = Elaborator(self.table, dict(equation.axes), policy)
        left, right = self._values(elaborator, (equation.head, equation.members[link + 1]))
        return self._pair(equation, elaborator, left, right, equation.members[link + 1])

    def _values(self, elaborator: Elaborator, members: Iterable[Node]) -> list[Value | SourceError]:
        values: list[Value | SourceError] = []
        for member in members:
            try:
                values.append(elaborator.value(member))
            except SourceError as error:
                values.append(error)
        return [_settle(value, values[0], elaborator, self.table) for value in values]

    def _pair(
        self,
        equation: Equation,
        elaborator: Elaborator,
        left: Value | SourceError,
        right: Value | SourceError,
        node: Node,
    ) -> Pair | SourceError:
        for side in (left, right):
            if isinstance(side, SourceError):
                return side
        assert isinstance(left, Value) and isinstance(right, Value)
        if right.slots and not left.slots:
            return SourceError("the left side is a number, the right side an array", S.span_of(node))
        try:
            first, second, slots = align(left, right)
        except ShapeError:
            return SourceError("the two sides have different axes", S.span_of(node))
        indices = [(s.symbol, s.axis) for s in slots]
        letters = {letter.symbol: self.table.axes.axis(letter.axis) for letter in elaborator.free.values()}
        used = first.free_symbols | second.free_symbols
        indices += [(symbol, axis) for symbol, axis in letters.items() if symbol in used]
        stray = tuple(s for s, _ in indices if s in second.free_symbols and s not in first.free_symbols)
        try:
            conditions = tuple(self._conditions(equation, elaborator))
        except SourceError as error:
            return error
        return Pair(
            first,
            second,
            tuple(s for s, _ in indices),
            tuple(axis.size for _, axis in indices),
            conditions,
            frozenset(elaborator.unknown),
            stray,
        )

    def _conditions(self, equation: Equation, elaborator: Elaborator) -> Iterator[tuple[Expr, Expr, bool]]:
        for condition in equation.conditions:
            delta = elaborator._equal(condition.first, condition.second, condition.first)
            if delta is not None and isinstance(delta.expr, sympy.KroneckerDelta):
                yield (*delta.expr.args[:2], condition.equal)


def _settle(
    value: Value | SourceError, first: Value | SourceError, elaborator: Elaborator, table: Table
) -> Value | SourceError:
    """Match implicit axes with the letters that the rest of the equation writes."""
    if isinstance(value, SourceError) or not value.slots:
        return value
    for slot in value.slots:
        letters = [
            letter
            for letter in elaborator.free.values()
            if table.axes.find(letter.axis) == slot.axis.id
        ]
        if len(letters) > 1 and isinstance(first, Value):
            letters = [letter for letter in letters if letter.symbol in first.expr.free_symbols]
        if len(letters) == 1:
            table.tell(f"an index that was left out is {letters[0].symbol.name}, as on the other side")
            value = value.rename(slot.symbol, letters[0].symbol)
    return value


# -- building ------------------------------------------------------------------------------------------------------------


def read_problem(document: Document) -> Problem:
    """All of a document's mathematics. What cannot be read is kept with its error; nothing is raised for it."""
    found = equations(document)
    letters = survey([e.statement() for e in found if e.error is None and e.members])
    problem = Problem(document, Table(letters, Axes(letters), lambda text: None), Graph(()), found, {})
    problem.table.tell = problem.tell
    problem.table.axes.tell = problem.tell
    _Builder(problem).build()
    return problem


class _Builder:
    """The steps from equations to a forward graph."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.table = problem.table
        self.equations = [e for e in problem.equations if e.error is None and e.members]
        self.facts: list[tuple[Expr, Expr]] = []
        self.definitions: list[Definition] = []

    def build(self) -> None:
        self._count()
        self._classify()
        self._link()
        self._loss()
        self._define()
        self._assume_roles()
        self._graph()
        self.problem.assume(self.problem.heard(), None)

    # -- uses ----------------------------------------------------------------------------------------------------------

    def _spellings(self, node: Node) -> Iterator[Spelling]:
        """All names in an expression; those inside another's indices too."""
        spelled = self.table.spell(node)
        if spelled is not None:
            yield spelled
            for item in spelled.indices:
                if isinstance(item, S.Script):
                    yield from self._spellings(item)
            if spelled.power is not None:
                yield from self._spellings(spelled.power)
            return
        for child in self._children(node):
            yield from self._spellings(child)

    def _children(self, node: Node) -> Iterator[Node]:
        """Children, with names of two parts put together."""
        if not isinstance(node, S.Product):
            yield from node.children()
            return
        skip = False
        for k, factor in enumerate(node.factors):
            if skip:
                skip = False
                continue
            joined = _compound(node.factors[k : k + 2], self.table) if node.operators[k : k + 1] == ("",) else None
            if joined is not None:
                skip = True
                yield joined
            else:
                yield factor

    def _count(self) -> None:
        for equation in self.equations:
            for member in equation.members:
                for spelled in self._spellings(member):
                    if spelled.indices:
                        self.table.counts.setdefault(spelled.key, set()).add(len(spelled.indices))

    # -- classification ------------------------------------------------------------------------------------------------

    def _classify(self) -> None:
        """Which equations define a name. A new name counts as defined by its first equation, before the claims begin;
        afterwards only if the forward pass does not use it as an input."""
        claims_begun = False
        inputs: set[str] = set()
        for equation in sorted(self.equations, key=lambda e: not e.given):
            if not equation.relations or equation.relations[0] != "=" or isinstance(equation.members[1], S.Empty):
                equation.role = "note"
                continue
            target = self._target(equation)
            derived = self._has_derivative(equation)
            if equation.given:
                self._classify_given(equation, target, derived)
                inputs |= self._names_used(equation)
                continue
            fresh = target is not None and target not in self.table.defined and not self._uses(equation, target[0])
            if fresh and target is not None and not derived and not (claims_begun and target[0] in inputs):
                self._set_definition(equation, target)
                inputs |= self._names_used(equation)
            else:
                claims_begun = claims_begun or derived

    def _names_used(self, equation: Equation) -> set[str]:
        """The names in the right sides of an equation."""
        return {s.key for member in equation.members[1:] for s in self._spellings(member)}

    def _uses(self, equation: Equation, key: str) -> bool:
        return key in self._names_used(equation)

    def _classify_given(self, equation: Equation, target: tuple[str, int] | None, derived: bool) -> None:
        equation.role = "given"
        if target is None:
            return
        bare = self.table.spell(equation.members[1])
        if derived or (bare is not None and bare.power is None and not target[1]):
            self._set_alias(equation, target)
        elif target not in self.table.defined:
            self._set_definition(equation, target)
            equation.role = "given"

    def _target(self, equation: Equation) -> tuple[str, int] | None:
        """The name, with its number of indices, that ``name = value`` can define."""
        left = equation.members[0]
        if isinstance(left, S.Product) and len(left.factors) == 2:
            left = _compound(left.factors, self.table) or left
        spelled = self.table.spell(left)
        if spelled is None or spelled.power is not None or equation.previous is not None:
            return None
        letters = [letter_of(item) for item in spelled.indices]
        if None in letters or len(set(letters)) != len(letters):
            return None
        counts = self.table.counts.get(spelled.key)
        if not letters and counts and not self._is_closed(equation.members[1]):
            return None if self._defined_elsewhere(spelled.key) else (spelled.key, min(counts))
        return spelled.key, len(letters)

    def _is_closed(self, node: Node) -> bool:
        """Whether an expression is one number: all of its indices are summed over and none was left out."""
        return not self._open_letters(node, frozenset()) and not any(
            not s.indices and self.table.counts.get(s.key) and (s.key, 0) not in self.table.defined
            for s in self._spellings(node)
        )

    def _open_letters(self, node: Node, bound: frozenset[str]) -> set[str]:
        if isinstance(node, S.BigOperator):
            inner = bound | set(bound_letters(node.lower)) if node.lower is not None else bound
            return self._open_letters(node.body, inner)
        spelled = self.table.spell(node)
        if spelled is not None:
            own = {letter for item in spelled.indices if (letter := letter_of(item)) is not None} - bound
            return own | (self._open_letters(spelled.power, bound) if spelled.power is not None else set())
        return set().union(*(self._open_letters(child, bound) for child in node.children()))

    def _defined_elsewhere(self, key: str) -> bool:
        """Whether another equation defines the name with its indices written."""
        for equation in self.equations:
            spelled = self.table.spell(equation.members[0])
            if spelled is not None and spelled.key == key and spelled.indices and len(equation.members) > 1:
                return spelled.power is None
        return False

    def _set_definition(self, equation: Equation, target: tuple[str, int]) -> None:
        equation.role = "definition"
        equation.defines = target
        self.table.defined.add(target)

    def _set_alias(self, equation: Equation, target: tuple[str, int]) -> None:
        left = equation.members[0]
        if isinstance(left, S.Product):
            left = _compound(left.factors, self.table) or left
        spelled = self.table.spell(left)
        assert spelled is not None
        letters = tuple(str(letter_of(item)) for item in spelled.indices)
        self.table.aliases[target] = Alias(letters, equation.members[1])

    def _has_derivative(self, equation: Equation) -> bool:
        return any(_is_derivative(node, self.table) for member in equation.members for node in member.walk()) or any(
            (s.key, len(s.indices)) in self.table.aliases or s.key in {k for k, _ in self.table.aliases}
            for member in equation.members
            for s in self._spellings(member)
            if self._is_derivative_alias(s)
        )

    def _is_derivative_alias(self, spelled: Spelling) -> bool:
        alias = self.table.aliases.get((spelled.key, len(spelled.indices)))
        return alias is not None and any(_is_derivative(n, self.table) for n in alias.body.walk())

    # -- axes ----------------------------------------------------------------------------------------------------------

    def _link(self) -> None:
        """Definitions first: what they join, claims must respect."""
        order = sorted(self.equations, key=lambda e: (e.role == "claim", e.role == "note"))
        self.table.axes.plain = {key for key, _ in self.table.defined}
        for equation in order:
            scope = equation.previous.axes if equation.previous is not None else {}
            for member in equation.members:
                if isinstance(member, S.Product) and (joined := _compound(member.factors, self.table)):
                    self.table.axes.link(joined, scope)
                self.table.axes.link(member, scope)
            for condition in equation.conditions:
                for node in (condition.first, condition.second):
                    self.table.axes.link(node, scope)
            equation.axes = scope
            self._equal_sizes(equation)

    def _equal_sizes(self, equation: Equation) -> None:
        """``N = m`` between sizes."""
        if equation.role != "given" or len(equation.members) != 2:
            return
        keys = [self.table.spell(member) for member in equation.members]
        if all(k is not None and not k.indices and k.power is None for k in keys):
            names = [k.key for k in keys if k is not None]
            if any(self.table.is_size(name) for name in names):
                first, second = names if not self.table.is_size(names[0]) else reversed(names)
                self.table.axes.equate(size(first), size(second), quiet=True)
                self.table.aliases.pop((names[0], 0), None)

    # -- the loss --------------------------------------------------------------------------------------------------------

    def _loss(self) -> None:
        nodes = [member for e in self.equations for member in e.members]
        defined = {key for key, _ in self.table.defined}
        self.table.loss = find_loss(nodes, self.table.letters, defined, set())
        if self.table.loss is None:
            self.table.loss = find_loss(nodes, self.table.letters, set(), set())

    # -- definitions -------------------------------------------------------------------------------------------------------

    def _define(self) -> None:
        """Elaborate the definitions; each after those that it uses, so that shapes are known."""
        waiting = {e.defines: e for e in self.equations if e.defines is not None and e.role in ("definition", "given")}
        done: set[tuple[str, int]] = set()
        for target in list(waiting):
            self._define_in_order(target, waiting, done, ())
        for equation in self.equations:
            if equation.role == "given" and equation.defines is None:
                self._take_given(equation)

    def _define_in_order(
        self,
        target: tuple[str, int],
        waiting: dict[tuple[str, int], Equation],
        done: set[tuple[str, int]],
        path: tuple[tuple[str, int], ...],
    ) -> None:
        if target in done:
            return
        equation = waiting[target]
        if target in path:
            circle = " uses ".join(key for key, _ in (*path[path.index(target) :], target))
            self._fail(equation, SourceError(f"the definitions go in a circle: {circle}", equation.span))
            done.add(target)
            return
        keys = {s.key for s in self._spellings(equation.members[1])}
        for other in waiting:
            if other[0] in keys and other != target:
                self._define_in_order(other, waiting, done, (*path, target))
        if target not in done:
            done.add(target)
            self._define_one(equation, target)

    def _fail(self, equation: Equation, error: SourceError) -> None:
        equation.error = error
        if equation.defines is not None:
            self.table.defined.discard(equation.defines)

    def _define_one(self, equation: Equation, target: tuple[str, int]) -> None:
        elaborator = Elaborator(self.table, dict(equation.axes))
        key, count = target
        try:
            value = elaborator.value(equation.members[1])
            if value.expr.has(D):
                self._define_alias(equation, target)
                return
            definition = self._definition(equation, key, count, value, elaborator)
        except SourceError as error:
            self._fail(equation, error)
            return
        self.table.inputs |= elaborator.unknown
        self.definitions.append(definition)

    def _define_alias(self, equation: Equation, target: tuple[str, int]) -> None:
        """A definition by derivatives names an expression; it is no stage of the forward pass."""
        self._set_alias(equation, target)
        self.table.defined.discard(target)

    def _definition(
        self, equation: Equation, key: str, count: int, value: Value, elaborator: Elaborator
    ) -> Definition:
        spelled = self.table.spell(equation.members[0])
        letters = [letter_of(item) for item in spelled.indices] if spelled is not None else []
        if letters:
            symbols, axes = self._written_indices(key, count, letters)
            value = self._fill(value, symbols, axes, equation)
        elif count:
            symbols, axes, value = self._left_out(key, count, value, elaborator, equation)
        else:
            symbols = tuple(index(f"i_{k}") if k else index("i") for k in range(len(value.slots)))
            axes = tuple(s.axis for s in value.slots)
            for slot, symbol in zip(value.slots, symbols, strict=True):
                value = value.rename(slot.symbol, symbol)
            if axes:
                self.table.shapes[key] = axes
        self._fix(value, symbols, elaborator)
        return Definition(self.table.name(key, count), symbols, tuple(a.size for a in axes), value.expr)

    def _written_indices(
        self, key: str, count: int, letters: list[str | None]
    ) -> tuple[tuple[Symbol, ...], tuple[Axis, ...]]:
        return tuple(index(str(letter)) for letter in letters), self.table.axes_of(key, count)

    def _fill(self, value: Value, symbols: tuple[Symbol, ...], axes: tuple[Axis, ...], equation: Equation) -> Value:
        """Implicit axes of a right side take the letters of the left side."""
        for slot in value.slots:
            match = [s for s, a in zip(symbols, axes, strict=True) if a.id == slot.axis.id]
            if len(match) != 1:
                raise SourceError("the axes of the two sides do not fit", S.span_of(equation.members[1]))
            self.table.tell(f"an index left out on the right side is {match[0].name}")
            value = value.rename(slot.symbol, match[0])
        return value

    def _left_out(
        self, key: str, count: int, value: Value, elaborator: Elaborator, equation: Equation
    ) -> tuple[tuple[Symbol, ...], tuple[Axis, ...], Value]:
        """A left side without the indices that the name has elsewhere: they are the right side's."""
        axes = self.table.axes_of(key, count)
        letters = list(elaborator.free.values())
        symbols: list[Symbol] = []
        for axis in axes:
            slot = next((s for s in value.slots if s.axis.id == axis.id), None)
            letter = next((x for x in letters if self.table.axes.find(x.axis) == axis.id), None)
            if slot is not None:
                symbol = index("ijklmnpq"[len(symbols)])
                value = value.rename(slot.symbol, symbol)
            elif letter is not None:
                symbol = letter.symbol
                letters.remove(letter)
            else:
                symbol = index("ijklmnpq"[len(symbols)])
            symbols.append(symbol)
        if value.slots:
            raise SourceError("the axes of the two sides do not fit", S.span_of(equation.members[1]))
        return tuple(symbols), axes, value

    def _fix(self, value: Value, symbols: tuple[Symbol, ...], elaborator: Elaborator) -> None:
        """Letters of a definition that its left side lacks single out one entry."""
        for letter, found in elaborator.free.items():
            if found.symbol in value.expr.free_symbols and found.symbol not in symbols:
                self.table.fixed[letter] = self.table.axes.axis(found.axis)

    def _take_given(self, equation: Equation) -> None:
        """A given that defines nothing: equal sizes and aliases are known already; a sum with a value is a fact."""
        if not equation.relations or equation.relations[0] != "=" or self._target(equation) is not None:
            return
        elaborator = Elaborator(self.table, dict(equation.axes))
        try:
            left, right = (elaborator.scalar(m) for m in equation.members[:2])
        except SourceError as error:
            self._fail(equation, error)
            return
        if isinstance(left, sympy.Sum):
            self.facts.append((left, right))
        else:
            self._fail(equation, SourceError("derive cannot use this given", equation.span))

    # -- roles -------------------------------------------------------------------------------------------------------------

    def _assume_roles(self) -> None:
        """Name the upstream gradient and the scale where claims use them and the document never says."""
        loss = self.table.loss
        if loss is None or (loss, 0) in self.table.defined or not self.definitions:
            return
        unknown, outputs = self._unknown_in_claims()
        if not unknown or outputs:
            return
        upstream, scale = upstream_and_scale(unknown)
        if upstream is None:
            return
        last = Graph(tuple(self.definitions)).outputs[-1:]
        if last:
            self._assume_stage(upstream, scale, last[0])

    def _unknown_in_claims(self) -> tuple[set[str], bool]:
        """Names that only claims use, and whether the loss is differentiated by an output or an unknown name."""
        unknown: set[str] = set()
        outputs = False
        sinks = set(Graph(tuple(self.definitions)).outputs)
        for equation in self.equations:
            if equation.role == "definition" or equation.given:
                continue
            for policy in (Policy(), Policy("matrix")):
                elaborator = Elaborator(self.table, dict(equation.axes), policy)
                for member in equation.members:
                    try:
                        expr = elaborator.value(member).expr
                    except SourceError:
                        continue
                    for derivative in expr.atoms(D):
                        of, by = derivative.args[:2]
                        loss = isinstance(of, Symbol) and of.name == self.table.loss
                        outputs = outputs or (loss and name_of(by) in sinks | elaborator.unknown)
                unknown |= elaborator.unknown
        return unknown, outputs

    def _assume_stage(self, upstream: str, scale: str | None, output: str) -> None:
        """``y = scale * output + shift`` as the last stage where there is a scale; the upstream gradient is ∂L/∂y."""
        definition = next(d for d in self.definitions if d.name == output)
        entry = definition.entry()
        taken = {d.name for d in self.definitions} | self.table.inputs | {upstream}
        letters = tuple(i.name for i in definition.indices)
        if scale is not None:
            y, shift = free_name(OUTPUT, taken), free_name(SHIFT, taken)
            expr = scalar(scale) * entry + scalar(shift)
            self.definitions.append(Definition(y, definition.indices, definition.sizes, expr))
            self.table.defined.add((y, len(letters)))
            self.table.counts.setdefault(y, set()).add(len(letters))
            self.table.inputs |= {scale, shift}
            for k in range(len(letters)):
                self.table.axes.join(self.table.axes.place(y, len(letters), k), self._place(output, k))
            self.problem.tell(f"the forward pass ends in {_indexed(y, letters)} = {scale} {_indexed(output, letters)} + {shift}")
            output = y
        self._name_upstream(upstream, output, letters)

    def _place(self, name: str, k: int) -> int:
        count = len(next(d for d in self.definitions if d.name == name).indices)
        return self.table.axes.place(name.split("#")[0], count, k)

    def _name_upstream(self, upstream: str, output: str, letters: tuple[str, ...]) -> None:
        loss = str(self.table.loss)
        sub: Node | None = None
        if letters:
            items = tuple(S.Symbol(letter) for letter in letters)
            sub = items[0] if len(items) == 1 else S.Sequence(items, (",",) * (len(items) - 1))
        by: Node = S.Symbol(output)
        body = S.Fraction(
            S.Product((S.Symbol("\\partial"), S.Symbol(loss)), ("",)),
            S.Product((S.Symbol("\\partial"), S.Script(by, sub) if sub is not None else by), ("",)),
        )
        self.table.aliases[upstream, len(letters)] = Alias(letters, body)
        self.table.counts.setdefault(upstream, set()).add(len(letters))
        for k in range(len(letters)):
            self.table.axes.join(self.table.axes.place(upstream, len(letters), k), self._place(output, k))
        self.problem.tell(f"{_indexed(upstream, letters)} is ∂{loss}/∂{_indexed(output, letters)}")

    # -- the graph -----------------------------------------------------------------------------------------------------------

    def _graph(self) -> None:
        shapes = {d.name: d.sizes for d in self.definitions}
        for key, counts in self.table.counts.items():
            for count in counts:
                name = self.table.name(key, count)
                if name not in shapes:
                    shapes[name] = tuple(axis.size for axis in self.table.axes_of(key, count))
        positive = frozenset(name for name in self.table.inputs if name in POSITIVE)
        selectors = {letter: axis.size for letter, axis in self.table.fixed.items()}
        try:
            self.problem.graph = Graph(
                tuple(self.definitions),
                shapes,
                self.table.loss or "L",
                (),
                positive,
                tuple(self.facts),
                selectors,
            )
        except GraphError as error:
            equation = next((e for e in self.equations if e.defines and e.defines[0] == error.name), self.equations[0])
            self._fail(equation, SourceError(str(error), equation.span))


def _indexed(name: str, letters: tuple[str, ...]) -> str:
    if not letters:
        return name
    return f"{name}_{letters[0]}" if len(letters) == 1 else f"{name}_{{{','.join(letters)}}}"


def _compound(pair: tuple[Node, ...], table: Table) -> Node | None:
    """``d \\hat{x}_i`` as one subscripted name, where the document has that name."""
    if len(pair) < 2:
        return None
    prefix, base = table.spell(pair[0]), table.spell(pair[1])
    if prefix is None or base is None or prefix.indices or prefix.key + base.key not in table.letters.compounds:
        return None
    symbol: Node = S.Symbol(prefix.key + base.key, "", S.span_of(pair[0]).join(S.span_of(pair[1])))
    if not base.indices and base.power is None:
        return symbol
    items = base.indices
    sub: Node | None = None
    if items:
        sub = items[0] if len(items) == 1 else S.Sequence(items, (",",) * (len(items) - 1))
    return S.Script(symbol, sub, base.power, 0, S.span_of(pair[0]).join(S.span_of(pair[1])))


def _is_derivative(node: Node, table: Table) -> bool:
    """Whether a node is a quotient of differentials, or a ∇ with a subscript."""
    if isinstance(node, S.Fraction):
        below = node.denominator
        if isinstance(below, S.Product):
            head = table.spell(below.factors[0])
            return head is not None and head.key in PARTIALS and len(below.factors) > 1 and below.operators[0] == ""
    if isinstance(node, S.Symbol):
        return node.name in ("\\partial", "\\nabla")
    return False


__all__ = ["Assumption", "Pair", "Problem", "Slot", "Span", "bound", "indices_of", "is_quantity", "read_problem", "tensor"]
