import numpy as np


def dropout_forward(x, p=0.5, mode="train"):
    """shapes: x (N, D)"""
    mask = None
    if mode == "train":
        mask = (np.random.rand(*x.shape) < p) / p
        out = x * mask
    else:
        out = x
    return out, (mask, mode)


def dropout_backward(dout, cache):
    mask, mode = cache
    if mode == "train":
        dx = dout * mask
    else:
        dx = dout
    return dx
