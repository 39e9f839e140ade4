"""The symbol table: what each name of a document stands for.

Sizes, quantities with their axes, aliases (a name for a whole expression, such as ``\\delta_i`` for ∂L/∂y_i) and
functions with their parameters. What had to be assumed is told to the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sympy import Expr, Integer

from derive.latex.syntax import Node
from derive.notation.axes import Axes
from derive.notation.choices import Choice
from derive.notation.functions import FunctionAlias
from derive.notation.names import Letters, Spelling, spell
from derive.notation.ranks import Ranks
from derive.notation.values import Axis, Shapes

SIZE_LETTERS = frozenset(["N", "M", "m", "n", "B", "D", "d", "H", "K", "C", "T"])
POSITIVE = frozenset({"\\epsilon", "\\varepsilon", "\\text{eps}", "eps", "\\varepsilon_0"})

Name = tuple[str, int]
"""A key and the number of indices that it is written with."""


@dataclass(frozen=True)
class Alias:
    """A name for an expression: ``letters`` are its index letters, ``body`` what it stands for."""

    letters: tuple[str, ...]
    body: Node


@dataclass
class Table:
    """What the names of one document mean.

    Attributes:
        letters: the survey's findings.
        axes: the axes of all places.
        ranks: how many axes each name has.
        tell: called with each assumption, in words.
        aliases: by name.
        functions: by key.
        loss: the key of the loss, or None.
        defined: names that have a definition.
        open: names of which the page does not say what they are, with those that they may depend on.
        unread: those of them whose definition could not be read, with its line.
        renamed: those of them that a definition only gives another name, with that.
        statistics: those of them that are only customary for statistics of the data.
        constants: names of which a line says that a derivative is zero.
        misdeclared: those that formulas use with other sizes than the page declares, in words.
        indicators: those of data of which the page says that it is 0 or 1.
        is_loss_open: whether the loss has a definition that could not be read, so that it may be any function.
        inputs: keys that the forward pass uses and does not define.
        fixed: index letters that stand for one particular value, with their axis.
        selectors: names whose entries are used as indices, with the axis that they choose from.
        carried: names of one step of a recurrence that other steps use too.
        vague: names written as functions of which the document says nothing.
        unused: names in givens that derive could not use, with the line.
        variable: what arbitrary functions depend on where they are written without argument.
        arguments: names that the document writes with arguments, with those.
        uses: for each defined name those that its definition uses.
        words: those of the document's text.
        choices: what the page may mean in two ways.
        shifts: vectors that are added to every row of a matrix, or to every column: nothing says which.
    """

    letters: Letters
    axes: Axes
    ranks: Ranks
    tell: Callable[[str], None]
    aliases: dict[Name, Alias] = field(default_factory=dict)
    functions: dict[str, FunctionAlias] = field(default_factory=dict)
    loss: str | None = None
    defined: set[Name] = field(default_factory=set)
    is_loss_open: bool = False
    open: dict[str, set[str]] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    statistics: set[str] = field(default_factory=set)
    constants: set[str] = field(default_factory=set)
    misdeclared: dict[str, str] = field(default_factory=dict)
    indicators: set[str] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)
    fixed: dict[str, Axis] = field(default_factory=dict)
    selectors: dict[str, Axis] = field(default_factory=dict)
    vague: frozenset[str] = frozenset()
    variable: str = "~x"
    carried: set[str] = field(default_factory=set)
    unused: dict[str, int] = field(default_factory=dict)
    arguments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    uses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shifts: set[str] = field(default_factory=set)
    words: frozenset[str] = frozenset()
    choices: tuple[Choice, ...] = ()

    def __post_init__(self) -> None:
        self.shapes = Shapes(self.axes.join)
        self.ranks.defined = self.defined
        self.axes.rank = self.total

    def spell(self, node: Node) -> Spelling | None:
        return spell(node, self.letters)

    def total(self, key: str, count: int) -> int:
        """The number of axes of a name written with ``count`` indices."""
        return self.ranks.total(key, count)

    def axes_of(self, key: str, count: int) -> tuple[Axis, ...]:
        total = self.total(key, count)
        return tuple(self.axes.place(key, total, k) for k in range(total))

    def position(self, text: str, axis: Axis) -> Expr:
        """The place along an axis that a number names; places are counted from 1, also where the page begins at 0."""
        places = (place for key in self.letters.from_zero for count in (0, 1, 2) for place in self.axes_of(key, count))
        return Integer(text) + any(axis.same(place) for place in places)

    def name(self, key: str, count: int) -> str:
        """The SymPy name: the key, told apart where a document has names of different rank under one key."""
        total = self.total(key, count)
        return key if total == self.total(key, 0) else f"{key}#{total}"

    def alias(self, key: str, count: int) -> Alias | None:
        """The alias that a name written with ``count`` indices is: that with as many, else with the fewest more."""
        if (key, count) in self.defined:
            return None
        more = sorted(n for k, n in self.aliases if k == key and n >= count)
        return self.aliases[key, more[0]] if more else None

    def is_size(self, key: str) -> bool:
        return key in self.axes.sizes()

    def is_any_function(self, key: str) -> bool:
        """Whether a name stands for any function: written with primes too, and the document says no more of it."""
        base = key.rstrip("'")
        known = (self.introduced(Spelling(k)) or self.alias(k, 0) is not None for k in (base, f"{base}'", key))
        return f"{base}'" in self.axes.uses and not any(known)

    def stages(self, name: str) -> tuple[str, ...]:
        """The names that the definition of a name uses."""
        return self.uses.get(name, ())

    def introduced(self, spelled: Spelling) -> bool:
        """Whether something in the document says what a name is."""
        key, count = spelled.key, len(spelled.indices)
        return (
            (key, count) in self.defined
            or key in self.inputs
            or key == self.loss
            or any(k == key for k, _ in self.defined)
        )
