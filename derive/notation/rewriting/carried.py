r"""Names for gradients that carry the entry that they are taken by: ``\delta_{x_i}`` for ∂L/∂x_i is ``\delta_{x,i}``.

A document that writes one so writes ``\delta_b`` for the gradient by a number b, and no index is meant by that b.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, mapped
from derive.notation.names import letter_of, subscript_items

BASES = frozenset({"\\delta", "g"})
"""Letters for gradients; a capital has whole rows for entries."""


@dataclass(frozen=True)
class Carried:
    """The letters that carry entries in a document, and those that are indices."""

    bases: frozenset[str] = frozenset()
    indices: frozenset[str] = frozenset()


def find_carried(nodes: Iterable[Node]) -> Carried:
    """Which letters for gradients carry the entries that they are taken by, in the formulas of a document."""
    scripts = [script for node in nodes for script in _scripts(node)]
    bases = frozenset(base for script in scripts if (base := _base(script)) and _entry(script.sub) is not None)
    indices = frozenset(letter for script in scripts for letter in _indices(script))
    return Carried(bases, indices) if bases else Carried()


def with_carried(node: Node, found: Carried) -> Node:
    """A formula with the name of such an entry as a label, and the entry's indices as the gradient's."""
    if not found.bases:
        return node
    node = mapped(node, lambda child: with_carried(child, found))
    if not isinstance(node, S.Script) or node.sub is None or _base(node) not in found.bases:
        return node
    entry = _entry(node.sub)
    if entry is None:
        is_name = letter_of(node.sub) is not None and letter_of(node.sub) not in found.indices
        return replace(node, sub=_label(node.sub)) if is_name else node
    name, below, above = entry
    items = (_label(name), *subscript_items(below)) if below is not None else (_label(name),)
    sub = S.Sequence(items, (",",) * (len(items) - 1), node.span) if len(items) > 1 else items[0]
    return replace(node, sub=sub, sup=above if above is not None else node.sup)


def carries_label(node: Node) -> bool:
    """Whether a name is a gradient's that carries what it is taken by, as such a formula has it then."""
    items = list(subscript_items(node.sub)) if isinstance(node, S.Script) and node.sub is not None else []
    return isinstance(node, S.Script) and bool(_base(node)) and any(letter_of(item) is None for item in items)


def _scripts(node: Node) -> Iterator[S.Script]:
    return (inner for inner in node.walk() if isinstance(inner, S.Script))


def _base(script: S.Script) -> str:
    base = script.base
    return base.name if isinstance(base, S.Symbol) and base.name in BASES and not base.font else ""


def _entry(node: Node | None) -> tuple[Node, Node | None, Node | None] | None:
    """The name that an entry is of, and its indices below and in brackets above; None for what is no entry."""
    if isinstance(node, S.Script) and isinstance(node.base, S.Symbol | S.Accent):
        above = node.sup if isinstance(node.sup, S.Group) else None
        power = replace(node, sub=None) if node.sup is not None and above is None else node.base
        return (power, node.sub, above) if node.sub is not None or above is not None else None
    if isinstance(node, S.Product) and len(node.factors) == 2 and isinstance(node.factors[0], S.Symbol | S.Accent):
        name, bracket = node.factors
        return (name, bracket.body, None) if isinstance(bracket, S.Group) and bracket.opening == "[" else None
    return None


def _label(name: Node) -> Node:
    """A letter as a word, which is no index."""
    return replace(name, font="text") if isinstance(name, S.Symbol) and letter_of(name) is not None else name


def _indices(script: S.Script) -> Iterator[str]:
    """The letters below a name that is no gradient's."""
    if not _base(script) and script.sub is not None:
        yield from (letter for item in subscript_items(script.sub) if (letter := letter_of(item)) is not None)
