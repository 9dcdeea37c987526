"""From a keystroke to fresh findings in an editor: `python benchmarks/server.py FILE`.

Opens the file (cut to a thousand lines at a statement of its top level) in a real client, makes fifty edits in the
middle, and compares the median with one bare `libcst.parse_module` of the same text. The wait for further keystrokes is
part of the time.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import statistics
import sys
import time
from pathlib import Path

import libcst as cst
from lsprotocol import types

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from editor import Editor

EDITS = 50
LINES = 1000


def parse_seconds(text: str) -> float:
    """One bare parse, the collector paused as nanlint pauses it."""
    gc.disable()
    start = time.perf_counter()
    cst.parse_module(text)
    taken = time.perf_counter() - start
    gc.enable()
    return taken


async def edit_seconds(text: str, folder: Path) -> tuple[float, list[float], list[float]]:
    """Opening, each edit, and a parse after each, so that a busy machine slows both."""
    starts = [statement.lineno for statement in ast.parse(text).body]
    line = min(starts, key=lambda start: abs(start - text.count("\n") // 2)) - 1
    async with Editor(folder) as editor:
        start = time.perf_counter()
        await editor.open(text)
        opening = time.perf_counter() - start
        taken, bare = [], []
        for number in range(EDITS):
            at = types.Position(line, 0)
            start = time.perf_counter()
            await editor.change(f"_v{number} = {number}\n", types.Range(at, at))
            taken.append(time.perf_counter() - start)
            bare.append(parse_seconds(text))
    return opening, taken, bare


def main(file: Path) -> None:
    """Print the figures; exit with 1 above the bar."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    ends = [statement.end_lineno or 0 for statement in ast.parse("".join(lines)).body]
    text = "".join(lines[: max(end for end in ends if end <= LINES)])
    opening, taken, parses = asyncio.run(edit_seconds(text, file.resolve().parent))
    median, bare = statistics.median(taken), statistics.median(parses)
    print(f"{text.count(chr(10))} lines; libcst.parse_module {bare * 1000:.0f} ms")
    print(f"opening {opening * 1000:.0f} ms (the first look of a server also loads the rules)")
    print(f"{EDITS} edits: median {median * 1000:.0f} ms, worst {max(taken) * 1000:.0f} ms; ratio {median / bare:.2f}")
    sys.exit(median / bare > 3)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
