"""The forward graph: ordered definitions of named intermediates over inputs.

A definition gives a name, with its indices, a value in terms of inputs and earlier names. The graph is checked when it
is built: no name twice, no cycle, indices and sizes that fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import sympy
from sympy import Expr, Symbol

from derive.language import D, index, is_quantity, name_of, refresh, tensor


class GraphError(ValueError):
    """The definitions do not make a forward pass; ``name`` is the definition at fault."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


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
        return frozenset(names_in(self.expr))


def entry(name: str, indices: tuple[Expr, ...]) -> Expr:
    """``name[indices]``, or the symbol for a name without indices."""
    return tensor(name)[indices] if indices else Symbol(name, real=True)


def names_in(expr: Expr) -> set[str]:
    """The names of symbols and indexed names in an expression; indices do not count."""
    return {name_of(atom) for atom in quantities_in(expr)}


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


@dataclass(frozen=True)
class Graph:
    """Definitions in an order in which each uses only earlier ones.

    Args:
        definitions: in any order.
        sizes: for each name that is used or defined, the sizes of its indices.
        loss: the name of the scalar that is differentiated; it may have no definition.
        outputs: the names that an undefined loss depends on. Empty: those that no definition uses.
        positive: names of data known to be positive.
        facts: pairs that are equal for all data, such as (sum of y, 1).
        selectors: names whose entries are used as indices, with the size of the axis that they choose from.
    """

    definitions: tuple[Definition, ...]
    sizes: Mapping[str, tuple[Expr, ...]] = field(default_factory=dict)
    loss: str = "L"
    outputs: tuple[str, ...] = ()
    positive: frozenset[str] = frozenset()
    facts: tuple[tuple[Expr, Expr], ...] = ()
    selectors: Mapping[str, Expr] = field(default_factory=dict)

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
        return on in self._reach[name] if name in self._reach else name == on

    @cached_property
    def _reach(self) -> dict[str, frozenset[str]]:
        reach: dict[str, frozenset[str]] = {}
        for definition in self.definitions:
            below = (reach.get(name, frozenset({name})) for name in definition.uses)
            reach[definition.name] = frozenset({definition.name}).union(*below)
        return reach

    def indices_of(self, name: str) -> tuple[Symbol, ...]:
        """Index letters for a name: those of its definition, or fresh ones."""
        if name in self.by_name:
            return self.by_name[name].indices
        return tuple(index(f"{letter}") for letter, _ in zip("ijklmnpq", self.sizes.get(name, ()), strict=False))

    def sizes_of(self, name: str) -> tuple[Expr, ...]:
        if name in self.by_name:
            return self.by_name[name].sizes
        return tuple(self.sizes.get(name, ()))

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
    path: list[str] = []
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        name, finished = stack.pop()
        if finished:
            path.pop()
            done.setdefault(name, waiting[name])
            continue
        if name in done:
            continue
        if name in path:
            cycle = " uses ".join([*path[path.index(name) :], name])
            raise GraphError(f"the definitions go in a circle: {cycle}", name)
        path.append(name)
        stack.append((name, True))
        stack.extend((used, False) for used in sorted(waiting[name].uses, reverse=True) if used in waiting)


def derivatives_in(expr: Expr) -> set[Expr]:
    """All `D` nodes of an expression."""
    return expr.atoms(D) if expr.has(D) else set()


__all__ = ["D", "Definition", "Graph", "GraphError", "derivatives_in", "entry", "is_quantity", "names_in", "quantities_in"]
