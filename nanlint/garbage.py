"""The cyclic garbage collector, which looks at millions of syntax nodes again and again and finds nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# objects that came since the last collection and did not go: some 60 MB, which is what a large file takes anyway
_MOST = 400_000
_ALL_EVERY = 5000  # files


@contextmanager
def no_collection() -> Iterator[None]:
    """Without it: it costs a third of the parse."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            _pass_over()
            gc.enable()


def _pass_over() -> None:
    """Count what came meanwhile as old: else the collector would look at all of it at once when it is switched on."""
    if gc.get_freeze_count() == 0:  # what others froze stays so
        gc.freeze()
        gc.unfreeze()


def collect_after(files: int) -> None:
    """Collect the garbage of the last files if there may be much of it; of what survived before only seldom."""
    if files % _ALL_EVERY == 0:
        gc.collect()
    elif gc.get_count()[0] > _MOST:  # it counts while the collector is switched off
        gc.collect(0)
