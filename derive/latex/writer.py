"""Syntax nodes back to LaTeX, with brackets where the reader would otherwise group differently."""

from __future__ import annotations

from collections.abc import Callable

from derive.latex import syntax as S
from derive.latex.constructs import ACCENTS
from derive.latex.syntax import Node

_FONTS = {"bold": "mathbf", "cal": "mathcal", "bb": "mathbb", "frak": "mathfrak", "sans": "mathsf", "tt": "mathtt"}
_ACCENTS = {name: command for command, name in reversed(ACCENTS.items()) if command == name} | {"bar": "bar"}
_CLOSING = {"(": ")", "[": "]", "\\{": "\\}", "|": "|", "‖": "\\|", "\\langle": "\\rangle", "": "."}


def latex(node: Node) -> str:
    """The LaTeX of a node."""
    return _WRITERS[type(node)](node)


def _symbol(node: S.Symbol) -> str:
    if node.font in ("text", "word"):
        plain = node.name.startswith("\\")
        return node.name if plain else f"\\text{{{node.name}}}"
    command = _FONTS.get(node.font)
    return f"\\{command}{{{node.name}}}" if command else node.name


def _script(node: S.Script) -> str:
    base = latex(node.base)
    if isinstance(node.base, S.Sum | S.Product | S.Script | S.Fraction | S.BigOperator | S.Apply):
        bare = isinstance(node.base, S.Script) and (node.base.sup is None or node.sup is None)
        base = f"{{{base}}}" if bare else f"\\left({base}\\right)"
    sub = _braced("_", node.sub)
    sup = _braced("^", node.sup)
    return f"{base}{chr(39) * node.primes}{sub}{sup}"


def _braced(mark: str, node: Node | None) -> str:
    if node is None:
        return ""
    text = latex(node)
    letters = isinstance(node, S.Product) and all(isinstance(f, S.Symbol) and len(f.name) == 1 for f in node.factors)
    if letters and not any(node.operators):  # type: ignore[attr-defined]
        text = text.replace(" ", "")  # indices side by side
    return f"{mark}{text}" if len(text) == 1 else f"{mark}{{{text}}}"


def _group(node: S.Group) -> str:
    closing = _CLOSING.get(node.opening, ")")
    opening = {"‖": "\\|", "": "."}.get(node.opening, node.opening)
    return f"\\left{opening} {latex(node.body)} \\right{closing}"


def _product(node: S.Product) -> str:
    parts = [_factor(node.factors[0], 0, node)]
    for k, (operator, factor) in enumerate(zip(node.operators, node.factors[1:], strict=True), start=1):
        parts.append(f" {operator} " if operator else " ")
        parts.append(_factor(factor, k, node))
    return "".join(parts)


def _factor(node: Node, at: int, product: S.Product) -> str:
    text = latex(node)
    last = at == len(product.factors) - 1
    if isinstance(node, S.Sum) or (isinstance(node, S.BigOperator) and not last):
        return f"\\left({text}\\right)"
    return text


def _sum(node: S.Sum) -> str:
    parts = []
    for k, (sign, term) in enumerate(zip(node.signs, node.terms, strict=True)):
        text = f"\\left({latex(term)}\\right)" if isinstance(term, S.Sum) else latex(term)
        parts.append(f"-{text}" if not k and sign == "-" else text if not k else f" {sign} {text}")
    return "".join(parts)


def _big_operator(node: S.BigOperator) -> str:
    body = latex(node.body)
    if isinstance(node.body, S.Sum):
        body = f"\\left({body}\\right)"
    return f"\\{node.operator}{_braced('_', node.lower)}{_braced('^', node.upper)} {body}"


def _apply(node: S.Apply) -> str:
    argument = latex(node.argument)
    if node.function.name == S.FACTORIAL:
        return f"{argument}!"
    if node.function.name == S.BINOMIAL and isinstance(node.argument, S.Group):
        above, below = node.argument.body.items  # type: ignore[attr-defined]
        return f"{S.BINOMIAL}{{{latex(above)}}}{{{latex(below)}}}"
    if not isinstance(node.argument, S.Group):
        argument = f"\\left({argument}\\right)" if isinstance(node.argument, S.Sum | S.Product) else f" {argument}"
    return f"{node.function.name}{_braced('_', node.sub)}{_braced('^', node.sup)}{argument}"


def _chain(node: S.Chain) -> str:
    parts = [latex(node.members[0])]
    for relation, member in zip(node.relations, node.members[1:], strict=True):
        parts.append(f" {relation} {latex(member)}")
    return "".join(parts)


def _cases(node: S.Cases) -> str:
    rows = (latex(v) + (f" & {latex(c)}" if c is not None else "") for v, c in node.rows)
    return "\\begin{cases} " + " \\\\ ".join(rows) + " \\end{cases}"


def _matrix(node: S.Matrix) -> str:
    rows = (" & ".join(latex(cell) for cell in row) for row in node.rows)
    return "\\begin{matrix} " + " \\\\ ".join(rows) + " \\end{matrix}"


def _sequence(node: S.Sequence) -> str:
    parts = [latex(node.items[0])]
    for separator, item in zip(node.separators, node.items[1:], strict=True):
        parts.append(f"{separator} {latex(item)}")
    return "".join(parts)


_WRITERS: dict[type[Node], Callable[..., str]] = {
    S.Number: lambda node: node.text,
    S.Symbol: _symbol,
    S.Accent: lambda node: f"\\{_ACCENTS.get(node.accent, node.accent)}{{{latex(node.body)}}}",
    S.Script: _script,
    S.Group: _group,
    S.Sequence: _sequence,
    S.Fraction: lambda node: f"\\frac{{{latex(node.numerator)}}}{{{latex(node.denominator)}}}",
    S.Root: lambda node: f"\\sqrt{f'[{latex(node.degree)}]' if node.degree else ''}{{{latex(node.radicand)}}}",
    S.Product: _product,
    S.Sum: _sum,
    S.BigOperator: _big_operator,
    S.Apply: _apply,
    S.Chain: _chain,
    S.Cases: _cases,
    S.Matrix: _matrix,
    S.Words: lambda node: f"\\text{{{node.text}}}",
    S.Decoration: lambda node: latex(node.body),
    S.HeldFixed: lambda node: f"\\left. {latex(node.body)} \\right|{_braced('_', node.fixed)}",
    S.Ellipsis: lambda node: "\\dots",
    S.Empty: lambda node: "",
    S.Unread: lambda node: node.text,
    S.Statement: lambda node: latex(node.node),
}
