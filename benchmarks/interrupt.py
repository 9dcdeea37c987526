"""SIGKILL in the middle of repairing: `python -m benchmarks.interrupt [--kills 200]`.

A run of `nanlint check --fix` over a folder is killed, with its helpers, at a random moment. Every file must then hold
its old text or its new one, byte for byte; and the next run must finish the work. What is left lying about is counted.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

_PARTS = (
    "import torch\n\n\ndef f{0}(x):\n    # of number {0}\n    return torch.log(torch.softmax(x, -1))\n",
    "\n\ndef g{0}(x, y):\n    return x / y.norm()  # é {0}\n",
    "\n\ndef h{0}(x):\n    return (1 - torch.sigmoid(x)).log() + {0}\n",
)
_COMMAND = [sys.executable, "-P", "-m", "nanlint", "check", "--fix", "--unsafe-fixes", "--fix-only", "--isolated"]


@dataclass
class Outcome:
    """What the kills led to."""

    kills: int = 0
    midway: int = 0
    unfinished: int = 0
    left_over: int = 0
    torn: int = 0

    def __str__(self) -> str:
        return (
            f"{self.kills} kills: {self.midway} with some files old and some new, "
            f"{self.left_over} temporary files left, "
            f"{self.torn} files neither old nor new, {self.unfinished} that the next run did not finish"
        )


def interrupt(folder: Path, kills: int, files: int, seed: int = 1) -> Outcome:
    """Kill so many runs over a folder of so many files."""
    old = {f"m{at}.py": "".join(part.format(at) for part in _PARTS * (1 + at % 5)).encode() for at in range(files)}
    _write(folder, old)
    started = time.monotonic()
    _finish(folder)
    whole = time.monotonic() - started
    new = {name: (folder / name).read_bytes() for name in old}
    assert all(new[name] != old[name] for name in old)
    outcome, chance = Outcome(), random.Random(seed)
    while outcome.kills < kills:
        _write(folder, old)
        # half of the moments right behind the first change: that is when files are written
        _kill(folder, old, chance.uniform(0, whole) if chance.random() < 0.5 else None, chance)
        now = {name: (folder / name).read_bytes() for name in old}
        fresh = [now[name] == new[name] for name in old]
        outcome.kills += 1
        outcome.torn += sum(now[name] not in (old[name], new[name]) for name in old)
        outcome.midway += any(fresh) and not all(fresh)
        outcome.left_over += sum(path.name not in old for path in folder.iterdir())
        if outcome.kills % 10 == 0:
            _finish(folder)
            outcome.unfinished += any((folder / name).read_bytes() != new[name] for name in old)
        _clear(folder)
    return outcome


def _kill(folder: Path, old: dict[str, bytes], after: float | None, chance: random.Random) -> None:
    """Kill a run after so many seconds, or a moment after it has changed its first file."""
    process = subprocess.Popen(
        [*_COMMAND, "--no-cache", "--jobs=1", "."], cwd=folder, start_new_session=True, env=_environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    first = folder / min(old)
    if after is None:
        size = len(old[first.name])
        while process.poll() is None and first.stat().st_size == size:
            time.sleep(0.0005)
        after = chance.uniform(0, 0.05)
    time.sleep(after)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _finish(folder: Path) -> None:
    subprocess.run(
        [*_COMMAND, "--no-cache", "."], cwd=folder, check=True, env=_environment(), stdout=subprocess.DEVNULL
    )


def _environment() -> dict[str, str]:
    """So that the run is one of this checkout."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}


def _write(folder: Path, texts: dict[str, bytes]) -> None:
    for name, text in texts.items():
        (folder / name).write_bytes(text)


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


@click.command()
@click.option("--kills", default=200)
@click.option("--files", default=150)
@click.option("--seed", default=1)
def main(kills: int, files: int, seed: int) -> None:
    """Print what they led to."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = interrupt(Path(folder), kills, files, seed)
    print(outcome)
    sys.exit(1 if outcome.torn or outcome.unfinished else 0)


if __name__ == "__main__":
    main()
