"""Derivations step by step: every step proved, and printed so that a student wants to read them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache

import pytest
from passes import PASSES

from derive.api import LoadedProblem, read
from derive.checking import check_document
from derive.cli import main
from derive.document import read_text
from derive.exposition import Exposition
from derive.latex.parser import parse_expression
from derive.library import layer_names
from derive.model import Model
from derive.plain import columns, plain
from derive.report import steps_json, steps_latex, steps_markdown
from derive.report.steps_text import StepsText
from derive.source import Text

GOLDEN = {"batchnorm": ["x", "gamma"], "rmsnorm": ["x"], "softmax_cross_entropy": ["x"], "attention": ["Q", "V"]}


@cache
def model(name: str) -> Model:
    return LoadedProblem(read(name if name in layer_names() else PASSES[name]))


@cache
def exposition(name: str, *wrt: str, ranges: bool = False) -> Exposition:
    return model(name).exposition(wrt or None, ranges=ranges)


@pytest.mark.parametrize("name", layer_names())
def test_every_step_is_proved_and_the_markdown_too(name: str) -> None:
    _check_every_step(name, exposition(name, ranges=True))


@pytest.mark.parametrize("name", PASSES)
def test_every_step_of_a_pass_that_was_made_up_is_proved(name: str) -> None:
    wrt = model(name).differentiable()[-1]
    _check_every_step(name, exposition(name, wrt, ranges=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", PASSES)
def test_every_step_by_every_input_is_proved(name: str) -> None:
    _check_every_step(name, exposition(name, ranges=True))


def _check_every_step(name: str, written: Exposition) -> None:
    """Every step is proved, and `derive check` finds the Markdown proved line by line."""
    lines = [line for result in written.results for section in result.sections for line in section.lines]
    assert lines
    assert all(line.proved for line in lines)
    checked = check_document(read_text(steps_markdown.render(written), name))
    open_ = [
        (s.number, s.status, s.reason) for s in checked.statements if s.status not in ("proved", "assumed", "note")
    ]
    assert not open_
    assert sum(s.status == "proved" for s in checked.statements) >= len(lines)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_text(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"steps-{name}.txt", StepsText().render(exposition(name, *GOLDEN[name])))


def test_golden_ascii_and_colour(golden: Callable[[str, str], None]) -> None:
    written = exposition("layernorm", "x")
    golden("steps-layernorm-ascii.txt", StepsText(ascii=True).render(written))
    golden("steps-layernorm-colour.txt", StepsText(colour=True).render(written))


def test_golden_markdown_latex_and_json(golden: Callable[[str, str], None]) -> None:
    written = exposition("softmax", "x", ranges=True)
    golden("steps-softmax.md", steps_markdown.render(written))
    golden("steps-softmax.tex", steps_latex.render(written))
    golden("steps-softmax.json", re.sub(r'"seconds": [0-9.e-]+', '"seconds": 0', steps_json.render(written)))


@pytest.mark.parametrize("name", [*layer_names(), *PASSES])
def test_text_fits(name: str) -> None:
    written = exposition(name, model(name).differentiable()[-1])
    for ascii_only in (False, True):
        text = StepsText(80, False, ascii_only).render(written)
        long = [line for line in text.splitlines() if columns(line) > 80]
        assert not long
        assert ascii_only <= text.isascii()
    plain = StepsText(80, False, False).render(written)
    coloured = StepsText(80, True, False).render(written)
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    underlines = [line for line in plain.splitlines() if line.strip() and not line.replace("~", "").strip()]
    assert stripped.splitlines() == [line for line in plain.splitlines() if line not in underlines]


@pytest.mark.parametrize("name", ["batchnorm", "attention", "gelu", "info-nce"])
def test_latex_is_read_again(name: str) -> None:
    text = steps_latex.render(exposition(name, ranges=True))
    displays = re.findall(r"\\\[\n  (.*?)\n\\\]", text) + re.findall(
        r"\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", text, re.S
    )
    assert len(displays) > 5
    for display in displays:
        for row in display.split("\\\\\n"):
            for side in row.replace("&", "").split(" = ", 1):
                if side.strip() and "=" not in re.sub(r"\{[^{}]*\}", "", side):
                    parse_expression(Text(side, range(len(side) + 1)))
    assert text.count("\\begin{") == text.count("\\end{")
    assert text.count("{") == text.count("}")


def test_json_has_the_shape_that_is_promised() -> None:
    data = json.loads(steps_json.render(exposition("attention", "Q", ranges=True)))
    assert list(data) == ["document", "forward", "gradients"]
    assert data["document"] == "attention"
    assert data["forward"][1] == r"Z_i = \sum_{j = 1}^m e^{S_{ij}}"
    assert [gradient["wrt"] for gradient in data["gradients"]] == ["S", "Q"]
    for gradient in data["gradients"]:
        assert list(gradient) == [
            "wrt", "indices", "closed_form", "reductions", "operations", "assumptions", "seconds", "steps",
        ]  # fmt: skip
        assert list(gradient["closed_form"]) == ["latex", "text", "sympy"]
        assert all(list(reduction) == ["name", "latex", "axes"] for reduction in gradient["reductions"])
        assert all(list(step) == ["rule", "reason", "before", "after", "proved"] for step in gradient["steps"])
        assert all(step["proved"] is True for step in gradient["steps"])
    last = data["gradients"][1]
    assert last["indices"] == ["i", "k"]
    assert last["closed_form"]["text"] == "1/√d Σ_{j=1}^m K_jk ∂L/∂S_ij"


def test_the_closed_form_in_json_is_the_same_every_time() -> None:
    models = [LoadedProblem(read("batchnorm")) for _ in range(2)]
    texts = [re.sub(r'"seconds": .*', "", steps_json.render(m.exposition(["x"]))) for m in models]
    assert texts[0] == texts[1]
    assert "Dummy" not in texts[0]


def test_the_mean_s_path_through_the_variance_carries_nothing() -> None:
    derivation = model("batchnorm").derivation("x")
    assert derivation.silent == {("\\mu", "\\sigma^2")}
    assert ("x", "\\mu", "\\sigma^2", "\\hat{x}", "y", "L") in derivation.paths
    cancellations = [step for stage in derivation.stages for step in stage.steps if step.rule == "cancellation"]
    assert [step.after for step in cancellations] == [0]
    assert [step.before.has(step.changed[0]) for step in cancellations] == [True]


def test_a_step_that_is_false_is_not_proved() -> None:
    """The judge of steps is no rubber stamp."""
    found = model("batchnorm")
    author = found._author
    derivation = author.derivation("x")
    step = derivation.last.steps[-1]
    assert author.proves(step.before, step.after)
    assert not author.proves(step.before, 2 * step.after)
    assert not author.proves(step.before, step.after + found.definitions["y"].expr)


# -- the command -----------------------------------------------------------------------------------------------------


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["steps", "softmax", "--wrt", "x", "--format", "markdown"]) == 0
    assert capsys.readouterr().out.startswith("# Softmax\n")


def test_of_differentiates_another_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["steps", "softmax_cross_entropy", "--of", "s", "--wrt", "x", "--format", "json"]) == 0
    (gradient,) = json.loads(capsys.readouterr().out)["gradients"]
    assert "t" not in gradient["closed_form"]["text"]


def test_a_loss_a_row_is_written_as_it_stands() -> None:
    """Its name has an index, the derivative of the loss has none."""
    text = r"$$p_{ij} = \frac{\exp(s_{ij})}{\sum_{k=1}^N \exp(s_{ik})}$$ $$L_i = -\log p_{ii}$$"
    (result,) = LoadedProblem(read(text)).exposition().results
    assert plain(result.sections[-1].right) == "p_ij − δ_ij"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["softmax", "--wrt", "q"], "softmax: 'q' is not in the forward pass; it has Z, s, x."),
        (["softmacks"], "Did you mean softmax?"),
        (["softmax", "--of", "x"], "x is an input"),
        (["-"], "nothing here can be differentiated"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys

    class Input:
        buffer = io.BytesIO(b"no mathematics")

    monkeypatch.setattr(sys, "stdin", Input())
    assert main(["steps", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert not captured.out
