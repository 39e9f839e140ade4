"""Expressions over named arrays, each entry with its indices: what is meant, before it is written in any way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Index:
    """A letter that runs over an axis; ``nth`` tells the letters of one axis apart."""

    axis: str
    nth: int = 0


class Expression:
    """A node; numbers and operators make trees of nodes."""

    def __add__(self, other: Operand) -> Expression:
        return plus(self, tree(other))

    def __radd__(self, other: Operand) -> Expression:
        return plus(tree(other), self)

    def __sub__(self, other: Operand) -> Expression:
        return plus(self, times(Number(Fraction(-1)), tree(other)))

    def __rsub__(self, other: Operand) -> Expression:
        return plus(tree(other), times(Number(Fraction(-1)), self))

    def __neg__(self) -> Expression:
        return times(Number(Fraction(-1)), self)

    def __mul__(self, other: Operand) -> Expression:
        return times(self, tree(other))

    def __rmul__(self, other: Operand) -> Expression:
        return times(tree(other), self)

    def __truediv__(self, other: Operand) -> Expression:
        return times(self, power(tree(other), Fraction(-1)))

    def __rtruediv__(self, other: Operand) -> Expression:
        return times(tree(other), power(self, Fraction(-1)))

    def __pow__(self, exponent: int | Fraction) -> Expression:
        return power(self, Fraction(exponent))


Operand = Expression | int | Fraction


@dataclass(frozen=True)
class Number(Expression):
    value: Fraction


@dataclass(frozen=True)
class Length(Expression):
    """How many entries an axis has."""

    axis: str


@dataclass(frozen=True)
class Entry(Expression):
    name: str
    at: tuple[Index, ...] = ()


@dataclass(frozen=True)
class Adjoint(Expression):
    """The derivative of the loss by an entry."""

    name: str
    at: tuple[Index, ...] = ()


@dataclass(frozen=True)
class Local(Expression):
    """The derivative of one entry by another."""

    top: Entry
    bottom: Entry


@dataclass(frozen=True)
class Plus(Expression):
    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Times(Expression):
    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Power(Expression):
    base: Expression
    exponent: Fraction


@dataclass(frozen=True)
class Sum(Expression):
    index: Index
    body: Expression


@dataclass(frozen=True)
class Call(Expression):
    function: str
    argument: Expression


@dataclass(frozen=True)
class Same(Expression):
    """1 where two indices are the same, else 0."""

    one: Index
    other: Index


ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))


def tree(value: Operand) -> Expression:
    return value if isinstance(value, Expression) else Number(Fraction(value))


def plus(*terms: Expression) -> Expression:
    """A sum, flat and without zeros."""
    flat: list[Expression] = []
    for term in terms:
        flat += term.terms if isinstance(term, Plus) else [term]
    kept = tuple(term for term in flat if term != ZERO)
    return Plus(kept) if len(kept) > 1 else kept[0] if kept else ZERO


def times(*factors: Expression) -> Expression:
    """A product, flat, with its numbers in front as one."""
    flat: list[Expression] = []
    for factor in factors:
        flat += factor.factors if isinstance(factor, Times) else [factor]
    number = Fraction(1)
    for factor in flat:
        number *= factor.value if isinstance(factor, Number) else 1
    rest = [factor for factor in flat if not isinstance(factor, Number)]
    if not number:
        return ZERO
    kept = ([Number(number)] if number != 1 or not rest else []) + rest
    return Times(tuple(kept)) if len(kept) > 1 else kept[0]


def power(base: Expression, exponent: Fraction) -> Expression:
    if exponent == 1 or base == ONE:
        return base
    if isinstance(base, Number) and exponent.denominator == 1:
        return Number(base.value**exponent.numerator)
    if isinstance(base, Times) and exponent == -1:
        return times(*(power(factor, exponent) for factor in base.factors))
    if isinstance(base, Power) and exponent == -1:
        return power(base.base, -base.exponent)
    return Power(base, exponent)


def total(index: Index, body: Expression) -> Expression:
    """A sum over an index; what equals another index is put in, factors without it stand before the sum."""
    if isinstance(body, Plus) and any(isinstance(part, Same) for part in parts(body)):
        return plus(*(total(index, term) for term in body.terms))
    factors = body.factors if isinstance(body, Times) else (body,)
    for factor in factors:
        if isinstance(factor, Same) and index in (factor.one, factor.other):
            other = factor.other if factor.one == index else factor.one
            rest = times(*(f for f in factors if f is not factor))
            return renamed(rest, {index: other})
    inside = [f for f in factors if index in free(f)]
    outside = [f for f in factors if index not in free(f)]
    if not inside:
        return times(*outside, Length(index.axis))
    return times(*outside, Sum(index, times(*inside)))


def children(node: Expression) -> tuple[Expression, ...]:
    match node:
        case Plus(terms):
            return terms
        case Times(factors):
            return factors
        case Power(base, _):
            return (base,)
        case Sum(_, body):
            return (body,)
        case Call(_, argument):
            return (argument,)
        case _:
            return ()


def rebuilt(node: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The node with its children changed, simplified anew."""
    match node:
        case Plus(terms):
            return plus(*map(change, terms))
        case Times(factors):
            return times(*map(change, factors))
        case Power(base, exponent):
            return power(change(base), exponent)
        case Sum(index, body):
            return total(index, change(body))
        case Call(function, argument):
            return Call(function, change(argument))
        case _:
            return node


def parts(node: Expression) -> Iterator[Expression]:
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from parts(child)


def free(node: Expression) -> frozenset[Index]:
    """The indices that an expression has of its own."""
    match node:
        case Entry(_, at) | Adjoint(_, at):
            return frozenset(at)
        case Local(top, bottom):
            return frozenset(top.at) | frozenset(bottom.at)
        case Same(one, other):
            return frozenset((one, other))
        case Sum(index, body):
            return free(body) - {index}
        case _:
            return frozenset().union(*map(free, children(node)))


def renamed(node: Expression, letters: dict[Index, Index]) -> Expression:
    """The node with other letters for its free indices; a bound letter that would be caught makes way."""
    match node:
        case Entry(name, at):
            return Entry(name, tuple(letters.get(i, i) for i in at))
        case Adjoint(name, at):
            return Adjoint(name, tuple(letters.get(i, i) for i in at))
        case Local(top, bottom):
            return Local(*(Entry(e.name, tuple(letters.get(i, i) for i in e.at)) for e in (top, bottom)))
        case Same(one, other):
            first, second = letters.get(one, one), letters.get(other, other)
            return ONE if first == second else Same(first, second)
        case Sum(index, body):
            inner = {old: new for old, new in letters.items() if old != index}
            if index in inner.values() or index in free(node):
                fresh = unused(index, [*inner, *inner.values(), *free(body)])
                return total(fresh, renamed(body, {**inner, index: fresh}))
            return total(index, renamed(body, inner))
        case _:
            return rebuilt(node, lambda child: renamed(child, letters))


def unused(index: Index, taken: list[Index]) -> Index:
    """A letter of the same axis that is not taken."""
    nth = 0
    while Index(index.axis, nth) in taken:
        nth += 1
    return Index(index.axis, nth)


def every(node: Expression) -> set[Index]:
    """All indices, bound ones too."""
    return set(free(node)) | {part.index for part in parts(node) if isinstance(part, Sum)}


def tidy(node: Expression, taken: frozenset[Index] = frozenset()) -> Expression:
    """Each sum with the first letter that means nothing else where it stands."""
    taken |= free(node)
    if isinstance(node, Sum):
        spare = Index(node.index.axis, 1 + max(i.nth for i in (*every(node), *taken, node.index)))
        letter = unused(node.index, sorted(taken, key=lambda i: (i.axis, i.nth)))
        inner = tidy(renamed(node.body, {node.index: spare}), taken | {letter})
        return Sum(letter, renamed(inner, {spare: letter}))
    return rebuilt(node, lambda child: tidy(child, taken))
