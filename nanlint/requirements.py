"""Which torch a project runs on: what its own requirements say, where the settings say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from nanlint.files import SMALL, read_whole, toml_of

Version = tuple[int, int]

_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(?!\d)")
_LONGEST = 300  # characters of a requirement that are looked at
# a lower bound, or the one version that is allowed
_TORCH = re.compile(r"^\s*torch\s*(?:\[[^\]]*\]\s*)?\(?(?:[^;#]*,)?\s*(?:>=|==|~=)\s*(\d+\.\d+)", re.IGNORECASE)


def parse_version(text: str) -> Version | None:
    """`2.15` and `2.15.1` as (2, 15)."""
    found = _VERSION.match(text.strip())
    return None if found is None else (int(found[1]), int(found[2]))


def oldest_torch(folder: Path, known: dict[Path, Version | None] | None = None) -> Version | None:
    """The oldest torch that the requirements of the project in this folder, or above it, allow. None: any.

    `known` remembers the answers for folders that were asked about before.
    """
    known = {} if known is None else known
    if folder not in known:
        known[folder] = _oldest_torch(folder, known)
    return known[folder]


def _oldest_torch(folder: Path, known: dict[Path, Version | None]) -> Version | None:
    for line in _requirements(folder):
        if (found := _TORCH.match(line[:_LONGEST])) is not None:
            return parse_version(found[1])
    if (folder / ".git").exists() or (folder / "pyproject.toml").is_file() or folder.parent == folder:
        return None
    return oldest_torch(folder.parent, known)


def _requirements(folder: Path) -> Iterator[str]:
    table: Any = {}
    with suppress(OSError, ValueError):  # said elsewhere, if it matters
        table = toml_of(read_whole(folder / "pyproject.toml", SMALL).decode()).get("project", {})
    listed = table.get("dependencies", []) if isinstance(table, dict) else []
    yield from (line for line in listed if isinstance(line, str)) if isinstance(listed, list) else ()
    try:
        yield from read_whole(folder / "requirements.txt", SMALL).decode().splitlines()
    except (OSError, UnicodeDecodeError):
        return
