"""The report as JSON, for programs. Its shape is stable."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from derive.checking import Checked, Statement
from derive.language import is_unnamed
from derive.latex.writer import latex
from derive.meanings import Meaning
from derive.report.wording import conclusion, fixed_line
from derive.source import Edit


def render(documents: Iterable[Checked], version: str) -> str:
    """All documents as one JSON object."""
    data = {"derive": version, "documents": [document(checked) for checked in documents]}
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def document(checked: Checked) -> dict[str, Any]:
    """One document as JSON data."""
    return {
        "path": checked.document.path,
        "verdict": checked.verdict,
        "conclusion": conclusion(checked) or None,
        "assumptions": [{"text": a.text, "line": a.line} for a in checked.assumptions],
        "repairs": [
            {"line": r.line, "column": r.column, "was": r.was, "now": r.now, **({"cell": r.cell} if r.cell else {})}
            for r in checked.repairs
        ],
        "statements": [_statement(s) for s in checked.statements],
        "goals": [{"left": latex(g.left), "right": latex(g.right), "status": g.status} for g in checked.goals],
        "seconds": round(checked.seconds, 3),
        **({"reading": [_meaning(m) for m in checked.meanings]} if checked.meanings else {}),
    }


def _meaning(found: Meaning) -> dict[str, Any]:
    """What a name was taken for; the size of an axis that the page does not name is null."""
    return {
        "name": found.name,
        "kind": found.kind,
        "sizes": [None if is_unnamed(n) else str(n) for n in found.sizes],
        "line": found.line,
        "uses": list(found.uses),
        **({"value": latex(found.value)} if found.value is not None else {}),
    }


def _statement(statement: Statement) -> dict[str, Any]:
    start = statement.source.place(statement.span.start)
    end = statement.source.place(statement.span.end)
    return {
        "id": statement.number,
        "cell": statement.source.cell,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "role": statement.role,
        "left": latex(statement.left),
        "right": latex(statement.right),
        "status": statement.status,
        "reading": statement.reading,
        "reason": statement.reason or None,
        "value": statement.value,
        "correct": latex(statement.correct) if statement.correct is not None else None,
        "mistakes": [_mistake(statement, m) for m in statement.mistakes],
        "counterexample": _counterexample(statement),
        "seconds": round(statement.seconds, 4),
        **({"name": statement.name, "fault": statement.blame} if statement.name else {}),
        **({"script": statement.script} if statement.script else {}),
        **({"fix": _fix(statement, statement.fix)} if statement.fix is not None and statement.name else {}),
        **({"terms": [_term(term) for term in statement.terms]} if statement.terms else {}),
    }


def _fix(statement: Statement, fix: Edit) -> dict[str, Any]:
    """An edit, and the line as it should be."""
    start, end = (statement.source.place(offset) for offset in fix.span)
    return {
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "text": fix.text,
        "fixed": fixed_line(statement),
    }


def _term(term: Any) -> dict[str, Any]:
    return {
        "path": term.path,
        "derived": latex(term.derived) if term.derived is not None else None,
        "author": latex(term.author) if term.author is not None else None,
        "status": term.status,
        "difference": term.difference,
    }


def _mistake(statement: Statement, mistake: Any) -> dict[str, Any]:
    start = statement.source.place(mistake.span.start)
    end = statement.source.place(mistake.span.end)
    return {
        "code": mistake.code,
        "message": mistake.message,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
    }


def _counterexample(statement: Statement) -> dict[str, Any] | None:
    example = statement.counterexample
    if example is None:
        return None
    return {
        "sizes": dict(example.sizes),
        "indices": dict(example.indices),
        "values": dict(example.values),
        "left": example.left,
        "right": example.right,
    }
