"""A forward graph with all that is needed to prove something of it: its derivatives, and a prover that knows both."""

from __future__ import annotations

from collections.abc import Mapping

from derive.closed import Compactor
from derive.forward import Definition, Graph
from derive.gradient import Calculus
from derive.normal.prover import Prover


class Court:
    """A forward graph with its derivatives and a prover that knows both."""

    def __init__(self, graph: Graph, sizes: set[str]) -> None:
        self.graph = graph
        self.calculus = Calculus(graph)
        positive = graph.positive | sizes
        definitions = _Definitions(graph.by_name, self.calculus.staged)
        self.prover = Prover(definitions, positive, graph.facts, indicators=graph.indicators)
        self.compactor = Compactor(graph, self.calculus.staged, frozenset(positive))


class _Definitions(dict[str, Definition]):
    """Forward definitions and staged derivatives looked up as one mapping, also those staged later."""

    def __init__(self, forward: Mapping[str, Definition], staged: Mapping[str, Definition]) -> None:
        super().__init__(forward)
        self._staged = staged

    def __missing__(self, name: str) -> Definition:
        return self._staged[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._staged
