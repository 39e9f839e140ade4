r"""Commands that lost their backslash: a control character and ``rac``, a bare ``heta``, ``\gammarac{1}{2}``."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from derive.latex.constructs import (
    ACCENTS,
    BINOMIALS,
    COMMANDS,
    DECORATIONS,
    DELIMITER_SIZES,
    DELIMITERS,
    ELLIPSES,
    FONTS,
    FRACTIONS,
    IGNORED,
    PRODUCTS,
    RELATIONS,
    ROOTS,
    SYMBOLS,
    TEXT_FONTS,
    WIDE_SPACES,
)
from derive.repair.groups import any_of, prose

# The letters that a control character can have been: a string reader makes one character of a backslash and
# such a letter. A line break can also be a carriage return that was normalised.
EATEN = {"\a": "a", "\b": "b", "\t": "t", "\n": "nr", "\v": "v", "\f": "f", "\r": "r", "\r\n": "nr"}
_ESCAPED = "abfnrtv"
_ESCAPED_EVERYWHERE = "bfnrt"  # JSON knows no others
_NAMES = {"\a": "a bell", "\b": "a backspace", "\v": "a vertical tab", "\f": "a form feed"}
_NAMES |= {"\r": "a carriage return", "\t": "a tab", "\n": "a line break", "\r\n": "a line break"}

_KNOWN = frozenset(name for name in COMMANDS if name.isascii() and name.isalpha())

# What is left of commands that begin with such a letter, when it is gone: ``rac`` of ``frac``.
_LEFT = {name[1:]: [first + name[1:] for first in _ESCAPED if first + name[1:] in _KNOWN] for name in _KNOWN}
_LEFT = {letters: names for letters, names in _LEFT.items() if letters and names}

# Half of a pair of brackets, of which the other half has kept its backslash or is damaged visibly.
_PAIRED = {"eft": ["left"], "left": ["left"], "right": ["right"]}
_LEFTS = re.compile(r"\\left(?![A-Za-z])")
_RIGHTS = re.compile(r"(?:\\r|[\r\n])ight(?![A-Za-z])")
_PAIRS_LEFT = frozenset({"ight", *_PAIRED})
_LEFT["eft"] = ["left"]

# Commands that stand before a brace, and among them those that can do without it.
_BRACED = (
    (FRACTIONS | ROOTS | frozenset(ACCENTS) | TEXT_FONTS | frozenset(FONTS) | frozenset(DECORATIONS))
    | {name for name, count in IGNORED.items() if count}
    | {"begin", "end", "newcommand", "renewcommand", "providecommand"}
    | BINOMIALS
    | {"pmod"}
) - {"rm", "bf", "cal"}
_BRACE_OPTIONAL = FRACTIONS | ROOTS | frozenset(ACCENTS)

# What is restored without a brace behind it when only the backslash is missing: nobody types these as words.
_SIGNS = (SYMBOLS | PRODUCTS | RELATIONS | ELLIPSES | WIDE_SPACES) - {"star", "prime", "bullet", "subset"}

_WORD = re.compile(
    r"(?<!\\)(?P<slashes>\\*+)(?:(?P<control>\r\n|[\a\b\t\n\v\f\r])|(?<![A-Za-z]))(?P<letters>[A-Za-z]++)"
)
_BRACE = re.compile(r"[ \t]?\{")
_ARGUMENT = re.compile(r"[ \t]*[{\\0-9A-Za-z]")
_ENVIRONMENT = re.compile(r"[ \t]?\{[A-Za-z]+\\?\*?\}")
_DELIMITER = re.compile(
    rf"\s*(?:[()\[\]|./<>]|\\(?:[{{}}|]|{any_of(filter(str.isalpha, DELIMITERS))}\b)"
    rf"|{any_of(name[1:] for name in DELIMITERS if name[0] == 'r')}\b)"
)

# Tails of commands that need what follows: these are recognised also with letters directly before them.
_TAILS = _PAIRS_LEFT | {tail for tail, names in _LEFT.items() if len(tail) > 2 and not _BRACED.isdisjoint(names)}
_GLUED = re.compile(rf"(?P<before>[A-Za-z]+?)(?P<tail>{any_of(_TAILS)})")
_ENGLISH = frozenset({"right", "light", "night", "might", "tight", "fight", "sight", "eight", "race"})


class _Word(NamedTuple):
    """A run of letters with the backslashes and the control character before it."""

    slashes: str
    control: str
    letters: str
    start: int
    end: int

    @property
    def tail(self) -> int:
        """Where the letters start."""
        return self.end - len(self.letters)

    @property
    def is_command(self) -> bool:
        """Whether the letters have kept their backslash."""
        return not self.control and len(self.slashes) % 2 == 1


class Finding(NamedTuple):
    """A damaged place: what it can have been, and whether it is damage whatever else the document shows."""

    start: int
    end: int
    readings: tuple[str, ...]
    certain: bool
    why: str = ""


def _word(match: re.Match[str]) -> _Word:
    return _Word(match["slashes"], match["control"] or "", match["letters"], match.start(), match.end())


def findings(value: str, has_lines: bool) -> Iterator[Finding]:
    spans = prose(value)
    starts = [span.start for span in spans]
    for word in map(_word, _WORD.finditer(value)):
        if word.is_command and word.letters in _KNOWN:
            continue
        before = bisect_right(starts, word.tail) - 1
        in_prose = before >= 0 and word.tail < spans[before].end
        finding = find(value, word, in_prose, has_lines)
        if finding is not None:
            yield finding


def find(value: str, word: _Word, in_prose: bool, has_lines: bool) -> Finding | None:
    """What a word can have been before it was damaged; nothing if it is sound."""
    if word.control and (word.control in "\a\b\v\f" or (word.control == "\r" and has_lines)):
        return _after_control(word)
    if word.control:
        finding = _after_space(value, word, in_prose)
        if finding is not None:
            return finding
    if in_prose or (not word.control and word.slashes and len(word.slashes) % 2 == 0):
        return None
    if word.is_command:
        return _behind_command(value, word)
    return _bare(value, word) or _behind_letter(value, word)


def _after_control(word: _Word) -> Finding:
    """Letters after a control character that no text holds by itself."""
    name = EATEN[word.control] + word.letters
    if name in _KNOWN:
        return Finding(word.start, word.end, (_command(word, name),), True)
    why = f"{_NAMES[word.control]} stands before {word.letters!r}, but no command \\{name} is known"
    return Finding(word.tail - 1, word.end, (), False, why)


def _after_space(value: str, word: _Word, in_prose: bool) -> Finding | None:
    """Letters after a tab or line break, which can also be just that."""
    names = [letter + word.letters for letter in EATEN[word.control] if letter + word.letters in _KNOWN]
    if not names or (in_prose and not _BRACE.match(value, word.end)):
        return None
    name, length = names[0], len(word.letters)
    command = _command(word, name)
    if name[0] == "r" and word.control != "\r" and not (name in ("right", "rightarrow") or length == 2):
        return None  # only a guess: the carriage return would have to be normalised before
    if _speaks_for_itself(value, word, name):
        return Finding(word.start, word.end, (command,), True)
    if word.control == "\t" and length > 1 and not _indents(value, word.tail - 1):
        return Finding(word.start, word.end, (command,), False)
    if length > 2:
        return None
    return Finding(word.start, word.end, (command, f"{word.letters} after {_NAMES[word.control]}"), False)


def _indents(value: str, tab: int) -> bool:
    return tab > 0 and value[tab - 1] in "\n\r\t"


def _speaks_for_itself(value: str, word: _Word, name: str) -> bool:
    """Whether a tab or line break and these letters can only be an eaten command."""
    if name in _BRACED:
        return _BRACE.match(value, word.end) is not None
    if name in DELIMITER_SIZES:
        return _DELIMITER.match(value, word.end) is not None
    if name == "neq":
        return value[word.end : word.end + 1] not in tuple("_^({[")
    return len(word.letters) > 2 and word.letters not in _ENGLISH


def _bare(value: str, word: _Word) -> Finding | None:
    """Letters left of a command that lost its backslash, and perhaps its first letter with it."""
    if word.letters in _PAIRED:
        return _fitting(value, word, _PAIRED[word.letters])
    if word.letters in FRACTIONS:
        return _fitting(value, word, [word.letters])  # not ``\tfrac``, which would say the same
    lost = [word.letters] if word.letters in _KNOWN else []
    return _fitting(value, word, [*_LEFT.get(word.letters, ()), *lost])


def _behind_letter(value: str, word: _Word) -> Finding | None:
    r"""The same directly behind another letter: ``xrac{1}{2}``, ``iight)``, ``dheta``."""
    names = _LEFT.get(word.letters[1:])
    if names is None or word.letters in _KNOWN or word.letters in _ENGLISH:
        return None
    rest = word._replace(letters=word.letters[1:])
    finding = _fitting(value, rest, names)
    if finding is None:
        return None
    as_typed = (word.letters,) if len(rest.letters) < 3 else ()
    return finding._replace(certain=False, readings=finding.readings + as_typed)


def _behind_command(value: str, word: _Word) -> Finding | None:
    r"""The same directly behind another command: ``\gammarac{1}{2}``, ``\muight)``."""
    match = _GLUED.fullmatch(word.letters)
    if match is None or match["before"] not in _KNOWN:
        return None
    rest = word._replace(letters=match["tail"])
    finding = _fitting(value, rest, _PAIRED.get(rest.letters) or _LEFT[rest.letters])
    return finding if finding is not None and finding.certain else None


def _fitting(value: str, word: _Word, names: list[str]) -> Finding | None:
    """Those of the commands that can stand where the letters of a word stand."""
    fitting = [
        name for name in names if _followed(value, word.end, name) or (name in DELIMITER_SIZES and name != word.letters)
    ]
    if not fitting:
        return None
    name, length = fitting[0], len(word.letters)
    braced = name in _BRACED and _BRACE.match(value, word.end) is not None
    if length < 3 and not (braced and name in ACCENTS) and name not in DELIMITER_SIZES:
        return None
    alone = len(fitting) == 1
    if alone and name == word.letters and not braced and not _is_sign(name):
        return None
    certain = alone and (braced or word.letters == "ight" or _lacks_partner(value, word, name))
    return Finding(word.tail, word.end, tuple(f"\\{name}" for name in fitting), certain)


def _lacks_partner(value: str, word: _Word, name: str) -> bool:
    r"""Whether a bare ``right)`` closes a ``\left`` of the formula, which else had no partner."""
    if word.letters not in _PAIRED or not _followed(value, word.end, name):
        return False
    surplus = _surplus_of_lefts(value)
    return surplus > 0 if name == "right" else surplus < 0


@lru_cache(maxsize=4)
def _surplus_of_lefts(value: str) -> int:
    return len(_LEFTS.findall(value)) - len(_RIGHTS.findall(value))


def _followed(value: str, end: int, name: str) -> bool:
    """Whether what stands at ``end`` can follow a command."""
    if name in ("begin", "end"):
        return _ENVIRONMENT.match(value, end) is not None
    if name in _BRACE_OPTIONAL:
        return _ARGUMENT.match(value, end) is not None
    if name in _BRACED:
        return _BRACE.match(value, end) is not None
    return name not in DELIMITER_SIZES or _DELIMITER.match(value, end) is not None


def _is_sign(name: str) -> bool:
    """Whether a name without its backslash is hardly meant as a word."""
    return len(name) > 3 and (name in _SIGNS or name in DELIMITER_SIZES)


def _command(word: _Word, name: str) -> str:
    r"""The command with what stood before it: a ``\`` directly before an eaten escape was itself a ``\\``."""
    return word.slashes * 2 + "\\" + name


def holds_intact_escape(value: str) -> bool:
    """Whether a command stands there that any string reader would have eaten."""
    commands = (word.letters for word in map(_word, _WORD.finditer(value)) if word.is_command)
    return any(name[0] in _ESCAPED_EVERYWHERE and name in _KNOWN for name in commands)


def starts_eaten(value: str, at: int) -> bool:
    """Whether the control character at ``at`` is what is left of a backslash and a letter."""
    match = _WORD.match(value, at)
    if match is None or not match["control"]:
        return False
    finding = find(value, _word(match), in_prose=False, has_lines=True)
    return finding is not None and finding.certain
