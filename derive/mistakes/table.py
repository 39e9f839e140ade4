"""The table of mistakes: one row each. To name a new one, add its row and the variant or edit that shows it."""

from __future__ import annotations

from dataclasses import dataclass

from derive.source import Edit, Span

BATCH_NORM = r"""$$\mu = \frac{1}{N} \sum_{i=1}^N x_i, \quad \sigma^2 = \frac{1}{N} \sum_{i=1}^N (x_i - \mu)^2$$

$$\hat{x}_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}, \quad y_i = \gamma \hat{x}_i + \beta$$"""

SOFTMAX = r"$$s_i = \frac{e^{z_i}}{\sum_{k=1}^N e^{z_k}}$$"

RMS_NORM = r"$$r = \sqrt{\frac{1}{N} \sum_{i=1}^N x_i^2 + \epsilon}, \quad y_i = \frac{w_i x_i}{r}$$"

SQUARE_MATRICES = r"""$$Z_{ij} = A_{ij} + B_{ij} + \sum_{k=1}^D A_{ik} B_{kj}$$

<!-- given: G_{ij} = \frac{\partial L}{\partial Z_{ij}} -->"""


TWO_SIZES = r"""$$\mu_n = \frac{1}{D} \sum_{d=1}^D x_{nd}, \quad L = \frac{1}{N} \sum_{n=1}^N \mu_n^2$$"""


_LEFT = r"\frac{\partial L}{\partial x_i} = "
_SCALE = r"\frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}"
_MEAN_SCALE = r"\frac{\gamma}{N \sqrt{\sigma^2 + \epsilon}}"
_OWN = r"\frac{\partial L}{\partial y_i}"
_OTHER = r"\frac{\partial L}{\partial y_j}"
_RIGHT = rf"{_LEFT}{_MEAN_SCALE} \left( N {_OWN} - \sum_j {_OTHER} - \hat{{x}}_i \sum_j {_OTHER} \hat{{x}}_j \right)"


@dataclass(frozen=True)
class Kind:
    """A row of the table.

    Attributes:
        message: one line; ``{0}``, ``{1}`` are parts of the formula.
        step: the same for what went wrong between one line and the next; empty where it is not looked for there.
        origin: what it usually comes from.
        shown_by: the transformation that shows it, as what has to hold.
        wrong, right: an example, in LaTeX, about the forward pass ``forward``.
        opposite: the code of the mistake that undoes this one, where it is not this one.
    """

    code: str
    name: str
    message: str
    step: str
    origin: str
    shown_by: str
    wrong: str
    right: str
    forward: str = BATCH_NORM
    opposite: str = ""


@dataclass(frozen=True)
class Mistake:
    """A named mistake that explains an author's line exactly, and where it stands.

    Attributes:
        together: whether it explains the line only along with the one before.
        edit: what undoes it in the source, where one edit does.
    """

    code: str
    message: str
    span: Span
    together: bool = False
    edit: Edit | None = None


DIAGONAL = Kind(
    "DRV201",
    "diagonal of the Jacobian only",
    "this is the diagonal j = i of the Jacobian only: the sum over the outputs is missing",
    "",
    "Every output depends on every input through the shared statistics: the chain rule sums over all outputs j.",
    "the claim is the derived gradient with the output of the same index alone",
    rf"{_LEFT}{_MEAN_SCALE} {_OWN} \left( N - 1 - \hat{{x}}_i^2 \right)",
    _RIGHT,
)
OFF_DIAGONAL = Kind(
    "DRV202",
    "diagonal of the Jacobian missing",
    "the output with the index of the input itself is missing: this sums over j ≠ i only",
    "",
    "The cases j = i and j ≠ i of the Jacobian were treated apart and not put together again.",
    "the claim is the derived gradient without the output of the same index",
    rf"{_LEFT}-{_MEAN_SCALE} \sum_{{j \neq i}} {_OTHER} (1 + \hat{{x}}_i \hat{{x}}_j)",
    rf"{_LEFT}{_SCALE} {_OWN} - {_MEAN_SCALE} \sum_j {_OTHER} (1 + \hat{{x}}_i \hat{{x}}_j)",
)
HELD = Kind(
    "DRV203",
    "a path held constant",
    "the path through {0} is missing, as if that were constant",
    "",
    "The statistics depend on the data too; differentiating them as constants loses their terms.",
    "the claim is the derived gradient with some intermediates held constant",
    rf"{_LEFT}{_SCALE} \left( {_OWN} - \frac{{1}}{{N}} \sum_j {_OTHER} \right)",
    _RIGHT,
)
NAME = Kind(
    "DRV204",
    "one name for another",
    "{0} should be {1}",
    "{0} became {1} in this step",
    "A hat or a bar was lost, or the variable of another stage was copied.",
    "another name of the document in its place",
    r"\frac{\partial L}{\partial \gamma} = \sum_i \frac{\partial L}{\partial y_i} x_i",
    r"\frac{\partial L}{\partial \gamma} = \sum_i \frac{\partial L}{\partial y_i} \hat{x}_i",
)
FACTOR_MISSING = Kind(
    "DRV205",
    "a factor missing",
    "the factor {0} is missing in {1}",
    "the factor {0} came in in this step",
    "Often the upstream gradient, the scale, 1/N or the inner derivative of the chain rule was not copied.",
    "the line with that factor is true",
    r"\frac{\partial \sigma^2}{\partial x_i} = \frac{2}{N}",
    r"\frac{\partial \sigma^2}{\partial x_i} = \frac{2}{N} (x_i - \mu)",
    opposite="DRV206",
)
FACTOR_EXTRA = Kind(
    "DRV206",
    "a factor too many",
    "the factor {0} does not belong here",
    "the factor {0} was lost in this step",
    "A factor was written twice, or kept after it had been absorbed or cancelled.",
    "the line without that factor is true",
    r"\frac{\partial \mu}{\partial x_i} = \frac{2}{N}",
    r"\frac{\partial \mu}{\partial x_i} = \frac{1}{N}",
    opposite="DRV205",
)
SIGN = Kind(
    "DRV207",
    "a sign",
    "the sign of {0} is wrong",
    "the sign of {0} changed in this step",
    "A minus was lost or kept when a difference was differentiated or a bracket was opened.",
    "the line with the other sign is true",
    r"\frac{\partial \hat{x}_i}{\partial \mu} = \frac{1}{\sqrt{\sigma^2 + \epsilon}}",
    r"\frac{\partial \hat{x}_i}{\partial \mu} = -\frac{1}{\sqrt{\sigma^2 + \epsilon}}",
)
EXPONENT = Kind(
    "DRV208",
    "an exponent",
    "the exponent of {0} should be {1}",
    "the exponent of {0} became {1} in this step",
    "The power was not lowered when differentiating, or kept though a root was absorbed, as when x - μ becomes x̂.",
    "the line with another exponent is true",
    r"\frac{\partial \hat{x}_i}{\partial \sigma^2} = -\frac{1}{2} (x_i - \mu) (\sigma^2 + \epsilon)^{-1/2}",
    r"\frac{\partial \hat{x}_i}{\partial \sigma^2} = -\frac{1}{2} (x_i - \mu) (\sigma^2 + \epsilon)^{-3/2}",
)
ROOT_TWICE = Kind(
    "DRV209",
    "a root under a power",
    "{0} takes the root twice: the power already stands for it",
    "the root in {0} was lost in this step",
    "1/√v was written as a power and the root kept: (√v)^(-1/2) is the inverse of a fourth root.",
    "the line without the root under the power is true",
    r"\hat{x}_i = (x_i - \mu) (\sqrt{\sigma^2 + \epsilon})^{-1/2}",
    r"\hat{x}_i = (x_i - \mu) (\sigma^2 + \epsilon)^{-1/2}",
)
INDEX = Kind(
    "DRV210",
    "an index",
    "the index of {0} should be {1}",
    "the index of {0} became {1} in this step",
    "The summed index and the free index were exchanged, or one letter is used for both.",
    "the line with another letter there is true",
    rf"{_LEFT}{_MEAN_SCALE} \left( N {_OWN} - \sum_j {_OTHER} - \hat{{x}}_i \sum_j {_OTHER} \hat{{x}}_i \right)",
    _RIGHT,
)
SUM_EXTRA = Kind(
    "DRV211",
    "a sum too many",
    "there is no sum here: {0}",
    "the sum {0} was lost in this step",
    "A sum of the loss's gradient was written into a local derivative, which has none.",
    "the line without the sum is true",
    r"\frac{\partial \hat{x}_i}{\partial \sigma^2} = -\frac{1}{2} \sum_i (x_i - \mu) (\sigma^2 + \epsilon)^{-3/2}",
    r"\frac{\partial \hat{x}_i}{\partial \sigma^2} = -\frac{1}{2} (x_i - \mu) (\sigma^2 + \epsilon)^{-3/2}",
    opposite="DRV212",
)
SUM_MISSING = Kind(
    "DRV212",
    "a sum missing",
    "the sum over {0} is missing in {1}",
    "a sum over {0} came in in this step",
    "What all samples share collects the gradients of all of them.",
    "the line with a sum over one of its letters is true",
    rf"{_LEFT}{_MEAN_SCALE} \left( N {_OWN} - \sum_j {_OTHER} - \hat{{x}}_i {_OWN} \hat{{x}}_i \right)",
    _RIGHT,
    opposite="DRV211",
)
FIRST_TERM_ONLY = Kind(
    "DRV213",
    "brackets missing",
    "{0} multiplies {1} only; brackets are missing around what it belongs to",
    "brackets came in after {0} in this step",
    "Brackets around the sum that a factor multiplies were not copied, so that it stands before the first term only.",
    "the line with the brackets is true",
    rf"{_LEFT}{_MEAN_SCALE} N {_OWN} - \sum_j {_OTHER} - \hat{{x}}_i \sum_j {_OTHER} \hat{{x}}_j",
    _RIGHT,
    opposite="DRV214",
)
TOO_FAR = Kind(
    "DRV214",
    "brackets too wide",
    "{0} should not multiply {1}: the brackets are too wide",
    "brackets were lost in this step: {0} multiplied {1} too",
    "A common factor was taken out of terms that do not have it.",
    "the line with the factor on the first terms only is true",
    rf"{_LEFT}{_MEAN_SCALE} \left( N {_OWN} - \hat{{x}}_i ( \sum_j {_OTHER} \hat{{x}}_j + \sum_j {_OTHER} ) \right)",
    _RIGHT,
    opposite="DRV213",
)
SIDE_OF_SUM = Kind(
    "DRV215",
    "a factor on the wrong side of a sum",
    "{0} belongs under the sum, with the index {1}",
    "{0} went under the sum in this step",
    "A weight that differs from term to term was pulled out of the sum as if it were a constant.",
    "the line is true with the factor under the sum, its index that of the sum",
    rf"{_LEFT}{_OWN} \frac{{w_i}}{{r}} - \frac{{w_i x_i}}{{N r^3}} \sum_j {_OTHER} x_j",
    rf"{_LEFT}{_OWN} \frac{{w_i}}{{r}} - \frac{{x_i}}{{N r^3}} \sum_j {_OTHER} w_j x_j",
    RMS_NORM,
)
POWER_OF_SUM = Kind(
    "DRV216",
    "a power on the wrong side of a sum",
    "this should be {0}, not {1}",
    "{1} became {0} in this step",
    "The square of a sum and the sum of squares were confused, often when a quotient was differentiated.",
    "the line with the power on the other side of the sum is true",
    r"\frac{\partial}{\partial z_i} \frac{1}{\sum_k e^{z_k}} = -\frac{e^{z_i}}{\sum_k (e^{z_k})^2}",
    r"\frac{\partial}{\partial z_i} \frac{1}{\sum_k e^{z_k}} = -\frac{e^{z_i}}{(\sum_k e^{z_k})^2}",
    SOFTMAX,
)
ADDEND = Kind(
    "DRV217",
    "a term dropped",
    "{0} is missing beside {1}",
    "{0} came in beside {1} in this step",
    "The ε that keeps a root away from zero, or the mean that is subtracted, was forgotten midway.",
    "the line is true with the term beside the name, as the forward pass has it",
    r"\frac{\partial \hat{x}_i}{\partial \mu} = -\frac{1}{\sqrt{\sigma^2}}",
    r"\frac{\partial \hat{x}_i}{\partial \mu} = -\frac{1}{\sqrt{\sigma^2 + \epsilon}}",
)
COUNT = Kind(
    "DRV218",
    "one more or less",
    "{0} should be {1}",
    "{0} became {1} in this step",
    "The unbiased variance divides by N - 1 and the plain one by N; a derivation keeps to that of its forward pass.",
    "the line with N for N - 1 or the other way round is true",
    r"\frac{\partial \sigma^2}{\partial x_i} = \frac{2}{N - 1} (x_i - \mu)",
    r"\frac{\partial \sigma^2}{\partial x_i} = \frac{2}{N} (x_i - \mu)",
)
DELTA = Kind(
    "DRV219",
    "the case of equal indices only",
    "the 1 should be {0}: it is there for equal indices only",
    "",
    "The derivative of an entry by another is 1 only where both are the same entry.",
    "the line with a Kronecker delta for the 1 is true",
    r"\frac{\partial s_i}{\partial z_j} = s_i (1 - s_j)",
    r"\frac{\partial s_i}{\partial z_j} = s_i (\delta_{ij} - s_j)",
    SOFTMAX,
)
TRANSPOSE = Kind(
    "DRV220",
    "a transpose",
    "{0} should be {1}",
    "{0} became {1} in this step",
    "Which factor is transposed follows from the shapes, unless the matrices are square.",
    "the line with or without the transpose is true",
    r"\frac{\partial L}{\partial A} = G + G B",
    r"\frac{\partial L}{\partial A} = G + G B^\top",
    SQUARE_MATRICES,
)
ORDER = Kind(
    "DRV221",
    "the order of a product",
    "the order should be {0}",
    "the order became {0} in this step",
    "Matrices do not commute; the order follows from the chain rule.",
    "the line with two factors exchanged is true",
    r"\frac{\partial L}{\partial A} = G + B^\top G",
    r"\frac{\partial L}{\partial A} = G + G B^\top",
    SQUARE_MATRICES,
)

NUMBER = Kind(
    "DRV222",
    "a number",
    "{0} should be {1}",
    "{0} became {1} in this step",
    "A power was brought down wrongly, or terms were counted wrongly.",
    "the line with another small number is true",
    r"\frac{\partial \sigma^2}{\partial x_i} = \frac{3}{N} (x_i - \mu)",
    r"\frac{\partial \sigma^2}{\partial x_i} = \frac{2}{N} (x_i - \mu)",
)
UPSIDE_DOWN = Kind(
    "DRV223",
    "a fraction upside down",
    "{0} should be {1}",
    "{0} became {1} in this step",
    "Dividing and multiplying by a scale were confused.",
    "the line with the fraction the other way up is true",
    r"\frac{\partial y_i}{\partial x_i} = \frac{r}{w_i} - \frac{w_i x_i^2}{N r^3}",
    r"\frac{\partial y_i}{\partial x_i} = \frac{w_i}{r} - \frac{w_i x_i^2}{N r^3}",
    RMS_NORM,
)
SIZE = Kind(
    "DRV224",
    "one size for another",
    "{0} should be {1}: something else is counted",
    "{0} became {1} in this step",
    "A mean over the features was divided by the size of the batch, or one over several axes by the size of one.",
    "the line with another number of entries of the document in its place is true",
    r"\frac{\partial \mu_n}{\partial x_{nd}} = \frac{1}{N}",
    r"\frac{\partial \mu_n}{\partial x_{nd}} = \frac{1}{D}",
    TWO_SIZES,
)

KINDS: tuple[Kind, ...] = (
    DIAGONAL, OFF_DIAGONAL, HELD, NAME, FACTOR_MISSING, FACTOR_EXTRA, SIGN, EXPONENT, ROOT_TWICE, INDEX, SUM_EXTRA,
    SUM_MISSING, FIRST_TERM_ONLY, TOO_FAR, SIDE_OF_SUM, POWER_OF_SUM, ADDEND, COUNT, DELTA, TRANSPOSE, ORDER, NUMBER,
    UPSIDE_DOWN, SIZE,
)  # fmt: skip
BY_CODE = {kind.code: kind for kind in KINDS}
