"""The line at fault: of the lines that make a wrong gradient, the one to change.

A stage that is wrong though the stages before it are right is made in its own line, or in a line before it that has no
name of a gradient: a term that was computed first, a round of a loop, an earlier ``+=``, a quantity computed anew. One
is to blame if without its share the rest is a sum over some of the paths of the chain rule, or if another quantity of
the forward pass in its place makes all right.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import sympy
from sympy import Expr, Symbol

from derive.forward import Definition, entry, quantities_in
from derive.gradient import NoDerivative, partial, summed
from derive.language import bound, indices_of, name_of
from derive.normal.algebra import GaveUp, Undefined

if TYPE_CHECKING:
    from derive.code.judge import Finding, Judge

SECONDS = 1.0
"""How long one possibility is tried."""
TOTAL_SECONDS = 2.0
MAX_PATHS = 6
MAX_SHARES = 8
MAX_CANDIDATES = 12


class Share(NamedTuple):
    """A term of a stage, and the line that contributes it."""

    line: int
    term: Expr


def line_at_fault(judge: Judge, name: str, target: str) -> int:
    """The line that makes a stage wrong; that of the stage itself where none of those before it is found to."""
    own = judge.trace.shown[name][1]
    deadline = time.monotonic() + TOTAL_SECONDS
    shares = list(_shares(judge, name))[:MAX_SHARES]
    lines = sorted({share.line for share in shares})
    if len(lines) > 1:
        paths = _paths(judge, target, judge.trace.definitions[name].indices)
        for line in lines:
            rest = sympy.Add(*(share.term for share in shares if share.line != line))
            if time.monotonic() < deadline and _is_part(judge, paths, rest):
                return line
    return _computed_anew(judge, name, target, deadline) or own


# -- shares ----------------------------------------------------------------------------------------------------------


def _shares(judge: Judge, name: str) -> Iterator[Share]:
    """The terms of a definition, those of nameless quantities that it adds up put in."""
    definition = judge.trace.definitions[name]
    yield from _shares_of(judge, definition.expr, judge.trace.shown[name][1], 0)


def _shares_of(judge: Judge, expr: Expr, line: int, depth: int) -> Iterator[Share]:
    factor, inner = _split(expr)
    if isinstance(inner, sympy.Add):
        for term in inner.args:
            yield from _shares_of(judge, factor * term, line, depth)
        return
    inside = _nameless(judge, inner)
    if inside is not None and depth < MAX_SHARES:
        below = factor * inside.at(indices_of(inner))
        yield from _shares_of(judge, below, judge.trace.shown[inside.name][1], depth + 1)
        return
    yield Share(_line_in_loop(judge, inner) or line, expr)


def _split(expr: Expr) -> tuple[Expr, Expr]:
    """A product as a factor without data, and the rest where that is one factor."""
    plain = [f for f in sympy.Mul.make_args(expr) if not quantities_in(f) or all(_is_size(q) for q in quantities_in(f))]
    rest = [f for f in sympy.Mul.make_args(expr) if f not in plain]
    return (sympy.Mul(*plain), rest[0]) if len(rest) == 1 else (sympy.Integer(1), expr)


def _is_size(quantity: Expr) -> bool:
    return bool(quantity.is_integer and quantity.is_positive)


def _nameless(judge: Judge, expr: Expr) -> Definition | None:
    """The definition of a quantity of the backward pass that is no stage."""
    if not isinstance(expr, sympy.Indexed | Symbol):
        return None
    name = name_of(expr)
    return judge.backward.get(name) if name not in judge.targets else None


def _line_in_loop(judge: Judge, expr: Expr) -> int:
    """The line of a loop that adds a sum over its rounds."""
    if not isinstance(expr, sympy.Sum):
        return 0
    names = (name_of(q) for q in quantities_in(expr.function))
    lines = [judge.trace.shown[n][1] for n in names if n in judge.backward and n not in judge.targets]
    return max(lines, default=0)


# -- paths -----------------------------------------------------------------------------------------------------------


def _paths(judge: Judge, target: str, letters: tuple[Symbol, ...]) -> list[Expr]:
    """The terms of a gradient, one for each path from the quantity to the loss, as far as there are not too many."""
    try:
        found = list(itertools.islice(_paths_from(judge, target, letters, True), MAX_PATHS + 1))
        if len(found) > MAX_PATHS:
            found = list(itertools.islice(_paths_from(judge, target, letters, False), MAX_PATHS))
    except NoDerivative:
        return []
    return found


def _paths_from(judge: Judge, name: str, letters: tuple[Expr, ...], deep: bool) -> Iterator[Expr]:
    graph = judge.graph
    users = [user for user in graph.consumers.get(name, ()) if user.name in graph.reaching]
    for user in users:
        own = tuple(bound(i.name) for i in user.indices)
        spans = dict(zip((*letters, *own), (*graph.sizes_of(name), *user.sizes), strict=True))
        slope = partial(user.at(own), name, letters, spans)
        is_last = not deep or user.name == graph.loss or not graph.consumers.get(user.name)
        ends = [judge.calculus.adjoint(user.name, own)] if is_last else _paths_from(judge, user.name, own, deep)
        for end in ends:
            limits = [(i, sympy.Integer(1), n) for i, n in zip(own, user.sizes, strict=True)]
            yield summed(end * slope, limits, spans)


def _is_part(judge: Judge, paths: Sequence[Expr], whole: Expr) -> bool:
    """Whether something is the sum over some of the paths, though not over all or none."""
    for count in range(1, len(paths)):
        for chosen in itertools.combinations(paths, count):
            if _equal(judge, sympy.Add(*chosen), whole):
                return True
    return False


def _equal(judge: Judge, left: Expr, right: Expr) -> bool:
    judge.local.algebra.deadline = time.monotonic() + SECONDS
    try:
        return judge.local.equal(left, right)
    except (GaveUp, Undefined):
        return False


# -- quantities computed anew ----------------------------------------------------------------------------------------


def _computed_anew(judge: Judge, name: str, target: str, deadline: float) -> int:
    """The line of a nameless quantity for which one of the forward pass makes the stage right; 0 if there is none."""
    for used in _nameless_above(judge, name):
        definition = judge.trace.definitions[used]
        for other in _alike(judge, definition):
            if time.monotonic() > deadline:
                return 0
            changed = Definition(used, definition.indices, definition.sizes, entry(other, definition.indices))
            judge.substitute(judge.local, changed)
            try:
                if judge.holds_locally(name, target):
                    return judge.trace.shown[used][1]
            finally:
                judge.substitute(judge.local, definition)
    return 0


def _nameless_above(judge: Judge, name: str) -> list[str]:
    """The quantities of the backward pass that a stage uses, stages and sums under hidden names excepted."""
    above = judge.above(name) & judge.backward.keys()
    return sorted((n for n in above if n not in judge.targets and judge.trace.shown[n][0] != "Σ"),
                  key=lambda n: judge.trace.shown[n][1])  # fmt: skip


def _alike(judge: Judge, definition: Definition) -> list[str]:
    """Quantities of the forward pass with the axes of another."""
    known = [n for n in judge.trace.shown if n not in judge.backward and judge.trace.shown[n][0] != "Σ"]
    fitting = [n for n in known if tuple(judge.trace.sizes[n]) == tuple(definition.sizes)]
    return [n for n in fitting if n not in judge.trace.selectors][:MAX_CANDIDATES]


# -- marking ---------------------------------------------------------------------------------------------------------


def with_faults(findings: Sequence[Finding], judge: Judge) -> list[Finding]:
    """Findings with the line at fault marked, and those that inherit it."""
    findings = [_excused(finding, findings, judge) for finding in findings]
    wrong = {f.definition for f in findings if f.status == "refuted" and f.definition}
    marked: list[Finding] = []
    for finding in findings:
        if finding.status != "refuted":
            marked.append(finding)
            continue
        fault = "inherited" if _inherits(finding, wrong, judge) else "here"
        line = judge.lines.get(finding.definition, finding.line)
        if fault == "here" and line != finding.line:
            marked += [_elsewhere(finding, line, judge), replace(finding, fault="inherited")]
        else:
            marked.append(replace(finding, fault=fault))  # type: ignore[arg-type]
    marked = _blamed_on_order(marked, judge)
    first = min((f.line for f in marked if f.fault == "here"), default=0)
    return [_with_origin(f, first) for f in marked]


def _blamed_on_order(findings: list[Finding], judge: Judge) -> list[Finding]:
    """Findings with the fault laid on the line that unpacks a cache in another order than it was packed."""
    wrong = next((f for f in findings if f.fault == "here"), None)
    for line, given, saved in judge.trace.unpacked if wrong is not None else ():
        swapped = [(g, s) for g, s in zip(given, saved, strict=True) if g != s and g in saved and s in given]
        if swapped and wrong is not None and line <= wrong.line:
            said = ", ".join(f"{given_} is what was saved as {saved_}" for given_, saved_ in swapped)
            order = replace(wrong, role="stage", name="the order", line=line, of="", definition="",
                            reason=f"unpacked in another order: {said}", counterexample=None)  # fmt: skip
            return [order, *(replace(f, fault="inherited") if f.fault == "here" else f for f in findings)]
    return findings


def _with_origin(finding: Finding, line: int) -> Finding:
    """What inherits a fault says from where, and leaves the counterexample to the line that makes it."""
    if finding.fault != "inherited" or not line:
        return finding
    return replace(finding, reason=finding.reason or f"inherits the fault of line {line}", counterexample=None)


def _excused(stage: Finding, findings: Sequence[Finding], judge: Judge) -> Finding:
    """A stage that is not what its name says, though nothing wrong is made of it: the name may mean one path's share,
    or a multiple. Where what is made of it is open, so is the stage."""
    if stage.role != "stage" or stage.status != "refuted":
        return stage
    made = [f for f in findings if f.role == "returned" and stage.definition in _ingredients(f, judge)]
    if stage.definition in judge.borne_out or any(f.status == "proved" for f in made):
        right = any(f.status == "proved" for f in made)
        why = "but what is made of it is right" if right else "and the lines after need it as it is written"
        reason = f"it is not ∂L/∂{stage.of} itself, {why}"
        return replace(stage, status="note", reason=reason, counterexample=None)
    if any(f.status == "refuted" for f in made):
        return stage
    reason = f"it is not ∂L/∂{stage.of}; whether that is what its name means, nothing that is returned tells"
    return replace(stage, status="undecided", reason=reason, counterexample=None)


def _ingredients(finding: Finding, judge: Judge) -> set[str]:
    return {finding.definition, *finding.uses} | _all_above(finding, judge)


def _all_above(finding: Finding, judge: Judge) -> set[str]:
    return judge.above(finding.definition) if finding.definition in judge.trace.definitions else set()


def _inherits(finding: Finding, wrong: set[str], judge: Judge) -> bool:
    """Whether what is wrong was wrong before."""
    name = finding.definition
    wrong = wrong - {name}
    if finding.role == "returned" and name in judge.targets:
        return True
    above = judge.above(name) if name in judge.trace.definitions else set(finding.uses)
    if finding.role == "returned":
        return bool((above | set(finding.uses)) & wrong)
    return bool(above & wrong) and judge.local_ok.get(name) is not False


def _elsewhere(finding: Finding, line: int, judge: Judge) -> Finding:
    """The line at fault, which is not that of the stage that shows it."""
    names = [stage.name for stage in judge.trace.stages if stage.line == line and stage.definition in judge.backward]
    name = names[-1] if names else finding.name
    reason = f"this makes {finding.name} wrong"
    return replace(finding, role="stage", name=name, line=line, of="", reason=reason, fault="here")
