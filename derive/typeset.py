"""SymPy expressions as syntax nodes, the way a person writes them.

A product shows its fraction, numbers and sizes first, sums last; a sum its positive terms first; a summed index takes a
letter that the document uses for its axis. The nodes print as LaTeX (`latex.writer`), as text (`plain`) or as MathML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol
from sympy.core.function import AppliedUndef

from derive.caches import kept
from derive.forward import names_in
from derive.language import D, indices_of, is_quantity, is_unnamed, name_of, ordered
from derive.latex import syntax as S
from derive.latex.parser import parse_expression
from derive.latex.syntax import Node
from derive.primitives import BY_FUNCTION
from derive.source import SourceError, Text

_LABEL = re.compile(r"(?<=[_^{(\[])[a-z](?![A-Za-z])")
"""Letters in the subscript or superscript of a name: the layer in ``z^{l+1}``, which counts something else."""

LAST = frozenset({"\\epsilon", "\\varepsilon", "eps"})
FREE_LETTERS = ["i", "j", "k", "l", "m", "p", "q", "r"]
LETTERS = ["j", "k", "l", "m", "p", "q", "r", "s", "t", "u", "v", "w"]


@dataclass(frozen=True)
class Typesetter:
    """Writes expressions with a document's letters and names.

    Args:
        letters: for each size, as a string, the letters that the document uses for indices of it.
        upstream: for a derivative's name (``∂L/∂y``), the document's own name for it.
        ranges: whether sums say what their index runs over, where the document has a name for it.
        from_zero: names whose entries the document counts from 0.
    """

    letters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    upstream: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = False
    from_zero: frozenset[str] = frozenset()

    def node(self, expr: Expr, indices: Iterable[Symbol] = (), sizes: Iterable[Expr] = ()) -> Node:
        """The syntax of an expression.

        Args:
            indices: free indices of the equation that it belongs to; their letters are not used for summed indices,
                and those that the document leaves unsaid (a vector written without index) get a letter.
            sizes: the number of values of each of ``indices``.
        """
        indices = tuple(indices)
        taken = {s.name for s in (*expr.free_symbols, *indices) if not isinstance(s, sympy.Dummy)}
        taken |= {letter for name in names_in(expr) for letter in _LABEL.findall(name)}
        names: dict[Symbol, str] = {}
        for symbol, size in zip(indices, sizes, strict=False):
            if isinstance(symbol, sympy.Dummy):
                names[symbol] = self._letter(symbol, size, taken | set(names.values()), FREE_LETTERS)
        return self._node(expr, names, frozenset(taken))

    # -- dispatch ----------------------------------------------------------------------------------------------------

    def _node(self, expr: Expr, names: Mapping[Symbol, str], taken: frozenset[str]) -> Node:
        if isinstance(expr, sympy.Rational):
            return _number(expr)
        if is_quantity(expr):
            return self._quantity(expr, names, taken)
        if isinstance(expr, sympy.Add):
            return self._sum(expr, names, taken)
        if isinstance(expr, sympy.Mul | sympy.Pow | sympy.exp):
            return self._product(expr, names, taken)
        if isinstance(expr, sympy.Sum | sympy.Product):
            return self._big_operator(expr, names, taken)
        if isinstance(expr, sympy.KroneckerDelta):
            indices = self._indices(expr.args[:2], bool(self.from_zero), names, taken)
            return S.Script(S.Symbol("\\delta"), _items(indices))
        if isinstance(expr, ordered):
            members = tuple(self._node(i, names, taken) for i in expr.args)
            return S.Group("[", S.Chain(members, ("\\leq",)))
        if isinstance(expr, D):
            return self._derivative(expr, names, taken)
        if expr is sympy.pi or expr is sympy.E:
            return S.Symbol("\\pi" if expr is sympy.pi else "e")
        return self._function(expr, names, taken)

    # -- names -------------------------------------------------------------------------------------------------------

    def _quantity(self, expr: Expr, names: Mapping[Symbol, str], taken: frozenset[str]) -> Node:
        if isinstance(expr, Symbol) and expr in names:
            return S.Symbol(names[expr])
        name = name_of(expr)
        from_zero = name.rpartition("/∂")[2].split("#")[0] in self.from_zero
        return self._named(name, self._indices(indices_of(expr), from_zero, names, taken))

    def _indices(
        self, indices: Iterable[Expr], from_zero: bool, names: Mapping[Symbol, str], taken: frozenset[str]
    ) -> tuple[Node, ...]:
        shown = (i - from_zero if isinstance(i, sympy.Integer) else i for i in indices)
        return tuple(self._node(i, names, taken) for i in shown)

    def _named(self, name: str, indices: tuple[Node, ...]) -> Node:
        if name in self.upstream:
            return _indexed(key_node(self.upstream[name]), indices)
        if name.startswith("∂"):
            of, by = name[1:].split("/∂", 1)
            return S.Fraction(_differential(key_node(of)), _differential(_indexed(key_node(by), indices)))
        return _indexed(key_node(name.split("#")[0]), indices)

    def _derivative(self, expr: Expr, names: Mapping[Symbol, str], taken: frozenset[str]) -> Node:
        of, by = expr.args[:2]
        if is_quantity(of) and not indices_of(of):
            name = f"∂{name_of(of)}/∂{name_of(by)}"
            if name in self.upstream:
                return self._named(name, tuple(self._node(i, names, taken) for i in indices_of(by)))
        above = self._node(of, names, taken)
        if isinstance(above, S.Sum | S.Product | S.Fraction | S.BigOperator):
            above = S.Group("(", above)
        return S.Fraction(_differential(above), _differential(self._node(by, names, taken)))

    # -- sums --------------------------------------------------------------------------------------------------------

    def _sum(self, expr: Expr, names: Mapping[Symbol, str], taken: frozenset[str]) -> Node:
        terms = sorted(sympy.Add.make_args(expr), key=_term_order)
        signs = tuple("-" if t.could_extract_minus_sign() and _is_negative(t) else "+" for t in terms)
        nodes = tuple(self._node(-t if sign == "-" else t, names, taken) for t, sign in zip(terms, signs, strict=True))
        return S.Sum(nodes, signs)

    def _big_operator(self, expr: Expr, names: Mapping[Symbol, str], taken: frozenset[str]) -> Node:
        inner, used = dict(names), taken | set(names.values())
        letters = []
        for symbol, _, high in expr.limits:
            letter = self._letter(symbol, high, used)
            used |= {letter}
            inner[symbol] = letter
            letters.append((letter, high))
        node = self._node(expr.function, inner, used)
        operator = "sum" if isinstance(expr, sympy.Sum) else "prod"
        for letter, high in letters:
            lower: Node = S.Symbol(letter)
            upper: Node | None = None
            if self.ranges and not is_unnamed(high):
                lower, upper = S.Chain((lower, S.Number("1")), ("=",)), self._node(high, inner, used)
            node = S.BigOperator(operator, lower, upper, node)
        return node

    def _letter(self, symbol: Symbol, size: Expr, used: Iterable[str], others: Sequence[str] = LETTERS) -> str:
        """A letter for an index: its own if the document wrote it, else one of its axis, else any."""
        own: list[str] = [symbol.name] if symbol.name in self.letters.get(str(size), ()) else []
        for letter in (*own, *self.letters.get(str(size), ()), *others):
            if letter not in used:
                return letter
        return f"{LETTERS[0]}_{{{len(set(used))}}}"

    # -- products ----------------------------------------------------------------------------------------------------

    def _product(self, expr: Expr, names: Mapping[Symbol, str], taken: frozenset[str]) -> Node:
        coefficient, factors = _with_roots_below(*_parts(expr))
        above = [(b, e) for b, e in factors if not _is_negative_power(e)]
        below = [(b, -e) for b, e in factors if _is_negative_power(e)]
        negative = coefficient < 0
        number = abs(coefficient)
        if _simple_half(number, above, below):
            prefix: list[Node] = [_number(number)]
            number = sympy.Integer(1)
        else:
            prefix = []
        node = self._quotient(number, above, below, names, taken)
        if prefix:
            node = S.Product((*prefix, *_factors_of(node)), ("",) * len(_factors_of(node)))
        return S.Sum((node,), ("-",)) if negative else node

    def _quotient(
        self,
        number: Expr,
        above: list[tuple[Expr, Expr]],
        below: list[tuple[Expr, Expr]],
        names: Mapping[Symbol, str],
        taken: frozenset[str],
    ) -> Node:
        """``number * above / below`` with bulky sums beside the fraction instead of on it."""
        below = sorted(below, key=_factor_order)
        above = sorted(above, key=_factor_order)
        beside = [f for f in above if _is_bulky(f)] if below or number.q != 1 else []
        if len(beside) == len(above) == 1 and number.p == 1 and _is_short(beside[0]):
            beside = []  # (a - b)/c, not 1/c (a - b)
        top = [self._power(b, e, names, taken) for b, e in above if (b, e) not in beside]
        bottom = [self._power(b, e, names, taken) for b, e in below]
        if number.p != 1:
            top.insert(0, S.Number(str(number.p)))
        if number.q != 1:
            bottom.insert(0, S.Number(str(number.q)))
        rest = [self._power(b, e, names, taken) for b, e in beside]
        if not bottom:
            return _product([*top, *rest] or [S.Number("1")])
        fraction = S.Fraction(_bare(_product(top or [S.Number("1")])), _bare(_product(bottom)))
        return _product([fraction, *rest])

    def _power(self, base: Expr, exponent: Expr, names: Mapping[Symbol, str], taken: frozenset[str]) -> Node:
        if base is sympy.E:
            return S.Script(S.Symbol("e"), None, self._node(exponent, names, taken))
        node = self._node(base, names, taken)
        if exponent == 1:
            return S.Group("(", node) if isinstance(node, S.Sum) else node
        if exponent == sympy.Rational(1, 2):
            return S.Root(node)
        if isinstance(node, S.Script) and node.sup is None:
            return S.Script(node.base, node.sub, _exponent(exponent, self._node(exponent, names, taken)), node.primes)
        if isinstance(node, S.Sum | S.Product | S.Fraction | S.BigOperator | S.Apply | S.Script):
            node = S.Group("(", node)
        return S.Script(node, None, _exponent(exponent, self._node(exponent, names, taken)))

    def _function(self, expr: Expr, names: Mapping[Symbol, str], taken: frozenset[str]) -> Node:
        arguments = tuple(self._node(a, names, taken) for a in expr.args)
        if isinstance(expr, sympy.Abs):
            return S.Group("|", arguments[0])
        primitive = BY_FUNCTION.get(expr.func)
        name = primitive.latex if primitive is not None else expr.func.__name__
        body = arguments[0] if len(arguments) == 1 else S.Sequence(arguments, (",",) * (len(arguments) - 1))
        group = S.Group("(", body)
        if isinstance(expr, AppliedUndef):
            return S.Product((S.Decoration(S.CALL, key_node(name)), group), ("",))
        if name.startswith("\\operatorname{"):
            return S.Product((S.Symbol(name[14:-1], "text"), group), ("",))
        if name == "\\sigma" or not name.startswith("\\"):
            return S.Product((S.Symbol(name), group), ("",))
        return S.Apply(S.Symbol(name), group)


# -- order -----------------------------------------------------------------------------------------------------------


def _term_order(term: Expr) -> tuple[int, int, int, str]:
    """Positive terms first, then those without sums, then the smaller; a bare ε or number last."""
    last = isinstance(term, Symbol) and term.name in LAST
    return _is_negative(term), _has_sum(term), 1000 if last else sympy.count_ops(term), str(term)


def _is_negative(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)


def _has_sum(expr: Expr) -> int:
    return int(
        isinstance(expr, sympy.Sum) or any(_has_sum(a) for a in expr.args if not isinstance(expr, sympy.Indexed))
    )


def _factor_order(factor: tuple[Expr, Expr]) -> tuple[int, str]:
    """Sizes, scalars, entries, roots, functions, bracketed sums, sums over indices."""
    base, exponent = factor
    return _rank(base, exponent), str(base)


def _rank(base: Expr, exponent: Expr) -> int:
    if isinstance(base, Symbol):
        return 0 if base.is_integer else 1
    if isinstance(base, sympy.Indexed):
        return 4 if name_of(base).startswith("∂") else 2
    if isinstance(base, sympy.KroneckerDelta | ordered):
        return 3
    if exponent.q != 1 if isinstance(exponent, sympy.Rational) else False:
        return 5
    if isinstance(base, sympy.Add):
        return 7
    return 8 if isinstance(base, sympy.Sum | sympy.Product) else 6


def _is_bulky(factor: tuple[Expr, Expr]) -> bool:
    """Whether a factor is written beside a fraction: brackets and sums."""
    base, exponent = factor
    return isinstance(base, sympy.Add | sympy.Sum | sympy.Product) and exponent == 1


def _is_short(factor: tuple[Expr, Expr]) -> bool:
    """Whether a bracket goes on a fraction: two terms without a sum over an index."""
    base, exponent = factor
    return exponent == 1 and isinstance(base, sympy.Add) and len(base.args) == 2 and not _has_sum(base)


def _is_negative_power(exponent: Expr) -> bool:
    return bool(isinstance(exponent, sympy.Rational) and exponent < 0)


def _parts(expr: Expr) -> tuple[Expr, list[tuple[Expr, Expr]]]:
    """The rational coefficient and the factors with their exponents."""
    coefficient = sympy.Integer(1)
    factors: list[tuple[Expr, Expr]] = []
    for factor in _flat(expr):
        if isinstance(factor, sympy.Rational):
            coefficient *= factor
        elif isinstance(factor, sympy.exp):
            factors.append((sympy.E, factor.args[0]))
        elif isinstance(factor, sympy.Pow):
            factors.append((factor.base, factor.exp))
        else:
            factors.append((factor, sympy.Integer(1)))
    return coefficient, factors


def _with_roots_below(coefficient: Expr, factors: list[tuple[Expr, Expr]]) -> tuple[Expr, list[tuple[Expr, Expr]]]:
    """``√2/2`` as ``1/√2``, and ``√2 √π`` in a denominator as ``√(2 π)``."""
    half = sympy.Rational(1, 2)
    kept: list[tuple[Expr, Expr]] = []
    under: list[Expr] = []
    for base, e in factors:
        if e == half and base.is_Integer and coefficient.q % base == 0:
            coefficient *= base
            under.append(base)
        elif e == -half and base is sympy.pi:
            under.append(base)
        else:
            kept.append((base, e))
    if under:
        kept.append((under[0] if len(under) == 1 else sympy.Mul(*under, evaluate=False), -half))
    return coefficient, kept


def _flat(expr: Expr) -> list[Expr]:
    if isinstance(expr, sympy.Mul):
        return [f for a in expr.args for f in _flat(a)]
    return [expr]


def _simple_half(number: Expr, above: list[tuple[Expr, Expr]], below: list[tuple[Expr, Expr]]) -> bool:
    """Whether a fraction is written in front: one half of something that is no fraction itself."""
    return bool(number.q != 1 and not below and all(_is_bulky(f) for f in above))


# -- nodes -----------------------------------------------------------------------------------------------------------


@kept(4096)
def key_node(key: str) -> Node:
    """A name's LaTeX as syntax; a name that LaTeX cannot read is kept as it is."""
    try:
        return parse_expression(Text(key, range(len(key) + 1)))
    except SourceError:
        return S.Symbol(key)


def _indexed(node: Node, indices: tuple[Node, ...]) -> Node:
    """A name with indices, in front of a superscript and behind a label that it has."""
    if not indices:
        return node
    if isinstance(node, S.Script) and node.sub is not None:
        return S.Script(node.base, _items((node.sub, *indices)), node.sup, node.primes)
    if isinstance(node, S.Script):
        return S.Script(node.base, _items(indices), node.sup, node.primes)
    return S.Script(node, _items(indices))


def _items(indices: tuple[Node, ...]) -> Node:
    """Indices side by side where all are single letters, else with commas."""
    if len(indices) == 1:
        return indices[0]
    single = all(isinstance(i, S.Symbol) and len(i.name) == 1 for i in indices)
    if single:
        return S.Product(indices, ("",) * (len(indices) - 1))
    return S.Sequence(indices, (",",) * (len(indices) - 1))


def _differential(node: Node) -> Node:
    return S.Product((S.Symbol("\\partial"), node), ("",))


def _number(value: Expr) -> Node:
    if value < 0:
        return S.Sum((_number(-value),), ("-",))
    if value.q == 1:
        return S.Number(str(value.p))
    return S.Fraction(S.Number(str(value.p)), S.Number(str(value.q)))


def _exponent(exponent: Expr, node: Node) -> Node:
    """``3/2`` in a line, as exponents are written."""
    if isinstance(exponent, sympy.Rational) and exponent.q != 1:
        return S.Product((S.Number(str(exponent.p)), S.Number(str(exponent.q))), ("/",))
    return node


def _factors_of(node: Node) -> tuple[Node, ...]:
    return node.factors if isinstance(node, S.Product) and not any(node.operators) else (node,)


def _bare(node: Node) -> Node:
    """A bracketed part without the brackets, where a fraction's bar does their work."""
    return node.body if isinstance(node, S.Group) and node.opening == "(" else node


def _product(factors: list[Node]) -> Node:
    flat = [f for factor in factors for f in _factors_of(factor)]
    return flat[0] if len(flat) == 1 else S.Product(tuple(flat), ("",) * (len(flat) - 1))
