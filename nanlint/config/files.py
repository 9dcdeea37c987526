"""Where settings come from: the nearest file of each linted file, or the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nanlint.config.errors import ConfigError
from nanlint.config.keys import KEYS, read_table
from nanlint.config.settings import CACHE_DIR, Settings
from nanlint.files import SMALL, leads_out, project_of, read_whole, real_path, toml_of
from nanlint.requirements import Version, oldest_torch

CONFIG_FILES = ("nanlint.toml", "pyproject.toml")

Table = Mapping[str, Any]
_EMPTY: Table = MappingProxyType({})


class Configuration:
    """The settings of every file: those of the nearest configuration file in its folder or above it.

    A `pyproject.toml` without `[tool.nanlint]` says nothing about nanlint and is passed over. Files are read once.
    """

    def __init__(
        self,
        *,
        isolated: bool = False,
        file: Path | None = None,
        inline: Table = _EMPTY,
        change: Callable[[Settings], Settings] = lambda settings: settings,
    ) -> None:
        """What the command line says.

        Args:
            isolated: read no configuration file.
            file: the one configuration file for all; its paths and patterns are relative to the current folder.
            inline: keys and values that replace those of the files.
            change: made to the settings of every file.
        """
        self._inline = inline
        self._change = change
        self._by_folder: dict[Path, Settings] = {}
        self._torch: dict[Path, Version | None] = {}
        self._only: Settings | None = None
        if file is not None:
            table = _read_table(file)
            if table is None:
                raise ConfigError(f"{_shown(file)}: there is no `[tool.nanlint]` in it")
            self._only = self._made(table, Path.cwd(), file)
        elif isolated:
            self._only = self._made(_EMPTY, Path.cwd(), None, look_for_torch=False)

    def for_file(self, filename: str) -> Settings:
        """The settings of one file, which need not exist."""
        return self.for_folder(real_path(filename).parent).for_file(filename)

    def for_folder(self, folder: Path) -> Settings:
        """The settings of the files in a folder, given as an absolute path.

        Raises:
            ConfigError: the configuration file is not valid.
        """
        if self._only is not None:
            return self._only
        if folder not in self._by_folder:
            self._by_folder[folder] = self._nearest(folder)
        return self._by_folder[folder]

    def _nearest(self, folder: Path) -> Settings:
        for name in CONFIG_FILES:
            path = folder / name
            if path.is_file() and (table := _read_table(path)) is not None:
                return self._made(table, folder, path)
        if folder.parent == folder:
            return self._made(_EMPTY, Path.cwd(), None)
        above = self.for_folder(folder.parent)
        if above.source is not None or "target-torch" in self._inline:
            return above
        return replace(above, target_torch=oldest_torch(folder, self._torch))

    def _made(self, table: Table, folder: Path, source: Path | None, *, look_for_torch: bool = True) -> Settings:
        settings = _settings(table, self._inline, folder, source)
        if look_for_torch and settings.target_torch is None:
            settings = replace(settings, target_torch=oldest_torch(folder, self._torch))
        return self._change(settings)


def load_settings(path: str | Path = ".") -> Settings:
    """The settings of one file or folder.

    Raises:
        ConfigError: the configuration file is not valid.
    """
    resolved = Path(path).resolve()
    return Configuration().for_folder(resolved if resolved.is_dir() else resolved.parent)


def inline_table(text: str) -> Table:
    """The table that `--config 'key = value'` stands for.

    Raises:
        ConfigError: it is no TOML, or not a setting.
    """
    try:
        table = toml_of(text)
    except ValueError as error:
        hint = '; strings need quotes, as in `fail-on = "error"`' if "Invalid value" in str(error) else ""
        raise ConfigError(f"--config: `{text}` is neither a file nor valid TOML: {_first_line(error)}{hint}") from None
    try:
        read_table(table, KEYS)
    except ConfigError as error:
        raise ConfigError(f"--config: {error}") from None
    # what is written on the command line is relative to where it is written
    if table.get("baseline"):
        table["baseline"] = str(Path.cwd() / table["baseline"])
    if table.get("cache-dir"):
        table["cache-dir"] = str(Path.cwd() / table["cache-dir"])
    if "extra-rules" in table:
        table["extra-rules"] = [str(Path.cwd() / name) for name in table["extra-rules"]]
    return table


def merged(table: Table, over: Table) -> Table:
    """One table with the values of another over it; tables within them are merged alike."""
    both = dict(table)
    for key, value in over.items():
        under = both.get(key)
        both[key] = merged(under, value) if isinstance(value, dict) and isinstance(under, dict) else value
    return both


def _read_table(path: Path) -> Table | None:
    try:
        data = toml_of(read_whole(path, SMALL).decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{_shown(path)}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{_shown(path)}: cannot be read: {_first_line(error)}") from None
    if path.name != "pyproject.toml":
        return data
    tool = data.get("tool", {})
    table = tool.get("nanlint") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{_shown(path)}: `tool.nanlint` must be a table")
    return table


def _settings(table: Table, inline: Table, folder: Path, source: Path | None) -> Settings:
    try:
        read_table(table, KEYS)  # a fault in the file is the file's, even where the command line says something else
        values = read_table(merged(table, inline), KEYS)
    except ConfigError as error:
        raise ConfigError(f"{_shown(source)}: {error}" if source else str(error)) from None
    _check_inside({**values, "cache_dir": values.get("cache_dir", CACHE_DIR)}, inline, folder, source)
    values["extra_rules"] = tuple(folder / name for name in values.get("extra_rules", ()))
    values["cache_dir"] = folder / values.get("cache_dir", CACHE_DIR)
    # an empty name takes away what a file says
    values["baseline"] = folder / values["baseline"] if values.get("baseline") else None
    return Settings(**values, root=folder, source=source)


def _check_inside(values: Table, inline: Table, folder: Path, source: Path | None) -> None:
    """Settings that come with a project lead nowhere else; the command line may."""
    top = project_of(folder)
    for key in ("extra-rules", "baseline", "cache-dir"):
        value = None if key in inline else values.get(key.replace("-", "_"))
        for name in value if isinstance(value, tuple) else (value,) if value else ():
            if leads_out(folder / name, top):
                where = f"{_shown(source)}: " if source else ""
                raise ConfigError(f"{where}`{key}` leads out of the project: `{name}`; give it on the command line")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _shown(path: Path) -> str:
    resolved = path.resolve()
    return os.path.relpath(resolved) if resolved.is_relative_to(Path.cwd()) else str(path)
