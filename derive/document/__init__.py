r"""Documents to formulas: the mathematics of a Markdown file, a notebook, a TeX file or plain text.

`load` opens a file, `read_text` takes text. Each of the ``formats`` says where its mathematics may start and what it
stops at; a ``scanner`` walks once through a source and keeps the pieces with their places, as the functions of
``formulas`` and ``hidden`` find them. Then ``escapes`` and `derive.repair` undo what site generators and string readers
did to them, and ``macros`` takes the macros out. What cannot be read is kept as an error with its place, and reading
goes on behind it.
"""

from __future__ import annotations

from pathlib import Path

from derive import repair
from derive.document.files import MAX_BYTES, cells, text_of
from derive.document.formats import DIALECTS, SUFFIXES, scan
from derive.document.macros import without_definitions
from derive.document.model import COMMENT, Block, Document, DocumentError, Format, Kind
from derive.document.scanner import MAX_FORMULAS, MAX_LENGTH, Scanner
from derive.repair import Repair, RepairError
from derive.source import Source, Text

__all__ = [
    "COMMENT",
    "MAX_BYTES",
    "MAX_FORMULAS",
    "MAX_LENGTH",
    "SUFFIXES",
    "Block",
    "Document",
    "DocumentError",
    "Format",
    "Kind",
    "load",
    "read_text",
]

_BLANKS = " \t\r\n"


def load(path: str | Path) -> Document:
    """Read a file, or standard input for ``-``. Raises `DocumentError`, and nothing else."""
    name = str(path)
    text = text_of(name)
    return read_text(text, "<stdin>" if name == "-" else name, SUFFIXES.get(Path(name).suffix.lower(), "txt"))


def read_text(text: str, path: str = "<text>", kind: Format = "md") -> Document:
    """Read a document that is already text. Raises `DocumentError` where it is empty, or no notebook."""
    if not text:
        raise DocumentError(path, "the document is empty")
    dialect = DIALECTS[kind]
    sources = tuple(cells(text, path)) if kind == "ipynb" else (Source(path, text),)
    return _assemble(path, [scan(source, dialect) for source in sources])


def _assemble(path: str, scanners: list[Scanner]) -> Document:
    pieces = [(scanner, piece) for scanner in scanners for piece in scanner.read()]
    damaged = any(repair.shows_damage(piece.text, scanner.source) for scanner, piece in pieces)
    macros = {name: macro for scanner in scanners for name, macro in scanner.macros.items()}
    errors = [(scanner.source, error) for scanner in scanners for error in scanner.errors]
    blocks: list[Block] = []
    repairs: list[Repair] = []
    for scanner, piece in pieces:
        try:
            text, done = repair.restore(piece.text, scanner.source, damaged)
        except RepairError as error:
            errors.append((scanner.source, error))
            continue
        repairs.extend(done)
        text, own = without_definitions(text)
        macros.update(own)
        text = _trimmed(text)
        if text.value:
            blocks.append(Block(piece.kind, text, piece.span, scanner.source, piece.ignored))
    notes = tuple((scanner.source, note) for scanner in scanners for note in scanner.notes)
    sources = tuple(scanner.source for scanner in scanners)
    order = {id(source): number for number, source in enumerate(sources)}
    errors.sort(key=lambda error: (order[id(error[0])], error[1].span))
    comment = next((scanner.dialect.comment for scanner in scanners), COMMENT)
    return Document(path, sources, tuple(blocks), tuple(repairs), macros, tuple(errors), notes, comment)


def _trimmed(text: Text) -> Text:
    """Without white space at the ends."""
    start = len(text.value) - len(text.value.lstrip(_BLANKS))
    return text.cut(start, max(start, len(text.value.rstrip(_BLANKS))))
