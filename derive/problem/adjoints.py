"""Names for adjoints: ``dx``, ``\\text{dvar}``, ``\\bar{v}``, ``\\nabla_x`` or ``G_x`` for ∂L/∂x.

Where a document says so of one name, or uses such names as gradients are used (from later names to earlier ones, or
from a derivative that is written out), it is taken to mean all names that are made in the same way, and told. What it
then says of such a name is a claim, and no definition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from derive.forward import closure
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.notation.equations import Equation
from derive.notation.names import indexed_node, quotient
from derive.notation.roles import LOSSES
from derive.notation.survey import PREFIXES
from derive.problem.draft import Draft

SPOKEN: Mapping[str, tuple[str, ...]] = {
    "\\sigma^2": ("var", "variance", "sigma2", "sigmasq"),
    "\\mu": ("mean",),
    "\\text{var}": ("variance",),
}
"""What names are called in words, besides their own letters."""

Bases = Mapping[str, str]
"""Names for adjoints, with what they are adjoints of."""


def adopt_adjoints(draft: Draft) -> None:
    """Add an equation ``dx = ∂L/∂x`` for each name of an adjoint that has none."""
    known, gradients = _names(draft) - {draft.table.loss or ""}, _upstreams(draft, {})
    for ways in WAYS:
        made = {key: named for key in sorted(known) if (named := _adjoint_of(key, ways, draft))}
        bases = {key: base for key, named in made.items() if (base := _called(named, known - set(made) - gradients))}
        apart = {key for key, base in bases.items() if any(_is_apart(draft, e, key, base) for e in draft.equations)}
        draft.table.carried |= {bases[key] for key in apart}
        bases = {key: base for key, base in bases.items() if key not in apart}
        said = {key for e in draft.equations for key in _said(draft, e, bases)}
        if bases and not _is_used_forward(draft, made) and (said or _goes_backwards(draft, bases)):
            for key, base in bases.items():
                if key not in said:
                    _say(draft, key, base, bases)


# -- ways of making such names -----------------------------------------------------------------------------------------


def _adjoint_of(key: str, ways: Ways, draft: Draft) -> str:
    """What a name is an adjoint of, by the name itself, if it is made in one of several ways."""
    return next((named for way in ways if (named := way(key, draft))), "")


def _prefixed(key: str, draft: Draft) -> str:
    r"""``d\hat{x}``, where the document writes it as one name."""
    prefix = next((p for p in PREFIXES if key.startswith(p)), "")
    return key.removeprefix(prefix) if prefix and key in draft.table.letters.compounds else ""


def _word(key: str, draft: Draft) -> str:
    r"""``\text{dxhat}``, ``\text{grad_x}``."""
    found = re.fullmatch(r"\\(?:text|mathrm|mathsf|mathit)\{(?:d|grad_?|g_)(\w+)\}", key)
    return found[1] if found else ""


def _barred(key: str, draft: Draft) -> str:
    r"""``\bar{v}``."""
    found = re.fullmatch(r"\\(?:bar|overline)\{(.+)\}", key)
    return found[1] if found else ""


def _nabla(key: str, draft: Draft) -> str:
    r"""``\nabla_x`` that stands alone, and not before what it differentiates."""
    found = re.fullmatch(r"\\nabla_(?:(\w)|\{(.+)\})", key)
    return (found[1] or found[2]) if found and not _is_applied(key, draft) else ""


def _is_applied(key: str, draft: Draft) -> bool:
    """Whether a name stands before what it is applied to anywhere, as ∇ does in ``\\nabla_x r``."""
    for product in (n for e in draft.equations for m in e.members for n in m.walk() if isinstance(n, S.Product)):
        for head, operator in zip(product.factors, product.operators, strict=False):
            spelled = draft.table.spell(head) if not operator else None
            if spelled is not None and spelled.key == key:
                return True
    return False


def _labelled(key: str, draft: Draft) -> str:
    """``G_x``: a gradient with the name that it is taken by for a label."""
    found = re.fullmatch(r"(?:G|g|\\text\{grad\})_(?:(\w)|\{(.+)\})", key)
    return (found[1] or found[2]) if found and not draft.table.ranks.counts.get(key) else ""


def _carried(key: str, draft: Draft) -> str:
    r"""``\delta_{x,i}``, as ``\delta_{x_i}`` is read (`derive.notation.rewriting.carried`)."""
    found = re.fullmatch(r"(?:G|g|D|\\delta|\\Delta)_(?:\{(.+)\}|(\\.+))", key)
    label = (found[1] or found[2]) if found else ""
    word = re.fullmatch(r"\\text\{(\w)\}", label)
    return word[1] if word else label


Ways = tuple[Callable[[str, Draft], str], ...]

WAYS: tuple[Ways, ...] = ((_prefixed, _word), (_barred,), (_nabla,), (_carried, _labelled))
"""The ways of making names for adjoints; those that go together on a page side by side."""


def _called(word: str, known: set[str]) -> str:
    """The name of the forward pass that is meant by a name or a word."""
    if word in known:
        return word
    found = {spoken: key for key in sorted(known) for spoken in _spoken(key)}
    return found.get(word.lower(), "")


def _spoken(key: str) -> Iterator[str]:
    """How a name is called in a word: ``xhat`` for ``\\hat{x}``, ``var`` for ``\\sigma^2``."""
    base, _, label = key.partition("_") if not key.startswith("\\text{") else (key, "", "")
    yield from SPOKEN.get(base, ())
    plain = re.sub(r"\\(?:hat|tilde|bar)\{(.+)\}", lambda m: m[1] + m[0][1:].partition("{")[0], base)
    plain = re.sub(r"\\(?:text|mathrm|mathbf|mathsf|boldsymbol)\{(\w+)\}", r"\1", plain)
    plain = re.sub(r"[\\{}^]", "", plain).lower()
    yield plain + re.sub(r"[\\{}]", "", label).lower()
    yield plain


# -- evidence ----------------------------------------------------------------------------------------------------------


def _names(draft: Draft) -> set[str]:
    return {s.key for e in draft.equations for m in e.members for s in draft.classifier.spellings(m)}


def _left(draft: Draft, equation: Equation) -> str | None:
    spelled = draft.table.spell(draft.classifier.left(equation)) if len(equation.members) > 1 else None
    return spelled.key if spelled is not None and spelled.power is None else None


def _said(draft: Draft, equation: Equation, bases: Bases) -> Iterator[str]:
    """The name of an adjoint that an equation says to be one: it has the derivative by the same name as a side."""
    key = _left(draft, equation)
    if key is not None and key in bases and equation.relations[:1] == ("=",):
        by = (_taken_by(draft, member) for member in equation.members[1:])
        yield from (key for name in by if name == bases[key])


def _is_apart(draft: Draft, equation: Equation, key: str, base: str) -> bool:
    """Whether an equation makes ∂L/∂x of more than the name that would be its adjoint: that is only a part of it, what
    comes from elsewhere."""
    if len(equation.members) < 2 or _taken_by(draft, equation.members[0]) != base:
        return False
    names = [{s.key for s in draft.classifier.spellings(member)} for member in equation.members[1:]]
    return any(key in used and len(used) > 1 for used in names)


def _taken_by(draft: Draft, node: Node) -> str | None:
    """x of ``∂L/∂x``, with a bar, with a slash or as an operator, and of ``\\nabla_x L``."""
    if isinstance(node, S.Product) and isinstance(node.factors[0], S.Script) and len(node.factors) == 2:
        head = node.factors[0]
        spelled = draft.table.spell(head.sub) if head.base == S.Symbol("\\nabla") and head.sub is not None else None
        return spelled.key if spelled is not None else None
    above, below = _quotient(node)
    if not isinstance(above, S.Product) or not isinstance(below, S.Product):
        return None
    if above.factors[0] not in (S.Symbol("\\partial"), S.Symbol("d")) or above.factors[0] != below.factors[0]:
        return None
    spelled = draft.table.spell(below.factors[-1])
    return spelled.key if spelled is not None else None


def _quotient(node: Node) -> tuple[Node | None, Node | None]:
    """What stands above and below, of a fraction, of two products with a slash between them, or of an operator with
    what it is applied to."""
    if isinstance(node, S.Fraction):
        return node.numerator, node.denominator
    if isinstance(node, S.Product) and node.operators == ("", "/", ""):
        return S.Product(node.factors[:2], ("",)), S.Product(node.factors[2:], ("",))
    operator = node.factors[0] if isinstance(node, S.Product) and node.operators == ("",) else None
    if isinstance(node, S.Product) and isinstance(operator, S.Fraction):
        operand = node.factors[1]
        return S.Product((operator.numerator, operand), ("",)), operator.denominator
    return None, None


def _is_used_forward(draft: Draft, made: Bases) -> bool:
    """Whether a definition of the forward pass uses one of the names: then they are something else."""
    for equation in draft.equations:
        key = _left(draft, equation)
        if key is None or key in made or equation.relations[:1] != ("=",) or draft.classifier.has_derivative(equation):
            continue
        used = draft.classifier.names_used(equation)
        if used & set(made) and key not in used:
            return True
    return False


def _goes_backwards(draft: Draft, bases: Bases) -> bool:
    """Whether names are given by those of names that are defined by way of them, or by derivatives that are written
    out, and none the other way."""
    uses: dict[str, set[str]] = {}
    gradients: list[tuple[str, set[str]]] = []
    alone: set[str] = set()
    votes = set()
    upstream = _upstreams(draft, bases)
    for equation in draft.equations:
        key = _left(draft, equation)
        used = draft.classifier.names_used(equation)
        if key is not None and key in bases:
            others = used & set(bases) - {key}
            gradients.append((key, others))
            if used & upstream or any(_taken_by(draft, n) for m in equation.members[1:] for n in m.walk()):
                votes.add("backward")
            elif not others:
                alone.add(key)
        elif used & set(bases) and draft.classifier.has_derivative(equation):
            votes.add("backward")
        elif key is not None:
            uses.setdefault(key, set()).update(used)
    loss = closure(uses.get(draft.table.loss or "L", ()), lambda name: uses.get(name, ()))
    if any(bases[key] not in loss for key in alone):
        votes.add("something else")  # a loss that is written out has gradients that are made of no others
    for key, others in gradients:
        for other in others:
            if bases[key] in closure(uses.get(bases[other], ()), lambda name: uses.get(name, ())):
                votes.add("backward")
            if bases[other] in closure(uses.get(bases[key], ()), lambda name: uses.get(name, ())):
                votes.add("forward")
    return votes == {"backward"}


def _upstreams(draft: Draft, bases: Bases) -> set[str]:
    """Names that equations say to be a derivative: ``g = ∂L/∂y``."""
    found = set()
    for equation in draft.equations:
        key = _left(draft, equation)
        if key is not None and key not in bases and any(_taken_by(draft, m) for m in equation.members[1:]):
            found.add(key)
    return found


def _loss(draft: Draft, known: set[str]) -> str:
    """The loss by custom, where no line is about one: what some line differentiates, and has no adjoint itself."""
    return next((name for name in LOSSES if name in _tops(draft) - known), "L")


def _tops(draft: Draft) -> set[str]:
    """The names that some line differentiates."""
    quotients = (_quotient(n)[0] for e in draft.equations for m in e.members for n in m.walk())
    tops = (draft.table.spell(above.factors[-1]) for above in quotients if isinstance(above, S.Product))
    return {spelled.key for spelled in tops if spelled is not None}


def _say(draft: Draft, key: str, base: str, others: Bases) -> None:
    loss = draft.table.loss = draft.table.loss or _loss(draft, set(others.values()))
    count = min(draft.table.ranks.counts.get(base, {0}))
    items = tuple(S.Symbol(letter) for letter in sorted(draft.table.letters.indices)[:count])
    gradient = quotient(S.Symbol(loss), indexed_node(S.Symbol(base), items))
    first = draft.equations[0]
    said = Equation(first.source, first.span, (indexed_node(S.Symbol(key), items), gradient), ("=",), given=True)
    draft.equations.insert(0, said)
    draft.classifier.count_indices((said,))
    draft.assume(f"{key} is ∂{loss}/∂{base}")
