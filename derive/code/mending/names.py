"""What the quantities of a pair are called in a line of its backward function, and how those without a name there are
made of those that have one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import sympy
from sympy import Expr

from derive.code.arrays import Axis, factors
from derive.code.judge import Judge
from derive.code.mending.edits import Words
from derive.code.naming import is_cache, is_upstream
from derive.code.pairs import Function
from derive.forward import Definition, entry, quantities_in
from derive.language import index, indices_of, is_quantity, name_of, refresh

MAX_ROUNDS = 24


class NotWritten(Exception):
    """There is no way to write it in the names that there are."""


class Named(NamedTuple):
    """What the author calls a quantity, and its axes."""

    text: str
    axes: tuple[Axis, ...]


def quantities_named(judge: Judge, function: Function, line: int, words: Words) -> dict[str, Named]:
    """By the name of a quantity what it is called in a line: what was saved, gradients from above, stages before it."""
    trace = judge.trace
    renamed = {s: g for _, given, saved in trace.unpacked for g, s in zip(given, saved, strict=True) if g and s}
    found: dict[str, Named] = {}
    for name, axes in trace.axes.items():
        shown = trace.shown_name(name)
        text = _spelled(shown, renamed, words)
        if name not in judge.backward and shown != "Σ" and text:
            found[name] = Named(text, axes)
    for output, text in zip(judge.passes.outputs, _upstreams(function), strict=False):
        above = f"∂L/∂{output}"
        if above in trace.axes:
            found[above] = Named(text, trace.axes[above])
    return found | dict(_stages(judge, line))


def _spelled(shown: str, renamed: Mapping[str, str], words: Words) -> str:
    """What a saved quantity is called: by its name, by that which it was given, or as an item of the cache."""
    for name in (shown, renamed.get(shown, "")):
        if name in words.names:
            return name
    items = (n for n in words.names if n.endswith((f"['{shown}']", f".{shown}")))
    return next(items, "")


def _upstreams(function: Function) -> list[str]:
    """The parameters of a backward function that are gradients from above."""
    names = [p.arg for p in (*function.args.posonlyargs, *function.args.args)]
    own = [name for name in names if name not in ("self", "ctx") and not is_cache(name)]
    return [name for name in own if is_upstream(name)] or own[:1]


def _stages(judge: Judge, line: int) -> Iterator[tuple[str, Named]]:
    """The gradients of the loss that stages before a line hold."""
    for stage in judge.trace.stages:
        target = judge.targets.get(stage.definition)
        if target is not None and stage.line < line and target in judge.graph.reaching:
            letters = tuple(index(f"j{k}") for k in range(len(judge.trace.sizes[target])))
            adjoint = judge.calculus.adjoint(target, letters)
            if is_quantity(adjoint):
                yield name_of(adjoint), Named(stage.name, judge.trace.axes[stage.definition])


# -- sizes -----------------------------------------------------------------------------------------------------------


def sizes_named(names: Mapping[str, Named], function: Function, line: int, words: Words) -> dict[str, str]:
    """By the name of a size what it is called in a line: a name of the author's, or an entry of a shape."""
    shapes = {n.text: n.axes for n in names.values()}
    found: dict[str, str] = {}
    for text, axes in shapes.items():
        for k, one in enumerate(axes):
            if len(one) == 1:
                found.setdefault(str(factors(one)[0]), f"{text}.shape[{k}]")
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and node.lineno < line and len(node.targets) == 1:
            found |= _sizes_in(node.targets[0], node.value, shapes)
    return found | {name: name for name in found if name in words.names}


def _sizes_in(target: ast.expr, value: ast.expr, shapes: Mapping[str, tuple[Axis, ...]]) -> dict[str, str]:
    """The sizes that ``N, D = x.shape``, ``m = x.shape[0]`` or ``m = len(x)`` name."""
    match target, value:
        case ast.Tuple(elts), ast.Attribute(ast.Name(owner), "shape"):
            pairs = [(t.id, k) for k, t in enumerate(elts) if isinstance(t, ast.Name) and t.id != "_"]
        case ast.Name(own), ast.Subscript(ast.Attribute(ast.Name(owner), "shape"), ast.Constant(int() as k)):
            pairs = [(own, k)]
        case ast.Name(own), ast.Call(ast.Name("len"), [ast.Name(owner)]):
            pairs = [(own, 0)]
        case _:
            return {}
    axes = shapes.get(owner, ())
    return {str(factors(axes[k])[0]): name for name, k in pairs if -len(axes) <= k < len(axes) and len(axes[k]) == 1}


# -- what has no name ------------------------------------------------------------------------------------------------


def in_names(expr: Expr, judge: Judge, names: Mapping[str, Named]) -> Expr:
    """An expression over quantities that have a name; others are put in, or solved for.

    Raises:
        NotWritten: something cannot be made of what has a name.
    """
    same = _same(judge, names)
    expr = _renamed(expr, same)
    solved: set[str] = set()
    for _ in range(MAX_ROUNDS):
        missing = sorted({name_of(q) for q in quantities_in(expr) if not _is_known(q, names)})
        if not missing:
            return expr
        for name in missing:
            solution = _solution(name, judge, names, same) if name not in solved else None
            if solution is not None:
                solved.add(name)
                expr = _put(expr, name, solution)
                break
        else:
            expr = _renamed(_inlined(expr, missing[-1], judge), same)
    raise NotWritten


def _is_known(quantity: Expr, names: Mapping[str, Named]) -> bool:
    return name_of(quantity) in names or (isinstance(quantity, sympy.Symbol) and bool(quantity.is_integer))


def _same(judge: Judge, names: Mapping[str, Named]) -> dict[str, str]:
    """For quantities that are computed twice, or renamed, one name: that which the author has there, if one does."""
    same: dict[str, str] = {}
    known: dict[str, str] = {}
    for definition in judge.graph.by_name.values():
        expr = _renamed(definition.expr, same)
        alias = is_quantity(expr) and indices_of(expr) == definition.indices
        letters = {i: index(f"k{k}") for k, i in enumerate(definition.indices)}
        key = str(expr.xreplace(letters))  # summed letters print alike
        first = name_of(expr) if alias else known.setdefault(key, definition.name)
        if first != definition.name and definition.name not in names:
            same[definition.name] = first
        elif first != definition.name and first not in names:
            same |= dict.fromkeys((first, *(n for n, one in same.items() if one == first)), definition.name)
            known[key] = definition.name
    return same


def _renamed(expr: Expr, same: Mapping[str, str]) -> Expr:
    def changed(part: Expr) -> Expr | None:
        if is_quantity(part) and name_of(part) in same:
            return entry(same[name_of(part)], indices_of(part))
        return None

    return mapped(expr, changed)


class _Solution(NamedTuple):
    """``base ** power`` is ``value``, over the letters at which a quantity in ``base`` stands; that itself is
    ``inverse``."""

    indices: tuple[Expr, ...]
    base: Expr
    power: Expr
    value: Expr
    inverse: Expr


def _solution(name: str, judge: Judge, names: Mapping[str, Named], same: Mapping[str, str]) -> _Solution | None:
    """A quantity in terms of one that is made of it and has a name: ``x = xhat * std + mean``."""
    for definition in judge.graph.by_name.values():
        expr = _renamed(definition.expr, same)
        if definition.name in names and name != definition.name:
            found = _solved(definition, expr, name)
            if found is not None:
                return found
    return None


def _solved(definition: Definition, expr: Expr, name: str) -> _Solution | None:
    occurrences = {q for q in quantities_in(expr) if name_of(q) == name}
    if len(occurrences) != 1:
        return None
    (unknown,) = occurrences
    indices = indices_of(unknown)
    if set(indices) != set(definition.indices) or len(set(indices)) != len(indices):
        return None
    value = entry(definition.name, definition.indices)
    root: tuple[Expr, Expr, Expr] | None = None
    while expr != unknown:
        inside = [a for a in expr.args if a.has(unknown)]
        if len(inside) != 1 or not isinstance(expr, sympy.Add | sympy.Mul | sympy.Pow):
            return None
        if isinstance(expr, sympy.Pow):
            if not expr.exp.is_number:
                return None
            root = root or (expr.base, expr.exp, value)
            value = value ** (1 / expr.exp)
        else:
            rest = expr.func(*(a for a in expr.args if a is not inside[0]))
            value = value - rest if isinstance(expr, sympy.Add) else value / rest
        expr = inside[0]
    return _Solution(indices, *(root or (unknown, sympy.Integer(1), value)), value)


def _put(expr: Expr, name: str, solution: _Solution) -> Expr:
    """A solution in the place of a quantity; a power of what it stands in becomes a power."""

    def changed(part: Expr) -> Expr | None:
        base, power = (part.base, part.exp) if isinstance(part, sympy.Pow) else (part, sympy.Integer(1))
        found = {q for q in quantities_in(base) if name_of(q) == name}
        if len(found) == 1:
            at = dict(zip(solution.indices, indices_of(*found), strict=True))
            if solution.base.xreplace(at) == base:
                return refresh(solution.value.xreplace(at)) ** (power / solution.power)
        if is_quantity(part) and name_of(part) == name:
            at = dict(zip(solution.indices, indices_of(part), strict=True))
            return refresh(solution.inverse.xreplace(at))
        return None

    return mapped(expr, changed)


def _inlined(expr: Expr, name: str, judge: Judge) -> Expr:
    """An expression with the definition of a name put in."""
    definition = judge.graph.by_name.get(name) or judge.calculus.staged.get(name)
    if definition is None:
        raise NotWritten

    def changed(part: Expr) -> Expr | None:
        if is_quantity(part) and name_of(part) == name:
            return refresh(definition.at(indices_of(part)))
        return None

    return mapped(expr, changed)


def mapped(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """An expression with some of its parts changed, the outermost first; indices are left alone."""
    new = change(expr)
    if new is not None:
        return new
    if isinstance(expr, sympy.Indexed) or not expr.args:
        return expr
    args = [mapped(a, change) if isinstance(a, Expr) else a for a in expr.args]
    return expr.func(*args) if any(a is not b for a, b in zip(args, expr.args, strict=True)) else expr
