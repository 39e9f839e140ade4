"""Expressions as NumPy functions, through `sympy.lambdify`, and values on random data.

Every index of an expression is an array axis. An entry prints as its array with axes put in that order, a sum as a
reduction over its axis with ``keepdims``, never as a Python loop. Arguments get names of their own, so that nothing
from a document reaches the generated source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sympy
from sympy import Expr, Symbol
from sympy.printing.numpy import NumPyPrinter

from derive.forward import Definition, Graph, quantities_in
from derive.language import erf, name_of, sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

POSITIVE_SHIFT = 0.5


class _Printer(NumPyPrinter):  # type: ignore[misc]
    """Prints indexed expressions over a fixed order of all indices."""

    def __init__(self, order: Sequence[Symbol], arguments: Mapping[str, str], ranges: Mapping[Symbol, str]) -> None:
        super().__init__({"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": False})
        self.indices = list(order)
        self.arguments = arguments
        self.ranges = ranges

    def _print_Symbol(self, expr: Symbol) -> str:
        if expr in self.ranges:
            return self.ranges[expr]
        return self.arguments[expr.name]

    _print_Dummy = _print_Symbol

    def _print_Indexed(self, expr: Expr) -> str:
        """The array with its axes in the common order, length one where it lacks an index."""
        name = self.arguments[name_of(expr)]
        if len(set(expr.indices)) < len(expr.indices) or not all(i in self.indices for i in expr.indices):
            selected = ", ".join(self._index(i) for i in expr.indices)
            return f"{name}[{selected}]"
        axes = sorted(range(len(expr.indices)), key=lambda k: self.indices.index(expr.indices[k]))
        moved = name if axes == list(range(len(axes))) else f"{name}.transpose({axes})"
        places = {self.indices.index(i) for i in expr.indices}
        slots = ", ".join(":" if k in places else "None" for k in range(len(self.indices)))
        return f"{moved}[{slots}]"

    def _index(self, index: Expr) -> str:
        """An index as an array of whole numbers from 0, for entries picked by other arrays."""
        if isinstance(index, sympy.Integer):
            return str(int(index) - 1)
        if isinstance(index, sympy.Indexed):
            return f"{self._print(index)}.astype(int) - 1"
        return f"{self.ranges[index]} - 1"

    def _print_KroneckerDelta(self, expr: Expr) -> str:
        i, j = (str(a) if isinstance(a, sympy.Integer) else self._print(a) for a in expr.args[:2])
        return f"({i} == {j}).astype(float)"

    def _print_ordered(self, expr: Expr) -> str:
        i, j = (str(a) if isinstance(a, sympy.Integer) else self._print(a) for a in expr.args)
        return f"({i} <= {j}).astype(float)"

    def _print_Sum(self, expr: Expr) -> str:
        axes = tuple(self.indices.index(i) for i, _, _ in expr.limits)
        scale = "".join(f"*{self._print(high)}" for i, _, high in expr.limits if not expr.function.has(i))
        zeros = f"{self._module_format('numpy.zeros')}({(1,) * len(self.indices)})"  # a body without axes gets them
        summed = f"{self._print(expr.function)} + {zeros}, axis={axes}, keepdims=True"
        return f"({self._module_format('numpy.sum')}({summed}){scale})"

    def _print_Product(self, expr: Expr) -> str:
        axes = tuple(self.indices.index(i) for i, _, _ in expr.limits)
        return f"{self._module_format('numpy.prod')}({self._print(expr.function)}, axis={axes}, keepdims=True)"

    def _print_sigmoid(self, expr: Expr) -> str:
        return f"(1.0/(1.0 + {self._module_format('numpy.exp')}(-({self._print(expr.args[0])}))))"

    def _print_softplus(self, expr: Expr) -> str:
        return f"{self._module_format('numpy.logaddexp')}(0, {self._print(expr.args[0])})"

    def _print_erf(self, expr: Expr) -> str:
        return f"erf({self._print(expr.args[0])})"

    def _print_Heaviside(self, expr: Expr) -> str:
        return f"{self._module_format('numpy.heaviside')}({self._print(expr.args[0])}, 0.5)"


def lambdify(
    expr: Expr, indices: Sequence[Symbol], sizes: Sequence[Expr], dtype: Any = float
) -> Callable[[Mapping[str, Any]], Array]:
    """A NumPy function of arrays by name, giving an array with one axis for each of ``indices``.

    Args:
        sizes: the size of each index, over size symbols that are passed by name too.
        dtype: of the result; what is computed in is that of the arrays.
    """
    order = [*indices, *_summed(expr)]
    lengths = {**dict(zip(indices, sizes, strict=True)), **_summed(expr)}
    names = sorted(
        {name_of(q) for q in quantities_in(expr)} | {s.name for n in lengths.values() for s in n.free_symbols}
    )
    arguments = {name: f"a{k}" for k, name in enumerate(names)}
    ranges = {i: f"r{k}" for k, i in enumerate(order)}
    printer = _Printer(order, arguments, ranges)
    symbols = [Symbol(a) for a in (*arguments.values(), *ranges.values())]
    function = sympy.lambdify(symbols, expr, modules=[{"erf": _erf}, "numpy"], printer=printer)

    def evaluate(data: Mapping[str, Any]) -> Array:
        import numpy as np

        shape = [
            int(lengths[i].xreplace({s: sympy.Integer(data[s.name]) for s in lengths[i].free_symbols})) for i in order
        ]
        grids = [
            np.arange(1, n + 1).reshape([n if j == k else 1 for j in range(len(order))]) for k, n in enumerate(shape)
        ]
        result = np.asarray(function(*(data[name] for name in names), *grids), dtype=dtype)
        full = tuple(shape[: len(indices)]) + (1,) * (len(order) - len(indices))
        return np.broadcast_to(result, full).reshape(shape[: len(indices)])

    return evaluate


def _erf(values: Any) -> Any:
    import math

    import numpy as np

    return np.vectorize(math.erf)(values)


def _summed(expr: Expr) -> dict[Symbol, Expr]:
    """The summed indices of an expression with their sizes, in order of appearance."""
    found: dict[Symbol, Expr] = {}
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, sympy.Sum | sympy.Product):
            found.update({i: high for i, _, high in node.limits})
    return found


class RandomData:
    """A forward pass with all that is derived from it, on random data.

    Args:
        staged: definitions of staged derivatives; looked up as they are needed.
        sizes: the value of each size symbol.
        shapes: the sizes of the indices of each input.
    """

    def __init__(self, graph: Graph, staged: Mapping[str, Definition], sizes: Mapping[str, int], seed: int = 0) -> None:
        import numpy as np

        self.graph = graph
        self.staged = staged
        self.sizes = sizes
        self.random = np.random.default_rng(seed)
        self._arrays: dict[str, Any] = dict(sizes)

    def value(self, expr: Expr, indices: Sequence[Symbol], sizes: Sequence[Expr]) -> Array:
        """An expression's values, one axis an index."""
        for quantity in sorted(quantities_in(expr), key=str):
            self._ensure(name_of(quantity))
        return lambdify(expr, indices, sizes)(self._arrays)

    def _ensure(self, name: str) -> None:
        if name in self._arrays:
            return
        definition = self.graph.by_name.get(name) or self.staged.get(name)
        if definition is None:
            self._arrays[name] = self._draw(name)
        else:
            self._arrays[name] = self.value(definition.expr, definition.indices, definition.sizes)

    def _draw(self, name: str) -> Any:
        sizes = self.graph.sizes_of(name.split("/∂")[-1] if name.startswith("∂") else name)
        shape = tuple(int(n.xreplace({s: sympy.Integer(self.sizes[s.name]) for s in n.free_symbols})) for n in sizes)
        if name in self.graph.selectors:
            size = self.graph.selectors[name]
            high = int(size.xreplace({s: sympy.Integer(self.sizes[s.name]) for s in size.free_symbols}))
            return self.random.integers(1, high + 1, shape)
        values = self.random.normal(size=shape)
        return abs(values) + POSITIVE_SHIFT if name in self.graph.positive else values


__all__ = ["RandomData", "erf", "lambdify", "sigmoid"]
