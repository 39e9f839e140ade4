"""Functions that a document defines, and names that it writes with their arguments.

``\\text{softmax}(z)_j = ...`` used with no other argument is a name with an index, ``\\sigma(x) = ...`` used with other
arguments a function. The first kind loses its argument here, before anything else is read; the second is kept with its
parameters and expanded where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, fields, replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation.names import Letters, Spelling, letter_of, spell, symbol_key

_PLAIN = Letters()


@dataclass(frozen=True)
class FunctionAlias:
    """A function that the document defines: its parameters' names, its index letters, its right-hand side."""

    parameters: tuple[str, ...]
    letters: tuple[str, ...]
    body: Node


@dataclass(frozen=True)
class Call:
    """``head(arguments)_sub``: where a name stands before a bracket of names."""

    head: str
    arguments: tuple[str, ...]
    node: Node
    sub: Node | None = None


def calls(node: Node) -> Iterator[Call]:
    """All places of a tree where a bracket directly follows a name."""
    for inner in node.walk():
        if isinstance(inner, S.Product):
            for k in range(len(inner.factors) - 1):
                if inner.operators[k] == "" and (call := call_of(inner.factors[k], inner.factors[k + 1])):
                    yield call
        elif isinstance(inner, S.Apply) and (call := call_of(inner.function, inner.argument)):
            yield call


def call_of(head: Node, group: Node) -> Call | None:
    """The call that a name and the bracket after it make, whatever the arguments are."""
    sub = None
    if isinstance(group, S.Script) and not group.primes:
        group, sub = group.base, group.sub
    spelled = spell(head, _PLAIN)
    if spelled is None or spelled.power is not None or not isinstance(group, S.Group) or group.opening not in ("(", "["):
        return None
    return Call(spelled.key, tuple(argument_keys(group.body)), group, sub)


def argument_keys(body: Node) -> Iterator[str]:
    """The names in an argument list; an argument that is no bare name counts as ``""``."""
    items = body.items if isinstance(body, S.Sequence) else (body,)
    for item in items:
        spelled = spell(item, _PLAIN)
        yield spelled.key if spelled is not None and spelled.power is None else ""


def function_of(left: Node) -> Call | None:
    """The call on the left side of an equation that defines a function."""
    if isinstance(left, S.Product) and len(left.factors) == 2 and left.operators == ("",):
        call = call_of(left.factors[0], left.factors[1])
    elif isinstance(left, S.Apply) and left.sup is None and left.sub is None:
        call = call_of(left.function, left.argument)
    else:
        return None
    return call if call is not None and all(call.arguments) else None


def named_values(lefts: list[Node], nodes: list[Node]) -> dict[str, tuple[str, ...]]:
    """Heads that are names and not functions: defined, or in words or script letters, and always with one argument list."""
    seen: dict[str, set[tuple[str, ...]]] = {}
    for node in nodes:
        for call in calls(node):
            seen.setdefault(call.head, set()).add(call.arguments)
    for head in [head for head in seen if head.endswith("'")]:
        seen.setdefault(head.rstrip("'"), set()).update(seen.pop(head))
    defined = {call.head for left in lefts if (call := function_of(left)) is not None}
    single = {head: next(iter(lists)) for head, lists in seen.items() if head in defined and len(lists) == 1}
    return {head: arguments for head, arguments in single.items() if all(arguments)}


def without_arguments(node: Node, heads: Collection[str]) -> Node:
    """The tree with ``head(arguments)`` replaced by ``head``, for the given heads."""
    return _rewrite(node, lambda inner: _drop(inner, heads))


def _drop(node: Node, heads: Collection[str]) -> Node:
    if isinstance(node, S.Apply):
        call = call_of(node.function, node.argument)
        if call is not None and call.head.rstrip("'") in heads:
            name = S.Symbol(node.function.name, "", node.span)
            return S.Script(name, node.sub, node.sup, 0, node.span) if node.sub or node.sup else name
        return node
    if not isinstance(node, S.Product):
        return node
    factors: list[Node] = []
    operators: list[str] = []
    for k, factor in enumerate(node.factors):
        joined = _called(factors[-1], factor, heads) if k and node.operators[k - 1] == "" else None
        if joined is not None:
            factors[-1] = joined
            continue
        if k:
            operators.append(node.operators[k - 1])
        factors.append(factor)
    if len(factors) == len(node.factors):
        return node
    return factors[0] if len(factors) == 1 else S.Product(tuple(factors), tuple(operators), node.span)


def _called(head: Node, group: Node, heads: Collection[str]) -> Node | None:
    """The name without its bracket; scripts behind the bracket go to the name."""
    call = call_of(head, group)
    if call is None or call.head.rstrip("'") not in heads:
        return None
    span = span_of(head).join(span_of(group))
    if isinstance(group, S.Script):
        return S.Script(head, group.sub, group.sup, group.primes, span)
    return replace(head, span=span) if isinstance(head, S.Symbol | S.Script | S.Accent) else head


def _rewrite(node: Node, change: Callable[[Node], Node]) -> Node:
    """A tree rebuilt bottom up."""
    changes = {}
    for item in fields(node):
        value = getattr(node, item.name)
        new = _rewritten(value, change)
        if new is not value:
            changes[item.name] = new
    return change(replace(node, **changes) if changes else node)


def _rewritten(value: object, change: Callable[[Node], Node]) -> object:
    if isinstance(value, Node):
        return _rewrite(value, change)
    if isinstance(value, tuple) and any(isinstance(v, Node | tuple) for v in value):
        new = tuple(_rewritten(v, change) for v in value)
        return new if any(a is not b for a, b in zip(new, value, strict=True)) else value
    return value


def substituted(body: Node, arguments: dict[str, Node], letters: Letters) -> Node:
    """A function's body with arguments in place of its parameters; indices of a parameter pass to the argument."""

    def visit(node: Node) -> Node:
        spelled = spell(node, letters) if isinstance(node, S.Symbol | S.Accent | S.Script) else None
        if spelled is not None and spelled.key in arguments:
            return _replaced(spelled, arguments[spelled.key], node, visit)
        changes = {}
        for item in fields(node):
            value = getattr(node, item.name)
            if isinstance(value, Node):
                changes[item.name] = visit(value)
            elif isinstance(value, tuple) and any(isinstance(v, Node) for v in value):
                changes[item.name] = tuple(visit(v) if isinstance(v, Node) else v for v in value)
        return replace(node, **changes) if changes else node

    return visit(body)


def _replaced(spelled: Spelling, argument: Node, node: Node, visit: Callable[[Node], Node]) -> Node:
    new = argument if isinstance(argument, S.Symbol | S.Number | S.Accent) else S.Group("(", argument, span_of(argument))
    if spelled.indices:
        items = spelled.indices
        sub = items[0] if len(items) == 1 else S.Sequence(items, (",",) * (len(items) - 1))
        new = S.Script(argument, sub, None, 0, span_of(node))
    return S.Script(new, None, visit(spelled.power), 0, span_of(node)) if spelled.power is not None else new


__all__ = ["Call", "FunctionAlias", "function_of", "letter_of", "named_values", "substituted", "symbol_key", "without_arguments"]
