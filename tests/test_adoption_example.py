"""The newcomer's path of examples/adoption, on a project from the package index."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from repositories import git

ROOT = Path(__file__).parents[1]


@pytest.mark.usefixtures("pypi")
def test_a_newcomers_path(tmp_path, hooks):
    repository, commit = hooks
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "FORCE_COLOR"}}
    environment |= {
        "NANLINT_INSTALL": str(repository), "NANLINT_HOOKS": str(repository), "NANLINT_REVISION": commit,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    script = ROOT / "examples" / "adoption" / "adopt.sh"
    done = subprocess.run(
        [str(script), str(tmp_path / "work")], capture_output=True, text=True, timeout=900, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert "lpips/__init__.py:14:19: warning[NAN122] norm-by-hand" in said
    assert "Wrote 2 findings to nanlint-baseline.json." in said
    assert "lpips/extra.py:6:28: error[NAN102] log-of-softmax" in said
    assert "1 entry of nanlint-baseline.json is fixed (lpips/__init__.py); --write-baseline drops them" in said
    assert "Wrote 1 finding to nanlint-baseline.json (0 new, 1 gone)." in said
    project = tmp_path / "work" / "lpips-0.1.4"
    before = git(project, "show", "HEAD~3:lpips/__init__.py")
    after = (project / "lpips" / "__init__.py").read_text()
    assert torch.isnan(gradient(before)).all()
    assert torch.isfinite(gradient(after)).all()


def gradient(text):
    """That of what the project normalises, at zero."""
    (function,) = (one for one in ast.parse(text).body if getattr(one, "name", "") == "normalize_tensor")
    names = {"torch": torch}
    exec(compile(ast.Module([function], []), "lpips", "exec"), names)
    x = torch.zeros(1, 3, 2, 2, requires_grad=True)
    names["normalize_tensor"](x).sum().backward()
    return x.grad
