"""Random forward graphs and expressions: smooth everywhere, over two axes, with sums, deltas and shared
names."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import sympy
from graphs import SIZES, C, N, c, i
from numpy.typing import NDArray
from sympy import Expr, Symbol

from derive.forward import Definition, Graph, entry
from derive.language import bound, erf, sigmoid, total

AXES = {"N": N, "C": C}
SHAPES: tuple[tuple[str, ...], ...] = ((), ("N",), ("C",), ("N", "C"), ("N", "N"))


def random_graph(seed: int) -> tuple[Graph, dict[str, NDArray[Any]]]:
    """A graph with its inputs' data."""
    random = Random(seed)
    known = {f"x{n}": random.choice(SHAPES) for n in range(random.randint(1, 3))}
    inputs = dict(known)
    definitions = []
    for n in range(random.randint(1, 4)):
        shape = random.choice(SHAPES)
        letters = tuple(sympy.Symbol(f"{axis.lower()}{m}", integer=True) for m, axis in enumerate(shape))
        expr = random_expr(random, known, dict(zip(letters, shape, strict=True)), depth=3)
        definitions.append(Definition(f"d{n}", letters, tuple(AXES[a] for a in shape), expr))
        known[f"d{n}"] = shape
    sizes = {name: tuple(AXES[a] for a in shape) for name, shape in inputs.items()}
    numbers = np.random.default_rng(seed)
    data = {
        n: numbers.uniform(0.2, 1.2, tuple(SIZES[a] for a in s)) * numbers.choice((-1, 1)) for n, s in inputs.items()
    }
    return Graph(tuple(definitions), sizes), data


def random_expr(random: Random, known: dict[str, tuple[str, ...]], letters: dict[Symbol, str], depth: int) -> Expr:
    """An expression over known names whose free letters are among those given."""
    kind = random.choice(("read", "read", "sum", "add", "mul", "call", "root", "delta") if depth else ("read",))
    if kind == "read":
        return _read(random, known, letters)
    if kind == "sum":
        axis = random.choice(list(AXES))
        letter = bound("b")
        body = random_expr(random, known, {**letters, letter: axis}, depth - 1)
        return total(body, [(letter, AXES[axis])]) / AXES[axis]
    first = random_expr(random, known, letters, depth - 1)
    if kind == "call":
        return random.choice((sympy.tanh, sigmoid, sympy.sin, erf, sympy.cos))(first)
    if kind == "root":
        return sympy.sqrt(1 + first**2) ** random.choice((1, -1, -3))
    second = random_expr(random, known, letters, depth - 1)
    if kind == "delta":
        same = [s for s, axis in letters.items() if axis == "N"]
        return first if len(same) < 2 else first * sympy.KroneckerDelta(*random.sample(same, 2)) + second
    return first + random.choice((1, -1, 2)) * second if kind == "add" else first * second


def _read(random: Random, known: dict[str, tuple[str, ...]], letters: dict[Symbol, str]) -> Expr:
    """An entry of a known name; an axis for which there is no letter is summed over, or read at a fixed
    place."""
    name = random.choice(list(known))
    indices: list[Expr] = []
    ranges = []
    for axis in known[name]:
        fitting: list[Expr] = [s for s, other in letters.items() if other == axis]
        if random.random() < 0.1:
            fitting = [sympy.Integer(random.randint(1, SIZES[axis]))]
        if not fitting:
            fitting = [bound("b")]
            ranges.append((fitting[0], AXES[axis]))
        indices.append(random.choice(fitting))
    return total(entry(name, tuple(indices)), ranges)


__all__ = ["c", "i", "random_expr", "random_graph"]
