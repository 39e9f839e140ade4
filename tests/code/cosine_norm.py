import numpy as np


def cosine_forward(u, v, eps=1e-8):
    """shapes: u (N, D), v (N, D)"""
    nu = np.sqrt((u * u).sum(axis=1) + eps)
    nv = np.sqrt((v * v).sum(axis=1) + eps)
    cos = (u * v).sum(axis=1) / (nu * nv)
    return cos, (u, v, nu, nv, cos)


def cosine_backward(dcos, cache):
    u, v, nu, nv, cos = cache
    d = dcos[:, None]
    du = d * (v / (nu * nv)[:, None] - (cos / nu**2)[:, np.newaxis] * u)
    dv = d * (u / (nu * nv)[:, None] - (cos / nv**2)[:, np.newaxis] * v)
    return du, dv
