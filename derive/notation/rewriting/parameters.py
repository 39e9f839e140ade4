"""Functions of one sample or one entry: ``h_\\theta(x^{(i)})``, whether or not the document has ``h_\\theta(x)``.

A function that is only ever called with entries of one array is a value with that array's index: ``f(x^{(i)})`` is
``f^{(i)}``. Where the function is defined for a number or a vector ``x`` and called with entries of an array ``x``, the
argument of its definition is a name of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, mapped, rebuilt, span_of
from derive.notation.functions import call_of, function_of, is_customary, pairs
from derive.notation.names import Letters, letter_of, spell, symbol_key
from derive.notation.survey import bound_letters

_PLAIN = Letters()
_CUSTOMARY = frozenset("ijk")
Members = tuple[Node, ...]


@dataclass(frozen=True)
class _Entry:
    """An array's name with how its index is written: below, or above in brackets."""

    array: str
    place: str
    letter: str = field(compare=False)


def _entry(node: Node) -> _Entry | None:
    """The entry that a node is, with one letter for its index."""
    if not isinstance(node, S.Script) or node.primes:
        return None
    name = spell(node.base, _PLAIN)
    if name is None or (node.sub is None) == (node.sup is None):
        return None
    if node.sub is not None:
        letter = letter_of(node.sub)
        return _Entry(name.key, "below", letter) if letter is not None else None
    letter = letter_of(node.sup.body) if isinstance(node.sup, S.Group) and node.sup.opening == "(" else None
    return _Entry(name.key, "above", letter) if letter is not None else None


def _calls(members: Members) -> Iterator[tuple[str, Node]]:
    """The head and the argument of each call of one argument."""
    for node in (node for member in members for node in member.walk()):
        if isinstance(node, S.Product):
            for head, group, operator in pairs(node):
                call = call_of(head, group) if not operator else None
                if call is not None and isinstance(call.node, S.Group):
                    yield call.head, call.node.body


# -- calls that are entries --------------------------------------------------------------------------------------------


def with_entries(chains: list[Members]) -> list[Members]:
    """The chains with ``f(x^{(i)})`` as ``f^{(i)}``, for each f that an equation defines so and nothing else calls."""
    bound = _bound(chains) | _CUSTOMARY
    heads = {head: entry for members in chains for head, entry in _defined(members, bound)}
    for members in chains:
        for head, argument in _calls(members):
            if heads.get(head.rstrip("'")) != (None if head.endswith("'") else _entry(argument)):
                heads.pop(head.rstrip("'"), None)
    if not heads:
        return chains
    return [tuple(rebuilt(m, lambda node: _with_index(node, heads)) for m in members) for members in chains]


def _bound(chains: list[Members]) -> frozenset[str]:
    nodes = (node for members in chains for member in members for node in member.walk())
    lowers = (node.lower for node in nodes if isinstance(node, S.BigOperator) and node.lower is not None)
    return frozenset(letter for lower in lowers for letter in bound_letters(lower))


def _defined(members: Members, bound: frozenset[str]) -> Iterator[tuple[str, _Entry]]:
    """The head of the call that is a side of an equation, where its argument is an entry."""
    for member in members[:-1]:
        if isinstance(member, S.Product) and len(member.factors) == 2 and member.operators == ("",):
            call = call_of(*member.factors)
            entry = _entry(call.node.body) if call is not None and isinstance(call.node, S.Group) else None
            if call is None or entry is None or entry.letter not in bound or is_customary(call.head):
                continue
            if not call.head.endswith("'"):  # a derivative is never defined by its entry alone
                yield call.head, entry


def _with_index(node: Node, heads: dict[str, _Entry]) -> Node:
    if not isinstance(node, S.Product):
        return node
    factors, operators = [node.factors[0]], []
    for head, group, operator in pairs(node):
        call = call_of(head, group) if not operator else None
        if call is not None and call.head in heads and factors[-1] is head:
            factors[-1] = _moved(head, group, call.node)
        else:
            factors.append(group)
            operators.append(operator)
    return factors[0] if len(factors) == 1 else replace(node, factors=tuple(factors), operators=tuple(operators))


def _moved(head: Node, group: Node, bracket: Node) -> Node:
    """The head with the index of its argument; what stands behind the bracket is behind the whole."""
    assert isinstance(bracket, S.Group) and isinstance(bracket.body, S.Script)
    argument, span = bracket.body, span_of(head).join(span_of(group))
    index = argument.sup if isinstance(argument.sup, S.Group) else S.Group("(", argument.sub or S.Empty(), span)
    entry: Node = S.Script(head, None, index, 0, span)
    if isinstance(group, S.Script):
        return S.Script(entry, group.sub, group.sup, group.primes, span)
    return S.Decoration("value", entry, None, span)


# -- arguments of definitions ------------------------------------------------------------------------------------------


def with_parameters(chains: list[Members]) -> list[Members]:
    """The chains with the argument of such a definition under a name of its own, wherever it stands for that."""
    calls = [(head, argument) for members in chains for head, argument in _calls(members)]
    bare = {(head, spelled.key) for head, argument in calls if (spelled := spell(argument, _PLAIN)) is not None}
    for head, argument in dict.fromkeys(calls):
        entry, head = _entry(argument), head.rstrip("'")
        if entry is None or (head, entry.array) not in bare or is_customary(head):
            continue
        chains = [
            tuple(_renamed(m, entry.array, _own_name(entry.array, head)) for m in members)
            if _stands_for_argument(members, head, entry)
            else members
            for members in chains
        ]
    return chains


def with_local_parameters(chains: list[Members]) -> list[Members]:
    """The chains with the parameter of a function under a name of its own in the function's definition, where data
    with indices have the same letter and the function is called with something else."""
    calls = {(head, argument) for members in chains for head, argument in _calls(members)}
    return [
        _localised(members, calls, [m for other in chains if other is not members for m in other]) for members in chains
    ]


def _localised(members: Members, calls: set[tuple[str, Node]], others: list[Node]) -> Members:
    call = function_of(members[0]) if members else None
    if call is None or len(call.arguments) != 1 or call.sub is not None or is_customary(call.head):
        return members
    (parameter,) = call.arguments
    called = any(head == call.head and _key(argument) != parameter for head, argument in calls)
    indexed = any(
        isinstance(n, S.Script) and n.sub is not None and _key(n.base) == parameter for m in others for n in m.walk()
    )
    own = any(
        isinstance(n, S.Script) and n.sub is not None and _key(n.base) == parameter for m in members for n in m.walk()
    )
    if not called or not indexed or own:
        return members
    return tuple(_renamed(m, parameter, _own_name(parameter, call.head)) for m in members)


def _stands_for_argument(members: Members, head: str, entry: _Entry) -> bool:
    """Whether an equation has the function, and the array's name without an index of that kind."""
    nodes = [node for member in members for node in member.walk()]
    heads = any(isinstance(n, S.Symbol | S.Accent | S.Script) and _key(n) == head for n in nodes)
    return heads and not any(_has_index(n, entry) for n in nodes)


def _has_index(node: Node, entry: _Entry) -> bool:
    if not isinstance(node, S.Script) or _key(node.base) != entry.array:
        return False
    if entry.place == "below":
        return node.sub is not None
    return isinstance(node.sup, S.Group)


def _key(node: Node) -> str:
    spelled = spell(node, _PLAIN)
    return spelled.key.rstrip("'") if spelled is not None and spelled.power is None else ""


def _own_name(array: str, head: str) -> str:
    return f"{array}_{{{head}}}"


def _renamed(node: Node, old: str, new: str) -> Node:
    if isinstance(node, S.Symbol):
        return S.Symbol(new, "", node.span) if symbol_key(node) == old else node
    return mapped(node, lambda child: _renamed(child, old, new))
