r"""What comments say to the reader: ``given: m = N`` and ``derive: ignore``; one with a slip is answered.

A comment that is addressed to derive and says nothing that it knows must not be passed over: its author believes that
the line below is left out, or that a convention was stated.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import NamedTuple

from derive.source import SourceError, Span

_IGNORE = re.compile(r"\s*derive:\s*ignore\s*")
_GIVEN = re.compile(r"\s*given:(?P<fact>.*)", re.DOTALL)
_ADDRESSED = re.compile(r"\s*derive\s*:\s*(?P<word>\S*)")
_WORDS = re.compile(r"\s*derive\s+(?P<word>[a-z]+)\s*")
_FACT = re.compile(r"\s*(?P<word>[A-Za-z]+)(?P<colon>\s*:)?(?P<fact>.*)", re.DOTALL)
_COMMANDS = re.compile(r"\\[A-Za-z]+\*?|\$")
_PROSE = re.compile(r"[A-Za-z]{3,}\s+[A-Za-z]{2,}")
_MATHEMATICS = re.compile(r"[=\\$]")
_KNOWN = ("ignore", "skip", "exclude", "given")


class Directive(NamedTuple):
    """What a comment says: a fact, at this place in the text, or that the next display is left out."""

    fact: Span | None


def read(text: str, outer: Span, inner: Span) -> Directive | None:
    """What a comment says to the reader, if anything.

    Args:
        text: the source.
        outer: the whole comment; its first character tells how a right one is written here.
        inner: what stands in it.

    Raises:
        SourceError: it is addressed to derive, and says nothing that derive knows.
    """
    given = _GIVEN.fullmatch(text, *inner)
    if given is not None:
        if not given["fact"].strip(" \t\r\n$"):
            raise SourceError(
                "this given says nothing", outer, f"Write an equation: {_form('given: m = N', text, outer)}"
            )
        return Directive(Span(*given.span("fact")))
    if _IGNORE.fullmatch(text, *inner):
        return Directive(None)
    if (right := _meant(text[inner.start : inner.end])) is not None:
        said = f"derive does not know the directive '{' '.join(text[inner.start : inner.end].split())[:40]}'"
        raise SourceError(said, outer, f"Did you mean {_form(right, text, outer)}?")
    return None


def _meant(comment: str) -> str | None:
    """The directive that a comment with a slip was meant to be; None where it is not addressed to derive."""
    addressed = _ADDRESSED.match(comment) or _WORDS.fullmatch(comment)
    if addressed is not None:
        near = get_close_matches(addressed["word"].lower(), _KNOWN, n=1, cutoff=0.6)
        if near == ["given"]:
            return f"given:{comment[addressed.end() :].lstrip(' :').rstrip()}".replace("given:", "given: ", 1)
        return "derive: ignore" if near or _ADDRESSED.match(comment) else None
    fact = _FACT.fullmatch(comment)
    if fact is None or not _MATHEMATICS.search(fact["fact"]) or _PROSE.search(_COMMANDS.sub(" ", fact["fact"])):
        return None
    near_given = get_close_matches(fact["word"].lower(), ["given"], n=1, cutoff=0.75)
    return f"given: {fact['fact'].strip()}" if near_given else None


def _form(right: str, text: str, outer: Span) -> str:
    """A directive as it is written in this kind of document."""
    return f"% {right}" if text[outer.start] == "%" else f"<!-- {right} -->"
