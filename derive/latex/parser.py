"""LaTeX to syntax nodes: a Pratt parser over tokens.

A display is read as *statements*, rows of equations with what is said beside them, and each statement's expressions
by binding power: relations, then sums, then products and juxtaposition, then scripts. The parser does not know what a
letter means. It consumes all of a statement or says where it stopped; a statement that cannot be read does not spoil
the next row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from derive.latex import constructs as table
from derive.latex.syntax import (
    Accent,
    Apply,
    BigOperator,
    Cases,
    Chain,
    Decoration,
    Ellipsis,
    Empty,
    Fraction,
    Group,
    HeldFixed,
    Matrix,
    Node,
    Number,
    Product,
    Root,
    Script,
    Sequence,
    Statement,
    Sum,
    Symbol,
    Unreadable,
    Words,
    span_of,
)
from derive.latex.tokens import Macro, Token, is_word, split, tokenize
from derive.source import SourceError, Span, Text

MAX_DEPTH = 60
MAX_DIGITS = 40

_RELATION_MARKS = {"=", "<", ">", "≤", "≥", "≠"}
_SEPARATORS = {",", ";", ":", "|"}
# Prose that joins two statements, and prose that begins a condition.
_CONDITION_WORDS = frozenset(
    ["if", "for", "when", "unless", "otherwise", "else", "forall", "each", "all", "any", "every", "only"]
    + ["wenn", "falls", "für", "sonst", "si", "quand", "pour", "sinon", "cuando", "para", "se", "quando", "per"]
    + ["если", "при", "для", "иначе", "当", "若", "如果", "对", "对于", "否则", "場合", "もし"]
)
_OPERANDS = frozenset(
    {*table.SYMBOLS, *table.FUNCTIONS, *table.BIG_OPERATORS, *table.ACCENTS, *table.FONTS, *table.DECORATIONS}
    | {*table.FRACTIONS, *table.ROOTS, *table.ELLIPSES, "binom"}
    | {"mathbf1", "mathds", "Pr", "E", "P", "top", "intercal", "dagger", "deg", "perp"}
)
_FUNCTION_MARKS = frozenset(f"\\{name}" for name in table.FUNCTIONS)


def parse_display(text: Text, macros: Mapping[str, Macro] | None = None) -> tuple[Statement | Unreadable, ...]:
    """All statements of a piece of mathematics, in order. Never raises: what cannot be read comes back `Unreadable`."""
    try:
        tokens = tokenize(text, macros or {})
    except SourceError as error:
        return (Unreadable(error.message, error.hint, error.span),)
    return tuple(_Parser(tokens).display())


def parse_expression(text: Text, macros: Mapping[str, Macro] | None = None) -> Node:
    """One expression or chain, the whole of ``text``. Raises `SourceError`."""
    parser = _Parser(tokenize(text, macros or {}))
    node = parser.chain()
    parser.expect_end()
    return node


class _Parser:
    """A cursor over tokens. ``inside`` counts open brackets: there, row breaks and ``&`` say nothing."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.inside = 0
        self.depth = 0
        self.bars: list[str] = []
        self.script = False

    # -- the token stream ----------------------------------------------------------------------------------------

    def peek(self, ahead: int = 0) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.peek()
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def look(self) -> Token:
        """The next token that says something: spaces and commands for looks are skipped."""
        while self._skippable(self.peek()):
            self._skip()
        return self.peek()

    def _drop_braces(self) -> None:
        """Braces that carry no script group nothing on the page: ``{a + b} c`` is read as ``a + b c``."""
        while self.look().text == "{":
            close = self._closing_brace(self.at)
            if self.tokens[close + 1].text in ("_", "^") or self.tokens[close + 1].kind == "prime":
                return
            del self.tokens[close], self.tokens[self.at]

    def _skippable(self, token: Token) -> bool:
        if token.kind == "command":
            name = token.text[1:]
            if name in table.WIDE_SPACES:
                return self.inside > 0
            return name in table.SPACES or name in table.IGNORED or name in ("\n", " ", "\t")
        return token.text in ("~", "$") or (self.inside > 0 and token.text in ("&", "\\\\"))

    def _skip(self) -> None:
        name = self.take().text[1:]
        if name in ("hspace", "vspace", "phantom", "vphantom", "hphantom") or table.IGNORED.get(name, 0):
            for _ in range(max(1, table.IGNORED.get(name, 0))):
                self._skip_argument()

    def _skip_argument(self) -> None:
        if self.peek().text == "*":
            self.take()
        if self.peek().text == "[":
            while self.peek().kind != "end" and self.take().text != "]":
                pass
        if self.peek().text != "{":
            return
        self.at = self._closing_brace(self.at) + 1

    def _closing_brace(self, at: int) -> int:
        """The position of the brace that closes the one at ``at``."""
        level = 0
        for k in range(at, len(self.tokens)):
            level += (self.tokens[k].text == "{") - (self.tokens[k].text == "}")
            if level == 0:
                return k
        raise SourceError("this brace is never closed", self.tokens[at].span, "Add a } where the group ends.")

    def accept(self, text: str) -> bool:
        if self.look().text == text and self.look().kind != "end":
            self.take()
            return True
        return False

    def expect(self, text: str, opened: Token) -> Token:
        token = self.look()
        if token.text != text or token.kind == "end":
            raise self.unexpected(token, f"{opened.text} is not closed with {text}")
        return self.take()

    def expect_end(self) -> None:
        if self.look().kind != "end":
            raise self.unexpected(self.look())

    def unexpected(self, token: Token, problem: str = "") -> SourceError:
        if token.kind == "end":
            return SourceError(problem or "the formula ends too early", token.span)
        if token.kind == "command" and token.text[1:] not in table.COMMANDS:
            return SourceError(
                f"{token.text} is not a command that derive knows",
                token.span,
                f"If it is your macro, define it in the document with \\newcommand{{{token.text}}}{{...}}.",
            )
        return SourceError(problem or f"cannot read on at {token.text!r}", token.span)

    def deeper(self, at: Token) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SourceError(f"nested more than {MAX_DEPTH} deep", at.span, "Name the parts and write them apart.")

    # -- statements ----------------------------------------------------------------------------------------------

    def display(self, stop: str = "") -> list[Statement | Unreadable]:
        """Statements up to the end of the text, or to the token ``stop`` (which is left standing)."""
        found: list[Statement | Unreadable] = []
        while not self._ends(stop):
            start = self.at
            try:
                self._statement(found, stop)
            except SourceError as error:
                self._recover(start, stop)
                found.append(Unreadable(error.message, error.hint, error.span))
        return found

    def _ends(self, stop: str) -> bool:
        while self._between(self.look()) and self.look().text != stop:
            self.take()
        token = self.look()
        return token.kind == "end" or token.text == stop

    def _between(self, token: Token) -> bool:
        """Whether a token separates statements."""
        if token.kind == "command":
            return token.text[1:] in table.WIDE_SPACES or token.text[1:] in table.IMPLICATIONS
        return token.text in ("\\\\", "&", ",", ";", ".", ":")

    def _recover(self, start: int, stop: str) -> None:
        """After an error go on at the next row of the same level."""
        self.inside, self.bars, self.script, self.depth = 0, [], False, 0
        self.at = start
        level = 0
        while self.peek().kind != "end":
            token = self.peek()
            if level == 0 and self.at > start and token.text in ("\\\\", stop):
                return
            level += (token.text in ("{", "\\begin")) - (token.text in ("}", "\\end"))
            if level < 0:
                if token.text == stop:
                    return
                level = 0
            self.take()

    def _statement(self, found: list[Statement | Unreadable], stop: str) -> None:
        first = self.look()
        if self._wrapper(found):
            return
        self._label()
        lead = self._lead(found)
        if self._ends(stop):
            return
        begin = self.look()
        node = self.chain()
        asides = self._asides(stop)
        span = first.span.join(self.peek(-1).span) if self.at else begin.span
        if _is_condition_word(lead) and self._is_condition(node):
            self._conditional(found, node, stop)
            return
        found.append(Statement(node, tuple(asides), lead, span))
        self._refuse_remainder(stop)

    def _is_condition(self, node: Node) -> bool:
        """Whether a chain behind *if* says something about indices or labels, and a statement follows."""
        if not isinstance(node, Chain) or self.look().text not in (":", ",", "&", "\\quad", "\\qquad"):
            return False
        simple = all(isinstance(m, Symbol | Number | Script | Ellipsis | Sequence) for m in node.members)
        return simple or "=" not in node.relations

    def _conditional(self, found: list[Statement | Unreadable], condition: Node, stop: str) -> None:
        """``if i = j: statement``: the condition becomes an aside of the statement that follows."""
        if self._ends(stop):
            return
        at = len(found)
        self._statement(found, stop)
        for k in range(at, len(found)):
            old = found[k]
            if isinstance(old, Statement):
                found[k] = Statement(old.node, (condition, *old.asides), old.lead, old.span)

    def _refuse_remainder(self, stop: str) -> None:
        """A statement ends at a separator, before prose or at the end; anything else was not understood."""
        token = self.look()
        if token.kind == "end" or token.text == stop or self._between(token) or self._is_text(token):
            return
        raise self.unexpected(token)

    def _wrapper(self, found: list[Statement | Unreadable]) -> bool:
        """An environment, a box or braces around whole statements: read what is inside as statements."""
        token = self.look()
        if token.text == "\\begin" and self._environment_name() in (*table.ROW_ENVIRONMENTS, "array"):
            self._rows(found)
            return True
        if token.text == "{" and self._wraps_rows(self.at + 1):
            self.take()
            found.extend(self.display("}"))
            self.expect("}", token)
            return True
        name = token.text[1:] if token.kind == "command" else ""
        if name in table.DECORATIONS and name not in table.BRACES and self._stands_alone():
            self._decorated(found, *table.DECORATIONS[name])
            return True
        return False

    def _wraps_rows(self, at: int) -> bool:
        """Whether braces hold, after commands for looks, a row environment."""
        while self.tokens[at].kind == "command" and self.tokens[at].text[1:] in table.IGNORED:
            at += 1
        return self.tokens[at].text == "\\begin" and self._name_at(at) in table.ROW_ENVIRONMENTS

    def _environment_name(self) -> str:
        return self._name_at(self.at)

    def _name_at(self, at: int) -> str:
        """The name, without a star, in ``\\begin{name}`` at a position."""
        at += 2
        name = ""
        while at < len(self.tokens) and self.tokens[at].text not in ("}", "*") and self.tokens[at].kind != "end":
            name += self.tokens[at].text
            at += 1
        return name

    def _stands_alone(self) -> bool:
        """Whether a decoration's arguments are followed by the end of the statement."""
        at = self.at + 1
        while self.tokens[at].text == "{":
            at = self._closing_brace(at) + 1
        while self.tokens[at].text in (".", ",", ";", "\\quad", "\\qquad", "\\,", "\\;"):
            at += 1
        return self.tokens[at].kind == "end" or self.tokens[at].text in ("\\\\", "&", "}", "\\end", "\\tag", "\\label")

    def _decorated(self, found: list[Statement | Unreadable], arguments: int, body: int) -> None:
        self.take()
        for number in range(arguments):
            opened = self.look()
            if number != body:
                self._skip_argument()
                continue
            self.expect("{", opened)
            found.extend(self.display("}"))
            self.expect("}", opened)

    def _rows(self, found: list[Statement | Unreadable]) -> None:
        opened = self.peek()
        name = self._open_environment()
        found.extend(self.display("\\end"))
        if self.look().text != "\\end":
            raise SourceError(f"\\begin{{{name}}} is never ended", opened.span, f"Add \\end{{{name}}}.")
        self._close_environment(name, opened)

    def _open_environment(self) -> str:
        """Consume ``\\begin{name}`` with its arguments (column specifications, positions)."""
        name = self._environment_name()
        self.take()
        self._skip_argument()
        while self.peek().text == "[" or (name in ("array", "alignat", "alignedat") and self.peek().text == "{"):
            before = self.at
            self._skip_argument()
            if self.at == before:
                break
        return name

    def _close_environment(self, name: str, opened: Token) -> None:
        closing = self._environment_name()
        if closing != name:
            raise SourceError(
                f"\\begin{{{name}}} is ended by \\end{{{closing}}}", self.peek().span, f"Write \\end{{{name}}}."
            )
        self.take()
        self._skip_argument()

    def _label(self) -> None:
        """Skip ``a)``, ``(b)``, ``1.`` or ``(Mean)`` in front of an equation."""
        for shape in (("(", None, ")"), (None, ")"), (None, ".")):
            start = self.at
            tokens = [self.peek(k) for k in range(len(shape))]
            fits = all(want is None or token.text == want for want, token in zip(shape, tokens, strict=True))
            if fits and self._labels(tokens[shape.index(None)], shape[-1] or ""):
                self.at += len(shape)
                if self._starts(self.look()):
                    return
            self.at = start

    def _labels(self, name: Token, close: str) -> bool:
        if close == ".":
            return name.kind == "number" and name.text.isdigit()
        return name.kind in ("letter", "number", "word")

    def _lead(self, found: list[Statement | Unreadable]) -> str:
        """Prose in front of a statement."""
        lead: list[str] = []
        while self._is_text(self.look()) and (words := self._prose()):
            lead.append(words.text)
            self._ends("")
        if self.look().text == "\\forall":
            lead.append("for all")
            self.take()
        return " ".join(lead)

    def _is_text(self, token: Token) -> bool:
        return token.kind == "command" and token.text[1:] in table.TEXT_FONTS

    def _prose(self) -> Words | None:
        """The words of ``\\text{...}`` when they are prose and not a name; the cursor stays where they are a name."""
        start = self.at
        node = self._text()
        if isinstance(node, Words):
            return node
        token = self.look()
        if isinstance(node, Symbol) and not node.name.isascii() and (self._starts(token) or self._between(token)):
            return Words(node.name, node.span)  # a word of another script that stands in front of something
        self.at = start
        return None

    def _asides(self, stop: str) -> list[Node]:
        """Conditions and remarks after a statement, up to the next statement."""
        asides: list[Node] = []
        while True:
            start = self.at
            separated = self._aside_separator()
            token = self.look()
            if token.kind == "end" or token.text == stop:
                return asides
            if self._is_text(token) and (words := self._prose()):
                follows = self._starts(self.look())
                if follows and not _is_condition_word(words.text):
                    self.at = start
                    return asides
                asides.append(words)
                if follows:
                    asides.append(self.chain())
                continue
            if token.text == "\\forall":
                self.take()
                asides.append(self.chain())
                continue
            if separated and (remark := self._remark()):
                asides.append(remark)
                continue
            self.at = start
            return asides

    def _aside_separator(self) -> bool:
        """Skip spaces, commas and alignment before an aside; row breaks belong to the next statement."""
        separated = False
        while self.look().text in (",", "&", "\\quad", "\\qquad", "\\hfill"):
            self.take()
            separated = True
        return separated

    def _remark(self) -> Node | None:
        """A bracketed remark that stands alone: ``(k \\neq i)``; or a bare condition on indices."""
        start = self.at
        try:
            node = self.chain()
        except SourceError:
            node = None
        ends = (
            self.look().kind == "end" or self.look().text in ("\\\\", "\\end", "}", ".") or self._is_text(self.look())
        )
        if node is not None and ends and isinstance(node, Group) and isinstance(node.body, Chain | Sequence | Words):
            return node
        unequal = isinstance(node, Chain) and set(node.relations) <= {"\\neq", "\\in", "<", ">", "\\leq", "\\geq"}
        if ends and unequal:
            return node
        self.at = start
        return None

    # -- relations -----------------------------------------------------------------------------------------------

    def chain(self) -> Node:
        """Expressions with relations between them; a lone expression comes back as it is."""
        members: list[Node] = []
        relations: list[str] = []
        first = self.look()
        if self.relation(peek=True) is None:
            members.append(self.expression())
        else:
            members.append(Empty(Span(first.span.start, first.span.start)))
        while (relation := self._next_relation()) is not None:
            relations.append(relation)
            members.append(self._member())
        if not relations:
            return members[0]
        return Chain(tuple(members), tuple(relations), first.span.join(span_of(members[-1])))

    def _member(self) -> Node:
        """The side after a relation; `Empty` where nothing stands."""
        self._skip_alignment()
        if self._starts(self.look()) or self.look().text in ("+", "-", "\\pm", "\\mp"):
            return self.expression()
        token = self.look()
        if token.kind == "end" or token.text in ("\\\\", "}", "\\end") or self._between(token):
            return Empty(Span(token.span.start, token.span.start))
        raise self.unexpected(token)

    def _skip_alignment(self) -> None:
        while self.look().text == "&" or (self.look().text == "\\\\" and self._row_goes_on()):
            self.take()

    def _next_relation(self) -> str | None:
        """The relation that continues the chain, on this row or at the start of the next one."""
        start = self.at
        while self.look().text in ("\\\\", "&", "\\quad", "\\qquad"):
            self.take()
        relation = self.relation()
        if relation is None:
            self.at = start
        return relation

    def relation(self, peek: bool = False) -> str | None:
        """Consume a relation sign and name it, or consume nothing."""
        start = self.at
        name = self._relation()
        if peek or name is None:
            self.at = start
        return name

    def _relation(self) -> str | None:
        token = self.look()
        if token.text in ("\\overset", "\\stackrel", "\\underset"):
            return self._decorated_relation()
        if token.text == "\\not":
            self.take()
            name = self._relation()
            return {"=": "\\neq", "\\in": "\\notin"}.get(name or "")
        if token.text == ":" and self.peek(1).text == "=":
            self.at += 2
            return "="
        if token.text in ("!", "/") and self.peek(1).text == "=" and token.text == "!":
            self.at += 2
            return "\\neq"
        if token.kind == "command" and token.text[1:] in table.RELATIONS:
            self.take()
            return {"\\ne": "\\neq", "\\le": "\\leq", "\\ge": "\\geq", "\\eq": "="}.get(token.text, token.text)
        if token.text not in _RELATION_MARKS or token.kind == "end":
            return None
        self.take()
        return self._compound(token)

    def _compound(self, token: Token) -> str:
        """``==``, ``<=`` and ``>=`` are one sign; ``=`` before ``>`` is an arrow between statements."""
        if self.peek().text == "=" and not self.peek().spaced:
            self.take()
            return {"=": "=", "<": "\\leq", ">": "\\geq"}.get(token.text, token.text)
        return token.text

    def _decorated_relation(self) -> str | None:
        """``\\overset{(a)}{=}`` is the relation in its last argument."""
        self.take()
        self._skip_argument()
        if self.peek().text != "{":
            return self.relation()
        close = self._closing_brace(self.at)
        self.take()
        name = self._relation()
        if name is None or self.at != close:
            return None
        self.take()
        return name

    # -- sums and products ---------------------------------------------------------------------------------------

    def expression(self) -> Node:
        """Signed terms."""
        self._drop_braces()
        first = self.look()
        terms: list[Node] = []
        signs: list[str] = []
        while True:
            sign, found = self._sign()
            if terms and not found:
                break
            terms.append(self.product())
            signs.append(sign)
        if signs == ["+"]:
            return terms[0]
        return Sum(tuple(terms), tuple(signs), first.span.join(span_of(terms[-1])))

    def _sign(self) -> tuple[str, bool]:
        """The sign in front of a term, several in a row multiplied, and whether there was any."""
        start = self.at
        while self.look().text in ("\\\\", "&", "\\quad", "\\qquad") and self._row_goes_on():
            self.take()
        self._drop_braces()
        sign, found = "+", False
        while (text := self.look().text) in ("+", "-", "\\pm", "\\mp") and self.look().kind != "end":
            self.take()
            found = True
            sign = text if text.startswith("\\") else ("-" if (sign == "-") != (text == "-") else "+")
        if not found:
            self.at = start
        return sign, found

    def _row_goes_on(self) -> bool:
        """Whether the next row only continues this expression: it begins with an operator and is no equation itself."""
        at = self.at
        aligned = False
        while self.tokens[at].text in ("\\\\", "&", "\\quad", "\\qquad", "\\,", "\\;", "\\ "):
            aligned = self.tokens[at].text == "&"
            at += 1
        token = self.tokens[at]
        operator = token.text in ("+", "-") or (token.kind == "command" and token.text[1:] in table.PRODUCTS)
        return operator and (aligned or token.text == "+" or not self._row_relates(at))

    def _row_relates(self, at: int) -> bool:
        level = 0
        while self.tokens[at].kind != "end" and (level or self.tokens[at].text != "\\\\"):
            token = self.tokens[at]
            level += (token.text in ("{", "(", "[")) - (token.text in ("}", ")", "]"))
            if level == 0 and (token.text == "=" or token.text[1:] in table.RELATIONS):
                return True
            at += 1
        return False

    def product(self) -> Node:
        """Factors with or without a sign between them."""
        self._drop_braces()
        first = self.look()
        factors = [self.factor()]
        operators: list[str] = []
        while (operator := self._product_operator()) is not None:
            factors.append(self._signed_factor() if operator else self.factor())
            operators.append(operator)
        if not operators:
            return factors[0]
        return Product(tuple(factors), tuple(operators), first.span.join(span_of(factors[-1])))

    def _product_operator(self) -> str | None:
        """The sign of the next product, ``""`` for juxtaposition, None where the product ends."""
        start = self.at
        while self.look().text in ("\\\\", "&") and self._row_goes_on():
            self.take()
        self._drop_braces()
        token = self.look()
        if token.text in ("*", "/") or (token.kind == "command" and token.text[1:] in table.PRODUCTS | {"div"}):
            self.take()
            return {"\\ast": "*", "\\div": "/", "\\cdotp": "\\cdot"}.get(token.text, token.text)
        if self._starts(token) and self.at == start + self._skipped(start):
            return ""
        self.at = start
        return None

    def _skipped(self, start: int) -> int:
        """How many tokens without meaning stand between ``start`` and the cursor; row breaks do not count."""
        passed = self.tokens[start : self.at]
        return len(passed) if all(token.text not in ("\\\\", "&") for token in passed) or self.inside else -1

    def _signed_factor(self) -> Node:
        """A factor that may carry its own sign after an explicit product: ``a \\cdot -b``."""
        token = self.look()
        if token.text not in ("+", "-"):
            return self.factor()
        sign, _ = self._sign()
        factor = self.factor()
        return Sum((factor,), (sign,), token.span.join(span_of(factor))) if sign == "-" else factor

    def _starts(self, token: Token) -> bool:
        """Whether a token can begin a factor."""
        if token.kind in ("letter", "word", "number"):
            return True
        if token.kind == "command":
            return self._command_starts(token)
        if token.text in ("|", "‖"):
            return self._opens_bar(token)
        return token.text in ("{", "(", "[") or self._is_ellipsis()

    def _command_starts(self, token: Token) -> bool:
        name = token.text[1:]
        if name in ("|", "vert", "Vert"):
            return self._opens_bar(token)
        if name in table.DELIMITER_SIZES:
            return self._sized_opens()
        if token.text in table.OPENING:
            return True
        if self._is_text(token):
            return self._text_is_name()
        if name == "begin":
            return self._environment_name() in table.CASES_ENVIRONMENTS | set(table.MATRIX_ENVIRONMENTS)
        if name in ("overset", "stackrel", "underset"):
            return self.relation(peek=True) is None
        return name in _OPERANDS

    def _text_is_name(self) -> bool:
        start = self.at
        try:
            return not isinstance(self._text(), Words)
        except SourceError:
            return False
        finally:
            self.at = start

    # -- factors -------------------------------------------------------------------------------------------------

    def factor(self) -> Node:
        """An atom with its scripts, primes and a ``|_{...}`` behind it."""
        token = self.look()
        self.deeper(token)
        node = self._scripts(self._atom())
        while self._held_fixed():
            node = self._evaluated(node)
        self.depth -= 1
        return node

    def _atom(self) -> Node:
        token = self.look()
        if token.kind == "number":
            return self._number(self.take())
        if token.kind == "letter":
            return Symbol(self.take().text, "", token.span)
        if token.kind == "word":
            return self._word()
        if token.kind == "command":
            return self._command(token)
        if token.text == "{":
            return self._braces()
        if token.text in ("(", "["):
            return self._group(self.take(), table.OPENING[token.text])
        if token.text in ("|", "‖"):
            return self._bars()
        if self._is_ellipsis():
            self.at += 3
            return Ellipsis(token.span)
        raise self.unexpected(token)

    def _number(self, token: Token) -> Node:
        if len(token.text) > MAX_DIGITS:
            raise SourceError(f"a number of more than {MAX_DIGITS} digits", token.span)
        return Number(token.text, token.span)

    def _is_ellipsis(self) -> bool:
        return all(self.peek(k).text == "." for k in range(3))

    def _word(self) -> Node:
        """A run of letters: one word, or one letter of it with the rest put back."""
        token = self.take()
        if not self.script and token.text in table.FUNCTIONS and f"\\{token.text}" in _FUNCTION_MARKS:
            return self._apply(Symbol(f"\\{token.text}", "", token.span))
        if not self.script and is_word(token.text):
            return Symbol(token.text, "word", token.span)
        self.at -= 1
        self.tokens[self.at : self.at + 1] = split(token)
        return Symbol(self.take().text, "", Span(token.span.start, token.span.start + 1))

    def _braces(self) -> Node:
        """``{...}`` is what it holds."""
        opened = self.take()
        outer, self.inside = self.inside, self.inside + 1
        if self.look().text == "}":
            node: Node = Empty(opened.span)
        else:
            node = self._sequence(("}",))
        self.inside = outer
        self.expect("}", opened)
        return node

    def _group(self, opened: Token, closing: str) -> Node:
        """A bracketed part, its opening bracket taken already."""
        outer_bars, self.bars = self.bars, []
        self.inside += 1
        body = self._group_body(opened, closing)
        self.bars = outer_bars
        closed = self.look()
        if closed.text == "\\right" or closed.text[1:] in table.DELIMITER_SIZES:
            raise self.unexpected(closed, f"{opened.text} is not closed with {closing} before {closed.text}")
        self.expect(closing, opened)
        self.inside -= 1
        return Group(opened.text, body, opened.span.join(closed.span))

    def _group_body(self, opened: Token, *closings: str) -> Node:
        if self.look().text in closings:
            return Empty(opened.span)
        return self._sequence(closings)

    def _sequence(self, closings: tuple[str, ...]) -> Node:
        """Chains separated by commas and the like, up to a closing bracket."""
        first = self.look()
        items: list[Node] = [self._item()]
        separators: list[str] = []
        while True:
            token = self.look()
            if token.text in closings or token.kind == "end" or (token.text in table.BARS and self._closes_bar(token)):
                break
            if token.text in _SEPARATORS or token.text in (
                "\\mid",
                "\\vert",
                "\\middle",
                "\\colon",
                "\\quad",
                "\\qquad",
            ):
                self._separator()
                separators.append("|" if token.text in ("\\mid", "\\vert", "|", "\\middle") else token.text)
                items.append(self._item())
            elif self._is_text(token) or isinstance(items[-1], Words):
                separators.append("")
                items.append(self._item())
            else:
                break
        if not separators:
            return items[0]
        return Sequence(tuple(items), tuple(separators), first.span.join(span_of(items[-1])))

    def _separator(self) -> None:
        if self.take().text == "\\middle":
            self.take()

    def _item(self) -> Node:
        token = self.look()
        if self._is_text(token) and (words := self._prose()):
            return words
        if token.text in (":", ",", ")", "]", "}", "\\}"):
            return Empty(Span(token.span.start, token.span.start))
        return self.chain()

    # -- bars ----------------------------------------------------------------------------------------------------

    def _closes_bar(self, token: Token) -> bool:
        return bool(self.bars) and self.bars[-1] == self._bar_kind()

    def _opens_bar(self, token: Token) -> bool:
        """Whether a bar opens a pair: none like it is open, its partner stands on the same level (not ``P(a|b)``)."""
        if self._closes_bar(token):
            return False
        level = 0
        for later in self.tokens[self.at + (2 if self._bar_kind() == "‖" and token.text == "|" else 1) :]:
            level += (later.text in ("{", "(", "[", "\\{")) - (later.text in ("}", ")", "]", "\\}"))
            if level < 0 or later.kind == "end":
                return False
            if level == 0 and table.BARS.get(later.text) == table.BARS.get(token.text):
                return True
        return False

    def _bar_kind(self) -> str:
        """``|`` or ``‖``, the latter also for two bars in a row."""
        token = self.look()
        kind = table.BARS.get(token.text, token.text)
        if kind == "|" and self.peek(1).text == token.text and not self.peek(1).spaced:
            return "‖"
        return kind

    def _take_bar(self) -> str:
        kind = self._bar_kind()
        token = self.take()
        if kind == "‖" and table.BARS.get(token.text) == "|":
            self.take()
        return kind

    def _bars(self) -> Node:
        """``|x|`` and ``\\|x\\|``."""
        opened = self.look()
        kind = self._take_bar()
        self.bars.append(kind)
        self.inside += 1
        body = self._sequence(())
        if not self.bars or self._bar_kind() != kind:
            raise self.unexpected(self.look(), f"{opened.text} is not closed")
        self._take_bar()
        closed = self.peek(-1)
        self.inside -= 1
        self.bars.pop()
        return Group(kind, body, opened.span.join(closed.span))

    def _held_fixed(self) -> bool:
        """Whether a bar with a subscript follows: ``|_{...}``, ``\\big|_{...}``, ``\\right|_{...}``."""
        if self._sized(self.look()) and self.look().text not in ("\\left", "\\right"):
            return self.peek(1).text in table.BARS and self.peek(2).text == "_"
        return self.look().text in ("|", "\\vert") and self.peek(1).text == "_" and not self.bars

    def _evaluated(self, node: Node) -> Node:
        if self._sized(self.look()):
            self.take()
        self.take()
        self.take()
        fixed = self._script_argument()
        return HeldFixed(node, fixed, span_of(node).join(span_of(fixed)))

    # -- sized delimiters ----------------------------------------------------------------------------------------

    def _sized(self, token: Token) -> bool:
        return token.kind == "command" and token.text[1:] in table.DELIMITER_SIZES

    def _sized_opens(self) -> bool:
        """Whether a ``\\left``, ``\\big`` and so on opens a group here."""
        size, delimiter = self.peek().text, self.peek(1)
        if size == "\\left":
            return True
        if size in ("\\right", "\\middle") or (size.startswith(("\\big", "\\Big")) and size.endswith("r")):
            return False
        if delimiter.text in table.BARS:
            kind = table.BARS[delimiter.text]
            return self.peek(2).text != "_" and not (self.bars and self.bars[-1] == kind)
        return delimiter.text in table.OPENING

    def _left(self) -> Node:
        """``\\left( ... \\right)``; any bracket closes it, as in LaTeX."""
        opened = self.take()
        delimiter = self.take()
        outer_bars, self.bars = self.bars, []
        self.inside += 1
        body: Node = Empty(opened.span)
        if self.look().text != "\\right":
            body = self._sequence(("\\right",))
        if self.look().text != "\\right":
            raise self.unexpected(self.look(), f"\\left{delimiter.text} has no \\right")
        self.take()
        closed = self.take()
        self.bars = outer_bars
        self.inside -= 1
        span = opened.span.join(closed.span)
        if delimiter.text == "." and closed.text in table.BARS and self.peek().text == "_":
            self.take()
            fixed = self._script_argument()
            return HeldFixed(body, fixed, span.join(span_of(fixed)))
        opening = table.BARS.get(delimiter.text, delimiter.text)
        if opening == ".":
            opening = ""
        return Group(opening, body, span)

    def _big(self) -> Node:
        """``\\big( ... \\big)``: sizes without pairing, so the bracket itself decides."""
        self.take()
        delimiter = self.look()
        if delimiter.text in table.BARS:
            return self._big_bars()
        opened = self.take()
        closing = table.OPENING[opened.text]
        outer_bars, self.bars = self.bars, []
        self.inside += 1
        body = self._group_body(opened, closing)
        if self._sized(self.look()):
            self.take()
        closed = self.expect(closing, opened)
        self.bars = outer_bars
        self.inside -= 1
        return Group(opened.text, body, opened.span.join(closed.span))

    def _big_bars(self) -> Node:
        opened = self.look()
        kind = self._take_bar()
        self.bars.append(kind)
        self.inside += 1
        body = self._sequence(())
        if self._sized(self.look()):
            self.take()
        if self._bar_kind() != kind:
            raise self.unexpected(self.look(), f"{opened.text} is not closed")
        self._take_bar()
        self.bars.pop()
        self.inside -= 1
        return Group(kind, body, opened.span.join(self.peek(-1).span))

    # -- commands ------------------------------------------------------------------------------------------------

    def _command(self, token: Token) -> Node:
        name = token.text[1:]
        for names, read in _READERS:
            if name in names:
                return read(self)
        if token.text in table.OPENING:
            return self._group(self.take(), table.OPENING[token.text])
        if token.text in table.BARS:
            return self._bars()
        raise self.unexpected(token)

    def _symbol(self) -> Node:
        token = self.take()
        return Symbol(token.text, "", token.span)

    def _ellipsis(self) -> Node:
        return Ellipsis(self.take().span)

    def _function(self) -> Node:
        token = self.take()
        return self._apply(Symbol(token.text, "", token.span))

    def _apply(self, function: Symbol) -> Node:
        """A function with its scripts and what it applies to; alone where nothing follows."""
        sub = sup = None
        while self.look().text in ("_", "^"):
            if self.take().text == "_":
                sub = self._script_argument()
            else:
                sup = self._script_argument()
        argument = self._function_argument()
        if argument is None:
            return Script(function, sub, sup, 0, function.span) if sub or sup else function
        return Apply(function, argument, sub, sup, function.span.join(span_of(argument)))

    def _function_argument(self) -> Node | None:
        token = self.look()
        if not self._starts(token):
            return None
        if token.text in ("(", "[", "{") or self._sized(token):
            return self._atom()
        first = self.look()
        factors = [self.factor()]
        while self._starts(self.look()) and self.look().text not in _FUNCTION_MARKS and self._product_operator() == "":
            factors.append(self.factor())
        if len(factors) == 1:
            return factors[0]
        return Product(tuple(factors), ("",) * (len(factors) - 1), first.span.join(span_of(factors[-1])))

    def _big_operator(self) -> Node:
        """``\\sum`` with its limits; its body is the rest of the product."""
        token = self.take()
        name = table.BIG_OPERATORS[token.text[1:]]
        lower = upper = None
        while (mark := self.look().text) in ("_", "^"):
            self.take()
            if mark == "_":
                lower = self._script_argument()
            else:
                upper = self._script_argument()
        if name in ("max", "min") and lower is None and self.look().text in ("(", "\\{", "\\left", "["):
            argument = self._atom()
            return Apply(Symbol(token.text, "", token.span), argument, None, None, token.span.join(span_of(argument)))
        sign, _ = self._sign()
        body = self.product()
        if sign != "+":
            body = Sum((body,), (sign,), span_of(body))
        return BigOperator(name, lower, upper, body, token.span.join(span_of(body)))

    def _fraction(self) -> Node:
        token = self.take()
        numerator = self._argument(token)
        denominator = self._argument(token)
        return Fraction(numerator, denominator, token.span.join(self.peek(-1).span))

    def _root(self) -> Node:
        token = self.take()
        degree = None
        if self.look().text == "[":
            opened = self.take()
            self.inside += 1
            degree = self.expression()
            self.inside -= 1
            self.expect("]", opened)
        radicand = self._argument(token)
        return Root(radicand, degree, token.span.join(self.peek(-1).span))

    def _accent(self) -> Node:
        token = self.take()
        body = self._argument(token)
        return Accent(table.ACCENTS[token.text[1:]], body, token.span.join(self.peek(-1).span))

    def _font(self) -> Node:
        """``\\mathbf{x}``: the letters inside carry the font."""
        token = self.take()
        font = table.FONTS[token.text[1:]]
        return _with_font(self._argument(token), font, token.span.join(self.peek(-1).span))

    def _decoration(self) -> Node:
        token = self.take()
        name = token.text[1:]
        arguments, body_at = table.DECORATIONS[name]
        body: Node = Empty(token.span)
        note: Node | None = None
        for number in range(arguments):
            if number == body_at:
                body = self._argument(token)
            elif name in ("overset", "underset", "stackrel"):
                note = self._argument(token)
            else:
                self._skip_argument()
        if name in table.BRACES and self.look().text in ("_", "^"):
            self.take()
            note = self._script_argument()
        return Decoration(name, body, note, token.span.join(self.peek(-1).span))

    def _environment(self) -> Node:
        opened = self.peek()
        name = self._open_environment()
        state = self.inside, self.bars
        self.inside, self.bars = 0, []
        rows: list[tuple[Node, ...]] = []
        while self.look().text != "\\end":
            if self.look().kind == "end":
                raise SourceError(f"\\begin{{{name}}} is never ended", opened.span, f"Add \\end{{{name}}}.")
            rows.append(self._matrix_row())
        self.inside, self.bars = state
        self._close_environment(name, opened)
        span = opened.span.join(self.peek(-1).span)
        if name in table.CASES_ENVIRONMENTS:
            return Cases(tuple(_case(row) for row in rows), span)
        return Matrix(tuple(rows), table.MATRIX_ENVIRONMENTS[name], span)

    def _matrix_row(self) -> tuple[Node, ...]:
        cells: list[Node] = []
        while True:
            cells.append(self._cell())
            if self.look().text == "&":
                self.take()
                continue
            if self.look().text == "\\\\":
                self.take()
            elif self.look().text != "\\end":
                raise self.unexpected(self.look())
            return tuple(cells)

    def _cell(self) -> Node:
        """A matrix entry, or a case's condition with its words."""
        parts: list[Node] = []
        first = self.look()
        while self.look().text not in ("&", "\\\\", "\\end") and self.look().kind != "end":
            if self.look().text in (",", ";", ".", ":") or self._between(self.look()):
                self.take()
            elif self._is_text(self.look()) and (words := self._prose()):
                parts.extend(self._condition_in(words) or [words])
            elif self.look().text == "\\forall":
                self.take()
            else:
                parts.append(self.chain())
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return Empty(first.span)
        return Sequence(tuple(parts), ("",) * (len(parts) - 1), first.span.join(span_of(parts[-1])))

    def _condition_in(self, words: Words) -> list[Node] | None:
        """The condition that prose such as ``if k = y_i`` spells out; None where it spells none."""
        first, _, rest = words.text.partition(" ")
        if first.lower() not in ("if", "for", "when", "where") or not rest:
            return None
        try:
            inner = _Parser(tokenize(Text(rest, [words.span.start] * (len(rest) + 1)), {}))
            node = inner.chain()
            inner.expect_end()
        except SourceError:
            return None
        return [Words(first, words.span), node] if isinstance(node, Chain) else None

    def _text(self) -> Node:
        """``\\text{...}``: prose, or a name where the words look like one; ``\\mathrm`` may hold mathematics."""
        token = self.take()
        if self.peek().text == "*":
            self.take()
        if self.look().text != "{":
            return _named(self.take(), token)
        close = self._closing_brace(self.at)
        inner = self.tokens[self.at + 1 : close]
        if token.text in ("\\mathrm", "\\rm") and any(
            t.text in ("=", "_", "^", "[", "(") or t.kind == "command" for t in inner
        ):
            return self._braces()
        self.at = close + 1
        words = _join(inner)
        span = token.span.join(self.peek(-1).span)
        if token.text == "\\text" and any(t.text == "$" for t in inner):
            return Words(words, span)
        if token.text in ("\\operatorname", "\\mathrm") and "," not in words:
            return Symbol(words, "text", span)
        if words and " " not in words and words.replace("-", "").replace("_", "").isalnum() and not _is_prose(words):
            return Symbol(words, "text", span)
        return Words(words, span)

    # -- arguments and scripts -----------------------------------------------------------------------------------

    def _argument(self, command: Token) -> Node:
        """The argument of a command: a braced group, or the single token that follows (``\\frac12``)."""
        token = self.look()
        if token.text == "{":
            script, self.script = self.script, False
            node = self._braces()
            self.script = script
            return node
        if token.kind in ("word", "number") and len(token.text) > 1:
            self.tokens[self.at : self.at + 1] = split(token)
        if token.kind == "end" or not self._starts(self.look()):
            raise self.unexpected(self.look(), f"{command.text} lacks an argument")
        self.deeper(token)
        node = self._atom()
        self.depth -= 1
        return node

    def _scripts(self, node: Node) -> Node:
        sub: Node | None = None
        sup: Node | None = None
        primes = 0
        start = span_of(node)
        while True:
            token = self.look()
            if token.kind == "prime" or token.text == "\\prime":
                primes += max(1, len(self.take().text)) if token.kind == "prime" else 1
                if token.text == "\\prime":
                    self.take()
            elif token.text == "_" and token.kind == "mark":
                if sub is not None:
                    raise SourceError("a second subscript", token.span, "Write both in one pair of braces.")
                self.take()
                sub = self._script_argument()
            elif token.text == "^":
                self.take()
                if self._only_primes():
                    primes += self._take_primes()
                elif sup is None:
                    sup = self._script_argument()
                else:
                    raise SourceError("a second superscript", token.span, "Set the first one in braces.")
            else:
                break
        if sub is None and sup is None and not primes:
            return node
        return Script(node, sub, sup, primes, start.join(self.peek(-1).span))

    def _only_primes(self) -> bool:
        at = self.at + (self.peek().text == "{")
        return self.tokens[at].text == "\\prime"

    def _take_primes(self) -> int:
        braced = self.peek().text == "{"
        self.at += braced
        count = 0
        while self.peek().text == "\\prime":
            self.take()
            count += 1
        self.at += braced
        return count

    def _script_argument(self) -> Node:
        """What a ``_`` or ``^`` applies to; letters in it are single."""
        outer, self.script = self.script, True
        token = self.look()
        if token.text == "{":
            self.deeper(token)
            node = self._braces()
            self.depth -= 1
        elif token.text in ("-", "+", "*"):
            self.take()
            node = Symbol(token.text, "", token.span)
        else:
            if token.kind in ("word", "number") and len(token.text) > 1:
                self.tokens[self.at : self.at + 1] = split(token)
            if self.look().kind == "end" or not self._starts(self.look()):
                raise self.unexpected(self.look(), "an empty script")
            self.deeper(token)
            node = self._atom()
            self.depth -= 1
        self.script = outer
        return node


_READERS: tuple[tuple[frozenset[str] | set[str], Callable[[_Parser], Node]], ...] = (
    (table.FRACTIONS, _Parser._fraction),
    (table.ROOTS, _Parser._root),
    (frozenset(table.BIG_OPERATORS), _Parser._big_operator),
    (table.FUNCTIONS, _Parser._function),
    (frozenset(table.ACCENTS), _Parser._accent),
    (frozenset(table.FONTS), _Parser._font),
    (table.TEXT_FONTS, _Parser._text),
    (frozenset(table.DECORATIONS), _Parser._decoration),
    (table.ELLIPSES, _Parser._ellipsis),
    (frozenset({"begin"}), _Parser._environment),
    (frozenset({"left"}), _Parser._left),
    (table.DELIMITER_SIZES, _Parser._big),
    (table.SYMBOLS | {"top", "intercal", "dagger", "Pr", "perp"}, _Parser._symbol),
)
"""How the commands that begin a factor are read: names, method."""


def _with_font(node: Node, font: str, span: Span) -> Node:
    """Give the letters of a node a font; mathematics in it keeps its shape."""
    if not font:
        return node
    if isinstance(node, Symbol):
        return Symbol(node.name, font if node.font in ("", "word") else node.font, span)
    if isinstance(node, Number):
        return Symbol(node.text, font, span)
    if isinstance(node, Script):
        return Script(_with_font(node.base, font, span_of(node.base)), node.sub, node.sup, node.primes, span)
    if isinstance(node, Accent):
        return Accent(node.accent, _with_font(node.body, font, span_of(node.body)), span)
    if isinstance(node, Product):
        return Product(tuple(_with_font(f, font, span_of(f)) for f in node.factors), node.operators, span)
    return node


def _case(row: tuple[Node, ...]) -> tuple[Node, Node | None]:
    if len(row) == 1 and isinstance(row[0], Sequence) and len(row[0].items) >= 2:
        head, *rest = row[0].items
        condition = Sequence(tuple(rest), row[0].separators[1:]) if len(rest) > 1 else rest[0]
        return head, condition
    if len(row) == 1:
        return row[0], None
    cells = [cell for cell in row[1:] if not isinstance(cell, Empty)]
    return row[0], (cells[0] if cells else None)


def _named(token: Token, font: Token) -> Node:
    return Symbol(token.text, "text", font.span.join(token.span))


def _join(tokens: list[Token]) -> str:
    """The characters of prose, with single blanks where there was space."""
    words = "".join((" " if token.spaced else "") + _letters(token) for token in tokens)
    return " ".join(words.split())


def _letters(token: Token) -> str:
    if token.kind != "command":
        return "" if token.text in ("{", "}", "$", "~") else token.text
    name = token.text[1:]
    return name if not name.isalpha() else (" " if name in table.SPACES else token.text)


_PROSE = frozenset(
    [
        "if",
        "for",
        "when",
        "and",
        "with",
        "where",
        "let",
        "thus",
        "so",
        "hence",
        "then",
        "or",
        "else",
        "otherwise",
        "since",
        "because",
        "as",
        "in",
        "which",
        "gives",
        "via",
        "const",
        "constant",
        "unless",
        "both",
        "all",
        "each",
        "is",
        "are",
        "the",
        "of",
        "to",
        "by",
        "on",
        "at",
        "from",
        "we",
        "get",
        "have",
    ]
)


def _is_condition_word(words: str) -> bool:
    return words.lower().split()[:1] != [] and words.lower().split()[0] in _CONDITION_WORDS


def _is_prose(word: str) -> bool:
    return word.lower() in _PROSE
