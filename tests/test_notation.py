"""What LaTeX means in a document, construct by construct: the sides of one equation as SymPy.

Each row is a context (the document before the equation), the expression, and what it is read as. Names of summed and of
implicit indices are made up by the reader; here they are letters in the order in which they appear.
"""

from __future__ import annotations

import itertools
import re

import pytest
import sympy
from sympy import Dummy, Expr

from derive.document import read_text
from derive.notation.context import Policy
from derive.problem import Problem
from derive.problem.problem import Pair
from derive.problem.reader import read_problem
from derive.source import SourceError

VECTOR = r"$$m = \frac{1}{N}\sum_{i=1}^N x_i$$ $$z_i = x_i - m$$"
MATRIX = r"$$Y = X W, \quad X \in \mathbb{R}^{n \times d}, \quad W \in \mathbb{R}^{d \times k}$$ $$u^\top v = r$$"
SOFTMAX = r"$$p_i = \frac{e^{a_i}}{\sum_{k=1}^K e^{a_k}}$$"
ARROWS = r"$$s = u^\top v, \quad q = \|u\|$$"


def named(expr: Expr) -> str:
    """An expression as text, with the indices that the reader made up as a, b, c in order."""
    made_up = sorted((s for s in expr.atoms(Dummy)), key=lambda s: (str(expr).find(f"_{s.name}"), s.dummy_index))
    letters = dict(zip(made_up, (sympy.Symbol(x, integer=True) for x in "abcdefgh"), strict=False))
    return re.sub(r"n_\{\d+\}", "n", str(expr.xreplace(letters)))


def read(context: str, latex: str, policy: Policy) -> Pair:
    """The equation ``\\Omega = latex`` behind a context. Raises `SourceError` where it cannot be read."""
    problem: Problem = read_problem(read_text(f"{context}\n\n$$\\Omega = {latex}$$"))
    equation = problem.equations[-1]
    if equation.error is not None:
        raise equation.error
    (pair,) = problem.sides(equation, policy).pairs()
    if isinstance(pair, SourceError):
        raise pair
    return pair


MEANINGS = [
    # numbers and signs
    ("", r"\frac12", "1/2"),
    ("", r"0.5^2", "1/4"),
    ("", r"- - 3", "3"),
    ("", r"2^{-\frac{1}{2}}", "sqrt(2)/2"),
    ("", r"\sqrt[3]{8}", "2"),
    ("", r"\exp(0) + \log 1", "1"),
    ("", r"|{-2}|", "2"),
    # names, labels, powers
    (VECTOR, r"m^2", "m**2"),
    (VECTOR, r"\boxed{m}", "m"),
    (VECTOR, r"{\color{red} m}", "m"),
    (VECTOR, r"\underbrace{m}_{\text{mean}}", "m"),
    # sums
    (VECTOR, r"\sum_{i=1}^N x_i", "Sum(x[a], (a, 1, N))"),
    (VECTOR, r"\sum_i x_i", "Sum(x[a], (a, 1, N))"),
    (VECTOR, r"\sum\limits_{i}^{N} x_i", "Sum(x[a], (a, 1, N))"),
    (VECTOR, r"\sum_{i=1}^N x_i + 1", "Sum(x[a], (a, 1, N)) + 1"),
    (VECTOR, r"\sum_{i=1}^N x_i z_i", "Sum(x[a]*z[a], (a, 1, N))"),
    (VECTOR, r"\sum_{i=1}^N \sum_{j=1}^N x_i z_j", "Sum(x[a]*z[b], (b, 1, N), (a, 1, N))"),
    (VECTOR, r"\sum_{i,j} x_i z_j", "Sum(x[a]*z[b], (a, 1, N), (b, 1, N))"),
    (VECTOR, r"\prod_{i=1}^N x_i", "Product(x[a], (a, 1, N))"),
    (VECTOR, r"x_1^2 + x_2^2 + \dots + x_N^2", "Sum(x[a]**2, (a, 1, N))"),
    # conditions
    (SOFTMAX, r"\sum_{i,j} a_i \delta_{ij}", "Sum(KroneckerDelta(a, b)*a[a], (a, 1, K), (b, 1, K))"),
    (SOFTMAX, r"\sum_{i} \sum_{j \neq i} a_j", "Sum((1 - KroneckerDelta(a, b))*a[b], (b, 1, K), (a, 1, K))"),
    (SOFTMAX, r"\sum_{i,j} a_i 1(i = j)", "Sum(KroneckerDelta(a, b)*a[a], (a, 1, K), (b, 1, K))"),
    # vectors and matrices
    (ARROWS, r"u^\top v", "Sum(u[a]*v[a], (a, 1, n))"),
    (ARROWS, r"\langle u, v \rangle", "Sum(u[a]*v[a], (a, 1, n))"),
    (ARROWS, r"\|u\|^2", "Sum(u[a]**2, (a, 1, n))"),
    (ARROWS, r"\|u\|_1", "Sum(Abs(u[a]), (a, 1, n))"),
    (ARROWS, r"u \cdot v", "Sum(u[a]*v[a], (a, 1, n))"),
    (ARROWS, r"\mathbf{1}^\top u", "Sum(u[a], (a, 1, n))"),
    (ARROWS, r"\operatorname{tr}(u v^\top)", "Sum(u[a]*v[a], (a, 1, n))"),
    # derivatives
    (VECTOR, r"\frac{\partial m}{\partial x_1}", "D(m, x[1])"),
    (VECTOR, r"\frac{dm}{dx_1}", "D(m, x[1])"),
    (VECTOR, r"\partial m / \partial x_1", "D(m, x[1])"),
    (VECTOR, r"\frac{\partial}{\partial x_1} m^2", "D(m**2, x[1])"),
    (VECTOR, r"\frac{\partial m}{\partial x_1}\bigg|_{z}", "D(m, x[1], (z[a],))"),
    # functions
    ("", r"\sigma(0)", "sigmoid(0)"),
    ("", r"\max(0, 1)", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("context", "latex", "meaning"), MEANINGS, ids=lambda value: value if "=" not in value else "")
def test_what_latex_means(context: str, latex: str, meaning: str) -> None:
    assert named(read(context, latex, Policy("matrix")).right) == meaning


REFUSED = [
    ("", r"1/0", "division by zero"),
    ("", r"1/\log 0", "no real value"),  # not 0, which is what SymPy makes of it
    ("", r"(0^{-1})^{-1}", "no real value"),
    ("", r"\frac{1}{1 + \log(0)}", "no real value"),
    (VECTOR, r"\tanh(m \log 0)", "no real value"),
    (VECTOR, r"(m \sqrt{-2})^2", "no real value"),
    ("", r"e^{\log(-1)}", "no real value"),
    ("", r"(\sqrt[4]{-1})^8", "no real value"),
    ("", r"9^{9^{9}}", "too large"),
    ("", "1" * 12, "too large"),
    (VECTOR, r"\sum_{i=1}^{3} x_i", "runs over 3 values"),
    (VECTOR, r"\sum_{i=5}^{N} x_i", "limits|terms"),
    (VECTOR, r"\int x", "int"),
    (VECTOR, r"\begin{bmatrix} 1 & 2 \end{bmatrix}", "matrices"),
    (VECTOR, r"\widehat{m + 1}", "accent"),
    (VECTOR, r"(m m)'", "prime"),
    (VECTOR, r"m \pm 1", "plus and minus"),
    (VECTOR, r"\left.\frac{\partial m}{\partial x_1}\right|_{x = 0}", "at a point"),
    (VECTOR, r"\frac{\partial m}{\partial (m + 1)}", "no variable"),
]  # fmt: skip


@pytest.mark.parametrize(("context", "latex", "message"), REFUSED, ids=lambda value: value[:30])
def test_what_has_no_meaning_is_refused_with_its_place(context: str, latex: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read(context, latex, Policy())
    assert caught.value.span.end > caught.value.span.start


def test_policies_differ_only_where_the_page_is_silent() -> None:
    """Bare products of arrays are entry by entry or linear algebra; written indices leave no choice."""
    policies = [
        Policy(product, slash)
        for product, slash in itertools.product(("elementwise", "matrix"), ("tight", "loose", "whole"))
    ]
    written = {named(read(VECTOR, r"\sum_i x_i z_i", policy).right) for policy in policies}
    assert len(written) == 1
    bare = {named(read(ARROWS, r"\sum u \odot v", policy).right) for policy in policies}
    assert len(bare) == 1
    dots = {named(read(VECTOR, r"1/N m", policy).right) for policy in policies}
    assert dots == {"1/(N*m)", "m/N"}
