"""Expressions that a document differentiates by: ``\\frac{\\partial L}{\\partial (W x + b)}``.

Where the forward pass has the expression, it gets a name there, so that the derivative is one by a stage of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, mapped, placed, rebuilt, span_of
from derive.notation.names import PARTIALS, Letters, spell


def named_stages(
    chains: list[tuple[Node, ...]], taken: set[str]
) -> tuple[list[tuple[Node, ...]], list[tuple[str, Node]]]:
    """The chains with such expressions replaced by new names, and the names with what they stand for."""
    stages: list[tuple[str, Node]] = []
    for body in _differentiated(chains):
        if any(body == known for _, known in stages) or not _occurs(body, chains):
            continue
        name = next(f"u_{{{k}}}" for k in range(1, len(taken) + len(stages) + 2) if not _is_taken(k, taken, stages))
        stages.append((name, body))
    for name, body in stages:
        symbol = S.Symbol(name)
        chains = [tuple(_replaced(member, body, symbol) for member in members) for members in chains]
    return chains, stages


def with_names(chains: list[tuple[Node, ...]]) -> list[tuple[Node, ...]]:
    """The chains with the name of a differentiated intermediate wherever another chain writes out what it is.

    After ``h = f(x W)`` and ``a = x W``, the loss depends on a by way of h.
    """
    for at, members in enumerate(chains):
        name, body = members[0], members[-1]
        if len(members) != 2 or not _is_differentiated(name, chains) or not _is_composed(body):
            continue
        if _has_derivative(body) or any(node == name for node in body.walk()):
            continue
        chains = [
            other
            if k == at or other[0] == name or any(map(_has_derivative, other))
            else (other[0], *(_replaced(m, body, name) for m in other[1:]))
            for k, other in enumerate(chains)
        ]
    return chains


def with_variables(chains: list[tuple[Node, ...]], arguments: Mapping[str, tuple[str, ...]]) -> list[tuple[Node, ...]]:
    """The chains with ``\\nabla E`` as ``\\nabla_w E`` where the document writes ``E(w)``."""

    def subscript(node: Node) -> Node:
        if not isinstance(node, S.Product):
            return node
        factors = list(node.factors)
        for k, (head, of, operator) in enumerate(zip(factors, factors[1:], node.operators, strict=False)):
            spelled = spell(of, Letters())
            by = arguments.get(spelled.key, ()) if spelled is not None else ()
            if operator or len(by) != 1:
                continue
            if head == S.Symbol("\\nabla"):
                factors[k] = S.Script(head, S.Symbol(by[0]), None, 0, span_of(head))
            elif isinstance(head, S.Script) and head.base == S.Symbol("\\nabla") and head.sub is None:
                factors[k] = replace(head, sub=S.Symbol(by[0]))
        return replace(node, factors=tuple(factors))

    return [tuple(rebuilt(member, subscript) for member in members) for members in chains]


def _is_differentiated(name: Node, chains: list[tuple[Node, ...]]) -> bool:
    """Whether a name stands behind a ∂ in a denominator, or below a ∇."""
    if spell(name, Letters()) is None:
        return False
    for node in (node for members in chains for member in members for node in member.walk()):
        below = node.denominator if isinstance(node, S.Fraction) else None
        if isinstance(below, S.Product) and len(below.factors) == 2 and below.factors[1] == name:
            return True
        if isinstance(node, S.Script) and node.sub == name and node.base == S.Symbol("\\nabla"):
            return True
    return False


def _is_composed(body: Node) -> bool:
    return isinstance(body, S.Product | S.Sum) and spell(body, Letters()) is None


def _is_taken(k: int, taken: set[str], stages: list[tuple[str, Node]]) -> bool:
    return f"u_{k}" in taken or any(name == f"u_{{{k}}}" for name, _ in stages)


def _differentiated(chains: list[tuple[Node, ...]]) -> Iterator[Node]:
    """What stands in brackets behind a ∂ in a denominator."""
    for members in chains:
        for member in members:
            for node in member.walk():
                below = node.denominator if isinstance(node, S.Fraction) else None
                if isinstance(below, S.Product) and len(below.factors) == 2 and isinstance(below.factors[1], S.Group):
                    head, body = spell(below.factors[0], Letters()), below.factors[1].body
                    if head is not None and head.key in PARTIALS and spell(body, Letters()) is None:
                        yield body


def _occurs(body: Node, chains: list[tuple[Node, ...]]) -> bool:
    """Whether the value of an equation without derivatives has an expression in it."""
    values = (member for members in chains for member in members[1:])
    return any(node == body for value in values if not _has_derivative(value) for node in value.walk())


def _has_derivative(node: Node) -> bool:
    return any(isinstance(inner, S.Symbol) and inner.name in ("\\partial", "\\nabla") for inner in node.walk())


def _replaced(node: Node, old: Node, new: Node) -> Node:
    if node == old:
        return placed(new, span_of(node))
    return mapped(node, lambda child: _replaced(child, old, new))
