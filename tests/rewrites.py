"""Ways to write a document differently that change nothing of what it says.

Each takes a Markdown text and returns another: with other letters, with its definitions in another order, with other
delimiters and environments.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Letters to put in for others where the document does not use them. Letters with a customary meaning stay: d in
# derivatives, e for the exponential, L and N, T for transposes, σ before a bracket.
LETTERS = {
    "x": "u", "y": "q", "z": "s", "a": "h", "p": "v", "i": "r", "j": "n", "k": "l", "P": "F",
    "S": "Z", "X": "U", "Y": "Q",
    "\\mu": "\\theta", "\\gamma": "\\alpha", "\\beta": "\\kappa", "\\epsilon": "\\varepsilon",
}  # fmt: skip
_TOKEN = re.compile(
    r"^#.*?$|<!-- (?:proved|refuted|undecided|assumed|unsupported|E\d+|derive: ignore) -->|<!-- given: |-->"
    r"|\\(?:text\w*|operatorname|mathrm|begin|end|tag|label|newcommand|color)\*?\{[^{}]*\}|\\[a-zA-Z]+|\\.|```\w*"
    r"|^[A-Z][a-z](?= )|[A-Za-z]{3,}|(?<= )(?:is|in|if|it|by)(?= )|[A-Za-z]|.",
    re.DOTALL | re.MULTILINE,
)
_JOINED = re.compile(r"[ₐ-ₜᵢ-ᵪⱼ]|_\{[a-z]{3,}\}")
_DISPLAY = re.compile(r"(?P<before>\w )?\$\$(?P<body>.+?)\$\$(?P<behind> \w|,)?", re.DOTALL)
_FORWARD = re.compile(
    r"\A(?P<head># .*?\n\n)(?P<forward>.*?)(?P<rest><!-- (?:proved|refuted|undecided|assumed) -->.*)\Z", re.DOTALL
)


def renamed(text: str) -> str:
    """The text with other letters, where the new ones are free; single letters in prose change too, and words stay."""
    if _JOINED.search(text):
        return text  # indices that are typed below the line, or that stand together like a word
    tokens = _TOKEN.findall(text)
    used = set(tokens)
    letters = {old: new for old, new in LETTERS.items() if new not in used}
    return "".join(letters.get(token, token) for token in tokens)


def reordered(text: str) -> str:
    """The text with the displays before the first verdict in the reverse order."""
    found = _FORWARD.match(text)
    if found is None:
        return text
    blocks = [block for block in re.split(r"\n\s*\n|\n(?=\$\$)", found["forward"].strip()) if block.strip()]
    if any(not block.lstrip().startswith(("$$", "<!-- given")) for block in blocks):
        return text  # prose, or an environment of several rows
    return found["head"] + "\n\n".join(reversed(blocks)) + "\n\n" + found["rest"]


def _framed(frame: str) -> Callable[[str], str]:
    """Displays in another frame; what stands within a sentence is none."""

    def framed(found: re.Match[str]) -> str:
        inside = found["before"] or found["behind"]
        return found[0] if inside else frame.replace("BODY", found["body"].strip("\n"))

    return lambda text: _DISPLAY.sub(framed, text)


REWRITES: dict[str, Callable[[str], str]] = {
    "renamed": renamed,
    "reordered": reordered,
    "brackets": _framed("\\[BODY\\]"),
    "equation": _framed("\\begin{equation}\nBODY\n\\end{equation}"),
    "align": _framed("\\begin{align*}\nBODY\n\\end{align*}"),
    "aligned": _framed("$$\\begin{aligned} BODY \\end{aligned}$$"),
    "gather": _framed("\\begin{gather}\nBODY\n\\end{gather}"),
}
