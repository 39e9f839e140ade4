"""Which functions of a file belong together: a forward pass, and what claims to be its gradient.

Six kinds of pairs are found, by names and by structure alone:

- ``functions``: ``f_forward`` and ``f_backward`` (``fwd``/``bwd``, ``f``/``f_backward``), also as two static methods or
  two methods of one class. The forward returns ``out`` or ``(out, cache)``; the backward takes the upstream gradient
  and the cache, in either order.
- ``loss``: one function or method that returns ``(loss, gradient, …)`` or ``(loss, {name: gradient})``; ``forward`` and
  ``backward`` are the same name.
- ``class``: a class whose methods ``forward`` (or ``__call__``) and ``backward`` share ``self``.
- ``autograd``: a subclass of ``torch.autograd.Function``: static ``forward(ctx, …)`` and ``backward(ctx, *grads)``, one
  gradient for each argument of ``forward`` after ``ctx``, in their order. ``setup`` names ``setup_context`` where the
  forward does without ``ctx``.
- ``custom_vjp``: ``f.defvjp(f_fwd, f_bwd)``: ``f_fwd`` returns ``(out, residuals)``, ``f_bwd(residuals, g)`` returns
  one gradient for each argument of ``f``, in their order. ``primal`` names ``f``.
- ``script``: statements of the module itself that stage ``loss`` and then ``dlogits``, ``dh``, …; ``forward`` and
  ``backward`` are empty.

Names are qualified inside their module: ``f``, ``Class.method``.
"""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["functions", "loss", "class", "autograd", "custom_vjp", "script"]
Function = ast.FunctionDef | ast.AsyncFunctionDef

BACKWARD_WORDS = (("backward", "forward"), ("bwd", "fwd"), ("backprop", "forward"), ("bprop", "fprop"))
"""The words that mark a backward function, with the word of its forward one."""

_LOSS = re.compile(r"(?i)^(total_?|data_?|self\.)?(loss|cost|nll|error|obj|objective|j)(_?\w+)?$")
_GRADIENT = re.compile(r"^(d_?[A-Za-z]\w*|grads?|grad_\w+|\w+_grads?|grads_\w+|gradients?|g[A-Z]\w*)$")
_STAGE = re.compile(r"^(?:d_?|grad_)(?P<of>\w+)$")


@dataclass(frozen=True)
class Pair:
    """A forward pass and its hand-written gradient.

    Attributes:
        forward, backward: qualified names; both empty for a script, equal for a loss.
        kind: what the two are to one another, see the module.
        line: where the backward pass begins, counted from 1.
        primal: for ``custom_vjp`` the function that is differentiated.
        setup: for ``autograd`` the qualified name of ``setup_context``, if there is one.
    """

    forward: str
    backward: str
    kind: Kind
    line: int
    primal: str = ""
    setup: str = ""

    @property
    def name(self) -> str:
        """What a report calls the pair."""
        return self.backward or "the script"


def find_pairs(tree: ast.Module) -> list[Pair]:
    """All pairs of a module, in the order of their backward passes."""
    vjps = list(_custom_vjps(tree))
    taken = {name for pair in vjps for name in (pair.forward, pair.backward)}
    found = [*vjps, *(p for p in _functions(tree.body, "") if p.backward not in taken)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found.extend(_of_class(node))
    found.extend(_script(tree))
    return sorted(found, key=lambda pair: pair.line)


def functions_of(tree: ast.Module) -> dict[str, Function]:
    """The functions of a module and the methods of its classes, by qualified name; of two of one name the last."""
    found: dict[str, Function] = {}
    for node in tree.body:
        if isinstance(node, Function):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{m.name}": m for m in node.body if isinstance(m, Function)}
    return found


# -- functions -------------------------------------------------------------------------------------------------------


def _functions(body: list[ast.stmt], prefix: str) -> Iterator[Pair]:
    """Pairs among the functions of a module or the methods of a class, and losses that return their gradient."""
    functions = {node.name: node for node in body if isinstance(node, Function)}
    for name, node in functions.items():
        forward = _forward_of(name, functions)
        if forward is not None:
            yield Pair(prefix + forward, prefix + name, "functions", node.lineno)
        elif _returns_gradients(node):
            yield Pair(prefix + name, prefix + name, "loss", node.lineno)


def _forward_of(name: str, functions: dict[str, Function]) -> str | None:
    """The forward function of a backward one: of the same name, or of the name without what was added to it."""
    for backward, forward in BACKWARD_WORDS:
        if backward not in name:
            continue
        like = name.replace(backward, forward)
        stem = name.replace(f"_{backward}", "").replace(backward, "").strip("_")
        shorter = (like.rsplit("_", k)[0] for k in (1, 2) if forward in like.rsplit("_", k)[0])
        for candidate in (like, *shorter, stem):
            if candidate in functions and candidate != name:
                return candidate
    return None


def _returns_gradients(node: Function) -> bool:
    """Whether some return is ``loss, gradient, …`` by its names."""
    for each in own_returns(node):
        if isinstance(each.value, ast.Tuple) and len(each.value.elts) > 1:
            first, *others = each.value.elts
            is_loss = bool(_LOSS.match(_dotted(first))) or "loss" in node.name or "cost" in node.name
            if is_loss and all(map(_is_gradient, others)):
                return True
    return False


def _is_gradient(node: ast.expr) -> bool:
    """A dict, or an expression with the name of a gradient in it."""
    names = (_dotted(each).rpartition(".")[2] for each in ast.walk(node) if isinstance(each, ast.expr))
    return isinstance(node, ast.Dict) or any(map(_GRADIENT.match, names))


def own_returns(node: Function) -> Iterator[ast.Return]:
    """The return statements of a function, those of functions inside it excepted."""
    waiting: deque[ast.AST] = deque(node.body)
    while waiting:
        each = waiting.popleft()
        if isinstance(each, ast.Return):
            yield each
        if not isinstance(each, Function | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(each))


def _dotted(node: ast.expr) -> str:
    """``a.b`` for names and attributes of names, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


# -- classes ---------------------------------------------------------------------------------------------------------


def _of_class(node: ast.ClassDef) -> Iterator[Pair]:
    methods = {m.name: m for m in node.body if isinstance(m, Function)}
    prefix = f"{node.name}."
    backward = methods.get("backward")
    forward = methods.get("forward") or methods.get("__call__")
    if backward is not None and forward is not None:
        yield _pair_of_methods(node, forward, backward, "setup_context" in methods)
    rest = [m for name, m in methods.items() if m not in (forward, backward) or backward is None]
    yield from _functions(list(rest), prefix)


def _pair_of_methods(node: ast.ClassDef, forward: Function, backward: Function, sets_up: bool) -> Pair:
    names = f"{node.name}.{forward.name}", f"{node.name}.{backward.name}"
    if _is_autograd(node, forward, backward):
        return Pair(*names, "autograd", backward.lineno, setup=f"{node.name}.setup_context" if sets_up else "")
    kind: Kind = "functions" if is_static(forward) and is_static(backward) else "class"
    return Pair(*names, kind, backward.lineno)


def _is_autograd(node: ast.ClassDef, forward: Function, backward: Function) -> bool:
    """A base called ``Function``, or static methods that begin with ``ctx``."""
    if any(_dotted(base).rpartition(".")[2] == "Function" for base in node.bases):
        return True
    first = backward.args.args[0].arg if backward.args.args else ""
    return is_static(forward) and is_static(backward) and first == "ctx"


def is_static(node: Function) -> bool:
    """Whether a method has no ``self``."""
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


# -- JAX -------------------------------------------------------------------------------------------------------------


def _custom_vjps(tree: ast.Module) -> Iterator[Pair]:
    """``f.defvjp(fwd, bwd)`` at the top of a module."""
    functions = functions_of(tree)
    for statement in tree.body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "defvjp":
            names = [*map(_dotted, [*call.args, *(k.value for k in call.keywords)])]
            if len(names) == 2 and all(name in functions for name in names):
                line = functions[names[1]].lineno
                yield Pair(names[0], names[1], "custom_vjp", line, primal=_dotted(call.func.value))


# -- scripts ---------------------------------------------------------------------------------------------------------


def _script(tree: ast.Module) -> Iterator[Pair]:
    """Staged statements of a module: a loss, and after it two or more assignments ``dname`` of names from before."""
    known: set[str] = set()
    after_loss = 0
    line = 0
    for node in tree.body:
        for target in node.targets if isinstance(node, ast.Assign) else ():
            name = _dotted(target)
            stage = _STAGE.match(name)
            if stage is not None and stage["of"] in known and any(map(_LOSS.match, known)):
                after_loss += 1
                line = line or node.lineno
            known.add(name)
    if after_loss >= 2:
        yield Pair("", "", "script", line)
