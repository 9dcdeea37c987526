"""How time and memory grow with the number of lines: `python benchmarks/growth.py FOLDER… [--plot growth.svg]`.

Samples of the folders' files, from 10 thousand lines to all of them, are each linted by a fresh process without a
cache. Read the last two columns: they stay level if the growth is linear, and memory must not grow at all with it.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import click

FIRST = 10_000
SEED = 1

_CHILD = (
    "import resource, sys; from nanlint.config import Settings; from nanlint.engine import lint_paths\n"
    "found = sum(len(one.found) for one in lint_paths(sys.stdin.read().split('\\n'), Settings()))\n"
    "used = resource.getrusage(resource.RUSAGE_SELF)\n"
    "print(found, used.ru_utime + used.ru_stime, used.ru_maxrss)"
)


class Point(NamedTuple):
    """One sample: how much was linted, what it took and what was found."""

    lines: int
    files: int
    seconds: float
    megabytes: float
    found: int


def measure(files: list[Path], lines: int) -> Point:
    """Lint these files in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD],
            input="\n".join(str(file) for file in files),
            text=True,
            capture_output=True,
            check=True,
            cwd=folder,
        )
    found, seconds, kilobytes = done.stdout.split()
    return Point(lines, len(files), float(seconds), float(kilobytes) / 1024, int(found))


def points(folders: tuple[Path, ...]) -> list[Point]:
    """Samples of doubling size, each a part of the next."""
    counted = [(file, _lines(file)) for folder in folders for file in sorted(folder.rglob("*.py"))]
    random.Random(SEED).shuffle(counted)
    total = sum(lines for _, lines in counted)
    sizes = [*takewhile(lambda size: size < total, (FIRST * 2**step for step in range(20))), total]
    return [measure(*_up_to(counted, size)) for size in sizes]


def _up_to(counted: list[tuple[Path, int]], size: int) -> tuple[list[Path], int]:
    chosen: list[Path] = []
    lines = 0
    for file, count in counted:
        if lines >= size:
            break
        chosen.append(file)
        lines += count
    return chosen, lines


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n")


def plot(measured: list[Point], path: Path) -> None:
    """Two curves over the same lines, as an SVG that needs no library."""
    width, height, margin = 640, 360, 50
    most = max(point.lines for point in measured)

    def curve(values: list[float], colour: str) -> str:
        top = max(values)
        places = (
            f"{margin + (width - 2 * margin) * point.lines / most:.1f},"
            f"{height - margin - (height - 2 * margin) * value / top:.1f}"
            for point, value in zip(measured, values, strict=True)
        )
        return f'<polyline points="{" ".join(places)}" fill="none" stroke="{colour}" stroke-width="2"/>'

    seconds, memory = [point.seconds for point in measured], [point.megabytes for point in measured]
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
        f'<rect width="{width}" height="{height}" fill="white"/>'
        f"{curve(seconds, '#1565c0')}{curve(memory, '#c62828')}"
        f'<text x="{margin}" y="20" fill="#1565c0">seconds, up to {max(seconds):.0f}</text>'
        f'<text x="{width // 2}" y="20" fill="#c62828">memory in MB, up to {max(memory):.0f}</text>'
        f'<text x="{margin}" y="{height - 15}">0</text>'
        f'<text x="{width - 2 * margin}" y="{height - 15}">{most:,} lines</text></svg>\n',
        encoding="utf-8",
    )


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Also draw the curves, as SVG.")
def main(folders: tuple[Path, ...], picture: Path | None) -> None:
    """Print a table in Markdown."""
    folders = tuple(folder.resolve() for folder in folders)
    print("| lines | files | findings | seconds | MB | µs per line | MB per 100,000 lines |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    measured = points(folders)
    for one in measured:
        rates = f"{1e6 * one.seconds / one.lines:.0f} | {1e5 * one.megabytes / one.lines:.0f}"
        print(f"| {one.lines:,} | {one.files:,} | {one.found} | {one.seconds:.1f} | {one.megabytes:.0f} | {rates} |")
    if picture is not None:
        plot(measured, picture)


if __name__ == "__main__":
    main()
