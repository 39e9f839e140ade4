"""Changes to a formula's syntax: edits that usually make a right formula wrong, and rewritings that never do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from random import Random
from typing import Any

from derive.latex import syntax as S
from derive.latex.syntax import Node

ONE, TWO = S.Number("1"), S.Number("2")
Edit = Callable[[Node], Iterator[Node]]


# -- edits that matter -----------------------------------------------------------------------------------------------


def flip_sign(node: Node) -> Iterator[Node]:
    if isinstance(node, S.Sum):
        for k, sign in enumerate(node.signs):
            other = "-" if sign == "+" else "+"
            yield replace(node, signs=(*node.signs[:k], other, *node.signs[k + 1 :]))


def drop_term(node: Node) -> Iterator[Node]:
    if isinstance(node, S.Sum) and len(node.terms) > 1:
        for k in range(len(node.terms)):
            signs = node.signs[:k] + node.signs[k + 1 :]
            yield S.Group("(", S.Sum(node.terms[:k] + node.terms[k + 1 :], signs))


def drop_factor(node: Node) -> Iterator[Node]:
    if isinstance(node, S.Product) and len(node.factors) > 2 and node.factors[0] != S.Symbol("\\partial"):
        for k in range(len(node.factors)):
            operators = node.operators[1:] if k == 0 else node.operators[: k - 1] + node.operators[k:]
            yield replace(node, factors=node.factors[:k] + node.factors[k + 1 :], operators=operators)


def double(node: Node) -> Iterator[Node]:
    if _is_value(node):
        yield S.Group("(", S.Product((TWO, node), ("",)))


def change_exponent(node: Node) -> Iterator[Node]:
    if isinstance(node, S.Script) and node.sup is not None and isinstance(node.sup, S.Number | S.Sum | S.Product):
        yield replace(node, sup=S.Sum((node.sup, ONE), ("+", "+")))
    if isinstance(node, S.Root):
        yield node.radicand if isinstance(node.radicand, S.Symbol | S.Script) else S.Group("(", node.radicand)


def change_index(node: Node) -> Iterator[Node]:
    if not isinstance(node, S.Script) or node.sub is None:
        return
    for old in (n for n in node.sub.walk() if isinstance(n, S.Symbol) and len(n.name) == 1):
        for letter in "ijkn":
            if letter != old.name:
                yield replace(node, sub=_renamed(node.sub, old, S.Symbol(letter)))


def change_count(node: Node) -> Iterator[Node]:
    if isinstance(node, S.Symbol) and node.name in ("m", "N", "n", "D", "C"):
        yield S.Group("(", S.Sum((node, ONE), ("+", "-")))
        yield S.Group("(", S.Sum((node, ONE), ("+", "+")))


def drop_accent(node: Node) -> Iterator[Node]:
    if isinstance(node, S.Accent):
        yield node.body


def drop_sum(node: Node) -> Iterator[Node]:
    if isinstance(node, S.BigOperator) and node.operator == "sum":
        yield node.body


EDITS: tuple[Edit, ...] = (
    flip_sign, drop_term, drop_factor, double, change_exponent, change_index, change_count, drop_accent, drop_sum,
)  # fmt: skip


# -- rewritings that do not ------------------------------------------------------------------------------------------


def reorder_terms(node: Node) -> Iterator[Node]:
    if isinstance(node, S.Sum) and len(node.terms) > 1:
        yield S.Sum(node.terms[::-1], node.signs[::-1])


def reorder_factors(node: Node) -> Iterator[Node]:
    if isinstance(node, S.Product) and set(node.operators) <= {"", "\\cdot", "*"} and all(map(_moves, node.factors)):
        yield S.Product(node.factors[::-1], tuple("\\cdot" for _ in node.operators))


def split_fraction(node: Node) -> Iterator[Node]:
    if _is_quotient(node):
        yield S.Product((S.Group("(", node.numerator), S.Fraction(ONE, node.denominator)), ("\\cdot",))
        yield S.Product((S.Script(S.Group("(", node.denominator), sup=S.Number("-1")), node.numerator), ("\\cdot",)) \
            if isinstance(node.numerator, S.Symbol | S.Number | S.Script) else node  # fmt: skip


def expand_fraction(node: Node) -> Iterator[Node]:
    if _is_quotient(node):
        above, below = (S.Product((TWO, S.Group("(", part)), ("",)) for part in (node.numerator, node.denominator))
        yield S.Fraction(above, below)


def root_as_power(node: Node) -> Iterator[Node]:
    if isinstance(node, S.Root) and node.degree is None:
        yield S.Script(S.Group("(", node.radicand), sup=S.Fraction(ONE, TWO))


def rename_bound(node: Node) -> Iterator[Node]:
    """A new letter for a summed index. It may be that of a sum around this one, whose index is not used here."""
    if isinstance(node, S.BigOperator) and node.lower is not None and node.operator == "sum":
        letter = node.lower.members[0] if isinstance(node.lower, S.Chain) else node.lower
        if isinstance(letter, S.Symbol):
            used = {n.name for n in node.walk() if isinstance(n, S.Symbol)}
            new = S.Symbol(next(name for name in ("q", "r", "u", "v", "w") if name not in used))
            yield replace(node, lower=_renamed(node.lower, letter, new), body=_renamed(node.body, letter, new))


def split_square(node: Node) -> Iterator[Node]:
    if isinstance(node, S.Script) and node.sup == TWO and isinstance(node.base, S.Group):
        yield S.Product((node.base, node.base), ("",))


REWRITINGS: tuple[Edit, ...] = (
    reorder_terms, reorder_factors, split_fraction, expand_fraction, root_as_power, rename_bound, split_square,
)  # fmt: skip


def _moves(node: Node) -> bool:
    """Whether a factor may stand anywhere in a product: not a sum that takes what follows, nor an operator."""
    loose = S.BigOperator | S.Apply | S.Sum
    return not isinstance(node, loose) and node != S.Symbol("\\partial") and not _is_differential(node)


def _is_differential(node: Node) -> bool:
    return isinstance(node, S.Fraction) and not _is_quotient(node)


def _is_quotient(node: Node) -> Any:
    return isinstance(node, S.Fraction) and S.Symbol("\\partial") not in list(node.walk())


def _is_value(node: Node) -> bool:
    return isinstance(node, S.Script) or (isinstance(node, S.Symbol) and node.name.startswith("\\"))


def _renamed(node: Any, old: Node, new: Node) -> Any:
    if node == old:
        return new
    if isinstance(node, tuple):
        return tuple(_renamed(part, old, new) for part in node)
    if not isinstance(node, Node):
        return node
    return replace(node, **{f.name: _renamed(getattr(node, f.name), old, new) for f in fields(node)})


# -- anywhere in a tree ----------------------------------------------------------------------------------------------


def changed(node: Node, edits: tuple[Edit, ...], random: Random, times: int = 1) -> Node:
    """A formula with random edits at random places; the same formula where none applies."""
    for _ in range(times):
        choices = list(_everywhere(node, edits))
        if choices:
            node = random.choice(choices)
    return node


def _everywhere(node: Node, edits: tuple[Edit, ...]) -> Iterator[Node]:
    """The formula with one edit at one place, for all edits and places; derivatives and subscripts stay whole."""
    for edit in edits:
        yield from edit(node)
    if _is_differential(node):
        return
    for item in fields(node):
        value = getattr(node, item.name)
        if item.name in ("sub", "function"):
            continue
        if isinstance(value, Node):
            for new in _everywhere(value, edits):
                yield replace(node, **{item.name: new})
        elif isinstance(value, tuple):
            for k, part in enumerate(value):
                if isinstance(part, Node):
                    for new in _everywhere(part, edits):
                        yield replace(node, **{item.name: (*value[:k], new, *value[k + 1 :])})
