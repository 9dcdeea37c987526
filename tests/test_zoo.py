"""Programs that fail, and train after the repair; healthy twins: what nanlint says of them, and whether it is true."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nanlint.cards import load_cards
from nanlint.testing import Lint, read_marks, run_fixture, updated_fixture

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "benchmarks"))  # at the end: benchmarks/trace.py is not the module of that name
import zoo  # noqa: E402 (it reads the heads of the programs)

ZOO = Path(__file__).parent / "fixtures" / "zoo"
SICK = sorted(ZOO.glob("*.py"))
WAITING = sorted((ZOO / "waiting").glob("*.py"))  # for a repair, or a better one
HEALTHY = sorted((ZOO / "healthy").glob("*.py"))
# rules that no training shows, and why
NOT_IN_A_RUN = {
    "NAN001": "a comment that silences nothing changes no number",
    "NAN002": "nor does one that names no rule",
    "NAN003": "what is not Python does not run",
    "NAN004": "that a function takes too long to analyse says nothing of what it computes",
}
# where the fault is not a value but how a network is trained: each has a program in which it is the only fault
OF_THE_RECIPE = ("NAN201", "NAN202", "NAN203", "NAN204", "NAN205", "NAN301", "NAN402", "NAN403", "NAN404")
CAUSES = {
    "division by zero",
    "log of zero",
    "exploding gradients",
    "too high learning rate",
    "bad initialisation",
    "raw data",
}


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
    shown = {code for path in SICK for code in _codes(path)}
    on = {card.code for card in load_cards() if not card.traced and card.default}
    assert on - NOT_IN_A_RUN.keys() == shown


def test_every_cause_has_a_program() -> None:
    named = {cause for path in SICK for cause in zoo.read(path).head["cause"].split(", ")}
    assert named == CAUSES


def test_there_are_as_many_as_promised() -> None:
    heads = {path.stem: zoo.read(path).head for path in SICK}
    assert len(SICK) >= 60
    assert sum(len(_codes(path)) > 1 for path in SICK) >= 12
    assert sum("far" in head for head in heads.values()) >= 6
    assert len(HEALTHY) >= 20
    for library in ("keras", "optax"):  # these run where the libraries are installed
        assert sum(library in zoo.imported(path) for path in SICK) >= 3
        assert sum(library in zoo.imported(path) for path in HEALTHY) >= 3
    for style in ("Lightning style", "Keras style", "functional style"):  # these in torch alone
        assert any(style in head["model"] for head in heads.values())


@pytest.mark.parametrize("page", ["README.md", "docs/proof.md"])
def test_the_page_has_a_row_for_every_program(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [path.stem for path in SICK if f"| [{path.stem}](" not in text] == []


def _codes(path: Path) -> set[str]:
    return {mark.code for mark in read_marks(path.read_text(encoding="utf-8")).expectations}


def _alone(code: str) -> list[str]:
    """The programs in torch that fail by this rule's fault alone, and train by its repair alone."""
    heads = {path: zoo.read(path).head for path in SICK if not zoo.imported(path) & {"keras", "optax"}}
    return [path.stem for path, head in heads.items() if _codes(path) == {code} and "cure" not in head]


@pytest.mark.parametrize("code", OF_THE_RECIPE)
def test_a_rule_of_the_recipe_has_a_program_of_its_own(code: str) -> None:
    assert _alone(code)


def test_a_fault_of_the_recipe_alone_ends_training_and_its_repair_saves_it() -> None:
    _prove(*(_alone(code)[0] for code in OF_THE_RECIPE))


def test_some_fail_and_train_after_the_repair() -> None:
    # all of them are run by `python benchmarks/proof.py`, which CI calls
    _prove("--subset", "fast")


def _prove(*arguments: str) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "proof.py"), *arguments]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, env=env)
    assert run.returncode == 0, run.stdout + run.stderr
