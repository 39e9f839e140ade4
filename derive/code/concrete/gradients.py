"""What a pair returns on concrete data, beside the finite differences of its forward pass."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from derive.code.concrete.budget import Budget, NotRunnable
from derive.code.concrete.conventions import gradient_of, returned_names
from derive.code.concrete.differences import Kink, Slope, agree, reliable, slope
from derive.code.concrete.draws import ATTEMPTS, Draws
from derive.code.concrete.machine import Assigned, is_number
from derive.code.concrete.running import plainly
from derive.code.concrete.subject import Forward, Shapes, Subject, array_of
from derive.code.concrete.values import Instance, Value
from derive.code.pairs import Pair

ROUGH = "the forward pass has a kink near all data that were drawn, or no value there"

DIRECTIONS = 2
"""Random directions that a gradient is compared along: a wrong one agrees along none, except by chance."""


@dataclass(frozen=True)
class Returned:
    """One gradient that the backward pass returned.

    Attributes:
        position: among what was returned, from 0; ``None`` for what it stored on its object.
        name: what the source calls it, or its key.
        value: its value; ``None`` where the source returns none.
        target: the input that it is taken for, by its name, else by its position; ``None`` where neither says it.
    """

    position: int | None
    name: str | None
    value: Any
    target: str | None


@dataclass(frozen=True)
class Check:
    """One gradient beside the truth.

    Attributes:
        agrees: whether it is the gradient, as far as finite differences show.
        same_shape: whether it has the shape of its input.
        claimed, true: the slopes along one direction, the one where they differ most.
    """

    agrees: bool
    same_shape: bool
    claimed: float
    true: float


@dataclass(frozen=True)
class Truth:
    """What the gradient with respect to one array of the forward pass has to meet.

    Attributes:
        shape: of the array.
        slopes: the true slopes of the loss along some directions of it.
    """

    shape: tuple[int, ...]
    slopes: Sequence[tuple[Any, Slope]]


@dataclass
class Gradients:
    """A forward and a backward pass on one set of data.

    Attributes:
        arguments: what the forward pass was given, by name; ``self.W`` for attributes.
        inputs: the real numbers among them.
        outputs, upstream: the outputs, and the gradients of the loss with respect to them that were drawn.
        returned: what the backward pass returned.
        forward_trace, backward_trace: every assignment.
        overwritten: the arguments that are not as they were.
        remarks: what was special about the data, as sentences.
    """

    arguments: dict[str, Any]
    inputs: dict[str, Any]
    outputs: list[Any]
    upstream: list[Any]
    returned: list[Returned]
    forward_trace: list[Assigned]
    backward_trace: list[Assigned]
    overwritten: list[str]
    remarks: list[str]
    _loss: Callable[[Mapping[str, Any], Callable[..., Value] | None], float]
    _random: np.random.Generator
    _size: float
    _slopes: dict[str, list[tuple[Any, Slope]]] = field(default_factory=dict)
    _truths: dict[str, Any] = field(default_factory=dict)
    _known: dict[str, list[Truth]] = field(default_factory=dict)

    @property
    def trace(self) -> list[Assigned]:
        """Every assignment of the backward pass; of the one function of a loss with its gradients."""
        return self.backward_trace or self.forward_trace

    def check(self, returned: Returned, target: str | None = None) -> Check:
        """Compare one returned gradient with the truth along random directions.

        Args:
            target: the input; that of ``returned`` if none is given.

        Raises:
            NotRunnable: if it is that of no input, or the truth cannot be found.
        """
        target = target or returned.target
        if target not in self.inputs:
            raise NotRunnable(None, f"{returned.name or returned.position} is the gradient of no known input")
        true = self.inputs[target]
        claimed = np.zeros_like(true) if returned.value is None else array_of(returned.value)
        return self._compare(claimed, np.shape(true), self._slopes_of(target))

    def check_stage(self, at: int, value: Value) -> Check:
        """Compare a value with the gradient of what the forward pass assigned in its ``at``-th assignment."""
        assigned = self.forward_trace[at]
        if not _is_real(assigned.value):
            raise NotRunnable(assigned.line, f"{assigned.target} is no real array")
        shape = np.shape(assigned.value)
        return self._compare(array_of(value), shape, self._directions(shape, lambda v: self._slope_of_stage(at, v)))

    def is_gradient(self, name: str, line: int, of: str) -> bool | None:
        """Whether a line of the backward pass assigns the gradient of what the forward pass calls ``of``.

        Where the forward pass has several arrays of that name, that of any of them will do.

        Args:
            name: what the line assigns to; of several rounds of a loop the last counts.

        Returns:
            ``None`` where the line, or a real array of that name, was not found, or cannot be compared.
        """
        value = last_assigned(self.trace, line, name)
        if not is_number(value):
            return None
        try:
            checks = [check.agrees for check in self._checks_of(of, value)]
        except NotRunnable:
            return None
        return any(checks) if checks else None

    def _checks_of(self, of: str, value: Value) -> Iterator[Check]:
        """A value beside the gradients of all arrays of the forward pass of some name that have as many entries."""
        for truth in self.truths_of(of):
            if int(np.prod(truth.shape)) == np.size(value):
                yield self._compare(array_of(value), truth.shape, truth.slopes)

    def truths_of(self, of: str) -> list[Truth]:
        """What the gradients of all arrays of the forward pass that have some name have to meet.

        Raises:
            NotRunnable: there is a kink near the data.
        """
        if of not in self._known:
            found = [Truth(np.shape(self.inputs[n]), self._slopes_of(n)) for n in self.inputs if _bare(n) == of]
            for at, assigned in enumerate(self.forward_trace):
                if _bare(assigned.target) == of and _is_real(assigned.value):
                    shape = np.shape(assigned.value)
                    found.append(Truth(shape, self._directions(shape, partial(self._slope_of_stage, at))))
            self._known[of] = found
        return self._known[of]

    def meets(self, value: Value, truths: Sequence[Truth]) -> bool:
        """Whether a value is one of some gradients, shape and all."""
        if not is_number(value):
            return False
        claimed = array_of(value)
        try:
            return any(
                claimed.shape == truth.shape and self._compare(claimed, truth.shape, truth.slopes).agrees
                for truth in truths
            )
        except NotRunnable:
            return False

    def truth(self, target: str) -> Any:
        """The gradient with respect to an input, entry by entry."""
        if target not in self._truths:
            point = np.asarray(self.inputs[target], dtype=float)
            entries = np.array([self._slope({target: _unit(point.shape, i)}).value for i in range(point.size)])
            self._truths[target] = entries.reshape(point.shape)
        return self._truths[target]

    def _compare(self, claimed: Any, shape: tuple[int, ...], slopes: Sequence[tuple[Any, Slope]]) -> Check:
        same_shape = claimed.shape == shape
        if not same_shape and claimed.size != int(np.prod(shape)):
            return Check(False, False, float("nan"), float("nan"))
        claimed = claimed.reshape(shape)
        size = self._size
        worst = Check(True, same_shape, 0.0, 0.0)
        for direction, true in slopes:
            scale = float(np.sum(np.abs(claimed * direction)))
            if not reliable(true, scale, size):
                raise NotRunnable(None, "finite differences are not exact enough here", "limit")
            here = Check(
                agree(float(np.sum(claimed * direction)), true, scale, size),
                same_shape,
                float(np.sum(claimed * direction)),
                true.value,
            )
            worst = here if not here.agrees or worst.agrees else worst
        return worst

    def _slopes_of(self, target: str) -> list[tuple[Any, Slope]]:
        if target not in self._slopes:
            self._slopes[target] = self._directions(np.shape(self.inputs[target]), lambda v: self._slope({target: v}))
        return self._slopes[target]

    def _directions(self, shape: tuple[int, ...], truth: Callable[[Any], Slope]) -> list[tuple[Any, Slope]]:
        """The true slopes along some random directions."""
        signs = (self._random.choice([-1.0, 1.0], shape) for _ in range(DIRECTIONS))
        try:
            return [(v, truth(v)) for v in (sign * self._random.uniform(0.5, 1.5, shape) for sign in signs)]
        except (Kink, OutOfDomain):
            raise NotRunnable(None, ROUGH, "limit") from None

    def _slope(self, direction: Mapping[str, Any]) -> Slope:
        return slope(lambda t: self._loss({name: t * v for name, v in direction.items()}, None))

    def _slope_of_stage(self, at: int, direction: Any) -> Slope:
        def along(t: float) -> float:
            count = iter(range(10**9))
            return self._loss({}, lambda line, target, value: value + t * direction if next(count) == at else value)

        return slope(along)


def last_assigned(trace: Sequence[Assigned], line: int, name: str) -> Value | None:
    """What a line last assigned to a name, ``self.`` left out; None where it assigned nothing to it."""
    values = [each.value for each in trace if each.line == line and _bare(each.target) == name]
    return values[-1] if values else None


def _bare(target: str) -> str:
    return target.removeprefix("self.")


def _is_real(value: Value) -> bool:
    return is_number(value) and np.asarray(value).dtype.kind == "f"


def _unit(shape: tuple[int, ...], i: int) -> Any:
    found = np.zeros(shape)
    found.flat[i] = 1.0
    return found


class OutOfDomain(Exception):
    """The forward pass has no finite value on these data."""


def gradients(
    tree: ast.Module,
    pair: Pair,
    shapes: Shapes,
    sizes: Mapping[str, int],
    *,
    seed: int = 0,
    fixed: Mapping[str, Value] | None = None,
    seconds: float = 5.0,
) -> Gradients:
    """Run both passes of a pair on random data.

    Args:
        tree: the module.
        pair: which functions of it.
        shapes: of the arguments that are arrays, in named sizes: ``{"x": ("N", "D"), "y": Shape(("N",), labels="C")}``.
            Other arguments are positive numbers, settings, or keep their defaults.
        sizes: the value of each named size.
        seed: equal seeds give equal data.
        fixed: arguments and settings that are held fixed, such as ``{"mode": "train"}``.
        seconds: the time for everything, the comparisons that are asked for later included.

    Raises:
        NotRunnable: if the passes cannot be run, or no data are found on which the forward pass is finite and smooth.
    """
    subject = Subject(tree, pair, shapes, fixed or {}, seed)
    budget = Budget(seconds=seconds)
    why = "the forward pass has no finite value on any data that were drawn"
    for attempt in range(ATTEMPTS):
        try:
            return _once(subject, Draws(sizes, seed, attempt), budget)
        except OutOfDomain:
            continue
        except NotRunnable as error:
            is_label = error.reason == "error" and _has_free_labels(shapes)
            if error.why != ROUGH and not is_label:
                raise _of_guesses(error, subject.guessed) from None
            why = error.why
    raise NotRunnable(pair.line, why, "limit")


def _of_guesses(error: NotRunnable, guessed: set[str]) -> NotRunnable:
    """The error, as one about what was taken for a number without being said to be one."""
    if not guessed or error.reason == "limit":
        return error
    why = f"{error.why} (with {', '.join(sorted(guessed))} taken for numbers, as no shape is known)"
    return NotRunnable(error.line, why, "unsupported")


def _has_free_labels(shapes: Shapes) -> bool:
    return any(getattr(shape, "labels", None) == "" for shape in shapes.values())


def _once(subject: Subject, draws: Draws, budget: Budget) -> Gradients:
    arguments = subject.arguments(draws)
    decisions: list[bytes] = []
    forward_trace: list[Assigned] = []
    done = subject.forward(arguments, budget, trace=forward_trace, decisions=decisions)
    if not all(np.all(np.isfinite(array_of(each))) for each in done.outputs):
        raise OutOfDomain
    outputs = [array_of(each).copy() for each in done.outputs]
    done.machine.decisions = None
    upstream = _upstream(subject, draws, outputs)
    given = [each.copy() for each in upstream]
    backward_trace: list[Assigned] = []
    if subject.pair.kind != "loss":
        done.machine.trace = backward_trace
    inputs = _inputs(arguments, done)
    value = subject.backward(done, given)
    found = Gradients(
        arguments,
        inputs,
        outputs,
        upstream,
        list(_returned(subject, value, inputs, done.owner)),
        forward_trace,
        backward_trace,
        [*_overwritten(arguments, done), *_changed(subject, upstream, given)],
        _remarks(draws),
        _loss_of(subject, arguments, upstream, budget, decisions),
        draws.random("directions"),
        float(sum(np.sum(np.abs(u * o)) for u, o in zip(upstream, outputs, strict=True))),
    )
    for name, point in inputs.items():
        if np.ndim(point):  # a kink nearby shows here, and other data are drawn
            found._slopes_of(name)
    return found


@dataclass(frozen=True)
class Rerun:
    """What a changed source comes to on the data of another run.

    Attributes:
        outputs: of the forward pass.
        returned, backward_trace: as for `Gradients`; of a loss the trace is that of the whole function.
    """

    outputs: list[Any]
    returned: list[Returned]
    backward_trace: list[Assigned]


def rerun(
    tree: ast.Module,
    pair: Pair,
    shapes: Shapes,
    data: Gradients,
    *,
    seed: int = 0,
    fixed: Mapping[str, Value] | None = None,
    seconds: float = 1.0,
) -> Rerun:
    """Both passes of a changed source once more, without differences.

    Raises:
        NotRunnable: they cannot be run.
    """
    subject = Subject(tree, pair, shapes, fixed or {}, seed)
    trace: list[Assigned] = []
    is_loss = pair.kind == "loss"
    done = subject.forward(data.arguments, Budget(seconds=seconds), **({"trace": trace} if is_loss else {}))
    outputs = [array_of(each).copy() for each in done.outputs]
    if not is_loss:
        done.machine.trace = trace
    value = subject.backward(done, [each.copy() for each in data.upstream])
    return Rerun(outputs, list(_returned(subject, value, data.inputs, done.owner)), trace)


def _remarks(draws: Draws) -> list[str]:
    return [] if draws.signed else ["the data are positive"]


def _upstream(subject: Subject, draws: Draws, outputs: list[Any]) -> list[Any]:
    """A gradient of the loss for each output; a loss is its own."""
    if subject.pair.kind == "loss":
        return [np.ones(np.shape(each)) for each in outputs]
    return [np.asarray(draws.signs(f"upstream {k}", np.shape(each))) for k, each in enumerate(outputs)]


def _inputs(arguments: Mapping[str, Value], done: Forward) -> dict[str, Any]:
    """The real numbers among the arguments, and the settings that were asked for."""
    numbers = {name: np.array(v) for name, v in arguments.items() if isinstance(v, np.ndarray | float)}
    return {name: value for name, value in numbers.items() if value.dtype.kind == "f"}


def _loss_of(
    subject: Subject, arguments: Mapping[str, Value], upstream: list[Any], budget: Budget, decisions: list[bytes]
) -> Callable[[Mapping[str, Any], Callable[..., Value] | None], float]:
    """The loss as a function of changes of the inputs; raises `Kink` off the smooth piece of the data."""

    def loss(changes: Mapping[str, Any], shift: Callable[..., Value] | None) -> float:
        moved = {n: _moved(v, changes[n]) if n in changes else v for n, v in arguments.items()}
        noted: list[bytes] = []
        done = subject.forward(moved, budget, decisions=noted, shift=shift)
        if noted != decisions:
            raise Kink
        found = sum(float(np.sum(u * array_of(o))) for u, o in zip(upstream, done.outputs, strict=True))
        if not np.isfinite(found):
            raise OutOfDomain
        return found

    return loss


def _moved(value: Any, change: Any) -> Any:
    return float(value + change) if isinstance(value, float) else value + change


def _returned(subject: Subject, value: Value, inputs: Mapping[str, Any], owner: Instance | None) -> Iterator[Returned]:
    """What came back, with the inputs that it is taken for."""
    if isinstance(value, dict):
        for key, each in value.items():
            target = str(key) if key in inputs else gradient_of(str(key), [*inputs])
            yield Returned(None, str(key), plainly(each), target)
        return
    parts = list(value) if isinstance(value, tuple | list) else [value]
    names = _names_of(subject, len(parts))
    if subject.pair.kind in ("autograd", "custom_vjp"):
        targets: list[str | None] = [*subject.differentiated()[: len(parts)]]
        targets += [None] * (len(parts) - len(targets))
    else:
        targets = _targets(names, inputs)
    for i, (each, name, target) in enumerate(zip(parts, names, targets, strict=True)):
        yield Returned(i, name, plainly(each), target)
    if owner is not None and subject.pair.kind == "class":
        yield from _stored(owner, inputs)


def _names_of(subject: Subject, count: int) -> list[str | None]:
    names = returned_names(subject.backward_node)
    if subject.pair.kind == "loss":
        names = names[-count:]
    return names if len(names) == count else [None] * count


def _targets(names: Sequence[str | None], inputs: Mapping[str, Any]) -> list[str | None]:
    """The input of each name; those without one take the arrays that are left, in order, if there are as many."""
    targets = [gradient_of(name, [*inputs]) for name in names]
    left = [name for name, point in inputs.items() if np.ndim(point) and name not in targets]
    if targets.count(None) == len(left):
        waiting = iter(left)
        return [next(waiting) if target is None else target for target in targets]
    return targets


def _stored(owner: Instance, inputs: Mapping[str, Any]) -> Iterator[Returned]:
    """Gradients that the backward pass left on its object: ``self.dW``, ``self.grads["W"]``."""
    for name, value in owner.attributes.items():
        entries = value.items() if isinstance(value, dict) else [(None, value)]
        for key, each in entries:
            text = f"self.{name}" if key is None else f"self.{name}[{key!r}]"
            target = gradient_of(text, [*inputs])
            if target is not None and is_number(each) and text not in inputs:
                yield Returned(None, text, plainly(each), target)


def _overwritten(arguments: Mapping[str, Value], done: Forward) -> list[str]:
    """The arguments of the forward pass that one of the passes changed in place."""
    return [n for n, v in arguments.items() if isinstance(v, np.ndarray) and not _same(v, done.arguments[n])]


def _changed(subject: Subject, before: list[Any], after: list[Any]) -> list[str]:
    names = subject.upstreams if subject.pair.kind in ("functions", "class") else []
    changed = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if not _same(a, b)]
    return [names[i] if i < len(names) else f"gradient {i + 1} from above" for i in changed]


def _same(a: Value, b: Value) -> bool:
    return bool(np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f"))
