"""Syntax nodes as one line of text, in Unicode or in ASCII."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

from derive.latex import syntax as S
from derive.latex.constructs import UNICODE
from derive.latex.syntax import CALL, Node

_GREEK = {command: char for char, command in UNICODE.items() if command[1:].isalpha() and len(char) == 1}
_GREEK |= {
    "\\epsilon": "ε",
    "\\varepsilon": "ε",
    "\\mu": "μ",
    "\\sigma": "σ",
    "\\partial": "∂",
    "\\nabla": "∇",
    "\\ell": "ℓ",
}
_GREEK |= {
    "\\phi": "φ",
    "\\varphi": "φ",
    "\\Sigma": "Σ",
    "\\Pi": "Π",
    "\\Delta": "Δ",
    "\\varsigma": "ς",
    "\\vartheta": "ϑ",
}
_ACCENTS = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "dot": "\u0307", "ddot": "\u0308", "vec": "\u20d7"}
_NO_COLUMN = re.compile(r"\x1b\[[0-9;]*m|[\x01\x02\u0302-\u036f\u20d7]")
_SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_RELATIONS = {"\\neq": "≠", "\\leq": "≤", "\\geq": "≥", "\\in": "∈", "\\approx": "≈", "\\to": "→", "\\equiv": "≡"}
_OPERATORS = {"\\cdot": "·", "\\times": "×", "*": "·", "\\odot": "⊙", "\\circ": "∘", "/": "/", "": " ", "\\otimes": "⊗"}
_ASCII_OPERATORS = {
    "\\cdot": "*",
    "\\times": "*",
    "*": "*",
    "\\odot": "*",
    "\\circ": "o",
    "/": "/",
    "": " ",
    "\\otimes": "x",
}
_ASCII = {
    "≠": "!=",
    "≤": "<=",
    "≥": ">=",
    "∈": "in",
    "≈": "~",
    "→": "->",
    "≡": "==",
    "∂": "d",
    "∇": "grad ",
    "√": "sqrt",
}

_SIGNS = {"−": "-", "·": "*", "×": "*", "Σ": "sum", "Π": "prod", "…": "...", "ᵀ": "^T", "⊙": "*", "‖": "||", "⊤": "T"}
_MARKS = {mark: name for name, mark in _ACCENTS.items()}
_PLAIN_DIGITS = {chr(raised): chr(digit) for digit, raised in _SUPERSCRIPTS.items()}
_NAMES = {
    char: command[1:] for command, char in reversed(_GREEK.items()) if char not in _ASCII and "var" not in command
}

_SUM, _PRODUCT, _ATOM = 0, 1, 2
"""How tightly a text holds together: a sum, a product, an atom."""


def columns(text: str) -> int:
    """The columns of a terminal that a text takes: marks, colours and combining accents take none."""
    return len(_NO_COLUMN.sub("", text))


def plain(node: Node, ascii: bool = False) -> str:
    """A node as text: ``γ/(N √(σ² + ε)) (N δ_i - Σ_j δ_j)``, or in ASCII ``gamma/(N sqrt(sigma^2 + epsilon)) ...``."""
    return _Printer(ascii).text(node)[0]


def in_ascii(text: str) -> str:
    """Text with names and signs spelled in ASCII, as `plain` would have printed them: ``x̂_i²`` as ``x_hat_i^2``."""
    spelled = "".join(_spelled(char) for char in unicodedata.normalize("NFD", text))
    return spelled.encode("ascii", "replace").decode("ascii")


def _spelled(char: str) -> str:
    if char in _MARKS:
        return f"_{_MARKS[char]}"
    if char in _PLAIN_DIGITS:
        return f"^{_PLAIN_DIGITS[char]}"
    return _SIGNS.get(char) or _NAMES.get(char) or _ASCII.get(char, char)


class _Printer:
    def __init__(self, ascii: bool) -> None:
        self.ascii = ascii

    def text(self, node: Node) -> tuple[str, int]:
        return _RULES[type(node)](self, node)

    def atom(self, node: Node) -> str:
        """A node's text, in brackets unless it is an atom."""
        text, level = self.text(node)
        return text if level == _ATOM else f"({text})"

    def factor(self, node: Node) -> str:
        text, level = self.text(node)
        return text if level >= _PRODUCT else f"({text})"

    def symbol(self, name: str) -> str:
        if self.ascii:
            return _ASCII.get(_GREEK.get(name, ""), name.lstrip("\\"))
        return _GREEK.get(name, name.lstrip("\\"))

    # -- rules -----------------------------------------------------------------------------------------------------

    def _symbol(self, node: S.Symbol) -> tuple[str, int]:
        return self.symbol(node.name), _ATOM

    def _accent(self, node: S.Accent) -> tuple[str, int]:
        if isinstance(node.body, S.Script):  # an accent over a letter with its index: the letter carries it
            return self._script(replace(node.body, base=S.Accent(node.accent, node.body.base)))
        body = self.atom(node.body)
        mark = _ACCENTS.get(node.accent, "")
        if self.ascii or not mark or not body:  # \hat{} stands over nothing
            return f"{body}_{node.accent}", _ATOM
        return unicodedata.normalize("NFC", f"{body[0]}{mark}{body[1:]}"), _ATOM

    def _script(self, node: S.Script) -> tuple[str, int]:
        base = self.atom(node.base)
        sub = f"_{self._subscript(node.sub)}" if node.sub is not None else ""
        sup = self._superscript(node.sup) if node.sup is not None else ""
        return f"{base}{chr(39) * node.primes}{sub}{sup}", _ATOM

    def _subscript(self, node: Node) -> str:
        text = self.text(node)[0].replace(" ", "")
        return text if re.fullmatch(r"\w+", text) else f"{{{text}}}"

    def _superscript(self, node: Node) -> str:
        text = self.text(node.body if isinstance(node, S.Group) and node.opening == "(" else node)[0]
        if not self.ascii and re.fullmatch(r"[0-9]+", text):
            return text.translate(_SUPERSCRIPTS)
        if not self.ascii and text in ("⊤", "T", "top"):
            return "ᵀ"
        return f"^{text}" if re.fullmatch(r"[^\W_]+|\[\w+\]", text) else f"^({text})"

    def _fraction(self, node: S.Fraction) -> tuple[str, int]:
        sign, positive = _positive("+", node)
        if sign == "-":  # -1/2, not (-1)/2
            return self._sum(S.Sum((positive,), ("-",)))
        above, below = self.factor(node.numerator), self.atom(node.denominator)
        return f"{above}/{below}", _ATOM if _is_derivative(node) else _PRODUCT

    def _root(self, node: S.Root) -> tuple[str, int]:
        text, level = self.text(node.radicand)
        inside = text if level == _ATOM and not self.ascii else f"({text})"
        degree = f"[{self.text(node.degree)[0]}]" if node.degree is not None else ""
        return f"{'sqrt' if self.ascii else '√'}{degree}{inside}", _ATOM

    def _product(self, node: S.Product) -> tuple[str, int]:
        if node.factors[0] == S.Symbol("\\partial") and len(node.factors) == 2:
            return f"{self.symbol(chr(92) + 'partial')}{self.atom(node.factors[1])}", _ATOM
        sign, positive = _positive("+", node)
        if sign == "-":  # -1/2 x, not (-1/2) x
            return self._sum(S.Sum((positive,), ("-",)))
        signs = _ASCII_OPERATORS if self.ascii else _OPERATORS
        parts = [self.factor(node.factors[0])]
        for before, operator, factor in zip(node.factors, node.operators, node.factors[1:], strict=False):
            call = operator == "" and _is_bracket(factor) and (_is_call(node.factors[0]) or _is_marked(before))
            tight = operator == "/" or call
            sign = signs.get(operator, self.symbol(operator))
            parts.append(sign.strip() if tight or sign == " " else f" {sign} ")
            parts.append(" " if operator == "" and not tight else "")
            parts.append(self.atom(factor) if operator == "/" else self.factor(factor))
        return "".join(parts), _PRODUCT

    def _sum(self, node: S.Sum) -> tuple[str, int]:
        minus = "-" if self.ascii else "−"
        parts = []
        for k, (sign, term) in enumerate(map(_positive, node.signs, node.terms)):
            mark = minus if sign == "-" else "±" if sign.startswith("\\") else "+"
            text = self.factor(term)
            parts.append((text if mark == "+" else f"{mark}{text}") if not k else f" {mark} {text}")
        return "".join(parts), _SUM

    def _big_operator(self, node: S.BigOperator) -> tuple[str, int]:
        sign = {"sum": "Σ", "prod": "Π"}.get(node.operator, node.operator) if not self.ascii else node.operator
        lower = f"_{self._subscript(node.lower)}" if node.lower is not None else ""
        upper = f"^{self._subscript(node.upper)}" if node.upper is not None else ""
        return f"{sign}{lower}{upper} {self.factor(node.body)}", _PRODUCT

    def _apply(self, node: S.Apply) -> tuple[str, int]:
        argument, level = self.text(node.argument)
        if node.function.name == S.FACTORIAL:
            return (argument if level == _ATOM else f"({argument})") + S.FACTORIAL, _ATOM
        inside = (
            argument if isinstance(node.argument, S.Group) else f"({argument})" if level < _ATOM else f" {argument}"
        )
        sup = self._superscript(node.sup) if node.sup is not None else ""
        sub = f"_{self._subscript(node.sub)}" if node.sub is not None else ""
        return f"{self.symbol(node.function.name)}{sub}{sup}{inside}", _ATOM

    def _group(self, node: S.Group) -> tuple[str, int]:
        text = self.text(node.body)[0]
        pairs = {"|": ("|", "|"), "‖": ("‖", "‖"), "[": ("[", "]"), "\\{": ("{", "}"), "\\langle": ("⟨", "⟩")}
        left, right = pairs.get(node.opening, ("(", ")"))
        if self.ascii and node.opening in ("‖", "\\langle"):
            left, right = ("||", "||") if node.opening == "‖" else ("<", ">")
        return f"{left}{text}{right}", _ATOM

    def _sequence(self, node: S.Sequence) -> tuple[str, int]:
        parts = [self.text(node.items[0])[0]]
        for separator, item in zip(node.separators, node.items[1:], strict=True):
            parts.append(f"{separator or ' '}{self.text(item)[0]}")
        return "".join(parts), _ATOM

    def _chain(self, node: S.Chain) -> tuple[str, int]:
        parts = [self.text(node.members[0])[0]]
        for relation, member in zip(node.relations, node.members[1:], strict=True):
            sign = _RELATIONS.get(relation, relation.lstrip("\\"))
            parts.append(f" {_ASCII.get(sign, sign) if self.ascii else sign} {self.text(member)[0]}")
        return "".join(parts).strip(), _SUM

    def _cases(self, node: S.Cases) -> tuple[str, int]:
        rows = (f"{self.text(v)[0]} if {self.text(c)[0]}" if c is not None else self.text(v)[0] for v, c in node.rows)
        return f"{{{'; '.join(rows)}}}", _ATOM

    def _matrix(self, node: S.Matrix) -> tuple[str, int]:
        rows = (", ".join(self.text(cell)[0] for cell in row) for row in node.rows)
        return f"[{'; '.join(rows)}]", _ATOM

    def _held_fixed(self, node: S.HeldFixed) -> tuple[str, int]:
        return f"{self.atom(node.body)}|_{{{self.text(node.fixed)[0]}}}", _ATOM


def _positive(sign: str, term: Node) -> tuple[str, Node]:
    """A signed term with the minus of its numerator, or of its first factor, moved to its sign."""
    if isinstance(term, S.Product):
        outer, first = _positive(sign, term.factors[0])
        return outer, replace(term, factors=(first, *term.factors[1:]))
    if isinstance(term, S.Fraction) and isinstance(term.numerator, S.Sum) and term.numerator.signs == ("-",):
        flipped = {"+": "-", "-": "+"}.get(sign)
        if flipped is not None:
            return flipped, S.Fraction(term.numerator.terms[0], term.denominator)
    return sign, term


def _is_derivative(node: S.Fraction) -> bool:
    below = node.denominator
    return isinstance(below, S.Product) and below.factors[0] == S.Symbol("\\partial")


def _is_bracket(node: Node) -> bool:
    while isinstance(node, S.Script):
        node = node.base
    return isinstance(node, S.Group)


def _is_marked(node: Node) -> bool:
    """Whether a name is marked as a function's, so that the bracket behind it holds its arguments."""
    return isinstance(node, S.Decoration) and node.kind == CALL


def _is_call(node: Node) -> bool:
    return isinstance(node, S.Symbol) and (node.font == "text" or node.name == "\\sigma")


_RULES: dict[type[Node], Callable[..., tuple[str, int]]] = {
    S.Number: lambda printer, node: (node.text, _ATOM),
    S.Symbol: _Printer._symbol,
    S.Accent: _Printer._accent,
    S.Script: _Printer._script,
    S.Group: _Printer._group,
    S.Sequence: _Printer._sequence,
    S.Fraction: _Printer._fraction,
    S.Root: _Printer._root,
    S.Product: _Printer._product,
    S.Sum: _Printer._sum,
    S.BigOperator: _Printer._big_operator,
    S.Apply: _Printer._apply,
    S.Chain: _Printer._chain,
    S.Cases: _Printer._cases,
    S.Matrix: _Printer._matrix,
    S.HeldFixed: _Printer._held_fixed,
    S.Words: lambda printer, node: (node.text, _ATOM),
    S.Decoration: lambda printer, node: printer.text(node.body),
    S.Ellipsis: lambda printer, node: ("..." if printer.ascii else "…", _ATOM),
    S.Empty: lambda printer, node: ("", _ATOM),
    S.Statement: lambda printer, node: printer.text(node.node),
    S.Unread: lambda printer, node: (node.text, _ATOM),
    S.Unreadable: lambda printer, node: (node.message, _ATOM),
}
