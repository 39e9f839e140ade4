"""What each kind of statement does: one row of `STATEMENTS` a node of Python's grammar.

``try`` and ``raise`` end a run: whether something would be caught is not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.calls import call_value, function_value
from derive.code.concrete.items import delete_item, get_item, set_attribute, set_item
from derive.code.concrete.iteration import iterate
from derive.code.concrete.machine import Executor, Machine, Signal
from derive.code.concrete.members import get_attribute
from derive.code.concrete.modules import import_from, import_modules
from derive.code.concrete.operators import binary, truth
from derive.code.concrete.scopes import bind, look_up, unbind
from derive.code.concrete.targets import assign_target, text_of
from derive.code.concrete.values import Class, Marker, Scope, Value

BREAK, CONTINUE = Signal("break"), Signal("continue")


def assign(machine: Machine, node: ast.Assign, scope: Scope) -> None:
    value = machine.evaluate(node.value, scope)
    for target in node.targets:
        assign_target(machine, target, value, scope)


def annotated(machine: Machine, node: ast.AnnAssign, scope: Scope) -> None:
    if node.value is not None:
        assign_target(machine, node.target, machine.evaluate(node.value, scope), scope)


def augmented(machine: Machine, node: ast.AugAssign, scope: Scope) -> None:
    """``target op= value``: the target's parts are evaluated once, and arrays change in their own memory."""
    target, kind = node.target, type(node.op)
    if isinstance(target, ast.Name):
        old = look_up(machine, target.id, scope)
        new = _combined(machine, node, old, machine.evaluate(node.value, scope), kind)
        bind(target.id, new, scope)
        return
    container = machine.evaluate(target.value, scope)
    if isinstance(target, ast.Attribute):
        old = get_attribute(machine, container, target.attr)
        new = _combined(machine, node, old, machine.evaluate(node.value, scope), kind)
        set_attribute(machine, container, target.attr, new)
        return
    index = machine.evaluate(target.slice, scope)
    old = get_item(machine, container, index)
    new = _combined(machine, node, old, machine.evaluate(node.value, scope), kind)
    set_item(machine, container, index, new)


def _combined(machine: Machine, node: ast.AugAssign, old: Value, value: Value, kind: type[ast.operator]) -> Value:
    new = binary(machine, kind, old, value, in_place=True)
    if machine.trace is None and machine.shift is None:
        return new
    return machine.assigned(node.lineno, text_of(node.target), new)


def expression(machine: Machine, node: ast.Expr, scope: Scope) -> None:
    if not isinstance(node.value, ast.Constant):
        machine.evaluate(node.value, scope)


def return_(machine: Machine, node: ast.Return, scope: Scope) -> Signal:
    return Signal("return", None if node.value is None else machine.evaluate(node.value, scope))


def if_(machine: Machine, node: ast.If, scope: Scope) -> Signal | None:
    taken = node.body if truth(machine, machine.evaluate(node.test, scope)) else node.orelse
    return machine.execute(taken, scope)


def for_(machine: Machine, node: ast.For, scope: Scope) -> Signal | None:
    for item in iterate(machine, machine.evaluate(node.iter, scope)):
        assign_target(machine, node.target, item, scope, traced=False)
        signal = machine.execute(node.body, scope)
        if signal is BREAK:
            return None
        if signal is not None and signal is not CONTINUE:
            return signal
    return machine.execute(node.orelse, scope)


def while_(machine: Machine, node: ast.While, scope: Scope) -> Signal | None:
    while truth(machine, machine.evaluate(node.test, scope)):
        signal = machine.execute(node.body, scope)
        if signal is BREAK:
            return None
        if signal is not None and signal is not CONTINUE:
            return signal
    return machine.execute(node.orelse, scope)


def assert_(machine: Machine, node: ast.Assert, scope: Scope) -> None:
    """An assertion that does not hold ends the run; one that cannot be evaluated here changes nothing."""
    try:
        holds = truth(machine, machine.evaluate(node.test, scope))
    except NotRunnable as error:
        if error.reason != "unsupported":
            raise
        return
    if not holds:
        raise NotRunnable(node.lineno, "AssertionError", "error")


def raise_(machine: Machine, node: ast.Raise, scope: Scope) -> None:
    raised = "an exception" if node.exc is None else ast.unparse(node.exc)[:80]
    raise NotRunnable(node.lineno, f"raises {raised}", "error")


def delete(machine: Machine, node: ast.Delete, scope: Scope) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            unbind(target.id, scope)
        elif isinstance(target, ast.Subscript):
            delete_item(machine.evaluate(target.value, scope), machine.evaluate(target.slice, scope))
        else:
            raise NotRunnable(target.lineno, f"del of {type(target).__name__}")


def with_(machine: Machine, node: ast.With, scope: Scope) -> Signal | None:
    """Contexts that change no number: ``with torch.no_grad():``."""
    for item in node.items:
        context = machine.evaluate(item.context_expr, scope)
        if not isinstance(context, Marker) or context.name != "no_grad" or item.optional_vars is not None:
            raise NotRunnable(node.lineno, "this kind of with is not supported")
    return machine.execute(node.body, scope)


# -- definitions -----------------------------------------------------------------------------------------------------


def function(machine: Machine, node: ast.FunctionDef, scope: Scope) -> None:
    if is_generator(node):
        raise NotRunnable(node.lineno, "a generator is not supported")
    made: Value = function_value(machine, node, scope)
    for each in reversed(node.decorator_list):
        made = call_value(machine, machine.evaluate(each, scope), [made], {})
    bind(node.name, made, scope)


@lru_cache(maxsize=1024)
def is_generator(node: ast.FunctionDef) -> bool:
    """Whether a function, or one inside it, gives its values one by one."""
    return any(isinstance(each, ast.Yield | ast.YieldFrom | ast.Await) for each in ast.walk(node))


def class_(machine: Machine, node: ast.ClassDef, scope: Scope) -> None:
    if node.keywords or node.decorator_list:
        raise NotRunnable(node.lineno, "a class with a decorator or metaclass is not supported")
    bases = tuple(machine.evaluate(each, scope) for each in node.bases)
    if not all(isinstance(base, Class | Marker) for base in bases):
        raise NotRunnable(node.lineno, "this base of a class is not supported")
    inner = Scope({}, scope, is_class=True)
    kind = Class(node.name, bases, inner.variables)
    inner.kind = kind
    machine.execute([each for each in node.body if not _is_hint(each)], inner)
    bind(node.name, kind, scope)


def _is_hint(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and node.value is None


def nothing(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    """``pass``; ``global`` and ``nonlocal`` count where the scope is made."""


STATEMENTS: Mapping[type[ast.AST], Executor] = {
    ast.Assign: assign,
    ast.AnnAssign: annotated,
    ast.AugAssign: augmented,
    ast.Expr: expression,
    ast.Return: return_,
    ast.If: if_,
    ast.For: for_,
    ast.While: while_,
    ast.Break: lambda machine, node, scope: BREAK,
    ast.Continue: lambda machine, node, scope: CONTINUE,
    ast.Assert: assert_,
    ast.Raise: raise_,
    ast.Delete: delete,
    ast.With: with_,
    ast.FunctionDef: function,
    ast.ClassDef: class_,
    ast.Import: import_modules,
    ast.ImportFrom: import_from,
    ast.Pass: nothing,
    ast.Global: nothing,
    ast.Nonlocal: nothing,
}
