"""nanlint beside its peers on the same files in one run: `python benchmarks/compare.py FOLDER [--peers]`.

Read the ratios. Each round runs every command once, one after the other, so that a busy machine disturbs all alike, and
the ratio to bare parsing is taken within the round: of the time on the wall, and of the processors' time, which others
disturb less. Peers that are installed take part; `--peers` installs each into an
environment of its own beside this file (TorchFix would else run inside flake8 too). `--plot FILE` draws time and
memory against lines.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

# as released on PyPI; Fixit with the rules that it has switched on by default, pylint with its own
PEERS = {
    "torchfix": ["--select=ALL"],
    "fixit": ["lint"],
    "flake8": ["--jobs=1"],
    "pylint": ["--jobs=1", "--recursive=y"],
    "ruff": ["check", "--no-cache", "--isolated"],
}
# what the time and the memory of growing samples are measured of, beside bare parsing
_GROWING = ("libcst.parse_module, bare", "nanlint, cold, one process", "torchfix", "fixit", "flake8", "pylint", "ruff")
_FIRST = 10_000  # lines

ENVIRONMENTS = Path(__file__).resolve().parent / ".peers"

_PARSE = (
    "import gc, sys, libcst; gc.disable()\n"
    "for name in sys.stdin.read().split('\\n'): libcst.parse_module(open(name, 'rb').read())"
)


class Command(NamedTuple):
    """One column of the race.

    Attributes:
        name: what the table calls it.
        words: the command; it gets the files on its standard input.
        before: is done before each run, and not counted.
        limit: the seconds after which it is stopped.
    """

    name: str
    words: list[str]
    before: Callable[[], object] = lambda: None
    limit: float | None = None


def commands(folder: Path, own: bool, limit: int) -> Iterator[Command]:
    """What takes part."""
    nanlint = [sys.executable, "-m", "nanlint", "check", "--isolated", "--exit-zero", "--statistics", str(folder)]
    cache = ["--cache-dir", str(folder.parent / "kept")]
    edited = max(folder.rglob("*.py"), key=lambda path: path.stat().st_size)

    def keep() -> None:  # what is kept is kept for the folder that names are relative to
        subprocess.run([*nanlint, *cache], check=True, capture_output=True, cwd=folder.parent)

    def edit() -> None:
        keep()
        with edited.open("a", encoding="utf-8") as file:
            file.write("\n# edited\n")

    yield Command("libcst.parse_module, bare", [sys.executable, "-c", _PARSE])
    yield Command("nanlint, cold, one process", [*nanlint, "--no-cache", "--jobs", "1"])
    yield Command("nanlint, cold, two processes", [*nanlint, "--no-cache", "--jobs", "2"])
    yield Command("nanlint, unchanged", [*nanlint, *cache], keep)
    yield Command("nanlint, its largest file edited", [*nanlint, *cache], edit)
    yield Command("python -c 'import click'", [sys.executable, "-c", "import click"])
    for name, words in PEERS.items():
        program = shutil.which(name, path=str(_programs(name)) if own else None)
        if program is not None:
            yield Command(name, [program, *words, str(folder)], limit=limit)


class Taken(NamedTuple):
    """Seconds of one run: on the wall, and of the processors; both minus one if it took too long and was stopped."""

    wall: float
    processors: float


STOPPED = Taken(-1.0, -1.0)


def seconds(command: Command, files: str, folder: Path) -> Taken:
    """What one run takes."""
    command.before()
    start, used = time.perf_counter(), _used()
    # a group of its own: who is stopped may have processes of his own, which hold the pipes
    with subprocess.Popen(
        command.words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        cwd=folder.parent, start_new_session=True,
    ) as running:  # fmt: skip
        try:
            _, said = running.communicate(files, timeout=command.limit)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            return STOPPED
    taken = Taken(time.perf_counter() - start, _used() - used)
    if command.limit is None and running.returncode:  # peers say by their exit code that they found something
        raise SystemExit(said)
    return taken


def _used() -> float:
    """The processors' time of all processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def memory(command: Command, files: str, folder: Path) -> tuple[float, float]:
    """Seconds, and the peak memory in MB of a command and what it starts."""
    measured = (
        "import resource, subprocess, sys, time\n"
        "data = sys.stdin.read(); start = time.perf_counter()\n"
        "subprocess.run(sys.argv[1:], input=data, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", measured, *command.words], input=files, text=True, capture_output=True,
        cwd=folder.parent, timeout=command.limit, check=True,
    )  # fmt: skip
    taken, peak = map(float, done.stdout.split())
    return taken, peak


def grow(folder: Path, own: bool, limit: int, plot: Path) -> None:
    """Draw time and memory against lines, of samples of the folder, each four times as large as the one before."""
    curves: dict[str, list[tuple[int, float, float]]] = {}
    files = sorted(folder.rglob("*.py"))
    random.Random(1).shuffle(files)
    sizes = {path: path.read_bytes().count(b"\n") for path in files}
    wanted, total = _FIRST, sum(sizes.values())
    while True:
        with tempfile.TemporaryDirectory() as name:
            sample, lines = Path(name) / "sample", 0
            for path in files:
                if lines >= wanted:
                    break
                target = sample / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
                lines += sizes[path]
            listed = "\n".join(map(str, sorted(sample.rglob("*.py"))))
            for one in commands(sample, own, limit):
                slow = any(taken > limit / 4 for _, taken, _ in curves.get(one.name, []))
                if one.name in _GROWING and not slow:
                    curves.setdefault(one.name, []).append((lines, *memory(one._replace(limit=None), listed, sample)))
        if wanted >= total:
            break
        wanted *= 4
    draw(curves, plot)


def draw(curves: dict[str, list[tuple[int, float, float]]], plot: Path) -> None:
    """Two pictures side by side, and the numbers as a table in Markdown."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    print("\n| | lines | seconds | MB |\n|---|--:|--:|--:|")
    for name, points in curves.items():
        for at, axis in enumerate(axes, 1):
            axis.plot([point[0] for point in points], [point[at] for point in points], marker="o", label=name)
        for lines, taken, peak in points:
            print(f"| {name} | {lines:,} | {taken:.1f} | {peak:.0f} |")
    for axis, title in zip(axes, ("seconds", "MB"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="lines", title=title)
        axis.grid(visible=True, alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.savefig(plot)


def install() -> None:
    """Give each peer an environment, unless it has one."""
    for name in PEERS:
        programs = _programs(name)
        if shutil.which(name, path=str(programs)) is None:
            venv.create(ENVIRONMENTS / name, with_pip=True)
            subprocess.run([str(programs / "pip"), "install", "--quiet", name], check=True)


def _programs(name: str) -> Path:
    return ENVIRONMENTS / name / ("Scripts" if os.name == "nt" else "bin")


def row(name: str, taken: list[Taken], bare: list[Taken]) -> str:
    """One line of the table: seconds, and ratios to bare parsing in the same round."""
    if STOPPED in taken:
        return f"| {name} | longer than the limit | | |"
    wall = [one.wall / base.wall for one, base in zip(taken, bare, strict=True)]
    used = [one.processors / base.processors for one, base in zip(taken, bare, strict=True)]
    return f"| {name} | {_three([one.wall for one in taken], '.2f')} | {_three(wall, '.3g')} | {_three(used, '.3g')} |"


def _three(values: list[float], form: str) -> str:
    return " / ".join(format(one, form) for one in (min(values), statistics.median(values), max(values)))


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--peers", is_flag=True, help="Install the peers into an environment of their own first.")
@click.option("--rounds", default=3, show_default=True, help="How often everything runs; 0 only draws.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw time and memory against lines too.")
@click.option("--limit", default=600, show_default=True, help="Seconds after which a peer is stopped.")
def main(folder: Path, peers: bool, rounds: int, limit: int, plot: Path | None) -> None:
    """Print a table in Markdown."""
    if peers:
        install()
    if rounds:
        race(folder, peers, rounds, limit)
    if plot is not None:
        grow(folder, peers, limit, plot)


def race(folder: Path, own: bool, rounds: int, limit: int) -> None:
    """Print a table of what everything takes on the same files."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / folder.resolve().name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".git", "__pycache__"))
        files = sorted(copy.rglob("*.py"))
        lines = sum(path.read_bytes().count(b"\n") for path in files)
        print(f"{len(files):,} files, {lines:,} lines, {rounds} rounds; load {_load()}\n")
        print("| | seconds: min / median / max | times bare parsing: min / median / max | in processor time |")
        print("|---|--:|--:|--:|")
        entrants = list(commands(copy, own, limit))
        taken: dict[str, list[Taken]] = {one.name: [] for one in entrants}
        for _ in range(rounds):
            for one in entrants:
                if STOPPED not in taken[one.name]:
                    taken[one.name].append(seconds(one, "\n".join(map(str, files)), copy))
        for one in entrants:
            print(row(one.name, taken[one.name], taken[entrants[0].name]))


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    main()
