"""What `derive` says of a page, beside what is true."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from derive.checking import Checked, Statement, check_document
from derive.document import read_text
from styles.pages import Page, Placed

OUTCOMES = ("right", "open", "false")


@dataclass(frozen=True)
class Outcome:
    """A claim's verdict: ``right``, ``open``, or ``false``."""

    placed: Placed
    word: str
    found: tuple[Statement, ...]


def check(page: Page) -> Checked:
    return check_document(read_text(page.text, f"page-{page.seed}.{page.kind}", page.kind))  # type: ignore[arg-type]


def outcomes(page: Page, checked: Checked) -> list[Outcome]:
    """Each claim of a page with its outcome."""
    found = []
    for placed in page.lines:
        if placed.line.claim is None:
            continue
        statements = tuple(
            s for s in checked.statements if s.source.cell == placed.cell and placed.start <= s.span.start < placed.end
        )
        found.append(Outcome(placed, judged(placed, statements), statements))
    return found


def judged(placed: Placed, statements: tuple[Statement, ...]) -> str:
    """The outcome of a line: a wrong one is refuted, a right one is proved in each of its links."""
    truths = placed.line.truths
    statuses = [s.status for s in statements if s.status != "note"]
    if all(truths):
        if "refuted" in statuses:
            return "false"
        return (
            "right"
            if statuses and all(s in ("proved", "tested", "assumed") for s in statuses) and "proved" in statuses
            else "open"
        )
    if len(statuses) == len(truths):
        for truth, status in zip(truths, statuses, strict=True):
            if (status == "refuted" and truth) or (status in ("proved", "tested") and not truth):
                return "false"
    elif "refuted" not in statuses and statuses and all(s in ("proved", "tested") for s in statuses):
        return "false"
    return "right" if "refuted" in statuses else "open"


def share(words: Counter[str]) -> float:
    return words["right"] / max(1, sum(words.values()))
