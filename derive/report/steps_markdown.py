"""A derivation as a Markdown document, which `derive check` reads and finds proved line by line."""

from __future__ import annotations

from collections.abc import Iterator

from derive.exposition import Exposition
from derive.latex.writer import latex
from derive.report.steps_prose import Display, Given, Heading, Part, prose, rows, sentence, single


def render(exposition: Exposition) -> str:
    """The document."""
    return "\n\n".join(text for part in prose(exposition) for text in _part(part)) + "\n"


def _part(part: Part) -> Iterator[str]:
    if isinstance(part, Heading):
        yield f"{'#' * part.level} {sentence(part.sentence)}"
    elif isinstance(part, Display):
        yield _display(part)
    elif isinstance(part, Given):
        yield f"<!-- given: {latex(part.left)} = {latex(part.right)} -->"
    else:
        yield sentence(part.sentence)


def _display(display: Display) -> str:
    if len(display.rows) == 1:
        return f"$$\n{single(display)}\n$$"
    lines = " \\\\\n".join(rows(display))
    return f"$$\n\\begin{{aligned}}\n{lines}\n\\end{{aligned}}\n$$"
