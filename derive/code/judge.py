"""The judgement of a pair that was read: each gradient that it returns, and each stage on the way.

The gradient that an array should be is the adjoint of its name over the forward pass, computed by `derive.gradient`. A
stage is judged twice: *locally*, with the stages before it replaced by the derivatives that they should be, which tells
the line at fault from lines that only inherit a fault and keeps deep code fast; and as it stands. Numbers refute, the
normal form proves, as everywhere in derive.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial as task
from typing import Literal

import sympy
from sympy import Expr, Symbol

from derive.code.arrays import Array, shape_text
from derive.code.blame import line_at_fault, with_faults
from derive.code.naming import spoken_of
from derive.code.passes import Gradient, Passes, is_backward
from derive.code.trace import Stage, Trace
from derive.code.values import Value, as_array, is_array
from derive.forward import Definition, Graph, entry, names_in
from derive.gradient import Calculus, NoDerivative
from derive.language import D, index, is_quantity, name_of, refresh
from derive.limits import TimeLimit, time_limit
from derive.normal.algebra import GaveUp, Undefined
from derive.normal.atoms import add
from derive.normal.prover import Prover
from derive.probe.arithmetic import OutOfDomain
from derive.probe.evaluation import NotEvaluable, TooLarge
from derive.probe.points import Agreement, Claim, Counterexample, compare, may_agree
from derive.verdict import Status

Fault = Literal["here", "inherited"]
LOCAL_SECONDS = 2.0
HOPEFUL_SECONDS = 5.0
"""How long one proof is tried, and one that numbers speak for."""
OUT_OF_TIME = "the time is up before this was judged; --timeout gives more"
SEARCH_ROUNDS = 4
"""How many points are tried where neither a proof nor a counterexample was found."""
MANY = 12
"""Above how many quantities of the backward pass those are looked at, too, whose names say nothing."""
MAX_ALIKE = 64
"""With how many quantities of its shape such a one is compared."""
MAX_DOUBTED = 4
"""How many stages that are not what their names say are tried as they are written."""


@dataclass(frozen=True)
class Finding:
    """A verdict on one array of the backward pass.

    Attributes:
        role: ``returned`` or ``stage``.
        name: the Python name.
        of: the quantity whose gradient it should be.
        fault: where it is wrong, whether the fault is made here or inherited.
        definition: the definition that holds it, if one does.
        uses: the definitions that it is made of where none holds it.
    """

    role: Literal["returned", "stage"]
    name: str
    line: int
    of: str
    status: Status
    reason: str = ""
    counterexample: Counterexample | None = None
    fault: Fault | None = None
    definition: str = ""
    uses: frozenset[str] = frozenset()
    seconds: float = 0.0


_Task = tuple[Finding | None, Callable[[], Finding | None]]
"""What is to be found, and what it is where the time does not suffice; None for what is only done on the way."""


class _Definitions(dict[str, Definition]):
    """The definitions of both passes, and the staged derivatives as they are made."""

    def __init__(self, own: dict[str, Definition], calculus: Calculus) -> None:
        super().__init__(own)
        self._staged = calculus.staged

    def __missing__(self, name: str) -> Definition:
        return self._staged[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._staged


class Judge:
    """Judges one pair.

    Args:
        passes: the pair.
        timeout: seconds a gradient.
    """

    def __init__(self, passes: Passes, timeout: float = 10.0) -> None:
        self.passes = passes
        self.timeout = timeout
        trace = passes.trace
        self.trace = trace
        self.forward = _needed(trace.definitions, passes.outputs) if passes.loss else _forward(trace.definitions)
        self.backward = {n: d for n, d in trace.definitions.items() if n not in self.forward}
        loss = passes.outputs[0] if passes.loss else "L"
        outputs = () if passes.loss else passes.outputs
        self.graph = self._graph(self.forward, loss, outputs)
        self.both = self._graph(trace.definitions, loss, passes.outputs)
        self.loss = Symbol(loss, real=True)
        self.calculus = Calculus(self.graph)
        self.sizes = frozenset(
            s.name for sizes in trace.sizes.values() for n in sizes for s in n.free_symbols if s.is_integer
        ) | {s.name for d in trace.definitions.values() for s in d.expr.free_symbols if s.is_integer and s.is_positive}
        self._definitions: dict[int, _Definitions] = {}
        self.exact = self._prover()
        self.local = self._prover()
        self._status: dict[str, Status] = {}
        self.targets: dict[str, str] = {}
        self.local_ok: dict[str, bool | None] = {}
        self.doubted: dict[str, Definition] = {}  # stages that are not what their names say, as written
        self.borne_out: set[str] = set()  # those of them that the lines after need as they are written
        self.lines: dict[str, int] = {}  # the line at fault of what is wrong

    def _graph(self, definitions: dict[str, Definition], loss: str, outputs: tuple[str, ...]) -> Graph:
        trace = self.trace
        return Graph(
            tuple(definitions.values()),
            dict(trace.sizes),
            loss,
            outputs=outputs,
            positive=frozenset(trace.positive),
            selectors=trace.selectors,
        )

    def _prover(self) -> Prover:
        definitions = _Definitions(dict(self.trace.definitions), self.calculus)
        prover = Prover(definitions, {*self.trace.positive, *self.sizes})
        self._definitions[id(prover)] = definitions
        return prover

    # -- the whole ---------------------------------------------------------------------------------------------------

    def findings(self, seconds: float = 60.0) -> list[Finding]:
        """All findings: the stages in the order of their lines, then what is returned.

        What is not judged in time is undecided; the rest stands. One finding may take half of the time that is left, so
        that a hard one leaves some to those after it.
        """
        end = time.monotonic() + seconds
        found = []
        for open_, judged in [*self._stages(), *map(self._returned, self.passes.gradients)]:
            try:
                with time_limit((end - time.monotonic()) / 2):
                    finding = judged()
            except TimeLimit:
                finding = open_
            if finding is not None:
                found.append(finding)
        return with_faults(found, self)

    # -- stages ------------------------------------------------------------------------------------------------------

    def _stages(self) -> Iterator[_Task]:
        own = [s for s in self.trace.stages if s.definition in self.backward]
        last = {stage.name: stage for stage in own}
        stages = {stage.definition: stage for stage in own if last[stage.name] is stage}
        for name in self.backward:
            stage = stages.get(name)
            targets = self._spoken_of(stage.name) if stage is not None else []
            if stage is not None and targets:
                open_ = Finding("stage", stage.name, stage.line, targets[0], "undecided", OUT_OF_TIME, definition=name)
                yield open_, task(self._stage, stage, targets)
            elif len(self.backward) > MANY:
                yield None, task(self._recognise, name)

    def _recognise(self, name: str) -> None:
        """See whether an array whose name says nothing is a gradient all the same, as in the functions that a layer of
        layers calls: what is made of it is then proved in small steps. It gets no verdict of its own."""
        definition = self.backward[name]
        alike = [n for n in self.forward if tuple(self.trace.sizes[n]) == tuple(definition.sizes)]
        if not definition.sizes or not 0 < len(alike) <= MAX_ALIKE:
            return
        letters = tuple(index(f"j{k}") for k in range(len(definition.indices)))
        for target in reversed(alike):
            if self._looks_right(target, letters, entry(name, letters)) and self.holds_locally(name, target):
                right = all(self._status[used] == "proved" for used in self.above(name) & set(self._status))
                self._status[name] = "proved" if right else "undecided"
                self._replace(self.local, name, target)
                if right:
                    self._replace(self.exact, name, target)
                return

    def _spoken_of(self, name: str) -> list[str]:
        """The quantities of the forward pass that a stage's name speaks of, the latest first."""
        forward = [n for n in self.trace.sizes if not is_backward(n) and n not in self.backward and n[0] not in "∂Σ"]
        shown = spoken_of(name, dict.fromkeys(map(self.trace.shown_name, forward)))
        return [n for n in reversed(forward) if self.trace.shown_name(n) == shown] if shown is not None else []

    def _stage(self, stage: Stage, targets: list[str]) -> Finding:
        start = time.monotonic()
        definition = self.backward[stage.definition]
        fitting = [n for n in targets if tuple(self.trace.sizes[n]) == tuple(definition.sizes)]
        if not fitting:
            return Finding("stage", stage.name, stage.line, targets[0], "note", "it has another shape")
        target, ok = fitting[0], None
        for each in fitting:
            ok = self._holds(stage.definition, each)
            if ok:
                target = each
                break
        status, reason, example = self._stage_verdict(stage, target, ok)
        self._status[stage.definition], self.targets[stage.definition] = status, target
        self.local_ok[stage.definition] = ok
        if status == "refuted" and not ok:
            self.lines[stage.definition] = line_at_fault(self, stage.definition, target)
        if ok is False:
            self.doubted[stage.definition] = definition
        self._replace(self.local, stage.definition, target)
        if status == "proved":
            self._replace(self.exact, stage.definition, target)
        seconds = time.monotonic() - start
        return Finding(
            "stage", stage.name, stage.line, target, status, reason, example,
            definition=stage.definition, seconds=seconds,
        )  # fmt: skip

    def _holds(self, name: str, target: str) -> bool | None:
        """Whether a stage is right if the stages before it are, or as these are written; None where nobody knows.

        A look at numbers tells which of the two there is hope to prove.
        """
        letters = tuple(index(f"j{k}") for k in range(len(self.backward[name].indices)))
        right, used = entry(name, letters), self.above(name)
        looks_right, doubted = self._looks_right(target, letters, right), used & self.doubted.keys()
        if looks_right and doubted and self._holds_as_written(target, letters, right, used):
            return True
        if not looks_right and not doubted:
            return False
        ok = self.holds_locally(name, target, HOPEFUL_SECONDS if looks_right else LOCAL_SECONDS)
        return self._holds_as_written(target, letters, right, used) if ok is False and not looks_right else ok

    def _stage_verdict(self, stage: Stage, target: str, ok: bool | None) -> tuple[Status, str, Counterexample | None]:
        used = self.above(stage.definition) & set(self._status)
        definition = self.backward[stage.definition]
        array = Array(self.trace.axes[stage.definition], entry(stage.definition, definition.indices))
        array = Array(_lettered(array, definition), array.expr)
        if ok and all(self._status[name] == "proved" for name in used - self.borne_out):
            return self._checked_proof(target, array)
        return self._verdict(target, array)

    def holds_locally(self, name: str, target: str, seconds: float = LOCAL_SECONDS) -> bool | None:
        """Whether a stage is right if the stages before it are; None where that cannot be told."""
        definition = self.backward[name]
        letters = tuple(index(f"j{k}") for k in range(len(definition.indices)))
        return self.equal(self.local, target, letters, entry(name, letters), min(self.timeout, seconds))

    def _holds_as_written(self, target: str, letters: tuple[Symbol, ...], right: Expr, uses: Iterable[str]) -> bool:
        """Whether something is right if a doubted stage before it is what was written and not what its name says: then
        the author's name means something else, such as one path's share, or a sign the other way round."""
        doubted = [n for n in self.doubted if n in uses and n not in self.borne_out][-MAX_DOUBTED:]
        together = [doubted] if len(doubted) > 1 else []
        single = [[name] for name in doubted]
        right_as_it_is = bool(together) and self._looks_right(target, letters, right)
        for names in [*together, *single] if right_as_it_is else [*single, *together]:
            named = [self._definitions[id(self.local)][name] for name in names]
            for name in names:
                self.substitute(self.local, self.doubted[name])
            try:
                seconds = HOPEFUL_SECONDS if right_as_it_is else LOCAL_SECONDS
                if self.equal(self.local, target, letters, right, min(self.timeout, seconds)):
                    self.borne_out.update(names)
                    return True
            finally:
                for name, definition in zip(names, named, strict=True):
                    if name not in self.borne_out:
                        self.substitute(self.local, definition)
        return False

    def equal(
        self, prover: Prover, target: str, letters: tuple[Symbol, ...], right: Expr, seconds: float
    ) -> bool | None:
        prover.algebra.deadline = time.monotonic() + seconds
        try:
            prover.bound(dict(zip(letters, self.trace.sizes[target], strict=True)))
            left = self.calculus.adjoint(target, letters)
            return self._equal_as_staged(prover, left, right) or prover.equal(left, right)
        except (GaveUp, Undefined, NoDerivative):
            return None

    def _equal_as_staged(self, prover: Prover, left: Expr, right: Expr) -> bool:
        """Whether two expressions are equal whatever the quantities of the forward pass are, and if need be the
        gradients by later ones: most stages are, and what these are made of need not be looked at."""
        gap = add(prover.normal(left), prover.normal(right), -1)
        kept = frozenset(self.forward)
        later = {name for name, d in self.calculus.staged.items() if not is_quantity(d.expr)} - names_in(left)
        return prover.vanishes(gap, kept | later) or prover.vanishes(gap, kept)

    def _replace(self, prover: Prover, name: str, target: str) -> None:
        """From here on a stage stands for the derivative that it should be."""
        definition = self.trace.definitions[name]
        adjoint = self.calculus.adjoint(target, definition.indices)
        self.substitute(prover, Definition(name, definition.indices, definition.sizes, adjoint))

    def substitute(self, prover: Prover, definition: Definition) -> None:
        """Have a prover read a name by another definition."""
        self._definitions[id(prover)][definition.name] = definition
        prover.forget(definition.name)

    def above(self, name: str) -> set[str]:
        """The definitions that one is made of, also by way of others."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            for used in self.trace.definitions[waiting.pop()].uses:
                if used in self.trace.definitions and used not in seen:
                    seen.add(used)
                    waiting.append(used)
        return seen

    # -- verdicts ----------------------------------------------------------------------------------------------------

    def _verdict(self, target: str, array: Array) -> tuple[Status, str, Counterexample | None]:
        """Whether an array is the gradient by a quantity."""
        array = array.fresh()
        letters = tuple(index(f"j{k}") for k in range(len(array.letters)))
        right = refresh(array.expr).xreplace(dict(zip(array.letters, letters, strict=True)))
        evidence = self._compared(target, letters, right, rounds=2)
        if isinstance(evidence, Counterexample):
            return "refuted", "", evidence
        ok = self.equal(self.exact, target, letters, right, self.timeout)
        if not ok:
            evidence = self._compared(target, letters, right, SEARCH_ROUNDS, everywhere=True)
            if isinstance(evidence, Counterexample):
                return "refuted", "", evidence
        return self._weighed(bool(ok), evidence, ok is None)

    def _checked_proof(self, target: str, array: Array) -> tuple[Status, str, Counterexample | None]:
        letters = tuple(index(f"j{k}") for k in range(len(array.letters)))
        right = refresh(array.expr).xreplace(dict(zip(array.letters, letters, strict=True)))
        evidence = self._compared(target, letters, right, rounds=1)
        if isinstance(evidence, Counterexample):
            return "undecided", "internal error: the two judges of derive disagree", None
        return self._weighed(True, evidence, False)

    def _weighed(
        self, proved: bool, evidence: Agreement | str, gave_up: bool
    ) -> tuple[Status, str, Counterexample | None]:
        if isinstance(evidence, str) or not evidence.points:
            why = evidence if isinstance(evidence, str) else "no point was found at which both sides have a value"
            return "undecided", why, None
        if proved:
            return "proved", "", None
        why = "the proof was given up" if gave_up else "no proof found"
        return "tested", f"agrees at {evidence.points} points; {why}", None

    def _looks_right(self, target: str, letters: tuple[Symbol, ...], right: Expr) -> bool:
        """Whether an array agrees at one point with the gradient by a quantity."""
        left = D(self.loss, entry(target, letters)) if target in self.graph.reaching else sympy.Integer(0)
        try:
            return may_agree(Claim(left, right, letters, tuple(self.trace.sizes[target])), self.both, "total")
        except (NotEvaluable, TooLarge, OutOfDomain):
            return False

    def _compared(
        self, target: str, letters: tuple[Symbol, ...], right: Expr, rounds: int, everywhere: bool = False
    ) -> Agreement | Counterexample | str:
        sizes = tuple(self.trace.sizes[target])
        left = D(self.loss, entry(target, letters)) if target in self.graph.reaching else sympy.Integer(0)
        # a condition, though it always holds, has all entries tried and not only one of each kind: a mask may be open
        # at those and closed elsewhere
        always = ((letters[0], letters[0], True),) if everywhere and letters else ()
        claim = Claim(left, right, letters, sizes, conditions=always)
        try:
            found = compare(claim, self.both, "total", rounds=rounds)
        except (NotEvaluable, TooLarge, OutOfDomain) as error:
            return str(error) or "too large to evaluate"
        if isinstance(found, Counterexample) and any(len(one) != 1 for one in self.trace.axes[target]):
            return replace(found, indices={})  # the letters are not those of the axes
        return found

    # -- what is returned ----------------------------------------------------------------------------------------------

    def _returned(self, gradient: Gradient) -> _Task:
        of = self.trace.shown_name(gradient.of) if gradient.of is not None else ""
        held, uses = self._held(gradient.value)
        open_ = Finding(
            "returned", gradient.name, gradient.line, of, "undecided", OUT_OF_TIME, definition=held, uses=uses
        )
        return open_, task(self._timed, gradient)

    def _timed(self, gradient: Gradient) -> Finding:
        start = time.monotonic()
        found = self._judged(gradient)
        return replace(found, seconds=time.monotonic() - start)

    def _held(self, value: Value) -> tuple[str, frozenset[str]]:
        """The definition that holds what is returned, if one does, and all that it is made of."""
        if not is_array(value):
            return "", frozenset()
        expr = as_array(value).expr
        held = name_of(expr) if is_quantity(expr) else ""
        return held, frozenset(u for n in names_in(expr) & self.backward.keys() for u in (n, *self.above(n)))

    def _judged(self, gradient: Gradient) -> Finding:
        def finding(status: Status, reason: str = "", example: Counterexample | None = None) -> Finding:
            of = self.trace.shown_name(gradient.of) if gradient.of is not None else ""
            if status == "refuted" and held in self.backward and held not in self.targets and gradient.of is not None:
                self.lines[held] = line_at_fault(self, held, gradient.of)
            return Finding(
                "returned", gradient.name, gradient.line, of, status, reason, example, definition=held, uses=uses
            )

        held, uses = "", frozenset[str]()
        if gradient.of is None:
            return finding("undecided", "nothing says of which argument this is the gradient")
        if gradient.value is None:
            return finding("undecided", f"None is returned for the gradient by {self.trace.shown_name(gradient.of)}")
        array = as_array(gradient.value, "what is returned").fresh()
        wanted = _shape(self.trace, gradient.of)
        if array.shape != wanted or tuple(array.sizes) != tuple(self.trace.sizes[gradient.of]):
            return finding(*self._of_another_shape(gradient.of, array))
        held, uses = self._held(array)
        if held in self._status and self.targets.get(held) == gradient.of and _is_whole(array):
            status, reason, example = self._status[held], "", None
            if status != "proved":
                status, reason, example = self._verdict(gradient.of, array)
        else:
            status, reason, example = self._verdict(gradient.of, array)
            if status == "refuted" and held not in self.targets:
                letters = tuple(index(f"j{k}") for k in range(len(array.letters)))
                right = refresh(array.expr).xreplace(dict(zip(array.letters, letters, strict=True)))
                self._holds_as_written(gradient.of, letters, right, uses)
        if gradient.instead is not None and status != "proved":
            return finding(
                "undecided",
                f"its name speaks of {gradient.instead}, its place of {gradient.of}: "
                f"return the gradients in the order of the arguments",
            )
        return finding(*self._with_maxima(status, reason, example))

    def _of_another_shape(self, target: str, array: Array) -> tuple[Status, str, Counterexample | None]:
        """A gradient whose shape is not that of its argument: wrong, unless only axes of size 1 are too many."""
        shape = f"its shape is {shape_text([array])}, that of {target} is {_shape_text(self.trace, target)}"
        if tuple(array.sizes) != tuple(self.trace.sizes[target]) or self.passes.pair.kind == "autograd":
            return "refuted", shape, None
        status, reason, example = self._verdict(target, array)
        if status == "refuted":
            return status, reason, example
        return "undecided", f"{shape}; entry by entry it is right", None

    def _with_maxima(
        self, status: Status, reason: str, example: Counterexample | None
    ) -> tuple[Status, str, Counterexample | None]:
        """A proof stands only if nothing depends on a maximum; neither does a refutation."""
        if status not in ("proved", "refuted"):
            return status, reason, example
        for name, line in self.trace.free:
            if name in self.graph.inputs and not self._is_without_effect(name):
                return "undecided", f"a maximum (line {line}) may have an effect on the gradient", None
        return status, reason, example

    def _is_without_effect(self, name: str) -> bool:
        letters = tuple(index(f"j{k}") for k in range(len(self.trace.sizes[name])))
        return bool(self.equal(self.exact, name, letters, sympy.Integer(0), self.timeout))


def _needed(definitions: dict[str, Definition], outputs: Iterable[str]) -> dict[str, Definition]:
    """The definitions that outputs are made of."""
    seen: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name in definitions and name not in seen:
            seen.add(name)
            waiting.extend(definitions[name].uses)
    return {name: d for name, d in definitions.items() if name in seen}


def _forward(definitions: dict[str, Definition]) -> dict[str, Definition]:
    return {name: d for name, d in definitions.items() if not is_backward(name)}


def _lettered(array: Array, definition: Definition) -> tuple[tuple[tuple[Expr, Symbol], ...], ...]:
    """Axes with the letters of a definition."""
    letters = iter(definition.indices)
    return tuple(tuple((n, next(letters)) for n, _ in one) for one in array.axes)


def _is_whole(array: Array) -> bool:
    """Whether an array is a named quantity, its axes in their order."""
    return tuple(getattr(array.expr, "indices", ())) == array.letters


def _shape(trace: Trace, name: str) -> tuple[Expr, ...]:
    axes = trace.axes[name]
    return Array(axes, sympy.Integer(0)).shape


def _shape_text(trace: Trace, name: str) -> str:
    return shape_text([Array(trace.axes[name], sympy.Integer(0))])
