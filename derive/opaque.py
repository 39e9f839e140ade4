"""Open names: quantities of which nobody says what they are, as functions of what they may depend on.

A definition that cannot be read, a mean that is only called μ, an output whose derivative by a weight is written and
that nothing defines: none of these is constant data, so no derivative through it is zero.

At a point, and up to first derivatives, every function is like its tangent. So an open name is defined as one,
``h_i = r_i + Σ_j s_ij a_j``, with numbers r and s that nobody knows: what is proved with it holds whatever the function
is, and what differs from the truth only by way of r and s is not refuted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sympy import Expr

from derive.forward import Definition, Graph, entry
from derive.language import bound, index, total

Shapes = Mapping[str, tuple[Expr, ...]]


def rest_name(name: str) -> str:
    """The name for what of an open name does not move; with a space in it, so that no document has it."""
    return f"{name} at rest"


def slope_name(name: str, by: str) -> str:
    """The name for how an open name moves with another."""
    return f"{name} by {by}"


def is_parameter(name: str) -> bool:
    """Whether a name is for what nobody knows of an open name."""
    return " at rest" in name or " by " in name


def stand_in(name: str, uses: Iterable[str], shapes: Shapes) -> Definition:
    """The tangent of an open name at a point: ``h_i = r_i + Σ_j s_ij a_j``, summed over all names a that it may use."""
    sizes = shapes.get(name, ())
    letters = tuple(index(f"h_{{{k}}}") for k in range(len(sizes)))
    expr = entry(rest_name(name), letters)
    for use in sorted(uses):
        places = shapes.get(use, ())
        summed = tuple(bound(f"a_{k}") for k in range(len(places)))
        slope = entry(slope_name(name, use), (*letters, *summed))
        expr += total(slope * entry(use, summed), zip(summed, places, strict=True))
    return Definition(name, letters, tuple(sizes), expr)


def parameter_shapes(definition: Definition, uses: Iterable[str], shapes: Shapes) -> dict[str, tuple[Expr, ...]]:
    """The sizes of the axes of what nobody knows of an open name."""
    found = {rest_name(definition.name): definition.sizes}
    return found | {slope_name(definition.name, use): (*definition.sizes, *shapes.get(use, ())) for use in uses}


def has_open_names(graph: Graph) -> bool:
    """Whether a forward pass has names that stand for a function nobody knows."""
    return any(map(is_parameter, graph.inputs))
