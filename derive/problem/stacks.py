"""Capitals for whole arrays: ``X`` where the document has ``x_i`` and never says what X is.

Only where no transpose shows that the capitals are matrices of their own, only outside the forward pass, and told.
"""

from __future__ import annotations

from derive.latex import syntax as S
from derive.notation.equations import Equation
from derive.notation.ranks import TRANSPOSES
from derive.notation.table import SIZE_LETTERS
from derive.problem.draft import Draft


def adopt_capitals(draft: Draft) -> None:
    """Add an equation ``X = x`` for each such capital."""
    counts = draft.table.ranks.counts
    spelled = [s for e in draft.equations for m in e.members for s in draft.classifier.spellings(m)]
    if any(s.power is not None and _is_transpose(draft, s.power) for s in spelled):
        return
    introduced = {s.key for e in draft.equations if (s := draft.table.spell(draft.classifier.left(e))) is not None}
    used = {key for e in draft.equations if not _is_derived(e) for key in draft.classifier.names_used(e)}
    for key in sorted({s.key for s in spelled} - introduced - used):
        small = _small(key)
        if small is not None and counts.get(small) and not counts.get(key) and _is_free(draft, key):
            _say(draft, key, small)


def _is_transpose(draft: Draft, power: S.Node) -> bool:
    found = draft.table.spell(power)
    return found is not None and found.key in TRANSPOSES


def _is_derived(equation: Equation) -> bool:
    """Whether an equation has derivatives, and so is no part of the forward pass."""
    marks = ("\\partial", "\\nabla", "d")
    return any(isinstance(n, S.Symbol) and n.name in marks for member in equation.members for n in member.walk())


def _is_free(draft: Draft, key: str) -> bool:
    return key not in SIZE_LETTERS and key != draft.table.loss and key not in TRANSPOSES


def _small(key: str) -> str | None:
    """``\\hat{x}`` for ``\\hat{X}``: the name with its one letter in lower case."""
    letters = [k for k, c in enumerate(key) if c.isupper()]
    letter = len(key.rstrip("}")) - 1
    if letters != [letter] or (letter and key[letter - 1] != "{"):
        return None
    return key[:letter] + key[letter].lower() + key[letter + 1 :]


def _say(draft: Draft, key: str, small: str) -> None:
    first = draft.equations[0]
    said = Equation(first.source, first.span, (S.Symbol(key), S.Symbol(small)), ("=",), given=True)
    draft.equations.insert(0, said)
    draft.classifier.count_indices((said,))
    draft.assume(f"{key} is all of {small}")
