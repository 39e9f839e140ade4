"""The truth about a pair of NumPy code: Python itself runs it, and central differences are taken.

Shares nothing with what it judges: neither interpreter, nor the drawing of data, nor the differences.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from code_fixtures import Fixture

from derive.limits import TimeLimit, time_limit

CRASHES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    TypeError,
    ValueError,
    RecursionError,
)
STEP = 1e-4
SAME, DIFFERENT = 1e-6, 1e-4
"""Relative differences below and above which two gradients are numerically the same and different."""

Verdict = str
"""``right``, ``wrong``, ``shape`` (the right numbers in another shape), ``crash`` or ``unclear``."""


class Case:
    """A fixture at sizes and data; `verdicts` judges a changed source.

    Args:
        values: of the sizes, one after the other.
        seed: of the data.
    """

    def __init__(self, fixture: Fixture, values: list[int], seed: int) -> None:
        self.fixture = fixture
        random = np.random.default_rng(seed)
        sizes = fixture.sizes(values)
        self.inputs: dict[str, Any] = {}
        for name, shape in fixture.shapes.items():
            lengths = [eval(str(n), {}, dict(sizes)) for n in shape.lengths]  # the lengths of our own fixtures
            labels = shape.labels is not None
            self.inputs[name] = (
                random.integers(0, min(sizes.values()), lengths) if labels else random.uniform(0.4, 1.6, lengths)
            )
            if not labels:
                self.inputs[name] = self.inputs[name] * random.choice([-1.0, 1.0], lengths)
        self.settings = {name: float(random.uniform(0.2, 0.7)) for name in ("eps", "reg", "slope", "delta")}
        self.random = Random(seed)
        self.above: list[Any] = []
        self.seed = seed

    # -- running -----------------------------------------------------------------------------------------------------

    def _module(self, source: str) -> dict[str, Any]:
        names: dict[str, Any] = {}
        exec(compile(source, "mutant", "exec"), names)
        return names

    def _arguments(self, function: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
        parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
        given = {name: np.array(inputs[name]) for name in parameters if name in inputs}
        given |= {name: self.settings[name] for name in parameters if name in self.settings and name not in given}
        for name in parameters:
            if name.endswith("_param"):
                given[name] = {"eps": self.settings["eps"], **self.fixture.fixed}
        return given

    def forward(self, module: dict[str, Any], inputs: dict[str, Any]) -> Any:
        np.random.seed(self.seed)
        pair = self.fixture.pair
        if pair.kind == "class":
            owner, method = pair.forward.split(".")
            kind = module[owner]
            made = kind(*(np.array(inputs[n]) for n in inputs if n.startswith("self.")))
            rest = {name: np.array(v) for name, v in inputs.items() if not name.startswith("self.")}
            return getattr(made, method)(**rest), made
        function = module[pair.forward]
        return function(**self._arguments(function, inputs)), None

    def outputs(self, value: Any, count: int) -> list[Any]:
        parts = list(value) if isinstance(value, tuple) else [value]
        return [np.asarray(each, dtype=float) for each in parts[:count]]

    def gradients(self, module: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        """The outputs and what the backward pass returned, in order; for a class with what it stored."""
        pair = self.fixture.pair
        value, made = self.forward(module, self.inputs)
        if pair.kind == "loss":
            found = value[1] if len(value) == 2 else value[1:]
            return self.outputs(value, 1), list(found.values() if isinstance(found, dict) else _listed(found))
        count = 2 if pair.forward == "lstm_step_forward" else 1
        outputs = self.outputs(value, count)
        if not self.above:
            random = np.random.default_rng(self.seed + 1)
            self.above = [
                random.uniform(0.4, 1.6, np.shape(o)) * random.choice([-1.0, 1.0], np.shape(o)) for o in outputs
            ]
        above = [np.array(each) for each in self.above]
        if made is not None:
            returned = _listed(made.backward(*above))
            return outputs, [*returned, made.dW, made.db]
        rest = value[count:] if isinstance(value, tuple) else (value,)
        cache = rest[0] if len(rest) == 1 else rest
        return outputs, _listed(module[pair.backward](*above, cache))

    # -- judging -----------------------------------------------------------------------------------------------------

    def loss(self, module: dict[str, Any], inputs: dict[str, Any]) -> float:
        value, _ = self.forward(module, inputs)
        if self.fixture.pair.kind == "loss":
            return float(np.asarray(self.outputs(value, 1)[0]).sum())
        outputs = self.outputs(value, len(self.above))
        return float(sum(np.sum(a * o) for a, o in zip(self.above, outputs, strict=True)))

    def truth(self, module: dict[str, Any], name: str) -> Any:
        """The gradient by differences of second order at two steps; NaN where they do not fit together."""
        point = self.inputs[name]
        found = np.zeros(point.shape)
        for i in range(point.size):
            slopes = [self._slope(module, name, i, h) for h in (STEP, 2 * STEP)]
            better = (4 * slopes[0] - slopes[1]) / 3
            kinked = abs(slopes[0] - slopes[1]) > 1e-4 * (1 + abs(better))
            found.flat[i] = math.nan if kinked else better
        return found

    def _slope(self, module: dict[str, Any], name: str, i: int, step: float) -> float:
        values = []
        for sign in (1, -1):
            moved = np.array(self.inputs[name])
            moved.flat[i] += sign * step
            values.append(self.loss(module, {**self.inputs, name: moved}))
        return (values[0] - values[1]) / (2 * step)

    def verdicts(self, source: str, targets: list[str]) -> list[Verdict]:
        """What is true of each returned gradient, by its position in the unchanged source."""
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"), time_limit(5):
                warnings.simplefilter("ignore")
                return self._verdicts(source, targets)
        except (*CRASHES, TimeLimit):
            return ["crash"] * len(targets)

    def _verdicts(self, source: str, targets: list[str]) -> list[Verdict]:
        module = self._module(source)
        self.above = []
        outputs, returned = self.gradients(module)
        if not all(np.all(np.isfinite(o)) for o in outputs):
            return ["unclear"] * len(targets)
        if len(returned) != len(targets):
            return ["crash"] * len(targets)
        return [self._verdict(module, g, t) for g, t in zip(returned, targets, strict=True)]

    def _verdict(self, module: dict[str, Any], claimed: Any, target: str) -> Verdict:
        if claimed is None:
            return "wrong"
        claimed = np.asarray(claimed, dtype=float)
        true = self.truth(module, target)
        if not np.all(np.isfinite(true)):
            return "unclear"
        if claimed.shape != true.shape:
            return "shape" if claimed.size == true.size else "wrong"
        off = np.max(np.abs(claimed - true), initial=0.0) / (1e-3 + np.max(np.abs(true), initial=0.0))
        if not np.isfinite(off):
            return "wrong"
        return "right" if off < SAME else "wrong" if off > DIFFERENT else "unclear"


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple | list) else [value]
