"""Mistakes: each row of the table is caught under its own code, and nothing is named that does not explain a line."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from conftest import DOCUMENTS

import derive
from derive.checking import Statement
from derive.mistakes.table import KINDS, Kind


def document(kind: Kind, equation: str) -> str:
    return f"{kind.forward}\n\n$${equation}$$\n"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_the_wrong_example_of_each_row_is_refuted_with_its_code(kind: Kind) -> None:
    claim = derive.check(document(kind, kind.wrong)).statements[-1]
    assert claim.status == "refuted", claim.reason
    assert {mistake.code for mistake in claim.mistakes} == {kind.code}, [m.message for m in claim.mistakes]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_the_right_example_of_each_row_is_proved(kind: Kind) -> None:
    claim = derive.check(document(kind, kind.right)).statements[-1]
    assert claim.status == "proved", claim.reason
    assert not claim.mistakes


# -- documents -------------------------------------------------------------------------------------------------------

WRONG = {
    "bessel": ["DRV218"],
    "bracket": ["DRV213"],
    "diagonal": ["DRV201"],
    "epsilon-dropped": ["DRV217"],
    "exponent": ["DRV208"],
    "factor-extra": ["DRV206"],
    "factor-missing": ["DRV205"],
    "hat": ["DRV204"],
    "index": ["DRV210"],
    "path-dropped": ["DRV203"],
    "root-twice": ["DRV209"],
    "sign": ["DRV207"],
    "sum-extra": ["DRV211"],
    "upstream-missing": ["DRV205", "DRV203"],  # the sum without it is zero, as if the variance were held constant
}


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_document_has_its_mistake_named(name: str) -> None:
    claim = derive.check(DOCUMENTS / "wrong" / f"{name}.md").statements[-1]
    assert [mistake.code for mistake in claim.mistakes] == WRONG[name]


def test_the_diagonal_is_said_to_be_the_diagonal() -> None:
    (mistake,) = derive.check(DOCUMENTS / "wrong" / "diagonal.md").statements[-1].mistakes
    assert "the diagonal j = i of the Jacobian only" in mistake.message


@pytest.mark.parametrize("name", ["batchnorm-2019.txt", "batchnorm-undamaged.md"])
def test_the_mistakes_of_the_students_document(name: str) -> None:
    refuted = [s for s in derive.check(DOCUMENTS / name).statements if s.status == "refuted"]
    chain_rule = ["DRV213", "DRV201"]
    codes = [[mistake.code for mistake in s.mistakes] for s in refuted]
    assert codes == [chain_rule, ["DRV205"], ["DRV204"], chain_rule, [], ["DRV208"]]
    assert refuted[0].mistakes[0].message.startswith("δ γ multiplies ∂Ŝ_i/∂S_i only")
    assert refuted[0].mistakes[1].message.startswith("and this is the diagonal j = i of the Jacobian only")
    assert refuted[1].mistakes[0].message == "the factor S_i − μ is missing in 2/N"
    assert refuted[2].mistakes[0].message == "S_i should be Ŝ_i"


def test_what_is_wrong_is_underlined() -> None:
    source = (DOCUMENTS / "wrong" / "upstream-missing.md").read_text(encoding="utf-8")
    claim = derive.check(DOCUMENTS / "wrong" / "upstream-missing.md").statements[-1]
    assert source[claim.fault.start : claim.fault.end] == r"\hat{x}_j"


FORWARD = KINDS[0].forward


def claims(text: str) -> list[Statement]:
    return derive.check(f"{FORWARD}\n\n{text}").statements[4:]


def test_two_mistakes_are_named_together() -> None:
    (claim,) = claims(
        r"$$\frac{\partial \hat{x}}{\partial \sigma^2} = "
        r"-\frac{1}{2} \sum_{i=1}^N (x_i - \mu) (\sqrt{\sigma^2 + \epsilon})^{-3/2}$$"
    )
    assert [m.code for m in claim.mistakes] == ["DRV209", "DRV211"]
    assert claim.mistakes[1].message.startswith("and ")


def test_several_explanations_are_alternatives() -> None:
    claim = derive.check(DOCUMENTS / "wrong" / "upstream-missing.md").statements[-1]
    assert claim.mistakes[1].message.startswith("or ")


def test_a_wrong_step_is_explained_by_the_line_before() -> None:
    first, second = claims(
        r"$$\frac{\partial \hat{x}_i}{\partial \mu} = -(\sigma^2 + \epsilon)^{-1/2} = (\sigma^2 + \epsilon)^{-1/2}$$"
    )
    assert first.status == "proved"
    assert [m.code for m in second.mistakes] == ["DRV207"]


def test_a_right_line_after_a_wrong_one_is_not_blamed() -> None:
    first, second = claims(r"$$\frac{\partial \mu}{\partial x_i} = \frac{2}{N} = \frac{1}{N}$$")
    assert [m.code for m in first.mistakes] == ["DRV206"]
    assert second.status == "refuted" and second.value == "proved"
    assert not second.mistakes


MEAN = r"\mu = \frac{1}{N}\sum_{i=1}^N x_i"
CENTRED = rf"$${MEAN}, \quad y_i = x_i - \mu$$"
STANDARD = (
    rf"$${MEAN}, \quad v = \frac{{1}}{{N}}\sum_{{i=1}}^N (x_i-\mu)^2, \quad z_i = \frac{{x_i-\mu}}{{\sqrt{{v}}}}$$"
)
CHANNELS = r"$$\mu_c = \frac{1}{NHW}\sum_{n,h,w} x_{nchw}, \quad y_{nchw} = x_{nchw} - \mu_c$$"
EXPLAINED = [
    (
        "no edit brings the left side into the right",
        CENTRED,
        r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}",
        "DRV203",
        "μ",
    ),
    (
        "no edit makes its own term vanish",
        CHANNELS,
        r"\frac{\partial L}{\partial x_{nchw}} = \frac{\partial L}{\partial y_{nchw}}"
        r" - \frac{1}{N} \sum_{m,p,q} \frac{\partial L}{\partial y_{mcpq}}",
        "DRV224",
        "N should be H N W",
    ),
    (
        "named in the reading that is corrected",
        STANDARD,
        r"\frac{\partial z_i}{\partial x_i} = \frac{1}{\sqrt{v}}(1 - \frac{1}{N})",
        "DRV203",
        "v",
    ),
    (
        "a mean that is not subtracted",
        FORWARD,
        r"\frac{\partial L}{\partial \sigma^2} = "
        r"-\frac12 \sum_{i=1}^N \frac{\partial L}{\partial \hat{x}_i} x_i (\sigma^2+\epsilon)^{-3/2}",
        "DRV217",
        "−μ is missing beside x_i",
    ),
]


@pytest.mark.parametrize(
    ("forward", "line", "code", "part"), [case[1:] for case in EXPLAINED], ids=[case[0] for case in EXPLAINED]
)
def test_what_explains_a_line_is_what_went_wrong(forward: str, line: str, code: str, part: str) -> None:
    claim = derive.check(f"{forward}\n\n$${line}$$").statements[-1]
    (mistake,) = claim.mistakes
    assert mistake.code == code and part in mistake.message


def test_where_nothing_explains_a_line_nothing_is_named() -> None:
    (claim,) = claims(r"$$\frac{\partial \hat{x}_i}{\partial \mu} = x_i^5 - \frac{\mu + \gamma^2}{\beta}$$")
    assert claim.status == "refuted"
    assert not claim.mistakes


@pytest.mark.parametrize(
    "name", ["batchnorm-2019.txt", "reading/aliases-dx.md", "reading/word2vec.md", "reading/mlp.md"]
)
def test_looking_for_mistakes_changes_nothing_else(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the verdicts, and not what is assumed: what a changed line would have meant is forgotten."""
    looking = derive.check(DOCUMENTS / name)
    monkeypatch.setattr("derive.checking.MISTAKE_SECONDS", 0.0)
    not_looking = derive.check(DOCUMENTS / name)
    assert not any(s.mistakes for s in not_looking.statements)
    assert [said(s) for s in looking.statements] == [said(s) for s in not_looking.statements]
    assert [a.text for a in looking.assumptions] == [a.text for a in not_looking.assumptions]


def said(statement: Statement) -> tuple[object, ...]:
    return statement.number, statement.status, statement.reading, statement.value, statement.correct


def test_the_search_takes_little_time() -> None:
    """A line that nothing explains, of a size that people write, is given up within about a second."""
    term = r"\frac{\partial L}{\partial y_i} \frac{\gamma^3 \hat{x}_i}{\sqrt{\sigma^2 + \epsilon}} (x_i - \mu)"
    start = time.process_time()
    (claim,) = claims(rf"$$\frac{{\partial L}}{{\partial x_i}} = {' + '.join([term] * 12)}$$")
    assert claim.status == "refuted"
    assert time.process_time() - start < 5.0


def test_a_mistake_on_the_left_is_found_there() -> None:
    (claim,) = claims(r"$$\frac{\partial L}{\partial x_i} = \gamma \frac{\partial L}{\partial y_i}$$")
    assert [m.message for m in claim.mistakes] == ["x_i should be x̂_i, on the left"]


def test_a_sum_over_the_wrong_letter_is_named() -> None:
    text = r"""$$y_i = \sum_{j=1}^N (x_i - x_j)^2$$

    $$\frac{\partial y_i}{\partial x_i} = 2 \sum_{i=1}^N (x_i - x_j)$$"""
    claim = derive.check(text).statements[-1]
    assert [m.message for m in claim.mistakes] == ["the index of the sum over i should be j"]


def test_a_line_that_has_no_value_is_explained() -> None:
    (claim,) = claims(r"$$\frac{\partial \hat{x}_i}{\partial \mu} = -\frac{1}{\sqrt{\sigma^2 - \epsilon}}$$")
    assert [m.code for m in claim.mistakes] == ["DRV207"]


LAYERS = sorted((Path(derive.__file__).parent / "layers").glob("*.md"))


@pytest.mark.slow
@pytest.mark.parametrize("path", LAYERS, ids=lambda p: p.stem)
def test_slips_in_the_built_in_layers_are_named(path: Path) -> None:
    """A sign, a hat, an ε or a factor lost in a right derivation is refuted, and then its loss is named."""
    text = path.read_text(encoding="utf-8")
    derivation = text.index("## Derivation")
    for pattern, new in SLIPS:
        found = [m for m in re.finditer(pattern, text) if m.start() > derivation]
        for match in found[:2]:
            wrong = text[: match.start()] + new + text[match.end() :]
            refuted = [s for s in derive.check(wrong, kind="md").statements if s.status == "refuted"]
            assert any(s.mistakes for s in refuted) or len(refuted) != 1, wrong[match.start() - 60 : match.end() + 60]


SLIPS = ((r" \+ \\epsilon", ""), (r"\^\{-3/2\}", "^{-1/2}"), (r"\\gamma ", ""), (r"= -\\frac", r"= \\frac"))


LAYER = r"""$$z = W x + b, \quad a = \tanh(z), \quad r = b^\top b$$ $$\delta = \frac{\partial L}{\partial z}$$
"""


@pytest.mark.parametrize(
    ("left", "right", "code", "shapes"),
    [
        ("W", r"\delta x", "DRV220", "(m×1)(n×1)"),
        ("W", r"x^\top \delta", "DRV221", "(1×m)(n×1)"),
        ("x", r"W \delta", "DRV220", "(m×n)(m×1)"),
    ],
)
def test_a_product_whose_shapes_do_not_fit_is_refuted_and_mended(left: str, right: str, code: str, shapes: str) -> None:
    text = rf"{LAYER} $$\frac{{\partial L}}{{\partial {left}}} = {right}$$"
    claim = derive.check(text).statements[-1]
    assert claim.status == "refuted"
    assert shapes in claim.reason
    assert code in [mistake.code for mistake in claim.mistakes]
    assert claim.counterexample is not None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("W", r"x \delta^\top"),  # right where gradients by matrices are turned
        ("W", r"x \delta"),  # right where all gradients are
        ("x", r"\delta W"),  # right where gradients by vectors are rows
        ("x", r"W^\top \delta + q"),  # no transpose mends it
    ],
)
def test_shapes_refute_nothing_that_some_convention_makes_true(left: str, right: str) -> None:
    text = rf"{LAYER} $$\frac{{\partial L}}{{\partial {left}}} = {right}$$"
    assert derive.check(text).statements[-1].status != "refuted"


def test_shapes_refute_nothing_where_the_forward_pass_was_not_understood() -> None:
    text = rf"{LAYER} $$s = \begin{{pmatrix}} a \end{{pmatrix}}$$ $$\frac{{\partial L}}{{\partial x}} = W \delta$$"
    assert derive.check(text).statements[-1].status != "refuted"
