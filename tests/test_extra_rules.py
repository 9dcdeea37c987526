"""A team's own rule is one Markdown file: no code, found through `extra-rules`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

OWN_OPERATION = """# KL divergence of a distribution that holds a zero

```toml
severity = "error"
message = "`{operand}` may be {trouble}, and kl takes its logarithm"
since = "unreleased"

[operation."ourlib.kl"]
operand = 1
safe = "x > 0"
phrase = "our KL divergence"
```

## What it does

Looks for `ourlib.kl(p, q)` where q reaches 0.

## Bad

```python
import ourlib
import torch


def distance(p, scores):
    q = torch.relu(scores)
    return ourlib.kl(p, q)  # error: LIB101 "`q` may be 0"
```

## Good

```python
import ourlib
import torch


def distance(p, scores):
    q = torch.relu(scores) + 1e-6
    return ourlib.kl(p, q)
```
"""

LIBRARY_OPERATION = """# Inverse hyperbolic tangent outside of its domain

```toml
severity = "warning"
message = "atanh of `{operand}`, which may reach 1"
since = "unreleased"

[operation."torch.atanh"]
safe = "-1 < x < 1"
phrase = "an inverse hyperbolic tangent"
```

## What it does

Looks for `torch.atanh` of a value that reaches −1 or 1.

## Bad

```python
import torch


def rapidity(x):
    return torch.atanh(torch.tanh(x))  # warning: LIB102 "atanh"
```

## Good

```python
import torch


def rapidity(x):
    return torch.atanh(0.9 * torch.tanh(x))
```
"""

CODE = """import ourlib
import torch


def loss(p, x):
    q = torch.relu(x)
    return ourlib.kl(p, q) + torch.atanh(torch.tanh(x))
"""


def _nanlint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nanlint", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two cards of its own and a file in which both have something to say."""
    rules = tmp_path / "lint" / "rules"
    rules.mkdir(parents=True)
    (rules / "LIB101-kl-of-zero.md").write_text(OWN_OPERATION, encoding="utf-8")
    (rules / "LIB102-atanh-at-one.md").write_text(LIBRARY_OPERATION, encoding="utf-8")
    (tmp_path / "train.py").write_text(CODE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("nanlint.toml", 'extra-rules = ["lint/rules"]\n'),
        ("pyproject.toml", '[tool.nanlint]\nextra-rules = ["lint/rules"]\n'),
    ],
)
def test_check_finds_them(project: Path, file: str, text: str) -> None:
    (project / file).write_text(text, encoding="utf-8")
    run = _nanlint(project, "check", "--no-cache", "--output-format", "json", "train.py")
    assert run.returncode == 1, run.stderr
    found = {entry["code"]: entry for entry in json.loads(run.stdout)}
    assert sorted(found) == ["LIB101", "LIB102"]
    assert found["LIB101"]["message"] == "`q` may be 0, and kl takes its logarithm"
    assert found["LIB101"]["location"]["row"] == 7


def test_without_the_setting_they_are_not_found(project: Path) -> None:
    assert "LIB1" not in _nanlint(project, "check", "--no-cache", "train.py").stdout


def test_their_examples_are_tests(project: Path) -> None:
    run = _nanlint(project, "test-rules", "lint/rules")
    assert run.returncode == 0, run.stdout + run.stderr
    card = project / "lint" / "rules" / "LIB101-kl-of-zero.md"
    card.write_text(OWN_OPERATION.replace("+ 1e-6", "+ 0"), encoding="utf-8")
    run = _nanlint(project, "test-rules", "lint/rules")
    assert run.returncode == 1
    assert "not expected" in run.stdout


def test_a_broken_card_is_a_usage_error(project: Path) -> None:
    (project / "nanlint.toml").write_text('extra-rules = ["lint/rules"]\n', encoding="utf-8")
    card = project / "lint" / "rules" / "LIB101-kl-of-zero.md"
    card.write_text(OWN_OPERATION.replace("severity", "severty"), encoding="utf-8")
    run = _nanlint(project, "check", "train.py")
    assert run.returncode == 2
    assert "did you mean `severity`?" in run.stderr
    assert "Traceback" not in run.stderr
