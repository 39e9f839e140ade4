"""Ranks: how many axes a name has beyond the indices that are written.

``u_k^\\top v`` says that ``v`` is a vector and ``u`` has an axis besides ``k``; ``QK^\\top`` that both are matrices.
The evidence is linear algebra's own signs: transposes, norms, inner products, declared shapes, ``diag``; equations pass
it on. A name without evidence is a number for each of its written indices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.functions import FunctionAlias, is_statistic, is_value
from derive.notation.names import PARTIALS, Letters, Spelling, spell, subscript_items
from derive.notation.rewriting.dots import FAMILY

TRANSPOSES = frozenset({"T", "\\top", "\\intercal", "\\mathsf{T}", "\\mathrm{T}", "\\text{T}"})
ARRAY_FUNCTIONS = frozenset(
    {"softmax", "LSE", "logsumexp", "rowsum", "sum", "diag", "log_softmax", "logsoftmax", "tr", "Tr", "trace"}
)
_FUNCTION_RANKS = {"diag": 2, "sum": 0, "tr": 0, "Tr": 0, "trace": 0}
_REDUCTIONS = frozenset({"rowsum", "LSE", "logsumexp"})
IDENTITIES = frozenset({"I", "\\mathbf{I}"})
ONES = frozenset({"\\mathbf{1}", "\\mathbb{1}", "\\mathds{1}"})

Name = tuple[str, int]


@dataclass
class Ranks:
    """The number of axes of every name, by key and number of written indices.

    Args:
        letters: the survey's findings.
        counts: for each name the numbers of indices that it is written with, zero excepted.
        scalars: names that are known to be numbers (sizes, the loss).
        defined: names that have a definition.
        rows: names for transposed vectors.
        linear: whether the document has transposes.
        row_vectors: whether vectors are rows, as the x in ``xW``.
        functions: those that the document defines.
        samples: names of vectors, one a sample: ``x^{(i)}`` beside ``x^{(i)}_j``.
        declared: names of matrices of which the page says the shape.
        shaped: names of arrays of which the page says the shape.
        numbers: capitals that multiply other names in the forward pass and were taken for numbers for want of evidence.
    """

    letters: Letters
    counts: dict[str, set[int]]
    scalars: set[str] = field(default_factory=set)
    hidden: dict[Name, int] = field(default_factory=dict)
    defined: set[Name] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)
    linear: bool = False
    row_vectors: bool = False
    functions: Mapping[str, FunctionAlias] = field(default_factory=dict)
    _calling: list[str] = field(default_factory=list)
    _claimed: set[int] = field(default_factory=set)
    _forward: set[str] = field(default_factory=set)
    samples: set[str] = field(default_factory=set)
    declared: set[str] = field(default_factory=set)
    shaped: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)

    def total(self, key: str, count: int) -> int:
        """The number of axes of a name written with ``count`` indices, those left out included."""
        if (key, count) in self.hidden:
            return count + self.hidden[key, count]
        if count or (key, 0) in self.defined:
            return count
        counts = self.counts.get(key, set())
        written = {n for n in counts if (key, n) in self.defined} or counts
        return self.total(key, min(written)) if written else 0

    def infer(
        self, definitions: list[tuple[Node, ...]], aliases: list[tuple[Node, ...]], claims: list[tuple[Node, ...]]
    ) -> None:
        """Find the evidence in equations given as members, and pass it on until nothing changes.

        A name that is defined has the rank of its definition; claims speak only for names that nothing defines.
        """
        self._samples(node for members in definitions + aliases + claims for m in members for node in m.walk())
        for members in definitions + aliases + claims:
            for member in members:
                for node in member.walk():
                    self._evidence(node)
            self._declared(members)
        for left, right in (members[:2] for members in aliases):
            name = spell(left, self.letters)
            if name is not None and isinstance(right, S.Script) and self.is_transpose(right.sup):
                self.rows.add(name.key)
        self.row_vectors = self.linear and self._has_rows([node for m in definitions for node in m[-1].walk()])
        self._spread(definitions + aliases)
        settled = [spell(members[0], self.letters) for members in definitions if not self._is_doubtful(members[-1])]
        keys = {s.key for s in settled if s is not None}
        self.scalars |= {key for key in keys if not self.total(key, 0) and not self.counts.get(key)}
        self._spread(definitions + aliases, self._matrices)
        everything = definitions + aliases + claims
        self._claimed = {id(members) for members in claims}
        self._spread(everything)
        self._numbers(claims)
        self._spread(definitions + aliases, self._alike)
        self._forward = {s.key for members in definitions for node in members[-1].walk() if (s := self._bare(node))}
        self._spread(everything, self._alike)
        named = {s.key for members in definitions if (s := spell(members[0], self.letters)) is not None}
        nodes = [node for members in definitions for node in members[-1].walk() if isinstance(node, S.Product)]
        self.numbers = {key for node in nodes for key in self._doubtful_numbers(node)} - named

    def _doubtful_numbers(self, node: S.Product) -> Iterator[str]:
        """The W in ``Wx``, both bare and without any sign of being arrays."""
        names = [spell(factor, self.letters) for factor in node.factors]
        for left, right, operator in zip(names, names[1:], node.operators, strict=False):
            if operator or left is None or right is None or not (self._is_open(left) and self._is_open(right)):
                continue
            yield from (s.key for s in (left, right) if is_upper(s.key))

    def numbers_beside_arrays(self, definitions: list[tuple[Node, ...]]) -> list[str]:
        """The w and b in ``y = x w + b``, for a vector x: numbers for want of evidence, and maybe vectors."""
        named = {s.key for members in definitions if (s := spell(members[0], self.letters)) is not None}
        found = (
            s.key
            for members in definitions
            for node in members[-1].walk()
            if isinstance(node, S.Product | S.Sum) and self.rank(node) == 1
            for part in (node.factors if isinstance(node, S.Product) else node.terms)
            if (s := self._bare(part)) is not None and self._is_open(s) and s.key not in named
        )
        return list(dict.fromkeys(found))

    def _samples(self, nodes: Iterable[Node]) -> None:
        """``x^{(i)}`` beside ``x^{(i)}_j`` is a vector: the sample i of all entries j."""
        counts: dict[str, dict[str, set[int]]] = {}
        for node in nodes:
            spelled = spell(node, self.letters) if isinstance(node, S.Script) else None
            if spelled is None or not spelled.indices:
                continue
            raised = _index_above(node)
            kind = "above" if raised and len(spelled.indices) == 1 else "both" if raised else "below"
            counts.setdefault(spelled.key, {}).setdefault(kind, set()).add(len(spelled.indices))
        for key, found in counts.items():
            if "above" in found and "both" in found and "below" not in found:
                self.hidden[key, 1] = max(found["both"]) - 1
                self.samples.add(key)

    def _spread(self, equations: list[tuple[Node, ...]], weaker: Callable[[Node], None] | None = None) -> None:
        for _ in range(20):
            before = len(self.hidden)
            for members in equations:
                self._equal(members, id(members) in self._claimed)
                if weaker is not None:
                    self._demanded(members)
                    for member in members:
                        for node in member.walk():
                            weaker(node)
            if len(self.hidden) == before:
                return

    def _has_rows(self, nodes: list[Node]) -> bool:
        """Whether vectors stand before matrices in a forward pass, and never behind them."""
        pairs = [
            tuple(spell(factor, self.letters) for factor in node.factors[k : k + 2])
            for node in nodes
            if isinstance(node, S.Product)
            for k, operator in enumerate(node.operators)
            if not operator
        ]
        kinds = {self._kind(one) + self._kind(other) for one, other in pairs}
        return "vM" in kinds and "Mv" not in kinds

    def _kind(self, spelled: Spelling | None) -> str:
        """M for a bare capital, v for a small letter that has been shown to be a vector, nothing for all else."""
        if spelled is None or spelled.indices:
            return ""
        if is_upper(spelled.key) and (spelled.power is None or self.is_transpose(spelled.power)):
            return "M"
        return "v" if spelled.power is None and self.rank_of(spelled) == 1 else ""

    def _is_doubtful(self, node: Node) -> bool:
        """Whether an expression has a capital that may yet turn out to be a matrix, or a matrix beside what may turn
        out to be a vector."""
        if any(self._multiplies_unknown(inner) for inner in node.walk()):
            return True
        names = (spell(inner, self.letters) for inner in node.walk())
        return self.linear and any(s is not None and self._is_open(s) and is_upper(s.key) for s in names)

    def _numbers(self, claims: list[tuple[Node, ...]]) -> None:
        """A bare name that a claim equates with sums of numbers only is a number."""
        for members in claims:
            sums = any(isinstance(node, S.BigOperator) for member in members for node in member.walk())
            if sums and not any(self.rank(member) for member in members):
                self.scalars |= {s.key for member in members for s in self._whole(member) if not s.indices}

    # -- evidence --------------------------------------------------------------------------------------------------

    def _evidence(self, node: Node) -> None:
        if isinstance(node, S.Script) and self.is_transpose(node.sup):
            self.linear = True
            self._vectorial(_without_power(node))
        elif (isinstance(node, S.Group) and node.opening in ("‖", "\\lVert")) or (
            isinstance(node, S.Group) and node.opening == "|" and _is_bold(node.body)
        ):
            self._vectorial(node.body)
        elif isinstance(node, S.Group) and node.opening == "\\langle" and isinstance(node.body, S.Sequence):
            for item in node.body.items:
                self._vectorial(item)
        elif isinstance(node, S.Product):
            self._applied(node)

    def is_transpose(self, power: Node | None) -> bool:
        """Whether a superscript makes a transpose."""
        spelled = spell(power, self.letters) if power is not None else None
        return spelled is not None and spelled.key in TRANSPOSES

    def _applied(self, node: S.Product) -> None:
        """``softmax(z)``, ``diag(S_i)``; a row vector before a name makes that a column."""
        for k, factor in enumerate(node.factors[:-1]):
            after = node.factors[k + 1]
            spelled = spell(factor, self.letters)
            array = spelled is not None and plain(spelled.key) in ARRAY_FUNCTIONS and isinstance(after, S.Group)
            array = array or (spelled is not None and is_statistic(spelled.key, after))
            if array and not is_value(factor):
                self.linear = self.linear or (spelled is not None and plain(spelled.key) == "diag")
                self._vectorial(next(after.children()))
            if isinstance(factor, S.Script) and self.is_transpose(factor.sup) and node.operators[k] == "":
                self._column(after)

    def _column(self, node: Node) -> None:
        """What follows a transpose without a sign, where it is a bare name in lower case, or a function of one."""
        while isinstance(node, S.Apply | S.Group | S.Decoration):
            node = node.argument if isinstance(node, S.Apply) else node.body
        spelled = spell(node, self.letters)
        if spelled is not None and spelled.power is None and not is_upper(spelled.key):
            self._vectorial(node)

    def _vectorial(self, node: Node) -> None:
        """A name that linear algebra treats as a vector or a matrix."""
        while isinstance(node, S.Group | S.Decoration):
            node = node.body
        if isinstance(node, S.Sum):
            for term in node.terms:
                self._vectorial(term)
            return
        if isinstance(node, S.Product):
            for factor in node.factors if "\\odot" in node.operators else ():
                self._vectorial(factor)
            self._matrix_times_vector(node)
            return
        spelled = spell(node, self.letters)
        is_plain = spelled is not None and (spelled.power is None or isinstance(spelled.power, S.Number))
        if spelled is None or not is_plain or spelled.key in self.scalars:
            return
        self._set(spelled, self._usual(spelled))

    def _matrix_times_vector(self, node: S.Product) -> None:
        """``BAx`` where a vector is expected: bare capitals, then a bare small letter; or ``xAB``, for a row."""
        factors = [factor for factor in node.factors if not isinstance(factor, S.Number | S.Fraction)]
        names = [s for factor in factors if (s := spell(factor, self.letters)) is not None and s.power is None]
        if len(names) < 2 or len(names) < len(factors) or any(node.operators):
            return
        vector, *matrices = sorted(names, key=lambda s: is_upper(s.key))
        is_split = all(is_upper(s.key) for s in matrices) and not is_upper(vector.key)
        if not is_split or vector not in (names[0], names[-1]):
            return
        fitting = [self._is_open(s) or self.rank_of(s) == (1 if s is vector else 2) for s in names]
        if all(fitting):
            for spelled in names:
                self._set(spelled, 1 if spelled is vector else 2)

    def _demanded(self, members: tuple[Node, ...]) -> None:
        """What makes up an array: the ``Wx`` in ``h = \\tanh(Wx + b)``, in a document of linear algebra; the ``XW`` in
        ``S = XW + b``, where S is a matrix."""
        spelled = spell(members[0], self.letters)
        rank = self.rank_of(spelled) if spelled is not None and not spelled.indices else 0
        if self.linear and rank == 1:
            self._makes_vector(members[-1])
        for term in self._terms_of(members[-1]) if rank == 2 else ():
            names = [spell(factor, self.letters) for factor in term.factors]
            matrices = [s for s in names if s is not None and is_upper(s.key) and s.power is None]
            if len(matrices) == len(names) and all(self._is_open(s) or self.rank_of(s) == 2 for s in matrices):
                self.linear = True
                for matrix in matrices:
                    self._set(matrix, 2)

    def _terms_of(self, node: Node) -> Iterator[S.Product]:
        """The products without signs that an expression adds up."""
        terms = node.terms if isinstance(node, S.Sum) else (node,)
        return (term for term in terms if isinstance(term, S.Product) and not any(term.operators))

    def _makes_vector(self, node: Node) -> None:
        """Go down through what acts entry by entry to the products of matrices with vectors."""
        while isinstance(node, S.Group | S.Decoration):
            node = node.body
        if isinstance(node, S.Apply):
            self._vectorial(node.argument)
            self._makes_vector(node.argument)
        elif isinstance(node, S.Sum):
            for term in node.terms:
                if spell(term, self.letters) is None:
                    self._makes_vector(term)
        elif isinstance(node, S.Product) and "\\odot" in node.operators:
            for factor in node.factors:
                self._vectorial(factor)
        elif isinstance(node, S.Product) and _is_call(node):
            self._vectorial(node.factors[1])
            self._makes_vector(node.factors[1])
        elif isinstance(node, S.Product):
            self._matrix_times_vector(node)

    def _usual(self, spelled: Spelling) -> int:
        """How many axes are left out: those written elsewhere; else one, or two for a bare capital."""
        count = len(spelled.indices)
        more = [c - count for c in self.counts.get(spelled.key, ()) if c > count]
        if more:
            return min(more)
        return 2 if not count and is_upper(spelled.key) else 1

    def _set(self, spelled: Spelling, hidden: int) -> None:
        name = spelled.key, len(spelled.indices)
        if not name[1] and self.counts.get(spelled.key):
            return  # the written indices elsewhere say it
        if name not in self.hidden and hidden > 0:
            self.hidden[name] = hidden

    def _declared(self, members: tuple[Node, ...]) -> None:
        """``X \\in \\mathbb{R}^{n \\times h}``; members of a chain are passed with their relations kept as pairs."""
        for left, right in pairwise(members):
            dimensions = shape(right)
            spelled = spell(left, self.letters)
            if len(dimensions) == 2 and spelled is not None:
                self.declared.add(spelled.key)
            if S.is_reals(right) and spelled is not None and not spelled.indices:
                self.scalars.add(spelled.key)
            if dimensions and spelled is not None:
                self.shaped |= {spelled.key} if not spelled.indices else set()
                self._set(spelled, len(dimensions))

    # -- passing on --------------------------------------------------------------------------------------------------

    def _equal(self, members: tuple[Node, ...], claim: bool) -> None:
        """Both sides of an equation have one rank; a name that is one side takes the other's.

        A name with indices takes none where a bare name lacks them: in ``y_i = \\gamma_i \\hat{x}`` the hat has an i.
        """
        ranks = [self._certain(member) for member in members if not shape(member)]
        known = max(ranks, default=0)
        if not known:
            return
        lacking = any(self._lacks_indices(member) for member in members)
        for member in members:
            for name in self._whole(member):
                if not (name.indices and lacking) and not (claim and (lacking or not self._is_written(name, known))):
                    self._raise(name, known)

    def _is_written(self, name: Spelling, rank: int) -> bool:
        """Whether a name with indices is the part of what is written with more elsewhere, or a name has no indices."""
        count = len(name.indices)
        return not count or count + rank in self.counts.get(name.key, ())

    def _lacks_indices(self, node: Node) -> bool:
        """Whether an expression has a name bare that has indices elsewhere."""
        names = (
            spell(inner, self.letters) for inner in node.walk() if isinstance(inner, S.Symbol | S.Accent | S.Script)
        )
        subscripts = {
            id(inner) for outer in node.walk() if isinstance(outer, S.Script | S.Accent) for inner in outer.children()
        }
        return any(
            s is not None and not s.indices and self.counts.get(s.key) and id(s.node) not in subscripts for s in names
        )

    def _raise(self, name: Spelling, known: int) -> None:
        """Give a name the rank that an equation demands of it, where it has less."""
        rank = self.rank_of(name)
        counts = self.counts.get(name.key)
        if not rank:
            self._set(name, known)
        elif not name.indices and counts and rank < known and rank == min(counts):
            self.hidden.setdefault((name.key, min(counts)), known - rank)

    def _whole(self, member: Node) -> Iterator[Spelling]:
        """The name whose rank is that of a member: the member itself, or what a loss is differentiated by."""
        while isinstance(member, S.Decoration):
            member = member.body
        spelled = spell(member, self.letters)
        if spelled is not None:
            if spelled.power is None and spelled.key not in self.scalars:
                yield spelled
            return
        by = self._differentiated_by(member)
        if by is not None and by.key not in self.scalars:
            yield by

    def _alike(self, node: Node) -> None:
        """Weaker evidence: operands of an elementwise product, terms of a sum of matrices, neighbours of a matrix."""
        if isinstance(node, S.Product):
            for k, operator in enumerate(node.operators):
                left, right = node.factors[k], node.factors[k + 1]
                if operator == "\\odot" or (operator == "\\cdot" and self.rank(left) == 1):
                    self._same(left, right)
                    self._same(right, left)
                elif operator == "" and self.linear:
                    self._matrix_beside(left, right)
        elif isinstance(node, S.Sum):
            self._terms(node)

    def _matrices(self, node: Node) -> None:
        """What stands beside matrices or is added to them: the b in ``Y = XW + b`` is a vector, whatever a claim
        says of it; so is the w in ``Xw``."""
        if isinstance(node, S.Product) and self.linear:
            for left, right, operator in zip(node.factors, node.factors[1:], node.operators, strict=False):
                if not operator:
                    self._matrix_beside(left, right)
            self._vector_behind(node)
        elif isinstance(node, S.Sum) and any(self.rank(term) == 2 for term in node.terms):
            self._terms(node)

    def _vector_behind(self, node: S.Product) -> None:
        """A bare small letter that ends a product, behind a matrix."""
        before, last = node.factors[-2:]
        spelled = spell(last, self.letters)
        if spelled is None or spelled.power is not None or is_upper(spelled.key) or node.operators[-1]:
            return
        if self.rank(before) == 2 and self._is_open(spelled):
            self._set(spelled, 1)

    def _same(self, known: Node, unknown: Node) -> None:
        """An operand of an elementwise product has the other's rank. The gamma of a forward pass that multiplies it
        otherwise stays a number, whatever a claim does with it."""
        rank = self.rank(known)
        spelled = self._bare(unknown)
        if rank and spelled is not None and spelled.key not in self._forward and self._is_open(spelled):
            self._set(spelled, rank)

    def _bare(self, node: Node) -> Spelling | None:
        """A name that stands without a power."""
        spelled = spell(node, self.letters)
        return spelled if spelled is not None and spelled.power is None else None

    def _is_open(self, spelled: Spelling) -> bool:
        """Whether nothing is known of a name that is never written with indices."""
        key = spelled.key
        return (
            not spelled.indices
            and not self.counts.get(key)
            and key not in self.scalars
            and (key, 0) not in self.hidden
            and not self._is_identity(spelled)
        )

    def _is_part(self, spelled: Spelling, rank: int) -> bool:
        """Whether a name with indices can be a part of the array that it is with more: ``Y_i`` beside ``Y_{ik}``."""
        count = len(spelled.indices)
        is_known = (spelled.key, count) in self.hidden or (spelled.key, count) in self.defined
        return bool(count) and not is_known and count + rank in self.counts.get(spelled.key, ())

    def _matrix_beside(self, left: Node, right: Node) -> None:
        """A capital beside a matrix, in a document with transposes, is a matrix."""
        for known, unknown in ((left, right), (right, left)):
            spelled = spell(unknown, self.letters)
            if self.rank(known) and spelled is not None and self._is_open(spelled) and is_upper(spelled.key):
                self._set(spelled, 2)

    def _terms(self, node: S.Sum) -> None:
        """A name added to a matrix is one too; in lower case it is a vector that is added to every row."""
        rank = max((self.rank(term) for term in node.terms), default=0)
        if not rank or not self.linear:
            return
        for term in node.terms:
            spelled = spell(term, self.letters)
            if spelled is None or spelled.power is not None:
                continue
            if self._is_open(spelled):
                self._set(spelled, rank if is_upper(spelled.key) else min(rank, 1))
            elif self._is_part(spelled, rank):
                self._set(spelled, rank)

    # -- ranks of expressions ----------------------------------------------------------------------------------------

    def rank_of(self, spelled: Spelling) -> int:
        total = self.total(spelled.key, len(spelled.indices))
        return total - len(spelled.indices) if spelled.indices else total

    def _is_identity(self, spelled: Spelling) -> bool:
        return spelled.key in IDENTITIES and not self.total(spelled.key, 0) and (spelled.key, 0) not in self.defined

    def _differentiated_by(self, node: Node) -> Spelling | None:
        """x in ``\\frac{\\partial L}{\\partial x}`` and in ``\\nabla_x L``, for a number L."""
        if (
            isinstance(node, S.Fraction)
            and isinstance(node.numerator, S.Product)
            and isinstance(node.denominator, S.Product)
        ):
            above, below = node.numerator.factors, node.denominator.factors
            heads = [spell(side[0], self.letters) for side in (above, below)]
            if len(above) == len(below) == 2 and all(h is not None and h.key in PARTIALS for h in heads):
                return spell(below[1], self.letters) if self._is_number(above[1]) else None
        if isinstance(node, S.Product) and len(node.factors) == 2 and isinstance(node.factors[0], S.Script):
            head = node.factors[0]
            if (
                isinstance(head.base, S.Symbol)
                and head.base.name == "\\nabla"
                and head.sub is not None
                and not head.sup
            ):
                return spell(head.sub, self.letters)
        return None

    def _is_number(self, node: Node) -> bool:
        spelled = spell(node, self.letters)
        return spelled is not None and spelled.key in self.scalars

    def _certain(self, node: Node) -> int:
        """The rank of an expression; 0 where it hangs on what a dot between vectors means."""
        dots = (n for n in node.walk() if isinstance(n, S.Product) and "\\cdot" in n.operators)
        doubtful = any(sum(rank == 1 for _, rank, _ in self._factors(product)) > 1 for product in dots)
        return 0 if doubtful or any(self._multiplies_unknown(n) for n in node.walk()) else self.rank(node)

    def _multiplies_unknown(self, node: Node) -> bool:
        """Whether a matrix stands beside a name of which nothing is known: then their product's rank is not known."""
        if not isinstance(node, S.Product):
            return False
        ranks = [(self.rank(f), spell(f, self.letters)) for f in node.factors]
        return any(
            left[0] == 2 and right[1] is not None and not right[0] and right[1].key not in self.scalars and not operator
            for left, right, operator in zip(ranks, ranks[1:], node.operators, strict=False)
        )

    def rank(self, node: Node) -> int:
        """The number of slots that an expression leaves open, as far as it is known."""
        if isinstance(node, S.Script) and self.is_transpose(node.sup):
            return self.rank(_without_power(node))
        spelled = spell(node, self.letters)
        if spelled is not None:
            return 2 if self._is_identity(spelled) else self.rank_of(spelled)
        by = self._differentiated_by(node)
        if by is not None:
            return self.rank_of(by)
        if isinstance(node, S.Group):
            return 0 if node.opening in ("‖", "\\langle", "\\lVert") else self.rank(node.body)
        if isinstance(node, S.Product):
            return self._product_rank(node)
        if isinstance(node, S.Sum):
            return max(self.rank(term) for term in node.terms)
        if isinstance(node, S.Fraction):
            return max(self.rank(node.numerator), self.rank(node.denominator))
        if isinstance(node, S.BigOperator) and node.operator == FAMILY:
            return self.rank(node.body) + 1
        if isinstance(node, S.Decoration | S.BigOperator | S.Accent):
            return self.rank(node.body)
        if isinstance(node, S.Script):
            written = len(list(subscript_items(node.sub))) if node.sub is not None else 0
            return max(self.rank(node.base) - written, 0)
        if isinstance(node, S.Apply):
            return self.rank(node.argument)
        if isinstance(node, S.Root):
            return self.rank(node.radicand)
        return 0

    def _product_rank(self, node: S.Product) -> int:
        """Row times column is a number, column times row a matrix; otherwise the largest of the factors."""
        rank, row = 0, False
        for operator, own, own_row in self._factors(node):
            joined = operator in ("", "\\cdot", "\\times")
            if rank == 1 and own == 1 and operator == "" and (row or own_row):
                rank, row = (0, False) if row else (2, False)
            elif rank == 2 and own == 1 and joined:
                rank, row = 1, False
            elif rank == 1 and own == 2 and row and operator == "":
                rank, row = 1, True
            else:
                rank, row = max(rank, own), (row or own_row) if max(rank, own) == 1 else False
        return rank

    def _factors(self, node: S.Product) -> Iterator[tuple[str, int, bool]]:
        """The operator before, the rank, and whether it is a row, of each factor; ``\\nabla_x L`` and calls are one."""
        at = 0
        while at < len(node.factors):
            factor, operator = node.factors[at], node.operators[at - 1] if at else ""
            pair = S.Product(node.factors[at : at + 2], ("",)) if node.operators[at : at + 1] == ("",) else None
            by = self._differentiated_by(pair) if pair is not None else None
            spelled = spell(factor, self.letters)
            if by is not None:
                yield operator, self.rank_of(by), False
                at += 2
            elif pair is not None and spelled is not None and is_statistic(spelled.key, pair.factors[1]):
                yield operator, 0, False
                at += 2
            elif pair is not None and spelled is not None and plain(spelled.key) in ARRAY_FUNCTIONS:
                yield operator, _function_rank(plain(spelled.key), self.rank(pair.factors[1])), False
                at += 2
            elif pair is not None and spelled is not None and self._is_call(spelled.key, pair.factors[1]):
                yield operator, self._call_rank(spelled.key, pair.factors[1]), False
                at += 2
            else:
                yield operator, self.rank(factor), self._is_row(factor)
                at += 1

    def _is_call(self, key: str, group: Node) -> bool:
        return key in self.functions and isinstance(group, S.Group) and key not in self._calling

    def _call_rank(self, key: str, group: Node) -> int:
        """The rank of a call: that of the function's value, or of the argument where the function is one of numbers."""
        function = self.functions[key]
        if not any(self.total(parameter, 0) for parameter in function.parameters):
            return self.rank(group)
        self._calling.append(key)
        try:
            return self.rank(function.body)
        finally:
            self._calling.pop()

    def _is_row(self, node: Node) -> bool:
        """Whether a factor is a transpose, or a name for one."""
        if isinstance(node, S.Script) and self.is_transpose(node.sup):
            return not self.row_vectors
        spelled = spell(node, self.letters)
        if spelled is None:
            return False
        return spelled.key in self.rows or (self.row_vectors and self.rank_of(spelled) == 1)


def _is_call(node: S.Product) -> bool:
    """Whether a product is a function applied to a bracket: ``\\sigma(z)``."""
    head, *rest = node.factors
    return len(rest) == 1 and not any(node.operators) and isinstance(head, S.Symbol) and isinstance(rest[0], S.Group)


def _function_rank(name: str, argument: int) -> int:
    """The rank of a function of an array."""
    if name in _REDUCTIONS:
        return max(argument - 1, 0)
    return _FUNCTION_RANKS.get(name, argument)


def plain(key: str) -> str:
    """A name without its font: ``\\operatorname{diag}``, ``\\text{diag}`` and ``diag`` are one."""
    if key.startswith("\\text{"):
        return key[6:-1]
    return key.lstrip("\\")


def _index_above(node: Node) -> bool:
    """Whether a name or the name that carries its subscript has an index in brackets above it."""
    while isinstance(node, S.Script):
        if isinstance(node.sup, S.Group) and node.sup.opening == "(":
            return True
        node = node.base
    return False


def _without_power(node: S.Script) -> Node:
    if node.sub is None and not node.primes:
        return node.base
    return S.Script(node.base, node.sub, None, node.primes, node.span)


def _is_bold(node: Node) -> bool:
    return (isinstance(node, S.Symbol) and node.font == "bold") or (
        isinstance(node, S.Script | S.Accent)
        and any(_is_bold(child) for child in (node.base if isinstance(node, S.Script) else node.body,))
    )


def is_upper(key: str) -> bool:
    """Whether a name is a capital, whatever its font, accent and label."""
    while key.startswith("\\") and "{" in key and not key.startswith("\\text{"):
        key = key[key.index("{") + 1 :]
    return key[:1].isupper()


def shape(node: Node) -> tuple[Node, ...]:
    """The dimensions in ``\\mathbb{R}^{n \\times h}``; none for anything else."""
    if not isinstance(node, S.Script) or node.sup is None or not S.is_reals(node.base):
        return ()
    if isinstance(node.sup, S.Product) and set(node.sup.operators) <= {"\\times"}:
        return node.sup.factors
    return (node.sup,)
