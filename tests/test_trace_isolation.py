"""What traced code may do to us: nothing. Each hostile model gets its line, and the others are traced all the same."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

FINE = """
import torch
from torch import nn


class Fine(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        {body}
        return self.layer(x)
"""

# what the model does while it runs, and a part of the line that says so; "" where it is survived or refused in silence
HOSTILE = {
    "loop": ("while True: pass", "took longer than"),
    "exit": ("import os; os._exit(3)", "ended the process with exit code 3"),
    "system_exit": ("raise SystemExit('enough')", "SystemExit: enough"),
    "keyboard": ("raise KeyboardInterrupt", "stopped the process (KeyboardInterrupt)"),
    "crash": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "memory": ("bytearray(10**13)", "MemoryError"),
    "tensor_memory": ("torch.empty(10**12).fill_(1)", "allocate"),
    "reads": ("input()", "EOFError"),
    "network": ("import socket; socket.create_connection(('127.0.0.1', 9))", "not allowed while tracing"),
    "process": ("import subprocess; subprocess.run(['true'])", "subprocess.Popen is not allowed while tracing"),
    "shell": ("import os; os.system('true')", "os.system is not allowed while tracing"),
    "fork": ("import os; os.fork()", "os.fork is not allowed while tracing"),
    "kill": ("import os; os.kill(os.getppid(), 9)", "os.kill is not allowed while tracing"),
    "write": ("open('{outside}', 'w')", "is not allowed while tracing"),
    "delete": ("import os; os.remove('{victim}')", "is not allowed while tracing"),
    "rename": ("import os; os.rename('{victim}', '{victim}2')", "is not allowed while tracing"),
    "recursion": ("self.forward(x)", "RecursionError"),
    "flood": ("print('x' * 10**7)", ""),
    "thread": ("import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()", ""),
    "signals": ("import signal; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]", ""),
    "patched": ("torch.isnan = None; torch.Tensor.clone = torch.Tensor.detach", ""),
    "temporary": ("open('mine.txt', 'w').write('x')", ""),
}


@pytest.fixture(scope="module")
def ran(once, tmp_path_factory):
    return once("isolation", lambda: _run_all(tmp_path_factory))


def _run_all(tmp_path_factory):
    """One run over all of them, and a file that nobody may touch."""
    folder = tmp_path_factory.mktemp("hostile")
    victim = tmp_path_factory.mktemp("outside") / "victim.txt"
    victim.write_text("mine")
    for name, (body, _) in HOSTILE.items():
        text = body.replace("{outside}", str(victim.parent / "new.txt")).replace("{victim}", str(victim))
        (folder / f"{name}.py").write_text(FINE.format(body=text))
    (folder / "zz_last.py").write_text(FINE.format(body="pass"))
    # what stands outside of definitions is not run at all
    (folder / "script.py").write_text(
        FINE.format(body="pass") + f"\nimport os\nos.remove({str(victim)!r})\nos._exit(1)\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "nanlint", "trace", "--isolated", "--budget", "3", "--seeds", "1", "--no-table", "."],
        cwd=folder, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return run, victim


@pytest.mark.parametrize("name", HOSTILE)
def test_is_said_in_one_line(ran, name):
    run, _ = ran
    lines = [line for line in run.stderr.splitlines() if f" {name}.py: " in line]
    expected = HOSTILE[name][1]
    assert len(lines) == (1 if expected else 0), lines
    assert all(expected in line for line in lines)


def test_the_others_are_traced(ran):
    run, _ = ran
    assert "Traceback" not in run.stderr
    # those that survive, the script and the last one
    expected = sum(not said for _, said in HOSTILE.values()) + 2
    assert f"{expected} models traced" in run.stdout
    assert run.returncode == 0


def test_nothing_outside_is_touched(ran):
    _, victim = ran
    assert victim.read_text() == "mine"
    assert [path.name for path in victim.parent.iterdir()] == ["victim.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has ended")
def test_the_child_ends_with_its_parent(tmp_path):
    (tmp_path / "loop.py").write_text(FINE.format(body="while True: pass"))
    command = [sys.executable, "-m", "nanlint", "trace", "--isolated", "--budget", "600", "loop.py"]
    parent = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    child = _wait_for(lambda: _children_of(parent.pid))
    assert child
    parent.kill()
    parent.wait()
    assert _wait_for(lambda: not Path(f"/proc/{child[0]}").exists())


def _children_of(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_for(question):
    for _ in range(300):
        if answer := question():
            return answer
        time.sleep(0.1)
    return None
