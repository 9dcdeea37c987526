"""What linting costs on top of parsing: `python benchmarks/parse_ratio.py FOLDER`.

Times, in one run and on the same files, bare `libcst.parse_module` with the cyclic garbage collector paused and the
whole of nanlint without a cache. Read the ratio, not the seconds.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path

import libcst as cst

from nanlint.config import Settings
from nanlint.engine import lint_paths

ROUNDS = 3


def seconds(work: Callable[[], object]) -> list[float]:
    """Process time of each round, sorted."""
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return sorted(taken)


def parse(texts: list[str]) -> None:
    """Parse everything, the collector paused as nanlint pauses it."""
    gc.disable()
    for text in texts:
        cst.parse_module(text)
    gc.enable()


def main(folder: Path) -> None:
    """Print lines, seconds and ratio."""
    files = sorted(folder.rglob("*.py"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    lines = sum(text.count("\n") for text in texts)
    bare = seconds(lambda: parse(texts))
    full = seconds(lambda: list(lint_paths([str(folder)], Settings())))
    print(f"{len(files)} files, {lines} lines, {ROUNDS} rounds: min / median / max seconds of processor time")
    print("libcst.parse_module", *(f"{each:.2f}" for each in bare))
    print("nanlint, no cache  ", *(f"{each:.2f}" for each in full))
    print(f"ratio of the medians {full[1] / bare[1]:.2f}, of the best {full[0] / bare[0]:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
