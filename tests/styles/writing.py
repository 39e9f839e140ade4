"""Expressions to LaTeX, in one way of writing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction

from styles.derivation import Definition, Pass
from styles.expressions import (
    Adjoint,
    Call,
    Entry,
    Expression,
    Index,
    Length,
    Local,
    Number,
    Plus,
    Power,
    Same,
    Sum,
    Times,
    power,
    times,
)

Style = dict[str, str]

LETTERS = {
    "ijk": {"n": "ijkl", "d": "jkrl", "c": "kqrs"},
    "kl": {"n": "klr", "d": "jqi", "c": "rsq"},
    "tsr": {"n": "tsr", "d": "kjl", "c": "qij"},
    "nm": {"n": "nmk", "d": "rsj", "c": "kli"},
}
SIZES = {"N": "NDM", "m": "mHK", "B": "BFC", "n": "nDK"}
_SPELLING = re.compile(r"(?P<stem>.+?)(?:_(?P<label>\w))?(?P<square>\^2)?")


@dataclass(frozen=True)
class Spelling:
    """A name as it is written: ``\\sigma_B^2`` has a stem, a label and a square."""

    stem: str
    label: str = ""
    square: bool = False

    @classmethod
    def of(cls, text: str) -> Spelling:
        found = _SPELLING.fullmatch(text)
        assert found is not None
        return cls(found["stem"], found["label"] or "", found["square"] is not None)


@dataclass
class Writer:
    """Writes the expressions of one forward pass in one style.

    ``dropped`` is an index that is left out: the names stand for whole arrays.
    """

    forward: Pass
    style: Style
    dropped: Index | None = None
    names: dict[str, Spelling] = field(init=False)
    letters: dict[str, str] = field(init=False)
    sizes: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        choice = ("usual", "labelled", "other").index(self.style["letters"])
        used = [*self.forward.data, *(d.name for d in self.forward.definitions), "loss"]
        found = {name: self.forward.spellings[name] for name in used}
        self.names = {name: Spelling.of(ways[choice % len(ways)]) for name, ways in found.items()}
        stems = {spelling.stem for spelling in self.names.values()} | set("e")
        sets = list(LETTERS)
        at = sets.index(self.style["indices"])
        axes = self.forward.axes
        keys = dict(zip(axes, self._keys(axes), strict=True))
        for name in [*sets[at:], *sets[:at]]:
            self.letters = {axis: LETTERS[name][keys[axis]] for axis in axes}
            if not set("".join(letters[:2] for letters in self.letters.values())) & stems:
                break
        self.sizes = self._sizes(stems | set("".join(self.letters.values())))

    def _keys(self, axes: tuple[str, ...]) -> list[str]:
        return ["n", "d", "c"][: len(axes)]

    def _sizes(self, taken: set[str]) -> dict[str, str]:
        sets = list(SIZES)
        at = sets.index(self.style["sizes"])
        for name in [*sets[at:], *sets[:at]]:
            found = dict(zip(self.forward.axes, SIZES[name], strict=False))
            if not set(found.values()) & taken:
                return found
        return dict(zip(self.forward.axes, "NDM", strict=False))

    # -- names ---------------------------------------------------------------------------------------------------

    def index(self, index: Index) -> str:
        return self.letters[index.axis][index.nth]

    def name(self, name: str, at: tuple[Index, ...] = (), stem: str = "") -> str:
        """An entry of a name."""
        spelling = self.names[name]
        stem = stem or spelling.stem
        at = tuple(i for i in at if i != self.dropped)
        written = [self.index(i) for i in at]
        joint = "," if self.style["comma"] == "yes" else ""
        above = ""
        place = self.style["place"]
        if place == "bracket" and written and not spelling.label:
            return f"{stem}{'^2' if spelling.square else ''}[{','.join(written)}]"
        if place == "sample" and at and self.forward.axes[0] == at[0].axis == "n":
            above = f"({written.pop(0)})"
        if stem.startswith("\\hat{") and self.style["hat"] == "inside" and written and not spelling.label:
            inside = stem[5:-1]
            stem, written = f"\\hat{{{inside}_{self._group(joint.join(written))}}}", []
        elif stem.startswith("\\hat{") and self.style["hat"] == "widehat":
            stem = "\\wide" + stem[1:]
        below = ",".join(filter(None, [spelling.label, joint.join(written)]))
        if above and spelling.square:
            return f"(\\sigma^{{{above}}})^2"
        power = f"^{{{above}}}" if above else "^2" if spelling.square else ""
        return stem + (f"_{self._group(below)}" if below else "") + power

    @staticmethod
    def _group(text: str) -> str:
        return text if len(text) == 1 else f"{{{text}}}"

    # -- derivatives ---------------------------------------------------------------------------------------------

    @property
    def _d(self) -> str:
        return {"d": "d", "upright": "\\mathrm{d}"}.get(self.style["derivative"], "\\partial")

    def by(self, top: str, bottom: str) -> str:
        """A derivative as a fraction."""
        d = self._d
        blank = above = " " if d.endswith("l") else ""
        if self.style["derivative"] == "operator":
            return f"\\frac{{{d}}}{{{d}{blank}{bottom}}} {top}"
        return f"\\frac{{{d}{above}{top}}}{{{d}{blank}{bottom}}}"

    @property
    def loss(self) -> str:
        return self.names["loss"].stem

    def adjoint(self, name: str, at: tuple[Index, ...]) -> str:
        stem = self.names[name].stem
        plain = stem.removeprefix("\\text{").removesuffix("}") if stem.startswith("\\text") else stem
        match self.style["adjoint"]:
            case "d" if name == self._last and self.style["letters"] == "other":
                return self.name(name, at, "\\text{dout}") if not self.names[name].label else self.fraction(name, at)
            case "d":
                return f"d{self.name(name, at)}" if not stem.startswith("\\text") else f"\\text{{d{plain}}}"
            case "text" if stem.isalpha() or stem.startswith("\\text"):
                return self._with_label(name, at, f"\\text{{d{plain}}}")
            case "text" if stem.startswith("\\hat{") and stem[5:-1].isalpha():
                return self._with_label(name, at, f"\\text{{d{stem[5:-1]}hat}}")
            case "text" if re.fullmatch(r"\\[a-z]+", stem):
                word = {"\\sigma": "var" if self.names[name].square else "sigma"}.get(stem, stem[1:])
                return self._with_label(name, at, f"\\text{{d{word}}}")
            case "bar" if not stem.startswith("\\bar") and not self._has_mean(stem):
                return self._with_label(
                    name, at, f"\\overline{{{self._whole(name)}}}" if self._long(name) else f"\\bar{{{stem}}}"
                )
            case "delta" if name == self._last:
                return self._with_label(name, at, "\\delta")
            case "deltas":
                return f"\\delta_{{{self.name(name, at)}}}"
            case "nabla":
                return f"\\nabla_{{{self.name(name, at)}}} {self.loss}"
            case "grad" if name == self._last:
                stems = {spelling.stem for spelling in self.names.values()} | set("".join(self.letters.values()))
                return self._with_label(name, at, next(letter for letter in "ghuq" if letter not in stems))
            case _:
                return self.fraction(name, at)

    @property
    def _last(self) -> str:
        return self.forward.definitions[-1].name

    def _has_mean(self, stem: str) -> bool:
        """Whether the name with a bar is a mean."""
        return any(spelling.stem == f"\\bar{{{stem}}}" for spelling in self.names.values())

    def _long(self, name: str) -> bool:
        return self.names[name].square or bool(self.names[name].label) or self.names[name].stem.startswith("\\hat")

    def _whole(self, name: str) -> str:
        return self.name(name)

    def _with_label(self, name: str, at: tuple[Index, ...], stem: str) -> str:
        written = [self.index(i) for i in at]
        above = ""
        if self.style["place"] == "bracket" and written:
            return f"{stem}[{','.join(written)}]"
        if self.style["place"] == "sample" and at and self.forward.axes[0] == at[0].axis == "n":
            above = f"^{{({written.pop(0)})}}"
        joint = "," if self.style["comma"] == "yes" else ""
        return stem + (f"_{self._group(joint.join(written))}" if written else "") + above

    def fraction(self, name: str, at: tuple[Index, ...]) -> str:
        return self.by(self.loss, self.name(name, at))

    # -- expressions ---------------------------------------------------------------------------------------------

    def __call__(self, node: Expression, level: int = 0) -> str:
        """A node, in brackets where its surroundings bind tighter: 1 in a sum, 2 in a product, 3 under a power."""
        text, own = self._written(node)
        return text if own >= level else self.brackets(text, deep="\\" in text)

    def brackets(self, text: str, deep: bool = True) -> str:
        match self.style["brackets"]:
            case "round":
                return f"({text})"
            case "square" if deep:
                return f"\\left[ {text} \\right]"
            case "big" if deep:
                return f"\\big( {text} \\big)"
            case _:
                return f"\\left( {text} \\right)" if deep else f"({text})"

    def _written(self, node: Expression) -> tuple[str, int]:
        match node:
            case Number(value):
                if value.denominator == 1:
                    return str(value), 3 if value >= 0 else 1
                sign = "-" if value < 0 else ""
                return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", 2 if value > 0 else 1
            case Length(axis):
                return self.sizes[axis], 3
            case Entry(name, at):
                text = self.name(name, at)
                return text, 2 if self.names[name].square else 3
            case Adjoint(name, at):
                text = self.adjoint(name, at)
                return text, 2
            case Local(top, bottom):
                return self.by(self.name(top.name, top.at), self.name(bottom.name, bottom.at)), 2
            case Plus(terms):
                return self._sum(terms), 1
            case Times(factors):
                return self._product(factors)
            case Power(base, exponent):
                return self._power(base, exponent)
            case Sum(index, body):
                return f"{self._sigma(index)} {self(body, 2)}", 2
            case Call(function, argument):
                return self._call(function, argument)
            case Same(one, other):
                a, b = self.index(one), self.index(other)
                return {
                    "delta": f"\\delta_{{{a}{b}}}",
                    "one": f"\\mathbb{{1}}_{{{a}={b}}}",
                    "iverson": f"\\mathbb{{1}}[{a}={b}]",
                }[self.style["same"]], 3
            case _:
                raise TypeError(node)

    def _sigma(self, index: Index) -> str:
        letter, size = self.index(index), self.sizes[index.axis]
        match self.style["limits"]:
            case "lower":
                return f"\\sum_{letter}"
            case "none" if index.nth == 0:
                return f"\\sum_{letter}"
            case "upper":
                return f"\\sum_{letter}^{size}"
            case _ if self.style["first"] == "0":
                return f"\\sum_{{{letter}=0}}^{{{size}-1}}"
            case _:
                return f"\\sum_{{{letter}=1}}^{{{size}}}" if len(size) > 1 else f"\\sum_{{{letter}=1}}^{size}"

    def _sum(self, terms: tuple[Expression, ...]) -> str:
        ordered = sorted(terms, key=_has_sum)
        if self.style["order"] == "reversed" and not any(map(_has_sum, terms)):
            ordered = ordered[::-1]
        if is_negative(ordered[0]):
            ordered.sort(key=lambda t: (_has_sum(t), is_negative(t)))
        text = self(ordered[0], 1)
        for term in ordered[1:]:
            if is_negative(term):
                text += f" - {self(times(Number(Fraction(-1)), term), 2)}"
            else:
                text += f" + {self(term, 2)}"
        return text

    def _product(self, factors: tuple[Expression, ...]) -> tuple[str, int]:
        number = Fraction(1)
        above: list[Expression] = []
        below: list[Expression] = []
        for factor in factors:
            if isinstance(factor, Number):
                number *= factor.value
            elif isinstance(factor, Power) and factor.exponent < 0 and self._goes_below(factor):
                below.append(power(factor.base, -factor.exponent))
            else:
                above.append(factor)
        sign = "-" if number < 0 else ""
        number = abs(number)
        text = self._quotient(number, above, below)
        return sign + text, 1 if sign else 2

    def _goes_below(self, factor: Power) -> bool:
        return self.style["division"] != "power" or isinstance(factor.base, Length)

    def _quotient(self, number: Fraction, above: list[Expression], below: list[Expression]) -> str:
        under = [*([Number(Fraction(number.denominator))] if number.denominator != 1 else []), *below]
        top = [*([Number(Fraction(number.numerator))] if number.numerator != 1 else []), *above]
        if not under:
            return self._joined(top)
        bottom = self._joined(under)
        sums = [factor for factor in top if _has_sum(factor)]
        plain = [factor for factor in top if not _has_sum(factor)]
        split = self.style["division"] == "front" or (sums and self.style["mean"] != "over")
        if self.style["division"] == "slash" and plain and not sums:
            return f"{self._joined(plain)} / {self(times(*under), 3) if len(under) == 1 else self.brackets(bottom)}"
        command = "\\dfrac" if self.style["division"] == "dfrac" else "\\frac"
        if not split:
            return f"{command}{{{self._joined(top, alone=True)}}}{{{bottom}}}"
        if self.style["division"] == "front" or not plain:
            head, rest = f"{command}{{1}}{{{bottom}}}", top
        else:
            head, rest = f"{command}{{{self._joined(plain, alone=True)}}}{{{bottom}}}", sums
        if not rest:
            return head
        tail = self._joined(rest)
        return f"{head}{self._dot(head, tail, signed=_has_sum(rest[0]))}{tail}"

    def _joined(self, factors: list[Expression], alone: bool = False) -> str:
        """A product of factors: the sum at its end, other sums in brackets."""
        if not factors:
            return "1"
        if alone and len(factors) == 1:
            return self(factors[0])
        ordered = sorted(factors, key=lambda f: (isinstance(f, Sum), self._is_open(f), not isinstance(f, Number)))
        if self.style["order"] == "reversed":
            ordered.sort(
                key=lambda f: (isinstance(f, Sum), self._is_open(f), not isinstance(f, Number), -factors.index(f))
            )
        text = ""
        for k, factor in enumerate(ordered):
            last = k == len(ordered) - 1
            one = self(factor, 2)
            if (isinstance(factor, Sum) or self._is_open(factor)) and not last:
                one = self.brackets(self(factor))
            text += (self._dot(text, one, isinstance(factor, Sum) and last) if text else "") + one
        return text

    def _is_open(self, factor: Expression) -> bool:
        """Whether what follows a factor would be read as part of it: the argument of a function without brackets."""
        return (
            isinstance(factor, Call)
            and isinstance(factor.argument, Entry)
            and self._written(factor)[1] < 3
            and (factor.function != "exp" or self.style["exponential"] == "exp bare")
        )

    def _dot(self, before: str, after: str, signed: bool) -> str:
        if signed and self.style["product"] != "cdot":
            return " "
        if (before[-1].isdigit() and after[0].isdigit()) or (before.endswith("}") and after.startswith("\\frac{1}")):
            return " \\cdot "
        return {"juxtaposed": " ", "cdot": " \\cdot ", "star": " * ", "times": " \\times ", "thin": " \\, "}[
            self.style["product"]
        ]

    def _power(self, base: Expression, exponent: Fraction) -> tuple[str, int]:
        half = exponent.denominator == 2
        if half and abs(exponent) == Fraction(1, 2) and self.style["root"] == "sqrt":
            text = f"\\sqrt{{{self(base)}}}"
            return (text, 3) if exponent > 0 else (f"\\frac{{1}}{{{text}}}", 2)
        if exponent == -1 and self.style["division"] != "power":
            return f"\\frac{{1}}{{{self(base)}}}", 2
        if exponent < 0 and not half and self.style["division"] != "power":
            return f"\\frac{{1}}{{{self._power(base, -exponent)[0]}}}", 2
        if half and self.style["root"] == "decimal":
            shown = str(float(exponent))
        elif half:
            shown = (
                f"{exponent.numerator}/2"
                if self.style["division"] == "slash"
                else (f"{'-' if exponent < 0 else ''}\\frac{{{abs(exponent.numerator)}}}{{2}}")
            )
        else:
            shown = str(exponent)
        inner = self(base, 3)
        if isinstance(base, Entry) and self.style["place"] == "sample" and "^" in inner:
            inner = f"({inner})"
        if isinstance(base, Call):
            inner = self.brackets(self(base))
        return f"{inner}^{{{shown}}}" if len(shown) > 1 else f"{inner}^{shown}", 2

    def _call(self, function: str, argument: Expression) -> tuple[str, int]:
        inner = self(argument)
        match function:
            case "exp" if self.style["exponential"] == "e":
                return f"e^{{{inner}}}", 2
            case "exp" if self.style["exponential"] == "exp bare" and isinstance(argument, Entry):
                return f"\\exp {inner}", 2
            case "log":
                name = f"\\{self.style['logarithm']}"
                return (f"{name} {inner}", 2) if isinstance(argument, Entry) else (f"{name}({inner})", 3)
            case "sigmoid":
                return f"\\sigma({inner})", 3
            case "tanh" | "sin" | "cos" | "exp":
                return f"\\{function}({inner})", 3
            case _:
                raise ValueError(function)

    # -- equations -----------------------------------------------------------------------------------------------

    def right(self, left: Expression, right: Expression) -> str:
        """The right side of an equation."""
        return self(right)

    def definition(self, definition: Definition) -> tuple[str, str]:
        return self.name(definition.name, definition.at), self._statistic(definition) or self(definition.value)

    def _statistic(self, definition: Definition) -> str:
        """A mean or a variance as a call, where the style has it."""
        way = self.style["mean"]
        if way not in ("expectation", "call") or definition.at:
            return ""
        axis = self.forward.axes[0]
        match definition.value:
            case Times((Sum(index, body), Power(Length(_), exponent))) if exponent == -1 and index.axis == axis:
                if way == "expectation":
                    return f"\\mathbb{{E}}[{replace(self, dropped=index)(body)}]"
                if definition.name == "mu":
                    return f"\\mathrm{{mean}}({self.names['x'].stem})"
                if definition.name == "v" and "c" not in self.names:
                    return f"\\mathrm{{var}}({self.names['x'].stem})"
        return ""


def _has_sum(node: Expression) -> bool:
    match node:
        case Sum():
            return True
        case Times(factors):
            return any(isinstance(factor, Sum) for factor in factors)
        case _:
            return False


def is_negative(node: Expression) -> bool:
    """Whether a term is written with a minus in front."""
    match node:
        case Number(value):
            return value < 0
        case Times((Number(value), *_)):
            return value < 0
        case _:
            return False
