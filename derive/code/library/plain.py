"""Python's own functions, ``math`` and ``scipy.special``."""

from __future__ import annotations

from derive.code.library.numpy import MEANS
from derive.code.library.rows import rows

BUILTINS = rows(
    MEANS,
    """
range start stop step
xrange=range start stop step
enumerate a
zip *all
reversed a
len a
float a
int a
bool a
abs a
sum a
max=builtin_max *all
min=builtin_min *all
isinstance a kind
print=none *all
dict a
list a
tuple a
str=text a
pow=power a b
hasattr=ignored a b
object=ignored
""",
)
"""By name. What is a type and no function here is a name all the same."""

TYPES = frozenset(
    {"ValueError", "TypeError", "NotImplementedError", "RuntimeError", "Exception", "super", "type", "property"}
)

MATH = rows(
    MEANS, "sqrt a\nexp a\nlog a\nsin a\ncos a\ntan a\ntanh a\nsinh a\ncosh a\nerf a\nfabs=abs a\npow=power a b\nprod a"
)
"""By the name behind ``math.``."""

SCIPY = rows(
    MEANS,
    """
special.expit=sigmoid a
special.erf=erf a
special.logsumexp=logsumexp a axis b keepdims
special.softmax=softmax a axis
special.log_softmax=log_softmax a axis
""",
)
"""By the name behind ``scipy.``."""
