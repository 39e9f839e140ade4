"""Commands with arguments: fractions, roots, accents, fonts, decorations, functions, sums."""

from __future__ import annotations

from dataclasses import replace

from derive.latex import constructs as table
from derive.latex.parser.arguments import argument, limits, script
from derive.latex.parser.cursor import Reader, is_size
from derive.latex.syntax import (
    BINOMIAL,
    Accent,
    Apply,
    BigOperator,
    Decoration,
    Ellipsis,
    Empty,
    Fraction,
    Group,
    Node,
    Number,
    Product,
    Root,
    Script,
    Sequence,
    Sum,
    Symbol,
    span_of,
)
from derive.latex.tokens import Token
from derive.source import Span

_NOTED = frozenset({"overset", "underset", "stackrel"})
_FUNCTION_MARKS = frozenset(f"\\{name}" for name in table.FUNCTIONS)

# -- without an argument -----------------------------------------------------------------------------------------------


def symbol(reader: Reader) -> Symbol:
    token = reader.take()
    return Symbol(token.text, "", token.span)


def ellipsis(reader: Reader) -> Node:
    return Ellipsis(reader.take().span)


# -- with arguments in braces ------------------------------------------------------------------------------------------


def fraction(reader: Reader) -> Node:
    token = reader.take()
    numerator = argument(reader, token)
    denominator = argument(reader, token)
    return Fraction(numerator, denominator, token.span.join(reader.peek(-1).span))


def binomial(reader: Reader) -> Node:
    """``\\binom{n}{k}``, as a function of both."""
    token = reader.take()
    items = argument(reader, token), argument(reader, token)
    span = token.span.join(reader.peek(-1).span)
    return Apply(Symbol(BINOMIAL, "", token.span), Group("(", Sequence(items, (",",), span), span), None, None, span)


def root(reader: Reader) -> Node:
    token = reader.take()
    degree = None
    if reader.look().text == "[":
        opened = reader.take()
        with reader.within(inside=True):
            degree = reader.expression()
        reader.expect("]", opened)
    radicand = argument(reader, token)
    return Root(radicand, degree, token.span.join(reader.peek(-1).span))


def accent(reader: Reader) -> Node:
    token = reader.take()
    with reader.within(strict=True):
        body = argument(reader, token)
    return Accent(table.ACCENTS[token.text[1:]], body, token.span.join(reader.peek(-1).span))


def font(reader: Reader) -> Node:
    """``\\mathbf{x}``: the letters inside carry the font."""
    token = reader.take()
    with reader.within(strict=True):
        body = argument(reader, token)
    return _with_font(body, table.FONTS[token.text[1:]], token.span.join(reader.peek(-1).span))


def _with_font(node: Node, name: str, span: Span) -> Node:
    """Give the letters of a node a font; other mathematics in it keeps its shape."""

    def inner(part: Node) -> Node:
        return _with_font(part, name, span_of(part))

    if not name:
        return node
    match node:
        case Symbol():
            return replace(node, font=name if node.font in ("", "word") else node.font, span=span)
        case Number():
            return Symbol(node.text, name, span)
        case Script():
            return replace(node, base=inner(node.base), span=span)
        case Accent():
            return replace(node, body=inner(node.body), span=span)
        case Product():
            return replace(node, factors=tuple(map(inner, node.factors)), span=span)
    return node


def skip_option(reader: Reader, name: str) -> None:
    """Skip the ``[yellow]`` of ``\\bbox[yellow]{...}``."""
    if name in table.WITH_OPTION and reader.look().text == "[":
        while reader.peek().kind != "end" and reader.take().text != "]":
            pass


def decoration(reader: Reader) -> Node:
    """A box, a colour, a brace with its note: drawn around one of the arguments."""
    token = reader.take()
    name = token.text[1:]
    arguments, body_at = table.DECORATIONS[name]
    body: Node = Empty(token.span)
    note: Node | None = None
    skip_option(reader, name)
    for number in range(arguments):
        if number == body_at:
            body = argument(reader, token)
        elif name in _NOTED:
            note = argument(reader, token)
        else:
            reader.skip_argument()
    if name in table.BRACES and reader.look().text in ("_", "^"):
        reader.take()
        note = script(reader)
    return Decoration(name, body, note, token.span.join(reader.peek(-1).span))


# -- with an argument that nothing closes ------------------------------------------------------------------------------


def function(reader: Reader) -> Node:
    """``\\log x``, ``\\tanh^2(u)``, ``exp(u)``: a function with its scripts and what it applies to, if anything."""
    token = reader.take()
    name = Symbol(token.text if token.kind == "command" else f"\\{token.text}", "", token.span)
    sub, sup = limits(reader)
    if not reader.starts(reader.look()):
        return Script(name, sub, sup, 0, name.span) if sub or sup else name
    inner = _function_argument(reader)
    return Apply(name, inner, sub, sup, name.span.join(span_of(inner)))


def _function_argument(reader: Reader) -> Node:
    """A bracket alone, else all factors up to a sign, the next function or a sum behind a factor."""
    first = reader.look()
    if first.text in ("(", "[", "{") or is_size(first):
        return reader.atom()
    factors = [reader.factor()]
    while reader.starts(reader.look()) and not _ends_argument(reader.look()) and reader.juxtaposed():
        factors.append(reader.factor())
    if len(factors) == 1:
        return factors[0]
    return Product(tuple(factors), ("",) * (len(factors) - 1), first.span.join(span_of(factors[-1])))


def _ends_argument(token: Token) -> bool:
    return token.text in _FUNCTION_MARKS or (token.kind == "command" and token.text[1:] in table.BIG_OPERATORS)


def big_operator(reader: Reader) -> Node:
    """``\\sum`` with its limits; its body is the rest of the product."""
    token = reader.take()
    name = table.BIG_OPERATORS[token.text[1:]]
    lower, upper = limits(reader)
    if name in ("max", "min") and lower is None and reader.look().text in ("(", "\\{", "\\left", "["):
        inner = reader.atom()
        return Apply(Symbol(token.text, "", token.span), inner, None, None, token.span.join(span_of(inner)))
    sign = reader.sign()
    body = reader.product()
    if sign is not None and sign != "+":
        body = Sum((body,), (sign,), span_of(body))
    return BigOperator(name, lower, upper, body, token.span.join(span_of(body)))
