"""Verdicts that a document demands of itself: a comment such as ``<!-- proved -->`` before a display."""

from __future__ import annotations

import re

from derive.checking import Checked, Statement

_MARK = re.compile(r"<!-- (proved|refuted|undecided|assumed|unsupported) -->")


def marks(text: str) -> list[tuple[int, str]]:
    """The lines of the comments with what they expect."""
    return [(text.count("\n", 0, found.start()) + 1, found[1]) for found in _MARK.finditer(text)]


def line(statement: Statement) -> int:
    return statement.source.place(statement.span.start).line


def disagreements(checked: Checked, text: str) -> list[tuple[int, str, list[tuple[str, str]]]]:
    """Where a document does not get the verdicts that it demands: line, demand, and what it got instead.

    Every link behind a mark has its verdict or only introduces a name, and at least one has it; ``refuted`` wants one
    refuted link. What stands before the first mark is the forward pass, of which nothing may fail or stay open.
    """
    expected = [(0, "forward"), *marks(text)]
    ends: list[float] = [at for at, _ in expected[1:]]
    wrong = []
    for (start, verdict), end in zip(expected, [*ends, float("inf")], strict=True):
        found = [s for s in checked.statements if start < line(s) < end]
        if not _fits(verdict, found):
            wrong.append((start, verdict, [(s.status, s.reason) for s in found]))
    return wrong


def _fits(expected: str, found: list[Statement]) -> bool:
    statuses = {s.status for s in found}
    if expected == "forward":
        return statuses <= {"assumed", "note", "proved"}
    if expected == "refuted":
        return "refuted" in statuses
    return expected in statuses and statuses <= {expected, "assumed", "note"}
