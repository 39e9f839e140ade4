"""One line for each statement that is not established, in the form that editors jump to."""

from __future__ import annotations

from collections import Counter

from derive.checking import ORDER, Checked, Statement
from derive.plain import plain

QUIET = ("proved", "assumed", "note")


def render(checked: Checked, ascii: bool = False) -> str:
    """``path:line:column: status: equation (why)`` lines, and a summary line."""
    lines = [_line(s, ascii) for s in checked.statements if s.status not in QUIET]
    counts = Counter(s.status for s in checked.statements)
    listed = ", ".join(f"{counts[status]} {status}" for status in ORDER if counts[status])
    lines.append(f"{checked.document.path}: {checked.verdict} ({listed or 'no equations'})")
    return "\n".join(lines) + "\n"


def _line(statement: Statement, ascii: bool) -> str:
    place = statement.source.locate(statement.span.start)
    equation = f"{plain(statement.left, ascii)} = {plain(statement.right, ascii)}".strip(" =")
    why = [f"{m.code} {m.message}" for m in statement.mistakes]
    if not why and statement.reason:
        why = [statement.reason]
    if statement.correct is not None:
        why.append(f"correct: {plain(statement.correct, ascii)}")
    return f"{place}: {statement.status}: {equation}" + (f" ({'; '.join(why)})" if why else "")
