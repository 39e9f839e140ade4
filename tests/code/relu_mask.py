import numpy as np


def leaky_forward(x, slope=0.1):
    """shapes: x (N, D)"""
    out = np.where(x > 0, x, slope * x)
    return out, (x, slope)


def leaky_backward(dout, cache):
    x, slope = cache
    dx = dout.copy()
    dx[x <= 0] *= slope
    return dx
