"""The few functions that generated Python modules carry with them; their source is copied into each.

They know nothing of derive: what they need comes in as arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

FLOATS = ("float16", "bfloat16", "float32", "float64")
BLOCK = 1 << 16  # entries of an array that are worked on at a time: a few such pieces fit a core's cache
PIECE = 4096  # terms that are summed in the precision of the data


def checked(arrays: Mapping[str, tuple[Any, str]]) -> tuple[Any, dict[str, int]]:
    """The common dtype of arrays, and the sizes of their axes.

    Args:
        arrays: for each argument its value and the names of its axes' sizes, as in ``(x, "N C")``.

    Raises:
        ValueError: an argument has other axes, another dtype than the rest, or none that a kernel takes.
    """
    dtype = None
    sizes: dict[str, int] = {}
    for name, (value, axes) in arrays.items():
        value = np.asarray(value)
        names = axes.split()
        expected = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
        if value.ndim != len(names):
            wanted = f"{len(names)} {'axis' if len(names) == 1 else 'axes'} {expected}" if names else "a number"
            raise ValueError(f"{name} has shape {value.shape}; expected {wanted}")
        if names and value.dtype.name not in FLOATS:
            raise ValueError(f"{name} has dtype {value.dtype}; expected one of {', '.join(FLOATS)}: convert it first")
        for size, n in zip(names, value.shape, strict=True):
            if sizes.setdefault(size, n) != n:
                raise ValueError(f"{name} has shape {value.shape}; expected {expected} with {size} = {sizes[size]}")
        if names and dtype is not None and value.dtype != dtype:
            raise ValueError(f"{name} has dtype {value.dtype}, the arguments before it {dtype}: convert one of them")
        dtype = value.dtype if names else dtype
    return np.dtype(np.float64) if dtype is None else dtype, sizes


def empty(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array for a result; a large one begins where a line of the cache does, so that no write falls on two."""
    size = np.dtype(dtype).itemsize
    for n in shape:
        size *= n
    if size < 65536:
        return np.empty(shape, dtype)
    room = np.empty(size + 64, np.uint8)
    first = -room.ctypes.data % 64
    return room[first : first + size].view(dtype).reshape(shape)


def blocks(count: int, width: int) -> Iterator[slice]:
    """Slices of a leading axis of ``count`` rows, each of ``width`` entries: they fit the cache, and so few rows are
    summed before the sum goes on in float64 that float32 loses nothing."""
    rows = max(1, min(256, BLOCK // max(1, width)))
    return (slice(start, start + rows) for start in range(0, count, rows))


def total(x: Any) -> Any:
    """Sums over the leading axis, by a product with ones: it loses less than adding row to row, and is faster."""
    return (np.ones(len(x), x.dtype) @ x.reshape(len(x), -1)).reshape(x.shape[1:])


def contracted(subscripts: str, a: Any, b: Any, **options: Any) -> Any:
    """An `einsum` of two arrays, in pieces along a long axis that is summed: between them the sum goes on in float64,
    as float32 loses digits with every term."""
    inputs, output = subscripts.split("->")
    sizes = dict(zip(inputs.replace(",", ""), (*a.shape, *b.shape), strict=True))
    long = max((k for k in sizes if k not in output), key=lambda k: sizes[k], default="")
    if sizes.get(long, 0) <= PIECE:
        return np.einsum(subscripts, a, b, **options)
    parts = []
    for start in range(0, sizes[long], PIECE):
        piece = slice(start, start + PIECE)
        cut = [
            array[tuple(piece if k == long else slice(None) for k in letters)]
            for array, letters in zip((a, b), inputs.split(","), strict=True)
        ]
        parts.append(np.einsum(subscripts, *cut, **options))
    return np.sum(parts, axis=0, dtype=np.float64)


def near(x: Any, axis: tuple[int, ...]) -> Any:
    """Values near the means over some axes: the means of a sample of about 64 entries each, spread irregularly."""
    for k in axis:
        step = 2654435761  # a prime, so that no period of the data is met
        sample = np.arange(min(x.shape[k], round(64 ** (1 / len(axis))))) * step % max(1, x.shape[k])
        x = x.take(sample, axis=k)
    count = max(1, int(np.prod([x.shape[k] for k in axis])))
    mean = x.sum(axis=axis, dtype=np.float64) / count
    variance = np.square(x - np.expand_dims(mean, axis)).sum(axis=axis) / count
    return rounded(mean, variance).astype(x.dtype)


def rounded(mean: Any, variance: Any) -> Any:
    """Means as multiples of a power of two near 1/1000 of the deviation: what is subtracted from x has few digits, so
    that the differences are exact, or their rounding errors are those of x, which have no bias."""
    grid = np.exp2(np.floor(np.log2(variance) / 2) - 10)
    return np.where((grid > 0) & (grid < np.inf), np.rint(mean / grid) * grid, mean)


def sigmoid(u: Any) -> Any:
    """1/(1 + exp(-u)), without overflow."""
    e = np.exp(-np.abs(u))
    return np.where(u >= 0, 1, e) / (1 + e)


def inverse(n: Any) -> Any:
    """1/n, and 0 where n is 0."""
    return np.where(n == 0, 0, 1 / n)


def softplus(u: Any) -> Any:
    """log(1 + exp(u)), without overflow and with all digits."""
    return np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u)))


def step(u: Any) -> Any:
    """0 below 0, 1 above, and a half at it."""
    return (1 + np.sign(u)) / 2


def erf(u: Any) -> Any:
    """The error function, by the standard library's, entry by entry."""
    from math import erf

    return np.vectorize(erf, otypes=[np.float64])(u).astype(np.result_type(u))
