"""Results for notebooks, in the forms that a frontend may choose from: a web page's piece, Markdown and plain text.

The mathematics is MathML in the first and LaTeX in the second, so that it is typeset wherever either can be shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from derive.checking import Checked, Statement
from derive.latex import syntax as S
from derive.latex.writer import latex
from derive.report import html
from derive.report.html import SIGNS
from derive.report.text import TextReport
from derive.report.wording import equation, fixed_line, is_code, place, remarks, tally

Bundle = dict[str, str]
"""A result by MIME type."""

_WIDTH = 100
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>&])")


def bundle(checked: Checked) -> Bundle:
    """A checked document."""
    return {
        "text/html": html.fragment(checked),
        "text/markdown": markdown(checked),
        "text/plain": TextReport(_WIDTH).render(checked).rstrip("\n"),
    }


def proof_bundle(status: str, reason: str, counterexample: Any) -> Bundle:
    """What is established about one equality."""
    found = f"{status}: {reason}" if reason else status
    if counterexample is not None:
        found += "\n" + "\n".join(TextReport(_WIDTH).counterexample(counterexample))
    return {"text/html": html.proof(status, reason, counterexample), "text/plain": found}


def markdown(checked: Checked) -> str:
    """The document's verdict and a list of its statements."""
    lines = [f"**{_escaped(checked.document.path)}**: {tally(checked.statements)}", ""]
    for assumption in checked.assumptions:
        lines.append(f"- assumed: {_escaped(assumption.text)}")
    lines += [f"- {'<br>'.join(_statement(s))}" for s in checked.statements]
    lines += [f"- derived: {_formula(goal.left, goal.right)}, {goal.status}" for goal in checked.goals]
    return "\n".join(lines) + "\n"


def _statement(statement: Statement) -> Iterator[str]:
    """A statement in lines of Markdown."""
    said = _escaped("; ".join(remarks(statement)))
    formula = f"`{equation(statement)}`" if is_code(statement) else _formula(statement.left, statement.right)
    head = f"{SIGNS[statement.status]} **{statement.status}**, {place(statement)}"
    yield ": ".join(part for part in (head, formula) if part) + (f" {said}" if said else "")
    for mistake in statement.mistakes:
        yield f"`{mistake.code}` {_escaped(mistake.message)}"
    if statement.correct is not None:
        yield f"what would be right: {_formula(S.Empty(), statement.correct)}"
    if statement.fix is not None and is_code(statement):
        yield f"should be: `{fixed_line(statement)}`"


def _formula(left: S.Node, right: S.Node) -> str:
    """``left = right`` between dollar signs, which its LaTeX has none of."""
    text = " = ".join(latex(side) for side in (left, right) if not isinstance(side, S.Empty))
    return f"${text.replace('$', '')}$" if text else ""


def _escaped(text: str) -> str:
    """Text that is only text in Markdown."""
    return _MARKUP.sub(r"\\\1", "".join(c if c.isprintable() else " " for c in text))
