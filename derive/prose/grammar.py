"""The forms of a sentence that say what a name is: *NAME and NAME are the mean and the variance of NAME*.

Each word of a sentence is a letter by its kind (`derive.prose.vocabulary`); a name in it is an ``N``, a space such as
``\\mathbb{R}^n`` an ``S``. A form is a regular expression over these letters. It says no more than the words do: what
they leave open stays open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import pairwise

from derive.document import Block, Document
from derive.latex.parser import parse_display
from derive.latex.syntax import Chain, Node, Script, Statement, is_reals
from derive.latex.tokens import Macro
from derive.latex.writer import latex
from derive.prose.cues import announces
from derive.prose.names import is_gradient, name_in, names_in
from derive.prose.sentences import CLOSE, OPEN, Sentence, sentences
from derive.prose.vocabulary import EACH, VECTORS, gives_name, is_same, words_in
from derive.source import Source, Span

_SIGN = re.compile(rf"{OPEN}(\d+){CLOSE}")
_SQUARED = re.compile(r"\s*(?:squared|²|\^2)")
_BARE = re.compile(r"(?<![\w\\])(?:([A-Za-zα-ωΑ-Ω])(?:_([A-Za-z0-9]))?|([A-Za-z]{2,8}))(?!\w)")
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψω",
        [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "pi",
            "rho",
            "sigma",
            "tau",
            "upsilon",
            "phi",
            "chi",
            "psi",
            "omega",
        ],
        strict=True,
    )
)
_ARTICLES = frozenset("aeioyAIEOY")
"""Letters that are words of their own in some language."""


@dataclass(frozen=True)
class Saying:
    """What a sentence says of a name.

    Attributes:
        name: the name as LaTeX.
        meaning: a key of `derive.prose.vocabulary.MEANINGS`.
        of: the names that it is said of: those whose mean it is, or those that a gradient is by.
        top: for a gradient, what it is the gradient of; None where the words say no more than *the loss*.
        marks: the kinds of the other words: ``B`` where the batch is named, ``D`` the features, ``U`` *unbiased*, ``X``
            and ``?`` where words stand there that may make another thing of it.
        source, span: where the name stands.
    """

    name: str
    meaning: str
    of: tuple[str, ...]
    source: Source
    span: Span
    top: str | None = None
    marks: frozenset[str] = frozenset()

    @property
    def line(self) -> int:
        """The line of the name."""
        return self.source.place(self.span.start).line


@dataclass(frozen=True)
class _Token:
    """A name or a word of a sentence; ``stated`` is a name of which its formula says what it is."""

    kind: str
    text: str = ""
    span: Span = field(default=Span(0, 0))
    stated: bool = False


def sayings(document: Document, known: Set[str]) -> list[Saying]:
    """All that the sentences of a document say of names; those whose formulas are ignored speak where no other does.

    Args:
        known: the symbols that the document's formulas use, as LaTeX: a bare word such as ``mu`` is a name only then.
    """
    own: list[Saying] = []
    lent: list[Saying] = []
    for sentence in sentences(document):
        found = lent if sentence.formulas and all(block.ignored for block in sentence.formulas) else own
        found += _sayings(sentence, known, document.macros)
        found += _abbreviations(sentence, document.macros)
    said = {saying.name for saying in own}
    return [*own, *(saying for saying in lent if saying.name not in said)]


def _sayings(sentence: Sentence, known: Set[str], macros: Mapping[str, Macro]) -> Iterator[Saying]:
    tokens = _tokens(sentence, known, macros)
    kinds = "".join(token.kind for token in tokens)
    if "N" not in kinds or not {"M", "S", "V"} & {*kinds}:
        return
    taken = [False] * len(kinds)
    for form, read in _FORMS:
        for found in form.finditer(kinds):
            own = [*range(*found.span("names")), *_list_of(found)]
            if not any(taken[k] for k in own):
                said = list(read(found, tokens, sentence))
                for k in own if said else ():
                    taken[k] = True
                yield from said


def _list_of(found: re.Match[str]) -> range:
    """The places of the meanings that a form lists."""
    return range(*found.span("list")) if found.groupdict().get("list") else range(0)


# -- names for gradients -----------------------------------------------------------------------------------------------

_NEAR = 2
"""So many words may stand between a name, the word that gives it, and what it is a name for."""


def _abbreviations(sentence: Sentence, macros: Mapping[str, Macro]) -> Iterator[Saying]:
    r"""*We write $g_i$ for $\partial L/\partial y_i$*, *where $\delta$ is* the like: a name beside a gradient."""
    signs = list(_SIGN.finditer(sentence.text))
    for one, other in pairwise(signs):
        before, between, behind = (
            sentence.text[a:b] for a, b in ((0, one.start()), (one.end(), other.start()), (other.end(), None))
        )
        before = _SIGN.split(before)[-1]
        if not _gives_name(before, between, _SIGN.split(behind)[0]):
            continue
        blocks = [sentence.formulas[int(sign[1])] for sign in (one, other)]
        nodes = [_whole(block, macros) for block in blocks]
        for k in (0, 1):
            name, value = nodes[k], nodes[1 - k]
            written = name_in(name) if name is not None and not isinstance(name, Chain) else None
            if written is not None and value is not None and is_gradient(value):
                yield Saying(written, "abbreviation", (latex(value),), sentence.source, blocks[k].span)


def _gives_name(before: str, between: str, behind: str) -> bool:
    if len(list(words_in(between))) > _NEAR:
        return False
    if is_same().fullmatch(between.strip()) or gives_name().search(between):
        return True
    found = [*gives_name().finditer(before)][-1:]
    return any(len(before[f.end() :].split()) <= _NEAR for f in found) or gives_name().match(behind.strip()) is not None


def _whole(block: Block, macros: Mapping[str, Macro]) -> Node | None:
    read = parse_display(block.text, macros)
    return read[0].node if len(read) == 1 and isinstance(read[0], Statement) and not read[0].asides else None


# -- tokens ----------------------------------------------------------------------------------------------------------


def _tokens(sentence: Sentence, known: Set[str], macros: Mapping[str, Macro]) -> list[_Token]:
    text = _with_bare_names(sentence.text, known)
    found: list[_Token] = []
    at = 0
    for sign in re.finditer(rf"{OPEN}([^{CLOSE}]*){CLOSE}", text):
        found += _worded(text[at : sign.start()])
        found += _formula(sign.group(1), sentence, macros)
        at = sign.end()
    return found + list(_worded(text[at:]))


def _with_bare_names(text: str, known: Set[str]) -> str:
    """The text with each name that stands in it without dollars as a sign that holds its LaTeX."""
    parts = _SIGN.split(text)

    def sign(match: re.Match[str]) -> str:
        letter, label, word = match.groups()
        name = f"\\{word.lower()}" if word else f"\\{_GREEK[letter]}" if letter in _GREEK else letter
        if name not in known or (letter in _ARTICLES and not label):
            return match.group()
        return f"{OPEN}{name}{'_' + label if label else ''}{CLOSE}"

    for k in range(0, len(parts), 2):
        parts[k] = re.sub(rf"{CLOSE}{_SQUARED.pattern}", f"^2{CLOSE}", _BARE.sub(sign, parts[k]))
    return "".join(part if k % 2 == 0 else f"{OPEN}{part}{CLOSE}" for k, part in enumerate(parts))


def _worded(text: str) -> Iterator[_Token]:
    for word in words_in(text):
        yield _Token(word.kind, word.meaning or text[word.start : word.end].lower())


def _formula(sign: str, sentence: Sentence, macros: Mapping[str, Macro]) -> list[_Token]:
    """A formula in a sentence: a name, or a relation that begins with one, is an ``N``; a list of names is several."""
    if not sign.isdigit():
        return [_Token("N", sign, sentence.span)]
    block = sentence.formulas[int(sign)]
    read = parse_display(block.text, macros)
    parts = [part for one in read if isinstance(one, Statement) for part in (one.node, *one.asides)]
    names = names_in(tuple(parts)) if parts and all(isinstance(one, Statement) for one in read) else []
    if len(parts) == 1 and _is_space(parts[0]):
        return [_Token("S", block.text.value, block.span)]
    if not names:
        return [_Token("?", block.text.value, block.span)]
    stated = isinstance(parts[0], Chain) and "=" in parts[0].relations
    first, *others = (_Token("N", name, block.span, stated) for name in names)
    return [first, *(token for other in others for token in (_Token("A", ","), other))]


def _is_space(node: Node) -> bool:
    """``\\mathbb{R}^{n \\times m}``."""
    return isinstance(node, Script) and node.sup is not None and is_reals(node.base)


# -- forms -----------------------------------------------------------------------------------------------------------

_GAP = r"[FBDVUXOA?]{0,7}?"
_NAMES = r"N(?:A+F*N)*(?!A*F*C.|[FO]+M)"
_LIST = rf"{_GAP}M(?:A+{_GAP}M)*"
_TAIL = rf"(?:[OFV]*(?P<batch>[BDFV]*)(?:[OFV]*(?:N[BDFV]+)?(?P<of>{_NAMES}))?)?"


def _forms() -> Iterator[tuple[str, str]]:
    """The forms in the order in which they are tried, with the name of what reads them."""
    names, many = r"(?P<names>N(?:A+F*N)*)", rf"(?P<of>{_NAMES})"
    last = r"(?:[OFV]*(?P<batch>[BDFV]*)(?:[OFV]*(?P<of>N))?)?"  # in front of a verb that ends the clause
    yield "gradient", rf"{names}A?F*[CO]+{_GAP}M[OF]*(?P<top>[NM]?N?){_GAP}[WO]F*{many}"
    yield "gradient", rf"{names}A?F*[C]+{_GAP}(?P<top>M?N?)W[OF]*{many}P?F*M"
    yield "gradient", rf"{names}A?F*[C]+{_GAP}(?P<top>M?N?)P{many}[WP]+F*M"
    yield "shares", rf"(?P<as>M?)F*{names}[CFAV?]{{0,4}}(?P<list>M)"
    yield "listed", rf"{names}A?F*C(?P<kind>[FO?]{{1,5}})(?P<of>N)V"
    yield "listed", rf"CF*{names}(?P<kind>[FO?]{{1,5}})(?P<of>N)V"
    yield "space", rf"{names}A?F*C+[FVBD?]*O[FO]*(?P<of>S)"
    yield "space", r"(?P<names>N[^SC]*N)[^SNC]*(?P<each>[F?])O[FO]*(?P<of>S)"
    yield "between", rf"{names}A?F*C+{_GAP}(?P<list>M)O[OF]*M?(?P<of>NA+F*M?F*N)"
    yield "dimensional", rf"{names}A?F*C+[FO]*(?P<of>N)\??M"
    yield "sized", rf"{names}A?F*C+[FO]*O{_GAP}(?P<size>M)F*(?P<of>N)"
    yield "meaning", rf"{names}A?F*C+F*(?:{many}|(?P<batch>[BDF]+))P(?P<list>{_LIST})"
    yield "meaning", rf"{names}A?F*C+(?P<list>{_LIST}){_TAIL}"
    yield "meaning", rf"[CW]F*{names}(?P<list>[FO]{_GAP}M(?:A+{_GAP}M)*){_TAIL}"
    yield "meaning", rf"(?<=F){names}(?P<list>[FOBDUX]{{1,5}}?M)(?:A+F*N[FOBDUX]{{1,5}}?M)*{last}(?=C)"  # German
    yield "meaning", rf"(?<=A)F*{names}(?P<list>[FOBDUX]{{1,5}}?M){_TAIL}"
    yield "meaning", rf"(?P<of>{_NAMES})P(?P<list>[FBDUX]{{0,3}}?M)C(?P<names>N)"
    yield "meaning", rf"(?P<list>M)[OF]*(?P<batch>[BDF]*)(?P<of>{_NAMES})?C+F*(?P<names>N)(?!A*F*C)"
    yield "counted", r"(?P<list>M)F*(?P<names>N(?:A+F*N)*)"
    yield "counted", r"(?P<names>N)(?P<batch>[VBD]+)(?P<of>N)?"


def _read_meaning(found: re.Match[str], tokens: list[_Token], sentence: Sentence) -> Iterator[Saying]:
    """*NAMES are the MEANINGS of NAMES*: one meaning for all, or as many as there are names."""
    groups = found.groupdict()
    names = _named(found, "names", tokens)
    names = [name for name in names if not name.stated] or names  # *E = (t - y)^2, where t is the label*
    listed = _meanings(found, tokens)
    of = _named(found, "of", tokens) if groups.get("of") else []
    marks = frozenset(groups.get("batch") or "") & {"B", "D"}
    if len(listed) not in (1, len(names)):
        return
    if (
        found.start()
        and tokens[found.start() - 1].text in _APPOSED
        and found["list"]
        and not found["list"].startswith("M")
    ):
        return  # *the mean μ is the ...* is another sentence
    for k, name in enumerate(names):
        meaning, own = listed[min(k, len(listed) - 1)]
        args = tuple(t.text for t in of)
        yield Saying(name.text, meaning, args, sentence.source, name.span, marks=own | marks)


def _meanings(found: re.Match[str], tokens: list[_Token]) -> list[tuple[str, frozenset[str]]]:
    """The meanings of a list with the kinds of the words in front of each."""
    listed: list[tuple[str, frozenset[str]]] = []
    marks: set[str] = set()
    for token in tokens[slice(*found.span("list"))]:
        if token.kind == "M":
            listed.append((token.text, frozenset(marks)))
            marks = set()
        elif token.kind in "BDUX?":
            marks.add(token.kind)
    return listed


def _read_gradient(found: re.Match[str], tokens: list[_Token], sentence: Sentence) -> Iterator[Saying]:
    """*NAMES are the gradients of L with respect to NAMES*, one for one."""
    if not any(t.kind == "M" and t.text == "gradient" for t in tokens[slice(*found.span())]):
        return
    names, by = _named(found, "names", tokens), _named(found, "of", tokens)
    top = next((t.text for t in tokens[slice(*found.span("top"))] if t.kind == "N"), None)
    if len(names) == len(by):
        for name, one in zip(names, by, strict=True):
            yield Saying(name.text, "gradient", (one.text,), sentence.source, name.span, top)


def _read_between(found: re.Match[str], tokens: list[_Token], sentence: Sentence) -> Iterator[Saying]:
    """*L is the cross-entropy of the prediction p and the label y*."""
    if tokens[found.start("list")].text == "cross entropy":
        names, (one, other) = _named(found, "names", tokens), _named(found, "of", tokens)
        marks = frozenset(t.kind for t in tokens[found.end("names") : found.start("list")]) & {"X", "?"}
        for name in names[:1]:
            of = one.text, other.text
            yield Saying(name.text, "cross entropy", of, sentence.source, name.span, marks=marks)


def _read_sized(found: re.Match[str], tokens: list[_Token], sentence: Sentence) -> Iterator[Saying]:
    """*y is a vector of size n*."""
    if tokens[found.start("size")].text == "size":
        yield from _shaped(found, tokens, sentence)


def _read_dimensional(found: re.Match[str], tokens: list[_Token], sentence: Sentence) -> Iterator[Saying]:
    """*y is an n-dimensional vector*."""
    if tokens[found.end() - 1].text == "dimensional":
        yield from _shaped(found, tokens, sentence)


def _shaped(found: re.Match[str], tokens: list[_Token], sentence: Sentence) -> Iterator[Saying]:
    (length,) = _named(found, "of", tokens)
    for name in _named(found, "names", tokens):
        yield Saying(name.text, "vector", (length.text,), sentence.source, name.span)


def _read_listed(found: re.Match[str], tokens: list[_Token], sentence: Sentence) -> Iterator[Saying]:
    """*y is a vector of n entries*."""
    if any(t.text in VECTORS for t in tokens[slice(*found.span("kind"))]):
        yield from _shaped(found, tokens, sentence)


def _read_shares(found: re.Match[str], tokens: list[_Token], sentence: Sentence) -> Iterator[Saying]:
    """*The targets t are probabilities that sum to one*; not where that is a condition."""
    if tokens[found.start("list")].text != "shares" or announces(sentence.text, "if"):
        return
    before = [t.text for t in tokens[slice(*found.span("as"))]]
    for name in _named(found, "names", tokens):
        for meaning in ("shares", *before):
            yield Saying(name.text, meaning, (), sentence.source, name.span)


def _read_space(found: re.Match[str], tokens: list[_Token], sentence: Sentence) -> Iterator[Saying]:
    """*A is a symmetric matrix in* ``\\mathbb{R}^{n \\times n}``; *w and x, all in* ``\\mathbb{R}^d``."""
    if found.groupdict().get("each") and tokens[found.start("each")].text not in EACH:
        return
    of = (tokens[found.start("of")].text,)
    for name in _named(found, "names", tokens):
        yield Saying(name.text, "space", of, sentence.source, name.span)


def _read_counted(found: re.Match[str], tokens: list[_Token], sentence: Sentence) -> Iterator[Saying]:
    """*the batch size N*, *the N examples x_i*, *with mean \\mu*; of other meanings these forms are too loose."""
    groups = found.groupdict()
    names = _named(found, "names", tokens)
    word = tokens[found.start("list")].text if groups.get("list") else "size"
    if word != "size" and (word not in _APPOSED or any(t.kind == "X" for t in tokens)):
        return
    of = tuple(t.text for t in _named(found, "of", tokens)) if groups.get("of") else ()
    marks = frozenset(groups.get("batch") or "") & {"B", "D"}
    for name in names if word in _PLURAL else names[:1]:
        yield Saying(name.text, word, of, sentence.source, name.span, marks=marks)


def _named(found: re.Match[str], group: str, tokens: list[_Token]) -> list[_Token]:
    return [t for t in tokens[slice(*found.span(group))] if t.kind == "N"]


_READERS: dict[str, Callable[[re.Match[str], list[_Token], Sentence], Iterator[Saying]]] = {
    "between": _read_between,
    "gradient": _read_gradient, "dimensional": _read_dimensional, "sized": _read_sized, "meaning": _read_meaning,
    "counted": _read_counted, "space": _read_space, "listed": _read_listed, "shares": _read_shares,
}  # fmt: skip
_APPOSED = frozenset({"mean", "variance", "deviation", "one hot", "label", "parameter"})
_PLURAL = frozenset({"label", "parameter"})
"""Those of them that one word says of several names: *the parameters γ and β*."""
_FORMS = [(re.compile(form), _READERS[reader]) for reader, form in _forms()]
