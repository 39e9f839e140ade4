"""Program trees as C expressions.

In a wide expression every operand is a double, in a narrow one a `real`; integers become one or the other, so that nothing
is divided as a whole number.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.kernels.program import Call, Equal, Node, Number, Power, Product, Quotient, Read, Size, Sum

FUNCTIONS = {"abs": "fabs", "step": "heaviside"}
_SUM, _PRODUCT, _ATOM = 1, 2, 3

Place = Callable[[Read], tuple[str, bool]]
"""How an entry is read: the text, and whether it is a double."""


def expression(node: Node, wide: bool, place: Place) -> str:
    """A tree as C text."""
    return _Text(wide, place).of(node)[0]


class _Text:
    def __init__(self, wide: bool, place: Place) -> None:
        self.wide = wide
        self.place = place
        self.type = "double" if wide else "real"

    def of(self, node: Node) -> tuple[str, int]:
        """The text and how tightly it binds."""
        match node:
            case Number(value):
                return self._number(float(value))
            case Size(name):
                return f"({self.type}){name}", _ATOM
            case Read():
                text, wide = self.place(node)
                return (text, _ATOM) if wide == self.wide else (f"({self.type}){text}", _ATOM)
            case Equal(first, second):
                return f"(({self.type})({first} == {second}))", _ATOM
            case Sum(terms):
                return self._sum(terms), _SUM
            case Product(factors):
                return " * ".join(self.within(f, _PRODUCT) for f in factors), _PRODUCT
            case Quotient(above, below):
                return f"{self.within(above, _PRODUCT)} / {self.within(below, _ATOM)}", _PRODUCT
            case Power(base, exponent):
                return self._power(base, exponent)
            case Call(function, arguments):
                return self._call(function, arguments), _ATOM

    def within(self, node: Node, level: int) -> str:
        text, own = self.of(node)
        return text if own >= level else f"({text})"

    def _number(self, value: float) -> tuple[str, int]:
        text = repr(value)
        if not self.wide:
            text = f"(real){text}" if value >= 0 else f"(real)({text})"
        return text, _ATOM if value >= 0 or not self.wide else _SUM

    def _sum(self, terms: tuple[tuple[bool, Node], ...]) -> str:
        text = ""
        for sign, term in terms:
            shown = self.within(term, _PRODUCT)
            text += shown if not text and sign else f"{' ' if text else ''}{'+' if sign else '-'}{' ' if text else ''}{shown}"
        return text

    def _power(self, base: Node, exponent: int) -> tuple[str, int]:
        if isinstance(base, Read) and exponent <= 4:
            return " * ".join([self.within(base, _ATOM)] * exponent), _PRODUCT
        return f"pow({self.of(base)[0]}, {self._number(float(exponent))[0]})", _ATOM

    def _call(self, function: str, arguments: tuple[Node, ...]) -> str:
        if function == "pi":
            return self._number(3.141592653589793)[0]
        return f"{FUNCTIONS.get(function, function)}({', '.join(self.of(a)[0] for a in arguments)})"
