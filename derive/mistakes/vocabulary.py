"""What edits of a document's expressions may use: its names, letters and sizes, and the factors of the true value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import sympy

from derive.forward import Graph
from derive.language import is_quantity, name_of
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.mistakes.changes import Vocabulary, renamed
from derive.mistakes.values import Reader
from derive.notation.names import letter_of
from derive.notation.survey import bound_letters
from derive.typeset import Typesetter, key_node


def vocabulary(reader: Reader, graph: Graph, correct: Node | None, typesetter: Typesetter) -> Vocabulary:
    """The words for the edits of one member.

    Args:
        correct: what it should be, as far as that is known.
    """
    letters = tuple(_letters(reader, correct))
    factors = dict.fromkeys(_factors(reader, graph, correct, letters, typesetter))
    sizes = {s.name for n in graph.all_sizes for s in n.free_symbols}
    names = {key for _, key in _keys(reader, reader.node)}
    return Vocabulary(
        _names(graph, names), tuple(_scalars(graph)), letters, tuple(factors), _addends(graph), frozenset(sizes),
        tuple(_counts(reader, graph, typesetter)),
        key=lambda node: _key(reader, node),
        power=lambda node: _power(reader, node),
        is_derivative=lambda node: isinstance(node, S.Fraction) and reader.is_differential(node.denominator),
    )  # fmt: skip


def _key(reader: Reader, node: Node) -> str | None:
    spelled = reader.spell(node)
    return spelled.key if spelled is not None else None


def _power(reader: Reader, node: Node) -> Node | None:
    spelled = reader.spell(node)
    return spelled.power if spelled is not None else None


def _keys(reader: Reader, tree: Node) -> Iterator[tuple[Node, str]]:
    for node in tree.walk():
        key = _key(reader, node)
        if key is not None:
            yield node, key


# -- names -----------------------------------------------------------------------------------------------------------


def _names(graph: Graph, used: set[str]) -> dict[str, tuple[Node, ...]]:
    """For the names that are used those of the same shape; of numbers, intermediates or inputs as they are."""
    shapes: dict[str, tuple[object, ...]] = {}
    for name in (*graph.by_name, *graph.inputs):
        sizes = tuple(map(str, graph.sizes_of(name)))
        shapes[name.split("#")[0]] = sizes or (name in graph.by_name,)
    return {
        name: tuple(key_node(other) for other, like in shapes.items() if like == shape and other != name)
        for name, shape in shapes.items()
        if name in used
    }


def _scalars(graph: Graph) -> Iterator[Node]:
    return (key_node(name) for name in graph.by_name if not graph.sizes_of(name) and name != graph.loss)


def _addends(graph: Graph) -> dict[str, tuple[Node, ...]]:
    """For each name the positive scalars that the forward pass adds to it, under no name what it adds to others; and
    the means that it subtracts."""
    found: dict[str, list[Node]] = {}
    for definition in graph.definitions:
        for add in definition.expr.atoms(sympy.Add):
            for entry, mean in _differences(add, graph):
                found.setdefault(name_of(entry), []).append(S.Sum((key_node(name_of(mean)),), ("-",)))
            scalars = [a for a in add.args if isinstance(a, sympy.Symbol) and a.name in graph.positive]
            others = [b for b in add.args if b not in scalars]
            if len(scalars) == 1 and len(others) == 1:
                name = name_of(others[0]) if is_quantity(others[0]) else ""
                found.setdefault(name, []).append(key_node(scalars[0].name))
    return {name: tuple(dict.fromkeys(nodes)) for name, nodes in found.items()}


def _differences(add: sympy.Add, graph: Graph) -> Iterator[tuple[sympy.Expr, sympy.Expr]]:
    """An entry with a defined number that is subtracted from it."""
    for entry, other in permutations(add.args, 2) if len(add.args) == 2 else ():
        if isinstance(entry, sympy.Indexed) and isinstance(-other, sympy.Symbol) and (-other).name in graph.by_name:
            yield entry, -other


def _counts(reader: Reader, graph: Graph, typesetter: Typesetter) -> Iterator[Node]:
    """The sizes that the document names, and the numbers of entries that its sums run over."""
    named = reader.table.axes.sizes()
    sums = {total for d in graph.definitions for total in d.expr.atoms(sympy.Sum)}
    entries = {sympy.Mul(*(high for _, _, high in total.limits)) for total in sums}
    found = [n for n in {*graph.all_sizes, *entries} if {s.name for s in n.free_symbols} <= named and not n.is_number]
    return (typesetter.node(n) for n in sorted(found, key=sympy.default_sort_key))


def _letters(reader: Reader, correct: Node | None) -> Iterator[str]:
    """Index letters of the equation, each once."""
    found: dict[str, None] = dict.fromkeys(reader.equation.axes)
    for tree in (reader.node, *reader.equation.members, correct):
        for node in tree.walk() if tree is not None else ():
            if isinstance(node, S.BigOperator) and node.lower is not None:
                found.update(dict.fromkeys(bound_letters(node.lower)))
    return (letter for letter in found if letter in reader.table.letters.indices)


# -- factors ---------------------------------------------------------------------------------------------------------


def _factors(
    reader: Reader, graph: Graph, correct: Node | None, letters: tuple[str, ...], typesetter: Typesetter
) -> Iterator[Node]:
    """Factors of the true value, then sizes and numbers, then names and upstream gradients."""
    own = list(_factors_of(correct))
    yield from own
    for n in dict.fromkeys(reader.pair.sizes or graph.all_sizes):
        size = typesetter.node(n)
        yield S.Fraction(S.Number("1"), size)
        yield size
    yield S.Number("2")
    yield S.Fraction(S.Number("1"), S.Number("2"))
    for node in own:
        yield from _with_other_letters(node, letters)
    for name in (*graph.inputs, *graph.by_name):
        if not graph.sizes_of(name) and name not in graph.positive:
            yield key_node(name.split("#")[0])
            if name in graph.by_name:
                yield S.Fraction(S.Number("1"), key_node(name.split("#")[0]))


def _with_other_letters(node: Node, letters: tuple[str, ...]) -> Iterator[Node]:
    """A factor with one index, at each of the letters."""
    used = [s.name for s in node.walk() if isinstance(s, S.Symbol) and letter_of(s) in letters]
    if len(set(used)) == 1 and not any(isinstance(inner, S.BigOperator) for inner in node.walk()):
        for letter in letters:
            if letter != used[0]:
                yield renamed(node, used[0], letter)


def _factors_of(node: Node | None) -> Iterator[Node]:
    """The factors that an expression is written with, at any depth; those of a denominator inverted."""
    if node is None or (isinstance(node, S.Number) and node.text in ("0", "1")):
        return
    if isinstance(node, S.Sum):
        for term in node.terms:
            yield from _factors_of(term)
        if len(node.terms) > 1:
            yield S.Group("(", node)
    elif isinstance(node, S.Product):
        for factor in node.factors:
            yield from _factors_of(factor)
    elif isinstance(node, S.Fraction) and not _is_derivative(node):
        yield from _factors_of(node.numerator)
        for factor in _factors_of(node.denominator):
            yield S.Fraction(S.Number("1"), factor)
    elif isinstance(node, S.Group):
        yield from _factors_of(node.body)
    elif isinstance(node, S.BigOperator):
        yield from _factors_of(node.body)
        yield node
    else:
        yield node


def _is_derivative(node: S.Fraction) -> bool:
    below = node.denominator
    return isinstance(below, S.Product) and below.factors[0] == S.Symbol("\\partial")
