r"""Mathematics without delimiters: ``∂L/∂xᵢ = 2·xᵢ`` in plain text, in code blocks and code spans, bare LaTeX in text.

A line counts where it holds an equality sign and a sign that nobody types by chance, and no prose beside it. Beside
such lines others count too that could be met elsewhere: ``L = -log(p_y)``, ``f = γ z + β``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice

from derive.document.scanner import Scanner
from derive.latex.constructs import COMMANDS, FUNCTIONS, SUBSCRIPTS
from derive.source import Span, Text

SIGNS = "∂∑Σ⊙∇√ᵀ"
LANGUAGES = frozenset({"", "text", "txt", "plain", "plaintext", "none", "unicode"})
"""What a fence may be marked with whose lines are not a program's."""

BESIDE = "·×^(αβγδεθλμπστφω"
"""Signs of a formula where lines with the others stand on the page."""

_LONGEST_LINE = 2_000
_SIGN = re.compile(f"[{SIGNS}]")
_SIGNED_LINE = re.compile(f"^[^\n$=]*(?:=[^\n$]*[{SIGNS}]|[{SIGNS}][^\n$=]*=)", re.MULTILINE)
_CALLED = "|".join(sorted(FUNCTIONS | {"softmax", "sigmoid"}))
_BESIDE = re.compile(rf"[{re.escape(BESIDE.replace('(', ''))}]|\b(?:{_CALLED})\(")
_PROGRAM = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*|^\s*(?:#|//|(?:def|for|if|import|return)\b)", re.MULTILINE)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_TEXT = re.compile(r"\\(?:text|mathrm|operatorname|mbox|tag|label|quad|qquad)\b\*?(?:\{[^{}]*\})?")
_PROSE = re.compile(
    r"([A-Za-z]{2,}|[\u0400-\u04ff]{2,}|[\u3040-\u9fff]{2,})[ ,]+(?=([A-Za-z]{2,}|[\u0400-\u04ff]{2,}))"
)
_LABEL = re.compile(
    r"[ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(?:[*_]{0,2}[A-Za-z][\w '-]{1,40}[*_]{0,2}:[*_]{0,2}[ \t]+)?"
)
_REMARK = re.compile(r"[ \t]+(?:#|//|--)[ \t].*")
_BRACKETED = re.compile(r"[ \t]+\([^()]*\)[ \t\r]*$")
_ROWS = re.compile(r"\\\\|&")
_DELIMITERS = re.compile(r"\$|\\[(\[]|\\begin\{(?!.?matrix|cases|array|split)")
_RELATION_FIRST = re.compile(r"[ \t]*(?:&[ \t]*)?(?:=|\+|-|\\cdot|\\times)")
_ROOT_OR_SCRIPT = re.compile(r"(?:√|[_^])\(")
_LONG_SCRIPT = re.compile(r"(?<=_)(?:[A-Za-z]{2,}(?:,[A-Za-z])*|[A-Za-z](?:,[A-Za-z])+)(?![A-Za-z])(?!\()")
_ROOT_OF_NAME = re.compile(r"(?<=√)[A-Za-z]_[A-Za-z0-9](?![A-Za-z0-9,])")
_TYPED_SUM = re.compile(rf"Σ(?=_|\(|[ \t]*[{''.join(SUBSCRIPTS)}])")


def line(scanner: Scanner, sign: re.Match[str]) -> int:
    """A line of plain text with a sign of mathematics in it."""
    if sign.start() < scanner.tried_until:
        return sign.end()
    start = scanner.text.rfind("\n", max(0, sign.start() - _LONGEST_LINE), sign.start()) + 1
    end = scanner.text.find("\n", sign.end(), sign.end() + _LONGEST_LINE)
    end = min(len(scanner.text), sign.end() + _LONGEST_LINE) if end < 0 else end
    scanner.tried_until = end
    if end - start > _LONGEST_LINE or (scanner.pieces and scanner.pieces[-1].span.end > start):
        return sign.end()
    found = equation(scanner.text, start, end, _is_typed_page(scanner.text))
    if found is None:
        return sign.end()
    scanner.add("display", found, written(scanner.cut(*found)))
    return end


def lines(scanner: Scanner, start: int, end: int) -> None:
    """The lines of a block of code that are equations."""
    at = start
    beside = _is_typed_block(scanner.text[start:end])
    while at < end:
        stop = min(end, at + len(scanner.text[at:end].partition("\n")[0]))
        found = equation(scanner.text, at, stop, beside) if stop - at <= _LONGEST_LINE else None
        if found is not None:
            scanner.add("display", found, written(scanner.cut(*found)))
        at = stop + 1


def block(scanner: Scanner, start: int, end: int) -> bool:
    """A block of LaTeX without delimiters: the whole of it where it has rows, else its lines; whether it was one."""
    text = scanner.text[start:end]
    if _DELIMITERS.search(text):
        return False
    if _ROWS.search(text):
        scanner.add("display", Span(start, end), scanner.cut(start, end, start))
        return True
    first = at = start
    for row in text.splitlines(keepends=True):
        goes_on = not row.strip() or _RELATION_FIRST.match(row) or "=" not in scanner.text[first:at]
        if not goes_on:
            scanner.add("display", Span(first, at), scanner.cut(first, at, start))
            first = at
        at += len(row)
    if scanner.text[first:end].strip():
        scanner.add("display", Span(first, end), scanner.cut(first, end, start))
    return True


def equation(text: str, start: int, end: int, beside: bool = False) -> Span | None:
    """Where the equation of a line stands, without a label before and a remark behind; None where the line is none.

    ``beside``: other equations are typed on the page.
    """
    label = _LABEL.match(text, start, end)
    begin = label.end() if label is not None and "=" not in label.group() else start
    said = _without_remark(text[begin:end])
    if "=" not in said or "$" in said or said.lstrip().startswith("|") or _is_prose(said):
        return None
    if not is_typed(said) and not (beside and _BESIDE.search(said)):
        return None
    return Span(begin, begin + len(said.rstrip()))


def is_typed(said: str) -> bool:
    """Whether a text holds what nobody types but in mathematics."""
    return _SIGN.search(said) is not None or any(name in COMMANDS for name in _COMMAND.findall(said))


@lru_cache(maxsize=4)
def _is_typed_page(text: str) -> bool:
    """Whether two lines at least hold what nobody types but in mathematics."""
    return len(list(islice(_SIGNED_LINE.finditer(text), 2))) == 2


def _is_typed_block(text: str) -> bool:
    """Whether a block of code is a page of typed mathematics, and no program."""
    return _is_typed_page(text) and _PROGRAM.search(text) is None


def _without_remark(said: str) -> str:
    """A line without what it says in words behind it: ``# the loss``, ``(for label y)``."""
    remark = _REMARK.search(said) or _BRACKETED.search(said)
    if remark is None or (remark.re is _BRACKETED and not _is_prose(remark.group())):
        return said
    return said[: remark.start()]


def _is_prose(said: str) -> bool:
    """Whether two words stand side by side."""
    bare = _COMMAND.sub(" ; ", _TEXT.sub(" ", said))
    return any(not FUNCTIONS & {pair[1], pair[2]} for pair in _PROSE.finditer(bare))


def written(text: Text) -> Text:
    r"""A typed formula as LaTeX: ``√(a + b)``, ``Σᵢ``, ``z_norm`` say ``\sqrt{a + b}``, ``\sum_i``, ``z_{norm}``."""
    value = text.value
    edits = [(match.start(), match.end(), "∑") for match in _TYPED_SUM.finditer(value) if not _is_name(value, match)]
    for match in _ROOT_OR_SCRIPT.finditer(value):
        close = _closing(value, match.end() - 1)
        if close is not None:
            edits += [(match.end() - 1, match.end(), "{"), (close, close + 1, "}")]
    for braced in (_LONG_SCRIPT, _ROOT_OF_NAME):
        for match in braced.finditer(value):
            edits += [(match.start(), match.start(), "{"), (match.end(), match.end(), "}")]
    return text.replace(sorted(set(edits)))


def _is_name(value: str, sigma: re.Match[str]) -> bool:
    """Whether a Σ with its subscripts stands alone on its side: an entry of a matrix."""
    return value[sigma.end() :].lstrip("".join(SUBSCRIPTS) + " \t").startswith("=")


def _closing(value: str, at: int) -> int | None:
    depth = 0
    for k in range(at, len(value)):
        depth += (value[k] == "(") - (value[k] == ")")
        if not depth:
            return k
    return None
