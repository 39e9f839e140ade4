"""The promise for code: what is proved is right, what is refuted is wrong, whatever was changed.

Right pairs are changed at random; whatever the checker says of the result is held against Python itself and finite
differences, at pairwise distinct sizes and with all sizes 1. ``pytest -m slow`` does thousands.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from random import Random

import pytest
from code_fixtures import FIXTURES, Fixture
from code_mutations import Mutant, mutants
from code_oracle import Case

from derive.checking import Statement
from derive.code.check import Settings, check_source
from derive.code.pairs import find_pairs
from derive.source import Source

SIZES = ([3, 4, 2, 5], [2, 3, 5, 4], [1])


@dataclass(frozen=True)
class Subject:
    """A fixture whose unchanged form is proved, and what each of its returned gradients is that of."""

    fixture: Fixture
    targets: tuple[str, ...]


def returned(fixture: Fixture, source: str, timeout: float = 5.0) -> list[Statement]:
    """The statements about what the pair itself returns; other pairs of its file have numbers of their own."""
    settings = Settings(fixed={name: str(value) for name, value in fixture.fixed.items()}, timeout=timeout)
    checked = check_source(Source("mutant.py", source), settings)
    names = [pair.backward for pair in find_pairs(ast.parse(source))]
    if fixture.pair.backward not in names:
        return []
    own = f"{names.index(fixture.pair.backward) + 1}."
    return [each for each in checked.statements if each.role == "returned" and each.number.startswith(own)]


TARGETS = {
    "affine": "x w b",
    "attention_einsum": "q k v",
    "batchnorm_staged": "x gamma beta",
    "cosine_norm": "u v",
    "distances_none": "a b",
    "dropout": "x",
    "embedding_add_at": "W",
    "glu_split": "x",
    "groupnorm_reshape": "x gamma beta",
    "hinge_loops": "W",
    "huber_where": "pred",
    "layers_of_layers": "x w b",
    "lstm_step": "x prev_h prev_c Wx Wh b",
    "linear_class": "x self.W self.b",
    "maxpool_naive": "x",
    "mlp_loss": "W2 b2 W1 b1",
    "relu_mask": "x",
    "rnn_time": "x h0 Wx Wh b",
    "conv_naive": "x w b",
    "softmax_labels": "scores",
}
SUBJECTS = [Subject(each, tuple(TARGETS[each.name].split())) for each in FIXTURES if each.name in TARGETS]
QUICK = {
    "affine",
    "cosine_norm",
    "relu_mask",
    "glu_split",
    "distances_none",
    "softmax_labels",
    "huber_where",
    "dropout",
}


def judged(subject: Subject, mutant: Mutant, seed: int) -> Counter[str]:
    """Counts of what the checker said against what is true; fails on the first false verdict."""
    said = returned(subject.fixture, mutant.source)
    if len(said) != len(subject.targets) or not any(each.status in ("proved", "refuted") for each in said):
        return Counter(["open"])
    cases = [Case(subject.fixture, values, seed + k) for k, values in enumerate(SIZES)]
    true = [case.verdicts(mutant.source, list(subject.targets)) for case in cases]
    found: Counter[str] = Counter()
    for i, statement in enumerate(said):
        verdicts = [each[i] for each in true]
        where = f"{subject.fixture.name} seed {seed}, {mutant.kind} in line {mutant.line}, {statement.name}: {verdicts}"
        if statement.status == "proved":
            assert not {"wrong", "crash", "shape"} & set(verdicts[:2]), f"false proof: {where}\n{mutant.source}"
        if statement.status == "refuted":
            assert set(verdicts[:2]) != {"right"}, f"false refutation: {where}\n{mutant.source}"
        found[statement.status] += 1
    return found


def sample(subject: Subject, count: int, seed: int) -> Counter[str]:
    """Judge some mutants of a fixture."""
    random = Random(seed)
    pair = subject.fixture.pair
    names = list({pair.forward.rpartition(".")[2], pair.backward.rpartition(".")[2]})
    made = mutants(subject.fixture.source, sorted(names), random)
    found: Counter[str] = Counter()
    for k in range(count):
        found += judged(subject, next(made), seed * 1000 + k)
    return found


OPEN = {"conv_naive", "lstm_step", "maxpool_naive", "rnn_time", "torch_min_clamp"}
"""What cannot be read for every size so far: loops over time, windows, the place of a maximum."""


@pytest.mark.parametrize("fixture", [f for f in FIXTURES if f.name not in OPEN], ids=lambda f: f.name)
def test_right_code_is_proved(fixture: Fixture) -> None:
    said = returned(fixture, fixture.source, timeout=20.0)
    assert said and {each.status for each in said} == {"proved"}, said


@pytest.mark.parametrize("subject", [s for s in SUBJECTS if s.fixture.name in QUICK], ids=lambda s: s.fixture.name)
def test_changed_code_is_judged_soundly(subject: Subject) -> None:
    found = sample(subject, 6, seed=1)
    assert sum(found.values())


def test_the_sample_decides_something() -> None:
    found = sum((sample(s, 5, seed=1) for s in SUBJECTS if s.fixture.name in ("affine", "glu_split")), Counter())
    assert found["proved"] and found["refuted"]


@pytest.mark.slow
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda s: s.fixture.name)
def test_thousands_of_changes_are_judged_soundly(subject: Subject) -> None:
    sample(subject, 300, seed=3)


def test_two_axes_of_one_array_are_not_taken_for_one_another() -> None:
    """``+ w`` for ``+ b``: it runs only where N happens to be d_1 * d_2."""
    fixture = next(each for each in FIXTURES if each.name == "layers_of_layers")
    source = fixture.source.replace("@ w + b", "@ w + w")
    assert source != fixture.source
    assert not any(each.status == "proved" for each in returned(fixture, source))


def test_nor_where_one_of_them_is_a_product_by_another_name() -> None:
    """``w.T`` for ``w`` runs only where M happens to be D, which is d_1 * ... * d_k."""
    source = '''
import numpy as np


def affine_forward(x, w, b):
    """
    The input x has shape (N, d_1, ..., d_k), each example a vector of dimension D = d_1 * ... * d_k.

    - x: A numpy array of shape (N, d_1, ..., d_k)
    - w: A numpy array of weights, of shape (D, M)
    - b: A numpy array of biases, of shape (M,)
    """
    return x.reshape(x.shape[0], -1).dot({}) + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    return dout.dot(w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T.dot(dout), dout.sum(axis=0)
'''
    right, wrong = (check_source(Source("layer.py", source.format(each)), Settings()) for each in ("w", "w.T"))
    assert "proved" in {each.status for each in right.statements}
    assert "proved" not in {each.status for each in wrong.statements}
