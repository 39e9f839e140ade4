"""A derivation as LaTeX: a piece of a document that uses the package amsmath, to be put in with ``\\input``."""

from __future__ import annotations

from collections.abc import Iterator

from derive.exposition import Exposition
from derive.latex.writer import latex
from derive.report.steps_prose import Display, Given, Heading, Part, prose, rows, sentence, single

_HEADINGS = {1: "section", 2: "subsection", 3: "subsubsection"}


def render(exposition: Exposition) -> str:
    """The text between ``\\begin{document}`` and ``\\end{document}``."""
    head = "% needs \\usepackage{amsmath}"
    return "\n\n".join([head, *(text for part in prose(exposition) for text in _part(part))]) + "\n"


def _part(part: Part) -> Iterator[str]:
    if isinstance(part, Heading):
        yield f"\\{_HEADINGS[part.level]}*{{{_words(part.sentence)}}}"
    elif isinstance(part, Display):
        yield _display(part)
    elif isinstance(part, Given):
        yield f"It is given that ${latex(part.left)} = {latex(part.right)}$."
    else:
        yield sentence(part.sentence)


def _words(parts: tuple[object, ...]) -> str:
    """A heading; the title of a document is plain text."""
    return sentence(_escaped(part) if isinstance(part, str) else part for part in parts)  # type: ignore[misc]


def _escaped(text: str) -> str:
    """Plain text with the characters that mean something to LaTeX made harmless."""
    special = {char: f"\\{char}" for char in "#$%&_{}"} | {"~": "\\textasciitilde{}", "^": "\\textasciicircum{}"}
    return "".join("\\textbackslash{}" if char == "\\" else special.get(char, char) for char in text)


def _display(display: Display) -> str:
    if len(display.rows) == 1:
        return f"\\[\n  {single(display)}\n\\]"
    lines = " \\\\\n".join(f"  {row}" for row in rows(display))
    return f"\\begin{{align*}}\n{lines}\n\\end{{align*}}"
