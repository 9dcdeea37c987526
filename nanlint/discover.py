"""From the paths on the command line to the files to read: the given files always, folders by their contents."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from nanlint.config import Settings

SUFFIXES = (".py", ".pyi")

# folders that hold other people's code, or none
DEFAULT_EXCLUDES = frozenset({
    ".bzr", ".direnv", ".eggs", ".git", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nanlint_cache", ".nox",
    ".pants.d", ".pyenv", ".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tox", ".venv", "__pycache__",
    "__pypackages__", "buck-out", "build", "dist", "node_modules", "site-packages", "venv",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """The files to lint, named as the user would name them, and what was wrong with the paths: one line each."""

    files: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Ignore:
    """One list of patterns, and the folder that they are relative to."""

    folder: Path
    patterns: GitIgnoreSpec

    def matches(self, path: Path, *, is_folder: bool) -> bool | None:
        """True: ignored; False: a `!pattern` keeps it; None: not mentioned."""
        try:
            relative = path.relative_to(self.folder).as_posix()
        except ValueError:
            return None
        return self.patterns.check_file(f"{relative}/" if is_folder else relative).include


def discover(paths: Sequence[str], settings: Settings) -> Found:
    """All files under `paths`, in the order given and by name within a folder, each once."""
    files: dict[str, None] = {}
    problems: list[str] = []
    for path in paths:
        name = os.path.normpath(path)
        if Path(name).is_dir():
            files.update(dict.fromkeys(_walk_root(name, settings, problems)))
        elif os.path.lexists(name):
            files[name] = None
        else:
            problems.append(f"{path}: no such file or folder")
    return Found(tuple(files), tuple(problems))


def _walk_root(folder: str, settings: Settings, problems: list[str]) -> Iterator[str]:
    absolute = Path(folder).resolve()
    ignores = [_Ignore(settings.root.resolve(), GitIgnoreSpec.from_lines(settings.exclude))]
    above = [ignore for parent in _inside_repository(absolute) if (ignore := _gitignore(parent))]
    # who names an ignored folder wants it read
    if not _ignored(absolute, above, is_folder=True):
        ignores = above + ignores
    yield from _walk(folder, absolute, ignores, problems)


def _walk(folder: str, absolute: Path, ignores: list[_Ignore], problems: list[str]) -> Iterator[str]:
    own = _gitignore(absolute)
    # the user's own excludes come last: they are stronger than any .gitignore
    ignores = [*ignores[:-1], own, ignores[-1]] if own else ignores
    try:
        with os.scandir(absolute) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        problems.append(f"{folder}: cannot read folder: {error.strerror}")
        return
    for entry in entries:
        name = entry.name if folder == os.curdir else f"{folder}{os.sep}{entry.name}"
        # a link to a folder could lead back to where we are
        is_folder = entry.is_dir(follow_symlinks=False)
        wanted = entry.name not in DEFAULT_EXCLUDES if is_folder else entry.name.endswith(SUFFIXES) and entry.is_file()
        if not wanted or _ignored(absolute / entry.name, ignores, is_folder=is_folder):
            continue
        if is_folder:
            yield from _walk(name, absolute / entry.name, ignores, problems)
        else:
            yield name


def _ignored(path: Path, ignores: Sequence[_Ignore], *, is_folder: bool) -> bool:
    """The last list that mentions a path decides, as in git."""
    for ignore in reversed(ignores):
        verdict = ignore.matches(path, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False


def _gitignore(folder: Path) -> _Ignore | None:
    try:
        lines = (folder / ".gitignore").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return _Ignore(folder, GitIgnoreSpec.from_lines(lines))


def _inside_repository(folder: Path) -> list[Path]:
    """The folders above `folder` up to the root of its git repository, outermost first; none outside of one."""
    above: list[Path] = []
    if (folder / ".git").exists():
        return above
    for parent in folder.parents:
        above.append(parent)
        if (parent / ".git").exists():
            return above[::-1]
    return []
