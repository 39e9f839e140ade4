"""Forward passes, and their derivatives by the rules of the calculus: what a page has to say, line by line."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from styles.expressions import (
    ONE,
    ZERO,
    Adjoint,
    Call,
    Entry,
    Expression,
    Index,
    Local,
    Number,
    Plus,
    Power,
    Same,
    Sum,
    Times,
    every,
    free,
    parts,
    plus,
    power,
    rebuilt,
    renamed,
    tidy,
    times,
    total,
    unused,
)


@dataclass(frozen=True)
class Definition:
    name: str
    at: tuple[Index, ...]
    value: Expression

    @property
    def entry(self) -> Entry:
        return Entry(self.name, self.at)


@dataclass(frozen=True)
class Closed:
    """A derivative in a form that no rule gives at once: the formula that people write down."""

    left: Adjoint | Local
    right: Expression


@dataclass(frozen=True, eq=False)
class Pass:
    """A forward pass.

    Attributes:
        data: what is not defined, by name, with the axes of each.
        kinds: what values data have, where not any: positive, binary, onehot or distribution.
        spellings: for each name the ways to write it, one for each choice of letters.
        loss: the definition that is the loss, where it is one of them; else the last one is the output.
        has_loss: whether anything is said of a loss.
    """

    title: str
    data: dict[str, tuple[str, ...]]
    definitions: tuple[Definition, ...]
    spellings: dict[str, tuple[str, ...]]
    kinds: dict[str, str]
    closed: tuple[Closed, ...] = ()
    loss: str | None = None
    has_loss: bool = True

    def of(self, name: str) -> Definition | None:
        return next((d for d in self.definitions if d.name == name), None)

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes in the order in which they appear."""
        found: dict[str, None] = {}
        for names in self.data.values():
            found |= dict.fromkeys(names)
        for definition in self.definitions:
            found |= dict.fromkeys(sorted(index.axis for index in every(definition.value)))
        return tuple(found)

    def axes_of(self, name: str) -> tuple[str, ...]:
        definition = self.of(name)
        return self.data[name] if definition is None else tuple(index.axis for index in definition.at)


@dataclass(frozen=True)
class Claim:
    """An equation about a derivative; ``way`` is the chain rule that leads to its right side, where there is one."""

    left: Adjoint | Local
    right: Expression
    kind: str
    way: Expression | None = None
    is_right: bool = True


# -- derivatives -----------------------------------------------------------------------------------------------------


def by(node: Expression, name: str, at: tuple[Index, ...]) -> Expression:
    """The derivative of an expression by an entry of a name, other names held fixed."""
    match node:
        case Entry(own, where):
            return (
                times(*(Same(a, b) if a != b else ONE for a, b in zip(where, at, strict=True))) if own == name else ZERO
            )
        case Plus(terms):
            return plus(*(by(term, name, at) for term in terms))
        case Times(factors):
            return plus(
                *(times(*factors[:k], by(factor, name, at), *factors[k + 1 :]) for k, factor in enumerate(factors))
            )
        case Power(base, exponent):
            return times(Number(exponent), power(base, exponent - 1), by(base, name, at))
        case Sum(index, body):
            if index in at:
                fresh = unused(index, [*at, *every(body)])
                index, body = fresh, renamed(body, {index: fresh})
            return total(index, by(body, name, at))
        case Call(function, argument):
            return times(slope(function, argument), by(argument, name, at))
        case _:
            return ZERO


def slope(function: str, u: Expression) -> Expression:
    """The derivative of a function at its argument."""
    value = Call(function, u)
    match function:
        case "exp":
            return value
        case "log":
            return power(u, Fraction(-1))
        case "tanh":
            return 1 - value**2
        case "sigmoid":
            return value * (1 - value)
        case "sin":
            return Call("cos", u)
        case _:
            raise ValueError(function)


def in_terms_of_itself(value: Expression, definition: Definition) -> Expression:
    """An expression with a function's value written as the name that it has."""
    if value == definition.value and isinstance(value, Call):
        return definition.entry
    return rebuilt(value, lambda child: in_terms_of_itself(child, definition))


def local(forward: Pass, definition: Definition, name: str, at: tuple[Index, ...]) -> Expression:
    return in_terms_of_itself(by(definition.value, name, at), definition)


# -- claims ----------------------------------------------------------------------------------------------------------


def letters(axes: tuple[str, ...]) -> tuple[Index, ...]:
    """An index for each axis."""
    found: list[Index] = []
    for axis in axes:
        found.append(unused(Index(axis), found))
    return tuple(found)


def fresh(definition: Definition, taken: tuple[Index, ...]) -> Definition:
    """A definition for an entry with other letters than those taken."""
    new: dict[Index, Index] = {}
    for index in definition.at:
        new[index] = unused(index, [*taken, *new.values()])
    value = definition.value
    for bound in {part.index for part in parts(value) if isinstance(part, Sum)} & set(new.values()):
        value = tidy(value)
        assert bound
    return Definition(definition.name, tuple(new[i] for i in definition.at), renamed(value, new))


def stage(forward: Pass, name: str) -> Claim | None:
    """A name's adjoint by those of the names that are made of it."""
    at = letters(forward.axes_of(name))
    found, way, is_direct = ZERO, ZERO, False
    for consumer in reversed(forward.definitions):
        used = fresh(consumer, at)
        slope_here = local(forward, used, name, at)
        if slope_here == ZERO:
            continue
        if consumer.name == forward.loss:
            found, is_direct = plus(found, slope_here), True
            continue
        value = times(Adjoint(used.name, used.at), slope_here)
        rule = times(Adjoint(used.name, used.at), Local(used.entry, Entry(name, at)))
        for index in used.at:
            value = total(index, value)
            own = next((a for a in at if linked(slope_here, index, a)), None)
            rule = total(index, rule) if own is None else renamed(rule, {index: own})
        found, way = plus(found, value), plus(way, rule)
    if found == ZERO:
        return None
    return Claim(Adjoint(name, at), tidy(found), "stage", tidy(way) if way != ZERO and not is_direct else None)


def linked(slope_here: Expression, index: Index, own: Index) -> bool:
    """Whether a derivative is 0 unless two indices are the same."""
    factors = slope_here.factors if isinstance(slope_here, Times) else (slope_here,)
    return any(isinstance(f, Same) and {f.one, f.other} == {index, own} for f in factors)


def locals_of(forward: Pass) -> Iterator[Claim]:
    """The derivatives of the definitions by what they are made of."""
    for definition in (one for one in forward.definitions if one.name != forward.loss):
        names = dict.fromkeys(part.name for part in parts(definition.value) if isinstance(part, Entry))
        for name in names:
            at = tuple(Index(i.axis, i.nth) for i in letters(forward.axes_of(name)))
            value = local(forward, definition, name, at)
            if any(isinstance(part, Same) for part in parts(value)):
                continue
            if value != ZERO and free(value) <= set(definition.at) | set(at):
                yield Claim(Local(definition.entry, Entry(name, at)), tidy(value), "local")


def claims(forward: Pass) -> list[Claim]:
    """Everything that a page may say of a forward pass, in the order of a backward pass."""
    known = [*(d.name for d in reversed(forward.definitions)), *forward.data]
    fixed = {name for name, kind in forward.kinds.items() if kind != "any"}
    stages = [stage(forward, name) for name in known if forward.has_loss and name not in {*fixed, forward.loss}]
    found = [claim for claim in stages if claim is not None]
    found += (
        claim for claim in locals_of(forward) if not (isinstance(claim.left, Local) and claim.left.bottom.name in fixed)
    )
    return found + [Claim(closed.left, closed.right, "closed") for closed in forward.closed]


# -- mistakes --------------------------------------------------------------------------------------------------------


def mistakes(node: Expression, forward: Pass, draw: random.Random) -> list[Expression]:
    """The expression with one slip each, in a random order."""
    found = list(dict.fromkeys(slips(node, forward)))
    draw.shuffle(found)
    return found


def slips(node: Expression, forward: Pass) -> Iterator[Expression]:
    yield from own_slips(node, forward)
    match node:
        case Plus(terms):
            for k, term in enumerate(terms):
                yield from (plus(*terms[:k], slip, *terms[k + 1 :]) for slip in slips(term, forward))
        case Times(factors):
            for k, factor in enumerate(factors):
                yield from (times(*factors[:k], slip, *factors[k + 1 :]) for slip in slips(factor, forward))
        case Power(base, exponent):
            yield from (power(slip, exponent) for slip in slips(base, forward))
        case Sum(index, body):
            yield from (total(index, slip) for slip in slips(body, forward))
        case Call(function, argument):
            yield from (Call(function, slip) for slip in slips(argument, forward))


def own_slips(node: Expression, forward: Pass) -> Iterator[Expression]:
    """Slips in the node itself: a sign, a term or factor left out, another number, exponent or name."""
    match node:
        case Plus(terms):
            for k, term in enumerate(terms):
                yield plus(*terms[:k], *terms[k + 1 :])
                yield plus(*terms[:k], -term, *terms[k + 1 :])
        case Times(factors):
            yield -node
            for k, factor in enumerate(factors):
                if not isinstance(factor, Number):
                    yield times(*factors[:k], *factors[k + 1 :])
        case Number(value) if value not in (1, -1):
            yield Number(-value)
            yield Number(value * 2)
            yield Number(1 / value)
        case Power(base, exponent) if exponent.denominator == 2 or exponent > 1 or exponent < -1:
            yield power(base, exponent + 1)
            yield power(base, exponent - 1)
        case Entry(name, at) | Adjoint(name, at):
            for other in [*forward.data, *(d.name for d in forward.definitions)]:
                if other != name and forward.axes_of(other) == forward.axes_of(name):
                    if isinstance(node, Entry) and forward.kinds.get(other, "any") == forward.kinds.get(name, "any"):
                        yield Entry(other, at)
                    elif isinstance(node, Adjoint) and forward.of(other) and other != forward.loss:
                        yield Adjoint(other, at)
