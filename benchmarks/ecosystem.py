"""What a change does to the findings in other people's code: `python benchmarks/ecosystem.py BASE [HEAD] -- FOLDER…`.

BASE and HEAD are revisions of this repository; without HEAD the working tree is compared. Each revision is checked
out beside the repository for the time of the run, so nothing in the working tree is touched. The report is Markdown:

    python benchmarks/ecosystem.py main -- ~/src/timm ~/src/transformers > report.md
    python benchmarks/ecosystem.py --sample 20 --seed 3 -- ~/src/timm      # findings to judge, without a comparison

With `--packages` the packages of `ecosystem.txt`, pinned releases from PyPI, are linted instead of folders; `pip`
fetches what is not yet in `.ecosystem/` beside this file. Wheels are unpacked, and nothing in them is run.

    python benchmarks/ecosystem.py main --packages > report.md

The exit code is 0 however many findings come and go, and 1 if something failed.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import click

from nanlint.source import Source, SourceError, read_source

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = Path(__file__).resolve().with_suffix(".txt")
FETCHED = PACKAGES.parent / ".ecosystem"

CONTEXT = 3  # lines before and after a sampled finding

_CODE_BLOCK = " " * 6  # a code block inside of a list item; backticks in messages and code cannot end it


class Finding(NamedTuple):
    """One diagnostic. Compared as a tuple, findings stand in the order of their places."""

    filename: str
    line: int
    column: int
    code: str
    name: str
    severity: str
    evidence: str
    message: str

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What makes it the same finding in another revision; a column moves too easily."""
        return self.filename, self.code, self.message, self.line

    @property
    def rule(self) -> str:
        return f"{self.code} {self.name}"

    def __str__(self) -> str:
        where = f"{self.filename}:{self.line}:{self.column}"
        return f"{where} {self.code} {self.severity} {self.evidence}: {self.message}"


@dataclass(frozen=True, slots=True)
class Run:
    """What one revision finds, in stable order, and what it complained of on standard error."""

    findings: tuple[Finding, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side."""

    before: tuple[Finding, ...]
    after: tuple[Finding, ...]

    @property
    def added(self) -> tuple[Finding, ...]:
        return _without(self.after, self.before)

    @property
    def removed(self) -> tuple[Finding, ...]:
        return _without(self.before, self.after)


def read_findings(text: str) -> tuple[Finding, ...]:
    """The findings in the output of `nanlint check --output-format json`."""
    return tuple(sorted(_finding(one) for one in json.loads(text)))


def table(compared: Comparison) -> Iterator[str]:
    """Counts per rule, and over all rules in the last row."""
    groups = (compared.before, compared.after, compared.added, compared.removed)
    counts = [Counter(one.rule for one in group) for group in groups]
    yield "| rule | before | after | added | removed |"
    yield "|---|--:|--:|--:|--:|"
    for rule in sorted(counts[0] | counts[1]):
        yield _row(rule, [count[rule] for count in counts])
    yield _row("all", [len(group) for group in groups])


def listing(title: str, findings: Sequence[Finding], limit: int) -> Iterator[str]:
    """A section with the first `limit` of the findings, each with its line of source."""
    yield from ("", f"## {title} ({len(findings)})")
    for one in findings[:limit]:
        line = _source(one.filename).line_text(one.line).strip()
        yield from ("", f"* {one}", "", f"{_CODE_BLOCK}{line}")
    if len(findings) > limit:
        yield from ("", f"… and {len(findings) - limit} more.")


def sample(findings: Sequence[Finding], number: int, seed: int) -> list[Finding]:
    """Findings to judge by hand: the same ones for the same seed, in the order of their places."""
    return sorted(random.Random(seed).sample(sorted(findings), min(number, len(findings))))


def checklist(findings: Sequence[Finding]) -> Iterator[str]:
    """A section with a box to tick for each finding that is right, and the source around it."""
    yield from ("", f"## Right or wrong? ({len(findings)})")
    for one in findings:
        yield from ("", f"* [ ] {one}", "", *_context(one))


def report(compared: Comparison, limit: int) -> Iterator[str]:
    """The comparison as lines of Markdown."""
    yield from table(compared)
    yield from listing("Added", compared.added, limit)
    yield from listing("Removed", compared.removed, limit)


@contextmanager
def checked_out(revision: str | None) -> Iterator[Path]:
    """A folder with that revision; the repository itself for None, the working tree."""
    if revision is None:
        yield ROOT
        return
    with tempfile.TemporaryDirectory(prefix="nanlint-ecosystem-") as folder:
        tree = Path(folder, "tree")
        try:
            _git("worktree", "add", "--quiet", "--detach", str(tree), revision)
            yield tree
        finally:
            if tree.exists():
                _git("worktree", "remove", "--force", str(tree))


def lint(tree: Path, folders: Sequence[str]) -> Run:
    """What the nanlint in `tree` finds, without any configuration."""
    path = os.pathsep.join(filter(None, (str(tree), os.environ.get("PYTHONPATH"))))
    # -P: the folder we stand in may hold another nanlint
    command = [sys.executable, "-P", "-m", "nanlint", "check", "--isolated", "--no-cache", "--output-format", "json"]
    done = subprocess.run(
        [*command, "--", *folders],
        env={**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,  # 1 means findings
    )
    try:
        findings = read_findings(done.stdout)
    except (ValueError, LookupError, TypeError):
        raise click.ClickException(f"nanlint in {tree} failed:\n{done.stderr or done.stdout}") from None
    return Run(findings, tuple(done.stderr.splitlines()) if done.returncode == 2 else ())


def lint_revisions(revisions: Sequence[str | None], folders: Sequence[str]) -> list[Run]:
    """One run for each revision, side by side; None is the working tree."""
    with ExitStack() as stack:
        trees = [stack.enter_context(checked_out(revision)) for revision in revisions]
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda tree: lint(tree, folders), trees))


def fetched(listed: Path, folder: Path, *options: str) -> list[str]:
    """The packages of a list of requirements, each in a folder of its own; `options` are for `pip download`."""
    lines = (line.partition("#")[0].strip() for line in listed.read_text(encoding="utf-8").splitlines())
    found = []
    for requirement in filter(None, lines):
        package = folder / requirement.replace("==", "-")
        if not package.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                _download(requirement, Path(temporary), options)
                (wheel,) = Path(temporary).glob("*.whl")
                with zipfile.ZipFile(wheel) as archive:
                    archive.extractall(Path(temporary, "unpacked"))
                Path(temporary, "unpacked").rename(package)
        found.append(str(package))
    return found


def _download(requirement: str, folder: Path, options: Sequence[str]) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--ignore-requires-python", "--dest", str(folder), *options, requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"cannot fetch {requirement}: {done.stderr.strip()}")


class _FoldersAfterDashes(click.Command):
    """A command that keeps what stands behind `--` in `ctx.obj`; click itself forgets where that was."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.obj = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- FOLDER..."]


@click.command(cls=_FoldersAfterDashes, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("base", required=False)
@click.argument("head", required=False)
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="Findings to show per list.")
@click.option("--sample", "number", type=click.IntRange(0), default=0, help="Findings of HEAD to judge by hand.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which sample to draw.")
@click.option("--packages", is_flag=True, help="Lint the packages of ecosystem.txt.")
@click.pass_obj
def main(
    folders: list[str], base: str | None, head: str | None, limit: int, number: int, seed: int, packages: bool
) -> None:
    """Compare what two revisions of nanlint find in the FOLDERs; BASE may be left out with --sample."""
    if packages:
        folders = [*folders, *fetched(PACKAGES, FETCHED)]
    if not folders:
        raise click.UsageError("no folders; they stand behind `--`")
    for folder in folders:
        if not Path(folder).exists():
            raise click.UsageError(f"no such file or folder: {folder}")
    if base is None and not number:
        raise click.UsageError("give the revision to compare with, or --sample")
    runs = lint_revisions([head] if base is None else [base, head], folders)
    if base is not None:
        click.echo(f"# {base} → {head or 'working tree'}\n")
        for line in report(Comparison(runs[0].findings, runs[1].findings), limit):
            click.echo(line)
    if number:
        for line in checklist(sample(runs[-1].findings, number, seed)):
            click.echo(line)
    problems = [problem for run in runs for problem in run.problems]
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)


def _finding(one: dict[str, Any]) -> Finding:
    start = one["location"]
    words = (one[key] for key in ("code", "name", "severity", "evidence", "message"))
    return Finding(one["filename"], start["row"], start["column"], *words)


def _without(findings: Sequence[Finding], others: Sequence[Finding]) -> tuple[Finding, ...]:
    """`findings` less one for each of the `others` with the same key: of two alike, one may go."""
    left = Counter(one.key for one in others)
    kept = []
    for one in findings:
        if left[one.key]:
            left[one.key] -= 1
        else:
            kept.append(one)
    return tuple(kept)


def _row(rule: str, counts: Sequence[int]) -> str:
    return " | ".join((f"| {rule}", *map(str, counts))) + " |"


def _context(one: Finding) -> Iterator[str]:
    source = _source(one.filename)
    for line in range(max(one.line - CONTEXT, 1), min(one.line + CONTEXT, len(source.lines)) + 1):
        mark = ">" if line == one.line else " "
        yield f"{_CODE_BLOCK}{mark} {line:4} | {source.line_text(line)}".rstrip()


@cache
def _source(filename: str) -> Source:
    """The text of a file that was linted; nothing if that cannot be read, which is a finding of its own."""
    try:
        return read_source(Path(filename), filename)
    except SourceError:
        return Source(filename, "")


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"git {' '.join(arguments)}: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
