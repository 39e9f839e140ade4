"""Small edits of a line of Python, each of which undoes one slip: the table `RULES`.

An edit is a place in the source and what stands there instead. Whether it makes sense is not asked here: it is tried.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from derive.source import Edit, Source, Span

MAX_NAMES = 14
_AXES = ("axis", "dim")
_KEEP = ("keepdims", "keepdim")
_LOOSE = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.Lambda, ast.BoolOp)
_SWAPPED = {"sum": "mean", "mean": "sum"}
_OPERATORS: dict[type[ast.operator], tuple[str, ...]] = {
    ast.Add: ("-",), ast.Sub: ("+",), ast.Mult: ("/", "@"), ast.Div: ("*",), ast.MatMult: ("*",),
}  # fmt: skip
_COMPARISONS = {ast.Gt: "<", ast.Lt: ">", ast.GtE: "<=", ast.LtE: ">="}


class Change(NamedTuple):
    """What could stand in the place of a node."""

    node: ast.expr
    text: str


@dataclass(frozen=True)
class Words:
    """What edits of a line may use.

    Attributes:
        source: the file.
        names: names and items that have a value there: ``gamma``, ``cache["x"]``, ``x.shape[0]``.
    """

    source: Source
    names: tuple[str, ...]

    def text(self, node: ast.AST) -> str:
        """What the author wrote for a node."""
        return ast.get_source_segment(self.source.text, node) or ""

    def span(self, node: ast.expr | ast.stmt) -> Span:
        """Where a node stands; its columns count bytes."""
        start, end = self.source.offset(node.lineno), self.source.offset(node.end_lineno or node.lineno)
        first = self.source.line(node.lineno).encode()[: node.col_offset].decode(errors="replace")
        last = self.source.line(node.end_lineno or node.lineno).encode()[: node.end_col_offset].decode(errors="replace")
        return Span(start + len(first), end + len(last))

    def factor(self, node: ast.expr) -> str:
        """A node as a factor of a product."""
        text = self.text(node)
        return f"({text})" if isinstance(node, _LOOSE) and not _is_product(node) else text

    def base(self, node: ast.expr) -> str:
        """A node as something to which a dot or a power can be put."""
        return f"({self.text(node)})" if isinstance(node, _LOOSE) else self.text(node)


Rule = Callable[[ast.expr, Words], Iterator[Change]]
"""The edits of one kind that a node allows."""


def _is_product(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)


def _is_term(node: ast.expr, parent: ast.AST | None) -> bool:
    """Whether a node is a term of a sum, or a whole: a side, an argument."""
    if isinstance(parent, ast.BinOp):
        return isinstance(parent.op, ast.Add | ast.Sub)
    return parent is None or isinstance(parent, ast.Call | ast.Tuple | ast.List | ast.Dict | ast.Attribute)


# -- rules -----------------------------------------------------------------------------------------------------------


def signs(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield Change(node, words.text(node.operand))


def operators(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.BinOp):
        for sign in _OPERATORS.get(type(node.op), ()):
            yield Change(node, f"{words.text(node.left)} {sign} {words.factor(node.right)}")


def comparisons(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
        sign = _COMPARISONS[type(node.ops[0])]
        yield Change(node, f"{words.text(node.left)} {sign} {words.text(node.comparators[0])}")


def names(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for name in words.names:
            if name != node.id:
                yield Change(node, name)


def numbers(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        value = float(node.value)
        others = (value + 1, value - 1, -value, 2 * value, value / 2, 1 / value if value else 1.0, value + 0.5)
        for other in dict.fromkeys((*others, value - 0.5)):
            yield Change(node, str(int(other)) if other.is_integer() and isinstance(node.value, int) else str(other))


def powers(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        yield Change(node, words.text(node.left))
    elif isinstance(node, ast.Name | ast.Subscript) and isinstance(node.ctx, ast.Load):
        for power in (2, 3):
            yield Change(node, f"{words.text(node)} ** {power}")


def factors_extra(node: ast.expr, words: Words) -> Iterator[Change]:
    if _is_product(node):
        assert isinstance(node, ast.BinOp)
        yield Change(node, words.factor(node.left))
        if isinstance(node.op, ast.Mult):
            yield Change(node, words.factor(node.right))


def terms_extra(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield Change(node, f"({words.text(node.left)})" if _is_sum(node.left) else words.text(node.left))
        yield Change(node, words.text(node.right) if isinstance(node.op, ast.Add) else f"-{words.factor(node.right)}")


def _is_sum(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def transposes(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield Change(node, words.text(node.value))
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield Change(node, f"{node.id}.T")


def orders(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield Change(node, f"{words.base(node.right)} @ {words.base(node.left)}")


def pairs(node: ast.expr, words: Words) -> Iterator[Change]:
    """Two values in the other order: of what is returned, or unpacked."""
    if isinstance(node, ast.Tuple) and 1 < len(node.elts) <= 8:
        texts = [words.text(each) for each in node.elts]
        for i, j in itertools.combinations(range(len(texts)), 2):
            swapped = [*texts]
            swapped[i], swapped[j] = texts[j], texts[i]
            whole = ", ".join(swapped)
            yield Change(node, f"({whole})" if words.text(node).startswith("(") else whole)


def axes(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg in _AXES and isinstance(keyword.value, ast.Constant):
                for axis in (0, 1, -1, 2):
                    yield Change(keyword.value, str(axis))
                yield from _without(node, keyword, words)
            elif keyword.arg in _KEEP:
                yield from _without(node, keyword, words)


def _without(call: ast.Call, keyword: ast.keyword, words: Words) -> Iterator[Change]:
    """A call without one of its keywords."""
    kept = [words.text(each) for each in call.args]
    kept += [f"{k.arg}={words.text(k.value)}" for k in call.keywords if k is not keyword and k.arg]
    yield Change(call, f"{words.text(call.func)}({', '.join(kept)})")


def keepdims(node: ast.expr, words: Words) -> Iterator[Change]:
    given = [k.arg for k in node.keywords] if isinstance(node, ast.Call) else []
    if any(word in _AXES for word in given) and not any(word in _KEEP for word in given):
        word = "keepdim" if "dim" in given else "keepdims"
        yield Change(node, f"{words.text(node)[:-1]}, {word}=True)")


def means(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _SWAPPED:
        text = words.text(node.func)
        yield Change(node.func, f"{text[: -len(node.func.attr)]}{_SWAPPED[node.func.attr]}")


def calls_extra(node: ast.expr, words: Words) -> Iterator[Change]:
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        yield Change(node, words.factor(node.args[0]))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        yield Change(node, words.factor(node.func.value))


def factors_missing(node: ast.expr, words: Words) -> Iterator[Change]:
    for number in (2, 3):
        yield Change(node, f"{number} * {words.factor(node)}")
        yield Change(node, f"{words.factor(node)} / {number}")
    for name in words.names:
        yield Change(node, f"{words.factor(node)} * {name}")
    for name in words.names:
        yield Change(node, f"{words.factor(node)} / {name}")
    for name in words.names:
        yield Change(node, f"{words.factor(node)} * {name} ** 2")
        yield Change(node, f"{words.factor(node)} * (1 - {name})")
        yield Change(node, f"{words.factor(node)} * (1 - {name} ** 2)")


def negations(node: ast.expr, words: Words) -> Iterator[Change]:
    if not isinstance(node, ast.UnaryOp | ast.Constant):
        yield Change(node, f"-{words.factor(node)}")


def sums_missing(node: ast.expr, words: Words) -> Iterator[Change]:
    for inner in ("axis=0", "axis=1", "axis=1, keepdims=True", ""):
        yield Change(node, f"{words.base(node)}.sum({inner})")


def terms_missing(node: ast.expr, words: Words) -> Iterator[Change]:
    for sign in ("+", "-"):
        for name in words.names:
            yield Change(node, f"{words.text(node)} {sign} {name}")


EVERYWHERE: tuple[Rule, ...] = (
    signs, operators, comparisons, axes, transposes, orders, factors_extra, names, numbers, powers, means, calls_extra,
    terms_extra, pairs, keepdims,
)  # fmt: skip
"""Edits of any part of a line."""

OF_TERMS: tuple[Rule, ...] = (negations, factors_missing, sums_missing, terms_missing)
"""Edits of the terms of sums, of arguments and of whole sides."""


def edits(statement: ast.stmt, words: Words) -> Iterator[Edit]:
    """All small edits of a statement, the likelier kinds first; each stays within one line."""
    seen: set[Edit] = set()
    yield from _of_assignment(statement, words)
    places = list(_places(statement))
    for rules, terms_only in ((EVERYWHERE, False), (OF_TERMS, True)):
        for rule in rules:
            for node, parent in places:
                if not terms_only or _is_term(node, parent):
                    for change in rule(node, words):
                        made = Edit(words.span(change.node), change.text)
                        if change.node.lineno == change.node.end_lineno and made not in seen:
                            seen.add(made)
                            yield made


def _of_assignment(statement: ast.stmt, words: Words) -> Iterator[Edit]:
    """``+=`` for ``-=`` or ``=``, and the other way round."""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
        target, value = words.span(statement.target), words.span(statement.value)
        for sign in ("+=", "-=", "="):
            yield Edit(Span(target.end, value.start), f" {sign} ")
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = words.span(statement.targets[0]), words.span(statement.value)
        yield Edit(Span(target.end, value.start), " += ")


def _places(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.AST | None]]:
    """The parts of a statement to be edited, each with what it stands in; None for a whole side."""
    if isinstance(statement, ast.For | ast.While | ast.If):
        roots = [statement.iter] if isinstance(statement, ast.For) else [statement.test]
    elif isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        unpacked = [t for t in targets if isinstance(t, ast.Tuple)]
        inner = [t.slice for t in targets if isinstance(t, ast.Subscript)]
        roots = [*([statement.value] if statement.value is not None else []), *inner, *unpacked]
    elif isinstance(statement, ast.Return | ast.Expr) and statement.value is not None:
        roots = [statement.value]
    else:
        roots = []
    waiting: list[tuple[ast.expr, ast.AST | None]] = [(root, None) for root in reversed(roots)]
    while waiting:
        node, parent = waiting.pop()
        yield node, parent
        inside = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if isinstance(node, ast.Call):
            inside += [k.value for k in node.keywords if k.arg not in (*_AXES, *_KEEP)]
            if isinstance(node.func, ast.Name):
                inside.remove(node.func)
        waiting += [(child, node) for child in reversed(inside)]


def names_before(function: ast.AST, line: int) -> tuple[str, ...]:
    """The names and items that have a value before a line of a function, those used in it the most first."""
    counts: dict[str, int] = {}
    bound: dict[str, None] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            bound[node.arg] = None
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.lineno < line:
            bound[node.id] = None
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Load) and _is_item(node):
            bound[ast.unparse(node)] = None
        if isinstance(node, ast.Name):
            counts[node.id] = counts.get(node.id, 0) + 1
    known = [name for name in bound if name not in ("self", "ctx", "cache", "_")]
    return tuple(sorted(known, key=lambda name: -counts.get(name, 1))[:MAX_NAMES])


def _is_item(node: ast.Subscript | ast.Attribute) -> bool:
    """``cache["x"]``, ``self.W``, ``x.shape[0]``."""
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id in ("self", "ctx")
    inner = node.slice
    if not isinstance(inner, ast.Constant):
        return False
    owner = node.value
    if isinstance(inner.value, str):
        return isinstance(owner, ast.Name | ast.Attribute)
    return isinstance(owner, ast.Attribute) and owner.attr == "shape"
