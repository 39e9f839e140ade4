"""Calling functions, classes and methods of the source, and what the whitelist has."""

from __future__ import annotations

import ast

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.items import member
from derive.code.concrete.iteration import iterate
from derive.code.concrete.machine import Machine
from derive.code.concrete.operators import name_of
from derive.code.concrete.scopes import function_scope
from derive.code.concrete.values import (
    Bound,
    Builtin,
    Class,
    Function,
    Instance,
    Marker,
    Scope,
    Super,
    Text,
    Value,
    Wrapped,
)

QUIET = ("print", "warn")
"""Functions that say something and change nothing: what cannot be said here is not said."""


def call(machine: Machine, node: ast.Call, scope: Scope) -> Value:
    """``f(a, *b, c=d, **e)``."""
    if isinstance(node.func, ast.Name) and node.func.id in QUIET and node.func.id in machine.builtins:
        return quietly(machine, node, scope)
    if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args:
        return super_of(scope)
    callee = machine.evaluate(node.func, scope)
    arguments, keywords = given(machine, node, scope)
    return call_value(machine, callee, arguments, keywords)


def quietly(machine: Machine, node: ast.Call, scope: Scope) -> None:
    """Evaluate what would be printed, for the errors that it may raise."""
    for each in (*node.args, *(k.value for k in node.keywords)):
        try:
            machine.evaluate(each.value if isinstance(each, ast.Starred) else each, scope)
        except NotRunnable as error:
            if error.reason != "unsupported":
                raise


def given(machine: Machine, node: ast.Call, scope: Scope) -> tuple[list[Value], dict[str, Value]]:
    """The arguments of a call, stars unpacked."""
    arguments: list[Value] = []
    for each in node.args:
        if isinstance(each, ast.Starred):
            arguments.extend(iterate(machine, machine.evaluate(each.value, scope)))
        else:
            arguments.append(machine.evaluate(each, scope))
    keywords: dict[str, Value] = {}
    for pair in node.keywords:
        value = machine.evaluate(pair.value, scope)
        entries = {pair.arg: value} if pair.arg is not None else value
        if not isinstance(entries, dict) or not all(isinstance(k, str) for k in entries) or keywords.keys() & entries:
            raise NotRunnable(None, "TypeError: the keyword arguments of a call", "error")
        keywords.update(entries)
    return arguments, keywords


def call_value(machine: Machine, callee: Value, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Call whatever can be called."""
    if isinstance(callee, Function):
        return call_function(machine, callee, arguments, keywords)
    if isinstance(callee, Builtin):
        return call_builtin(machine, callee, arguments, keywords)
    if isinstance(callee, Bound):
        return call_value(machine, callee.function, [*callee.arguments, *arguments], {**callee.keywords, **keywords})
    if isinstance(callee, Class):
        return instantiate(machine, callee, arguments, keywords)
    if isinstance(callee, Wrapped):
        return call_value(machine, callee.function, arguments, keywords)
    if isinstance(callee, Instance):
        method = member(callee, "__call__") or member(callee, "forward")
        if method is not None:
            return call_value(machine, method, arguments, keywords)
    if isinstance(callee, Marker):
        raise NotRunnable(None, f"a call of {callee.name} is not supported")
    raise NotRunnable(None, f"TypeError: {name_of(callee)} is not callable", "error")


def call_builtin(machine: Machine, callee: Builtin, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Call a function of the whitelist; arguments that it does not have are refused."""
    if any(isinstance(each, Text) for each in arguments) and callee.name not in ("str", "len"):
        return None if callee.name.endswith(QUIET) else Text()
    try:
        return callee.call(machine, *arguments, **keywords)
    except TypeError as error:
        raise NotRunnable(
            None, f"{callee.name.rpartition('.')[2]}: these arguments are not supported ({error})"
        ) from None


def call_function(machine: Machine, function: Function, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Run a function of the source."""
    scope = function_scope(machine, function.node, function.scope)
    bind_arguments(machine, function, scope, arguments, keywords)
    if machine.depth >= machine.budget.depth:
        raise NotRunnable(None, "calls nested too deeply", "limit")
    machine.depth += 1
    try:
        if isinstance(function.node, ast.Lambda):
            return machine.evaluate(function.node.body, scope)
        signal = machine.execute(function.node.body, scope)
    finally:
        machine.depth -= 1
    return None if signal is None else signal.value


def bind_arguments(
    machine: Machine, function: Function, scope: Scope, arguments: list[Value], keywords: dict[str, Value]
) -> None:
    """Give the parameters their values, as strictly as Python does."""
    a = function.node.args
    positional = [each.arg for each in (*a.posonlyargs, *a.args)]
    bound = dict(zip(positional, arguments, strict=False))
    extra = arguments[len(positional) :]
    if extra and a.vararg is None:
        raise NotRunnable(None, f"TypeError: {function.name}() takes {len(positional)} arguments", "error")
    if a.vararg is not None:
        scope.variables[a.vararg.arg] = tuple(extra)
    named = {each.arg for each in (*a.args, *a.kwonlyargs)}
    others = {key: value for key, value in keywords.items() if key not in named}
    twice = keywords.keys() & bound.keys() - others.keys()
    if twice or (others and a.kwarg is None):
        word = next(iter(twice or others))
        raise NotRunnable(None, f"TypeError: {function.name}() got {word} in a way that it does not take", "error")
    if a.kwarg is not None:
        scope.variables[a.kwarg.arg] = others
    first_default = len(positional) - len(function.defaults)
    defaults = {**dict(zip(positional[first_default:], function.defaults, strict=True)), **function.keyword_defaults}
    bound |= {key: value for key, value in keywords.items() if key in named}
    for name in (*positional, *(each.arg for each in a.kwonlyargs)):
        if name not in bound and name not in defaults:
            raise NotRunnable(None, f"TypeError: {function.name}() misses the argument {name}", "error")
        scope.variables[name] = bound[name] if name in bound else defaults[name]


def function_value(machine: Machine, node: ast.FunctionDef | ast.Lambda, scope: Scope) -> Function:
    """The function that a definition or lambda makes, its defaults evaluated now."""
    defaults = tuple(machine.evaluate(each, scope) for each in node.args.defaults)
    named = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    keyword_defaults = {p.arg: machine.evaluate(d, scope) for p, d in named if d is not None}
    name = node.name if isinstance(node, ast.FunctionDef) else "<lambda>"
    return Function(name, node, scope, defaults, keyword_defaults)


def instantiate(machine: Machine, kind: Class, arguments: list[Value], keywords: dict[str, Value]) -> Instance:
    """``Class(...)``."""
    made = Instance(kind)
    initialise = member(made, "__init__")
    if initialise is not None:
        call_value(machine, initialise, arguments, keywords)
    elif arguments or keywords:
        raise NotRunnable(None, f"TypeError: {kind.name}() takes no arguments", "error")
    return made


def super_of(scope: Scope) -> Value:
    """``super()`` in a method: the same object, its members looked up in the bases of the method's class."""
    at: Scope | None = scope
    while at is not None and at.kind is None:
        at = at.parent
    first = next(iter(scope.variables.values()), None)
    if at is None or at.kind is None or not isinstance(first, Instance):
        raise NotRunnable(None, "super() is supported in methods only")
    return Super(first, at.kind.bases)
