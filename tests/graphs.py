"""Worked layers as forward graphs, each beside the same forward pass in NumPy, and an evaluator that shares
no code with `derive`.

The NumPy side is the oracle: derivatives are taken there by central differences, by complex step where the
pass is analytic, and nowhere by a formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import mpmath
import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Rational, Symbol

from derive.forward import Definition, Graph
from derive.language import bound, erf, index, name_of, scalar, sigmoid, size, tensor, total
from derive.primitives import maximum

Array = NDArray[Any]
Env = dict[str, Array]
Step = tuple[str, Callable[[Env], Array]]

N, C, K, H = size("N"), size("C"), size("K"), size("H")
i, c, j, k = index("i"), index("c"), index("j"), index("k")
EPS = scalar("eps", positive=True)
SIZES = {"N": 3, "C": 4, "K": 5, "H": 2}


# -- evaluation ----------------------------------------------------------------------------------------------


@dataclass
class Values:
    """Values of expressions without derivatives, by walking the tree.

    Args:
        definitions: by name; staged derivatives may be among them.
        data: arrays by name, or a function from name and indices, counted from 1.
        lib: where ``exp``, ``log`` and the like come from: `math`, `numpy` or `mpmath.mp`.
    """

    definitions: Mapping[str, Definition]
    data: Mapping[str, Any] | Callable[[str, tuple[int, ...]], Any]
    sizes: Mapping[str, int] = field(default_factory=lambda: SIZES)
    lib: Any = math
    _known: dict[tuple[str, tuple[int, ...]], Any] = field(default_factory=dict)

    def __call__(self, expr: Expr, env: Mapping[Symbol, int] | None = None) -> Any:
        env = env or {}
        if isinstance(expr, sympy.Rational):
            return self._number(int(expr.p)) / int(expr.q) if expr.q != 1 else self._number(int(expr.p))
        if expr is sympy.pi:
            return self.lib.pi + 0
        if isinstance(expr, sympy.Indexed):
            return self.entry(name_of(expr), tuple(int(self(a, env)) for a in expr.indices))
        if isinstance(expr, Symbol):
            if expr in env:
                return env[expr]
            return self.sizes[expr.name] if expr.name in self.sizes else self.entry(expr.name, ())
        return self._compound(expr, env)

    def entry(self, name: str, indices: tuple[int, ...]) -> Any:
        key = name, indices
        if key not in self._known:
            definition = self.definitions.get(name)
            if definition is not None:
                self._known[key] = self(definition.expr, dict(zip(definition.indices, indices, strict=True)))
            elif callable(self.data):
                self._known[key] = self.data(name, indices)
            else:
                self._known[key] = self.data[name][tuple(n - 1 for n in indices)]
        return self._known[key]

    def _number(self, value: int) -> Any:
        return self.lib.mpf(value) if self.lib is mpmath.mp else value

    def _compound(self, expr: Expr, env: Mapping[Symbol, int]) -> Any:
        if isinstance(expr, sympy.Add):
            return sum(self(a, env) for a in expr.args)
        if isinstance(expr, sympy.Mul):
            return math.prod(self(a, env) for a in expr.args)
        if isinstance(expr, sympy.Pow):
            return self(expr.base, env) ** self(expr.exp, env)
        if isinstance(expr, sympy.Sum):
            return sum(self(expr.function, inner) for inner in self._ranges(expr, env))
        if isinstance(expr, sympy.Product):
            return math.prod(self(expr.function, inner) for inner in self._ranges(expr, env))
        if isinstance(expr, sympy.KroneckerDelta):
            return int(self(expr.args[0], env) == self(expr.args[1], env))
        return self._function(expr.func.__name__, self(expr.args[0], env))

    def _ranges(self, expr: Expr, env: Mapping[Symbol, int]) -> Iterator[dict[Symbol, int]]:
        def inner(limits: list[Any], known: dict[Symbol, int]) -> Iterator[dict[Symbol, int]]:
            if not limits:
                yield known
                return
            (letter, low, high), *rest = limits
            for n in range(int(self(low, known)), int(self(high, known)) + 1):
                yield from inner(rest, {**known, letter: n})

        yield from inner(list(reversed(expr.limits)), dict(env))

    def _function(self, name: str, u: Any) -> Any:
        if name == "Abs":
            return abs(u)
        if name == "sign":
            return int(u > 0) - int(u < 0)
        if name == "sigmoid":
            return 1 / (1 + self.lib.exp(-u))
        if name == "erf" and self.lib is np:
            return np.vectorize(math.erf)(u)
        return getattr(self.lib, name)(u)


# -- layers --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """A forward pass, twice.

    Attributes:
        steps: the NumPy functions in order, one a definition.
        positive: names whose data must be positive.
        analytic: whether complex numbers can go through it.
    """

    name: str
    graph: Graph
    steps: tuple[Step, ...]
    positive: frozenset[str] = frozenset()
    analytic: bool = True

    def data(self, seed: int) -> Env:
        """Random inputs, none close to 0 and none equal."""
        random = np.random.default_rng(seed)
        found: Env = {}
        for name in self.graph.inputs:
            shape = tuple(SIZES[n.name] for n in self.graph.sizes_of(name))
            if name in self.graph.selectors:
                found[name] = random.integers(1, SIZES[self.graph.selectors[name].name] + 1, shape)
                continue
            values = random.uniform(0.3, 1.5, shape)
            positive = name in self.positive or name in self.graph.positive
            found[name] = values if positive else values * random.choice((-1, 1), shape)
        return found

    def run(self, inputs: Env, **fixed: Array) -> Env:
        """All named values; those given in ``fixed`` are not computed."""
        env = {**inputs, **fixed}
        for name, step in self.steps:
            if name not in fixed:
                env[name] = step(env)
        return env

    def slopes(self, data: Env, of: Callable[[Env], Array], by: str, **fixed: Array) -> Array:
        """The derivative of what is computed from all named values by one of them."""
        at = self.run(data)[by]
        return jacobian(lambda array: of(self.run(data, **{by: array}, **fixed)), at, self.analytic)

    def functional(self, weights: Env) -> Callable[[Env], Array]:
        """The loss: the defined one, or the weighted sum of the outputs."""
        if self.graph.has_loss:
            return lambda env: env["L"]
        return lambda env: np.asarray(sum((weights[name] * env[name]).sum() for name in self.graph.outputs))

    def weights(self, seed: int) -> Env:
        """Random weights for the outputs of an undefined loss."""
        random = np.random.default_rng(seed)
        outputs = () if self.graph.has_loss else self.graph.outputs
        return {name: random.uniform(-1, 1, [SIZES[n.name] for n in self.graph.sizes_of(name)]) for name in outputs}

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs that have a gradient, and the defined names."""
        return (*(n for n in self.graph.inputs if n not in self.graph.selectors), *self.graph.by_name)


def jacobian(function: Callable[[Array], Array], at: Array, analytic: bool = False) -> Array:
    """The derivative of an array by an array, by complex step or central differences; axes of both, in that
    order."""
    at = np.asarray(at, dtype=complex if analytic else float)
    columns = []
    for place in np.ndindex(at.shape):
        step = np.zeros_like(at)
        if analytic:
            step[place] = 1e-30j
            columns.append(np.imag(function(at + step)) / 1e-30)
        else:
            step[place] = 1e-5
            columns.append((function(at + step) - function(at - step)) / 2e-5)
    stacked = np.stack([np.asarray(column, dtype=float) for column in columns], axis=-1)
    return stacked.reshape((*stacked.shape[:-1], *at.shape))


def _norm(x: Array, axis: int) -> Array:
    return np.asarray(np.sqrt((x * x).sum(axis=axis)))


x, y, z, p, w, g, be = map(tensor, ("x", "y", "z", "p", "w", "g", "be"))
mu, v, xh, s, q, kk, vv, a, o = map(tensor, ("mu", "v", "xh", "s", "q", "kk", "vv", "a", "o"))
b, b2 = bound("b"), bound("b")


def _batch_norm() -> Layer:
    definitions = (
        Definition("mu", (c,), (C,), total(x[b, c], [(b, N)]) / N),
        Definition("v", (c,), (C,), total((x[b, c] - mu[c]) ** 2, [(b, N)]) / N),
        Definition("xh", (i, c), (N, C), (x[i, c] - mu[c]) / sympy.sqrt(v[c] + EPS)),
        Definition("y", (i, c), (N, C), g[c] * xh[i, c] + be[c]),
    )
    graph = Graph(definitions, {"x": (N, C), "g": (C,), "be": (C,), "eps": ()}, positive=frozenset({"eps"}))
    steps: tuple[Step, ...] = (
        ("mu", lambda e: e["x"].mean(0)),
        ("v", lambda e: ((e["x"] - e["mu"]) ** 2).mean(0)),
        ("xh", lambda e: (e["x"] - e["mu"]) / np.sqrt(e["v"] + e["eps"])),
        ("y", lambda e: e["g"] * e["xh"] + e["be"]),
    )
    return Layer("batch norm", graph, steps)


def _layer_norm() -> Layer:
    definitions = (
        Definition("mu", (i,), (N,), total(x[i, b], [(b, C)]) / C),
        Definition("s", (i,), (N,), sympy.sqrt(total((x[i, b] - mu[i]) ** 2, [(b, C)]) / C + EPS)),
        Definition("y", (i, c), (N, C), g[c] * (x[i, c] - mu[i]) / s[i] + be[c]),
    )
    graph = Graph(definitions, {"x": (N, C), "g": (C,), "be": (C,), "eps": ()}, positive=frozenset({"eps"}))
    steps: tuple[Step, ...] = (
        ("mu", lambda e: e["x"].mean(1)),
        ("s", lambda e: np.sqrt(((e["x"] - e["mu"][:, None]) ** 2).mean(1) + e["eps"])),
        ("y", lambda e: e["g"] * (e["x"] - e["mu"][:, None]) / e["s"][:, None] + e["be"]),
    )
    return Layer("layer norm", graph, steps)


def _rms_norm() -> Layer:
    """The root is written inline: sums inside sums once it is differentiated."""
    root = sympy.sqrt(total(x[i, b] ** 2, [(b, C)]) / C + EPS)
    definitions = (Definition("y", (i, c), (N, C), x[i, c] * w[c] / root),)
    graph = Graph(definitions, {"x": (N, C), "w": (C,), "eps": ()}, positive=frozenset({"eps"}))

    def forward(e: Env) -> Array:
        return np.asarray(e["x"] * e["w"] / np.sqrt((e["x"] ** 2).mean(1, keepdims=True) + e["eps"]))

    return Layer("RMS norm", graph, (("y", forward),))


def _softmax() -> Layer:
    definitions = (
        Definition("s", (i,), (N,), total(sympy.exp(z[i, b]), [(b, K)])),
        Definition("p", (i, k), (N, K), sympy.exp(z[i, k]) / s[i]),
    )
    steps: tuple[Step, ...] = (
        ("s", lambda e: np.exp(e["z"]).sum(1)),
        ("p", lambda e: np.exp(e["z"]) / e["s"][:, None]),
    )
    return Layer("softmax", Graph(definitions, {"z": (N, K)}), steps)


def _cross_entropy() -> Layer:
    """A defined loss, a log-softmax and a row gathered by a selector."""
    definitions = (
        Definition("p", (i, k), (N, K), z[i, k] - sympy.log(total(sympy.exp(z[i, b]), [(b, K)]))),
        Definition("L", (), (), -total(p[b2, y[b2]], [(b2, N)]) / N),
    )
    graph = Graph(definitions, {"z": (N, K), "y": (N,)}, selectors={"y": K})
    steps: tuple[Step, ...] = (
        ("p", lambda e: e["z"] - np.log(np.exp(e["z"]).sum(1, keepdims=True))),
        ("L", lambda e: -e["p"][np.arange(3), e["y"] - 1].mean()),
    )
    return Layer("cross-entropy", graph, steps)


def _attention() -> Layer:
    definitions = (
        Definition("s", (i, j), (N, K), total(q[i, b] * kk[j, b], [(b, H)]) / sympy.sqrt(H)),
        Definition("a", (i, j), (N, K), sympy.exp(s[i, j]) / total(sympy.exp(s[i, b]), [(b, K)])),
        Definition("o", (i, c), (N, C), total(a[i, b] * vv[b, c], [(b, K)])),
    )
    graph = Graph(definitions, {"q": (N, H), "kk": (K, H), "vv": (K, C)})
    steps: tuple[Step, ...] = (
        ("s", lambda e: e["q"] @ e["kk"].T / np.sqrt(2)),
        ("a", lambda e: np.exp(e["s"]) / np.exp(e["s"]).sum(1, keepdims=True)),
        ("o", lambda e: e["a"] @ e["vv"]),
    )
    return Layer("attention", graph, steps)


def _l2_norm() -> Layer:
    definitions = (
        Definition("s", (i,), (N,), sympy.sqrt(total(x[i, b] ** 2, [(b, C)]))),
        Definition("y", (i, c), (N, C), x[i, c] / s[i]),
    )
    steps: tuple[Step, ...] = (("s", lambda e: _norm(e["x"], 1)), ("y", lambda e: e["x"] / e["s"][:, None]))
    return Layer("L2 norm", Graph(definitions, {"x": (N, C)}), steps)


def _power_norm() -> Layer:
    """The exponent is a scalar that has a gradient itself."""
    exponent = scalar("pw", positive=True)
    definitions = (
        Definition("s", (), (), total(sympy.Abs(x[b]) ** exponent, [(b, N)]) ** (1 / exponent)),
        Definition("y", (i,), (N,), x[i] / s_),
    )
    graph = Graph(definitions, {"x": (N,), "pw": ()}, positive=frozenset({"pw"}))
    steps: tuple[Step, ...] = (
        ("s", lambda e: (np.abs(e["x"]) ** e["pw"]).sum() ** (1 / e["pw"])),
        ("y", lambda e: e["x"] / e["s"]),
    )
    return Layer("power norm", graph, steps, analytic=False)


s_ = scalar("s")


def _elementwise(name: str, expr: Expr, step: Callable[[Array], Array], analytic: bool = True) -> Layer:
    graph = Graph((Definition("y", (i,), (N,), expr),), {"x": (N,)})
    return Layer(name, graph, (("y", lambda e: step(e["x"])),), analytic=analytic)


def _gather() -> Layer:
    """Rows of an embedding, one used by two tokens, and the embedding used once more."""
    definitions = (
        Definition("a", (i, c), (N, C), w[y[i], c]),
        Definition("o", (), (), total(a[b, b2] * w[y[b], b2], [(b, N), (b2, C)])),
    )
    graph = Graph(definitions, {"w": (K, C), "y": (N,)}, selectors={"y": K})
    steps: tuple[Step, ...] = (
        ("a", lambda e: e["w"][e["y"] - 1]),
        ("o", lambda e: (e["a"] * e["w"][e["y"] - 1]).sum()),
    )
    return Layer("gather", graph, steps)


def _geometric_mean() -> Layer:
    definitions = (
        Definition("s", (c,), (C,), sympy.Product(x[b, c], (b, 1, N)) ** Rational(1, 3)),
        Definition("y", (i, c), (N, C), x[i, c] / s[c]),
    )
    steps: tuple[Step, ...] = (
        ("s", lambda e: e["x"].prod(0) ** (1 / 3)),
        ("y", lambda e: e["x"] / e["s"]),
    )
    return Layer("geometric mean", Graph(definitions, {"x": (N, C)}), steps, frozenset({"x"}))


def _shared_output() -> Layer:
    """An output that another output is made of, and a name that one definition uses three times."""
    definitions = (
        Definition("a", (i,), (N,), x[i] ** 2 + x[i] * total(x[b], [(b, N)])),
        Definition("o", (i,), (N,), sympy.tanh(a[i]) * a[i]),
    )
    graph = Graph(definitions, {"x": (N,)}, outputs=("a", "o"))
    steps: tuple[Step, ...] = (
        ("a", lambda e: e["x"] ** 2 + e["x"] * e["x"].sum()),
        ("o", lambda e: np.tanh(e["a"]) * e["a"]),
    )
    return Layer("shared output", graph, steps)


def _triangular() -> Layer:
    """A cumulative sum: the range of one sum depends on an index; and a sum over pairs."""
    definitions = (
        Definition("a", (i,), (N,), sympy.Sum(x[b], (b, 1, i))),
        Definition("o", (), (), sympy.Sum(a[b] * x[b2], (b, 1, b2), (b2, 1, N))),
    )
    steps: tuple[Step, ...] = (
        ("a", lambda e: np.cumsum(e["x"])),
        ("o", lambda e: (np.cumsum(e["a"]) * e["x"]).sum()),
    )
    return Layer("triangular", Graph(definitions, {"x": (N,)}), steps)


def _erf(u: Array) -> Array:
    return np.asarray(np.vectorize(math.erf)(u))


LAYERS = {
    layer.name: layer
    for layer in (
        _batch_norm(),
        _layer_norm(),
        _rms_norm(),
        _softmax(),
        _cross_entropy(),
        _attention(),
        _l2_norm(),
        _power_norm(),
        _gather(),
        _geometric_mean(),
        _shared_output(),
        _triangular(),
        _elementwise(
            "GELU",
            x[i] * (1 + erf(x[i] / sympy.sqrt(2))) / 2,
            lambda u: u * (1 + _erf(u / 2**0.5)) / 2,
            False,
        ),
        _elementwise("SiLU", x[i] * sigmoid(x[i]), lambda u: u / (1 + np.exp(-u))),
        _elementwise("tanh", sympy.tanh(2 * x[i]), lambda u: np.tanh(2 * u)),
        _elementwise("max", maximum(x[i], x[1] / 2), lambda u: np.maximum(u, u[0] / 2), False),
        _elementwise("abs", sympy.Abs(x[i]) * x[i], lambda u: np.abs(u) * u, False),
        _elementwise("sine", sympy.sin(x[i]) + sympy.cos(x[i]), lambda u: np.sin(u) + np.cos(u)),
        _elementwise("self-power", sympy.Abs(x[i]) ** x[i], lambda u: np.abs(u) ** u, False),
    )
}


def everywhere(graph: Graph, name: str) -> Iterator[tuple[int, ...]]:
    """All indices of a name's entries, from 1."""
    yield from product(*(range(1, SIZES[n.name] + 1) for n in graph.sizes_of(name)))
