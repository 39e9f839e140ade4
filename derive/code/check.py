"""Checking the code of a file: what `derive check layer.py` and `derive.prove_code` report.

The result is the same plain data as for a document, so that every report prints it.
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from derive.checking import IGNORED, Checked, Progress, Statement
from derive.code.comments import Comments, Slip, comments_of
from derive.code.crosscheck import crosschecked
from derive.code.demonstration import Demonstration
from derive.code.faults import CodeError, Fault, Needs, Unsupported
from derive.code.judge import Finding, Judge
from derive.code.linking import FAR, linked
from derive.code.listing import Listing
from derive.code.locate import code_of, pair_named
from derive.code.mending.search import Judged, mended
from derive.code.module import Module, with_customary_imports
from derive.code.pairs import Pair, find_pairs, functions_of
from derive.code.passes import Passes, Reading
from derive.code.shapes import ShapeError
from derive.code.trace import Trace
from derive.document import Document, DocumentError
from derive.latex import syntax as S
from derive.limits import TimeLimit, time_limit
from derive.probe.points import Counterexample
from derive.problem import Assumption
from derive.source import Edit, Source
from derive.verdict import Status

SUFFIX = ".py"
DOCUMENTS = (".ipynb", ".md", ".markdown", ".qmd")
"""What holds code in its cells and fences."""
APART = frozenset({"site-packages", "node_modules", "__pycache__"})
"""Folders that are not the author's."""
MAX_LINES = 200_000
PAIR_SECONDS = 10.0
JUDGING = 0.5
"""The share of it that the first judge may take, so that some is left to the second."""
MENDING_SECONDS = 30.0
"""How long at most to look for what the lines at fault of a pair should be; the verdicts stand before."""


@dataclass(frozen=True)
class Settings:
    """What a caller says about code.

    Attributes:
        shapes: ``x (N, D), gamma (D,)``.
        fixed: values for settings by name, as text.
        timeout: seconds a pair.
        mends: whether to look for what lines at fault should be.
    """

    shapes: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    timeout: float = PAIR_SECONDS
    mends: bool = False

    def beside(self, comments: Comments) -> Settings:
        """The same beside what the comments of a file give; what a caller says comes first."""
        shapes = ", ".join(text for text in (self.shapes, *comments.shapes) if text)
        return replace(self, shapes=shapes, fixed={**comments.fixed, **self.fixed})


def is_code(path: str | Path) -> bool:
    """Whether a path is read as Python: a file of it, or a folder."""
    return str(path).endswith(SUFFIX) or (Path(path).is_dir() and bool(code_files(path)))


def code_files(path: str | Path, documents: bool = False) -> list[Path]:
    """The Python files of a folder, and its documents if wanted; or the file itself."""
    root = Path(path)
    if not root.is_dir():
        return [root]
    suffixes = (SUFFIX, *DOCUMENTS) if documents else (SUFFIX,)
    files = (file for file in sorted(root.rglob("*")) if file.suffix.lower() in suffixes)
    return [file for file in files if not any(map(_is_apart, file.relative_to(root).parts))]


def _is_apart(part: str) -> bool:
    return part.startswith(".") or part in APART


def check_file(path: str | Path, settings: Settings = Settings(), progress: Progress | None = None) -> Checked:
    """Judge every pair of a Python file, or of the code in a document. Raises `DocumentError` if it cannot be read."""
    return check_listing(code_of(str(path)), settings, progress)


def check_pair(source: Source, names: str, settings: Settings = Settings()) -> Checked:
    """Judge one pair by name; see `derive.code.locate.pair_named`. Raises as `check_source`, and `NoSuchPair`."""
    return _checked(Listing.whole(source), [pair_named(parsed(source), names)], settings)


def check_source(source: Source, settings: Settings = Settings(), progress: Progress | None = None) -> Checked:
    """Judge every pair of a piece of source.

    Raises:
        DocumentError: it is no Python.
        ShapeError: the settings' shapes cannot be read.
    """
    return check_listing(Listing.whole(source), settings, progress)


def check_listing(listing: Listing, settings: Settings = Settings(), progress: Progress | None = None) -> Checked:
    """Judge every pair of the code of a file. Raises as `check_source`."""
    return _checked(listing, find_pairs(parsed(listing.source)), settings, progress)


def _checked(listing: Listing, pairs: list[Pair], settings: Settings, progress: Progress | None = None) -> Checked:
    start = time.monotonic()
    comments = comments_of(listing.source.text)
    checker = _Checker(listing, parsed(listing.source), settings.beside(comments), comments)
    for k, pair in enumerate(pairs):
        checker.check(pair)
        if progress is not None:
            progress(k + 1, len(pairs))
    checker.conclude()
    source = listing.source
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


class _Checker:
    """Collects the statements of all pairs of a file."""

    def __init__(self, listing: Listing, tree: ast.Module, settings: Settings, comments: Comments) -> None:
        self.listing = listing
        self.source = listing.source
        self.functions = functions_of(tree)
        tree, self.neighbours = linked(tree, self.source.path)
        self.tree = with_customary_imports(tree)
        self.settings = settings
        self.comments = comments
        self.statements: list[Statement] = []
        self.assumptions = [Assumption(text, line) for line, text in comments.facts]
        self._numbers = 0
        self._missing: dict[str, None] = {}  # names whose shapes are not known, in order
        self._needing = -1  # the first statement that misses some

    def check(self, pair: Pair) -> None:
        """Add what is found about a pair."""
        self._numbers += 1
        start = time.monotonic()
        node = self.functions.get(pair.backward)
        if node is not None and self.comments.leaves_out_all(node):
            self.statements.append(self._unreadable(pair, pair.line, IGNORED, "", start, "note"))
            return
        try:
            with time_limit(self.settings.timeout):
                judged = self._judged(pair, self.source)
        except CodeError as error:
            self.statements.append(self._failed(pair, error, start))
        except (TimeLimit, RecursionError) as error:
            why = "the time is up" if isinstance(error, TimeLimit) else "this is nested too deeply"
            self.statements.append(
                self._unreadable(pair, pair.line, why, "Give it more time with --timeout.", start, "undecided")
            )
        else:
            self._report(pair, judged)

    def conclude(self) -> None:
        """Say once, of all pairs together, which shapes are missing; and answer comments with a slip."""
        if self._missing:
            listed = ", ".join(map(likely_shape, self._missing))
            hint = f"Say it in a docstring (shapes: {listed}), or once for all with --shapes '{listed}'"
            first = self._needing
            self.statements[first] = replace(self.statements[first], hint=hint)
        unread = [Slip(line, said, "It is left out.") for line, said in self.listing.unread]
        for k, slip in enumerate([*unread, *self.comments.slips]):
            source, span = self.listing.at(slip.line)
            empty = S.Empty(span)
            self.statements.append(
                Statement(f"E{k + 1}", source, span, "note", empty, empty, "unsupported", None, slip.message, slip.hint)
            )

    def _report(self, pair: Pair, judged: Judged) -> None:
        """The statements about a pair."""
        self._note(pair, judged.judge.passes)
        fixes = self._fixes(pair, judged) if self.settings.mends else {}
        first = len(self.statements)
        for k, finding in enumerate(judged.findings):
            number = f"{self._numbers}.{k + 1}"
            self.statements.append(self._statement(finding, judged.judge.trace, fixes.get(finding.line), number))
        if self.settings.mends:
            self._demonstrate(judged, first)

    def _demonstrate(self, judged: Judged, first: int) -> None:
        """Put beside the first line at fault how anybody can see it, and whether a gradient checker would have."""
        place = next((k for k, s in enumerate(self.statements) if k >= first and s.blame == "here"), None)
        if place is None:
            return
        shown = Demonstration(self.source.path, judged.tree, judged.judge.passes, judged.findings)
        with suppress(TimeLimit, RecursionError), time_limit(MENDING_SECONDS):
            script = shown.script()
            if script:
                unseen = f"; {UNSEEN}" if shown.passes_gradcheck() else ""
                here = replace(self.statements[place], script=script, reason=f"{shown.said()}{unseen}")
                self.statements[place] = here

    def _judged(self, pair: Pair, source: Source) -> Judged:
        """A pair in some state of its source. Raises `CodeError`."""
        if pair.kind == "script":
            raise Unsupported(
                "the stages of a script",
                hint="Put them into a function that takes the data and returns the loss and its gradients.",
            )
        changed = source is not self.source
        tree = with_customary_imports(linked(parsed(source), source.path)[0]) if changed else self.tree
        module = Module.of(tree)
        reading = Reading(module, pair, source.text, self.settings.shapes, self.settings.fixed)
        try:
            passes = reading.read()
        except Fault as fault:
            fault.where = reading.where
            raise
        judge = Judge(passes, self.settings.timeout / 2)
        findings = judge.findings(self.settings.timeout * JUDGING)
        return Judged(source, tree, module, judge, crosschecked(tree, passes, findings, self.settings.timeout / 4))

    def _fixes(self, pair: Pair, judged: Judged) -> dict[int, Edit]:
        """What the lines at fault should be, as far as that is found in time."""
        if not any(f.fault == "here" for f in judged.findings):
            return {}
        found: dict[int, Edit] = {}
        with suppress(TimeLimit, RecursionError), time_limit(MENDING_SECONDS):
            for line, edit in mended(judged, lambda source: self._judged(pair, source)):
                found[line] = edit
        return found

    def _note(self, pair: Pair, passes: Passes) -> None:
        source, line = self.listing.place(pair.line)
        for text in passes.trace.assumptions:
            named = f"{text} (cell {source.cell})" if source.cell is not None else text
            assumption = Assumption(named, line if source.cell is None else None)
            if all(a.text != named for a in self.assumptions):
                self.assumptions.append(assumption)

    # -- statements --------------------------------------------------------------------------------------------------

    def _statement(self, finding: Finding, trace: Trace, fix: Edit | None, number: str) -> Statement:
        source, span = self.listing.at(finding.line)
        left: S.Node = S.Words(finding.name, span)
        right: S.Node = S.Words(f"∂L/∂{finding.of}", span) if finding.of else S.Empty(span)
        if finding.role == "stage" and self.comments.leaves_out(finding.line):
            return Statement(number, source, span, "stage", left, right, "note", reason=IGNORED, name=finding.name)
        return Statement(
            number, source, span, finding.role, left, right, finding.status,
            reason=self.listing.said(_reason(finding)), counterexample=_shown(finding.counterexample, trace),
            seconds=finding.seconds, name=finding.name, blame=finding.fault,
            fix=self.listing.edit(fix) if fix is not None and finding.fault == "here" else None,
        )  # fmt: skip

    def _failed(self, pair: Pair, error: CodeError, start: float) -> Statement:
        """A pair that could not be read, at the place that is to blame."""
        hint = error.hint
        reason = error.message
        if isinstance(error, Needs):
            self._needing = self._needing if self._missing else len(self.statements)
            self._missing |= dict.fromkeys(error.names)
        elif isinstance(error, Fault):
            reason = f"this cannot run: {error.message}"
        line = error.line or pair.line
        if line > FAR:
            reason = f"{reason} ({self.neighbours[line // FAR - 1]}, line {line % FAR})"
            line = pair.line
        return self._unreadable(pair, line, reason, hint, start)

    def _unreadable(
        self, pair: Pair, line: int, reason: str, hint: str, start: float, status: Status = "unsupported"
    ) -> Statement:
        source, span = self.listing.at(line)
        return Statement(
            f"{self._numbers}.1", source, span, "note" if status == "note" else "claim", S.Words(pair.name, span),
            S.Empty(span), status, reason=self.listing.said(reason), hint=hint, seconds=time.monotonic() - start,
            focus=span, name=pair.name,
        )  # fmt: skip


UNSEEN = "torch's gradcheck would pass this at its defaults (its criterion, on normal data)"

_LIKELY = (
    (re.compile(r"(?i)^(y|labels?|targets?|idx|indices)$"), "int (N,)"),
    (re.compile(r"(?i)^(b\d*|bias\w*|gamma|beta|g|scale|shift)$"), "(D,)"),
    (re.compile(r"^(w\d*|W\w*|weights?\w*|kernel)$"), "(D, M)"),
)
"""Shapes that parameters of some names have as a rule: a proposal to be corrected by the author."""


def likely_shape(name: str) -> str:
    """``x (N, D)``: what the author may have meant, to be pasted and corrected."""
    return f"{name} {next((shape for pattern, shape in _LIKELY if pattern.match(name)), '(N, D)')}"


def _reason(finding: Finding) -> str:
    """Why, and which entry of a wrong gradient was looked at; code counts from 0."""
    example = finding.counterexample
    if example is None:
        return finding.reason
    if not finding.of:
        return f"{finding.reason}: an entry is {example.right} at these data, it should be {example.left}"
    at = ", ".join(str(value - 1) for value in example.indices.values())
    entry = f"{finding.name}[{at}]" if at else finding.name
    return f"{entry} is {example.right} at these data, it should be {example.left}"


def _shown(example: Counterexample | None, trace: Trace) -> Counterexample | None:
    """A counterexample as code would have it: its own value on the left, as in ``dx = ∂L/∂x``, labels counted from 0,
    and without the maxima, which stand for themselves while code is judged."""
    if example is None:
        return None
    maxima = {name for name, _ in trace.free}
    values = {n: _from_zero(v) if n in trace.selectors else v for n, v in example.values.items() if n not in maxima}
    return replace(example, indices={}, left=example.right, right=example.left, values=values)


def _from_zero(labels: object) -> object:
    if isinstance(labels, list):
        return [_from_zero(each) for each in labels]
    return str(int(labels) - 1) if isinstance(labels, str) and labels.isdigit() else labels


__all__ = [
    "Settings",
    "ShapeError",
    "check_file",
    "check_listing",
    "check_pair",
    "check_source",
    "code_files",
    "is_code",
]
