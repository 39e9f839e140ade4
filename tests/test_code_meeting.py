"""How a person meets the code prover: comments, folders, notebooks, what is asked for, and what the report shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from code_fixtures import RMS_NORM

from derive.checking import Checked
from derive.cli import main
from derive.code.check import Settings, check_file, check_source
from derive.report.text import TextReport
from derive.source import Source

NORM = RMS_NORM.replace("rms_", "norm_")
WRONG = NORM.replace("g = dout * w", "g = dout")
SCALE = "def scale_forward(x, w):\n    return x * w, (x, w)\n\n\ndef scale_backward(dout, cache):\n    x, w = cache\n"
SCALE += "    return dout * w, (dout * x).sum(0)\n"


def checked(text: str, **settings: object) -> Checked:
    return check_source(Source("layer.py", text), Settings(**settings))  # type: ignore[arg-type]


def statuses(found: Checked) -> set[str]:
    return {s.status for s in found.statements}


# -- comments --------------------------------------------------------------------------------------------------------


def test_a_pair_is_left_out_and_listed() -> None:
    (statement,) = checked(WRONG.replace("def norm_backward", "# derive: ignore\ndef norm_backward")).statements
    assert (statement.status, statement.name) == ("note", "norm_backward")
    assert "ignored" in statement.reason


def test_a_line_is_left_out_and_what_is_made_of_it_is_not() -> None:
    found = checked(
        WRONG.replace(
            "(axis=1, keepdims=True)\n    return dx", "(axis=1, keepdims=True)  # derive: ignore\n    return dx"
        )
    )
    assert {(s.role, s.name): s.status for s in found.statements} == {
        ("stage", "dw"): "proved",
        ("stage", "dx"): "note",
        ("returned", "dx"): "refuted",
        ("returned", "dw"): "proved",
    }


def test_a_string_is_no_comment() -> None:
    found = checked(
        WRONG.replace('"""shapes: x (N, D), w (D,)"""', '"""shapes: x (N, D), w (D,)\n    # derive: ignore\n    """')
    )
    assert "refuted" in statuses(found)


@pytest.mark.parametrize(
    "given", ["# derive: given x (N, D), w (D,)", "# derive: given x (N, D)\n# derive: given w (D,)"]
)
def test_shapes_are_given_in_comments_and_listed(given: str) -> None:
    found = checked(f"{given}\n{SCALE}")
    assert statuses(found) == {"proved"}
    assert found.assumptions[0].text.startswith("given: x (N, D)") and found.assumptions[0].line == 1


def test_a_sign_and_a_setting_are_given_in_comments() -> None:
    root = "import numpy as np\ndef f_forward(x, mode):\n    if mode == 'a':\n        return np.sqrt(x * x), x\n"
    root += "    return 2 * x, x\ndef f_backward(dout, x):\n    return dout\n"
    shape = "# derive: given x (N,)\n"
    assert statuses(checked(f"{shape}# derive: given mode = b\n{root}")) == {"refuted"}
    assert "proved" not in statuses(checked(shape + root))
    positive = checked(f"{shape}# derive: given x > 0\n{root}")
    assert "refuted" not in statuses(positive)
    assert [a.text for a in positive.assumptions][:2] == ["given: x (N,)", "given: x > 0"]


@pytest.mark.parametrize(
    ("comment", "answer"),
    [
        ("# derive: ignor", "Did you mean # derive: ignore?"),
        ("# derive: skip this", "Did you mean # derive: ignore?"),
        ("# derive: givn x (N, D)", "Did you mean # derive: given x (N, D)?"),
        ("# derive given: x (N, D)", "Did you mean # derive: given x (N, D)?"),
        ("# derive: given x is a matrix", "Write # derive: given x (N, D)"),
        ("# derive: given", "Write # derive: given x (N, D)"),
    ],
)
def test_a_comment_with_a_slip_is_answered(comment: str, answer: str) -> None:
    *_, statement = checked(f"{comment}\n{NORM}").statements
    assert (statement.status, statement.source.place(statement.span.start).line) == ("unsupported", 1)
    assert statement.hint.startswith(answer)


@pytest.mark.parametrize("comment", ["# derive the gradient by hand", "# we derive: see the paper"])
def test_prose_is_no_comment_to_derive(comment: str) -> None:
    assert statuses(checked(f"{comment}\n{NORM}")) == {"proved"}


# -- files, folders, notebooks ---------------------------------------------------------------------------------------


def notebook(*cells: str) -> str:
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell.splitlines(True)} for cell in cells]
    made.insert(0, {"cell_type": "markdown", "metadata": {}, "source": ["# A layer"]})
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_notebook_is_read_across_its_cells_and_spoken_of_by_cell(tmp_path: Path) -> None:
    forward, backward = WRONG.split("\n\n\ndef norm_backward")
    path = tmp_path / "notes.ipynb"
    path.write_text(notebook("%matplotlib inline\n" + forward, "def norm_backward" + backward))
    found = check_file(path)
    report = TextReport(100).render(found)
    assert "✗ cell 3, line 5  refuted      dx = ∂L/∂x" in report
    assert "inherits the fault of cell 3, line 5" in report
    assert "eps > 0 (cell 3)" in report


def test_a_cell_that_is_no_python_costs_itself_only(tmp_path: Path) -> None:
    path = tmp_path / "notes.ipynb"
    path.write_text(notebook("def broken(:\n", NORM))
    assert statuses(check_file(path)) == {"proved", "unsupported"}


def test_a_folder_holds_files_documents_and_what_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site-packages").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("layer.py", "site-packages/other.py", ".hidden/other.py"):
        (tmp_path / name).write_text(NORM)
    (tmp_path / "notes.md").write_text(f"# Notes\n\n```python{WRONG}```\n")
    (tmp_path / "notes.ipynb").write_text(notebook(NORM))
    assert main(["check", "--format", "concise", str(tmp_path)]) == 0
    assert "other.py" not in capsys.readouterr().out
    assert main(["check", "--code", "--format", "concise", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("notes.md", "notes.ipynb", "layer.py")) and "other.py" not in shown


# -- what is asked for -----------------------------------------------------------------------------------------------


def test_all_missing_shapes_are_asked_for_once() -> None:
    text = f"{SCALE}def bias_forward(h, labels):\n    return h * labels, (h, labels)\n\n\n"
    text += "def bias_backward(dout, cache):\n    h, labels = cache\n    return dout * labels, (dout * h).sum(0)\n"
    found = checked(text)
    hints = [s.hint for s in found.statements if s.hint]
    assert len(hints) == 1 and len(found.statements) == 2
    assert hints[0].endswith("--shapes 'x (N, D), w (D, M), h (N, D), labels int (N,)'")
    pasted = hints[0].partition("--shapes '")[2].rstrip("'").replace("w (D, M)", "w (D,)").replace("int (N,)", "(D,)")
    assert statuses(checked(text, shapes=pasted)) == {"proved"}
