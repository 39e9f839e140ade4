import numpy as np


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1) @ w + b
    return out, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db


def tanh_forward(x):
    out = np.tanh(x)
    return out, out


def tanh_backward(dout, cache):
    return dout * (1 - cache * cache)


def affine_tanh_forward(x, w, b):
    """shapes: x (N, C, K), w (C*K, M), b (M,)"""
    a, fc_cache = affine_forward(x, w, b)
    out, act_cache = tanh_forward(a)
    return out, (fc_cache, act_cache)


def affine_tanh_backward(dout, cache):
    fc_cache, act_cache = cache
    da = tanh_backward(dout, act_cache)
    return affine_backward(da, fc_cache)
