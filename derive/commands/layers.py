"""``derive layers``: the built-in layers, one line each, or the document of one."""

from __future__ import annotations

import argparse
import sys
import textwrap
from typing import Any

from derive.commands.output import can_encode, width, write


def add(commands: Any) -> None:
    layers = commands.add_parser(
        "layers",
        help="list the built-in layers",
        description="List the built-in layers; each name can be given wherever a document is asked for.",
        epilog="With a name: print that layer's document, its forward pass and its derivation, as Markdown.",
    )
    layers.add_argument("layer", nargs="?", metavar="NAME", help="print the document of this layer")
    layers.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from derive.document import DocumentError
    from derive.library import layer_names, layer_text, open_document

    if options.layer is None:
        write(_listing(width()), None)
        return 0
    if options.layer in layer_names():
        text = layer_text(options.layer)
        write(text if can_encode() else text.encode("ascii", "xmlcharrefreplace").decode("ascii"), None)
        return 0
    try:
        open_document(options.layer)
    except DocumentError as error:
        print(f"derive: {error}", file=sys.stderr)
    else:
        print(f"derive: {options.layer}: this is a file, not a layer.", file=sys.stderr)
    return 2


def _listing(columns: int) -> str:
    """A line for each layer: its name and what it does."""
    from derive.library import layers

    known = list(layers())
    margin = max(len(layer.name) for layer in known) + 2
    lines: list[str] = []
    for layer in known:
        text = f"{layer.name:<{margin}}{layer.summary}"
        lines += textwrap.wrap(text, columns, subsequent_indent=" " * margin)
    return "\n".join(lines) + "\n"
