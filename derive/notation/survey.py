"""The survey: what all equations of a document, read together, say about its letters.

A letter is an index where a sum binds it, where it stands on both sides of a definition, in a Kronecker delta or an
index condition, or where the same place of the same name holds an index elsewhere (``x_i`` beside a sum over ``x_j``).
A letter that a definition uses, that nothing binds and that no left side has, labels one particular vector (``u_o``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace

from derive.latex.syntax import (
    Accent,
    BigOperator,
    Chain,
    Empty,
    Fraction,
    Group,
    Node,
    Number,
    Product,
    Script,
    Sequence,
    Statement,
    Sum,
    Symbol,
    rebuilt,
    span_of,
)
from derive.notation.names import EULER, PARTIALS, Letters, letter_of, spell, subscript_items
from derive.notation.picked import picked

PREFIXES = ("d", "\\delta", "\\Delta")
BETWEEN = frozenset({"=", "<", ">", "\\leq", "\\geq"})
"""Relations in a sum's lower limit that say where it begins or ends."""
SIZES = frozenset({"m", "n", "d"})
"""Small letters that customarily count something."""


@dataclass(frozen=True)
class Usage:
    """One subscripted use of a name: its base without the subscript, and the letter at each place of the subscript."""

    base: str
    letters: tuple[str | None, ...]


def survey(statements: list[Statement], words: Set[str] = frozenset()) -> Letters:
    """Classify the letters of a document; ``words`` are those of its text."""
    nodes = [node for statement in statements for node in (statement.node, *statement.asides)]
    bound = {letter for node in nodes for letter in _bound(node)}
    left = {letter for statement in statements for letter in _left_letters(statement)}
    left |= {letter for statement in statements for letter in _prefixes(statement)}
    told = {letter for node in nodes for letter in _told(node)}
    differentiated = {letter for node in nodes for letter in _differentiated(node)}
    usages = [usage for node in nodes for usage in _usages(node)]
    steps = {letter for node in nodes for letter in _shifted(node)}
    known = (bound | left | told) - steps
    fixed = _fixed(statements, known)
    entries = picked(nodes, fixed - steps, known, words)
    known, fixed = known | entries, (fixed - entries) | steps
    indices = _spread(known | (differentiated - fixed), usages, fixed)
    numbered = frozenset(u.base for u in usages if u.letters and all(letter in indices for letter in u.letters))
    numbered |= {"\\delta"} if any(_picks(node, indices) for node in nodes) else frozenset()
    squares = _squares(statements)
    return Letters(
        frozenset(indices),
        numbered,
        squares,
        _compounds(statements, steps, squares),
        _marks(nodes),
        frozenset(steps),
        frozenset(letter for node in nodes for letter in _limiting(node)) & indices,
        frozenset(base for node in nodes for base in _from_zero(node)),
    )


# -- letters -------------------------------------------------------------------------------------------------------


def _shifted(node: Node) -> Iterator[str]:
    """Letters that count steps: t beside ``h_{t-1}``."""
    for inner in node.walk():
        if isinstance(inner, Script) and inner.sub is not None:
            for item in subscript_items(inner.sub):
                if isinstance(item, Sum) and len(item.terms) == 2 and isinstance(item.terms[1], Number):
                    letter = letter_of(item.terms[0])
                    if letter is not None and letter.islower():
                        yield letter


def _bound(node: Node) -> Iterator[str]:
    for inner in node.walk():
        if isinstance(inner, BigOperator) and inner.lower is not None:
            yield from bound_letters(inner.lower)


def summed_letters(nodes: Iterable[Node]) -> frozenset[str]:
    """The letters that the sums and products among some nodes bind."""
    return frozenset(letter for node in nodes if isinstance(node, BigOperator) for letter in bound_letters(node.lower))


def bound_letters(lower: Node | None) -> Iterator[str]:
    """The letters that the lower limit of a sum binds, in order; none where it has no limit."""
    if lower is None:
        return
    if isinstance(lower, Chain):
        first = lower.members[0]
        yield from bound_letters(lower.members[1] if isinstance(first, Number) else first)
    elif isinstance(lower, Sequence):
        for item in lower.items:
            if not isinstance(item, Chain) or item.relations[0] != "\\neq":
                yield from bound_letters(item)
    elif isinstance(lower, Product) and not any(lower.operators):
        for factor in lower.factors:
            yield from bound_letters(factor)
    elif (letter := letter_of(lower)) is not None:
        yield letter


def _left_letters(statement: Statement) -> Iterator[str]:
    """Lower-case subscripts of a definition's left side that its right side uses too."""
    target = definable(statement)
    if target is None:
        return
    right = {letter for member in statement.node.members[1:] for u in _usages(member) for letter in u.letters}  # type: ignore[attr-defined]
    for usage in _usages(target):
        yield from (letter for letter in usage.letters if letter is not None and letter.islower() and letter in right)


def _prefixes(statement: Statement) -> Iterator[str]:
    """The i of ``s_i = \\sum_{j=1}^{i} x_j``: a left side's subscript up to which its value is summed. A customary
    letter for a size is one, and labels the name."""
    target = definable(statement)
    if target is not None:
        limits = {letter for member in statement.node.members[1:] for letter in _limiting(member)}  # type: ignore[attr-defined]
        letters = {letter for usage in _usages(target) for letter in usage.letters}
        yield from (letter for letter in limits & letters if letter is not None and letter not in SIZES)


def _limiting(node: Node) -> Iterator[str]:
    """The small letters in limits of sums, other than those that the sums bind."""
    for inner in node.walk():
        if isinstance(inner, BigOperator):
            yield from (letter for letter in limiting_letters(inner) if letter.islower())


def upper_limits(node: Node) -> Iterator[Node]:
    """The upper limits of the sums in an expression."""
    for inner in node.walk():
        if isinstance(inner, BigOperator) and inner.upper is not None:
            yield inner.upper


def limiting_letters(node: BigOperator) -> Iterator[str]:
    """The letters that say where a sum begins or ends: i in ``\\sum_{j=1}^{i}``, ``\\sum_{j \\leq i}``."""
    ends = [node.upper] if node.upper is not None else []
    for part in node.lower.items if isinstance(node.lower, Sequence) else (node.lower,):
        if isinstance(part, Chain) and part.relations[-1] in BETWEEN:
            ends += part.members[1:]
    own = set(bound_letters(node.lower))
    letters = (letter_of(inner) for end in ends for inner in end.walk())
    yield from (letter for letter in letters if letter is not None and letter not in own)


def _from_zero(node: Node) -> Iterator[str]:
    """The bases of what sums from 0 run over."""
    for inner in node.walk():
        if (
            isinstance(inner, BigOperator)
            and isinstance(inner.lower, Chain)
            and inner.lower.members[1:] == (Number("0"),)
        ):
            own = set(bound_letters(inner.lower))
            yield from (usage.base for usage in _usages(inner.body) if own & set(usage.letters))


def definable(statement: Statement) -> Node | None:
    """The left side of ``name = value``, where the statement has that shape."""
    node = statement.node
    if not isinstance(node, Chain) or node.relations[0] != "=" or isinstance(node.members[1], Empty):
        return None
    target = node.members[0]
    return target if isinstance(target, Symbol | Accent | Script) else None


def _told(node: Node) -> Iterator[str]:
    """Letters that a Kronecker delta or an index condition shows to be indices."""
    for inner in node.walk():
        if isinstance(inner, Script) and isinstance(inner.base, Symbol) and inner.base.name == "\\delta":
            items = list(subscript_items(inner.sub)) if inner.sub is not None else []
            if len(items) == 2:
                yield from _lower_letters(items)
        elif isinstance(inner, Chain) and inner.relations[0] in ("=", "\\neq"):
            letters = list(_lower_letters(inner.members))
            if len(letters) == len(inner.members) == 2:
                yield from letters


def _picks(node: Node, indices: Set[str]) -> bool:
    """Whether ``\\delta_{i1}`` stands in an expression: Kronecker's, with a number for an index."""
    for inner in node.walk():
        if isinstance(inner, Script) and inner.base == Symbol("\\delta") and inner.sub is not None:
            items = list(subscript_items(inner.sub))
            number = any(isinstance(item, Number) for item in items)
            if len(items) == 2 and number and any(letter_of(item) in indices for item in items):
                return True
    return False


def _differentiated(node: Node) -> Iterator[str]:
    """Customary index letters of what is differentiated by: ``i`` in ∂u_i."""
    for inner in node.walk():
        if isinstance(inner, Fraction):
            for by in _differentials(inner.denominator) if is_quotient(inner) else ():
                if isinstance(by, Script) and by.sub is not None:
                    yield from (letter for letter in _lower_letters(subscript_items(by.sub)) if letter in "ijklmnpqrs")


def is_quotient(node: Node) -> bool:
    """Whether a fraction is one of differentials, above as below: the d in ``\\frac{x}{d r^2}`` is a number."""
    if not isinstance(node, Fraction):
        return False
    above = node.numerator.factors[0] if isinstance(node.numerator, Product) else node.numerator
    head = spell(above, Letters())
    return head is not None and head.key in PARTIALS and bool(list(_differentials(node.denominator)))


def _lower_letters(nodes: Iterable[Node]) -> Iterator[str]:
    yield from (letter for node in nodes if (letter := letter_of(node)) is not None and letter.islower())


def _usages(node: Node) -> Iterator[Usage]:
    for inner in node.walk():
        if isinstance(inner, Script) and inner.sub is not None:
            base = spell(inner.base, Letters())
            if base is not None:
                yield Usage(base.key, tuple(letter_of(item) for item in subscript_items(inner.sub)))
        if isinstance(inner, Script) and isinstance(inner.sup, Group) and inner.sup.opening == "(":
            base = spell(replace(inner, sup=None) if inner.sub is not None else inner.base, Letters())
            if base is not None and (letter := letter_of(inner.sup.body)) is not None:
                yield Usage(base.key + "()", (letter,))


def _fixed(statements: list[Statement], known: set[str]) -> set[str]:
    """Letters of definitions' right sides that are no index of theirs: they single out one entry or one vector."""
    fixed: set[str] = set()
    for statement in statements:
        target = definable(statement)
        if target is None:
            continue
        left = {letter for usage in _usages(target) for letter in usage.letters}
        for member in statement.node.members[1:]:  # type: ignore[attr-defined]
            fixed |= {letter for u in _usages(member) for letter in u.letters if letter is not None} - left
    return fixed - known


def _spread(known: set[str], usages: list[Usage], fixed: set[str]) -> set[str]:
    """Known index letters, and those that share a place with one."""
    indices = set(known)
    while True:
        places = {
            (u.base, len(u.letters), k) for u in usages for k, letter in enumerate(u.letters) if letter in indices
        }
        more = {
            letter
            for u in usages
            for k, letter in enumerate(u.letters)
            if letter is not None and letter.islower() and letter not in fixed and (u.base, len(u.letters), k) in places
        }
        for u in usages:  # one letter of several side by side is an index: so are the others
            if len(u.letters) > 1 and any(letter in indices for letter in u.letters):
                more |= {
                    letter for letter in u.letters if letter is not None and letter.islower() and letter not in fixed
                }
        if more <= indices:
            return indices
        indices |= more


# -- names ---------------------------------------------------------------------------------------------------------


def _squares(statements: list[Statement]) -> frozenset[str]:
    """Names such as ``\\sigma^2`` that are defined, or differentiated by, with their exponent.

    Where the name without the exponent has a definition that does not speak of the square, the square is its square.
    """
    defined: set[tuple[str, str]] = set()
    differentiated: set[tuple[str, str]] = set()
    by: set[tuple[str, str]] = set()
    plain: dict[str, list[Node]] = {}
    for statement in statements:
        target = definable(statement)
        if target is not None:
            spelled = spell(target, Letters())
            if spelled is not None and spelled.power is None:
                plain.setdefault(_bare(target), []).extend(statement.node.members[1:])  # type: ignore[attr-defined]
            elif isinstance(target, Script) and isinstance(target.sup, Number):
                defined.add((_bare(target), target.sup.text))
        for node in statement.node.walk():
            if isinstance(node, Fraction) and is_quotient(node) and not _is_second(node):
                for side, found in ((node.numerator, differentiated), (node.denominator, by)):
                    name = _differential(side)
                    if isinstance(name, Script) and isinstance(name.sup, Number):
                        found.add((_bare(name), name.sup.text))
    apart = {(base, n) for base, n in defined if base in plain and not _speaks_of(plain[base], base, n)}
    free = {(base, n) for base, n in differentiated | by if base not in plain}
    return frozenset(f"{base}^{n}" for base, n in (defined - (apart - by)) | free)


def _speaks_of(members: list[Node], base: str, power: str) -> bool:
    """Whether an expression has a power of a name."""
    scripts = (node for member in members for node in member.walk() if isinstance(node, Script))
    return any(isinstance(n.sup, Number) and n.sup.text == power and _bare(n) == base for n in scripts)


def _is_second(node: Fraction) -> bool:
    """Whether a quotient of differentials is a second derivative: then the square below is no symbol."""
    above = node.numerator.factors[0] if isinstance(node.numerator, Product) else node.numerator
    return isinstance(above, Script) and above.sup is not None


def _bare(node: Node, steps: Set[str] = frozenset()) -> str:
    """The key of a name without power and indices: subscripts that are labels, such as steps, stay."""
    if isinstance(node, Script):
        spelled = spell(replace(node, sup=None) if node.sub is not None else node.base, Letters())
        if spelled is None:
            return ""
        letters = [letter_of(item) for item in subscript_items(node.sub)] if node.sub is not None else []
        if letters and all(letter is not None and letter.islower() and letter not in steps for letter in letters):
            return _bare(node.base, steps)
        return spelled.key
    spelled = spell(node, Letters())
    return spelled.key if spelled is not None else ""


def _differential(side: Node) -> Node | None:
    """What stands after the ∂ of a numerator or denominator."""
    if isinstance(side, Product) and len(side.factors) == 2 and side.operators == ("",):
        head = spell(side.factors[0], Letters())
        if head is not None and head.key in PARTIALS:
            return side.factors[1]
    return None


def _differentials(side: Node) -> Iterator[Node]:
    """What stands after each ∂ of ``\\partial x_i \\partial x_j``, or of its only one."""
    if isinstance(side, Product) and not any(side.operators) and len(side.factors) % 2 == 0:
        heads = [spell(head, Letters()) for head in side.factors[::2]]
        if all(head is not None and head.key in PARTIALS for head in heads):
            yield from side.factors[1::2]


def _compounds(statements: list[Statement], steps: Set[str], squares: Set[str]) -> frozenset[str]:
    """Names written as two: ``d\\hat{x}_i = ...`` makes ``d\\hat{x}`` a name, and ``dy`` where y is defined.

    So does a d that stands nowhere but in front of names, without a space.
    """
    found = set()
    defined = set()
    for statement in statements:
        node = statement.node
        if isinstance(node, Chain) and isinstance(node.members[0], Product):
            found |= set(_prefixed(node.members[0], steps, squares, alone=True))
        elif (target := definable(statement)) is not None:
            defined.add(_named(target, steps, squares))
    prefixes = {prefix for prefix, _ in found} | set(_only_prefixes(statements))
    for statement in statements:
        pairs = (pair for node in _undifferentiated(statement.node) for pair in _prefixed(node, steps, squares))
        found |= {(prefix, base) for prefix, base in pairs if prefix in prefixes and base in defined}
    return frozenset(f"{prefix}{base}" for prefix, base in found)


def _only_prefixes(statements: list[Statement]) -> Iterator[str]:
    """d, where it stands only in quotients of differentials and in front of a name that it touches."""
    nodes = [node for s in statements for tree in (s.node, *s.asides) for node in _undifferentiated(tree)]
    alone = sum(node == Symbol("d") for node in nodes)
    before = sum(_touches(node, k) for node in nodes if isinstance(node, Product) for k in range(len(node.factors) - 1))
    if alone and alone == before:
        yield "d"


def _touches(product: Product, at: int) -> bool:
    first, second = product.factors[at : at + 2]
    near = not product.operators[at] and span_of(first).end == span_of(second).start
    return near and first == Symbol("d") and spell(second, Letters()) is not None


def _prefixed(node: Node, steps: Set[str], squares: Set[str], alone: bool = False) -> Iterator[tuple[str, str]]:
    """The pairs of a prefix such as d and a name among the factors of a product, or the product if it is one."""
    if not isinstance(node, Product) or (alone and len(node.factors) != 2):
        return
    for first, second, operator in zip(node.factors, node.factors[1:], node.operators, strict=False):
        prefix = spell(first, Letters())
        if not operator and prefix is not None and prefix.key in PREFIXES and spell(second, Letters()) is not None:
            yield prefix.key, _named(second, steps, squares)


def _named(node: Node, steps: Set[str], squares: Set[str]) -> str:
    """The key of a name without indices, with its power where that is a part of the name."""
    bare = _bare(node, steps)
    power = node.sup.text if isinstance(node, Script) and isinstance(node.sup, Number) else ""
    return f"{bare}^{power}" if f"{bare}^{power}" in squares else bare


def _undifferentiated(node: Node) -> Iterator[Node]:
    """The nodes of a tree that are no part of a quotient of differentials."""
    if isinstance(node, Fraction) and is_quotient(node):
        return
    yield node
    for child in node.children():
        yield from _undifferentiated(child)


def _marks(nodes: list[Node]) -> frozenset[str]:
    """Names whose capital superscripts tell them apart: more than one of them, or one that is no transpose."""
    marks: dict[str, set[str]] = {}
    for node in nodes:
        for inner in node.walk():
            if (
                isinstance(inner, Script)
                and isinstance(inner.sup, Symbol)
                and inner.sup.name.isupper()
                and not inner.sup.font
            ):
                base = inner.base
                while isinstance(base, Script):
                    base = base.base
                spelled = spell(base, Letters())
                if spelled is not None and spelled.key not in EULER:
                    marks.setdefault(spelled.key, set()).add(inner.sup.name)
    return frozenset(base for base, names in marks.items() if names != {"T"})


# -- brackets ------------------------------------------------------------------------------------------------------


def with_brackets(node: Node, bound: frozenset[str]) -> Node:
    """The tree with ``x[i, k]`` read as a subscripted name, where the brackets hold index letters."""
    return rebuilt(node, lambda inner: _join_brackets(inner, bound) if isinstance(inner, Product) else inner)


def _join_brackets(product: Product, bound: frozenset[str]) -> Node:
    factors: list[Node] = []
    operators: list[str] = []
    for k, factor in enumerate(product.factors):
        operator = product.operators[k - 1] if k else ""
        joined = _bracketed(factors[-1], factor, bound) if k and operator == "" else None
        if joined is not None:
            factors[-1] = joined
            continue
        if k:
            operators.append(operator)
        factors.append(factor)
    if len(factors) == len(product.factors):
        return product
    return factors[0] if len(factors) == 1 else Product(tuple(factors), tuple(operators), product.span)


def _bracketed(name: Node, group: Node, bound: frozenset[str]) -> Node | None:
    """``name[...]`` as a subscript; a power behind the bracket stays a power."""
    power = None
    if isinstance(group, Script) and group.sub is None and not group.primes:
        power, group = group.sup, group.base
    if not isinstance(group, Group) or group.opening != "[" or spell(name, Letters()) is None:
        return None
    items = group.body.items if isinstance(group.body, Sequence) else (group.body,)
    letters = [letter_of(item) for item in items]
    simple = all(isinstance(item, Symbol | Number | Script) for item in items)
    if not simple or not (any(letter in bound for letter in letters) or len(items) > 1):
        return None
    span = span_of(name).join(span_of(group))
    script = Script(name, group.body, None, 0, span)
    return Script(script, None, power, 0, span) if power is not None else script


def bracket_letters(statements: list[Statement]) -> frozenset[str]:
    """Letters that sums bind: what shows ``[i]`` behind a name to be an index."""
    nodes = [node for s in statements for node in (s.node, *s.asides)]
    return frozenset(letter for node in nodes for letter in (*_bound(node), *_listed(node)))


def _listed(node: Node) -> Iterator[str]:
    """Letters in brackets behind a name that hold several: those of ``x[i, k]``."""
    for inner in node.walk():
        if not isinstance(inner, Product):
            continue
        for name, group, operator in zip(inner.factors, inner.factors[1:], inner.operators, strict=False):
            listed = isinstance(group, Group) and group.opening == "[" and isinstance(group.body, Sequence)
            if listed and not operator and spell(name, Letters()) is not None:
                yield from _lower_letters(group.body.items)  # type: ignore[attr-defined]
