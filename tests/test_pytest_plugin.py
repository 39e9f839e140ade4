"""The pytest plugin: one test a claim, named by its place, failing with derive's own report."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import DOCUMENTS

ROOT = Path(__file__).parent.parent


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest with this plugin only."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "derive.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-rs",
        *arguments,
    ]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONUTF8": "1", "COLUMNS": "120"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    for name in ("notes.md", "notes.ipynb"):
        shutil.copy(DOCUMENTS / "formats" / name, folder)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "test_other.py").write_text("def test_other(): pass\n", encoding="utf-8")
    (folder / "empty.tex").write_text("", encoding="utf-8")
    return folder


def test_one_test_a_claim(folder: Path) -> None:
    done = run(folder, "--derive", "-v", "notes.md", "notes.ipynb")
    assert done.returncode == 1, done.stderr
    found = dict(re.findall(r"^(notes\.\S+?::\S+(?: \S+)?) (PASSED|FAILED|SKIPPED)", done.stdout, re.MULTILINE))
    assert found == {
        "notes.md::9:3": "PASSED", "notes.md::11:3": "FAILED", "notes.md::13:3": "FAILED", "notes.md::16:32": "SKIPPED",
        "notes.ipynb::cell 3:3:3": "PASSED", "notes.ipynb::cell 3:5:3": "FAILED", "notes.ipynb::cell 3:7:3": "FAILED",
        "notes.ipynb::cell 3:10:32": "SKIPPED",
    }  # fmt: skip
    assert re.search(r"^✗ line 11 .*∂v/∂x_i = 2/N \(x_i \+ μ\)", done.stdout, re.MULTILINE)
    assert "correct: 2/N (x_i − μ)" in done.stdout and "Traceback" not in done.stdout
    assert "unsupported; \\undefined is not a command that derive knows" in done.stdout


def test_a_document_of_which_nothing_is_decided_says_so(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "open.md").write_text("$$y = x$$\n\n$$\\frac{\\partial y}{\\partial x} = \\foo$$\n", encoding="utf-8")
    done = run(tmp_path, "--derive", "open.md")
    assert "2 skipped" in done.stdout and "Nothing was decided: the only claim could not be read" in done.stdout


def test_a_claim_is_asked_for_by_its_place(folder: Path) -> None:
    done = run(folder, "--derive", "notes.md::9:3")
    assert done.returncode == 0 and "1 passed" in done.stdout


def test_a_folder_is_collected_and_what_cannot_be_read_is_an_error(folder: Path) -> None:
    done = run(folder, "--derive", "--collect-only", "-q")
    assert "test_other.py::test_other" in done.stdout and "notes.md::9:3" in done.stdout
    assert "empty.tex: the document is empty." in done.stdout and done.returncode != 0


def test_documents_are_left_alone_without_the_option(folder: Path) -> None:
    done = run(folder, "-q")
    assert done.returncode == 0 and "1 passed" in done.stdout


def test_the_plugin_costs_nothing_until_it_is_used() -> None:
    code = "import sys, derive.pytest_plugin; assert not {'sympy', 'numpy', 'derive.checking'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_plugin_is_registered() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert data["project"]["entry-points"]["pytest11"] == {"derive": "derive.pytest_plugin"}


def test_code_has_one_test_a_gradient(tmp_path: Path) -> None:
    source = """
def square_forward(x):
    \"\"\"shapes: x (N, D)\"\"\"
    return x * x, x

def square_backward(dout, x):
    dx = 3.0 * x * dout
    return dx
"""
    (tmp_path / "layer.py").write_text(source)
    done = run(tmp_path, "--derive", "layer.py")
    assert done.returncode == 1
    assert "inherits the fault of line 7" in done.stdout
    assert "1 failed" in done.stdout
