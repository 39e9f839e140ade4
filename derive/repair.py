r"""LaTeX whose backslash escapes were eaten on the way, put back.

A formula that once stood in a string literal of Python, C or JSON may have lost its escapes: ``\frac`` became
a form feed and ``rac``, ``\right`` a line break and ``ight``, ``\\`` a single ``\``; then the next program
dropped the control characters. What is left says, more often than not, what was meant. `restore` puts
a command back where exactly one known command fits, lists each repair with its place, and refuses
(`RepairError`) where two fit.

A text without damage comes back as it is: what would be bold there (a bare ``heta``, a blank that was a row
break) is done only in a text that shows damage elsewhere.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from derive.latex.constructs import (
    ACCENTS,
    COMMANDS,
    DECORATIONS,
    DELIMITER_SIZES,
    DELIMITERS,
    ELLIPSES,
    FONTS,
    FRACTIONS,
    IGNORED,
    MATRIX_ENVIRONMENTS,
    PRODUCTS,
    RELATIONS,
    ROOTS,
    SYMBOLS,
    TEXT_FONTS,
    WIDE_SPACES,
)
from derive.source import Source, SourceError, Span, Text


@dataclass(frozen=True)
class Repair:
    """One place where LaTeX was put back; ``was`` and ``now`` are printable, control characters escaped."""

    line: int
    column: int
    was: str
    now: str
    cell: int | None = None


class RepairError(SourceError):
    """A damaged place that can be read in more than one way, or in none."""


# The letters that a control character can have been: a string reader makes one character of a backslash and
# such a letter. A line break can also be a carriage return that was normalised.
_EATEN = {"\a": "a", "\b": "b", "\t": "t", "\n": "nr", "\v": "v", "\f": "f", "\r": "r", "\r\n": "nr"}
_ESCAPED = "abfnrtv"
_ESCAPED_EVERYWHERE = "bfnrt"  # JSON knows no others
_NAMES = {"\a": "a bell", "\b": "a backspace", "\v": "a vertical tab", "\f": "a form feed"}
_NAMES |= {"\r": "a carriage return", "\t": "a tab", "\n": "a line break", "\r\n": "a line break"}


def _any_of(names: Iterable[str]) -> str:
    """The pattern of one of some names."""
    return f"(?:{'|'.join(sorted(names))})"


_KNOWN = frozenset(name for name in COMMANDS if name.isascii() and name.isalpha())

# What is left of commands that begin with such a letter, when it is gone: ``rac`` of ``frac``.
_LEFT = {name[1:]: [first + name[1:] for first in _ESCAPED if first + name[1:] in _KNOWN] for name in _KNOWN}
_LEFT = {letters: names for letters, names in _LEFT.items() if letters and names}

# Commands that stand before a brace, and among them those that can do without it.
_BRACED = (
    (FRACTIONS | ROOTS | frozenset(ACCENTS) | TEXT_FONTS | frozenset(FONTS) | frozenset(DECORATIONS))
    | {name for name, count in IGNORED.items() if count}
    | {"begin", "end", "newcommand", "renewcommand", "providecommand"}
    | {"binom", "dbinom", "tbinom", "pmod", "mathds"}
) - {"rm", "bf", "cal"}
_BRACE_OPTIONAL = FRACTIONS | ROOTS | frozenset(ACCENTS)

# What is restored without a brace behind it when only the backslash is missing: nobody types these as words.
_SIGNS = (SYMBOLS | PRODUCTS | RELATIONS | ELLIPSES | WIDE_SPACES) - {"star", "prime", "bullet", "subset"}

_WORD = re.compile(
    r"(?<!\\)(?P<slashes>\\*+)(?:(?P<control>\r\n|[\a\b\t\n\v\f\r])|(?<![A-Za-z]))(?P<letters>[A-Za-z]++)"
)
_BRACE = re.compile(r"[ \t]?\{")
_ARGUMENT = re.compile(r"[ \t]*[{\\0-9A-Za-z]")
_ENVIRONMENT = re.compile(r"[ \t]?\{[A-Za-z]+\\?\*?\}")
_DELIMITER = re.compile(
    rf"\s*(?:[()\[\]|./<>]|\\(?:[{{}}|]|{_any_of(filter(str.isalpha, DELIMITERS))}\b)"
    rf"|{_any_of(name[1:] for name in DELIMITERS if name[0] == 'r')}\b)"
)

# Tails of commands that need what follows: these are recognised also with letters directly before them.
_TAILS = {"ight"} | {tail for tail, names in _LEFT.items() if len(tail) > 2 and not _BRACED.isdisjoint(names)}
_GLUED = re.compile(rf"(?P<before>[A-Za-z]+?)(?P<tail>{_any_of(_TAILS)})")
_ENGLISH = frozenset({"right", "light", "night", "might", "tight", "fight", "sight", "eight", "race"})

# What holds words instead of mathematics; a font of names may hold either.
_OPAQUE = frozenset({"tag", "label", "ref", "eqref", "cite", "begin", "end", "hspace", "vspace"})
_OPAQUE |= {"color", "textcolor", "colorbox", "class", "cssId", "style"}
_FONTS_OF_NAMES = frozenset({"mathrm", "operatorname"})
_WORDS = (TEXT_FONTS | _OPAQUE) - _FONTS_OF_NAMES - {"rm"}
_WORDS |= {name[1:] for name in _WORDS if name[0] == "t"}
_PROSE = re.compile(rf"(?:\\|(?<![A-Za-z\\]))(?:(?P<font>{_any_of(_FONTS_OF_NAMES)})|{_any_of(_WORDS)})\*?[ \t]?\{{")
_MATHEMATICS = re.compile(r"=|\\[A-Za-z]|[\a\b\v\f]")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_DOLLAR = re.compile(r"\\.|\$", re.DOTALL)


class _Word(NamedTuple):
    """A run of letters with the backslashes and the control character before it."""

    slashes: str
    control: str
    letters: str
    start: int
    end: int

    @property
    def tail(self) -> int:
        """Where the letters start."""
        return self.end - len(self.letters)

    @property
    def is_command(self) -> bool:
        """Whether the letters have kept their backslash."""
        return not self.control and len(self.slashes) % 2 == 1


class _Finding(NamedTuple):
    """A damaged place: what it can have been, and whether it is damage whatever else the document shows."""

    start: int
    end: int
    readings: tuple[str, ...]
    certain: bool
    why: str = ""


def restore(text: Text, source: Source, damaged: bool) -> tuple[Text, tuple[Repair, ...]]:
    """A formula with its eaten escapes put back, and what was put back.

    ``damaged`` says that other formulas of the document show damage (`shows_damage`), so that weaker traces
    count. Raises `RepairError` at the first place that can be read in two ways.
    """
    value = text.value
    findings = list(_findings(value, _has_lines(source)))
    eaten = (damaged or any(finding.certain for finding in findings)) and not _holds_intact_escape(value)
    chosen = [_decide(finding, text) for finding in findings if finding.certain or eaten]
    whole = text.replace([(finding.start, finding.end, finding.readings[0]) for finding in chosen])
    rows = _row_breaks(whole, eaten)
    repairs = [_repair(text, source, f.start, f.end, f.readings[0]) for f in chosen]
    repairs += [_repair(whole, source, at, at + 1, "\\\\") for at in rows]
    repairs.sort(key=lambda repair: (repair.line, repair.column))
    return whole.replace([(at, at + 1, "\\\\") for at in rows]), tuple(repairs)


def shows_damage(text: Text, source: Source) -> bool:
    """Whether a formula shows by itself that escapes were eaten."""
    return any(finding.certain for finding in _findings(text.value, _has_lines(source)))


def starts_eaten(value: str, at: int) -> bool:
    """Whether the control character at ``at`` is what is left of a backslash and a letter."""
    match = _WORD.match(value, at)
    if match is None or not match["control"]:
        return False
    finding = _find(value, _word(match), in_prose=False, has_lines=True)
    return finding is not None and finding.certain


def prose(value: str) -> list[Span]:
    r"""The parts of a formula that are words, not mathematics: in ``\text{..}``, ``\label{..}`` and so on."""
    spans: list[Span] = []
    ends: dict[int, int] | None = None
    at = 0
    while match := _PROSE.search(value, at):
        ends = _closing_braces(value) if ends is None else ends
        at = ends.get(match.end() - 1, len(value))
        if match["font"] and _MATHEMATICS.search(value, match.end(), at):
            at = match.end()
            continue
        spans.extend(_outside_dollars(value, match.end(), at - 1 if value[at - 1] == "}" else at))
    return spans


def closing_brace(value: str, start: int, end: int = sys.maxsize) -> int | None:
    """The offset after the brace that closes the one at ``start``, if there is one before ``end``."""
    depth = 0
    for match in _BRACES.finditer(value, start, end):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if not depth:
            return match.end()
    return None


def _closing_braces(value: str) -> dict[int, int]:
    """The offset after the closing brace, for every opening one."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACES.finditer(value):
        if match.group() == "{":
            opened.append(match.start())
        elif match.group() == "}" and opened:
            ends[opened.pop()] = match.end()
    return ends


def _outside_dollars(value: str, start: int, end: int) -> Iterator[Span]:
    """The stretches of a text group that are not ``$..$``."""
    outside = True
    for match in _DOLLAR.finditer(value, start, end):
        if match.group() == "$":
            if outside:
                yield Span(start, match.start())
            start, outside = match.end(), not outside
    if outside:
        yield Span(start, end)


def _has_lines(source: Source) -> bool:
    """Whether lines of the source end with a line feed; then a lone carriage return is no line break."""
    return source.place(len(source.text)).line > 1


def _word(match: re.Match[str]) -> _Word:
    return _Word(match["slashes"], match["control"] or "", match["letters"], match.start(), match.end())


def _findings(value: str, has_lines: bool) -> Iterator[_Finding]:
    spans = prose(value)
    starts = [span.start for span in spans]
    for word in map(_word, _WORD.finditer(value)):
        if word.is_command and word.letters in _KNOWN:
            continue
        before = bisect_right(starts, word.tail) - 1
        in_prose = before >= 0 and word.tail < spans[before].end
        finding = _find(value, word, in_prose, has_lines)
        if finding is not None:
            yield finding


def _find(value: str, word: _Word, in_prose: bool, has_lines: bool) -> _Finding | None:
    """What a word can have been before it was damaged; nothing if it is sound."""
    if word.control and (word.control in "\a\b\v\f" or (word.control == "\r" and has_lines)):
        return _after_control(word)
    if word.control:
        finding = _after_space(value, word, in_prose)
        if finding is not None:
            return finding
    if in_prose or (not word.control and word.slashes and len(word.slashes) % 2 == 0):
        return None
    if word.is_command:
        return _behind_command(value, word)
    return _bare(value, word) or _behind_letter(value, word)


def _after_control(word: _Word) -> _Finding:
    """Letters after a control character that no text holds by itself."""
    name = _EATEN[word.control] + word.letters
    if name in _KNOWN:
        return _Finding(word.start, word.end, (_command(word, name),), True)
    why = f"{_NAMES[word.control]} stands before {word.letters!r}, but no command \\{name} is known"
    return _Finding(word.tail - 1, word.end, (), False, why)


def _after_space(value: str, word: _Word, in_prose: bool) -> _Finding | None:
    """Letters after a tab or line break, which can also be just that."""
    names = [letter + word.letters for letter in _EATEN[word.control] if letter + word.letters in _KNOWN]
    if not names or (in_prose and not _BRACE.match(value, word.end)):
        return None
    name, length = names[0], len(word.letters)
    command = _command(word, name)
    if name[0] == "r" and word.control != "\r" and not (name in ("right", "rightarrow") or length == 2):
        return None  # only a guess: the carriage return would have to be normalised before
    if _speaks_for_itself(value, word, name):
        return _Finding(word.start, word.end, (command,), True)
    if word.control == "\t" and length > 1 and not _indents(value, word.tail - 1):
        return _Finding(word.start, word.end, (command,), False)
    if length > 2:
        return None
    return _Finding(word.start, word.end, (command, f"{word.letters} after {_NAMES[word.control]}"), False)


def _indents(value: str, tab: int) -> bool:
    return tab > 0 and value[tab - 1] in "\n\r\t"


def _speaks_for_itself(value: str, word: _Word, name: str) -> bool:
    """Whether a tab or line break and these letters can only be an eaten command."""
    if name in _BRACED:
        return _BRACE.match(value, word.end) is not None
    if name in DELIMITER_SIZES:
        return _DELIMITER.match(value, word.end) is not None
    if name == "neq":
        return value[word.end : word.end + 1] not in tuple("_^({[")
    return len(word.letters) > 2 and word.letters not in _ENGLISH


def _bare(value: str, word: _Word) -> _Finding | None:
    """Letters left of a command that lost its backslash, and perhaps its first letter with it."""
    if word.letters in FRACTIONS:
        return _fitting(value, word, [word.letters])  # not ``\tfrac``, which would say the same
    lost = [word.letters] if word.letters in _KNOWN else []
    return _fitting(value, word, [*_LEFT.get(word.letters, ()), *lost])


def _behind_letter(value: str, word: _Word) -> _Finding | None:
    r"""The same directly behind another letter: ``xrac{1}{2}``, ``iight)``, ``dheta``."""
    names = _LEFT.get(word.letters[1:])
    if names is None or word.letters in _KNOWN or word.letters in _ENGLISH:
        return None
    rest = word._replace(letters=word.letters[1:])
    finding = _fitting(value, rest, names)
    if finding is None:
        return None
    as_typed = (word.letters,) if len(rest.letters) < 3 else ()
    return finding._replace(certain=False, readings=finding.readings + as_typed)


def _behind_command(value: str, word: _Word) -> _Finding | None:
    r"""The same directly behind another command: ``\gammarac{1}{2}``, ``\muight)``."""
    match = _GLUED.fullmatch(word.letters)
    if match is None or match["before"] not in _KNOWN:
        return None
    rest = word._replace(letters=match["tail"])
    finding = _fitting(value, rest, _LEFT[rest.letters])
    return finding if finding is not None and finding.certain else None


def _fitting(value: str, word: _Word, names: list[str]) -> _Finding | None:
    """Those of the commands that can stand where the letters of a word stand."""
    fitting = [
        name for name in names if _followed(value, word.end, name) or (name in DELIMITER_SIZES and name != word.letters)
    ]
    if not fitting:
        return None
    name, length = fitting[0], len(word.letters)
    braced = name in _BRACED and _BRACE.match(value, word.end) is not None
    if length < 3 and not (braced and name in ACCENTS) and name not in DELIMITER_SIZES:
        return None
    alone = len(fitting) == 1
    if alone and name == word.letters and not braced and not _is_sign(name):
        return None
    certain = alone and (braced or word.letters == "ight")
    return _Finding(word.tail, word.end, tuple(f"\\{name}" for name in fitting), certain)


def _followed(value: str, end: int, name: str) -> bool:
    """Whether what stands at ``end`` can follow a command."""
    if name in ("begin", "end"):
        return _ENVIRONMENT.match(value, end) is not None
    if name in _BRACE_OPTIONAL:
        return _ARGUMENT.match(value, end) is not None
    if name in _BRACED:
        return _BRACE.match(value, end) is not None
    return name not in DELIMITER_SIZES or _DELIMITER.match(value, end) is not None


def _is_sign(name: str) -> bool:
    """Whether a name without its backslash is hardly meant as a word."""
    return len(name) > 3 and (name in _SIGNS or name in DELIMITER_SIZES)


def _command(word: _Word, name: str) -> str:
    r"""The command with what stood before it: a ``\`` directly before an eaten escape was itself a ``\\``."""
    return word.slashes * 2 + "\\" + name


def _holds_intact_escape(value: str) -> bool:
    """Whether a command stands there that any string reader would have eaten."""
    commands = (word.letters for word in map(_word, _WORD.finditer(value)) if word.is_command)
    return any(name[0] in _ESCAPED_EVERYWHERE and name in _KNOWN for name in commands)


def _decide(finding: _Finding, text: Text) -> _Finding:
    """The finding, if it has exactly one reading."""
    if len(finding.readings) == 1:
        return finding
    span = text.span(finding.start, finding.end)
    hint = "The backslash escapes of this text were eaten. Write what is meant there, with its backslash."
    if not finding.readings:
        raise RepairError(finding.why, span, hint)
    shown = text.value[finding.start : finding.end].lstrip("".join(_EATEN))
    raise RepairError(f"damaged text: {shown} can be {' or '.join(finding.readings)}", span, hint)


def _repair(text: Text, source: Source, start: int, end: int, now: str) -> Repair:
    was = text.value[start:end]
    at = start + len(was) - len(was.lstrip("\a\b\t\n\v\f\r\\")) if was != "\\" else start
    line, column = source.place(text.offsets[at])
    return Repair(line, column, _printable(was), now, source.cell)


def _printable(value: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in value)


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


def _row_breaks(text: Text, eaten: bool) -> list[int]:
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
