"""A document written differently gets the verdicts that it got: with other letters, order, delimiters, environments."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import DOCUMENTS
from marks import disagreements
from rewrites import REWRITES

from derive.checking import check_document
from derive.document import read_text

READING = sorted((DOCUMENTS / "reading").glob("*.md"))
WRONG = sorted((DOCUMENTS / "wrong").glob("*.md"))
NAMES = list(REWRITES)


def assert_same(path: Path, rewrite: str) -> None:
    text = REWRITES[rewrite](path.read_text(encoding="utf-8"))
    assert not disagreements(check_document(read_text(text)), text), text


@pytest.mark.parametrize("path", READING[::2], ids=lambda p: p.stem)
def test_one_rewrite_of_a_document(path: Path) -> None:
    """Every other document, the rewrites in turn; the slow run makes all of all."""
    assert_same(path, NAMES[READING.index(path) % len(NAMES)])


@pytest.mark.slow
@pytest.mark.parametrize("rewrite", NAMES)
@pytest.mark.parametrize("path", READING, ids=lambda p: p.stem)
def test_every_rewrite_of_each_document(path: Path, rewrite: str) -> None:
    assert_same(path, rewrite)


@pytest.mark.parametrize("path", WRONG, ids=lambda p: p.stem)
def test_a_wrong_line_stays_wrong(path: Path) -> None:
    rewrite = NAMES[WRONG.index(path) % len(NAMES)]
    checked = check_document(read_text(REWRITES[rewrite](path.read_text(encoding="utf-8"))))
    assert checked.statements[-1].status == "refuted"


def test_the_rewrites_rewrite() -> None:
    """A rewrite that changes nothing tests nothing: each changes many documents."""
    texts = [path.read_text(encoding="utf-8") for path in READING]
    for name, rewrite in REWRITES.items():
        changed = sum(rewrite(text) != text for text in texts)
        assert changed >= 30, (name, changed)
