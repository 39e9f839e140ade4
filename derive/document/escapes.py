r"""Undoing what site generators and image addresses did to LaTeX."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from derive import repair
from derive.latex.constructs import ACCENTS, COMMANDS, DECORATIONS, FONTS, FRACTIONS, GREEK, ROOTS, TEXT_FONTS
from derive.source import Text

_BACKSLASHES = re.compile(r"\\+")
_COMMAND_RUN = re.compile(r"(?<!\\)(?P<run>\\+)(?P<name>[A-Za-z]+)")
_TELLING = FRACTIONS | ROOTS | GREEK | TEXT_FONTS | frozenset({*ACCENTS, *FONTS, *DECORATIONS})
_TELLING |= {"partial", "nabla", "sum", "prod", "begin", "left", "cdot", "odot", "times"}
_AFTER_ROW = re.compile(r"[ \t\r\n&]|\[\d|\Z")
_DOUBLED_BRACE = re.compile(r"(?<!\\)\\\\[{}]")
_ESCAPED_MARK = re.compile(r"(?<!\\)\\[_*]")
_ENCODED = re.compile(r"%[0-7][0-9A-Fa-f]|(?:%[89A-Fa-f][0-9A-Fa-f])+|&(?:space|plus|amp|lt|gt);")
_LOOK = re.compile(r"(?:\\(?:inline|dpi\{\d+\}|bg_\w+|fn_\w+|tiny|small|large|Large|LARGE|huge)\s*)+")

_Edits = Iterator[tuple[int, int, str]]


def is_doubled(value: str) -> bool:
    """Whether all backslashes of a formula are doubled, and it holds a command that tells so."""
    return _is_doubled(value, _TELLING)


def unescaped(text: Text, doubled: bool) -> Text:
    """Mathematics without the backslashes that a site generator wanted.

    ``doubled`` says that some formula of the same source has all its backslashes doubled.
    """
    if doubled and _is_doubled(text.value, COMMANDS):
        text = text.replace(list(_doubled_backslashes(text.value)))
    for find in (_doubled_rows, _doubled_braces, _escaped_marks):
        text = text.replace(list(find(text.value)))
    return text


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


def decoded_address(text: Text) -> Text:
    """The LaTeX of an image's address; ``+`` stays what it is."""
    edits = [(code.start(), code.end(), _decoded_code(code.group())) for code in _ENCODED.finditer(text.value)]
    decoded = text.replace(edits)
    look = _LOOK.match(decoded.value)
    return decoded.cut(look.end(), len(decoded)) if look else decoded


def _decoded_code(code: str) -> str:
    if code[0] == "&":
        return {"&space;": " ", "&plus;": "+", "&amp;": "&", "&lt;": "<", "&gt;": ">"}[code]
    return bytes.fromhex(code.replace("%", "")).decode("utf-8", "replace")
