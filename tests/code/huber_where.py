import numpy as np


def huber_loss(pred, target, delta=1.0):
    """shapes: pred (N, D), target (N, D)"""
    err = pred - target
    small = np.abs(err) <= delta
    each = np.where(small, 0.5 * err**2, delta * (np.abs(err) - 0.5 * delta))
    loss = each.sum() / pred.shape[0]
    dpred = np.where(small, err, delta * np.sign(err)) / pred.shape[0]
    return loss, dpred
