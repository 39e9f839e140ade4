"""The ways of writing: independent switches, drawn from one integer so that any two of them meet in every combination.

A seed is a point (u, v) of the plane over a prime field, a switch a line with a slope of its own: over a whole plane
every pair of values of two switches comes up equally often.
"""

from __future__ import annotations

SWITCHES: dict[str, tuple[str, ...]] = {
    "form": ("index", "index", "index", "vector"),
    "letters": ("usual", "labelled", "other"),
    "indices": ("ijk", "kl", "tsr", "nm"),
    "sizes": ("N", "m", "B", "n"),
    "comma": ("no", "yes"),
    "place": ("below", "sample", "bracket"),
    "limits": ("full", "lower", "none", "upper"),
    "first": ("1", "1", "1", "0"),
    "derivative": ("round", "d", "upright", "operator"),
    "adjoint": ("fraction", "d", "text", "bar", "delta", "deltas", "nabla", "grad"),
    "told": ("equation", "words", "implied"),
    "product": ("juxtaposed", "cdot", "star", "times", "thin"),
    "division": ("fraction", "dfrac", "slash", "power", "front"),
    "root": ("sqrt", "half", "decimal"),
    "mean": ("front", "over", "expectation", "call", "words"),
    "exponential": ("e", "exp", "exp bare"),
    "logarithm": ("log", "ln"),
    "same": ("delta", "one", "iverson"),
    "brackets": ("sized", "round", "square", "big"),
    "order": ("usual", "reversed"),
    "shape": ("plain", "chained", "broken", "aligned chain"),
    "layout": ("one", "aligned", "row", "inline"),
    "carrier": ("dollars", "brackets", "align", "equation", "fence", "latex", "ipynb", "rst", "plain"),
    "definitions": ("row", "each", "after", "inline"),
    "sign": ("=", ":=", "\\triangleq"),
    "stop": ("none", "comma", "dot"),
    "number": ("none", "tag", "plain"),
    "language": ("none", "english", "german", "french", "spanish", "chinese"),
    "shapes": ("none", "range", "space"),
    "remark": ("none", "note", "example"),
    "heading": ("none", "two", "bold"),
    "damage": ("none", "none", "none", "string"),
    "spaces": ("wide", "tight"),
    "hat": ("hat", "widehat", "inside"),
    "second": ("none", "none", "none", "renamed", "same"),
}
PRIME = 61
STRIDE = 1409
"""Neighbouring seeds are far apart in the plane."""


def drawn(seed: int) -> dict[str, str]:
    """A value for each switch."""
    plane, point = divmod(seed, PRIME * PRIME)
    u, v = divmod(point * STRIDE % (PRIME * PRIME), PRIME)
    style = {}
    for slope, (name, values) in enumerate(SWITCHES.items()):
        place = (u + slope * v + slope * slope * plane + 7 * slope) % PRIME
        style[name] = values[place * len(values) // PRIME]
    return style
