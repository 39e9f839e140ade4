"""Equalities of SymPy expressions, judged without a document: what `derive.prove` does.

SymPy's meaning counts: sign(0) is 0, Heaviside(0, h) is h, a positive integer may be 1. The normal form proves what
holds wherever no argument of a sign is 0; where one is, it is proved anew with 0 in its place.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, Symbol

from derive.building import normalised
from derive.declared import WHOLE_RANGE, Declared
from derive.forward import Graph
from derive.language import is_quantity
from derive.normal.limits import GaveUp, Undefined
from derive.normal.prover import Prover
from derive.probe.arithmetic import OutOfDomain
from derive.probe.evaluation import NotEvaluable, TooLarge
from derive.probe.points import ALL_ROUNDS, Agreement, Claim, Counterexample, compare
from derive.verdict import Status

PLAIN_ROUNDS = ALL_ROUNDS - 2
"""All but those with data that are 0."""
FEWEST = 5
"""How many values are tried at least of an index that nothing measures."""


@dataclass(frozen=True)
class Proof:
    """What is established about an equality of two SymPy expressions.

    Attributes:
        status: ``proved``, ``refuted``, ``tested`` or ``undecided``.
        counterexample: for ``refuted``, sizes and data at which the sides differ for certain.
    """

    status: Status
    reason: str = ""
    counterexample: Counterexample | None = None

    def __bool__(self) -> bool:
        raise TypeError("a proof is not a bool: compare its status with 'proved'")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from derive.report.notebook import proof_bundle

        return proof_bundle(self.status, self.reason, self.counterexample)


def decide(left: Expr, right: Expr, positive: tuple[str, ...], timeout: float) -> Proof:
    """Judge an equality by the normal form and by the probe.

    Raises `ValueError` for expressions that are no real numbers over real arrays.
    """
    declared = Declared(sympy.sympify(side, strict=True) for side in (left, right))
    first, second = (_with_signs(side) for side in normalised(*declared.sides))
    known = {q.base.name if isinstance(q, sympy.Indexed) else q.name for q in _positive(first, second)}
    claim = _claim(first, second)
    reason = ""
    try:
        proved = _Proving(claim, {*positive, *known}, time.monotonic() + timeout).everywhere(first, second)
    except (GaveUp, Undefined) as error:
        proved, reason = False, str(error)
    rounds = PLAIN_ROUNDS if declared.has_nonzero else ALL_ROUNDS
    try:
        graph = Graph((), _shapes(first, second), positive=frozenset({*positive, *known}))
        evidence = compare(claim, graph, "total", rounds)
    except (NotEvaluable, TooLarge, OutOfDomain) as error:
        return Proof("undecided", str(error) or "too large to evaluate")
    return _weighed(proved, evidence, reason, declared)


def _positive(*sides: Expr) -> set[Expr]:
    """The positive numbers, sizes among them."""
    return {q for side in sides for q in side.atoms(sympy.Indexed, Symbol) if q.is_positive}


def _weighed(proved: bool, evidence: Counterexample | Agreement, reason: str, declared: Declared) -> Proof:
    if isinstance(evidence, Counterexample):
        if proved:
            return Proof("undecided", "internal error: the two judges of derive disagree")
        return Proof("refuted", "", _as_declared(evidence, declared))
    if not evidence.points:
        return Proof("undecided", "no point was found at which both sides have a value")
    if proved:
        return Proof("proved")
    agrees = f"agrees at {evidence.points} points; no proof found"
    if not evidence.is_thorough:
        return Proof("undecided", f"{agrees}, and not all kinds of points could be tried")
    return Proof("tested", reason or agrees)


def _as_declared(found: Counterexample, declared: Declared) -> Counterexample:
    """A counterexample in terms of the symbols that were asked about."""

    def shown(name: str, value: object) -> object:
        if isinstance(value, list):
            return [shown(name, one) for one in value]
        return declared.value(name, str(value))

    whole = ({n: int(declared.value(n, str(k))) for n, k in v.items()} for v in (found.sizes, found.indices))
    sizes, indices = whole
    values = {name: shown(name, value) for name, value in found.values.items()}
    return replace(found, sizes=sizes, indices=indices, values=values)


# -- signs ----------------------------------------------------------------------------------------------------------


def _with_signs(expr: Expr) -> Expr:
    """An expression with its steps written with signs: H(u) = (1 + sign(u))/2 but for the value at 0."""
    return expr.replace(sympy.Heaviside, _step)


def _step(u: Expr, at_zero: Expr) -> Expr:
    sign = sympy.sign(u)
    return (1 + sign) / 2 + (at_zero - sympy.Rational(1, 2)) * (1 - sign**2)


class _Proving:
    """Proofs by the normal form under the declarations of a claim."""

    def __init__(self, claim: Claim, positive: set[str], deadline: float) -> None:
        self._positive = positive
        self._deadline = deadline
        self._sizes = {i: n for i, n in zip(claim.indices, claim.sizes, strict=True) if not n.is_number}

    def everywhere(self, left: Expr, right: Expr) -> bool:
        """Whether two expressions are equal also where arguments of signs are 0.

        Raises `GaveUp` or `Undefined`.
        """
        if not self._almost_everywhere(left, right):
            return False
        return all(self.everywhere(*(_at(side, u, zero) for side in (left, right))) for u, zero in _zeros(left, right))

    def _almost_everywhere(self, left: Expr, right: Expr) -> bool:
        prover = Prover({}, self._positive, (), self._deadline)
        prover.bound(self._sizes)
        return prover.equal(left, right)


def _zeros(left: Expr, right: Expr) -> Iterator[tuple[Expr, tuple[Expr, Expr]]]:
    """Each argument of a sign, with a quantity in it and the value at which the argument is 0.

    Raises `GaveUp` for an argument that cannot be solved for a quantity.
    """
    arguments = {s.args[0] for side in (left, right) for s in side.atoms(sympy.sign)}
    free = left.free_symbols | right.free_symbols
    for u in sorted(arguments, key=sympy.default_sort_key):
        found = (zero for q in sorted(u.atoms(Symbol, sympy.Indexed), key=str) if (zero := _solved(u, q, free)))
        zero = next(found, None)
        if zero is None:
            raise GaveUp(f"equal wherever the argument {u} of a sign is not 0; not proved where it is")
        yield u, zero


def _solved(u: Expr, quantity: Expr, free: set[Expr]) -> tuple[Expr, Expr] | None:
    """The value of a quantity at which an argument that is linear in it vanishes."""
    if not is_quantity(quantity) or quantity.is_integer or not quantity.free_symbols <= free:
        return None
    slope = u.diff(quantity) if isinstance(quantity, Symbol) else u.xreplace({quantity: Symbol("q")}).diff(Symbol("q"))
    if not slope.is_number or slope == 0:
        return None
    return quantity, sympy.expand(quantity - u / slope)


def _at(side: Expr, argument: Expr, zero: tuple[Expr, Expr]) -> Expr:
    """A side where the argument of a sign is 0."""
    return side.xreplace({sympy.sign(argument): sympy.Integer(0)}).xreplace(dict([zero]))


# -- what indices run over ------------------------------------------------------------------------------------------


def _claim(left: Expr, right: Expr) -> Claim:
    """The claim over the free indices of two expressions; of an index that nothing measures a few values are tried."""
    symbols = left.free_symbols | right.free_symbols
    sizes = _measured(left, right)
    entries = left.atoms(sympy.Indexed) | right.atoms(sympy.Indexed)
    letters = {i for e in entries for i in e.indices}
    free = [s for s in symbols if isinstance(s, Symbol) and (s in letters or (s.is_integer and not s.is_positive))]
    free.sort(key=str)
    deltas = left.atoms(sympy.KroneckerDelta) | right.atoms(sympy.KroneckerDelta)
    numbers = [int(n) for d in deltas for n in d.args[:2] if n.is_Integer]
    count = max(FEWEST, *(n + 1 for n in numbers), WHOLE_RANGE if set(free) - letters else 0)
    return Claim(left, right, tuple(free), tuple(sizes.get(s, sympy.Integer(count)) for s in free))


def _measured(left: Expr, right: Expr) -> dict[Symbol, Expr]:
    """The sizes of free indices: those of the sums over the same place of a name, or over what a delta compares."""
    places: dict[tuple[str, int], Expr] = {}
    found: dict[Symbol, Expr] = {}
    for total in left.atoms(sympy.Sum, sympy.Product) | right.atoms(sympy.Sum, sympy.Product):
        ranges = {i: high for i, _, high in total.limits if high.free_symbols.isdisjoint(total.variables)}
        for name, k, i in _places(total.function):
            if i in ranges:
                places[name, k] = ranges[i]
        for delta in total.function.atoms(sympy.KroneckerDelta):
            for i, j in (delta.args[:2], delta.args[1::-1]):
                if i in ranges and j not in ranges and isinstance(j, Symbol) and not j.is_positive:
                    found.setdefault(j, ranges[i])
    for side in (left, right):
        found |= {i: places[name, k] for name, k, i in _places(side) if (name, k) in places}
    free = left.free_symbols | right.free_symbols
    return {i: n for i, n in found.items() if i in free}


def _shapes(left: Expr, right: Expr) -> dict[str, tuple[Expr, ...]]:
    """The sizes of the arrays that sums run over from end to end, all to the same one."""
    ends: dict[tuple[str, int], set[Expr]] = {}
    ranks: dict[str, int] = {}
    for side in (left, right):
        for name, k, _ in _places(side):
            ranks[name] = max(ranks.get(name, 0), k + 1)
        for total in side.atoms(sympy.Sum, sympy.Product):
            ranges = {i: high for i, _, high in total.limits}
            for name, k, i in _places(total.function):
                if i in ranges:
                    ends.setdefault((name, k), set()).add(ranges[i])
    single = {place: next(iter(found)) for place, found in ends.items() if len(found) == 1}
    sizes = {name: [single.get((name, k)) for k in range(rank)] for name, rank in ranks.items()}
    return {name: tuple(found) for name, found in sizes.items() if all(isinstance(n, Symbol) for n in found)}


def _places(expr: Expr) -> Iterator[tuple[str, int, Expr]]:
    """Each index with the name and the place at which it stands."""
    for quantity in expr.atoms(sympy.Indexed):
        for k, i in enumerate(quantity.indices):
            yield str(quantity.base.label), k, i
