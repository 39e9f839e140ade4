"""Syntax nodes as MathML Core, so that a browser sets the formula by itself and any part of it can be marked.

https://www.w3.org/TR/mathml-core/. Every node becomes one element; the nodes that stand in a marked span of the source
get a class. The LaTeX goes with the formula as its annotation, for copying and for screen readers.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from html import escape

from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.latex.writer import latex
from derive.plain import plain
from derive.source import Span

MARK = "marked"
"""The class of the marked parts."""

_LETTERS = {"\\epsilon": "ϵ", "\\varepsilon": "ε", "\\phi": "ϕ", "\\varphi": "φ", "\\star": "⋆", "\\prime": "′"}
_ACCENTS = {
    "hat": "^", "tilde": "~", "bar": "¯", "dot": "˙", "ddot": "¨", "vec": "→", "check": "ˇ", "breve": "˘",
    "acute": "´", "grave": "`", "mathring": "˚", "underline": "_",
}  # fmt: skip
_RELATIONS = {
    "\\neq": "≠", "\\ne": "≠", "\\le": "≤", "\\leq": "≤", "\\leqslant": "⩽", "\\ge": "≥", "\\geq": "≥",
    "\\geqslant": "⩾", "\\lt": "<", "\\gt": ">", "\\ll": "≪", "\\gg": "≫", "\\eq": "=", "\\equiv": "≡",
    "\\triangleq": "≜", "\\coloneqq": "≔", "\\approx": "≈", "\\simeq": "≃", "\\sim": "∼", "\\cong": "≅",
    "\\propto": "∝", "\\in": "∈", "\\notin": "∉", "\\ni": "∋",
    "\\subset": "⊂", "\\subseteq": "⊆", "\\to": "→", "\\rightarrow": "→", "\\longrightarrow": "⟶", "\\mapsto": "↦",
    "\\longmapsto": "⟼", "\\leftarrow": "←", "\\leftrightarrow": "↔",
}  # fmt: skip
_PRODUCTS = {
    "\\cdot": "⋅", "*": "⋅", "\\times": "×", "\\odot": "⊙", "\\circ": "∘", "\\otimes": "⊗", "\\ast": "∗", "\\star": "⋆",
    "\\bullet": "∙", "\\cdotp": "⋅", "/": "/",
}  # fmt: skip
_SIGNS = {"-": "−", "\\pm": "±", "\\mp": "∓"}
_BIG = {"sum": "∑", "prod": "∏", "int": "∫", "bigcup": "⋃", "bigcap": "⋂", "bigoplus": "⨁"}
_NAMED = {"argmax": "arg max", "argmin": "arg min"}
_BRACKETS = {
    "(": "()", "[": "[]", "\\{": "{}", "\\lbrace": "{}", "|": "||", "‖": "‖‖", "\\langle": "⟨⟩", "\\lfloor": "⌊⌋",
    "\\lceil": "⌈⌉", "\\lvert": "||", "\\lVert": "‖‖", "\\lbrack": "[]", "": ("", ""),
}  # fmt: skip
_ALPHABETS = {"bold": "BOLD", "cal": "SCRIPT", "bb": "DOUBLE-STRUCK", "frak": "FRAKTUR", "sans": "SANS-SERIF"}
_ALPHABETS |= {"tt": "MONOSPACE"}
_BRACES = {"underbrace": ("munder", "⏟"), "overbrace": ("mover", "⏞"), "underbracket": ("munder", "⎵")}
_BRACES |= {"overbracket": ("mover", "⎴")}

_PARTIAL = S.Symbol("\\partial")
_TIMES = "<mo>&#x2062;</mo>"
_THIN_TIMES = '<mo rspace="0.17em">&#x2062;</mo>'
_SPACE = '<mspace width="0.33em"></mspace>'
_COMMA = "<mo>&#x2063;</mo>"
_APPLY = "<mo>&#x2061;</mo>"


def math(node: Node, marks: Sequence[Span] = (), display: bool = False) -> str:
    """A node as a ``math`` element.

    Args:
        marks: the parts of the source to mark.
        display: whether the formula stands by itself rather than in a line of text.

    >>> print(math(S.Symbol("N")))
    <math><semantics><mi>N</mi><annotation encoding="application/x-tex">N</annotation></semantics></math>
    """
    return element(mathml(node, marks), latex(node), display)


def element(markup: str, source: str, display: bool = False) -> str:
    """A ``math`` element around MathML, with the LaTeX that it was made from."""
    block = ' display="block"' if display else ""
    note = f'<annotation encoding="application/x-tex">{_text(source)}</annotation>'
    return f"<math{block}><semantics>{markup}{note}</semantics></math>"


def mathml(node: Node, marks: Sequence[Span] = ()) -> str:
    """A node as one MathML element."""
    return _Printer(marks).markup(node)


def relation(sign: str) -> str:
    """``=`` and its kin, written as in LaTeX, as an operator."""
    return _operator(_RELATIONS.get(sign, sign.lstrip("\\")))


class _Printer:
    def __init__(self, marks: Sequence[Span]) -> None:
        self._marks = marks
        self._in_mark = False
        self._in_script = False

    def markup(self, node: Node) -> str:
        """A node as one element, in a marked row if it stands in a marked span."""
        if not self._is_marked(node):
            return _RULES[type(node)](self, node)
        self._in_mark = True
        try:
            return _marked(_RULES[type(node)](self, node))
        finally:
            self._in_mark = False

    def _is_marked(self, node: Node) -> bool:
        span = span_of(node)
        if self._in_mark or span.start >= span.end or isinstance(node, S.Empty):
            return False
        return any(mark.start <= span.start and span.end <= mark.end for mark in self._marks)

    def _script(self, node: Node) -> str:
        """A node in an index or an exponent, where juxtaposed letters are not multiplied."""
        before, self._in_script = self._in_script, True
        try:
            return self.markup(node)
        finally:
            self._in_script = before

    def _bracketed(self, node: Node, brackets: bool) -> str:
        text = self.markup(node)
        return _fenced("(", ")", text, _is_tall(node)) if brackets else text

    # -- rules -------------------------------------------------------------------------------------------------------

    def symbol(self, node: S.Symbol) -> str:
        return _identifier(node.name, node.font)

    def accent(self, node: S.Accent) -> str:
        body = self.markup(node.body)
        mark = _ACCENTS.get(node.accent, node.accent)
        stretchy = "" if isinstance(node.body, S.Sum | S.Product | S.Fraction) else ' stretchy="false"'
        over = f"<mo{stretchy}>{_text(mark)}</mo>"
        if node.accent == "underline":
            return f'<munder accentunder="true">{body}{over}</munder>'
        return f'<mover accent="true">{body}{over}</mover>'

    def script(self, node: S.Script) -> str:
        compound = isinstance(node.base, S.Sum | S.Product | S.Fraction | S.BigOperator | S.Apply)
        base = self._bracketed(node.base, compound)
        return self._scripted(base, node.sub, node.sup, node.primes)

    def _scripted(self, base: str, sub: Node | None, sup: Node | None, primes: int = 0) -> str:
        below = self._script(sub) if sub is not None else ""
        above = self._script(sup) if sup is not None else ""
        if primes:
            above = _row(f"<mo>{'′' * primes}</mo>", above)
        if below and above:
            return f"<msubsup>{base}{below}{above}</msubsup>"
        if below:
            return f"<msub>{base}{below}</msub>"
        return f"<msup>{base}{above}</msup>" if above else base

    def group(self, node: S.Group) -> str:
        left, right = _BRACKETS.get(node.opening, (node.opening, ")"))
        return _fenced(left, right, self.markup(node.body), _is_tall(node.body))

    def sequence(self, node: S.Sequence) -> str:
        parts = [self.markup(node.items[0])]
        for separator, item in zip(node.separators, node.items[1:], strict=True):
            parts += [f'<mo separator="true">{_text(separator)}</mo>' if separator else "", self.markup(item)]
        return _row(*parts)

    def fraction(self, node: S.Fraction) -> str:
        return f"<mfrac>{self.markup(node.numerator)}{self.markup(node.denominator)}</mfrac>"

    def root(self, node: S.Root) -> str:
        inside = self.markup(node.radicand)
        if node.degree is None:
            return f"<msqrt>{inside}</msqrt>"
        return f"<mroot>{inside}{self._script(node.degree)}</mroot>"

    def product(self, node: S.Product) -> str:
        parts = []
        last = len(node.factors) - 1
        for k, factor in enumerate(node.factors):
            brackets = isinstance(factor, S.Sum) or (isinstance(factor, S.BigOperator) and k < last)
            between = self._between(node, k) if k else ""
            parts.append((between, self._unmarked(factor, brackets), self._is_marked(factor)))
        return _row(*_runs(parts))

    def _unmarked(self, node: Node, brackets: bool) -> str:
        """A part whose mark the caller draws, together with that of its neighbours."""
        marked = self._is_marked(node)
        self._in_mark |= marked
        try:
            return self._bracketed(node, brackets)
        finally:
            self._in_mark &= not marked

    def _between(self, node: S.Product, k: int) -> str:
        """What stands in front of a factor: invisible signs keep their distance from fractions, as TeX does."""
        operator, before = node.operators[k - 1], node.factors[k - 1]
        if not operator and before == _PARTIAL:
            return ""
        if not operator:
            if isinstance(before, S.Words) or isinstance(node.factors[k], S.Words):
                return _SPACE
            thin = isinstance(before, S.Fraction) or isinstance(node.factors[k], S.Fraction)
            return _COMMA if self._in_script else _THIN_TIMES if thin else _TIMES
        return _operator(_PRODUCTS.get(operator, plain(S.Symbol(operator))))

    def sum(self, node: S.Sum) -> str:
        parts = []
        for k, (sign, term) in enumerate(zip(node.signs, node.terms, strict=True)):
            mark = "" if not k and sign == "+" else _operator(_SIGNS.get(sign, sign), "infix" if k else "prefix")
            parts.append((mark, self._unmarked(term, isinstance(term, S.Sum)), self._is_marked(term)))
        return _row(*_runs(parts))

    def big_operator(self, node: S.BigOperator) -> str:
        body = self._bracketed(node.body, isinstance(node.body, S.Sum))
        return _row(self._limits(node), body)

    def _limits(self, node: S.BigOperator) -> str:
        sign = _BIG.get(node.operator)
        if sign is not None:
            base = f"<mo>{sign}</mo>"
        else:
            name = _NAMED.get(node.operator, node.operator)
            base = f'<mo form="prefix" lspace="0" rspace="0.17em" movablelimits="true">{_text(name)}</mo>'
        below = self._script(node.lower) if node.lower is not None else ""
        above = self._script(node.upper) if node.upper is not None else ""
        where = ("msub", "msup") if node.operator == "int" else ("munder", "mover")
        if below and above:
            return f"<{where[0]}{where[1][1:]}>{base}{below}{above}</{where[0]}{where[1][1:]}>"
        if below:
            return f"<{where[0]}>{base}{below}</{where[0]}>"
        return f"<{where[1]}>{base}{above}</{where[1]}>" if above else base

    def apply(self, node: S.Apply) -> str:
        if node.function.name == S.FACTORIAL:
            return _row(self._bracketed(node.argument, isinstance(node.argument, S.Sum | S.Product)), _operator("!"))
        function = self._scripted(self.markup(node.function), node.sub, node.sup)
        argument = self._bracketed(node.argument, isinstance(node.argument, S.Sum | S.Product))
        gap = "" if isinstance(node.argument, S.Group | S.Sum | S.Product) else '<mspace width="0.17em"></mspace>'
        return _row(function, _APPLY, gap, argument)

    def chain(self, node: S.Chain) -> str:
        parts = [self.markup(node.members[0])]
        for sign, member in zip(node.relations, node.members[1:], strict=True):
            parts += [relation(sign), self.markup(member)]
        return _row(*parts)

    def cases(self, node: S.Cases) -> str:
        rows = ([v] if c is None else [v, c] for v, c in node.rows)
        return _row(_operator("{", "prefix"), self._table(rows, ' style="text-align: left"'))

    def matrix(self, node: S.Matrix) -> str:
        left, right = _BRACKETS.get(node.opening, ("", ""))
        return _fenced(left, right, self._table(node.rows), True)

    def _table(self, rows: Iterable[Iterable[Node]], look: str = "") -> str:
        cells = ("".join(f"<mtd{look}>{self.markup(cell)}</mtd>" for cell in row) for row in rows)
        return f"<mtable>{''.join(f'<mtr>{row}</mtr>' for row in cells)}</mtable>"

    def decoration(self, node: S.Decoration) -> str:
        body = self.markup(node.body)
        if node.note is None or node.kind not in _BRACES:
            return body
        tag, brace = _BRACES[node.kind]
        return f"<{tag}><{tag}>{body}<mo>{brace}</mo></{tag}>{self._script(node.note)}</{tag}>"

    def held_fixed(self, node: S.HeldFixed) -> str:
        bar = '<mo stretchy="true" form="postfix">|</mo>'
        return f"<msub>{_row(self.markup(node.body), bar)}{self._script(node.fixed)}</msub>"


def _runs(parts: Iterable[tuple[str, str, bool]]) -> list[str]:
    """Parts in a row with their operators in front, and one mark around marked neighbours with what is between them."""
    found: list[str] = []
    run = ""
    for operator, text, marked in parts:
        if marked and run:
            run += operator + text
            continue
        found += [_marked(run) if run else "", operator]
        run = text if marked else ""
        found.append("" if marked else text)
    return [*found, _marked(run) if run else ""]


def _marked(text: str) -> str:
    return f'<mrow class="{MARK}">{text}</mrow>'


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _is_tall(node: Node) -> bool:
    return any(isinstance(part, S.Fraction | S.BigOperator | S.Matrix | S.Cases) for part in node.walk())


def _fenced(left: str, right: str, body: str, tall: bool) -> str:
    """Brackets around a part; they stretch only where they must, as browsers set stretched ones too wide."""
    stretch = "true" if tall else "false"
    opening = f'<mo form="prefix" stretchy="{stretch}" fence="true">{_text(left)}</mo>' if left else ""
    closing = f'<mo form="postfix" stretchy="{stretch}" fence="true">{_text(right)}</mo>' if right else ""
    return _row(opening, body, closing)


def _operator(sign: str, form: str = "") -> str:
    return f'<mo form="{form}">{_text(sign)}</mo>' if form else f"<mo>{_text(sign)}</mo>"


def _identifier(name: str, font: str) -> str:
    text = _LETTERS.get(name) or plain(S.Symbol(name))
    if font in _ALPHABETS:
        return f'<mi mathvariant="normal">{_text("".join(_letter(c, _ALPHABETS[font]) for c in text))}</mi>'
    upright = len(text) == 1 and (font in ("text", "word") or (text.isupper() and name.startswith("\\")))
    variant = ' mathvariant="normal"' if upright else ""
    return f"<mi{variant}>{_text(text)}</mi>"


def _letter(char: str, alphabet: str) -> str:
    """A character of a mathematical alphabet: ``x`` in bold. Unicode kept the names of those that it had before."""
    name = unicodedata.name(char, "").removeprefix("LATIN ").removeprefix("GREEK ").replace("LETTER ", "")
    older = {"FRAKTUR": "BLACK-LETTER"}.get(alphabet, alphabet)
    for candidate in (f"MATHEMATICAL {alphabet} {name}", f"{older} {name}"):
        try:
            return unicodedata.lookup(candidate)
        except KeyError:
            continue
    return char


def _text(text: str) -> str:
    """Text that is only text: escaped, and without characters that have no sign."""
    return escape("".join(c if c.isprintable() else " " for c in text))


_RULES: dict[type[Node], Callable[..., str]] = {
    S.Number: lambda printer, node: f"<mn>{_text(node.text)}</mn>",
    S.Symbol: _Printer.symbol,
    S.Accent: _Printer.accent,
    S.Script: _Printer.script,
    S.Group: _Printer.group,
    S.Sequence: _Printer.sequence,
    S.Fraction: _Printer.fraction,
    S.Root: _Printer.root,
    S.Product: _Printer.product,
    S.Sum: _Printer.sum,
    S.BigOperator: _Printer.big_operator,
    S.Apply: _Printer.apply,
    S.Chain: _Printer.chain,
    S.Cases: _Printer.cases,
    S.Matrix: _Printer.matrix,
    S.Words: lambda printer, node: f"<mtext>{_text(node.text)}</mtext>",
    S.Decoration: _Printer.decoration,
    S.HeldFixed: _Printer.held_fixed,
    S.Ellipsis: lambda printer, node: "<mo>…</mo>",
    S.Empty: lambda printer, node: "<mrow></mrow>",
    S.Statement: lambda printer, node: printer.markup(node.node),
    S.Unread: lambda printer, node: f"<mtext>{_text(node.text)}</mtext>",
    S.Unreadable: lambda printer, node: f"<mtext>{_text(node.message)}</mtext>",
}
