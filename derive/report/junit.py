"""The report as JUnit XML, one test case a claim, for CI systems that show tests.

Only what is proved passes and only what is refuted fails; the rest is skipped, with the verdict as the reason, unless
the caller counts it as failing (``--fail-on``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from xml.etree import ElementTree as XML

from derive.checking import Checked, Statement
from derive.document import DocumentError
from derive.report.text import TextReport
from derive.report.wording import claims, name, sentence, why

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WIDTH = 100


def render(
    documents: Sequence[Checked], unreadable: Iterable[DocumentError] = (), failing: Collection[str] = ("refuted",)
) -> str:
    """All documents as one ``testsuites`` element, a suite a document."""
    root = XML.Element("testsuites", name="derive")
    for checked in documents:
        _suite(root, checked, failing)
    for error in unreadable:
        _unreadable(root, error)
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    XML.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + XML.tostring(root, encoding="unicode") + "\n"


def _suite(root: XML.Element, checked: Checked, failing: Collection[str]) -> None:
    suite = XML.SubElement(root, "testsuite", name=_clean(checked.document.path))
    found = claims(checked)
    for statement in found:
        _case(suite, statement, failing)
    suite.set("tests", str(len(found)))
    suite.set("failures", str(sum(s.status in failing for s in found)))
    suite.set("errors", "0")
    suite.set("skipped", str(sum(s.status not in failing and s.status != "proved" for s in found)))
    suite.set("time", f"{checked.seconds:.3f}")


def _case(suite: XML.Element, statement: Statement, failing: Collection[str]) -> None:
    case = XML.SubElement(
        suite,
        "testcase",
        classname=_clean(statement.source.path),
        name=_clean(name(statement)),
        file=_clean(statement.source.path),
        line=str(statement.source.place(statement.span.start).line),
        time=f"{statement.seconds:.3f}",
    )
    if statement.status in failing:
        outcome = XML.SubElement(case, "failure", type=statement.status, message=_message(statement))
        outcome.text = _clean(TextReport(_WIDTH).statement(statement))
    elif statement.status != "proved":
        XML.SubElement(case, "skipped", type=statement.status, message=_message(statement))


def _message(statement: Statement) -> str:
    return _clean("; ".join((statement.status, *why(statement))))


def _unreadable(root: XML.Element, error: DocumentError) -> None:
    path = _clean(error.path)
    counts = {"tests": "1", "failures": "0", "errors": "1", "skipped": "0", "time": "0.000"}
    suite = XML.SubElement(root, "testsuite", name=path, attrib=counts)
    case = XML.SubElement(suite, "testcase", classname=path, name="the document", file=path, time="0.000")
    XML.SubElement(case, "error", type="unreadable", message=_clean(sentence(error)))


def _clean(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
