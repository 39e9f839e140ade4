"""What a line may leave unsaid: with which of it a line that differs from the truth would be true after all.

A line that is true where its indices differ, if the labels add up to 1, with a sum over a stray letter, or if a letter
counts what the page leaves uncounted, is no mistake for certain. It is left open, and the report says what to write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import product

import sympy
from sympy import Expr, Symbol

from derive.court import Court
from derive.doubts import Doubts
from derive.forward import Definition, Graph
from derive.gradient import NoDerivative, Reading
from derive.language import D, is_quantity, name_of, scalar, total
from derive.normal.algebra import GaveUp, Undefined
from derive.notation.roles import is_share
from derive.probe.evaluation import NotEvaluable, TooLarge
from derive.probe.points import Agreement, compare
from derive.problem import Pair

_MOST_NUMBERS = 6
"""How many numbers are tried for the size of an axis."""


class Unsaid:
    """What the lines of one document may leave unsaid.

    Args:
        court: the derivatives and the prover of a graph.
    """

    def __init__(self, doubts: Doubts, court: Callable[[Graph], Court]) -> None:
        self.doubts = doubts
        self.court = court
        self._graphs: dict[tuple[object, ...], Graph] = {}

    def of(self, pair: Pair, reading: Reading) -> str:
        """Why a pair that differs from the truth may not be false, in words."""
        ways = (self._condition, self._share, self._sum, self._size, self._fixed)
        return next((reason for way in ways if (reason := way(pair, reading))), "")

    def proves(self, pair: Pair, reading: Reading, graph: Graph) -> bool:
        """Whether the normal form proves a pair over another graph than its own."""
        court = self.court(graph)
        with suppress(GaveUp, Undefined, NoDerivative):
            first, second = (court.calculus.resolve(side, reading) for side in (pair.left, pair.right))
            return court.prover.equal(first, second)
        return False

    def _graph(self, key: tuple[object, ...], graph: Graph, **changes: object) -> Graph:
        """A graph with changes, once for each key."""
        if (*key, id(graph)) not in self._graphs:
            self._graphs[*key, id(graph)] = replace(graph, **changes)  # type: ignore[arg-type]
        return self._graphs[*key, id(graph)]

    # -- the ways ------------------------------------------------------------------------------------------------------

    def _condition(self, pair: Pair, reading: Reading) -> str:
        """That it speaks of different indices, in a forward pass with a sum over all others, ``k \\neq i``."""
        graph = self.doubts.graph_of(pair)
        if pair.conditions or not any(d.expr.has(sympy.KroneckerDelta) for d in graph.definitions):
            return ""
        letters = list(zip(pair.indices, pair.sizes, strict=True))
        apart = {frozenset((i, j)) for i, n in letters for j, m in letters if i != j and n == m}
        if not apart:
            return ""
        with suppress(NotEvaluable, TooLarge):
            found = compare(replace(pair.claim, apart=frozenset(apart)), graph, reading, rounds=4)
            if isinstance(found, Agreement) and found.points > 0:
                return "true where its indices differ, as those do in a sum of the forward pass that leaves one out"
        return ""

    def _share(self, pair: Pair, reading: Reading) -> str:
        """That data adds up to 1, as labels usually do: those that a loss multiplies with logarithms, and those with a
        customary name."""
        graph = self.doubts.graph_of(pair)
        exprs = [pair.left, pair.right, *(d.expr for d in graph.definitions)]
        sums = {s for expr in exprs for s in expr.atoms(sympy.Sum)}
        arrays = {name_of(a): a for s in sums if s.has(sympy.log) for a in _factors(s) if isinstance(a, sympy.Indexed)}
        arrays |= {name_of(a): a for expr in exprs for a in expr.atoms(sympy.Indexed) if is_share(name_of(a))}
        for name in sorted(name for name in set(arrays) - set(graph.by_name) if graph.sizes.get(name)):
            *letters, last = (Symbol(f"share{k}", integer=True) for k in range(len(arrays[name].indices)))
            whole = total(arrays[name].base[(*letters, last)], [(last, graph.sizes[name][-1])])
            told = self._graph(("share", name), graph, facts=(*graph.facts, (whole, sympy.Integer(1))))
            if self.proves(pair, reading, told):
                return f"true only if the {name} add up to 1, which nothing says"
        return ""

    def _sum(self, pair: Pair, reading: Reading) -> str:
        """A sum over the letters that only the right side has."""
        if not pair.stray:
            return ""
        summed = _summed(pair.right, pair)
        if not self.proves(replace(pair, right=summed), reading, self.doubts.graph_of(pair)):
            return ""
        letters = ", ".join(s.name for s in pair.stray)
        return f"true only with a sum over {letters}, which the line does not say"

    def _size(self, pair: Pair, reading: Reading) -> str:
        """That a letter counts the entries of an axis whose size nothing says."""
        graph, axes = self.doubts.graph_of(pair), self.doubts.problem.table.axes
        met = {s for side in (pair.left, pair.right) for s in _sizes_in(side)}
        met_names = self.doubts.reached(pair.names)
        met |= {s for name in met_names for s in _sizes_of(graph, name)}
        unnamed = {n for axis in axes.unnamed() for n in axis.size.free_symbols} & met
        known = {graph.loss, *graph.by_name, *(name_of(d.args[1]) for d in pair.derivatives)}
        numbers = {s for side in (pair.left, pair.right) for s in _numbers(side)}
        numbers |= {s for name in met_names for s in _numbers_in(graph, name)}
        numbers = {s for s in numbers if s.name not in known}
        letters = [*sorted(met - unnamed, key=str), *sorted(numbers, key=str)[:_MOST_NUMBERS]]
        for count, letter in product(sorted(unnamed, key=str), letters):
            put = {count: letter} if letter.is_integer else {letter: count}
            told = self._graph(("size", count, letter), graph, **_resized(graph, put))
            if self.proves(_with(pair, put), reading, told):
                array = min(name for name in graph.sizes if count in graph.sizes_of(name))
                return f"true only if {letter} is the number of entries of {array}, which nothing says"
        return ""

    def _fixed(self, pair: Pair, reading: Reading) -> str:
        """That ∂ holds the other names in the loss's own definition fixed, of which some depend on its variable too."""
        graph = self.doubts.graph_of(pair)
        if not graph.has_loss:
            return ""
        put, names = {}, set()
        for derivative in (d for d in pair.derivatives if _top(d) == graph.loss and len(d.args) == 2):
            by, uses = name_of(derivative.args[1]), graph.by_name[graph.loss].uses
            held = [n for n in sorted(uses - {by}) if graph.depends(n, by) and f"{n}^2" != by] if by in uses else []
            if held:
                put[derivative] = D(*derivative.args, sympy.Tuple(*map(scalar, held)))
                names |= set(held)
        fixed = replace(pair, left=pair.left.xreplace(put), right=pair.right.xreplace(put))
        if put and self.proves(fixed, reading, graph):
            return f"true only with {', '.join(sorted(names))} held fixed, which nothing says"
        return ""


def _top(derivative: Expr) -> str:
    """The name that a derivative is of; none where it is one of an expression."""
    return name_of(derivative.args[0]) if is_quantity(derivative.args[0]) else ""


def _factors(term: Expr) -> Iterator[Expr]:
    """The factors of a sum's terms."""
    while isinstance(term, sympy.Sum):
        term = term.function
    for part in sympy.Add.make_args(term):
        yield from sympy.Mul.make_args(part)


def _summed(expr: Expr, pair: Pair) -> Expr:
    """An expression with each term summed over the stray letters in it."""
    sizes = dict(zip(pair.indices, pair.sizes, strict=True))
    terms = []
    for term in sympy.Add.make_args(expr):
        letters = [s for s in pair.stray if s in term.free_symbols]
        terms.append(total(term, [(s, sizes[s]) for s in letters]))
    return sympy.Add(*terms)


def _sizes_in(expr: Expr) -> set[Symbol]:
    return {s for s in expr.free_symbols if s.is_integer and s.is_positive}


def _sizes_of(graph: Graph, name: str) -> set[Symbol]:
    """The sizes in what a name is, and those of its axes."""
    own: Iterable[Expr] = graph.sizes_of(name)
    definition = graph.by_name.get(name)
    found = {s for n in own for s in _sizes_in(n)}
    return found | _sizes_in(definition.expr) if definition is not None else found


def _numbers(expr: Expr) -> set[Symbol]:
    """The plain numbers of the document in an expression: no sizes, indices or entries."""
    arrays = {entry.base.label for entry in expr.atoms(sympy.Indexed)}
    return {s for s in expr.free_symbols - arrays if isinstance(s, Symbol) and not s.is_integer}


def _numbers_in(graph: Graph, name: str) -> set[Symbol]:
    """The numbers in what a name is that are no sizes."""
    definition = graph.by_name.get(name)
    return _numbers(definition.expr) if definition is not None else set()


def _with(pair: Pair, put: dict[Symbol, Symbol]) -> Pair:
    """A pair with sizes put for others."""
    sizes = tuple(n.xreplace(put) for n in pair.sizes)
    return replace(pair, left=pair.left.xreplace(put), right=pair.right.xreplace(put), sizes=sizes)


def _resized(graph: Graph, put: dict[Symbol, Symbol]) -> dict[str, object]:
    """What changes in a graph where sizes are put for others."""
    return {
        "definitions": tuple(
            Definition(d.name, d.indices, tuple(n.xreplace(put) for n in d.sizes), d.expr.xreplace(put))
            for d in graph.definitions
        ),
        "sizes": {name: tuple(n.xreplace(put) for n in sizes) for name, sizes in graph.sizes.items()},
        "facts": tuple((left.xreplace(put), right.xreplace(put)) for left, right in graph.facts),
        "selectors": {name: n.xreplace(put) for name, n in graph.selectors.items()},
    }
