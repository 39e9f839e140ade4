"""Syntax to SymPy in the light of a symbol table.

Every construct has one method. What the page leaves open, such as whether a product of two bare vectors is elementwise,
is asked of a `Policy`; the elaborator records which questions came up, so that only real alternatives are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction as Ratio
from typing import Any, Literal

import sympy
from sympy import Expr, Integer, Rational, Symbol

from derive.language import D, bound, index, is_quantity, name_of, scalar, sigmoid, size, tensor, total
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation.axes import Scope, first_value, size_expression
from derive.notation.dots import FAMILY
from derive.notation.functions import is_value, substituted
from derive.notation.names import Spelling, letter_of, subscript_items
from derive.notation.ranks import ARRAY_FUNCTIONS, IDENTITIES, ONES, TRANSPOSES, plain
from derive.notation.survey import PARTIALS, bound_letters
from derive.notation.table import SIZE_LETTERS, Alias, Table
from derive.notation.values import Axis, ShapeError, Slot, Value, apply, close, fresh_slot
from derive.primitives import BY_NAME, maximum, minimum
from derive.source import SourceError

MAX_NUMBER = 10**9
MAX_POWER = 1000
MAX_BITS = 2000  # of a number's power

_ELEMENTWISE = frozenset({"\\odot", "\\circ", "*", "\\star"})
_INDICATORS = frozenset({"1", "\\mathbb{1}", "\\mathbf{1}", "\\mathbb{I}", "\\mathds{1}"})


@dataclass(frozen=True)
class Policy:
    """Answers to what the page leaves open.

    Attributes:
        product: whether ``a b`` of arrays without indices is taken entry by entry or as in linear algebra.
        slash: whether ``a/bc`` is a/(bc) or (a/b)c.
    """

    product: Literal["elementwise", "matrix"] = "elementwise"
    slash: Literal["tight", "loose"] = "tight"


@dataclass(frozen=True)
class _Letter:
    """An index letter in scope."""

    symbol: Symbol
    axis: Axis


@dataclass
class Elaborator:
    """Reads the expressions of one equation.

    Args:
        table: what names mean.
        axes: the axes of the equation's letters, from linking it.
        policy: answers to open questions.
        defining: whether the equation is part of the forward pass, where a bare N is an input and no known size.

    Attributes:
        asked: the questions of the policy that came up.
        free: the letters of the equation that no sum binds, with their axes.
        unknown: names that nothing in the document introduces.
    """

    table: Table
    axes: Scope
    policy: Policy = Policy()
    defining: bool = False
    asked: set[str] = field(default_factory=set)
    free: dict[str, _Letter] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    _scope: dict[str, _Letter] = field(default_factory=dict)
    _depth: int = 0
    _expanding: list[str] = field(default_factory=list)
    _implicit: bool = False  # inside a sum whose index nobody wrote, so that products are entry by entry

    # -- entry -----------------------------------------------------------------------------------------------------

    def value(self, node: Node) -> Value:
        """The value of an expression. Raises `SourceError` for what has no meaning here."""
        rule = _RULES.get(type(node))
        if rule is None:
            raise SourceError("derive does not understand this part", span_of(node))
        self._depth += 1
        if self._depth > 200:
            raise SourceError("a definition that uses itself, or expressions nested too deep", span_of(node))
        try:
            return rule(self, node)
        except ShapeError as error:
            raise SourceError(str(error), span_of(node)) from error
        finally:
            self._depth -= 1

    def scalar(self, node: Node) -> Expr:
        value = self.value(node)
        if value.slots:
            raise SourceError("an array where a number is expected", span_of(node))
        return value.expr

    # -- numbers and names -----------------------------------------------------------------------------------------

    def _number(self, node: S.Number) -> Value:
        number = Ratio(node.text)
        if abs(number) > MAX_NUMBER:
            raise SourceError("a number too large to compute with", node.span)
        return Value(Rational(number.numerator, number.denominator))

    def _name(self, node: S.Symbol | S.Accent | S.Decoration) -> Value:
        if isinstance(node, S.Decoration):
            return self.value(node.body)
        spelled = self.table.spell(node)
        if spelled is None:
            return self._drawn_over(node)
        return self._spelled(spelled, node)

    def _drawn_over(self, node: Node) -> Value:
        """An accent over a whole expression: a line above it is decoration, anything else has no meaning."""
        if isinstance(node, S.Accent) and node.accent in ("bar", "underline"):
            self.table.tell("a line over an expression is read as decoration")
            return self.value(node.body)
        raise SourceError("derive does not know this accent over an expression", span_of(node))

    def _script(self, node: S.Script) -> Value:
        if isinstance(node.base, S.Number) or self._is_indicator(node.base):
            indicator = self._indicator(node.sub) if node.sub is not None else None
            if indicator is not None:
                return indicator
        spelled = self.table.spell(node)
        if spelled is None:
            base = self._subscripted(node)
            return self._raised(base, node.sup, node) if node.sup is not None else base
        if spelled.power is not None:
            return self._power_of_name(spelled, node)
        return self._spelled(spelled, node)

    def _subscripted(self, node: S.Script) -> Value:
        """A subscript behind an expression: a remark on the path of a derivative, or indices of an array."""
        if node.sub is None:
            return self.value(node.base)
        if isinstance(node.base, S.Fraction) and (path := self._path(node.base, node.sub)) is not None:
            return path
        base = self.value(node.base)
        items = list(subscript_items(node.sub))
        if base.slots and len(items) == len(base.slots):
            return self._selected(base, items, node)
        raise SourceError("derive does not understand this subscript behind an expression", span_of(node.sub))

    def _path(self, fraction: S.Fraction, note: Node) -> Value | None:
        """A derivative with ``_{\\text{direct}}`` or ``_{\\text{via } c}`` behind it: its part on one path."""
        items = note.items if isinstance(note, S.Sequence) else (note,)
        words = " ".join(
            i.text if isinstance(i, S.Words) else i.name for i in items if isinstance(i, S.Words | S.Symbol)
        ).lower()
        of, by = self._differential(fraction.numerator), self._differential(fraction.denominator)
        if of is None or by is None:
            return None
        if words.startswith("direct"):
            return self._direct(of, by, fraction)
        if words.startswith(("via", "through")) and len(items) > 1:
            through = self.value(items[-1])
            first = self._differentiate(self.value(of), through, fraction)
            return self._times(first, "", self._differentiate(through, self.value(by), fraction))
        return None

    def _direct(self, of: Node, by: Node, node: Node) -> Value:
        """The derivative with every other name that the definition uses held fixed."""
        value = self.value(of)
        names = self.table.stages(name_of(value.expr)) if is_quantity(value.expr) else ()
        held = tuple(scalar(name) for name in names)
        return self._differentiate(value, self.value(by), node, held or (scalar("~nothing"),))

    def _power_of_name(self, spelled: Spelling, node: S.Script) -> Value:
        if spelled.key == "e" and not self.table.introduced(spelled):
            return apply(self.value(spelled.power), sympy.exp)  # type: ignore[arg-type]
        return self._raised(self._spelled(spelled, node), spelled.power, node)

    def _raised(self, base: Value, power: Node | None, node: Node) -> Value:
        """A superscript behind a value: a power or a transpose."""
        assert power is not None
        if self._is_transpose(power) and base.slots:
            return base.transpose()
        exponent = self.scalar(power)
        return apply(base, lambda u: self._power(u, exponent, power))

    def _is_transpose(self, power: Node) -> bool:
        spelled = self.table.spell(power)
        return spelled is not None and spelled.key in TRANSPOSES and not spelled.indices

    def _power(self, base: Expr, exponent: Expr, node: Node) -> Expr:
        if isinstance(exponent, sympy.Rational) and max(abs(exponent.p), exponent.q) > MAX_POWER:
            raise SourceError("a power too large to compute with", span_of(node))
        both = isinstance(base, sympy.Rational) and isinstance(exponent, sympy.Rational)
        if both and abs(exponent) * max(abs(base.p).bit_length(), base.q.bit_length()) > MAX_BITS:
            raise SourceError("a power too large to compute with", span_of(node))
        return base**exponent

    def _spelled(self, spelled: Spelling, node: Node) -> Value:
        """A name in its meaning: delta, size, alias, array, entry or number."""
        if (delta := self._kronecker(spelled, node)) is not None:
            return delta
        if spelled.key in self.table.broken:
            line = self.table.broken[spelled.key]
            raise SourceError(f"the definition of {spelled.key} in line {line} could not be read", span_of(node))
        alias = self.table.alias(spelled.key, len(spelled.indices))
        if alias is not None:
            return self._alias(alias, spelled, node)
        if spelled.indices and (spelled.key, 0) in self.table.aliases:
            return self._selected(
                self._alias(self.table.aliases[spelled.key, 0], Spelling(spelled.key), node), spelled.indices, node
            )
        if spelled.key.endswith("'") and spelled.key[:-1] in self.table.arguments:
            return self._primed(spelled, node)
        return self._entry(spelled, node) if spelled.indices else self._bare_name(spelled, node)

    def _primed(self, spelled: Spelling, node: Node) -> Value:
        """``s'`` where ``s(x)`` is defined: its derivative by its argument."""
        key = spelled.key[:-1]
        of = self._spelled(Spelling(key, spelled.indices), node)
        by = self._bare_name(Spelling(self.table.arguments[key][0]), node)
        return self._differentiate(of, by, node)

    def _entry(self, spelled: Spelling, node: Node) -> Value:
        """A name with its indices; axes that are not written are slots."""
        if not self.table.introduced(spelled):
            self.unknown.add(spelled.key)
        key, count = spelled.key, len(spelled.indices)
        axes = self.table.axes_of(key, count)
        symbols = [self._index(item, axis, node) for item, axis in zip(spelled.indices, axes, strict=False)]
        slots = tuple(fresh_slot(axis) for axis in axes[count:])
        return Value(tensor(self.table.name(key, count))[(*symbols, *(s.symbol for s in slots))], slots)

    def _index(self, item: Node, axis: Axis, node: Node) -> Expr:
        """An index at a place that runs over ``axis``."""
        letter = letter_of(item)
        if letter is not None:
            found = self._letter(letter, axis)
            if not self.table.axes.join(axis, found.axis):
                raise SourceError(
                    f"the index {letter} runs over {found.axis.size} values in one place and {axis.size} in another",
                    span_of(node),
                )
            return found.symbol
        if isinstance(item, S.Number):
            return Integer(item.text)
        if isinstance(item, S.Script):
            return self._selector(item, axis)
        raise SourceError("derive does not compute with indices", span_of(item))

    def _selector(self, item: S.Script, axis: Axis) -> Expr:
        """An entry of an array of indices, as in ``O_{i, y_i}``."""
        value = self.value(item)
        if not isinstance(value.expr, sympy.Indexed):
            raise SourceError("derive does not compute with indices", span_of(item))
        self.table.selectors[str(value.expr.base.label)] = axis
        return value.expr

    def _letter(self, letter: str, axis: Axis) -> _Letter:
        if letter in self._scope:
            return self._scope[letter]
        if letter not in self.free:
            self.free[letter] = _Letter(index(letter), self.axes.get(letter, axis))
        return self.free[letter]

    def _bare_name(self, spelled: Spelling, node: Node) -> Value:
        key = spelled.key
        if self.table.is_size(key):
            return Value(self.table.axes.canonical(size(key)))
        if key in self._scope or (key in self.axes and key in self.table.letters.indices):
            raise SourceError(f"{key} is an index here and a value there", span_of(node), "Use two letters.")
        if not self.table.introduced(spelled):
            special = self._special(key)
            if special is not None:
                return special
        total = self.table.total(key, 0)
        return self._array(key, total) if total else self._scalar(key)

    def _special(self, key: str) -> Value | None:
        """Names with a customary meaning, where the document gives them none."""
        if key == "\\pi":
            return Value(sympy.pi)
        if key == "e":
            return Value(sympy.E)
        if key in ONES or key.split("_")[0] in ONES:
            return Value(Integer(1), (fresh_slot(self.table.axes.fresh()),))
        if key in IDENTITIES:
            axis = self.table.axes.fresh()
            first, second = fresh_slot(axis), fresh_slot(axis)
            return Value(sympy.KroneckerDelta(first.symbol, second.symbol), (first, second))
        return None

    def _array(self, key: str, total: int) -> Value:
        """A name without the indices that it has elsewhere, or never with any."""
        slots = tuple(fresh_slot(axis) for axis in self.table.axes_of(key, 0))
        if not self.table.introduced(Spelling(key)):
            self.unknown.add(key)
        return Value(tensor(self.table.name(key, 0))[tuple(s.symbol for s in slots)], slots)

    def _scalar(self, key: str) -> Value:
        if not self.table.introduced(Spelling(key)):
            if self._taken_for_size(key):
                return Value(self.table.axes.canonical(size(key)))
            if (barred := self._barred(key)) is not None:
                return barred
            self.unknown.add(key)
        return Value(scalar(key))

    def _barred(self, key: str) -> Value | None:
        """A line over a known number is drawn by a box or a copying error; over an array it is the mean."""
        inner = Spelling(key[5:-1]) if key.startswith("\\bar{") else None
        if inner is None or not self.table.introduced(inner):
            return None
        if self.table.total(inner.key, 0) == 1:
            self.table.tell(f"{key} is the mean of {inner.key}")
            return self._mean(self._array(inner.key, 1))
        if self.table.total(inner.key, 0):
            return None
        self.table.tell(f"{key} is read as {inner.key}")
        return self._scalar(inner.key)

    def _taken_for_size(self, key: str) -> bool:
        """An unexplained N beside a single axis is the size of that axis."""
        roots = self.table.axes.roots()
        if self.defining or key not in SIZE_LETTERS or len(roots) != 1:
            return False
        self.table.axes.equate(size(key), roots[0].size)
        return True

    def _alias(self, alias: Alias, spelled: Spelling, node: Node) -> Value:
        """What an alias stands for: the written indices put in for its first letters, slots for the others."""
        axes = self.table.axes_of(spelled.key, len(alias.letters)) if alias.letters else ()
        chosen = {}
        slots = []
        for k, (letter, axis) in enumerate(zip(alias.letters, axes, strict=False)):
            if k < len(spelled.indices):
                chosen[letter] = _Letter(self._index(spelled.indices[k], axis, node), axis)
            else:
                slots.append(fresh_slot(axis))
                chosen[letter] = _Letter(slots[-1].symbol, axis)
        inner = self._inside(chosen, alias.body)
        return Value(inner.expr, (*slots, *inner.slots), inner.row and not slots)

    def _selected(self, value: Value, items: Iterable[Node], node: Node) -> Value:
        """An array with indices behind it: ``(A)_{i,:}``; a colon leaves its axis open."""
        for item, slot in zip(items, value.slots, strict=False):
            if isinstance(item, S.Empty) or (isinstance(item, S.Symbol) and item.name == ":"):
                continue
            value = value.rename(slot.symbol, self._index(item, slot.axis, node))
        return value

    def _inside(self, letters: dict[str, _Letter], body: Node) -> Value:
        """A body read in a scope of its own."""
        outer, self._scope = self._scope, letters
        try:
            return self.value(body)
        finally:
            self._scope = outer

    # -- deltas and indicators -------------------------------------------------------------------------------------

    def _kronecker(self, spelled: Spelling, node: Node) -> Value | None:
        """``\\delta_{ij}`` with two indices of one axis, unless the document gives δ another meaning."""
        if spelled.key != "\\delta" or len(spelled.indices) != 2:
            return None
        if ("\\delta", 2) in self.table.defined or ("\\delta", 2) in self.table.aliases:
            return None
        return self.equal_indices(spelled.indices[0], spelled.indices[1], node)

    def equal_indices(self, first: Node, second: Node, node: Node) -> Value | None:
        """1 where two indices are equal."""
        symbols: list[Expr] = []
        axes: list[Axis] = []
        for item in (first, second):
            letter = letter_of(item)
            if letter is not None and (letter in self._scope or letter in self.axes or letter in self.free):
                found = self._letter(letter, self.table.axes.fresh())
                symbols.append(found.symbol)
                axes.append(found.axis)
            elif isinstance(item, S.Number):
                symbols.append(Integer(item.text))
            elif isinstance(item, S.Script) and self.table.spell(item) is not None:
                symbols.append(self.value(item).expr)
            else:
                return None
        if len(axes) == 2 and not self.table.axes.join(*axes):
            raise SourceError("a Kronecker delta between indices of different axes", span_of(node))
        return Value(sympy.KroneckerDelta(*symbols))

    def _is_indicator(self, node: Node) -> bool:
        spelled = self.table.spell(node)
        return spelled is not None and spelled.key in _INDICATORS

    def _indicator(self, condition: Node) -> Value | None:
        """``1_{i = j}``, ``1(k == i)``, ``\\mathbb{1}[x > 0]``."""
        while isinstance(condition, S.Group | S.Decoration):
            condition = condition.body
        if isinstance(condition, S.Chain) and len(condition.members) == 2:
            left, right = condition.members
            relation = condition.relations[0]
            if relation in ("=", "\\neq"):
                equal = self.equal_indices(left, right, condition)
                if equal is not None:
                    return equal if relation == "=" else Value(1 - equal.expr)
            if relation in ("<", ">", "\\leq", "\\geq"):
                return self._step(left, right, relation)
        return None

    def _step(self, left: Node, right: Node, relation: str) -> Value:
        a, b = self.value(left), self.value(right)
        first, second, slots = self.table.shapes.align(a, b)
        difference = first - second if relation in (">", "\\geq") else second - first
        self.table.tell("an indicator of an inequality is taken away from the point where both sides are equal")
        return Value(sympy.Heaviside(difference), slots)

    # -- sums, products, quotients -----------------------------------------------------------------------------------

    def _sum(self, node: S.Sum) -> Value:
        result: Value | None = None
        for sign, term in zip(node.signs, node.terms, strict=True):
            if sign.startswith("\\"):
                raise SourceError("a sign that is both plus and minus", node.span)
            value = self.value(term)
            if sign == "-":
                value = apply(value, lambda u: -u)
            result = value if result is None else self.table.shapes.add(result, value)
        assert result is not None
        return result

    def _fraction(self, node: S.Fraction) -> Value:
        derivative = self._derivative(node.numerator, node.denominator, node)
        if derivative is not None:
            return derivative
        return self._divide(self.value(node.numerator), self.value(node.denominator), node)

    def _divide(self, above: Value, below: Value, node: Node) -> Value:
        if below.expr == 0:
            raise SourceError("division by zero", span_of(node))
        return self.table.shapes.elementwise(above, apply(below, lambda u: 1 / u))

    def _root(self, node: S.Root) -> Value:
        degree = self.scalar(node.degree) if node.degree is not None else Integer(2)
        if not isinstance(degree, sympy.Integer) or not 1 <= degree <= MAX_POWER:
            raise SourceError("a root of a degree that is no positive integer", node.span)
        return apply(self.value(node.radicand), lambda u: u ** (1 / degree))

    def _product(self, node: S.Product) -> Value:
        """Runs of juxtaposed factors, joined by the signs between them."""
        slashed = self._slash_derivative(node)
        if slashed is not None:
            return slashed
        runs, operators = _runs(node)
        result: Value | None = None
        for k, run in enumerate(runs):
            operator = operators[k - 1] if k else ""
            result = self._join(result, operator, run, node)
        assert result is not None
        return result

    def _join(self, left: Value | None, operator: str, run: list[Node], node: Node) -> Value:
        if operator != "/":
            right = self._run(run)
            return right if left is None else self._times(left, operator, right)
        assert left is not None
        if len(run) > 1:
            self.asked.add("slash")
            if self.policy.slash == "loose":
                return self._times(self._divide(left, self.value(run[0]), node), "", self._run(run[1:]))
        return self._divide(left, self._run(run), node)

    def _times(self, left: Value, operator: str, right: Value) -> Value:
        if not left.slots or not right.slots or operator in _ELEMENTWISE:
            return self.table.shapes.elementwise(left, right)
        transposed = left.row or right.row
        if not transposed and not self._implicit:
            self.asked.add("product")
        if (self.policy.product == "elementwise" or self._implicit) and not transposed:
            return self.table.shapes.elementwise(left, right)
        if operator == "\\cdot" and len(left.slots) == len(right.slots) == 1:
            return self.table.shapes.dot(left, right)
        return self.table.shapes.matrix_product(left, right)

    def _run(self, run: list[Node]) -> Value:
        """Juxtaposed factors: function applications and derivative operators take what follows them."""
        result: Value | None = None
        rest = list(run)
        while rest:
            value, rest = self._take(rest)
            result = value if result is None else self._times(result, "", value)
        assert result is not None
        return result

    def _take(self, rest: list[Node]) -> tuple[Value, list[Node]]:
        """The value of the first factor with all that belongs to it, and the factors after it."""
        head = rest[0]
        for read in (self._compound, self._operator, self._gradient, self._application):
            taken = read(rest)
            if taken is not None:
                value, used = taken
                return value, rest[used:]
        return self.value(head), rest[1:]

    def _compound(self, rest: list[Node]) -> tuple[Value, int] | None:
        """``d \\hat{x}_i`` where the document has such a name."""
        if len(rest) < 2:
            return None
        prefix, base = self.table.spell(rest[0]), self.table.spell(rest[1])
        if prefix is None or base is None or prefix.indices:
            return None
        key = prefix.key + base.key
        if key not in self.table.letters.compounds:
            return None
        spelled = Spelling(key, base.indices, None, rest[1])
        value = self._spelled(spelled, rest[1])
        return (self._raised(value, base.power, rest[1]) if base.power is not None else value), 2

    def _operator(self, rest: list[Node]) -> tuple[Value, int] | None:
        """``\\frac{\\partial}{\\partial x}`` applied to the bracket that follows, or to all that follows."""
        head = rest[0]
        if not isinstance(head, S.Fraction) or len(rest) < 2 or not self._is_bare_operator(head):
            return None
        used = 2 if isinstance(rest[1], S.Group) else len(rest)
        operand = self._run(rest[1:used])
        by = self._differential(head.denominator)
        assert by is not None
        return self._differentiate(operand, self.value(by), head), used

    def _is_bare_operator(self, node: S.Fraction) -> bool:
        spelled = self.table.spell(node.numerator)
        return spelled is not None and spelled.key in PARTIALS and self._differential(node.denominator) is not None

    def _gradient(self, rest: list[Node]) -> tuple[Value, int] | None:
        """``\\nabla_x L``."""
        head = rest[0]
        if len(rest) < 2 or not isinstance(head, S.Script) or head.sub is None or self._known(head):
            return None
        if not isinstance(head.base, S.Symbol) or head.base.name != "\\nabla":
            return None
        if head.sup is not None and head.sup != S.Number("2"):
            return None
        of, by = self.value(rest[1]), self.value(head.sub)
        if of.slots or not is_quantity(of.expr):
            return None
        gradient = self._differentiate(of, by, head)
        if head.sup is None:
            return gradient, 2
        again = self.value(head.sub)
        return Value(D(gradient.expr, again.expr), gradient.slots + again.slots), 2

    def _known(self, node: Node) -> bool:
        """Whether a node is a name that the document introduces, as an alias may be."""
        spelled = self.table.spell(node)
        return spelled is not None and (
            self.table.introduced(spelled) or self.table.alias(spelled.key, len(spelled.indices)) is not None
        )

    def _application(self, rest: list[Node]) -> tuple[Value, int] | None:
        """A function's name before a bracket."""
        if len(rest) < 2:
            return None
        group, power = rest[1], None
        if isinstance(group, S.Script) and group.sub is None and not group.primes:
            power, group = group.sup, group.base
        if not isinstance(group, S.Group) or group.opening not in ("(", "[", "\\{"):
            return None
        if isinstance(rest[0], S.Number) or self._is_indicator(rest[0]):
            indicator = self._indicator(group)
            return (indicator, 2) if indicator is not None else None
        spelled = self.table.spell(rest[0])
        if spelled is None or spelled.indices or is_value(rest[0]):
            return None
        applied = self._apply_name(spelled.key, group.body, rest[0])
        if applied is None:
            return None
        if spelled.power is not None:
            applied = self._raised(applied, spelled.power, rest[0])
        return (self._raised(applied, power, group) if power is not None else applied), 2

    def _apply_name(self, key: str, argument: Node, node: Node) -> Value | None:
        """A named function of its argument; None where the name is a quantity that multiplies."""
        name = plain(key)
        if key in self.table.functions:
            return self._apply_defined(key, argument, node)
        if key.endswith("'") and not self.table.introduced(Spelling(key)):
            return self._apply_derivative(key[:-1], argument, node)
        if self.table.introduced(Spelling(key)) or self.table.is_size(key):
            return None
        if key == "\\sigma" and not self.table.ranks.counts.get(key):
            self.table.tell("\\sigma(u) is the logistic function 1/(1 + e^{-u})")
            return apply(self.value(argument), sigmoid)
        if name in BY_NAME:
            return apply(self.value(argument), BY_NAME[name].function)
        if name in ("relu", "ReLU"):
            return apply(self.value(argument), lambda u: maximum(Integer(0), u))
        if name in ARRAY_FUNCTIONS:
            return self._apply_array(name, argument, node)
        return None

    def _apply_defined(self, key: str, argument: Node, node: Node) -> Value:
        """A function that the document defines, its parameters replaced by the arguments."""
        function = self.table.functions[key]
        arguments = argument.items if isinstance(argument, S.Sequence) else (argument,)
        if len(arguments) != len(function.parameters):
            raise SourceError(f"{key} takes {len(function.parameters)} arguments", span_of(node))
        if key in self._expanding:
            raise SourceError(f"the function {key} is defined by itself", span_of(node))
        chosen = dict(zip(function.parameters, arguments, strict=True))
        self._expanding.append(key)
        try:
            return self.value(substituted(function.body, chosen, self.table.letters))
        finally:
            self._expanding.pop()

    def _apply_derivative(self, key: str, argument: Node, node: Node) -> Value | None:
        """``\\sigma'(u)``: the derivative of a function of one number, at the argument."""
        place = S.Symbol("~u")
        inner = self._apply_name(key, place, node)
        if inner is None or inner.slots:
            return None
        self.unknown.discard("~u")
        variable = scalar("~u")
        slope = sympy.diff(inner.expr, variable)
        return apply(self.value(argument), lambda u: slope.xreplace({variable: u}))

    # -- functions of whole arrays -----------------------------------------------------------------------------------

    def _apply_array(self, name: str, argument: Node, node: Node) -> Value:
        """softmax, log-sum-exp, row sums, diag and trace; the first three act on the last axis."""
        value = self.value(argument)
        if not value.slots:
            raise ShapeError(f"{name} of something that has no axis")
        if name == "diag":
            return self._diagonal(value)
        if name in ("tr", "Tr", "trace"):
            return self._trace(value)
        if name == "rowsum":
            return close(value, value.slots[-1])
        exponentials = apply(value, sympy.exp)
        partition = close(exponentials, value.slots[-1])
        if name in ("LSE", "logsumexp"):
            return apply(partition, sympy.log)
        ratio = self._divide(exponentials, partition, node)
        return ratio if name == "softmax" else apply(ratio, sympy.log)

    def _diagonal(self, value: Value) -> Value:
        """The diagonal matrix of a vector."""
        if len(value.slots) != 1:
            raise ShapeError("diag of something that is no vector")
        other = fresh_slot(value.slots[0].axis)
        return Value(value.expr * sympy.KroneckerDelta(value.slots[0].symbol, other.symbol), (value.slots[0], other))

    def _trace(self, value: Value) -> Value:
        if len(value.slots) != 2 or not self.table.axes.join(value.slots[0].axis, value.slots[1].axis):
            raise ShapeError("the trace of something that is no square matrix")
        return close(value.rename(value.slots[1].symbol, value.slots[0].symbol), value.slots[0])

    def _mean(self, value: Value) -> Value:
        """The mean over the one axis that is open."""
        if len(value.slots) != 1:
            raise ShapeError("a mean over an axis that is not said")
        return apply(close(value, value.slots[0]), lambda u: u / value.slots[0].axis.size)

    def _apply(self, node: S.Apply) -> Value:
        """``\\log x``, ``\\tanh^2(u)``, ``\\max(0, x)``."""
        name = plain(node.function.name)
        argument = node.argument.body if isinstance(node.argument, S.Group) else node.argument
        if name in ("max", "min"):
            return self._extremum(name, argument, node)
        applied = self._apply_name(node.function.name, argument, node)
        if applied is None or node.sub is not None:
            raise SourceError(f"derive does not know the function {node.function.name}", node.span)
        return self._raised(applied, node.sup, node) if node.sup is not None else applied

    def _extremum(self, name: str, argument: Node, node: Node) -> Value:
        items = argument.items if isinstance(argument, S.Sequence) else ()
        if len(items) != 2:
            raise SourceError(f"{name} of two numbers is understood, nothing else", span_of(node))
        first, second, slots = self.table.shapes.align(self.value(items[0]), self.value(items[1]))
        return Value((maximum if name == "max" else minimum)(first, second), slots)

    # -- brackets ----------------------------------------------------------------------------------------------------

    def _group(self, node: S.Group) -> Value:
        if isinstance(node.body, S.Chain):
            indicator = self._indicator(node)
            if indicator is not None:
                return indicator
            raise SourceError("an equation inside an expression", node.span)
        if node.opening in ("(", "[", "\\{", "", "\\lbrace", "\\lbrack"):
            return self.value(node.body)
        if node.opening in ("|", "\\lvert"):
            value = self.value(node.body)
            return self._norm(value) if value.slots else apply(value, sympy.Abs)
        if node.opening in ("‖", "\\lVert"):
            return self._norm(self.value(node.body))
        if node.opening == "\\langle" and isinstance(node.body, S.Sequence) and len(node.body.items) == 2:
            return self._inner_product(*node.body.items)
        raise SourceError("derive does not know this bracket", node.span)

    def _norm(self, value: Value) -> Value:
        """The Euclidean norm."""
        if len(value.slots) != 1:
            raise ShapeError("a norm of something that is no vector")
        return apply(close(apply(value, lambda u: u**2), value.slots[0]), sympy.sqrt)

    def _inner_product(self, first: Node, second: Node) -> Value:
        a, b = self.value(first), self.value(second)
        if len(a.slots) != 1 or len(b.slots) != 1:
            raise ShapeError("an inner product of something that is no vector")
        return self.table.shapes.dot(a, b)

    def _cases(self, node: S.Cases) -> Value:
        """Cases on whether two indices are equal: each value times the indicator of its condition."""
        total: Value | None = None
        rest = Integer(1)
        for value, condition in node.rows:
            indicator = self._case(condition, rest)
            rest = rest - indicator
            term = apply(self.value(value), lambda u, i=indicator: u * i)  # type: ignore[misc]
            total = term if total is None else self.table.shapes.add(total, term)
        assert total is not None
        return total

    def _case(self, condition: Node | None, rest: Expr) -> Expr:
        """The indicator of a row's condition; ``otherwise`` takes what the rows before left."""
        for part in condition.items if isinstance(condition, S.Sequence) else (condition,):
            if isinstance(part, S.Chain):
                indicator = self._indicator(part)
                if indicator is None:
                    raise SourceError("derive does not understand this condition", part.span)
                return indicator.expr
        if isinstance(condition, S.Words) and condition.text.lower().strip(". ") in (
            "otherwise",
            "else",
            "sonst",
            "sinon",
        ):
            return rest
        raise SourceError("derive does not understand this condition", span_of(condition or S.Empty()))

    def _held_fixed(self, node: S.HeldFixed) -> Value:
        """A derivative with names held fixed."""
        if not isinstance(node.body, S.Fraction):
            raise SourceError("only a derivative can have something held fixed", node.span)
        names = []
        for item in node.fixed.items if isinstance(node.fixed, S.Sequence) else (node.fixed,):
            if not isinstance(item, S.Words):
                names.append(self.value(item).expr)
        return self._derivative_or_fail(node.body, tuple(names))

    # -- sums over an index ------------------------------------------------------------------------------------------

    def _big_operator(self, node: S.BigOperator) -> Value:
        if node.operator == FAMILY:
            return self._family(node)
        if node.operator not in ("sum", "prod"):
            raise SourceError(f"derive does not understand \\{node.operator} with limits", node.span)
        letters = list(bound_letters(node.lower)) if node.lower is not None else []
        if not letters:
            return self._sum_over_slots(node)
        axes = self._axes_of(node)
        outer = dict(self._scope)
        for letter in letters:
            self._scope[letter] = _Letter(bound(letter), axes[letter])
        chosen = {letter: self._scope[letter] for letter in letters}
        implicit, self._implicit = self._implicit, not any(_mentions(node.body, letter) for letter in letters)
        try:
            body = self.value(node.body)
            factor = self._conditions(node.lower)
        finally:
            self._scope, self._implicit = outer, implicit
        for letter in reversed(letters):
            body = self._bind(body, chosen[letter])
        return self._summed(node, body, factor, [chosen[letter] for letter in letters])

    def _family(self, node: S.BigOperator) -> Value:
        """``[u_1, \\dots, u_n]``: the entries side by side, as the columns of a matrix where they are vectors."""
        (letter,) = bound_letters(node.lower) if node.lower is not None else ("",)
        outer = dict(self._scope)
        slot = fresh_slot(self._axes_of(node)[letter])
        self._scope[letter] = _Letter(slot.symbol, slot.axis)
        try:
            body = self.value(node.body)
        finally:
            self._scope = outer
        return Value(body.expr, (*body.slots, slot))

    def _axes_of(self, node: S.BigOperator) -> Scope:
        """The axes of the letters that a sum binds; a sum in a function's body is linked when it is met."""
        axes = self.table.axes
        if id(node) not in axes.operators:
            axes.link(node, {letter: found.axis for letter, found in self._scope.items()})
        return axes.operators[id(node)]

    def _bind(self, body: Value, letter: _Letter) -> Value:
        """An index dropped under a sum is the sum's."""
        slots = [s for s in body.slots if s.axis.same(letter.axis)]
        if not slots and len(body.slots) == 1 and self.table.axes.join(body.slots[0].axis, letter.axis):
            slots = list(body.slots)
        if len(slots) == 1:
            self.table.tell("an index left out under a sum is the one summed over")
            return body.rename(slots[0].symbol, letter.symbol)
        return body

    def _conditions(self, lower: Node | None) -> Expr:
        """The product of the indicators of conditions such as ``j \\neq i``."""
        factor = Integer(1)
        for part in lower.items if isinstance(lower, S.Sequence) else (lower,):
            if isinstance(part, S.Chain) and part.relations[0] == "\\neq":
                equal = self.equal_indices(part.members[0], part.members[1], part)
                if equal is None:
                    raise SourceError("derive does not understand this condition", part.span)
                factor = factor * (1 - equal.expr)
            elif isinstance(part, S.Chain) and part.relations[0] != "=":
                raise SourceError("derive does not understand this range", part.span)
        return factor

    def _summed(self, node: S.BigOperator, body: Value, factor: Expr, letters: list[_Letter]) -> Value:
        axes = [letter.axis for letter in letters]
        self._check_range(node, letters, axes)
        if node.operator == "sum":
            ranges = [(letter.symbol, axis.size) for letter, axis in zip(letters, axes, strict=True)]
            whole = total(body.expr * factor, ranges)
            return Value(whole - self._left_out(node, body.expr * factor, letters), body.slots)
        if factor != 1:
            raise SourceError("a product over part of an axis", node.span)
        limits = [(letter.symbol, 1, axis.size) for letter, axis in zip(letters, axes, strict=True)]
        return Value(sympy.Product(body.expr, *limits), body.slots)

    def _check_range(self, node: S.BigOperator, letters: list[_Letter], axes: list[Axis]) -> None:
        """The limits cover the whole axis; a sum from 0 to the size is noted, any other range refused."""
        if node.upper is None or len(letters) != 1:
            return
        high = size_expression(node.upper)
        start = first_value(node.lower)
        if high is None or (isinstance(node.lower, S.Chain) and node.lower.relations[0] == "=" and start is None):
            raise SourceError("derive does not understand the limits of this sum", node.span)
        high = self.table.axes.canonical(high)
        terms = high - (start if start is not None else 1) + 1
        if terms == axes[0].size or (high == axes[0].size and start is not None and 1 < start <= 4):
            return
        if start == 0 and high == axes[0].size:
            self.table.tell(
                f"the sum from 0 to {high} would have {high}+1 terms; it is read as the whole axis of {high} values"
            )
            return
        raise SourceError(f"a sum of {terms} terms over an axis of {axes[0].size} values", node.span)

    def _left_out(self, node: S.BigOperator, body: Expr, letters: list[_Letter]) -> Expr:
        """The first terms that a sum from 2, 3 or 4 does not have."""
        start = first_value(node.lower)
        if start is None or start <= 1 or len(letters) != 1:
            return Integer(0)
        return sympy.Add(*(body.xreplace({letters[0].symbol: Integer(k)}) for k in range(1, int(start))))

    def _sum_over_slots(self, node: S.BigOperator) -> Value:
        """A sum without an index runs over the one axis that is left open."""
        body = self.value(node.body)
        if len(body.slots) != 1 or node.operator != "sum":
            raise SourceError("a sum that does not say what it runs over", node.span)
        self.table.tell("a sum without an index runs over the axis whose index was left out")
        return close(body, body.slots[0])

    # -- derivatives -------------------------------------------------------------------------------------------------

    def _differential(self, node: Node) -> Node | None:
        """What stands behind ∂ or d in a numerator or denominator; None where it is no differential."""
        if not isinstance(node, S.Product) or len(node.factors) < 2 or node.operators[0] != "":
            return None
        head = self.table.spell(node.factors[0])
        if head is None or head.key not in PARTIALS or head.indices or self.table.introduced(head):
            return None
        if len(node.factors) == 2:
            return node.factors[1]
        return S.Product(node.factors[1:], node.operators[1:], node.span)

    def _derivative(self, above: Node, below: Node, node: Node) -> Value | None:
        """``\\frac{\\partial a}{\\partial b}``."""
        by = self._differential(below)
        if by is None:
            return None
        of = self._differential(above)
        if of is None:
            if self._is_operator_name(above):
                raise SourceError("a derivative of nothing", span_of(node), "Write what is differentiated.")
            return None
        return self._differentiate(self.value(of), self.value(by), node)

    def _is_operator_name(self, node: Node) -> bool:
        spelled = self.table.spell(node)
        return spelled is not None and spelled.key in PARTIALS

    def _derivative_or_fail(self, node: S.Fraction, held: tuple[Expr, ...]) -> Value:
        by, of = self._differential(node.denominator), self._differential(node.numerator)
        if by is None or of is None:
            raise SourceError("only a derivative can have something held fixed", node.span)
        return self._differentiate(self.value(of), self.value(by), node, held)

    def _differentiate(self, of: Value, by: Value, node: Node, held: tuple[Expr, ...] = ()) -> Value:
        if not is_quantity(by.expr) or (isinstance(by.expr, Symbol) and by.expr.is_integer):
            raise SourceError("a derivative by something that is no variable", span_of(node))
        first, second, slots = self._derivative_axes(of, by)
        arguments = (first, second, sympy.Tuple(*held)) if held else (first, second)
        return Value(D(*arguments), slots)

    def _derivative_axes(self, of: Value, by: Value) -> tuple[Expr, Expr, tuple[Slot, ...]]:
        """Bare arrays on both sides of a derivative: the same entry of both, or the whole Jacobian."""
        if of.slots and by.slots:
            self.asked.add("product")
            if self.policy.product == "matrix":
                return of.expr, by.expr, of.slots + by.slots
            return self.table.shapes.align(of, by)
        return of.expr, by.expr, of.slots or by.slots

    def _slash_derivative(self, node: S.Product) -> Value | None:
        """``\\partial a / \\partial b`` in a line."""
        if "/" not in node.operators:
            return None
        at = node.operators.index("/") + 1
        start = next((k for k in range(at) if self._is_operator_name(node.factors[k])), None)
        if start is None or not self._is_operator_name(node.factors[at]):
            return None
        end = at + 2
        derivative = self._derivative(_part(node, start, at), _part(node, at, min(end, len(node.factors))), node)
        if derivative is None:
            return None
        if start:
            derivative = self._times(self._run(list(node.factors[:start])), "", derivative)
        if end < len(node.factors):
            rest = self.value(_part(node, end, len(node.factors)))
            derivative = self._times(derivative, node.operators[end - 1], rest)
        return derivative

    # -- refusals ----------------------------------------------------------------------------------------------------

    def _refuse(self, node: Node) -> Value:
        raise SourceError(_REFUSALS.get(type(node), "derive does not understand this part"), span_of(node))


_REFUSALS: dict[type[Node], str] = {
    S.Ellipsis: "derive cannot tell what the dots stand for",
    S.Empty: "something is missing here",
    S.Words: "words inside a formula",
    S.Matrix: "derive does not read matrices written out",
    S.Sequence: "a list where one value is expected",
    S.Chain: "an equation inside an expression",
}

_RULES: dict[type[Node], Callable[[Elaborator, Any], Value]] = {
    S.Number: Elaborator._number,
    S.Symbol: Elaborator._name,
    S.Accent: Elaborator._name,
    S.Decoration: Elaborator._name,
    S.Script: Elaborator._script,
    S.Group: Elaborator._group,
    S.Fraction: Elaborator._fraction,
    S.Root: Elaborator._root,
    S.Product: Elaborator._product,
    S.Sum: Elaborator._sum,
    S.BigOperator: Elaborator._big_operator,
    S.Apply: Elaborator._apply,
    S.HeldFixed: Elaborator._held_fixed,
    S.Cases: Elaborator._cases,
    **dict.fromkeys(_REFUSALS, Elaborator._refuse),
}
"""One method a kind of node."""


def _mentions(node: Node, letter: str) -> bool:
    return any(isinstance(inner, S.Symbol) and inner.name == letter for inner in node.walk())


def _runs(node: S.Product) -> tuple[list[list[Node]], list[str]]:
    """The factors in runs of juxtaposition, and the signs between the runs."""
    runs: list[list[Node]] = [[node.factors[0]]]
    signs: list[str] = []
    for operator, factor in zip(node.operators, node.factors[1:], strict=True):
        if operator == "":
            runs[-1].append(factor)
        else:
            runs.append([factor])
            signs.append(operator)
    return runs, signs


def _part(node: S.Product, start: int, end: int) -> Node:
    factors = node.factors[start:end]
    if len(factors) == 1:
        return factors[0]
    return S.Product(factors, node.operators[start : end - 1], span_of(factors[0]).join(span_of(factors[-1])))
