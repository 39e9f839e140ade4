"""Less work for the garbage collector in a process that does one thing and ends."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """What is imported inside lives to the end of the process, so that nobody need look whether it can go.

    SymPy alone makes some hundred thousand such objects when it is imported; looking through them again and again, and
    once more at the end, takes a fifth of the time that a short document does. In a process that goes on (`--watch`)
    this is done once: later, what lies about is garbage of the documents before, which would last as well.
    """
    if "sympy" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
