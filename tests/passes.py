"""Forward passes that are not in the library, made up to try derivations on."""

from __future__ import annotations

PASSES = {
    "power-normalisation": r"""
$$n_i = \left( \sum_{j=1}^D |x_{ij}|^p \right)^{1/p}$$
$$y_{ij} = \frac{x_{ij}}{n_i}$$
""",
    "weighted-mean": r"""
$$\mu_j = \frac{\sum_{i=1}^N w_i x_{ij}}{\sum_{i=1}^N w_i}$$
$$v_j = \frac{\sum_{i=1}^N w_i (x_{ij} - \mu_j)^2}{\sum_{i=1}^N w_i}$$
$$y_{ij} = \frac{x_{ij} - \mu_j}{\sqrt{v_j + \epsilon}}$$
""",
    "trimmed-weights": r"""
The weights $w_i$ are given and add up to one.
<!-- given: \sum_{i=1}^N w_i = 1 -->
$$\mu = \sum_{i=1}^N w_i x_i, \quad s = \sqrt{\sum_{i=1}^N w_i (x_i - \mu)^2 + \epsilon}$$
$$y_i = \frac{x_i - \mu}{s}$$
""",
    "log-cosh-after-layernorm": r"""
$$\mu_i = \frac{1}{D} \sum_{j=1}^D x_{ij}, \quad \sigma_i^2 = \frac{1}{D} \sum_{j=1}^D (x_{ij} - \mu_i)^2$$
$$\hat{x}_{ij} = \frac{x_{ij} - \mu_i}{\sqrt{\sigma_i^2 + \epsilon}}$$
$$r_{ij} = \gamma_j \hat{x}_{ij} - t_{ij}$$
$$c_{ij} = \frac{e^{r_{ij}} + e^{-r_{ij}}}{2}$$
$$L = \frac{1}{N} \sum_{i=1}^N \sum_{j=1}^D \log c_{ij}$$
""",
    "two-norms": r"""
$$r_i = \frac{1}{\sqrt{\frac{1}{D} \sum_{j=1}^D x_{ij}^2 + \epsilon}}, \quad u_{ij} = a_j x_{ij} r_i$$
$$\mu_i = \frac{1}{D} \sum_{j=1}^D u_{ij}, \quad \sigma_i^2 = \frac{1}{D} \sum_{j=1}^D (u_{ij} - \mu_i)^2$$
$$\hat{u}_{ij} = \frac{u_{ij} - \mu_i}{\sqrt{\sigma_i^2 + \epsilon}}$$
$$y_{ij} = \gamma_j \hat{u}_{ij} + \beta_j$$
""",
    "residual": r"""
$$\mu_i = \frac{1}{D} \sum_{j=1}^D x_{ij}, \quad \sigma_i^2 = \frac{1}{D} \sum_{j=1}^D (x_{ij} - \mu_i)^2$$
$$\hat{x}_{ij} = \frac{x_{ij} - \mu_i}{\sqrt{\sigma_i^2 + \epsilon}}$$
$$y_{ij} = x_{ij} + \gamma_j \hat{x}_{ij}$$
""",
    "batchnorm-softmax-cross-entropy": r"""
$$\mu_j = \frac{1}{N} \sum_{i=1}^N x_{ij}, \quad \sigma_j^2 = \frac{1}{N} \sum_{i=1}^N (x_{ij} - \mu_j)^2$$
$$\hat{x}_{ij} = \frac{x_{ij} - \mu_j}{\sqrt{\sigma_j^2 + \epsilon}}$$
$$y_{ij} = \gamma_j \hat{x}_{ij} + \beta_j$$
$$Z_i = \sum_{j=1}^C e^{y_{ij}}, \quad s_{ij} = \frac{e^{y_{ij}}}{Z_i}$$
$$L = -\frac{1}{N} \sum_{i=1}^N \sum_{j=1}^C t_{ij} \log s_{ij}$$
""",
    "bilinear-form": r"""
$$y_{nij} = \sum_{k=1}^K \sum_{l=1}^M a_{nk} W_{ijkl} b_{nl}$$
""",
    "bilinear-scalar": r"""
$$L = \sum_{i=1}^N \sum_{j=1}^M x_i A_{ij} z_j$$
""",
    "kernel-matrix": r"""
$$D_{ij} = \sum_{k=1}^d (x_{ik} - x_{jk})^2$$
$$K_{ij} = e^{-D_{ij}}$$
$$L = \sum_{i=1}^N \sum_{j=1}^N a_i K_{ij} a_j$$
""",
    "tsne": r"""
$$w_{ij} = \frac{1}{1 + \sum_{k=1}^K (y_{ik} - y_{jk})^2}$$
$$Z = \sum_{i=1}^N \sum_{j=1}^N w_{ij}$$
$$q_{ij} = \frac{w_{ij}}{Z}$$
$$L = \sum_{i=1}^N \sum_{j=1}^N p_{ij} \log \frac{p_{ij}}{q_{ij}}$$
""",
    "attention-with-temperature": r"""
$$S_{ij} = \beta \sum_{k=1}^d Q_{ik} K_{jk}$$
$$P_{ij} = \frac{e^{S_{ij}}}{\sum_{m=1}^n e^{S_{im}}}$$
$$O_{il} = \sum_{j=1}^n P_{ij} V_{jl}$$
""",
    "squeeze-and-excite": r"""
$$m_{nc} = \frac{1}{P} \sum_{p=1}^P x_{ncp}$$
$$h_{nc} = \sum_{k=1}^C m_{nk} W_{kc}$$
$$s_{nc} = \frac{1}{1 + e^{-h_{nc}}}$$
$$y_{ncp} = s_{nc} x_{ncp}$$
""",
    "info-nce": r"""
$$S_{ij} = \sum_{k=1}^K a_{ik} b_{jk}$$
$$Z_i = \sum_{j=1}^N e^{S_{ij}}$$
$$L = -\frac{1}{N} \sum_{i=1}^N \log \frac{e^{S_{ii}}}{Z_i}$$
""",
    "linear-regression": r"""
$$h_{ij} = \sum_{k=1}^K x_{ik} W_{kj} + b_j$$
$$L = \frac{1}{N} \sum_{i=1}^N \sum_{j=1}^M (t_{ij} - h_{ij})^2$$
""",
}
