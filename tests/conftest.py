"""What the tests share: `--update`, the linter without configuration, and how hypothesis runs on CI."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings
from repositories import own_tree

from nanlint.cards import Card, load_cards
from nanlint.testing import Lint, default_lint
from nanlint.testing import lint_for as _lint_for

# a busy runner is slow now and then, and a red build must be red again on the next run
settings.register_profile("ci", deadline=None, derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update",
        action="store_true",
        help="rewrite repaired blocks, messages, ranges and the README as they are now; never which lines are reported",
    )


@pytest.fixture(scope="session")
def update(request: pytest.FixtureRequest) -> bool:
    """Was `--update` given?"""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[], Any]], Any]:
    """Make something once for all workers: a run that takes longer than to look at what it found."""

    def once(name: str, make: Callable[[], Any]) -> Any:
        if "PYTEST_XDIST_WORKER" not in os.environ:
            return make()
        path = tmp_path_factory.getbasetemp().parent / f"{name}.pickle"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                path.write_bytes(pickle.dumps(make()))
            return pickle.loads(path.read_bytes())

    return once


@pytest.fixture(scope="session")
def pypi(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests that install something need a package index."""
    folder = tmp_path_factory.mktemp("pypi")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), "pathspec"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip("no package index can be reached")


@pytest.fixture(scope="session")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A repository with this tree as it is now, and its commit; what pre-commit keeps lies beside it."""
    folder = tmp_path_factory.mktemp("hooks")
    os.environ["PRE_COMMIT_HOME"] = str(folder / "home")
    yield folder / "nanlint", own_tree(folder / "nanlint")
    del os.environ["PRE_COMMIT_HOME"]


@pytest.fixture(scope="session")
def lint() -> Lint:
    """The linter as a user without configuration runs it."""
    return default_lint(load_cards())


@pytest.fixture(scope="session")
def lint_for() -> Callable[[Card], Lint]:
    """The linter as somebody runs it who wants to hear of a rule, be it off by default or not."""
    cards = load_cards()
    return cache(lambda card: _lint_for(card, cards))


Run = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The real command, in a folder of its own: exit code, output, errors."""

    def run(*arguments: str, stdin: str | None = None, cwd: str = ".", **environment: str) -> tuple[int, str, str]:
        inherited = {key: value for key, value in os.environ.items() if key not in {"FORCE_COLOR", "NO_COLOR"}}
        done = subprocess.run(
            [sys.executable, "-m", "nanlint", *arguments], input=stdin, capture_output=True, encoding="utf-8",
            cwd=tmp_path / cwd, timeout=60, check=False, env=inherited | environment,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file in that folder."""

    def write(text: str, name: str = "a.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
