"""What derive says would be correct: written back into the page, it is proved by derive itself."""

from __future__ import annotations

from pathlib import Path

import pytest

import derive
from derive.checking import Statement
from derive.latex.syntax import span_of
from derive.latex.writer import latex
from derive.mistakes.table import KINDS, SQUARE_MATRICES, Kind

DOCUMENTS = Path(__file__).parent / "documents"
WRONG = sorted((DOCUMENTS / "wrong").glob("*.md"))


def refuted(text: str) -> list[Statement]:
    """The refuted lines for which a correction is given."""
    found = derive.check(text, kind="md").statements
    return [s for s in found if s.status == "refuted" and s.correct is not None]


def corrected(text: str, statement: Statement) -> str:
    """The page with the right side of a line replaced."""
    assert statement.correct is not None
    span = span_of(statement.right)
    return f"{text[: span.start]}{{{latex(statement.correct)}}}{text[span.end :]}"


def check_corrections(text: str) -> int:
    """Write back each correction by itself; a later link of a chain is judged by its value, as the one before it may be
    wrong."""
    lines = refuted(text)
    for line in lines:
        (again,) = (s for s in derive.check(corrected(text, line), kind="md").statements if s.number == line.number)
        assert "proved" in (again.status, again.value), (again.reason, latex(line.correct))  # type: ignore[arg-type]
    return len(lines)


IN_ENTRIES = [kind for kind in KINDS if kind.forward != SQUARE_MATRICES]
"""Where a matrix stands on the left, the correction is that of its entries: it takes the place of both sides."""


@pytest.mark.parametrize("kind", IN_ENTRIES, ids=lambda kind: kind.code)
def test_corrections_of_the_examples_of_mistakes(kind: Kind) -> None:
    check_corrections(f"{kind.forward}\n\n$${kind.wrong}$$\n")


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_corrections_of_wrong_documents(path: Path) -> None:
    assert check_corrections(path.read_text(encoding="utf-8"))
