"""``derive kernel``: a document's forward pass and gradients as fast code, proved before it is printed."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, cast

from derive.commands.output import can_encode, write

if TYPE_CHECKING:
    from derive.api import LoadedProblem
    from derive.kernels.kernel import Target

TARGETS = ("numpy", "c", "numba")


def add(commands: Any) -> None:
    kernel = commands.add_parser(
        "kernel",
        help="write the forward pass and the gradients as fast code",
        description="Write a module with forward and backward, proved to compute what the document defines.",
        epilog="Exit status: 0 written, 1 --verify found a difference, 2 the document or its kernel can not be had.",
    )
    kernel.add_argument(
        "document", metavar="DOC", help="a .md, .qmd, .ipynb, .tex, .rst, .adoc, .org or text file, a layer, or -"
    )
    kernel.add_argument("--target", choices=TARGETS, help="default: c for -o FILE.c, else numpy")
    kernel.add_argument("--wrt", action="append", metavar="NAME", help="differentiate by this; may be repeated")
    kernel.add_argument("--output", "-o", metavar="FILE", help="write it there instead of standard output")
    kernel.add_argument(
        "--verify",
        action="store_true",
        help="run it beside the definitions in longdouble, finite differences and what is derived by hand; with -o the "
        "module is written there if it agrees with its reference",
    )
    kernel.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from derive.api import LoadedProblem
    from derive.document import DocumentError
    from derive.gradient import NoDerivative
    from derive.kernels.axes import NotLowerable
    from derive.kernels.build import CannotBuild
    from derive.library import open_document
    from derive.normal.limits import GaveUp, Undefined

    try:
        problem = LoadedProblem(open_document(options.document))
        if options.verify:
            return _verify(problem, options)
        text = problem.kernel_source(_target(options), options.wrt)
    except CannotBuild as error:
        return _refuse(f"{options.document}: {error}.")
    except DocumentError as error:
        return _refuse(str(error))
    except KeyError as error:
        return _refuse(f"{options.document}: {error.args[0]}.")
    except NotLowerable as error:
        return _refuse(f"{options.document}: no kernel: {error}.")
    except (GaveUp, NoDerivative, Undefined) as error:
        return _refuse(f"{options.document}: no kernel: a gradient could not be found ({error}).")
    write(text if options.output is not None or can_encode() else _ascii(text), options.output)
    return 0


def _refuse(message: str) -> int:
    print(f"derive: {message}", file=sys.stderr)
    return 2


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")


def _target(options: argparse.Namespace) -> Target:
    """The language: the one asked for, or that of the file's suffix."""
    if options.target is not None:
        return cast("Target", options.target)
    return "c" if str(options.output or "").endswith(".c") else "numpy"


def _verify(problem: LoadedProblem, options: argparse.Namespace) -> int:
    """Print the comparison; a module that agrees with its reference goes where it was asked for."""
    report = problem.verify(_target(options), options.wrt)
    text = report.text()
    write(text if can_encode() else _ascii(text), None)
    if options.output is not None and report.is_right:
        write(report.source, options.output)
    return int(not report.agrees)
