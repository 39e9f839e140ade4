"""Roles that a document leaves unsaid: which symbol is the loss, which the upstream gradient, which the scale.

Names have no built-in meaning. These rules speak only where a name would otherwise be unknown, go by how it is used and
by the field's customary letters, and everything that they take for granted is printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from derive.language import key_of
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.names import PARTIALS, Letters, spell

UPSTREAM = ("\\delta", "g", "G", "\\Delta", "u", "dout", "\\text{dout}", "\\text{grad}", "e", "r")
SCALE = ("\\gamma", "w", "a", "\\alpha", "g", "s", "\\lambda", "k", "c")
SHIFT = ("\\beta", "b", "\\theta")
OUTPUT = ("y", "z", "o", "h", "out")


LOSSES = (
    "L",
    "J",
    "E",
    "C",
    "l",
    "f",
    "F",
    "loss",
    "cost",
    "\\ell",
    "\\xi",
    "\\mathcal{L}",
    "\\mathcal{J}",
    "\\mathcal{E}",
)
LABELLED = frozenset(LOSSES) - {"f", "F"}
"""Those that are a loss with a label too, as ``L_t`` is; ``f_t`` is a forget gate."""


SHARES = frozenset({"y", "t", "p", "q", "Y", "T", "P", "Q", "\\pi", "\\tau"})
"""What labels and probabilities are customarily called, which add up to 1."""


def is_share(name: str) -> bool:
    """Whether a name is customary for labels or probabilities, whatever its font and its labels."""
    return _letter(name) in SHARES


WEIGHTS = frozenset({"w", "W", "b", "\\gamma", "\\beta", "\\theta", "\\alpha", "\\lambda"})
"""What is customarily trained or set, and what no stage before the one that it stands in depends on."""


def is_weight(name: str) -> bool:
    """Whether a name is customary for a weight, whatever its font and its labels."""
    return _letter(key_of(name)) in WEIGHTS


def _letter(name: str) -> str:
    """The letter that a name begins with, in whatever font."""
    return name.removeprefix("\\mathbf{").removeprefix("\\boldsymbol{").partition("_")[0].rstrip("}")


def find_loss(nodes: Iterable[Node], letters: Letters, defined: set[str], used: set[str]) -> str | None:
    """The bare name that is differentiated most often and never defined; else one with a customary letter. What other
    names are made from is data, as the x of ``y = e^x`` is where somebody asks for dx/dy."""
    tops: Counter[str] = Counter()
    for node in nodes:
        for inner in node.walk():
            name = _numerator(inner, letters)
            if name is not None:
                tops[name] += 1
            tops.update(key for key in _applied_to(inner, letters) if key not in defined)
    ordered = [name for name, _ in tops.most_common() if f"{name}^2" not in defined]  # the root of a variance
    undefined = [name for name in ordered if name not in defined | used]
    customary = [name for name in ordered if name in LOSSES or name.split("_")[0] in LABELLED]
    return next(iter(customary or undefined), None)


def _applied_to(node: Node, letters: Letters) -> Iterator[str]:
    """The bare names behind the operators ``\\frac{\\partial}{\\partial x}`` of a product, but for functions."""
    factors = node.factors if isinstance(node, S.Product) else ()
    for k, operator in enumerate(factors[:-1]):
        head = spell(operator.numerator, letters) if isinstance(operator, S.Fraction) else None
        called = isinstance(factors[k + 2], S.Group) if k + 2 < len(factors) else False
        if head is not None and head.key in PARTIALS and not called:
            name = _bare(factors[k + 1], letters)
            yield from (name,) if name is not None else ()


def _numerator(node: Node, letters: Letters) -> str | None:
    """The bare name in ``\\frac{\\partial name}{...}``, ``\\partial name / ...`` or ``\\nabla_x name``."""
    product: Node | None = None
    if isinstance(node, S.Fraction):
        product = node.numerator
    elif isinstance(node, S.Product) and "/" in node.operators:
        product = node
    elif isinstance(node, S.Product) and isinstance(node.factors[0], S.Script):
        base = node.factors[0].base
        if isinstance(base, S.Symbol) and base.name == "\\nabla" and node.operators[0] == "":
            return _bare(node.factors[1], letters)
    if not isinstance(product, S.Product) or len(product.factors) < 2 or product.operators[0] != "":
        return None
    head = spell(product.factors[0], letters)
    if head is None or head.key not in PARTIALS:
        return None
    return _bare(product.factors[1], letters)


def _bare(node: Node, letters: Letters) -> str | None:
    spelled = spell(node, letters)
    return spelled.key if spelled is not None and not spelled.indices and spelled.power is None else None


def upstream_and_scale(unknown: set[str]) -> tuple[str | None, str | None]:
    """Which of the unknown names is the upstream gradient and which the scale, by custom and by elimination."""
    upstream = next((name for name in UPSTREAM if name in unknown), None)
    scale = next((name for name in SCALE if name in unknown and name != upstream), None)
    return upstream, scale


def free_name(candidates: Iterable[str], taken: set[str]) -> str:
    """The first customary name that the document does not use."""
    return next((name for name in candidates if name not in taken), "\\tilde{y}")
