"""Vectors written out, ``x = [x_1, \\dots, x_n]^T``: they say how long a vector is, and how its entries are called."""

from __future__ import annotations

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt, span_of
from derive.notation.rewriting.dots import FAMILY

_TURNED = frozenset({"\\top", "T", "\\intercal", "\\mathsf{T}", "\\prime"})
_BRACKETS = frozenset({"(", "[", "\\{"})


def with_lines(node: Node) -> Node:
    """A formula with each matrix of one row or column as a list in brackets, and no list transposed."""
    return rebuilt(node, lambda inner: _untransposed(_line(inner)))


def _line(node: Node) -> Node:
    """A matrix of one column or row with dots in it as a list."""
    if not isinstance(node, S.Matrix):
        return node
    single = all(len(row) == 1 for row in node.rows)
    items = tuple(row[0] for row in node.rows) if single else node.rows[0] if len(node.rows) == 1 else ()
    if not any(isinstance(item, S.Ellipsis) for item in items):
        return node
    return S.Group("[", S.Sequence(items, (",",) * (len(items) - 1), node.span), node.span)


def _untransposed(node: Node) -> Node:
    """A list of entries without the sign that only says whether it is a row."""
    if not isinstance(node, S.Script) or node.sub is not None or not isinstance(node.base, S.Group):
        return node
    listed = node.base.body
    is_turned = isinstance(node.sup, S.Symbol) and node.sup.name in _TURNED and isinstance(listed, S.Sequence)
    return node.base if is_turned and any(isinstance(n, S.Ellipsis) for n in listed.children()) else node


def with_length(members: tuple[Node, ...]) -> tuple[Node, ...] | None:
    """The sides of ``x \\in \\mathbb{R}^n`` for those of ``x = [x_1, \\dots, x_n]``, once its dots are a family."""
    if len(members) != 2:
        return None
    name, listed = members
    while isinstance(listed, S.Group) and listed.opening in _BRACKETS:
        listed = listed.body
    if not isinstance(listed, S.BigOperator) or listed.operator != FAMILY or listed.upper is None:
        return None
    entry = listed.body
    if not isinstance(entry, S.Script) or entry.sup is not None or not _is_same(name, entry.base):
        return None
    return name, S.Script(S.Symbol("R", "bb"), None, listed.upper, 0, span_of(listed))


def _is_same(name: Node, entry: Node) -> bool:
    """Whether a vector is called as its entries are, but perhaps in bold or under an arrow."""
    return _plain(name) == _plain(entry)


def _plain(node: Node) -> Node:
    if isinstance(node, S.Accent) and node.accent == "vec":
        node = node.body
    return S.Symbol(node.name) if isinstance(node, S.Symbol) and node.font == "bold" else node
