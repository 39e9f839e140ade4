"""The Numba target: a module whose loops are those of the C target, compiled when they are first called.

In float32 sums may be reordered and contracted (``reassoc``, ``contract``, ``nsz``), in float64 not reordered; what
is not finite stays visible.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Sequence

from derive.kernels import support
from derive.kernels.code import Code, Python
from derive.kernels.loops import Function, Parameter, Target, Writer, write_body
from derive.kernels.numpy_target import wrapped
from derive.kernels.program import Kernel, Program
from derive.kernels.prose import docstring, head

HEAD = '''\
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numba as nb
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

FLOATS = {floats}
LINE = 512  # entries that are summed in the precision of the data before the sum goes on in float64
FAR = 4 << 20  # results of so many bytes go past the cache: beside what is read it has no room for them
SERIAL = 65536  # below so many entries one thread is faster
wide = np.float64


def compiled(function: Any) -> Any:
    """A function for either precision. In float32 sums may be reordered; in float64 the two parts of a mean are of
    one type, and reordering would add them up again. What is not finite stays visible in both."""
    exact = {{"nsz", "contract"}}
    return {{
        real: nb.njit(parallel=True, cache=True, fastmath=flags, error_model="numpy")(function)
        for real, flags in ((np.float32, {{*exact, "reassoc"}}), (np.float64, exact))
    }}
'''

PUT = '''\
def past_cache(words: int) -> Any:
    """An instruction that copies words of 4 bytes from one address to another, a multiple of their size, past the
    cache."""

    def typed(_typing: Any, _to: Any, _line: Any) -> Any:
        def build(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            kind = ir.VectorType(ir.IntType(32), words) if words > 1 else ir.IntType(32)
            target, source = (builder.inttoptr(a, kind.as_pointer()) for a in arguments)
            store = builder.store(builder.load(source, align=4), target, align=4 * words)
            store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
            return context.get_dummy_value()

        return nb.void(nb.intp, nb.intp), build

    return intrinsic(typed)


put_word, put_words = past_cache(1), past_cache(4)


@intrinsic
def put_near(_typing, _to, _line, _size):
    """Copy bytes from one address to another."""

    def build(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        target, source = (builder.inttoptr(a, ir.IntType(8).as_pointer()) for a in arguments[:2])
        cgutils.raw_memcpy(builder, target, source, arguments[2], 1)
        return context.get_dummy_value()

    return nb.void(nb.intp, nb.intp, nb.intp), build


@intrinsic
def settle(_typing):
    """Let the other threads see what went past the cache."""

    def build(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return nb.void(), build


@nb.njit
def put(to, line, size, far):
    """Write the bytes of a line of a result. What goes past the cache does so from its first byte to its last: a line
    of the cache that is written in both ways costs more than in either."""
    if not far:
        put_near(to, line, size)
        return
    first = min(-to % 16, size)
    whole = first + (size - first) // 16 * 16
    for at in range(0, first, 4):
        put_word(to + at, line + at)
    for at in range(first, whole, 16):
        put_words(to + at, line + at)
    for at in range(whole, size, 4):
        put_word(to + at, line + at)
'''

HELPERS = {
    "put": PUT,
    "rounded": '''\
@nb.njit
def rounded(mean, variance):
    """A mean as a multiple of a power of two near 1/1000 of the deviation: what is subtracted from x has few digits, so
    that the differences are exact, or their rounding errors are those of x, which have no bias."""
    if not 0.0 < variance < np.inf:
        return mean
    grid = 2.0 ** (math.floor(math.log2(variance) / 2) - 10)
    return np.rint(mean / grid) * grid
''',
    "left": '''\
@nb.njit
def left(near, hi, rest):
    """What is left of a mean when its rounded value is taken off; added in this order, whatever else may be
    reordered."""
    return rest + (near - hi)
''',
    "sigmoid": '''\
@nb.njit
def sigmoid(u):
    """1/(1 + exp(-u)), without overflow."""
    e = np.exp(-abs(u))
    return (1 if u >= 0 else e) / (1 + e)
''',
    "softplus": '''\
@nb.njit
def softplus(u):
    """log(1 + exp(u)), without overflow and with all digits."""
    return (u if u > 0 else 0) + math.log1p(np.exp(-abs(u)))
''',
    "inverse": '''\
@nb.njit
def inverse(n):
    """1/n, and 0 where n is 0."""
    return 0.0 if n == 0 else 1.0 / n
''',
    "heaviside": '''\
@nb.njit
def heaviside(u):
    """0 below 0, 1 above, and a half at it."""
    return 1.0 if u > 0 else 0.5 if u == 0 else 0.0
''',
}

FLAT = '''\
def flat(array: Any, real: Any) -> Any:
    """An array as its entries in order, in the precision to compute in."""
    return np.ascontiguousarray(array, real).reshape(-1)
'''

THREADS = """\
def threads_for(entries: int) -> int:
    return 1 if entries < SERIAL else nb.get_num_threads()
"""


_FOR_PUT = ("FAR", "from llvmlite", "from numba")


def source(kernel: Kernel) -> str:
    """The module's source."""
    functions = [Function(kernel, p) for p in (kernel.forward, kernel.backward)]
    loops = [_loops(f) for f in functions]
    body = "\n\n\n".join(text for pair in zip(loops, map(_driver, functions), strict=True) for text in pair)
    helpers = [text.rstrip() for name, text in HELPERS.items() if f"{name}(" in body]
    imports = HEAD.format(floats=repr(support.FLOATS).replace("'", '"'))
    if not re.search(r"\bmath\.", body + "".join(helpers)):
        imports = imports.replace("import math\n", "")
    if "LINE" not in body:
        imports = "\n".join(line for line in imports.split("\n") if not line.startswith("LINE"))
    if "put(" not in body:
        imports = "\n".join(line for line in imports.split("\n") if not line.startswith(_FOR_PUT))
    if "wide(" not in body and "wide)" not in body:
        imports = imports.replace("wide = np.float64\n", "")
    counts = "threads_for(" in body
    if not counts:
        imports = "\n".join(line for line in imports.split("\n") if not line.startswith("SERIAL"))
    shared = [
        FLAT.rstrip(),
        *([THREADS.rstrip()] if counts else []),
        *(inspect.getsource(f).rstrip() for f in (support.empty, support.checked)),
    ]
    parts = [*helpers, body, "# what is below serves every kernel", *shared]
    return head(kernel, "Numba") + "\n\n" + imports + "\n\n" + "\n\n\n".join(parts) + "\n"


class _Threads(Target):
    """Threads by ``prange`` over their numbers; rows as views, whose indices need no test for negative ones."""

    rows = True

    def __init__(self, real: str) -> None:
        self.real = real

    def begin(self, out: Code, writer: Writer, streamed: bool) -> None:
        out.say(f"real = {self.real}.dtype.type")
        if streamed:
            out.say(f"far = {writer.count(writer.function.space)} * {self.real}.itemsize >= FAR")

    def arrays(self, out: Code, wanted: Sequence[tuple[str, str, bool]]) -> None:
        for name, size, wide in wanted:
            out.say(f"{name} = np.zeros({size}, {'wide' if wide else 'real'})")

    def share(self, out: Code, count: str) -> None:
        out.open("for thread in nb.prange(threads):")
        out.say(f"begin = {count} * thread // threads")
        out.say(f"end = {count} * (thread + 1) // threads")

    def own(self, out: Code, name: str, of: str, size: str, wide: bool) -> None:
        if size == "1":
            out.say(f"{name} = {of}[thread : thread + 1]")
        else:
            out.say(f"{name} = {of}[thread * {size} : (thread + 1) * {size}]")

    def shared(self, out: Code, streamed: bool) -> None:
        if streamed:
            out.say("settle()")
        out.end()

    def lines(self, out: Code, names: Sequence[str]) -> None:
        for name in names:
            out.say(f"line_{name} = np.empty(LINE, real)")

    def put(self, out: Code, name: str, at: str, count: str) -> None:
        size = f"{name}.itemsize"
        out.say(f"put({name}.ctypes.data + ({at}) * {size}, line_{name}.ctypes.data, ({count}) * {size}, far)")

    def each(self, out: Code, axis: str, size: str, simd: bool) -> None:
        out.open(f"for {axis} in nb.prange({size}):")


def _loops(function: Function) -> str:
    """The compiled function of flat arrays."""
    parameters = function.parameters()
    real = next((p.name for p in parameters if p.kind == "out" and not p.wide), "")
    out = Python()
    write_body(function, out, _Threads(real))
    body = "\n".join(out.lines)
    names = [p.name for p in parameters if re.search(rf"\b{p.name}\b", body)]
    threads = ["threads"] if re.search(r"\bthreads\b", body) else []
    if "real(" not in body and "real)" not in body:
        out.lines = out.lines[1:]
    if not out.lines:
        out.say("pass")  # a kernel that differentiates by nothing
    signature = wrapped(f"def _{function.program.name}({', '.join([*names, *threads])}):")
    return "\n".join(["@compiled", signature, *out.lines])


def _driver(function: Function) -> str:
    """The public function: arguments checked, results made, the loops called."""
    kernel, program = function.kernel, function.original
    loops = _loops(function)
    forward = program.name == "forward"
    labels = {a.name: kernel.label_of(a) for a in program.arrays if a.role == "upstream"}
    inputs = [a for a in program.arrays if a.role == "input"]
    signature = [a.name for a in inputs] if forward else ["saved", *(["*"] if labels else []), *labels.values()]
    lines = [f"def {program.name}({', '.join(signature)}):", textwrap.indent(docstring(kernel, program), "    ")]
    if not forward:
        lines += [f"    {name} = {label}" for name, label in labels.items()]
        lines += [f'    {a.name} = saved["{a.name}"]' for a in program.arrays if a.role != "upstream"]
    given = [a for a in program.arrays if a.role != "saved"]
    rows = [f'"{labels.get(a.name, a.name)}": ({a.name}, "{_shape_text(program, a.axes)}")' for a in given]
    lines.append("    dtype, sizes = checked({" + ", ".join(rows) + "})")
    lines += _sizes(function, loops)
    ups = [a for a in program.arrays if a.role == "upstream" and a.axes]
    if ups:
        zeros = ", ".join(f'"{o.label}": np.zeros({_shape(program, o.step)}, dtype)' for o in program.results)
        lines += [f"    if not {' and not '.join(f'{a.name}.size' for a in ups)}:", f"        return {{{zeros}}}"]
    lines.append("    real = np.float64 if dtype == np.float64 else np.float32")
    outs = [p for p in function.parameters() if p.kind == "out"]
    lines += [f"    {p.name} = empty({_shape(program, p.name)}, {'wide' if p.wide else 'real'})" for p in outs]
    lines.append(f"    _{program.name}[real]({', '.join(_arguments(function, loops))})")
    lines += _returned(kernel, program, forward)
    return wrapped("\n".join(lines))


def _sizes(function: Function, loops: str) -> list[str]:
    program = function.original
    made = "".join(_shape(program, p.name) for p in function.parameters() if p.kind == "out")
    signature = loops.split(":\n")[0]
    used = [n for n in program.size_names if re.search(rf"\b{n}\b", signature + made + _entries(function))]
    return [f"    {', '.join(used)} = " + ", ".join(f'sizes["{n}"]' for n in used)] if used else []


def _entries(function: Function) -> str:
    """The number of entries that a function goes through."""
    return " * ".join(function.original.sizes[a] for a in space_letters(function)) or "1"


def space_letters(function: Function) -> list[str]:
    longest = max((s.space for s in function.original.steps), key=len, default=())
    return [a for a in function.original.sizes if a in longest]


def _arguments(function: Function, loops: str) -> list[str]:
    """What the loops are called with."""
    signature = loops[loops.index("(") : loops.index("):")]
    found = [_argument(p) for p in function.parameters() if re.search(rf"\b{p.name}\b", signature)]
    return [*found, f"threads_for({_entries(function)})"] if re.search(r"\bthreads\b", signature) else found


def _argument(parameter: Parameter) -> str:
    match parameter.kind:
        case "size":
            return parameter.name
        case "number":
            return f"float({parameter.name})"
        case "in":
            return f"flat({parameter.name}, {'wide' if parameter.wide else 'real'})"
        case _:
            return f"{parameter.name}.reshape(-1)"


def _returned(kernel: Kernel, program: Program, forward: bool) -> list[str]:
    results = {o.step: f"{o.step}.astype(dtype, copy=False)" for o in program.results}
    if not forward:
        pairs = ", ".join(f'"{o.label}": {results[o.step]}' for o in program.results)
        return [f"    return {{{pairs}}}"]
    kept = [f'"{n}": {n}' for n in kernel.kept if n in program.array_by_name]
    kept += [f'"{o.label}": {o.step}' for o in program.results if o.label in kernel.kept]
    kept += [f'"{o.label}": {o.step}' for o in program.saved]
    return [f"    saved = {{{', '.join(kept)}}}", f"    return {', '.join(results.values())}, saved"]


def _shape_text(program: Program, axes: tuple[str, ...]) -> str:
    return " ".join(program.sizes[a] for a in axes)


def _shape(program: Program, step: str) -> str:
    sizes = [program.sizes[a] for a in program.by_name[step].axes]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
