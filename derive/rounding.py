"""Numbers that were rounded: ``\\sigma(1) = 0.73`` is true to the digits that it gives."""

from __future__ import annotations

import sympy
from sympy import Expr

from derive.latex import syntax as S
from derive.latex.syntax import Node

_DIGITS = 40


def is_rounded(exact: Expr, node: Node) -> bool:
    """Whether a decimal fraction as it is written is a number to the digits that it gives, rounded or cut off."""
    number, sign = node, 1
    if isinstance(node, S.Sum) and len(node.terms) == 1:
        number, sign = node.terms[0], -1 if node.signs[0] == "-" else 1
    if not isinstance(number, S.Number) or "." not in number.text or exact.free_symbols or not exact.is_real:
        return False
    unit = sympy.Rational(1, 10 ** len(number.text.partition(".")[2]))
    value = sympy.N(exact, _DIGITS) * sign
    beyond = value - sympy.Rational(number.text)
    return bool(abs(beyond) <= unit / 2 or 0 <= beyond < unit)
