"""derive: proves or refutes hand-derived gradients, line by line, for every size.

How a document becomes verdicts, each stage importing only from those before it::

    document -> equations -> problem -> forward graph -> gradient -> closed form
       |            |           |            |              |            |
    source,      latex/      notation/    forward       gradient      closed
    repair       (syntax)    (meaning)                     |            |
                                                   normal/ (proves)  probe/ (refutes)
                                                           \\           /
                                                     verdict -> checking -> report/

Hand-written forward and backward code takes its own way to the same judges: `derive.code`.

The verbs of the package are `check`, `load`, `build`, `prove` and `prove_code`; the command line is `derive check`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.api import LoadedProblem
    from derive.building import Equations
    from derive.equality import Proof
    from derive.model import Model
    from derive.results import Report

__all__ = ["build", "check", "load", "prove", "prove_code"]


def check(document: str | Path, *, timeout: float = 10.0, kind: str | None = None) -> Report:
    r"""Judge every equation of a document.

    Args:
        document: a path, or the text itself (anything with a line break, a dollar sign or a backslash is text).
        timeout: seconds an equation.
        kind: how to read text: ``md``, ``tex``, ``txt`` or ``ipynb``; by the suffix for a path, else ``md``.

    Returns:
        the statements with their verdicts, the assumptions and the repairs. It prints as the report, and a notebook
        typesets it.

    Raises:
        derive.document.DocumentError: the document cannot be read at all.

    >>> text = r'''
    ... $\mu = \frac{1}{N} \sum_{i=1}^N x_i$ and $y_i = x_i - \mu$, so
    ... $$\frac{\partial \mu}{\partial x_i} = \frac{1}{N}$$
    ... $$\frac{\partial y_i}{\partial x_j} = \delta_{ij} - N$$
    ... '''
    >>> [statement.status for statement in check(text).statements]
    ['assumed', 'assumed', 'proved', 'refuted']
    """
    from derive.api import read
    from derive.checking import check_document
    from derive.results import Report

    return Report.of(check_document(read(document, kind), timeout))


def load(document: str | Path, *, kind: str | None = None) -> LoadedProblem:
    r"""Read a document's forward pass.

    Args:
        document, kind: as for `check`.

    Returns:
        the problem: its definitions as SymPy, and its gradients.

    Raises:
        derive.document.DocumentError: the document cannot be read at all.

    >>> problem = load(r"$$s = \sum_{i=1}^N x_i, \quad y_i = \frac{x_i}{s}$$")
    >>> problem.definitions["y"].expr
    x[i]/s
    >>> print(problem.gradient("x").text())
    ∂L/∂x_i = 1/s (∂L/∂y_i − Σ_j y_j ∂L/∂y_j)
    """
    from derive.api import LoadedProblem, read

    return LoadedProblem(read(document, kind))


def build(equations: Equations, *, positive: tuple[str, ...] = (), loss: str = "L") -> Model:
    r"""Make a forward pass from SymPy equations, as `load` makes one from a document.

    Args:
        equations: pairs of a name (a symbol, or an entry of an `IndexedBase`) and its value, or `Eq`.
        positive: names of positive data, beside symbols that are declared positive.
        loss: the name of the scalar to differentiate. If no equation defines it, it is an unknown function of the
            outputs.

    Returns:
        the forward pass with its gradients.

    Raises:
        derive.forward.GraphError: the equations do not make a forward pass.

    >>> from sympy import IndexedBase, Sum, Symbol, symbols
    >>> x, y, s = IndexedBase("x"), IndexedBase("y"), Symbol("s")
    >>> i, j, N = *symbols("i j", integer=True), Symbol("N", integer=True, positive=True)
    >>> problem = build([(s, Sum(x[j], (j, 1, N))), (y[i], x[i] / s)])
    >>> print(problem.gradient("x").text())
    ∂L/∂x_i = 1/s (∂L/∂y_i − Σ_j y_j ∂L/∂y_j)
    """
    from derive.api import build_model

    return build_model(equations, positive, loss)


def prove(left: Any, right: Any, *, positive: tuple[str, ...] = (), timeout: float = 10.0) -> Proof:
    """Decide whether two SymPy expressions are equal for all sizes and all real data.

    Args:
        left, right: expressions over symbols, `Indexed`, `Sum` over whole ranges, `KroneckerDelta` and elementwise
            functions. Symbols that are positive integers are sizes.
        positive: names of data that are positive.
        timeout: seconds.

    Returns:
        a `Proof` with a ``status``; it is not a bool.

    >>> from sympy import IndexedBase, Sum, Symbol
    >>> x, N, i = IndexedBase("x"), Symbol("N", integer=True, positive=True), Symbol("i", integer=True)
    >>> mean = Sum(x[i], (i, 1, N)) / N
    >>> prove(Sum((x[i] - mean) ** 2, (i, 1, N)), Sum(x[i] ** 2, (i, 1, N)) - N * mean**2).status
    'proved'
    >>> prove(mean, x[i]).status
    'refuted'
    """
    from derive.equality import decide

    return decide(left, right, positive, timeout)


def prove_code(
    forward: Any,
    backward: Any = None,
    *,
    shapes: str = "",
    fix: Mapping[str, object] | None = None,
    timeout: float = 10.0,
) -> Report:
    """Prove the gradients that a hand-written backward function returns. Their source is read; nothing is called.

    Args:
        forward, backward: two functions; or a class with both, or a loss that returns its gradients, alone.
        shapes: those of the arguments, as ``"x (N, D), gamma (D,), y int (N,)"``; not needed where docstrings,
            annotations or comments say them.
        fix: settings to hold fixed, such as ``{"mode": "train"}``.
        timeout: seconds.

    Returns:
        a verdict on each gradient that is returned and on each stage. It prints as the report.

    Raises:
        derive.code.locate.NoSuchPair: there is no source, or no such function in it.
        derive.code.shapes.ShapeError: the shapes cannot be read.
    """
    from derive.code.check import Settings, check_pair
    from derive.code.locate import source_of
    from derive.results import Report

    source, names = source_of(forward, backward)
    settings = Settings(shapes, {name: str(value) for name, value in (fix or {}).items()}, timeout, mends=True)
    return Report.of(check_pair(source, names, settings))


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext derive`` calls: gives the notebook the cell magic ``%%derive``."""
    from derive.jupyter import register

    register(shell)
