"""Hand-written code read and judged: what is proved, what is refuted, and in which line."""

from __future__ import annotations

import ast
import textwrap

import pytest

from derive.code.faults import CodeError, Fault, Needs, Unsupported
from derive.code.judge import Finding, Judge
from derive.code.module import Module
from derive.code.pairs import find_pairs
from derive.code.passes import Passes, Reading

NUMPY = "import numpy as np\n"


def read(source: str, **settings: str) -> Passes:
    """The only pair of a source."""
    text = NUMPY + textwrap.dedent(source)
    tree = ast.parse(text)
    (pair,) = find_pairs(tree)
    return Reading(Module.of(tree), pair, text, **settings).read()


def judged(source: str, **settings: str) -> dict[str, str]:
    """The verdict on each gradient that is returned."""
    return {f.name: f.status for f in findings(source, **settings) if f.role == "returned"}


def findings(source: str, **settings: str) -> list[Finding]:
    return Judge(read(source, **settings)).findings()


LINEAR = '''
    def f_forward(x, w, b):
        """shapes: x (N, D), w (D, M), b (M,)"""
        return x @ w + b, (x, w)

    def f_backward(dout, cache):
        x, w = cache
        {}
'''


def test_a_linear_layer_is_proved() -> None:
    source = LINEAR.format("return dout @ w.T, x.T @ dout, dout.sum(axis=0)")
    assert set(judged(source).values()) == {"proved"}


def test_gradients_go_by_position_not_by_name() -> None:
    source = LINEAR.format("dx, dw, db = dout @ w.T, x.T @ dout, dout.sum(axis=0); return dx, db, dw")
    assert judged(source) == {"dx": "proved", "db": "refuted", "dw": "refuted"}


def test_the_gradient_of_an_unused_argument_is_zero() -> None:
    source = '''
    def f_forward(x, y):
        """shapes: x (N, D), y (N, D)"""
        return 2.0 * x, None

    def f_backward(dout, cache):
        dx = 2.0 * dout
        dy = {}
        return dx, dy
    '''
    assert judged(source.format("np.zeros_like(dout)")) == {"dx": "proved", "dy": "proved"}
    assert judged(source.format("dout")) == {"dx": "proved", "dy": "refuted"}


SUM = '''
    def f_forward(x, w):
        """shapes: x (N, D), w (D, C)"""
        return x @ w, (x, w)

    def f_backward(dout, cache):
        x, w = cache
        dx = np.zeros_like(x)
        for i in range({}):
            dx[i] = w @ dout[i]
        return dx, x.T @ dout
'''


def test_a_loop_over_a_whole_axis_is_exact() -> None:
    assert judged(SUM.format("x.shape[0]")) == {"dx": "proved", "grad of w": "proved"}


@pytest.mark.parametrize("stop", ["x.shape[0] - 1", "x.shape[1]", "x.shape[0] + 1", "3"])
def test_a_loop_over_another_range_is_never_proved(stop: str) -> None:
    with pytest.raises(CodeError):
        assert judged(SUM.format(stop))["dx"] != "proved"
        raise Unsupported("not proved")


@pytest.mark.parametrize(
    "line",
    ["return dout / undefined", "return dout[x.shape[0] / 2]", "return dout + x.T", "return dout.sum(axis=2)"],
)
def test_code_that_cannot_run_is_a_fault(line: str) -> None:
    source = f'''
    def f_forward(x):
        """shapes: x (N, D)"""
        return x + 1.0, x

    def f_backward(dout, x):
        {line}
    '''
    with pytest.raises(Fault):
        judged(source)


def test_integer_arrays_round_and_are_not_read() -> None:
    source = '''
    def f_forward(x, y):
        """shapes: x (N,), y int (N,)"""
        return 2.5 * x, y

    def f_backward(dout, y):
        dx = np.zeros_like(y)
        dx[:] = 2.5 * dout
        return dx
    '''
    with pytest.raises(Unsupported):
        judged(source)


RECURRENCE = '''
    def f_forward(x):
        """shapes: x (T, D)"""
        h = [np.zeros(x.shape[1])]
        for i in range(x.shape[0]):
            h.append(np.tanh(h[-1] + x[i]))
        return h[-1], (x, h)

    def f_backward(dout, cache):
        x, h = cache
        dx = np.zeros_like(x)
        for i in reversed(range(x.shape[0])):
            dout = dout * (1 - h[{}] ** 2)
            dx[i] = dout
        return dx
    '''


@pytest.mark.parametrize(("place", "verdict"), [("i + 1", "proved"), ("i", "refuted"), ("-1", "refuted")])
def test_a_recurrence_is_read_round_by_round_for_a_number_of_rounds_that_is_said(place: str, verdict: str) -> None:
    source = RECURRENCE.format(place)
    assert judged(source) == {"dx": verdict}
    assert any(text.startswith("T is 3: ") for text in read(source).trace.assumptions)


def test_what_the_last_round_leaves_cannot_be_used() -> None:
    source = '''
    def f_forward(x):
        """shapes: x (N, D)"""
        total = 0.0
        for i in range(x.shape[0]):
            row = x[i] * 2.0
            total = total + row.sum()
        return total + row.sum(), x

    def f_backward(dout, x):
        return x
    '''
    with pytest.raises(Unsupported):
        judged(source)


def test_relu_at_its_output_and_its_input() -> None:
    source = '''
    def f_forward(x):
        """shapes: x (N, D)"""
        out = np.maximum(x, 0)
        return out, out

    def f_backward(dout, out):
        return dout * ({})
    '''
    assert judged(source.format("out > 0")) == {"grad of x": "proved"}
    assert judged(source.format("out >= 0")) == {"grad of x": "refuted"}


def test_softmax_with_the_maximum_taken_out() -> None:
    source = '''
    def f_loss(x, y):
        """shapes: x (N, C), y int (N,)"""
        N = len(x)
        e = np.exp(x - x.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(N), y]).sum() / N
        dx = p.copy()
        dx[np.arange({}), y] -= 1
        return loss, dx / N
    '''
    assert judged(source.format("N")) == {"grad of x": "proved"}
    with pytest.raises(CodeError):
        judged(source.format("N - 1"))


def test_a_maximum_that_matters_is_not_read_as_data() -> None:
    source = '''
    def f_forward(x):
        """shapes: x (N, D)"""
        return x.max(axis=1) * 2.0, x

    def f_backward(dout, x):
        return np.zeros_like(x)
    '''
    assert judged(source) == {"grad of x": "undecided"}


def test_the_line_at_fault_is_told_from_those_that_inherit_it() -> None:
    source = '''
    def f_forward(x, g):
        """shapes: x (N, D), g (D,)"""
        h = x * g
        y = np.exp(h)
        return y, (x, g, y)

    def f_backward(dout, cache):
        x, g, y = cache
        dh = dout * y * 2
        dx = dh * g
        dg = (dh * x).sum(axis=0)
        return dx, dg
    '''
    found = {f.name: f.fault for f in findings(source) if f.role == "stage"}
    assert found == {"dh": "here", "dx": "inherited", "dg": "inherited"}


def test_missing_shapes_are_asked_for_all_at_once() -> None:
    with pytest.raises(Needs) as error:
        read("def f_forward(x, w): return x * w\ndef f_backward(dout, x, w): return dout * w, dout * x")
    assert error.value.names == ("x", "w")


def test_a_size_that_must_be_even_is_said_to_be() -> None:
    source = '''
    def f_forward(x):
        """shapes: x (N, D)"""
        return x.reshape(x.shape[0], x.shape[1] // 2, 2).sum(axis=2), x

    def f_backward(dout, x):
        return np.repeat(dout, 2, axis=1)
    '''
    with pytest.raises(Unsupported):
        read(source)


FAULTS = {
    # a term that was computed before
    "first = dout * w\n        second = 2.0 * x * (dout * x).sum()\n        dx = first + second": 9,
    # a quantity computed anew
    "s = np.tanh(t)\n        dx = dout * w * (1 - s ** 2)": 8,
    # an addition to what was right so far
    "dx = dout * w\n        dx += dout * x": 9,
}


@pytest.mark.parametrize("lines", FAULTS, ids=["a term", "a quantity", "an addition"])
def test_the_line_at_fault_may_have_no_name_of_a_gradient(lines: str) -> None:
    forward = "t, t" if "tanh" in lines else "x * w + (x * x).sum(), w"
    source = f'''
    def f_forward(x, w):
        """shapes: x (N,), w (N,)"""
        t = np.tanh(x * w)
        return {forward.split(",")[0]}, (x, w, t)

    def f_backward(dout, cache): x, w, t = cache; {{}}
        return dx
    '''
    body = textwrap.dedent(source).replace(
        "x, w, t = cache; {}", "\n    x, w, t = cache\n    " + lines.replace("        ", "    ")
    )
    faults = [f.line for f in findings(body) if f.fault == "here"]
    assert faults == [FAULTS[lines] + 2]


def test_a_cache_unpacked_in_another_order_is_the_line_at_fault() -> None:
    source = '''
    def f_forward(x, w):
        """shapes: x (N,), w (N,)"""
        a = x * w
        return np.exp(a), (x, w, a)

    def f_backward(dout, cache):
        w, x, a = cache
        da = dout * np.exp(a)
        dx = da * w
        dw = da * x
        return dx, dw
    '''
    faults = [(f.line, f.reason) for f in findings(source) if f.fault == "here"]
    assert faults == [(9, "unpacked in another order: w is what was saved as x, x is what was saved as w")]


def test_axes_of_size_one_too_many_are_said() -> None:
    source = '''
    def f_forward(x, b):
        """shapes: x (N, D), b (D,)"""
        return x + b, None

    def f_backward(dout, cache):
        return dout, dout.sum(axis=0, keepdims=True)
    '''
    (found,) = (f for f in findings(source) if f.of == "b")
    assert found.status == "undecided"
    assert "(1, D)" in found.reason


def test_a_setting_of_both_passes_has_one_value() -> None:
    source = '''
    def f_forward(x, alpha=0.01):
        """shapes: x (N, D)"""
        return np.where(x > 0, x, alpha * x), x

    def f_backward(dout, x, alpha=0.01):
        return np.where(x > 0, dout, alpha * dout)
    '''
    assert judged(source) == {"grad of x": "proved"}


def test_a_gradient_that_has_no_name_of_one_may_be_at_fault() -> None:
    source = '''
    def f_loss(x, b):
        """shapes: x (N, D), b (D,)"""
        loss = ((x + b) ** 2).sum()
        grads = {}
        b2 = 2.0 * (x + b).sum(axis=0) + b
        grads["b"] = b2
        return loss, grads
    '''
    faults = [(f.name, f.line) for f in findings(source) if f.fault == "here"]
    assert faults == [("b2", 7)]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("x.shape[0] == x.shape[1]", "N is not D"),
        ("x.shape[0] != 1", "N is not 1"),
        ("x.shape == (D, N)", "N is not D"),
    ],
)
def test_sizes_that_are_taken_to_differ_are_said_to(condition: str, said: str) -> None:
    source = f'''
    def f_forward(x):
        """shapes: x (N, D)"""
        N, D = x.shape
        if {condition}:
            pass
        return 2.0 * x, None

    def f_backward(dout, cache):
        return 2.0 * dout
    '''
    assert said in read(source).trace.assumptions


def test_an_axis_that_may_be_dropped_is_said_not_to_be() -> None:
    source = '''
    def f_forward(x):
        """shapes: x (N, 1)"""
        return 2.0 * np.squeeze(x), None

    def f_backward(dout, cache):
        return 2.0 * dout[:, None]
    '''
    assert "N is not 1" in read(source).trace.assumptions


@pytest.mark.parametrize("line", ["x[0] // 2.0", "x % 2.0", "x << 1"])
def test_operators_are_named_as_they_are_written(line: str) -> None:
    with pytest.raises(Unsupported, match=rf"the operator {line.split()[1]} on"):
        read(LINEAR.format(f"return {line}, w, w"))


def test_a_tuple_as_a_default_of_a_constructor_is_as_many_sizes() -> None:
    source = '''
    class Layer:
        def __init__(self, input_dim=(3, 32), classes=10):
            self.W = np.random.randn(input_dim[0] * input_dim[1], classes)

        def forward(self, x):
            """shapes: x (N, D)"""
            self.x = x
            return x @ self.W

        def backward(self, dout):
            self.dW = self.x.T @ dout
            return dout @ self.W.T
    '''
    passes = read(source)
    assert passes.shapes["self.W"] == (("input_dim_1", "input_dim_2"), ("classes",))
    assert {f.status for f in Judge(passes).findings() if f.role == "returned"} == {"proved"}
