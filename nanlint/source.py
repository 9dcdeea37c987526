"""A source file as text: where it came from, how it was encoded, and how lines and columns map to offsets."""

from __future__ import annotations

import codecs
import io
import os
import re
import shutil
import tempfile
import tokenize
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from nanlint.files import LARGE, read_whole

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


class Span(NamedTuple):
    """A stretch of source. Lines and columns count from 1, in characters; the end column is exclusive.

    These are the numbers that output formats print; only one that counts bytes converts them.
    """

    start_line: int
    start_column: int
    end_line: int
    end_column: int


class SourceError(Exception):
    """A file that cannot be read as Python text: one clear line, and where it went wrong if that is known."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class SkippedError(SourceError):
    """A file that nanlint has nothing to say about, and why."""


@dataclass(frozen=True)
class Source:
    """The text of one file, with everything needed to write it back byte for byte."""

    filename: str
    text: str
    encoding: str = "utf-8"
    bom: bool = False

    @cached_property
    def lines(self) -> list[str]:
        """Lines with their ends. Only \\n, \\r and \\r\\n end a line, as in Python's own grammar."""
        found = _LINE.findall(self.text)
        # the pattern matches once more, emptily, at the very end
        return found[:-1] if found and not found[-1] else found

    @cached_property
    def line_starts(self) -> list[int]:
        starts, at = [], 0
        for line in self.lines:
            starts.append(at)
            at += len(line)
        return starts or [0]

    def offset(self, line: int, column: int) -> int:
        """The character offset of a 1-based line and column."""
        return self.line_starts[line - 1] + column - 1

    def position(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of a character offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def slice(self, span: Span) -> str:
        """The text a span covers."""
        return self.text[self.offset(span.start_line, span.start_column) : self.offset(span.end_line, span.end_column)]

    def line_text(self, line: int) -> str:
        """One line without its end, or the empty string past the end of the file."""
        return self.lines[line - 1].rstrip("\r\n") if 0 < line <= len(self.lines) else ""

    # a notebook is one text, made from the cells of a file: these say where in the file, and where in a cell

    @property
    def file(self) -> Source:
        """The text of the whole file."""
        return self

    def cell_of(self, line: int) -> int | None:
        """The number of the cell that a line is in; None if this is no notebook."""
        return None

    def line_number(self, line: int) -> int:
        """The number to show for a line."""
        return line

    def shown_line(self, line: int) -> str:
        """What to show of a line."""
        return self.line_text(line)

    def in_file(self, span: Span) -> Span:
        """Where in the file a stretch of the text stands."""
        return span

    def edit_in_file(self, span: Span, content: str) -> tuple[Span, str]:
        """What to write where in the file, for what is to be written in the text."""
        return span, content

    def written(self, text: str) -> str:
        """The whole file with another text in it."""
        return text

    def as_read_again(self) -> Source:
        """What this text is when it has been written to its file."""
        return self

    def encode(self, text: str) -> bytes:
        """Bytes of `text` in this file's own encoding, with its byte order mark if it had one."""
        return (codecs.BOM_UTF8 if self.bom else b"") + text.encode(self.encoding)


def decode_source(data: bytes, filename: str) -> Source:
    """Bytes to text as Python itself reads a source file (PEP 263).

    Raises:
        SourceError: NUL bytes, an unknown encoding, or bytes that do not fit the encoding.
    """
    if (nul := data.find(b"\0")) >= 0:
        raise SourceError("source contains NUL bytes", line=data.count(b"\n", 0, nul) + 1)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        if "invalid or missing" not in str(error):
            raise SourceError(str(error).split(" for ")[0]) from None
        encoding = "utf-8"  # one of the first two lines does not fit; below it is said which byte
    bom = data.startswith(codecs.BOM_UTF8)
    encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    body = data[len(codecs.BOM_UTF8) :] if bom else data
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise SourceError(f"not valid {encoding}: byte 0x{body[error.start]:02x}", line=line) from None
    except (LookupError, UnicodeError):  # Python has codecs from text to text, from bytes to bytes, and for nothing
        raise SourceError(f"not an encoding of text: {encoding}") from None
    return Source(filename, text, encoding, bom)


def read_source(path: Path, filename: str) -> Source:
    """The file at `path`, shown to users as `filename`.

    Raises:
        SourceError: the file cannot be read, or is not Python text.
    """
    return decode_source(read_bytes(path), filename)


def read_bytes(path: Path) -> bytes:
    """The content of the file at `path`.

    Raises:
        SourceError: the file cannot be read.
    """
    try:
        return read_whole(path, LARGE)
    except OSError as error:
        raise SourceError(f"cannot read file: {error.strerror}") from None


def write_source(path: Path, data: bytes) -> None:
    """Replace the file at `path` in one step: a reader sees the old text or the new one, never half of it.

    The file keeps its mode, and a link stays a link to the same place.

    Raises:
        OSError: the folder cannot be written to.
    """
    target = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        shutil.copymode(target, name)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_new(path: Path, data: bytes) -> None:
    """Write a file of our own in one step, whether it exists or not.

    Raises:
        OSError: the folder cannot be written to.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
