"""Several processes find what one finds, in the same order, whatever becomes of them."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import MappingProxyType

import pytest

from nanlint import workers
from nanlint.ahead import Ahead
from nanlint.cards import load_cards
from nanlint.config import RuleOptions, Settings
from nanlint.engine import lint_plan
from nanlint.plan import plan_run

BAD = "import torch\n\n\ndef f(z):\n    return torch.log(torch.softmax(z, -1))\n"
FIXTURES = Path(__file__).parent / "fixtures"
RULES = MappingProxyType(
    {"NAN301": RuleOptions(max_rates=MappingProxyType({"SGD": 3.0})), "NAN102": RuleOptions(epsilon=1e-5)}
)


def found(paths, jobs, settings=None):
    results = lint_plan(plan_run([str(path) for path in paths], settings or Settings()), ahead=Ahead(None, jobs))
    return [(result.filename, result.found, result.problem) for result in results]


def test_the_same_findings():
    folders = [FIXTURES / "flow", FIXTURES / "rules" / "NAN301-learning-rate-too-high"]
    alone = found(folders, 1, Settings(rules=RULES))
    assert len(alone) > 20
    assert found(folders, 3, Settings(rules=RULES)) == alone


def test_more_processes_than_files_and_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "a.py").write_text(BAD)
    (tmp_path / "b.py").write_bytes(b"\0")
    (tmp_path / "c.py").symlink_to("nothing")
    paths = [tmp_path / "a.py", tmp_path / "b.py", tmp_path / "c.py"]
    assert found(paths, 8) == found(paths, 1)


def test_a_worker_that_dies_costs_one_file(tmp_path, monkeypatch):
    for at in range(12):
        (tmp_path / f"a{at:02}.py").write_text(BAD)
    # whoever is told to look at this file is dead
    monkeypatch.setattr(workers, "_START", workers._START.replace("serve()", "") + (
        "import os, nanlint.workers as w; real = w.look_at_file\n"
        "w.look_at_file = lambda name, *rest: os.kill(os.getpid(), 9) if 'a05' in name else real(name, *rest)\n"
        "w.serve()"
    ))  # fmt: skip
    results = found([tmp_path], 2)
    assert [Path(name).name for name, _, _ in results] == [f"a{at:02}.py" for at in range(12)]
    problems = [problem for _, _, problem in results if problem]
    assert problems == [f"{tmp_path / 'a05.py'}: the process that looked at it died (signal 9)"]
    assert sum(len(one) for _, one, _ in results) == 11


@pytest.mark.parametrize("start", ["import sys; sys.exit(3)", "raise SystemExit"])
def test_where_no_process_can_be_started_this_one_does_the_work(tmp_path, monkeypatch, start):
    (tmp_path / "a.py").write_text(BAD)
    (tmp_path / "b.py").write_text(BAD)
    monkeypatch.setattr(workers, "_START", start)
    assert found([tmp_path], 2) == found([tmp_path], 1)


def test_what_lies_in_the_current_folder_is_not_imported(tmp_path):
    for name in ("pickle", "struct", "nanlint", "ast", "queue"):
        (tmp_path / f"{name}.py").write_text("open('executed', 'w')\n" + BAD)
    command = [sys.executable, "-P", "-m", "nanlint", "check", "-j", "2", "--no-cache", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "Found 5 errors" in done.stdout
    assert not (tmp_path / "executed").exists()


def test_an_iterator_that_is_left_ends_all_processes(tmp_path, monkeypatch):
    for at in range(8):
        (tmp_path / f"a{at}.py").write_text(BAD)
    started = []
    real = workers._Worker.__init__

    def start(self, folder):
        real(self, folder)
        started.append(self.process)

    monkeypatch.setattr(workers._Worker, "__init__", start)
    results = lint_plan(plan_run([str(tmp_path)], Settings()), ahead=Ahead(None, 2))
    next(results)
    results.close()
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c(tmp_path):
    for at in range(60):
        (tmp_path / f"a{at}.py").write_text(BAD * 40)
    command = [sys.executable, "-m", "nanlint", "check", "-j", "2", "--no-cache"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)  # returns only if no worker holds the pipes open
    assert process.returncode == 130
    assert err.strip() == b"nanlint: interrupted"


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    "module", ["nanlint.cli", "click", "nanlint.cache", "nanlint.workers", "nanlint.report.concise"]
)
@pytest.mark.parametrize("again", [False, True])
def test_ctrl_c_at_a_given_moment(tmp_path, module, again):
    """Where one module after the other is imported; and a second time, by who is impatient."""
    for at in range(2):
        (tmp_path / f"a{at}.py").write_text(BAD)
    script = (
        "import os, signal, sys\n"
        "class Meddler:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            try:\n"
        "                os.kill(os.getpid(), signal.SIGINT)\n"
        "            finally:\n"
        f"                if {again}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Meddler())\n"
        "sys.argv = ['nanlint', 'check', '-j', '2', '--no-cache', '--output-format', 'concise', '--isolated']\n"
        "from nanlint.start import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, b"")
    assert done.stderr.strip() == b"nanlint: interrupted"


def test_settings_and_cards_can_be_sent():
    groups = [(Settings(rules=RULES, per_file_ignores=MappingProxyType({"a": ("NAN1",)})), load_cards())]
    ((settings, cards),) = pickle.loads(pickle.dumps(workers._plain(groups)))
    assert settings == groups[0][0]
    assert cards == groups[0][1]
    assert settings.options("NAN301", "learning-rate-too-high").max_rates == {"SGD": 3.0}


def test_a_checkout_that_is_not_installed(tmp_path):
    """Run from its folder, it is not on the path afterwards; its processes find it all the same."""
    shutil.copytree(Path(workers.__file__).parent, tmp_path / "nanlint", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(workers.__file__).parent.parent / "rules", tmp_path / "rules")
    look = tmp_path / "nanlint" / "workers.py"
    serve = "        groups = _read(orders)"
    look.write_text(look.read_text().replace(serve, f"        open('mine', 'w')\n{serve}"))
    (tmp_path / "a.py").write_text(BAD)
    (tmp_path / "b.py").write_text(BAD)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", "nanlint", "check", "-j", "2", "--no-cache", "a.py", "b.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert "Found 2 errors" in done.stdout
    assert (tmp_path / "mine").exists()
