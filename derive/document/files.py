r"""Bytes to text, and a notebook to the text of its cells."""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from derive.document.model import DocumentError
from derive.source import Source

MAX_BYTES = 64 * 1024 * 1024

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def text_of(name: str) -> str:
    """The text of a file, or of standard input for ``-``. Raises `DocumentError`."""
    if name == "-":
        return _decoded(_standard_input(), "<stdin>")
    return _decoded(_file(name), name)


def _standard_input() -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    except (AttributeError, OSError, ValueError) as error:  # it is missing, closed, or no file of bytes
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


def cells(text: str, path: str) -> Iterator[Source]:
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
    text = "".join(line for line in lines if isinstance(line, str))
    if len(text) != sum(len(line) if isinstance(line, str) else 1 for line in lines):
        raise DocumentError(path, f"the source of cell {number} of this notebook is no text", "Look at its JSON.")
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
