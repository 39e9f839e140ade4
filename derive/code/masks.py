"""Comparisons as numbers: 1 where something holds, else 0.

``a > b`` is ``step(a - b)``. Strict or not makes no difference where the two sides meet only by chance ("almost
everywhere"). Where they meet on purpose it does: the entries of ``h = max(z, 0)`` are 0 for half of all data, and
``h > 0`` is ``z > 0`` while ``h >= 0`` is always true. So a comparison looks through definitions for what was clipped.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

import sympy
from sympy import Expr, Integer, KroneckerDelta, Symbol

from derive.code.faults import Unsupported
from derive.forward import Definition
from derive.language import indices_of, name_of

DEPTH = 8
"""How many definitions a comparison looks through."""


class Comparison:
    """Comparisons over given definitions."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self.definitions = definitions

    def holds(self, operator: type[ast.cmpop], a: Expr, b: Expr) -> Expr:
        """1 where ``a operator b``, else 0."""
        if operator in (ast.Lt, ast.LtE):
            return self.holds(ast.Gt if operator is ast.Lt else ast.GtE, b, a)
        if operator is ast.Gt:
            return self._positive(a - b)
        if operator is ast.GtE:
            return 1 - self._positive(b - a) if self._is_clipped(b - a) else self._positive(a - b)
        raise Unsupported("an equality of real numbers", hint="Compare with < or >.")

    def _positive(self, u: Expr) -> Expr:
        """1 where u > 0."""
        seen = self._opened(u)
        if seen.is_number:
            return Integer(bool(seen > 0))
        if hinge(-seen) is not None:
            return Integer(0)
        inner = hinge(seen)
        if inner is not None:
            return self._positive(inner)
        product = sympy.factor_terms(seen) if isinstance(seen, sympy.Add) else seen
        if isinstance(product, sympy.Mul):
            known = [f for f in product.args if is_mask(f) or f.is_positive]
            if known and len(known) < len(product.args):
                rest = sympy.Mul(*(f for f in product.args if f not in known))
                return sympy.Mul(*filter(is_mask, known)) * self._positive(rest)
        return step(u)

    def _is_clipped(self, u: Expr) -> bool:
        """Whether an expression may be 0 for a good part of all data."""
        seen = self._opened(u)
        return bool(seen.has(sympy.Abs, sympy.Heaviside, KroneckerDelta)) or seen.is_number

    def _opened(self, u: Expr) -> Expr:
        """An entry, or a multiple of one, by its definition, as long as there is one."""
        for _ in range(DEPTH):
            factor, inner = u.as_coeff_Mul()
            definition = self.definitions.get(name_of(inner)) if isinstance(inner, sympy.Indexed | Symbol) else None
            if definition is None:
                break
            u = factor * definition.at(indices_of(inner))
        return u


def step(u: Expr) -> Expr:
    """1 where u > 0; of u and -u one is written with the other, as they are 0 together by chance only."""
    return 1 - sympy.Heaviside(-u) if u.could_extract_minus_sign() else sympy.Heaviside(u)


def is_mask(u: Expr) -> bool:
    """Whether an expression is 0 or 1 by its shape."""
    if isinstance(u, KroneckerDelta | sympy.Heaviside):
        return True
    if isinstance(u, sympy.Mul):
        return all(map(is_mask, u.args))
    return isinstance(u, sympy.Add) and len(u.args) == 2 and u.args[0] == 1 and is_mask(-u.args[1])


def hinge(u: Expr) -> Expr | None:
    """v where u is max(v, 0), that is (v + |v|)/2."""
    twice = sympy.expand(2 * u)
    for absolute in twice.atoms(sympy.Abs):
        for inner in (absolute.args[0], -absolute.args[0]):
            if sympy.expand(twice - absolute - inner) == 0:
                return inner
    return None


def either(condition: Expr, a: Expr, b: Expr) -> Expr:
    """a where a condition is 1, b where it is 0."""
    return a if a == b else b + condition * sympy.expand(a - b)


OPERATORS: dict[type[ast.operator], Callable[[Expr, Expr], Expr]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}
"""Arithmetic of real entries."""

LOGIC: dict[type[ast.operator], Callable[[Expr, Expr], Expr]] = {
    ast.BitAnd: lambda a, b: a * b,
    ast.BitOr: lambda a, b: a + b - a * b,
    ast.BitXor: lambda a, b: a + b - 2 * a * b,
}
"""Arithmetic of truth values."""

SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//", ast.Mod: "%",
    ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
"""Operators as they are written."""
