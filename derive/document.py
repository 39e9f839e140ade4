r"""Documents to formulas: the mathematics of a Markdown file, a notebook, a TeX file or plain text, with its places.

`load` opens a file, `read_text` takes text. Each format is a `_Dialect`: what can start mathematics there, and what
hides it (code, comments). A `_Scanner` walks once through a source and yields the pieces; `_assemble` undoes what site
generators and string readers did to them and takes the macros out. What cannot be read is kept as an error with its
place, and reading goes on behind it.

Everything is read in one pass from left to right. Whatever looks ahead asks `_Seeker`, which searches each stretch of
text once, so that megabytes cost seconds also where nothing is ever closed.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from derive import repair
from derive.latex.constructs import ACCENTS, FONTS, FRACTIONS, GREEK, PRODUCTS, ROOTS, ROW_ENVIRONMENTS
from derive.latex.tokens import Macro
from derive.repair import Repair, RepairError
from derive.source import Source, SourceError, Span, Text

MAX_BYTES = 64 * 1024 * 1024
MAX_PIECES = 200_000

Kind = Literal["display", "inline", "given"]
Format = Literal["md", "ipynb", "tex", "txt"]

SUFFIXES: Mapping[str, Format] = {
    ".md": "md", ".markdown": "md", ".qmd": "md", ".rmd": "md", ".ipynb": "ipynb", ".tex": "tex", ".ltx": "tex",
}  # fmt: skip
"""The format of a file by its suffix; anything else is plain text."""


class DocumentError(Exception):
    """A document that cannot be read at all: which one, what is wrong with it, and what to do."""

    def __init__(self, path: str, message: str, hint: str = "") -> None:
        super().__init__(f"{path}: {message}." + (f" {hint}" if hint else ""))
        self.path = path
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Block:
    """One piece of mathematics.

    ``text`` is the LaTeX between the delimiters, unescaped and repaired; ``span`` holds the delimiters too.
    """

    kind: Kind
    text: Text
    span: Span
    source: Source
    ignored: bool = False


@dataclass(frozen=True)
class Document:
    """The mathematics of a document in reading order.

    ``macros`` are the document's own commands, by name without the backslash; their definitions are cut out of the
    blocks. ``errors`` are the places that could not be read.
    """

    path: str
    sources: tuple[Source, ...]
    blocks: tuple[Block, ...]
    repairs: tuple[Repair, ...]
    macros: Mapping[str, Macro]
    errors: tuple[tuple[Source, SourceError], ...]


def load(path: str | Path) -> Document:
    """Read a file, or standard input for ``-``. Raises `DocumentError`, and nothing else."""
    name = str(path)
    if name == "-":
        return read_text(_decoded(_standard_input(), "<stdin>"), "<stdin>", "txt")
    return read_text(_decoded(_file(name), name), name, SUFFIXES.get(Path(name).suffix.lower(), "txt"))


def read_text(text: str, path: str = "<text>", kind: Format = "md") -> Document:
    """Read a document that is already text. Raises `DocumentError` for an empty one and for a broken notebook."""
    if not text:
        raise DocumentError(path, "the document is empty")
    dialect = _DIALECTS[kind]
    sources = tuple(_cells(text, path)) if kind == "ipynb" else (Source(path, text),)
    return _assemble(path, [dialect.scan(source) for source in sources])


# Bytes to text


def _standard_input() -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    except (AttributeError, OSError, ValueError) as error:  # None, closed, or replaced by something without bytes
        raise DocumentError("<stdin>", "standard input cannot be read", "Name a file instead.") from error


def _file(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise DocumentError(name, "there is no such file", "Check the path.") from error
    except IsADirectoryError as error:
        raise DocumentError(name, "this is a directory", "Name a file in it.") from error
    except PermissionError as error:
        raise DocumentError(name, "this file may not be read", "Change its permissions.") from error
    except (OSError, ValueError) as error:  # a loop of links, a name that is no name, a broken disk
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError(name, f"this file cannot be opened ({reason.lower()})", "Check the path.") from error


def _decoded(data: bytes, path: str) -> str:
    if len(data) > MAX_BYTES:
        limit = f"{MAX_BYTES // 1024 // 1024} MiB"
        raise DocumentError(path, f"this file is larger than {limit}", "Split it, or take the outputs out.")
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16") if wide else data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start} (line {line}) is not valid {error.encoding}"
        raise DocumentError(path, message, "Save the document as UTF-8.") from error
    if (nul := text.find("\0")) >= 0:
        message = f"this is no text: line {text.count(chr(10), 0, nul) + 1} holds a NUL character"
        raise DocumentError(path, message, "Save the document as UTF-8 text.")
    return text


def _cells(text: str, path: str) -> Iterator[Source]:
    """The Markdown cells of a notebook, numbered among all cells."""
    hint = "Open it in Jupyter and save it again."
    try:
        notebook = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"this notebook is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise DocumentError(path, message, hint) from error
    except (ValueError, RecursionError) as error:  # numbers without end, brackets without end
        raise DocumentError(path, "this notebook is not valid JSON", hint) from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not cells:
        raise DocumentError(path, "this notebook has no cells", hint)
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "markdown":
            yield Source(path, _cell_text(cell.get("source", ""), number, path), number)


def _cell_text(source: object, number: int, path: str) -> str:
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise DocumentError(path, f"cell {number} of this notebook has no text", "Look at its source.")
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", "".join(lines))


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
