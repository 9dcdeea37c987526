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
from nanlint.config import ConfigError, Configured, RuleOptions, Settings, check_selectors
from nanlint.config.keys import check_keys
from nanlint.depth import on_deep_stack, too_deep
from nanlint.diagnostic import Diagnostic, Evidence, Severity
from nanlint.discover import Found, discover
from nanlint.fix import Applicability, apply_fixes
from nanlint.garbage import no_collection
from nanlint.gate import may_hold_findings
from nanlint.reading import decode, read
from nanlint.source import SkippedError, Source, SourceError, Span, write_source
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
        fixed: how many repairs were made, or suppressions written.
        fails: is something in `found` a reason to exit with 1?
        problem: why nanlint could not do its work here, as one line. Not a finding: the exit code is 2.
        remark: why nothing was looked at here, as one line; nothing is wrong with that.
    """

    filename: str
    found: tuple[Diagnostic, ...] = ()
    source: Source | None = None
    before: Source | None = None
    fixed: int = 0
    fails: bool = False
    problem: str | None = None
    remark: str | None = None

    @property
    def changed(self) -> bool:
        """Did a repair change the text?"""
        return self.fixed > 0


@dataclass(frozen=True, slots=True)
class Repair:
    """What to do about findings: which fixes to make, or to silence what is found, and whether to write the result.

    Attributes:
        silence: the reason to give in a comment on every finding, instead of mending it; None mends.
    """

    applicabilities: Collection[Applicability] = frozenset()
    write: bool = True
    silence: str | None = None


# what is left of the findings in a text when a baseline or the lines that changed are looked at
Keep = Callable[[Source, Sequence[Diagnostic]], list[Diagnostic]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will look at, settled before it starts.

    Attributes:
        files: each with the settings and the rules that hold for it.
        problems: what is wrong with the paths, one line each.
        cards: all rules of the run.
    """

    files: tuple[tuple[str, Settings, tuple[Card, ...]], ...]
    problems: tuple[str, ...]
    cards: tuple[Card, ...]


def plan_run(paths: Sequence[str], configured: Configured, *, named: bool = False) -> Plan:
    """The files under `paths`, or `paths` themselves if they name text that is not in files, and what holds for each.

    Raises:
        CardError: a card in `extra-rules` cannot be used.
        ConfigError: the settings cannot be used, or name a rule that does not exist.
    """
    found = Found(tuple(paths), ()) if named else discover(paths, configured)
    books: dict[tuple[Path, ...], tuple[Card, ...]] = {}
    checked: dict[int, Settings] = {}
    files = []
    for filename in found.files or (os.curdir,):  # wrong settings are wrong even where there is nothing to lint
        settings = configured.for_file(filename)
        if settings.extra_rules not in books:
            books[settings.extra_rules] = load_cards(settings.extra_rules)
        cards = books[settings.extra_rules]
        if id(settings) not in checked:
            check_settings(settings, cards)
            checked[id(settings)] = settings
        files.append((filename, settings, cards))
    everything = {card.code: card for cards in books.values() for card in cards}
    return Plan(tuple(files if found.files else ()), found.problems, tuple(everything.values()))


def check_settings(settings: Settings, cards: Sequence[Card]) -> None:
    """See that settings speak of things that exist.

    Raises:
        ConfigError: one does not; the message names the nearest that does.
    """
    check_selectors(settings, cards)
    for word, options in settings.rules.items():
        if options.max_rates:
            from nanlint.checks.optimizers import RATES  # noqa: PLC0415  (hardly anyone sets it)

            try:
                check_keys(options.max_rates, RATES)
            except ConfigError as error:
                raise ConfigError(f"`rules.{word}.max-rates`: {error}") from None


def lint_source(source: Source, cards: Sequence[Card], settings: Settings) -> list[Diagnostic]:
    """The findings in one text, in the order of their places."""
    try:
        found = on_deep_stack(lambda: _analyse(source, cards, settings))
    except (SourceError, RecursionError) as error:
        known = error if isinstance(error, SourceError) else too_deep(source)
        # nothing was looked at, so nothing can be said about suppressions either
        found = [_syntax_error(source.filename, source, known, cards)]
        return [replace(one, cell=source.cell_of(one.span.start_line)) for one in _selected(found, cards, settings)]
    found = apply_suppressions(source, found, cards, settings)
    shown = sorted(_selected(found, cards, settings), key=lambda one: one.sort_key)
    return [replace(one, cell=source.cell_of(one.span.start_line)) for one in shown]


def lint_paths(paths: Sequence[str], configured: Configured, repair: Repair | None = None) -> Iterator[FileResult]:
    """The results for all files under `paths`, and one with a problem for each path that does not exist.

    Raises:
        CardError: a card in `extra-rules` cannot be used.
        ConfigError: the settings cannot be used, or name a rule that does not exist.
    """
    return lint_plan(plan_run(paths, configured), repair)


def lint_plan(plan: Plan, repair: Repair | None = None, keep: Keep | None = None) -> Iterator[FileResult]:
    """The results for all files of a plan, and one for each of its problems."""
    for problem in plan.problems:
        yield FileResult(problem.partition(":")[0], problem=problem)
    if (analysis := sys.modules.get("nanlint.analysis")) is not None:  # not the first run of this process
        analysis.begin_run()
    with no_collection():
        for files, (filename, settings, cards) in enumerate(plan.files, 1):
            yield lint_file(filename, cards, settings, repair, keep)
            _collect_after(files)


def _collect_after(files: int) -> None:
    """Collect the garbage of the last files if it is time; of what survived before only seldom."""
    if files % _COLLECT_EVERY == 0:
        gc.collect(2 if files % _COLLECT_ALL_EVERY == 0 else 0)


def lint_file(
    filename: str, cards: Sequence[Card], settings: Settings, repair: Repair | None = None, keep: Keep | None = None
) -> FileResult:
    """The result for one file, which is rewritten if `repair` says so."""
    try:
        source = read(filename)
    except SourceError as error:
        return _unreadable(filename, error, cards, settings)
    result = lint_text(source, cards, settings, repair, keep)
    if result.source is None or not result.changed or repair is None or not repair.write:
        return result
    try:
        write_source(Path(filename), result.source.encode(result.source.text))
    except OSError as error:
        return replace(result, problem=f"{filename}: cannot write file: {error.strerror}")
    return result


def lint_bytes(
    data: bytes,
    filename: str,
    cards: Sequence[Card],
    settings: Settings,
    repair: Repair | None = None,
    keep: Keep | None = None,
) -> FileResult:
    """The result for what arrived on standard input; nothing is written."""
    try:
        source = decode(data, filename)
    except SourceError as error:
        return _unreadable(filename, error, cards, settings)
    return lint_text(source, cards, settings, repair, keep)


def lint_text(
    source: Source, cards: Sequence[Card], settings: Settings, repair: Repair | None = None, keep: Keep | None = None
) -> FileResult:
    """The result for a text in memory. A fault of ours is caught here and becomes one line."""

    def lint(text: Source) -> list[Diagnostic]:
        found = lint_source(text, cards, settings)
        return found if keep is None else keep(text, found)

    try:
        if repair is None:
            result = FileResult(source.filename, tuple(lint(source)), source, source)
        elif repair.silence is not None:
            result = silence_source(source, repair.silence, lint)
        else:
            result = fix_source(source, repair.applicabilities, lint)
        if result.changed and result.source is not None:
            result = replace(result, source=result.source.as_read_again())
    except Exception as error:
        if os.environ.get("NANLINT_DEBUG"):
            traceback.print_exc(file=sys.stderr)
        problem = f"{source.filename}: internal error in nanlint, please report it: {described(error)}"
        return FileResult(source.filename, (), source, source, problem=problem)
    return judged(result, settings)


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


def silence_source(source: Source, reason: str, lint: Callable[[Source], list[Diagnostic]]) -> FileResult:
    """Write a suppression with a reason for every finding."""
    from nanlint.adoption.ignores import with_ignores  # noqa: PLC0415  (most runs write none)

    found = lint(source)
    candidate = replace(source, text=with_ignores(source, found, reason))
    if not _encodable(candidate):
        problem = f"{source.filename}: the reason cannot be written in {source.encoding}"
        return FileResult(source.filename, tuple(found), source, source, problem=problem)
    left = lint(candidate)
    if any(one.code == SYNTAX_ERROR[0] for one in left):
        return FileResult(source.filename, tuple(found), source, source)
    return FileResult(source.filename, tuple(left), candidate, source, len(found) - len(left))


def reveal_file(filename: str) -> list[Reveal]:
    """The ranges inferred in one file.

    Raises:
        SourceError: the file cannot be read as Python.
    """
    source = read(filename)
    from nanlint.analysis import ranges  # noqa: PLC0415

    revealed = on_deep_stack(lambda: ranges(source))
    return [one._replace(line=source.line_number(one.line), cell=source.cell_of(one.line)) for one in revealed]


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
        judged = _with_options(one, settings.options(one.code, one.name))
        unread = one.code == SYNTAX_ERROR[0] and not settings.ignores_by_name(*SYNTAX_ERROR)
        loud = card is None or one.code in RUN_CODES or settings.reports(card, one.evidence)
        if unread or (loud and settings.selects(one.code, one.name) and settings.shows(judged.severity)):
            yield judged


def _with_options(one: Diagnostic, options: RuleOptions) -> Diagnostic:
    """The finding as bad as the project says, with a repair that is as safe as it says."""
    if options.severity is not None:
        one = replace(one, severity=options.severity)
    if one.fix is None or options.fix is None or one.fix.applicability is Applicability.DISPLAY:
        return one
    safe = options.fix != "never"
    return replace(one, fix=replace(one.fix, applicability=Applicability(options.fix)) if safe else None)


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
    if isinstance(error, SkippedError):
        return FileResult(filename, remark=f"{filename}: {error.message}")
    found = _syntax_error(filename, None, error, cards)
    return judged(FileResult(filename, tuple(_selected([found], cards, settings))), settings)


def judged(result: FileResult, settings: Settings) -> FileResult:
    """The result, with what its findings mean for the exit code."""
    return replace(result, fails=any(settings.fails(one.severity) for one in result.found))


def _encodable(source: Source) -> bool:
    try:
        source.encode(source.text)
    except ValueError:
        return False
    return True


def described(error: Exception) -> str:
    """The kind of fault and the line of ours where it happened: what a report needs."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{where}: {text}" if text else f"{type(error).__name__}{where}"
