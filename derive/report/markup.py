"""What the web pages share: text that is only text."""

from __future__ import annotations

from html import escape


def text(text: str) -> str:
    """Text that is only text: escaped, and without characters that have no sign or turn the others round."""
    return escape("".join(c if c.isprintable() else " " for c in text))


def lines(text_: str) -> str:
    """The same for several lines."""
    return "\n".join(map(text, text_.split("\n")))
