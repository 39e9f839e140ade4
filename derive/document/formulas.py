"""What is mathematics: dollars, brackets, environments, images of formulas, macros between them.

Each handler takes what the scanner found and says where reading goes on.
"""

from __future__ import annotations

import re

from derive import repair
from derive.document.escapes import decoded_address
from derive.document.macros import DEFINITION, macro
from derive.document.model import Kind
from derive.document.scanner import OUTSIDE, Scanner
from derive.source import SourceError, Span

_WORD_BEFORE = re.compile(r"[^\W\d_]{2}[,:;(]?[ \t]*\n?[ \t]*\(?\Z")
_WORD_AFTER = re.compile(r"[,;)]?[ \t]*\n?[ \t]*\(?[^\W\d_]{2}")
_NEAR = 20
_BRACED = re.compile(r"\{([^{}\n]*)\}")


def _unescaped_mark(mark: str) -> re.Pattern[str]:
    r"""A mark that stands behind no backslash, or behind whole row breaks ``\\``."""
    return re.compile(rf"{mark}(?:(?<!\\{mark})|(?<=[^\\]\\\\{mark})|(?<=[^\\]\\\\\\\\{mark}))")


DOUBLE_DOLLAR = _unescaped_mark(r"\$\$")
_DOLLAR = _unescaped_mark(r"\$")
_DOLLAR_CODE_END = re.compile(r"`\$")
_BRACKET_ENDS = {
    r"\(": _unescaped_mark(r"\\\)"),
    r"\[": _unescaped_mark(r"\\\]"),
    r"\\(": re.compile(r"\\\\\)"),
    r"\\[": re.compile(r"\\\\\]"),
}
_BLANKS = " \t\r\n"
_AFTER_MONEY = tuple(" \t\r\n0123456789")
_NESTED_DOLLARS = 4
_MARGIN = 80
_MATHEMATICAL = re.compile(r"\\[A-Za-z{|]|[_^=\a\b\v\f]")
_COMMAND = re.compile(r"\\[A-Za-z]")
_WORDS_ONLY = re.compile(r"(?:[^\W_]|[\s,.;:'’-])*+")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_IMAGE_TAG = re.compile(r"<(?i:img)\s[^<>]*?\b(?i:src)\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')[^<>]*>?")
_IMAGE = re.compile(r"!\[[^\[\]\n]*\]\([ \t]*<?")
_FORMULA_ADDRESS = re.compile(r"[^\"'\s()]*?(?:[?&](?:math|tex|chl)=|latex\.codecogs\.com/[^?\"'\s()]*\?)")
_PARENTHESES = re.compile(r"[()\n]")
_TITLE = re.compile(r"(?<![ \t])[ \t]++\"[^\"\n]*\"\Z")


def dollars(scanner: Scanner, opening: re.Match[str]) -> int:
    """``$$ ... $$``, which no prose interrupts."""
    close = scanner.closing(DOUBLE_DOLLAR, opening.end())
    if close is None or len(_DOLLAR.findall(scanner.text, opening.end(), close.start())) % 2:
        return scanner.unclosed(*opening.span(), "$$")
    outer = Span(opening.start(), close.end())
    kind: Kind = "inline" if _stands_in_line(scanner.text, outer) else "display"
    return scanner.add(kind, outer, scanner.cut(opening.end(), close.start(), opening.start()))


def _stands_in_line(text: str, formula: Span) -> bool:
    """Whether a formula between double dollars stands among words, one side of it on their line, as kramdown's do."""
    near = max(0, formula.start - _NEAR)
    before, after = _WORD_BEFORE.search(text, near, formula.start), _WORD_AFTER.match(text, formula.end)
    return before is not None and after is not None and not ("\n" in before[0] and "\n" in after[0])


def dollar(scanner: Scanner, opening: re.Match[str]) -> int:
    """``$ ... $`` within a paragraph, unless it is money."""
    start = opening.end()
    end = _closing_dollar(scanner, start)
    if end is None:
        is_money = scanner.text[start : start + 1] in _AFTER_MONEY
        if is_money or not scanner.holds(_COMMAND, start, scanner.paragraph_end(start)):
            return start
        return scanner.unclosed(*opening.span(), "$")
    if scanner.dialect.has_money and not _is_inline(scanner, start, end):
        return start
    return scanner.add("inline", Span(opening.start(), end + 1), scanner.cut(start, end, opening.start()))


def _closing_dollar(scanner: Scanner, start: int) -> int | None:
    """The next ``$`` of the paragraph; within limits a later one, if that one stands inside of braces."""
    limit = scanner.paragraph_end(start)
    first, at, depth = None, start, 0
    for _ in range(_NESTED_DOLLARS):
        close = scanner.find(_DOLLAR, at)
        if close is None or close.start() >= limit:
            break
        first = close.start() if first is None else first
        depth += _depth(scanner, at, close.start())
        if depth <= 0:
            return close.start()
        at = close.end()
    return first


def _depth(scanner: Scanner, start: int, end: int) -> int:
    """How many more braces are opened than closed between two places."""
    braces = [brace.group() for brace in _BRACES.finditer(scanner.text, start, end)]
    return braces.count("{") - braces.count("}")


def _is_inline(scanner: Scanner, start: int, end: int) -> bool:
    """Whether dollars enclose mathematics: pandoc's rule, but blanks may stand in what looks like it."""
    if start == end or scanner.text[end + 1 : end + 2].isdigit():
        return False
    blank = scanner.text[start] in _BLANKS and not repair.starts_eaten(scanner.text, start)
    return not (blank or scanner.text[end - 1] in _BLANKS) or scanner.holds(_MATHEMATICAL, start, end)


def backtick_dollar(scanner: Scanner, opening: re.Match[str]) -> int:
    """``$`...`$``, as GitLab writes it."""
    close = scanner.find(_DOLLAR_CODE_END, opening.end())
    if close is None or close.start() >= scanner.paragraph_end(opening.end()):
        return opening.end()
    outer = Span(opening.start(), close.end())
    return scanner.add("inline", outer, scanner.cut(opening.end(), close.start(), outer.start))


def bracket(scanner: Scanner, opening: re.Match[str]) -> int:
    r"""``\( ... \)`` and ``\[ ... \]``; in Markdown the latter may be a link."""
    start, mark = opening.end(), opening.group()
    closing = {"(": ")", "[": "]"}[mark[-1]]
    limit = scanner.paragraph_end(start)
    close = scanner.closing(_BRACKET_ENDS[mark], start)
    if close is None or (closing == ")" and close.start() >= limit):
        is_text = scanner.dialect.has_money and not scanner.holds(_MATHEMATICAL, start, limit)
        return start if is_text else scanner.unclosed(*opening.span(), mark[:-1] + closing)
    is_link = closing == "]" and _WORDS_ONLY.fullmatch(scanner.text, start, close.start())
    if is_link and scanner.dialect.has_money:
        return start  # brackets that Markdown would otherwise take for a link
    kind: Kind = "display" if closing == "]" else "inline"
    outer = Span(opening.start(), close.end())
    return scanner.add(kind, outer, scanner.cut(start, close.start(), outer.start))


def doubled_bracket(scanner: Scanner, opening: re.Match[str]) -> int:
    """``\\\\(`` in Markdown, where a backslash may have been escaped."""
    return bracket(scanner, opening)


def environment(scanner: Scanner, opening: re.Match[str]) -> int:
    r"""``\begin{align} ... \end{align}``, also where its first characters were eaten."""
    start, (before, _, name) = opening.start(), opening.group().partition("egin")
    if before in ("", "b") and scanner.text[max(0, start - 1) : start].isalpha():
        return opening.end()  # the end of a word
    end = scanner.environment_ends.get(start + len(before))
    if end is None or scanner.holds(OUTSIDE, opening.end(), end):
        return scanner.unclosed(*opening.span(), f"\\end{name}")
    kind: Kind = "inline" if name == "{math}" else "display"
    return scanner.add(kind, Span(start, end), scanner.cut(start, end, start))


def image_tag(scanner: Scanner, opening: re.Match[str]) -> int:
    """``<img src=...>`` whose address holds LaTeX."""
    tag = _IMAGE_TAG.match(scanner.text, opening.start())
    if tag is None:
        return opening.end()
    quote = "double" if tag["double"] is not None else "single"
    return _address(scanner, Span(*tag.span()), Span(*tag.span(quote)))


def image(scanner: Scanner, opening: re.Match[str]) -> int:
    """``![...](address)`` whose address holds LaTeX."""
    image = _IMAGE.match(scanner.text, opening.start())
    if image is None or not _FORMULA_ADDRESS.match(scanner.text, image.end()):
        return opening.end()
    close = _closing_parenthesis(scanner, image.end())
    if close is None:
        return scanner.unclosed(*opening.span(), ")")
    title = _TITLE.search(scanner.text, image.end(), close)
    return _address(scanner, Span(opening.start(), close + 1), Span(image.end(), title.start() if title else close))


def _closing_parenthesis(scanner: Scanner, start: int) -> int | None:
    depth = 1
    for mark in _PARENTHESES.finditer(scanner.text, start):
        depth += {"(": 1, ")": -1}.get(mark.group(), 0)
        if not depth:
            return mark.start()
        if mark.group() == "\n":
            break
    return None


def _address(scanner: Scanner, outer: Span, inner: Span) -> int:
    """Keep the formula that an image's address holds, if it does."""
    formula = _FORMULA_ADDRESS.match(scanner.text, *inner)
    if formula is None:
        return outer.end
    kind: Kind = "display" if _stands_alone(scanner, outer) else "inline"
    return scanner.add(kind, outer, decoded_address(scanner.cut(formula.end(), inner.end)))


def _stands_alone(scanner: Scanner, span: Span) -> bool:
    """Whether nothing else stands on the lines of a span."""
    before = scanner.text[max(0, span.start - _MARGIN) : span.start].rpartition("\n")
    after = scanner.text[span.end : span.end + _MARGIN].partition("\n")
    starts_line = before[1] or span.start <= _MARGIN
    return bool(starts_line) and not before[2].strip(" \t>") and not after[0].strip()


def definition(scanner: Scanner, opening: re.Match[str]) -> int:
    """A macro outside of mathematics."""
    found = DEFINITION.match(scanner.text, opening.start())
    if found is None:
        return opening.end()
    end = repair.closing_brace(scanner.text, found.end(), scanner.paragraph_end(found.end()))
    if end is None:
        return scanner.unclosed(*opening.span(), "}")
    scanner.macros.update(macro(found, scanner.text[found.end() + 1 : end - 1]))
    return end


def not_followed(scanner: Scanner, opening: re.Match[str]) -> int:
    r"""``\input{chapter}``: a file of its own, which is said and not read."""
    name = _BRACED.match(scanner.text, opening.end() - 1)
    end = name.end() if name is not None else opening.end()
    said = f"the file {name[1].strip()} is not read" if name is not None else "this file is not read"
    scanner.notes.append(SourceError(said, Span(opening.start(), end), "Check it by itself, or put it in here."))
    return end
