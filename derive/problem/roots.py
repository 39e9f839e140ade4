"""A deviation beside its square: what ``\\sigma`` is where the document only says what ``\\sigma^2`` is, or uses both.

``\\sigma^2`` that is defined, or differentiated by, is one symbol. A bare ``\\sigma`` beside it is its root, unless an
epsilon is added to the square: some authors count it into σ, others do not; they must where they divide by σ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.equations import Equation
from derive.problem.draft import Draft

DIFFERENTIALS = (S.Symbol("\\partial"), S.Symbol("d"))


def adopt_roots(draft: Draft) -> None:
    """Add an equation for each bare name whose square is a symbol, where nothing says what the name is."""
    nodes = [node for e in draft.equations for member in e.members for node in member.walk()]
    for square in sorted(draft.table.letters.squares):
        key, _, power = square.rpartition("^")
        found = _square(draft, nodes, square)
        if power != "2" or found is None or not _is_used(draft, key) or _is_explained(draft, key):
            continue
        name = replace(found, sup=None) if found.sub is not None else found.base
        by_both = _is_variable(nodes, found) and _is_variable(nodes, name)
        if not _is_explained(draft, square) and (by_both or not _is_variable(nodes, found)):
            _say(draft, found, S.Product((name, name), ("",)), f"{square} is the square of {key}")
            continue
        softened = next(_softened(draft, nodes, square), None)
        if softened is None:
            _say(draft, name, S.Root(found), f"{key} is the root of {square}")
        elif _is_used_forward(draft, key):
            _say(draft, name, S.Root(softened), f"{key} is the root of {square} with what is added to it")


def _square(draft: Draft, nodes: list[Node], square: str) -> S.Script | None:
    """A place where the square is written, with its indices."""
    places = (node for node in nodes if isinstance(node, S.Script) and isinstance(node.sup, S.Number))
    return next((node for node in places if (s := draft.table.spell(node)) is not None and s.key == square), None)


def _is_variable(nodes: list[Node], name: Node) -> bool:
    """Whether a name is what something is differentiated by."""
    below = (node.denominator for node in nodes if isinstance(node, S.Fraction))
    return any(isinstance(b, S.Product) and b.factors[0] in DIFFERENTIALS and name in b.factors[1:] for b in below)


def _is_used(draft: Draft, key: str) -> bool:
    return any(s.key == key for e in draft.equations for m in e.members for s in draft.classifier.spellings(m))


def _is_explained(draft: Draft, key: str) -> bool:
    """Whether an equation has a name alone on a side."""
    spelled = (draft.table.spell(member) for e in draft.equations if len(e.members) > 1 for member in e.members)
    return any(s is not None and s.key == key and s.power is None for s in spelled)


def _is_used_forward(draft: Draft, key: str) -> bool:
    """Whether an equation uses a name that stands before the first derivative, or is given."""
    for equation in sorted(draft.equations, key=lambda e: not e.given):
        if any(
            isinstance(n, S.Symbol) and n.name in ("\\partial", "\\nabla") for m in equation.members for n in m.walk()
        ):
            if not equation.given:
                return False
        elif key in draft.classifier.names_used(equation):
            return True
    return False


def _softened(draft: Draft, nodes: list[Node], square: str) -> Iterator[Node]:
    """The sums of the square and one other name."""
    for node in nodes:
        if isinstance(node, S.Sum) and len(node.terms) == 2 and square in _terms(draft, node):
            yield node


def _terms(draft: Draft, node: S.Sum) -> Iterator[str]:
    yield from (s.key for term in node.terms if (s := draft.table.spell(term)) is not None)


def _say(draft: Draft, name: Node, value: Node, text: str) -> None:
    first = draft.equations[0]
    said = Equation(first.source, first.span, (name, value), ("=",), given=True)
    draft.equations.insert(0, said)
    draft.classifier.count_indices((said,))
    draft.assume(text)
