"""The report for a terminal: every line with its verdict, what is wrong with it, and what would be right."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from derive.checking import ORDER, Checked, Statement
from derive.latex import syntax as S
from derive.plain import columns, in_ascii, plain
from derive.report.wording import (
    as_text,
    conclusion,
    data,
    fixed_line,
    is_code,
    meaning,
    names_things,
    place,
    readable,
    remarks,
)
from derive.source import frame

INDENT = "      "
_MARKS = {
    "proved": "✓",
    "refuted": "✗",
    "tested": "≈",
    "undecided": "?",
    "unsupported": "!",
    "assumed": "·",
    "note": " ",
}
_ASCII_MARKS = {
    "proved": "+",
    "refuted": "x",
    "tested": "~",
    "undecided": "?",
    "unsupported": "!",
    "assumed": ".",
    "note": " ",
}
_COLOURS = {"proved": "32", "refuted": "1;31", "tested": "33", "undecided": "33", "unsupported": "35", "assumed": "36"}
_REPAIRS_SHOWN = 5
_NAME_COLUMN = 16
_STATUS_COLUMN = max(map(len, _MARKS))


@dataclass(frozen=True)
class TextReport:
    """Prints a checked document.

    Args:
        width: columns to wrap at.
        colour: whether to use terminal colours.
        ascii: whether to keep to ASCII.
    """

    width: int = 80
    colour: bool = False
    ascii: bool = False

    def render(self, checked: Checked) -> str:
        """The whole report, with a final line break."""
        end = "\n".join(self._wrapped(conclusion(checked), "", ""))
        parts = [self._header(checked), *self._sections(checked), self._summary(checked), end]
        return "\n\n".join(part for part in parts if part) + "\n"

    def statement(self, statement: Statement) -> str:
        """One statement with its verdict, without a final line break."""
        return "\n".join(self._statement(statement))

    def counterexample(self, example: Any) -> list[str]:
        """The lines that tell where two sides differ."""
        return [line.removeprefix(INDENT) for line in self._counterexample(example)]

    # -- sections ----------------------------------------------------------------------------------------------------

    def _header(self, checked: Checked) -> str:
        return self._bold(checked.document.path)

    def _sections(self, checked: Checked) -> Iterator[str]:
        if checked.repairs:
            yield "\n".join(self._repairs(checked))
        if checked.assumptions:
            yield "\n".join(self._assumptions(checked))
        if checked.meanings:
            yield "\n".join(self._meanings(checked))
        if checked.statements:
            yield self._statements(checked.statements)
        if checked.goals:
            yield "\n".join(self._goals(checked))

    def _repairs(self, checked: Checked) -> Iterator[str]:
        count = len(checked.repairs)
        yield self._bold(f"Repaired ({count} {'place' if count == 1 else 'places'}; the text had lost characters)")
        for repair in checked.repairs[:_REPAIRS_SHOWN]:
            cell = f"cell {repair.cell}, " if repair.cell is not None else ""
            yield f"  {cell}line {repair.line}, column {repair.column}: {repair.was} {self._arrow()} {repair.now}"
        if count > _REPAIRS_SHOWN:
            kinds = Counter(repair.now.split("{")[0].split("(")[0].strip() for repair in checked.repairs)
            listed = ", ".join(f"{now} {n} times" if n > 1 else now for now, n in kinds.most_common(6))
            more = f"... {count - _REPAIRS_SHOWN} more, in all {listed}; --format json lists each"
            yield from self._wrapped(more, "  ", "  ")

    def _assumptions(self, checked: Checked) -> Iterator[str]:
        from_code = any(map(is_code, checked.statements))
        otherwise = "--shapes and --fix" if from_code else checked.document.comment.format("given: ...")
        yield self._bold(f"Assumed (state otherwise with {otherwise})")
        for assumption in checked.assumptions:
            line = f" (line {assumption.line})" if assumption.line is not None else ""
            text = assumption.text if from_code else readable(assumption.text, self.ascii)
            yield from self._wrapped(f"{text}{line}", "  - ", "    ")

    def _meanings(self, checked: Checked) -> Iterator[str]:
        """What each name was taken for, one below the other."""
        yield self._bold("Reading (what each name was taken for)")
        names = [as_text(m.name, self.ascii) for m in checked.meanings]
        column = min(max(map(columns, names)), _NAME_COLUMN)
        for shown, found in zip(names, checked.meanings, strict=True):
            yield from self._wrapped(
                meaning(found, self.ascii), f"  {shown}{' ' * (column - columns(shown))}  ", " " * (column + 4)
            )

    # -- statements --------------------------------------------------------------------------------------------------

    def _statements(self, statements: Sequence[Statement]) -> str:
        """One line each, one below the other; what needs more stands apart."""
        column = max(len(place(s)) for s in statements)
        text, apart = "", False
        for statement in statements:
            lines = list(self._statement(statement, column))
            more = len(lines) > 1
            text += ("\n\n" if more or apart else "\n") * bool(text) + "\n".join(lines)
            apart = more
        return text

    def _statement(self, statement: Statement, column: int = 0) -> Iterator[str]:
        if statement.blame == "inherited":
            yield from self._inherited(statement, column)
            return
        mark = self._sign(statement.status)
        head = f"{mark} {place(statement):<{column}}  {statement.status:<{_STATUS_COLUMN}}  "
        lines = self._wrapped(self._equation(statement), head, INDENT)
        painted = self._painted(lines, mark, statement.status)
        yield from self._painted(painted, f" {statement.status} ", statement.status)
        said = ", ".join(remarks(statement))
        if names_things(statement):
            said = readable(said, self.ascii)
        if said or statement.hint:
            text = f"{said}. {statement.hint}" if said and statement.hint else said or statement.hint
            yield from self._wrapped(text, INDENT, INDENT + "  ")
        for code, message in ((m.code, m.message) for m in statement.mistakes):
            said = in_ascii(message) if self.ascii else message
            yield from self._wrapped(f"{code}  {said}", INDENT, INDENT + "  ")
        if statement.status in ("refuted", "unsupported"):
            yield from self._source(statement)
        if statement.fix is not None and is_code(statement):
            yield f"{INDENT}should be:"
            yield f"{INDENT}    {fixed_line(statement)}"
        if statement.correct is not None:
            yield from self._wrapped(f"correct: {plain(statement.correct, self.ascii)}", INDENT, INDENT + "  ")
        if statement.script:
            yield f"{INDENT}to see it, run:"
            yield from (f"{INDENT}    {line}".rstrip() for line in statement.script.splitlines())
        elif statement.counterexample is not None:
            yield from self._counterexample(statement.counterexample, is_code(statement))
        if statement.terms:
            yield from self._terms(statement)

    def _inherited(self, statement: Statement, column: int) -> Iterator[str]:
        """Code that is wrong only by a line before: one line, in grey."""
        head = f"{self._sign(statement.status)} {place(statement):<{column}}  {statement.status:<{_STATUS_COLUMN}}  "
        said = f"{self._equation(statement)}, {'; '.join(remarks(statement))}".rstrip(", ")
        for line in self._wrapped(said, head, INDENT):
            yield f"\x1b[2m{line}\x1b[0m" if self.colour else line

    def _equation(self, statement: Statement) -> str:
        if isinstance(statement.left, S.Empty) and isinstance(statement.right, S.Empty):
            return ""
        if isinstance(statement.right, S.Empty) and statement.name:
            return statement.name
        if isinstance(statement.left, S.Chain):
            return plain(statement.left, self.ascii)
        return f"{plain(statement.left, self.ascii)} = {plain(statement.right, self.ascii)}".rstrip()

    def _source(self, statement: Statement) -> Iterator[str]:
        framed = frame(statement.source, statement.fault, self.width - len(INDENT))
        for line in framed.splitlines():
            yield INDENT + line[4:]

    def _counterexample(self, example: Any, from_code: bool = False) -> Iterator[str]:
        found = [f"{name} = {value}" for name, value in (*example.sizes.items(), *example.indices.items())]
        for name, value in example.values.items():
            found.append(f"{name if from_code else as_text(name, self.ascii)} = {data(value)}")
        where = "; ".join(found)
        yield from self._wrapped(f"for {where}", INDENT, INDENT + "  ")
        if from_code:
            return  # what the code gives and what it should be has been said in its own words
        sides = f"the left side is {example.left}, the right side {example.right}"
        yield from self._wrapped(sides, INDENT, INDENT + "  ")

    def _terms(self, statement: Statement) -> Iterator[str]:
        """The derived terms with the author's below them."""
        yield f"{INDENT}term by term:"
        for term in statement.terms:
            path = (
                "not derived"
                if term.path is None
                else f"through {as_text(term.path, self.ascii)}"
                if term.path
                else "directly"
            )
            gap = f", largest difference on random data {term.difference:.2g}" if term.difference is not None else ""
            yield f"{INDENT}  {path}: {self._coloured(term.status, term.status)}{gap}"
            for label, node in (("derived", term.derived), ("written", term.author)):
                text = plain(node, self.ascii) if node is not None else "-"
                yield from self._wrapped(f"{label}  {text}", INDENT + "    ", INDENT + "             ")

    # -- the end -----------------------------------------------------------------------------------------------------

    def _goals(self, checked: Checked) -> Iterator[str]:
        yield self._bold("Derived")
        for goal in checked.goals:
            text = f"{plain(goal.left, self.ascii)} = {plain(goal.right, self.ascii)}"
            lines = self._wrapped(text, f"{self._sign(goal.status)} {goal.status}  ", INDENT)
            yield from self._painted(lines, f" {goal.status} ", goal.status)

    def _summary(self, checked: Checked) -> str:
        counts = Counter(s.status for s in checked.statements)
        listed = ", ".join(f"{counts[status]} {status}" for status in ORDER if counts[status])
        path, verdict = checked.document.path, checked.verdict
        lines = self._wrapped(f"{path}: {verdict} ({listed or 'no equations'}) in {checked.seconds:.1f} s", "", "  ")
        text = "\n".join(lines).removeprefix(path)
        return self._bold(path) + text.replace(verdict, self._coloured(verdict, verdict), 1)

    # -- looks -------------------------------------------------------------------------------------------------------

    def _wrapped(self, text: str, first: str, rest: str) -> Iterator[str]:
        lines = textwrap.wrap(
            text, max(self.width, 40), initial_indent=first, subsequent_indent=rest, break_long_words=False
        )
        yield from lines or [first.rstrip()]

    def _painted(self, lines: Iterator[str], word: str, status: str) -> Iterator[str]:
        """Wrapped lines with the first occurrence of a word in a status' colour (which must not count as columns)."""
        yield next(lines).replace(word, self._coloured(word, status), 1)
        yield from lines

    def _sign(self, status: str) -> str:
        return (_ASCII_MARKS if self.ascii else _MARKS)[status]

    def _arrow(self) -> str:
        return "->" if self.ascii else "→"

    def _coloured(self, text: str, status: str) -> str:
        code = _COLOURS.get(status)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text
