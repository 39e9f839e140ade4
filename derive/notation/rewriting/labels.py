"""Superscripts that tell names apart: ``W^{[1]}``, ``z^{(2)}_j``, ``a^{l-1}_k``, ``s^+``; none of them is a power.

A name with such a superscript becomes one symbol before anything else is read, so that ``W^{[1]}`` and ``W^{[2]}`` have
nothing in common. A letter in round brackets that a sum binds is an index (``x^{(i)}``), and stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt, span_of
from derive.notation.names import EULER, Letters, label_text, letter_of, spell
from derive.notation.survey import summed_letters

_PLAIN = Letters()
_SIGNS = frozenset({"+", "-", "*", "\\ast", "\\star", "\\dagger"})
_LAYERS = frozenset({"l", "\\ell", "L"})
_BRACKETS = ("(", "[")


@dataclass(frozen=True)
class Labels:
    """What a document shows about its superscripts.

    Attributes:
        letters: letters that count layers where they stand in a superscript without brackets.
        layers: letters that do so in brackets.
        bound: letters that sums bind.
        samples: names with such a letter in brackets, whose numbers in brackets are indices too.
        shared: letters in brackets that are the same throughout the page, and left out at the definitions.
    """

    letters: frozenset[str] = frozenset()
    layers: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    samples: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()


def find_labels(nodes: Iterable[Node]) -> Labels:
    """What the superscripts of a document say, all its formulas read together."""
    inner = [n for node in nodes for n in node.walk()]
    bound = summed_letters(inner)
    raised = [(key, n) for n in inner if isinstance(n, S.Script) and (key := _raised_name(n)) is not None]
    samples, layers = set(), set(_LAYERS)
    for key, node in raised:
        group = _leading_group(node.sup)
        letter, shifted = _counter(group.body) if group is not None else (None, False)
        if letter in bound:
            samples.add(key)
        elif letter is not None and (shifted or letter.isupper()):
            layers.add(letter)
    bare, shared = _bare_letters(inner, raised), _shared_letters(inner, raised)
    return Labels(bare - bound, frozenset(layers - bound), bound, frozenset(samples), shared - bound - layers)


def _shared_letters(inner: list[Node], raised: list[tuple[str, S.Script]]) -> frozenset[str]:
    """The k of a page that says what ``\\mu_B`` is and goes on with ``\\mu_B^{(k)}``: it speaks of one k throughout.

    Such a letter stands nowhere else, but for where a condition says what it counts.
    """
    found: dict[str, list[str]] = {}
    for key, node in raised:
        group = _leading_group(node.sup)
        letter = letter_of(group.body) if group is not None and group.opening == "(" else None
        if letter is not None:
            found.setdefault(letter, []).append(key)
    total = Counter(letter for n in inner if (letter := letter_of(n)) is not None)
    told = Counter(letter for n in inner if isinstance(n, S.Chain) and (letter := letter_of(n.members[0])) is not None)
    heads = [n.members[0] for n in inner if isinstance(n, S.Chain) and n.relations[0] == "="]
    return frozenset(
        letter
        for letter, keys in found.items()
        if total[letter] == len(keys) + told[letter]
        and any(_carrier(head) in keys for head in heads if letter not in map(letter_of, head.walk()))
    )


def _carrier(node: Node) -> str | None:
    """What carries the scripts of a name."""
    *_, last = (node, *_bases(node))
    spelled = spell(last, _PLAIN)
    return spelled.key if spelled is not None else None


@dataclass
class _Use:
    """How a letter is used in superscripts without brackets."""

    bases: set[str] = field(default_factory=set)
    count: int = 0
    shifted: bool = False


def _bare_letters(inner: list[Node], raised: list[tuple[str, S.Script]]) -> frozenset[str]:
    """Letters that stand in superscripts of names only: of several, or with a number beside them.

    A power's exponent comes down with its derivative, and a name that has powers stands without them somewhere.
    """
    uses: dict[str, _Use] = {}
    for key, node in raised:
        letter, shifted = _counter(node.sup)
        if letter is not None:
            use = uses.setdefault(letter, _Use())
            use.bases.add(key)
            use.count += 1
            use.shifted |= shifted
    total = Counter(letter for n in inner if (letter := letter_of(n)) is not None)
    below = {id(part) for _, node in raised for part in _bases(node)}
    named = (n for n in inner if isinstance(n, S.Symbol | S.Accent | S.Script) and id(n) not in below)
    plain = {s.key for n in named if (s := spell(n, _PLAIN)) is not None and s.power is None}
    return frozenset(
        letter
        for letter, use in uses.items()
        if (use.shifted or (len(use.bases) > 1 and letter != "T"))
        and (letter in _LAYERS or (total[letter] == use.count and not use.bases & plain))
    )


def _bases(node: Node) -> Iterator[Node]:
    """What carries a name's scripts and accents."""
    while isinstance(node, S.Script | S.Accent):
        node = node.base if isinstance(node, S.Script) else node.body
        yield node


def _raised_name(node: S.Script) -> str | None:
    """The name that carries a superscript, without its subscript."""
    if node.sup is None:
        return None
    spelled = spell(node.base, _PLAIN)
    return spelled.key if spelled is not None and spelled.power is None and spelled.key not in EULER else None


def _leading_group(sup: Node | None) -> S.Group | None:
    """The brackets that a superscript is, or begins with: ``[1]`` in ``[1]T``, ``(k)`` in ``(k)^2``."""
    if isinstance(sup, S.Product) and sup.operators[0] == "":
        sup = sup.factors[0]
    if isinstance(sup, S.Script) and sup.sub is None:
        sup = sup.base
    return sup if isinstance(sup, S.Group) and sup.opening in _BRACKETS else None


def _counter(node: Node | None) -> tuple[str | None, bool]:
    """The letter of ``l`` or ``l - 1``, and whether there is a number beside it."""
    if isinstance(node, S.Sum) and len(node.terms) == 2 and isinstance(node.terms[1], S.Number):
        return letter_of(node.terms[0]), True
    return (letter_of(node) if node is not None else None), False


def with_labels(node: Node, labels: Labels) -> Node:
    """The tree with every labelled name as one symbol."""
    return rebuilt(node, lambda inner: _joined(inner, labels) if isinstance(inner, S.Script) else inner)


def _joined(node: S.Script, labels: Labels) -> Node:
    key = _raised_name(node)
    if key is None or node.sup is None:
        return node
    label = node.sup if _is_label(node.sup, labels) else _leading_group(node.sup)
    if label is None or (isinstance(label, S.Group) and not _is_bracketed_label(label, key, labels)):
        return node
    is_shared = isinstance(label, S.Group) and letter_of(label.body) in labels.shared
    name = S.Symbol(key if is_shared else f"{key}^{{{_text(label)}}}", "", span_of(node.base))
    rest = _behind(node.sup) if label is not node.sup else None
    primes = node.primes + (node.sup.primes if isinstance(node.sup, S.Script) and label is not node.sup else 0)
    if rest == S.Symbol("\\prime"):
        rest, primes = None, primes + 1
    if node.sub is None and rest is None and not primes:
        return replace(name, span=node.span)
    return replace(node, base=name, sup=rest, primes=primes)


def _is_label(sup: Node, labels: Labels) -> bool:
    """Whether a superscript without brackets is a label."""
    letter, _ = _counter(sup)
    return letter in labels.letters or (isinstance(sup, S.Symbol) and sup.name in _SIGNS)


def _is_bracketed_label(group: S.Group, key: str, labels: Labels) -> bool:
    letter, shifted = _counter(group.body)
    if letter in labels.shared:
        return True
    if key in labels.samples and letter not in _LAYERS:
        return False
    if isinstance(group.body, S.Number):
        return group.body.text.isdigit()
    if letter is None:
        return isinstance(group.body, S.Symbol) and group.body.font in ("text", "word")
    return letter not in labels.bound and (shifted or group.opening == "[" or letter in labels.layers)


def _behind(sup: Node) -> Node | None:
    """What follows the brackets that a superscript begins with."""
    if isinstance(sup, S.Script):
        return sup.sup
    if not isinstance(sup, S.Product):
        return None
    rest = sup.factors[1:]
    return rest[0] if len(rest) == 1 else replace(sup, factors=rest, operators=sup.operators[1:])


def _text(label: Node) -> str:
    if isinstance(label, S.Group):
        return f"[{label_text(label.body)}]" if label.opening == "[" else f"({label_text(label.body)})"
    return label_text(label)
