"""From equations to a problem: axes, ranks, definitions, roles, the forward graph."""

from __future__ import annotations

import re

from derive.caches import forget
from derive.document import Document
from derive.forward import Graph
from derive.latex import syntax as S
from derive.notation.axes import Axes
from derive.notation.equations import Equation, equations
from derive.notation.functions import vague_functions
from derive.notation.ranks import Ranks
from derive.notation.rewriting.auxiliaries import auxiliaries, with_auxiliaries
from derive.notation.rewriting.bold import in_bold, with_plain_vectors
from derive.notation.rewriting.counts import named_products, with_primes, with_products
from derive.notation.rewriting.einstein import announces, with_sums
from derive.notation.rewriting.implicit import solved
from derive.notation.rewriting.layers import other_layers
from derive.notation.rewriting.stages import named_stages, with_names, with_variables
from derive.notation.rewriting.vectors import with_length
from derive.notation.suppositions import suppose, suppose_parameters
from derive.notation.survey import is_quotient, survey
from derive.notation.table import Table
from derive.problem.adjoints import adopt_adjoints
from derive.problem.classification import Classifier
from derive.problem.constraints import adopt_constraints
from derive.problem.definitions import define_all
from derive.problem.draft import Draft
from derive.problem.logarithms import adopt_logarithms
from derive.problem.outline import build_graph
from derive.problem.problem import Problem
from derive.problem.roots import adopt_roots
from derive.problem.shapes import find_loss_name, infer_ranks, join_axes
from derive.problem.spoken import Spoken, heed, with_spoken
from derive.problem.stacks import adopt_capitals
from derive.problem.upstream import assume_upstream


def read_problem(document: Document, as_vectors: frozenset[str] = frozenset()) -> Problem:
    """All of a document's mathematics. What cannot be read is kept with its error; nothing is raised for it.

    Args:
        as_vectors: names that are read as vectors, where the page leaves that open.
    """
    forget()
    spoken = with_spoken(document)
    written = equations(spoken.document)
    found, functions = [e for e in written.equations if not e.spoken], written.functions
    suppose(document, found, written.restrictions)
    suppose_parameters(found, spoken.constants)
    readable = [e for e in written.equations if e.error is None and e.members and not e.ignored]
    said = [e for e in readable if e.given and announces(e.members)]
    if said:
        readable = [e for e in readable if e not in said]
        for equation in said:
            equation.role = "note"
        for equation in readable:
            equation.members = with_sums(equation.members)
    named = auxiliaries(e.members for e in readable if e.lead == "let" and e.relations == ("=",))
    for equation in readable:
        equation.members = with_auxiliaries(equation.members, named) if named else equation.members
        if equation.relations == ("=",) and (length := with_length(equation.members)) is not None:
            equation.members, equation.relations = length, ("\\in",)
            equation.written_relations = ("=",)
    listed = {argument for found in functions.values.values() for argument in found}
    chains, vectors = with_plain_vectors([e.members for e in readable], listed)
    chains = with_primes(with_products(chains))
    bold = {written: letter for letter in vectors for written in in_bold(letter)}
    arguments = {name: tuple(bold.get(a, a) for a in found) for name, found in functions.values.items()}
    chains = with_variables(chains, arguments)
    chains = solved(chains)
    for equation, members in zip(readable, chains, strict=True):
        equation.members = members
    layers = _copy_layers(readable)
    staged = _name_stages(readable)
    words = _words(document)
    letters = survey([e.statement() for e in readable], words)
    ranks = Ranks(letters, {}, functions=functions.aliases, hidden={(name, 0): 1 for name in sorted(as_vectors)})
    table = Table(letters, Axes(letters), ranks, lambda text: None, words=words)
    table.arguments, table.functions = arguments, functions.aliases
    problem = Problem(document, table, Graph(()), found, {})
    table.tell = problem.tell
    table.axes.products = dict(named_products(chains))
    table.axes.tell = lambda text: problem.assume([text], None)
    problem.assume(written.told, None)
    for text, line in spoken.told:
        problem.assume([text], line)
    problem.assume([f"{letter} with an index is an entry of the vector {letter}" for letter in vectors], None)
    for line in layers:
        problem.assume(["what this line says of a layer holds for the layers beside it"], line)
    for name, line in staged:
        problem.assume([f"{name} is the expression in brackets that this line differentiates by"], line)
    if said:
        problem.assume(["a letter that stands twice in a term is summed over, as given"], said[0].line)
    _build(Draft(problem, readable, Classifier(table, readable), written.restrictions), spoken)
    return problem


def _words(document: Document) -> frozenset[str]:
    """The words of a document's text."""
    return frozenset(re.findall(r"[^\W\d_]+", " ".join(source.text.lower() for source in document.sources)))


def _name_stages(readable: list[Equation]) -> list[tuple[str, int]]:
    """Name the expressions that equations differentiate by, with an equation for each; the names with their lines."""
    names = [e for e in readable if len(e.members) > 1]
    for equation, members in zip(names, with_names([e.members for e in names]), strict=True):
        equation.members = members
    chains, stages = named_stages([e.members for e in readable], _symbols(readable))
    for equation, members in zip(readable, chains, strict=True):
        equation.members = members
    found = []
    for name, body in stages:
        place = next(e for e in readable if any(n == S.Symbol(name) for m in e.members for n in m.walk()))
        readable.insert(0, Equation(place.source, place.span, (S.Symbol(name), body), ("=",), given=True))
        found.append((name, place.line))
    return found


def _copy_layers(readable: list[Equation]) -> list[int]:
    """Add the definitions of a layer for the layers beside it that are used; the lines of those definitions."""
    definitions = {k for k, equation in enumerate(readable) if _may_define(equation)}
    copies = other_layers([e.members for e in readable], definitions)
    for origin, members in copies:
        one = readable[origin]
        readable.append(Equation(one.source, one.span, members, ("=",), given=True))
    return sorted({readable[origin].line for origin, _ in copies})


def _may_define(equation: Equation) -> bool:
    """Whether an equation has no derivatives, or says only that its left side is one."""
    if equation.relations != ("=",):
        return False
    derived = any(n == S.Symbol("\\partial") for m in equation.members for n in m.walk())
    return not derived or is_quotient(equation.members[1])


def _symbols(equations: list[Equation]) -> set[str]:
    return {n.name for e in equations for m in e.members for n in m.walk() if isinstance(n, S.Symbol)}


def _build(draft: Draft, spoken: Spoken) -> None:
    """The steps, each on what those before it found."""
    draft.classifier.count_indices(draft.equations)
    draft.classifier.count_across_layers()
    draft.classifier.count_lost_indices(draft.equations)
    known = {*draft.table.functions, *draft.table.arguments}
    draft.table.vague = vague_functions((e.members for e in draft.equations), known)
    find_loss_name(draft)
    adopt_logarithms(draft)
    adopt_adjoints(draft)
    adopt_capitals(draft)
    adopt_roots(draft)
    adopt_constraints(draft)
    draft.classifier.classify()
    infer_ranks(draft)
    heed(draft, spoken)
    join_axes(draft)
    define_all(draft)
    assume_upstream(draft)
    build_graph(draft)
    draft.problem.assume(draft.problem.heard(), None)
    for equation in draft.equations:
        if equation.sentence:
            draft.problem.assume(["the condition in the sentence before it holds"], equation.line)
