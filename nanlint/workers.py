"""Files spread over processes of our own, large ones first; results come in the order of the files.

Each worker is a fresh Python that reads orders from its standard input and writes what it saw to its standard output;
both ends are ours, so pickles are safe there. Nothing of the linted project is on a worker's path. A worker that dies
costs the one file that it was looking at.
"""

from __future__ import annotations

import os
import pickle
import queue
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from importlib.machinery import PathFinder
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import nanlint
from nanlint.cards import Card
from nanlint.config import Settings
from nanlint.garbage import collect_after, no_collection
from nanlint.look import Looked, look_at_file
from nanlint.plan import File

# orders that wait in a worker, so that it need not wait for the next one
_AHEAD = 4
_START = "import sys; sys.path[:] = sys.argv[1:]; from nanlint.workers import serve; serve()"
_LENGTH = struct.Struct("!Q")

Group = tuple[Settings, tuple[Card, ...]]


class Processes:
    """Has files looked at by several processes of this machine."""

    def __init__(self, jobs: int) -> None:
        """How many."""
        self._jobs = jobs

    def look(self, files: Sequence[File], sizes: Sequence[int]) -> Iterator[Looked | None]:
        """What is seen in each file, in order; None if it cannot be read."""
        return spread(files, sizes, self._jobs)


def spread(
    files: Sequence[File], sizes: Sequence[int], jobs: int, folder: str | None = None
) -> Iterator[Looked | None]:
    """What is seen in each file, in order; None if it cannot be read. All workers end when the iterator does.

    Names of files are relative to `folder`, or to the current one.
    """
    crew = _Crew(files, sorted(range(len(files)), key=lambda at: -sizes[at]), jobs, folder)
    done: dict[int, Looked | None] = {}
    try:
        for at in range(len(files)):
            while at not in done:
                number, looked = crew.next_result()
                done[number] = looked
            yield done.pop(at)
    finally:
        crew.end()


class _Worker:
    """One process, and the orders that it has not answered yet.

    Attributes:
        waiting: the numbers of the files that it was told to look at, the current one first.
        ready: it has started.
    """

    def __init__(self, folder: str | None) -> None:
        self.waiting: deque[int] = deque()
        self.ready = False
        safe = "-I" if sys.flags.isolated else "-P"  # whatever lies in the current folder is not imported
        # Ctrl-C is for the process that the user sees, which ends this one
        apart: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {"creationflags": 0x200}
        command = [sys.executable, safe, "-c", _START, *_path()]
        self.process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, **apart
        )

    def begin(self, groups: object, heard: queue.SimpleQueue[Any]) -> None:
        """Tell it which settings there are, and listen to what it says."""
        threading.Thread(target=self._listen, args=(heard,), daemon=True).start()
        self._send(groups)

    def order(self, at: int, filename: str, group: int) -> None:
        """Have one more file looked at."""
        self.waiting.append(at)
        self._send((filename, group))

    def end(self) -> int:
        """End it now; how it ended."""
        with suppress(OSError):
            self.process.kill()
        with suppress(OSError):
            self._orders.close()
        return int(self.process.wait())

    @property
    def _orders(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    def _send(self, message: object) -> None:
        with suppress(OSError):  # who listens to it will hear that it is dead
            _write(self._orders, message)

    def _listen(self, heard: queue.SimpleQueue[Any]) -> None:
        stream = self.process.stdout
        assert stream is not None
        with stream, suppress(OSError, EOFError, pickle.UnpicklingError):
            while True:
                heard.put((self, _read(stream)))
        heard.put((self, EOFError))


class _Crew:
    """Several workers and what is left to do."""

    def __init__(self, files: Sequence[File], order: Sequence[int], jobs: int, folder: str | None) -> None:
        self._files = files
        self._folder = folder
        self._left = deque(order)
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._group_of, self._told = grouped(files)
        self._workers: list[_Worker] = []
        self._hire(jobs)

    def next_result(self) -> tuple[int, Looked | None]:
        """The next file that is done, whichever it is."""
        while self._workers:
            worker, message = self._heard.get()
            if message is EOFError:
                if (result := self._bury(worker)) is not None:
                    return result
            elif worker.ready:
                at = worker.waiting.popleft()
                self._fill(worker)
                return at, message
            else:
                worker.ready = True
        at = self._left.popleft()  # no process can be started
        filename, settings, cards = self._files[at]
        return at, look_at_file(filename, cards, settings)

    def end(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.end()

    def _bury(self, worker: _Worker) -> tuple[int, Looked] | None:
        """What is to be said of a worker that died; it is replaced unless it never lived."""
        self._workers.remove(worker)
        code = worker.end()
        lost = worker.waiting.popleft() if worker.ready and worker.waiting else None
        self._left.extendleft(reversed(worker.waiting))
        if worker.ready and self._left:
            self._hire(1)
        for other in self._workers:
            self._fill(other)
        if lost is None:
            return None
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return lost, Looked(problem=f"{self._files[lost].name}: the process that looked at it died ({how})")

    def _hire(self, number: int) -> None:
        """Start processes, all before any of them is waited for."""
        hired: list[_Worker] = []
        with suppress(OSError):  # then there are fewer
            hired.extend(_Worker(self._folder) for _ in range(number))
        self._workers += hired
        for worker in hired:
            worker.begin(self._told, self._heard)
            self._fill(worker)

    def _fill(self, worker: _Worker) -> None:
        while self._left and len(worker.waiting) < _AHEAD:
            at = self._left.popleft()
            worker.order(at, self._files[at].name, self._group_of[at])


def serve() -> None:
    """What a worker does: look at files until nobody asks any more."""
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed by accident must not get between the answers
    with suppress(EOFError, OSError), no_collection():
        groups = _read(orders)
        _write(answers, None)
        count = 0
        while True:
            filename, group = _read(orders)
            settings, cards = groups[group]
            _write(answers, look_at_file(filename, cards, settings))
            count += 1
            collect_after(count)
    os._exit(0)  # nothing is left to tidy up, and freeing all syntax trees would take time


def _path() -> list[str]:
    """Where a process of ours finds the same nanlint: a checkout that was run from its folder is on no path."""
    found = PathFinder.find_spec("nanlint", sys.path)
    own = Path(nanlint.__file__).parent
    is_same = found is not None and found.origin is not None and Path(found.origin).parent == own
    return sys.path if is_same else [str(own.parent), *sys.path]


def grouped(files: Sequence[File]) -> tuple[list[int], list[Group]]:
    """Which settings and rules hold for each file, and those, once and such that they can be sent."""
    numbers: dict[tuple[int, int], int] = {}
    groups: list[Group] = []
    for _, settings, cards in files:
        if (id(settings), id(cards)) not in numbers:
            numbers[id(settings), id(cards)] = len(groups)
            groups.append((settings, cards))
    return [numbers[id(settings), id(cards)] for _, settings, cards in files], _plain(groups)


def _plain(value: Any) -> Any:
    """The same with mappings that can be pickled."""
    if isinstance(value, MappingProxyType):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    if is_dataclass(value) and not isinstance(value, type | Card):
        changed = {
            one.name: _plain(own)
            for one in fields(value)
            if isinstance(own := getattr(value, one.name), MappingProxyType)
        }
        return replace(value, **changed) if changed else value
    return value


def _write(stream: IO[bytes], message: object) -> None:
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def _read(stream: IO[bytes]) -> Any:
    return pickle.loads(_exactly(stream, _LENGTH.unpack(_exactly(stream, _LENGTH.size))[0]))  # noqa: S301  (our own)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
