"""Program trees as NumPy source: SymPy's own NumPy printer, taught arrays with named axes.

A tree becomes an unevaluated SymPy expression over the names of the program, so that its order stays; an array is put
in place for the axes of the loop it is read in (``gamma[:, None]``), a reduction gets its axes by number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import sympy
from sympy import Expr, Integer, Symbol, Tuple
from sympy.printing.numpy import NumPyPrinter
from sympy.printing.precedence import PRECEDENCE, precedence

from derive.kernels.axes import NotLowerable
from derive.kernels.program import (
    Call,
    Equal,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Read,
    Size,
    Step,
    Sum,
    children,
    reads,
)


class Placed(sympy.Function):  # type: ignore[misc]
    """An array with its axes brought into an order, and new axes of length one: ``Placed(a, order, slots)``."""


class Reduced(sympy.Function):  # type: ignore[misc]
    """``Reduced(name, body, axes)``: a NumPy reduction over axes by number."""


class Contracted(sympy.Function):  # type: ignore[misc]
    """``Contracted(subscripts, a, b)``: an ``einsum``."""


class Cast(sympy.Function):  # type: ignore[misc]
    """``Cast(type, a)``: an array in another precision."""


class Printer(NumPyPrinter):  # type: ignore[misc]
    """NumPy's names under ``np``, sums and products in the order in which they stand."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": True, "inline": True, "allow_unknown_functions": True})

    def _module_format(self, fqn: str, register: bool = True) -> str:
        return fqn.replace("numpy.", "np.", 1)

    def _print_Symbol(self, expr: Symbol) -> str:
        return str(expr.name)

    def _print_Float(self, expr: Expr) -> str:
        return repr(float(expr))

    def _print_Add(self, expr: Expr, order: str | None = None) -> str:
        text = str(self.parenthesize(expr.args[0], PRECEDENCE["Add"]))
        for term in expr.args[1:]:
            negative = isinstance(term, sympy.Mul) and term.args[0] == -1
            inner = sympy.Mul(*term.args[1:], evaluate=False) if negative else term
            level = PRECEDENCE["Mul"] if negative or isinstance(inner, sympy.Add) else PRECEDENCE["Add"]
            text += (" - " if negative else " + ") + self.parenthesize(inner, level, strict=True)
        return text

    def _print_Mul(self, expr: Expr) -> str:
        if expr.args[0] == -1:
            rest = expr.args[1] if len(expr.args) == 2 else sympy.Mul(*expr.args[1:], evaluate=False)
            return f"-{self.parenthesize(rest, PRECEDENCE['Mul'])}"
        text = ""
        for factor in expr.args:
            below = isinstance(factor, sympy.Pow) and factor.exp == -1
            inner = factor.base if below else factor
            level = PRECEDENCE["Mul"] + bool(below) * 5
            shown = str(self._print(inner)) if inner.is_number and not text else self.parenthesize(inner, level)
            text = shown if not text and not below else f"{text or '1'} {'/' if below else '*'} {shown}"
        return text

    def _print_Pow(self, expr: Expr, rational: bool = False) -> str:
        base = self.parenthesize(expr.base, PRECEDENCE["Pow"], strict=False)
        if expr.exp == -1:
            return f"1 / {base}"
        if expr.exp == 3 and expr.base.is_Symbol:
            return f"{base} * {base} * {base}"
        return f"{base}**{self.parenthesize(expr.exp, PRECEDENCE['Pow'], strict=False)}"

    def _print_Placed(self, expr: Expr) -> str:
        name, order, slots = expr.args
        text = str(self._print(name))
        if list(order) != sorted(order):
            axes = ", ".join(map(str, order))
            text = f"{text}.T" if list(order) == [1, 0] else f"{text}.transpose({axes})"
        if all(slots):
            return text
        return f"{text}[{', '.join(':' if slot else 'None' for slot in slots)}]"

    def _print_Reduced(self, expr: Expr) -> str:
        name, body, axes = expr.args
        numbers = tuple(int(a) for a in axes)
        axis = numbers[0] if len(numbers) == 1 else numbers
        empty = ", initial=-np.inf" if str(name) == "np.max" else ""
        return f"{self._print(name)}({self._print(body)}, axis={axis}{empty})"

    def _print_Contracted(self, expr: Expr) -> str:
        subscripts, *operands = expr.args
        inner = ", ".join(self._print(o) for o in operands)
        kinds = str(subscripts).split("->")[0].split(",")
        optimize = ", optimize=True" if len(kinds) == 2 and set(kinds[0]) != set(kinds[1]) else ""
        return f'contracted("{subscripts}", {inner}{optimize})'

    def _print_Into(self, expr: Expr) -> str:
        function, *parts = map(self._print, expr.args)
        if function == "np.copyto":
            return f"{function}({', '.join(parts)})"
        return f"{function}({', '.join(parts[:-1])}, out={parts[-1]})"

    def _print_Cast(self, expr: Expr) -> str:
        kind, inner = expr.args
        return f"{self._print(kind)}({self._print(inner)})"

    def _print_Function(self, expr: Expr) -> str:
        return f"{expr.func.__name__}({', '.join(map(self._print, expr.args))})"


class Into(sympy.Function):  # type: ignore[misc]
    """``Into(name, ufunc, a, b)``: a result computed into the array that is there for it."""


_NUMPY = {"exp", "log", "tanh", "sin", "cos", "arctan", "abs", "sign", "sqrt"}


def _product(factors: tuple[Node, ...]) -> Node:
    return factors[0] if len(factors) == 1 else Product(factors)


class Statements:
    """Turns the steps of a program into statements.

    Args:
        wide: whether a name holds values in the accumulators' type; None for a number.
    """

    def __init__(self, order: Callable[[set[str]], tuple[str, ...]], wide: Mapping[str, bool]) -> None:
        self.order = order
        self.wide = wide

    def value(self, step: Step) -> Expr:
        """The value of a step as SymPy to be printed."""
        space = step.axes if step.kind in ("map", "rounded") else self.order({*step.axes, *step.over})
        if step.kind == "sum":
            return self._sum(step, space)
        body = self._expr(step.value, space, step.wide)
        if step.kind == "rounded":
            return Cast(Symbol("real"), body)
        if step.kind == "map":
            return body
        axes = self._numbers(step, space)
        if step.kind == "near":
            return sympy.Function("near")(body, axes)
        return Reduced(Symbol("np.max"), body, axes)

    def into(self, step: Step) -> Expr:
        """An elementwise result computed into a part of the array that is returned."""
        value = step.value
        if isinstance(value, Product):
            parts = [self._expr(value.factors[0], step.axes, step.wide)]
            parts.append(self._expr(_product(value.factors[1:]), step.axes, step.wide))
            return Into(Symbol("np.multiply"), *parts, Symbol(step.name))
        if isinstance(value, Sum):
            (first, head), *rest = value.terms
            sign, last = rest[-1]
            left = Sum(((first, head), *rest[:-1])) if rest[:-1] or not first else head
            parts = [self._expr(left, step.axes, step.wide), self._expr(last, step.axes, step.wide)]
            return Into(Symbol("np.add" if sign else "np.subtract"), *parts, Symbol(step.name))
        return Into(Symbol("np.copyto"), Symbol(step.name), self._expr(value, step.axes, step.wide))

    def _numbers(self, step: Step, space: tuple[str, ...]) -> Tuple:
        return Tuple(*(Integer(space.index(a)) for a in step.over))

    def _sum(self, step: Step, space: tuple[str, ...]) -> Expr:
        value = step.value
        if isinstance(value, Power) and value.exponent == 2 and isinstance(value.base, Read):
            value = Product((value.base, value.base))
        if step.over == space[:1] and len(space) > 1 and self._fills(step.value, space):
            return Cast(Symbol("wide"), sympy.Function("total")(self._expr(step.value, space, False)))
        found = self._einsum(value, step, space) if isinstance(value, Product) else None
        if found is None:
            found = Reduced(Symbol("np.sum"), self._expr(value, space, False), self._numbers(step, space))
        return Cast(Symbol("wide"), found)

    def _fills(self, node: Node, space: tuple[str, ...]) -> bool:
        """Whether an expression has all the axes of a space already before it is multiplied out."""
        return any(set(r.axes) == set(space) for r in reads(node))

    def _einsum(self, product: Product, step: Step, space: tuple[str, ...]) -> Expr | None:
        """A contraction of two arrays, weights of fewer axes multiplied into one of them first."""
        groups = [(self._space(f), [f]) for f in product.factors]
        if any(not g[0] for g in groups):
            return None
        while len(groups) > 2:
            groups.sort(key=lambda g: len(g[0]))
            small = groups[0]
            host = next((g for g in groups[1:] if set(small[0]) <= set(g[0])), None)
            if host is None:
                return None
            host[1][:0] = small[1]
            groups = groups[1:]
        if len(groups) != 2:
            return None
        letters = {a: chr(ord("i") + k) for k, a in enumerate(space)}
        operands = [self._expr(fs[0] if len(fs) == 1 else Product(tuple(fs)), axes, False) for axes, fs in groups]
        inputs = ",".join("".join(letters[a] for a in axes) for axes, _ in groups)
        return Contracted(Symbol(f"{inputs}->{''.join(letters[a] for a in step.axes)}"), *operands)

    def _space(self, node: Node) -> tuple[str, ...]:
        return self.order({a for r in reads(node) for a in r.axes})

    def _expr(self, node: Node, space: tuple[str, ...], wide: bool) -> Expr:
        """A tree over a space; wide values are cast where a narrow result is computed."""
        match node:
            case Number(value):
                return sympy.Float(float(value)) if value.denominator != 1 else Integer(value.numerator)
            case Size(name):
                return Symbol(name)
            case Read(name, axes):
                return self._placed(name, axes, space, wide)
            case Equal(first, second):
                raise NotLowerable(
                    f"the NumPy target does not tell {first} = {second} from other entries; C and Numba do"
                )
            case Sum(terms):
                parts = [(s, self._expr(t, space, wide)) for s, t in terms]
                return sympy.Add(*(p if s else sympy.Mul(-1, p, evaluate=False) for s, p in parts), evaluate=False)
            case Product(factors):
                return sympy.Mul(*(self._expr(f, space, wide) for f in factors), evaluate=False)
            case Quotient(above, below):
                inverse = sympy.Pow(self._expr(below, space, wide), -1, evaluate=False)
                if above == Number(Fraction(1)):
                    return inverse
                factors = above.factors if isinstance(above, Product) else (above,)
                return sympy.Mul(*(self._expr(f, space, wide) for f in factors), inverse, evaluate=False)
            case Power(base, exponent):
                return sympy.Pow(self._expr(base, space, wide), exponent, evaluate=False)
            case Call(function, arguments):
                return self._call(function, [self._expr(a, space, wide) for a in arguments], node)

    def _call(self, function: str, arguments: list[Expr], node: Node) -> Expr:
        if function == "pi":
            return Symbol("np.pi")
        if function == "left":
            near, hi, rest = arguments
            return sympy.Add(rest, sympy.Add(near, sympy.Mul(-1, hi, evaluate=False), evaluate=False), evaluate=False)
        if function == "pow":
            return sympy.Pow(*arguments, evaluate=False)
        constant = not any(children_read(node))
        prefix = "math." if constant else "np." if function in _NUMPY else ""
        return sympy.Function(prefix + function)(*arguments)

    def _placed(self, name: str, axes: tuple[str, ...], space: tuple[str, ...], wide: bool) -> Expr:
        symbol: Expr = Symbol(name)
        if not wide and self.wide.get(name):
            symbol = Cast(Symbol("real"), symbol)
        inner = [a for a in space if a in axes]
        order = Tuple(*(Integer(axes.index(a)) for a in inner))
        first = space.index(inner[0]) if inner else len(space)
        slots = Tuple(*(Integer(a in axes) for a in space[first:]))
        return symbol if not inner else Placed(symbol, order, slots)


def children_read(node: Node) -> Sequence[Read]:
    """The entries that the arguments of a node read."""
    return [r for child in children(node) for r in reads(child)]


__all__ = ["Cast", "Printer", "Statements", "precedence"]
