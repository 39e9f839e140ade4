"""Candidates tried by the concrete interpreter: a millisecond each, beside the finite differences of one run.

Nothing is decided here: what passes is checked in full.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from derive.code.concrete import Gradients, NotRunnable, Rerun, Truth, gradients, last_assigned, rerun
from derive.code.crosscheck import LENGTHS, fixed_in, shapes_of, sizes_of, value_of
from derive.code.judge import Finding
from derive.code.passes import Gradient, Passes
from derive.source import Edit, Source


@dataclass(frozen=True)
class _Goal:
    """A wrong or right finding, with what its value has to meet."""

    finding: Finding
    truths: Sequence[Truth]
    gradient: Gradient | None


class Trials:
    """Runs edits of one pair.

    Args:
        source: the file.
        tree: the module, functions of neighbours included.
        passes: the pair as it was read.
        findings: what was found about it.

    Raises:
        NotRunnable: the pair itself cannot be run.
    """

    def __init__(self, source: Source, tree: ast.Module, passes: Passes, findings: Sequence[Finding]) -> None:
        self.source, self.tree, self.passes, self.findings = source, tree, passes, findings
        sizes = sizes_of(passes, LENGTHS[0])
        self._fixed = fixed_in(passes, sizes)
        self.data: Gradients = gradients(tree, passes.pair, shapes_of(passes), sizes, fixed=self._fixed)

    @cached_property
    def goals(self) -> list[_Goal]:
        """What can be looked at in a run: the returned gradients, and the stages."""
        returned = iter(self.passes.gradients)
        found = []
        for finding in self.findings:
            gradient = next(returned) if finding.role == "returned" else None
            of = gradient.parameter.removeprefix("self.") if gradient is not None else self._shown(finding)
            if finding.status in ("proved", "refuted") and of:
                try:
                    found.append(_Goal(finding, self.data.truths_of(of), gradient))
                except NotRunnable:
                    continue
        return found

    def _shown(self, finding: Finding) -> str:
        return self.passes.trace.shown_name(finding.of) if finding.of else ""

    @cached_property
    def before(self) -> list[bool]:
        """Which goals the source meets as it stands."""
        return self._met(Rerun(self.data.outputs, self.data.returned, self.data.trace))

    def mends(self, edit: Edit, fault: Finding) -> bool:
        """Whether an edit makes right what is at fault, and nothing wrong."""
        tree = self._edited(edit)
        if tree is None:
            return False
        try:
            ran = rerun(tree, self.passes.pair, shapes_of(self.passes), self.data, fixed=self._fixed)
        except NotRunnable:
            return False
        if not all(np.array_equal(a, b) for a, b in zip(ran.outputs, self.data.outputs, strict=True)):
            return False  # the forward pass is what is differentiated, and stays as it is
        after = self._met(ran)
        if any(was and not now for was, now in zip(self.before, after, strict=True)):
            return False
        own = [now for goal, now in zip(self.goals, after, strict=True) if goal.finding is fault]
        return own[0] if own else sum(after) > sum(self.before)

    def _met(self, ran: Rerun) -> list[bool]:
        return [self.data.meets(self._value(goal, ran), goal.truths) for goal in self.goals]

    def _value(self, goal: _Goal, ran: Rerun) -> object:
        if goal.gradient is not None:
            found = value_of(goal.gradient, ran)
            return found.value if found is not None else None
        return last_assigned(ran.backward_trace, goal.finding.line, goal.finding.name)

    def _edited(self, edit: Edit) -> ast.Module | None:
        """The module with an edit in one of its own functions; None where that is no Python."""
        line = self.source.place(edit.span.start).line
        for k, node in enumerate(self.tree.body):
            if node.lineno <= line <= (node.end_lineno or node.lineno):
                start, end = self.source.offset(node.lineno), self.source.offset(node.end_lineno or node.lineno)
                end += len(self.source.line(node.end_lineno or node.lineno))
                try:
                    body = ast.parse(edit.of(self.source.text)[start : end + len(edit.text) - _length(edit)]).body
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    return None
                for each in body:
                    ast.increment_lineno(each, node.lineno - 1)
                return ast.Module([*self.tree.body[:k], *body, *self.tree.body[k + 1 :]], self.tree.type_ignores)
        return None


def _length(edit: Edit) -> int:
    return edit.span.end - edit.span.start
