"""Assignment to names, items, attributes and patterns of them."""

from __future__ import annotations

import ast
from functools import lru_cache

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.items import set_attribute, set_item
from derive.code.concrete.iteration import iterate
from derive.code.concrete.machine import Machine
from derive.code.concrete.scopes import bind
from derive.code.concrete.values import Scope, Value


def assign_target(machine: Machine, target: ast.expr, value: Value, scope: Scope, traced: bool = True) -> None:
    """``target = value``."""
    if isinstance(target, ast.Tuple | ast.List):
        assign_pattern(machine, target, value, scope, traced)
        return
    if traced and (machine.trace is not None or machine.shift is not None):
        value = machine.assigned(target.lineno, text_of(target), value)
    if isinstance(target, ast.Name):
        bind(target.id, value, scope)
    elif isinstance(target, ast.Subscript):
        container = machine.evaluate(target.value, scope)
        set_item(machine, container, machine.evaluate(target.slice, scope), value)
    elif isinstance(target, ast.Attribute):
        set_attribute(machine, machine.evaluate(target.value, scope), target.attr, value)
    else:
        raise NotRunnable(target.lineno, f"assignment to {type(target).__name__}")


def assign_pattern(
    machine: Machine, target: ast.Tuple | ast.List, value: Value, scope: Scope, traced: bool = True
) -> None:
    """``a, *b = value``: as many values as targets, or an error as in Python."""
    values = list(iterate(machine, value))
    stars = [i for i, each in enumerate(target.elts) if isinstance(each, ast.Starred)]
    wanted = len(target.elts) - len(stars)
    if len(values) < wanted or (len(values) > wanted and not stars):
        raise NotRunnable(target.lineno, f"ValueError: {len(values)} values for {wanted} names", "error")
    if stars:
        at, length = stars[0], len(values) - wanted
        values[at : at + length] = [values[at : at + length]]
    for each, item in zip(target.elts, values, strict=True):
        assign_target(machine, each.value if isinstance(each, ast.Starred) else each, item, scope, traced)


@lru_cache(maxsize=4096)
def text_of(target: ast.expr) -> str:
    """A target as the source would write it."""
    return ast.unparse(target)
