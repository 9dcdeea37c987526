"""The command line. Exit codes: 0 clean, 1 findings, 2 usage or internal error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

import click

from nanlint.cards import CardError, find_card, load_cards
from nanlint.config import ConfigError, Settings, check_selectors, load_settings, nearest_rule
from nanlint.diagnostic import Evidence
from nanlint.fix import Applicability

if TYPE_CHECKING:
    from nanlint.cards import Card
    from nanlint.engine import FileResult, Repair
    from nanlint.output import Output

STDIN = "-"
EVIDENCE = click.Choice([evidence.label for evidence in reversed(Evidence)])
FORMAT = click.Choice(["full", "concise", "json"])


def _words(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """`--select NAN101,NAN111 --select log-of-softmax`, in any mixture, as one list."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def main() -> NoReturn:
    """The `nanlint` command."""
    try:
        # without click's own error handling a command's `Exit` is returned as its code
        code = cli.main(prog_name="nanlint", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(2)
    except (ConfigError, CardError) as error:
        click.echo(f"nanlint: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # the reader (`head`, a pager) has seen enough; Python must not complain while it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("NANLINT_DEBUG"):
            raise
        from nanlint.engine import described  # noqa: PLC0415

        click.echo(f"nanlint: internal error in nanlint, please report it: {described(error)}", err=True)
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value:
        return
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  (slow, and seldom asked for)

    try:
        click.echo(f"nanlint {version('nanlint')}")
    except PackageNotFoundError:
        click.echo("nanlint (not installed)")
    ctx.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show it.")
def cli() -> None:
    """Find the causes of NaN and Inf in deep-learning code, and repair them."""


@cli.command()
@click.argument("paths", nargs=-1)
@click.option(
    "--select",
    multiple=True,
    callback=_words,
    metavar="RULES",
    help="Rules to report: codes, prefixes (NAN1), names or ALL.",
)
@click.option("--ignore", multiple=True, callback=_words, metavar="RULES", help="Rules not to report.")
@click.option("--evidence", type=EVIDENCE, help="Weakest evidence to report; `unknown` shows every unproven place.")
@click.option("--fix", is_flag=True, help="Make the safe repairs: same value and gradient wherever they were finite.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also repairs that change numbers.")
@click.option("--diff", is_flag=True, help="Show what --fix would write, and write nothing.")
@click.option("--output-format", type=FORMAT, default="full", show_default=True, help="How to report.")
@click.option("--output-file", type=click.Path(dir_okay=False), help="Where to write the report.")
@click.option("--statistics", is_flag=True, help="Count findings by rule instead of showing them.")
@click.option("--isolated", is_flag=True, help="Read no configuration file.")
@click.option("--no-cache", is_flag=True, help="Look at every file anew (there is no cache yet).")
@click.option("--trace", "traced", is_flag=True, help="Run the models as well, as `nanlint trace` does.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
@click.option("--stdin-filename", default="<stdin>", help="The name to show for the text of `-`.")
def check(
    paths: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    evidence: str | None,
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    output_format: str,
    output_file: str | None,
    statistics: bool,
    isolated: bool,
    no_cache: bool,
    traced: bool,
    exit_zero: bool,
    stdin_filename: str,
) -> None:
    """Lint files and folders (the current one if none is given); `-` reads from standard input."""
    from nanlint.engine import Repair  # noqa: PLC0415  (other commands need no linter)
    from nanlint.output import Output  # noqa: PLC0415

    reading_stdin = STDIN in paths
    if reading_stdin and len(paths) > 1:
        raise click.UsageError("`-` cannot be given together with other paths")
    where = [stdin_filename] if reading_stdin else list(paths or ["."])
    settings = Settings() if isolated else load_settings(where)
    chosen = None if evidence is None else Evidence[evidence.upper()]
    settings = settings.with_command_line(select, ignore, chosen)
    cards = load_cards(settings.extra_rules)
    check_selectors(settings, cards)

    allowed = {Applicability.SAFE, Applicability.UNSAFE} if unsafe_fixes else {Applicability.SAFE}
    repair = Repair(allowed, write=fix and not diff) if fix or diff else None
    results = _lint(where, cards, settings, repair, reading_stdin=reading_stdin)
    if reading_stdin and fix and not diff:
        _write_fixed(results[0])
    if traced and not reading_stdin:
        from nanlint.trace.command import also_traced  # noqa: PLC0415

        results = also_traced(results, where, settings, cards)
    output = Output(results, cards, output_format, statistics=statistics, diff=diff)
    _report(output_file, output, err=reading_stdin and fix and not diff)
    problems = [result.problem for result in results if result.problem is not None]
    for problem in problems:
        click.echo(f"nanlint: {problem}", err=True)
    if problems:
        raise click.exceptions.Exit(2)
    raise click.exceptions.Exit(0 if exit_zero or not output.has_findings else 1)


@cli.command()
@click.argument("code_or_name", required=False)
@click.option("--all", "everything", is_flag=True, help="All rules.")
@click.option("--output-format", type=click.Choice(["full", "json"]), default="full", help="How to print.")
def rule(code_or_name: str | None, everything: bool, output_format: str) -> None:
    """Explain a rule: what it says, why, and how to repair what it finds."""
    from nanlint.report.rules import rules_as_json, rules_as_text  # noqa: PLC0415

    if everything == (code_or_name is not None):
        raise click.UsageError("give the code or the name of a rule, or --all")
    cards = load_cards(load_settings().extra_rules)
    chosen = cards
    if code_or_name is not None:
        card = find_card(cards, code_or_name)
        if card is None:
            raise ConfigError(f"unknown rule `{code_or_name}`{nearest_rule(code_or_name, cards)}")
        chosen = (card,)
    click.echo(rules_as_json(chosen) if output_format == "json" else rules_as_text(chosen))


@cli.group()
def show() -> None:
    """Show what nanlint makes of a file."""


@show.command()
@click.argument("file", type=click.Path())
def ranges(file: str) -> None:
    """Every assignment and every result of a function, with the range inferred for it."""
    from nanlint.engine import reveal_file  # noqa: PLC0415
    from nanlint.source import SourceError  # noqa: PLC0415

    try:
        revealed = reveal_file(file)
    except SourceError as error:
        raise ConfigError(f"{file}:{error.line}:{error.column}: {error.message}") from None
    for one in revealed:
        click.echo(f"{file}:{one.line}:{one.column}: {one.name}: {one.text}")


@cli.command("trace", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def trace(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run models on made-up input, and report where their numbers go wrong."""
    from nanlint.trace.command import trace as command  # noqa: PLC0415  (the static pass needs none of it)

    raise click.exceptions.Exit(command.main(list(arguments), prog_name=ctx.command_path, standalone_mode=False))


@cli.command("test-rules")
@click.argument("folder", type=click.Path(path_type=Path))
def test_rules(folder: Path) -> None:
    """Run the examples of your own rule cards in FOLDER."""
    from nanlint.testing import run_folder  # noqa: PLC0415

    if not folder.is_dir():
        raise ConfigError(f"no such folder: {folder}")
    failures = run_folder(folder)
    for failure in failures:
        click.echo(str(failure))
    click.echo(f"{len(failures)} failures" if failures else "all examples hold")
    raise click.exceptions.Exit(1 if failures else 0)


def _lint(
    where: list[str], cards: Sequence[Card], settings: Settings, repair: Repair | None, *, reading_stdin: bool
) -> list[FileResult]:
    from nanlint.engine import lint_bytes, lint_paths  # noqa: PLC0415

    if reading_stdin:
        return [lint_bytes(sys.stdin.buffer.read(), where[0], cards, settings, repair)]
    return list(lint_paths(where, settings, repair))


def _write_fixed(result: FileResult) -> None:
    if result.source is not None:
        sys.stdout.buffer.write(result.source.encode(result.source.text))
        sys.stdout.buffer.flush()


def _report(output_file: str | None, output: Output, *, err: bool) -> None:
    from nanlint.report.style import Style, wants_colour  # noqa: PLC0415

    if output_file is not None:
        text = "".join(f"{line}\n" for line in output.lines(Style()))
        try:
            Path(output_file).write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise ConfigError(f"{output_file}: cannot write file: {error.strerror}") from None
        return
    stream: IO[str] = sys.stderr if err else sys.stdout
    style = Style(wants_colour(stream, os.environ))
    for line in output.lines(style):
        click.echo(line, file=stream, color=style.colour)
    if (last := output.closing_line()) is not None:
        click.echo(last, err=err or output.diff)
