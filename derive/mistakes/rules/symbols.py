"""Another sign, name, index, exponent or count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.mistakes import table
from derive.mistakes.changes import (
    Change,
    Vocabulary,
    exponent,
    is_number,
    mentions,
    number_of,
    renamed,
    unbracketed,
    without_power,
)
from derive.notation.survey import bound_letters
from derive.plain import plain

MAX_NUMBER = 100


def names(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Another name with the same indices, or the same power."""
    key = vocabulary.key(node)
    if key is None or key not in vocabulary.names:
        return
    sub = node.sub if isinstance(node, S.Script) else _inner_sub(node)
    power = vocabulary.power(node)
    for other in vocabulary.names[key]:
        bare = _subscripted(other, sub)
        new = S.Script(bare, None, power, 0, span_of(node)) if power is not None else bare
        yield Change(new, table.NAME, (without_power(node) if power is not None else node, bare), span_of(node))


def _subscripted(name: Node, sub: Node | None) -> Node:
    """A name with indices, in front of a superscript that belongs to it."""
    if sub is None:
        return name
    if isinstance(name, S.Script) and name.sub is None:
        return S.Script(name.base, sub, name.sup, name.primes)
    return S.Script(name, sub)


def _inner_sub(node: Node) -> Node | None:
    """The subscript under an accent: ``\\hat{x_i}``."""
    return node.body.sub if isinstance(node, S.Accent) and isinstance(node.body, S.Script) else None


def entries(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A number of the whole axis, such as its mean, for an entry."""
    if isinstance(node, S.Script) and node.sub is not None and vocabulary.key(node) in vocabulary.names:
        for other in vocabulary.scalars:
            new = S.Script(other, None, node.sup, 0, node.span) if is_number(node.sup) else other
            yield Change(new, table.NAME, (without_power(node), other), node.span)


def indices(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Another letter in a subscript."""
    if not isinstance(node, S.Script) or node.sub is None or vocabulary.key(node) is None:
        return
    for changed, other in _other_letters(node.sub, vocabulary.letters):
        yield Change(replace(node, sub=changed), table.INDEX, (without_power(node), other), node.span)


def _other_letters(sub: Node, letters: tuple[str, ...]) -> Iterator[tuple[Node, str]]:
    if isinstance(sub, S.Symbol) and sub.name in letters:
        for other in letters:
            if other != sub.name:
                yield replace(sub, name=other), other
    elif isinstance(sub, S.Product | S.Sequence):
        parts = sub.factors if isinstance(sub, S.Product) else sub.items
        for k, part in enumerate(parts):
            for changed, other in _other_letters(part, letters):
                new = (*parts[:k], changed, *parts[k + 1 :])
                whole = replace(sub, factors=new) if isinstance(sub, S.Product) else replace(sub, items=new)
                yield whole, other


def indices_under_sum(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """One letter for another throughout the body of a sum."""
    if not isinstance(node, S.BigOperator) or node.lower is None:
        return
    for letter in bound_letters(node.lower):
        for other in vocabulary.letters:
            if other != letter and mentions(node.body, other):
                new = replace(node, body=renamed(node.body, other, letter))
                if new != node:
                    yield Change(new, table.INDEX, (f"what is summed over {letter}", letter), span_of(node.body))


def letters_of_sums(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A sum over another letter."""
    if not isinstance(node, S.BigOperator) or node.lower is None:
        return
    for letter in bound_letters(node.lower):
        for other in vocabulary.letters:
            if other != letter and mentions(node.body, other):
                new = replace(node, lower=renamed(node.lower, letter, other))
                yield Change(new, table.INDEX, (f"the sum over {letter}", other), node.span)


def signs(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if not isinstance(node, S.Sum):
        return
    for k, (sign, term) in enumerate(zip(node.signs, node.terms, strict=True)):
        if sign in ("+", "-"):
            signs = (*node.signs[:k], "-" if sign == "+" else "+", *node.signs[k + 1 :])
            yield Change(S.Sum(node.terms, signs, node.span), table.SIGN, (term,), span_of(term))


def whole_sign(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if not (isinstance(node, S.Sum) and len(node.terms) == 1):
        negative = S.Sum((S.Group("(", node),), ("-",))
        yield Change(negative, table.SIGN, (node,), span_of(node))


def exponents(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Exponents one more or less, doubled, halved, negated, taken away."""
    value = number_of(node.sup) if isinstance(node, S.Script | S.Apply) and node.sup is not None else None
    if value is None or not isinstance(node, S.Script | S.Apply):
        return
    if isinstance(node, S.Script) and isinstance(unbracketed(node.base), S.Root):
        root = unbracketed(node.base)
        assert isinstance(root, S.Root)
        yield Change(replace(node, base=S.Group("(", root.radicand)), table.ROOT_TWICE, (node, root), node.span)
    base: Node = replace(node, sup=None) if isinstance(node, S.Apply) or node.sub is not None else node.base
    half, one = Fraction(1, 2), Fraction(1)
    others = (value - 1, value + 1, value * 2, value / 2, -value, value + half, value - half, one)
    for other in dict.fromkeys(n for n in others if n not in (value, 0)):
        power = exponent(other)
        new = base if other == 1 else replace(node, sup=power)
        yield Change(new, table.EXPONENT, (base, plain(power)), span_of(node))


def exponents_missing(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A square, an inverse or a root where there is no exponent."""
    if isinstance(node, S.Root) and node.degree is None:
        inside = S.Group("(", node.radicand, span_of(node.radicand))
        yield Change(inside, table.EXPONENT, (inside, "1"), node.span)
        for power in (Fraction(-1), Fraction(3), Fraction(2)):
            yield Change(
                S.Script(node, None, exponent(power)), table.EXPONENT, (node, plain(exponent(power))), node.span
            )
    elif isinstance(node, S.Group) and isinstance(node.body, S.Sum):
        for power in (Fraction(2), Fraction(1, 2), Fraction(-1), Fraction(3, 2)):
            new = S.Script(node, None, exponent(power), 0, node.span)
            yield Change(new, table.EXPONENT, (node, plain(exponent(power))), node.span)
    elif isinstance(node, S.Apply) and node.sup is None:
        yield Change(replace(node, sup=S.Number("2")), table.EXPONENT, (node, "2"), node.span)
    elif vocabulary.key(node) in vocabulary.names:
        bare = without_power(node) is node
        for power in (Fraction(2), Fraction(3)) if bare else ():
            new = S.Script(node, None, exponent(power), 0, span_of(node))
            yield Change(new, table.EXPONENT, (node, plain(exponent(power))), span_of(node))


def deltas(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``1`` for a Kronecker delta: the case of equal indices only."""
    if not isinstance(node, S.Sum):
        return
    for k, term in enumerate(node.terms):
        if term == S.Number("1"):
            for a in vocabulary.letters:
                for b in vocabulary.letters:
                    if a < b:
                        delta = S.Script(S.Symbol("\\delta"), S.Product((S.Symbol(a), S.Symbol(b)), ("",)))
                        new = replace(node, terms=(*node.terms[:k], delta, *node.terms[k + 1 :]))
                        yield Change(new, table.DELTA, (delta,), span_of(term))


def counts(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``N`` for ``N - 1`` or the other way round."""
    if vocabulary.key(node) in vocabulary.sizes:
        less = S.Sum((node, S.Number("1")), ("+", "-"), span_of(node))
        yield Change(S.Group("(", less), table.COUNT, (node, less), span_of(node))
    if isinstance(node, S.Sum) and len(node.terms) == 2 and node.terms[1] == S.Number("1") and node.signs[0] == "+":
        first = node.terms[0]
        if vocabulary.key(first) in vocabulary.sizes:
            yield Change(first, table.COUNT, (node, first), node.span)


def sizes(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Another number of entries for a size, or for a product of sizes."""
    factors = node.factors if isinstance(node, S.Product) else (node,)
    if not all(vocabulary.key(factor) in vocabulary.sizes for factor in factors):
        return
    for other in vocabulary.counts:
        if plain(other) != plain(node):
            new = S.Group("(", other) if isinstance(other, S.Product) else other
            yield Change(new, table.SIZE, (node, other), span_of(node))


def numbers(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Another small number; for 1 that is a missing factor."""
    if isinstance(node, S.Number) and node.text.isdigit() and 1 < int(node.text) < MAX_NUMBER:
        value = int(node.text)
        for other in (value - 1, value + 1, 2 * value):
            if other > 0 and other != value:
                new = S.Number(str(other), node.span)
                yield Change(new, table.NUMBER, (node, new), node.span)


def fractions(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A fraction the other way up."""
    if isinstance(node, S.Fraction) and not vocabulary.is_derivative(node):
        new = S.Fraction(node.denominator, node.numerator, node.span)
        yield Change(new, table.UPSIDE_DOWN, (node, new), node.span)
