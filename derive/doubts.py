"""Doubts: why a line may not mean what derive took it for, though both judges agree on what derive took.

A derivation rests on more than the two sides of a line: on definitions that could not be read or are stated anew, on
steps of a recurrence, on data of which something is said elsewhere. Where a line has to do with any of that, it is left
open with the reason, lest a right line be called false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property

import sympy
from sympy import Expr, Symbol
from sympy.core.function import AppliedUndef

from derive.forward import Graph, names_in, quantities_in
from derive.language import D, is_unnamed, key_of, name_of, size
from derive.notation.functions import function_of
from derive.notation.roles import LABELLED
from derive.notation.table import SIZE_LETTERS
from derive.opaque import as_given, is_parameter, is_rest_of, is_slope, is_stand_in
from derive.problem import Pair, Problem
from derive.problem.problem import symmetrized


class Doubts:
    """What a document leaves open about the pairs that it claims to be equal.

    Attributes:
        redefined: names that a line gives another meaning, with that line.
        stated_anew: names that a line defines otherwise than another one, with that line.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.redefined: dict[str, int] = {}
        self.stated_anew: dict[str, int] = {}
        self._generic: dict[tuple[str, ...], Graph] = {}

    def graph_of(self, pair: Pair) -> Graph:
        """The forward pass that a pair speaks of. A loss that is differentiated by a name which it does not depend on
        is not the loss that the document defines, but any function of that name."""
        graph = self._supposed(pair)
        by = pair.variables_of(graph.loss)
        apart = tuple(name for name in by if name in graph.by_name and not graph.depends(graph.loss, name))
        if not graph.has_loss or not apart:
            return graph
        key = (*apart, *map(str, (*pair.values, *pair.known)))
        if key not in self._generic:
            kept = tuple(d for d in graph.definitions if d.name != graph.loss)
            self._generic[key] = replace(graph, definitions=kept, outputs=apart)
        return self._generic[key]

    def _supposed(self, pair: Pair) -> Graph:
        """The forward pass under what is supposed of its inputs: numbers for them, signs, symmetry."""
        graph = self.problem.graph
        if not pair.values and not pair.known:
            return graph
        key = ("supposed", *map(str, (*pair.values, *pair.known)))
        if key not in self._generic:
            symmetric = [name for name, known in pair.known if known == "symmetric"]
            positive = graph.positive | {name for name, known in pair.known if known == "positive"}
            put = dict(pair.values)
            definitions = tuple(
                replace(d, expr=symmetrized(d.expr.xreplace(put), symmetric)) for d in graph.definitions
            )
            self._generic[key] = replace(graph, definitions=definitions, positive=positive)
        return self._generic[key]

    def of_pair(self, pair: Pair) -> str:
        """Why neither judge could be believed on a pair: what it speaks of is not what derive knows."""
        met = self.reached(pair.names)
        twice = min(met & set(self.problem.table.unread) & self._defined, default="")
        if twice:
            return f"line {self.problem.table.unread[twice]}, which could not be read, says what {twice} is as well"
        loss = self.problem.graph.loss
        if self.problem.table.is_loss_open and self.problem.graph.has_loss and loss in met:
            return f"a line that could not be read says what {loss} is as well"
        if self._is_higher(pair) and any(map(is_parameter, met)):
            return "a second derivative through what could not be read"
        again = min(met & set(self.redefined), default="")
        if again:
            return f"line {self.redefined[again]} gives {again} another meaning"
        anew = min(met & set(self.stated_anew), default="")
        if anew:
            return f"line {self.stated_anew[anew]} defines {anew} otherwise"
        used = pair.names - self.problem.table.axes.sizes() - SIZE_LETTERS
        other = self._other_step(pair)
        if other:
            return other
        number = min(used & self.problem.table.ranks.numbers, default="")
        if number and pair.left.has(D):
            return f"nothing says whether {number} is a number or a matrix"
        apart = next((d for d in pair.derivatives if self._is_apart(d)), None)
        if apart is not None:
            return f"nothing says how {key_of(name_of(apart.args[1]))} comes into it"
        return next((reason for d in pair.derivatives if (reason := self._is_unsaid(pair, d))), "")

    def _is_unsaid(self, pair: Pair, derivative: Expr) -> str:
        """A derivative that is zero only for want of anything that says how its top depends on its bottom, in words."""
        graph, by = self.graph_of(pair), name_of(derivative.args[1])
        known = {name for d in graph.definitions for name in (d.name, *d.uses)}
        names = {name_of(q) for q in quantities_in(derivative.args[0]) if not q.is_integer}
        apart = not any(graph.depends(name, by) or graph.depends(by, name) for name in names)
        losses = {name for name in names if key_of(name) in LABELLED}  # of which nobody writes derivatives that are 0
        strange = names - self.problem.table.constants - (set(graph.by_name) - losses if by in known else set())
        if not apart or not names or graph.loss in names:
            return ""
        return f"nothing says how {key_of(min(strange))} depends on {key_of(by)}" if strange else ""

    def of_refutation(self, pair: Pair) -> str:
        """Why a pair that differs from the truth may not be false: it uses what nothing introduces, leaves a condition
        unsaid, or rests on what could not be read."""
        unknown = pair.unknown - self._variables(pair) - self._shaped(pair)
        if unknown:
            return f"nothing in the document says what {_listed(unknown)} is"
        if pair.restricted:
            return "claimed under a condition that derive does not use, and not true without it"
        reasons = (
            self._conditional, self._told, self._open, self._loss_value, self._undependent, self._unexplained,
            self._told_apart, self._unused_given, self._unrelated_outputs, self._carried, self._other_loss,
        )  # fmt: skip
        return next((reason for find in reasons if (reason := find(pair))), "")

    def _variables(self, pair: Pair) -> set[str]:
        """Names of which a pair uses nothing but derivatives by them, and that open names may depend on."""
        rest = (*pair.beside, *(d.args[0] for d in pair.derivatives))
        moving = {use for uses in self.problem.table.open.values() for use in uses}
        bottoms = {name_of(d.args[1]) for d in pair.derivatives}
        return (bottoms & moving).difference(*map(names_in, rest))

    def _shaped(self, pair: Pair) -> set[str]:
        """Arrays that the page declares: a gradient by one is a claim about any; without a derivative a line may be a
        condition on them."""
        return self.problem.table.ranks.shaped if pair.derivatives else set()

    def _told(self, pair: Pair) -> str:
        told = min(self._functions_of(pair) & set(self._told_of), default="")
        return f"derive does not use what line {self._told_of[told]} says of {told}" if told else ""

    def _open(self, pair: Pair) -> str:
        unread = "no proof found, and the definition of the loss could not be read"
        graph = self.problem.graph
        return unread if self.problem.table.is_loss_open and graph.loss in pair.names else ""

    def _loss_value(self, pair: Pair) -> str:
        """A loss that nothing defines, and whose value a line uses: no unknown loss then, but a quantity of its own."""
        loss = self.problem.graph.loss
        if self.graph_of(pair).has_loss:
            return ""
        used = any(loss in names_in(side) for side in pair.beside)
        return f"nothing says what {loss} is" if used else ""

    def leaves_open(self, pair: Pair) -> Callable[[str], bool]:
        """Which of the things that nobody knows of open names a refutation must not depend on: how they move, and what
        they are where a line that could not be read says it, as that may obey laws that nothing else tells."""
        table = self.problem.table
        lawful = {*table.unread, *table.renamed} if pair.derivatives else set(table.open)
        return lambda name: is_slope(name) or is_rest_of(name, lawful)

    def of_open_names(self, pair: Pair) -> str:
        """Why a pair that differs from the truth by way of open names is not refuted."""
        table = self.problem.table
        names = self.reached(pair.names) & set(table.open)
        unread = sorted(names & set(table.unread))
        if unread:
            return f"it hangs on {unread[0]}, whose definition in line {table.unread[unread[0]]} could not be read"
        renamed = min(names & set(table.renamed), default="")
        if renamed:
            return f"it hangs on {renamed}, which is called {table.renamed[renamed]}, and nothing says what that is"
        return "; ".join(
            f"nothing says how {key_of(name)} depends on {_listed(table.open[name])}" for name in sorted(names)
        )

    def hint_on_open_names(self, pair: Pair) -> str:
        """What to write where nothing says how names depend on others."""
        table = self.problem.table
        names = sorted(self.reached(pair.names) & set(table.open))
        comment = self.problem.document.comment
        facts = dict.fromkeys(as_given(name, use) for name in names for use in sorted(table.open[name]))
        given = [comment.format(fact) for fact in facts]
        return f"Write what it is, or, if it does not depend on that, add {' and '.join(given)}" if given else ""

    @staticmethod
    def _is_higher(pair: Pair) -> bool:
        return any(d.args[0].has(D) for d in pair.derivatives)

    @cached_property
    def _defined(self) -> set[str]:
        """The names with a definition that could be read."""
        return {d.name for d in self.problem.graph.definitions if not is_stand_in(d)}

    def _unexplained(self, pair: Pair) -> str:
        """A loss that the document neither defines nor differentiates by an output: it may be any special one."""
        graph = self.problem.graph
        if graph.has_loss or graph.loss not in pair.names:
            return ""
        loss = Symbol(graph.loss, real=True)
        by = {name_of(d.args[1]) for d in self.problem.derivatives if d.args[0] == loss}
        return "" if by & set(graph.outputs) else f"nothing says what {graph.loss} is"

    def is_guess(self, pair: Pair) -> bool:
        """Whether a gradient misses paths: something that it may go through could not be read, or has changed."""
        names = pair.names
        if self.reached(names) & {*self.redefined, *self.stated_anew}:
            return True
        return self.problem.graph.loss in names and self.problem.table.is_loss_open

    def has_kinks(self, pair: Pair) -> bool:
        """Whether a pair, or what it is made from, has maxima or absolute values: points can miss a side of them."""
        names = pair.names
        graph = self.graph_of(pair)
        made = [d.expr for d in graph.definitions if d.name in self.made_from(names) or graph.loss in names]
        return any(expr.has(sympy.Abs, sympy.Heaviside, sympy.sign) for expr in (pair.left, pair.right, *made))

    def brings_in(self, pair: Pair) -> set[str]:
        """The inputs that the right side of a pair is made from, and the left side is not."""
        left, right = self.made_from(names_in(pair.left)), self.made_from(names_in(pair.right))
        return right - left - set(self.problem.graph.by_name) - self.problem.table.axes.sizes()

    # -- what names are made from --------------------------------------------------------------------------------------

    def reached(self, names: Iterable[str]) -> set[str]:
        """Names with all that has to do with them; with the loss has all that leads to it."""
        met = self.made_from(names)
        return met | self.problem.graph.reaching if self.problem.graph.loss in met else met

    def made_from(self, names: Iterable[str]) -> set[str]:
        """Names with all that they are made from, through definitions that could be read and those that could not."""
        return self.problem.graph.made_from(names)

    def _functions_of(self, pair: Pair) -> set[str]:
        """The arbitrary functions that a pair is about."""
        reached = self.reached(pair.names)
        definitions = (self.problem.graph.by_name.get(name) for name in reached)
        return self._functions_in([pair.left, pair.right, *(d.expr for d in definitions if d is not None)])

    @staticmethod
    def _functions_in(exprs: Iterable[Expr]) -> set[str]:
        return {f.func.__name__.rstrip("'") for expr in exprs for f in expr.atoms(AppliedUndef)}

    # -- reasons -------------------------------------------------------------------------------------------------------

    def _other_step(self, pair: Pair) -> str:
        """Why a derivative hangs on steps of a recurrence that derive does not follow, in words."""
        table, graph = self.problem.table, self.problem.graph
        if not table.carried or not pair.derivatives:
            return ""
        known = {name for d in graph.definitions for name in (d.name, *d.uses)}
        steps = {step for step in table.letters.steps if any(name.endswith(f"_{step}") for name in table.carried)}
        beside = pair.names - known
        strange = min((name for name in beside if _is_of_step(name, steps)), default="")
        if strange:
            return f"derive does not follow the recurrence to {strange}"
        earlier = {f"{name.removesuffix(step)}{{{step}-1}}" for name in table.carried for step in steps}
        for derivative in pair.derivatives:
            of, by = names_in(derivative.args[0]), name_of(derivative.args[1])
            shared = by in earlier or not (by in graph.by_name or _is_of_step(by, steps))
            if shared and graph.loss in of and table.is_loss_open:
                return f"the loss could not be read, and other steps use {by} too"
            if by not in earlier and shared and graph.loss not in of - earlier and earlier & self.made_from(of):
                return f"other steps use {by} too, which derive does not follow"
        return ""

    def _is_apart(self, derivative: Expr) -> bool:
        """Whether a derivative is by a name that was defined and never used, such as an abbreviation on the way."""
        of, by = derivative.args[:2]
        graph, name = self.problem.graph, name_of(by)
        if name not in graph.by_name or name in graph.consumers or of.has(D):
            return False
        return graph.loss not in names_in(of) and name not in self.made_from(names_in(of))

    def _conditional(self, pair: Pair) -> str:
        """What a line demands of the data, where it is no claim about what follows from definitions.

        Its sides have nothing to do with each other, or are data on one side and a number on the other.
        """
        if pair.derivatives:
            return ""
        inputs, met = [], set()
        for side in (pair.left, pair.right):
            found = self.made_from(names_in(side)) - self.problem.table.axes.sizes()
            met |= found & set(self.problem.graph.by_name)
            inputs.append(found - set(self.problem.graph.by_name) | self._functions_in([side]))
        alone = [sorted(inputs[0] - inputs[1]), sorted(inputs[1] - inputs[0])]
        if all(alone) and all(is_unnamed(size(name)) for name in (*alone[0], *alone[1])):
            return "nothing says that the arrays in it have the same sizes"
        if all(alone):
            return f"nothing says how {key_of(alone[0][0])} and {key_of(alone[1][0])} are related"
        if not met and any(inputs) and not all(inputs):
            return f"a condition on {_listed(alone[0] + alone[1])}, which derive does not use"
        return ""

    @cached_property
    def _told_of(self) -> dict[str, int]:
        """Arbitrary functions whose derivative a line gives, ``\\phi'(z) = 1 - \\phi(z)^2``, with that line."""
        found: dict[str, int] = {}
        for equation in self.problem.equations:
            call = function_of(equation.members[0]) if equation.relations else None
            if call is not None and call.head.endswith("'") and self.problem.table.is_any_function(call.head):
                found.setdefault(call.head.rstrip("'"), equation.line)
        return found

    def _undependent(self, pair: Pair) -> str:
        """A derivative in a pair by a name that what it differentiates does not depend on, in words."""
        graph = self.graph_of(pair)
        for d in sorted(pair.derivatives, key=str):
            by, names = name_of(d.args[1]), names_in(d.args[0])
            free = graph.loss in names and not graph.has_loss
            held = names <= self.problem.table.constants
            if not free and not held and not any(graph.depends(name, by) for name in names):
                return f"nothing says how {key_of(min(names, default=''))} depends on {key_of(by)}"
        return ""

    def _told_apart(self, pair: Pair) -> str:
        """A name that the forward pass knows with another number of indices only: what it is here, nothing says."""
        used = {name for d in self.graph_of(pair).definitions for name in (d.name, *d.uses)}
        keys = {key_of(name) for name in used}
        strange = (key_of(name) for name in pair.names - used)
        apart = min((key for key in strange if key in keys), default="")
        return (
            f"nothing says that {apart}, which has other indices in the forward pass, is a part of it" if apart else ""
        )

    def _unused_given(self, pair: Pair) -> str:
        """A given that could not be used and speaks of what a pair is made from."""
        unused, names = self.problem.table.unused, pair.names
        met = set(unused) if self.problem.graph.loss in names else set(unused) & self.made_from(names)
        line = min((unused[name] for name in met), default=None)
        return f"no proof found without what line {line} gives, which derive cannot use" if line is not None else ""

    def _unrelated_outputs(self, pair: Pair) -> str:
        """A loss that nothing defines is differentiated by two ends of the forward pass, or by what both use.

        That it is any function of both is a guess: one of them may be a remark, or a part of the other written anew.
        """
        graph = self.graph_of(pair)
        by = pair.variables_of(graph.loss)
        if graph.has_loss or self.problem.table.carried:
            return ""
        ends = {a for a in graph.outputs if not any(b != a and graph.depends(b, a) for b in graph.outputs)}
        several = len(by & ends) > 1 or any(sum(graph.depends(end, name) for end in ends) > 1 for name in by)
        unsaid = "no proof found, and nothing says how the outputs that it differentiates by depend on each other"
        return unsaid if several else ""

    def _other_loss(self, pair: Pair) -> str:
        """A loss that is differentiated by what its definition does not depend on, where another line says what it is
        as well."""
        loss = self.problem.graph.loss
        if self.graph_of(pair).has_loss == self.problem.graph.has_loss or not self._losses:
            return ""
        return f"line {self._losses[0]} says what {loss} is as well"

    @cached_property
    def _losses(self) -> list[int]:
        """Lines that say what the loss is beside its definition."""
        table = self.problem.table
        claims = (e for e in self.problem.equations if e.role == "claim" and e.relations[:1] == ("=",) and e.members)
        spelled = ((e, table.spell(e.members[0])) for e in claims)
        return [e.line for e, name in spelled if name is not None and name.key == table.loss and name.power is None]

    def _carried(self, pair: Pair) -> str:
        """A name that a pair differentiates the loss by, and that other steps of a recurrence use."""
        by = pair.variables_of(self.problem.graph.loss)
        carried = min(by & self.problem.table.carried, default="")
        return f"other steps use {carried} too, which derive does not follow" if carried else ""


def _is_of_step(name: str, steps: set[str]) -> bool:
    """Whether a name carries the letter of a recurrence: ``h_t``, ``h_{t-1}``."""
    return any(name.endswith(f"_{step}") or f"_{{{step}" in name for step in steps)


def _listed(names: Iterable[str]) -> str:
    """Names as the document writes them, sorted."""
    return ", ".join(sorted({key_of(name) for name in names}))
