"""Loops over as many rounds as an axis has places: one round is read, and its effect summed up.

The round is read twice. The first time shows what it changes; then what it changes is put under placeholders, and the
second reading shows how the new value depends on the old one. Three kinds of effect have a meaning: an array to which
every round adds something (a sum), one of which every round stores its own row (the row, with the round's number for
its place), and names that are set anew each round; and numbers that every round counts up. Everything else is a
recurrence.
"""

from __future__ import annotations

import ast
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import sympy
from sympy import Expr, KroneckerDelta, Symbol

from derive.code.arrays import Array, Cell, letter, summed
from derive.code.faults import Refine, Unsupported
from derive.code.indexing import read
from derive.code.storage import Snapshot
from derive.code.trace import PLACEHOLDER
from derive.code.values import Poison, Span, Value, as_array, is_array, is_number
from derive.forward import entry, names_in
from derive.language import refresh

if TYPE_CHECKING:
    from derive.code.machine import Machine, Scope

RECURRENCE = "a loop whose rounds depend on one another"
UNROLLED = 3
"""How many rounds a recurrence has: a first one, a last one, and one between them."""
_numbers = count()


def loop(machine: Machine, node: ast.For, span: Span, scope: Scope) -> None:
    """Read a loop over a span and leave in the scope what it does.

    Raises `Refine` where it has no meaning for any number of rounds: with a fixed number it is read round by round.
    """
    try:
        _loop(machine, node, span, scope)
    except Unsupported as error:
        if str(span.stop) not in machine.order:
            raise
        error.node = error.node or node
        why = f"{span.stop} is {UNROLLED}: what happens in a round depends on others"
        raise Refine(span.stop, (sympy.Integer(UNROLLED),), why, error) from error


def _loop(machine: Machine, node: ast.For, span: Span, scope: Scope) -> None:
    own = letter("i")
    machine.loops.append((own, span.stop))
    machine.quiet += 1
    try:
        before, mark = Snapshot.of(scope), machine.trace.mark()
        _round(machine, node, span, own, scope)
        cells = before.changed_cells()
        names = _rebound(before, scope)
        after = dict(scope)
        before.restore()
        counters = _counters(names, scope, after, own)
        while True:
            machine.trace.back_to(mark)
            starts = _placeholders(cells, names - counters.keys(), scope)
            scope |= {name: counter.at(own - 1) for name, counter in counters.items()}
            _round(machine, node, span, own, scope)
            wrong = [name for name, counter in counters.items() if not counter.is_met(scope.get(name), own)]
            if not wrong:
                break
            counters = {name: counter for name, counter in counters.items() if name not in wrong}
            before.restore()
    finally:
        machine.quiet -= 1
        machine.loops.pop()
    _conclude(starts, names - counters.keys(), own, span.stop, scope)
    scope |= {name: _number(counter.at(span.stop)) for name, counter in counters.items()}


def _round(machine: Machine, node: ast.For, span: Span, own: Symbol, scope: Scope) -> None:
    from derive.code.statements import assign

    assign(machine, node.target, _turn(machine, span, own), scope, node)
    machine.execute(node.body, scope)


def _turn(machine: Machine, span: Span, own: Symbol) -> Value:
    """What a loop's target stands for in the round of a letter."""
    number = Array((), own, "index", span.stop)
    count: Value = Cell(number) if span.is_plain else span.first + span.step * (own - 1)
    rows = [read(as_array(row), [number], machine.trace)[0] for row in span.rows]
    values: list[Value] = [count] if span.counted else []
    values += [Cell(row) for row in rows]
    return values[0] if len(values) == 1 else tuple(values)


def _rebound(before: Snapshot, scope: Scope) -> set[str]:
    """The names that a round binds to other objects."""
    for owner, content in before.changed_containers():
        if owner is scope:
            return {name for name in scope if name not in content or scope[name] is not content[name]}
        raise Unsupported("a list or dict that grows in a loop", hint="Store into an array.")
    return set()


class _Counter(NamedTuple):
    """A number that every round counts up or down."""

    start: Expr
    step: Expr

    def at(self, rounds: Expr) -> Expr:
        """Its value after so many rounds."""
        return sympy.expand(self.start + rounds * self.step)

    def is_met(self, value: Value, own: Symbol) -> bool:
        """Whether that is its value at the end of the round of a letter."""
        return is_number(value) and sympy.expand(self.at(own) - value) == 0


def _counters(names: set[str], scope: Scope, after: Scope, own: Symbol) -> dict[str, _Counter]:
    """The names that may be counters: the first round changes them by a number that is no round's."""
    found = {}
    for name in names:
        first, then = scope.get(name), after.get(name)
        if is_number(first) and is_number(then):
            step = sympy.sympify(then) - sympy.sympify(first)
            if not step.has(own):
                found[name] = _Counter(sympy.sympify(first), step)
    return found


def _number(value: Expr) -> Value:
    return int(value) if value.is_Integer else value


class _Start:
    """An array before a loop, and the placeholder that stands for it in a round.

    Attributes:
        rebound: the name that every round binds anew, where it is a name and no storage that changes.
    """

    def __init__(self, array: Array, rebound: str = "") -> None:
        self.rebound = rebound
        self.name = f"{PLACEHOLDER}{next(_numbers)}"
        self.before = array
        fresh = array.fresh()
        self.during = Array(fresh.axes, entry(self.name, fresh.letters), array.kind)


def _placeholders(cells: dict[int, tuple[Cell, Array]], names: set[str], scope: Scope) -> list[tuple[Cell, _Start]]:
    """Put placeholders into everything that a round changes."""
    found = []
    for cell, array in cells.values():
        found.append((cell, _Start(array)))
    for name in sorted(names & set(scope)):
        value = scope[name]
        scope[name] = Poison(f"{name} as the round before left it")
        if is_number(value) or (is_array(value) and as_array(value).kind != "index"):
            cell = Cell(as_array(value))
            if cell.array.kind == "whole":
                cell = Cell(cell.array.of_kind("real"))
            scope[name] = cell
            found.append((cell, _Start(cell.array, name)))
    for cell, start in found:
        cell.put(start.during)
    return found


def _conclude(starts: list[tuple[Cell, _Start]], names: set[str], own: Symbol, stop: Expr, scope: Scope) -> None:
    """What the names of a scope stand for after a loop."""
    placeholders = {start.name for _, start in starts}
    left = {name: scope.get(name) for name in names}
    effects = [_effect_on(cell, start, left, own, stop, placeholders) for cell, start in starts]
    for name in names:
        scope[name] = Poison(f"{name} as the last round of a loop left it")
    for (cell, start), result in zip(starts, effects, strict=True):
        if start.rebound:
            scope[start.rebound] = Cell(result) if result is not None else scope[start.rebound]
        elif result is None:
            raise Unsupported(RECURRENCE)
        else:
            cell.put(result)


def _effect_on(
    cell: Cell, start: _Start, left: dict[str, Value], own: Symbol, stop: Expr, placeholders: set[str]
) -> Array | None:
    """What a loop makes of a cell, or of a name that every round binds anew."""
    value = left[start.rebound] if start.rebound else cell
    if not is_array(value) and not is_number(value):
        return None
    return _effect(start, as_array(value), own, stop, placeholders)


def _effect(start: _Start, new: Array, own: Symbol, stop: Expr, placeholders: set[str]) -> Array | None:
    """An array after all rounds; None where each round sets it anew.

    Raises `Unsupported` for a recurrence.
    """
    if new.sizes != start.during.sizes or new.rank != start.during.rank:
        _check_set_anew(new, placeholders)
        return None
    old = start.during.over(new.axes)
    gap = sympy.expand(sympy.expand_mul(new.expr) - old)
    if gap == 0:
        return start.before
    if not names_in(gap) & placeholders:
        return Array(new.axes, start.before.over(new.axes) + _over_all_rounds(gap, own, stop), "real")
    if start.name not in names_in(new.expr):
        _check_set_anew(new, placeholders)
        return None
    return _stored(start, new, gap, own, stop, placeholders)


def _check_set_anew(new: Array, placeholders: set[str]) -> None:
    if names_in(new.expr) & placeholders:
        raise Unsupported(RECURRENCE)


def _over_all_rounds(gap: Expr, own: Symbol, stop: Expr) -> Expr:
    """What all rounds add. A round that stores at its own place adds there alone."""
    terms = []
    for term in sympy.Add.make_args(gap):
        pair = _own_place(term, own)
        if pair is not None:
            place = pair.args[0] if pair.args[1] == own else pair.args[1]
            terms.append(refresh(term / pair).xreplace({own: place}))
        else:
            terms.append(summed(refresh(term), [(stop, own)]))
    return sympy.Add(*terms)


def _own_place(term: Expr, own: Symbol) -> Expr | None:
    """The factor that says that a letter of the array is the number of the round.

    An index of an array has as many values as the loop has rounds: that was compared when it was used as an index.
    """
    for factor in sympy.Mul.make_args(term):
        if isinstance(factor, KroneckerDelta) and own in factor.args[:2]:
            other = factor.args[0] if factor.args[1] == own else factor.args[1]
            if isinstance(other, Symbol):
                return factor
    return None


def _stored(start: _Start, new: Array, gap: Expr, own: Symbol, stop: Expr, placeholders: set[str]) -> Array:
    """An array of which every round stores its own row, the old row being replaced or changed."""
    terms = sympy.Add.make_args(gap)
    pairs = {_own_place(term, own) for term in terms}
    if len(pairs) != 1 or None in pairs:
        raise Unsupported(RECURRENCE)
    (pair,) = pairs
    assert pair is not None
    place = pair.args[0] if pair.args[1] == own else pair.args[1]
    if place not in new.letters:
        raise Unsupported(RECURRENCE)
    value = sympy.Add(*(term / pair for term in terms))
    value = refresh(value).xreplace({own: place}) + start.during.over(new.axes)
    return Array(new.axes, _with_start(sympy.expand(value), start, new, placeholders), new.kind)


def _with_start(value: Expr, start: _Start, new: Array, placeholders: set[str]) -> Expr:
    """The old row put in where a round read its own."""
    own_entry = start.during.over(new.axes)
    value = value.xreplace({own_entry: start.before.over(new.axes)})
    if names_in(value) & placeholders:
        raise Unsupported(RECURRENCE)
    return value
