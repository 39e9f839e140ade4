"""A derivation ready to be printed: everything as syntax, in the letters and names of its document.

The reports (`report.steps_text`, `report.steps_markdown`, ...) print it and compute nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, groupby, pairwise
from typing import TypeAlias, TypeGuard

import sympy
from sympy import Expr, Symbol

from derive.forward import Graph, entry, names_in, quantities_in
from derive.language import D, index, indices_of, name_of
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.steps import Derivation, Stage, Step
from derive.typeset import Typesetter

Paths: TypeAlias = "tuple[tuple[tuple[Node, ...], bool], ...]"


@dataclass(frozen=True)
class Line:
    """One step: what it ends in, and why it holds.

    Attributes:
        before: what the step begins with.
        because: equations that it uses.
        changed: the parts of ``before`` that it changes.
    """

    rule: str
    before: Node
    right: Node
    proved: bool
    because: tuple[Node, ...] = ()
    changed: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Block:
    """A chain of equations: ``left`` is what each line ends in."""

    left: Node
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Section:
    """A stage: the derivative of the loss by one name.

    Attributes:
        through: the entries through which the name acts on the loss.
        right: the closed form.
    """

    name: str
    left: Node
    right: Node
    through: tuple[Node, ...]
    blocks: tuple[Block, ...]
    proved: bool

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line for block in self.blocks for line in block.lines)


@dataclass(frozen=True)
class Reduction:
    """A sum that a closed form needs: a name for it, and the sizes of the axes that it runs over."""

    name: str
    node: Node
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """A gradient with its derivation.

    Attributes:
        wrt: the name in the document's LaTeX.
        indices: its index letters.
        sections: the stages that lead to it from the gradients before it.
        paths: from the loss to what is asked for, each with whether it carries nothing; with the first of its results.
        seconds: for the whole derivation that the result is part of.
        source: the closed form as `sympy.srepr` writes it.
        operations: of the closed form.
    """

    wrt: str
    indices: tuple[str, ...]
    left: Node
    right: Node
    sections: tuple[Section, ...]
    paths: Paths
    reductions: tuple[Reduction, ...]
    operations: int
    source: str
    seconds: float

    @property
    def proved(self) -> bool:
        return all(section.proved for section in self.sections)


@dataclass(frozen=True)
class Exposition:
    """A forward pass and the derivations of gradients of its loss.

    Attributes:
        title: the document's heading, or its path.
        forward: the definitions, left and right sides.
        names: the document's names for derivatives of the loss, with these.
        facts: what the document takes for granted about its data.
    """

    document: str
    title: str
    forward: tuple[tuple[Node, Node], ...]
    names: tuple[tuple[Node, Node], ...]
    facts: tuple[tuple[Node, Node], ...]
    assumptions: tuple[str, ...]
    results: tuple[Result, ...]


class Expositor:
    """Turns derivations over one graph into syntax.

    Args:
        typesetter: the letters and names of the document.
    """

    def __init__(self, graph: Graph, typesetter: Typesetter) -> None:
        self.graph = graph
        self.typesetter = typesetter

    def exposition(
        self, document: str, title: str, assumptions: Iterable[str], derivations: Sequence[Derivation]
    ) -> Exposition:
        """Everything, each stage told once."""
        used = [stage for derivation in derivations for stage in derivation.stages]
        facts = tuple(self._equation(left, right) for left, right in self.graph.facts)
        names = tuple(self._names(used))
        results = tuple(self._results(derivations))
        forward = tuple(self.forward())
        return Exposition(document, title, forward, names, facts, tuple(assumptions), results)

    def forward(self) -> Iterator[tuple[Node, Node]]:
        """The definitions."""
        for d in self.graph.definitions:
            yield self._node(d.entry(), d.indices, d.sizes), self._node(d.expr, d.indices, d.sizes)

    def _names(self, stages: Iterable[Stage]) -> Iterator[tuple[Node, Node]]:
        """The document's names for derivatives that the stages speak of."""
        shown = {*self.graph.outputs, *(stage.name for stage in stages)}
        plain = replace(self.typesetter, upstream={})
        for derivative in self.typesetter.upstream:
            _, _, by = derivative.partition("/∂")
            if by in shown:
                indices, sizes = self.graph.indices_of(by), self.graph.sizes_of(by)
                expr = entry(derivative, indices)
                yield self._node(expr, indices, sizes), plain.node(expr, indices, sizes)

    def _results(self, derivations: Sequence[Derivation]) -> Iterator[Result]:
        """A result for each gradient that is asked for, and before it for each that its closed form uses."""
        told: set[str] = set()
        for derivation in derivations:
            waiting: list[Stage] = []
            paths = tuple(self._paths(derivation))
            named = {name for stage in derivation.stages for name in stage.form.stages}
            for stage in derivation.stages:
                if stage.name in told and stage is not derivation.last:
                    continue
                waiting.append(stage)
                if stage is derivation.last or f"∂{self.graph.loss}/∂{stage.name}" in named:
                    yield self._result(waiting, paths, derivation.seconds)
                    told |= {s.name for s in waiting}
                    waiting, paths = [], ()

    def _result(self, stages: list[Stage], paths: Paths, seconds: float) -> Result:
        stage = stages[-1]
        return Result(
            stage.name,
            tuple(i.name for i in stage.indices),
            self._node(stage.left, stage.indices, stage.sizes),
            self._node(stage.form.expr, stage.indices, stage.sizes),
            tuple(map(self._section, stages)),
            paths,
            tuple(self._reductions(stage)),
            stage.form.operations,
            sympy.srepr(with_letters(stage.form.expr, {i.name for i in stage.indices})),
            seconds,
        )

    # -- a stage -----------------------------------------------------------------------------------------------------

    def _section(self, stage: Stage) -> Section:
        writer = self._writer(stage)
        return Section(
            stage.name,
            writer.node(stage.left),
            writer.node(stage.form.expr),
            tuple(writer.node(of) for of in stage.users),
            tuple(writer.block(subject, list(steps)) for subject, steps in groupby(stage.steps, lambda s: s.subject)),
            stage.proved,
        )

    def _writer(self, stage: Stage) -> _Writer:
        """A typesetter that knows the letters of a stage's local partials."""
        sizes = dict(zip(stage.indices, stage.sizes, strict=True))
        for step in stage.steps:
            for entry_ in step.subject.args if isinstance(step.subject, D) else ():  # the loss has no indices here
                places = zip(indices_of(entry_), self.graph.sizes_of(name_of(entry_)), strict=False)
                sizes |= {i: n for i, n in places if isinstance(i, Symbol)}
        letters = {size: list(known) for size, known in self.typesetter.letters.items()}
        for i, size in sizes.items():
            if i.name not in letters.setdefault(str(size), []):
                letters[str(size)].append(i.name)
        return _Writer(replace(self.typesetter, letters=letters), stage, tuple(sizes))

    # -- around it ---------------------------------------------------------------------------------------------------

    def _paths(self, derivation: Derivation) -> Iterator[tuple[tuple[Node, ...], bool]]:
        for path in derivation.paths:
            silent = any(step in derivation.silent for step in pairwise(path))
            yield tuple(self._bare(name) for name in reversed(path)), silent

    def _bare(self, name: str) -> Node:
        """A name with the letters of its definition."""
        return self._node(entry(name, self.graph.indices_of(name)), self.graph.indices_of(name), ())

    def _reductions(self, stage: Stage) -> Iterator[Reduction]:
        used: set[str] = set()
        for total in stage.form.reductions:
            words = [_word(name) for name in sorted(names_in(total.function))] if isinstance(total, sympy.Sum) else []
            name = unused("_".join(["sum", *words]), used)
            axes = tuple(str(limit[2]) for limit in total.limits) if isinstance(total, sympy.Sum) else ()
            yield Reduction(name, self._node(total, stage.indices, stage.sizes), axes)

    def _equation(self, left: Expr, right: Expr) -> tuple[Node, Node]:
        return self.typesetter.node(left), self.typesetter.node(right)

    def _node(self, expr: Expr, indices: Sequence[Symbol], sizes: Sequence[Expr]) -> Node:
        return self.typesetter.node(expr, indices, sizes)


@dataclass(frozen=True)
class _Writer:
    """Writes the steps of one stage."""

    typesetter: Typesetter
    stage: Stage
    letters: tuple[Symbol, ...]

    def block(self, subject: Expr, steps: list[Step]) -> Block:
        """The steps that follow each other about one derivative."""
        taken = self._taken(subject)
        return Block(self.node(subject), tuple(self._line(step, taken) for step in steps))

    def _line(self, step: Step, taken: tuple[Symbol, ...]) -> Line:
        right = self._sum(step.terms, taken) if step.terms else self.node(step.after, taken)
        because = tuple(self._equation(left, right) for left, right in step.because)
        changed = tuple(self.node(part, taken) for part in step.changed)
        return Line(step.rule, self.node(step.before, taken), right, step.proved, because, changed)

    def _taken(self, subject: Expr) -> tuple[Symbol, ...]:
        """The indices whose letters a chain about a derivative has given away."""
        found = {i: None for q in subject.args for i in indices_of(q) if isinstance(i, Symbol)}
        return tuple(found)

    def _equation(self, left: Expr, right: Expr) -> Node:
        free = tuple(i for q in quantities_in(left) for i in indices_of(q) if isinstance(i, Symbol))
        taken = tuple(i for i in free if not isinstance(i, sympy.Dummy))
        return S.Chain((self.node(left, taken), self.node(right, taken)), ("=",))

    def _sum(self, terms: Sequence[Expr], taken: tuple[Symbol, ...]) -> Node:
        """Terms in the order in which they are given."""
        nodes = [self.node(term, taken) for term in terms if term != 0]
        if len(nodes) == 1:
            return nodes[0]
        split = [(node.terms[0], "-") if _is_negative(node) else (node, "+") for node in nodes]
        return S.Sum(tuple(node for node, _ in split), tuple(sign for _, sign in split))

    def node(self, expr: Expr, indices: Sequence[Symbol] = ()) -> Node:
        return self.typesetter.node(expr, indices)


def with_letters(expr: Expr, taken: set[str]) -> Expr:
    """An expression whose summed indices have letters, the same ones every time, in place of unique symbols."""
    taken = taken | {s.name for s in expr.free_symbols if not isinstance(s, sympy.Dummy)}
    letters = (letter for letter in chain("ijklmnpqrst", (f"i_{k}" for k in count(1))) if letter not in taken)
    totals = [node for node in sympy.preorder_traversal(expr) if isinstance(node, sympy.Sum | sympy.Product)]
    bound = dict.fromkeys(limit[0] for node in sorted(totals, key=_without_letters) for limit in node.limits)
    return expr.xreplace({old: index(letter) for old, letter in zip(bound, letters, strict=False)})


def _without_letters(expr: Expr) -> str:
    """How an expression is written, its unique symbols left out."""
    return re.sub(r"dummy_index=\d+", "", sympy.srepr(expr))


def _is_negative(node: Node) -> TypeGuard[S.Sum]:
    return isinstance(node, S.Sum) and node.signs == ("-",)


def _word(name: str) -> str:
    """A name in letters and digits: ``xhat`` for ``\\hat{x}``."""
    name = re.sub(r"^∂.*/∂(.*)$", r"d\1", name)
    accented = re.sub(r"\\(hat|tilde|bar|dot)\{([^{}]*)\}", r"\2\1", name)
    return re.sub(r"\W+", "", accented.replace("^", "")) or "value"


def unused(name: str, used: set[str]) -> str:
    """The name, with a number where it is taken."""
    chosen = next(n for n in chain([name], (f"{name}_{k}" for k in count(2))) if n not in used)
    used.add(chosen)
    return chosen
