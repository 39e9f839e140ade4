"""The report as SARIF 2.1.0, for code scanning and editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. A refuted line is a failure; what is undecided or was
not understood is *open* (section 3.27.9), which is no failure: nothing was established against it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from derive.checking import Checked, Statement
from derive.document import DocumentError
from derive.latex.writer import latex
from derive.mistakes.table import BY_CODE
from derive.report.places import Places
from derive.report.wording import equation, fixed_line, is_code, open_statements, place, sentence, why
from derive.source import Edit

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KINDS = {"refuted": "fail", "undecided": "open", "unsupported": "open", "tested": "review"}
_RULES = {
    "refuted": "The equation does not hold: there are sizes and data at which its sides differ.",
    "undecided": "It was not found out whether the equation holds.",
    "unsupported": "The equation was not understood.",
    "tested": "The equation agrees at all points that were tried; it is not proved.",
}


def render(documents: Sequence[Checked], unreadable: Iterable[DocumentError], version: str) -> str:
    """All documents as one SARIF log with one run."""
    places = Places()
    found = [s for checked in documents for s in open_statements(checked)]
    rules = list(dict.fromkeys(_rule_id(s) for s in found))
    run = {
        "tool": {"driver": _driver(rules, version)},
        "invocations": [_invocation(unreadable)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(s, rules, places) for s in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2) + "\n"


def _driver(rules: list[str], version: str) -> dict[str, Any]:
    return {"name": "derive", "version": version, "rules": [_rule(rule) for rule in rules]}


def _rule(rule: str) -> dict[str, Any]:
    kind = BY_CODE.get(rule)
    if kind is None:
        level = "error" if rule not in _KINDS or _KINDS[rule] == "fail" else "none"
        text = _RULES.get(rule, _RULES["refuted"])
        return {"id": rule, "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
    return {
        "id": rule,
        "name": "".join(word.capitalize() for word in kind.name.split()),
        "shortDescription": {"text": f"{kind.name[0].upper()}{kind.name[1:]}."},
        "fullDescription": {"text": kind.origin},
        "defaultConfiguration": {"level": "error"},
    }


def _rule_id(statement: Statement) -> str:
    """The mistake's code, or the verdict where no mistake is named."""
    return statement.mistakes[0].code if statement.mistakes else statement.status


def _invocation(unreadable: Iterable[DocumentError]) -> dict[str, Any]:
    notes = [
        {
            "level": "error",
            "message": {"text": sentence(error)},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(error.path)}}],
        }
        for error in unreadable
    ]
    found: dict[str, Any] = {"executionSuccessful": not notes}
    return {**found, "toolExecutionNotifications": notes} if notes else found


def _result(statement: Statement, rules: list[str], places: Places) -> dict[str, Any]:
    rule, kind = _rule_id(statement), _KINDS[statement.status]
    parts = [f"{statement.status}: {equation(statement)}".rstrip(": "), *why(statement), statement.hint]
    return {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "kind": kind,
        "level": "error" if kind == "fail" else "none",
        "message": {"text": "\n".join(part for part in parts if part)},
        "locations": [_location(statement, places)],
        "partialFingerprints": {"equation/v1": _fingerprint(statement)},
        **({"fixes": [_fix(statement, statement.fix)]} if _is_mended(statement) and statement.fix is not None else {}),
    }


def _is_mended(statement: Statement) -> bool:
    """Whether it is known what the line should be, in a file whose lines are those of the source."""
    return is_code(statement) and statement.source.cell is None


def _fix(statement: Statement, fix: Edit) -> dict[str, Any]:
    """What the line should be (section 3.55)."""
    start, end = (statement.source.place(offset) for offset in fix.span)
    region = {
        "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
    }  # fmt: skip
    change = {"deletedRegion": region, "insertedContent": {"text": fix.text}}
    return {
        "description": {"text": f"should be: {fixed_line(statement)}"},
        "artifactChanges": [{"artifactLocation": _artifact(statement.source.path), "replacements": [change]}],
    }


def _fingerprint(statement: Statement) -> str:
    """The same for the same equation with the same verdict, wherever it has moved to."""
    text = "\0".join((statement.status, latex(statement.left), latex(statement.right)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _location(statement: Statement, places: Places) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(statement.source.path)}
    region = _region(statement, places)
    if region:
        physical["region"] = region
    found: dict[str, Any] = {"physicalLocation": physical}
    if statement.source.cell is not None:
        found["logicalLocations"] = [{"fullyQualifiedName": place(statement)}]
    return found


def _region(statement: Statement, places: Places) -> dict[str, Any]:
    """The faulty part; in a notebook the lines of its JSON."""
    fault, source = statement.fault, statement.source
    line, end_line = (places.line(statement, offset) for offset in fault)
    if line is None or end_line is None:
        return {}
    if source.cell is not None:
        return {"startLine": line, "endLine": end_line}
    snippet = source.text[fault.start : fault.end]
    return {
        "startLine": line,
        "startColumn": source.place(fault.start).column,
        "endLine": end_line,
        "endColumn": source.place(fault.end).column,
        **({"snippet": {"text": snippet}} if snippet else {}),
    }


def _artifact(path: str) -> dict[str, str]:
    """A file's address: relative paths stay relative, to wherever the checker ran."""
    if Path(path).is_absolute():
        return {"uri": Path(path).as_uri()}
    return {"uri": quote(path.replace("\\", "/"), errors="surrogateescape")}
