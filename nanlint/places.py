"""Where an import leads, and which places were looked at to tell: if one of them changes, the answer may change."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from typing import NamedTuple

# how far above a script the folder may be that its imports start from
_LEVELS = 4

FILE, FOLDER, NOTHING, OTHER = "f", "d", "-", "?"

# a path, and what stands there
Place = tuple[str, str]


class Lead(NamedTuple):
    """What a dotted path leads to.

    Attributes:
        target: the file, and what remains of the path inside it; None outside the project.
        places: what was looked at to tell, whether it was there or not.
    """

    target: tuple[str, tuple[str, ...]] | None
    places: tuple[Place, ...]


def kind_of(path: str) -> str:
    """What stands at a path, behind any link."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  (asked thousands of times; pathlib is slow)
    except (OSError, ValueError):
        return NOTHING
    return FILE if stat.S_ISREG(mode) else FOLDER if stat.S_ISDIR(mode) else OTHER


class Finder:
    """Finds the files that are imported. What it saw holds until `begin`."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new run begins: files may have come and gone."""
        self._here = os.getcwd()  # noqa: PTH109
        self._leads: dict[tuple[str, str], Lead] = {}
        self._seen: dict[tuple[str, bool], Place] = {}

    def find(self, path: str, folder: str) -> Lead:
        """The file that a dotted path leads to from a folder; named relative to here if the folder is."""
        key = path, folder
        if key not in self._leads:
            self._leads[key] = self._find(path, folder)
        return self._leads[key]

    def _find(self, path: str, folder: str) -> Lead:
        relative = not os.path.isabs(folder)  # noqa: PTH117
        search = _Search(self._seen, self._here if relative else None)
        start = os.path.normpath(os.path.join(self._here, folder))  # noqa: PTH118
        found = search.find(start, path)
        if found is not None and search.leads_out(found[0], start):
            found = None
        if found is not None and relative:
            found = os.path.relpath(found[0], self._here), found[1]
        return Lead(found, tuple(search.places))


class _Search:
    """One search, which notes every place that it looks at."""

    def __init__(self, seen: dict[tuple[str, bool], Place], here: str | None) -> None:
        self.places: dict[Place, None] = {}
        self._seen = seen
        self._here = here

    def find(self, folder: str, path: str) -> tuple[str, tuple[str, ...]] | None:
        name = path.lstrip(".")
        level = len(path) - len(name)
        words = tuple(word for word in name.split(".") if word)
        if level:
            base = folder
            if level - 1 > _LEVELS:
                return None
            for _ in range(level - 1):
                if self._is_root(base):
                    return None
                base = os.path.dirname(base)  # noqa: PTH120
            return self._inside(base, words)
        for base in self._bases(folder) if words else ():
            if self._is_folder(base, words[0]) or self._is_file(base, f"{words[0]}.py"):
                found = self._inside(base, words)
                if found is not None and not (words[0] in sys.stdlib_module_names and self._is_package(base)):
                    return found
        return None

    def _bases(self, folder: str) -> Iterator[str]:
        """Where an absolute import may start: beside the script, or above the outermost package."""
        yield folder
        for _ in range(_LEVELS):
            above = os.path.dirname(folder)  # noqa: PTH120
            if above == folder or self._is_root(folder):
                return
            folder = above
            yield folder

    def leads_out(self, file: str, folder: str) -> bool:
        """Does a link on the way to a file lead out of the project?"""
        real = os.path.realpath(file)
        if real == file:
            return False
        top = [*self._bases(folder)][-1]
        return not real.startswith(os.path.join(os.path.realpath(top), ""))  # noqa: PTH118

    def _inside(self, at: str, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
        for index, word in enumerate(words):
            inner = os.path.join(at, word)  # noqa: PTH118
            if self._is_package(inner) or (self._is_folder(at, word) and not self._is_file(at, f"{word}.py")):
                at = inner
            elif self._is_file(at, f"{word}.py"):
                return f"{inner}.py", words[index + 1 :]
            else:
                return self._package(at, words[index:])
        return self._package(at, ())

    def _package(self, folder: str, rest: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
        return (os.path.join(folder, "__init__.py"), rest) if self._is_package(folder) else None  # noqa: PTH118

    def _is_root(self, folder: str) -> bool:
        """Does the project end here?"""
        ends = self._kind(folder, ".git") != NOTHING or self._is_file(folder, "pyproject.toml")
        return ends and not self._is_package(folder)

    def _is_package(self, folder: str) -> bool:
        return self._is_file(folder, "__init__.py")

    def _is_file(self, folder: str, name: str) -> bool:
        return self._kind(folder, name) == FILE

    def _is_folder(self, folder: str, name: str) -> bool:
        return self._kind(folder, name) == FOLDER

    def _kind(self, folder: str, name: str) -> str:
        path = os.path.join(folder, name)  # noqa: PTH118
        key = path, self._here is None
        if key not in self._seen:
            shown = path if self._here is None else os.path.relpath(path, self._here)
            self._seen[key] = shown, kind_of(path)
        place = self._seen[key]
        self.places[place] = None
        return place[1]
