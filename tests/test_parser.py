"""The parser: each construct's tree, statements of displays, spans, errors with their places, hostile text."""

from __future__ import annotations

import random

import pytest
from trees import formula, tree

from derive.latex.parser import parse_display, parse_expression
from derive.latex.syntax import Fraction, Node, Script, Symbol, Unread, Unreadable, rebuilt, span_of
from derive.latex.tokens import Macro
from derive.source import SourceError, Text

# fmt: off
EXPRESSIONS = [
    # names and numbers
    ("x", "x"),
    (r"\mu", r"\mu"),
    ("12.5", "12.5"),
    (".5", ".5"),
    ("xy", "mul(x, y)"),
    ("ab c", "mul(a, b, c)"),
    (r"\text{softmax}", "softmax:text"),
    (r"\mathrm{d}x", "mul(d:text, x)"),
    (r"\operatorname{Var}(x)", "mul(Var:text, (<x>)"),
    (r"\mathbf{x}_i", "x:bold_[i]"),
    (r"\mathbf{xy}", "mul(x:bold, y:bold)"),
    (r"\mathbf{\hat{x}}", "hat(x:bold)"),
    (r"\mathbf{1}", "1:bold"),
    (r"\mathcal{L}", "L:cal"),
    (r"\hat{x}_i", "hat(x)_[i]"),
    (r"\hat x", "hat(x)"),
    (r"\overline{ab}", "bar(mul(a, b))"),
    ("relu(x)", r"call(\relu, (<x>)"),
    # scripts
    ("x_i", "x_[i]"),
    ("x_i^2", "x_[i]^[2]"),
    ("x^2_i", "x_[i]^[2]"),
    ("x_{ij}", "x_[mul(i, j)]"),
    ("x_{i,j}", "x_[list(i, j)]"),
    ("x_ij", "mul(x_[i], j)"),
    ("x^12", "mul(x^[1], 2)"),
    ("x'", "x'"),
    ("x''_i", "x''_[i]"),
    (r"x^\prime", "x'"),
    (r"x^{\prime\prime}", "x''"),
    ("x^{-1}", "x^[add(-1)]"),
    ("x^*", "x^[*]"),
    (r"x^\top", r"x^[\top]"),
    ("{x_i}^2", "x_[i]^[2]"),
    ("{a + b} c", "add(+a +mul(b, c))"),
    (r"x_{\text{max}}", "x_[max:text]"),
    ("x_{max}", "x_[mul(m, a, x)]"),
    ("a^{b^c}", "a^[b^[c]]"),
    ("x_{i_j}", "x_[i_[j]]"),
    # sums and products
    ("a + b - c", "add(+a +b -c)"),
    ("-a", "add(-a)"),
    ("+ a", "a"),
    ("--a", "a"),
    ("a - -b", "add(+a +b)"),
    (r"a \pm b", r"add(+a \pmb)"),
    ("a b", "mul(a, b)"),
    (r"a \cdot b", r"mul(a \cdot b)"),
    ("a * b / c", "mul(a * b / c)"),
    (r"a \cdot -b", r"mul(a \cdot add(-b))"),
    ("2x_i y", "mul(2, x_[i], y)"),
    (r"a \div b", "mul(a / b)"),
    ("(a + b) c", "mul((<add(+a +b)>, c)"),
    (r"a \, b \; c~d", "mul(a, b, c, d)"),
    (r"x \displaystyle y", "mul(x, y)"),
    (r"x \tag{1}", "x"),
    # fractions and roots
    (r"\frac{a}{b}", "frac(a, b)"),
    (r"\frac12", "frac(1, 2)"),
    (r"\frac ab", "frac(a, b)"),
    (r"\frac{\partial L}{\partial x_i}", r"frac(mul(\partial, L), mul(\partial, x_[i]))"),
    (r"\sqrt{x}", "root(x)"),
    (r"\sqrt[3]{x}", "root(x, 3)"),
    (r"\sqrt x", "root(x)"),
    # brackets and bars
    ("[x_i]", "[<x_[i]>"),
    (r"\{x\}", r"\{<x>"),
    (r"\langle x, y \rangle", r"\langle<list(x, y)>"),
    (r"\left( \frac{a}{b} \right)", "(<frac(a, b)>"),
    (r"\left[ x \right)", "[<x>"),
    (r"\left| x \right|", "|<x>"),
    (r"\bigl( x \bigr)", "(<x>"),
    (r"\big| x \big|", "|<x>"),
    ("|x| |y|", "mul(|<x>, |<y>)"),
    ("|x|y|z|", "mul(|<x>, y, |<z>)"),
    (r"\|x\|_2^2", "‖<x>_[2]^[2]"),
    ("||x||", "‖<x>"),
    ("P(a|b)", "mul(P, (<list(a | b)>)"),
    ("f(x; w)", "mul(f, (<list(x; w)>)"),
    ("()", "(<nothing>"),
    (r"\{ x \mid x > 0 \}", r"\{<list(x | chain(x > 0))>"),
    (r"(x_1, \dots, x_n)", "(<list(x_[1], ..., x_[n])>"),
    ("(x_1, ..., x_n)", "(<list(x_[1], ..., x_[n])>"),
    # held fixed
    ("x|_{t=0}", "at(x, chain(t = 0))"),
    (r"y \big|_{x}", "at(y, x)"),
    (r"\left. x \right|_{x = 0}", "at(x, chain(x = 0))"),
    (r"\frac{\partial y}{\partial x} \Big|_{\mu}", r"at(frac(mul(\partial, y), mul(\partial, x)), \mu)"),
    # functions and sums over an index
    (r"\log x", r"call(\log, x)"),
    (r"\log x y", r"call(\log, mul(x, y))"),
    (r"\log(x) y", r"mul(call(\log, (<x>), y)"),
    (r"\log x + y", r"add(+call(\log, x) +y)"),
    (r"\log \sin x", r"call(\log, call(\sin, x))"),
    (r"\log_2 x", r"call(\log_[2], x)"),
    (r"\tanh^2(u)", r"call(\tanh^[2], (<u>)"),
    ("exp(u)", r"call(\exp, (<u>)"),
    (r"\exp", r"\exp"),
    (r"\sigma(x)", r"mul(\sigma, (<x>)"),
    (r"\sum_i x_i", "sum[i, ](x_[i])"),
    (r"\sum_{i=1}^N x_i y_i + z", "add(+sum[chain(i = 1), N](mul(x_[i], y_[i])) +z)"),
    (r"\sum^N_{i=1} x", "sum[chain(i = 1), N](x)"),
    (r"\sum_i -x_i", "sum[i, ](add(-x_[i]))"),
    (r"\sum_i \sum_j x_{ij}", "sum[i, ](sum[j, ](x_[mul(i, j)]))"),
    (r"2 \sum_i x_i \cdot y", r"mul(2, sum[i, ](mul(x_[i] \cdot y)))"),
    (r"\max_i x_i", "max[i, ](x_[i])"),
    (r"\max(a, b)", r"call(\max, (<list(a, b)>)"),
    # decorations and environments
    (r"\boxed{x}", "boxed(x)"),
    (r"\underbrace{a + b}_{c}", "underbrace(add(+a +b), c)"),
    (r"\overset{a}{b}", "overset(b, a)"),
    (r"\textcolor{red}{x}", "textcolor(x)"),
    (r"\color{red} x", "x"),
    (r"\begin{cases} a & x > 0 \\ b & \text{otherwise} \end{cases}", 'cases(a if chain(x > 0); b if "otherwise")'),
    (r"\begin{cases} a & \text{if i \neq j} \\ b \end{cases}", r'cases(a if list("if", chain(i \neq j)); b)'),
    (r"\begin{cases} a, i = j \\ b \end{cases}", "cases(a if chain(i = j); b)"),
    (r"\begin{bmatrix} a & b \\ c & d \end{bmatrix}", "matrix[(a & b; c & d)"),
    (r"\begin{bmatrix} a & -b \\ + c & = d \end{bmatrix}", "matrix[(a & add(-b); c & chain(nothing = d))"),
    (r"\begin{cases} 1 & x > 0 \\ -1 & x < 0 \end{cases}", "cases(1 if chain(x > 0); add(-1) if chain(x < 0))"),
    (r"\begin{array}{cc} a & b \end{array}", "matrix(a & b)"),
    # relations
    ("a = b = c", "chain(a = b = c)"),
    ("a := b", r"chain(a \coloneqq b)"),
    ("a =: b", "chain(a = b)"),
    (r"a \doteq b", r"chain(a \coloneqq b)"),
    (r"w . x", r"mul(w \cdot x)"),
    (r"(a . b) c", r"mul((<mul(a \cdot b)>, c)"),
    (r"\mathrm{e}^{-x}", "e:text^[add(-x)]"),
    (r"\mbox{e}^{z_i}", "e:text^[z_[i]]"),
    (r"\mathrm{e}_i^T", "e:text_[i]^[T]"),
    (r"\frac{x^3}{3!}", "frac(x^[3], call(!, 3))"),
    (r"90\% q", "mul(frac(90, 100), q)"),
    (r"\llbracket i = j \rrbracket", "[<chain(i = j)>"),
    ("a != b", r"chain(a \neq b)"),
    ("a <= b", r"chain(a \leq b)"),
    (r"a \not= b", r"chain(a \neq b)"),
    (r"a \not\in b", r"chain(a \notin b)"),
    (r"a \overset{!}{=} b", "chain(a = b)"),
    (r"a \stackrel{(1)}{\leq} b", r"chain(a \leq b)"),
    ("= b", "chain(nothing = b)"),
    ("a =", "chain(a = nothing)"),
    ("a & = b", "chain(a = b)"),
    # characters beyond ASCII
    ("α + β²", r"add(+\alpha +\beta^[2])"),
    ("x ∈ ℝ", r"chain(x \in R:bb)"),
    ("½ x", "mul(frac(1, 2), x)"),
    # words
    (r"\text{if}", '"if"'),
    (r"(x \text{ for all } i)", '(<list(x, "for all", i)>'),
]
# fmt: on


@pytest.mark.parametrize(("latex", "expected"), EXPRESSIONS)
def test_each_construct_has_its_tree(latex: str, expected: str) -> None:
    assert tree(parse_expression(formula(latex))) == expected


@pytest.mark.parametrize("latex", [latex for latex, _ in EXPRESSIONS])
def test_spaces_between_tokens_say_nothing(latex: str) -> None:
    spaced = latex.replace("_", "\n _ ").replace("^", " ^ ").replace(" ", "  ")
    assert parse_expression(formula(spaced)) == parse_expression(formula(latex))


# -- displays --------------------------------------------------------------------------------------------------------

# fmt: off
DISPLAYS = [
    (r"a = b \\ c = d", ["chain(a = b)", "chain(c = d)"]),
    (r"\begin{align} a &= b \\ &= c \\ d &= e \end{align}", ["chain(a = b = c)", "chain(d = e)"]),
    (r"\begin{equation}\begin{split} a &= b \\ c &= d \end{split}\end{equation}", ["chain(a = b)", "chain(c = d)"]),
    (r"{\displaystyle \begin{aligned} a &= b \end{aligned}}", ["chain(a = b)"]),
    (r"a = b, \quad c = d", ["chain(a = b)", "chain(c = d)"]),
    (r"a = b; c = d.", ["chain(a = b)", "chain(c = d)"]),
    (r"a = b \Rightarrow c = d", ["chain(a = b)", "chain(c = d)"]),
    (r"a = b \\ & + c \\ d = e", ["chain(a = add(+b +c))", "chain(d = e)"]),
    (r"a = b \\ = c", ["chain(a = b = c)"]),
    (r"\boxed{a = b \\ c = d}", ["chain(a = b)", "chain(c = d)"]),
    (r"\textcolor{red}{a = b}", ["chain(a = b)"]),
    # what is said beside them
    (r"a = b \quad \text{for } i \neq j", [r'chain(a = b) ["for"] [chain(i \neq j)]']),
    (r"a = b \quad (i \neq j)", [r"chain(a = b) [(<chain(i \neq j)>]"]),
    (r"a = b \quad i \neq j", [r"chain(a = b) [chain(i \neq j)]"]),
    (r"a = b \quad \forall i", ["chain(a = b) [i]"]),
    (r"\text{Let } a = b", ['"Let" chain(a = b)']),
    (r"a = b \quad \text{and} \quad c = d", ['chain(a = b) ["and"]', "chain(c = d)"]),
    (r"a = b \text{ hence } c = d", ["chain(a = b)", '"hence" chain(c = d)']),
    (r"\text{if } i = j: a = b", ["chain(a = b) [chain(i = j)]"]),
    (r"\text{если } i = j: a = b", ["chain(a = b) [chain(i = j)]"]),
    (r"a &= b && \text{since } u = 1 \\ &= c && \text{using } v = 2",
     ['chain(a = b) ["since"] [reason(chain(u = 1))]', 'chain(nothing = c) ["using"] [reason(chain(v = 2))]']),
    (r"a = b \text{ if } i = j \\ = c", ['chain(a = b) ["if"] [chain(i = j)]', "chain(nothing = c)"]),
    (r"\text{weighted sum} &= a b", ["chain(weighted sum:text = mul(a, b))"]),
    (r"\text{so } = a", ['"so" chain(nothing = a)']),
    (r"a = b. c = d", ["chain(a = b)", "chain(c = d)"]),
    (r"a = w . x. c = d", [r"chain(a = mul(w \cdot x))", "chain(c = d)"]),
    # labels
    (r"a = b \qquad (1)", ["chain(a = b) [(<1>]"]),
    (r"(a) \; x = y", ["chain(x = y)"]),
    (r"b) x = y", ["chain(x = y)"]),
    (r"1. x = y", ["chain(x = y)"]),
    (r"a = b \tag{1} \\ c = d \label{x}", ["chain(a = b)", "chain(c = d)"]),
    # what cannot be read does not spoil the next row
    (r"a = ) \\ c = d", ["chain(a = unread(): cannot read on at ')'))", "chain(c = d)"]),
    (r"a = \unknown \\ c = d",
     [r"chain(a = unread(\unknown: \unknown is not a command that derive knows))", "chain(c = d)"]),
    (r"\begin{align} a = ( \\ c = d \end{align} \\ e = f",
     ["chain(a = unread((: ( opened here is never closed))", "chain(c = d)", "chain(e = f)"]),
    (r"\begin{align} a = b \end{gather}",
     ["chain(a = b)", r"error: \begin{align} is ended by \end{gather}"]),
    (r"\begin{align} a = b", ["chain(a = b)", r"error: \begin{align} is never ended"]),
    ("a = b c) ", ["chain(a = unread(b c): cannot read on at ')'))"]),
    ("", []),
    (r"\\ & , .", []),
]
# fmt: on


@pytest.mark.parametrize(("latex", "expected"), DISPLAYS)
def test_a_display_is_read_as_statements(latex: str, expected: list[str]) -> None:
    assert [tree(statement) for statement in parse_display(formula(latex))] == expected


def test_macros_of_the_document_are_read_as_their_bodies() -> None:
    macros = {"pd": Macro(2, r"\frac{\partial #1}{\partial #2}")}
    assert tree(parse_expression(formula(r"\pd{L}{x}"), macros)) == r"frac(mul(\partial, L), mul(\partial, x))"


# -- spans -----------------------------------------------------------------------------------------------------------


def inside(node: Node, outer: Node) -> bool:
    span, around = span_of(node), span_of(outer)
    return around.start <= span.start and span.end <= around.end


@pytest.mark.parametrize("latex", [latex for latex, _ in EXPRESSIONS if "if i" not in latex])
def test_spans_nest_and_name_their_text(latex: str) -> None:
    node = parse_expression(formula(latex))
    for outer in node.walk():
        assert all(inside(child, outer) for child in outer.children())
        if isinstance(outer, Symbol) and latex.isascii() and not outer.font:
            written = latex[slice(*span_of(outer))]
            assert written.lstrip("\\") == outer.name.lstrip("\\")


@pytest.mark.parametrize(
    ("latex", "kind", "written"),
    [
        (r"a + \frac{b}{c}_i + d", Fraction, r"\frac{b}{c}"),
        (r"a + \frac{b}{c}_i + d", Script, r"\frac{b}{c}_i"),
        (r"a \hat{x}_{i, j}' b", Script, r"\hat{x}_{i, j}'"),
        (r"y = \frac12 x", Fraction, r"\frac12"),
    ],
)
def test_a_span_is_exact(latex: str, kind: type[Node], written: str) -> None:
    node = next(n for n in parse_expression(formula(latex)).walk() if isinstance(n, kind))
    assert latex[slice(*span_of(node))] == written


def test_spans_point_into_the_source_that_a_text_was_cut_from() -> None:
    text = formula("intro $a + b_i$ outro").cut(7, 14)
    node = parse_expression(text)
    assert span_of(node) == (7, 14)
    assert span_of(next(n for n in node.walk() if isinstance(n, Script))) == (11, 14)


def test_a_statement_ends_where_it_ends() -> None:
    latex = r"a = b \\ c &= d \quad \text{for } i"
    assert [latex[slice(*span_of(s))] for s in parse_display(formula(latex))] == [
        "a = b",
        r"c &= d \quad \text{for } i",
    ]


# -- errors ----------------------------------------------------------------------------------------------------------

# fmt: off
ERRORS = [
    # LaTeX, message, what is underlined, the hint
    (r"\frac{a}", r"\frac lacks an argument", "", ""),
    (r"\sqrt", r"\sqrt lacks an argument", "", ""),
    ("x_", "an empty script", "", ""),
    ("x_i_j", "a second subscript", "_", "Write both in one pair of braces."),
    ("x^a^b", "a second superscript", "^", "Set the first one in braces."),
    (r"x^{\prime a}", "{ is not closed with }", "a", ""),
    ("(a", "( opened here is never closed", "(", "Add ) where it ends."),
    ("a)", "cannot read on at ')'", ")", ""),
    ("[a, b)", "[ is not closed with ]", ")", ""),
    (r"\left( a )", r"\left( has no \right", r"\left", r"Add \right. where it ends."),
    (r"( a \right)", "( opened here is never closed", "(", "Add ) where it ends."),
    (r"( a \right))", r"( is not closed with ) before \right", r"\right", ""),
    (r"a + \bigr)", r"derive does not read \bigr here", r"\bigr", ""),
    ("|a", "| is not closed", "", ""),
    ("{a", "{ opened here is never closed", "{", "Add } where it ends."),
    (r"\tag{", "{ opened here is never closed", "{", "Add } where it ends."),
    ("a +", "the formula ends too early", "", ""),
    ("a = = b", "cannot read on at '='", "=", ""),
    (r"\foo x", r"\foo is not a command that derive knows", r"\foo",
     r"If it is your macro, define it in the document with \newcommand{\foo}{...}."),
    (r"\gama x", r"\gama is not a command that derive knows: did you mean \gamma?", r"\gama",
     r"If it is your macro, define it in the document with \newcommand{\gama}{...}."),
    (r"a \oint{n}", r"derive does not read \oint here", r"\oint", ""),
    (r"\begin{matrix} a", r"\begin{matrix} is never ended", r"\begin", r"Add \end{matrix}."),
    (r"\begin{matrix} a \end{cases}", r"\begin{matrix} is ended by \end{cases}", r"\end", r"Write \end{matrix}."),
    (r"\begin{foo} a \end{foo}", "derive does not know the environment 'foo'", r"\begin", ""),
    (r"x + \begin{align} a \end{align}", r"\begin{align} holds equations and stands inside one", r"\begin", ""),
    ("1" * 41, "a number of more than 40 digits", "1" * 41, ""),
    ("(" * 61 + "x" + ")" * 61, "nested more than 60 deep", "(", "Name the parts and write them apart."),
]
# fmt: on


@pytest.mark.parametrize(("latex", "message", "underlined", "hint"), ERRORS, ids=lambda value: value[:20])
def test_an_error_says_what_where_and_what_to_do(latex: str, message: str, underlined: str, hint: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_expression(formula(latex))
    error = caught.value
    assert (error.message, latex[slice(*error.span)], error.hint) == (message, underlined, hint)


# -- recovery --------------------------------------------------------------------------------------------------------

# fmt: off
HOLES = [
    # LaTeX, the statement with its hole, what is underlined, the names in the hole
    (r"\mu = \frac{1}{N} \foo_i x_i", r"chain(\mu = unread(\frac{1}{N} \foo_i x_i))", r"\foo", ["N", "x_[i]"]),
    (r"y = \frac{\foo x}{2} + 1", "chain(y = add(+frac(unread(\\foo x), 2) +1))", r"\foo", ["x"]),
    (r"y = (a ? b_i) c", "chain(y = mul((<unread(a ? b_i)>, c))", "?", ["a", "b_[i]"]),
    (r"y = \left( a ? \right) + z", "chain(y = add(+(<unread(a ?)> +z))", "?", ["a"]),
    (r"y = \big( a ? \big) + z", "chain(y = add(+(<unread(a ?)> +z))", "?", ["a"]),
    (r"a = b ? c = d", "chain(a = unread(b ? c) = d)", "?", ["b", "c"]),
    (r"x_{\foo} + \hat{z ? b} = d", r"chain(unread(x_{\foo} + \hat{z ? b}) = d)", r"\foo", ["x", "z", "b"]),
    (r"\frac{\partial L}{\partial b = \sum_k e^{z_k}",
     r"chain(unread(\frac{\partial L}{\partial b) = sum[k, ](e^[z_[k]]))",
     "{", ["L", "b"]),
    (r"q = \begin{cases} a ? & b > 0 \\ c & b < 0 \end{cases}",
     "chain(q = cases(unread(a ?) if chain(b > 0); c if chain(b < 0)))", "?", ["a"]),
    (r"s = \gama \sigma(x_i)", r"chain(s = unread(\gama \sigma(x_i)))", r"\gama", [r"\gamma", r"\sigma", "x_[i]"]),
    (r"\begin{foo} a \end{foo} b = c", r"chain(unread(\begin{foo} a \end{foo} b) = c)", r"\begin", ["a", "b"]),
]
# fmt: on


@pytest.mark.parametrize(("latex", "expected", "underlined", "names"), HOLES, ids=lambda value: str(value)[:20])
def test_an_error_costs_the_smallest_part_around_it(
    latex: str, expected: str, underlined: str, names: list[str]
) -> None:
    (statement,) = parse_display(formula(latex))
    (hole,) = (node for node in statement.walk() if isinstance(node, Unread))
    assert tree(statement).replace(f": {hole.message}", "") == expected
    start = hole.fault.start
    assert latex[start : hole.fault.end].startswith(underlined)
    assert [tree(name) for name in hole.names] == names
    assert latex[slice(*hole.span)] == hole.text


def test_a_row_that_cannot_be_read_does_not_spoil_the_next() -> None:
    found = parse_display(formula(r"\begin{align} a &= \frac{b}{c \\ d &= ( e \\ f &= g \end{align}"))
    assert [tree(s) for s in found] == [
        r"chain(a = unread(\frac{b}{c: { opened here is never closed))",
        "chain(d = unread(( e: ( opened here is never closed))",
        "chain(f = g)",
    ]


# -- hostile text ----------------------------------------------------------------------------------------------------

OPENINGS = [
    "(", "[", "{", r"\{", "|", r"\|", r"\left(", r"\left|", r"\big(", r"\big|", r"\frac{", r"\frac{1}{",
    r"\sqrt{", r"\sqrt[", r"\hat{", r"\mathbf{", "x_{", "x^{", "x_", r"\log", r"\log(", "log(", r"\log_{",
    r"\sum_{", r"\sum", r"\max(", r"\boxed{", r"\underbrace{", r"\underbrace{x}_{", r"\begin{matrix}",
    r"\begin{cases}", r"\begin{align}", r"{\begin{align}", r"\mathrm{=", r"\text{a", "x|_{", r"\overset{a}{",
    r"\not", "-", r"\forall", r"\tag{", r"\hspace{", r"\overset{", r"\textcolor{red}{", "'", "&", r"\\",
]  # fmt: skip
PAIRS = [
    ("(", ")"), ("{", "}_1"), (r"\left(", r"\right)"), (r"\big|", r"\big|"), (r"\frac{", "}{1}"), (r"\sqrt[", "]{x}"),
    (r"\hat{", "}"), ("x_{", "}"), ("x^{y_{", "}}"), (r"\log(", ")"), (r"\log\left(", r"\right)"), (r"\sum_{", "}x"),
    (r"\boxed{", "}"), (r"\textcolor{red}{", "}"), (r"\underbrace{x}_{", "}"), (r"\mathrm{=", "}"), (r"\tag{", "}"),
    (r"\begin{matrix}", r"\end{matrix}"), (r"\begin{align}", r"\end{align}"), ("x|_{", "}"),
    (r"\begin{cases} \text{if (", r")} \end{cases}"), (r"\overset{a}{", "}"), (r"\overset{a}{\not", "}"),
]  # fmt: skip


@pytest.mark.parametrize("count", [40, 1500])
@pytest.mark.parametrize(("opening", "closing"), [*PAIRS, *((opening, "") for opening in OPENINGS)])
def test_deep_nesting_ends_in_a_tree_or_an_error(opening: str, closing: str, count: int) -> None:
    latex = opening * count + "x" + closing * count
    for statement in parse_display(formula(latex)):
        if isinstance(statement, Unreadable):
            assert statement.message
            assert 0 <= statement.span.start <= statement.span.end <= len(latex)


def test_a_formula_of_too_many_symbols_is_refused() -> None:
    (only,) = parse_display(formula("x+" * 15_000 + "x"))
    assert isinstance(only, Unreadable)
    assert "20000 symbols" in only.message


def test_a_macro_that_uses_itself_is_refused() -> None:
    (only,) = parse_display(formula(r"\loop"), {"loop": Macro(0, r"\loop\loop")})
    assert isinstance(only, Unreadable)
    assert only.message == r"the macro \loop does not end"


PIECES = [
    r"\frac", "{", "}", "_", "^", r"\\", "&", r"\left(", r"\right)", r"\big|", r"\bigr)", "|", "||", r"\|",
    r"\text{if }", r"\forall", ",", "=", r"\neq", r"\overset{a}{=}", r"\begin{cases}", r"\end{cases}",
    r"\begin{align}", r"\end{align}", "'", r"\prime", r"\sum_{i=1}^N", r"\log", r"\max", "(", ")", "[", "]",
    r"\{", r"\}", r"\quad", r"\boxed{", r"\underbrace{", r"\mathbf{", r"\mathrm{", r"\hat", r"\sqrt[", "...",
    r"\dots", "-", "+", r"\pm", r"\cdot", "/", "*", "softmax", "x", "2", r"\mid", r"\middle|", r"\left.",
    r"\right|_", r"\tag{1}", ":", ".", "~", r"\foo", r"\not", r"\in", r"\begin{bmatrix}", r"\end{bmatrix}",
    r"\binom", r"\Rightarrow",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_any_text_is_read_or_refused_within_itself(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        latex = " ".join(rng.choice(PIECES) for _ in range(rng.randint(1, 25)))
        for statement in parse_display(formula(latex)):
            span = span_of(statement)
            assert 0 <= span.start <= span.end <= len(latex), latex


def test_whatever_unicode_holds_is_read_or_refused() -> None:
    for start in range(0, 0x3000, 64):
        latex = " ".join(map(chr, range(start, start + 64)))
        assert isinstance(parse_display(Text(latex, range(len(latex) + 1))), tuple)


def test_a_change_reaches_every_node_of_a_tree_and_leaves_the_rest_alone() -> None:
    node = parse_expression(formula("a + \\sqrt{b} \\begin{cases} x_a & a > 0 \\\\ \\log a \\end{cases}"))
    letter = Symbol("z")
    changed = rebuilt(node, lambda inner: letter if inner == Symbol("a") else inner)
    assert Symbol("a") not in list(changed.walk())
    assert sum(inner is letter for inner in changed.walk()) == 4
    assert changed != node and rebuilt(node, lambda inner: inner) is node
