"""Ranges over whole axes as arrays of positions."""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from derive.code.arrays import Array
from derive.code.faults import Unsupported
from derive.code.layout import axes_of
from derive.code.values import Span


def positions(span: Span, order: Sequence[str] = ()) -> Array:
    """``arange(n)``: the places of an axis, to be used as an index; of an axis of several factors, one for each."""
    if not span.is_plain:
        raise Unsupported("positions that do not begin at 0 or have a step")
    (own,) = axes_of([span.stop], order)
    places = [i for _, i in own]
    if len(places) == 1:
        return Array((own,), places[0], "index", span.stop)
    return Array((own,), sympy.Tuple(*places) if places else sympy.Integer(1), "index", span.stop)
