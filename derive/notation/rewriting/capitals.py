"""``\\Sigma_{i=1}^{m}`` typed for a sum, ``\\Pi`` for a product, ``\\operatorname{avg}_i`` for a mean: letters with
limits and words with an index, read as the operators."""

from __future__ import annotations

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt, span_of
from derive.notation.names import letter_of

MEAN = "mean"
"""The operator of a mean over an index."""
_OPERATORS = {"\\Sigma": "sum", "\\Pi": "prod"}
_WORDS = {
    "avg": MEAN,
    "average": MEAN,
    "mean": MEAN,
    "Mean": MEAN,
    "Avg": MEAN,
    "sum": "sum",
    "Sum": "sum",
    "prod": "prod",
}


def with_operators(node: Node) -> Node:
    """The tree with such letters as operators over the factors behind them."""
    return rebuilt(node, lambda inner: _opened(inner) if isinstance(inner, S.Product) else inner)


def _opened(product: S.Product) -> Node:
    """The product with its first such letter applied to all that follows."""
    for k, factor in enumerate(product.factors[:-1]):
        operator = _operator(factor)
        if operator is None or not isinstance(factor, S.Script):
            continue
        rest = _part(product, k + 1, len(product.factors))
        body = _opened(rest) if isinstance(rest, S.Product) else rest
        whole = S.BigOperator(operator, factor.sub, factor.sup, body, span_of(factor).join(span_of(body)))
        if not k:
            return whole
        return S.Product((*product.factors[:k], whole), product.operators[:k], product.span)
    return product


def _operator(node: Node) -> str | None:
    """The operator that a letter with limits is."""
    if not isinstance(node, S.Script) or not isinstance(node.base, S.Symbol):
        return None
    if node.base.font in ("text", "word") and node.sub is not None and letter_of(node.sub) is not None:
        return _WORDS.get(node.base.name)
    if not isinstance(node.sub, S.Chain):
        return None
    return _OPERATORS.get(node.base.name) if node.sub.relations[0] == "=" else None


def _part(node: S.Product, start: int, end: int) -> Node:
    factors = node.factors[start:end]
    if len(factors) == 1:
        return factors[0]
    span = span_of(factors[0]).join(span_of(factors[-1]))
    return S.Product(factors, node.operators[start : end - 1], span)
