"""The second judge of code: a concrete interpreter, and finite differences of what it runs.

Written apart from the symbolic interpreter, which it is there to contradict: of that only the finding of pairs is
shared. Python source is walked node by node over small real NumPy arrays; nothing of it is executed or imported by
Python, and nothing that is not on the whitelist of `libraries` can be called.

    source -> Program -> Machine -> run                 (expressions, statements, libraries)
    pair, shapes, sizes -> draws -> forward, backward   (gradients)
    forward, perturbed -> differences                   (the truth)
"""

from __future__ import annotations

from derive.code.concrete.budget import Budget, NotRunnable
from derive.code.concrete.draws import Shape
from derive.code.concrete.gradients import Check, Gradients, Rerun, Returned, Truth, gradients, last_assigned, rerun
from derive.code.concrete.machine import Assigned
from derive.code.concrete.running import Run, run

__all__ = [
    "Assigned", "Budget", "Check", "Gradients", "NotRunnable", "Rerun", "Returned", "Run", "Shape", "Truth",
    "gradients", "last_assigned", "rerun", "run",
]  # fmt: skip
