"""For tests: folders as git repositories, and nanlint's own tree as one that pre-commit can install hooks from."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
# what an installation needs of the tree
_PARTS = ("nanlint", "rules", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular; what it says."""
    command = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.com", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def committed(folder: Path) -> str:
    """All that lies in a folder as one commit: its name."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    return git(folder, "rev-parse", "HEAD").strip()


def own_tree(folder: Path) -> str:
    """This tree as it is now, as a repository in a folder: the name of its commit."""
    folder.mkdir()
    for part in _PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    return committed(folder)
