r"""Documents to formulas: ways to write mathematics, what hides it, what breaks, and that nothing is lost."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.checking import check_document
from derive.document import Document, DocumentError, Format, files, load, read_text, scanner
from derive.latex.tokens import Macro
from derive.repair import Repair


def formulas(read: Document) -> list[tuple[str, str]]:
    return [(block.kind, block.text.value) for block in read.blocks]


def covered(read: Document) -> list[str]:
    return [block.source.text[slice(*block.span)] for block in read.blocks]


def complaints(read: Document) -> list[tuple[str, str]]:
    """The text that each error underlines, and its message."""
    return [(source.text[slice(*error.span)], error.message) for source, error in read.errors]


def markdown(text: str) -> list[tuple[str, str]]:
    read = read_text(text)
    assert not read.errors
    assert not read.repairs
    return formulas(read)


# Ways to write mathematics


@pytest.mark.parametrize(
    ("written", "kind", "latex"),
    [
        ("$x_i$", "inline", "x_i"),
        ("$ x = y $", "inline", "x = y"),
        (r"$ \frac{a}{b}$", "inline", r"\frac{a}{b}"),
        ("$a\nb$", "inline", "a\nb"),
        (r"$x = \text{if $a$ b}$", "inline", r"x = \text{if $a$ b}"),
        ("$$x$$", "display", "x"),
        ("$$\na\n\n\n= b\n$$", "display", "a\n\n\n= b"),
        (r"$$a \\$$", "display", r"a \\"),
        ("$$\\colorbox{c}\n{\n$\na\n$\n}$$", "display", "\\colorbox{c}\n{\n$\na\n$\n}"),
        (r"\(x\)", "inline", "x"),
        (r"\[x = \left[1 \\ 2\right]\]", "display", r"x = \left[1 \\ 2\right]"),
        (r"\\(x\\)", "inline", "x"),
        (r"\\[x = 1\\]", "display", "x = 1"),
        ("\\begin{align}\na &= b\n\\end{align}", "display", "\\begin{align}\na &= b\n\\end{align}"),
        (r"\begin{equation*}a\end{equation*}", "display", r"\begin{equation*}a\end{equation*}"),
        (
            r"\begin{split}\begin{split}a\end{split}\end{split}",
            "display",
            r"\begin{split}\begin{split}a\end{split}\end{split}",
        ),
        ("```math\na = b\n```", "display", "a = b"),
        ("~~~ math\na = b\n~~~", "display", "a = b"),
        ("```math\na = b\n$$\n```", "display", "a = b"),
        ("$`a = b`$", "inline", "a = b"),
        ('<img src="https://x.org/render/math?math=a %2B \\mu%3D%CE%BC">', "display", r"a + \mu=μ"),
        ("<IMG alt='' src='https://x.org/math?mode=inline&math=a'/>", "display", "a"),
        (r"![f](https://latex.codecogs.com/svg.latex?%5Cdpi%7B99%7D&space;f(x)&plus;1)", "display", "f(x)+1"),
        (r'![](https://latex.codecogs.com/gif.latex?f(x) "title")', "display", "f(x)"),
        ("<!-- given: N = m -->", "given", "N = m"),
        ("<!-- given: $N = m$ -->", "given", "N = m"),
        ("<!--\ngiven: a\n= b\n-->", "given", "a\n= b"),
    ],
)
def test_each_way_to_write_mathematics(written: str, kind: str, latex: str) -> None:
    read = read_text(f"Before.\n\n{written}\n\nAfter.\n")
    assert (formulas(read), covered(read), read.errors) == ([(kind, latex)], [written], ())


def test_an_image_within_text_is_inline() -> None:
    assert markdown('the <img src="https://x.org/math?math=\\mu"> of')[0] == ("inline", r"\mu")


def test_several_formulas_keep_their_order() -> None:
    text = "$a$ and $$b$$$c$\n<!-- given: d = e -->\n\\[f = 1\\]$$g$$\n$$= h$$"
    assert [latex for _, latex in markdown(text)] == ["a", "b", "c", "d = e", "f = 1", "g", "= h"]


def test_offsets_point_into_the_source() -> None:
    read = read_text("x\n\n> $$\n> a\\_i\n> = b\n> $$\n")
    (block,) = read.blocks
    assert block.text.value == "a_i\n= b"
    places = [read.sources[0].place(block.text.offsets[k])[:2] for k in (0, 1, 2, 4)]
    assert places == [(4, 3), (4, 5), (4, 6), (5, 3)]
    assert covered(read) == ["$$\n> a\\_i\n> = b\n> $$"]


@pytest.mark.parametrize(
    "text",
    [
        "- item\n\n  $$\n  a\n  $$\n",
        "    $$a$$\n",
        "text\n\n    $$\n    a\n    $$\n",
        "1. item\n\n        $a$\n",
        "> > $a$",
    ],
)
def test_lists_quotes_and_indented_displays_hold_mathematics(text: str) -> None:
    assert [latex.strip() for _, latex in markdown(text)] == ["a"]


def test_windows_line_ends_change_nothing() -> None:
    text = "# a\r\n\r\n$$\r\na = b\r\n$$\r\n\r\n```math\r\nc\r\n```\r\n"
    assert markdown(text) == [("display", "a = b"), ("display", "c")]


# What is not mathematics


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $6, or $20,000 and US$30.",
        "US$ and AU$ are dollars",
        r"\$x\$ and \\$x",
        "`$x$` and ``a ` $x$``",
        "<code>$x$</code> <pre class='a'>\n\n$$x$$\n</pre> <SCRIPT>'$x$'</SCRIPT> <style>$x$</style>",
        "```python\n$x$\n```\n",
        "~~~~\n$x$\n~~~\n$y$\n~~~~\n",
        "text\n\n    $code$\n\n    $more$\n\ntext",
        "---\ntitle: $x$\n---\ntext",
        "<!-- $x$ -->",
        r"\[1\] and \[Smith, 2019\]",
        "![photo](photo_1.png) <img src='a.png'>",
        r"\begin{itemize}x\end{itemize}",
        "weight{x} and begin{itemize}",
        "",
    ],
)
def test_what_is_not_mathematics(text: str) -> None:
    assert markdown(text + "\n") == []


def test_mathematics_goes_on_behind_code_and_money() -> None:
    text = "`a` $5 $x$ `$n$`\n\n    $code$\n\n$y$\n\n- l\n\n    $z$\n\nend\n\n    $code$"
    assert [latex for _, latex in markdown(text)] == ["x", "y", "z"]


def test_a_document_without_mathematics_is_a_document() -> None:
    read = read_text("Only words.")
    assert (read.blocks, read.errors, read.repairs, dict(read.macros)) == ((), (), (), {})


def test_plain_text_knows_fences_but_no_other_code() -> None:
    read = read_text("`$a$` <code>$b$</code>\n\n    $c$\n\n```\n$d$\n```\n", kind="txt")
    assert [latex for _, latex in formulas(read)] == ["a", "b", "c"]


# Comments that say something


def test_an_ignore_comment_marks_the_next_block() -> None:
    read = read_text("$$a$$\n<!-- derive: ignore -->\nwords\n$$b$$\n$$c$$\n")
    assert [(block.text.value, block.ignored) for block in read.blocks] == [
        ("a", False),
        ("b", True),
        ("c", False),
    ]


@pytest.mark.parametrize(
    ("comment", "right"),
    [
        ("derive: ignor", "derive: ignore"),
        ("derive: skip", "derive: ignore"),
        ("derive ignore", "derive: ignore"),
        ("derive: do not check the next display", "derive: ignore"),
        (r"given \delta_i = \frac{a}{b}", r"given: \delta_i = \frac{a}{b}"),
        ("givn: m = N", "given: m = N"),
        ("given:", "given: m = N"),
    ],
)
@pytest.mark.parametrize(("kind", "frame"), [("md", "<!-- {} -->"), ("tex", "% {}")])
def test_a_directive_with_a_slip_is_answered(kind: Format, frame: str, comment: str, right: str) -> None:
    read = read_text(f"{frame.format(comment)}\n\n$$b$$\n", kind=kind)
    assert [block.ignored for block in read.blocks] == [False]
    ((source, error),) = read.errors
    assert frame.format(right) in error.hint
    assert source.text[slice(*error.span)] == frame.format(comment)


@pytest.mark.parametrize(
    "comment", ["derived in section 2", "given the above, x = 2 follows at once", "TODO: x = 3", "ignore", "toc"]
)
def test_other_comments_are_nobody_s_business(comment: str) -> None:
    read = read_text(f"<!-- {comment} -->\n\n$$b$$\n")
    assert not read.errors and [block.ignored for block in read.blocks] == [False]


# reStructuredText, AsciiDoc, Org, and mathematics without delimiters

RST = r"""
Title
=====

.. given: m = N

The loss :math:`L = 2` is ``$x$`` and :math:`y`.

.. math:: a = b

.. math::
   :label: one

   c = d \\\\
   e = f

   g = h

.. code-block:: python

   x = "∂L = 2"

.. note::

   .. math:: i = j

.. derive: ignor

Plain ∂L/∂xᵢ = 2 and words that say nothing
∂L/∂xᵢ = Σⱼ √(a + b) e^(-x)
"""


def test_restructured_text() -> None:
    read = read_text(RST.replace("\\\\\\\\", "\\\\"), "page.rst", "rst")
    assert [(kind, " ".join(latex.split())) for kind, latex in formulas(read)] == [
        ("given", "m = N"),
        ("inline", "L = 2"),
        ("inline", "y"),
        ("display", "a = b"),
        ("display", "c = d \\\\ e = f"),
        ("display", "g = h"),
        ("display", "i = j"),
        ("display", "∂L/∂xᵢ = ∑ⱼ √{a + b} e^{-x}"),
    ]
    assert [error.message for _, error in read.errors] == ["derive does not know the directive 'derive: ignor'"]


def test_asciidoc() -> None:
    text = "// derive: ignore\nThe stem:[x_i] and latexmath:[y]\n\n[stem]\n++++\na = b\n++++\n\n"
    text += "----\n∂x = 2\n----\n`∂y = 2 x`\n"
    read = read_text(text, "page.adoc", "adoc")
    assert formulas(read) == [("inline", "x_i"), ("inline", "y"), ("display", "a = b"), ("inline", "∂y = 2 x")]
    assert read.blocks[0].ignored


def test_org() -> None:
    text = (
        "# given: m = N\n#+begin_src python\n$$x$$\n#+end_src\n\\(a\\) $b$ \\[c = d\\]\n\\begin{align}e\\end{align}\n"
    )
    read = read_text(text, "page.org", "org")
    assert [latex for _, latex in formulas(read)] == ["m = N", "a", "b", "c = d", "\\begin{align}e\\end{align}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Forward: L = Σᵢ xᵢ²", ["L = ∑ᵢ xᵢ²"]),
        ("- **Backward:** ∂L/∂x = 2·x  # from above", ["∂L/∂x = 2·x"]),
        ("so ∂L/∂x = 2·x is the gradient of it", []),
        ("Σᵢⱼ = E[xᵢ xⱼ]", ["Σᵢⱼ = E[xᵢ xⱼ]"]),
        ("| x | ∂L = 2 |", []),
        ("the sign ∂ alone", []),
        ("```\nL = Σᵢ xᵢ²\nx = 3\n∂L/∂x = 2·x\n```", ["L = ∑ᵢ xᵢ²", "∂L/∂x = 2·x"]),
        ("```python\n∂L = 2 * x\n```", []),
        ("| `∂L/∂x = 2·x` | `$a_i = b$` | `$HOME` | `x = 2` |", ["∂L/∂x = 2·x", "a_i = b"]),
        ("```latex\na = \\frac{b}{c}\n+ d\ne = f\n```", ["a = \\frac{b}{c}\n+ d", "e = f"]),
        ("```latex\na &= b \\\\\n&= c\n```", ["a &= b \\\\\n&= c"]),
        ("```tex\nWords and $x$\n\\begin{align}a\\end{align}\n```\n$y$", ["x", "\\begin{align}a\\end{align}", "y"]),
        ("```{math}\n:label: one\na = b\n```", ["a = b"]),
        ('<script type="math/tex; mode=display">a = b</script> <script type="math/tex">c</script>', ["a = b", "c"]),
        ("<script>$a$</script>", []),
    ],
)
def test_mathematics_in_markdown_without_delimiters(text: str, expected: list[str]) -> None:
    assert [latex.strip() for _, latex in markdown(text)] == expected


def test_bare_latex_in_plain_text() -> None:
    text = "The mean\n\n  \\mu = \\frac{1}{N} \\sum_i x_i\nis what \\mu = 3 says of it, and x = 2\n$y$\n"
    read = read_text(text, "page.txt", "txt")
    assert [latex for _, latex in formulas(read)] == ["\\mu = \\frac{1}{N} \\sum_i x_i", "y"]


def test_a_file_that_is_put_in_is_named_and_not_read() -> None:
    read = read_text("\\begin{document}\n\\input{sections/loss}\n$x$\\end{document}", "page.tex", "tex")
    ((source, note),) = read.notes
    assert note.message == "the file sections/loss is not read"
    assert source.text[slice(*note.span)] == "\\input{sections/loss}"


# TeX

TEX = r"""\documentclass{article}
\newcommand{\R}{\mathbb{R}} % $not this$
\def\pair#1#2{(#1, #2)}
\DeclareMathOperator*{\relu}{relu}
\begin{document}
% given: N = m
Text $ x $ costs 5\% of \verb|$y$|.
% derive: ignore
\begin{equation} a = b % $c$
\end{equation}
\begin{verbatim}
$$n$$
\end{verbatim}
\begin{lstlisting}[language=C]
$n$
\end{lstlisting}
\[ c\_d = \relu \]\\[2pt]
$$e$$
\end{document}
"""


def test_tex() -> None:
    read = read_text(TEX, "paper.tex", "tex")
    assert formulas(read) == [
        ("given", "N = m"),
        ("inline", "x"),
        ("display", "\\begin{equation} a = b      \n\\end{equation}"),
        ("display", r"c\_d = \relu"),
        ("display", "e"),
    ]
    assert [block.ignored for block in read.blocks] == [False, False, True, False, False]
    assert covered(read)[0] == "% given: N = m"
    assert read.macros == {
        "R": Macro(0, r"\mathbb{R}"),
        "pair": Macro(2, "(#1, #2)"),
        "relu": Macro(0, r"\operatorname{relu}"),
    }
    assert not read.errors


def test_words_between_subequations_are_no_mathematics() -> None:
    text = "\\begin{subequations}\n\nThis is what follows.\n\\begin{align}a\\end{align}\n\\end{subequations}"
    assert formulas(read_text(text, kind="tex")) == [("display", "\\begin{align}a\\end{align}")]


def test_tex_without_a_preamble() -> None:
    assert formulas(read_text(r"\section{A} $a$", kind="tex")) == [("inline", "a")]


# Macros


def test_macros_are_taken_out_of_the_mathematics() -> None:
    first = r"$$\newcommand{\R}{\mathbb{R}} \renewcommand\v[1]{\mathbf{#1}}$$"
    read = read_text(first + r" $$\def\e{e} \v{x} \in \R$$ \providecommand{\q}{q}")
    assert formulas(read) == [("display", r"\v{x} \in \R")]
    assert read.macros == {
        "R": Macro(0, r"\mathbb{R}"),
        "v": Macro(1, r"\mathbf{#1}"),
        "e": Macro(0, "e"),
        "q": Macro(0, "q"),
    }


def test_a_macro_with_a_default_argument_is_cut_but_not_called() -> None:
    read = read_text(r"$$\newcommand{\n}[1][2]{\|x\|_#1} \n$$")
    assert (formulas(read), read.macros) == ([("display", r"\n")], {})


# Escapes


@pytest.mark.parametrize(
    ("escaped", "latex"),
    [
        (r"\hat{x}\_i = a\*b", r"\hat{x}_i = a*b"),
        (r"x\_i \text{left\_side} \text{of $y\_i$}", r"x_i \text{left\_side} \text{of $y_i$}"),
        (r"\begin{align\*}a\end{align\*}", r"\begin{align*}a\end{align*}"),
        (r"\begin{aligned}a \\\\ b\end{aligned}", r"\begin{aligned}a \\ b\end{aligned}"),
        (r"\begin{aligned}a \\\\\frac{1}{2}\end{aligned}", r"\begin{aligned}a \\\frac{1}{2}\end{aligned}"),
        (r"\begin{aligned}a \\ b \\\\ c\end{aligned}", r"\begin{aligned}a \\ b \\\\ c\end{aligned}"),
        (r"\\frac{\\partial L}{\\partial x} \\\\ \\{a\\}", r"\frac{\partial L}{\partial x} \\ \{a\}"),
        (r"\\begin{aligned}\\mu &= 1 \\ b\\end{aligned}", r"\begin{aligned}\mu &= 1 \\ b\end{aligned}"),
        (r"\frac{1}{2} \\{ a, b \\}", r"\frac{1}{2} \{ a, b \}"),
        (r"\frac{1}{2} \\ \mu \\{a}", r"\frac{1}{2} \\ \mu \\{a}"),
    ],
)
def test_escapes_of_site_generators_are_undone(escaped: str, latex: str) -> None:
    assert markdown(f"$${escaped}$$") == [("display", latex)]


def test_one_doubled_formula_tells_how_to_read_the_others() -> None:
    assert markdown("$$\\\\frac{a}{b}$$ $$\\\\log x$$")[1] == ("display", r"\log x")
    assert markdown("$$\\frac{a}{b}$$ $$\\\\log x$$")[1] == ("display", r"\\log x")


def test_a_bare_environment_with_doubled_backslashes() -> None:
    text = "\\\\begin{align}\\\\mu &= 1\\\\\\\\ \\\\nu &= 2\\\\end{align}"
    assert markdown(text) == [("display", r"\begin{align}\mu &= 1\\ \nu &= 2\end{align}")]


# Damage

PRINTOUT = """\
1/2/2020 Untitled

$$egin{aligned} \\hat{x_i} &= rac{x_i - \\mu}{s} \\ & \\mu = rac{1}{m} \\sum_i x_i \\ & v &= \\left( x_i
ight)^2 \\end{aligned}$$

$$oxed{rac{\\partial y}{\\partial x} = rac{1}{s}}$$

$$\\frac{1}{N}$$

egin{align} a &= \\left[ heta
ight] \\end{align}
"""


def test_a_damaged_printout_is_restored_and_every_repair_listed() -> None:
    read = read_text(PRINTOUT, "notes.txt", "txt")
    assert [latex for _, latex in formulas(read)] == [
        r"\begin{aligned} \hat{x_i} &= \frac{x_i - \mu}{s} \\ & \mu = \frac{1}{m} \sum_i x_i"
        r" \\ & v &= \left( x_i\right)^2 \end{aligned}",
        r"\boxed{\frac{\partial y}{\partial x} = \frac{1}{s}}",
        r"\frac{1}{N}",
        r"\begin{align} a &= \left[ \theta\right] \end{align}",
    ]
    assert [(repair.line, repair.was) for repair in read.repairs] == [
        *[(3, "egin"), (3, "rac"), (3, "\\"), (3, "rac"), (3, "\\"), (4, r"\x0aight")],
        *[(6, "oxed"), (6, "rac"), (6, "rac")],
        *[(10, "egin"), (10, "heta"), (11, r"\x0aight")],
    ]
    assert read.repairs[2] == Repair(3, 48, "\\", r"\\")
    assert not read.errors


def test_control_characters_survive_reading(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_bytes(b"text\n\n$$\x0crac{a}{b} \\left(\x08eta\right) \x07lpha \x0bec{v} \tau$$ $\theta$\n")
    assert [latex for _, latex in formulas(load(path))] == [
        r"\frac{a}{b} \left(\beta\right) \alpha \vec{v} \tau",
        r"\theta",
    ]


def test_an_ambiguous_place_is_an_error_and_the_rest_is_read() -> None:
    read = read_text("$$rac{1}{2}$$\n\n$$a = eta$$\n\n$$b$$\n")
    assert [latex for _, latex in formulas(read)] == [r"\frac{1}{2}", "b"]
    assert complaints(read) == [("eta", r"damaged text: eta can be \beta or \eta")]


# Mistakes in documents


@pytest.mark.parametrize(
    ("text", "opening", "rest"),
    [
        ("$$ a = b\n\n$c$", "$$", ["c"]),
        ("$$ a = b\n\nHere the prose goes on.\n\n$$ c $$", "$$", ["c"]),
        ("$$ a = b\n\nThus:\n\n$$ c $$", "$$", ["c"]),
        ("$$ a = b $\n\n$$ c $$", "$$", ["c"]),
        ("$$ a = b\n<!-- E2 -->\n$$ c $$", "$$", ["c"]),
        ("\\[ a = b\n\n# Next\n\n\\[ c = d \\]", r"\[", ["c = d"]),
        ("\\( a = b\n\n\\(c\\)", r"\(", ["c"]),
        ("$\\frac{a}{b}\n\n$c$", "$", ["c"]),
        ("\\begin{align} a\n\n$c$ \\end{align*}", r"\begin{align}", ["c"]),
        ("```math\na\n\n$c$", "```", ["c"]),
        ("<!-- given: a\n\n$c$", "<!--", ["c"]),
        ("<!-- given: a ->\n\n$c$ <!-- x -->", "<!--", ["c"]),
        ("![](https://x.org/?math=a\n\n$c$", "![", ["c"]),
        ("\\newcommand{\\x}{a\n\n$c$", r"\newcommand", ["c"]),
    ],
)
def test_an_unclosed_delimiter_is_reported_and_reading_goes_on(text: str, opening: str, rest: list[str]) -> None:
    read = read_text(text)
    assert complaints(read) == [(opening, f"this {opening} is never closed")]
    assert [latex for _, latex in formulas(read)] == rest
    assert "Close it with" in read.errors[0][1].hint


@pytest.mark.parametrize("text", ["a lone $ sign", "$5 for 1_000", r"a \( smile", r"C:\[dir", "an < img and ![x"])
def test_signs_that_open_nothing_are_no_mistake(text: str) -> None:
    assert markdown(text) == []


# Notebooks


def notebook(*cells: object) -> str:
    return json.dumps({"cells": list(cells), "nbformat": 4})


def test_the_markdown_cells_of_a_notebook() -> None:
    text = notebook(
        {"cell_type": "code", "source": "$a$", "outputs": [{"text": "$b$"}]},
        {"cell_type": "markdown", "source": ["$$c\n", "= d$$\n", "\n", "$e$"]},
        {"cell_type": "raw", "source": "$f$"},
        {"cell_type": "markdown", "source": "# h\n\n$$\x0crac{1}{2}$$"},
    )
    read = read_text(text, "n.ipynb", "ipynb")
    assert formulas(read) == [("display", "c\n= d"), ("inline", "e"), ("display", r"\frac{1}{2}")]
    assert [block.source.cell for block in read.blocks] == [2, 2, 4]
    assert read.repairs == (Repair(3, 4, r"\x0crac", r"\frac", 4),)
    assert read.sources[0].locate(read.blocks[1].span.start) == "n.ipynb:cell 2:4:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"cells": [\n{"cell_type": "markdo', "line 2, column 15"),
        ("not json", "line 1, column 1"),
        ("[" * 200_000, "not valid JSON"),
        ('{"cells": [' + "1" * 5000 + "]}", "not valid JSON"),
        ("{}", "no cells"),
        ("[]", "no cells"),
        ('{"cells": []}', "no cells"),
        ('{"cells": {"a": 1}}', "no cells"),
        (notebook({"cell_type": "markdown", "source": 5}), "cell 1"),
        (notebook({"cell_type": "markdown", "source": ["a", None]}), "cell 1"),
    ],
)
def test_a_broken_notebook(text: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        read_text(text, "n.ipynb", "ipynb")


def test_odd_cells_of_a_notebook_are_passed_over() -> None:
    text = notebook(None, 5, {"cell_type": "markdown"}, {"cell_type": "markdown", "source": "\ud800 $a$"})
    read = read_text(text, "n.ipynb", "ipynb")
    assert formulas(read) == [("inline", "a")]
    assert read.sources[1].text.startswith("\N{REPLACEMENT CHARACTER}")


# Files


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        *[(f"a{suffix}", ["x"]) for suffix in (".md", ".markdown", ".qmd", ".Rmd", ".MD")],
        *[(name, ["n", "x"]) for name in ("a.txt", "a", "a.org")],
        ("a.rst", ["x"]),
        ("a.adoc", []),
    ],
)
def test_the_suffix_tells_the_format(tmp_path: Path, name: str, latex: list[str]) -> None:
    path = tmp_path / name
    path.write_text("`$n$` $x$")
    read = load(path)
    assert [block.text.value for block in read.blocks] == latex
    assert read.path == str(path)


def test_tex_and_notebooks_by_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.ltx").write_text("$a$ % $b$")
    (tmp_path / "a.ipynb").write_text(notebook({"cell_type": "markdown", "source": "$a$"}))
    assert formulas(load(str(tmp_path / "a.ltx"))) == formulas(load(tmp_path / "a.ipynb")) == [("inline", "a")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.md"
    path.write_bytes("é $μ = 1$".encode(encoding))
    assert formulas(load(path)) == [("inline", "μ = 1")]
    assert covered(load(path)) == ["$μ = 1$"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the document is empty"),
        (b"\xef\xbb\xbf", "the document is empty"),
        (b"a\nb\xe9c", "byte 3 (line 2) is not valid utf-8"),
        ("é\n$x$".encode("utf-16-le"), "byte 0 (line 1) is not valid utf-8"),
        ("e\n$x$".encode("utf-16-le"), "line 1 holds a NUL character"),
        (b"\x7fELF\n\0\0", "line 2 holds a NUL character"),
        ("$x$".encode("utf-16")[:-1], "is not valid utf-16"),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(data)
    with pytest.raises(DocumentError) as error:
        load(path)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_missing_file_a_directory_and_a_loop(tmp_path: Path) -> None:
    (tmp_path / "loop.md").symlink_to("loop.md")
    for path, message in [
        (tmp_path / "missing.md", "there is no such file"),
        (tmp_path, "this is a directory"),
        (tmp_path / "loop.md", "cannot be opened"),
        (Path("a\0b.md"), "cannot be opened"),
        (tmp_path / ("x" * 5000), "cannot be opened"),
        (tmp_path / "missing.md" / "a.md", "there is no such file"),
    ]:
        with pytest.raises(DocumentError, match=message) as error:
            load(path)
        assert error.value.hint


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("$x$")
    path.chmod(0)
    with pytest.raises(DocumentError, match="may not be read"):
        load(path)


def test_a_refused_permission_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DocumentError, match=r"a\.md: this file may not be read\. Change its permissions\."):
        load("a.md")


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    path = tmp_path / "a.md"
    path.write_text("$x$ 567890")
    assert formulas(load(path)) == [("inline", "x")]
    path.write_text("$x$ 5678901")
    with pytest.raises(DocumentError, match="larger than"):
        load(path)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"$x$")))
    read = load("-")
    assert (read.path, formulas(read)) == ("<stdin>", [("inline", "x")])


def test_standard_input_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.TextIOWrapper(io.BytesIO(b"$x$"))
    closed.close()
    for stdin in (None, closed, io.StringIO("$x$")):
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(DocumentError, match="standard input cannot be read"):
            load("-")


# Limits


def test_a_formula_that_is_too_long_is_refused_and_the_rest_read() -> None:
    read = read_text("$$" + "x" * (scanner.MAX_LENGTH + 1) + "$$ $y$")
    assert formulas(read) == [("inline", "y")]
    assert "more than" in read.errors[0][1].message


def test_a_document_with_too_many_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "MAX_FORMULAS", 2)
    with pytest.raises(DocumentError, match="more than 2 formulas"):
        read_text("$a$ $b$ $c$")


MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    "part",
    [
        *[
            "the begin of a ",
            "∂",
            "∂ = 2 ",
            "√(",
            "${ ",
            "$5 ",
            "\\[ x_i ",
            "\\( x ",
            "\n",
            "\\",
            "`",
            " ",
            ">",
            "<img src='",
            "![](a?math=(",
        ],
        *[
            "\n    code\n",
            "<!-- ",
            "<code>",
            "\\begin{align}\n",
            "\\newcommand{\\x}{",
            "\n- a\n\n",
            "![",
            "~",
        ],
    ],
)
def test_megabytes_cost_seconds(part: str) -> None:
    text = "$" + (part * (MEGABYTE // len(part)))[:MEGABYTE]
    start = time.perf_counter()
    read_text(text)
    read_text(text + "\n\n    $$", kind="tex")
    assert time.perf_counter() - start < 10


# Properties

PARTS = [
    *[
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\\\\(",
        "\\\\)",
        "\\\\[",
        "\\\\]",
        "`",
        "```",
        "```math\n",
        "~~~\n",
        "$`",
        "`$",
    ],
    *[
        "\\begin{align}",
        "\\end{align}",
        "\\begin{align\\*}",
        "\x08egin{align}",
        "egin{align}",
        "end{align}",
        "\\begin{math}",
    ],
    *[
        "<!--",
        "-->",
        "<!-- given: ",
        "<!-- derive: ignore -->",
        "<code>",
        "</code>",
        '<img src="?math=',
        '">',
        "![](",
        ")",
    ],
    *[
        "\n",
        "\n\n",
        "    ",
        "> ",
        "- ",
        "# ",
        "---\n",
        "% ",
        "% given: ",
        "\t",
        "\r",
        "\r\n",
        "\f",
        "\b",
        " ",
        "\\",
        "{",
        "}",
    ],
    *[
        "x_i",
        "=",
        "\\frac{a}{b}",
        "rac{a}{b}",
        "eta",
        "\\\\",
        "&",
        "\\_",
        "%2B",
        "5",
        "Some words go on. ",
        "\\text{",
    ],
    *[
        "\\newcommand{\\x}",
        "[1]",
        "#1",
        "\\def\\y",
        "\\begin{document}",
        "\\verb|",
        "\\begin{verbatim}",
        "\\$",
        "é",
        "\ud800",
    ],
]
TEXTS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=30).map("".join)
FORMATS: list[Format] = ["md", "txt", "tex", "rst", "adoc", "org"]


@given(TEXTS, st.sampled_from(FORMATS))
def test_any_text_is_read(text: str, kind: Format) -> None:
    read = read_text(text, kind=kind)
    done = 0
    for block in read.blocks:
        start, end = block.span
        assert 0 <= start < end <= len(text)
        assert done <= start or block.kind == "given"  # a comment of TeX can stand in an environment
        assert start <= block.text.offsets[0] and block.text.offsets[-1] <= end
        assert list(block.text.offsets) == sorted(block.text.offsets)
        assert len(block.text.offsets) == len(block.text.value) + 1
        done = max(done, end)
    for source, error in read.errors:
        assert 0 <= error.span.start < error.span.end <= len(text)
        assert error.show(source)


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=3)))
def test_any_cell_source_is_read_or_refused(source: object) -> None:
    try:
        read_text(notebook({"cell_type": "markdown", "source": source}), "n.ipynb", "ipynb")
    except DocumentError as error:
        assert "cell 1" in error.message


@given(st.binary(max_size=60), st.sampled_from([".md", ".ipynb", ".tex", ".txt"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(data)
    try:
        read = load(path)
    except DocumentError as error:
        assert error.path == str(path)
    else:
        assert read.path == str(path)


SOUND = st.lists(
    st.sampled_from(
        [
            "x_i",
            "=",
            r"\frac{a}{b}",
            r"\mu",
            r"\text{if $i$ in}",
            "\n",
            " ",
            r"\,",
            "(a)",
            r"\left[ x \right]",
            r"\beta",
            "eta",
        ]
    ),
    min_size=1,
).map(" ".join)


@given(
    SOUND,
    st.sampled_from([("$$", "$$"), ("\\[", "\\]"), ("```math\n", "\n```"), ("\\begin{align}", "\\end{align}")]),
)
def test_sound_mathematics_is_read_as_it_stands(latex: str, delimiters: tuple[str, str]) -> None:
    opening, closing = delimiters
    read = read_text(f"# Title\n\n{opening}a^2 {latex}{closing}\n")
    is_environment = opening.startswith("\\b")
    expected = f"{opening}a^2 {latex}{closing}" if is_environment else f"a^2 {latex}".strip()
    assert (formulas(read), read.repairs, read.errors) == ([("display", expected)], (), ())


PASTED = {
    "md": "$${}$$\n\n",
    "tex": "\\[ {} \\]\n\n",
    "rst": ".. math::\n\n   {}\n\n",
    "adoc": "[latexmath]\n++++\n{}\n++++\n\n",
    "org": "\\[ {} \\]\n\n",
}


@pytest.mark.parametrize("kind", PASTED)
def test_the_given_that_a_line_asks_for_settles_it_in_every_format(kind: Format) -> None:
    lines = (r"z_i = x_i - m", r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial z_i}")
    shown = [*lines, r"\frac{\partial m}{\partial x_i} = 1"]
    text = "\n" + "".join(PASTED[kind].format(line) for line in shown)
    before = check_document(read_text(text, kind=kind)).statements
    asked = before[1].hint.partition("add ")[2]
    after = check_document(read_text(f"\n{asked}\n{text}", kind=kind)).statements
    assert [s.status for s in before] == ["assumed", "undecided", "undecided"]
    assert [s.status for s in after] == ["assumed", "assumed", "proved", "refuted"]
