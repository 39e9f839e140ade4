"""``derive check``: a verdict on every line of a document."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from derive.commands.output import can_encode, colours, width, write
from derive.commands.version import version

if TYPE_CHECKING:
    from derive.checking import Checked

FAILING = ("refuted", "undecided", "unsupported", "tested")
PROGRESS_AFTER = 20  # equations: shorter documents are done before a progress line could be read


def add(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="judge every equation of a document",
        description="Judge every equation of Markdown, notebook, LaTeX or text files (- for standard input).",
        epilog="Exit status: 0 nothing refuted, 1 something refuted (or --fail-on), 2 input that cannot be read.",
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help="a .md, .qmd, .ipynb, .tex or text file, a layer, or -")
    check.add_argument("--format", choices=("text", "concise", "json"), default="text", help="default: %(default)s")
    check.add_argument("--terms", action="store_true", help="compare gradients with the derivation term by term")
    check.add_argument("--output", "-o", metavar="FILE", help="write the report there instead of standard output")
    check.add_argument(
        "--fail-on",
        action="append",
        choices=FAILING,
        default=[],
        help="exit with 1 for this verdict too; may be repeated",
    )
    check.add_argument("--timeout", type=_seconds, default=10.0, metavar="S", help="seconds an equation (default: 10)")
    check.add_argument(
        "--no-color", action="store_true", help="no terminal colours (also: NO_COLOR in the environment)"
    )
    check.add_argument(
        "--ascii", action="store_true", help="keep to ASCII; chosen by itself where the terminal needs it"
    )
    check.set_defaults(run=run)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


def run(options: argparse.Namespace) -> int:
    from derive.checking import check_document
    from derive.document import DocumentError
    from derive.library import open_document

    checked: list[Checked] = []
    unreadable = 0
    for path in options.paths:
        try:
            document = open_document(path)
        except DocumentError as error:
            print(f"derive: {error}", file=sys.stderr)
            unreadable += 1
            continue
        checked.append(check_document(document, options.timeout, _progress(path), options.terms))
    if checked or options.format == "json":
        write(_render(checked, options), options.output)
    if unreadable:
        return 2
    failing = {"refuted", *options.fail_on}
    return int(any(s.status in failing for c in checked for s in c.statements))


def _progress(path: str) -> Callable[[int, int], None] | None:
    """A line on a terminal's standard error that counts equations, for documents that take a while."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        if total > PROGRESS_AFTER:
            end = "\r" if done < total else "\r" + " " * 79 + "\r"
            print(f"{path}: {done} of {total} equations", end=end, file=sys.stderr, flush=True)

    return show


def _render(checked: list[Checked], options: argparse.Namespace) -> str:
    to_file = options.output is not None
    ascii_only = options.ascii or not (to_file or can_encode())
    if options.format == "json":
        from derive.report import json

        return json.render(checked, version())
    if options.format == "concise":
        from derive.report import concise

        return "".join(concise.render(c, ascii_only) for c in checked)
    from derive.report.text import TextReport

    report = TextReport(width(), colours(options.no_color or to_file), ascii_only)
    return "\n".join(report.render(c) for c in checked)
