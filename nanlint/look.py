"""One file, looked at: everything that is seen there, before settings choose what to report.

What is seen in a file depends on its text, on the files that it imports from, and on where those were looked for. All
of that is noted, so that a cache knows when to look again.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nanlint.cards import Card, find_card
from nanlint.config import Settings
from nanlint.depth import on_deep_stack, too_deep
from nanlint.diagnostic import Diagnostic, Evidence, Severity
from nanlint.faults import described
from nanlint.gate import custom_words, may_hold_findings
from nanlint.places import Place
from nanlint.reading import decode
from nanlint.source import Source, SourceError, Span, read_bytes
from nanlint.suppress import apply_suppressions
from nanlint.syntax import parse

SYNTAX_ERROR = ("NAN003", "syntax-error")

# file systems note times in steps: what was written shortly before it was read may be written again in the same step
_FINE, _COARSE = 20_000_000, 2_100_000_000  # nanoseconds


class Stamp(NamedTuple):
    """Size and times of a file: while they stay, its content does."""

    size: int
    modified: int
    changed: int

    def is_settled(self, now: int) -> bool:
        """Would a later change be seen in the stamp?"""
        step = _FINE if self.modified % 1_000_000_000 else _COARSE
        return max(self.modified, self.changed) + step < now


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen in one file.

    Attributes:
        found: all of it, before settings choose what to report.
        digest: of the content.
        stamp: of the file; None if a later change might not be seen in it.
        files: the other files that were looked into.
        places: where files were looked for, and what stood there.
        problem: why nanlint could not do its work here, as one line.
    """

    found: tuple[Diagnostic, ...] = ()
    digest: str = ""
    stamp: Stamp | None = None
    files: frozenset[str] = frozenset()
    places: frozenset[Place] = frozenset()
    problem: str | None = None


def look(source: Source, cards: Sequence[Card], settings: Settings) -> list[Diagnostic]:
    """All that is seen in one text, less what comments silence."""
    try:
        found = on_deep_stack(lambda: _analyse(source, cards, settings))
    except (SourceError, RecursionError) as error:
        known = error if isinstance(error, SourceError) else too_deep(source)
        # nothing was looked at, so nothing can be said about suppressions either
        return [syntax_error(source.filename, source, known, cards)]
    return apply_suppressions(source, found, cards, settings)


def look_at_file(filename: str, cards: Sequence[Card], settings: Settings) -> Looked | None:
    """All that is seen in one file; None if it cannot be read. A fault of ours becomes one line."""
    now, stamp = time.time_ns(), stamp_of(filename)
    try:
        data = read_bytes(Path(filename))
        source = decode(data, filename)
    except SourceError:
        return None
    if (analysis := sys.modules.get("nanlint.analysis")) is not None:
        analysis.begin_file()
    try:
        found = look(source, cards, settings)
    except Exception as error:
        return Looked(problem=internal_error(filename, error))
    analysis = sys.modules.get("nanlint.analysis")
    files, places = (frozenset(), frozenset()) if analysis is None else analysis.looked_into()
    settled = stamp if stamp is not None and stamp.is_settled(now) else None
    return Looked(tuple(found), digest_of(data), settled, files, places)


def stamp_of(filename: str) -> Stamp | None:
    """The stamp of a file; None if there is none."""
    try:
        known = os.stat(filename)  # noqa: PTH116  (asked about every file of a run; pathlib is slow)
    except (OSError, ValueError):
        return None
    return Stamp(known.st_size, known.st_mtime_ns, known.st_ctime_ns)


def digest_of(data: bytes) -> str:
    """What a content is recognised by."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def syntax_error(filename: str, source: Source | None, error: SourceError, cards: Sequence[Card]) -> Diagnostic:
    """The finding that a file cannot be read as Python."""
    card = find_card(cards, SYNTAX_ERROR[0])
    line, column = max(error.line, 1), max(error.column, 1)
    if source is not None:  # a parser may point behind the end of the line or of the file
        line = min(line, max(len(source.lines), 1))
        column = min(column, len(source.line_text(line)) + 1)
    span = Span(line, column, line, column + 1)
    severity = card.severity if card else Severity.ERROR
    return Diagnostic(*SYNTAX_ERROR, error.message, filename, span, severity, Evidence.CERTAIN)


def internal_error(filename: str, error: Exception) -> str:
    """What is said of a fault of ours."""
    if os.environ.get("NANLINT_DEBUG"):
        traceback.print_exc(file=sys.stderr)
    return f"{filename}: internal error in nanlint, please report it: {located(error)}"


def located(error: Exception) -> str:
    """The kind of fault and the line of ours where it happened: what a report needs."""
    frames = traceback.extract_tb(error.__traceback__)
    return described(error, f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "")


def _analyse(source: Source, cards: Sequence[Card], settings: Settings) -> list[Diagnostic]:
    if not may_hold_findings(source.text.encode(errors="replace"), custom_words(cards)):
        parse(source)
        return []
    # imported late: a run over files without tensors needs none of it
    from nanlint.analysis import analyse  # noqa: PLC0415

    return analyse(source, cards, settings)
