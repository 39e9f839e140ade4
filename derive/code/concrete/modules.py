"""The module around a function: its imports, constants, functions and classes, as far as they are needed."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.libraries import LIBRARY, MODULES
from derive.code.concrete.machine import Machine
from derive.code.concrete.scopes import bind, names_stored
from derive.code.concrete.values import JaxArray, Namespace, Scope, Tensor, Unknown, Value

ALIASES = {
    "autograd.numpy": "numpy",
    "cupy": "numpy",
    "torch.functional": "torch",
    **dict.fromkeys(("past.builtins", "future.builtins", "six.moves"), "builtins"),
}
"""Libraries that are as good as another for the functions that the whitelist has."""


def import_modules(machine: Machine, node: ast.Import, scope: Scope) -> None:
    """``import a.b as c``: names of the whitelist; of all other modules the name is known and nothing else."""
    for each in node.names:
        path = ALIASES.get(each.name, each.name)
        if each.asname is None:
            path = path.split(".")[0]
        bind(each.asname or each.name.split(".")[0], _module(path, node.lineno), scope)


def import_from(machine: Machine, node: ast.ImportFrom, scope: Scope) -> None:
    """``from a import b as c``."""
    path = "." * node.level + (node.module or "")
    for each in node.names:
        if each.name == "*":
            machine.star_import = True
            continue
        bind(each.asname or each.name, _imported(f"{ALIASES.get(path, path)}.{each.name}", node.lineno), scope)


def _module(path: str, line: int) -> Value:
    return Namespace(path) if path in MODULES else Unknown(line, f"the module {path} is not supported")


def _imported(path: str, line: int) -> Value:
    if path in LIBRARY:
        return LIBRARY[path]
    if path in MODULES or path.split(".")[0] in ("typing", "jaxtyping", "collections", "abc", "dataclasses"):
        return Namespace(path)
    return Unknown(line, f"{path} is not supported")


def load(machine: Machine, statements: Iterable[ast.stmt]) -> None:
    """Run statements of a module one by one; what one of them should have bound and did not is unknown.

    Loops at the top of a module are its experiments: they are not run, and what they bind is not known.
    """
    for node in statements:
        if isinstance(node, ast.Try):
            _load_trial(machine, node)
            continue
        try:
            if isinstance(node, ast.For | ast.While | ast.With):
                raise NotRunnable(node.lineno, "it is bound in a loop of the module")
            machine.execute([node], machine.globals)
        except NotRunnable as error:
            if error.reason == "limit":
                raise
            for name in names_stored(node):
                machine.globals.variables[name] = Unknown(error.line or node.lineno, error.why)


def _load_trial(machine: Machine, node: ast.Try) -> None:
    """``try: import a … except ImportError: import b``: the first that is known."""
    load(machine, node.body)
    unknown = {name for name in names_stored(node) if isinstance(machine.globals.variables.get(name), Unknown)}
    for handler in node.handlers:
        if unknown & names_stored(handler):
            load(machine, handler.body)


def needed(tree: ast.Module, names: Iterable[str]) -> list[ast.stmt]:
    """The statements of a module that bear on these names: those that bind them, or change what they stand for."""
    wanted = {*names, "*"}
    libraries = frozenset().union(*(names_stored(n) for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)))
    binds = [(node, _bound(node, libraries)) for node in tree.body]
    chosen: set[int] = set()
    while fresh := [i for i, (_, bound) in enumerate(binds) if i not in chosen and bound & wanted]:
        chosen.update(fresh)
        for i in fresh:
            wanted |= _read(binds[i][0])
    return [node for i, (node, _) in enumerate(binds) if i in chosen]


def _bound(node: ast.stmt, libraries: frozenset[str]) -> frozenset[str]:
    """The names that a statement binds, or whose values it may change."""
    found = set(names_stored(node))
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        found.add("*")
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
        return frozenset(found)
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute | ast.Subscript) and isinstance(each.ctx, ast.Store):
            found |= _root(each)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            found |= _root(each.func) - libraries
    return frozenset(found)


def _root(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _read(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


# -- whose arrays the arguments are ------------------------------------------------------------------------------------

KINDS: dict[str, type[Tensor] | type[JaxArray]] = {"torch": Tensor, "jax": JaxArray}

TORCH_WORDS = {"keepdim", "dim", "unsqueeze", "permute", "numel", "rsqrt", "clone", "view", "expand_as", "mm", "t"}
"""Methods and keywords that torch has and NumPy has not."""


def library_of(tree: ast.Module, statements: list[ast.stmt]) -> type[Tensor] | type[JaxArray] | None:
    """The library whose arrays a function is given, by what the statements that it needs use and import.

    ``None`` is NumPy.
    """
    imported = {_library(node, alias) for node in tree.body for alias in _aliases(node)}
    used = {_library(node, alias) for node in statements for alias in _aliases(node)}
    for candidates in (used, imported):
        found = candidates & {"torch", "jax", "numpy"}
        if len(found) == 1:
            return KINDS.get(found.pop())
    if "jax" in used:
        return JaxArray
    words = {each.attr for node in statements for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    words |= {each.arg for node in statements for each in ast.walk(node) if isinstance(each, ast.keyword) and each.arg}
    return Tensor if "torch" in used | imported and words & TORCH_WORDS else None


def _aliases(node: ast.stmt) -> list[ast.alias]:
    return node.names if isinstance(node, ast.Import | ast.ImportFrom) else []


def _library(node: ast.stmt, alias: ast.alias) -> str:
    path = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
    return path.split(".")[0]
