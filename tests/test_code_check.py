"""`derive check layer.py`: both judges together, and what the reports say."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

import pytest
from code_fixtures import RMS_NORM

import derive
from derive.cli import main
from derive.code.check import Settings, check_source
from derive.document import DocumentError
from derive.source import Source

LAYER = RMS_NORM


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
    hostile = f"{touch}\n@{touch}\ndef f_forward(x: {touch} = {touch}) -> {touch}:\n    return x\n"
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


@pytest.mark.parametrize(
    "lines",
    [
        ["a = x + 1"] * 30_000,
        ["for i in range(10 ** 9):", "    a = i"],
        ["a = np.arange(10 ** 9)"],
        ["a = [1]", *["a = a + a"] * 60],
        ["a = 'ab'", *["a = a * 9000"] * 3],
        ["a = '{:>1000000000}'.format(1) + '%1000000000d' % 1"],
        ["a = '(' * 10 ** 9"],
        ["f_forward(x)"],
    ],
    ids=lambda lines: lines[-1],
)
def test_hostile_lines_are_answered_soon_and_in_little_memory(lines: list[str]) -> None:
    source = "import numpy as np\ndef f_forward(x):\n    " + "\n    ".join(lines)
    source += "\n    return x, x\ndef f_backward(dout, x):\n    return dout\n"
    start = time.process_time()
    checked = check_source(Source("hostile.py", source), Settings(shapes="x (N,)", timeout=5.0))
    assert all(s.status != "refuted" for s in checked.statements)
    assert time.process_time() - start < 10


def test_prove_takes_one_pair_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "layer.py"
    path.write_text(LAYER)
    assert main(["prove", f"{path}:rms_forward,rms_backward"]) == 0
    assert "proved" in capsys.readouterr().out
    assert main(["prove", f"{path}:rms_forward,missing"]) == 2
    assert "there is no function missing" in capsys.readouterr().err


def test_a_module_is_found_by_its_name_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "layers_of_mine").mkdir()
    (tmp_path / "layers_of_mine" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (tmp_path / "layers_of_mine" / "rms.py").write_text("raise_here = 1 / 0\n" + LAYER)
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["prove", "layers_of_mine.rms:rms_forward,rms_backward"]) == 0


def square_forward(x):  # type: ignore[no-untyped-def]
    return x * x, x


def square_backward(dout, x):  # type: ignore[no-untyped-def]
    return 2.0 * x * dout


def cube_backward(dout, x):  # type: ignore[no-untyped-def]
    return 3.0 * x * x * dout


def test_functions_of_a_session_are_proved_by_their_source() -> None:
    report = derive.prove_code(square_forward, square_backward, shapes="x (N, D)")
    assert [s.status for s in report.statements] == ["proved"]
    report = derive.prove_code(square_forward, cube_backward, shapes="x (N, D)")
    assert [s.status for s in report.statements] == ["refuted"]


def test_the_code_in_a_document_is_checked_where_it_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.md"
    path.write_text(f"# RMS norm\n\n```python{LAYER}```\n")
    assert main(["check", "--code", "--format", "json", str(path)]) == 0
    (document,) = json.loads(capsys.readouterr().out)["documents"]
    assert {s["line"] for s in document["statements"]} == {15, 17, 18}
