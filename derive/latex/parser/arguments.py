"""What a command, a ``_`` or a ``^`` applies to: braces, or the one token that follows (``\\frac12``, ``x_ij``)."""

from __future__ import annotations

from derive.latex.parser.cursor import Reader
from derive.latex.syntax import Node, Script, Symbol, span_of
from derive.latex.tokens import Token
from derive.source import SourceError


def argument(reader: Reader, command: Token) -> Node:
    """The argument of a command."""
    if reader.look().text == "{":
        with reader.within(script=False):
            return reader.braces()
    return _single(reader, f"{command.text} lacks an argument")


def script(reader: Reader) -> Node:
    """What a ``_`` or ``^`` applies to; letters in it are single. What is wrong in it concerns the whole name."""
    with reader.within(script=True, strict=True):
        token = reader.look()
        if token.text in ("-", "+", "*"):
            return Symbol(reader.take().text, "", token.span)
        if token.text == "{":
            with reader.deeper(token):
                return reader.braces()
        return _single(reader, "an empty script")


def _single(reader: Reader, problem: str) -> Node:
    """One letter or digit, or one command with its own arguments."""
    token = reader.look()
    if token.kind == "number" and "." in token.text:
        said = f"only the first digit of {token.text} belongs to the command or sign before it"
        raise SourceError(said, token.span, f"Write {{{token.text}}} if the whole number is meant.")
    if token.kind in ("word", "number") and len(token.text) > 1:
        reader.split()
    if not reader.starts(reader.look()):
        raise reader.unexpected(reader.look(), problem)
    with reader.deeper(token):
        return reader.atom()


def limits(reader: Reader) -> tuple[Node | None, Node | None]:
    """The ``_`` and the ``^`` behind an operator, in any order."""
    lower = upper = None
    while (mark := reader.look().text) in ("_", "^"):
        reader.take()
        if mark == "_":
            lower = script(reader)
        else:
            upper = script(reader)
    return lower, upper


def with_scripts(reader: Reader, base: Node) -> Node:
    """A base with the subscript, the superscript and the primes behind it, in any order."""
    sub: Node | None = None
    sup: Node | None = None
    primes = 0
    while (token := reader.look()).text in ("_", "^", "\\prime") or token.kind == "prime":
        if token.text == "_":
            sub = _only(reader, sub, SourceError("a second subscript", token.span, "Write both in one pair of braces."))
        elif token.text != "^" or _raises_primes(reader):
            primes += _primes(reader)
        else:
            sup = _only(reader, sup, SourceError("a second superscript", token.span, "Set the first one in braces."))
    if sub is None and sup is None and not primes:
        return base
    return Script(base, sub, sup, primes, span_of(base).join(reader.peek(-1).span))


def _only(reader: Reader, old: Node | None, second: SourceError) -> Node:
    """A script where there was none."""
    if old is not None:
        raise second
    reader.take()
    return script(reader)


def _raises_primes(reader: Reader) -> bool:
    """Whether the ``^`` here has primes behind it."""
    return reader.peek(2 if reader.peek(1).text == "{" else 1).text == "\\prime"


def _primes(reader: Reader) -> int:
    """Take ``''``, ``\\prime`` or ``^{\\prime\\prime}``, and count."""
    token = reader.take()
    if token.text != "^":
        return len(token.text) if token.kind == "prime" else 1
    opened = reader.take() if reader.peek().text == "{" else None
    count = 0
    while reader.peek().text == "\\prime":
        reader.take()
        count += 1
    if opened is not None:
        reader.expect("}", opened)
    return count
