"""What is said of the data alone: ``\\sum_k t_k = 1`` of labels that nothing defines is no claim, but a condition, and
``m_i \\in \\{0, 1\\}`` says what values there are."""

from __future__ import annotations

from derive.latex import syntax as S
from derive.notation.equations import Equation
from derive.notation.survey import bound_letters
from derive.problem.draft import Draft


def adopt_constraints(draft: Draft) -> None:
    """Take such equations as given, and tell."""
    lefts = (draft.table.spell(draft.classifier.left(e)) for e in draft.equations if len(e.members) > 1)
    defined = {spelled.key for spelled in lefts if spelled is not None}
    for equation in (*draft.equations, *draft.said):
        if (indicator := _indicator(draft, equation)) is not None and indicator not in defined:
            draft.table.indicators.add(indicator)
            draft.problem.assume([f"{indicator} is 0 or 1, as this line says"], equation.line)
    for equation in draft.equations:
        name = _constrained(draft, equation)
        if name is not None and name not in defined:
            equation.given = True
            draft.problem.assume([f"{name} adds up as this line says"], equation.line)


def _constrained(draft: Draft, equation: Equation) -> str | None:
    """The name whose entries an equation says to have a number for their sum."""
    if equation.given or equation.previous is not None or equation.relations != ("=",):
        return None
    total, value = equation.members
    if not isinstance(total, S.BigOperator) or total.operator != "sum" or not isinstance(value, S.Number):
        return None
    letters = list(bound_letters(total.lower)) if total.lower is not None else []
    body = draft.table.spell(total.body)
    if body is None or body.power is not None or len(letters) != 1:
        return None
    return body.key if S.Symbol(letters[0]) in body.indices else None


_BITS = S.Group("\\{", S.Sequence((S.Number("0"), S.Number("1")), (",",)))


def _indicator(draft: Draft, equation: Equation) -> str | None:
    """The name whose entries an equation says to be 0 or 1: ``m_i \\in \\{0, 1\\}``, ``m \\in \\{0, 1\\}^n``."""
    if equation.relations != ("\\in",):
        return None
    name, values = equation.members
    if isinstance(values, S.Script) and values.sub is None and values.sup is not None:
        values = values.base
    spelled = draft.table.spell(name) if values == _BITS else None
    return spelled.key if spelled is not None and spelled.power is None else None
