"""The cards must be found in a wheel and in an sdist, not only in a checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CARDS = sorted(path.name for path in (ROOT / "rules").glob("*.md"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist and a wheel."""
    folder = tmp_path_factory.mktemp("dist")
    # without isolation nothing is downloaded: hatchling is among the test's own requirements
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_wheel(built: Path, tmp_path: Path) -> None:
    # `build` makes the wheel from the sdist, so this is a test of both
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert sorted(name.rpartition("/")[2] for name in names if name.startswith("nanlint/rules/")) == CARDS
    assert "nanlint/py.typed" in names
    assert not [name for name in names if name.startswith(("rules/", "tests/"))]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(tmp_path)]
    subprocess.run([*pip, str(wheel)], check=True, timeout=120)
    assert _cards_seen_by(tmp_path, tmp_path / "nanlint" / "rules") == len(CARDS)


def test_sdist(built: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    assert _cards_seen_by(tree, tree / "rules") == len(CARDS)
    for name in (
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "constraints.txt",
        ".pre-commit-hooks.yaml",
    ):
        assert (tree / name).is_file(), name
    assert (tree / "tests" / "test_cards.py").is_file()
    assert (tree / "examples" / "train_digits.py").is_file()


def _cards_seen_by(folder: Path, rules: Path) -> int:
    """How many cards the package in `folder` loads; all of them must come from `rules`."""
    code = (
        "from nanlint.cards import load_cards; cards = load_cards(); "
        f"assert all(str(card.path.parent) == {str(rules)!r} for card in cards), cards[0].path; print(len(cards))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout)
