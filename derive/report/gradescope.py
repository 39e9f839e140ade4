"""The report as a Gradescope autograder's ``results.json``: one point a claim.

https://gradescope-autograders.readthedocs.io/en/latest/specs/. A claim that was neither proved nor refuted has no
score: it is for a person to read, and counts neither for nor against the student.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from derive.checking import Checked, Statement
from derive.document import DocumentError
from derive.report.text import TextReport
from derive.report.wording import claims, name, sentence

_WIDTH = 90
_PASSED = {"proved": "passed", "refuted": "failed"}


def render(documents: Sequence[Checked], unreadable: Iterable[DocumentError] = ()) -> str:
    """All documents as one result, with a test for each claim."""
    several = len(documents) > 1
    tests = [_test(s, several) for checked in documents for s in claims(checked)]
    scored = [test for test in tests if "score" in test]
    lines = [f"{error.path}: {sentence(error)}" for error in unreadable]
    lines += [_summary(scored, len(tests) - len(scored))] if documents else []
    data: dict[str, Any] = {"output": "\n".join(lines), "output_format": "text", "visibility": "visible"}
    if not scored:
        data["score"] = 0.0  # Gradescope wants a score from somewhere
    return json.dumps({**data, "tests": tests}, ensure_ascii=False, indent=2) + "\n"


def _summary(scored: list[dict[str, Any]], others: int) -> str:
    proved = sum(test["status"] == "passed" for test in scored)
    text = f"{proved} of {len(scored)} claims proved" if scored else "No claim was proved or refuted"
    return f"{text}; {others} left for a person to read." if others else f"{text}."


def _test(statement: Statement, several: bool) -> dict[str, Any]:
    path = f"{statement.source.path}, " if several else ""
    test: dict[str, Any] = {
        "number": statement.number,
        "name": f"{path}{name(statement)}",
        "output": TextReport(_WIDTH).statement(statement),
        "output_format": "text",
        "tags": [statement.status, *(m.code for m in statement.mistakes)],
        "visibility": "visible",
    }
    if statement.status in _PASSED:
        passed = statement.status == "proved"
        test |= {"score": float(passed), "max_score": 1.0, "status": _PASSED[statement.status]}
    return test
