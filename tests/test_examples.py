"""The mission in action: the beginner's scripts fail, those that nanlint writes from them train."""

import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.engine import lint_source
from nanlint.source import Source

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = ["train_deep.py", "train_digits.py"]


def _losses(script: Path) -> list[float]:
    """The losses that a training script prints as it goes."""
    # one thread: the sums come out the same on every machine, and two cores are not fought over
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, env=env)
    assert run.returncode == 0, run.stderr
    return [float(loss) for loss in re.findall(r"loss (\S+)", run.stdout)]


def _repair(script: str, tmp_path: Path) -> str:
    """What `nanlint check --fix --unsafe-fixes` makes of a failing script."""
    copy = tmp_path / script
    shutil.copyfile(EXAMPLES / script, copy)
    command = [sys.executable, "-m", "nanlint", "check", "--isolated", "--no-cache", "--fix", "--unsafe-fixes"]
    run = subprocess.run([*command, str(copy)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    return copy.read_text(encoding="utf-8")


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_failing_script_fails(script: str) -> None:
    assert math.isnan(_losses(EXAMPLES / script)[-1])


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_repaired_script_is_what_nanlint_writes(script: str, tmp_path: Path, update: bool) -> None:
    repaired = EXAMPLES / "repaired" / script
    text = _repair(script, tmp_path)
    if update:
        repaired.write_text(text, encoding="utf-8")
    assert repaired.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_repaired_script_trains(script: str) -> None:
    losses = _losses(EXAMPLES / "repaired" / script)
    assert all(math.isfinite(loss) for loss in losses)
    # single batches: the mean of the last three is less of a gamble
    assert sum(losses[-3:]) / 3 < 0.5 * losses[0]


def test_all_causes_are_named_in_one_run() -> None:
    """Data, initial weights, loss and learning rate, any of which is enough, and no bound on the gradients."""
    source = Source("train_deep.py", (EXAMPLES / "train_deep.py").read_text(encoding="utf-8"))
    found = lint_source(source, load_cards(), Settings())
    assert sorted(one.code for one in found) == ["NAN102", "NAN113", "NAN201", "NAN301", "NAN402"]
    assert all(one.fix is not None for one in found)


def test_one_repair_alone_is_not_enough(tmp_path: Path) -> None:
    """With the data mended, the loss is finite at first; weights and learning rate still spoil the training."""
    text = (EXAMPLES / "train_deep.py").read_text(encoding="utf-8")
    script = tmp_path / "train_deep.py"
    script.write_text(text.replace("/ images.std(dim=0)", "/ (images.std(dim=0) + 1e-8)"), encoding="utf-8")
    assert not math.isfinite(_losses(script)[-1])
