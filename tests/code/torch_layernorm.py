import torch


class LayerNorm(torch.autograd.Function):
    """shapes: x (N, D), weight (D,), bias (D,)"""

    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        rstd = (var + eps).rsqrt()
        xhat = (x - mean) * rstd
        ctx.save_for_backward(xhat, weight, rstd)
        return xhat * weight + bias

    @staticmethod
    def backward(ctx, grad_out):
        xhat, weight, rstd = ctx.saved_tensors
        g = grad_out * weight
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = rstd * (g - g.mean(-1, keepdim=True) - xhat * (g * xhat).mean(-1, keepdim=True))
        if ctx.needs_input_grad[1]:
            grad_weight = (grad_out * xhat).sum(0)
        grad_bias = grad_out.sum(0)
        return grad_x, grad_weight, grad_bias, None
