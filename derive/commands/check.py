"""``derive check``: a verdict on every line of a document."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from derive.commands.memory import lasting
from derive.commands.output import can_encode, colours, width, write
from derive.commands.version import version

if TYPE_CHECKING:
    from derive.checking import Checked
    from derive.code.check import Settings
    from derive.document import DocumentError

FORMATS = ("text", "concise", "json", "html", "github", "sarif", "junit", "gradescope")
FAILING = ("refuted", "undecided", "unsupported", "tested")
PROGRESS_AFTER = 20  # equations: shorter documents are done before a progress line could be read


EXAMPLES = """\
examples:
  derive check notes.md
  derive check notes.md --watch
  derive check chapter.tex exercise.ipynb --format html -o report.html
  derive check submission.md --hint 2 --format gradescope -o results.json
  derive check layer.py --diff | patch -p0

exit status:
  0 something was decided and nothing is refuted, 1 something is refuted (or has a verdict of --fail-on),
  2 a document cannot be read, 3 nothing was decided (0 with --undecided-ok)
"""


def add(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="judge every equation of a document",
        description="Judge every equation of Markdown, notebook, LaTeX or text files.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a .md, .qmd, .ipynb, .tex, .rst, .adoc, .org or text file, a layer, a .py file or a folder of them, "
        "or - for standard input",
    )
    _add_report(check)
    _add_judging(check)
    add_code_options(check)
    check.set_defaults(run=run)


def _add_report(check: argparse.ArgumentParser) -> None:
    """What is reported, how and where."""
    group = check.add_argument_group("the report")
    group.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        metavar="FORMAT",
        help="text (default), concise (a line each), html (a web page), json, or for other tools: "
        "github, sarif, junit, gradescope",
    )
    group.add_argument("--output", "-o", metavar="FILE", help="write the report there instead of standard output")
    group.add_argument(
        "--diff", action="store_true", help="print a patch of what refuted lines should be, as far as it is proved"
    )
    group.add_argument("--fix-it", action="store_true", help="make these changes in the files, then check them again")
    group.add_argument("--terms", action="store_true", help="compare gradients with the derivation term by term")
    group.add_argument("--reading", action="store_true", help="say what each name of the page was taken for")
    group.add_argument(
        "--hint",
        type=int,
        choices=(1, 2, 3),
        default=3,
        help="for teachers: tell 1 where something is wrong, 2 what kind of mistake it is, 3 all (default)",
    )
    group.add_argument("--no-color", action="store_true", help="no terminal colours (or set NO_COLOR)")
    group.add_argument("--ascii", action="store_true", help="keep to ASCII, which terminals without Unicode get anyway")


def _add_judging(check: argparse.ArgumentParser) -> None:
    """How long to try, when, and what counts as failing."""
    group = check.add_argument_group("judging")
    group.add_argument(
        "--fail-on",
        action="append",
        choices=FAILING,
        default=[],
        metavar="VERDICT",
        help=f"exit with 1 for this verdict too ({', '.join(FAILING[1:])}); may be repeated",
    )
    group.add_argument(
        "--undecided-ok",
        action="store_true",
        help="exit with 0, not 3, where nothing was decided: for hooks that meet pages without a claim",
    )
    group.add_argument("--timeout", type=_seconds, default=10.0, metavar="S", help="seconds an equation (default: 10)")
    group.add_argument("--watch", action="store_true", help="check again whenever a file changes, until interrupted")


def add_code_options(parser: Any) -> None:
    """What may be said about Python code."""
    group = parser.add_argument_group("Python code")
    group.add_argument("--code", action="store_true", help="check the Python code in a document's fences and cells")
    group.add_argument("--shapes", default="", metavar="SHAPES", help="shapes of arguments: 'x (N, D), y int (N,)'")
    group.add_argument(
        "--fix", action="append", default=[], metavar="NAME=VALUE", help="a setting to hold fixed: mode=train"
    )


def code_settings(options: argparse.Namespace) -> Settings:
    """What the options say about Python code."""
    from derive.code.check import Settings

    fixed = dict(each.partition("=")[::2] for each in options.fix)
    return Settings(options.shapes, fixed, options.timeout, mends=True)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


class _Outcome(NamedTuple):
    """What became of the documents: those that were checked, and those that cannot be read."""

    checked: list[Checked]
    unreadable: list[DocumentError]

    def status(self, failing: set[str], undecided_ok: bool) -> int:
        if self.unreadable:
            return 2
        if any(s.status in failing for c in self.checked for s in c.statements):
            return 1
        return 0 if undecided_ok or any(c.is_decided for c in self.checked) else 3


def run(options: argparse.Namespace) -> int:
    if not options.watch:
        return _run_once(options)
    if "-" in options.paths:
        print("derive: standard input cannot be watched; name a file.", file=sys.stderr)
        return 2
    from derive.commands.watch import watch

    return watch(options.paths, lambda: _run_once(options), clear=options.output is None)


def _run_once(options: argparse.Namespace) -> int:
    outcome = _check(options)
    failing = {"refuted", *options.fail_on}
    if options.diff or options.fix_it:
        from derive.commands.patching import mend

        if not mend(outcome.checked, options):
            return outcome.status(failing, options.undecided_ok)
        outcome = _check(options)
    if outcome.checked or options.format not in ("text", "concise"):
        write(_render(outcome, options, failing), options.output)
    elif not outcome.unreadable and not options.undecided_ok:
        print("derive: there is no pair of forward and backward functions in these files.", file=sys.stderr)
    return outcome.status(failing, options.undecided_ok)


def _check(options: argparse.Namespace) -> _Outcome:
    with lasting():
        from derive.checking import check_document
        from derive.code.check import is_code
        from derive.document import DocumentError
        from derive.hints import withhold
        from derive.library import open_document

    outcome = _Outcome([], [])
    for path in options.paths:
        if options.code or is_code(path):
            _check_code(path, options, outcome)
            continue
        try:
            document = open_document(path)
        except DocumentError as error:
            print(f"derive: {error}", file=sys.stderr)
            outcome.unreadable.append(error)
            continue
        checked = check_document(document, options.timeout, _progress(path), options.terms, options.reading)
        outcome.checked.append(withhold(checked, options.hint))
    return outcome


def _check_code(path: str, options: argparse.Namespace, outcome: _Outcome) -> None:
    """Check a Python file, or those of a folder; of several only what has something to judge is reported."""
    from derive.code.check import check_file, code_files
    from derive.document import DocumentError
    from derive.hints import withhold

    files = code_files(path, documents=options.code)
    for file in files:
        try:
            checked = check_file(file, code_settings(options), _progress(str(file)))
        except DocumentError as error:
            print(f"derive: {error}", file=sys.stderr)
            outcome.unreadable.append(error)
            continue
        if checked.statements or len(files) == len(options.paths) == 1:
            outcome.checked.append(withhold(checked, options.hint))


def _progress(path: str) -> Callable[[int, int], None] | None:
    """A line on a terminal's standard error that counts equations, for documents that take a while."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        if total > PROGRESS_AFTER:
            end = "\r" if done < total else "\r" + " " * 79 + "\r"
            print(f"{path}: {done} of {total} equations", end=end, file=sys.stderr, flush=True)

    return show


def _render(outcome: _Outcome, options: argparse.Namespace, failing: set[str]) -> str:
    """The report in the format that was asked for."""
    if options.format in ("text", "concise"):
        return _render_text(outcome.checked, options)
    checked, unreadable = outcome.checked, outcome.unreadable
    if options.format == "json":
        from derive.report import json

        return json.render(checked, version())
    if options.format == "github":
        from derive.report import github

        return github.render(checked, unreadable)
    if options.format == "sarif":
        from derive.report import sarif

        return sarif.render(checked, unreadable, version())
    if options.format == "junit":
        from derive.report import junit

        return junit.render(checked, unreadable, failing)
    if options.format == "gradescope":
        from derive.report import gradescope

        return gradescope.render(checked, unreadable)
    from derive.report import html

    return html.render(checked, unreadable, version())


def _render_text(checked: list[Checked], options: argparse.Namespace) -> str:
    """A report for people, in the signs and colours that its reader can show."""
    to_file = options.output is not None
    ascii_only = options.ascii or not (to_file or can_encode())
    if options.format == "concise":
        from derive.report import concise

        return "".join(concise.render(c, ascii_only) for c in checked)
    from derive.report.text import TextReport

    report = TextReport(width(), colours(options.no_color or to_file), ascii_only)
    return "\n".join(report.render(c) for c in checked)
