"""Reads chaos blocks made at random, right and spoilt, until one makes the reader crash, hang or change its mind.

    python -m tests.fuzz.blocks [--inputs 1000000] [--seed 1] [--blocks 1] [--kept DIR]

Of ten documents one is written from a tree, and must be read as that tree; nine are it, spoilt, and must be read or
refused with a place in the text. Those made, and a quarter of the spoilt ones that are read, are formatted: that says
the same, formats to itself, and leaves what stands around the blocks as it was. Stops at the first input that fails,
keeps it in DIR and exits 1. `--blocks 3` makes documents of up to three blocks with up to three scenarios each.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

from blackstart.dsl import scan, tree
from blackstart.dsl.layout import formatted
from blackstart.dsl.parse import blocks, parse
from blackstart.dsl.problems import BadSpec
from tests.fuzz import made_blocks
from tests.fuzz.written_blocks import Writer

LIMIT_S = 5.0
_EACH = 10_000  # inputs between two lines of progress


Input = tuple[str, tuple[tree.Block, ...] | None]


def documents(seed: int, most_blocks: int = 3) -> Iterator[Input]:
    """Inputs without end, each with what it must be read as; None for a spoilt one. The same for the same seed."""
    random = Random(seed)
    while True:
        made = made_blocks.blocks(random, most_blocks)
        text = Writer(random).document(made)
        yield text, made
        for _ in range(9):
            yield made_blocks.spoilt(random, text), None


def tried(text: str, wanted: tuple[tree.Block, ...] | None) -> str:
    """What became of an input: `formatted`, `read`, `refused` or `empty` (no block is left). Raises AssertionError, and
    whatever the reader raises."""
    try:
        found = blocks(text, "input.isl")
    except BadSpec as refused:
        assert wanted is None, str(refused)
        _placed(refused, text)
        return "refused"
    try:
        parse(text, "input.isl")
    except BadSpec as refused:  # in its words
        _placed(refused, text)
    assert wanted is None or found == wanted, "it is read as another tree"
    if wanted is None and crc32(text.encode("utf-8", "surrogatepass")) % 4:
        return "read" if found else "empty"
    shown = formatted(text)
    assert formatted(shown) == shown
    assert _around(shown) == _around(text)
    return "formatted"


def _placed(refused: BadSpec, text: str) -> None:
    lines = text.split("\n")
    for problem in refused.problems:
        line, column = problem.place.line, problem.place.column
        assert 1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1, problem
    assert len(refused.lines()) >= len(refused.problems) > 0


def _around(text: str) -> list[str]:
    ends = [0, *(place for extent in scan.extents(text) for place in (extent.start, extent.end)), len(text)]
    return [text[start:end] for start, end in zip(ends[::2], ends[1::2], strict=True)]


def _hangs(*_: Any) -> None:
    raise TimeoutError(f"not read within {LIMIT_S:g} s of our own processor time")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--kept", type=Path, default=Path("fuzzed"))
    options = parser.parse_args()
    signal.signal(signal.SIGVTALRM, _hangs)
    counts: Counter[str] = Counter()
    began_s, longest_s = time.monotonic(), 0.0
    inputs = islice(documents(options.seed, options.blocks), options.inputs)
    for number, (text, wanted) in enumerate(inputs):
        start_s = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
        try:
            counts[tried(text, wanted) + (" as made" if wanted else "")] += 1
        except Exception as error:
            options.kept.mkdir(parents=True, exist_ok=True)
            kept = options.kept / f"{options.seed}-{number}.isl"
            kept.write_bytes(text.encode("utf-8", "surrogatepass"))
            print(f"input {number} of seed {options.seed}: {type(error).__name__}: {error}\nkept in {kept}")
            return 1
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        longest_s = max(longest_s, time.process_time() - start_s)
        if (number + 1) % _EACH == 0 or number + 1 == options.inputs:
            print(f"{number + 1} inputs of seed {options.seed} in {time.monotonic() - began_s:.0f} s, the longest "
                  f"{longest_s * 1000:.0f} ms: {dict(sorted(counts.items()))}", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
