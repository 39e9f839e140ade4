"""In which precision each name of a program is kept: that of the data, or the accumulators'."""

from __future__ import annotations

from derive.kernels.program import Kernel, Output, Program, Step, reads


class Types:
    """The precisions of one direction."""

    def __init__(self, kernel: Kernel, program: Program) -> None:
        self.kernel = kernel
        self.program = program
        self._forward = program if program is kernel.forward else kernel.forward
        self._wide = self._of(program)

    def _of(self, program: Program) -> dict[str, bool]:
        wide = {a.name: self.wide_array(a.name) for a in program.arrays}
        for step in program.steps:
            wide[step.name] = self._of_step(step, wide)
        return wide

    def _of_step(self, step: Step, wide: dict[str, bool]) -> bool:
        if step.kind == "max":  # of the type of what it is taken of
            return any(wide[r.name] for r in reads(step.value))
        return step.wide and step.kind not in ("near", "rounded")

    def wide(self, name: str) -> bool:
        """Whether a step or an array holds values in the accumulators' type."""
        return self._wide[name]

    def wide_array(self, name: str) -> bool:
        """Whether an array that goes in does: statistics that the forward pass saved."""
        array = self.program.array_by_name[name]
        if array.role != "saved":
            return False
        forward = self.kernel.forward
        output = next(o for o in forward.outputs if o.label == name)
        return Types(self.kernel, forward).wide_output(output)

    def wide_output(self, output: Output) -> bool:
        """Whether an array that goes out does; results and the small part of a mean have the data's precision."""
        return output.saved and self._wide[output.step] and not output.step.endswith("_lo")


__all__ = ["Types"]
