"""What was found to be wrong as edits of files: one mechanism for documents and for code.

Only edits after which derive itself proves the line are made. For code that was established when they were found; a
document is checked anew with each.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from derive.checking import Checked, Statement, check_document
from derive.document import SUFFIXES, DocumentError, read_text
from derive.document.files import text_of
from derive.source import Edit, Source


@dataclass(frozen=True)
class Patch:
    """A file as it is and as it should be.

    Attributes:
        mended: the statements that the change proves.
        left: the statements at fault for which no edit is known, or whose file cannot be edited.
    """

    path: str
    before: str
    after: str
    mended: tuple[Statement, ...]
    left: tuple[Statement, ...]

    def diff(self) -> str:
        """A unified diff, empty where nothing changes."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), self.path, self.path
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def patch_of(checked: Checked, timeout: float) -> Patch:
    """The change of a checked file.

    Args:
        timeout: seconds an equation, where a document is checked anew.
    """
    path = checked.document.path
    faults = [s for s in checked.statements if s.status == "refuted" and s.blame != "inherited"]
    with_edit = [s for s in faults if s.fix is not None and s.source.cell is None]
    if not with_edit or path == "<stdin>":
        return Patch(path, "", "", (), tuple(faults))
    before = text_of(path)
    edits = [(s, _in_file(s, before)) for s in with_edit]
    made = [(s, e) for s, e in edits if e is not None and (s.name or _proves(s, e, checked, before, timeout))]
    mended = _apart(made)
    after = before
    for _, edit in sorted(mended, key=lambda one: -one[1].span.start):
        after = edit.of(after)
    done = tuple(s for s, _ in mended)
    return Patch(path, before, after, done, tuple(s for s in faults if s not in done))


def write(patch: Patch) -> None:
    """Write a file as it should be. Raises `DocumentError`."""
    path = Path(patch.path)
    data = path.read_bytes()
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    if data != mark + patch.before.encode():
        raise DocumentError(patch.path, "this file changed, or is not UTF-8", "Check it again, or edit it by hand.")
    try:
        path.write_bytes(mark + patch.after.encode())
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise DocumentError(patch.path, f"this file cannot be written ({said})", "Change its permissions.") from error


def _in_file(statement: Statement, text: str) -> Edit | None:
    """A statement's edit as one of the file, of which the source may be a part; None where they do not match."""
    assert statement.fix is not None
    source, file = statement.source, Source("", text)
    (line, column), length = source.place(statement.fix.span.start), statement.fix.span.end - statement.fix.span.start
    start = file.offset(line) + column - 1
    edit = replace(statement.fix, span=type(statement.fix.span)(start, start + length))
    written = source.text[statement.fix.span.start : statement.fix.span.end]
    return edit if text[start : start + length] == written else None


def _proves(statement: Statement, edit: Edit, checked: Checked, text: str, timeout: float) -> bool:
    """Whether a document in which an edit is made has the line proved, and all that was proved before."""
    path = checked.document.path
    try:
        document = read_text(edit.of(text), path, SUFFIXES.get(Path(path).suffix.lower(), "txt"))
    except DocumentError:
        return False
    after = {s.number: s.status for s in check_document(document, timeout).statements}
    if after.get(statement.number) != "proved":
        return False
    before = Counter(s.status for s in checked.statements)
    now = Counter(after.values())
    return now["proved"] > before["proved"] and now["refuted"] < before["refuted"]


def _apart(edits: Sequence[tuple[Statement, Edit]]) -> list[tuple[Statement, Edit]]:
    """Edits of places that do not touch one another, the first ones first."""
    found: list[tuple[Statement, Edit]] = []
    for statement, edit in edits:
        if all(edit.span.end <= e.span.start or e.span.end <= edit.span.start for _, e in found):
            found.append((statement, edit))
    return found


def patches(documents: Iterable[Checked], timeout: float) -> list[Patch]:
    """The changes of all files."""
    return [patch_of(checked, timeout) for checked in documents]
