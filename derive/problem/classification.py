"""Which equations of a document introduce a name, and which claim something.

A new name is introduced by its first equation, wherever on the page that stands: "where ŷ = σ(z)" holds above too.
What is only supposed introduces nothing; a name in terms of itself, by way of others too, is claimed, not introduced.
A name for an expression with derivatives is an alias, no stage of the forward pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.axes import prefactors
from derive.notation.equations import Equation
from derive.notation.names import EULER, PARTIALS, Spelling, compound, is_euler, letter_of, parts
from derive.notation.ranks import IDENTITIES, TRANSPOSES
from derive.notation.rewriting.layers import base_of
from derive.notation.suppositions import differentiates
from derive.notation.survey import bound_letters, upper_limits
from derive.notation.table import POSITIVE, SIZE_LETTERS, Alias, Name, Table


class Classifier:
    """Finds the names that equations introduce, and notes them in the table and in the equations.

    Args:
        table: the symbol table, with the survey's findings; definitions and aliases are added to it.
        equations: those that could be parsed.
    """

    def __init__(self, table: Table, equations: list[Equation]) -> None:
        self.table = table
        self.equations = equations
        self.late: set[Name] = set()  # names that the forward pass uses before something says what they are

    # -- names in syntax ---------------------------------------------------------------------------------------------

    def spellings(self, node: Node) -> Iterator[Spelling]:
        """All names in an expression; those inside another's indices too."""
        if isinstance(node, S.BigOperator):
            bound_here = set(bound_letters(node.lower))
            for child in node.children():
                yield from (s for s in self.spellings(child) if s.key not in bound_here)
            return
        spelled = self.table.spell(node)
        if spelled is None:
            for child in parts(node, self.table.letters):
                yield from self.spellings(child)
            return
        if not is_euler(spelled):
            yield spelled
        for item in spelled.indices:
            if isinstance(item, S.Script):
                yield from self.spellings(item)
        if spelled.power is not None:
            yield from self.spellings(spelled.power)

    def names_used(self, equation: Equation) -> set[str]:
        """The names in the right sides of an equation."""
        return {s.key for member in equation.members[1:] for s in self.spellings(member)}

    def count_indices(self, equations: Iterable[Equation]) -> None:
        """Note how often each name is used, and with how many indices."""
        for equation in equations:
            for member in equation.members:
                for spelled in self.spellings(member):
                    self.table.axes.uses[spelled.key] += 1
                    if spelled.indices:
                        self.table.ranks.counts.setdefault(spelled.key, set()).add(len(spelled.indices))

    def count_across_layers(self) -> None:
        """A name has as many indices as it is written with at another layer: ``w^{l+1}`` beside ``w^l_{jk}``."""
        counts, found = self.table.ranks.counts, dict[tuple[str, str], set[int]]()
        for key, own in counts.items():
            if (base := base_of(key)) is not None:
                found.setdefault(base, set()).update(own)
        for key in self.table.axes.uses:
            base = base_of(key)
            if base in found and key not in counts:
                counts[key] = set(found[base])

    def count_lost_indices(self, equations: Iterable[Equation]) -> None:
        """Note an index that a name lacks where it is defined: in ``\\hat{x} = (x_i - \\mu) / \\sigma`` the hat has an
        i, as it makes up what has one in ``y_i = \\gamma \\hat{x}``."""
        simple = [e for e in equations if e.relations == ("=",) and not self.has_derivative(e)]
        whole = {key: letter for e in simple for key, letter in self._lost(e)}
        for equation in simple:
            left = self.table.spell(self.left(equation))
            if left is None or left.power is not None:
                continue
            own = {letter_of(item) for item in left.indices}
            for spelled in self.spellings(equation.members[1]):
                if whole.get(spelled.key) in own and not spelled.indices and spelled.key != left.key:
                    self.table.ranks.counts.setdefault(spelled.key, {1})

    def _lost(self, equation: Equation) -> Iterator[tuple[str, str]]:
        """The name that an equation begins with, bare, and the one letter that is open on its right side alone."""
        left = self.table.spell(self.left(equation))
        letters = self.open_letters(equation.members[1], frozenset())
        is_read = S.hole_in([equation.members[1]]) is None
        if is_read and left is not None and not left.indices and left.power is None and len(letters) == 1:
            yield left.key, letters.pop()

    def left(self, equation: Equation) -> Node:
        """The left side, a name of two parts put together."""
        return self.joined(equation.members[0])

    def joined(self, node: Node) -> Node:
        if isinstance(node, S.Product) and len(node.factors) == 2 and node.operators == ("",):
            return compound(node.factors, self.table.letters) or node
        return node

    # -- classification ----------------------------------------------------------------------------------------------

    def classify(self) -> None:
        """Which equations introduce a name.

        A new name counts as defined by its first equation. Where the forward pass has used it before as an input, that
        must begin with the name, and no name may come to be defined by way of itself.
        """
        claims_begun = False
        inputs: set[str] = set()
        made: dict[str, set[str]] = {}
        for equation in sorted(self.equations, key=lambda e: not e.given):
            silent = equation.standing == "supposed" or self._leaves_indices_out(equation)
            if not equation.relations or isinstance(equation.members[1], S.Empty) or silent:
                equation.role = "note"
                continue
            if equation.names or "=" not in equation.relations:
                continue
            derived = self.has_derivative(equation)
            names = self._new_names(equation)
            value_at = self._value_at(equation, names)
            if equation.given:
                equation.role = "given"
            if names and value_at is not None:
                late = (claims_begun or derived) and any(key in inputs for key, _ in names.values())
                if equation.given or not late or self._completes(equation, names, value_at, made):
                    self.late |= set(names.values()) if late else set()
                    self._introduce(equation, names, value_at)
            if equation.role == "definition" or (equation.given and not derived):
                used = self.names_used(equation)
                inputs |= used
                for key, _ in equation.names.values():
                    made.setdefault(key, set()).update(used)
            claims_begun = claims_begun or (derived and not equation.given and not self._is_naming(equation))

    def _completes(self, equation: Equation, names: dict[int, Name], value_at: int, made: dict[str, set[str]]) -> bool:
        """Whether an equation says what a name used above is: it begins with the name, and what it is made from is not
        made from it."""
        if list(names) != [0] or equation.previous is not None:
            return False
        (key, _), found = names[0], set[str]()
        if any(key == other for other, _ in self.table.defined):
            return False
        waiting = [s.key for s in self.spellings(equation.members[value_at])]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(made.get(name, ()))
        return key not in found

    def _leaves_indices_out(self, equation: Equation) -> bool:
        """Whether an equation says no more than that a name may stand without its indices: ``\\mu = \\mu_{bg}``."""
        if equation.relations != ("=",):
            return False
        bare, full = (self.table.spell(member) for member in equation.members)
        if bare is None or full is None or bare.power is not None or full.power is not None:
            return False
        return bare.key == full.key and not bare.indices and bool(full.indices)

    def _new_names(self, equation: Equation) -> dict[int, Name]:
        """The members that are bare names which nothing introduced before."""
        found: dict[int, Name] = {}
        start = 1 if equation.previous is not None else 0
        for k in range(start, len(equation.members)):
            beside = [equation.relations[j] for j in (k - 1, k) if 0 <= j < len(equation.relations)]
            target = self.target(equation, k)
            if target is None or "=" not in beside or target in self.table.defined:
                continue
            if target == ("\\delta", 2) and any(isinstance(m, S.Cases) for m in equation.members):
                continue  # Kronecker's delta explained, not a name of the forward pass
            if k and target == ("\\delta", 2) and self._is_of_entries(equation.members[0]):
                continue
            if any(key == target[0] for key, _ in self.table.aliases) and not equation.given:
                continue
            if self._is_used_beside(equation, k, target) or (k and self._is_input_like(target)):
                continue
            if k and target[0] in self._in_forward and any(map(differentiates, equation.members[:k])):
                continue
            found[k] = target
        return found

    @cached_property
    def _in_forward(self) -> set[str]:
        """The names of the forward pass, derivatives apart: what is said anywhere to be something, and what that is
        made from."""
        said = (e for e in self.equations if e.relations[:1] == ("=",) and e.standing == "stated")
        forward = [
            (e, target)
            for e in said
            if (target := self.target(e)) is not None and not any(map(differentiates, e.members))
        ]
        return {name for e, (key, _) in forward for name in (key, *self.names_used(e))}

    def _is_naming(self, equation: Equation) -> bool:
        """Whether an equation only names a derivative: ``\\delta = \\frac{\\partial L}{\\partial z}``."""
        return bool(equation.names) and len(equation.members) == 2 and _is_quotient(equation.value, self.table)

    def _is_of_entries(self, node: Node) -> bool:
        """Whether a derivative is one of an entry by an entry, so that a δ of two indices is Kronecker's."""
        above = node.numerator if isinstance(node, S.Fraction) else None
        return isinstance(above, S.Product) and any(s.indices for s in self.spellings(above.factors[-1]))

    def _is_used_beside(self, equation: Equation, at: int, name: Name) -> bool:
        others = (member for k, member in enumerate(equation.members) if k != at)
        return any((s.key, len(s.indices)) == name for member in others for s in self.spellings(member))

    def _is_input_like(self, target: Name) -> bool:
        """Later members of a chain that look like sizes or constants are values, not new names."""
        return target[0] in SIZE_LETTERS or (target[0] in EULER and not target[1]) or target[0] in IDENTITIES

    def _value_at(self, equation: Equation, names: dict[int, Name]) -> int | None:
        """The member that says what new names are: the next that is none itself, else the one before."""
        if not names:
            return None
        first = next(iter(names))
        if first and self._contains_derivative(equation.members[0]):
            return 0  # the true value, whatever the steps between
        links = equation.relations
        later = [k for k in range(first + 1, len(equation.members)) if k not in names and links[k - 1] == "="]
        clear = [k for k in later if not any(s.key in self.table.vague for s in self.spellings(equation.members[k]))]
        after = next(iter(clear or later), None)
        before = next((k for k in range(first - 1, -1, -1) if k not in names), None)
        if after is None and before is None:
            names.pop(max(names)) if len(names) > 1 else None
            return first + 1 if first + 1 < len(equation.members) else None
        return after if after is not None else before

    def _introduce(self, equation: Equation, names: dict[int, Name], value_at: int) -> None:
        """Take the new names of an equation: the first is defined (or an alias), the others are the same."""
        equation.names, equation.value_at = names, value_at
        (first, target), *others = names.items()
        bare = self.table.spell(equation.value)
        alias = (
            self._contains_derivative(equation.value)
            or self._is_transposed(equation.value)
            or (
                equation.given
                and bare is not None
                and bare.power is None
                and not target[1]
                and not self._is_stage(target)
            )
        )
        if alias:
            self.set_alias(target, equation.members[first], equation.value)
        else:
            self.table.defined.add(target)
        if not equation.given:
            equation.role = "definition" if first == 0 and not alias else "claim"
        for k, other in others:
            self.set_alias(other, equation.members[k], equation.members[first])

    def _is_transposed(self, node: Node) -> bool:
        """Whether a value is a name's transpose: ``w' = w^\\top`` names a row, which a stage would not be."""
        power = self.table.spell(node.sup) if isinstance(node, S.Script) and node.sup is not None else None
        return power is not None and power.key in TRANSPOSES

    def _is_stage(self, target: Name) -> bool:
        """Whether the value of another definition uses a name: then a copy of an input is a stage of its own."""
        for equation in self.equations:
            if (
                equation.relations[:1] == ("=",)
                and not self.has_derivative(equation)
                and self.target(equation) != target
            ):
                left = self.table.spell(self.left(equation))
                if (
                    left is not None
                    and (left.key, len(left.indices)) != target
                    and target[0] in self.names_used(equation)
                ):
                    return True
        return False

    def target(self, equation: Equation, at: int = 0) -> Name | None:
        """The name that a member is, if it can be introduced: with different letters for indices, and no power."""
        spelled = self.table.spell(self.joined(equation.members[at]))
        if spelled is None or spelled.power is not None:
            return None
        letters = [letter_of(item) for item in spelled.indices]
        if None in letters or len(set(letters)) != len(letters) or spelled.key in self._primes():
            return None
        counts = self.table.ranks.counts.get(spelled.key)
        others = [m for k, m in enumerate(equation.members) if k != at]
        if not letters and counts and not all(self._is_closed(m) for m in others):
            return None if self._defined_elsewhere(spelled.key) else (spelled.key, min(counts))
        return spelled.key, len(letters)

    def _primes(self) -> set[str]:
        """Names that are derivatives of functions."""
        names = {key for key in (*self.table.arguments, *self.table.functions) if not key.endswith("'")}
        return {f"{key}{primes}" for key in names for primes in ("'", "''", "'''")}

    def _is_closed(self, node: Node) -> bool:
        """Whether an expression is surely one number: its indices are summed over, its bare names known numbers."""
        if self.open_letters(node, frozenset()):
            return False
        return all(s.indices or s.key in self._numbers for s in self.spellings(node))

    @cached_property
    def _numbers(self) -> set[str]:
        """Bare names that are surely numbers: sizes, and what some equation says to be a closed expression."""
        self.__dict__["_numbers"] = numbers = self.sizes() | POSITIVE
        while True:
            before = len(numbers)
            for equation in self.equations:
                left = self.table.spell(self.left(equation))
                bare = left is not None and not left.indices and left.power is None and "=" in equation.relations[:1]
                if left is not None and bare and self._is_closed(equation.members[1]):
                    numbers.add(left.key)
            if len(numbers) == before:
                return numbers

    def sizes(self) -> set[str]:
        """Names in the limits of sums, and those that sums are divided by."""
        found = {name for e in self.equations for m in e.members for name in _sizes(m)}
        return found - self.table.letters.indices

    def open_letters(self, node: Node, bound: frozenset[str]) -> set[str]:
        if isinstance(node, S.BigOperator):
            inner = bound | set(bound_letters(node.lower))
            return self.open_letters(node.body, inner)
        spelled = self.table.spell(node)
        if spelled is not None:
            own = {letter for item in spelled.indices if (letter := letter_of(item)) is not None} - bound
            return own | (self.open_letters(spelled.power, bound) if spelled.power is not None else set())
        return set().union(*(self.open_letters(child, bound) for child in node.children()))

    def _defined_elsewhere(self, key: str) -> bool:
        """Whether another equation defines the name with its indices written."""
        for equation in self.equations:
            spelled = self.table.spell(equation.members[0])
            if spelled is not None and spelled.key == key and spelled.indices and len(equation.members) > 1:
                return spelled.power is None
        return False

    def set_alias(self, target: Name, name: Node, value: Node) -> None:
        spelled = self.table.spell(self.joined(name))
        assert spelled is not None
        letters = tuple(str(letter_of(item)) for item in spelled.indices)
        self.table.aliases[target[0], len(letters)] = Alias(letters, value)

    def _contains_derivative(self, node: Node) -> bool:
        if any(_is_derivative(inner, self.table) for inner in node.walk()):
            return True
        derived = {key for (key, _), alias in self.table.aliases.items() if self._is_derived(alias)}
        return any(s.key in derived for s in self.spellings(node))

    def has_derivative(self, equation: Equation) -> bool:
        return any(self._contains_derivative(member) for member in equation.members)

    def _is_derived(self, alias: Alias) -> bool:
        return any(_is_derivative(node, self.table) for node in alias.body.walk())


def _sizes(node: Node) -> Iterator[str]:
    """The names that are upper limits of sums, and those that sums are divided by."""
    yield from (upper.name for upper in upper_limits(node) if isinstance(upper, S.Symbol))
    for inner in node.walk():
        if isinstance(inner, S.Product | S.Fraction):
            yield from (name.name for name, _ in prefactors(inner) if isinstance(name, S.Symbol))


def _is_quotient(node: Node, table: Table) -> bool:
    """Whether a node is a derivative and nothing else, as a fraction or with a slash."""
    if isinstance(node, S.Product) and node.operators == ("", "/", ""):
        return node.factors[0] == node.factors[2] == S.Symbol("\\partial")
    return isinstance(node, S.Fraction) and _is_derivative(node, table)


def _is_derivative(node: Node, table: Table) -> bool:
    """Whether a node is a quotient of differentials, or a ∂ or ∇."""
    if isinstance(node, S.Fraction) and isinstance(node.denominator, S.Product):
        below = node.denominator
        head = table.spell(below.factors[0])
        return head is not None and head.key in PARTIALS and below.operators[0] == ""
    return isinstance(node, S.Symbol) and node.name in ("\\partial", "\\nabla")
