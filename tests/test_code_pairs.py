"""Which functions of a file are found to belong together."""

from __future__ import annotations

import ast

import pytest

from derive.code.pairs import find_pairs

CASES = {
    "def f_forward(x): ...\ndef f_backward(dout, cache): ...": [("f_forward", "f_backward", "functions")],
    "def f_fwd(x): ...\ndef f_bwd(dout, cache): ...": [("f_fwd", "f_bwd", "functions")],
    "def f(x): ...\ndef f_backward(dout, x): ...": [("f", "f_backward", "functions")],
    "def bn_forward(x): ...\ndef bn_backward_alt(d, c): ...": [("bn_forward", "bn_backward_alt", "functions")],
    "def f_backward(dout, cache): ...": [],
    "def svm_loss(x, y):\n    return loss, dx": [("svm_loss", "svm_loss", "loss")],
    "class Net:\n    def loss(self, X):\n        return loss, grads": [("Net.loss", "Net.loss", "loss")],
    "def f(x):\n    def g():\n        return loss, dx\n    return x": [],
    "class Relu:\n    def forward(self, x): ...\n    def backward(self, d): ...": [
        ("Relu.forward", "Relu.backward", "class")
    ],
    "class Relu:\n    def __call__(self, x): ...\n    def backward(self, d): ...": [
        ("Relu.__call__", "Relu.backward", "class")
    ],
    "class F(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x): ...\n"
    "    @staticmethod\n    def backward(ctx, d): ...": [("F.forward", "F.backward", "autograd")],
    "class F:\n    @staticmethod\n    def forward(x): ...\n    @staticmethod\n    def backward(d, c): ...": [
        ("F.forward", "F.backward", "functions")
    ],
    "def f(x): ...\ndef f_fwd(x): ...\ndef f_bwd(r, g): ...\nf.defvjp(f_fwd, f_bwd)": [
        ("f_fwd", "f_bwd", "custom_vjp")
    ],
    "W = 1\nh = x @ W\nloss = h.sum()\ndh = 1\ndW = 2": [("", "", "script")],
}


@pytest.mark.parametrize("source", CASES, ids=range(len(CASES)))
def test_pairs_are_found_by_names_and_structure(source: str) -> None:
    found = [(pair.forward, pair.backward, pair.kind) for pair in find_pairs(ast.parse(source))]
    assert found == CASES[source]
