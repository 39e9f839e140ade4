import numpy as np


def embedding_forward(x, W):
    """shapes: x int (N, T), W (V, D)"""
    return W[x, :], (x, W.shape)


def embedding_backward(dout, cache):
    x, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, x, dout)
    return dW
