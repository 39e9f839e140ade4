"""Braced groups of a formula: where they close, and which of them hold words."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

from derive.latex.constructs import TEXT_FONTS
from derive.source import Span


def any_of(names: Iterable[str]) -> str:
    """The pattern of one of some names."""
    return f"(?:{'|'.join(sorted(names))})"


# What holds words instead of mathematics; a font of names may hold either.
_OPAQUE = frozenset({"tag", "label", "ref", "eqref", "cite", "begin", "end", "hspace", "vspace"})
_OPAQUE |= {"color", "textcolor", "colorbox", "class", "cssId", "style"}
_FONTS_OF_NAMES = frozenset({"mathrm", "operatorname"})
_WORDS = (TEXT_FONTS | _OPAQUE) - _FONTS_OF_NAMES - {"rm"}
_WORDS |= {name[1:] for name in _WORDS if name[0] == "t"}
_PROSE = re.compile(rf"(?:\\|(?<![A-Za-z\\]))(?:(?P<font>{any_of(_FONTS_OF_NAMES)})|{any_of(_WORDS)})\*?[ \t]?\{{")
_MATHEMATICS = re.compile(r"=|\\[A-Za-z]|[\a\b\v\f]")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_DOLLAR = re.compile(r"\\.|\$", re.DOTALL)


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
