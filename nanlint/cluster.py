"""Files spread over the workers of a Dask cluster: `--executor dask://host:port`.

A task is a batch of files, looked at by a process of its own on the machine of the worker (see `workers`): what else
that worker does, and in how many threads, does not matter, and a file that kills its process costs one line. A worker
that dies costs nothing: the scheduler gives its batches to others, and each batch is answered once.

Nothing is sent but names: all machines must see the same files under the same paths, as on a shared file system,
because what is found in a file depends on those that it imports from. Whether they do is asked before the work begins,
and of every file its size.
"""

from __future__ import annotations

import itertools
import logging
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nanlint.cache import code_of_nanlint
from nanlint.config import ConfigError
from nanlint.look import Looked, stamp_of
from nanlint.plan import File
from nanlint.workers import grouped, spread

SCHEME = "dask://"

# a batch takes some seconds, so that starting a process for it does not count
_BATCH = 1_000_000  # bytes
_PATIENCE = 20  # seconds until a scheduler has answered, and until it has a worker


class DaskExecutor:
    """Has files looked at by a cluster."""

    def __init__(self, address: str) -> None:
        """The cluster whose scheduler is at `dask://host:port`."""
        self._address = address

    def look(self, files: Sequence[File], sizes: Sequence[int]) -> Iterator[Looked | None]:
        """What is seen in each file, in order; None if it has to be looked at here.

        Raises:
            ConfigError: there is no such cluster, or it cannot do the work.
        """
        client, errors = self._connected()
        try:
            self._check(client, files)
            batches = list(_batches(sizes))
            waiting = {}
            for start, end in batches:
                order = _order(files[start:end], sizes[start:end])
                waiting[start] = client.submit(look_at_batch, order, pure=False, retries=2)
            for start, end in batches:
                yield from self._result(waiting.pop(start), files[start:end], sizes[start:end])
        except errors as error:
            raise ConfigError(f"{self._address}: the cluster is gone: {_line(error)}") from None
        finally:
            with suppress(*errors):
                client.close(timeout=2)

    def _connected(self) -> tuple[Any, tuple[type[BaseException], ...]]:
        try:
            import distributed  # noqa: PLC0415  (slow, and an extra)
            from distributed.client import FutureCancelledError  # noqa: PLC0415
        except ModuleNotFoundError:
            raise ConfigError(f"{self._address} needs Dask: pip install 'nanlint[dask]'") from None
        _hush()
        try:
            make: Any = distributed.Client
            client = make(self._address.replace(SCHEME, "tcp://", 1), timeout=_PATIENCE, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise ConfigError(f"{self._address}: no scheduler answers there: {_line(error)}") from None
        return client, (FutureCancelledError, OSError, TimeoutError)  # a closed connection is an OSError

    def _check(self, client: Any, files: Sequence[File]) -> None:
        """Ask every worker whether it is able to do the work."""
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError:
            raise ConfigError(f"{self._address}: the scheduler has no workers") from None
        path = os.path.abspath(files[0].name)  # noqa: PTH100  (links stay as they are)
        mine = self._mine(path)
        for worker, its in client.run(describe, path, on_error="return").items():
            if isinstance(its, Exception):
                raise ConfigError(f"{self._address}: the worker {worker} cannot run nanlint: {_line(its)}")
            for name, ours, theirs in zip(("nanlint", "Python", path), mine, its, strict=True):
                if ours != theirs:
                    what = "has another" if name != path else "does not see the same"
                    raise ConfigError(f"{self._address}: the worker {worker} {what} {name}")

    def _mine(self, path: str) -> tuple[str, str, int]:
        return describe(path)

    def _result(self, future: Any, files: Sequence[File], sizes: Sequence[int]) -> Iterator[Looked | None]:
        from distributed import KilledWorker  # noqa: PLC0415

        try:
            yield from future.result()
        except KilledWorker:  # one worker after the other died over this batch
            yield from spread(files, sizes, 1)


def _hush() -> None:
    """What Dask has to say of a connection, in paragraphs with tracebacks, is said here in a line."""
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def look_at_batch(order: bytes) -> list[Looked | None]:
    """What a worker does: see to it that a batch of files is looked at.

    Raises:
        FileNotFoundError: the folder of the run is not there.
    """
    folder, names, numbers, groups, sizes = pickle.loads(order)  # noqa: S301  (who reaches a scheduler may run code)
    files = [File(name, *groups[number]) for name, number in zip(names, numbers, strict=True)]
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"there is no {folder}")
    seen = list(spread(files, sizes, 1, folder))
    same = [_size(os.path.join(folder, file.name)) == size for file, size in zip(files, sizes, strict=True)]  # noqa: PTH118
    return [looked if known else None for looked, known in zip(seen, same, strict=True)]


def describe(path: str) -> tuple[str, str, int]:
    """What must be the same on all machines: the code of nanlint, Python, and a file."""
    return code_of_nanlint(), f"{sys.version_info[0]}.{sys.version_info[1]}", _size(path)


def _batches(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbours, which import from each other, together: where each batch begins and ends."""
    numbers = [total // _BATCH for total in itertools.accumulate(sizes)]
    starts = [at for at in range(len(sizes)) if at == 0 or numbers[at] != numbers[at - 1]]
    yield from itertools.pairwise([*starts, len(sizes)])


def _order(files: Sequence[File], sizes: Sequence[int]) -> bytes:
    return pickle.dumps((os.getcwd(), [file.name for file in files], *grouped(files), list(sizes)))  # noqa: PTH109


def _size(path: str) -> int:
    stamp = stamp_of(path)
    return 0 if stamp is None else stamp.size


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
