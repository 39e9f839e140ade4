"""Where a statement stands in the file itself: for a notebook, the line of its JSON.

Annotations point into files, and a notebook's cell is a list of strings somewhere in a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path

from derive.checking import Statement

_BLANKS = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Places:
    """The lines of files, each notebook read once."""

    def __init__(self) -> None:
        self._known: dict[str, dict[int, list[int]]] = {}

    def line(self, statement: Statement, offset: int) -> int | None:
        """The line of the file, from 1, in which an offset of a statement's source stands; None where it is unknown."""
        source = statement.source
        line = source.place(offset).line
        if source.cell is None:
            return line
        lines = self._cells(source.path).get(source.cell, [])
        return lines[line - 1] if line <= len(lines) else None

    def _cells(self, path: str) -> dict[int, list[int]]:
        if path not in self._known:
            try:
                self._known[path] = lines_of_cells(Path(path).read_text(encoding="utf-8-sig"))
            except (OSError, ValueError):  # gone or changed since it was checked, or never a file
                self._known[path] = {}
        return self._known[path]


def lines_of_cells(notebook: str) -> dict[int, list[int]]:
    """For each cell, numbered from 1, the lines of the notebook's JSON in which the lines of its source stand.

    Raises:
        ValueError: this is no notebook.
    """
    found: dict[int, list[int]] = {}
    for name, at in _members(notebook, _begin(notebook, 0, "{")):
        if name == "cells":
            for number, cell in enumerate(_items(notebook, _begin(notebook, at, "[")), 1):
                for key, value in _members(notebook, _begin(notebook, cell, "{")):
                    if key == "source":
                        found[number] = list(_source_lines(notebook, value))
    return found


def _source_lines(text: str, at: int) -> Iterator[int]:
    """The line of the file for each line of a cell's source, which is a string or a list of strings."""
    starts = _items(text, at + 1) if text[at : at + 1] == "[" else iter([at])
    continued = False
    for start in starts:
        if text[start : start + 1] != '"':
            raise ValueError(f"expected a string at {start}")
        content, _ = scanstring(text, start + 1)
        line = text.count("\n", 0, start) + 1
        for part in content.splitlines(keepends=True):
            if not continued:
                yield line
            continued = not part.endswith("\n")


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """The keys of an object and where their values begin, from behind its brace."""
    while text[at : at + 1] == '"':
        key, at = scanstring(text, at + 1)
        at = _blank(text, _begin(text, at, ":"))
        yield key, at
        at = _behind(text, at)


def _items(text: str, at: int) -> Iterator[int]:
    """Where the items of a list begin, from behind its bracket."""
    at = _blank(text, at)
    while text[at : at + 1] not in ("]", ""):
        yield at
        at = _behind(text, at)


def _behind(text: str, at: int) -> int:
    """Behind a value and the comma that may follow it."""
    _, at = _DECODER.raw_decode(text, at)
    at = _blank(text, at)
    return _blank(text, at + 1) if text[at : at + 1] == "," else at


def _begin(text: str, at: int, mark: str) -> int:
    at = _blank(text, at)
    if text[at : at + 1] != mark:
        raise ValueError(f"expected {mark} at {at}")
    return _blank(text, at + 1)


def _blank(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return match.end() if match else at
