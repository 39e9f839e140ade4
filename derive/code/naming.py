"""What the names of gradients speak of: ``dx``, ``grad_x``, ``x_grad``, ``gx``, ``dL_dx`` are about ``x``."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^d(?:L|J|C|E|loss|out)_?d_?(?P<of>.+)$",
        r"^(?:d|del|partial)_?(?P<of>.+)$",
        r"^(?:grad|grads|delta|nabla|dloss|gradient)_(?:of_|wrt_)?(?P<of>.+)$",
        r"^(?P<of>.+?)_?(?:grad|bar|gradient|adj|adjoint)$",
        r"^g_?(?P<of>.+)$",
    )
)
_PART = re.compile(r"(_?\d+|_(left|right|part|path|sum|mean|via|through|from)\w*|_[a-z]+\d*)$")
_UPSTREAM = re.compile(
    r"^(d_?out(put)?s?\d*|d_?y|dz|da|g|dl|dloss|upstream\w*|grads?|grad_?out(put)?s?\w*|g_?out\w*|delta\w*|dnext\w*|dA|dZ|"
    r"output_grad\w*|out_grad|ct|cotangents?|gy|err|error)$"
)
_CACHE = re.compile(r"(?i)^(cache\w*|\w+_cache|ctx|res|residuals?|saved\w*|memory|tape|context)$")


def spoken_of(name: str, names: Iterable[str]) -> str | None:
    """The quantity among some names that a gradient's name is about; None where it is about none of them."""
    names = list(names)
    for alike in (_exactly, _loosely):
        for pattern in _PATTERNS:
            match = pattern.match(name)
            if match is not None:
                found = next((n for n in names if alike(n) == alike(match["of"])), None)
                if found is not None:
                    return found
    return None


def part_of(name: str) -> str | None:
    """The name of the whole of which a name (``dx1``, ``dx_left``) is a part."""
    shorter = _PART.sub("", name)
    return shorter if shorter and shorter != name else None


def is_upstream(name: str) -> bool:
    """Whether a parameter is the gradient that comes from above, by its name."""
    return bool(_UPSTREAM.match(name))


def is_cache(name: str) -> bool:
    """Whether a parameter is what the forward pass saved, by its name."""
    return bool(_CACHE.match(name))


def _exactly(name: str) -> str:
    return name


def _loosely(name: str) -> str:
    return name.lower().replace("_", "")
