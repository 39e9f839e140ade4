"""The drawings of the notebooks: they take numbers that a notebook computed and make calm pictures of them.

One style for all, readable in grey: lines differ by their dashes and are named where they end, and matrices use a map
whose lightness grows with the value. Every function returns a picture that shows itself in a notebook, with a text
for those who cannot see it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK, BLUE, OCHRE, GREY, PALE = "#1d2733", "#2b6390", "#c57b1d", "#8b939c", "#d9dde1"
LINES: Sequence[tuple[str, Any]] = (
    (INK, "-"),
    (BLUE, (0, (5, 1.5))),
    (OCHRE, (0, (1.2, 1.2))),
    (GREY, (0, (6, 1.5, 1.2, 1.5))),
)
LIGHTNESS = LinearSegmentedColormap.from_list("lightness", ["#0d2036", "#2b6390", "#a3adb3", "#e6c98a", "#fff8e6"])

WIDTH = 7.6  # inches
STYLE: Mapping[str, Any] = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.titlepad": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "lines.linewidth": 1.7,
    "lines.solid_capstyle": "round",
    "figure.constrained_layout.use": True,
}
mpl.rcParams.update(STYLE)


def paths() -> Image:
    """How x_j reaches the loss: the graph of the forward pass with its local partial derivatives."""
    figure, axes = _figure(2.9)
    axes.set(xlim=(-0.45, 10.45), ylim=(-0.35, 4.05))
    axes.axis("off")
    nodes = {
        "x_j": (0, 2), r"\mu": (2.6, 3.6), r"\sigma^2": (2.6, 0.1), r"\hat{x}_i": (6, 2), "y_i": (8, 2), "L": (10, 2),
    }  # fmt: skip
    for name, place in nodes.items():
        axes.text(*place, f"${name}$", ha="center", va="center", fontsize=15, bbox=_BUBBLE, zorder=3)
    edges = [
        ("x_j", r"\hat{x}_i", r"$\delta_{ij}\,/\,\sqrt{\sigma^2+\epsilon}$", (3.4, 2.3), "center", BLUE),
        ("x_j", r"\mu", r"$1/N$", (1.1, 3.15), "right", OCHRE),
        (r"\mu", r"\hat{x}_i", r"$-1\,/\,\sqrt{\sigma^2+\epsilon}$", (4.5, 3.15), "left", OCHRE),
        ("x_j", r"\sigma^2", r"$2\,(x_j-\mu)\,/\,N$", (1.1, 0.85), "right", INK),
        (r"\sigma^2", r"\hat{x}_i", r"$-\hat{x}_i\,/\,2\,(\sigma^2+\epsilon)$", (4.5, 0.85), "left", INK),
        (r"\hat{x}_i", "y_i", r"$\gamma$", (7, 2.3), "center", GREY),
        ("y_i", "L", r"$g_i$", (9, 2.3), "center", GREY),
        (r"\mu", r"\sigma^2", r"$0$", (2.75, 2.75), "left", PALE),
    ]
    for start, end, label, place, align, colour in edges:
        arrow = {"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 17, "shrinkB": 17}
        axes.annotate("", nodes[end], nodes[start], arrowprops=arrow, zorder=1)
        axes.text(*place, label, ha=align, va="center", zorder=2, bbox={"fc": "white", "ec": "none", "pad": 1.5})
    axes.text(9, 1.35, "summed over all $i$", ha="center", color=GREY, fontsize=11)
    return _picture(figure, "The graph of batch normalisation: three paths lead from x_j to x-hat_i.")


_BUBBLE: Mapping[str, Any] = {"boxstyle": "circle,pad=0.35", "fc": "white", "ec": GREY, "lw": 0.8}


def matrices(panels: Mapping[str, np.ndarray], between: str, limit: float, alt: str) -> Image:
    """Square matrices side by side on one scale, darkest where lowest, with a sign before each of them.

    Args:
        between: a character for each gap, such as ``=++``.
        limit: the scale is from minus this to this; the diagonal may be beyond it.
    """
    figure, axes = _figure(WIDTH / len(panels) * 0.98 + 0.35, columns=len(panels))
    for k, (ax, (title, matrix)) in enumerate(zip(axes, panels.items(), strict=True)):
        image = _matrix(ax, matrix, limit)
        ax.set_title(title)
        if k:
            sign = between[k - 1 : k]
            ax.text(-0.13, 0.5, sign, transform=ax.transAxes, ha="center", va="center", fontsize=18)
        else:
            ax.set_ylabel("output $i$")
        ax.set_xlabel("input $j$")
    _scale(figure, image, axes, True)
    return _picture(figure, alt)


def comparison(derived: np.ndarray, numeric: np.ndarray, limit: float) -> Image:
    """A matrix as derived, by central differences, and what is between them, on a scale of its own."""
    difference = derived - numeric
    figure, axes = _figure(2.35, columns=3)
    shown = {"derived": derived, "central differences": numeric}
    for ax, (title, matrix) in zip(axes, shown.items(), strict=False):
        image = _matrix(ax, matrix, limit)
        ax.set(title=title, xlabel="input $j$")
    axes[0].set_ylabel("output $i$")
    _scale(figure, image, list(axes[:2]), True)
    largest = np.abs(difference).max()
    exponent = int(np.floor(np.log10(largest)))
    image = _matrix(axes[2], difference / 10.0**exponent, np.ceil(largest / 10.0**exponent))
    axes[2].set(title=rf"difference ($10^{{{exponent}}}$)", xlabel="input $j$")
    _scale(figure, image, [axes[2]], False)
    return _picture(figure, f"The Jacobian as derived and by differences: they differ by at most {largest:.0e}.")


def _matrix(axes: Axes, matrix: np.ndarray, bound: float) -> Any:
    image = axes.imshow(matrix, cmap=LIGHTNESS, vmin=-bound, vmax=bound, interpolation="nearest")
    last = len(matrix)
    axes.set(xticks=[0, last - 1], yticks=[0, last - 1])
    axes.set_xticklabels([1, last])
    axes.set_yticklabels([1, last])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


def _scale(figure: Figure, image: Any, axes: Any, beyond: bool) -> None:
    bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=22, pad=0.02, extend="max" if beyond else "neither")
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=10)
    bar.locator = MaxNLocator(4, steps=[1, 2, 3, 5, 10])
    bar.update_ticks()


def seen(errors: Mapping[str, float]) -> Image:
    """The largest error of each formula in units of what a numeric check tolerates: it passes up to 1."""
    figure, ax = _figure(0.32 * len(errors) + 1.0)
    low = min(errors.values()) / 4
    ax.axvspan(low, 1, color=PALE, alpha=0.5, lw=0)
    for k, value in enumerate(errors.values()):
        ax.plot(value, k, "o", ms=8, mec=INK, mfc="white" if value <= 1 else INK, mew=1.5, clip_on=False)
    ax.set(xscale="log", ylim=(len(errors) - 0.4, -0.6), xlim=(low, 4 * max(errors.values())))
    ax.set_yticks(range(len(errors)), list(errors))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.text(0.75, -0.64, "passes", ha="right", va="bottom", color=GREY)
    ax.text(1.4, -0.64, "fails", ha="left", va="bottom", color=GREY)
    ax.set_xlabel("largest error / tolerance")
    return _picture(figure, "Errors of nine formulas; those that mistreat ε lie where the check passes.")


def step_sizes(steps: np.ndarray, panels: Mapping[str, Mapping[str, np.ndarray]]) -> Image:
    """Error in units of the tolerance against step size, one panel a precision, one line a formula."""
    figure, axes = _figure(3.7, columns=len(panels), sharey=True)
    for ax, (title, lines) in zip(axes, panels.items(), strict=True):
        for (name, errors), (colour, dash) in zip(lines.items(), LINES, strict=False):
            ax.plot(steps, errors, color=colour, ls=dash, label=name)
        ax.axhspan(1e-8, 1, color=PALE, alpha=0.5, lw=0)
        ax.set(xscale="log", yscale="log", title=title, xlabel="step $h$ (units of $x$)", ylim=(1e-8, 1e7))
        ax.margins(x=0)
    axes[0].set_ylabel("largest error / tolerance")
    axes[0].text(steps[0] * 1.6, 2e-8, "passes", ha="left", va="bottom", color=GREY)
    axes[-1].legend(frameon=False, fontsize=11, loc="lower left", handlelength=2.8, borderaxespad=0.2)
    return _picture(figure, "The error of the right formula falls and rises with the step; others stop at a plateau.")


def wrong_terms(
    sizes: np.ndarray, by_size: Mapping[str, np.ndarray], variances: np.ndarray, by_variance: np.ndarray, epsilon: float
) -> Image:
    """The size of wrong terms, relative to the gradient: against N, and that of a missing ε against the variance."""
    figure, axes = _figure(3.6, columns=2, sharey=True)
    for (name, values), (colour, dash) in zip(by_size.items(), LINES, strict=False):
        axes[0].plot(sizes, values, color=colour, ls=dash, label=name)
    axes[0].legend(frameon=False, fontsize=11, loc="upper right", handlelength=2.8, borderaxespad=0)
    axes[0].set(xscale="log", yscale="log", xlabel="batch size $N$ (samples)", ylabel="wrong term / gradient")
    axes[1].plot(variances, by_variance, color=OCHRE, ls=LINES[2][1])
    axes[1].axvline(epsilon, color=GREY, lw=0.7)
    axes[1].text(epsilon * 0.7, by_variance.min(), r"$\sigma^2=\epsilon$", ha="right", va="bottom", color=GREY)
    for ax in axes:
        ax.minorticks_off()
    axes[1].set(xscale="log", xlabel=r"variance of the feature $\sigma^2$ (units of $x^2$)")
    return _picture(figure, "Wrong terms fade with the batch; a missing ε does not, and grows on small variances.")


def races(times: Mapping[str, Mapping[str, float]]) -> Image:
    """Milliseconds of each piece of code, a group of bars for each size of data."""
    figure, ax = _figure(0.42 * sum(map(len, times.values())) + 0.9)
    names = list(dict.fromkeys(name for group in times.values() for name in group))
    looks = dict(zip(names, [(PALE, GREY), (BLUE, BLUE), (INK, INK)], strict=False))
    place, ticks = 0.0, []
    for group in times.values():
        ticks.append(place + (len(group) - 1) / 2)
        for name, seconds in group.items():
            face, edge = looks[name]
            ax.barh(place, seconds * 1e3, 0.78, color=face, edgecolor=edge, lw=0.8)
            ax.text(seconds * 1e3, place, f"  {seconds * 1e3:.0f} ms   {name}", va="center", fontsize=11)
            place += 1
        place += 0.6
    ax.set_yticks(ticks, list(times))
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    longest = max(max(group.values()) for group in times.values()) * 1e3
    ax.set(xlabel="time of forward and backward pass (ms)", xlim=(0, longest * 1.35))
    return _picture(figure, "Times of the staged code and the generated kernel.")


def accuracy(means: np.ndarray, panels: Mapping[str, Mapping[str, np.ndarray]]) -> Image:
    """Relative error of float32 results against the mean of the data, one panel a result."""
    figure, axes = _figure(3.3, columns=len(panels), sharey=True)
    for ax, (title, lines) in zip(axes, panels.items(), strict=True):
        for (name, errors), (colour, dash) in zip(lines.items(), ((GREY, "-"), (BLUE, "-")), strict=False):
            ax.plot(means, errors, color=colour, ls=dash, marker="o", ms=4, mfc="white", label=name)
        ax.set(xscale="log", yscale="log", title=title, xlabel=r"mean of the data ($\sigma$ = 1)")
    axes[0].set_ylabel("relative error in float32")
    axes[0].legend(frameon=False, fontsize=11, loc="upper left", borderaxespad=0.2)
    return _picture(figure, "The staged code loses digits as the mean grows; the generated kernel does not.")


def sizes(before: np.ndarray, after: Mapping[str, np.ndarray]) -> Image:
    """The size of a sample after a layer against that before it, a line for each setting, named at its end."""
    figure, ax = _figure(3.4)
    for (name, values), (colour, dash) in zip(after.items(), LINES, strict=True):
        ax.plot(before, values, color=colour, ls=dash)
        ax.text(before[-1], values[-1], f"  ${name}$", va="center", color=colour)
    ax.set(xscale="log", yscale="log", xlabel="root mean square before (units of $x$)", ylabel="after (units of $y$)")
    ax.margins(x=0.01)
    ax.minorticks_off()
    return _picture(figure, "A larger power evens out the sizes of the samples; at one half all become equal.")


def _figure(height: float, columns: int = 1, sharey: bool = False) -> tuple[Figure, Any]:
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.subplots(1, columns, sharey=sharey)


def _picture(figure: Figure, alt: str) -> Image:
    """The figure as a picture of twice the resolution, without the date and the maker's version."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return Image(stream.getvalue(), width=round(WIDTH * 100), alt=alt)
