"""C kernels called with NumPy arrays: arguments checked, laid out, passed; results unpacked."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np

from derive.kernels.build import library
from derive.kernels.loops import Function, Parameter
from derive.kernels.program import Kernel, Program
from derive.kernels.support import checked

_NAMES = {"float32": "float", "float64": "double"}
_KEPT = 64
_FLOAT, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
_TYPES: dict[str, Any] = {
    "size": ctypes.c_long,
    "number": ctypes.c_double,
    "in": ctypes.c_void_p,
    "out": ctypes.c_void_p,
}


class CModule:
    """``forward`` and ``backward`` of a C file; each precision is compiled when it is first asked for."""

    def __init__(self, kernel: Kernel, source: str) -> None:
        self.kernel = kernel
        self.source = source
        self._labels = {
            p.name: {a.name: kernel.label_of(a) if a.role == "upstream" else a.name for a in p.arrays}
            for p in (kernel.forward, kernel.backward)
        }
        self._checked: dict[Any, tuple[Any, dict[str, int]]] = {}
        self._functions: dict[tuple[str, str], Any] = {}
        self._parameters = {p.name: Function(kernel, p).parameters() for p in (kernel.forward, kernel.backward)}

    def forward(self, **inputs: Any) -> Any:
        kept = {name: inputs[name] for name in self.kernel.kept if name in inputs}
        dtype, results = self._run(self.kernel.forward, inputs, {})
        outputs = [results[o.step].astype(dtype, copy=False) for o in self.kernel.forward.results]
        labelled = zip(self.kernel.forward.results, outputs, strict=True)
        kept |= {o.label: y for o, y in labelled if o.label in self.kernel.kept}
        kept |= {o.label: results[o.step] for o in self.kernel.forward.saved}
        return *outputs, kept

    def backward(self, saved: Mapping[str, Any], **upstream: Any) -> dict[str, Any]:
        if upstream and not any(np.size(u) for u in upstream.values()):
            return self._zeros(saved, upstream)
        dtype, results = self._run(self.kernel.backward, saved, upstream)
        return {o.label: results[o.step].astype(dtype, copy=False) for o in self.kernel.backward.results}

    def _zeros(self, saved: Mapping[str, Any], upstream: Mapping[str, Any]) -> dict[str, Any]:
        """The gradients of an empty batch."""
        program = self.kernel.backward
        labels = self._labels[program.name]
        given = {a.name: (upstream if a.role == "upstream" else saved)[labels[a.name]] for a in program.arrays}
        dtype, sizes = self._facts(program, given)
        shapes = {o.label: [sizes[program.sizes[a]] for a in program.by_name[o.step].axes] for o in program.results}
        return {label: np.zeros(shape, dtype) for label, shape in shapes.items()}

    def _run(
        self, program: Program, values: Mapping[str, Any], upstream: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Call one direction; the dtype of the data, and the results by step."""
        labels = self._labels[program.name]
        given = {a.name: (upstream if a.role == "upstream" else values)[labels[a.name]] for a in program.arrays}
        dtype, sizes = self._facts(program, given)
        real = _DOUBLE if dtype == _DOUBLE else _FLOAT
        results: dict[str, Any] = {}
        arguments: list[Any] = []
        held: list[Any] = []  # arrays must live until the call is over
        for parameter in self._parameters[program.name]:
            value = self._argument(parameter, program, sizes, given, real, results)
            held.append(value)
            is_array = parameter.kind in ("in", "out")
            arguments.append(value.__array_interface__["data"][0] if is_array else value)
        if self._call(real.name, program.name, arguments):
            raise MemoryError(f"no memory for the {program.name} pass")
        return dtype, {name: array[()] if array.ndim == 0 else array for name, array in results.items()}

    def _facts(self, program: Program, given: Mapping[str, Any]) -> tuple[Any, dict[str, int]]:
        """The dtype of the data and the sizes of axes, checked; the last answers are kept."""
        key: Any = None
        if all(isinstance(v, np.ndarray | float) for v in given.values()):
            key = program.name, *((v.shape, v.dtype) if isinstance(v, np.ndarray) else None for v in given.values())
            if key in self._checked:
                return self._checked[key]
        facts = {
            self._labels[program.name][a.name]: (given[a.name], " ".join(program.sizes[x] for x in a.axes))
            for a in program.arrays
            if a.role != "saved"
        }
        dtype, sizes = checked(facts)
        answer = dtype, {**_sizes(program, given), **sizes}
        if key is not None:
            if len(self._checked) >= _KEPT:
                self._checked.clear()
            self._checked[key] = answer
        return answer

    def _argument(
        self,
        parameter: Parameter,
        program: Program,
        sizes: Mapping[str, int],
        given: Mapping[str, Any],
        real: Any,
        results: dict[str, Any],
    ) -> Any:
        if parameter.kind == "size":
            return sizes[parameter.name]
        if parameter.kind == "number":
            return float(given[parameter.name])
        kind = np.float64 if parameter.wide else real
        if parameter.kind == "in":
            return np.ascontiguousarray(given[parameter.name], kind)
        results[parameter.name] = np.empty([sizes[program.sizes[a]] for a in parameter.axes], kind)
        return results[parameter.name]

    def _call(self, real: str, program: str, arguments: list[Any]) -> int:
        """Call a function of the library for a precision."""
        if (real, program) not in self._functions:
            function = library(self.source, _NAMES[real])[program]
            function.argtypes = [_TYPES[p.kind] for p in self._parameters[program]]
            self._functions[real, program] = function
        return int(self._functions[real, program](*arguments))


def _sizes(program: Program, given: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of axes that only saved arrays have."""
    return {
        program.sizes[axis]: n
        for array in program.arrays
        for axis, n in zip(array.axes, np.shape(given[array.name]), strict=False)
    }


__all__ = ["CModule"]
