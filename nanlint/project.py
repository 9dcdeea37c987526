"""The files around the one that is linted, read when a name is imported from them. Nothing is ever really imported."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from nanlint import syntax
from nanlint.flow.modules import HARMLESS, Weight
from nanlint.ir import nodes
from nanlint.ir.lower import lower_module
from nanlint.ops import spellings, watched
from nanlint.ops.catalogue import OPERATIONS
from nanlint.places import Finder, Lead, Place
from nanlint.source import Source, SourceError, read_source

# a syntax tree takes about a hundred times the memory of its text: so much text is kept as trees
_KEPT_BYTES = 1_500_000
_KEPT_TEXTS = 300  # files
# generated tables of that size hold no helper anyone reads
_LARGEST = 300_000
# how often a name may be handed on from module to module
_EXPORTS = 4


class Loaded(NamedTuple):
    """A file and its IR."""

    source: Source
    module: nodes.Module


class Project:
    """Finds and parses what the linted files import from each other. One serves a whole run."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[str, tuple[float, Loaded | None]] = OrderedDict()
        self._size = 0
        self._finder = Finder()
        self._texts: dict[str, tuple[float, _Text]] = {}
        self._weights: dict[tuple[str, str, int], Weight] = {}
        self._files: set[str] = set()
        self._places: set[Place] = set()

    def begin(self) -> None:
        """A new run begins: what is known of files may be out of date."""
        self._finder.begin()
        self._weights.clear()
        if any(_changed(filename) != time for filename, (time, _) in self._texts.items()):
            self._forget_texts()

    def watch(self) -> None:
        """Another file begins: from now on it is noted what is looked into for its sake."""
        self._files, self._places = set(), set()

    def looked_into(self) -> tuple[frozenset[str], frozenset[Place]]:
        """The files looked into since `watch`, and the places where files were looked for."""
        return frozenset(self._files), frozenset(self._places)

    def find(self, path: str, importer: str) -> tuple[str, tuple[str, ...]] | None:
        """The file that a dotted path leads to, and what remains of the path inside it. None outside the project.

        `path` may begin with dots, relative to `importer`, the file that imports.
        """
        lead = self._lead(path, importer)
        self._places.update(lead.places)
        return lead.target

    def weigh(self, path: str, importer: str) -> Weight:
        """Might this be a function that holds an operation which can break, or a module with one? Decided by its text,
        unparsed: most imported functions hold none, and parsing is what costs time."""
        weight = self._weight(path, importer, _EXPORTS)
        self._files |= weight.files
        self._places |= weight.places
        return weight

    def _lead(self, path: str, importer: str) -> Lead:
        return self._finder.find(path, os.path.dirname(importer))  # noqa: PTH120  (pathlib is slow)

    def _weight(self, path: str, importer: str, depth: int) -> Weight:
        key = path, os.path.dirname(importer), depth  # noqa: PTH120
        if key not in self._weights:
            lead = self._lead(path, importer)
            weight = HARMLESS
            if lead.target is not None and len(lead.target[1]) <= 1 and depth > 0:
                weight = self._weigh(lead.target[0], "".join(lead.target[1]), depth)
            self._weights[key] = weight._replace(places=weight.places.union(lead.places))
        return self._weights[key]

    def _weigh(self, filename: str, name: str, depth: int) -> Weight:
        known, files = self._text(filename), frozenset({filename})
        text = known.text
        if not name:
            return Weight(_HAZARD.search(text) is not None or _STAR.search(text) is not None, files)
        if any(_HAZARD.search(_definition_at(text, start)) for start in known.definitions.get(name, ())):
            return Weight(may_break=True, files=files)
        places: frozenset[Place] = frozenset()
        for module, original in known.exporters(name):
            path = f"{module}{'' if module.endswith('.') else '.'}{original}"
            inner = self._weight(path, filename, depth - 1)
            files |= inner.files
            places |= inner.places
            if inner.may_break:
                return Weight(may_break=True, files=files, places=places)
        return Weight(may_break=False, files=files, places=places)

    def _text(self, filename: str) -> _Text:
        """The text of a file without its strings and comments; nothing of one that is not looked into."""
        if filename not in self._texts:
            if len(self._texts) > _KEPT_TEXTS:
                self._forget_texts()
            self._texts[filename] = _changed(filename), _Text(_code(filename))
        return self._texts[filename][1]

    def _forget_texts(self) -> None:
        self._texts.clear()
        self._weights.clear()

    def load(self, filename: str) -> nodes.Module | None:
        """The IR of a file, from memory if it was read lately; None if it is unreadable, no Python, or too large."""
        self._files.add(filename)
        changed = _changed(filename)
        time, loaded = self._loaded.get(filename, (None, None))
        if time != changed:
            loaded = _load(filename)
            self._keep(filename, changed, loaded)
        self._loaded.move_to_end(filename)
        return None if loaded is None else loaded.module

    def parsed(self, source: Source) -> nodes.Module:
        """The IR of a text, from memory if it is that of a file read lately.

        Raises:
            SourceError: the text is not Python.
        """
        _, loaded = self._loaded.get(source.filename, (None, None))
        if loaded is None or loaded.source.text != source.text:
            loaded = Loaded(source, parse(source))
            if len(source.text) <= _LARGEST:
                self._keep(source.filename, _changed(source.filename), loaded)
        return loaded.module

    def _keep(self, filename: str, changed: float, loaded: Loaded | None) -> None:
        self._forget(filename)
        self._size += _size(loaded)
        self._loaded[filename] = changed, loaded
        while self._size > _KEPT_BYTES and len(self._loaded) > 1:
            self._forget(next(iter(self._loaded)))

    def _forget(self, filename: str) -> None:
        _, loaded = self._loaded.pop(filename, (None, None))
        self._size -= _size(loaded)


# strings and comments
_TEXT = re.compile(r"""\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#[^\n]*""")
_FROM = re.compile(r"^[ \t]*from[ \t]+(\S+)[ \t]+import\b[ \t]*(\([^)]*\)|(?:\\\r?\n|[^\n])*)", re.MULTILINE)
_DEFINITION = re.compile(r"^[ \t]*(?:async )?def (\w+)", re.MULTILINE)
_STAR = re.compile(r"^[ \t]*from[ \t]+\S+[ \t]+import[ \t]*\*", re.MULTILINE)
_NAME = re.compile(r"(\w+|\*)(?:\s+as\s+(\w+))?")
_WORDS = "|".join(
    sorted(
        {
            name.rpartition(".")[2]
            for name, (operation, _) in (*spellings.functions().items(), *spellings.methods().items())
            if watched.always(OPERATIONS.get(operation) or OPERATIONS[operation.rstrip("_")])
        }
    )
)
# a call of one of them, or a division by something that is not written as a number
_HAZARD = re.compile(rf"\b(?:{_WORDS})\(|(?<!/)/=?(?![/=])(?!\s*\d)")


def _definition_at(text: str, start: int) -> str:
    """The text of a top-level definition: up to the next line that is not indented."""
    end = re.compile(r"^(?=[^\s)#])", re.MULTILINE).search(text, text.find("\n", start) + 1)
    return text[start : len(text) if end is None else end.start()]


class _Text:
    """The text of a file without its strings and comments, searched once for all the names that are asked about."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def definitions(self) -> dict[str, list[int]]:
        """Where functions begin, by name."""
        found: dict[str, list[int]] = {}
        for one in _DEFINITION.finditer(self.text):
            found.setdefault(one[1], []).append(one.start())
        return found

    def exporters(self, name: str) -> Iterator[tuple[str, str]]:
        """The modules that the module may have a name from, and what it is called there."""
        for _, module, original in sorted([*self._imported.get(name, ()), *self._imported.get("*", ())]):
            yield module, name if original == "*" else original

    @cached_property
    def _imported(self) -> dict[str, list[tuple[int, str, str]]]:
        """By name here, where it is imported, the module, and what it is called there."""
        found: dict[str, list[tuple[int, str, str]]] = {}
        for statement in _FROM.finditer(self.text):
            for original, alias in _NAME.findall(statement[2]):
                here = "*" if original == "*" else alias or original
                found.setdefault(here, []).append((statement.start(), statement[1], original))
        return found


def _code(filename: str) -> str:
    source = _read(filename)
    return "" if source is None else _TEXT.sub("", source.text)


def _read(filename: str) -> Source | None:
    """None if it cannot be read, or is too large."""
    try:
        return None if Path(filename).stat().st_size > _LARGEST else read_source(Path(filename), filename)
    except (SourceError, OSError):
        return None


def parse(source: Source) -> nodes.Module:
    """The IR of a text.

    Raises:
        SourceError: the text is not Python.
    """
    return lower_module(syntax.parse(source), source)


def _changed(filename: str) -> float:
    try:
        return Path(filename).stat().st_mtime
    except OSError:
        return 0.0


def _size(loaded: Loaded | None) -> int:
    return 0 if loaded is None else len(loaded.source.text)


def _load(filename: str) -> Loaded | None:
    source = _read(filename)
    if source is None:
        return None
    try:
        return Loaded(source, parse(source))
    except (SourceError, RecursionError):
        return None
