"""Repairs as data: text edits with a disposition, and how several of them are applied to one text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from nanlint.source import Source, Span


class Applicability(StrEnum):
    """How much a repair may change.

    SAFE keeps value and gradient, to rounding, wherever the original was finite. UNSAFE changes numbers or
    training (an added epsilon does). DISPLAY is shown to the reader and never applied.
    """

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY = "display-only"


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of `span` by `content`; an empty span inserts."""

    span: Span
    content: str


@dataclass(frozen=True, slots=True)
class Fix:
    """One repair: all of its edits are applied, or none."""

    applicability: Applicability
    message: str
    edits: tuple[Edit, ...]


def apply_fixes(source: Source, fixes: Iterable[Fix]) -> tuple[str, int]:
    """The text after every fix that does not overlap an earlier one, and how many were applied.

    Edits are made right to left, so offsets stay valid. An edit that several fixes share (the same import,
    say) is made once. What overlaps is left for the caller's next round.
    """
    taken: dict[tuple[int, int], str] = {}
    applied = 0
    for fix in fixes:
        edits = {_offsets(source, edit.span): edit.content for edit in fix.edits}
        new = {at: content for at, content in edits.items() if taken.get(at) != content}
        if any(_overlap(at, other) for at in new for other in taken):
            continue
        taken.update(new)
        applied += 1
    text = source.text
    for (start, end), content in sorted(taken.items(), reverse=True):
        text = text[:start] + content + text[end:]
    return text, applied


def _offsets(source: Source, span: Span) -> tuple[int, int]:
    return source.offset(span.start_line, span.start_column), source.offset(span.end_line, span.end_column)


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a == b or (a[0] < b[1] and b[0] < a[1])
