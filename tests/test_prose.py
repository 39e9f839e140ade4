"""What sentences say of names, in ten languages, and what is made of it: small pages, each verdict checked."""

from __future__ import annotations

import pytest

from derive.checking import check_document
from derive.document import read_text
from derive.prose import Saying, sayings

KNOWN = frozenset({"\\mu", "\\sigma", "x", "N", "g", "v"})


def said(text: str) -> list[Saying]:
    return sayings(read_text(text), KNOWN)


def short(text: str) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(s.name, s.meaning, s.of) for s in said(text)}


# -- readings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence",
    [
        r"where $\mu$ is the mean of $x_i$ and $\sigma^2$ is the variance.",
        r"Let $\mu$ denote the mean of $x_i$, and let $\sigma^2$ be its variance.",
        r"We denote by $\mu$ the mean of $x_i$ and by $\sigma^2$ its variance.",
        r"- $\mu$: mean of $x_i$, $\sigma^2$: variance",
        r"Here mu is the mean of $x_i$; sigma squared is the variance.",
        r"wobei $\mu$ der Mittelwert der $x_i$ ist und $\sigma^2$ die Varianz bezeichnet",
        r"Hier ist $\mu$ der Mittelwert von $x_i$ und $\sigma^2$ die Varianz.",
        r"où $\mu$ est la moyenne des $x_i$ et $\sigma^2$ leur variance",
        r"donde $\mu$ es la media de $x_i$ y $\sigma^2$ es la varianza",
        r"dove $\mu$ è la media di $x_i$ e $\sigma^2$ è la varianza",
        r"onde $\mu$ é a média de $x_i$ e $\sigma^2$ é a variância",
        r"waar $\mu$ het gemiddelde van $x_i$ is en $\sigma^2$ de variantie",
        r"где $\mu$ — среднее значение $x_i$, а $\sigma^2$ — дисперсия.",
        r"其中 $\mu$ 是 $x_i$ 的均值，$\sigma^2$ 是方差。",
        r"ここで $\mu$ は $x_i$ の平均、$\sigma^2$ は分散である。",
    ],
)
def test_a_mean_and_a_variance_in_every_language(sentence: str) -> None:
    found = {(name, meaning) for name, meaning, _ in short(sentence)}
    assert found == {("\\mu", "mean"), ("\\sigma^2", "variance")}
    assert ("\\mu", "mean", ("x_i",)) in short(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        r"$g$ denotes the gradient of $L$ with respect to $y$.",
        r"We write $g$ for the gradient of $L$ with respect to $y$.",
        r"wobei $g$ der Gradient von $L$ nach $y$ ist",
        r"où $g$ est le gradient de $L$ par rapport à $y$",
        r"donde $g$ es el gradiente de $L$ con respecto a $y$",
        r"dove $g$ è il gradiente di $L$ rispetto a $y$",
        r"onde $g$ é o gradiente de $L$ em relação a $y$",
        r"где $g$ — градиент $L$ по $y$",
        r"$g$ 表示 $L$ 对 $y$ 的梯度。",
        r"$g$ は $L$ の $y$ に関する勾配とする。",
    ],
)
def test_a_gradient_in_every_language(sentence: str) -> None:
    assert [(s.name, s.meaning, s.of, s.top) for s in said(sentence)] == [("g", "gradient", ("y",), "L")]


def test_names_are_matched_with_meanings_one_for_one() -> None:
    text = r"where $\mu$ and $\sigma$ are the batch mean and the batch standard deviation, respectively."
    assert {(s.name, s.meaning, s.marks) for s in said(text)} == {
        ("\\mu", "mean", frozenset("B")),
        ("\\sigma", "deviation", frozenset("B")),
    }


def test_words_that_make_another_thing_of_a_mean_are_kept() -> None:
    (saying,) = said(r"where $\mu$ is some weighted average of the batch.")
    assert saying.meaning == "mean"
    assert {"X", "?"} <= saying.marks


@pytest.mark.parametrize(
    "sentence",
    [
        r"$x$ is drawn from a normal distribution with mean $\mu$ and variance $\sigma^2$.",
        r"The mean of $x$ is large, and so is $\mu$.",
        "    $\\mu$ is the mean of $x$.\n",
        "`$\\mu$ is the mean of $x$`",
        "<!-- $\\mu$ is the mean of $x$ -->",
    ],
)
def test_what_says_nothing_of_a_name(sentence: str) -> None:
    assert ("\\mu", "mean") not in {(s.name, s.meaning) for s in said("Text.\n\n" + sentence)}


# -- verdicts ----------------------------------------------------------------------------------------------------------

NORMED = r"$$y_i = \frac{x_i - \mu}{\sigma}$$" + "\n\n"
GRADIENT = r"$$\frac{\partial L}{\partial x_i} = %s$$" + "\n\n"
RIGHT = GRADIENT % r"\frac{1}{\sigma}\left(g_i - \frac{1}{N}\sum_j g_j - \frac{y_i}{N}\sum_j g_j y_j\right)"
HELD = GRADIENT % r"\frac{g_i}{\sigma}"
UPSTREAM = r"Here $g_i = \frac{\partial L}{\partial y_i}$." + "\n\n"


def verdicts(text: str) -> list[str]:
    """The statuses of the displays that claim something."""
    statements = check_document(read_text(text)).statements
    return [s.status for s in statements if s.status not in ("assumed", "note")]


@pytest.mark.parametrize(
    "words",
    [
        r"where $\mu$ and $\sigma$ are the batch mean and the batch standard deviation.",
        r"wobei $\mu$ der Mittelwert und $\sigma$ die Standardabweichung der $x_i$ ist.",
        r"其中 $\mu$ 和 $\sigma$ 分别是批量均值和标准差。",
        r"où $\mu$ est la moyenne du lot et $\sigma$ son écart-type.",
    ],
)
def test_what_words_define_is_differentiated(words: str) -> None:
    assert verdicts(NORMED + words + "\n\n" + UPSTREAM + RIGHT + HELD) == ["proved", "refuted"]


def test_what_was_taken_from_words_is_told_with_its_line() -> None:
    words = r"where $\mu$ is the mean and $\sigma$ the standard deviation of the $N$ values $x_i$."
    assumptions = check_document(read_text(NORMED + words + "\n\n" + UPSTREAM + RIGHT)).assumptions
    assert ("\\mu is the mean of x_i over i, in words", 3) in {(a.text, a.line) for a in assumptions}


@pytest.mark.parametrize(
    "words",
    [
        r"where $\mu$ and $\sigma$ are computed from the batch.",
        r"where $\mu$ is some weighted average of the batch and $\sigma$ its standard deviation.",
        r"where $\mu$ and $\sigma$ are the running mean and the sample standard deviation.",
    ],
)
def test_nothing_is_decided_through_what_words_leave_open(words: str) -> None:
    assert not {"proved", "refuted"} & set(verdicts(NORMED + words + "\n\n" + UPSTREAM + RIGHT + HELD))


def test_a_display_counts_before_words() -> None:
    shown = r"$$\mu = \frac{1}{N}\sum_{i=1}^N x_i, \quad z_i = x_i - \mu$$" + "\n\n"
    words = r"Here $\mu$ is the root mean square of $x_i$." + "\n\n"
    claims = r"$$\frac{\partial z_i}{\partial x_j} = \delta_{ij} - \frac1N$$"
    assert verdicts(shown + words + claims) == ["proved"]


def test_an_unbiased_variance_is_divided_by_one_less() -> None:
    page = (
        r"$$z_i = \frac{x_i - \mu}{v}$$"
        "\n\nwhere $\\mu$ is the mean and $v$ the unbiased variance of the $N$ values $x_i$.\n\n"
        r"$$\frac{\partial v}{\partial x_i} = \frac{2}{%s}(x_i - \mu)$$"
    )
    assert verdicts(page % "N-1") == ["proved"]
    assert verdicts(page % "N") == ["refuted"]


def test_a_gradient_named_in_words_is_a_claim_where_it_is_displayed() -> None:
    page = (
        r"$$y_k = \sum_j W_{kj} h_j, \quad L = \frac{1}{2} \sum_k (y_k - t_k)^2$$"
        "\n\nWe write $u_k$ for the gradient of $L$ with respect to $y_k$.\n\n"
        r"$$u_k = %s$$"
    )
    assert verdicts(page % "y_k - t_k") == ["proved"]
    assert verdicts(page % "-y_k - t_k") == ["refuted"]


@pytest.mark.parametrize(
    ("forward", "words", "expected"),
    [
        (
            r"p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}",
            "cross-entropy of $p$ and the one-hot label $y$",
            ["proved", "refuted"],
        ),
        (
            r"p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}",
            "cross-entropy between the one-hot $y$ and $p$",
            ["proved", "refuted"],
        ),
        (r"p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}", "loss", None),
        (r"p_i = \sigma(z_i)", "binary cross-entropy of $p$ and $y$", None),  # a sum or a mean of many
        (r"p_i = \sigma(z_i)", "cross-entropy of $p$ and $y$", None),
    ],
)
def test_a_loss_in_words(forward: str, words: str, expected: list[str] | None) -> None:
    """``None``: nothing is decided."""
    claim = r"$$\frac{\partial L}{\partial z_i} = %s$$" + "\n\n"
    page = f"$${forward}$$\n\nHere $L$ is the {words}.\n\n"
    found = verdicts(page + claim % "p_i - y_i" + claim % "y_i - p_i")
    assert found == expected if expected else not {"proved", "refuted"} & set(found)


def test_parameters_and_labels_depend_on_nothing() -> None:
    page = "$$y_i = x_i - \\mu$$\n\n%s\n\n" + GRADIENT % r"\frac{\partial L}{\partial y_i}"
    assert verdicts(page % r"Here $\mu$ is a learned parameter.") == ["proved"]
    assert verdicts(page % r"Here $\mu$ is computed from the batch.") != ["proved"]
    assert verdicts(page % r"Nothing is said of it.") != ["proved"]


def test_a_size_is_told_in_words() -> None:
    page = (
        "%s\n\n"
        r"$$\mu = \mathbb{E}[x], \quad z_i = x_i - \mu$$"
        "\n\n"
        r"$$\frac{\partial z_i}{\partial x_j} = \delta_{ij} - \frac{1}{N}$$"
    )
    assert verdicts(page % "Here $N$ is the batch size.") == ["proved"]
    assert verdicts(page % r"Let $x \in \mathbb{R}^N$.") == ["proved"]


# -- functions in words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (r"$$y = \mathrm{e}^{-x^2}$$" "\n\n" r"$$\frac{dy}{dx} = -2x\,\text{e}^{-x^2}$$", ["proved"]),
        (r"$$y = \operatorname{swish}(x)$$" "\n\n" r"$$\frac{\partial y}{\partial x} = \sigma(x)$$", ["refuted"]),
        (
            r"$$\mu = \operatorname{avg}_i x_i, \quad y_i = x_i - \mu$$"
            "\n\n"
            r"$$\frac{\partial y_i}{\partial x_j} = \delta_{ij} - \frac1N$$",
            ["undecided"],  # nothing says that there are N
        ),
        (
            r"$$\mu = \frac1N\sum_{i=1}^N x_i, \quad v = \operatorname{mean}_i (x_i - \mu)^2$$"
            "\n\n"
            r"$$\frac{\partial v}{\partial x_i} = \frac2N(x_i - \mu)$$",
            ["proved"],
        ),
        (r"$$y = \operatorname{foo}(x + 1)$$" "\n\n" r"$$\frac{\partial y}{\partial x} = \operatorname{foo}$$", None),
        (r"$$h = \phi(z)$$" "\n\n" r"$$\frac{\partial h}{\partial z} = \phi$$", None),
        (
            r"$$z = w x + b, \quad J = z^2$$" "\n\n" r"$$\frac{\partial J(w, b)}{\partial w} = 2 z x$$",
            ["proved"],
        ),
        (
            r"$$\text{var}(y) = \frac{1}{n-1}\sum_{i=1}^n (y_i - m)^2$$"
            "\n\n"
            r"$$\frac{\partial \text{var}(y)}{\partial m} = -\frac{2}{n}\sum_{i=1}^n (y_i - m)$$",
            None,
        ),
    ],
)
def test_words_for_functions(page: str, expected: list[str] | None) -> None:
    """``None``: anything but a proof."""
    found = verdicts(page)
    assert found == expected if expected is not None else "proved" not in found
