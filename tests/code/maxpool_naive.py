import numpy as np


def pool_forward(x, size=2):
    """shapes: x (N, C, 4, 6)"""
    N, C, H, W = x.shape
    out = np.zeros((N, C, H // size, W // size))
    for i in range(H // size):
        for j in range(W // size):
            window = x[:, :, i * size : (i + 1) * size, j * size : (j + 1) * size]
            out[:, :, i, j] = np.max(window, axis=(2, 3))
    return out, (x, size)


def pool_backward(dout, cache):
    x, size = cache
    dx = np.zeros_like(x)
    N, C, Ho, Wo = dout.shape
    for n in range(N):
        for c in range(C):
            for i in range(Ho):
                for j in range(Wo):
                    window = x[n, c, i * size : (i + 1) * size, j * size : (j + 1) * size]
                    r, s = np.unravel_index(np.argmax(window), window.shape)
                    dx[n, c, i * size + r, j * size + s] += dout[n, c, i, j]
    return dx
