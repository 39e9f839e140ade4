"""The state of one run, and the way from a node of the source to what it means.

`Machine.evaluate` and `Machine.execute` look a node up in the tables of `expressions` and `statements`; what no table
has cannot be run. Nothing of the source is handed to Python itself.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derive.code.concrete.budget import Budget, NotRunnable
from derive.code.concrete.values import Scope, Unknown, Value

Evaluator = Callable[["Machine", Any, Scope], Value]
Executor = Callable[["Machine", Any, Scope], "Signal | None"]

RAISED = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError, ValueError, MemoryError)
"""What NumPy and Python raise when an operation on values fails."""


@dataclass(frozen=True)
class Signal:
    """Why a block ended early: ``break``, ``continue`` or ``return`` with a value."""

    kind: str
    value: Value = None


@dataclass(frozen=True)
class Assigned:
    """One assignment that was made: where, to what text (``dx``, ``grads['W']``), and a copy of the value."""

    line: int
    target: str
    value: Value


@dataclass
class Machine:
    """One run: its budget, random numbers, trace and decisions.

    Attributes:
        fixed: values of parameters and settings that are held fixed, by name.
        trace: every assignment, in order; ``None`` where none is kept.
        decisions: what every comparison, maximum and cast came to; ``None`` where it is not kept. Two runs with equal
            decisions lie on one smooth piece of the function.
        shift: called for every assignment with its line, its target and the value; what it returns is
            assigned instead.
    """

    expressions: Mapping[type[ast.AST], Evaluator]
    statements: Mapping[type[ast.AST], Executor]
    builtins: Mapping[str, Value]
    budget: Budget
    random: np.random.Generator
    fixed: Mapping[str, Value] = field(default_factory=dict)
    trace: list[Assigned] | None = None
    decisions: list[bytes] | None = None
    shift: Callable[[int, str, Value], Value] | None = None
    star_import: bool = False
    globals: Scope = field(default_factory=lambda: Scope({}))
    depth: int = 0

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """The value of an expression."""
        self.budget.step()
        handler = self.expressions.get(type(node))
        if handler is None:
            raise NotRunnable(node.lineno, f"{type(node).__name__} is not supported")
        try:
            value = handler(self, node, scope)
        except NotRunnable as error:
            raise located(error, node.lineno) from None
        if type(value) is Unknown:
            raise NotRunnable(node.lineno, value.why)
        return value

    def execute(self, body: Sequence[ast.stmt], scope: Scope) -> Signal | None:
        """Run statements in order, until one says that the block ends."""
        for statement in body:
            self.budget.step()
            handler = self.statements.get(type(statement))
            if handler is None:
                raise NotRunnable(statement.lineno, f"{type(statement).__name__} is not supported")
            try:
                signal = handler(self, statement, scope)
            except NotRunnable as error:
                raise located(error, statement.lineno) from None
            if signal is not None:
                return signal
        return None

    def assigned(self, line: int, target: str, value: Value) -> Value:
        """Note an assignment; the value that is to be stored."""
        if self.shift is not None:
            value = self.shift(line, target, value)
        if self.trace is not None:
            kept = value.copy() if isinstance(value, np.ndarray) else value
            self.budget.hold(np.size(kept) if isinstance(kept, np.ndarray) else 1)
            self.trace.append(Assigned(line, target, kept))
        return value

    def decide(self, outcome: Value) -> None:
        """Note on which side of a border the data lie."""
        if self.decisions is not None:
            self.decisions.append(np.asarray(outcome).tobytes())


def located(error: NotRunnable, line: int) -> NotRunnable:
    """The same error, at this line if it has none yet."""
    return error if error.line is not None else NotRunnable(line, error.why, error.reason)


def attempt(function: Callable[..., Value], *arguments: Value, **keywords: Value) -> Value:
    """Call an operation of Python or NumPy; what it raises, the source would raise."""
    try:
        return function(*arguments, **keywords)
    except RAISED as error:
        text = str(error).splitlines()[0][:200] if str(error) else ""
        raise NotRunnable(None, f"{type(error).__name__}: {text}".rstrip(": "), "error") from None


def is_array(value: Value) -> bool:
    """Whether a value is an array or a number of NumPy."""
    return isinstance(value, np.ndarray | np.generic)


def is_number(value: Value) -> bool:
    """Whether a value is an array or a number, of NumPy or of Python."""
    return isinstance(value, np.ndarray | np.generic | int | float)
