"""The loss, the ranks and the axes of a document's names, before anything is read for its value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from derive.language import size
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.axes import size_expression
from derive.notation.choices import Choice
from derive.notation.elaborate import Elaborator
from derive.notation.equations import Equation
from derive.notation.names import PARTIALS, with_compounds
from derive.notation.ranks import shape
from derive.notation.roles import find_loss
from derive.notation.survey import is_quotient, upper_limits
from derive.notation.table import SIZE_LETTERS
from derive.notation.values import ShapeError, Value
from derive.problem.draft import Draft
from derive.source import SourceError


def find_loss_name(draft: Draft) -> None:
    lefts = [draft.table.spell(draft.classifier.left(e)) for e in draft.equations if len(e.members) > 1]
    defined = {s.key for s in lefts if s is not None and s.power is None}
    nodes = [member for e in draft.equations for member in e.members]
    plain = (e for e in draft.equations if len(e.members) > 1 and not draft.classifier.has_derivative(e))
    used = {key for e in plain if draft.table.spell(draft.classifier.left(e)) for key in draft.classifier.names_used(e)}
    draft.table.loss = find_loss(nodes, draft.table.letters, defined, used)
    draft.table.variable = next((name for node in nodes for name in _operated_by(draft, node)), draft.table.variable)


def _operated_by(draft: Draft, node: Node) -> Iterator[str]:
    """x in the operator ``\\frac{d}{dx}``."""
    for inner in node.walk():
        if isinstance(inner, S.Fraction) and isinstance(inner.denominator, S.Product):
            above, by = draft.table.spell(inner.numerator), draft.table.spell(inner.denominator.factors[-1])
            if above is not None and above.key in PARTIALS and by is not None and not by.indices:
                yield by.key


def infer_ranks(draft: Draft) -> None:
    ranks = draft.table.ranks
    ranks.scalars = {draft.table.loss or ""} | draft.classifier.sizes()
    defining = [e for e in draft.equations if e.defines in draft.table.defined]
    aliases = [e for e in draft.equations if e.defines in draft.table.aliases and e not in defining]
    claims = [
        e
        for e in draft.equations
        if e not in (*defining, *aliases) and not (e.given and draft.classifier.target(e) is None)
    ]
    groups = (_named(defining), _named(aliases), [e.members for e in claims])
    letters = draft.table.letters
    ranks.infer(*([tuple(with_compounds(m, letters) for m in members) for members in group] for group in groups))
    draft.table.choices = tuple(Choice(name) for name in ranks.numbers_beside_arrays(groups[0]))
    if ranks.row_vectors:
        draft.assume("vectors are rows, as they stand before matrices in the forward pass")


def join_axes(draft: Draft) -> None:
    """Definitions first: what they join, claims must respect."""
    draft.table.axes.plain = {key for key, _ in draft.table.defined}
    draft.table.axes.kronecker = ("\\delta", 2) not in draft.table.defined | set(draft.table.aliases)
    forward = [e for e in draft.equations if e.role in ("definition", "given")]
    claims = [e for e in draft.equations if e.role not in ("definition", "given")]
    _join_steps(draft)
    for group in (forward, claims):
        for equation in group:
            _link(draft, equation)
        for equation in group:
            _join_shapes(draft, equation)
        if group is forward:
            _name_sizes(draft)
            for equation in filter(_has_cross, group):
                _join_shapes(draft, equation)  # a cross is another product where the vectors have three entries
            _name_axis(draft, [e.value for e in draft.equations if e.defines in draft.table.defined])
            used = {key for e in forward for key in draft.classifier.names_used(e)}
            draft.table.axes.plain |= {key for key in used if not draft.table.is_size(key)}
        draft.table.axes.settle()
    spoken = _spoken_of(draft)
    _name_axis(draft, [member for e in claims for member in e.members], spoken)
    _name_only_axis(draft, claims, spoken)


def _join_steps(draft: Draft) -> None:
    """``h_t`` and ``h_{t-1}`` are as long as each other."""
    keys = {s.key for e in draft.equations for m in e.members for s in draft.classifier.spellings(m)}
    for step in draft.table.letters.steps:
        for key in keys:
            base = key.removesuffix(f"_{step}")
            others = {f"{base}_{{{step}{sign}1}}" for sign in "+-"} & keys if base != key else set()
            for other in others:
                pairs = zip(draft.table.axes_of(key, 0), draft.table.axes_of(other, 0), strict=False)
                for one, two in pairs:
                    draft.table.axes.join(one, two)


def _name_sizes(draft: Draft) -> None:
    """Give axes their declared sizes; else the one unexplained divisor is taken for the size of the one axis."""
    axes = draft.table.axes
    for key, dimensions in _declared(draft):
        for axis, dimension in zip(draft.table.axes_of(key, 0), dimensions, strict=False):
            n = size_expression(dimension)
            if n is not None and not axis.root.sizes:
                axes.limit(axis, n)
    for key, dimensions in _declared(draft):
        for axis, dimension in zip(draft.table.axes_of(key, 0), dimensions, strict=False):
            n = size_expression(dimension)
            if n is not None and axes.contradicts(axis, n):
                draft.table.misdeclared[key] = f"{key} has {n} values by its declaration, and {axis.size} here"


def _name_axis(draft: Draft, nodes: list[Node], letters: frozenset[str] = SIZE_LETTERS) -> None:
    """The one unexplained divisor is the size of the one axis that has none."""
    axes = draft.table.axes
    unnamed = axes.unnamed()
    divisors = {name for node in nodes for name in _divisors(node)} & letters
    unknown = [name for name in sorted(divisors & SIZE_LETTERS) if not axes.is_known(name)]
    if len(unnamed) == len(unknown) == 1:
        axes.limit(unnamed[0], size(unknown[0]))
        draft.assume(f"{unknown[0]} is the number of entries of a vector")


def _name_only_axis(draft: Draft, claims: list[Equation], spoken: frozenset[str]) -> None:
    """The one letter that all claims have for a size, where the document has one axis, whose own name no claim uses and
    of which no sentence says anything else, is another name for that."""
    axes, table = draft.table.axes, draft.table
    used = {s.key for e in claims for member in e.members for s in draft.classifier.spellings(member)}
    used |= {name for e in claims for member in e.members for name in _limiting_names(member)}
    divisors = {name for e in claims for member in e.members for name in _divisors(member)}
    strange = {n for n in divisors & SIZE_LETTERS - spoken if not axes.is_known(n) and n not in table.inputs}
    roots = axes.roots()
    if len(strange) == len(roots) == 1 and not axes.unnamed() and not used & axes.sizes():
        axes.equate(size(*strange), roots[0].size)


def _limiting_names(node: Node) -> Iterator[str]:
    return (part.name for upper in upper_limits(node) for part in upper.walk() if isinstance(part, S.Symbol))


def _spoken_of(draft: Draft) -> frozenset[str]:
    """The letters that sentences of the document speak of: *N samples*, ``x \\in \\mathbb{R}^{N \\times D}``."""
    inline = (block.text.value for block in draft.problem.document.blocks if block.kind == "inline")
    found = (re.findall(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])", text) for text in inline if "=" not in text)
    return frozenset(letter for letters in found for letter in letters)


def _declared(draft: Draft) -> Iterator[tuple[str, tuple[Node, ...]]]:
    """Names with the dimensions that ``X \\in \\mathbb{R}^{n \\times m}`` declares."""
    for equation in draft.equations:
        for left, right in pairwise(equation.members):
            spelled, dimensions = draft.table.spell(left), shape(right)
            if spelled is not None and not spelled.indices and draft.table.total(spelled.key, 0) == len(dimensions):
                yield spelled.key, dimensions


def _divisors(node: Node) -> Iterator[str]:
    """Bare names that something is divided by."""
    for inner in node.walk():
        below = inner.denominator if isinstance(inner, S.Fraction) and not is_quotient(inner) else None
        for factor in below.factors if isinstance(below, S.Product) else (below,):
            if isinstance(factor, S.Symbol):
                yield factor.name


def _link(draft: Draft, equation: Equation) -> None:
    scope = equation.previous.axes if equation.previous is not None else {}
    if equation.defines in draft.table.defined:
        left = draft.classifier.open_letters(equation.members[next(iter(equation.names))], frozenset())
        for letter in draft.classifier.open_letters(equation.value, frozenset()) - left:
            draft.table.fixed.setdefault(letter, draft.table.axes.fresh())
    scope.update(draft.table.fixed)
    for member in equation.members:
        draft.table.axes.link(draft.classifier.joined(member), scope)
    for condition in equation.conditions:
        draft.table.axes.link(condition.first, scope)
        draft.table.axes.link(condition.second, scope)
    equation.axes = scope
    _equate_sizes(draft, equation)


def _equate_sizes(draft: Draft, equation: Equation) -> None:
    """``N = m`` between sizes."""
    if equation.role != "given" or len(equation.members) != 2:
        return
    spelled = [draft.table.spell(member) for member in equation.members]
    names = [s.key for s in spelled if s is not None and not s.indices and s.power is None]
    if len(names) == 2 and any(draft.table.is_size(name) for name in names):
        first, second = names if not draft.table.is_size(names[0]) else (names[1], names[0])
        draft.table.axes.equate(size(first), size(second), quiet=True)
        draft.table.aliases.pop((names[0], 0), None)


def _join_shapes(draft: Draft, equation: Equation) -> None:
    """Read an equation once for the axes that its operations join; what it says is not kept."""
    elaborator = Elaborator(draft.table, dict(equation.axes), draft.policy())
    values = []
    for member in equation.members:
        try:
            values.append(elaborator.value(member))
        except SourceError:
            continue
    for left, right in pairwise(values):
        _join_letters(draft, left, right, elaborator)
        try:
            draft.table.shapes.align(left, right)
        except ShapeError:
            continue
    draft.problem.heard()


def _has_cross(equation: Equation) -> bool:
    products = (n for member in equation.members for n in member.walk() if isinstance(n, S.Product))
    return any("\\times" in product.operators for product in products)


def _join_letters(draft: Draft, left: Value, right: Value, elaborator: Elaborator) -> None:
    """An index that one side leaves out is the one letter that the other side writes more."""
    for open_side, written in ((left, right), (right, left)):
        letters = [x for x in elaborator.free.values() if x.symbol in written.expr.free_symbols]
        if len(open_side.slots) == len(written.slots) + 1 and len(letters) == 1:
            draft.table.axes.join(open_side.slots[-1].axis, letters[0].axis)


def _named(equations: list[Equation]) -> list[tuple[Node, ...]]:
    """Each equation's new name with its value."""
    return [(e.members[next(iter(e.names))], e.value) for e in equations]
