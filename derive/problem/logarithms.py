"""``\\log p_i = z_i - \\log \\sum_j e^{z_j}`` says what p is where nothing else does."""

from __future__ import annotations

from derive.latex import syntax as S
from derive.notation.equations import Equation
from derive.problem.draft import Draft

_LOGARITHMS = (S.Symbol("\\log"), S.Symbol("\\ln"))


def adopt_logarithms(draft: Draft) -> None:
    """Add ``p = exp(...)`` for each name that only its logarithm introduces, before the first derivative."""
    lefts = {s.key for e in draft.equations if (s := draft.table.spell(draft.classifier.left(e))) is not None}
    for equation in list(draft.equations):
        if draft.classifier.has_derivative(equation) and not equation.given:
            return
        name = _under_logarithm(equation)
        spelled = draft.table.spell(name) if name is not None else None
        if name is None or spelled is None or spelled.power is not None or spelled.key in lefts:
            continue
        if spelled.key in draft.classifier.names_used(equation):
            continue
        lefts.add(spelled.key)
        power = S.Apply(S.Symbol("\\exp"), S.Group("(", equation.members[1]))
        said = Equation(equation.source, equation.span, (name, power), ("=",), given=True)
        draft.equations.insert(0, said)
        equation.explains = True
        draft.classifier.count_indices((said,))


def _under_logarithm(equation: Equation) -> S.Node | None:
    """The argument of the logarithm that is the left side of an equation."""
    left = equation.members[0]
    if equation.relations[:1] != ("=",) or not isinstance(left, S.Apply) or left.function not in _LOGARITHMS:
        return None
    if left.sub is not None or left.sup is not None or isinstance(equation.members[1], S.Empty):
        return None
    return left.argument.body if isinstance(left.argument, S.Group) else left.argument
