"""A kernel compared with everything that does not share its code: the hand derivation term by term is `check
--terms`'s business, here it is finite differences of its own forward pass, the derived gradient evaluated from the
graph, and itself in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.forward import quantities_in
from derive.kernels.kernel import RunningKernel
from derive.kernels.make import Made
from derive.language import name_of
from derive.numeric import lambdify

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

STEP = 1e-5
GRAPH, DIFFERENCES, SINGLE = 1e-10, 1e-6, 1e-4
"""Relative errors that are tolerated: against the graph, against central differences, in float32."""


@dataclass(frozen=True)
class Line:
    """One quantity: its largest errors over its largest value (``None``: not a derivative)."""

    name: str
    graph: float
    differences: float | None
    single: float

    @property
    def agrees(self) -> bool:
        differs = self.differences is not None and not self.differences <= DIFFERENCES
        return self.graph <= GRAPH and self.single <= SINGLE and not differs


@dataclass(frozen=True)
class Report:
    """What a kernel was compared with, a line a quantity."""

    target: str
    sizes: Mapping[str, int]
    lines: tuple[Line, ...]

    @property
    def agrees(self) -> bool:
        return all(line.agrees for line in self.lines)

    def text(self) -> str:
        """A table."""
        sizes = ", ".join(f"{name} = {n}" for name, n in self.sizes.items())
        rows = [("", "graph", "differences", "float32"), *map(_row, self.lines)]
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        table = ["  ".join(cell.ljust(widths[k]) for k, cell in enumerate(row)).rstrip() for row in rows]
        verdict = "All agree." if self.agrees else "Not all agree."
        head = f"Largest errors over largest values of the {self.target} kernel, {sizes}:"
        notes = (
            "graph: float64 against the definitions and their derivatives evaluated as they stand",
            f"differences: float64 against (f(x + h) - f(x - h)) / 2h, h = {STEP:g}",
            "float32: the kernel in float32 against itself in float64",
        )
        return "\n".join([head, "", *table, "", *notes, "", verdict, ""])


def _row(line: Line) -> tuple[str, str, str, str]:
    differences = "" if line.differences is None else f"{line.differences:.1e}"
    return line.name + ("" if line.agrees else " !"), f"{line.graph:.1e}", differences, f"{line.single:.1e}"


def verify(kernel: RunningKernel, made: Made, seed: int = 0) -> Report:
    """Compare a kernel at random data of sizes 3, 4, 5 ...

    Args:
        made: what the kernel was made from.
    """
    return _Comparison(kernel, made, seed).report()


class _Comparison:
    def __init__(self, kernel: RunningKernel, made: Made, seed: int) -> None:
        self.kernel = kernel
        self.made = made
        self.random = np.random.default_rng(seed)
        program = kernel.program.forward
        self.sizes = {name: 3 + k for k, name in enumerate(program.size_names)}
        self.given = {a.name: self._draw(a.key, [self.sizes[program.sizes[x]] for x in a.axes]) for a in program.arrays}
        *values, saved = kernel.forward(**self.given)
        self.outputs = dict(zip((o.label for o in program.results), values, strict=True))
        ups = [kernel.program.label_of(a) for a in kernel.program.backward.arrays if a.role == "upstream"]
        self.upstream = {u: self.random.normal(size=np.shape(self.outputs[u])) for u in ups}
        self.gradients = kernel.backward(saved, **self.upstream)
        self.values = self._known()

    def _draw(self, key: str, shape: list[int]) -> Any:
        values = self.random.normal(size=shape)
        values = np.abs(values) + 0.5 if key in self.made.graph.positive else values
        return values if shape else float(values)

    def report(self) -> Report:
        singles = self._in_single()
        lines = [
            Line(o.label, _error(self.outputs[o.label], self._value(o.key)), None, _error(*singles[o.label]))
            for o in self.kernel.program.forward.results
        ]
        for output in self.kernel.program.backward.results:
            got = self.gradients[output.label]
            name = f"d{output.label}"
            derived, differences = self._derived(output.key), self._differences(output.label)
            lines.append(Line(name, _error(got, derived), _error(got, differences), _error(*singles[name])))
        return Report(self.kernel.target, self.sizes, tuple(lines))

    # -- from the graph ----------------------------------------------------------------------------------------------

    def _known(self) -> dict[str, Any]:
        """What the graph starts from: inputs, sizes, upstream gradients."""
        program, graph = self.kernel.program, self.made.graph
        values: dict[str, Any] = {a.key: np.asarray(self.given[a.name]) for a in program.forward.arrays}
        for array in program.forward.arrays:
            for size, n in zip(graph.sizes_of(array.key), np.shape(self.given[array.name]), strict=True):
                values[size.name] = n
        ups = (a for a in program.backward.arrays if a.role == "upstream")
        return values | {a.key: np.asarray(self.upstream[program.label_of(a)]) for a in ups}

    def _value(self, name: str) -> Array:
        if name not in self.values:
            graph, staged = self.made.graph, self.made.court.calculus.staged
            definition = graph.by_name[name] if name in graph.by_name else staged[name]
            self.values[name] = self._evaluated(definition.expr, definition.indices, definition.sizes)
        return np.asarray(self.values[name])

    def _derived(self, key: str) -> Array:
        graph = self.made.graph
        indices = graph.indices_of(key)
        return self._evaluated(self.made.court.calculus.adjoint(key, indices), indices, graph.sizes_of(key))

    def _evaluated(self, expr: Any, indices: Any, sizes: Any) -> Array:
        for quantity in sorted(quantities_in(expr), key=str):
            self._value(name_of(quantity))
        with np.errstate(all="ignore"):
            return lambdify(expr, indices, sizes)(self.values)

    # -- from the kernel itself --------------------------------------------------------------------------------------

    def _differences(self, name: str) -> Array:
        result = np.zeros(np.shape(self.given[name]))
        for at in np.ndindex(result.shape):
            result[at] = (self._loss(name, at, STEP) - self._loss(name, at, -STEP)) / (2 * STEP)
        return result

    def _loss(self, name: str, at: tuple[int, ...], step: float) -> float:
        """The loss whose gradients by the outputs are those that were passed, one entry moved."""
        moved = np.array(self.given[name], float)
        moved[at] += step
        *values, _ = self.kernel.forward(**{**self.given, name: moved if at else float(moved)})
        pairs = zip(self.outputs, values, strict=True)
        return sum(float(np.sum(value * self.upstream.get(label, 1.0))) for label, value in pairs)

    def _in_single(self) -> dict[str, tuple[Any, Array]]:
        """Every quantity in float32 beside float64."""
        given = {n: v.astype(np.float32) if np.ndim(v) else v for n, v in self.given.items()}
        *values, saved = self.kernel.forward(**given)
        gradients = self.kernel.backward(saved, **{n: u.astype(np.float32) for n, u in self.upstream.items()})
        outputs = zip(self.outputs.items(), values, strict=True)
        found = {label: (value, np.asarray(double)) for (label, double), value in outputs}
        return found | {f"d{n}": (g, np.asarray(self.gradients[n])) for n, g in gradients.items()}


def _error(got: Any, expected: Array) -> float:
    """The largest absolute error over the largest absolute value."""
    if not np.size(expected):
        return 0.0
    largest = float(np.max(np.abs(expected)))
    return float(np.max(np.abs(got - expected))) / (largest or 1.0)
