"""The Python interface behind `derive.load` and `derive.prove`: problems, gradients and proofs as objects."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import sympy
from sympy import Expr, Symbol

from derive.building import Equations, graph_of, letters_of, normalised
from derive.checking import typesetter
from derive.document import Document, Format, read_text
from derive.forward import Graph
from derive.library import open_document
from derive.model import Model, Origin
from derive.normal.algebra import GaveUp, Undefined
from derive.normal.prover import Prover
from derive.probe.arithmetic import OutOfDomain
from derive.probe.evaluation import NotEvaluable, TooLarge
from derive.probe.points import Agreement, Claim, Counterexample, compare
from derive.problem.reader import read_problem
from derive.typeset import Typesetter
from derive.verdict import Status

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


# -- proofs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """What is established about an equality of two SymPy expressions.

    Attributes:
        status: ``proved``, ``refuted``, ``tested`` or ``undecided``.
        counterexample: for ``refuted``, sizes and data at which the sides differ for certain.
    """

    status: Status
    reason: str = ""
    counterexample: Counterexample | None = None

    def __bool__(self) -> bool:
        raise TypeError("a proof is not a bool: compare its status with 'proved'")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from derive.report.notebook import proof_bundle

        return proof_bundle(self.status, self.reason, self.counterexample)


def decide(left: Expr, right: Expr, positive: tuple[str, ...], timeout: float) -> Proof:
    """Judge an equality without a document, by the normal form and by the probe."""
    first, second = normalised(*(sympy.sympify(side, strict=True) for side in (left, right)))
    claim = _claim(first, second)
    sizes = {s.name for e in (first, second) for s in e.free_symbols if s.is_integer and s.is_positive}
    prover = Prover({}, {*positive, *sizes}, (), time.monotonic() + timeout)
    reason = ""
    try:
        prover.bound(_measured(first, second))
        proved = prover.equal(first, second)
    except (GaveUp, Undefined) as error:
        proved, reason = False, str(error)
    try:
        evidence = compare(claim, Graph((), positive=frozenset(positive)), "total", rounds=3)
    except (NotEvaluable, TooLarge, OutOfDomain) as error:
        return Proof("undecided", str(error) or "too large to evaluate")
    return _weighed(proved, evidence, reason)


def _weighed(proved: bool, evidence: Counterexample | Agreement, reason: str) -> Proof:
    if isinstance(evidence, Counterexample):
        if proved:
            return Proof("undecided", "internal error: the two judges of derive disagree")
        return Proof("refuted", "", evidence)
    if not evidence.points:
        return Proof("undecided", "no point was found at which both sides have a value")
    if proved:
        return Proof("proved")
    return Proof("tested", reason or f"agrees at {evidence.points} points; no proof found")


def _claim(left: Expr, right: Expr) -> Claim:
    """The claim over the free indices of two expressions; of an index that nothing measures three values are tried."""
    symbols = left.free_symbols | right.free_symbols
    sizes = _measured(left, right)
    letters = {i for e in left.atoms(sympy.Indexed) | right.atoms(sympy.Indexed) for i in e.indices}
    free = [s for s in symbols if s in letters or (s.is_integer and not s.is_positive)]
    free.sort(key=str)
    return Claim(left, right, tuple(free), tuple(sizes.get(s, sympy.Integer(3)) for s in free))


def _measured(left: Expr, right: Expr) -> dict[Symbol, Expr]:
    """The sizes of free indices: those of the sums over the same place of a name, or over what a delta compares."""
    places: dict[tuple[str, int], Expr] = {}
    found: dict[Symbol, Expr] = {}
    for total in left.atoms(sympy.Sum, sympy.Product) | right.atoms(sympy.Sum, sympy.Product):
        ranges = {i: high for i, _, high in total.limits}
        for name, k, i in _places(total.function):
            if i in ranges:
                places[name, k] = ranges[i]
        for delta in total.function.atoms(sympy.KroneckerDelta):
            for i, j in (delta.args, delta.args[::-1]):
                if i in ranges and j not in ranges:
                    found.setdefault(j, ranges[i])
    for side in (left, right):
        found |= {i: places[name, k] for name, k, i in _places(side) if (name, k) in places}
    free = left.free_symbols | right.free_symbols
    return {i: n for i, n in found.items() if i in free}


def _places(expr: Expr) -> Iterator[tuple[str, int, Expr]]:
    """Each index with the name and the place at which it stands."""
    for quantity in expr.atoms(sympy.Indexed):
        for k, i in enumerate(quantity.indices):
            yield str(quantity.base.label), k, i
