"""How much of what was found a student is told: a teacher's choice, made before any report sees the result.

1 tells where something is wrong, 2 what kind of mistake it is as well, 3 everything. What is withheld is taken out of
the data, so that no format can give it away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from derive.checking import Checked, Statement
from derive.mistakes.table import BY_CODE, Mistake
from derive.source import innermost

Level = Literal[1, 2, 3]
LEVELS: tuple[Level, ...] = get_args(Level)


def withhold(checked: Checked, level: Level) -> Checked:
    """A checked document without what goes beyond a level: correct right sides, closed forms, counterexamples."""
    if level == 3:
        return checked
    return replace(checked, statements=[_told(s, level) for s in checked.statements], goals=[])


def _told(statement: Statement, level: Level) -> Statement:
    if level == 1:
        spans = innermost(m.span for m in statement.mistakes)
        mistakes = tuple(Mistake("here", "something is wrong in the marked part", span) for span in spans)
    else:
        mistakes = tuple(dict.fromkeys(map(_kind, statement.mistakes)))
    reason = "" if statement.name and statement.status == "refuted" else statement.reason  # it tells the right value
    return replace(statement, mistakes=mistakes, reason=reason, correct=None, counterexample=None, terms=(), fix=None)


def _kind(mistake: Mistake) -> Mistake:
    """A mistake without the particulars, which are the answer."""
    known = BY_CODE.get(mistake.code)
    return replace(mistake, message=known.name if known is not None else "")
