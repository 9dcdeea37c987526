"""A Dask cluster finds what one process finds, whatever becomes of its workers. On a real one, on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nanlint import cluster
from nanlint.ahead import Ahead
from nanlint.config import ConfigError, Settings
from nanlint.engine import lint_plan
from nanlint.plan import plan_run

distributed = pytest.importorskip("distributed")

FIXTURES = Path(__file__).parent / "fixtures"
BAD = "import torch\n\n\ndef f(z):\n    return torch.log(torch.softmax(z, -1))\n"


@pytest.fixture(scope="module")
def local():
    """Three worker processes; who dies is replaced."""
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as local:
        yield local


@pytest.fixture
def address(local):
    return local.scheduler_address.replace("tcp://", "dask://")


def found(paths, executor=None):
    results = lint_plan(plan_run([str(path) for path in paths], Settings()), ahead=Ahead(None, 1, executor))
    for result in results:
        yield result.filename, result.found, result.problem


def test_a_worker_that_is_killed_in_the_middle(local, address, monkeypatch):
    """Nothing is lost, and nothing comes twice."""
    monkeypatch.setattr(cluster, "_BATCH", 12_000)
    folders = [FIXTURES / "flow", *sorted((FIXTURES / "rules").glob("NAN10*"))]
    alone = list(found(folders))
    assert sum(len(one[1]) for one in alone) > 20
    results = found(folders, cluster.DaskExecutor(address))
    seen = [next(results)]
    with distributed.Client(local.scheduler_address, set_as_default=False) as client:
        busy = {worker: keys for worker, keys in client.processing().items() if keys}
        assert busy, "all is done: this was no test"
        victim = next(iter(busy))
        pid = client.run(os.getpid, workers=[victim])[victim]
        os.kill(pid, signal.SIGKILL)
    seen += results
    assert not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    assert seen == alone


def test_a_file_that_kills_its_process_costs_one_line(local, address, tmp_path):
    for at in range(6):
        (tmp_path / f"a{at}.py").write_text(BAD)
    plain = list(found([tmp_path]))
    deadly = (
        "import os, nanlint.workers as w; real = w.look_at_file\n"
        "w.look_at_file = lambda name, *rest: os.kill(os.getpid(), 9) if 'a3' in name else real(name, *rest)\n"
        "w.serve()"
    )
    change = f"import nanlint.workers as w; w._START = w._START.replace('serve()', {deadly!r})"
    back = f"import nanlint.workers as w; w._START = w._START.replace({deadly!r}, 'serve()')"
    with distributed.Client(local.scheduler_address, set_as_default=False) as client:
        client.run(lambda: exec(change))
        results = list(found([tmp_path], cluster.DaskExecutor(address)))
        client.run(lambda: exec(back))
    (problem,) = [problem for _, _, problem in results if problem]
    assert problem.endswith("a3.py: the process that looked at it died (signal 9)")
    assert [one for one in results if not one[2]] == [one for one in plain if "a3" not in one[0]]


def test_the_command(run, write, tmp_path, address):
    (tmp_path / "package").mkdir()
    write("import torch\n\n\ndef g(z):\n    return torch.softmax(z, -1)\n", "package/b.py")
    write("import torch\nfrom b import g\n\n\ndef f(z):\n    return torch.log(g(z))\n", "package/a.py")
    (tmp_path / "package" / "c.py").write_bytes(b"\0")
    arguments = ("check", "package", "--output-format", "json", "--no-cache")
    code, out, err = run(*arguments, "--executor", address)
    assert (code, err) == (1, "")
    assert json.loads(out) == json.loads(run(*arguments)[1])
    assert {one["code"] for one in json.loads(out)} == {"NAN003", "NAN102"}
    # what the cluster saw is kept, and a repair is made here
    assert run("check", "package", "--executor", address)[0] == 1
    code, out, _ = run("check", "package/a.py", "--unsafe-fixes", "--fix", "--executor", address)
    assert "Fixed 1 finding" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--executor", "dask://localhost"), "is not like dask://localhost:8786"),
        (("--executor", "ray://localhost:1"), "is not like dask://localhost:8786"),
        (("--executor", "dask://localhost:99999"), "is not like dask://localhost:8786"),
        (("--executor", "dask://localhost:1", "--jobs", "2"), "--executor cannot be used with --jobs"),
    ],
)
def test_wrong_usage(run, write, arguments, said):
    write(BAD)
    code, out, err = run("check", *arguments)
    assert (code, out) == (2, "")
    assert said in err


SCHEDULER = """
import time, sys
from distributed import LocalCluster
with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as local:
    print(local.scheduler_address, flush=True)
    sys.stdin.read()
"""


def test_the_scheduler_dies_in_the_middle(tmp_path):
    """One line, the exit code 2, and nothing hangs."""
    for at in range(40):
        (tmp_path / f"a{at}.py").write_text(BAD * 200)
    script = tmp_path / "scheduler"
    script.write_text(SCHEDULER.replace("with", "if __name__ == '__main__':\n  with").replace("\n    ", "\n      "))
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, start_new_session=True,
    ) as scheduler:  # fmt: skip
        address = scheduler.stdout.readline().strip().replace("tcp://", "dask://")
        assert address.startswith("dask://")
        start = (
            "import nanlint.cluster as c; c._BATCH = 10_000\n"
            "real = c.DaskExecutor._result\n"
            "def told(self, *rest):\n    print('asked', flush=True); yield from real(self, *rest)\n"
            "c.DaskExecutor._result = told\n"
            "from nanlint.cli import main; main()"
        )
        command = [sys.executable, "-c", start, "check", "--isolated", "--no-cache", "--executor", address]
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            assert run.stdout.readline() == "asked\n"
            os.killpg(scheduler.pid, signal.SIGKILL)
            out, err = run.communicate(timeout=120)
    assert run.returncode == 2
    assert set(out.split()) <= {"asked"}
    assert err.startswith(f"nanlint: {address}: the cluster is gone: ")
    assert err.count("\n") == 1


def test_no_scheduler(run, write):
    write(BAD)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"dask://127.0.0.1:{free.getsockname()[1]}"
        code, out, err = run(
            "check", "--no-cache", "--executor", address, DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="1s"
        )
    assert (code, out) == (2, "")
    assert err.startswith(f"nanlint: {address}: no scheduler answers there: ")
    assert err.count("\n") == 1


def test_without_dask(tmp_path):
    (tmp_path / "a.py").write_text(BAD)
    start = "import sys; sys.modules['distributed'] = None; from nanlint.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, "check", "--no-cache", "--executor", "dask://localhost:1", "a.py"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "nanlint: dask://localhost:1 needs Dask: pip install 'nanlint[dask]'\n"


@pytest.mark.parametrize(
    ("here", "said"),
    [
        (("other", "3.11", 9), "has another nanlint"),
        ((None, "2.7", 9), "has another Python"),
        ((None, None, 9), "does not see the same /"),
    ],
)
def test_workers_that_differ(address, tmp_path, monkeypatch, here, said):
    (tmp_path / "a.py").write_text(BAD)
    real = cluster.describe(str(tmp_path / "a.py"))
    mixed = tuple(theirs if ours is None else ours for ours, theirs in zip(here, real, strict=True))
    executor = cluster.DaskExecutor(address)
    sent = cluster.describe  # the workers have the real one, by its name
    calls = iter([mixed])
    monkeypatch.setattr(executor, "_mine", lambda path: next(calls, sent(path)))
    with pytest.raises(ConfigError, match=said):
        list(found([tmp_path], executor))


def test_batches():
    sizes = [10, 400_000, 700_000, 5, 5, 3_000_000, 1]
    parts = list(cluster._batches(sizes))
    assert [at for start, end in parts for at in range(start, end)] == list(range(len(sizes)))
    assert 2 < len(parts) < len(sizes)
    assert list(cluster._batches([])) == []
