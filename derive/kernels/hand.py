"""The gradients that a document derives by hand, ready to be evaluated beside those of a kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sympy import Expr, Symbol

from derive.checking import typesetter
from derive.court import Court
from derive.language import D, indices_of, name_of
from derive.normal.algebra import GaveUp, Undefined
from derive.problem import Pair, Problem
from derive.terms import TermPair, readings, term_pairs
from derive.verdict import Judge


@dataclass(frozen=True)
class Hand:
    """A gradient as its author wrote it.

    Attributes:
        line: where it stands.
        key: by which name of the graph.
        court: the forward pass that it speaks of.
        indices, sizes: of the entry that it is about, in the order of its axes.
        expr: what the author wrote, the derivatives in it resolved.
        terms: term by term, where several paths lead to the loss.
    """

    line: int
    key: str
    court: Court
    indices: tuple[Symbol, ...]
    sizes: tuple[Expr, ...]
    expr: Expr
    terms: tuple[TermPair, ...]


def hand_derivations(problem: Problem, keys: Iterable[str]) -> Iterator[Hand]:
    """All that a document claims gradients by some names to be, in order."""
    judge, keys = Judge(problem), frozenset(keys)
    for equation in problem.equations:
        if equation.ignored or equation.role != "claim":
            continue
        judged = judge.judge(equation)
        for link, value in zip(judged.links, [*judged.values, *[None] * len(judged.links)], strict=False):
            pair = value.pair if value is not None and value.pair is not None else link.pair
            if pair is not None and link.status in ("proved", "refuted", "tested") and _names(judge, pair) in keys:
                yield from _hand(problem, judge, pair, equation.line)


def _names(judge: Judge, pair: Pair) -> str | None:
    """The name by which the loss is differentiated on the left, if that is all that stands there, at any entry."""
    left = pair.left
    if not isinstance(left, D) or left.args[0] != Symbol(judge.doubts.graph_of(pair).loss, real=True):
        return None
    anywhere = sorted(map(str, indices_of(left.args[1]))) == sorted(map(str, pair.indices))
    return name_of(left.args[1]) if anywhere and not pair.conditions and not pair.restricted else None


def _hand(problem: Problem, judge: Judge, pair: Pair, line: int) -> Iterator[Hand]:
    court = judge.court(judge.doubts.graph_of(pair))
    values = [court.calculus.resolve(pair.right, reading) for reading in readings(pair)]
    left = court.calculus.resolve(pair.left, "total")
    expr = next((value for value in values if _equal(court, left, value)), values[0])
    terms = term_pairs(judge, pair, typesetter(problem))
    entry, lengths = pair.left.args[1], dict(zip(pair.indices, pair.sizes, strict=True))
    indices = indices_of(entry)
    yield Hand(line, name_of(entry), court, indices, tuple(lengths[i] for i in indices), expr, terms)


def _equal(court: Court, first: Expr, second: Expr) -> bool:
    try:
        return court.prover.equal(first, second)
    except (GaveUp, Undefined):
        return False


__all__ = ["Hand", "hand_derivations"]
