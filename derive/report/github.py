"""Annotations for GitHub Actions: workflow commands, the refuted lines first.

GitHub shows only the first ten of a kind.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from derive.checking import ORDER, Checked, Statement
from derive.document import DocumentError
from derive.report.places import Places
from derive.report.wording import equation, open_statements, place, sentence, tally, why

_LEVELS = {"refuted": "error", "undecided": "warning", "unsupported": "warning", "tested": "notice"}


def render(documents: Sequence[Checked], unreadable: Iterable[DocumentError] = ()) -> str:
    """One workflow command for each statement that is not established, and a line of plain text for each document."""
    places = Places()
    found = [s for checked in documents for s in open_statements(checked)]
    found.sort(key=lambda s: (s.blame == "inherited", ORDER.index(s.status)))
    lines = [_unreadable(error) for error in unreadable]
    lines += [_annotation(s, places) for s in found]
    lines += [f"{_data(c.document.path)}: {c.verdict} ({tally(c.statements)})" for c in documents]
    return "".join(f"{line}\n" for line in lines)


def _unreadable(error: DocumentError) -> str:
    return f"::error file={_property(error.path)},title=not readable::{_data(sentence(error))}"


def _annotation(statement: Statement, places: Places) -> str:
    properties = {"file": statement.source.path, **dict(_region(statement, places))}
    cell = f" ({place(statement)})" if statement.source.cell is not None else ""
    properties["title"] = f"{statement.status}{cell}"
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = "\n".join(part for part in (equation(statement), *why(statement), statement.hint) if part)
    level = "notice" if statement.blame == "inherited" else _LEVELS[statement.status]
    return f"::{level} {listed}::{_data(message)}"


def _region(statement: Statement, places: Places) -> Iterator[tuple[str, int]]:
    """Line and columns of the faulty part; a column is given only within one line, and not for a notebook's JSON."""
    fault = statement.fault
    line, end_line = (places.line(statement, offset) for offset in fault)
    if line is None or end_line is None:
        return
    yield "line", line
    if end_line != line:
        yield "endLine", end_line
    elif statement.source.cell is None:
        yield "col", statement.source.place(fault.start).column
        yield "endColumn", max(statement.source.place(fault.end).column - 1, 1)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
