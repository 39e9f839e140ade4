"""What repairing gives: the places put back, and the error where a place can be read in two ways."""

from __future__ import annotations

from dataclasses import dataclass

from derive.source import SourceError


@dataclass(frozen=True)
class Repair:
    """One place where LaTeX was put back; ``was`` and ``now`` are printable, control characters escaped."""

    line: int
    column: int
    was: str
    now: str
    cell: int | None = None


class RepairError(SourceError):
    """A damaged place that can be read in more than one way, or in none."""
