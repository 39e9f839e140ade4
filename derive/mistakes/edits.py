"""Edits of an author's expression, each of which undoes one mistake.

An edit is a place in a syntax tree, what stands there instead, and the mistake that it would undo. Which edits are
tried is decided by what stands in the expression and by the names that the document has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from itertools import islice
from typing import Literal, NamedTuple

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.mistakes import table
from derive.mistakes.table import Kind
from derive.notation.survey import bound_letters
from derive.plain import plain
from derive.source import Span

MAX_SHOWN = 40

Step = tuple[str, int]
"""A field of a node, and the position in it where it is a tuple, else -1."""

Path = tuple[Step, ...]


@dataclass(frozen=True)
class Vocabulary:
    """What edits may use.

    Attributes:
        names: for each name as written in LaTeX those that could stand in its place, as nodes without indices.
        scalars: names without indices that the forward pass defines.
        letters: index letters that may replace each other.
        factors: factors that a term may lack.
        addends: for a name what is usually added to it, as ``\\epsilon`` to ``\\sigma^2``.
        sizes: names of sizes.
        key: the name of a node, without indices.
        is_derivative: whether a fraction is a derivative.
    """

    names: dict[str, tuple[Node, ...]]
    scalars: tuple[Node, ...]
    letters: tuple[str, ...]
    factors: tuple[Node, ...]
    addends: dict[str, tuple[Node, ...]]
    sizes: frozenset[str]
    key: Callable[[Node], str | None]
    is_derivative: Callable[[Node], bool]


class Change(NamedTuple):
    """What stands in the place of a node, and what changing it means.

    ``undone`` fills the kind's message, ``done`` the message for the mistake seen from the right line.
    """

    node: Node
    kind: Kind
    parts: tuple[Node | str, ...]
    span: Span


@dataclass(frozen=True)
class Edit:
    """A change at a place of a tree; ``rule`` and ``number`` find the same change in a tree that differs elsewhere."""

    path: Path
    change: Change
    rule: int
    number: int

    @property
    def is_structural(self) -> bool:
        """Whether it takes a sum or brackets away or puts them in, so that what is right below may be another."""
        return self.rule < len(RULES) and RULES[self.rule] in (_sums_extra, _brackets_missing)

    @property
    def tier(self) -> int:
        """How likely it is; 0 is likeliest. Edits of the whole are as likely as those of a part."""
        if self.rule >= len(RULES):
            return 0 if WHOLE[self.rule - len(RULES)] is _whole_sign else len(TIERS) - 1
        return next(k for k, tier in enumerate(TIERS) if RULES[self.rule] in tier)

    def of(self, tree: Node) -> Node:
        """The tree with the change made."""
        return _put(tree, self.path, self.change.node)

    def again(self, tree: Node, vocabulary: Vocabulary) -> Node | None:
        """The same change made in a tree that differs from the first below the place."""
        changes = list(self._changes(tree, vocabulary))
        if self.number >= len(changes) or changes[self.number].kind is not self.change.kind:
            return None
        return _put(tree, self.path, changes[self.number].node)

    def change_in(self, tree: Node, vocabulary: Vocabulary) -> Change:
        """The change in an equal tree, with the places of that one."""
        return next(islice(self._changes(tree, vocabulary), self.number, None))

    def _changes(self, tree: Node, vocabulary: Vocabulary) -> Iterator[Change]:
        return (*RULES, *WHOLE)[self.rule](_at(tree, self.path), vocabulary)


Rule = Callable[[Node, Vocabulary], Iterator[Change]]


def edits(tree: Node, vocabulary: Vocabulary) -> Iterator[Edit]:
    """All single edits of an expression, the likelier kinds first."""
    places = list(_places(tree, (), vocabulary, "linear"))
    for number, change in enumerate(_whole_sign(tree, vocabulary)):
        yield Edit((), change, len(RULES), number)
    for k, rule in enumerate(RULES):
        for path, node, where in places:
            if rule in _ALLOWED[where]:
                for number, change in enumerate(rule(node, vocabulary)):
                    yield Edit(path, change, k, number)
    for k, rule in enumerate(WHOLE[1:], len(RULES) + 1):
        for number, change in enumerate(rule(tree, vocabulary)):
            yield Edit((), change, k, number)


def both(first: Edit, second: Edit, tree: Node, vocabulary: Vocabulary) -> Node | None:
    """A tree with two edits made; None where they are in each other's way."""
    if first.path == second.path or first.rule >= len(RULES) or second.rule >= len(RULES):
        return None
    if second.path[: len(first.path)] == first.path:
        return first.again(second.of(tree), vocabulary)
    if first.path[: len(second.path)] == second.path:
        return second.again(first.of(tree), vocabulary)
    return second.of(first.of(tree))


# -- trees -----------------------------------------------------------------------------------------------------------


Where = Literal["linear", "inside", "derivative"]
"""A place in sums, products and numerators; inside a denominator, a root, a power or a function; in a derivative."""


def _places(node: Node, path: Path, vocabulary: Vocabulary, where: Where) -> Iterator[tuple[Path, Node, Where]]:
    """Every part of a tree but subscripts and limits of sums, with its place."""
    yield path, node, where
    if vocabulary.is_derivative(node):
        where = "derivative"
    spelled = vocabulary.key(node) is not None
    for name, k, child in _children(node):
        if (spelled and name != "sup") or (name == "sup" and _number(child) is not None):
            continue  # the parts of a name are not names themselves; exponents have rules of their own
        nested = where == "linear" and name in ("denominator", "radicand", "base", "sup", "argument")
        yield from _places(child, (*path, (name, k)), vocabulary, "inside" if nested else where)


def _children(node: Node) -> Iterator[tuple[str, int, Node]]:
    for item in fields(node):
        if item.name in ("sub", "lower", "upper", "note", "function", "degree"):
            continue
        value = getattr(node, item.name)
        if isinstance(value, Node):
            yield item.name, -1, value
        elif isinstance(value, tuple):
            for k, part in enumerate(value):
                if isinstance(part, Node):
                    yield item.name, k, part


def _at(tree: Node, path: Path) -> Node:
    for name, k in path:
        value = getattr(tree, name)
        tree = value if k < 0 else value[k]
    return tree


def _put(tree: Node, path: Path, new: Node) -> Node:
    if not path:
        return new
    (name, k), rest = path[0], path[1:]
    value = getattr(tree, name)
    if k < 0:
        return replace(tree, **{name: _put(value, rest, new)})
    return replace(tree, **{name: (*value[:k], _put(value[k], rest, new), *value[k + 1 :])})


# -- names and indices -----------------------------------------------------------------------------------------------


def _names(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Another name with the same indices, or the same power."""
    key = vocabulary.key(node)
    if key is None or key not in vocabulary.names:
        return
    sub = node.sub if isinstance(node, S.Script) else _inner_sub(node)
    sup = node.sup if isinstance(node, S.Script) and f"{key}".rpartition("^")[2] != plain_or_none(node.sup) else None
    for other in vocabulary.names[key]:
        bare = _subscripted(other, sub)
        new = S.Script(bare, None, sup, 0, span_of(node)) if sup is not None else bare
        yield Change(new, table.NAME, (_without_power(node) if sup is not None else node, bare), span_of(node))


def plain_or_none(node: Node | None) -> str | None:
    return None if node is None else plain(node)


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


def _without_power(node: Node) -> Node:
    if isinstance(node, S.Script) and node.sup is not None:
        return replace(node, sup=None) if node.sub is not None or node.primes else node.base
    return node


def _entries(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A number of the whole axis, such as its mean, for an entry."""
    if isinstance(node, S.Script) and node.sub is not None and vocabulary.key(node) in vocabulary.names:
        for other in vocabulary.scalars:
            new = S.Script(other, None, node.sup, 0, node.span) if _is_number(node.sup) else other
            yield Change(new, table.NAME, (_without_power(node), other), node.span)


def _indices(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Another letter in a subscript."""
    if not isinstance(node, S.Script) or node.sub is None or vocabulary.key(node) is None:
        return
    for changed, other in _other_letters(node.sub, vocabulary.letters):
        yield Change(replace(node, sub=changed), table.INDEX, (_without_power(node), other), node.span)


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


def _indices_under_sum(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """One letter for another throughout the body of a sum."""
    if not isinstance(node, S.BigOperator) or node.lower is None:
        return
    for letter in bound_letters(node.lower):
        for other in vocabulary.letters:
            if other != letter and _mentions(node.body, other):
                new = replace(node, body=renamed(node.body, other, letter))
                if new != node:
                    yield Change(new, table.INDEX, (f"what is summed over {letter}", letter), span_of(node.body))


def renamed(node: Node, old: str, new: str) -> Node:
    """An expression with one letter for another in all subscripts."""
    if isinstance(node, S.Symbol):
        return replace(node, name=new) if node.name == old else node
    changes: dict[str, object] = {}
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, Node):
            changes[item.name] = renamed(value, old, new)
        elif isinstance(value, tuple) and any(isinstance(part, Node) for part in value):
            changes[item.name] = tuple(renamed(part, old, new) if isinstance(part, Node) else part for part in value)
    return replace(node, **changes)


# -- signs, exponents, roots -----------------------------------------------------------------------------------------


def _signs(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if not isinstance(node, S.Sum):
        return
    for k, (sign, term) in enumerate(zip(node.signs, node.terms, strict=True)):
        if sign in ("+", "-"):
            signs = (*node.signs[:k], "-" if sign == "+" else "+", *node.signs[k + 1 :])
            yield Change(S.Sum(node.terms, signs, node.span), table.SIGN, (term,), span_of(term))


def _whole_sign(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if not (isinstance(node, S.Sum) and len(node.terms) == 1):
        negative = S.Sum((S.Group("(", node),), ("-",))
        yield Change(negative, table.SIGN, (node,), span_of(node))


def _exponents(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Exponents one more or less, doubled, halved, negated, taken away."""
    value = _number(node.sup) if isinstance(node, S.Script | S.Apply) and node.sup is not None else None
    if value is None or not isinstance(node, S.Script | S.Apply):
        return
    if isinstance(node, S.Script) and isinstance(_unbracketed(node.base), S.Root):
        root = _unbracketed(node.base)
        assert isinstance(root, S.Root)
        yield Change(replace(node, base=S.Group("(", root.radicand)), table.ROOT_TWICE, (node, root), node.span)
    base: Node = replace(node, sup=None) if isinstance(node, S.Apply) or node.sub is not None else node.base
    for other in dict.fromkeys((value - 1, value + 1, value * 2, value / 2, -value, Fraction(1))):
        if other not in (value, 0):
            new = base if other == 1 else replace(node, sup=_exponent(other))
            yield Change(new, table.EXPONENT, (base, plain(_exponent(other))), span_of(node))


def _exponents_missing(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A square, an inverse or a root where there is no exponent."""
    if isinstance(node, S.Root) and node.degree is None:
        inside = S.Group("(", node.radicand, span_of(node.radicand))
        yield Change(inside, table.EXPONENT, (inside, "1"), node.span)
        for power in (Fraction(3), Fraction(2)):
            yield Change(
                S.Script(node, None, _exponent(power)), table.EXPONENT, (node, plain(_exponent(power))), node.span
            )
    elif isinstance(node, S.Group) and isinstance(node.body, S.Sum):
        for power in (Fraction(2), Fraction(1, 2), Fraction(-1), Fraction(3, 2)):
            new = S.Script(node, None, _exponent(power), 0, node.span)
            yield Change(new, table.EXPONENT, (node, plain(_exponent(power))), node.span)
    elif isinstance(node, S.Apply) and node.sup is None:
        yield Change(replace(node, sup=S.Number("2")), table.EXPONENT, (node, "2"), node.span)
    elif vocabulary.key(node) in vocabulary.names:
        bare = _without_power(node) is node
        for power in (Fraction(2), Fraction(3)) if bare else ():
            new = S.Script(node, None, _exponent(power), 0, span_of(node))
            yield Change(new, table.EXPONENT, (node, plain(_exponent(power))), span_of(node))


def _squares_of_sums(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``\\sum u^2`` for ``(\\sum u)^2``, and the other way round."""
    if isinstance(node, S.BigOperator) and isinstance(node.body, S.Script) and _is_number(node.body.sup):
        outside = S.Script(S.Group("(", replace(node, body=_without_power(node.body))), None, node.body.sup)
        yield Change(outside, table.POWER_OF_SUM, (outside, node), node.span)
    elif isinstance(node, S.Script) and node.sub is None and _is_number(node.sup):
        operator = _unbracketed(node.base)
        if isinstance(operator, S.BigOperator):
            inside = replace(operator, body=S.Script(S.Group("(", operator.body), None, node.sup))
            yield Change(inside, table.POWER_OF_SUM, (inside, node), node.span)


# -- factors and terms -----------------------------------------------------------------------------------------------


def _factors_extra(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A product without one of its factors, a fraction without its denominator or numerator."""
    if isinstance(node, S.Fraction) and not vocabulary.is_derivative(node):
        if node.numerator != S.Number("1"):
            one = replace(node, numerator=S.Number("1"))
            yield Change(one, table.FACTOR_EXTRA, (node.numerator,), span_of(node.numerator))
        inverse = S.Fraction(S.Number("1"), node.denominator)
        yield Change(_bracketed(node.numerator), table.FACTOR_EXTRA, (inverse,), span_of(node.denominator))
    if not isinstance(node, S.Product) or "/" in node.operators:
        return
    for k, factor in enumerate(node.factors):
        new = _product_without(node, k)
        yield Change(new, table.FACTOR_EXTRA, (factor,), span_of(factor))


def _product_without(node: S.Product, k: int) -> Node:
    factors = node.factors[:k] + node.factors[k + 1 :]
    operators = node.operators[1:] if not k else node.operators[: k - 1] + node.operators[k:]
    return factors[0] if len(factors) == 1 else S.Product(factors, operators, node.span)


def _factors_missing(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A factor for a term of a sum, or for a sum's body."""
    if isinstance(node, S.Sum) and len(node.terms) > 1:
        for k, term in enumerate(node.terms):
            for factor in vocabulary.factors:
                new = replace(node, terms=(*node.terms[:k], _times(factor, term), *node.terms[k + 1 :]))
                yield Change(new, table.FACTOR_MISSING, (factor, term), span_of(term))
    elif isinstance(node, S.BigOperator) and node.lower is not None:
        letters = list(bound_letters(node.lower))
        for factor in vocabulary.factors:
            if any(_mentions(factor, letter) for letter in letters):  # others may as well stand before the sum
                body = _times(factor, node.body)
                yield Change(replace(node, body=body), table.FACTOR_MISSING, (factor, node.body), span_of(node.body))


def _whole_factor(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    for factor in vocabulary.factors:
        new = _times(factor, S.Group("(", node))
        yield Change(new, table.FACTOR_MISSING, (factor, node), span_of(node))


def _factors_beside_sums(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``w_i \\sum_j u_j`` for ``\\sum_j w_j u_j``, and the other way round."""
    if not isinstance(node, S.Product) or "/" in node.operators:
        return
    at = next((k for k, factor in enumerate(node.factors) if isinstance(factor, S.BigOperator)), None)
    if at is None:
        return
    sum_ = node.factors[at]
    assert isinstance(sum_, S.BigOperator)
    letters = list(bound_letters(sum_.lower)) if sum_.lower is not None else []
    for letter in letters[:1]:
        yield from _into_sum(node, at, sum_, letter, vocabulary)


def _into_sum(node: S.Product, at: int, sum_: S.BigOperator, letter: str, vocabulary: Vocabulary) -> Iterator[Change]:
    for k, factor in enumerate(node.factors[:at]):
        if vocabulary.key(factor) is None and not isinstance(factor, S.Fraction):
            continue
        for path, part in _movable(factor, vocabulary):
            others = [o for o in vocabulary.letters if o != letter and _mentions(part, o)]
            for other in others[:1]:
                inside = replace(sum_, body=_times(renamed(part, other, letter), sum_.body))
                rest = _product_without(_replaced(node, at, inside), k) if not path else _replaced(
                    _replaced(node, at, inside), k, _put(factor, path, S.Number("1"))
                )  # fmt: skip
                yield Change(rest, table.SIDE_OF_SUM, (part, letter), span_of(part))


def _movable(factor: Node, vocabulary: Vocabulary) -> Iterator[tuple[Path, Node]]:
    """A factor, or the factors of a fraction's numerator."""
    if not isinstance(factor, S.Fraction) or vocabulary.is_derivative(factor):
        yield (), factor
        return
    top = factor.numerator
    if isinstance(top, S.Product):
        for k, part in enumerate(top.factors):
            yield (("numerator", -1), ("factors", k)), part
    else:
        yield (("numerator", -1),), top


def _replaced(node: S.Product, k: int, new: Node) -> S.Product:
    return replace(node, factors=(*node.factors[:k], new, *node.factors[k + 1 :]))


def _addends(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``\\sigma^2`` for ``\\sigma^2 + \\epsilon``, and the like under a root or a power."""
    key = vocabulary.key(node)
    for addend in vocabulary.addends.get(key, ()) if key else ():
        yield Change(S.Group("(", _plus(node, addend)), table.ADDEND, (addend, node), span_of(node))
    inside = node.radicand if isinstance(node, S.Root) else None
    if isinstance(node, S.Script) and isinstance(node.base, S.Group) and _is_number(node.sup):
        inside = node.base.body
    if inside is not None and vocabulary.key(inside) not in vocabulary.addends:
        for addend in dict.fromkeys(a for addends in vocabulary.addends.values() for a in addends):
            whole = _plus(inside, addend)
            new = replace(node, radicand=whole) if isinstance(node, S.Root) else replace(node, base=S.Group("(", whole))  # type: ignore[call-arg]
            yield Change(new, table.ADDEND, (addend, inside), span_of(inside))


def _plus(node: Node, addend: Node) -> Node:
    if isinstance(node, S.Sum):
        return S.Sum((*node.terms, addend), (*node.signs, "+"), node.span)
    return S.Sum((node, addend), ("+", "+"), span_of(node))


def _counts(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``N`` for ``N - 1`` or the other way round."""
    if vocabulary.key(node) in vocabulary.sizes:
        less = S.Sum((node, S.Number("1")), ("+", "-"), span_of(node))
        yield Change(S.Group("(", less), table.COUNT, (node, less), span_of(node))
    if isinstance(node, S.Sum) and len(node.terms) == 2 and node.terms[1] == S.Number("1") and node.signs[0] == "+":
        first = node.terms[0]
        if vocabulary.key(first) in vocabulary.sizes:
            yield Change(first, table.COUNT, (node, first), node.span)


def _means(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A sum for a mean, wherever it stands."""
    if isinstance(node, S.BigOperator) and node.operator == "sum":
        for size in vocabulary.factors:
            if isinstance(size, S.Fraction) and vocabulary.key(size.denominator) in vocabulary.sizes:
                yield Change(_times(size, node), table.FACTOR_MISSING, (size, node), node.span)


def _deltas(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
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


# -- brackets and sums -----------------------------------------------------------------------------------------------


def _brackets_missing(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``a b + c + d`` for ``a (b + c + d)``: the leading factors of a term go to those after it too."""
    if not isinstance(node, S.Sum):
        return
    for k, term in enumerate(node.terms[:-1]):
        if not isinstance(term, S.Product) or "/" in term.operators:
            continue
        for m in range(1, len(term.factors)):
            lead = term.factors[0] if m == 1 else S.Product(term.factors[:m], term.operators[: m - 1])
            rest = term.factors[m] if m == len(term.factors) - 1 else S.Product(term.factors[m:], term.operators[m:])
            span = span_of(term.factors[0]).join(span_of(term.factors[m - 1]))
            for end in range(len(node.terms), k + 1, -1):
                inside = S.Sum((rest, *node.terms[k + 1 : end]), ("+", *node.signs[k + 1 : end]))
                whole = S.Product((lead, S.Group("(", inside)), ("",))
                terms = (*node.terms[:k], whole, *node.terms[end:])
                signs = (*node.signs[: k + 1], *node.signs[end:])
                yield Change(S.Sum(terms, signs, node.span), table.FIRST_TERM_ONLY, (lead, rest), span)


def _sum_reaches_further(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``\\sum_i a + b`` for ``\\sum_i (a + b)``."""
    if not isinstance(node, S.Sum):
        return
    for k, term in enumerate(node.terms[:-1]):
        last = term.factors[-1] if isinstance(term, S.Product) else term
        if isinstance(last, S.BigOperator):
            for end in range(len(node.terms), k + 1, -1):
                inside = S.Sum((last.body, *node.terms[k + 1 : end]), ("+", *node.signs[k + 1 : end]))
                longer = replace(last, body=S.Group("(", inside))
                new = _replaced(term, len(term.factors) - 1, longer) if isinstance(term, S.Product) else longer
                terms = (*node.terms[:k], new, *node.terms[end:])
                signs = (*node.signs[: k + 1], *node.signs[end:])
                message = (S.BigOperator(last.operator, last.lower, None, S.Ellipsis()), last.body)
                yield Change(S.Sum(terms, signs, node.span), table.FIRST_TERM_ONLY, message, last.span)


def _brackets_extra(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """``a (b + c)`` for ``a b + c``."""
    if not isinstance(node, S.Product) or "/" in node.operators or len(node.factors) < 2:
        return
    last = node.factors[-1]
    if not isinstance(last, S.Group) or not isinstance(last.body, S.Sum) or len(last.body.terms) < 2:
        return
    lead = _product_without(node, len(node.factors) - 1)
    inside = last.body
    for k in range(1, len(inside.terms)):
        head, tail = _part(inside, 0, k), _part(inside, k, len(inside.terms))
        for multiplied, left in ((head, tail), (tail, head)):
            first = _times(lead, S.Group("(", multiplied))
            new = S.Group("(", S.Sum((first, S.Group("(", left)), ("+", "+"), node.span))
            yield Change(new, table.TOO_FAR, (lead, left), last.span)


def _part(node: S.Sum, start: int, end: int) -> S.Sum:
    """Some of the terms of a sum."""
    return S.Sum(node.terms[start:end], node.signs[start:end])


def _sums_extra(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if isinstance(node, S.BigOperator) and node.operator == "sum":
        yield Change(S.Group("(", node.body), table.SUM_EXTRA, (node,), node.span)


def _sums_missing(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """A sum around a term, or around a factor and those after it."""
    if isinstance(node, S.Sum) and len(node.terms) > 1:
        for k, term in enumerate(node.terms):
            for letter, summed in _summed(term, vocabulary):
                terms = (*node.terms[:k], summed, *node.terms[k + 1 :])
                yield Change(replace(node, terms=terms), table.SUM_MISSING, (letter, term), span_of(term))
    elif isinstance(node, S.Product) and "/" not in node.operators:
        for k in range(1, len(node.factors)):
            rest = node.factors[k] if k == len(node.factors) - 1 else S.Product(node.factors[k:], node.operators[k:])
            span = span_of(node.factors[k]).join(span_of(node.factors[-1]))
            for letter, summed in _summed(rest, vocabulary):
                product = S.Product((*node.factors[:k], summed), node.operators[:k], node.span)
                yield Change(product, table.SUM_MISSING, (letter, rest), span)


def _whole_sum(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    for letter, summed in _summed(node, vocabulary):
        yield Change(summed, table.SUM_MISSING, (letter, node), span_of(node))


def _summed(node: Node, vocabulary: Vocabulary) -> Iterator[tuple[str, Node]]:
    """A sum over a letter of an expression, or over a new letter that takes its place."""
    own = [letter for letter in vocabulary.letters if _mentions(node, letter)]
    for letter in own:
        yield letter, S.BigOperator("sum", S.Symbol(letter), None, S.Group("(", node), span_of(node))
    for letter in own:
        for other in vocabulary.letters:
            if other not in own:
                body = S.Group("(", renamed(node, letter, other))
                yield other, S.BigOperator("sum", S.Symbol(other), None, body, span_of(node))


# -- matrices --------------------------------------------------------------------------------------------------------


def _transposes(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    if isinstance(node, S.Script) and node.sup in _TRANSPOSED:
        bare = _without_power(node)
        yield Change(bare, table.TRANSPOSE, (node, bare), node.span)
    elif vocabulary.key(node) in vocabulary.names and isinstance(node, S.Symbol | S.Accent):
        new = S.Script(node, None, S.Symbol("\\top"), 0, span_of(node))
        yield Change(new, table.TRANSPOSE, (node, new), span_of(node))


def _orders(node: Node, vocabulary: Vocabulary) -> Iterator[Change]:
    """Two neighbouring factors in the other order."""
    if not isinstance(node, S.Product) or any(node.operators):
        return
    for k in range(len(node.factors) - 1):
        a, b = node.factors[k : k + 2]
        factors = (*node.factors[:k], b, a, *node.factors[k + 2 :])
        swapped = S.Product((b, a), ("",))
        yield Change(replace(node, factors=factors), table.ORDER, (swapped,), span_of(a).join(span_of(b)))


_TRANSPOSED = (S.Symbol("T"), S.Symbol("\\top"), S.Symbol("\\intercal"))

TIERS: tuple[tuple[Rule, ...], ...] = (
    (_signs, _names, _brackets_missing, _exponents, _factors_extra, _sums_extra, _indices, _entries),
    (_addends, _counts, _squares_of_sums, _factors_beside_sums, _deltas, _indices_under_sum, _sum_reaches_further),
    (_means, _factors_missing, _sums_missing, _transposes, _orders, _brackets_extra, _exponents_missing),
)
"""The edits of parts, in tiers: what somebody slips in is likelier than what takes several strokes."""

RULES = tuple(rule for tier in TIERS for rule in tier)

WHOLE: tuple[Rule, ...] = (_whole_sign, _whole_factor, _whole_sum)
"""Edits of an expression as a whole."""

_LINEAR = frozenset({_factors_missing, _sums_missing, _brackets_extra})
"""Edits that are not tried inside of functions."""

_ALLOWED: dict[Where, frozenset[Rule]] = {
    "linear": frozenset(RULES),
    "inside": frozenset(RULES) - _LINEAR,
    "derivative": frozenset({_names, _indices}),
}


# -- parts -----------------------------------------------------------------------------------------------------------


def _times(factor: Node, node: Node) -> Node:
    if isinstance(node, S.Sum):
        sign, inner = (node.signs[0], node.terms[0]) if len(node.terms) == 1 else ("", node)
        if sign:
            return S.Sum((_times(factor, inner),), (sign,), span_of(node))
        node = S.Group("(", node)
    factor = _bracketed(factor)
    if isinstance(node, S.Product):
        return S.Product((factor, *node.factors), ("", *node.operators), span_of(node))
    return S.Product((factor, node), ("",), span_of(node))


def _bracketed(node: Node) -> Node:
    return S.Group("(", node, span_of(node)) if isinstance(node, S.Sum) else node


def _unbracketed(node: Node) -> Node:
    while isinstance(node, S.Group | S.Decoration):
        node = node.body
    return node


def _mentions(node: Node, letter: str) -> bool:
    return any(isinstance(inner, S.Symbol) and inner.name == letter for inner in node.walk())


def _number(node: Node) -> Fraction | None:
    """The value of a numeric exponent."""
    if isinstance(node, S.Number):
        return Fraction(node.text)
    if isinstance(node, S.Group | S.Decoration):
        return _number(node.body)
    if isinstance(node, S.Sum):
        values = [_number(term) for term in node.terms]
        return (
            sum((-v if s == "-" else v for s, v in zip(node.signs, values, strict=True) if v is not None), Fraction(0))
            if None not in values
            else None
        )
    if isinstance(node, S.Fraction):
        return _ratio(node.numerator, node.denominator)
    if isinstance(node, S.Product) and node.operators == ("/",):
        return _ratio(*node.factors)
    return None


def _is_number(node: Node | None) -> bool:
    return node is not None and _number(node) is not None


def _ratio(above: Node, below: Node) -> Fraction | None:
    a, b = _number(above), _number(below)
    return a / b if a is not None and b else None


def _exponent(value: Fraction) -> Node:
    number: Node = S.Number(str(abs(value.numerator)))
    if value.denominator != 1:
        number = S.Product((number, S.Number(str(value.denominator))), ("/",))
    return S.Sum((number,), ("-",)) if value < 0 else number


def shown(part: Node | str) -> str:
    """A part of a formula in a message, without brackets around the whole of it."""
    if isinstance(part, S.Group) and part.opening in ("(", "["):
        part = part.body
    text = plain(part) if isinstance(part, Node) else part
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
