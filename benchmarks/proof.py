"""Programs that fail, and train after the repair: `python benchmarks/proof.py`.

Runs every program of tests/fixtures/zoo as it is and as `nanlint check --fix --unsafe-fixes` rewrites it, each in a
process of its own with a limit of time, and writes docs/proof.md and docs/proof.svg. A program may name other lines
than its marks do, end otherwise than its head says, or not train: then the exit code is 1.

    python benchmarks/proof.py                      # everything, and the page
    python benchmarks/proof.py --subset fast        # every sixth program, no page: what the tests run
    python benchmarks/proof.py vae digits_mlp       # these, no page
"""

from __future__ import annotations

import difflib
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import zoo
from blame import Blame

from nanlint.cards import load_cards
from nanlint.diagnostic import Diagnostic
from nanlint.fix import Applicability
from nanlint.source import Source
from nanlint.testing import Lint, default_lint, run_fixture

ROOT = Path(__file__).resolve().parent.parent
ZOO = ROOT / "tests" / "fixtures" / "zoo"
PAGE = ROOT / "docs" / "proof.md"

SECONDS = 60  # that one run may take
LONGER = 10  # times the steps it took to fail, the repaired program must train
SHORTEST = 100  # steps, at least
TWIN_STEPS = 200
POINTS = 30  # of a curve in the picture
FAST = 6  # the fast subset is every sixth program

_FINITE = ("divergence", "no-learning")


@dataclass
class Case:
    """One program, and all that was found out about it."""

    program: zoo.Program
    found: list[Diagnostic]
    unexpected: list[str]
    repaired: Path
    before: zoo.Outcome | str
    after: zoo.Outcome | str
    blame: Blame | str | None

    @property
    def fails(self) -> bool:
        """Does it fail as its head says, in time?"""
        how, by = self.program.fails
        return isinstance(self.before, zoo.Outcome) and self.before.verdict == how and self.before.step <= by

    @property
    def trains(self) -> bool:
        return isinstance(self.after, zoo.Outcome) and self.after.verdict == "trains"

    @property
    def agrees(self) -> bool:
        """Does a run-time check blame a line that nanlint names?"""
        text = self.program.path.read_text(encoding="utf-8")
        lines = [one.span.start_line for one in self.found]
        return isinstance(self.blame, Blame) and zoo.same_statement(text, self.blame.line, lines)

    @property
    def is_as_claimed(self) -> bool:
        explained = self.agrees or "note" in self.program.head or self.program.fails[0] in _FINITE
        return self.fails and not self.unexpected and explained and self.trains == ("cure" not in self.program.head)


@dataclass
class Twin:
    """A healthy program: the same model by a sound recipe."""

    name: str
    findings: int
    outcome: zoo.Outcome | str

    @property
    def is_as_claimed(self) -> bool:
        return not self.findings and isinstance(self.outcome, zoo.Outcome) and self.outcome.verdict == "trains"


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
    after = limited(zoo.run, repaired, max(LONGER * steps, SHORTEST))
    found = lint(Source(str(path), path.read_text(encoding="utf-8")))
    unexpected = [str(one) for one in run_fixture(path, lint)]
    return Case(program, found, unexpected, repaired, before, after, blame)


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


def table(cases: Sequence[Case]) -> str:
    """One row per program."""
    rows = [
        "| program | model | fails | found at | fixed by | trains to | a run-time check blames | agrees |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join(rows + [_row(case) for case in cases])


def _row(case: Case) -> str:
    program, before = case.program, case.before
    link = f"[{program.name}](../{program.path.relative_to(ROOT).as_posix()})"
    fails = f"{before.verdict}, step {before.step}" if isinstance(before, zoo.Outcome) else before
    found = "<br>".join(dict.fromkeys(f"{one.span.start_line}: {one.code}" for one in case.found))
    fixes = [one.fix.message for one in case.found if one.fix and one.fix.applicability is not Applicability.DISPLAY]
    trains = case.after if isinstance(case.after, str) else case.after.verdict
    if isinstance(case.after, zoo.Outcome) and case.trains:
        trains = "{:.3g} → {:.3g}".format(*case.after.ends)
    fixed = "<br>".join(dict.fromkeys(fixes)) or "–"
    cells = [link, program.head["model"], fails, found, fixed, trains, *_blamed(case)]
    return f"| {' | '.join(cells)} |"


def _blamed(case: Case) -> tuple[str, str]:
    if case.blame is None:
        return "nothing: every number is finite", "–"
    if isinstance(case.blame, str):
        return case.blame, "–"
    phase = {"backward": ", backward", "step": ", in the optimiser"}.get(case.blame.phase, "")
    return f"{case.blame.line}: `{case.blame.operation}`{phase}", "yes" if case.agrees else "no"


def remarks(cases: Sequence[Case]) -> str:
    """What the heads explain, and what was repaired."""
    lines = []
    for case in cases:
        head, program = case.program.head, case.program
        lines += ["<details>", f"<summary>{program.name}: {program.title}</summary>", "", f"Cause: {head['cause']}."]
        for key, label in (("far", "Far from its cause"), ("note", "The line that nanlint names"), ("cure", "Repair")):
            if key in head:
                lines.append(f"{label}: {head[key]}.")
        old, new = (path.read_text(encoding="utf-8").splitlines() for path in (program.path, case.repaired))
        changed = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if line[:3] not in ("---", "+++")]
        lines += ["", "```diff", *changed, "```", "", "</details>", ""] if changed else ["", "</details>", ""]
    return "\n".join(lines)


def summary(cases: Sequence[Case], twins: Sequence[Twin]) -> str:
    """The numbers in one paragraph."""
    loud = [case for case in cases if isinstance(case.blame, Blame)]
    return (
        f"{len(cases)} programs; {sum(case.fails for case in cases)} fail as they say they do, "
        f"in {sum(not case.unexpected for case in cases)} nanlint reports exactly what is marked, and "
        f"{sum(case.trains for case in cases)} train after its repairs alone. A run-time check blames something in "
        f"{len(loud)}, and a line that nanlint names in {sum(case.agrees for case in cases)} of these. "
        f"{sum(len({one.code for one in case.found}) > 1 for case in cases)} hold two or more faults, in "
        f"{sum('far' in case.program.head for case in cases)} the symptom is far from its cause. "
        f"{len(twins)} healthy twins: {sum(not twin.findings for twin in twins)} without a finding, "
        f"{sum(twin.is_as_claimed for twin in twins)} of which train."
    )


def page(cases: Sequence[Case], twins: Sequence[Twin]) -> str:
    """docs/proof.md."""
    return f"""# Proof: programs that fail, and train after the repair

Written by `python benchmarks/proof.py`, which runs it all again. Every program is a file in
[tests/fixtures/zoo](../tests/fixtures/zoo), every repair is what `nanlint check --fix --unsafe-fixes` made of it, and
none was touched by hand. It fails on a CPU under its seed; repaired, it must stay finite for {LONGER} times the steps
it took to fail, and at least {SHORTEST}, and end below 95 % of its first loss.

{textwrap.fill(summary(cases, twins), 120)}

![loss curves before and after](proof.svg)

Red: as written, up to the step at which it fails. Green: repaired.

{table(cases)}

The run-time check looks at the result of every operation, forward, backward and in the optimiser, and blames the first
that makes inf of finite numbers or NaN of none. Where no number is ever inf or NaN, it has nothing to say; where it
blames another line, the note below says why.

{remarks(cases)}"""


def picture(cases: Sequence[Case], path: Path) -> None:
    """Small loss curves, one per program."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "nanlint", "svg.fonttype": "none", "font.size": 5, "path.simplify": True})
    import matplotlib.pyplot as plt

    columns = 8
    figure, axes = plt.subplots(-(-len(cases) // columns), columns, figsize=(12, 1.1 * -(-len(cases) // columns)))
    for axis in axes.flat:
        axis.axis("off")
    for axis, case in zip(axes.flat, cases, strict=False):
        axis.set_title(case.program.name.replace("_", " "), pad=2)
        for outcome, color in ((case.after, "#2a9d5c"), (case.before, "#d1352b")):
            if isinstance(outcome, zoo.Outcome):
                stride = max(1, len(outcome.losses) // POINTS)
                axis.plot(range(0, len(outcome.losses), stride), outcome.losses[::stride], color=color, linewidth=0.8)
        if isinstance(case.before, zoo.Outcome):
            axis.axvline(case.before.step, color="#d1352b", linewidth=0.6, linestyle=":")
        if isinstance(case.after, zoo.Outcome) and case.after.losses:
            low, high = min(case.after.losses), max(case.after.losses)
            margin = 0.1 * (high - low) or 1.0
            if all(abs(end) < float("inf") for end in (low, high)):
                axis.set_ylim(low - margin, high + margin)
    figure.tight_layout(pad=0.3)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    # a tenth of a point is finer than a screen
    path.write_text(re.sub(r"(\d+\.\d)\d+", r"\1", path.read_text(encoding="utf-8")), encoding="utf-8")


def present(paths: Sequence[Path]) -> list[Path]:
    """Those whose libraries are installed; of the others it is said what they need."""
    missing = {path: zoo.read(path).missing for path in paths}
    for path, names in missing.items():
        if names:
            click.echo(f"not run: {path.relative_to(ZOO)} needs {', '.join(names)}, which is not installed")
    return [path for path in paths if not missing[path]]


def examine_all(paths: Sequence[Path], healthy: Sequence[Path]) -> tuple[list[Case], list[Twin]]:
    """Run them, two at a time."""
    from rich.console import Console
    from rich.progress import Progress

    lint = default_lint(load_cards())
    console = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(console=console, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(2) as pool,
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
def main(names: Sequence[str], subset: str, write: bool | None) -> None:
    """Run the programs of the zoo before and after their repair."""
    every = sorted(ZOO.glob("*.py"))
    if unknown := set(names) - {path.stem for path in every}:
        raise click.UsageError(f"no such program: {', '.join(sorted(unknown))}")
    stride = FAST if subset == "fast" else 1
    chosen = [path for path in every if path.stem in names] if names else every[::stride]
    twins_chosen = [] if names else sorted((ZOO / "healthy").glob("*.py"))[::stride]
    paths, healthy = present(chosen), present(twins_chosen)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _CONTEXT.set_forkserver_preload(["__main__", "torch", "torch._dynamo", "torch.utils._python_dispatch"])
    cases, twins = examine_all(paths, healthy)
    for case in cases:
        if not case.is_as_claimed:
            click.echo("not as claimed: " + _row(case) + "".join(f"\n  {one}" for one in case.unexpected))
    for twin in twins:
        if not twin.is_as_claimed:
            click.echo(f"not as claimed: {twin.name}, healthy: {twin.findings} findings, {twin.outcome}")
    is_whole = paths == every and len(healthy) == len(twins_chosen)
    if write if write is not None else is_whole:
        if not is_whole:  # it would lose rows
            raise click.UsageError("the page is written only where every program is run")
        PAGE.write_text(page(cases, twins), encoding="utf-8")
        picture(cases, PAGE.with_suffix(".svg"))
    click.echo(summary(cases, twins))
    sys.exit(not all(one.is_as_claimed for one in [*cases, *twins]))


if __name__ == "__main__":
    main()
