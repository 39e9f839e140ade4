import torch


class Clamped(torch.autograd.Function):
    """shapes: x (N, D), w (D,)"""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        best, where = (x * w).max(1)
        ctx.where = where
        return best + torch.clamp(x, min=0).pow(2).sum(dim=1)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        one = torch.zeros_like(x).scatter_(1, ctx.where.unsqueeze(1), 1.0)
        dx = g[:, None] * (one * w + 2 * x.clamp(min=0))
        dw = (g[:, None] * one * x).sum(0)
        return dx, dw
