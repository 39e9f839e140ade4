"""Syntax to SymPy in the light of a symbol table: which rule reads which kind of node.

To teach a construct, write a function of a `Context` and a node that returns a `Value`, in the module of its family,
and add a row to `RULES`. What the page leaves open, such as whether a product of two bare vectors is elementwise, is
asked of a `Policy`; the context records which questions came up, so that only real alternatives are tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from derive.language import is_real
from derive.latex import syntax as S
from derive.latex.syntax import Node, span_of
from derive.notation.brackets import group
from derive.notation.calls import applied
from derive.notation.conditions import cases
from derive.notation.context import Context, Policy
from derive.notation.derivatives import held_fixed
from derive.notation.powers import root
from derive.notation.products import fraction, product, signed_sum
from derive.notation.quantities import name, number, script
from derive.notation.sums import big_operator
from derive.notation.values import Misfit, NotReal, ShapeError, Value
from derive.source import SourceError

MAX_DEPTH = 200

__all__ = ["RULES", "Elaborator", "Policy"]


@dataclass
class Elaborator(Context):
    """Reads the expressions of one equation."""

    _depth: int = 0

    def value(self, node: Node) -> Value:
        """The value of an expression. Raises `SourceError` for what has no meaning here."""
        rule = RULES.get(type(node))
        if rule is None:
            raise SourceError("derive does not understand this part", span_of(node))
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise SourceError("a definition that uses itself, or expressions nested too deep", span_of(node))
        try:
            value = rule(self, node)
            if self._depth == 1 and not is_real(value.expr):
                raise NotReal
            return value
        except NotReal as error:
            raise SourceError(str(error), span_of(node)) from error
        except ShapeError as error:
            raise Misfit(str(error), span_of(node)) from error
        finally:
            self._depth -= 1


def _refuse(ctx: Context, node: Node) -> Value:
    raise SourceError(_REFUSALS[type(node)], span_of(node))


def _refuse_hole(ctx: Context, node: S.Unread) -> Value:
    raise node.error


_REFUSALS: dict[type[Node], str] = {
    S.Ellipsis: "derive cannot tell what the dots stand for",
    S.Empty: "something is missing here",
    S.Words: "words inside a formula",
    S.Matrix: "derive does not read matrices written out",
    S.Sequence: "a list where one value is expected",
    S.Chain: "an equation inside an expression",
}

RULES: dict[type[Node], Callable[[Context, Any], Value]] = {
    S.Number: number,
    S.Symbol: name,
    S.Accent: name,
    S.Decoration: name,
    S.Script: script,
    S.Group: group,
    S.Fraction: fraction,
    S.Root: root,
    S.Product: product,
    S.Sum: signed_sum,
    S.BigOperator: big_operator,
    S.Apply: applied,
    S.HeldFixed: held_fixed,
    S.Cases: cases,
    S.Unread: _refuse_hole,
    **dict.fromkeys(_REFUSALS, _refuse),
}
"""One rule a kind of node."""
