r"""A document's own commands: ``\newcommand``, ``\def``, ``\DeclareMathOperator``."""

from __future__ import annotations

import re

from derive import repair
from derive.latex.tokens import Macro
from derive.source import Text

DEFINITION = re.compile(
    r"\\(?:(?P<operator>DeclareMathOperator)|def|(?:re)?newcommand|providecommand)\*?"
    r"\s*+\{?\s*+\\(?P<name>[A-Za-z]+|[^A-Za-z\s])\s*+\}?\s*+"
    r"(?:\[(?P<count>\d)\]\s*+)?(?P<default>\[[^\]\n]*\]\s*+)?(?P<marks>(?:#\d)*+)\s*+(?=\{)"
)


def without_definitions(text: Text) -> tuple[Text, dict[str, Macro]]:
    """A formula without the macros that it defines, and these."""
    macros: dict[str, Macro] = {}
    edits: list[tuple[int, int, str]] = []
    at = 0
    while found := DEFINITION.search(text.value, at):
        end = repair.closing_brace(text.value, found.end())
        if end is None:
            break
        macros.update(macro(found, text.value[found.end() + 1 : end - 1]))
        edits.append((found.start(), end, ""))
        at = end
    return text.replace(edits), macros


def macro(found: re.Match[str], body: str) -> dict[str, Macro]:
    """What a definition defines; one with a default argument nothing, so that its calls are not misread."""
    if found["default"]:
        return {}
    if found["operator"]:
        return {found["name"]: Macro(0, f"\\operatorname{{{body}}}")}
    count = int(found["count"]) if found["count"] else found["marks"].count("#")
    return {found["name"]: Macro(count, body)}
