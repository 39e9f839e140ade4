"""A derivation as JSON, for programs. Its shape is stable."""

from __future__ import annotations

import json
from typing import Any

from derive.exposition import Exposition, Line, Result, Section
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.latex.writer import latex
from derive.plain import plain

_REASONS = {
    "chain rule": "all paths from the name to the loss",
    "local partial": "the other names held fixed",
    "substitution": "what has been derived before put in",
    "coordinates": "in the quantities of the forward pass",
    "known sum": "a sum that the forward pass has computed",
    "cancellation": "a sum that vanishes",
    "collection": "common factors in front",
}


def render(exposition: Exposition) -> str:
    """The exposition as one JSON object."""
    return json.dumps(data(exposition), ensure_ascii=False, indent=2) + "\n"


def data(exposition: Exposition) -> dict[str, Any]:
    """The exposition as JSON data."""
    return {
        "document": exposition.document,
        "forward": [_equation(left, right) for left, right in exposition.forward],
        "gradients": [_gradient(result, exposition.assumptions) for result in exposition.results],
    }


def _gradient(result: Result, assumptions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "wrt": result.wrt,
        "indices": list(result.indices),
        "closed_form": {"latex": latex(result.right), "text": plain(result.right), "sympy": result.source},
        "reductions": [
            {"name": reduction.name, "latex": latex(reduction.node), "axes": list(reduction.axes)}
            for reduction in result.reductions
        ],
        "operations": result.operations,
        "assumptions": list(assumptions),
        "seconds": round(result.seconds, 4),
        "steps": [_step(line) for section in result.sections for line in _lines(section)],
    }


def _lines(section: Section) -> tuple[Line, ...]:
    return section.lines


def _step(line: Line) -> dict[str, Any]:
    because = "; ".join(f"${latex(node)}$" for node in line.because)
    return {
        "rule": line.rule,
        "reason": _REASONS[line.rule] + (f", because {because}" if because else ""),
        "before": latex(line.before),
        "after": latex(line.right),
        "proved": line.proved,
    }


def _equation(left: Node, right: Node) -> str:
    return latex(S.Chain((left, right), ("=",)))
