"""The C target: one readable file, compiled by the machine's compiler for float or for double.

The data is gone through along the letters of the statistics where these are not the innermost ones (a row of a layer
norm, a channel of an image: what is read twice is then still in the cache), else row by row with sums a column.
Threads have sums of their own, which are added up at the end in a fixed order. Sums are kept in double.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from derive.kernels.code import C, Code
from derive.kernels.loops import Function, Parameter, Target, Writer, write_body
from derive.kernels.program import Kernel
from derive.kernels.prose import WIDTH, accuracy, folded, shape, summary

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

EXP = """\
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
/* glibc has these for vectors too, in libmvec */
__attribute__((simd("notinbranch"))) float expf(float);
__attribute__((simd("notinbranch"))) double (exp)(double);
#endif
"""

LINE = """\
#define LINE 512 /* entries that are summed in real or computed at a time, before a sum goes on in double */
"""

PUT = """\
#define FAR (4L << 20) /* results of so many bytes go past the cache: beside what is read it has no room for them */

#ifdef __SSE2__
/* Write words past the cache. */
static void put_words(char *to, const char *from, long bytes)
{
    for (long k = 0; k < bytes; k += 4) {
        int word;
        memcpy(&word, from + k, 4);
        _mm_stream_si32((int *)(to + k), word);
    }
}
#endif

/* Write a line of a result. What goes past the cache does so from its first byte to its last: a line of the cache that
   is written in both ways costs more than in either. */
static void put(real *restrict to, const real *restrict line, long n, int far)
{
    const long bytes = n * (long)sizeof *to;
#ifdef __SSE2__
    if (far) {
        char *const at = (char *)to;
        const char *const from = (const char *)line;
        const long first = (long)(-(size_t)at % 16);
        long k = first < bytes ? first : bytes;
        put_words(at, from, k);
        for (; k + 16 <= bytes; k += 16)
            _mm_stream_si128((__m128i *)(at + k), _mm_loadu_si128((const __m128i *)(from + k)));
        put_words(at + k, from + k, bytes - k);
        return;
    }
#endif
    memcpy(to, line, bytes);
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
/* A mean as a multiple of a power of two near 1/1000 of the deviation: what is subtracted from x has few digits, so
   that the differences are exact, or their rounding errors are those of x, which have no bias. */
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

SOFTPLUS = """\
static real softplus(real u)
{
    return (u > 0 ? u : 0) + log1p(exp(-fabs(u)));
}
"""

INVERSE = """\
/* 1/n, and 0 where n is 0. */
static double inverse(double n)
{
    return n == 0 ? 0 : 1 / n;
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

KNOWN = (
    ("exp", EXP),
    ("LINE", LINE),
    ("put", PUT),
    ("rounded", ROUNDED),
    ("sigmoid", SIGMOID),
    ("softplus", SOFTPLUS),
    ("inverse", INVERSE),
    ("sign", SIGN),
    ("heaviside", HEAVISIDE),
)


def source(kernel: Kernel) -> str:
    """The C file."""
    functions = [_text(Function(kernel, p)) for p in (kernel.forward, kernel.backward)]
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


class _Threads(Target):
    """Threads by OpenMP, one piece of memory, results by way of lines."""

    def begin(self, out: Code, writer: Writer, streamed: bool) -> None:
        entries = writer.count(writer.function.space)
        out.say(f"const long threads = threads_for({entries})")
        if streamed:
            out.say(f"const int far = {entries} * (long)sizeof(real) >= FAR")

    def arrays(self, out: Code, wanted: Sequence[tuple[str, str, bool]]) -> None:
        if not wanted:
            return
        out.say(f"double *const room = calloc({' + '.join(size for _, size, _ in wanted)} + 1, sizeof *room)")
        out.open("if (room == NULL)")
        out.say("return 1")
        out.depth -= 1
        at = "room"
        for name, size, wide in wanted:
            out.say(f"double *restrict {name} = {at}" if wide else f"real *restrict {name} = (real *)({at})")
            at = f"{at} + {size}"

    def share(self, out: Code, count: str) -> None:
        out.line("#pragma omp parallel num_threads(threads)")
        out.open("{")
        out.say("long thread, begin, end")
        out.say(f"share({count}, &thread, &begin, &end)")

    def own(self, out: Code, name: str, of: str, size: str, wide: bool) -> None:
        place = "thread" if size == "1" else f"thread * {size}"
        out.say(f"{'double' if wide else 'real'} *restrict {name} = {of} + {place}")

    def shared(self, out: Code, streamed: bool) -> None:
        if streamed:
            out.say("settle()")
        out.end()

    def each(self, out: Code, axis: str, size: str, simd: bool) -> None:
        out.line(f"#pragma omp parallel for {'simd ' if simd else ''}num_threads(threads)")
        out.loop(axis, "0", size)

    def lines(self, out: Code, names: Sequence[str]) -> None:
        out.say(f"real {', '.join(f'line_{name}[LINE]' for name in names)}")

    def put(self, out: Code, name: str, at: str, count: str) -> None:
        out.say(f"put({name} + {at}, line_{name}, {count}, far)")

    def finish(self, out: Code, has_arrays: bool) -> None:
        if has_arrays:
            out.say("free(room)")
        out.say("return 0")


def _text(function: Function) -> str:
    """A function with the comment before it."""
    declared = ", ".join(_declared(p).replace(" ", "~") for p in function.parameters())
    signature = folded(f"int {function.program.name}({declared})", "", "    ")
    out = C()
    write_body(function, out, _Threads())
    return "\n".join([*_comment(function), *(line.replace("~", " ") for line in signature), "{", *out.lines, "}", ""])


def _declared(parameter: Parameter) -> str:
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


def _comment(function: Function) -> list[str]:
    lines = [f"/* The {function.program.name} pass of {function.kernel.title}."]
    for p in function.parameters():
        if p.kind in ("in", "out"):
            lines.append(f"     {p.name}: {_meaning(function, p)}{shape(p.axes, function.original)}")
    return [*lines, "*/"]


def _meaning(function: Function, parameter: Parameter) -> str:
    array = function.original.array_by_name.get(parameter.name)
    if array is not None and array.role == "upstream":
        return f"the gradient by {function.kernel.label_of(array)}, "
    output = function.outputs.get(parameter.name)
    if output is not None and function.program.name == "backward":
        return f"the gradient by {output.label}, "
    return "saved, " if output is not None and output.saved else ""
