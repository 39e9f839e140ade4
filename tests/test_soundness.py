"""The promise: what is proved is true, what is refuted is false.

Right derivations are changed at random, by edits that usually make them wrong and by rewritings that never do. Whatever
the checker says of the result is compared with floating-point values at random data. ``pytest -m slow`` does thousands.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from conftest import DOCUMENTS
from mutations import EDITS, REWRITINGS, changed
from oracle import differences
from sympy import IndexedBase, Symbol, symbols

import derive
from derive.document import read_text
from derive.latex.syntax import span_of
from derive.latex.writer import latex
from derive.problem.reader import read_problem
from derive.verdict import Judge, Verdict

LAYERS = sorted((Path(derive.__file__).parent / "layers").glob("*.md"))
RIGHT = [DOCUMENTS / "staged.md", DOCUMENTS / "closed.md", *LAYERS]
QUICK = [path for path in RIGHT if path.stem in ("staged", "closed", "softmax", "rmsnorm", "l2norm", "swiglu")]
SAME, DIFFERENT = 1e-6, 1e-3
"""Relative differences below and above which two sides are numerically the same and different."""


def largest_difference(judge: Judge, verdict: Verdict, seed: int) -> float | None:
    """How far apart the two sides of a judged link are, at two sets of data; None where they have no value there.

    The first difference that shows is returned.
    """
    pair = verdict.pair
    assert pair is not None
    found: list[float] = []
    for k in (1, 2):
        try:
            for gap in differences(pair, judge.doubts.graph_of(pair), verdict.reading or "total", seed + k):
                if gap > DIFFERENT:
                    return gap
                found.append(gap)
        except (ZeroDivisionError, ValueError, OverflowError):
            return None
    return max(found, default=None)


def changed_document(path: Path, seed: int, wrong: bool) -> tuple[str, int]:
    """A right document with one right side changed, and the line of the equation that it stands in."""
    random = Random(seed)
    text = path.read_text(encoding="utf-8")
    problem = read_problem(read_text(text))
    claims = [e for e in problem.equations if e.role == "claim" and len(e.members) > 1]
    equation = random.choice(claims)
    member = random.choice(equation.members[1:])
    new = changed(member, EDITS if wrong else REWRITINGS, random, 1 if wrong else random.randint(1, 3))
    span = span_of(member)
    return text[: span.start] + " " + latex(new) + " " + text[span.end :], span.start


def verdicts_at(text: str, offset: int) -> tuple[Judge, list[Verdict]]:
    """The verdicts on the equation that stands at an offset."""
    problem = read_problem(read_text(text))
    judge = Judge(problem, timeout=20)
    found = []
    for equation in problem.equations:
        if equation.span.start <= offset <= equation.span.end and equation.role == "claim":
            judged = judge.judge(equation)
            found += [v for v in (*judged.links, *judged.values) if v is not None]
    return judge, found


def check_mutant(path: Path, seed: int, wrong: bool) -> list[str]:
    """The statuses given to a changed equation; each must be true."""
    text, offset = changed_document(path, seed, wrong)
    judge, verdicts = verdicts_at(text, offset)
    for verdict in verdicts:
        where = f"{path.name}, seed {seed}: {verdict.status}, {verdict.pair and verdict.pair.right}"
        if verdict.status == "proved":
            gap = largest_difference(judge, verdict, seed)
            assert gap is None or gap < SAME, f"a false proof: {where}, off by {gap:.2g}"
        if verdict.status == "refuted":
            assert wrong, f"a right line refuted: {where}"
            gap = largest_difference(judge, verdict, seed)
            assert gap is None or gap > SAME, f"a false alarm: {where}"
    return [v.status for v in verdicts]


@pytest.mark.parametrize("path", QUICK, ids=lambda p: p.stem)
def test_changed_derivations_get_true_verdicts(path: Path) -> None:
    statuses = [status for seed in range(5) for status in check_mutant(path, seed, wrong=True)]
    assert "refuted" in statuses, "no change was caught"


@pytest.mark.parametrize("path", QUICK, ids=lambda p: p.stem)
def test_rewritten_derivations_stay_proved(path: Path) -> None:
    statuses = [status for seed in range(2) for status in check_mutant(path, seed, wrong=False)]
    assert set(statuses) <= {"proved", "tested", "assumed"}
    assert statuses.count("tested") <= len(statuses) / 20


@pytest.mark.slow
@pytest.mark.parametrize("path", RIGHT, ids=lambda p: p.stem)
def test_thousands_of_changed_derivations(path: Path) -> None:
    caught = [status for seed in range(1000, 1600) for status in check_mutant(path, seed, wrong=True)]
    assert caught.count("refuted") > len(caught) / 3
    kept = [status for seed in range(1000, 1200) for status in check_mutant(path, seed, wrong=False)]
    assert kept.count("proved") > (len(kept) - kept.count("assumed")) * 0.95


# -- what other graders get wrong ------------------------------------------------------------------------------------

TRAPS = [
    ("numbers that look alike", r"1 - e^{-1} = 1 + e^{-1}", "refuted"),
    ("a prime is part of the name", r"y_i = 3 x_i' = 3 x_i", "undecided"),
    ("case matters", r"y_i = \frac{S_i}{N} = \frac{s_i}{n}", "undecided"),
    ("bound letters have no meaning", r"a = \sum_{i=1}^N x_i = \sum_{j=1}^N x_j", "proved"),
    ("a mean is not an entry", r"a = \frac{1}{N} \sum_{i=1}^N x_i = x_i", "refuted"),
    ("a sum of a constant counts", r"a = \sum_{i=1}^N 1 = N", "proved"),
    ("the square of a sum", r"a = (\sum_{i=1}^N x_i)^2 = \sum_{i=1}^N x_i^2", "refuted"),
    ("the root of a square", r"y_i = \sqrt{x_i^2} = x_i", "refuted"),
    ("the logarithm of a square", r"y_i = \log(x_i^2) = 2 \log x_i", "tested"),
    ("the order of summation", r"a = \sum_{i=1}^N \sum_{j=1}^N x_i z_j = \sum_{j=1}^N z_j \sum_{i=1}^N x_i", "proved"),
]


@pytest.mark.parametrize(("chain", "status"), [t[1:] for t in TRAPS], ids=[t[0] for t in TRAPS])
def test_known_wrong_answers_of_other_graders(chain: str, status: str) -> None:
    assert derive.check(f"The data are $x_i$ for $i = 1, \\dots, N$.\n\n$${chain}$$\n").statements[-1].status == status


def test_names_that_differ_are_different_data() -> None:
    i, N, n = Symbol("i", integer=True), *symbols("N n", integer=True, positive=True)
    x, x_, S, s = map(IndexedBase, ("x", "x'", "S", "s"))
    assert derive.prove(x_[i], x[i]).status == "refuted"
    assert derive.prove(S[i] / N, s[i] / n).status == "refuted"
    assert derive.prove(S[i] / N, S[i] / n).status == "refuted"
