"""A document's blocks as equations: chains of members, joined across displays, with their conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from derive.document import Block, Document
from derive.latex import syntax as S
from derive.latex.parser import parse_display
from derive.latex.syntax import Node, Statement, Unreadable, span_of
from derive.latex.writer import latex
from derive.notation.axes import Scope
from derive.notation.functions import Functions, find_functions, with_bare_tops, with_calls, without_arguments
from derive.notation.names import Letters, letter_of, spell
from derive.notation.picked import marked_picks, with_marked_picks
from derive.notation.rewriting.capitals import with_operators
from derive.notation.rewriting.carried import find_carried, with_carried
from derive.notation.rewriting.differentials import with_slanted
from derive.notation.rewriting.digits import with_subscripts
from derive.notation.rewriting.dots import without_dots
from derive.notation.rewriting.extents import with_extents
from derive.notation.rewriting.functions import with_named_functions
from derive.notation.rewriting.labels import find_labels, with_labels
from derive.notation.rewriting.pairs import with_pairs
from derive.notation.rewriting.parameters import with_entries, with_local_parameters, with_parameters
from derive.notation.rewriting.sets import find_parts, find_sets, with_parts, with_sizes
from derive.notation.rewriting.squares import with_squares
from derive.notation.rewriting.unindexed import letters_outside, with_indices
from derive.notation.rewriting.vectors import with_lines
from derive.notation.rewriting.words import find_words, with_words
from derive.notation.survey import bracket_letters, with_brackets
from derive.prose.cues import cues
from derive.prose.passages import has_heading
from derive.source import Source, SourceError, Span

_NEAR_WORDS = 30
_PLAIN = Letters()
_WORD = re.compile(r"[^\W\d_]{2}")
_POSITIVE = frozenset({"\\epsilon", "\\varepsilon", "\\tau", "N", "M", "m", "n", "D", "d", "K", "C", "T"})
_DEFINING = frozenset({"\\leftarrow", "\\equiv", "\\triangleq", "\\coloneqq"})

Role = Literal["definition", "claim", "note", "given"]


@dataclass(frozen=True)
class Condition:
    """Two indices that are equal, differ or are in an order where an equation is claimed to hold."""

    first: Node
    second: Node
    relation: str


@dataclass(frozen=True)
class Supposition:
    """What a claim is made under: an equation or inequality, or a condition in words alone.

    Attributes:
        certain: whether the page leaves no doubt that it still holds there.
        quality: what words say of the data that the equation is, or begins with.
        denied: whether it is supposed not to hold: *otherwise*.
    """

    equation: Equation | None
    words: str = ""
    certain: bool = True
    quality: str = ""
    denied: bool = False

    @property
    def is_value(self) -> bool:
        """Whether it gives a name a number."""
        return self.equation is not None and self.equation.relations == ("=",) and is_numeric(self.equation.members[1])

    def __str__(self) -> str:
        if self.equation is None:
            return f"*{self.words}*"
        start, end = self.equation.span
        if self.quality:
            return f"that {latex(self.equation.members[0])} is {self.quality}, in line {self.equation.line},"
        text = " ".join(self.equation.source.text[start:end].split())
        return f"{'not ' if self.denied else ''}{text} in line {self.equation.line}"


@dataclass(eq=False)
class Equation:
    """A statement of the document as a chain of members.

    Attributes:
        members: the sides. Where the statement begins with a relation, the first is the last side of the one before.
        relations: what stands between the members.
        previous: the equation that this one continues.
        conditions: what is said beside it about its indices.
        restricted: whether it is claimed under a condition that is none on indices, such as ``x > 0``.
        role: definitions introduce the name on their left side with the first link.
        names: the members that are names introduced here, by position, each with its number of indices.
        value_at: the member that says what they are.
        error: why the line cannot be read.
        axes: the axes of its letters, once linked.
        sentence: whether its conditions stand in the sentence before it.
        inline: whether it stands in a sentence, not in a display.
        spoken: whether words say it.
        standing: whether it is stated, or only supposed: a special value, a condition, a remark.
        suppositions: what it is claimed under.
        explains: whether its first link says what a name is that does not stand alone on a side: ``\\log p = z``.
        written: the members with their labels and argument lists, as reports show them.
        written_relations: the relations between them, where they were read as others.
    """

    source: Source
    span: Span
    members: tuple[Node, ...] = ()
    relations: tuple[str, ...] = ()
    given: bool = False
    ignored: bool = False
    previous: Equation | None = None
    conditions: tuple[Condition, ...] = ()
    restricted: bool = False
    lead: str = ""
    role: Role = "claim"
    names: dict[int, tuple[str, int]] = field(default_factory=dict)
    value_at: int = 1
    error: SourceError | None = None
    axes: Scope = field(default_factory=dict)
    sentence: bool = False
    inline: bool = False
    spoken: bool = False
    explains: bool = False
    standing: Literal["stated", "supposed"] = "stated"
    suppositions: tuple[Supposition, ...] = ()
    written: tuple[Node, ...] = ()
    written_relations: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[Node, ...]:
        """The members as the author wrote them."""
        return self.written or self.members

    @property
    def shown_relations(self) -> tuple[str, ...]:
        """The relations as the author wrote them."""
        return self.written_relations or self.relations

    @property
    def line(self) -> int:
        return self.source.place(self.span.start).line

    @property
    def head(self) -> Node:
        """The first member of the chain that this equation belongs to."""
        return self.previous.head if self.previous is not None else self.members[0]

    @property
    def defines(self) -> tuple[str, int] | None:
        """The first of the names that the equation introduces."""
        return next(iter(self.names.values()), None)

    @property
    def value(self) -> Node:
        """What the equation's names are."""
        return self.members[self.value_at]

    def introduces(self, link: int) -> bool:
        """Whether a link only says what a new name is."""
        if self.explains and link == 0:
            return True
        names = {link, link + 1} & set(self.names)
        return len(names) == 2 or (bool(names) and (self.value_at in (link, link + 1) or link + 1 in names))

    def statement(self) -> Statement:
        """The equation as one syntax node, for the survey."""
        if len(self.members) == 1:
            return Statement(self.members[0], (), self.lead, self.span)
        return Statement(S.Chain(self.members, self.relations, self.span), (), self.lead, self.span)


@dataclass(frozen=True)
class Written:
    """What a document writes.

    Attributes:
        equations: all of them in reading order.
        functions: what it writes with arguments.
        told: how signs were read that could mean something else.
        restrictions: what its sentences say that is no equation, such as ``x > 0``.
    """

    equations: list[Equation]
    functions: Functions
    told: tuple[str, ...]
    restrictions: list[Equation]


def equations(document: Document) -> Written:
    """All equations of a document, and how they were read.

    Inline mathematics counts where it has an equality sign.
    """
    found: list[Equation] = []
    restrictions: list[Equation] = []
    parsed, told = _parsed(document)
    conditions = _Conditions(_letters_below(parsed))
    bound = bracket_letters([p.statement for p in parsed if isinstance(p.statement, Statement)])
    for one in parsed:
        block = one.block
        for equation in _equation(one, bound):
            heard = conditions.hear(block, equation)
            if isinstance(one.statement, Statement) and not _is_statement(block, equation):
                if not heard and equation.members:
                    restrictions.append(equation)
            elif heard:
                said = S.Chain(equation.shown, equation.relations, equation.span)
                found.append(replace(equation, members=(), relations=(), written=(said,), role="note"))
            else:
                conditions.give(block, equation)
                found.append(equation)
    told += _index_sums(found)
    functions = _name_values(found)
    before: Equation | None = None
    for equation in found:
        _continue(equation, before)
        if not equation.given and equation.error is None and equation.members:
            before = equation
    return Written(found, functions, tuple(told), restrictions)


@dataclass(frozen=True)
class _Parsed:
    """A statement as it was written, and with its labelled names put together."""

    block: Block
    written: Statement | Unreadable
    statement: Statement | Unreadable


def _parsed(document: Document) -> tuple[list[_Parsed], list[str]]:
    """All statements in reading order, and how their signs were read."""
    read = [(block, written) for block in document.blocks for written in parse_display(block.text, document.macros)]
    found = [(block, _changed(written, with_subscripts)) for block, written in read]
    carried = find_carried(one.node for _, one in found if isinstance(one, Statement))
    found = [(block, _changed(written, lambda node: with_carried(node, carried))) for block, written in found]
    labels, words = find_labels(written for _, written in found), find_words(written for _, written in found)

    def together(node: Node) -> Node:
        labelled = with_marked_picks(with_squares(with_labels(with_words(node, words), labels)), picks)
        return with_sizes(with_parts(labelled, parts), sets)

    labelled = [with_labels(written, labels) for _, written in found]
    parts, picks = find_parts(labelled), marked_picks(labelled)
    sets = find_sets(with_parts(node, parts) for node in labelled)
    told = [f"the superscript {letter} tells names apart and is no power" for letter in sorted(labels.letters)]
    told += [f"what the page says of ({letter}), it says of each {letter} alike" for letter in sorted(labels.shared)]
    told += [f"a sum over {name} runs over all values of its letter" for name in sorted(sets)]
    named = [_changed(written, together) for _, written in found]
    return [_Parsed(*one, statement) for one, statement in zip(read, named, strict=True)], told


def _changed(statement: Statement | Unreadable, change: Callable[[Node], Node]) -> Statement | Unreadable:
    """A statement with a change made to its formulas."""
    if isinstance(statement, Unreadable):
        return statement
    return replace(statement, node=change(statement.node), asides=tuple(map(change, statement.asides)))


class _Conditions:
    """Conditions on indices that stand beside an equation, in front of it, or in the sentence before it."""

    def __init__(self, letters: frozenset[str]) -> None:
        self._letters = letters
        self._before: tuple[Block, Equation] | None = None
        self._waiting: list[tuple[Block, Equation, Condition]] = []
        self._used = False

    def hear(self, block: Block, equation: Equation) -> bool:
        """Keep what an equation says if it is a condition: for the equation before it on its row, else the next."""
        condition = _condition_on_indices(equation, self._letters)
        if condition is None or equation.given:
            return False
        before = self._before
        same_row = before is not None and before[0] is block and "\\\\" not in _between(before[1], equation)
        if before is not None and (same_row or _stands_behind(*before, equation)) and _uses(before[1], condition):
            before[1].conditions = (*before[1].conditions, condition)
        elif block.kind != "inline" or before is None or "\n\n" in _between(before[1], equation):
            # behind a display and in its paragraph, nobody can tell which display a condition is about
            self._waiting = [w for w in self._waiting if w[0] is block and not self._used]
            self._used = False
            self._waiting.append((block, equation, condition))
        return True

    def give(self, block: Block, equation: Equation) -> None:
        """Give an equation the conditions that wait for it: those of its own display, or of the sentence before."""
        near = [
            (own, condition)
            for own, place, condition in self._waiting
            if _uses(equation, condition)
            and (own is block or (own.kind == "inline" and _between(place, equation).count("\n\n") <= 1))
        ]
        if near and not equation.conditions:
            equation.conditions = tuple(condition for _, condition in near)
            equation.sentence = any(own is not block for own, _ in near)
            self._used = True
        self._waiting = [w for w in self._waiting if w[0] is block]
        self._before = block, equation


def _between(first: Equation, second: Equation) -> str:
    """The text of the document between two equations; that of a paragraph's end where they have no common source."""
    if first.source is not second.source:
        return "\n\n"
    return first.source.text[first.span.end : second.span.start]


def _stands_behind(block: Block, claim: Equation, condition: Equation) -> bool:
    """Whether a condition closes the sentence part of the claim before it: *we have A for i ≠ j*."""
    if claim.source is not condition.source or claim.conditions or not condition.inline:
        return False
    text = claim.source.text
    between = text[block.span.end : condition.span.start].rstrip("$\\( ")
    ends = re.match(r"[$\\) ]*[.;\n]", text[condition.span.end : condition.span.end + 9]) is not None
    found = [cue for cue, _ in cues(between)]
    goes_on = re.match(r"[$\\) ]*[,，]", text[condition.span.end : condition.span.end + 9]) is not None
    if "." in between or "\n\n" in between or len(between) > _NEAR_WORDS or goes_on:
        return False
    return found in (["for"], ["if"]) or (ends and found[-1:] in (["for"], ["if"]))


def _letters_below(parsed: Iterable[_Parsed]) -> frozenset[str]:
    """The letters that stand in subscripts, or that sums run over."""
    nodes = (node for one in parsed if isinstance(one.statement, Statement) for node in one.statement.node.walk())
    below = (n.sub if isinstance(n, S.Script) else n.lower for n in nodes if isinstance(n, S.Script | S.BigOperator))
    return frozenset(i.name for node in below if node is not None for i in node.walk() if isinstance(i, S.Symbol))


def _condition_on_indices(equation: Equation, below: frozenset[str]) -> Condition | None:
    """``i = j`` or ``i \\neq j`` for single letters in lower case that are indices."""
    if len(equation.members) != 2 or equation.relations[0] not in ("=", "\\neq"):
        return None
    first, second = equation.members
    letters = [letter_of(member) for member in equation.members]
    if any(letter is None or not letter.islower() or letter not in below for letter in letters):
        return None
    return Condition(first, second, equation.relations[0])


def _uses(equation: Equation, condition: Condition) -> bool:
    """Whether a letter of a condition is a subscript in an equation; the other may be one that the page fixes."""
    subscripts = {
        inner.name
        for member in equation.members
        for node in member.walk()
        if isinstance(node, S.Script) and node.sub is not None
        for inner in node.sub.walk()
        if isinstance(inner, S.Symbol)
    }
    return bool({letter_of(condition.first), letter_of(condition.second)} & subscripts)


def _index_sums(found: list[Equation]) -> list[str]:
    """Give sums all terms that have their index, and those that say nothing of what they run over an index; what was
    done, in words."""
    told = dict[str, None]()
    head: frozenset[str] = frozenset()
    for equation in found:
        if not equation.members or not isinstance(equation.members[0], S.Empty):
            head = frozenset().union(*map(letters_outside, equation.members[:1]))
        extended = with_extents(equation.members, head)
        if extended != equation.members:
            told["a sum takes in the terms behind it that have its index"] = None
        indexed = with_indices(extended, head)
        if indexed != extended:
            told["a sum without an index runs over the index of what it sums"] = None
        equation.members = with_pairs(indexed, head)
    return list(told)


def _name_values(found: list[Equation]) -> Functions:
    """Write ``softmax(z)_j`` as ``softmax_j`` wherever the argument is that of its definition."""
    chains = with_named_functions([e.members for e in found])
    chains = with_local_parameters(with_parameters(with_entries(chains)))
    for equation, members in zip(found, chains, strict=True):
        equation.members = members
    functions = find_functions([e.members for e in found if "=" in e.relations])
    if functions.values:
        for equation in found:
            equation.written = tuple(with_calls(member, functions.values) for member in equation.written)
            equation.members = tuple(without_arguments(member, functions.values) for member in equation.members)
    bare = {s.key for e in found if "=" in e.relations for s in (spell(e.members[0], _PLAIN),) if s is not None}
    for equation in found:
        equation.members = tuple(with_bare_tops(member, bare - functions.aliases.keys()) for member in equation.members)
    return functions


def _is_statement(block: Block, equation: Equation) -> bool:
    """Inline mathematics without a relation is part of a sentence."""
    return block.kind != "inline" or any(relation == "=" for relation in equation.relations)


def _equation(parsed: _Parsed, bound: frozenset[str]) -> Iterator[Equation]:
    block, statement = parsed.block, parsed.statement
    inline = block.kind == "inline"
    given, spoken = block.kind in ("given", "spoken"), block.kind == "spoken"
    base = {"source": block.source, "given": given, "ignored": block.ignored, "inline": inline, "spoken": spoken}
    if isinstance(statement, Unreadable):
        if block.kind != "inline" or "=" in block.text.value:
            error = SourceError(statement.message, statement.span, statement.hint)
            yield Equation(span=_at(statement.span, block), error=error, **base)  # type: ignore[arg-type]
        return
    node = _chain(statement, bound)
    members = node.members if isinstance(node, S.Chain) else (node,)
    written = _shown(parsed.written, bound) if isinstance(parsed.written, Statement) else node
    shown = written.members if isinstance(written, S.Chain) else (written,)
    relations = _relations(node) if isinstance(node, S.Chain) else ()
    asides = [with_brackets(aside, bound) for aside in statement.asides]
    hole = S.hole_in(members) if "=" not in relations and not _is_sign(members) else None
    conditions = tuple(c for aside in asides for c in _conditions(aside))
    said: dict[str, Any] = {"conditions": conditions, "restricted": any(map(restricts, asides)), "lead": statement.lead}
    said |= {"members": members, "relations": relations, "written": shown}
    if hole is not None:
        said["error"] = hole.error
    elif block.kind == "given" and not relations:
        said["error"] = SourceError("this given is no equation", block.span, "Say what equals what: given: m = N.")
    yield Equation(span=_at(statement.span, block), **said, **base)  # type: ignore[arg-type]
    for aside in asides:
        yield from _remark(aside, base)


def _chain(statement: Statement, bound: frozenset[str]) -> Node:
    taken = frozenset(inner.name for inner in statement.node.walk() if isinstance(inner, S.Symbol))
    node = with_brackets(with_slanted(statement.node), bound)
    return _undecorated(without_dots(with_lines(with_operators(node)), taken))


def _shown(statement: Statement, bound: frozenset[str]) -> Node:
    """A chain as reports show it, with dots where its author has them."""
    return _undecorated(with_operators(with_brackets(with_slanted(statement.node), bound)))


def _is_sign(members: tuple[Node, ...]) -> bool:
    """Whether a display holds no more than a sign of its own, which a sentence speaks of: ``\\circ``."""
    (hole, *others) = members
    return not others and isinstance(hole, S.Unread) and hole.text.count("\\") < 2 and " " not in hole.text


def is_numeric(node: Node) -> bool:
    """Whether an expression is made of numbers only: ``10^{-5}``, ``1, \\dots, 5``, ``\\frac{1}{2}``."""
    leaves = [inner for inner in node.walk() if not list(inner.children())]
    numbers = [inner for inner in leaves if isinstance(inner, S.Number | S.Ellipsis)]
    return bool(numbers) and all(isinstance(inner, S.Number | S.Ellipsis) or _is_infinity(inner) for inner in leaves)


def _is_infinity(node: Node) -> bool:
    return node == S.Symbol("\\infty")


def _relations(chain: S.Chain) -> tuple[str, ...]:
    """The relations of a chain; an arrow or a sign for *is defined as* behind a new name is an equality.

    ``w \\leftarrow w - \\eta g`` changes w and defines nothing.
    """
    name, value = chain.members[:2]
    if isinstance(value, S.Sum) and value.terms[0] == name and chain.relations == ("=",):
        return ("\\leftarrow",)  # w = w - \eta g gives w another value
    if chain.relations[0] not in _DEFINING:
        return chain.relations
    if chain.relations[0] != "\\coloneqq" and not isinstance(name, S.Symbol | S.Accent | S.Script):
        return chain.relations
    if any(inner == name for inner in value.walk()):
        return chain.relations
    return ("=", *chain.relations[1:])


def _at(span: Span, block: Block) -> Span:
    """A span inside the block; that of the whole block where a statement has none."""
    return span if span.end > span.start else block.span


def _undecorated(node: Node) -> Node:
    """An equation without the box, bracket or bars around the whole of it."""
    while True:
        if isinstance(node, S.Decoration | S.Group) and isinstance(node.body, S.Chain | S.Group | S.Decoration):
            inner = _undecorated(node.body)
            if isinstance(inner, S.Chain):
                return inner
        if isinstance(node, S.Chain) and len(node.members) == 2 and isinstance(node.members[0], S.Empty):
            side = _unboxed(node.members[1])
            if side is not node.members[1]:
                return S.Chain((node.members[0], side), node.relations, node.span)
        return node


def _unboxed(node: Node) -> Node:
    """The last side of a chain without a drawn box: ``= \\overline{[ ... ]}``."""
    if isinstance(node, S.Accent) and node.accent == "bar" and isinstance(node.body, S.Group):
        return node.body.body
    return node


def _conditions(aside: Node) -> Iterator[Condition]:
    if isinstance(aside, S.Decoration) and aside.kind == S.REASON:
        return
    if isinstance(aside, S.Group | S.Decoration):
        yield from _conditions(aside.body)
    elif isinstance(aside, S.Sequence):
        for item in aside.items:
            yield from _conditions(item)
    elif isinstance(aside, S.Chain) and len(aside.members) == 2 and aside.relations[0] in _COMPARING:
        first, second = aside.members
        is_equality = aside.relations[0] in ("=", "\\neq")
        kinds = S.Symbol | S.Script | S.Number if is_equality else S.Symbol
        if letter_of(first) is not None and isinstance(second, kinds):
            yield Condition(first, second, aside.relations[0])


_INEQUALITIES = frozenset({"<", ">", "\\leq", "\\geq", "\\le", "\\ge", "\\leqslant", "\\geqslant", "\\ll", "\\gg"})
_RESTRICTING = ("if ", "when ", "otherwise", "else", "wenn ", "falls ", "sonst", "si ", "sinon")


_COMPARING = frozenset({"=", "\\neq", "<", ">", "\\leq", "\\geq"})


def restricts(aside: Node) -> bool:
    """Whether a remark limits where an equation holds, other than to some of its indices.

    That sizes and what only keeps a root from zero are positive limits nothing.
    """
    if isinstance(aside, S.Decoration) and aside.kind == S.REASON:
        return False
    if isinstance(aside, S.Group | S.Decoration):
        return restricts(aside.body)
    if isinstance(aside, S.Sequence):
        return any(map(restricts, aside.items))
    if S.hole_in([aside]) is not None:
        return True
    if isinstance(aside, S.Words):
        return any(aside.text.strip().lower().startswith(word) for word in _RESTRICTING)
    if not isinstance(aside, S.Chain) or list(_conditions(aside)):
        return False
    if "\\in" in aside.relations:
        return isinstance(aside.members[-1], S.Group)
    return not (set(aside.relations) & _INEQUALITIES and all(map(_is_positive, aside.members)))


def _is_positive(node: Node) -> bool:
    return isinstance(node, S.Number) or (isinstance(node, S.Symbol) and node.name in _POSITIVE)


def _remark(aside: Node, base: dict[str, object]) -> Iterator[Equation]:
    """An equation said in brackets beside another: ``(i.e. D = ...)``."""
    if isinstance(aside, S.Group) and isinstance(aside.body, S.Sequence):
        for item in aside.body.items:
            if isinstance(item, S.Chain) and item.relations[0] == "=" and not list(_conditions(item)):
                yield Equation(span=item.span, members=item.members, relations=item.relations, **base)  # type: ignore[arg-type]


def _continue(equation: Equation, before: Equation | None) -> None:
    """Give a chain that begins with a relation the last side of the chain before it."""
    if not equation.members or not isinstance(equation.members[0], S.Empty) or len(equation.members) < 2:
        return
    if before is None or before.source is not equation.source or not before.members:
        equation.error = SourceError("this line continues a chain that derive could not read", equation.span)
        return
    between = _between(before, equation)
    if has_heading(between):
        said = "this line continues a chain, and none stands before it under its heading"
        equation.error = SourceError(said, equation.span)
        return
    if equation.inline and _WORD.search(between) and (not before.inline or "\n\n" in between):
        equation.members, equation.relations = equation.members[1:], equation.relations[1:]  # *if its length* $=1$
        return
    last = before.members[-1] if not isinstance(before.members[-1], S.Empty) else before.members[0]
    equation.members = (last, *equation.members[1:])
    equation.written = (before.shown[before.members.index(last)], *equation.shown[1:])
    equation.previous = before


__all__ = ["Condition", "Equation", "Supposition", "equations", "is_numeric", "span_of"]
