r"""The names of a document as identifiers: ``\gamma`` is ``gamma``, ``\hat{x}`` is ``x_hat``, ``\sigma^2`` is
``sigma2``.

A name is taken apart into letters and digits; everything else is dropped, so that no name of a document can become code
in a kernel, whatever it is. Names that a target has a meaning for, and names that are taken, get a number.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable

_ACCENTS = ("hat", "tilde", "bar", "dot", "ddot", "vec", "check", "breve", "overline", "widehat", "widetilde")
_FONTS = ("text", "mathrm", "mathbf", "mathit", "mathcal", "mathbb", "boldsymbol", "bm", "operatorname", "rm", "bf")
_ACCENTED = re.compile(r"\\(" + "|".join(_ACCENTS) + r")\s*\{?\s*(\\?[^\W\d_]+)\s*\}?")
_LONGEST = 32


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PYTHON = frozenset(keyword.kwlist) | frozenset(keyword.softkwlist)
_C = _words(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    asm bool true false errno main NULL stdin stdout stderr
    """
)
_GENERATED = _words(
    """
    np numpy nb numba math abs exp log sqrt tanh erf sin cos arctan sum max min len int float range slice dict tuple
    list forward backward saved upstream self cls out blocks rows shape wide omp simd pragma real print object
    type id index division near left rounded total contracted sigmoid softplus step sign heaviside log1p inverse
    checked dtype sizes math Any Mapping
    Iterator FLOATS BLOCK PIECE REAL SERIAL INFINITY NAN calloc free pow fabs rint frexp ldexp isfinite share threads
    thread begin end first last room at to sample rest more r threads_for np_errstate size_t complex imaginary
    empty line LINE FAR far put put_words put_word put_near past_cache settle flat compiled intrinsic ir cgutils
    """
)
_PREFIXES = ("kept_", "line_", "more_", "own_", "part_", "row_", "this_")  # of names that loops make of those of steps
RESERVED = _PYTHON | _C | _GENERATED
"""What a name may not be: words of the targets' languages, and what generated code itself uses."""


def identifier(name: str) -> str:
    r"""The ASCII identifier that a document's name suggests; ``v`` where nothing is left of it.

    >>> [identifier(n) for n in (r"\gamma", r"\hat{x}", r"\sigma^2", "x'", r"\text{eps}", "__import__(0)")]
    ['gamma', 'x_hat', 'sigma2', 'x_prime', 'eps', 'import_0']
    """
    text = _ACCENTED.sub(lambda match: f" {match[2]}_{match[1].replace('wide', '')} ", name)
    text = text.replace("'", "_prime").replace("∂", "d")
    text = re.sub(r"\\(" + "|".join(_FONTS) + r")(?![A-Za-z])", "", text)
    text = re.sub(r"\^\{?2\}?", "2", text)
    text = "".join(map(_spelled, text))
    text = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:_LONGEST].rstrip("_")
    if not text:
        return "v"
    return f"v{text}" if text[0].isdigit() else text


def _spelled(char: str) -> str:
    """A Greek letter by its name, an accented one without the accent, others as they are."""
    if char.isascii():
        return char
    name = unicodedata.name(char, "")
    if name.startswith("GREEK ") and " LETTER " in name:
        word = name.split(" LETTER ")[1].split()[0].lower()
        return {"lamda": "lambda_"}.get(word, word)
    return "".join(c for c in unicodedata.normalize("NFKD", char) if c.isascii())


class Names:
    """Gives each thing an identifier of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._given: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The identifier of a document's name, the same each time."""
        if name not in self._given:
            self._given[name] = self.fresh(identifier(name))
        return self._given[name]

    def reserve(self, names: Iterable[str]) -> None:
        """Take names, so that nothing else gets them."""
        self._taken.update(names)

    def is_free(self, name: str) -> bool:
        return name not in self._taken and name not in RESERVED

    def copy(self) -> Names:
        """The same names, to go on from in another function."""
        other = Names()
        other._taken, other._given = set(self._taken), dict(self._given)
        return other

    def fresh(self, wish: str) -> str:
        """An identifier that nothing has yet: the wish, or the wish with a number."""
        wish = wish if wish.isidentifier() and wish.isascii() else identifier(wish)
        wish = f"v_{wish}" if wish.startswith(_PREFIXES) else wish
        found = wish
        number = 2
        while found in RESERVED or found in self._taken:
            found = f"{wish}_{number}" if wish not in RESERVED or number > 2 else f"{wish}_"
            number += 1
        self._taken.add(found)
        return found


_PLAIN = frozenset(" .,;:=+-()[]{}^<>|_/")
_MATHEMATICAL = ("L", "M", "N", "S")


def comment(text: str) -> str:
    r"""A text as it may stand in a comment or a docstring of any target: no quotes, no backslashes, no ``*/``.

    >>> comment('a */ b \"\"\" \\ c')
    'a / b c'
    """
    return " ".join("".join(c if _is_safe(c) else " " for c in text).split())


def _is_safe(char: str) -> bool:
    if char.isascii():
        return char.isalnum() or char in _PLAIN
    return unicodedata.category(char)[0] in _MATHEMATICAL or char == "·"
