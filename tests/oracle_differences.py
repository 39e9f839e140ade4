"""An oracle for gradients: the forward pass computed with NumPy at a size, differentiated by central differences.

It shares the evaluation of expressions (`derive.numeric`) with the package and nothing of its calculus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy
from sympy import Expr

from derive.forward import Graph
from derive.model import Gradient, Model
from derive.numeric import lambdify

STEP = 1e-5


class Oracle:
    """A forward pass at random data of one size.

    Args:
        sizes: the value of each size, by name; those that are not named take values from 3 up.
    """

    def __init__(self, model: Model, seed: int, **sizes: int) -> None:
        self.graph: Graph = model.graph
        random = np.random.default_rng(seed)
        names = self.graph.size_names
        self.sizes = {name: sizes.get(name, 3 + k % 3) for k, name in enumerate(names)}
        self.inputs = {name: self._draw(name, random) for name in self.graph.inputs}
        self._functions = {d.name: lambdify(d.expr, d.indices, d.sizes) for d in self.graph.definitions}
        outputs = (self.graph.loss,) if self.graph.has_loss else self.graph.outputs
        self.upstream = {
            name: np.ones(()) if name == self.graph.loss else random.normal(size=self._shape(name)) for name in outputs
        }

    def _shape(self, name: str) -> tuple[int, ...]:
        sizes = self.graph.sizes_of(name)
        return tuple(int(n.xreplace({s: sympy.Integer(self.sizes[s.name]) for s in n.free_symbols})) for n in sizes)

    def _draw(self, name: str, random: np.random.Generator) -> Any:
        if name in self.graph.selectors:
            return random.integers(1, int(str(self.graph.selectors[name])) + 1, size=self._shape(name))
        return random.uniform(0.3, 1.7, size=self._shape(name))  # positive, so that every power and logarithm exists

    def forward(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """All names of the forward pass."""
        values: dict[str, Any] = {**self.sizes, **inputs}
        for name, function in self._functions.items():
            values[name] = function(values)
        return values

    def loss(self, inputs: Mapping[str, Any]) -> float:
        """The loss; an unknown one is the outputs weighted by the upstream gradients."""
        values = self.forward(inputs)
        return float(sum(np.sum(weights * values[name]) for name, weights in self.upstream.items()))

    def differences(self, name: str) -> Any:
        """The gradient of the loss by an input, one entry at a time."""
        result = np.zeros_like(self.inputs[name])
        for place in np.ndindex(result.shape):
            sides = []
            for step in (STEP, -STEP):
                changed = self.inputs[name].copy()
                changed[place] += step
                sides.append(self.loss({**self.inputs, name: changed}))
            result[place] = (sides[0] - sides[1]) / (2 * STEP)
        return result

    def value(self, gradient: Gradient) -> Any:
        """A gradient's closed form, those that it uses by name first."""
        values = self.forward(self.inputs)
        loss = self.graph.loss
        for name, weights in self.upstream.items():
            values[f"∂{loss}/∂{name}"] = weights
        for stage in (*gradient.stages, gradient):
            by = stage.left.args[1]
            values[f"∂{loss}/∂{stage.name}"] = self.evaluated(stage.closed_form, by, values)
        return values[f"∂{loss}/∂{gradient.name}"]

    def evaluated(self, expr: Expr, by: Expr, values: Mapping[str, Any]) -> Any:
        """An expression over the indices of an entry of a name."""
        indices = by.indices if isinstance(by, sympy.Indexed) else ()
        name = str(by.base.label).removeprefix("\\dot{").removesuffix("}") if indices else ""
        sizes = self.graph.sizes_of(str(by.base.label)) or self.graph.sizes_of(name) if indices else ()
        return lambdify(expr, indices, sizes)(values)
