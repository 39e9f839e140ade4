"""Relation signs: ``=``, ``\\le``, ``:=``, ``\\not\\in``, ``\\overset{!}{=}``."""

from __future__ import annotations

from derive.latex import constructs as table
from derive.latex.parser.cursor import Cursor
from derive.latex.tokens import Token

DEFINED = "\\coloneqq"
"""A sign that defines its left side, or gives it a new value."""
_MARKS = frozenset({"=", "<", ">"})
_SPELLINGS = {"\\ne": "\\neq", "\\le": "\\leq", "\\ge": "\\geq", "\\eq": "="}
_SPELLINGS |= dict.fromkeys(["\\coloneq", "\\eqqcolon", "\\defeq", "\\eqdef", "\\doteq"], DEFINED)
_NEGATED = {"=": "\\neq", "\\in": "\\notin"}
_WITH_EQUALS = {"=": "=", "<": "\\leq", ">": "\\geq"}
_PAIRS = {":": DEFINED, "!": "\\neq"}  # what := and != say


def relation(cursor: Cursor) -> str | None:
    """Consume a relation sign and name it, or consume nothing."""
    start = cursor.at
    name = _read(cursor)
    if name is None:
        cursor.at = start
    return name


def is_relation(cursor: Cursor) -> bool:
    """Whether a relation sign comes next."""
    start = cursor.at
    name = _read(cursor)
    cursor.at = start
    return name is not None


def _read(cursor: Cursor) -> str | None:
    token = cursor.look()
    if token.text in ("\\overset", "\\stackrel", "\\underset"):
        with cursor.deeper(token):
            return _decorated(cursor)
    if token.text == "\\not":
        cursor.take()
        with cursor.deeper(token):
            return _NEGATED.get(_read(cursor) or "")
    if token.text in _PAIRS and cursor.peek(1).text == "=":
        cursor.at += 2
        return _PAIRS[token.text]
    if token.kind == "command" and token.text[1:] in table.RELATIONS:
        cursor.take()
        return _SPELLINGS.get(token.text, token.text)
    return _mark(cursor) if token.text in _MARKS else None


def _mark(cursor: Cursor) -> str:
    """``=``, ``<`` or ``>``; one sign with an ``=`` right behind it."""
    token: Token = cursor.take()
    if token.text == "=" and cursor.peek().text == ":" and not cursor.peek().spaced:
        cursor.take()  # =: defines its right side
        return "="
    if cursor.peek().text == "=" and not cursor.peek().spaced:
        cursor.take()
        return _WITH_EQUALS[token.text]
    return token.text


def _decorated(cursor: Cursor) -> str | None:
    """``\\overset{(a)}{=}`` is the relation in its last argument."""
    cursor.take()
    cursor.skip_argument()
    if cursor.peek().text != "{":
        return _read(cursor)
    close = cursor.closing_brace(cursor.at)
    cursor.take()
    name = _read(cursor)
    if name is None or cursor.at != close:
        return None
    cursor.take()
    return name
