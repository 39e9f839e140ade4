"""MathML: every node has its element, marks go to the parts of a span, and text stays text."""

from __future__ import annotations

import re
from xml.etree import ElementTree as XML

import pytest

from derive.latex import syntax as S
from derive.latex.parser import parse_expression
from derive.mathml import _RULES, MARK, math, mathml
from derive.source import Span, Text


def parsed(text: str) -> S.Node:
    return parse_expression(Text(text, range(len(text) + 1)))


def signs(markup: str) -> str:
    """What a reader sees, without the invisible operators."""
    return re.sub("[\u2061-\u2063]", "", "".join(XML.fromstring(markup).itertext()))


def marked(text: str, *parts: str) -> list[str]:
    """The marked parts of a formula, where the first occurrence of each of ``parts`` is at fault."""
    spans = [Span(text.index(part), text.index(part) + len(part)) for part in parts]
    root = XML.fromstring(mathml(parsed(text), spans))
    return [signs(XML.tostring(e, encoding="unicode")) for e in root.iter() if e.get("class") == MARK]


def test_every_node_has_a_rule() -> None:
    nodes = {cls for cls in vars(S).values() if isinstance(cls, type) and issubclass(cls, S.Node) and cls is not S.Node}
    assert nodes == set(_RULES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\frac{1}{N}", "<mfrac><mn>1</mn><mi>N</mi></mfrac>"),
        (r"\hat{x}_i", '<msub><mover accent="true"><mi>x</mi><mo stretchy="false">^</mo></mover><mi>i</mi></msub>'),
        (r"x_i^2", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"),
        (r"\sqrt[3]{x}", "<mroot><mi>x</mi><mn>3</mn></mroot>"),
        (r"f'", "<msup><mi>f</mi><mrow><mo>′</mo></mrow></msup>"),
        (r"\mathbb{R}", '<mi mathvariant="normal">ℝ</mi>'),
        (r"\mathcal{L}", '<mi mathvariant="normal">ℒ</mi>'),
        (r"\mathbf{x}", '<mi mathvariant="normal">𝐱</mi>'),
        (r"\Sigma", '<mi mathvariant="normal">Σ</mi>'),
        (r"\epsilon", "<mi>ϵ</mi>"),
        (r"x_{ij}", "<msub><mi>x</mi><mrow><mi>i</mi><mo>&#x2063;</mo><mi>j</mi></mrow></msub>"),
        (r"ab", "<mrow><mi>a</mi><mo>&#x2062;</mo><mi>b</mi></mrow>"),
    ],
)
def test_elements(text: str, expected: str) -> None:
    assert mathml(parsed(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"-\frac{1}{2}(S_i - \mu)", "−12(Si−μ)"),
        (r"\sum_{j=1}^{N} g_j \hat{x}_j", "∑j=1Ngjx^j"),
        (r"\max_k x_k", "maxkxk"),
        (r"a \cdot b \odot c / d", "a⋅b⊙c/d"),
        (r"\log^2 x", "log2x"),
        (r"\|x\|_2", "‖x‖2"),
        (r"\begin{cases} 1 & i = j \\ 0 \end{cases}", "{1i=j0"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "(abcd)"),
        (r"\underbrace{a + b}_{c}", "a+b⏟c"),
        (r"(x_1, \dots, x_n)", "(x1,…,xn)"),
    ],
)
def test_what_a_reader_sees(text: str, expected: str) -> None:
    assert signs(mathml(parsed(text))) == expected


def test_brackets_are_put_where_a_tree_has_none() -> None:
    total = S.Sum((S.Symbol("a"), S.Symbol("b")), ("+", "-"))
    assert signs(mathml(S.Product((S.Number("2"), total), ("",)))) == "2(a−b)"
    assert signs(mathml(S.Script(total, None, S.Number("2")))) == "(a−b)2"
    assert signs(mathml(S.BigOperator("sum", S.Symbol("i"), None, total))) == "∑i(a−b)"
    assert signs(mathml(S.Sum((S.Symbol("c"), total), ("+", "-")))) == "c−(a−b)"


def test_words_keep_their_distance() -> None:
    assert '<mtext>if</mtext><mspace width="0.33em"></mspace><mi>j</mi>' in mathml(parsed(r"\text{if } j"))


def test_brackets_stretch_only_around_what_is_tall() -> None:
    assert 'stretchy="false"' in mathml(parsed(r"(a + b_i^2)"))
    assert 'stretchy="true"' in mathml(parsed(r"(a + \frac{b}{c})"))


@pytest.mark.parametrize(
    ("text", "parts", "expected"),
    [
        (r"\frac{-S_i^2}{N}", ["S_i^2"], ["Si2"]),
        (r"\frac{-S_i^2}{N}", [r"\frac{-S_i^2}{N}"], ["−Si2N"]),
        (r"a - b c + d", ["b c"], ["bc"]),
        (r"a - b c + d", ["b", "c"], ["bc"]),
        (r"a + b + c", ["b + c"], ["b+c"]),
        (r"a b c", ["a b"], ["ab"]),
        (r"a + b - c + d", ["b", "d"], ["b", "d"]),
        (r"2 (x + \mu)", [r"\mu"], ["μ"]),
        (r"x_{ij} y_j", ["ij"], ["ij"]),
        (r"a + b", [""], []),
    ],
)
def test_marks(text: str, parts: list[str], expected: list[str]) -> None:
    assert marked(text, *parts) == expected


def test_nothing_is_marked_in_what_was_not_written() -> None:
    assert MARK not in mathml(S.Symbol("x"), [Span(0, 5)])


def test_the_latex_goes_with_the_formula() -> None:
    element = XML.fromstring(math(parsed(r"\hat{x}_i"), display=True))
    assert element.get("display") == "block"
    assert [e.text for e in element.iter("annotation")] == [r"\hat{x}_i"]


def test_text_stays_text() -> None:
    hostile = "</math><script>alert(1)</script>\u202e\x07&"
    nodes = [
        S.Symbol(hostile),
        S.Symbol(hostile, "bold"),
        S.Words(hostile),
        S.Number(hostile),
        S.Group(hostile, S.Symbol("x")),
    ]
    nodes += [
        S.Accent(hostile, S.Symbol("x")),
        S.Unreadable(hostile),
        S.BigOperator(hostile, None, None, S.Symbol("x")),
    ]
    nodes += [
        S.Sequence((S.Symbol("x"), S.Symbol("x")), (hostile,)),
        S.Chain((S.Symbol("x"), S.Symbol("y")), (hostile,)),
    ]
    nodes += [S.Product((S.Symbol("x"), S.Symbol("y")), (hostile,)), S.Sum((S.Symbol("x"),), (hostile,))]
    for node in nodes:
        text = mathml(node)
        assert "<script" not in text and "\u202e" not in text and "\x07" not in text
        XML.fromstring(text)
