"""The seat belt: limits, and a hook that refuses what a measurement has no business to do.

It holds off accidents, not attackers: code in C++ (`torch.save` writes from there) and ctypes pass it by.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_REFUSED = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec",
            "os.posix_spawn", "os.fork", "os.forkpty", "os.spawn", "pty.spawn", "os.kill", "os.killpg",
            "signal.pthread_kill", "ftplib.connect", "urllib.Request", "webbrowser.open")  # fmt: skip
_WRITES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
           "os.chown", "shutil.rmtree", "shutil.move", "shutil.copyfile", "shutil.copytree")  # fmt: skip
_PARENT_DEATH_SIGNAL = 1
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# bytes of address space, once there is a limit
_allowed: list[int] = []


class RefusedError(PermissionError):
    """The traced code tried to leave the room it was given."""


class TooSlowError(Exception):
    """A try took longer than it may."""


@contextlib.contextmanager
def at_most(seconds: float | None) -> Iterator[None]:
    """Stop what is done in this block after so many seconds, if any: with a fault, at the next step of Python."""
    if seconds is None:
        yield
        return

    def stop(*_: object) -> None:
        raise TooSlowError(f"took longer than {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, before)


def limit(memory: int, seconds: float) -> None:
    """Limits that the kernel keeps. The clock of the parent comes on top."""
    try:
        import resource  # noqa: PLC0415  (not on Windows)
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        # torch reserves address space that it never touches
        _allowed[:] = [(memory + 4096) * 2**20]
        allow_more(0)
    cores = os.cpu_count() or 1
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds * cores) + 60, int(seconds * cores) + 90))


def allow_more(size: int) -> None:
    """Address space for tensors of this size on top, whose memory is given back most of the time."""
    if not _allowed:
        return
    import resource  # noqa: PLC0415

    wanted = _allowed[0] + size
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


def follow_parent() -> None:
    """End when the parent ends, however it does: nobody would stop an endless loop any more."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def fasten() -> None:
    """From now on: no network, no processes, no writing outside of the temporary folder."""
    allowed = (str(Path(tempfile.gettempdir()).resolve()), "/dev/null", "/proc/self")
    here = str(Path.cwd().resolve())

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in _REFUSED:
            raise RefusedError(f"{event} is not allowed while tracing")
        if event == "open":
            _, mode, flags = (*args, None, None, None)[:3]
            writing = (isinstance(mode, str) and set(mode) & set("wax+")) or (
                isinstance(flags, int) and flags & _WRITE_FLAGS
            )
            if writing:
                _check(args[0])
        elif event in _WRITES:
            for one in args[:2]:
                _check(one)

    def _check(path: object) -> None:
        if isinstance(path, int | type(None)) or not isinstance(path, str | bytes | os.PathLike):
            return
        full = os.path.realpath(os.fsdecode(path))
        if not full.startswith((here, *allowed)):
            raise RefusedError(f"writing to {full} is not allowed while tracing")

    sys.addaudithook(hook)


def stay_on_cpu() -> None:
    """Code that says `.cuda()` runs on the CPU."""
    import torch  # noqa: PLC0415

    stay: Any = lambda thing, *_, **__: thing  # noqa: E731
    torch.Tensor.cuda = torch.nn.Module.cuda = stay  # type: ignore[method-assign]


def seed(number: int) -> None:
    """The same random numbers on every run."""
    import torch  # noqa: PLC0415

    random.seed(number)
    torch.manual_seed(number)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(number)
