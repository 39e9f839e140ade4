"""A pair under what the page supposes: with a number for a name, or where an expression is positive."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Number, Symbol

from derive.language import key_of, name_of
from derive.latex.syntax import Node
from derive.notation.elaborate import Elaborator, Policy
from derive.notation.equations import Equation, Supposition
from derive.notation.values import ShapeError, Value
from derive.problem.problem import Pair, Problem, symmetrized
from derive.source import SourceError

_SIGNS = {">": 1, "\\geq": 1, "\\ge": 1, "\\geqslant": 1, "<": -1, "\\leq": -1, "\\le": -1, "\\leqslant": -1}


def under(problem: Problem, claim: Equation, pair: Pair, supposition: Supposition) -> Pair | None:
    """A pair under a supposition; None where derive cannot use that."""
    said = supposition.equation
    if said is not None and supposition.quality:
        return _with_property(problem, pair, said.members[0], supposition.quality)
    if said is None or len(said.members) != 2:
        return None
    elaborator = Elaborator(problem.table, dict(claim.axes), Policy())
    try:
        with problem.table.axes.trial():
            first, second = (elaborator.value(member) for member in said.members)
            if said.relations == ("=",):
                return None if supposition.denied else _with_value(problem, pair, first, second)
            sign = _SIGNS.get(said.relations[0])
            if sign is None:
                return None
            return _where_positive(problem, pair, first, second, -sign if supposition.denied else sign)
    except (SourceError, ShapeError):
        return None
    finally:
        problem.heard()


def _with_value(problem: Problem, pair: Pair, name: Value, value: Value) -> Pair | None:
    """With a number put in for an input, by which the pair does not differentiate."""
    symbol, number = name.expr, value.expr
    free = isinstance(symbol, Symbol) and isinstance(number, Number) and not (name.slots or value.slots)
    if not free or name_of(symbol) in problem.graph.by_name:
        return None
    if any(name_of(d.args[1]) == name_of(symbol) for d in pair.derivatives):
        return None
    put = {symbol: number}
    left, right = pair.left.xreplace(put), pair.right.xreplace(put)
    return replace(pair, left=left, right=right, values=(*pair.values, (symbol, number)))


def _with_property(problem: Problem, pair: Pair, node: Node, known: str) -> Pair | None:
    """With data of which words say a property; a pair that differentiates by it is not narrowed."""
    spelled = problem.table.spell(node)
    names = [n for n in problem.graph.sizes if spelled is not None and key_of(n) == spelled.key]
    names = [n for n in names if n not in problem.graph.by_name]
    by = {name_of(d.args[1]) for d in pair.derivatives}
    if known == "symmetric":
        names = [n for n in names if len(problem.graph.sizes[n]) == 2 and n not in by]
        left, right = (symmetrized(side, names) for side in (pair.left, pair.right))
        pair = replace(pair, left=left, right=right)
    return replace(pair, known=(*pair.known, *((n, known) for n in names))) if names else None


def _where_positive(problem: Problem, pair: Pair, first: Value, second: Value, sign: int) -> Pair | None:
    """Where a difference is positive, or negative; one of whole arrays or of other indices is so for each index."""
    left, right, slots = problem.table.shapes.align(first, second)
    found = [sign * (left - right)]
    bound = [slot.symbol for slot in slots]
    bound += [s for s in found[0].free_symbols if s.is_integer and not s.is_positive and s not in pair.indices]
    for letter in bound:
        found = [e.xreplace({letter: index}) for e in found for index in pair.indices]
    known: list[Expr] = [e for e in found if e.free_symbols]
    return replace(pair, positive=(*pair.positive, *known)) if known else None
