"""What a file defines and imports, by name; nothing of it is executed."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from derive.code.pairs import Function, functions_of

CUSTOMARY = {
    "np": "numpy",
    "torch": "torch",
    "jnp": "jax.numpy",
    "F": "torch.nn.functional",
    "jax": "jax",
    "math": "math",
}
"""Names that stand for their module where a piece of code (a fence, a cell) imports nothing."""


def with_customary_imports(tree: ast.Module) -> ast.Module:
    """A module that imports nothing, with the imports of the customary names that it uses."""
    if any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body):
        return tree
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    imports = [ast.Import([ast.alias(path, name)]) for name, path in CUSTOMARY.items() if name in used]
    for each in imports:
        each.lineno = each.end_lineno = 0
        each.col_offset = each.end_col_offset = 0
    return ast.Module([*imports, *tree.body], tree.type_ignores)


@dataclass
class Module:
    """The names of a file.

    Attributes:
        functions: by qualified name.
        classes: the names of classes.
        paths: names that imports bind, with what they stand for: ``np`` -> ``numpy``, ``exp`` -> ``numpy.exp``.
        constants: module-level assignments of a single name, with their values.
        imports_all: whether there is an ``import *``, so that any name may be bound.
    """

    tree: ast.Module
    functions: dict[str, Function] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)
    paths: dict[str, str] = field(default_factory=dict)
    constants: dict[str, ast.expr] = field(default_factory=dict)
    imports_all: bool = False

    @classmethod
    def of(cls, tree: ast.Module) -> Module:
        found = cls(tree, functions_of(tree))
        for node in tree.body:
            found._add(node)
        return found

    def _add(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ClassDef):
            self.classes.add(node.name)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self.constants[node.targets[0].id] = node.value
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self.bind(node)
        elif isinstance(node, ast.Try):
            for each in node.body:
                self._add(each)

    def bind(self, node: ast.Import | ast.ImportFrom) -> None:
        """Note what an import statement binds."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                self.paths[name] = alias.name if alias.asname else name
            return
        for alias in node.names:
            if alias.name == "*":
                self.imports_all = True
            else:
                self.paths[alias.asname or alias.name] = f"{'.' * node.level}{node.module or ''}.{alias.name}"
