"""Expressions compiled to closures.

An expression is evaluated at many index values, by floats and by intervals, moving and at rest: walking its
SymPy tree each time would cost more than the arithmetic. So each kind of node becomes a Python closure once,
index letters become positions in a list, and running the closure does nothing but the arithmetic.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

import sympy
from sympy import Expr, Symbol

from derive.caches import kept
from derive.forward import names_in
from derive.language import D, indices_of, name_of, ordered
from derive.primitives import BY_FUNCTION
from derive.probe.arithmetic import Number
from derive.probe.duals import Duals

if TYPE_CHECKING:
    from derive.probe.evaluation import Evaluator, Motion

MAX_NESTING = 150
KINKED = frozenset({"abs", "sign", "step"})
"""Functions with a kink or a jump where their argument is 0."""


class TooLarge(Exception):
    """Evaluating takes more operations than allowed."""


class NotEvaluable(Exception):
    """An expression that the probe has no meaning for."""


class Frame:
    """Where code runs: for which evaluator, under what motion, and the values of the index letters by
    position."""

    __slots__ = ("indices", "motion", "run")

    def __init__(self, run: Evaluator, motion: Motion, indices: list[int]) -> None:
        self.run = run
        self.motion = motion
        self.indices = indices


Code: TypeAlias = Callable[[Frame], Number]
Whole: TypeAlias = Callable[[Frame], int]
Scope: TypeAlias = Mapping[Symbol, int]


@dataclass(frozen=True)
class Program:
    """Compiled code for an expression.

    Attributes:
        letters: how many index letters it has, bound ones included; the given ones come first.
        nesting: how deeply its closures call each other.
        weight: how many operations it takes, those under sums left out.
        mentions: the names of the quantities in it.
        sizes: the names of the sizes in it.
        computed: the ranges and integer powers in it that are computed from sizes.
    """

    code: Code
    letters: int
    nesting: int
    weight: int
    mentions: frozenset[str]
    sizes: frozenset[str]
    computed: frozenset[Expr]

    def start(self, run: Evaluator, motion: Motion, indices: tuple[int, ...]) -> Number:
        """The value where the given letters have these values."""
        return self.code(Frame(run, motion, [*indices, *(0,) * (self.letters - len(indices))]))


@dataclass(frozen=True)
class By:
    """What a derivative is taken by: an entry; ``held`` names stay fixed."""

    name: str
    indices: tuple[Whole, ...]
    held: frozenset[str]


@dataclass(frozen=True)
class Target:
    """What a derivative is taken of: an expression that contains ``nested`` derivatives or none, or the entry
    of a name, which has `indices` then."""

    code: Code
    mentions: frozenset[str]
    nested: bool
    name: str | None = None
    indices: tuple[Whole, ...] = ()


@kept(4096)
def program(expr: Expr, letters: tuple[Symbol, ...], arithmetic: Duals) -> Program:
    """The code of an expression with these free index letters. Raises `NotEvaluable` or `TooLarge`."""
    compiler = _Compiler(arithmetic, len(letters))
    code = compiler.code(expr, {letter: k for k, letter in enumerate(letters)})
    return Program(
        code,
        compiler.letters,
        compiler.nesting,
        compiler.weight,
        names_in(expr),
        frozenset(compiler.sizes),
        frozenset(compiler.computed),
    )


class _Compiler:
    """Compiles one expression; counts its letters, its nesting and its operations outside sums."""

    def __init__(self, arithmetic: Duals, letters: int) -> None:
        self.arithmetic = arithmetic
        self.letters = letters
        self.nesting = 0
        self.weight = 0
        self.sizes: set[str] = set()
        self.computed: set[Expr] = set()
        self._level = 0

    def code(self, expr: Expr, scope: Scope) -> Code:
        self.weight += 1
        self._level += 1
        self.nesting = max(self.nesting, self._level)
        if self._level > MAX_NESTING:
            raise TooLarge
        code = self._rule(expr)(self, expr, scope)
        self._level -= 1
        return code

    def _rule(self, expr: Expr) -> Callable[[_Compiler, Expr, Scope], Code]:
        if isinstance(expr, sympy.Rational):
            return _Compiler._number
        if isinstance(expr, Symbol):
            return _Compiler._symbol
        rule = _RULES.get(expr.func)
        if rule is not None:
            return rule
        if expr.func in BY_FUNCTION:
            return _Compiler._primitive
        if isinstance(expr, sympy.core.function.AppliedUndef):
            return _Compiler._undefined
        raise NotEvaluable(f"cannot evaluate {expr.func.__name__}")

    # -- numbers and names -----------------------------------------------------------------------------------

    def _constant(self, value: Number) -> Code:
        return lambda frame: value

    def _number(self, expr: Expr, scope: Scope) -> Code:
        return self._constant(self.arithmetic.number(Fraction(int(expr.p), int(expr.q))))

    def _pi(self, expr: Expr, scope: Scope) -> Code:
        return self._constant(self.arithmetic.pi())

    def _e(self, expr: Expr, scope: Scope) -> Code:
        return self._constant(self.arithmetic.call("exp", self.arithmetic.number(Fraction(1))))

    def _symbol(self, symbol: Symbol, scope: Scope) -> Code:
        if symbol in scope or symbol.is_integer:
            whole = self.whole(symbol, scope)
            return lambda frame: frame.run.integer(whole(frame))
        return self._read(symbol.name, ())

    def _indexed(self, expr: Expr, scope: Scope) -> Code:
        return self._read(name_of(expr), self._wholes(expr.indices, scope))

    def _read(self, name: str, indices: tuple[Whole, ...]) -> Code:
        def read(frame: Frame) -> Number:
            key = name, tuple([index(frame) for index in indices])
            found = frame.motion.entries.get(key)
            return frame.run.entry(frame.motion, key) if found is None else found

        return read

    # -- indices and ranges ----------------------------------------------------------------------------------

    def _wholes(self, exprs: tuple[Expr, ...], scope: Scope) -> tuple[Whole, ...]:
        return tuple(self.whole(expr, scope) for expr in exprs)

    def whole(self, expr: Expr, scope: Scope) -> Whole:
        """An index, or a bound of a range: integers, index letters, sizes, selectors, and what is computed of
        them."""
        if isinstance(expr, sympy.Integer):
            value = int(expr)
            return lambda frame: value
        if isinstance(expr, Symbol):
            return self._letter(expr, scope)
        if isinstance(expr, sympy.Indexed):
            name, indices = name_of(expr), self._wholes(expr.indices, scope)
            return lambda frame: frame.run.selected(name, tuple([index(frame) for index in indices]))
        return self._computed(expr, scope)

    def _letter(self, symbol: Symbol, scope: Scope) -> Whole:
        name = symbol.name
        if symbol in scope:
            position = scope[symbol]
            return lambda frame: frame.indices[position]
        if symbol.is_positive:
            self.sizes.add(name)
            return lambda frame: frame.run.size(name)
        return lambda frame: frame.run.selected(name, ())

    def _computed(self, expr: Expr, scope: Scope) -> Whole:
        """Whatever SymPy makes an integer of once its letters are known: rare, so slow is good enough."""
        parts = sorted(expr.atoms(sympy.Indexed) or expr.free_symbols, key=str)
        if not all(part.is_integer or isinstance(part, sympy.Indexed) for part in parts):
            raise NotEvaluable(f"an index or a range that depends on data: {expr}")
        codes = [self.whole(part, scope) for part in parts]
        if all(part.is_positive for part in parts):
            self.computed.add(expr)

        def computed(frame: Frame) -> int:
            value = expr.xreplace({part: sympy.Integer(code(frame)) for part, code in zip(parts, codes, strict=True)})
            if not isinstance(value, sympy.Integer):
                raise NotEvaluable(f"{expr} is no integer at these sizes")
            return int(value)

        return computed

    # -- arithmetic ------------------------------------------------------------------------------------------

    def _add(self, expr: Expr, scope: Scope) -> Code:
        first, *rest = (self.code(term, scope) for term in expr.args)
        if len(rest) == 1:
            (second,) = rest
            return lambda frame: first(frame) + second(frame)

        def add(frame: Frame) -> Number:
            total = first(frame)
            for term in rest:
                total = total + term(frame)
            return total

        return add

    def _mul(self, expr: Expr, scope: Scope) -> Code:
        first, *rest = (self.code(factor, scope) for factor in expr.args)
        if len(rest) == 1:
            (second,) = rest
            return lambda frame: first(frame) * second(frame)

        def mul(frame: Frame) -> Number:
            product = first(frame)
            for factor in rest:
                product = product * factor(frame)
            return product

        return mul

    def _pow(self, expr: Expr, scope: Scope) -> Code:
        base, power = self.code(expr.base, scope), self.arithmetic.power
        if isinstance(expr.exp, sympy.Rational):
            fixed = Fraction(int(expr.exp.p), int(expr.exp.q))
            return lambda frame: power(base(frame), fixed)
        if expr.exp.is_integer:
            whole = self.whole(expr.exp, scope)
            return lambda frame: power(base(frame), Fraction(whole(frame)))
        exponent, call = self.code(expr.exp, scope), self.arithmetic.call
        return lambda frame: call("exp", exponent(frame) * call("log", base(frame)))

    def _exp(self, expr: Expr, scope: Scope) -> Code:
        return self._call("exp", expr, scope)

    def _primitive(self, expr: Expr, scope: Scope) -> Code:
        return self._call(BY_FUNCTION[expr.func].name, expr, scope)

    def _call(self, name: str, expr: Expr, scope: Scope) -> Code:
        argument, call = self.code(expr.args[0], scope), self.arithmetic.call
        if name not in KINKED:
            return lambda frame: call(name, argument(frame))
        kink = expr.args[0]

        def kinked(frame: Frame) -> Number:
            number = argument(frame)
            frame.run.pass_by(kink, number)
            return call(name, number)

        return kinked

    def _undefined(self, expr: Expr, scope: Scope) -> Code:
        """A function left general is some cubic here; its primes are that cubic's derivatives."""
        if len(expr.args) != 1:
            raise NotEvaluable(f"cannot evaluate {expr.func.__name__} of several arguments")
        argument = self.code(expr.args[0], scope)
        name = expr.func.__name__.rstrip("'")
        order = len(expr.func.__name__) - len(name)
        zero = self.arithmetic.number(Fraction(0))

        def polynomial(frame: Frame) -> Number:
            u, value = argument(frame), zero
            for coefficient in reversed(frame.run.cubic(name, order)):
                value = value * u + coefficient
            return value

        return polynomial

    # -- sums and deltas -------------------------------------------------------------------------------------

    def _sum(self, expr: Expr, scope: Scope) -> Code:
        zero = self.arithmetic.number(Fraction(0))
        return self._fold(expr, scope, zero, operator.add)

    def _product(self, expr: Expr, scope: Scope) -> Code:
        one = self.arithmetic.number(Fraction(1))
        return self._fold(expr, scope, one, operator.mul)

    def _fold(self, expr: Expr, scope: Scope, start: Number, join: Callable[[Number, Number], Number]) -> Code:
        """A sum or a product over its ranges; the first limit is the innermost, and may depend on the
        others."""
        spans = []
        for letter, low, high in reversed(expr.limits):
            span = self.letters, self.whole(low, scope), self.whole(high, scope)
            scope = {**scope, letter: self.letters}
            self.letters += 1
            spans.append(span)
        outside, self.weight = self.weight, 0
        code = self.code(expr.function, scope)
        weight, self.weight = self.weight, outside
        for position, low, high in reversed(spans):
            code = _loop(code, position, low, high, start, join, weight)
            weight = 1
        return code

    def _delta(self, expr: Expr, scope: Scope) -> Code:
        first, second = self._wholes(expr.args[:2], scope)
        one, zero = (self.arithmetic.number(Fraction(k)) for k in (1, 0))
        return lambda frame: one if first(frame) == second(frame) else zero

    def _ordered(self, expr: Expr, scope: Scope) -> Code:
        first, second = self._wholes(expr.args, scope)
        one, zero = (self.arithmetic.number(Fraction(k)) for k in (1, 0))
        return lambda frame: one if first(frame) <= second(frame) else zero

    # -- derivatives -----------------------------------------------------------------------------------------

    def _derivative(self, expr: Expr, scope: Scope) -> Code:
        """A derivative; one of a derivative is taken together with it, as one of higher order."""
        chain: list[By] = []
        while isinstance(expr, D):
            expr, by, *held = expr.args
            fixed = frozenset(name_of(h) for h in held[0]) if held else frozenset()
            chain.append(By(name_of(by), self._wholes(indices_of(by), scope), fixed))
        bys = tuple(reversed(chain))
        target = self._target(expr, scope)
        return lambda frame: frame.run.derivative(frame, target, bys)

    def _target(self, expr: Expr, scope: Scope) -> Target:
        code, mentions, nested = self.code(expr, scope), names_in(expr), expr.has(D)
        if isinstance(expr, sympy.Indexed) or (isinstance(expr, Symbol) and not expr.is_integer):
            return Target(code, mentions, nested, name_of(expr), self._wholes(indices_of(expr), scope))
        return Target(code, mentions, nested)


def _loop(
    body: Code,
    position: int,
    low: Whole,
    high: Whole,
    start: Number,
    join: Callable[[Number, Number], Number],
    weight: int,
) -> Code:
    """Code that folds its body over the values of one letter."""

    def loop(frame: Frame) -> Number:
        indices, total = frame.indices, start
        first, last = low(frame), high(frame)
        frame.run.spend(weight * max(0, last - first + 1))
        for k in range(first, last + 1):
            indices[position] = k
            total = join(total, body(frame))
        return total

    return loop


_RULES: dict[type[Expr], Callable[[_Compiler, Expr, Scope], Code]] = {
    sympy.Indexed: _Compiler._indexed,
    sympy.Add: _Compiler._add,
    sympy.Mul: _Compiler._mul,
    sympy.Pow: _Compiler._pow,
    sympy.exp: _Compiler._exp,
    sympy.Sum: _Compiler._sum,
    sympy.Product: _Compiler._product,
    sympy.KroneckerDelta: _Compiler._delta,
    ordered: _Compiler._ordered,
    sympy.pi.func: _Compiler._pi,
    sympy.E.func: _Compiler._e,
    D: _Compiler._derivative,
}
