"""`nanlint trace`: run a model on made-up input in a process of its own, and report where its numbers go wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from nanlint.cards import Card, load_cards
from nanlint.commands import words, writing
from nanlint.config import ConfigError, Configuration, Settings, check_selectors
from nanlint.engine import FileResult, Repair, judged
from nanlint.fix import Applicability
from nanlint.formats import FORMATS
from nanlint.output import Output
from nanlint.report.style import Style, wants_colour
from nanlint.trace.merge import merged
from nanlint.trace.options import TraceSettings, Wanted, read_settings, with_values
from nanlint.trace.protocol import Job, Options, Target
from nanlint.trace.repairing import repaired, repaired_too
from nanlint.trace.results import Results, collect
from nanlint.trace.session import TraceError, events
from nanlint.trace.table import table
from nanlint.trace.targets import find_targets, roots_of

# of more models than these, only those are shown in a table about which something was found
_FEW = 2

_CLEARED = "\r\x1b[K"


def trace_targets(
    asked: Sequence[Wanted], settings: Settings, changes: dict[str, Any], cards: Sequence[Card]
) -> tuple[Results, Job]:
    """Trace what is asked for; an empty word stands for everything that the settings name.

    Raises:
        ConfigError: a word, an option or a setting cannot be used, or torch is missing.
    """
    own = read_settings(settings.trace)
    options = with_values(own.options, changes)
    targets = [target for one in _wanted(asked, own) for target in find_targets(one, settings)]
    job = Job(tuple(targets), options, roots_of(targets, settings), str(Path.cwd()))
    terminal = sys.stderr.isatty()
    try:
        return collect(events(job, _progress(terminal)), job, cards, settings), job
    except TraceError as error:
        raise ConfigError(str(error)) from None
    finally:
        if terminal:
            click.echo(_CLEARED, err=True, nl=False)


def _wanted(asked: Sequence[Wanted], own: TraceSettings) -> Iterator[Wanted]:
    """Names from the settings stand for what the settings say; the command line adds to it."""
    for one in asked:
        known = [own.targets[one.word]] if one.word in own.targets else [] if one.word else list(own.targets.values())
        if not known and not one.word:
            raise ConfigError(
                "name a file, a folder, FILE:NAME or PACKAGE.MODULE:NAME, or list [tool.nanlint.trace.targets]"
            )
        for base in known or [one]:
            yield Wanted(base.word, one.inputs or base.inputs, one.loss or base.loss, one.labels or base.labels)


def also_traced(
    static: Sequence[FileResult],
    paths: Sequence[str],
    settings: Settings,
    cards: Sequence[Card],
    repair: Repair | None = None,
) -> list[FileResult]:
    """The results of `check`, with what a run of the models under the same paths shows, and its repairs.

    Raises:
        ConfigError: nothing can be traced here, or a file cannot be written.
    """
    existing = [Path(path) for path in paths if Path(path).exists()]
    if not existing:
        return list(static)
    # what the settings say of a file under these paths is known better than what is guessed
    own = read_settings(settings.trace).targets
    inside = [one for one in own.values() if any(_lies_under(one.word, path) for path in existing)]
    asked = [*inside, *(Wanted(str(path)) for path in existing)]
    results, job = trace_targets(asked, settings, {}, cards)
    if repair is not None:
        static, left = repaired_too(static, results, repair, settings, cards)
        changed = repair.write and left.found != results.found
        # the places of what is left have moved
        results, job = trace_targets(asked, settings, {}, cards) if changed else (left, job)
    say_troubles(results, job)
    return merged(static, results, settings)


def _lies_under(word: str, path: Path) -> bool:
    file = Path(word.partition(":")[0]).resolve()
    return file.is_relative_to(path.resolve())


def _progress(terminal: bool) -> Any:
    def show(name: str) -> None:
        if terminal:
            click.echo(f"{_CLEARED}tracing {name} …", err=True, nl=False)

    return show


def report(
    results: Results, settings: Settings, cards: Sequence[Card], form: str, *, show_table: bool, statistics: bool
) -> bool:
    """Print the findings, the tables and what was not traced. Was something found?"""
    style = Style(wants_colour(sys.stdout, os.environ))
    files = [
        judged(FileResult(name, tuple(found), results.sources.get(name)), settings)
        for name, found in results.found.items()
    ]
    output = Output(files, cards, statistics=statistics)
    if form == "full" and show_table:
        for model in results.models:
            if len(results.models) <= _FEW or model.name in results.spoken:
                for line in table(model, style):
                    click.echo(line, color=style.colour)
    for line in output.lines(form, style):
        click.echo(line, color=style.colour)
    if FORMATS[form].for_people:
        click.echo(_closing(results, output, form))
    return output.fails


def _closing(results: Results, output: Output, form: str) -> str:
    count = len(results.models)
    guessed = sum(one.guessed for one in results.models)
    models = f"{count} model{'' if count == 1 else 's'} traced" + (f", {guessed} from guesses" if guessed else "")
    if not output.found:
        return f"No findings ({models})." if count else "Nothing was traced."
    return (output.closing_line(form) or "").removesuffix(".") + f"; {models}."


def say_troubles(results: Results, job: Job) -> bool:
    """Print what was not traced, or not in full. Is it something that the user asked for by name?"""
    failed = False
    if not results.models and all(one.missing and not job.targets[one.target].named for one in results.troubles):
        click.echo("nanlint: no file here defines a torch.nn.Module", err=True)
    for model in results.models:
        if model.remark:
            click.echo(f"nanlint: {_where(job.targets[model.target])}: `{model.name}`: {model.remark}", err=True)
    for trouble in results.troubles:
        target = job.targets[trouble.target]
        traced = any(model.target == trouble.target for model in results.models)
        if trouble.missing and not target.named:
            continue
        asked = target.named and (target.name is not None or not traced)
        failed = failed or asked
        click.echo(f"nanlint: {_where(target)}: {trouble.text}", err=True)
    return failed or not results.models


def _show_difference(files: Sequence[FileResult], cards: Sequence[Card]) -> int:
    output = Output(files, cards, diff=True)
    style = Style(wants_colour(sys.stdout, os.environ))
    for line in output.lines("full", style):
        click.echo(line, color=style.colour)
    click.echo(output.closing_line("full"), err=True)
    return 1 if output.found or output.has_changes else 0


def _write_tests(folder: str, results: Results, job: Job) -> None:
    from nanlint.trace.repro import said, write_tests  # noqa: PLC0415

    with writing(folder):
        click.echo(said(write_tests(Path(folder), results, job)), err=True)


def _write_page(file: str, results: Results) -> None:
    from nanlint.trace.page import page  # noqa: PLC0415

    with writing(file):
        Path(file).write_text(page(results), encoding="utf-8")


def _where(target: Target) -> str:
    return target.word if target.file is None else target.word.removesuffix(f":{target.name}")


def _settings(targets: Sequence[str], *, isolated: bool) -> Settings:
    """The settings nearest to the first target that lies in a file or folder."""
    paths = [Path(word.rpartition(":")[0] if ":" in word else word).resolve() for word in targets]
    first = next((path for path in paths if path.exists()), Path.cwd())
    return Configuration(isolated=isolated).for_folder(first if first.is_dir() else first.parent)


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SPEC",
    help="One argument of forward: a shape, a type, a bound for whole numbers: 32,3,224,224 or mask=8,128:bool "
    "or 8,128:int64:50257.",
)
@click.option(
    "--loss", metavar="NAME", help="A function of output and targets: FILE:NAME, or NAME in the model's file."
)
@click.option("--target", multiple=True, metavar="SPEC", help="One target for --loss, written like an input.")
@click.option("--seeds", type=int, help=f"How often to build and measure.  [default: {Options().seeds}]")
@click.option("--batch", type=int, help=f"Rows of an input that is not given.  [default: {Options().batch}]")
@click.option("--budget", type=float, help=f"Seconds that one model may take.  [default: {Options().budget:g}]")
@click.option("--memory", type=int, help=f"MiB that the process may use; 0: any.  [default: {Options().memory}]")
@click.option("--device", help="Where to run the models.  [default: cpu]")
@click.option("--lr", type=float, help="A learning rate to try.  [default: the one in the code]")
@click.option("--optimizer", help="The optimiser for --lr: adam, or sgd,momentum=0.9.  [default: adam]")
@click.option("--import", "imports", is_flag=True, help="Run the files in full, not their definitions only.")
@click.option("--select", multiple=True, callback=words, metavar="RULES", help="Rules to report.")
@click.option("--ignore", multiple=True, callback=words, metavar="RULES", help="Rules not to report.")
@click.option(
    "--fix", is_flag=True, help="Make the repairs that were tried: with --unsafe-fixes, as all change numbers."
)
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also repairs that change numbers.")
@click.option("--diff", is_flag=True, help="Show what --fix would write, and write nothing.")
@click.option("--report", "page_file", type=click.Path(dir_okay=False), help="Also write a page with plots, as HTML.")
@click.option(
    "--repro", "repro_folder", type=click.Path(file_okay=False), metavar="DIR",
    help="Also write a test for each NaN or Inf that fails because of it.",
)  # fmt: skip
@click.option("--no-table", is_flag=True, help="Show findings only.")
@click.option("--statistics", is_flag=True, help="Count findings by rule instead of showing them.")
@click.option(
    "--output-format", type=click.Choice(list(FORMATS)), help="How to report.  [default: full]"
)  # fmt: skip
@click.option("--isolated", is_flag=True, help="Read no configuration file.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
def trace(
    targets: tuple[str, ...],
    inputs: tuple[str, ...],
    loss: str | None,
    target: tuple[str, ...],
    seeds: int | None,
    batch: int | None,
    budget: float | None,
    memory: int | None,
    device: str | None,
    lr: float | None,
    optimizer: str | None,
    imports: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    page_file: str | None,
    repro_folder: str | None,
    no_table: bool,
    statistics: bool,
    output_format: str | None,
    isolated: bool,
    exit_zero: bool,
) -> None:
    """Run models on made-up input and report where their numbers go wrong, and why.

    A target is a file, a folder, FILE:NAME or PACKAGE.MODULE:NAME, where NAME is a class or a function that makes a
    model; without targets, those of [tool.nanlint.trace.targets] are traced. The code of the targets is run, in a
    process of its own; see the documentation for what that process may do.
    """
    settings = _settings(targets, isolated=isolated).with_command_line(select, ignore)
    cards = load_cards(settings.extra_rules)
    check_selectors(settings, cards)
    changes = {
        "seeds": seeds, "batch": batch, "budget": budget, "memory": memory, "device": device,
        "lr": lr, "optimizer": optimizer,
        "imports": imports or None,
    }  # fmt: skip
    asked = [Wanted(word, inputs, loss, target) for word in targets or [""]]
    results, job = trace_targets(asked, settings, changes, cards)
    allowed = {Applicability.SAFE, Applicability.UNSAFE} if unsafe_fixes else {Applicability.SAFE}
    if diff:
        raise click.exceptions.Exit(_show_difference(repaired(results, allowed, write=False), cards))
    if fix:
        fixed = sum(one.fixed for one in repaired(results, allowed, write=True))
        if fixed:  # the places of what is left have moved
            click.echo(f"Fixed {fixed} finding{'' if fixed == 1 else 's'}; tracing again.", err=True)
            results, job = trace_targets(asked, settings, changes, cards)
    if repro_folder is not None:
        _write_tests(repro_folder, results, job)
    if page_file is not None:
        _write_page(page_file, results)
    form = output_format or settings.output_format
    found = report(results, settings, cards, form, show_table=not no_table, statistics=statistics)
    if say_troubles(results, job):
        raise click.exceptions.Exit(2)
    raise click.exceptions.Exit(0 if exit_zero or not found else 1)
