"""A kernel compared with everything that does not share its code: the definitions and their derivatives evaluated as
they stand in longdouble, finite differences of its own forward pass, and what the document derives by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.kernels.axes import NotLowerable
from derive.kernels.hand import Hand
from derive.kernels.kernel import RunningKernel
from derive.kernels.make import Made
from derive.kernels.reference import Reference
from derive.plain import plain
from derive.typeset import key_node

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

STEP = 1e-5
DOUBLE, SINGLE, DIFFERENCES, HAND = 1e-10, 1e-4, 1e-6, 1e-7
"""Errors that are tolerated: in float64, in float32, against central differences, against what is written by hand."""
SMALL = 1e-8  # below it a relative error is an absolute one


@dataclass(frozen=True)
class Line:
    """One quantity: its largest errors over its largest value (``None``: not a derivative).

    Attributes:
        double, single: in float64 and float32, against the reference on the same data.
        differences: against central differences.
        relative: against central differences, the largest relative error of an entry.
    """

    name: str
    double: float
    single: float
    differences: float | None = None
    relative: float | None = None

    @property
    def agrees(self) -> bool:
        differs = self.differences is not None and not self.differences <= DIFFERENCES
        return self.double <= DOUBLE and self.single <= SINGLE and not differs

    def cells(self) -> tuple[str, ...]:
        errors = (self.double, self.single, self.differences, self.relative)
        return f"{self.name}{'' if self.agrees else ' !'}", *("" if e is None else f"{e:.1e}" for e in errors)


@dataclass(frozen=True)
class HandLine:
    """A gradient, or a term of one, that the document derives by hand.

    Attributes:
        line: where it stands; None for a term of the gradient above.
        name: of the gradient, or the path that the term belongs to.
        relative: the largest relative error of an entry: the kernel's beside what is written, or the derived term
            beside the written one; None for a gradient with names that have no value, and for a term beside which
            there is none.
    """

    line: int | None
    name: str
    relative: float | None

    @property
    def agrees(self) -> bool:
        return self.line is not None if self.relative is None else self.relative <= HAND

    def cells(self) -> tuple[str, ...]:
        where = "" if self.line is None else f"line {self.line}"
        nothing = "alone" if self.line is None else "not evaluated"
        error = nothing if self.relative is None else f"{self.relative:.1e}"
        return where, f"{self.name}{'' if self.agrees else ' !'}", error


@dataclass(frozen=True)
class Report:
    """What a kernel was compared with, a line a quantity; ``source`` is that of the kernel."""

    target: str
    sizes: Mapping[str, int]
    lines: tuple[Line, ...]
    hand: tuple[HandLine, ...] = ()
    source: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the kernel agrees with its reference; what is derived by hand may not."""
        return all(line.agrees for line in self.lines)

    @property
    def agrees(self) -> bool:
        return self.is_right and all(line.agrees for line in self.hand)

    def text(self) -> str:
        """Tables."""
        sizes = ", ".join(f"{name} = {n}" for name, n in self.sizes.items())
        bits = np.finfo(np.longdouble).nmant + 1
        titles = ("", "float64", "float32", "differences", "relative")
        parts = [
            f"The {self.target} kernel on random data, {sizes}: largest errors over largest values",
            _table([titles, *(line.cells() for line in self.lines)]),
            f"float64, float32: against the definitions and their derivatives as they stand, with {bits} bits\n"
            f"differences: float64 against (f(x + h) - f(x - h)) / 2h, h = {STEP:g}\n"
            f"relative: the same, the largest |a - b| / max({SMALL:g}, |a| + |b|) of an entry",
        ]
        if self.hand:
            parts.append("Beside what is derived by hand: largest relative errors")
            parts.append(_table([line.cells() for line in self.hand]))
        return "\n\n".join([*parts, self._verdict()]) + "\n"

    def _verdict(self) -> str:
        if self.agrees:
            return "All agree."
        if self.is_right:
            return "The kernel agrees with its reference; what is derived by hand (!) does not."
        return "Not all agree."


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    rows = list(rows)
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def verify(kernel: RunningKernel, made: Made, hand: Iterable[Hand] = (), seed: int = 0) -> Report:
    """Compare a kernel at random data of sizes 3, 4, 5 ...

    Args:
        made: what the kernel was made from.
        hand: the gradients that its document derives by hand.
    """
    return _Comparison(kernel, made, seed).report(hand)


def try_out(kernel: RunningKernel, made: Made) -> None:
    """Run a kernel once. Raises `NotLowerable` where it does not run: such a module is of no use to anybody."""
    try:
        _Comparison(kernel, made, 0)
    except (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError) as error:
        raise NotLowerable(f"the module that was made does not run ({type(error).__name__}: {error})") from error


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
        self.reference = Reference(made, self.given, self.upstream)

    def _draw(self, key: str, shape: list[int]) -> Any:
        values = self.random.normal(size=shape)
        values = np.abs(values) + 0.5 if key in self.made.graph.positive else values
        return values if shape else float(values)

    def report(self, hand: Iterable[Hand]) -> Report:
        lines = (*self._outputs(), *self._gradients())
        by_hand = tuple(line for h in hand for line in self._by_hand(h))
        return Report(self.kernel.target, self.sizes, lines, by_hand, self.kernel.source)

    def _outputs(self) -> Iterator[Line]:
        singles, reference = self._in_single()
        for o in self.kernel.program.forward.results:
            double = error(self.outputs[o.label], self.reference.value(o.key))
            yield Line(o.label, double, error(singles[o.label], reference.value(o.key)))

    def _gradients(self) -> Iterator[Line]:
        singles, reference = self._in_single()
        for o in self.kernel.program.backward.results:
            got, differences = self.gradients[o.label], self._differences(o.label)
            single = error(singles[f"d{o.label}"], reference.gradient(o.key))
            yield Line(
                f"d{o.label}",
                error(got, self.reference.gradient(o.key)),
                single,
                error(got, differences),
                relative_error(got, differences),
            )

    # -- beside what is written by hand ------------------------------------------------------------------------------

    def _by_hand(self, hand: Hand) -> Iterator[HandLine]:
        """A gradient and its terms; without them where it is right and only put together in another way."""
        label = next(o.label for o in self.kernel.program.backward.results if o.key == hand.key)
        reference = self.reference.over(hand.court)
        try:
            written = reference.evaluated(hand.expr, hand.indices, hand.sizes)
        except KeyError:
            yield HandLine(hand.line, f"d{label}", None)
            return
        whole = HandLine(hand.line, f"d{label}", relative_error(self.gradients[label], written))
        terms = list(self._terms(hand, reference))
        yield whole
        if not whole.agrees or all(term.agrees for term in terms):
            yield from terms

    def _terms(self, hand: Hand, reference: Reference) -> Iterator[HandLine]:
        for term in hand.terms:
            derived, author = (
                reference.evaluated(expr, hand.indices, hand.sizes) if expr is not None else None
                for expr in (term.derived, term.author)
            )
            if derived is not None and author is not None:
                yield HandLine(None, _path(term.path), relative_error(derived, author))
            elif derived is None or float(np.max(np.abs(derived), initial=0.0)) > HAND:  # else none is due
                yield HandLine(None, _path(term.path), None)

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

    def _in_single(self) -> tuple[dict[str, Any], Reference]:
        """Every quantity in float32, and the reference on what the data are in float32."""
        given = {n: v.astype(np.float32) if np.ndim(v) else v for n, v in self.given.items()}
        upstream = {n: u.astype(np.float32) for n, u in self.upstream.items()}
        *values, saved = self.kernel.forward(**given)
        gradients = self.kernel.backward(saved, **upstream)
        found = dict(zip(self.outputs, values, strict=True)) | {f"d{n}": g for n, g in gradients.items()}
        return found, Reference(self.made, given, upstream)


def _path(path: str | None) -> str:
    """How a term comes about."""
    if path is None:
        return "  not derived"
    return f"  through {plain(key_node(path))}" if path else "  directly"


def error(got: Any, expected: Array) -> float:
    """The largest absolute error over the largest absolute value."""
    if not np.size(expected):
        return 0.0
    largest = float(np.max(np.abs(expected)))
    return float(np.max(np.abs(got - expected))) / (largest or 1.0)


def relative_error(first: Any, second: Any) -> float:
    """The largest relative error of an entry, as CS231n computes it: |a − b| / max(1e-8, |a| + |b|)."""
    sizes = np.maximum(SMALL, np.abs(first) + np.abs(second))
    return float(np.max(np.abs(first - second) / sizes, initial=0.0))


__all__ = ["HandLine", "Line", "Report", "error", "relative_error", "verify"]
