"""Definitions read one after the other, each after those that it uses, and facts that were given."""

from __future__ import annotations

import sympy

from derive.forward import Definition
from derive.language import D, index, indices_of, name_of, scalar
from derive.latex import syntax as S
from derive.latex.syntax import span_of
from derive.notation import quantities
from derive.notation.elaborate import Elaborator
from derive.notation.equations import Equation
from derive.notation.names import letter_of
from derive.notation.survey import summed_letters
from derive.notation.table import Name
from derive.notation.values import ShapeError, Value
from derive.problem.draft import Draft
from derive.problem.problem import settle
from derive.source import SourceError


def define_all(draft: Draft) -> None:
    """Elaborate the definitions, each after those that it uses."""
    waiting = {e.defines: e for e in draft.equations if e.defines in draft.table.defined}
    done: set[Name] = set()
    for target in list(waiting):
        _define_in_order(draft, target, waiting, done)
    for equation in draft.equations:
        if equation.role == "given" and equation.defines is None:
            _take_given(draft, equation)


def _define_in_order(draft: Draft, start: Name, waiting: dict[Name, Equation], done: set[Name]) -> None:
    """Depth first, without recursion, so that a long chain of definitions is no deeper than a short one."""
    path: list[Name] = []
    stack: list[tuple[Name, bool]] = [(start, False)]
    while stack:
        target, finished = stack.pop()
        if finished:
            path.pop()
            if target not in done:
                done.add(target)
                _define_one(draft, waiting[target], target)
        elif target in path:
            _fail_circle(draft, waiting[target], path[path.index(target) :])
            done.add(target)
        elif target not in done:
            path.append(target)
            stack.append((target, True))
            used = {s.key for s in draft.classifier.spellings(waiting[target].value)}
            stack.extend((other, False) for other in reversed(waiting) if other[0] in used and other != target)


def _fail_circle(draft: Draft, equation: Equation, path: list[Name]) -> None:
    circle = " uses ".join(key for key, _ in (*path, path[0]))
    error = SourceError(f"the definitions go in a circle: {circle}", equation.span)
    _leave_open(draft, equation, path[0], error)


def _define_one(draft: Draft, equation: Equation, target: Name) -> None:
    errors = []
    for policy in draft.policies():
        elaborator = Elaborator(draft.table, dict(equation.axes), policy, True)
        try:
            definition = _read_definition(draft, equation, target, elaborator)
            break
        except SourceError as error:
            errors.append(error)
    else:
        if target[0] == draft.table.loss:
            equation.error = errors[0]
            draft.table.defined.discard(target)
            draft.table.is_loss_open = True
        else:
            _leave_open(draft, equation, target, errors[0])
        return
    if definition is None:
        _define_alias(draft, equation, target)
        return
    draft.table.inputs |= elaborator.unknown
    draft.table.uses[definition.name] = tuple(sorted(definition.uses))
    draft.definitions.append(definition)


def _leave_open(draft: Draft, equation: Equation, target: Name, error: SourceError) -> None:
    """Keep a name whose definition cannot be read as some function of the names in it."""
    used = {draft.table.name(s.key, len(s.indices)) for s in draft.classifier.spellings(equation.value)}
    draft.leave_open(equation, target, used, error)


def _read_definition(draft: Draft, equation: Equation, target: Name, elaborator: Elaborator) -> Definition | None:
    """The definition that an equation is under a policy; None for a name of an expression with derivatives."""
    if (chosen := _chosen(equation)) is not None:
        raise SourceError("a sum over the entries for which a condition holds", chosen.span)
    used = {s.key for s in draft.classifier.spellings(equation.value)}
    for wrong in sorted(used & set(draft.table.misdeclared)):
        raise SourceError(draft.table.misdeclared[wrong], span_of(equation.value))
    left = _left_value(draft, equation, target, elaborator)
    right = settle(elaborator.value(equation.value), left, elaborator, draft.table)
    settled = settle(left, left, elaborator, draft.table)
    if len(set(indices_of(settled.expr))) == len(indices_of(settled.expr)):
        left = settled  # else two axes of one size are two all the same
    return None if right.expr.has(D) else _definition(draft, left, right, equation)


def _chosen(equation: Equation) -> Equation | None:
    """What the words around a definition demand of the entries that it sums: *where $y_i = 1$*."""
    summed = summed_letters(equation.value.walk())
    for said in (s.equation for s in equation.suppositions if s.equation is not None and s.equation.members):
        name = said.members[0]
        below = name.sub.walk() if isinstance(name, S.Script) and name.sub is not None else ()
        if said.relations == ("=",) and any(letter_of(node) in summed for node in below):
            return said
    return None


def _left_value(draft: Draft, equation: Equation, target: Name, elaborator: Elaborator) -> Value:
    node = draft.classifier.joined(equation.members[next(iter(equation.names))])
    spelled = draft.table.spell(node)
    assert spelled is not None
    if spelled.indices:
        return quantities.entry(elaborator, spelled, node)
    key, count = target
    if draft.table.total(key, 0):
        return quantities.array(elaborator, key)
    if count:
        raise SourceError(f"derive cannot tell which of the subscripts of {key} are indices", span_of(node))
    return Value(scalar(key))


def _define_alias(draft: Draft, equation: Equation, target: Name) -> None:
    """A definition by derivatives names an expression; it is no stage of the forward pass."""
    draft.classifier.set_alias(target, equation.members[next(iter(equation.names))], equation.value)
    draft.table.defined.discard(target)


def _definition(draft: Draft, left: Value, right: Value, equation: Equation) -> Definition:
    """The definition with the left side's indices, implicit ones given letters."""
    try:
        if len(right.slots) > len(left.slots):
            raise ShapeError
        first, second, slots = draft.table.shapes.align(left, right)
    except ShapeError:
        raise SourceError("the two sides have different axes", span_of(equation.value)) from None
    taken = {s.name for s in first.free_symbols | second.free_symbols if s not in {slot.symbol for slot in slots}}
    letters = {s.symbol: index(_letter(k, taken)) for k, s in enumerate(slots)}
    indices = tuple(i.xreplace(letters) for i in indices_of(first))
    key, count = equation.defines or ("", 0)
    sizes = tuple(axis.size for axis in draft.table.axes_of(key, count))
    if len(sizes) != len(set(indices)):
        raise SourceError("derive cannot tell how many axes this has", span_of(equation.value))
    return Definition(name_of(first), indices, sizes, second.xreplace(letters))


def _take_given(draft: Draft, equation: Equation) -> None:
    """A given that defines nothing: equal sizes and aliases are known already; a sum with a value is a fact."""
    name = draft.table.spell(draft.classifier.left(equation)) if equation.members else None
    known = name is not None and any(key == name.key for key, _ in draft.table.aliases)
    if equation.relations[:1] != ("=",) or known or draft.classifier.target(equation) is not None:
        return
    elaborator = Elaborator(draft.table, dict(equation.axes))
    try:
        if equation.members[1] == S.Number("0") and isinstance(elaborator.value(equation.members[0]).expr, D):
            return  # of what a name does not depend on: see `derive.problem.dependences`
        left, right = (elaborator.scalar(m) for m in equation.members[:2])
    except SourceError as error:
        _leave_unused(draft, equation, error)
        return
    if isinstance(left, sympy.Sum):
        draft.facts.append((left, right))
        draft.table.inputs |= elaborator.unknown
    else:
        _leave_unused(draft, equation, SourceError("derive cannot use this given", equation.span))


def _leave_unused(draft: Draft, equation: Equation, error: SourceError) -> None:
    """Keep what a given speaks of: nothing about that is refuted without it."""
    equation.error = error
    for spelled in (s for member in equation.members for s in draft.classifier.spellings(member)):
        if not draft.table.is_size(spelled.key):
            draft.table.unused.setdefault(draft.table.name(spelled.key, len(spelled.indices)), equation.line)


def _letter(k: int, taken: set[str]) -> str:
    """A free letter for the k-th implicit index."""
    letters: tuple[str, ...] = (*"ijklmnpq", *(f"i_{{{n}}}" for n in range(k + 1)))
    return [letter for letter in letters if letter not in taken][k]
