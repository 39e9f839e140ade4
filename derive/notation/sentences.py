"""What the sentence around an equation says of it: *if $w = 1$, then $y = x$* claims nothing of any other w."""

from __future__ import annotations

import re

from derive.notation.equations import Equation

_CONDITIONAL = frozenset(
    {"if", "when", "whenever", "unless", "suppose", "supposing", "assume", "assuming", "assumption", "hypothesis", "otherwise",
     "case", "provided", "given"}
)  # fmt: skip
_END = re.compile(r"[.!?]\s|\n\s*\n|\$\$|\\\]|^#.*$|^\s*[-*+] ", re.MULTILINE)


def is_hypothetical(equation: Equation) -> bool:
    """Whether an equation stands in a sentence with a condition in words, before it."""
    before = equation.source.text[: equation.span.start]
    if not equation.inline:
        before = before.rstrip().removesuffix("$$").removesuffix("\\[").rstrip()
        before = "" if before.endswith((".", "!", "?")) else before
    sentence = _END.split(before)[-1]
    return bool(_CONDITIONAL & set(re.findall(r"[a-z]+", re.sub(r"\$[^$]*\$", " ", sentence.lower()))))
