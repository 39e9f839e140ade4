"""Times and errors of the generated kernels beside torch, JAX and the staged NumPy code that courses teach.

    python benchmarks/kernels.py                    # every case, 1 and 2 threads, as a table
    python benchmarks/kernels.py --plot kernels.png # and a plot (needs matplotlib)
    python benchmarks/kernels.py --clock cpu --threads 1   # on a machine that others use too
    python benchmarks/kernels.py --cold             # caches full of other data before each turn, as in a training step

Each case runs in paired rounds: in a round every contestant runs once, in random order, and a ratio is that of two
times of one round. Printed are medians, the median ratio to torch, and the ratio of the least times. The allocator is
warm: glibc is told to keep freed memory (no mmap, no trimming), for all contestants alike, and each runs once before
anything is timed. What a contestant finds in the caches is what the one before left there, unless they are made cold.
Contestants that are not installed are named and left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from timing import race

WARM = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 28)}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
EPSILON = 1e-5
OTHER = 1 << 27  # bytes of other data
Work = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """A layer at a shape."""

    layer: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def label(self) -> str:
        return f"{self.layer} {'×'.join(map(str, self.shape))} {self.dtype}"


CASES = [
    *(
        Case("batchnorm2d" if len(shape) == 4 else "batchnorm", shape, dtype)
        for shape in ((128, 64), (8192, 256), (65536, 512), (32, 64, 56, 56))
        for dtype in ("float32", "float64")
    ),
    *(Case(layer, (4096, 1024), "float32") for layer in ("layernorm", "softmax", "rmsnorm")),
]


@dataclass(frozen=True)
class Result:
    """The times of one contestant in one case, in seconds, round by round."""

    case: str
    direction: str
    threads: int
    who: str
    times: list[float]


# -- contestants -----------------------------------------------------------------------------------------------------


class Data:
    """The arrays of a case."""

    def __init__(self, case: Case) -> None:
        random = np.random.default_rng(0)
        self.case = case
        self.x = random.normal(0.3, 1.5, case.shape).astype(case.dtype)
        self.dy = random.normal(size=case.shape).astype(case.dtype)
        size = case.shape[1]
        self.gamma, self.beta = (random.normal(size=size).astype(case.dtype) for _ in range(2))
        self.axes = tuple(k for k in range(len(case.shape)) if k != 1)


def derived(data: Data, target: str) -> tuple[Work, Work]:
    """Forward and backward of a generated kernel."""
    from derive.api import LoadedProblem
    from derive.library import open_document

    kernel = LoadedProblem(open_document(data.case.layer)).kernel(target)  # type: ignore[arg-type]
    known = {"x": data.x, "gamma": data.gamma, "beta": data.beta, "epsilon": EPSILON}
    given = {a.name: known[a.name] for a in kernel.program.forward.arrays}
    output = kernel.program.forward.results[0].label
    saved = kernel.forward(**given)[-1]
    return lambda: kernel.forward(**given), lambda: kernel.backward(saved, **{output: data.dy})


def torch_native(data: Data) -> tuple[Work, Work]:
    """Torch's own operators; rms norm, which has none for the backward pass, by autograd."""
    import torch

    aten = torch.ops.aten
    x, dy, gamma, beta = map(torch.from_numpy, (data.x, data.dy, data.gamma, data.beta))
    if data.case.layer in ("batchnorm", "batchnorm2d"):
        _, mean, rstd = torch.native_batch_norm(x, gamma, beta, None, None, True, 0.1, EPSILON)
        return (
            lambda: torch.native_batch_norm(x, gamma, beta, None, None, True, 0.1, EPSILON),
            lambda: aten.native_batch_norm_backward(dy, x, gamma, None, None, mean, rstd, True, EPSILON, [True] * 3),
        )
    size = [x.shape[-1]]
    if data.case.layer == "layernorm":
        _, mean, rstd = torch.native_layer_norm(x, size, gamma, beta, EPSILON)
        return (
            lambda: torch.native_layer_norm(x, size, gamma, beta, EPSILON),
            lambda: aten.native_layer_norm_backward(dy, x, size, mean, rstd, gamma, beta, [True] * 3),
        )
    if data.case.layer == "softmax":
        s = torch.softmax(x, 1)
        return lambda: torch.softmax(x, 1), lambda: aten._softmax_backward_data(dy, s, 1, x.dtype)
    leaves = x.clone().requires_grad_(), gamma.clone().requires_grad_()
    y = torch.nn.functional.rms_norm(leaves[0], size, leaves[1], EPSILON)
    return (
        lambda: torch.nn.functional.rms_norm(x, size, gamma, EPSILON),
        lambda: torch.autograd.grad(y, leaves, dy, retain_graph=True),
    )


def torch_compiled(data: Data) -> tuple[Work, Work]:
    """``torch.compile`` of the functional form, backward by autograd."""
    import torch
    import torch._functorch.config as config

    config.donated_buffer = False  # the backward pass runs many times on one forward pass
    functional = torch.nn.functional
    x, dy, gamma, beta = map(torch.from_numpy, (data.x, data.dy, data.gamma, data.beta))
    size = [x.shape[-1]]
    functions: dict[str, Callable[..., Any]] = {
        "batchnorm": lambda x, g, b: functional.batch_norm(x, None, None, g, b, True, 0.1, EPSILON),
        "layernorm": lambda x, g, b: functional.layer_norm(x, size, g, b, EPSILON),
        "rmsnorm": lambda x, g, b: functional.rms_norm(x, size, g, EPSILON) + 0 * b,
        "softmax": lambda x, g, b: torch.softmax(x, 1),
    }
    function = torch.compile(functions[data.case.layer.removesuffix("2d")])
    leaves = [a.clone().requires_grad_() for a in (x, gamma, beta)]
    y = function(*leaves)
    wanted = leaves[:1] if data.case.layer == "softmax" else leaves
    return lambda: function(x, gamma, beta), lambda: torch.autograd.grad(y, wanted, dy, retain_graph=True)


def jax_jitted(data: Data) -> tuple[Work, Work] | None:
    """JAX, batch norm only, the formula as one writes it."""
    import jax
    import jax.numpy as jnp

    if not data.case.layer.startswith("batchnorm"):
        return None
    shape = [1, -1] + [1] * (len(data.case.shape) - 2)

    def norm(x: Any, gamma: Any, beta: Any) -> Any:
        mean = x.mean(data.axes, keepdims=True)
        variance = ((x - mean) ** 2).mean(data.axes, keepdims=True)
        return gamma.reshape(shape) * (x - mean) / jnp.sqrt(variance + EPSILON) + beta.reshape(shape)

    jax.config.update("jax_enable_x64", True)
    arguments = [jnp.asarray(a) for a in (data.x, data.gamma, data.beta)]
    dy = jnp.asarray(data.dy)
    forward = jax.jit(norm)
    backward = jax.jit(lambda x, g, b, dy: jax.vjp(norm, x, g, b)[1](dy))
    return (
        lambda: forward(*arguments).block_until_ready(),
        lambda: jax.block_until_ready(backward(*arguments, dy)),
    )


def staged(data: Data) -> tuple[Work, Work] | None:
    """Batch norm as courses stage it: nine steps forward, the same back, everything saved."""
    if data.case.layer != "batchnorm":
        return None
    x, gamma, beta, dy = data.x, data.gamma, data.beta, data.dy

    def forward() -> tuple[Any, ...]:
        n = x.shape[0]
        mu = 1.0 / n * np.sum(x, axis=0)
        xmu = x - mu
        var = 1.0 / n * np.sum(xmu**2, axis=0)
        sqrtvar = np.sqrt(var + EPSILON)
        ivar = 1.0 / sqrtvar
        xhat = xmu * ivar
        return gamma * xhat + beta, (xhat, xmu, ivar, sqrtvar, var)

    _, (xhat, xmu, ivar, sqrtvar, var) = forward()

    def backward() -> tuple[Any, ...]:
        n, d = dy.shape
        dbeta = np.sum(dy, axis=0)
        dgammax = dy
        dgamma = np.sum(dgammax * xhat, axis=0)
        dxhat = dgammax * gamma
        divar = np.sum(dxhat * xmu, axis=0)
        dxmu1 = dxhat * ivar
        dsqrtvar = -1.0 / (sqrtvar**2) * divar
        dvar = 0.5 * 1.0 / np.sqrt(var + EPSILON) * dsqrtvar
        dsq = 1.0 / n * np.ones((n, d), dy.dtype) * dvar
        dxmu2 = 2 * xmu * dsq
        dx1 = dxmu1 + dxmu2
        dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
        dx2 = 1.0 / n * np.ones((n, d), dy.dtype) * dmu
        return dx1 + dx2, dgamma, dbeta

    return forward, backward


def triad(data: Data) -> tuple[Work, Work]:
    """The memory limit: an array read and one written; two read and one written."""
    out = np.empty_like(data.x)
    return lambda: np.multiply(data.x, 2, out=out), lambda: np.add(data.x, data.dy, out=out)


CONTESTANTS: dict[str, Callable[[Data], tuple[Work, Work] | None]] = {
    "torch": torch_native,
    "C": lambda data: derived(data, "c"),
    "Numba": lambda data: derived(data, "numba"),
    "NumPy": lambda data: derived(data, "numpy"),
    "staged NumPy": staged,
    "torch.compile": torch_compiled,
    "JAX": jax_jitted,
    "triad": triad,
}


# -- measuring -------------------------------------------------------------------------------------------------------


def measure(cases: list[Case], who: list[str], rounds: int, threads: int, clock: str, cold: bool) -> Iterator[Result]:
    """Times in this process, case by case."""
    if "torch" in who:
        import torch

        torch.set_num_threads(threads)
    now = time.process_time if clock == "cpu" else time.perf_counter
    other = np.zeros(OTHER, np.uint8)
    for case in cases:
        data = Data(case)
        works = {name: found for name in who if (found := CONTESTANTS[name](data)) is not None}
        for k, direction in enumerate(("forward", "backward")):
            before = (lambda: np.add(other, 1, out=other)) if cold else None
            timings = race({name: work[k] for name, work in works.items()}, rounds, clock=now, before=before)
            for name, times in timings.seconds.items():
                yield Result(case.label, direction, threads, name, list(times))


# -- errors ----------------------------------------------------------------------------------------------------------


def errors(who: list[str]) -> Iterator[str]:
    """The float32 errors of batch norm against longdouble: the largest one over the largest value."""
    yield f"{'mean ± sd':<14}{'E[dy]':>6}{'N':>8}  {'':<8}{'y':>9}{'dx':>9}{'dγ':>9}{'dβ':>9}"
    for rows in (8192, 65536):
        for mean, deviation in ((0.3, 1.5), (1e4, 1.0), (1e4, 0.01)):
            for upstream in (0, 1):
                random = np.random.default_rng(0)
                data = Data(Case("batchnorm", (rows, 16), "float32"))
                data.x = (mean + deviation * random.normal(size=data.x.shape)).astype(np.float32)
                data.dy = (upstream + random.normal(size=data.x.shape)).astype(np.float32)
                for name in who:
                    found = _errors_of(name, data)
                    if found is not None:
                        text = "".join(f"{e:9.1e}" for e in found)
                        yield f"{f'{mean:g} ± {deviation:g}':<14}{upstream:>6}{rows:>8}  {name:<8}{text}"


def _errors_of(name: str, data: Data) -> list[float] | None:
    works = CONTESTANTS[name](data)
    if works is None:
        return None
    y, gradients = works[0]()[0], works[1]()
    got = [gradients[k] for k in ("x", "gamma", "beta")] if isinstance(gradients, dict) else list(gradients)
    wide = np.longdouble
    c = data.x.astype(wide) - data.x[:1]
    for _ in range(2):
        c = c - c.mean(0)
    rstd = 1 / np.sqrt((c * c).mean(0) + wide(EPSILON))
    x_hat, dy = c * rstd, data.dy.astype(wide)
    dgamma, dbeta = (dy * x_hat).sum(0), dy.sum(0)
    dx = data.gamma * rstd * (dy - dbeta / len(dy) - x_hat * dgamma / len(dy))
    exact = [data.gamma * x_hat + data.beta, dx, dgamma, dbeta]
    return [float(np.max(np.abs(np.asarray(g) - e)) / np.max(np.abs(e))) for g, e in zip([y, *got], exact, strict=True)]


# -- printing --------------------------------------------------------------------------------------------------------


def table(results: list[Result]) -> Iterator[str]:
    """A line a contestant, a block a case."""
    groups: dict[tuple[str, str, int], dict[str, list[float]]] = {}
    for r in results:
        groups.setdefault((r.case, r.direction, r.threads), {})[r.who] = r.times
    for (case, direction, threads), times in groups.items():
        yield f"{case}, {direction}, {threads} thread{'s' * (threads > 1)}"
        base = times.get("torch")
        for name, values in times.items():
            line = f"  {name:<14}{1e3 * float(np.median(values)):9.3f} ms"
            if base is not None:
                ratio = float(np.median(np.divide(values, base)))
                line += f"   median ratio {ratio:6.2f}   min ratio {min(values) / min(base):6.2f}"
            yield line


def plot(results: list[Result], path: str) -> None:
    """Median ratios to torch as bars, a panel a direction."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [
        n for n in ("C", "Numba", "NumPy", "torch.compile", "JAX", "staged NumPy") if any(r.who == n for r in results)
    ]
    threads = min(r.threads for r in results)
    figure, panels = plt.subplots(2, 1, figsize=(11, 8), layout="constrained")
    for panel, direction in zip(panels, ("forward", "backward"), strict=True):
        chosen = [r for r in results if r.direction == direction and r.threads == threads]
        cases = list(dict.fromkeys(r.case for r in chosen))
        base = {r.case: r.times for r in chosen if r.who == "torch"}
        for k, name in enumerate(names):
            found = {r.case: float(np.median(np.divide(r.times, base[r.case]))) for r in chosen if r.who == name}
            places = [cases.index(c) + (k - len(names) / 2) * 0.8 / len(names) for c in found]
            panel.bar(places, list(found.values()), 0.8 / len(names), label=name, align="edge")
        panel.axhline(1, color="black", linewidth=1)
        panel.set_yscale("log")
        panel.set_xticks(range(len(cases)), [c.replace(" ", "\n") for c in cases], fontsize=7)
        panel.set_ylabel("time over torch's")
        panel.set_title(f"{direction}, {threads} thread{'s' * (threads > 1)}")
    panels[0].legend(ncols=len(names), fontsize=8)
    figure.savefig(path, dpi=150)


# -- command ---------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: for 1 thread on a busy machine")
    parser.add_argument("--cold", action="store_true", help="fill the caches with other data before each turn")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--who", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS))
    parser.add_argument("--plot", metavar="PNG")
    parser.add_argument("--no-errors", action="store_true", help="only times")
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside is not None:
        cases = [case for case in CASES if options.only in case.label]
        for result in measure(cases, options.who, options.rounds, options.inside, options.clock, options.cold):
            print(json.dumps(asdict(result)), flush=True)
        return
    present = [name for name in options.who if _is_present(name)]
    results = [r for threads in options.threads for r in _in_process(options, present, threads)]
    print("\n".join(table(results)))
    if not options.no_errors:
        print("\nErrors of batch norm in float32, largest over largest value of longdouble\n")
        print("\n".join(errors([name for name in present if name in ("torch", "C", "Numba", "NumPy")])))
    if options.plot:
        plot(results, options.plot)


def _is_present(name: str) -> bool:
    needed = {"torch": "torch", "torch.compile": "torch", "JAX": "jax", "Numba": "numba"}.get(name, "numpy")
    from importlib.util import find_spec

    if find_spec(needed) is None:
        print(f"{name}: left out, {needed} is not installed", file=sys.stderr)
        return False
    return True


def _in_process(options: argparse.Namespace, who: list[str], threads: int) -> list[Result]:
    """The measurements of one number of threads, in a process of their own with a warm allocator."""
    environment = {**os.environ, **WARM, **dict.fromkeys(THREADS, str(threads))}
    command = [
        sys.executable,
        __file__,
        "--inside",
        str(threads),
        "--rounds",
        str(options.rounds),
        "--only",
        options.only,
    ]
    command += ["--clock", options.clock, *(["--cold"] if options.cold else []), "--who", *who]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [Result(**json.loads(line)) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    main()
