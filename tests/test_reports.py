"""The reports, held against golden files that somebody has read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from conftest import DOCUMENTS

import derive
from derive.checking import Checked
from derive.plain import in_ascii
from derive.report import concise
from derive.report import json as json_report
from derive.report.text import TextReport

Golden = Callable[[str, str], None]


@pytest.fixture
def student(monkeypatch: pytest.MonkeyPatch) -> Checked:
    monkeypatch.chdir(DOCUMENTS)
    checked = derive.check("batchnorm-2019.txt")
    checked.seconds = 0.0
    return checked


def timeless(text: str) -> str:
    return re.sub(r'("seconds": )[0-9.]+', r"\g<1>0", text)


def test_text(golden: Golden, student: Checked) -> None:
    golden("student.txt", TextReport(100).render(student))


def test_text_in_ascii(golden: Golden, student: Checked) -> None:
    text = TextReport(80, ascii=True).render(student)
    assert text.isascii()
    golden("student-ascii.txt", text)


def test_text_in_colour_says_the_same(student: Checked) -> None:
    coloured = TextReport(100, colour=True).render(student)
    assert "\x1b[1;31mrefuted\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == TextReport(100).render(student)


def test_concise(golden: Golden, student: Checked) -> None:
    golden("student-concise.txt", concise.render(student))


def test_json(golden: Golden, student: Checked) -> None:
    text = json_report.render([student], "0")
    json.loads(text)
    golden("student.json", timeless(text))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_the_width(student: Checked, width: int) -> None:
    """Except for the source, which is shown as it stands, and single words."""
    for line in TextReport(width).render(student).splitlines():
        assert len(line) <= width or " " not in line.strip()


def test_messages_can_be_spelled_in_ascii() -> None:
    assert (
        in_ascii("(Ŝ_i − μ̄)² in √(σ² + ε) · Σ_j ∂L/∂φ … xᵀ")
        == "(S_hat_i - mu_bar)^2 in sqrt(sigma^2 + epsilon) * sum_j dL/dphi ... x^T"
    )
