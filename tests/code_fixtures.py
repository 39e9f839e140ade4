"""Forward and backward pairs in many idioms, all of them right, with what their docstrings say about shapes."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from derive.code.concrete import Shape
from derive.code.pairs import Pair, find_pairs

RMS_NORM = '''
import numpy as np


def rms_forward(x, w, eps):
    """shapes: x (N, D), w (D,)"""
    inv = 1.0 / np.sqrt((x * x).mean(axis=1, keepdims=True) + eps)
    return x * inv * w, (x, w, inv)


def rms_backward(dout, cache):
    x, w, inv = cache
    dw = (dout * x * inv).sum(axis=0)
    g = dout * w
    dx = inv * g - inv ** 3 * x * (g * x).mean(axis=1, keepdims=True)
    return dx, dw
'''
"""A right pair that tests put their slips into."""

FOLDER = Path(__file__).parent / "code"


@dataclass(frozen=True)
class Fixture:
    """One pair of a file."""

    name: str
    source: str
    pair: Pair
    shapes: dict[str, Shape]
    fixed: dict[str, Any] = field(default_factory=dict)

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def library(self) -> str:
        return next((each for each in ("torch", "jax") if f"import {each}" in self.source), "numpy")

    def sizes(self, values: list[int]) -> dict[str, int]:
        """A value for every size, one after the other."""
        lengths = [str(n) for s in self.shapes.values() for n in s.lengths]
        names = sorted({name for length in lengths for name in re.findall(r"[A-Za-z_]\w*", length)})
        return {name: values[i % len(values)] for i, name in enumerate(names)}


def read_shapes(source: str) -> dict[str, Shape]:
    """``shapes: x (N, D), y int (N,)`` of the docstrings."""
    found = {}
    for text in re.findall(r'shapes: (.*?)(?:"""|;|$)', source, re.S):
        for name, labels, lengths in re.findall(r"([\w.]+) (int )?\(([^)]*)\)", text):
            parts = [each.strip() for each in lengths.split(",") if each.strip()]
            found[name] = Shape(tuple(int(p) if p.isdigit() else p for p in parts), "" if labels else None)
    return found


def read_fixed(source: str) -> dict[str, Any]:
    """``fixed: mode = train, pad = 1`` of the docstrings."""
    found: dict[str, Any] = {}
    for text in re.findall(r"fixed: (.*?)(?:\"\"\"|$)", source):
        for name, value in re.findall(r"(\w+) = (\w+)", text):
            found[name] = int(value) if value.isdigit() else value
    return found


def read_fixture(path: Path) -> Fixture:
    source = path.read_text(encoding="utf-8")
    pair = find_pairs(ast.parse(source))[-1]
    return Fixture(path.stem, source, pair, read_shapes(source), read_fixed(source))


FIXTURES = [read_fixture(path) for path in sorted(FOLDER.glob("*.py"))]
