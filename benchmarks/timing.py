"""Paired timings: all contestants in one run, in random order each round, compared within the round."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Timings:
    """Seconds of each contestant, round by round."""

    seconds: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def ratios(self, name: str, peer: str) -> tuple[float, float]:
        """The median and the smallest of the rounds' ratios to a peer."""
        found = [a / b for a, b in zip(self.seconds[name], self.seconds[peer], strict=True)]
        return statistics.median(found), min(found)


def race(
    contestants: Mapping[str, Callable[[], object]],
    rounds: int,
    warmups: int = 1,
    clock: Callable[[], float] = time.perf_counter,
    before: Callable[[], object] | None = None,
) -> Timings:
    """Time functions in random order, ``rounds`` times after ``warmups`` rounds that do not count.

    Args:
        clock: what gives the seconds; `time.process_time` on a machine that others use too.
        before: what is done before each turn, untimed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    order = list(contestants)
    for k in range(-warmups, rounds):
        random.shuffle(order)
        for name in order:
            if before is not None:
                before()
            start = clock()
            contestants[name]()
            if k >= 0:
                seconds[name].append(clock() - start)
    return Timings(seconds)


def process(*arguments: str) -> Callable[[], object]:
    """A whole Python process, its output thrown away."""
    return lambda: subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
