"""A derivation for a terminal: a page that reads like one written by hand.

Each line ends a step: its mark, its rule and its equation. What the next step changes is underlined, or in colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from derive.exposition import Block, Exposition, Line, Result, Section
from derive.latex.syntax import Node
from derive.plain import columns, plain

ON, OFF = "\x01", "\x02"
RULE_WIDTH = 15
MARGIN = 3
_COLOURS = {"proved": "32", "open": "1;31", "changed": "33", "rule": "36"}
_BREAKS = (
    (re.compile(r" (?=[=+−-] )"), True),
    (re.compile(r" (?=Σ|sum_|\()"), True),
    (re.compile(r" (?=[+−-] )"), False),
    (re.compile(r"(?<!Σ_.)(?<!sum_.)(?<![+=−-]) "), False),
)
"""Where a row may end, the best places first, and whether only outside brackets: before signs, before sums and
brackets, before signs inside brackets, anywhere but behind a sum's sign, plus and minus."""


@dataclass(frozen=True)
class StepsText:
    """Prints an exposition.

    Args:
        width: columns to wrap at.
        colour: whether to use terminal colours.
        ascii: whether to keep to ASCII.
    """

    width: int = 80
    colour: bool = False
    ascii: bool = False

    def render(self, exposition: Exposition) -> str:
        """The whole text, with a final line break."""
        parts = [self._bold(exposition.title), *self._forward(exposition)]
        number = 0
        for result in exposition.results:
            if result.paths:
                parts.append("\n".join(self._paths(result)))
            for section in result.sections:
                number += 1
                parts.append("\n".join(self._section(section, number)))
            parts.append("\n".join(self._result(result)))
        return "\n\n".join(parts) + "\n"

    # -- what is given -----------------------------------------------------------------------------------------------

    def _forward(self, exposition: Exposition) -> Iterator[str]:
        lines = [self._bold("Forward pass")]
        for left, right in exposition.forward:
            lines += self._equation(left, right)
        yield "\n".join(lines)
        if exposition.names:
            lines = [self._bold("Names")]
            for left, right in exposition.names:
                lines += self._equation(left, right)
            yield "\n".join(lines)
        if exposition.facts or exposition.assumptions:
            lines = [self._bold("Taken for granted")]
            for left, right in exposition.facts:
                lines += self._equation(left, right)
            for text in exposition.assumptions:
                lines += self._wrapped(text, " " * MARGIN, " " * MARGIN)
            yield "\n".join(lines)

    def _paths(self, result: Result) -> Iterator[str]:
        yield self._bold(f"Paths to {self._text(result.paths[0][0][-1])}")
        arrow = " <- " if self.ascii else " ← "
        rows = [(arrow.join(self._text(node) for node in path), silent) for path, silent in result.paths]
        longest = max(columns(text) for text, _ in rows)
        for text, silent in rows:
            remark = " " * (longest - columns(text) + 3) + "carries nothing" if silent else ""
            if columns(text) + columns(remark) + MARGIN > self.width:
                remark = "\n" + " " * 2 * MARGIN + "carries nothing" if silent else ""
            yield f"{' ' * MARGIN}{text}{remark}"

    # -- stages ------------------------------------------------------------------------------------------------------

    def _section(self, section: Section, number: int) -> Iterator[str]:
        through = ", ".join(self._text(node) for node in section.through)
        yield self._bold(f"{number}. {self._text(section.left)}") + (f", through {through}" if through else "")
        for block in section.blocks:
            yield from self._block(block)

    def _block(self, block: Block) -> Iterator[str]:
        left = self._text(block.left)
        for k, line in enumerate(block.lines):
            follower = block.lines[k + 1] if k + 1 < len(block.lines) else None
            right = self._marked(line, follower)
            yield from self._row(line, f"{left if not k else ' ' * columns(left)} = ", right)

    def _row(self, line: Line, lead: str, text: str) -> Iterator[str]:
        """A step: mark, rule, equation; below it what it rests on."""
        mark = self._coloured("+" if self.ascii else "✓", "proved") if line.proved else self._coloured("?", "open")
        rule = self._coloured(f"{line.rule:<{RULE_WIDTH}}", "rule")
        indent = MARGIN + 2 + RULE_WIDTH
        rows = filled(lead, text, self.width - indent)
        for k, row in enumerate(rows):
            head = f"{' ' * MARGIN}{mark} {rule}" if not k else " " * indent
            yield from self._shown(row, head, indent)
        for equation in line.because:
            for row in filled("because ", self._text(equation), self.width - indent):
                yield f"{' ' * indent}{row}"
        if not line.proved:
            yield f"{' ' * indent}not proved"

    def _marked(self, line: Line, follower: Line | None) -> str:
        """A line's right side with the parts marked that the next step changes."""
        text = self._text(line.right)
        for node in follower.changed if follower is not None else ():
            part = self._text(node)
            text = text.replace(part, f"{ON}{part}{OFF}")
        return text

    def _shown(self, row: str, head: str, indent: int) -> Iterator[str]:
        """A row with its marked parts in colour, or underlined."""
        if self.colour:
            code = _COLOURS["changed"]
            yield head + row.replace(ON, f"\x1b[{code}m").replace(OFF, "\x1b[0m")
            return
        yield (head + row.replace(ON, "").replace(OFF, "")).rstrip()
        under = _underline(row)
        if under.strip():
            yield " " * indent + under.rstrip()

    # -- the end -----------------------------------------------------------------------------------------------------

    def _result(self, result: Result) -> Iterator[str]:
        yield self._bold("Result")
        yield from self._equation(result.left, result.right)
        count = sum(len(section.lines) for section in result.sections)
        if result.proved:
            state = self._coloured("proved for all sizes", "proved") + f", {_counted(count, 'step')}"
        else:
            state = self._coloured("not proved", "open")
        sums = ", ".join(self._text(reduction.node) for reduction in result.reductions)
        needs = f"; {_counted(len(result.reductions), 'sum')}: {sums}" if sums else ""
        yield from self._wrapped(
            f"{state}; {_counted(result.operations, 'operation')}{needs}", " " * MARGIN, " " * MARGIN
        )

    # -- looks -------------------------------------------------------------------------------------------------------

    def _equation(self, left: Node, right: Node) -> Iterator[str]:
        for row in filled(f"{self._text(left)} = ", self._text(right), self.width - MARGIN):
            yield " " * MARGIN + row

    def _wrapped(self, text: str, first: str, rest: str) -> Iterator[str]:
        row = first
        for word in text.split(" "):
            if columns(row) + 1 + columns(word) > self.width and row.strip():
                yield row
                row = rest
            row = f"{row} {word}" if row.strip() else row + word
        yield row

    def _text(self, node: Node) -> str:
        return plain(node, self.ascii)

    def _coloured(self, text: str, kind: str) -> str:
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if self.colour else text

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text


def filled(lead: str, text: str, width: int) -> list[str]:
    """An expression in rows behind ``lead``, broken at the best places that will do."""
    rows = _Rows(width, min(columns(lead), width // 2), lead)
    rows.add(text, 0)
    return rows.finished()


class _Rows:
    """Rows that are being filled; all but the first are indented."""

    def __init__(self, width: int, indent: int, lead: str) -> None:
        self.width = width
        self.indent = indent
        self.rows = [lead]
        self._is_fresh = True

    def add(self, text: str, level: int) -> None:
        """Put a text in this row, or in the next, or where it is longer than a row in parts."""
        space = 0 if self._is_fresh else 1
        if columns(self.rows[-1]) + space + columns(text) <= self.width:
            self._put(text)
        elif not self._is_fresh and self.indent + columns(text) <= self.width:
            self._break()
            self._put(text)
        elif level < len(_BREAKS):
            if not self._is_fresh and level:
                self._break()
            for part in _parts(text, level):
                self.add(part, level + 1)
        else:
            self._break()
            self._put(text)

    def _put(self, text: str) -> None:
        self.rows[-1] += text if self._is_fresh else f" {text}"
        self._is_fresh = False

    def _break(self) -> None:
        if self._is_fresh and self.rows[-1].isspace():
            return
        self.rows.append(" " * self.indent)
        self._is_fresh = True

    def finished(self) -> list[str]:
        """The rows, a mark that runs over the end of one closed there and opened again in the next."""
        found = []
        marking = False
        for row in self.rows:
            if marking:
                row = " " * self.indent + ON + row[self.indent :]
            marking = row.count(ON) > row.count(OFF)
            found.append(row + (OFF if marking else ""))
        return found


def _parts(text: str, level: int) -> list[str]:
    """A text cut at the places of a level."""
    breaks, outside = _BREAKS[level]
    places = [0]
    depth = 0
    for k, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == " " and not (outside and depth) and breaks.match(text, k):
            places.append(k + 1)
    return [text[a:b].rstrip(" ") for a, b in zip(places, [*places[1:], len(text) + 1], strict=True)]


def _underline(row: str) -> str:
    under = ""
    marking = False
    for char in row:
        if char in (ON, OFF):
            marking = char == ON
        elif columns(char):
            under += "~" if marking else " "
    return under


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
