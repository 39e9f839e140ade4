"""Fuzzing: whatever a document holds, derive answers: no crash, no hang, no heap of memory.

Three sources: bytes, the project's own documents with parts cut, doubled and swapped, and documents from a grammar of
what people write. The default run is small; ``pytest -m slow tests/test_fuzz.py`` makes 100 000 inputs.
"""

from __future__ import annotations

import resource
import sys
import time

import pytest
from conftest import DOCUMENTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.checking import ORDER, check_document
from derive.document import DocumentError, Format, read_text
from derive.limits import time_limit
from derive.problem.reader import read_problem
from derive.report import concise, json

SECONDS = 30  # for one input; equations have their own limit of one
MEMORY = 1 << 30  # bytes
KINDS: tuple[Format, ...] = ("md", "tex", "txt", "ipynb")
SEEDS = [p.read_text(encoding="utf-8") for p in sorted(DOCUMENTS.rglob("*.md"))]

quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
checked = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def long(count: int) -> settings:
    return settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def read(text: str, kind: Format) -> None:
    """Read a document as far as its forward graph."""
    with time_limit(SECONDS):
        try:
            read_problem(read_text(text, "fuzz", kind))
        except DocumentError:
            return


def judge(text: str, kind: Format) -> None:
    """Check a document and write its reports."""
    start = time.monotonic()
    try:
        result = check_document(read_text(text, "fuzz", kind), timeout=1.0)
    except DocumentError:
        return
    assert {s.status for s in result.statements} <= set(ORDER)
    concise.render(result)
    json.render([result], "0")
    assert time.monotonic() - start < SECONDS


# -- what is fed -------------------------------------------------------------------------------------------------------

FRAGMENTS = r"""
\frac{ \frac12 \partial \nabla_x { } _ ^ _{ ^{ ( ) [ ] | \| \left( \right) \left. \right| \big|_ \langle \rangle
& \\ = \neq , ; : ' \sum_{i=1}^{N} \sum_i \sum \prod_{j \sqrt{ \hat{ \bar{ \text{if \mathbf{ \mathbb{1}
\mathbf{1} \operatorname{diag} \log \exp \begin{align} \end{align} \begin{cases} \end{cases} \begin{bmatrix}
\end{bmatrix} \cdot \odot \times / * + - \top T x x_i y_j \mu \sigma^2 \delta_{ij} N 1 2 0.5 10^{99} i j k d L
\dots \forall \in \mathbb{R}^{N\times D} \leftarrow \underbrace{ \boxed{ $ $$ \[ \]
<!--given: --> <!--derive:ignore--> \newcommand{\a}{ \a % # ` ```math
""".split()  # noqa: SIM905

names = st.sampled_from(
    [
        r"x",
        "y",
        "z",
        "w",
        r"\mu",
        r"\sigma^2",
        r"\gamma",
        r"\hat{x}",
        r"\mathbf{x}",
        r"\bar{x}",
        "W",
        "P",
        r"\epsilon",
        "L",
        "N",
        r"\delta",
        r"\text{RMS}",
        "dy",
        "f",
        "f'",
    ]
)
letters = st.sampled_from("ijkNm12")
operators = st.sampled_from(["+", "-", r"\cdot", r"\odot", "", "", "/", r"\times", "*"])


@st.composite
def name(draw: st.DrawFn) -> str:
    """A name with up to two indices, a power, a transpose or a prime."""
    subscript = draw(
        st.sampled_from(["", "", "_{{{0}}}", "_{{{0}{1}}}", "_{{{0},{1}}}", "^{{({0})}}", "[{0},{1}]", "_{{{0}}}^T"])
    )
    power = draw(st.sampled_from(["", "", "", "^2", "^{-1/2}", "^T", "'"]))
    return draw(names) + subscript.format(draw(letters), draw(letters)) + power


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        two.map(lambda p: rf"\frac{{{p[0]}}}{{{p[1]}}}"),
        two.map(lambda p: rf"\frac{{\partial {p[0]}}}{{\partial {p[1]}}}"),
        st.tuples(inner, operators, inner).map(" ".join),
        st.tuples(letters, inner).map(lambda p: rf"\sum_{{{p[0]}=1}}^N {p[1]}"),
        st.tuples(letters, letters, inner).map(lambda p: rf"\sum_{{{p[0]} \neq {p[1]}}} {p[2]}"),
        inner.map(lambda u: rf"\left( {u} \right)"),
        inner.map(lambda u: rf"\sqrt{{{u}}}"),
        inner.map(lambda u: rf"\exp({u})"),
        inner.map(lambda u: rf"\text{{softmax}}({u})"),
        inner.map(lambda u: rf"\| {u} \|_2"),
        two.map(lambda p: rf"\langle {p[0]}, {p[1]} \rangle"),
        two.map(lambda p: rf"\begin{{cases}} {p[0]} & i = j \\ {p[1]} & \text{{otherwise}} \end{{cases}}"),
        two.map(lambda p: rf"\left. {p[0]} \right|_{{{p[1]}}}"),
        two.map(lambda p: rf"{p[0]}^{{{p[1]}}}"),
        two.map(lambda p: rf"\nabla_{{{p[0]}}} {p[1]}"),
    )


expressions = st.recursive(
    st.one_of(name(), st.sampled_from(["1", "2", r"\frac12", r"\mathbf{1}", "I", "0"])), compound, max_leaves=8
)
statements = st.tuples(
    expressions, st.sampled_from([" = ", " &= ", r" \neq ", r" \leftarrow ", " = "]), expressions
).map("".join)
definitions = st.tuples(name(), expressions).map(" = ".join)
wrappers = st.sampled_from(
    ["$${}$$", "${}$", r"\[{}\]", r"\begin{{align}}{}\end{{align}}", "<!-- given: {} -->", "$${}, \\quad i \\neq j$$"]
)
blocks = st.tuples(wrappers, st.one_of(definitions, statements)).map(lambda p: p[0].format(p[1]))
grammatical = st.lists(blocks, min_size=1, max_size=4).map("\n\n".join)
fragmentary = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map(" ".join)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """One of the project's documents with parts cut, doubled, swapped or replaced."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        a, b = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        b = min(b, a + draw(st.sampled_from([1, 3, 20, 200])))
        put = draw(st.one_of(st.just(""), st.just(text[a:b] * 2), st.sampled_from(FRAGMENTS), st.text(max_size=3)))
        text = text[:a] + put + text[b:]
    return text


texts = st.one_of(st.text(max_size=200), fragmentary.map("$${}$$".format), damaged(), grammatical)


# -- the small run -----------------------------------------------------------------------------------------------------


@quick
@given(st.binary(max_size=300), st.sampled_from(KINDS))
def test_any_bytes_are_read(data: bytes, kind: Format) -> None:
    read(data.decode("utf-8", "replace"), kind)


@quick
@given(texts, st.sampled_from(KINDS))
def test_any_text_is_read(text: str, kind: Format) -> None:
    read(text, kind)


@checked
@given(grammatical)
def test_any_grammatical_document_is_judged(text: str) -> None:
    judge(text, "md")


@checked
@given(damaged())
def test_any_damaged_document_is_judged(text: str) -> None:
    judge(text, "md")


# -- the long run ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@long(30_000)
@given(st.binary(max_size=2000), st.sampled_from(KINDS))
def test_many_bytes_are_read(data: bytes, kind: Format) -> None:
    read(data.decode("utf-8", "replace"), kind)


@pytest.mark.slow
@long(50_000)
@given(texts, st.sampled_from(KINDS))
def test_many_texts_are_read(text: str, kind: Format) -> None:
    read(text, kind)


@pytest.mark.slow
@long(15_000)
@given(grammatical)
def test_many_grammatical_documents_are_judged(text: str) -> None:
    judge(text, "md")


@pytest.mark.slow
@long(5_000)
@given(damaged())
def test_many_damaged_documents_are_judged(text: str) -> None:
    judge(text, "md")


@pytest.mark.slow
def test_memory_stayed_small() -> None:
    """Run last: what all the inputs before took."""
    assert peak() < MEMORY
