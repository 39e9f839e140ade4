"""The writer undoes the parser: what it writes is read as the same tree."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_parser import DISPLAYS, EXPRESSIONS
from trees import RandomTrees, formula, tree

from derive.latex import syntax as S
from derive.latex.parser import parse_display, parse_expression
from derive.latex.syntax import Node
from derive.latex.writer import latex


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(0, 2))
def test_what_is_written_is_read_as_the_same_tree(seed: int, depth: int) -> None:
    node = RandomTrees(Random(seed)).chain(depth)
    written = latex(node)
    assert tree(parse_expression(formula(written))) == tree(node), written


@pytest.mark.parametrize("text", [text for text, _ in EXPRESSIONS])
def test_writing_what_was_read_is_stable(text: str) -> None:
    once = latex(parse_expression(formula(text)))
    again = latex(parse_expression(formula(once)))
    assert again.replace(" ", "") == once.replace(" ", "")


@pytest.mark.parametrize("text", [text for text, expected in DISPLAYS if "error" not in " ".join(expected)])
def test_statements_that_are_written_are_read_again(text: str) -> None:
    for statement in parse_display(formula(text)):
        written = latex(statement)
        assert [latex(again) for again in parse_display(formula(written))] == [written]


# fmt: off
BRACKETS = [
    # trees that the reader would group differently if they stood bare
    (S.Product((S.Sum((S.Symbol("a"), S.Symbol("b")), ("+", "-")), S.Symbol("c")), ("",)), r"\left(a - b\right) c"),
    (S.Script(S.Fraction(S.Symbol("a"), S.Symbol("b")), None, S.Number("2")), r"\left(\frac{a}{b}\right)^2"),
    (S.Sum((S.Symbol("a"), S.Sum((S.Symbol("b"),), ("-",))), ("+", "-")), r"a - \left(-b\right)"),
    (S.Product((S.BigOperator("sum", S.Symbol("i"), None, S.Symbol("x")), S.Symbol("y")), ("",)),
     r"\left(\sum_i x\right) y"),
    (S.BigOperator("sum", S.Symbol("i"), None, S.Sum((S.Symbol("x"), S.Symbol("y")), ("+", "+"))),
     r"\sum_i \left(x + y\right)"),
    (S.Apply(S.Symbol("\\log"), S.Product((S.Symbol("x"), S.Symbol("y")), ("",))), r"\log\left(x y\right)"),
]
# fmt: on


@pytest.mark.parametrize(("node", "expected"), BRACKETS, ids=[text for _, text in BRACKETS])
def test_brackets_are_written_where_the_tree_needs_them(node: Node, expected: str) -> None:
    assert latex(node) == expected
