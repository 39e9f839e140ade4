"""The second judge: the same source run by a concrete interpreter, compared with finite differences.

It was written apart from the symbolic reader and shares with it only how pairs are found. No gradient is proved without
it: what it cannot run stays ``tested``, and where it contradicts, nothing is said.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from sympy import Integer

from derive.code.arrays import Array
from derive.code.concrete import Check, Gradients, NotRunnable, Rerun, Shape, gradients
from derive.code.concrete import Returned as Value
from derive.code.judge import Finding
from derive.code.passes import Gradient, Passes
from derive.language import size

LENGTHS = ((3, 2, 4, 5, 6, 7), (2, 5, 3, 4, 7, 6))
"""For each run the values of the sizes in turn: pairwise distinct, so that no axis passes for another."""
TRIES = 400
WINDOWED, STEPS, DIFFERENT = (2, 5), (1, 3), 4
"""Where windows have to fit: how many sizes are tried, from where those of axes and numbers such as strides are drawn,
and how many shall be different."""
SECONDS = 10.0
DISAGREE = "the two judges of derive disagree about this line: please report it"

Opinion = Literal["agrees", "differs"]


@dataclass(frozen=True)
class _Refusal:
    """Why a gradient could not be looked at."""

    why: str
    cannot_run: bool = False


def crosschecked(
    tree: ast.Module, passes: Passes, findings: Sequence[Finding], seconds: float = SECONDS
) -> list[Finding]:
    """Findings with every proof taken back that the second judge does not share, and every refutation that it
    contradicts. A run takes so many seconds at most."""
    if not any(f.status in ("proved", "refuted") for f in findings):
        return list(findings)
    runs = list(_runs(tree, passes, min(seconds, SECONDS)))
    returned = iter(passes.gradients)
    checked = [_weighed(f, _opinion(next(returned), runs)) if f.role == "returned" else f for f in findings]
    if passes.trace.windows:
        checked = [_of_windows(*both) for both in zip(findings, checked, strict=True)]
    ran = [run for run in runs if isinstance(run, Gradients)]
    return [_stage(f, checked, _of_stage(f, passes, ran), bool(ran)) if f.role == "stage" else f for f in checked]


def remarks(tree: ast.Module, passes: Passes) -> list[str]:
    """What else is to be said of a pair: the arguments that it overwrites."""
    run = next(_runs(tree, passes), None)
    names = run.overwritten if isinstance(run, Gradients) else []
    return [f"{name} is overwritten in place" for name in names]


def cannot_run(tree: ast.Module, passes: Passes) -> bool:
    """Whether Python itself would stop at the pair."""
    run = next(_runs(tree, passes), None)
    return isinstance(run, _Refusal) and run.cannot_run


def shapes_of(passes: Passes) -> dict[str, Shape]:
    """The shapes of what a pair is given, as the second judge takes them."""
    shapes = passes.shapes
    known = (name for name in shapes if shapes[name] or name in passes.labels or name.startswith("self."))
    return {name: _shape(passes, name) for name in known}


def _runs(tree: ast.Module, passes: Passes, seconds: float = SECONDS) -> Iterator[Gradients | _Refusal]:
    shapes = shapes_of(passes)
    for seed, lengths in enumerate(LENGTHS):
        sizes = sizes_of(passes, lengths)
        try:
            yield gradients(tree, passes.pair, shapes, sizes, seed=seed, fixed=fixed_in(passes, sizes), seconds=seconds)
        except NotRunnable as error:
            yield _Refusal(error.why, error.reason == "error")


def _shape(passes: Passes, name: str) -> Shape:
    lengths = tuple("*".join(factors) or 1 for factors in passes.shapes[name])
    if name in passes.labels:
        return Shape(lengths, "*".join(passes.labels[name]) or 1)
    return Shape(lengths)


def sizes_of(passes: Passes, lengths: Sequence[int]) -> dict[str, int]:
    """A value for each size that has a name."""
    axes = [*(one for shape in passes.shapes.values() for one in shape), *passes.labels.values()]
    listed = (factors for factors_ in passes.lists.values() for factors in factors_)
    named = dict.fromkeys(f for one in (*axes, *passes.numbers.values(), *listed) for f in one if not f.isdigit())
    sizes = {name: lengths[k % len(lengths)] + 7 * (k // len(lengths)) for k, name in enumerate(named)}
    return _fitting(sizes, passes, lengths[0]) if passes.fractions else sizes


def _fitting(sizes: dict[str, int], passes: Passes, seed: int) -> dict[str, int]:
    """Small sizes at which windows fit, at least two of each kind, and several of which differ."""
    random = Random(seed)
    found = []
    for _ in range(TRIES):
        tried = {name: random.randint(*(STEPS if name in passes.numbers else WINDOWED)) for name in sizes}
        values = {size(name): Integer(value) for name, value in tried.items()}
        counts = [fraction.xreplace(values) for fraction in passes.fractions]
        if all(count.is_Integer and count > 0 for count in counts):
            found.append(tried)
    return min(found, key=lambda each: (len(set(each.values())) < DIFFERENT, math.prod(each.values())), default=sizes)


def fixed_in(passes: Passes, sizes: Mapping[str, int]) -> Mapping[str, object]:
    """The settings, and the numbers that are sizes."""
    numbers = {n: _length(factors, sizes) for n, factors in passes.numbers.items()}
    lists = {n: [_length(factors, sizes) for factors in each] for n, each in passes.lists.items()}
    return numbers | lists | {name: float(v.expr) if isinstance(v, Array) else v for name, v in passes.fixed.items()}


def _length(factors: Sequence[str], sizes: Mapping[str, int]) -> int:
    return math.prod(sizes.get(f) or int(f) for f in factors)


# -- opinions ----------------------------------------------------------------------------------------------------------


def _opinion(gradient: Gradient, runs: Sequence[Gradients | _Refusal]) -> Opinion | _Refusal:
    """What all runs say of a gradient: it differs if it does in one."""
    found: list[Opinion | _Refusal] = [_of_run(gradient, run) for run in runs]
    if "differs" in found:
        return "differs"
    return next((each for each in found if isinstance(each, _Refusal)), "agrees")


def _of_run(gradient: Gradient, run: Gradients | _Refusal) -> Opinion | _Refusal:
    if isinstance(run, _Refusal):
        return run
    value = value_of(gradient, run)
    if value is None:
        return _Refusal("it was not found among what was returned")
    try:
        check: Check = run.check(value, gradient.parameter)
    except NotRunnable as error:
        return _Refusal(error.why)
    return "agrees" if check.agrees and check.same_shape else "differs"


def value_of(gradient: Gradient, run: Gradients | Rerun) -> Value | None:
    """What a run returned for a gradient."""
    if gradient.position is not None:
        return next((v for v in run.returned if v.position == gradient.position), None)
    return next((v for v in run.returned if v.name is not None and _bare(v.name) == gradient.name), None)


def _bare(name: str) -> str:
    """``dW`` for ``self.dW``, ``W`` for ``self.grads['W']``."""
    return name.rpartition("[")[2].strip("]'\"").removeprefix("self.")


def _weighed(finding: Finding, opinion: Opinion | _Refusal) -> Finding:
    if finding.status == "proved" and opinion != "agrees":
        if isinstance(opinion, _Refusal):
            return replace(finding, status="tested", reason=f"proved, but not confirmed by a run: {opinion.why}")
        return replace(finding, status="undecided", reason=DISAGREE)
    if finding.status == "refuted" and opinion == "agrees":
        return replace(finding, status="undecided", reason=DISAGREE, counterexample=None, fault=None)
    return finding


def _of_windows(finding: Finding, checked: Finding) -> Finding:
    """What was refuted of any selection is wrong only if the second judge, which has the true ones, says so, too."""
    if finding.status != "refuted":
        return checked
    if checked.status == "undecided":
        return replace(checked, status="tested", reason="right in all runs; for windows of all sizes it was not shown")
    return replace(checked, counterexample=None, reason=checked.reason or "a run beside differences is another")


def _of_stage(stage: Finding, passes: Passes, runs: Sequence[Gradients]) -> Opinion | None:
    """What the runs say of a stage; nothing where they do not find it or what it is the gradient of."""
    if stage.status not in ("proved", "refuted"):
        return None
    said = [run.is_gradient(stage.name, stage.line, passes.trace.shown_name(stage.of)) for run in runs]
    return "differs" if False in said else "agrees" if True in said else None


def _stage(stage: Finding, findings: Sequence[Finding], opinion: Opinion | None, ran: bool) -> Finding:
    """A stage is proved only beside gradients that the second judge confirmed: the same reading gave both."""
    if stage.status == "proved" and not ran:
        return replace(stage, status="tested", reason="proved, but not confirmed by a run")
    disputed = any(f.role == "returned" and f.reason == DISAGREE for f in findings)
    if stage.status == "proved" and (opinion == "differs" or disputed):
        open_ = (f.reason for f in findings if f.role == "returned" and f.status == "undecided")
        return replace(stage, status="undecided", reason=next(open_, DISAGREE))
    if stage.status == "refuted" and opinion == "agrees":
        return replace(stage, status="undecided", reason=DISAGREE, counterexample=None, fault=None)
    return stage


__all__ = ["cannot_run", "crosschecked", "remarks"]
