"""Where a command's output goes: a file or the terminal, with or without colours, in the signs that it can show."""

from __future__ import annotations

import os
import shutil
import sys
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


def write(text: str, path: str | None) -> None:
    """Text to a file, or to standard output without one."""
    if path is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        Path(path).write_text(text, encoding="utf-8")
