"""How long checking takes: ``python benchmarks/check.py``.

Ratios are medians over rounds in which both were timed, in one run on one machine; the least ratio is beside them.
tensorgrad (0.3.0) is timed where it is installed.
"""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from timing import process, race

from derive.document import read_text
from derive.problem.reader import read_problem
from derive.verdict import Judge

SEED = Path(__file__).parent.parent / "tests" / "documents" / "batchnorm-2019.txt"

FORWARD = r"""
$$\mu = \frac{1}{N} \sum_{i=1}^N x_i, \quad v = \frac{1}{N} \sum_{i=1}^N (x_i - \mu)^2, \quad
\hat{x}_i = \frac{x_i - \mu}{\sqrt{v + \epsilon}}, \quad y_i = \hat{x}_i$$
"""
CLAIM = r"""
$$\frac{\partial L}{\partial x_i} = \frac{1}{N \sqrt{v + \epsilon}} \left( N \frac{\partial L}{\partial y_i}
- \sum_{j=1}^N \frac{\partial L}{\partial y_j}
- \hat{x}_i \sum_{j=1}^N \frac{\partial L}{\partial y_j} \hat{x}_j \right)$$
"""


def main() -> None:
    processes()
    proof()
    scaling()


def processes() -> None:
    """Whole processes beside the imports that they cannot do without."""
    check, imported = "derive check (the student's document)", "import sympy"
    times = race({check: process("-m", "derive", "check", str(SEED)), imported: process("-c", imported)}, rounds=15)
    _ratio(times.median(check), times.ratios(check, imported), check, imported, goal=2.5)
    help_, bare = "derive --help", "python -c pass"
    times = race({help_: process("-m", "derive", "--help"), bare: process("-c", "pass")}, rounds=25)
    _ratio(times.median(help_), times.ratios(help_, bare), help_, bare, goal=5)


def proof() -> None:
    """A batch-norm gradient proved in a warm process; nothing is kept from one round to the next."""
    problem = read_problem(read_text(FORWARD + CLAIM))

    def ours() -> None:
        verdict = Judge(problem).judge(problem.equations[-1]).links[0]
        assert verdict.status == "proved"

    contestants: dict[str, Callable[[], object]] = {"derive": ours}
    if importlib.util.find_spec("tensorgrad"):
        contestants["tensorgrad"] = _tensorgrad()
    gc.freeze()  # what was imported is not looked through again while either is timed
    times = race(contestants, rounds=9, warmups=2)
    print(f"batch-norm gradient proved: {1e3 * times.median('derive'):.1f} ms (goal 20 ms)")
    if "tensorgrad" in contestants:
        median, _ = times.ratios("tensorgrad", "derive")
        print(f"  tensorgrad, the same claim: {times.median('tensorgrad'):.2f} s, {median:.0f} times longer (goal 100)")
    else:
        print("  tensorgrad is not installed: not compared")


def _tensorgrad() -> Callable[[], object]:
    import sympy
    from tensorgrad import Derivative, Variable, Zero
    from tensorgrad import functions as F

    def prove() -> None:
        n = sympy.symbols("n")
        x, g, epsilon = Variable("x", i=n), Variable("g", i=n), Variable("epsilon")
        centred = x - F.mean(x, dim="i")
        scale = F.pow(F.mean(centred * centred, dim="i") + epsilon, Fraction(-1, 2))
        normal = centred * scale
        gradient = Derivative(F.sum(g * normal), x).full_simplify()
        (edge,) = gradient.edges
        claim = scale * (g - F.mean(g, dim="i") - normal * F.mean(g * normal, dim="i"))
        assert isinstance((gradient.rename(**{edge: "i"}) - claim).full_simplify(), Zero)

    return prove


def scaling() -> None:
    """Seconds an equation in documents of 10, 100 and 1,000 equations."""
    from derive import check

    for count in (10, 100, 1000):
        text = FORWARD + CLAIM * (count - 4)
        times = race({"check": lambda text=text: check(text)}, rounds=3 if count < 1000 else 1)
        print(f"{count:5d} equations: {1e3 * times.median('check') / count:.1f} ms each")


def _ratio(seconds: float, ratios: tuple[float, float], name: str, peer: str, goal: float) -> None:
    median, least = ratios
    print(f"{name}: {seconds:.2f} s, {median:.2f} times '{peer}' (least {least:.2f}, goal {goal:g})")


if __name__ == "__main__":
    main()
