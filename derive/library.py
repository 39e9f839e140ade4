"""The library of layers: documents that ship inside the package, each under the name of its file.

Wherever a document is asked for, the name of a layer will do: `open_document` finds either. A new layer is a new file
in ``derive/layers`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

from derive.document import Document, DocumentError, load, read_text

SUFFIX = ".md"


@dataclass(frozen=True)
class Layer:
    """A built-in layer: its name, its title and the sentence that it begins with."""

    name: str
    title: str
    summary: str


def layer_names() -> tuple[str, ...]:
    """The names of the built-in layers, in alphabetical order."""
    found = (entry.name for entry in files("derive").joinpath("layers").iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX)))


def layers() -> Iterator[Layer]:
    """The built-in layers."""
    for name in layer_names():
        title, _, rest = layer_text(name).partition("\n")
        summary = rest.lstrip().partition("\n\n")[0]
        yield Layer(name, title.removeprefix("#").strip(), " ".join(summary.split()))


@cache
def layer_text(name: str) -> str:
    """The document of a built-in layer, as Markdown. Raises `KeyError` for a name that is none."""
    if name not in layer_names():
        raise KeyError(name)
    return files("derive").joinpath("layers", name + SUFFIX).read_text(encoding="utf-8")


def open_document(name: str | Path) -> Document:
    """A document by its path, or by the name of a layer; ``-`` is standard input.

    A file goes before a layer of the same name. Raises `DocumentError`, and nothing else.
    """
    text = str(name)
    if not _is_word(text) or Path(text).is_file():
        return load(name)
    if text in layer_names():
        return read_text(layer_text(text), text)
    try:
        return load(name)
    except DocumentError as error:
        raise DocumentError(text, f"{error.message}, and no layer of this name", _suggestion(text)) from error


def _is_word(text: str) -> bool:
    """Whether a text could be the name of a layer at all."""
    return text.replace("_", "").isalnum()


def _suggestion(name: str) -> str:
    """What may have been meant by a name that is nothing."""
    close = get_close_matches(name.lower(), layer_names(), n=1)
    return f"Did you mean {close[0]}?" if close else "Check the path; derive layers lists the layers."
