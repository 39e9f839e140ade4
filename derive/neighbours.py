"""Neighbours: other readings of a whole page, that differ in one choice which the page leaves open.

A line is refuted only if it is false in every reading that the page admits. One that is false as it was read, and not
false with a choice made otherwise, is left open, and the report says on what it hangs. So is a display that begins with
``=`` where nothing stands before it but a definition: it may go on with another line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.language import key_of
from derive.notation.choices import Choice
from derive.notation.equations import Equation
from derive.problem import Problem
from derive.problem.reader import read_problem
from derive.verdict import Judge, Judged, Verdict


class Neighbours:
    """The neighbours of one reading, each read when a line asks for it.

    Args:
        judge: the judge of the reading itself.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._judges: dict[Choice, Judge] = {}
        self._judged: dict[tuple[Choice, int], Judged] = {}

    @property
    def problem(self) -> Problem:
        return self.judge.problem

    def acquit(self, equation: Equation, link: int, verdict: Verdict) -> Verdict | None:
        """The verdict on a refuted link that is not false in all neighbours; None where it is."""
        reason, hint = next(self._ways_out(equation, link, verdict), ("", ""))
        if not reason:
            return None
        return replace(verdict, status="undecided", reason=reason, hint=hint, counterexample=None)

    def _ways_out(self, equation: Equation, link: int, verdict: Verdict) -> Iterator[tuple[str, str]]:
        """Readings in which a refuted link is not false, in words, with what to write."""
        if not link and equation.previous is not None and equation.previous.role in ("definition", "given"):
            yield "false if it goes on with the definition before it; nothing says that it does", ""
        for choice in self.problem.table.choices:
            if not self._concerns(choice, verdict):
                continue
            other = self._under(choice, equation).links
            status = other[link].status if link < len(other) else "unsupported"
            if status != "refuted":
                true = f", and true if it is {choice.other}" if status in ("proved", "tested") else ""
                reason = f"false if {choice.name} is {choice.taken}{true}; nothing says which it is"
                yield reason, self._hint(choice)

    def _hint(self, choice: Choice) -> str:
        """What to write, so that the choice is made."""
        table, comment = self._judges[choice].problem.table, self.problem.document.comment
        size = str(table.axes_of(choice.name, 0)[0].size)
        spaces = ["", f"^{size}"] if size in table.axes.sizes() else [""]
        given = [comment.format(f"given: {choice.name} \\in \\mathbb{{R}}{space}") for space in spaces]
        return f"Write {' or '.join(given)}"

    def _concerns(self, choice: Choice, verdict: Verdict) -> bool:
        """Whether a link speaks of what hangs on a choice."""
        if verdict.pair is None:
            return True
        return choice.name in map(key_of, self.judge.doubts.reached(verdict.pair.names))

    def _under(self, choice: Choice, equation: Equation) -> Judged:
        """An equation as it is judged with a choice made otherwise."""
        at = next(k for k, one in enumerate(self.problem.equations) if one is equation)
        if choice not in self._judges:
            problem = read_problem(self.problem.document, frozenset({choice.name}))
            self._judges[choice] = Judge(problem, self.judge.timeout)
        if (choice, at) not in self._judged:
            judge = self._judges[choice]
            self._judged[choice, at] = judge.judge(judge.problem.equations[at])
        return self._judged[choice, at]
