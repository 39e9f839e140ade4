"""The whitelist: every function of a library that may be called, by its dotted name.

One module a library. What is not here cannot be run, and what is here cannot reach anything outside the run.
"""

from __future__ import annotations

from derive.code.concrete.libraries import jax_, numpy_, python, torch_
from derive.code.concrete.libraries.whitelist import Call, whitelisted
from derive.code.concrete.values import Builtin, Marker, Value

SCIPY: dict[str, Call] = {
    "special.expit": whitelisted(torch_.sigmoid),
    "special.erf": whitelisted(torch_.erf),
    "special.softmax": whitelisted(lambda x, axis=None: torch_.softmax(x, axis)),
    "special.logsumexp": whitelisted(jax_.logsumexp),
    "special.log_softmax": whitelisted(jax_.log_softmax),
}


def _under(prefix: str, names: dict[str, Value]) -> dict[str, Value]:
    """The table of a library; its functions know their whole names, so that parts of them are found."""
    return {
        f"{prefix}.{name}": Builtin(f"{prefix}.{name}", value.call) if isinstance(value, Builtin) else value
        for name, value in names.items()
    }


BUILTINS: dict[str, Value] = {
    **{name: Builtin(name, call) for name, call in python.BUILTINS.items()},
    "object": Marker("object"),
    "__name__": "derived",
}

LIBRARY: dict[str, Value] = {
    **{f"builtins.{name}": value for name, value in BUILTINS.items()},
    "builtins.xrange": BUILTINS["range"],
    **python.NAMES,
    **_under("numpy", numpy_.NAMES),
    **_under("torch", torch_.NAMES),
    **_under("jax", jax_.NAMES),
    **_under("scipy", {name: Builtin(name, call) for name, call in SCIPY.items()}),
}

MODULES = {".".join(parts[:k]) for name in LIBRARY for parts in [name.split(".")] for k in range(1, len(parts))} | {
    "typing",
    "dataclasses",
    "jaxtyping",
    "numpy.typing",
    "collections",
    "abc",
    "__future__",
}
"""Libraries and their parts, and modules that only annotations use."""
