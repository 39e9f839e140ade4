"""What each kind of statement means: the table `STATEMENTS` is at the end."""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from derive.code.arrays import Array, Cell, elementwise, factors, shape_text
from derive.code.branches import branch
from derive.code.expressions import index_items, operate, sequence, truth
from derive.code.faults import Fault, Unsupported
from derive.code.indexing import Item, increased, is_mask_index, masked, read, store, under_mask
from derive.code.loops import loop
from derive.code.masks import OPERATORS, either
from derive.code.trace import Trace
from derive.code.values import Config, Function, Masked, Record, Span, Value, as_array, described, is_array
from derive.language import is_quantity, name_of

if TYPE_CHECKING:
    from sympy import Expr

    from derive.code.machine import Machine, Scope


def _expression(machine: Machine, node: ast.Expr, scope: Scope) -> None:
    if not isinstance(node.value, ast.Constant):
        machine.evaluate(node.value, scope)


def _nothing(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    return None


def _return(machine: Machine, node: ast.Return, scope: Scope) -> None:
    from derive.code.machine import Returned

    if machine.inner != (len(machine.loops), machine.quiet):
        raise Unsupported("a return inside a loop or a branch on data")
    raise Returned(machine.evaluate(node.value, scope) if node.value is not None else None)


def _raise(machine: Machine, node: ast.Raise, scope: Scope) -> None:
    raise Unsupported("an exception is raised here")


def _assign(machine: Machine, node: ast.Assign, scope: Scope) -> None:
    value = machine.evaluate(node.value, scope)
    if len(node.targets) == 1:
        _note_unpacking(machine.trace, node, value)
    for target in node.targets:
        assign(machine, target, value, scope, node)


def _annotated(machine: Machine, node: ast.AnnAssign, scope: Scope) -> None:
    if node.value is not None:
        assign(machine, node.target, machine.evaluate(node.value, scope), scope, node)


def _note_unpacking(trace: Trace, node: ast.Assign, value: Value) -> None:
    """Remember under which names a cache is unpacked, and what was saved in it."""
    target = node.targets[0]
    if not isinstance(target, ast.Tuple | ast.List) or not isinstance(value, tuple | list):
        return
    if isinstance(node.value, ast.Name | ast.Attribute) and len(target.elts) == len(value):
        given = tuple(each.id if isinstance(each, ast.Name) else "" for each in target.elts)
        trace.unpacked.append((node.lineno, given, tuple(_saved_name(trace, each) for each in value)))


def _saved_name(trace: Trace, value: Value) -> str:
    """The Python name of what a cache holds."""
    expr = value.array.expr if isinstance(value, Cell) else None
    return trace.shown_name(name_of(expr)) if expr is not None and is_quantity(expr) else ""


def assign(machine: Machine, target: ast.expr, value: Value, scope: Scope, node: ast.stmt) -> None:
    """Bind a target to a value."""
    if isinstance(target, ast.Name):
        scope[target.id] = _kept(machine, target.id, value, node)
    elif isinstance(target, ast.Tuple | ast.List):
        values = sequence(value)
        if any(isinstance(each, ast.Starred) for each in target.elts):
            raise Unsupported("a starred target")
        if len(values) != len(target.elts):
            raise Fault(f"{len(values)} values for {len(target.elts)} names")
        for each, one in zip(target.elts, values, strict=True):
            assign(machine, each, one, scope, node)
    elif isinstance(target, ast.Attribute):
        owner = machine.evaluate(target.value, scope)
        if not isinstance(owner, Record):
            raise Unsupported(f"an attribute of {described(owner)} is set")
        owner.attributes[target.attr] = _kept(machine, target.attr, value, node)
    elif isinstance(target, ast.Subscript):
        _assign_item(machine, target, value, scope, node)
    else:
        raise Unsupported("this target of an assignment")


def _kept(machine: Machine, name: str, value: Value, node: ast.stmt) -> Value:
    """A value for a name: a new array gets the name as its own; what is only another name stays shared."""
    if isinstance(value, Array):
        return Cell(machine.named(name, value, node.lineno, anew=True))
    is_view = isinstance(value, Cell) and value.base is not None and not value.whole
    if isinstance(value, Cell) and (is_view or is_gradient_name(name)) and (machine.loops or not machine.quiet):
        # a quantity of its own, though the storage is another name's
        own = machine.named(name, as_array(value), node.lineno, anew=True)
        return Cell(own, value.base) if is_view else Cell(own, value, whole=True)
    if isinstance(value, Cell) and value.base is None and not is_quantity(value.array.expr) and not machine.loops:
        value.held = machine.named(name, value.held, node.lineno, anew=True)  # the same numbers, which had no name yet
    return value


def is_gradient_name(name: str) -> bool:
    """Whether a Python name speaks of a derivative."""
    return name[:1] in ("d", "g") or "grad" in name or name.startswith("delta")


def _assign_item(machine: Machine, target: ast.Subscript, value: Value, scope: Scope, node: ast.stmt) -> None:
    owner = machine.evaluate(target.value, scope)
    if isinstance(owner, dict):
        key = machine.evaluate(target.slice, scope)
        if not isinstance(key, str | int):
            raise Unsupported(f"{described(key)} as a key")
        owner[key] = _kept(machine, str(key), value, node) if not isinstance(owner, Config) else machine.stored(value)
    elif isinstance(owner, list):
        place = machine.evaluate(target.slice, scope)
        if not isinstance(place, int) or not -len(owner) <= place < len(owner):
            raise Unsupported("storing into a list")
        owner[place] = machine.stored(value)
    else:
        cell = _storage(machine, owner)
        items = index_items(machine, target.slice, scope)
        if isinstance(value, Masked) and is_mask_index(items):
            made = _stored_under_mask(cell.array, items[0], value, lambda _, new: new)
        else:
            made = store(cell.array, items, _storable(cell.array, value), machine.trace)
        _put(machine, cell, made, target.value, node)


def _stored_under_mask(array: Array, mask: Item, value: Masked, change: Callable[[Expr, Expr], Expr]) -> Array:
    """The entries under a mask changed by other entries under the same one."""
    array, condition = masked(array, mask)
    if not value.has_mask_of(Masked(array, condition)):
        raise Unsupported("entries under one mask stored under another")
    new = change(array.expr, value.array.over(array.axes))
    return Array(array.axes, either(condition, new, array.expr), array.kind)


def _storage(machine: Machine, owner: Value) -> Cell:
    """The cell that is stored into. Raises `Unsupported` for views and for what has no name."""
    if machine.library == "jax":
        raise Fault("JAX's arrays cannot be changed in place", hint="Use .at[…].set(…).")
    if not isinstance(owner, Cell):
        raise Unsupported(f"storing into {described(owner)}")
    if not owner.can_be_stored_into():
        raise Unsupported("storing into a view of an array", hint="Store into the array itself.")
    return owner


def _storable(array: Array, value: Value) -> Array:
    """A value that an array can store as it is."""
    made = as_array(value)
    if array.kind != "real" and made.kind != array.kind:
        raise Unsupported("storing into an array of integers or truth values")
    return made if made.kind == "real" or array.kind != "real" else made.of_kind("real")


def _put(machine: Machine, cell: Cell, made: Array, place: ast.expr, node: ast.stmt) -> None:
    """Change a cell in place, under the name by which it was changed; in each of some rounds, which store a part of it,
    under none."""
    name = place.id if isinstance(place, ast.Name) else place.attr if isinstance(place, ast.Attribute) else "_"
    cell.put(made if machine.unrolled else machine.named(name, made, node.lineno))


# -- in place --------------------------------------------------------------------------------------------------------


def _augmented(machine: Machine, node: ast.AugAssign, scope: Scope) -> None:
    target = node.target
    if isinstance(target, ast.Subscript):
        owner = machine.evaluate(target.value, scope)
        if is_array(owner):
            _augment_item(machine, node, target, _storage(machine, owner), scope)
            return
    current = machine.evaluate(_as_loaded(target), scope)
    share = _share(machine, node, target, machine.evaluate(node.value, scope))
    value = operate(machine, type(node.op), current, share, node.lineno)
    if isinstance(current, Cell) and is_array(value) and _changes_in_place(machine, current):
        _augment(machine, _storage(machine, current), as_array(value), target, node)
    else:
        assign(machine, target, value, scope, node)


def _share(machine: Machine, node: ast.AugAssign, place: ast.expr, value: Value) -> Value:
    """What one round adds, under a name: so it is known which line of a loop added it."""
    if not machine.loops or not is_array(value) or not isinstance(node.op, ast.Add | ast.Sub):
        return value
    return machine.named(place.id if isinstance(place, ast.Name) else "_", as_array(value), node.lineno)


def _as_loaded(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    return target


def _changes_in_place(machine: Machine, cell: Cell) -> bool:
    """Whether ``+=`` changes the array or makes a new one: NumPy's numbers and JAX's arrays are never changed."""
    return machine.library != "jax" and bool(cell.array.rank or machine.library == "torch")


def _augment(machine: Machine, cell: Cell, made: Array, target: ast.expr, node: ast.stmt) -> None:
    if [factors(one) for one in made.axes] != [factors(one) for one in cell.array.axes]:
        raise Fault(f"a result of shape {shape_text([made])} is stored into {shape_text([cell.array])}")
    name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "_")
    if isinstance(target, ast.Subscript):
        name = str(getattr(target.slice, "value", "_"))
    cell.put(machine.named(name, _storable(cell.array, made), node.lineno))


def _augment_item(machine: Machine, node: ast.AugAssign, target: ast.Subscript, cell: Cell, scope: Scope) -> None:
    items = index_items(machine, target.slice, scope)
    value = _share(machine, node, target.value, machine.evaluate(node.value, scope))
    if is_mask_index(items):
        function = OPERATORS.get(type(node.op))
        if function is None:
            raise Unsupported("this operator under a mask")
        if isinstance(value, Masked):
            made = _stored_under_mask(cell.array, items[0], value, function)
        else:
            made = under_mask(cell.array, items[0], _storable(cell.array, value), function)
    elif isinstance(node.op, ast.Add | ast.Sub):
        share = as_array(value) if isinstance(node.op, ast.Add) else elementwise(lambda u: -u, [as_array(value)])
        made = increased(cell.array, items, _storable(cell.array, share), machine.trace)
    else:
        picked, _ = read(cell.array, items, machine.trace)
        new = _storable(cell.array, operate(machine, type(node.op), picked, value, node.lineno))
        made = store(cell.array, items, new, machine.trace)
    _put(machine, cell, made, target.value, node)


# -- control ---------------------------------------------------------------------------------------------------------


def _if(machine: Machine, node: ast.If, scope: Scope) -> None:
    condition = machine.evaluate(node.test, scope)
    if is_array(condition):
        branch(machine, node, as_array(condition), scope)
    else:
        machine.execute(node.body if truth(machine, condition) else node.orelse, scope)


def _for(machine: Machine, node: ast.For, scope: Scope) -> None:
    if node.orelse:
        raise Unsupported("a loop with else")
    values = machine.evaluate(node.iter, scope)
    if isinstance(values, Span):
        loop(machine, node, values, scope)
    elif is_array(values):
        array = as_array(values)
        if not array.rank:
            raise Fault("a loop over a number")
        loop(machine, node, Span(array.shape[0], (values,), counted=False), scope)
    elif isinstance(values, dict):
        _rounds(machine, node, list(values), scope)
    else:
        _rounds(machine, node, sequence(values), scope)


def _rounds(machine: Machine, node: ast.For, values: list[Value], scope: Scope) -> None:
    """A loop over a fixed number of values, one round after the other."""
    machine.unrolled += 1
    try:
        for value in values:
            assign(machine, node.target, value, scope, node)
            with suppress(_Continue):
                machine.execute(node.body, scope)
    finally:
        machine.unrolled -= 1


class _Continue(Exception):
    """The rest of a round is left out."""


def _continue(machine: Machine, node: ast.Continue, scope: Scope) -> None:
    if machine.loops or machine.quiet:
        raise Unsupported("continue inside a branch on data")
    raise _Continue


def _with(machine: Machine, node: ast.With, scope: Scope) -> None:
    for item in node.items:
        if item.optional_vars is not None:
            raise Unsupported("with … as …")
    machine.execute(node.body, scope)


def _define(machine: Machine, node: ast.FunctionDef, scope: Scope) -> None:
    scope[node.name] = Function(node, node.name, scope)


def _delete(machine: Machine, node: ast.Delete, scope: Scope) -> None:
    for target in node.targets:
        if not isinstance(target, ast.Name):
            raise Unsupported("deleting this")
        scope.pop(target.id, None)


def _import(machine: Machine, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    machine.module.bind(node)


STATEMENTS: dict[type[ast.stmt], Callable[[Any, Any, Any], None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.If: _if,
    ast.For: _for,
    ast.Continue: _continue,
    ast.With: _with,
    ast.FunctionDef: _define,
    ast.Delete: _delete,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.Pass: _nothing,
    ast.Assert: _nothing,
    ast.Global: _nothing,
    ast.ClassDef: _nothing,
}
"""For each kind of statement what it means."""
