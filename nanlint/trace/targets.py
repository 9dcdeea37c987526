"""From the words on the command line to targets: files, folders, `pkg.mod:Class`, `file.py:factory`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nanlint.config import ConfigError, Settings
from nanlint.discover import discover
from nanlint.trace.options import Wanted
from nanlint.trace.protocol import Target

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
# what a file must hold to be worth loading when a folder is given
_MODELS = re.compile(rb"\bModule\b|def nanlint_example\b")


def find_targets(wanted: Wanted, settings: Settings) -> list[Target]:
    """What to trace where this is wanted: of a folder, each file that may hold models.

    Raises:
        ConfigError: the word names nothing, or labels are given and no loss.
    """
    if wanted.labels and wanted.loss is None:
        raise ConfigError(f"{wanted.word}: labels are passed to a loss; name it with --loss")
    loss = _absolute(wanted.loss)
    return [
        replace(target, inputs=wanted.inputs, loss=loss, labels=wanted.labels)
        for target in _targets(wanted.word, settings)
    ]


def _absolute(loss: str | None) -> str | None:
    """The child stands in another folder."""
    file, colon, name = (loss or "").rpartition(":")
    return f"{Path(file).resolve()}:{name}" if colon and file else loss


def _targets(word: str, settings: Settings) -> Iterator[Target]:
    path, name = _split(word)
    if path.is_dir() and name is None:
        for file in discover([str(path)], settings).files:
            if file.endswith(".py") and _may_hold_models(Path(file)):
                yield Target(file, str(Path(file).resolve()))
    elif path.is_file():
        yield Target(word, str(path.resolve()), name=name, named=True)
    elif word.endswith(".py") or "/" in word or "\\" in word or ".py:" in word:
        raise ConfigError(f"{path}: no such file or folder")
    elif _DOTTED.fullmatch(str(path)):
        yield Target(word, module=str(path), name=name, named=True)
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
