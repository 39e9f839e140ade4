"""Edits of an author's expression, each of which undoes one mistake.

An edit is a changed syntax tree with the mistake that it would undo and the place of the change. Which edits are tried
is decided by what stands in the expression and by the names that the document has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.mistakes import table
from derive.mistakes.table import Kind
from derive.plain import plain
from derive.source import Span


@dataclass(frozen=True)
class Edit:
    """A changed expression, and what changing it would mean."""

    node: Node
    kind: Kind
    message: str
    span: Span


@dataclass(frozen=True)
class Vocabulary:
    """What edits may use.

    Attributes:
        names: for each name as written in LaTeX those that could stand in its place, as nodes without indices.
        letters: index letters that may replace each other.
        factors: factors that a term may lack.
        key: the name of a node, without indices.
    """

    names: dict[str, tuple[Node, ...]]
    letters: tuple[str, ...]
    factors: tuple[Node, ...]
    key: Callable[[Node], str | None]


Change = tuple[Node, Kind, str, Span]
Rule = Callable[[Node, Vocabulary], Iterator[Change]]


def edits(node: Node, vocabulary: Vocabulary) -> Iterator[Edit]:
    """All single edits of an expression, the likelier kinds first."""
    for rule in RULES:
        for changed, kind, message, span in _everywhere(node, lambda inner, r=rule: r(inner, vocabulary)):  # type: ignore[misc]
            yield Edit(changed, kind, message, span)


def _everywhere(node: Node, rule: Callable[[Node], Iterator[Change]]) -> Iterator[Change]:
    """A rule applied to every part of a tree, one part at a time."""
    yield from rule(node)
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, Node):
            for changed, *rest in _everywhere(value, rule):
                yield replace(node, **{item.name: changed}), *rest  # type: ignore[misc]
        elif isinstance(value, tuple):
            for k, part in enumerate(value):
                if isinstance(part, Node):
                    for changed, *rest in _everywhere(part, rule):
                        new = (*value[:k], changed, *value[k + 1 :])
                        yield replace(node, **{item.name: new}), *rest  # type: ignore[misc]


# -- rules -----------------------------------------------------------------------------------------------------------


def _names(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Another name with the same indices, or the same power."""
    key = vocabulary.key(node)
    if key is None or key not in vocabulary.names:
        return
    sub = node.sub if isinstance(node, S.Script) else _inner_sub(node)
    sup = node.sup if isinstance(node, S.Script) else None
    for other in vocabulary.names[key]:
        new: Node = S.Script(other, sub, sup, 0, span_of(node)) if sub is not None or sup is not None else other
        bare = S.Script(other, sub) if sub is not None else other
        yield new, table.NAME, table.NAME.message.format(plain(_without_power(node)), plain(bare)), span_of(node)


def _inner_sub(node: Node) -> Node | None:
    """The subscript under an accent: ``\\hat{x_i}``."""
    return node.body.sub if isinstance(node, S.Accent) and isinstance(node.body, S.Script) else None


def _without_power(node: Node) -> Node:
    return replace(node, sup=None) if isinstance(node, S.Script) and node.sub is not None else node


def _signs(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if not isinstance(node, S.Sum):
        return
    for k, (sign, term) in enumerate(zip(node.signs, node.terms, strict=True)):
        if sign in ("+", "-"):
            signs = (*node.signs[:k], "-" if sign == "+" else "+", *node.signs[k + 1 :])
            message = table.SIGN.message.format(_short(term))
            yield S.Sum(node.terms, signs, node.span), table.SIGN, message, span_of(term)


def _exponents(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Exponents one more or less, doubled, halved, negated; a root under a power taken away."""
    if not isinstance(node, S.Script) or node.sup is None:
        return
    value = _number(node.sup)
    if value is None:
        return
    if (isinstance(node.base, S.Group) and isinstance(node.base.body, S.Root)) or isinstance(node.base, S.Root):
        root = node.base.body if isinstance(node.base, S.Group) else node.base
        assert isinstance(root, S.Root)
        message = f"a root under a power: {_short(node)} takes the root twice"
        yield replace(node, base=S.Group("(", root.radicand)), table.EXPONENT, message, node.span
    for other in (value - 1, value + 1, value * 2, value / 2, -value):
        if other != value:
            new = replace(node, sup=_exponent(other))
            message = table.EXPONENT.message.format(_short(node.base), plain(_exponent(other)))
            yield new, table.EXPONENT, message, node.span


def _factors_extra(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if not isinstance(node, S.Product) or "/" in node.operators:
        return
    for k, factor in enumerate(node.factors):
        factors = node.factors[:k] + node.factors[k + 1 :]
        operators = node.operators[1:] if not k else node.operators[: k - 1] + node.operators[k:]
        new = factors[0] if len(factors) == 1 else S.Product(factors, operators, node.span)
        yield new, table.FACTOR_EXTRA, table.FACTOR_EXTRA.message.format(_short(factor)), span_of(factor)


def _factors_missing(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A factor for a term of a sum, or for a sum's body."""
    if isinstance(node, S.Sum):
        for k, term in enumerate(node.terms):
            for factor in vocabulary.factors:
                terms = (*node.terms[:k], _times(factor, term), *node.terms[k + 1 :])
                message = table.FACTOR_MISSING.message.format(_short(factor))
                yield S.Sum(terms, node.signs, node.span), table.FACTOR_MISSING, message, span_of(term)
    elif isinstance(node, S.BigOperator):
        for factor in vocabulary.factors:
            message = table.FACTOR_MISSING.message.format(_short(factor))
            yield replace(node, body=_times(factor, node.body)), table.FACTOR_MISSING, message, span_of(node.body)


def _first_term_only(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``a b + c + d`` for ``a (b + c + d)``: the leading factors of the first term go to all terms."""
    if not isinstance(node, S.Sum) or not isinstance(node.terms[0], S.Product) or "/" in node.terms[0].operators:
        return
    first = node.terms[0]
    for k in range(1, len(first.factors)):
        lead = first.factors[0] if k == 1 else S.Product(first.factors[:k], first.operators[: k - 1])
        rest = first.factors[k] if k == len(first.factors) - 1 else S.Product(first.factors[k:], first.operators[k:])
        whole = S.Product((lead, S.Group("(", S.Sum((rest, *node.terms[1:]), node.signs))), ("",), node.span)
        span = span_of(first.factors[0]).join(span_of(first.factors[k - 1]))
        yield whole, table.FIRST_TERM_ONLY, table.FIRST_TERM_ONLY.message.format(_short(lead)), span


def _indices(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Another letter in a subscript."""
    if not isinstance(node, S.Script) or node.sub is None or vocabulary.key(node) is None:
        return
    for changed, letter, other in _other_letters(node.sub, vocabulary.letters):
        new = replace(node, sub=changed)
        message = table.INDEX.message.format(_short(_without_power(node)), other)
        del letter
        yield new, table.INDEX, message, node.span


def _other_letters(sub: Node, letters: tuple[str, ...]) -> Iterator[tuple[Node, str, str]]:
    if isinstance(sub, S.Symbol) and sub.name in letters:
        for other in letters:
            if other != sub.name:
                yield replace(sub, name=other), sub.name, other
    elif isinstance(sub, S.Product | S.Sequence):
        parts = sub.factors if isinstance(sub, S.Product) else sub.items
        for k, part in enumerate(parts):
            for changed, letter, other in _other_letters(part, letters):
                new = (*parts[:k], changed, *parts[k + 1 :])
                name = "factors" if isinstance(sub, S.Product) else "items"
                yield replace(sub, **{name: new}), letter, other  # type: ignore[arg-type]


def _sums_extra(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if isinstance(node, S.BigOperator) and node.operator == "sum":
        message = table.SUM_EXTRA.message.format(_short(node.body))
        yield S.Group("(", node.body), table.SUM_EXTRA, message, node.span


def _sums_missing(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A sum around a term, over each of the letters in it."""
    terms = node.terms if isinstance(node, S.Sum) else ()
    for k, term in enumerate(terms):
        for letter in vocabulary.letters:
            if _mentions(term, letter):
                summed = S.BigOperator("sum", S.Symbol(letter), None, S.Group("(", term), span_of(term))
                assert isinstance(node, S.Sum)
                new = replace(node, terms=(*terms[:k], summed, *terms[k + 1 :]))
                yield new, table.SUM_MISSING, table.SUM_MISSING.message.format(letter, _short(term)), span_of(term)


RULES: tuple[Rule, ...] = (
    _names, _signs, _first_term_only, _exponents, _factors_extra, _sums_extra, _indices, _factors_missing, _sums_missing,
)  # fmt: skip
"""The edits, likelier ones first."""


# -- parts -----------------------------------------------------------------------------------------------------------


def whole(node: Node, vocabulary: Vocabulary) -> Iterator[Edit]:
    """Edits of an expression as a whole: its sign, a missing factor, a missing sum."""
    negative = S.Sum((S.Group("(", node),), ("-",))
    yield Edit(negative, table.SIGN, table.SIGN.message.format("the whole"), span_of(node))
    for factor in vocabulary.factors:
        message = table.FACTOR_MISSING.message.format(_short(factor))
        yield Edit(_times(factor, S.Group("(", node)), table.FACTOR_MISSING, message, span_of(node))
    for letter in vocabulary.letters:
        if _mentions(node, letter):
            summed = S.BigOperator("sum", S.Symbol(letter), None, S.Group("(", node), span_of(node))
            message = table.SUM_MISSING.message.format(letter, _short(node))
            yield Edit(summed, table.SUM_MISSING, message, span_of(node))


def _times(factor: Node, node: Node) -> Node:
    body = S.Group("(", node) if isinstance(node, S.Sum | S.BigOperator) else node
    if isinstance(body, S.Product):
        return S.Product((factor, *body.factors), ("", *body.operators), span_of(node))
    return S.Product((factor, body), ("",), span_of(node))


def _mentions(node: Node, letter: str) -> bool:
    return any(isinstance(inner, S.Symbol) and inner.name == letter for inner in node.walk())


def _number(node: Node) -> float | None:
    """The value of a numeric exponent, exact for halves."""
    from fractions import Fraction

    if isinstance(node, S.Number):
        return float(Fraction(node.text))
    if isinstance(node, S.Sum) and len(node.terms) == 1:
        value = _number(node.terms[0])
        return None if value is None else (-value if node.signs[0] == "-" else value)
    if isinstance(node, S.Fraction):
        above, below = _number(node.numerator), _number(node.denominator)
        return above / below if above is not None and below else None
    if isinstance(node, S.Product) and node.operators == ("/",):
        above, below = (_number(f) for f in node.factors)
        return above / below if above is not None and below else None
    return None


def _exponent(value: float) -> Node:
    from fractions import Fraction

    ratio = Fraction(value).limit_denominator(1000)
    number: Node = S.Number(str(abs(ratio.numerator)))
    if ratio.denominator != 1:
        number = S.Product((number, S.Number(str(ratio.denominator))), ("/",))
    return S.Sum((number,), ("-",)) if value < 0 else number


def _short(node: Node, width: int = 40) -> str:
    text = plain(node)
    return text if len(text) <= width else text[: width - 1] + "…"
