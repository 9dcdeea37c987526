"""The files around the one that is linted, read when a name is imported from them. Nothing is ever really imported."""

from __future__ import annotations

import os
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from nanlint import syntax
from nanlint.flow.modules import HARMLESS, Weight
from nanlint.ir import nodes
from nanlint.ir.lower import lower_module
from nanlint.ops import spellings, watched
from nanlint.ops.catalogue import OPERATIONS
from nanlint.source import Source, SourceError, read_source

# a syntax tree takes about a hundred times the memory of its text: so much text is kept as trees
_KEPT_BYTES = 1_500_000
_KEPT_TEXTS = 300  # files
# generated tables of that size hold no helper anyone reads
_LARGEST = 300_000
# how far above a script the folder may be that its imports start from
_LEVELS = 4


class Loaded(NamedTuple):
    """A file and its IR."""

    source: Source
    module: nodes.Module


class Project:
    """Finds and parses what the linted files import from each other. One serves a whole run."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[str, tuple[float, Loaded | None]] = OrderedDict()
        self._size = 0
        self._here = str(Path.cwd())
        self._texts: dict[str, tuple[float, str]] = {}
        self._weights: dict[tuple[str, str, int], Weight] = {}

    def begin(self) -> None:
        """A new run begins: what is known of files may be out of date."""
        self._here = str(Path.cwd())
        _find.cache_clear()
        if any(_changed(filename) != time for filename, (time, _) in self._texts.items()):
            self._forget_texts()

    def find(self, path: str, importer: str) -> tuple[str, tuple[str, ...]] | None:
        """The file that a dotted path leads to, and what remains of the path inside it. None outside the project.

        `path` may begin with dots, relative to `importer`, the file that imports.
        """
        return _find(path, os.path.dirname(importer), self._here)  # noqa: PTH120  (pathlib is slow)

    def weigh(self, path: str, importer: str, depth: int = 4) -> Weight:
        """Might this be a function that holds an operation which can break, or a module with one? Decided by its text,
        unparsed: most imported functions hold none, and parsing is what costs time."""
        found = self.find(path, importer)
        if found is None or len(found[1]) > 1 or depth == 0:
            return HARMLESS
        key = found[0], "".join(found[1]), depth
        if key not in self._weights:
            self._weights[key] = self._weigh(*key)
        return self._weights[key]

    def _weigh(self, filename: str, name: str, depth: int) -> Weight:
        text, files = self._text(filename), frozenset({filename})
        if not name:
            return Weight(_HAZARD.search(text) is not None or _STAR.search(text) is not None, files)
        definitions = re.finditer(rf"^[ \t]*(?:async )?def {re.escape(name)}\b", text, re.MULTILINE)
        if any(_HAZARD.search(_definition_at(text, one.start())) for one in definitions):
            return Weight(may_break=True, files=files)
        for module, original in _exporters(text, name):
            path = f"{module}{'' if module.endswith('.') else '.'}{original}"
            inner = self.weigh(path, filename, depth - 1)
            files |= inner.files
            if inner.may_break:
                return Weight(may_break=True, files=files)
        return Weight(may_break=False, files=files)

    def _text(self, filename: str) -> str:
        """The text of a file without its strings and comments; nothing of one that is not looked into."""
        if filename not in self._texts:
            if len(self._texts) > _KEPT_TEXTS:
                self._forget_texts()
            self._texts[filename] = _changed(filename), _code(filename)
        return self._texts[filename][1]

    def _forget_texts(self) -> None:
        self._texts.clear()
        self._weights.clear()

    def load(self, filename: str) -> nodes.Module | None:
        """The IR of a file, from memory if it was read lately; None if it is unreadable, no Python, or too large."""
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


def _exporters(text: str, name: str) -> Iterator[tuple[str, str]]:
    """The modules that a module may have a name from, and what it is called there."""
    for statement in _FROM.finditer(text):
        for original, alias in _NAME.findall(statement[2]):
            if original == "*" or (alias or original) == name:
                yield statement[1], name if original == "*" else original


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


@cache
def _find(path: str, folder: str, here: str) -> tuple[str, tuple[str, ...]] | None:
    """`here`: the folder that relative names start from."""
    found = _find_from(Path(os.path.normpath(Path(here, folder))), path)
    if found is None or Path(folder).is_absolute():
        return found
    return os.path.relpath(found[0], here), found[1]


def _find_from(folder: Path, path: str) -> tuple[str, tuple[str, ...]] | None:
    name = path.lstrip(".")
    level = len(path) - len(name)
    words = tuple(word for word in name.split(".") if word)
    if level:
        base = folder
        for _ in range(level - 1):
            if _is_root(base):
                return None
            base = base.parent
        return _inside(base, words)
    for base in _bases(folder):
        if words and ((base / words[0]).is_dir() or (base / f"{words[0]}.py").is_file()):
            found = _inside(base, words)
            if found is not None and not (words[0] in sys.stdlib_module_names and _is_package(base)):
                return found
    return None


def _bases(folder: Path) -> list[Path]:
    """Where an absolute import may start: beside the script, or above the outermost package."""
    bases = [folder]
    for _ in range(_LEVELS):
        if _is_root(folder) or folder.parent == folder:
            break
        folder = folder.parent
        bases.append(folder)
    return bases


def _inside(base: Path, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    at = base
    for index, word in enumerate(words):
        if (at / word / "__init__.py").is_file() or ((at / word).is_dir() and not (at / f"{word}.py").is_file()):
            at = at / word
        elif (at / f"{word}.py").is_file():
            return str(at / f"{word}.py"), words[index + 1 :]
        else:
            return _package(at, words[index:])
    return _package(at, ())


def _is_root(folder: Path) -> bool:
    """Does the project end here?"""
    return not _is_package(folder) and ((folder / ".git").exists() or (folder / "pyproject.toml").is_file())


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()


def _package(folder: Path, rest: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    init = folder / "__init__.py"
    return (str(init), rest) if init.is_file() else None
