"""The second judge: sound intervals, right derivatives, true claims never refuted, false ones refuted for
certain."""

from __future__ import annotations

import ast
import itertools
import math
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from graphs import (
    LAYERS,
    SIZES,
    C,
    K,
    Layer,
    N,
    Values,
    b,
    b2,
    c,
    everywhere,
    i,
    j,
    k,
    p,
    w,
    x,
    y,
    z,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import iv, libmp
from random_graphs import random_expr, random_graph
from sympy import Expr, KroneckerDelta, Rational, Symbol, log
from test_gradient import LOSS, TANGENTS, chain, close, own_entry, partial_jacobian, shape_of

import derive.probe.code
from derive.forward import Definition, Graph, entry
from derive.gradient import Calculus, Reading
from derive.language import D, bound, erf, index, indices_of, refresh, scalar, sigmoid, size, tensor, total
from derive.primitives import PRIMITIVES
from derive.probe.arithmetic import Floats, Interval, Intervals, OutOfDomain, disjoint, is_nothing, is_pinned, middle
from derive.probe.code import NotEvaluable, TooLarge
from derive.probe.data import Point, choose_sizes
from derive.probe.duals import Dual, Duals
from derive.probe.evaluation import Evaluator
from derive.probe.points import ALL_ROUNDS, ROUNDS, Agreement, Claim, Counterexample, assignments, compare

EMPTY = Graph((), {"x": (N,), "y": (N,), "w": (N, C)})


def contains(interval: Interval, value: Any) -> bool:
    low, high = (mpmath.mp.make_mpf(end) for end in interval.raw)
    return bool(low <= value <= high)


# -- it shares nothing with the first judge ------------------------------------------------------------------


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_it_imports_neither_the_symbolic_derivatives_nor_the_normal_form() -> None:
    folder = Path(derive.probe.__file__).parent
    used = set().union(*(imports(path) for path in folder.glob("*.py")))
    own = {name.split(".")[1] for name in used if name.startswith("derive.")}
    assert own <= {"caches", "forward", "language", "opaque", "primitives", "probe"}
    for name in ("forward", "language", "primitives"):
        below = imports(folder.parent / f"{name}.py")
        assert not any(part in module for module in below for part in ("gradient", "normal"))


# -- intervals -----------------------------------------------------------------------------------------------

EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "abs": abs,
    "sign": mpmath.sign,
    "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
    "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
    "tanh": mpmath.tanh,
    "erf": mpmath.erf,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "arctan": mpmath.atan,
    "step": lambda u: (1 + mpmath.sign(u)) / 2,
}
NUMBERS = st.fractions(min_value=-40, max_value=40, max_denominator=10**6)
BITS = st.sampled_from([24, 53, 80, 300])


def between(low: Fraction, high: Fraction, bits: int) -> Interval:
    first, second = (Intervals(bits).number(value).raw for value in (low, high))
    return Interval((first[0], second[1]), bits)


def exact(value: Fraction) -> Any:
    return mpmath.mpf(value.numerator) / value.denominator


@settings(max_examples=300)
@given(NUMBERS, NUMBERS, st.fractions(0, 1, max_denominator=64), BITS, st.sampled_from(sorted(EXACT)))
def test_functions_of_intervals_enclose(a: Fraction, d: Fraction, t: Fraction, bits: int, name: str) -> None:
    """For every point of an interval the function's value there lies in the function of the interval."""
    low, high = min(a, d), max(a, d)
    try:
        found = Intervals(bits).call(name, between(low, high, bits))
    except OutOfDomain:
        assert (name == "log" and low <= 2 * abs(low) / 2**bits) or (name in ("sign", "step") and low <= 0 <= high)
        return
    with mpmath.workprec(bits + 250):
        assert contains(found, EXACT[name](exact(low + t * (high - low))))


@settings(max_examples=300)
@given(
    NUMBERS,
    NUMBERS,
    st.fractions(0, 1, max_denominator=64),
    BITS,
    st.fractions(min_value=-7, max_value=7, max_denominator=6),
)
def test_powers_of_intervals_enclose(a: Fraction, d: Fraction, t: Fraction, bits: int, power: Fraction) -> None:
    low, high = min(a, d), max(a, d)
    at = low + t * (high - low)
    try:
        found = Intervals(bits).power(between(low, high, bits), power)
    except OutOfDomain:
        assert low <= 0 and (power.denominator > 1 or (power < 0 <= high))
        return
    with mpmath.workprec(bits + 250):
        expected = exact(at) ** power.numerator if power.denominator == 1 else mpmath.power(exact(at), exact(power))
        assert contains(found, expected)


@settings(max_examples=200)
@given(
    st.lists(NUMBERS, min_size=4, max_size=4),
    st.lists(st.fractions(0, 1, max_denominator=8), min_size=2, max_size=2),
    BITS,
)
def test_sums_and_products_of_intervals_enclose(numbers: list[Fraction], places: list[Fraction], bits: int) -> None:
    first, second = sorted(numbers[:2]), sorted(numbers[2:])
    one, two = between(first[0], first[1], bits), between(second[0], second[1], bits)
    u, v = (low + t * (high - low) for (low, high), t in zip((first, second), places, strict=True))
    with mpmath.workprec(bits + 250):
        assert contains(one + two, exact(u + v))
        assert contains(one * two, exact(u * v))


def test_the_precision_of_others_does_not_matter() -> None:
    before = iv.prec
    try:
        iv.prec = 5
        found = Intervals(200).call("exp", Intervals(200).number(Fraction(1, 3)))
        low, high = found.raw
        assert libmp.to_float(libmp.mpf_sub(high, low)) < 2.0**-190
    finally:
        iv.prec = before


def test_intervals_are_disjoint_only_when_they_share_no_point() -> None:
    one, two, three = (Intervals(80).number(Fraction(n, 3)) for n in (1, 2, 3))
    assert disjoint(one, two) and disjoint(two, one)
    assert not disjoint(one, one) and not disjoint(between(Fraction(1, 3), Fraction(1), 80), three)
    assert middle(two) == "0.66666667" and middle(three) == "1"
    assert middle(between(Fraction(-1, 10**30), Fraction(1, 10**29), 80)) == "0"
    assert is_pinned(three, three, -70) and not is_pinned(two, three, -2) and not is_nothing(two, three, -1)


OUTSIDE = [
    ("log", Fraction(0)),
    ("log", Fraction(-1)),
    ("step", Fraction(0)),
]


@pytest.mark.parametrize("arithmetic", [Floats(), Intervals(80)], ids=["floats", "intervals"])
def test_what_has_no_value(arithmetic: Any) -> None:
    for name, at in OUTSIDE:
        with pytest.raises(OutOfDomain):
            arithmetic.call(name, arithmetic.number(at))
    for base, power in (
        (0, -1),
        (0, Fraction(-1, 2)),
        (-8, Fraction(1, 3)),
        (-8, Fraction(2, 3)),
        (-1, Fraction(1, 2)),
    ):
        with pytest.raises(OutOfDomain):
            arithmetic.power(arithmetic.number(Fraction(base)), Fraction(power))
    zero = arithmetic.number(Fraction(0))
    for power, value in ((0, 1), (2, 0), (Fraction(1, 2), 0), (Fraction(2, 3), 0)):
        found = arithmetic.power(zero, Fraction(power))
        assert found == value if isinstance(found, float) else contains(found, value)


# -- dual numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [primitive.name for primitive in PRIMITIVES])
@pytest.mark.parametrize("at", [0.3, 1.7])
def test_slopes_of_functions_of_first_and_second_order(name: str, at: float) -> None:
    duals = Duals(Floats())
    once = duals.call(name, Dual(1, at, 1.0))
    assert once.slope == pytest.approx(float(mpmath.diff(EXACT[name], at)), rel=1e-9, abs=1e-9)
    twice = duals.call(name, Dual(2, Dual(1, at, 1.0), 1.0))
    second = twice.slope.slope if isinstance(twice.slope, Dual) else 0.0
    assert second == pytest.approx(float(mpmath.diff(EXACT[name], at, 2)), rel=1e-7, abs=1e-7)


def test_perturbations_of_different_derivatives_are_kept_apart() -> None:
    """d/dx (x · d/dy (x + y)) is 1, not 2."""
    u, v = scalar("u"), scalar("v")
    graph = Graph((), {"u": (), "v": ()})
    evaluator = Evaluator(graph, {}, lambda name, at: Fraction(1), Floats())
    assert evaluator.value(D(u * D(u + v, v), u), {}) == 1.0


# -- derivatives of worked layers ----------------------------------------------------------------------------


@pytest.mark.parametrize("reading", ["total", "partial"])
@pytest.mark.parametrize(("layer", "of", "by"), TANGENTS, ids=[f"{t[0].name}-{t[1]}-{t[2]}" for t in TANGENTS])
def test_tangents(layer: Layer, of: str, by: str, reading: Reading) -> None:
    data = layer.data(7)
    evaluator = Evaluator(layer.graph, SIZES, Values({}, data).entry, Floats(), reading)
    letters = [index(f"u{n}") for n in range(8)]
    expr = D(own_entry(layer.graph, of, letters[:4]), own_entry(layer.graph, by, letters[4:]))
    found = np.zeros(shape_of(layer.graph, of) + shape_of(layer.graph, by))
    for first, second in itertools.product(everywhere(layer.graph, of), everywhere(layer.graph, by)):
        env = dict(zip(letters[:4], first, strict=False)) | dict(zip(letters[4:], second, strict=False))
        found[tuple(n - 1 for n in (*first, *second))] = evaluator.value(expr, env)
    if reading == "total":
        expected = layer.slopes(data, lambda env: env[of], by)
    else:
        expected = partial_jacobian(layer, data, of, by)
    close(found, expected, layer)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))
def test_the_loss(layer: Layer) -> None:
    data = layer.data(8)
    weights = layer.weights(3)
    upstream = {f"∂L/∂{name}": array for name, array in weights.items()}
    evaluator = Evaluator(layer.graph, SIZES, Values({}, {**data, **upstream}).entry, Floats())
    for name in layer.names:
        if name == "L":
            continue
        places = list(everywhere(layer.graph, name))
        by = [entry(name, tuple(map(sympy.Integer, place))) for place in places]
        found = np.reshape([evaluator.value(D(LOSS, e), {}) for e in by], shape_of(layer.graph, name))
        close(found, layer.slopes(data, layer.functional(weights), name), layer)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))
@pytest.mark.parametrize("bits", [80, 300])
def test_interval_derivatives_contain_the_symbolic_ones(layer: Layer, bits: int) -> None:
    """The other judge's derivative, evaluated with twice the digits, lies inside a narrow interval."""
    graph = layer.graph
    calculus = Calculus(graph)
    data = {name: array.round(2) for name, array in layer.data(9).items()}

    def fraction(name: str, place: tuple[int, ...]) -> Fraction:
        if name.startswith("∂"):
            return Fraction(sum(place) % 5 - 2) or Fraction(1, 3)
        return Fraction(str(data[name][tuple(n - 1 for n in place)]))

    evaluator = Evaluator(graph, SIZES, fraction, Intervals(bits))
    name = graph.inputs[0]
    place = next(everywhere(graph, name))
    expr = D(LOSS, entry(name, tuple(map(sympy.Integer, place))))
    found = evaluator.value(expr, {})
    with mpmath.workprec(2 * bits + 100):
        upstream = lambda n, at: exact(fraction(n.removesuffix(" direct"), at))  # noqa: E731
        values = Values({**graph.by_name, **calculus.staged}, upstream, lib=mpmath.mp)
        resolved = calculus.resolve(expr, "total")
        values.definitions = {**graph.by_name, **calculus.staged}
        assert contains(found, values(resolved))
    assert is_pinned(found, found, -45) or is_nothing(found, found, -50)


def test_a_chain_of_300_layers() -> None:
    graph = chain(300)
    evaluator = Evaluator(graph, {"N": 3}, lambda name, at: Fraction(1 + sum(at), 9), Floats())
    assert math.isfinite(evaluator.value(D(tensor("h300")[1], tensor("h0")[2]), {}))


# -- certified counterexamples -------------------------------------------------------------------------------


def given_data(found: Counterexample) -> Callable[[str, tuple[int, ...]], Any]:
    """The printed data of a counterexample, read back."""

    def data(name: str, indices: tuple[int, ...]) -> Any:
        value = found.values[name.removesuffix(" direct")]
        for n in indices:
            value = value[n - 1]
        return exact(Fraction(value))

    return data


def reproduce(found: Counterexample, claim: Claim, graph: Graph, reading: Reading = "total") -> None:
    """Both sides at the printed data, by the other judge's derivatives and this file's evaluator, are those
    printed."""
    calculus = Calculus(graph)
    env = {letter: found.indices[letter.name] for letter in claim.indices}
    with mpmath.workprec(200):
        sides = [calculus.resolve(side, reading) for side in (claim.left, claim.right)]
        values = Values({**graph.by_name, **calculus.staged}, given_data(found), found.sizes, mpmath.mp)
        left, right = (values(side, env) for side in sides)
        assert left != right
        for number, text in ((left, found.left), (right, found.right)):
            assert abs(number - mpmath.mpf(text)) <= abs(number) * mpmath.mpf("6e-8") + mpmath.mpf("1e-20")


def refuted(claim: Claim, graph: Graph = EMPTY, reading: Reading = "total", rounds: int = 4) -> Counterexample:
    found = compare(claim, graph, reading, rounds)
    assert isinstance(found, Counterexample), found
    return found


def agrees(claim: Claim, graph: Graph = EMPTY, reading: Reading = "total", rounds: int = 4) -> None:
    found = compare(claim, graph, reading, rounds)
    assert isinstance(found, Agreement), found
    assert found.points > 0


def gradients(layer: Layer) -> list[tuple[Claim, Graph]]:
    """True claims about a layer: each adjoint in terms of the staged ones, whose names are put back as
    derivatives."""
    calculus = Calculus(layer.graph)
    claims = []
    for name in layer.names:
        letters = tuple(index(f"u{n}") for n in range(len(layer.graph.sizes_of(name))))
        calculus.adjoint(name, letters)
    for name, definition in calculus.staged.items():
        by = entry(name.removeprefix("∂L/∂"), definition.indices)
        right = _spelled_out(definition.expr)
        claims.append((Claim(D(LOSS, by), right, definition.indices, definition.sizes), layer.graph))
    return claims


def _spelled_out(expr: Expr) -> Expr:
    """The names of staged adjoints back as derivatives of the loss."""
    staged = [q for q in expr.atoms(sympy.Indexed, Symbol) if str(getattr(q, "base", q)).startswith("∂L/∂")]
    names = {q: str(q.base.label if isinstance(q, sympy.Indexed) else q).removeprefix("∂L/∂") for q in staged}
    return expr.xreplace({q: D(LOSS, entry(name, indices_of(q))) for q, name in names.items()})


PLAIN = [claim for layer in LAYERS.values() if layer.name != "shared output" for claim in gradients(layer)]


@pytest.mark.parametrize(("claim", "graph"), PLAIN, ids=[str(claim.left) for claim, _ in PLAIN])
def test_true_gradients_agree_and_false_ones_are_refuted(claim: Claim, graph: Graph) -> None:
    agrees(claim, graph, rounds=2)
    wrong = Claim(claim.left, claim.right * Rational(3, 2), claim.indices, claim.sizes)
    if claim.right == 0:
        wrong = Claim(claim.left, sympy.Integer(1), claim.indices, claim.sizes)
    reproduce(refuted(wrong, graph), wrong, graph)


def test_the_same_counterexample_every_time() -> None:
    claim = Claim(D(LOSS, x[i, c]), D(LOSS, tensor("xh")[i, c]), (i, c), (N, C))
    first = refuted(claim, LAYERS["batch norm"].graph)
    again = Graph(LAYERS["batch norm"].graph.definitions, LAYERS["batch norm"].graph.sizes, positive=frozenset({"eps"}))
    assert refuted(claim, again) == first
    assert set(first.sizes.values()) == {3}
    assert all(set(map(len, first.values[name])) == {3} for name in ("x", "∂L/∂y"))
    assert {type(v) for row in first.values["x"] for v in row} == {str}
    assert {Fraction(v).denominator for row in first.values["x"] for v in row} == {1}


def test_sides_are_shown_with_enough_digits_to_tell_them_apart() -> None:
    found = refuted(Claim(x[1], x[1] + Rational(1, 10**9)))
    assert found.left != found.right and float(found.right) - float(found.left) == pytest.approx(1e-9, rel=1e-3)


def test_a_difference_that_needs_distinct_sizes_is_found() -> None:
    claim = Claim(total(w[b, b2], [(b, N), (b2, C)]) / N, total(w[b, b2], [(b, N), (b2, C)]) / C)
    found = refuted(claim)
    assert found.sizes["N"] != found.sizes["C"]
    reproduce(found, claim, EMPTY)


def test_the_counterexample_with_the_fewest_entries_is_shown() -> None:
    letter = bound("b")
    claim = Claim(sympy.Sum(x[letter], (letter, 1, i)), sympy.Integer(7), (i,), (N,))
    assert refuted(claim).entries == 1


def test_entries_read_by_number_are_there() -> None:
    assert refuted(Claim(x[7], x[1] + 1)).sizes["N"] == 7


def test_values_are_complete_arrays() -> None:
    found = refuted(Claim(x[2], x[2] + 1))
    assert found.values == {"x": found.values["x"]} and len(found.values["x"]) == 3


# -- random expressions --------------------------------------------------------------------------------------


def rewritten(random: Random, expr: Expr, letters: Mapping[Symbol, Expr]) -> Expr:
    """An expression that is equal for all sizes and data, and looks different."""
    if isinstance(expr, sympy.Sum) and len(expr.limits) == 1:
        (letter, low, high) = expr.limits[0]
        body = rewritten(random, expr.function, {**letters, letter: high})
        if random.random() < 0.4 and isinstance(body, sympy.Add):
            return sympy.Add(*(refresh(sympy.Sum(term, (letter, low, high))) for term in body.args))
        return refresh(sympy.Sum(body, (letter, low, high)))
    if isinstance(expr, sympy.Add | sympy.Mul):
        expr = expr.func(*(rewritten(random, a, letters) for a in expr.args))
    if isinstance(expr, sympy.Mul) and random.random() < 0.3:
        factor = next((a for a in expr.args if isinstance(a, sympy.Add)), None)
        if factor is not None:
            rest = expr / factor
            return sympy.Add(*(rest * part for part in factor.args))
    if isinstance(expr, sympy.tanh):
        return 2 * sigmoid(2 * expr.args[0]) - 1
    if isinstance(expr, sigmoid):
        return 1 / (1 + sympy.exp(-expr.args[0]))
    if isinstance(expr, sympy.Indexed) and random.random() < 0.3:
        return _by_delta(random, expr, letters)
    if random.random() < 0.1:
        u = expr**2 + 1
        return sympy.sqrt(u) * expr / sympy.sqrt(u) + sympy.log(u) - 2 * sympy.log(sympy.sqrt(u))
    return expr


def _by_delta(random: Random, expr: Expr, letters: Mapping[Symbol, Expr]) -> Expr:
    """x_i as Σ_b δ_bi x_b."""
    known = [n for n in expr.indices if n in letters]
    if not known:
        return expr
    letter = random.choice(known)
    fresh = bound("b")
    return total(KroneckerDelta(fresh, letter) * expr.xreplace({letter: fresh}), [(fresh, letters[letter])])


def damaged(random: Random, expr: Expr, letters: Mapping[Symbol, Expr]) -> Expr:
    """An expression with one mistake in it."""
    quantities = sorted(expr.atoms(sympy.Indexed), key=str)
    choices: list[Expr] = [expr * 2, expr + Rational(1, 7), -expr, expr**2, expr * N / (N - 1)]
    if quantities:
        hit = random.choice(quantities)
        choices += [
            expr.xreplace({hit: 2 * hit}),
            expr.xreplace({hit: hit**2}),
            expr + hit.xreplace(_first(hit, letters)),
        ]
    return random.choice(choices)


def _first(expr: Expr, letters: Mapping[Symbol, Expr]) -> dict[Expr, Expr]:
    return {n: sympy.Integer(1) for n in expr.indices if n not in letters}


def random_claim(seed: int) -> tuple[Random, Expr, dict[Symbol, Expr], Graph]:
    random = Random(seed)
    graph, _ = random_graph(seed)
    letters = {index("n0"): "N", index("n1"): "N", index("c0"): "C"}
    known = {name: tuple(str(n) for n in graph.sizes_of(name)) for name in (*graph.inputs, *graph.by_name)}
    expr = random_expr(random, known, letters, depth=3)
    return random, expr, {letter: {"N": N, "C": C}[axis] for letter, axis in letters.items()}, graph


def check_rewriting(seed: int) -> None:
    random, expr, letters, graph = random_claim(seed)
    claim = Claim(expr, rewritten(random, expr, letters), tuple(letters), tuple(letters.values()))
    assert isinstance(compare(claim, graph, "total", 3), Agreement), seed


def check_damage(seed: int) -> bool | None:
    """Whether a difference that shows in floating point is found (None where none shows); it must be
    reproducible."""
    random, expr, letters, graph = random_claim(seed)
    wrong = damaged(random, rewritten(random, expr, letters), letters)
    data = random_graph(seed)[1]
    values = Values(graph.by_name, data)
    places = (dict(zip(letters, place, strict=True)) for place in itertools.product((1, 2, 3), repeat=3))
    try:
        sides = [(values(expr, at), values(wrong, at)) for at in places]
    except OverflowError:
        return None
    if not any(abs(left - right) > 1e-3 * (1 + abs(left)) for left, right in sides):
        return None
    claim = Claim(expr, wrong, tuple(letters), tuple(letters.values()))
    found = compare(claim, graph, "total", 4)
    if isinstance(found, Counterexample):
        reproduce(found, claim, graph)
    return isinstance(found, Counterexample)


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_rewritten_expressions_are_never_refuted(seed: int) -> None:
    check_rewriting(seed)


def test_damaged_expressions_are_refuted_reproducibly() -> None:
    assert all(check_damage(seed) is not False for seed in range(60))


@pytest.mark.slow
@settings(max_examples=3000)
@given(st.integers(0, 10**9))
def test_many_rewritten_expressions(seed: int) -> None:
    check_rewriting(seed)


@pytest.mark.slow
def test_many_damaged_expressions() -> None:
    """A few stay open: where a sigmoid is flat at every point of integers, sums of thousands hide the difference."""
    open_ = [seed for seed in range(3000) if check_damage(seed) is False]
    assert len(open_) <= 3, open_


# -- index values --------------------------------------------------------------------------------------------

l = index("l")  # noqa: E741
SOMEWHERE = [
    ("where two letters are equal", KroneckerDelta(i, j), 0, (i, j), (N, N)),
    ("where two letters differ", KroneckerDelta(i, j), 1, (i, j), (N, N)),
    (
        "where four letters are pairwise equal",
        KroneckerDelta(i, j) * KroneckerDelta(k, l),
        0,
        (i, j, k, l),
        (N, N, C, C),
    ),
    (
        "where one pair is equal",
        (1 - KroneckerDelta(i, j)) * KroneckerDelta(k, l),
        0,
        (i, j, k, l),
        (N, N, C, C),
    ),
    (
        "where four letters are all equal",
        KroneckerDelta(i, j) * KroneckerDelta(j, k) * KroneckerDelta(k, l),
        0,
        (i, j, k, l),
        (N,) * 4,
    ),
    ("at the last value of a letter", total(KroneckerDelta(b, k), [(b, N - 1)]), 1, (k,), (N,)),
    ("at a value that is mentioned", KroneckerDelta(k, 5) * x[5], 0, (k,), (N,)),
    ("at the first value of a letter", KroneckerDelta(k, 1), 0, (k,), (N,)),
]


@pytest.mark.parametrize(
    ("left", "right", "letters", "sizes"),
    [case[1:] for case in SOMEWHERE],
    ids=[case[0] for case in SOMEWHERE],
)
def test_a_difference_is_found(left: Expr, right: int, letters: Any, sizes: Any) -> None:
    refuted(Claim(left, sympy.Integer(right), letters, sizes))


def test_letters_that_are_kept_apart() -> None:
    claim = Claim(KroneckerDelta(i, j) * x[i], sympy.Integer(0), (i, j), (N, N), frozenset({frozenset({i, j})}))
    agrees(claim)


def test_conditions_on_a_selector() -> None:
    graph = LAYERS["cross-entropy"].graph
    chosen = Claim(KroneckerDelta(k, y[i]), sympy.Integer(1), (i, k), (N, K), conditions=((k, y[i], True),))
    agrees(chosen, graph)
    others = Claim(KroneckerDelta(k, y[i]), sympy.Integer(0), (i, k), (N, K), conditions=((k, y[i], False),))
    agrees(others, graph)
    refuted(Claim(KroneckerDelta(k, y[i]), sympy.Integer(0), (i, k), (N, K)), graph)
    refuted(Claim(KroneckerDelta(k, y[i]), sympy.Integer(1), (i, k), (N, K)), graph)


def test_no_more_index_values_than_allowed() -> None:
    letters = tuple(index(f"u{n}") for n in range(6))
    claim = Claim(x[letters[0]], x[letters[0]], letters, (N,) * 3 + (C,) * 3)
    evaluator = Evaluator(EMPTY, {"N": 3, "C": 4}, lambda name, at: Fraction(1), Floats())
    chosen = assignments(claim, evaluator)
    assert len(chosen) == 12
    assert any(len({a[n] for n in letters[:3]}) == 1 for a in chosen)


# -- sizes and data ------------------------------------------------------------------------------------------

G_, W_ = size("G"), size("W")


@pytest.mark.parametrize("plan", sorted({kind.plan for kind in ROUNDS}))
@pytest.mark.parametrize("sizes", [(N, C, K), (N, C / G_, G_), (N * W_, N, W_), (N - 1, N), (C / G_ / 2, N)], ids=str)
def test_computed_sizes_are_integers(sizes: tuple[Expr, ...], plan: tuple[int, ...]) -> None:
    names = sorted({s.name for n in sizes for s in n.free_symbols})
    chosen = choose_sizes(names, sizes, {}, plan)
    values = [n.xreplace({s: sympy.Integer(chosen[s.name]) for s in n.free_symbols}) for n in sizes]
    assert all(v.is_Integer and v >= min(2, *plan) for v in values)


def test_groups_of_channels() -> None:
    group = tensor("m")
    definitions = (Definition("m", (i,), (G_,), total(w[i, b], [(b, C / G_)]) * G_ / C),)
    graph = Graph(definitions, {"w": (G_, C / G_)})
    agrees(Claim(D(group[i], w[j, k]), KroneckerDelta(i, j) * G_ / C, (i, j, k), (G_, G_, C / G_)), graph)
    refuted(Claim(D(group[i], w[j, k]), KroneckerDelta(i, j) / C, (i, j, k), (G_, G_, C / G_)), graph)


@pytest.mark.parametrize("style", ["plain", "generic", "positive", "unit"])
def test_data(style: Any) -> None:
    graph = Graph((), {"t": (N, N, N)}, positive=frozenset({"e"}), selectors={"y": K})
    point = Point(graph, {"N": 3, "K": 5}, 0, style)
    for place in itertools.product((1, 2, 3), repeat=3):
        assert point.data("t", place) != 0
    for axis in range(3):
        rows = [
            {point.data("t", (*at[:axis], n, *at[axis:])) for n in (1, 2, 3)}
            for at in itertools.product((1, 2, 3), repeat=2)
        ]
        assert all(len(row) > 1 for row in rows) or axis > 0
        assert any(len(row) > 1 for row in rows)
    assert point.data("e", ()) > 0
    assert {point.data("y", (n,)) for n in range(1, 6)} == {1, 2, 3, 4, 5}
    assert [point.again().data("t", (1, 2, 3))] == [point.data("t", (1, 2, 3))]
    if style == "unit":
        assert all(0 < point.data("t", (n, n, n)) < 1 for n in (1, 2, 3))


FACTS = [
    ("a row sums to 1", total(w[i, b], [(b, C)]), sympy.Integer(1), True),
    ("a row sums to 0", total(w[i, b], [(b, C)]), sympy.Integer(0), True),
    ("all sums to a size", total(w[b, b2], [(b, N), (b2, C)]), N, True),
    ("what no data are drawn for", total(w[i, b] * x[i], [(b, C)]), sympy.Integer(1), False),
]


@pytest.mark.parametrize(("left", "right", "drawn"), [case[1:] for case in FACTS], ids=[case[0] for case in FACTS])
def test_facts_hold_at_every_point_that_is_used(left: Expr, right: Expr, drawn: bool) -> None:
    graph = Graph((), {"w": (N, C), "x": (N,)}, facts=((left, right),))
    letters, sizes = ((i,), (N,)) if left.has(i) else ((), ())
    found = compare(Claim(left, right, letters, sizes), graph, "total", 3)
    assert isinstance(found, Agreement) and bool(found.points) == drawn
    wrong = compare(Claim(left, right + 1, letters, sizes), graph, "total", 3)
    assert isinstance(wrong, Counterexample) == drawn


def test_a_fact_about_other_names_is_no_hindrance() -> None:
    graph = Graph((), {"w": (N, C), "x": (N,)}, facts=((total(w[1, b] ** 2, [(b, C)]), sympy.Integer(1)),))
    refuted(Claim(x[i], 2 * x[i], (i,), (N,)), graph)
    found = compare(Claim(w[1, 1], 2 * w[1, 1]), graph, "total")
    assert isinstance(found, Agreement) and not found.points


def test_half_of_an_axis() -> None:
    half = total(x[b], [(b, N / 2)])
    found = refuted(Claim(half, total(x[b], [(b, N)]) / 2))
    assert found.sizes["N"] % 2 == 0
    graph = Graph((Definition("s", (), (), half),), {"x": (N,)})
    agrees(Claim(D(scalar("s"), x[1]), sympy.Integer(1)), graph)
    agrees(Claim(D(scalar("s"), x[N]), sympy.Integer(0)), graph)


def test_points_are_looked_for_where_both_sides_have_a_value() -> None:
    u = scalar("u")
    agrees(Claim(sympy.log(u**3), 3 * sympy.log(u)), rounds=2)
    bernoulli = sympy.log(u) + sympy.log(1 - u)
    agrees(Claim(bernoulli, sympy.log(u * (1 - u))), rounds=2)
    refuted(Claim(bernoulli, sympy.log(u)), rounds=2)


# -- what is not refuted -------------------------------------------------------------------------------------

UNSEEN = [
    ("infinities", sympy.exp(sympy.exp(1000 + x[1] ** 2)), x[1]),
    ("a root of negative numbers", (-(x[1] ** 2) - 1) ** Rational(1, 3), x[1]),
    ("an entry outside its array", x[20], x[1]),
    ("a sum beyond the axis", total(x[b], [(b, N + 1)]), x[1]),
]


@pytest.mark.parametrize(("left", "right"), [case[1:] for case in UNSEEN], ids=[case[0] for case in UNSEEN])
def test_points_without_a_value_say_nothing(left: Expr, right: Expr) -> None:
    found = compare(Claim(left, right), EMPTY, "total", 3)
    assert isinstance(found, Agreement) and found.points == 0


def test_a_kink_has_no_slope() -> None:
    """|x_i - x_j| where the letters are equal."""
    left = D(sympy.Abs(x[i] - x[j]), x[i])
    agrees(Claim(left, sympy.sign(x[i] - x[j]), (i, j), (N, N)))


def test_rounding_is_no_difference() -> None:
    """Both sides vanish, up to rounding of large numbers."""
    large = (x[1] + 10**6) ** 2 - x[1] ** 2 - 2 * 10**6 * x[1]
    agrees(Claim(sympy.sqrt(2) * large / sympy.sqrt(2) - 10**12 + x[1], x[1]))


TINY = Rational(1, 10**40)

DIFFERENT = [
    ("tiny numbers", TINY, 2 * TINY),
    ("tiny entries", x[1] ** 2 * TINY, 2 * x[1] ** 2 * TINY),
    ("huge numbers", x[1] * 10**400, x[1] * 10**401),
    ("an exponential beyond floats", sympy.exp(x[1] + 1000), 2 * sympy.exp(x[1] + 1000)),
    (
        "a hidden difference",
        (x[1] + Rational(1, 10**40)) ** 2 - x[1] ** 2 - Rational(2, 10**40) * x[1],
        sympy.Integer(0),
    ),
    ("large arguments only", log(x[1] - 2), log(x[1] - 2) + 1),
]


@pytest.mark.parametrize(("left", "right"), [case[1:] for case in DIFFERENT], ids=[case[0] for case in DIFFERENT])
def test_differences_at_every_scale(left: Expr, right: Expr) -> None:
    refuted(Claim(left, right), rounds=ALL_ROUNDS)
    agrees(Claim(left, left), rounds=ALL_ROUNDS)


@pytest.mark.parametrize("count", range(2, 6))
def test_a_claim_true_at_one_size_only(count: int) -> None:
    found = refuted(Claim(total(x[b] ** 0, [(b, N)]), sympy.Integer(count)), rounds=ALL_ROUNDS)
    assert found.sizes["N"] != count and not found.special


def test_what_differs_at_special_points_only() -> None:
    two_or_more = total(total(x[b] * x[b2] * (1 - KroneckerDelta(b, b2)), [(b, N)]), [(b2, N)])
    vanishing = refuted(Claim(KroneckerDelta(N, 1) * x[1], two_or_more * 0), rounds=ALL_ROUNDS)
    assert vanishing.special == "small" and vanishing.sizes["N"] == 1
    at_zero = refuted(Claim(sympy.sign(x[1]) ** 2, sympy.Integer(1)), rounds=ALL_ROUNDS)
    assert at_zero.special == "zero" and "0" in at_zero.values["x"]


def test_both_sides_of_a_kink_are_asked_for() -> None:
    """|2 + sin x| shows one side of its kink whatever x is; |x| shows both."""
    for kink, one_sided in ((sympy.sin(x[1]) + 2, True), (x[1], False)):
        found = compare(Claim(sympy.Abs(kink), sympy.Abs(-2 * kink) / 2), EMPTY, "total", ALL_ROUNDS)
        assert isinstance(found, Agreement) and bool(found.one_sided) == one_sided == (not found.is_thorough)


UNKNOWN = [
    ("an index that has no value", x[j], "index j"),
    ("a function of two arguments", sympy.Function("f", real=True)(x[1], x[2]), "several arguments"),
    ("no rule", sympy.loggamma(x[1]), "loggamma"),
    ("an index that depends on data", total(x[b], [(b, sympy.ceiling(scalar("u")))]), "depends on data"),
    ("cases", sympy.Piecewise((x[1], x[1] > 0), (0, True)), "Piecewise"),
    ("another number of indices", tensor("o")[1, 2], "indices"),
    ("the second derivative of an unknown loss", D(D(LOSS, x[1]), x[2]), "second derivative"),
    ("a loss that depends on nothing known", D(LOSS, x[1]), "nothing says"),
]


@pytest.mark.parametrize(("expr", "message"), [case[1:] for case in UNKNOWN], ids=[case[0] for case in UNKNOWN])
def test_what_cannot_be_evaluated(expr: Expr, message: str) -> None:
    squares = Graph((Definition("o", (i,), (N,), x[i] ** 2),), {"x": (N,)})
    graph = EMPTY if "nothing says" in message else squares
    with pytest.raises(NotEvaluable, match=message):
        compare(Claim(expr, x[1]), graph, "total")


def test_a_partial_derivative_inside_an_expression() -> None:
    graph = LAYERS["batch norm"].graph
    claim = Claim(D(x[i, c] * D(y[i, c], x[i, c]), x[i, c]), D(y[i, c], x[i, c]), (i, c), (N, C))
    with pytest.raises(NotEvaluable):
        compare(claim, graph, "partial")


LARGE = [
    total(x[1] * b, [(b, sympy.Integer(10) ** 12)]),
    total(total(x[1] * b + b2, [(b, sympy.Integer(3000))]), [(b2, sympy.Integer(3000))]),
    sympy.Product(1 + x[1] ** 2 / b, (b, 1, sympy.Integer(10) ** 9)),
]


HUGE = sympy.Integer(10) ** 9
HUGE_AXES = [
    (
        "outputs",
        Graph((Definition("o", (i,), (HUGE,), x[1] * y[i]),), {"x": (N,), "y": (HUGE,)}),
        D(LOSS, x[1]),
    ),
    ("a fact", Graph((), {"x": (HUGE,)}, facts=((total(x[b], [(b, HUGE)]), sympy.Integer(1)),)), x[1]),
    ("a fact for each index", Graph((), {"w": (HUGE, C)}, facts=((w[i, 1], w[i, 2]),)), w[1, 1]),
]


@pytest.mark.parametrize(("graph", "expr"), [case[1:] for case in HUGE_AXES], ids=[case[0] for case in HUGE_AXES])
def test_huge_axes(graph: Graph, expr: Expr) -> None:
    with pytest.raises(TooLarge):
        compare(Claim(expr, sympy.Integer(7)), graph, "total")
    letters = tuple(index(f"u{n}") for n in range(9))
    agrees(Claim(i * 1, i, (i, *letters), (HUGE,) + (N,) * 9))
    agrees(Claim(i * 1, i, (i, j), (HUGE, HUGE), conditions=((i, j, False),)))


@pytest.mark.parametrize("expr", LARGE, ids=["a long sum", "a sum of sums", "a long product"])
def test_what_takes_too_long_is_given_up_soon(expr: Expr) -> None:
    start = time.perf_counter()
    with pytest.raises(TooLarge):
        compare(Claim(expr, x[1]), EMPTY, "total")
    assert time.perf_counter() - start < 5


def test_towers_end() -> None:
    tower = sympy.exp(x[1])
    for _ in range(50):
        tower = sympy.exp(tower)
    start = time.perf_counter()
    compare(Claim(tower, x[1] ** (10**9)), EMPTY, "total")
    compare(Claim(x[1] ** (10**9), x[1] ** Rational(10**9, 7)), EMPTY, "total")
    assert time.perf_counter() - start < 5


def test_a_nest_too_deep_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derive.probe.code, "MAX_NESTING", 20)
    nest = x[1]
    for n in range(20):
        nest = sympy.tanh(nest) + n
    with pytest.raises(TooLarge):
        compare(Claim(nest, x[1]), EMPTY, "total")


# -- the loss, higher derivatives, special expressions -------------------------------------------------------


def test_a_loss_inside_an_expression() -> None:
    graph = LAYERS["batch norm"].graph
    for reading in ("total", "partial"):
        agrees(Claim(D(3 * LOSS, x[i, c]), 3 * D(LOSS, x[i, c]), (i, c), (N, C)), graph, reading)
        refuted(Claim(D(3 * LOSS, x[i, c]), sympy.Integer(0), (i, c), (N, C)), graph, reading)


@pytest.mark.parametrize("reading", ["total", "partial"])
def test_a_hessian(reading: Reading) -> None:
    """The Hessian of log-sum-exp is diag(p) - p p'."""
    definitions = (
        Definition("Z", (), (), total(sympy.exp(z[b]), [(b, N)])),
        Definition("L", (), (), sympy.log(scalar("Z"))),
        Definition("p", (i,), (N,), sympy.exp(z[i]) / scalar("Z")),
    )
    graph = Graph(definitions, {"z": (N,)})
    left = D(D(LOSS, z[i]), z[j])
    agrees(Claim(left, p[i] * (KroneckerDelta(i, j) - p[j]), (i, j), (N, N)), graph, reading)
    wrong = Claim(left, p[i] * (KroneckerDelta(i, j) + p[j]), (i, j), (N, N))
    reproduce(refuted(wrong, graph, reading), wrong, graph, reading)


def test_mixed_partials_hold_the_other_names_fixed() -> None:
    """∂²y/∂m∂v of (x - m)/√v, where v is made of m."""
    m, v = scalar("m"), scalar("v")
    definitions = (
        Definition("m", (), (), total(x[b], [(b, N)]) / N),
        Definition("v", (), (), total((x[b] - m) ** 2, [(b, N)]) / N),
        Definition("y", (i,), (N,), (x[i] - m) / sympy.sqrt(v)),
    )
    graph = Graph(definitions, {"x": (N,)})
    for left in (D(D(y[i], m), v), D(D(y[i], v), m)):
        agrees(Claim(left, v ** Rational(-3, 2) / 2, (i,), (N,)), graph, "partial")


def test_a_function_left_general() -> None:
    f, first, second = (sympy.Function(f"f{mark}", real=True) for mark in ("", "'", "''"))
    u = scalar("u")
    agrees(Claim(D(f(u**2), u), 2 * u * first(u**2)))
    agrees(Claim(D(D(f(u), u), u), second(u)))
    refuted(Claim(D(f(u**2), u), 2 * u * f(u**2)))


CONSTANTS = [
    (sympy.pi, Fraction(314159265, 10**8)),
    (sympy.E, Fraction(271828183, 10**8)),
    (erf(sympy.Integer(1)), Fraction(84270079, 10**8)),
]


def test_constants_and_integer_powers() -> None:
    for expr, value in CONSTANTS:
        found = refuted(Claim(expr, sympy.Integer(0)))
        assert Fraction(found.left) == pytest.approx(value, rel=1e-7)
    negative = -(x[1] ** 2)
    agrees(Claim(negative**N, (-1) ** N * x[1] ** (2 * N)))
    agrees(Claim(sympy.Sum(negative ** (b - 1), (b, 1, 2)), 1 + negative))
    agrees(Claim(D(x[1] ** N, x[1]), N * x[1] ** (N - 1)))
    vanishing = x[i] - x[j]  # 0 where the letters are equal: 0**0 is 1, and does not move
    zeroth = D(sympy.Sum(vanishing ** (b - 1) * x[k], (b, 1, 1)), x[k])
    agrees(Claim(zeroth, sympy.Integer(1), (i, j, k), (N, N, N)))


def test_a_triangular_range() -> None:
    letter = bound("b")
    triangle = sympy.Sum(w[b, letter], (b, 1, letter), (letter, 1, N))
    graph = Graph((), {"w": (N, N)})
    rows = sympy.Sum(sympy.Sum(w[b, letter], (b, 1, letter)), (letter, 1, N))
    agrees(Claim(triangle, rows), graph)
    agrees(Claim(triangle, refresh(triangle)), graph)


def test_an_evaluation_shared_between_claims_stays_within_its_budget() -> None:
    graph = Graph((), {"w": (N, C)})
    for _ in range(3):
        agrees(Claim(total(w[b, b2], [(b, N), (b2, C)]), total(w[b, b2], [(b2, C), (b, N)])), graph)
