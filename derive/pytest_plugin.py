"""pytest collects documents: ``pytest --derive notes.md notebook.ipynb`` has one test a claim.

Installed with derive and loaded by every pytest, so nothing is imported before ``--derive`` asks for it. A claim that
is proved passes, one that is refuted fails with derive's own report; the rest is skipped, with the verdict as the
reason. A document of which nothing was decided has one skipped test more, which says so. The name of a test is its
place: ``notes.md::7:3``, or ``notes.ipynb::cell 2:7:3``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from derive.checking import Checked, Statement

CODE = ".py"
SUFFIXES = (".md", ".markdown", ".qmd", ".rmd", ".ipynb", ".tex", ".ltx", ".rst", ".adoc", ".org")
_WIDTH = 100


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, which is all that happens without them."""
    group = parser.getgroup("derive", "hand-derived gradients")
    group.addoption("--derive", action="store_true", help="test each claim of Markdown, notebook and LaTeX documents")
    group.addoption(
        "--derive-timeout", type=float, default=10.0, metavar="S", help="seconds an equation (default: %(default)s)"
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A document that was named, or that lies in a folder that was: one with a suffix of its own."""
    if not parent.config.getoption("--derive"):
        return None
    named = parent.session.isinitpath(file_path) and file_path.suffix == ".txt"
    if parent.session.isinitpath(file_path) and file_path.suffix == CODE:
        return _Code.from_parent(parent, path=file_path)
    if not named and file_path.suffix.lower() not in SUFFIXES:
        return None
    return _Document.from_parent(parent, path=file_path)


class _Document(pytest.File):
    """A document with its claims."""

    def collect(self) -> Iterator[pytest.Item]:
        from derive.document import DocumentError
        from derive.report.wording import claims, conclusion

        try:
            checked = self._checked(float(self.config.getoption("--derive-timeout")))
        except DocumentError as error:
            raise self.CollectError(str(error)) from error
        seen: dict[str, int] = {}
        for statement in claims(checked):
            name = _name(statement)
            seen[name] = seen.get(name, 0) + 1
            yield _Claim.from_parent(
                self, name=name if seen[name] == 1 else f"{name}.{seen[name]}", statement=statement
            )
        if self.path.suffix != CODE and (said := conclusion(checked)):
            yield _Undecided.from_parent(self, name="decided", said=said)

    def _checked(self, timeout: float) -> Checked:
        from derive.checking import check_document
        from derive.document import load

        return check_document(load(self.path), timeout)


class _Code(_Document):
    """A Python file with the gradients that its backward functions return; nothing of it is imported."""

    def _checked(self, timeout: float) -> Checked:
        from dataclasses import replace

        from derive.code.check import Settings, check_file

        checked = check_file(self.path, Settings(timeout=timeout, mends=True))
        return replace(checked, statements=[s for s in checked.statements if s.role != "stage"])


def _name(statement: Statement) -> str:
    if statement.name:
        return f"{statement.source.place(statement.span.start).line}:{statement.name}"
    cell = f"cell {statement.source.cell}:" if statement.source.cell is not None else ""
    line, column = statement.source.place(statement.span.start)
    return f"{cell}{line}:{column}"


class _Refuted(Exception):
    """A claim does not hold."""


class _Claim(pytest.Item):
    """One claim, which was judged when the document was collected."""

    def __init__(self, *, statement: Statement, **others: Any) -> None:
        super().__init__(**others)
        self.statement = statement

    def runtest(self) -> None:
        from derive.report.text import TextReport
        from derive.report.wording import why

        if self.statement.status == "refuted":
            raise _Refuted(TextReport(_WIDTH).statement(self.statement))
        if self.statement.status != "proved":
            pytest.skip("; ".join((self.statement.status, *why(self.statement))))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """derive's report instead of a trace."""
        if isinstance(excinfo.value, _Refuted):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        from derive.report.wording import name

        return self.path, self.statement.source.place(self.statement.span.start).line - 1, name(self.statement)


class _Undecided(pytest.Item):
    """What is to be said of a document of which nothing was decided."""

    def __init__(self, *, said: str, **others: Any) -> None:
        super().__init__(**others)
        self.said = said

    def runtest(self) -> None:
        pytest.skip(self.said)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.said
