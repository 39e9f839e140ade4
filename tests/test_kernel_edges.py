"""Kernels where the formulas on the page overflow, cancel or have no value: beside longdouble, in both precisions, in
every language."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
import sympy
from numpy.typing import NDArray

import derive
from derive.forward import Graph
from derive.kernels.build import COMPILERS
from derive.kernels.kernel import RunningKernel, Target
from derive.kernels.stable import stable
from derive.language import sigmoid, softplus

Array = NDArray[Any]
LOGITS = [-100.0, -30, -1, -1e-3, 0, 1e-3, 2, 17, 50, 88, 100]


class Edge(NamedTuple):
    """A document with data, and what comes out: the first result, and the gradients for a seed of ones."""

    page: str
    data: Mapping[str, Any]
    result: Any
    gradients: Mapping[str, Any]
    bound: float = 2e-6


def bce() -> Edge:
    page = r"""Labels $t_i$, logits $x_i$, $i=1,\dots,N$:

$$p_i = \frac{1}{1+e^{-x_i}}$$
$$\ell_i = -t_i\log p_i - (1-t_i)\log(1-p_i)$$
"""
    x, t = np.array(LOGITS, np.longdouble), np.array([0, 1] * 5 + [0], np.longdouble)
    return Edge(page, {"x": x, "t": t}, np.logaddexp(0, x) - t * x, {"x": 1 / (1 + np.exp(-x)) - t})


def smooth() -> Edge:
    x = np.array(LOGITS, np.longdouble)
    page = r"$$y_i = \log(1+e^{x_i}), \quad L = \sum_{i=1}^N y_i$$"
    return Edge(page, {"x": x}, np.logaddexp(0, x).sum(), {"x": 1 / (1 + np.exp(-x))})


def mish() -> Edge:
    x = np.array(LOGITS, np.longdouble)
    t = np.tanh(np.logaddexp(0, x))
    return Edge(r"$$y_i = x_i \tanh(\log(1+e^{x_i}))$$", {"x": x}, x * t, {"x": t + x * (1 - t**2) / (1 + np.exp(-x))})


def quotient() -> Edge:
    x = np.array(LOGITS, np.longdouble)
    s = 1 / (1 + np.exp(-x))
    return Edge(r"$$y_i = \frac{e^{x_i}}{1 + e^{x_i}}$$", {"x": x}, s, {"x": s * (1 - s)})


def rows_of_zeros() -> Edge:
    x = np.array([[0, 0, 0], [1, 2, 2]], np.longdouble)
    return Edge(r"$$n_i = \sqrt{\sum_{j=1}^D x_{ij}^2}$$", {"x": x}, np.array([0, 3]), {"x": x / 3})


def equal_points() -> Edge:
    a, p = np.array([[1, 2], [4, 6]], np.longdouble), np.array([[1, 2], [1, 2]], np.longdouble)
    slope = np.array([[0, 0], [3, 4]], np.longdouble) / 5
    page = r"$$d_i = \sqrt{\sum_{k=1}^D (a_{ik}-p_{ik})^2}, \quad L = \sum_{i=1}^N d_i$$"
    return Edge(page, {"a": a, "p": p}, 5, {"a": slope, "p": -slope})


def standardised(x: Array, epsilon: float, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Standardised values and, for a seed of their squares, the gradient by x."""
    s = np.sqrt(x.var(axes, keepdims=True) + np.longdouble(epsilon))
    y = (x - x.mean(axes, keepdims=True)) / s
    g = 2 * y
    mean = g.mean(axes, keepdims=True)
    return y, (g - mean - y * (g * y).mean(axes, keepdims=True)) / s


def statistics(mean: float, deviation: float, shape: tuple[int, ...], seed: int = 3) -> Array:
    """Data that float32 holds exactly."""
    random = np.random.default_rng(seed)
    return (random.normal(size=shape) * deviation + mean).astype(np.float32).astype(np.longdouble)


def size_by_another_name() -> Edge:
    page = r"""Instance norm, with $m = HW$ positions and $N$ samples of $C$ channels:
$$\mu_{nc} = \frac{1}{m} \sum_{h,w} x_{nchw}, \quad v_{nc} = \frac1m \sum_{h,w} (x_{nchw} - \mu_{nc})^2,
\quad y_{nchw} = \frac{x_{nchw}-\mu_{nc}}{\sqrt{v_{nc}+\epsilon}}$$
$$L = \sum_{n=1}^N \sum_{c=1}^C \sum_{h=1}^H \sum_{w=1}^W y_{nchw}^2$$
"""
    x = statistics(1e4, 1, (2, 3, 8, 8))
    y, slope = standardised(x, 1e-1, (2, 3))
    return Edge(page, {"x": x, "epsilon": 1e-1}, (y**2).sum(), {"x": slope}, 2e-5)


def mean_of_squares() -> Edge:
    page = r"""$$\mu = \frac1N\sum_{i=1}^N x_i, \quad v = \frac1N\sum_{i=1}^N x_i^2 - \mu^2,
\quad y_i = \frac{x_i - \mu}{\sqrt{v + \epsilon}}, \quad L = \sum_{i=1}^N y_i^2$$
"""
    x = statistics(1e4, 1, (256,))
    y, slope = standardised(x, 1e-1, (0,))
    return Edge(page, {"x": x, "epsilon": 1e-1}, (y**2).sum(), {"x": slope}, 2e-5)


def sizes_alone() -> Edge:
    page = r"$$m = \frac{1}{N}\sum_{i=1}^N x_i, \quad L = N^2 m + (N-1) m^2$$"
    x = np.array([1, -2, 3, 0.5], np.longdouble)
    m = x.mean()
    return Edge(page, {"x": x}, 16 * m + 3 * m**2, {"x": np.full(4, 4 + 6 * m / 4)})


def cases() -> Edge:
    page = r"$$y_i = \begin{cases} x_i & x_i > 0 \\ 0 & \text{otherwise}\end{cases}, \quad L = \sum_{i=1}^N y_i$$"
    x = np.array([1, -2, 3, 0.5], np.longdouble)
    return Edge(page, {"x": x}, 4.5, {"x": x > 0})


def product() -> Edge:
    x = np.array([0.1, -0.2, 0.3], np.longdouble)
    value = np.exp(np.float32(0.1).astype(np.longdouble) + np.float32(-0.2) + np.float32(0.3))
    return Edge(r"$$P = \prod_{i=1}^N e^{x_i}$$", {"x": x}, value, {"x": np.full(3, value)})


EDGES = {f.__name__: f for f in (
    bce, smooth, mish, quotient, rows_of_zeros, equal_points, size_by_another_name, mean_of_squares, sizes_alone, cases,
    product,
)}  # fmt: skip
TARGETS = [
    pytest.param("numpy", id="numpy"),
    pytest.param(
        "c", id="c", marks=pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="no C compiler here")
    ),
    pytest.param("numba", id="numba", marks=pytest.mark.slow),
]


@cache
def kernel(name: str, target: Target) -> RunningKernel:
    if target == "numba":
        pytest.importorskip("numba")
    return derive.load(EDGES[name]().page).kernel(target)


def off(found: Any, wanted: Any) -> float:
    """The largest error over the largest value; infinite where something is no number."""
    found, wanted = np.asarray(found, np.longdouble), np.asarray(wanted, np.longdouble)
    assert found.shape == wanted.shape
    error = float(np.max(np.abs(found - wanted)) / np.max(np.abs(wanted)))
    return error if np.isfinite(error) else np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", EDGES)
def test_edges(name: str, target: Target, dtype: Any) -> None:
    edge, run = EDGES[name](), kernel(name, target)
    data = {key: value.astype(dtype) if np.ndim(value) else value for key, value in edge.data.items()}
    result, *_, saved = run.forward(**data)
    seeds = {label: np.ones_like(result) for label in run._upstream}
    gradients = run.backward(saved, **seeds)
    assert off(result, edge.result) <= edge.bound
    for key, wanted in edge.gradients.items():
        assert off(gradients[key], wanted) <= edge.bound, key


def test_a_long_row_in_float32() -> None:
    """Rows of 32768 at mean 100 and deviation 0.01: sums go on in float64."""
    page = r"""$$\mu_n = \frac1D \sum_{d=1}^D x_{nd}, \quad v_n = \frac1D\sum_{d=1}^D (x_{nd}-\mu_n)^2,
\quad y_{nd} = \frac{x_{nd}-\mu_n}{\sqrt{v_n+\epsilon}}$$"""
    x, g = statistics(100, 0.01, (4, 32768)), statistics(0, 1, (4, 32768), seed=4)
    s = np.sqrt(x.var(1, keepdims=True) + np.longdouble(1e-5))
    y = (x - x.mean(1, keepdims=True)) / s
    slope = (g - g.mean(1, keepdims=True) - y * (g * y).mean(1, keepdims=True)) / s
    run = derive.load(page).kernel("numpy")
    found, saved = run.forward(x=x.astype(np.float32), epsilon=1e-5)
    gradients = run.backward(saved, y=g.astype(np.float32))
    assert off(found, y) <= 5e-7 and off(gradients["x"], slope) <= 5e-7


def graph_of(page: str) -> Graph:
    return derive.load(page).graph


def test_what_is_rewritten_and_what_is_not() -> None:
    graph = graph_of(bce().page)
    loss = stable(graph, graph.size_names).by_name["\\ell"].expr
    assert loss.has(softplus) and not loss.has(sympy.log)
    other = graph_of(r"$$y_i = \log(2+e^{x_i}), \quad z_i = \frac{1}{1 + e^{x_i} + e^{2 x_i}}$$")
    assert not any(d.expr.has(softplus, sigmoid) for d in stable(other, other.size_names).definitions)
