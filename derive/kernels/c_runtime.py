"""C kernels called with NumPy arrays: arguments checked, laid out, passed; results unpacked.

What follows from the shapes and dtypes of the arguments alone is worked out once and kept: a call should cost little
beside the loops, also where they have just emptied the caches.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.kernels.build import library
from derive.kernels.loops import Function
from derive.kernels.program import Kernel, Program
from derive.kernels.support import checked, empty

_NAMES = {"float32": "float", "float64": "double"}
_KEPT = 64
_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
_Start = ctypes.c_char * 0
_TYPES: dict[str, Any] = {
    "size": ctypes.c_long,
    "number": ctypes.c_double,
    "in": ctypes.c_void_p,
    "out": ctypes.c_void_p,
}


class CModule:
    """``forward`` and ``backward`` of a C file; each precision is compiled when it is first asked for."""

    def __init__(self, kernel: Kernel, source: str) -> None:
        self._kept = kernel.kept
        self._outputs = [(o.step, o.label) for o in kernel.forward.results]
        self._saved = [(o.step, o.label) for o in kernel.forward.saved]
        self._gradients = [(o.step, o.label) for o in kernel.backward.results]
        self._forward = _Direction(kernel, kernel.forward, source)
        self._backward = _Direction(kernel, kernel.backward, source)

    def forward(self, **inputs: Any) -> Any:
        dtype, found = self._forward.run(inputs, {})
        outputs = {label: found[step].astype(dtype, copy=False) for step, label in self._outputs}
        known = inputs | outputs
        kept = {name: known[name] for name in self._kept if name in known}
        kept |= {label: found[step] for step, label in self._saved}
        return *outputs.values(), kept

    def backward(self, saved: Mapping[str, Any], **upstream: Any) -> dict[str, Any]:
        if upstream and not any(np.size(u) for u in upstream.values()):
            return self._backward.zeros(saved, upstream)
        dtype, found = self._backward.run(saved, upstream)
        return {label: found[step].astype(dtype, copy=False) for step, label in self._gradients}


@dataclass(frozen=True)
class _Plan:
    """What a call with arguments of some shapes and dtypes does.

    Attributes:
        dtype: of the results.
        real: what is computed in.
        ins, outs: the arrays that are passed, with their dtypes and, of results, their shapes.
    """

    dtype: Any
    real: Any
    sizes: Mapping[str, int]
    ins: tuple[tuple[str, Any], ...]
    outs: tuple[tuple[str, Any, tuple[int, ...]], ...]


class _Direction:
    """One function of the file."""

    def __init__(self, kernel: Kernel, program: Program, source: str) -> None:
        self.program = program
        self.source = source
        self.parameters = Function(kernel, program).parameters()
        self.labels = {a.name: kernel.label_of(a) if a.role == "upstream" else a.name for a in program.arrays}
        self.upstream = [a.name for a in program.arrays if a.role == "upstream"]
        self.others = [a.name for a in program.arrays if a.role != "upstream"]
        self._plans: dict[Any, _Plan] = {}
        self._functions: dict[Any, Any] = {}

    def run(self, values: Mapping[str, Any], upstream: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Call it; the dtype of the data, and the results by step."""
        given = self._given(values, upstream)
        plan = self._plan(given)
        laid = {name: np.ascontiguousarray(given[name], kind) for name, kind in plan.ins}
        made = {name: empty(shape, kind) for name, kind, shape in plan.outs}
        arguments: list[Any] = []  # addresses: the arrays must outlive the call
        for parameter in self.parameters:
            name = parameter.name
            match parameter.kind:
                case "size":
                    arguments.append(plan.sizes[name])
                case "number":
                    arguments.append(float(given[name]))
                case "in":
                    arguments.append(_address(laid[name]))
                case _:
                    arguments.append(_address(made[name]))
        if self._function(plan.real)(*arguments):
            raise MemoryError(f"no memory for the {self.program.name} pass")
        return plan.dtype, {name: array[()] if array.ndim == 0 else array for name, array in made.items()}

    def zeros(self, values: Mapping[str, Any], upstream: Mapping[str, Any]) -> dict[str, Any]:
        """The gradients of an empty batch."""
        plan = self._plan(self._given(values, upstream))
        shapes = {name: shape for name, _, shape in plan.outs}
        return {o.label: np.zeros(shapes[o.step], plan.dtype) for o in self.program.results}

    def _given(self, values: Mapping[str, Any], upstream: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: values[name] for name in self.others}
        return given | {name: upstream[self.labels[name]] for name in self.upstream}

    def _plan(self, given: Mapping[str, Any]) -> _Plan:
        """The plan for some arguments, checked; the last ones are kept."""
        key = tuple([(v.shape, v.dtype) if isinstance(v, np.ndarray) else type(v) for v in given.values()])
        plan = self._plans.get(key)
        if plan is None:
            plan = self._planned(given)
            if all(isinstance(v, np.ndarray | float) for v in given.values()):  # of others the type is not enough
                if len(self._plans) >= _KEPT:
                    self._plans.clear()
                self._plans[key] = plan
        return plan

    def _planned(self, given: Mapping[str, Any]) -> _Plan:
        program = self.program
        facts = {
            self.labels[a.name]: (given[a.name], " ".join(program.sizes[x] for x in a.axes))
            for a in program.arrays
            if a.role != "saved"
        }
        dtype, sizes = checked(facts)
        sizes = {**_sizes(program, given), **sizes}
        real = _DOUBLE if dtype == _DOUBLE else _SINGLE
        kinds = {p.name: _DOUBLE if p.wide else real for p in self.parameters}
        ins = tuple((p.name, kinds[p.name]) for p in self.parameters if p.kind == "in")
        outs = tuple(
            (p.name, kinds[p.name], tuple(sizes[program.sizes[a]] for a in p.axes))
            for p in self.parameters
            if p.kind == "out"
        )
        return _Plan(dtype, real, sizes, ins, outs)

    def _function(self, real: Any) -> Any:
        """The function of the library for a precision."""
        if real not in self._functions:
            function = library(self.source, _NAMES[real.name])[self.program.name]
            function.argtypes = [_TYPES[p.kind] for p in self.parameters]
            self._functions[real] = function
        return self._functions[real]


def _address(array: Any) -> int:
    """Where an array begins; by the buffer protocol, four times faster, where that lets one: if it may be written."""
    if array.flags.writeable:
        return ctypes.addressof(_Start.from_buffer(array))
    return int(array.__array_interface__["data"][0])


def _sizes(program: Program, given: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of axes that only saved arrays have."""
    return {
        program.sizes[axis]: n
        for array in program.arrays
        for axis, n in zip(array.axes, np.shape(given[array.name]), strict=False)
    }


__all__ = ["CModule"]
