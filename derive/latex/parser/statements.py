"""Displays as statements: rows and environments of equations, with the words, conditions and labels around them."""

from __future__ import annotations

from dataclasses import replace

from derive.latex import constructs as table
from derive.latex.parser.commands import skip_option
from derive.latex.parser.cursor import Reader, is_text, separates
from derive.latex.parser.environments import close_environment, open_environment
from derive.latex.parser.prose import begins_condition, begins_reason, labels_side, prose
from derive.latex.syntax import (
    REASON,
    Chain,
    Decoration,
    Ellipsis,
    Group,
    Node,
    Number,
    Script,
    Sequence,
    Statement,
    Symbol,
    Unreadable,
    Words,
)
from derive.latex.tokens import Token
from derive.source import SourceError

_CONDITIONS = frozenset({"\\neq", "\\in", "<", ">", "\\leq", "\\geq"})
_ASIDE_SEPARATORS = frozenset({",", "&", "\\quad", "\\qquad", "\\hfill"})
_CONDITION_ENDS = frozenset({":", ",", "&", "\\quad", "\\qquad"})
_REMARK_ENDS = frozenset({"\\\\", "\\end", "}", "."})
_BEFORE_END = frozenset({".", ",", ";", "\\quad", "\\qquad", "\\,", "\\;"})
_END = frozenset({"\\\\", "&", "}", "\\end", "\\tag", "\\label"})


class Statements:
    """Reads statements up to the end of the text, or to the token ``stop`` (which is left standing)."""

    def __init__(self, reader: Reader, stop: str = "") -> None:
        self.reader = reader
        self.stop = stop
        self.found: list[Statement | Unreadable] = []

    def read(self) -> list[Statement | Unreadable]:
        """All statements; for one that cannot be read, the error."""
        while True:
            start = self.reader.at
            try:
                if self._ends():
                    return self.found
                start = self.reader.at
                self._statement()
            except SourceError as error:
                self._recover(start)
                self.found.append(Unreadable(error.message, error.hint, error.span))

    def _ends(self) -> bool:
        """Skip separators; whether nothing comes behind them."""
        while separates(self.reader.look()):
            self.reader.take()
        return self._is_over(self.reader.look())

    def _is_over(self, token: Token) -> bool:
        return token.kind == "end" or token.text == self.stop

    def _recover(self, start: int) -> None:
        """After an error go on at the next row of the same level."""
        reader = self.reader
        reader.at = start
        level = 0
        while (token := reader.peek()).kind != "end":
            if level == 0 and reader.at > start and token.text in ("\\\\", self.stop):
                return
            level += (token.text in ("{", "\\begin")) - (token.text in ("}", "\\end"))
            if level < 0 and token.text == self.stop:
                return
            level = max(level, 0)
            reader.take()

    # -- one statement -----------------------------------------------------------------------------------------------

    def _statement(self) -> None:
        first = self.reader.look()
        if self._wrapped(first):
            return
        self._skip_label()
        lead = self._lead()
        if self._ends():
            return
        node = self.reader.chain()
        asides = self._asides()
        if begins_condition(lead) and self._is_condition(node):
            self._conditional(node)
            return
        self._refuse_remainder()
        self.found.append(Statement(node, tuple(asides), lead, first.span.join(self.reader.peek(-1).span)))

    def _is_condition(self, node: Node) -> bool:
        """Whether a chain behind *if* says something about indices or labels, and a statement follows."""
        if not isinstance(node, Chain) or self.reader.look().text not in _CONDITION_ENDS:
            return False
        simple = all(isinstance(m, Symbol | Number | Script | Ellipsis | Sequence) for m in node.members)
        return simple or "=" not in node.relations

    def _conditional(self, condition: Node) -> None:
        """``if i = j: statement``: the condition becomes an aside of the statement that follows."""
        if self._ends():
            return
        at = len(self.found)
        self._statement()
        self.found[at:] = [
            replace(new, asides=(condition, *new.asides)) if isinstance(new, Statement) else new
            for new in self.found[at:]
        ]

    def _refuse_remainder(self) -> None:
        """A statement ends at a separator, before prose or at the end; anything else was not understood."""
        token = self.reader.look()
        if not (self._is_over(token) or separates(token) or is_text(token)):
            raise self.reader.unexpected(token)

    # -- around whole statements -------------------------------------------------------------------------------------

    def _wrapped(self, token: Token) -> bool:
        """An environment, a box or braces around whole statements: read what is inside as statements."""
        if token.text == "\\begin" and self.reader.environment_name() in table.ROW_ENVIRONMENTS | {"array"}:
            self._rows()
            return True
        if token.text == "{" and self._wraps_rows(self.reader.at + 1):
            self._braced()
            return True
        name = token.text[1:] if token.kind == "command" else ""
        if name in table.DECORATIONS and name not in table.BRACES and self._stands_alone():
            self._decorated(*table.DECORATIONS[name])
            return True
        return False

    def _rows(self) -> None:
        opened = self.reader.peek()
        name = open_environment(self.reader)
        self._inner(opened, "\\end")
        close_environment(self.reader, name, opened)

    def _braced(self) -> None:
        opened = self.reader.take()
        self._inner(opened, "}")
        self.reader.expect("}", opened)

    def _inner(self, opened: Token, stop: str) -> None:
        with self.reader.deeper(opened):
            self.found.extend(Statements(self.reader, stop).read())

    def _wraps_rows(self, at: int) -> bool:
        """Whether braces hold, after commands for looks, a row environment."""
        tokens = self.reader.tokens
        while tokens[at].kind == "command" and tokens[at].text[1:] in table.IGNORED:
            at += 1
        return tokens[at].text == "\\begin" and self.reader.environment_name(at) in table.ROW_ENVIRONMENTS

    def _stands_alone(self) -> bool:
        """Whether a decoration's arguments are followed by the end of the statement."""
        tokens, at = self.reader.tokens, self.reader.at + 1
        while tokens[at].text == "[":
            at = next((k for k in range(at, len(tokens)) if tokens[k].text == "]"), len(tokens) - 2) + 1
        while tokens[at].text == "{":
            at = self.reader.closing_brace(at) + 1
        while tokens[at].text in _BEFORE_END:
            at += 1
        return tokens[at].kind == "end" or tokens[at].text in _END

    def _decorated(self, arguments: int, body: int) -> None:
        skip_option(self.reader, self.reader.take().text[1:])
        for number in range(arguments):
            opened = self.reader.look()
            if number != body:
                self.reader.skip_argument()
            elif opened.text != "{":
                raise self.reader.unexpected(opened)
            else:
                self._braced()

    # -- in front of a statement -------------------------------------------------------------------------------------

    def _skip_label(self) -> None:
        """Skip ``a)``, ``(b)``, ``1.`` or ``(Mean)`` in front of an equation."""
        reader, start = self.reader, self.reader.at
        for closing in (")", "."):
            bracket = closing == ")" and reader.peek().text == "("
            if reader.peek(bracket + 1).text == closing and _is_label(reader.peek(bracket), closing):
                reader.at += bracket + 2
                if reader.starts(reader.look()):
                    return
                reader.at = start

    def _lead(self) -> str:
        """Prose in front of a statement."""
        lead: list[str] = []
        while is_text(self.reader.look()) and not labels_side(self.reader) and (words := prose(self.reader)):
            lead.append(words.text)
            self._ends()
        if self.reader.look().text == "\\forall":
            lead.append("for all")
            self.reader.take()
        return " ".join(lead)

    # -- behind a statement ------------------------------------------------------------------------------------------

    def _asides(self) -> list[Node]:
        """Conditions and remarks after a statement, up to the next statement."""
        asides: list[Node] = []
        while more := self._aside():
            asides.extend(more)
        return asides

    def _aside(self) -> list[Node]:
        """The next condition or remark with the words before it; nothing, and nothing consumed, where none follows."""
        reader, start = self.reader, self.reader.at
        separated = self._skip_separators()
        token = reader.look()
        if self._is_over(token):
            return []
        if is_text(token) and (words := prose(reader)):
            found = self._spoken(words)
        elif token.text == "\\forall":
            reader.take()
            found = [reader.chain()]
        else:
            found = self._remark() if separated else []
        if not found:
            reader.at = start
        return found

    def _skip_separators(self) -> bool:
        """Skip spaces, commas and alignment before an aside; row breaks belong to the next statement."""
        separated = False
        while self.reader.look().text in _ASIDE_SEPARATORS:
            self.reader.take()
            separated = True
        return separated

    def _spoken(self, words: Words) -> list[Node]:
        """Words, with the condition that they begin; nothing where they lead the next statement."""
        if not self.reader.starts(self.reader.look()):
            return [words]
        if not begins_reason(words.text) and not begins_condition(words.text):
            return []
        with self.reader.within(cell=True):  # the next row goes on with the statement, not with what is said beside it
            said = self.reader.chain()
        return [words, said if begins_condition(words.text) else Decoration(REASON, said, None, words.span)]

    def _remark(self) -> list[Node]:
        """A bracketed remark that stands alone, ``(k \\neq i)``, or a bare condition on indices."""
        try:
            with self.reader.within(strict=True):
                node = self.reader.chain()
        except SourceError:
            return []
        token = self.reader.look()
        if token.kind != "end" and token.text not in _REMARK_ENDS and not is_text(token):
            return []
        bracketed = isinstance(node, Group) and isinstance(node.body, Chain | Sequence | Words | Number)
        condition = isinstance(node, Chain) and set(node.relations) <= _CONDITIONS
        return [node] if bracketed or condition else []


def _is_label(name: Token, closing: str) -> bool:
    if closing == ".":
        return name.kind == "number" and name.text.isdigit()
    return name.kind in ("letter", "number", "word")
