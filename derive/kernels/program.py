"""Kernel programs: what a forward or backward pass computes, in which order and in which precision.

A program is a list of steps. Each gives a name to values over some axes: an elementwise *map*, a *sum* or *maximum*
of an expression over axes, a value *near* a mean, or a value *rounded* to the precision of the data. Expressions are
small frozen trees whose order of evaluation is that of the tree; they read earlier steps and arrays by name, along
named axes. Nothing in them comes from a document but identifiers that `derive.kernels.names` made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Literal

from derive.kernels.axes import base_name

Kind = Literal["map", "sum", "max", "near", "rounded"]
"""What a step does.

``map``: the expression, elementwise. ``sum``, ``max``: over the axes in ``over``. ``near``: some value near the mean
over these axes, on which no result depends. ``rounded``: a mean rounded to the precision of the data and to a
fraction of the spread around it, ``Call("rounded", (mean, variance))``; see `derive.kernels.support.rounded`.
"""

Role = Literal["input", "saved", "upstream"]


# -- expressions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """An exact number; the targets print it as a literal."""

    value: Fraction


@dataclass(frozen=True)
class Size:
    """The number of values of an axis."""

    name: str


@dataclass(frozen=True)
class Read:
    """An entry of an array or of an earlier step, its axes given by the letters of the loop."""

    name: str
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Equal:
    """1 where two indices are equal, else 0."""

    first: str
    second: str


@dataclass(frozen=True)
class Sum:
    """Terms added from left to right; a term with a False sign is subtracted."""

    terms: tuple[tuple[bool, Node], ...]


@dataclass(frozen=True)
class Product:
    """Factors multiplied from left to right."""

    factors: tuple[Node, ...]


@dataclass(frozen=True)
class Quotient:
    numerator: Node
    denominator: Node


@dataclass(frozen=True)
class Power:
    """A whole power above 1."""

    base: Node
    exponent: int


@dataclass(frozen=True)
class Call:
    """An elementwise function, by its name in `derive.primitives`, or ``sqrt``; ``pow`` has two arguments.

    ``inverse(n)`` is 1/n, and 0 where n is 0; see `derive.kernels.norms`.

    ``left(near, hi, rest)`` is ``(near − hi) + rest``, which no target may add in another order: what is left of a mean
    when its rounded value is taken off.
    """

    function: str
    arguments: tuple[Node, ...]


Node = Number | Size | Read | Equal | Sum | Product | Quotient | Power | Call


def children(node: Node) -> tuple[Node, ...]:
    """The expressions that an expression is made of."""
    match node:
        case Sum(terms):
            return tuple(term for _, term in terms)
        case Product(factors):
            return factors
        case Quotient(numerator, denominator):
            return numerator, denominator
        case Power(base, _):
            return (base,)
        case Call(_, arguments):
            return arguments
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """An expression with all that is inside it, depth first."""
    yield node
    for child in children(node):
        yield from walk(child)


def reads(node: Node) -> Iterator[Read]:
    """The entries that an expression reads."""
    return (found for found in walk(node) if isinstance(found, Read))


# -- programs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Array:
    """An array that goes in or out.

    Attributes:
        axes: the letters of its axes, in order.
        symbol: how the document writes it, fit for a comment.
        key: its name in the forward graph.
    """

    name: str
    axes: tuple[str, ...]
    role: Role
    symbol: str
    key: str


@dataclass(frozen=True)
class Step:
    """A name for values over axes.

    Attributes:
        wide: whether it is computed and kept in the accumulators' type.
        over: for reductions, the axes that are gone.
    """

    name: str
    axes: tuple[str, ...]
    value: Node
    kind: Kind = "map"
    wide: bool = True
    over: tuple[str, ...] = ()

    @property
    def space(self) -> tuple[str, ...]:
        """The axes that are gone through to compute it."""
        return (*self.axes, *self.over)


@dataclass(frozen=True)
class Output:
    """A step that is returned: a result, or what the forward pass saves for the backward pass."""

    step: str
    label: str
    symbol: str
    key: str
    saved: bool = False


@dataclass(frozen=True)
class Program:
    """One direction of a kernel.

    Attributes:
        sizes: for each letter, the identifier of its size.
        lines: comments: the formulas that are computed.
    """

    name: str
    sizes: dict[str, str] = field(hash=False)
    arrays: tuple[Array, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Output, ...]
    lines: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Step]:
        return {step.name: step for step in self.steps}

    @cached_property
    def array_by_name(self) -> dict[str, Array]:
        return {array.name: array for array in self.arrays}

    @property
    def results(self) -> tuple[Output, ...]:
        return tuple(o for o in self.outputs if not o.saved)

    @property
    def saved(self) -> tuple[Output, ...]:
        return tuple(o for o in self.outputs if o.saved)

    @cached_property
    def size_names(self) -> tuple[str, ...]:
        """The sizes that the program reads or loops over, in order of first use."""
        found: dict[str, None] = {}
        for array in self.arrays:
            found.update(dict.fromkeys(self.sizes[a] for a in array.axes))
        return tuple(found)


@dataclass(frozen=True)
class Kernel:
    """A forward and a backward program, with what goes from one to the other.

    Attributes:
        title: the document that it comes from.
        kept: identifiers of the inputs and outputs of the forward pass that the backward pass reads again.
        gradients: the formulas, one line a gradient.
    """

    title: str
    forward: Program
    backward: Program
    kept: tuple[str, ...]
    gradients: tuple[str, ...] = ()

    def label_of(self, upstream: Array) -> str:
        """The name of the output that an upstream gradient belongs to: under it, it is passed."""
        key = base_name(upstream.key)
        return next(o.label for o in self.forward.results if o.key == key)
