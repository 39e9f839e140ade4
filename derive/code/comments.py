"""What comments in code say to derive, as those in a document do; one with a slip is answered.

- ``# derive: ignore`` in the line of a backward function, above it or in one of its lines: that is left out.
- ``# derive: given x (N, D), y int (N,)``: shapes, as ``--shapes`` would say them; ``# derive: given eps > 0`` a sign;
  ``# derive: given mode = train``: a setting, as ``--fix`` would. They hold for the whole file.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from derive.code.pairs import Function
from derive.code.shapes import ShapeError, clause

_ADDRESSED = re.compile(r"#+\s*derive\s*(?P<colon>:?)\s*(?P<word>\w*)\s*:?\s*(?P<rest>.*)")
_SETTING = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*==?\s*(?P<value>[^\s,=]+|'[^']*'|\"[^\"]*\")")
_POSITIVE = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*>\s*0")
_SHAPE = r"[A-Za-z_]\w*(\s+(int|bool|pos))?\s*\([^()]*\)"
_SHAPES = re.compile(rf"{_SHAPE}(\s*,\s*{_SHAPE})*")
_WORDS = ("ignore", "skip", "given", "exclude")
GIVEN_FORM = "Write # derive: given x (N, D), or # derive: given mode = train, or # derive: given eps > 0."


@dataclass(frozen=True)
class Slip:
    """A comment that is addressed to derive and says nothing that it knows."""

    line: int
    message: str
    hint: str


@dataclass
class Comments:
    """What the comments of a file say.

    Attributes:
        ignored: the lines with ``derive: ignore``.
        shapes: what is given about arrays, as ``--shapes`` would say it.
        fixed: settings that are given, by name.
        facts: what is given, in words, with its line.
        slips: what was not understood.
    """

    ignored: set[int] = field(default_factory=set)
    shapes: list[str] = field(default_factory=list)
    fixed: dict[str, str] = field(default_factory=dict)
    facts: list[tuple[int, str]] = field(default_factory=list)
    slips: list[Slip] = field(default_factory=list)

    def leaves_out(self, line: int) -> bool:
        """Whether a comment in this line leaves it out."""
        return line in self.ignored

    def leaves_out_all(self, node: Function) -> bool:
        """Whether a comment in the line of a function, or above it and its decorators, leaves it out."""
        first = min((node.lineno, *(d.lineno for d in node.decorator_list)))
        return bool(self.ignored & {node.lineno, first - 1})


def comments_of(text: str) -> Comments:
    """What the comments of a file say to derive."""
    found = Comments()
    if "derive" not in text:
        return found
    for line, comment in _comments(text):
        match = _ADDRESSED.fullmatch(comment.rstrip())
        if match is not None:
            _note(found, line, match)
    return found


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """The comments of a file with their lines; strings that look like one are none."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError):  # the parser has already said what is wrong
        return


def _note(found: Comments, line: int, match: re.Match[str]) -> None:
    word, rest, is_marked = match["word"], match["rest"].strip(), bool(match["colon"])
    if is_marked and word == "ignore" and not rest:
        found.ignored.add(line)
    elif is_marked and word == "given":
        _note_given(found, line, rest)
    elif (right := _meant(word, rest, is_marked)) is not None:
        said = f"derive does not know the directive '{' '.join((word, rest)).strip()[:40]}'"
        found.slips.append(Slip(line, said, f"Did you mean # {right}?"))


def _meant(word: str, rest: str, is_marked: bool) -> str | None:
    """The directive that a comment with a slip was meant to be; None where it is not addressed to derive."""
    near = get_close_matches(word.lower(), _WORDS, n=1, cutoff=0.6)
    if not near:
        return "derive: ignore" if is_marked else None
    if near[0] == "given":
        return f"derive: given {rest}".rstrip()
    return "derive: ignore" if is_marked or not rest else None  # prose may go on after such a word


def _note_given(found: Comments, line: int, fact: str) -> None:
    setting, positive = _SETTING.fullmatch(fact), _POSITIVE.fullmatch(fact)
    if setting is not None:
        found.fixed[setting["name"]] = setting["value"]
    elif positive is not None:
        found.shapes.append(fact)
    elif not _SHAPES.fullmatch(fact) or not _is_clause(fact):
        said = f"'{fact[:60]}' is no given that derive knows" if fact else "this given says nothing"
        found.slips.append(Slip(line, said, GIVEN_FORM))
        return
    else:
        found.shapes.append(fact)
    found.facts.append((line, f"given: {fact}"))


def _is_clause(text: str) -> bool:
    try:
        return bool(clause(text))
    except ShapeError:
        return False
