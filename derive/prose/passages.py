"""A document's sentences: words and formulas in their order, and the cue under which each formula stands.

A display belongs to the sentence around it: to the words before it, unless those end with a full stop, and to the words
behind it, if those go on in lower case. A heading, a list's next item and an empty line between words end a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from derive.document import Block, Document
from derive.prose.cues import Property, announces, closes, cues, properties
from derive.source import Source

_CODE = r"^[ \t>]*(?:```|~~~).*?^[ \t>]*(?:```|~~~)[^\n]*$"
_HIDDEN = re.compile(rf"\A---\n.*?\n---$|<!--.*?-->|{_CODE}|</?[a-zA-Z][^<>]*>", re.DOTALL | re.MULTILINE)
_EMPHASIS = re.compile(r"[*`]")
_HEADING = re.compile(
    r"^[ \t>]*(?P<marks>#{1,6})[ \t]+(?P<title>[^\n]*)$|\\(?P<sub>(?:sub)*)section\*?\{(?P<name>[^}]*)\}"
    r"|^(?=[^\n]*?\w)(?P<above>[^\n]*+)\n(?P<line>=|-|~)(?P=line){2,}[ \t]*$"
    r"|(?:\A|(?<=\n))[ \t]*(?:\*\*(?P<bold>[^*\n]+)\*\*|\\textbf\{(?P<face>[^{}\n]+)\})[ \t]*(?=\n[ \t]*(?:\n|\Z)|\Z)",
    re.MULTILINE,
)
_LINES = {"=": 1, "-": 2, "~": 3}
BOLD = 7
"""The level of a line in bold that stands alone: below all headings."""
_TITLES = ("title", "name", "above", "bold", "face")
_STOP = re.compile(r"(?<!\w[.]\w)(?<!\bvs)(?<!\bcf)(?<!\bEq)(?<!\bresp)[.!?](?=\s|\Z)|[。！？]")
_BREAK = re.compile(r"\n[ \t>\r]*\n|\n[ \t>]*(?:[-+]|\d+[.)])[ \t]|\\item\b|\\par\b|\n[ \t>]*-{3,}[ \t]*\n")
_ENDS = re.compile(r"[.!?。！？](?:\s|\\[,;!:~ ]|\\q?quad|\\tag\{[^{}]*\}|\\label\{[^{}]*\})*\Z")
_FIRST = re.compile(r"\s*\(?(\S)")
_GOING_ON = (",", ";", ":", "，", "；", "其", "た", "こ")
"""Marks that go on with a sentence, and the first signs of *where* in scripts without capitals."""
_NEAR = 3  # words between a property and the name that it is said of
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(eq=False)
class Passage:
    """Words and formulas from one full stop to the next.

    Attributes:
        parts: stretches of words, and blocks of mathematics.
        heading: the level of the heading that it is, 1 for the highest; 0 where it is none.
        new_paragraph: whether it begins one.
    """

    source: Source
    parts: list[str | Block] = field(default_factory=list)
    heading: int = 0
    new_paragraph: bool = True

    @property
    def words(self) -> str:
        """Its words, a sign for each formula between them."""
        return " ".join(part if isinstance(part, str) else "∎" for part in self.parts)

    @property
    def blocks(self) -> list[Block]:
        """Its formulas."""
        return [part for part in self.parts if isinstance(part, Block)]

    @property
    def has_words(self) -> bool:
        return any(isinstance(part, str) and _LETTER.search(part) for part in self.parts)

    def cues(self) -> dict[int, str]:
        """For each of its formulas, by the ``id`` of its block, the role of the words that it stands under."""
        found: dict[int, str] = {}
        role, parted = "", False
        for part, behind in pairwise((*self.parts, "")):
            if isinstance(part, str):
                for cue, _ in cues(part):
                    parted = cue == "comma"
                    role = role if parted or cue in ("remark", "another") else "" if cue in ("then", "general") else cue
            else:
                role = "" if parted and (part.kind == "display" or not _goes_on(self.parts, part)) else role
                found[id(part)] = closes(behind) if isinstance(behind, str) and closes(behind) else role
                parted = False
                role = "" if part.kind == "display" else role
        return found

    def properties(self) -> Iterator[tuple[Property, list[Block]]]:
        """What its words say of formulas: of the one before, and of those that *and* joins to it, else of the next."""
        before: list[Block] = []
        for k, part in enumerate(self.parts):
            if isinstance(part, Block):
                joined = k and isinstance(self.parts[k - 1], str) and len(str(self.parts[k - 1]).split()) <= 1
                before = [*before, part] if joined else [part]
                continue
            for found, at in properties(part):
                behind = self.parts[k + 1 : k + 2]
                near = len(part[at:].split()) <= _NEAR and behind and isinstance(behind[0], Block)
                if before:
                    yield found, before
                elif near and isinstance(behind[0], Block):
                    yield found, [behind[0]]

    @property
    def is_remark(self) -> bool:
        """Whether it speaks of special values: *the network can learn* …"""
        return announces(self.words, "remark")


def _goes_on(parts: list[str | Block], part: Block) -> bool:
    """Whether a list of suppositions goes on behind one of its formulas: *if a = 1, b = 2 and c = 3, then*."""
    rest = parts[next(k for k, one in enumerate(parts) if one is part) + 1 :]
    words = [cue for piece in rest if isinstance(piece, str) for cue, _ in cues(piece)]
    return "comma" in words or "then" in words


def has_heading(text: str) -> bool:
    """Whether a stretch of a document's text has a heading in it."""
    return _HEADING.search(_HIDDEN.sub("", text)) is not None


def passages(document: Document) -> list[Passage]:
    """All sentences of a document, in reading order; what stands in comments is none."""
    found: list[Passage] = []
    for source in document.sources:
        blocks = [b for b in document.blocks if b.source is source and b.kind in ("display", "inline")]
        found += _of_source(source, sorted(blocks, key=lambda b: b.span))
    return [passage for passage in found if passage.parts]


def _of_source(source: Source, blocks: list[Block]) -> Iterator[Passage]:
    current, end = Passage(source), 0
    before: Block | None = None
    for block in (*blocks, None):
        gap = _HIDDEN.sub("", source.text[end : block.span.start if block is not None else len(source.text)])
        for piece in _pieces(gap, before, block):
            if isinstance(piece, str):
                current.parts.append(piece)
                continue
            if current.parts:
                yield current
            current = piece
            current.source = source
        if block is None:
            break
        current.parts.append(block)
        before, end = block, block.span.end
    yield current


def _pieces(gap: str, before: Block | None, behind: Block | None) -> Iterator[str | Passage]:
    """A stretch of prose between two formulas as words, with a new sentence wherever one begins."""
    nowhere = Source("", "")
    if before is not None and before.kind == "display" and _starts_anew(gap, before):
        yield Passage(nowhere)
    at, end = 0, len(_EMPHASIS.sub(" ", gap).rstrip())
    for stop, heading in _stops(gap):
        words = _EMPHASIS.sub("", gap[at : stop[0]])
        at = stop[1]
        if words.strip():
            yield words
        if heading is not None:
            yield Passage(nowhere, heading=heading[0])
            yield _EMPHASIS.sub("", heading[1])
            yield Passage(nowhere)
        elif _STOP.match(gap, stop[0]):
            yield Passage(nowhere, new_paragraph=False)
        elif (words.strip() or (before is not None and before.kind == "inline")) and not (
            at >= end and behind is not None and behind.kind == "display"
        ):
            yield Passage(nowhere)
    rest = _EMPHASIS.sub("", gap[at:])
    if rest.strip():
        yield rest


def _stops(gap: str) -> list[tuple[tuple[int, int], tuple[int, str] | None]]:
    """Where sentences end in prose, with the level and the title of a heading that begins there."""
    found: list[tuple[tuple[int, int], tuple[int, str] | None]] = []
    for heading in _HEADING.finditer(gap):
        found.append((heading.span(), (_level(heading), next(filter(None, map(heading.group, _TITLES)), ""))))
    taken = [span for span, _ in found]
    for pattern in (_STOP, _BREAK):
        for match in pattern.finditer(gap):
            if not any(start <= match.start() < end or start < match.end() <= end for start, end in taken):
                found.append((match.span(), None))
    return sorted(found, key=lambda one: one[0])


def _level(heading: re.Match[str]) -> int:
    if heading["bold"] or heading["face"]:
        return BOLD
    if heading["line"]:
        return _LINES[heading["line"]]
    return len(heading["marks"]) if heading["marks"] else 1 + len(heading["sub"] or "") // 3


def _starts_anew(gap: str, before: Block) -> bool:
    """Whether a new sentence begins behind a display."""
    if _ENDS.search(before.text.value):
        return True
    first = _FIRST.match(gap)
    return first is not None and not (first[1].islower() or first[1] in _GOING_ON)
