"""JAX: ``jax.numpy`` is NumPy's table; here is what stands beside it."""

from __future__ import annotations

from derive.code.library import numpy
from derive.code.library.numpy import MEANS
from derive.code.library.rows import Row, rows

FUNCTIONS = rows(
    MEANS,
    """
nn.relu=relu a
nn.sigmoid=sigmoid a
nn.silu=silu a
nn.swish=silu a
nn.softplus=softplus a
nn.log_sigmoid=log_sigmoid a
nn.softmax=softmax a axis
nn.log_softmax=log_softmax a axis
nn.logsumexp=logsumexp a axis
nn.one_hot=one_hot a n
nn.leaky_relu=leaky_relu a negative_slope
scipy.special.logsumexp=logsumexp a axis b keepdims
scipy.special.expit=sigmoid a
scipy.special.erf=erf a
lax.exp=exp a
lax.log=log a
lax.tanh=tanh a
lax.logistic=sigmoid a
lax.rsqrt=rsqrt a
lax.sqrt=sqrt a
lax.stop_gradient=same a
lax.max=maximum a b
lax.min=minimum a b
lax.select=where condition a b
lax.erf=erf a
""",
)
"""By the name behind ``jax.``."""


def method(name: str) -> Row | None:
    return numpy.method(name)
