"""Functions that a page has as names: with ``\\cos = \\frac{v \\cdot w}{\\|v\\| \\|w\\|}`` a cosine is a number, which
multiplies what stands behind it."""

from __future__ import annotations

from collections.abc import Set

from derive.latex import syntax as S
from derive.latex.constructs import FUNCTIONS
from derive.latex.syntax import Node, rebuilt

Chains = list[tuple[Node, ...]]


def with_named_functions(chains: Chains) -> Chains:
    """The chains with each function that one of them defines without an argument as a factor."""
    heads = (members[0] for members in chains if len(members) > 1)
    names = {head.name for head in heads if isinstance(head, S.Symbol) and head.name.removeprefix("\\") in FUNCTIONS}
    return [tuple(rebuilt(member, lambda node: _factor(node, names)) for member in members) for members in chains]


def _factor(node: Node, names: Set[str]) -> Node:
    if not isinstance(node, S.Apply) or node.function.name not in names:
        return node
    head: Node = node.function
    if node.sub is not None or node.sup is not None:
        head = S.Script(head, node.sub, node.sup, 0, node.span)
    if isinstance(node.argument, S.Product):
        return S.Product((head, *node.argument.factors), ("", *node.argument.operators), node.span)
    return S.Product((head, node.argument), ("",), node.span)
