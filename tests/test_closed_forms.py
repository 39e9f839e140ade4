"""Closed forms: those that people publish, for every layer; right by central differences, and by torch where it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product

import numpy as np
import pytest
from graphs import SIZES
from oracle_differences import Oracle
from passes import PASSES
from random_graphs import random_graph

import derive
from derive.api import LoadedProblem, read
from derive.library import layer_names
from derive.model import Model
from derive.typeset import Typesetter

PUBLISHED = {
    "batchnorm": [
        "∂L/∂x_ij = γ_j/(N √(σ_j² + ε)) (N g_ij − Σ_k g_kj − x̂_ij Σ_k x̂_kj g_kj)",
        "∂L/∂γ_j = Σ_i x̂_ij g_ij",
        "∂L/∂β_j = Σ_i g_ij",
    ],
    "batchnorm_bessel": ["∂L/∂x_ij = γ_j/√(s_j² + ε) (g_ij − 1/N Σ_k g_kj − x̂_ij/(N − 1) Σ_k x̂_kj g_kj)"],
    "layernorm": ["∂L/∂x_ij = 1/(D √(σ_i² + ε)) (D γ_j g_ij − Σ_k γ_k g_ik − x̂_ij Σ_k γ_k x̂_ik g_ik)"],
    "rmsnorm": ["∂L/∂x_ij = r_i (γ_j g_ij − r_i² x_ij/D Σ_k γ_k x_ik g_ik)"],
    "l2norm": ["∂L/∂x_ij = 1/n_i (g_ij − y_ij Σ_k y_ik g_ik)"],
    "weightnorm": ["∂L/∂v_jk = γ_j/n_j (g_jk − v_jk/n_j² Σ_l v_jl g_jl)", "∂L/∂γ_j = 1/n_j Σ_k v_jk g_jk"],
    "cosine_similarity": ["∂L/∂a_ij = g_i/p_i (b_ij/q_i − a_ij c_i/p_i)"],
    "standardize": ["∂L/∂x_ij = 1/(N σ_j) (N g_ij − Σ_k g_kj − z_ij Σ_k z_kj g_kj)"],
    "softmax": ["∂L/∂x_ij = s_ij (g_ij − Σ_k s_ik g_ik)"],
    "log_softmax": ["∂L/∂x_ij = g_ij − s_ij Σ_k g_ik"],
    "softmax_cross_entropy": ["∂L/∂x_ij = g_i (s_ij Σ_k t_ik − t_ij)"],
    "sigmoid_bce": ["∂L/∂x_i = g_i (p_i − t_i)"],
    "silu": ["∂L/∂x_i = g_i (s_i + y_i (1 − s_i))"],
    "attention": [
        "∂L/∂Q_ik = 1/√d Σ_j K_jk ∂L/∂S_ij",
        "∂L/∂K_jk = 1/√d Σ_i Q_ik ∂L/∂S_ij",
        "∂L/∂V_jl = Σ_i P_ij g_il",
        "∂L/∂S_ij = P_ij (Σ_l V_jl g_il − Σ_l O_il g_il)",
    ],
}
"""By layer, what `Gradient.text` is; a form that is simpler still may take its place here."""


@cache
def model(name: str) -> Model:
    return LoadedProblem(read(name if name in layer_names() else PASSES[name]))


@pytest.mark.parametrize(("layer", "form"), [(layer, form) for layer, forms in PUBLISHED.items() for form in forms])
def test_the_published_form(layer: str, form: str) -> None:
    by = form.split("_")[0].removeprefix("∂L/∂")
    names = {"γ": "gamma", "β": "beta"}
    assert model(layer).gradient(names.get(by, by)).text() == form


@pytest.mark.parametrize(("name", "seed"), [*product(layer_names(), (0, 1)), *product(PASSES, (2,))])
def test_central_differences_agree(name: str, seed: int) -> None:
    found = model(name)
    letters = found.graph.size_names
    oracle = Oracle(found, seed, **{letter: 3 + (k + seed) % 3 for k, letter in enumerate(letters)})
    if name == "trimmed-weights":  # which add up to one: by them there are no differences
        oracle.inputs["w"] /= oracle.inputs["w"].sum()
    for wrt in found.graph.inputs:
        if name == "trimmed-weights" and wrt == "w":
            continue
        expected = oracle.differences(wrt)
        actual = oracle.value(found.gradient(wrt))
        np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-7, err_msg=f"{name} by {wrt}, seed {seed}")


def test_the_closed_form_needs_no_more_than_the_published_one() -> None:
    gradient = derive.load("batchnorm").gradient("x")
    assert len(gradient.reductions) == 2
    assert gradient.form.operations == 12
    assert len(derive.load("softmax").gradient("x").reductions) == 1
    assert len(derive.load("rmsnorm").gradient("x").reductions) == 1


def test_targets_that_add_up_to_one_shorten_the_form() -> None:
    text = r"""
<!-- given: \sum_{j=1}^C t_{ij} = 1 -->
$$s_{ij} = \frac{e^{x_{ij}}}{\sum_{j=1}^C e^{x_{ij}}}$$
$$\ell_i = -\sum_{j=1}^C t_{ij} \log s_{ij}$$
"""
    assert derive.load(text).gradient("x").text().endswith("= ∂L/∂ℓ_i (s_ij − t_ij)")


# -- torch -----------------------------------------------------------------------------------------------------------


def _torch_layers() -> dict[str, Callable[..., object]]:
    import torch
    from torch.nn import functional as F

    return {
        "batchnorm": lambda x, gamma, beta, epsilon: F.batch_norm(
            x, None, None, gamma, beta, training=True, eps=float(epsilon)
        ),
        "layernorm": lambda x, gamma, beta, epsilon: F.layer_norm(x, x.shape[-1:], gamma, beta, eps=float(epsilon)),
        "rmsnorm": lambda x, gamma, epsilon: F.rms_norm(x, x.shape[-1:], gamma, eps=float(epsilon)),
        "softmax": lambda x: torch.softmax(x, -1),
        "log_softmax": lambda x: torch.log_softmax(x, -1),
        "l2norm": lambda x: F.normalize(x, dim=-1),
        "gelu": lambda x: F.gelu(x),
        "silu": lambda x: F.silu(x),
        "linear": lambda x, W, b: x @ W + b,
        "attention": lambda Q, K, V: F.scaled_dot_product_attention(Q[None], K[None], V[None])[0],
    }


@pytest.mark.parametrize(
    "name",
    ["batchnorm", "layernorm", "rmsnorm", "softmax", "log_softmax", "l2norm", "gelu", "silu", "linear", "attention"],
)
def test_torch_agrees(name: str) -> None:
    torch = pytest.importorskip("torch")
    found = model(name)
    oracle = Oracle(found, 7)
    inputs = {
        key.lstrip("\\"): torch.tensor(value, dtype=torch.float64, requires_grad=key != "\\epsilon")
        for key, value in oracle.inputs.items()
    }
    output = _torch_layers()[name](**inputs)
    (weights,) = oracle.upstream.values()
    output.backward(torch.tensor(weights))  # type: ignore[attr-defined]
    for key in oracle.inputs:
        if key != "\\epsilon":
            expected = inputs[key.lstrip("\\")].grad.numpy()
            np.testing.assert_allclose(oracle.value(found.gradient(key)), expected, rtol=1e-9, atol=1e-11)


# -- forward passes drawn at random ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_random_forward_passes(seed: int) -> None:
    """Closed forms of whatever comes along agree with differences, and all steps that lead to them are proved."""
    graph, data = random_graph(seed)
    found = Model(graph, Typesetter(), graph.size_names)
    oracle = Oracle(found, seed, **SIZES)
    oracle.inputs.update({name: np.asarray(value) for name, value in data.items() if name in oracle.inputs})
    for wrt in found.differentiable():
        gradient = found.gradient(wrt)
        assert gradient.proved
        expected = oracle.differences(wrt)
        scale = max(1.0, float(np.max(np.abs(expected))))
        np.testing.assert_allclose(oracle.value(gradient), expected, rtol=2e-3, atol=1e-4 * scale)
