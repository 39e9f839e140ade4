"""All that a scope can reach: snapshots of it for branches and loops, which are read more than once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from derive.code.arrays import Array, Cell
from derive.code.values import Record, Value

Scope = dict[str, Value]
_MAX = 5000


def _containers(scope: Scope) -> Iterator[Value]:
    """Every cell, dict, list and record that can be reached, each once."""
    seen: set[int] = set()
    waiting: list[Value] = [scope]
    while waiting and len(seen) < _MAX:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            yield each
            waiting.extend(each)
        elif isinstance(each, tuple):
            waiting.extend(each)
        elif isinstance(each, Record):
            waiting.append(each.attributes)
        elif isinstance(each, Cell):
            yield each


def cells_of(scope: Scope) -> list[Cell]:
    """The cells that a scope can reach, views excepted."""
    return [each for each in _containers(scope) if isinstance(each, Cell) and each.base is None]


@dataclass
class Snapshot:
    """What a scope and all that it reaches held at one moment."""

    held: list[tuple[Value, Value]]

    @classmethod
    def of(cls, scope: Scope) -> Snapshot:
        return cls([(each, _content(each)) for each in _containers(scope)])

    def restore(self) -> None:
        """Put everything back as it was."""
        for owner, content in self.held:
            if isinstance(owner, Cell):
                owner.held, owner.version = content
            elif isinstance(owner, dict):
                owner.clear()
                owner.update(content)
            else:
                owner[:] = content

    def changed_cells(self) -> dict[int, tuple[Cell, Array]]:
        """The cells that changed since, by identity, with what they held."""
        pairs = ((owner, content) for owner, content in self.held if isinstance(owner, Cell))
        return {id(cell): (cell, content[0]) for cell, content in pairs if cell.version != content[1]}

    def changed_containers(self) -> list[tuple[Value, Value]]:
        """The dicts and lists in which other objects stand than before, with what they held."""
        others = ((o, c) for o, c in self.held if not isinstance(o, Cell))
        return [(owner, content) for owner, content in others if not _same(owner, content)]


def _content(owner: Value) -> Value:
    if isinstance(owner, Cell):
        return owner.held, owner.version
    return dict(owner) if isinstance(owner, dict) else list(owner)


def _same(owner: Value, content: Value) -> bool:
    if isinstance(owner, dict):
        return owner.keys() == content.keys() and all(owner[k] is content[k] for k in owner)
    return len(owner) == len(content) and all(a is b for a, b in zip(owner, content, strict=True))
