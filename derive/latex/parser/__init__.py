"""LaTeX to syntax nodes: a Pratt parser over tokens.

A display is read as *statements*, rows of equations with what is said beside them, and each statement's expressions
by binding power: relations, then sums, then products and juxtaposition, then scripts. The parser does not know what a
letter means. It consumes all of a statement or says where it stopped; a statement that cannot be read does not spoil
the next row.

From the bottom up: ``cursor`` (tokens, and the verbs that constructs call back), ``relations``, ``arguments``,
``delimiters``, ``commands``, ``prose``, ``environments``, then ``expressions`` (the Pratt core, which puts them
together) and ``statements``.
"""

from __future__ import annotations

from collections.abc import Mapping

from derive.latex.parser.expressions import Parser
from derive.latex.parser.statements import Statements
from derive.latex.syntax import Node, Statement, Unreadable
from derive.latex.tokens import Macro, tokenize
from derive.source import SourceError, Text

__all__ = ["parse_display", "parse_expression"]


def parse_display(text: Text, macros: Mapping[str, Macro] | None = None) -> tuple[Statement | Unreadable, ...]:
    """All statements of a piece of mathematics, in order. Never raises: what cannot be read comes back `Unreadable`."""
    try:
        tokens = tokenize(text, macros or {})
    except SourceError as error:
        return (Unreadable(error.message, error.hint, error.span),)
    return tuple(Statements(Parser(tokens)).read())


def parse_expression(text: Text, macros: Mapping[str, Macro] | None = None) -> Node:
    """One expression or chain, the whole of ``text``. Raises `SourceError`."""
    parser = Parser(tokenize(text, macros or {}))
    with parser.within(strict=True):
        node = parser.chain()
        parser.expect_end()
    return node
