"""Forward passes to write about, each with the ways in which its names are spelled."""

from __future__ import annotations

from fractions import Fraction

from styles.derivation import Closed, Definition, Pass
from styles.expressions import Adjoint, Call, Entry, Expression, Index, Length, Local, Operand, Same, power, total, tree

HALF = Fraction(1, 2)
N, D = Length("n"), Length("d")
n, m, o = Index("n"), Index("n", 1), Index("n", 2)
d, e, f = Index("d"), Index("d", 1), Index("d", 2)
c = Index("c")

SPELLINGS = {
    "x": ("x", "x", "a"),
    "y": ("y", "z", "y"),
    "z": ("z", "z", "a"),
    "w": ("w", "w", "\\theta"),
    "b": ("b", "b", "c"),
    "p": ("p", "s", "\\hat{y}"),
    "t": ("t", "y", "y"),
    "mu": ("\\mu", "\\mu_B", "m"),
    "v": ("\\sigma^2", "\\sigma_B^2", "v"),
    "s": ("\\sigma", "s", "\\sigma"),
    "xhat": ("\\hat{x}", "\\hat{x}", "\\hat{a}"),
    "c": ("c", "\\tilde{x}", "u"),
    "r": ("r", "r", "\\rho"),
    "gamma": ("\\gamma", "\\gamma", "g"),
    "beta": ("\\beta", "\\beta", "b"),
    "eps": ("\\epsilon", "\\varepsilon", "\\epsilon"),
    "loss": ("L", "\\mathcal{L}", "\\ell"),
}


def entry(name: str, *at: Index) -> Entry:
    return Entry(name, at)


def adjoint(name: str, *at: Index) -> Adjoint:
    return Adjoint(name, at)


def mean(index: Index, body: Operand) -> Expression:
    return total(index, tree(body)) / Length(index.axis)


def root(u: Expression) -> Expression:
    return power(u, HALF)


def define(name: str, *at: Index, value: Operand) -> Definition:
    return Definition(name, at, tree(value))


def forward(
    title: str,
    data: dict[str, str],
    definitions: list[Definition],
    closed: list[tuple[Adjoint | Local, Operand]] | None = None,
    loss: str | None = None,
    kinds: dict[str, str] | None = None,
    spellings: dict[str, tuple[str, ...]] | None = None,
    has_loss: bool = True,
) -> Pass:
    return Pass(
        title,
        {name: tuple(axes) for name, axes in data.items()},
        tuple(definitions),
        {**SPELLINGS, **(spellings or {})},
        {"eps": "positive", **(kinds or {})},
        tuple(Closed(left, tree(right)) for left, right in closed or ()),
        loss,
        has_loss,
    )


x, y, z, p, t, g = (lambda *at, name=name: Entry(name, at) for name in "xyzptg")
mu, v, s, eps, gamma, beta = (Entry(name) for name in ("mu", "v", "s", "eps", "gamma", "beta"))


def xhat(*at: Index) -> Entry:
    return Entry("xhat", at)


def batch_norm() -> Pass:
    dy = adjoint("y", m)
    return forward(
        "Batch normalisation",
        {"x": "n", "gamma": "", "beta": "", "eps": ""},
        [
            define("mu", value=mean(n, x(n))),
            define("v", value=mean(n, (x(n) - mu) ** 2)),
            define("xhat", n, value=(x(n) - mu) / root(v + eps)),
            define("y", n, value=gamma * xhat(n) + beta),
        ],
        [
            (
                adjoint("x", n),
                gamma / N / root(v + eps)
                * (N * adjoint("y", n) - total(m, dy) - xhat(n) * total(m, dy * xhat(m))),
            ),
            (Local(entry("xhat", n), x(m)), (Same(n, m) - 1 / N - xhat(n) * xhat(m) / N) / root(v + eps)),
        ],
    )  # fmt: skip


def layer_norm() -> Pass:
    dh = adjoint("xhat", e)
    return forward(
        "Layer normalisation",
        {"x": "d", "gamma": "d", "beta": "d", "eps": ""},
        [
            define("mu", value=mean(d, x(d))),
            define("v", value=mean(d, (x(d) - mu) ** 2)),
            define("xhat", d, value=(x(d) - mu) / root(v + eps)),
            define("y", d, value=entry("gamma", d) * xhat(d) + entry("beta", d)),
        ],
        [
            (
                adjoint("x", d),
                (adjoint("xhat", d) - mean(e, dh) - xhat(d) * mean(e, dh * xhat(e))) / root(v + eps),
            ),
        ],
        spellings={"mu": ("\\mu", "m", "\\mu"), "v": ("\\sigma^2", "v", "s^2")},
    )  # fmt: skip


def centred_norm() -> Pass:
    u = Entry
    return forward(
        "Centred batch normalisation",
        {"x": "n", "gamma": "", "beta": "", "eps": ""},
        [
            define("mu", value=mean(n, x(n))),
            define("c", n, value=x(n) - mu),
            define("v", value=mean(n, u("c", (n,)) ** 2)),
            define("s", value=root(v + eps)),
            define("xhat", n, value=u("c", (n,)) / s),
            define("y", n, value=gamma * xhat(n) + beta),
        ],
        spellings={
            "s": ("s", "\\text{std}", "\\sigma"), "v": ("v", "\\text{var}", "v"),
            "mu": ("\\mu", "\\mu", "m"), "c": ("c", "\\bar{x}", "u"),
        },
    )  # fmt: skip


def standardise() -> Pass:
    return forward(
        "Standardisation",
        {"x": "n"},
        [
            define("mu", value=mean(n, x(n))),
            define("s", value=root(mean(n, (x(n) - mu) ** 2))),
            define("z", n, value=(x(n) - mu) / s),
        ],
        [
            (
                adjoint("x", n),
                (adjoint("z", n) - mean(m, adjoint("z", m)) - z(n) * mean(m, adjoint("z", m) * z(m))) / s,
            ),
            (Local(entry("s"), x(n)), z(n) / N),
        ],
        spellings={"mu": ("\\mu", "\\bar{x}", "\\mu"), "s": ("\\sigma", "s", "\\sigma_x"), "z": ("z", "z", "\\hat{a}")},
    )


def rms_norm() -> Pass:
    r = Entry("r")
    return forward(
        "RMS normalisation",
        {"x": "d", "gamma": "d", "eps": ""},
        [
            define("r", value=root(mean(d, x(d) ** 2) + eps)),
            define("y", d, value=entry("gamma", d) * x(d) / r),
        ],
        [
            (
                adjoint("x", d),
                entry("gamma", d) * adjoint("y", d) / r
                - x(d) / (D * r**3) * total(e, entry("gamma", e) * adjoint("y", e) * x(e)),
            ),
            (Local(r, x(d)), x(d) / (D * r)),
        ],
        spellings={"r": ("r", "\\text{RMS}", "\\rho"), "gamma": ("\\gamma", "w", "g")},
    )  # fmt: skip


def l2_norm() -> Pass:
    r = Entry("r")
    return forward(
        "Normalisation to length one",
        {"x": "d"},
        [define("r", value=root(total(d, x(d) ** 2))), define("y", d, value=x(d) / r)],
        [
            (adjoint("x", d), (adjoint("y", d) - y(d) * total(e, adjoint("y", e) * y(e))) / r),
            (Local(r, x(d)), y(d)),
            (Local(y(d), x(e)), (Same(d, e) - y(d) * y(e)) / r),
        ],
        spellings={"r": ("r", "n", "\\rho"), "x": ("x", "v", "a"), "y": ("y", "u", "\\hat{a}")},
    )


def softmax_cross_entropy() -> Pass:
    return forward(
        "Softmax and cross-entropy",
        {"z": "d", "t": "d"},
        [
            define("p", d, value=Call("exp", z(d)) / total(e, Call("exp", z(e)))),
            define("loss", value=-total(d, t(d) * Call("log", p(d)))),
        ],
        [
            (adjoint("z", d), p(d) - t(d)),
            (Local(p(d), z(e)), p(d) * (Same(d, e) - p(e))),
            (adjoint("p", d), -t(d) / p(d)),
        ],
        loss="loss",
        kinds={"t": "onehot"},
    )


def sigmoid_cross_entropy() -> Pass:
    return forward(
        "Logistic loss",
        {"z": "n", "t": "n"},
        [
            define("p", n, value=Call("sigmoid", z(n))),
            define(
                "loss", value=-mean(n, t(n) * Call("log", p(n)) + (1 - t(n)) * Call("log", 1 - p(n)))
            ),
        ],
        [
            (adjoint("z", n), (p(n) - t(n)) / N),
            (adjoint("p", n), (p(n) - t(n)) / (N * p(n) * (1 - p(n)))),
        ],
        loss="loss",
        kinds={"t": "binary"},
        spellings={"z": ("z", "a", "u"), "p": ("p", "\\hat{y}", "q")},
    )  # fmt: skip


def linear() -> Pass:
    w = Entry
    return forward(
        "A linear layer",
        {"x": "nd", "w": "dc", "b": "c"},
        [define("y", n, c, value=total(d, x(n, d) * w("w", (d, c))) + w("b", (c,)))],
        spellings={"x": ("x", "X", "h"), "w": ("W", "W", "w"), "y": ("y", "Z", "z"), "b": ("b", "b", "b")},
    )


def hidden_layer() -> Pass:
    u, h = (lambda *at, name=name: Entry(name, at) for name in "uh")
    w, b, q, k = (lambda *at, name=name: Entry(name, at) for name in "wbqk")
    return forward(
        "A hidden layer with tanh",
        {"x": "d", "w": "cd", "b": "c", "q": "c", "k": ""},
        [
            define("u", c, value=total(d, w(c, d) * x(d)) + b(c)),
            define("h", c, value=Call("tanh", u(c))),
            define("o", value=total(c, q(c) * h(c)) + k()),
        ],
        spellings={
            "u": ("z", "a", "u"), "h": ("h", "h", "a"), "o": ("o", "y", "\\hat{y}"), "w": ("W", "w", "W"),
            "b": ("b", "b", "b"), "q": ("v", "v", "q"), "k": ("c", "c", "\\beta"), "x": ("x", "x", "x"),
        },
    )  # fmt: skip


def logistic_regression() -> Pass:
    w, u = (lambda *at, name=name: Entry(name, at) for name in "wu")
    b = Entry("b")
    return forward(
        "Logistic regression",
        {"x": "nd", "w": "d", "b": "", "t": "n"},
        [
            define("u", n, value=total(d, w(d) * x(n, d)) + b),
            define("p", n, value=Call("sigmoid", u(n))),
            define("loss", value=-mean(n, t(n) * Call("log", p(n)) + (1 - t(n)) * Call("log", 1 - p(n)))),
        ],
        [
            (adjoint("w", d), mean(n, (p(n) - t(n)) * x(n, d))),
            (adjoint("b"), mean(n, p(n) - t(n))),
            (adjoint("u", n), (p(n) - t(n)) / N),
        ],
        loss="loss",
        kinds={"t": "binary"},
        spellings={
            "u": ("z", "z", "u"), "p": ("p", "\\hat{y}", "h"), "t": ("t", "y", "y"), "w": ("w", "\\theta", "w"),
            "loss": ("L", "J", "E"),
        },
    )  # fmt: skip


def variance() -> Pass:
    return forward(
        "Mean and variance",
        {"x": "n"},
        [define("mu", value=mean(n, x(n))), define("v", value=mean(n, (x(n) - mu) ** 2))],
        [(Local(v, x(n)), 2 * (x(n) - mu) / N)],
        spellings={"mu": ("\\mu", "\\bar{x}", "m"), "v": ("\\sigma^2", "s^2", "v")},
        has_loss=False,
    )


def squared_error() -> Pass:
    w, u = (lambda *at, name=name: Entry(name, at) for name in "wu")
    b = Entry("b")
    return forward(
        "Least squares",
        {"x": "nd", "w": "d", "b": "", "t": "n"},
        [
            define("u", n, value=total(d, w(d) * x(n, d)) + b),
            define("r", n, value=entry("u", n) - t(n)),
            define("loss", value=total(n, entry("r", n) ** 2) / (2 * N)),
        ],
        [
            (adjoint("w", d), mean(n, entry("r", n) * x(n, d))),
            (adjoint("b"), mean(n, entry("r", n))),
            (adjoint("u", n), (u(n) - t(n)) / N),
        ],
        loss="loss",
        spellings={
            "u": ("\\hat{y}", "f", "h"), "r": ("r", "e", "\\delta"), "t": ("y", "y", "t"),
            "w": ("w", "w", "\\theta"), "loss": ("L", "J", "E"),
        },
    )  # fmt: skip


def weight_norm() -> Pass:
    w, r, k = Entry, Entry("r"), Entry("k")
    return forward(
        "Weight normalisation",
        {"q": "d", "k": "", "x": "d"},
        [
            define("r", value=root(total(d, w("q", (d,)) ** 2))),
            define("w", d, value=k * w("q", (d,)) / r),
            define("u", value=total(d, w("w", (d,)) * x(d))),
        ],
        [
            (adjoint("k"), total(d, adjoint("w", d) * w("q", (d,))) / r),
            (Local(r, w("q", (d,))), w("q", (d,)) / r),
        ],
        spellings={
            "q": ("v", "v", "v"), "k": ("g", "g", "g"), "w": ("w", "w", "w"), "r": ("r", "c", "\\rho"),
            "u": ("y", "z", "y"), "x": ("x", "x", "x"),
        },
    )  # fmt: skip


def swish() -> Pass:
    q = Entry
    return forward(
        "Swish",
        {"x": "n"},
        [define("q", n, value=Call("sigmoid", x(n))), define("y", n, value=x(n) * q("q", (n,)))],
        [
            (Local(y(n), x(n)), q("q", (n,)) + x(n) * q("q", (n,)) * (1 - q("q", (n,)))),
            (adjoint("x", n), adjoint("y", n) * (q("q", (n,)) + y(n) * (1 - q("q", (n,))))),
        ],
        spellings={"q": ("s", "s", "q"), "y": ("y", "y", "y"), "x": ("x", "z", "a")},
    )


def gated_unit() -> Pass:
    u, k, q = (lambda *at, name=name: Entry(name, at) for name in "ukq")
    return forward(
        "A gated linear unit",
        {"u": "n", "k": "n"},
        [define("q", n, value=Call("sigmoid", k(n))), define("y", n, value=u(n) * q(n))],
        [(adjoint("k", n), adjoint("y", n) * u(n) * q(n) * (1 - q(n))), (adjoint("u", n), adjoint("y", n) * q(n))],
        spellings={
            "u": ("a", "a", "u"), "k": ("b", "b", "v"), "q": ("g", "s", "q"), "y": ("y", "h", "y"),
        },
    )  # fmt: skip


def memory_cell() -> Pass:
    u, k, q = (lambda *at, name=name: Entry(name, at) for name in "ukq")
    return forward(
        "A memory cell",
        {"u": "d", "k": "d", "b": "d", "z": "d"},
        [
            define("q", d, value=u(d) * k(d) + entry("b", d)),
            define("t", d, value=Call("tanh", q(d))),
            define("h", d, value=z(d) * t(d)),
        ],
        [(adjoint("q", d), adjoint("h", d) * z(d) * (1 - t(d) ** 2))],
        spellings={
            "u": ("f", "f", "f"), "k": ("p", "p", "q"), "b": ("b", "m", "b"), "z": ("o", "o", "o"),
            "q": ("c", "c", "c"), "t": ("u", "v", "u"), "h": ("h", "h", "h"),
        },
    )  # fmt: skip


def log_sum_exp() -> Pass:
    q = Entry("q")
    return forward(
        "Log-sum-exp",
        {"z": "d"},
        [define("q", value=total(d, Call("exp", z(d)))), define("y", value=Call("log", q))],
        [(adjoint("z", d), adjoint("y") * Call("exp", z(d)) / q), (Local(Entry("y"), q), 1 / q)],
        spellings={"z": ("z", "x", "a"), "q": ("S", "Z", "S"), "y": ("y", "f", "y")},
    )


def cosine() -> Pass:
    u, k = (lambda *at, name=name: Entry(name, at) for name in "uk")
    r, q, g = Entry("r"), Entry("q"), Entry("g")
    return forward(
        "Cosine similarity",
        {"u": "d", "k": "d"},
        [
            define("r", value=root(total(d, u(d) ** 2))),
            define("q", value=root(total(d, k(d) ** 2))),
            define("g", value=total(d, u(d) * k(d)) / (r * q)),
        ],
        [(Local(r, u(d)), u(d) / r), (adjoint("u", d), adjoint("g") * (k(d) / (r * q) - g * u(d) / r**2))],
        spellings={
            "u": ("u", "a", "x"), "k": ("v", "b", "y"), "r": ("p", "r", "\\rho"), "q": ("q", "s", "\\tau"),
            "g": ("c", "c", "c"),
        },
    )  # fmt: skip


def ridge() -> Pass:
    w, u, k = (lambda *at, name=name: Entry(name, at) for name in "wuk")
    return forward(
        "Ridge regression",
        {"x": "nd", "w": "d", "t": "n", "k": ""},
        [
            define("u", n, value=total(d, w(d) * x(n, d))),
            define("loss", value=total(n, (u(n) - t(n)) ** 2) / (2 * N) + k() / 2 * total(d, w(d) ** 2)),
        ],
        [(adjoint("w", d), mean(n, (u(n) - t(n)) * x(n, d)) + k() * w(d)), (adjoint("u", n), (u(n) - t(n)) / N)],
        loss="loss",
        spellings={
            "u": ("\\hat{y}", "f", "h"), "t": ("y", "y", "t"), "w": ("w", "w", "\\theta"),
            "k": ("\\lambda", "\\lambda", "\\alpha"), "loss": ("L", "J", "E"),
        },
    )  # fmt: skip


def normalisation(title: str, over: Index, kept: Index, variance: tuple[str, str, str]) -> Pass:
    """Samples with features, normalised over one axis for each place of the other."""
    q, k = (lambda *at, name=name: Entry(name, at) for name in ("mu", "v"))
    return forward(
        title,
        {"x": "nd", "gamma": "d", "beta": "d", "eps": ""},
        [
            define("mu", kept, value=mean(over, x(n, d))),
            define("v", kept, value=mean(over, (x(n, d) - q(kept)) ** 2)),
            define("xhat", n, d, value=(x(n, d) - q(kept)) / root(k(kept) + eps)),
            define("y", n, d, value=entry("gamma", d) * xhat(n, d) + entry("beta", d)),
        ],
        spellings={"mu": ("\\mu", "\\mu", "m"), "v": variance},
    )


def batch_norm_of_channels() -> Pass:
    return normalisation("Batch normalisation of channels", n, d, ("\\sigma^2", "\\sigma^2", "v"))


def layer_norm_of_samples() -> Pass:
    return normalisation("Layer normalisation of samples", d, n, ("v", "s", "v"))


def attention_scores() -> Pass:
    q, k, h, s_ = (lambda *at, name=name: Entry(name, at) for name in ("q", "k", "h", "a"))
    return forward(
        "Attention with one query",
        {"q": "d", "k": "nd", "h": "n"},
        [
            define("a", n, value=total(d, q(d) * k(n, d)) / root(D)),
            define("p", n, value=Call("exp", s_(n)) / total(m, Call("exp", s_(m)))),
            define("o", value=total(n, p(n) * h(n))),
        ],
        [(Local(p(n), s_(m)), p(n) * (Same(n, m) - p(m))), (adjoint("p", n), adjoint("o") * h(n))],
        spellings={
            "q": ("q", "q", "q"), "k": ("K", "k", "k"), "h": ("v", "v", "v"), "a": ("s", "a", "s"),
            "p": ("p", "\\alpha", "a"), "o": ("o", "y", "o"),
        },
    )  # fmt: skip


def poisson() -> Pass:
    w, u, k = (lambda *at, name=name: Entry(name, at) for name in "wuk")
    return forward(
        "Poisson regression",
        {"x": "nd", "w": "d", "t": "n"},
        [
            define("u", n, value=total(d, w(d) * x(n, d))),
            define("k", n, value=Call("exp", u(n))),
            define("loss", value=mean(n, k(n) - t(n) * u(n))),
        ],
        [(adjoint("w", d), mean(n, (k(n) - t(n)) * x(n, d)))],
        loss="loss",
        spellings={
            "u": ("z", "u", "z"), "k": ("\\lambda", "\\mu", "r"), "t": ("y", "y", "t"), "w": ("w", "w", "\\theta"),
            "loss": ("L", "J", "E"),
        },
    )  # fmt: skip


PASSES = (
    batch_norm(),
    layer_norm(),
    centred_norm(),
    standardise(),
    rms_norm(),
    l2_norm(),
    softmax_cross_entropy(),
    sigmoid_cross_entropy(),
    linear(),
    hidden_layer(),
    logistic_regression(),
    variance(),
    squared_error(),
    weight_norm(),
    swish(),
    gated_unit(),
    memory_cell(),
    log_sum_exp(),
    cosine(),
    ridge(),
    batch_norm_of_channels(),
    layer_norm_of_samples(),
    attention_scores(),
    poisson(),
)
