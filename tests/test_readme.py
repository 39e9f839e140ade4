"""What the README shows is what happens: its commands are run and what they print is compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.S | re.M)


def commands() -> Iterator[tuple[str, str]]:
    """Each command shown with what it is said to print."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def timeless(text: str) -> str:
    text = re.sub(r"\b[0-9.]+ s\b", "0 s", text).rstrip()
    return f"{text}\n" if text else ""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README speaks of."""
    folder = tmp_path_factory.mktemp("desk")
    for name, text in re.findall(r"`(\S+\.(?:md|py))`:\n\n```(?:markdown|python)\n(.*?)^```", TEXT, re.S | re.M):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("command", "output"), list(commands()), ids=[c for c, _ in commands()])
def test_what_a_command_prints(request: pytest.FixtureRequest, desk: Path, command: str, output: str) -> None:
    folder = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        command, shell=True, cwd=desk, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    printed, shown = timeless(done.stdout + done.stderr), timeless(output)
    if request.config.getoption("--update-golden") and "...\n" not in output:
        text = README.read_text(encoding="utf-8")
        README.write_text(text.replace(f"$ {command}\n{output}", f"$ {command}\n{printed}", 1), encoding="utf-8")
        return
    pattern = ".*".join(map(re.escape, shown.split("...\n")))
    assert re.fullmatch(pattern, printed, re.S), printed


def test_python_examples(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import doctest

    monkeypatch.chdir(desk)
    names: dict[str, object] = {}
    for block in blocks("python"):
        test = doctest.DocTestParser().get_doctest(block, names, "README", "README.md", 0)
        names = test.globs
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        assert runner.run(test, clear_globs=False).failed == 0


def test_the_two_commands() -> None:
    install, test = blocks("sh")[:2]
    assert install == "pip install . && derive check tests/documents/batchnorm-2019.txt\n"
    assert test == "pip install '.[test]' && pytest\n"
    assert (README.parent / install.split()[-1]).exists()
