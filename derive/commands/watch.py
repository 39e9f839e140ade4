"""Watching files: a run now, and another whenever one of them changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

INTERVAL = 0.3  # seconds between two looks: shorter than a reader notices, and a look costs microseconds

Stamp = tuple[int, int] | None


def watch(paths: Sequence[str], action: Callable[[], int], clear: bool) -> int:
    """Run an action, and again after each change, until the user interrupts; returns the last run's status.

    Args:
        paths: what to watch; a name without a file (a built-in layer) never changes.
        clear: whether to clear the screen before each run, where it is one.
    """
    status = 0
    try:
        while True:
            seen = _stamps(paths)
            if clear and sys.stdout.isatty():
                print("\x1b[2J\x1b[H", end="")
            status = action()
            print(f"derive: watching {', '.join(paths)}; Ctrl-C ends this", file=sys.stderr, flush=True)
            _wait(paths, seen)
    except KeyboardInterrupt:
        return status


def _wait(paths: Sequence[str], seen: list[Stamp]) -> None:
    """Return when the files differ from what was seen, and have come to rest (editors write in several steps)."""
    before = seen
    while True:
        time.sleep(INTERVAL)
        now = _stamps(paths)
        if now == before and now != seen:
            return
        before = now


def _stamps(paths: Sequence[str]) -> list[Stamp]:
    return [_stamp(Path(path)) for path in paths]


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
