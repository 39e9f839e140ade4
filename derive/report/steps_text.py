"""A derivation for a terminal: a page that reads like one written by hand.

Each line ends a step: its mark, its rule and its equation. What the next step changes is underlined, or in colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from derive.exposition import Block, Exposition, Line, Result, Section
from derive.latex.syntax import Node
from derive.plain import plain

ON, OFF = "\x01", "\x02"
RULE_WIDTH = 15
MARGIN = 3
_COLOURS = {"proved": "32", "open": "1;31", "changed": "33", "rule": "36"}
_BREAKS = re.compile(r" (?=[=+−-] )")
_SPACES = re.compile(r"(?<!Σ_.)(?<!sum_.)(?<![+=−-]) ")
"""Where a row may end inside brackets: not behind a sum's sign, nor behind plus and minus."""


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
        longest = max(_length(text) for text, _ in rows)
        for text, silent in rows:
            remark = " " * (longest - _length(text) + 3) + "carries nothing" if silent else ""
            if _length(text) + _length(remark) + MARGIN > self.width:
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
            text = f"{left if not k else ' ' * _length(left)} = {right}"
            yield from self._row(line, text, _length(left) + 3)

    def _row(self, line: Line, text: str, hang: int) -> Iterator[str]:
        """A step: mark, rule, equation; below it what it rests on."""
        mark = self._coloured("+" if self.ascii else "✓", "proved") if line.proved else self._coloured("?", "open")
        rule = self._coloured(f"{line.rule:<{RULE_WIDTH}}", "rule")
        indent = MARGIN + 2 + RULE_WIDTH
        rows = list(self._filled(text, self.width - indent, hang))
        for k, row in enumerate(rows):
            head = f"{' ' * MARGIN}{mark} {rule}" if not k else " " * indent
            yield from self._shown(row, head, indent)
        for equation in line.because:
            words = f"because {self._text(equation)}"
            for row in self._filled(words, self.width - indent, len("because ")):
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
        text = self._text(left)
        for row in self._filled(f"{text} = {self._text(right)}", self.width - MARGIN, _length(text) + 3):
            yield " " * MARGIN + row

    def _filled(self, text: str, width: int, hang: int) -> Iterator[str]:
        """An equation in rows: broken before signs outside brackets where that is enough."""
        hang = min(hang, width // 2)
        row = ""
        marking = False
        for piece in _pieces(text, max(width - hang, 20)):
            if row and _length(row) + 1 + _length(piece) > width:
                yield row + (OFF if marking else "")
                row = " " * hang + (ON if marking else "") + piece
            else:
                row = f"{row} {piece}" if row else piece
            marking = row.count(ON) > row.count(OFF)
        yield row

    def _wrapped(self, text: str, first: str, rest: str) -> Iterator[str]:
        row = first
        for word in text.split(" "):
            if _length(row) + 1 + _length(word) > self.width and row.strip():
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


def _pieces(text: str, width: int) -> Iterator[str]:
    """A text cut before the signs outside brackets; what is still too long at every space."""
    depth = 0
    start = 0
    for k, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == " " and not depth and _BREAKS.match(text, k) and k > start:
            yield from _words(text[start:k], width)
            start = k + 1
    yield from _words(text[start:], width)


def _words(text: str, width: int) -> Iterator[str]:
    if _length(text) <= width or " " not in text.strip():
        yield text
    else:
        lead = len(text) - len(text.lstrip(" "))
        first, *rest = _SPACES.split(text.lstrip(" "))
        yield " " * lead + first
        yield from rest


def _length(text: str) -> int:
    """The columns that a text takes: marks, colours and combining accents take none."""
    bare = re.sub(r"\x1b\[[0-9;]*m|[\x01\x02\u0302-\u036f\u20d7]", "", text)
    return len(bare)


def _underline(row: str) -> str:
    under = ""
    marking = False
    for char in row:
        if char in (ON, OFF):
            marking = char == ON
        elif _length(char):
            under += "~" if marking else " "
    return under


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
