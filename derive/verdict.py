"""Claims to verdicts, with evidence.

Every link of a chain is judged twice, by the normal form and by the probe, in each reading that the page allows. Only
the normal form proves, only the probe refutes, and if the two contradict each other neither is believed. One reading is
kept throughout an equation; the one that makes most of it true is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import combinations
from typing import Literal

import sympy
from sympy import Expr, Symbol

from derive.court import Court
from derive.doubts import Doubts
from derive.forward import Graph, names_in
from derive.gradient import NoDerivative, Reading
from derive.language import D, delta, is_quantity, name_of
from derive.latex.syntax import Node
from derive.limits import TimeLimit, time_limit
from derive.normal.algebra import GaveUp, Undefined
from derive.notation.elaborate import Policy
from derive.notation.equations import Equation
from derive.notation.roles import is_share
from derive.notation.ways import sums_over_ways
from derive.opaque import at_rest, has_open_names, slope_name
from derive.probe.dependence import depends_on
from derive.probe.evaluation import NotEvaluable, TooLarge
from derive.probe.points import ALL_ROUNDS, Agreement, Counterexample, compare
from derive.problem import Pair, Problem, Sides
from derive.problem.suppositions import under
from derive.prose.cues import announces
from derive.rounding import is_rounded
from derive.source import SourceError
from derive.unsaid import Unsaid

ANSWER_SECONDS = 2.0
"""How long to look for the answers to one question with which an equation is true."""

ANSWERS: Mapping[str, Mapping[str, str]] = {
    "layout": {
        "numerator": "the rows of a Jacobian for its numerator",
        "denominator": "the rows of a Jacobian for its denominator",
    },
    "product": {
        "elementwise": "arrays side by side multiplied entry by entry",
        "matrix": "arrays side by side multiplied as matrices",
    },
    "slash": {
        "tight": "a/bc read as a/(bc)",
        "loose": "a/bc read as (a/b)c",
        "whole": "a/b c read as a/(bc)",
    },
    "operand": {
        "whole": "an operator applied to all that follows",
        "next": "an operator applied to what stands before the next derivative",
    },
    "reach": {
        "short": "f a(b) read as f(a)(b)",
        "long": "f a(b) read as f(a(b))",
    },
}
"""The questions that a document answers in one way throughout, with the answers in words."""

Status = Literal["proved", "refuted", "tested", "undecided", "unsupported", "assumed", "note"]


@dataclass(frozen=True)
class Verdict:
    """What is established about one equality.

    Attributes:
        reading: how derivatives between intermediates were read, where that makes a difference.
        reason: why nothing more is established, or what the verdict rests on.
        error: for ``unsupported``, what could not be understood and where.
        hint: what to write, so that more can be established.
    """

    status: Status
    reading: Reading | None = None
    reason: str = ""
    counterexample: Counterexample | None = None
    error: SourceError | None = None
    pair: Pair | None = None
    hint: str = ""


@dataclass
class Judged:
    """An equation with a verdict a link.

    Attributes:
        values: for each link, its right side against the head of the chain; None for a chain's first link.
        sides: its members as they were read.
    """

    equation: Equation
    links: list[Verdict] = field(default_factory=list)
    values: list[Verdict | None] = field(default_factory=list)
    sides: Sides | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class _Reading:
    """One way to read an equation, with what comes of it; a lower score is better."""

    sides: Sides
    links: list[Verdict]
    assumptions: tuple[str, ...]
    score: tuple[int, ...]


class Judge:
    """Judges the equations of one problem.

    Args:
        timeout: seconds an equation.
    """

    def __init__(self, problem: Problem, timeout: float = 10.0) -> None:
        self.problem = problem
        self.doubts = Doubts(problem)
        self.timeout = timeout
        self._unsaid = Unsaid(self.doubts, self.court)
        self._courts: dict[int, Court] = {}
        self._generic: dict[tuple[str, ...], Graph] = {}
        self._deadline: float | None = None
        self._answers: dict[tuple[int, str], frozenset[str]] = {}
        self._all_needed: dict[str, list[frozenset[str]]] = {}

    def court(self, graph: Graph) -> Court:
        """The derivatives and the prover of a graph."""
        if id(graph) not in self._courts:
            self._courts[id(graph)] = Court(graph, self.problem.table.axes.sizes())
        court = self._courts[id(graph)]
        court.prover.algebra.deadline = self._deadline
        return court

    # -- equations ---------------------------------------------------------------------------------------------------

    def judge(self, equation: Equation) -> Judged:
        """All links of an equation."""
        start = time.monotonic()
        self._deadline = start + self.timeout
        if equation.error is not None:
            judged = Judged(
                equation, [Verdict("unsupported", reason=equation.error.message, error=equation.error)], [None]
            )
        elif equation.role == "note":
            judged = Judged(equation, [Verdict("note")], [None])
        else:
            judged = self._within_limit(equation)
        judged.seconds = time.monotonic() - start
        return judged

    def _within_limit(self, equation: Equation) -> Judged:
        """The verdicts, or "undecided" for all links where they take too long."""
        try:
            with time_limit(self.timeout + 1.0):  # the deadlines inside come first and know more
                return self._best(equation)
        except TimeLimit:
            reason = f"gave up after {self.timeout:g} s"
            return Judged(equation, [Verdict("undecided", reason=reason)] * (len(equation.members) - 1))

    def _best(self, equation: Equation) -> Judged:
        """The reading of an equation that makes most of it true."""
        self.problem.heard()
        first = self.problem.sides(equation, Policy())
        best = self._read(first)
        for policy in self.problem.policies(first.asked) if best.score[0] or best.score[1] else ():
            best = _better(best, self._read(self.problem.sides(equation, policy)))
        self._leave_doubtful(best)
        self.problem.assume(best.assumptions, equation.line)
        judged = Judged(equation, self._throughout(equation, best), [], best.sides)
        judged.values = [self._value(judged, k) for k in range(len(best.links))]
        return judged

    def _leave_doubtful(self, best: _Reading) -> None:
        """Leave open what is false, and would be true if it meant what it hardly means."""
        for words, read in self._doubtful(best.sides):
            if not any(v.status == "refuted" for v in best.links):
                return
            for k, (verdict, changed) in enumerate(zip(best.links, read(), strict=True)):
                if verdict.status == "refuted" and changed.status in ("proved", "tested"):
                    reason = f"false as it stands, and true if {words}"
                    best.links[k] = replace(verdict, status="undecided", reason=reason, counterexample=None)

    def _doubtful(self, sides: Sides) -> Iterator[tuple[str, Callable[[], list[Verdict]]]]:
        """What an equation hardly means, in words, and the verdicts on its links if it does."""
        for policy, words in self.problem.doubtful(sides.elaborator.policy, sides.asked):
            yield words, partial(self._links_under, sides.equation, policy)
        if self._is_straight(sides) and len(self._readings(sides.pairs())) > 1:
            yield "d holds other names fixed, as ∂ may", partial(self._links, sides.equation, sides.pairs(), "partial")

    def _links_under(self, equation: Equation, policy: Policy) -> list[Verdict]:
        return self._read(self.problem.sides(equation, policy)).links

    # -- one way of reading throughout a document --------------------------------------------------------------------

    def _throughout(self, equation: Equation, best: _Reading) -> list[Verdict]:
        """The verdicts on an equation; what is true only in a way of reading that the rest of the document does not
        have is left open: it may be a slip, such as a transpose forgotten or put in."""
        if any(v.status == "refuted" for v in best.links):
            return best.links
        for question in sorted(best.sides.asked & set(ANSWERS)):
            own = self._answers_of(equation, question)
            needed = [other for other in self._needed(question) if own and not own & other]
            if needed and len(needed) >= sum(bool(own & other) for other in self._needed(question)):
                words = [ANSWERS[question][min(answers)] for answers in (own, needed[0])]
                reason = f"true only with {words[0]}, where other lines need {words[1]}"
                return [
                    replace(v, status="undecided", reason=reason) if v.status == "proved" else v for v in best.links
                ]
        return best.links

    def _needed(self, question: str) -> list[frozenset[str]]:
        """For each claim that is true with some answers to a question only, those answers."""
        if question not in self._all_needed:
            claims = (e for e in self.problem.equations if e.role == "claim" and e.error is None and e.members)
            found = [self._answers_of(e, question) for e in claims]
            self._all_needed[question] = [answers for answers in found if answers]
        return self._all_needed[question]

    def _answers_of(self, equation: Equation, question: str) -> frozenset[str]:
        """The answers with which an equation is true; none where it is true with all that have a meaning, or never."""
        key = id(equation), question
        if key not in self._answers:
            with self.limited(ANSWER_SECONDS):
                truths = {answer: self._truth_with(equation, question, answer) for answer in ANSWERS[question]}
            true = frozenset(answer for answer, truth in truths.items() if truth)
            self._answers[key] = true if False in truths.values() else frozenset()
        return self._answers[key]

    def _truth_with(self, equation: Equation, question: str, answer: str) -> bool | None:
        """Whether an equation is true with an answer to a question; None where it has no meaning then."""
        sensible = False
        for base in (Policy(), Policy("matrix")):
            sides = self.problem.sides(equation, base.answering(question, answer))
            pairs = sides.pairs() if question in sides.asked else []
            self.problem.heard()
            if not pairs or not all(isinstance(p, Pair) for p in pairs):
                continue
            sensible = True
            if all(isinstance(p, Pair) and not p.transposed and self._surely(p, "total") for p in pairs):
                return True
        return False if sensible else None

    def _read(self, sides: Sides) -> _Reading:
        """The better of the total and the partial reading of an equation's members."""
        pairs = sides.pairs()
        assumptions = self.problem.heard()
        if whole := self._whole_jacobian(sides):
            reason = f"{whole} is a matrix, and no derivative entry by entry"
            links = [Verdict("unsupported", reason=reason) for _ in pairs]
            return _Reading(sides, links, assumptions, (0, len(pairs) + 1, 0))
        found: list[_Reading] = []
        for reading in ("total",) if self._is_straight(sides) else self._readings(pairs):
            links = self._links(sides.equation, pairs, reading)
            found.append(_Reading(sides, links, assumptions, _score(links)))
            if not found[-1].score[0] and not found[-1].score[1]:
                break
        return min(found, key=lambda one: one.score)

    def _is_straight(self, sides: Sides) -> bool:
        """Whether members are written with a straight d that means the total derivative."""
        return "straight" in sides.asked and not self._d_is_round

    @cached_property
    def _d_is_round(self) -> bool:
        """Whether the page writes d for ∂: it sums over several ways, which is true only if each d holds the names of
        the other ways fixed."""
        claims = [e for e in self.problem.equations if e.role == "claim" and e.error is None and e.members]
        return any(self._is_round_in(e) for e in claims if sums_over_ways(e.members))

    def _is_round_in(self, equation: Equation) -> bool:
        sides = self.problem.sides(equation, Policy())
        pairs = sides.pairs()
        self.problem.heard()
        sound = [pair for pair in pairs if isinstance(pair, Pair)]
        if "straight" not in sides.asked or len(sound) != len(pairs):
            return False
        with self.limited(ANSWER_SECONDS):
            return self._surely(sound[0], "partial") and not self._surely(sound[0], "total")

    def _whole_jacobian(self, sides: Sides) -> str:
        """A Jacobian that was read entry by entry and is not diagonal, in words."""
        court = self.court(self.problem.graph)
        for of, by in sides.elaborator.diagonals:
            if len(of.slots) != len(by.slots):
                continue
            same = sympy.Mul(*(delta(a.symbol, b.symbol) for a, b in zip(of.slots, by.slots, strict=True)))
            try:
                beside = court.calculus.resolve(D(of.expr, by.expr) * (1 - same), "total")
                if court.prover.equal(beside, sympy.Integer(0)):
                    continue
            except (GaveUp, Undefined, NoDerivative):
                continue
            names = [name_of(side.expr) if is_quantity(side.expr) else "it" for side in (of, by)]
            return "∂{}/∂{}".format(*names)
        return ""

    def _links(self, equation: Equation, pairs: list[Pair | SourceError], reading: Reading) -> list[Verdict]:
        verdicts = []
        for k, pair in enumerate(pairs):
            if equation.relations[k] != "=":
                verdicts.append(Verdict("note"))
            elif equation.given and not isinstance(pair, SourceError):
                verdicts.append(Verdict("assumed", reason="given", pair=pair))
            elif equation.introduces(k) and not isinstance(pair, SourceError):
                verdicts.append(Verdict("assumed", reason="a definition", pair=pair))
            elif isinstance(pair, SourceError):
                verdicts.append(Verdict("unsupported", reason=pair.message, error=pair))
            else:
                verdict = self._redefining(equation, pair, self.pair(pair, reading))
                verdict = self._supposed(equation, pair, reading, verdict)
                if verdict.status == "refuted" and is_rounded(pair.left, equation.members[k + 1]):
                    verdict = Verdict("proved", reason="to the digits that it gives", pair=pair)
                verdicts.append(verdict if k else self._as_case(equation, verdict, reading))
        return verdicts

    def _redefining(self, equation: Equation, pair: Pair, verdict: Verdict) -> Verdict:
        """A refuted line that begins with *let* gives a name a new meaning, which derive does not follow."""
        anew = announces(equation.lead, "let") or announces(equation.lead, "another")
        if verdict.status != "refuted" or not anew or not is_quantity(pair.left):
            return verdict
        name = name_of(pair.left)
        self.doubts.redefined[name] = equation.line
        return replace(verdict, status="undecided", reason=f"{name} has another definition before", counterexample=None)

    def _supposed(self, equation: Equation, pair: Pair, reading: Reading, verdict: Verdict) -> Verdict:
        """A refuted line under what the page supposes of it; what cannot be used leaves it open."""
        for certain in (True, False):
            found = [one for one in equation.suppositions if one.certain == certain]
            if verdict.status != "refuted" or not found:
                continue
            unused = ""
            for one in found:
                narrower = under(self.problem, equation, pair, one)
                if narrower is None and (certain or not one.is_value):
                    unused = unused or str(one)
                pair = narrower or pair
            judged = self.pair(pair, reading)
            if judged.status == "refuted" and not unused:
                verdict = judged
            elif judged.status == "proved" and certain:
                verdict = judged
                self.problem.assume([f"{one} is supposed" for one in found], equation.line)
            else:
                reason = f"false as it stands; {unused or found[0]} may be supposed of it"
                verdict = replace(verdict, status="undecided", reason=reason, counterexample=None)
        return verdict

    def defined_anew(self, judged: Judged) -> Verdict | None:
        """The verdict on a line that gives a defined name another value, if that is a new meaning and no slip; what is
        false by the first definition is left open from here on."""
        verdict = judged.links[0]
        pair, graph = verdict.pair, self.problem.graph
        if pair is None or not is_quantity(pair.left) or name_of(pair.left) not in graph.by_name:
            return None
        name = name_of(pair.left)
        self.doubts.stated_anew[name] = judged.equation.line
        lines = (e.line for e in self.problem.equations if name in {key for key, _ in e.names.values()})
        where = next((f"line {line}" for line in lines), "another line")
        reason = f"{where} defines {name} otherwise: a slip, or a new meaning"
        return replace(verdict, status="undecided", reason=reason, counterexample=None)

    def _value(self, judged: Judged, link: int) -> Verdict | None:
        """The right side of a later link against the head of the chain."""
        verdict = judged.links[link]
        if (link == 0 and judged.equation.previous is None) or verdict.status in ("note", "unsupported"):
            return None
        assert judged.sides is not None
        pair = judged.sides.against_head(link)
        self.problem.heard()
        if isinstance(pair, SourceError):
            return None
        reading: Reading = next((v.reading for v in judged.links if v.reading), "total")
        return self._supposed(judged.equation, pair, reading, self.pair(pair, reading))

    # -- one equality ------------------------------------------------------------------------------------------------

    def pair(self, pair: Pair, reading: Reading) -> Verdict:
        """Judge two sides in one reading."""
        shown = reading if self.is_ambiguous(pair) else None
        try:
            proved = self.proves(pair, reading)
            reason = ""
        except (GaveUp, Undefined, NoDerivative) as error:
            proved, reason = False, str(error)
        doubt = self.doubts.of_pair(pair)
        if doubt:
            return Verdict("undecided", shown, doubt, pair=pair)
        evidence = self._evidence(pair, reading, proved)
        if isinstance(evidence, str):
            return Verdict("undecided", shown, evidence, pair=pair)
        if isinstance(evidence, Counterexample):
            if proved:
                return Verdict("undecided", shown, "internal error: the two judges of derive disagree", pair=pair)
            if evidence.special:
                return Verdict("undecided", shown, _special(evidence), pair=pair)
            return self._refuted(pair, reading, evidence, shown)
        if pair.transposed:
            return Verdict("undecided", shown, "true of the transpose of the right side, not as it stands", pair=pair)
        if proved:
            return Verdict("proved", shown, pair=pair)
        tested = f"agrees at {evidence.points} points; no proof found"
        if evidence.rounds < ALL_ROUNDS:
            return Verdict("undecided", shown, f"{tested}, and larger sizes take too long to try", pair=pair)
        if evidence.one_sided and self.doubts.has_kinks(pair):
            one_sided = f"agrees at {evidence.points} points, perhaps all on one side of a maximum; no proof found"
            return Verdict("undecided", shown, one_sided, pair=pair)
        return Verdict("tested", shown, f"{tested} ({reason})" if reason else tested, pair=pair)

    def _readings(self, pairs: Iterable[Pair | SourceError]) -> tuple[Reading, ...]:
        found = [pair for pair in pairs if isinstance(pair, Pair)]
        if any(self.is_ambiguous(pair) for pair in found) and all(self._has_local(pair) for pair in found):
            return "total", "partial"
        return ("total",)

    def _has_local(self, pair: Pair) -> bool:
        """Whether it is clear what the partial derivatives in a pair hold fixed: each goes by one name at a time."""
        graph = self.doubts.graph_of(pair)
        return all(_goes_one_way(graph, d) for d in pair.derivatives)

    def is_ambiguous(self, pair: Pair) -> bool:
        """Whether a pair has a derivative that is not one of the loss."""
        loss = Symbol(self.problem.graph.loss, real=True)
        return any(d.args[0] != loss for d in pair.derivatives)

    def proves(self, pair: Pair, reading: Reading) -> bool:
        """Whether the normal form proves a pair equal. Raises `GaveUp` or `Undefined`."""
        return self.equal(pair, pair.left, reading, pair.right, reading)

    def equal(self, pair: Pair, first: Expr, reading: Reading, second: Expr, other: Reading) -> bool:
        """Whether the normal form proves two expressions equal where a pair is claimed, each in a reading of its own.

        Raises `GaveUp` or `Undefined`.
        """
        court = self.court(self.doubts.graph_of(pair))
        difference = court.calculus.resolve(first, reading) - court.calculus.resolve(second, other)
        for one, two, equal in pair.conditions:
            delta = sympy.KroneckerDelta(one, two)
            difference = difference * (delta if equal else 1 - delta)
        for positive in pair.positive:
            difference = difference * sympy.Heaviside(positive)
        return court.prover.equal(difference, sympy.Integer(0))

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Less time than an equation has."""
        before, self._deadline = self._deadline, time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = before

    def _evidence(self, pair: Pair, reading: Reading, proved: bool) -> Counterexample | Agreement | str:
        """What the probe finds: a point where the sides differ, agreement, or why it finds nothing."""
        claim = pair.claim
        try:
            graph = self.doubts.graph_of(pair)
            found = compare(claim, graph, reading, rounds=2 if proved else ALL_ROUNDS)
            none = isinstance(found, Agreement) and not found.points
            if proved and graph.facts and none:  # no point meets the facts: it may hold without them
                other = compare(claim, self._without_facts(graph), reading, rounds=2)
                found = other if isinstance(other, Agreement) else found
        except NotEvaluable as error:
            return str(error)
        except TooLarge:
            return "too large to evaluate"
        if isinstance(found, Agreement) and not found.points:
            return "no point was found at which both sides have a value"
        return found

    def _without_facts(self, graph: Graph) -> Graph:
        key = ("facts", str(id(graph)))
        if key not in self._generic:
            self._generic[key] = replace(graph, facts=())
        return self._generic[key]

    # -- definitions that could not be read ----------------------------------------------------------------------------

    def _refuted(self, pair: Pair, reading: Reading, evidence: Counterexample, shown: Reading | None) -> Verdict:
        """A certified difference; withheld where the line may mean something else than what was refuted."""
        graph = self.doubts.graph_of(pair)
        if has_open_names(graph) and self._hangs_on_unknowns(pair, reading, graph):
            reason = self.doubts.of_open_names(pair)
            return Verdict("undecided", shown, reason, pair=pair, hint=self.doubts.hint_on_open_names(pair))
        unsaid = self.doubts.of_refutation(pair) or self._unsaid.of(pair, reading)
        if unsaid:
            return Verdict("undecided", shown, unsaid, pair=pair)
        return Verdict("refuted", shown, counterexample=evidence, pair=pair)

    def _may_obey_laws(self, name: str, graph: Graph) -> bool:
        """Whether an open name may move by laws that nothing tells, as probabilities do, whose sum does not move."""
        if not graph.sizes_of(name) or name in self.problem.table.unread:
            return name in self.problem.table.unread
        logarithms = (log for d in graph.definitions for log in d.expr.atoms(sympy.log))
        return is_share(name) or any(name in names_in(log) for log in logarithms)

    def _hangs_on_unknowns(self, pair: Pair, reading: Reading, graph: Graph) -> bool:
        """Whether a difference may be due to what nobody knows of open names. One in proportion to derivatives that the
        line writes itself is not, as where ∂o/∂w has a wrong factor; but a line whose one side is 0
        may say just that such a derivative is."""
        is_open = self.doubts.leaves_open(pair)
        if not depends_on(pair.claim, graph, reading, is_open):
            return False
        written = {
            slope_name(name_of(of), name_of(by))
            for of, by in (d.args[:2] for d in pair.derivatives)
            if is_quantity(of) and not self._may_obey_laws(name_of(of), graph)
        }
        if any(
            self._surely(replace(pair, left=sympy.Integer(0), right=side), reading) for side in (pair.left, pair.right)
        ):
            return True
        if depends_on(pair.claim, graph, reading, lambda name: is_open(name) and name not in written):
            return True
        return not self._unsaid.proves(pair, reading, at_rest(graph, written))

    def _as_case(self, equation: Equation, verdict: Verdict, reading: Reading) -> Verdict:
        """A refuted line, left open where it is true for equal or for different indices only and another line has the
        other case of the same left side: the words around them may tell the cases apart."""
        pair = verdict.pair
        others = [e for e in self._stated.get(equation.head, []) if e is not equation]
        if verdict.status != "refuted" or pair is None or pair.conditions or not others:
            return verdict
        letters = list(zip(pair.indices, pair.sizes, strict=True))
        for (i, n), (j, m) in combinations(letters, 2):
            for equal in (True, False) if n == m else ():
                if self._surely(_in_case(pair, (i, j, equal)), reading) and self._have_case(others, (i, j, not equal)):
                    case = f"{i} {'=' if equal else '≠'} {j}"
                    reason = f"true for {case} only; if that is meant, write {case} beside it"
                    return Verdict("undecided", verdict.reading, reason, pair=pair)
        return verdict

    def _have_case(self, equations: Iterable[Equation], case: tuple[Symbol, Symbol, bool]) -> bool:
        """Whether one of several equations is true in one case and not in all."""
        for equation in equations:
            pair = self.problem.sides(equation, Policy()).pair(0, 1)
            self.problem.heard()
            if isinstance(pair, SourceError) or not {case[0], case[1]} <= set(pair.indices):
                continue
            if self._surely(_in_case(pair, case), "total") and (pair.conditions or not self._surely(pair, "total")):
                return True
        return False

    def restates(self, equation: Equation) -> bool:
        """Whether another line says again what the left side of an equation is, by its definition: then the page
        rewrites the name and gives it no new meaning."""
        others = (e for e in self._stated.get(equation.head, []) if e is not equation)
        pairs = [self.problem.sides(other, Policy()).pair(0, 1) for other in others]
        self.problem.heard()
        stated = (pair for pair in pairs if isinstance(pair, Pair) and not pair.derivatives)
        return any(self.pair(pair, "total").status in ("proved", "tested") for pair in stated)

    def _surely(self, pair: Pair, reading: Reading) -> bool:
        try:
            return self.proves(pair, reading)
        except (GaveUp, Undefined, NoDerivative):
            return False

    @cached_property
    def _stated(self) -> dict[Node, list[Equation]]:
        """The claims about each left side."""
        found: dict[Node, list[Equation]] = {}
        for equation in self.problem.equations:
            if equation.role == "claim" and equation.members and equation.previous is None and equation.error is None:
                found.setdefault(equation.members[0], []).append(equation)
        return found


def _in_case(pair: Pair, case: tuple[Symbol, Symbol, bool]) -> Pair:
    """A pair where two indices are equal, or where they differ."""
    return replace(pair, conditions=(case,))


def _score(links: list[Verdict]) -> tuple[int, ...]:
    """Fewer refuted links are better, then fewer open ones, then fewer that are only tested."""
    count = {
        status: sum(v.status == status for v in links) for status in ("refuted", "undecided", "unsupported", "tested")
    }
    return count["refuted"], count["undecided"] + count["unsupported"], count["tested"]


def _better(one: _Reading, other: _Reading) -> _Reading:
    """The reading that makes more of an equation true; one by which it makes no sense loses to linear algebra."""
    if other.sides.elaborator.policy.product == "matrix" and _senseless(one) > _senseless(other):
        return other
    return min(one, other, key=lambda reading: reading.score)


def _senseless(reading: _Reading) -> int:
    return sum(verdict.status == "unsupported" for verdict in reading.links)


def _goes_one_way(graph: Graph, derivative: Expr) -> bool:
    """Whether a derivative's chain from name to name never parts before it meets what it is taken by."""
    of, by = derivative.args[:2]
    names = names_in(of)
    while name_of(by) not in names:
        between = [n for n in names if n != graph.loss and graph.depends(n, name_of(by))]
        if len(between) != 1 or between[0] not in graph.by_name:
            return not between
        names = graph.by_name[between[0]].uses
    return True


def _special(found: Counterexample) -> str:
    """Why a difference at special points alone refutes nothing that an author may have meant."""
    if found.special == "zero":
        return "no proof found, and where some data are 0 the sides differ"
    sizes = ", ".join(f"{name} = {n}" for name, n in found.sizes.items())
    return f"no proof found; the sides differ for {sizes or 'sizes below 3'}, and at no larger size that was tried"
