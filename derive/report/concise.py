"""One line for each statement that is not established, in the form that editors jump to."""

from __future__ import annotations

from derive.checking import Checked, Statement
from derive.report.wording import ESTABLISHED, conclusion, equation, tally, why


def render(checked: Checked, ascii: bool = False) -> str:
    """``path:line:column: status: equation (why)`` lines, and a summary line."""
    lines = [_line(s, ascii) for s in checked.statements if s.status not in ESTABLISHED]
    summary = f"{checked.document.path}: {checked.verdict} ({tally(checked.statements)})"
    lines.append(f"{summary}. {said}" if (said := conclusion(checked)) else summary)
    return "\n".join(lines) + "\n"


def _line(statement: Statement, ascii: bool) -> str:
    place = statement.source.locate(statement.span.start)
    written, reasons = equation(statement, ascii), "; ".join(why(statement, ascii))
    said = f"{written} ({reasons})" if written and reasons else written or reasons
    return f"{place}: {statement.status}: {said}"
