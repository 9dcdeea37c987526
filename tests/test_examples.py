"""The mission in action: the beginner's script fails, the one that nanlint writes from it trains."""

import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPT = "train_digits.py"


def _losses(script: Path) -> list[float]:
    """The losses that a training script prints as it goes."""
    # one thread: the sums come out the same on every machine, and two cores are not fought over
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, env=env)
    assert run.returncode == 0, run.stderr
    return [float(loss) for loss in re.findall(r"loss (\S+)", run.stdout)]


def _repair(tmp_path: Path) -> str:
    """What `nanlint check --fix --unsafe-fixes` makes of the failing script."""
    copy = tmp_path / SCRIPT
    shutil.copyfile(EXAMPLES / SCRIPT, copy)
    command = [sys.executable, "-m", "nanlint", "check", "--isolated", "--no-cache", "--fix", "--unsafe-fixes"]
    run = subprocess.run([*command, str(copy)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    return copy.read_text(encoding="utf-8")


def test_the_failing_script_fails() -> None:
    losses = _losses(EXAMPLES / SCRIPT)
    assert math.isfinite(losses[0])
    assert math.isnan(losses[-1])


def test_the_repaired_script_is_what_nanlint_writes(tmp_path: Path, update: bool) -> None:
    repaired = EXAMPLES / "repaired" / SCRIPT
    text = _repair(tmp_path)
    if update:
        repaired.write_text(text, encoding="utf-8")
    assert repaired.read_text(encoding="utf-8") == text


def test_the_repaired_script_trains() -> None:
    losses = _losses(EXAMPLES / "repaired" / SCRIPT)
    assert all(math.isfinite(loss) for loss in losses)
    # single batches: the mean of the last three is less of a gamble
    assert sum(losses[-3:]) / 3 < 0.5 * losses[0]
