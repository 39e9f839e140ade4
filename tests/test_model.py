"""Models from Python: gradients of gradients, tangents, and forward passes built from SymPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from oracle_differences import STEP, Oracle
from sympy import Eq, Idx, IndexedBase, Sum, Symbol, exp, sqrt, symbols

import derive
from derive.building import graph_of
from derive.forward import Definition, Graph, GraphError
from derive.gradient import NoDerivative
from derive.model import Model
from derive.steps import is_same

N = Symbol("N", integer=True, positive=True)
i, j = symbols("i j", integer=True)


# -- second gradients ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["batchnorm", "layernorm", "rmsnorm", "softmax", "standardize", "l2norm"])
@pytest.mark.parametrize("wrt", ["x", "g"])
def test_double_backward(layer: str, wrt: str) -> None:
    """By the data and by the upstream gradient, against central differences of the first gradient."""
    second = derive.load(layer).with_gradient("x")
    gradient = second.gradient(wrt)
    assert gradient.proved
    oracle = Oracle(second, 3)
    np.testing.assert_allclose(oracle.value(gradient), oracle.differences(wrt), rtol=1e-4, atol=1e-6)


def test_the_second_gradient_of_softmax() -> None:
    second = derive.load("softmax").with_gradient("x")
    assert second.definitions["\\bar{x}"].indices == (i, j)
    assert second.gradient("g").text() == "∂M/∂g_ij = s_ij (∂M/∂x̄_ij − Σ_k s_ik ∂M/∂x̄_ik)"


def test_a_gradient_that_uses_others_by_name_brings_them_along() -> None:
    second = derive.load("attention").with_gradient("Q", called="q")
    assert {"\\bar{S}", "q"} <= set(second.definitions)
    oracle = Oracle(second, 5)
    for wrt in ("Q", "V", "g"):
        np.testing.assert_allclose(
            oracle.value(second.gradient(wrt)), oracle.differences(wrt), rtol=1e-4, atol=1e-6, err_msg=wrt
        )


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(GraphError, match="s is taken"):
        derive.load("softmax").with_gradient("x", called="s")


# -- tangents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        ("batchnorm", ["x"]),
        ("batchnorm", ["x", "gamma", "beta"]),
        ("layernorm", ["x"]),
        ("softmax", ["x"]),
        ("attention", ["Q", "K", "V"]),
        ("mse", ["x"]),
        ("gelu", ["x"]),
    ],
)
def test_tangents_agree_with_differences(layer: str, names: list[str]) -> None:
    model = derive.load(layer)
    tangents = model.jvp(*names)
    oracle = Oracle(model, 11)
    random = np.random.default_rng(1)
    moved = {model.key(name): random.normal(size=oracle.inputs[model.key(name)].shape) for name in names}
    sides = [
        oracle.forward({k: v + step * moved.get(k, 0) for k, v in oracle.inputs.items()}) for step in (STEP, -STEP)
    ]
    values: dict[str, Any] = oracle.forward(oracle.inputs)
    values |= {f"\\dot{{{name}}}": change for name, change in moved.items()}
    for tangent in (*tangents.stages, *tangents.values()):
        values[tangent.name] = oracle.evaluated(tangent.closed_form, tangent.left, values)
    for output, tangent in tangents.items():
        expected = (sides[0][output] - sides[1][output]) / (2 * STEP)
        np.testing.assert_allclose(values[tangent.name], expected, rtol=1e-5, atol=1e-7)


def test_the_tangent_of_batch_norm_is_compact() -> None:
    (tangent,) = derive.load("batchnorm").jvp("x").values()
    assert tangent.text() == "ẏ_ij = γ_j/(N √(σ_j² + ε)) (N ẋ_ij − Σ_k ẋ_kj − x̂_ij Σ_k ẋ_kj x̂_kj)"
    assert tangent.proved


# -- what a notebook shows -------------------------------------------------------------------------------------------


def test_a_gradient_shows_itself() -> None:
    gradient = derive.load("softmax").gradient("x")
    bundle = gradient._repr_mimebundle_()
    assert bundle["text/plain"] == "∂L/∂x_ij = s_ij (g_ij − Σ_k s_ik g_ik)"
    assert bundle["text/latex"] == gradient._repr_latex_()
    assert gradient._repr_latex_().startswith("$\\displaystyle \\frac{\\partial L}{\\partial x_{ij}} = ")
    assert repr(gradient) == f"<Gradient {bundle['text/plain']}>"
    assert gradient.markdown().startswith("# Softmax\n")
    assert gradient.name == "x"
    assert [step.proved for step in gradient.steps] == [True] * len(gradient.steps)


def test_a_gradient_that_does_not_exist_is_said() -> None:
    model = derive.load("softmax")
    with pytest.raises(KeyError, match="'w' is not in the forward pass"):
        model.gradient("w")
    with pytest.raises(NoDerivative):
        model.of("x")


# -- building --------------------------------------------------------------------------------------------------------


def batchnorm_in_python() -> Model:
    x, mu, var, xhat, y, gamma, beta = map(IndexedBase, ["x", "mu", r"\sigma^2", "x_hat", "y", "gamma", "beta"])
    eps = Symbol("epsilon", positive=True)
    return derive.build(
        [
            (mu[j], Sum(x[i, j], (i, 1, N)) / N),
            Eq(var[j], Sum((x[i, j] - mu[j]) ** 2, (i, 1, N)) / N),
            (xhat[i, j], (x[i, j] - mu[j]) / sqrt(var[j] + eps)),
            (y[i, j], gamma[j] * xhat[i, j] + beta[j]),
        ]
    )


def same(first: Definition, second: Definition) -> bool:
    """Whether two definitions say the same, their summed letters and unnamed sizes apart."""
    sizes = dict(zip(second.sizes, first.sizes, strict=True))
    return (
        first.name == second.name
        and first.indices == second.indices
        and is_same(first.expr, second.expr.xreplace(sizes))
    )


def test_a_document_and_python_give_the_same_graph() -> None:
    built, read = batchnorm_in_python().graph, derive.load("batchnorm").graph
    assert [d.name for d in built.definitions] == [d.name for d in read.definitions]
    for first, second in zip(built.definitions, read.definitions, strict=True):
        assert same(first, second), first.name
    assert built.positive == read.positive == {"\\epsilon"}
    assert built.outputs == read.outputs
    assert set(built.inputs) == set(read.inputs)
    assert all(len(read.sizes_of(name)) == len(sizes) for name, sizes in built.sizes.items())


def test_both_give_the_same_gradient() -> None:
    built = batchnorm_in_python().gradient("x").text().replace("∂L/∂y", "g")
    assert built == derive.load("batchnorm").gradient("x").text()


def test_idx_gives_the_sizes_of_axes() -> None:
    k, n = Idx("k", N), Idx("n", N)
    x, y = IndexedBase("x"), IndexedBase("y")
    z = Symbol("Z")
    model = derive.build([(z, Sum(exp(x[k]), (k, 0, N - 1))), (y[n], exp(x[n]) / z)])
    assert model.gradient("x").text() == "∂L/∂x_n = y_n (∂L/∂y_n − Σ_k y_k ∂L/∂y_k)"


def test_a_loss_is_differentiated_where_it_is_defined() -> None:
    x, t, loss = IndexedBase("x"), IndexedBase("t"), Symbol("L")
    model = derive.build([(loss, Sum((x[i] - t[i]) ** 2, (i, 1, N)) / N)])
    assert model.gradient("x").text() == "∂L/∂x_i = 2/N (x_i − t_i)"


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ([(Symbol("a"), Symbol("b")), (Symbol("b"), Symbol("a"))], "circle"),
        ([(Symbol("a"), Symbol("b")), (Symbol("a"), Symbol("c"))], "defined twice"),
        ([(IndexedBase("a")[i, i], Symbol("b"))], "different indices"),
        ([(IndexedBase("a")[i], IndexedBase("b")[i, j]), (Symbol("c"), IndexedBase("b")[j])], "indices here"),
        ([(Symbol("a") + 1, Symbol("b"))], "is not a name"),
    ],
)
def test_what_is_no_forward_pass_is_refused(equations: list[tuple[sympy.Expr, sympy.Expr]], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        graph_of(equations)


def test_a_sum_over_a_part_of_an_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="begins at 2"):
        graph_of([(Symbol("s"), Sum(IndexedBase("x")[i], (i, 2, N)))])


def test_a_sum_from_zero_is_numbered_from_one_unless_the_number_counts() -> None:
    x = IndexedBase("x")
    assert graph_of([(Symbol("s"), Sum(x[i], (i, 0, N - 1)))]).sizes_of("x") == (N,)
    with pytest.raises(ValueError, match="begins at 0"):
        graph_of([(Symbol("s"), Sum(i * x[i], (i, 0, N - 1)))])


def test_names_become_latex() -> None:
    graph = graph_of([(Symbol("sigma_hat"), Symbol("alpha") * Symbol("w"))])
    assert isinstance(graph, Graph)
    assert list(graph.by_name) == ["\\hat{\\sigma}"]
    assert set(graph.inputs) == {"\\alpha", "w"}
