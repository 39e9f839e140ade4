r"""What reading gives: documents, their blocks, and the error where there is nothing to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from derive.latex.tokens import Macro
from derive.repair import Repair
from derive.source import Source, SourceError, Span, Text

Kind = Literal["display", "inline", "given", "spoken"]
"""How mathematics stands in a document; what is ``spoken`` was said in words."""
Format = Literal["md", "ipynb", "tex", "txt", "rst", "adoc", "org"]


COMMENT = "<!-- {} -->"
"""How a comment is written in Markdown."""


class DocumentError(Exception):
    """A document that cannot be read at all: which one, what is wrong with it, and what to do."""

    def __init__(self, path: str, message: str, hint: str = "") -> None:
        super().__init__(f"{path}: {message}." + (f" {hint}" if hint else ""))
        self.path = path
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Block:
    """One piece of mathematics.

    ``text`` is the LaTeX between the delimiters, unescaped and repaired; ``span`` holds the delimiters too.
    """

    kind: Kind
    text: Text
    span: Span
    source: Source
    ignored: bool = False


@dataclass(frozen=True)
class Document:
    """The mathematics of a document in reading order.

    ``macros`` are the document's own commands, by name without the backslash; their definitions are cut out
    of the blocks. ``errors`` are the places that could not be read, ``notes`` those that were passed over on purpose.
    ``comment`` is how a comment is written in it.
    """

    path: str
    sources: tuple[Source, ...]
    blocks: tuple[Block, ...]
    repairs: tuple[Repair, ...]
    macros: Mapping[str, Macro]
    errors: tuple[tuple[Source, SourceError], ...]
    notes: tuple[tuple[Source, SourceError], ...] = ()
    comment: str = COMMENT
