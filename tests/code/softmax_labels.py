import numpy as np


def cross_entropy_loss(scores, y):
    """shapes: scores (N, C), y int (N,)"""
    n = scores.shape[0]
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -logs[range(n), y].mean()
    dscores = np.exp(logs)
    dscores[range(n), y] -= 1
    dscores /= n
    return loss, dscores
