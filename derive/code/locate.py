"""Where code is found: the file of a module, the source of a function, the fences and cells of a document.

Modules are looked for along the path as Python would, but nothing is imported; of functions that are there already the
source is read, and nothing is called.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from derive.code.listing import Listing
from derive.code.pairs import Pair, find_pairs, functions_of
from derive.document import DocumentError
from derive.document.files import text_of
from derive.source import Source

_FENCE = re.compile(
    r"^(?P<mark>`{3,}|~{3,})[ \t]*\{?\.?(?:python|py|py3|python3)\b[^\n]*\n(?P<code>.*?)^(?P=mark)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_MAGIC = re.compile(r"^\s*[%!?].*$", re.MULTILINE)


class NoSuchPair(LookupError):
    """A pair that was asked for by name and is not there."""


def module_file(name: str) -> Path:
    """The file of a module by its dotted name, or a path as it is. Raises `NoSuchPair`."""
    if name.endswith(".py"):
        return Path(name)
    parts = name.split(".")
    for folder in dict.fromkeys(["", *sys.path]):
        base = Path(folder or ".", *parts)
        for candidate in (base.with_suffix(".py"), base / "__init__.py"):
            if candidate.is_file():
                return candidate
    raise NoSuchPair(f"there is no file of a module {name} along the path")


def pair_named(tree: ast.Module, names: str) -> Pair:
    """``forward,backward``, or the name of one function or class that is a pair. Raises `NoSuchPair`."""
    first, _, second = (part.strip() for part in names.partition(","))
    functions = functions_of(tree)
    for pair in find_pairs(tree):
        whole = not second and first in (pair.forward, pair.backward, pair.primal, pair.backward.rpartition(".")[0])
        if whole or (pair.forward, pair.backward) == (first, second):
            return pair
    for name in (first, second):
        if name and name not in functions:
            known = ", ".join(functions) or "nothing"
            raise NoSuchPair(f"there is no function {name}; there is {known}")
    if not second:
        raise NoSuchPair(f"{first} is no pair of its own; name its backward function too: {first},{first}_backward")
    is_method = "." in first and first.rpartition(".")[0] == second.rpartition(".")[0]
    return Pair(first, second, "class" if is_method else "functions", functions[second].lineno)


def source_of(forward: Callable[..., Any], backward: Callable[..., Any] | None) -> tuple[Source, str]:
    """The source that holds two functions, or a class, and their names in it.

    Raises:
        NoSuchPair: a function has no source, as one that is built in or was typed at a prompt.
    """
    given = [each for each in (forward, backward) if each is not None]
    names = ",".join(_plain_name(each) for each in given)
    try:
        path = inspect.getsourcefile(forward)
        if path is not None and Path(path).is_file():
            return Source(path, text_of(path)), names
        texts = [textwrap.dedent(inspect.getsource(each)) for each in given]
    except (OSError, TypeError) as error:
        raise NoSuchPair(f"{names} has no source that can be read") from error
    return Source("<cell>", "\n\n".join(texts)), names


def _plain_name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__qualname__", getattr(function, "__name__", str(function)))
    return str(name).replace("<locals>.", "")


# -- documents -------------------------------------------------------------------------------------------------------


def code_of(path: str) -> Listing:
    """The Python code of a file: all of a Python file, the fences of a document, the cells of a notebook.

    Raises:
        DocumentError: it cannot be read.
    """
    text = text_of(path)
    if path.lower().endswith(".py"):
        return Listing.whole(Source(path, text))
    if path.lower().endswith(".ipynb"):
        return Listing.of_cells(path, list(_cells(text, path)))
    fences = [(text.count("\n", 0, f.start("code")) + 1, f["code"]) for f in _FENCE.finditer(text)]
    return Listing.of_fences(Source(path, text), fences)


def _cells(text: str, path: str) -> Iterator[Source]:
    """The code cells of a notebook, their magics taken out."""
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DocumentError(path, "this notebook cannot be read", "Open it in Jupyter and save it again.") from error
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            lines = cell.get("source", "")
            code = lines if isinstance(lines, str) else "".join(map(str, lines))
            if not code.lstrip().startswith("%%"):
                yield Source(path, _MAGIC.sub("", code), number)
