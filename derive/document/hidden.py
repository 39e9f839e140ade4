"""What hides mathematics: comments, code, verbatim text, and the layout of lines that tells code from text.

Each handler takes what the scanner found and says where reading goes on.
"""

from __future__ import annotations

import re
from functools import lru_cache

from derive.document import typed
from derive.document.formulas import DOUBLE_DOLLAR
from derive.document.model import Kind
from derive.document.scanner import Scanner
from derive.source import Span

LISTED = r"(?:[-*+]|\d{1,9}[.)])[ \t]"
_BLANK_LINES = re.compile(r"(?:[ \t>\r]*\n)++")
_FENCE = re.compile(rf"[ \t>]*(?:{LISTED}+)?(?P<fence>`{{3,}}|~{{3,}})[ \t]*(?P<info>[^\n]*)")
_LIST_ITEM = re.compile(rf"[ \t>]*{LISTED}")
_INDENTED_LINE = re.compile(r"(?: {4}|\t)[ \t]*[^\s]")
_INDENTED_LINES = re.compile(r"(?:(?: {4}|\t)[^\n]*(?:\n|\Z)|[ \t\r]*\n)++")
_DISPLAYED = re.compile(r"\$\$|egin\{|\\\[")
_COMMENT_EDGE = re.compile(r"<!--|-->")
_ELEMENT_EDGES = {
    name: re.compile(rf"<(?P<close>/?)(?i:{name})\b[^<>]*>") for name in ("code", "pre", "script", "style")
}
_MATHJAX = re.compile(r"<(?i:script)\s[^<>]*?type\s*=\s*[\"']?math/tex(?P<display>;\s*mode=display)?[^<>]*>")
_DOLLARS = re.compile(r"(?P<dollars>\$\$?)(?P<inner>[^$]+)(?P=dollars)")
_MATHEMATICAL = re.compile(r"[\\_^=]")
_OPTIONS = re.compile(r"^[ \t>]*:[a-z]+:[^\n]*\n", re.MULTILINE)
_LONGEST_FENCE = 16
_LONGEST_SPAN = 2_000


def escape(scanner: Scanner, match: re.Match[str]) -> int:
    """A backslash before a mark: the mark means itself."""
    return match.end()


def comment(scanner: Scanner, opening: re.Match[str]) -> int:
    """``<!-- ... -->``, which may speak to the reader."""
    close = scanner.find(_COMMENT_EDGE, opening.end())
    if close is None or close.group() == "<!--":
        return scanner.unclosed(*opening.span(), "-->")
    scanner.directive(Span(opening.start(), close.end()), Span(opening.end(), close.start()))
    return close.end()


def element(scanner: Scanner, opening: re.Match[str]) -> int:
    """``<code> ... </code>`` and its kin; a script of MathJax holds a formula."""
    edge = scanner.find(_ELEMENT_EDGES[opening.group()[1:].lower()], opening.end())
    if edge is None or not edge["close"]:
        return opening.end()
    script = _MATHJAX.match(scanner.text, opening.start())
    if script is not None:
        kind: Kind = "display" if script["display"] else "inline"
        scanner.add(kind, Span(opening.start(), edge.end()), scanner.cut(script.end(), edge.start(), opening.start()))
    return edge.end()


def code(scanner: Scanner, opening: re.Match[str]) -> int:
    """A code span, between as many backticks as it began with."""
    length = len(opening.group())
    close = scanner.find(_code_end(length), opening.end()) if length <= _LONGEST_FENCE else None
    if close is None or close.start() >= scanner.paragraph_end(opening.end()):
        return opening.end()
    inner = _formula_in_code(scanner, opening.end(), close.start())
    if inner is not None:
        scanner.add("inline", Span(opening.start(), close.end()), typed.written(scanner.cut(*inner)))
    return close.end()


def _formula_in_code(scanner: Scanner, start: int, end: int) -> Span | None:
    """The formula that a code span is: between dollars, or typed in the signs of mathematics."""
    dollars = _DOLLARS.fullmatch(scanner.text, start, end)
    if dollars is not None and _MATHEMATICAL.search(dollars["inner"]):
        return Span(*dollars.span("inner"))
    return typed.equation(scanner.text, start, end) if end - start < _LONGEST_SPAN else None


def verbatim(scanner: Scanner, opening: re.Match[str]) -> int:
    r"""``\begin{verbatim} ... \end{verbatim}``."""
    end = "\\end" + opening.group()[len("\\begin") :]
    close = scanner.find(re.compile(re.escape(end)), opening.end())
    return close.end() if close else scanner.unclosed(*opening.span(), end)


def verb(scanner: Scanner, opening: re.Match[str]) -> int:
    r"""``\verb|...|``."""
    close = scanner.find(re.compile(rf"{re.escape(opening.group()[-1])}|\n"), opening.end())
    return close.end() if close and close.group() != "\n" else opening.end()


def line(scanner: Scanner, match: re.Match[str]) -> int:
    """The start of a line at which a fence, a list or a blank line may stand."""
    return begin_line(scanner, match.end())


def begin_line(scanner: Scanner, at: int) -> int:
    """Skip a fenced or an indented code block that begins at a line's start; a fence marked ``math`` is a display."""
    fence = _FENCE.match(scanner.text, at)
    if fence and not (fence["fence"][0] == "`" and "`" in fence["info"]):
        return _fence(scanner, fence)
    return _layout(scanner, at) if scanner.dialect.has_layout else at


def _fence(scanner: Scanner, opening: re.Match[str]) -> int:
    fence = opening["fence"]
    close = scanner.find(_fence_end(fence[0], min(len(fence), _LONGEST_FENCE)), opening.end())
    if close is None:
        return scanner.unclosed(*opening.span("fence"), fence)
    language = "".join(opening["info"].split()[:1]).lower()
    if language in ("math", "{math}"):
        text = scanner.cut(opening.end(), close.start(), opening.start())
        strays = [(stray.start(), stray.end(), "") for stray in DOUBLE_DOLLAR.finditer(text.value)]
        strays += [(option.start(), option.end(), "") for option in _OPTIONS.finditer(text.value)]
        scanner.add("display", Span(opening.start("fence"), close.end("fence")), text.replace(sorted(strays)))
    elif language in ("latex", "tex"):
        if not typed.block(scanner, opening.end(), close.start()):
            scanner.walk(opening.end(), close.start())
    elif language in typed.LANGUAGES:
        typed.lines(scanner, opening.end(), close.start())
    return close.end()


def _layout(scanner: Scanner, at: int) -> int:
    """Keep track of lists, and skip an indented code block, at the start of a line."""
    blank = _BLANK_LINES.match(scanner.text, at)
    start = blank.end() if blank else at
    if _LIST_ITEM.match(scanner.text, start):
        scanner.in_list = True
    elif _INDENTED_LINE.match(scanner.text, start):
        end = _indented_end(scanner, start) if blank or not at else None
        if end is not None:
            return end
    elif blank:
        scanner.in_list = False
    return start - 1 if blank else at


def _indented_end(scanner: Scanner, start: int) -> int | None:
    """Where an indented code block ends; a list's text and displayed mathematics are no code."""
    if scanner.in_list or start < scanner.indented_until:
        return None
    lines = _INDENTED_LINES.match(scanner.text, start)
    if lines is None or _DISPLAYED.search(scanner.text, start, lines.end()):
        scanner.indented_until = lines.end() if lines else start
        return None
    return lines.end() - 1 if lines.group().endswith("\n") else lines.end()


@lru_cache(maxsize=64)
def _code_end(length: int) -> re.Pattern[str]:
    return re.compile(rf"(?<!`)`{{{length}}}(?!`)")


@lru_cache(maxsize=64)
def _fence_end(mark: str, length: int) -> re.Pattern[str]:
    return re.compile(rf"\n[ \t>]*(?P<fence>{mark}{{{length},}})[ \t\r]*(?=\n|\Z)")
