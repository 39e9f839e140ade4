"""Kernels: what is emitted computes what was proved, to the last digits, whatever the arrays look like."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kernel_cases import SIZES, error, inputs, kernel, lowered, norm_in_longdouble, problem, reference, run, source

import derive
from derive.cli import main
from derive.kernels.axes import NotLowerable
from derive.kernels.build import CannotBuild
from derive.kernels.kernel import RunningKernel, Target, module_from, proved_source, running
from derive.kernels.names import RESERVED, Names, comment, identifier
from derive.kernels.program import Number, Step, Sum
from derive.kernels.prose import folded
from derive.kernels.readback import NotProved, prove
from derive.kernels.verify import verify
from derive.library import layer_names

LAYERS = layer_names()
NORMS = ("batchnorm", "layernorm", "rmsnorm", "softmax")
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler")
TARGETS = [
    pytest.param("numpy", id="numpy"),
    pytest.param("c", id="c", marks=needs_compiler),
    pytest.param("numba", id="numba", marks=pytest.mark.slow),  # compiling takes seconds a function
]


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled kernels go to a folder of this run."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DERIVE_CACHE", str(tmp_path_factory.mktemp("kernels")))
    yield
    patch.undo()


def need(target: str) -> Target:
    if target == "numba":
        pytest.importorskip("numba")
    return target  # type: ignore[return-value]


# -- proofs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", LAYERS)
def test_what_a_kernel_computes_is_proved(layer: str) -> None:
    made = lowered(layer)
    proof = prove(made)
    assert set(proof.results) == {o.label for o in made.kernel.forward.results}
    assert set(proof.gradients) == {o.label for o in made.kernel.backward.results}


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("layer", ["batchnorm", "layernorm", "softmax", "linear"])
def test_a_changed_program_is_not_proved(layer: str, direction: str) -> None:
    """Twice and one more in any one step of a program, and the proof fails: no step is idle, none escapes it."""
    made = lowered(layer)
    program = getattr(made.kernel, direction)
    for k, step in enumerate(program.steps):
        if step.kind in ("near", "rounded", "max"):
            continue  # on these no result depends
        changed = replace(step, value=Sum(((True, step.value), (True, step.value), (True, Number(Fraction(1))))))
        steps = (*program.steps[:k], changed, *program.steps[k + 1 :])
        kernel = replace(made.kernel, **{direction: replace(program, steps=steps)})
        with pytest.raises(NotProved):
            prove(replace(made, kernel=kernel))


def test_the_rule_for_centred_quantities_is_an_identity() -> None:
    """The identities of `derive.kernels.centred`, for every hi."""
    text = r"""
$\mu = \frac{1}{N} \sum_{i=1}^N x_i$ and $s = \sum_{i=1}^N f_i (x_i - \mu)$
and $v = \frac{1}{N} \sum_{i=1}^N (x_i - \mu)^2$
with a number $h$. Then
$$s = \sum_{i=1}^N f_i (x_i - h) - (\mu - h) \sum_{i=1}^N f_i$$
$$v = \frac{1}{N} \sum_{i=1}^N (x_i - h)^2 - (\mu - h)^2$$
$$\mu - h = \frac{1}{N} \sum_{i=1}^N (x_i - h)$$
"""
    checked = derive.check(text)
    assert [s.status for s in checked.statements if s.status != "assumed"] == ["proved"] * 3


# -- numbers ---------------------------------------------------------------------------------------------------------


def compare(layer: str, target: Target, sizes: dict[str, int], tolerance: float = 1e-11) -> None:
    """Outputs and gradients against the graph evaluated without programs."""
    found = kernel(layer, target)
    given = inputs(found.program, sizes)
    outputs, upstream, gradients = run(found, given)
    exact = reference(layer, given, upstream)
    for output in found.program.forward.results:
        expected = exact.value(output.key)
        np.testing.assert_allclose(outputs[output.label], expected, rtol=tolerance, atol=_scale(expected) * tolerance)
    for output in found.program.backward.results:
        expected = exact.gradient(output.key)
        got = gradients[output.label]
        assert np.shape(got) == expected.shape
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=_scale(expected) * tolerance)


def _scale(values: Any) -> float:
    finite = np.abs(values)[np.isfinite(values)]
    return float(max(1.0, finite.max(initial=0.0)))


def sizes_of(layer: str) -> list[str]:
    program = lowered(layer).kernel.forward
    return list(dict.fromkeys(program.sizes[a] for array in program.arrays for a in array.axes))


def each_size(layers: tuple[str, ...], values: tuple[int, ...]) -> list[Any]:
    return [pytest.param(layer, n, id=f"{layer}-{n}") for layer in layers for n in values]


@pytest.mark.parametrize("layer", LAYERS)
def test_numpy_gives_the_values_of_the_graph(layer: str) -> None:
    compare(layer, "numpy", {})


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("layer", "n"), each_size(NORMS, SIZES))
def test_every_size_of_each_axis(layer: str, n: int, target: str) -> None:
    for name in sizes_of(layer):
        compare(layer, need(target), {name: n}, 1e-9 if n > 64 else 1e-10)


def test_numba_gives_the_values_of_the_graph() -> None:
    compare("l2norm", need("numba"), {})
    compare("l2norm", need("numba"), {"I": 1000})


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("layer", "n"), each_size(LAYERS, SIZES))
def test_every_size_of_each_axis_of_every_layer(layer: str, n: int, target: str) -> None:
    singular = {("batchnorm_bessel", 1): "N", ("standardize", 1): "N"}
    for name in sizes_of(layer):
        if singular.get((layer, n)) != name:  # there a deviation is 0/0
            compare(layer, need(target), {name: n}, 1e-8)


@pytest.mark.parametrize("layer", LAYERS)
def test_gradients_agree_with_central_differences(layer: str) -> None:
    found = kernel(layer)
    given = inputs(found.program, {}, seed=3)
    _, upstream, gradients = run(found, given)

    def loss(values: dict[str, Any]) -> float:
        *results, _ = found.forward(**values)
        labels = [o.label for o in found.program.forward.results]
        return sum(float(np.sum(r * upstream.get(n, 1.0))) for n, r in zip(labels, results, strict=True))

    for name, gradient in gradients.items():
        expected = np.zeros(np.shape(gradient))
        for at in np.ndindex(expected.shape):
            expected[at] = _slope(lambda v, name=name: loss({**given, name: v}), given[name], at)  # type: ignore[misc]
        assert error(gradient, expected) < 1e-6


def _slope(function: Callable[[Any], float], value: Any, at: tuple[int, ...], step: float = 1e-5) -> float:
    sides = []
    for sign in (1, -1):
        moved = np.array(value, float)
        moved[at] += sign * step
        sides.append(function(moved if at else float(moved)))
    return (sides[0] - sides[1]) / (2 * step)


# -- accuracy --------------------------------------------------------------------------------------------------------

DATA = [(0.3, 1.5), (1e4, 1.0), (1e4, 0.01)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("rows", [8192, pytest.param(65536, marks=pytest.mark.slow)])
@pytest.mark.parametrize("upstream_mean", [0.0, 1.0])
@pytest.mark.parametrize(("mean", "deviation"), DATA)
def test_float32_is_exact_to_the_last_digits(
    mean: float, deviation: float, upstream_mean: float, rows: int, target: str
) -> None:
    """Where a saved mean in float32 loses up to all digits: error 5e-7 of the largest value, in everything."""
    random = np.random.default_rng(rows)
    x = (mean + deviation * random.normal(size=(rows, 16))).astype(np.float32)
    dy = (upstream_mean + random.normal(size=x.shape)).astype(np.float32)
    for layer, axis, (a, b) in (("batchnorm", 0, (x, dy)), ("layernorm", 1, (x.reshape(-1, 512), dy.reshape(-1, 512)))):
        gamma, beta = (random.normal(size=a.shape[1]).astype(np.float32) for _ in range(2))
        found = kernel(layer, need(target))
        y, saved = found.forward(x=a, gamma=gamma, beta=beta, epsilon=1e-5)
        gradients = found.backward(saved, y=b)
        expected, by = norm_in_longdouble(a, gamma, beta, 1e-5, b, axis)
        assert y.dtype == np.float32
        assert error(y, expected) < 5e-7
        for name, values in by.items():
            assert gradients[name].dtype == np.float32
            assert error(gradients[name], values) < 5e-7, name


@pytest.mark.parametrize("target", TARGETS)
def test_float64_is_exact_to_the_last_digits(target: str) -> None:
    random = np.random.default_rng(0)
    x, dy = 1e4 + 0.01 * random.normal(size=(4096, 4)), 1 + random.normal(size=(4096, 4))
    gamma, beta = random.normal(size=4), random.normal(size=4)
    found = kernel("batchnorm", need(target))
    y, saved = found.forward(x=x, gamma=gamma, beta=beta, epsilon=1e-5)
    expected, by = norm_in_longdouble(x, gamma, beta, 1e-5, dy, 0)
    assert error(y, expected) < 1e-14
    assert all(error(g, by[name]) < 1e-13 for name, g in found.backward(saved, y=dy).items())


@pytest.mark.parametrize("target", TARGETS)
def test_rows_that_repeat_do_not_mislead_the_sample(target: str) -> None:
    """Every 64th row is zero, the others lie at 10000: a sample with a period would see only the zeros."""
    random = np.random.default_rng(0)
    x = (1e4 + 0.01 * random.normal(size=(4096, 4))).astype(np.float32)
    x[::64] = 0
    ones = np.ones(4, np.float32)
    y, _ = kernel("batchnorm", need(target)).forward(x=x, gamma=ones, beta=0 * ones, epsilon=1e-5)
    expected, _ = norm_in_longdouble(x, ones, 0 * ones, 1e-5, x, 0)
    assert error(y, expected) < 5e-7


@pytest.mark.parametrize("target", TARGETS)
def test_float16_is_accumulated_in_more(target: str) -> None:
    random = np.random.default_rng(0)
    x, dy = (random.normal(3, 1, (300, 5)).astype(np.float16) for _ in range(2))
    ones = np.ones(5, np.float16)
    found = kernel("batchnorm", need(target))
    y, saved = found.forward(x=x, gamma=ones, beta=ones, epsilon=1e-3)
    gradients = found.backward(saved, y=dy)
    expected, by = norm_in_longdouble(x, ones, ones, 1e-3, dy, 0)
    assert y.dtype == np.float16 and all(g.dtype == np.float16 for g in gradients.values())
    assert error(y, expected) < 5e-4
    assert all(error(g, by[name]) < 1e-3 for name, g in gradients.items())


@pytest.mark.parametrize("target", TARGETS)
def test_softmax_in_float32_is_exact_to_the_last_digits(target: str) -> None:
    x = np.random.default_rng(0).normal(0, 3, (64, 1024)).astype(np.float32)
    s, _ = kernel("softmax", need(target)).forward(x=x)
    exact = np.exp(x.astype(np.longdouble) - x.max(1, keepdims=True))
    assert error(s, exact / exact.sum(1, keepdims=True)) < 2e-6


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("layer", ["softmax", "log_softmax"])
def test_large_logits_do_not_overflow(layer: str, target: str) -> None:
    if target == "c" and layer != "softmax":
        pytest.skip("one is enough for C")
    x = np.array([[1000.0, 999.0, -1000.0], [-800.0, -801.0, -802.0]], np.float32)
    (y, *_), _, gradients = _values(kernel(layer, need(target)), {"x": x})
    assert np.all(np.isfinite(y)) and np.all(np.isfinite(gradients["x"]))
    exact = np.exp(x.astype(np.longdouble) - x.max(1, keepdims=True))
    exact /= exact.sum(1, keepdims=True)
    np.testing.assert_allclose(y if layer == "softmax" else np.exp(y), exact.astype(float), rtol=1e-4, atol=1e-30)


def _values(found: RunningKernel, given: dict[str, Any]) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    outputs, upstream, gradients = run(found, given)
    return list(outputs.values()), upstream, gradients


# -- arrays of all kinds ---------------------------------------------------------------------------------------------


def fortran(a: Any) -> Any:
    return np.asfortranarray(a)


def sliced(a: Any) -> Any:
    wide = np.zeros([2 * n for n in a.shape], a.dtype)
    wide[tuple(slice(None, None, 2) for _ in a.shape)] = a
    return wide[tuple(slice(None, None, 2) for _ in a.shape)]


def backwards(a: Any) -> Any:
    every = tuple(slice(None, None, -1) for _ in a.shape)
    return np.ascontiguousarray(a[every])[every]


def frozen(a: Any) -> Any:
    copy = a.copy()
    copy.flags.writeable = False
    return copy


def misaligned(a: Any) -> Any:
    raw = np.zeros(a.nbytes + 1, np.uint8)
    view = raw[1:].view(np.uint8)[: a.nbytes].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shaped", [fortran, sliced, backwards, frozen, misaligned])
@pytest.mark.parametrize("layer", NORMS)
def test_layout_does_not_matter(layer: str, shaped: Callable[[Any], Any], target: str) -> None:
    found = kernel(layer, need(target))
    given = inputs(found.program, {})
    before = {n: np.copy(v) for n, v in given.items()}
    outputs, upstream, gradients = run(found, given)
    moved = {n: shaped(v) if np.ndim(v) else v for n, v in given.items()}
    *others, saved = found.forward(**moved)
    again = found.backward(saved, **{n: shaped(v) for n, v in upstream.items()})
    for expected, got in zip(outputs.values(), others, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(again[name], gradient, rtol=1e-12, atol=1e-13)
    for name, value in before.items():
        np.testing.assert_array_equal(given[name], value)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [250, 251, 1030])
def test_large_results_have_every_entry(width: int, dtype: Any, target: str) -> None:
    """Large results go past the cache; their rows begin anywhere in its lines. Rows of a softmax know nothing of each
    other, so that some at a time give the same."""
    found = kernel("softmax", need(target))
    x = np.random.default_rng(0).normal(size=(3 * 2**20 // width, width)).astype(dtype)
    s, saved = found.forward(x=x)
    assert target == "numpy" or s.ctypes.data % 64 == 0
    pieces = [found.forward(x=rows) for rows in np.array_split(x, 16)]
    np.testing.assert_allclose(s, np.concatenate([y for y, _ in pieces]), rtol=1e-6)
    backward = [
        found.backward(kept, s=rows)["x"] for (_, kept), rows in zip(pieces, np.array_split(x, 16), strict=True)
    ]
    np.testing.assert_allclose(found.backward(saved, s=x)["x"], np.concatenate(backward), rtol=1e-5, atol=1e-8)


# -- edges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("rows", "columns"), [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("layer", NORMS)
def test_axes_without_entries(layer: str, rows: int, columns: int, target: str) -> None:
    """Empty arrays in, empty arrays out; a gradient by a parameter that nothing uses is zero."""
    found = kernel(layer, need(target))
    x = np.zeros((rows, columns))
    vector = np.ones(columns)
    known = {"x": x, "gamma": vector, "beta": vector, "epsilon": 1e-5}
    given = {a.name: known[a.name] for a in found.program.forward.arrays}
    outputs, _, gradients = run(found, given)
    assert all(y.shape == x.shape for y in outputs.values())
    for name, gradient in gradients.items():
        assert gradient.shape == np.shape(given[name])
        assert not np.any(gradient)


@pytest.mark.parametrize("target", TARGETS)
def test_one_row_and_constant_columns(target: str) -> None:
    """A variance of zero: y is β, and nothing flows back to x."""
    found = kernel("batchnorm", need(target))
    gamma, beta, dy = np.array([2.0, 3.0]), np.array([5.0, 7.0]), np.array([[1.0, 2.0]])
    for rows in (1, 7):
        x = np.tile([[1e6 + 0.1, -3.0]], (rows, 1))
        y, saved = found.forward(x=x, gamma=gamma, beta=beta, epsilon=1e-5)
        gradients = found.backward(saved, y=np.tile(dy, (rows, 1)))
        np.testing.assert_allclose(y, np.tile(beta, (rows, 1)), rtol=1e-12)
        np.testing.assert_allclose(gradients["x"], 0, atol=1e-9)
        np.testing.assert_allclose(gradients["beta"], rows * dy[0])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_stays_in_its_column(bad: float, target: str) -> None:
    found = kernel("batchnorm", need(target))
    given = inputs(found.program, {"N": 300, "J": 20})
    clean, upstream, expected = run(found, given)
    given["x"][17, 3] = bad
    y, saved = found.forward(**given)
    gradients = found.backward(saved, **upstream)
    others = [j for j in range(20) if j != 3]
    np.testing.assert_allclose(y[:, others], clean["y"][:, others], rtol=1e-12)
    np.testing.assert_allclose(gradients["x"][:, others], expected["x"][:, others], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradients["gamma"][others], expected["gamma"][others], rtol=1e-9)
    assert np.all(np.isnan(y[:, 3])) and np.isnan(gradients["gamma"][3])


WRONG = [
    ({"x": np.ones((4, 3), int)}, "x has dtype int64; expected one of float16, bfloat16, float32, float64"),
    ({"x": np.ones(3)}, "x has shape (3,); expected 2 axes (N, J)"),
    ({"gamma": np.ones(4)}, "gamma has shape (4,); expected (J,) with J = 3"),
    ({"beta": np.ones((1, 3))}, "beta has shape (1, 3); expected 1 axis (J,)"),
    ({"gamma": np.ones(3, np.float32)}, "gamma has dtype float32, the arguments before it float64"),
    ({"epsilon": np.ones(3)}, "epsilon has shape (3,); expected a number"),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("change", "message"), WRONG)
def test_arguments_that_do_not_fit_are_named(change: dict[str, Any], message: str, target: str) -> None:
    given = {"x": np.ones((4, 3)), "gamma": np.ones(3), "beta": np.ones(3), "epsilon": 1e-5}
    with pytest.raises(ValueError) as caught:
        kernel("batchnorm", need(target)).forward(**{**given, **change})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("target", TARGETS)
def test_upstream_gradients_that_do_not_fit_are_named(target: str) -> None:
    found = kernel("batchnorm", need(target))
    _, saved = found.forward(x=np.ones((4, 3)), gamma=np.ones(3), beta=np.ones(3), epsilon=1e-5)
    with pytest.raises(ValueError, match=r"y has shape \(3, 4\); expected \(N, J\) with N = 4"):
        found.backward(saved, y=np.ones((3, 4)))
    with pytest.raises(ValueError, match="backward needs y; it takes y"):
        found.backward(saved)
    with pytest.raises(ValueError, match="backward has no argument z; it takes y"):
        found.backward(saved, y=np.ones((4, 3)), z=1)


def test_several_outputs_and_chosen_inputs() -> None:
    text = r"""
$$m = \frac{1}{N} \sum_{i=1}^N x_i, \quad y_i = a (x_i - m), \quad z_i = x_i^2$$
"""
    found = derive.load(text).kernel(wrt=["x"])
    x, dy, dz = np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, -2.0]), np.array([0.5, 1.0, 0.0])
    y, z, saved = found.forward(x=x, a=3.0)
    np.testing.assert_allclose(y, 3 * (x - x.mean()))
    np.testing.assert_allclose(z, x**2)
    gradients = found.backward(saved, y=dy, z=dz)
    assert list(gradients) == ["x"]
    np.testing.assert_allclose(gradients["x"], 3 * (dy - dy.mean()) + 2 * x * dz)


# -- names -----------------------------------------------------------------------------------------------------------

NAMES = {
    r"\gamma": "gamma",
    r"\hat{x}": "x_hat",
    r"\sigma^2": "sigma2",
    r"\bar{\mu}": "mu_bar",
    "x'": "x_prime",
    "γ": "gamma",
    r"\mathbf{W}": "W",
    r"\text{running mean}": "running_mean",
    "x_{\\text{max}}": "x_max",
    "": "v",
    "2x": "v2x",
    "__import__('os').system('x')": "import_primeos_prime_system_prim",
    '"); #': "v",
    "x\ny": "x_y",
    "é": "e",
    "变量": "v",
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_names_become_identifiers(name: str, expected: str) -> None:
    assert identifier(name) == expected
    assert identifier(name).isidentifier() and identifier(name).isascii()


def test_names_are_never_words_of_a_language_and_never_the_same() -> None:
    names = Names()
    given = [names.of(n) for n in (r"\lambda", "lambda", "np", "forward", r"\gamma", "gamma", "γ", "int", "exp")]
    assert len(set(given)) == len(given)
    assert not set(given) & RESERVED


HOSTILE = [
    r"\text{import os}",
    r"\text{__import__('os').system('true')}",
    r'\text{"""}',
    r"\text{*/ system(0); /*}",
    r"\text{lambda}",
    r"\text{np}",
    r"\text{forward}",
    r"\lambda",
    r"\text{self}",
    r"\text{exp}",
    r"\text{real}",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_can_not_become_code(name: str) -> None:
    mean = rf"{name}_n = \frac{{1}}{{D}} \sum_{{d=1}}^D x_{{nd}}"
    text = f'# A title */ """ system(0)\n\n$${mean}, \\quad y_{{nd}} = x_{{nd}} - {name}_n$$\n'
    try:
        loaded = derive.load(text)
    except derive.document.DocumentError:
        return
    if "y" not in loaded.definitions:
        return  # the reader refused the name
    source = loaded.kernel_source("numpy")
    tree = ast.parse(source)
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not called & {"system", "__import__", "eval", "exec"}
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported <= {"numpy", "math"}
    x = np.arange(6.0).reshape(2, 3)
    y, _ = loaded.kernel("numpy").forward(x=x)
    np.testing.assert_allclose(y, x - x.mean(1, keepdims=True))
    c = loaded.kernel_source("c")
    assert "system" not in c.replace(comment(loaded.title), "") or "system_" in c or "os_system" in c


@needs_compiler
@pytest.mark.parametrize("name", ["first", "last", "far", "put", "settle", "LINE", "line_y", "row_x", "own_sum_x"])
def test_names_of_generated_code_are_not_taken(name: str) -> None:
    name = name.replace("_", r"\_")
    mean = r"m_c = \frac{1}{N} \sum_{n=1}^N x_{nc}"
    found = derive.load(rf"$${mean}, \quad y_{{nc}} = \text{{{name}}}_c (x_{{nc}} - m_c)$$").kernel("c")
    x, two = np.random.default_rng(0).normal(size=(70, 3)), np.full(3, 2.0)
    y, saved = found.forward(**{a.name: x if a.name == "x" else two for a in found.program.forward.arrays})
    np.testing.assert_allclose(y, 2 * (x - x.mean(0)))
    np.testing.assert_allclose(found.backward(saved, y=x)["x"], 2 * (x - x.mean(0)))


def test_comments_hold_nothing_that_ends_them() -> None:
    for text in ('"""', "'''", "*/", "/*", "\\", "??/", "a\nb", "\u2028", "\u202e", "{x}", "%s"):
        assert not set(comment(text)) & set("\"'*\\?\n%\u2028\u202e")


# -- source ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["numpy", "c", "numba"])
@pytest.mark.parametrize("layer", ["batchnorm", "layernorm", "softmax"])
def test_sources(layer: str, target: Target, golden: Callable[[str, str], None]) -> None:
    suffix = "c" if target == "c" else "py"
    golden(f"kernels/{layer}_{target}.{suffix}", problem(layer).kernel_source(target))


@pytest.mark.parametrize("target", ["numpy", "numba"])
@pytest.mark.parametrize("layer", LAYERS)
def test_generated_modules_have_no_idle_names(layer: str, target: Target) -> None:
    tree = ast.parse(source(layer, target))
    for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        loaded = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        bound = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        arguments = {a.arg for a in (*function.args.args, *function.args.kwonlyargs)}
        idle = {name for name in (bound | arguments) - loaded if not name.startswith("_")}  # _: what a protocol passes
        assert not idle, f"{function.name}: {idle}"
    defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    assert defined - {"forward", "backward"} <= used
    imported = {(a.asname or a.name) for n in tree.body if isinstance(n, ast.Import) for a in n.names}
    assert imported <= used


@pytest.mark.parametrize("layer", LAYERS)
def test_lines_are_not_too_long(layer: str) -> None:
    for target in ("numpy", "c", "numba"):
        for line in source(layer, target).splitlines():  # type: ignore[arg-type]
            assert len(line) <= 120, line


@needs_compiler
@pytest.mark.parametrize("layer", ["batchnorm", "layernorm", "softmax", "gelu"])
def test_c_compiles_without_warnings(layer: str, tmp_path: Path) -> None:
    path = tmp_path / "kernel.c"
    path.write_text(source(layer, "c"), encoding="utf-8")
    assert COMPILER is not None
    flags = ["-std=gnu11", "-fopenmp", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    done = subprocess.run([COMPILER, *flags, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_a_compiler_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(CannotBuild, match=r"no C compiler was found .* use the NumPy target"):
        problem("softmax").kernel("c").forward(x=np.ones((2, 2)))


@pytest.mark.parametrize("layer", ["batchnorm", "mse", "attention"])
def test_the_command_verifies(layer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", layer, "--verify"]) == 0
    assert capsys.readouterr().out.endswith("All agree.\n")


def test_what_is_derived_by_hand_is_compared_term_by_term(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second gradient lacks the path through the mean, and is the only thing that does not agree."""
    path = tmp_path / "notes.md"
    path.write_text(
        r"""
$$\mu = \frac{1}{N} \sum_{i=1}^N x_i, \quad y_i = (x_i - \mu)^2$$

$$\frac{\partial L}{\partial x_i} = 2 \frac{\partial L}{\partial y_i} (x_i - \mu)
  + \frac{\partial L}{\partial \mu} \frac{1}{N}$$

$$\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i} 2 (x_i - \mu)$$
""",
        encoding="utf-8",
    )
    assert main(["kernel", str(path), "--verify"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "The kernel agrees with its reference; what is derived by hand (!) does not."
    rows = [line.split() for line in lines]
    hand = rows[rows.index(next(row for row in rows if row[:2] == ["line", "4"])) :]
    assert [row[:-1] for row in hand[:6]] == [
        ["line", "4", "dx"],
        ["directly"],
        ["through", "μ"],
        ["line", "7", "dx", "!"],
        ["directly"],
        ["through", "μ", "!"],
    ]
    assert hand[5][-1] == "alone"
    assert all(float(row[-1]) < 1e-12 for row in (*hand[:3], hand[4])) and float(hand[3][-1]) > 1e-3


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_kernel_that_computes_something_else_does_not_agree(direction: str) -> None:
    made = lowered("layernorm")
    found = kernel("layernorm")

    class Wrong:
        def forward(self, **inputs: Any) -> Any:
            y, saved = found.forward(**inputs)
            return y * (1.001 if direction == "forward" else 1), saved

        def backward(self, saved: Any, **upstream: Any) -> Any:
            return {
                n: g * (1.001 if direction == "backward" else 1) for n, g in found.backward(saved, **upstream).items()
            }

    assert verify(found, made).agrees
    report = verify(replace(found, module=Wrong()), made)
    assert not report.agrees
    assert report.text().endswith("Not all agree.\n")
    wrong = {line.name for line in report.lines if line.double > 1e-4}
    assert wrong == ({"y"} if direction == "forward" else {"dx", "dgamma", "dbeta"})


def test_the_command_writes_a_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "norm.py"
    assert main(["kernel", "layernorm", "--wrt", "x", "-o", str(path)]) == 0
    assert capsys.readouterr().out == ""
    text = path.read_text(encoding="utf-8")
    assert ast.parse(text) and "dgamma" not in text


REFUSED = [
    (["nowhere"], "there is no such file, and no layer of this name"),
    (["layernorm", "--wrt", "z"], "'z' is not in the forward pass"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_the_command_refuses(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", *arguments]) == 2
    assert message in capsys.readouterr().err


NO_KERNELS = [
    ("$$x$$", "no kernel: there is no forward pass."),
    ("$$x > 0$$", "no kernel: there is no forward pass."),  # y = x in a display is a forward pass
    ("$$y_i = 2$$", "no kernel: there is nothing to differentiate by."),
    ("$$y_i = 0^{x_i}$$", "no real value"),
]


@pytest.mark.parametrize("target", ["numpy", "c", "numba"])
@pytest.mark.parametrize(("text", "message"), NO_KERNELS)
def test_a_document_without_a_kernel(
    text: str, message: str, target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    assert main(["kernel", str(path), "--target", target]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert not captured.out


KERNELS = {
    "a sum in a sum, its letter unlike any axis": (
        r"$$s_w = \frac{\exp(\sum_{i=1}^D u_{wi} v_i)}{\sum_{x=1}^V \exp(\sum_{i=1}^D u_{xi} v_i)}$$"
    ),
    "a gradient with a centred value and a sum": (
        r"$$\mu = \frac{1}{N} \sum_{i=1}^N x_i$$ $$a_i = \gamma u_i$$"
        r"$$s = \sum_{i=1}^N (x_i - \mu) a_i$$ $$z_i = a_i u_i - \sum_{j=1}^N a_j$$"
    ),
    "an output that another one is computed from": (
        r"$$z_{ik} = \sum_{l=1}^D W_{kl} x_{il}$$ $$\mu_k = \frac{1}{m} \sum_{i=1}^m z_{ik}$$"
        r"$$\frac{\partial L}{\partial x_{il}} = \sum_k \frac{\partial L}{\partial z_{ik}} W_{kl}$$"
    ),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_of_a_document_agrees_with_its_graph(name: str, target: str) -> None:
    made = derive.load(KERNELS[name]).program()
    assert verify(running(made, need(target)), made).agrees


def test_an_entry_that_is_chosen_has_no_kernel() -> None:
    text = r"$$s_w = e^{x_w}$$ $$J = -\log s_o$$ $$\frac{\partial J}{\partial x_w} = -\delta_{wo}$$"
    assert derive.load(text).graph.selectors
    with pytest.raises(NotLowerable, match="no letter"):
        derive.load(text).kernel_source("numpy")


def test_numpy_has_no_single_entries_of_a_map() -> None:
    made = derive.load(r"$$\ell_{ij} = -\log \frac{\exp(s_{ij})}{\sum_{k \neq i} \exp(s_{ik})}$$").program()
    with pytest.raises(NotLowerable, match="C and Numba do"):
        proved_source(made, "numpy")
    assert "i == j" in proved_source(made, "c")


@pytest.mark.parametrize("length", range(1, 100))
def test_long_lines_of_code_are_broken_at_no_string_and_no_word(length: int) -> None:
    code = f'checked({{"{"x" * length}": (x, "N D E"), "mu": (mu, "N D")}}, {"n" * 2 * length}, 1e-05)'
    lines = folded(code, "", "    ")
    assert ast.dump(ast.parse("\n".join(lines))) == ast.dump(ast.parse(code))


def test_a_module_runs_without_derive(tmp_path: Path) -> None:
    (tmp_path / "norm.py").write_text(source("layernorm", "numpy"), encoding="utf-8")
    code = (
        "import sys, numpy as np, norm\n"
        "y, saved = norm.forward(np.arange(6.).reshape(2, 3), np.zeros(3), np.ones(3), 1e-5)\n"
        "assert not any(m.split('.')[0] in ('derive', 'sympy') for m in sys.modules)\n"
        "print(sorted(norm.backward(saved, y=y)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['beta', 'gamma', 'x']", done.stderr


@pytest.mark.slow
def test_numba_finds_again_what_it_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path))
    code = (
        "import numpy as np, derive.api, derive.library\n"
        "kernel = derive.api.LoadedProblem(derive.library.open_document('softmax')).kernel('numba')\n"
        "s, _ = kernel.forward(x=np.zeros((2, 4), np.float32))\n"
        "print(s[0, 0], sum(kernel.module._forward[np.float32].stats.cache_hits.values()))"
    )
    for hits in (0, 1):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.stdout.split() == ["0.25", str(hits)], done.stderr


@pytest.mark.slow
def test_the_benchmark_runs() -> None:
    script = Path(__file__).parent.parent / "benchmarks" / "kernels.py"
    options = ["--rounds", "2", "--threads", "1", "--only", "128×64 float32", "--who", "NumPy", "triad", "--no-errors"]
    done = subprocess.run([sys.executable, str(script), *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "batchnorm 128×64 float32, backward, 1 thread\n  NumPy" in done.stdout


def test_steps_are_frozen() -> None:
    step = lowered("softmax").kernel.forward.steps[0]
    assert isinstance(step, Step)
    with pytest.raises(AttributeError):
        step.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("target", ["numpy", "c", "numba"])
def test_a_kernel_that_differentiates_by_nothing_has_a_forward_pass(target: str) -> None:
    kernel = derive.load("$$y_i = 2 x_i$$").kernel(need(target), wrt=[])
    y, saved = kernel.forward(x=np.ones(3))
    assert list(y) == [2, 2, 2] and kernel.backward(saved) == {}


# -- the command -----------------------------------------------------------------------------------------------------


def test_a_library_that_was_cut_short_is_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from derive.kernels import build

    if not any(map(shutil.which, build.COMPILERS)):
        pytest.skip("no C compiler")
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path))
    source = "int seven(void) { return 7; }"
    assert build.library(source, "float").seven() == 7
    (path,) = tmp_path.glob("*.so")
    whole = path.read_bytes()
    other = tmp_path / "other.so"  # the loaded one stays as it is: only its name goes
    other.write_bytes(whole[: len(whole) // 2])
    other.replace(path)
    build.library(source, "float")
    assert path.read_bytes()[:64] == whole[:64] and len(path.read_bytes()) == len(whole)


def test_verify_with_an_output_writes_the_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "made.py"
    assert main(["kernel", "softmax", "--verify", "-o", str(path)]) == 0
    assert "All agree." in capsys.readouterr().out
    assert module_from(path.read_text(encoding="utf-8"), "made").forward


def test_the_suffix_chooses_the_language(tmp_path: Path) -> None:
    for name, language in (("made.c", "in C"), ("made.py", "in NumPy")):
        path = tmp_path / name
        assert main(["kernel", "softmax", "-o", str(path)]) == 0
        assert language in path.read_text(encoding="utf-8").splitlines()[0]


def test_a_module_that_does_not_run_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken emitter, so to speak."""
    from derive.kernels import numpy_target

    monkeypatch.setattr(numpy_target, "source", lambda kernel: "def forward(x):\n    return nothing, {}\n")
    assert main(["kernel", "softmax", "-o", str(tmp_path / "made.py")]) == 2
    assert not list(tmp_path.iterdir())
