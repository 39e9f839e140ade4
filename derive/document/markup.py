r"""What reStructuredText, AsciiDoc and Org have of their own: directives and roles, blocks, comments.

The parsers of these formats (docutils, orgparse) say on which line a block begins, and of a formula in a sentence not
even that; derive underlines characters. So it looks for the few forms itself that hold mathematics or hide it.
"""

from __future__ import annotations

import re

from derive.document.scanner import Scanner
from derive.source import Span

_LINE = re.compile(r"[^\n]*")
_OPTION = re.compile(r"[ \t]*:[\w-]+:[^\n]*\n?")
_PARAGRAPH = re.compile(r"(?:[^\n]*\S[^\n]*(?:\n|\Z))+")
_PROGRAM = re.compile(r"(?:code|code-block|sourcecode|literalinclude|highlight|raw|parsed-literal|doctest|only)::")
_NAMED = re.compile(r"[\w:-]+::")
_BACKTICK = re.compile("`")
_STEM_END = re.compile(r"(?<!\\)\]")
_PASS = re.compile(r"\n\+{4,}[ \t]*(?=\n|\Z)")
_LISTING = re.compile(r"\n-{4,}[ \t]*(?=\n|\Z)")
_ORG_END = re.compile(r"\n[ \t]*#\+(?i:end_)")


# -- reStructuredText --------------------------------------------------------------------------------------------------


def explicit(scanner: Scanner, opening: re.Match[str]) -> int:
    """``.. math::``, which holds mathematics, a program, which hides it, or a comment, which may speak to derive."""
    if not _starts_line(scanner, opening.start()):
        return opening.end()
    line_end = _line_end(scanner, opening.end())
    end = _body_end(scanner, opening.start(), line_end)
    if scanner.text.startswith("math::", opening.end()):
        _mathematics(scanner, opening.end() + len("math::"), line_end, end)
        return end
    if _PROGRAM.match(scanner.text, opening.end()):
        return end
    if _NAMED.match(scanner.text, opening.end()) or scanner.text[opening.end()] in "_[|":
        return line_end
    scanner.directive(Span(opening.start(), end), Span(opening.end(), end))
    return end


def _mathematics(scanner: Scanner, start: int, line_end: int, end: int) -> None:
    """The paragraphs of a ``math`` directive, each a display; options stand before them."""
    if scanner.text[start:line_end].strip():
        start, first = start, line_end
        scanner.add("display", Span(start, first), scanner.cut(start, first))
    at = min(line_end + 1, end)
    while option := _OPTION.match(scanner.text, at, end):
        at = option.end()
    for paragraph in _PARAGRAPH.finditer(scanner.text, at, end):
        scanner.add("display", Span(*paragraph.span()), scanner.cut(*paragraph.span()))


def _body_end(scanner: Scanner, start: int, line_end: int) -> int:
    """Where the lines end that are indented more than the one that a directive stands on."""
    indent = start - (scanner.text.rfind("\n", 0, start) + 1)
    end = at = line_end
    while at < len(scanner.text):
        line = _LINE.match(scanner.text, at + 1)
        said = line.group() if line is not None else ""
        if said.strip():
            if len(said) - len(said.lstrip()) <= indent:
                break
            end = at + 1 + len(said)
        at += 1 + len(said)
    return end


def role(scanner: Scanner, opening: re.Match[str]) -> int:
    """``:math:`...```."""
    close = scanner.find(_BACKTICK, opening.end())
    if close is None or close.start() >= scanner.paragraph_end(opening.end()):
        return scanner.unclosed(*opening.span(), "`")
    outer = Span(opening.start(), close.end())
    return scanner.add("inline", outer, scanner.cut(opening.end(), close.start()))


# -- AsciiDoc ----------------------------------------------------------------------------------------------------------


def stem(scanner: Scanner, opening: re.Match[str]) -> int:
    """``stem:[...]`` and ``latexmath:[...]``."""
    close = scanner.find(_STEM_END, opening.end())
    if close is None or close.start() >= scanner.paragraph_end(opening.end()):
        return scanner.unclosed(*opening.span(), "]")
    outer = Span(opening.start(), close.end())
    return scanner.add("inline", outer, scanner.cut(opening.end(), close.start()))


def passed(scanner: Scanner, opening: re.Match[str]) -> int:
    """``[stem]`` above a block between ``++++``."""
    start = scanner.find(_PASS, opening.end())
    if start is None or scanner.text[opening.end() : start.start()].strip():
        return opening.end()
    close = scanner.find(_PASS, start.end())
    if close is None:
        return scanner.unclosed(*start.span(), "++++")
    return scanner.add("display", Span(opening.start(), close.end()), scanner.cut(start.end(), close.start()))


def listing(scanner: Scanner, opening: re.Match[str]) -> int:
    """A program between ``----``."""
    close = scanner.find(_LISTING, opening.end())
    return close.end() if close is not None else opening.end()


# -- Org ---------------------------------------------------------------------------------------------------------------


def source(scanner: Scanner, opening: re.Match[str]) -> int:
    """``#+begin_src ... #+end_src``."""
    close = scanner.find(_ORG_END, opening.end())
    return close.end() if close is not None else opening.end()


# -- all ---------------------------------------------------------------------------------------------------------------


def comment_line(scanner: Scanner, opening: re.Match[str]) -> int:
    """A line that is a comment, which may speak to derive."""
    if not _starts_line(scanner, opening.start()):
        return opening.end()
    end = _line_end(scanner, opening.end())
    scanner.directive(Span(opening.start(), end), Span(opening.end(), end))
    return end


def _starts_line(scanner: Scanner, at: int) -> bool:
    return not scanner.text[scanner.text.rfind("\n", 0, at) + 1 : at].strip()


def _line_end(scanner: Scanner, at: int) -> int:
    end = scanner.text.find("\n", at)
    return len(scanner.text) if end < 0 else end
