"""How much a run may use: steps, numbers held, depth, time; and the error for whatever cannot be run.

Source comes from anybody. Everything that can grow is asked for here before it is made, so that `10**10**10`,
`'a' * 10**9`, `np.zeros(10**12)` and `while True` end in a sentence and not in the machine's memory.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Reason = Literal["unsupported", "error", "limit"]


class NotRunnable(Exception):
    """The source cannot be run here: says nothing about its gradients, except that they were not confirmed.

    Attributes:
        line: where, counted from 1; ``None`` where no line is known.
        why: one sentence for a reader.
        reason: ``unsupported`` (not on the whitelist), ``error`` (Python or NumPy itself would raise) or ``limit``.
    """

    def __init__(self, line: int | None, why: str, reason: Reason = "unsupported") -> None:
        super().__init__(f"line {line}: {why}" if line else why)
        self.line, self.why, self.reason = line, why, reason


@dataclass
class Budget:
    """What is left of a run's allowance.

    Attributes:
        steps: evaluations of nodes and rounds of loops.
        cells: numbers that may be allocated in all, freed ones included.
        seconds: wall-clock time from the moment of making.
        depth: nested calls of functions of the source.
    """

    steps: int = 1_000_000
    cells: int = 30_000_000
    seconds: float = 5.0
    depth: int = 40
    deadline: float = field(init=False)

    MOST_CELLS = 200_000
    """Numbers in one array, items in one list, characters in one string."""
    MOST_PRODUCTS = 20_000_000
    """Multiplications of one matrix product or contraction."""
    MOST_BITS = 4_096
    """Size of one integer."""

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.seconds

    def renewed(self) -> Budget:
        """The same allowance once more, with what is left of the time."""
        made = Budget()
        made.deadline = self.deadline
        return made

    def step(self, count: int = 1) -> None:
        """Pay for ``count`` steps; the clock is looked at now and then."""
        before = self.steps
        self.steps = before - count
        if self.steps < 0:
            raise NotRunnable(None, "takes too many steps", "limit")
        if before >> 7 != self.steps >> 7 and time.monotonic() > self.deadline:
            raise NotRunnable(None, "takes too long", "limit")

    def hold(self, cells: float) -> None:
        """Pay for an object of so many numbers, items or characters before it is made."""
        if cells > self.MOST_CELLS:
            raise NotRunnable(None, "would hold too many numbers", "limit")
        self.cells -= int(cells)
        if self.cells < 0:
            raise NotRunnable(None, "would use too much memory", "limit")

    def multiply(self, products: float) -> None:
        """Pay for a contraction of so many multiplications."""
        if products > self.MOST_PRODUCTS:
            raise NotRunnable(None, "would take too many multiplications", "limit")

    def shape(self, lengths: Iterable[Any]) -> None:
        """Pay for an array of this shape; lengths that are no numbers are left to NumPy's own error."""
        self.hold(math.prod(abs(int(n)) for n in lengths if isinstance(n, int) or hasattr(n, "__index__")))

    def bits(self, count: float) -> None:
        """Refuse an integer of more bits than this."""
        if count > self.MOST_BITS:
            raise NotRunnable(None, "makes a number of too many digits", "limit")
