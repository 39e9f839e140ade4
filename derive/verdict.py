"""Claims to verdicts, with evidence.

Every link of a chain is judged twice, by the normal form and by the probe, in each reading that the page allows. Only
the normal form proves, only the probe refutes, and if the two contradict each other neither is believed. One reading is
kept throughout an equation; the one that makes most of it true is reported.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Literal

import sympy
from sympy import Expr, Symbol
from sympy.core.function import AppliedUndef

from derive.closed import Compactor
from derive.forward import Definition, Graph, names_in
from derive.gradient import Calculus, NoDerivative, Reading
from derive.language import D, is_quantity, name_of, total
from derive.latex.syntax import Node
from derive.limits import TimeLimit, time_limit
from derive.normal.algebra import GaveUp, Undefined
from derive.normal.prover import Prover
from derive.notation.context import Layout
from derive.notation.elaborate import Policy
from derive.notation.equations import Equation
from derive.notation.functions import function_of
from derive.notation.sentences import is_hypothetical
from derive.notation.table import SIZE_LETTERS
from derive.probe.evaluation import NotEvaluable, TooLarge
from derive.probe.points import Agreement, Claim, Counterexample, compare
from derive.problem import Pair, Problem, Sides
from derive.problem.problem import LAYOUTS
from derive.source import SourceError

LAYOUT_SECONDS = 2.0
"""How long to look for the layouts of Jacobians in which one equation is true."""

Status = Literal["proved", "refuted", "tested", "undecided", "unsupported", "assumed", "note"]


@dataclass(frozen=True)
class Verdict:
    """What is established about one equality.

    Attributes:
        reading: how derivatives between intermediates were read, where that makes a difference.
        reason: why nothing more is established, or what the verdict rests on.
        error: for ``unsupported``, what could not be understood and where.
    """

    status: Status
    reading: Reading | None = None
    reason: str = ""
    counterexample: Counterexample | None = None
    error: SourceError | None = None
    pair: Pair | None = None


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


class Court:
    """A forward graph with its derivatives and a prover that knows both."""

    def __init__(self, graph: Graph, sizes: set[str]) -> None:
        self.graph = graph
        self.calculus = Calculus(graph)
        positive = graph.positive | sizes
        definitions = _Definitions(graph.by_name, self.calculus.staged)
        self.prover = Prover(definitions, positive, graph.facts)
        self.compactor = Compactor(graph, self.calculus.staged, frozenset(positive))


_REDEFINING = frozenset({"let", "now", "define", "redefine", "set", "denote"})


class Judge:
    """Judges the equations of one problem.

    Args:
        timeout: seconds an equation.
    """

    def __init__(self, problem: Problem, timeout: float = 10.0) -> None:
        self.problem = problem
        self.timeout = timeout
        self._courts: dict[int, Court] = {}
        self._generic: dict[tuple[str, ...], Graph] = {}
        self._deadline: float | None = None
        self._redefined: dict[str, int] = {}
        self._stated_anew: dict[str, int] = {}
        self._layouts: dict[int, Layout | None] = {}

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
        self.problem.assume(best.assumptions, equation.line)
        judged = Judged(equation, self._in_one_layout(equation, best), [], best.sides)
        judged.values = [self._value(judged, k) for k in range(len(best.links))]
        return judged

    # -- the layout of Jacobians ---------------------------------------------------------------------------------------

    def _in_one_layout(self, equation: Equation, best: _Reading) -> list[Verdict]:
        """The verdicts on an equation; what is true only in the layout of Jacobians that the rest of the document does
        not have is left open: it may be a transpose forgotten or put in."""
        if "layout" not in best.sides.asked or any(v.status == "refuted" for v in best.links):
            return best.links
        own = self._only_layout(equation)
        if own is None or self._counted[own] > self._counted[_turned(own)]:
            return best.links
        reason = f"true only with the rows of a Jacobian for its {own}, which other lines have for its {_turned(own)}"
        return [replace(v, status="undecided", reason=reason) if v.status == "proved" else v for v in best.links]

    @cached_property
    def _counted(self) -> Counter[Layout]:
        """How many of the document's claims are true in one layout of Jacobians alone."""
        claims = (e for e in self.problem.equations if e.role == "claim" and e.error is None and e.members)
        return Counter(layout for e in claims if (layout := self._only_layout(e)) is not None)

    def _only_layout(self, equation: Equation) -> Layout | None:
        """The one layout of Jacobians in which an equation is true; None where it is true in both or in neither."""
        if id(equation) not in self._layouts:
            with self.limited(LAYOUT_SECONDS):
                true = [layout for layout in LAYOUTS if self._is_true_in(equation, layout)]
            self._layouts[id(equation)] = true[0] if len(true) == 1 else None
        return self._layouts[id(equation)]

    def _is_true_in(self, equation: Equation, layout: Layout) -> bool:
        sides = self.problem.sides(equation, Policy("matrix", layout=layout))
        self.problem.heard()
        pairs = sides.pairs() if "layout" in sides.asked else [SourceError("no Jacobian", equation.span)]
        return all(isinstance(p, Pair) and not p.transposed and self._surely(p, "total") for p in pairs)

    def _read(self, sides: Sides) -> _Reading:
        """The better of the total and the partial reading of an equation's members."""
        pairs = sides.pairs()
        assumptions = self.problem.heard()
        found: list[_Reading] = []
        for reading in self._readings(pairs):
            links = self._links(sides.equation, pairs, reading)
            found.append(_Reading(sides, links, assumptions, _score(links)))
            if not found[-1].score[0] and not found[-1].score[1]:
                break
        return min(found, key=lambda one: one.score)

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
                verdicts.append(verdict if k else self._as_case(equation, verdict, reading))
        return verdicts

    def _redefining(self, equation: Equation, pair: Pair, verdict: Verdict) -> Verdict:
        """A refuted line that begins with *let* gives a name a new meaning, which derive does not follow; one in a
        sentence with a condition claims nothing without it."""
        if verdict.status == "refuted" and (equation.inline or not pair.derivatives) and is_hypothetical(equation):
            reason = "false as it stands, and claimed under the condition in its sentence, which derive does not use"
            return replace(verdict, status="undecided", reason=reason, counterexample=None)
        words = equation.lead.lower().split()
        if verdict.status != "refuted" or not set(words) & _REDEFINING or not is_quantity(pair.left):
            return verdict
        name = name_of(pair.left)
        self._redefined[name] = equation.line
        return replace(verdict, status="undecided", reason=f"{name} has another definition before", counterexample=None)

    def defined_anew(self, judged: Judged) -> Verdict | None:
        """The verdict on a line that gives a defined name another value, if that is a new meaning and no slip; what is
        false by the first definition is left open from here on."""
        verdict = judged.links[0]
        pair, graph = verdict.pair, self.problem.graph
        if pair is None or not is_quantity(pair.left) or name_of(pair.left) not in graph.by_name:
            return None
        name = name_of(pair.left)
        self._stated_anew[name] = judged.equation.line
        lines = (e.line for e in self.problem.equations if name in {key for key, _ in e.names.values()})
        where = next((f"line {line}" for line in lines), "another line")
        reason = f"{where} defines {name} otherwise: a slip, or a new meaning"
        return replace(verdict, status="undecided", reason=reason, counterexample=None)

    def brings_in(self, pair: Pair) -> set[str]:
        """The inputs that the right side of a pair is made from, and the left side is not."""
        left, right = self._made_from(names_in(pair.left)), self._made_from(names_in(pair.right))
        return right - left - set(self.problem.graph.by_name) - self.problem.table.axes.sizes()

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
        return self.pair(pair, reading)

    # -- one equality ------------------------------------------------------------------------------------------------

    def pair(self, pair: Pair, reading: Reading) -> Verdict:
        """Judge two sides in one reading."""
        shown = reading if self.is_ambiguous(pair) else None
        try:
            proved = self.proves(pair, reading)
            reason = ""
        except (GaveUp, Undefined, NoDerivative) as error:
            proved, reason = False, str(error)
        doubt = self._doubt(pair)
        if doubt:
            return Verdict("undecided", shown, doubt, pair=pair)
        evidence = self._evidence(pair, reading, proved)
        if isinstance(evidence, str):
            return Verdict("undecided", shown, evidence, pair=pair)
        if isinstance(evidence, Counterexample):
            if proved:
                return Verdict("undecided", shown, "internal error: the two judges of derive disagree", pair=pair)
            return self._refuted(pair, reading, evidence, shown)
        if pair.transposed:
            return Verdict("undecided", shown, "true of the transpose of the right side, not as it stands", pair=pair)
        if proved:
            return Verdict("proved", shown, pair=pair)
        if self._has_kinks(pair):
            tested = f"agrees at {evidence.points} points, perhaps all on one side of a maximum; no proof found"
            return Verdict("undecided", shown, tested, pair=pair)
        tested = f"agrees at {evidence.points} points; no proof found"
        return Verdict("tested", shown, f"{tested} ({reason})" if reason else tested, pair=pair)

    def _readings(self, pairs: Iterable[Pair | SourceError]) -> tuple[Reading, ...]:
        found = [pair for pair in pairs if isinstance(pair, Pair)]
        if any(self.is_ambiguous(pair) for pair in found) and all(self._has_local(pair) for pair in found):
            return "total", "partial"
        return ("total",)

    def _has_local(self, pair: Pair) -> bool:
        """Whether it is clear what the partial derivatives in a pair hold fixed: each goes by one name at a time."""
        graph = self.graph_of(pair)
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
        court = self.court(self.graph_of(pair))
        difference = court.calculus.resolve(first, reading) - court.calculus.resolve(second, other)
        for one, two, equal in pair.conditions:
            delta = sympy.KroneckerDelta(one, two)
            difference = difference * (delta if equal else 1 - delta)
        return court.prover.equal(difference, sympy.Integer(0))

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Less time than an equation has."""
        before, self._deadline = self._deadline, time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = before

    def graph_of(self, pair: Pair) -> Graph:
        """The forward pass that a pair speaks of. A loss that is differentiated by a name which it does not depend on
        is not the loss that the document defines, but any function of that name."""
        graph = self.problem.graph
        by = pair.variables_of(graph.loss)
        apart = tuple(name for name in by if name in graph.by_name and not graph.depends(graph.loss, name))
        if not graph.has_loss or not apart:
            return graph
        if apart not in self._generic:
            kept = tuple(d for d in graph.definitions if d.name != graph.loss)
            self._generic[apart] = replace(graph, definitions=kept, outputs=apart)
        return self._generic[apart]

    def _evidence(self, pair: Pair, reading: Reading, proved: bool) -> Counterexample | Agreement | str:
        """What the probe finds: a point where the sides differ, agreement, or why it finds nothing."""
        claim = claim_of(pair)
        try:
            graph = self.graph_of(pair)
            found = compare(claim, graph, reading, rounds=2 if proved else 4)
            if proved and graph.facts and found == Agreement(0):  # no point meets the facts: it may hold without them
                found = compare(claim, self._without_facts(graph), reading, rounds=2)
                found = found if isinstance(found, Agreement) else Agreement(0)
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

    def _doubt(self, pair: Pair) -> str:
        """Why neither judge could be believed on a pair: what it speaks of is not what derive knows."""
        hidden = self._open_path(pair)
        if hidden:
            return f"the definition of {hidden} could not be read"
        met = self._reached(names_in(pair.left) | names_in(pair.right))
        again = min(met & set(self._redefined), default="")
        if again:
            return f"line {self._redefined[again]} gives {again} another meaning"
        used = (names_in(pair.left) | names_in(pair.right)) - self.problem.table.axes.sizes() - SIZE_LETTERS
        other = self._other_step(pair)
        if other:
            return other
        number = min(used & self.problem.table.ranks.numbers, default="")
        if number and pair.left.has(D):
            return f"nothing says whether {number} is a number or a matrix"
        apart = next((d for d in pair.derivatives if self._is_apart(d)), None)
        return f"nothing says how {name_of(apart.args[1])} comes into it" if apart is not None else ""

    def _other_step(self, pair: Pair) -> str:
        """Why a derivative hangs on steps of a recurrence that derive does not follow, in words."""
        table, graph = self.problem.table, self.problem.graph
        if not table.carried or not pair.derivatives:
            return ""
        known = {name for d in graph.definitions for name in (d.name, *d.uses)}
        steps = {step for step in table.letters.steps if any(name.endswith(f"_{step}") for name in table.carried)}
        beside = (names_in(pair.left) | names_in(pair.right)) - known
        strange = min((name for name in beside if _is_of_step(name, steps)), default="")
        if strange:
            return f"derive does not follow the recurrence to {strange}"
        earlier = {f"{name.removesuffix(step)}{{{step}-1}}" for name in table.carried for step in steps}
        for derivative in pair.derivatives:
            of, by = names_in(derivative.args[0]), name_of(derivative.args[1])
            shared = by in earlier or not (by in graph.by_name or _is_of_step(by, steps))
            if shared and graph.loss in of and table.is_loss_open:
                return f"the loss could not be read, and other steps use {by} too"
            if by not in earlier and shared and graph.loss not in of - earlier and earlier & self._made_from(of):
                return f"other steps use {by} too, which derive does not follow"
        return ""

    def _is_apart(self, derivative: Expr) -> bool:
        """Whether a derivative is by a name that was defined and never used, such as an abbreviation on the way."""
        of, by = derivative.args[:2]
        graph, name = self.problem.graph, name_of(by)
        if name not in graph.by_name or name in graph.consumers or of.has(D):
            return False
        return graph.loss not in names_in(of) and name not in self._made_from(names_in(of))

    def is_guess(self, pair: Pair) -> bool:
        """Whether a gradient misses paths: something that it may go through could not be read, or has changed."""
        names = names_in(pair.left) | names_in(pair.right)
        if self._reached(names) & {*self._redefined, *self._stated_anew}:
            return True
        is_open = self.problem.graph.loss in names and self.problem.table.is_loss_open
        return is_open or bool(self._open_path(pair))

    def _open_path(self, pair: Pair) -> str:
        """A name whose definition could not be read and has to do with what a pair differentiates by."""
        by = {name_of(d.args[1]) for d in pair.derivatives}
        found = (name for name, used in self.problem.table.open.items() if by & self._made_from(used))
        return min(found, default="")

    def _meets_open(self, pair: Pair) -> bool:
        """Whether a pair has to do with a name whose definition could not be read; the loss has with all of them."""
        names = names_in(pair.left) | names_in(pair.right)
        table, is_of_loss = self.problem.table, self.problem.graph.loss in names
        if is_of_loss and (table.is_loss_open or table.open):
            return True
        return bool(set(table.open) & self._made_from(names))

    def _reached(self, names: Iterable[str]) -> set[str]:
        """Names with all that has to do with them; with the loss has all that leads to it."""
        met = self._made_from(names)
        return met | self.problem.graph.reaching if self.problem.graph.loss in met else met

    def _made_from(self, names: Iterable[str]) -> set[str]:
        """Names with all that they are made from, through definitions that could be read and those that could not."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                definition = self.problem.graph.by_name.get(name)
                waiting.extend(definition.uses if definition is not None else self.problem.table.open.get(name, ()))
        return found

    def _has_kinks(self, pair: Pair) -> bool:
        """Whether a pair, or what it is made from, has maxima or absolute values: points can miss a side of them."""
        names = names_in(pair.left) | names_in(pair.right)
        graph = self.graph_of(pair)
        made = [d.expr for d in graph.definitions if d.name in self._made_from(names) or graph.loss in names]
        return any(expr.has(sympy.Abs, sympy.Heaviside, sympy.sign) for expr in (pair.left, pair.right, *made))

    def _is_about_others(self, pair: Pair, reading: Reading) -> bool:
        """Whether a pair fails for equal indices only, in a forward pass with a sum over all others, ``k \\neq i``."""
        graph = self.graph_of(pair)
        if pair.conditions or not any(d.expr.has(sympy.KroneckerDelta) for d in graph.definitions):
            return False
        letters = list(zip(pair.indices, pair.sizes, strict=True))
        apart = {frozenset((i, j)) for i, n in letters for j, m in letters if i != j and n == m}
        if not apart:
            return False
        try:
            found = compare(replace(claim_of(pair), apart=frozenset(apart)), graph, reading, rounds=4)
        except (NotEvaluable, TooLarge):
            return False
        return isinstance(found, Agreement) and found.points > 0

    def _undependent(self, pair: Pair) -> str:
        """A derivative in a pair by a name that what it differentiates does not depend on, in words."""
        graph = self.graph_of(pair)
        for d in sorted(pair.derivatives, key=str):
            by, names = name_of(d.args[1]), names_in(d.args[0])
            free = graph.loss in names and not graph.has_loss
            if not free and not any(graph.depends(name, by) for name in names):
                return f"nothing says how {min(names, default='')} depends on {by}"
        return ""

    def _told_apart(self, pair: Pair) -> str:
        """A name that the forward pass knows with another number of indices only: what it is here, nothing says."""
        used = {name for d in self.graph_of(pair).definitions for name in (d.name, *d.uses)}
        keys = {name.partition("#")[0] for name in used}
        strange = (name.partition("#")[0] for name in (names_in(pair.left) | names_in(pair.right)) - used)
        return min((key for key in strange if key in keys), default="")

    def _unused_given(self, pair: Pair) -> int | None:
        """The line of a given that could not be used and speaks of what a pair is made from."""
        unused, names = self.problem.table.unused, names_in(pair.left) | names_in(pair.right)
        met = set(unused) if self.problem.graph.loss in names else set(unused) & self._made_from(names)
        return min((unused[name] for name in met), default=None)

    def _has_unrelated_outputs(self, pair: Pair) -> bool:
        """Whether a loss that nothing defines is differentiated by two ends of the forward pass, or by what both use.

        That it is any function of both is a guess: one of them may be a remark, or a part of the other written anew.
        """
        graph = self.graph_of(pair)
        by = pair.variables_of(graph.loss)
        if graph.has_loss or self.problem.table.carried:
            return False
        ends = {a for a in graph.outputs if not any(b != a and graph.depends(b, a) for b in graph.outputs)}
        return len(by & ends) > 1 or any(sum(graph.depends(end, name) for end in ends) > 1 for name in by)

    def _carried(self, pair: Pair) -> str:
        """A name that a pair differentiates the loss by, and that other steps of a recurrence use."""
        by = pair.variables_of(self.problem.graph.loss)
        return min(by & self.problem.table.carried, default="")

    def _refuted(self, pair: Pair, reading: Reading, evidence: Counterexample, shown: Reading | None) -> Verdict:
        """A certified difference; withheld where the line may mean something else than what was refuted."""
        unsaid = self._unsaid(pair, reading)
        if unsaid:
            return Verdict("undecided", shown, unsaid, pair=pair)
        return Verdict("refuted", shown, counterexample=evidence, pair=pair)

    def _unsaid(self, pair: Pair, reading: Reading) -> str:
        """Why a line that differs from the truth may not be false: it uses what nothing introduces, leaves a sum or a
        condition unsaid, or rests on what could not be read."""
        if pair.unknown:
            return f"nothing in the document says what {', '.join(sorted(pair.unknown))} is"
        condition = self._conditional(pair)
        if condition:
            return condition
        told = min(self._functions_of(pair) & set(self._told_of), default="")
        if told:
            return f"derive does not use what line {self._told_of[told]} says of {told}"
        if self._meets_open(pair):
            return "no proof found, and a definition that it may rest on could not be read"
        if self._is_about_others(pair, reading):
            return "true where its indices differ, as those do in a sum of the forward pass that leaves one out"
        undependent = self._undependent(pair)
        if undependent:
            return undependent
        names = names_in(pair.left) | names_in(pair.right)
        anew = min(self._reached(names) & set(self._stated_anew), default="")
        if anew:
            return f"line {self._stated_anew[anew]} defines {anew} otherwise"
        apart = self._told_apart(pair)
        if apart:
            return f"nothing says that {apart}, which has other indices in the forward pass, is a part of it"
        line = self._unused_given(pair)
        if line is not None:
            return f"no proof found without what line {line} gives, which derive cannot use"
        if self._has_unrelated_outputs(pair):
            return "no proof found, and nothing says how the outputs that it differentiates by depend on each other"
        if pair.restricted:
            return "claimed under a condition that derive does not use, and not true without it"
        carried = self._carried(pair)
        if carried:
            return f"other steps use {carried} too, which derive does not follow"
        whole = self._share(pair, reading)
        if whole:
            return f"true only if the {whole} add up to 1, which nothing says"
        if pair.stray:
            summed = replace(pair, right=_summed(pair.right, pair), stray=())
            if self.pair(summed, reading).status in ("proved", "tested"):
                letters = ", ".join(s.name for s in pair.stray)
                return f"true only with a sum over {letters}, which the line does not say"
        return ""

    def _share(self, pair: Pair, reading: Reading) -> str:
        """Data of which a loss with logarithms sums up, and that would make a pair true if they added up to 1, as the
        labels of a cross-entropy usually do."""
        graph = self.graph_of(pair)
        sums = {s for d in graph.definitions for s in d.expr.atoms(sympy.Sum)} if pair.derivatives else set()
        arrays = {name_of(a): a for s in sums if s.has(sympy.log) for a in _factors(s) if isinstance(a, sympy.Indexed)}
        for name in sorted(set(arrays) - set(graph.by_name)):
            *letters, last = (Symbol(f"share{k}", integer=True) for k in range(len(arrays[name].indices)))
            whole = total(arrays[name].base[(*letters, last)], [(last, graph.sizes[name][-1])])
            key = ("share", name, str(id(graph)))
            if key not in self._generic:
                self._generic[key] = replace(graph, facts=(*graph.facts, (whole, sympy.Integer(1))))
            court = self.court(self._generic[key])
            first, second = (court.calculus.resolve(side, reading) for side in (pair.left, pair.right))
            with suppress(GaveUp, Undefined, NoDerivative):
                if court.prover.equal(first, second):
                    return name
        return ""

    def _conditional(self, pair: Pair) -> str:
        """What a line demands of the data, where it is no claim about what follows from definitions.

        Its sides have nothing to do with each other, or are data on one side and a number on the other.
        """
        if pair.derivatives:
            return ""
        inputs, met = [], set()
        for side in (pair.left, pair.right):
            found = self._made_from(names_in(side)) - self.problem.table.axes.sizes()
            met |= found & set(self.problem.graph.by_name)
            inputs.append(found - set(self.problem.graph.by_name) | self._functions_in([side]))
        alone = [sorted(inputs[0] - inputs[1]), sorted(inputs[1] - inputs[0])]
        if all(alone):
            return f"nothing says how {alone[0][0]} and {alone[1][0]} are related"
        if not met and any(inputs) and not all(inputs):
            return f"a condition on {', '.join(alone[0] + alone[1])}, which derive does not use"
        return ""

    def _functions_of(self, pair: Pair) -> set[str]:
        """The arbitrary functions that a pair is about."""
        reached = self._reached(names_in(pair.left) | names_in(pair.right))
        definitions = (self.problem.graph.by_name.get(name) for name in reached)
        return self._functions_in([pair.left, pair.right, *(d.expr for d in definitions if d is not None)])

    @staticmethod
    def _functions_in(exprs: Iterable[Expr]) -> set[str]:
        return {f.func.__name__.rstrip("'") for expr in exprs for f in expr.atoms(AppliedUndef)}

    @cached_property
    def _told_of(self) -> dict[str, int]:
        """Arbitrary functions whose derivative a line gives, ``\\phi'(z) = 1 - \\phi(z)^2``, with that line."""
        found: dict[str, int] = {}
        for equation in self.problem.equations:
            call = function_of(equation.members[0]) if equation.relations else None
            if call is not None and call.head.endswith("'") and self.problem.table.is_any_function(call.head):
                found.setdefault(call.head.rstrip("'"), equation.line)
        return found

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


class _Definitions(dict[str, Definition]):
    """Forward definitions and staged derivatives looked up as one mapping, also those staged later."""

    def __init__(self, forward: Mapping[str, Definition], staged: Mapping[str, Definition]) -> None:
        super().__init__(forward)
        self._staged = staged

    def __missing__(self, name: str) -> Definition:
        return self._staged[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._staged


def _in_case(pair: Pair, case: tuple[Symbol, Symbol, bool]) -> Pair:
    """A pair where two indices are equal, or where they differ."""
    return replace(pair, conditions=(case,))


def _is_of_step(name: str, steps: set[str]) -> bool:
    """Whether a name carries the letter of a recurrence: ``h_t``, ``h_{t-1}``."""
    return any(name.endswith(f"_{step}") or f"_{{{step}" in name for step in steps)


def _turned(layout: Layout) -> Layout:
    """The other layout of Jacobians."""
    return "denominator" if layout == "numerator" else "numerator"


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


def claim_of(pair: Pair) -> Claim:
    """A pair as the probe takes it."""
    return Claim(pair.left, pair.right, pair.indices, pair.sizes, conditions=pair.conditions, equal=pair.equal)


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
