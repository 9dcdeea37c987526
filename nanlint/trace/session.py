"""The child process and its life: started in a session of its own, listened to, ended when its time is over.

What it found is kept whatever becomes of it. A child that dies is followed by one that takes up what is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nanlint.trace.protocol import Job, job_to_json

Event = Mapping[str, Any]

# loading torch takes seconds on a busy machine
_START = 120.0
_LOAD = 60.0


class TraceError(Exception):
    """Nothing can be traced here: one line for the user."""


class _DiedError(Exception):
    """The child ended before its work did. `text` says how."""


def events(job: Job, progress: Callable[[str], None] = lambda _: None) -> Iterator[Event]:
    """What the children say, in order, with a trouble for each model on which one died.

    Raises:
        TraceError: torch is missing or too old, or the system is not supported.
    """
    if os.name == "nt":
        raise TraceError("nanlint trace needs Linux or macOS")
    begun: set[tuple[int, str]] = set(job.skip)
    while True:
        now = _Now()
        try:
            for event in _one_child(replace(job, skip=tuple(begun)), now):
                if event["event"] == "fatal":
                    raise TraceError(event["text"])
                if event["event"] == "begin":
                    begun.add((event["target"], event["name"]))
                    progress(event["name"])
                yield event
        except _DiedError as death:
            if now.target is None:
                raise TraceError(f"the tracing process died while it started: {death}") from None
            what = f"`{now.name}`" if now.name else f"while it loaded {job.targets[now.target].word}"
            text = f"{what}: {death}"
            yield {"event": "trouble", "target": now.target, "name": now.name, "text": text, "missing": False}
            if not now.name:
                begun.add((now.target, ""))
            # targets before this one are done
            begun |= {(number, "") for number in range(now.target)}
            continue
        return


class _Now:
    """What the child is at, and until when."""

    def __init__(self) -> None:
        self.target: int | None = None
        self.name = ""
        self.until = time.monotonic() + _START
        self.stopped = ""

    def heed(self, event: Event, budget: float) -> None:
        kind = event["event"]
        if kind == "load":
            self.target, self.name, self.until = event["target"], "", time.monotonic() + _LOAD
        elif kind == "begin":
            self.name, self.until = event["name"], time.monotonic() + budget
        elif kind in {"model", "trouble"}:
            self.name, self.until = "", time.monotonic() + _LOAD
        elif kind == "stopped":
            self.stopped = event["text"]


def _one_child(job: Job, now: _Now) -> Iterator[Event]:
    with tempfile.TemporaryDirectory(prefix="nanlint-trace-") as folder:
        paper = Path(folder) / "job.json"
        paper.write_text(job_to_json(job), encoding="utf-8")
        room = Path(folder) / "room"
        room.mkdir()
        reading, writing = os.pipe()
        command = [sys.executable, "-P", "-X", "faulthandler", "-m", "nanlint.trace.child", str(paper), str(writing)]
        child = subprocess.Popen(  # noqa: S603
            command,
            cwd=room,
            env=_environment(job, room),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if not os.environ.get("NANLINT_DEBUG") else None,
            pass_fds=(writing,),
            start_new_session=True,
        )
        os.close(writing)
        try:
            yield from _listen(child, reading, job, now)
        finally:
            os.close(reading)
            _end(child)


def _listen(child: subprocess.Popen[bytes], reading: int, job: Job, now: _Now) -> Iterator[Event]:
    rest = b""
    while True:
        left = now.until - time.monotonic()
        if left <= 0:
            limit = _LOAD if not now.name else job.options.budget
            raise _DiedError(f"took longer than {limit:g} seconds" + ("; --budget gives it more" if now.name else ""))
        if not select.select([reading], [], [], min(left, 1.0))[0]:
            continue
        data = os.read(reading, 65536)
        if not data:
            raise _DiedError(_how(child, now))
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            event = _parsed(line)
            if event is None:
                continue
            now.heed(event, job.options.budget)
            yield event
            if event["event"] in {"done", "fatal"}:
                return


def _parsed(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _how(child: subprocess.Popen[bytes], now: _Now) -> str:
    """Why a child that closed its pipe did so."""
    try:
        code = child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return "closed its connection"
    if now.stopped:
        return f"stopped the process ({now.stopped})"
    if code < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
            return f"killed the process ({name})" + (", probably for memory" if name == "SIGKILL" else "")
    return f"ended the process with exit code {code}"


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and everything it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _environment(job: Job, room: Path) -> dict[str, str]:
    # nanlint itself must be found without the current folder being on the path
    package = str(Path(__file__).parent.parent.parent)
    path = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    cuda = {} if job.options.device.startswith("cuda") else {"CUDA_VISIBLE_DEVICES": ""}
    return os.environ | cuda | {
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(room),
        "TORCHDYNAMO_DISABLE": "1",
        "PYTORCH_JIT": "0",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "WANDB_MODE": "disabled",
        "MPLBACKEND": "Agg",
        "TOKENIZERS_PARALLELISM": "false",
    }  # fmt: skip
