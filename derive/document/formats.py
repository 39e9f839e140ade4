r"""Markdown, TeX and plain text: where mathematics may start, and what means something in each."""

from __future__ import annotations

import re
from collections.abc import Mapping

from derive.document import formulas, hidden, markup, typed
from derive.document.macros import without_definitions
from derive.document.model import Format
from derive.document.scanner import ENVIRONMENTS, Dialect, Handler, Scanner
from derive.source import Source, Span, Text

SUFFIXES: Mapping[str, Format] = {
    ".md": "md", ".markdown": "md", ".qmd": "md", ".rmd": "md",
    ".ipynb": "ipynb",
    ".tex": "tex", ".ltx": "tex",
    ".rst": "rst", ".rest": "rst",
    ".adoc": "adoc", ".asciidoc": "adoc",
    ".org": "org",
}  # fmt: skip
"""The format of a file by its suffix; anything else is plain text."""

_NAMED = rf"\{{(?:{ENVIRONMENTS})\\?\*?\}}"
_FRONT_MATTER = re.compile(r"---[ \t\r]*\n(?:[^\n]*\n)*?(?:---|\.\.\.)[ \t\r]*(?=\n|\Z)")
_TEX_COMMENT = re.compile(r"%(?:(?<!\\%)|(?<=[^\\]\\\\%))[^\n]*")

# What a reader stops at. The patterns start with a plain character, so that the search skips the rest.
_TYPED: tuple[tuple[Handler, str], ...] = tuple((typed.line, re.escape(sign)) for sign in (*typed.SIGNS, *typed.BESIDE))
_ROWS: tuple[tuple[Handler, str], ...] = (
    (hidden.comment, r"<!--"),
    (hidden.element, r"<(?i:code|pre|script|style)\b"),
    (formulas.image_tag, r"<(?i:img)\s"),
    (formulas.image, r"!\["),
    (hidden.line, rf"\n(?=[ \t>]*(?:```|~~~|{hidden.LISTED}|\r?\n))"),
    (hidden.code, r"`+"),
    (formulas.backtick_dollar, r"\$`"),
    (formulas.dollars, r"\$\$"),
    (formulas.dollar, r"\$"),
    (formulas.environment, rf"\\begin{_NAMED}"),
    (formulas.environment, rf"\\\\begin{_NAMED}"),
    (formulas.environment, rf"\x08egin{_NAMED}"),
    (formulas.environment, rf"egin{_NAMED}"),
    (formulas.environment, rf"begin{_NAMED}"),
    (formulas.definition, r"\\(?:(?:re)?newcommand|providecommand|def|DeclareMathOperator)(?![A-Za-z])"),
    (hidden.verbatim, r"\\begin\{(?:verbatim|lstlisting|minted|comment)\*?\}"),
    (hidden.verb, r"\\verb\*?[!-/:-@\[-`{-~]"),
    (formulas.doubled_bracket, r"\\\\(?:\(|\[(?!\d))"),
    (formulas.bracket, r"\\[(\[]"),
    (formulas.not_followed, r"\\(?:input|include|subfile)\{"),
    (hidden.escape, r"\\[^A-Za-z\s]"),
    *_TYPED,
)


def scan(source: Source, dialect: Dialect) -> Scanner:
    """Walk through a source."""
    scanner = Scanner(source, dialect)
    scanner.walk(hidden.begin_line(scanner, dialect.begin(scanner)), len(scanner.text))
    return scanner


def _begin_markdown(scanner: Scanner) -> int:
    front = _FRONT_MATTER.match(scanner.text)
    return front.end() if front else 0


def _begin_text(scanner: Scanner) -> int:
    return 0


def _begin_tex(scanner: Scanner) -> int:
    """Read the comments, blank them (the other characters keep their place), take the preamble's macros."""
    shown: list[str] = []
    done = 0
    for comment in _TEX_COMMENT.finditer(scanner.text):
        scanner.directive(Span(*comment.span()), Span(comment.start() + 1, comment.end()))
        shown += [scanner.text[done : comment.start()], " " * len(comment.group())]
        done = comment.end()
    text = "".join([*shown, scanner.text[done:]])
    scanner.show(text)
    body = max(0, text.find("\\begin{document}"))
    scanner.macros.update(without_definitions(Text(text[:body], range(body + 1)))[1])
    return body


def _without(*handlers: Handler) -> tuple[tuple[Handler, str], ...]:
    return tuple(row for row in _ROWS if row[0] not in handlers)


_TEX_ONLY = (hidden.verbatim, hidden.verb, formulas.not_followed)
_MARKDOWN_ONLY = (
    hidden.comment,
    hidden.element,
    hidden.line,
    hidden.code,
    formulas.image_tag,
    formulas.image,
    formulas.doubled_bracket,
    formulas.backtick_dollar,
)
_MARKDOWN = Dialect(_begin_markdown, _without(*_TEX_ONLY), has_layout=True)
_PLAIN = _without(*_TEX_ONLY, hidden.element, hidden.code)
_DELIMITED = _without(*_MARKDOWN_ONLY, *_TEX_ONLY)
_RST: tuple[tuple[Handler, str], ...] = (
    (markup.explicit, r"\.\.[ ](?=\S)"),
    (markup.role, r":math:`"),
    (hidden.code, r"`+"),
    (formulas.dollars, r"\$\$"),
    (formulas.dollar, r"\$"),
    (formulas.environment, rf"\\begin{_NAMED}"),
    *_TYPED,
)
_ASCIIDOC: tuple[tuple[Handler, str], ...] = (
    (markup.passed, r"\[(?:stem|latexmath)\]"),
    (markup.stem, r"(?:stem|latexmath):\["),
    (markup.listing, r"-{4,}[ \t]*(?=\n)"),
    (markup.comment_line, r"//[ ]"),
    (hidden.code, r"`+"),
    *_TYPED,
)
_ORG: tuple[tuple[Handler, str], ...] = (
    (markup.source, r"\#\+(?i:begin_(?:src|example))\b"),
    (markup.comment_line, r"\#[ ]"),
)

DIALECTS: Mapping[Format, Dialect] = {
    "md": _MARKDOWN,
    "ipynb": _MARKDOWN,
    "txt": Dialect(_begin_text, (*_PLAIN, (typed.line, r"\\(?=[A-Za-z])"))),
    "tex": Dialect(
        _begin_tex, _without(*_MARKDOWN_ONLY, typed.line), has_money=False, has_escapes=False, comment="% {}"
    ),
    "rst": Dialect(_begin_text, _RST, has_escapes=False, comment=".. {}"),
    "adoc": Dialect(_begin_text, _ASCIIDOC, has_money=False, has_escapes=False, comment="// {}"),
    "org": Dialect(_begin_text, (*_ORG, *_DELIMITED), has_escapes=False, comment="# {}"),
}
