"""The NumPy target: one module with ``forward`` and ``backward``.

Each straight line of a program, what is done inside a block and what is done between two passes, becomes a function
made by `sympy.lambdify` with our printer; around them stand the loops over blocks that fit the cache, in which sums
go on in float64. What `derive` runs is the module that it prints.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import sympy
from sympy import Symbol

from derive.kernels import support
from derive.kernels.program import Array, Kernel, Output, Product, Program, Step, Sum, reads, walk
from derive.kernels.program import Size as SizeNode
from derive.kernels.prose import WIDTH, docstring, folded, head
from derive.kernels.python_text import Printer, Statements
from derive.kernels.schedule import Pass, block_of, passes, space_of


def source(kernel: Kernel) -> str:
    """The module's source."""
    programs = [_Function(kernel, p) for p in (kernel.forward, kernel.backward)]
    body = "\n\n\n".join(text for program in programs for text in program.texts())
    known = (
        support.checked,
        support.blocks,
        support.total,
        support.contracted,
        support.near,
        support.rounded,
        support.sigmoid,
        support.softplus,
        support.inverse,
        support.step,
        support.erf,
    )
    helpers = [f for f in known if _calls(body, f.__name__)]
    shared = "\n\n".join(inspect.getsource(f) for f in helpers)
    imports = ["import math"] * ("math." in body) + [
        "from collections.abc import Iterator, Mapping",
        "from typing import Any",
    ]
    return "\n".join(
        [
            head(kernel, "NumPy"),
            "",
            "from __future__ import annotations",
            "",
            *imports,
            "",
            "import numpy as np",
            "",
            f"FLOATS = {support.FLOATS!r}".replace("'", '"'),
            "BLOCK = 1 << 16  # entries of an array that are worked on at a time: a few such pieces fit a core's cache",
            *(
                ["PIECE = 4096  # terms that are summed in the precision of the data"]
                if _calls(body, "contracted")
                else []
            ),
            "wide = np.float64  # sums over blocks, and what depends on sums only, are kept in this type",
            "",
            "",
            body,
            "",
            "",
            "# what is below serves every kernel",
            "",
            "",
            shared,
        ]
    )


def _calls(body: str, name: str) -> bool:
    return f"{name}(" in body


@dataclass(frozen=True)
class _Straight:
    """A straight line as a function: its name, its text, what it takes and returns."""

    name: str
    text: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]


class _Function:
    """One direction as Python functions."""

    def __init__(self, kernel: Kernel, program: Program) -> None:
        self.kernel = kernel
        self.program = program
        self.block = self._block()
        stored = [o.step for o in program.outputs]
        self.passes = passes(program.steps, frozenset(self.block), stored)
        wide = {a.name: a.role == "saved" and self._saved_wide(a) for a in program.arrays}
        wide |= wide_steps(program, wide)
        self.statements = Statements(self._order, wide)
        self.wide = wide
        self.named: dict[str, int] = {}

    # -- the plan ----------------------------------------------------------------------------------------------------

    def _saved_wide(self, array: Array) -> bool:
        forward = self.kernel.forward
        step = next(forward.by_name[o.step] for o in forward.outputs if o.label == array.name)
        saved = any(o.saved and o.label == array.name for o in forward.outputs)
        return saved and wide_steps(forward, {})[step.name] and not is_low(step)

    def _order(self, letters: Iterable[str]) -> tuple[str, ...]:
        everything = list(self.program.sizes)
        return tuple(sorted(letters, key=everything.index))

    def _block(self) -> tuple[str, ...]:
        """The axis along which to go in blocks: the first that has groups of its own; none where steps share no
        space."""
        space = space_of(self.program)
        letters = {a for s in self.program.steps for a in s.space}
        if len(space) < 2 or letters - set(space) or all(len(s.axes) < len(space) for s in self.program.steps):
            return ()
        return block_of(self.program)[:1] or space[:1]

    # -- texts -------------------------------------------------------------------------------------------------------

    def texts(self) -> list[str]:
        """The functions of this direction, the public one last."""
        lines = [self._driver_head()]
        functions: list[_Straight] = []
        for number, each in enumerate(self.passes):
            between, inside = self._between(each, number), self._inside(each)
            functions += [f for f in (between, inside) if f is not None]
            lines += self._call(between)
            lines += self._loop(each, inside)
        lines.append(self._return())
        return [*(f.text for f in functions), wrapped("\n".join(line for line in lines if line))]

    def _between(self, each: Pass, number: int) -> _Straight | None:
        later = self._read_later(number)
        gives = tuple(s.name for s in each.before if s.name in later)
        if not gives:
            return None
        last = number == len(self.passes) - 1 and each.is_idle
        what = "rest" if last else "statistics" if self.program.name == "forward" else "coefficients"
        return self._straight("start" if number == 0 and not last else what, each.before, gives)

    def _inside(self, each: Pass) -> _Straight | None:
        gives = (*each.stored, *(s.name for s in each.sums))
        if not gives:
            return None
        what = "block" if each.stored and each.sums else "sums" if each.sums else "results"
        return self._straight(what, (*each.body, *each.sums), gives)

    def _read_later(self, number: int) -> set[str]:
        """The names that anything after the steps between two passes reads."""
        found = {o.step for o in self.program.outputs}
        for k, each in enumerate(self.passes[number:]):
            steps = [*each.body, *each.sums, *(each.before if k else ())]
            found |= {r.name for s in steps for r in reads(s.value)}
        return found

    def _straight(self, what: str, steps: tuple[Step, ...], gives: tuple[str, ...]) -> _Straight:
        """Steps as a function, by lambdify."""
        self.named[what] = self.named.get(what, 0) + 1
        name = f"_{self.program.name}_{what}" + (f"_{self.named[what]}" if self.named[what] > 1 else "")
        own = {s.name for s in steps}
        read = dict.fromkeys(r.name for s in steps for r in reads(s.value) if r.name not in own)
        sizes = dict.fromkeys(n.name for s in steps for n in walk(s.value) if isinstance(n, SizeNode))
        ordered = self._needed_steps(steps, gives)
        filled = [s.name for s in ordered if s.name in gives and self._is_filled(s)]
        pairs = [
            (Symbol(s.name), self.statements.into(s) if s.name in filled else self.statements.value(s)) for s in ordered
        ]
        real = any("real" in str(v) for _, v in pairs)
        takes = (*read, *sizes, *filled, *(["real"] if real else []))
        gives = tuple(g for g in gives if g not in filled)
        result: object = Symbol(gives[0]) if len(gives) == 1 else tuple(map(Symbol, gives))
        return _Straight(name, lambdified(name, takes, pairs, result), takes, gives)

    def _is_filled(self, step: Step) -> bool:
        """Whether a result is computed into its array: as large as the data, arithmetic at last, read by nothing
        else."""
        users = [s for s in self.program.steps if step.name in {r.name for r in reads(s.value)}]
        arithmetic = isinstance(step.value, Product | Sum)
        return (
            bool(self.block)
            and not users
            and arithmetic
            and not step.wide
            and len(step.axes) > 1
            and step.kind == "map"
        )

    def _needed_steps(self, steps: tuple[Step, ...], gives: tuple[str, ...]) -> list[Step]:
        by_name = {s.name: s for s in steps}
        waiting, needed = list(gives), set(gives)
        while waiting:
            for r in reads(by_name[waiting.pop()].value):
                if r.name in by_name and r.name not in needed:
                    needed.add(r.name)
                    waiting.append(r.name)
        return [s for s in steps if s.name in needed]

    # -- the driver --------------------------------------------------------------------------------------------------

    def _driver_head(self) -> str:
        """The head of the public function: its arguments checked, and in the precision to compute in."""
        program = self.program
        forward = program.name == "forward"
        inputs = [a for a in program.arrays if a.role == "input"]
        labels = {a.name: self.kernel.label_of(a) for a in program.arrays if a.role == "upstream"}
        signature = [a.name for a in inputs] if forward else ["saved", *(["*"] if labels else []), *labels.values()]
        lines = ['@np.errstate(divide="ignore", invalid="ignore", over="ignore")']
        lines.append(f"def {program.name}({', '.join(signature)}):")
        lines.append(textwrap.indent(docstring(self.kernel, program), "    "))
        if not forward:
            lines += [f"    {name} = {label}" for name, label in labels.items()]
            lines += [f'    {a.name} = saved["{a.name}"]' for a in program.arrays if a.role != "upstream"]
        given = [*inputs, *(a for a in program.arrays if a.role == "upstream")]
        rows = [f'"{labels.get(a.name, a.name)}": ({a.name}, "{self._shape_text(a)}")' for a in given]
        lines.append("    dtype, sizes = checked({" + ", ".join(rows) + "})")
        used = self._used_sizes()
        if used:
            lines.append(f"    {', '.join(used)} = " + ", ".join(f'sizes["{s}"]' for s in used))
        lines.append("    real = np.result_type(dtype, np.float32).type")
        if forward:
            lines.append(
                "    saved = {" + ", ".join(f'"{n}": {n}' for n in self.kernel.kept if n in program.array_by_name) + "}"
            )
        cast = [*given, *(a for a in program.arrays if self._is_returned(a))]
        lines += [f"    {a.name} = " + (f"np.asarray({a.name}, real)" if a.axes else f"float({a.name})") for a in cast]
        ups = [a for a in program.arrays if a.role == "upstream" and a.axes]
        if ups:
            zeros = ", ".join(
                f'"{o.label}": np.zeros({self._shape(program.by_name[o.step].axes)}, dtype)' for o in program.results
            )
            lines.append(f"    if not {' and not '.join(f'{a.name}.size' for a in ups)}:")
            lines.append(f"        return {{{zeros}}}")
        return "\n".join(lines)

    def _is_returned(self, array: Array) -> bool:
        """Whether a saved array is a result of the forward pass, kept in the precision of the data."""
        return array.role == "saved" and any(o.label == array.name for o in self.kernel.forward.results)

    def _shape_text(self, array: Array) -> str:
        return " ".join(self.program.sizes[a] for a in array.axes)

    def _used_sizes(self) -> list[str]:
        program = self.program
        found = {n.name for s in program.steps for n in walk(s.value) if isinstance(n, SizeNode)}
        for output in program.outputs:
            step = program.by_name[output.step]
            if output.step in {n for p in self.passes for n in p.stored} or not output.saved:
                found |= {program.sizes[a] for a in step.axes}
        for each in self.passes:
            found |= {program.sizes[a] for s in each.sums for a in s.axes}
        if self.block:
            found |= {program.sizes[a] for a in space_of(program)}
        known = {program.sizes[a] for array in program.arrays for a in array.axes}
        return [n for n in dict.fromkeys(program.sizes.values()) if n in found & known]

    def _call(self, straight: _Straight | None) -> list[str]:
        if straight is None:
            return []
        return [f"    {', '.join(straight.gives)} = {straight.name}({', '.join(straight.takes)})"]

    def _loop(self, each: Pass, straight: _Straight | None) -> list[str]:
        """A pass: what it fills made empty, then block by block."""
        if straight is None:
            return []
        program = self.program
        lines = [f"    {name} = {self._empty(program.by_name[name])}" for name in each.stored]
        lines += [f"    {s.name} = np.zeros({self._shape(s.axes)}, wide)" for s in each.sums]
        if not self.block:
            targets = ", ".join(f"{n}[...]" for n in straight.gives)
            return [*lines, f"    {targets} = {straight.name}({', '.join(straight.takes)})"]
        width = [program.sizes[a] for a in space_of(program) if a not in self.block]
        lines.append(f"    for rows in blocks({program.sizes[self.block[0]]}, {' * '.join(width)}):")
        arguments = ", ".join(self._argument(name) for name in straight.takes)
        stored = tuple(n for n in each.stored if n in straight.gives)
        sums = tuple(s.name for s in each.sums)
        call = f"{straight.name}({arguments})"
        if not sums and not stored:
            return [*lines, f"        {call}"]
        if not sums:
            targets = ", ".join(map(self._argument, stored))
            return [*lines, f"        {targets} = {call}"]
        if len(sums) == 1 and not stored:
            return [*lines, f"        {sums[0]} += {call}"]
        names = [*map(self._argument, stored), *(f"more_{k}" for k, _ in enumerate(sums))]
        lines.append(f"        {', '.join(names)} = {call}")
        return [*lines, *(f"        {n} += more_{k}" for k, n in enumerate(sums))]

    def _argument(self, name: str) -> str:
        axes = self._axes_of(name)
        if self.block[0] not in axes:
            return name
        return f"{name}[{':, ' * axes.index(self.block[0])}rows]"

    def _axes_of(self, name: str) -> tuple[str, ...]:
        step = self.program.by_name.get(name)
        if step is not None:
            return step.axes
        array = self.program.array_by_name.get(name)
        return array.axes if array is not None else ()

    def _empty(self, step: Step) -> str:
        kind = (
            "dtype" if self._is_result(step.name) else "wide" if self.wide[step.name] and not is_low(step) else "real"
        )
        return f"np.empty({self._shape(step.axes)}, {kind})"

    def _is_result(self, name: str) -> bool:
        return any(o.step == name and not o.saved for o in self.program.outputs)

    def _shape(self, axes: tuple[str, ...]) -> str:
        sizes = [self.program.sizes[a] for a in axes]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def _return(self) -> str:
        program = self.program
        in_passes = {n for p in self.passes for n in p.stored}
        lines = []
        for output in program.results:
            step = program.by_name[output.step]
            if output.step not in in_passes:
                lines.append(f"    {step.name} = np.broadcast_to({step.name}, {self._shape(step.axes)}).astype(dtype)")
        if program.name == "forward":
            kept = [o for o in program.results if o.label in self.kernel.kept]
            more = [f"{o.label}={self._stored(o.step)}" for o in (*kept, *program.saved)]
            lines += [f"    saved.update({', '.join(more)})"] if more else []
            results = ", ".join(o.step for o in program.results)
            return "\n".join([*lines, f"    return {results}, saved"])
        pairs = ", ".join(f'"{o.label}": {o.step}' for o in program.results)
        return "\n".join([*lines, f"    return {{{pairs}}}"])

    def _stored(self, name: str) -> str:
        step = self.program.by_name.get(name)
        in_passes = {n for p in self.passes for n in p.stored}
        return f"real({name})" if step is not None and is_low(step) and name not in in_passes else name


def wide_steps(program: Program, arrays: Mapping[str, bool]) -> dict[str, bool]:
    """Which steps hold values in the accumulators' type; a maximum has the type of what it is taken of."""
    wide = dict(arrays)
    for step in program.steps:
        if step.kind == "max":
            wide[step.name] = any(wide.get(r.name, False) for r in reads(step.value))
        else:
            wide[step.name] = step.wide and step.kind not in ("near", "rounded")
    return {s.name: wide[s.name] for s in program.steps}


def is_low(step: Step) -> bool:
    """Whether a step is the small part of a mean, which fits the precision of the data."""
    return step.name.endswith("_lo")


def lambdified(name: str, takes: Iterable[str], pairs: list[tuple[Symbol, sympy.Expr]], result: object) -> str:
    """A straight line of statements as the text of a function."""

    def statements(_: object) -> tuple[list[tuple[Symbol, sympy.Expr]], object]:
        return pairs, result

    function: Callable[..., object] = sympy.lambdify(
        [Symbol(t) for t in takes], result, modules=[{}, "numpy"], printer=Printer(), cse=statements
    )
    text = inspect.getsource(function)
    text = text.replace("_lambdifygenerated", name, 1).rstrip().removesuffix("\n    return ()")
    text = re.sub(r"^(    )\w+ = (np\.\w+\(.*, out=\w+\)|np\.copyto\(.*\))$", r"\1\2", text, flags=re.MULTILINE)
    return wrapped(re.sub(r"return \((.*),\)$", r"return \1", text))


def wrapped(text: str) -> str:
    """Python with lines that are too long broken inside their last call's parentheses."""
    return "\n".join(part for line in text.split("\n") for part in _broken(line))


def _broken(line: str) -> list[str]:
    is_call = re.match(r" *(np\.\w+\(|\w+\(|\w+\[\w+\]\(|return {|def )", line) is not None
    if len(line) <= WIDTH or not (is_call or " = " in line) or '"""' in line:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    if line.lstrip().startswith("def "):
        opening, closing = line.index("("), line.rindex(")")
        taken = folded(line[opening + 1 : closing], indent + "    ", indent + "    ")
        return [line[: opening + 1], *taken, indent + line[closing:]]
    start = len(indent) if is_call else line.index(" = ") + 3
    opening = min((k for k in (line.find("(", start), line.find("{", start)) if k >= 0), default=start)
    name = re.sub(r"\[\w+\]$", "", line[start:opening])
    whole = name.replace(".", "").replace("return ", "r").isidentifier() or line[opening] == "{"
    whole = whole and line[opening] in "({" and _closes(line, opening) == len(line) - 1
    head, inner = (line[: opening + 1], line[opening + 1 : -1]) if whole else (line[:start] + "(", line[start:])
    deeper = indent + "    "
    last = line[-1] if whole else ")"
    return [head, *folded(inner, deeper, deeper), indent + last]


def _closes(line: str, opening: int) -> int:
    """Where the parenthesis that opens there is closed."""
    depth = 0
    for k in range(opening, len(line)):
        depth += {"(": 1, ")": -1, "{": 1, "}": -1}.get(line[k], 0)
        if not depth:
            return k
    return -1


__all__ = ["Output", "source"]
