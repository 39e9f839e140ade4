"""C kernels called with NumPy arrays: arguments checked, laid out, passed; results unpacked."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np

from derive.kernels.build import library
from derive.kernels.c_target import Function, Parameter
from derive.kernels.program import Kernel, Program
from derive.kernels.support import checked

_NAMES = {"float32": "float", "float64": "double"}


class CModule:
    """``forward`` and ``backward`` of a C file; each precision is compiled when it is first asked for."""

    def __init__(self, kernel: Kernel, source: str) -> None:
        self.kernel = kernel
        self.source = source
        self._libraries: dict[str, ctypes.CDLL] = {}
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
        dtype, results = self._run(self.kernel.backward, saved, upstream)
        return {o.label: results[o.step].astype(dtype, copy=False) for o in self.kernel.backward.results}

    def _run(self, program: Program, values: Mapping[str, Any], upstream: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Call one direction; the dtype of the data, and the results by step."""
        given: dict[str, Any] = {}
        facts: dict[str, tuple[Any, str]] = {}
        for array in program.arrays:
            label = self.kernel.label_of(array) if array.role == "upstream" else array.name
            given[array.name] = (upstream if array.role == "upstream" else values)[label]
            if array.role != "saved":
                facts[label] = given[array.name], " ".join(program.sizes[a] for a in array.axes)
        dtype, sizes = checked(facts)
        sizes = {**_sizes(program, given), **sizes}
        real = np.dtype(np.result_type(dtype, np.float32))
        results: dict[str, Any] = {}
        arguments: list[Any] = []
        held: list[Any] = []
        for parameter in self._parameters[program.name]:
            value = self._argument(parameter, program, sizes, given, real, results)
            held.append(value)
            arguments.append(_passed(value, parameter))
        if getattr(self._library(real.name), program.name)(*arguments):
            raise MemoryError(f"no memory for the {program.name} pass")
        return dtype, {name: array[()] if array.ndim == 0 else array for name, array in results.items()}

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

    def _library(self, real: str) -> ctypes.CDLL:
        if real not in self._libraries:
            self._libraries[real] = library(self.source, _NAMES[real])
        return self._libraries[real]


def _passed(value: Any, parameter: Parameter) -> Any:
    match parameter.kind:
        case "size":
            return ctypes.c_long(value)
        case "number":
            return ctypes.c_double(value)
        case _:
            return ctypes.c_void_p(value.ctypes.data)


def _sizes(program: Program, given: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of axes that only saved arrays have."""
    return {
        program.sizes[axis]: n
        for array in program.arrays
        for axis, n in zip(array.axes, np.shape(given[array.name]), strict=False)
    }


__all__ = ["CModule"]
