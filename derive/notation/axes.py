"""Axes: which places of which names run over the same range, and how long it is.

The places of a name (``x`` with two indices has two) and the index letters of an equation are joined where they meet;
limits of sums say how long an axis is. The forward pass comes first: a claim that would make two of its axes one is
reported, not believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Integer

from derive.language import size, unnamed_size
from derive.latex.syntax import BigOperator, Chain, Decoration, Fraction, Group, Node, Number, Product, Sequence, Sum
from derive.notation.names import Letters, Spelling, letter_of, parts, spell
from derive.notation.survey import bound_letters, limiting_letters
from derive.notation.values import Axis

Scope = dict[str, Axis]
"""The axes of an equation's letters."""


@dataclass
class Axes:
    """All axes of a document.

    Attributes:
        same: names of sizes that were found to be another size.
        plain: names that are quantities and so no sizes.
        operators: for each sum, by the identity of its node, the axes of the letters that it binds.
        places: how many axes a name has when it is written with some number of indices.
        kronecker: whether ``\\delta_{ij}`` is Kronecker's.
        products: names that the document says to be products of capitals, with those.
        uses: how often the document writes each name, so that the commonest of several names for a size is kept.
    """

    letters: Letters
    tell: Callable[[str], None] = lambda text: None
    same: dict[str, Expr] = field(default_factory=dict)
    plain: set[str] = field(default_factory=set)
    operators: dict[int, Scope] = field(default_factory=dict)
    kronecker: bool = True
    products: dict[str, tuple[str, ...]] = field(default_factory=dict)
    uses: Counter[str] = field(default_factory=Counter)
    rank: Callable[[str, int], int] = lambda key, count: count
    _all: list[Axis] = field(default_factory=list)
    _limited: list[Axis] = field(default_factory=list)  # those that were given a size
    _sizes: set[str] = field(default_factory=set)
    _places: dict[tuple[str, int, int], Axis] = field(default_factory=dict)
    _alive: list[Node] = field(default_factory=list)  # keeps the identities in `operators` from being used again

    def fresh(self) -> Axis:
        axis = Axis(self._measure)
        self._all.append(axis)
        return axis

    def place(self, key: str, total: int, position: int) -> Axis:
        """The axis at one place of a name that has ``total`` of them."""
        where = key, total, position
        if where not in self._places:
            self._places[where] = self.fresh()
        return self._places[where]

    def roots(self) -> list[Axis]:
        """Axes of a size that the document names."""
        self._limited = list(dict.fromkeys(a.root for a in self._limited))
        return self._limited

    def unnamed(self) -> list[Axis]:
        """Axes of names, of a size that nothing says."""
        roots = dict.fromkeys(axis.root for axis in self._places.values())
        return [a for a in roots if not a.sizes and not a.from_zero]

    def is_known(self, name: str) -> bool:
        """Whether a name is that of a size or of a quantity."""
        return name in self.plain or name in self.sizes()

    def settle(self) -> None:
        """From here on the axes met so far belong to the forward pass."""
        for axis in self._all:
            axis.root.settled = True

    def join(self, a: Axis, b: Axis) -> bool:
        """Make two axes one, or at least equally long; False where the forward pass or their sizes forbid it."""
        a, b = a.root, b.root
        if a is b:
            return True
        if (
            a.settled and b.settled
        ):  # two axes of the forward pass stay two, but letters may cross where they are as long
            left, right = self._known(a), self._known(b)
            return left is not None and left == right
        if not self._compatible(a, b):
            return False
        if b.settled:
            a, b = b, a
        sizes = [n for n in (self._known(a), self._known(b)) if n is not None and a.sizes and b.sizes]
        a.absorb(b)
        if len(sizes) == 2:
            self.equate(*sizes)
        return True

    @contextmanager
    def trial(self) -> Iterator[None]:
        """What is joined or measured inside is forgotten afterwards, and not told."""
        tell, self.tell = self.tell, lambda text: None
        before = [(a, a._parent, list(a.sizes), list(a.from_zero), a.settled) for a in self._all]
        kept = dict(self.same), dict(self._places), dict(self.operators), self._alive[:], self._limited[:]
        sizes_before = set(self._sizes)
        try:
            yield
        finally:
            self.tell = tell
            for axis, parent, sizes, from_zero, settled in before:
                axis._parent, axis.sizes, axis.from_zero, axis.settled = parent, sizes, from_zero, settled
            del self._all[len(before) :]
            self.same, self._places, self.operators, self._alive, self._limited = kept
            self._sizes = sizes_before

    # -- sizes -----------------------------------------------------------------------------------------------------

    def _compatible(self, a: Axis, b: Axis) -> bool:
        """Axes of different sizes are joined only if each size is one of its axis alone, or one counts from 0."""
        left, right = self._known(a), self._known(b)
        if left is None or right is None or left == right:
            return True
        if not (a.sizes and b.sizes) and abs(left - right) == 1:
            return True
        return self._names_only(left, a) and self._names_only(right, b)

    def _names_only(self, n: Expr, axis: Axis) -> bool:
        """Whether a size is a name that no other axis has."""
        if not isinstance(n, sympy.Symbol):
            return False
        return all(a is axis or n not in map(self.canonical, a.sizes) for a in self.roots())

    def contradicts(self, axis: Axis, n: Expr) -> bool:
        """Whether an axis has another size than ``n``, which is that of another axis."""
        n, known = self.canonical(n), self._known(axis)
        others = (a for a in self.roots() if a is not axis.root)
        return known is not None and known != n and any(n in map(self.canonical, a.sizes) for a in others)

    def canonical(self, n: Expr) -> Expr:
        """A size with equal sizes' names replaced by one of them."""
        for _ in range(len(self.same) + 1):
            replaced = n.xreplace({size(name): value for name, value in self.same.items()})
            if replaced == n:
                break
            n = replaced
        return n

    def _known(self, axis: Axis) -> Expr | None:
        """The axis's size: a plain name or number before a computed one; n + 1 where all sums run from 0 to n."""
        sizes = [self.canonical(n) for n in axis.root.sizes]
        if not sizes:
            sizes = [self.canonical(n) + 1 for n in axis.root.from_zero]
        return next((n for n in sizes if n.is_Atom), sizes[0] if sizes else None)

    def _measure(self, axis: Axis) -> Expr:
        """The size of an axis; one that nobody names gets a name of its own."""
        known = self._known(axis)
        return unnamed_size(self._all.index(axis)) if known is None else known

    def told(self, axis: Axis) -> str:
        """How many values an axis has, in words; by a name that has it where the document has no name for it."""
        if self._known(axis) is not None:
            return f"{axis.size} values"
        bearer = next((key for (key, _, _), place in self._places.items() if place.root is axis.root), None)
        return "an unnamed number of values" if bearer is None else f"as many values as {bearer} has"

    def limit(self, axis: Axis, n: Expr) -> None:
        """An axis has ``n`` values; a second name for its size makes the two the same."""
        root = axis.root
        n = self.canonical(n)
        for old in [self.canonical(known) for known in root.sizes]:
            if old != n and isinstance(n, sympy.Symbol) and self._names_only(n, root):
                self.equate(n, old)
        self._measured(root, root.sizes, n)

    def _measured(self, root: Axis, known: list[Expr], n: Expr) -> None:
        """Remember what measures an axis: a size, or an upper limit of sums from 0."""
        if not root.sizes and not root.from_zero:
            self._limited.append(root)
        if n not in known:
            known.append(n)
        self._sizes |= {s.name for s in n.free_symbols}

    def equate(self, a: Expr, b: Expr, quiet: bool = False) -> None:
        """Two names of one size."""
        a, b = self.canonical(a), self.canonical(b)
        if a == b or not isinstance(a, sympy.Symbol):
            return
        if isinstance(b, sympy.Symbol) and self.uses[a.name] > self.uses[b.name]:
            a, b = b, a
        self.same[a.name] = b
        self._sizes |= {a.name} | {s.name for s in b.free_symbols}
        if not quiet:
            self.tell(f"{a.name} and {b} are the same size")

    def sizes(self) -> set[str]:
        """The names of all sizes."""
        return self._sizes

    # -- reading a statement ---------------------------------------------------------------------------------------

    def link(self, node: Node, scope: Scope) -> None:
        """Join the letters and places of an expression; ``scope`` holds the axes of its letters and is added to."""
        if isinstance(node, BigOperator):
            self._link_operator(node, scope)
            return
        spelled = spell(node, self.letters)
        if spelled is None:
            for child in parts(node, self.letters):
                self.link(child, scope)
        else:
            self._link_name(spelled, scope)
        if isinstance(node, Product | Fraction):
            self._name_sizes(node)

    def _link_delta(self, spelled: Spelling, scope: Scope) -> None:
        """The two indices of a Kronecker delta run over one axis."""
        letters = [letter for item in spelled.indices if (letter := letter_of(item)) is not None]
        axes = [scope.setdefault(letter, self.fresh()) for letter in letters]
        if len(axes) == 2:
            self.join(*axes)

    def _link_name(self, spelled: Spelling, scope: Scope) -> None:
        if spelled.key == "\\delta" and len(spelled.indices) == 2 and self.kronecker:
            self._link_delta(spelled, scope)
            return
        total = self.rank(spelled.key, len(spelled.indices))
        for k, index in enumerate(spelled.indices):
            letter = letter_of(index)
            place = self.place(spelled.key, total, k)
            if letter is None:
                self.link(index, scope)
            elif letter in scope:
                self.join(scope[letter], place)
            else:
                scope[letter] = place
        if spelled.power is not None:
            self.link(spelled.power, scope)

    def _link_operator(self, node: BigOperator, scope: Scope) -> None:
        inner = dict(scope)
        names = list(bound_letters(node.lower))
        for letter in names:
            inner[letter] = self.fresh()
        for part in _conditions(node.lower):
            self.link(part, inner)
        ends = [letter for letter in limiting_letters(node) if letter in self.letters.indices]
        for letter in ends if len(names) == 1 else ():
            self.join(inner[names[0]], inner.setdefault(letter, self.fresh()))
        if len(names) == 1:
            self._limit_to(inner[names[0]], node)
        self.link(node.body, inner)
        for letter, axis in inner.items():
            if letter not in names:
                scope.setdefault(letter, axis)
        self._alive.append(node)
        self.operators[id(node)] = {letter: inner[letter] for letter in names}

    def _limit_to(self, axis: Axis, node: BigOperator) -> None:
        high = self.end(node)
        start = first_value(node.lower)
        if high is None or (start is not None and start > 1):
            return
        if start == 0 and high.is_Atom:
            self._measured(axis.root, axis.root.from_zero, high)
        else:
            self.limit(axis, high - start + 1 if start is not None else high)

    def end(self, node: BigOperator) -> Expr | None:
        """The size up to which a sum runs; None where it runs up to another index, or does not say."""
        if node.upper is None or any(letter_of(part) in self.letters.indices for part in node.upper.walk()):
            return None
        return size_expression(node.upper)

    # -- sizes named beside a sum ------------------------------------------------------------------------------------

    def _name_sizes(self, node: Product | Fraction) -> None:
        """``\\frac{1}{n} \\sum_i``: n is the size of the axis that the sum runs over."""
        for name, operator in prefactors(node):
            letters = self.operators.get(id(operator), {})
            nested = self._nested(operator)
            if len(nested) > 1 and self._name_several(name, nested):
                continue
            spelled = spell(name, self.letters)
            if spelled is not None and spelled.key in self.letters.indices:
                continue
            if len(letters) == 1 and spelled is not None and not spelled.indices and spelled.key not in self.plain:
                (axis,) = letters.values()
                new = spelled.key not in self.sizes() and not axis.root.settled
                if not is_greek(spelled.key) and (new or self._known(axis) is None):
                    self.limit(axis, size(spelled.key))

    def _nested(self, operator: BigOperator) -> Scope:
        """The letters of a sum and of those directly inside it, with their axes."""
        found: Scope = {}
        inner: BigOperator | None = operator
        while inner is not None:
            found |= self.operators.get(id(inner), {})
            inner = _operator(inner.body)
        return found

    def _name_several(self, divisor: Node, nested: Scope) -> bool:
        """``\\frac{1}{NHW} \\sum_{n,h,w}``: three sizes; ``\\frac{1}{m} \\sum_{n,h,w}``: m is their product.

        Not where sums stand one in the other and the outermost has no size: ``\\frac{1}{N} \\sum_i \\sum_k`` often
        averages over the first alone.
        """
        names = list(_capitals(divisor)) or list(self.products.get(_key(divisor), ()))
        if len(names) > 1:
            axes = {letter: axis for letter, axis in nested.items() if letter.upper() in names}
            if len(axes) == len(names) == len(nested):
                for letter, axis in axes.items():
                    self.limit(axis, size(letter.upper()))
            return True
        key = _key(divisor)
        if not key or key in self.plain or is_greek(key):
            return False
        known = [self._known(axis) for axis in nested.values()]
        if any(n == self.canonical(size(key)) for n in known) or (known[0] is None and not self._is_listed(nested)):
            return False
        for axis in nested.values():
            if self._known(axis) is None:
                self.limit(axis, unnamed_size(self._all.index(axis.root)))
        if key not in self._sizes:
            self.equate(
                size(key), sympy.Mul(*(self._known(axis) or Integer(1) for axis in nested.values())), quiet=True
            )
        return True

    def _is_listed(self, nested: Scope) -> bool:
        """Whether one sum binds all of the letters."""
        return any(set(scope) == set(nested) for scope in self.operators.values())


def _capitals(node: Node) -> Iterator[str]:
    """The names in a product of capitals."""
    if isinstance(node, Product) and "/" not in node.operators:
        letters = [letter_of(factor) for factor in node.factors]
        if all(letter is not None and letter.isupper() for letter in letters):
            yield from (letter for letter in letters if letter is not None)


def is_greek(key: str) -> bool:
    """Whether a name is a small Greek letter, such as a temperature, which counts nothing."""
    return key.startswith("\\") and key[1:].isalpha() and key[1:].islower() and key != "\\ell"


def _key(node: Node) -> str:
    spelled = spell(node, Letters())
    return spelled.key if spelled is not None and not spelled.indices and spelled.power is None else ""


def prefactors(node: Product | Fraction) -> Iterator[tuple[Node, BigOperator]]:
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
    """A size as SymPy: names of sizes, numbers, their products, quotients and sums; None for anything else."""
    if isinstance(node, Number):
        return Integer(node.text) if node.text.isdigit() and len(node.text) < 12 else None
    if isinstance(node, Decoration | Group):
        return size_expression(node.body)
    spelled = spell(node, Letters())
    if spelled is not None:
        return size(spelled.key) if spelled.power is None else None
    rule = _SIZES.get(type(node))
    return rule(node) if rule else None


def _size_product(node: Product) -> Expr | None:
    total = Integer(1)
    for k, factor in enumerate(node.factors):
        n = size_expression(factor)
        if n is None:
            return None
        total = total / n if k and node.operators[k - 1] == "/" else total * n
    return total


def _size_quotient(node: Fraction) -> Expr | None:
    above, below = size_expression(node.numerator), size_expression(node.denominator)
    return above / below if above is not None and below is not None and below != 0 else None


def _size_sum(node: Sum) -> Expr | None:
    total = Integer(0)
    for sign, term in zip(node.signs, node.terms, strict=True):
        n = size_expression(term)
        if n is None:
            return None
        total = total - n if sign == "-" else total + n
    return total


_SIZES: dict[type[Node], Callable[..., Expr | None]] = {
    Product: _size_product,
    Fraction: _size_quotient,
    Sum: _size_sum,
}
