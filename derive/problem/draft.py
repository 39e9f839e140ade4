"""A problem in the making: what the steps from equations to a forward graph hand on."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Expr

from derive.forward import Definition
from derive.notation.elaborate import Policy
from derive.notation.equations import Equation
from derive.notation.table import Table
from derive.problem.classification import Classifier
from derive.problem.problem import Problem
from derive.source import SourceError


@dataclass
class Draft:
    """The table, the equations that could be parsed, and the definitions and facts found so far."""

    problem: Problem
    equations: list[Equation]
    classifier: Classifier
    facts: list[tuple[Expr, Expr]] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)

    @property
    def table(self) -> Table:
        return self.problem.table

    def policy(self) -> Policy:
        """How definitions are read: as linear algebra in a document with transposes."""
        return Policy("matrix" if self.table.ranks.linear else "elementwise")

    def policies(self) -> tuple[Policy, ...]:
        """The usual way to read a definition, and the other one for where that makes no sense."""
        return self.policy(), Policy("elementwise" if self.table.ranks.linear else "matrix")

    def fail(self, equation: Equation, error: SourceError) -> None:
        equation.error = error
        if equation.defines is not None:
            self.table.defined.discard(equation.defines)
            self.table.broken[equation.defines[0]] = equation.line

    def assume(self, text: str) -> None:
        self.problem.assume([text], None)
