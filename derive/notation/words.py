"""Two capitals that are one name: ``KL = \\sum_i p_i \\log \\frac{p_i}{q_i}``, ``\\frac{\\partial CE}{\\partial z}``.

Typed without a space between them they may as well be a product. They are a name where an equation says what the pair
is, or differentiates it, and the letters do not stand alone elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt, span_of
from derive.notation.survey import PARTIALS


@dataclass(frozen=True)
class _Pair:
    """Two capitals side by side among the factors of a product, and where they stand there."""

    name: str
    at: int


def find_words(nodes: Iterable[Node]) -> frozenset[str]:
    """The pairs that are names, all formulas of a document read together."""
    inner = [n for node in nodes for n in node.walk()]
    letters = Counter(n.name for n in inner if isinstance(n, S.Symbol) and _is_capital(n))
    paired: Counter[str] = Counter()
    for product in (n for n in inner if isinstance(n, S.Product)):
        paired.update(pair.name for pair in _pairs(product))
    alone = {name: [letters[c] > paired[name] for c in name] for name in paired}
    said = {name for n in inner if isinstance(n, S.Chain) for name in _said(n)}
    differentiated = {name for n in inner if isinstance(n, S.Product) for name in _differentiated(n)}
    return frozenset(
        name for name, apart in alone.items() if (name in said and not all(apart)) or name in differentiated - _any(alone)
    )


def _any(alone: dict[str, list[bool]]) -> set[str]:
    return {name for name, apart in alone.items() if any(apart)}


def _is_capital(node: Node) -> bool:
    return isinstance(node, S.Symbol) and not node.font and len(node.name) == 1 and node.name.isupper()


def _pairs(product: S.Product) -> Iterator[_Pair]:
    """The pairs of capitals that nothing else touches."""
    at = 0
    while at + 1 < len(product.factors):
        first, second = product.factors[at : at + 2]
        base = second.base if isinstance(second, S.Script) else second
        touching = span_of(first).end == span_of(second).start and not product.operators[at]
        if touching and _is_capital(first) and _is_capital(base):
            yield _Pair(first.name + base.name, at)  # type: ignore[attr-defined]
            at += 1
        at += 1


def _said(chain: S.Chain) -> Iterator[str]:
    """Pairs that are what an equation says the value of: its first side, or the last of several (``a = b := EH``)."""
    ends = (0, len(chain.members) - 1) if len(chain.members) > 2 else (0,)
    for member in (chain.members[k] for k in ends):
        if isinstance(member, S.Product):
            pairs = list(_pairs(member))
            rest = member.factors[2:]
            if pairs and pairs[0].at == 0 and (not rest or (len(rest) == 1 and isinstance(rest[0], S.Group))):
                yield pairs[0].name


def _differentiated(product: S.Product) -> Iterator[str]:
    """The pair behind a ∂."""
    head = product.factors[0]
    if len(product.factors) == 3 and isinstance(head, S.Symbol) and head.name in PARTIALS:
        yield from (pair.name for pair in _pairs(product) if pair.at == 1)


def with_words(node: Node, words: frozenset[str]) -> Node:
    """The tree with each such pair as one name."""
    return rebuilt(node, lambda inner: _joined(inner, words) if isinstance(inner, S.Product) else inner)


def _joined(product: S.Product, words: frozenset[str]) -> Node:
    starts = {pair.at: pair.name for pair in _pairs(product) if pair.name in words}
    if not starts:
        return product
    factors: list[Node] = []
    operators: list[str] = []
    for k, factor in enumerate(product.factors):
        if k - 1 in starts:
            factors[-1] = _word(starts[k - 1], factors[-1], factor)
            continue
        if k:
            operators.append(product.operators[k - 1])
        factors.append(factor)
    return factors[0] if len(factors) == 1 else replace(product, factors=tuple(factors), operators=tuple(operators))


def _word(name: str, first: Node, second: Node) -> Node:
    base = second.base if isinstance(second, S.Script) else second
    word = S.Symbol(name, "word", span_of(first).join(span_of(base)))
    return replace(second, base=word, span=span_of(first).join(second.span)) if isinstance(second, S.Script) else word
