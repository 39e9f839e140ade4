"""Edits of an author's expression, each of which undoes one mistake.

An edit is a place in a syntax tree, what stands there instead, and the mistake that it would undo. Which edits are
tried is decided by what stands in the expression and by the names that the document has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import islice
from typing import Literal

from derive.latex.syntax import Node
from derive.mistakes.changes import (
    Change,
    Path,
    Rule,
    Vocabulary,
    at,
    number_of,
    put,
)
from derive.mistakes.rules.factors import (
    addends,
    factors_beside_sums,
    factors_extra,
    factors_missing,
    means,
    whole_factor,
)
from derive.mistakes.rules.matrices import orders, transposes
from derive.mistakes.rules.sums import (
    brackets_extra,
    brackets_missing,
    powers_beside_sums,
    sum_reaches_further,
    sums_extra,
    sums_missing,
    whole_sum,
)
from derive.mistakes.rules.symbols import (
    counts,
    deltas,
    entries,
    exponents,
    exponents_missing,
    fractions,
    indices,
    indices_under_sum,
    letters_of_sums,
    names,
    numbers,
    signs,
    sizes,
    whole_sign,
)

TIERS: tuple[tuple[Rule, ...], ...] = (
    (signs, names, brackets_missing, exponents, factors_extra, sums_extra, indices, entries),
    (
        addends, counts, sizes, fractions, powers_beside_sums, factors_beside_sums, deltas, indices_under_sum,
        letters_of_sums, sum_reaches_further,
    ),
    (means, factors_missing, numbers, sums_missing, transposes, orders, brackets_extra, exponents_missing),
)  # fmt: skip
"""The edits of parts, in tiers: what somebody slips in is likelier than what takes several strokes."""


RULES = tuple(rule for tier in TIERS for rule in tier)

WHOLE: tuple[Rule, ...] = (whole_sign, whole_factor, whole_sum)
"""Edits of an expression as a whole."""

Where = Literal["linear", "inside", "derivative"]
"""A place in sums, products and numerators; inside a denominator, a root, a power or a function; in a derivative."""

_LINEAR = frozenset({factors_missing, sums_missing, brackets_extra})
"""Edits that are not tried inside of functions."""

_ALLOWED: dict[Where, frozenset[Rule]] = {
    "linear": frozenset(RULES),
    "inside": frozenset(RULES) - _LINEAR,
    "derivative": frozenset({names, indices}),
}


@dataclass(frozen=True)
class Edit:
    """A change at a place of a tree; ``rule`` and ``number`` find the same change in a tree that differs elsewhere."""

    path: Path
    change: Change
    rule: int
    number: int

    @property
    def is_structural(self) -> bool:
        """Whether it takes a sum or brackets away or puts them in, so that what is right below may be another."""
        return self.rule < len(RULES) and RULES[self.rule] in (sums_extra, brackets_missing)

    @property
    def tier(self) -> int:
        """How likely it is; 0 is likeliest. Edits of the whole are as likely as those of a part."""
        if self.rule >= len(RULES):
            return 0 if WHOLE[self.rule - len(RULES)] is whole_sign else len(TIERS) - 1
        return next(k for k, tier in enumerate(TIERS) if RULES[self.rule] in tier)

    def of(self, tree: Node) -> Node:
        """The tree with the change made."""
        return put(tree, self.path, self.change.node)

    def again(self, tree: Node, vocabulary: Vocabulary) -> Node | None:
        """The same change made in a tree that differs from the first below the place."""
        changes = list(self._changes(tree, vocabulary))
        if self.number >= len(changes) or changes[self.number].kind is not self.change.kind:
            return None
        return put(tree, self.path, changes[self.number].node)

    def change_in(self, tree: Node, vocabulary: Vocabulary) -> Change:
        """The change in an equal tree, with the places of that one; for an edit of an edited tree the change itself."""
        try:
            return next(islice(self._changes(tree, vocabulary), self.number, None))
        except (AttributeError, IndexError, StopIteration):
            return self.change

    def _changes(self, tree: Node, vocabulary: Vocabulary) -> Iterator[Change]:
        return (*RULES, *WHOLE)[self.rule](at(tree, self.path), vocabulary)


def edits(tree: Node, vocabulary: Vocabulary) -> Iterator[Edit]:
    """All single edits of an expression, the likelier kinds first."""
    places = list(_places(tree, (), vocabulary, "linear"))
    for number, change in enumerate(whole_sign(tree, vocabulary)):
        yield Edit((), change, len(RULES), number)
    for k, rule in enumerate(RULES):
        for path, node, where in places:
            if rule in _ALLOWED[where]:
                for number, change in enumerate(rule(node, vocabulary)):
                    yield Edit(path, change, k, number)
    for k, rule in enumerate(WHOLE[1:], len(RULES) + 1):
        for number, change in enumerate(rule(tree, vocabulary)):
            yield Edit((), change, k, number)


def reshapings(tree: Node, vocabulary: Vocabulary) -> Iterator[Edit]:
    """The edits that change shapes: transposes, factors in another order, and the letters of indices."""
    places = list(_places(tree, (), vocabulary, "linear"))
    for rule, ways in ((transposes, ("linear",)), (orders, ("linear",)), (indices, ("linear", "derivative"))):
        for path, node, where in places:
            for number, change in enumerate(rule(node, vocabulary) if where in ways else ()):
                yield Edit(path, change, RULES.index(rule), number)


def both(first: Edit, second: Edit, tree: Node, vocabulary: Vocabulary) -> Node | None:
    """A tree with two edits made; None where they are in each other's way."""
    if first.path == second.path or first.rule >= len(RULES) or second.rule >= len(RULES):
        return None
    if second.path[: len(first.path)] == first.path:
        return first.again(second.of(tree), vocabulary)
    if first.path[: len(second.path)] == second.path:
        return second.again(first.of(tree), vocabulary)
    return second.of(first.of(tree))


def _places(node: Node, path: Path, vocabulary: Vocabulary, where: Where) -> Iterator[tuple[Path, Node, Where]]:
    """Every part of a tree but subscripts and limits of sums, with its place."""
    yield path, node, where
    if vocabulary.is_derivative(node):
        where = "derivative"
    spelled = vocabulary.key(node) is not None
    for name, k, child in _children(node):
        if (spelled and name != "sup") or (name == "sup" and number_of(child) is not None):
            continue  # the parts of a name are not names themselves; exponents have rules of their own
        nested = where == "linear" and name in ("denominator", "radicand", "base", "sup", "argument")
        yield from _places(child, (*path, (name, k)), vocabulary, "inside" if nested else where)


def _children(node: Node) -> Iterator[tuple[str, int, Node]]:
    for item in fields(node):
        if item.name in ("sub", "lower", "upper", "note", "function", "degree"):
            continue
        value = getattr(node, item.name)
        if isinstance(value, Node):
            yield item.name, -1, value
        elif isinstance(value, tuple):
            for k, part in enumerate(value):
                if isinstance(part, Node):
                    yield item.name, k, part
