r"""LaTeX whose backslash escapes were eaten on the way, put back.

A formula that once stood in a string literal of Python, C or JSON may have lost its escapes: ``\frac`` became
a form feed and ``rac``, ``\right`` a line break and ``ight``, ``\\`` a single ``\``; then the next program
dropped the control characters. What is left says, more often than not, what was meant. `restore` puts
a command back where exactly one known command fits, lists each repair with its place, and refuses
(`RepairError`) where two fit.

A text without damage comes back as it is: what would be bold there (a bare ``heta``, a blank that was a row
break) is done only in a text that shows damage elsewhere.

``commands`` finds what was eaten of commands, ``rows`` what was of row breaks; ``groups`` tells words from mathematics.
"""

from __future__ import annotations

from derive.repair.commands import EATEN, Finding, findings, holds_intact_escape, starts_eaten
from derive.repair.groups import closing_brace, prose
from derive.repair.model import Repair, RepairError
from derive.repair.rows import row_breaks
from derive.source import Source, Text

__all__ = ["Repair", "RepairError", "closing_brace", "prose", "restore", "shows_damage", "starts_eaten"]


def restore(text: Text, source: Source, damaged: bool) -> tuple[Text, tuple[Repair, ...]]:
    """A formula with its eaten escapes put back, and what was put back.

    ``damaged`` says that other formulas of the document show damage (`shows_damage`), so that weaker traces
    count. Raises `RepairError` at the first place that can be read in two ways.
    """
    value = text.value
    found = list(findings(value, _has_lines(source)))
    eaten = (damaged or any(finding.certain for finding in found)) and not holds_intact_escape(value)
    chosen = [_decide(finding, text) for finding in found if finding.certain or eaten]
    whole = text.replace([(finding.start, finding.end, finding.readings[0]) for finding in chosen])
    rows = row_breaks(whole, eaten)
    repairs = [_repair(text, source, f.start, f.end, f.readings[0]) for f in chosen]
    repairs += [_repair(whole, source, at, at + 1, "\\\\") for at in rows]
    repairs.sort(key=lambda repair: (repair.line, repair.column))
    return whole.replace([(at, at + 1, "\\\\") for at in rows]), tuple(repairs)


def shows_damage(text: Text, source: Source) -> bool:
    """Whether a formula shows by itself that escapes were eaten."""
    return any(finding.certain for finding in findings(text.value, _has_lines(source)))


def _has_lines(source: Source) -> bool:
    """Whether lines of the source end with a line feed; then a lone carriage return is no line break."""
    return source.place(len(source.text)).line > 1


def _decide(finding: Finding, text: Text) -> Finding:
    """The finding, if it has exactly one reading."""
    if len(finding.readings) == 1:
        return finding
    span = text.span(finding.start, finding.end)
    hint = "The backslash escapes of this text were eaten. Write what is meant there, with its backslash."
    if not finding.readings:
        raise RepairError(finding.why, span, hint)
    shown = text.value[finding.start : finding.end].lstrip("".join(EATEN))
    raise RepairError(f"damaged text: {shown} can be {' or '.join(finding.readings)}", span, hint)


def _repair(text: Text, source: Source, start: int, end: int, now: str) -> Repair:
    was = text.value[start:end]
    at = start + len(was) - len(was.lstrip("\a\b\t\n\v\f\r\\")) if was != "\\" else start
    line, column = source.place(text.offsets[at])
    return Repair(line, column, _printable(was), now, source.cell)


def _printable(value: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in value)
