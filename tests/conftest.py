"""What the tests share: `--update`, the linter without configuration, and how hypothesis runs on CI."""

import os
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

from nanlint.cards import load_cards
from nanlint.testing import Lint, default_lint

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
def lint() -> Lint:
    """The linter as a user without configuration runs it."""
    return default_lint(load_cards())
