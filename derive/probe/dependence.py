"""Whether the difference of a claim's sides depends on some of the data.

A difference that stays the same whatever those data are is one that they have nothing to do with: the claim is false
without knowing them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from derive.forward import Graph, entry
from derive.language import index
from derive.opaque import is_held, name_held
from derive.probe.arithmetic import Floats, OutOfDomain
from derive.probe.code import NotEvaluable, TooLarge
from derive.probe.data import Point, Style
from derive.probe.evaluation import Evaluator
from derive.probe.points import Claim, Reading, assignments, size_values

STYLES: tuple[Style, ...] = ("generic", "positive")
DRAWS = 3
PLACES = 6
TOLERANCE = 1e-9


def depends_on(claim: Claim, graph: Graph, reading: Reading, is_open: Callable[[str], bool]) -> bool:
    """Whether other values of the data whose names are open change the difference of a claim's sides anywhere; said
    too where that cannot be found out."""
    try:
        sizes = size_values(claim, graph, distinct=not claim.equal)
        points = (Point(graph, sizes, 7 + k, style) for k, style in enumerate(STYLES))
        found = [_changes(claim, graph, reading, is_open, point) for point in points]
        return any(found) or all(change is None for change in found)
    except (NotEvaluable, TooLarge):
        return True


def _changes(claim: Claim, graph: Graph, reading: Reading, is_open: Callable[[str], bool], point: Point) -> bool | None:
    """Whether the difference changes at a point; None where the sides have no value there."""
    draws = [_evaluator(graph, point, reading, is_open, draw) for draw in range(DRAWS)]
    for k, indices in enumerate(assignments(claim, draws[0])):
        if k == PLACES:
            break
        found = []
        for evaluator in draws:
            try:
                sides = (evaluator.value(claim.left, indices), evaluator.value(claim.right, indices))
            except OutOfDomain:
                return None
            if not all(isinstance(side, float) and math.isfinite(side) for side in sides):
                return True
            found.append(sides)
        scale = TOLERANCE * max(1.0, *(abs(side) for sides in found for side in sides))
        differences = [left - right for left, right in found]
        if max(differences) - min(differences) > scale:
            return True
    return False


def _evaluator(graph: Graph, point: Point, reading: Reading, is_open: Callable[[str], bool], draw: int) -> Evaluator:
    """Values at a point with the open data drawn once more; what is held there is what the name is."""
    other = Point(graph, point.sizes, point.seed + 100 * (draw + 1), point.style)

    def data(name: str, indices: tuple[int, ...]) -> Fraction:
        if is_held(name):
            letters = tuple(index(f"at_{{{k}}}") for k in range(len(indices)))
            value = at_rest.value(entry(name_held(name), letters), dict(zip(letters, indices, strict=True)))
            return Fraction(value)
        return (other if is_open(name) else point).data(name, indices)

    at_rest = Evaluator(graph, point.sizes, data, Floats(), reading)
    return Evaluator(graph, point.sizes, data, Floats(), reading)
