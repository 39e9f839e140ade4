"""Documents: a forward pass and what is claimed of it, laid out in one way of writing."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from styles.derivation import Claim, Definition, Pass, claims, letters, mistakes
from styles.expressions import Adjoint, Expression, Local
from styles.passes import PASSES
from styles.switches import drawn
from styles.truth import holds
from styles.vectors import NoVectorForm, VectorWriter
from styles.writing import Style, Writer

WRONG = 0.4
"""The share of wrong claims."""

PHRASES: dict[str, dict[str, str]] = {
    "english": {
        "forward": "The forward pass is", "backward": "Now we derive the gradients.", "then": "Therefore",
        "where": "where", "range": "for", "note": "Note that this holds for every input.",
        "mean": "{name} is the mean of {of}", "variance": "{name} is the variance of {of}",
        "onehot": "Here {name} is one-hot.",
        "alias": "We write {alias} for {fraction}.", "given": "The gradient {alias} comes from the next layer.",
        "example": "For example, with {size} = 2 the mean of 1 and 3 is 2.",
    },
    "german": {
        "forward": "Der Vorwärtsschritt ist", "backward": "Nun leiten wir die Gradienten her.", "then": "Daraus folgt",
        "where": "wobei", "range": "für", "note": "Das gilt für jede Eingabe.",
        "mean": "{name} ist der Mittelwert von {of}", "variance": "{name} ist die Varianz von {of}",
        "onehot": "Dabei ist {name} one-hot kodiert.",
        "alias": "Wir schreiben {alias} für {fraction}.", "given": "{alias} kommt aus der nächsten Schicht.",
        "example": "Zum Beispiel ist für {size} = 2 der Mittelwert von 1 und 3 gleich 2.",
    },
    "french": {
        "forward": "La passe avant est", "backward": "Calculons les gradients.", "then": "On obtient donc",
        "where": "où", "range": "pour", "note": "Ceci est vrai pour toute entrée.",
        "mean": "{name} est la moyenne de {of}", "variance": "{name} est la variance de {of}",
        "onehot": "{name} est un vecteur one-hot.",
        "alias": "On écrit {alias} pour {fraction}.", "given": "Le gradient {alias} vient de la couche suivante.",
        "example": "Par exemple, pour {size} = 2 la moyenne de 1 et 3 est 2.",
    },
    "spanish": {
        "forward": "El paso hacia adelante es", "backward": "Calculemos los gradientes.", "then": "Por lo tanto",
        "where": "donde", "range": "para", "note": "Esto vale para toda entrada.",
        "mean": "{name} es la media de {of}", "variance": "{name} es la varianza de {of}",
        "onehot": "{name} es un vector one-hot.",
        "alias": "Escribimos {alias} para {fraction}.", "given": "El gradiente {alias} viene de la capa siguiente.",
        "example": "Por ejemplo, con {size} = 2 la media de 1 y 3 es 2.",
    },
    "chinese": {
        "forward": "前向传播为", "backward": "下面推导梯度。", "then": "因此",
        "where": "其中", "range": "对", "note": "这对任何输入都成立。",
        "mean": "{name} 是 {of} 的均值", "variance": "{name} 是 {of} 的方差",
        "onehot": "{name} 是独热向量。",
        "alias": "记 {alias} 为 {fraction}。", "given": "梯度 {alias} 来自下一层。",
        "example": "例如,当 {size} = 2 时,1 和 3 的均值为 2。",
    },
}  # fmt: skip


@dataclass
class Line:
    """An equation on a page: its sides in LaTeX, and the claim that it is, if it is one.

    ``rights`` has a truth for each side after the first.
    """

    sides: list[str]
    truths: list[bool] = field(default_factory=list)
    claim: Claim | None = None
    sign: str = "="
    tail: str = ""
    title: str = ""


@dataclass
class Words:
    text: str


@dataclass
class Shown:
    """A display of one or several lines; ``inline`` ones stand in a sentence."""

    lines: list[Line]
    way: str = "one"


Block = Words | Shown


@dataclass(frozen=True)
class Placed:
    """A line of the finished page: where it stands, in which cell."""

    line: Line
    cell: int | None
    start: int
    end: int


@dataclass
class Page:
    """A finished document."""

    seed: int
    style: Style
    titles: tuple[str, ...]
    text: str
    kind: str
    lines: list[Placed]


# -- what is said ----------------------------------------------------------------------------------------------------


def writer(forward: Pass, style: Style) -> Writer:
    """What writes a forward pass: without indices where the style has it, and all definitions can be written so."""
    if style["form"] == "vector":
        whole = VectorWriter(forward, style)
        try:
            for definition in forward.definitions:
                whole.definition(definition)
        except NoVectorForm:
            return Writer(forward, style)
        return whole
    return Writer(forward, style)


class Author:
    """Writes about one forward pass in one style."""

    def __init__(self, forward: Pass, style: Style, draw: random.Random) -> None:
        self.forward = forward
        self.style = style
        self.draw = draw
        self.write = writer(forward, style)
        self.phrases = PHRASES.get(style["language"], PHRASES["english"])
        self.speaks = style["language"] != "none"

    def blocks(self) -> Iterator[Block]:
        heading = {"two": "## {}", "bold": "**{}**"}.get(self.style["heading"])
        forward, derived = list(self._forward()), list(self._claims())
        told = list(self._told())
        if self.style["definitions"] == "after":
            if heading:
                yield Words(heading.format(self.forward.title))
            yield from told
            yield from derived
            yield Words(self.phrases["where"])
            yield from forward
            return
        if heading:
            yield Words(heading.format(self.forward.title))
        elif self.speaks:
            yield Words(self.phrases["forward"])
        yield from forward
        if self.style["remark"] == "example":
            size = self.write.sizes[self.forward.axes[0]]
            yield Words(self.phrases["example"].format(size=f"${size}$"))
        if heading:
            yield Words(heading.format("Backward"))
        elif self.speaks:
            yield Words(self.phrases["backward"])
        yield from told
        yield from derived

    # -- definitions -------------------------------------------------------------------------------------------------

    def _forward(self) -> Iterator[Block]:
        lines: list[Line] = []
        for definition in self.forward.definitions:
            words = self._in_words(definition)
            if words:
                if lines:
                    yield from self._laid(lines)
                    lines = []
                yield Words(words)
            else:
                lines.append(Line(list(self.write.definition(definition)), sign=self.style["sign"]))
        yield from self._laid(lines)
        if self.style["shapes"] == "range" and len(self.forward.axes) == 1 and not isinstance(self.write, VectorWriter):
            axis = self.forward.axes[0]
            letter = self.write.letters[axis][0]
            low, high = (
                ("0", f"{self.write.sizes[axis]}-1")
                if self.style["first"] == "0" and self.style["limits"] == "full"
                else ("1", self.write.sizes[axis])
            )
            yield Words(f"{self.phrases['range']} ${letter} = {low}, \\dots, {high}$.")
        elif self.style["shapes"] == "space" or isinstance(self.write, VectorWriter):
            yield from self._spaces()
        for name, kind in self.forward.kinds.items():
            if kind == "onehot":
                yield Words(self.phrases["onehot"].format(name=f"${self.write.names[name].stem}$"))

    def _spaces(self) -> Iterator[Block]:
        said = []
        for name, axes in self.forward.data.items():
            if axes:
                shape = " \\times ".join(self.write.sizes[axis] for axis in axes)
                space = f"\\mathbb{{R}}^{{{shape}}}" if len(axes) > 1 else f"\\mathbb{{R}}^{shape}"
                stem = self.write.name(name) if isinstance(self.write, VectorWriter) else self.write.names[name].stem
                said.append(f"${stem} \\in {space}$")
        yield Words(f"{self.phrases['where']} {', '.join(said)}.")

    def _in_words(self, definition: Definition) -> str:
        """A definition of a mean or a variance as a sentence, where the style has it."""
        if self.style["mean"] != "words" or definition.name not in ("mu", "v"):
            return ""
        shown = self.write.name("x", letters(self.forward.axes_of("x")))
        kind = "mean" if definition.name == "mu" else "variance"
        sentence = self.phrases[kind].format(
            name=f"${self.write.name(definition.name, definition.at)}$", of=f"${shown}$"
        )
        return sentence + "."

    def _laid(self, lines: list[Line]) -> Iterator[Block]:
        if not lines:
            return
        match self.style["definitions"]:
            case "row":
                yield Shown(lines, "row")
            case "inline":
                yield Shown(lines, "inline")
            case _:
                yield from (Shown([line]) for line in lines)

    # -- conventions -------------------------------------------------------------------------------------------------

    def _told(self) -> Iterator[Block]:
        """What the page says of its names for gradients."""
        if not self.forward.has_loss:
            return
        name = self.forward.definitions[-1].name
        if self.forward.loss is not None:
            name = self.forward.definitions[-2].name if len(self.forward.definitions) > 1 else name
        at = next(d.at for d in self.forward.definitions if d.name == name)
        alias, fraction = self.write.adjoint(name, at), self.write.fraction(name, at)
        if alias == fraction:
            if self.speaks and self.forward.loss is None:
                yield Words(self.phrases["given"].format(alias=f"${alias}$"))
            return
        told = self.style["told"]
        if told == "implied" and self.style["adjoint"] in ("grad", "delta", "deltas"):
            told = "equation"
        if told == "equation":
            yield Shown([Line([alias, fraction])])
        elif told == "words":
            yield Words(self.phrases["alias"].format(alias=f"${alias}$", fraction=f"${fraction}$"))

    # -- claims ------------------------------------------------------------------------------------------------------

    def _claims(self) -> Iterator[Block]:
        said = [self._line(claim) for claim in chosen(self.forward, self.draw) if self._can_be_said(claim)]
        lines = [line for line in said if line is not None]
        if self.style["layout"] in ("aligned", "row", "inline"):
            for k in range(0, len(lines), 3):
                if self.speaks and k:
                    yield Words(self.phrases["then"])
                yield Shown(lines[k : k + 3], self.style["layout"])
            return
        for k, line in enumerate(lines):
            if self.speaks and k % 2:
                yield Words(self.phrases["then"])
            yield from self._shaped(line)
            if self.style["remark"] == "note" and k == 1:
                yield Words(self.phrases["note"])

    def _can_be_said(self, claim: Claim) -> bool:
        """A variance that is a call of the data has no slope of its own in the mean."""
        is_call = self.style["mean"] == "call"
        return not (
            is_call and isinstance(claim.left, Local) and (claim.left.top.name, claim.left.bottom.name) == ("v", "mu")
        )

    def _line(self, claim: Claim) -> Line | None:
        try:
            sides, truths = [self.write(claim.left), self.write.right(claim.left, claim.right)], [claim.is_right]
        except NoVectorForm:
            return None
        way = self._way(claim)
        if way and way not in sides:
            sides.insert(1, way)
            truths.insert(0, True)
        return Line(sides, truths, claim)

    def _way(self, claim: Claim) -> str:
        """The chain rule that leads to a claim, where it is written."""
        if claim.way is None or self.style["shape"] == "plain" or not _is_rule(claim.way):
            return ""
        try:
            return self.write.right(claim.left, claim.way)
        except NoVectorForm:
            return ""

    def _shaped(self, line: Line) -> Iterator[Block]:
        match self.style["shape"]:
            case "broken" if len(line.sides) > 2:
                yield Shown([replace(line, sides=line.sides[:2], truths=line.truths[:1])])
                yield Shown([replace(line, sides=["", *line.sides[2:]], truths=line.truths[1:])])
            case "aligned chain" if len(line.sides) > 2:
                yield Shown([line], "aligned chain")
            case _:
                yield Shown([line])


def _is_rule(way: Expression) -> bool:
    return not isinstance(way, Adjoint)


def chosen(forward: Pass, draw: random.Random) -> list[Claim]:
    """Some claims of a forward pass, in order, part of them made wrong."""
    every = [claim for claim in claims(forward) if holds(claim, forward)]
    some = sorted(draw.sample(range(len(every)), min(len(every), draw.randint(4, 6))))
    return [wrong(every[k], forward, draw) if draw.random() < WRONG else every[k] for k in some]


def wrong(claim: Claim, forward: Pass, draw: random.Random) -> Claim:
    """The claim with one mistake, which the numbers show to be one."""
    for right in mistakes(claim.right, forward, draw):
        changed = replace(claim, right=right, is_right=False)
        if holds(changed, forward) is False:
            return changed
    return claim


# -- how it is laid out ----------------------------------------------------------------------------------------------


_ESCAPES = {"n": "\n", "r": "\n", "t": "\t"}
"""What a string of a programming language makes of a backslash; the rest are characters that nobody sees."""


class Printer:
    """Puts blocks into a file, and knows where each line stands."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.text = ""
        self.cell: int | None = 1 if style["carrier"] == "ipynb" else None
        self.cells: list[str] = []
        self.placed: list[Placed] = []
        self.counted = 0

    def put(self, block: Block) -> None:
        if isinstance(block, Words):
            if self.style["carrier"] == "ipynb" and block.text.startswith("#") and self.text:
                self.cells.append(self.text)
                self.text = ""
                assert self.cell is not None
                self.cell += 1
            self.text += self._prose(block.text) + "\n\n"
        else:
            self._show(block)

    def _prose(self, text: str) -> str:
        match self.style["carrier"]:
            case "latex":
                text = re.sub(r"^## (.*)", r"\\section{\1}", text)
                return re.sub(r"^\*\*(.*)\*\*$", r"\\textbf{\1}", text)
            case "rst":
                text = re.sub(r"\$([^$]+)\$", r":math:`\1`", text)
                return re.sub(r"^## (.*)", lambda m: f"{m[1]}\n{'=' * len(m[1])}", text)
            case "brackets" if "$" in text:
                return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", text)
            case "plain":
                return re.sub(r"^## (.*)", lambda m: f"{m[1]}\n{'-' * len(m[1])}", text)
            case _:
                return text

    def _show(self, block: Shown) -> None:
        if block.way == "inline":
            for line in block.lines:
                opening, closing = {"brackets": ("\\(", "\\)"), "rst": (":math:`", "`")}.get(
                    self.style["carrier"], ("$", "$")
                )
                self.text += opening
                self._line(line, f" {line.sign} ")
                self.text += closing + ("; " if line is not block.lines[-1] else ".\n\n")
            return
        opening, closing = self._frame(block)
        before = len(self.text)
        self.text += opening
        for line in block.lines:
            last = line is block.lines[-1]
            many = block.way in ("aligned", "aligned chain") or (self._in_align and len(block.lines) == 1)
            if block.way == "aligned chain":
                self._line(line, f" \\\\\n  &{line.sign} ", first=f" &{line.sign} ")
            else:
                self._line(line, f" &{line.sign} " if many else f" {line.sign} ", f" {line.sign} ")
            if not last:
                comma = "" if self.style["stop"] == "comma" else ","
                self.text += " \\\\\n" if many else f"{comma} \\quad "
        self.text += closing
        if self.style["carrier"] == "rst":
            self._indent(before)

    def _indent(self, start: int) -> None:
        """Give the lines of a directive their indentation."""
        for at in [m.start() + 1 for m in re.finditer(r"\n(?=[^\s.])", self.text[start:])][::-1]:
            self.text = self.text[: start + at] + "   " + self.text[start + at :]
            self.placed = [
                replace(p, start=p.start + 3 * (p.start >= start + at), end=p.end + 3 * (p.end > start + at))
                for p in self.placed
            ]

    @property
    def _in_align(self) -> bool:
        return self.style["carrier"] == "align"

    def _line(self, line: Line, sign: str, rest: str = "", first: str = "") -> None:
        start = len(self.text)
        signs = [first or sign, *([rest or sign] * len(line.sides))]
        text = line.sides[0]
        for k, side in enumerate(line.sides[1:]):
            text += signs[k] + side
        text = text.lstrip(" ") if not line.sides[0] else text
        text += {"comma": ",", "dot": "."}.get(self.style["stop"], "")
        if self.style["spaces"] == "tight":
            text = re.sub(r" (?=[-+=}])|(?<=[-+=]) ", "", text)
        if self.style["carrier"] == "plain" and self.style["damage"] == "string":
            text = re.sub(r"\\([abfnrtv])", lambda m: _ESCAPES.get(m[1], ""), text)
        self.text += text
        self.placed.append(Placed(line, self.cell, start, len(self.text)))

    def _frame(self, block: Shown) -> tuple[str, str]:
        """What stands before and after a display."""
        self.counted += 1
        number = {"tag": f" \\tag{{{self.counted}}}", "plain": f" \\qquad ({self.counted})"}.get(
            self.style["number"], ""
        )
        if block.way in ("aligned", "aligned chain"):
            inner = "aligned" if self.style["carrier"] != "align" else ""
            if not inner:
                return "\\begin{align*}\n", "\n\\end{align*}\n\n"
            opening, closing = f"\\begin{{{inner}}}\n", f"\n\\end{{{inner}}}"
        else:
            opening, closing = "", ""
        match self.style["carrier"]:
            case "dollars" | "ipynb" | "plain":
                return f"$$\n{opening}", f"{closing}{number}\n$$\n\n"
            case "brackets":
                return f"\\[\n{opening}", f"{closing}{number}\n\\]\n\n"
            case "align" if block.way == "row":
                return "\\begin{gather*}\n", f"{number}\n\\end{{gather*}}\n\n"
            case "align":
                return "\\begin{align}\n", f"{number}\n\\end{{align}}\n\n"
            case "equation" | "latex":
                return f"\\begin{{equation}}\n{opening}", f"{closing}{number}\n\\end{{equation}}\n\n"
            case "fence":
                return f"```math\n{opening}", f"{closing}{number}\n```\n\n"
            case "rst":
                return f".. math::\n\n   {opening}", f"{closing}{number}\n\n"
            case other:
                raise ValueError(other)

    def page(self, seed: int, titles: tuple[str, ...]) -> Page:
        text = self.text
        kind = {"latex": "tex", "ipynb": "ipynb", "rst": "rst", "plain": "txt"}.get(self.style["carrier"], "md")
        if kind == "ipynb":
            cells = [{"cell_type": "markdown", "metadata": {}, "source": cell} for cell in [*self.cells, self.text]]
            text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        return Page(seed, self.style, titles, text, kind, self.placed)


def page(seed: int, passes: tuple[Pass, ...] = PASSES) -> Page:
    """The document of a seed."""
    draw = random.Random(seed)
    style = settled(drawn(seed))
    forward = draw.choice(passes)
    printer = Printer(style)
    for block in Author(forward, style, draw).blocks():
        printer.put(block)
    titles = (forward.title,)
    if style["second"] != "none":
        other = draw.choice([one for one in passes if one is not forward]) if style["second"] == "renamed" else forward
        titles = (*titles, other.title)
        printer.put(Words(f"## {other.title}"))
        second = {**style, "heading": "none", "second": "none"}
        for block in Author(other, second, draw).blocks():
            printer.put(block)
    return printer.page(seed, titles)


def settled(style: Style) -> Style:
    """The style without what contradicts itself: δ for gradients and for equal indices, sums from 0 to N."""
    style = dict(style)
    if style["adjoint"] in ("delta", "deltas") and style["same"] == "delta":
        style["same"] = "one"
    if style["limits"] == "upper":
        style["first"] = "1"
    if style["adjoint"] in ("d", "text") and style["derivative"] in ("d", "upright"):
        style["derivative"] = "round"
    return style
