"""What the formulas of a page show of its names, before any is read: how they are indexed, what sizes sums give them,
what is taken from what, which are defined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from derive.document import Block, Document
from derive.latex import syntax as S
from derive.latex.parser import parse_display
from derive.latex.syntax import Node, Statement, rebuilt
from derive.latex.writer import latex
from derive.notation.names import PARTIALS, subscript_items
from derive.notation.ranks import shape
from derive.notation.rewriting.bold import in_bold
from derive.notation.roles import LOSSES
from derive.notation.survey import bound_letters, bracket_letters, with_brackets
from derive.notation.table import SIZE_LETTERS
from derive.source import Text


@dataclass(frozen=True)
class Use:
    """A name as it stands in a formula: the name without its indices, and the letters that are those."""

    key: str
    letters: tuple[str, ...]
    node: Node = field(compare=False)

    @property
    def text(self) -> str:
        return latex(self.node)

    def with_letter(self, old: str, new: str) -> str:
        """The name with another index."""
        swap = lambda node: replace(node, name=new) if node == S.Symbol(old) else node  # noqa: E731
        return latex(rebuilt(self.node, swap))


def read_formula(block: Block, document: Document) -> Node | None:
    """The one formula of a block."""
    read = parse_display(block.text, document.macros)
    return read[0].node if len(read) == 1 and isinstance(read[0], Statement) else None


def read_list(block: Block, document: Document) -> tuple[Node | None, ...]:
    """The formulas that stand in a block one after the other, with commas between them."""
    read = parse_display(block.text, document.macros)
    if not read or not all(isinstance(one, Statement) for one in read):
        return (None,)
    return tuple(node for one in read if isinstance(one, Statement) for node in (one.node, *one.asides))


@dataclass
class Census:
    """What formulas show.

    Attributes:
        uses: how often each name is used, by key and letters.
        sizes: the upper limits of sums over a letter of a name.
        letter_sizes: the upper limits of sums over a letter, where all have the same.
        limits: names that sums end at or are divided by.
        centres: what a name is taken from: ``x_i`` for the ``\\mu`` of ``x_i - \\mu``.
        lengths: of vectors, as declared.
        defined: names with a definition.
        inputs: names that definitions use.
        divided: names that a softmax or a sum of exponentials makes, whose entries so may add up to 1.
        called: names in front of a bracket.
        chosen: letters of the entry that is 1, as ``y_c = 1`` says of y.
        summed: letters that sums bind.
        symbols: all symbols.
        written: those in formulas that are more than a name.
        loss: what is differentiated.
    """

    uses: Counter[Use] = field(default_factory=Counter)
    sizes: dict[tuple[str, str], str] = field(default_factory=dict)
    letter_sizes: dict[str, str] = field(default_factory=dict)
    limits: set[str] = field(default_factory=set)
    divisors: set[str] = field(default_factory=set)
    centres: dict[str, Use] = field(default_factory=dict)
    lengths: dict[str, str] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)
    divided: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    chosen: dict[str, str] = field(default_factory=dict)
    summed: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    loss: str = "L"

    @classmethod
    def of(cls, document: Document) -> Census:
        census = cls()
        read = [one for block in document.blocks for one in parse_display(block.text, document.macros)]
        statements = [one for one in read if isinstance(one, Statement)]
        bound = bracket_letters(statements)
        for part in (part for statement in statements for part in (statement.node, *statement.asides)):
            census._take(with_brackets(part, bound))
        return census

    # -- asking ----------------------------------------------------------------------------------------------------

    def key_of(self, name: str) -> str:
        use = _use(parsed(name))
        return use.key if use is not None else name

    def is_defined(self, name: str) -> bool:
        """Whether a formula defines a name; with σ² also σ is known."""
        key = self.key_of(name)
        return bool({key, key.removesuffix("^2"), f"{key}^2"} & self.defined)

    def use_of(self, name: str, full: bool = False) -> Use | None:
        """The name as the page writes it most often, with as many indices as words give it or more; with all of its
        indices where ``full``."""
        own = _use(parsed(name))
        if own is None:
            return None
        if own.letters:
            return own
        same = [use for use, _ in self.uses.most_common() if use.key == own.key]
        centred = [use for use in self.centres.values() if use.key == own.key]
        if full:
            same = [*centred, *sorted(same, key=lambda use: -len(use.letters))]
        return same[0] if same else own

    def centre(self, name: str) -> Use | None:
        """What a name is taken from."""
        return self.centres.get(self.key_of(name))

    def whole(self, key: str) -> str:
        """How the page writes the vector whose entries have a name: in bold, where it does."""
        return next((written for written in in_bold(key) if written in self.symbols), key)

    def class_of(self, key: str) -> str | None:
        """The letter of the entry that is 1, of a name that has no other; of a sum's letter nobody can tell."""
        letter = self.chosen.get(key)
        return letter if letter is not None and letter not in self.summed else None

    def mean_beside(self, use: Use) -> str | None:
        """The name that is taken from an array, as LaTeX."""
        found = [key for key, other in self.centres.items() if other == use]
        return self.use_of(found[0]).text if len(found) == 1 and self.use_of(found[0]) else None  # type: ignore[union-attr]

    def only_size(self) -> str | None:
        """The only letter for a size that the page divides by or sums to; ``N`` where it has none."""
        found = self.limits | (self.divisors & SIZE_LETTERS)
        if not found:
            return "N" if "N" not in self.symbols else None
        return next(iter(found)) if len(found) == 1 else None

    def lines(self, defined: bool = False) -> set[str]:
        """Arrays of one index that the page does not define (or also those), and whose length no sum says."""
        return {
            use.key
            for use in self.uses
            if len(use.letters) == 1
            and (defined or use.key not in self.defined)
            and use.key not in ("\\delta", *self.lengths)
            and not any(key == use.key for key, _ in self.sizes)
        }

    # -- counting --------------------------------------------------------------------------------------------------

    def _take(self, node: Node) -> None:
        self._names(node)
        self._sums(node)
        for inner in node.walk():
            if isinstance(inner, S.Symbol):
                self.symbols.add(latex(inner))
                if isinstance(node, S.Chain) and "=" in node.relations:
                    self.written.add(latex(inner))
            if isinstance(inner, S.Sum):
                self._differences(inner)
            if isinstance(inner, S.Product):
                self.called |= {
                    latex(a)
                    for a, b in zip(inner.factors, inner.factors[1:], strict=False)
                    if isinstance(a, S.Symbol) and isinstance(b, S.Group)
                }
            if isinstance(inner, S.Fraction):
                self.divisors |= set(_bare(inner.denominator))
                self._loss(inner)
        if isinstance(node, S.Chain):
            self._relations(node)

    def _names(self, node: Node) -> None:
        use = _use(node)
        if use is not None:
            self.uses[use] += 1
            base = _use(replace(node, sup=None)) if isinstance(node, S.Script) and node.sup is not None else None
            if base is not None and base.key != use.key:
                self.uses[base] += 1  # the square of a name is no other name, but where it is defined
            return
        for child in node.children():
            self._names(child)

    def _sums(self, node: Node) -> None:
        for inner in node.walk():
            if not isinstance(inner, S.BigOperator) or inner.operator not in ("sum", "prod"):
                continue
            letters = list(bound_letters(inner.lower))
            self.summed |= set(letters)
            size = latex(inner.upper) if isinstance(inner.upper, S.Symbol | S.Script) else ""
            if len(letters) != 1 or not size:
                continue
            self.limits.add(size)
            if self.letter_sizes.setdefault(letters[0], size) != size:
                self.letter_sizes[letters[0]] = ""
            for use in _uses(inner.body):
                if letters[0] in use.letters:
                    self.sizes.setdefault((use.key, letters[0]), size)

    def _differences(self, node: S.Sum) -> None:
        """``x_i - \\mu``: two names, the second with no index that the first lacks."""
        if len(node.terms) == 2 and node.signs[1] == "-":
            first, second = map(_use, node.terms)
            if first is not None and second is not None and set(second.letters) < set(first.letters) | {""}:
                self.centres.setdefault(second.key, first)

    def _relations(self, node: S.Chain) -> None:
        left = _use(node.members[0])
        if "\\in" in node.relations and left is not None and len(shape(node.members[1])) == 1:
            self.lengths[left.key] = latex(shape(node.members[1])[0])
        if left is None or node.relations[0] != "=" or _is_derived(node.members[1]):
            return
        if node.members[1] == S.Number("1") and len(left.letters) == 1:
            self.chosen.setdefault(left.key, left.letters[0])
        if not isinstance(node.members[1], S.Empty | S.Number):
            self.defined.add(left.key)
            if any(_is_partition(inner) for inner in node.members[1].walk()):
                self.divided.add(left.key)
            self.inputs |= {use.key for member in node.members[1:] for use in _uses(member)}

    def _loss(self, node: S.Fraction) -> None:
        above = node.numerator
        if isinstance(above, S.Product) and len(above.factors) == 2 and latex(above.factors[0]) in PARTIALS:
            top = latex(above.factors[1])
            self.loss = top if top in LOSSES else self.loss


def _uses(node: Node) -> Iterator[Use]:
    use = _use(node)
    if use is not None:
        yield use
    else:
        for child in node.children():
            yield from _uses(child)


def _use(node: Node | None) -> Use | None:
    """The name that a node is, its subscripts of small letters taken for indices."""
    while isinstance(node, S.Decoration):
        node = node.body
    if isinstance(node, S.Symbol):
        return Use(latex(node), (), node)
    if isinstance(node, S.Accent):
        inner = _use(node.body)
        return Use(latex(S.Accent(node.accent, parsed(inner.key) or node.body)), inner.letters, node) if inner else None
    if not isinstance(node, S.Script):
        return None
    base = _use(node.base)
    if base is None:
        return None
    letters, labels = _indices(node.sub)
    sup = node.sup
    if isinstance(sup, S.Group) and sup.opening == "(" and isinstance(sup.body, S.Symbol):
        letters, sup = [sup.body.name, *letters], None
    if sup is not None and not (isinstance(sup, S.Number) and sup.text == "2"):
        return None
    several = S.Sequence(tuple(labels), (",",) * (len(labels) - 1))
    label = several if len(labels) > 1 else next(iter(labels), None)
    bare = parsed(base.key) or node.base
    if label is None and sup is None and not node.primes:
        return Use(base.key, (*base.letters, *letters), node)
    return Use(latex(S.Script(bare, label, sup, node.primes)), (*base.letters, *letters), node)


def _indices(sub: Node | None) -> tuple[list[str], list[Node]]:
    """The letters of a subscript that are indices, and what in it is a label."""
    letters: list[str] = []
    labels: list[Node] = []
    for item in subscript_items(sub) if sub is not None else ():
        if isinstance(item, S.Symbol) and len(item.name) == 1 and item.name.islower() and not item.font:
            letters.append(item.name)
        else:
            labels.append(item)
    return letters, labels


@cache
def parsed(text: str) -> Node | None:
    """A name as a syntax node."""
    read = parse_display(Text(text, range(len(text) + 1)))
    return read[0].node if len(read) == 1 and isinstance(read[0], Statement) else None


def _bare(node: Node) -> Iterator[str]:
    for factor in node.factors if isinstance(node, S.Product) else (node,):
        if isinstance(factor, S.Symbol):
            yield latex(factor)


def _is_partition(node: Node) -> bool:
    """Whether a node is a softmax or a quotient by a sum."""
    if isinstance(node, S.Symbol):
        return node.name == "softmax"
    return isinstance(node, S.Fraction) and any(isinstance(n, S.BigOperator) for n in node.denominator.walk())


def _is_derived(node: Node) -> bool:
    return any(isinstance(inner, S.Symbol) and inner.name in ("\\partial", "\\nabla") for inner in node.walk())
