"""What the page supposes: values, signs and cases that hold for some of its lines and define nothing.

*If γ = √(σ² + ε), the layer is the identity*, *for x > 0*, *set ε = 0*, *the network can learn β = μ*: what stands
there is no definition, and what is claimed beside it is claimed under it. Which words announce it is `derive.prose`'s.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Set
from dataclasses import dataclass, field, replace

from derive.document import Block, Document
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.latex.writer import latex
from derive.notation.equations import Equation, Supposition, is_numeric
from derive.notation.names import letter_of
from derive.notation.survey import is_quotient
from derive.prose.cues import announces, explains, is_only_procedure
from derive.prose.passages import Passage, passages

_COUNTED = re.compile(r"\s*,\s*(?:\\[lc]?dots|\.\.\.|…)")
_INEQUALITIES = frozenset({"<", ">", "\\leq", "\\geq", "\\le", "\\ge", "\\leqslant", "\\geqslant", "\\neq", "\\ne"})
_MOST = 8
"""How many suppositions a line can stand under."""


def suppose(document: Document, equations: list[Equation], restrictions: list[Equation]) -> None:
    """Say of each equation whether it is only supposed, and under which suppositions it is claimed.

    Args:
        equations: all of the document, in reading order.
        restrictions: statements in sentences that are no equations, such as ``x > 0``.
    """
    page = _Page(document, equations, restrictions)
    carried: tuple[Supposition, ...] = ()
    page.hear_properties()
    for passage in page.passages:
        if passage.heading or announces(passage.words, "general"):
            carried = ()
        carried = page.settle(passage, carried)[-_MOST:]


def suppose_parameters(equations: list[Equation], parameters: Set[str]) -> None:
    """What sentences say a parameter to be is a choice of its value, and no definition.

    Args:
        parameters: names that words call parameters, as LaTeX.
    """
    for equation in equations:
        is_value = equation.inline and equation.relations == ("=",) and latex(equation.members[0]) in parameters
        if is_value and not any(map(differentiates, equation.members)):
            equation.standing = "supposed"


@dataclass
class _Walk:
    """Where one is in a sentence: suppositions that wait for a claim, and claims that wait for one."""

    waiting: list[Supposition] = field(default_factory=list)
    claims: list[Equation] = field(default_factory=list)
    used: bool = False  # whether a claim stands under what waits
    displays: int = 0  # how many displays stand under it


class _Page:
    """The sentences of a document with the equations in them."""

    def __init__(self, document: Document, equations: list[Equation], restrictions: list[Equation]) -> None:
        self.equations = equations
        self.passages = passages(document)
        below = (n.sub for e in equations for m in e.members for n in m.walk() if isinstance(n, S.Script))
        self._indices = {letter_of(node) for sub in below if sub is not None for node in sub.walk()} - {None}
        self._properties: list[Supposition] = []
        self._last: list[Supposition] = []
        self._at = by_block(document, [*equations, *restrictions])
        self._uses: dict[Node, list[Equation]] = {}
        for equation in equations:
            for base in _made_from(equation):
                self._uses.setdefault(base, []).append(equation)

    def settle(self, passage: Passage, carried: tuple[Supposition, ...]) -> tuple[Supposition, ...]:
        """Give the equations of a sentence their standing and their suppositions; those that hold from here on."""
        cues = passage.cues()
        standing = [(block, e) for block in passage.blocks for e in self._at.get(id(block), ())]
        supposed = {id(e) for block, e in standing if self._is_supposed(e, cues[id(block)], passage)}
        walk = _Walk([] if supposed else _in_words(passage))
        lasting = list(carried)
        for block, equation in standing:
            cue = cues[id(block)]
            if is_update(equation):
                equation.standing = "supposed"
            elif id(equation) in supposed:
                equation.standing = "supposed"
                if cue:  # else a value in passing, under which nothing is claimed
                    self._take(walk, equation)
                if cue in ("suppose", "let", "for") and not passage.is_remark:
                    lasting.append(Supposition(equation, certain=_explains(passage, block, standing)))
            elif "=" in equation.relations:
                equation.lead = equation.lead or (cue if cue == "let" else "")
                if cue == "else":
                    walk = _Walk(_otherwise(walk.waiting or self._last))
                self._claim(walk, equation, block, carried)
        self._last = walk.waiting or self._last
        over = [s.equation for s in walk.waiting] if walk.used else []
        return tuple(one for one in lasting if one.equation is None or one.equation not in over)

    def _take(self, walk: _Walk, equation: Equation) -> None:
        """A supposition is about the claims before it in its sentence, else about those behind it."""
        if walk.claims:
            for claim in walk.claims:
                claim.suppositions = (*claim.suppositions, Supposition(equation))
            walk.used = True
            return
        if walk.used:
            walk.waiting, walk.used, walk.displays = [], False, 0
        walk.waiting.append(Supposition(equation))

    def _claim(self, walk: _Walk, claim: Equation, block: Block, carried: tuple[Supposition, ...]) -> None:
        certain = not walk.displays
        own = tuple(replace(one, certain=one.certain and certain) for one in walk.waiting)
        if claim.conditions:  # the words announced a condition on indices, *case $i = j$*
            own = tuple(one for one in own if one.equation is not None)
        known = (s for s in self._properties if s.equation is not None and s.equation.span < claim.span)
        others = (s for s in carried if s.equation is not claim)
        claim.suppositions = (*claim.suppositions, *own, *known, *others)[:_MOST]
        walk.used = bool(walk.waiting)
        walk.displays += block.kind == "display"
        kept = walk.claims if block.kind == "inline" else []
        walk.claims = [] if walk.waiting else [*kept, claim]

    def hear_properties(self) -> None:
        """What words say of data holds for all that is claimed behind them."""
        for passage in self.passages:
            for name, blocks in passage.properties():
                for block in blocks:
                    for said in self._at.get(id(block), [])[:1]:
                        if _is_data(said):
                            self._properties.append(Supposition(said, quality=name))

    # -- what is only supposed -----------------------------------------------------------------------------------------

    def _is_supposed(self, equation: Equation, cue: str, passage: Passage) -> bool:
        """Whether an equation says under what others hold, or speaks of a special choice, and claims nothing."""
        if equation.error is not None or len(equation.members) < 2 or any(map(differentiates, equation.members)):
            return False
        if equation.relations != ("=",):
            return cue in ("if", "suppose", "let", "for") and bool(set(equation.relations) & _INEQUALITIES)
        name, value = equation.members
        if not isinstance(name, S.Symbol | S.Accent | S.Script):
            return False
        if is_numeric(value) or (equation.inline and _is_counted(equation)):
            return equation.inline or cue in ("if", "suppose", "let") or letter_of(name) in self._indices
        if cue in ("if", "suppose", "for") and _is_numbered(name):
            return True
        if cue == "if":
            return self._is_used(name, equation)
        return (cue == "suppose" or passage.is_remark) and self._is_used(name, equation, before=True)

    def _is_used(self, name: Node, equation: Equation, before: bool = False) -> bool:
        """Whether other equations are made from a name: then nothing that is only supposed defines it."""
        others = (e for e in self._uses.get(_base(name) or name, ()) if e is not equation and e.standing == "stated")
        return any(not before or other.span < equation.span for other in others)


def _explains(passage: Passage, block: Block, standing: list[tuple[Block, Equation]]) -> bool:
    """Whether a sentence says behind a definition of what data it is: ``y_i = |x_i|``, *where* ``x_i > 0``."""
    at = next(k for k, part in enumerate(passage.parts) if part is block)
    before = passage.parts[at - 1] if at else ""
    stated = [e for one, e in standing if one.span < block.span and e.relations == ("=",)]
    defines = bool(stated) and not any(differentiates(m) for e in stated for m in e.members)
    return defines and isinstance(before, str) and explains(before)


def by_block(document: Document, equations: list[Equation]) -> dict[int, list[Equation]]:
    """The equations of each formula that the document shows, by the ``id`` of its block."""
    blocks = [b for b in document.blocks if b.kind in ("display", "inline") and not b.ignored]
    places = {id(source): sorted((b for b in blocks if b.source is source), key=_start) for source in document.sources}
    found: dict[int, list[Equation]] = {}
    for equation in sorted(equations, key=lambda e: e.span):
        own = places.get(id(equation.source), []) if not (equation.given or equation.ignored) else []
        at = bisect_right(own, equation.span.start, key=_start) - 1
        if at >= 0 and equation.span.start < own[at].span.end:
            found.setdefault(id(own[at]), []).append(equation)
    return found


def _start(block: Block) -> int:
    return block.span.start


def _made_from(equation: Equation) -> set[Node]:
    """The names in what an equation says another name to be."""
    if len(equation.members) < 2 or any(map(differentiates, equation.members)):
        return set()
    nodes = (node for member in equation.members[1:] for node in member.walk())
    return {base for node in nodes if (base := _base(node)) is not None}


def _otherwise(before: list[Supposition]) -> list[Supposition]:
    """That what was supposed before does not hold."""
    if len(before) == 1 and before[0].equation is not None:
        return [replace(before[0], denied=not before[0].denied, certain=True)]
    return [Supposition(None, "otherwise")]


def _is_data(said: Equation) -> bool:
    """Whether a formula in a sentence is a name: ``x_i``, ``S \\in \\mathbb{R}^{n \\times n}``."""
    alone = len(said.members) == 1 or said.relations == ("\\in",)
    return alone and isinstance(said.members[0], S.Symbol | S.Accent | S.Script | S.Decoration)


def _in_words(passage: Passage) -> list[Supposition]:
    """A condition said in words alone: *when the loss is positive*, *otherwise*."""
    words = next((part for part in passage.parts[:1] if isinstance(part, str)), "")
    if announces(words, "if") and not is_only_procedure(words):
        return [Supposition(None, _shortened(words))]
    return []


def _shortened(words: str) -> str:
    return " ".join(words.split())[-60:].strip(" ,:;")


def is_update(equation: Equation) -> bool:
    """Whether an equation changes a name and claims nothing: ``w = w - \\eta g``."""
    if equation.relations != ("=",) or equation.given:
        return False
    name, value = equation.members
    is_name = isinstance(name, S.Symbol | S.Accent | S.Script)
    return is_name and isinstance(value, S.Sum) and value.terms[0] == name


def differentiates(node: Node) -> bool:
    """Whether an expression has derivatives in it."""
    return any(
        is_quotient(inner) or (isinstance(inner, S.Symbol) and inner.name in ("\\partial", "\\nabla"))
        for inner in node.walk()
    )


def _is_counted(equation: Equation) -> bool:
    """Whether a value is the first of several: *for $l = L - 1, \\dots, 1$*."""
    return _COUNTED.match(equation.source.text, equation.span.end) is not None


def _is_numbered(name: Node) -> bool:
    """Whether a name is one entry by number: ``t_2``."""
    return isinstance(name, S.Script) and isinstance(name.sub, S.Number)


def _base(node: Node) -> Node | None:
    """A name without its subscripts and power."""
    while isinstance(node, S.Script | S.Decoration):
        node = node.base if isinstance(node, S.Script) else node.body
    return node if isinstance(node, S.Symbol | S.Accent) else None
