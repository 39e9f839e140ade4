"""Ranges over whole axes as arrays of positions."""

from __future__ import annotations

from derive.code.arrays import Array, axis
from derive.code.values import Span


def positions(span: Span) -> Array:
    """``arange(n)``: the places of an axis, to be used as an index."""
    own = axis(span.stop)
    if not own:
        from sympy import Integer

        return Array((own,), Integer(1), "index", Integer(1))
    return Array((own,), own[0][1], "index", span.stop)
