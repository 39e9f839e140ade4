import numpy as np


def glu_forward(x):
    """shapes: x (N, 2*D)"""
    a, b = np.split(x, 2, axis=1)
    s = 1 / (1 + np.exp(-b))
    return a * s, (a, s)


def glu_backward(dout, cache):
    a, s = cache
    da = dout * s
    db = dout * a * s * (1 - s)
    dx = np.concatenate([da, db], axis=1)
    return dx
