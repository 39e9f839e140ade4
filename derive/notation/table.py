"""The symbol table: what each name of a document stands for.

Sizes, quantities with their axes, aliases (a name for a whole expression, such as ``\\delta_i`` for ∂L/∂y_i) and
functions with their parameters. Everything that had to be assumed is told to the caller, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sympy import Symbol

from derive.latex.syntax import Node
from derive.notation.axes import Axes
from derive.notation.names import Letters, Spelling, spell
from derive.notation.values import Axis, Value

SIZE_LETTERS = frozenset("N M m n B b D d H h W w C K k T S F P Q E J".split())
POSITIVE = frozenset({"\\epsilon", "\\varepsilon", "\\text{eps}", "eps", "\\varepsilon_0"})


@dataclass(frozen=True)
class Alias:
    """A name for an expression: ``letters`` are its index letters, ``body`` what it stands for."""

    letters: tuple[str, ...]
    body: Node


@dataclass(frozen=True)
class FunctionAlias:
    """A function that the document defines: parameters and indices by name, and the right-hand side."""

    parameters: tuple[str, ...]
    letters: tuple[str, ...]
    body: Node


@dataclass
class Table:
    """What the names of one document mean.

    Attributes:
        letters: the survey's findings.
        axes: the axes of all places.
        tell: called with each assumption, in words.
        counts: for each name, the numbers of indices with which it is written, zero excepted.
        shapes: axes of names that are never written with indices.
        aliases: by name and number of indices.
        functions: by name.
        loss: the name of the loss, or None.
        defined: names, with their number of indices, that have a definition.
        inputs: names that the forward pass uses and does not define.
        fixed: index letters that stand for one particular value, with their axis.
    """

    letters: Letters
    axes: Axes
    tell: Callable[[str], None]
    counts: dict[str, set[int]] = field(default_factory=dict)
    shapes: dict[str, tuple[Axis, ...]] = field(default_factory=dict)
    aliases: dict[tuple[str, int], Alias] = field(default_factory=dict)
    functions: dict[str, FunctionAlias] = field(default_factory=dict)
    loss: str | None = None
    defined: set[tuple[str, int]] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)
    fixed: dict[str, Axis] = field(default_factory=dict)

    def spell(self, node: Node) -> Spelling | None:
        return spell(node, self.letters)

    def count(self, key: str) -> int:
        """With how many indices a name has its entries."""
        counts = self.counts.get(key, set())
        defined = {n for n in counts if (key, n) in self.defined}
        return min(defined or counts, default=0)

    def axes_of(self, key: str, count: int) -> tuple[Axis, ...]:
        """The axes of a name written with ``count`` indices, or of one that is never written with any."""
        if count:
            return tuple(self.axes.axis(self.axes.place(key, count, k)) for k in range(count))
        return self.shapes.get(key, ())

    def name(self, key: str, count: int) -> str:
        """The SymPy name: the key, told apart where a document uses it with different numbers of indices."""
        return key if count == self.count(key) or not count else f"{key}#{count}"

    def is_size(self, key: str) -> bool:
        return key in self.axes.sizes()

    def is_function(self, key: str) -> bool:
        return key in self.functions


def display_name(name: str) -> str:
    """The LaTeX of a SymPy name."""
    return name.split("#")[0]


__all__ = ["Alias", "FunctionAlias", "Symbol", "Table", "Value", "display_name"]
