"""Who looks at the files: an earlier run, if what it saw still holds; else this process, or several."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Protocol

from nanlint.cache import Cache
from nanlint.garbage import collect_after
from nanlint.look import Looked, look_at_file, stamp_of
from nanlint.plan import File

# what another process costs before it looks at its first file is what a text of that size costs
_PAYS = 250_000  # bytes for each process


class Executor(Protocol):
    """Who looks at files: this process, several of this machine (`workers.Processes`), or those of a cluster
    (`cluster.DaskExecutor`)."""

    def look(self, files: Sequence[File], sizes: Sequence[int]) -> Iterator[Looked | None]:
        """What is seen in each file, in order; None if it cannot be read. `sizes` are those of the files in bytes."""


class Here:
    """Looks at files in this process."""

    def look(self, files: Sequence[File], sizes: Sequence[int]) -> Iterator[Looked | None]:
        """What is seen in each file, in order; None if it cannot be read."""
        for count, (name, settings, cards) in enumerate(files, 1):
            yield look_at_file(name, cards, settings)
            collect_after(count)


class Ahead:
    """Looks at the files of a run before it is decided what to do about each."""

    def __init__(self, cache: Cache | None = None, jobs: int | None = None, executor: Executor | None = None) -> None:
        """What to work with.

        Args:
            cache: what earlier runs saw; None if nobody wants to know.
            jobs: how many processes; None is as many as pay.
            executor: who looks instead.
        """
        self._executor = executor
        self._cache = cache
        self._jobs = jobs

    def look(self, files: Sequence[File]) -> Generator[Looked | None]:
        """What was seen in each file, in order; None if it cannot be read."""
        known = [None if self._cache is None else self._cache.get(name, cards, own) for name, own, cards in files]
        missing = [at for at, looked in enumerate(known) if looked is None]
        try:
            with closing(self._look(files, missing)) as fresh:
                for at, (name, settings, cards) in enumerate(files):
                    if (looked := known[at]) is None and (looked := next(fresh)) is not None and self._cache:
                        self._cache.put(name, cards, settings, looked)
                    known[at] = None  # whoever asked has it now
                    yield looked
        finally:
            if self._cache is not None:
                self._cache.save()

    def _look(self, files: Sequence[File], missing: Sequence[int]) -> Generator[Looked | None]:
        sizes = [0 if (stamp := stamp_of(files[at].name)) is None else stamp.size for at in missing]
        if missing:
            yield from self._chosen(sizes).look([files[at] for at in missing], sizes)

    def _chosen(self, sizes: Sequence[int]) -> Executor:
        if self._executor is not None:
            return self._executor
        jobs = min(self._processes(sum(sizes)), len(sizes))
        if jobs <= 1:
            return Here()
        from nanlint.workers import Processes  # noqa: PLC0415  (most runs are small)

        return Processes(jobs)

    def _processes(self, size: int) -> int:
        return min(cores(), size // _PAYS) if self._jobs is None else self._jobs


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
