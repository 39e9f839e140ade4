"""Transposes and the order of products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.mistakes import table
from derive.mistakes.changes import (
    Change,
    Vocabulary,
    without_power,
)

_TRANSPOSED = (S.Symbol("T"), S.Symbol("\\top"), S.Symbol("\\intercal"))


def transposes(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if isinstance(node, S.Script) and node.sup in _TRANSPOSED:
        bare = without_power(node)
        yield Change(bare, table.TRANSPOSE, (node, bare), node.span)
    elif _is_array(node, vocabulary):
        base = S.Group("(", node, span_of(node)) if isinstance(node, S.Fraction) else node
        new = S.Script(base, None, S.Symbol("\\top"), 0, span_of(node))
        yield Change(new, table.TRANSPOSE, (node, new), span_of(node))


def _is_array(node: Node, vocabulary: Vocabulary) -> bool:
    """Whether a node can have a transpose: a name, one with a label, or a derivative."""
    if isinstance(node, S.Fraction):
        return vocabulary.is_derivative(node)
    is_name = isinstance(node, S.Symbol | S.Accent) or (isinstance(node, S.Script) and node.sup is None)
    return is_name and vocabulary.key(node) in vocabulary.names


def orders(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Two neighbouring factors in the other order."""
    if not isinstance(node, S.Product) or any(node.operators):
        return
    for k in range(len(node.factors) - 1):
        a, b = node.factors[k : k + 2]
        factors = (*node.factors[:k], b, a, *node.factors[k + 2 :])
        swapped = S.Product((b, a), ("",))
        yield Change(replace(node, factors=factors), table.ORDER, (swapped,), span_of(a).join(span_of(b)))
