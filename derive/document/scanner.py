r"""One walk through a source: what was found, with its place, and how to look ahead.

Whatever looks ahead asks a `Seeker`, which searches each stretch of text once, so that megabytes cost seconds even
where nothing is ever closed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from derive.document import directives
from derive.document.escapes import is_doubled, unescaped
from derive.document.model import COMMENT, DocumentError, Kind
from derive.latex.constructs import ROW_ENVIRONMENTS
from derive.latex.tokens import Macro
from derive.source import Source, SourceError, Span, Text

MAX_FORMULAS = 200_000
MAX_LENGTH = 200_000  # characters of a formula

# Environments that are mathematics by themselves; `subequations` only groups them, with words between.
ENVIRONMENTS = "|".join(sorted(ROW_ENVIRONMENTS - {"subequations"}))
_ENVIRONMENT_EDGE = re.compile(rf"(?P<edge>egin|end)\{{(?P<name>{ENVIRONMENTS})\\?(?P<star>\*?)\}}")
_BLANK_LINE = re.compile(r"\n[ \t>\r]*\n")
_QUOTED = re.compile(r"[ \t]*>")
_QUOTE_MARKS = re.compile(r"\n([ \t]*(?:>[ \t]?)+)")
_DOLLARS_AROUND = re.compile(r"\s*(?P<dollars>\$\$?)(?P<inner>[^$]*)(?P=dollars)\s*")

# Lines that no display holds: what stands behind them is prose, and the display before them was never closed.
OUTSIDE = re.compile(
    r"\n[ \t>]*(?:#{1,6}[ \t]|<!--|```|~~~)"
    r"|\n[ \t>\r]*\n[ \t>]*(?:\*\*)?(?:(?:[A-Za-z]{2,},?[ ]){2}[A-Za-z]+[\s,.:]|[A-Za-z]{2}[A-Za-z ,]*:\s)"
)


class Piece(NamedTuple):
    """Mathematics as it stands in the source."""

    kind: Kind
    text: Text
    span: Span
    ignored: bool = False


class Seeker:
    """The next match of a pattern at or behind a place; each stretch of text is searched once a pattern."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[re.Pattern[str], tuple[int, re.Match[str] | None]] = {}

    def __call__(self, pattern: re.Pattern[str], at: int) -> re.Match[str] | None:
        start, match = self._found.get(pattern, (len(self._text) + 1, None))
        if not start <= at or (match is not None and match.start() < at):
            match = pattern.search(self._text, at)
            self._found[pattern] = at, match
        return match


@dataclass(frozen=True)
class Dialect:
    """What one format means to the reader.

    ``begin`` prepares a scanner and says where its mathematics may start; ``rows`` are what a reader stops at: who
    goes on from there, and a pattern without groups; the first one to fit wins. ``has_layout``: indented blocks are
    code. ``has_money``: not every ``$`` is mathematics, nor every ``\\[``. ``has_escapes``: site generators want
    backslashes before some marks. ``comment``: how one is written, for what derive asks its authors to add.
    """

    begin: Callable[[Scanner], int]
    rows: tuple[tuple[Handler, str], ...]
    has_layout: bool = False
    has_money: bool = True
    has_escapes: bool = True
    comment: str = COMMENT

    @cached_property
    def tokens(self) -> re.Pattern[str]:
        """What a reader stops at; the group that took part tells the row."""
        return re.compile("|".join(f"{pattern}()" for _, pattern in self.rows))


class Scanner:
    """One walk through a source. A row of the dialect takes what was found and says where to go on."""

    def __init__(self, source: Source, dialect: Dialect) -> None:
        self.source = source
        self.dialect = dialect
        self.text = source.text
        self.pieces: list[Piece] = []
        self.errors: list[SourceError] = []
        self.notes: list[SourceError] = []
        self.macros: dict[str, Macro] = {}
        self.ignores: list[int] = []
        self.in_list = False
        self.indented_until = 0
        self.tried_until = 0
        self.find = Seeker(self.text)

    def add(self, kind: Kind, outer: Span, text: Text) -> int:
        """Keep a piece of mathematics; reading goes on behind it."""
        if len(text) > MAX_LENGTH:
            message = f"this formula has more than {MAX_LENGTH} characters"
            return self._refuse(message, outer, "Split it, or close it earlier.", outer.end)
        self._count()
        self.pieces.append(Piece(kind, text, outer))
        return outer.end

    def walk(self, at: int, end: int) -> None:
        """Read what starts between two places."""
        while (match := self.dialect.tokens.search(self.text, at, end)) is not None:
            handler, _ = self.dialect.rows[(match.lastindex or 1) - 1]
            at = handler(self, match)

    def show(self, text: str) -> None:
        """Read another text of the same length instead."""
        self.text = text
        self.find = Seeker(text)

    def read(self) -> list[Piece]:
        """The pieces in their order, unescaped; an ignore comment marks the next one."""
        pieces = sorted(self.pieces, key=lambda piece: piece.span)
        starts = [piece.span.start for piece in pieces]
        ignored = {bisect_left(starts, at) for at in self.ignores}
        pieces = [piece._replace(ignored=number in ignored) for number, piece in enumerate(pieces)]
        if not self.dialect.has_escapes:
            return pieces
        doubled = any(is_doubled(piece.text.value) for piece in pieces)
        return [piece._replace(text=unescaped(piece.text, doubled)) for piece in pieces]

    def cut(self, start: int, end: int, line_of: int | None = None) -> Text:
        """The text between two places, without the ``>`` of a block quote in which ``line_of`` stands."""
        text = Text(self.text[start:end], range(start, end + 1))
        if line_of is None or "\n" not in text.value:
            return text
        line_start = line_of - self.source.place(line_of).column + 1
        if not _QUOTED.match(self.text, line_start):
            return text
        return text.replace([(m.start(1), m.end(1), "") for m in _QUOTE_MARKS.finditer(text.value)])

    def directive(self, outer: Span, inner: Span) -> None:
        """What a comment says to the reader, if anything."""
        try:
            found = directives.read(self.text, outer, inner)
        except SourceError as error:
            self._refuse(error.message, error.span, error.hint, outer.end)
            return
        if found is not None and found.fact is None:
            self.ignores.append(outer.start)
        elif found is not None and found.fact is not None:
            dollars = _DOLLARS_AROUND.fullmatch(self.text, *found.fact)
            self.add("given", outer, self.cut(*(dollars.span("inner") if dollars else found.fact)))

    def _count(self) -> None:
        if len(self.pieces) + len(self.errors) >= MAX_FORMULAS:
            message = f"this document holds more than {MAX_FORMULAS} formulas"
            raise DocumentError(self.source.path, message, "Split it.")

    def unclosed(self, start: int, end: int, closing: str) -> int:
        """Note a delimiter that is never closed; reading goes on behind its paragraph or at prose in it."""
        hint = f"Close it with {closing}. What stands behind it in this paragraph was not read."
        message = f"this {self.text[start:end]} is never closed"
        outside = self.find(OUTSIDE, end)
        limit = self.paragraph_end(end)
        return self._refuse(message, Span(start, end), hint, min(limit, outside.start()) if outside else limit)

    def _refuse(self, message: str, span: Span, hint: str, at: int) -> int:
        """Note what cannot be read; reading goes on at ``at``."""
        self._count()
        self.errors.append(SourceError(message, span, hint))
        return at

    def paragraph_end(self, at: int) -> int:
        blank = self.find(_BLANK_LINE, at)
        return blank.start() if blank else len(self.text)

    def holds(self, pattern: re.Pattern[str], start: int, end: int) -> bool:
        """Whether a pattern starts between two places."""
        found = self.find(pattern, start)
        return found is not None and found.start() < end

    def closing(self, pattern: re.Pattern[str], at: int) -> re.Match[str] | None:
        """What closes the mathematics that starts at ``at``; nothing if prose stands before it."""
        close = self.find(pattern, at)
        return None if close is None or self.holds(OUTSIDE, at, close.start()) else close

    @cached_property
    def environment_ends(self) -> dict[int, int]:
        """Where each environment ends, by the place of the ``egin`` of its start."""
        ends: dict[int, int] = {}
        opened: dict[str, list[int]] = {}
        for match in _ENVIRONMENT_EDGE.finditer(self.text):
            same = opened.setdefault(match["name"] + match["star"], [])
            if match["edge"] == "egin":
                same.append(match.start())
            elif same:
                ends[same.pop()] = match.end()
        return ends


Handler = Callable[[Scanner, re.Match[str]], int]
"""Takes what was found and says where to go on."""
