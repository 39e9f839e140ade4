"""What the rules of editing share: changes, the words that they may use, and small operations on syntax trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from derive.latex import syntax as S
from derive.latex.syntax import Node, mapped, span_of
from derive.mistakes.table import Kind
from derive.plain import plain
from derive.source import Span

MAX_SHOWN = 40


@dataclass(frozen=True)
class Vocabulary:
    """What edits may use.

    Attributes:
        names: for each name as written in LaTeX those that could stand in its place, as nodes without indices.
        scalars: names without indices that the forward pass defines.
        letters: index letters that may replace each other.
        factors: factors that a term may lack.
        addends: for a name what is usually added to it, as ``\\epsilon`` to ``\\sigma^2``.
        sizes: names of sizes.
        counts: the sizes, and the numbers of entries that sums run over.
        key: the name of a node, without indices.
        power: the power to which a node raises its name.
        is_derivative: whether a fraction is a derivative.
    """

    names: dict[str, tuple[Node, ...]]
    scalars: tuple[Node, ...]
    letters: tuple[str, ...]
    factors: tuple[Node, ...]
    addends: dict[str, tuple[Node, ...]]
    sizes: frozenset[str]
    counts: tuple[Node, ...]
    key: Callable[[Node], str | None]
    power: Callable[[Node], Node | None]
    is_derivative: Callable[[Node], bool]


class Change(NamedTuple):
    """What could have stood in the place of a node, and the mistake that it would undo; ``parts`` fill its message."""

    node: Node
    kind: Kind
    parts: tuple[Node | str, ...]
    span: Span


Rule = Callable[[Node, Vocabulary], Iterator[Change]]
"""Yields the changes of one kind that a node allows."""

Step = tuple[str, int]
"""A field of a node, and the position in it where it is a tuple, else -1."""

Path = tuple[Step, ...]
"""Where a part of a tree stands."""


def at(tree: Node, path: Path) -> Node:
    """The part at a place."""
    for name, k in path:
        value = getattr(tree, name)
        tree = value if k < 0 else value[k]
    return tree


def put(tree: Node, path: Path, new: Node) -> Node:
    """The tree with another part at a place."""
    if not path:
        return new
    (name, k), rest = path[0], path[1:]
    value = getattr(tree, name)
    if k < 0:
        return replace(tree, **{name: put(value, rest, new)})
    return replace(tree, **{name: (*value[:k], put(value[k], rest, new), *value[k + 1 :])})


def renamed(node: Node, old: str, new: str) -> Node:
    """An expression with one letter for another in all subscripts."""
    if isinstance(node, S.Symbol):
        return replace(node, name=new) if node.name == old else node
    return mapped(node, lambda child: renamed(child, old, new))


def without_power(node: Node) -> Node:
    """A name or a bracket without its superscript."""
    if isinstance(node, S.Script) and node.sup is not None:
        return replace(node, sup=None) if node.sub is not None or node.primes else node.base
    return node


def without_factor(node: S.Product, k: int) -> Node:
    """A product without one of its factors."""
    factors = node.factors[:k] + node.factors[k + 1 :]
    operators = node.operators[1:] if not k else node.operators[: k - 1] + node.operators[k:]
    return factors[0] if len(factors) == 1 else S.Product(factors, operators, node.span)


def with_factor(node: S.Product, k: int, new: Node) -> S.Product:
    """A product with another factor in one place."""
    return replace(node, factors=(*node.factors[:k], new, *node.factors[k + 1 :]))


def terms_of(node: S.Sum, start: int, end: int) -> S.Sum:
    """Some of the terms of a sum."""
    return S.Sum(node.terms[start:end], node.signs[start:end])


def times(factor: Node, node: Node) -> Node:
    """A factor before an expression, in front of which a sign stays."""
    if isinstance(node, S.Sum) and len(node.terms) == 1:
        return S.Sum((times(factor, node.terms[0]),), node.signs, span_of(node))
    factor, node = bracketed(factor), bracketed(node)
    if isinstance(node, S.Product):
        return S.Product((factor, *node.factors), ("", *node.operators), span_of(node))
    return S.Product((factor, node), ("",), span_of(node))


def bracketed(node: Node) -> Node:
    """A sum in brackets; anything else as it is."""
    return S.Group("(", node, span_of(node)) if isinstance(node, S.Sum) else node


def unbracketed(node: Node) -> Node:
    """What stands in brackets."""
    while isinstance(node, S.Group | S.Decoration):
        node = node.body
    return node


def mentions(node: Node, letter: str) -> bool:
    """Whether a letter stands somewhere in an expression."""
    return any(isinstance(inner, S.Symbol) and inner.name == letter for inner in node.walk())


def number_of(node: Node) -> Fraction | None:
    """The value of a numeric exponent."""
    if isinstance(node, S.Number):
        return Fraction(node.text)
    if isinstance(node, S.Group | S.Decoration):
        return number_of(node.body)
    if isinstance(node, S.Sum):
        return _total(node)
    if isinstance(node, S.Fraction):
        return _ratio(node.numerator, node.denominator)
    if isinstance(node, S.Product) and node.operators == ("/",):
        return _ratio(*node.factors)
    return None


def is_number(node: Node | None) -> bool:
    """Whether there is an exponent and it is a number."""
    return node is not None and number_of(node) is not None


def _total(node: S.Sum) -> Fraction | None:
    total = Fraction(0)
    for sign, term in zip(node.signs, node.terms, strict=True):
        value = number_of(term)
        if value is None:
            return None
        total += -value if sign == "-" else value
    return total


def _ratio(above: Node, below: Node) -> Fraction | None:
    a, b = number_of(above), number_of(below)
    return a / b if a is not None and b else None


def exponent(value: Fraction) -> Node:
    """A number as exponents are written."""
    number: Node = S.Number(str(abs(value.numerator)))
    if value.denominator != 1:
        number = S.Product((number, S.Number(str(value.denominator))), ("/",))
    return S.Sum((number,), ("-",)) if value < 0 else number


def shown(part: Node | str) -> str:
    """A part of a formula in a message, without brackets around the whole of it."""
    if isinstance(part, S.Group) and part.opening in ("(", "["):
        part = part.body
    text = plain(part) if isinstance(part, Node) else part
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
