"""``derive explain``: every mistake of the table, at length or in a list."""

from __future__ import annotations

import subprocess
import sys

import pytest

from derive.cli import main
from derive.mistakes.table import KINDS, Kind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_a_code_is_explained(kind: Kind, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", kind.code.lower()]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"{kind.code}  {kind.name}\n")
    for part in ("\nWrong:\n    ", "\nRight:\n    ", "\nWith:\n    ", kind.origin.split()[0]):
        assert part in text
    assert all(len(line) <= 120 for line in text.splitlines())
    assert "{" not in kind.message.format("a", "b")


def test_without_a_code_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [kind.code for kind in KINDS]


@pytest.mark.parametrize(("typed", "meant"), [("DVR215", "DRV215"), ("transpose", "DRV220")])
def test_a_typo_is_answered_with_the_nearest(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", typed]) == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert f"Did you mean {meant}" in captured.err


def test_what_is_like_nothing_is_answered_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "?"]) == 2
    assert "derive explain lists them all" in capsys.readouterr().err


def test_codes_are_unique_and_opposites_exist() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert all(not kind.opposite or kind.opposite in codes for kind in KINDS)


def test_explaining_loads_neither_sympy_nor_numpy() -> None:
    code = "import sys; from derive.cli import main; main(['explain', 'DRV201']); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sympy", "numpy"} & set(found.stdout.splitlines()[-1].split())
