"""How names are spelled: which part of ``\\hat{x}_{B,i}^2`` is the name, which a label, which an index, which a power.

Nothing in a letter says whether it is an index; the whole document does. `Letters` holds what it says, `spell` reads a
node in its light.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from derive.latex.syntax import (
    Accent,
    Chain,
    Decoration,
    Empty,
    Fraction,
    Group,
    Node,
    Number,
    Product,
    Script,
    Sequence,
    Sum,
    Symbol,
    Words,
    rebuilt,
    span_of,
)

PARTIALS = ("\\partial", "d")
"""The signs of a derivative."""
EULER = frozenset({"e", "\\text{e}", "\\mathsf{e}"})
"""Euler's number in italics and upright."""

_FONT_COMMANDS = {"bold": "mathbf", "cal": "mathcal", "bb": "mathbb", "frak": "mathfrak", "sans": "mathsf"}
_FONT_COMMANDS |= {"text": "text", "word": "text"}  # a word is the same in either


_SHORTEST_WORD = 3  # letters: two side by side are two labels


@dataclass(frozen=True)
class Letters:
    """What the document says about its letters.

    Attributes:
        indices: letters that are indices.
        numbered: bases whose subscripts are indices, so that ``x_1`` is an entry and not a name.
        squares: names such as ``\\sigma^2`` that are one symbol.
        compounds: names of two parts, such as ``d\\hat{x}`` or ``\\delta\\mathbf{h}``.
        steps: letters that count steps: they label names, and ``h_{t-1}`` is another name than ``h_t``.
        marks: names that carry a letter as superscript, so that ``z^T`` is not a transpose.
        limits: indices that are limits of sums, and so numbers as well.
        from_zero: bases whose entries are counted from 0, as sums over them show.
    """

    indices: frozenset[str] = frozenset()
    numbered: frozenset[str] = frozenset()
    squares: frozenset[str] = frozenset()
    compounds: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    limits: frozenset[str] = frozenset()
    from_zero: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Spelling:
    """A name with its indices; ``power`` is the superscript that is left over, ``primes`` those that are left over."""

    key: str
    indices: tuple[Node, ...] = ()
    power: Node | None = None
    node: Node = field(default_factory=Empty, compare=False)


def spell(node: Node, letters: Letters) -> Spelling | None:
    """The name that a node spells, or None where it is no name."""
    if isinstance(node, Symbol):
        return Spelling(symbol_key(node), node=node)
    if isinstance(node, Decoration):
        return spell(node.body, letters)
    if isinstance(node, Accent):
        return _spell_accent(node, letters)
    if isinstance(node, Script):
        return _spell_script(node, letters)
    return None


def is_euler(spelled: Spelling) -> bool:
    """Whether a name is Euler's number: an upright e raised to anything, or one in italics to more than a number."""
    if spelled.key not in EULER or spelled.indices or spelled.power is None:
        return False
    return spelled.key != "e" or not isinstance(spelled.power, Number)


def symbol_key(symbol: Symbol) -> str:
    """The LaTeX for a letter in its font."""
    command = _FONT_COMMANDS.get(symbol.font)
    if command is None or (symbol.font == "text" and symbol.name.startswith("\\")):
        return symbol.name
    return f"\\{command}{{{symbol.name}}}"


def _spell_accent(node: Accent, letters: Letters) -> Spelling | None:
    body = spell(node.body, letters)
    if body is None or body.power is not None:
        return None
    return Spelling(f"\\{node.accent}{{{body.key}}}", body.indices, None, node)


def _spell_script(node: Script, letters: Letters) -> Spelling | None:
    base = spell(node.base, letters)
    if base is None or base.power is not None:
        return None
    key, indices = base.key, list(base.indices)
    power: Node | None = None
    if node.sub is not None:
        label, more = split_subscript(base.key, node.sub, letters)
        key += label
        indices += more
    if node.primes:
        key += "'" * node.primes
    if node.sup is not None:
        key, more, power = _superscript(key, base.key, node.sup, letters)
        indices = more + indices  # the sample in front of the entry, also where only the sample is written
    return Spelling(key, tuple(indices), power, node)


def split_subscript(base: str, sub: Node, letters: Letters) -> tuple[str, list[Node]]:
    """A subscript's label, as LaTeX to append to the name, and its indices."""
    labels: list[str] = []
    indices: list[Node] = []
    for item in _with_words(sub, base, letters):
        if is_index(item, base, letters):
            indices.append(item)
        elif isinstance(item, Script | Accent) and (inner := spell(item, letters)) is not None and inner.power is None:
            labels.append(inner.key)
            indices += inner.indices
        else:
            labels.append(label_text(item))
    text = ",".join(labels)
    if not text:
        return "", indices
    return (f"_{text}" if len(text) == 1 else f"_{{{text}}}"), indices


def _superscript(key: str, base: str, sup: Node, letters: Letters) -> tuple[str, list[Node], Node | None]:
    """A superscript is part of the name (``\\sigma^2``, ``z^L``), an index (``x^{(i)}``) or a power."""
    text = label_text(sup)
    if isinstance(sup, Number) and f"{key}^{text}" in letters.squares:
        return f"{key}^{text}", [], None
    if isinstance(sup, Group) and sup.opening == "(" and is_index(sup.body, f"{base}()", letters):
        return key, [sup.body], None
    if base in letters.marks and isinstance(sup, Symbol | Words):
        return f"{key}^{{{text}}}" if len(text) > 1 else f"{key}^{text}", [], None
    return key, [], sup


def _with_words(sub: Node, base: str, letters: Letters) -> Iterator[Node]:
    """The parts of a subscript; letters side by side of which none is an index are a word: ``x_{norm}``."""
    parts = sub.items if isinstance(sub, Sequence) and ":" not in sub.separators else (sub,)
    for part in parts:
        items = list(subscript_items(part))
        if (
            isinstance(part, Product)
            and len(items) >= _SHORTEST_WORD
            and not any(is_index(item, base, letters) for item in items)
        ):
            yield Words("".join(label_text(item) for item in items), span_of(part))
        else:
            yield from items


def subscript_items(sub: Node) -> Iterator[Node]:
    """The parts of a subscript: separated by commas, or letters side by side."""
    if isinstance(sub, Sequence):
        for k, item in enumerate(sub.items):
            if not (k and sub.separators[k - 1] == ":"):  # a colon stands between two empty items
                yield from subscript_items(item)
    elif (
        isinstance(sub, Product) and not any(sub.operators) and all(isinstance(f, Symbol | Number) for f in sub.factors)
    ):
        yield from sub.factors
    elif isinstance(sub, Decoration) or (isinstance(sub, Group) and sub.opening in ("[", "(")):
        yield from subscript_items(sub.body)
    else:
        yield sub


def is_index(item: Node, base: str, letters: Letters) -> bool:
    """Whether a subscript's part is an index: an index letter, a number on an indexed base, or arithmetic on one."""
    if isinstance(item, Symbol):
        return item.font in ("", "word") and item.name in letters.indices
    if isinstance(item, Number):  # a w_0 beside w_1 to w_d is a name of its own
        return base in letters.numbered and (item.text != "0" or base in ("\\delta", *letters.from_zero))
    if isinstance(item, Script):
        inner = spell(item, letters)
        return inner is not None and bool(inner.indices) and inner.key in letters.numbered and base in letters.numbered
    if isinstance(item, Sum):
        return any(is_index(term, base, letters) for term in item.terms if isinstance(term, Symbol))
    return False


def label_text(node: Node) -> str:
    """A label as LaTeX."""
    if isinstance(node, Symbol):
        return symbol_key(node)
    if isinstance(node, Number | Words):
        return node.text if isinstance(node, Number) else f"\\text{{{node.text}}}"
    if isinstance(node, Accent):
        return f"\\{node.accent}{{{label_text(node.body)}}}"
    if isinstance(node, Decoration):
        return label_text(node.body)
    if isinstance(node, Group):
        return f"{node.opening}{label_text(node.body)})" if node.opening == "(" else label_text(node.body)
    if isinstance(node, Script):
        sub = f"_{label_text(node.sub)}" if node.sub is not None else ""
        sup = f"^{label_text(node.sup)}" if node.sup is not None else ""
        return label_text(node.base) + sub + sup
    if isinstance(node, Sum):
        return "".join(s + label_text(t) for s, t in zip(node.signs, node.terms, strict=True)).removeprefix("+")
    if isinstance(node, Product | Sequence | Chain):
        return " ".join(label_text(part) for part in node.children())
    return ""


def letter_of(node: Node) -> str | None:
    """The letter that a node is, for a plain letter, perhaps with primes or a star."""
    if isinstance(node, Decoration):
        return letter_of(node.body)
    if isinstance(node, Symbol) and node.font == "" and (len(_unmarked(node.name)) == 1 or node.name == "\\ell"):
        return node.name
    return None


_MARKED = re.compile(
    r"(\\(?:hat|bar|tilde|check)\{)?(?P<letter>\\ell|.)'*(?(1)\})(\^\{(\*|\\ast|\\star)\})?(_\d)?|\\text\{(?P<word>\w+)\}"
)


def _unmarked(name: str) -> str:
    """A letter without the primes, the star, the accent or the number that tell it from others; of a word its first."""
    found = _MARKED.fullmatch(name)
    return (found["letter"] or found["word"][0]) if found is not None else name


def indexed_node(name: Node, items: tuple[Node, ...], power: Node | None = None) -> Node:
    """A name with its indices as a syntax node."""
    if not items and power is None:
        return name
    sub: Node | None = None
    if items:
        sub = items[0] if len(items) == 1 else Sequence(items, (",",) * (len(items) - 1))
    return Script(name, sub, power, 0, span_of(name))


def quotient(of: Node, by: Node) -> Node:
    """∂of/∂by as a syntax node."""
    partial = Symbol("\\partial")
    return Fraction(Product((partial, of), ("",)), Product((partial, by), ("",)))


def compound(pair: tuple[Node, ...], letters: Letters) -> Node | None:
    """``d \\hat{x}_i`` as one subscripted name, where the document has that name."""
    if len(pair) < 2 or not letters.compounds:
        return None
    prefix, base = spell(pair[0], letters), spell(pair[1], letters)
    if prefix is None or base is None or prefix.indices or prefix.key + base.key not in letters.compounds:
        return None
    symbol = Symbol(prefix.key + base.key, "", span_of(pair[0]).join(span_of(pair[1])))
    return indexed_node(symbol, base.indices, base.power)


def with_compounds(node: Node, letters: Letters) -> Node:
    """The tree with every name of two parts as one symbol."""
    return rebuilt(node, lambda inner: _put_together(inner, letters))


def _put_together(node: Node, letters: Letters) -> Node:
    if not isinstance(node, Product):
        return node
    factors = tuple(parts(node, letters))
    if len(factors) == len(node.factors):
        return node
    return factors[0] if len(factors) == 1 else Product(factors, _operators(node, letters), node.span)


def _operators(node: Product, letters: Letters) -> tuple[str, ...]:
    """The signs between the factors of a product once names of two parts are one."""
    signs: list[str] = []
    at = 0
    while at < len(node.factors):
        if at:
            signs.append(node.operators[at - 1])
        joined = node.operators[at : at + 1] == ("",) and compound(node.factors[at : at + 2], letters) is not None
        at += 2 if joined else 1
    return tuple(signs)


def parts(node: Node, letters: Letters) -> Iterator[Node]:
    """The nodes directly below, with names of two parts put together."""
    if not isinstance(node, Product):
        yield from node.children()
        return
    at = 0
    while at < len(node.factors):
        joined = compound(node.factors[at : at + 2], letters) if node.operators[at : at + 1] == ("",) else None
        yield joined or node.factors[at]
        at += 2 if joined is not None else 1
