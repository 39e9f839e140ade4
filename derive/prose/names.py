"""Names in the formulas of a sentence: the x of ``$x$``, ``$x \\in \\mathbb{R}^D$`` and ``$x_1, \\dots, x_N$``."""

from __future__ import annotations

from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.latex.writer import latex

_PREFIXES = (S.Symbol("d"), S.Symbol("\\delta"), S.Symbol("\\Delta"))


def name_in(node: Node) -> str | None:
    """The name that a formula is, or that it says something of, as LaTeX; entries that are listed have the index i."""
    if isinstance(node, S.Chain) and node.members:
        node = node.members[0]
    if (entries := listed(node)) is not None:
        return f"{entries[0]}_i"
    while isinstance(node, S.Decoration):
        node = node.body
    node = _below(node)
    return latex(node) if _is_name(node) else None


def _below(node: Node) -> Node:
    """``x[n]`` as ``x_n``, and ``dx[n]``."""
    if not isinstance(node, S.Product) or len(node.factors) not in (2, 3) or any(node.operators):
        return node
    if len(node.factors) == 3:
        inner = _below(S.Product(node.factors[1:], ("",)))
        is_prefixed = node.factors[0] in _PREFIXES and isinstance(inner, S.Script)
        return S.Product((node.factors[0], inner), ("",)) if is_prefixed else node
    name, bracket = node.factors
    if not isinstance(bracket, S.Group) or bracket.opening != "[" or not isinstance(name, S.Symbol | S.Accent):
        return node
    items = bracket.body.items if isinstance(bracket.body, S.Sequence) else (bracket.body,)
    is_letter = all(isinstance(item, S.Symbol) and len(item.name) == 1 for item in items)
    return S.Script(name, bracket.body) if is_letter else node


def names_in(parts: tuple[Node, ...]) -> list[str]:
    """The names of a formula that lists them, ``\\gamma, \\beta``, or the one that it says something of.

    Args:
        parts: what stands in it between commas.
    """
    first = parts[0].body if isinstance(parts[0], S.Group) else parts[0]
    items = first.items if isinstance(first, S.Sequence) else parts
    items = tuple(map(_below, items))
    if len(items) > 1 and all(map(_is_name, items)):
        return [latex(item) for item in items]
    name = name_in(parts[0])
    return [name] if name is not None else []


def _is_name(node: Node) -> bool:
    if isinstance(node, S.Product):  # dx
        return (
            len(node.factors) == 2
            and node.operators == ("",)
            and node.factors[0] in _PREFIXES
            and _is_name(node.factors[1])
        )
    if isinstance(node, S.Script):
        return node.sup is None or isinstance(node.sup, S.Number | S.Group)
    return isinstance(node, S.Symbol | S.Accent)


_DIFFERENTIALS = (S.Symbol("\\partial"), S.Symbol("d"), S.Symbol("d", "text"))


def is_gradient(node: Node) -> bool:
    """Whether a formula is a quotient of differentials, ``\\frac{\\partial L}{\\partial x}``, and nothing else."""
    if isinstance(node, S.Product) and "/" in node.operators and len(node.factors) == 4:
        return node.factors[0] == node.factors[2] and node.factors[0] in _DIFFERENTIALS
    if isinstance(node, S.Product) and len(node.factors) == 2 and isinstance(node.factors[0], S.Fraction):
        below = node.factors[0].denominator
        return node.factors[0].numerator in _DIFFERENTIALS and _begins(below)
    return isinstance(node, S.Fraction) and _begins(node.numerator) and _begins(node.denominator)


def _begins(node: Node) -> bool:
    if not isinstance(node, S.Product) or node.factors[0] not in _DIFFERENTIALS or any(node.operators):
        return False
    first, *rest = node.factors[1:]
    return not rest or isinstance(_below(S.Product((first, *rest), ("",) * len(rest))), S.Script)


def listed(node: Node) -> tuple[str, str] | None:
    """The name of entries that are listed, and how many there are: x and N of ``x_1, \\dots, x_N``."""
    while isinstance(node, S.Group):
        node = node.body
    if not isinstance(node, S.Sequence) or not any(isinstance(item, S.Ellipsis) for item in node.items):
        return None
    first, last = node.items[0], node.items[-1]
    if not isinstance(first, S.Script) or not isinstance(last, S.Script) or first.base != last.base:
        return None
    if (
        first.sup is not None
        or last.sup is not None
        or first.sub != S.Number("1")
        or not isinstance(last.sub, S.Symbol)
    ):
        return None
    return latex(first.base), latex(last.sub)
