"""The findings that a project has decided to live with: a file of them, by what they say and not by line."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nanlint.adoption.keys import keys_of
from nanlint.config import ConfigError
from nanlint.diagnostic import Diagnostic
from nanlint.files import LARGE, read_whole
from nanlint.source import Source, write_source

DEFAULT = "nanlint-baseline.json"
VERSION = 1
_ABOUT = "Findings that nanlint does not report. Written by `nanlint check --write-baseline`; do not edit."
_WIDTH = 100  # of the text beside an entry, which is there for the reader only

_Entry = tuple[str, str]  # code and key


@dataclass
class Baseline:
    """One file of findings.

    Attributes:
        path: where it stands; the files in it are named relative to its folder.
        entries: how often each finding is known, by file.
        texts: the line of each, for people who read the file.
    """

    path: Path
    entries: dict[str, Counter[_Entry]] = field(default_factory=dict)
    texts: dict[_Entry, str] = field(default_factory=dict)
    _met: dict[str, Counter[_Entry]] = field(default_factory=dict)

    def keep(
        self, source: Source, found: Sequence[Diagnostic], suspects: Sequence[Diagnostic] = ()
    ) -> list[Diagnostic]:
        """What is not in the baseline. Of equal findings as many as are known are left out: from the top, but last
        those that are suspected to be new."""
        name = self._name(source.filename)
        known = self.entries.get(name)
        if not known:
            self._met[name] = Counter()
            return list(found)
        met: Counter[_Entry] = Counter()
        new = []
        keyed = list(zip(found, keys_of(source, found), strict=True))
        for one, key in sorted(keyed, key=lambda pair: pair[0] in suspects):
            if met[one.code, key] < known[one.code, key]:
                met[one.code, key] += 1
            else:
                new.append(one)
        self._met[name] = met
        return [one for one in found if one in new]

    @property
    def hidden(self) -> int:
        """How many findings were left out."""
        return sum(met.total() for met in self._met.values())

    def gone(self) -> Counter[str]:
        """How many entries nothing was found for, by file; in files that were looked at, or are gone."""
        gone: Counter[str] = Counter()
        for name, known in self.entries.items():
            if name in self._met:
                gone[name] = (known - self._met[name]).total()
            elif not (self.path.parent / name).exists():
                gone[name] = known.total()
        return +gone

    def rewritten(self, results: Iterable[tuple[str, Source | None, Sequence[Diagnostic]]]) -> Baseline:
        """A baseline with what was found now; files that were not looked at keep their entries while they exist."""
        new = Baseline(self.path)
        for filename, source, found in results:
            entries: Counter[_Entry] = Counter()
            for one, key in zip(found, keys_of(source, found), strict=True):
                entries[one.code, key] += 1
                line = "" if source is None else source.line_text(one.span.start_line)
                new.texts[one.code, key] = " ".join(line.split())[:_WIDTH]
            new.entries[self._name(filename)] = entries
        for name, entries in self.entries.items():
            if name not in new.entries and (self.path.parent / name).exists():
                new.entries[name] = entries
                new.texts |= {entry: self.texts.get(entry, "") for entry in entries}
        return new

    def size_beyond(self, other: Baseline) -> int:
        """How many findings it holds that another one does not."""
        return sum((known - other.entries.get(name, Counter())).total() for name, known in self.entries.items())

    @property
    def size(self) -> int:
        """How many findings it holds."""
        return sum(entries.total() for entries in self.entries.values())

    def write(self) -> None:
        """Write the file, in one step; with a line for each entry, so that two branches can be merged.

        Raises:
            ConfigError: it cannot be written.
        """
        blocks = []
        for name in sorted(name for name, entries in self.entries.items() if entries):
            lines = [
                json.dumps({"code": code, "key": key, "count": count, "text": self.texts.get((code, key), "")})
                for (code, key), count in sorted(self.entries[name].items())
            ]
            blocks.append(f"    {json.dumps(name)}: [\n      " + ",\n      ".join(lines) + "\n    ]")
        files = "{\n" + ",\n".join(blocks) + "\n  }" if blocks else "{}"
        text = f'{{\n  "about": {json.dumps(_ABOUT)},\n  "version": {VERSION},\n  "files": {files}\n}}\n'
        try:
            if self.path.exists():
                write_source(self.path, text.encode())
            else:
                self.path.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise ConfigError(f"{_shown(self.path)}: cannot write file: {error.strerror}") from None

    def _name(self, filename: str) -> str:
        return os.path.relpath(Path(filename).resolve(), self.path.resolve().parent).replace(os.sep, "/")


def read_baseline(path: Path, *, must_exist: bool = True) -> Baseline:
    """The baseline in a file.

    Raises:
        ConfigError: there is none, or it is not what nanlint wrote.
    """
    try:
        data = json.loads(read_whole(path, LARGE).decode())
    except FileNotFoundError:
        if not must_exist:
            return Baseline(path)
        raise ConfigError(f"{_shown(path)}: there is no such baseline; --write-baseline makes one") from None
    except OSError as error:
        raise ConfigError(f"{_shown(path)}: cannot read baseline: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{_shown(path)}: not a baseline: {str(error).partition(chr(10))[0]}") from None
    version = data.get("version") if isinstance(data, dict) else None
    if version != VERSION or not isinstance(data.get("files"), dict):
        is_other = isinstance(version, int) and version != VERSION
        reason = f"version {version}; this nanlint reads {VERSION}" if is_other else "`files` is missing"
        raise ConfigError(f"{_shown(path)}: not a baseline: {reason}")
    baseline = Baseline(path)
    for name, entries in data["files"].items():
        if not isinstance(entries, list) or not all(map(_is_entry, entries)):
            raise ConfigError(f"{_shown(path)}: not a baseline: the entries of `{name}` need a code, a key and a count")
        baseline.entries[name] = Counter()
        for entry in entries:
            baseline.entries[name][entry["code"], entry["key"]] += entry["count"]
            baseline.texts[entry["code"], entry["key"]] = str(entry.get("text", ""))
    return baseline


def _is_entry(entry: Any) -> bool:
    if (
        not isinstance(entry, Mapping)
        or not isinstance(entry.get("code"), str)
        or not isinstance(entry.get("key"), str)
    ):
        return False
    count = entry.get("count")
    return isinstance(count, int) and not isinstance(count, bool) and count > 0


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
