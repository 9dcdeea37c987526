"""`nanlint check --watch`: look again whenever a file or a setting changes, until the user has seen enough."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from nanlint.cards import CardError
from nanlint.cli.check import Options
from nanlint.cli.run import configuration_of, run_check
from nanlint.config import ConfigError
from nanlint.config.files import CONFIG_FILES
from nanlint.discover import discover

PAUSE = 0.3  # seconds between two looks at the times of files
_SHARE = 10  # of the time at most this fraction goes into looking

_Times = dict[str, tuple[int, int]]


def watch(options: Options, pause: Callable[[float], None] = time.sleep) -> int:
    """Check, wait for a change, and so on; the exit code.

    Raises:
        click.UsageError: there is no terminal, or nothing that could change.
    """
    one_time = options.write_baseline or options.add_ignore is not None or options.show_files or options.show_settings
    if "-" in options.paths or one_time:
        raise click.UsageError("--watch needs files, and something to look at more than once")
    if not sys.stdout.isatty():
        raise click.UsageError("--watch needs a terminal")
    try:
        seen = _times(options, {})
        while True:
            click.clear()
            _check(options)
            click.echo("Watching for changes; Ctrl+C ends it.", err=True)
            # repairs of our own are no change
            seen = _times(options, seen) if options.fix or options.fix_only else seen
            seen = _changed(options, seen, pause)
    except KeyboardInterrupt:
        click.echo(err=True)
        return 0


def _check(options: Options) -> None:
    try:
        run_check(options)
    except (ConfigError, CardError) as error:  # to be mended while we watch
        click.echo(f"nanlint: {error}", err=True)


def _changed(options: Options, seen: _Times, pause: Callable[[float], None]) -> _Times:
    """Wait for other times than these."""
    while True:
        start = time.monotonic()
        now = _times(options, seen)
        if now != seen:
            return now
        pause(max(PAUSE, _SHARE * (time.monotonic() - start)))


def _times(options: Options, before: _Times) -> _Times:
    """When each file that matters was written, and how long it is."""
    try:
        files = discover(options.paths or (".",), configuration_of(options)).files
    except ConfigError:
        files = tuple(before)
    folders = {folder for file in files for folder in Path(file).resolve().parents} | {Path.cwd()}
    settings = [str(folder / name) for folder in folders for name in CONFIG_FILES]
    return dict(_stated([*files, *settings]))


def _stated(files: list[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    for file in files:
        try:
            stat = Path(file).stat()
        except OSError:
            continue
        yield file, (stat.st_mtime_ns, stat.st_size)
