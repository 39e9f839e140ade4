"""The two languages in which loops are written: their statements, and how they write a program's expressions.

Arrays are flat in both. In an expression every operand has one precision, so that nothing is promoted by accident, and
whole numbers are cast, so that nothing is divided as one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from derive.kernels.program import Call, Equal, Node, Number, Power, Product, Quotient, Read, Size, Sum
from derive.kernels.prose import WIDTH, folded

_SUM, _PRODUCT, _ATOM = 1, 2, 3

Place = Callable[[Read], tuple[str, bool]]
"""How an entry is read: the text, and whether it has the accumulators' precision."""


class Code:
    """Lines of code at their depth, and the words of a language."""

    end_of_block = ""
    end_of_statement = ""
    names: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, depth: int = 1) -> None:
        self.depth = depth
        self.lines: list[str] = []

    # -- lines -------------------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        indent = "    " * self.depth
        if len(indent + text) <= WIDTH or text.startswith("#"):
            self.lines.append(indent + text)
        else:
            self.lines += folded(text, indent, indent + "    ")

    def say(self, text: str) -> None:
        """A statement."""
        self.line(text + self.end_of_statement)

    def open(self, text: str) -> None:
        self.line(text)
        self.depth += 1

    def end(self, count: int = 1) -> None:
        """The end of blocks."""
        for _ in range(count):
            self.depth -= 1
            if self.end_of_block:
                self.line(self.end_of_block)

    # -- statements --------------------------------------------------------------------------------------------------

    def loop(self, name: str, start: str, stop: str, step: str = "1") -> None:
        raise NotImplementedError

    def scope(self) -> None:
        """A block of its own, for its names."""
        raise NotImplementedError

    def end_scope(self) -> None:
        raise NotImplementedError

    def const(self, wide: bool, name: str, value: str) -> None:
        raise NotImplementedError

    def variable(self, wide: bool, names: Sequence[str], value: str = "0") -> None:
        raise NotImplementedError

    def integer(self, name: str, value: str) -> None:
        raise NotImplementedError

    def simd(self, sums: Sequence[str], tops: Sequence[str]) -> None:
        """What to say before an innermost loop."""

    def raise_to(self, top: str, value: str) -> None:
        """``top`` becomes the larger of it and a value."""
        raise NotImplementedError

    # -- expressions -------------------------------------------------------------------------------------------------

    infinity = ""
    whole_division = "/"

    def smaller(self, first: str, second: str) -> str:
        raise NotImplementedError

    def cast(self, wide: bool, text: str) -> str:
        raise NotImplementedError

    def left(self, near: str, hi: str, rest: str) -> str:
        """What is left of a mean, added in this order."""
        return f"{rest} + ({near} - {hi})"

    def expression(self, node: Node, wide: bool, place: Place) -> str:
        """A program tree as text, all of it in one precision."""
        return _Text(self, wide, place).of(node)[0]


class C(Code):
    """C with OpenMP."""

    end_of_block = "}"
    end_of_statement = ";"
    infinity = "INFINITY"
    names = {"abs": "fabs", "step": "heaviside", "arctan": "atan"}  # noqa: RUF012

    def loop(self, name: str, start: str, stop: str, step: str = "1") -> None:
        more = f"{name}++" if step == "1" else f"{name} += {step}"
        self.open(f"for (long {name} = {start}; {name} < {stop}; {more}) {{")

    def scope(self) -> None:
        self.open("{")

    def end_scope(self) -> None:
        self.end()

    def const(self, wide: bool, name: str, value: str) -> None:
        self.say(f"const {'double' if wide else 'real'} {name} = {value}")

    def variable(self, wide: bool, names: Sequence[str], value: str = "0") -> None:
        self.say(f"{'double' if wide else 'real'} {', '.join(f'{n} = {value}' for n in names)}")

    def integer(self, name: str, value: str) -> None:
        self.say(f"const long {name} = {value}")

    def simd(self, sums: Sequence[str], tops: Sequence[str]) -> None:
        clauses = [f"reduction({sign} : {', '.join(names)})" for sign, names in (("+", sums), ("max", tops)) if names]
        text = " ".join(["#pragma omp simd", *clauses])
        indent = "    " * self.depth
        if len(indent + text) <= WIDTH:
            self.lines.append(indent + text)
            return
        parts = textwrap.wrap(text, WIDTH - 2, initial_indent=indent, subsequent_indent=indent + "    ")
        self.lines += [*(f"{part} \\" for part in parts[:-1]), parts[-1]]

    def raise_to(self, top: str, value: str) -> None:
        self.say(f"{top} = {value} > {top} ? {value} : {top}")

    def smaller(self, first: str, second: str) -> str:
        return f"{first} < {second} ? {first} : {second}"

    def cast(self, wide: bool, text: str) -> str:
        return f"({'double' if wide else 'real'}){f'({text})' if ' ' in text else text}"


class Python(Code):
    """Python for Numba."""

    infinity = "np.inf"
    whole_division = "//"
    names = {  # noqa: RUF012
        "exp": "np.exp",
        "log": "np.log",
        "tanh": "np.tanh",
        "sin": "np.sin",
        "cos": "np.cos",
        "arctan": "np.arctan",
        "abs": "np.abs",
        "sqrt": "np.sqrt",
        "sign": "np.sign",
        "step": "heaviside",
        "erf": "math.erf",
        "pow": "pow",
    }

    def line(self, text: str) -> None:
        indent = "    " * self.depth
        if len(indent + text) <= WIDTH:
            self.lines.append(indent + text)
            return
        head, _, value = text.partition(" = ")
        opening = f"{head} = (" if value else text[: text.index("(") + 1]  # what is no assignment is a call
        self.lines.append(indent + opening)
        deeper = indent + "    "
        inside = value or text[len(opening) : -1]
        self.lines += folded(inside, deeper, deeper)
        self.lines.append(indent + ")")

    def loop(self, name: str, start: str, stop: str, step: str = "1") -> None:
        if step != "1":
            self.open(f"for {name} in range({start}, {stop}, {step}):")
        else:
            self.open(f"for {name} in range({stop if start == '0' else f'{start}, {stop}'}):")

    def scope(self) -> None:
        """Python has none."""

    def end_scope(self) -> None:
        """Nothing was opened."""

    def const(self, wide: bool, name: str, value: str) -> None:
        self.say(f"{name} = {value}")

    def variable(self, wide: bool, names: Sequence[str], value: str = "0") -> None:
        for name in names:
            self.say(f"{name} = {self.cast(wide, value)}")

    def integer(self, name: str, value: str) -> None:
        self.say(f"{name} = {value}")

    def raise_to(self, top: str, value: str) -> None:
        self.say(f"{top} = max({top}, {value})")

    def smaller(self, first: str, second: str) -> str:
        return f"min({first}, {second})"

    def cast(self, wide: bool, text: str) -> str:
        return f"{'wide' if wide else 'real'}({text})"

    def left(self, near: str, hi: str, rest: str) -> str:
        return f"left({near}, {hi}, {rest})"


class _Text:
    """Writes trees."""

    def __init__(self, code: Code, wide: bool, place: Place) -> None:
        self.code = code
        self.wide = wide
        self.place = place

    def of(self, node: Node) -> tuple[str, int]:
        """The text and how tightly it binds."""
        match node:
            case Number(value):
                return self._number(float(value))
            case Size(name):
                return self.code.cast(self.wide, name), _ATOM
            case Read():
                text, wide = self.place(node)
                return (text if wide == self.wide else self.code.cast(self.wide, text)), _ATOM
            case Equal(first, second):
                return self.code.cast(self.wide, f"({first} == {second})"), _ATOM
            case Sum(terms):
                return self._sum(terms), _SUM
            case Product(factors):
                return " * ".join(self.within(f, _PRODUCT) for f in factors), _PRODUCT
            case Quotient(above, below):
                return f"{self.within(above, _PRODUCT)} / {self.within(below, _ATOM)}", _PRODUCT
            case Power(base, exponent):
                return self._power(base, exponent)
            case Call("left", (near, hi, rest)):
                return self.code.left(*(self.within(a, _PRODUCT) for a in (near, hi, rest))), _SUM
            case Call(function, arguments):
                return self._call(function, arguments), _ATOM

    def within(self, node: Node, level: int) -> str:
        text, own = self.of(node)
        return text if own >= level else f"({text})"

    def _number(self, value: float) -> tuple[str, int]:
        text = repr(value)
        if not self.wide:
            return self.code.cast(False, text if value >= 0 else f"({text})"), _ATOM
        return text, _ATOM if value >= 0 else _SUM

    def _sum(self, terms: tuple[tuple[bool, Node], ...]) -> str:
        text = ""
        for sign, term in terms:
            shown = self.within(term, _PRODUCT)
            if text:
                text += f" {'+' if sign else '-'} {shown}"
            else:
                text = shown if sign else f"-{shown}"
        return text

    def _power(self, base: Node, exponent: int) -> tuple[str, int]:
        if isinstance(base, Read) and exponent <= 4:
            return " * ".join([self.within(base, _ATOM)] * exponent), _PRODUCT
        return f"pow({self.of(base)[0]}, {self._number(float(exponent))[0]})", _ATOM

    def _call(self, function: str, arguments: tuple[Node, ...]) -> str:
        if function == "pi":
            return self._number(3.141592653589793)[0]
        return f"{self.code.names.get(function, function)}({', '.join(self.of(a)[0] for a in arguments)})"
