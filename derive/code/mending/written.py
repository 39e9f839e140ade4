"""A gradient written anew as a line of NumPy, torch or JAX, in the names that the author has there.

The closed form (`derive.closed`), and the chain rule through the stages before the line, are index expressions. An
index becomes an axis: arrays are lined up from the right as broadcasting does, a sum over an index becomes a matrix
product where it is one, else a reduction. What comes out is only a candidate: it is run and checked like any edit.
"""

from __future__ import annotations

import ast
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import sympy
from sympy import Expr, Symbol

from derive.closed import Compactor
from derive.code.arrays import Axis
from derive.code.judge import Finding, Judge
from derive.code.mending.edits import Words
from derive.code.mending.names import Named, NotWritten, in_names, quantities_named, sizes_named
from derive.code.module import Module
from derive.code.pairs import Function
from derive.gradient import NoDerivative
from derive.language import index, indices_of, is_quantity, name_of
from derive.normal.algebra import GaveUp, Undefined
from derive.primitives import BY_FUNCTION
from derive.source import Edit

SECONDS = 1.5
MAX_LENGTH = 160
"""A line longer than that helps nobody."""
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)

Slot: TypeAlias = Symbol | None
"""The letter of an axis; None for an axis of length 1."""


class Piece(NamedTuple):
    """A piece of code.

    Attributes:
        level: how tightly it holds together.
        rank: how many axes it has; they are the last ones of those asked for.
    """

    text: str
    level: int
    rank: int

    def at(self, level: int) -> str:
        """The text where something of at least this level is asked for."""
        return self.text if self.level >= level else f"({self.text})"


def written(
    judge: Judge, module: Module, fault: Finding, function: Function, statement: ast.stmt, words: Words
) -> Iterator[Edit]:
    """The value of an assignment, or of what is returned, written anew."""
    target = judge.targets.get(fault.definition) or fault.of
    node = _value_node(judge, fault, statement)
    if node is None or target not in judge.trace.axes or node.lineno != node.end_lineno:
        return
    names = quantities_named(judge, function, statement.lineno, words)
    sizes = sizes_named(names, function, statement.lineno, words)
    writer = _Writer(names, sizes, *_library(judge.passes.library, module))
    for form in _forms(judge, target):
        try:
            slots, expr = _slots(judge.trace.axes[target]), in_names(form, judge, names)
            texts = [writer.line(each, slots) for each in (sympy.factor_terms(expr), expr)]
        except NotWritten:
            continue
        for text in dict.fromkeys(texts):
            shorter = _abbreviated(text, judge, names, writer)
            for each in dict.fromkeys((shorter, text)):
                if len(each) <= MAX_LENGTH:
                    yield Edit(words.span(node), each)


def _abbreviated(text: str, judge: Judge, names: Mapping[str, Named], writer: _Writer) -> str:
    """A text with the author's own names for sums that are gradients before the line: ``dbeta``."""
    for name, named in names.items():
        target = next((t for t in judge.targets.values() if name == f"∂{judge.graph.loss}/∂{t}"), None)
        if target is None:
            continue
        others = {n: one for n, one in names.items() if n != name}
        for form in _forms(judge, target):
            with suppress(NotWritten):
                whole = writer.line(in_names(form, judge, others), _slots(judge.trace.axes[target]))
                if "(" in whole:
                    text = text.replace(whole, named.text)
    return text


def _value_node(judge: Judge, fault: Finding, statement: ast.stmt) -> ast.expr | None:
    """The expression that makes what is at fault."""
    if isinstance(statement, ast.Assign) and not isinstance(statement.targets[0], ast.Tuple):
        return statement.value
    if isinstance(statement, ast.Return) and fault.role == "returned" and statement.value is not None:
        values = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
        place = next((g.position for g in judge.passes.gradients if g.name == fault.name), None)
        return values[place] if place is not None and place < len(values) else None
    return None


def _library(library: str, module: Module) -> tuple[str, bool]:
    """The prefix of the author's library, and whether it is torch."""
    wanted = {"numpy": "numpy", "torch": "torch", "jax": "jax.numpy"}[library]
    prefix = next((name for name, path in module.paths.items() if path == wanted), wanted)
    return prefix, library == "torch"


def _forms(judge: Judge, target: str) -> Iterator[Expr]:
    """The gradient by the chain rule through the stages, and in closed form."""
    letters = _letters(judge.trace.axes[target])
    try:
        adjoint = judge.calculus.adjoint(target, letters)
        if is_quantity(adjoint) and name_of(adjoint) in judge.calculus.staged:
            yield judge.calculus.staged[name_of(adjoint)].at(indices_of(adjoint))
        positive = frozenset({*judge.trace.positive, *judge.sizes})
        compactor = Compactor(judge.graph, judge.calculus.staged, positive)
        yield compactor.closed_form(adjoint, time.monotonic() + SECONDS).expr
    except (GaveUp, Undefined, NoDerivative):
        return


def _letters(axes: Sequence[Axis]) -> tuple[Symbol, ...]:
    return tuple(index(f"j{k}") for k in range(sum(map(len, axes))))


def _slots(axes: Sequence[Axis]) -> tuple[Slot, ...]:
    """The letters of a gradient's axes; an axis that is a product has none."""
    if any(len(one) > 1 for one in axes):
        raise NotWritten
    letters = iter(_letters(axes))
    return tuple(next(letters) if one else None for one in axes)


@dataclass(frozen=True)
class _Writer:
    """Writes index expressions as code.

    Attributes:
        names, sizes: what quantities and sizes are called.
        prefix: of the library.
        is_torch: whether axes are ``dim``.
    """

    names: Mapping[str, Named]
    sizes: Mapping[str, str]
    prefix: str
    is_torch: bool

    def line(self, expr: Expr, slots: tuple[Slot, ...]) -> str:
        """An expression over some letters. Raises `NotWritten`."""
        return self._piece(expr, slots).text

    def _piece(self, expr: Expr, slots: tuple[Slot, ...]) -> Piece:
        if expr.is_number:
            return _number(expr)
        if is_quantity(expr):
            return self._quantity(expr, slots)
        if isinstance(expr, sympy.Add):
            return self._sum(expr, slots)
        if isinstance(expr, sympy.Mul):
            return self._product(expr, slots)
        if isinstance(expr, sympy.Pow):
            return self._power(expr, slots)
        if isinstance(expr, sympy.Sum):
            return self._reduced(expr, slots)
        if isinstance(expr, sympy.Heaviside):
            inner = self._piece(expr.args[0], slots)
            return Piece(f"({inner.at(_SUM)} > 0)", _ATOM, inner.rank)
        return self._call(expr, slots)

    # -- names -------------------------------------------------------------------------------------------------------

    def _quantity(self, expr: Expr, slots: tuple[Slot, ...]) -> Piece:
        name, indices = name_of(expr), indices_of(expr)
        if name not in self.names:
            if not indices and name in self.sizes:
                return Piece(self.sizes[name], _ATOM, 0)
            raise NotWritten
        named = self.names[name]
        if any(len(one) > 1 for one in named.axes) or sum(map(len, named.axes)) != len(indices):
            raise NotWritten
        letters = iter(indices)
        return _lined_up(named.text, [next(letters) if one else None for one in named.axes], slots)

    # -- arithmetic --------------------------------------------------------------------------------------------------

    def _sum(self, expr: Expr, slots: tuple[Slot, ...]) -> Piece:
        terms = sorted(expr.args, key=lambda term: term.could_extract_minus_sign())
        first = self._piece(terms[0], slots)
        text, rank = first.at(_SUM), first.rank
        for term in terms[1:]:
            is_negative = term.could_extract_minus_sign()
            piece = self._piece(-term if is_negative else term, slots)
            text += f" - {piece.at(_PRODUCT)}" if is_negative else f" + {piece.at(_SUM)}"
            rank = max(rank, piece.rank)
        return Piece(text, _SUM, rank)

    def _product(self, expr: Expr, slots: tuple[Slot, ...]) -> Piece:
        if expr.could_extract_minus_sign():
            inner = self._piece(-expr, slots)
            return Piece(f"-{inner.at(_PRODUCT)}", _SIGN if inner.level > _PRODUCT else _PRODUCT, inner.rank)
        above, below = _fraction(expr)
        pieces = [self._piece(f, slots) for f in above] or [Piece("1", _ATOM, 0)]
        under = [self._piece(f, slots) for f in below]
        text = " * ".join(p.at(_SIGN) for p in pieces)
        if under:
            joined = " * ".join(p.at(_SIGN) for p in under)
            text += f" / {joined}" if len(under) == 1 else f" / ({joined})"
        rank = max(p.rank for p in (*pieces, *under))
        return Piece(text, _PRODUCT if len(pieces) + len(under) > 1 else pieces[0].level, rank)

    def _power(self, expr: Expr, slots: tuple[Slot, ...]) -> Piece:
        base, power = expr.args
        if power.could_extract_minus_sign():
            inner = self._piece(base**-power, slots)
            return Piece(f"1 / {inner.at(_POWER)}", _PRODUCT, inner.rank)
        inner = self._piece(base, slots)
        if power == sympy.Rational(1, 2):
            return Piece(f"{self.prefix}.sqrt({inner.text})", _ATOM, inner.rank)
        exponent = self._piece(power, slots)
        return Piece(f"{inner.at(_ATOM)} ** {exponent.at(_POWER)}", _POWER, max(inner.rank, exponent.rank))

    def _call(self, expr: Expr, slots: tuple[Slot, ...]) -> Piece:
        known = BY_FUNCTION.get(type(expr))
        if known is None or not known.numpy or len(expr.args) != 1:
            raise NotWritten
        inner = self._piece(expr.args[0], slots)
        return Piece(f"{self.prefix}.{known.numpy}({inner.text})", _ATOM, inner.rank)

    # -- sums --------------------------------------------------------------------------------------------------------

    def _reduced(self, expr: Expr, slots: tuple[Slot, ...]) -> Piece:
        """A sum over letters: a matrix product, or the shortest of the reductions."""
        if len(expr.limits) == 1:
            product = self._matrix_product(expr, slots)
            if product is not None:
                return product
        found = list(self._reductions(expr, slots))
        if not found:
            raise NotWritten
        return min(found, key=lambda piece: len(piece.text))

    def _matrix_product(self, expr: Expr, slots: tuple[Slot, ...]) -> Piece | None:
        """``A @ B`` where the letters of the result are shared out between two factors."""
        k = expr.limits[0][0]
        own = [s for s in slots if s is not None and expr.function.has(s)]
        if len(own) != 2 or tuple(own) != slots[-2:]:
            return None
        factors = sympy.Mul.make_args(expr.function)
        sides = [[f for f in factors if f.has(i)] for i in own]
        rest = [f for f in factors if not f.has(*own)]
        if any(f in sides[1] for f in sides[0]) or any(f.has(k) for f in rest):
            return None
        try:
            left = self._piece(sympy.Mul(*sides[0]), (own[0], k))
            right = self._piece(sympy.Mul(*sides[1]), (k, own[1]))
        except NotWritten:
            return None
        if left.rank != 2 or right.rank != 2:
            return None
        text = f"{left.at(_POWER)} @ {right.at(_POWER)}"
        if rest:
            scale = self._piece(sympy.Mul(*rest), slots)
            return Piece(f"{scale.at(_SIGN)} * ({text})", _PRODUCT, 2)
        return Piece(text, _PRODUCT, 2)

    def _reductions(self, expr: Expr, slots: tuple[Slot, ...]) -> Iterator[Piece]:
        """Reductions with each summed letter on an axis that is free, or on one more in front or behind."""
        letters = [k for k, *_ in expr.limits]
        for wide in _placements(letters, slots, expr.function):
            try:
                body = self._piece(expr.function, wide)
            except NotWritten:
                continue
            lost = len(wide) - body.rank
            at = sorted(wide.index(k) - lost for k in letters)
            if at[0] < 0:
                continue  # broadcasting would add nothing up
            leads = at == [*range(len(at))] and all(slots[p + lost] is not None for p in at if p + lost < len(slots))
            yield self._sum_of(body, at, keep=len(wide) == len(slots) and not leads)

    def _sum_of(self, body: Piece, at: Sequence[int], keep: bool) -> Piece:
        if len(at) == body.rank and not keep:
            return Piece(f"{body.at(_ATOM)}.sum()", _ATOM, 0)
        axes = str(at[0]) if len(at) == 1 else f"({', '.join(map(str, at))})"
        words = (f"dim={axes}", "keepdim=True") if self.is_torch else (f"axis={axes}", "keepdims=True")
        inside = ", ".join(words if keep else words[:1])
        return Piece(f"{body.at(_ATOM)}.sum({inside})", _ATOM, body.rank - (0 if keep else len(at)))


def _placements(letters: Sequence[Symbol], slots: tuple[Slot, ...], body: Expr) -> Iterator[tuple[Slot, ...]]:
    """Where the summed letters may stand."""
    free = [p for p, s in enumerate(slots) if s is None or not body.has(s)]
    for places in itertools.permutations(free, len(letters)):
        wide = [*slots]
        for p, k in zip(places, letters, strict=True):
            wide[p] = k
        yield tuple(wide)
    own = tuple(s for s in slots if s is not None and body.has(s))
    for order in itertools.permutations((*letters, *own)):
        if tuple(s for s in order if s in own) == own == slots[len(slots) - len(own) :]:
            yield order


def _lined_up(text: str, axes: Sequence[Slot], slots: tuple[Slot, ...]) -> Piece:
    """An array with its axes where the letters stand; new axes of length 1 where they are missing."""
    if any(letter is not None and letter not in slots for letter in axes):
        raise NotWritten
    places = [slots.index(letter) for letter in axes if letter is not None]
    if len(places) == len(axes) == 2 and places[0] > places[1]:
        text, axes, places = f"{text}.T", [axes[1], axes[0]], places[::-1]
    if places != sorted(set(places)):
        raise NotWritten
    shift = len(slots) - len(axes)
    if shift >= 0 and all(letter is None or slots[k + shift] == letter for k, letter in enumerate(axes)):
        return Piece(text, _ATOM, len(axes))
    if len(places) < len(axes):
        raise NotWritten
    rank = len(slots) - places[0]
    inside = ", ".join(":" if p in places else "None" for p in range(places[0], len(slots)))
    return Piece(f"{text}[{inside}]", _ATOM, rank)


def _number(expr: Expr) -> Piece:
    if expr.is_Integer:
        return Piece(str(expr), _ATOM if expr >= 0 else _SIGN, 0)
    if expr.is_Rational:
        value = float(expr)
        exact = sympy.Rational(str(value)) == expr
        return Piece(str(value), _ATOM, 0) if exact else Piece(f"{expr.p} / {expr.q}", _PRODUCT, 0)
    raise NotWritten


def _fraction(expr: Expr) -> tuple[list[Expr], list[Expr]]:
    """The factors above and below the line."""
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in sympy.Mul.make_args(expr):
        if factor.is_Rational and factor.q != 1:
            above += [sympy.Integer(factor.p)] if factor.p != 1 else []
            below.append(sympy.Integer(factor.q))
        elif isinstance(factor, sympy.Pow) and factor.exp.could_extract_minus_sign():
            below.append(factor.base**-factor.exp)
        else:
            above.append(factor)
    return above, below
