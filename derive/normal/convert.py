"""SymPy to normal form and back.

Read are numbers, symbols, `Indexed`, `Add`, `Mul`, `Pow`, `Sum` over whole ranges, `KroneckerDelta` and the elementwise
functions of the table. An `Indexed` whose name has a definition stays an atom until it is inlined. A symbol that is an
integer and not positive is an index, also where it stands as a number; a positive integer is a size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import reduce

import sympy
from sympy import Expr, Symbol

from derive.language import D, bound, ordered, tensor
from derive.language import index as free_index
from derive.normal.algebra import Algebra, Range
from derive.normal.atoms import (
    Atom,
    Bound,
    Index,
    Monomial,
    Poly,
    Rational,
    add_to,
    constant,
    rational,
    sortable,
    variable,
)
from derive.normal.elementwise import symbolic_power
from derive.normal.limits import GaveUp
from derive.primitives import BY_FUNCTION, BY_NAME

Names = dict[Bound, Symbol]
"""The letters of the bound indices around a place in an expression that is being written."""


class Converter:
    """Reads SymPy into an algebra and writes normal forms as SymPy; remembers the symbols it has met.

    Args:
        value: asked for what a name with some indices stands for; None leaves it an atom.
    """

    def __init__(self, algebra: Algebra, value: Callable[[str, tuple[Index, ...]], Poly | None] | None = None) -> None:
        self.algebra = algebra
        self._value = value
        self._symbols: dict[str, Symbol] = {}
        self._indices: dict[str, Symbol] = {}
        self._cache: dict[Expr, Poly] = {}

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self, expr: Expr) -> Poly:
        """The normal form of an expression. Raises `GaveUp` for what has none, `Undefined` for division by zero."""
        found = self._cache.get(expr)
        if found is None:
            found = self._cache[expr] = self._read(expr)
        return found

    def forget(self) -> None:
        """Read everything anew, after more became known."""
        self._cache.clear()

    def _read(self, expr: Expr) -> Poly:
        for kind, rule in _READERS:
            if isinstance(expr, kind):
                return rule(self, expr)
        primitive = BY_FUNCTION.get(expr.func)
        if primitive is not None:
            return self.algebra.function(primitive.name, self.read(expr.args[0]))
        if expr.is_Function and expr.args:
            return self.algebra.function(f"{expr.func.__name__}()", *(self.read(a) for a in expr.args))
        raise GaveUp(f"no normal form for {expr.func.__name__}")

    def _read_number(self, expr: Expr) -> Poly:
        return constant(rational(Fraction(int(expr.p), int(expr.q))))

    def _read_symbol(self, symbol: Symbol) -> Poly:
        if _is_index(symbol):
            return self.algebra.position(self.index(symbol))
        name = str(symbol.name)
        self._symbols[name] = symbol
        value = self._value(name, ()) if self._value is not None else None
        return self.algebra.symbol(name) if value is None else value

    def _read_entry(self, expr: sympy.Indexed) -> Poly:
        name, indices = str(expr.base.name), tuple(self.index(i) for i in expr.indices)
        value = self._value(name, indices) if self._value is not None else None
        return self.algebra.element(name, indices) if value is None else value

    def _read_add(self, expr: Expr) -> Poly:
        total: Poly = {}
        for term in expr.args:
            add_to(total, self.read(term))
        return total

    def _read_mul(self, expr: Expr) -> Poly:
        return reduce(self.algebra.multiply, map(self.read, expr.args))

    def _read_power(self, expr: Expr) -> Poly:
        base, exponent = expr.args
        if isinstance(base, sympy.Pow) and base.exp.is_Integer and base.exp % 2 == 0:
            square = [self.algebra.function("abs", self.read(base.base))]  # before it is multiplied out
            return self._raised(square, base.exp * exponent)
        return self._raised(self._read_factors(base), exponent)

    def _raised(self, factors: list[Poly], exponent: Expr) -> Poly:
        if isinstance(exponent, sympy.Rational):
            e = rational(Fraction(int(exponent.p), int(exponent.q)))
            return self.algebra.product((factor, e) for factor in factors)
        base = reduce(self.algebra.multiply, factors)
        return symbolic_power(self.algebra, base, self.read(exponent), bool(exponent.is_integer))

    def _read_exp(self, expr: Expr) -> Poly:
        return self.algebra.exp(self.read(expr.args[0]))

    def _read_log(self, expr: Expr) -> Poly:
        total: Poly = {}
        for factor in self._read_factors(expr.args[0]):
            add_to(total, self.algebra.log(factor))
        return total

    def _read_factors(self, expr: Expr) -> list[Poly]:
        """The factors of several terms whose sign is known, one by one, and the product of the others."""
        factors = [self.read(factor) for factor in sympy.Mul.make_args(expr)]
        known = [factor for factor in factors if len(factor) > 1 and self.algebra.sign_of(factor)]
        others = [factor for factor in factors if len(factor) < 2 or not self.algebra.sign_of(factor)]
        return [*known, reduce(self.algebra.multiply, others)] if others else known

    def _read_sum(self, expr: sympy.Sum) -> Poly:
        body, ranges = self._open(expr)
        total = self.read(body)
        for entry in ranges:
            total = self.algebra.sum(total, [entry])
        return total

    def _read_product(self, expr: sympy.Product) -> Poly:
        """A product of positive factors is exp of the sum of their logarithms."""
        body, ranges = self._open(expr)
        factor = self.read(body)
        if self.algebra.sign_of(factor) != "positive":
            raise GaveUp("a product of factors that may be negative")
        total = self.algebra.log(factor)
        for entry in ranges:
            total = self.algebra.sum(total, [entry])
        return self.algebra.exp(total)

    def _open(self, expr: Expr) -> tuple[Expr, list[Range]]:
        """The body and the ranges of a sum or a product, the innermost first."""
        body = expr.function
        ranges: list[Range] = []
        for limit in expr.limits:
            if len(limit) != 3 or limit[1] != 1:
                raise GaveUp("a sum that does not run over a whole axis")
            body, (letter,) = with_index_symbols(body, limit[:1])
            ranges.append((self.index(letter), self.read(limit[2])))
        return body, ranges

    def _read_delta(self, expr: Expr) -> Poly:
        return self.algebra.delta(self.index(expr.args[0]), self.index(expr.args[1]))

    def _read_order(self, expr: Expr) -> Poly:
        return self.algebra.order(self.index(expr.args[0]), self.index(expr.args[1]))

    def _read_extremum(self, expr: Expr) -> Poly:
        name = "max" if isinstance(expr, sympy.Max) else "min"
        values = sorted(map(self.read, expr.args), key=sortable)
        return reduce(lambda p, q: self.algebra.function(name, p, q), values)

    def _read_constant(self, expr: Expr) -> Poly:
        return self.algebra.exp(constant(1)) if expr is sympy.E else self.algebra.constant("pi")

    def _refuse(self, expr: Expr) -> Poly:
        raise GaveUp("a derivative that is not worked out")

    def index(self, expr: Expr) -> Index:
        """An index symbol as a name; a size, or the entry of an array of indices, as an atom."""
        if isinstance(expr, sympy.Integer):
            return int(expr)
        if isinstance(expr, Symbol) and not (expr.is_integer and expr.is_positive):
            name = str(expr.name).replace("~", "~~")
            if isinstance(expr, sympy.Dummy):
                name = f"{name}~i{expr.dummy_index}"
            self._indices[name] = expr
            return name
        if isinstance(expr, Symbol | sympy.Indexed):
            p = self.read(expr)
            atoms = [atom for monomial in p for atom, e in monomial if e == 1]
            if len(p) != 1 or len(atoms) != 1 or p != variable(atoms[0]):
                raise GaveUp("a definition used inside an index")
            return atoms[0]
        raise GaveUp(f"an index that is computed: {expr}")

    def name_index(self, index: str, symbol: Symbol) -> Symbol:
        """The symbol that an index is written as: the one that it has, else the one given."""
        return self._indices.setdefault(index, symbol)

    # -- writing -----------------------------------------------------------------------------------------------

    def write(self, p: Poly) -> Expr:
        """A normal form as a SymPy expression; bound indices are fresh dummies."""
        return self._write_poly(p, {})

    def _write_poly(self, p: Poly, names: Names) -> Expr:
        return sympy.Add(*(self._write_monomial(m, names) * _number(c) for m, c in p.items()))

    def _write_monomial(self, monomial: Monomial, names: Names) -> Expr:
        return sympy.Mul(*(_WRITERS[atom.kind](self, atom, names) ** _number(e) for atom, e in monomial))

    def _write_symbol(self, atom: Atom, names: Names) -> Expr:
        name = str(atom.args[0])
        return self._symbols.get(name, Symbol(name, real=True))

    def _write_entry(self, atom: Atom, names: Names) -> Expr:
        name = str(atom.args[0])
        if not atom.indices:
            return Symbol(name, real=True)
        return tensor(name)[tuple(self._write_index(i, names) for i in atom.indices)]

    def _write_function(self, atom: Atom, names: Names) -> Expr:
        name = str(atom.args[0])
        arguments = [self._write_poly(part, names) for part in atom.parts]
        if name == "pow":
            return arguments[0] ** arguments[1]
        if name in BY_NAME:
            return BY_NAME[name].function(*arguments)
        return sympy.Function(name.removesuffix("()"), real=True)(*arguments)

    def _write_sum(self, atom: Atom, names: Names) -> Expr:
        letters = [bound("~") for _ in atom.parts]
        inner = names | {Bound(atom.height, k): letter for k, letter in enumerate(letters)}
        sizes = [self._write_poly(size, names) for size in atom.parts]
        limits = [(letter, 1, size) for letter, size in zip(letters, sizes, strict=True)]
        return sympy.Sum(self._write_monomial(atom.factors, inner), *limits)

    def _write_index(self, index: Index, names: Names) -> Expr:
        if isinstance(index, int):
            return sympy.Integer(index)
        if isinstance(index, Bound):
            return names[index]
        if isinstance(index, Atom):
            return _WRITERS[index.kind](self, index, names)
        return self._indices.get(index, free_index(index))


def with_index_symbols(expr: Expr, letters: Iterable[Symbol]) -> tuple[Expr, tuple[Symbol, ...]]:
    """An expression and the letters of its indices, those that would be read as numbers replaced."""
    known = {letter: letter if _is_index(letter) else bound(letter.name) for letter in letters}
    fresh = {letter: new for letter, new in known.items() if letter is not new}
    return expr.xreplace(fresh) if fresh else expr, tuple(known.values())


def _is_index(symbol: Symbol) -> bool:
    return bool(symbol.is_integer and not symbol.is_positive)


def _number(value: Rational) -> Expr:
    return sympy.Rational(value.numerator, value.denominator)


_READERS: tuple[tuple[type | tuple[type, ...], Callable[[Converter, Expr], Poly]], ...] = (
    (sympy.Rational, Converter._read_number),
    (Symbol, Converter._read_symbol),
    (sympy.Indexed, Converter._read_entry),
    (sympy.Add, Converter._read_add),
    (sympy.Mul, Converter._read_mul),
    (sympy.exp, Converter._read_exp),
    (sympy.Pow, Converter._read_power),
    (sympy.Sum, Converter._read_sum),
    (sympy.Product, Converter._read_product),
    (sympy.KroneckerDelta, Converter._read_delta),
    (ordered, Converter._read_order),
    (sympy.log, Converter._read_log),
    ((sympy.Max, sympy.Min), Converter._read_extremum),
    ((type(sympy.E), type(sympy.pi)), Converter._read_constant),
    (D, Converter._refuse),
)
"""How each kind of expression is read; the elementwise functions come from the table of primitives."""

_WRITERS: dict[str, Callable[[Converter, Atom, Names], Expr]] = {
    "symbol": Converter._write_symbol,
    "constant": lambda converter, atom, names: sympy.pi,
    "element": Converter._write_entry,
    "position": lambda converter, atom, names: converter._write_index(atom.indices[0], names),
    "delta": lambda converter, atom, names: sympy.KroneckerDelta(
        *(converter._write_index(i, names) for i in atom.indices)
    ),
    "order": lambda converter, atom, names: ordered(*(converter._write_index(i, names) for i in atom.indices)),
    "prime": lambda converter, atom, names: sympy.Integer(atom.args[0]),
    "power": lambda converter, atom, names: converter._write_poly(atom.base, names),
    "exp": lambda converter, atom, names: sympy.exp(converter._write_monomial(atom.factors, names)),
    "function": Converter._write_function,
    "sum": Converter._write_sum,
}

__all__ = ["Converter"]
