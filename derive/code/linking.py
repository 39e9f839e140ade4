"""Functions that a file takes from its neighbours: ``from .layers import *`` is read, never imported.

A neighbour's functions get line numbers of their own range, so that a line says which file it is in.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from derive.code.pairs import Function

FAR = 1_000_000
"""What is added to the line numbers of each neighbour."""
MAX_BYTES = 2_000_000
DEPTH = 3


def linked(tree: ast.Module, path: str, depth: int = DEPTH) -> tuple[ast.Module, tuple[str, ...]]:
    """A module with the functions and imports of its neighbours in front, and the paths of these."""
    found: list[ast.stmt] = []
    paths: list[str] = []
    own: list[ast.stmt] = []
    defined = {node.name for node in tree.body if isinstance(node, Function | ast.ClassDef)}
    for node in tree.body:
        neighbour = _neighbour(node, path) if isinstance(node, ast.ImportFrom) and depth else None
        body = _body(neighbour) if neighbour is not None else None
        if neighbour is None or body is None:
            own.append(node)
            continue
        inner, further = linked(ast.Module(body, []), str(neighbour), depth - 1)
        paths.append(str(neighbour))
        found += _shifted(inner.body, FAR * len(paths), defined)
        paths += further
    return ast.Module([*found, *own], tree.type_ignores), tuple(paths)


def _neighbour(node: ast.ImportFrom, path: str) -> Path | None:
    """The file beside a file that an import statement names."""
    if not node.module:
        return None
    beside = Path(path).parent / f"{node.module.split('.')[-1]}.py"
    above = Path(path).parent.parent / f"{node.module.split('.')[-1]}.py"
    for candidate in (beside, above):
        if candidate.is_file() and candidate != Path(path) and candidate.stat().st_size < MAX_BYTES:
            return candidate
    return None


def _body(path: Path) -> list[ast.stmt] | None:
    try:
        return ast.parse(path.read_text(encoding="utf-8", errors="replace")).body
    except (SyntaxError, ValueError, OSError, RecursionError):
        return None


def _shifted(body: list[ast.stmt], lines: int, defined: set[str]) -> Iterator[ast.stmt]:
    """What a neighbour defines and imports, except what is defined anew."""
    for node in body:
        is_name = isinstance(node, Function | ast.ClassDef)
        if isinstance(node, ast.Import | ast.ImportFrom) or (is_name and node.name not in defined):  # type: ignore[attr-defined]
            if node.lineno < FAR:
                ast.increment_lineno(node, lines)
            yield node
