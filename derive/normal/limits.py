"""Where the normal form stops: the sizes beyond which it gives up, and what it raises then."""

from __future__ import annotations

MAX_TERMS = 20_000
"""Terms of a product, or of a quotient while it is being reduced."""
MAX_EXPONENT = 64
"""The power to which a sum of several terms is multiplied out."""
MAX_BOUND = 8
"""Indices summed over in one flat product."""
MAX_ORDERS = 720
"""Orders of look-alike indices that are compared to find the canonical one."""
MAX_MERGED = 40
"""Functions and roots whose arguments are compared with each other."""
MAX_BITS = 1600
"""Binary digits of a number."""
MAX_PRIME = 10_000
"""Primes looked for under a root; what is left counts as prime."""


class GaveUp(Exception):
    """The computation grew too large or took too long, or an expression has no normal form; nothing about truth."""


class Undefined(Exception):
    """An expression has no value: division by zero, the logarithm of zero."""
