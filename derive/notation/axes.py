"""Axes: which places of which names run over the same range, and how long it is.

The places of a name (``x`` with two indices has two) and the index letters of an equation are joined where they meet;
limits of sums say how long an axis is. Joins made by definitions come first: a claim that runs one letter over axes of
different sizes is reported, not believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Integer

from derive.language import size
from derive.latex.syntax import (
    BigOperator,
    Chain,
    Decoration,
    Fraction,
    Group,
    Node,
    Number,
    Product,
    Sequence,
    Sum,
    span_of,
)
from derive.notation.names import Letters, Spelling, letter_of, spell
from derive.notation.survey import bound_letters
from derive.notation.values import Axis
from derive.source import SourceError

Place = tuple[str, int, int]
"""A name, its number of indices, and which of them."""


@dataclass
class Axes:
    """A union of places and letters into axes.

    Attributes:
        same: names of sizes that were found to be another size.
        plain: names that are quantities and so no sizes.
        operators: for each sum, by the identity of its node, the axes of the letters that it binds.
    """

    letters: Letters
    tell: Callable[[str], None] = lambda text: None
    _parent: list[int] = field(default_factory=list)
    _places: dict[Place, int] = field(default_factory=dict)
    _sizes: dict[int, list[Expr]] = field(default_factory=dict)
    _from_zero: dict[int, list[Expr]] = field(default_factory=dict)
    same: dict[str, Expr] = field(default_factory=dict)
    plain: set[str] = field(default_factory=set)
    operators: dict[int, dict[str, int]] = field(default_factory=dict)
    _alive: list[Node] = field(default_factory=list)  # keeps the identities in `operators` from being used again

    # -- union-find ----------------------------------------------------------------------------------------------

    def fresh(self) -> int:
        self._parent.append(len(self._parent))
        return len(self._parent) - 1

    def find(self, a: int) -> int:
        while self._parent[a] != a:
            self._parent[a] = self._parent[self._parent[a]]
            a = self._parent[a]
        return a

    def place(self, key: str, count: int, position: int) -> int:
        where = key, count, position
        if where not in self._places:
            self._places[where] = self.fresh()
        return self.find(self._places[where])

    def join(self, a: int, b: int) -> bool:
        """Make two axes one; False where their sizes are known to differ."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return True
        if not self._compatible(a, b):
            return False
        self._parent[b] = a
        for table in (self._sizes, self._from_zero):
            if b in table:
                table[a] = table.get(a, []) + table.pop(b)
        return True

    def _compatible(self, a: int, b: int) -> bool:
        """Axes with different sizes are joined only if one of the sizes belongs to no other axis."""
        left, right = self._size(a), self._size(b)
        if left is None or right is None or left == right:
            return True
        if not (self._sizes.get(a) and self._sizes.get(b)) and abs(left - right) == 1:
            return True
        return self._is_name_of_one(left, a) and self._is_name_of_one(right, b)

    def _is_name_of_one(self, n: Expr, axis: int) -> bool:
        if not isinstance(n, sympy.Symbol):
            return False
        roots = {self.find(a) for a in self._sizes if n in map(self.canonical, self._sizes[a])}
        return roots <= {axis}

    def canonical(self, n: Expr) -> Expr:
        """A size with equal sizes' names replaced by one of them."""
        for _ in range(len(self.same) + 1):
            replaced = n.xreplace({size(name): value for name, value in self.same.items()})
            if replaced == n:
                break
            n = replaced
        return n

    def _size(self, axis: int) -> Expr | None:
        """The axis's size: a plain name or number before a computed one (a sum from 0 to n beside one from 1 to n)."""
        sizes = [self.canonical(n) for n in self._sizes.get(self.find(axis), ())]
        if not sizes:  # a sum from 0 to n has n + 1 terms, where nothing else says that there are n
            sizes = [self.canonical(n) + 1 for n in self._from_zero.get(self.find(axis), ())]
        return next((n for n in sizes if n.is_Atom), sizes[0] if sizes else None)

    def limit(self, axis: int, n: Expr) -> None:
        """An axis has ``n`` values; a second name for its size makes the two the same."""
        axis = self.find(axis)
        known = self._sizes.setdefault(axis, [])
        n = self.canonical(n)
        for old in map(self.canonical, known):
            if old != n and isinstance(n, sympy.Symbol) and self._is_name_of_one(n, axis):
                self.equate(n, old)
        known.append(n)

    def _limit_to(self, axis: int, node: BigOperator) -> None:
        high = size_expression(node.upper) if node.upper is not None else None
        start = first_value(node.lower)
        if high is None or (start is not None and start > 1):
            return
        if start == 0 and high.is_Atom:
            self._from_zero.setdefault(self.find(axis), []).append(high)
        else:
            self.limit(axis, high - start + 1 if start is not None else high)

    def equate(self, a: Expr, b: Expr, quiet: bool = False) -> None:
        """Two names of one size."""
        a, b = self.canonical(a), self.canonical(b)
        if a == b or not isinstance(a, sympy.Symbol):
            return
        self.same[a.name] = b
        if not quiet:
            self.tell(f"{a.name} and {b} are the same size")

    def axis(self, a: int) -> Axis:
        """The axis with its size; one that nobody named gets a name of its own."""
        root = self.find(a)
        known = self._size(root)
        if known is None:
            known = size(f"n_{{{root}}}")
            self._sizes[root] = [known]
        return Axis(root, known)

    def sizes(self) -> set[str]:
        """The names of all sizes."""
        tables = (*self._sizes.values(), *self._from_zero.values())
        found = {s.name for sizes in tables for n in sizes for s in n.free_symbols}
        return found | set(self.same) | {s.name for n in self.same.values() for s in n.free_symbols}

    def count(self) -> int:
        """How many axes of known size there are."""
        return len({self.find(a) for a in (*self._sizes, *self._from_zero)})

    def only(self) -> Axis:
        """The axis of known size where there is just one."""
        (root,) = {self.find(a) for a in (*self._sizes, *self._from_zero)}
        return self.axis(root)

    # -- reading a statement ---------------------------------------------------------------------------------------

    def link(self, node: Node, scope: dict[str, int]) -> None:
        """Join the letters and places of an expression; ``scope`` holds the axes of its letters and is added to."""
        if isinstance(node, BigOperator):
            self._link_operator(node, scope)
            return
        spelled = spell(node, self.letters)
        if spelled is not None and spelled.indices:
            self._link_name(spelled, scope)
        if spelled is None:
            for child in node.children():
                self.link(child, scope)
        elif spelled.power is not None:
            self.link(spelled.power, scope)
        if isinstance(node, Product | Fraction):
            self._name_sizes(node, scope)

    def _link_name(self, spelled: Spelling, scope: dict[str, int]) -> None:
        for k, index in enumerate(spelled.indices):
            letter = letter_of(index)
            place = self.place(spelled.key, len(spelled.indices), k)
            if letter is not None:
                if letter in scope:
                    self.join(scope[letter], place)
                else:
                    scope[letter] = place

    def _link_operator(self, node: BigOperator, scope: dict[str, int]) -> None:
        inner = dict(scope)
        names = list(bound_letters(node.lower)) if node.lower is not None else []
        for letter in names:
            inner[letter] = self.fresh()
        for part in _conditions(node.lower):
            self.link(part, inner)
        if len(names) == 1:
            self._limit_to(inner[names[0]], node)
        self.link(node.body, inner)
        for letter, axis in inner.items():
            if letter not in names:
                scope.setdefault(letter, axis)
        self._alive.append(node)
        self.operators[id(node)] = {letter: inner[letter] for letter in names}

    # -- sizes named beside a sum ------------------------------------------------------------------------------------

    def _name_sizes(self, node: Product | Fraction, scope: dict[str, int]) -> None:
        """``\\frac{1}{n} \\sum_i``: n is the size of the axis that the sum runs over."""
        for name, operator in _prefactors(node):
            letters = self.operators.get(id(operator), {})
            spelled = spell(name, self.letters)
            if len(letters) == 1 and spelled is not None and not spelled.indices and spelled.key not in self.plain:
                (axis,) = letters.values()
                n = size(spelled.key)
                if spelled.key not in self.sizes() or self._size(axis) is None:
                    self.limit(axis, n)


def _prefactors(node: Product | Fraction) -> Iterator[tuple[Node, BigOperator]]:
    """Names that a sum is divided by, with the sum."""
    if isinstance(node, Fraction):
        operator = _operator(node.numerator)
        if operator is not None:
            yield node.denominator, operator
        return
    for k, factor in enumerate(node.factors[:-1]):
        operator = _operator(node.factors[k + 1])
        while isinstance(factor, Decoration):
            factor = factor.body
        if operator is not None and isinstance(factor, Fraction) and isinstance(factor.numerator, Number):
            yield factor.denominator, operator
        if operator is not None and k and node.operators[k - 1] == "/":
            yield factor, operator


def _operator(node: Node) -> BigOperator | None:
    while isinstance(node, Group | Decoration):
        node = node.body
    return node if isinstance(node, BigOperator) and node.operator == "sum" else None


def _conditions(lower: Node | None) -> Iterator[Node]:
    """The index conditions in a lower limit."""
    if isinstance(lower, Sequence):
        for item in lower.items:
            yield from _conditions(item)
    elif isinstance(lower, Chain) and lower.relations[0] != "=":
        yield from (m for m in lower.members if letter_of(m) is None)


def first_value(lower: Node | None) -> Expr | None:
    """The first value of a summed index, where it is a number."""
    if isinstance(lower, Sequence):
        return next((s for item in lower.items if (s := first_value(item)) is not None), None)
    if isinstance(lower, Chain) and lower.relations[0] == "=" and isinstance(lower.members[1], Number):
        return Integer(int(float(lower.members[1].text)))
    return None


def size_expression(node: Node) -> Expr | None:
    """A size as SymPy: names of sizes, numbers, their products, quotients, sums."""
    if isinstance(node, Number):
        return Integer(node.text) if node.text.isdigit() and len(node.text) < 12 else None
    if isinstance(node, Decoration):
        return size_expression(node.body)
    if isinstance(node, Group):
        return size_expression(node.body)
    spelled = spell(node, Letters())
    if spelled is not None:
        return size(spelled.key) if spelled.power is None else None
    parts = {Product: lambda: _size_product(node), Fraction: lambda: _size_quotient(node), Sum: lambda: _size_sum(node)}
    rule = parts.get(type(node))
    return rule() if rule else None


def _size_product(node: Node) -> Expr | None:
    assert isinstance(node, Product)
    total = Integer(1)
    for k, factor in enumerate(node.factors):
        n = size_expression(factor)
        if n is None:
            return None
        total = total / n if k and node.operators[k - 1] == "/" else total * n
    return total


def _size_quotient(node: Node) -> Expr | None:
    assert isinstance(node, Fraction)
    above, below = size_expression(node.numerator), size_expression(node.denominator)
    return above / below if above is not None and below is not None and below != 0 else None


def _size_sum(node: Node) -> Expr | None:
    assert isinstance(node, Sum)
    total = Integer(0)
    for sign, term in zip(node.signs, node.terms, strict=True):
        n = size_expression(term)
        if n is None:
            return None
        total = total - n if sign == "-" else total + n
    return total


def conflict(letter: str, first: Axis, second: Axis, node: Node) -> SourceError:
    """One letter over two axes."""
    return SourceError(
        f"the index {letter} runs over {first.size} values in one place and over {second.size} in another", span_of(node)
    )
