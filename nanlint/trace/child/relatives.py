"""A class that cannot be built alone is built by another that uses it, and called as that calls it.

A block of a network wants a configuration, a parent's width, masks and states that nobody can guess. The network that
holds it passes the right ones. So that is built and run instead, and the part of it that was asked for is looked at.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from torch import nn

from nanlint.trace.child.inputs import Inputs
from nanlint.trace.child.loading import Loaded, Loader
from nanlint.trace.child.models import Candidate, definition

# users of a class that are tried; files of the project that are looked through, and loaded
_USERS, _FILES, _LOADED = 6, 4000, 3
_SKIPPED = frozenset({"node_modules", "site-packages", "build", "dist"})


class Part:
    """The class that is asked for, wherever it appears: a file may be loaded under two names."""

    def __init__(self, cls: type) -> None:
        self._name, self._file = cls.__qualname__, _file(cls)

    def is_one(self, module: Any) -> bool:
        """Is this an object of the class, and of none below it?"""
        cls = type(module)
        return cls.__qualname__ == self._name and _file(cls) == self._file

    def within(self, model: nn.Module) -> nn.Module | None:
        """The first part of this kind in a model."""
        return next((one for one in model.modules() if one is not model and self.is_one(one)), None)

    @contextmanager
    def watched(self) -> Iterator[list[Inputs]]:
        """While the block runs, note what parts of this kind are called with."""
        calls: list[Inputs] = []
        original = nn.Module.__call__

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if not calls and self.is_one(module):
                calls.append(Inputs(args, kwargs).map(lambda one: one.detach().clone(), _TITLE))
            return original(module, *args, **kwargs)

        nn.Module.__call__ = call  # type: ignore[method-assign]
        try:
            yield calls
        finally:
            nn.Module.__call__ = original  # type: ignore[method-assign]


_TITLE = "the input that it gets there"


def users(loaded: Loaded, loader: Loader | None, name: str) -> Iterator[tuple[Loaded, Candidate]]:
    """Classes that make objects of this one: those of its file, and with a loader those of the project too."""
    yield from islice(_users_in(loaded, name), _USERS)
    if loader is None:
        return
    file = str(loaded.module.__file__)
    for other in islice(mentioning(loader, file, name), _LOADED):
        try:
            found = loader.load_file(other)
        except (Exception, SystemExit):  # noqa: S112  (whatever that file needs and is not here)
            continue
        yield from islice(_users_in(found, name), _USERS // 2)


def _users_in(loaded: Loaded, name: str) -> Iterator[tuple[Loaded, Candidate]]:
    """Those that use it directly before those that use a user."""
    classes = {one.name: one for one in loaded.tree.body if isinstance(one, ast.ClassDef)}
    called = {one: _called(tree) for one, tree in classes.items()}
    wanted, met = [name], {name}
    while wanted:
        part = wanted.pop(0)
        for one in classes:
            if part in called[one] and one not in met:
                met.add(one)
                wanted.append(one)
                thing = vars(loaded.module).get(one)
                if inspect.isclass(thing) and issubclass(thing, nn.Module) and not inspect.isabstract(thing):
                    yield loaded, Candidate(one, thing, definition(loaded, one))


def _called(tree: ast.ClassDef) -> set[str]:
    """The names that a class uses outside of its bases and annotations."""
    return {node.id for one in tree.body for node in ast.walk(one) if isinstance(node, ast.Name)} | {
        node.attr for one in tree.body for node in ast.walk(one) if isinstance(node, ast.Attribute)
    }


def mentioning(loader: Loader, file: str, name: str) -> Iterator[str]:
    """Other files of the project that import this class and call it, the nearest first."""
    found = []
    for path in islice(_files(loader.root_of(file)), _FILES):
        try:
            if str(path) != file and _imports(path.read_bytes(), Path(file), name):
                found.append(str(path))
        except OSError:
            continue
    yield from sorted(found, key=lambda one: (-len(os.path.commonpath([one, file])), "test" in one, one))


def _imports(text: bytes, file: Path, name: str) -> bool:
    """Does this text import the class from that file, or the package around it, and call it? A class of its own may
    have the same name."""
    word = re.escape(name).encode()
    if name.encode() not in text or re.search(rb"\b%s\s*\(" % word, text) is None:
        return False
    if re.search(rb"^class\s+%s\b" % word, text, re.MULTILINE):
        return False
    imported = re.search(rb"import\s*\([^)]*\b%s\b|import[^\n(]*(\b%s\b|\*)|\.%s\s*\(" % (word, word, word), text)
    return imported is not None and (file.stem.encode() in text or file.parent.name.encode() in text)


def _files(root: str) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(one for one in inner if not one.startswith(".") and one not in _SKIPPED)
        yield from (Path(folder, one) for one in sorted(names) if one.endswith(".py"))


def _file(cls: type) -> str | None:
    try:
        return inspect.getfile(cls)
    except (TypeError, OSError):
        return None
