"""How long derivations take: closed form with every step proved, after import.

Run ``python benchmarks/steps.py`` (``--json`` for numbers). Times are processor seconds of the fastest of several runs,
each on a forward pass that was read anew; reading it is not counted, nor is the collection of garbage. Beside derive
stand SymPy, which has to be given a size, and tensorgrad where it is installed: what each of them was asked to do is
said with the numbers.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import sympy
from sympy import IndexedBase, Sum, Symbol, sqrt, symbols

import derive
from derive.model import Model

GOALS = {
    "batchnorm by x": 0.100,
    "batchnorm2d by x": 0.200,
    "attention by Q, K and V": 0.500,
    "batchnorm by x, then by x and g": 1.000,
}
"""Seconds that the closed form with all steps proved may take."""

CHAIN = (1, 2, 5, 10, 20, 30)
N = Symbol("N", integer=True, positive=True)
D = Symbol("D", integer=True, positive=True)


def proved(model: Model, *names: str) -> None:
    """Derive gradients step by step; a step that is not proved is an error."""
    for name in names:
        derivation = model.derivation(name)
        if not all(stage.proved for stage in derivation.stages):
            raise AssertionError(f"a step by {name} is not proved")


def double_backward(model: Model) -> None:
    proved(model, "x")
    proved(model.with_gradient("x"), "x", "g")


CASES: dict[str, tuple[Callable[[], Model], Callable[[Model], None]]] = {
    "batchnorm by x": (lambda: derive.load("batchnorm"), lambda m: proved(m, "x")),
    "batchnorm2d by x": (lambda: derive.load("batchnorm2d"), lambda m: proved(m, "x")),
    "attention by Q, K and V": (lambda: derive.load("attention"), lambda m: proved(m, "Q", "K", "V")),
    "batchnorm by x, then by x and g": (lambda: derive.load("batchnorm"), double_backward),
}


def chain(layers: int) -> Model:
    """A chain of layer normalisations with scales: four intermediates a layer."""
    i, j = symbols("i j", integer=True)
    eps = Symbol("epsilon", positive=True)
    equations: list[tuple[Any, Any]] = []
    data = IndexedBase("x")
    for k in range(layers):
        mu, var, hat, out, gamma = (IndexedBase(f"{n}_{{{k}}}") for n in ("m", "v", "h", "y", "a"))
        equations += [
            (mu[i], Sum(data[i, j], (j, 1, D)) / D),
            (var[i], Sum((data[i, j] - mu[i]) ** 2, (j, 1, D)) / D),
            (hat[i, j], (data[i, j] - mu[i]) / sqrt(var[i] + eps)),
            (out[i, j], gamma[j] * hat[i, j]),
        ]
        data = out
    return derive.build(equations)


def fastest(make: Callable[[], Any], run: Callable[[Any], None], times: int) -> float:
    """Processor seconds of the fastest run."""
    found = []
    for _ in range(times):
        subject = make()
        gc.collect()
        gc.disable()  # as timeit does: what other objects there are must not count
        start = time.process_time()
        run(subject)
        found.append(time.process_time() - start)
        gc.enable()
    return min(found)


# -- others ----------------------------------------------------------------------------------------------------------


def sympy_batchnorm(size: int) -> float:
    """SymPy: one entry of the gradient of batch norm of one feature, differentiated and simplified, at a given size.

    Symbolic sizes are not for it: ``diff(Sum(x[k]**2, (k, 1, N)), x[k])`` is ``Sum(2*x[k], (k, 1, N))`` in SymPy 1.14.
    """
    x = symbols(f"x1:{size + 1}", real=True)
    g = symbols(f"g1:{size + 1}", real=True)
    gamma, eps = Symbol("gamma", real=True), Symbol("epsilon", positive=True)
    start = time.process_time()
    mean = sum(x) / size
    variance = sum((v - mean) ** 2 for v in x) / size
    loss = sum(g[k] * gamma * (x[k] - mean) / sqrt(variance + eps) for k in range(size))
    sympy.simplify(sympy.diff(loss, x[0]))
    return time.process_time() - start


def tensorgrad_batchnorm() -> float | None:
    """tensorgrad: the gradient of batch norm of one feature, with a symbolic size, simplified; None without it."""
    try:
        from tensorgrad import Derivative, Variable
        from tensorgrad import functions as F
    except ImportError:
        return None
    n = sympy.symbols("n")
    start = time.process_time()
    x, g = Variable("x", n), Variable("g", n)
    centred = x - F.mean(x, ["n"])
    normal = centred / F.sqrt(F.mean(centred * centred, ["n"]))
    Derivative(F.dot(normal, g, "n"), x).full_simplify()
    return time.process_time() - start


# -- the report ------------------------------------------------------------------------------------------------------


def measured(times: int) -> dict[str, Any]:
    fastest(*CASES["batchnorm by x"], 1)  # so that what is loaded once is not counted
    cases = {name: fastest(make, run, times) for name, (make, run) in CASES.items()}
    last = {n: fastest(lambda n=n: chain(n), lambda m: proved(m, "x"), max(1, times // 2)) for n in CHAIN}
    others = {
        "SymPy, batchnorm of 3 samples": sympy_batchnorm(3),
        "tensorgrad, batchnorm without gamma, beta and epsilon": tensorgrad_batchnorm(),
    }
    return {"seconds": cases, "goals": GOALS, "chain": last, "others": others}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    parser.add_argument("--times", type=int, default=5, help="runs of each (default: %(default)s)")
    options = parser.parse_args()
    found = measured(options.times)
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    for name, seconds in found["seconds"].items():
        goal = found["goals"][name]
        print(
            f"{name:<34} {seconds * 1000:7.0f} ms   goal {goal * 1000:.0f} ms, {'met' if seconds <= goal else 'MISSED'}"
        )
    print("\nchain of n layer norms, 4 n intermediates, by its input")
    for n, seconds in found["chain"].items():
        print(f"  n = {n:<3} {seconds * 1000:7.0f} ms   {seconds / n * 1000:6.0f} ms a layer")
    print()
    for name, seconds in found["others"].items():
        print(f"{name}: " + (f"{seconds * 1000:.0f} ms" if seconds is not None else "not installed"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
