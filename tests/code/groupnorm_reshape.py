import numpy as np


def groupnorm_forward(x, gamma, beta, eps=1e-5):
    """shapes: x (N, C, H, W), gamma (1, C, 1, 1), beta (1, C, 1, 1); fixed: G = 1"""
    N, C, H, W = x.shape
    flat = x.reshape(N, -1)
    mean = flat.mean(axis=1, keepdims=True)
    istd = 1.0 / np.sqrt(flat.var(axis=1, keepdims=True) + eps)
    xhat = ((flat - mean) * istd).reshape(N, C, H, W)
    return gamma * xhat + beta, (xhat, gamma, istd)


def groupnorm_backward(dout, cache):
    xhat, gamma, istd = cache
    N, C, H, W = dout.shape
    dgamma = (dout * xhat).sum(axis=(0, 2, 3), keepdims=True)
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
    g = (dout * gamma).reshape(N, -1)
    h = xhat.reshape(N, -1)
    dx = istd * (g - g.mean(axis=1, keepdims=True) - h * (g * h).mean(axis=1, keepdims=True))
    return dx.reshape(N, C, H, W), dgamma, dbeta
