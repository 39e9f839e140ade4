"""What is kept to save work while one document is read and judged, and goes when the next one begins.

Two documents share hardly an expression (each has its own bound indices), so what was kept for one is only in the way
of the next: it fills the memory of a process that checks many, and the garbage collector looks through all of it again
and again. A folder of documents is checked faster without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

from sympy.core.cache import clear_cache

P = ParamSpec("P")
R = TypeVar("R")

_FORGETTERS: list[Callable[[], None]] = [clear_cache]


def kept(size: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep a function's last ``size`` results until the next document begins."""

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        cached = lru_cache(maxsize=size)(function)
        _FORGETTERS.append(cached.cache_clear)
        return cast(Callable[P, R], cached)

    return decorated


def forget() -> None:
    """Let go of all that is kept, by SymPy as well; whoever still asks for it gets it computed again."""
    for forgetter in _FORGETTERS:
        forgetter()
