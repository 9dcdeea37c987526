"""The command line. Exit codes: 0 clean, 1 findings, 2 usage or internal error."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from nanlint.cards import CardError, find_card, load_cards
from nanlint.cli.check import check
from nanlint.cli.say import complain
from nanlint.config import ConfigError, load_settings, nearest_rule
from nanlint.report.style import displayed


def main() -> NoReturn:
    """The `nanlint` command."""
    try:
        # without click's own error handling a command's `Exit` is returned as its code
        code = cli.main(prog_name="nanlint", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        sys.exit(2)
    except (ConfigError, CardError) as error:
        complain(str(error))
        sys.exit(2)
    except BrokenPipeError:
        # the reader (`head`, a pager) has seen enough; Python must not complain while it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("NANLINT_DEBUG"):
            raise
        if isinstance(error, OSError) and error.strerror:  # files are dealt with where they are read and written
            click.echo(f"nanlint: cannot write output: {error.strerror}", err=True)
            sys.exit(2)
        from nanlint.look import located  # noqa: PLC0415

        click.echo(f"nanlint: internal error in nanlint, please report it: {located(error)}", err=True)
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


cli.add_command(check)


@cli.command("trace", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def trace(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run models on made-up input, and report where their numbers go wrong."""
    from nanlint.trace.command import trace as command  # noqa: PLC0415  (the static pass needs none of it)

    raise click.exceptions.Exit(command.main(list(arguments), prog_name=ctx.command_path, standalone_mode=False))


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


@cli.command()
@click.argument("paths", nargs=-1)
def clean(paths: tuple[str, ...]) -> None:
    """Remove what `nanlint check` keeps for the next run, for the project of each path (of the current folder)."""
    from nanlint.cache import cache_folder, remove  # noqa: PLC0415

    folders = {cache_folder(load_settings(path)) for path in paths or (".",)}
    removed = 0
    for folder in sorted(folders):
        try:
            removed += remove(folder)
        except OSError as error:
            raise ConfigError(f"{os.path.relpath(folder)}: cannot be removed: {error.strerror}") from None
    click.echo(f"Removed {removed} {'cache' if removed == 1 else 'caches'}." if removed else "Nothing to remove.")


@cli.group()
def show() -> None:
    """Show what nanlint makes of a file, and what its settings may hold."""


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
        cell = "" if one.cell is None else f"cell {one.cell}:"
        click.echo(displayed(f"{file}:{cell}{one.line}:{one.column}: {one.name}: {one.text}"))


@show.command()
def schema() -> None:
    """The JSON schema of `nanlint.toml`, and of `[tool.nanlint]`, for editors."""
    from nanlint.config.schema import schema_as_json  # noqa: PLC0415

    click.echo(schema_as_json(), nl=False)


@cli.command()
def server() -> None:
    """Serve an editor over the language server protocol, on standard input and output."""
    try:
        from nanlint.server.server import serve  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"pygls", "lsprotocol"}:
            raise
        raise click.ClickException("the server needs pygls: pip install 'nanlint[server]'") from None
    serve()


@cli.command("test-rules")
@click.argument("folder", type=click.Path(path_type=Path))
def test_rules(folder: Path) -> None:
    """Run the examples of your own rule cards in FOLDER."""
    from nanlint.testing import run_folder  # noqa: PLC0415

    if not folder.is_dir():
        raise ConfigError(f"no such folder: {folder}")
    failures = run_folder(folder)
    for failure in failures:
        click.echo("\n".join(map(displayed, str(failure).split("\n"))))
    click.echo(f"{len(failures)} failures" if failures else "all examples hold")
    raise click.exceptions.Exit(1 if failures else 0)
