"""A forward pass in forms that neither overflow nor cancel, each proved equal to the document's by the normal form.

What people write is exact on paper only: 1/(1 + e^−x) overflows where x is −100 in float32, log(1 + e^x) where it is
100; log(1 − p) of a probability that was rounded to 1 is infinite; a variance as the mean of the squares less the
square of the mean has no digits left where the mean is large; and of a size under another name (m = HW) nothing
cancels. `RULES` rewrites such parts of a definition. A rewriting that is not proved is not made.

Sources: M. Mächler, "Accurately computing log(1 − exp(−|a|))" (2012), for log1p forms; T. F. Chan, G. H. Golub and
R. J. LeVeque (1983) for the variance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import sympy
from sympy import Expr

from derive.forward import Definition, Graph
from derive.language import indices_of, is_quantity, name_of, refresh, sigmoid, softplus
from derive.normal.limits import GaveUp, Undefined
from derive.normal.prover import Prover

Known = dict[str, Definition]
"""The definitions before the one in hand, in stable form."""

Rule = Callable[[Expr, Known], "Expr | None"]
"""Another form of an expression whose parts are in stable form already; None where it has none."""


def stable(graph: Graph, sizes: Iterable[str]) -> Graph:
    """A graph with its definitions in stable form.

    Args:
        sizes: the names of all sizes.
    """
    graph = _with_sizes_of_axes(graph)
    prover = Prover(graph.by_name, {*graph.positive, *sizes}, graph.facts)
    known: Known = {}
    for definition in graph.definitions:
        known[definition.name] = _stable(definition, known, prover)
    return _with(graph, known.values())


def _with(graph: Graph, definitions: Iterable[Definition]) -> Graph:
    return replace(graph, definitions=tuple(definitions))


def _stable(definition: Definition, known: Known, prover: Prover) -> Definition:
    expr = _rewritten(definition.expr, known)
    if expr == definition.expr:
        return definition
    try:
        proved = prover.equal(definition.expr, expr)
    except (GaveUp, Undefined):
        proved = False
    return replace(definition, expr=expr) if proved else definition


def _rewritten(expr: Expr, known: Known) -> Expr:
    """An expression with the rules applied from within."""
    if not expr.args or is_quantity(expr) or isinstance(expr, sympy.KroneckerDelta):
        return expr
    if isinstance(expr, sympy.Sum | sympy.Product):
        expr = expr.func(_rewritten(expr.function, known), *expr.limits)
    else:
        expr = expr.func(*(_rewritten(a, known) for a in expr.args))
    return next((new for rule in RULES if (new := rule(expr, known)) is not None), expr)


# -- sizes ----------------------------------------------------------------------------------------------------------


def _with_sizes_of_axes(graph: Graph) -> Graph:
    """Names that stand for sizes, such as m = HW, put in: what they count cancels then."""
    values = {d.entry(): d.expr for d in graph.definitions if not d.indices and _is_size(d.expr)}
    if not values or graph.loss in {name_of(entry) for entry in values}:
        return graph
    for entry, value in values.items():  # one may be made of another
        values[entry] = value.xreplace(values)
    kept = (replace(d, expr=d.expr.xreplace(values)) for d in graph.definitions if d.entry() not in values)
    return _with(graph, kept)


def _is_size(expr: Expr) -> bool:
    return bool(expr.free_symbols) and all(s.is_integer and s.is_positive for s in expr.free_symbols)


# -- exponentials ---------------------------------------------------------------------------------------------------


def _logistic(expr: Expr, known: Known) -> Expr | None:
    """1/(1 + e^u) is σ(−u)."""
    if not isinstance(expr, sympy.Pow) or expr.exp != -1:
        return None
    exponent = _exponent_of_sum(expr.base)
    return sigmoid(-exponent) if exponent is not None else None


def _other_logistic(expr: Expr, known: Known) -> Expr | None:
    """e^u σ(−u) is σ(u)."""
    for factor in expr.args if isinstance(expr, sympy.Mul) else ():
        above = sympy.exp(-factor.args[0]) if isinstance(factor, sigmoid) else None
        if above in expr.args:
            return sympy.Mul(sigmoid(-factor.args[0]), *(f for f in expr.args if f not in (factor, above)))
    return None


def _exponent_of_sum(expr: Expr) -> Expr | None:
    """The u of 1 + e^u."""
    if isinstance(expr, sympy.Add) and len(expr.args) == 2 and sympy.S.One in expr.args:
        (other,) = (a for a in expr.args if a != 1)
        return other.exp if isinstance(other, sympy.exp) else None
    return None


def _softplus(expr: Expr, known: Known) -> Expr | None:
    """log(1 + e^u), log σ(u) = −softplus(−u), log(1 − σ(u)) = −softplus(u)."""
    if not isinstance(expr, sympy.log):
        return None
    inner = expr.args[0]
    exponent = _exponent_of_sum(inner)
    if exponent is not None:
        return softplus(exponent)
    of = _argument_of_logistic(inner, known)
    if of is not None:
        return -softplus(-of)
    of = _argument_of_logistic(1 - inner, known)
    return -softplus(of) if of is not None else None


def _argument_of_logistic(expr: Expr, known: Known) -> Expr | None:
    """The u of σ(u), or of a name that is defined so."""
    if is_quantity(expr) and name_of(expr) in known:
        expr = known[name_of(expr)].at(indices_of(expr))
    return expr.args[0] if isinstance(expr, sigmoid) else None


def _product(expr: Expr, known: Known) -> Expr | None:
    """A product of exponentials is one of their sum."""
    if isinstance(expr, sympy.Product) and isinstance(expr.function, sympy.exp):
        return sympy.exp(sympy.Sum(expr.function.exp, *expr.limits))
    return None


# -- cancellation ---------------------------------------------------------------------------------------------------


def _spread(expr: Expr, known: Known) -> Expr | None:
    """The mean of squares less the square of the mean is the mean of squared deviations."""
    if not isinstance(expr, sympy.Add):
        return None
    for mean in _squares_subtracted(expr):
        definition = known.get(name_of(mean))
        for term in expr.args:
            deviations = _deviations(term, mean, definition.at(indices_of(mean))) if definition is not None else None
            if deviations is not None:
                return sympy.Add(deviations, *(t for t in expr.args if t != term and t != -(mean**2)))
    return None


def _squares_subtracted(expr: Expr) -> Iterator[Expr]:
    for term in expr.args:
        if isinstance(-term, sympy.Pow) and (-term).exp == 2 and is_quantity((-term).base):
            yield (-term).base


def _deviations(term: Expr, mean: Expr, value: Expr) -> Expr | None:
    """The mean of the squares of what has this mean, as one of squared deviations."""
    scale, total = term.as_independent(sympy.Sum)
    other, summed = value.as_independent(sympy.Sum)
    if not isinstance(total, sympy.Sum) or not isinstance(summed, sympy.Sum) or scale != other:
        return None
    if not isinstance(total.function, sympy.Pow) or total.function.exp != 2:
        return None
    names = dict(zip(summed.variables, total.variables, strict=False))
    if sympy.Sum(summed.function, *summed.limits).xreplace(names) != sympy.Sum(total.function.base, *total.limits):
        return None
    return scale * refresh(sympy.Sum((total.function.base - mean) ** 2, *total.limits))


RULES: tuple[Rule, ...] = (_logistic, _other_logistic, _softplus, _product, _spread)

__all__ = ["stable"]
