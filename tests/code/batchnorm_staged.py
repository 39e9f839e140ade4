import numpy as np


def batchnorm_forward(x, gamma, beta, bn_param):
    """shapes: x (N, D), gamma (D,), beta (D,); fixed: mode = train"""
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    cache = None
    if mode == "train":
        mu = np.mean(x, axis=0)
        xc = x - mu
        var = np.mean(xc**2, axis=0)
        std = np.sqrt(var + eps)
        xn = xc / std
        out = gamma * xn + beta
        cache = {"xc": xc, "xn": xn, "std": std, "gamma": gamma}
    elif mode == "test":
        out = gamma * x + beta
    else:
        raise ValueError(f"unknown mode {mode}")
    return out, cache


def batchnorm_backward(dout, cache):
    xc, xn, std = cache["xc"], cache["xn"], cache["std"]
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(xn * dout, axis=0)
    dxn = cache["gamma"] * dout
    dxc = dxn / std
    dstd = -np.sum((dxn * xc) / (std * std), axis=0)
    dvar = 0.5 * dstd / std
    dxc += (2.0 / n) * xc * dvar
    dmu = np.sum(dxc, axis=0)
    dx = dxc - dmu / n
    return dx, dgamma, dbeta
