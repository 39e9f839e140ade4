"""The forward graph and the vocabulary that it is written in."""

from __future__ import annotations

import sys
from itertools import count

import numpy as np
import pytest
import sympy
from graphs import C, Values, b, i, j, w, x, y
from graphs import N as ROWS
from sympy import Expr, Symbol

from derive.forward import Definition, Graph, GraphError, entry, names_in, quantities_in
from derive.language import (
    D,
    bound,
    erf,
    index,
    indices_of,
    is_quantity,
    name_of,
    refresh,
    scalar,
    sigmoid,
    size,
    tensor,
    total,
)

a, o, u = tensor("a"), tensor("o"), scalar("u")
N = ROWS


def define(name: str, expr: Expr, letters: tuple[Symbol, ...] = (i,)) -> Definition:
    return Definition(name, letters, (N,) * len(letters), expr)


# -- expressions ---------------------------------------------------------------------------------------------

NAMES = [
    (x[i] + u, {"x", "u"}),
    (total(x[b] * N, [(b, N)]), {"x", "N"}),
    (w[i, y[i]], {"w", "y"}),
    (sympy.KroneckerDelta(i, j) * x[i], {"x"}),
    (D(x[i], u), {"x", "u"}),
    (sympy.Product(x[b], (b, 1, C)), {"x", "C"}),
    (i + sympy.pi, set()),
]


@pytest.mark.parametrize(("expr", "names"), NAMES, ids=[str(case[0]) for case in NAMES])
def test_names_in_an_expression(expr: Expr, names: set[str]) -> None:
    assert names_in(expr) == names
    assert {name_of(q) for q in quantities_in(expr)} == names
    assert all(is_quantity(q) for q in quantities_in(expr))


def test_entries() -> None:
    assert entry("x", (i, j)) == tensor("x")[i, j] and indices_of(entry("x", (i, j))) == (i, j)
    assert name_of(entry("u", ())) == "u" and indices_of(entry("u", ())) == ()
    assert not is_quantity(x[i] + 1)


def test_positivity() -> None:
    assert size("N").is_positive and size("N").is_integer
    assert scalar("e", positive=True).is_positive and scalar("e").is_positive is None
    assert index("i").is_integer and index("i").is_positive is None
    assert bound("i") != bound("i")


def test_the_derivatives_of_functions_that_sympy_lacks() -> None:
    assert sympy.diff(sigmoid(u), u) == sigmoid(u) * (1 - sigmoid(u))
    assert sympy.diff(erf(u), u) == 2 * sympy.exp(-(u**2)) / sympy.sqrt(sympy.pi)


def test_totals() -> None:
    assert total(x[b], []) == x[b]
    assert total(sympy.Integer(0), [(b, N)]) == 0
    inner, outer = bound("p"), bound("q")
    assert total(w[inner, outer], [(inner, N), (outer, C)]).limits[0][0] == inner


letter = bound("b")
SUMS = [
    total(x[b], [(b, N)]) + total(x[b] ** 2, [(b, N)]),
    sympy.Sum(x[b] * sympy.Sum(x[b], (b, 1, N)), (b, 1, N)),  # the same letter inside and outside
    sympy.Sum(x[b] + x[letter], (b, 1, letter), (letter, 1, N)),  # a range that depends on the other letter
    sympy.Product(1 + sympy.Sum(x[b], (b, 1, letter)), (letter, 1, N)),
    sympy.exp(total(x[b], [(b, N)])) / x[2],
]


@pytest.mark.parametrize("expr", SUMS, ids=str)
def test_refreshing_changes_the_letters_only(expr: Expr) -> None:
    fresh = refresh(expr)
    letters = {limit[0] for s in expr.atoms(sympy.Sum, sympy.Product) for limit in s.limits}
    renamed = {limit[0] for s in fresh.atoms(sympy.Sum, sympy.Product) for limit in s.limits}
    assert not letters & renamed
    free = [{s for s in e.free_symbols if isinstance(s, Symbol)} for e in (fresh, expr)]
    assert free[0] == free[1]
    data = {"x": np.array([0.5, -2.0, 3.0])}
    assert Values({}, data)(fresh) == pytest.approx(Values({}, data)(expr))


def test_a_definition_at_other_indices_captures_none() -> None:
    definition = define("o", x[i] * total(x[b], [(b, N)]))
    put = definition.at([b])
    assert put.free_symbols >= {b}
    assert definition.entry() == o[i] and definition.entry([j]) == o[j]
    with pytest.raises(ValueError):
        definition.at([i, j])


# -- the graph -----------------------------------------------------------------------------------------------


def test_definitions_are_put_in_order() -> None:
    graph = Graph((define("o", a[i] + y[i]), define("y", x[i] * u), define("a", x[i] + y[i])))
    assert [d.name for d in graph.definitions] == ["y", "a", "o"]
    assert graph.inputs == ("u", "x") or graph.inputs == ("x", "u")
    assert graph.outputs == ("o",)
    assert [d.name for d in graph.consumers["y"]] == ["a", "o"]


def test_sizes_and_selectors_are_no_inputs_that_a_loss_depends_on() -> None:
    graph = Graph((define("o", x[i] / N),), {"x": (N,)})
    assert graph.inputs == ("x",)
    assert graph.size_names == ("N",)
    assert graph.all_sizes == (N,)


WRONG = [
    ((define("o", x[i]), define("o", y[i])), "o is defined twice", "o"),
    ((define("a", o[i]), define("o", a[i])), "a uses o uses a", "a"),
    ((define("o", o[i] + 1),), "o uses o", "o"),
]


@pytest.mark.parametrize(("definitions", "message", "name"), WRONG, ids=[case[1] for case in WRONG])
def test_what_is_no_forward_pass(definitions: tuple[Definition, ...], message: str, name: str) -> None:
    with pytest.raises(GraphError, match=message) as caught:
        Graph(definitions)
    assert caught.value.name == name


def test_dependence() -> None:
    graph = Graph((define("y", x[i]), define("a", y[i]), define("o", u * x[i])), outputs=("a",))
    for name, on, expected in (
        ("a", "x", True),
        ("a", "y", True),
        ("a", "a", True),
        ("a", "o", False),
        ("o", "y", False),
    ):
        assert graph.depends(name, on) == expected
    assert graph.depends("x", "x") and not graph.depends("x", "y")
    assert graph.reaching == {"a", "y", "x"}


def test_a_defined_loss() -> None:
    loss = Definition("L", (), (), total(o[b], [(b, N)]))
    graph = Graph((loss, define("o", x[i]), define("a", x[i])))
    assert graph.has_loss and graph.outputs == ("a",)
    assert graph.reaching == {"L", "o", "x", "N"}


def test_letters_for_a_name() -> None:
    graph = Graph((define("o", x[i]),), {"x": (N,), "t": (N,) * 10})
    assert graph.indices_of("o") == (i,)
    assert graph.indices_of("x") == (index("i"),)
    assert len(set(graph.indices_of("t"))) == 10
    assert graph.indices_of("other") == () == graph.sizes_of("other")


def test_two_graphs_are_never_equal() -> None:
    assert Graph(()) != Graph(())
    assert len({Graph(()), Graph(())}) == 2


def test_a_long_chain_is_ordered_in_linear_time() -> None:
    """Counted in function calls, which no busy machine changes."""

    def calls(depth: int) -> int:
        chain = tuple(define(f"h{n}", tensor(f"h{n - 1}")[i] * 2) for n in range(depth, 0, -1))
        counted = count()

        def note(*event: object) -> None:
            next(counted)

        sys.setprofile(note)
        try:
            graph = Graph(chain)
            assert graph.depends(f"h{depth}", "h0") and "h0" in graph.reaching
            assert graph.definitions[0].name == "h1"
        finally:
            sys.setprofile(None)
        return next(counted)

    assert calls(4000) < 6 * calls(1000)
