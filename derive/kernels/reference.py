"""What a kernel should give: the definitions of the forward pass and the staged derivatives of the chain rule evaluated
as they stand, in longdouble. It shares neither the closed forms nor the programs with what it is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Expr, Symbol

from derive.court import Court
from derive.forward import quantities_in
from derive.kernels.make import Made
from derive.kernels.program import Kernel
from derive.language import name_of
from derive.numeric import lambdify

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


class Reference:
    """A forward pass and its derivatives on given arrays.

    Args:
        given: the arguments of the forward pass.
        upstream: the gradients of the loss by its outputs.
    """

    def __init__(self, made: Made, given: Mapping[str, Any], upstream: Mapping[str, Any]) -> None:
        self.court = made.court
        self._values = _known(made, given, upstream)

    def over(self, court: Court) -> Reference:
        """The same data under a forward pass that was read again."""
        other = object.__new__(Reference)
        other.court, other._values = court, dict(self._values)
        return other

    def value(self, name: str) -> Array:
        """An input, a definition or a staged derivative. Raises `KeyError` where it is none of them."""
        if name not in self._values:
            staged = self.court.calculus.staged
            definition = self.court.graph.by_name[name] if name in self.court.graph.by_name else staged[name]
            self._values[name] = self.evaluated(definition.expr, definition.indices, definition.sizes)
        return np.asarray(self._values[name])

    def gradient(self, key: str) -> Array:
        """The derivative of the loss by a name."""
        graph = self.court.graph
        indices = graph.indices_of(key)
        return self.evaluated(self.court.calculus.adjoint(key, indices), indices, graph.sizes_of(key))

    def evaluated(self, expr: Expr, indices: Sequence[Symbol], sizes: Sequence[Expr]) -> Array:
        """An expression's values, one axis an index."""
        for quantity in sorted(quantities_in(expr), key=str):
            self.value(name_of(quantity))
        with np.errstate(all="ignore"):
            return lambdify(expr, indices, sizes, np.longdouble)(self._values)


def _known(made: Made, given: Mapping[str, Any], upstream: Mapping[str, Any]) -> dict[str, Any]:
    """What everything else follows from: inputs, sizes, upstream gradients."""
    kernel: Kernel = made.kernel
    values: dict[str, Any] = {a.key: np.asarray(given[a.name], np.longdouble) for a in kernel.forward.arrays}
    for array in kernel.forward.arrays:
        for size, n in zip(made.graph.sizes_of(array.key), np.shape(given[array.name]), strict=True):
            values[size.name] = n
    for array in kernel.backward.arrays:
        if array.role == "upstream":
            values[array.key] = np.asarray(upstream[kernel.label_of(array)], np.longdouble)
    return values


__all__ = ["Reference"]
