"""Whole documents, from text to verdicts."""

from __future__ import annotations

import pytest
from conftest import DOCUMENTS

import derive
from derive.checking import Checked, Statement
from derive.latex.writer import latex
from derive.plain import plain


def check(name: str) -> Checked:
    return derive.check(DOCUMENTS / name)


def shown(statement: Statement) -> tuple[str, str | None]:
    return statement.status, statement.value


# The student's document: 17 displayed statements, in order, with the status against the head of the chain.
STUDENT = [
    ("assumed", None),  # Ŝ
    ("assumed", None),  # μ
    ("assumed", None),  # σ²
    ("refuted", None),  # the chain rule without its sum
    ("proved", None),  # ∂Ŝ/∂S, partial
    ("note", None),
    ("proved", None),  # ∂Ŝ/∂μ
    ("proved", None),  # ∂μ/∂S
    ("proved", None),  # their product
    ("note", None),
    ("proved", None),  # ∂Ŝ/∂σ²
    ("refuted", None),  # ∂σ²/∂S = 2/N
    ("refuted", None),  # a hat is missing
    ("refuted", None),  # the chain rule again
    ("refuted", None),  # δ = ...
    ("refuted", "refuted"),  # = ...
    ("proved", "refuted"),  # = ..., a right step
]


@pytest.mark.parametrize("name", ["batchnorm-2019.txt", "batchnorm-undamaged.md"])
def test_the_students_document_line_by_line(name: str) -> None:
    assert [shown(s) for s in check(name).statements] == STUDENT


def test_damage_does_not_change_what_is_read() -> None:
    damaged, whole = check("batchnorm-2019.txt"), check("batchnorm-undamaged.md")
    assert len(damaged.repairs) > 40
    assert not whole.repairs
    for a, b in zip(damaged.statements, whole.statements, strict=True):
        assert plain(a.left) == plain(b.left)
        assert a.correct == b.correct


def test_the_students_true_gradient_is_derived_and_proved() -> None:
    (goal,) = check("batchnorm-2019.txt").goals
    assert goal.status == "proved"
    assert plain(goal.left) == "∂L/∂S_i"
    assert plain(goal.right) == "γ/(N √(σ² + ε)) (N δ_i − Σ_j δ_j − Ŝ_i Σ_j Ŝ_j δ_j)"


def test_what_the_student_should_have_written() -> None:
    correct = {plain(s.left): plain(s.correct) for s in check("batchnorm-2019.txt").statements if s.correct is not None}
    assert correct["∂σ²/∂S_i"] == "2/N (S_i − μ)"
    assert correct["∂Ŝ_i/∂σ² · ∂σ²/∂S_i"] == "−Ŝ_i²/(N √(σ² + ε))"


def test_what_was_assumed_is_said() -> None:
    said = [a.text for a in check("batchnorm-2019.txt").assumptions]
    assert any("same size" in text and "N" in text for text in said)
    assert any("the forward pass ends in y_i" in text for text in said)
    assert any("\\delta_i is ∂L/∂y_i" in text for text in said)
    assert any("the sum from 0" in text for text in said)


def test_partial_reading_is_named_where_it_was_needed() -> None:
    statements = check("batchnorm-2019.txt").statements
    assert statements[4].reading == "partial"


@pytest.mark.parametrize("name", ["staged.md", "closed.md"])
def test_right_derivations_are_proved_throughout(name: str) -> None:
    checked = check(name)
    assert {s.status for s in checked.statements} == {"assumed", "proved"}
    assert checked.verdict == "proved"
    assert all(goal.status == "proved" for goal in checked.goals)


@pytest.mark.parametrize("path", sorted((DOCUMENTS / "wrong").glob("*.md")), ids=lambda p: p.stem)
def test_each_way_to_be_wrong_is_refuted(path: object) -> None:
    checked = derive.check(path)  # type: ignore[arg-type]
    *definitions, claim = checked.statements
    assert {s.status for s in definitions} == {"assumed"}
    assert claim.status == "refuted"
    assert claim.counterexample is not None
    assert claim.counterexample.left != claim.counterexample.right


def test_the_diagonal_as_a_claim_is_refuted() -> None:
    """The student's last line, with hats, as a statement about the gradient."""
    checked = check("wrong/diagonal.md")
    assert checked.verdict == "refuted"


# -- the same with other letters, another order, another layer -------------------------------------------------------

RENAMED = {
    "\\hat{S_i}": "\\hat{u}_k", "\\hat{S}_i": "\\hat{u}_k", "S_i": "u_k", "\\mu": "m", "\\sigma^2": "v",
    "\\epsilon": "\\varepsilon", "_{i=1}^n": "_{k=1}^B", "_{i=0}^n": "_{k=0}^B", "{m}": "{B}", "{N": "{B",
    "N-1": "B-1",
}  # fmt: skip


def test_other_letters_give_the_same_verdicts() -> None:
    text = (DOCUMENTS / "batchnorm-undamaged.md").read_text(encoding="utf-8")
    for old, new in RENAMED.items():
        text = text.replace(old, new)
    assert "S_i" not in text and "sigma" not in text
    assert [shown(s) for s in derive.check(text).statements] == STUDENT


def test_the_order_of_the_definitions_does_not_matter() -> None:
    text = (DOCUMENTS / "staged.md").read_text(encoding="utf-8")
    rows = text.split("\\begin{align}\n")[1].split("\\end{align}")[0]
    lines = [row.strip().removesuffix("\\\\").strip() for row in rows.strip().split("\n")]
    turned = " \\\\\n".join(reversed(lines)) + "\n"
    assert {s.status for s in derive.check(text.replace(rows, turned)).statements} == {"assumed", "proved"}


def test_one_wrong_link_does_not_spoil_the_next() -> None:
    checked = derive.check(
        r"$$y_i = \sum_{j=1}^N (x_i - x_j)^2$$ $$\frac{\partial y_i}{\partial x_i}"
        r" = \sum_{j=1}^N 2 (x_i + x_j) = 2 N x_i + 2 \sum_{j=1}^N x_j$$"
    )
    assert [s.status for s in checked.statements] == ["assumed", "refuted", "proved"]
    assert checked.statements[2].value == "refuted"


def test_every_statement_keeps_its_place() -> None:
    source = (DOCUMENTS / "staged.md").read_text(encoding="utf-8")
    for statement in check("staged.md").statements:
        text = source[statement.span.start : statement.span.end]
        assert "=" in text or latex(statement.right).split()[0][:4] in text
        assert "$" not in text


def test_a_sum_inside_an_exponential_inside_a_sum_has_a_closed_form() -> None:
    checked = derive.check(
        r"""$$L = \log \sum_{j=1}^N \exp \Big( \sum_{k=1}^K a_{jk} b_k \Big)$$

$$\frac{\partial L}{\partial b_k} = \frac{\sum_{j=1}^N a_{jk} \exp(\sum_{l=1}^K a_{jl} b_l)}
{\sum_{j=1}^N \exp(\sum_{l=1}^K a_{jl} b_l)}$$"""
    )
    assert [s.status for s in checked.statements] == ["assumed", "proved"]
    (goal,) = checked.goals
    assert goal.status == "proved"
    assert plain(goal.right).count("Σ_j") == 2


def test_a_value_for_a_sentence_is_none_for_the_document() -> None:
    checked = derive.check(
        r"""For $i = 1, \dots, N$ and with $\epsilon = 0$ or $\gamma = \frac{1}{2}$:

$$v = \frac{1}{N} \sum_{i=1}^N x_i^2, \quad y_i = \frac{\gamma x_i}{\sqrt{v + \epsilon}}$$

$$\frac{\partial y_i}{\partial \gamma} = \frac{x_i}{\sqrt{v}}$$"""
    )
    assert [s.status for s in checked.statements] == ["note", "note", "note", "assumed", "assumed", "undecided"]
    assert plain(checked.statements[1].right) == "0"


def test_a_logarithm_ends_before_a_sum_behind_a_factor() -> None:
    checked = derive.check(r"$$y_i = \log m_i \sum_{j=1}^N x_j = \log(m_i) \sum_{j=1}^N x_j$$")
    assert [s.status for s in checked.statements] == ["assumed", "proved"]


def test_cases_told_apart_in_words_only_are_left_open() -> None:
    softmax = r"$$p_i = \frac{e^{z_i}}{\sum_{k=1}^K e^{z_k}}$$" + "\n\n"
    equal = r"$$\frac{\partial p_i}{\partial z_j} = p_i (1 - p_i)$$" + "\n\n"
    different = r"$$\frac{\partial p_i}{\partial z_j} = -p_i p_j$$" + "\n\n"
    text = f"{softmax}On the diagonal\n\n{equal}and otherwise\n\n{different}"
    assert [s.status for s in derive.check(text).statements] == ["assumed", "undecided", "undecided"]
    assert derive.check(softmax + different).statements[-1].status == "refuted"
    wrong = different.replace("-p_i p_j", "p_i p_j")
    assert [s.status for s in derive.check(softmax + equal + wrong).statements[1:]] == ["refuted", "refuted"]


def test_half_a_number_is_no_number() -> None:
    for formula in (r"y = \mathbf0.5{x}", r"y = x^0.5", r"y = \hat{}_i"):
        assert {s.status for s in derive.check(f"$${formula}$$").statements} == {"unsupported"}


def test_a_sum_over_no_values_decides_nothing() -> None:
    text = r"$$p_i = \frac{z_i}{\sum_{j=1}^0 z_j}$$" + "\n\n" + r"$$\frac{\partial p_i}{\partial z_j} = p_i$$"
    assert derive.check(text).statements[-1].status not in ("proved", "refuted")


def test_calls_and_labels_are_shown_as_they_were_written() -> None:
    text = "$$f(u) = u^3, \\quad y_i = f(x_i), \\quad W^{[1]}_{ij} = 2 V_{ij}$$"
    shown_text = [f"{plain(s.left)} = {plain(s.right)}" for s in derive.check(text).statements]
    assert shown_text == ["f(u) = u³", "y_i = f(x_i)", "W_ij^[1] = 2 V_ij"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("$$a^l = 2 z^l, \\quad b^l = a^{l-1}$$", "the superscript l tells names apart and is no power"),
        ("$$s = \\sum x_i$$", "a sum without an index runs over the index of what it sums"),
        ("$$s = \\sum_{w \\in V} u_w$$", "a sum over V runs over all values of its letter"),
        ("$$s = \\sum_k t_k p_k, \\quad \\sum_k t_k = 1$$", "t adds up as this line says"),
    ],
)
def test_what_the_reader_took_for_granted_is_told(text: str, told: str) -> None:
    assert told in [assumption.text for assumption in derive.check(text).assumptions]


def test_nested_quotients_that_cannot_be_read_are_answered() -> None:
    """Each was read again for every quotient around it: thirty of them took for ever."""
    nested = "x"
    for _ in range(30):
        nested = rf"\frac{{{nested}}}{{\oint y}}"
    text = f"$$y = x^2$$\n\n$$\\frac{{\\partial L}}{{\\partial x}} = {nested}$$\n"
    assert derive.check(text).verdict == "unsupported"
