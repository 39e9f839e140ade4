"""Sums over a set: ``\\sum_{w \\in V}`` runs over |V| values, ``\\sum_{k \\in \\{1, \\dots, K\\}}`` over 1 to K.

Only where the set is all that its letter's arrays are summed over: two sets, or a set and a range, may be parts of one
array, and then derive does not know which. A set that depends on an index (``k \\in S_i``, ``c \\in g``) is left alone.

A set that the page calls a part of another (``S \\subset \\{1, \\dots, N\\}``), or asks whether something is in it
(``[i \\in S]``), is data: a sum over it is one over the whole axis, with an array of zeros and ones beside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt, span_of
from derive.notation.names import Letters, label_text, letter_of, spell, subscript_items

_PLAIN = Letters()


def find_parts(nodes: Iterable[Node]) -> dict[str, str]:
    """The sets that are parts of an axis, by their LaTeX, with the letter that a sum over each binds."""
    inner = [n for node in nodes for n in node.walk()]
    sums = [n for n in inner if isinstance(n, S.BigOperator) and n.lower is not None]
    letters = {label_text(found): _letter(n) or "" for n in sums if (found := _set_of(n)) is not None}
    conditions = {id(n.lower) for n in sums}
    parts: set[str] = set()
    for chain in (n for n in inner if isinstance(n, S.Chain) and id(n) not in conditions):
        if chain.relations[0] in _WITHIN:
            parts.add(label_text(chain.members[0]))
        elif chain.relations == ("\\in",) and _is_small(chain.members[0]):
            parts.add(label_text(chain.members[1]))
    return {name: letter for name, letter in letters.items() if name in parts}


_WITHIN = frozenset({"\\subset", "\\subseteq", "\\subsetneq"})


def find_sets(nodes: Iterable[Node]) -> dict[str, str]:
    """The sets that sums may be read over, by their LaTeX, with the name of their size."""
    inner = [n for node in nodes for n in node.walk()]
    sums = [n for n in inner if isinstance(n, S.BigOperator) and n.lower is not None]
    limits = {label_text(n.upper) for n in sums if n.upper is not None}
    ranges: dict[str, set[str]] = {}
    for node in sums:
        for array in _arrays(node):
            ranges.setdefault(array, set()).add(_range(node))
    mixed = {name for names in ranges.values() if len(names) > 1 for name in names}
    sets = {_range(node) for node in sums if _set_of(node) is not None} - mixed
    return {name: name if name in limits else f"|{name}|" for name in sets}


def _set_of(node: S.BigOperator) -> Node | None:
    """V in ``\\\\sum_{w \\\\in V}``, where it has no index."""
    lower = node.lower
    if not isinstance(lower, S.Chain) or lower.relations != ("\\in",) or node.upper is not None:
        return None
    spelled = spell(lower.members[1], _PLAIN)
    if letter_of(lower.members[0]) is None or spelled is None or spelled.power is not None:
        return None
    if _is_small(lower.members[1]):
        return None
    sub = lower.members[1].sub if isinstance(lower.members[1], S.Script) else None
    return None if sub is not None and any(_is_small(item) for item in subscript_items(sub)) else lower.members[1]


def _is_small(item: Node) -> bool:
    letter = letter_of(item)
    return letter is not None and letter.islower()


def _range(node: S.BigOperator) -> str:
    """What a sum runs over: its set or its upper limit; a bar around a set's name makes its size of it."""
    found = _set_of(node)
    upper = node.upper.body if isinstance(node.upper, S.Group) and node.upper.opening == "|" else node.upper
    if found is None and isinstance(node.lower, S.Chain) and node.lower.relations == ("\\in",):
        return label_text(node.lower.members[1]) + " "
    return label_text(found) if found is not None else label_text(upper) if upper is not None else ""


def _arrays(node: S.BigOperator) -> set[str]:
    """The names that carry the letter of a sum."""
    letter = _letter(node)
    found = set()
    for inner in node.body.walk():
        spelled = spell(inner.base, _PLAIN) if isinstance(inner, S.Script) and inner.sub is not None else None
        if spelled is not None and any(letter_of(item) == letter for item in subscript_items(inner.sub)):  # type: ignore[attr-defined]
            found.add(spelled.key)
    return found


def _letter(node: S.BigOperator) -> str | None:
    lower = node.lower
    return letter_of(lower.members[0] if isinstance(lower, S.Chain) else lower) if lower is not None else None


def with_parts(node: Node, parts: dict[str, str]) -> Node:
    """The tree with sums over parts as sums over the whole, and what is in a part as an entry of zeros and ones."""
    return rebuilt(node, lambda inner: _masked(inner, parts)) if parts else node


def _masked(node: Node, parts: dict[str, str]) -> Node:
    if isinstance(node, S.Group) and isinstance(node.body, S.Chain) and node.body.relations == ("\\in",):
        letter, found = node.body.members
        return _mask(found, letter) if label_text(found) in parts and letter_of(letter) is not None else node
    if isinstance(node, S.Product) and node.factors[0] in _ONES and _is_mask(node.factors[1]):
        rest = node.factors[1:]  # the 1 of an indicator
        return rest[0] if len(rest) == 1 else replace(node, factors=rest, operators=node.operators[1:])
    if isinstance(node, S.Group) and node.opening == "|" and label_text(node.body) in parts:
        own = S.Symbol(parts[label_text(node.body)], "", node.span)
        return S.BigOperator("sum", own, None, _mask(node.body, own), node.span)
    if not isinstance(node, S.BigOperator) or node.operator != "sum" or (within := _set_of(node)) is None:
        return node
    if label_text(within) not in parts or not isinstance(node.lower, S.Chain):
        return node
    letter = node.lower.members[0]
    factors = node.body.factors if isinstance(node.body, S.Product) else (node.body,)
    operators = node.body.operators if isinstance(node.body, S.Product) else ()
    body = S.Product((_mask(within, letter), *factors), ("", *operators), span_of(node.body))
    return replace(node, lower=letter, body=body)


_ONES = (S.Number("1"), S.Symbol("1", "bb"), S.Symbol("1", "bold"), S.Symbol("I", "bb"))


def _mask(found: Node, letter: Node) -> Node:
    return S.Script(
        S.Symbol(f"\\mathbb{{1}}^{{{label_text(found)}}}", "", span_of(found)), letter, None, 0, span_of(found)
    )


def _is_mask(node: Node) -> bool:
    return isinstance(node, S.Script) and isinstance(node.base, S.Symbol) and node.base.name.startswith("\\mathbb{1}^")


def with_sizes(node: Node, sets: dict[str, str]) -> Node:
    """The tree with sums over such sets as sums over ranges, and ``|V|`` as the size."""
    return rebuilt(node, lambda inner: _ranged(inner, sets))


def _ranged(node: Node, sets: dict[str, str]) -> Node:
    if isinstance(node, S.Group) and node.opening == "|" and label_text(node.body) in sets:
        return S.Symbol(sets[label_text(node.body)], "", node.span)
    if not isinstance(node, S.BigOperator) or not isinstance(node.lower, S.Chain):
        return node
    listed = _listed(node)
    found = _set_of(node)
    if listed is None and (found is None or label_text(found) not in sets):
        return node
    upper = listed or S.Symbol(sets[label_text(node.lower.members[1])], "", span_of(node.lower))
    first = S.Number("1", span_of(node.lower))
    return replace(
        node, lower=replace(node.lower, members=(node.lower.members[0], first), relations=("=",)), upper=upper
    )


def _listed(node: S.BigOperator) -> Node | None:
    """K in ``\\\\sum_{k \\\\in \\\\{1, \\\\dots, K\\\\}}``."""
    lower = node.lower
    if not isinstance(lower, S.Chain) or lower.relations != ("\\in",) or node.upper is not None:
        return None
    group = lower.members[1]
    if not isinstance(group, S.Group) or group.opening != "\\{" or not isinstance(group.body, S.Sequence):
        return None
    first, *between, last = group.body.items
    dots = [item for item in between if isinstance(item, S.Ellipsis)]
    counted = [item for item in between if item == S.Number("2")]
    whole = first == S.Number("1") and len(dots) == 1 and len(between) == len(dots) + len(counted)
    return last if whole and letter_of(last) is not None else None
