"""Sums over a set: ``\\sum_{w \\in V}`` runs over |V| values, ``\\sum_{k \\in \\{1, \\dots, K\\}}`` over 1 to K.

Only where the set is all that its letter's arrays are summed over: two sets, or a set and a range, may be parts of one
array, and then derive does not know which. A set that depends on an index (``k \\in S_i``) is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt, span_of
from derive.notation.names import Letters, label_text, letter_of, spell, subscript_items

_PLAIN = Letters()


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
