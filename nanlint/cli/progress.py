"""A bar for people who wait: on a terminal, if there is much to do, and gone when the report comes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar

import click

PATIENCE = 1.0  # seconds
_CLEAR = "\x1b[1A\x1b[2K"

T = TypeVar("T")


def with_progress(results: Iterable[T], total: int) -> Iterator[T]:
    """The same results, with a bar on the standard error once they take long."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield from results
        return
    start = time.monotonic()
    bar: Any = None
    with ExitStack() as stack:
        for done, result in enumerate(results, 1):
            if bar is not None:
                bar.update(1)
            elif time.monotonic() - start > PATIENCE and done < total:
                stack.callback(lambda: click.echo(_CLEAR, nl=False, err=True))
                bar = stack.enter_context(
                    click.progressbar(length=total, label="nanlint", file=sys.stderr, show_pos=True)
                )
                bar.update(done)
            yield result
