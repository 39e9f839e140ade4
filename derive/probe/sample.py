"""A claim's sides as floats at a few points: a quick look, from which nothing is concluded.

The search for mistakes compares many candidates with one value. Those that differ here are put aside; what agrees is
for the normal form to decide.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sympy import Expr, Symbol

from derive.forward import Graph
from derive.probe.arithmetic import Floats, OutOfDomain
from derive.probe.code import NotEvaluable, TooLarge
from derive.probe.data import Point, Style
from derive.probe.evaluation import Budget, Evaluator, measure
from derive.probe.points import Claim, Reading, assignments, size_values

POINTS: tuple[tuple[Style, bool], ...] = (("generic", True), ("positive", True), ("unit", False))
PLACES_A_POINT = 2
MAX_DISTINCT = 2
"""Of more sizes than that all are 3, lest sums over several axes take too long."""
TOLERANCE = 1e-9
OPERATIONS = 20_000_000


@dataclass(frozen=True)
class Place:
    """A point with values for the free indices, counted from 1."""

    evaluators: Mapping[Reading, Evaluator]
    indices: Mapping[Symbol, int]

    def value(self, expr: Expr, reading: Reading, more: Mapping[Symbol, int] | None = None) -> float | None:
        """The value of an expression, ``more`` indices given; None where it has none."""
        try:
            value = self.evaluators[reading].value(expr, {**self.indices, **more} if more else self.indices)
        except (OutOfDomain, NotEvaluable, TooLarge):
            return None
        return value if isinstance(value, float) and math.isfinite(value) else None

    def size(self, n: Expr) -> int:
        """The value of a size. Raises `NotEvaluable`."""
        return measure(n, self.evaluators["total"].sizes)


Known = dict[tuple[object, ...], Mapping[Reading, Evaluator]]
"""Evaluators by forward pass, seed and sizes: what one claim made them evaluate is there for the next."""


def places(claim: Claim, graph: Graph, known: Known) -> Iterator[Place]:
    """A few places where a claim's left side has a value, letters of one axis both different and equal."""
    few = len(graph.size_names) <= MAX_DISTINCT
    for seed, (style, distinct) in enumerate(POINTS, 1):
        point = Point(graph, size_values(claim, graph, distinct and few), seed, style)
        key = id(graph), seed, *point.sizes.items()
        if key not in known:
            known[key] = _evaluators(graph, point)
        found = 0
        for indices in assignments(claim, known[key]["total"]):
            place = Place(known[key], indices)
            if place.value(claim.left, "total") is not None:
                yield place
                found += 1
            if found == PLACES_A_POINT:
                break


def _evaluators(graph: Graph, point: Point) -> dict[Reading, Evaluator]:
    readings: tuple[Reading, ...] = ("total", "partial")
    return {r: Evaluator(graph, point.sizes, point.data, Floats(), r, Budget(OPERATIONS)) for r in readings}


def close(a: float, b: float) -> bool:
    """Whether two floats are equal up to rounding."""
    return abs(a - b) <= TOLERANCE * max(1.0, abs(a), abs(b))
