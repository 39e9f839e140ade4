import numpy as np


def attention_forward(q, k, v):
    """shapes: q (B, T, D), k (B, S, D), v (B, S, E)"""
    scale = 1 / np.sqrt(q.shape[-1])
    scores = np.einsum("btd,bsd->bts", q, k) * scale
    scores = scores - scores.max(axis=-1, keepdims=True)
    e = np.exp(scores)
    p = e / e.sum(axis=-1, keepdims=True)
    return np.matmul(p, v), (q, k, v, p, scale)


def attention_backward(dout, cache):
    q, k, v, p, scale = cache
    dv = p.transpose(0, 2, 1) @ dout
    dp = np.einsum("bte,bse->bts", dout, v)
    dscores = p * (dp - np.sum(dp * p, axis=-1, keepdims=True))
    dq = scale * np.einsum("bts,bsd->btd", dscores, k)
    dk = scale * np.einsum("bts,btd->bsd", dscores, q)
    return dq, dk, dv
