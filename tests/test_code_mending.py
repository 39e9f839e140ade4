"""What a line at fault should be: every edit that is shown makes the line proved, in code and in documents alike."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from code_mutations import mutants
from code_oracle import Case
from test_code_soundness import SUBJECTS, Subject

from derive.checking import Statement, check_document
from derive.cli import main
from derive.code.check import Settings, check_source
from derive.document import read_text
from derive.report.wording import fixed_line
from derive.source import Source

BATCH = '''import numpy as np


def forward(x, gamma, beta, eps=1e-5):
    """shapes: x (N, D), gamma (D,), beta (D,)"""
    mean = x.mean(axis=0)
    std = np.sqrt(((x - mean) ** 2).mean(axis=0) + eps)
    xhat = (x - mean) / std
    return gamma * xhat + beta, (xhat, gamma, std)


def backward(dout, cache):
    xhat, gamma, std = cache
    N = len(dout)
    dgamma = (dout * xhat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dx = gamma / std / N * (N * dout - dbeta - xhat * dgamma)
    return dx, dgamma, dbeta
'''
LINEAR = '''import torch


class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        """shapes: x (N, D), w (D, D)"""
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w.T, x.T @ g
'''
LOSS = '''import numpy as np


def ridge_loss(W, X, t, reg):
    """shapes: W (D, C), X (N, D), t (N, C)"""
    r = X @ W - t
    loss = 0.5 * np.sum(r ** 2) / X.shape[0] + 0.5 * reg * np.sum(W ** 2)
    dr = r / X.shape[0]
    dW = X.T @ dr
    dW += reg * W
    return loss, dW
'''
LAYER = BATCH.replace("axis=0", "axis=1, keepdims=True").replace("len(dout)", "dout.shape[1]")
LAYER = LAYER.replace("dgamma = (dout * xhat).sum(axis=1, keepdims=True)", "dgamma = (dout * xhat).sum(axis=0)")
LAYER = LAYER.replace("dbeta = dout.sum(axis=1, keepdims=True)", "dbeta = dout.sum(axis=0)")

SLIPS = [
    (BATCH, "dbeta - xhat", "dbeta + xhat", "dx = gamma / std / N * (N * dout - dbeta - xhat * dgamma)"),
    (BATCH, "gamma / std / N", "std / N", "dx = (N * dout - dbeta - xhat * dgamma) * gamma / (N * std)"),
    (LINEAR, "g @ w.T", "g @ w", "return g @ w.T, x.T @ g"),
    (LOSS, "dW += reg * W", "dW += 2 * reg * W", "dW += reg * W"),
    (LOSS, "X.T @ dr", "X.T @ r", "dW = X.T @ dr"),
    (LOSS, "r / X.shape[0]", "r", "dr = r / X.shape[0]"),
]
"""A right file, what is right in it, the slip in its place, and the line that is proposed."""


def judged(text: str) -> list[Statement]:
    return check_source(Source("layer.py", text), Settings(mends=True, timeout=20.0)).statements


def mended(text: str) -> str:
    """The text with all edits made that were found."""
    for statement in sorted(judged(text), key=lambda s: -s.span.start):
        text = statement.fix.of(text) if statement.fix is not None else text
    return text


def is_proved(text: str) -> bool:
    return {s.status for s in judged(text) if s.role == "returned"} == {"proved"}


@pytest.mark.parametrize(("text", "right", "slip", "line"), SLIPS, ids=[slip for _, _, slip, _ in SLIPS])
def test_a_slip_is_mended_in_the_authors_names(text: str, right: str, slip: str, line: str) -> None:
    wrong = text.replace(right, slip)
    assert wrong != text
    assert [fixed_line(s) for s in judged(wrong) if s.fix is not None] == [line]
    assert is_proved(mended(wrong))


def test_a_formula_of_another_layer_is_written_anew() -> None:
    """Batch norm's closed form turned by ninety degrees: gamma must stay inside the means."""
    assert not is_proved(LAYER)
    assert is_proved(mended(LAYER))


def test_what_is_not_at_hand_is_not_used() -> None:
    """With epsilon outside the root its gradient needs epsilon, which was not saved."""
    wrong = BATCH.replace(".mean(axis=0) + eps)", ".mean(axis=0)) + eps")
    assert [s.fix for s in judged(wrong) if s.blame == "here"] == [None]
    saved = wrong.replace("gamma, std)\n", "gamma, std, eps)\n").replace(
        "gamma, std = cache", "gamma, std, eps = cache"
    )
    assert is_proved(mended(saved)) and not is_proved(saved)


def test_right_code_has_no_edits() -> None:
    assert all(s.fix is None for text in (BATCH, LINEAR, LOSS) for s in judged(text))


@pytest.mark.parametrize("subject", [s for s in SUBJECTS if s.fixture.name in ("affine", "glu_split", "cosine_norm")],
                         ids=lambda s: s.fixture.name)  # fmt: skip
def test_what_is_mended_is_right_by_finite_differences(subject: Subject) -> None:
    assert mended_mutants(subject, 4, seed=5) >= 0


@pytest.mark.slow
def test_many_mutants_are_mended() -> None:
    assert (
        sum(mended_mutants(s, 20, seed=7) for s in SUBJECTS if s.fixture.name not in ("conv_naive", "lstm_step")) > 40
    )


def mended_mutants(subject: Subject, count: int, seed: int) -> int:
    """How many mutants get edits; fails where one is wrong by the differences of Python itself."""
    fixture, found = subject.fixture, 0
    names = sorted({each.rpartition(".")[2] for each in (fixture.pair.backward,)})
    made = mutants(fixture.source, names, Random(seed))
    for k in range(count):
        mutant = next(made).source
        fixed = mended(mutant)
        if fixed != mutant and is_proved(fixed):
            found += 1
            for sizes in ([3, 4, 2, 5], [2, 3, 5, 4]):
                verdicts = Case(fixture, sizes, seed + k).verdicts(fixed, list(subject.targets))
                assert not {"wrong", "crash", "shape"} & set(verdicts), f"seed {seed}, mutant {k}: {verdicts}\n{fixed}"
    return found


# -- patches ---------------------------------------------------------------------------------------------------------


def wrong_file(folder: Path) -> Path:
    path = folder / "layer.py"
    path.write_text(
        LOSS.replace("r / X.shape[0]\n    dW", "r\n    dW").replace("+= reg", "+= 2 * reg"), encoding="utf-8"
    )
    return path


def test_the_patch_makes_the_file_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong_file(tmp_path)
    assert main(["check", "--diff", "layer.py"]) == 1
    shown = capsys.readouterr()
    assert "-    dr = r\n" in shown.out and "line 8: proved with the change" in shown.err
    if shutil.which("patch") is None:
        pytest.skip("there is no patch program")
    subprocess.run(["patch", "-p0"], input=shown.out, text=True, check=True, capture_output=True)
    assert main(["check", "layer.py"]) == 0


def test_files_are_mended_in_place_and_checked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = wrong_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert main(["check", "--fix-it", "--format", "concise", str(path)]) == 0
    assert capsys.readouterr().out.endswith("layer.py: proved (3 proved)\n")
    assert path.read_bytes().replace(b"\r\n", b"\n") == LOSS.encode() and b"\r\n" in path.read_bytes()


def test_what_is_not_mended_is_said_and_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "layer.py"
    text = BATCH.replace(".mean(axis=0) + eps)", ".mean(axis=0)) + eps")
    path.write_text(text)
    assert main(["check", "--fix-it", str(path)]) == 1
    assert "line 17: derive found no edit that it could prove" in capsys.readouterr().err
    assert path.read_text() == text


def test_a_fence_is_patched_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    before = f"# A loss\n\nText.\n\n```python\n{LOSS.replace('X.T @ dr', 'X.T @ r')}```\n\nMore text.\n"
    path.write_text(before)
    assert main(["check", "--code", "--fix-it", str(path)]) == 0
    assert path.read_text() == before.replace("X.T @ r\n", "X.T @ dr\n")


DOCUMENT = r"""
$$s = \sum_{j=1}^N x_j^2, \quad y_i = \frac{x_i}{s}$$

$$\frac{\partial s}{\partial x_i} = x_i$$

$$\frac{\partial L}{\partial x_i} = \frac{1}{s} \left( \frac{\partial L}{\partial y_i} + 2 y_i \sum_j x_j \frac{\partial L}{\partial y_j} \right)$$
"""  # noqa: E501


def test_a_document_is_mended_by_the_same_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.md"
    path.write_text(DOCUMENT, encoding="utf-8")
    assert main(["check", "--diff", str(path)]) == 1
    assert "@@" in capsys.readouterr().out
    assert main(["check", "--fix-it", str(path)]) == 0
    after = check_document(read_text(path.read_text(encoding="utf-8")))
    assert [s.status for s in after.statements if s.role == "claim"] == ["proved", "proved"]
