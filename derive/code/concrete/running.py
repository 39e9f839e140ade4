"""Running one function of a module on given arguments."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.code.concrete.budget import Budget, NotRunnable
from derive.code.concrete.calls import call_value
from derive.code.concrete.expressions import EXPRESSIONS
from derive.code.concrete.items import of_class
from derive.code.concrete.libraries import BUILTINS
from derive.code.concrete.libraries.whitelist import mark
from derive.code.concrete.machine import Assigned, Machine
from derive.code.concrete.members import attribute_of
from derive.code.concrete.modules import library_of, load, needed
from derive.code.concrete.statements import STATEMENTS
from derive.code.concrete.values import Builtin, Class, Config, JaxArray, Tensor, Unknown, Value

ALL_BUILTINS = {**BUILTINS, "getattr": Builtin("getattr", attribute_of)}


@dataclass(frozen=True)
class Run:
    """What a call came to.

    Attributes:
        value: what the function returned; arrays are NumPy's.
        trace: every assignment that was made, in order.
    """

    value: Any
    trace: list[Assigned]


class Program:
    """A module, as far as some of its functions need it; makes a fresh machine for every run.

    Args:
        tree: the module.
        names: the functions and classes that will be called.
        fixed: values of parameters and settings by name.
        seed: of the random numbers that the source draws: the same in every run.
    """

    def __init__(self, tree: ast.Module, names: Sequence[str], fixed: Mapping[str, Value], seed: int = 0) -> None:
        self.statements = needed(tree, {name.split(".")[0] for name in names})
        self.kind = library_of(tree, self.statements)
        self.fixed, self.seed = fixed, seed

    def machine(self, budget: Budget, **observers: Any) -> Machine:
        """A machine with the module loaded."""
        random = np.random.default_rng(self.seed)
        made = Machine(EXPRESSIONS, STATEMENTS, ALL_BUILTINS, budget, random, self.fixed)
        try:
            load(made, self.statements)
        except RecursionError:
            raise NotRunnable(None, "the source is nested too deeply", "limit") from None
        for name, observer in observers.items():
            setattr(made, name, observer)
        return made


def guarded(call: Callable[[], Value]) -> Value:
    """Run something; too deep a nesting of the source is no error of this program."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except RecursionError:
        raise NotRunnable(None, "the source is nested too deeply", "limit") from None


def function_named(machine: Machine, name: str) -> Value:
    """A function or method by its qualified name."""
    first, *rest = name.split(".")
    found = machine.globals.variables.get(first)
    for part in rest:
        if isinstance(found, Unknown):
            raise NotRunnable(found.line, found.why)
        if not isinstance(found, Class):
            raise NotRunnable(None, f"{first} is no class")
        found = of_class(found, part)
    if found is None:
        raise NotRunnable(None, f"the module has no {name}")
    return found


def run(
    tree: ast.Module,
    function: str,
    arguments: Mapping[str, Value] | Sequence[Value],
    fixed: Mapping[str, Value] | None = None,
    *,
    seed: int = 0,
    budget: Budget | None = None,
) -> Run:
    """Call a function of a module, by interpretation alone.

    Args:
        tree: the module; only what the function needs of it is looked at.
        function: its qualified name, ``f`` or ``Class.method``.
        arguments: by name or by position; arrays are NumPy's, and taken for those of torch or JAX in their source.
        fixed: values of settings that the source asks for by name.
        seed: of the random numbers that the source draws.
        budget: what the run may use.

    Raises:
        NotRunnable: what is not on the whitelist, what Python or NumPy would refuse, or what takes too much.
    """
    program = Program(tree, [function], fixed or {}, seed)
    machine = program.machine(budget or Budget(), trace=[])
    by_name = isinstance(arguments, Mapping)
    named = {k: given(program.kind, v) for k, v in arguments.items()} if isinstance(arguments, Mapping) else {}
    placed = [] if by_name else [given(program.kind, v) for v in arguments]
    value = guarded(lambda: call_value(machine, function_named(machine, function), placed, named))
    return Run(plainly(value), machine.trace or [])


def given(kind: type[Tensor] | type[JaxArray] | None, value: Value) -> Value:
    """An argument as the library's array."""
    return mark(kind, value) if kind is not None else value


def plainly(value: Value) -> Value:
    """A result with its arrays as NumPy's."""
    if isinstance(value, Tensor | JaxArray):
        return np.asarray(value)
    if isinstance(value, tuple):
        return tuple(plainly(each) for each in value)
    if isinstance(value, list):
        return [plainly(each) for each in value]
    if isinstance(value, dict) and not isinstance(value, Config):
        return {key: plainly(each) for key, each in value.items()}
    return value
