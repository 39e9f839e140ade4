"""Open names: quantities of which nobody says what they are, as functions of what they may depend on.

A definition that cannot be read, a mean that is only called μ, an output whose derivative by a weight is written and
that nothing defines: none of these is constant data, so no derivative through it is zero.

At a point, and up to first derivatives, every function is like its tangent. So an open name is defined as one,
``h_i = r_i + Σ_j s_ij (a_j - b_j)``, with numbers r, s and b that nobody knows: what is proved with it holds whatever
the function is, and what differs from the truth only by way of r and s is not refuted. Where b is what a is at a point,
r is what h is there, and s is how it moves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from sympy import Expr, Integer

from derive.forward import Definition, Graph, entry, quantities_in
from derive.language import bound, index, key_of, name_of, total

Shapes = Mapping[str, tuple[Expr, ...]]


def rest_name(name: str) -> str:
    """The name for what of an open name does not move; with a space in it, so that no document has it."""
    return f"{name} at rest"


def slope_name(name: str, by: str) -> str:
    """The name for how an open name moves with another."""
    return f"{name} by {by}"


def held_name(name: str) -> str:
    """The name for what another name is at the point of a tangent."""
    return f"{name} held"


def is_held(name: str) -> bool:
    """Whether a name is for what another one is at the point of a tangent."""
    return name.endswith(" held")


def name_held(name: str) -> str:
    """The name of which another one says what it is at the point of a tangent."""
    return name.removesuffix(" held")


def is_slope(name: str) -> bool:
    """Whether a name is for how an open name moves with another."""
    return " by " in name


def is_rest_of(name: str, open_names: Collection[str]) -> bool:
    """Whether a name is for what does not move of one of several open names."""
    return name.removesuffix(" at rest") in open_names and name.endswith(" at rest")


def is_parameter(name: str) -> bool:
    """Whether a name is for what nobody knows of an open name."""
    return name.endswith((" at rest", " held")) or is_slope(name)


def stand_in(name: str, uses: Iterable[str], shapes: Shapes) -> Definition:
    """The tangent of an open name at a point, summed over all names that it may use."""
    sizes = shapes.get(name, ())
    letters = tuple(index(f"h_{{{k}}}") for k in range(len(sizes)))
    expr = entry(rest_name(name), letters)
    for use in sorted(uses):
        places = shapes.get(use, ())
        summed = tuple(bound(f"a_{k}") for k in range(len(places)))
        slope = entry(slope_name(name, use), (*letters, *summed))
        moved = entry(use, summed) - entry(held_name(use), summed)
        expr += total(slope * moved, zip(summed, places, strict=True))
    return Definition(name, letters, tuple(sizes), expr)


def parameter_shapes(definition: Definition, uses: Iterable[str], shapes: Shapes) -> dict[str, tuple[Expr, ...]]:
    """The sizes of the axes of what nobody knows of an open name."""
    found = {rest_name(definition.name): definition.sizes}
    found |= {held_name(use): tuple(shapes.get(use, ())) for use in uses}
    return found | {slope_name(definition.name, use): (*definition.sizes, *shapes.get(use, ())) for use in uses}


def at_rest(graph: Graph, slopes: Collection[str]) -> Graph:
    """A forward pass in which some open names do not move with others.

    Args:
        slopes: the names for how they do.
    """
    definitions = []
    for definition in graph.definitions:
        still = {q: Integer(0) for q in quantities_in(definition.expr) if name_of(q) in slopes}
        definitions.append(replace(definition, expr=definition.expr.xreplace(still)))
    return replace(graph, definitions=tuple(definitions))


def has_open_names(graph: Graph) -> bool:
    """Whether a forward pass has names that stand for a function nobody knows."""
    return any(map(is_parameter, graph.inputs))


def is_stand_in(definition: Definition) -> bool:
    """Whether a definition stands for a function that nobody knows."""
    return rest_name(definition.name) in definition.uses


def open_names(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The names that stand for a function nobody knows, and that the loss or an output depends on, with what they may
    depend on themselves."""
    found = (d for d in graph.definitions if is_stand_in(d) and d.name in graph.reaching)
    return {d.name: tuple(sorted(use for use in d.uses if slope_name(d.name, use) in d.uses)) for d in found}


def shown_name(name: str) -> str:
    """The name under which a value is shown: what an open name is at rest is what it is; how it moves is not shown."""
    rest = name.removesuffix(" at rest")
    return "" if is_parameter(rest) else rest


def as_given(name: str, use: str) -> str:
    """What a comment has to say so that a name does not depend on another."""
    return rf"given: \frac{{\partial {key_of(name)}}}{{\partial {key_of(use)}}} = 0"
