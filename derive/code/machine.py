"""The reader of code: it walks the syntax tree and keeps what names stand for. Nothing is executed or imported.

What each kind of statement and expression means stands in `statements` and `expressions`, what library functions mean
in `library`. What is not there is `Unsupported`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from derive.code.arrays import Array, Cell
from derive.code.expressions import EXPRESSIONS
from derive.code.faults import CodeError, Fault, Unsupported
from derive.code.module import Module
from derive.code.statements import STATEMENTS
from derive.code.trace import PLACEHOLDER, Trace
from derive.code.values import Function, Record, Value
from derive.forward import names_in

if TYPE_CHECKING:
    from sympy import Expr

Scope = dict[str, Value]
MAX_DEPTH = 12
MAX_STEPS = 20_000


class Returned(Exception):
    """A return statement was reached."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Machine:
    """One reading of the functions of a module.

    Args:
        module: the functions and names of the file.
        trace: where definitions go.
        library: ``numpy``, ``torch`` or ``jax``: whose methods arrays have.
        fixed: values for names that a caller would choose.
        order: names of sizes in the order in which they were declared.
    """

    def __init__(
        self, module: Module, trace: Trace, library: str, fixed: Mapping[str, Value], order: Sequence[str] = ()
    ) -> None:
        self.module = module
        self.trace = trace
        self.library = library
        self.fixed = fixed
        self.order = order
        self.free_sizes: set[str] = set()  # sizes that a constructor is given, which may be called otherwise elsewhere
        self.whole: dict[str, Expr] = {}  # settings that are whole numbers
        self.choices: dict[str, Value] = {}
        self.depth = 0
        self.loops = trace.loops
        self.unrolled = 0  # how many loops are read round by round
        self.quiet = 0  # inside branches on data nothing gets a name
        self.inner = (0, 0)  # how many loops and branches there were around the function that is being read
        self.config_shapes: Mapping[str, Sequence[Sequence[Expr]]] = {}
        self._steps = 0

    # -- walking -----------------------------------------------------------------------------------------------------

    def execute(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Statements one after the other. Raises `Returned`."""
        for k, node in enumerate(body):
            if self.loops and _ends_round(node):
                self._step(self._rest_as_branch(node, body[k + 1 :]), scope)
                return
            self._step(node, scope)

    def _step(self, node: ast.stmt, scope: Scope) -> None:
        self._count(node)
        handler = STATEMENTS.get(type(node))
        if handler is None:
            raise Unsupported(f"the statement {type(node).__name__.lower()}", node)
        try:
            handler(self, node, scope)
        except CodeError as error:
            error.node = error.node or node
            raise

    @staticmethod
    def _rest_as_branch(node: ast.stmt, rest: Sequence[ast.stmt]) -> ast.stmt:
        """``if c: a; continue`` and what follows as ``if c: a`` and ``else:`` what follows."""
        assert isinstance(node, ast.If)
        body = node.body[:-1] or [ast.copy_location(ast.Pass(), node)]
        otherwise = [*node.orelse, *rest] or [ast.copy_location(ast.Pass(), node)]
        return ast.copy_location(ast.If(node.test, body, otherwise), node)

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """What an expression stands for."""
        self._count(node)
        handler = EXPRESSIONS.get(type(node))
        if handler is None:
            raise Unsupported(f"the expression {type(node).__name__.lower()}", node)
        try:
            return handler(self, node, scope)
        except CodeError as error:
            error.node = error.node or node
            raise

    def _count(self, node: ast.AST) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise Unsupported("too many steps", node, "Are loops over fixed numbers very long?")

    # -- functions ---------------------------------------------------------------------------------------------------

    def call(self, function: Function, arguments: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        """What a function of the file returns."""
        if self.depth >= MAX_DEPTH:
            raise Unsupported("functions that call one another this deep")
        node = function.node
        values = [function.owner, *arguments] if function.owner is not None else list(arguments)
        scope = {**(function.scope or {}), **self._bound(node.args, values, dict(keywords), function.name)}
        self.depth += 1
        outer, self.inner = self.inner, (len(self.loops), self.quiet)
        try:
            if isinstance(node, ast.Lambda):
                return self.evaluate(node.body, scope)
            self.execute(node.body, scope)
        except Returned as returned:
            return returned.value
        finally:
            self.depth -= 1
            self.inner = outer
        return None

    def _bound(self, args: ast.arguments, values: list[Value], keywords: dict[str, Value], name: str) -> Scope:
        """Parameters with their values. Raises `Fault` as Python would."""
        names = [p.arg for p in (*args.posonlyargs, *args.args)]
        scope: Scope = dict(zip(names, values, strict=False))
        if args.vararg is not None:
            scope[args.vararg.arg] = tuple(values[len(names) :])
        elif len(values) > len(names):
            raise Fault(f"{name} takes {len(names)} arguments, not {len(values)}")
        for key in (*names, *(p.arg for p in args.kwonlyargs)):
            if key in keywords:
                if key in scope:
                    raise Fault(f"{name} gets {key} twice")
                scope[key] = keywords.pop(key)
        if args.kwarg is not None:
            scope[args.kwarg.arg] = keywords
        elif keywords:
            raise Fault(f"{name} has no parameter {next(iter(keywords))}")
        for key, default in _defaults(args):
            if key not in scope:
                scope[key] = self.evaluate(default, {})
        missing = [key for key in (*names, *(p.arg for p in args.kwonlyargs)) if key not in scope]
        if missing:
            raise Fault(f"{name} is called without {', '.join(missing)}")
        return scope

    # -- names -------------------------------------------------------------------------------------------------------

    def stored(self, value: Value) -> Value:
        """A value as something that a name can hold."""
        return Cell(value) if isinstance(value, Array) else value

    def named(self, name: str, value: Array, line: int, anew: bool = False) -> Array:
        """An array under a name, unless nothing gets one here. What every one of some rounds names anew is no stage of
        the whole."""
        if value.kind != "real" or value.expr.is_number:
            return value
        if self.loops:
            return self._named_in_loop(name, value, line)
        is_stage = self.depth <= 1 and not (anew and self.unrolled)
        return value if self.quiet else self.trace.define(name, value, line, is_stage)

    def hoisted(self, value: Array, line: int) -> Array:
        """A reduction under a hidden name, so that it is one atom until it is needed."""
        if not value.expr.free_symbols or value.expr.is_number:
            return value
        if self.loops:
            return self._named_in_loop("Σ", value, line)
        return value if self.quiet else self.trace.define("Σ", value, line)

    def _named_in_loop(self, name: str, value: Array, line: int) -> Array:
        """A value of one round under a name, with the numbers of the rounds as further indices."""
        if any(each.startswith(PLACEHOLDER) for each in names_in(value.expr)):
            return value
        rounds = [(n, i) for i, n in self.loops if value.expr.has(i)]
        wide = Array((*(((n, i),) for n, i in rounds), *value.axes), value.expr, value.kind)
        made = self.trace.define(name, wide, line)
        expr = made.expr.xreplace({j: i for (_, i), one in zip(rounds, made.axes, strict=False) for _, j in one})
        return Array(made.axes[len(rounds) :], expr, value.kind)

    def method(self, owner: Record, name: str) -> Function | None:
        """A method of an object whose class is in the file."""
        node = self.module.functions.get(f"{owner.class_name}.{name}")
        return Function(node, name, None, owner) if node is not None else None


def _ends_round(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and bool(node.body) and isinstance(node.body[-1], ast.Continue)


def _defaults(args: ast.arguments) -> list[tuple[str, ast.expr]]:
    names = [p.arg for p in (*args.posonlyargs, *args.args)]
    found = list(zip(names[len(names) - len(args.defaults) :], args.defaults, strict=True))
    own = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return found + [(p.arg, default) for p, default in own if default is not None]
