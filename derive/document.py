r"""Documents to formulas: the mathematics of a Markdown file, a notebook, a TeX file or plain text.

`load` opens a file, `read_text` takes text. Each format is a `_Dialect`: where its mathematics may start, and
which rows of `_TOKENS` mean something in it. A `_Scanner` walks once through a source and keeps the pieces
with their places; `_assemble` undoes what site generators and string readers did to them, and takes the
macros out. What cannot be read is kept as an error with its place, and reading goes on behind it.

Whatever looks ahead asks a `_Seeker`, which searches each stretch of text once, so that megabytes cost
seconds even where nothing is ever closed.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from derive import repair
from derive.latex.constructs import (
    ACCENTS,
    COMMANDS,
    DECORATIONS,
    FONTS,
    FRACTIONS,
    GREEK,
    ROOTS,
    ROW_ENVIRONMENTS,
    TEXT_FONTS,
)
from derive.latex.tokens import Macro
from derive.repair import Repair, RepairError
from derive.source import Source, SourceError, Span, Text

MAX_BYTES = 64 * 1024 * 1024
MAX_FORMULAS = 200_000
MAX_LENGTH = 200_000  # characters of a formula

Kind = Literal["display", "inline", "given"]
Format = Literal["md", "ipynb", "tex", "txt"]

SUFFIXES: Mapping[str, Format] = {
    ".md": "md", ".markdown": "md", ".qmd": "md", ".rmd": "md",
    ".ipynb": "ipynb",
    ".tex": "tex", ".ltx": "tex",
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

    ``macros`` are the document's own commands, by name without the backslash; their definitions are cut out
    of the blocks. ``errors`` are the places that could not be read.
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
    """Read a document that is already text. Raises `DocumentError` where it is empty, or no notebook."""
    if not text:
        raise DocumentError(path, "the document is empty")
    dialect = _DIALECTS[kind]
    sources = tuple(_cells(text, path)) if kind == "ipynb" else (Source(path, text),)
    return _assemble(path, [dialect.scan(source) for source in sources])


# Bytes to text


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
    text = "".join(line for line in lines if isinstance(line, str))
    if len(text) != sum(len(line) if isinstance(line, str) else 1 for line in lines):
        raise DocumentError(path, f"the source of cell {number} of this notebook is no text", "Look at its JSON.")
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


# Text to pieces


class _Piece(NamedTuple):
    """Mathematics as it stands in the source."""

    kind: Kind
    text: Text
    span: Span
    ignored: bool = False


class _Seeker:
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


def _unescaped_mark(mark: str) -> re.Pattern[str]:
    r"""A mark that stands behind no backslash, or behind whole row breaks ``\\``."""
    return re.compile(rf"{mark}(?:(?<!\\{mark})|(?<=[^\\]\\\\{mark})|(?<=[^\\]\\\\\\\\{mark}))")


# Environments that are mathematics by themselves; `subequations` only groups them, with words between.
_NAMES = "|".join(sorted(ROW_ENVIRONMENTS - {"subequations"}))
_ROWS = rf"\{{(?:{_NAMES})\\?\*?\}}"
_LISTED = r"(?:[-*+]|\d{1,9}[.)])[ \t]"

# What a reader stops at: the name of the `_Scanner` method that goes on from there, and a pattern without
# groups that starts with a plain character (so that the search skips the rest). The first one to fit wins.
_TOKENS: tuple[tuple[str, str], ...] = (
    ("comment", r"<!--"),
    ("element", r"<(?i:code|pre|script|style)\b"),
    ("image_tag", r"<(?i:img)\s"),
    ("image", r"!\["),
    ("line", rf"\n(?=[ \t>]*(?:```|~~~|{_LISTED}|\r?\n))"),
    ("code", r"`+"),
    ("backtick_dollar", r"\$`"),
    ("dollars", r"\$\$"),
    ("dollar", r"\$"),
    ("environment", rf"\\begin{_ROWS}"),
    ("environment", rf"\\\\begin{_ROWS}"),
    ("environment", rf"\x08egin{_ROWS}"),
    ("environment", rf"egin{_ROWS}"),
    ("environment", rf"begin{_ROWS}"),
    ("definition", r"\\(?:(?:re)?newcommand|providecommand|def|DeclareMathOperator)(?![A-Za-z])"),
    ("verbatim", r"\\begin\{(?:verbatim|lstlisting|minted|comment)\*?\}"),
    ("verb", r"\\verb\*?[!-/:-@\[-`{-~]"),
    ("doubled_bracket", r"\\\\(?:\(|\[(?!\d))"),
    ("bracket", r"\\[(\[]"),
    ("escape", r"\\[^A-Za-z\s]"),
)

_BLANK_LINE = re.compile(r"\n[ \t>\r]*\n")
_BLANK_LINES = re.compile(r"(?:[ \t>\r]*\n)++")
_FENCE = re.compile(rf"[ \t>]*(?:{_LISTED}+)?(?P<fence>`{{3,}}|~{{3,}})[ \t]*(?P<info>[^\n]*)")
_LIST_ITEM = re.compile(rf"[ \t>]*{_LISTED}")
_INDENTED_LINE = re.compile(r"(?: {4}|\t)[ \t]*[^\s]")
_INDENTED_LINES = re.compile(r"(?:(?: {4}|\t)[^\n]*(?:\n|\Z)|[ \t\r]*\n)++")
_DISPLAYED = re.compile(r"\$\$|egin\{|\\\[")
_FRONT_MATTER = re.compile(r"---[ \t\r]*\n(?:[^\n]*\n)*?(?:---|\.\.\.)[ \t\r]*(?=\n|\Z)")

_DOUBLE_DOLLAR = _unescaped_mark(r"\$\$")
_DOLLAR = _unescaped_mark(r"\$")
_DOLLAR_CODE_END = re.compile(r"`\$")
_BRACKET_ENDS = {
    r"\(": _unescaped_mark(r"\\\)"),
    r"\[": _unescaped_mark(r"\\\]"),
    r"\\(": re.compile(r"\\\\\)"),
    r"\\[": re.compile(r"\\\\\]"),
}
_ENVIRONMENT_EDGE = re.compile(rf"(?P<edge>egin|end)\{{(?P<name>{_NAMES})\\?(?P<star>\*?)\}}")
_COMMENT_EDGE = re.compile(r"<!--|-->")
_ELEMENT_EDGES = {
    name: re.compile(rf"<(?P<close>/?)(?i:{name})\b[^<>]*>") for name in ("code", "pre", "script", "style")
}
_DIRECTIVE = re.compile(r"\s*(?:given:(?P<given>.*)|derive:\s*ignore\s*)", re.DOTALL)
_TEX_COMMENT = re.compile(r"%(?:(?<!\\%)|(?<=[^\\]\\\\%))[^\n]*")

# Lines that no display holds: what stands behind them is prose, and the display before them was never closed.
_OUTSIDE = re.compile(
    r"\n[ \t>]*(?:#{1,6}[ \t]|<!--|```|~~~)"
    r"|\n[ \t>\r]*\n[ \t>]*(?:\*\*)?(?:(?:[A-Za-z]{2,},?[ ]){2}[A-Za-z]+[\s,.:]|[A-Za-z]{2}[A-Za-z ,]*:\s)"
)
_DEFINITION = re.compile(
    r"\\(?:(?P<operator>DeclareMathOperator)|def|(?:re)?newcommand|providecommand)\*?"
    r"\s*+\{?\s*+\\(?P<name>[A-Za-z]+|[^A-Za-z\s])\s*+\}?\s*+"
    r"(?:\[(?P<count>\d)\]\s*+)?(?P<default>\[[^\]\n]*\]\s*+)?(?P<marks>(?:#\d)*+)\s*+(?=\{)"
)
_BLANKS = " \t\r\n"
_AFTER_MONEY = tuple(" \t\r\n0123456789")
_NESTED_DOLLARS = 4
_LONGEST_FENCE = 16
_MARGIN = 80
_QUOTED = re.compile(r"[ \t]*>")
_QUOTE_MARKS = re.compile(r"\n([ \t]*(?:>[ \t]?)+)")
_DOLLARS_AROUND = re.compile(r"\s*(?P<dollars>\$\$?)(?P<inner>[^$]*)(?P=dollars)\s*")
_MATHEMATICAL = re.compile(r"\\[A-Za-z{|]|[_^=\a\b\v\f]")
_COMMAND = re.compile(r"\\[A-Za-z]")
_WORDS_ONLY = re.compile(r"(?:[^\W_]|[\s,.;:'’-])*+")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)

_IMAGE_TAG = re.compile(r"<(?i:img)\s[^<>]*?\b(?i:src)\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')[^<>]*>?")
_IMAGE = re.compile(r"!\[[^\[\]\n]*\]\([ \t]*<?")
_FORMULA_ADDRESS = re.compile(r"[^\"'\s()]*?(?:[?&](?:math|tex|chl)=|latex\.codecogs\.com/[^?\"'\s()]*\?)")
_PARENTHESES = re.compile(r"[()\n]")
_TITLE = re.compile(r"(?<![ \t])[ \t]++\"[^\"\n]*\"\Z")
_ENCODED = re.compile(r"%[0-7][0-9A-Fa-f]|(?:%[89A-Fa-f][0-9A-Fa-f])+|&(?:space|plus|amp|lt|gt);")
_LOOK = re.compile(r"(?:\\(?:inline|dpi\{\d+\}|bg_\w+|fn_\w+|tiny|small|large|Large|LARGE|huge)\s*)+")

_BACKSLASHES = re.compile(r"\\+")
_COMMAND_RUN = re.compile(r"(?<!\\)(?P<run>\\+)(?P<name>[A-Za-z]+)")
_TELLING = FRACTIONS | ROOTS | GREEK | TEXT_FONTS | frozenset({*ACCENTS, *FONTS, *DECORATIONS})
_TELLING |= {"partial", "nabla", "sum", "prod", "begin", "left", "cdot", "odot", "times"}
_AFTER_ROW = re.compile(r"[ \t\r\n&]|\[\d|\Z")
_DOUBLED_BRACE = re.compile(r"(?<!\\)\\\\[{}]")
_ESCAPED_MARK = re.compile(r"(?<!\\)\\[_*]")


class _Scanner:
    """One walk through a source. A method named in `_TOKENS` takes what was found and says where to go on."""

    def __init__(self, source: Source, dialect: _Dialect) -> None:
        self.source = source
        self.dialect = dialect
        self.text = source.text
        self.pieces: list[_Piece] = []
        self.errors: list[SourceError] = []
        self.macros: dict[str, Macro] = {}
        self.ignores: list[int] = []
        self._in_list = False
        self._indented_until = 0
        self._find = _Seeker(self.text)

    def run(self) -> _Scanner:
        at = self._begin_line(self.dialect.begin(self))
        while match := self.dialect.tokens.search(self.text, at):
            at = self.dialect.handlers[(match.lastindex or 1) - 1](self, match)
        return self

    def add(self, kind: Kind, outer: Span, text: Text) -> int:
        """Keep a piece of mathematics; reading goes on behind it."""
        if len(text) > MAX_LENGTH:
            message = f"this formula has more than {MAX_LENGTH} characters"
            return self._refuse(message, outer, "Split it, or close it earlier.", outer.end)
        self._count()
        self.pieces.append(_Piece(kind, text, outer))
        return outer.end

    def show(self, text: str) -> None:
        """Read another text of the same length instead."""
        self.text = text
        self._find = _Seeker(text)

    def read(self) -> list[_Piece]:
        """The pieces in their order, unescaped; an ignore comment marks the next one."""
        pieces = sorted(self.pieces, key=lambda piece: piece.span)
        starts = [piece.span.start for piece in pieces]
        ignored = {bisect_left(starts, at) for at in self.ignores}
        pieces = [piece._replace(ignored=number in ignored) for number, piece in enumerate(pieces)]
        if not self.dialect.has_escapes:
            return pieces
        doubled = any(_is_doubled(piece.text.value, _TELLING) for piece in pieces)
        return [piece._replace(text=_unescaped(piece.text, doubled)) for piece in pieces]

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
        found = _DIRECTIVE.fullmatch(self.text, *inner)
        if found is None:
            return
        if found["given"] is None:
            self.ignores.append(outer.start)
        else:
            start, end = found.span("given")
            dollars = _DOLLARS_AROUND.fullmatch(self.text, start, end)
            self.add("given", outer, self.cut(*(dollars.span("inner") if dollars else (start, end))))

    def _count(self) -> None:
        if len(self.pieces) + len(self.errors) >= MAX_FORMULAS:
            message = f"this document holds more than {MAX_FORMULAS} formulas"
            raise DocumentError(self.source.path, message, "Split it.")

    def _unclosed(self, start: int, end: int, closing: str) -> int:
        """Note a delimiter that is never closed; reading goes on behind its paragraph or at prose in it."""
        hint = f"Close it with {closing}. What stands behind it in this paragraph was not read."
        message = f"this {self.text[start:end]} is never closed"
        outside = self._find(_OUTSIDE, end)
        limit = self._paragraph_end(end)
        return self._refuse(message, Span(start, end), hint, min(limit, outside.start()) if outside else limit)

    def _refuse(self, message: str, span: Span, hint: str, at: int) -> int:
        """Note what cannot be read; reading goes on at ``at``."""
        self._count()
        self.errors.append(SourceError(message, span, hint))
        return at

    def _paragraph_end(self, at: int) -> int:
        blank = self._find(_BLANK_LINE, at)
        return blank.start() if blank else len(self.text)

    def _holds(self, pattern: re.Pattern[str], start: int, end: int) -> bool:
        """Whether a pattern starts between two places."""
        found = self._find(pattern, start)
        return found is not None and found.start() < end

    def _closing(self, pattern: re.Pattern[str], at: int) -> re.Match[str] | None:
        """What closes the mathematics that starts at ``at``; nothing if prose stands before it."""
        close = self._find(pattern, at)
        return None if close is None or self._holds(_OUTSIDE, at, close.start()) else close

    # Mathematics

    def dollars(self, opening: re.Match[str]) -> int:
        close = self._closing(_DOUBLE_DOLLAR, opening.end())
        if close is None or len(_DOLLAR.findall(self.text, opening.end(), close.start())) % 2:
            return self._unclosed(*opening.span(), "$$")
        outer = Span(opening.start(), close.end())
        return self.add("display", outer, self.cut(opening.end(), close.start(), opening.start()))

    def dollar(self, opening: re.Match[str]) -> int:
        start = opening.end()
        end = self._closing_dollar(start)
        if end is None:
            is_money = self.text[start : start + 1] in _AFTER_MONEY
            if is_money or not self._holds(_COMMAND, start, self._paragraph_end(start)):
                return start
            return self._unclosed(*opening.span(), "$")
        if self.dialect.has_money and not self._is_inline(start, end):
            return start
        return self.add("inline", Span(opening.start(), end + 1), self.cut(start, end, opening.start()))

    def _closing_dollar(self, start: int) -> int | None:
        """The next ``$`` of the paragraph; within limits a later one, if that one stands inside of braces."""
        limit = self._paragraph_end(start)
        first, at, depth = None, start, 0
        for _ in range(_NESTED_DOLLARS):
            close = self._find(_DOLLAR, at)
            if close is None or close.start() >= limit:
                break
            first = close.start() if first is None else first
            depth += self._depth(at, close.start())
            if depth <= 0:
                return close.start()
            at = close.end()
        return first

    def _depth(self, start: int, end: int) -> int:
        """How many more braces are opened than closed between two places."""
        braces = [brace.group() for brace in _BRACES.finditer(self.text, start, end)]
        return braces.count("{") - braces.count("}")

    def _is_inline(self, start: int, end: int) -> bool:
        """Whether dollars enclose mathematics: pandoc's rule, but blanks may stand in what looks like it."""
        if start == end or self.text[end + 1 : end + 2].isdigit():
            return False
        blank = self.text[start] in _BLANKS and not repair.starts_eaten(self.text, start)
        return not (blank or self.text[end - 1] in _BLANKS) or self._holds(_MATHEMATICAL, start, end)

    def backtick_dollar(self, opening: re.Match[str]) -> int:
        close = self._find(_DOLLAR_CODE_END, opening.end())
        if close is None or close.start() >= self._paragraph_end(opening.end()):
            return opening.end()
        outer = Span(opening.start(), close.end())
        return self.add("inline", outer, self.cut(opening.end(), close.start(), outer.start))

    def bracket(self, opening: re.Match[str]) -> int:
        start, mark = opening.end(), opening.group()
        closing = {"(": ")", "[": "]"}[mark[-1]]
        limit = self._paragraph_end(start)
        close = self._closing(_BRACKET_ENDS[mark], start)
        if close is None or (closing == ")" and close.start() >= limit):
            is_text = self.dialect.has_money and not self._holds(_MATHEMATICAL, start, limit)
            return start if is_text else self._unclosed(*opening.span(), mark[:-1] + closing)
        is_link = closing == "]" and _WORDS_ONLY.fullmatch(self.text, start, close.start())
        if is_link and self.dialect.has_money:
            return start  # brackets that Markdown would otherwise take for a link
        kind: Kind = "display" if closing == "]" else "inline"
        outer = Span(opening.start(), close.end())
        return self.add(kind, outer, self.cut(start, close.start(), outer.start))

    def doubled_bracket(self, opening: re.Match[str]) -> int:
        return self.bracket(opening)

    def environment(self, opening: re.Match[str]) -> int:
        start, (before, _, name) = opening.start(), opening.group().partition("egin")
        if before in ("", "b") and self.text[max(0, start - 1) : start].isalpha():
            return opening.end()  # the end of a word
        end = self._environment_ends.get(start + len(before))
        if end is None or self._holds(_OUTSIDE, opening.end(), end):
            return self._unclosed(*opening.span(), f"\\end{name}")
        kind: Kind = "inline" if name == "{math}" else "display"
        return self.add(kind, Span(start, end), self.cut(start, end, start))

    @cached_property
    def _environment_ends(self) -> dict[int, int]:
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

    def image_tag(self, opening: re.Match[str]) -> int:
        tag = _IMAGE_TAG.match(self.text, opening.start())
        if tag is None:
            return opening.end()
        quote = "double" if tag["double"] is not None else "single"
        return self._address(Span(*tag.span()), Span(*tag.span(quote)))

    def image(self, opening: re.Match[str]) -> int:
        image = _IMAGE.match(self.text, opening.start())
        if image is None or not _FORMULA_ADDRESS.match(self.text, image.end()):
            return opening.end()
        close = self._closing_parenthesis(image.end())
        if close is None:
            return self._unclosed(*opening.span(), ")")
        title = _TITLE.search(self.text, image.end(), close)
        return self._address(Span(opening.start(), close + 1), Span(image.end(), title.start() if title else close))

    def _closing_parenthesis(self, start: int) -> int | None:
        depth = 1
        for mark in _PARENTHESES.finditer(self.text, start):
            depth += {"(": 1, ")": -1}.get(mark.group(), 0)
            if not depth:
                return mark.start()
            if mark.group() == "\n":
                break
        return None

    def _address(self, outer: Span, inner: Span) -> int:
        """Keep the formula that an image's address holds, if it does."""
        formula = _FORMULA_ADDRESS.match(self.text, *inner)
        if formula is None:
            return outer.end
        kind: Kind = "display" if self._stands_alone(outer) else "inline"
        return self.add(kind, outer, _decoded_address(self.cut(formula.end(), inner.end)))

    def _stands_alone(self, span: Span) -> bool:
        """Whether nothing else stands on the lines of a span."""
        before = self.text[max(0, span.start - _MARGIN) : span.start].rpartition("\n")
        after = self.text[span.end : span.end + _MARGIN].partition("\n")
        starts_line = before[1] or span.start <= _MARGIN
        return bool(starts_line) and not before[2].strip(" \t>") and not after[0].strip()

    def definition(self, opening: re.Match[str]) -> int:
        """A macro outside of mathematics."""
        found = _DEFINITION.match(self.text, opening.start())
        if found is None:
            return opening.end()
        end = repair.closing_brace(self.text, found.end(), self._paragraph_end(found.end()))
        if end is None:
            return self._unclosed(*opening.span(), "}")
        self.macros.update(_macro(found, self.text[found.end() + 1 : end - 1]))
        return end

    # What hides mathematics

    def escape(self, match: re.Match[str]) -> int:
        return match.end()

    def comment(self, opening: re.Match[str]) -> int:
        close = self._find(_COMMENT_EDGE, opening.end())
        if close is None or close.group() == "<!--":
            return self._unclosed(*opening.span(), "-->")
        self.directive(Span(opening.start(), close.end()), Span(opening.end(), close.start()))
        return close.end()

    def element(self, opening: re.Match[str]) -> int:
        edge = self._find(_ELEMENT_EDGES[opening.group()[1:].lower()], opening.end())
        return edge.end() if edge and edge["close"] else opening.end()

    def code(self, opening: re.Match[str]) -> int:
        length = len(opening.group())
        close = self._find(_code_end(length), opening.end()) if length <= _LONGEST_FENCE else None
        if close is None or close.start() >= self._paragraph_end(opening.end()):
            return opening.end()
        return close.end()

    def verbatim(self, opening: re.Match[str]) -> int:
        end = "\\end" + opening.group()[len("\\begin") :]
        close = self._find(re.compile(re.escape(end)), opening.end())
        return close.end() if close else self._unclosed(*opening.span(), end)

    def verb(self, opening: re.Match[str]) -> int:
        close = self._find(re.compile(rf"{re.escape(opening.group()[-1])}|\n"), opening.end())
        return close.end() if close and close.group() != "\n" else opening.end()

    def line(self, match: re.Match[str]) -> int:
        return self._begin_line(match.end())

    def _begin_line(self, at: int) -> int:
        fence = _FENCE.match(self.text, at)
        if fence and not (fence["fence"][0] == "`" and "`" in fence["info"]):
            return self._fence(fence)
        return self._layout(at) if self.dialect.has_layout else at

    def _fence(self, opening: re.Match[str]) -> int:
        fence = opening["fence"]
        close = self._find(_fence_end(fence[0], min(len(fence), _LONGEST_FENCE)), opening.end())
        if close is None:
            return self._unclosed(*opening.span("fence"), fence)
        if opening["info"].split()[:1] == ["math"]:
            text = self.cut(opening.end(), close.start(), opening.start())
            strays = [(stray.start(), stray.end(), "") for stray in _DOUBLE_DOLLAR.finditer(text.value)]
            self.add("display", Span(opening.start("fence"), close.end("fence")), text.replace(strays))
        return close.end()

    def _layout(self, at: int) -> int:
        """Keep track of lists, and skip an indented code block, at the start of a line."""
        blank = _BLANK_LINES.match(self.text, at)
        start = blank.end() if blank else at
        if _LIST_ITEM.match(self.text, start):
            self._in_list = True
        elif _INDENTED_LINE.match(self.text, start):
            end = self._indented_end(start) if blank or not at else None
            if end is not None:
                return end
        elif blank:
            self._in_list = False
        return start - 1 if blank else at

    def _indented_end(self, start: int) -> int | None:
        """Where an indented code block ends; a list's text and displayed mathematics are no code."""
        if self._in_list or start < self._indented_until:
            return None
        lines = _INDENTED_LINES.match(self.text, start)
        if lines is None or _DISPLAYED.search(self.text, start, lines.end()):
            self._indented_until = lines.end() if lines else start
            return None
        return lines.end() - 1 if lines.group().endswith("\n") else lines.end()


@cache
def _code_end(length: int) -> re.Pattern[str]:
    return re.compile(rf"(?<!`)`{{{length}}}(?!`)")


@cache
def _fence_end(mark: str, length: int) -> re.Pattern[str]:
    return re.compile(rf"\n[ \t>]*(?P<fence>{mark}{{{length},}})[ \t\r]*(?=\n|\Z)")


# Formats


@dataclass(frozen=True)
class _Dialect:
    """What one format means to the reader.

    ``begin`` prepares a scanner and says where its mathematics may start; ``leaves_out`` names the rows of
    `_TOKENS` that mean nothing here. ``has_layout``: indented blocks are code. ``has_money``: not every ``$``
    is mathematics, nor every ``\\[``. ``has_escapes``: site generators want backslashes before some marks.
    """

    begin: Callable[[_Scanner], int]
    leaves_out: frozenset[str]
    has_layout: bool = False
    has_money: bool = True
    has_escapes: bool = True

    @cached_property
    def _rows(self) -> list[tuple[str, str]]:
        return [row for row in _TOKENS if row[0] not in self.leaves_out]

    @cached_property
    def tokens(self) -> re.Pattern[str]:
        """What a reader stops at; the group that took part tells the row."""
        return re.compile("|".join(f"{pattern}()" for _, pattern in self._rows))

    @cached_property
    def handlers(self) -> list[Callable[[_Scanner, re.Match[str]], int]]:
        return [getattr(_Scanner, name) for name, _ in self._rows]

    def scan(self, source: Source) -> _Scanner:
        return _Scanner(source, self).run()


def _begin_markdown(scanner: _Scanner) -> int:
    front = _FRONT_MATTER.match(scanner.text)
    return front.end() if front else 0


def _begin_text(scanner: _Scanner) -> int:
    return 0


def _begin_tex(scanner: _Scanner) -> int:
    """Read the comments, blank them (the other characters keep their place), take the preamble's macros."""
    shown: list[str] = []
    done = 0
    for comment in _TEX_COMMENT.finditer(scanner.text):
        scanner.directive(Span(*comment.span()), Span(comment.start() + 1, comment.end()))
        shown += [scanner.text[done : comment.start()], " " * len(comment.group())]
        done = comment.end()
    text = "".join([*shown, scanner.text[done:]])
    scanner.show(text)
    body = max(0, text.find("\\begin{document}"))
    scanner.macros.update(_without_definitions(Text(text[:body], range(body + 1)))[1])
    return body


_TEX_ONLY = frozenset({"verbatim", "verb"})
_MARKDOWN_ONLY = frozenset({"comment", "element", "image_tag", "image", "line", "code", "doubled_bracket"})
_MARKDOWN = _Dialect(_begin_markdown, _TEX_ONLY, has_layout=True)

_DIALECTS: Mapping[Format, _Dialect] = {
    "md": _MARKDOWN,
    "ipynb": _MARKDOWN,
    "txt": _Dialect(_begin_text, _TEX_ONLY | {"element", "code"}),
    "tex": _Dialect(_begin_tex, _MARKDOWN_ONLY | {"backtick_dollar"}, has_money=False, has_escapes=False),
}


# Pieces to blocks


def _assemble(path: str, scanners: list[_Scanner]) -> Document:
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
        text, own = _without_definitions(text)
        macros.update(own)
        text = _trimmed(text)
        if text.value:
            blocks.append(Block(piece.kind, text, piece.span, scanner.source, piece.ignored))
    sources = tuple(scanner.source for scanner in scanners)
    order = {id(source): number for number, source in enumerate(sources)}
    errors.sort(key=lambda error: (order[id(error[0])], error[1].span))
    return Document(path, sources, tuple(blocks), tuple(repairs), macros, tuple(errors))


def _trimmed(text: Text) -> Text:
    """Without white space at the ends."""
    start = len(text.value) - len(text.value.lstrip(_BLANKS))
    return text.cut(start, max(start, len(text.value.rstrip(_BLANKS))))


def _without_definitions(text: Text) -> tuple[Text, dict[str, Macro]]:
    """A formula without the macros that it defines, and these."""
    macros: dict[str, Macro] = {}
    edits: list[tuple[int, int, str]] = []
    at = 0
    while found := _DEFINITION.search(text.value, at):
        end = repair.closing_brace(text.value, found.end())
        if end is None:
            break
        macros.update(_macro(found, text.value[found.end() + 1 : end - 1]))
        edits.append((found.start(), end, ""))
        at = end
    return text.replace(edits), macros


def _macro(found: re.Match[str], body: str) -> dict[str, Macro]:
    """What a definition defines; one with a default argument nothing, so that its calls are not misread."""
    if found["default"]:
        return {}
    if found["operator"]:
        return {found["name"]: Macro(0, f"\\operatorname{{{body}}}")}
    count = int(found["count"]) if found["count"] else found["marks"].count("#")
    return {found["name"]: Macro(count, body)}


# Escapes


def _unescaped(text: Text, doubled: bool) -> Text:
    """Mathematics without the backslashes that a site generator wanted.

    ``doubled`` says that some formula of the same source has all its backslashes doubled.
    """
    if doubled and _is_doubled(text.value, COMMANDS):
        text = text.replace(list(_doubled_backslashes(text.value)))
    for find in (_doubled_rows, _doubled_braces, _escaped_marks):
        text = text.replace(list(find(text.value)))
    return text


_Edits = Iterator[tuple[int, int, str]]


def _is_doubled(value: str, names: frozenset[str]) -> bool:
    r"""Whether all commands stand behind doubled backslashes, ``\\frac{a}{b}``, one of these among them."""
    found = False
    for command in _COMMAND_RUN.finditer(value):
        if len(command["run"]) % 2:
            return False
        found = found or (command["name"] in names and len(command["name"]) > 1)
    return found


def _doubled_backslashes(value: str) -> _Edits:
    spared = "\\\\\\\\" not in value
    for run in _BACKSLASHES.finditer(value):
        length = len(run.group())
        if length == 2 and spared and _AFTER_ROW.match(value, run.end()):
            continue  # the rows were not doubled
        if length % 2 == 0:
            yield run.start(), run.start() + length // 2, ""


def _doubled_rows(value: str) -> _Edits:
    r"""All rows end with four backslashes."""
    runs = [run for run in _BACKSLASHES.finditer(value) if len(run.group()) > 1]
    if all(len(run.group()) in (4, 5) for run in runs):
        yield from ((run.start(), run.start() + 2, "") for run in runs)


def _doubled_braces(value: str) -> _Edits:
    r"""``\\{`` and ``\\}`` in pairs: the braces of a set."""
    braces = list(_DOUBLED_BRACE.finditer(value))
    marks = [brace.group()[-1] for brace in braces]
    if marks.count("{") == marks.count("}"):
        yield from ((brace.start(), brace.start() + 1, "") for brace in braces)


def _escaped_marks(value: str) -> _Edits:
    r"""``x\_i`` and ``align\*``; in words ``\_`` is LaTeX's own."""
    words = repair.prose(value)
    ends = [span.end for span in words]
    for mark in _ESCAPED_MARK.finditer(value):
        at = bisect_left(ends, mark.start() + 1)
        in_words = at < len(words) and words[at].start <= mark.start()
        if mark.group() == "\\*" or not in_words:
            yield mark.start(), mark.start() + 1, ""


def _decoded_address(text: Text) -> Text:
    """The LaTeX of an image's address; ``+`` stays what it is."""
    edits = [(code.start(), code.end(), _decoded_code(code.group())) for code in _ENCODED.finditer(text.value)]
    decoded = text.replace(edits)
    look = _LOOK.match(decoded.value)
    return decoded.cut(look.end(), len(decoded)) if look else decoded


def _decoded_code(code: str) -> str:
    if code[0] == "&":
        return {"&space;": " ", "&plus;": "+", "&amp;": "&", "&lt;": "<", "&gt;": ">"}[code]
    return bytes.fromhex(code.replace("%", "")).decode("utf-8", "replace")
