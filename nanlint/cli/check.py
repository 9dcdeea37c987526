"""`nanlint check`: its options, and nothing else. What they do stands in `run.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from nanlint.diagnostic import Evidence, Severity
from nanlint.formats import FORMATS

_EVIDENCE = click.Choice([evidence.label for evidence in reversed(Evidence)])
_SEVERITY = click.Choice([str(severity) for severity in Severity])
_FORMAT = click.Choice(list(FORMATS))
_COLOUR = click.Choice(["auto", "always", "never"])
_FILE = click.Path(dir_okay=False)

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Options:
    """What was given on the command line."""

    paths: tuple[str, ...]
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    extend_select: tuple[str, ...]
    extend_ignore: tuple[str, ...]
    evidence: str | None
    min_severity: str | None
    fail_on: str | None
    fix: bool
    unsafe_fixes: bool
    fix_only: bool
    diff: bool
    add_ignore: str | None
    baseline: str | None
    write_baseline: bool
    diff_base: str | None
    output_format: str | None
    output_file: str | None
    color: str
    output: tuple[tuple[str, str], ...]
    statistics: bool
    config: tuple[str, ...]
    isolated: bool
    exclude: tuple[str, ...]
    extend_exclude: tuple[str, ...]
    force_exclude: bool | None
    respect_gitignore: bool | None
    show_files: bool
    show_settings: bool
    stdin_filename: str
    trace: bool
    exit_zero: bool
    exit_non_zero_on_fix: bool
    no_cache: bool
    watch: bool
    cache_dir: str | None
    jobs: int | None
    executor: str | None


class _Check(click.Command):
    """`--add-ignore` takes a reason behind `=` only: `--add-ignore src` means the folder `src`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(
            ctx, [f"{word}=" if word == "--add-ignore" and at < end else word for at, word in enumerate(args)]
        )


def _words(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """`--select NAN101,NAN111 --select log-of-softmax`, in any mixture, as one list."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def _outputs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """`--output sarif=out.sarif` as a format and a file."""
    made = []
    for value in values:
        form, equals, file = value.partition("=")
        if not (equals and file):
            raise click.BadParameter(f"`{value}` is not like sarif=out.sarif")
        made.append((str(_FORMAT.convert(form, param, ctx)), file))
    return tuple(made)


def _address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """`dask://host:port`."""
    host, _, port = (value or "").removeprefix("dask://").rpartition(":")
    if value is not None and not (value.startswith("dask://") and host and port.isdecimal() and int(port) < 65536):
        raise click.BadParameter(f"`{value}` is not like dask://localhost:8786")
    return value


def _rules(*names: str, help: str) -> _Decorator:
    return click.option(*names, multiple=True, callback=_words, metavar="RULES", help=help)


def _patterns(*names: str, help: str) -> _Decorator:
    return click.option(*names, multiple=True, callback=_words, metavar="PATTERNS", help=help)


@click.command(cls=_Check)
@click.argument("paths", nargs=-1)
@_rules("--select", help="Rules to report: codes, prefixes (NAN1), names, ALL or DEFAULT.")
@_rules("--ignore", help="Rules not to report.")
@_rules("--extend-select", help="Rules to report as well, like those that are off by default.")
@_rules("--extend-ignore", help="Rules not to report either.")
@click.option("--evidence", type=_EVIDENCE, help="Weakest evidence to report; `unknown` shows every unproven place.")
@click.option("--min-severity", type=_SEVERITY, help="Weakest severity to report.")
@click.option("--fail-on", type=_SEVERITY, help="Weakest severity that makes the exit code 1.")
@click.option("--fix", is_flag=True, help="Make the safe repairs: same value and gradient wherever they were finite.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also repairs that change numbers.")
@click.option("--fix-only", is_flag=True, help="Make the repairs and report nothing.")
@click.option("--diff", is_flag=True, help="Show what --fix or --add-ignore would write, and write nothing.")
@click.option("--add-ignore", metavar="[=REASON]", help="Write a suppression comment for every finding.")
@click.option("--baseline", type=_FILE, help="Leave out the findings in this file.")
@click.option("--write-baseline", is_flag=True, help="Write what is found to the baseline, and exit with 0.")
@click.option("--diff-base", metavar="REVISION", help="Only findings on lines changed since a git revision.")
@click.option("--output-format", type=_FORMAT, help="How to report.  [default: full]")
@click.option("-o", "--output-file", type=_FILE, help="Where to write the report.")
@click.option("--color", type=_COLOUR, default="auto", help="Colours.  [default: on terminals, unless NO_COLOR is set]")
@click.option(
    "--output",
    multiple=True,
    callback=_outputs,
    metavar="FORMAT=FILE",
    help="Write one more report, like sarif=out.sarif; may be given several times.",
)
@click.option("--statistics", is_flag=True, help="Count findings by rule instead of showing them.")
@click.option("--config", multiple=True, metavar="FILE|KEY=VALUE", help="A configuration file, or a setting in TOML.")
@click.option("--isolated", is_flag=True, help="Read no configuration file.")
@_patterns("--exclude", help="What to leave out, as in .gitignore; replaces the defaults.")
@_patterns("--extend-exclude", help="What to leave out as well.")
@click.option("--force-exclude/--no-force-exclude", default=None, help="Leave it out even if it is named.")
@click.option("--respect-gitignore/--no-respect-gitignore", default=None, help="Leave out what git ignores.")
@click.option("--show-files", is_flag=True, help="Show which files would be looked at, and stop.")
@click.option("--show-settings", is_flag=True, help="Show the settings of these files, and stop.")
@click.option("--stdin-filename", default="<stdin>", help="The name to show for the text of `-`.")
@click.option("--trace", is_flag=True, help="Run the models as well, as `nanlint trace` does.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
@click.option("--exit-non-zero-on-fix", is_flag=True, help="Exit with 1 if something was repaired, or would be.")
@click.option("--no-cache", is_flag=True, help="Look at every file anew, and keep nothing for the next run.")
@click.option("--cache-dir", type=click.Path(file_okay=False), help="Where to keep what was seen.")
@click.option("-j", "--jobs", type=click.IntRange(1, 256), help="How many processes look.  [default: as many as pay]")
@click.option("--executor", callback=_address, metavar="dask://HOST:PORT", help="Have a Dask cluster look.")
@click.option("--watch", is_flag=True, help="Look again whenever a file changes.")
def check(**given: Any) -> None:
    """Lint files and folders (the current one if none is given); `-` reads from standard input."""
    from nanlint.cli.run import run_check  # noqa: PLC0415  (other commands need no linter)

    options = Options(**given)
    if options.watch:
        from nanlint.cli.watch import watch  # noqa: PLC0415

        raise click.exceptions.Exit(watch(options))
    raise click.exceptions.Exit(run_check(options))
