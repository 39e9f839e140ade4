"""The core of the parser: chains of relations, sums, products, factors, by binding power."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from derive.latex import constructs as table
from derive.latex.parser import commands, delimiters, environments, holes, prose
from derive.latex.parser.arguments import with_scripts
from derive.latex.parser.cursor import Reader, is_size, is_text, separates
from derive.latex.parser.relations import is_relation, relation
from derive.latex.syntax import (
    FACTORIAL,
    Apply,
    Chain,
    Ellipsis,
    Empty,
    Fraction,
    Node,
    Number,
    Product,
    Sum,
    Symbol,
    span_of,
)
from derive.latex.tokens import Token, is_word
from derive.source import SourceError, Span

MAX_DIGITS = 40

_SIGNS = frozenset({"+", "-", "\\pm", "\\mp"})
_ROW_BREAKS = frozenset({"\\\\", "&"})
_WIDE = _ROW_BREAKS | {"\\quad", "\\qquad"}
_OPERATORS = frozenset({"*", "/", "\\div"} | {f"\\{name}" for name in table.PRODUCTS})
_SPELLINGS = {"\\ast": "*", "\\div": "/", "\\cdotp": "\\cdot"}

_READERS: tuple[tuple[Iterable[str], Callable[[Reader], Node]], ...] = (
    (table.SYMBOLS | {"top", "intercal", "dagger", "Pr", "perp"}, commands.symbol),
    (table.FRACTIONS, commands.fraction),
    (table.BINOMIALS, commands.binomial),
    (table.ROOTS, commands.root),
    (table.BIG_OPERATORS, commands.big_operator),
    (table.FUNCTIONS, commands.function),
    (table.ACCENTS, commands.accent),
    (table.FONTS, commands.font),
    (table.TEXT_FONTS, prose.text),
    (table.DECORATIONS, commands.decoration),
    (table.ELLIPSES, commands.ellipsis),
    (table.DELIMITER_SIZES - {"left"}, delimiters.sized),
    ({"left"}, delimiters.left),
    ({"begin"}, environments.environment),
    ({opening[1:] for opening in table.OPENING if opening.startswith("\\")}, delimiters.group),
)
_READER = {name: read for names, read in _READERS for name in names}
"""How the commands that begin a factor are read."""

_REFUSED = frozenset({"mathbf1", "E", "P", "deg"})
"""Commands that would begin a factor, if derive knew what to make of them."""


class Parser(Reader):
    """The grammar over one list of tokens."""

    # -- chains ----------------------------------------------------------------------------------------------------

    def chain(self) -> Node:
        first = self.look()
        if is_relation(self):
            members: list[Node] = [Empty(Span(first.span.start, first.span.start))]
        else:
            members = [holes.side(self, self.expression)]
        relations: list[str] = []
        while (sign := self._next_relation()) is not None:
            relations.append(sign)
            members.append(self._member())
        if not relations:
            return members[0]
        return Chain(tuple(members), tuple(relations), first.span.join(span_of(members[-1])))

    def _next_relation(self) -> str | None:
        """The relation that continues the chain, on this row or at the start of the next one."""
        start = self.at
        while self.look().text in (_WIDE - _ROW_BREAKS if self.here.cell else _WIDE):
            self.take()
        sign = relation(self)
        if sign is None:
            self.at = start
        return sign

    def _member(self) -> Node:
        """The side after a relation; `Empty` where nothing stands."""
        while (self.look().text == "&" and not self.here.cell) or (self.look().text == "\\\\" and self._row_goes_on()):
            self.take()
        token = self.look()
        if token.kind == "end" or token.text in ("\\\\", "}", "\\end") or (separates(token) and not self.starts(token)):
            return Empty(Span(token.span.start, token.span.start))
        return holes.side(self, self.expression)

    # -- sums ------------------------------------------------------------------------------------------------------

    def expression(self) -> Node:
        self.drop_braces()
        first = self.look()
        signs = [self.sign() or "+"]
        terms = [self.product()]
        while (sign := self.sign()) is not None:
            signs.append(sign)
            terms.append(self.product())
        if signs == ["+"]:
            return terms[0]
        return Sum(tuple(terms), tuple(signs), first.span.join(span_of(terms[-1])))

    def sign(self) -> str | None:
        start = self.at
        while self.look().text in _WIDE and self._row_goes_on():
            self.take()
        self.drop_braces()
        sign: str | None = None
        while (text := self.look().text) in _SIGNS:
            self.take()
            sign = text if text.startswith("\\") else _times(sign or "+", text)
        if sign is None:
            self.at = start
        return sign

    def _row_goes_on(self) -> bool:
        """Whether the next row only continues this expression: it begins with an operator and is no equation itself."""
        if self.here.cell:
            return False
        at = self.at
        aligned = False
        while self.tokens[at].text in _WIDE or self.tokens[at].text in ("\\,", "\\;", "\\ "):
            aligned = self.tokens[at].text == "&"
            at += 1
        token = self.tokens[at]
        operator = token.text in ("+", "-") or (token.kind == "command" and token.text[1:] in table.PRODUCTS)
        return operator and (aligned or token.text == "+" or not self._row_relates(at))

    def _row_relates(self, at: int) -> bool:
        """Whether a relation stands in the row, outside of brackets."""
        level = 0
        while self.tokens[at].kind != "end" and (level or self.tokens[at].text != "\\\\"):
            token = self.tokens[at]
            level += (token.text in ("{", "(", "[")) - (token.text in ("}", ")", "]"))
            if level == 0 and (token.text == "=" or token.text[1:] in table.RELATIONS):
                return True
            at += 1
        return False

    # -- products --------------------------------------------------------------------------------------------------

    def product(self) -> Node:
        self.drop_braces()
        first = self.look()
        factors = [self.factor()]
        operators: list[str] = []
        while (operator := self._product_operator()) is not None:
            factors.append(self._signed_factor() if operator else self.factor())
            operators.append(operator)
        if not operators:
            return factors[0]
        return Product(tuple(factors), tuple(operators), first.span.join(span_of(factors[-1])))

    def juxtaposed(self) -> bool:
        return self._product_operator() == ""

    def _product_operator(self) -> str | None:
        """The sign of the next product, ``""`` for juxtaposition, None where the product ends."""
        start = self.at
        while self.look().text in _ROW_BREAKS and self._row_goes_on():
            self.take()
        self.drop_braces()
        token = self.look()
        if token.text == "." and self._dot_multiplies():
            self.take()
            return "\\cdot"
        if token.text in _OPERATORS:
            self.take()
            return _SPELLINGS.get(token.text, token.text)
        if self.starts(token) and (self.here.inside or not self._row_broken_since(start)):
            return ""
        self.at = start
        return None

    def _dot_multiplies(self) -> bool:
        """Whether a dot stands between factors, ``w . x``: no sentence ends there, and no equation begins behind it."""
        start = self.at
        self.take()
        token = self.look()
        follows = self.starts(token) and token.text != "." and not is_text(token)
        ends = follows and not self.here.inside and self._equation_follows()
        self.at = start
        return follows and not ends

    def _equation_follows(self) -> bool:
        """Whether a relation stands before the next separator, outside of brackets."""
        level, at = 0, self.at
        while (token := self.tokens[at]).kind != "end" and (level > 0 or not separates(token)):
            level += (token.text in ("{", "(", "[")) - (token.text in ("}", ")", "]"))
            if level < 0 or token.text == "\\end":
                return False
            if level == 0 and (token.text == "=" or token.text[1:] in table.RELATIONS):
                return True
            at += 1
        return False

    def _row_broken_since(self, start: int) -> bool:
        return any(token.text in _ROW_BREAKS for token in self.tokens[start : self.at])

    def _signed_factor(self) -> Node:
        """A factor that may carry its own sign after an explicit product: ``a \\cdot -b``."""
        token = self.look()
        sign = self.sign() if token.text in ("+", "-") else None
        factor = self.factor()
        return Sum((factor,), (sign,), token.span.join(span_of(factor))) if sign == "-" else factor

    # -- factors ---------------------------------------------------------------------------------------------------

    def factor(self) -> Node:
        """An atom with its scripts, primes and a ``|_{...}`` behind it."""
        with self.deeper(self.look()):
            node = with_scripts(self, self.atom())
            node = self._postfix(node)
            while delimiters.is_held_fixed(self):
                node = delimiters.held_fixed(self, node)
        return node

    def _postfix(self, node: Node) -> Node:
        """``3!`` and ``90\\%``."""
        token = self.look()
        if token.text == "\\%" and isinstance(node, Number):
            self.take()
            return Fraction(node, Number("100", token.span), span_of(node).join(token.span))
        if token.text == "!" and self.peek(1).text not in ("=", "!"):
            self.take()
            return Apply(Symbol(FACTORIAL, "", token.span), node, None, None, span_of(node).join(token.span))
        return node

    def atom(self) -> Node:
        token = self.look()
        if token.kind == "number":
            return self._number()
        if token.kind == "letter":
            return commands.symbol(self)
        if token.kind == "word":
            return self._word(token)
        if token.text == "{":
            return self.braces()
        if token.text in ("(", "["):
            return delimiters.group(self)
        if token.text in table.BARS:
            return delimiters.bars(self)
        if self._is_ellipsis():
            self.at += 3
            return Ellipsis(token.span)
        read = _READER.get(token.text[1:]) if token.kind == "command" else None
        if read is None:
            raise self.unexpected(token)
        return read(self)

    def braces(self) -> Node:
        return delimiters.braces(self)

    def _number(self) -> Node:
        token = self.take()
        if len(token.text) > MAX_DIGITS:
            raise SourceError(f"a number of more than {MAX_DIGITS} digits", token.span)
        return Number(token.text, token.span)

    def _is_ellipsis(self) -> bool:
        return all(self.peek(k).text == "." for k in range(3))

    def _word(self, token: Token) -> Node:
        """A run of letters: one word, or the first letter of it with the rest left standing."""
        if not self.here.script and token.text in table.FUNCTIONS:
            return commands.function(self)
        if not self.here.script and is_word(token.text):
            return Symbol(self.take().text, "word", token.span)
        self.split()
        return Symbol(self.take().text, "", Span(token.span.start, token.span.start + 1))

    # -- what can begin a factor -------------------------------------------------------------------------------------

    def starts(self, token: Token) -> bool:
        if token.kind in ("letter", "word", "number"):
            return True
        if token.text in table.BARS:
            return delimiters.opens_bar(self, token)
        if token.kind == "command":
            return self._command_starts(token)
        return token.text in ("{", "(", "[") or self._is_ellipsis()

    def _command_starts(self, token: Token) -> bool:
        if is_size(token):
            return delimiters.sized_opens(self)
        if is_text(token):
            return prose.is_name(self)
        if token.text == "\\begin":
            return self.environment_name() in environments.VALUES
        if token.text in ("\\overset", "\\stackrel", "\\underset"):
            return not is_relation(self)
        return token.text[1:] in _READER or token.text[1:] in _REFUSED


def _times(first: str, second: str) -> str:
    """The product of two signs."""
    return "-" if (first == "-") != (second == "-") else "+"
