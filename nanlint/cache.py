"""What earlier runs saw, kept in a folder, so that only files are looked at for which something has changed.

An entry holds for a file while all of this stays as it was: its content, the content of every file that was looked
into for its sake, what stands where such files were looked for, the settings that decide what is seen, the rules, and
nanlint itself. Whatever is unclear is looked at anew: a damaged, foreign or older cache costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nanlint.cards import Card
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic, Evidence, Related, Severity
from nanlint.fix import Applicability, Edit, Fix
from nanlint.look import Looked, digest_of, stamp_of
from nanlint.places import Place, kind_of
from nanlint.source import Span, write_new

FORMAT = 1
TAG = "CACHEDIR.TAG"
_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This folder was made by nanlint and may be removed; see https://bford.info/cachedir/\n"
)
_OURS = "made by nanlint"

# files that no run has asked about for the longest time are forgotten first
_MOST_ENTRIES = 20_000
_MOST_BYTES = 64 * 1024 * 1024
_MOST_INDEXES = 16
_DAY = 24 * 3600  # seconds

# settings that say where to look, how to report, or what to leave out of it
_INDIFFERENT = frozenset(
    "per_file_ignores min_severity fail_on exclude extend_exclude force_exclude respect_gitignore extra_rules baseline "
    "output_format root source cache_dir".split()
)


class Cache:
    """What is known of files, for one run."""

    def __init__(self) -> None:
        self._started = time.time_ns()
        self._nanlint = nanlint_itself()
        self._indexes: dict[Path, _Index] = {}
        self._of_settings: dict[tuple[int, int], tuple[Settings, Sequence[Card], _Index]] = {}
        self._digests: dict[str, str | None] = {}
        self._kinds: dict[str, str] = {}

    def get(self, filename: str, cards: Sequence[Card], settings: Settings) -> Looked | None:
        """What was seen in a file, if that still holds."""
        index = self._index(cards, settings)
        try:
            entry = index.entries[filename]
            if entry[0] != self._digest(filename, index):
                return None
            if any(self._digest(name, index) != digest for name, digest in entry[1]):
                return None
            if any(self._kind(path) != kind for path, kind in map(index.places.__getitem__, entry[2])):
                return None
            looked = Looked(tuple(map(decoded, entry[3])), entry[0])
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None  # not what we wrote
        index.entries[filename] = index.entries.pop(filename)  # the last one asked about
        return looked

    def put(self, filename: str, cards: Sequence[Card], settings: Settings, looked: Looked) -> None:
        """Keep what was seen in a file, unless something else may have changed meanwhile."""
        if looked.problem is not None:
            return
        index = self._index(cards, settings)
        files = []
        for name in sorted(looked.files - {filename}):
            digest, stamp = self._digest(name, index), stamp_of(name)
            if digest is None or stamp is None or not stamp.is_settled(self._started):
                return
            files.append([name, digest])
        places = [index.number(place) for place in sorted(looked.places)]
        index.entries.pop(filename, None)
        index.entries[filename] = [looked.digest, files, places, [encoded(one) for one in looked.found]]
        index.files.pop(filename, None)
        if looked.stamp is not None:
            index.files[filename] = [*looked.stamp, looked.digest]
        index.is_new = True

    def save(self) -> None:
        """Write what is new. A folder that cannot be written to is left alone."""
        if any(index.is_new for index in self._indexes.values()) and nanlint_itself() != self._nanlint:
            return  # somebody works on nanlint: parts of this run may be older than others
        for index in self._indexes.values():
            with suppress(OSError):
                index.save()

    def _index(self, cards: Sequence[Card], settings: Settings) -> _Index:
        known = self._of_settings.get((id(settings), id(cards)))
        if known is None:
            folder = cache_folder(settings)
            parts = self._nanlint, _seen_from(settings.root), _all_cards(tuple(cards)), _decisive(settings)
            key = digest_of("\0".join(parts).encode(errors="replace"))
            path = folder / f"{key}.json"
            if path not in self._indexes:
                self._indexes[path] = _Index(path)
            # kept together with the settings, so that no others can get their `id`
            known = self._of_settings[id(settings), id(cards)] = settings, cards, self._indexes[path]
        return known[2]

    def _digest(self, filename: str, index: _Index) -> str | None:
        """Of the content of a file as it is now; it is not read if its stamp says that it is as it was."""
        if filename in self._digests:
            return self._digests[filename]
        now, stamp = time.time_ns(), stamp_of(filename)
        known = index.files.get(filename)
        digest: str | None
        if known is not None and stamp is not None and tuple(known[:3]) == stamp:
            digest = known[3]
        else:
            try:
                digest = digest_of(Path(filename).read_bytes())
            except (OSError, ValueError):
                digest = None
            if digest is not None and stamp is not None and stamp.is_settled(now):
                index.files[filename] = [*stamp, digest]
                index.is_new = True
        self._digests[filename] = digest
        return digest

    def _kind(self, path: str) -> str:
        if path not in self._kinds:
            self._kinds[path] = kind_of(path)
        return self._kinds[path]


class _Index:
    """One file of the cache: all that is known under the same settings.

    Attributes:
        entries: by file, the digest of its content, those of files looked into, numbers of places, and findings; the
            last one asked about comes last.
        files: by file, its stamp and the digest of its content.
        places: where files were looked for, and what stood there.
        is_new: is there something to write?
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, list[Any]] = {}
        self.files: dict[str, list[Any]] = {}
        self.places: list[Place] = []
        self.is_new = False
        self._numbers: dict[Place, int] = {}
        self._stamp = stamp_of(str(path))
        self._read()

    def number(self, place: Place) -> int:
        """What a place is called in entries."""
        if place not in self._numbers:
            self._numbers[place] = len(self.places)
            self.places.append(place)
        return self._numbers[place]

    def save(self) -> None:
        """Write the file in one step, with what another run has written meanwhile.

        Raises:
            OSError: that is not possible.
        """
        if not self.is_new:
            with suppress(OSError):  # so that it is not the first one to be forgotten
                if self._stamp is not None and time.time() - self.path.stat().st_mtime > _DAY:
                    os.utime(self.path)
            return
        if not make_folder(self.path.parent):
            return
        if stamp_of(str(self.path)) != self._stamp:
            self._adopt(_Index(self.path))
        text = self._text(_MOST_ENTRIES)
        while len(text) > _MOST_BYTES and len(self.entries) > 1:
            text = self._text(len(self.entries) // 2)
        write_new(self.path, text)
        _forget_oldest(self.path)

    def _read(self) -> None:
        try:
            if self._stamp is None or self._stamp.size > 2 * _MOST_BYTES:
                return
            checksum, _, text = self.path.read_bytes().partition(b"\n")
            if checksum.decode("ascii") != digest_of(text):
                return
            data = json.loads(text)
            self.places = [(str(path), str(kind)) for path, kind in data["places"]]
            self.files, self.entries = dict(data["files"]), dict(data["entries"])
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            self.places, self.files, self.entries = [], {}, {}
        self._numbers = {place: at for at, place in enumerate(self.places)}

    def _adopt(self, other: _Index) -> None:
        for name, entry in other.entries.items():
            if name not in self.entries:
                places = [self.number(other.places[at]) for at in entry[2]]
                self.entries[name] = [entry[0], entry[1], places, entry[3]]
        self.files = other.files | self.files

    def _text(self, most: int) -> bytes:
        """The file's content, with the entries that were last asked about."""
        for name in list(self.entries)[: max(len(self.entries) - most, 0)]:
            del self.entries[name]
        numbers: dict[int, int] = {}
        entries = {}
        needed = set(self.entries)
        for name, (digest, files, places, found) in self.entries.items():
            entries[name] = [digest, files, [numbers.setdefault(at, len(numbers)) for at in places], found]
            needed.update(file for file, _ in files)
        data = {
            "places": [self.places[at] for at in numbers],
            "files": {name: known for name, known in self.files.items() if name in needed},
            "entries": entries,
        }
        text = json.dumps(data, separators=(",", ":")).encode()
        return digest_of(text).encode() + b"\n" + text


def cache_folder(settings: Settings) -> Path:
    """Where the cache of a project is."""
    return settings.root.resolve() / settings.cache_dir


def make_folder(folder: Path) -> bool:
    """Make the folder of a cache, with what tells git and backups to pass it over. False: it is somebody else's.

    Raises:
        OSError: that is not possible.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if is_ours(folder):
        return True
    if any(folder.iterdir()):
        return False  # a setting must not make us write between other people's files
    write_new(folder / ".gitignore", b"*\n")
    write_new(folder / TAG, _TAG.encode())
    return True


def is_ours(folder: Path) -> bool:
    """Is the folder a cache of nanlint?"""
    try:
        return _OURS in (folder / TAG).read_text(encoding="utf-8", errors="replace")[:1000]
    except OSError:
        return False


def remove(folder: Path) -> bool:
    """Remove a cache; False if there is none. Only files that we write are removed.

    Raises:
        OSError: that is not possible.
    """
    if not is_ours(folder):
        return False
    for path in (*_indexes(folder), *folder.glob(".*.tmp"), folder / ".gitignore", folder / TAG):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # somebody put something of his own in
        folder.rmdir()
    return True


def encoded(one: Diagnostic) -> list[Any]:
    """A finding as JSON."""
    fix = one.fix and [one.fix.applicability, one.fix.message, [[*edit.span, edit.content] for edit in one.fix.edits]]
    related = [[*each.span, each.message, each.filename] for each in one.related]
    place = [one.filename, *one.span, one.noqa_line, one.cell]
    return [one.code, one.name, one.message, place, str(one.severity), int(one.evidence), related, fix]


def decoded(data: list[Any]) -> Diagnostic:
    """The finding that was encoded."""
    code, name, message, place, severity, evidence, related, fix = data
    return Diagnostic(
        code=code,
        name=name,
        message=message,
        filename=place[0],
        span=Span(*place[1:5]),
        severity=Severity(severity),
        evidence=Evidence(evidence),
        related=tuple(Related(Span(*each[:4]), each[4], each[5]) for each in related),
        fix=fix and Fix(Applicability(fix[0]), fix[1], tuple(Edit(Span(*edit[:4]), edit[4]) for edit in fix[2])),
        noqa_line=place[5],
        cell=place[6],
    )


def nanlint_itself() -> str:
    """What the code of nanlint, and all that it runs on, is recognised by."""
    parser = find_spec("libcst")
    origin = None if parser is None else parser.origin
    stamp = None if origin is None else stamp_of(origin)
    parts = FORMAT, sys.version, sys.platform, code_of_nanlint(), origin, stamp
    return digest_of(repr(parts).encode())


def code_of_nanlint() -> str:
    """What the code of nanlint is recognised by, on any machine."""
    digest = hashlib.blake2b(digest_size=16)
    for path in _own_files(Path(__file__).parent):
        digest.update(path.name.encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _own_files(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.endswith(".py"):
            yield Path(entry.path)
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _own_files(Path(entry.path))


@cache
def _all_cards(cards: tuple[Card, ...]) -> str:
    return digest_of("\0".join(f"{card.path.name}\0{card.text}" for card in cards).encode())


def _decisive(settings: Settings) -> str:
    """The settings that decide what is seen."""
    own: dict[str, Any] = {one.name: getattr(settings, one.name) for one in fields(settings)}
    rules: Mapping[str, Any] = own.pop("rules")
    plain = {word: replace(options, severity=None, fix=None) for word, options in rules.items()}
    return repr(([(name, own[name]) for name in sorted(own) if name not in _INDIFFERENT], plain))


def _seen_from(root: Path) -> str:
    """The current folder, which names of files are relative to; the same wherever a project is moved."""
    try:
        return os.path.relpath(Path.cwd(), root.resolve())
    except ValueError:  # on another drive
        return str(Path.cwd())


def _indexes(folder: Path) -> Iterable[Path]:
    return (path for path in folder.glob("*.json") if len(path.stem) == 32)


def _forget_oldest(kept: Path) -> None:
    """Of many files those that were written or used last, and nothing that a killed run left behind."""
    paths = sorted(_indexes(kept.parent), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for number, path in enumerate(paths):
        total += path.stat().st_size
        if path != kept and (number >= _MOST_INDEXES or total > 2 * _MOST_BYTES):
            path.unlink(missing_ok=True)
    for path in kept.parent.glob(".*.tmp"):
        if time.time() - path.stat().st_mtime > _DAY:
            path.unlink(missing_ok=True)
