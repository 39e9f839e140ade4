r"""Row breaks of which a string reader left one backslash: ``a \ b`` for ``a \\ b``."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from derive.latex.constructs import MATRIX_ENVIRONMENTS
from derive.repair.model import RepairError
from derive.source import Text

_ROW_TOKEN = re.compile(
    r"""\\(?P<edge>begin|end)[ ]?\{(?P<name>[A-Za-z]+)\*?\}
      | (?P<full>\\\\ | \\(?:newline|cr)(?![A-Za-z]))
      | (?P<single>\\(?=[\s&=+-]|\[\d|\Z))
      | \\(?:[A-Za-z]+|.)
      | (?P<mark>[{}&=])""",
    re.VERBOSE | re.DOTALL,
)
_LINE_END = re.compile(r"[ \t]*\r?\n")
_ROW_END = re.compile(r"[ \t]*(?:\r?\n|&|\\end\b|\Z)|[&=+-]|\[\d")


@dataclass
class _Rows:
    r"""An environment while it is read (or the formula around all, named ""): where its marks stand."""

    name: str
    start: int
    separated: bool = False
    depth: int = 0
    singles: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    equals: list[int] = field(default_factory=list)


def row_breaks(text: Text, eaten: bool) -> list[int]:
    r"""Where a single ``\`` was a row break ``\\``, of which a string reader leaves one."""
    breaks: list[int] = []
    for rows, end in _environments(text.value):
        if rows.singles and not rows.separated:
            breaks += _eaten_breaks(text, rows, end) if eaten else _line_breaks(text.value, rows, end)
    return sorted(breaks)


def _environments(value: str) -> Iterator[tuple[_Rows, int]]:
    """Every environment with its end, an inner one before an outer one."""
    stack = [_Rows("", 0)]
    for match in _ROW_TOKEN.finditer(value):
        if match["edge"] == "begin":
            stack.append(_Rows(match["name"], match.end()))
        elif match["edge"] == "end" and len(stack) > 1:
            yield stack.pop(), match.start()
        else:
            _note(stack[-1], match)
    while stack:
        yield stack.pop(), len(value)


def _note(rows: _Rows, match: re.Match[str]) -> None:
    mark = match["mark"]
    if mark in ("{", "}"):
        rows.depth += 1 if mark == "{" else -1
    elif rows.depth > 0:
        return
    elif match["full"]:
        rows.separated = True
    elif match["single"]:
        rows.singles.append(match.start())
    elif mark == "&":
        rows.cells.append(match.start())
    elif mark == "=":
        rows.equals.append(match.start())


def _line_breaks(value: str, rows: _Rows, end: int) -> list[int]:
    r"""In a sound text (Markdown, too, makes ``\`` of ``\\``): at line ends between rows with a ``&``."""
    if not rows.name or not all(_LINE_END.match(value, at + 1) for at in rows.singles):
        return []
    last = rows.singles[-1]
    edges = [rows.start, *rows.singles] + ([end] if value[last + 1 : end].strip() else [])
    return rows.singles if all(_holds(rows.cells, *piece) for piece in pairwise(edges)) else []


def _eaten_breaks(text: Text, rows: _Rows, end: int) -> list[int]:
    """In a damaged text: where a row ends visibly, and where a blank divides what can only be two rows."""
    breaks: list[int] = []
    edges = [rows.start, *rows.singles, end]
    marks = rows.cells or rows.equals
    for before, at, after in zip(edges, edges[1:], edges[2:], strict=False):
        divides = _holds(marks, before, at) and _holds(marks, at, after)
        matrix = rows.name in MATRIX_ENVIRONMENTS and not rows.cells
        if _ROW_END.match(text.value, at + 1) or (rows.name and (divides or matrix)):
            breaks.append(at)
        else:
            raise RepairError(
                "damaged text: this \\ can be a row break \\\\ or a blank",
                text.span(at, at + 1),
                "The backslash escapes were eaten. Write \\\\ for a new row, or take the \\ away.",
            )
    return breaks


def _holds(marks: list[int], start: int, end: int) -> bool:
    """Whether one of the sorted offsets lies between two others."""
    at = bisect_left(marks, start)
    return at < len(marks) and marks[at] < end
