"""`derive check layer.py`: both judges together, and what the reports say."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from derive.cli import main
from derive.code.check import Settings, check_source
from derive.document import DocumentError
from derive.source import Source

LAYER = '''
import numpy as np


def rms_forward(x, w, eps):
    """shapes: x (N, D), w (D,)"""
    inv = 1.0 / np.sqrt((x * x).mean(axis=1, keepdims=True) + eps)
    return x * inv * w, (x, w, inv)


def rms_backward(dout, cache):
    x, w, inv = cache
    dw = (dout * x * inv).sum(axis=0)
    g = dout * w
    dx = inv * g - inv ** 3 * x * (g * x).mean(axis=1, keepdims=True)
    return dx, dw
'''


def test_a_right_layer_is_proved_by_both_judges() -> None:
    checked = check_source(Source("layer.py", LAYER))
    assert {(s.role, s.name): s.status for s in checked.statements} == {
        ("stage", "dw"): "proved",
        ("stage", "dx"): "proved",
        ("returned", "dx"): "proved",
        ("returned", "dw"): "proved",
    }
    assert [a.text for a in checked.assumptions] == ["eps > 0"]


def test_the_json_report_names_the_line_at_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "layer.py"
    path.write_text(LAYER.replace("inv ** 3", "inv ** 2"))
    assert main(["check", "--format", "json", str(path)]) == 1
    (document,) = json.loads(capsys.readouterr().out)["documents"]
    found = {(s["role"], s["name"]): (s["status"], s["fault"], s["line"]) for s in document["statements"]}
    assert found["stage", "dx"] == ("refuted", "here", 15)
    assert found["returned", "dx"] == ("refuted", "inherited", 16)
    assert found["returned", "dw"] == ("proved", None, 16)


def test_a_folder_is_searched_for_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "layer.py").write_text(LAYER)
    assert main(["check", "--format", "concise", str(tmp_path)]) == 0
    assert "empty.py" not in capsys.readouterr().out


def test_settings_are_given_by_the_caller() -> None:
    source = LAYER.replace('"""shapes: x (N, D), w (D,)"""', "")
    (statement,) = check_source(Source("layer.py", source)).statements
    assert statement.status == "unsupported"
    assert "x, w" in statement.reason
    checked = check_source(Source("layer.py", source), Settings(shapes="x (N, D), w (D,)"))
    assert {s.status for s in checked.statements} == {"proved"}


def test_nothing_in_a_file_runs(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    touch = f"open({str(mark)!r}, 'w')"
    hostile = f"{touch}\n@{touch}\ndef f_forward(x: {touch} = {touch}):\n    return x\n"
    hostile += "def f_backward(dout, x):\n    return dout\n"
    check_source(Source("hostile.py", hostile), Settings(shapes="x (N,)"))
    assert not mark.exists()


@pytest.mark.parametrize(
    "body", ["9" * 5000 + " * x", "(" * 80 + "x" + ")" * 80, "x" + " + x" * 2000, "[x] * 10 ** 9", "2.0 ** 10 ** 9 * x"]
)
def test_hostile_source_ends_in_an_answer(body: str) -> None:
    source = f"def f_forward(x):\n    return {body}, x\ndef f_backward(dout, x):\n    return dout\n"
    with suppress(DocumentError):
        checked = check_source(Source("hostile.py", source), Settings(shapes="x (N,)", timeout=3.0))
        assert all(s.status != "refuted" for s in checked.statements)
