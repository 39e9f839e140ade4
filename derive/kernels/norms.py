"""The derivative of a norm where it is 0: there is none, and 0 is taken for it, as torch does.

‖x‖ = √(Σ x²) has the derivative x/‖x‖, which is 0/0 for a row of zeros, and a single such row would make the gradients
of all others it is summed with no number. So in a backward pass the inverse of such a root is ``inverse(n)``: 1/n, but
0 where n is 0. Where the root stands in the denominator of the forward pass itself (x/‖x‖ without ε), that has no value
for such a row, and neither has what follows from it.
"""

from __future__ import annotations

import sympy
from sympy import Expr

from derive.forward import Definition, Graph
from derive.language import indices_of, is_quantity, name_of

INVERSE = "inverse"


class Norms:
    """Finds the roots in a forward pass that may be 0."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.found = False  # whether anything was replaced

    def guarded(self, expr: Expr) -> Expr:
        """An expression with the inverses of such roots replaced."""
        powers = sorted((p for p in expr.atoms(sympy.Pow) if p.exp.is_negative and p.exp.is_Rational), key=str)
        found = {power: root for power in powers if (root := self._inverse(power)) is not None}
        self.found = self.found or bool(found)
        return expr.xreplace(found)

    def definition(self, definition: Definition) -> Definition:
        """A definition with its value guarded."""
        value = self.guarded(definition.expr)
        return Definition(definition.name, definition.indices, definition.sizes, value)

    def _inverse(self, power: Expr) -> Expr | None:
        base, exponent = power.args
        if exponent.q == 2 and self._may_vanish(base):
            return sympy.Function(INVERSE, real=True)(sympy.sqrt(base)) ** (-2 * exponent)
        root = self._value(base)
        if exponent.q == 1 and isinstance(root, sympy.Pow) and root.exp.q == 2 and self._may_vanish(root.base):
            return sympy.Function(INVERSE, real=True)(base) ** -exponent
        return None

    def _value(self, quantity: Expr) -> Expr | None:
        """What a name of the forward pass stands for."""
        if not is_quantity(quantity) or name_of(quantity) not in self._graph.by_name:
            return None
        return self._graph.by_name[name_of(quantity)].at(indices_of(quantity))

    def _may_vanish(self, base: Expr) -> bool:
        """Whether a base is a sum of squares with nothing positive beside it."""
        if isinstance(base, sympy.Sum):
            return self._may_vanish(base.function)
        if isinstance(base, sympy.Add):
            return all(map(self._may_vanish, base.args))
        if isinstance(base, sympy.Mul):
            rest = [f for f in base.args if not self._may_vanish(f)]
            return len(rest) < len(base.args) and all(f.is_positive for f in rest)
        if isinstance(base, sympy.Pow):
            return bool(base.exp.is_Integer and base.exp > 0 and base.exp % 2 == 0)
        value = self._value(base)
        return value is not None and self._may_vanish(value)


__all__ = ["INVERSE", "Norms"]
