"""Both sides of a claim at random data, by floating point and differences: shares no code with either judge.

A derivative is the slope when one entry is nudged. In the total reading the nudge goes through
everything computed from that entry; in the partial reading the other named values stay as they were.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from graphs import Values
from sympy import Expr, Symbol

from derive.forward import Graph
from derive.language import D, indices_of, name_of
from derive.problem import Pair

STEP = 1e-4
PLACES = 6
"""How many values of the free indices are tried."""
Place = tuple[str, tuple[int, ...]]


@dataclass
class Nudged(Values):
    """Values of a forward pass with one entry moved by a little.

    Args:
        graph: the forward pass; an undefined loss is a weighted sum of its outputs.
        reading: ``total`` or ``partial``, for derivatives met on the way.
        held: values of named intermediates that do not follow the nudge.
    """

    graph: Graph = field(default_factory=lambda: Graph(()))
    reading: str = "total"
    place: Place | None = None
    step: float = 0.0
    held: Mapping[Place, float] | None = None

    def entry(self, name: str, indices: tuple[int, ...]) -> Any:
        nudge = self.step if (name, indices) == self.place else 0.0
        if self.held is not None and name in self.definitions:
            if (name, indices) not in self.held:
                self.held = {**self.held, (name, indices): self._plain().entry(name, indices)}
            return self.held[name, indices] + nudge
        if name == self.graph.loss and not self.graph.has_loss:
            return self._functional()
        return super().entry(name, indices) + nudge

    def _compound(self, expr: Expr, env: Mapping[Symbol, int]) -> Any:
        if isinstance(expr, D):
            return self._slope(expr, env)
        return super()._compound(expr, env)

    def _plain(self) -> Nudged:
        return Nudged(self.definitions, self.data, self.sizes, self.lib, {}, self.graph)

    def _slope(self, expr: Expr, env: Mapping[Symbol, int]) -> float:
        """Central differences of fourth order."""
        of, by = expr.args[:2]
        place = name_of(by), tuple(int(self(n, env)) for n in indices_of(by))
        weights = {1: 8.0, -1: -8.0, 2: -1.0, -2: 1.0}
        return sum(w * self._moved(place, k * STEP, of, env) for k, w in weights.items()) / (12 * STEP)

    def _moved(self, place: Place, step: float, of: Expr, env: Mapping[Symbol, int]) -> float:
        loss = name_of(of) == self.graph.loss if not indices_of(of) and isinstance(of, Symbol) else False
        partial = self.reading == "partial" and not loss
        moved = Nudged(self.definitions, self.data, self.sizes, self.lib, {}, self.graph, self.reading, place, step)
        if not partial:
            return float(moved(of, env))
        moved.held = {}
        name = name_of(of) if isinstance(of, Symbol | sympy.Indexed) else ""
        if name not in self.definitions:
            return float(moved(of, env))
        indices = tuple(int(self(n, env)) for n in indices_of(of))
        if (name, indices) == place:
            return float(moved.entry(name, indices))
        definition = self.definitions[name]
        return float(moved(definition.expr, dict(zip(definition.indices, indices, strict=True))))

    def _functional(self) -> float:
        """The undefined loss: a weighted sum of the outputs, with weights that depend on the name and the place."""
        found = 0.0
        for name in self.graph.outputs:
            shape = [int(self(n, {})) for n in self.graph.sizes_of(name)]
            for place in itertools.product(*(range(1, n + 1) for n in shape)):
                found += _weight(name, place) * self.entry(name, place)
        return found


def _weight(name: str, place: tuple[int, ...]) -> float:
    return zlib.crc32(f"{name}{place}".encode()) / 2**31 - 1


def differences(pair: Pair, graph: Graph, reading: str, seed: int) -> Iterator[float]:
    """The relative difference of the two sides at each value of the free indices.

    Sizes are 3 and 4 in turn; inputs are random, positive where they must be.
    """
    sizes = _sizes(pair, graph)
    random = np.random.default_rng(seed)
    data: dict[Place, float] = {}

    def value(name: str, place: tuple[int, ...]) -> float:
        if (name, place) not in data:
            number = float(random.uniform(0.3, 1.7))
            data[name, place] = number if name in graph.positive else number * float(random.choice((-1, 1)))
        return data[name, place]

    definitions = dict(graph.by_name.items())
    values = Nudged(definitions, value, sizes, graph=graph, reading=reading)
    ranges = [range(1, int(values(n, {})) + 1) for n in pair.sizes]
    places = list(itertools.product(*ranges))
    for place in random.permutation(len(places))[:PLACES].tolist():
        env = dict(zip(pair.indices, places[place], strict=True))
        if not all((values(a, env) == values(b, env)) == equal for a, b, equal in pair.conditions):
            continue
        left, right = values(pair.left, env), values(pair.right, env)
        if isinstance(left, complex) or isinstance(right, complex):
            continue  # outside the domain
        yield abs(left - right) / (1 + abs(left) + abs(right))


def _sizes(pair: Pair, graph: Graph) -> dict[str, int]:
    known = [s for sizes in graph.sizes.values() for s in sizes] + [s for d in graph.definitions for s in d.sizes]
    found = {s.name for expr in (*known, *pair.sizes, pair.left, pair.right) for s in _size_symbols(expr)}
    for definition in graph.definitions:
        found |= {s.name for s in _size_symbols(definition.expr)}
    return {name: 3 + k % 2 for k, name in enumerate(sorted(found))}


def _size_symbols(expr: Expr) -> set[Symbol]:
    return {s for s in expr.free_symbols if isinstance(s, Symbol) and s.is_integer and s.is_positive}
