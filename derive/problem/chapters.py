"""A document whose names have new meanings further on, as one document for each meaning.

A heading beside another, *now let*, *for the second layer*, or a definition with other indices opens a chapter, if a
name is defined otherwise there. So does any heading under which several names are made of other things, or under which
a forward pass stands that is made of nothing before it and has other shapes, another loss or a number that was a
function. Each chapter is read with its own definitions and with those of the chapters before that it uses and does not
replace; what the other chapters claim is left out of it. A second definition where nothing opens a chapter is no new
meaning: it is judged as a claim.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Set
from dataclasses import dataclass, field, replace
from itertools import pairwise
from string import ascii_lowercase

from derive.document import Block, Document
from derive.forward import closure
from derive.latex import syntax as S
from derive.latex.parser import parse_display
from derive.latex.syntax import Node, Statement
from derive.latex.writer import latex
from derive.notation.equations import Equation, equations
from derive.notation.names import letter_of, subscript_items
from derive.notation.rewriting.carried import carries_label
from derive.notation.suppositions import by_block, differentiates, suppose
from derive.notation.survey import is_quotient, upper_limits, with_brackets
from derive.prose.cues import announces, tells_stage
from derive.prose.passages import BOLD, Passage, passages
from derive.source import Span, Text

Key = str
"""A name without its indices."""


@dataclass
class _Chapter:
    """Passages that share their definitions.

    Attributes:
        heading: the heading that it begins under; what is defined there anew has a new meaning.
        inherited: definitions of the chapters before, each with the number of its name's indices.
        headings: for each name the heading that its definition stands under.
        defined: its own definitions, first ones first.
        waits: whether words have just announced something else.
        document: the first definition of each name of the document.
    """

    heading: Passage | None = None
    inherited: dict[Key, tuple[Equation, int]] = field(default_factory=dict)
    headings: dict[Key, Passage | None] = field(default_factory=dict)
    defined: dict[Key, tuple[Equation, int]] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    waits: bool = False
    document: dict[Key, Equation] = field(default_factory=dict)

    @property
    def holding(self) -> dict[Key, tuple[Equation, int]]:
        """The definitions that hold at its end."""
        return {**self.inherited, **self.defined}

    def known(self, heading: Passage | None) -> dict[Key, tuple[Equation, int]]:
        """The definitions that another one under a heading would replace."""
        return self.defined if heading is self.heading else self.holding

    def add(self, section: _Section, heading: Passage | None) -> None:
        """Take a section in; what it states anew without being a new meaning is no definition of the chapter's."""
        known = self.known(heading)
        self.blocks += [block for page in section.pages for block in page.blocks]
        self.equations += section.equations
        self.nodes += section.nodes
        for key, one in section.defined.items():
            if key not in known:
                self.defined[key] = one
                self.headings[key] = heading


@dataclass(frozen=True)
class Part:
    """A chapter as a document of its own.

    Attributes:
        document: with the blocks of the other chapters ignored.
        places: where its blocks stand; for the first chapter, where those of all others do: it reports the rest.
        is_first: whether it is the first chapter.
    """

    document: Document
    places: frozenset[tuple[str, int | None, Span]] = frozenset()
    is_first: bool = True

    def holds(self, equation: Equation) -> bool:
        """Whether an equation is one of this chapter's."""
        source, at = equation.source, equation.span.start
        own = any((path, cell) == (source.path, source.cell) and a <= at < b for path, cell, (a, b) in self.places)
        return own != self.is_first


def chapters(document: Document) -> list[Part]:
    """The document itself, or a part of it for each of its chapters."""
    pages = passages(document)
    if not any(_may_open(page) for page in pages):
        return [Part(document)]
    found = _divided(document, pages)
    if len(found) == 1:
        return [Part(document)]
    return [_alone(document, found, k) for k in range(len(found))]


def _may_open(page: Passage) -> bool:
    return bool(page.heading) or page.has_words


def _divided(document: Document, pages: list[Passage]) -> list[_Chapter]:
    written = equations(document)
    suppose(document, written.equations, written.restrictions)
    standing = by_block(document, written.equations)
    sections = [_Section.of(pages, standing, document) for pages in _sections(pages)]
    every = {key: one for section in reversed(sections) for key, (one, _) in section.defined.items()}
    current, heading = _Chapter(document=every), None
    found = [current]
    for k, section in enumerate(sections):
        heading = section.heading or heading
        announced = any(announces(page.words, "another") for page in section.pages)
        if _replaces(section, _ahead(sections, k), current, heading, announced or current.waits):
            current = _Chapter(heading, current.holding, dict(current.headings), document=every)
            found.append(current)
        else:
            current.waits = announced and not section.defined
        current.add(section, heading)
    return found


@dataclass(frozen=True)
class _Section:
    """Passages up to the next heading, or to words that announce something else, with what they define."""

    pages: list[Passage]
    equations: list[Equation]
    defined: dict[Key, tuple[Equation, int]]
    nodes: list[Node]

    @classmethod
    def of(cls, pages: list[Passage], standing: dict[int, list[Equation]], document: Document) -> _Section:
        blocks = [block for page in pages for block in page.blocks]
        own = [e for block in blocks for e in standing.get(id(block), ())]
        defined = {key: (e, _rank(e.members[0])) for e in own if (key := _defined(e))}
        return cls(pages, own, defined, [m for e in own for m in e.members] + _spoken_of(blocks, standing, document))

    @property
    def heading(self) -> Passage | None:
        return self.pages[0] if self.pages[0].heading else None

    @property
    def begins(self) -> bool:
        """Whether it stands under a heading that names no part of one derivation."""
        return self.heading is not None and not tells_stage(self.heading.words)


def _ahead(sections: list[_Section], at: int) -> _Section:
    """A section; under a heading, with what stands under it up to the next that begins something else."""
    found = sections[at]
    for later in sections[at + 1 :] if found.begins else ():
        if later.begins:
            break
        equations, defined = [*found.equations, *later.equations], {**later.defined, **found.defined}
        found = _Section([*found.pages, *later.pages], equations, defined, [*found.nodes, *later.nodes])
    return found


def _spoken_of(blocks: list[Block], standing: dict[int, list[Equation]], document: Document) -> list[Node]:
    """The formulas in sentences that are no equations, as the gradients are that sentences give names to."""
    loose = (block for block in blocks if block.kind == "inline" and "\\frac" in block.text.value)
    parts = (one for block in loose if id(block) not in standing for one in parse_display(block.text, document.macros))
    return [with_brackets(part.node, frozenset(ascii_lowercase)) for part in parts if isinstance(part, Statement)]


def _sections(pages: list[Passage]) -> Iterator[list[Passage]]:
    """Passages up to the next heading, or to words that announce something else."""
    section: list[Passage] = []
    for page in pages:
        if section and (page.heading or (page.has_words and not section[-1].heading)):
            yield section
            section = []
        section.append(page)
    if section:
        yield section


def _replaces(section: _Section, ahead: _Section, before: _Chapter, heading: Passage | None, announced: bool) -> bool:
    """Whether a section gives names new meanings that its heading, its words or their indices bear out."""
    known = before.known(heading)
    own, defined = _anew(section, known), ahead.defined
    if own and announced:
        return True
    if any(defined[key][1] != known[key][1] and defined[key][1] and known[key][1] for key in own):
        return True
    if heading is None or heading is before.heading or tells_stage(heading.words):
        return False
    moved = {key: above for key in _anew(ahead, known) if (above := before.headings[key]) is not heading}
    beside = (above for key, above in moved.items() if key in own and above is not None)
    if any(heading.heading <= above.heading < BOLD for above in beside):
        return True
    made_otherwise = [key for key in moved if _is_made_otherwise(defined[key][0], known[key][0])]
    return len(made_otherwise) >= _SEVERAL or _is_apart(ahead, before)


def _anew(section: _Section, known: dict[Key, tuple[Equation, int]]) -> list[Key]:
    """The names that a section defines otherwise than they are known."""
    return [key for key, (one, _) in section.defined.items() if key in known and not _alike(one, known[key][0])]


_SEVERAL = 2
"""So many names that are made of other things under a heading are no slip."""


def _is_made_otherwise(one: Equation, other: Equation) -> bool:
    """Whether two definitions are made of different names, or of names with other indices; a whole array is its
    entries, and a gradient is what it is."""
    if is_quotient(one.members[1]) or is_quotient(other.members[1]):
        return False
    first, second = _made_of(one), _made_of(other)
    if first.keys() != second.keys():
        return True
    return any(not (first[key] & second[key]) for key in first if first[key] and second[key])


def _made_of(equation: Equation) -> dict[Key, set[tuple[int, int]]]:
    """The names in a definition, with how many indices each has below and above where it has any."""
    found: dict[Key, set[tuple[int, int]]] = {}
    for node in _uses(equation.members[1]):
        if key := _key(node):
            found.setdefault(key, set()).update({_places(node)} - {(0, 0)})
    return found


def _uses(node: Node) -> Iterator[Node]:
    """The names in an expression, those in powers too, and not those in indices."""
    if isinstance(node, S.Script | S.Symbol | S.Accent):
        yield node
    inside: Iterable[Node]
    if isinstance(node, S.Accent):
        inside = ()
    elif isinstance(node, S.Script):
        power = (node.sup,) if node.sup is not None and not isinstance(node.sup, S.Group) else ()
        inside = power if _key(node) else (node.base, *power)
    elif isinstance(node, S.BigOperator):
        inside = (node.body,)
    else:
        inside = node.children()
    for child in inside:
        yield from _uses(child)


def _is_apart(section: _Section, before: _Chapter) -> bool:
    """Whether a section has a forward pass of its own, made of nothing that is defined before, with names that meant
    something else there."""
    defined, known = section.defined, before.holding
    forward = [equation.members[1] for equation, _ in defined.values() if not is_quotient(equation.members[1])]
    values = [node for value in forward for node in _uses(value)]
    others = {key for key, ranks in _ranks(values).items() if key in known and known[key][1] not in ranks | {0}}
    if len(forward) < _SEVERAL or ({_key(node) for node in values} - defined.keys() - others) & known.keys():
        return False
    return any(differs(section, before, values) for differs in _DIFFERENCES)


def _other_names(section: _Section, before: _Chapter, values: list[Node]) -> bool:
    """A name that is made of other things."""
    known = before.holding
    return any(key in known and _is_made_otherwise(one, known[key][0]) for key, (one, _) in section.defined.items())


def _other_shapes(section: _Section, before: _Chapter, values: list[Node]) -> bool:
    """Data with other numbers of indices."""
    earlier = _ranks(node for equation in before.equations for member in equation.members for node in _uses(member))
    used = {key: ranks for key, ranks in _ranks(values).items() if key not in section.defined}
    return any(key in earlier and not (ranks & earlier[key]) for key, ranks in used.items())


def _was_function(section: _Section, before: _Chapter, values: list[Node]) -> bool:
    """A number that was a function."""
    return any(key in section.defined and not section.defined[key][1] for key in _called(before.equations))


def _was_index(section: _Section, before: _Chapter, values: list[Node]) -> bool:
    """A size that was an index."""
    own, earlier = (_letters(equations) for equations in (section.equations, before.equations))
    ends = {_key(node) for equation in section.equations for m in equation.members for node in upper_limits(m)}
    return bool((ends - own) & earlier)


def _other_gradient(section: _Section, before: _Chapter, values: list[Node]) -> bool:
    """Another gradient of the same name."""
    known = before.holding
    gradients = {key: one for key, (one, _) in section.defined.items() if is_quotient(one.members[1]) and key in known}
    return any(not _alike(one, known[key][0]) for key, one in gradients.items())


def _other_loss(section: _Section, before: _Chapter, values: list[Node]) -> bool:
    """A loss that was differentiated by none of the section's names."""
    own = {key for equation, _ in section.defined.values() for member in equation.members for key in _names(member)}
    tops = _differentiated(before.nodes)
    return any(top in section.defined and not bottoms & own for top, bottoms in tops.items())


def _foreign_loss(section: _Section, before: _Chapter, values: list[Node]) -> bool:
    """A loss that is defined before, of none of what it is differentiated by, whatever else the document defines."""
    return any(_foreign(section.nodes, section.defined.keys(), before.holding, before.document))


def _foreign(
    nodes: list[Node], own: Set[Key], known: Container[Key], definitions: dict[Key, Equation]
) -> Iterator[Key]:
    """Known tops of derivatives by own names, in formulas, that are made of none of these."""
    for top, bottoms in _differentiated(nodes).items():
        if top in known and bottoms & own and not _made(top, definitions) & own:
            yield top


_DIFFERENCES = (_other_names, _other_shapes, _was_function, _was_index, _other_gradient, _other_loss, _foreign_loss)
"""What shows that names have other meanings in a forward pass that stands apart."""


def _letters(equations: list[Equation]) -> set[Key]:
    """The letters that stand as indices."""
    scripts = (n for e in equations for m in e.members for n in m.walk() if isinstance(n, S.Script))
    return {letter for node in scripts for item in _items(node.sub) if (letter := letter_of(item)) is not None}


def _called(equations: list[Equation]) -> set[Key]:
    """The names that stand before a bracket, as functions do."""
    nodes = (node for equation in equations for member in equation.members[1:] for node in member.walk())
    products = (node for node in nodes if isinstance(node, S.Product))
    beside = ((pair, sign) for one in products for pair, sign in zip(pairwise(one.factors), one.operators, strict=True))
    return {_key(name) for (name, bracket), sign in beside if not sign and _is_bracket(bracket)} - {""}


def _ranks(nodes: Iterable[Node]) -> dict[Key, set[int]]:
    """With how many indices names are written."""
    found: dict[Key, set[int]] = {}
    for node in nodes:
        if (key := _key(node)) and (count := _rank(node)):
            found.setdefault(key, set()).add(count)
    return found


def _alike(first: Equation, second: Equation) -> bool:
    return first.members[:2] == second.members[:2]


# -- one chapter -------------------------------------------------------------------------------------------------------


def _alone(document: Document, found: list[_Chapter], at: int) -> Part:
    """A chapter as a document: the other chapters' blocks are ignored, what it uses of them is lent to it."""
    own = {id(block) for block in found[at].blocks}
    others = {id(block) for chapter in found for block in chapter.blocks} - own
    blocks = [replace(b, ignored=True) if id(b) in others else b for b in document.blocks]
    told = found[1:] if not at else found[at : at + 1]
    places = frozenset((b.source.path, b.source.cell, b.span) for chapter in told for b in chapter.blocks)
    return Part(replace(document, blocks=(*blocks, *_lent(found, at))), places, is_first=not at)


def _lent(found: list[_Chapter], at: int) -> Iterator[Block]:
    """The definitions of earlier chapters that a chapter needs, as blocks of their own."""
    own = found[at]
    waiting = [key for equation in own.equations for key in _keys(equation)]
    seen = set(own.defined) | set(_losses_elsewhere(found, at))
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        lender = next((c for c in reversed(found[:at]) if key in c.defined), None)
        if lender is not None:
            equation = lender.defined[key][0]
            waiting += _keys(equation)
            block = next(b for b in lender.blocks if _holds(b, equation))
            yield replace(block, kind="spoken", text=_cut(block.text, equation))


def _losses_elsewhere(found: list[_Chapter], at: int) -> Iterator[Key]:
    """Tops of derivatives by what a chapter defines that other chapters make of other things: a loss of its own."""
    before = {key: equation for chapter in found[:at] for key, (equation, _) in chapter.defined.items()}
    own = found[at]
    return _foreign(own.nodes, own.defined.keys(), before, before)


def _made(name: Key, definitions: dict[Key, Equation]) -> set[Key]:
    """All that a name is made of."""
    return closure([name], lambda key: _keys(definitions[key]) if key in definitions else ()) - {name}


def _differentiated(nodes: list[Node]) -> dict[Key, set[Key]]:
    """The names that stand above in derivatives, with those below."""
    found: dict[Key, set[Key]] = {}
    for node in (inner for one in nodes for inner in one.walk()):
        if isinstance(node, S.Fraction) and is_quotient(node):
            for top in _names(node.numerator):
                found.setdefault(top, set()).update(_names(node.denominator))
    return found


def _names(node: Node) -> set[Key]:
    return {key for inner in _uses(node) if (key := _key(inner))}


def _holds(block: Block, equation: Equation) -> bool:
    return block.source is equation.source and block.span.start <= equation.span.start < block.span.end


def _cut(text: Text, equation: Equation) -> Text:
    """The part of a block's text that an equation was read from."""
    inside = [k for k in range(len(text)) if equation.span.start <= text.offsets[k] < equation.span.end]
    return text.cut(inside[0], inside[-1] + 1) if inside else text


# -- names -------------------------------------------------------------------------------------------------------------


def _defined(equation: Equation) -> Key:
    """The name that an equation defines, by a value or as a derivative; empty where it defines none."""
    if equation.error is not None or equation.relations[:1] != ("=",) or equation.standing != "stated":
        return ""
    name, value = equation.members[:2]
    if isinstance(name, S.Empty | S.Number) or (differentiates(value) and not is_quotient(value)):
        return ""
    if carries_label(name) and not is_quotient(value):
        return ""  # what a gradient is, is claimed
    return "" if differentiates(name) else _key(name)


def _key(node: Node) -> Key:
    """A name without indices and powers; empty for what is none."""
    while isinstance(node, S.Decoration):
        node = node.body
    if isinstance(node, S.Script):
        base = _key(node.base)
        labels = [latex(item) for item in _items(node.sub) if letter_of(item) is None and not _is_count(item)]
        return base and base + "".join(f"_{label}" for label in labels)
    if isinstance(node, S.Product) and len(node.factors) == 2 and _is_bracket(node.factors[1]):
        return _key(node.factors[0])  # f(x), f(x)_i
    return latex(node) if isinstance(node, S.Symbol | S.Accent) else ""


def _is_bracket(node: Node) -> bool:
    return isinstance(node.base if isinstance(node, S.Script) else node, S.Group)


def _rank(node: Node) -> int:
    """How many letters a name has for indices."""
    return sum(_places(node))


def _places(node: Node) -> tuple[int, int]:
    """How many letters a name has for indices below, and in brackets above."""
    while isinstance(node, S.Decoration):
        node = node.body
    if not isinstance(node, S.Script):
        return 0, 0
    above = node.sup.body if isinstance(node.sup, S.Group) else None
    below, over = (sum(letter_of(item) is not None for item in _items(items)) for items in (node.sub, above))
    return below, over


def _items(node: Node | None) -> list[Node]:
    return list(subscript_items(node)) if node is not None else []


def _is_count(node: Node) -> bool:
    return isinstance(node, S.Number)


def _keys(equation: Equation) -> list[Key]:
    """All names in an equation."""
    nodes = (node for member in equation.members for node in member.walk())
    return [key for node in nodes if isinstance(node, S.Script | S.Symbol | S.Accent) and (key := _key(node))]
