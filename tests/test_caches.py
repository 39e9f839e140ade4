"""What a process that checks many documents keeps of them: nothing."""

from __future__ import annotations

import gc

from conftest import DOCUMENTS

from derive.caches import forget, kept
from derive.checking import check_document
from derive.cli import main
from derive.document import load

NAMES = (
    "reading/layernorm-batch.md",
    "reading/softmax-cases.md",
    "reading/second-derivatives.md",
    "wrong/path-dropped.md",
)


def live(paths: list[str]) -> int:
    """How many objects there are after some documents were checked and everything kept was let go."""
    for path in paths:
        check_document(load(path))
    forget()
    gc.collect()
    return len(gc.get_objects())


def test_checked_documents_leave_nothing_behind() -> None:
    paths = [str(DOCUMENTS / name) for name in NAMES]
    before = live(paths)  # what is imported and compiled on the way stays
    assert live(paths * 2) < before + 200


def test_a_document_begins_with_nothing_kept() -> None:
    calls = []

    @kept(4)
    def square(n: int) -> int:
        calls.append(n)
        return n * n

    assert (square(3), square(3), calls) == (9, 9, [3])
    check_document(load(str(DOCUMENTS / NAMES[0])))
    assert (square(3), calls) == (9, [3, 3])


def test_a_command_that_runs_again_makes_nothing_permanent() -> None:
    """As `--watch` does: what was made for one run is garbage in the next."""
    path = str(DOCUMENTS / NAMES[0])
    main(["check", path])
    before = gc.get_freeze_count()
    main(["check", path])
    assert gc.get_freeze_count() == before
