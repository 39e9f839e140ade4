"""What the names of stages mean: a name that the lines after do not bear out is no mistake."""

from __future__ import annotations

import pytest

from derive.code.check import Settings, check_source
from derive.source import Source

BATCHNORM = '''
import numpy as np


def bn_forward(x, gamma, beta, eps):
    """x: (N, D), gamma: (D,), beta: (D,)"""
    mu = x.mean(0)
    xc = x - mu
    var = (xc ** 2).mean(0)
    istd = 1 / np.sqrt(var + eps)
    xhat = xc * istd
    return gamma * xhat + beta, (xc, istd, xhat, gamma)


def bn_backward(dout, cache):
    xc, istd, xhat, gamma = cache
    N = dout.shape[0]
    dgamma = (dout * xhat).sum(0)
    dxhat = dout * gamma
    dvar = (dxhat * xc).sum(0) * -0.5 * istd ** 3
    dxc = dxhat * istd + 2 * xc * dvar / N
    dmu = dxc.sum(0)
    dx = dxc - dmu / N
    return dx, dgamma, dout.sum(0)
'''


def statuses(source: str) -> dict[tuple[str, str], tuple[str, str | None]]:
    checked = check_source(Source("layer.py", source), Settings(timeout=40.0))
    return {(s.role, s.name): (s.status, s.blame) for s in checked.statements}


def test_a_sign_the_other_way_round_is_no_mistake_where_the_result_is_right() -> None:
    found = statuses(BATCHNORM)
    assert found["stage", "dmu"] == ("note", None)
    assert found["returned", "dx"] == ("proved", None)


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [("dxhat = dout * gamma", "dxhat = dout", "dxhat"), ("-0.5 * istd ** 3", "0.5 * istd ** 3", "dvar")],
)
def test_nor_is_it_blamed_for_a_mistake_made_before_it(right: str, wrong: str, line: str) -> None:
    found = statuses(BATCHNORM.replace(right, wrong))
    assert found["returned", "dx"] == ("refuted", "inherited")
    assert [name for (_, name), said in found.items() if said == ("refuted", "here")] == [line]
    assert found["stage", "dmu"] == ("note", None)


def test_a_sign_that_makes_the_result_wrong_is_one() -> None:
    found = statuses(BATCHNORM.replace("dx = dxc - dmu / N", "dx = dxc + dmu / N"))
    assert found["stage", "dmu"] == ("refuted", "here")
    assert found["returned", "dx"] == ("refuted", "inherited")


NET = '''
import numpy as np


def affine_forward(x, w, b):
    """
    - x: array of shape (N, D)
    - w: array of shape (D, M)
    - b: array of shape (M,)
    """
    return x @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(0)


class Net:
    def __init__(self, hidden_dims, input_dim=3 * 32 * 32, num_classes=10, weight_scale=1e-3, reg=0.0):
        self.reg = reg
        self.params = {}
        dims = np.hstack((input_dim, hidden_dims, num_classes))
        self.count = len(hidden_dims) + 1
        for i in range(self.count):
            self.params["W%d" % (i + 1)] = weight_scale * np.random.randn(dims[i], dims[i + 1])
            self.params["b" + str(i + 1)] = np.zeros(dims[i + 1])

    def loss(self, x):
        """
        - x: data of shape (N, D)
        """
        caches, out, loss, grads = [], x, 0.0, {}
        for i in range(self.count):
            out, cache = affine_forward(out, self.params["W{}".format(i + 1)], self.params["b" + str(i + 1)])
            caches.append(cache)
        loss = 0.5 * np.sum(out ** 2)
        dout = out
        for i in reversed(range(self.count)):
            W = self.params["W" + str(i + 1)]
            loss += 0.5 * self.reg * np.sum(W * W)
            dout, dW, grads["b" + str(i + 1)] = affine_backward(dout, caches.pop())
            grads["W" + str(i + 1)] = dW + self.reg * W
        return loss, grads
'''


def test_a_net_of_layers_in_a_dict_is_proved_for_all_sizes_of_its_layers() -> None:
    found = statuses(NET)
    names = [f"{letter}{k}" for k in (1, 2, 3) for letter in "Wb"]
    assert {found["returned", name][0] for name in names} == {"proved"}


def test_the_weight_of_a_regularisation_is_data_though_its_default_is_zero() -> None:
    found = statuses(NET.replace("dW + self.reg * W", "dW + 2 * self.reg * W"))
    assert {found["returned", f"W{k}"][0] for k in (1, 2, 3)} == {"refuted"}
    assert {found["returned", f"b{k}"][0] for k in (1, 2, 3)} == {"proved"}


HARD = '''
import numpy as np


def hard_forward(x, w):
    """shapes: x (N, D), w (D,)"""
    h = np.tanh(np.exp(x) * w)
    out = h + np.sum(np.tanh(h * x), axis=1, keepdims=True) ** 3
    return out, (x, w, h)


def hard_backward(dout, cache):
    x, w, h = cache
    t = np.tanh(h * x)
    s = dout.sum(1, keepdims=True) * 3 * np.sum(t, axis=1, keepdims=True) ** 2
    dh = dout + s * (1 - t ** 2) * x
    dw = (dh * (1 - h ** 2) * np.exp(x)).sum(0)
    dx = dh * (1 - h ** 2) * np.exp(x) * w + s * (1 - t ** 2) * h
    return dx, dw
'''


def test_what_was_judged_before_the_time_is_up_stays_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from derive.code.judge import Judge
    from derive.limits import TimeLimit

    judged = Judge._judged

    def slow(self, gradient):  # type: ignore[no-untyped-def]
        if gradient.name == "dw":
            raise TimeLimit
        return judged(self, gradient)

    monkeypatch.setattr(Judge, "_judged", slow)
    found = statuses(HARD)
    assert found["returned", "dw"] == ("undecided", None)
    assert found["returned", "dx"] == ("proved", None)
