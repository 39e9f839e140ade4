"""One letter for each axis: the letters of all definitions and sums brought together.

``x_{nc}`` in one equation and ``x_{ij}`` in another mean the same two axes. Positions of names that ever share an
index are one axis; each axis gets one letter, which the loops of a kernel use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import sympy
from sympy import Expr, Symbol

from derive.forward import Definition, Graph, quantities_in
from derive.gradient import DIRECT
from derive.kernels.names import Names, identifier
from derive.language import indices_of, name_of

Place = tuple[str, int]
_NAMELESS = re.compile(r"n_\{\d+\}")


class NotLowerable(ValueError):
    """A forward pass, or a gradient, that kernels can not be made of; the text says why."""


def base_name(key: str) -> str:
    """The name that an upstream or staged derivative has the axes of: that of ``∂L/∂y`` is ``y``."""
    key = key.removesuffix(DIRECT)
    return key.split("/∂")[-1] if key.startswith("∂") else key


class Axes:
    """The axes of a graph.

    Attributes:
        sizes: for each letter, its size symbol.
        order: all letters, those of the arrays of the most axes first, in their order: that of memory.
    """

    def __init__(self, graph: Graph, names: Names) -> None:
        self.graph = graph
        self._parent: dict[object, object] = {}
        self._letters: dict[object, str] = {}
        self.sizes: dict[str, Symbol] = {}
        self.size_names: dict[Symbol, str] = {}
        for definition in graph.definitions:
            self._join(definition)
        self._names = names
        for definition in graph.definitions:
            self._name(definition)
        names.reserve(self.sizes)
        self._name_sizes(names)
        largest = sorted(graph.sizes, key=lambda name: -len(graph.sizes_of(name)))
        self.order = tuple(
            dict.fromkeys(letter for name in largest if self._is_known(name) for letter in self.of(name))
        )

    def _is_known(self, name: str) -> bool:
        """Whether a name is one of the graph's; the document may have more."""
        return all(self._root((name, k)) in self._letters for k in range(len(self.graph.sizes_of(name))))

    def sorted(self, letters: Iterable[str]) -> tuple[str, ...]:
        """Letters in the order of memory."""
        return tuple(sorted(letters, key=self.order.index))

    def of(self, key: str) -> tuple[str, ...]:
        """The letters of a name's axes."""
        name = base_name(key)
        return tuple(self._letters[self._root((name, k))] for k in range(len(self.graph.sizes_of(name))))

    def letter_at(self, key: str, position: int) -> str:
        return self._letters[self._root((base_name(key), position))]

    def letters_in(self, expr: Expr) -> dict[Symbol, str]:
        """The axis of each index in an expression, by the places that it stands in."""
        found: dict[Symbol, str] = {}
        for quantity in sorted(quantities_in(expr), key=str):
            for k, i in enumerate(indices_of(quantity)):
                if isinstance(i, Symbol):
                    found.setdefault(i, self.letter_at(name_of(quantity), k))
        return found

    # -- joining ---------------------------------------------------------------------------------------------------

    def _root(self, item: object) -> object:
        while (up := self._parent.get(item, item)) != item:
            item = up
        return item

    def _union(self, first: object, second: object) -> None:
        self._parent[self._root(first)] = self._root(second)

    def _join(self, definition: Definition) -> None:
        for k, i in enumerate(definition.indices):
            self._union((definition.name, k), (definition.name, i))
        chosen = definition.expr.free_symbols.difference(definition.indices)  # one of all, as in y_o
        for quantity in quantities_in(definition.expr):
            for k, i in enumerate(indices_of(quantity)):
                if not isinstance(i, Symbol) or i in chosen:
                    raise NotLowerable(
                        f"{name_of(quantity)} has an index that is no letter; kernels have no such entries"
                    )
                self._union((name_of(quantity), k), (definition.name, i))

    def _name(self, definition: Definition) -> None:
        """Letters for the axes that a definition has or sums over, its own letters where they are free."""
        wishes = [(i, n) for i, n in zip(definition.indices, definition.sizes, strict=True)]
        for node in sympy.preorder_traversal(definition.expr):
            if isinstance(node, sympy.Sum | sympy.Product):
                wishes += [(i, high) for i, _, high in node.limits]
        for letter, size in wishes:
            root = self._root((definition.name, letter))
            if root in self._letters:
                continue
            if not isinstance(size, Symbol):
                raise NotLowerable(f"an axis of {size} values: kernels need axes whose size is a name")
            chosen = self._fresh(letter.name)
            self._letters[root] = chosen
            self.sizes[chosen] = size

    def _fresh(self, letter: str) -> str:
        """A letter that is neither another axis nor a name in the graph."""
        letter = "".join(c for c in identifier(letter) if c.isascii() and c.isalnum()).lower() or "i"
        letter = letter if letter[0].isalpha() else f"i{letter}"
        taken = {*self._letters.values(), *map(identifier, (*self.graph.by_name, *self.graph.inputs))}
        found, number = letter, 2
        while found in taken or not self._names.is_free(found):
            found, number = f"{letter}{number}", number + 1
        return found

    def _name_sizes(self, names: Names) -> None:
        for letter, size in self.sizes.items():
            if size not in self.size_names:
                wish = letter.upper() if _NAMELESS.fullmatch(size.name) else size.name
                self.size_names[size] = names.of(size.name) if wish == size.name else names.fresh(wish)
