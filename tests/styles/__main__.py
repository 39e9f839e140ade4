"""``python -m styles FIRST LAST``: the share of claims decided rightly, for each switch and each forward pass."""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict

import derive.checking
from styles.pages import page
from styles.reading import check, outcomes, share
from styles.switches import SWITCHES


def main(first: int, last: int, shown: str = "") -> None:
    derive.checking.MISTAKE_SECONDS = 0.0
    whole: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    by: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    slow: list[tuple[float, int]] = []
    for seed in range(first, last):
        one = page(seed)
        start = time.process_time()
        found = outcomes(one, check(one))
        slow.append((time.process_time() - start, seed))
        for outcome in found:
            whole[outcome.word] += 1
            if seed % 3 == 0:
                kept[outcome.word] += 1
            for name in SWITCHES:
                by[name, one.style[name]][outcome.word] += 1
            claim = outcome.placed.line.claim
            assert claim is not None
            by["truth", "right" if claim.is_right else "wrong"][outcome.word] += 1
            by["kind", claim.kind][outcome.word] += 1
            by["pass", " + ".join(one.titles) if len(one.titles) < 2 else "(two)"][outcome.word] += 1
            if outcome.word == "false" or outcome.word == shown:
                print(
                    f"{outcome.word}: seed {seed}, {' + '.join(one.titles)}, {'right' if claim.is_right else 'wrong'}"
                )
                print(
                    "   ",
                    one.text[outcome.placed.start : outcome.placed.end]
                    if one.kind != "ipynb"
                    else outcome.placed.line.sides,
                )
                for statement in outcome.found:
                    print("      ", statement.status, statement.reason)
    for (name, value), words in sorted(by.items()):
        print(f"{name:12} {value:28} {share(words):4.0%} of {sum(words.values()):5}  false {words['false']}")
    print(f"all: {share(whole):.1%} of {sum(whole.values())}, false {whole['false']}; kept apart: {share(kept):.1%}")
    print(f"seconds: {sum(t for t, _ in slow):.1f}; slowest {sorted(slow)[-3:]}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4])
