"""The command line. Thin: it parses arguments, calls the library and prints; everything heavy is imported when needed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.checking import Checked

FAILING = ("refuted", "undecided", "unsupported", "tested")
PROGRESS_AFTER = 20  # equations: shorter documents are done before a progress line could be read


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 2
    try:
        return int(options.run(options))
    except BrokenPipeError:  # the reader of our output went away, as in `derive check x.md | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="derive",
        description="Check hand-derived gradients line by line: proved for every size, or refuted with a counterexample.",
        epilog="Start with: derive check notes.md",
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_check(commands)
    return parser


class _Version(argparse.Action):
    """``--version``, read when asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **_: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"derive {version()}")
        parser.exit()


def version() -> str:
    """The installed version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("derivecheck")
    except PackageNotFoundError:
        return "0+unknown"


# -- check ---------------------------------------------------------------------------------------------------------------


def _add_check(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="judge every equation of a document",
        description="Judge every equation of Markdown, notebook, LaTeX or text files (- for standard input).",
        epilog="Exit status: 0 nothing refuted, 1 something refuted (or --fail-on), 2 input that cannot be read.",
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help="a .md, .qmd, .ipynb, .tex or text file, or -")
    check.add_argument("--format", choices=("text", "concise", "json"), default="text", help="default: %(default)s")
    check.add_argument("--terms", action="store_true", help="compare gradients with the derivation term by term")
    check.add_argument("--output", "-o", metavar="FILE", help="write the report there instead of standard output")
    check.add_argument(
        "--fail-on", action="append", choices=FAILING, default=[], help="exit with 1 for this verdict too; may be repeated"
    )
    check.add_argument("--timeout", type=_seconds, default=10.0, metavar="S", help="seconds an equation (default: 10)")
    check.add_argument("--no-color", action="store_true", help="no terminal colours (also: NO_COLOR in the environment)")
    check.add_argument("--ascii", action="store_true", help="keep to ASCII; chosen by itself where the terminal needs it")
    check.set_defaults(run=_check)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


def _check(options: argparse.Namespace) -> int:
    from derive.checking import check_document
    from derive.document import DocumentError, load

    checked: list[Checked] = []
    unreadable = 0
    for path in options.paths:
        try:
            document = load(path)
        except DocumentError as error:
            print(f"derive: {error}", file=sys.stderr)
            unreadable += 1
            continue
        checked.append(check_document(document, options.timeout, _progress(path), options.terms))
    if checked or options.format == "json":
        _write(_render(checked, options), options.output)
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
    ascii_only = options.ascii or not (to_file or _can_encode())
    if options.format == "json":
        from derive.report import json

        return json.render(checked, version())
    if options.format == "concise":
        from derive.report import concise

        return "".join(concise.render(c, ascii_only) for c in checked)
    import shutil

    from derive.report.text import TextReport

    colour = not (to_file or options.no_color or "NO_COLOR" in os.environ) and sys.stdout.isatty()
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    report = TextReport(width, colour, ascii_only)
    return "\n".join(report.render(c) for c in checked)


def _can_encode() -> bool:
    """Whether standard output takes the mathematical signs of the report."""
    try:
        "Σ√∂ᵀx̂✓✗".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _write(text: str, path: str | None) -> None:
    if path is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        Path(path).write_text(text, encoding="utf-8")
