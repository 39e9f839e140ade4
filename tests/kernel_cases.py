"""Data for kernels, and what they should give: the forward graph and its staged derivatives evaluated by
`derive.kernels.reference`, which knows nothing of programs; batch and layer norm written out by hand in longdouble.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.api import LoadedProblem
from derive.kernels.kernel import RunningKernel, Target, proved_source, running
from derive.kernels.make import Made
from derive.kernels.program import Kernel
from derive.kernels.reference import Reference
from derive.kernels.verify import error
from derive.library import open_document

Array = NDArray[Any]
POSITIVE = {"epsilon": 1e-3, "q": 0.7}
SIZES = (1, 2, 3, 5, 17, 64, 1000)


@cache
def problem(layer: str) -> LoadedProblem:
    return LoadedProblem(open_document(layer))


@cache
def lowered(layer: str) -> Made:
    return problem(layer).program()


@cache
def kernel(layer: str, target: Target = "numpy") -> RunningKernel:
    return running(lowered(layer), target)


@cache
def source(layer: str, target: Target) -> str:
    return proved_source(lowered(layer), target)


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


def reference(layer: str, given: Mapping[str, Any], upstream: Mapping[str, Any]) -> Reference:
    """The forward graph and its derivatives on arrays."""
    return Reference(lowered(layer), given, upstream)


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


__all__ = [
    "SIZES",
    "error",
    "inputs",
    "kernel",
    "lowered",
    "norm_in_longdouble",
    "problem",
    "reference",
    "run",
    "source",
]
