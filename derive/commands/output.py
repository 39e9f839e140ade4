"""Where a command's output goes: a file or the terminal, with or without colours, in the signs that it can show."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def can_encode() -> bool:
    """Whether standard output takes the mathematical signs of the report."""
    try:
        "Σ√∂ᵀx̂✓✗".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def colours(unwanted: bool) -> bool:
    """Whether to print in colour: on a terminal, unless told not to."""
    return not (unwanted or "NO_COLOR" in os.environ) and sys.stdout.isatty()


def width() -> int:
    """The columns to fill."""
    return min(shutil.get_terminal_size((100, 24)).columns, 120)


class OutputError(Exception):
    """A report that cannot be written where it should go."""


def write(text: str, path: str | None) -> None:
    """Text to a file, or to standard output without one.

    Raises:
        OutputError: the file cannot be written.
    """
    data = text.encode("utf-8", "replace")  # a file's name may hold bytes that are no text
    if path is None:
        _print(text, data)
        return
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise OutputError(
            f"{path}: the report cannot be written there ({(error.strerror or str(error)).lower()})."
        ) from error


def _print(text: str, data: bytes) -> None:
    """In the terminal's encoding, or else in UTF-8, which the formats for programs are always in."""
    with flushed():
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)


def open_streams() -> None:
    """Streams in place of those that are closed, as after ``>&-``: what is written to the output fails, as it would on
    a disk that is full; what is written to the errors is lost."""
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


@contextmanager
def flushed() -> Iterator[None]:
    """Write to standard output, all of it.

    Raises:
        BrokenPipeError: its reader went away.
        OutputError: it is closed, or on a disk that is full.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        _drop_output()
        if isinstance(error, BrokenPipeError):
            raise
        said = (error.strerror or str(error)).lower()
        raise OutputError(f"the output cannot be written ({said}).") from error


def _drop_output() -> None:
    """Nothing more is tried, lest Python complain of it when it ends."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
