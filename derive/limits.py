"""A limit on the time that a computation takes, whatever it is doing."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TimeLimit(Exception):
    """The time is up; says nothing about truth."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeLimit` in the block after ``seconds``.

    Uses the process's interval timer, which only the main thread of a POSIX system has; elsewhere the block is not
    limited from outside, and the deadlines inside the computations have to do. Of limits inside one another the
    sooner counts.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable:
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TimeLimit

    start = time.monotonic()
    previous = signal.signal(signal.SIGALRM, stop)
    outer, _ = signal.getitimer(signal.ITIMER_REAL)
    _arm(min(seconds, outer) if outer else seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if outer:
            _arm(outer - (time.monotonic() - start))


def _arm(seconds: float) -> None:
    """Set the timer; again and again, as what is raised while garbage is collected is lost."""
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), 1.0)
