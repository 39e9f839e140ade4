"""Which value a parameter of a backward function is given, and which input a returned gradient is that of, by names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from derive.code.pairs import Function, own_returns

CACHE = re.compile(
    r"(?i)^_?((\w+_)?caches?|res|residuals?|saved(_\w+)?|ctx|context|mem(ory)?|tape|state|aux|intermediates?)$"
)
UPSTREAM = re.compile(
    r"(?i)^(d[_A-Za-z0-9]\w*|g|gs|g_\w+|ct|cts|cotangents?|delta\w*|up(stream)?\w*|top\w*|\w*grad\w*|dl|error)$"
)
GRADIENT = (
    r"^d_?(.+)$",
    r"^grad_?(.+)$",
    r"^(.+)_grad$",
    r"^g_?(.+)$",
    r"^delta_?(.+)$",
    r"^(.+)_bar$",
    r"^d[lL]_?d(.+)$",
)
"""How the gradient with respect to a name is called."""


SETTINGS = re.compile(r"(?i)(_params?|config|cfg|conf|options|opts|settings|hparams)$")
"""What dictionaries of settings are called."""


def is_cache(name: str) -> bool:
    return bool(CACHE.match(name))


def is_upstream(name: str) -> bool:
    return bool(UPSTREAM.match(name))


def gradient_of(name: str | None, inputs: Sequence[str]) -> str | None:
    """The input whose gradient a name stands for: ``dx``, ``grad_x``, ``x_grad``, ``self.dW``, ``grads['W']``."""
    if not name:
        return None
    bare = name.removeprefix("self.")
    inside = re.fullmatch(r"[\w.]*grads?[\w.]*\[['\"](\w+)['\"]\]", bare)
    if inside:
        bare = inside[1]
    if bare in inputs and (inside or name in inputs):
        return bare
    stems = [found[1] for each in GRADIENT if (found := re.match(each, bare))]
    for plain in (False, True):
        for stem in stems:
            for each in inputs:
                own = each.removeprefix("self.")
                if stem == own or (plain and _folded(stem) == _folded(own)):
                    return each
    return None


def _folded(name: str) -> str:
    return name.lower().replace("_", "")


def parameters_of(node: Function) -> list[str]:
    """The parameters of a function, in order."""
    return [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def defaults_of(node: Function) -> dict[str, ast.expr]:
    """The default of each parameter that has one."""
    a = node.args
    positional = [each.arg for each in (*a.posonlyargs, *a.args)]
    found = dict(zip(positional[len(positional) - len(a.defaults) :], a.defaults, strict=True))
    return found | {p.arg: d for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d is not None}


def returned_names(node: Function) -> list[str | None]:
    """What the last return of a function calls its parts; ``None`` for what has no name."""
    returns = [each for each in own_returns(node) if each.value is not None]
    if not returns:
        return []
    value = max(returns, key=lambda each: each.lineno).value
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    return [
        ast.unparse(part) if isinstance(part, ast.Name | ast.Attribute | ast.Subscript) else None
        for part in parts
        if part
    ]


def settings_of(node: Function) -> set[str]:
    """The parameters that are dictionaries of settings: by their name, or by ``p.get(…)`` and ``p["mode"]``."""
    names = parameters_of(node)
    return {name for name in names if SETTINGS.search(name)} | set(_used_as_dict(node)) & set(names)


def _used_as_dict(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        match each:
            case ast.Attribute(ast.Name(name), "get" | "setdefault" | "items" | "keys"):
                yield name
            case ast.Subscript(ast.Name(name), ast.Constant(str())):
                yield name
