"""The whitelist means what the libraries mean: its functions beside those of torch and JAX, where installed."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

from derive.code.concrete import NotRunnable, run

TORCH = """
x.sum() | x.sum(0) | x.sum(dim=1, keepdim=True) | x.sum((0, 1)) | torch.sum(x, 1) | x.mean(-1, keepdim=True)
x.prod(1) | x.var(0) | x.var(1, unbiased=False) | x.var(0, False) | x.var(1, True, True)
x.std(dim=1, keepdim=True) | x.var() | x.var(dim=1, correction=0) | torch.var(x, 0) | x.std(unbiased=False)
torch.std(x, dim=0) | x.max() | x.max(1)[0] | x.max(1).values | x.max(1, keepdim=True).indices | x.min(dim=0)[1]
torch.max(x, w) | x.amax((0, 1)) | torch.max(x, 1)[1] | x.argmax(1) | x.argmin()
x.argmax(dim=-1, keepdim=True) | torch.maximum(x, w) | torch.minimum(x, w) | x.t() | x.T | x.transpose(0, 1)
z.permute(2, 0, 1) | z.transpose(1, 2) | z.transpose(-1, 0) | z.mT | x.view(-1) | x.view(3, 2) | x.reshape(6)
x.reshape(-1, 1) | z.flatten(1) | z.flatten() | torch.flatten(z, 0, 1) | x.unsqueeze(1) | x[:, None].squeeze()
x.unsqueeze(-1).squeeze(-1) | z.squeeze(0) | x.size() | x.size(0) | x.numel() | x.dim() | len(x) | x.shape[-1]
z.size(-1) | x.exp() | x.abs().log() | torch.log1p(x.abs()) | x.pow(2) | x ** 3 | x.abs().sqrt()
x.abs().rsqrt() | torch.rsqrt(x.abs()) | x.sigmoid() | torch.tanh(x) | x.relu() | F.relu(x)
F.softmax(x, dim=1) | x.softmax(0) | torch.softmax(x, dim=-1) | x.log_softmax(1) | F.log_softmax(x, dim=0)
x.logsumexp(1) | torch.logsumexp(x, dim=(0, 1)) | x.logsumexp(0, keepdim=True) | F.gelu(x)
F.gelu(x, approximate='tanh') | F.silu(x) | F.softplus(x) | F.leaky_relu(x, 0.2) | F.elu(x) | F.logsigmoid(x)
torch.erf(x) | x.erf() | x.clamp(min=0) | x.clamp(-0.5, 0.5) | torch.clamp(x, max=0.1) | x.sign() | x.floor()
x.neg() | x @ w.T | torch.mm(x, w.t()) | torch.matmul(z, w.T) | torch.bmm(z, z.transpose(1, 2))
torch.einsum('ij,kj->ik', x, w) | torch.outer(v, v) | torch.dot(v, v) | torch.addmm(x, torch.eye(2), w)
F.linear(x, w) | F.linear(x, w, w[:, 0]) | torch.cat([x, w], dim=1) | torch.cat((x, w))
torch.stack([x, w], dim=1) | x.chunk(2, dim=0)[1] | x.split(2, dim=1)[1] | torch.split(x, [1, 2], dim=1)[1]
x.repeat(2, 1) | x.repeat_interleave(2, dim=0) | x[:1].expand(4, 3) | x[:1].expand_as(w)
x[:, :1].expand(-1, 3) | torch.where(x > 0, x, w) | (x > 0).float() | (x > 0).sum() | ~(x > 0)
x.masked_fill(x > 0, 7.0) | x.gather(1, k) | torch.gather(x, 0, torch.zeros(1, 3).long())
F.one_hot(k[:, 0], 3) | x[torch.arange(2), k[:, 0]] | torch.zeros(2, 3) | torch.ones(2)
torch.full((2, 2), 3.0) | torch.arange(3) | torch.eye(2) | torch.zeros_like(x) | x.new_zeros(2, 2)
torch.tensor([1.0, 2.0]) | torch.tensor(3) | torch.linspace(0, 1, 3) | x.norm() | x.norm(dim=1, keepdim=True)
x.norm(p=1, dim=0) | torch.norm(x, dim=1) | F.normalize(x, dim=1) | F.mse_loss(x, w)
F.cross_entropy(x, k[:, 0]) | F.cross_entropy(x, k[:, 0], reduction='sum')
F.nll_loss(F.log_softmax(x, 1), k[:, 0]) | F.l1_loss(x, w)
F.binary_cross_entropy_with_logits(x, (w > 0).double())
F.binary_cross_entropy(torch.sigmoid(x), (w > 0).double()) | F.pad(x, (1, 2)) | F.pad(x, (0, 1, 2, 0))
F.layer_norm(x, (3,)) | F.layer_norm(x, x.shape[-1:], w[0], w[1], 1e-3) | x.cumsum(1) | x.flip(1)
torch.triu(z[0]) | torch.tril(z[0], -1) | torch.diag(v) | x.to(torch.float64) | x.long() | x.type_as(w)
x.clone().add_(w) | x.clone().mul_(2) | x.clone().zero_() | x.clone().sub_(w, alpha=2) | x.clone().div_(w)
x.add(w, alpha=3) | x.clone().scatter_(1, k, 5.0) | x.clone().scatter_add_(1, k, w)
x.clone().index_add_(0, k[:, 0], w) | x.clone().fill_(2.0) | x.clone().clamp_(min=0)
x.clone().masked_fill_(x > 0, 0) | x.index_select(1, k[:, 0]) | torch.lerp(x, w, 0.3)
x.addcmul(x, w, value=0.5) | torch.atan2(x, w) | x.eq(w) | x.gt(0) | x.any() | (x > 0).all(1) | x.swapaxes(0, 1)
x.mul(w) | 1 - x | 2 / w | x // 0.3 | x % 0.7 | -x | x / x.shape[0] | x[:, 1:] | x[..., 0] | x[None].shape
x[k[:, 0] > 0] | x[[1, 0]] | x.sum().item() | x.tolist() | x.contiguous().view(-1) | x.t().contiguous().view(-1)
x.sum(axis=1) | x.mean(axis=0, keepdims=True)
"""

TORCH_REFUSES = """
x.t().view(-1) | x.view(4) | x.expand(3, 3) | 1 - (x > 0) | (x > 0) - (w > 0) | x[::-1] | torch.mm(x, w)
torch.mm(z, z) | x @ w | x + w.T | k.mean() | x[5] | x.view(-1, 4) | torch.cat([x, w.T]) | x.clone().add_(z)
k.clone().add_(0.5) | torch.dot(x, w) | x.split([1, 1], dim=1) | F.one_hot(k[:, 0], 1) | z.t2() | x.sum(5)
x.nothing | F.layer_norm(x, (2,))
"""

JAX = """
jnp.sum(x, axis=0) | x.sum(1) | jnp.mean(x, axis=1, keepdims=True) | jnp.var(x, axis=0) | x.std(1)
jnp.max(x, axis=1) | x.T @ w | jnp.exp(x) | jnp.log1p(jnp.abs(x)) | jnp.where(x > 0, x, w) | jnp.maximum(x, 0)
jnp.clip(x, -0.5, 0.5) | jnp.einsum('ij,kj->ik', x, w) | x.at[0].set(1.0) | x.at[:, 1].add(w[:, 0])
x.at[k[:, 0], k[:, 0]].add(2.0) | x.at[0, 1].multiply(3.0) | jnp.zeros_like(x).at[k[:, 0]].add(w)
jax.nn.sigmoid(x) | jax.nn.relu(x) | jax.nn.softmax(x) | jax.nn.softmax(x, axis=0)
jax.nn.log_softmax(x, axis=-1) | jax.nn.gelu(x) | jax.nn.gelu(x, approximate=False) | jax.nn.silu(x)
jax.nn.softplus(x) | jax.nn.logsumexp(x, axis=1) | jax.nn.one_hot(k[:, 0], 3) | jax.nn.leaky_relu(x, 0.1)
jax.nn.elu(x) | jax.lax.rsqrt(jnp.abs(x)) | jax.lax.stop_gradient(x) | jax.nn.log_sigmoid(x)
jnp.concatenate([x, w], axis=1) | jnp.stack([x, w]) | jnp.split(x, 3, axis=1)[1] | x.reshape(-1) | x.transpose()
jnp.zeros((2, 2)) | jnp.arange(3) | jnp.ones_like(x) | x[:, None] * w | x[k[:, 0]] | jnp.dot(x, w.T)
jnp.matmul(z, w.T) | jnp.outer(v, v) | x.astype(int) | jnp.sqrt(jnp.sum(x ** 2)) | jnp.linalg.norm(x)
jnp.argmax(x, axis=1) | jnp.square(x) | jnp.tanh(x) | x.shape | jnp.expand_dims(x, 1)
jax.scipy.special.logsumexp(x) | jnp.take_along_axis(x, k, axis=1) | jnp.pad(x, ((1, 0), (0, 2)))
jnp.tril(z[0]) | jnp.cumsum(x, axis=1)
"""


def listed(text: str) -> list[str]:
    return [each.strip() for line in text.strip().splitlines() for each in line.split(" | ") if each.strip()]


def data() -> dict[str, Any]:
    random = np.random.default_rng(0)
    x, w, z, v = (random.normal(size=shape) for shape in ((2, 3), (2, 3), (2, 3, 3), (3,)))
    return {"x": x, "w": w, "z": z, "v": v, "k": np.array([[0, 2], [1, 0]])}


HEADS = {
    "torch": "import torch\nimport torch.nn.functional as F\n",
    "jax": "import jax\nimport jax.numpy as jnp\n",
}


def ours(library: str, expression: str) -> Any:
    return run(ast.parse(f"{HEADS[library]}def f(x, w, z, v, k):\n    return {expression}\n"), "f", data()).value


def same(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, tuple | list) and not isinstance(theirs, np.ndarray):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            same(a, b)
        return
    a, b = np.asarray(ours), np.asarray(theirs)
    assert a.shape == b.shape
    assert a.dtype.kind == b.dtype.kind
    assert np.allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("expression", listed(TORCH))
def test_functions_of_torch_mean_what_they_mean_there(expression: str) -> None:
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    names = {name: torch.tensor(value) for name, value in data().items()}
    same(ours("torch", expression), eval(expression, {"torch": torch, "F": torch.nn.functional, **names}))


@pytest.mark.parametrize("expression", listed(TORCH_REFUSES))
def test_what_torch_refuses_is_refused(expression: str) -> None:
    torch = pytest.importorskip("torch")
    names = {name: torch.tensor(value) for name, value in data().items()}
    with pytest.raises((RuntimeError, ValueError, TypeError, AttributeError, IndexError)):
        eval(expression, {"torch": torch, "F": torch.nn.functional, **names})
    with pytest.raises(NotRunnable):
        ours("torch", expression)


@pytest.mark.parametrize("expression", listed(JAX))
def test_functions_of_jax_mean_what_they_mean_there(expression: str) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    names = {name: jnp.asarray(value) for name, value in data().items()}
    same(ours("jax", expression), eval(expression, {"jax": jax, "jnp": jnp, **names}))


@pytest.mark.parametrize("statement", ["x[0] = 1.0", "x.fill(0)", "x.sort()"])
def test_jax_arrays_are_never_changed_in_place(statement: str) -> None:
    with pytest.raises(NotRunnable):
        run(ast.parse(f"{HEADS['jax']}def f(x, w, z, v, k):\n    {statement}\n"), "f", data())
