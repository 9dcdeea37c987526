"""The JSON of a notebook: which stretches of it hold the source of cells, and what to write there instead.

The document is never written anew from its values: only the text of changed lines is replaced, so that outputs,
metadata, indentation, order of keys, escapes and line ends stay as they are.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from nanlint.source import SourceError

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
# one character of a JSON string: two escapes for a character beyond the first plane, one escape, or itself
_LETTER = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|.", re.S)


@dataclass(frozen=True, slots=True)
class Piece:
    """One JSON string of a cell's source, quotes included."""

    start: int
    end: int
    value: str


@dataclass(frozen=True)
class Cell:
    """A cell with code.

    Attributes:
        number: its place among all cells, from 1.
        pieces: its source, in order.
        opening: where the list of pieces begins; None if the source is one string.
    """

    number: int
    pieces: tuple[Piece, ...]
    opening: int | None

    @cached_property
    def text(self) -> str:
        """The source."""
        return "".join(piece.value for piece in self.pieces)

    @cached_property
    def starts(self) -> list[int]:
        """Where in the source each piece begins."""
        return [0, *accumulate(len(piece.value) for piece in self.pieces)][: len(self.pieces)]

    def piece_at(self, offset: int, *, at_end: bool = False) -> int:
        """The number of the piece that a character of the source is in, or that ends before it."""
        found = bisect_left(self.starts, offset) if at_end else bisect_right(self.starts, offset)
        return max(found - 1, 0)


@dataclass(frozen=True)
class Document:
    """A notebook as it was read.

    Attributes:
        text: the JSON.
        cells: those with code.
        language: what the code is written in, in lower case.
    """

    text: str
    cells: tuple[Cell, ...]
    language: str

    def replacement(self, cell: Cell, start: int, end: int, new: str) -> tuple[int, int, str]:
        """What to write where in the JSON, so that the source of a cell has `new` from `start` to `end`."""
        pieces, starts = cell.pieces, cell.starts
        first = cell.piece_at(start)
        last = first if end == start else max(cell.piece_at(end, at_end=True), first)
        prefix = self.text[pieces[first].start + 1 : self.at(cell, start)]
        suffix = self.text[self._within(pieces[last], end - starts[last]) : pieces[last].end - 1]
        if cell.opening is not None and not (prefix or new or suffix):
            return self._removal(pieces, first, last)
        # where the lines of a source stand in strings of their own, new ones do as well
        parts = [new] if cell.opening is None else re.findall(r"[^\n]*\n|[^\n]+", new)
        if cell.opening is not None and suffix and new.endswith("\n"):
            parts.append("")
        written = f'"{self._between(cell)}"'.join(map(self._escaped, parts))
        return pieces[first].start, pieces[last].end, f'"{prefix}{written}{suffix}"'

    def at(self, cell: Cell, offset: int) -> int:
        """Where in the JSON a character of a cell's source stands."""
        piece = cell.piece_at(offset)
        return self._within(cell.pieces[piece], offset - cell.starts[piece])

    def _within(self, piece: Piece, offset: int) -> int:
        at = piece.start + 1
        if piece.end - piece.start - 2 == len(piece.value):  # nothing is escaped
            return at + offset
        for _ in range(offset):
            letter = _LETTER.match(self.text, at)
            at = letter.end() if letter else at
        return at

    def _removal(self, pieces: Sequence[Piece], first: int, last: int) -> tuple[int, int, str]:
        """Pieces and the commas behind them, or before them if they are the last."""
        if last + 1 < len(pieces):
            return pieces[first].start, pieces[last + 1].start, ""
        return (pieces[first - 1].end if first else pieces[first].start), pieces[last].end, ""

    def _between(self, cell: Cell) -> str:
        """The comma and the space between two pieces."""
        if len(cell.pieces) > 1:
            return self.text[cell.pieces[0].end : cell.pieces[1].start]
        return "," + self.text[(cell.opening or 0) + 1 : cell.pieces[0].start]

    def _escaped(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=self.text.isascii())[1:-1]


def read_document(text: str) -> Document:
    """A notebook from its JSON.

    Raises:
        SourceError: it is none.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        said = error.msg[:1].lower() + error.msg[1:]
        raise SourceError(f"not a notebook: not valid JSON: {said}", error.lineno, error.colno) from None
    except ValueError:
        raise SourceError("not a notebook: a number in it is too long") from None
    except RecursionError:
        raise SourceError("not a notebook: nested too deeply") from None
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        fault = "there is no list of `cells` in it"
        raise SourceError(f"not a notebook: {fault}" + ("; it is older than version 4" if _is_old(content) else ""))
    for number, cell in enumerate(cells, 1):
        if (wrong := _fault(cell)) is not None:
            raise SourceError(f"not a notebook: cell {number}: {wrong}")
    holds_code = [cell["cell_type"] == "code" and _is_python(cell) for cell in cells]
    placed = _elements(text, _member(text, _SPACE.match(text).end(), "cells"))  # type: ignore[union-attr]
    code = tuple(_cell(text, at, number) for number, (at, _) in enumerate(placed, 1) if holds_code[number - 1])
    return Document(text, code, _language(content))


def _is_old(content: Any) -> bool:
    return isinstance(content, dict) and "worksheets" in content


def _fault(cell: Any) -> str | None:
    """What is wrong with a cell."""
    if not isinstance(cell, dict):
        return "it is no object"
    if not isinstance(cell.get("cell_type"), str):
        return "`cell_type` must be text"
    source = cell.get("source")
    is_text = isinstance(source, str) or (isinstance(source, list) and all(isinstance(one, str) for one in source))
    return None if is_text else "`source` must be text or a list of texts"


def _language(content: dict[str, Any]) -> str:
    """What the notebook says of itself; Python if it says nothing."""
    for keys in (("language_info", "name"), ("kernelspec", "language")):
        value: Any = content.get("metadata")
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            return value.lower()
    return "python"


def _is_python(cell: dict[str, Any]) -> bool:
    """Some editors have a language for each cell."""
    metadata = cell.get("metadata")
    own = metadata.get("vscode") if isinstance(metadata, dict) else None
    return not isinstance(own, dict) or own.get("languageId", "python") == "python"


def _cell(text: str, at: int, number: int) -> Cell:
    start = _member(text, at, "source")
    if text[start] == "[":
        strings = tuple(_elements(text, start))
        return Cell(number, tuple(Piece(a, b, _DECODER.raw_decode(text, a)[0]) for a, b in strings), start)
    value, end = _DECODER.raw_decode(text, start)
    return Cell(number, (Piece(start, end, value),), None)


def _member(text: str, at: int, name: str) -> int:
    """Where the value of a key begins in the object at `at`; of equal keys the last one counts."""
    found = -1
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # behind the colon
        if key == name:
            found = at
        at = _skip(text, _DECODER.raw_decode(text, at)[1])
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where each value of the list at `at` begins and ends."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        end = _DECODER.raw_decode(text, at)[1]
        yield at, end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
