"""Trees as one line of text, in Unicode and in ASCII."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import RandomTrees, formula

from derive.latex.parser import parse_expression
from derive.latex.syntax import Accent, Empty
from derive.plain import plain

# fmt: off
TEXTS = [
    # LaTeX, Unicode, ASCII
    (r"\hat{x}_i", "x̂_i", "x_hat_i"),
    (r"\hat{x_i}", "x̂_i", "x_hat_i"),
    (r"\sigma^2 + \epsilon", "σ² + ε", "sigma^2 + epsilon"),
    (r"x_{ij}^{-1}", "x_ij^(−1)", "x_ij^(-1)"),
    (r"x^\top y", "xᵀ y", "x^top y"),
    (r"\frac{1}{N} x", "1/N x", "1/N x"),
    (r"\frac{a + b}{c d}", "(a + b)/(c d)", "(a + b)/(c d)"),
    (r"\frac{-1}{2} x", "−1/2 x", "-1/2 x"),
    (r"a - \frac{-1}{2}", "a + 1/2", "a + 1/2"),
    (r"\frac{\partial L}{\partial x_i}", "∂L/∂x_i", "dL/dx_i"),
    (r"\sqrt{\sigma^2 + \epsilon}", "√(σ² + ε)", "sqrt(sigma^2 + epsilon)"),
    (r"\sqrt{x}", "√x", "sqrt(x)"),
    (r"\sqrt[3]{x}", "√[3]x", "sqrt[3](x)"),
    (r"(a + b) \cdot c", "(a + b) · c", "(a + b) * c"),
    (r"a / (b c)", "a/(b c)", "a/(b c)"),
    (r"\sum_{i=1}^N x_i", "Σ_{i=1}^N x_i", "sum_{i=1}^N x_i"),
    (r"\sum_i \left(x_i - \mu\right)", "Σ_i (x_i − μ)", "sum_i (x_i - mu)"),
    (r"\log x + \tanh^2(u)", "log x + tanh²(u)", "log x + tanh^2(u)"),
    (r"\text{softmax}(x)", "softmax(x)", "softmax(x)"),
    (r"a \neq b", "a ≠ b", "a != b"),
    (r"\|x\|^2", "‖x‖²", "||x||^2"),
    (r"\langle x, y \rangle", "⟨x,y⟩", "<x,y>"),
    (r"\begin{cases} a & i = j \\ b \end{cases}", "{a if i = j; b}", "{a if i = j; b}"),
    (r"x|_{t = 0}", "x|_{t = 0}", "x|_{t = 0}"),
    (r"\{x_1, \dots\}", "{x_1,…}", "{x_1,...}"),
]
# fmt: on


@pytest.mark.parametrize(("latex", "unicode", "ascii"), TEXTS, ids=[latex for latex, *_ in TEXTS])
def test_a_tree_as_text(latex: str, unicode: str, ascii: str) -> None:
    node = parse_expression(formula(latex))
    assert (plain(node), plain(node, ascii=True)) == (unicode, ascii)


@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_ascii_is_ascii_and_one_line(seed: int) -> None:
    text = plain(RandomTrees(Random(seed)).chain(), ascii=True)
    assert text.isascii()
    assert "\n" not in text
    assert text.count("(") == text.count(")")


def test_an_accent_over_nothing_is_printed() -> None:
    assert plain(Accent("hat", Empty())) == "_hat"
