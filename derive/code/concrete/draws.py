"""Data of given shapes: of both signs where the source takes them, away from zero, labels in range."""

from __future__ import annotations

import ast
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.code.concrete.budget import NotRunnable

Length = str | int
"""The length of an axis: a number, the name of a size, or a product or quotient of these: ``C*H``."""

RANGES = ((0.3, 1.7, True), (0.1, 0.9, False), (1.1, 2.2, False))
"""Where entries are drawn, and whether with both signs; the later ones for log, sqrt and arccos."""


TRIES = 4
"""Draws from each range."""

ATTEMPTS = TRIES * len(RANGES)


@dataclass(frozen=True)
class Shape:
    """What an argument is.

    Attributes:
        lengths: of its axes.
        labels: for whole numbers, how many different ones there may be; ``""`` where that is not known.
    """

    lengths: tuple[Length, ...]
    labels: Length | None = None


class Draws:
    """The data of one try.

    Args:
        sizes: the value of every named size.
        seed: equal seeds give equal data.
        attempt: counted from 0: later ones draw other data, from other `RANGES`, and fewer labels where nothing
            says how many there are.
    """

    def __init__(self, sizes: Mapping[str, int], seed: int, attempt: int = 0) -> None:
        self.sizes, self.seed, self.attempt = sizes, seed, attempt

    def array(self, name: str, shape: Shape | Sequence[Length]) -> Any:
        """An array for an argument of this name."""
        kind = shape if isinstance(shape, Shape) else Shape(tuple(shape))
        lengths = tuple(self.length(each) for each in kind.lengths)
        if math.prod(lengths) > 20_000:
            raise NotRunnable(None, f"{name} would have {math.prod(lengths)} entries", "limit")
        if kind.labels is not None:
            return self.random(name).integers(0, self.labels(kind.labels), size=lengths)
        return self.real(name, lengths)

    def real(self, name: str, lengths: tuple[int, ...]) -> Any:
        """Real numbers away from zero."""
        low, high, both_signs = RANGES[self.attempt // TRIES]
        random = self.random(name)
        entries = random.uniform(low, high, size=lengths)
        return entries * random.choice([-1.0, 1.0], size=lengths) if both_signs else entries

    @property
    def signed(self) -> bool:
        """Whether the data have both signs."""
        return RANGES[self.attempt // TRIES][2]

    def signs(self, name: str, lengths: tuple[int, ...]) -> Any:
        """Real numbers of both signs in every attempt."""
        random = self.random(name)
        return random.uniform(0.3, 1.7, size=lengths) * random.choice([-1.0, 1.0], size=lengths)

    def scalar(self, name: str) -> float:
        """A positive number of a size that shows: an ε or a rate is as large as the data."""
        return float(self.random(name).uniform(0.2, 0.8))

    def labels(self, bound: Length) -> int:
        if bound != "":
            return self.length(bound)
        ordered = sorted(set(self.sizes.values()), reverse=True) or [2]
        return max(ordered[min(self.attempt % TRIES, len(ordered) - 1)], 1)

    def random(self, name: str) -> np.random.Generator:
        """Numbers that depend on the seed and the name, not on what else is drawn."""
        return np.random.default_rng([self.seed, self.attempt, zlib.crc32(name.encode())])

    def length(self, length: Length) -> int:
        """The length of an axis."""
        if isinstance(length, int):
            return length
        return _length(_parsed(length), self.sizes)


def _parsed(length: str) -> ast.expr:
    try:
        return ast.parse(length, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        raise NotRunnable(None, f"{length!r} is no length of an axis") from None


def _length(node: ast.expr, sizes: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(int() as value):
            return value
        case ast.Name(name) if name in sizes:
            return sizes[name]
        case ast.BinOp(left, ast.Mult(), right):
            return _length(left, sizes) * _length(right, sizes)
        case ast.BinOp(left, ast.Add(), right):
            return _length(left, sizes) + _length(right, sizes)
        case ast.BinOp(left, ast.Sub(), right):
            return _length(left, sizes) - _length(right, sizes)
        case ast.BinOp(left, ast.FloorDiv() | ast.Div(), right):
            return _length(left, sizes) // max(_length(right, sizes), 1)
        case ast.BinOp(left, ast.Pow(), ast.Constant(int() as power)) if 0 <= power <= 4:
            return int(_length(left, sizes) ** power)
    raise NotRunnable(None, f"{ast.unparse(node)} is no size that has a value")
