"""A cursor over tokens, and the verbs of the grammar that every construct may call back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from derive.latex import constructs as table
from derive.latex.syntax import Node
from derive.latex.tokens import Token, split
from derive.source import SourceError

MAX_DEPTH = 60
_NEAR = 0.79

_BLANK_MARKS = frozenset({"~", "$"})
_BLANK_COMMANDS = (table.SPACES | table.IGNORED.keys() | {"\n", " ", "\t"}) - table.WIDE_SPACES
_ALIGNMENT = frozenset({"&", "\\\\"}) | {f"\\{name}" for name in table.WIDE_SPACES}


def is_text(token: Token) -> bool:
    """Whether a token is ``\\text`` or one of its kin."""
    return token.kind == "command" and token.text[1:] in table.TEXT_FONTS


def is_size(token: Token) -> bool:
    """Whether a token is ``\\left``, ``\\big`` or one of their kin."""
    return token.kind == "command" and token.text[1:] in table.DELIMITER_SIZES


def separates(token: Token) -> bool:
    """Whether a token separates statements."""
    if token.kind == "command":
        return token.text[1:] in table.WIDE_SPACES or token.text[1:] in table.IMPLICATIONS
    return token.text in ("\\\\", "&", ",", ";", ".", ":")


@dataclass(frozen=True)
class Surroundings:
    """Where the cursor is.

    Attributes:
        inside: whether a bracket is open; there, row breaks, ``&`` and wide spaces say nothing.
        bars: the kinds of bars that are open in the innermost bracket.
        script: whether this is a subscript or superscript, where letters stand single.
        cell: whether this is an entry of a matrix or of cases, which ``&`` and a row break end.
        strict: whether an error is no hole here: in a script, and where the reader only tries.
        depth: how many factors lie around this place.
    """

    inside: bool = False
    bars: tuple[str, ...] = ()
    script: bool = False
    cell: bool = False
    strict: bool = False
    depth: int = 0


class Cursor:
    """A place in a list of tokens. The list changes: words are split into letters, idle braces dropped."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.here = Surroundings()

    @contextmanager
    def within(self, **changes: Any) -> Iterator[None]:
        """Other `Surroundings` for a while."""
        outer, self.here = self.here, replace(self.here, **changes)
        try:
            yield
        finally:
            self.here = outer

    def deeper(self, at: Token) -> AbstractContextManager[None]:
        """One level further down. Raises `SourceError` below `MAX_DEPTH`."""
        if self.here.depth == MAX_DEPTH:
            raise SourceError(f"nested more than {MAX_DEPTH} deep", at.span, "Name the parts and write them apart.")
        return self.within(depth=self.here.depth + 1)

    # -- reading ---------------------------------------------------------------------------------------------------

    def peek(self, ahead: int = 0) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.peek()
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def look(self) -> Token:
        """The next token that says something: spaces and commands for looks are skipped."""
        while self._is_blank(self.peek()):
            name = self.take().text[1:]
            for _ in range(table.IGNORED.get(name, 0)):
                self.skip_argument()
        return self.peek()

    def _is_blank(self, token: Token) -> bool:
        if token.kind == "command" and token.text[1:] in _BLANK_COMMANDS:
            return True
        return token.text in _BLANK_MARKS or (self.here.inside and token.text in _ALIGNMENT)

    def skip_argument(self) -> None:
        """Skip a star, an optional argument and a braced one, as far as they stand here."""
        if self.peek().text == "*":
            self.take()
        if self.peek().text == "[":
            while self.peek().kind != "end" and self.take().text != "]":
                pass
        if self.peek().text == "{":
            self.at = self.closing_brace(self.at) + 1

    def split(self) -> None:
        """Put the letters or digits of the next token in its place."""
        self.tokens[self.at : self.at + 1] = split(self.peek())

    # -- braces ----------------------------------------------------------------------------------------------------

    def closing_brace(self, at: int) -> int:
        """The position of the brace that closes the one at ``at``."""
        level = 0
        for k in range(at, len(self.tokens) if not self.tokens[at].open else at):
            token = self.tokens[k]
            level += (token.text == "{" and not token.open) - (token.text == "}")
            if level == 0:
                return k
        raise never_closed(self.tokens[at], "}")

    def drop_braces(self) -> None:
        """Braces that carry no script group nothing on the page: ``{a + b} c`` is read as ``a + b c``."""
        while self.look().text == "{":
            close = self.closing_brace(self.at)
            if self.tokens[close + 1].text in ("_", "^") or self.tokens[close + 1].kind == "prime":
                return
            del self.tokens[close], self.tokens[self.at]

    def environment_name(self, at: int | None = None) -> str:
        """The name, without a star, in the ``\\begin{name}`` or ``\\end{name}`` at a position."""
        at = (self.at if at is None else at) + 2
        name = ""
        while at < len(self.tokens) and self.tokens[at].text not in ("}", "*") and self.tokens[at].kind != "end":
            name += self.tokens[at].text
            at += 1
        return name

    # -- expectations ----------------------------------------------------------------------------------------------

    def expect(self, text: str, opened: Token) -> Token:
        token = self.look()
        if token.text != text:
            raise (
                never_closed(opened, text)
                if opened.open
                else self.unexpected(token, f"{opened.text} is not closed with {text}")
            )
        return self.take()

    def expect_end(self) -> None:
        if self.look().kind != "end":
            raise self.unexpected(self.look())

    def unexpected(self, token: Token, problem: str = "") -> SourceError:
        """The error that a token is."""
        if token.kind == "end":
            return SourceError(problem or "the formula ends too early", token.span)
        if token.kind == "command" and token.text[1:] not in table.COMMANDS:
            near = nearest(token.text)
            return SourceError(
                f"{token.text} is not a command that derive knows" + (f": did you mean {near}?" if near else ""),
                token.span,
                f"If it is your macro, define it in the document with \\newcommand{{{token.text}}}{{...}}.",
            )
        if token.kind == "command" and token.text[1:].isalpha():
            return SourceError(problem or f"derive does not read {token.text} here", token.span)
        return SourceError(problem or f"cannot read on at {token.text!r}", token.span)


def never_closed(opened: Token, closing: str) -> SourceError:
    """The error that a bracket without its partner is, at the bracket."""
    return SourceError(f"{opened.text} opened here is never closed", opened.span, f"Add {closing} where it ends.")


def nearest(command: str) -> str:
    """The known command that one with a slip was meant for, ``\\gamma`` for ``\\gama``; empty where none is near."""
    from difflib import get_close_matches  # only a page with a slip needs it

    known = sorted(name for name in table.COMMANDS if name.isalpha())
    found = get_close_matches(command[1:], known, n=1, cutoff=_NEAR)
    return f"\\{found[0]}" if found else ""


class Reader(Cursor, ABC):
    """A cursor with the grammar: what a construct asks for when it holds other mathematics."""

    @abstractmethod
    def chain(self) -> Node:
        """Expressions with relations between them; a lone expression comes back as it is."""

    @abstractmethod
    def expression(self) -> Node:
        """Signed terms."""

    @abstractmethod
    def product(self) -> Node:
        """Factors with or without a sign between them."""

    @abstractmethod
    def factor(self) -> Node:
        """An atom with its scripts."""

    @abstractmethod
    def atom(self) -> Node:
        """A factor without its scripts."""

    @abstractmethod
    def braces(self) -> Node:
        """What a pair of braces holds."""

    @abstractmethod
    def starts(self, token: Token) -> bool:
        """Whether the next token, given, can begin a factor."""

    @abstractmethod
    def sign(self) -> str | None:
        """The sign in front of a term, several in a row multiplied; None where there is none."""

    @abstractmethod
    def juxtaposed(self) -> bool:
        """Whether another factor follows without a sign."""
