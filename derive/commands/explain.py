"""``derive explain``: what a mistake is, what it usually comes from, and how it looks wrong and right."""

from __future__ import annotations

import argparse
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from derive.commands.output import can_encode, width, write

if TYPE_CHECKING:
    from derive.mistakes.table import Kind

INDENT = "    "


def add(commands: Any) -> None:
    explain = commands.add_parser(
        "explain",
        help="explain a mistake by its code",
        description="Explain a mistake that a report names: what it is, what it comes from, wrong and right.",
        epilog="Without a code: list all mistakes.",
    )
    explain.add_argument("code", nargs="?", metavar="CODE", help="the code of a mistake, such as DRV201")
    explain.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from derive.mistakes.table import BY_CODE, KINDS

    if options.code is None:
        _print(_listing(KINDS, width()))
        return 0
    kind = BY_CODE.get(options.code.upper())
    if kind is None:
        print(f"derive: there is no mistake {options.code}.{_nearest(options.code)}", file=sys.stderr)
        return 2
    _print(_explanation(kind, width()))
    return 0


def _print(text: str) -> None:
    from derive.plain import in_ascii

    write(text if can_encode() else in_ascii(text), None)


def _nearest(text: str) -> str:
    """What somebody may have meant: the nearest code, or that of a name with this word in it."""
    from difflib import get_close_matches

    from derive.mistakes.table import BY_CODE

    named = [kind.code for kind in BY_CODE.values() if text.lower() in kind.name]
    close = named or get_close_matches(text.upper(), BY_CODE, n=1)
    return f" Did you mean {close[0]} ({BY_CODE[close[0]].name})?" if close else " derive explain lists them all."


def _listing(kinds: tuple[Kind, ...], columns: int) -> str:
    """A line for each mistake."""
    lines: list[str] = []
    for kind in kinds:
        lines += textwrap.wrap(f"{kind.code}  {kind.name}", columns, subsequent_indent=" " * 8)
    return "\n".join(lines) + "\n"


def _explanation(kind: Kind, columns: int) -> str:
    """One mistake at length."""
    parts = [
        f"{kind.code}  {kind.name}",
        _wrapped(f"“{kind.message.format('…', '…')}”", columns),
        _wrapped(kind.origin, columns),
        _wrapped(f"Named only where {kind.shown_by}, for every size.", columns),
        *(_example(title, text, columns) for title, text in _examples(kind)),
    ]
    return "\n\n".join(parts) + "\n"


def _examples(kind: Kind) -> tuple[tuple[str, str], ...]:
    return ("Wrong", f"$${kind.wrong}$$"), ("Right", f"$${kind.right}$$"), ("With", kind.forward)


def _example(title: str, text: str, columns: int) -> str:
    """The equations of a few lines of Markdown as text."""
    from derive.document import read_text
    from derive.latex.parser import parse_display
    from derive.plain import plain

    lines = [f"{title}:"]
    for block in read_text(text).blocks:
        for statement in parse_display(block.text):
            lines += textwrap.wrap(plain(statement), columns, initial_indent=INDENT, subsequent_indent=INDENT * 2)
    return "\n".join(lines)


def _wrapped(text: str, columns: int) -> str:
    return "\n".join(textwrap.wrap(text, columns))
