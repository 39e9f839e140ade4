"""Choices: what a page may mean in more than one way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """A name of which nothing on the page says whether it is a number or a vector.

    Attributes:
        name: its key.
        taken: what it was taken for, in words.
        other: what else it may be.
    """

    name: str
    taken: str = "a number"
    other: str = "a vector"
