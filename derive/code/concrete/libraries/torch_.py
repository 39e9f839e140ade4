"""The functions and methods of torch that may be called, with torch's own meaning.

Where it differs from NumPy: ``var`` and ``std`` divide by N - 1, ``max(dim)`` gives values and indices, ``transpose``
swaps two axes, ``view`` needs memory that lies in order, and names that end in ``_`` change their tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from derive.code.concrete.budget import Budget, NotRunnable
from derive.code.concrete.libraries import numpy_ as numpy_library
from derive.code.concrete.libraries.numpy_ import (
    largest,
    nonzero,
    of_arange,
    of_einsum,
    of_eye,
    of_linspace,
    of_repeat,
    order,
    smallest,
    within,
)
from derive.code.concrete.libraries.whitelist import (
    DTYPES,
    Call,
    Price,
    broadcast,
    contraction,
    mark,
    product,
    together,
    whitelisted,
    words,
)
from derive.code.concrete.machine import Machine
from derive.code.concrete.values import Builtin, Class, Instance, Marker, Tensor, Value

Dims = int | tuple[int, ...] | list[int] | None


class Result(tuple[Value, ...]):
    """Values and indices, as ``max(dim)`` returns them."""

    def attribute(self, name: str) -> Value:
        if name in ("values", "indices"):
            return self[("values", "indices").index(name)]
        raise NotRunnable(None, f"AttributeError: no attribute {name}", "error")


def torch_call(function: Callable[..., Value], price: Price | None = None, decision: Call | None = None) -> Call:
    """A function of the whitelist whose results are tensors; where a tensor is moved to is nothing to us."""
    inner = whitelisted(function, price, decision)

    def call(machine: Machine, *arguments: Value, **keywords: Value) -> Value:
        for name in ("device", "requires_grad", "memory_format", "layout", "pin_memory", "non_blocking"):
            keywords.pop(name, None)
        return mark(Tensor, inner(machine, *arguments, **keywords))

    return call


def axes(dim: Dims) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


# -- reductions --------------------------------------------------------------------------------------------------------


def reduction(function: Callable[..., Value]) -> Callable[..., Value]:
    """``x.sum(dim, keepdim)``."""

    def call(x: Value, dim: Dims = None, keepdim: bool = False, *, dtype: Value = None, **named: Value) -> Value:
        dim = named.pop("axis", dim)
        keepdim = named.pop("keepdims", keepdim)
        x = np.asarray(x) if dtype is None else np.asarray(x, dtype=dtype)
        if function is np.mean and x.dtype.kind != "f":
            raise TypeError("torch has no mean of whole numbers")
        return function(x, axis=axes(dim), keepdims=keepdim, **named)

    return call


def spread(function: Callable[..., Value]) -> Callable[..., Value]:
    """``var`` and ``std``: divided by N - 1 unless told otherwise, with ``unbiased`` in the second place or by name."""

    def call(x: Value, *places: Value, **named: Value) -> Value:
        values = list(places)
        unbiased, dim = True, None
        if values and isinstance(values[0], bool):
            unbiased = values.pop(0)
        elif values:
            dim = values.pop(0)
            unbiased = values.pop(0) if values and isinstance(values[0], bool) else True
        keepdim = values.pop(0) if values else False
        dim, keepdim = named.get("dim", named.get("axis", dim)), named.get("keepdim", named.get("keepdims", keepdim))
        correction = named.get("correction", int(named.get("unbiased", unbiased)))
        if named.keys() - {"dim", "axis", "keepdim", "keepdims", "unbiased", "correction"} or values:
            raise TypeError("the arguments of var")
        return function(np.asarray(x), axis=axes(dim), keepdims=keepdim, ddof=correction)

    return call


def extreme(
    best: Callable[..., Value], index: Callable[..., Value], larger: Callable[..., Value]
) -> Callable[..., Value]:
    """``max`` and ``min``: of all, along an axis with the indices, or of two tensors."""

    def call(x: Value, dim: Value = None, keepdim: bool = False, **named: Value) -> Value:
        dim, keepdim = named.pop("axis", dim), named.pop("keepdims", keepdim)
        dim = named.pop("other", dim)
        if named:
            raise TypeError("the arguments of max")
        if dim is None:
            return best(np.asarray(x))
        if isinstance(dim, np.ndarray):
            return larger(x, dim)
        x = np.asarray(x)
        return Result((best(x, axis=dim, keepdims=keepdim), index(x, axis=dim, keepdims=keepdim)))

    return call


def of_extreme(decision: Call) -> Call:
    def decide(x: Value, dim: Value = None, *_: Value, **named: Value) -> Value:
        dim = named.get("axis", named.get("other", dim))
        return np.greater(x, dim) if isinstance(dim, np.ndarray) else decision(x, dim)

    return decide


def by_dim(decision: Call) -> Call:
    return lambda x, dim=None, *_, **named: decision(x, axes(named.get("axis", dim)))


def logsumexp(x: Value, dim: Dims = None, keepdim: bool = False) -> Value:
    x = np.asarray(x)
    top = np.max(x, axis=axes(dim), keepdims=True)
    total = np.log(np.sum(np.exp(x - top), axis=axes(dim), keepdims=True)) + top
    return total if keepdim else np.squeeze(total, axis=axes(dim))


def softmax(x: Value, dim: int = -1, **_: Value) -> Value:
    dim = _.get("axis", dim)
    weights = np.exp(np.asarray(x) - np.max(x, axis=dim, keepdims=True))
    return weights / np.sum(weights, axis=dim, keepdims=True)


def log_softmax(x: Value, dim: int = -1, **_: Value) -> Value:
    dim = _.get("axis", dim)
    return np.asarray(x) - logsumexp(x, dim, keepdim=True)


def norm(x: Value, p: Value = 2, dim: Dims = None, keepdim: bool = False) -> Value:
    x = np.asarray(x)
    if p == "fro":
        p = 2
    if p not in (1, 2):
        raise NotRunnable(None, f"a norm of order {p}")
    powers = np.sum(np.abs(x) ** p, axis=axes(dim), keepdims=keepdim)
    return powers ** (1 / p)


# -- shapes ------------------------------------------------------------------------------------------------------------


def lengths(shape: tuple[Value, ...]) -> tuple[int, ...]:
    """A shape given as one argument or axis by axis."""
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else tuple(shape)


def view(x: Value, *shape: Value) -> Value:
    """Another shape of the same memory; an error where that would need a copy."""
    found = np.reshape(np.asarray(x), lengths(shape))
    if x.size and not np.shares_memory(found, x):
        raise ValueError("view of memory that does not lie in order")
    return found


def expand(x: Value, *shape: Value) -> Value:
    wanted = lengths(shape)
    old = (1,) * (len(wanted) - np.ndim(x)) + np.shape(x)
    return np.broadcast_to(np.asarray(x), [o if n == -1 else n for n, o in zip(wanted, old, strict=True)])


def of_expand(budget: Budget, x: Value, *shape: Value) -> None:
    old = (1,) * (len(lengths(shape)) - np.ndim(x)) + np.shape(x)
    budget.shape(o if n == -1 else n for n, o in zip(lengths(shape), old, strict=False))


def transpose(x: Value, dim0: int, dim1: int) -> Value:
    return np.swapaxes(np.asarray(x), dim0, dim1)


def transposed(x: Value) -> Value:
    if np.ndim(x) > 2:
        raise ValueError("t() of more than two axes")
    return np.transpose(x)


def squeeze(x: Value, dim: Dims = None) -> Value:
    x = np.asarray(x)
    if dim is None:
        return np.squeeze(x)
    chosen = [d % x.ndim for d in ((dim,) if isinstance(dim, int) else dim)]
    return np.squeeze(x, axis=tuple(d for d in chosen if x.shape[d] == 1))


def flatten(x: Value, start_dim: int = 0, end_dim: int = -1) -> Value:
    x = np.asarray(x)
    first, last = start_dim % max(x.ndim, 1), end_dim % max(x.ndim, 1)
    return x.reshape((*x.shape[:first], -1, *x.shape[last + 1 :]))


def split(x: Value, size: Value, dim: int = 0) -> Value:
    x = np.asarray(x)
    total = x.shape[dim]
    ends = np.cumsum(size)[:-1] if isinstance(size, list | tuple) else range(size, total, size)
    if isinstance(size, list | tuple) and sum(size) != total:
        raise ValueError("split with lengths that do not sum up to the axis")
    return tuple(np.split(x, list(ends), axis=dim))


def chunk(x: Value, chunks: int, dim: int = 0) -> Value:
    return split(x, max(-(-np.shape(x)[dim] // chunks), 1), dim)


def size(x: Value, dim: int | None = None) -> Value:
    return np.shape(x) if dim is None else np.shape(x)[dim]


def of_tiles(budget: Budget, x: Value, *reps: Value) -> None:
    budget.hold(np.size(x) * float(np.prod(np.abs(lengths(reps)), dtype=float)))


def tile(x: Value, *reps: Value) -> Value:
    if len(lengths(reps)) < np.ndim(x):
        raise ValueError("repeat with fewer numbers than axes")
    return np.tile(x, lengths(reps))


def repeat_interleave(x: Value, repeats: Value, dim: int | None = None) -> Value:
    return np.repeat(x, repeats, axis=dim)


# -- indices -----------------------------------------------------------------------------------------------------------


def gather(x: Value, dim: int, index: Value) -> Value:
    return np.take_along_axis(np.asarray(x), np.asarray(index), axis=dim)


def _positions(index: Value, dim: int) -> tuple[Value, ...]:
    grid: list[Value] = list(np.indices(np.shape(index)))
    grid[dim] = np.asarray(index)
    return tuple(grid)


def _beside(index: Value, src: Value) -> Value:
    """The entries of a source that an index speaks of: as many of each axis as the index has."""
    if not isinstance(src, np.ndarray) or not src.ndim:
        return src
    if any(n > m for n, m in zip(np.shape(index), src.shape, strict=True)):
        raise ValueError("a source smaller than the index")
    return src[tuple(slice(n) for n in np.shape(index))]


def scatter_(x: Value, dim: int, index: Value, src: Value = None, value: Value = None) -> Value:
    x[_positions(index, dim)] = _beside(index, src if src is not None else value)
    return x


def scatter_add_(x: Value, dim: int, index: Value, src: Value) -> Value:
    np.add.at(x, _positions(index, dim), _beside(index, src))
    return x


def index_add_(x: Value, dim: int, index: Value, source: Value) -> Value:
    np.add.at(x, (*(slice(None),) * (dim % x.ndim), np.asarray(index)), source)
    return x


def index_select(x: Value, dim: int, index: Value) -> Value:
    return np.take(np.asarray(x), np.asarray(index), axis=dim)


def masked_fill(x: Value, mask: Value, value: Value) -> Value:
    return np.where(mask, value, x)


def masked_fill_(x: Value, mask: Value, value: Value) -> Value:
    x[np.broadcast_to(mask, x.shape)] = value
    return x


def one_hot(labels: Value, num_classes: int = -1) -> Value:
    count = num_classes if num_classes > 0 else int(np.max(labels)) + 1
    if np.any(np.asarray(labels) >= count):
        raise ValueError("a class beyond num_classes")
    return np.equal(np.asarray(labels)[..., None], np.arange(count)).astype(np.int64)


def of_one_hot(budget: Budget, labels: Value, num_classes: int = -1) -> None:
    budget.hold(np.size(labels) * float(max(num_classes, np.max(labels, initial=0) + 1)))


def where(condition: Value, *branches: Value) -> Value:
    return np.where(condition, *branches)


# -- in place ----------------------------------------------------------------------------------------------------------


def in_place(function: Callable[..., Value]) -> Callable[..., Value]:
    """``x.add_(y)``: the result written into ``x``, which has to have its shape."""

    def call(x: Value, *arguments: Value, **named: Value) -> Value:
        result = np.asarray(function(x, *arguments, **named))
        if result.shape != x.shape:
            raise ValueError("a result of another shape in place")
        if not np.can_cast(result.dtype, x.dtype, "same_kind"):
            raise TypeError("a result of another kind in place")
        x[...] = result
        return x

    return call


def changing(function: Callable[..., Value], price: Price | None = broadcast) -> Call:
    """A method that changes and returns its own tensor."""
    inner = whitelisted(function, price)

    def call(machine: Machine, x: Value, *arguments: Value, **named: Value) -> Value:
        inner(machine, x, *arguments, **named)
        return x

    return call


# -- elementwise -------------------------------------------------------------------------------------------------------


def add(x: Value, other: Value, alpha: Value = 1) -> Value:
    return np.add(x, np.multiply(other, alpha)) if alpha != 1 else np.add(x, other)


def subtract(x: Value, other: Value, alpha: Value = 1) -> Value:
    return np.subtract(x, np.multiply(other, alpha)) if alpha != 1 else np.subtract(x, other)


def addcmul(x: Value, a: Value, b: Value, value: Value = 1) -> Value:
    return x + value * np.multiply(a, b)


def addcdiv(x: Value, a: Value, b: Value, value: Value = 1) -> Value:
    return x + value * np.divide(a, b)


def sigmoid(x: Value) -> Value:
    return 1 / (1 + np.exp(-np.asarray(x)))


def rsqrt(x: Value) -> Value:
    return 1 / np.sqrt(x)


def clamp(x: Value, min: Value = None, max: Value = None) -> Value:
    return np.clip(x, min, max)


def lerp(a: Value, b: Value, weight: Value) -> Value:
    return a + weight * (b - a)


erf = np.vectorize(math.erf, otypes=[float])

# -- products ----------------------------------------------------------------------------------------------------------


def matrices(axes: int) -> Callable[..., Value]:
    """``mm`` and ``bmm``: no broadcasting."""

    def call(a: Value, b: Value) -> Value:
        if not np.ndim(a) == np.ndim(b) == axes or np.shape(a)[:-2] != np.shape(b)[:-2]:
            raise ValueError("a product of matrices of these shapes")
        return np.matmul(a, b)

    return call


def dot(a: Value, b: Value) -> Value:
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        raise ValueError("dot of what is no vector")
    return np.dot(a, b)


def addmm(c: Value, a: Value, b: Value, *, beta: Value = 1, alpha: Value = 1) -> Value:
    return beta * np.asarray(c) + alpha * np.matmul(a, b)


def of_addmm(budget: Budget, _: Value, a: Value, b: Value, **__: Value) -> None:
    contraction(budget, a, b)


def of_linear(budget: Budget, x: Value, weight: Value, *_: Value, **__: Value) -> None:
    contraction(budget, x, np.transpose(weight))


def linear(x: Value, weight: Value, bias: Value = None) -> Value:
    out = np.matmul(x, np.transpose(weight))
    return out if bias is None else out + bias


# -- torch.nn.functional -----------------------------------------------------------------------------------------------


def relu(x: Value, **_: Value) -> Value:
    return np.maximum(x, 0)


def positive(x: Value, *_: Value, **__: Value) -> Value:
    return np.greater(x, 0)


def leaky_relu(x: Value, negative_slope: Value = 0.01, **_: Value) -> Value:
    return np.where(np.greater(x, 0), x, np.multiply(x, negative_slope))


def elu(x: Value, alpha: Value = 1.0, **_: Value) -> Value:
    return np.where(np.greater(x, 0), x, alpha * np.expm1(x))


def gelu(x: Value, approximate: str = "none") -> Value:
    x = np.asarray(x)
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def silu(x: Value, **_: Value) -> Value:
    return np.asarray(x) * sigmoid(x)


def softplus(x: Value, beta: Value = 1) -> Value:
    return np.logaddexp(0, np.multiply(x, beta)) / beta


def log_sigmoid(x: Value) -> Value:
    return -np.logaddexp(0, np.negative(x))


def averaged(values: Value, how: str) -> Value:
    if how not in ("mean", "sum", "none"):
        raise NotRunnable(None, f"the reduction {how}")
    return values if how == "none" else getattr(np, how)(values)


def mse_loss(x: Value, target: Value, reduction: str = "mean") -> Value:
    return averaged((np.asarray(x) - target) ** 2, reduction)


def l1_loss(x: Value, target: Value, reduction: str = "mean") -> Value:
    return averaged(np.abs(np.asarray(x) - target), reduction)


def nll_loss(logs: Value, target: Value, reduction: str = "mean") -> Value:
    if np.ndim(logs) != 2:
        raise NotRunnable(None, "nll_loss of other than (N, C)")
    return averaged(-np.asarray(logs)[np.arange(len(target)), np.asarray(target)], reduction)


def cross_entropy(x: Value, target: Value, reduction: str = "mean") -> Value:
    if np.asarray(target).dtype.kind == "f":
        return averaged(-np.sum(np.asarray(target) * log_softmax(x, 1), axis=1), reduction)
    return nll_loss(log_softmax(x, 1), target, reduction)


def binary_cross_entropy(p: Value, target: Value, reduction: str = "mean") -> Value:
    return averaged(-(target * np.log(p) + (1 - np.asarray(target)) * np.log(1 - np.asarray(p))), reduction)


def binary_cross_entropy_with_logits(x: Value, target: Value, reduction: str = "mean") -> Value:
    return averaged(np.logaddexp(0, x) - np.asarray(target) * x, reduction)


def pad(x: Value, pad: Value, mode: str = "constant", value: Value = 0) -> Value:
    if mode != "constant":
        raise NotRunnable(None, f"padding by {mode}")
    return np.pad(x, _widths(x, pad), constant_values=0 if value is None else value)


def _widths(x: Value, pad: Value) -> list[tuple[int, int]]:
    """torch lists the widths of the last axis first."""
    pairs = [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)][::-1]
    return [(0, 0)] * (np.ndim(x) - len(pairs)) + pairs


def of_pad(budget: Budget, x: Value, pad: Value, *_: Value, **__: Value) -> None:
    budget.shape(n + abs(a) + abs(b) for n, (a, b) in zip(np.shape(x), _widths(x, pad), strict=True))


def layer_norm(x: Value, normalized_shape: Value, weight: Value = None, bias: Value = None, eps: Value = 1e-5) -> Value:
    x = np.asarray(x)
    last = tuple(range(-len(normalized_shape), 0))
    if x.shape[-len(last) :] != tuple(normalized_shape):
        raise ValueError("normalized_shape")
    out = (x - x.mean(axis=last, keepdims=True)) / np.sqrt(x.var(axis=last, keepdims=True) + eps)
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def normalize(x: Value, p: Value = 2.0, dim: int = 1, eps: Value = 1e-12) -> Value:
    return np.asarray(x) / np.maximum(norm(x, p, dim, keepdim=True), eps)


# -- making ------------------------------------------------------------------------------------------------------------


def of_lengths(budget: Budget, *shape: Value, **named: Value) -> None:
    budget.shape(lengths((named["size"],) if "size" in named else shape))


def filled(value: float) -> Callable[..., Value]:
    def call(*shape: Value, dtype: Value = None, **named: Value) -> Value:
        return np.full(lengths((named["size"],) if "size" in named else shape), value, dtype=dtype or np.float64)

    return call


def full(size: Value, fill_value: Value, dtype: Value = None) -> Value:
    return np.full(lengths((size,)), fill_value, dtype=dtype)


def tensor(data: Value, dtype: Value = None) -> Value:
    return np.array(data, dtype=dtype)


def from_numpy(x: Value, dtype: Value = None) -> Value:
    return np.asarray(x, dtype=dtype)


def same_as(function: Callable[..., Value]) -> Callable[..., Value]:
    return lambda x, *arguments, dtype=None, **_: function(np.asarray(x), *arguments, dtype=dtype)


def arange(*ends: Value, dtype: Value = None, **named: Value) -> Value:
    return np.arange(*ends, **named, dtype=dtype)


def eye(n: int, m: int | None = None, dtype: Value = None) -> Value:
    return np.eye(n, m, dtype=dtype or np.float64)


def drawn(draw: Callable[[np.random.Generator, tuple[int, ...]], Value]) -> Call:
    """Random numbers of a shape: data."""

    def call(machine: Machine, *shape: Value, **named: Value) -> Value:
        wanted = lengths((named["size"],) if "size" in named else shape)
        machine.budget.shape(wanted)
        return draw(machine.random, tuple(int(n) for n in wanted)).view(Tensor)

    return call


def drawn_like(draw: Callable[[np.random.Generator, tuple[int, ...]], Value]) -> Call:
    return lambda machine, x, **_: draw(machine.random, np.shape(x)).view(Tensor)


def uniform(random: np.random.Generator, shape: tuple[int, ...]) -> Value:
    return np.asarray(random.random(shape))


def gaussian(random: np.random.Generator, shape: tuple[int, ...]) -> Value:
    return np.asarray(random.standard_normal(shape))


# -- the tables --------------------------------------------------------------------------------------------------------

ELEMENTWISE: dict[str, Callable[..., Value]] = {
    **{
        name: getattr(np, name)
        for name in words("exp expm1 log log2 log10 log1p sqrt square sin cos tan sinh cosh tanh")
    },
    **{name: getattr(np, name) for name in words("reciprocal arctan arcsin arccos isnan isinf isfinite")},
    "neg": np.negative,
    "negative": np.negative,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "exp2": np.exp2,
    "atan2": np.arctan2,
    "mul": np.multiply,
    "multiply": np.multiply,
    "div": np.divide,
    "divide": np.divide,
    "true_divide": np.divide,
    "pow": np.power,
    "logaddexp": np.logaddexp,
    "hypot": np.hypot,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "add": add,
    "sub": subtract,
    "subtract": subtract,
    "addcmul": addcmul,
    "addcdiv": addcdiv,
    "lerp": lerp,
    "sigmoid": sigmoid,
    "rsqrt": rsqrt,
    "erf": erf,
    "softplus": softplus,
    "masked_fill": masked_fill,
}

COMPARISONS = {
    "gt": np.greater,
    "ge": np.greater_equal,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}

DECIDED: dict[str, tuple[Callable[..., Value], Call]] = {
    "abs": (np.abs, lambda x: np.sign(x)),
    "absolute": (np.abs, lambda x: np.sign(x)),
    "sign": (np.sign, lambda x: np.sign(x)),
    "floor": (np.floor, lambda x: np.floor(x)),
    "ceil": (np.ceil, lambda x: np.ceil(x)),
    "round": (np.round, lambda x, *_, **__: np.round(x)),
    "trunc": (np.trunc, lambda x: np.trunc(x)),
    "fmod": (np.fmod, lambda a, b: np.trunc(np.divide(a, b))),
    "remainder": (np.mod, lambda a, b: np.floor(np.divide(a, b))),
    "maximum": (np.maximum, lambda a, b: np.greater(a, b)),
    "minimum": (np.minimum, lambda a, b: np.less(a, b)),
    "relu": (relu, positive),
    "clamp": (clamp, within),
    "clip": (clamp, within),
    "clamp_min": (lambda x, min: np.maximum(x, min), lambda x, min: np.greater(x, min)),
    "clamp_max": (lambda x, max: np.minimum(x, max), lambda x, max: np.less(x, max)),
    "heaviside": (np.heaviside, lambda a, b: np.sign(a)),
    **{name: (function, function) for name, function in COMPARISONS.items()},
}

BOTH: dict[str, Call] = {
    **{name: torch_call(function, broadcast) for name, function in ELEMENTWISE.items()},
    **{name: torch_call(function, broadcast, decision) for name, (function, decision) in DECIDED.items()},
    **{name: torch_call(reduction(getattr(np, name))) for name in ("sum", "mean", "prod")},
    **{name: torch_call(spread(getattr(np, name))) for name in ("var", "std")},
    "amax": torch_call(reduction(np.max), None, by_dim(largest)),
    "amin": torch_call(reduction(np.min), None, by_dim(smallest)),
    "any": torch_call(reduction(np.any), None, nonzero),
    "all": torch_call(reduction(np.all), None, nonzero),
    "max": torch_call(extreme(np.max, np.argmax, np.maximum), None, of_extreme(largest)),
    "min": torch_call(extreme(np.min, np.argmin, np.minimum), None, of_extreme(smallest)),
    "argmax": torch_call(reduction(np.argmax), None, by_dim(largest)),
    "argmin": torch_call(reduction(np.argmin), None, by_dim(smallest)),
    "argsort": torch_call(lambda x, dim=-1: np.argsort(np.asarray(x), axis=dim), None, order),
    "cumsum": torch_call(lambda x, dim: np.cumsum(np.asarray(x), axis=dim)),
    "logsumexp": torch_call(logsumexp),
    "softmax": torch_call(softmax),
    "log_softmax": torch_call(log_softmax),
    "norm": torch_call(norm),
    "reshape": torch_call(lambda x, *shape: np.reshape(np.asarray(x), lengths(shape))),
    "permute": torch_call(lambda x, *dims: np.transpose(np.asarray(x), lengths(dims))),
    "transpose": torch_call(transpose),
    "swapaxes": torch_call(transpose),
    "swapdims": torch_call(transpose),
    "t": torch_call(transposed),
    "unsqueeze": torch_call(lambda x, dim: np.expand_dims(np.asarray(x), dim)),
    "squeeze": torch_call(squeeze),
    "flatten": torch_call(flatten),
    "ravel": torch_call(flatten),
    "flip": torch_call(lambda x, *dims: np.flip(np.asarray(x), lengths(dims))),
    "split": torch_call(split),
    "chunk": torch_call(chunk),
    "diag": torch_call(np.diag),
    "triu": torch_call(lambda x, diagonal=0: np.triu(x, diagonal)),
    "tril": torch_call(lambda x, diagonal=0: np.tril(x, diagonal)),
    "numel": torch_call(np.size),
    "clone": torch_call(np.array),
    "gather": torch_call(gather, product),
    "index_select": torch_call(index_select, product),
    "matmul": torch_call(np.matmul, contraction),
    "mm": torch_call(matrices(2), contraction),
    "bmm": torch_call(matrices(3), contraction),
    "mv": torch_call(np.matmul, contraction),
    "dot": torch_call(dot, contraction),
    "outer": torch_call(np.outer, product),
    "ger": torch_call(np.outer, product),
    "addmm": torch_call(addmm, of_addmm),
    "repeat_interleave": torch_call(repeat_interleave, of_repeat),
    "detach": torch_call(lambda x: np.asarray(x)),
}

IN_PLACE: dict[str, Callable[..., Value]] = {
    "add_": add,
    "sub_": subtract,
    "mul_": np.multiply,
    "div_": np.divide,
    "pow_": np.power,
    "neg_": np.negative,
    "exp_": np.exp,
    "sqrt_": np.sqrt,
    "rsqrt_": rsqrt,
    "addcmul_": addcmul,
    "zero_": lambda x: np.zeros_like(np.asarray(x)),
    "fill_": lambda x, value: np.full_like(np.asarray(x), value),
    "copy_": lambda x, other: np.broadcast_to(np.asarray(other), x.shape).astype(x.dtype),
    "addmm_": addmm,
}


def cast(x: Value, *arguments: Value, **named: Value) -> Value:
    """``x.to(…)``: of its arguments only the data type means anything here."""
    kinds = [named.get("dtype"), *arguments]
    kind = next((k for k in kinds if isinstance(k, type)), None)
    like = next((k for k in arguments if isinstance(k, np.ndarray)), None)
    if like is not None:
        kind = like.dtype.type
    return np.asarray(x) if kind is None else np.asarray(x).astype(kind, copy=False)


def moved(machine: Machine, x: Value, *arguments: Value, **named: Value) -> Value:
    kept = [a for a in arguments if not isinstance(a, str) and not (isinstance(a, Marker) and a.name == "device")]
    return torch_call(cast, None, cast_decision)(machine, x, *kept, **named)


def cast_decision(x: Value, *arguments: Value, **named: Value) -> Value:
    found = cast(x, *arguments, **named)
    return found if found.dtype.kind != "f" else np.zeros(())


def as_kind(kind: Any) -> Call:
    return torch_call(lambda x: np.asarray(x).astype(kind), None, lambda x: cast_decision(x, kind))


METHODS: dict[str, Call] = {
    **BOTH,
    **{name: changing(in_place(function)) for name, function in IN_PLACE.items()},
    "clamp_": changing(in_place(clamp)),
    "scatter_": changing(scatter_, product),
    "scatter_add_": changing(scatter_add_, product),
    "index_add_": changing(index_add_, product),
    "masked_fill_": changing(masked_fill_),
    "view": torch_call(view),
    "view_as": torch_call(lambda x, other: view(x, np.shape(other))),
    "reshape_as": torch_call(lambda x, other: np.reshape(np.asarray(x), np.shape(other))),
    "expand": torch_call(expand, of_expand),
    "expand_as": torch_call(lambda x, other: np.broadcast_to(np.asarray(x), np.shape(other))),
    "repeat": torch_call(tile, of_tiles),
    "contiguous": torch_call(lambda x: np.ascontiguousarray(x) if np.ndim(x) else np.asarray(x)),
    "size": whitelisted(size),
    "dim": whitelisted(np.ndim),
    "nelement": whitelisted(np.size),
    "item": whitelisted(lambda x: np.asarray(x).item()),
    "tolist": whitelisted(lambda x: np.asarray(x).tolist()),
    "numpy": lambda machine, x: np.asarray(x),
    "to": moved,
    "cpu": moved,
    "cuda": moved,
    "type_as": moved,
    "float": as_kind(np.float64),
    "double": as_kind(np.float64),
    "half": as_kind(np.float64),
    "bfloat16": as_kind(np.float64),
    "long": as_kind(np.int64),
    "int": as_kind(np.int64),
    "bool": as_kind(np.bool_),
    "requires_grad_": lambda machine, x, *_: x,
    "is_contiguous": whitelisted(lambda x: bool(x.flags["C_CONTIGUOUS"])),
    "new_zeros": torch_call(
        lambda x, *shape, **named: filled(0.0)(*shape, **named), lambda b, x, *s, **n: of_lengths(b, *s)
    ),
    "new_ones": torch_call(
        lambda x, *shape, **named: filled(1.0)(*shape, **named), lambda b, x, *s, **n: of_lengths(b, *s)
    ),
}

FUNCTIONAL: dict[str, Call] = {
    "leaky_relu": torch_call(leaky_relu, broadcast, positive),
    "elu": torch_call(elu, broadcast, positive),
    "gelu": torch_call(gelu),
    "silu": torch_call(silu),
    "logsigmoid": torch_call(log_sigmoid),
    "one_hot": torch_call(one_hot, of_one_hot),
    "linear": torch_call(linear, of_linear),
    "mse_loss": torch_call(mse_loss, broadcast),
    "l1_loss": torch_call(l1_loss, broadcast, lambda x, t, *_, **__: np.sign(np.subtract(x, t))),
    "nll_loss": torch_call(nll_loss),
    "cross_entropy": torch_call(cross_entropy),
    "binary_cross_entropy": torch_call(binary_cross_entropy, broadcast),
    "binary_cross_entropy_with_logits": torch_call(binary_cross_entropy_with_logits, broadcast),
    "pad": torch_call(pad, of_pad),
    "layer_norm": torch_call(layer_norm),
    "normalize": torch_call(normalize),
    **{name: BOTH[name] for name in ("relu", "sigmoid", "tanh", "softmax", "log_softmax", "softplus")},
}

CREATION: dict[str, Call] = {
    "zeros": torch_call(filled(0.0), of_lengths),
    "ones": torch_call(filled(1.0), of_lengths),
    "empty": torch_call(filled(math.nan), of_lengths),
    "full": torch_call(full, lambda budget, size, *_, **__: of_lengths(budget, size)),
    "zeros_like": torch_call(same_as(np.zeros_like)),
    "ones_like": torch_call(same_as(np.ones_like)),
    "empty_like": torch_call(same_as(numpy_library.empty_like)),
    "full_like": torch_call(same_as(np.full_like)),
    "tensor": torch_call(tensor),
    "as_tensor": torch_call(from_numpy),
    "from_numpy": torch_call(from_numpy),
    "arange": torch_call(arange, of_arange),
    "linspace": torch_call(np.linspace, of_linspace),
    "eye": torch_call(eye, of_eye),
    "rand": drawn(uniform),
    "randn": drawn(gaussian),
    "rand_like": drawn_like(uniform),
    "randn_like": drawn_like(gaussian),
    "cat": torch_call(lambda tensors, dim=0, **named: np.concatenate(tensors, axis=named.get("axis", dim)), together),
    "concat": torch_call(lambda tensors, dim=0: np.concatenate(tensors, axis=dim), together),
    "stack": torch_call(lambda tensors, dim=0: np.stack(tensors, axis=dim), together),
    "einsum": torch_call(np.einsum, of_einsum),
    "where": torch_call(where, broadcast, nonzero),
    "kron": torch_call(np.kron, product),
    "repeat_interleave": torch_call(repeat_interleave, of_repeat),
}


def attribute(value: Value, name: str) -> Value:
    """``x.shape`` and its kin."""
    if name == "dtype":
        return Marker(value.dtype.name)
    if name == "device":
        return Marker("device")
    if name in ("shape", "ndim"):
        return getattr(value, name)
    if name in ("T", "mT", "H"):
        return np.transpose(value) if name != "mT" else np.swapaxes(value, -1, -2)
    if name in ("data", "requires_grad", "is_cuda"):
        return value if name == "data" else False
    raise NotRunnable(None, f"a tensor's .{name} is not supported")


def context() -> Instance:
    """``ctx``: keeps tensors and whatever is stored on it, and asks for every gradient."""
    made = Instance(Class("ctx", (), {}), {"needs_input_grad": (True,) * 32, "materialize_grads": True})

    def save(machine: Machine, *tensors: Value) -> None:
        made.attributes.update(saved_tensors=tuple(tensors), saved_variables=tuple(tensors))

    made.attributes["save_for_backward"] = Builtin("save_for_backward", save)
    for name in ("mark_non_differentiable", "set_materialize_grads", "mark_dirty"):
        made.attributes[name] = Builtin(name, lambda machine, *_: None)
    return made


def unmoved(machine: Machine, *function: Value, **_: Value) -> Value:
    """A decorator or context that changes no number."""
    return function[0] if function else Marker("no_grad")


DECORATORS = ("no_grad", "enable_grad", "inference_mode", "jit.script", "compile", "set_grad_enabled")
DTYPE_NAMES = words(
    """
    float16 float32 float64 double half bfloat16 float int8 int16 int32 int64 long int bool uint8
    """
)

NAMES: dict[str, Value] = {
    **{name: Builtin(name, call) for name, call in {**BOTH, **CREATION}.items()},
    **{f"nn.functional.{name}": Builtin(name, call) for name, call in FUNCTIONAL.items()},
    **{f"special.{name}": Builtin(name, BOTH[name]) for name in ("erf", "logsumexp", "softmax")},
    **{name: Builtin(name, unmoved) for name in DECORATORS},
    **{name: Marker(name) for name in DTYPE_NAMES if name in DTYPES},
    **{f"autograd.function.{name}": Builtin(name, unmoved) for name in ("once_differentiable",)},
    **{f"cuda.amp.{name}": Builtin(name, unmoved) for name in ("custom_fwd", "custom_bwd")},
    "autograd.Function": Marker("Function"),
    "autograd.function.Function": Marker("Function"),
    "Function": Marker("Function"),
    "nn.Module": Marker("Module"),
    "Tensor": Marker("Tensor"),
    "FloatTensor": Builtin("FloatTensor", torch_call(tensor)),
    "LongTensor": Builtin("LongTensor", torch_call(lambda data: np.array(data, dtype=np.int64))),
    "pi": math.pi,
    "inf": math.inf,
    "manual_seed": Builtin("manual_seed", lambda machine, *_: None),
    "is_tensor": Builtin("is_tensor", lambda machine, x: isinstance(x, Tensor)),
    "is_grad_enabled": Builtin("is_grad_enabled", lambda machine: True),
}
