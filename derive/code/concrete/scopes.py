"""Names: where Python looks for them, and which are local to a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.machine import Machine
from derive.code.concrete.values import Scope, Value

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
INNER = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def look_up(machine: Machine, name: str, scope: Scope) -> Value:
    """The value of a name, as Python finds it; a name that is not bound is an error."""
    at: Scope | None = scope.outer.get(name, scope)
    while at is not None:
        if name in at.variables and (at is scope or not at.is_class):
            return at.variables[name]
        if name in at.local:
            raise NotRunnable(None, f"UnboundLocalError: {name} is used before it is assigned", "error")
        at = at.outer.get(name, at.parent)
    if name in machine.builtins:
        return machine.builtins[name]
    if machine.star_import:
        raise NotRunnable(None, f"{name} may come from an import of *")
    raise NotRunnable(None, f"NameError: {name} is not defined", "error")


def bind(name: str, value: Value, scope: Scope) -> None:
    """Assign a name in its scope."""
    scope.outer.get(name, scope).variables[name] = value


def unbind(name: str, scope: Scope) -> None:
    """``del name``."""
    owner = scope.outer.get(name, scope)
    if name not in owner.variables:
        raise NotRunnable(None, f"NameError: {name} is not defined", "error")
    del owner.variables[name]


def names_stored(node: ast.AST) -> frozenset[str]:
    """The names that a target or statement binds, those inside functions and comprehensions excepted."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store | ast.Del):
            found.add(each.id)
        elif isinstance(each, Definition):
            found.add(each.name)
            continue
        elif isinstance(each, ast.alias):
            found.add((each.asname or each.name).split(".")[0])
        elif isinstance(each, INNER):
            waiting.extend(inner.target for inner in ast.walk(each) if isinstance(inner, ast.NamedExpr))
            continue
        waiting.extend(ast.iter_child_nodes(each))
    return frozenset(found)


def parameters(node: ast.FunctionDef | ast.Lambda) -> list[str]:
    """All parameters of a function, stars included."""
    a = node.args
    starred = [each.arg for each in (a.vararg, a.kwarg) if each is not None]
    return [each.arg for each in (*a.posonlyargs, *a.args, *a.kwonlyargs)] + starred


@lru_cache(maxsize=1024)
def declared(node: ast.FunctionDef | ast.Lambda) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The names that a function holds local, and those that it declares global and nonlocal."""
    if isinstance(node, ast.Lambda):
        return frozenset(parameters(node)), frozenset(), frozenset()
    stored = frozenset().union(*map(names_stored, node.body), parameters(node))
    inside = [each for each in _own_statements(node.body) if isinstance(each, ast.Global | ast.Nonlocal)]
    own_global = frozenset(n for each in inside if isinstance(each, ast.Global) for n in each.names)
    own_nonlocal = frozenset(n for each in inside if isinstance(each, ast.Nonlocal) for n in each.names)
    return stored - own_global - own_nonlocal, own_global, own_nonlocal


def _own_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a function, those of functions inside it excepted."""
    for statement in body:
        yield statement
        if not isinstance(statement, Definition):
            for _, block in ast.iter_fields(statement):
                if isinstance(block, list):
                    yield from _own_statements([each for each in block if isinstance(each, ast.stmt)])


def function_scope(machine: Machine, node: ast.FunctionDef | ast.Lambda, parent: Scope) -> Scope:
    """A fresh scope for one call of a function."""
    local, own_global, own_nonlocal = declared(node)
    outer = dict.fromkeys(own_global, machine.globals)
    for name in own_nonlocal:
        at: Scope | None = parent
        while at is not None and (at.is_class or name not in at.local):
            at = at.parent
        if at is None:
            raise NotRunnable(node.lineno, f"SyntaxError: no binding for nonlocal {name}", "error")
        outer[name] = at
    return Scope({}, parent, local, outer)
