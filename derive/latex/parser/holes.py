"""Recovery: what cannot be read becomes a hole, which costs no more than a bracket, an argument, an entry or a side.

A hole keeps its text, what is wrong in it, and the names that stand in it. Where nothing may be left out, in scripts
and while the reader only tries something, the error goes on to the next one who can recover.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from derive.latex import constructs as table
from derive.latex.parser.cursor import MAX_DEPTH, Reader, is_size, is_text, nearest, separates
from derive.latex.parser.prose import is_name
from derive.latex.parser.relations import is_relation
from derive.latex.syntax import Accent, Node, Script, Symbol, Unread, placed
from derive.latex.tokens import PAIRS, Token
from derive.source import SourceError, Span

_MAX_NAMES = 50
_NAME_DEPTH = 4  # how deep the scripts of a name in a hole may be nested
_NO_NAMES = frozenset({"\\partial", "\\nabla", "\\infty", "\\emptyset", "\\varnothing", "\\Re", "\\Im"})


def side(reader: Reader, read: Callable[[], Node]) -> Node:
    """One side of a relation, or a hole up to where it ends."""
    if reader.here.inside or reader.here.strict:
        return read()
    start = reader.at
    try:
        node = read()
        if not _ends_side(reader):
            raise reader.unexpected(reader.look())
        return node
    except SourceError as error:
        end = _end_of_side(reader, start)
        if end == start:
            raise
        return _hole(reader, start, end, error)


def contents(reader: Reader, opened: Token, closing: str, read: Callable[[], Node]) -> Node:
    """What a bracket holds, or a hole up to the closing sign."""
    start = reader.at
    try:
        node = read()
        if not _closes(reader, closing):
            raise reader.unexpected(reader.look(), f"{opened.text} is not closed with {closing}")
        return node
    except SourceError as error:
        end = _partner(reader, start, closing)
        if reader.here.strict or end is None:
            raise
        return _hole(reader, start, end, error)


# -- where a part ends -------------------------------------------------------------------------------------------------


def _closes(reader: Reader, closing: str) -> bool:
    token = reader.look()
    return token.text == closing or (is_size(token) and reader.peek(1).text == closing)


def _partner(reader: Reader, at: int, closing: str) -> int | None:
    """Where the bracket is closed that was opened before a place; a size in front of its closing sign belongs to it."""
    start = at
    while (token := reader.tokens[at]).text != closing:
        if token.kind == "end" or token.text in ("}", "\\end"):
            return None
        at = _behind(reader, at)
    sized = closing not in ("}", "\\right") and at > start and is_size(reader.tokens[at - 1])
    return at - 1 if sized else at


def _behind(reader: Reader, at: int) -> int:
    """Behind a token, and behind all that it opens."""
    opened = reader.tokens[at]
    if opened.open or opened.text not in PAIRS:
        return at + 1
    level = 0
    for k in range(at, len(reader.tokens)):
        token = reader.tokens[k]
        level += (token.text == opened.text and not token.open) - (token.text == PAIRS[opened.text])
        if level == 0:
            return _behind_closing(reader, k)
    return at + 1


def _behind_closing(reader: Reader, at: int) -> int:
    """Behind a closing sign with what belongs to it: the delimiter of ``\\right``, the name of ``\\end``."""
    text = reader.tokens[at].text
    last = len(reader.tokens) - 1
    if text == "\\right":
        return min(at + 2, last)
    if text == "\\end":
        while at < last and reader.tokens[at].text != "}":
            at += 1
    return min(at + 1, last)


def _ends_side(reader: Reader) -> bool:
    """Whether a side of a relation may end here."""
    token = reader.look()
    return (
        token.kind == "end"
        or token.text in ("}", "\\end", "\\forall")
        or separates(token)
        or is_text(token)
        or is_relation(reader)
    )


def _end_of_side(reader: Reader, start: int) -> int:
    """Where a side ends that could not be read: at a relation, a separator or the end of what it stands in."""
    here, at = reader.at, start
    while (token := reader.tokens[at]).kind != "end" and token.text not in ("}", "\\end"):
        reader.at = at
        if at > start and (separates(token) or is_relation(reader) or (is_text(token) and not is_name(reader))):
            break
        at = _behind(reader, at)
    reader.at = here
    return at


# -- holes -------------------------------------------------------------------------------------------------------------


def _hole(reader: Reader, start: int, end: int, error: SourceError) -> Unread:
    """The tokens between two places as a hole; the cursor goes behind them."""
    tokens = reader.tokens[start:end]
    reader.at = end
    span = tokens[0].span.join(tokens[-1].span) if tokens else Span(error.span.start, error.span.start)
    text = "".join(" " * (k > 0 and _apart(tokens[k - 1], token)) + token.text for k, token in enumerate(tokens))
    return Unread(text, error.message, error.hint, error.span, tuple(_names(reader, tokens)), span)


def _apart(before: Token, token: Token) -> bool:
    """Whether a blank stands between two tokens, or is needed there."""
    return token.spaced or (before.text[:1] == "\\" and before.text[-1:].isalpha() and token.text[:1].isalpha())


def _names(reader: Reader, tokens: list[Token]) -> Iterator[Node]:
    """The names in some tokens, each once and with its scripts; what is summed over is none."""
    inner = type(reader)([*tokens, Token("end", "", tokens[-1].span if tokens else Span(0, 0), True)])
    found: list[Node] = []
    with inner.within(strict=True, inside=True, depth=MAX_DEPTH - _NAME_DEPTH):
        while inner.look().kind != "end" and len(found) < _MAX_NAMES:
            name = _name(inner)
            if name is not None and name not in found:
                found.append(name)
                yield name


def _name(reader: Reader) -> Node | None:
    """The name that comes next, or nothing; either way the cursor moves on."""
    token = reader.look()
    start = reader.at
    node = _factor(reader) if _may_be_name(reader, token) else None
    if isinstance(node, Symbol | Accent | Script) and not _is_function(node):
        return node
    reader.at = start + 1
    if token.text == "_" or token.text in ("\\begin", "\\end"):
        reader.at = _behind(reader, start + 1)  # the limits of a sum, the name of an environment
    return _meant(token)


def _factor(reader: Reader) -> Node | None:
    """A name with its scripts; without them where they cannot be read."""
    token, start = reader.peek(), reader.at
    try:
        return reader.factor()
    except SourceError:
        reader.at = start + 1
        return Symbol(token.text, "", token.span) if token.kind == "letter" or token.text[1:] in table.SYMBOLS else None


def _may_be_name(reader: Reader, token: Token) -> bool:
    if token.kind in ("letter", "word"):
        return token.text not in table.FUNCTIONS
    name = token.text[1:] if token.kind == "command" else ""
    if name in table.SYMBOLS:
        return token.text not in _NO_NAMES
    return name in table.ACCENTS or name in table.FONTS or (is_text(token) and is_name(reader))


def _is_function(node: Node) -> bool:
    base = node.base if isinstance(node, Script) else node
    return isinstance(base, Symbol) and base.name.lstrip("\\") in table.FUNCTIONS


def _meant(token: Token) -> Node | None:
    """The Greek letter that a command with a slip was meant for."""
    unknown = token.kind == "command" and token.text[1:] not in table.COMMANDS
    name = nearest(token.text) if unknown else ""
    return placed(Symbol(name), token.span) if name[1:] in table.GREEK else None
