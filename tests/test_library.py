"""The library of layers: every document in it is proved throughout, and a name finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.checking import check_document
from derive.cli import main
from derive.document import DocumentError
from derive.library import layer_names, layer_text, layers, open_document


@pytest.mark.parametrize("name", layer_names())
def test_a_layer_is_proved_throughout(name: str) -> None:
    checked = check_document(open_document(name))
    open_ = [(s.number, s.status, s.reason) for s in checked.statements if s.status not in ("proved", "assumed")]
    assert not open_
    assert checked.verdict == "proved"
    assert not checked.repairs
    assert {goal.status for goal in checked.goals} == {"proved"}


@pytest.mark.parametrize("name", layer_names())
def test_a_layer_has_a_title_and_a_sentence(name: str) -> None:
    (layer,) = (layer for layer in layers() if layer.name == name)
    assert layer.title
    assert layer.summary.endswith(".")
    assert "$" not in layer.summary
    assert len(layer.summary) <= 130
    assert "## Forward pass\n" in layer_text(name)
    assert "## Derivation\n" in layer_text(name)


def test_a_file_goes_before_a_layer_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "softmax").write_text("$a = b$", encoding="utf-8")
    (tmp_path / "linear").mkdir()
    assert len(open_document("softmax").blocks) == 1
    assert len(open_document("linear").blocks) > 1


def test_a_name_that_is_nothing_is_said_kindly() -> None:
    with pytest.raises(DocumentError, match=r"no layer of this name\. Did you mean layernorm\?"):
        open_document("layernrm")
    with pytest.raises(DocumentError, match=r"derive layers lists the layers"):
        open_document("quux")
    with pytest.raises(DocumentError, match=r"there is no such file\. Check the path"):
        open_document("../quux.md")


def test_layers_are_listed_with_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(layer_names())


def test_a_layer_s_document_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", "batchnorm"]) == 0
    assert capsys.readouterr().out == layer_text("batchnorm")


def test_what_is_no_layer_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", "batchnrm"]) == 2
    assert "Did you mean batchnorm?" in capsys.readouterr().err
