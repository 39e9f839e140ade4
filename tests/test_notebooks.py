"""The notebooks run from top to bottom, say what happens, and are committed as they ran.

Their cells hold assertions of their own about the numbers; what is asserted here is what a reader relies on besides.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import derive
from derive.latex.writer import latex

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
NAMES = ("walkthrough", "your_own_layer")
PROVED = {"walkthrough": 13, "your_own_layer": 6}
NOTES = {"walkthrough": ["i = j"], "your_own_layer": []}  # where a path exists: a condition, so nothing to prove
PICTURES = {"walkthrough": 8, "your_own_layer": 1}

both = pytest.mark.parametrize("name", NAMES)


@cache
def renderer() -> ModuleType:
    """``notebooks/render.py``, where all that it needs is installed."""
    for needed in ("nbclient", "ipykernel", "jupytext", "matplotlib"):
        pytest.importorskip(needed)
    spec = importlib.util.spec_from_file_location("render", NOTEBOOKS / "render.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def executed(name: str) -> Any:
    return renderer().execute(renderer().read(name))


@cache
def committed(name: str) -> Any:
    return json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))


def sources(cells: Any) -> list[tuple[str, str]]:
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


def outputs(cells: Any) -> list[Any]:
    return [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]


def pictures(cells: Any) -> list[Any]:
    return [output for output in outputs(cells) if "image/png" in output.get("data", {})]


def text(output: Any) -> str:
    data = output.get("data", {})
    return "".join(data.get("text/markdown") or data.get("text/plain") or output.get("text", ""))


@both
def test_runs_from_top_to_bottom(name: str) -> None:
    notebook = executed(name)
    assert all(output["output_type"] != "error" for output in outputs(notebook.cells))
    assert len(pictures(notebook.cells)) == PICTURES[name]


@both
@pytest.mark.parametrize("suffix", [".ipynb", ".md"])
def test_its_text_is_proved(name: str, suffix: str) -> None:
    report = derive.check(NOTEBOOKS / f"{name}{suffix}")
    verdicts = Counter(statement.status for statement in report.statements)
    assert verdicts["proved"] == PROVED[name]
    assert set(verdicts) <= {"proved", "assumed", "note"}
    assert [latex(statement.left) for statement in report.statements if statement.status == "note"] == NOTES[name]
    assert not report.assumptions


@both
def test_the_pair_is_in_step(name: str) -> None:
    assert sources(renderer().read(name).cells) == sources(committed(name)["cells"])


@both
def test_is_committed_as_it_ran(name: str) -> None:
    cells = committed(name)["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    kinds = [[output["output_type"] for output in cell["outputs"]] for cell in code]
    fresh = [c for c in executed(name).cells if c["cell_type"] == "code"]
    assert kinds == [[output["output_type"] for output in cell["outputs"]] for cell in fresh]
    assert all(picture["metadata"]["image/png"]["alt"] for picture in pictures(cells))


@both
def test_tells_nothing_of_the_computer_that_ran_it(name: str) -> None:
    notebook = committed(name)
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    assert not any("execution" in cell["metadata"] for cell in notebook["cells"])
    shown = json.dumps([output for output in outputs(notebook["cells"]) if output not in pictures(notebook["cells"])])
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|usr|work|opt|Users)/|site-packages|[A-Z]:\\\\", shown)


def test_the_walkthrough_shows_what_it_says() -> None:
    shown = [text(output) for output in outputs(executed("walkthrough").cells)]
    table = next(part for part in shown if part.startswith("| formula"))
    rows = [[entry.strip() for entry in row.strip("|").split("|")] for row in table.splitlines()[2:]]
    assert len(rows) == 9
    assert [row[0] for row in rows if row[2] == "passes"] == [
        "as derived", "ε missing in front", "ε outside the root", "x̂ without ε",
    ]  # fmt: skip
    assert [row[0] for row in rows if row[3] == "**proved**"] == ["as derived"]
    assert all(row[3] == "**refuted**" for row in rows[1:])
    assert sum("def _backward" in part for part in shown) == 1


def test_the_forward_pass_in_the_code_is_that_of_the_text() -> None:
    code = "\n".join(source for kind, source in sources(renderer().read("walkthrough").cells) if kind == "code")
    found = re.search(r'^forward = r"""(.*?)"""', code, re.S | re.M)
    assert found is not None
    in_code, in_text = (derive.load(found[1]).definitions, derive.load(NOTEBOOKS / "walkthrough.md").definitions)
    assert {name: str(d.expr) for name, d in in_code.items()} == {name: str(d.expr) for name, d in in_text.items()}


def test_the_attempt_of_the_second_notebook_is_refuted() -> None:
    cells = executed("your_own_layer").cells
    attempt = next(cell for cell in cells if cell["source"].startswith("%%derive"))
    shown = text(attempt["outputs"][0])
    assert len(re.findall(r"\brefuted\b", shown, re.I)) >= 1
    assert "DRV205" in shown


def test_the_second_notebook_refutes_code_and_proves_it_mended() -> None:
    shown = [text(output) for output in outputs(executed("your_own_layer").cells)]
    reports = [each for each in shown if "dgamma = ∂L/∂gamma" in each]
    assert len(reports) == 2
    assert "dx = g * gamma * m**-p + 2 * dm * x / x.shape[1]" in reports[0]
    assert "refuted" in reports[0] and "refuted" not in reports[1]
