"""Text that knows where it came from.

Everything that is read keeps its exact place: a `Source` is one file or one notebook cell, a `Text` is a piece of
mathematics cut from it whose characters remember their offsets, also after escapes were undone or damage was
repaired. An error, a verdict and an underline all point into a source with a `Span`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple


class Span(NamedTuple):
    """Half-open range of character offsets in a source."""

    start: int
    end: int

    def join(self, other: Span) -> Span:
        """The smallest span that holds both."""
        return Span(min(self.start, other.start), max(self.end, other.end))


def innermost(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans that hold no other one, in their order in the source."""
    found = sorted(set(spans))
    return tuple(span for span in found if not any(span != other and span.join(other) == span for other in found))


class Place(NamedTuple):
    """Line and column, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """A file's text, or that of one notebook cell (``cell`` counts from 1)."""

    path: str
    text: str = field(repr=False)
    cell: int | None = None

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        at = self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def place(self, offset: int) -> Place:
        line = bisect_right(self._line_starts, offset)
        return Place(line, offset - self._line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """The text of a line, without its line break."""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")

    def offset(self, number: int) -> int:
        """Where a line begins; lines count from 1."""
        return self._line_starts[number - 1]

    def locate(self, offset: int) -> str:
        """``path:line:column``, with the cell of a notebook."""
        line, column = self.place(offset)
        cell = f":cell {self.cell}" if self.cell is not None else ""
        return f"{self.path}{cell}:{line}:{column}"


@dataclass(frozen=True)
class Text:
    """Characters with the source offset of each; ``offsets`` has one more entry, the end of the last."""

    value: str
    offsets: Sequence[int] = field(repr=False)

    @classmethod
    def whole(cls, source: Source) -> Text:
        return cls(source.text, range(len(source.text) + 1))

    def __len__(self) -> int:
        return len(self.value)

    def cut(self, start: int, end: int) -> Text:
        return Text(self.value[start:end], self.offsets[start : end + 1])

    def span(self, start: int, end: int) -> Span:
        """The source span of the characters from ``start`` to ``end``."""
        if start >= end:
            return Span(self.offsets[start], self.offsets[start])
        return Span(self.offsets[start], max(self.offsets[end], self.offsets[end - 1] + 1))

    def replace(self, edits: Sequence[tuple[int, int, str]]) -> Text:
        """Apply non-overlapping ``(start, end, new)`` edits, given in order; new characters point at the old place."""
        if not edits:
            return self
        value: list[str] = []
        offsets: list[int] = []
        done = 0
        for start, end, new in edits:
            value.append(self.value[done:start])
            offsets.extend(self.offsets[done:start])
            value.append(new)
            offsets.extend([self.offsets[start]] * len(new))
            done = end
        value.append(self.value[done:])
        offsets.extend(self.offsets[done:])
        return Text("".join(value), offsets)


@dataclass(frozen=True)
class Edit:
    """A piece of a source, and what is to stand in its place."""

    span: Span
    text: str

    def of(self, text: str) -> str:
        """A source's text with the edit made."""
        return text[: self.span.start] + self.text + text[self.span.end :]


class SourceError(Exception):
    """Something in a document that cannot be read: what is wrong, where, and what to do about it."""

    def __init__(self, message: str, span: Span, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint

    def show(self, source: Source) -> str:
        """The error as a paragraph: place, message, the source line underlined, the hint."""
        parts = [f"{source.locate(self.span.start)}: {self.message}", frame(source, self.span)]
        if self.hint:
            parts.append(self.hint)
        return "\n".join(parts)


def frame(source: Source, span: Span, width: int = 100, mark: str = "^") -> str:
    """The first line of a span with the span underlined; a long line is cut to a window around it."""
    line, column = source.place(min(span.start, max(len(source.text) - 1, 0)))
    text = source.line(line)
    start = column - 1
    length = max(1, min(span.end - span.start, len(text) - start))
    shift = 0
    if len(text) > width:
        shift = max(0, min(start - width // 4, len(text) - width))
        text = text[shift : shift + width]
        length = min(length, width - (start - shift))
    printable = "".join(c if c.isprintable() else " " for c in text)
    return f"    {printable}\n    {' ' * (start - shift)}{mark * max(1, length)}"
