"""derive at the shell: suggestions, completion, watching, and the hook for pre-commit."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest
from conftest import DOCUMENTS

from derive.cli import main
from derive.commands.check import FORMATS

ROOT = Path(__file__).parent.parent
RIGHT = "$\\mu = \\frac{1}{N} \\sum_{i=1}^N x_i$\n\n$$\\frac{\\partial \\mu}{\\partial x_i} = \\frac{1}{N}$$\n"


# -- suggestions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chekc", "notes.md"], "did you mean check?"),
        (["chck"], "did you mean check?"),
        (["check", "--formta=json", "notes.md"], "did you mean --format?"),
        (["check", "--format", "jsno", "notes.md"], "did you mean json?"),
        (["check", "--fail-on", "undecidable", "notes.md"], "did you mean undecided?"),
    ],
)
def test_the_nearest_word_is_suggested(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"\n{said}\n")


def test_a_document_in_place_of_a_command_is_told_how_to_check_it(capsys: pytest.CaptureFixture[str]) -> None:
    path = DOCUMENTS / "staged.md"
    with pytest.raises(SystemExit):
        main([str(path)])
    assert capsys.readouterr().err.endswith(f"\nto check a document: derive check {path}\n")


def test_nothing_is_suggested_for_what_is_like_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["xyzzy"])
    assert "mean" not in capsys.readouterr().err


# -- completion ------------------------------------------------------------------------------------------------------


def completion(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def needs(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell} here")
    return found


CASES = [
    ("derive ch", ["check"]),
    ("derive check --hi", ["--hint"]),
    ("derive check --format ", sorted(FORMATS)),
    ("derive check notes.md --format js", ["json"]),
    ("derive completion z", ["zsh"]),
]


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_bash_completes(line: str, expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = line.split(" ")
    script = completion("bash", capsys) + (
        f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _derive\n"
        + 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run([needs("bash"), "--norc", "-c", script], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == expected and not done.stderr


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_fish_completes(line: str, expected: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = completion("fish", capsys) + f"complete -C {shlex.quote(line)}\n"
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [needs("fish"), "--no-config", "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert sorted(row.split("\t")[0] for row in done.stdout.splitlines()) == expected


def test_zsh_reads_its_completion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "_derive"
    script.write_text(completion("zsh", capsys), encoding="utf-8")
    load = f"autoload -U compinit; compinit -D; source {script}; print $_comps[derive]"
    done = subprocess.run([needs("zsh"), "-f", "-c", load], capture_output=True, text=True, check=True)
    assert done.stdout == "_derive\n" and not done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_option_is_completed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = completion(shell, capsys)
    for option in ("format", "output", "fail-on", "hint", "watch", "timeout", "no-color", "ascii", "terms"):
        assert re.search(rf"(--|-l ){option}\b", text), option


# -- watching --------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str], Queue[str]]]:
    """A file, a process that watches it, and the lines that it prints."""
    page = tmp_path / "page.md"
    page.write_text(RIGHT, encoding="utf-8")
    command = [sys.executable, "-u", "-m", "derive", "check", str(page), "--watch", "--format", "concise"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", env=environment
    )
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    threading.Thread(target=lambda out: [lines.put(line) for line in out], args=[process.stdout], daemon=True).start()
    yield page, process, lines
    process.kill()
    process.wait(10)


@pytest.mark.skipif(os.name != "posix", reason="needs an interrupt signal")
def test_watching_checks_again_after_a_change(watched: tuple[Path, subprocess.Popen[str], Queue[str]]) -> None:
    page, process, lines = watched
    assert "page.md: proved (1 proved, 1 assumed)" in lines.get(timeout=60)
    assert f"watching {page}; Ctrl-C ends this" in lines.get(timeout=10)
    with pytest.raises(Empty):
        lines.get(timeout=1)
    page.write_text(RIGHT.replace("{1}{N}$$", "{2}{N}$$"), encoding="utf-8")
    assert ":3:3: refuted: ∂μ/∂x_i = 2/N" in lines.get(timeout=60)
    assert "page.md: refuted" in lines.get(timeout=10)
    assert "watching" in lines.get(timeout=10)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 1


def test_standard_input_cannot_be_watched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-", "--watch"]) == 2
    assert "standard input cannot be watched" in capsys.readouterr().err


# -- pre-commit ------------------------------------------------------------------------------------------------------


def hook(name: str = "derive-check") -> dict[str, str]:
    """A hook's keys; the file is simple enough to be read without a parser of YAML."""
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    hooks = [
        dict(line[2:].split(": ", 1) for line in part.splitlines())
        for part in re.split(r"^(?=- )", text, flags=re.M)
        if part
    ]
    return next(each for each in hooks if each["id"] == name)


def test_the_hook_takes_documents_and_runs_by_itself() -> None:
    found = hook()
    assert found["language"] == "python" and found["require_serial"] == "true"
    names = ["a.md", "notes/b.ipynb", "c.qmd", "d.markdown", "e.py", "f.mdx", "g.txt"]
    assert [bool(re.search(found["files"], name)) for name in names] == [True, True, True, True, False, False, False]


def test_the_hook_for_code_is_silent_about_files_without_gradients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = hook("derive-check-code")
    assert found["types"] == "[python]" and found["language"] == "python"
    _, *arguments = shlex.split(found["entry"])
    (tmp_path / "plain.py").write_text("x = 1\n")
    (tmp_path / "other.py").write_text("y = 1\n")
    assert main([*arguments, *(str(tmp_path / name) for name in ("plain.py", "other.py"))]) == 0
    assert capsys.readouterr() == ("", "")
    (tmp_path / "wrong.py").write_text(
        "# derive: given x (N,)\ndef f_forward(x):\n    return x * x, x\n"
        "def f_backward(dout, x):\n    return dout * x\n"
    )
    assert main([*arguments, *map(str, sorted(tmp_path.iterdir()))]) == 1
    assert "wrong.py:5:5: refuted" in capsys.readouterr().out


def test_the_hook_fails_where_something_is_refuted(capsys: pytest.CaptureFixture[str]) -> None:
    program, *arguments = shlex.split(hook()["entry"])
    assert program == "derive"
    folder = DOCUMENTS / "formats"
    assert main([*arguments, str(folder / "notes.md"), str(folder / "notes.ipynb")]) == 1
    assert "notes.ipynb:cell 3:5:3: refuted: ∂v/∂x_i" in capsys.readouterr().out
    assert main([*arguments, str(DOCUMENTS / "staged.md")]) == 0
