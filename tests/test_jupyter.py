"""Notebooks: the cell magic, and how results show themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as XML

import pytest
from sympy import IndexedBase, Sum, Symbol

import derive
from derive.jupyter import derive as magic
from derive.results import Report

CELL = r"""\mu = \frac{1}{N} \sum_{i=1}^N x_i

\frac{\partial \mu}{\partial x_i} = \frac{1}{N}
\frac{\partial \mu}{\partial x_i} = \frac{2}{N}
"""
DOCUMENT = r"""
The mean of $N$ *values*:
$$\mu = \frac{1}{N} \sum_{i=1}^N x_i$$
<!-- a comment -->
$$\frac{\partial \mu}{\partial x_i}
  = \frac{2}{N}$$
"""


class Shell:
    """As much of IPython's shell as an extension is handed."""

    def __init__(self) -> None:
        self.magics: dict[tuple[str, str], Callable[[str, str], Any]] = {}

    def register_magic_function(self, function: Callable[[str, str], Any], kind: str, name: str) -> None:
        self.magics[kind, name] = function


def statuses(report: Report) -> list[tuple[str, int]]:
    return [(s.status, s.source.place(s.span.start).line) for s in report.statements]


def test_the_extension_registers_the_magic() -> None:
    shell = Shell()
    derive.load_ipython_extension(shell)
    assert shell.magics == {("cell", "derive"): magic}


def test_a_cell_of_equations_is_read_line_by_line() -> None:
    """Lines are counted as the notebook shows them: the magic itself is the first."""
    assert statuses(magic("", CELL)) == [("assumed", 2), ("proved", 4), ("refuted", 5)]


@pytest.mark.parametrize(("line", "cell"), [("", DOCUMENT), ("--tex", DOCUMENT.replace("<!--", "%"))])
def test_a_cell_of_prose_is_read_as_a_document(line: str, cell: str) -> None:
    assert statuses(magic(line, cell)) == [("assumed", 4), ("refuted", 6)]


def test_options() -> None:
    full, hinted = magic("--terms", CELL), magic("--hint 1 --timeout 5", CELL)
    assert full.statements[-1].correct is not None and hinted.statements[-1].correct is None
    assert "2}{N}" in full._repr_mimebundle_()["text/markdown"]


def test_wrong_options_and_empty_cells_are_told_as_ipython_tells_them() -> None:
    error = pytest.importorskip("IPython.core.error")
    for line, said in (("--hint 7", "invalid choice: 7"), ("--what", "unrecognized arguments: --what")):
        with pytest.raises(error.UsageError, match=said):
            magic(line, CELL)


# -- how results show themselves -------------------------------------------------------------------------------------


def test_a_report_shows_itself_in_three_ways() -> None:
    report = derive.check(DOCUMENT)
    shown = report._repr_mimebundle_()
    assert set(shown) == {"text/html", "text/markdown", "text/plain"}
    formulas = re.findall("<math.*?</math>", shown["text/html"])
    assert len(formulas) >= 3 and all(XML.fromstring(formula).tag == "math" for formula in formulas)
    assert shown["text/html"].startswith('<div class="derive embedded"><style>')
    assert r"✗ **refuted**, line 5: $\frac{\partial \mu}{\partial x_i} = \frac{2}{N}$" in shown["text/markdown"]
    assert r"what would be right: $\frac{1}{N}$" in shown["text/markdown"]
    assert shown["text/plain"] == str(report).rstrip("\n")
    assert repr(report) == "<Report of <text>: 1 refuted, 1 assumed>"


def test_the_style_disturbs_nothing_else_in_the_notebook() -> None:
    style = re.search("<style>(.*?)</style>", derive.check(DOCUMENT)._repr_mimebundle_()["text/html"])
    assert style is not None
    openings = [opening.strip() for opening in re.findall(r"([^{};]+)\{", style[1])]
    selectors = [part for opening in openings if not opening.startswith("@media") for part in opening.split(", ")]
    assert len(selectors) > 100
    assert [selector for selector in selectors if ".derive" not in selector] == []


def test_markdown_keeps_text_text() -> None:
    report = derive.check("$$y = \\undefined{x}<b>*bold* [link](http://x)$$", kind="md")
    object.__setattr__(report.document, "path", "<i>_a_</i>`")
    text = report._repr_mimebundle_()["text/markdown"]
    assert r"\<i\>\_a\_\</i\>\`" in text and "<b>" not in text


def test_a_proof_shows_itself() -> None:
    x, size, i = IndexedBase("x"), Symbol("N", integer=True, positive=True), Symbol("i", integer=True)
    mean = Sum(x[i], (i, 1, size)) / size
    refuted, proved = derive.prove(mean, x[i])._repr_mimebundle_(), derive.prove(mean, mean)._repr_mimebundle_()
    assert refuted["text/plain"].startswith("refuted\nfor N = 3; i = 1; x = [")
    assert "the left side is <b>" in refuted["text/html"]
    assert proved["text/plain"] == "proved" and "equal for every size" in proved["text/html"]


def test_a_problem_shows_its_forward_pass() -> None:
    problem = derive.load(DOCUMENT)
    assert repr(problem) == "<LoadedProblem μ = 1/N Σ_i x_i>"
    assert problem._repr_latex_() == r"$\displaystyle \begin{aligned} \mu &= \frac{1}{N} \sum_i x_i \end{aligned}$"


def test_in_ipython_itself() -> None:
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    shell = interactive.InteractiveShell()
    shell.run_line_magic("load_ext", "derive")
    result = shell.run_cell_magic("derive", "", CELL)
    shown, _ = shell.display_formatter.format(result)
    assert "<math" in shown["text/html"] and "refuted" in shown["text/plain"] and "$\\mu" in shown["text/markdown"]
