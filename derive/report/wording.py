"""What the formats for machines say about a statement: its equation, its place and the reasons, as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from derive.checking import ORDER, Checked, Statement
from derive.document import DocumentError
from derive.language import is_unnamed
from derive.meanings import Meaning
from derive.plain import in_ascii, plain
from derive.source import Source
from derive.typeset import key_node

ESTABLISHED = ("proved", "assumed", "note")
"""Verdicts that ask nothing of the author."""


def equation(statement: Statement, ascii: bool = False) -> str:
    """The statement as one line of text."""
    return f"{plain(statement.left, ascii)} = {plain(statement.right, ascii)}".strip(" =")


def place(statement: Statement) -> str:
    """``line 7``, or ``cell 3, line 2`` in a notebook."""
    cell = f"cell {statement.source.cell}, " if statement.source.cell is not None else ""
    return f"{cell}line {statement.source.place(statement.span.start).line}"


def why(statement: Statement, ascii: bool = False) -> list[str]:
    """The named mistakes, or else the reason; then what would be right."""
    found = [f"{m.code} {in_ascii(m.message) if ascii else m.message}" for m in statement.mistakes]
    if not found and statement.reason:
        found = [readable(statement.reason, ascii) if names_things(statement) else statement.reason]
    if statement.correct is not None:
        found.append(f"correct: {plain(statement.correct, ascii)}")
    if statement.fix is not None and is_code(statement):
        found.append(f"should be: {fixed_line(statement)}")
    return found


def remarks(statement: Statement) -> list[str]:
    """What is to be said beside the verdict: why, in which reading, and as what."""
    words: list[str] = []
    if statement.reason and statement.status != "assumed":
        words.append(statement.reason)
    if statement.reading == "partial" and statement.status in ("proved", "tested"):
        words.append("as a partial derivative, with the other intermediates held fixed")
    if statement.status == "proved" and statement.value == "refuted":
        words.append("as a step only: it does not give what the chain began with")
    return words


def names_things(statement: Statement) -> bool:
    """Whether the LaTeX in what is said of a statement are names; of what could not be read it is the author's own,
    and code has none."""
    return statement.status != "unsupported" and not is_code(statement)


def is_code(statement: Statement) -> bool:
    """Whether a statement is about code, whose names are Python's."""
    return bool(statement.name)


def fixed_line(statement: Statement) -> str:
    """The line of a statement as it should be, without its indentation."""
    assert statement.fix is not None
    text, line = statement.source.text, statement.source.place(statement.fix.span.start).line
    return Source("", statement.fix.of(text)).line(line).strip()


def data(value: object) -> str:
    """Data as text: ``[1, -2, 3]``."""
    if isinstance(value, list):
        return f"[{', '.join(map(data, value))}]"
    if isinstance(value, dict):
        return ", ".join(f"[{indices}]: {entry}" for indices, entry in value.items())
    return str(value)


def worded(text: str) -> Iterator[tuple[str, str]]:
    """The words of a sentence, each with the punctuation behind it."""
    for word in text.split(" "):
        bare = word.rstrip(",.;:")
        yield bare, word[len(bare) :]


def is_name(word: str) -> bool:
    """Whether a word of a sentence is a name in LaTeX."""
    return ("\\" in word or "_" in word or "/∂" in word) and word.count("{") == word.count("}")


def readable(text: str, ascii: bool = False) -> str:
    """A sentence with its LaTeX names as text."""
    return " ".join((as_text(word, ascii) if is_name(word) else word) + end for word, end in worded(text))


def as_text(word: str, ascii: bool) -> str:
    """A name in LaTeX, or ``∂of/∂by``, as text."""
    if word.startswith("∂"):
        of, by = word[1:].split("/∂", 1)
        mark = "d" if ascii else "∂"
        return f"{mark}{as_text(of, ascii)}/{mark}{as_text(by, ascii)}"
    return plain(key_node(word), ascii)


def meaning(found: Meaning, ascii: bool = False) -> str:
    """What a name was taken for, in words: ``data, N values``, ``line 3, a number, from x``."""
    uses = ", ".join(as_text(use, ascii) for use in found.uses)
    line = f"line {found.line}, " if found.line is not None else ""
    if found.value is not None:
        return plain(found.value, ascii)
    if found.kind == "size":
        return "the size of an axis"
    if found.kind == "loss":
        return f"the loss, any function of {uses}" if uses else "the loss"
    shape = f"{line}{_shape(found, ascii)}"
    if found.kind == "data":
        return f"data, {shape}"
    if found.kind == "open":
        return f"{shape}, left open: it may depend on {uses}" if uses else f"{shape}, left open"
    return f"{shape}, from {uses}" if uses else shape


def _shape(found: Meaning, ascii: bool) -> str:
    """How many values a name has."""
    if not found.sizes:
        return "a number"
    counts = ["?" if is_unnamed(n) else as_text(str(n), ascii) for n in found.sizes]
    return f"{(' x ' if ascii else ' × ').join(counts)} values"


def name(statement: Statement) -> str:
    """Its place and its text: ``line 7: ∂μ/∂x_i = N``."""
    return f"{place(statement)}: {equation(statement)}".rstrip(": ")


def open_statements(checked: Checked) -> list[Statement]:
    """The statements that are not established, the worst first."""
    found = [s for s in checked.statements if s.status not in ESTABLISHED]
    return sorted(found, key=lambda s: ORDER.index(s.status))


def claims(checked: Checked) -> list[Statement]:
    """The statements that can be right or wrong, and those that could not be read."""
    return [s for s in checked.statements if s.status not in ("assumed", "note")]


def tally(statements: Iterable[Statement]) -> str:
    """``2 refuted, 5 proved``."""
    counts = Counter(s.status for s in statements)
    return ", ".join(f"{counts[status]} {status}" for status in ORDER if counts[status]) or "no equations"


def conclusion(checked: Checked) -> str:
    """What a page comes to on which nothing was decided, in a plain sentence; empty where something was."""
    if checked.is_decided:
        return ""
    found = claims(checked)
    unread = sum(s.status == "unsupported" for s in found)
    if not checked.statements:
        if checked.document.path.endswith(".py"):
            return f"Nothing was checked: there is no pair of functions here that derive can find. {_PAIRS}"
        return f"Nothing was checked: there is no equation here that derive can find. {_CARRIERS}"
    if not found:
        return "Nothing was decided: no line here claims anything that derive could check."
    if unread == len(found):
        return f"Nothing was decided: {_all(unread)} could not be read. That says nothing about the mathematics."
    return f"Nothing was decided: {_all(len(found))} stayed open. The page may be right or wrong."


_CARRIERS = "It reads $...$, $$...$$, \\(...\\), \\[...\\], environments such as align, and code blocks of mathematics."

_PAIRS = (
    "It looks for f_forward with f_backward, classes with forward and backward, and losses that return gradients; "
    "derive prove file.py:f,g takes two functions by name."
)


def _all(count: int) -> str:
    return "the only claim" if count == 1 else f"all {count} claims"


def sentence(error: DocumentError) -> str:
    """What is wrong with a document that cannot be read, without its path."""
    return f"{error.message}." + (f" {error.hint}" if error.hint else "")
