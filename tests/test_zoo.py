"""Programs that fail, and train after the repair; healthy twins: what nanlint says of them, and whether it is true."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nanlint.cards import load_cards
from nanlint.testing import Lint, read_marks, run_fixture, updated_fixture

ROOT = Path(__file__).parent.parent
ZOO = Path(__file__).parent / "fixtures" / "zoo"
SICK = sorted(ZOO.glob("*.py"))
WAITING = sorted((ZOO / "waiting").glob("*.py"))  # for a repair, or a better one
HEALTHY = sorted((ZOO / "healthy").glob("*.py"))
# no training shows them: they are about the text of a file, or about frameworks that are not installed here
NOT_IN_A_RUN = {"NAN001", "NAN002", "NAN003", "NAN004", "NAN126"}


@pytest.mark.parametrize("path", SICK + WAITING, ids=lambda path: path.stem)
def test_what_is_marked_is_found_and_nothing_else(path: Path, lint: Lint, update: bool) -> None:
    if update:
        path.write_text(updated_fixture(path, lint), encoding="utf-8")
    assert read_marks(path.read_text(encoding="utf-8")).expectations
    assert not [str(failure) for failure in run_fixture(path, lint)]


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: path.stem)
def test_a_healthy_program_gets_no_finding(path: Path, lint: Lint) -> None:
    assert not read_marks(path.read_text(encoding="utf-8")).expectations
    assert not [str(failure) for failure in run_fixture(path, lint)]


def test_every_rule_has_a_program() -> None:
    shown = {mark.code for path in SICK for mark in read_marks(path.read_text(encoding="utf-8")).expectations}
    static = {card.code for card in load_cards() if not card.traced and card.default}
    assert static - NOT_IN_A_RUN == shown


def test_some_fail_and_train_after_the_repair() -> None:
    # all of them are run by `python benchmarks/proof.py`, which CI calls
    command = [sys.executable, str(ROOT / "benchmarks" / "proof.py"), "--subset", "fast"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, env=env)
    assert run.returncode == 0, run.stdout + run.stderr
