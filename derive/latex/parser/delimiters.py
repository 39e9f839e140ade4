"""Brackets and bars, plain or sized: ``(x, y)``, ``\\left[ x \\right]``, ``\\big|x\\big|``, ``y|_{x=0}``."""

from __future__ import annotations

from derive.latex import constructs as table
from derive.latex.parser import holes
from derive.latex.parser.arguments import script
from derive.latex.parser.cursor import Reader, is_size, is_text, never_closed
from derive.latex.parser.prose import prose
from derive.latex.syntax import Empty, Group, HeldFixed, Node, Sequence, Words, span_of
from derive.latex.tokens import Token
from derive.source import SourceError, Span

_SEPARATORS = {",": ",", ";": ";", ":": ":", "\\colon": "\\colon"}
_SEPARATORS |= dict.fromkeys(["|", "\\mid", "\\vert", "\\middle", "\\|", "\\Vert", "‖"], "|")
_NO_ITEM = frozenset({":", ",", ")", "]", "}", "\\}"})

# -- brackets --------------------------------------------------------------------------------------------------------


def braces(reader: Reader) -> Node:
    """``{...}`` is what it holds."""
    opened = reader.take()
    with reader.within(inside=True):
        node = _contents(reader, opened, "}")
    reader.expect("}", opened)
    return node


def group(reader: Reader, sized: bool = False) -> Node:
    """A bracketed part; ``\\big`` and its kin (``sized``) do not pair, so that the bracket itself decides."""
    opened = reader.take()
    closing = table.OPENING[opened.text]
    with reader.within(inside=True, bars=()):
        body = _contents(reader, opened, closing)
        after = reader.look()
        if sized:
            _skip_size(reader)
        elif is_size(after):
            raise reader.unexpected(after, f"{opened.text} is not closed with {closing} before {after.text}")
        closed = reader.expect(closing, opened)
    return Group(opened.text, body, opened.span.join(closed.span))


def left(reader: Reader) -> Node:
    """``\\left( ... \\right)``; any bracket closes it, as in LaTeX."""
    opened, delimiter = reader.take(), reader.take()
    if opened.open:
        raise SourceError(f"\\left{delimiter.text} has no \\right", opened.span, "Add \\right. where it ends.")
    with reader.within(inside=True, bars=()):
        body = _contents(reader, opened, "\\right")
        if reader.look().text != "\\right":
            raise reader.unexpected(reader.look())
        reader.take()
    closed = reader.take()
    span = opened.span.join(closed.span)
    if delimiter.text == "." and closed.text in table.BARS and reader.peek().text == "_":
        reader.take()
        fixed = script(reader)
        return HeldFixed(body, fixed, span.join(span_of(fixed)))
    opening = "" if delimiter.text == "." else table.BARS.get(delimiter.text, delimiter.text)
    return Group(opening, body, span)


def sized(reader: Reader) -> Node:
    """``\\big( ... \\big)`` or ``\\big| ... \\big|``."""
    size = reader.take()
    if reader.look().text in table.BARS:
        return bars(reader, sized=True)
    if reader.look().text not in table.OPENING:
        raise reader.unexpected(size)
    return group(reader, sized=True)


def sized_opens(reader: Reader) -> bool:
    """Whether the ``\\left``, ``\\big`` and so on that comes next opens a group."""
    size, delimiter = reader.peek().text, reader.peek(1).text
    if size == "\\left":
        return True
    if size in ("\\right", "\\middle") or (size.startswith(("\\big", "\\Big")) and size.endswith("r")):
        return False
    if delimiter in table.BARS:
        return reader.peek(2).text != "_" and reader.here.bars[-1:] != (table.BARS[delimiter],)
    return delimiter in table.OPENING


def _skip_size(reader: Reader) -> None:
    if is_size(reader.look()):
        reader.take()


# -- what stands in brackets -------------------------------------------------------------------------------------------


def _contents(reader: Reader, opened: Token, closing: str) -> Node:
    """What a bracket holds; a hole where that cannot be read. Raises `SourceError` where nothing closes it."""
    if opened.open:
        raise never_closed(opened, closing)
    if reader.look().text == closing:
        return Empty(opened.span)
    return holes.contents(reader, opened, closing, lambda: _sequence(reader, closing))


def _sequence(reader: Reader, closing: str = "") -> Node:
    """Chains separated by commas and the like, up to a closing bracket or bar."""
    first = reader.look()
    items = [_item(reader)]
    separators: list[str] = []
    while (separator := _separator(reader, closing, items[-1])) is not None:
        separators.append(separator)
        items.append(_item(reader))
    if not separators:
        return items[0]
    return Sequence(tuple(items), tuple(separators), first.span.join(span_of(items[-1])))


def _separator(reader: Reader, closing: str, last: Node) -> str | None:
    """Consume what separates two items and name it, ``""`` beside prose; None where the sequence ends."""
    token = reader.look()
    if token.kind == "end" or token.text == closing or (token.text in table.BARS and closes_bar(reader)):
        return None
    if token.text in _SEPARATORS:
        reader.take()
        if token.text == "\\middle" or (token.text == "|" and reader.peek().text == "|"):
            reader.take()
        return _SEPARATORS[token.text]
    return "" if is_text(token) or isinstance(last, Words) else None


def _item(reader: Reader) -> Node:
    token = reader.look()
    if is_text(token) and (words := prose(reader)):
        return words
    if token.text in _NO_ITEM:
        return Empty(Span(token.span.start, token.span.start))
    return reader.chain()


# -- bars --------------------------------------------------------------------------------------------------------------


def bars(reader: Reader, sized: bool = False) -> Node:
    """``|x|`` and ``\\|x\\|``; after a ``\\big`` (``sized``) with one before the closing bar, too."""
    opened = reader.look()
    kind = _take_bar(reader)
    with reader.within(inside=True, bars=(*reader.here.bars, kind)):
        body = _sequence(reader)
        if sized:
            _skip_size(reader)
        if _bar_kind(reader) != kind:
            raise reader.unexpected(reader.look(), f"{opened.text} is not closed")
        _take_bar(reader)
    return Group(kind, body, opened.span.join(reader.peek(-1).span))


def closes_bar(reader: Reader) -> bool:
    """Whether the bar that comes next is the partner of the one opened last."""
    return reader.here.bars[-1:] == (_bar_kind(reader),)


def opens_bar(reader: Reader, token: Token) -> bool:
    """Whether a bar opens a pair: none like it is open, its partner stands on the same level (not ``P(a|b)``)."""
    if closes_bar(reader):
        return False
    doubled = _bar_kind(reader) == "‖" and token.text == "|"
    level = 0
    for at in range(reader.at + 1 + doubled, len(reader.tokens)):
        later = reader.tokens[at].text
        level += (later in ("{", "(", "[", "\\{")) - (later in ("}", ")", "]", "\\}"))
        if level < 0:
            return False
        if level == 0 and table.BARS.get(later) == table.BARS.get(token.text):
            return True
    return False


def _bar_kind(reader: Reader) -> str:
    """``|`` or ``‖``, the latter also for two bars in a row."""
    token = reader.look()
    kind = table.BARS.get(token.text, token.text)
    if kind == "|" and reader.here.bars[-1:] == ("|",):  # |a||b|: the first of two bars closes
        return kind
    doubled = kind == "|" and reader.peek(1).text == token.text and not reader.peek(1).spaced
    return "‖" if doubled else kind


def _take_bar(reader: Reader) -> str:
    kind = _bar_kind(reader)
    token = reader.take()
    if kind == "‖" and table.BARS.get(token.text) == "|":
        reader.take()
    return kind


# -- held fixed --------------------------------------------------------------------------------------------------------


def is_held_fixed(reader: Reader) -> bool:
    """Whether a bar with a subscript comes next: ``|_{...}``, ``\\big|_{...}``."""
    token = reader.look()
    if is_size(token) and token.text not in ("\\left", "\\right"):
        return reader.peek(1).text in table.BARS and reader.peek(2).text == "_"
    return token.text in ("|", "\\vert") and reader.peek(1).text == "_" and not reader.here.bars


def held_fixed(reader: Reader, node: Node) -> Node:
    """``node|_{fixed}``, the node read already."""
    _skip_size(reader)
    reader.take()
    reader.take()
    fixed = script(reader)
    return HeldFixed(node, fixed, span_of(node).join(span_of(fixed)))
