"""Data for kernels, and what they should give: the forward graph and its staged derivatives evaluated by
`derive.numeric`, which knows nothing of programs, in float64; batch and layer norm written out by hand in longdouble.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive.api import LoadedProblem
from derive.kernels.kernel import RunningKernel, Target
from derive.kernels.program import Kernel
from derive.library import open_document
from derive.numeric import lambdify

Array = NDArray[Any]
POSITIVE = {"epsilon": 1e-3, "q": 0.7}
SIZES = (1, 2, 3, 5, 17, 64, 1000)


@cache
def problem(layer: str) -> LoadedProblem:
    return LoadedProblem(open_document(layer))


@cache
def kernel(layer: str, target: Target = "numpy") -> RunningKernel:
    return problem(layer).kernel(target)


def inputs(program: Kernel, sizes: Mapping[str, int], seed: int = 0, dtype: Any = np.float64) -> dict[str, Any]:
    """Random arguments of the forward pass; sizes that are not given are 3, 4, 5 ..."""
    random = np.random.default_rng(seed)
    known = dict(sizes)
    found: dict[str, Any] = {}
    for array in program.forward.arrays:
        names = [program.forward.sizes[a] for a in array.axes]
        shape = [known.setdefault(n, 3 + len(known)) for n in names]
        values = random.normal(size=shape)
        if array.name in POSITIVE:
            values = np.asarray(POSITIVE[array.name])
        if layer_has_probabilities(program, array.name):
            values = random.dirichlet(np.ones(shape[-1]), shape[:-1]) if shape[-1] else values
        found[array.name] = values.astype(dtype) if shape else float(values)
    return found


def layer_has_probabilities(program: Kernel, name: str) -> bool:
    """Whether an argument holds the targets of a classifier."""
    return name == "t" and any(a.name == "t" and len(a.axes) == 2 for a in program.forward.arrays)


def run(
    kernel: RunningKernel, given: Mapping[str, Any], seed: int = 1
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Outputs, upstream gradients and gradients."""
    random = np.random.default_rng(seed)
    *values, saved = kernel.forward(**given)
    outputs = dict(zip((o.label for o in kernel.program.forward.results), values, strict=True))
    ups = [kernel.program.label_of(a) for a in kernel.program.backward.arrays if a.role == "upstream"]
    upstream = {u: random.normal(size=np.shape(outputs[u])).astype(np.asarray(outputs[u]).dtype) for u in ups}
    return outputs, upstream, kernel.backward(saved, **upstream)


class Reference:
    """The forward graph and its derivatives on arrays."""

    def __init__(self, layer: str, program: Kernel, given: Mapping[str, Any], upstream: Mapping[str, Any]) -> None:
        found = problem(layer)
        self.made = found.program()
        self.graph, self.court = self.made.graph, self.made.court
        self.values: dict[str, Any] = {a.key: np.asarray(given[a.name], float) for a in program.forward.arrays}
        for array in program.forward.arrays:
            shape = np.shape(given[array.name])
            for size, n in zip(self.graph.sizes_of(array.key), shape, strict=True):
                self.values[size.name] = n
        for array in program.backward.arrays:
            if array.role == "upstream":
                self.values[array.key] = np.asarray(upstream[program.label_of(array)], float)

    def gradient(self, key: str) -> Array:
        indices = self.graph.indices_of(key)
        return self._value(self.court.calculus.adjoint(key, indices), indices, self.graph.sizes_of(key))

    def output(self, key: str) -> Array:
        self._know(key)
        return np.asarray(self.values[key])

    def _value(self, expr: sympy.Expr, indices: Any, sizes: Any) -> Array:
        from derive.forward import quantities_in
        from derive.language import name_of

        for quantity in sorted(quantities_in(expr), key=str):
            self._know(name_of(quantity))
        with np.errstate(all="ignore"):
            return lambdify(expr, indices, sizes)(self.values)

    def _know(self, name: str) -> None:
        if name not in self.values:
            definition = self.graph.by_name.get(name) or self.court.calculus.staged[name]
            self.values[name] = self._value(definition.expr, definition.indices, definition.sizes)


def norm_in_longdouble(
    x: Array, gamma: Array, beta: Array, epsilon: float, dy: Array, axis: int
) -> tuple[Array, dict[str, Array]]:
    """A normalisation over one axis of two, and its gradients, by the formulas of Ioffe and Szegedy in longdouble.

    The deviations are centred twice, so that the reference's own mean is exact to its last digit.
    """
    wide = np.longdouble
    x, gamma, beta, dy = (a.astype(wide) for a in (x, gamma, beta, dy))
    c = x - x.take([0], axis)
    for _ in range(2):
        c = c - c.mean(axis, keepdims=True)
    rstd = 1 / np.sqrt((c * c).mean(axis, keepdims=True) + wide(epsilon))
    x_hat = c * rstd
    g = gamma * dy
    dx = rstd * (g - g.mean(axis, keepdims=True) - x_hat * (g * x_hat).mean(axis, keepdims=True))
    return gamma * x_hat + beta, {"x": dx, "gamma": (dy * x_hat).sum(0), "beta": dy.sum(0)}


def error(got: Any, expected: Array) -> float:
    """The largest absolute error over the largest absolute value."""
    return float(np.max(np.abs(np.asarray(got).astype(expected.dtype) - expected)) / np.max(np.abs(expected)))


__all__ = ["SIZES", "Reference", "error", "inputs", "kernel", "norm_in_longdouble", "problem", "run"]
