"""What each kind of expression means: one row of `EXPRESSIONS` a node of Python's grammar."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.calls import call, function_value
from derive.code.concrete.items import get_item
from derive.code.concrete.iteration import iterate
from derive.code.concrete.machine import Evaluator, Machine
from derive.code.concrete.members import get_attribute
from derive.code.concrete.operators import binary, compare, key_of, name_of, truth, unary
from derive.code.concrete.scopes import look_up, names_stored
from derive.code.concrete.targets import assign_target
from derive.code.concrete.values import Scope, Text, Value


def constant(machine: Machine, node: ast.Constant, scope: Scope) -> Value:
    if isinstance(node.value, bytes | complex):
        raise NotRunnable(None, f"{name_of(node.value)} is not supported")
    if isinstance(node.value, int):
        machine.budget.bits(node.value.bit_length())
    if isinstance(node.value, str):
        machine.budget.hold(len(node.value))
    return node.value


def name(machine: Machine, node: ast.Name, scope: Scope) -> Value:
    return look_up(machine, node.id, scope)


def binary_operation(machine: Machine, node: ast.BinOp, scope: Scope) -> Value:
    left = machine.evaluate(node.left, scope)
    return binary(machine, type(node.op), left, machine.evaluate(node.right, scope))


def unary_operation(machine: Machine, node: ast.UnaryOp, scope: Scope) -> Value:
    return unary(machine, type(node.op), machine.evaluate(node.operand, scope))


def boolean_operation(machine: Machine, node: ast.BoolOp, scope: Scope) -> Value:
    stops_at = isinstance(node.op, ast.Or)
    value: Value = None
    for each in node.values:
        value = machine.evaluate(each, scope)
        if each is not node.values[-1] and truth(machine, value) is stops_at:
            break
    return value


def comparison(machine: Machine, node: ast.Compare, scope: Scope) -> Value:
    left = machine.evaluate(node.left, scope)
    outcome: Value = True
    for kind, each in zip(node.ops, node.comparators, strict=True):
        right = machine.evaluate(each, scope)
        outcome = compare(machine, type(kind), left, right)
        if each is not node.comparators[-1] and not truth(machine, outcome):
            break
        left = right
    return outcome


def conditional(machine: Machine, node: ast.IfExp, scope: Scope) -> Value:
    taken = node.body if truth(machine, machine.evaluate(node.test, scope)) else node.orelse
    return machine.evaluate(taken, scope)


def attribute(machine: Machine, node: ast.Attribute, scope: Scope) -> Value:
    return get_attribute(machine, machine.evaluate(node.value, scope), node.attr)


def subscript(machine: Machine, node: ast.Subscript, scope: Scope) -> Value:
    container = machine.evaluate(node.value, scope)
    return get_item(machine, container, machine.evaluate(node.slice, scope))


def slice_(machine: Machine, node: ast.Slice, scope: Scope) -> Value:
    return slice(
        *(None if end is None else machine.evaluate(end, scope) for end in (node.lower, node.upper, node.step))
    )


def tuple_(machine: Machine, node: ast.Tuple, scope: Scope) -> Value:
    return tuple(elements(machine, node.elts, scope))


def list_(machine: Machine, node: ast.List, scope: Scope) -> Value:
    return elements(machine, node.elts, scope)


def set_(machine: Machine, node: ast.Set, scope: Scope) -> Value:
    return {key_of(each) for each in elements(machine, node.elts, scope)}


def elements(machine: Machine, nodes: list[ast.expr], scope: Scope) -> list[Value]:
    """The values of a display or of arguments, stars unpacked."""
    found: list[Value] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            found.extend(iterate(machine, machine.evaluate(node.value, scope)))
        else:
            found.append(machine.evaluate(node, scope))
        machine.budget.hold(1)
    return found


def dict_(machine: Machine, node: ast.Dict, scope: Scope) -> Value:
    found: dict[Value, Value] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None:
            found[key_of(machine.evaluate(key, scope))] = machine.evaluate(value, scope)
            continue
        spread = machine.evaluate(value, scope)
        if not isinstance(spread, dict):
            raise NotRunnable(None, f"TypeError: {name_of(spread)} is no mapping", "error")
        machine.budget.hold(len(spread))
        found.update(spread)
    return found


def formatted(machine: Machine, node: ast.JoinedStr, scope: Scope) -> Value:
    """An f-string: a string where only whole numbers and strings are filled in, else of no use but to be printed."""
    parts: list[str] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        elif isinstance(part, ast.FormattedValue):
            value = machine.evaluate(part.value, scope)
            if part.format_spec is not None or part.conversion != -1 or not isinstance(value, int | str):
                return Text()
            parts.append(str(value))
        machine.budget.hold(sum(map(len, parts)))
    return "".join(parts)


def lambda_(machine: Machine, node: ast.Lambda, scope: Scope) -> Value:
    return function_value(machine, node, scope)


def walrus(machine: Machine, node: ast.NamedExpr, scope: Scope) -> Value:
    value = machine.evaluate(node.value, scope)
    while scope.is_comprehension and scope.parent is not None:
        scope = scope.parent
    assign_target(machine, node.target, value, scope)
    return value


# -- comprehensions --------------------------------------------------------------------------------------------------


def rounds(machine: Machine, generators: list[ast.comprehension], scope: Scope, outermost: Scope) -> Iterator[Scope]:
    """The scope of a comprehension, once for each round that its conditions let through."""
    if not generators:
        yield scope
        return
    first, *rest = generators
    if first.is_async:
        raise NotRunnable(None, "an asynchronous comprehension is not supported")
    for item in iterate(machine, machine.evaluate(first.iter, outermost)):
        assign_target(machine, first.target, item, scope, traced=False)
        if all(truth(machine, machine.evaluate(test, scope)) for test in first.ifs):
            yield from rounds(machine, rest, scope, scope)


def comprehension(build: Callable[[Iterator[Value]], Value]) -> Evaluator:
    """A comprehension over one element a round."""

    def evaluate(machine: Machine, node: Any, scope: Scope) -> Value:
        def element(inner: Scope) -> Value:
            machine.budget.hold(1)
            if isinstance(node, ast.DictComp):
                return key_of(machine.evaluate(node.key, inner)), machine.evaluate(node.value, inner)
            return machine.evaluate(node.elt, inner)

        own = Scope({}, scope, local=_names_bound(node), is_comprehension=True)
        return build(map(element, rounds(machine, node.generators, own, scope)))

    return evaluate


def _names_bound(node: Any) -> frozenset[str]:
    return frozenset(chain.from_iterable(names_stored(each.target) for each in node.generators))


def _set_of(values: Iterator[Value]) -> set[Value]:
    return {key_of(each) for each in values}


EXPRESSIONS: Mapping[type[ast.AST], Evaluator] = {
    ast.Constant: constant,
    ast.Name: name,
    ast.BinOp: binary_operation,
    ast.UnaryOp: unary_operation,
    ast.BoolOp: boolean_operation,
    ast.Compare: comparison,
    ast.IfExp: conditional,
    ast.Attribute: attribute,
    ast.Subscript: subscript,
    ast.Slice: slice_,
    ast.Tuple: tuple_,
    ast.List: list_,
    ast.Set: set_,
    ast.Dict: dict_,
    ast.JoinedStr: formatted,
    ast.Lambda: lambda_,
    ast.NamedExpr: walrus,
    ast.Call: call,
    ast.ListComp: comprehension(list),
    ast.GeneratorExp: comprehension(lambda values: iter(list(values))),
    ast.SetComp: comprehension(_set_of),
    ast.DictComp: comprehension(dict),
}
