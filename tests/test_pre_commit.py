"""Both hooks, run by the real pre-commit, which installs them from this tree into an environment of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from repositories import committed, git

BAD = "import torch\n\n\ndef f(z):\n    p = torch.softmax(z, -1)\n    return torch.log(p)\n"

pytestmark = pytest.mark.usefixtures("pypi")


@pytest.fixture
def project(tmp_path: Path, hooks: tuple[Path, str]) -> Path:
    """Somebody's repository, with the hooks in its settings."""
    repository, commit = hooks
    (tmp_path / "a.py").write_text(BAD)
    hook = "repos:\n- repo: {}\n  rev: {}\n  hooks:\n  - id: nanlint\n  - id: nanlint-fix\n"
    (tmp_path / ".pre-commit-config.yaml").write_text(hook.format(repository, commit))
    committed(tmp_path)
    return tmp_path


def pre_commit(folder: Path, hook: str, *arguments: str) -> tuple[int, str]:
    """Run one hook over all files."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", "pre_commit", "run", hook, "--color", "never", *(arguments or ["--all-files"])]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=600, env=environment
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout


def test_bad_code_fails_and_repaired_code_passes(project: Path) -> None:
    code, said = pre_commit(project, "nanlint")
    assert code == 1
    assert "a.py:6:22: error[NAN102] log-of-softmax" in said
    assert (project / "a.py").read_text() == BAD
    code, said = pre_commit(project, "nanlint-fix")
    assert code == 1
    assert "files were modified by this hook" in said
    assert "torch.log_softmax(z, -1)" in (project / "a.py").read_text()
    git(project, "add", "a.py")
    assert pre_commit(project, "nanlint-fix")[0] == 0
    assert pre_commit(project, "nanlint")[0] == 0


def test_only_what_is_committed_is_looked_at(project: Path) -> None:
    (project / "b.py").write_text(BAD)
    (project / "notes.md").write_text("nothing")
    git(project, "add", "notes.md")
    code, said = pre_commit(project, "nanlint", "--verbose")
    assert (code, "no files to check" in said) == (0, True)
    git(project, "add", "b.py")
    code, said = pre_commit(project, "nanlint", "--verbose")
    assert code == 1
    assert "b.py:6:22" in said
    assert "a.py" not in said


def test_what_the_settings_leave_out_stays_out(project: Path) -> None:
    (project / "nanlint.toml").write_text('extend-exclude = ["a.py"]\n')
    git(project, "add", "nanlint.toml")
    assert pre_commit(project, "nanlint")[0] == 0


def test_notebooks(project: Path) -> None:
    cell = {"cell_type": "code", "metadata": {}, "source": BAD, "outputs": [], "execution_count": None}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (project / "a.py").unlink()
    (project / "a.ipynb").write_text(json.dumps(notebook))
    git(project, "add", "--all")
    code, said = pre_commit(project, "nanlint")
    assert code == 1
    assert "a.ipynb:cell 1:6:22" in said


def test_no_torch_is_installed(project: Path) -> None:
    pre_commit(project, "nanlint")
    home = Path(os.environ["PRE_COMMIT_HOME"])
    installed = {path.name for path in home.rglob("site-packages/*")}
    assert "libcst" in installed
    assert not {"torch", "numpy"} & installed
