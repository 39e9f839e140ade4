"""What a document leaves unsaid about its upstream gradient and its scale, assumed and told."""

from __future__ import annotations

from sympy import Expr, Symbol

from derive.forward import Definition
from derive.language import D, name_of, scalar
from derive.latex import syntax as S
from derive.notation.elaborate import Elaborator
from derive.notation.names import indexed_node, quotient
from derive.notation.roles import OUTPUT, SHIFT, free_name, upstream_and_scale
from derive.notation.table import Alias
from derive.problem.dependences import draft_graph
from derive.problem.draft import Draft
from derive.source import SourceError


def assume_upstream(draft: Draft) -> None:
    """Name the upstream gradient and the scale where claims use them and the document never says."""
    loss = draft.table.loss
    if loss is None or (loss, 0) in draft.table.defined or draft.table.is_loss_open or not draft.definitions:
        return
    unknown, outputs = _unknown_in_claims(draft)
    if not unknown or outputs:
        return
    upstream, scale = upstream_and_scale(unknown)
    last = draft_graph(draft).outputs[-1:]
    if upstream is not None and last:
        _assume_stage(draft, upstream, scale, last[0])


def _unknown_in_claims(draft: Draft) -> tuple[set[str], bool]:
    """Names that only claims use, and whether the loss is differentiated by an output or an unknown name."""
    unknown: set[str] = set()
    outputs = False
    sinks = set(draft_graph(draft).outputs)
    for equation in draft.equations:
        if equation.role == "definition" or equation.given:
            continue
        elaborator = Elaborator(draft.table, dict(equation.axes), draft.policy())
        for member in equation.members:
            try:
                expr = elaborator.value(member).expr
            except SourceError:
                continue
            outputs = outputs or _differentiates(draft, expr, sinks | elaborator.unknown)
        unknown |= elaborator.unknown
    draft.problem.heard()
    return unknown, outputs


def _differentiates(draft: Draft, expr: Expr, names: set[str]) -> bool:
    """Whether an expression has the loss's derivative by one of the names."""
    loss = Symbol(str(draft.table.loss), real=True)
    return any(d.args[0] == loss and name_of(d.args[1]) in names for d in expr.atoms(D))


def _assume_stage(draft: Draft, upstream: str, scale: str | None, output: str) -> None:
    """``y = scale * output + shift`` as the last stage where there is a scale; the upstream gradient is ∂L/∂y."""
    definition = next(d for d in draft.definitions if d.name == output)
    letters = tuple(i.name for i in definition.indices)
    if scale is not None:
        taken = {d.name for d in draft.definitions} | draft.table.inputs | {upstream}
        y, shift = free_name(OUTPUT, taken), free_name(SHIFT, taken)
        expr = scalar(scale) * definition.entry() + scalar(shift)
        draft.definitions.append(Definition(y, definition.indices, definition.sizes, expr))
        draft.table.inputs |= {scale, shift}
        _share_axes(draft, y, output, letters)
        draft.table.defined.add((y, len(letters)))
        draft.assume(f"the forward pass ends in {indexed(y, letters)} = {scale} {indexed(output, letters)} + {shift}")
        output = y
    _name_upstream(draft, upstream, output, letters)


def _share_axes(draft: Draft, name: str, like: str, letters: tuple[str, ...]) -> None:
    """Give a new name the axes of another."""
    key = like.split("#")[0]
    axes = draft.table.axes_of(key, len(letters))
    if letters:
        draft.table.ranks.counts.setdefault(name, set()).add(len(letters))
    for k, axis in enumerate(axes):
        draft.table.axes._places[name, len(axes), k] = axis


def _name_upstream(draft: Draft, upstream: str, output: str, letters: tuple[str, ...]) -> None:
    loss = str(draft.table.loss)
    by = indexed_node(S.Symbol(output), tuple(S.Symbol(letter) for letter in letters))
    body = quotient(S.Symbol(loss), by)
    _share_axes(draft, upstream, output, letters)
    draft.table.aliases[upstream, len(letters)] = Alias(letters, body)
    draft.assume(f"{indexed(upstream, letters)} is ∂{loss}/∂{indexed(output, letters)}")


def indexed(name: str, letters: tuple[str, ...]) -> str:
    """``name_{i,j}`` as LaTeX."""
    if not letters:
        return name
    return f"{name}_{letters[0]}" if len(letters) == 1 else f"{name}_{{{','.join(letters)}}}"
