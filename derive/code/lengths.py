"""Lengths of axes that are computed: ``H + 2 * pad``, ``1 + (H - HH) // stride``.

An axis has one size, so each of these is a size of its own, whose name is the formula. A whole part of a quotient is
written with the size that is one more, which is what it is computed for: the number of windows that fit.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Expr, Symbol

from derive.code.faults import Unsupported
from derive.language import size

_sums: dict[Expr, Expr] = {}  # what the names say, which is the same in every reading
_quotients: dict[Expr, Expr] = {}


def opened(length: Expr) -> Expr:
    """A length with every sum that it names written out."""
    return sympy.expand(length.xreplace(_sums))


def named(length: Expr) -> Symbol:
    """A sum of sizes as a size of its own. Raises `Unsupported` for what is none."""
    length = opened(length)
    if isinstance(length, Symbol):
        return length
    if length.is_nonpositive or not length.is_integer:
        raise Unsupported(f"an axis of size {length}")
    name = size(str(length))
    _sums[name] = length
    return name


def whole_part(length: Expr) -> Expr:
    """The greatest integer that a quotient of sizes is not below."""
    terms = sympy.Add.make_args(opened(length))
    whole = sympy.Add(*(term for term in terms if term.is_integer))
    numerator, denominator = sympy.fraction(sympy.together(sympy.Add(*terms) - whole))
    if numerator == 0:
        return whole
    if numerator.is_number and denominator.is_number:
        return sympy.floor(length)
    count = size(f"(1 + ({numerator})//{denominator})")
    _quotients[count] = numerator / denominator
    return whole + count - 1


def conditions(lengths: Iterable[Expr]) -> list[Expr]:
    """What has to be whole and not below 0 for lengths to be some: ``(H - HH) / stride``, ``N - K``."""
    found = []
    for length in dict.fromkeys(lengths):
        fraction = _quotients.get(length)
        if fraction is None and length in _sums and not _sums[length].is_positive:
            fraction = _sums[length] - 1
        if fraction is not None:
            found.append(opened(fraction))
    return found


def at_least(length: Expr) -> Expr:
    """An expression that is nowhere above a length, without whole parts as far as these only make it less."""
    length = opened(length)
    for count in sorted(length.free_symbols & _quotients.keys(), key=str):
        factor = length.coeff(count)
        if factor.is_nonpositive:
            length = sympy.expand(length + factor * (_quotients[count] + 1 - count))
    return length
