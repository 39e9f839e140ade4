"""Kernels that run: the module that a target printed, imported, behind checked keyword arguments."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from derive.kernels.axes import NotLowerable
from derive.kernels.make import Made
from derive.kernels.program import Kernel
from derive.kernels.readback import Proof, prove

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Target = Literal["numpy", "c", "numba"]
TARGETS: tuple[Target, ...] = ("numpy", "c", "numba")


class _Text(importlib.abc.InspectLoader):
    """Imports a module from its text, which tracebacks then show."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, fullname: str) -> str:
        return self.text


def module_from(text: str, name: str) -> ModuleType:
    """A generated module, imported; it is not put in `sys.modules`."""
    spec = importlib.util.spec_from_loader(name, _Text(text))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class RunningKernel:
    """A forward pass and its gradients as functions of arrays.

    Attributes:
        target: what it is written in.
        source: the source that runs, as `derive kernel` prints it.
        proof: the results that are proved to be what the document defines and their gradients.
    """

    target: Target
    source: str
    proof: Proof
    program: Kernel
    module: Any

    def forward(self, **inputs: Any) -> Any:
        """The outputs, in the document's order, and last what the backward pass needs.

        Args:
            inputs: an array for each name of the document, its axes the document's indices in order; a number for each
                name without indices.

        Raises:
            ValueError: an array has other axes or another dtype than the rest.
        """
        return self.module.forward(**_known(inputs, self._inputs, "forward"))

    def backward(self, saved: Mapping[str, Any], **upstream: Any) -> dict[str, Array]:
        """The gradients of the loss by name.

        Args:
            saved: what `forward` returned last.
            upstream: for each output, the gradient of the loss by it.

        Raises:
            ValueError: an array has other axes or another dtype than the rest.
        """
        return dict(self.module.backward(saved, **_known(upstream, self._upstream, "backward")))

    @cached_property
    def _inputs(self) -> list[str]:
        return [a.name for a in self.program.forward.arrays]

    @cached_property
    def _upstream(self) -> list[str]:
        return [self.program.label_of(a) for a in self.program.backward.arrays if a.role == "upstream"]

    def __repr__(self) -> str:
        gradients = ", ".join(o.label for o in self.program.backward.results)
        return f"<{self.target} kernel forward({', '.join(self._inputs)}), gradients by {gradients}>"


def _known(given: Mapping[str, Any], expected: list[str], what: str) -> Mapping[str, Any]:
    """The arguments, if they are those that are expected."""
    for name in expected:
        if name not in given:
            raise ValueError(f"{what} needs {name}; it takes {', '.join(expected)}")
    for name in given:
        if name not in expected:
            raise ValueError(f"{what} has no argument {name}; it takes {', '.join(expected) or 'none'}")
    return given


def source_of(made: Made, target: Target) -> str:
    """The source of a kernel that was proved first."""
    if target == "numpy":
        from derive.kernels import numpy_target

        return numpy_target.source(made.kernel)
    if target == "c":
        from derive.kernels import c_target

        return c_target.source(made.kernel)
    if target == "numba":
        from derive.kernels import numba_target

        return numba_target.source(made.kernel)
    raise NotLowerable(f"there is no target {target}; there are {', '.join(TARGETS)}")


def proved_source(made: Made, target: Target) -> str:
    """The source of a kernel, run once where that takes no time: C needs a compiler, Numba takes seconds.

    Raises:
        NotProved: it could not be proved to compute what was derived.
        NotLowerable: it does not run.
    """
    from derive.kernels.build import CannotBuild
    from derive.kernels.verify import try_out

    if target == "numba":
        prove(made)
        return source_of(made, target)
    try:
        kernel = running(made, target)
    except CannotBuild:
        return source_of(made, target)
    try_out(kernel, made)
    return kernel.source


def running(made: Made, target: Target) -> RunningKernel:
    """A kernel, proved, printed and ready to run.

    Raises:
        NotProved: it could not be proved to compute what was derived.
    """
    proof = prove(made)
    text = source_of(made, target)
    return RunningKernel(target, text, proof, made.kernel, _module(made.kernel, target, text))


def _module(kernel: Kernel, target: Target, text: str) -> Any:
    """What has ``forward`` and ``backward``."""
    if target == "c":
        from derive.kernels.c_runtime import CModule

        return CModule(kernel, text)
    if target == "numba":
        return _numba_module(text)
    return module_from(text, f"derive_kernel_{target}")


def _numba_module(text: str) -> ModuleType:
    """A module of the cache, beside whose file Numba keeps what it compiled for the next process; what it kept, it can
    only find its way back from if the module is among those imported."""
    if importlib.util.find_spec("numba") is None:
        raise NotLowerable("the numba target needs numba: pip install derivecheck[numba], or use the NumPy target")
    from derive.kernels.build import module_file

    path = module_file(text)
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with ExitStack() as undo:
            sys.modules[path.stem] = module
            undo.callback(sys.modules.pop, path.stem)
            spec.loader.exec_module(module)
            undo.pop_all()
    return sys.modules[path.stem]
