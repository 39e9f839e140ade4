"""A problem in the making: what the steps from equations to a forward graph hand on."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Expr

from derive.forward import Definition
from derive.notation.elaborate import Policy
from derive.notation.equations import Equation
from derive.notation.table import Name, Table
from derive.problem.classification import Classifier
from derive.problem.problem import Problem
from derive.source import SourceError


@dataclass
class Draft:
    """The table, the equations that could be parsed, what sentences say besides (``x > 0``), and the definitions and
    facts found so far."""

    problem: Problem
    equations: list[Equation]
    classifier: Classifier
    said: list[Equation] = field(default_factory=list)
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

    def leave_open(self, equation: Equation, target: Name, used: set[str], error: SourceError) -> None:
        """Keep the name that an equation introduces as some function of other names: it cannot be read."""
        equation.error = error
        key, count = target
        self.table.defined.discard(target)
        self.table.inputs.add(key)
        name = self.table.name(key, count)
        self.table.open[name] = {use for use in used if self.is_quantity(use)} - {name}
        self.table.unread[name] = equation.line

    def is_quantity(self, name: str) -> bool:
        """Whether a name is neither a size, nor a letter that counts, nor one of the loss."""
        table = self.table
        return not (table.is_size(name) or name in table.letters.indices or name == table.loss)

    def assume(self, text: str) -> None:
        self.problem.assume([text], None)
