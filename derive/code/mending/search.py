"""The search for what a line at fault should be: candidates that pass a run are checked in full, one by one."""

from __future__ import annotations

import ast
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, takewhile

from derive.code.concrete import NotRunnable
from derive.code.faults import CodeError
from derive.code.judge import Finding, Judge
from derive.code.mending.edits import Words, edits, names_before
from derive.code.mending.trials import Trials
from derive.code.mending.written import written
from derive.code.module import Module
from derive.code.pairs import Function, functions_of
from derive.code.passes import Passes
from derive.source import Edit, Source, Span

MAX_EDITS = 900
"""How many small edits of a line are tried: counted, so that every machine finds the same."""
MAX_CHECKED = 6
MAX_FAULTS = 4
EDIT_SECONDS = 3.0
SECONDS = 5.0
TOTAL_SECONDS = 7.0
"""How long small edits of a line are tried, how long a line is looked at, and how long a pair; in seconds of the
processor, so that a busy machine finds the same."""


@dataclass(frozen=True)
class Judged:
    """A pair with what was found about it, in some state of its source."""

    source: Source
    tree: ast.Module
    module: Module
    judge: Judge
    findings: Sequence[Finding]


Check = Callable[[Source], Judged]
"""Judges the pair anew in a changed source."""


def mended(known: Judged, check: Check) -> Iterator[tuple[int, Edit]]:
    """Lines at fault with the edits after which they are proved; all of them can be made together.

    Args:
        known: the pair as it stands.
        check: judges it in a changed source; raises `CodeError` where that cannot be read.
    """
    original, tried = known.source, set[int]()
    until = time.process_time() + TOTAL_SECONDS
    while len(tried) < MAX_FAULTS:
        fault = next((f for f in known.findings if f.fault == "here" and f.line not in tried), None)
        if fault is None:
            return
        tried.add(fault.line)
        for edit, now in islice(_proved_edits(known, fault, check, until), 1):
            yield fault.line, _moved(edit, known.source, original)
            known = now


def _moved(edit: Edit, source: Source, original: Source) -> Edit:
    """An edit of a source in whose other lines something was edited before, as one of the original."""
    line, column = source.place(edit.span.start)
    start = original.offset(line) + column - 1
    return Edit(Span(start, start + edit.span.end - edit.span.start), edit.text)


def _proved_edits(known: Judged, fault: Finding, check: Check, until: float) -> Iterator[tuple[Edit, Judged]]:
    """Edits after which the line at fault is proved, with what the pair is then."""
    deadline = min(until, time.process_time() + SECONDS)
    checked = 0
    try:
        trials = Trials(known.source, known.tree, known.judge.passes, known.findings)
    except NotRunnable:
        return
    for edit in _candidates(known, fault):
        if time.process_time() > deadline or checked >= MAX_CHECKED:
            return
        if trials.mends(edit, fault):
            checked += 1
            with suppress(CodeError):
                now = check(Source(known.source.path, edit.of(known.source.text)))
                if _is_better(known.findings, now.findings, fault):
                    yield edit, now


def _candidates(known: Judged, fault: Finding) -> Iterator[Edit]:
    """Small edits of the line first, then the gradient written anew."""
    function = _function_around(ast.parse(known.source.text), known.judge.passes, fault.line)
    statement = _statement_at(function, fault.line) if function is not None else None
    if function is None or statement is None:
        return
    words = Words(known.source, names_before(function, fault.line))
    until = time.process_time() + EDIT_SECONDS
    yield from takewhile(lambda _: time.process_time() < until, islice(edits(statement, words), MAX_EDITS))
    yield from written(known.judge, known.module, fault, function, statement, words)


def _function_around(tree: ast.Module, passes: Passes, line: int) -> Function | None:
    """The function of the pair in which a line stands; lines of the forward pass are not edited."""
    found = functions_of(tree).get(passes.pair.backward)
    return found if found is not None and found.lineno < line <= (found.end_lineno or line) else None


def _statement_at(function: Function, line: int) -> ast.stmt | None:
    """The innermost statement that begins in a line."""
    found = [n for n in ast.walk(function) if isinstance(n, ast.stmt) and n.lineno == line]
    return found[-1] if found else None


def _is_better(before: Sequence[Finding], after: Sequence[Finding], fault: Finding) -> bool:
    """Whether what was proved is proved still, the line at fault too, and nothing new is wrong."""
    was, now = _proved(before), _proved(after)
    if was - now or any(f.fault == "here" and f.line == fault.line for f in after):
        return False
    gained = now - was
    key = fault.role, fault.name, fault.line
    return key in gained if fault.of else bool(gained)


def _proved(findings: Sequence[Finding]) -> Counter[tuple[str, str, int]]:
    return Counter((f.role, f.name, f.line) for f in findings if f.status == "proved")
