"""A notebook as one program: its cells with code one after the other, each under a line that names it."""

from __future__ import annotations

import codecs
import difflib
import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from nanlint.notebooks.document import Cell, Document, read_document
from nanlint.notebooks.magics import as_python
from nanlint.source import SkippedError, Source, SourceError, Span


class _Part(NamedTuple):
    """The lines of a program that are one cell's."""

    number: int
    first_line: int
    lines: list[str]


class _Hunk(NamedTuple):
    """Lines of a cell, and the lines that stand there afterwards."""

    start: int
    end: int
    new_start: int
    new_end: int


@dataclass(frozen=True)
class Notebook(Source):
    """The program of a notebook, and the document that it came from.

    Attributes:
        document: the notebook as it was read.
        tag: the word that marks what is not in the notebook.
        magics: the lines of IPython, by what stands for them in the program; without line ends.
    """

    document: Document = field(default_factory=lambda: Document("", (), "python"))
    tag: str = ""
    magics: dict[str, str] = field(default_factory=dict)

    @cached_property
    def file(self) -> Source:
        """The document as it was read."""
        return Source(self.filename, self.document.text)

    def cell_of(self, line: int) -> int | None:
        """The number of the cell that a line is in."""
        return self._part(line).number if self._parts else None

    def line_number(self, line: int) -> int:
        """The number of a line within its cell."""
        return line - self._part(line).first_line + 1 if self._parts else line

    def shown_line(self, line: int) -> str:
        """A line as it stands in the notebook."""
        return self._own(self.line_text(line))

    def in_file(self, span: Span) -> Span:
        """Where in the JSON a stretch of the program stands."""
        file = self.file
        start = self._file_offset(span.start_line, span.start_column)
        end = self._file_offset(span.end_line, span.end_column)
        return Span(*file.position(start), *file.position(max(start, end)))

    def edit_in_file(self, span: Span, content: str) -> tuple[Span, str]:
        """What to write where in the JSON, for what is to be written in the program."""
        part = self._part(span.start_line)
        cell = self._cells[part.number]
        start, end = (self._cell_offset(part, *place) for place in (span[:2], span[2:]))
        if not cell.pieces:
            return self.in_file(span), ""
        if end == len(cell.text) and content.endswith("\n") and not cell.text.endswith("\n"):
            content = content[:-1]
        a, b, new = self.document.replacement(cell, start, max(start, end), content)
        return Span(*self.file.position(a), *self.file.position(b)), new

    def written(self, text: str) -> str:
        """The document with another program in it.

        Raises:
            ValueError: the program no longer has the notebook's cells, or lost a magic.
        """
        changed = _parts(Source(self.filename, text), self._mark)
        original = self._original
        if [part.number for part in changed] != [part.number for part in original]:
            raise ValueError("the cells are not those of the notebook")
        edits = []
        for before, after in zip(original, changed, strict=True):
            if before.lines != after.lines:
                edits += self._edits(before, after)
        document = self.document.text
        for start, end, new in sorted(edits, reverse=True):
            document = document[:start] + new + document[end:]
        return document

    def encode(self, text: str) -> bytes:
        """Bytes of the document with another program in it."""
        return (codecs.BOM_UTF8 if self.bom else b"") + self.written(text).encode(self.encoding)

    def as_read_again(self) -> Notebook:
        """The notebook with this program in it."""
        return _made(self.filename, self.written(self.text), self.bom, self.tag)

    def _edits(self, before: _Part, after: _Part) -> list[tuple[int, int, str]]:
        """What to write in the JSON where the lines of a cell differ."""
        cell = self._cells[before.number]
        old, new = _unterminated(before.lines, cell), _unterminated(after.lines, cell)
        if not cell.pieces:
            raise ValueError("an empty cell cannot be written to")
        starts = [0]
        for line in old:
            starts.append(starts[-1] + len(self._own(line)))
        edits = []
        for i, j, k, m in self._hunks(cell, starts, difflib.SequenceMatcher(None, old, new, autojunk=False)):
            content = "".join(self._own(line) for line in new[k:m])
            if f"# {self.tag}: " in content:
                raise ValueError("a line of IPython was changed")
            edits.append(self.document.replacement(cell, starts[i], starts[j], content))
        return edits

    def _hunks(self, cell: Cell, starts: list[int], matcher: difflib.SequenceMatcher[str]) -> list[_Hunk]:
        """The lines that differ; those that stand in the same string of the JSON together with what is between."""
        found: list[_Hunk] = []
        for tag, *lines in matcher.get_opcodes():
            if tag == "equal":
                continue
            hunk = _Hunk(*lines)
            before = found[-1] if found else None
            if before is not None and cell.piece_at(starts[before.end], at_end=True) >= cell.piece_at(
                starts[hunk.start]
            ):
                found[-1] = before._replace(end=hunk.end, new_end=hunk.new_end)
            else:
                found.append(hunk)
        return found

    @cached_property
    def _cells(self) -> dict[int, Cell]:
        return {cell.number: cell for cell in self.document.cells}

    @cached_property
    def _mark(self) -> re.Pattern[str]:
        return re.compile(rf"# %% {self.tag} (\d+)\n")

    @cached_property
    def _parts(self) -> list[_Part]:
        return _parts(self, self._mark)

    @cached_property
    def _original(self) -> list[_Part]:
        return _parts(Source(self.filename, _program(self.document, self.tag)[0]), self._mark)

    def _own(self, line: str) -> str:
        """A line of the program as the notebook has it."""
        body = line.rstrip("\r\n")
        return self.magics.get(body, body) + line[len(body) :]

    def _part(self, line: int) -> _Part:
        at = bisect_right(self._parts, line, key=lambda part: part.first_line) - 1
        return self._parts[max(at, 0)]

    def _file_offset(self, line: int, column: int) -> int:
        if not self._parts:
            return 0
        part = self._part(line)
        cell = self._cells[part.number]
        if not cell.pieces:
            return cell.opening or 0
        return self.document.at(cell, min(self._cell_offset(part, line, column), len(cell.text)))

    def _cell_offset(self, part: _Part, line: int, column: int) -> int:
        """The place in the source of a cell for one in the program; magics are no longer than they were."""
        before = part.lines[: max(line - part.first_line, 0)]
        offset = sum(len(self._own(text)) for text in before) + column - 1
        return min(max(offset, 0), len(self._cells[part.number].text))


def notebook_of(filename: str, cells: Sequence[tuple[str, bool]]) -> Notebook:
    """A notebook that has no file yet: the texts of its cells, and whether each is Python."""
    told = [{"cell_type": "code" if is_python else "raw", "source": text} for text, is_python in cells]
    return _made(filename, json.dumps({"cells": told}), bom=False)


def decode_notebook(data: bytes, filename: str) -> Notebook:
    """A notebook from its bytes.

    Raises:
        SourceError: it is none.
        SkippedError: it is not in Python.
    """
    bom = data.startswith(codecs.BOM_UTF8)
    try:
        text = data[len(codecs.BOM_UTF8) if bom else 0 :].decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError("not a notebook: not valid utf-8", line) from None
    return _made(filename, text, bom)


def _made(filename: str, text: str, bom: bool, tag: str = "IPython") -> Notebook:
    document = read_document(text)
    if document.language not in {"python", "ipython", "python3"}:
        raise SkippedError(f"not linted: the notebook is in {document.language}")
    while any(f"# {tag}: " in cell.text or f"# %% {tag} " in cell.text for cell in document.cells):
        tag += "_"
    program, magics = _program(document, tag)
    return Notebook(filename, program, bom=bom, document=document, tag=tag, magics=magics)


def _program(document: Document, tag: str) -> tuple[str, dict[str, str]]:
    """The text of all cells that are Python, and the lines of IPython by what stands for them."""
    texts: list[str] = []
    magics: dict[str, str] = {}
    for cell in document.cells:
        lines = as_python(cell.text, tag)
        if lines is None:
            continue
        for line, own in zip(lines, Source("", cell.text).lines, strict=True):
            if line != own:
                magics[line.rstrip("\r\n")] = own.rstrip("\r\n")
        texts.append(f"# %% {tag} {cell.number}\n{''.join(lines)}\n")
    return "".join(texts), magics


def _parts(program: Source, mark: re.Pattern[str]) -> list[_Part]:
    lines = program.lines
    marks = [(at, found) for at, line in enumerate(lines) if (found := mark.fullmatch(line))]
    ends = [*(at for at, _ in marks[1:]), len(lines)]
    return [_Part(int(found[1]), at + 2, lines[at + 1 : end]) for (at, found), end in zip(marks, ends, strict=True)]


def _unterminated(lines: list[str], cell: Cell) -> list[str]:
    """The lines without the line end that was added to every cell."""
    if not lines or not lines[-1].endswith("\n"):
        return lines
    last = lines[-1][:-1]
    return [*lines[:-1], last] if last else lines[:-1]
