"""A document's mathematics put together: symbol table, forward graph, equations."""

from derive.problem.problem import Assumption, Pair, Problem, Sides

__all__ = ["Assumption", "Pair", "Problem", "Sides"]
