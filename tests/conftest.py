"""Shared fixtures: the project's own documents, and golden files with one switch to update them."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow, and that is no fault of what is tested: nothing here asserts how long an example takes.
settings.register_profile("derive", deadline=None)
settings.load_profile("derive")

DOCUMENTS = Path(__file__).parent / "documents"
GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files from the present output")


def pytest_configure(config: pytest.Config) -> None:
    """Processes that the tests start find the package compiled, also where Python is told to leave nothing behind."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return  # its parent did
    compiled = tempfile.TemporaryDirectory(prefix="derive-tests-")
    config.add_cleanup(compiled.cleanup)
    os.environ["PYTHONPYCACHEPREFIX"] = compiled.name
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the golden file of that name."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden file {name}: run pytest --update-golden and read what it writes"
        assert text == path.read_text(encoding="utf-8")

    return compare


def pytest_collection_finish() -> None:
    """Thousands of collected tests, and the modules they import, are nothing for the garbage collector to look at."""
    gc.collect()
    gc.freeze()
