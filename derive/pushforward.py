"""Tangents: how a change of some inputs goes forward through a graph, staged like adjoints.

The tangent of a name is defined by those of the names that its definition uses, under names of their own
(``\\dot{y}``).
Source: forward accumulation, Griewank and Walther, *Evaluating Derivatives* (2nd ed.), ch. 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sympy
from sympy import Expr, Integer

from derive.forward import Definition, Graph, entry
from derive.gradient import partial, summed
from derive.language import bound


def tangent_name(name: str) -> str:
    """The name of the tangent of a name, in LaTeX: with a dot."""
    return f"\\dot{{{name}}}"


def pushforward(graph: Graph, directions: Mapping[str, str]) -> dict[str, Definition]:
    """Definitions of the tangents of all names that depend on some inputs.

    Args:
        directions: for each input that changes, the name of its tangent.
    """
    tangents = dict(directions)
    staged: dict[str, Definition] = {}
    for definition in graph.definitions:
        terms = list(_terms(graph, definition, tangents))
        if terms and definition.name not in directions:
            name = tangent_name(definition.name)
            tangents[definition.name] = name
            staged[name] = Definition(name, definition.indices, definition.sizes, sympy.Add(*terms))
    return staged


def _terms(graph: Graph, definition: Definition, tangents: Mapping[str, str]) -> Iterator[Expr]:
    """The parts of a tangent that come through each name that the definition uses."""
    for used in sorted(definition.uses & set(tangents)):
        letters = tuple(bound(i.name) for i in graph.indices_of(used))
        sizes = graph.sizes_of(used)
        spans = dict(zip((*definition.indices, *letters), (*definition.sizes, *sizes), strict=True))
        slope = partial(definition.expr, used, letters, spans)
        limits = [(letter, Integer(1), n) for letter, n in zip(letters, sizes, strict=True)]
        yield summed(slope * entry(tangents[used], letters), limits, spans)
