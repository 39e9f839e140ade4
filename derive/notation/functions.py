"""Functions that a document defines, and names that it writes with their arguments.

``\\text{softmax}(z)_j = ...`` used with no other argument is a name with an index, ``\\sigma(x) = ...`` used with other
arguments a function. The first kind loses its argument here, before anything else is read; the second is kept with its
parameters and expanded where it is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from derive.latex import syntax as S
from derive.latex.constructs import FUNCTIONS
from derive.latex.syntax import Node, mapped, rebuilt, span_of
from derive.notation.names import PARTIALS, Letters, Spelling, spell, symbol_key

_PLAIN = Letters()


@dataclass(frozen=True)
class FunctionAlias:
    """A function that the document defines: its parameters' names, its index letters, its right-hand side."""

    parameters: tuple[str, ...]
    letters: tuple[str, ...]
    body: Node


@dataclass(frozen=True)
class Call:
    """``head(arguments)_sub``: where a name stands before a bracket of names."""

    head: str
    arguments: tuple[str, ...]
    node: Node
    sub: Node | None = None


def call_of(head: Node, group: Node) -> Call | None:
    """The call that a name and the bracket after it make, whatever the arguments are."""
    sub = None
    if isinstance(group, S.Script) and not group.primes:
        sub, group = group.sub, group.base
    spelled = spell(head, _PLAIN)
    if (
        spelled is None
        or spelled.power is not None
        or not isinstance(group, S.Group)
        or group.opening not in ("(", "[")
    ):
        return None
    return Call(spelled.key, tuple(argument_keys(group.body)), group, sub)


def _bare_call(node: S.Apply) -> Call | None:
    """``\\cos \\theta``: a call without its brackets. A logarithm's argument is what it is taken of."""
    if not isinstance(node.argument, S.Symbol) or node.function.name in ("\\log", "\\ln", "\\exp"):
        return None
    return Call(symbol_key(node.function), (symbol_key(node.argument),), node.argument)


def argument_keys(body: Node) -> Iterator[str]:
    """The names in an argument list; an argument that is no bare name counts as ``""``."""
    items = body.items if isinstance(body, S.Sequence) else (body,)
    for item in items:
        spelled = spell(item, _PLAIN)
        yield spelled.key if spelled is not None and spelled.power is None else ""


def function_of(left: Node) -> Call | None:
    """The call on the left side of an equation that defines a function."""
    if isinstance(left, S.Product) and len(left.factors) == 2 and left.operators == ("",):
        if isinstance(left.factors[1], S.Script) and left.factors[1].sup is not None:
            return None  # f(x)^2 = ... says what the square is
        call = call_of(left.factors[0], left.factors[1])
    elif isinstance(left, S.Apply) and left.sup is None and left.sub is None:
        call = call_of(left.function, left.argument) or _bare_call(left)
    else:
        return None
    return call if call is not None and all(call.arguments) else None


@dataclass(frozen=True)
class Functions:
    """What a document writes with arguments.

    Attributes:
        values: names that lose their argument list, with it: calls with any other list stay calls.
        aliases: functions to expand where they are called with other arguments.
    """

    values: dict[str, tuple[str, ...]]
    aliases: dict[str, FunctionAlias]


def find_functions(chains: list[tuple[Node, ...]]) -> Functions:
    """The functions that equations, given as chains of members, define; the first definition counts."""
    values: dict[str, tuple[str, ...]] = {}
    aliases: dict[str, FunctionAlias] = {}
    for members in chains:
        for member, value in pairwise(members):
            call = function_of(member)
            if call is None or call.head.endswith("'"):
                continue  # what a derivative is follows from the function
            if call.head in values or (member is not members[0] and is_customary(call.head)):
                continue
            if is_statistic(call.head, call.node) and not _says_how(value, call.arguments):
                continue  # a claim about a mean, not what it is
            values[call.head] = call.arguments
            if call.sub is None and _says_all(value, call.arguments):
                aliases[call.head] = FunctionAlias(call.arguments, (), value)
    for members in chains:
        for call in _gradients(members):
            values.setdefault(call.head, call.arguments)
    return Functions(values, aliases)


def _gradients(members: Iterable[Node]) -> Iterator[Call]:
    """Calls behind a gradient by one of their arguments: ``\\nabla_w J(w)``."""
    products = (node for member in members for node in member.walk() if isinstance(node, S.Product))
    for product in products:
        for nabla, head, group in zip(product.factors, product.factors[1:], product.factors[2:], strict=False):
            if isinstance(nabla, S.Script) and nabla.base == S.Symbol("\\nabla") and nabla.sub is not None:
                call = call_of(head, group)
                by = spell(nabla.sub, _PLAIN)
                if call is not None and by is not None and by.key in call.arguments and all(call.arguments):
                    yield call


def vague_functions(chains: Iterable[tuple[Node, ...]], known: Container[str]) -> frozenset[str]:
    """Names that never stand without a bracket of one bare name behind them, and that nothing defines: ``\\Phi(x)``.

    What the forward pass writes so is a function, though a line with derivatives leaves the bracket out.
    """
    called: Counter[str] = Counter()
    used: Counter[str] = Counter()
    later: Counter[str] = Counter()  # without a bracket, beside derivatives
    forward: set[str] = set()
    for members in chains:
        derived = any(_is_differential(node) for member in members for node in member.walk())
        for node in (node for member in members for node in member.walk()):
            if isinstance(node, S.Symbol):
                used[symbol_key(node)] += 1
                later[symbol_key(node)] += derived
            if not isinstance(node, S.Product):
                continue
            if len(node.factors) == 2 and isinstance(node.factors[1], S.Symbol) and _is_differential(node.factors[0]):
                used[symbol_key(node.factors[1])] -= 1  # the function itself is differentiated
            for head, group, operator in zip(node.factors, node.factors[1:], node.operators, strict=False):
                if isinstance(group, S.Script) and group.sub is None:
                    group = group.base  # f(x)^2
                bare = isinstance(group, S.Group) and group.opening == "("
                bare = bare and (spell(group.body, _PLAIN) is not None or is_word(head))  # type: ignore[attr-defined]
                if isinstance(head, S.Symbol) and not operator and bare and not is_value(head):
                    called[symbol_key(head)] += 1
                    later[symbol_key(head)] -= derived
                    forward |= set() if derived else {symbol_key(head)}
    always = {key for key, n in called.items() if n == used[key] - (later[key] if key in forward else 0)}
    return frozenset(key for key in always if key not in known and key not in _OPERATORS)


def is_word(node: Node) -> bool:
    """Whether a name is a word of several letters, as functions' names are."""
    return isinstance(node, S.Symbol) and node.font in ("text", "word") and len(node.name) > 1


def _is_differential(node: Node) -> bool:
    return isinstance(node, S.Symbol) and symbol_key(node) in PARTIALS


_OPERATORS = (*PARTIALS, "\\nabla", "\\Delta", "\\delta")
_STATISTICS = frozenset(
    {"E", "mathbb{E}", "mean", "Mean", "avg", "average", "Var", "var", "mathbb{V}", "std", "Std", "stdev"}
)


def is_statistic(head: str, group: Node) -> bool:
    """Whether a name before a bracket is a mean or a variance, as in ``E[x]``; ``E(w)`` is an energy."""
    name = _plain_name(head)
    while isinstance(group, S.Script):
        group = group.base
    return name in _STATISTICS and isinstance(group, S.Group) and (name != "E" or group.opening == "[")


def is_customary(head: str) -> bool:
    """Whether a head is a function that needs no definition."""
    return _plain_name(head) in FUNCTIONS


def _plain_name(head: str) -> str:
    """A name without the command that sets it as a word."""
    return head[6:-1] if head.startswith("\\text{") else head.lstrip("\\")


def _says_how(value: Node, arguments: tuple[str, ...]) -> bool:
    """Whether a value says how a statistic is made of its arguments: by a sum, or by them without a statistic."""
    nodes = list(value.walk())
    products = (node for node in nodes if isinstance(node, S.Product))
    if any(is_statistic(c.head, c.node) for node in products for a, b, _ in pairs(node) if (c := call_of(a, b))):
        return any(isinstance(node, S.BigOperator) for node in nodes)
    names = {s.key for node in nodes if isinstance(node, S.Symbol) and (s := spell(node, _PLAIN)) is not None}
    return set(arguments) <= names


def _says_all(body: Node, parameters: tuple[str, ...]) -> bool:
    """Whether a function's value is given by its parameters alone, so that others can be put in for them."""
    names = {s.key for node in body.walk() if isinstance(node, S.Symbol) and (s := spell(node, _PLAIN)) is not None}
    return set(parameters) <= names


def without_arguments(node: Node, values: Mapping[str, tuple[str, ...]]) -> Node:
    """The tree with ``head(arguments)`` replaced by ``head``, for the given heads with their arguments."""
    return rebuilt(node, lambda inner: _drop(inner, values))


def with_bare_tops(node: Node, heads: Container[str]) -> Node:
    """The tree with ``\\frac{\\partial J(w)}{\\partial w}`` as that of J, for names that stand alone elsewhere."""
    return rebuilt(node, lambda inner: _bare_top(inner, heads) if isinstance(inner, S.Fraction) else inner)


def _bare_top(node: S.Fraction, heads: Container[str]) -> Node:
    above = node.numerator
    if not isinstance(above, S.Product) or len(above.factors) != 3 or not _is_differential(above.factors[0]):
        return node
    call = call_of(*above.factors[1:]) if not any(above.operators) else None
    if call is None or call.sub is not None or call.head not in heads or not all(call.arguments):
        return node
    return replace(node, numerator=replace(above, factors=above.factors[:2], operators=("",)))


def _drop(node: Node, values: Mapping[str, tuple[str, ...]]) -> Node:
    if isinstance(node, S.Apply):
        call = call_of(node.function, node.argument) or _bare_call(node)
        if _names_value(call, values):
            name = _value(S.Symbol(node.function.name, "", node.span))
            return S.Script(name, node.sub, node.sup, 0, node.span) if node.sub or node.sup else name
        return _dropped_before(node, values)
    if not isinstance(node, S.Product):
        return node
    factors: list[Node] = []
    operators: list[str] = []
    for k, factor in enumerate(node.factors):
        joined = _called(factors[-1], factor, values) if k and node.operators[k - 1] == "" else None
        if joined is not None:
            factors[-1] = joined
            continue
        if k:
            operators.append(node.operators[k - 1])
        factors.append(factor)
    if len(factors) == len(node.factors):
        return node
    return factors[0] if len(factors) == 1 else S.Product(tuple(factors), tuple(operators), node.span)


def _dropped_before(node: S.Apply, values: Mapping[str, tuple[str, ...]]) -> Node:
    """``\\cos\\theta \\frac{a}{b}``: the call without brackets is the first factor."""
    product = node.argument
    if not isinstance(product, S.Product) or product.operators[0] == "/":
        return node
    first = _drop(replace(node, argument=product.factors[0]), values)
    return node if isinstance(first, S.Apply) else replace(product, factors=(first, *product.factors[1:]))


def with_calls(node: Node, heads: Container[str]) -> Node:
    """The tree with each of the given heads marked as a function's name where a bracket stands behind it."""
    return rebuilt(node, lambda inner: _marked(inner, heads) if isinstance(inner, S.Product) else inner)


def _marked(product: S.Product, heads: Container[str]) -> Node:
    factors = list(product.factors)
    for k, (head, group, operator) in enumerate(pairs(product)):
        call = call_of(head, group) if not operator else None
        if call is not None and call.head.rstrip("'") in heads:
            factors[k] = S.Decoration(S.CALL, head, None, span_of(head))
    return replace(product, factors=tuple(factors))


def pairs(product: S.Product) -> Iterator[tuple[Node, Node, str]]:
    """Neighbouring factors with what stands between them."""
    return zip(product.factors, product.factors[1:], product.operators, strict=False)


def _names_value(call: Call | None, values: Mapping[str, tuple[str, ...]]) -> bool:
    return call is not None and values.get(call.head.rstrip("'")) == call.arguments


def _called(head: Node, group: Node, values: Mapping[str, tuple[str, ...]]) -> Node | None:
    """The name without its bracket; scripts behind the bracket go to the name."""
    call = call_of(head, group)
    if not _names_value(call, values):
        return None
    span = span_of(head).join(span_of(group))
    if isinstance(group, S.Script):
        return S.Script(_value(head), group.sub, group.sup, group.primes, span)
    return S.Decoration("value", head, None, span)


def _value(head: Node) -> Node:
    """A name that had its argument list: a bracket behind it multiplies."""
    return S.Decoration("value", head, None, span_of(head))


def is_value(node: Node) -> bool:
    while isinstance(node, S.Script):
        node = node.base
    return isinstance(node, S.Decoration) and node.kind == "value"


def substituted(body: Node, arguments: dict[str, Node], letters: Letters) -> Node:
    """A function's body with arguments in place of its parameters; indices of a parameter pass to the argument."""

    def visit(node: Node) -> Node:
        spelled = spell(node, letters) if isinstance(node, S.Symbol | S.Accent | S.Script) else None
        if spelled is not None and spelled.key in arguments:
            return _replaced(spelled, arguments[spelled.key], node, visit)
        return replace(mapped(node, visit))  # a node of its own at each call: readings belong to nodes

    return visit(body)


def _replaced(spelled: Spelling, argument: Node, node: Node, visit: Callable[[Node], Node]) -> Node:
    is_atom = isinstance(argument, S.Symbol | S.Number | S.Accent)
    new: Node = argument if is_atom else S.Group("(", argument, span_of(argument))
    if spelled.indices:
        items = spelled.indices
        sub = items[0] if len(items) == 1 else S.Sequence(items, (",",) * (len(items) - 1))
        new = S.Script(argument, sub, None, 0, span_of(node))
    return S.Script(new, None, visit(spelled.power), 0, span_of(node)) if spelled.power is not None else new
