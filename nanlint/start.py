"""Where the command begins, before anything is imported: Ctrl-C ends it with one line, at whatever moment it comes."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

_INTERRUPTED = 130  # 128 and the number of the signal, as shells have it


def main() -> NoReturn:
    """The `nanlint` command."""
    try:
        from nanlint.cli import main as command  # noqa: PLC0415  (its imports take long enough to be interrupted)

        command()
    except KeyboardInterrupt:
        _say_so_and_end()


def _say_so_and_end() -> NoReturn:
    """Leave without tidying up, in the middle of which Python could be interrupted again. What was printed stays; our
    workers end when nobody gives them orders any more."""
    try:
        sys.stdout.flush()
        sys.stderr.write("nanlint: interrupted\n")
        sys.stderr.flush()
    finally:
        os._exit(_INTERRUPTED)
