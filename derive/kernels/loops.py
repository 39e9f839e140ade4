"""Loops: programs as passes over the data with sums for each thread, or, where the steps of a program do not share one
space, as a loop nest for each step. What they say is said in a language of `derive.kernels.code`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from derive.kernels.code import Code
from derive.kernels.merging import merged
from derive.kernels.precision import Types
from derive.kernels.program import Call, Equal, Kernel, Node, Program, Read, Step, reads, walk
from derive.kernels.schedule import Pass, block_of, passes, space_of

FLUSH = 32  # rows that are summed in the precision of the data before the sum goes on in double
SAMPLE = 64
DEAR = ("exp", "log", "tanh", "sin", "cos", "arctan", "erf", "sigmoid", "softplus", "pow")  # not computed twice
PRIME = 2654435761  # no period of the data is met by its multiples


Entry = tuple[str, tuple[str, ...]]
"""An array and the letters by which it is read."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function, in the order in which it is passed.

    Attributes:
        kind: ``size``, ``number``, ``in`` or ``out``.
        wide: whether an array is of double whatever the data.
    """

    name: str
    kind: str
    wide: bool = False
    axes: tuple[str, ...] = ()


class Function:
    """One direction of a kernel as a function of flat arrays.

    Attributes:
        original: the program as it was lowered.
        program: the same with axes merged that always stand together.
        block: the axes along which it goes, shared among threads.
        inner: the other axes.
    """

    def __init__(self, kernel: Kernel, program: Program) -> None:
        self.kernel = kernel
        self.original = program
        self.program = merged(program)
        self.types = Types(kernel, program)
        self.space = space_of(self.program)
        self.block = block_of(self.program)
        self.inner = tuple(a for a in self.space if a not in self.block)
        self.outputs = {o.step: o for o in program.outputs}
        self.passes = passes(self.program.steps, frozenset(self.block), list(self.outputs))

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


class Target:
    """What the languages say differently about whole functions: threads, memory, lines of results."""

    rows = False

    def begin(self, out: Code, writer: Writer, streamed: bool) -> None:
        """How many threads there are."""
        raise NotImplementedError

    def arrays(self, out: Code, wanted: Sequence[tuple[str, str, bool]]) -> None:
        """Arrays of zeros that live as long as the function: names, sizes, and whether they are wide."""
        raise NotImplementedError

    def share(self, out: Code, count: str) -> None:
        """The beginning of what each thread does with its share of ``count`` points, from ``begin`` to ``end``."""
        raise NotImplementedError

    def own(self, out: Code, name: str, of: str, size: str, wide: bool) -> None:
        """A thread's part of an array that has one for each."""
        raise NotImplementedError

    def shared(self, out: Code, streamed: bool) -> None:
        """The end of it."""
        raise NotImplementedError

    def each(self, out: Code, axis: str, size: str, simd: bool) -> None:
        """A loop whose turns are shared among threads."""
        raise NotImplementedError

    def lines(self, out: Code, names: Sequence[str]) -> None:
        """A thread's room for a piece of each result."""
        raise NotImplementedError

    def put(self, out: Code, name: str, at: str, count: str) -> None:
        """A piece of a result to its place."""
        raise NotImplementedError

    def finish(self, out: Code, has_arrays: bool) -> None:
        """The end of a function."""


def write_body(function: Function, out: Code, target: Target) -> None:
    """The statements of a function."""
    body = _Passes(function, target)
    (body if body.is_simple else _Nests(function, target)).emit(out)


class Writer:
    """Where values are and how they are read."""

    def __init__(self, function: Function, target: Target) -> None:
        self.function = function
        self.target = target
        self.program = function.program
        self.types = function.types
        self.sizes = {a: (f"({n})" if "*" in n else n) for a, n in self.program.sizes.items()}
        self.arrays = {p.name: p.wide for p in function.parameters() if p.kind in ("in", "out")}
        self.buffers: dict[str, bool] = {}
        self.locals: dict[str, tuple[str, bool]] = {}
        self.lines: dict[str, str] = {}
        self.rows: set[Entry] = set()
        self.parts: set[str] = set()
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
        if (name, axes) in self.rows:
            return f"row_{name}[{axes[-1]}]"
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

    def value(self, out: Code, step: Step, wide: bool) -> str:
        return out.expression(step.value, wide, self.place)

    # -- statements ----------------------------------------------------------------------------------------------------

    def define(self, out: Code, step: Step) -> None:
        """A step as a constant of the scope; its name says so where an array has it."""
        wide = self.types.wide(step.name)
        name = f"this_{step.name}" if step.name in self.buffers or step.name in self.arrays else step.name
        if step.kind == "near":
            self._near(out, step, name)
        elif step.kind == "rounded":
            out.const(False, name, out.cast(False, self.value(out, step, True)))
        else:
            out.const(wide, name, self.value(out, step, wide))
        self.locals[step.name] = name, wide

    def store(self, out: Code, step: Step) -> None:
        """A value into its array: from the constant of the scope, or as it is computed."""
        wide = self.buffers[step.name] if step.name in self.buffers else self.arrays[step.name]
        target = self.memory(step.name, step.axes)
        if step.name in self.lines:
            target = f"line_{step.name}[{self.lines[step.name]}]"
        if step.name in self.locals:
            text, own = self.locals[step.name]
            out.say(f"{target} = {out.cast(False, text) if own and not wide else text}")
        else:
            computed = wide or step.wide
            text = self.value(out, step, computed)
            out.say(f"{target} = {text if wide == computed else out.cast(False, text)}")

    def _near(self, out: Code, step: Step, name: str) -> None:
        """A value near a mean: that of a sample, spread irregularly."""
        if step.axes and len(step.over) == 1 and step.over == self.function.inner:
            self._near_exactly(out, step, name)
            return
        self._sample_size(out, step, name)
        out.variable(True, [f"{name}_mean", f"{name}_square"])
        count = out.cast(True, f"{name}_of")
        for loop in ("mean", "square"):
            self._sample(out, step, name)
            if loop == "mean":
                out.say(f"{name}_mean += {self.value(out, step, True)} / {count}")
            else:
                out.const(True, "rest", f"{self.value(out, step, True)} - {name}_mean")
                out.say(f"{name}_square += rest * rest / {count}")
            out.end()
        out.const(False, name, out.cast(False, f"rounded({name}_mean, {name}_square)"))

    def _sample_size(self, out: Code, step: Step, name: str) -> None:
        out.integer(f"{name}_of", out.smaller(self.count(step.over), str(SAMPLE)))

    def _sample(self, out: Code, step: Step, name: str) -> None:
        """A loop over a sample of what is averaged."""
        total = self.count(step.over)
        out.loop("sample", "0", f"{name}_of")
        self.decode(out, f"sample * {PRIME} % {total if total.isidentifier() else f'({total})'}", step.over)

    def _near_exactly(self, out: Code, step: Step, name: str) -> None:
        """A value near a mean along the innermost axis: the mean itself costs no more."""
        (last,) = step.over
        size = self.sizes[last]
        out.variable(True, [f"{name}_sum"])
        self.pieces(out, last)
        begin, end = self.along(out, [step], (), last, True)
        out.variable(False, [f"part_{name}"])
        out.simd([f"part_{name}"], [])
        out.loop(last, begin, end)
        out.say(f"part_{name} += {self.value(out, step, False)}")
        out.end()
        self.rows.clear()
        out.say(f"{name}_sum += part_{name}")
        out.end()
        out.const(False, name, out.cast(False, f"{name}_sum / {out.cast(True, size)}"))

    def pieces(self, out: Code, axis: str) -> None:
        """A loop over pieces of an axis."""
        size = self.sizes[axis]
        out.loop(f"{axis}0", "0", size, "LINE")
        out.integer(f"{axis}1", out.smaller(f"{axis}0 + LINE", size))

    def along(
        self, out: Code, steps: Sequence[Step], more: Iterable[Entry], last: str, pieced: bool
    ) -> tuple[str, str]:
        """Where the innermost loop begins and ends. If the target wants it, the rows that it goes along, in what the
        steps read and in ``more``, get names first, and its letter counts from 0."""
        begin, end = (f"{last}0", f"{last}1") if pieced else ("0", self.sizes[last])
        if not self.target.rows or (pieced and not all(_only_ends(s.value, last) for s in steps)):
            return begin, end
        touched = {(r.name, r.axes) for s in steps for r in reads(s.value)} | set(more)
        for name, axes in sorted(touched):
            is_array = name not in self.locals and (name in self.arrays or name in self.buffers or name in self.parts)
            if is_array and axes[-1:] == (last,) and (pieced or len(axes) > 1):
                start = self.index(axes).removesuffix(last)
                first = f"{start}{begin}" if pieced else start.removesuffix(" + ")
                out.say(f"row_{name} = {name}[{first}{' : ' if start else ':'}{start}{end}]")
                self.rows.add((name, axes))
        return "0", f"{end} - {begin}" if pieced else end

    def decode(self, out: Code, at: str, axes: tuple[str, ...]) -> None:
        """The letters of a number that counts through several axes."""
        if len(axes) == 1:
            out.integer(axes[0], at)
            return
        if not at.isidentifier():
            out.integer("at", at)
            at = "at"
        for k, axis in enumerate(axes):
            after = self.count(axes[k + 1 :]) if k + 1 < len(axes) else ""
            after = f"({after})" if " * " in after and not after.startswith("(") else after
            text = f"{at} {out.whole_division} {after}" if after else at
            out.integer(axis, f"{text} % {self.sizes[axis]}" if k else text)

    def loops(self, out: Code, axes: Iterable[str]) -> int:
        """A loop for each axis; how many were opened."""
        axes = tuple(axes)
        for axis in axes:
            out.loop(axis, "0", self.sizes[axis])
        return len(axes)


def _only_ends(node: Node, last: str) -> bool:
    """Whether a letter only says which entry of a row is read: it stands last wherever it stands."""
    equal = (last in (e.first, e.second) for e in walk(node) if isinstance(e, Equal))
    return not any(equal) and not any(last in read.axes[:-1] for read in reads(node))


def _names(step: Step) -> set[str]:
    return {r.name for r in reads(step.value)}


# -- passes ------------------------------------------------------------------------------------------------------------


class _Passes(Writer):
    """A function that goes through the data in passes, each shared among threads."""

    def __init__(self, function: Function, target: Target) -> None:
        super().__init__(function, target)
        self.block, self.inner = function.block, function.inner
        self.crossing = [s for p in function.passes for s in p.sums]
        self.outside = [s for p in function.passes for s in p.before]
        self.groups = [g for p in function.passes for g in _grouped(p.before)]
        self.outputs = set(function.outputs)
        self.keeping: set[str] = set()  # what of a point is kept for its next sweeps
        self.at_hand: set[str] = set()  # what was kept of it

    @property
    def is_simple(self) -> bool:
        """Whether all sums go along the whole block, and those inside it end in one number."""
        block, space = set(self.block), set(self.function.space)
        letters = {a for s in self.program.steps for a in s.space}
        if not block or letters - space or any(block - set(s.space) or s.kind != "sum" for s in self.crossing):
            return False
        inside = [s for p in self.function.passes for s in p.body if s.kind != "map"]
        return all(set(s.axes) == block and set(s.over) <= space - block for s in inside)

    def emit(self, out: Code) -> None:
        self.target.begin(out, self, any(self._is_streamed(p) for p in self.function.passes))
        self.target.arrays(out, self._wanted())
        for each in self.function.passes:
            for group in _grouped(each.before):
                self._between(out, group)
            if not each.is_idle:
                self._pass(out, each)
        self.target.finish(out, bool(self.buffers))

    def _wanted(self) -> list[tuple[str, str, bool]]:
        """The arrays inside the function: what one loop leaves for another, and the sums of the threads."""
        for step in self.outside:
            others = self._other_users(step)
            if others and step.name not in self.outputs:
                self.buffers[step.name] = self.types.wide(step.name) and any(u.wide for u in others)
        wanted = [(s.name, self.count(s.axes), self.buffers[s.name]) for s in self.outside if s.name in self.buffers]
        for step in self.outside:
            if step.kind == "near" and step.axes:
                for name in (f"{step.name}_mean", f"{step.name}_square"):
                    self.buffers[name] = True
                    wanted.append((name, self.count(step.axes), True))
        for step in self.crossing:
            self.buffers[step.name] = True
            wanted.append((step.name, self._each_thread(step), True))
        for step in (s for p in self.function.passes for s in self._flushed(p)):
            self.buffers[f"part_{step.name}s"] = False
            wanted.append((f"part_{step.name}s", self._each_thread(step), False))
        for step in (s for p in self.function.passes for s in self._kept(p)):
            wanted.append((f"kept_{step.name}s", f"threads * {self.count(self.inner)}", self.types.wide(step.name)))
        return wanted

    def _each_thread(self, step: Step) -> str:
        size = self.count(step.axes)
        return f"threads * {size}" if size != "1" else "threads"

    def _other_users(self, step: Step) -> list[Step]:
        """What reads a step between passes outside its own loop."""
        own = next(g for g in self.groups if step in g)
        return [u for u in self.users[step.name] if u not in own]

    def _between(self, out: Code, group: list[Step]) -> None:
        """A loop between passes: constants, and what is stored of them."""
        if group[0].kind == "near" and group[0].axes:
            self._near_by_columns(out, group[0])
            return
        opened = self.loops(out, group[0].axes)
        if not opened:
            out.scope()
        for step in group:
            stored = step.name in self.outputs or step.name in self.buffers
            inside = any(u in group for u in self.users[step.name])
            if inside or step.kind != "map":
                self.define(out, step)
            if stored:
                self.store(out, step)
        self._close(out, opened)
        for step in group:
            self.locals.pop(step.name, None)

    def _near_by_columns(self, out: Code, step: Step) -> None:
        """Values near the means of columns: of a sample of rows, gone through row by row."""
        name = step.name
        self._sample_size(out, step, name)
        count = out.cast(True, f"{name}_of")
        mean, square = (self.memory(f"{name}_{what}", step.axes) for what in ("mean", "square"))
        for target in (mean, square):
            self._sample(out, step, name)
            opened = self.loops(out, step.axes)
            text = self.value(out, step, True)
            if target == square:
                out.const(True, "rest", f"{text} - {mean}")
                text = "rest * rest"
            out.say(f"{target} += {text} / {count}")
            out.end(opened + 1)
        opened = self.loops(out, step.axes)
        out.say(f"{self.memory(name, step.axes)} = {out.cast(False, f'rounded({mean}, {square})')}")
        out.end(opened)

    def _close(self, out: Code, opened: int) -> None:
        """The end of loops, or of a scope."""
        out.end(opened) if opened else out.end_scope()

    # -- one pass ------------------------------------------------------------------------------------------------------

    def _pass(self, out: Code, each: Pass) -> None:
        if not self.inner and not each.sums:
            self._flat(out, each)
            return
        self.target.share(out, self.count(self.block))
        for step in each.sums:
            self.target.own(out, f"own_{step.name}", step.name, self.count(step.axes), True)
        if self._is_streamed(each):
            self.target.lines(out, [s.name for s in each.body if s.name in each.stored and self._is_line(s)])
        kept = self._kept(each)
        for step in kept:
            name = f"kept_{step.name}"
            self.target.own(out, name, f"{name}s", self.count(self.inner), self.types.wide(step.name))
        self.keeping = {s.name for s in kept}
        self.parts |= {f"kept_{s.name}" for s in kept}
        self._points(out, each)
        self.target.shared(out, self._is_streamed(each))
        self._combine(out, each.sums)

    def _is_streamed(self, each: Pass) -> bool:
        return bool(self.inner) and any(s.name in each.stored and self._is_line(s) for s in each.body)

    def _combine(self, out: Code, sums: tuple[Step, ...]) -> None:
        """The sums of the threads added up, in order."""
        for step in sums:
            size = self.count(step.axes)
            out.loop("thread", "1", "threads")
            if size == "1":
                out.say(f"{step.name}[0] += {step.name}[thread]")
            else:
                out.loop("at", "0", size)
                out.say(f"{step.name}[at] += {step.name}[thread * {size} + at]")
                out.end()
            out.end()

    def _flat(self, out: Code, each: Pass) -> None:
        """A purely elementwise pass."""
        self.target.each(out, self.block[0], self.sizes[self.block[0]], True)
        self._steps(out, each.body, each.stored)
        out.end()

    def _steps(self, out: Code, steps: Iterable[Step], stored: Iterable[str]) -> None:
        """Elementwise steps at a point."""
        steps, stored = tuple(steps), set(stored)
        for step in steps:
            if step.name in self.at_hand:
                wide = self.types.wide(step.name)
                out.const(wide, step.name, self.memory(f"kept_{step.name}", self.inner))
                self.locals[step.name] = step.name, wide
                continue
            if step.name in stored and not any(u in steps for u in self.users[step.name]):
                self.store(out, step)
                continue
            self.define(out, step)
            if step.name in stored:
                self.store(out, step)
            if step.name in self.keeping:
                out.say(f"{self.memory(f'kept_{step.name}', self.inner)} = {self.locals[step.name][0]}")

    def _forget(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self.locals.pop(step.name, None)

    # -- points of the block -------------------------------------------------------------------------------------------

    def _points(self, out: Code, each: Pass) -> None:
        """Point by point of the block, what is inside it in sweeps."""
        flushed = self._flushed(each)
        if flushed:
            self._flushing(out, each, flushed)
            return
        self._block_loop(out, "begin", "end")
        self._sweeps(out, each, {})
        out.end()

    def _flushed(self, each: Pass) -> list[Step]:
        """The sums that each point of the block adds a whole row to."""
        return [s for s in each.sums if self.inner and self.inner[-1] in s.axes]

    def _block_loop(self, out: Code, begin: str, end: str) -> None:
        """The points of the block from one number to another."""
        if len(self.block) == 1:
            out.loop(self.block[0], begin, end)
        else:
            out.loop("at", begin, end)
            self.decode(out, "at", self.block)

    def _flushing(self, out: Code, each: Pass, flushed: list[Step]) -> None:
        """Sums that every point adds a row to: some points in the precision of the data, then on in double."""
        parts = {s.name: f"part_{s.name}" for s in flushed}
        sizes = {s.name: self.count(s.axes) for s in flushed}
        self.parts |= set(parts.values())
        for name, part in parts.items():
            self.target.own(out, part, f"{part}s", sizes[name], False)
        out.loop("first", "begin", "end", str(FLUSH))
        out.integer("last", out.smaller(f"first + {FLUSH}", "end"))
        self._block_loop(out, "first", "last")
        self._sweeps(out, each, parts)
        out.end()
        for step in flushed:
            out.loop("at", "0", sizes[step.name])
            out.say(f"own_{step.name}[at] += {parts[step.name]}[at]")
            out.say(f"{parts[step.name]}[at] = 0")
            out.end()
        out.end()

    def _sweeps(self, out: Code, each: Pass, parts: dict[str, str]) -> None:
        """What is done at one point of the block."""
        crossing = {s.name for s in each.sums}
        stored = set(each.stored)
        if not self.inner:
            self._steps(out, each.body, stored)
            for step in each.sums:
                out.say(f"{self.memory(f'own_{step.name}', step.axes)} += {self.value(out, step, False)}")
            self._forget(each.body)
            return
        for sweep in self._sweeps_of(each):
            self._scalars(out, sweep.before, stored, crossing)
            if not sweep.is_idle:
                self._sweep(out, sweep, stored, crossing, parts)
            self.at_hand |= self.keeping & {s.name for s in sweep.body}
        self.at_hand.clear()
        self._forget(each.body)

    def _sweeps_of(self, each: Pass) -> list[Pass]:
        """How often what is inside a point is gone through, and what for."""
        steps = [s for s in self.program.steps if s in each.body or s in each.sums]
        return passes(steps, frozenset(self.inner), {*each.stored, *(s.name for s in each.sums)})

    def _kept(self, each: Pass) -> list[Step]:
        """What is dear and needed in several sweeps of a point: it is computed in the first and kept for the others."""
        sweeps = self._sweeps_of(each) if self.inner else []
        return [
            s
            for s in each.body
            if s.kind == "map"
            and self._is_line(s)
            and s.name not in (*self.buffers, *self.arrays)
            and any(isinstance(n, Call) and n.function in DEAR for n in walk(s.value))
            and sum(s in sweep.body for sweep in sweeps) > 1
        ]

    def _scalars(self, out: Code, steps: Iterable[Step], stored: set[str], crossing: set[str]) -> None:
        for step in steps:
            if step.name in crossing:
                out.say(f"{self.memory(f'own_{step.name}', step.axes)} += {self.value(out, step, False)}")
                continue
            self.define(out, step)
            if step.name in stored:
                self.store(out, step)

    def _sweep(self, out: Code, sweep: Pass, stored: set[str], crossing: set[str], parts: dict[str, str]) -> None:
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
                out.say(f"{self.memory(f'own_{step.name}', step.axes)} += more_{step.name}")
        out.end(opened)
        for step in outer:
            if step.name in crossing:
                out.say(f"{self.memory(f'own_{step.name}', step.axes)} += more_{step.name}")
            else:
                self.locals[step.name] = self._total(step, False), step.kind == "sum" or self.types.wide(step.name)
                if step.name in stored:
                    self.store(out, step)

    def _line(
        self,
        out: Code,
        sweep: Pass,
        targets: list[Step],
        numbers: list[Step],
        stored: set[str],
        crossing: set[str],
        parts: dict[str, str],
    ) -> None:
        """The innermost loop; in pieces where sums are taken or results written."""
        elementwise = self._fresh([s for s in sweep.body if s not in targets], sweep)
        written = [s for s in elementwise if s.name in stored and self._is_line(s)]
        sums = [s for s in numbers if s.kind == "sum"]
        others = [(s.name, s.axes) for s in elementwise if s.name in stored and s not in written]
        others += [(parts[s.name], s.axes) for s in targets if s.name in parts]
        others += [(f"kept_{s.name}", self.inner) for s in elementwise if s.name in self.keeping]
        read = [s for s in (*elementwise, *targets) if s.name not in self.at_hand]
        tops = [self._total(s, False) for s in numbers if s.kind == "max"]
        self._begin_line(out, read, written, sums, tops, others)
        self._steps(out, elementwise, stored)
        for step in targets:
            self._accumulate(out, step, parts)
        self._forget(elementwise)
        out.end()
        for step in sums:
            own = step.name in crossing or bool(set(step.axes) & set(self.inner))
            out.say(f"{self._total(step, own)} += part_{step.name}")
        self._put(out, written)
        self.rows.clear()
        if written or sums:
            out.end()

    def _fresh(self, steps: list[Step], sweep: Pass) -> list[Step]:
        """The elementwise steps of a sweep without those that only what is at hand was computed from."""
        needed = {
            *sweep.stored,
            *(r.name for s in (*sweep.sums, *sweep.body) if s not in steps for r in reads(s.value)),
        }
        for step in reversed(steps):
            if step.name in needed and step.name not in self.at_hand:
                needed |= _names(step)
        return [s for s in steps if s.name in needed]

    def _begin_line(
        self,
        out: Code,
        steps: Sequence[Step],
        written: list[Step],
        sums: list[Step],
        tops: list[str],
        others: list[Entry],
    ) -> None:
        """The innermost loop; inside one over pieces, which are summed in the precision of the data and whose results
        are written together."""
        last, pieced = self.inner[-1], bool(written or sums)
        if pieced:
            self.pieces(out, last)
        begin, end = self.along(out, steps, others, last, pieced)
        self.lines |= {s.name: last if begin == "0" else f"{last} - {begin}" for s in written}
        if sums:
            out.variable(False, [f"part_{s.name}" for s in sums])
        out.simd([f"part_{s.name}" for s in sums], tops)
        out.loop(last, begin, end)

    def _total(self, step: Step, own: bool) -> str:
        """The variable in which a sum goes on in double; ``own`` where it is added to one in memory at the end."""
        taken = step.name in self.buffers or step.name in self.arrays
        return f"more_{step.name}" if own else f"this_{step.name}" if taken else step.name

    def _is_line(self, step: Step) -> bool:
        """Whether a result is written entry after entry along the innermost loop, as large as the data."""
        return step.axes == self.function.space

    def _put(self, out: Code, written: list[Step]) -> None:
        """The pieces of results that are complete to where they belong."""
        last = self.inner[-1]
        for step in written:
            self.target.put(out, step.name, self._begin(step), f"{last}1 - {last}0")
            del self.lines[step.name]

    def _begin(self, step: Step) -> str:
        """The place of a piece's first entry."""
        last = self.inner[-1]
        return self.index(step.axes).removesuffix(last) + f"{last}0"

    def _start(self, out: Code, step: Step, own: bool) -> None:
        wide = step.kind == "sum" or self.types.wide(step.name)
        out.variable(wide, [self._total(step, own)], f"-{out.infinity}" if step.kind == "max" else "0")

    def _accumulate(self, out: Code, step: Step, parts: dict[str, str]) -> None:
        if step.name in parts:
            out.say(f"{self.memory(parts[step.name], step.axes)} += {self.value(out, step, False)}")
        elif step.kind == "max":
            out.raise_to(self._total(step, False), self.value(out, step, self.types.wide(step.name)))
        else:
            out.say(f"part_{step.name} += {self.value(out, step, False)}")


def _grouped(steps: Iterable[Step]) -> list[list[Step]]:
    """Consecutive steps over the same axes."""
    groups: list[list[Step]] = []
    for step in steps:
        if groups and groups[-1][0].axes == step.axes and "near" not in (groups[-1][0].kind, step.kind):
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


# -- one nest a step ------------------------------------------------------------------------------------------------


class _Nests(Writer):
    """A loop nest for each step, its values in memory: for programs whose steps do not share one space."""

    def emit(self, out: Code) -> None:
        outputs = self.function.outputs
        inner = [s for s in self.program.steps if s.name not in outputs]
        for step in inner:
            self.buffers[step.name] = self.types.wide(step.name)
        self.target.begin(out, self, False)
        self.target.arrays(out, [(s.name, self.count(s.axes), self.buffers[s.name]) for s in inner])
        for step in self.program.steps:
            self._nest(out, step)
        self.target.finish(out, bool(inner))

    def _nest(self, out: Code, step: Step) -> None:
        opened = len(step.axes)
        if step.axes:
            self.target.each(out, step.axes[0], self.sizes[step.axes[0]], False)
            self.loops(out, step.axes[1:])
        else:
            out.scope()
        if step.kind in ("sum", "max"):
            self._reduce(out, step)
        else:
            if step.kind != "map":
                self.define(out, step)
            self.store(out, step)
        out.end(opened) if opened else out.end_scope()
        self.locals.pop(step.name, None)

    def _reduce(self, out: Code, step: Step) -> None:
        out.variable(True, ["more"], f"-{out.infinity}" if step.kind == "max" else "0")
        opened = self.loops(out, step.over)
        value = self.value(out, step, True)
        if step.kind == "max":
            out.raise_to("more", value)
        else:
            out.say(f"more += {value}")
        out.end(opened)
        wide = self.buffers[step.name] if step.name in self.buffers else self.arrays[step.name]
        out.say(f"{self.memory(step.name, step.axes)} = {'more' if wide else out.cast(False, 'more')}")
