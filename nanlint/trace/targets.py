"""From the words on the command line to targets: files, folders, `pkg.mod:Class`, `file.py:factory`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from nanlint.config import ConfigError, Settings
from nanlint.discover import discover
from nanlint.trace.protocol import Target

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
# what a file must hold to be worth loading when a folder is given
_MODELS = re.compile(rb"\bModule\b|def nanlint_example\b")


def find_targets(words: Sequence[str], inputs: tuple[str, ...], settings: Settings) -> list[Target]:
    """What to trace; the inputs are for every target.

    Raises:
        ConfigError: a word names nothing.
    """
    return [target for word in words for target in _targets(word, inputs, settings)]


def _targets(word: str, inputs: tuple[str, ...], settings: Settings) -> Iterator[Target]:
    path, name = _split(word)
    if path.is_dir() and name is None:
        for file in discover([str(path)], settings).files:
            if file.endswith(".py") and _may_hold_models(Path(file)):
                yield Target(file, str(Path(file).resolve()), inputs=inputs)
    elif path.is_file():
        yield Target(word, str(path.resolve()), name=name, inputs=inputs, named=True)
    elif word.endswith(".py") or "/" in word or "\\" in word or ".py:" in word:
        raise ConfigError(f"{path}: no such file or folder")
    elif _DOTTED.fullmatch(str(path)):
        yield Target(word, module=str(path), name=name, inputs=inputs, named=True)
    else:
        raise ConfigError(f"{word}: give a file, a folder, FILE:NAME or PACKAGE.MODULE:NAME")


def _split(word: str) -> tuple[Path, str | None]:
    before, colon, after = word.rpartition(":")
    # a drive letter is no name
    if colon and len(before) > 1 and _DOTTED.fullmatch(after):
        return Path(before), after
    return Path(word), None


def _may_hold_models(file: Path) -> bool:
    try:
        data = file.read_bytes()
    except OSError:
        return False
    return b"torch" in data and _MODELS.search(data) is not None


def roots_of(targets: Sequence[Target], settings: Settings) -> tuple[str, ...]:
    """The folders whose files are the user's: his project, and where the targets lie."""
    folders = {str(Path.cwd()), str(settings.root.resolve())}
    folders |= {str(Path(target.file).parent) for target in targets if target.file is not None}
    return tuple(sorted(folders))
