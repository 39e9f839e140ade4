"""The counterexample that anybody can run: what it prints when Python runs it is what the report says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_code_mending import BATCH, LINEAR, LOSS

from derive.checking import Statement
from derive.code.check import Settings, check_source
from derive.source import Source

ROWS = '''import numpy as np


def pick_forward(x, rows, p):
    """shapes: x (N, D), rows int (M,)"""
    out = np.tanh(x[rows]) * p
    return out, {"x": x, "rows": rows, "p": p}


def pick_backward(cache, dout):
    dx = np.zeros_like(cache["x"])
    np.add.at(dx, cache["rows"], dout * cache["p"] * (1 - np.tanh(cache["x"][cache["rows"]])))
    return {"x": dx}
'''
JAX = '''import jax
import jax.numpy as jnp


@jax.custom_vjp
def f(x, y):
    """shapes: x (N,), y (N,)"""
    return jnp.sin(x) * y


def f_fwd(x, y):
    return f(x, y), (jnp.cos(x), jnp.sin(x), y)


def f_bwd(res, g):
    cos_x, sin_x, y = res
    return cos_x * g * y, -sin_x * g


f.defvjp(f_fwd, f_bwd)
'''
OUTSIDE = BATCH.replace(".mean(axis=0) + eps)", ".mean(axis=0)) + eps")

WRONG = {
    "stage": BATCH.replace("dgamma = (dout * xhat)", "dgamma = (dout * dout)"),
    "closed": OUTSIDE,
    "loss": LOSS.replace("+= reg", "+= 2 * reg"),
    "dict": ROWS,
    "torch": LINEAR.replace("g @ w.T", "g @ w"),
    "jax": JAX,
}


def at_fault(text: str) -> Statement:
    found = check_source(Source("layer.py", text), Settings(mends=True, timeout=20.0)).statements
    return next(s for s in found if s.blame == "here")


@pytest.mark.parametrize("name", list(WRONG))
def test_the_lines_show_what_the_report_says(tmp_path: Path, name: str) -> None:
    if name in ("torch", "jax"):
        pytest.importorskip(name)
    (tmp_path / "layer.py").write_text(WRONG[name], encoding="utf-8")
    statement = at_fault(WRONG[name])
    done = subprocess.run(
        [sys.executable, "-c", statement.script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    printed = [float(line) for line in done.stdout.split()]
    said = [float(each) for each in re.findall(r"  # ([-\d.e]+),", statement.script)]
    assert printed == pytest.approx(said, rel=1e-5)
    assert abs(printed[0] - printed[1]) > 1e-3
    assert f"it should be {said[1]:.7g}" in statement.reason


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_other_libraries_are_written_as_they_are(name: str) -> None:
    script = at_fault(WRONG[name]).script
    assert f"import {name}" in script and "from layer import" in script
    assert ("Linear.apply(x, w).backward(g)" if name == "torch" else "jax.vjp(f, x, y)") in script


def test_what_a_gradient_checker_lets_pass_is_said() -> None:
    """Epsilon outside the root moves the gradient by some 1e-5 at its default, and a wrong sign by its size."""
    assert "gradcheck would pass" in at_fault(OUTSIDE).reason
    assert "gradcheck" not in at_fault(BATCH.replace("dbeta - xhat", "dbeta + xhat")).reason


def test_gradcheck_itself_lets_it_pass() -> None:
    torch = pytest.importorskip("torch")

    class Norm(torch.autograd.Function):  # type: ignore[name-defined,misc]
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            std = x.var(0, correction=0).sqrt() + 1e-5
            xhat = (x - x.mean(0)) / std
            ctx.save_for_backward(xhat, std)
            return xhat

        @staticmethod
        def backward(ctx, g):  # type: ignore[no-untyped-def]
            xhat, std = ctx.saved_tensors
            return (g - g.mean(0) - xhat * (g * xhat).mean(0)) / std

    torch.manual_seed(0)
    x = torch.randn(8, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Norm.apply, (x,))


def test_right_code_has_nothing_to_show() -> None:
    found = check_source(Source("layer.py", BATCH), Settings(mends=True)).statements
    assert all(not s.script for s in found)
