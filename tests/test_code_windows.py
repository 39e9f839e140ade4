"""Windows: places that are computed from the rounds of loops, for every size, stride and padding."""

from __future__ import annotations

import pytest

from derive.checking import Checked
from derive.code.check import Settings, check_source
from derive.source import Source

CONVOLUTION = '''
import numpy as np


def conv_forward(x, w, b, conv_param):
    """shapes: x (N, C, H, W), w (F, C, HH, WW), b (F,)"""
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    Ho = 1 + (H + 2 * pad - HH) // stride
    Wo = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, Ho, Wo))
    for n in range(N):
        for f in range(F):
            for i in range(Ho):
                for j in range(Wo):
                    window = xp[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out, (x, w, xp, conv_param)


def conv_backward(dout, cache):
    x, w, xp, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, F, Ho, Wo = dout.shape
    HH, WW = w.shape[2:]
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    db = dout.sum(axis=(0, 2, 3))
    for n in range(N):
        for f in range(F):
            for i in range(Ho):
                for j in range(Wo):
                    rows, columns = i * stride, j * stride
                    dw[f] += dout[n, f, i, j] * xp[n, :, rows : rows + HH, columns : columns + WW]
                    dxp[n, :, rows : rows + HH, columns : columns + WW] += dout[n, f, i, j] * w[f]
    return dxp[:, :, pad:-pad, pad:-pad], dw, db
'''

SMOOTHING = '''
import numpy as np


def smooth_forward(x, k):
    """shapes: x (N,), k (K,)"""
    out = np.zeros(1 + (len(x) - len(k)) // 1)
    for i in range(len(out)):
        for j in range(len(k)):
            out[i] += x[i + j] * k[j]
    return out, (x, k)


def smooth_backward(dout, cache):
    x, k = cache
    dx, dk = np.zeros_like(x), np.zeros_like(k)
    for i in range(len(dout)):
        for j in range(len(k)):
            dx[i + j] += dout[i] * k[j]
            dk[j] += dout[i] * x[i + j]
    return dx, dk
'''


def checked(source: str) -> Checked:
    return check_source(Source("layer.py", source), Settings(timeout=40.0))


def returned(source: str) -> dict[str, str]:
    return {s.name: s.status for s in checked(source).statements if s.role == "returned"}


def test_a_convolution_is_proved_for_every_size_stride_and_padding() -> None:
    found = checked(CONVOLUTION)
    assert [s.status for s in found.statements if s.role == "returned"] == ["proved"] * 3
    said = {assumption.text for assumption in found.assumptions}
    assert {"stride is a whole number above 0", "pad is a whole number above 0"} <= said


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("rows, columns = i * stride, j * stride", "rows, columns = i, j * stride", "dw"),
        ("+= dout[n, f, i, j] * w[f]", "+= dout[n, f, i, j] * w[f][:, ::1] * 2", "grad of x"),
        ("db = dout.sum(axis=(0, 2, 3))", "db = dout.sum(axis=(0, 2, 3)) / Ho", "db"),
    ],
)
def test_a_wrong_convolution_is_never_proved(right: str, wrong: str, name: str) -> None:
    assert right in CONVOLUTION
    found = returned(CONVOLUTION.replace(right, wrong))
    assert found.get(name) != "proved"


def test_a_factor_too_many_is_refuted_by_both_judges() -> None:
    found = returned(CONVOLUTION.replace("+= dout[n, f, i, j] * w[f]", "+= 2 * dout[n, f, i, j] * w[f]"))
    assert sorted(found.values()) == ["proved", "proved", "refuted"]


def test_single_places_are_windows_too() -> None:
    assert returned(SMOOTHING) == {"dx": "proved", "dk": "proved"}


@pytest.mark.parametrize("wrong", ["x[i + j + 1]", "x[j - i]", "x[i * j]"])
def test_a_place_that_may_be_outside_is_not_read(wrong: str) -> None:
    found = checked(SMOOTHING.replace("x[i + j]", wrong, 1)).statements
    assert {s.status for s in found} == {"unsupported"}


COUNTED = CONVOLUTION.replace("for i in range(Ho):", "for top in range(0, H + 2 * pad - HH + 1, stride):", 1).replace(
    """            for top in range(0, H + 2 * pad - HH + 1, stride):
                for j in range(Wo):
                    window = xp[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
""",
    """            i = -1
            for top in range(0, H + 2 * pad - HH + 1, stride):
                i += 1
                for j in range(Wo):
                    window = xp[n, :, top : top + HH, j * stride : j * stride + WW]
""",
)


def test_ranges_with_a_step_and_counters_beside_them_are_read() -> None:
    assert COUNTED.count("i += 1") == 1
    assert set(returned(COUNTED).values()) == {"proved"}


def test_a_counter_that_is_not_one_is_no_index() -> None:
    found = checked(COUNTED.replace("i += 1", "i += i + 2")).statements
    assert {s.status for s in found} == {"unsupported"}


def test_the_number_of_a_round_is_no_data() -> None:
    found = checked(SMOOTHING.replace("x[i + j] * k[j]", "x[i + j] * k[j] * (i + j)", 1)).statements
    assert {s.status for s in found} == {"unsupported"}
