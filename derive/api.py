"""The Python interface behind `derive.load` and `derive.build`: problems and gradients as objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from derive.building import Equations, graph_of, letters_of
from derive.checking import typesetter
from derive.document import Document, Format, read_text
from derive.library import open_document
from derive.model import Model, Origin
from derive.problem.reader import read_problem
from derive.typeset import Typesetter

if TYPE_CHECKING:
    from derive.kernels.kernel import Target
    from derive.kernels.verify import Report

TEXT_MARKS = ("\n", "$", "\\")


def read(document: str | Path, kind: str | None = None) -> Document:
    """A document from a path, or from text (which has a line break, a dollar sign or a backslash)."""
    if isinstance(document, Path) or (kind is None and not any(mark in document for mark in TEXT_MARKS)):
        return open_document(document)
    return read_text(document, kind=cast(Format, kind or "md"))


# -- problems --------------------------------------------------------------------------------------------------------


class LoadedProblem(Model):
    """A document's forward pass, ready to be differentiated."""

    def __init__(self, document: Document) -> None:
        self._problem = read_problem(document)
        origin = Origin(document.path, _heading(document), tuple(self._problem.assumptions))
        super().__init__(self._problem.graph, typesetter(self._problem), self._problem.table.axes.sizes(), origin)

    def verify(self, target: Target = "numpy", wrt: Sequence[str] | None = None) -> Report:
        """A kernel run beside the definitions in longdouble, finite differences, and the document's own gradients.

        Arguments and errors as for `kernel`.
        """
        from derive.kernels.hand import hand_derivations
        from derive.kernels.kernel import running
        from derive.kernels.verify import verify

        made = self.program(wrt)
        keys = [o.key for o in made.kernel.backward.results]
        return verify(running(made, target), made, hand_derivations(self._problem, keys))


def _heading(document: Document) -> str:
    """A document's first heading, or its name."""
    text = document.sources[0].text if document.sources else ""
    heading = next((line.lstrip("# ") for line in text.splitlines() if line.startswith("# ")), "")
    return heading.strip() or Path(document.path).stem


def build_model(equations: Equations, positive: Iterable[str], loss: str) -> Model:
    """A forward pass from SymPy equations."""
    graph = graph_of(equations, positive, loss)
    origin = Origin(title="A forward pass from Python")
    return Model(graph, Typesetter(letters_of(graph)), graph.size_names, origin)
