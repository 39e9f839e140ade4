"""Environments that are values: cases and matrices."""

from __future__ import annotations

from derive.latex import constructs as table
from derive.latex.parser.cursor import Reader, Surroundings, is_text, separates
from derive.latex.parser.prose import prose
from derive.latex.syntax import Cases, Chain, Empty, Matrix, Node, Sequence, Words, span_of
from derive.latex.tokens import Token, tokenize
from derive.source import SourceError, Text

_WITH_COLUMNS = frozenset({"array", "alignat", "alignedat"})
VALUES = table.CASES_ENVIRONMENTS | table.MATRIX_ENVIRONMENTS.keys()


def open_environment(reader: Reader) -> str:
    """Consume ``\\begin{name}`` with its arguments (column specifications, positions)."""
    name = reader.environment_name()
    reader.take()
    reader.skip_argument()
    while reader.peek().text == "[" or (name in _WITH_COLUMNS and reader.peek().text == "{"):
        before = reader.at
        reader.skip_argument()
        if reader.at == before:
            break
    return name


def close_environment(reader: Reader, name: str, opened: Token) -> None:
    """Consume ``\\end{name}``. Raises `SourceError` where it is missing or another environment's."""
    if reader.look().text != "\\end":
        raise never_ended(opened, name)
    closing = reader.environment_name()
    if closing != name:
        raise SourceError(
            f"\\begin{{{name}}} is ended by \\end{{{closing}}}", reader.peek().span, f"Write \\end{{{name}}}."
        )
    reader.take()
    reader.skip_argument()


def never_ended(opened: Token, name: str) -> SourceError:
    """The error that an environment without its end is."""
    return SourceError(f"\\begin{{{name}}} is never ended", opened.span, f"Add \\end{{{name}}}.")


def environment(reader: Reader) -> Node:
    """Cases or a matrix, from ``\\begin`` to ``\\end``."""
    opened = reader.peek()
    if opened.open:
        raise never_ended(opened, reader.environment_name())
    if reader.environment_name() not in VALUES:
        raise _refusal(reader.environment_name(), opened)
    name = open_environment(reader)
    rows: list[tuple[Node, ...]] = []
    with reader.within(inside=False, bars=(), cell=True):
        while reader.look().text != "\\end" and reader.look().kind != "end":
            rows.append(_row(reader))
    close_environment(reader, name, opened)
    span = opened.span.join(reader.peek(-1).span)
    if name in table.CASES_ENVIRONMENTS:
        return Cases(tuple(_case(row) for row in rows), span)
    return Matrix(tuple(rows), table.MATRIX_ENVIRONMENTS[name], span)


def _refusal(name: str, opened: Token) -> SourceError:
    if name in table.ENVIRONMENTS:
        return SourceError(f"\\begin{{{name}}} holds equations and stands inside one", opened.span)
    return SourceError(f"derive does not know the environment {name!r}", opened.span)


def _row(reader: Reader) -> tuple[Node, ...]:
    cells = [_cell(reader)]
    while reader.look().text == "&":
        reader.take()
        cells.append(_cell(reader))
    if reader.look().text == "\\\\":
        reader.take()
    elif reader.look().text != "\\end" and reader.look().kind != "end":
        raise reader.unexpected(reader.look())
    return tuple(cells)


def _cell(reader: Reader) -> Node:
    """A matrix entry, or a case's condition with its words."""
    first = reader.look()
    parts: list[Node] = []
    while (token := reader.look()).text not in ("&", "\\\\", "\\end") and token.kind != "end":
        if separates(token) or token.text == "\\forall":
            reader.take()
        else:
            parts.extend(_part(reader, token))
    if not parts:
        return Empty(first.span)
    if len(parts) == 1:
        return parts[0]
    return Sequence(tuple(parts), ("",) * (len(parts) - 1), first.span.join(span_of(parts[-1])))


def _part(reader: Reader, token: Token) -> list[Node]:
    if is_text(token) and (words := prose(reader)):
        return _condition_in(reader, words) or [words]
    return [reader.chain()]


def _condition_in(reader: Reader, words: Words) -> list[Node] | None:
    """The condition that prose such as ``if k = y_i`` spells out; None where it spells none."""
    first, _, rest = words.text.partition(" ")
    if first.lower() not in ("if", "for", "when", "where") or not rest:
        return None
    try:
        inner = type(reader)(tokenize(Text(rest, [words.span.start] * (len(rest) + 1)), {}))
        inner.here = Surroundings(strict=True, depth=reader.here.depth)
        node = inner.chain()
        inner.expect_end()
    except SourceError:
        return None
    return [Words(first, words.span), node] if isinstance(node, Chain) else None


def _case(row: tuple[Node, ...]) -> tuple[Node, Node | None]:
    """The value and the condition of a row, with or without a ``&`` between them."""
    value, *cells = row
    if not cells and isinstance(value, Sequence):
        return value.items[0], _without_first(value)
    conditions = [cell for cell in cells if not isinstance(cell, Empty)]
    return value, conditions[0] if conditions else None


def _without_first(sequence: Sequence) -> Node:
    _, first, *others = sequence.items
    if not others:
        return first
    return Sequence((first, *others), sequence.separators[1:], span_of(first).join(span_of(others[-1])))
