"""One `nanlint check`, from its options to its exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import click

from nanlint.ahead import Ahead, Executor
from nanlint.cache import Cache
from nanlint.cli.adopt import Adoption
from nanlint.cli.check import Options
from nanlint.cli.progress import with_progress
from nanlint.cli.say import complain
from nanlint.config import ConfigError, Configuration, Settings
from nanlint.config.files import Table, inline_table, merged
from nanlint.diagnostic import Evidence
from nanlint.discover import is_excluded
from nanlint.engine import FileResult, Keep, Repair, lint_bytes, lint_plan
from nanlint.fix import Applicability
from nanlint.formats import FORMATS
from nanlint.output import Output
from nanlint.plan import Plan, plan_run
from nanlint.report.style import Style, displayed, wants_colour, wants_links

STDIN = "-"


def run_check(options: Options) -> int:
    """Lint, repair, report; the exit code.

    Raises:
        click.UsageError: the options contradict each other.
        ConfigError: the settings, a baseline or a revision cannot be used, or a report cannot be written.
    """
    _check_usage(options)
    reading_stdin = STDIN in options.paths
    where = [options.stdin_filename] if reading_stdin else list(options.paths or ["."])
    configuration = configuration_of(options)
    here = configuration.for_folder(Path.cwd())
    form = options.output_format or here.output_format
    if options.statistics and form != "json" and not FORMATS[form].for_people:
        raise click.UsageError(f"--statistics cannot be shown in the format {form}; json can")
    plan = plan_run(where, configuration, named=reading_stdin)
    if options.show_files or options.show_settings:
        return _show(plan, settings=options.show_settings)

    adoption = Adoption(options, plan, here)
    work = adoption.narrowed(plan)
    results = _lint(options, work, adoption.keep)
    if options.trace:
        from nanlint.trace.command import also_traced  # noqa: PLC0415  (the static pass needs none of it)

        results = also_traced(results, where, here, plan.cards)
    problems = [result.problem for result in results if result.problem is not None]
    if options.write_baseline and not problems:
        click.echo(adoption.write(results))
        return 0
    output = Output(
        results,
        plan.cards,
        statistics=options.statistics,
        diff=options.diff,
        silenced=options.add_ignore is not None,
        hidden=adoption.hidden,
        unchanged=len(plan.files) - len(work.files),
    )
    _report(output, form, options)
    skipped = [result.remark for result in results if result.remark is not None]
    for line in (*adoption.remarks(), *skipped, *problems):
        complain(line)
    return 2 if problems else _exit_code(options, output)


def _check_usage(options: Options) -> None:
    files = [os.path.normpath(file) for file in (options.output_file, *(file for _, file in options.output)) if file]
    contradictions = {
        "`-` cannot be given together with other paths": STDIN in options.paths and len(options.paths) > 1,
        "--add-ignore cannot be used with --fix": options.add_ignore is not None and (options.fix or options.fix_only),
        "--write-baseline cannot be used with --fix, --diff, --add-ignore or --diff-base": options.write_baseline
        and (options.fix or options.fix_only or options.diff or options.add_ignore is not None or options.diff_base),
        "--write-baseline needs files": options.write_baseline and STDIN in options.paths,
        "--output cannot be used with --diff": options.diff and bool(options.output),
        "--trace needs files, and cannot be used with --fix, --diff, --add-ignore or --write-baseline": options.trace
        and (STDIN in options.paths or _repair(options) is not None or options.write_baseline),
        "--executor cannot be used with --jobs": options.executor is not None and options.jobs is not None,
        "two reports cannot go to the same file": len(set(files)) < len(files),
    }
    for message, holds in contradictions.items():
        if holds:
            raise click.UsageError(message)


def configuration_of(options: Options) -> Configuration:
    """The settings of all files, with what the command line says.

    Raises:
        click.UsageError: the options contradict each other.
        ConfigError: a setting cannot be used.
    """
    files = [word for word in options.config if Path(word).is_file()]
    if len(files) > 1:
        raise click.UsageError("--config names more than one file")
    if files and options.isolated:
        raise click.UsageError("--config FILE cannot be used with --isolated")
    inline: Table = {}
    for word in options.config:
        if word not in files:
            if "=" not in word:
                raise ConfigError(f"--config: no such file: {word}")
            inline = merged(inline, inline_table(word))
    return Configuration(
        isolated=options.isolated,
        file=Path(files[0]) if files else None,
        inline=merged(inline, _inline(options)),
        change=lambda settings: _changed(settings, options),
    )


def _inline(options: Options) -> Table:
    """The options that are settings by another name."""
    given = {
        "min-severity": options.min_severity,
        "fail-on": options.fail_on,
        "exclude": list(options.exclude) or None,
        "extend-exclude": list(options.extend_exclude) or None,
        "force-exclude": options.force_exclude,
        "respect-gitignore": options.respect_gitignore,
        "baseline": None if options.baseline is None else str(Path.cwd() / options.baseline),
        "cache-dir": None if options.cache_dir is None else str(Path.cwd() / options.cache_dir),
    }
    return {key: value for key, value in given.items() if value is not None}


def _changed(settings: Settings, options: Options) -> Settings:
    evidence = None if options.evidence is None else Evidence[options.evidence.upper()]
    return settings.with_command_line(
        options.select, options.ignore, evidence, options.extend_select, options.extend_ignore
    )


def _repair(options: Options) -> Repair | None:
    if options.add_ignore is not None:
        return Repair(write=not options.diff, silence=options.add_ignore)
    if not (options.fix or options.fix_only or options.diff):
        return None
    allowed = {Applicability.SAFE, Applicability.UNSAFE} if options.unsafe_fixes else {Applicability.SAFE}
    return Repair(allowed, write=not options.diff)


def _show(plan: Plan, *, settings: bool) -> int:
    if settings:
        from nanlint.config.shown import shown_settings  # noqa: PLC0415

        click.echo(shown_settings([(file.name, file.settings) for file in plan.files]), nl=False)
    else:
        for file in plan.files:
            click.echo(displayed(file.name) if sys.stdout.isatty() else file.name)
    for problem in plan.problems:
        complain(problem)
    return 2 if plan.problems else 0


def _lint(options: Options, plan: Plan, keep: Keep | None) -> list[FileResult]:
    repair = _repair(options)
    if STDIN not in options.paths:
        cache = None if options.no_cache or not plan.files else Cache()
        results = lint_plan(plan, repair, keep, Ahead(cache, options.jobs, _executor(options)))
        return list(with_progress(results, len(plan.files)))
    ((filename, settings, cards),) = plan.files
    data = sys.stdin.buffer.read()
    if is_excluded(filename, settings):  # an editor asks about every file
        cards, keep = (), lambda source, found: []
    result = lint_bytes(data, filename, cards, settings, repair, keep)
    if _fills_stdout(options) and result.source is not None:
        sys.stdout.buffer.write(result.source.encode(result.source.text))
        sys.stdout.buffer.flush()
    return [result]


def _executor(options: Options) -> Executor | None:
    """Who looks at the files instead of processes of this machine."""
    if options.executor is None:
        return None
    from nanlint.cluster import DaskExecutor  # noqa: PLC0415  (most runs have one machine)

    return DaskExecutor(options.executor)


def _fills_stdout(options: Options) -> bool:
    """Does the repaired text of standard input go to the standard output?"""
    repair = _repair(options)
    return STDIN in options.paths and repair is not None and repair.write


def _exit_code(options: Options, output: Output) -> int:
    if options.exit_non_zero_on_fix and output.has_changes:
        return 1
    return 0 if options.exit_zero or options.fix_only or not output.fails else 1


def _report(output: Output, form: str, options: Options) -> None:
    err = _fills_stdout(options)
    for other, file in options.output:
        _write_report(file, output.findings(other, Style()))
    if options.output_file is not None:
        _write_report(options.output_file, output.lines(form, Style()))
        return
    stream: IO[str] = sys.stderr if err else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # programs expect UTF-8; people get the code of a letter that their terminal does not have
        if FORMATS[form].for_people:
            stream.reconfigure(errors="backslashreplace")
        else:
            stream.reconfigure(encoding="utf-8")
    wants = {"always": True, "never": False}.get(options.color, wants_colour(stream, os.environ))
    style = Style(wants, wants_links(stream, os.environ), stream.isatty())
    if not options.fix_only or options.diff:
        for line in output.lines(form, style):
            click.echo(line, file=stream, color=style.colour)
    if (last := output.closing_line(form)) is not None:
        click.echo(last, err=err or output.diff)


def _write_report(file: str, lines: Iterable[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    try:
        Path(file).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"{file}: cannot write file: {error.strerror}") from None
