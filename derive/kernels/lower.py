"""A forward graph and its gradients as kernel programs.

Definitions with a sum become steps; elementwise ones are put in where they are used, so that no intermediate of the
data's size is stored. What depends on less than all axes (a statistic's power, a coefficient) is computed once,
beside the statistics, in the accumulators' precision, and the elementwise results are polynomials in the data with
these as coefficients. Two rules keep results exact: centred quantities (`derive.kernels.centred`), and exponentials
under a sum, which are shifted by their maximum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol

from derive.forward import Definition, Graph, closure, entry, quantities_in
from derive.kernels.axes import Axes, NotLowerable, base_name
from derive.kernels.centred import Centre, centred_entry
from derive.kernels.names import Names, comment, identifier
from derive.kernels.program import Array, Kind, Output, Program, Role, Size, Step, reads, walk
from derive.kernels.trees import LEFT, ROUND, STEP, named_calls, named_products, tree
from derive.language import index, indices_of, is_quantity, name_of, ordered

MANY_TERMS = 24


def mark(name: str, letters: Iterable[Expr]) -> Expr:
    """The entry of a step or an array of the program."""
    return entry(STEP + name, tuple(letters))


@dataclass(frozen=True)
class Value:
    """How a program computes a name of the graph: an expression over its entries, with letters to put indices in."""

    letters: tuple[Symbol, ...]
    expr: Expr

    def at(self, indices: tuple[Expr, ...]) -> Expr:
        return self.expr.xreplace(dict(zip(self.letters, indices, strict=True)))


@dataclass(frozen=True)
class Split:
    """A mean as hi + lo, both steps; ``data`` is the array that is centred with it."""

    centre: Centre
    hi: str
    lo: str


@dataclass
class Draft:
    """A step whose value is still a SymPy expression."""

    name: str
    letters: tuple[Symbol, ...]
    expr: Expr
    kind: Kind = "map"
    wide: bool = True
    over: tuple[Symbol, ...] = ()


@dataclass
class Scope:
    """What both directions share: the graph, its axes, the names that are given.

    Attributes:
        values: how names of the graph are computed from steps of the forward pass and arrays.
        splits: the means, as two steps each.
        saveable: steps of the forward pass that the backward pass may read, with their letters.
        symbols: what such steps are called in the document.
        positive: steps whose values are positive.
        returned: results of the forward pass that the backward pass reads rather than computing them again.
    """

    graph: Graph
    axes: Axes
    centres: Mapping[str, Centre]
    arrays: dict[str, Array] = field(default_factory=dict)
    returned: dict[str, Array] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    splits: dict[str, Split] = field(default_factory=dict)
    saveable: dict[str, tuple[Symbol, ...]] = field(default_factory=dict)
    symbols: dict[str, str] = field(default_factory=dict)
    positive: set[str] = field(default_factory=set)


class Lowering:
    """Builds one program.

    Args:
        scope: shared with the other direction.
        definitions: the names that may be put in: the graph's own, for the backward pass staged derivatives too.
        names: those taken in this program.
    """

    def __init__(self, scope: Scope, definitions: Mapping[str, Definition], names: Names) -> None:
        self.scope = scope
        self.definitions = definitions
        self.names = names
        self.drafts: dict[str, Draft] = {}
        self.outputs: list[Output] = []
        self._known: dict[object, str] = {}
        self._local: dict[str, Value] = {}
        self._first: dict[str, tuple[str, str]] = {}

    # -- results -----------------------------------------------------------------------------------------------------

    def output(self, key: str, label: str, name: str, letters: tuple[Symbol, ...], expr: Expr) -> None:
        """Compute an expression over program entries and return it under a label."""
        shaped, wide = self._shaped(expr, letters)
        self.drafts[name] = Draft(name, letters, shaped, wide=wide)
        self.outputs.append(Output(name, label, comment(key), key))

    def program(self, name: str, lines: tuple[str, ...]) -> Program:
        """The finished program; steps that nothing needs are left out."""
        needed = self._needed()
        steps = [self._step(draft) for draft in self.drafts.values() if draft.name in needed]
        steps = named_products(
            named_calls(steps, self.names, self.scope.axes.sorted), self.names, self.scope.axes.sorted
        )
        used = {read.name for step in steps for read in reads(step.value)}
        axes = self.scope.axes
        sizes = {letter: axes.size_names[axes.sizes[letter]] for letter in axes.order}
        used |= set(self._measuring(steps, used, sizes))
        arrays = tuple(a for a in self._arrays() if a.name in used)
        return Program(name, sizes, arrays, tuple(steps), tuple(self.outputs), lines)

    def _measuring(self, steps: list[Step], used: set[str], sizes: Mapping[str, str]) -> Iterator[str]:
        """Arrays that are not read and yet needed: none of the others shows a size that the steps use."""
        wanted = {sizes[letter] for step in steps for letter in step.space}
        wanted |= {node.name for step in steps for node in walk(step.value) if isinstance(node, Size)}
        known = {sizes[letter] for a in self._arrays() if a.name in used for letter in a.axes}
        for array in self._arrays():
            shown = {sizes[letter] for letter in array.axes}
            if array.role == "input" and shown & wanted - known:
                known |= shown
                yield array.name

    def _arrays(self) -> list[Array]:
        """What can go in: inputs, then what the other direction saved, then upstream gradients."""
        own = sorted(self.scope.arrays.values(), key=lambda a: a.role == "upstream")
        saved = (
            Array(name, tuple(i.name for i in letters), "saved", comment(self.scope.symbols.get(name, name)), name)
            for name, letters in self.scope.saveable.items()
            if name not in self.drafts
        )
        read = (a for a in self.scope.returned.values() if a.name not in self.drafts)
        return [*(a for a in own if a.role != "upstream"), *read, *saved, *(a for a in own if a.role == "upstream")]

    def _needed(self) -> set[str]:
        steps = (o.step for o in self.outputs)
        return closure(steps, self._sources) & self.drafts.keys()

    def _sources(self, name: str) -> list[str]:
        return [_plain(q) for q in quantities_in(self.drafts[name].expr)] if name in self.drafts else []

    def _step(self, draft: Draft) -> Step:
        value = tree(draft.expr, self.scope.axes.size_names, self._rank)
        letters = tuple(i.name for i in draft.letters)
        return Step(draft.name, letters, value, draft.kind, draft.wide, tuple(i.name for i in draft.over))

    def _rank(self, name: str) -> int:
        """How many axes a step or an array has."""
        if name in self.drafts:
            return len(self.drafts[name].letters)
        return next(len(a.axes) for a in self._arrays() if a.name == name)

    # -- arrays and names --------------------------------------------------------------------------------------------

    def array(self, key: str, role: Role, wish: str) -> Array:
        """An array that goes in."""
        if key not in self.scope.arrays:
            name = self.names.of(wish) if role == "input" else self.names.fresh(f"d{identifier(wish)}")
            self.scope.arrays[key] = Array(name, self.scope.axes.of(key), role, comment(key), key)
        return self.scope.arrays[key]

    def _quantity(self, expr: Expr) -> Expr:
        """A name of the graph as entries of the program."""
        key, indices = name_of(expr), indices_of(expr)
        if key.startswith(STEP) or (isinstance(expr, Symbol) and expr.is_integer):
            return expr
        if key in self.scope.values and key not in self.scope.returned:
            return self.scope.values[key].at(indices)
        if key in self._local:
            return self._local[key].at(indices)
        if key in self.scope.returned:
            return mark(self.scope.returned[key].name, indices)
        if key in self.definitions:
            return self._defined(self.definitions[key]).at(indices)
        role: Role = "upstream" if key.startswith("∂") else "input"
        array = self.array(key, role, key if role == "input" else base_name(key))
        return mark(array.name, indices)

    def _defined(self, definition: Definition) -> Value:
        letters = tuple(map(index, self.scope.axes.of(definition.name)))
        value = Value(letters, self._value(definition, letters))
        (self.scope.values if definition.name in self.scope.graph.by_name else self._local)[definition.name] = value
        return value

    def _value(self, definition: Definition, letters: tuple[Symbol, ...]) -> Expr:
        if definition.name in self.scope.centres:
            return self._mean(self.scope.centres[definition.name])
        expr = self.resolve(definition.at(letters))
        if not definition.expr.has(sympy.Sum) and not self._is_statistic(expr, letters):
            return expr
        if _is_exponential(expr):
            return expr
        return self._named(definition.name, letters, expr)

    def _is_statistic(self, expr: Expr, letters: tuple[Symbol, ...]) -> bool:
        """Whether a definition only rewrites statistics: worth a name of its own."""
        if len(letters) >= max(map(len, self.scope.graph.sizes.values()), default=0):
            return False
        entries = [_plain(q) for q in quantities_in(expr) if name_of(q).startswith(STEP)]
        return bool(entries) and all(e in self.drafts or e in self.scope.saveable for e in entries)

    def _named(self, key: str, letters: tuple[Symbol, ...], expr: Expr) -> Expr:
        """A step with the document's name for it; that of a single step goes to the step itself."""
        name = self.names.fresh(f"d{identifier(base_name(key))}") if key.startswith("∂") else self.names.of(key)
        self.drafts[name] = Draft(name, letters, self._opened(expr))
        self.scope.saveable[name] = letters
        self.scope.symbols[name] = key
        if self._is_positive(expr):
            self.scope.positive.add(name)
        return mark(name, letters)

    def _step_named(
        self,
        wish: str,
        letters: Iterable[Symbol],
        expr: Expr,
        kind: Kind = "map",
        wide: bool = True,
        over: tuple[Symbol, ...] = (),
    ) -> Expr:
        """A step of this name, or the one there is already for this expression."""
        ordered = self._ordered(letters)
        key = kind, expr, ordered, over
        if key not in self._known:
            name = self.names.fresh(wish[:32].rstrip("_"))
            self.drafts[name] = Draft(name, ordered, expr, kind, wide, over)
            self._known[key] = name
        return mark(self._known[key], ordered)

    def _ordered(self, letters: Iterable[Symbol]) -> tuple[Symbol, ...]:
        """Letters in the order of memory."""
        return tuple(map(index, self.scope.axes.sorted(i.name for i in letters)))

    # -- expressions -------------------------------------------------------------------------------------------------

    def resolve(self, expr: Expr) -> Expr:
        """An expression over the graph as one over program entries, its sums as steps."""
        if is_quantity(expr):
            return self._quantity(expr)
        if isinstance(expr, sympy.Sum):
            return self._sum(expr)
        if not expr.args or isinstance(expr, sympy.KroneckerDelta):
            return expr
        if isinstance(expr, ordered):
            raise NotLowerable("kernels have no sums up to another index yet")
        if isinstance(expr, sympy.Product | sympy.Piecewise):
            raise NotLowerable(f"kernels have no {type(expr).__name__.lower()}s yet")
        centred = centred_entry(expr, self.scope.centres)
        if centred is not None:
            centre, indices, sign, rest = centred
            return sign * self._centred(centre, indices) + self.resolve(rest)
        parts = [self.resolve(a) for a in expr.args]
        if isinstance(expr, sympy.log):
            return self._positive_log(parts[0])
        return _joined_exponentials(expr.func(*parts))

    def _positive_log(self, inner: Expr) -> Expr:
        """log(e^u Z) as u + log Z: what was shifted by its maximum stays in range."""
        factors = sympy.Mul.make_args(inner)
        if len(factors) > 1 and all(map(self._is_positive, factors)):
            return sympy.Add(*(self._positive_log(f) for f in factors))
        if isinstance(inner, sympy.Pow) and self._is_positive(inner.base) and inner.base is not sympy.E:
            return inner.exp * sympy.log(inner.base)
        return sympy.log(inner)

    def _is_positive(self, expr: Expr) -> bool:
        if isinstance(expr, sympy.exp) or (expr.is_number and expr.is_positive):
            return True
        if isinstance(expr, sympy.Pow | sympy.Mul | sympy.Add):
            parts = expr.args[:1] if isinstance(expr, sympy.Pow) else expr.args
            return all(map(self._is_positive, parts))
        return is_quantity(expr) and (_plain(expr) in self.scope.positive or bool(expr.is_positive))

    # -- centred quantities ------------------------------------------------------------------------------------------

    def _mean(self, centre: Centre) -> Expr:
        split = self._split(centre)
        letters = tuple(map(index, self.scope.axes.of(centre.mean)))
        return mark(split.hi, letters) + mark(split.lo, letters)

    def _centred(self, centre: Centre, indices: tuple[Expr, ...]) -> Expr:
        """x − μ: a mark, until it is known whether it stands in a sum or in a map."""
        self._split(centre)
        return entry(f"{STEP}{STEP}{centre.mean}", indices)

    def _split(self, centre: Centre) -> Split:
        """The steps that give a mean as hi + lo."""
        if centre.mean in self.scope.splits:
            return self.scope.splits[centre.mean]
        letters = tuple(map(index, self.scope.axes.of(centre.mean)))
        data = self._data(centre)
        over = self._ordered(i for i in indices_of(data) if i not in letters)
        stem = self.names.of(centre.mean)
        near = self._step_named(f"{stem}_near", letters, data, "near", over=over)
        self._first[centre.mean] = _plain(near), ""
        rest = self._reduced(self._shift(centre, near, f"{_plain(data)}_shifted"), over)
        squares = self._reduced(self._shift(centre, near, f"{_plain(data)}_shifted") ** 2, over)
        offset = self._step_named(f"{stem}_rest", letters, rest / centre.count)
        spread = squares / centre.count - offset**2
        hi = self._step_named(f"{stem}_hi", letters, sympy.Function(ROUND)(near + offset, spread), "rounded")
        lo = self._step_named(f"{stem}_lo", letters, sympy.Function(LEFT)(near, hi, offset))
        split = Split(centre, _plain(hi), _plain(lo))
        for name, what in ((split.hi, "rounded"), (split.lo, "less its rounded value")):
            self.scope.saveable[name] = letters
            self.scope.symbols[name] = f"{centre.mean} {what}"
        self.scope.splits[centre.mean] = split
        self._first[centre.mean] = _plain(near), _plain(offset)
        return split

    def _data(self, centre: Centre) -> Expr:
        letters = tuple(map(index, self.scope.axes.of(centre.data)))
        return self._quantity(entry(centre.data, letters))

    def _opened(self, expr: Expr, first: bool = False) -> Expr:
        """Centred quantities as t − lo, written out: x − hi − lo."""
        return expr.xreplace({c: self._difference(c, first) - self._lo(c, first) for c in _marks(expr)})

    def _centre_of(self, c: Expr) -> Centre:
        return self.scope.centres[name_of(c)[2 * len(STEP) :]]

    def _means(self, c: Expr, first: bool) -> tuple[str, str]:
        """The names of hi and lo; in the sums that find the mean itself, of the value near it and what is left."""
        centre = self._centre_of(c)
        if first and centre.mean in self._first:
            return self._first[centre.mean]
        split = self.scope.splits[centre.mean]
        return split.hi, split.lo

    def _at_mean(self, c: Expr, name: str) -> Expr:
        indices = indices_of(c)
        return mark(name, (indices[k] for k in self._centre_of(c).places))

    def _difference(self, c: Expr, first: bool = False) -> Expr:
        """t: the data less hi."""
        centre = self._centre_of(c)
        hi = self._means(c, first)[0]
        data = self._data(centre)
        letters = tuple(map(index, self.scope.axes.of(centre.mean)))
        name = f"{_plain(data)}_{'shifted' if hi != self.scope.splits[centre.mean].hi else 'centred'}"
        step = self._shift(centre, mark(hi, letters), name)
        return step.xreplace(dict(zip(indices_of(data), indices_of(c), strict=True)))

    def _shift(self, centre: Centre, middle: Expr, wish: str) -> Expr:
        """The data less something near its mean, computed on the way through the data and never stored."""
        data = self._data(centre)
        return self._step_named(wish, _free(data), data - middle, wide=False)

    def _lo(self, c: Expr, first: bool = False) -> Expr:
        return self._at_mean(c, self._means(c, first)[1])

    # -- sums --------------------------------------------------------------------------------------------------------

    def _sum(self, expr: Expr) -> Expr:
        """A sum as steps; what does not depend on its letters stands before it."""
        limits = list(expr.limits)
        for _, low, high in limits:
            if low != 1 or not (isinstance(high, Symbol) and high.is_integer):
                raise NotLowerable(f"a sum from {low} to {high}: kernels sum over whole axes")
        body, letters = self._body(expr)
        ranges = dict(zip(letters, (high for _, _, high in limits), strict=True))
        over = self._ordered(letters)
        if isinstance(body, sympy.exp) and set(over) <= body.free_symbols:
            return self._shifted(body, over)
        marked = [c for c in _marks(body) if not set(self._lo_indices(c)) & set(over)]
        if marked:
            body = _expanded(body)
        total = (self._term(term, over, ranges, marked) for term in sympy.Add.make_args(body))
        return sympy.Add(*total)

    def _body(self, expr: Expr) -> tuple[Expr, tuple[Symbol, ...]]:
        """The body over program entries, the summed indices under the letters of their axes: they come first, as a sum
        inside becomes a step that has them."""
        axis_of = self.scope.axes.letters_in(expr.function)
        summed = [i for i, _, _ in expr.limits]
        taken = {s for s in expr.function.free_symbols.difference(summed) if s.is_integer and not s.is_positive}
        letters: list[Symbol] = []
        for i in summed:
            if i not in axis_of:
                raise NotLowerable(f"a sum over {i.name}, which indexes nothing")
            letter = index(axis_of[i])
            if letter in taken or letter in letters:
                raise NotLowerable(f"two letters of the axis {letter} in one sum")
            letters.append(letter)
        return self.resolve(expr.function.xreplace(dict(zip(summed, letters, strict=True)))), tuple(letters)

    def _lo_indices(self, c: Expr) -> tuple[Expr, ...]:
        return tuple(indices_of(c)[k] for k in self._centre_of(c).places)

    def _term(self, term: Expr, over: tuple[Symbol, ...], ranges: Mapping[Symbol, Expr], marked: list[Expr]) -> Expr:
        """One term of a sum's body: its free factors times a reduction."""
        outside, inside = term.as_independent(*over, as_Add=False)
        missing = [ranges[i] for i in over if i not in inside.free_symbols]
        present = tuple(i for i in over if inside.has(i))
        scale = sympy.Mul(outside, *missing)
        if not present:
            return scale * inside
        centred = [c for c in marked if inside.has(c)]
        if len(centred) == 1:
            return scale * self._centred_sum(inside, centred[0], present, ranges)
        shaped, _ = self._shaped(inside, self._ordered(_free(inside)))
        return scale * self._reduced(shaped, present)

    def _centred_sum(self, body: Expr, c: Expr, over: tuple[Symbol, ...], ranges: Mapping[Symbol, Expr]) -> Expr:
        """Σ f (x − μ) = Σ f t − lo Σ f, and Σ (x − μ)² = Σ t² − N lo²."""
        weights, power = body.as_independent(c, as_Add=False)
        if power == c and weights != 1:
            t, lo = self._difference(c), self._lo(c)
            total = self._reduced(weights * t, over) - lo * self._reduced(weights, over)
            return self._step_named(f"sum_{self._listed(weights)}_centred", _free(total), total)
        if power == c**2 and weights == 1:
            t, lo = self._difference(c, True), self._lo(c, True)
            count = sympy.Mul(*(ranges[i] for i in over))
            if self._centre_of(c).count == count:
                return self._reduced(t**2, over) - count * lo**2
        return self._reduced(self._opened(body), over)

    def _reduced(self, body: Expr, over: tuple[Symbol, ...], wish: str | None = None) -> Expr:
        free = [i for i in _free(body) if i not in over]
        if wish is None:
            square = "_squared" if isinstance(body, sympy.Pow) and body.exp == 2 else ""
            wish = f"sum_{self._listed(body)}{square}"
        return self._step_named(wish, free, body, "sum", over=over)

    def _listed(self, expr: Expr) -> str:
        """The names of the data in an expression, statistics left out, for the name of its sum."""
        entries = [_plain(q) for q in quantities_in(expr) if indices_of(q)]
        names = sorted({e for e in entries if not self._is_wide(e)} or set(entries))
        return "_".join(names) or "terms"

    def _shifted(self, body: Expr, over: tuple[Symbol, ...]) -> Expr:
        """Σ e^u = e^m Σ e^(u − m) with m = max u: no term overflows, and one of them is 1."""
        inner = body.args[0]
        free = [i for i in _free(inner) if i not in over]
        top = self._step_named(f"max_{self._listed(inner)}", free, inner, "max", over=over)
        total = self._step_named("sum_exp", free, sympy.exp(inner - top), "sum", over=over)
        self.scope.positive.add(_plain(total))
        for step in (top, total):
            self.scope.saveable[_plain(step)] = indices_of(step)
        return sympy.exp(top) * total

    # -- maps --------------------------------------------------------------------------------------------------------

    def _shaped(self, expr: Expr, letters: tuple[Symbol, ...]) -> tuple[Expr, bool]:
        """An elementwise result with its coefficients named, and whether it is a wide one."""
        expr = self._rooted(expr, letters)
        group = self._group(expr, letters)
        if group is None:
            return self._opened(expr), self._reads_wide(expr)
        polynomial = _Polynomial.of(_expanded(expr), group)
        if len(polynomial.terms) > MANY_TERMS:
            return self._opened(expr), False
        return self._collected(polynomial), False

    def _reads_wide(self, expr: Expr) -> bool:
        return any(self._is_wide(_plain(q)) for q in quantities_in(expr))

    def _is_wide(self, name: str) -> bool:
        return (name in self.drafts and self.drafts[name].wide) or name in self.scope.saveable

    def _group(self, expr: Expr, letters: tuple[Symbol, ...]) -> frozenset[Symbol] | None:
        """The axes of the statistics in an expression, where they are fewer than its own."""
        found = [frozenset(_free(q)) for q in quantities_in(expr) if self._is_wide(_plain(q))]
        found += [frozenset(self._lo_indices(c)) for c in _marks(expr)]
        union = frozenset().union(*found)
        if not found or len(letters) == 0:
            return None
        if len(union) < len(letters):
            return union
        counted = Counter(f for f in found if len(f) < len(letters))
        return counted.most_common(1)[0][0] if counted and len(counted) == len(set(found)) else None

    def _rooted(self, expr: Expr, letters: tuple[Symbol, ...]) -> Expr:
        """Roots of statistics as whole powers of one reciprocal root: (σ² + ε)^(−3/2) is rstd³."""
        powers = [p for p in expr.atoms(sympy.Pow) if p.exp.is_Rational and self._is_root_base(p.base, letters)]
        for base in dict.fromkeys(p.base for p in sorted(powers, key=str) if p.exp.q == 2):
            if is_quantity(base) and not base.has(*letters) and not self._reads_wide(base):
                continue
            wish = "rstd" if any(_plain(q) in self._variances() for q in quantities_in(base)) else "inverse_root"
            root = self._step_named(wish, _free(base), base ** sympy.Rational(-1, 2))
            expr = expr.xreplace({p: root ** (-2 * p.exp) for p in powers if p.base == base})
        return expr

    def _is_root_base(self, base: Expr, letters: tuple[Symbol, ...]) -> bool:
        return self._reads_wide(base) and not _marks(base) and len(_free(base)) < max(len(letters), 1) + 1

    def _variances(self) -> set[str]:
        """The steps that hold a mean of squared deviations."""
        found: set[str] = set()
        for name, value in self.scope.values.items():
            definition = self.scope.graph.by_name.get(name)
            if definition is not None and _is_spread(definition, self.scope.centres):
                found |= {_plain(q) for q in quantities_in(value.expr)}
        return found

    def _collected(self, polynomial: _Polynomial) -> Expr:
        """content · Σ coefficient · monomial, the coefficients named and lo moved into them."""
        scale, local, rest = polynomial.factored()
        terms = self._moved(rest)
        named = {m: self._coefficient(c, self._role(m, c)) for m, c in terms.items()}
        body = _horner(named)
        if local == 1 and scale == 1:
            return body
        return sympy.Mul(local, self._coefficient(scale, "scale"), body, evaluate=False)

    def _moved(self, terms: dict[Expr, Expr]) -> dict[Expr, Expr]:
        """a (x − μ) f = a t f − a lo f."""
        result: dict[Expr, Expr] = {}
        for monomial, coefficient in terms.items():
            marks = _marks(monomial)
            if len(marks) != 1 or monomial.as_powers_dict()[marks[0]] != 1:
                key = self._opened(monomial)
                result[key] = result.get(key, sympy.S.Zero) + coefficient
                continue
            c = marks[0]
            sign = -1 if _is_negative(coefficient) else 1
            coefficient = sign * self._coefficient(sign * coefficient, self._role(c, coefficient))
            weights = monomial / c
            difference = self._difference(c)
            result[difference * weights] = result.get(difference * weights, sympy.S.Zero) + coefficient
            result[weights] = result.get(weights, sympy.S.Zero) - coefficient * self._lo(c)
        return {m: c for m, c in result.items() if c != 0}

    def _role(self, monomial: Expr, coefficient: Expr) -> str:
        """A name for a coefficient by what it multiplies."""
        if monomial == 1 or {_plain(q) for q in quantities_in(coefficient)} & {
            s.lo for s in self.scope.splits.values()
        }:
            return "offset"
        return "slope" if _marks(monomial) else "weight"

    def _coefficient(self, expr: Expr, wish: str) -> Expr:
        """A coefficient as a step of its own, unless it is one number or entry already."""
        sign = -1 if _is_negative(expr) else 1
        expr = sign * expr
        if expr.is_number or is_quantity(expr):
            return sign * expr
        return sign * self._step_named(wish, _free(expr), expr)


# The rest are helpers on expressions that know nothing of programs.


@dataclass
class _Polynomial:
    """An expanded expression as coefficients over a group of axes, by monomials in what depends on other axes too."""

    terms: dict[Expr, Expr]

    @classmethod
    def of(cls, expr: Expr, group: frozenset[Symbol]) -> _Polynomial:
        terms: dict[Expr, Expr] = {}
        for term in sympy.Add.make_args(expr):
            local = [f for f in sympy.Mul.make_args(term) if not set(_free(f)) <= group]
            rest = [f for f in sympy.Mul.make_args(term) if set(_free(f)) <= group]
            key = sympy.Mul(*local)
            terms[key] = terms.get(key, sympy.S.Zero) + sympy.Mul(*rest)
        return cls(terms)

    def factored(self) -> tuple[Expr, Expr, dict[Expr, Expr]]:
        """The common factor of the coefficients, that of the monomials, and what is left."""
        if len(self.terms) < 2:
            return sympy.S.One, sympy.S.One, self.terms
        scale = _common([t for c in self.terms.values() for t in sympy.Add.make_args(c)])
        local = _common(list(self.terms))
        if _marks(local):
            local = sympy.S.One
        rest = {m / local: sympy.Add(*(t / scale for t in sympy.Add.make_args(c))) for m, c in self.terms.items()}
        return scale, local, rest


def _common(terms: list[Expr]) -> Expr:
    """The product of the powers that are in all terms."""
    powers = [t.as_coeff_Mul()[1].as_powers_dict() for t in terms]
    bases = [b for b in powers[0] if not b.is_number and all(b in p for p in powers)]
    shared = {b: [p[b] for p in powers] for b in bases}
    found = sympy.S.One
    for base, exponents in shared.items():
        if all(e.is_Rational for e in exponents) and (all(e > 0 for e in exponents) or all(e < 0 for e in exponents)):
            found *= base ** (min(exponents) if exponents[0] > 0 else max(exponents))
    return found


def _joined_exponentials(expr: Expr) -> Expr:
    """e^a e^b as e^(a + b): where a shift by a maximum cancels, it must do so before anything overflows."""
    exponents: list[Expr] = []
    rest: list[Expr] = []
    for factor in sympy.Mul.make_args(expr):
        if isinstance(factor, sympy.exp):
            exponents.append(factor.exp)
        else:
            rest.append(factor)
    return sympy.Mul(*rest, sympy.exp(sympy.Add(*exponents))) if len(exponents) > 1 else expr


def _expanded(expr: Expr) -> Expr:
    """Products and powers of sums multiplied out; functions are left as they are (e^(x − m) must not become e^x
    e^−m)."""
    hidden: dict[Expr, Expr] = {}

    def hide(node: Expr) -> Expr:
        if isinstance(node, sympy.Function):
            return hidden.setdefault(node, sympy.Dummy())
        if not node.args or isinstance(node, sympy.Indexed):
            return node
        return node.func(*map(hide, node.args))

    shown = sympy.expand(hide(expr), power_base=False, power_exp=False)
    return shown.xreplace({dummy: node for node, dummy in hidden.items()})


def _horner(terms: dict[Expr, Expr]) -> Expr:
    """Σ coefficient · monomial with the factor that most monomials share taken out; nothing is multiplied out again."""
    counted = Counter(f for m in terms for f in sympy.Mul.make_args(m) if f != 1)
    best = min(counted, key=lambda f: (-counted[f], str(f)), default=None)
    if best is None or counted[best] < 2:
        return sympy.Add(*(c * m for m, c in terms.items()), evaluate=True)
    inside = {m / best: c for m, c in terms.items() if best in sympy.Mul.make_args(m)}
    outside = {m: c for m, c in terms.items() if best not in sympy.Mul.make_args(m)}
    product = sympy.Mul(best, _horner(inside), evaluate=False)
    return sympy.Add(product, *sympy.Add.make_args(_horner(outside)), evaluate=False) if outside else product


def _plain(expr: Expr) -> str:
    """The program's name of an entry."""
    return name_of(expr).removeprefix(STEP)


def _marks(expr: Expr) -> list[Expr]:
    """The centred quantities in an expression."""
    return sorted((q for q in quantities_in(expr) if name_of(q).startswith(STEP + STEP)), key=str)


def _free(expr: Expr) -> set[Symbol]:
    """The index letters of an expression."""
    return {s for s in expr.free_symbols if isinstance(s, Symbol) and s.is_integer and not s.is_positive}


def _is_negative(expr: Expr) -> bool:
    return all(t.as_coeff_Mul()[0].is_negative for t in sympy.Add.make_args(expr))


def _is_exponential(expr: Expr) -> bool:
    """Whether an expression is a shifted sum of exponentials, which is kept in its two parts."""
    return any(isinstance(f, sympy.exp) for f in sympy.Mul.make_args(expr))


def _is_spread(definition: Definition, centres: Mapping[str, Centre]) -> bool:
    sums = definition.expr.atoms(sympy.Sum)
    return any(isinstance(s.function, sympy.Pow) and centred_entry(s.function.base, centres) for s in sums)


__all__ = ["Lowering", "Scope", "mark"]
