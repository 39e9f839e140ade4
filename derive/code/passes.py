"""One pair read from start to end: the forward pass, what it saves, the backward pass, and what that returns."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import sympy
from sympy import Expr

from derive.code.arrays import Axis, Cell, axis, inputs
from derive.code.configs import (
    CHOICES,
    DICTS,
    POSITIVE,
    SIZE_LISTS,
    SIZES,
    WHOLE,
    fixed_value,
    positive_or_real,
    whole_number,
)
from derive.code.faults import Fault, Mismatch, Needs, Refine, Unsupported
from derive.code.lengths import conditions
from derive.code.library import library_of
from derive.code.machine import Machine
from derive.code.module import Module
from derive.code.naming import is_cache, is_upstream, spoken_of
from derive.code.pairs import Function as Node
from derive.code.pairs import Pair, own_returns
from derive.code.shapes import Declared, Factors, borrow, shapes_for, size_table
from derive.code.statements import is_gradient_name
from derive.code.trace import BACKWARD, Trace
from derive.code.values import Choice, Config, Function, Record, Value, as_array, is_array
from derive.language import is_quantity, name_of, size

MAX_REFINED = 12
LISTED = 2
"""How many entries a list of sizes has where a constructor asks for one; that is assumed and said."""
Where = Literal["forward", "backward"]


@dataclass(frozen=True)
class Gradient:
    """A gradient that is returned.

    Attributes:
        name: the Python name or the key; that of what it should be the gradient of where it has none.
        of: the name of the input by which the loss is differentiated; None where nothing says which.
        value: what is returned; None for None.
        line: where it is returned.
        instead: the input that its name speaks of, where that is another one.
        parameter: the parameter of the forward pass that the input is; ``self.W`` for an attribute.
        position: its place among what is returned, from 0; None for one that has a key.
    """

    name: str
    of: str | None
    value: Value
    line: int
    instead: str | None = None
    parameter: str = ""
    position: int | None = None


@dataclass
class Passes:
    """A pair that was read.

    Attributes:
        outputs: the names of what the forward pass returns to be differentiated.
        loss: whether the only output is the loss itself.
        gradients: what the backward pass returns, in order.
        shapes: by parameter (``self.W`` for an attribute) its axes, each a product of names of sizes and numbers.
        labels: for parameters that are labels, the size of the axis that they choose from.
        fixed: settings that were fixed or assumed, with their values.
        numbers: parameters that are sizes, as factors.
        lists: parameters that are lists of sizes.
        library: whose arrays they are: ``numpy``, ``torch`` or ``jax``.
    """

    pair: Pair
    trace: Trace
    outputs: tuple[str, ...]
    loss: bool
    gradients: list[Gradient] = field(default_factory=list)
    shapes: Mapping[str, tuple[Factors, ...]] = field(default_factory=dict)
    labels: Mapping[str, Factors] = field(default_factory=dict)
    fixed: Mapping[str, Value] = field(default_factory=dict)
    numbers: Mapping[str, Factors] = field(default_factory=dict)
    lists: Mapping[str, tuple[Factors, ...]] = field(default_factory=dict)
    library: str = "numpy"

    @property
    def fractions(self) -> list[Expr]:
        """What has to be whole, and not below 0, for the windows of the pair to fit."""
        return conditions(n for sizes in self.trace.sizes.values() for n in sizes)


class Reading:
    """Reads one pair.

    Args:
        module: the file.
        pair: which functions.
        source: the file's text.
        shapes: what the caller says about shapes.
        fixed: values for settings by name, as text.
    """

    def __init__(
        self, module: Module, pair: Pair, source: str, shapes: str = "", fixed: Mapping[str, str] = {}
    ) -> None:
        self.module = module
        self.pair = pair
        self.source = source
        self.fixed = {name: fixed_value(text) for name, text in fixed.items()}
        self.forward = module.functions[pair.forward]
        self.backward = module.functions[pair.backward]
        self.shapes = shapes_for(self._documented(), self._class_docs(), shapes, source)
        method = pair.forward.rpartition(".")[2]
        functions = {n: f for n, f in module.functions.items() if "." not in n or n.rpartition(".")[2] == method}
        borrow(self.shapes, self.forward, functions)
        self.refined: dict[str, Factors] = {}
        self.assumed: list[str] = []
        self.where: Where = "forward"

    def _documented(self) -> list[Node]:
        """The functions whose docstrings and annotations count: of a JAX rule the function itself too."""
        names = dict.fromkeys([self.pair.forward, self.pair.primal, self.pair.backward])
        return [self.module.functions[name] for name in names if name in self.module.functions]

    def _class_docs(self) -> list[str]:
        owner = self.pair.forward.rpartition(".")[0]
        classes = (n for n in self.module.tree.body if isinstance(n, ast.ClassDef) and n.name == owner)
        return [ast.get_docstring(n) or "" for n in classes]

    def read(self) -> Passes:
        """Both passes.

        Raises:
            Unsupported, Needs: something is not known.
            Fault: the code cannot run; `where` says in which pass.
        """
        unread: Unsupported | None = None  # what could not be read for every number of rounds
        for _ in range(MAX_REFINED):
            try:
                return self._read()
            except Refine as refine:
                self._refine(refine)
                unread = unread or refine.instead
            except Unsupported as error:
                raise unread or error from error
            except Mismatch as error:
                refined = self._unified(error)
                if refined is None:
                    raise
                self._refine(refined)
        raise Unsupported("sizes that are multiples of one another without end")

    def _unified(self, error: Mismatch) -> Refine | None:
        """How two axes of the forward pass can be of one size: one is called as a product, or a constructor's number is
        what the data has. In the backward pass they must be so as it stands."""
        if self.where == "backward" and self.pair.kind != "loss":
            return None
        for one, factors in ((error.one, error.other), (error.other, error.one)):
            is_name = len(one) == 1 and isinstance(one[0], sympy.Symbol) and one[0] not in factors
            if is_name and self._stand_together(one[0], factors):
                continue
            if is_name and ((len(factors) > 1 and error.summed) or one[0].name in self.machine.free_sizes):
                return Refine(one[0], factors, f"{one[0]} is {'*'.join(map(str, factors))}")
        return None

    def _stand_together(self, one: Expr, factors: Sequence[Expr]) -> bool:
        """Whether one array has an axis of a size beside axes of these: then it is a size of its own."""
        aliases = self.shapes.aliases
        axes = ([name for axis in d.axes for name in axis] for d in self.shapes.declared.values())
        declared = ([f for name in names for f in (name, *aliases.get(name, ()))] for names in axes)
        return any(str(one) in names and {*map(str, factors)} & {*names} for names in declared)

    def _refine(self, refine: Refine) -> None:
        factors = tuple(map(str, refine.factors))
        if str(refine.size) in self.refined:
            raise Unsupported(f"{refine.size} as a multiple in two ways")
        self.refined[str(refine.size)] = factors
        self.assumed.append(refine.why)

    def _read(self) -> Passes:
        self.where = "forward"
        self.table = size_table(self.shapes, self.refined)
        self.trace = Trace(assumptions=[*self.shapes.assumptions, *self.assumed])
        self.order = tuple(dict.fromkeys(f for factors in self.table.values() for f in factors))
        self.trace.taken = {*self.order}
        self.machine = Machine(self.module, self.trace, self._library(), self.fixed, self.order)
        self.machine.free_sizes |= self.shapes.free
        self.places: dict[str, str] = {}  # where an object keeps a parameter: ``self.params['W']``
        self.built: dict[str, Value] = {}  # what its constructor is given
        self.machine.config_shapes = {
            name: tuple(self._sizes(f) for f in d.axes) for name, d in self.shapes.declared.items()
        }
        self.parameters: dict[str, Value] = {}
        self.input_names: dict[str, str] = {}
        self.owner: Record | None = None
        reader = {"loss": self._loss, "autograd": self._autograd, "custom_vjp": self._custom_vjp}.get(self.pair.kind)
        return reader() if reader is not None else self._functions()

    def _library(self) -> str:
        """Whose methods arrays have: that of the library which the two functions call."""
        if self.pair.kind in ("autograd", "custom_vjp"):
            return {"autograd": "torch", "custom_vjp": "jax"}[self.pair.kind]
        names = {n.id for f in (self.forward, self.backward) for n in ast.walk(f) if isinstance(n, ast.Name)}
        used = {library_of(path) for name, path in self.module.paths.items() if name in names} - {""}
        if not used:
            used = {library_of(path) for path in self.module.paths.values()} - {""}
        for library in ("numpy", "torch", "jax"):
            if used == {library}:
                return library
        if used == {"jax", "numpy"}:
            return "jax"
        return "numpy" if not used else "torch" if "torch" in used else "numpy"

    # -- arguments -----------------------------------------------------------------------------------------------------

    def _sizes(self, factors: Factors) -> tuple[Expr, ...]:
        """The sizes of an axis."""
        found: list[Expr] = []
        for name in factors:
            if name.isdigit():
                found.append(sympy.Integer(int(name)))
            else:
                expanded = self.table.get(name, (name,))
                found += [sympy.Integer(int(f)) if f.isdigit() else size(f) for f in self._expanded(expanded)]
        return tuple(found)

    def _expanded(self, factors: Factors, depth: int = 0) -> list[str]:
        """Factors of factors, as sizes are refined one after the other."""
        if depth > MAX_REFINED:
            return list(factors)
        found: list[str] = []
        for f in factors:
            inner = self.table.get(f, (f,))
            found += [f] if inner == (f,) else self._expanded(inner, depth + 1)
        return found

    def _axes(self, declared: Declared) -> tuple[Axis, ...]:
        return tuple(axis(*self._sizes(factors)) for factors in declared.axes)

    def _arguments(self, node: Node, skip: int = 0) -> list[Value]:
        """Values for the parameters of the forward function."""
        positional = [*node.args.posonlyargs, *node.args.args][skip:]
        count = len(positional) - len(node.args.defaults)
        values, missing = [], []
        for k, parameter in enumerate(positional):
            default = node.args.defaults[k - count] if k >= count else None
            value = self._argument(parameter.arg, default)
            if value is None and not self._is_none(default):
                missing.append(parameter.arg)
            self._note(parameter.arg, value)
            values.append(value)
        if missing:
            raise Needs(tuple(missing), node)
        if node.args.vararg is not None or node.args.kwarg is not None:
            raise Unsupported("a forward function with *args", node)
        return values

    def _note(self, name: str, value: Value) -> None:
        """Remember a parameter, and the name of the data that it stands for in the beginning."""
        self.parameters[name] = value
        if is_array(value) and is_quantity(as_array(value).expr):
            self.input_names[name] = name_of(as_array(value).expr)

    def _is_none(self, default: ast.expr | None) -> bool:
        return isinstance(default, ast.Constant) and default.value is None

    def _argument(self, name: str, default: ast.expr | None) -> Value:
        """What a parameter stands for; None where nothing says what."""
        if name in self.fixed:
            return self.fixed[name]
        if name in self.shapes.declared:
            declared = self.shapes.declared[name]
            if not (name in self.order and not declared.axes):
                return self._data(name, declared)
        if DICTS.search(name):
            return Config()
        if name in self.order or name in self.shapes.numbers:
            self.trace.taken.add(name)
            return size(name) if self._expanded((name,)) == [name] else sympy.Mul(*self._sizes((name,)))
        if WHOLE.match(name):
            return whole_number(self.machine, name)
        if CHOICES.match(name) or (isinstance(default, ast.Constant) and isinstance(default.value, str | bool)):
            return self._choice(name, default)
        if self._is_none(default):
            return None
        if (
            self.shapes.explicit
            or POSITIVE.match(name)
            or self._is_number(default)
            or re.match(r"^(reg|lr|lam\w*|alpha|beta\d?|l2\w*|slope|delta)$", name)
        ):
            return positive_or_real(self.machine, name)
        return None

    def _data(self, name: str, declared: Declared) -> Cell:
        made = self.trace.input(name, self._axes(declared), declared.kind, declared.positive)
        return Cell(made)

    def _choice(self, name: str, default: ast.expr | None) -> Value:
        if isinstance(default, ast.Constant) and isinstance(default.value, str | bool):
            self.trace.assume(f"{name} is {default.value!r}")
            return default.value
        return Choice(name)

    def _is_number(self, default: ast.expr | None) -> bool:
        return (
            isinstance(default, ast.Constant)
            and isinstance(default.value, int | float)
            and not isinstance(default.value, bool)
        )

    # -- outputs -------------------------------------------------------------------------------------------------------

    def _output(self, value: Value, name: str) -> Cell:
        """An output under a name, so that the loss may depend on it."""
        array = as_array(value, "what the forward pass returns")
        if array.kind not in ("real", "whole"):
            raise Unsupported("a forward pass that returns labels or truth values")
        known = is_quantity(array.expr) and name_of(array.expr) in self.trace.definitions
        # what others use as well gets a second name as an output: the gradient from above is not the whole of its own
        known = known and not any(name_of(array.expr) in d.uses for d in self.trace.definitions.values())
        if known and tuple(getattr(array.expr, "indices", ())) == array.letters:
            return Cell(array)
        return Cell(self.trace.define(name, array, self._last_return(self.forward)))

    def _last_return(self, node: Node) -> int:
        return max((r.lineno for r in own_returns(node)), default=node.lineno)

    def _upstream(self, output: Cell) -> Cell:
        """The gradient that comes from above: data with the shape of an output."""
        name = f"∂L/∂{name_of(output.array.expr)}"
        made = inputs(name, output.array.fresh().axes)
        self.trace.sizes[name], self.trace.axes[name] = made.sizes, made.axes
        return Cell(made)

    # -- two functions -------------------------------------------------------------------------------------------------

    def _functions(self) -> Passes:
        """Two functions, or two methods that share an object."""
        owner_name = self.pair.forward.rpartition(".")[0]
        bound = bool(owner_name) and self._takes_self(self.forward)
        if bound:
            self.owner = self._object(owner_name)
        arguments = self._arguments(self.forward, skip=int(bound))
        result = self.machine.call(Function(self.forward, self.pair.forward, None, self.owner), arguments, {})
        upstream, caches = self._backward_parameters(bound)
        outputs, rest = self._split(result, len(upstream))
        named = [self._output(v, f"out{k + 1}" if len(outputs) > 1 else "out") for k, v in enumerate(outputs)]
        given = {p: self._upstream(cell) for p, cell in zip(upstream, named, strict=True)}
        given |= self._caches(caches, rest)
        self._begin_backward()
        backward_owner = self.owner if self._takes_self(self.backward) and bound else None
        names = [p.arg for p in self.backward.args.args][int(backward_owner is not None) :]
        values = [given[n] for n in names if n in given]
        returned = self.machine.call(Function(self.backward, self.pair.backward, None, backward_owner), values, {})
        own = [p.arg for p in self.forward.args.args]
        candidates = [n for n in self._candidates() if n in own or self.owner is None]
        gradients = self._gradients(returned, candidates or self._candidates())
        gradients += self._stored_gradients()
        return self._passes(tuple(name_of(c.array.expr) for c in named), False, gradients)

    def _takes_self(self, node: Node) -> bool:
        return bool(node.args.args) and node.args.args[0].arg in ("self", "layer")

    def _begin_backward(self) -> None:
        self.where = "backward"
        self.trace.phase = "backward"

    def _backward_parameters(self, bound: bool) -> tuple[list[str], list[str]]:
        """The parameters of the backward function: upstream gradients, and the others."""
        args = self.backward.args
        names = [p.arg for p in (*args.posonlyargs, *args.args)]
        if bound and self._takes_self(self.backward):
            names = names[1:]
        required = [n for k, n in enumerate(names) if k < len(names) - len(args.defaults) or n in self.parameters]
        upstream = [n for n in required if is_upstream(n) and n not in self.parameters]
        if not upstream:
            others = [n for n in required if not is_cache(n) and n not in self.parameters]
            gradients = [n for n in others if is_gradient_name(n)]
            upstream = gradients or others[:1]
        if not upstream:
            raise Unsupported("a backward function without a gradient from above", self.backward)
        return upstream, [n for n in required if n not in upstream]

    def _split(self, result: Value, count: int) -> tuple[list[Value], list[Value]]:
        """What the forward pass returns: as many outputs as there are gradients from above, and what it saves."""
        values = list(result) if isinstance(result, tuple | list) else [result]
        if len(values) < count:
            raise Unsupported(f"{count} gradients from above for {len(values)} outputs", self.backward)
        return values[:count], values[count:]

    def _caches(self, names: list[str], rest: list[Value]) -> dict[str, Value]:
        """Values for what the backward function takes beside gradients: what was saved, or arguments by name."""
        unknown = [n for n in names if n not in self.parameters or (is_cache(n) and rest)]
        given = {n: self.parameters[n] for n in names if n not in unknown}
        if len(unknown) == 1 and len(rest) != 1:
            given[unknown[0]] = tuple(rest)
        elif len(unknown) == len(rest):
            given |= dict(zip(unknown, rest, strict=True))
        elif unknown:
            raise Unsupported(f"nothing says what {', '.join(unknown)} of the backward function is", self.backward)
        if len(unknown) == 1 and not rest:
            raise Unsupported(f"nothing says what {unknown[0]} of the backward function is", self.backward)
        return given

    # -- classes -------------------------------------------------------------------------------------------------------

    def _object(self, name: str) -> Record:
        """An object as its constructor makes it, its arrays being data."""
        made = Record("object", {}, name)
        method = self.machine.method(made, "__init__")
        if method is not None:
            self.machine.quiet += 1
            try:
                self.machine.call(method, [self._constructor_argument(*p) for p in self._constructor(method.node)], {})
            finally:
                self.machine.quiet -= 1
        for key, value in list(made.attributes.items()):
            made.attributes[key] = self._as_parameter(key, value, f"self.{key}")
        return made

    def _constructor(self, node: ast.AST) -> list[tuple[str, ast.expr | None]]:
        assert isinstance(node, Node)
        names = [p.arg for p in node.args.args][1:]
        count = len(names) - len(node.args.defaults)
        return [(n, node.args.defaults[k - count] if k >= count else None) for k, n in enumerate(names)]

    def _constructor_argument(self, name: str, default: ast.expr | None) -> Value:
        if name in self.shapes.declared or name in self.fixed or POSITIVE.match(name) or CHOICES.match(name):
            return self._argument(name, default)
        number = default.value if isinstance(default, ast.Constant) else None
        if isinstance(number, float):
            return positive_or_real(self.machine, name)
        if SIZE_LISTS.match(name) and (default is None or isinstance(default, ast.List | ast.Tuple)):
            self.built[name] = [self._free_size(f"{name}_{k + 1}") for k in range(LISTED)]
            self.trace.assume(f"{name} has {LISTED} entries")
            return list(self.built[name])
        if isinstance(default, ast.Tuple | ast.List) and SIZES.search(name):
            self.built[name] = [self._free_size(f"{name}_{k + 1}") for k in range(len(default.elts))]
            return tuple(self.built[name])
        if default is None or SIZES.search(name):
            self.built[name] = self._free_size(name)
            return self.built[name]
        return self.machine.stored(self.machine.evaluate(default, {}))

    def _free_size(self, name: str) -> Expr:
        """A size that may turn out to be that of the data."""
        self.trace.taken.add(name)
        self.machine.free_sizes.add(name)
        return sympy.Mul(*self._sizes((name,)))

    def _as_parameter(self, key: str, value: Value, place: str) -> Value:
        """An attribute of an object: an array is data under its name, unless it collects gradients."""
        if isinstance(value, dict):
            for inner in list(value) if "grad" not in key else ():
                value[inner] = self._as_parameter(str(inner), value[inner], f"{place}[{inner!r}]")
            return value
        if not is_array(value) or as_array(value).kind != "real":
            return value
        array = as_array(value)
        if not array.rank:
            if is_quantity(array.expr) and key == name_of(array.expr):
                self._note(key, value)
            return value
        if array.expr == 0 and spoken_of(key, self.machine.trace.sizes) is not None:
            return value
        made = Cell(self.trace.input(key, array.fresh().axes))
        self._note(key, made)
        self.places[key] = place
        return made

    def _stored_gradients(self) -> list[Gradient]:
        """Gradients that a backward method leaves in attributes: ``self.dW``, ``self.grads["W"]``."""
        found: list[Gradient] = []
        attributes = self.owner.attributes if self.owner is not None else {}
        known = [n for n, v in self.parameters.items() if is_array(v)]
        for key, value in attributes.items():
            if isinstance(value, dict) and "grad" in key:
                found += [self._attribute_gradient(str(k), known, v) for k, v in value.items() if is_array(v)]
            elif is_array(value) and key not in self.parameters and spoken_of(key, known) is not None:
                found.append(self._attribute_gradient(key, known, value))
        return [g for g in found if g.of is not None]

    def _attribute_gradient(self, key: str, known: list[str], value: Value) -> Gradient:
        of = key if key in known else spoken_of(key, known)
        lines = [s.line for s in self.trace.stages if s.name == key]
        line = lines[-1] if lines else self.backward.lineno
        return self._gradient(key, of, value, line)

    # -- other kinds -------------------------------------------------------------------------------------------------

    def _loss(self) -> Passes:
        """One function that returns the loss and its gradients."""
        owner_name = self.pair.forward.rpartition(".")[0]
        bound = bool(owner_name) and self._takes_self(self.forward)
        if bound:
            self.owner = self._object(owner_name)
        arguments = self._arguments(self.forward, skip=int(bound))
        self.where = "backward"
        result = self.machine.call(Function(self.forward, self.pair.forward, None, self.owner), arguments, {})
        if not isinstance(result, tuple | list) or len(result) < 2:
            raise Unsupported("a loss function that does not return its gradients", self.forward)
        loss = self._output(result[0], "loss")
        if loss.array.rank:
            raise Unsupported("a loss that is no number", self.forward)
        names = self._returned_names(self.forward, len(result))[1:]
        gradients = self._gradients(tuple(result[1:]), self._candidates(), names)
        return self._passes((name_of(loss.array.expr),), True, gradients)

    def _autograd(self) -> Passes:
        """A ``torch.autograd.Function``."""
        with_context = not self.pair.setup
        arguments = self._arguments(self.forward, skip=int(with_context))
        context = Record("ctx", {"needs_input_grad": (True,) * len(arguments)})
        given = [context, *arguments] if with_context else arguments
        result = self.machine.call(Function(self.forward, self.pair.forward), given, {})
        if self.pair.setup:
            setup = Function(self.module.functions[self.pair.setup], self.pair.setup)
            self.machine.call(setup, [context, tuple(arguments), result], {})
        count = len(self.backward.args.args) - 1
        outputs, _ = self._split(result, max(count, 1))
        named = [self._output(v, f"out{k + 1}" if len(outputs) > 1 else "out") for k, v in enumerate(outputs)]
        self._begin_backward()
        given = [context, *map(self._upstream, named)]
        returned = self.machine.call(Function(self.backward, self.pair.backward), given, {})
        names = [p.arg for p in self.forward.args.args][int(with_context) :]
        return self._passes(tuple(name_of(c.array.expr) for c in named), False, self._in_order(returned, names))

    def _custom_vjp(self) -> Passes:
        """A pair that was given to ``defvjp``."""
        arguments = self._arguments(self.forward)
        result = self.machine.call(Function(self.forward, self.pair.forward), arguments, {})
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Unsupported("a forward rule that does not return (out, residuals)", self.forward)
        named = [self._output(result[0], "out")]
        self._begin_backward()
        names = [p.arg for p in self.forward.args.args]
        apart = [names[n] for n in self._not_differentiated() if n < len(names)]
        given = [*(arguments[names.index(n)] for n in apart), result[1], self._upstream(named[0])]
        returned = self.machine.call(Function(self.backward, self.pair.backward), given, {})
        asked = [n for n in names if n not in apart]
        return self._passes((name_of(named[0].array.expr),), False, self._in_order(returned, asked))

    def _not_differentiated(self) -> list[int]:
        """The ``nondiff_argnums`` of a rule: the backward rule is given these arguments first."""
        primal = self.module.functions.get(self.pair.primal)
        calls = [d for d in primal.decorator_list if isinstance(d, ast.Call)] if primal is not None else []
        values = [k.value for call in calls for k in call.keywords if k.arg == "nondiff_argnums"]
        numbers = (n.value for value in values for n in ast.walk(value) if isinstance(n, ast.Constant))
        return [n for n in numbers if isinstance(n, int)]

    # -- what is returned --------------------------------------------------------------------------------------------

    def _passes(self, outputs: tuple[str, ...], loss: bool, gradients: list[Gradient]) -> Passes:
        shapes = {self._public(name): self._shape_of(data) for name, data in self.input_names.items()}
        selectors = self.trace.selectors
        labels = {self._public(n): _names(selectors[d]) for n, d in self.input_names.items() if d in selectors}
        fixed = {**self.machine.choices, **self.fixed}
        given = {**self.machine.whole, **self.built, **self.parameters}
        numbers = {n: _names(v) for n, v in given.items() if isinstance(v, Expr)}
        lists = {n: tuple(map(_names, v)) for n, v in self.built.items() if isinstance(v, list)}
        library = self.machine.library
        return Passes(self.pair, self.trace, outputs, loss, gradients, shapes, labels, fixed, numbers, lists, library)

    def _public(self, parameter: str) -> str:
        """The name of a parameter, or ``self.name`` of an attribute."""
        own = {p.arg for p in (*self.forward.args.posonlyargs, *self.forward.args.args, *self.forward.args.kwonlyargs)}
        return parameter if parameter in own else self.places.get(parameter, f"self.{parameter}")

    def _shape_of(self, data: str) -> tuple[Factors, ...]:
        return tuple(_names(sympy.Mul(*(n for n, _ in one))) for one in self.trace.axes[data])

    def _candidates(self) -> list[str]:
        """The parameters by which one differentiates, in order."""
        return [n for n, v in self.parameters.items() if is_array(v) and as_array(v).kind == "real"]

    def _gradient(
        self,
        name: str,
        parameter: str | None,
        value: Value,
        line: int,
        instead: str | None = None,
        position: int | None = None,
    ) -> Gradient:
        """A gradient by the data that a parameter stood for in the beginning."""
        of = self.input_names.get(parameter) if parameter is not None else None
        return Gradient(name, of, value, line, instead, self._public(parameter) if parameter else "", position)

    def _returned_names(self, node: Node, count: int) -> list[str]:
        """The names at the last return that returns so many values."""
        for each in sorted(own_returns(node), key=lambda r: -r.lineno):
            value = each.value
            elements = value.elts if isinstance(value, ast.Tuple | ast.List) else [value] if value is not None else []
            if len(elements) == count:
                return [_name_in(e) for e in elements]
        return [""] * count

    def _in_order(self, returned: Value, names: list[str]) -> list[Gradient]:
        """Gradients in the order of the parameters, which a library's protocol fixes."""
        values = list(returned) if isinstance(returned, tuple | list) else [returned]
        line = self._last_return(self.backward)
        if len(values) != len(names):
            raise Fault(f"{len(values)} gradients are returned for {len(names)} arguments", self._return_node())
        own = self._returned_names(self.backward, len(values))
        found = []
        for k, (name, shown, value) in enumerate(zip(names, own, values, strict=True)):
            argument = self.parameters.get(name)
            is_data = is_array(argument) and as_array(argument).kind == "real"
            if value is None and (not is_data or not as_array(argument).rank):
                continue
            if is_data:
                found.append(self._gradient(shown or f"grad of {name}", name, value, line, position=k))
        return found

    def _return_node(self) -> ast.AST:
        return max(own_returns(self.backward), key=lambda r: r.lineno, default=self.backward)

    def _gradients(self, returned: Value, candidates: list[str], names: list[str] | None = None) -> list[Gradient]:
        """Gradients by their position, and by their names where these say more."""
        line = self._last_return(self.backward)
        if returned is None and self._stored_gradients():
            return []
        if isinstance(returned, tuple) and len(returned) == 1 and isinstance(returned[0], dict):
            returned = returned[0]
        if isinstance(returned, dict):
            return [self._by_key(str(key), value, candidates, line) for key, value in returned.items()]
        values = list(returned) if isinstance(returned, tuple | list) else [returned]
        names = names or self._returned_names(self.backward, len(values))
        return self._by_position(values, names, candidates, line)

    def _by_key(self, key: str, value: Value, candidates: list[str], line: int) -> Gradient:
        of = key if key in candidates else spoken_of(key, candidates)
        lines = [s.line for s in self.trace.stages if s.name == key]
        return self._gradient(key, of, value, lines[-1] if lines else line)

    def _by_position(self, values: list[Value], names: list[str], candidates: list[str], line: int) -> list[Gradient]:
        spoken = [spoken_of(name, candidates) if name else None for name in names]
        places = self._places(values, spoken, candidates)
        found = []
        for k, (value, name, place, said) in enumerate(zip(values, names, places, spoken, strict=True)):
            instead = said if said is not None and place is not None and said != place else None
            of = place if place is not None else said
            if value is None and of is None:
                continue
            shown = name or (f"grad of {of}" if of else "gradient")
            found.append(self._gradient(shown, of, value, line, instead, k))
        return found

    def _places(self, values: list[Value], spoken: list[str | None], candidates: list[str]) -> list[str | None]:
        """The parameter that each position stands for; none where their numbers differ."""
        arrays = [n for n in candidates if as_array(self.parameters[n]).rank] or candidates
        for order in (arrays, candidates, list(self.parameters)):
            if len(order) == len(values):
                return [n if n in candidates else None for n in order]
        named = [s for s in spoken if s is not None]
        in_order = [n for n in candidates if n in named]
        if len(named) == len(values) and named == in_order:
            return list(named)
        return [None] * len(values)


def _names(size: Expr) -> Factors:
    """A size as factors by name."""
    return tuple(str(f) for f in sympy.Mul.make_args(size) if f != 1)


def _name_in(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def is_backward(name: str) -> bool:
    """Whether a definition is of the backward pass."""
    return name.startswith(BACKWARD)
