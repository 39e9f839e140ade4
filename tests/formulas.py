"""A small language of formulas of the tests' own: written as LaTeX, computed with NumPy, changed at random.

It knows nothing of derive: what a formula is worth comes from its tree, never from what derive reads in its LaTeX.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

Letters = Mapping[str, int]
"""Where index letters stand, from 0."""

FUNCTIONS: dict[str, tuple[str, Callable[[float], float]]] = {
    "exp": ("e^{%s}", np.exp),
    "log": (r"\log\left(%s\right)", np.log),
    "sqrt": (r"\sqrt{%s}", np.sqrt),
    "sigmoid": (r"\sigma(%s)", lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (r"\tanh(%s)", np.tanh),
    "positive": (r"\mathbb{1}[%s > 0]", lambda x: float(x > 0)),
}


@dataclass(frozen=True)
class Values:
    """The numbers of a page: its arrays, the sizes of its axes."""

    arrays: Mapping[str, Any]
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Formula:
    """A node of a formula with its parts.

    Attributes:
        kind: entry, number, size, plus, times, over, power, call, sum or delta.
        about: of an entry its array and letters, of a sum its letter and size, of a power its exponent, and so on.
    """

    kind: str
    parts: tuple[Formula, ...] = ()
    about: Any = None

    def __add__(self, other: Formula | int) -> Formula:
        return Formula("plus", (self, _formula(other)))

    def __sub__(self, other: Formula | int) -> Formula:
        return self + -1 * _formula(other)

    def __rsub__(self, other: int) -> Formula:
        return _formula(other) - self

    def __mul__(self, other: Formula | int) -> Formula:
        return Formula("times", (self, _formula(other)))

    def __rmul__(self, other: int) -> Formula:
        return _formula(other) * self

    def __truediv__(self, other: Formula | int) -> Formula:
        return Formula("over", (self, _formula(other)))

    def __rtruediv__(self, other: int) -> Formula:
        return _formula(other) / self

    def __pow__(self, exponent: int | Fraction) -> Formula:
        return Formula("power", (self,), Fraction(exponent))

    def value(self, values: Values, at: Letters) -> float:
        """What it is worth where its letters stand at some places."""
        if self.kind == "sum":
            letter, size = self.about
            return sum(self.parts[0].value(values, {**at, letter: k}) for k in range(values.sizes[size]))
        found = [part.value(values, at) for part in self.parts]
        match self.kind:
            case "entry":
                array, letters = self.about
                return float(values.arrays[array.name][tuple(at[letter] for letter in letters)])
            case "number":
                return float(self.about)
            case "size":
                return float(values.sizes[self.about])
            case "delta":
                return float(at[self.about[0]] == at[self.about[1]])
            case "plus":
                return found[0] + found[1]
            case "times":
                return found[0] * found[1]
            case "over":
                return float(np.divide(found[0], found[1]))
            case "power":
                return float(np.power(found[0], float(self.about)))
            case _:
                return float(FUNCTIONS[self.about][1](found[0]))

    def latex(self) -> str:
        """The formula as people write it."""
        match self.kind:
            case "entry":
                return self.about[0].written(self.about[1])
            case "number" | "size":
                return str(self.about)
            case "delta":
                return rf"\delta_{{{''.join(self.about)}}}"
            case "plus":
                first, second = self.parts
                negative = second.kind == "times" and second.parts[0] == Formula("number", (), -1)
                return (
                    f"{first.latex()} - {_term(second.parts[1])}" if negative else f"{first.latex()} + {_term(second)}"
                )
            case "times":
                if self.parts[0] == Formula("number", (), -1):
                    return f"-{_factor(self.parts[1])}"
                first, second = _factor(self.parts[0]), _factor(self.parts[1], last=True)
                return f"{first} {second}" if not second[0].isdigit() else rf"{first} \cdot {second}"
            case "over":
                return rf"\frac{{{self.parts[0].latex()}}}{{{self.parts[1].latex()}}}"
            case "power":
                return rf"{_base(self.parts[0])}^{{{_fraction(self.about)}}}"
            case "sum":
                letter, size = self.about
                return rf"\sum_{{{letter}=1}}^{{{size}}} {_factor(self.parts[0], last=True)}"
            case _:
                return FUNCTIONS[self.about][0] % self.parts[0].latex()


@dataclass(frozen=True)
class Array:
    """A name of a page.

    Attributes:
        name: what NumPy's side calls it.
        sign: how the page writes it, with ``@`` for its letters.
        axes: the names of the sizes of its axes.
    """

    name: str
    sign: str
    axes: str = ""

    def __getitem__(self, letters: str) -> Formula:
        return Formula("entry", (), (self, tuple(letters)))

    def written(self, letters: tuple[str, ...]) -> str:
        return self.sign.replace("@", "".join(letters))

    def slope(self, top: Array | None = None, at: str = "") -> Array:
        """The derivative of the loss, or of an entry of another array, by this one, as another name."""
        above = "L" if top is None else top.written(tuple(at))
        name = "L" if top is None else top.name + at
        return Array(f"d{name}/d{self.name}", rf"\frac{{\partial {above}}}{{\partial {self.sign}}}", self.axes)


def number(value: int) -> Formula:
    return Formula("number", (), value)


def size(letter: str) -> Formula:
    return Formula("size", (), letter)


def delta(first: str, second: str) -> Formula:
    return Formula("delta", (), (first, second))


def total(letter: str, over: str, body: Formula) -> Formula:
    return Formula("sum", (body,), (letter, over))


def call(function: str, body: Formula) -> Formula:
    return Formula("call", (body,), function)


def _formula(value: Formula | int) -> Formula:
    return value if isinstance(value, Formula) else number(value)


def _fraction(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def _term(node: Formula) -> str:
    return rf"\left({node.latex()}\right)" if node.kind == "plus" or _is_negative(node) else node.latex()


def _factor(node: Formula, last: bool = False) -> str:
    bare = node.kind != "plus" and not _is_negative(node) and (last or not _ends_in_sum(node))
    return node.latex() if bare else rf"\left({node.latex()}\right)"


def _ends_in_sum(node: Formula) -> bool:
    return node.kind == "sum" or (node.kind == "times" and _ends_in_sum(node.parts[1]))


def _base(node: Formula) -> str:
    return node.latex() if node.kind == "number" and not _is_negative(node) else rf"\left({node.latex()}\right)"


def _is_negative(node: Formula) -> bool:
    if node.kind == "number":
        return bool(node.about < 0)
    return node.kind == "times" and _is_negative(node.parts[0])


# -- changes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """Changes a formula at a random place, as people get formulas wrong.

    Args:
        axes: for each letter of the page the size of its axis.
        arrays: the names that may stand for one another, where they have the same axes.
    """

    random: Random
    axes: Mapping[str, str]
    arrays: tuple[Array, ...] = ()
    sizes: tuple[str, ...] = field(default=())

    def of(self, formula: Formula, letters: str) -> Formula:
        """Another formula with the same free letters."""
        places = [
            (path, edited) for path, node, known in _walk(formula, letters) for edited in self._edits(node, known)
        ]
        path, edited = self.random.choice(places)
        return _put(formula, path, edited)

    def _edits(self, node: Formula, known: str) -> Iterator[Formula]:
        if node.kind in ("plus", "times"):
            yield node.parts[0]
            yield node.parts[1]
        if node.kind == "plus":
            yield node.parts[0] - node.parts[1]
        if node.kind == "number" and node.about > 0:
            yield number(node.about + 1)
        if node.kind == "power":
            yield replace(node, about=node.about + 1)
            yield replace(node, about=-node.about)
        if node.kind == "over":
            yield node.parts[0]
        if node.kind == "size":
            yield from (size(other) for other in self.sizes if other != node.about)
        if node.kind == "sum" and (same := [a for a in known if self.axes.get(a) == node.about[1]]):
            yield _renamed(node.parts[0], node.about[0], self.random.choice(same))
        if node.kind == "entry":
            array, letters = node.about
            for k, letter in enumerate(letters):
                others = [a for a in known if a != letter and self.axes.get(a) == self.axes.get(letter)]
                yield from (array["".join((*letters[:k], a, *letters[k + 1 :]))] for a in others)
            yield from (a["".join(letters)] for a in self.arrays if a.axes == array.axes and a != array)
        if node.kind == "delta":
            yield number(1)


def _walk(node: Formula, known: str, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Formula, str]]:
    """The nodes of a formula with the way to them and the letters that have a meaning there."""
    yield path, node, known
    inner = known + node.about[0] if node.kind == "sum" else known
    for k, part in enumerate(node.parts):
        yield from _walk(part, inner, (*path, k))


def _put(formula: Formula, path: tuple[int, ...], new: Formula) -> Formula:
    if not path:
        return new
    first, *rest = path
    parts = list(formula.parts)
    parts[first] = _put(parts[first], tuple(rest), new)
    return replace(formula, parts=tuple(parts))


def _renamed(node: Formula, old: str, new: str) -> Formula:
    """A formula with another letter in place of a free one."""
    if node.kind == "entry":
        array, letters = node.about
        return array["".join(new if a == old else a for a in letters)]
    if node.kind == "delta":
        return replace(node, about=tuple(new if a == old else a for a in node.about))
    return replace(node, parts=tuple(_renamed(part, old, new) for part in node.parts))
