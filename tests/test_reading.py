"""Documents in the notations that people use, each with the verdict that every display must get (see `marks`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import DOCUMENTS
from marks import disagreements, line, marks

from derive.checking import check_document
from derive.document import load, read_text

READING = sorted((DOCUMENTS / "reading").glob("*.md"))


@pytest.mark.parametrize("path", READING, ids=lambda p: p.stem)
def test_each_display_gets_its_verdict(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert marks(text), "a document without a verdict tests nothing"
    assert not disagreements(check_document(load(path)), text)


def test_every_right_notation_has_a_wrong_line_beside_it() -> None:
    """A reader that proves whatever it meets would pass the right lines: each document has a wrong or an open one."""
    alone = {"redefinition", "batchnorm-paper"}  # all of a line's links in one display; their like is refuted elsewhere
    for path in READING:
        verdicts = {verdict for _, verdict in marks(path.read_text(encoding="utf-8"))}
        assert verdicts & {"refuted", "undecided"} or path.stem in alone, path.stem


# -- givens and ignored blocks ---------------------------------------------------------------------------------------

SOFTMAX = r"$$p_i = \frac{e^{a_i}}{\sum_{k=1}^N e^{a_k}}$$" + "\n\n"
WRONG = r"$$\frac{\partial p_i}{\partial a_j} = -p_i p_j$$"


def statuses(text: str) -> list[str]:
    return [s.status for s in check_document(read_text(text)).statements]


@pytest.mark.parametrize(
    "given",
    [
        r"\frac{\partial p_i}{\partial a_j} = -p_i p_j",  # the claim itself
        r"\delta_{ij} = 0",
        r"p_i = \frac{e^{a_i}}{\sum_{k=1}^N e^{a_k}}",
        r"\sum_{i=1}^N p_i = 2",
        r"1 = 2",
        r"a_i = 0",
    ],
)
def test_a_given_does_not_prove_a_false_line_silently(given: str) -> None:
    """What was given is listed as assumed, or refused; the false line is not proved, or stands beside that list."""
    checked = check_document(read_text(f"<!-- given: {given} -->\n\n{SOFTMAX}{WRONG}"))
    *_, claim = checked.statements
    listed = [s for s in checked.statements if line(s) == 1]
    assert listed, "what was given is not in the report"
    assert all(s.status in ("assumed", "unsupported") for s in listed)
    assert claim.status != "proved"


def test_a_given_is_used_and_listed() -> None:
    text = "<!-- given: \\sum_{i=1}^N y_i = 1 -->\n\n" + SOFTMAX
    text += r"$$\sum_{i=1}^N y_i p_j = p_j$$"
    checked = check_document(read_text(text))
    assert [s.status for s in checked.statements] == ["assumed", "assumed", "proved"]
    assert checked.statements[0].reason == "given"


def test_an_ignored_block_is_neither_judged_nor_believed() -> None:
    """It is listed as what it is, so that nobody takes it for judged."""
    assert statuses(f"{SOFTMAX}<!-- derive: ignore -->\n{WRONG}\n") == ["assumed", "note"]
    both = f"{SOFTMAX}<!-- derive: ignore -->\n$$p_j = 1$$\n\n{WRONG}"
    checked = check_document(read_text(both))
    assert [s.status for s in checked.statements] == ["assumed", "note", "refuted"]
    assert checked.statements[1].reason == "ignored, as the page asks"


def test_a_definition_in_an_ignored_block_defines_nothing() -> None:
    text = (
        "<!-- derive: ignore -->\n$$q = 2$$\n\n" + r"$$y_i = 3 x_i$$ $$\frac{\partial y_i}{\partial x_i} = 3 + q - 2$$"
    )
    assert statuses(text) == ["note", "assumed", "undecided"]


# -- conditions said in words ------------------------------------------------------------------------------------------


def test_a_condition_in_the_sentence_before_holds_for_the_next_display() -> None:
    text = SOFTMAX + "If $i = j$:\n\n" + r"$$\frac{\partial p_i}{\partial a_j} = p_i(1-p_i)$$"
    checked = check_document(read_text(text))
    assert checked.statements[-1].status == "proved"
    assert any("sentence before" in a.text for a in checked.assumptions)


def test_a_condition_behind_a_display_is_not_given_to_the_next_one() -> None:
    text = SOFTMAX + r"Then $$\frac{\partial p_i}{\partial a_j} = -p_i p_j$$ for $i \neq j$ and "
    text += r"$$\frac{\partial p_i}{\partial a_j} = p_i(\delta_{ij} - p_j)$$"
    assert statuses(text)[-1] == "proved"
    assert statuses(text.replace(r"p_i(\delta_{ij} - p_j)", "-p_i p_j"))[-1] == "refuted"


def test_rows_with_their_conditions() -> None:
    """The conditions are listed as notes, each before its claim."""
    before = SOFTMAX + r"$$i=j: \quad \frac{\partial p_i}{\partial a_j} = p_i (1-p_i) \\ "
    right = before + r"i \neq j: \quad \frac{\partial p_i}{\partial a_j} = -p_i p_j$$"
    assert statuses(right) == ["assumed", "note", "proved", "note", "proved"]
    assert statuses(right.replace("-p_i p_j", "p_i p_j")) == ["assumed", "note", "proved", "note", "refuted"]


# -- what an undefined loss depends on ------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_helper_is_no_output(place: str) -> None:
    """A name that only a claim uses does not become what the loss depends on."""
    helper = "\n\n$$M = \\frac{w^\\top w}{2}$$\n\n"
    forward = r"$$w = \frac{g}{\|v\|} v$$"
    claim = r"$$\nabla_v L = \frac{g}{\|v\|}\nabla_w L - \frac{g \nabla_g L}{\|v\|} v$$"
    text = forward + helper + claim if place == "before" else forward + "\n\n" + claim + helper
    claims = [s for s in check_document(read_text(text)).statements if s.status != "assumed"]
    assert [s.status for s in claims] == ["refuted"]


def test_a_partial_derivative_that_parts_is_read_as_total() -> None:
    r"""With x̃ = x − μ named, ∂x̂/∂x holds nothing fixed: through x̃ and σ² at once is no local partial."""
    text = r"""$$\mu = \frac{1}{N}\sum_{i=1}^N x_i, \quad u_i = x_i - \mu$$
$$v = \frac{1}{N}\sum_{i=1}^N u_i^2, \quad z_i = \frac{u_i}{\sqrt{v}}$$
$$\frac{\partial z_i}{\partial x_j} = \frac{1}{\sqrt{v}}\left(\delta_{ij} - \frac{1}{N} z_i z_j\right)$$"""
    assert statuses(text)[-1] == "refuted"
