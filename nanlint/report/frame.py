"""Source lines with the places of interest underlined: the code frame of the `full` format."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nanlint.report.style import Style, cells, displayed
from nanlint.source import Source, Span

# lines between two labels that are shown rather than skipped
NEAR = 2
# of a span over many lines the first and the last ones are shown
MAX_SPAN_LINES = 6
MAX_WIDTH = 120

_CUT = "…"


@dataclass(frozen=True, slots=True)
class Label:
    """One underlined place. `role` is a colour: a severity for the finding itself, "related" for the others."""

    span: Span
    text: str
    role: str
    mark: str

    @property
    def is_long(self) -> bool:
        """Does it cover several lines?"""
        return self.span.end_line > self.span.start_line


def code_frame(source: Source, labels: Sequence[Label], style: Style, width: int) -> Iterator[str]:
    """The lines that hold `labels`, in order, with a gutter `width` digits wide."""
    gutter = style("gutter", " " * width + " |")
    yield gutter
    previous = 0
    for line in _shown_lines(source, labels):
        if previous and line > previous + 1:
            yield style("gutter", " " * max(width - 2, 0) + "...")
        yield from _line(source, line, labels, style, width, gutter)
        previous = line


def cut_around(text: str, at: int) -> str:
    """A line that is ready to be printed, cut to the part around its character `at` if it is very long."""
    if len(text) <= MAX_WIDTH:
        return text
    left = max(min(at - MAX_WIDTH // 3, len(text) - MAX_WIDTH), 0)
    right = left + MAX_WIDTH
    return (_CUT if left else "") + text[left:right] + (_CUT if right < len(text) else "")


def _shown_lines(source: Source, labels: Sequence[Label]) -> list[int]:
    wanted: set[int] = set()
    for label in labels:
        first, last = label.span.start_line, min(label.span.end_line, max(len(source.lines), 1))
        if last - first >= MAX_SPAN_LINES:
            wanted.update((first, first + 1, last - 1, last))
        else:
            wanted.update(range(first, last + 1))
    ordered = sorted(wanted)
    for before, after in itertools.pairwise(ordered):
        if after - before - 1 <= NEAR:
            wanted.update(range(before, after))
    return sorted(wanted)


def _line(source: Source, line: int, labels: Sequence[Label], style: Style, width: int, gutter: str) -> Iterator[str]:
    text = source.shown_line(line)
    here = [_on_line(label, line, text) for label in labels if label.span.start_line <= line <= label.span.end_line]
    marks = [mark for mark in here if mark is not None]
    left, right = _window(text, marks)
    shown = (_CUT if left else "") + displayed(text)[left:right] + (_CUT if right < cells(text)[-1] else "")
    number = style("gutter", f"{source.line_number(line):>{width}} |")
    yield f"{number} {shown}".rstrip()
    shift = left - len(_CUT) if left else 0
    # the rightmost first, as in rustc: its text follows its mark, the others hang below
    for row in _rows(sorted(marks, key=lambda mark: mark.start, reverse=True)):
        yield f"{gutter} {_underline(row, shift, style)}".rstrip()


@dataclass(frozen=True, slots=True)
class _Mark:
    """The part of a label on one line, in cells."""

    start: int
    end: int
    label: Label
    text: str


def _on_line(label: Label, line: int, text: str) -> _Mark | None:
    """What to underline on this line: of a long label, the code without the space around it."""
    span = label.span
    starts = cells(text)
    first = span.start_column - 1 if line == span.start_line else len(text) - len(text.lstrip())
    last = span.end_column - 1 if line == span.end_line else len(text.rstrip())
    if last <= first and label.is_long and line != span.start_line:
        return None
    start = starts[min(first, len(text))]
    end = max(starts[min(last, len(text))], start + 1)
    # a label over several lines speaks on its last one
    return _Mark(start, end, label, label.text if line == span.end_line else "")


def _window(text: str, marks: Sequence[_Mark]) -> tuple[int, int]:
    """The cells of a line to show: all, or those around the marks if the line is very long."""
    length = cells(text)[-1]
    if length <= MAX_WIDTH:
        return 0, length
    first = min((mark.start for mark in marks), default=0)
    last = min(max((mark.end for mark in marks), default=0), first + MAX_WIDTH)
    spare = max(MAX_WIDTH - (last - first), 0)
    left = max(first - spare // 2, 0)
    right = min(left + MAX_WIDTH, length)
    return (0 if left <= 1 else left), right


def _rows(marks: Sequence[_Mark]) -> Iterator[list[_Mark]]:
    """Marks that fit on one row; those whose text would run into another mark get rows of their own."""
    row: list[_Mark] = []
    for mark in marks:
        # only the rightmost of a row may carry text
        if row and (mark.text or mark.end > row[-1].start):
            yield row
            row = []
        row.append(mark)
    if row:
        yield row


def _underline(row: Sequence[_Mark], shift: int, style: Style) -> str:
    """`    ^^^^ text`, without the text of what it underlines."""
    pieces, at = [], 0
    for mark in reversed(row):
        start = mark.start - shift
        end = min(mark.end - shift, MAX_WIDTH + 2 * len(_CUT))
        pieces.append(" " * (start - at))
        pieces.append(style(mark.label.role, mark.label.mark * max(end - start, 1)))
        at = end
    text = row[0].text
    return "".join(pieces) + (" " + style(row[0].label.role, text) if text else "")
