"""Fuzzing: whatever a document holds, derive answers: no crash, no hang, no heap of memory.

Sources: bytes, the project's own documents with parts cut, doubled and swapped, documents from a grammar of what people
write, notebooks with a wrong structure, encodings, and formulas that are deep or long on purpose. They go into the
reader, into `check_document`, and through the command line into every command and format. The default run is small;
``pytest -m slow tests/test_fuzz.py`` makes 100 000 inputs.
"""

from __future__ import annotations

import gc
import io
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from conftest import DOCUMENTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.checking import ORDER, check_document
from derive.cli import main
from derive.commands.check import FORMATS
from derive.commands.kernel import TARGETS
from derive.document import DocumentError, Format, read_text
from derive.limits import time_limit
from derive.problem.reader import read_problem
from derive.report import concise
from derive.report import json as json_report

SECONDS = 30  # for one input, of the processor's time; equations have their own limit of one
MEMORY = 1 << 30  # bytes
STEPS = ("text", "markdown", "latex", "json")
KINDS: tuple[Format, ...] = ("md", "tex", "txt", "ipynb")
SEEDS = [p.read_text(encoding="utf-8") for p in sorted(DOCUMENTS.rglob("*.md"))]

quick = settings(max_examples=40, suppress_health_check=list(HealthCheck))
checked = settings(max_examples=15, suppress_health_check=list(HealthCheck))


def long(count: int) -> settings:
    return settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def bounded() -> Iterator[None]:
    """One input, within its time and its memory.

    Hypothesis keeps every input that it made, some tens of kilobytes each, so that only what one input adds is ours.
    Its own look at the garbage collector would swallow the exception that ends a computation in time.
    """
    callbacks, gc.callbacks[:] = gc.callbacks[:], []
    start, before = time.process_time(), peak()
    try:
        yield
    finally:
        gc.callbacks[:] = callbacks
    assert time.process_time() - start < SECONDS
    assert peak() - before < MEMORY / 2


def read(text: str, kind: Format) -> None:
    """Read a document as far as its forward graph."""
    with bounded(), time_limit(SECONDS):
        try:
            read_problem(read_text(text, "fuzz", kind))
        except DocumentError:
            return


def judge(text: str, kind: Format) -> None:
    """Check a document and write its reports."""
    with bounded():
        try:
            result = check_document(read_text(text, "fuzz", kind), timeout=1.0)
        except DocumentError:
            return
        assert {s.status for s in result.statements} <= set(ORDER)
        concise.render(result)
        json_report.render([result], "0")


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


# -- what is fed to the command line -----------------------------------------------------------------------------------


class File(NamedTuple):
    """What a file holds and the suffix of its name."""

    data: bytes
    suffix: str


DEEP = (
    ("{", "}"),
    ("(", ")"),
    (r"\left(", r"\right)"),
    (r"\frac{1}{", "}"),
    (r"\sqrt{", "}"),
    ("x_{", "}"),
    ("x^{", "}"),
    (r"\hat{", "}"),
    (r"\text{", "}"),
    (r"\exp(", ")"),
    (r"\sum_{i} (", ")"),
    (r"\begin{cases} ", r" \end{cases}"),
    (r"\begin{aligned} ", r" \end{aligned}"),
    (r"\frac{\partial ", r"}{\partial x}"),
    (r"\nabla_{", "} x"),
    (r"\underbrace{", "}_{a}"),
    ("<!-- given: ", " -->"),
    ("> ", ""),
    ("- ", ""),
    ("`", "`"),
    ("|", "|"),
)
LONG = (
    "x", "1", "x_i + ", r"x_{ij} \cdot ", "- ", r"\frac12 ", "a = ", r"\sum_i ", r"x \\ ", "& ", "'", "^2 ", "_i ",
    "x_i y_j ", r"\partial ", r"\mu", "(x + y)", "^{2}", "(a+b)^{99} ", "\n\n", " ", "$", "$$", r"\[",
    r"\begin{align}", "{", "}", "%", "\\", "<!--", "-->", "`", "é", "\N{MATHEMATICAL ITALIC SMALL X}", ", ", "; ",
    r"\quad ", "i,j,", r"\odot x ", "/x", "\r",
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "shift_jis")
BREAKS = ("\n", "\r\n", "\r", " ", "\N{LINE SEPARATOR}", "\v", "\n\n\n")
ODD = (
    "\0",
    "\ud800",
    "\udfff",
    "\N{ZERO WIDTH NO-BREAK SPACE}",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
    "\x1b[31m",
    "\N{COMBINING ACUTE ACCENT}",
    "\x08",
)

delimited = st.sampled_from(
    ["$${}$$", "$$y = {}$$", "$${} = 1$$", r"\[x = {}\]", r"\begin{{align}}{}\end{{align}}", "${}$", "{}"]
)


@st.composite
def hostile(draw: st.DrawFn) -> str:
    """A formula that is deep or long, closed or not, alone or behind a forward pass."""
    if draw(st.booleans()):
        opening, closing = draw(st.sampled_from(DEEP))
        depth = draw(st.integers(1, 200) | st.integers(1, 20_000))
        body = opening * depth + "x" + closing * max(0, depth + draw(st.sampled_from([0, 0, 0, -1, 1, -depth])))
    else:
        part = "".join(draw(st.lists(st.sampled_from(LONG), min_size=1, max_size=3)))
        body = part * draw(st.integers(1, 300) | st.integers(1, 100_000 // len(part))) + draw(
            st.sampled_from(["", "x"])
        )
    before = draw(st.sampled_from(["", "$$y_i = x_i^2$$\n\n"]))
    return before + draw(delimited).replace("{{", "{").replace("}}", "}").replace("{}", body, 1)


@st.composite
def encoded(draw: st.DrawFn) -> bytes:
    """A document with odd characters, line breaks and encodings."""
    text = draw(damaged() | grammatical | st.text(max_size=50))
    for odd in draw(st.lists(st.sampled_from(ODD), max_size=2)):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + odd + text[at:]
    text = text.replace("\n", draw(st.sampled_from(BREAKS)))
    kind = draw(st.sampled_from(ENCODINGS))
    data = text.encode(
        kind, draw(st.sampled_from(["replace", "surrogatepass"])) if kind.startswith("utf") else "replace"
    )
    return data[: draw(st.just(len(data)) | st.integers(0, len(data)))]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | grammatical,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
sources = st.one_of(
    grammatical, grammatical.map(lambda text: text.splitlines(keepends=True)), fragmentary.map("$${}$$".format), values
)
cell = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["markdown", "markdown", "markdown", "code", "raw"]) | values,
        "source": sources,
        "metadata": values,
        "id": values,
        "attachments": values,
        "outputs": values,
    },
)
notebooks = st.fixed_dictionaries(
    {"cells": st.lists(st.one_of(cell, cell, cell, values), max_size=4) | values},
    optional={"nbformat": values, "nbformat_minor": values, "metadata": values},
)


@st.composite
def written_notebook(draw: st.DrawFn) -> bytes:
    """A notebook as JSON, or a part of one."""
    text = json.dumps(draw(st.one_of(notebooks, notebooks, values)), ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 3)) == 0:
        a, b = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        text = text[:a] + draw(st.sampled_from(["", "{", "[" * 5000, "1e999", "9" * 5000, '"', r"\ud800"])) + text[b:]
    return text.encode("utf-8", "surrogatepass")


words = st.text(max_size=12) | st.from_regex(r"-{0,2}[Dd][Rr][Vv][0-9]{0,4}", fullmatch=True)
suffixes = st.sampled_from([".md", ".md", ".tex", ".txt", ".qmd"])
files = st.one_of(
    st.builds(File, hostile().map(lambda text: text.encode("utf-8", "replace")), suffixes),
    st.builds(File, encoded(), suffixes),
    st.builds(File, written_notebook(), st.just(".ipynb")),
    st.builds(File, (damaged() | grammatical).map(lambda text: text.encode("utf-8", "replace")), st.just(".md")),
)


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


def run(*arguments: str) -> Done:
    """A command in this process; argparse ends with an exception, as it does everywhere."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape", "") for _ in range(2))
    with bounded(), redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as end:
            status = int(end.code or 0)
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return Done(status, *texts)


def refuses_well(done: Done, path: str) -> None:
    """Status 2, and only that, comes with a message; it names the file, and ends as a sentence does."""
    assert done.status in (0, 1, 2, 3)
    assert (done.status == 2) == bool(done.err), done.err
    if done.status == 2:
        assert done.err.startswith(f"derive: {path}: ") and done.err.rstrip().endswith((".", "?")), done.err
        assert "Traceback" not in done.err and done.err.count("\n") < 5


def written(folder: Path, file: File) -> str:
    path = folder / f"fuzz{file.suffix}"
    path.write_bytes(file.data)
    return str(path)


def check_command(folder: Path, file: File, kind: str) -> None:
    path = written(folder, file)
    done = run("check", path, "--timeout", "1", "--format", kind)
    refuses_well(done, path)
    PROMISES.get(kind, lambda text, path: None)(done.out, path)


def steps_command(folder: Path, file: File, kind: str) -> None:
    path = written(folder, file)
    done = run("steps", path, "--format", kind)
    refuses_well(done, path)
    if kind == "json" and done.out:
        json.loads(done.out)


def kernel_command(folder: Path, file: File, kind: str) -> None:
    path = written(folder, file)
    done = run("kernel", path, "--target", kind)
    refuses_well(done, path)
    assert done.status != 1
    if kind == "numpy":
        compile(done.out, path, "exec")


def explain_command(word: str) -> None:
    done = run("explain", word)
    assert done.status == (2 if done.err else 0)
    assert "Traceback" not in done.err


# -- what each format promises -----------------------------------------------------------------------------------------


def concise_names_places(text: str, path: str) -> None:
    """Every line begins with the file, and all but the last with line and column (and a cell's number)."""
    *lines, last = text.splitlines() or [path]
    assert last.startswith(path)
    for line in lines:
        assert re.match(rf"{re.escape(path)}(:cell \d+)?:\d+:\d+: ", line), line


def sarif_names_places(text: str, path: str) -> None:
    for result in json.loads(text)["runs"][0]["results"]:
        for location in result["locations"]:
            region = location["physicalLocation"].get("region")
            assert region is None or region["startLine"] >= 1
            assert region is None or region.get("startColumn", 1) >= 1  # in a notebook, the line of its JSON alone


def json_names_places(text: str, path: str) -> None:
    for document in json.loads(text)["documents"]:
        for statement in document["statements"]:
            assert statement["line"] >= 1 and statement["column"] >= 1


PROMISES = {
    "concise": concise_names_places,
    "sarif": sarif_names_places,
    "json": json_names_places,
    "gradescope": lambda text, path: json.loads(text),
    "junit": lambda text, path: ElementTree.fromstring(text),
}


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


@checked
@given(files, st.sampled_from(FORMATS))
def test_any_file_is_reported(tmp_path_factory: pytest.TempPathFactory, file: File, kind: str) -> None:
    check_command(tmp_path_factory.getbasetemp(), file, kind)


@checked
@given(files, st.sampled_from(STEPS))
def test_any_file_is_derived_or_refused(tmp_path_factory: pytest.TempPathFactory, file: File, kind: str) -> None:
    steps_command(tmp_path_factory.getbasetemp(), file, kind)


@checked
@given(files, st.sampled_from(TARGETS))
def test_any_file_becomes_a_kernel_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, file: File, kind: str
) -> None:
    kernel_command(tmp_path_factory.getbasetemp(), file, kind)


@quick
@given(words)
def test_any_word_is_explained_or_unknown(word: str) -> None:
    explain_command(word)


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
@long(5_000)
@given(files, st.sampled_from(FORMATS))
def test_many_files_are_reported(tmp_path_factory: pytest.TempPathFactory, file: File, kind: str) -> None:
    check_command(tmp_path_factory.getbasetemp(), file, kind)


@pytest.mark.slow
@long(2_000)
@given(files, st.sampled_from(STEPS))
def test_many_files_are_derived_or_refused(tmp_path_factory: pytest.TempPathFactory, file: File, kind: str) -> None:
    steps_command(tmp_path_factory.getbasetemp(), file, kind)


@pytest.mark.slow
@long(2_000)
@given(files, st.sampled_from(TARGETS))
def test_many_files_become_kernels_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, file: File, kind: str
) -> None:
    kernel_command(tmp_path_factory.getbasetemp(), file, kind)


@pytest.mark.slow
@long(2_000)
@given(words)
def test_many_words_are_explained_or_unknown(word: str) -> None:
    explain_command(word)


MANY = """
import resource, sys
from pathlib import Path
from random import Random
from derive.checking import check_document
from derive.document import read_text
random = Random(0)
texts = [p.read_text(encoding="utf-8") for p in sorted(Path(sys.argv[1]).rglob("*.md"))]
for _ in range(1000):
    text = random.choice(texts)
    cut = random.randrange(len(text))
    check_document(read_text(text[:cut] + text[cut + random.choice([1, 3, 20]) :]), timeout=1.0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_process_that_checks_a_thousand_documents_stays_small() -> None:
    """Without Hypothesis, which grows with every input: derive alone."""
    command = [sys.executable, "-c", MANY, str(DOCUMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=True)
    assert int(done.stdout) * (1 if sys.platform == "darwin" else 1024) < MEMORY / 4
