"""A verdict does not hang on what has nothing to do with it: other claims taken out, a definition made unreadable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import DOCUMENTS
from marks import line, marks

import derive.checking
from derive.checking import check_document
from derive.document import read_text

READING = sorted((DOCUMENTS / "reading").glob("*.md"))
SAMPLE = READING[5::16]
DISPLAY = re.compile(r"\$\$.*?\$\$", re.DOTALL)
DEFINITION = re.compile(r"\$\$\s*([^$=&\n]{1,60}?)\s*=\s*([^$=\n,]+?)\s*[.,]?\s*\$\$")
BROKEN = (r"\oint x", r"\Upsilon")
"""What a definition is made: something that cannot be read, and something of which nothing says what it is."""


@pytest.fixture(autouse=True)
def _verdicts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a mistake is called does not matter here."""
    monkeypatch.setattr(derive.checking, "MISTAKE_SECONDS", 0.0)


def claims(text: str) -> list[tuple[int, int]]:
    """Where the displays stand that a mark demands a verdict of."""
    starts = [found.start() for found in DISPLAY.finditer(text)]
    lines = {at for at, _ in marks(text)}
    marked = [start for start in starts if text.count("\n", 0, start) in lines]
    return [DISPLAY.match(text, start).span() for start in marked]  # type: ignore[union-attr]


def decided(text: str) -> dict[int, set[str]]:
    """For each line what was said of it, as far as it was decided."""
    found: dict[int, set[str]] = {}
    for statement in check_document(read_text(text)).statements:
        if statement.status in ("proved", "refuted"):
            found.setdefault(line(statement), set()).add(statement.status)
    return found


def assert_no_flip(before: dict[int, set[str]], text: str, what: str) -> None:
    """Nothing that was only proved is refuted in another text of the same lines, nor the other way round."""
    for at, now in decided(text).items():
        was = before.get(at, set())
        assert not (was == {"proved"} and "refuted" in now), f"{what}: line {at} was proved"
        assert not (was == {"refuted"} and now == {"proved"}), f"{what}: line {at} was refuted"


def blanked(text: str, start: int, end: int) -> str:
    """A text without a part, its lines where they were."""
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def check_alone(path: Path) -> None:
    """Each claim with the other claims taken out."""
    text = path.read_text(encoding="utf-8")
    before, places = decided(text), claims(text)
    for kept in places:
        alone = text
        for place in places:
            alone = blanked(alone, *place) if place != kept else alone
        assert_no_flip(before, alone, f"{path.stem}, alone")


def check_broken(path: Path) -> None:
    """Each definition before the first claim made unreadable, one at a time."""
    text = path.read_text(encoding="utf-8")
    before, places = decided(text), claims(text)
    for found in DEFINITION.finditer(text, 0, places[0][0] if places else 0):
        if "\\partial" in found[0]:
            continue
        for broken in BROKEN:
            new = text[: found.start(2)] + broken + text[found.end(2) :]
            assert_no_flip(before, new, f"{path.stem}, {found[1]} = {broken}")


@pytest.mark.parametrize("path", SAMPLE, ids=lambda p: p.stem)
def test_other_claims_decide_no_verdict(path: Path) -> None:
    check_alone(path)


@pytest.mark.parametrize("path", SAMPLE, ids=lambda p: p.stem)
def test_a_broken_definition_makes_nothing_false(path: Path) -> None:
    check_broken(path)


def test_the_sample_has_something_to_take_out_and_to_break() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SAMPLE]
    assert sum(len(claims(text)) > 1 for text in texts) > len(texts) / 2
    assert any(DEFINITION.search(text) for text in texts)


@pytest.mark.slow
@pytest.mark.parametrize("path", READING, ids=lambda p: p.stem)
def test_other_claims_decide_no_verdict_of_any_document(path: Path) -> None:
    check_alone(path)


@pytest.mark.slow
@pytest.mark.parametrize("path", READING, ids=lambda p: p.stem)
def test_a_broken_definition_of_any_document_makes_nothing_false(path: Path) -> None:
    check_broken(path)
