"""Mistakes: each row of the table is caught under its own code, and nothing is named that does not explain a line."""

from __future__ import annotations

import pytest

import derive
from derive.mistakes.table import KINDS, Kind


def document(kind: Kind, equation: str) -> str:
    return f"{kind.forward}\n\n$${equation}$$\n"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_the_wrong_example_of_each_row_is_refuted_with_its_code(kind: Kind) -> None:
    claim = derive.check(document(kind, kind.wrong)).statements[-1]
    assert claim.status == "refuted", claim.reason
    assert {mistake.code for mistake in claim.mistakes} == {kind.code}, [m.message for m in claim.mistakes]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_the_right_example_of_each_row_is_proved(kind: Kind) -> None:
    claim = derive.check(document(kind, kind.right)).statements[-1]
    assert claim.status == "proved", claim.reason
    assert not claim.mistakes
