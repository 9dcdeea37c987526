"""The story of a run: how paths become findings, and findings become repaired files. Start reading here.

    discover → read → gate → depth → analyse → suppressions → selection → report or fix

Every arrow is one module, called below in this order. One file's trouble never ends the run of the others.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nanlint.cards import Card, find_card, load_cards
from nanlint.config import Settings, check_selectors
from nanlint.depth import on_deep_stack, too_deep
from nanlint.diagnostic import Diagnostic, Evidence, Severity
from nanlint.discover import discover
from nanlint.fix import Applicability, apply_fixes
from nanlint.garbage import no_collection
from nanlint.gate import may_hold_findings
from nanlint.source import Source, SourceError, Span, decode_source, read_source, write_source
from nanlint.suppress import RUN_CODES, apply_suppressions
from nanlint.syntax import parse

if TYPE_CHECKING:
    from nanlint.analysis import Reveal

SYNTAX_ERROR = ("NAN003", "syntax-error")

# a repair can uncover another finding; a chain longer than this means that two repairs undo each other
MAX_ROUNDS = 10

_COLLECT_EVERY, _COLLECT_ALL_EVERY = 500, 5000  # files


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file.

    Attributes:
        filename: the file, named as the user named it.
        found: what is to be reported; after a fix, what is left.
        source: the text that `found` speaks of; None if it could not be read.
        before: the text as it was read.
        fixed: how many repairs were made.
        problem: why nanlint could not do its work here, as one line. Not a finding: the exit code is 2.
    """

    filename: str
    found: tuple[Diagnostic, ...] = ()
    source: Source | None = None
    before: Source | None = None
    fixed: int = 0
    problem: str | None = None

    @property
    def changed(self) -> bool:
        """Did a repair change the text?"""
        return self.fixed > 0


@dataclass(frozen=True, slots=True)
class Repair:
    """What to do with the fixes: which ones to make, and whether to write the result."""

    applicabilities: Collection[Applicability]
    write: bool = True


def lint_source(source: Source, cards: Sequence[Card], settings: Settings) -> list[Diagnostic]:
    """The findings in one text, in the order of their places."""
    try:
        found = on_deep_stack(lambda: _analyse(source, cards, settings))
    except (SourceError, RecursionError) as error:
        known = error if isinstance(error, SourceError) else too_deep(source)
        # nothing was looked at, so nothing can be said about suppressions either
        return list(_selected([_syntax_error(source.filename, source, known, cards)], cards, settings))
    found = apply_suppressions(source, found, cards, settings)
    return sorted(_selected(found, cards, settings), key=lambda one: one.sort_key)


def lint_paths(paths: Sequence[str], settings: Settings, repair: Repair | None = None) -> Iterator[FileResult]:
    """The results for all files under `paths`, and one with a problem for each path that does not exist.

    Raises:
        CardError: a card in `settings.extra_rules` cannot be used.
        ConfigError: `settings` names a rule that does not exist.
    """
    cards = load_cards(settings.extra_rules)
    check_selectors(settings, cards)
    found = discover(paths, settings)
    for problem in found.problems:
        yield FileResult(problem.partition(":")[0], problem=problem)
    if (analysis := sys.modules.get("nanlint.analysis")) is not None:  # not the first run of this process
        analysis.begin_run()
    with no_collection():
        for files, filename in enumerate(found.files, 1):
            yield lint_file(filename, cards, settings, repair)
            _collect_after(files)


def _collect_after(files: int) -> None:
    """Collect the garbage of the last files if it is time; of what survived before only seldom."""
    if files % _COLLECT_EVERY == 0:
        gc.collect(2 if files % _COLLECT_ALL_EVERY == 0 else 0)


def lint_file(filename: str, cards: Sequence[Card], settings: Settings, repair: Repair | None = None) -> FileResult:
    """The result for one file, which is rewritten if `repair` says so."""
    try:
        source = read_source(Path(filename), filename)
    except SourceError as error:
        return _unreadable(filename, error, cards, settings)
    result = lint_text(source, cards, settings, repair)
    if result.source is None or not result.changed or repair is None or not repair.write:
        return result
    try:
        write_source(Path(filename), result.source.encode(result.source.text))
    except OSError as error:
        return replace(result, problem=f"{filename}: cannot write file: {error.strerror}")
    return result


def lint_bytes(
    data: bytes, filename: str, cards: Sequence[Card], settings: Settings, repair: Repair | None = None
) -> FileResult:
    """The result for what arrived on standard input; nothing is written."""
    try:
        source = decode_source(data, filename)
    except SourceError as error:
        return _unreadable(filename, error, cards, settings)
    return lint_text(source, cards, settings, repair)


def lint_text(source: Source, cards: Sequence[Card], settings: Settings, repair: Repair | None = None) -> FileResult:
    """The result for a text in memory. A fault of ours is caught here and becomes one line."""

    def lint(text: Source) -> list[Diagnostic]:
        return lint_source(text, cards, settings)

    try:
        if repair is not None:
            return fix_source(source, repair.applicabilities, lint)
        return FileResult(source.filename, tuple(lint(source)), source, source)
    except Exception as error:
        if os.environ.get("NANLINT_DEBUG"):
            traceback.print_exc(file=sys.stderr)
        problem = f"{source.filename}: internal error in nanlint, please report it: {described(error)}"
        return FileResult(source.filename, (), source, source, problem=problem)


def fix_source(
    source: Source, applicabilities: Collection[Applicability], lint: Callable[[Source], list[Diagnostic]]
) -> FileResult:
    """Repair, look again, and so on until nothing is left to repair.

    A round whose result is no longer Python, or does not fit the file's encoding, is not kept.
    """
    before, fixed = source, 0
    found = lint(source)
    for _ in range(MAX_ROUNDS):
        fixes = [one.fix for one in found if one.fix is not None and one.fix.applicability in applicabilities]
        text, count = apply_fixes(source, fixes)
        if text == source.text:
            break
        candidate = replace(source, text=text)
        left = lint(candidate)
        if any(one.code == SYNTAX_ERROR[0] for one in left) or not _encodable(candidate):
            break
        source, found, fixed = candidate, left, fixed + count
    return FileResult(source.filename, tuple(found), source, before, fixed)


def reveal_file(filename: str) -> list[Reveal]:
    """The ranges inferred in one file.

    Raises:
        SourceError: the file cannot be read as Python.
    """
    source = read_source(Path(filename), filename)
    from nanlint.analysis import ranges  # noqa: PLC0415

    return on_deep_stack(lambda: ranges(source))


def _analyse(source: Source, cards: Sequence[Card], settings: Settings) -> list[Diagnostic]:
    words = tuple(operation.name.rpartition(".")[2] for card in cards for operation in card.custom)
    if not may_hold_findings(source.text.encode(errors="replace"), words):
        parse(source)
        return []
    # imported late: a run over files without tensors needs none of it
    from nanlint.analysis import analyse  # noqa: PLC0415

    return analyse(source, cards, settings)


def _selected(found: Sequence[Diagnostic], cards: Sequence[Card], settings: Settings) -> Iterator[Diagnostic]:
    """What the settings ask for. That a file could not be read is said unless it is ignored by name."""
    for one in found:
        card = find_card(cards, one.code)
        unread = one.code == SYNTAX_ERROR[0] and not set(SYNTAX_ERROR) & set(settings.ignore)
        loud = card is None or one.code in RUN_CODES or settings.reports(card, one.evidence)
        if unread or (loud and settings.selects(one.code, one.name)):
            yield one


def _syntax_error(filename: str, source: Source | None, error: SourceError, cards: Sequence[Card]) -> Diagnostic:
    card = find_card(cards, SYNTAX_ERROR[0])
    line, column = max(error.line, 1), max(error.column, 1)
    if source is not None:  # a parser may point behind the end of the line or of the file
        line = min(line, max(len(source.lines), 1))
        column = min(column, len(source.line_text(line)) + 1)
    span = Span(line, column, line, column + 1)
    severity = card.severity if card else Severity.ERROR
    return Diagnostic(*SYNTAX_ERROR, error.message, filename, span, severity, Evidence.CERTAIN)


def _unreadable(filename: str, error: SourceError, cards: Sequence[Card], settings: Settings) -> FileResult:
    found = _syntax_error(filename, None, error, cards)
    return FileResult(filename, tuple(_selected([found], cards, settings)))


def _encodable(source: Source) -> bool:
    try:
        source.encode(source.text)
    except UnicodeEncodeError:
        return False
    return True


def described(error: Exception) -> str:
    """The kind of fault and the line of ours where it happened: what a report needs."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{where}: {text}" if text else f"{type(error).__name__}{where}"
