"""What the formats for machines say about a statement: its equation, its place and the reasons, as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from derive.checking import ORDER, Checked, Statement
from derive.document import DocumentError
from derive.plain import in_ascii, plain

ESTABLISHED = ("proved", "assumed", "note")
"""Verdicts that ask nothing of the author."""


def equation(statement: Statement, ascii: bool = False) -> str:
    """The statement as one line of text."""
    return f"{plain(statement.left, ascii)} = {plain(statement.right, ascii)}".strip(" =")


def place(statement: Statement) -> str:
    """``line 7``, or ``cell 3, line 2`` in a notebook."""
    cell = f"cell {statement.source.cell}, " if statement.source.cell is not None else ""
    return f"{cell}line {statement.source.place(statement.span.start).line}"


def why(statement: Statement, ascii: bool = False) -> list[str]:
    """The named mistakes, or else the reason; then what would be right."""
    found = [f"{m.code} {in_ascii(m.message) if ascii else m.message}" for m in statement.mistakes]
    if not found and statement.reason:
        found = [statement.reason]
    if statement.correct is not None:
        found.append(f"correct: {plain(statement.correct, ascii)}")
    return found


def remarks(statement: Statement) -> list[str]:
    """What is to be said beside the verdict: why, in which reading, and as what."""
    words: list[str] = []
    if statement.reason and statement.status != "assumed":
        words.append(statement.reason)
    if statement.reading == "partial" and statement.status in ("proved", "tested"):
        words.append("as a partial derivative, with the other intermediates held fixed")
    if statement.status == "proved" and statement.value == "refuted":
        words.append("as a step only: it does not give what the chain began with")
    return words


def name(statement: Statement) -> str:
    """Its place and its text: ``line 7: ∂μ/∂x_i = N``."""
    return f"{place(statement)}: {equation(statement)}".rstrip(": ")


def open_statements(checked: Checked) -> list[Statement]:
    """The statements that are not established, the worst first."""
    found = [s for s in checked.statements if s.status not in ESTABLISHED]
    return sorted(found, key=lambda s: ORDER.index(s.status))


def claims(checked: Checked) -> list[Statement]:
    """The statements that can be right or wrong, and those that could not be read."""
    return [s for s in checked.statements if s.status not in ("assumed", "note")]


def tally(statements: Iterable[Statement]) -> str:
    """``2 refuted, 5 proved``."""
    counts = Counter(s.status for s in statements)
    return ", ".join(f"{counts[status]} {status}" for status in ORDER if counts[status]) or "no equations"


def sentence(error: DocumentError) -> str:
    """What is wrong with a document that cannot be read, without its path."""
    return f"{error.message}." + (f" {error.hint}" if error.hint else "")
