"""What the words of a page say of its names, as equations of the forward pass.

A saying such as *\\mu is the mean of x* becomes a given, the one that its author could have written, where the page's
formulas show which array is meant and over which of its axes; what is displayed counts before what is said. Where words
say only that a name is made from data, it is kept as some function of what the page does not define.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from derive.document import Block, Document
from derive.latex import syntax as S
from derive.latex.writer import latex
from derive.notation.ranks import shape
from derive.notation.table import POSITIVE
from derive.problem.census import Census, Use, parsed, read_formula, read_list
from derive.problem.draft import Draft
from derive.prose import Saying, is_sign, listed, sayings
from derive.source import Source, Span, Text


@dataclass(frozen=True)
class Spoken:
    """What was made of a document's words.

    Attributes:
        document: the document with a block of kind ``spoken`` for each definition in words.
        told: what was taken from words, with the line.
        open: names that are made from data in a way that the words do not tell.
        constants: names of parameters and labels, which depend on nothing.
        indicators: names of data that is 0 or 1.
    """

    document: Document
    told: tuple[tuple[str, int], ...] = ()
    open: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()
    indicators: frozenset[str] = frozenset()


def with_spoken(document: Document) -> Spoken:
    """The document with what its words define."""
    census = Census.of(document)
    found = [s for s in sayings(document, census.symbols) if not {"X"} & s.marks or s.meaning in _STATISTICS]
    blocks = [*_declarations(document, census)]
    told: list[tuple[str, int]] = []
    still_open: set[str] = set()
    speaker = _Speaker(census, found)
    for saying in found:
        text = speaker.equation(saying)
        if text and text not in (block.text.value for block in blocks):
            blocks.append(_block(text, saying.source, saying.span))
            told.append((speaker.told(saying), saying.line))
        elif text is None:
            still_open.add(saying.name)
    data = [s for s in found if s.meaning in _DATA and not s.marks & {"X", "?"}]
    indicators = frozenset(s.name for s in data if s.meaning == "one hot")
    document = replace(document, blocks=(*document.blocks, *blocks))
    return Spoken(document, tuple(told), frozenset(still_open), frozenset(s.name for s in data), indicators)


_STATISTICS = frozenset(
    {"mean", "variance", "statistic", "deviation", "mean square", "root mean square", "norm", "softmax", "sigmoid"}
)
_DATA = frozenset({"parameter", "label", "one hot"})
_SUMMED = frozenset({"mean", "variance", "deviation", "mean square", "root mean square"})
_FUNCTIONS = {
    "sigmoid": r"\frac{1}{1 + e^{-%s}}",
    "tanh": r"\tanh(%s)",
    "relu": r"\max(0, %s)",
}


def _block(text: str, source: Source, span: Span) -> Block:
    return Block("spoken", Text(text, [span.start] * len(text) + [span.end]), span, source)


def _declarations(document: Document, census: Census) -> Iterator[Block]:
    """``x \\in \\mathbb{R}^D`` in a sentence, for each of the names in it, and ``x_1, \\dots, x_D``; another chapter
    declares nothing that is defined here."""
    for block in document.blocks:
        is_said = block.kind != "given" and is_sign(block)
        node = read_formula(block, document) if is_said else None
        entries = listed(node) if node is not None else None
        if entries is not None:
            yield _block(f"{entries[0]} \\in \\mathbb{{R}}^{{{entries[1]}}}", block.source, block.span)
        *others, chain = read_list(block, document) if is_said else (None,)
        if isinstance(chain, S.Chain) and chain.relations == ("\\in",) and shape(chain.members[1]):
            names = chain.members[0].items if isinstance(chain.members[0], S.Sequence) else (chain.members[0],)
            for name in (*filter(None, others), *names):
                if block.ignored and census.is_defined(latex(name)):
                    continue
                yield _block(f"{latex(name)} \\in {latex(chain.members[1])}", block.source, block.span)


def heed(draft: Draft, spoken: Spoken) -> None:
    """Keep names that words call statistics as functions of all that the page does not define, and those of parameters
    and labels as functions of nothing."""
    table = draft.table
    table.constants |= {_key(draft, name) for name in spoken.constants}
    table.indicators |= {_key(draft, name) for name in spoken.indicators}
    spelled = [
        s
        for e in draft.equations
        if not draft.classifier.has_derivative(e)
        for m in e.members
        for s in draft.classifier.spellings(m)
    ]
    defined = {key for key, _ in (*table.defined, *table.aliases)}
    data = {
        (s.key, len(s.indices))
        for s in spelled
        if s.key not in defined and not table.is_size(s.key) and s.key not in POSITIVE
    }
    for key in (_key(draft, name) for name in spoken.open):
        for one, count in [item for item in data if item[0] == key]:
            table.inputs.add(one)
            table.open[table.name(one, count)] = {table.name(*item) for item in data if item[0] != key}


def _key(draft: Draft, name: str) -> str:
    node = parsed(name)
    spelled = draft.table.spell(node) if node is not None else None
    return spelled.key if spelled is not None else name


@dataclass
class _Speaker:
    """Turns sayings into equations."""

    census: Census
    said: list[Saying]

    def equation(self, saying: Saying) -> str | None:
        """The equation that a saying is; "" where it needs none, None where it leaves open how a name is made."""
        write = _WRITERS.get(saying.meaning)
        if write is None or self._is_displayed(saying):
            return ""
        if saying.marks & {"X", "?"} and saying.meaning in _STATISTICS:
            return None
        text = write(self, saying)
        return text if text or saying.meaning not in _STATISTICS else None

    def _is_displayed(self, saying: Saying) -> bool:
        """Whether a formula says what the name is, or its square; that counts before words."""
        if saying.meaning in ("size", "vector", "space", "one hot", "gradient", "abbreviation"):
            return False  # what is displayed of a gradient is claimed
        return self.census.is_defined(saying.name)

    def told(self, saying: Saying) -> str:
        """What was taken from the words, for the report."""
        of = " and ".join(saying.of)
        if saying.meaning in ("gradient", "upstream"):
            return f"{saying.name} is \\partial {saying.top or self.census.loss}/\\partial {of}, in words"
        if saying.meaning == "abbreviation":
            return f"{saying.name} is {of}, in words"
        if saying.meaning == "shares":
            return f"{saying.name} adds up to 1, in words"
        if saying.meaning == "space":
            return f"{saying.name} lies in {of}, in words"
        if saying.meaning in ("size", "vector"):
            return (
                f"{saying.name} is the length of an array, in words"
                if saying.meaning == "size"
                else f"{saying.name} has {of} entries, in words"
            )
        found = self._summed(saying) if saying.meaning in _SUMMED else None
        if found is not None:
            return f"{saying.name} is the {saying.meaning} of {found.body} over {found.letter}, in words"
        return f"{saying.name} is {'the ' if of else ''}{saying.meaning}{' of ' if of else ''}{of}, in words"

    # -- statistics ------------------------------------------------------------------------------------------------

    def mean(self, saying: Saying) -> str:
        found = self._summed(saying)
        return f"{found.left} = {found.over(found.body)}" if found else ""

    def mean_square(self, saying: Saying) -> str:
        found = self._summed(saying)
        return f"{found.left} = {found.over(f'{{{found.body}}}^2')}" if found else ""

    def root_mean_square(self, saying: Saying) -> str:
        found = self._summed(saying)
        return f"{found.left} = \\sqrt{{{found.over(f'{{{found.body}}}^2')}}}" if found else ""

    def variance(self, saying: Saying) -> str:
        found = self._centred(saying)
        return f"{found[0].left} = {found[1]}" if found else ""

    def deviation(self, saying: Saying) -> str:
        found = self._centred(saying)
        return f"{found[0].left} = \\sqrt{{{found[1]}}}" if found else ""

    def _centred(self, saying: Saying) -> tuple[_Sum, str] | None:
        """The sum of a variance, and the variance."""
        found = self._summed(saying)
        if found is None:
            return None
        centre = self.census.mean_beside(found.use) or self._own_mean(found)
        count = f"({found.size} - 1)" if "U" in saying.marks else found.size
        total = f"\\sum_{{{found.letter}=1}}^{{{found.size}}} ({found.body} - {centre})^2"
        return found, f"\\frac{{1}}{{{count}}} {total}"

    def _own_mean(self, found: _Sum) -> str:
        """The mean in a variance of which nothing says how it is called."""
        other = next(c for c in "kjlmnpq" if c not in found.use.letters)
        entry = found.use.with_letter(found.letter, other)
        return f"\\frac{{1}}{{{found.size}}} \\sum_{{{other}=1}}^{{{found.size}}} {entry}"

    def _summed(self, saying: Saying) -> _Sum | None:
        """What a statistic runs over: the array, and the one index that it has and the statistic lacks."""
        left = self.census.use_of(saying.name)
        body = self._array(saying)
        if left is None or body is None:
            return None
        letters = [letter for letter in body.letters if letter not in left.letters]
        if not body.letters and not left.letters and "B" not in saying.marks:
            return self._whole(left, body)
        if len(letters) != 1 or not set(left.letters) <= set(body.letters):
            return None
        size = self._size(body, letters[0], saying)
        return _Sum(left.text, body, body.text, letters[0], size) if size else None

    def _whole(self, left: Use, body: Use) -> _Sum | None:
        """All entries of a vector that is written without index."""
        length = self.census.lengths.get(body.key)
        return _Sum(left.text, body, f"{{{body.text}}}_i", "i", length) if length else None

    def _array(self, saying: Saying) -> Use | None:
        """The array that a statistic is of: its own, else the one that all means are of."""
        own = self._own_array(saying)
        if saying.of or own is not None:
            return own
        means = [s for s in self.said if s.meaning == "mean" and s is not saying]
        arrays = {a for s in means if (a := self._own_array(s)) is not None}
        arrays |= set() if means else set(self.census.centres.values())
        return arrays.pop() if len(arrays) == 1 else None

    def _own_array(self, saying: Saying) -> Use | None:
        """The array that a statistic's own words name, else the one that it is taken from."""
        if saying.of:
            return self.census.use_of(saying.of[0], full=True) if len(saying.of) == 1 else None
        return self.census.centre(saying.name)

    def _size(self, body: Use, letter: str, saying: Saying) -> str | None:
        """How many entries a sum runs over: as the page's sums or its words say, else its only letter for a size."""
        known = self.census.sizes.get((body.key, letter)) or self.census.letter_sizes.get(letter)
        if known:
            return known
        said = [s for s in self.said if s.meaning == "size"]
        own = [s.name for s in said if any(self.census.key_of(o) == body.key for o in s.of)]
        marked = [s.name for s in said if saying.marks & s.marks & {"B", "D"}]
        for names in (own, marked):
            if names:
                return names[0]
        return self.census.only_size()

    # -- functions -------------------------------------------------------------------------------------------------

    def softmax(self, saying: Saying) -> str:
        left, body = self.census.use_of(saying.name), self._named(saying)
        if left is None or body is None:
            return ""
        if not left.letters and not body.letters:
            return f"{left.text} = \\text{{softmax}}({body.text})"
        if left.letters != body.letters or len(left.letters) != 1:
            return ""
        (letter,) = left.letters
        other = next(c for c in "kjlmnpq" if c != letter)
        return f"{left.text} = \\frac{{e^{{{body.text}}}}}{{\\sum_{other} e^{{{body.with_letter(letter, other)}}}}}"

    def function(self, saying: Saying) -> str:
        """A function of each entry; without argument the name is the function's."""
        rule = _FUNCTIONS[saying.meaning]
        if not saying.of:
            is_called = saying.name in self.census.called and saying.name != "\\sigma"
            return f"{saying.name}(u) = {rule % 'u'}" if is_called else ""
        left, body = self.census.use_of(saying.name), self._named(saying)
        return f"{left.text} = {rule % body.text}" if left and body and left.letters == body.letters else ""

    def _named(self, saying: Saying) -> Use | None:
        return self.census.use_of(saying.of[0]) if len(saying.of) == 1 else None

    def cross_entropy(self, saying: Saying) -> str:
        """The loss of a prediction, which the page defines, and a label, which it does not: over the one index that
        both have, or of two numbers."""
        uses = [use for name in saying.of if (use := self.census.use_of(name)) is not None]
        loss = self.census.use_of(saying.name)
        uses.sort(key=lambda use: use.key not in self.census.defined)
        if len(uses) != 2 or loss is None or [use.key in self.census.defined for use in uses] != [True, False]:
            return ""
        prediction, label = uses
        if loss.letters or prediction.letters != label.letters or len(label.letters) > 1:
            return ""
        if label.letters and (saying.marks or prediction.key not in self.census.divided):
            return ""  # of many labels, each of two classes
        if label.letters:
            return f"{loss.text} = -\\sum_{label.letters[0]} {label.text} \\log {prediction.text}"
        if {prediction.key, label.key} & self.census.lengths.keys():
            return ""
        p, y = prediction.text, label.text
        return f"{loss.text} = -{y} \\log {p} - (1 - {y}) \\log(1 - {p})"

    def norm(self, saying: Saying) -> str:
        left, body = self.census.use_of(saying.name), self._named(saying)
        if left is None or body is None or left.letters:
            return ""
        if not body.letters:
            return f"{left.text} = \\| {body.text} \\|"
        (letter, *more) = body.letters
        return "" if more else f"{left.text} = \\sqrt{{\\sum_{letter} {{{body.text}}}^2}}"

    # -- sizes, gradients, data ------------------------------------------------------------------------------------

    def size(self, saying: Saying) -> str:
        """The length of the one array that the words or the page leave: ``x \\in \\mathbb{R}^N``."""
        if saying.name in self.census.limits:
            return ""  # sums say more precisely what it counts
        others = [s for s in self.said if s.meaning == "size" and not s.of and s.name in self.census.written]
        if not saying.of and {s.name for s in others} != {saying.name}:
            return ""  # the batch size or the number of features: nothing tells which of them the page's axis has
        arrays = {self.census.key_of(name) for name in saying.of} or self.census.lines()
        if len(arrays) != 1:
            return ""
        (array,) = arrays
        if array not in self.census.lines(defined=True):
            return ""
        return f"{self.census.whole(array)} \\in \\mathbb{{R}}^{{{saying.name}}}"

    def vector(self, saying: Saying) -> str:
        return f"{saying.name} \\in \\mathbb{{R}}^{{{saying.of[0]}}}"

    def space(self, saying: Saying) -> str:
        return f"{saying.name} \\in {saying.of[0]}" if saying.name not in self.census.limits else ""

    def gradient(self, saying: Saying) -> str:
        top = saying.top or self.census.loss
        by = saying.of[0] if saying.of else ""
        return f"{saying.name} = \\frac{{\\partial {top}}}{{\\partial {by}}}" if by else ""

    def shares(self, saying: Saying) -> str:
        """Data over one index, or a vector, that adds up to 1."""
        use = self.census.use_of(saying.name)
        if use is None or len(use.letters) > 1 or self.census.is_defined(saying.name):
            return ""
        if use.letters:
            return f"\\sum_{use.letters[0]} {use.text} = 1"
        return f"\\sum_i {{{use.text}}}_i = 1" if use.key in self.census.lengths else ""

    def one_hot(self, saying: Saying) -> str:
        use = self.census.use_of(saying.name)
        losses = {self.census.key_of(o) for s in self.said if s.meaning == "cross entropy" for o in s.of}
        if use is None or len(use.letters) > 1 or self.census.is_defined(saying.name):
            return ""
        plain = next((n.name for n in use.node.walk() if isinstance(n, S.Symbol) and n.font == "bold"), use.key)
        chosen = self.census.class_of(plain)
        if chosen is not None and all(len(u.letters) == 2 for u in self.census.uses if u.key == "\\delta"):
            letter = next(c for c in "ijlnpq" if c != chosen)
            return f"{plain}_{letter} = \\delta_{{{letter} {chosen}}}"
        if use.key not in self.census.inputs | losses:
            return ""  # nothing in the forward pass rests on it
        if not use.letters:
            return f"\\sum_i {{{use.text}}}_i = 1"
        return f"\\sum_{use.letters[0]} {use.text} = 1"


@dataclass(frozen=True)
class _Sum:
    """A sum over an array: the name that it is for, the array's entry, the letter and how many there are."""

    left: str
    use: Use
    body: str
    letter: str
    size: str

    def over(self, term: str) -> str:
        """The mean of a term."""
        return f"\\frac{{1}}{{{self.size}}} \\sum_{{{self.letter}=1}}^{{{self.size}}} {term}"


_WRITERS: dict[str, Callable[[_Speaker, Saying], str]] = {
    "mean": _Speaker.mean,
    "variance": _Speaker.variance,
    "statistic": lambda speaker, saying: "",
    "deviation": _Speaker.deviation,
    "mean square": _Speaker.mean_square,
    "root mean square": _Speaker.root_mean_square,
    "norm": _Speaker.norm,
    "softmax": _Speaker.softmax,
    "sigmoid": _Speaker.function,
    "tanh": _Speaker.function,
    "relu": _Speaker.function,
    "cross entropy": _Speaker.cross_entropy,
    "size": _Speaker.size,
    "vector": _Speaker.vector,
    "space": _Speaker.space,
    "shares": _Speaker.shares,
    "gradient": _Speaker.gradient,
    "upstream": _Speaker.gradient,
    "abbreviation": lambda speaker, saying: f"{saying.name} = {saying.of[0]}",
    "one hot": _Speaker.one_hot,
}
