"""The bodies of C functions: passes over the data with sums for each thread, or, where a program is of another kind, a loop
nest for each step.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from derive.kernels.c_text import expression
from derive.kernels.prose import WIDTH
from derive.kernels.program import Read, Step, reads
from derive.kernels.schedule import Pass, passes

if TYPE_CHECKING:
    from derive.kernels.c_target import Function

FLUSH = 32  # rows that are summed in the precision of the data before the sum goes on in double
SAMPLE = 64
PRIME = 2654435761  # no period of the data is met by its multiples


@dataclass
class Lines:
    """Lines of code at their depth."""

    depth: int = 1
    lines: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        indent = "    " * self.depth
        if len(indent + text) <= WIDTH or text.startswith("#"):
            self.lines.append(indent + text)
        else:
            self.lines += textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ")

    def open(self, text: str) -> None:
        self.add(text)
        self.depth += 1

    def close(self, text: str = "}") -> None:
        self.depth -= 1
        self.add(text)



def write_body(function: Function, out: Lines) -> None:
    """The statements of a function."""
    body = _Passes(function)
    (body if body.is_simple else _Nests(function)).emit(out)


class _Writer:
    """Where values are and how they are read."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.program = function.program
        self.types = function.types
        self.sizes = {a: (f"({n})" if "*" in n else n) for a, n in self.program.sizes.items()}
        self.arrays = {p.name: p.wide for p in function.parameters() if p.kind in ("in", "out")}
        self.buffers: dict[str, bool] = {}
        self.locals: dict[str, tuple[str, bool]] = {}
        self.lines: set[str] = set()
        self.users = {s.name: [u for u in self.program.steps if s.name in _names(u)] for s in self.program.steps}

    # -- places --------------------------------------------------------------------------------------------------------

    def count(self, axes: Iterable[str]) -> str:
        return " * ".join(self.sizes[a] for a in axes) or "1"

    def index(self, axes: tuple[str, ...]) -> str:
        """The place of an entry in a contiguous array."""
        text = axes[0] if axes else "0"
        for axis in axes[1:]:
            text = f"{f'({text})' if ' ' in text else text} * {self.sizes[axis]} + {axis}"
        return text

    def memory(self, name: str, axes: tuple[str, ...]) -> str:
        return f"{name}[{self.index(axes)}]"

    def place(self, read: Read) -> tuple[str, bool]:
        """How an entry is read, and whether it is a double."""
        if read.name in self.locals:
            return self.locals[read.name]
        array = self.program.array_by_name.get(read.name)
        if array is not None and not array.axes:
            return read.name, True
        wide = self.buffers[read.name] if read.name in self.buffers else self.arrays[read.name]
        return self.memory(read.name, read.axes), wide

    def value(self, step: Step, wide: bool) -> str:
        return expression(step.value, wide, self.place)

    # -- statements ----------------------------------------------------------------------------------------------------

    def define(self, out: Lines, step: Step) -> None:
        """A step as a constant of the scope; its name gets an underscore where an array has it."""
        wide = self.types.wide(step.name)
        name = f"{step.name}_" if step.name in self.buffers or step.name in self.arrays else step.name
        if step.kind == "near":
            self._near(out, step, name)
        elif step.kind == "rounded":
            out.add(f"const real {name} = (real){self.value(step, True)};")
        else:
            out.add(f"const {'double' if wide else 'real'} {name} = {self.value(step, wide)};")
        self.locals[step.name] = name, wide

    def store(self, out: Lines, step: Step) -> None:
        """A value into its array: from the constant of the scope, or as it is computed."""
        wide = self.buffers[step.name] if step.name in self.buffers else self.arrays[step.name]
        target = self.memory(step.name, step.axes)
        if step.name in self.lines:
            last = step.axes[-1]
            target = f"line_{step.name}[{last} - {last}0]"
        if step.name in self.locals:
            text, own = self.locals[step.name]
            out.add(f"{target} = {'(real)' if own and not wide else ''}{text};")
        else:
            computed = wide or step.wide
            text = self.value(step, computed)
            out.add(f"{target} = {text if wide == computed else _cast(text)};")

    def _near(self, out: Lines, step: Step, name: str) -> None:
        """A value near a mean: that of a sample, spread irregularly."""
        if step.axes and len(step.over) == 1 and step.over == self.function.inner:
            self._near_exactly(out, step, name)
            return
        total = self.count(step.over)
        out.add(f"const long {name}_of = {total} < {SAMPLE} ? {total} : {SAMPLE};")
        out.add(f"double {name}_mean = 0, {name}_square = 0;")
        for loop in ("mean", "square"):
            out.open(f"for (long sample = 0; sample < {name}_of; sample++) {{")
            self.decode(out, f"sample * {PRIME} % {total if total.isidentifier() else f'({total})'}", step.over)
            if loop == "mean":
                out.add(f"{name}_mean += {self.value(step, True)} / (double){name}_of;")
            else:
                out.add(f"const double rest = {self.value(step, True)} - {name}_mean;")
                out.add(f"{name}_square += rest * rest / (double){name}_of;")
            out.close()
        out.add(f"const real {name} = (real)rounded({name}_mean, {name}_square);")

    def _near_exactly(self, out: Lines, step: Step, name: str) -> None:
        """A value near a mean along the innermost axis: the mean itself costs no more."""
        (last,) = step.over
        size = self.sizes[last]
        out.add(f"double {name}_sum = 0;")
        out.open(f"for (long {last}0 = 0; {last}0 < {size}; {last}0 += LINE) {{")
        out.add(f"const long {last}1 = {last}0 + LINE < {size} ? {last}0 + LINE : {size};")
        out.add(f"real part_{name} = 0;")
        out.add(f"#pragma omp simd reduction(+ : part_{name})")
        out.open(f"for (long {last} = {last}0; {last} < {last}1; {last}++)")
        out.add(f"part_{name} += {self.value(step, False)};")
        out.depth -= 1
        out.add(f"{name}_sum += part_{name};")
        out.close()
        out.add(f"const real {name} = (real)({name}_sum / (double){size});")

    def decode(self, out: Lines, at: str, axes: tuple[str, ...]) -> None:
        """The letters of a number that counts through several axes."""
        if len(axes) == 1:
            out.add(f"const long {axes[0]} = {at};")
            return
        if not at.isidentifier():
            out.add(f"const long at = {at};")
            at = "at"
        parts = []
        for k, axis in enumerate(axes):
            after = self.count(axes[k + 1 :]) if k + 1 < len(axes) else ""
            after = f"({after})" if " * " in after and not after.startswith("(") else after
            text = f"{at} / {after}" if after else at
            parts.append(f"{axis} = {text} % {self.sizes[axis]}" if k else f"{axis} = {text}")
        out.add(f"const long {', '.join(parts)};")

    def loops(self, out: Lines, axes: Iterable[str]) -> int:
        """A loop for each axis; how many were opened."""
        axes = tuple(axes)
        for axis in axes:
            out.open(f"for (long {axis} = 0; {axis} < {self.sizes[axis]}; {axis}++) {{")
        return len(axes)

    def arena(self, out: Lines, wanted: list[tuple[str, str]]) -> None:
        """One piece of memory for all arrays that stay inside the function."""
        if not wanted:
            return
        out.add(f"double *const room = calloc({' + '.join(n for _, n in wanted)} + 1, sizeof *room);")
        out.open("if (room == NULL)")
        out.add("return 1;")
        out.depth -= 1
        at = "room"
        for name, size in wanted:
            kind, value = ("double", at) if self.buffers[name] else ("real", f"(real *)({at})")
            out.add(f"{kind} *restrict {name} = {value};")
            at = f"{at} + {size}"


def _names(step: Step) -> set[str]:
    return {r.name for r in reads(step.value)}


def _cast(text: str) -> str:
    return f"(real)({text})" if " " in text else f"(real){text}"


# -- passes ------------------------------------------------------------------------------------------------------------


class _Passes(_Writer):
    """A function that goes through the data in passes, each shared among threads."""

    def __init__(self, function: Function) -> None:
        super().__init__(function)
        self.block, self.inner = function.block, function.inner
        self.crossing = [s for p in function.passes for s in p.sums]
        self.outside = [s for p in function.passes for s in p.before]
        self.groups = [g for p in function.passes for g in _grouped(p.before)]
        self.outputs = set(function.outputs)

    @property
    def is_simple(self) -> bool:
        """Whether all sums go along the whole block, and those inside it end in one number."""
        block, space = set(self.block), set(self.function.space)
        letters = {a for s in self.program.steps for a in s.space}
        if not block or letters - space or any(block - set(s.space) or s.kind != "sum" for s in self.crossing):
            return False
        inside = [s for p in self.function.passes for s in p.body if s.kind != "map"]
        return all(set(s.axes) == block and set(s.over) <= space - block for s in inside)

    def emit(self, out: Lines) -> None:
        out.add(f"const long threads = threads_for({self.count(self.function.space)});")
        if any(self._is_streamed(p) for p in self.function.passes):
            out.add(f"const int far = {self.count(self.function.space)} * (long)sizeof(real) >= FAR;")
        self.arena(out, self._wanted())
        for each in self.function.passes:
            for group in _grouped(each.before):
                self._between(out, group)
            if not each.is_idle:
                self._pass(out, each)
        if self.buffers:
            out.add("free(room);")
        out.add("return 0;")

    def _wanted(self) -> list[tuple[str, str]]:
        """The arrays inside the function: what one loop leaves for another, and the sums of the threads."""
        wanted = []
        for step in self.outside:
            others = self._other_users(step)
            if others and (step.name not in self.outputs or not all(self._is_exact(u, step) for u in others)):
                if step.name in self.outputs:
                    continue
                self.buffers[step.name] = self.types.wide(step.name) and any(u.wide for u in others)
                wanted.append((step.name, self.count(step.axes)))
                if step.kind == "near" and step.axes:
                    for name in (f"{step.name}_mean", f"{step.name}_square"):
                        self.buffers[name] = True
                        wanted.append((name, self.count(step.axes)))
        for step in self.crossing:
            self.buffers[step.name] = True
            size = self.count(step.axes)
            wanted.append((step.name, f"threads * {size}" if size != "1" else "threads"))
        for step in (s for p in self.function.passes for s in self._flushed(p)):
            self.buffers[f"part_{step.name}s"] = False
            wanted.append((f"part_{step.name}s", f"threads * {self.count(step.axes)}"))
        return wanted

    def _is_exact(self, user: Step, step: Step) -> bool:
        return not user.wide or self.arrays[step.name]

    def _other_users(self, step: Step) -> list[Step]:
        """What reads a step between passes outside its own loop."""
        own = next(g for g in self.groups if step in g)
        return [u for u in self.users[step.name] if u not in own]

    def _between(self, out: Lines, group: list[Step]) -> None:
        """A loop between passes: constants, and what is stored of them."""
        if group[0].kind == "near" and group[0].axes:
            self._near_by_columns(out, group[0])
            return
        opened = self.loops(out, group[0].axes)
        if not opened:
            out.open("{")
        for step in group:
            stored = step.name in self.outputs or step.name in self.buffers
            inside = any(u in group for u in self.users[step.name])
            if inside or step.kind != "map":
                self.define(out, step)
            if stored:
                self.store(out, step)
        for _ in range(max(opened, 1)):
            out.close()
        for step in group:
            self.locals.pop(step.name, None)

    def _near_by_columns(self, out: Lines, step: Step) -> None:
        """Values near the means of columns: of a sample of rows, gone through row by row."""
        name = step.name
        total = self.count(step.over)
        out.add(f"const long {name}_of = {total} < {SAMPLE} ? {total} : {SAMPLE};")
        for target, text in (("mean", self.value(step, True)), ("square", "")):
            out.open(f"for (long sample = 0; sample < {name}_of; sample++) {{")
            self.decode(out, f"sample * {PRIME} % {total if total.isidentifier() else f'({total})'}", step.over)
            opened = self.loops(out, step.axes)
            place = self.memory(f"{name}_{target}", step.axes)
            if target == "square":
                out.add(f"const double rest = {self.value(step, True)} - {self.memory(f'{name}_mean', step.axes)};")
                text = "rest * rest"
            out.add(f"{place} += {text} / (double){name}_of;")
            for _ in range(opened + 1):
                out.close()
        opened = self.loops(out, step.axes)
        mean, square = (self.memory(f"{name}_{what}", step.axes) for what in ("mean", "square"))
        out.add(f"{self.memory(name, step.axes)} = (real)rounded({mean}, {square});")
        for _ in range(opened):
            out.close()

    # -- one pass ------------------------------------------------------------------------------------------------------

    def _pass(self, out: Lines, each: Pass) -> None:
        if not self.inner and not each.sums:
            self._flat(out, each)
            return
        out.add("#pragma omp parallel num_threads(threads)")
        out.open("{")
        out.add("long thread, begin, end;")
        out.add(f"share({self.count(self.block)}, &thread, &begin, &end);")
        for step in each.sums:
            size = self.count(step.axes)
            out.add(f"double *restrict own_{step.name} = {step.name} + thread{f' * {size}' if size != '1' else ''};")
        self._points(out, each)
        if self._is_streamed(each):
            out.add("settle();")
        out.close()
        self._combine(out, each.sums)

    def _is_streamed(self, each: Pass) -> bool:
        return bool(self.inner) and any(s.name in each.stored and self._is_line(s) for s in each.body)

    def _combine(self, out: Lines, sums: tuple[Step, ...]) -> None:
        """The sums of the threads added up, in order."""
        for step in sums:
            size = self.count(step.axes)
            out.open("for (long thread = 1; thread < threads; thread++)")
            if size == "1":
                out.add(f"{step.name}[0] += {step.name}[thread];")
                out.depth -= 1
                continue
            out.open(f"for (long at = 0; at < {size}; at++)")
            out.add(f"{step.name}[at] += {step.name}[thread * {size} + at];")
            out.depth -= 2

    def _flat(self, out: Lines, each: Pass) -> None:
        """A purely elementwise pass."""
        out.add("#pragma omp parallel for simd num_threads(threads)")
        out.open(f"for (long {self.block[0]} = 0; {self.block[0]} < {self.sizes[self.block[0]]}; {self.block[0]}++) {{")
        self._steps(out, each.body, each.stored)
        out.close()

    def _steps(self, out: Lines, steps: Iterable[Step], stored: Iterable[str]) -> None:
        """Elementwise steps at a point."""
        steps, stored = tuple(steps), set(stored)
        for step in steps:
            if step.name in stored and not any(u in steps for u in self.users[step.name]):
                self.store(out, step)
                continue
            self.define(out, step)
            if step.name in stored:
                self.store(out, step)

    def _forget(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self.locals.pop(step.name, None)

    # -- points of the block -------------------------------------------------------------------------------------------

    def _points(self, out: Lines, each: Pass) -> None:
        """Point by point of the block, what is inside it in sweeps."""
        flushed = self._flushed(each)
        if flushed:
            self._flushing(out, each, flushed)
            return
        out.open("for (long at = begin; at < end; at++) {" if len(self.block) > 1 else self._block_loop("begin", "end"))
        if len(self.block) > 1:
            self.decode(out, "at", self.block)
        self._sweeps(out, each, {})
        out.close()

    def _flushed(self, each: Pass) -> list[Step]:
        """The sums that each point of the block adds a whole row to."""
        return [s for s in each.sums if self.inner and self.inner[-1] in s.axes]

    def _block_loop(self, begin: str, end: str) -> str:
        axis = self.block[0]
        return f"for (long {axis} = {begin}; {axis} < {end}; {axis}++) {{"

    def _flushing(self, out: Lines, each: Pass, flushed: list[Step]) -> None:
        """Sums that every point adds a row to: some points in the precision of the data, then on in double."""
        parts = {s.name: f"part_{s.name}" for s in flushed}
        sizes = {s.name: self.count(s.axes) for s in flushed}
        for name, part in parts.items():
            out.add(f"real *restrict {part} = {part}s + thread * {sizes[name]};")
        out.open(f"for (long from = begin; from < end; from += {FLUSH}) {{")
        out.add(f"const long to = from + {FLUSH} < end ? from + {FLUSH} : end;")
        out.open("for (long at = from; at < to; at++) {" if len(self.block) > 1 else self._block_loop("from", "to"))
        if len(self.block) > 1:
            self.decode(out, "at", self.block)
        self._sweeps(out, each, parts)
        out.close()
        for step in flushed:
            out.open(f"for (long at = 0; at < {sizes[step.name]}; at++) {{")
            out.add(f"own_{step.name}[at] += {parts[step.name]}[at];")
            out.add(f"{parts[step.name]}[at] = 0;")
            out.close()
        out.close()

    def _sweeps(self, out: Lines, each: Pass, parts: dict[str, str]) -> None:
        """What is done at one point of the block."""
        crossing = {s.name for s in each.sums}
        steps = [s for s in self.program.steps if s in each.body or s in each.sums]
        stored = set(each.stored)
        if not self.inner:
            self._steps(out, each.body, stored)
            for step in each.sums:
                out.add(f"{self.memory(f'own_{step.name}', step.axes)} += {self.value(step, False)};")
            self._forget(each.body)
            return
        for sweep in passes(steps, frozenset(self.inner), stored | crossing):
            self._scalars(out, sweep.before, stored, crossing)
            if not sweep.is_idle:
                self._sweep(out, sweep, stored, crossing, parts)
        self._forget(each.body)

    def _scalars(self, out: Lines, steps: Iterable[Step], stored: set[str], crossing: set[str]) -> None:
        for step in steps:
            if step.name in crossing:
                out.add(f"{self.memory(f'own_{step.name}', step.axes)} += {self.value(step, False)};")
                continue
            self.define(out, step)
            if step.name in stored:
                self.store(out, step)

    def _sweep(self, out: Lines, sweep: Pass, stored: set[str], crossing: set[str], parts: dict[str, str]) -> None:
        """Once through what is inside a point of the block."""
        targets = [s for s in (*sweep.sums, *sweep.body) if s.kind in ("sum", "max")]
        numbers = [s for s in targets if self.inner[-1] not in s.axes]
        outer = [s for s in numbers if not set(s.axes) & set(self.inner)]
        for step in outer:
            self._start(out, step, step.name in crossing)
        opened = self.loops(out, self.inner[:-1])
        for step in numbers:
            if step not in outer:
                self._start(out, step, True)
        self._line(out, sweep, targets, numbers, stored, crossing, parts)
        for step in numbers:
            if step not in outer:
                out.add(f"{self.memory(f'own_{step.name}', step.axes)} += more_{step.name};")
        for _ in range(opened):
            out.close()
        for step in outer:
            if step.name in crossing:
                out.add(f"{self.memory(f'own_{step.name}', step.axes)} += more_{step.name};")
            else:
                self.locals[step.name] = self._total(step, False), step.kind == "sum" or self.types.wide(step.name)
                if step.name in stored:
                    self.store(out, step)

    def _line(
        self,
        out: Lines,
        sweep: Pass,
        targets: list[Step],
        numbers: list[Step],
        stored: set[str],
        crossing: set[str],
        parts: dict[str, str],
    ) -> None:
        """The innermost loop; in pieces where sums are taken or results written."""
        elementwise = [s for s in sweep.body if s not in targets]
        written = [s for s in elementwise if s.name in stored and self._is_line(s)]
        sums = [s for s in numbers if s.kind == "sum"]
        inner = self._lines(out, written, sums)
        self._pragma(out, numbers)
        out.open(inner)
        self._steps(out, elementwise, stored)
        for step in targets:
            self._accumulate(out, step, parts)
        self._forget(elementwise)
        out.close()
        for step in sums:
            own = step.name in crossing or bool(set(step.axes) & set(self.inner))
            out.add(f"{self._total(step, own)} += part_{step.name};")
        self._put(out, written)
        if written or sums:
            out.close()

    def _total(self, step: Step, own: bool) -> str:
        """The variable in which a sum goes on in double; ``own`` where it is added to one in memory at the end."""
        taken = step.name in self.buffers or step.name in self.arrays
        return f"more_{step.name}" if own else f"{step.name}_" if taken else step.name

    def _is_line(self, step: Step) -> bool:
        """Whether a result is written entry after entry along the innermost loop, as large as the data."""
        return step.axes == self.function.space

    def _lines(self, out: Lines, written: list[Step], sums: list[Step]) -> str:
        """A loop over pieces of the innermost axis, which are summed in the precision of the data and whose results are
        written together; returns the loop inside a piece."""
        last = self.inner[-1]
        size = self.sizes[last]
        if not written and not sums:
            return f"for (long {last} = 0; {last} < {size}; {last}++) {{"
        out.open(f"for (long {last}0 = 0; {last}0 < {size}; {last}0 += LINE) {{")
        out.add(f"const long {last}1 = {last}0 + LINE < {size} ? {last}0 + LINE : {size};")
        for step in written:
            out.add(f"real line_{step.name}[LINE];")
            self.lines.add(step.name)
        if sums:
            out.add(f"real {', '.join(f'part_{s.name} = 0' for s in sums)};")
        return f"for (long {last} = {last}0; {last} < {last}1; {last}++) {{"

    def _put(self, out: Lines, written: list[Step]) -> None:
        """The pieces of results that are complete to where they belong."""
        if not written:
            return
        last = self.inner[-1]
        for step in written:
            out.add(f"put({step.name} + {self._begin(step)}, line_{step.name}, {last}1 - {last}0, far);")
            self.lines.discard(step.name)

    def _begin(self, step: Step) -> str:
        """The place of a piece's first entry."""
        last = self.inner[-1]
        return self.index(step.axes).removesuffix(last) + f"{last}0"

    def _start(self, out: Lines, step: Step, own: bool) -> None:
        kind = "double" if step.kind == "sum" or self.types.wide(step.name) else "real"
        out.add(f"{kind} {self._total(step, own)} = {'-INFINITY' if step.kind == 'max' else '0'};")

    def _pragma(self, out: Lines, numbers: list[Step]) -> None:
        sums = [f"part_{s.name}" for s in numbers if s.kind == "sum"]
        tops = [self._total(s, False) for s in numbers if s.kind == "max"]
        clauses = [f"reduction(+ : {', '.join(sums)})"] * bool(sums) + [f"reduction(max : {', '.join(tops)})"] * bool(tops)
        out.add(" ".join(["#pragma omp simd", *clauses]))

    def _accumulate(self, out: Lines, step: Step, parts: dict[str, str]) -> None:
        if step.name in parts:
            out.add(f"{self.memory(parts[step.name], step.axes)} += {self.value(step, False)};")
        elif step.kind == "max":
            value, top = self.value(step, self.types.wide(step.name)), self._total(step, False)
            out.add(f"{top} = {value} > {top} ? {value} : {top};")
        else:
            out.add(f"part_{step.name} += {self.value(step, False)};")


def _grouped(steps: Iterable[Step]) -> list[list[Step]]:
    """Consecutive steps over the same axes."""
    groups: list[list[Step]] = []
    for step in steps:
        if groups and groups[-1][0].axes == step.axes and "near" not in (groups[-1][0].kind, step.kind):
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


# -- one nest a step -----------------------------------------------------------------------------------------------------


class _Nests(_Writer):
    """A loop nest for each step, its values in memory: for programs whose steps do not share one space."""

    def emit(self, out: Lines) -> None:
        outputs = self.function.outputs
        inner = [s for s in self.program.steps if s.name not in outputs]
        for step in inner:
            self.buffers[step.name] = self.types.wide(step.name)
        out.add(f"const long threads = threads_for({self.count(self.function.space)});")
        self.arena(out, [(s.name, self.count(s.axes)) for s in inner])
        for step in self.program.steps:
            self._nest(out, step)
        if inner:
            out.add("free(room);")
        out.add("return 0;")

    def _nest(self, out: Lines, step: Step) -> None:
        if step.axes:
            out.add("#pragma omp parallel for num_threads(threads)")
        else:
            out.open("{")
        opened = self.loops(out, step.axes)
        if step.kind in ("sum", "max"):
            self._reduce(out, step)
        elif step.kind == "map":
            self.store(out, step)
        else:
            self.define(out, step)
            self.store(out, step)
        for _ in range(max(opened, 1)):
            out.close()
        self.locals.pop(step.name, None)

    def _reduce(self, out: Lines, step: Step) -> None:
        out.add(f"double more = {'-INFINITY' if step.kind == 'max' else '0'};")
        opened = self.loops(out, step.over)
        value = self.value(step, True)
        if step.kind == "max":
            out.add(f"more = {value} > more ? {value} : more;")
        else:
            out.add(f"more += {value};")
        for _ in range(opened):
            out.close()
        target = self.buffers[step.name] if step.name in self.buffers else self.arrays[step.name]
        out.add(f"{self.memory(step.name, step.axes)} = {'' if target else '(real)'}more;")
