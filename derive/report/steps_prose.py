"""A derivation as sentences and displayed equations, for formats that set both: Markdown and LaTeX.

The text is the same in both; a format says how a heading, an inline formula and a display look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from derive.exposition import Block, Exposition, Line, Result, Section
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.latex.writer import latex

Sentence: TypeAlias = "tuple[str | Node, ...]"
"""Words and inline formulas."""


@dataclass(frozen=True)
class Heading:
    level: int
    sentence: Sentence


@dataclass(frozen=True)
class Paragraph:
    sentence: Sentence


@dataclass(frozen=True)
class Display:
    """A chain of equations, a row each. ``marks``: parts of a row that the next one shows to be zero."""

    left: Node
    rows: tuple[tuple[Node, tuple[Node, ...]], ...]


@dataclass(frozen=True)
class Given:
    """Something that is taken for granted and not shown as a claim."""

    left: Node
    right: Node


Part: TypeAlias = "Heading | Paragraph | Display | Given"


def prose(exposition: Exposition) -> Iterator[Part]:
    """All parts in order."""
    yield Heading(1, (exposition.title,))
    yield Heading(2, ("Forward pass",))
    for left, right in exposition.forward:
        yield Display(left, ((right, ()),))
    if exposition.names:
        yield Paragraph(("For short,",))
        for left, right in exposition.names:
            yield Display(left, ((right, ()),))
    for left, right in exposition.facts:
        yield Given(left, right)
    number = 1
    for result in exposition.results:
        yield from _result(result, number)
        number += len(result.sections)


def _result(result: Result, first: int) -> Iterator[Part]:
    yield Heading(2, ("The gradient ", result.left))
    if result.paths:
        yield Paragraph(tuple(_paths(result)))
    for number, section in enumerate(result.sections, first):
        yield from _section(section, number)
    yield Paragraph(("The result, proved for all sizes:" if result.proved else "The result, not proved:",))
    yield Display(result.left, ((result.right, ()),))


def _paths(result: Result) -> Iterator[str | Node]:
    """``The loss is reached through y, x̂, σ²; ...``: the first steps of all paths."""
    yield "From "
    yield result.paths[0][0][-1]
    yield " there " + ("is one path" if len(result.paths) == 1 else f"are {len(result.paths)} paths") + " to the loss: "
    for k, (path, silent) in enumerate(result.paths):
        yield "; " if k else ""
        yield from _joined(list(reversed(path[1:-1])), " through ")
        yield "directly" if len(path) == 2 else ""
        yield " (which carries nothing)" if silent else ""
    yield "."


def _joined(nodes: list[Node], first: str) -> Iterator[str | Node]:
    for k, node in enumerate(nodes):
        yield first.lstrip() if not k else " and " if k == len(nodes) - 1 else ", "
        yield node


def _section(section: Section, number: int) -> Iterator[Part]:
    yield Heading(3, (f"Step {number}: ", section.left))
    for is_partial, group in groupby(section.blocks, lambda block: block.lines[0].rule == "local partial"):
        blocks = list(group)
        yield Paragraph(tuple(_introduction(section, blocks, is_partial)))
        for block in blocks:
            yield from _block(block)


def _introduction(section: Section, blocks: list[Block], is_partial: bool) -> Iterator[str | Node]:
    """The words before some equations."""
    if is_partial:
        yield "The local partial is" if len(blocks) == 1 else "The local partials are"
    elif blocks[0].lines[0].rule == "chain rule":
        yield "By the chain rule, "
        yield from _joined(list(section.through), "through ")
        yield ","
    else:
        yield "Put together,"


def _block(block: Block) -> Iterator[Part]:
    pairs = zip(block.lines, (*block.lines[1:], None), strict=True)
    yield Display(block.left, tuple((line.right, _zeros(line, follower)) for line, follower in pairs))
    because = [node for line in block.lines for node in line.because]
    if because:
        yield Paragraph(("because ", *_joined(list(dict.fromkeys(because)), ""), "."))


def _zeros(line: Line, follower: Line | None) -> tuple[Node, ...]:
    """What the next step shows to be zero."""
    return follower.changed if follower is not None and follower.rule == "cancellation" else ()


def sentence(parts: Iterable[str | Node]) -> str:
    """A sentence with its formulas between dollar signs."""
    return "".join(part if isinstance(part, str) else f"${latex(part)}$" for part in parts)


def rows(display: Display) -> Iterator[str]:
    """The rows of a display: ``a &= b``, ``&= c``."""
    for k, (right, zeros) in enumerate(display.rows):
        text = latex(right)
        for node in zeros:
            part = latex(node)
            text = text.replace(part, f"\\underbrace{{{part}}}_{{0}}")
        yield f"{latex(display.left) if not k else ''} &= {text}".strip()


def single(display: Display) -> str:
    """A display of one row."""
    return latex(S.Chain((display.left, display.rows[0][0]), ("=",)))
