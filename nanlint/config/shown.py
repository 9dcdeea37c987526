"""Settings as TOML: what `--show-settings` prints can be put into a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

from nanlint.config.keys import KEYS
from nanlint.config.settings import RuleOptions, Settings
from nanlint.diagnostic import Evidence


def shown_settings(files: Sequence[tuple[str, Settings]]) -> str:
    """The settings of all files: a block for each configuration that holds for some of them."""
    groups: dict[tuple[Path | None, str], list[str]] = {}
    for filename, settings in files:
        groups.setdefault((settings.source, _table(settings)), []).append(filename)
    return "\n".join(_block(source, table, names) for (source, table), names in groups.items())


def _block(source: Path | None, table: str, files: list[str]) -> str:
    where = "no configuration file" if source is None else _shown(source)
    count = f"{len(files)} file" if len(files) == 1 else f"{len(files)} files"
    return f"# {_comment(where)}: {count}, {_comment(files[0])}{', …' if len(files) > 1 else ''}\n{table}"


def _table(settings: Settings) -> str:
    return "".join(f"{line}\n" for line in _lines(settings))


def _lines(settings: Settings) -> Iterator[str]:
    tables = []
    for key in KEYS:
        value = getattr(settings, key.replace("-", "_"))
        if isinstance(value, Mapping):
            tables.append((key, value))
        elif value is not None:
            yield f"{key} = {_toml(value, settings.root)}"
    for key, table in tables:
        for name, value in table.items():
            if isinstance(value, RuleOptions):
                yield f"\n[{key}.{json.dumps(name)}]"
                for option in fields(value):
                    if (one := getattr(value, option.name)) is not None:
                        yield f"{option.name.replace('_', '-')} = {_toml(one, settings.root)}"
        plain = {name: value for name, value in table.items() if not isinstance(value, RuleOptions)}
        if plain:
            yield f"\n[{key}]"
            yield from (f"{json.dumps(name)} = {_toml(value, settings.root)}" for name, value in plain.items())


def _toml(value: Any, root: Path) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Evidence):
        return json.dumps(value.label)
    if isinstance(value, Enum):
        return json.dumps(str(value))
    if isinstance(value, Path):
        return json.dumps(os.path.relpath(value, root).replace(os.sep, "/"))
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(name)} = {_toml(one, root)}" for name, one in value.items()) + " }"
    if isinstance(value, tuple) and value and all(isinstance(one, int) for one in value):
        return json.dumps(".".join(map(str, value)))
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(one, root) for one in value) + "]"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _comment(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _shown(path: Path) -> str:
    resolved = path.resolve()
    return os.path.relpath(resolved) if resolved.is_relative_to(Path.cwd()) else str(path)
