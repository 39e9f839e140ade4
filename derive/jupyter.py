"""Jupyter: after ``%load_ext derive``, a cell that begins with ``%%derive`` is read as a document and checked.

Nothing of IPython is imported until it calls: it hands over its shell, and a magic is a function of a line and a cell.
"""

from __future__ import annotations

import argparse
import re
import shlex
from typing import Any, NoReturn

from derive.checking import check_document
from derive.document import DocumentError, Format, read_text
from derive.hints import LEVELS, withhold
from derive.results import Report

_DELIMITED = re.compile(r"\$|\\\[|\\\(|\\begin\s*\{|```")


def register(shell: Any) -> None:
    """Give a shell the cell magic ``%%derive``."""
    shell.register_magic_function(derive, "cell", "derive")


def derive(line: str, cell: str) -> Report:
    r"""Check the mathematics of a cell.

    ``%%derive [--hint 1|2|3] [--terms] [--timeout S] [--tex]``

    The cell is Markdown with mathematics between dollar signs, or LaTeX with ``--tex``. Without any delimiters each
    line of the cell is an equation.

    >>> derive("", "\\mu = \\frac{1}{N} \\sum_{i=1}^N x_i\n\\frac{\\partial \\mu}{\\partial x_i} = \\frac{1}{N}")
    <Report of this cell: 1 proved, 1 assumed>
    """
    options = _parser().parse_args(shlex.split(line))
    kind: Format = "tex" if options.tex else "md"
    text = cell if _DELIMITED.search(cell) else _displayed(cell)
    try:
        document = read_text(f"\n{text}", "this cell", kind)  # the magic is the cell's first line
    except DocumentError as error:
        _fail(str(error))
    checked = check_document(document, options.timeout, terms=options.terms)
    return Report.of(withhold(checked, options.hint))


def _displayed(cell: str) -> str:
    """Each line as a display, on its own line still."""
    return "\n".join(f"$${line}$$" if line.strip() else line for line in cell.split("\n"))


class _Parser(argparse.ArgumentParser):
    """Complains as IPython does instead of leaving it."""

    def error(self, message: str) -> NoReturn:
        _fail(f"%%derive: {message}")


def _parser() -> _Parser:
    parser = _Parser(prog="%%derive", add_help=False)
    parser.add_argument("--hint", type=int, choices=LEVELS, default=3)
    parser.add_argument("--terms", action="store_true")
    parser.add_argument("--timeout", type=float, default=10.0)
    parser.add_argument("--tex", action="store_true")
    return parser


def _fail(message: str) -> NoReturn:
    from IPython.core.error import UsageError

    raise UsageError(message)
