"""Centred quantities: the rule by which kernels stay exact at a mean that is large beside the deviations.

A mean μ that is rounded to the precision of the data spoils x − μ: in float32, at a mean of 10⁴, by up to half a unit
of 10⁻³. So a mean is never rounded. It is kept as two numbers, hi = fl(μ) and lo = μ − hi, and with t = x − hi (exact
where x is near hi, by Sterbenz' lemma) a centred quantity is

    x − μ = t − lo.

Everywhere lo is then moved out of the loops over x, to where the means are:

    Σ f (x − μ)        = Σ f t − lo Σ f                       (f any weights: dy in a backward pass)
    Σ (x − μ)²         = Σ t² − N lo²,  lo = Σ t / N           (the corrected two-pass variance)
    a (x − μ) + b      = a t + (b − a lo)

They are identities for every hi, so that hi need only be near the mean. It is made a multiple of about 1/1000 of the
deviation: a hi with as many digits as x would round all differences of one binade the same way, and Σ f t gathers that
bias where Σ f is large (an upstream gradient whose mean is not zero). `test_kernels` proves them with the normal
form; every kernel is proved as a whole besides, with hi a free symbol (`derive.kernels.readback`).

Sources: T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing the sample variance", The American
Statistician 37 (1983), for the corrected two-pass form; P. H. Sterbenz, *Floating-Point Computation* (1974), §4.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr, Symbol

from derive.forward import Definition, Graph
from derive.language import indices_of, is_quantity, name_of


@dataclass(frozen=True)
class Centre:
    """A definition ``mean`` that is the mean of ``data`` over some axes.

    Attributes:
        places: for each axis of the mean, which axis of the data it is.
        over: the positions of the axes that are averaged over.
        count: how many values are averaged.
    """

    mean: str
    data: str
    places: tuple[int, ...]
    over: tuple[int, ...]
    count: Expr


def find_centres(graph: Graph) -> dict[str, Centre]:
    """The means in a graph that something is centred with, by name."""
    found = {d.name: c for d in graph.definitions if (c := _centre(d)) is not None}
    return {name: c for name, c in found.items() if any(_centres(d.expr, c) for d in graph.definitions)}


def _centre(definition: Definition) -> Centre | None:
    """The definition as a mean of an array over whole axes, if that is what it is."""
    coefficient, sums = definition.expr.as_independent(sympy.Sum)
    if not isinstance(sums, sympy.Sum) or not isinstance(sums.function, sympy.Indexed):
        return None
    entry = sums.function
    ranges = {i: high for i, _, high in sums.limits}
    count = sympy.Mul(*ranges.values())
    plain = all(isinstance(i, Symbol) for i in entry.indices) and len(set(entry.indices)) == len(entry.indices)
    if not plain or coefficient * count != 1 or {*entry.indices} != {*ranges, *definition.indices}:
        return None
    places = tuple(entry.indices.index(i) for i in definition.indices)
    over = tuple(k for k, i in enumerate(entry.indices) if i in ranges)
    return Centre(definition.name, name_of(entry), places, over, count)


def _centres(expr: Expr, centre: Centre) -> bool:
    return any(centred_entry(node, {centre.mean: centre}) for node in sympy.preorder_traversal(expr))


def centred_entry(expr: Expr, centres: Mapping[str, Centre]) -> tuple[Centre, tuple[Expr, ...], Expr, Expr] | None:
    """``± (x − μ) + rest`` taken apart: the centre, the indices of x, the sign and the rest."""
    if not isinstance(expr, sympy.Add):
        return None
    signed = {term.as_coeff_Mul()[1]: term.as_coeff_Mul()[0] for term in expr.args}
    for quantity, sign in signed.items():
        centre = centres.get(name_of(quantity)) if is_quantity(quantity) else None
        if centre is None:
            continue
        for data, other in signed.items():
            if other == -sign and _fits(data, quantity, centre):
                rest = expr - sign * quantity - other * data
                return centre, indices_of(data), other, rest
    return None


def _fits(data: Expr, mean: Expr, centre: Centre) -> bool:
    """Whether an entry of the data lies in the group whose mean is meant."""
    if not isinstance(data, sympy.Indexed) or name_of(data) != centre.data:
        return False
    return tuple(data.indices[k] for k in centre.places) == indices_of(mean)


__all__ = ["Centre", "centred_entry", "find_centres"]
