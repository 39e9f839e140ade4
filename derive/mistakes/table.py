"""The table of mistakes: one row each. To name a new one, add its row and the variant or edit that shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A row of the table.

    Attributes:
        message: one line; ``{}`` is filled with the part of the formula.
        origin: what it usually comes from.
        wrong, right: an example, in LaTeX.
    """

    code: str
    name: str
    message: str
    origin: str
    wrong: str
    right: str


DIAGONAL = Kind(
    "DRV201",
    "diagonal only",
    "this is the diagonal j = i of the Jacobian only: the sum over the outputs is missing",
    "Every output depends on every input through the shared statistics, so the chain rule sums over all outputs j.",
    r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i} \frac{\partial y_i}{\partial x_i}",
    r"\frac{\partial L}{\partial x_i} = \sum_j \frac{\partial L}{\partial y_j} \frac{\partial y_j}{\partial x_i}",
)
HELD = Kind(
    "DRV202",
    "a path is missing",
    "the path through {} is missing: it was taken for a constant",
    "The mean and the variance depend on the data too; differentiating them as constants loses a term.",
    r"\frac{\partial L}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma^2+\epsilon}} \frac{\partial L}{\partial y_i}",
    r"\frac{\partial L}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma^2+\epsilon}} \left(\frac{\partial L}{\partial y_i} - \dots\right)",
)
NAME = Kind(
    "DRV203",
    "one name for another",
    "{} should be {}",
    "A hat (or a bar) was lost, or the variable of another stage was copied.",
    r"-\frac{S_i^2}{N\sqrt{\sigma^2+\epsilon}}",
    r"-\frac{\hat{S}_i^2}{N\sqrt{\sigma^2+\epsilon}}",
)
FACTOR_MISSING = Kind(
    "DRV204",
    "a factor is missing",
    "the factor {} is missing here",
    "A factor of the line before was not copied, often the upstream gradient, the scale or 1/N.",
    r"\frac{\partial \sigma^2}{\partial x_i} = \frac{2}{N}",
    r"\frac{\partial \sigma^2}{\partial x_i} = \frac{2}{N} (x_i - \mu)",
)
FACTOR_EXTRA = Kind(
    "DRV205",
    "a factor too many",
    "the factor {} does not belong here",
    "A factor was written twice, or kept after it had been absorbed.",
    r"\frac{\partial \hat{x}_i}{\partial \mu} = \frac{-N}{\sqrt{\sigma^2+\epsilon}}",
    r"\frac{\partial \hat{x}_i}{\partial \mu} = \frac{-1}{\sqrt{\sigma^2+\epsilon}}",
)
SIGN = Kind(
    "DRV206",
    "a sign",
    "the sign of {} is wrong",
    "A minus was lost or kept when a difference was differentiated or a bracket was opened.",
    r"\frac{\partial \hat{x}_i}{\partial \mu} = \frac{1}{\sqrt{\sigma^2+\epsilon}}",
    r"\frac{\partial \hat{x}_i}{\partial \mu} = -\frac{1}{\sqrt{\sigma^2+\epsilon}}",
)
EXPONENT = Kind(
    "DRV207",
    "an exponent",
    "the exponent of {} should be {}",
    "The power was not lowered by one when differentiating, or a root was taken twice.",
    r"-\frac{1}{2} (x_i - \mu) (\sigma^2+\epsilon)^{-1/2}",
    r"-\frac{1}{2} (x_i - \mu) (\sigma^2+\epsilon)^{-3/2}",
)
INDEX = Kind(
    "DRV208",
    "an index",
    "the index of {} should be {}",
    "The summed index and the free index were exchanged, or one letter is used for both.",
    r"\hat{x}_i \sum_j g_j \hat{x}_i",
    r"\hat{x}_i \sum_j g_j \hat{x}_j",
)
SUM_EXTRA = Kind(
    "DRV209",
    "a sum too many",
    "there is no sum here: {}",
    "A sum of the loss's gradient was written into a local derivative, which has none.",
    r"\frac{\partial \hat{x}_i}{\partial \mu} = \sum_i \frac{-1}{\sqrt{\sigma^2+\epsilon}}",
    r"\frac{\partial \hat{x}_i}{\partial \mu} = \frac{-1}{\sqrt{\sigma^2+\epsilon}}",
)
SUM_MISSING = Kind(
    "DRV210",
    "a sum is missing",
    "the sum over {} is missing in {}",
    "What is shared by all samples collects the gradients of all of them.",
    r"\frac{\partial L}{\partial \gamma} = \frac{\partial L}{\partial y_i} \hat{x}_i",
    r"\frac{\partial L}{\partial \gamma} = \sum_i \frac{\partial L}{\partial y_i} \hat{x}_i",
)
FIRST_TERM_ONLY = Kind(
    "DRV211",
    "a factor on the first term only",
    "{} multiplies the first term only; it belongs to all",
    "Brackets are missing around the sum that the factor multiplies.",
    r"\delta \gamma a + b + c",
    r"\delta \gamma (a + b + c)",
)

KINDS: tuple[Kind, ...] = (
    DIAGONAL, HELD, NAME, FACTOR_MISSING, FACTOR_EXTRA, SIGN, EXPONENT, INDEX, SUM_EXTRA, SUM_MISSING, FIRST_TERM_ONLY,
)  # fmt: skip
BY_CODE = {kind.code: kind for kind in KINDS}
