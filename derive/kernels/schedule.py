"""In which order the steps of a program are gone through: passes over blocks of the data, and what is done between
them.

A pass goes once through the data, block by block along some axes. A step with these axes belongs inside; a sum over
them is complete only after the pass, and what depends on it comes before the next one. Elementwise steps inside a
block are computed again in each pass that needs them, as they are never stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from derive.kernels.program import Program, Step, reads


@dataclass(frozen=True)
class Pass:
    """One pass.

    Attributes:
        before: the steps between the pass before and this one.
        body: the steps inside, those whose values stay in the block.
        sums: reductions over the blocks.
        stored: the names of the steps in ``body`` whose values leave the block in this pass.
    """

    before: tuple[Step, ...]
    body: tuple[Step, ...]
    sums: tuple[Step, ...]
    stored: tuple[str, ...]

    @property
    def is_idle(self) -> bool:
        """Whether nothing in it goes through the data."""
        return not self.body and not self.sums


def passes(steps: Iterable[Step], block: frozenset[str], stored: Iterable[str]) -> list[Pass]:
    """The passes over blocks along some axes; the last one may be idle.

    Args:
        stored: the names of steps whose values are wanted.
    """
    steps = tuple(steps)
    by_name = {s.name: s for s in steps}
    levels: dict[str, int] = {}
    for step in steps:
        levels[step.name] = max((_after(by_name[r], levels, block) for r in _sources(step, by_name)), default=0)
    last = max((levels[s.name] + _crosses(s, block) for s in steps), default=0)
    _sink(steps, by_name, levels, block, last)
    wanted = set(stored)
    return [_pass(steps, by_name, levels, block, level, wanted) for level in range(last + 1)]


def _sink(
    steps: tuple[Step, ...], by_name: dict[str, Step], levels: dict[str, int], block: frozenset[str], last: int
) -> None:
    """What stands between passes is computed where it is first needed, beside what it is computed with."""
    for step in reversed(steps):
        if not _inside(step, block) and not _crosses(step, block):
            users = [levels[s.name] for s in steps if step.name in _sources(s, by_name)]
            levels[step.name] = max(levels[step.name], min(users, default=last))


def _sources(step: Step, by_name: dict[str, Step]) -> list[str]:
    return [name for name in dict.fromkeys(r.name for r in reads(step.value)) if name in by_name]


def _crosses(step: Step, block: frozenset[str]) -> bool:
    """Whether a step is complete only after a pass; a value near a mean is taken from a sample, before."""
    return bool(block & set(step.over)) and step.kind != "near"


def _inside(step: Step, block: frozenset[str]) -> bool:
    return block <= set(step.axes)


def _after(step: Step, levels: dict[str, int], block: frozenset[str]) -> int:
    return levels[step.name] + _crosses(step, block)


def _pass(
    steps: tuple[Step, ...],
    by_name: dict[str, Step],
    levels: dict[str, int],
    block: frozenset[str],
    level: int,
    wanted: set[str],
) -> Pass:
    here = [s for s in steps if levels[s.name] == level]
    sums = tuple(s for s in here if _crosses(s, block))
    stored = tuple(s.name for s in here if _inside(s, block) and not _crosses(s, block) and s.name in wanted)
    needed = set(stored)
    waiting = [*stored, *(name for s in sums for name in _sources(s, by_name))]
    while waiting:
        name = waiting.pop()
        step = by_name[name]
        if _inside(step, block) and not _crosses(step, block):
            needed.add(name)
            waiting += [n for n in _sources(step, by_name) if n not in needed]
    body = tuple(s for s in steps if s.name in needed)
    before = tuple(s for s in here if not _inside(s, block) and not _crosses(s, block))
    return Pass(before, body, sums, stored)


# -- which axes to go along ------------------------------------------------------------------------------------------


def space_of(program: Program) -> tuple[str, ...]:
    """The axes of the step with the most of them, in the order of memory."""
    longest = max((s.space for s in program.steps), key=len, default=())
    return tuple(a for a in program.sizes if a in longest)


def block_of(program: Program) -> tuple[str, ...]:
    """The axes to go along: those of the statistics, so that a group that is read twice is still in the cache; where
    the statistics have the innermost axis, the axes before it."""
    space = space_of(program)
    needed = {r.name for s in program.steps for r in reads(s.value)}
    kept = {
        s.axes for s in program.steps if s.kind in ("sum", "max") and s.name in needed and _steers(s, program, space)
    }
    union = {a for axes in kept for a in axes}
    if not union:
        return space[:-1] if len(space) > 1 else space
    if len(kept) == 1 and space[-1] not in union:
        return tuple(a for a in space if a in union)
    rest = list(space)
    while rest and rest[-1] in union:
        rest.pop()
    return tuple(rest)


def _steers(step: Step, program: Program, space: tuple[str, ...]) -> bool:
    """Whether anything of the data's size depends on a reduction."""
    waiting, seen = [step.name], {step.name}
    while waiting:
        name = waiting.pop()
        for other in program.steps:
            if other.name not in seen and name in {r.name for r in reads(other.value)}:
                if len(other.axes) == len(space) or other.kind == "max":
                    return True
                seen.add(other.name)
                waiting.append(other.name)
    return False
