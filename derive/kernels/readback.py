"""What a program computes, read back as SymPy and proved equal to what was derived, before a target prints it.

Every step of both programs becomes a definition again. Values that a target may choose (near a mean, rounded, a
maximum) become free symbols, so that a proof says that no result depends on them. What the backward pass reads from
the forward pass is followed into the forward program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy
from sympy import Expr, Symbol

from derive.forward import Definition, entry
from derive.kernels.axes import NotLowerable
from derive.kernels.make import Made
from derive.kernels.program import Call, Equal, Node, Number, Power, Product, Program, Quotient, Read, Size, Step, Sum
from derive.language import index, total
from derive.normal.limits import GaveUp, Undefined
from derive.normal.prover import Prover
from derive.primitives import BY_NAME

FREE = ("near", "rounded", "max")


class NotProved(NotLowerable):
    """A program that was not proved to compute what was derived: it is not printed."""


@dataclass(frozen=True)
class Proof:
    """The results of a program that are proved equal to what was derived, by their labels."""

    results: tuple[str, ...]
    gradients: tuple[str, ...]


def prove(made: Made, deadline: float | None = None) -> Proof:
    """Prove both programs of a kernel.

    Raises:
        NotProved: a result differs from what was derived, or the proof was given up.
    """
    back = _Readback(made)
    prover = back.prover(deadline)
    kernel = made.kernel
    for output in kernel.forward.results:
        definition = made.graph.by_name[output.key]
        letters = back.letters(kernel.forward, output.step)
        _demand(prover, back.result(kernel.forward, output.step), definition.at(letters), output.label)
    for output, formula in zip(kernel.backward.results, made.formulas, strict=True):
        letters = back.letters(kernel.backward, output.step)
        derived = made.court.calculus.adjoint(formula.key, letters)
        _demand(prover, back.result(kernel.backward, output.step), derived, f"the gradient of {output.label}")
    results = (tuple(o.label for o in p.results) for p in (kernel.forward, kernel.backward))
    return Proof(*results)


def _demand(prover: Prover, computed: Expr, derived: Expr, what: str) -> None:
    try:
        proved = prover.equal(computed, derived)
    except (GaveUp, Undefined) as error:
        raise NotProved(f"the program for {what} could not be proved: {error}") from error
    if not proved:
        raise NotProved(f"the program for {what} could not be proved equal to what was derived")


class _Readback:
    """Programs as definitions; the names of steps get the direction as a prefix."""

    def __init__(self, made: Made) -> None:
        self.made = made
        self.definitions: dict[str, Definition] = {}
        self.sizes = {name: size for size, name in made.size_names.items()}
        for program in (made.kernel.forward, made.kernel.backward):
            self.definitions.update((d.name, d) for d in self._steps(program))

    def prover(self, deadline: float | None) -> Prover:
        court = self.made.court
        definitions = {**self.made.graph.by_name, **court.calculus.staged, **self.definitions}
        return Prover(definitions, court.compactor.positive, self.made.graph.facts, deadline)

    def letters(self, program: Program, step: str) -> tuple[Symbol, ...]:
        return tuple(map(index, program.by_name[step].axes))

    def result(self, program: Program, step: str) -> Expr:
        return entry(f"{program.name}@{step}", self.letters(program, step))

    def _steps(self, program: Program) -> Iterator[Definition]:
        for step in program.steps:
            if step.kind not in FREE:
                letters = tuple(map(index, step.axes))
                sizes = tuple(self._size(program, a) for a in step.axes)
                yield Definition(f"{program.name}@{step.name}", letters, sizes, self._value(program, step))

    def _size(self, program: Program, letter: str) -> Symbol:
        return self.sizes[program.sizes[letter]]

    def _value(self, program: Program, step: Step) -> Expr:
        """A step's expression; a sum binds its letters anew."""
        value = self._expr(program, step.value)
        if step.kind != "sum":
            return value
        letters = {index(a): sympy.Dummy(a, integer=True) for a in step.over}
        ranges = [(letters[index(a)], self._size(program, a)) for a in step.over]
        return total(value.xreplace(letters), ranges)

    def _expr(self, program: Program, node: Node) -> Expr:
        match node:
            case Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case Size(name):
                return self.sizes[name]
            case Read(name, axes):
                return self._read(program, name, tuple(map(index, axes)))
            case Equal(first, second):
                return sympy.KroneckerDelta(index(first), index(second))
            case Sum(terms):
                return sympy.Add(*((1 if sign else -1) * self._expr(program, term) for sign, term in terms))
            case Product(factors):
                return sympy.Mul(*(self._expr(program, f) for f in factors))
            case Quotient(numerator, denominator):
                return self._expr(program, numerator) / self._expr(program, denominator)
            case Power(base, exponent):
                return self._expr(program, base) ** exponent
            case Call(function, arguments):
                return _applied(function, [self._expr(program, a) for a in arguments])

    def _read(self, program: Program, name: str, letters: tuple[Symbol, ...]) -> Expr:
        array = program.array_by_name.get(name)
        if array is None:
            return entry(f"{program.name}@{name}", letters)
        if array.role == "saved":
            forward = self.made.kernel.forward
            step = next(o.step for o in forward.outputs if o.label == name)
            return entry(f"{forward.name}@{step}", letters)
        return entry(array.key, letters)


def _applied(function: str, arguments: list[Expr]) -> Expr:
    match function:
        case "sqrt":
            return sympy.sqrt(arguments[0])
        case "inverse":
            return 1 / arguments[0]
        case "pow":
            return arguments[0] ** arguments[1]
        case "pi":
            return sympy.pi
        case "left":
            near, hi, rest = arguments
            return near - hi + rest
        case _:
            return BY_NAME[function].function(*arguments)
