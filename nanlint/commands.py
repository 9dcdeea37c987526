"""What the commands share: lists of words on the command line, and files that cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath

import click

from nanlint.config import ConfigError


def words(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """`--select NAN101,NAN111 --select log-of-softmax`, in any mixture, as one list."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


@contextmanager
def writing(file: str | PathLike[str]) -> Iterator[None]:
    """What the user asked to be written is written here.

    Raises:
        ConfigError: it cannot be, and why.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{fspath(file)}: cannot write file: {error.strerror}") from None
