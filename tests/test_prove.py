"""Equalities of SymPy expressions, decided without a document."""

from __future__ import annotations

import pytest
from sympy import Abs, Expr, IndexedBase, KroneckerDelta, Max, Sum, Symbol, log, sqrt, symbols

import derive

N, M = symbols("N M", integer=True, positive=True)
i, j, b = symbols("i j b", integer=True)
x, y = IndexedBase("x"), IndexedBase("y")
t = Symbol("t", real=True)

CASES = [
    ("a sum does not care for its letter", Sum(x[i], (i, 1, N)), Sum(x[b], (b, 1, N)), "proved"),
    ("a delta ends a sum", Sum(x[b] * KroneckerDelta(b, j), (b, 1, N)), x[j], "proved"),
    ("a delta is met once", Sum(KroneckerDelta(b, j), (b, 1, N)), 1, "proved"),
    ("a delta and a sum", Sum(KroneckerDelta(b, j), (b, 1, N)) * x[j], Sum(x[j], (j, 1, N)), "refuted"),
    ("the last term", Sum(x[b], (b, 1, N - 1)), Sum(x[b], (b, 1, N)), "refuted"),
    ("a double delta", Sum(KroneckerDelta(b, i), (b, 1, N), (i, 1, N)), N, "proved"),
    ("two sizes", Sum(x[b], (b, 1, N)) / N, Sum(x[b], (b, 1, M)) / M, "refuted"),
    ("a root needs a sign", sqrt(t**2), t, "refuted"),
    ("a root of a square", sqrt(t**2), Abs(t), "proved"),
    ("a maximum", Max(t, 0), (t + Abs(t)) / 2, "proved"),
    ("a logarithm outside its domain", log(t**2), 2 * log(t), "tested"),
    ("a product of sums", Sum(x[i], (i, 1, N)) * Sum(y[i], (i, 1, N)), Sum(x[i] * y[i], (i, 1, N)), "refuted"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "status"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_equalities(left: Expr, right: Expr, status: str) -> None:
    assert derive.prove(left, right).status == status


def test_a_sum_with_its_last_term_is_never_refuted() -> None:
    assert derive.prove(Sum(x[b], (b, 1, N - 1)) + x[N], Sum(x[b], (b, 1, N))).status in ("proved", "tested")


def test_positive_data_are_taken_at_their_word() -> None:
    u = Symbol("u", real=True)
    assert derive.prove(sqrt(u**2), u).status == "refuted"
    assert derive.prove(sqrt(u**2), u, positive=("u",)).status == "proved"


def test_a_proof_is_not_a_bool() -> None:
    with pytest.raises(TypeError, match="status"):
        bool(derive.prove(x[i], x[i]))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Sum(x[i], (i, 0, N - 1)), Sum(x[i], (i, 1, N))),
        (Sum(x[i], (i, 2, N)), x[j]),
        (Sum(x[i], (i, 0, N - 1)) - x[0], x[j]),
        (Sum(i * x[i], (i, 0, N - 1)), x[j]),
    ],
)
def test_a_range_that_could_be_misread_is_refused(left: Expr, right: Expr) -> None:
    with pytest.raises(ValueError, match="number the values from 1"):
        derive.prove(left, right)


def test_sums_may_all_begin_at_zero() -> None:
    mean = Sum(x[i], (i, 0, N - 1)) / N
    assert derive.prove(Sum(x[i] - mean, (i, 0, N - 1)), 0).status == "proved"
    assert derive.prove(Sum(x[i] - mean, (i, 0, N)), 0).status == "refuted"


def test_text_is_no_expression() -> None:
    with pytest.raises(ValueError):
        derive.prove("__import__('os').system('true')", x[i])
