"""What can go wrong while code is read: it uses something that is not known here, or it cannot run."""

from __future__ import annotations

import ast

from sympy import Expr


class CodeError(Exception):
    """Something about a place in the code: ``node`` is set by whoever knows the place first."""

    def __init__(self, message: str, node: ast.AST | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.hint = hint

    @property
    def line(self) -> int:
        """The line of the place, from 1; 0 where it is unknown."""
        return getattr(self.node, "lineno", 0)


class Unsupported(CodeError):
    """What the interpreter has no exact meaning for; says nothing about the code."""


class Fault(CodeError):
    """Code that cannot run at the shapes that it was given; ``where`` is the pass in which it stops."""

    where: str = "forward"


class Mismatch(Fault):
    """Two axes that should be one, as the factors of their sizes; ``summed`` says whether they are summed over."""

    def __init__(self, message: str, one: tuple[Expr, ...], other: tuple[Expr, ...], summed: bool) -> None:
        super().__init__(message)
        self.one = one
        self.other = other
        self.summed = summed


class Needs(CodeError):
    """A parameter of which neither kind nor shape is known: ``names`` says which."""

    def __init__(self, names: tuple[str, ...], node: ast.AST | None = None) -> None:
        super().__init__(f"the shape of {', '.join(names)} is not known", node)
        self.names = names


class Refine(Exception):
    """A size that has to be read as something else for the code to make sense: read everything again so.

    Attributes:
        size: the size symbol.
        factors: what it is: a product of other sizes, the outermost first.
        why: the assumption, as a sentence.
        instead: what was unsupported otherwise.
    """

    def __init__(self, size: Expr, factors: tuple[Expr, ...], why: str, instead: Unsupported | None = None) -> None:
        super().__init__(why)
        self.instead = instead
        self.size = size
        self.factors = factors
        self.why = why
