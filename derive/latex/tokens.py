"""LaTeX characters to tokens: commands, letters, words, numbers, scripts and punctuation.

White space disappears, but a token remembers whether some stood before it: ``softmax`` is a word, ``s o f t`` four
letters. Macros that the document defines are expanded here, within limits, at the span of their call.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from derive.latex.constructs import (
    ACCENTED,
    COMBINING,
    SHORTHANDS,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SYNONYMS,
    UNICODE,
)
from derive.source import SourceError, Span, Text

MAX_TOKENS = 20_000
_WIDE_LENGTHS = {"in": 0.15, "cm": 0.4, "mm": 4, "em": 1, "ex": 2, "pt": 10, "px": 12, "pc": 0.8}  # about 1 em each
MAX_EXPANSIONS = 2_000


@dataclass(frozen=True, slots=True)
class Macro:
    """A private command: its number of parameters and its body with ``#1``, ``#2``, ..."""

    parameters: int
    body: str


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is command, letter, word, number, mark or end; ``text`` what it reads, with any backslash.

    ``open``: it is a bracket that nothing closes.
    """

    kind: str
    text: str
    span: Span
    spaced: bool = False
    open: bool = False


PAIRS = {"{": "}", "(": ")", "[": "]", "\\{": "\\}", "\\left": "\\right", "\\begin": "\\end"}
"""What is opened and by what it is closed; ``[0, 1)`` is closed as well."""
_OPENED_BY = {closing: opening for opening, closing in PAIRS.items()}
_HARD = frozenset({"{", "\\left", "\\begin"})  # what only its own partner closes

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f\v\x07\x08\x00]+)
      | (?P<comment>(?<!\\)%[^\n]*\n?)
      | (?P<row>\\\\\*?(?:\[[^\]\n]{0,20}\])?|\\newline(?![A-Za-z])|\\cr(?![A-Za-z]))
      | \\(?P<command>[A-Za-z]+|.)
      | (?P<number>\d+(?:\.\d+)?|\.\d+)
      | (?P<prime>'+)
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
# A run of Latin letters that is a word, not a product of letters: four or more with a lower-case tail, or camelCase.
_WORD = re.compile(r"[A-Za-z]?[a-z]{2,}(?:[A-Z][a-z]+)*|[A-Z]{2,}[a-z]*[A-Z]+")


def tokenize(text: Text, macros: Mapping[str, Macro]) -> list[Token]:
    """All tokens of a formula, with a final ``end`` token.

    Raises `SourceError` for a formula of more than `MAX_TOKENS` tokens or macros that do not end.
    """
    tokens = _with_fractions(_expand(list(_scan(text)), macros))
    tokens = _with_wide_spaces(tokens)
    end = text.offsets[len(text)] if len(text.offsets) else 0
    if len(tokens) > MAX_TOKENS:
        raise SourceError(
            f"this formula has more than {MAX_TOKENS} symbols",
            Span(tokens[0].span.start, tokens[0].span.end),
            "Split it into several displays.",
        )
    return [*_with_open(tokens), Token("end", "", Span(end, end), True)]


def _scan(text: Text) -> Iterator[Token]:
    """Tokens one by one; stops soon after `MAX_TOKENS`, so that a huge text costs no more than a long one."""
    at, spaced, count = 0, False, 0
    value = text.value
    while at < len(value) and count <= MAX_TOKENS:
        match = _TOKEN.match(value, at)
        assert match is not None  # the last alternative takes any character
        kind = str(match.lastgroup)
        if kind in ("space", "comment"):
            at, spaced = match.end(), True
            continue
        end = match.end()
        typed = _typed(value, at) if kind in ("mark", "number") else None
        if typed is not None:
            end, written = typed
            span = text.span(at, end)
            yield from (Token(t.kind, t.text, span, spaced and not k) for k, t in enumerate(_scan(_plain(written))))
            at, spaced, count = end, False, count + 1
            continue
        span = text.span(at, end)
        if kind == "mark" and value[at].isascii() and value[at].isalpha():
            end = _letters(value, at)
            yield Token("word" if end - at > 1 else "letter", value[at:end], text.span(at, end), spaced)
        elif kind == "mark" and value[at] in UNICODE:
            yield from (Token(t.kind, t.text, span, spaced) for t in _scan(_plain(UNICODE[value[at]])))
        elif kind == "mark" and value[at].isalpha():
            yield Token("letter", value[at], span, spaced)
        else:
            yield Token(*_classify(kind, match.group()), span, spaced)
        at, spaced, count = end, False, count + 1


def _with_open(tokens: list[Token]) -> list[Token]:
    """The tokens with the brackets marked that nothing closes: a brace closes what stands in it, ``\\end`` too."""
    stack: list[int] = []
    left_open: list[int] = []
    for at, token in enumerate(tokens):
        if at and tokens[at - 1].text in ("\\left", "\\right"):
            continue  # the delimiter, which is closed by \right and by nothing else
        if token.text in PAIRS:
            stack.append(at)
        elif (opening := _OPENED_BY.get(token.text)) is not None:
            if opening in _HARD:
                depth = next((k for k in range(1, len(stack) + 1) if tokens[stack[-k]].text == opening), 0)
                left_open += stack[len(stack) - depth + 1 :] if depth else []
                del stack[len(stack) - depth :]
            elif stack and tokens[stack[-1]].text not in _HARD:
                stack.pop()
    for at in (*left_open, *stack):
        tokens[at] = replace(tokens[at], open=True)
    return tokens


def _with_wide_spaces(tokens: list[Token]) -> list[Token]:
    """``\\hspace{1in}`` as ``\\quad``: space as wide as that separates statements, less of it says nothing."""
    done: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.text == "\\hspace" and (end := _end_of_length(tokens, at + 1)):
            done.append(Token("command", "\\quad", token.span.join(tokens[end - 1].span), token.spaced))
            at = end
        else:
            done.append(token)
            at += 1
    return done


def _end_of_length(tokens: list[Token], at: int) -> int:
    """Where the braces around a wide length end; 0 where there is none."""
    at += tokens[at : at + 1] != [] and tokens[at].text == "*"
    length = tokens[at : at + 4]
    if len(length) < 4 or [length[0].text, length[3].text] != ["{", "}"] or length[1].kind != "number":
        return 0
    return at + 4 if float(length[1].text) >= _WIDE_LENGTHS.get(length[2].text, float("inf")) else 0


def _typed(value: str, at: int) -> tuple[int, str] | None:
    """Where characters that stand for LaTeX end, and the LaTeX: ``x̂`` for ``\\hat{x}``, ``ᵢ₁`` for ``_{i1}``."""
    for small, mark in ((SUBSCRIPTS, "_"), (SUPERSCRIPTS, "^")):
        end = at
        while end < len(value) and value[end] in small:
            end += 1
        run = "".join(small[char] for char in value[at:end])
        if run:
            return end, f"{mark}{run}" if len(run) == 1 else f"{mark}{{{run}}}"
    if value[at] in ACCENTED:
        apart = unicodedata.normalize("NFD", value[at])
        return at + 1, f"\\{COMBINING[apart[1]]}{{{apart[0]}}}"
    if value[at].isalpha() and value[at + 1 : at + 2] in COMBINING:
        return at + 2, f"\\{COMBINING[value[at + 1]]}{{{value[at]}}}"
    return None


def _letters(value: str, at: int) -> int:
    """Where the run of Latin letters that starts here ends."""
    end = at + 1
    while end < len(value) and value[end].isascii() and value[end].isalpha():
        end += 1
    return end - 1 if end - at > 1 and value[end : end + 1] in COMBINING else end


def _classify(kind: str, text: str) -> tuple[str, str]:
    if kind == "row":
        return "mark", "\\\\"
    if kind == "prime":
        return "prime", text
    return kind, SYNONYMS.get(text, text)


def _plain(value: str) -> Text:
    return Text(value, range(len(value) + 1))


def is_word(letters: str) -> bool:
    """Whether letters typed without a break look like one word (``softmax``, ``gradInput``) rather than a product."""
    return len(letters) >= 3 and _WORD.fullmatch(letters) is not None


def split(token: Token) -> list[Token]:
    """A run of letters (or digits) as one token a character."""
    start = token.span.start
    fits = token.span.end - start == len(token.text)
    kind = "letter" if token.kind == "word" else "number"
    spans = [Span(start + k, start + k + 1) if fits else token.span for k in range(len(token.text))]
    return [Token(kind, c, spans[k], token.spaced and k == 0) for k, c in enumerate(token.text)]


def _expand(tokens: list[Token], macros: Mapping[str, Macro]) -> list[Token]:
    """Replace the document's own macros by their bodies; what stands inside points at the call."""
    done: list[Token] = []
    todo = list(reversed(tokens))
    calls = 0
    while todo:
        token = todo.pop()
        name = token.text[1:] if token.kind == "command" else ""
        macro = macros.get(name) or _shorthand(name, todo)
        if macro is None:
            done.append(token)
            continue
        calls += 1
        if calls > MAX_EXPANSIONS or len(todo) + len(done) > MAX_TOKENS:
            raise SourceError(f"the macro \\{name} does not end", token.span, "Does its definition use itself?")
        arguments = [_argument(todo, token) for _ in range(macro.parameters)]
        todo.extend(reversed(list(_body(macro, arguments, token))))
    return done


def _shorthand(name: str, todo: list[Token]) -> Macro | None:
    """A package's command with as many arguments as stand in braces behind it; with one, also without braces."""
    bodies = SHORTHANDS.get(name)
    if bodies is None:
        return None
    count = _braced(todo, max(bodies))
    if not count and todo and todo[-1].kind in ("letter", "command"):
        count = 1
    number = max((n for n in bodies if n <= count), default=None)
    return Macro(number, bodies[number]) if number is not None else None


def _braced(todo: list[Token], most: int) -> int:
    """How many groups in braces come next on a reversed stack, up to the ``most`` that are asked for."""
    depth = found = 0
    for token in reversed(todo):
        depth += (token.text == "{") - (token.text == "}")
        found += token.text == "}" and not depth
        if found == most or (not depth and token.text != "}"):
            break
    return found


def _with_fractions(tokens: list[Token]) -> list[Token]:
    """The tokens with ``{a \\over b}`` as ``{\\frac{a}{b}}``; outside of braces it divides the whole formula."""
    while (at := next((k for k, token in enumerate(tokens) if token.text == "\\over"), None)) is not None:
        start, end, over = _edge(tokens, at, -1), _edge(tokens, at, 1), tokens[at]
        left, right = Token("mark", "{", over.span), Token("mark", "}", over.span)
        above, below = tokens[start + 1 : at], tokens[at + 1 : end]
        whole = [replace(over, text="\\frac"), left, *above, right, left, *below, right]
        tokens = [*tokens[: start + 1], *whole, *tokens[end:]]
    return tokens


def _edge(tokens: list[Token], at: int, step: int) -> int:
    """Where the group that a token stands in begins or ends: at its brace, or beyond the formula."""
    opening, closing = ("{", "}") if step > 0 else ("}", "{")
    depth = 0
    at += step
    while 0 <= at < len(tokens) and (depth or tokens[at].text != closing):
        depth += (tokens[at].text == opening) - (tokens[at].text == closing)
        at += step
    return at


def _argument(todo: list[Token], call: Token) -> list[Token]:
    """Take one macro argument, a braced group without its braces or a single token, off the reversed stack."""
    if not todo:
        raise SourceError(f"{call.text} lacks an argument", call.span)
    token = todo.pop()
    if token.text != "{":
        return [token]
    depth = 1
    taken: list[Token] = []
    while todo:
        token = todo.pop()
        depth += (token.text == "{") - (token.text == "}")
        if not depth:
            return taken
        taken.append(token)
    raise SourceError(f"the argument of {call.text} has no closing brace", call.span)


def _body(macro: Macro, arguments: list[list[Token]], call: Token) -> Iterator[Token]:
    body = list(_scan(_plain(macro.body)))
    yield Token("mark", "{", call.span, call.spaced)
    at = 0
    while at < len(body):
        token = body[at]
        if token.text == "#" and at + 1 < len(body) and body[at + 1].kind == "number":
            number = int(body[at + 1].text[0])
            if 1 <= number <= len(arguments):
                yield from arguments[number - 1]
            at += 2
            continue
        yield Token(token.kind, token.text, call.span, token.spaced)
        at += 1
    yield Token("mark", "}", call.span)
