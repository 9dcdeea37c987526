"""The cyclic garbage collector, which looks at millions of syntax nodes again and again and finds nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_EVERY, _ALL_EVERY = 500, 5000  # files


@contextmanager
def no_collection() -> Iterator[None]:
    """Without it: it costs a third of the parse."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def collect_after(files: int) -> None:
    """Collect the garbage of the last files if it is time; of what survived before only seldom."""
    if files % _EVERY == 0:
        gc.collect(2 if files % _ALL_EVERY == 0 else 0)
