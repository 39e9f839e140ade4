import numpy as np


def hinge_loss(W, X, y, reg=0.1):
    """shapes: W (D, C), X (N, D), y int (N,)"""
    loss = 0.0
    dW = np.zeros_like(W)
    n = X.shape[0]
    for i in range(n):
        s = X[i] @ W
        for c in range(W.shape[1]):
            if c == y[i]:
                continue
            margin = s[c] - s[y[i]] + 1.0
            if margin > 0:
                loss += margin / n
                dW[:, c] += X[i] / n
                dW[:, y[i]] -= X[i] / n
    loss += reg * np.sum(W**2)
    dW += 2 * reg * W
    return loss, dW
