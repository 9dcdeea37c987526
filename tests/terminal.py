"""For tests: a real pseudo-terminal, and a command that runs at it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from pathlib import Path


class Terminal:
    """A command that believes to run at a terminal."""

    def __init__(self, folder: Path, *command: str, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        inherited = {
            key: value for key, value in os.environ.items() if key not in {"CI", "NO_COLOR", "FORCE_COLOR", "TERM"}
        }
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
            env={"TERM": "xterm", **inherited, **environment}, start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509  (no threads run here)
        )  # fmt: skip
        os.close(theirs)
        self.text = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)

    def until(self, words: str, seconds: float = 40) -> str:
        """Read on to some words; what came before them."""
        end = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end, self.text
            if not self._read():
                raise AssertionError(self.text)
        before, _, self.text = self.text.partition(words)
        return before

    def rest(self) -> str:
        """All that comes until the end of the command."""
        while self._read():
            pass
        self.process.wait(30)
        os.close(self._ours)
        return self.text

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self._ours, keys.encode())

    def press_control_c(self) -> None:
        """What ends most commands."""
        self.press("\x03")

    def interrupt(self) -> None:
        """The signal behind it."""
        self.process.send_signal(2)

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], 30)[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:
            return False
        self.text += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


def _take_terminal() -> None:
    """A program that draws opens /dev/tty, which is the terminal that its session has."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
