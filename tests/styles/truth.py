"""What is true of a forward pass, with numbers: derivatives are differences of the values, and nothing else."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from functools import cache

from styles.derivation import Claim, Pass
from styles.expressions import (
    Adjoint,
    Call,
    Entry,
    Expression,
    Index,
    Length,
    Local,
    Number,
    Plus,
    Power,
    Same,
    Sum,
    Times,
    free,
)

STEP = 1e-5
NEAR = 1e-6
FAR = 1e-3
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": lambda u: math.log(u) if u > 0 else math.nan,
    "tanh": math.tanh,
    "sigmoid": lambda u: 1 / (1 + math.exp(-u)),
    "sin": math.sin,
    "cos": math.cos,
}

Place = tuple[str, tuple[int, ...]]


class World:
    """A forward pass on data of some sizes."""

    def __init__(self, forward: Pass, seed: int) -> None:
        draw = random.Random(seed)
        self.forward = forward
        self.sizes = {axis: 3 + (k + seed) % 3 for k, axis in enumerate(forward.axes)}
        self.data: dict[Place, float] = {}
        for name, axes in forward.data.items():
            for at in self.places(axes):
                self.data[name, at] = _value(forward.kinds.get(name, "any"), draw)
        self._chosen(draw)
        last = forward.definitions[-1]
        self.upstream = {at: draw.uniform(-2, 2) for at in self.places(forward.axes_of(last.name))}
        self.values: dict[Place, float] = {}
        self._slopes: dict[Expression, float] = {}

    def _chosen(self, draw: random.Random) -> None:
        """One-hot data: along the last axis one entry is 1."""
        for name, kind in self.forward.kinds.items():
            if kind == "onehot":
                *rest, last = self.forward.data[name]
                for at in self.places(tuple(rest)):
                    one = draw.randrange(self.sizes[last])
                    for k in range(self.sizes[last]):
                        self.data[name, (*at, k)] = float(k == one)

    def places(self, axes: tuple[str, ...]) -> list[tuple[int, ...]]:
        return list(itertools.product(*(range(self.sizes[axis]) for axis in axes)))

    # -- values --------------------------------------------------------------------------------------------------

    def entry(self, place: Place, shifted: dict[Place, float], known: dict[Place, float]) -> float:
        """The value of an entry where some entries are shifted and some are known."""
        if place not in known:
            name, at = place
            definition = self.forward.of(name)
            if definition is None:
                value = self.data[place]
            else:
                value = self.value(definition.value, dict(zip(definition.at, at, strict=True)), shifted, known)
            known[place] = value + shifted.get(place, 0.0)
        return known[place]

    def value(
        self, node: Expression, at: dict[Index, int], shifted: dict[Place, float], known: dict[Place, float]
    ) -> float:
        def inner(child: Expression, where: dict[Index, int] = at) -> float:
            return self.value(child, where, shifted, known)

        match node:
            case Number(number):
                return float(number)
            case Length(axis):
                return float(self.sizes[axis])
            case Entry(name, indices):
                return self.entry((name, tuple(at[i] for i in indices)), shifted, known)
            case Plus(terms):
                return sum(map(inner, terms))
            case Times(factors):
                return math.prod(map(inner, factors))
            case Power(base, exponent):
                whole = exponent.denominator == 1
                value = inner(base)
                if value == 0 > exponent or (value < 0 and not whole):
                    return math.nan
                return value ** (exponent.numerator if whole else float(exponent))
            case Sum(index, body):
                return sum(inner(body, {**at, index: k}) for k in range(self.sizes[index.axis]))
            case Call(function, argument):
                return FUNCTIONS[function](inner(argument))
            case Same(one, other):
                return float(at[one] == at[other])
            case Adjoint(name, indices):
                return self.adjoint(name, tuple(at[i] for i in indices))
            case Local(top, bottom):
                return self.slope(_place(top, at), _place(bottom, at), total=False)  # as the chain rule has it
            case _:
                raise TypeError(node)

    # -- derivatives ---------------------------------------------------------------------------------------------

    def loss(self, shifted: dict[Place, float]) -> float:
        known: dict[Place, float] = {}
        if self.forward.loss is not None:
            return self.entry((self.forward.loss, ()), shifted, known)
        last = self.forward.definitions[-1].name
        return sum(g * self.entry((last, at), shifted, known) for at, g in self.upstream.items())

    def adjoint(self, name: str, at: tuple[int, ...]) -> float:
        return self._difference(("L", name, at), lambda h: self.loss({(name, at): h}))

    def slope(self, top: Place, bottom: Place, total: bool) -> float:
        if total:
            return self._difference((top, bottom), lambda h: self.entry(top, {bottom: h}, {}))
        return self._difference((top, bottom, "partial"), lambda h: self._direct(top, bottom, h))

    def _direct(self, top: Place, bottom: Place, h: float) -> float:
        """The value of a definition where one entry that it uses is shifted, all other names being held."""
        known: dict[Place, float] = {}
        self.entry(top, {}, known)
        known[bottom] = self.entry(bottom, {}, known) + h
        definition = self.forward.of(top[0])
        assert definition is not None
        return self.value(definition.value, dict(zip(definition.at, top[1], strict=True)), {}, known)

    def _difference(self, key: object, at: Callable[[float], float]) -> float:
        known: dict[object, float] = self._slopes  # type: ignore[assignment]
        if key not in known:
            known[key] = (at(STEP) - at(-STEP)) / (2 * STEP)
        return known[key]

    # -- claims --------------------------------------------------------------------------------------------------

    def apart(self, claim: Claim, total: bool) -> float:
        """How far the two sides of a claim are apart at most."""
        indices = sorted(free(claim.left) | free(claim.right), key=lambda i: (i.axis, i.nth))
        worst = 0.0
        for places in itertools.product(*(range(self.sizes[i.axis]) for i in indices)):
            at = dict(zip(indices, places, strict=True))
            right = self.value(claim.right, at, {}, self.values)
            match claim.left:
                case Adjoint(name, where):
                    left = self.adjoint(name, tuple(at[i] for i in where))
                case Local(top, bottom):
                    left = self.slope(_place(top, at), _place(bottom, at), total)
            worst = max(worst, abs(left - right) / (1 + abs(left))) if right == right else math.nan
            if math.isnan(worst):
                break
        return worst


def _place(entry: Entry, at: dict[Index, int]) -> Place:
    return entry.name, tuple(at[i] for i in entry.at)


def _value(kind: str, draw: random.Random) -> float:
    match kind:
        case "positive":
            return draw.uniform(0.3, 1.5)
        case "binary":
            return float(draw.random() < 0.5)
        case _:
            return draw.uniform(-1.5, 1.5)


@cache
def worlds(forward: Pass) -> tuple[World, ...]:
    return World(forward, 0), World(forward, 1)


def holds(claim: Claim, forward: Pass) -> bool | None:
    """Whether a claim is true: in one of the meanings of ∂, everywhere; None where the numbers do not tell."""
    totals = (True, False) if isinstance(claim.left, Local) else (True,)
    found = [max(world.apart(claim, total) for world in worlds(forward)) for total in totals]
    if min(found) < NEAR:
        return True
    return False if min(found) > FAR else None
