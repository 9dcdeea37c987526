"""Places and edits of a page in the words of the editor: of a file, or of the cells of a notebook."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from lsprotocol import types

from nanlint.fix import Applicability, Edit, Fix, apply_fixes
from nanlint.notebooks.document import read_document
from nanlint.notebooks.notebook import Notebook
from nanlint.source import Source, Span


class Ruler:
    """Places of one file in the units that the editor counts in.

    Attributes:
        uris: the documents in which the findings of the page are shown.
    """

    def __init__(self, uri: str, source: Source, encoding: str) -> None:
        self.uris: Sequence[str] = (uri,)
        self._source = source
        self._encoding = encoding

    def location(self, span: Span) -> types.Location:
        """A stretch of the text."""
        return types.Location(self.uris[0], self._range(self._source.lines, span))

    def place(self, uri: str, position: types.Position) -> tuple[int, int] | None:
        """The line and column of a position in a document; None if nothing of it is in the text."""
        line = position.line + 1
        return line, self._column(self._source.line_text(line), position.character)

    def edited(self, edits: Iterable[Edit]) -> types.WorkspaceEdit:
        """Some edits of the text."""
        lines = self._source.lines
        made = [types.TextEdit(self._range(lines, edit.span), edit.content) for edit in edits]
        return types.WorkspaceEdit(changes={self.uris[0]: made})

    def rewritten(self, text: str) -> types.WorkspaceEdit:
        """The lines that differ in another text."""
        return types.WorkspaceEdit(changes={self.uris[0]: list(self._differences(self._source.text, text))})

    def _differences(self, before: str, after: str) -> Iterator[types.TextEdit]:
        old, new = Source("", before).lines, Source("", after).lines
        for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag != "equal":
                yield types.TextEdit(self._range(old, Span(*_start(old, a), *_start(old, b))), "".join(new[c:d]))

    def _range(self, lines: Sequence[str], span: Span) -> types.Range:
        return types.Range(self._position(lines, *span[:2]), self._position(lines, *span[2:]))

    def _position(self, lines: Sequence[str], line: int, column: int) -> types.Position:
        text = lines[line - 1] if line <= len(lines) else ""
        beyond = max(column - 1 - len(text), 0)  # of another file the text is not known
        return types.Position(line - 1, self._units(text[: column - 1]) + beyond)

    def _column(self, text: str, character: int) -> int:
        units, column = 0, 1
        for letter in text:
            if units >= character:
                break
            units += self._units(letter)
            column += 1
        return column

    def _units(self, text: str) -> int:
        if text.isascii() or self._encoding == "utf-32":
            return len(text)
        if self._encoding == "utf-8":
            return len(text.encode(errors="replace"))
        return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


class CellRuler(Ruler):
    """Places of a notebook, each cell of which is a document of its own."""

    def __init__(self, uris: Sequence[str], source: Notebook, encoding: str) -> None:
        super().__init__("", source, encoding)
        self.uris = uris
        self._notebook = source

    def location(self, span: Span) -> types.Location:
        """A stretch of a cell."""
        number, source = self._notebook.cell_of(span.start_line), self._notebook
        if number is None:
            return types.Location(self.uris[0], types.Range(types.Position(0, 0), types.Position(0, 0)))
        start, end = source.line_number(span.start_line), source.line_number(span.end_line)
        inside = span._replace(start_line=start, end_line=max(start, end))
        return types.Location(self.uris[number - 1], self._range(self._lines[number], inside))

    def place(self, uri: str, position: types.Position) -> tuple[int, int] | None:
        """The place in the program of a position in a cell."""
        line = self._program_lines.get((self.uris.index(uri) + 1, position.line + 1))
        return None if line is None else (line, self._column(self._notebook.line_text(line), position.character))

    def edited(self, edits: Iterable[Edit]) -> types.WorkspaceEdit:
        """Some edits of the program."""
        return self.rewritten(apply_fixes(self._notebook, [Fix(Applicability.DISPLAY, "", tuple(edits))])[0])

    def rewritten(self, text: str) -> types.WorkspaceEdit:
        """The lines of cells that differ in another program; none if it is no longer one of these cells."""
        before = _texts(self._notebook.document.text)
        try:
            after = _texts(self._notebook.written(text))
        except ValueError:
            after = before
        changed = {number: after[number] for number in before if after[number] != before[number]}
        return types.WorkspaceEdit(
            changes={
                self.uris[number - 1]: list(self._differences(before[number], new)) for number, new in changed.items()
            }
        )

    @cached_property
    def _lines(self) -> Mapping[int, list[str]]:
        return {cell.number: Source("", cell.text).lines for cell in self._notebook.document.cells}

    @cached_property
    def _program_lines(self) -> Mapping[tuple[int | None, int], int]:
        source = self._notebook
        return {(source.cell_of(line), source.line_number(line)): line for line in range(len(source.lines), 0, -1)}


def _texts(document: str) -> Mapping[int, str]:
    return {cell.number: cell.text for cell in read_document(document).cells}


def _start(lines: Sequence[str], at: int) -> tuple[int, int]:
    """Where a line begins; behind the last one, the end of the text."""
    if at == len(lines) and lines and not lines[-1].endswith(("\n", "\r")):
        return at, len(lines[-1]) + 1
    return at + 1, 1
