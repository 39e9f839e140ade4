"""A pair on concrete data: how its forward pass is called, what it puts out, how its backward pass is called."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from derive.code.concrete.budget import Budget, NotRunnable
from derive.code.concrete.calls import call_value
from derive.code.concrete.conventions import (
    defaults_of,
    is_cache,
    is_upstream,
    parameters_of,
    returned_names,
    settings_of,
)
from derive.code.concrete.draws import Draws, Length, Shape
from derive.code.concrete.items import member
from derive.code.concrete.libraries.torch_ import context
from derive.code.concrete.machine import Machine, is_number
from derive.code.concrete.running import Program, function_named, given, guarded, plainly
from derive.code.concrete.values import Class, Config, Instance, Unknown, Value
from derive.code.pairs import Function, Pair, functions_of, is_static

Shapes = Mapping[str, Shape | Sequence[Length]]


@dataclass
class Forward:
    """One forward pass.

    Attributes:
        machine: its state: the backward pass goes on with it.
        arguments: what it was given, as it left them.
        value: what it returned.
        outputs: the arrays that the loss depends on.
        owner: ``ctx``, or the object whose method it is.
    """

    machine: Machine
    arguments: dict[str, Value]
    value: Value
    outputs: list[Value] = field(default_factory=list)
    owner: Instance | None = None


class Subject:
    """A pair of a module with the shapes of its arguments.

    Args:
        tree: the module.
        pair: which functions.
        shapes: of the arguments that are arrays, by name; ``self.W`` for attributes of an object.
        fixed: values of arguments and settings that are held fixed.
        seed: of random numbers that the source draws.
    """

    def __init__(self, tree: ast.Module, pair: Pair, shapes: Shapes, fixed: Mapping[str, Value], seed: int) -> None:
        self.functions = functions = functions_of(tree)
        if pair.kind == "script" or pair.forward not in functions or pair.backward not in functions:
            raise NotRunnable(pair.line, f"a pair of kind {pair.kind} is not run on data")
        self.pair, self.shapes, self.fixed = pair, shapes, fixed
        self.guessed: set[str] = set()
        self.forward_node, self.backward_node = functions[pair.forward], functions[pair.backward]
        self.program = Program(tree, [pair.forward, pair.backward], fixed, seed)
        self.is_method = "." in pair.forward and not is_static(self.forward_node)
        self.initialiser = functions.get(f"{pair.forward.split('.')[0]}.__init__") if self.is_method else None

    # -- data --------------------------------------------------------------------------------------------------------

    def arguments(self, draws: Draws) -> dict[str, Value]:
        """Data for the parameters of the forward pass and for the attributes of its object."""
        found = {f"self.{name}": _drawn(draws, name, shape) for name, shape in self._attributes().items()}
        return found | self._for(self.forward_node, draws)

    def _attributes(self) -> dict[str, Shape | Sequence[Length]]:
        return {name.removeprefix("self."): shape for name, shape in self.shapes.items() if name.startswith("self.")}

    def _for(self, node: Function, draws: Draws) -> dict[str, Value]:
        found: dict[str, Value] = {}
        defaults, settings = defaults_of(node), settings_of(node)
        for name in self.own_parameters(node):
            if name in self.fixed:
                found[name] = self.fixed[name]
            elif name in self.shapes:
                found[name] = draws.array(name, self.shapes[name])
            elif name in settings:
                found[name] = Config(draws.scalar)
            elif name not in defaults or _is_float(defaults[name]):
                found[name] = draws.scalar(name)
                self.guessed |= {name} - defaults.keys()
        return found

    def own_parameters(self, node: Function) -> list[str]:
        """The parameters that data is for."""
        names = parameters_of(node)
        return names[1:] if self.pair.kind == "autograd" or self.is_method else names

    # -- forward -----------------------------------------------------------------------------------------------------

    def forward(self, arguments: Mapping[str, Value], budget: Budget, **observers: Any) -> Forward:
        """Run the forward pass on copies of its arguments; only the time is shared by all runs of a budget."""
        machine = self.program.machine(budget.renewed())
        own = {name: self._copied(value) for name, value in arguments.items()}
        owner = self._owner(machine, own)
        for name, observer in observers.items():
            setattr(machine, name, observer)
        function = function_named(machine, self.pair.forward)
        first = [] if owner is None else [owner]
        named = {name: value for name, value in own.items() if not name.startswith("self.")}
        value = guarded(lambda: call_value(machine, function, first, named))
        done = Forward(machine, own, value, owner=owner)
        done.outputs = self._outputs(value)
        return done

    def _copied(self, value: Value) -> Value:
        if isinstance(value, Config):
            return Config(value.draw, value)
        return given(self.program.kind, value.copy()) if isinstance(value, np.ndarray) else value

    def _owner(self, machine: Machine, arguments: Mapping[str, Value]) -> Instance | None:
        if self.pair.kind == "autograd" and not self.pair.setup:
            return context()
        if not self.is_method:
            return None
        kind = function_named(machine, self.pair.forward.split(".")[0])
        if isinstance(kind, Unknown):
            raise NotRunnable(kind.line, kind.why)
        if not isinstance(kind, Class):
            raise NotRunnable(None, f"{self.pair.forward} is no method")
        owner = Instance(kind)
        self._initialise(machine, owner)
        for name, value in arguments.items():
            if name.startswith("self."):
                _place(owner.attributes, name.removeprefix("self."), value)
        return owner

    def _initialise(self, machine: Machine, owner: Instance) -> None:
        """Run ``__init__`` where everything that it asks for is known; else the object starts with what shapes give."""
        initialise = member(owner, "__init__")
        if initialise is None or self.initialiser is None:
            return
        defaults = defaults_of(self.initialiser)
        asked = parameters_of(self.initialiser)[1:]
        known = {name: self.fixed[name] for name in asked if name in self.fixed}
        if all(name in known or name in defaults for name in asked):
            guarded(lambda: call_value(machine, initialise, [], known))

    def _outputs(self, value: Value) -> list[Value]:
        """The outputs in what the forward pass returned: all that the backward pass is given a gradient for."""
        parts = list(value) if isinstance(value, tuple) else [value]
        count = len(self.upstreams) if self.pair.kind in ("functions", "class") else 1
        if self.pair.kind == "autograd":
            count = len(parts)
        if self.pair.kind == "custom_vjp":
            parts = list(parts[0]) if isinstance(parts[0], tuple) else parts[:1]
            count = len(parts)
        outputs = parts[: max(count, 1)]
        if len(outputs) < count or not all(is_number(each) for each in outputs):
            raise NotRunnable(self.forward_node.lineno, "which of its values are outputs is not clear")
        return outputs

    @cached_property
    def returned(self) -> list[str | None]:
        """What the forward pass calls the parts of what it returns."""
        return returned_names(self.forward_node)

    @cached_property
    def upstreams(self) -> list[str]:
        """The parameters of the backward pass that are gradients from above."""
        names = self.own_parameters(self.backward_node)
        known = {*parameters_of(self.forward_node), *filter(None, self.returned)}
        fresh = [name for name in names if name not in known and not is_cache(name) and name not in self.fixed]
        named = [name for name in fresh if is_upstream(name)]
        return named or fresh[:1]

    def differentiated(self) -> list[str]:
        """The parameters of the forward pass that a rule gives one gradient each for, in order."""
        skipped = self._nondifferentiable() if self.pair.kind == "custom_vjp" else []
        return [name for name in self.own_parameters(self.forward_node) if name not in skipped]

    def _nondifferentiable(self) -> list[str]:
        """The parameters that ``nondiff_argnums`` of a JAX rule names: the backward rule gets them first."""
        primal = self.functions.get(self.pair.primal)
        keywords = [k for d in primal.decorator_list if isinstance(d, ast.Call) for k in d.keywords] if primal else []
        given = next((k.value for k in keywords if k.arg == "nondiff_argnums"), None)
        numbers = [n.value for n in ast.walk(given) if isinstance(n, ast.Constant)] if given is not None else []
        names = parameters_of(self.forward_node)
        return [names[n] for n in numbers if isinstance(n, int) and n < len(names)]

    # -- backward ----------------------------------------------------------------------------------------------------

    def backward(self, done: Forward, upstream: Sequence[Value]) -> Value:
        """Run the backward pass after a forward one, with these gradients of its outputs."""
        if self.pair.kind == "loss":
            return self._gradients_of_loss(done.value)
        above = [given(self.program.kind, each) for each in upstream]
        function = function_named(done.machine, self.pair.backward)
        arguments = self._backward_arguments(done, above)
        return guarded(lambda: call_value(done.machine, function, arguments, {}))

    def _gradients_of_loss(self, value: Value) -> Value:
        parts = value if isinstance(value, tuple) else (value,)
        return parts[1] if len(parts) == 2 else parts[1:]

    def _backward_arguments(self, done: Forward, above: list[Value]) -> list[Value]:
        if self.pair.kind == "autograd":
            return [done.owner, *above]
        if self.pair.kind == "custom_vjp":
            return self._residuals(done, above)
        upstreams = iter(above)
        placed = self.upstreams
        first: list[Value] = [] if done.owner is None else [done.owner]
        return first + [
            next(upstreams) if name in placed else self._saved(name, done)
            for name in self.own_parameters(self.backward_node)
        ]

    def _residuals(self, done: Forward, above: list[Value]) -> list[Value]:
        if not isinstance(done.value, tuple) or len(done.value) != 2:
            raise NotRunnable(self.forward_node.lineno, "a forward rule returns the output and the residuals")
        leading = [done.arguments[name] for name in self._nondifferentiable()]
        gradient = tuple(above) if isinstance(done.value[0], tuple) else above[0]
        return [*leading, done.value[1], gradient]

    def _saved(self, name: str, done: Forward) -> Value:
        """What a parameter of the backward pass that is no gradient stands for."""
        parts = done.value if isinstance(done.value, tuple) else (done.value,)
        names = self.returned
        if name in names and len(names) == len(parts):
            return parts[names.index(name)]
        if name in done.arguments:
            return done.arguments[name]
        if name in self.fixed:
            return self.fixed[name]
        if not is_cache(name) and len(parts) == 1:
            raise NotRunnable(self.backward_node.lineno, f"what {name} is given is not clear")
        return parts[-1] if len(parts) <= len(self.upstreams) + 1 else parts[len(self.upstreams) :]


def _drawn(draws: Draws, name: str, shape: Shape | Sequence[Length]) -> Value:
    """Data for an attribute; a number is drawn by its name, as a parameter would be."""
    lengths = shape.lengths if isinstance(shape, Shape) else shape
    return draws.array(name, shape) if lengths else draws.scalar(name)


def _place(attributes: dict[str, Value], name: str, value: Value) -> None:
    """Set ``W``, or the entry ``params['W']`` of a dict."""
    container, _, key = name.rstrip("]").partition("[")
    if key:
        attributes.setdefault(container, {})[ast.literal_eval(key)] = value
    else:
        attributes[name] = value


def _is_float(node: ast.expr) -> bool:
    """Whether a default is a real number, which the claims are to hold for any value of."""
    node = node.operand if isinstance(node, ast.UnaryOp) else node
    if isinstance(node, ast.BinOp):
        return any(_is_float(each) for each in (node.left, node.right))
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def array_of(value: Value) -> Any:
    """A result as a NumPy array of floats."""
    return np.asarray(plainly(value), dtype=float)
