"""Checking the code of a file: what `derive check layer.py` and `derive.prove_code` report.

The result is the same plain data as for a document, so that every report prints it.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from derive.checking import Checked, Progress, Statement
from derive.code.crosscheck import crosschecked
from derive.code.faults import CodeError, Fault, Needs, Unsupported
from derive.code.judge import Finding, Judge
from derive.code.linking import FAR, linked
from derive.code.locate import code_of, pair_named
from derive.code.module import Module
from derive.code.pairs import Pair, find_pairs
from derive.code.passes import Passes, Reading
from derive.code.shapes import ShapeError
from derive.document import Document, DocumentError
from derive.document.files import text_of
from derive.latex import syntax as S
from derive.limits import TimeLimit, time_limit
from derive.probe.points import Counterexample
from derive.problem import Assumption
from derive.source import Source, Span

SUFFIX = ".py"
MAX_LINES = 200_000
PAIR_SECONDS = 10.0
IGNORE = "derive: ignore"


@dataclass(frozen=True)
class Settings:
    """What a caller says about code.

    Attributes:
        shapes: ``x (N, D), gamma (D,)``.
        fixed: values for settings by name, as text.
        timeout: seconds a pair.
    """

    shapes: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    timeout: float = PAIR_SECONDS


def is_code(path: str | Path) -> bool:
    """Whether a path is read as Python: a file of it, or a folder."""
    return str(path).endswith(SUFFIX) or (Path(path).is_dir() and bool(code_files(path)))


def code_files(path: str | Path) -> list[Path]:
    """The Python files of a folder, or the file itself."""
    root = Path(path)
    if not root.is_dir():
        return [root]
    hidden = (file for file in sorted(root.rglob(f"*{SUFFIX}")))
    return [file for file in hidden if not any(part.startswith(".") for part in file.relative_to(root).parts)]


def check_file(path: str | Path, settings: Settings = Settings(), progress: Progress | None = None) -> Checked:
    """Judge every pair of a Python file, or of the code in a document. Raises `DocumentError` if it cannot be read."""
    name = str(path)
    source = Source(name, text_of(name)) if name.endswith(SUFFIX) else code_of(name)
    return check_source(source, settings, progress)


def check_pair(source: Source, names: str, settings: Settings = Settings()) -> Checked:
    """Judge one pair by name; see `derive.code.locate.pair_named`. Raises as `check_source`, and `NoSuchPair`."""
    return _checked(source, [pair_named(parsed(source), names)], settings)


def check_source(source: Source, settings: Settings = Settings(), progress: Progress | None = None) -> Checked:
    """Judge every pair of a piece of source.

    Raises:
        DocumentError: it is no Python.
        ShapeError: the settings' shapes cannot be read.
    """
    pairs = [pair for pair in find_pairs(parsed(source)) if not _is_ignored(source, pair)]
    return _checked(source, pairs, settings, progress)


def _checked(source: Source, pairs: list[Pair], settings: Settings, progress: Progress | None = None) -> Checked:
    start = time.monotonic()
    tree = parsed(source)
    checker = _Checker(source, tree, settings)
    for k, pair in enumerate(pairs):
        checker.check(pair)
        if progress is not None:
            progress(k + 1, len(pairs))
    document = Document(source.path, (source,), (), (), {}, ())
    return Checked(document, checker.statements, checker.assumptions, (), [], time.monotonic() - start)


def parsed(source: Source) -> ast.Module:
    """The syntax tree of a source; nothing of it is compiled further. Raises `DocumentError`."""
    if source.text.count("\n") > MAX_LINES:
        raise DocumentError(source.path, f"this file has more than {MAX_LINES} lines", "Name a part of it.")
    try:
        return ast.parse(source.text)
    except SyntaxError as error:
        where = f"line {error.lineno}, column {error.offset}"
        raise DocumentError(source.path, f"this is no Python: {where}: {error.msg}", "Correct it first.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise DocumentError(source.path, "this is no Python that can be parsed", "Is it nested very deeply?") from error


def _is_ignored(source: Source, pair: Pair) -> bool:
    """Whether a comment at the head of a backward function says that it is not to be judged."""
    if pair.kind == "script":
        return False
    lines = source.text.splitlines()
    return any(IGNORE in lines[k] for k in (pair.line - 1, pair.line - 2) if 0 <= k < len(lines))


class _Checker:
    """Collects the statements of all pairs of a source."""

    def __init__(self, source: Source, tree: ast.Module, settings: Settings) -> None:
        self.source = source
        self.tree, self.neighbours = linked(tree, source.path)
        self.settings = settings
        self.statements: list[Statement] = []
        self.assumptions: list[Assumption] = []
        self._numbers = 0

    def check(self, pair: Pair) -> None:
        """Add what is found about a pair."""
        self._numbers += 1
        start = time.monotonic()
        try:
            with time_limit(self.settings.timeout):
                self._judge(pair)
        except CodeError as error:
            self.statements.append(self._failed(pair, error, start))
        except (TimeLimit, RecursionError) as error:
            why = "the time is up" if isinstance(error, TimeLimit) else "this is nested too deeply"
            self.statements.append(self._open(pair, why, start))

    def _judge(self, pair: Pair) -> None:
        if pair.kind == "script":
            raise Unsupported(
                "the stages of a script",
                hint="Put them into a function that takes the data and returns the loss and its gradients.",
            )
        module = Module.of(self.tree)
        reading = Reading(module, pair, self.source.text, self.settings.shapes, self.settings.fixed)
        try:
            passes = reading.read()
        except Fault as fault:
            fault.where = reading.where
            raise
        findings = Judge(passes, self.settings.timeout / 2).findings()
        findings = crosschecked(self.tree, passes, findings)
        self._note(pair, passes)
        for k, finding in enumerate(findings):
            self.statements.append(self._statement(finding, f"{self._numbers}.{k + 1}"))

    def _note(self, pair: Pair, passes: Passes) -> None:
        for text in passes.trace.assumptions:
            assumption = Assumption(text, pair.line)
            if all(a.text != text for a in self.assumptions):
                self.assumptions.append(assumption)

    # -- statements --------------------------------------------------------------------------------------------------

    def _statement(self, finding: Finding, number: str) -> Statement:
        span = self._line_span(finding.line)
        left: S.Node = S.Words(finding.name, span)
        right: S.Node = S.Words(f"∂L/∂{finding.of}", span) if finding.of else S.Empty(span)
        return Statement(
            number, self.source, span, finding.role, left, right, finding.status,
            reason=_reason(finding), counterexample=_shown(finding.counterexample), seconds=finding.seconds,
            name=finding.name, blame=finding.fault,
        )  # fmt: skip

    def _failed(self, pair: Pair, error: CodeError, start: float) -> Statement:
        """A pair that could not be read, at the place that is to blame."""
        hint = error.hint
        reason = error.message
        if isinstance(error, Needs):
            listed = ", ".join(f"{name} (N, D)" for name in error.names)
            hint = f"Say it in the docstring or with --shapes: shapes: {listed}"
        elif isinstance(error, Fault):
            reason = f"this cannot run: {error.message}"
        line = error.line or pair.line
        if line > FAR:
            reason = f"{reason} ({self.neighbours[line // FAR - 1]}, line {line % FAR})"
            line = pair.line
        return self._unreadable(pair, line, reason, hint, start)

    def _open(self, pair: Pair, why: str, start: float) -> Statement:
        return self._unreadable(pair, pair.line, why, "Give it more time with --timeout.", start, "undecided")

    def _unreadable(
        self, pair: Pair, line: int, reason: str, hint: str, start: float, status: str = "unsupported"
    ) -> Statement:
        span = self._line_span(line)
        empty = S.Empty(span)
        return Statement(
            f"{self._numbers}.1", self.source, span, "claim", S.Words(pair.name, span), empty,
            "undecided" if status == "undecided" else "unsupported",
            reason=reason, hint=hint, seconds=time.monotonic() - start, focus=span, name=pair.name,
        )  # fmt: skip

    def _line_span(self, line: int) -> Span:
        """The text of a line without its indentation."""
        text = self.source.line(line) if line else ""
        start = self.source.offset(line) + len(text) - len(text.lstrip())
        return Span(start, start + max(len(text.strip()), 1))


def _reason(finding: Finding) -> str:
    """Why, and which entry of a wrong gradient was looked at; code counts from 0."""
    example = finding.counterexample
    if example is None or not finding.of:
        return finding.reason
    at = ", ".join(str(value - 1) for value in example.indices.values())
    entry = f"{finding.name}[{at}]" if at else finding.name
    return f"{entry} is {example.right} at these data, it should be {example.left}"


def _shown(example: Counterexample | None) -> Counterexample | None:
    """A counterexample with the value of the code on the left, as in ``dx = ∂L/∂x``."""
    return replace(example, indices={}, left=example.right, right=example.left) if example is not None else None


__all__ = ["Settings", "ShapeError", "check_file", "check_pair", "check_source", "code_files", "is_code"]
