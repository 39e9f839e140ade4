"""Checking a document from start to end: what `derive check` and `derive.check` report.

The result is plain data; the reports print it and compute nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from sympy import Expr, Mul, Symbol

from derive.closed import ClosedForm
from derive.court import Court
from derive.document import Document
from derive.forward import Graph, names_in
from derive.gradient import NoDerivative, Reading, is_direct
from derive.language import D, indices_of, is_quantity, name_of
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.limits import TimeLimit, time_limit
from derive.meanings import Meaning, meanings
from derive.mistakes.table import Mistake
from derive.neighbours import Neighbours
from derive.normal.algebra import GaveUp, Undefined
from derive.notation.equations import Equation
from derive.notation.survey import bound_letters
from derive.notation.table import Table
from derive.notation.values import Misfit
from derive.opaque import is_parameter, shown_name
from derive.probe.points import Counterexample
from derive.problem import Assumption, Pair, Problem
from derive.problem.chapters import chapters
from derive.problem.reader import read_problem
from derive.repair import Repair
from derive.source import Edit, Source, SourceError, Span
from derive.typeset import Typesetter
from derive.verdict import Judge, Judged, Status, Verdict

if TYPE_CHECKING:
    from derive.misfits import Refutation
    from derive.mistakes.search import Finder
    from derive.terms import Term

ORDER: tuple[Status, ...] = ("refuted", "undecided", "unsupported", "tested", "proved", "assumed", "note")
"""Verdicts from the one that decides a document's to the one that says least."""

IGNORED = "ignored, as the page asks"

DECIDED = frozenset({"proved", "refuted", "tested"})
"""Verdicts that say something about a claim."""

MISTAKE_SECONDS = 1.0
"""How long to look for the mistake in a refuted line."""


@dataclass(frozen=True)
class Statement:
    """One link of a chain with its verdict.

    Attributes:
        number: the equation's number in the document and the link's in the equation, from 1: ``7.2``.
        role: definition, claim or note.
        value: the status of the right side against the derived value of the chain's head.
        correct: what the right side should be, where that is known and the statement is refuted.
        hint: what to do about an unsupported statement.
        focus: the part to look at: the right side, or what could not be understood.
        terms: for a gradient, its terms beside the derived ones, where they were asked for.
        name: of code, the Python name that it is about.
        blame: of code that is wrong, whether the fault is made here or inherited from a line before.
        fix: an edit of the source after which derive proves the statement; of a document one that undoes a mistake.
        script: of code that is wrong, lines that anybody can run to see it.
    """

    number: str
    source: Source
    span: Span
    role: str
    left: Node
    right: Node
    status: Status
    reading: Reading | None = None
    reason: str = ""
    hint: str = ""
    value: Status | None = None
    correct: Node | None = None
    mistakes: tuple[Mistake, ...] = ()
    counterexample: Counterexample | None = None
    seconds: float = 0.0
    focus: Span | None = None
    terms: tuple[Term, ...] = ()
    name: str = ""
    blame: Literal["here", "inherited"] | None = None
    fix: Edit | None = None
    script: str = ""

    @property
    def fault(self) -> Span:
        """What to underline: the faulty part where it is known, else the right side of a refuted statement."""
        if self.mistakes:
            return self.mistakes[0].span
        if self.fix is not None:
            return self.fix.span
        return self.focus if self.focus is not None and self.status in ("refuted", "unsupported") else self.span


@dataclass(frozen=True)
class Goal:
    """A gradient that the document was after: its left side, its closed form, and whether that is proved."""

    left: Node
    right: Node
    status: Status


@dataclass
class Checked:
    """A document with a verdict on every line."""

    document: Document
    statements: list[Statement]
    assumptions: list[Assumption]
    repairs: tuple[Repair, ...] = ()
    goals: list[Goal] = field(default_factory=list)
    seconds: float = 0.0
    meanings: list[Meaning] = field(default_factory=list)

    @property
    def verdict(self) -> Status:
        """The document's verdict: the worst of its statements'."""
        found = {s.status for s in self.statements}
        return next((status for status in ORDER if status in found), "note")

    @property
    def is_decided(self) -> bool:
        """Whether anything was established about any claim; a page of which this is not true is no success."""
        return any(s.status in DECIDED for s in self.statements)


_SLIPS = frozenset({"DRV207", "DRV209", "DRV210", "DRV215", "DRV216", "DRV219"})
"""Mistakes that nobody makes on purpose, where a definition is stated again. Another factor, exponent or name is how
other texts define a thing: a loss averaged and not summed, a variance over N - 1."""

Progress = Callable[[int, int], None]
"""Called with the number of equations done and their total."""


def check_document(
    document: Document,
    timeout: float = 10.0,
    progress: Progress | None = None,
    terms: bool = False,
    reading: bool = False,
) -> Checked:
    """Judge every equation of a document.

    Args:
        timeout: seconds an equation; what takes longer is undecided.
        progress: told after each equation.
        terms: compare gradients term by term as well.
        reading: say what each name was taken for as well.
    """
    start = time.monotonic()
    checked = Checked(document, [], [], document.repairs)
    found: dict[str, Assumption] = {}
    parts = chapters(document)
    for part in parts:
        problem = read_problem(part.document)
        checker = _Checker(problem, Judge(problem, timeout), terms)
        statements: list[Statement] = []
        for k, equation in enumerate(problem.equations):
            if part.holds(equation):
                judged = [checker.ignored(equation, k + 1)] if equation.ignored else checker.statements(equation, k + 1)
                statements += judged
                if progress is not None:
                    progress(k + 1, len(problem.equations))
        checked.statements += _not_both(statements)
        checked.goals += checker.goals()
        checked.meanings += [m for m in meanings(problem) if m not in checked.meanings] if reading else []
        found = {**problem.assumptions, **found}
    if len(parts) > 1:
        told = "names that are defined anew further on have their new meaning from there on"
        found[told] = Assumption(told, None)
    checked.statements += [_unread(source, error, k) for k, (source, error) in enumerate(document.errors)]
    checked.statements += [_passed_over(source, note, k) for k, (source, note) in enumerate(document.notes)]
    checked.assumptions = list(found.values())
    checked.seconds = time.monotonic() - start
    return checked


def _not_both(statements: list[Statement]) -> list[Statement]:
    """The statements; of two with one left side that are true in different readings of ∂, the one that holds
    something fixed is open: nothing on the page says that its ∂ means something else."""
    proved = [s for s in statements if s.status == "proved" and s.reading == "total"]
    total = {s.left: s.source.place(s.span.start).line for s in proved}
    found = []
    for one in statements:
        if one.status == "proved" and one.reading == "partial" and one.left in total:
            reason = f"line {total[one.left]} gives the same derivative another value"
            one = replace(one, status="undecided", reason=reason)
        found.append(one)
    return found


def _unread(source: Source, error: SourceError, k: int) -> Statement:
    empty = S.Empty(error.span)
    return Statement(
        f"E{k + 1}", source, error.span, "note", empty, empty, "unsupported", None, error.message, error.hint
    )


def _passed_over(source: Source, note: SourceError, k: int) -> Statement:
    empty = S.Empty(note.span)
    return Statement(f"N{k + 1}", source, note.span, "note", empty, empty, "note", None, note.message, note.hint)


class _Checker:
    """Turns judged equations into statements."""

    def __init__(self, problem: Problem, judge: Judge, terms: bool) -> None:
        self.problem = problem
        self.judge = judge
        self.terms = terms
        self.typesetter = typesetter(problem)
        self._neighbours = Neighbours(judge)
        self._heads: dict[Expr, tuple[Expr, Pair]] = {}
        self._forms: dict[tuple[Graph, Expr, Reading], ClosedForm | None] = {}
        self._left = judge.timeout  # for all closed forms together, in seconds

    def statements(self, equation: Equation, number: int) -> list[Statement]:
        judged = self.judge.judge(equation)
        if equation.error is not None:
            return [self._failed(equation, number, judged)]
        if equation.role == "note":
            return [self._note(equation, number)]
        return [self._link(judged, k, number) for k in range(len(judged.links))]

    def _failed(self, equation: Equation, number: int, judged: Judged) -> Statement:
        error = equation.error
        assert error is not None
        left, right = _sides(equation)
        role = "definition" if equation.role in ("definition", "given") else "claim"
        focus = error.span if _inside(error.span, equation.span) else None
        return Statement(
            f"{number}.1", equation.source, equation.span, role, left, right, "unsupported", None,
            error.message, error.hint, seconds=judged.seconds, focus=focus,
        )  # fmt: skip

    def ignored(self, equation: Equation, number: int) -> Statement:
        """An equation that the page leaves out: listed, neither judged nor believed."""
        return self._note(equation, number, IGNORED)

    def _note(self, equation: Equation, number: int, reason: str = "") -> Statement:
        left, right = _sides(equation)
        return Statement(f"{number}.1", equation.source, equation.span, "note", left, right, "note", None, reason)

    def _link(self, judged: Judged, k: int, number: int) -> Statement:
        equation = judged.equation
        refutation = self._misfit(judged, k)
        correct: Node | None
        if refutation is not None:
            judged.links[k] = refutation.verdict
            correct, mistakes = refutation.correct, refutation.mistakes
        else:
            correct = self._correct(judged, k)
            mistakes = self._mistakes(judged, k, correct)
        if not k and self._may_mean_something_else(judged, mistakes) and (anew := self.judge.defined_anew(judged)):
            judged.links[0], correct, mistakes = anew, None, ()
        if judged.links[k].status == "refuted" and (other := self._neighbours.acquit(equation, k, judged.links[k])):
            judged.links[k], correct, mistakes = other, None, ()
        verdict = judged.links[k]
        left, right = equation.shown[k], equation.shown[k + 1]
        value = judged.values[k] if k < len(judged.values) else None
        starts = not k and equation.previous is None
        span = span_of(left).join(span_of(right)) if starts else span_of(right)
        if equation.given:
            role = "definition"
        else:
            role = "note" if verdict.status == "note" else "definition" if verdict.status == "assumed" else "claim"
        self._remember(verdict, equation, k)
        return Statement(
            f"{number}.{k + 1}",
            equation.source,
            span,
            role,
            *_sides(equation, k),
            verdict.status,
            verdict.reading,
            verdict.reason,
            verdict.error.hint if verdict.error is not None else verdict.hint,
            value.status if value is not None else None,
            correct,
            mistakes,
            self._counterexample(verdict),
            judged.seconds if not k else 0.0,
            _focus(verdict, span, span_of(right)),
            self._terms(judged, k),
            fix=_edit_of(mistakes),
        )

    def _misfit(self, judged: Judged, k: int) -> Refutation | None:
        """The refutation of a link whose shapes do not fit, as far as that is sure."""
        if not isinstance(judged.links[k].error, Misfit):
            return None
        from derive.misfits import refute  # only a document with such a line needs it

        return refute(self.judge, judged, k)

    def _terms(self, judged: Judged, k: int) -> tuple[Term, ...]:
        """The table of a link's terms beside those of the gradient at the head of its chain."""
        verdict = judged.links[k]
        if not self.terms or verdict.pair is None or verdict.status not in ("proved", "refuted", "tested"):
            return ()
        from derive.terms import term_table

        value = judged.values[k] if k < len(judged.values) else None
        pair = value.pair if value is not None and value.pair is not None else verdict.pair
        return term_table(self.judge, pair, self.typesetter)

    def _mistakes(self, judged: Judged, k: int, correct: Node | None) -> tuple[Mistake, ...]:
        """The named mistakes that explain a refuted link, as far as there is time left for the equation."""
        seconds = min(MISTAKE_SECONDS, self.judge.timeout - judged.seconds)
        if judged.links[k].status != "refuted" or seconds <= 0:
            return ()
        return self._finder.find(judged, k, correct, seconds)

    def _may_mean_something_else(self, judged: Judged, mistakes: tuple[Mistake, ...]) -> bool:
        """Whether the first link of a chain is false by more than one slip, or by something new that it brings in."""
        verdict = judged.links[0]
        if verdict.status != "refuted" or verdict.pair is None or judged.equation.previous is not None:
            return False
        slips = [m for m in mistakes if m.code in _SLIPS and not m.together]
        is_new = not slips or bool(self.judge.doubts.brings_in(verdict.pair))
        return is_new and not self.judge.restates(judged.equation)

    @cached_property
    def _finder(self) -> Finder:
        from derive.mistakes.search import Finder  # only a document with mistakes needs it

        return Finder(self.judge, self.typesetter)

    def _counterexample(self, verdict: Verdict) -> Counterexample | None:
        """The counterexample without the sizes that the document has no name for; its arrays show them."""
        found, named = verdict.counterexample, self.problem.table.axes.sizes()
        if found is None or not found.values:
            return found
        values = {shown_name(name): value for name, value in found.values.items() if shown_name(name)}
        return replace(found, values=values, sizes={name: n for name, n in found.sizes.items() if name in named})

    # -- what would be right -----------------------------------------------------------------------------------------

    def _correct(self, judged: Judged, k: int) -> Node | None:
        """The right side that a refuted link should have: the derived value of its left side or of the chain's head."""
        verdict = judged.links[k]
        if verdict.status != "refuted" or verdict.pair is None:
            return None
        pair = verdict.pair
        value = judged.values[k] if k < len(judged.values) else None
        if value is not None and value.pair is not None:
            pair = value.pair
        if not _is_derived(pair.left):
            return self._defined(pair)
        form = self.closed_form(pair, verdict.reading or "total")
        if form is None or is_quantity(form.expr):
            return None  # an upstream gradient has no value of its own
        return self._node(form.expr, pair)

    def _defined(self, pair: Pair) -> Node | None:
        """The definition of a left side that is a defined name."""
        if not is_quantity(pair.left):
            return None
        definition = self.problem.graph.by_name.get(name_of(pair.left))
        return self._node(definition.at(indices_of(pair.left)), pair) if definition is not None else None

    def _node(self, expr: Expr, pair: Pair) -> Node:
        return self.typesetter.node(expr, pair.indices, pair.sizes)

    def closed_form(self, pair: Pair, reading: Reading) -> ClosedForm | None:
        """The compact value of a pair's left side."""
        graph = self.judge.doubts.graph_of(pair)
        key = graph, pair.left, reading
        if key not in self._forms:
            self._forms[key] = self._closed_form(self.judge.court(graph), pair, reading)
        return self._forms[key]

    def _closed_form(self, court: Court, pair: Pair, reading: Reading) -> ClosedForm | None:
        start = time.monotonic()
        try:
            with time_limit(max(self._left, 0.1)):  # what a reader would not wait for is no help
                expr = court.calculus.resolve(pair.left, reading)
                return court.compactor.closed_form(expr, start + self._left)
        except (GaveUp, Undefined, NoDerivative, TimeLimit):
            return None
        finally:
            self._left -= time.monotonic() - start

    # -- goals -------------------------------------------------------------------------------------------------------

    def _remember(self, verdict: Verdict, equation: Equation, k: int) -> None:
        """Note the gradients of the loss by inputs that the document states."""
        pair = verdict.pair
        if k or pair is None or equation.given or not isinstance(pair.left, D):
            return
        of, by = pair.left.args[:2]
        graph = self.problem.graph
        loss = Symbol(graph.loss, real=True)
        if of == loss and name_of(by) not in graph.by_name:
            self._heads.setdefault(pair.left, (pair.left, pair))

    def goals(self) -> list[Goal]:
        """The closed forms of the gradients that the document states, as far as all that they go through is known."""
        found = []
        for expr, pair in self._heads.values():
            form = self.closed_form(pair, "total") if not self.judge.doubts.is_guess(pair) else None
            if form is not None and not any(is_direct(name) or is_parameter(name) for name in names_in(form.expr)):
                status: Status = "proved" if self._proves(pair, form.expr) else "undecided"
                goal = Goal(self._node(expr, pair), self._node(form.expr, pair), status)
                found += [goal] if goal not in found else []
        return found

    def _proves(self, pair: Pair, expr: Expr) -> bool:
        court = self.judge.court(self.judge.doubts.graph_of(pair))
        try:
            with time_limit(self.judge.timeout):
                return court.prover.equal(court.calculus.resolve(pair.left, "total"), expr)
        except (GaveUp, Undefined, NoDerivative, TimeLimit):
            return False


def _edit_of(mistakes: tuple[Mistake, ...]) -> Edit | None:
    """The edit that undoes a mistake, where no other one is made together with it."""
    if not mistakes or any(m.together for m in mistakes):
        return None
    return mistakes[0].edit


def _sides(equation: Equation, link: int = 0) -> tuple[Node, Node]:
    """The two sides of a link; of what is no equation the whole, and nothing."""
    empty = S.Empty(equation.span)
    left, right, *_ = (*equation.shown[link:], empty, empty)
    relation = equation.shown_relations[link] if link < len(equation.shown_relations) else "="
    return (left, right) if relation == "=" else (S.Chain((left, right), (relation,), equation.span), empty)


def _focus(verdict: Verdict, whole: Span, right: Span) -> Span | None:
    """What to underline in a link: the part that was not understood, if it stands there, else the right side."""
    if verdict.error is None:
        return right
    return verdict.error.span if _inside(verdict.error.span, whole) else None


def _inside(span: Span, whole: Span) -> bool:
    return whole.start <= span.start < span.end <= whole.end


def _is_derived(expr: Expr) -> bool:
    """Whether an expression is a derivative or a product of such: something with a value to derive."""
    factors = Mul.make_args(expr)
    return any(isinstance(f, D) for f in factors) and all(isinstance(f, D) or f.is_number for f in factors)


def typesetter(problem: Problem) -> Typesetter:
    """A typesetter with the letters and names of a document."""
    names = _derivative_names(problem.table)
    return Typesetter(_index_letters(problem), names, from_zero=problem.table.letters.from_zero)


def _index_letters(problem: Problem) -> dict[str, list[str]]:
    """For each size the letters that the document uses for indices of that axis, in order of appearance."""
    letters: dict[str, list[str]] = {}
    for equation in problem.equations:
        for letter, axis in equation.axes.items():
            _append(letters, str(axis.size), letter)
        for member in equation.members:
            for node in member.walk():
                if isinstance(node, S.BigOperator) and node.lower is not None:
                    axes = problem.table.axes.operators.get(id(node), {})
                    for letter in bound_letters(node.lower):
                        if letter in axes:
                            _append(letters, str(axes[letter].size), letter)
    return letters


def _append(letters: dict[str, list[str]], size: str, letter: str) -> None:
    known = letters.setdefault(size, [])
    if letter not in known:
        known.append(letter)


def _derivative_names(table: Table) -> dict[str, str]:
    """The document's own names for derivatives of the loss: ``\\delta`` for ``∂L/∂y``."""
    names = {}
    for (key, _), alias in table.aliases.items():
        body = alias.body
        if (
            isinstance(body, S.Fraction)
            and isinstance(body.numerator, S.Product)
            and isinstance(body.denominator, S.Product)
        ):
            of, by = (table.spell(side.factors[-1]) for side in (body.numerator, body.denominator))
            if of is not None and by is not None and of.key == table.loss:
                names[f"∂{of.key}/∂{by.key}"] = key
    return names
