"""nanlint inside other tools: flake8, GitHub Actions, problem matchers."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
BAD = "import torch\ny = torch.log(torch.softmax(z, -1))\nw = torch.log(torch.softmax(z, -1))  # noqa: NAN102\n"


def flake8(folder, *arguments, stdin=None):
    if "NAN" not in entry_points(group="flake8.extension").names:  # not installed, or installed long ago
        entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["flake8.extension"]
        (folder / ".flake8").write_text(f"[flake8:local-plugins]\nextension =\n    NAN = {entry['NAN']}\n")
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--jobs", "1", *arguments], capture_output=True, text=True, cwd=folder,
        input=stdin,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def test_flake8(tmp_path, write):
    write(BAD)
    line = "a.py:2:15: NAN102 log of `torch.softmax(z, -1)`, a softmax that underflows to 0\n"
    assert flake8(tmp_path, "--select", "NAN", "a.py") == (1, line)
    assert flake8(tmp_path, "--extend-ignore", "NAN102,F821", ".") == (0, "")
    assert "NAN102" in flake8(tmp_path, ".")[1]  # without being asked for
    assert flake8(tmp_path, "--select", "NAN", "-", stdin=BAD)[1].startswith("stdin:2:15: NAN102")
    write('ignore = ["NAN102"]\n', "nanlint.toml")
    assert flake8(tmp_path, "--select", "NAN", ".") == (0, "")


def action():
    return yaml.safe_load((ROOT / "action.yml").read_text())


def run_action(folder, **inputs):
    """The last step, as the runner does it: inputs become environment variables, and the script goes to bash."""
    definition = action()
    values = {name: one["default"] for name, one in definition["inputs"].items()} | inputs
    (folder / "bin").mkdir(exist_ok=True)
    command = folder / "bin" / "nanlint"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nanlint "$@"\n')
    command.chmod(0o755)
    step = definition["runs"]["steps"][-1]
    environment = {
        name: values[re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", value)[1]] for name, value in step["env"].items()
    }
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], capture_output=True, text=True,
        cwd=folder, env=os.environ | environment | {"PATH": path},
    )  # fmt: skip
    return done.returncode, done.stdout


def test_action(tmp_path, write):
    write(BAD)
    (tmp_path / ".git").mkdir()
    code, shown = run_action(tmp_path)
    assert code == 1
    assert shown.startswith("::error title=NAN102 log-of-softmax,file=a.py,line=2,col=15,")
    assert run_action(tmp_path, args="--ignore NAN102")[0] == 0
    assert run_action(tmp_path, args="--exit-zero --select NAN102", paths="a.py bin")[0] == 0
    assert run_action(tmp_path, paths="b.py")[0] == 2


def test_action_is_composite():
    definition = action()
    assert definition["runs"]["using"] == "composite"
    assert all(step["shell"] == "bash" for step in definition["runs"]["steps"])
    # what people write goes through the environment, never into a script
    assert not any("inputs." in step["run"] for step in definition["runs"]["steps"])


def test_problem_matcher(run, write):
    (matcher,) = json.loads((ROOT / ".github" / "nanlint-matcher.json").read_text())["problemMatcher"]
    (pattern,) = matcher["pattern"]
    write(BAD)
    source = {"cell_type": "code", "source": BAD, "metadata": {}, "outputs": []}
    write(json.dumps({"cells": [source], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "b.ipynb")
    lines = run("check", "--output-format", "concise")[1].splitlines()
    matches = [match for line in lines if (match := re.search(pattern["regexp"], line))]
    assert len(matches) == len(lines) - 1  # the last one counts
    found = [{key: match[pattern[key]] for key in ("file", "line", "column", "code", "message")} for match in matches]
    message = "log of `torch.softmax(z, -1)`, a softmax that underflows to 0"
    assert found[0] == {"file": "a.py", "line": "2", "column": "15", "code": "NAN102", "message": message}
    assert (found[1]["file"], found[1]["line"]) == ("b.ipynb", "2")
