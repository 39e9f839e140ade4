"""The text between formulas as sentences, with each formula that stands in them as one sign."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from derive.document import Block, Document
from derive.source import Source, Span

OPEN, CLOSE = "\N{MATHEMATICAL LEFT ANGLE BRACKET}", "\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
"""What a formula's number stands between."""

_BREAK = "\n\n"
_HIDDEN = re.compile(r"<!--.*?-->|^[ \t>]*(```|~~~).*?^[ \t>]*\1[^\n]*$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_ABBREVIATED = re.compile(
    r"\b(e\.g|i\.e|w\.r\.t|resp|cf|bzw|d\.h|z\.B|p\.ej|c\.-à-d|т\.е|dim|vs|eq|fig|ex)\.", re.IGNORECASE
)
_END = re.compile(r"[.!?](?=\s|\Z)|[。；！？;]|\n\s*\n|^#.*$|\n(?=\s*(?:[-*+•]|\d{1,3}[.)])\s)", re.MULTILINE)
_MARKS = re.compile(r"[*~\\]+|(?<!\w)_+|_+(?!\w)|^\s*>", re.MULTILINE)


@dataclass(frozen=True)
class Sentence:
    """Words with the formulas among them.

    Attributes:
        text: the words; a formula is its number in ``formulas`` between ``OPEN`` and ``CLOSE``.
        formulas: the blocks that it holds.
        span: where it stands.
    """

    source: Source
    text: str
    formulas: tuple[Block, ...]
    span: Span

    @property
    def line(self) -> int:
        """The line of its first formula."""
        return self.source.place(self.span.start).line


def sentences(document: Document) -> Iterator[Sentence]:
    """The sentences of a document that hold a formula or a word for one, in reading order.

    A display with a relation ends a sentence: what stands behind it is another one.
    """
    for source in document.sources:
        blocks = [b for b in document.blocks if b.source is source and b.kind != "given"]
        for text, formulas in _stretches(source, blocks):
            yield from _cut(source, text, formulas)


def _stretches(source: Source, blocks: list[Block]) -> Iterator[tuple[list[tuple[str, int]], list[Block]]]:
    """The characters between two displays with their places, and the formulas among them."""
    letters: list[tuple[str, int]] = []
    formulas: list[Block] = []
    at = 0
    for block in sorted(blocks, key=lambda b: b.span):
        if block.span.start < at:
            continue
        letters += _shown(source.text, at, block.span.start)
        at = block.span.end
        if is_sign(block):
            letters += [(c, block.span.start) for c in f" {OPEN}{len(formulas)}{CLOSE} "]
            formulas.append(block)
        else:
            yield letters, formulas
            letters, formulas = [], []
    yield letters + _shown(source.text, at, len(source.text)), formulas


def is_sign(block: Block) -> bool:
    """Whether a formula is part of a sentence: it stands in a line, or is displayed and no more than a name."""
    return block.kind == "inline" or (len(block.text) < 40 and not re.search(r"=|\\\\|\\begin|&", block.text.value))


def _shown(text: str, start: int, end: int) -> list[tuple[str, int]]:
    """Characters that a reader sees, with their places: no comments and no code."""
    found: list[tuple[str, int]] = []
    for hidden in _HIDDEN.finditer(text, start, end):
        found += zip(text[start : hidden.start()], range(start, hidden.start()), strict=True)
        start = hidden.end()
    return found + list(zip(text[start:end], range(start, end), strict=True))


def _cut(source: Source, letters: list[tuple[str, int]], formulas: list[Block]) -> Iterator[Sentence]:
    text = "".join(c for c, _ in letters)
    text = _ABBREVIATED.sub(lambda m: m.group().replace(".", "\N{ONE DOT LEADER}"), text)
    start = 0
    for end in (*(m.span() for m in _END.finditer(text)), (len(text), len(text))):
        words = text[start : end[0]]
        if words.strip():
            places = [place for _, place in letters[start : end[0]]]
            yield _sentence(source, words, formulas, Span(places[0], places[-1] + 1))
        start = end[1]


def _sentence(source: Source, words: str, formulas: list[Block], span: Span) -> Sentence:
    numbers = [int(n) for n in re.findall(rf"{OPEN}(\d+){CLOSE}", words)]
    own = tuple(formulas[n] for n in numbers)
    for new, old in enumerate(numbers):
        words = words.replace(f"{OPEN}{old}{CLOSE}", f"{OPEN}#{new}{CLOSE}")
    place = own[0].span if own else span
    plain = " ".join(_MARKS.sub(" ", words.replace("#", "")).split())
    return Sentence(source, plain, own, place)
