"""The forward graph: ordered definitions of named intermediates over inputs.

A definition gives a name, with its indices, a value in terms of inputs and earlier names. The graph is
checked when it is built: no name twice, no cycle, indices and sizes that fit.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, count
from typing import TypeVar

import sympy
from sympy import Expr, Symbol

from derive.caches import kept
from derive.language import index, name_of, refresh, tensor


class GraphError(ValueError):
    """The definitions do not make a forward pass; ``name`` is the definition at fault."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


Item = TypeVar("Item", bound=Hashable)


def closure(start: Iterable[Item], following: Callable[[Item], Iterable[Item]]) -> set[Item]:
    """Items, such as names, with those that follow from them, those that follow from these, and so on."""
    found: set[Item] = set()
    waiting = list(start)
    while waiting:
        item = waiting.pop()
        if item not in found:
            found.add(item)
            waiting.extend(following(item))
    return found


@dataclass(frozen=True)
class Definition:
    """``name[indices] = expr``; ``sizes`` holds the number of values of each index."""

    name: str
    indices: tuple[Symbol, ...]
    sizes: tuple[Expr, ...]
    expr: Expr

    def at(self, indices: Iterable[Expr]) -> Expr:
        """The right-hand side with other indices put in, its summed indices renamed."""
        return refresh(self.expr).xreplace(dict(zip(self.indices, indices, strict=True)))

    def entry(self, indices: Iterable[Expr] | None = None) -> Expr:
        """The left-hand side: the symbol or the entry that is defined."""
        return entry(self.name, self.indices if indices is None else tuple(indices))

    @cached_property
    def uses(self) -> frozenset[str]:
        """The names of quantities in the right-hand side."""
        return names_in(self.expr)


def entry(name: str, indices: tuple[Expr, ...]) -> Expr:
    """``name[indices]``, or the symbol for a name without indices."""
    return tensor(name)[indices] if indices else Symbol(name, real=True)


@kept(16384)
def names_in(expr: Expr) -> frozenset[str]:
    """The names of symbols and indexed names in an expression; indices do not count."""
    return frozenset(name_of(atom) for atom in quantities_in(expr))


def quantities_in(expr: Expr) -> set[Expr]:
    """The symbols and entries in an expression that are no indices, entries inside indices included."""
    found: set[Expr] = set()
    _collect(expr, found)
    return found


def _collect(expr: Expr, found: set[Expr]) -> None:
    if isinstance(expr, sympy.Indexed):
        found.add(expr)
        for i in expr.indices:
            if isinstance(i, sympy.Indexed):
                _collect(i, found)
    elif isinstance(expr, Symbol):
        if not expr.is_integer or expr.is_positive:
            found.add(expr)
    elif isinstance(expr, sympy.Sum | sympy.Product):
        _collect(expr.function, found)
        for _, low, high in expr.limits:
            _collect(low, found)
            _collect(high, found)
    elif not isinstance(expr, sympy.KroneckerDelta):
        for argument in expr.args:
            _collect(argument, found)


@dataclass(frozen=True, eq=False)
class Graph:
    """Definitions in an order in which each uses only earlier ones. Two graphs are never equal, so that what
    follows from one can be kept under it.

    Args:
        definitions: in any order.
        sizes: for each name that is used or defined, the sizes of its indices.
        loss: the name of the scalar that is differentiated; it may have no definition.
        outputs: the names that an undefined loss depends on. Empty: those that no definition uses.
        positive: names of data known to be positive.
        facts: pairs that are equal for all data, such as (sum of y, 1).
        selectors: names whose entries are used as indices, with the size of the axis that they choose from.
        indicators: names of data whose entries are 0 or 1.
    """

    definitions: tuple[Definition, ...]
    sizes: Mapping[str, tuple[Expr, ...]] = field(default_factory=dict)
    loss: str = "L"
    outputs: tuple[str, ...] = ()
    positive: frozenset[str] = frozenset()
    facts: tuple[tuple[Expr, Expr], ...] = ()
    selectors: Mapping[str, Expr] = field(default_factory=dict)
    indicators: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "definitions", tuple(_sorted(self.definitions)))
        if not self.outputs:
            object.__setattr__(self, "outputs", tuple(self._sinks()))

    @cached_property
    def by_name(self) -> dict[str, Definition]:
        return {d.name: d for d in self.definitions}

    @cached_property
    def consumers(self) -> dict[str, tuple[Definition, ...]]:
        """For each name the definitions that use it directly."""
        found: dict[str, list[Definition]] = {}
        for definition in self.definitions:
            for name in definition.uses:
                found.setdefault(name, []).append(definition)
        return {name: tuple(users) for name, users in found.items()}

    def _sinks(self) -> Iterator[str]:
        for definition in self.definitions:
            if definition.name not in self.consumers and definition.name != self.loss:
                yield definition.name

    @property
    def has_loss(self) -> bool:
        """Whether the loss has a definition."""
        return self.loss in self.by_name

    def depends(self, name: str, on: str) -> bool:
        """Whether a name is ``on``, or is defined by way of it."""
        return name == on or name in self._above(on)

    def _above(self, name: str) -> frozenset[str]:
        """The names that are defined by way of a name; asked for one name at a time, as all together they are
        as many as the square of a deep graph's depth."""
        if name not in self._ancestors:
            self._ancestors[name] = frozenset(closure(self._users(name), self._users))
        return self._ancestors[name]

    def _users(self, name: str) -> Iterator[str]:
        return (user.name for user in self.consumers.get(name, ()))

    def made_from(self, names: Iterable[str]) -> set[str]:
        """Names with all that they are made from."""
        return closure(names, lambda name: self.by_name[name].uses if name in self.by_name else ())

    @cached_property
    def reaching(self) -> frozenset[str]:
        """The names that the loss, or where it is not defined an output, depends on; they themselves
        included."""
        return frozenset(self.made_from([self.loss] if self.has_loss else self.outputs))

    @cached_property
    def _ancestors(self) -> dict[str, frozenset[str]]:
        return {}

    def indices_of(self, name: str) -> tuple[Symbol, ...]:
        """Index letters for a name: those of its definition, those of its first use, or the customary ones."""
        if name in self.by_name:
            return self.by_name[name].indices
        if name in self._letters:
            return self._letters[name]
        letters = chain("ijklmnpq", (f"i_{k}" for k in count(1)))
        return tuple(index(letter) for letter, _ in zip(letters, self.sizes.get(name, ()), strict=False))

    @cached_property
    def _letters(self) -> dict[str, tuple[Symbol, ...]]:
        """For inputs the index letters of the first use with different letters, one without summed ones if there is."""
        found: dict[str, tuple[int, tuple[Symbol, ...]]] = {}
        for definition in self.definitions:
            entries = (q for q in quantities_in(definition.expr) if isinstance(q, sympy.Indexed))
            for use in sorted(entries, key=str):
                letters = tuple(index(i.name) for i in use.indices if isinstance(i, Symbol) and i.name.isidentifier())
                summed = sum(isinstance(i, sympy.Dummy) for i in use.indices)
                if len(set(letters)) == len(use.indices) and summed < found.get(name_of(use), (99,))[0]:
                    found[name_of(use)] = summed, letters
        return {name: letters for name, (_, letters) in found.items()}

    def sizes_of(self, name: str) -> tuple[Expr, ...]:
        if name in self.by_name:
            return self.by_name[name].sizes
        return tuple(self.sizes.get(name, ()))

    @cached_property
    def all_sizes(self) -> tuple[Expr, ...]:
        """The sizes of all axes of all names, each once."""
        axes = (*self.sizes.values(), *(d.sizes for d in self.definitions))
        return tuple(dict.fromkeys(n for sizes in (*axes, self.selectors.values()) for n in sizes))

    @cached_property
    def size_names(self) -> tuple[str, ...]:
        """The names of sizes, those of axes first."""
        sides = (side for fact in self.facts for side in fact)
        exprs = (*self.all_sizes, *(d.expr for d in self.definitions), *sides)
        symbols = (s for e in exprs for s in sorted(e.free_symbols, key=str))
        return tuple(dict.fromkeys(s.name for s in symbols if s.is_integer and s.is_positive))

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names that are used and not defined, in order of their first use."""
        seen: dict[str, None] = {}
        for definition in self.definitions:
            for atom in sorted(quantities_in(definition.expr), key=str):
                name = name_of(atom)
                is_size = isinstance(atom, Symbol) and atom.is_integer
                if name not in self.by_name and not is_size:
                    seen[name] = None
        return tuple(seen)


def _sorted(definitions: Iterable[Definition]) -> list[Definition]:
    """Definitions in an order in which each uses only earlier ones, otherwise as given."""
    waiting: dict[str, Definition] = {}
    for definition in definitions:
        if definition.name in waiting:
            raise GraphError(f"{definition.name} is defined twice", definition.name)
        waiting[definition.name] = definition
    done: dict[str, Definition] = {}
    for name in waiting:
        _visit(name, waiting, done)
    return list(done.values())


def _visit(start: str, waiting: Mapping[str, Definition], done: dict[str, Definition]) -> None:
    """Depth first, without recursion, so that a long chain of layers is no deeper than a short one."""
    path: dict[str, None] = {}
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        name, finished = stack.pop()
        if finished:
            del path[name]
            done[name] = waiting[name]
        elif name in path:
            circle = list(path)[list(path).index(name) :]
            raise GraphError(f"the definitions go in a circle: {' uses '.join([*circle, name])}", name)
        elif name not in done:
            path[name] = None
            stack.append((name, True))
            stack.extend((used, False) for used in sorted(waiting[name].uses, reverse=True) if used in waiting)
