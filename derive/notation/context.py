"""What the rules of reading share: the table, the letters in scope, and what came up on the way.

A rule is a function of a `Context` and a node. Rules call `Context.value` for the parts of their node; which rule reads
which kind of node is said in one place, `derive.notation.elaborate`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import sympy
from sympy import Expr, Symbol

from derive.language import index
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation.axes import Scope
from derive.notation.names import letter_of
from derive.notation.table import Table
from derive.notation.values import Axis, Misfit, Shapes, SquareShapes, Value
from derive.source import SourceError

Product = Literal["elementwise", "matrix"]
Slash = Literal["tight", "loose", "whole"]
Layout = Literal["numerator", "denominator"]
Reach = Literal["short", "long"]
Operand = Literal["whole", "next"]
Gradients = Literal["columns", "rows", "turned"]


@dataclass(frozen=True)
class Policy:
    """Answers to what the page leaves open.

    Attributes:
        product: whether ``a b`` of arrays without indices is taken entry by entry or as in linear algebra.
        slash: whether ``a/bc`` is a/(bc) or (a/b)c; what stands apart behind it, as in ``1/n \\sum``, belongs to the
            denominator only if all that follows does.
        layout: whether the rows of a Jacobian belong to the numerator or to the denominator.
        reach: whether ``\\sin u(a + b)`` is (sin u)(a + b) or the sine of the product.
        operand: whether the operator in ``\\frac{d}{dx} u \\frac{dL}{du}`` is applied to all that follows, or to what
            stands before the next derivative.
        gradients: whether the derivative of a number by a vector is a column or a row; turned, that by a matrix is its
            transpose as well.
        differential: whether the d of ``dy/dx`` is the sign of a derivative or a name, where the document has a name d.
        euler: whether the e of ``e^x`` is Euler's number or a name, where the document has a name e.
        square: whether all sizes are the same, so that shapes fit that do not at others; never for a proof.
    """

    product: Product = "elementwise"
    slash: Slash = "tight"
    layout: Layout = "numerator"
    reach: Reach = "short"
    gradients: Gradients = "columns"
    operand: Operand = "whole"
    differential: Literal["sign", "name"] = "sign"
    euler: Literal["number", "name"] = "number"
    square: bool = False

    def answering(self, question: str, answer: str) -> Policy:
        """The policy with another answer to the question of this name."""
        return replace(self, **{question: answer})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Letter:
    """An index letter in scope."""

    symbol: Symbol
    axis: Axis


@dataclass
class Context(ABC):
    """The state of reading one equation.

    Args:
        table: what names mean.
        axes: the axes of the equation's letters, from linking it.
        policy: answers to open questions.
        defining: whether the equation is part of the forward pass, where a bare N is an input and no known size.

    Attributes:
        shapes: the operations on arrays.
        claimed: whether the equation claims something, where a limit that overshoots is no slip to read over.
        asked: the questions of the policy that came up.
        diagonals: bare arrays differentiated by bare arrays entry by entry, which says all only of a diagonal Jacobian.
        free: the letters of the equation that no sum binds, with their axes.
        unknown: names that nothing in the document introduces.
        vague: functions that were given their customary meaning, or none: what is read with them is not refuted.
        variables: names that are arguments of arbitrary functions, and need no introduction.
        scope: the letters that sums around the present node bind.
        expanding: the document's functions and aliases that are being expanded.
        implicit: whether the present node is under a sum whose index nobody wrote, so that products are entry by entry.
    """

    table: Table
    axes: Scope
    policy: Policy = Policy()
    defining: bool = False
    claimed: bool = False
    asked: set[str] = field(default_factory=set)
    diagonals: list[tuple[Value, Value]] = field(default_factory=list)
    free: dict[str, Letter] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    vague: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    scope: dict[str, Letter] = field(default_factory=dict)
    expanding: list[str] = field(default_factory=list)
    implicit: bool = False

    def __post_init__(self) -> None:
        self.shapes: Shapes = SquareShapes(self.table.axes.join) if self.policy.square else self.table.shapes

    @abstractmethod
    def value(self, node: Node) -> Value:
        """The value of an expression. Raises `SourceError` for what has no meaning here."""

    def scalar(self, node: Node) -> Expr:
        """The value of an expression without open axes."""
        value = self.value(node)
        if value.slots:
            raise SourceError("an array where a number is expected", span_of(node))
        return value.expr

    def is_known(self, node: Node) -> bool:
        """Whether a node is a name that the document introduces, as an alias may be."""
        spelled = self.table.spell(node)
        return spelled is not None and (
            self.table.introduced(spelled) or self.table.alias(spelled.key, len(spelled.indices)) is not None
        )

    def is_index(self, node: Node) -> bool:
        """Whether a node is an index letter of the equation."""
        letter = letter_of(node)
        known = letter in self.scope or letter in self.axes or letter in self.free
        return letter is not None and letter in self.table.letters.indices and known

    # -- indices -----------------------------------------------------------------------------------------------------

    def letter(self, letter: str, axis: Axis) -> Letter:
        """A letter as the scope binds it; a free one gets the axis that linking found, or this one."""
        if letter in self.scope:
            return self.scope[letter]
        if letter not in self.free:
            self.free[letter] = Letter(index(letter), self.axes.get(letter, axis))
        return self.free[letter]

    def index(self, item: Node, axis: Axis, node: Node) -> Expr:
        """An index at a place that runs over ``axis``."""
        letter = letter_of(item)
        if letter is not None:
            found = self.letter(letter, axis)
            axes = self.table.axes
            if not self.shapes.meet(axis, found.axis):
                places = f"{axes.told(found.axis)} in one place and {axes.told(axis)} in another"
                raise Misfit(f"the index {letter} runs over {places}", span_of(node))
            return found.symbol
        if isinstance(item, S.Number):
            return self.table.position(item.text, axis)
        if isinstance(item, S.Script):
            return self._selector(item, axis)
        raise SourceError("derive does not compute with indices", span_of(item))

    def _selector(self, item: S.Script, axis: Axis) -> Expr:
        """An entry of an array of indices, as in ``O_{i, y_i}``."""
        value = self.value(item)
        if not isinstance(value.expr, sympy.Indexed):
            raise SourceError("derive does not compute with indices", span_of(item))
        self.table.selectors[str(value.expr.base.label)] = axis
        return value.expr

    def selected(self, value: Value, items: Iterable[Node], node: Node) -> Value:
        """An array with indices behind it: ``(A)_{i,:}``; a colon leaves its axis open."""
        items = tuple(items)
        if len(items) > len(value.slots) > 0:
            raise SourceError(f"{len(items)} indices behind what has {len(value.slots)}", span_of(node))
        for item, slot in zip(items, value.slots, strict=False):
            if isinstance(item, S.Empty) or (isinstance(item, S.Symbol) and item.name == ":"):
                continue
            value = value.rename(slot.symbol, self.index(item, slot.axis, node))
        return value

    def inside(self, letters: dict[str, Letter], body: Node) -> Value:
        """A body read in a scope of its own."""
        outer, self.scope = self.scope, letters
        try:
            return self.value(body)
        finally:
            self.scope = outer
