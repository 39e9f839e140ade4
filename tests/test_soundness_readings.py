"""The promise, the reading of the page included: what is proved is true of the page, what is refuted is false of it.

Each forward pass stands here twice, as a page and in NumPy. Claims are formulas of the tests' own, right or changed at
random; what they are worth, and what the derivatives are, is computed from the NumPy side alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from random import Random

import numpy as np
import pytest
from formulas import Array, Change, Formula, Values, call, delta, size, total
from numpy.typing import NDArray

import derive.checking
from derive.checking import check_document
from derive.document import read_text

Arrays = dict[str, NDArray[np.float64]]
Stage = Callable[[str, NDArray[np.float64]], NDArray[np.float64]]
"""Names a value of a forward pass, so that it can be moved by a little."""

SEED = 20261201
STEP = 1e-5
SAME = 1e-6
"""Relative difference up to which two numbers are the same."""
DRAWS = 5
HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Claim:
    """A derivative with what is said to be its value.

    Attributes:
        of: the entry that is differentiated; None for the loss.
        by: the name it is differentiated by.
        letters: its letters there.
    """

    by: Array
    letters: str
    value: Formula
    of: Array | None = None
    at: str = ""

    def latex(self) -> str:
        above = "L" if self.of is None else self.of.written(tuple(self.at))
        below = self.by.written(tuple(self.letters))
        return rf"\frac{{\partial {above}}}{{\partial {below}}} = {self.value.latex()}"


@dataclass(frozen=True)
class Layer:
    """A forward pass, written twice.

    Attributes:
        page: the forward pass as text.
        forward: the same in NumPy: from the inputs to all names of the page.
        inputs: the names of data with the signs for how they must be, ``+`` for positive.
        axes: the letters of the page with the sizes that they run to.
        output: what the loss is any function of; empty where the page defines it.
        claims: right derivatives.
    """

    name: str
    page: str
    forward: Callable[[Arrays, dict[str, int], Stage], Arrays]
    inputs: Mapping[Array, str]
    axes: Mapping[str, str]
    claims: tuple[Claim, ...]
    output: Array | None = None
    others: tuple[Array, ...] = field(default=())


def g(output: Array) -> Array:
    """The derivative of the loss by an output."""
    return output.slope()


def layers() -> Iterator[Layer]:
    yield _softmax()
    yield _cross_entropy()
    yield _batch_norm()
    yield _layer_norm()
    yield _rms_norm()
    yield _linear()
    yield _unit_length()
    yield _weight_norm()
    yield _swish()
    yield _squares()
    yield _logistic()
    yield _attention()


def _softmax() -> Layer:
    z, p = Array("z", "z_{@}", "C"), Array("p", "p_{@}", "C")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        e = np.exp(d["z"])
        return {"p": stage("p", e / e.sum())}

    return Layer(
        "softmax",
        r"$$p_i = \frac{e^{z_i}}{\sum_{k=1}^{C} e^{z_k}}$$",
        forward,
        {z: ""},
        dict.fromkeys("ijk", "C"),
        (
            Claim(z, "j", p["i"] * (delta("i", "j") - p["j"]), p, "i"),
            Claim(z, "j", p["j"] * (g(p)["j"] - total("k", "C", g(p)["k"] * p["k"]))),
        ),
        p,
    )


def _cross_entropy() -> Layer:
    z, p, t = Array("z", "z_{@}", "K"), Array("p", "p_{@}", "K"), Array("t", "t_{@}", "K")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        e = np.exp(d["z"])
        p = stage("p", e / e.sum())
        return {"p": p, "L": -(d["t"] * np.log(p)).sum()}

    page = r"""The probabilities are

$$p_k = \frac{e^{z_k}}{\sum_{l=1}^{K} e^{z_l}}$$

and the loss is

$$L = -\sum_{k=1}^K t_k \log p_k$$"""
    return Layer(
        "cross entropy",
        page,
        forward,
        {z: "", t: ""},
        dict.fromkeys("kl", "K"),
        (Claim(p, "k", -1 * (t["k"] / p["k"])), Claim(z, "k", p["k"] * total("l", "K", t["l"]) - t["k"])),
    )


def _batch_norm() -> Layer:
    x, xh, y = Array("x", "x_{@}", "ND"), Array("xh", r"\hat{x}_{@}", "ND"), Array("y", "y_{@}", "ND")
    m, v = Array("m", r"\mu_{@}", "D"), Array("v", r"\sigma^2_{@}", "D")
    a, b, eps = Array("a", r"\gamma_{@}", "D"), Array("b", r"\beta_{@}", "D"), Array("eps", r"\epsilon")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        m = stage("m", d["x"].mean(axis=0))
        v = stage("v", ((d["x"] - m) ** 2).mean(axis=0))
        xh = stage("xh", (d["x"] - m) / np.sqrt(v + d["eps"]))
        return {"m": m, "v": v, "xh": xh, "y": stage("y", d["a"] * xh + d["b"])}

    page = r"""$$\mu_j = \frac{1}{N} \sum_{i=1}^N x_{ij}$$

$$\sigma^2_j = \frac{1}{N} \sum_{i=1}^N (x_{ij} - \mu_j)^2$$

$$\hat{x}_{ij} = \frac{x_{ij} - \mu_j}{\sqrt{\sigma^2_j + \epsilon}}$$

$$y_{ij} = \gamma_j \hat{x}_{ij} + \beta_j$$"""
    root = call("sqrt", v["j"] + eps[""])
    inner = size("N") * g(y)["ij"] - total("k", "N", g(y)["kj"]) - xh["ij"] * total("k", "N", g(y)["kj"] * xh["kj"])
    return Layer(
        "batch norm",
        page,
        forward,
        {x: "", a: "", b: "", eps: "+"},
        {"i": "N", "k": "N", "j": "D"},
        (
            Claim(b, "j", total("i", "N", g(y)["ij"])),
            Claim(a, "j", total("i", "N", g(y)["ij"] * xh["ij"])),
            Claim(xh, "ij", g(y)["ij"] * a["j"]),
            Claim(v, "j", total("i", "N", g(xh)["ij"] * (x["ij"] - m["j"])) * (v["j"] + eps[""]) ** -(HALF * 3) / -2),
            Claim(m, "j", -1 * total("i", "N", g(xh)["ij"] / root)),
            Claim(x, "ij", a["j"] / (size("N") * root) * inner),
        ),
        y,
        (g(xh),),
    )


def _layer_norm() -> Layer:
    x, y = Array("x", "x_{@}", "D"), Array("y", "y_{@}", "D")
    m, s, z = Array("m", r"\mu"), Array("s", r"\sigma"), Array("z", "z_{@}", "D")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        m = stage("m", d["x"].mean())
        s = stage("s", np.sqrt(((d["x"] - m) ** 2).mean() + 1))
        z = stage("z", (d["x"] - m) / s)
        return {"m": m, "s": s, "z": z, "y": stage("y", 2 * z)}

    page = r"""Let $\mu = \frac{1}{D} \sum_{i=1}^D x_i$
and $\sigma = \sqrt{\frac{1}{D} \sum_{i=1}^D (x_i - \mu)^2 + 1}$.

Then $z_i = \frac{x_i - \mu}{\sigma}$ and $y_i = 2 z_i$."""
    mean = total("k", "D", g(z)["k"]) / size("D")
    other = z["i"] / size("D") * total("k", "D", g(z)["k"] * z["k"])
    return Layer(
        "layer norm",
        page,
        forward,
        {x: ""},
        dict.fromkeys("ijk", "D"),
        (
            Claim(z, "i", 2 * g(y)["i"]),
            Claim(x, "i", (g(z)["i"] - mean - other) / s[""]),
            Claim(x, "j", (x["j"] - m[""]) / (size("D") * s[""]), s),
        ),
        y,
        (g(z),),
    )


def _rms_norm() -> Layer:
    x, w, y, r = Array("x", "x_{@}", "n"), Array("w", "w_{@}", "n"), Array("y", "y_{@}", "n"), Array("r", "r")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        r = stage("r", np.sqrt((d["x"] ** 2).mean()))
        return {"r": r, "y": stage("y", d["w"] * d["x"] / r)}

    inner = total("j", "n", g(y)["j"] * w["j"] * x["j"])
    return Layer(
        "rms norm",
        r"$$r = \sqrt{\frac{1}{n} \sum_{i=1}^{n} x_i^2}, \qquad y_i = \frac{w_i x_i}{r}$$",
        forward,
        {x: "", w: ""},
        dict.fromkeys("ij", "n"),
        (
            Claim(w, "i", g(y)["i"] * x["i"] / r[""]),
            Claim(x, "i", w["i"] * g(y)["i"] / r[""] - x["i"] / (size("n") * r[""] ** 3) * inner),
            Claim(x, "j", w["i"] / r[""] * (delta("i", "j") - x["i"] * x["j"] / (size("n") * r[""] ** 2)), y, "i"),
        ),
        y,
    )


def _linear() -> Layer:
    x, w, b = Array("x", "x_{@}", "ND"), Array("w", "w_{@}", "DM"), Array("b", "b_{@}", "M")
    y, h = Array("y", "y_{@}", "NM"), Array("h", "h_{@}", "NM")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        y = stage("y", d["x"] @ d["w"] + d["b"])
        return {"y": y, "h": stage("h", np.tanh(y))}

    page = r"""$$y_{ij} = \sum_{k=1}^{D} x_{ik} w_{kj} + b_j$$

$$h_{ij} = \tanh(y_{ij})$$

where $i = 1, \dots, N$ and $j = 1, \dots, M$."""
    return Layer(
        "linear",
        page,
        forward,
        {x: "", w: "", b: ""},
        {"i": "N", "k": "D", "j": "M"},
        (
            Claim(y, "ij", g(h)["ij"] * (1 - h["ij"] ** 2)),
            Claim(w, "kj", total("i", "N", x["ik"] * g(y)["ij"])),
            Claim(x, "ik", total("j", "M", g(y)["ij"] * w["kj"])),
            Claim(b, "j", total("i", "N", g(y)["ij"])),
        ),
        h,
        (g(y),),
    )


def _unit_length() -> Layer:
    x, y, s = Array("x", "x_{@}", "d"), Array("y", "y_{@}", "d"), Array("s", "s")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        s = stage("s", (d["x"] ** 2).sum())
        return {"s": s, "y": stage("y", d["x"] / np.sqrt(s))}

    return Layer(
        "unit length",
        r"Let $s = \sum_{k=1}^d x_k^2$ and $y_i = \frac{x_i}{\sqrt{s}}$.",
        forward,
        {x: ""},
        dict.fromkeys("ijk", "d"),
        (
            Claim(x, "j", (delta("i", "j") - y["i"] * y["j"]) / call("sqrt", s[""]), y, "i"),
            Claim(s, "", total("i", "d", g(y)["i"] * y["i"]) / (-2 * s[""])),
            Claim(x, "j", (g(y)["j"] - y["j"] * total("k", "d", g(y)["k"] * y["k"])) / call("sqrt", s[""])),
        ),
        y,
    )


def _weight_norm() -> Layer:
    v, a, w = Array("v", "v_{@}", "n"), Array("a", "a"), Array("w", "w_{@}", "n")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        return {"w": stage("w", d["a"] * d["v"] / np.sqrt((d["v"] ** 2).sum()))}

    norm = total("k", "n", v["k"] ** 2)
    inner = total("k", "n", g(w)["k"] * v["k"])
    return Layer(
        "weight norm",
        r"$$w_i = \frac{a}{\sqrt{\sum_{k=1}^n v_k^2}} v_i$$",
        forward,
        {v: "", a: ""},
        dict.fromkeys("ik", "n"),
        (
            Claim(a, "", inner / call("sqrt", norm)),
            Claim(v, "i", a[""] * g(w)["i"] / call("sqrt", norm) - a[""] * v["i"] * inner * norm ** -(HALF * 3)),
        ),
        w,
    )


def _swish() -> Layer:
    x, y, b = Array("x", "x_{@}", "n"), Array("y", "y_{@}", "n"), Array("b", r"\beta")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        return {"y": stage("y", d["x"] / (1 + np.exp(-d["b"] * d["x"])))}

    gate = call("sigmoid", b[""] * x["i"])
    return Layer(
        "swish",
        "$$y_i = x_i \\sigma(\\beta x_i), \\quad i = 1, \\dots, n$$\n\nHere $\\sigma(z) = \\frac{1}{1 + e^{-z}}$.",
        forward,
        {x: "", b: ""},
        dict.fromkeys("ij", "n"),
        (
            Claim(x, "i", g(y)["i"] * (gate + b[""] * y["i"] * (1 - gate))),
            Claim(b, "", total("i", "n", g(y)["i"] * x["i"] * y["i"] * (1 - gate))),
        ),
        y,
    )


def _squares() -> Layer:
    x, w, t, f = Array("x", "x_{@}", "Nd"), Array("w", "w_{@}", "d"), Array("t", "t_{@}", "N"), Array("f", "f_{@}", "N")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        f = stage("f", d["x"] @ d["w"])
        return {"f": f, "L": ((f - d["t"]) ** 2).sum() / (2 * n["N"])}

    page = r"""The model is $f_i = \sum_{k=1}^d x_{ik} w_k$, the loss

$$L = \frac{1}{2N} \sum_{i=1}^N (f_i - t_i)^2$$"""
    return Layer(
        "squares",
        page,
        forward,
        {x: "", w: "", t: ""},
        {"i": "N", "j": "N", "k": "d"},
        (
            Claim(f, "i", (f["i"] - t["i"]) / size("N")),
            Claim(w, "k", total("i", "N", (f["i"] - t["i"]) * x["ik"]) / size("N")),
            Claim(x, "ik", (f["i"] - t["i"]) * w["k"] / size("N")),
        ),
    )


def _logistic() -> Layer:
    x, w, t, a = Array("x", "x_{@}", "Nd"), Array("w", "w_{@}", "d"), Array("t", "t_{@}", "N"), Array("a", "a_{@}", "N")
    b = Array("b", "b")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        a = stage("a", 1 / (1 + np.exp(-d["x"] @ d["w"] - d["b"])))
        return {"a": a, "L": -(d["t"] * np.log(a) + (1 - d["t"]) * np.log(1 - a)).mean()}

    page = r"""$$a_i = \frac{1}{1 + e^{-\sum_{k=1}^{d} w_k x_{ik} - b}}$$

$$L = -\frac{1}{N} \sum_{i=1}^N \left[ t_i \log(a_i) + (1 - t_i) \log(1 - a_i) \right]$$"""
    return Layer(
        "logistic",
        page,
        forward,
        {x: "", w: "", t: "", b: ""},
        {"i": "N", "j": "N", "k": "d"},
        (
            Claim(b, "", total("i", "N", a["i"] - t["i"]) / size("N")),
            Claim(w, "k", 1 / size("N") * total("i", "N", (a["i"] - t["i"]) * x["ik"])),
        ),
    )


def _attention() -> Layer:
    q, k, v = Array("q", "q_{@}", "d"), Array("k", "k_{@}", "nd"), Array("v", "v_{@}", "n")
    s, a, o = Array("s", "s_{@}", "n"), Array("a", "a_{@}", "n"), Array("o", "o")

    def forward(d: Arrays, n: dict[str, int], stage: Stage) -> Arrays:
        s = stage("s", d["k"] @ d["q"])
        a = stage("a", np.exp(s) / np.exp(s).sum())
        return {"s": s, "a": a, "o": stage("o", (a * d["v"]).sum())}

    page = r"""The scores are $s_j = \sum_{c=1}^d q_c k_{jc}$.

$$a_j = \frac{e^{s_j}}{\sum_{l=1}^n e^{s_l}}$$

$$o = \sum_{j=1}^n a_j v_j$$"""
    return Layer(
        "attention",
        page,
        forward,
        {q: "", k: "", v: ""},
        {"j": "n", "l": "n", "c": "d"},
        (
            Claim(v, "j", g(o)[""] * a["j"]),
            Claim(s, "j", g(o)[""] * a["j"] * (v["j"] - o[""])),
            Claim(q, "c", total("j", "n", g(s)["j"] * k["jc"])),
            Claim(k, "jc", g(s)["j"] * q["c"]),
        ),
        o,
        (g(s),),
    )


LAYERS = {layer.name: layer for layer in layers()}


# -- the oracle --------------------------------------------------------------------------------------------------------


class Oracle:
    """A layer's numbers at one draw of sizes and data, its derivatives by differences."""

    def __init__(self, layer: Layer, seed: int) -> None:
        numbers = np.random.default_rng(seed)
        names = sorted({*layer.axes.values()} | set("".join(array.axes for array in layer.inputs)))
        self.layer = layer
        self.sizes = dict(zip(names, map(int, numbers.permutation(5)[: len(names)] + 1), strict=True))
        self.data = {}
        for array, sign in layer.inputs.items():
            drawn = numbers.uniform(0.3, 1.5, tuple(self.sizes[a] for a in array.axes))
            self.data[array.name] = drawn if sign == "+" else drawn * numbers.choice((-1, 1), drawn.shape)
        self.weights = numbers.uniform(0.5, 2, self._run()[layer.output.name].shape) if layer.output else None

    def _run(self, moved: str = "", by: NDArray[np.float64] | float = 0.0) -> Arrays:
        """All names of the page, one of them moved by a little with all that is made from it."""
        data = {name: value + by if name == moved else value for name, value in self.data.items()}
        found = self.layer.forward(
            data, self.sizes, lambda name, value: np.asarray(value + by if name == moved else value)
        )
        return {**data, **found}

    def _top(self, of: Array | None, run: Arrays) -> NDArray[np.float64]:
        if of is not None:
            return run[of.name]
        if self.layer.output is None:
            return np.asarray(run["L"])
        return np.asarray((self.weights * run[self.layer.output.name]).sum())

    def slope(self, of: Array | None, by: Array) -> NDArray[np.float64]:
        """The derivative of a name or the loss by a name, the letters of the first before those of the second."""
        shape = np.shape(self._run()[by.name])
        rest = self._top(of, self._run()).shape
        found = np.zeros((*rest, *shape))
        for place in np.ndindex(*shape):
            nudge = np.zeros(shape)
            nudge[place] = STEP
            weights = {1: 8.0, -1: -8.0, 2: -1.0, -2: 1.0}
            moved = sum(w * self._top(of, self._run(by.name, k * nudge)) for k, w in weights.items())
            found[(*(slice(None) for _ in rest), *place)] = np.asarray(moved) / (12 * STEP)
        return found

    def values(self, slopes: tuple[Array, ...]) -> Values:
        """The numbers of all names, and of the derivatives that formulas may have in them."""
        run = self._run()
        names = {array.slope(): array for array in self._stages() if array.slope() in slopes}
        return Values({**run, **{slope.name: self.slope(None, array) for slope, array in names.items()}}, self.sizes)

    def _stages(self) -> set[Array]:
        return {claim.by for claim in self.layer.claims} | ({self.layer.output} if self.layer.output else set())

    def gap(self, claim: Claim) -> float | None:
        """How far apart the two sides of a claim are; None where they have no value."""
        values = self.values((*_slopes(claim.value),))
        true = self.slope(claim.of, claim.by)
        letters = claim.at + claim.letters
        gaps = []
        for place in product(*(range(self.sizes[self.layer.axes[a]]) for a in letters)):
            with np.errstate(all="ignore"):
                said = claim.value.value(values, dict(zip(letters, place, strict=True)))
            there = float(true[place])
            if not (math.isfinite(said) and math.isfinite(there)):
                return None
            gaps.append(abs(said - there) / max(1.0, abs(said), abs(there)))
        return max(gaps)


def _slopes(formula: Formula) -> Iterator[Array]:
    if formula.kind == "entry" and formula.about[0].name.startswith("dL/"):
        yield formula.about[0]
    for part in formula.parts:
        yield from _slopes(part)


def largest_gap(layer: Layer, claim: Claim, seed: int) -> float | None:
    """The largest difference of a claim's sides at several draws; None where they never have a value."""
    gaps = [gap for k in range(DRAWS) if (gap := Oracle(layer, seed + k).gap(claim)) is not None]
    return max(gaps, default=None)


# -- the tests ---------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _verdicts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the mistake is called does not matter here."""
    monkeypatch.setattr(derive.checking, "MISTAKE_SECONDS", 0.0)


def changed(layer: Layer, claim: Claim, random: Random) -> Claim:
    """A claim with another value, which may be the same number by chance."""
    arrays = {array for one in layer.claims for array in (one.by, *_slopes(one.value))} | set(layer.inputs)
    change = Change(random, layer.axes, tuple(sorted(arrays, key=lambda a: a.name)), tuple(set(layer.axes.values())))
    return Claim(claim.by, claim.letters, change.of(claim.value, claim.at + claim.letters), claim.of, claim.at)


def statuses(layer: Layer, claims: list[Claim]) -> list[str]:
    """What is said of claims that stand below a forward pass, one a display."""
    text = "\n\n".join((layer.page, *(f"$${claim.latex()}$$" for claim in claims)))
    checked = check_document(read_text(text))
    found = []
    for claim in claims:
        line = text[: text.index(f"$${claim.latex()}$$")].count("\n") + 1
        here = {s.status for s in checked.statements if s.source.place(s.span.start).line == line}
        assert len(here) == 1, (layer.name, claim.latex(), here)
        found += here
    return found


def judge(layer: Layer, claims: list[Claim], seed: int) -> list[str]:
    """The statuses of claims on one page; each must be true."""
    found = statuses(layer, claims)
    for claim, status in zip(claims, found, strict=True):
        gap = largest_gap(layer, claim, seed) if status in ("proved", "refuted", "tested") else None
        where = f"{layer.name}, seed {seed}: {claim.latex()} is {status}, off by {gap}"
        if gap is not None:
            assert (gap > SAME) == (status == "refuted"), where
    return found


def mutants(layer: Layer, seed: int, pages: int) -> list[str]:
    """The statuses of changed claims, one of each right claim a page."""
    found = []
    for k in range(pages):
        random = Random(seed + k)
        found += judge(layer, [changed(layer, claim, random) for claim in layer.claims], seed + k)
    return found


@pytest.mark.parametrize("name", LAYERS)
def test_the_right_claims_are_right(name: str) -> None:
    """The two ways in which each forward pass is written, and the claims, agree: else the oracle is no oracle."""
    layer = LAYERS[name]
    for claim in layer.claims:
        gap = largest_gap(layer, claim, SEED)
        assert gap is not None and gap < SAME, (claim.latex(), gap)


@pytest.mark.parametrize("name", LAYERS)
def test_right_claims_are_proved(name: str) -> None:
    assert set(judge(LAYERS[name], list(LAYERS[name].claims), SEED)) == {"proved"}


@pytest.mark.parametrize("name", LAYERS)
def test_changed_claims_get_true_verdicts(name: str) -> None:
    found = mutants(LAYERS[name], SEED, 4)
    assert "refuted" in found, "no change was caught"


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_a_thousand_changed_claims(name: str) -> None:
    found = mutants(LAYERS[name], SEED + 1000, 28)
    assert found.count("refuted") > len(found) / 2
