"""What the sentence around an equation says of it: *if $w = 1$, then $y = x$* claims nothing of any other w."""

from __future__ import annotations

import re

from derive.notation.equations import Equation

_CONDITIONAL = frozenset(
    (
        "if", "when", "whenever", "unless", "suppose", "supposing", "assume", "assuming", "assumption", "hypothesis",
        "otherwise", "case", "provided", "given",
    )
)  # fmt: skip
_NEAR = 1000
"""How many characters back a sentence may begin."""
_OPENING = re.compile(r"(<!--[^>]*-->|\$\$|\\\[|\\begin\{[a-z]+\*?\}|\s)*\Z")
_END = re.compile(r"[.!?]\s|\n\s*\n|\$\$|\\\]|^#.*$|^\s*[-*+] ", re.MULTILINE)


def is_hypothetical(equation: Equation) -> bool:
    """Whether an equation stands in a sentence with a condition in words, before it."""
    start = equation.span.start
    before = equation.source.text[max(start - _NEAR, 0) : start]
    if not equation.inline:
        before = _OPENING.sub("", before)
        before = "" if before.endswith((".", "!", "?")) else before
    sentence = _END.split(before)[-1]
    return bool(_CONDITIONAL & set(re.findall(r"[a-z]+", re.sub(r"\$[^$]*\$", " ", sentence.lower()))))
