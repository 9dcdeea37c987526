"""From the paths on the command line to the files to read: the given files always, folders by their contents."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from nanlint.config import Configured, Settings
from nanlint.files import SMALL, leads_out, project_of, read_whole, real_path
from nanlint.patterns import lenient_matcher, matcher

SUFFIXES = (".py", ".pyi", ".ipynb")

# a folder of that name, wherever it stands
_NAME = re.compile(r"[^/*?\[!\\]+/")


@dataclass(frozen=True, slots=True)
class Found:
    """The files to lint, named as the user would name them, what was wrong with the paths, and what was passed over
    and why: one line each."""

    files: tuple[str, ...]
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class _Excludes:
    """What the settings of a folder exclude. Most patterns are the name of a folder: those need no pattern matching."""

    root: Path
    names: frozenset[str]
    patterns: _Ignore | None

    @classmethod
    def of(cls, settings: Settings) -> _Excludes:
        patterns = settings.exclude + settings.extend_exclude
        ordered = any(pattern.startswith("!") for pattern in patterns)  # each may take back one before it
        names = frozenset(pattern[:-1] for pattern in patterns if _NAME.fullmatch(pattern) and not ordered)
        rest = [pattern for pattern in patterns if pattern[:-1] not in names]
        root = settings.root.resolve()
        return cls(root, names, _Ignore(root, matcher(rest)) if rest else None)

    def matches(self, path: Path, *, is_folder: bool) -> bool:
        """Is this one excluded? What stands above it is not asked about."""
        if is_folder and path.name in self.names:
            return True
        return self.patterns is not None and self.patterns.matches(path, is_folder=is_folder) is True

    def match_above(self, path: Path, *, is_folder: bool) -> bool:
        """Is this one excluded, or a folder that it stands in?"""
        try:
            above = path.relative_to(self.root).parts[:-1]
        except ValueError:
            above = ()
        return not self.names.isdisjoint(above) or self.matches(path, is_folder=is_folder)


def discover(paths: Sequence[str], configured: Configured) -> Found:
    """All files under `paths`, in the order given and by name within a folder, each once."""
    files: dict[str, None] = {}
    walk = _Walk(configured)
    for path in paths:
        name = os.path.normpath(path)
        if walk.forbids(name):
            continue
        if Path(name).is_dir():
            files.update(dict.fromkeys(walk.files_in(name)))
        elif os.path.lexists(name):
            files[name] = None
        else:
            walk.problems.append(f"{path}: no such file or folder")
    return Found(tuple(files), tuple(walk.problems), tuple(walk.remarks))


def is_excluded(filename: str, settings: Settings) -> bool:
    """Do the settings exclude a file even if it is named?"""
    return settings.force_exclude and _Excludes.of(settings).match_above(real_path(filename), is_folder=False)


class _Walk:
    """One walk through folders, each with the settings that hold there."""

    def __init__(self, configured: Configured) -> None:
        self.problems: list[str] = []
        self.remarks: list[str] = []
        self._top = Path()
        self._configured = configured
        self._excludes: dict[int, tuple[Settings, _Excludes]] = {}

    def forbids(self, name: str) -> bool:
        """Is a path excluded although it is named?"""
        path = real_path(name)
        settings = self._configured.for_folder(path.parent)
        is_excluded = self._excludes_of(settings).match_above
        return settings.force_exclude and is_excluded(path, is_folder=path.is_dir())

    def files_in(self, folder: str) -> Iterator[str]:
        """The Python files and notebooks in a folder that is named. Who names an ignored one wants it read."""
        absolute = real_path(folder)
        self._top = project_of(absolute)
        settings = self._configured.for_folder(absolute)
        above = [ignore for parent in _inside_repository(absolute) if (ignore := _gitignore(parent))]
        by_git = settings.respect_gitignore and not _ignored(absolute, above, is_folder=True)
        by_us = not self._excludes_of(settings).match_above(absolute, is_folder=True)
        yield from self._walk(folder, absolute, above if by_git else [], excluding=by_us)

    def _walk(self, folder: str, absolute: Path, ignores: list[_Ignore], *, excluding: bool) -> Iterator[str]:
        settings = self._configured.for_folder(absolute)
        excludes = self._excludes_of(settings)
        own = _gitignore(absolute) if settings.respect_gitignore else None
        ignores = [*ignores, own] if own else ignores
        try:
            with os.scandir(absolute) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self.problems.append(f"{folder}: cannot read folder: {error.strerror}")
            return
        for entry in entries:
            name = entry.name if folder == os.curdir else f"{folder}{os.sep}{entry.name}"
            # a link to a folder could lead back to where we are
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder and not (entry.name.endswith(SUFFIXES) and Path(entry).is_file()):
                continue
            path = absolute / entry.name
            # the user's own excludes are stronger than any .gitignore; folders that hold no code of theirs always hold
            excluded = (
                excludes.matches(path, is_folder=is_folder) if excluding else is_folder and entry.name in excludes.names
            )
            if excluded or _ignored(path, ignores, is_folder=is_folder):
                continue
            if is_folder:
                yield from self._walk(name, path, ignores, excluding=excluding)
            elif entry.is_symlink() and leads_out(path, self._top):
                self.remarks.append(f"{name}: not looked at: a link that leads out of the project")
            else:
                yield name

    def _excludes_of(self, settings: Settings) -> _Excludes:
        if id(settings) not in self._excludes:
            # kept together with the settings, so that no others can get their `id`
            self._excludes[id(settings)] = settings, _Excludes.of(settings)
        return self._excludes[id(settings)][1]


def _ignored(path: Path, ignores: Sequence[_Ignore], *, is_folder: bool) -> bool:
    """The last list that mentions a path decides, as in git."""
    for ignore in reversed(ignores):
        verdict = ignore.matches(path, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False


def _gitignore(folder: Path) -> _Ignore | None:
    try:
        lines = read_whole(folder / ".gitignore", SMALL).decode(errors="replace").splitlines()
    except OSError:
        return None
    return _Ignore(folder, lenient_matcher(lines))


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
