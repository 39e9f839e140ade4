"""The functions and methods of NumPy that may be called."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from derive.code.concrete.budget import Budget, NotRunnable
from derive.code.concrete.items import checked_index
from derive.code.concrete.libraries.whitelist import (
    DTYPES,
    Call,
    broadcast,
    contraction,
    data_type,
    product,
    shaped,
    together,
    whitelisted,
    words,
)
from derive.code.concrete.machine import Machine
from derive.code.concrete.values import Builtin, Marker, Value

# -- what decides between the pieces of a function that has several ---------------------------------------------------


def largest(x: Value, axis: Value = None, *_: Value, **__: Value) -> Value:
    return np.equal(x, np.max(x, axis=axis, keepdims=True))


def smallest(x: Value, axis: Value = None, *_: Value, **__: Value) -> Value:
    return np.equal(x, np.min(x, axis=axis, keepdims=True))


def within(x: Value, a_min: Value = None, a_max: Value = None, *_: Value, **named: Value) -> Value:
    low, high = named.get("min", a_min), named.get("max", a_max)
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    return np.less(x, low) * 1 + np.greater(x, high) * 2


def order(x: Value, *_: Value, **__: Value) -> Value:
    return np.argsort(x, axis=None)


def nonzero(x: Value, *_: Value, **__: Value) -> Value:
    return np.not_equal(x, 0)


def quotient(a: Value, b: Value, *_: Value, **__: Value) -> Value:
    return np.floor(np.true_divide(a, b))


SMOOTH = words(
    """
    exp expm1 log log2 log10 log1p sqrt cbrt square reciprocal sin cos tan sinh cosh tanh arcsin
    arccos arctan arcsinh arccosh arctanh arctan2 add subtract multiply divide true_divide negative
    positive power float_power logaddexp hypot exp2 deg2rad rad2deg sinc logical_and logical_or
    logical_not logical_xor isnan isinf isfinite invert bitwise_and bitwise_or isclose
    """
)

DECIDED: dict[str, Call] = {
    "abs": lambda x, *_, **__: np.sign(x),
    "absolute": lambda x, *_, **__: np.sign(x),
    "fabs": lambda x, *_, **__: np.sign(x),
    "sign": lambda x, *_, **__: np.sign(x),
    "maximum": lambda a, b, *_, **__: np.greater(a, b),
    "minimum": lambda a, b, *_, **__: np.less(a, b),
    "fmax": lambda a, b, *_, **__: np.greater(a, b),
    "fmin": lambda a, b, *_, **__: np.less(a, b),
    "heaviside": lambda a, b, *_, **__: np.sign(a),
    "clip": within,
    "floor": lambda x, *_, **__: np.floor(x),
    "ceil": lambda x, *_, **__: np.ceil(x),
    "round": lambda x, decimals=0, *_, **__: np.round(x, decimals),
    "rint": lambda x, *_, **__: np.rint(x),
    "trunc": lambda x, *_, **__: np.trunc(x),
    "floor_divide": quotient,
    "mod": quotient,
    "remainder": quotient,
    "nan_to_num": lambda x, *_, **__: np.isfinite(x),
    **{name: getattr(np, name) for name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")},
}

REDUCTIONS: dict[str, Call | None] = {
    **dict.fromkeys(("sum", "mean", "var", "std", "prod", "cumsum", "cumprod", "nansum", "average", "diff", "trace")),
    **dict.fromkeys(("max", "amax", "nanmax", "argmax", "ptp"), largest),
    **dict.fromkeys(("min", "amin", "argmin"), smallest),
    **dict.fromkeys(("any", "all", "count_nonzero", "nonzero", "argwhere", "flatnonzero"), nonzero),
    **dict.fromkeys(("sort", "argsort", "median", "unique"), order),
}

VIEWS = words(
    """
    reshape transpose swapaxes moveaxis rollaxis ravel squeeze expand_dims flip fliplr flipud rot90
    diagonal diag triu tril atleast_1d atleast_2d split array_split hsplit vsplit copy shape ndim
    size array_equal allclose real roll delete take take_along_axis isscalar compress extract
    iscomplexobj permute_dims unravel_index ravel_multi_index
    """
)

JOINS = ("concatenate", "stack", "vstack", "hstack", "dstack", "column_stack", "block")


# -- prices of their own ----------------------------------------------------------------------------------------------


def of_arange(budget: Budget, start: Value, stop: Value = None, step: Value = 1, *_: Value, **__: Value) -> None:
    low, high = (0, start) if stop is None else (start, stop)
    budget.hold(abs((float(high) - float(low)) / float(step or 1)) + 1)


def of_linspace(budget: Budget, start: Value, stop: Value, num: Value = 50, *_: Value, **__: Value) -> None:
    budget.hold(max(int(num), 0) * max(np.size(start), np.size(stop)))


def of_eye(budget: Budget, n: Value, m: Value = None, *_: Value, **__: Value) -> None:
    budget.shape((n, n if m is None else m))


def of_repeat(budget: Budget, x: Value, repeats: Value, *_: Value, **__: Value) -> None:
    budget.hold(np.size(x) * float(np.max(repeats, initial=0)))


def of_tile(budget: Budget, x: Value, reps: Value, *_: Value, **__: Value) -> None:
    budget.hold(np.size(x) * float(np.prod(np.abs(reps), dtype=float)))


def of_broadcast_to(budget: Budget, _: Value, shape: Value, **__: Value) -> None:
    shaped(budget, shape)


def of_indices(budget: Budget, shape: Value, *_: Value, **__: Value) -> None:
    budget.hold(float(np.prod(shape, dtype=float)) * len(shape))


def of_pad(budget: Budget, x: Value, pad_width: Value, *_: Value, **__: Value) -> None:
    widths = np.broadcast_to(np.asarray(pad_width), (np.ndim(x), 2))
    budget.shape(n + abs(int(w)) for n, w in zip(np.shape(x), widths.sum(axis=1), strict=True))


def of_einsum(budget: Budget, subscripts: Value, *operands: Value, **__: Value) -> None:
    if not isinstance(subscripts, str) or len(subscripts) > 200:
        raise NotRunnable(None, "einsum is supported with its subscripts as a string")
    inputs, _, output = subscripts.replace(" ", "").partition("->")
    lengths: dict[str, int] = {}
    extra = 1
    for term, operand in zip(inputs.split(","), operands, strict=False):
        shape = np.shape(operand)
        letters = term.replace("...", "")
        extra = max(extra, math.prod(shape)) if "..." in term else extra
        for letter, n in zip(letters, shape[:1] * len(letters) if "..." in term else shape, strict=False):
            lengths[letter] = max(lengths.get(letter, 1), max(shape, default=1) if "..." in term else n)
    budget.multiply(float(math.prod(lengths.values())) * extra)
    budget.hold(float(math.prod(lengths.get(c, 1) for c in output)) * (extra if "..." in output else 1))


def of_bincount(budget: Budget, x: Value, *_: Value, **named: Value) -> None:
    budget.hold(max(int(np.max(x, initial=0)), int(named.get("minlength", 0))) + 1)


def of_where(budget: Budget, *arguments: Value, **named: Value) -> None:
    broadcast(budget, *arguments)


def of_meshgrid(budget: Budget, *arguments: Value, **_: Value) -> None:
    product(budget, *arguments)
    budget.hold(len(arguments) * float(np.prod([np.size(a) for a in arguments], dtype=float)))


CREATION: dict[str, Callable[..., None]] = {
    "zeros": shaped,
    "ones": shaped,
    "empty": shaped,
    "full": shaped,
    "eye": of_eye,
    "identity": of_eye,
    "arange": of_arange,
    "linspace": of_linspace,
    "indices": of_indices,
    "tri": of_eye,
}

COPIES = ("zeros_like", "ones_like", "empty_like", "full_like", "array", "asarray", "ascontiguousarray", "asanyarray")

PRODUCTS: dict[str, Callable[..., None]] = {
    "dot": contraction,
    "matmul": contraction,
    "inner": contraction,
    "outer": product,
    "kron": product,
    "cross": broadcast,
    "tensordot": product,
    "vdot": broadcast,
    "einsum": of_einsum,
    "repeat": of_repeat,
    "tile": of_tile,
    "broadcast_to": of_broadcast_to,
    "pad": of_pad,
    "bincount": of_bincount,
    "meshgrid": of_meshgrid,
    "append": product,
    "ix_": product,
    "convolve": product,
}

LINEAR_ALGEBRA = ("norm", "inv", "solve", "det", "pinv", "cholesky", "multi_dot", "matrix_power")


def where(condition: Value, *branches: Value) -> Value:
    return np.where(condition, *branches)


def typed(function: Call, price: Callable[..., None] | None = None) -> Call:
    """A function whose strings and types are data types."""

    def named(*arguments: Value, **keywords: Value) -> Value:
        keywords.pop("order", None)
        converted = [data_type(a) if isinstance(a, str) else a for a in arguments]
        return function(*converted, **keywords)

    return whitelisted(named, price)


def empty(shape: Value, dtype: Value = float, order: str = "C") -> Value:
    """Memory that was not set: NaN, so that nothing that reads it is confirmed."""
    kind = np.dtype(dtype)
    return np.full(shape, np.nan if kind.kind == "f" else 0, dtype=kind)


def empty_like(x: Value, dtype: Value = None) -> Value:
    return empty(np.shape(x), dtype=np.asarray(x).dtype if dtype is None else dtype)


def matrix_power(a: Value, n: int) -> Value:
    if abs(n) > 64:
        raise NotRunnable(None, "a power of a matrix that is too large", "limit")
    return np.linalg.matrix_power(a, n)


def at(function: Any) -> Call:
    """``np.add.at`` and its kin."""

    def call(machine: Machine, array: Value, index: Value, values: Value) -> None:
        whitelisted(function.at)(machine, array, checked_index(machine, array, index), values)

    return call


def convert(name: str) -> Builtin:
    """``np.float32(x)``, which is a data type as well."""
    kind = DTYPES[name]
    decision = None if kind is np.float64 else (lambda x=0, *_: np.asarray(x).astype(kind))
    return Builtin(name, whitelisted(lambda x=0: np.asarray(x).astype(kind)[()], decision=decision))


FUNCTIONS: dict[str, Call] = {
    **{name: whitelisted(getattr(np, name), broadcast) for name in SMOOTH},
    **{name: whitelisted(getattr(np, name), broadcast, decision) for name, decision in DECIDED.items()},
    **{name: whitelisted(getattr(np, name), None, decision) for name, decision in REDUCTIONS.items()},
    **{name: whitelisted(getattr(np, name)) for name in VIEWS if hasattr(np, name)},
    **{name: whitelisted(getattr(np, name), together) for name in JOINS},
    **{name: whitelisted(getattr(np, name), price) for name, price in PRODUCTS.items()},
    **{name: typed(getattr(np, name), price) for name, price in CREATION.items()},
    **{name: typed(getattr(np, name)) for name in COPIES},
    "empty": typed(empty, shaped),
    "empty_like": typed(empty_like),
    "where": whitelisted(where, of_where, nonzero),
    "concat": whitelisted(np.concatenate, together),
    "row_stack": whitelisted(np.vstack, together),
}

LINALG: dict[str, Call] = {
    **{name: whitelisted(getattr(np.linalg, name)) for name in LINEAR_ALGEBRA},
    "matrix_power": whitelisted(matrix_power),
}


# -- random numbers: data, the same in every run of one seed ----------------------------------------------------------


def drawn(draw: Callable[[np.random.Generator, tuple[int, ...]], Value], by_axes: bool = False) -> Call:
    """Random numbers of a shape given as one argument, or axis by axis as in ``rand(N, D)``."""

    def call(machine: Machine, *arguments: Value, size: Value = None, **_: Value) -> Value:
        shape = arguments if by_axes else size if size is not None else arguments[-1] if arguments else ()
        shape = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
        machine.budget.shape(shape)
        if not all(isinstance(n, int | np.integer) and n >= 0 for n in shape):
            raise NotRunnable(None, "TypeError: a shape of random numbers", "error")
        return draw(machine.random, tuple(int(n) for n in shape))

    return call


def placed(draw: Callable[..., Value]) -> Call:
    """Random numbers with two parameters before the shape: ``normal(0, 1, size)``."""

    def call(machine: Machine, *arguments: Value, size: Value = None, **named: Value) -> Value:
        shape = size if size is not None else arguments[2] if len(arguments) > 2 else ()
        shape = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
        machine.budget.shape(shape)
        parameters = [*arguments[:2], *(v for k, v in named.items() if k in ("loc", "scale", "low", "high"))]
        return whitelisted(lambda *p: draw(machine.random, *p, size=shape))(machine, *parameters)

    return call


def integers(random: np.random.Generator, low: Value, high: Value = None, size: Value = ()) -> Value:
    return random.integers(low, high, size=size)


def chosen(machine: Machine, options: Value, size: Value = (), *_: Value, p: Value = None, **__: Value) -> Value:
    """``np.random.choice``."""
    shape = tuple(size) if isinstance(size, list | tuple) else (size,)
    machine.budget.shape(shape)
    return whitelisted(lambda a, p: machine.random.choice(a, size=shape, p=p))(machine, options, p)


RANDOM: dict[str, Call] = {
    "choice": chosen,
    "rand": drawn(lambda r, shape: r.random(shape), by_axes=True),
    "randn": drawn(lambda r, shape: r.standard_normal(shape), by_axes=True),
    "random": drawn(lambda r, shape: r.random(shape)),
    "random_sample": drawn(lambda r, shape: r.random(shape)),
    "standard_normal": drawn(lambda r, shape: r.standard_normal(shape)),
    "normal": placed(lambda r, *p, size: r.normal(*p, size=size)),
    "uniform": placed(lambda r, *p, size: r.uniform(*p, size=size)),
    "randint": placed(integers),
    "binomial": placed(lambda r, n=1, p=0.5, size=(): r.binomial(min(n, 10**6), p, size=size)),
    "seed": lambda machine, *_: None,
}

CONSTANTS: dict[str, Value] = {
    "newaxis": None,
    "pi": math.pi,
    "e": math.e,
    "inf": math.inf,
    "nan": math.nan,
    "euler_gamma": float(np.euler_gamma),
    "ndarray": Marker("ndarray"),
    "generic": Marker("ndarray"),
    "floating": Marker("float64"),
    "integer": Marker("int64"),
}

DTYPE_NAMES = words(
    """
    float16 float32 float64 double longdouble int8 int16 int32 int64 uint8 uint32 uint64 bool_ intp
    int_ single half bool int float
    """
)

NAMES: dict[str, Value] = {
    **CONSTANTS,
    **{name: convert(name) for name in DTYPE_NAMES},
    **{name: Builtin(name, call) for name, call in FUNCTIONS.items()},
    **{f"linalg.{name}": Builtin(name, call) for name, call in LINALG.items()},
    **{f"random.{name}": Builtin(name, call) for name, call in RANDOM.items()},
    **{f"{u.__name__}.at": Builtin("at", at(u)) for u in (np.add, np.subtract, np.multiply, np.maximum)},
    **{f"{u.__name__}.reduce": Builtin("reduce", whitelisted(u.reduce)) for u in (np.add, np.multiply)},
    "maximum.reduce": Builtin(
        "reduce", whitelisted(np.maximum.reduce, None, lambda x, axis=0, *_, **__: largest(x, axis))
    ),
    "add.accumulate": Builtin("accumulate", whitelisted(np.add.accumulate)),
    "subtract.outer": Builtin("outer", whitelisted(np.subtract.outer, product)),
}

# -- methods of arrays and of their numbers ---------------------------------------------------------------------------


def method(name: str) -> Call:
    """The method of the value itself, be it an array or one of NumPy's numbers."""

    def call(value: Value, *arguments: Value, **keywords: Value) -> Value:
        return getattr(value, name)(*arguments, **keywords)

    return call


def astype(x: Value, dtype: Value, copy: bool = True, **_: Value) -> Value:
    return x.astype(data_type(dtype) if isinstance(dtype, str) else dtype, copy=copy)


def cast_decision(x: Value, dtype: Value, *_: Value, **__: Value) -> Value:
    return np.zeros(()) if (data_type(dtype) if isinstance(dtype, str) else dtype) is np.float64 else astype(x, dtype)


METHODS: dict[str, Call] = {
    **{name: whitelisted(method(name)) for name in words("sum mean var std prod cumsum cumprod trace")},
    **{name: whitelisted(method(name), None, largest) for name in ("max", "argmax", "ptp")},
    **{name: whitelisted(method(name), None, smallest) for name in ("min", "argmin")},
    **{name: whitelisted(method(name), None, nonzero) for name in ("any", "all", "nonzero")},
    **{name: whitelisted(method(name), None, order) for name in ("argsort", "sort")},
    **{
        name: whitelisted(method(name))
        for name in words(
            """
    reshape transpose swapaxes ravel flatten squeeze diagonal copy take item tolist fill conj view
    """
        )
    },
    "view": whitelisted(lambda x: x.view()),
    "dot": whitelisted(method("dot"), contraction),
    "repeat": whitelisted(method("repeat"), of_repeat),
    "clip": whitelisted(method("clip"), broadcast, within),
    "round": whitelisted(method("round"), None, lambda x, decimals=0: np.round(x, decimals)),
    "astype": whitelisted(astype, None, cast_decision),
}


def attribute(value: Value, name: str) -> Value:
    """``x.shape`` and its kin; raises `NotRunnable` for what is not on the list."""
    if name == "dtype":
        return Marker(value.dtype.name)
    if name in ("shape", "T", "ndim", "size", "real", "mT", "itemsize", "nbytes"):
        return getattr(value, name)
    raise NotRunnable(None, f"an array's .{name} is not supported")
