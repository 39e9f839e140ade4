"""A counterexample that anybody can run: a few lines of NumPy, torch or JAX that call the author's own functions.

The lines are written only after the concrete interpreter ran the pair on the same data and the gradient and the central
difference came out apart. The same runs tell whether a gradient checker would have seen it.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from derive.code.concrete import Gradients, NotRunnable, Rerun, gradients, rerun, run
from derive.code.concrete.conventions import defaults_of, parameters_of, returned_names
from derive.code.crosscheck import fixed_in, shapes_of, sizes_of, value_of
from derive.code.judge import Finding
from derive.code.naming import is_cache
from derive.code.pairs import functions_of, is_static
from derive.code.passes import Gradient, Passes

LENGTHS = ((3, 2, 4, 5, 6, 7), (2, 2, 2, 2, 2, 2), (2, 1, 2, 1, 2, 1))
"""Lengths of axes to try, until no array is too long to be pasted."""
MAX_ENTRIES = 24
DIGITS = (1, 2)
"""Digits behind the point to try: with few of them a matrix may come out symmetric."""
STEP = 1e-5
APART = 1e-3
"""How far two numbers are apart for anybody to see it, relative to them."""
GRADCHECK = {"eps": 1e-6, "atol": 1e-5, "rtol": 1e-3}
"""The defaults of torch.autograd.gradcheck, https://docs.pytorch.org/docs/stable/generated/
torch.autograd.gradcheck.gradcheck.html: central differences of step eps; analytic and numeric Jacobians are
compared entry by entry, |a - n| <= atol + rtol |n|, in float64."""
DRAWS = 3
CHECKED_LENGTHS = ((8, 4, 3, 5, 2, 2), (4, 3, 2, 2, 2, 2), (3, 2, 2, 2, 2, 2))
MAX_RUNS = 250


class Seen(NamedTuple):
    """An entry of a gradient in which the code and the difference are apart."""

    at: tuple[int, ...]
    claimed: float
    numeric: float


@dataclass(frozen=True)
class Style:
    """How a library writes things."""

    imports: tuple[str, ...]
    prefix: str
    array: str
    step: tuple[str, ...]


STYLES = {
    "numpy": Style(("import numpy as np",), "np", "np.array({})", ("step = np.zeros_like({x})", "step[{at}] = {h}")),
    "torch": Style(
        ("import torch",), "torch", "torch.tensor({}, dtype=torch.float64)",
        ("step = torch.zeros_like({x})", "step[{at}] = {h}"),
    ),
    "jax": Style(
        ("import jax", "import jax.numpy as jnp", "", 'jax.config.update("jax_enable_x64", True)'), "jnp",
        "jnp.array({})", ("step = jnp.zeros_like({x}).at[{at}].set({h})",),
    ),
}  # fmt: skip


class Demonstration:
    """What can be shown of a pair on data.

    Args:
        path: of the file, for the import.
        tree: the module.
        passes: the pair as it was read.
        findings: what was found about it.
    """

    def __init__(self, path: str, tree: ast.Module, passes: Passes, findings: Sequence[Finding]) -> None:
        self.path, self.tree, self.passes, self.pair = path, tree, passes, passes.pair
        returned = [f for f in findings if f.role == "returned"]
        wrong = (g for f, g in zip(returned, passes.gradients, strict=True) if f.status == "refuted" and f.of)
        self.gradient: Gradient | None = next(wrong, None)
        self.functions = functions_of(tree)

    # -- runs --------------------------------------------------------------------------------------------------------

    @cached_property
    def _drawn(self) -> tuple[Gradients, Mapping[str, object]] | None:
        """Data that is short enough, with the settings that are fixed."""
        for lengths in LENGTHS:
            sizes = sizes_of(self.passes, lengths)
            fixed = fixed_in(self.passes, sizes)
            try:
                data = gradients(self.tree, self.pair, shapes_of(self.passes), sizes, fixed=fixed)
            except NotRunnable:
                continue
            if all(np.size(each) <= MAX_ENTRIES for each in (*data.arguments.values(), *data.upstream)):
                return data, fixed
        return None

    @cached_property
    def _shown(self) -> tuple[Gradients, Mapping[str, object], Seen] | None:
        """The same with as few digits as show the mistake, and where it shows."""
        if self._drawn is None or self.gradient is None:
            return None
        data, fixed = self._drawn
        for digits in DIGITS:
            arguments = {name: _rounded(value, digits) for name, value in data.arguments.items()}
            upstream = data.upstream if self.pair.kind == "loss" else [_rounded(u, digits) for u in data.upstream]
            shorter = replace(data, arguments=arguments, upstream=upstream)
            seen = self._seen(self.gradient, shorter, fixed)
            if seen is not None:
                return shorter, fixed, seen
        return None

    def _ran(self, data: Gradients, fixed: Mapping[str, object]) -> Rerun:
        return rerun(self.tree, self.pair, shapes_of(self.passes), data, fixed=fixed)

    def _seen(self, gradient: Gradient, data: Gradients, fixed: Mapping[str, object]) -> Seen | None:
        """The entry of a wrong gradient that is the farthest from the difference, if anybody would see it."""
        point = np.asarray(data.arguments.get(gradient.parameter, 0.0))
        try:
            found = value_of(gradient, self._ran(data, fixed))
            if found is None or np.shape(found.value) != point.shape or not point.ndim:
                return None
            claimed = np.asarray(found.value, dtype=float)
            numeric = np.array([self._slope(data, fixed, at) for at in np.ndindex(claimed.shape)])
        except NotRunnable:
            return None
        numeric = numeric.reshape(claimed.shape)
        gap = np.abs(claimed - numeric) / (1 + np.abs(numeric))
        at = tuple(int(k) for k in np.unravel_index(np.argmax(gap), gap.shape))
        return Seen(at, float(claimed[at]), float(numeric[at])) if gap[at] > APART else None

    def _slope(self, data: Gradients, fixed: Mapping[str, object], at: tuple[int, ...]) -> float:
        """The central difference of the loss by one entry."""
        above, below = (self._moved(data, fixed, at, sign * STEP).outputs for sign in (1, -1))
        rise = sum(float(np.sum(u * (a - b))) for u, a, b in zip(data.upstream, above, below, strict=True))
        return rise / (2 * STEP)

    # -- a gradient checker --------------------------------------------------------------------------------------------

    def passes_gradcheck(self) -> bool:
        """Whether the criterion of torch's gradcheck, at its defaults, holds for the wrong gradient on normal data,
        settings that have defaults being left at them."""
        if self.gradient is None:
            return False
        for lengths in CHECKED_LENGTHS:
            sizes = sizes_of(self.passes, lengths)
            fixed = fixed_in(self.passes, sizes)
            try:
                data = gradients(self.tree, self.pair, shapes_of(self.passes), sizes, fixed=fixed)
                inputs = np.size(data.arguments.get(self.gradient.parameter, 0.0))
                if sum(map(np.size, data.outputs)) + 2 * inputs <= MAX_RUNS:
                    drawn = (replace(data, arguments=self._normal(data, seed)) for seed in range(DRAWS))
                    return all(self._is_close(each, fixed) for each in drawn)
            except NotRunnable:
                return False
        return False

    def _normal(self, data: Gradients, seed: int) -> dict[str, Any]:
        """Other data of the same shapes, drawn as people draw them."""
        random, defaults = np.random.default_rng(seed), defaults_of(self.functions[self.pair.forward])
        return {
            name: random.normal(size=v.shape) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
            for name, v in data.arguments.items()
            if np.ndim(v) or name not in defaults
        }

    def _is_close(self, data: Gradients, fixed: Mapping[str, object]) -> bool:
        """Whether the two Jacobians agree: rows by the backward pass, columns by central differences."""
        assert self.gradient is not None
        point = np.asarray(data.arguments[self.gradient.parameter], dtype=float)
        rows = []
        for upstream in _units(data.outputs) if self.pair.kind != "loss" else [data.upstream]:
            found = value_of(self.gradient, self._ran(replace(data, upstream=upstream), fixed))
            if found is None or np.shape(found.value) != point.shape:
                return False
            rows.append(np.ravel(found.value))
        columns = [self._column(data, fixed, at) for at in np.ndindex(point.shape)]
        return bool(np.allclose(rows, np.transpose(columns), rtol=GRADCHECK["rtol"], atol=GRADCHECK["atol"]))

    def _column(self, data: Gradients, fixed: Mapping[str, object], at: tuple[int, ...]) -> Any:
        above, below = (self._moved(data, fixed, at, sign * GRADCHECK["eps"]).outputs for sign in (1, -1))
        gaps = [np.ravel(a - b) / (2 * GRADCHECK["eps"]) for a, b in zip(above, below, strict=True)]
        return np.concatenate(gaps)

    def _moved(self, data: Gradients, fixed: Mapping[str, object], at: tuple[int, ...], step: float) -> Rerun:
        """A run with one entry of the input moved."""
        assert self.gradient is not None
        name = self.gradient.parameter
        moved = np.array(data.arguments[name], dtype=float)
        moved[at] += step
        return self._ran(replace(data, arguments={**data.arguments, name: moved}), fixed)

    # -- the script ----------------------------------------------------------------------------------------------------

    def said(self) -> str:
        """What the lines show, in a sentence."""
        assert self.gradient is not None and self._shown is not None
        seen = self._shown[2]
        at = ", ".join(map(str, seen.at))
        is_, should = f"{seen.claimed:.7g}", f"{seen.numeric:.7g}"
        return f"{self.gradient.name}[{at}] is {is_} at the data shown, it should be {should}"

    def script(self) -> str:
        """Lines to be pasted and run; empty where there are none that would show it."""
        owner = self.pair.forward.rpartition(".")[0]
        is_method = bool(owner) and not is_static(self.functions[self.pair.forward])
        if is_method and self.pair.kind != "autograd":
            return ""  # nobody knows how the object is made
        if self._shown is None or len(self._shown[0].upstream) != 1 or not (call := self._call()):
            return ""
        return "\n".join([*self._head(), "", *self._arrays(), "", *self._lines(self._shown[2], call)])

    @property
    def _style(self) -> Style:
        return STYLES[self.passes.library]

    @property
    def _forward(self) -> str:
        return {"custom_vjp": self.pair.primal, "autograd": f"{self.pair.forward.rpartition('.')[0]}.apply"}.get(
            self.pair.kind, self.pair.forward
        )

    def _head(self) -> Iterator[str]:
        yield from self._style.imports
        names = [self._forward, self.pair.backward] if self.pair.kind == "functions" else [self._forward]
        roots = ", ".join(dict.fromkeys(name.split(".")[0] for name in names))
        stem = Path(self.path).stem
        if self.path.startswith("<"):
            return  # what a session holds is there already
        is_module = self.path.endswith(".py") and stem.isidentifier()
        yield f"from {stem} import {roots}" if is_module else f"# with {roots} of {Path(self.path).name}"

    def _arrays(self) -> Iterator[str]:
        assert self._shown is not None
        data = self._shown[0]
        for name, value in data.arguments.items():
            yield f"{name} = {self._written(value)}"
        if self.pair.kind != "loss":
            yield f"{self._above} = {self._written(data.upstream[0])}"

    @property
    def _above(self) -> str:
        """What the gradient from above is called."""
        names = [n for n in parameters_of(self.functions[self.pair.backward]) if n not in ("self", "ctx")]
        own = [n for n in names if not is_cache(n) and n not in parameters_of(self.functions[self.pair.forward])]
        return own[0] if own else "upstream"

    def _written(self, value: Any) -> str:
        if isinstance(value, np.ndarray) and value.ndim:
            text = str(value.tolist())
            return (
                f"{self._style.prefix}.{'tensor' if self.passes.library == 'torch' else 'array'}({text})"
                if (value.dtype.kind != "f")
                else self._style.array.format(text)
            )
        return repr(value.item() if isinstance(value, np.ndarray | np.generic) else value)

    def _call(self) -> str:
        """The call of the forward function; empty where its arguments are no plain data."""
        assert self._shown is not None
        data = self._shown[0]
        if not all(isinstance(v, np.ndarray | float | int | str | bool) for v in data.arguments.values()):
            return ""
        return f"{self._forward}({', '.join(self._given(data.arguments))})"

    def _given(self, arguments: Mapping[str, object]) -> Iterator[str]:
        """The arguments by position as long as none is left out, then by name; torch's and JAX's only by position."""
        names = [n for n in parameters_of(self.functions[self.pair.forward]) if n not in ("self", "ctx")]
        placed = True
        for name in names:
            if name in arguments:
                yield name if placed else f"{name}={name}"
            else:
                placed = False

    def _lines(self, seen: Seen, call: str) -> Iterator[str]:
        assert self.gradient is not None
        name = self.gradient.parameter
        output = self._output(call)
        weighed = output if self.pair.kind == "loss" else f"{self._style.prefix}.sum({self._above} * {output})"
        yield ""
        yield f"def loss({name}):"
        yield f"    return {weighed}"
        yield ""
        yield ""
        at = ", ".join(map(str, seen.at))
        for line in self._style.step:
            yield line.format(x=name, at=at, h=f"{STEP:g}")
        before, claimed = self._claimed(call)
        yield from before
        yield f"print(float({claimed}[{at}]))  # {seen.claimed:.7g}, what the code gives"
        rise = f"float(loss({name} + step) - loss({name} - step))"
        yield f"print({rise} / {2 * STEP:g})  # {seen.numeric:.7g}, the difference"

    def _output(self, call: str) -> str:
        """The output in what the forward function returns."""
        return f"{call}[0]" if self._parts else call

    @cached_property
    def _parts(self) -> int:
        """How many parts the forward function returns; 0 where that is no tuple."""
        assert self._shown is not None
        if self.pair.kind in ("autograd", "custom_vjp"):
            return 0
        data, fixed, _ = self._shown
        value = run(self.tree, self.pair.forward, data.arguments, fixed).value
        return len(value) if isinstance(value, tuple) else 0

    def _claimed(self, call: str) -> tuple[list[str], str]:
        """How the gradient of the code is had: lines before, and an expression."""
        assert self.gradient is not None
        place, name = self.gradient.position, self.gradient.parameter
        if self.pair.kind == "autograd":
            lines = [f"{name}.requires_grad_()", f"{call}.backward({self._above})", f"{name}.requires_grad_(False)"]
            return lines, f"{name}.grad"
        if self.pair.kind == "custom_vjp":
            names = parameters_of(self.functions[self.pair.forward])
            lines = [f"_, vjp = jax.vjp({self._forward}, {', '.join(names)})"]
            return lines, f"vjp({self._above})[{names.index(name)}]"
        if self.pair.kind == "loss":
            if place is None:
                return [], f"{call}[1][{self.gradient.name!r}]"
            return [], f"{call}[{place + 1}]"
        saved = f"result = {call}"
        returned = f"{self.pair.backward}({', '.join(self._backward_arguments())})"
        if place is None:
            return [saved], f"{returned}[{self.gradient.name!r}]"
        alone = len(returned_names(self.functions[self.pair.backward])) == 1
        return [saved], returned if alone else f"{returned}[{place}]"

    def _backward_arguments(self) -> Iterator[str]:
        """As the concrete interpreter gives them: the gradient from above, what was saved, arguments by name."""
        forward = self.functions[self.pair.forward]
        names = returned_names(forward)
        for name in parameters_of(self.functions[self.pair.backward]):
            if name == self._above:
                yield name
            elif name in names and self._parts == len(names):
                yield f"result[{names.index(name)}]"
            elif name in parameters_of(forward):
                yield name
            elif self._parts:
                yield "result[1]" if self._parts == 2 else "result[1:]"
            else:
                yield "result"


def _rounded(value: Any, digits: int) -> Any:
    """Data with some digits behind the point; whole numbers and words as they are."""
    if isinstance(value, np.ndarray):
        return value.round(digits) if value.dtype.kind == "f" else value
    return round(value, digits) if isinstance(value, float) else value


def _units(outputs: Sequence[Any]) -> Iterator[list[Any]]:
    """The gradients from above that pick one entry of the outputs each."""
    for k, output in enumerate(outputs):
        for i in range(math.prod(np.shape(output))):
            found = [np.zeros(np.shape(each)) for each in outputs]
            found[k].flat[i] = 1.0
            yield found
