"""``derive steps``: a gradient derived step by step."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from derive.commands.output import can_encode, colours, width, write

if TYPE_CHECKING:
    from derive.model import Model


def add(commands: Any) -> None:
    steps = commands.add_parser(
        "steps",
        help="derive a gradient step by step",
        description="Derive the gradients of a forward pass step by step, each step proved for all sizes.",
        epilog="Exit status: 0 every step proved, 1 some step not proved, 2 input that cannot be read or derived.",
    )
    steps.add_argument(
        "document", metavar="DOC", help="a .md, .qmd, .ipynb, .tex, .rst, .adoc, .org or text file, a layer, or -"
    )
    steps.add_argument(
        "--of", metavar="L", help="what is differentiated: a name of the forward pass (default: the loss)"
    )
    steps.add_argument(
        "--wrt",
        action="append",
        metavar="NAME",
        help="a name to differentiate by; may be repeated (default: all inputs)",
    )
    steps.add_argument(
        "--format", choices=("text", "markdown", "latex", "json"), default="text", help="default: %(default)s"
    )
    steps.add_argument("--output", "-o", metavar="FILE", help="write it there instead of standard output")
    steps.add_argument(
        "--no-color", action="store_true", help="no terminal colours (also: NO_COLOR in the environment)"
    )
    steps.add_argument(
        "--ascii", action="store_true", help="keep to ASCII; chosen by itself where the terminal needs it"
    )
    steps.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from derive.api import LoadedProblem
    from derive.document import DocumentError
    from derive.forward import GraphError
    from derive.gradient import NoDerivative
    from derive.library import open_document
    from derive.normal.algebra import GaveUp, Undefined

    try:
        model: Model = LoadedProblem(open_document(options.document))
        if options.of is not None:
            model = model.of(options.of)
        text, proved = _rendered(model, options)
    except DocumentError as error:
        return _refused(str(error))
    except KeyError as error:
        return _refused(f"{options.document}: {error.args[0]}.")
    except (GaveUp, GraphError, NoDerivative, Undefined) as error:
        return _refused(f"{options.document}: {error}.")
    write(text, options.output)
    return int(not proved)


def _refused(message: str) -> int:
    print(f"derive: {message}", file=sys.stderr)
    return 2


def _rendered(model: Model, options: argparse.Namespace) -> tuple[str, bool]:
    exposition = model.exposition(options.wrt, ranges=options.format != "text")
    proved = all(result.proved for result in exposition.results)
    if options.format == "markdown":
        from derive.report import steps_markdown

        return steps_markdown.render(exposition), proved
    if options.format == "latex":
        from derive.report import steps_latex

        return steps_latex.render(exposition), proved
    if options.format == "json":
        from derive.report import steps_json

        return steps_json.render(exposition), proved
    from derive.report.steps_text import StepsText

    to_file = options.output is not None
    ascii_only = options.ascii or not (to_file or can_encode())
    return StepsText(width(), colours(options.no_color or to_file), ascii_only).render(exposition), proved
