"""Programs that fail, and train after the repair: `python benchmarks/proof.py`.

Runs every program of tests/fixtures/zoo as it is and as `nanlint check --fix --unsafe-fixes` rewrites it, each in a
process of its own with a limit of time, and writes docs/proof.md, docs/proof.svg and the table in README.md. A program
may name other lines than its marks do, end otherwise than its head says, or not train: then the exit code is 1.
Programs in Keras and optax are run where these are installed: `pip install '.[zoo]'`.

    python benchmarks/proof.py                      # everything, and the page
    python benchmarks/proof.py --subset fast        # every sixth program, no page: what the tests run
    python benchmarks/proof.py vae digits_mlp       # these, no page
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import proof_page
import zoo
from cases import Case, Twin

from nanlint.cards import load_cards
from nanlint.source import Source
from nanlint.testing import Lint, default_lint, run_fixture

ROOT = Path(__file__).resolve().parent.parent
ZOO = ROOT / "tests" / "fixtures" / "zoo"

SECONDS = 120  # that one run may take, on a busy machine
TWIN_STEPS = 200
FAST = 6  # the fast subset is every sixth program


def repair(paths: Sequence[Path], folder: Path) -> None:
    """Copies of the programs, rewritten by the command that a user calls."""
    for path in paths:
        shutil.copyfile(path, folder / path.name)
    command = [sys.executable, "-m", "nanlint", "check", "--isolated", "--no-cache", "--exit-zero", "--fix"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*command, "--unsafe-fixes", str(folder)], check=True, capture_output=True, env=env)


def examine(path: Path, folder: Path, lint: Lint) -> Case:
    """Run one program before and after."""
    program, repaired = zoo.read(path), folder / path.name
    _, by = program.fails
    before = limited(zoo.run, path, by + 1)
    steps = before.step + 1 if isinstance(before, zoo.Outcome) else by
    blame = limited(zoo.blame_of, path, steps)
    after = limited(zoo.run, repaired, max(zoo.LONGER * steps, zoo.SHORTEST))
    found = lint(Source(str(path), path.read_text(encoding="utf-8")))
    unexpected = [str(one) for one in run_fixture(path, lint)]
    return Case(program, found, unexpected, repaired.read_text(encoding="utf-8"), before, after, blame)


def examine_twin(path: Path, lint: Lint) -> Twin:
    """Run a healthy program."""
    found = lint(Source(str(path), path.read_text(encoding="utf-8")))
    return Twin(path.stem, len(found), limited(zoo.run, path, TWIN_STEPS))


def limited(work: Callable[..., Any], *arguments: object) -> Any:
    """Do it in a process of its own; in words, if it takes too long or dies."""
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_send, args=(sender, work, arguments))
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(SECONDS) else f"no end in {SECONDS} seconds"
    except EOFError:
        return "the process died"
    finally:
        process.kill()
        process.join()


def _send(sender: Connection, work: Callable[..., Any], arguments: Sequence[object]) -> None:
    import torch

    torch.set_num_threads(1)
    sender.send(work(*arguments))


_CONTEXT = multiprocessing.get_context("forkserver")
# what every run needs, and what this file imports: each process reads it again
_PRELOADED = ["torch", "torch._dynamo", "torch.utils._python_dispatch", "proof_page", "nanlint.testing"]


def present(paths: Sequence[Path]) -> list[Path]:
    """Those whose libraries are installed; of the others it is said what they need."""
    missing = {path: zoo.read(path).missing for path in paths}
    for path, names in missing.items():
        if names:
            click.echo(f"not run: {path.relative_to(ZOO)} needs {', '.join(names)}, which is not installed")
    return [path for path in paths if not missing[path]]


def examine_all(paths: Sequence[Path], healthy: Sequence[Path], jobs: int) -> tuple[list[Case], list[Twin]]:
    """Run them, some at a time."""
    from rich.console import Console
    from rich.progress import Progress

    lint = default_lint(load_cards())
    console = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(console=console, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(jobs) as pool,
    ):
        os.environ.setdefault("KERAS_HOME", folder)  # where it writes its settings
        task = progress.add_task("programs", total=len(paths) + len(healthy))
        repair(paths, Path(folder))
        running = [pool.submit(examine, path, Path(folder), lint) for path in paths]
        pending = [pool.submit(examine_twin, path, lint) for path in healthy]
        for future in as_completed([*running, *pending]):
            future.result()
            progress.advance(task)
        return [future.result() for future in running], [future.result() for future in pending]


@click.command()
@click.argument("names", nargs=-1)
@click.option("--subset", type=click.Choice(["all", "fast"]), default="all", help="Every program, or every sixth.")
@click.option("--write/--no-write", default=None, help="Write docs/proof.md; by default if everything is run.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="How many run at a time.")
def main(names: Sequence[str], subset: str, write: bool | None, jobs: int) -> None:
    """Run the programs of the zoo before and after their repair."""
    every = sorted(ZOO.glob("*.py"))
    if unknown := set(names) - {path.stem for path in every}:
        raise click.UsageError(f"no such program: {', '.join(sorted(unknown))}")
    stride = FAST if subset == "fast" else 1
    chosen = [path for path in every if path.stem in names] if names else every[::stride]
    twins_chosen = [] if names else sorted((ZOO / "healthy").glob("*.py"))[::stride]
    paths, healthy = present(chosen), present(twins_chosen)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _CONTEXT.set_forkserver_preload(_PRELOADED)
    cases, twins = examine_all(paths, healthy, jobs)
    for case in cases:
        if not case.is_as_claimed:
            click.echo("not as claimed: " + proof_page.row(case) + "".join(f"\n  {one}" for one in case.unexpected))
    for twin in twins:
        if not twin.is_as_claimed:
            click.echo(f"not as claimed: {twin.name}, healthy: {twin.findings} findings, {twin.outcome}")
    is_whole = paths == every and len(healthy) == len(twins_chosen)
    if write if write is not None else is_whole:
        if not is_whole:  # it would lose rows
            raise click.UsageError("the page is written only where every program is run")
        proof_page.write(cases, twins, ROOT)
    click.echo(proof_page.summary(cases, twins))
    sys.exit(not all(one.is_as_claimed for one in [*cases, *twins]))


if __name__ == "__main__":
    main()
