"""``derive prove``: one pair of functions, by name."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from derive.commands.check import add_code_options, code_settings
from derive.commands.output import can_encode, colours, width, write
from derive.commands.version import version

EXAMPLES = """\
examples:
  derive prove layer.py:forward,backward --shapes 'x (N, D), gamma (D,)'
  derive prove package.module:BatchNorm --fix mode=train

exit status:
  0 every gradient is proved, 1 one is not, 2 the code cannot be found or read
"""


def add(commands: Any) -> None:
    prove = commands.add_parser(
        "prove",
        help="prove the gradients of a forward and a backward function",
        description="Prove the gradients that a hand-written backward function returns. Nothing is imported or run.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    prove.add_argument(
        "pair", metavar="MODULE:FORWARD,BACKWARD", help="a module or a .py file, and two functions in it"
    )
    prove.add_argument("--format", choices=("text", "json"), default="text", help="default: %(default)s")
    prove.add_argument("--output", "-o", metavar="FILE", help="write the report there instead of standard output")
    prove.add_argument("--timeout", type=float, default=10.0, metavar="S", help="seconds (default: 10)")
    prove.add_argument("--no-color", action="store_true", help="no terminal colours (or set NO_COLOR)")
    prove.add_argument("--ascii", action="store_true", help="keep to ASCII, which terminals without Unicode get anyway")
    add_code_options(prove)
    prove.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from derive.code.check import check_pair
    from derive.code.locate import NoSuchPair, module_file
    from derive.code.shapes import ShapeError
    from derive.document import DocumentError
    from derive.document.files import text_of
    from derive.source import Source

    module, _, names = options.pair.rpartition(":")
    if not module or not names:
        print("derive: name a module and its functions: package.module:forward,backward", file=sys.stderr)
        return 2
    try:
        path = str(module_file(module))
        checked = check_pair(Source(path, text_of(path)), names, code_settings(options))
    except (DocumentError, NoSuchPair, ShapeError) as error:
        print(f"derive: {error}", file=sys.stderr)
        return 2
    write(_rendered(checked, options), options.output)
    returned = [s for s in checked.statements if s.role != "stage"]
    return int(not returned or any(s.status != "proved" for s in returned))


def _rendered(checked: Any, options: argparse.Namespace) -> str:
    if options.format == "json":
        from derive.report import json

        return json.render([checked], version())
    from derive.report.text import TextReport

    ascii_only = options.ascii or not (options.output or can_encode())
    return TextReport(width(), colours(options.no_color or options.output is not None), ascii_only).render(checked)
