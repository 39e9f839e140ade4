"""jax.numpy and its neighbours: NumPy's functions on arrays that are never changed in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.items import checked_index
from derive.code.concrete.libraries import numpy_ as numpy_library
from derive.code.concrete.libraries import torch_ as torch_library
from derive.code.concrete.libraries.numpy_ import largest
from derive.code.concrete.libraries.python import decorator, identity
from derive.code.concrete.libraries.whitelist import Call, broadcast, mark, of_kind, whitelisted
from derive.code.concrete.machine import Machine, attempt
from derive.code.concrete.operators import plain
from derive.code.concrete.values import Bound, Builtin, JaxArray, Marker, Value

UPDATES: dict[str, Callable[..., Any]] = {
    "set": lambda x, index, value: x.__setitem__(index, value),
    "add": np.add.at,
    "subtract": np.subtract.at,
    "multiply": np.multiply.at,
    "mul": np.multiply.at,
    "divide": np.divide.at,
    "max": np.maximum.at,
    "min": np.minimum.at,
}
"""``x.at[index].add(value)``: entries that an index names twice are added twice."""


@dataclass(frozen=True, eq=False)
class At:
    """``x.at`` and ``x.at[index]``."""

    array: Value
    index: Value = None
    indexed: bool = False

    def attribute(self, name: str) -> Value:
        if not self.indexed or name not in UPDATES:
            raise NotRunnable(None, f"x.at[…].{name} is not supported")
        return Bound(Builtin(name, _update), (self, UPDATES[name]))

    def item_at(self, machine: Machine, index: Value) -> At:
        return At(self.array, checked_index(machine, self.array, index), True)


def _update(machine: Machine, at: At, function: Callable[..., Any], value: Value) -> Value:
    machine.budget.hold(np.size(at.array))
    changed = np.array(at.array)
    attempt(function, changed, at.index, plain(machine, value))
    return changed.view(JaxArray)


def jax_call(function: Callable[..., Value], *details: Any) -> Call:
    return of_kind(JaxArray, whitelisted(function, *details))


def softmax(x: Value, axis: Value = -1) -> Value:
    weights = np.exp(np.asarray(x) - np.max(x, axis=axis, keepdims=True))
    return weights / np.sum(weights, axis=axis, keepdims=True)


def logsumexp(a: Value, axis: Value = None, keepdims: bool = False) -> Value:
    return torch_library.logsumexp(a, tuple(range(np.ndim(a))) if axis is None else axis, keepdims)


def log_softmax(x: Value, axis: int = -1) -> Value:
    return np.asarray(x) - logsumexp(x, axis, keepdims=True)


def gelu(x: Value, approximate: bool = True) -> Value:
    return torch_library.gelu(x, "tanh" if approximate else "none")


def one_hot(x: Value, num_classes: int) -> Value:
    return np.equal(np.asarray(x)[..., None], np.arange(num_classes)).astype(float)


def vjp_rule(machine: Machine, *function: Value, **named: Value) -> Value:
    """``jax.custom_vjp``: the function itself, its rule noted when it is given."""
    return decorator(machine, *function)


def is_real_array(machine: Machine, x: Value, *copies: Value, **named: Value) -> Value:
    return mark(JaxArray, numpy_library.FUNCTIONS["array"](machine, x, *copies, **named))


LAX: dict[str, Call] = {
    "rsqrt": jax_call(lambda x: 1 / np.sqrt(x), broadcast),
    **{name: jax_call(getattr(np, name), broadcast) for name in ("exp", "log", "tanh", "sqrt", "sin", "cos", "square")},
    "max": jax_call(np.maximum, broadcast, lambda a, b: np.greater(a, b)),
    "min": jax_call(np.minimum, broadcast, lambda a, b: np.less(a, b)),
    "select": jax_call(np.where, broadcast),
    "stop_gradient": identity,
    "logistic": jax_call(torch_library.sigmoid),
}

NN: dict[str, Call] = {
    "sigmoid": jax_call(torch_library.sigmoid),
    "relu": jax_call(torch_library.relu, None, torch_library.positive),
    "leaky_relu": jax_call(torch_library.leaky_relu, None, torch_library.positive),
    "elu": jax_call(torch_library.elu, None, torch_library.positive),
    "silu": jax_call(torch_library.silu),
    "swish": jax_call(torch_library.silu),
    "gelu": jax_call(gelu),
    "softplus": jax_call(lambda x: np.logaddexp(x, 0)),
    "log_sigmoid": jax_call(torch_library.log_sigmoid),
    "softmax": jax_call(softmax, None, lambda x, axis=-1: largest(x, axis)),
    "log_softmax": jax_call(log_softmax),
    "logsumexp": jax_call(logsumexp),
    "one_hot": jax_call(one_hot, torch_library.of_one_hot),
}

NUMPY: dict[str, Value] = {
    name: Builtin(value.name, of_kind(JaxArray, value.call)) if isinstance(value, Builtin) else value
    for name, value in numpy_library.NAMES.items()
    if not name.startswith("random.") and ".at" not in name
}

NAMES: dict[str, Value] = {
    **{f"numpy.{name}": value for name, value in NUMPY.items()},
    **{f"lax.{name}": Builtin(name, call) for name, call in LAX.items()},
    **{f"nn.{name}": Builtin(name, call) for name, call in NN.items()},
    "scipy.special.logsumexp": Builtin("logsumexp", NN["logsumexp"]),
    "scipy.special.expit": Builtin("expit", NN["sigmoid"]),
    "scipy.special.erf": Builtin("erf", jax_call(torch_library.erf)),
    "lax.erf": Builtin("erf", jax_call(torch_library.erf)),
    "custom_vjp": Builtin("custom_vjp", vjp_rule),
    "custom_jvp": Builtin("custom_jvp", vjp_rule),
    "jit": Builtin("jit", decorator),
    "numpy.ndarray": Marker("Array"),
    "Array": Marker("Array"),
    "named_call": Builtin("named_call", decorator),
}

IN_PLACE = ("fill", "sort", "resize")
METHODS: dict[str, Call] = {
    name: of_kind(JaxArray, call) for name, call in numpy_library.METHODS.items() if name not in IN_PLACE
}
