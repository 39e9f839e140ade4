"""What changed expressions are worth: as SymPy, read in the light of their equation, and as numbers.

A search tries hundreds of small changes to one expression. Reading each anew would take longer than the rest of the
check, so numbers are computed on the syntax itself: sums, products, quotients, roots, powers and sums over an index are
carried out, what lies below them is read once. Where that does not give the value of the expression as it stands, as
with products of matrices, every change is read in full.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from sympy import Dummy, Expr, Symbol

from derive.gradient import Reading
from derive.language import bound
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.context import Letter
from derive.notation.elaborate import Elaborator
from derive.notation.names import PARTIALS, Spelling, letter_of
from derive.notation.survey import bound_letters
from derive.notation.values import Axis, ShapeError, Value
from derive.probe.code import NotEvaluable
from derive.probe.sample import Place, close
from derive.problem import Pair, Sides
from derive.problem.problem import settle
from derive.source import SourceError
from derive.verdict import Judge

_MULTIPLIED = frozenset({"", "\\cdot", "\\times", "*", "\\odot", "/"})
_BRACKETS = frozenset({"(", "[", "\\{", ""})


class _Opaque(Exception):
    """A part whose value does not follow from the values of its parts."""


class Bound(NamedTuple):
    """An index letter under a sum."""

    name: str
    letter: Letter


Scope = tuple[Bound, ...]


class Units(NamedTuple):
    """What a product multiplies, with the operator before each."""

    factors: tuple[Node, ...]
    operators: tuple[str, ...]


Leaves = dict[tuple[Node, Scope], Expr | None]
"""What parts were read as, over the same indices."""


@dataclass
class Reader:
    """Reads changed members of one equation.

    Args:
        sides: the equation as it was read.
        member: the position of the member that changes.
        pair: what it is compared in; a changed member is read over the same indices.
        known: parts that were read before, in the same way.
    """

    judge: Judge
    sides: Sides
    member: int
    pair: Pair
    known: Leaves = field(default_factory=dict)
    _bound: dict[tuple[str, int], Letter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = self.judge.problem.table
        self.equation = self.sides.equation
        self.node = self.equation.members[self.member]
        self.own = {id(node) for node in self.node.walk()}
        self._kept: list[Node] = []
        self._spelled: dict[int, Spelling | None] = {}
        self._known_units: dict[int, Units | None] = {}
        operators = [n for n in self.node.walk() if isinstance(n, S.BigOperator)]
        known = self.table.axes.operators
        self._axes = {id(n.lower): known[id(n)] for n in operators if n.lower is not None and id(n) in known}
        self.policy = self.sides.elaborator.policy

    def keep(self, nodes: Iterable[Node]) -> None:
        """Parts that occur in many changes: what is found out about them is remembered too."""
        for node in nodes:
            self._kept.append(node)
            self.own.update(id(inner) for inner in node.walk())

    def axis(self, lower: Node | None, letter: str) -> Axis | None:
        """The axis of a letter that a sum binds; of a sum that is new, that of the same letter elsewhere."""
        if id(lower) in self._axes:
            return self._axes[id(lower)].get(letter)
        if letter in self.equation.axes:
            return self.equation.axes[letter]
        return next((axes[letter] for axes in self._axes.values() if letter in axes), None)

    def bound(self, letter: str, axis: Axis) -> Letter:
        """The letter under any sum over the axis."""
        key = letter, id(axis.root)
        if key not in self._bound:
            self._bound[key] = Letter(bound(letter), axis)
        return self._bound[key]

    def spell(self, node: Node) -> Spelling | None:
        """The name that a node spells; remembered for those of the member as it stands."""
        if id(node) not in self.own:
            return self.table.spell(node)
        if id(node) not in self._spelled:
            self._spelled[id(node)] = self.table.spell(node)
        return self._spelled[id(node)]

    def expression(self, node: Node) -> Expr | None:
        """A changed member as SymPy, over the indices of the pair; None where it has no meaning."""
        with self.table.axes.trial():
            elaborator = self._elaborator()
            try:
                left = elaborator.value(self.equation.members[0 if self.member else 1])
                value = settle(elaborator.value(node), left, elaborator, self.table)
                return self._at_indices(self._over_pair(value), elaborator)
            except (SourceError, ShapeError):
                return None
            finally:
                self.judge.problem.heard()

    def _over_pair(self, value: Value) -> Expr:
        """An array's entry at the indices of the pair."""
        if not value.slots:
            return value.expr
        own = [v for v in self.sides.values if isinstance(v, Value) and v.slots]
        like = next((v for v in own if all(s.symbol in self.pair.indices for s in v.slots)), None)
        if like is None or len(like.slots) < len(value.slots):
            raise ShapeError("an array where the equation has none")
        _, expr, _ = self.table.shapes.align(like, value)
        return expr

    def _at_indices(self, expr: Expr, elaborator: Elaborator) -> Expr:
        """Letters that only a changed member has, for the indices that the other side leaves out."""
        for letter in elaborator.free.values():
            if letter.symbol in expr.free_symbols and letter.symbol not in self.pair.indices:
                sizes = zip(self.pair.indices, self.pair.sizes, strict=True)
                unnamed = [s for s, n in sizes if isinstance(s, Dummy) and n == letter.axis.size]
                if len(unnamed) == 1:
                    expr = expr.xreplace({letter.symbol: unnamed[0]})
        return expr

    def leaf(self, node: Node, scope: Scope) -> Expr:
        """A part as SymPy; raises `_Opaque` where it has no meaning or an axis that nobody names."""
        key = node, scope
        if key not in self.known:
            self.known[key] = self._leaf(node, scope) if self._has_letters(node, scope) else None
        found = self.known[key]
        if found is None:
            raise _Opaque
        return found

    def _has_letters(self, node: Node, scope: Scope) -> bool:
        """Whether the letters in a part mean something there; to ask is quicker than to find out."""
        inner = list(node.walk())
        if any(isinstance(part, S.BigOperator) for part in inner):
            return True
        used = {part.name for part in inner if isinstance(part, S.Symbol)} & self.table.letters.indices
        known = {s.name for s in self.pair.indices if not isinstance(s, Dummy)}
        free = used - known - {b.name for b in scope} - set(self.table.fixed)
        return len(free) <= sum(isinstance(s, Dummy) for s in self.pair.indices)

    def _leaf(self, node: Node, scope: Scope) -> Expr | None:
        with self.table.axes.trial():
            elaborator = self._elaborator()
            try:
                value = elaborator.inside({b.name: b.letter for b in scope}, node)
                for slot in value.slots:
                    value = value.rename(slot.symbol, self._filled(slot.axis, scope))
                return self._at_indices(value.expr, elaborator)
            except (SourceError, ShapeError):
                return None
            finally:
                self.judge.problem.heard()

    def _filled(self, axis: Axis, scope: Scope) -> Symbol:
        """The index that an index left out stands for."""
        for inner in reversed(scope):
            if inner.letter.axis.same(axis):
                return inner.letter.symbol
        fitting = [s for s, n in zip(self.pair.indices, self.pair.sizes, strict=True) if n == axis.size]
        if len(fitting) != 1:
            raise ShapeError("an axis that may be either of two")
        return fitting[0]

    def _elaborator(self) -> Elaborator:
        return Elaborator(self.table, dict(self.equation.axes), self.policy)

    # -- kinds of parts ----------------------------------------------------------------------------------------------

    def is_name(self, node: Node) -> bool:
        return self.spell(node) is not None

    def is_partial(self, node: Node) -> bool:
        spelled = self.spell(node)
        return spelled is not None and spelled.key in PARTIALS and not self.table.introduced(spelled)

    def is_differential(self, node: Node) -> bool:
        """``\\partial x``."""
        return self.is_partial(node) or (isinstance(node, S.Product) and self.is_partial(node.factors[0]))

    def units(self, node: S.Product) -> Units | None:
        """What a product multiplies: its factors, a function with its argument as one; None for an operator's."""
        if id(node) not in self.own:
            return self._units(node)
        if id(node) not in self._known_units:
            units = self._known_units[id(node)] = self._units(node)
            self.own.update(map(id, units.factors if units is not None else ()))
        return self._known_units[id(node)]

    def _units(self, node: S.Product) -> Units | None:
        factors: list[Node] = []
        operators: list[str] = []
        rest = list(zip(("", *node.operators), node.factors, (*node.operators, None), strict=True))
        while rest:
            before, factor, after = rest.pop(0)
            if after == "" and self._is_head(factor):
                _, argument, _ = rest.pop(0)
                if not isinstance(argument.base if isinstance(argument, S.Script) else argument, S.Group):
                    return None
                factor = S.Product((factor, argument), ("",))
            factors.append(factor)
            operators.append(before)
        return Units(tuple(factors), tuple(operators)) if len(factors) > 1 else None

    def _is_head(self, node: Node) -> bool:
        """Whether a factor may be an operator, or the name of a function, with what follows it."""
        if isinstance(node, S.Fraction):
            return self.is_partial(node.numerator)
        if node == S.Number("1"):  # an indicator
            return True
        spelled = self.spell(node)
        if spelled is None or spelled.indices:
            return False
        key, table = spelled.key, self.table
        if key in table.functions:
            return True
        return not (table.introduced(spelled) or table.is_size(key) or table.alias(key, 0) is not None)


class Numbers:
    """The values of a member and its changes at one place, in one reading."""

    def __init__(self, reader: Reader, place: Place, reading: Reading) -> None:
        self.reader = reader
        self.place = place
        self.reading = reading
        self._memo: dict[tuple[int, Scope, tuple[int, ...]], float] = {}
        self._entries: dict[tuple[Expr, Scope, tuple[int, ...]], float] = {}

    @cached_property
    def as_it_stands(self) -> float | None:
        """The value of the member itself."""
        return self._in_full(self.reader.node)

    @cached_property
    def direct(self) -> bool:
        """Whether that follows from the values of its parts; one that has no value may have one once changed."""
        own = self._on_syntax(self.reader.node)
        if own is None or self.as_it_stands is None:
            return own is self.as_it_stands
        return close(own, self.as_it_stands)

    def of(self, node: Node) -> float | None:
        """The value of a changed member; None where it has none."""
        return self._on_syntax(node) if self.direct else self._in_full(node)

    def _in_full(self, node: Node) -> float | None:
        expr = self.reader.expression(node) if node is not self.reader.node else self.reader.pair.right
        return None if expr is None else self.place.value(expr, self.reading)

    def _on_syntax(self, node: Node) -> float | None:
        try:
            value = self._value(node, (), ())
        except (_Opaque, NotEvaluable, ZeroDivisionError, OverflowError):
            return None
        return value if math.isfinite(value) else None

    def _value(self, node: Node, scope: Scope, at: tuple[int, ...]) -> float:
        if id(node) not in self.reader.own:
            return self._computed(node, scope, at)
        key = id(node), scope, at
        if key not in self._memo:
            self._memo[key] = self._computed(node, scope, at)
        return self._memo[key]

    def _computed(self, node: Node, scope: Scope, at: tuple[int, ...]) -> float:
        rule = _RULES.get(type(node))
        value = rule(self, node, scope, at) if rule is not None else None
        return self._leaf(node, scope, at) if value is None else value

    def _leaf(self, node: Node, scope: Scope, at: tuple[int, ...]) -> float:
        expr = self.reader.leaf(node, scope)
        key = expr, scope, at
        if key not in self._entries:
            more = {b.letter.symbol: k for b, k in zip(scope, at, strict=True)}
            value = self.place.value(expr, self.reading, more)
            if value is None:
                raise _Opaque
            self._entries[key] = value
        return self._entries[key]

    # -- rules; None for what is read as one part --------------------------------------------------------------------

    def _number(self, node: S.Number, scope: Scope, at: tuple[int, ...]) -> float:
        return float(node.text)

    def _sum(self, node: S.Sum, scope: Scope, at: tuple[int, ...]) -> float:
        total = 0.0
        for sign, term in zip(node.signs, node.terms, strict=True):
            if sign not in ("+", "-"):
                raise _Opaque
            value = self._value(term, scope, at)
            total += value if sign == "+" else -value
        return total

    def _group(self, node: S.Group, scope: Scope, at: tuple[int, ...]) -> float | None:
        return self._value(node.body, scope, at) if node.opening in _BRACKETS else None

    def _decoration(self, node: S.Decoration, scope: Scope, at: tuple[int, ...]) -> float | None:
        return None if self.reader.is_name(node) else self._value(node.body, scope, at)

    def _fraction(self, node: S.Fraction, scope: Scope, at: tuple[int, ...]) -> float | None:
        if self.reader.is_differential(node.denominator):
            return None
        return self._value(node.numerator, scope, at) / self._value(node.denominator, scope, at)

    def _root(self, node: S.Root, scope: Scope, at: tuple[int, ...]) -> float | None:
        return _power(self._value(node.radicand, scope, at), 0.5) if node.degree is None else None

    def _script(self, node: S.Script, scope: Scope, at: tuple[int, ...]) -> float | None:
        """A bracket or a name to a power that is a number."""
        if node.sup is None or not _is_numeric(node.sup):
            return None
        if node.sub is None and isinstance(node.base, S.Group | S.Root):
            return _power(self._value(node.base, scope, at), self._value(node.sup, scope, at))
        spelled = self.reader.spell(node)
        if spelled is None or spelled.power is None:
            return None
        base = S.Script(node.base, node.sub, None, node.primes) if node.sub is not None or node.primes else node.base
        return _power(self._leaf(base, scope, at), self._value(node.sup, scope, at))

    def _product(self, node: S.Product, scope: Scope, at: tuple[int, ...]) -> float | None:
        """The factors from left to right; a slash divides by all that is juxtaposed after it, or by the next only."""
        units = self.reader.units(node) if _MULTIPLIED.issuperset(node.operators) else None
        if units is None:
            return None
        result, dividing = 1.0, False
        for operator, factor in zip(units.operators, units.factors, strict=True):
            dividing = operator == "/" or (dividing and operator == "" and self.reader.policy.slash == "tight")
            value = self._value(factor, scope, at)
            result = result / value if dividing else result * value
        return result

    def _big_operator(self, node: S.BigOperator, scope: Scope, at: tuple[int, ...]) -> float | None:
        """A sum over whole axes."""
        letters = list(bound_letters(node.lower)) if node.operator == "sum" and node.lower is not None else []
        axes = [self.reader.axis(node.lower, letter) for letter in letters]
        if not letters or not all(isinstance(axis, Axis) for axis in axes):
            return None
        chosen = tuple(
            Bound(name, self.reader.bound(name, axis)) for name, axis in zip(letters, axes, strict=True) if axis
        )
        inner = (*(b for b in scope if b.name not in letters), *chosen)
        kept = tuple(k for b, k in zip(scope, at, strict=True) if b.name not in letters)
        counts = [self.place.size(b.letter.axis.size) for b in chosen]
        allowed = self._condition(node.lower, inner)
        if allowed is None:
            return None
        ranges = ((*kept, *values) for values in _indices(counts))
        return math.fsum(self._value(node.body, inner, values) for values in ranges if allowed(values))

    def _condition(self, lower: Node | None, scope: Scope) -> Callable[[tuple[int, ...]], bool] | None:
        """Which values of the letters a sum runs over; None where it is not over whole axes."""
        places: list[tuple[int | None, int | None, Symbol | None]] = []
        names = [b.name for b in scope]
        for part in lower.items if isinstance(lower, S.Sequence) else (lower,):
            if not isinstance(part, S.Chain):
                continue
            if part.relations == ("=",) and part.members[1] in (S.Number("1"), S.Number("0")):
                continue
            first, second = (letter_of(m) for m in part.members[:2])
            if part.relations != ("\\neq",) or first not in names or second is None:
                return None
            fixed = next((s for s in self.place.indices if s.name == second), None)
            other = names.index(second) if second in names else None
            if other is None and fixed is None:
                return None
            places.append((names.index(first), other, fixed))

        def allowed(values: tuple[int, ...]) -> bool:
            for one, other, fixed in places:
                assert one is not None
                against = values[other] if other is not None else self.place.indices[fixed] if fixed else None
                if values[one] == against:
                    return False
            return True

        return allowed


def _indices(counts: list[int]) -> Iterator[tuple[int, ...]]:
    """All values of some letters, from 1."""
    if not counts:
        yield ()
        return
    for rest in _indices(counts[:-1]):
        for k in range(1, counts[-1] + 1):
            yield (*rest, k)


def _is_numeric(node: Node) -> bool:
    """Whether an exponent is a number."""
    kinds = S.Number | S.Sum | S.Fraction | S.Product | S.Group | S.Decoration
    return all(isinstance(inner, kinds) for inner in node.walk())


def _power(base: float, exponent: float) -> float:
    if base < 0 and exponent != int(exponent):
        raise _Opaque
    return float(base**exponent)


Rule = Callable[..., "float | None"]

_RULES: dict[type[Node], Rule] = {
    S.Number: Numbers._number,
    S.Sum: Numbers._sum,
    S.Group: Numbers._group,
    S.Decoration: Numbers._decoration,
    S.Fraction: Numbers._fraction,
    S.Root: Numbers._root,
    S.Script: Numbers._script,
    S.Product: Numbers._product,
    S.BigOperator: Numbers._big_operator,
}

__all__ = ["Numbers", "Reader"]
