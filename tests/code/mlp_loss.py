import numpy as np


def two_layer_loss(W1, b1, W2, b2, X, T, reg=0.05):
    """shapes: W1 (D, H), b1 (H,), W2 (H, C), b2 (C,), X (N, D), T (N, C)"""
    pre = X @ W1 + b1
    hidden = np.maximum(0, pre)
    out = hidden @ W2 + b2
    diff = out - T
    loss = (diff**2).mean() + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    grads = {}
    dout = 2 * diff / diff.size
    grads["W2"] = hidden.T @ dout + 2 * reg * W2
    grads["b2"] = dout.sum(0)
    dpre = (dout @ W2.T) * (pre > 0)
    grads["W1"] = X.T @ dpre + 2 * reg * W1
    grads["b1"] = dpre.sum(0)
    return loss, grads
