"""Gradients named by a prefix: ``dx`` for ∂L/∂x.

Where a document says so of one name, or uses such names as gradients are used (from later names to earlier ones), it is
taken to mean all of them, and told.
"""

from __future__ import annotations

from derive.latex import syntax as S
from derive.notation.equations import Equation
from derive.notation.names import indexed_node, quotient
from derive.notation.survey import PREFIXES
from derive.problem.draft import Draft


def adopt_prefix(draft: Draft) -> None:
    """Add an equation ``dx = ∂L/∂x`` for each prefixed name that has none."""
    known = _names(draft) - {draft.table.loss}
    prefixed = {
        f"{prefix}{base}": base
        for base in known
        for prefix in PREFIXES
        if f"{prefix}{base}" in draft.table.letters.compounds
    }
    lefts = {key: e for e in draft.equations if (key := _left(draft, e)) is not None and _is_said(e)}
    if not prefixed or not (set(lefts) & set(prefixed) or _goes_backwards(draft, prefixed)):
        return
    for key, base in sorted(prefixed.items()):
        if key not in lefts:
            _say(draft, key, base)


def _names(draft: Draft) -> set[str]:
    return {s.key for e in draft.equations for m in e.members for s in draft.classifier.spellings(m)}


def _left(draft: Draft, equation: Equation) -> str | None:
    spelled = draft.table.spell(draft.classifier.left(equation)) if equation.members else None
    return spelled.key if spelled is not None else None


def _is_said(equation: Equation) -> bool:
    """Whether an equation has a quotient of differentials as a side, and so says what its left side is."""
    return any(
        isinstance(member, S.Fraction)
        and isinstance(member.numerator, S.Product)
        and member.numerator.factors[0] == S.Symbol("\\partial")
        for member in equation.members[1:]
    )


def _goes_backwards(draft: Draft, prefixed: dict[str, str]) -> bool:
    """Whether prefixed names are given by those of names that are defined by way of them, and none the other way."""
    uses: dict[str, set[str]] = {}
    gradients: list[tuple[str, set[str]]] = []
    for equation in draft.equations:
        key = _left(draft, equation)
        used = draft.classifier.names_used(equation)
        if key in prefixed:
            gradients.append((key, used & set(prefixed) - {key}))
        elif key is not None:
            uses.setdefault(key, set()).update(used)
    votes = set()
    for key, others in gradients:
        for other in others:
            if prefixed[key] in _reached(prefixed[other], uses):
                votes.add("backward")
            if prefixed[other] in _reached(prefixed[key], uses):
                votes.add("forward")
    return votes == {"backward"}


def _reached(name: str, uses: dict[str, set[str]]) -> set[str]:
    """The names that a name is defined by way of."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = uses.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


def _say(draft: Draft, key: str, base: str) -> None:
    loss = draft.table.loss = draft.table.loss or "L"
    count = min(draft.table.ranks.counts.get(base, {0}))
    items = tuple(S.Symbol(letter) for letter in sorted(draft.table.letters.indices)[:count])
    gradient = quotient(S.Symbol(loss), indexed_node(S.Symbol(base), items))
    first = draft.equations[0]
    said = Equation(first.source, first.span, (indexed_node(S.Symbol(key), items), gradient), ("=",), given=True)
    draft.equations.insert(0, said)
    draft.classifier.count_indices((said,))
    draft.assume(f"{key} is ∂{loss}/∂{base}")
