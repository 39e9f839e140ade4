"""Random changes of forward and backward code that usually make it wrong, made on the syntax tree.

Each is of the kind that people make: a range or an axis too short, returns in another order, a name for another, an
operator, a constant, an index, a term left out, a line lost, a transpose forgotten.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """A changed source.

    Attributes:
        kind: which edit.
        line: where.
        source: the changed module.
    """

    kind: str
    line: int
    source: str


Edit = Callable[[ast.AST, Random, list[str]], "ast.AST | None"]

SWAPS: dict[type[Any], tuple[type[Any], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.MatMult: (ast.Mult,),
}
COMPARED: dict[type[Any], tuple[type[Any], ...]] = {
    ast.Gt: (ast.Lt, ast.GtE),
    ast.Lt: (ast.Gt, ast.LtE),
    ast.GtE: (ast.LtE, ast.Gt),
    ast.LtE: (ast.GtE, ast.Lt),
    ast.Eq: (ast.NotEq,),
}
WORDS = {
    "sum": ("mean", "max"),
    "mean": ("sum",),
    "max": ("min", "sum"),
    "maximum": ("minimum",),
    "exp": ("sqrt",),
    "tanh": ("sin",),
    "sqrt": ("square",),
    "zeros_like": ("ones_like",),
    "ones": ("zeros",),
    "var": ("std", "mean"),
    "hstack": ("vstack",),
    "copy": ("ravel",),
}


def operator(node: ast.AST, random: Random, names: list[str]) -> ast.AST | None:
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in SWAPS:
        node.op = random.choice(SWAPS[type(node.op)])()
        return node
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARED:
        node.ops[0] = random.choice(COMPARED[type(node.ops[0])])()
        return node
    return None


def constant(node: ast.AST, random: Random, names: list[str]) -> ast.AST | None:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value = random.choice([node.value + 1, node.value - 1, node.value * 2, 0.5])
        return node
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value
        return node
    return None


def axis(node: ast.AST, random: Random, names: list[str]) -> ast.AST | None:
    """Another axis, with keepdims or without, no axis at all."""
    if not isinstance(node, ast.Call) or not any(
        k.arg in ("axis", "dim", "keepdims", "keepdim") for k in node.keywords
    ):
        return None
    chosen = random.choice([k for k in node.keywords if k.arg in ("axis", "dim", "keepdims", "keepdim")])
    if random.random() < 0.3:
        node.keywords.remove(chosen)
    elif chosen.arg in ("axis", "dim"):
        chosen.value = ast.Constant(random.choice([0, 1, -1]))
    else:
        chosen.value = ast.Constant(False)
    return node


def range_(node: ast.AST, random: Random, names: list[str]) -> ast.AST | None:
    """A range or `arange` that is too short, starts late, or is that of another axis."""
    match node:
        case ast.Call(ast.Name("range") | ast.Attribute(_, "arange"), [last]):
            shorter = ast.BinOp(last, ast.Sub(), ast.Constant(1))
            node.args = random.choice([[shorter], [ast.Constant(1), last]])
            return node
        case ast.Subscript(ast.Attribute(_, "shape"), ast.Constant(int() as k)):
            node.slice = ast.Constant(random.choice([j for j in (0, 1, -1) if j != k]))
            return node
    return None


def order(node: ast.AST, random: Random, names: list[str]) -> ast.AST | None:
    """Two of what is returned, packed or unpacked in each other's place."""
    if isinstance(node, ast.Tuple) and len(node.elts) >= 2:
        i, j = random.sample(range(len(node.elts)), 2)
        node.elts[i], node.elts[j] = node.elts[j], node.elts[i]
        return node
    return None


def name(node: ast.AST, random: Random, names: list[str]) -> ast.AST | None:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names and len(set(names)) > 1:
        node.id = random.choice([each for each in names if each != node.id])
        return node
    return None


def index(node: ast.AST, random: Random, names: list[str]) -> ast.AST | None:
    """A bound of a slice shifted or left out; rows for columns."""
    if isinstance(node, ast.Slice):
        if node.upper is not None and random.random() < 0.5:
            node.upper = random.choice([None, ast.BinOp(node.upper, ast.Sub(), ast.Constant(1))])
        else:
            node.lower = ast.Constant(1) if node.lower is None else None
        return node
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
        node.slice.elts.reverse()
        return node
    return None


def missing(node: ast.AST, random: Random, names: list[str]) -> ast.AST | None:
    """A term, a factor, a sign or a transpose left out, or one too many."""
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Pow):
        return random.choice([node.left, node.right])
    if isinstance(node, ast.BinOp):
        return node.left
    if isinstance(node, ast.UnaryOp):
        return node.operand
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and random.random() < 0.3:
        return random.choice([ast.Attribute(node, "T", ast.Load()), ast.UnaryOp(ast.USub(), node)])
    return None


def word(node: ast.AST, random: Random, names: list[str]) -> ast.AST | None:
    if isinstance(node, ast.Attribute) and node.attr in WORDS:
        node.attr = random.choice(WORDS[node.attr])
        return node
    return None


def line(node: ast.AST, random: Random, names: list[str]) -> ast.AST | None:
    """A statement lost, or an addition that overwrites."""
    if isinstance(node, ast.AugAssign):
        plain = ast.Assign([node.target], node.value, lineno=node.lineno)
        return random.choice([ast.Pass(), plain])
    if isinstance(node, ast.Assign) and random.random() < 0.3:
        return ast.Pass()
    return None


EDITS: dict[str, Edit] = {
    each.__name__.rstrip("_"): each
    for each in (operator, constant, axis, range_, order, name, index, missing, word, line)
}


def mutants(source: str, functions: list[str], random: Random) -> Iterator[Mutant]:
    """Endlessly many changed modules, each with one edit inside one of these functions."""
    while True:
        tree = ast.parse(source)
        bodies = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in functions]
        body = random.choice(bodies)
        kind = random.choice(list(EDITS))
        places = [(n, f, i) for n in ast.walk(body) for f, i in _children(n)]
        random.shuffle(places)
        names = sorted(_locals(body))
        for parent, field, i in places[:40]:
            holder = getattr(parent, field)
            child = holder if i is None else holder[i]
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            before = ast.unparse(child)
            changed = EDITS[kind](copy.deepcopy(child), random, names)
            if changed is None or ast.unparse(changed) == before:
                continue
            if i is None:
                setattr(parent, field, changed)
            else:
                holder[i] = changed
            ast.fix_missing_locations(tree)
            yield Mutant(kind, getattr(child, "lineno", body.lineno), ast.unparse(tree))
            break


def _children(node: ast.AST) -> Iterator[tuple[str, int | None]]:
    """Where the expressions and statements inside a node are."""
    for field in node._fields:
        value = getattr(node, field, None)
        if field in ("decorator_list", "annotation", "returns", "args") and not isinstance(node, ast.Call):
            continue
        if isinstance(value, ast.expr | ast.stmt):
            yield field, None
        elif isinstance(value, list):
            yield from ((field, i) for i, each in enumerate(value) if isinstance(each, ast.expr | ast.stmt))


def _locals(body: ast.FunctionDef) -> set[str]:
    stored = {n.id for n in ast.walk(body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return stored | {a.arg for a in body.args.args}
