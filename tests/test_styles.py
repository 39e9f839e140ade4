"""Forward passes written in random ways: nothing right is refuted, nothing wrong is proved, and most is decided.

A seed is a page: ``python -m styles 17 18 open`` in this folder shows the lines of page 17 that stay open, and
``python -m styles 0 300`` the share that is decided for each way of writing.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from styles.derivation import Claim, claims
from styles.pages import Page, page
from styles.passes import PASSES
from styles.reading import Outcome, check, outcomes, share
from styles.switches import PRIME, SWITCHES, drawn
from styles.truth import holds

import derive.checking

SEEDS = range(24)
MANY = range(3000)
SHARE = 0.6
"""So many of the claims are decided rightly at least, wherever the pages are drawn from."""


@pytest.fixture(autouse=True)
def no_search_for_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a mistake is called is not asked here, and takes longer to find than all else."""
    monkeypatch.setattr(derive.checking, "MISTAKE_SECONDS", 0.0)


def told(one: Page, outcome: Outcome) -> str:
    """A false verdict with the page that it stands on."""
    found = [(s.status, s.reason) for s in outcome.found]
    return f"seed {one.seed}: {outcome.placed.line.sides}: {found}\n{one.text}"


@pytest.mark.parametrize("first", range(0, len(SEEDS), 8))
def test_no_page_gets_a_false_verdict_and_most_claims_are_decided(first: int) -> None:
    read(range(first, first + 8))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, len(MANY), 100))
def test_no_page_of_many_gets_a_false_verdict(first: int) -> None:
    read(range(first, first + 100))


def read(seeds: range) -> None:
    words: Counter[str] = Counter()
    for seed in seeds:
        one = page(seed)
        found = outcomes(one, check(one))
        assert not [told(one, outcome) for outcome in found if outcome.word == "false"]
        words.update(outcome.word for outcome in found)
    assert share(words) >= SHARE, words


@pytest.mark.parametrize("forward", PASSES, ids=lambda one: one.title)
def test_what_a_page_says_is_true_in_numbers(forward: object) -> None:
    said = claims(forward)
    assert said and all(holds(claim, forward) for claim in said)
    ways = [Claim(claim.left, claim.way, "way") for claim in said if claim.way is not None]
    assert all(holds(way, forward) for way in ways)


def test_any_two_ways_of_writing_meet() -> None:
    """Every pair of values of two switches comes up, and about as often as any other."""
    styles = [drawn(seed) for seed in range(PRIME * PRIME)]
    codes = {name: np.array([sorted(set(SWITCHES[name])).index(style[name]) for style in styles]) for name in SWITCHES}
    shares = {name: np.bincount(code) / len(styles) for name, code in codes.items()}
    for one, other in combinations(SWITCHES, 2):
        met = np.zeros((len(shares[one]), len(shares[other])))
        np.add.at(met, (codes[one], codes[other]), 1 / len(styles))
        assert met.min() > 0 and abs(met - np.outer(shares[one], shares[other])).max() < 0.02, (one, other)


def test_pages_are_what_their_seeds_make_of_them() -> None:
    assert page(5).text == page(5).text
    assert len({page(seed).text for seed in range(20)}) == 20
