"""Names of several letters that were read letter by letter.

Two capitals typed without a space may be a product as well: they are a name where an equation says what the pair is
(``KL = \\sum_i p_i \\log \\frac{p_i}{q_i}``) or differentiates it, and the letters do not stand alone elsewhere. A
subscript such as ``total`` or ``h1`` is a label. In an exponent, where letters are single, a word that the document
has elsewhere is that word: ``e^{-net}``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt, span_of
from derive.notation.names import PARTIALS
from derive.notation.survey import summed_letters

_VOWELS = frozenset("aeou")  # no i: it is an index
_INDICES = frozenset("ijklmnpqrstuvw")


@dataclass(frozen=True)
class Words:
    """What a document shows of its words.

    Attributes:
        pairs: two capitals that are a name.
        names: words that are names.
        bound: letters that sums bind, none of a label's.
    """

    pairs: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()


def find_words(nodes: Iterable[Node]) -> Words:
    """The words of a document, all its formulas read together."""
    inner = [n for node in nodes for n in node.walk()]
    names = {n.name for n in inner if isinstance(n, S.Symbol) and n.font == "word"}
    bound = summed_letters(inner)
    return Words(_named_pairs(inner), frozenset(names), bound)


def with_words(node: Node, words: Words) -> Node:
    """The tree with each word as one name."""
    return rebuilt(node, lambda inner: _changed(inner, words))


def _changed(node: Node, words: Words) -> Node:
    if isinstance(node, S.Product):
        return _with_pairs(node, words.pairs)
    if isinstance(node, S.Script) and isinstance(node.sub, S.Product):
        node = replace(node, sub=_label(node.sub, words.bound))
    if isinstance(node, S.Script) and node.sup is not None and words.names:
        return replace(node, sup=rebuilt(node.sup, lambda inner: _with_names(inner, words.names)))
    return node


def _touching(first: Node, second: Node) -> bool:
    return span_of(first).end == span_of(second).start


def _unscripted(node: Node) -> Node:
    return node.base if isinstance(node, S.Script) else node


def _letter(node: Node) -> str:
    return node.name if isinstance(node, S.Symbol) and not node.font and len(node.name) == 1 else ""


# -- pairs of capitals -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pair:
    """Two capitals side by side among the factors of a product, and where they stand there."""

    name: str
    at: int


def _named_pairs(inner: list[Node]) -> frozenset[str]:
    letters = Counter(_letter(n) for n in inner)
    paired: Counter[str] = Counter()
    for product in (n for n in inner if isinstance(n, S.Product)):
        paired.update(pair.name for pair in _pairs(product))
    apart = {name: [letters[c] > n for c in name] for name, n in paired.items()}
    said = {name for n in inner if isinstance(n, S.Chain) for name in _said(n)}
    by = {name for n in inner if isinstance(n, S.Product) for name in _differentiated(n)}
    return frozenset(n for n, alone in apart.items() if (n in said and not all(alone)) or (n in by and not any(alone)))


def _pairs(product: S.Product) -> Iterator[_Pair]:
    """The pairs of capitals that nothing else touches."""
    at = 0
    while at + 1 < len(product.factors):
        first, second = product.factors[at : at + 2]
        name = _letter(first) + _letter(_unscripted(second))
        if len(name) == 2 and name.isupper() and not product.operators[at] and _touching(first, second):
            yield _Pair(name, at)
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


def _with_pairs(product: S.Product, pairs: frozenset[str]) -> Node:
    return _joined(product, {pair.at: 2 for pair in _pairs(product) if pair.name in pairs})


# -- words in scripts --------------------------------------------------------------------------------------------------


def _label(sub: S.Product, bound: frozenset[str]) -> Node:
    """A subscript that is a word, such as ``total``, or a letter that is no index with a number, such as ``h1``."""
    *letters, last = sub.factors
    if any(sub.operators) or not all(map(_touching, sub.factors, sub.factors[1:])):
        return sub
    name = "".join(map(_letter, letters))
    tail = last.text if isinstance(last, S.Number) else _letter(last)
    if len(name) != len(letters) or not tail or set(name + tail) & bound:
        return sub
    numbered = isinstance(last, S.Number) and len(name) == 1 and name.islower() and name not in _INDICES
    word = len(name + tail) > 2 and set(name + tail) & _VOWELS
    return S.Symbol(name + tail, "word", sub.span) if numbered or word else sub


def _with_names(node: Node, names: frozenset[str]) -> Node:
    """A product of letters with each run of them that is a name as that name."""
    if not isinstance(node, S.Product):
        return node
    found: dict[int, int] = {}
    at = 0
    while at < len(node.factors):
        length = next((n for n in range(len(node.factors) - at, 1, -1) if _spells(node, at, n) in names), 1)
        if length > 1:
            found[at] = length
        at += length
    return _joined(node, found)


def _spells(product: S.Product, at: int, length: int) -> str:
    """The word that factors side by side spell, the last of them perhaps with scripts."""
    run = product.factors[at : at + length]
    if any(product.operators[at : at + length - 1]) or not all(map(_touching, run, run[1:])):
        return ""
    letters = [*map(_letter, run[:-1]), _letter(_unscripted(run[-1]))]
    return "".join(letters) if all(letters) else ""


def _joined(product: S.Product, runs: dict[int, int]) -> Node:
    """The product with runs of letters, by their place and length, as one name each."""
    if not runs:
        return product
    factors: list[Node] = []
    operators: list[str] = []
    at = 0
    while at < len(product.factors):
        length = runs.get(at, 1)
        if at:
            operators.append(product.operators[at - 1])
        factors.append(_word(product.factors[at : at + length]) if length > 1 else product.factors[at])
        at += length
    return factors[0] if len(factors) == 1 else replace(product, factors=tuple(factors), operators=tuple(operators))


def _word(letters: tuple[Node, ...]) -> Node:
    """Letters as one name; scripts behind the last go to it."""
    last = letters[-1]
    name = "".join(_letter(_unscripted(letter)) for letter in letters)
    word = S.Symbol(name, "word", span_of(letters[0]).join(span_of(_unscripted(last))))
    return replace(last, base=word, span=span_of(letters[0]).join(last.span)) if isinstance(last, S.Script) else word
