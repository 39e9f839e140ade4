"""The second judge: the same source run by a concrete interpreter, compared with finite differences.

It was written apart from the symbolic reader and shares nothing with it. No gradient is proved without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.code.judge import Finding
from derive.code.module import Module
from derive.code.passes import Passes


def crosschecked(module: Module, passes: Passes, findings: Sequence[Finding]) -> list[Finding]:
    """Findings with every proof that the second judge does not share taken back."""
    return [_unproved(f, "the second judge is missing") if f.status == "proved" else f for f in findings]


def _unproved(finding: Finding, why: str) -> Finding:
    return replace(finding, status="tested", reason=f"proved by the normal form, but not run: {why}")
