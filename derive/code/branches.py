"""``if`` on data: both sides are read, and what they leave behind is chosen by the condition, entry by entry."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from derive.code.arrays import Array, Cell, elementwise
from derive.code.faults import Unsupported
from derive.code.masks import either
from derive.code.storage import Snapshot
from derive.code.values import Poison, Value, as_array, is_array, is_number

if TYPE_CHECKING:
    from derive.code.machine import Machine, Scope


def branch(machine: Machine, node: ast.If, condition: Array, scope: Scope) -> None:
    """Read both sides of a branch on data and merge them."""
    if condition.rank or condition.kind != "bool":
        raise Unsupported("a branch on the truth of an array")
    before = Snapshot.of(scope)
    machine.quiet += 1
    try:
        machine.execute(node.body, scope)
        taken = _Outcome(before, scope)
        before.restore()
        machine.execute(node.orelse, scope)
        otherwise = _Outcome(before, scope)
    finally:
        machine.quiet -= 1
    before.restore()
    _merge(condition, taken, otherwise, scope)


class _Outcome:
    """What one side of a branch left behind."""

    def __init__(self, before: Snapshot, scope: Scope) -> None:
        self.cells = {key: (cell, cell.array) for key, (cell, _) in before.changed_cells().items()}
        self.scope = dict(scope)
        if any(owner is not scope for owner, _ in before.changed_containers()):
            raise Unsupported("a list or dict that is changed in a branch on data")


def _merge(condition: Array, taken: _Outcome, otherwise: _Outcome, scope: Scope) -> None:
    cells = {key: cell for outcome in (taken, otherwise) for key, (cell, _) in outcome.cells.items()}
    for key, cell in cells.items():
        sides = [outcome.cells[key][1] if key in outcome.cells else cell.array for outcome in (taken, otherwise)]
        cell.put(_chosen(condition, *sides))
    for name in {**taken.scope, **otherwise.scope}:
        first, second = taken.scope.get(name), otherwise.scope.get(name)
        if name in taken.scope and name in otherwise.scope and first is second:
            continue
        scope[name] = _chosen_value(condition, name, first, second)


def _chosen(condition: Array, a: Array, b: Array) -> Array:
    if a.expr == b.expr and a.axes == b.axes:
        return a
    return elementwise(either, [condition, a, b], a.kind if a.kind == b.kind else "real")


def _chosen_value(condition: Array, name: str, a: Value, b: Value) -> Value:
    """A name after a branch. What only one side binds, or what cannot be mixed, must not be used."""
    if all(is_array(v) or is_number(v) for v in (a, b)):
        sides = [as_array(v) for v in (a, b)]
        if not any(side.kind == "index" for side in sides):
            return Cell(_chosen(condition, *sides))
    return Poison(f"{name}, which only one side of a branch on data gives a value")
