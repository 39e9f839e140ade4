"""Symbolic derivatives against derivatives taken numerically on a forward pass that is written a second
time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from graphs import LAYERS, SIZES, C, Env, Layer, N, Values, b, c, everywhere, i, j, jacobian, k, s_, w, x, y
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import random_graph
from sympy import Expr, KroneckerDelta, Rational, Symbol

from derive.forward import Definition, Graph, entry, names_in
from derive.gradient import Calculus, NoDerivative, Reading, derivative_name, inline, partial, summed
from derive.language import D, bound, erf, index, scalar, sigmoid, tensor, total
from derive.probe.arithmetic import Floats
from derive.probe.evaluation import Evaluator

LOSS = Symbol("L", real=True)
LETTERS = [index(f"u{n}") for n in range(8)]


def close(found: Any, expected: Any, layer: Layer) -> None:
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=scale * (1e-10 if layer.analytic else 1e-7))


def own_entry(graph: Graph, name: str, letters: list[Symbol]) -> Expr:
    return entry(name, tuple(letters[: len(graph.sizes_of(name))]))


def tabulated(expr: Expr, letters: tuple[Symbol, ...], shape: tuple[int, ...], values: Values) -> np.ndarray:
    """An expression's values for all values of its letters."""
    found = np.zeros(shape)
    for place in np.ndindex(shape):
        found[place] = values(expr, {letter: n + 1 for letter, n in zip(letters, place, strict=True)})
    return found


def shape_of(graph: Graph, name: str) -> tuple[int, ...]:
    return tuple(SIZES[n.name] for n in graph.sizes_of(name))


# -- worked layers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))
def test_adjoints_are_slopes_of_a_functional_of_the_outputs(layer: Layer) -> None:
    data, weights = layer.data(1), layer.weights(2)
    calculus = Calculus(layer.graph)
    upstream = {f"∂L/∂{n}{mark}": array for n, array in weights.items() for mark in ("", " direct")}
    for name in layer.names:
        if name == "L":
            continue
        letters = tuple(LETTERS[: len(layer.graph.sizes_of(name))])
        expr = calculus.adjoint(name, letters)
        values = Values({**layer.graph.by_name, **calculus.staged}, {**data, **upstream})
        found = tabulated(expr, letters, shape_of(layer.graph, name), values)
        close(found, layer.slopes(data, layer.functional(weights), name), layer)


def pairs(layer: Layer) -> list[tuple[str, str]]:
    found = [(of, by) for of in layer.graph.by_name for by in layer.names if of != by]
    return [(of, by) for of, by in found if layer.graph.depends(of, by)]


TANGENTS = [(layer, of, by) for layer in LAYERS.values() for of, by in pairs(layer)]


def partial_jacobian(layer: Layer, data: Env, of: str, by: str) -> np.ndarray:
    """The derivative with all other names held fixed where ``of`` is computed from ``by`` itself, else by the
    chain rule through what it is computed from."""
    env = layer.run(data)
    step = dict(layer.steps)[of]

    def local(name: str) -> np.ndarray:
        return jacobian(lambda array: step({**env, name: array}), env[name], layer.analytic)

    uses = layer.graph.by_name[of].uses
    if by in uses:
        return local(by)
    result = np.zeros(np.shape(env[of]) + np.shape(env[by]))
    for name in uses & layer.graph.by_name.keys():
        if layer.graph.depends(name, by):
            result = result + np.tensordot(
                local(name), partial_jacobian(layer, data, name, by), axes=np.ndim(env[name])
            )
    return result


@pytest.mark.parametrize("reading", ["total", "partial"])
@pytest.mark.parametrize(("layer", "of", "by"), TANGENTS, ids=[f"{t[0].name}-{t[1]}-{t[2]}" for t in TANGENTS])
def test_tangents(layer: Layer, of: str, by: str, reading: Reading) -> None:
    data = layer.data(3)
    calculus = Calculus(layer.graph)
    first, second = own_entry(layer.graph, of, LETTERS[:4]), own_entry(layer.graph, by, LETTERS[4:])
    expr = calculus.resolve(D(first, second), reading)
    values = Values({**layer.graph.by_name, **calculus.staged}, data)
    shape = shape_of(layer.graph, of) + shape_of(layer.graph, by)
    letters = (*LETTERS[: len(shape_of(layer.graph, of))], *LETTERS[4 : 4 + len(shape_of(layer.graph, by))])
    found = tabulated(expr, letters, shape, values)
    if reading == "total":
        expected = layer.slopes(data, lambda env: env[of], by)
    else:
        expected = partial_jacobian(layer, data, of, by)
    close(found, expected, layer)


# -- random graphs -------------------------------------------------------------------------------------------


def slope(graph: Graph, data: Mapping[str, Any], of: Expr, name: str, place: tuple[int, ...]) -> float:
    """A central difference of an expression by an input's entry, with digits to spare."""

    def at(step: Any) -> Any:
        def moved(other: str, indices: tuple[int, ...]) -> Any:
            value = mpmath.mpf(float(data[other][tuple(n - 1 for n in indices)]))
            return value + step if (other, indices) == (name, place) else value

        return Values(graph.by_name, moved, lib=mpmath.mp)(of)

    with mpmath.workprec(200):
        h = mpmath.mpf(2) ** -60
        return float((at(h) - at(-h)) / (2 * h))


def check_random_graph(seed: int) -> None:
    graph, data = random_graph(seed)
    calculus = Calculus(graph)
    top = graph.definitions[-1]
    of = top.entry([sympy.Integer(1 + n % 2) for n in range(len(top.indices))])
    for name in graph.inputs:
        for place in itertools.islice(everywhere(graph, name), 4):
            by = entry(name, tuple(map(sympy.Integer, place)))
            expr = calculus.resolve(D(of, by), "total")
            found = Values({**graph.by_name, **calculus.staged}, data)(expr)
            assert found == pytest.approx(slope(graph, data, of, name, place), rel=1e-8, abs=1e-9), (
                seed,
                of,
                by,
            )


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_random_graphs(seed: int) -> None:
    check_random_graph(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2000))
def test_many_random_graphs(seed: int) -> None:
    check_random_graph(10**7 + seed)


def check_second_derivatives(seed: int, reading: Reading) -> None:
    """Both judges take second derivatives, each in its own way; in both readings they must agree."""
    graph, data = random_graph(seed)
    calculus = Calculus(graph)
    top = graph.definitions[-1]
    of = top.entry([sympy.Integer(1)] * len(top.indices))
    names = (*graph.inputs, *(d.name for d in graph.definitions[:-1]))
    entries = [entry(n, tuple(sympy.Integer(1) for _ in graph.sizes_of(n))) for n in names]
    for first, second in itertools.islice(itertools.combinations_with_replacement(entries, 2), 6):
        expr = calculus.resolve(D(D(of, first), second), reading)
        found = Values({**graph.by_name, **calculus.staged}, data)(expr)
        probe = Evaluator(graph, SIZES, Values({}, data).entry, Floats(), reading)
        assert found == pytest.approx(probe.value(D(D(of, first), second), {}), rel=1e-8, abs=1e-9), (
            seed,
            first,
            second,
        )


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.sampled_from(["total", "partial"]))
def test_second_derivatives_of_both_judges_agree(seed: int, reading: Reading) -> None:
    check_second_derivatives(seed, reading)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(500))
def test_many_second_derivatives(seed: int) -> None:
    check_second_derivatives(10**7 + seed, "total")
    check_second_derivatives(10**7 + seed, "partial")


# -- rules ---------------------------------------------------------------------------------------------------

u = scalar("u")
r = scalar("r")
f = sympy.Function("f", real=True)
RULES = [
    (u**3, 3 * u**2),
    (u**r, r * u ** (r - 1)),
    (r**u, r**u * sympy.log(r)),
    (f(u), sympy.Function("f'", real=True)(u)),
    (sympy.exp(2 * u), 2 * sympy.exp(2 * u)),
    (sympy.log(u), 1 / u),
    (sympy.Abs(u), sympy.sign(u)),
    (sympy.sign(u), 0),
    (sigmoid(u), sigmoid(u) * (1 - sigmoid(u))),
    (erf(u), 2 * sympy.exp(-(u**2)) / sympy.sqrt(sympy.pi)),
    (sympy.Heaviside(u), 0),
    (r, 0),
    (total(u * x[b], [(b, N)]), total(x[b], [(b, N)])),
    (N * u, N),
]


@pytest.mark.parametrize(("expr", "expected"), RULES, ids=[str(rule[0]) for rule in RULES])
def test_rules(expr: Expr, expected: Expr) -> None:
    found = partial(expr, "u", ())
    letters = {limit[0]: b for sum_ in found.atoms(sympy.Sum) for limit in sum_.limits}
    assert found.xreplace(letters) == expected


def test_a_function_without_a_rule_is_refused() -> None:
    with pytest.raises(NoDerivative, match="loggamma"):
        partial(sympy.loggamma(u), "u", ())
    with pytest.raises(NoDerivative, match="f"):
        partial(f(u, r), "u", ())


def test_a_derivative_without_a_value_is_refused() -> None:
    with pytest.raises(NoDerivative, match="no real value"):
        partial(sympy.Integer(0) ** u, "u", ())


def test_an_entry_with_another_number_of_indices_is_refused() -> None:
    with pytest.raises(NoDerivative, match="indices"):
        partial(x[i], "x", (i, j))


# -- deltas are summed when they arise -----------------------------------------------------------------------

n1 = bound("b")
COLLAPSES = [
    ("a delta ends its sum", KroneckerDelta(b, i) * x[b], [(b, 1, N)], {i: N}, x[i]),
    (
        "so does one beside a sum",
        (KroneckerDelta(b, i) - 1 / N) * y[b],
        [(b, 1, N)],
        {i: N},
        y[i] - total(y[b], [(b, N)]) / N,
    ),
    ("an index that may lie outside the range", KroneckerDelta(b, i) * x[b], [(b, 1, N)], {i: C}, None),
    ("an index of which nothing is known", KroneckerDelta(b, i) * x[b], [(b, 1, N)], {}, None),
    ("part of an axis", KroneckerDelta(b, i) * x[b], [(b, 1, N - 1)], {i: N}, None),
    ("a range from 0", KroneckerDelta(b, i) * x[b], [(b, 0, N)], {i: N}, None),
    (
        "two deltas",
        KroneckerDelta(b, i) * KroneckerDelta(n1, j) * w[b, n1],
        [(b, 1, N), (n1, 1, C)],
        {i: N, j: C},
        w[i, j],
    ),
    (
        "a delta of two bound letters",
        KroneckerDelta(b, n1) * w[b, n1],
        [(b, 1, N), (n1, 1, N)],
        {},
        total(w[n1, n1], [(n1, N)]),
    ),
    ("a row picked by a selector", KroneckerDelta(b, y[i]) * x[b], [(b, 1, N)], {y[i]: N}, x[y[i]]),
    ("an index made of the letter itself", KroneckerDelta(b, y[b]) * x[b], [(b, 1, N)], {y[b]: N}, None),
    ("nothing to sum", x[i], [(b, 1, N)], {}, N * x[i]),
    ("a factor without the letter", x[i] * y[b], [(b, 1, N)], {}, x[i] * total(y[b], [(b, N)])),
    ("a square of a delta", KroneckerDelta(b, i) ** 2 * x[b], [(b, 1, N)], {i: N}, x[i]),
]


@pytest.mark.parametrize(
    ("body", "limits", "spans", "expected"),
    [case[1:] for case in COLLAPSES],
    ids=[case[0] for case in COLLAPSES],
)
def test_sums_over_deltas(body: Expr, limits: list[Any], spans: Any, expected: Expr | None) -> None:
    found = summed(body, limits, spans)
    assert found == (sympy.Sum(body, *limits) if expected is None else expected)


def test_a_collapsing_delta_does_not_let_a_sum_inside_capture_its_index() -> None:
    inner = sympy.Sum(w[b, i], (i, 1, C))  # binds a letter that is free outside it
    found = summed(KroneckerDelta(b, i) * inner, [(b, 1, N)], {i: N})
    values = Values({}, {"w": np.arange(1.0, 13.0).reshape(3, 4)})
    assert values(found, {i: 2}) == 5 + 6 + 7 + 8


def test_batch_norm_is_staged_as_a_person_would_write_it() -> None:
    calculus = Calculus(LAYERS["batch norm"].graph)
    calculus.adjoint("x", (i, c))
    up, down = tensor("∂L/∂xh"), tensor("∂L/∂y")
    staged = calculus.staged
    (letter,) = (limit[0] for s in staged["∂L/∂mu"].expr.atoms(sympy.Sum) for limit in s.limits if s.has(up))
    assert staged["∂L/∂xh"].expr == tensor("g")[c] * down[i, c]
    first = -total(up[letter, c], [(letter, N)]) / sympy.sqrt(tensor("v")[c] + scalar("eps", positive=True))
    assert first in sympy.Add.make_args(staged["∂L/∂mu"].expr)
    assert not any(d.expr.has(KroneckerDelta) for d in staged.values())


# -- names and letters ---------------------------------------------------------------------------------------


def test_letters_that_a_document_fixes_are_not_taken_for_formal_ones() -> None:
    """L = -log p_k for one particular k, where p is defined with the letter k."""
    p, z = tensor("p"), tensor("z")
    definitions = (
        Definition("p", (k,), (N,), sympy.exp(z[k]) / total(sympy.exp(z[b]), [(b, N)])),
        Definition("L", (), (), -sympy.log(p[k])),
    )
    graph = Graph(definitions, {"z": (N,)}, selectors={"k": N})
    calculus = Calculus(graph)
    expr = calculus.adjoint("z", (i,))
    data = {"z": np.array([0.3, -0.2, 0.5]), "k": np.array(2)}
    values = Values({**graph.by_name, **calculus.staged}, data)
    soft = np.exp(data["z"]) / np.exp(data["z"]).sum()
    found = [values(expr, {i: n, k: 2}) for n in (1, 2, 3)]
    np.testing.assert_allclose(found, soft - np.array([0, 1, 0]), atol=1e-12)


def test_rows_and_columns_of_a_tangent_have_different_letters() -> None:
    prime = index("i'")
    definition = Definition("o", (i, prime), (N, N), x[i] * y[prime])
    calculus = Calculus(
        Graph((definition, Definition("a", (), (), total(tensor("o")[b, b], [(b, N)]))), {"x": (N,), "y": (N,)})
    )
    calculus.resolve(D(Symbol("a", real=True), x[j]), "total")
    assert all(len(set(d.indices)) == len(d.indices) for d in calculus.staged.values())


def test_an_undefined_loss_differentiated_by_its_outputs_is_free() -> None:
    calculus = Calculus(LAYERS["batch norm"].graph)
    assert calculus.resolve(D(LOSS, y[i, c]), "total") == tensor(derivative_name("L", "y"))[i, c]
    assert calculus.resolve(D(LOSS, LOSS), "total") == 1


def test_a_loss_inside_an_expression_counts() -> None:
    calculus = Calculus(LAYERS["batch norm"].graph)
    single = calculus.resolve(D(LOSS, x[i, c]), "total")
    for reading in ("total", "partial"):
        assert calculus.resolve(D(2 * LOSS, x[i, c]), reading) == 2 * single


def test_a_name_that_the_loss_is_not_known_to_depend_on() -> None:
    with pytest.raises(NoDerivative, match="nothing says"):
        Calculus(LAYERS["batch norm"].graph).resolve(D(LOSS, tensor("other")[i]), "total")
    assert Calculus(LAYERS["cross-entropy"].graph).resolve(D(LOSS, tensor("other")[i]), "total") == 0


def test_a_second_derivative_of_an_undefined_loss_is_refused() -> None:
    calculus = Calculus(LAYERS["softmax"].graph)
    z = tensor("z")
    for expr in (D(D(LOSS, z[i, k]), z[j, c]), D(z[i, k] * D(LOSS, z[i, k]), z[j, c])):
        with pytest.raises(NoDerivative, match="second derivative"):
            calculus.resolve(expr, "total")


@pytest.mark.parametrize("held", [("v",), ("mu",), ("mu", "v"), ("xh",)])
def test_names_held_fixed(held: tuple[str, ...]) -> None:
    layer = LAYERS["batch norm"]
    data = layer.data(5)
    env = layer.run(data)
    weights = layer.weights(1)
    names = sympy.Tuple(*(tensor(h)[c] if h != "xh" else tensor(h)[i, c] for h in held))
    fixed = {h: env[h] for h in held}
    calculus = Calculus(layer.graph)
    sides = (y[1, 2], lambda env: env["y"][0, 1]), (LOSS, layer.functional(weights))
    for of, function in sides:
        expr = calculus.resolve(D(of, x[i, c], names), "total")
        upstream = {"∂L/∂y": weights["y"]}
        values = Values({**layer.graph.by_name, **calculus.staged}, {**data, **upstream})
        expected = layer.slopes(data, function, "x", **fixed)
        close(tabulated(expr, (i, c), (3, 4), values), expected, layer)


def test_a_partial_derivative_inside_an_expression_is_refused() -> None:
    graph = LAYERS["batch norm"].graph
    with pytest.raises(NoDerivative):
        Calculus(graph).resolve(D(x[i, c] * D(y[i, c], x[i, c]), x[i, c]), "partial")


# -- size ----------------------------------------------------------------------------------------------------


def chain(depth: int) -> Graph:
    layers = [tensor(f"h{n}") for n in range(depth + 1)]
    weights = [tensor(f"w{n}") for n in range(depth + 1)]
    definitions = [
        Definition(f"h{n}", (i,), (N,), sympy.tanh(total(weights[n][i, b] * layers[n - 1][b], [(b, N)])))
        for n in range(1, depth + 1)
    ]
    return Graph(tuple(definitions), {"h0": (N,)} | {f"w{n}": (N, N) for n in range(1, depth + 1)})


def test_a_deep_chain_takes_linear_time_and_no_recursion() -> None:
    def seconds(depth: int) -> float:
        graph = chain(depth)
        calculus = Calculus(graph)
        start = time.process_time()
        calculus.adjoint("h0", (i,))
        calculus.resolve(D(tensor(f"h{depth}")[i], tensor("h0")[j]), "total")
        assert len(calculus.staged) >= 2 * depth - 1
        return time.process_time() - start

    seconds(10)
    assert seconds(160) < 12 * seconds(40)


def test_inlining_renames_what_it_puts_in() -> None:
    o = tensor("o")
    definitions = (
        Definition("a", (), (), total(x[b], [(b, N)])),
        Definition("o", (i,), (N,), x[i] * scalar("a")),
    )
    expr = total(o[b] * scalar("a"), [(b, N)])
    found = inline(expr, definitions)
    assert names_in(found) == {"x", "N"}
    data = {"x": np.array([1.0, 2.0, 4.0])}
    assert Values({}, data)(found) == Values({d.name: d for d in definitions}, data)(expr) == 343


def test_rational_powers() -> None:
    assert partial(u ** Rational(3, 2), "u", ()) == Rational(3, 2) * sympy.sqrt(u)
    assert partial(s_ * u, "s", ()) == u
