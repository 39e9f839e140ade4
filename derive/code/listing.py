"""The code of a file as one text to be read, with the way back to where each of its lines stands.

A Python file is itself. The fences of a Markdown file keep their lines, the others being empty. The cells of a notebook
stand one below the other; a line of theirs is known by its cell.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from derive.source import Edit, Source, Span

_LINE = re.compile(r"\bline (?P<number>\d+)\b")


@dataclass(frozen=True)
class Listing:
    """Code to be read.

    Attributes:
        source: the whole of it.
        parts: the sources in which its lines stand, with the line, from 1, where each begins.
        unread: the lines of pieces that are no Python and were left out, with what is wrong with them.
    """

    source: Source
    parts: tuple[tuple[int, Source], ...]
    unread: tuple[tuple[int, str], ...] = ()

    @classmethod
    def whole(cls, source: Source) -> Listing:
        """A file that is read as it is."""
        return cls(source, ((1, source),))

    @classmethod
    def of_fences(cls, source: Source, fences: Sequence[tuple[int, str]]) -> Listing:
        """The fences of a document, each with its first line: every line keeps its number."""
        lines = [""] * source.text.count("\n")
        unread = []
        for first, code in fences:
            if said := _slip(code):
                unread.append((first, said))
            else:
                lines[first - 1 : first - 1 + code.count("\n")] = code.splitlines()
        whole = Source(source.path, "\n".join(lines) + "\n")
        return cls(whole, ((1, whole),), tuple(unread))

    @classmethod
    def of_cells(cls, path: str, cells: Sequence[Source]) -> Listing:
        """The cells of a notebook, one below the other."""
        parts, texts, unread, lines = [], [], [], 1
        for cell in cells:
            parts.append((lines, cell))
            if said := _slip(cell.text):
                unread.append((lines, said))
            texts.append("\n" * cell.text.count("\n") if said else cell.text)
            lines += cell.text.count("\n") + 1
        return cls(Source(path, "\n".join(texts)), tuple(parts), tuple(unread))

    def place(self, line: int) -> tuple[Source, int]:
        """The source in which a line stands, and its number there."""
        k = max(bisect_right([first for first, _ in self.parts], line) - 1, 0)
        first, source = self.parts[k]
        return source, line - first + 1

    def at(self, line: int) -> tuple[Source, Span]:
        """The source of a line, and the line's text without its indentation."""
        source, number = self.place(line)
        text = source.line(number)
        start = source.offset(number) + len(text) - len(text.lstrip())
        return source, Span(start, start + max(len(text.strip()), 1))

    def edit(self, edit: Edit) -> Edit:
        """An edit of the whole, which stays within one line, as one of the source of that line."""
        line, column = self.source.place(edit.span.start)
        source, number = self.place(line)
        start = source.offset(number) + column - 1
        return Edit(Span(start, start + edit.span.end - edit.span.start), edit.text)

    def said(self, text: str) -> str:
        """A sentence that speaks of lines, with those of a notebook by their cells."""
        return _LINE.sub(lambda match: self._named(int(match["number"])), text) if len(self.parts) > 1 else text

    def _named(self, line: int) -> str:
        source, number = self.place(line)
        return f"cell {source.cell}, line {number}" if source.cell is not None else f"line {number}"


def _slip(code: str) -> str:
    """Why a piece of code is no Python; empty where it is."""
    try:
        ast.parse(code)
    except SyntaxError as error:
        return f"this is no Python: {error.msg}"
    except (ValueError, RecursionError, MemoryError):
        return "this is no Python that can be parsed"
    return ""
