"""The command line: what it prints, where, and with which exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import DOCUMENTS

from derive.cli import main
from derive.commands.check import FORMATS

RIGHT = DOCUMENTS / "staged.md"
WRONG = DOCUMENTS / "wrong" / "sign.md"


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "derive", *map(str, arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, input=stdin, capture_output=True, env=environment, timeout=120, check=False)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_exit_status_tells_whether_something_is_refuted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(RIGHT)]) == 0
    assert main(["check", str(WRONG)]) == 1
    assert main(["check", str(RIGHT), str(WRONG)]) == 1
    assert "refuted" in capsys.readouterr().out


def test_fail_on_other_verdicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("$$y = x + \\undefinedmacro$$\n", encoding="utf-8")
    assert main(["check", str(page), str(RIGHT)]) == 0
    assert main(["check", str(page), "--fail-on", "unsupported"]) == 1
    assert "\\undefinedmacro is not a command" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Only words.", "Nothing was checked: there is no equation here that derive can find."),
        ("$$y = 2 x$$", "Nothing was decided: no line here claims anything that derive could check."),
        (
            r"$$y = 2 x$$ $$\frac{\partial y}{\partial x} = \foo$$",
            "Nothing was decided: the only claim could not be read.",
        ),
        (
            r"$$y = x$$ $$\frac{dy}{dx} = \foo$$ $$\frac{dy}{dx} = \goo$$",
            "Nothing was decided: all 2 claims could not be read.",
        ),
    ],
)
def test_a_page_of_which_nothing_is_decided_is_no_success(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    for kind in ("text", "concise", "json"):
        assert main(["check", str(page), "--format", kind]) == 3
        assert said in " ".join(capsys.readouterr().out.split())
    assert main(["check", str(page), "--undecided-ok"]) == 0
    assert main(["check", str(page), str(RIGHT)]) == 0


def test_json_has_the_promised_shape(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(WRONG), "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert set(data) == {"derive", "documents"}
    (document,) = data["documents"]
    assert {"path", "verdict", "assumptions", "repairs", "statements"} <= set(document)
    claim = document["statements"][-1]
    expected = {
        "id", "cell", "line", "column", "end_line", "end_column", "role", "left", "right", "status", "reading",
        "reason", "value", "correct", "mistakes", "counterexample", "seconds",
    }  # fmt: skip
    assert expected <= set(claim)
    assert claim["status"] == "refuted" and claim["role"] == "claim"
    assert {"sizes", "values", "left", "right"} <= set(claim["counterexample"])
    assert claim["line"] == 7 and claim["column"] == 3
    assert claim["left"] == r"\frac{\partial \hat{x}_i}{\partial \mu}"


def test_json_of_a_notebook_gives_cell_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [
        {"cell_type": "code", "source": ["1 + 1"], "metadata": {}, "outputs": [], "execution_count": None},
        {"cell_type": "markdown", "source": ["# A title\n", "\n", "$$y_i = x_i^2$$\n"], "metadata": {}},
        {"cell_type": "markdown", "source": "$$\\frac{\\partial y_i}{\\partial x_i} = 3 x_i$$", "metadata": {}},
    ]
    notebook = tmp_path / "notes.ipynb"
    notebook.write_text(
        json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}), encoding="utf-8"
    )
    assert main(["check", str(notebook), "--format", "json"]) == 1
    statements = json.loads(capsys.readouterr().out)["documents"][0]["statements"]
    assert [(s["cell"], s["line"], s["status"]) for s in statements] == [(2, 3, "assumed"), (3, 1, "refuted")]


def test_concise_lines_lead_to_the_place(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", str(WRONG), "--format", "concise"])
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{WRONG}:7:3: refuted: ∂x̂_i/∂μ = 1/√(σ² + ε)")
    assert last.endswith("refuted (1 refuted, 4 assumed)")


def test_output_goes_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.txt"
    main(["check", str(WRONG), "--output", str(report)])
    assert capsys.readouterr().out == ""
    assert "refuted" in report.read_text(encoding="utf-8")


def test_ascii_where_the_terminal_needs_it() -> None:
    command = [sys.executable, "-m", "derive", "check", str(WRONG)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert done.returncode == 1
    assert "dx_hat_i/dmu = 1/sqrt(sigma^2 + epsilon)" in done.stdout.decode("ascii")


def test_no_colours_unless_on_a_terminal() -> None:
    assert "\x1b" not in run("check", WRONG).stdout


def test_standard_input() -> None:
    done = run("check", "-", stdin=b"$$y_i = x_i^2$$ $$\\frac{\\partial y_i}{\\partial x_i} = 2 x_i$$")
    assert done.returncode == 0
    assert "<stdin>: proved (1 proved, 1 assumed)" in done.stdout


def test_terms_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(DOCUMENTS / "wrong" / "upstream-missing.md"), "--terms"]) == 1
    out = capsys.readouterr().out
    assert "term by term" in out
    assert "directly: proved" in out and "through μ: proved" in out and "through σ²: refuted" in out


def test_reading_says_what_each_name_was_taken_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Oracle: the document's own first lines."""
    main(["check", str(DOCUMENTS / "reading" / "aliases-dout.md"), "--reading"])
    section = capsys.readouterr().out.partition("Reading")[2].partition("\n\n")[0]
    found = dict(line.split(maxsplit=1) for line in section.splitlines()[1:])
    assert found["D"] == "the size of an axis" and found["x"] == "data, D values" and found["ε"] == "data, a number"
    assert found["σ²"] == "line 4, a number, from μ, x" and found["L"] == "the loss, any function of y"
    assert found["dout"] == "∂L/∂y_i"


def test_reading_in_json_tells_open_names(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", str(DOCUMENTS / "reading" / "open-names.md"), "--reading", "--format", "json"])
    reading = {row["name"]: row for row in json.loads(capsys.readouterr().out)["documents"][0]["reading"]}
    assert reading["m"] == {"name": "m", "kind": "open", "sizes": [], "line": 6, "uses": ["u"]}
    assert reading["w"]["sizes"] == ["n"] and reading["w"]["uses"] == ["\\alpha", "\\kappa", "v"]


def test_help_needs_neither_sympy_nor_numpy() -> None:
    code = "import sys, derive.cli\ntry:\n    derive.cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
    code += "assert not {'sympy', 'numpy'} & set(sys.modules), 'loaded'"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


# -- bad input -------------------------------------------------------------------------------------------------------


def bad_files(folder: Path) -> dict[str, Path]:
    """Files that cannot be read at all."""
    files = {
        name: folder / name
        for name in ("empty.md", "binary.md", "latin.md", "cut.ipynb", "folder.md", "loop.md", "none.md")
    }
    files["empty.md"].write_bytes(b"")
    files["binary.md"].write_bytes(b"\x00\x01\x02" * 100)
    files["latin.md"].write_bytes("Größe $x = 1$".encode("latin-1"))
    files["cut.ipynb"].write_text('{"cells": [{"cell_type": "markdown", "sou', encoding="utf-8")
    files["folder.md"].mkdir()
    files["loop.md"].symlink_to(files["loop.md"])
    return files


@pytest.mark.parametrize("name", ["empty.md", "binary.md", "latin.md", "cut.ipynb", "folder.md", "loop.md", "none.md"])
def test_unreadable_files_give_one_paragraph_and_exit_2(name: str, tmp_path: Path) -> None:
    done = run("check", bad_files(tmp_path)[name])
    assert done.returncode == 2
    assert done.stderr.startswith("derive: ") and name in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 4


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are text there")
@pytest.mark.parametrize("kind", FORMATS)
def test_a_name_that_is_no_text(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(b"not\xff.md"))
    path.write_text("$$y_i = x_i^2$$ $$\\frac{\\partial y_i}{\\partial x_i} = 3 x_i$$", encoding="utf-8")
    report = tmp_path / "report"
    assert main(["check", str(path), "--format", kind, "-o", str(report)]) == 1
    assert "refuted" in report.read_text(encoding="utf-8") or "fail" in report.read_text(encoding="utf-8")


def test_one_unreadable_file_does_not_hide_the_others(tmp_path: Path) -> None:
    done = run("check", tmp_path / "none.md", WRONG)
    assert done.returncode == 2
    assert "sign.md: refuted" in done.stdout and "none.md" in done.stderr


def test_standard_input_closed() -> None:
    done = subprocess.run(
        f"{sys.executable} -m derive check - <&-", shell=True, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2 and "standard input" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "formula",
    [
        "y = {x", "y = \\frac{1}{x", "\\begin{align} y = x", "y = " + "(" * 10_000 + "x" + ")" * 10_000,
        "y = 9^{9^{9^9}}", "y = 1000000!", "y = \\sum_{i=1}^{1000000000} x_i", "y = \\undefinedmacro",
        "\\text{__import__('os').system('true')} = 1", "y = \\left( x", "y = \\frac{x}{0}", "= = =", "\\\\ \\\\ &",
        "y = x^{10^{10}}",
    ],
)  # fmt: skip
def test_hostile_formulas_end_in_a_statement_or_an_error(formula: str) -> None:
    done = run("check", "-", "--format", "json", "--timeout", "5", stdin=f"$${formula}$$\n".encode())
    assert done.returncode in (2, 3), done.stderr
    assert "Traceback" not in done.stderr
    if done.returncode == 3:
        statements = json.loads(done.stdout)["documents"][0]["statements"]
        assert all(s["status"] in ("unsupported", "assumed", "undecided", "note") for s in statements)
        assert all(s["reason"] for s in statements if s["status"] in ("unsupported", "undecided"))


def test_definitions_in_a_circle_are_named() -> None:
    done = run("check", "-", stdin=b"$$a = b + 1$$ $$b = a - 1$$ $$\\frac{\\partial a}{\\partial b} = 1$$")
    assert done.returncode == 3
    assert "the definitions go in a circle: a uses b uses a" in done.stdout


def test_an_index_that_is_also_a_value_is_refused() -> None:
    done = run("check", "-", stdin=b"$$s = \\sum_{i=1}^N i x_i$$")
    assert "i is an index here and a value there" in done.stdout


def test_usage_errors_exit_with_2() -> None:
    assert run().returncode == 2
    assert run("check").returncode == 2
    assert run("chek", WRONG).returncode == 2
    assert run("check", WRONG, "--timeout", "nan").returncode == 2


def test_a_reader_that_leaves_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m derive check {RIGHT} | head -1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")
@pytest.mark.parametrize("command", ["layers", "check batchnorm", "check batchnorm --format html"])
@pytest.mark.parametrize("output", [">&-", "> /dev/full"])
def test_an_output_that_takes_nothing_is_told_in_a_line(command: str, output: str) -> None:
    if "full" in output and not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    line = f"{sys.executable} -m derive {command} {output}"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("derive: the output cannot be written") and len(done.stderr.splitlines()) == 1
