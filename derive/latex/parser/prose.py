"""Words in formulas: ``\\text{for all}`` is prose, ``\\text{softmax}`` a name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from derive.latex import constructs as table
from derive.latex.parser.cursor import Reader, separates
from derive.latex.parser.relations import is_relation
from derive.latex.syntax import Node, Symbol, Words
from derive.latex.tokens import Token
from derive.source import SourceError

_MATHEMATICAL = frozenset({"=", "_", "^", "[", "("})
_PROSE = frozenset({
    "if", "for", "when", "and", "with", "where", "let", "thus", "so", "hence", "then", "or", "else", "otherwise",
    "since", "because", "as", "in", "which", "gives", "via", "const", "constant", "unless", "both", "all", "each",
    "is", "are", "the", "of", "to", "by", "on", "at", "from", "we", "get", "have", "using",
})  # fmt: skip
_CONDITION_WORDS = frozenset({
    "if", "for", "when", "unless", "otherwise", "else", "forall", "each", "all", "any", "every", "only",
    "wenn", "falls", "für", "sonst", "si", "quand", "pour", "sinon", "cuando", "para", "se", "quando", "per",
    "если", "при", "для", "иначе", "当", "若", "如果", "对", "对于", "否则", "場合", "もし",
})  # fmt: skip
_REASON_WORDS = frozenset({"since", "because", "using", "by", "from", "as", "weil", "porque"})


@dataclass(frozen=True)
class _Phrase:
    """``\\text{...}`` as it stands, not read yet: the tokens in it with its closing brace, and where they stand."""

    command: Token
    inner: tuple[Token, ...]
    start: int
    end: int
    braced: bool

    @property
    def is_mathematics(self) -> bool:
        """Whether ``\\mathrm`` is used as a font: ``\\mathrm{d}_x``."""
        upright = self.braced and self.command.text in ("\\mathrm", "\\rm")
        return upright and any(t.text in _MATHEMATICAL or t.kind == "command" for t in self.inner)

    def node(self) -> Symbol | Words:
        """A name where the words look like one, else prose."""
        span = self.command.span.join(self.inner[-1].span)
        if not self.braced:
            return Symbol(self.inner[0].text, "text", span)
        words = _join(self.inner[:-1])
        return Symbol(words, "text", span) if self._is_name(words) else Words(words, span)

    def _is_name(self, words: str) -> bool:
        if self.command.text == "\\text" and any(token.text == "$" for token in self.inner):
            return False
        if self.command.text in ("\\operatorname", "\\mathrm") and "," not in words:
            return True
        return words.replace("-", "").replace("_", "").isalnum() and words.lower() not in _PROSE


def _phrase(reader: Reader) -> _Phrase:
    """The phrase that comes next; the cursor stays. Raises `SourceError` where its brace is never closed."""
    before = reader.at
    command = reader.take()
    if reader.peek().text == "*":
        reader.take()
    braced = reader.look().text == "{"
    start, reader.at = reader.at, before
    end = reader.closing_brace(start) + 1 if braced else min(start + 1, len(reader.tokens) - 1)
    return _Phrase(command, tuple(reader.tokens[start + braced : max(end, start + 1)]), start, end, braced)


def text(reader: Reader) -> Node:
    """``\\text{...}``: prose or a name; ``\\mathrm`` may hold mathematics."""
    phrase = _phrase(reader)
    if phrase.is_mathematics:
        reader.at = phrase.start
        with reader.deeper(phrase.command):
            return reader.braces()
    label = labels_side(reader)
    reader.at = phrase.end
    node = phrase.node()
    return Symbol(node.text, "text", node.span) if label and isinstance(node, Words) else node


def prose(reader: Reader) -> Words | None:
    """The words of ``\\text{...}`` when they are prose and not a name; the cursor stays where they are a name."""
    phrase, start = _phrase(reader), reader.at
    if phrase.is_mathematics:
        return None
    node = phrase.node()
    reader.at = phrase.end
    if isinstance(node, Words):
        return node
    if not node.name.isascii() and _stands_in_front(reader):
        return Words(node.name, node.span)
    reader.at = start
    return None


def labels_side(reader: Reader) -> bool:
    """Whether words are a side of their own, ``\\text{weighted sum} = 3``: a name, though it has blanks."""
    phrase = _phrase(reader)
    node = phrase.node()
    if phrase.is_mathematics or isinstance(node, Symbol):
        return False
    words = node.text.lower().split()
    if not words or not node.text[-1].isalnum() or _PROSE & set(words[:1]) or _CONDITION_WORDS & set(words[:1]):
        return False
    start, reader.at = reader.at, phrase.end
    while reader.look().text == "&":
        reader.take()
    related = is_relation(reader)
    reader.at = start
    return related


def _stands_in_front(reader: Reader) -> bool:
    """Whether something follows, in front of which a word of another script is prose."""
    token = reader.look()
    return reader.starts(token) or separates(token)


def is_name(reader: Reader) -> bool:
    """Whether the ``\\text{...}`` that comes next is a name, or mathematics."""
    try:
        phrase = _phrase(reader)
    except SourceError:
        return False
    return phrase.is_mathematics or isinstance(phrase.node(), Symbol) or labels_side(reader)


def begins_condition(words: str) -> bool:
    """Whether prose begins a condition: *if*, *for all*."""
    return bool(_CONDITION_WORDS.intersection(words.lower().split()[:1]))


def begins_reason(words: str) -> bool:
    """Whether prose begins a reason, which a display may give beside each row: *since*, *using*."""
    return bool(_REASON_WORDS.intersection(words.lower().split()[:1]))


def _join(tokens: Iterable[Token]) -> str:
    """The characters of prose, with single blanks where there was space."""
    words = "".join((" " if token.spaced else "") + _letters(token) for token in tokens)
    return " ".join(words.split())


def _letters(token: Token) -> str:
    if token.kind != "command":
        return "" if token.text in ("{", "}", "$", "~") else token.text
    name = token.text[1:]
    return name if not name.isalpha() else (" " if name in table.SPACES else token.text)
