"""A forward pass to differentiate: gradients, derivations, tangents, and gradients of gradients.

It is what `derive.load` and `derive.build` give: a graph, the letters in which to write it, and the derivatives that
were asked for so far.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sympy import Expr, Symbol

from derive.closed import ClosedForm, Compactor
from derive.court import Court
from derive.document import COMMENT
from derive.exposition import Exposition, Expositor
from derive.extension import extended
from derive.forward import Definition, Graph, entry
from derive.gradient import NoDerivative
from derive.language import D, indices_of, name_of
from derive.latex.syntax import Node
from derive.latex.writer import latex
from derive.normal.prover import Prover
from derive.opaque import as_given, is_stand_in, open_names
from derive.plain import plain
from derive.pushforward import pushforward, tangent_name
from derive.steps import Author, Derivation, Step
from derive.typeset import Typesetter

if TYPE_CHECKING:
    from derive.kernels.kernel import RunningKernel, Target
    from derive.kernels.make import Made

SECONDS = 10.0


@dataclass(frozen=True)
class Origin:
    """Where a forward pass comes from: the name to show for it, its title, what was assumed to read it."""

    path: str = "<python>"
    title: str = ""
    assumptions: tuple[str, ...] = ()


class Model:
    """A forward pass, ready to be differentiated.

    Args:
        graph: the forward graph.
        typesetter: the letters and names to write with.
        sizes: the names of all sizes.
        timeout: seconds for a closed form, and for each stage of a derivation with the proofs of its steps.
    """

    def __init__(
        self,
        graph: Graph,
        typesetter: Typesetter,
        sizes: Iterable[str],
        origin: Origin = Origin(),
        timeout: float = SECONDS,
    ) -> None:
        self.graph = graph
        self.typesetter = typesetter
        self.origin = origin
        self.timeout = timeout
        self._sizes = set(sizes)

    @property
    def definitions(self) -> Mapping[str, Definition]:
        """The forward pass by name, in an order in which each definition uses only earlier ones; without the names of
        which nobody knows what they are."""
        return {d.name: d for d in self.graph.definitions if not is_stand_in(d)}

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What had to be taken for granted to read the forward pass."""
        return self.origin.assumptions

    @property
    def title(self) -> str:
        """The document's heading, or its name."""
        return self.origin.title or self.origin.path

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, expr: Expr, indices: Sequence[Symbol] = (), sizes: Sequence[Expr] = ()) -> Node:
        """An expression over the forward pass with the letters and names of the document."""
        return self.typesetter.node(expr, indices, sizes)

    def _definition(self, definition: Definition) -> tuple[Node, Node]:
        left, right = (
            self.write(side, definition.indices, definition.sizes) for side in (definition.entry(), definition.expr)
        )
        return left, right

    def __repr__(self) -> str:
        rows = (" = ".join(plain(side) for side in self._definition(d)) for d in self.graph.definitions)
        return f"<{type(self).__name__} {'; '.join(rows)}>"

    def _repr_latex_(self) -> str:
        """The forward pass, one definition a line."""
        rows = (" &= ".join(latex(side) for side in self._definition(d)) for d in self.graph.definitions)
        return r"$\displaystyle \begin{aligned} " + r" \\ ".join(rows) + r" \end{aligned}$"

    # -- derivatives -------------------------------------------------------------------------------------------------

    def gradient(self, name: str) -> Gradient:
        r"""The gradient of the loss by an input, a parameter or an intermediate.

        Args:
            name: as the document writes it without indices, with or without backslash: ``x``, ``\gamma``, ``gamma``.

        Raises:
            KeyError: the forward pass has no such name.
            GaveUp: no closed form of tolerable size was found.
            NoDerivative: the loss does not depend on the name in a way that is known.
        """
        self._refuse_open_names()
        key = self.key(name)
        by = entry(key, self.graph.indices_of(key))
        left = D(Symbol(self.graph.loss, real=True), by)
        staged = self._court.calculus.resolve(left, "total")
        form = self._court.compactor.closed_form(staged, self._deadline())
        return Gradient(left, form, self)

    def derivation(self, name: str) -> Derivation:
        """The derivation of a gradient, step by step; arguments and errors as for `gradient`."""
        self._refuse_open_names()
        return self._author.derivation(self.key(name), self.timeout)

    def exposition(self, wrt: Sequence[str] | None = None, *, ranges: bool = False) -> Exposition:
        """Derivations as syntax, ready to be printed by a report.

        Args:
            wrt: the names to differentiate by; all inputs but positive numbers (ε) without it.
            ranges: whether sums say what their index runs over.
        """
        names = self.differentiable() if wrt is None else wrt
        if not names:
            raise NoDerivative("nothing here can be differentiated: there is no forward pass with inputs")
        derivations = [self.derivation(name) for name in names]
        expositor = Expositor(self.graph, replace(self.typesetter, ranges=ranges))
        return expositor.exposition(self.origin.path, self.title, self.assumptions, derivations)

    def differentiable(self) -> tuple[str, ...]:
        """The inputs by which one differentiates: all but positive numbers, and those that the loss ignores."""
        graph = self.graph
        numbers = {name for name in graph.inputs if not graph.sizes_of(name) and name in graph.positive}
        return tuple(n for n in graph.inputs if n not in numbers | set(graph.selectors) and n in graph.reaching)

    def jvp(self, *names: str) -> Tangents:
        r"""How the outputs change with some inputs: their tangents, for tangents ``\dot{x}`` of these inputs.

        Args:
            names: the inputs or intermediates that change; all others stay as they are.

        Returns:
            the tangents by the names of the outputs (of the loss, where it is defined), in closed form.

        Raises:
            KeyError, GaveUp: as for `gradient`.
        """
        directions = {key: tangent_name(key) for key in map(self.key, names)}
        staged = pushforward(self.graph, directions)
        compactor = Compactor(self.graph, staged, self._positive, lambda name: name in staged)
        prover = Prover({**self.graph.by_name, **staged}, self._positive, self.graph.facts, self._deadline())

        def tangent(name: str) -> Tangent:
            left = staged[name].entry()
            form = compactor.closed_form(left, self._deadline())
            return Tangent(left, form, self, prover.equal(left, form.expr))

        outputs = (self.graph.loss,) if self.graph.has_loss else self.graph.outputs
        found = {output: tangent(tangent_name(output)) for output in outputs if tangent_name(output) in staged}
        stages = dict.fromkeys(name for each in found.values() for name in each.form.stages)
        return Tangents(found, tuple(map(tangent, stages)))

    def of(self, name: str) -> Model:
        """The same forward pass with another quantity to differentiate.

        A name without indices becomes the loss; of one with indices the loss is an unknown function.

        Raises:
            KeyError: the forward pass has no such name.
            NoDerivative: the name is an input.
        """
        key = self.key(name)
        if key not in self.graph.by_name:
            raise NoDerivative(f"{key} is an input: it has no derivative by other names")
        kept = tuple(d for d in self.graph.definitions if self.graph.depends(key, d.name) and d.name != self.graph.loss)
        if not self.graph.indices_of(key):
            graph = replace(
                self.graph, definitions=(*kept, self.graph.by_name[key]) if key == self.graph.loss else kept
            )
            graph = replace(graph, loss=key, outputs=())
        else:
            graph = replace(self.graph, definitions=kept, outputs=(key,))
        return Model(graph, self.typesetter, self._sizes, self.origin, self.timeout)

    def with_gradient(self, name: str, called: str | None = None, loss: str | None = None) -> Model:
        r"""The forward pass with a gradient as a further definition and the only output, to be differentiated again.

        The upstream gradient becomes an input like any other, under the document's name for it or ``\bar{y}``.

        Args:
            name: as for `gradient`.
            called: the name of the gradient in the new forward pass; ``\bar{x}`` without it.
            loss: the name of the unknown function of it that is differentiated next; a free letter without it.

        Raises:
            GraphError: the name is taken.
        """
        gradient = self.gradient(name)
        graph = extended(self._court, gradient.left, gradient.form, self.typesetter.upstream, called, loss)
        title = f"{self.title}: the gradient by {plain(self.write(gradient.left.args[1]))}"
        typesetter = replace(self.typesetter, upstream={})
        return Model(graph, typesetter, self._sizes, replace(self.origin, title=title), self.timeout)

    # -- kernels -------------------------------------------------------------------------------------------------------

    def kernel(self, target: Target = "numpy", wrt: Sequence[str] | None = None) -> RunningKernel:
        """The forward pass and its gradients as fast functions of arrays, proved before they are printed.

        Args:
            target: ``numpy``, ``c`` (needs a C compiler) or ``numba`` (needs numba).
            wrt: the names to differentiate by; all inputs but positive numbers (ε) without it.

        Raises:
            KeyError: the forward pass has no such name.
            NotLowerable: the forward pass has something that kernels do not.
        """
        from derive.kernels.kernel import running

        return running(self.program(wrt), target)

    def kernel_source(self, target: Target = "numpy", wrt: Sequence[str] | None = None) -> str:
        """The source of a kernel, proved; arguments and errors as for `kernel`, but nothing is compiled."""
        from derive.kernels.kernel import proved_source

        return proved_source(self.program(wrt), target)

    def program(self, wrt: Sequence[str] | None = None) -> Made:
        """The kernel before it is printed in a language; arguments as for `kernel`."""
        from derive.kernels.axes import NotLowerable
        from derive.kernels.make import default_wrt, make_kernel

        self._refuse_open_names()

        keys = default_wrt(self.graph) if wrt is None else tuple(map(self.key, wrt))
        if wrt is None and self.graph.definitions and not keys:
            raise NotLowerable("there is nothing to differentiate by")
        lines = {d.name: self._line(d.entry(), d.expr, d.indices, d.sizes) for d in self.graph.definitions}
        lines |= {f"∂{key}": self.gradient(key).text() for key in keys}
        return make_kernel(self.graph, self.title, keys, lines, self._sizes)

    def _line(self, left: Expr, right: Expr, indices: Sequence[Symbol], sizes: Sequence[Expr]) -> str:
        return " = ".join(plain(self.write(side, indices, sizes)) for side in (left, right))

    # -- machinery ---------------------------------------------------------------------------------------------------

    def key(self, name: str) -> str:
        """A name as the graph has it. Raises `KeyError` with the names that there are."""
        known = [*self.graph.by_name, *self.graph.inputs]
        for key in known:
            if name in (key, key.lstrip("\\")):
                return key
        raise KeyError(f"{name!r} is not in the forward pass; it has {', '.join(sorted(known))}")

    def _refuse_open_names(self) -> None:
        """Nothing is derived through what could not be read."""
        for name, uses in open_names(self.graph).items():
            hint = " and ".join(COMMENT.format(as_given(name, use)) for use in uses)
            raise NoDerivative(
                f"nothing says how {name} depends on {', '.join(uses) or 'the data'}: write what it is"
                + (f", or, if it does not, {hint}" if hint else "")
            )

    @property
    def _positive(self) -> frozenset[str]:
        return self.graph.positive | self._sizes

    @cached_property
    def _court(self) -> Court:
        return Court(self.graph, self._sizes)

    @cached_property
    def _author(self) -> Author:
        court = self._court
        letters = self.typesetter.letters
        return Author(self.graph, court.calculus, court.compactor, self._positive, letters)

    def _deadline(self) -> float:
        return time.monotonic() + self.timeout


@dataclass(frozen=True)
class _Form:
    """A derivative in closed form.

    Attributes:
        left: the derivative itself.
        form: the closed form with its reductions.
    """

    left: Expr
    form: ClosedForm
    problem: Model

    @property
    def closed_form(self) -> Expr:
        """The closed form as SymPy, over the names of the forward pass, of upstream gradients and of ``stages``."""
        return self.form.expr

    @property
    def reductions(self) -> tuple[Expr, ...]:
        """The sums that it needs."""
        return self.form.reductions

    @property
    def name(self) -> str:
        """The name that the derivative is about: by which the loss is differentiated, or that of the tangent."""
        return name_of(self._by)

    @property
    def _by(self) -> Expr:
        return self.left.args[1] if isinstance(self.left, D) else self.left

    def latex(self) -> str:
        """``left = right`` in LaTeX."""
        return " = ".join(latex(side) for side in self._sides())

    def text(self) -> str:
        """``left = right`` in one line of text."""
        return " = ".join(plain(side) for side in self._sides())

    def _sides(self) -> tuple[Node, Node]:
        sizes = self.problem.graph.sizes_of(name_of(self._by))
        left, right = (self.problem.write(side, indices_of(self._by), sizes) for side in (self.left, self.closed_form))
        return left, right

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What a notebook shows: LaTeX where it can, text elsewhere."""
        return {"text/plain": self.text(), "text/latex": self._repr_latex_()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.text()}>"


class Gradient(_Form):
    """A gradient in closed form: ``left`` is ``D(L, x[i])``."""

    @property
    def derivation(self) -> Derivation:
        """Stage by stage; it is made when it is first asked for."""
        return self.problem.derivation(self.name)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of all stages, each with what it was before and after, and whether it is proved."""
        return tuple(step for stage in self.derivation.stages for step in stage.steps)

    @property
    def stages(self) -> tuple[Gradient, ...]:
        """The gradients by intermediates that the closed form uses by name, each after those that it uses itself."""
        return tuple(self.problem.gradient(staged.partition("/∂")[2]) for staged in self.form.stages)

    @property
    def proved(self) -> bool:
        """Whether the normal form proves every step."""
        return all(stage.proved for stage in self.derivation.stages)

    def markdown(self) -> str:
        """The derivation as a Markdown document that `derive check` can read."""
        from derive.report.steps_markdown import render

        return render(self.problem.exposition([self.name], ranges=True))


@dataclass(frozen=True, repr=False)
class Tangent(_Form):
    r"""A tangent in closed form: ``left`` is ``\dot{y}[i]``, over the names of the forward pass and given tangents.

    Attributes:
        proved: whether the normal form proves it equal to the sum over all paths.
    """

    proved: bool = False


@dataclass(frozen=True)
class Tangents(Mapping[str, Tangent]):
    """The tangents of the outputs by name.

    Attributes:
        stages: the tangents of intermediates that they use by name.
    """

    outputs: Mapping[str, Tangent]
    stages: tuple[Tangent, ...] = ()

    def __getitem__(self, name: str) -> Tangent:
        return self.outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs)

    def __len__(self) -> int:
        return len(self.outputs)
