"""The formats for other programs: each parses, points to the right place, and has a golden file that was read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as XML

import pytest
from conftest import DOCUMENTS

import derive
from derive.checking import Checked
from derive.cli import main
from derive.document import DocumentError
from derive.hints import withhold
from derive.mistakes.table import KINDS, SIGN, Mistake
from derive.report import concise, github, gradescope, html, junit, sarif
from derive.report import json as json_report
from derive.report import notebook as notebook_report
from derive.report.places import lines_of_cells
from derive.report.text import TextReport
from derive.source import Span

Golden = Callable[[str, str], None]
FOLDER = DOCUMENTS / "formats"
GONE = DocumentError("gone.md", "there is no such file", "Check the path.")


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Checked:
    """A Markdown file with a right, two wrong and an unreadable equation."""
    return named("notes.md", monkeypatch)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Checked:
    """The same as a notebook."""
    return named("notes.ipynb", monkeypatch)


def named(name: str, monkeypatch: pytest.MonkeyPatch) -> Checked:
    monkeypatch.chdir(FOLDER)
    checked = derive.check(Path(name))
    checked.seconds = 0.0
    checked.statements = [replace(s, seconds=0.0) for s in checked.statements]
    return checked


def with_statuses(checked: Checked, *statuses: Any) -> Checked:
    """The claims of a document with other verdicts."""
    rest = iter(statuses)
    changed = [s if s.status == "assumed" else replace(s, status=next(rest)) for s in checked.statements]
    return replace(checked, statements=changed)


# -- places ----------------------------------------------------------------------------------------------------------


def test_lines_of_cells_are_found_in_any_layout_of_the_json() -> None:
    cells = [{"source": ["a\n", "b\n", "c"], "x": {"source": "no"}}, {"source": "d\ne"}, {"source": []}]
    for indent in (None, 1):
        text = json.dumps({"metadata": {"cells": [1]}, "cells": cells}, indent=indent)
        rows = text.split("\n")
        for number, lines in lines_of_cells(text).items():
            source = "".join(cells[number - 1]["source"])
            assert len(lines) == len(source.splitlines())
            for line, content in zip(lines, source.splitlines(), strict=True):
                assert content in rows[line - 1]


@pytest.mark.parametrize("text", ["", "[]", '{"cells": {}}', '{"cells": [3]}', '{"cells": [{"source": '])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|Expecting|Unterminated|Invalid"):
        lines_of_cells(text)


# -- GitHub ----------------------------------------------------------------------------------------------------------


def test_github(notes: Checked, golden: Golden) -> None:
    golden("notes.github", github.render([notes], [GONE]))


def test_github_names_refuted_lines_first_over_all_documents(notes: Checked) -> None:
    other = with_statuses(notes, "proved", "undecided", "proved", "tested")
    levels = re.findall("^::([a-z]+) ", github.render([other, notes]), re.MULTILINE)
    assert levels == ["error", "error", "warning", "warning", "notice"]


def test_github_points_into_the_json_of_a_notebook(notebook: Checked) -> None:
    rows = Path("notes.ipynb").read_text(encoding="utf-8").split("\n")
    first = github.render([notebook]).splitlines()[0]
    found = re.match(r"::error file=notes.ipynb,line=(\d+),title=refuted \(cell 3%2C line 5\)::", first)
    assert found is not None and "(x_i + \\\\mu)" in rows[int(found[1]) - 1]


def test_github_points_to_the_columns_of_the_fault(notes: Checked) -> None:
    row = Path("notes.md").read_text(encoding="utf-8").split("\n")[10]
    found = re.search(r"line=11,col=(\d+),endColumn=(\d+)", github.render([notes]))
    assert found is not None
    marked = row[int(found[1]) - 1 : int(found[2])]
    assert marked and marked in r"\frac{2}{N} (x_i + \mu)"


def test_github_commands_cannot_be_forged(notes: Checked) -> None:
    bad = replace(notes.statements[-1], reason="a\n::error::b\r100%")
    text = github.render([replace(notes, statements=[bad])], [DocumentError("a,b:c\nd", "no")])
    assert len(text.splitlines()) == 3
    assert "a%0A::error::b%0D100%25" in text and "file=a%2Cb%3Ac%0Ad," in text


# -- SARIF -----------------------------------------------------------------------------------------------------------


def test_sarif(notes: Checked, golden: Golden) -> None:
    text = sarif.render([notes], [GONE], "0")
    check_sarif(json.loads(text))
    golden("notes.sarif", text)


def test_sarif_of_a_notebook_and_of_every_verdict(notes: Checked, notebook: Checked) -> None:
    mistaken = replace(notes.statements[4], mistakes=(Mistake(KINDS[0].code, "m", notes.statements[4].fault),))
    others = with_statuses(notes, "tested", "undecided", "unsupported", "proved")
    data = json.loads(sarif.render([notebook, others, replace(notes, statements=[mistaken])], [], "0"))
    check_sarif(data)
    results = data["runs"][0]["results"]
    assert results[-1]["ruleId"] == KINDS[0].code
    assert {(r["kind"], r["level"]) for r in results} == {("fail", "error"), ("open", "none"), ("review", "none")}
    assert data["runs"][0]["invocations"] == [{"executionSuccessful": True}]


def test_sarif_of_nothing_is_valid() -> None:
    check_sarif(json.loads(sarif.render([], [], "0")))


def check_sarif(log: Any) -> None:
    """What SARIF 2.1.0 asks of the properties that are used (sections 3.13 to 3.58), by hand."""
    fields(log, {"$schema": str, "version": str, "runs": list}, {})
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    fields(run, {"tool": dict, "results": list}, {"invocations": list, "columnKind": str})
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    driver = run["tool"]["driver"]
    fields(driver, {"name": str}, {"version": str, "rules": list})
    for rule in driver["rules"]:
        texts = {"shortDescription": dict, "fullDescription": dict, "name": str, "defaultConfiguration": dict}
        fields(rule, {"id": str}, texts)
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for invocation in run["invocations"]:
        fields(invocation, {"executionSuccessful": bool}, {"toolExecutionNotifications": list})
    for result in run["results"]:
        check_sarif_result(result, driver["rules"])


def check_sarif_result(result: Any, rules: list[Any]) -> None:
    needed = {"message": dict, "ruleId": str, "ruleIndex": int, "kind": str, "level": str, "locations": list}
    fields(result, needed, {"partialFingerprints": dict})
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["kind"] in ("pass", "open", "informational", "notApplicable", "review", "fail")
    assert result["kind"] == "fail" or result["level"] == "none", "3.27.10"
    fields(result["message"], {"text": str}, {})
    (location,) = result["locations"]
    fields(location, {"physicalLocation": dict}, {"logicalLocations": list})
    physical = location["physicalLocation"]
    fields(physical, {"artifactLocation": dict}, {"region": dict})
    assert re.fullmatch(r"[\w./%~:-]+", physical["artifactLocation"]["uri"])
    region = physical.get("region", {"startLine": 1})
    fields(region, {"startLine": int}, {"startColumn": int, "endLine": int, "endColumn": int, "snippet": dict})
    assert all(region[key] >= 1 for key in region if key != "snippet")
    start = (region["startLine"], region.get("startColumn", 1))
    assert start <= (region.get("endLine", start[0]), region.get("endColumn", start[1]))


def fields(data: Any, needed: dict[str, type], possible: dict[str, type]) -> None:
    """An object has all that is needed, nothing that is unknown, and values of the right types."""
    assert needed.keys() <= data.keys() <= needed.keys() | possible.keys()
    for key, value in data.items():
        assert isinstance(value, (needed | possible)[key]), key


@pytest.mark.parametrize(
    ("path", "uri"), [("a b/ü%.md", "a%20b/%C3%BC%25.md"), ("/a b.md", "file:///a%20b.md"), ("x:y.md", "x%3Ay.md")]
)
def test_sarif_addresses_are_escaped(path: str, uri: str) -> None:
    run = json.loads(sarif.render([], [DocumentError(path, "no")], "0"))["runs"][0]
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


# -- JUnit -----------------------------------------------------------------------------------------------------------


def test_junit(notes: Checked, golden: Golden) -> None:
    golden("notes.junit.xml", junit.render([notes], [GONE]))


def outcomes(text: str) -> list[str]:
    return [case[0].tag if len(case) else "passed" for case in XML.fromstring(text).iter("testcase")]


def test_junit_passes_only_what_is_proved_and_fails_only_what_is_refuted(notes: Checked) -> None:
    checked = with_statuses(notes, "proved", "refuted", "tested", "undecided")
    assert outcomes(junit.render([checked])) == ["passed", "failure", "skipped", "skipped"]
    failing = ("refuted", "undecided")
    assert outcomes(junit.render([checked], failing=failing)) == ["passed", "failure", "skipped", "failure"]
    root = XML.fromstring(junit.render([checked, notes], [GONE]))
    counts = {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "9", "failures": "3", "errors": "1", "skipped": "3"}


def test_junit_stays_xml_whatever_a_document_holds(notes: Checked) -> None:
    bad = replace(notes.statements[4], mistakes=(), reason="\x00\x0c]]><a & \ufffe\ud800")
    text = junit.render([replace(notes, statements=[bad])], [DocumentError('"\x01<', "x")])
    assert outcomes(text) == ["failure", "error"]
    assert XML.fromstring(text)[0][0][0].get("message", "").startswith("refuted; \ufffd\ufffd]]><a & \ufffd\ufffd")


# -- Gradescope ------------------------------------------------------------------------------------------------------


def test_gradescope(notes: Checked, golden: Golden) -> None:
    golden("notes.gradescope.json", gradescope.render([notes]))


def test_gradescope_scores_only_what_is_decided(notes: Checked) -> None:
    checked = with_statuses(notes, "proved", "refuted", "tested", "undecided")
    data = json.loads(gradescope.render([checked]))
    assert [(t.get("score"), t.get("status")) for t in data["tests"]] == [
        (1.0, "passed"), (0.0, "failed"), (None, None), (None, None),
    ]  # fmt: skip
    assert data["output"] == "1 of 2 claims proved; 2 left for a person to read."
    assert "score" not in data


def test_gradescope_has_a_score_for_a_submission_that_cannot_be_read() -> None:
    data = json.loads(gradescope.render([], [GONE]))
    assert data["score"] == 0.0 and data["tests"] == []
    assert data["output"] == "gone.md: there is no such file. Check the path."


# -- hints -----------------------------------------------------------------------------------------------------------


def texts(checked: Checked) -> Iterator[str]:
    """A document in all formats."""
    yield TextReport(100).render(checked)
    yield concise.render(checked)
    yield json_report.render([checked], "0")
    yield github.render([checked])
    yield sarif.render([checked], [], "0")
    yield junit.render([checked])
    yield gradescope.render([checked])
    yield re.sub("<style>.*?</style>", "", html.render([checked], [], "0"), flags=re.DOTALL)
    yield notebook_report.markdown(checked)


@pytest.fixture
def mistaken(notes: Checked) -> Checked:
    """A line with a named mistake and everything else that an answer can stand in."""
    (wrong,) = (s for s in notes.statements if s.number == "5.1")
    assert wrong.correct is not None and wrong.counterexample is not None
    start = wrong.source.text.index(r"(x_i + \mu)")
    mistake = Mistake(SIGN.code, "the sign of THE ANSWER is wrong", Span(start, start + len(r"(x_i + \mu)")))
    return replace(notes, statements=[replace(wrong, mistakes=(mistake,))])


def test_hints_withhold_what_goes_beyond_their_level(mistaken: Checked) -> None:
    for text in texts(withhold(mistaken, 1)):
        assert "DRV" not in text and "a sign" not in text
    for level in (1, 2):
        told = withhold(mistaken, level)
        assert not told.goals
        assert all(s.correct is None and s.counterexample is None and not s.terms for s in told.statements)
        for text in texts(told):
            assert "ANSWER" not in text and "correct:" not in text and "0.888" not in text
            assert "x_i − μ" not in text and r"x_i - \mu" not in text
    assert withhold(mistaken, 3) is mistaken


def test_hints_tell_the_place_and_then_the_kind(mistaken: Checked) -> None:
    fault = mistaken.statements[0].fault
    for level in (1, 2):
        (statement,) = withhold(mistaken, level).statements
        assert statement.fault == fault and statement.status == "refuted"
    for text in texts(withhold(mistaken, 2)):
        assert SIGN.code in text and "sign" in text.lower()
    (told,) = json.loads(json_report.render([withhold(mistaken, 1)], "0"))["documents"][0]["statements"]
    assert [(m["code"], m["line"], m["column"]) for m in told["mistakes"]] == [("here", 11, 49)]


def test_the_first_hint_marks_the_innermost_parts_once(mistaken: Checked) -> None:
    (statement,) = mistaken.statements
    (mistake,) = statement.mistakes
    around = replace(mistake, span=statement.span)
    (told,) = withhold(replace(mistaken, statements=[replace(statement, mistakes=(around, mistake))]), 1).statements
    assert [m.span for m in told.mistakes] == [mistake.span]


def test_a_hint_names_no_mistake_twice(mistaken: Checked) -> None:
    (statement,) = mistaken.statements
    (mistake,) = statement.mistakes
    twice = replace(statement, mistakes=(mistake, replace(mistake, message="something else")))
    for level in (1, 2):
        (told,) = withhold(replace(mistaken, statements=[twice]), level).statements
        assert len(told.mistakes) == 1


# -- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["github", "sarif", "junit", "gradescope"])
def test_the_command_writes_each_format(form: str, tmp_path: Path) -> None:
    report = tmp_path / "report"
    assert main(["check", str(FOLDER / "notes.md"), "--format", form, "-o", str(report)]) == 1
    text = report.read_text(encoding="utf-8")
    assert "notes.md" in text or form == "gradescope"
    assert main(["check", str(tmp_path / "none.md"), "--format", form, "-o", str(report)]) == 2
    assert "there is no such file" in report.read_text(encoding="utf-8")


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "none" / "report"
    assert main(["check", str(FOLDER / "notes.md"), "--format", "sarif", "-o", str(report)]) == 2
    said = capsys.readouterr().err
    assert said == f"derive: {report}: the report cannot be written there (no such file or directory).\n"


@pytest.mark.skipif(os.name != "posix", reason="needs file names of bytes")
@pytest.mark.parametrize("form", ["text", "json", "html", "sarif"])
def test_a_name_that_is_no_text_and_a_terminal_without_unicode_do_no_harm(form: str, tmp_path: Path) -> None:
    page = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.md"))
    page.write_bytes((FOLDER / "notes.md").read_bytes())
    command = [sys.executable, "-m", "derive", "check", page, "--format", form]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False)
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    assert b"refuted" in done.stdout
    done.stdout.decode("utf-8")


def test_the_command_gives_hints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(FOLDER / "notes.md"), "--hint", "1"]) == 1
    out = capsys.readouterr().out
    assert "refuted" in out and "correct" not in out and "Derived" not in out
