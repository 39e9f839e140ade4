"""The C target: one readable file, compiled by the machine's compiler for float or for double.

The data is gone through along the letters of the statistics where these are not the innermost ones (a row of a layer norm,
a channel of an image: what is read twice is then still in the cache), else row by row with sums a column. Threads have sums
of their own, which are added up at the end in a fixed order. Sums are kept in double.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.kernels.prose import WIDTH, accuracy, shape, summary
from derive.kernels.program import (
    Array,
    Call,
    Equal,
    Kernel,
    Node,
    Number,
    Output,
    Power,
    Product,
    Program,
    Quotient,
    Read,
    Size,
    Step,
    Sum,
    children,
    reads,
    walk,
)
from derive.kernels.schedule import block_of, passes, space_of
from derive.kernels.c_body import PRIME, SAMPLE, Lines, write_body
from derive.kernels.merging import merged
from derive.kernels.precision import Types

PRELUDE = """\
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#undef I /* complex.h's */

#ifndef REAL
#define REAL float /* -DREAL=double for the other precision */
#endif
typedef REAL real;

#define SERIAL 65536L /* below so many entries one thread is faster */
"""

LINE = """\
#define LINE 512 /* entries that are summed in real before the sum goes on in double, or computed before they are written */
"""

PUT = """\
#define FAR (4L << 20) /* results of so many bytes go past the cache: nobody would find them there */

/* Write a line of a result. */
static void put(real *restrict to, const real *restrict line, long n, int far)
{
#ifdef __SSE2__
    if (far) {
        const long step = 16 / sizeof(real);
        long k = 0;
        for (; k < n && (size_t)(to + k) % 16; k++)
            to[k] = line[k];
        for (; k + step <= n; k += step)
            _mm_stream_si128((__m128i *)(to + k), _mm_loadu_si128((const __m128i *)(line + k)));
        for (; k < n; k++)
            to[k] = line[k];
        return;
    }
#endif
    memcpy(to, line, n * sizeof *to);
}

/* Let the other threads see what went past the cache. */
static void settle(void)
{
#ifdef __SSE2__
    _mm_sfence();
#endif
}
"""

THREADS = """\
static long threads_for(long entries)
{
#ifdef _OPENMP
    return entries < SERIAL ? 1 : omp_get_max_threads();
#else
    return 1;
#endif
}

static void share(long count, long *thread, long *begin, long *end)
{
#ifdef _OPENMP
    const long threads = omp_get_num_threads();
    *thread = omp_get_thread_num();
#else
    const long threads = 1;
    *thread = 0;
#endif
    *begin = count * *thread / threads;
    *end = count * (*thread + 1) / threads;
}
"""

ROUNDED = """\
/* A mean as a multiple of a power of two near 1/1000 of the deviation: what is subtracted from x has few digits, so that
   the differences are exact, or their rounding errors are those of x, which have no bias. */
static double rounded(double mean, double variance)
{
    int exponent;
    if (!(variance > 0) || !isfinite(variance))
        return mean;
    frexp(sqrt(variance), &exponent);
    const double grid = ldexp(1.0, exponent - 11);
    return rint(mean / grid) * grid;
}
"""

SIGMOID = """\
static real sigmoid(real u)
{
    const real e = exp(-fabs(u));
    return (u >= 0 ? 1 : e) / (1 + e);
}
"""

HEAVISIDE = """\
static real heaviside(real u)
{
    return u > 0 ? 1 : u == 0 ? (real)0.5 : 0;
}
"""

SIGN = """\
static real sign(real u)
{
    return (real)((u > 0) - (u < 0));
}
"""

KNOWN = (("LINE", LINE), ("put", PUT), ("rounded", ROUNDED), ("sigmoid", SIGMOID), ("sign", SIGN), ("heaviside", HEAVISIDE))


def source(kernel: Kernel) -> str:
    """The C file."""
    functions = [Function(kernel, p).text() for p in (kernel.forward, kernel.backward)]
    body = "\n\n".join(functions)
    helpers = [THREADS]
    helpers += [text for name, text in KNOWN if re.search(rf"\b{name}\b", body)]
    lines = [summary(kernel, "C"), "", *accuracy(kernel), ""]
    lines += textwrap.wrap(
        "Arrays are contiguous, their last axis innermost. Compile with: cc -O3 -march=native -fopenmp -fno-math-errno "
        "-fno-trapping-math -shared -fPIC. The functions return 0, or 1 where there is no memory.",
        WIDTH,
    )
    head = "/* " + "\n   ".join(lines) + "\n*/\n"
    return "\n".join([head.replace("\n   \n", "\n\n"), PRELUDE, *helpers, body])


# -- functions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parameter:
    """A parameter of a C function, in the order in which it is passed.

    Attributes:
        kind: ``size``, ``number``, ``in`` or ``out``.
        wide: whether an array is of double whatever the data.
    """

    name: str
    kind: str
    wide: bool = False
    axes: tuple[str, ...] = ()


class Function:
    """One direction as a C function."""

    def __init__(self, kernel: Kernel, program: Program) -> None:
        self.kernel = kernel
        self.original = program
        self.program = merged(program)
        self.types = Types(kernel, program)
        self.space = space_of(self.program)
        self.block = block_of(self.program)
        stored = [o.step for o in program.outputs]
        self.passes = passes(self.program.steps, frozenset(self.block), stored)
        self.inner = tuple(a for a in self.space if a not in self.block)
        self.outputs = {o.step: o for o in program.outputs}

    # -- signature ---------------------------------------------------------------------------------------------------

    def parameters(self) -> list[Parameter]:
        """What is passed, in order: sizes, inputs, outputs."""
        known = [Parameter(n, "size") for n in self.original.size_names]
        for array in self.original.arrays:
            kind = "in" if array.axes else "number"
            known.append(Parameter(array.name, kind, self.types.wide_array(array.name), array.axes))
        for output in self.original.outputs:
            step = self.original.by_name[output.step]
            known.append(Parameter(output.step, "out", self.types.wide_output(output), step.axes))
        return known

    def _declared(self, parameter: Parameter) -> str:
        kind = "double" if parameter.wide else "real"
        match parameter.kind:
            case "size":
                return f"long {parameter.name}"
            case "number":
                return f"double {parameter.name}"
            case "in":
                return f"const {kind} *restrict {parameter.name}"
            case _:
                return f"{kind} *restrict {parameter.name}"

    def text(self) -> str:
        declared = ", ".join(self._declared(p).replace(" ", "~") for p in self.parameters())
        signature = textwrap.wrap(f"int {self.program.name}({declared})", WIDTH, subsequent_indent="    ")
        signature = [line.replace("~", " ") for line in signature]
        out = Lines()
        write_body(self, out)
        return "\n".join([*self._comment(), *signature, "{", *out.lines, "}", ""])

    def _comment(self) -> list[str]:
        lines = [f"/* The {self.program.name} pass of {self.kernel.title}."]
        for p in self.parameters():
            if p.kind in ("in", "out"):
                lines.append(f"     {p.name}: {self._meaning(p)}{shape(p.axes, self.original)}")
        return [*lines, "*/"]

    def _meaning(self, parameter: Parameter) -> str:
        array = self.original.array_by_name.get(parameter.name)
        if array is not None and array.role == "upstream":
            return f"the gradient by {self.kernel.label_of(array)}, "
        output = self.outputs.get(parameter.name)
        if output is not None and self.program.name == "backward":
            return f"the gradient by {output.label}, "
        return "saved, " if output is not None and output.saved else ""
