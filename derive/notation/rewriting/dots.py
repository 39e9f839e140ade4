"""Dots written out: ``u_1^2 + u_2^2 + \\dots + u_n^2`` as a sum, ``[u_1, \\dots, u_n]`` as a family.

The first two entries show where the index stands, the last one what it ends with. Dots that do not fit that shape are
left as they are, and refused where they are met.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, mapped, placed, rebuilt, span_of

FAMILY = "family"
"""The operator of a `BigOperator` that lists its body for all values of its index."""


def without_dots(node: Node, taken: frozenset[str]) -> Node:
    """The tree with dots replaced by sums and families, over letters that are not ``taken``."""
    return rebuilt(node, lambda inner: _written_out(inner, taken))


def _written_out(node: Node, taken: frozenset[str]) -> Node:
    if isinstance(node, S.Sum) and any(isinstance(t, S.Ellipsis) for t in node.terms):
        return _sum(node, taken) or node
    if isinstance(node, S.Sequence) and any(isinstance(t, S.Ellipsis) for t in node.items):
        return _family(node, taken) or node
    return _without_arguments(node) if isinstance(node, S.Product) else node


def _without_arguments(node: S.Product) -> Node:
    """``C(\\dots)`` as ``C``: its arguments are left out."""
    kept = [k for k, factor in enumerate(node.factors) if not k or not _is_left_out(factor, node.operators[k - 1])]
    if len(kept) == len(node.factors):
        return node
    factors = tuple(node.factors[k] for k in kept)
    return S.Product(factors, tuple(node.operators[k - 1] for k in kept[1:]), node.span) if kept[1:] else factors[0]


def _is_left_out(factor: Node, operator: str) -> bool:
    return not operator and isinstance(factor, S.Group) and isinstance(factor.body, S.Ellipsis)


def _sum(node: S.Sum, taken: frozenset[str]) -> Node | None:
    """Terms with dots as a sum, beside those that are none of its terms."""
    for begin in range(len(node.terms)):
        found = _general(node.terms[begin:], taken)
        if found is None or set(node.signs[begin + (begin == 0) : begin + found.length]) - {"+"}:
            continue
        total = S.BigOperator("sum", found.lower, found.last, found.body, node.span)
        end = begin + found.length
        terms = (*node.terms[:begin], total, *node.terms[end:])
        signs = (*node.signs[: begin + 1], *node.signs[end:])
        return S.Sum(terms, signs, node.span) if len(terms) > 1 or signs != ("+",) else total
    return None


def _family(node: S.Sequence, taken: frozenset[str]) -> Node | None:
    found = _general(node.items, taken) if set(node.separators) == {","} else None
    if found is None or found.length != len(node.items):
        return None
    return S.BigOperator(FAMILY, found.lower, found.last, found.body, node.span)


@dataclass(frozen=True)
class _General:
    """The general term of ``f(1), f(2), ..., f(n)``, and how many parts were written of it, dots included."""

    letter: str
    start: str
    last: Node
    body: Node
    length: int

    @property
    def lower(self) -> Node:
        return S.Chain((S.Symbol(self.letter), S.Number(self.start)), ("=",))


def _general(parts: tuple[Node, ...], taken: frozenset[str]) -> _General | None:
    """What parts with dots in them enumerate, from the first part on."""
    dots = [k for k, part in enumerate(parts) if isinstance(part, S.Ellipsis)]
    if not 1 <= len(dots) <= 2 or dots[0] < 1 or dots[-1] + 1 >= len(parts) or dots[-1] - dots[0] not in (0, 2):
        return None
    letter = next(x for x in "ijklmpqrst" if x not in taken)
    first, last = parts[: dots[0]], parts[dots[-1] + 1]
    for start in ("1", "0"):
        body = _replace_number(first[0], start, S.Symbol(letter))
        written = enumerate(first[1:], start=int(start) + 1)
        if body == first[0] or any(_put(body, letter, S.Number(str(k))) != part for k, part in written):
            continue
        ends = [_only(_differences(body, part, letter)) for part in (last, *(parts[k + 1] for k in dots[:-1]))]
        shown = (last, *(parts[k + 1] for k in dots[:-1]))
        if all(end is not None and _put(body, letter, end) == part for end, part in zip(ends, shown, strict=True)):
            return _General(letter, start, ends[0] or last, placed(body, span_of(first[0])), dots[-1] + 2)
    return None


def _only(found: Iterator[Node]) -> Node | None:
    nodes = list(dict.fromkeys(found))
    return nodes[0] if len(nodes) == 1 else None


def _replace_number(node: Node, text: str, new: Node) -> Node:
    """A number in subscripts replaced by a letter, alone or the last of several: ``w_{j,1}``."""
    if isinstance(node, S.Script) and (sub := _with_last(node.sub, S.Number(text), new)) is not None:
        node = replace(node, sub=sub)
    return mapped(node, lambda inner: _replace_number(inner, text, new))


def _put(node: Node, letter: str, new: Node) -> Node:
    if isinstance(node, S.Script) and (sub := _with_last(node.sub, S.Symbol(letter), new)) is not None:
        node = replace(node, sub=sub)
    return mapped(node, lambda inner: _put(inner, letter, new))


def _with_last(sub: Node | None, old: Node, new: Node) -> Node | None:
    """A subscript with its last item replaced; None where that is not ``old``."""
    if sub == old:
        return new
    if isinstance(sub, S.Sequence) and sub.items[-1] == old:
        return replace(sub, items=(*sub.items[:-1], new))
    if isinstance(sub, S.Product) and sub.factors[-1] == old and not sub.operators[-1]:
        return replace(sub, factors=(*sub.factors[:-1], new))
    return None


def _last(sub: Node | None) -> Node | None:
    """The last item of a subscript."""
    if isinstance(sub, S.Sequence):
        return sub.items[-1]
    return sub.factors[-1] if isinstance(sub, S.Product) and not any(sub.operators) else sub


def _differences(body: Node, last: Node, letter: str) -> Iterator[Node]:
    """What stands in the last term where the general one has its letter."""
    if isinstance(body, S.Script) and isinstance(last, S.Script) and _last(body.sub) == S.Symbol(letter):
        found = _last(last.sub) if type(body.sub) is type(last.sub) or body.sub == S.Symbol(letter) else None
        if found is not None:
            yield last.sub if body.sub == S.Symbol(letter) and last.sub is not None else found
    if type(body) is type(last):
        for one, other in zip(body.children(), last.children(), strict=False):
            yield from _differences(one, other, letter)
