"""The closed set of syntax nodes that the LaTeX parser makes.

A node says what stands on the page and nothing of what it means: juxtaposed factors are one `Product`, whether they
multiply, apply a function or spell a derivative. Every node keeps its span in the source; spans do not take part in
comparisons, so two texts that read alike are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from derive.source import SourceError, Span

NOWHERE = Span(0, 0)
FACTORIAL = "!"
"""The function that is written behind its argument."""
BINOMIAL = "\\binom"
"""The function of two numbers that are written one above the other."""
REASON = "reason"
"""The `Decoration` of what is said beside a row to justify it, which is neither a condition nor a claim."""
CALL = "call"
"""The `Decoration` of a name that is a function's: what is bracketed behind it are arguments, no factor."""


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes."""

    def children(self) -> Iterator[Node]:
        """The nodes directly below, from left to right."""
        for name in _parts(type(self)):  # type: ignore[arg-type]  # mypy takes a class's hash for its instances'
            yield from _nodes(getattr(self, name))

    def walk(self) -> Iterator[Node]:
        """This node and all nodes below it."""
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(list(node.children())))


@cache
def _parts(kind: type[Node]) -> tuple[str, ...]:
    """The fields of a node that can hold nodes."""
    return tuple(field.name for field in fields(kind) if "Node" in str(field.type) or "Symbol" in str(field.type))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


@dataclass(frozen=True, slots=True)
class Number(Node):
    """``2`` or ``0.5``, as typed."""

    text: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Symbol(Node):
    """A letter (``x``), its command (``\\mu``) or a word (``softmax``); ``font``: bold, cal, bb, ..., text or word."""

    name: str
    font: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Accent(Node):
    """``\\hat{x}``: the accent's name and what is under it."""

    accent: str
    body: Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Script(Node):
    """A base with a subscript, a superscript, primes or ``[i, j]`` in any combination (at least one)."""

    base: Node
    sub: Node | None = None
    sup: Node | None = None
    primes: int = 0
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Group(Node):
    """A bracketed part; ``opening`` is one of ``( [ \\{ | ‖ \\langle ...``, or empty for a half-open ``\\left.``."""

    opening: str
    body: Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """Parts separated by ``,`` ``;`` ``:`` or ``|``: ``separators`` has one entry fewer than ``items``."""

    items: tuple[Node, ...]
    separators: tuple[str, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Fraction(Node):
    """``\\frac{a}{b}``."""

    numerator: Node
    denominator: Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Root(Node):
    """``\\sqrt[n]{x}``."""

    radicand: Node
    degree: Node | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Product(Node):
    """Factors with what stands between them: ``""`` for juxtaposition, ``\\cdot``, ``*``, ``\\odot``, ``/``, ...

    ``operators`` has one entry fewer than ``factors``.
    """

    factors: tuple[Node, ...]
    operators: tuple[str, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Sum(Node):
    """Signed terms: ``signs`` holds ``+``, ``-`` or ``\\pm`` for each of ``terms``."""

    terms: tuple[Node, ...]
    signs: tuple[str, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class BigOperator(Node):
    """``\\sum_{lower}^{upper} body`` and its kin (``prod``, ``max``, ...)."""

    operator: str
    lower: Node | None
    upper: Node | None
    body: Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """A named function applied without saying more: ``\\log x``, ``\\tanh^2(u)``."""

    function: Symbol
    argument: Node
    sub: Node | None = None
    sup: Node | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """``a = b \\le c``: members with the relations between them. A missing side is an `Empty`."""

    members: tuple[Node, ...]
    relations: tuple[str, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Cases(Node):
    """``\\begin{cases}``: pairs of a value and its condition (None where the row has none)."""

    rows: tuple[tuple[Node, Node | None], ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Matrix(Node):
    """A matrix environment's entries, row by row; ``opening`` is its bracket."""

    rows: tuple[tuple[Node, ...], ...]
    opening: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Words(Node):
    """Prose inside a formula: ``\\text{for all}``."""

    text: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Decoration(Node):
    """Something drawn around ``body`` that does not change it: a box, a colour, an underbrace with its ``note``."""

    kind: str
    body: Node
    note: Node | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class HeldFixed(Node):
    """``body \\big|_{fixed}``: evaluated there, or with that held fixed."""

    body: Node
    fixed: Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Ellipsis(Node):
    """``\\dots`` in any form."""

    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Empty(Node):
    """Nothing where something could stand: the right side of ``a =``, or an empty pair of braces."""

    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Unread(Node):
    """A hole: the smallest bracket, argument, entry or side around something that could not be read.

    Attributes:
        text: what stands there, as typed up to white space.
        message, hint, fault: what is wrong in it, what to do, and where.
        names: the names that stand in it, each with its scripts, as far as they can be told.
    """

    text: str
    message: str = field(compare=False)
    hint: str = field(default="", compare=False)
    fault: Span = field(default=NOWHERE, compare=False)
    names: tuple[Node, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def error(self) -> SourceError:
        """What is wrong, to be raised where a value is needed."""
        return SourceError(self.message, self.fault, self.hint)


def hole_in(nodes: Iterable[Node]) -> Unread | None:
    """The first part of some nodes that could not be read."""
    return next((inner for node in nodes for inner in node.walk() if isinstance(inner, Unread)), None)


def is_reals(node: Node) -> bool:
    """Whether a node is ``\\mathbb{R}``."""
    return isinstance(node, Symbol) and node.font == "bb" and node.name == "R"


def span_of(node: Node) -> Span:
    """Where a node stands in its source."""
    span: Span = getattr(node, "span", NOWHERE)
    return span


def mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with ``change`` made to each node directly below; itself where nothing is changed."""
    changes: dict[str, Any] = {}
    for name in _parts(type(node)):  # type: ignore[arg-type]
        value = getattr(node, name)
        new = _mapped(value, change)
        if new is not value:
            changes[name] = new
    return replace(node, **changes) if changes else node


def _mapped(value: object, change: Callable[[Node], Node]) -> object:
    if isinstance(value, Node):
        return change(value)
    if isinstance(value, tuple):
        new = tuple(_mapped(item, change) for item in value)
        return new if any(a is not b for a, b in zip(new, value, strict=True)) else value
    return value


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """The tree with ``change`` made to every node, the innermost first."""
    return change(mapped(node, lambda child: rebuilt(child, change)))


def placed(node: Node, span: Span) -> Node:
    """The same node at another place."""
    changes: dict[str, Any] = {"span": span}
    return replace(node, **changes)


@dataclass(frozen=True, slots=True)
class Statement(Node):
    """One line of a display: usually a `Chain`, or a lone expression, with what is said beside it.

    ``asides`` are prose, conditions (``k \\neq i``) and bracketed remarks; ``lead`` is prose in front (*Let*, *if*).
    A chain that continues the statement before it begins with an `Empty` member.
    """

    node: Node
    asides: tuple[Node, ...] = ()
    lead: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Unreadable(Node):
    """A display of which not even a statement could be parsed: the message, what to do, and where."""

    message: str
    hint: str = ""
    span: Span = field(default=NOWHERE, compare=False)
