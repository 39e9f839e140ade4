"""SymPy to normal form and back.

Read are numbers, symbols, `Indexed`, `Add`, `Mul`, `Pow`, `Sum` over whole ranges, `KroneckerDelta` and the elementwise
functions of the table. An `Indexed` whose name has a definition stays an atom until it is inlined.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from typing import cast

import sympy
from sympy import Expr, Symbol

from derive.language import index as free_index
from derive.language import tensor
from derive.normal.algebra import Algebra, GaveUp, base_of
from derive.normal.atoms import Atom, Bound, Index, Monomial, Poly, Rational, add_to, constant, rational, variable
from derive.primitives import BY_FUNCTION, BY_NAME


class Converter:
    """Reads SymPy into an algebra and writes normal forms as SymPy; remembers the symbols it has met."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self._symbols: dict[str, Symbol] = {}
        self._cache: dict[Expr, Poly] = {}

    # -- reading -------------------------------------------------------------------------------------------------

    def read(self, expr: Expr) -> Poly:
        """The normal form of an expression. Raises `GaveUp` for what has none, `Undefined` for division by zero."""
        found = self._cache.get(expr)
        if found is None:
            found = self._cache[expr] = self._read(expr)
        return found

    def _read(self, expr: Expr) -> Poly:
        if isinstance(expr, sympy.Rational):
            return constant(rational(Fraction(int(expr.p), int(expr.q))))
        if isinstance(expr, Symbol):
            return self.algebra.symbol(self._remember(expr))
        if isinstance(expr, sympy.Indexed):
            return self.algebra.element(str(expr.base.label), tuple(self.index(i) for i in expr.indices))
        if isinstance(expr, sympy.Add):
            total: Poly = {}
            for term in expr.args:
                add_to(total, self.read(term))
            return total
        if isinstance(expr, sympy.Mul):
            result = constant(1)
            for factor in expr.args:
                result = self.algebra.multiply(result, self.read(factor))
            return result
        return self._read_function(expr)

    def _read_function(self, expr: Expr) -> Poly:
        if isinstance(expr, sympy.exp):
            return self.algebra.exp(self.read(expr.args[0]))
        if isinstance(expr, sympy.Pow):
            return self._read_power(expr.base, expr.exp)
        if isinstance(expr, sympy.Sum):
            return self._read_sum(expr)
        if isinstance(expr, sympy.Product):
            return self._read_product(expr)
        if isinstance(expr, sympy.KroneckerDelta):
            return self.algebra.delta(self.index(expr.args[0]), self.index(expr.args[1]))
        if isinstance(expr, sympy.log):
            return self.algebra.log(self.read(expr.args[0]))
        primitive = BY_FUNCTION.get(expr.func)
        if primitive is not None:
            return self.algebra.function(primitive.name, self.read(expr.args[0]))
        if isinstance(expr, sympy.Max | sympy.Min):
            name = "max" if isinstance(expr, sympy.Max) else "min"
            return reduce(lambda p, q: self.algebra.function(name, p, q), map(self.read, expr.args))
        if expr is sympy.pi:
            return self.algebra.symbol("pi")
        if expr is sympy.E:
            return self.algebra.exp(constant(1))
        if expr.is_Function and expr.args:
            return self.algebra.function(expr.func.__name__, *(self.read(a) for a in expr.args))
        raise GaveUp(f"no normal form for {expr.func.__name__}")

    def _read_power(self, base: Expr, exponent: Expr) -> Poly:
        if isinstance(exponent, sympy.Rational):
            return self.algebra.power(self.read(base), rational(Fraction(int(exponent.p), int(exponent.q))))
        logarithm = self.algebra.log(self.read(base))  # base**p = exp(p log base), for a positive base
        return self.algebra.exp(self.algebra.multiply(self.read(exponent), logarithm))

    def _read_sum(self, expr: sympy.Sum) -> Poly:
        body = self.read(expr.function)
        for i, low, high in expr.limits:
            if low != 1:
                raise GaveUp("a sum that does not begin at 1")
            body = self.algebra.sum(body, [(self.index(i), self.read(high))])
        return body

    def _read_product(self, expr: sympy.Product) -> Poly:
        """A product of positive factors is exp of the sum of their logarithms."""
        body = self.read(expr.function)
        if self.algebra.sign_of(body) != "positive":
            raise GaveUp("a product of factors that may be negative")
        total = self.algebra.log(body)
        for i, low, high in expr.limits:
            if low != 1:
                raise GaveUp("a product that does not begin at 1")
            total = self.algebra.sum(total, [(self.index(i), self.read(high))])
        return self.algebra.exp(total)

    def index(self, expr: Expr) -> Index:
        """An index symbol as a name; the entry of an array of indices as an atom."""
        if isinstance(expr, sympy.Integer):
            return int(expr)
        if isinstance(expr, Symbol):
            return self._remember(expr)
        if isinstance(expr, sympy.Indexed):
            (((monomial),),) = (self.read(expr),)
            return monomial[0][0]
        raise GaveUp(f"an index that is computed: {expr}")

    def _remember(self, symbol: Symbol) -> str:
        name = f"{symbol.name}~{symbol.dummy_index}" if isinstance(symbol, sympy.Dummy) else str(symbol.name)
        self._symbols[name] = symbol
        return name

    # -- writing -------------------------------------------------------------------------------------------------

    def write(self, p: Poly) -> Expr:
        """A normal form as a SymPy expression; bound indices get the first letters that are free."""
        return sympy.Add(*(self._write_monomial(m, {}) * _number(c) for m, c in p.items()))

    def _write_monomial(self, monomial: Monomial, names: dict[Bound, Symbol]) -> Expr:
        return sympy.Mul(*(self._write_atom(atom, names) ** _number(e) for atom, e in monomial))

    def _write_poly(self, p: Poly, names: dict[Bound, Symbol]) -> Expr:
        return sympy.Add(*(self._write_monomial(m, names) * _number(c) for m, c in p.items()))

    def _write_atom(self, atom: Atom, names: dict[Bound, Symbol]) -> Expr:
        if atom.kind == "symbol":
            name = str(atom.args[0])
            return sympy.pi if name == "pi" else self._symbols.get(name, Symbol(name, real=True))
        if atom.kind == "element":
            name, indices = cast(tuple[str, tuple[Index, ...]], atom.args)
            return tensor(name)[tuple(self._write_index(i, names) for i in indices)] if indices else Symbol(name, real=True)
        if atom.kind == "delta":
            return sympy.KroneckerDelta(*(self._write_index(cast(Index, i), names) for i in atom.args))
        if atom.kind == "prime":
            return sympy.Integer(atom.args[0])
        if atom.kind == "power":
            return self._write_poly(base_of(atom), names)
        if atom.kind == "exp":
            return sympy.exp(self._write_monomial(cast(Monomial, atom.args[0]), names))
        if atom.kind == "function":
            return self._write_function(atom, names)
        return self._write_sum(atom, names)

    def _write_function(self, atom: Atom, names: dict[Bound, Symbol]) -> Expr:
        name = str(atom.args[0])
        arguments = [self._write_poly(dict(part), names) for part in atom.args[1:]]  # type: ignore[call-overload]
        if name in BY_NAME:
            return BY_NAME[name].function(*arguments)
        return sympy.Function(name, real=True)(*arguments)

    def _write_sum(self, atom: Atom, names: dict[Bound, Symbol]) -> Expr:
        sizes, factors = cast(tuple[tuple[frozenset[tuple[Monomial, Rational]], ...], Monomial], atom.args)
        inner = dict(names)
        limits = []
        for k, n in enumerate(sizes):
            letter = sympy.Dummy("k", integer=True)
            inner[Bound(atom.height, k)] = letter
            limits.append((letter, 1, self._write_poly(dict(n), names)))
        return sympy.Sum(self._write_monomial(factors, inner), *limits)

    def _write_index(self, index: Index, names: dict[Bound, Symbol]) -> Expr:
        if isinstance(index, int):
            return sympy.Integer(index)
        if isinstance(index, Bound):
            return names[index]
        if isinstance(index, Atom):
            return self._write_atom(index, names)
        return self._symbols.get(index, free_index(index))


def _number(value: Rational) -> Expr:
    return sympy.Rational(value.numerator, value.denominator)


__all__ = ["Converter", "variable"]
