"""The story of a run: how paths become findings, and findings become repaired files. Start reading here.

    plan → cache → read → gate → depth → analyse → suppressions → selection → report or fix

Every arrow is one module, called below in this order; what lies between cache and selection is `look`, which may be
done ahead by several processes. One file's trouble never ends the run of the others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nanlint.cards import Card, find_card
from nanlint.config import Configured, RuleOptions, Settings
from nanlint.depth import on_deep_stack
from nanlint.diagnostic import Diagnostic
from nanlint.fix import Applicability, apply_fixes
from nanlint.garbage import collect_after, no_collection
from nanlint.look import SYNTAX_ERROR, Looked, digest_of, internal_error, look, syntax_error
from nanlint.plan import File, Plan, plan_run
from nanlint.reading import decode, read
from nanlint.source import SkippedError, Source, SourceError, read_bytes, write_source
from nanlint.suppress import RUN_CODES

if TYPE_CHECKING:
    from nanlint.ahead import Ahead
    from nanlint.analysis import Reveal

# a repair can uncover another finding; a chain longer than this means that two repairs undo each other
MAX_ROUNDS = 10


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
        unread: an earlier look says that there is nothing to report, so the text was not needed.
        problem: why nanlint could not do its work here, as one line. Not a finding: the exit code is 2.
        remark: why nothing was looked at here, as one line; nothing is wrong with that.
    """

    filename: str
    found: tuple[Diagnostic, ...] = ()
    source: Source | None = None
    before: Source | None = None
    fixed: int = 0
    fails: bool = False
    unread: bool = False
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


def lint_source(source: Source, cards: Sequence[Card], settings: Settings) -> list[Diagnostic]:
    """The findings in one text, in the order of their places."""
    return select(source, look(source, cards, settings), cards, settings)


def select(source: Source, found: Sequence[Diagnostic], cards: Sequence[Card], settings: Settings) -> list[Diagnostic]:
    """Of all that was seen in a text, what the settings ask for, in the order of the places."""
    shown = sorted(_selected(found, cards, settings), key=lambda one: one.sort_key)
    return [replace(one, cell=source.cell_of(one.span.start_line)) for one in shown]


def lint_paths(paths: Sequence[str], configured: Configured, repair: Repair | None = None) -> Iterator[FileResult]:
    """The results for all files under `paths`, and one with a problem for each path that does not exist.

    Raises:
        CardError: a card in `extra-rules` cannot be used.
        ConfigError: the settings cannot be used, or name a rule that does not exist.
    """
    return lint_plan(plan_run(paths, configured), repair)


def lint_plan(
    plan: Plan, repair: Repair | None = None, keep: Keep | None = None, ahead: Ahead | None = None
) -> Iterator[FileResult]:
    """The results for all files of a plan, and one for each of its problems.

    Args:
        plan: what to look at.
        repair: what to do about what is found.
        keep: what of it counts.
        ahead: knows what was seen in files, or has others look; None looks at each when its turn comes.
    """
    for problem in plan.problems:
        yield FileResult(problem.partition(":")[0], problem=problem)
    for remark in plan.remarks:
        yield FileResult(remark.partition(":")[0], remark=remark)
    if (analysis := sys.modules.get("nanlint.analysis")) is not None:  # not the first run of this process
        analysis.begin_run()
    with no_collection():
        for files, ((filename, settings, cards), looked) in enumerate(_looked_ahead(plan, repair, ahead), 1):
            yield lint_file(filename, cards, settings, repair, keep, looked)
            collect_after(files)


def _looked_ahead(plan: Plan, repair: Repair | None, ahead: Ahead | None) -> Iterator[tuple[File, Looked | None]]:
    """The files of a plan, each with what was seen in it if others have looked."""
    if ahead is None:
        yield from ((file, None) for file in plan.files)
        return
    with closing(ahead.look(plan.files)) as looks:
        # in whatever order files are looked at, none is seen half repaired
        ready = list(looks) if repair is not None and repair.write else looks
        yield from zip(plan.files, ready, strict=True)


def lint_file(
    filename: str,
    cards: Sequence[Card],
    settings: Settings,
    repair: Repair | None = None,
    keep: Keep | None = None,
    looked: Looked | None = None,
) -> FileResult:
    """The result for one file, which is rewritten if `repair` says so; `looked` is what was seen there."""
    if looked is not None and looked.problem is not None:
        return FileResult(filename, problem=looked.problem)
    if looked is not None and not looked.found and keep is None:
        return FileResult(filename, unread=True)
    try:
        data = read_bytes(Path(filename))
        source = decode(data, filename)
    except SourceError as error:
        return _unreadable(filename, error, cards, settings)
    # it may have changed since
    seen = looked.found if looked is not None and looked.digest == digest_of(data) else None
    result = lint_text(source, cards, settings, repair, keep, seen)
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
    source: Source,
    cards: Sequence[Card],
    settings: Settings,
    repair: Repair | None = None,
    keep: Keep | None = None,
    seen: Sequence[Diagnostic] | None = None,
) -> FileResult:
    """The result for a text in memory; `seen` is all that was seen in it, if anyone has looked. A fault of ours is
    caught here and becomes one line."""

    def lint(text: Source) -> list[Diagnostic]:
        known = seen if text is source and seen is not None else look(text, cards, settings)
        found = select(text, known, cards, settings)
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
        problem = internal_error(source.filename, error)
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


def _selected(found: Sequence[Diagnostic], cards: Sequence[Card], settings: Settings) -> Iterator[Diagnostic]:
    """What the settings ask for. That a file could not be read is said unless it is ignored by name."""
    for one in found:
        card = find_card(cards, one.code)
        judged = _with_options(one, settings.options(one.code, one.name))
        unread = one.code == SYNTAX_ERROR[0] and not settings.ignores_by_name(*SYNTAX_ERROR)
        loud = card is None or one.code in RUN_CODES or settings.reports(card, one.evidence)
        chosen = settings.selects(one.code, one.name, by_default=card is None or card.default)
        if unread or (loud and chosen and settings.shows(judged.severity)):
            yield judged


def _with_options(one: Diagnostic, options: RuleOptions) -> Diagnostic:
    """The finding as bad as the project says, with a repair that is as safe as it says."""
    if options.severity is not None:
        one = replace(one, severity=options.severity)
    if one.fix is None or options.fix is None or one.fix.applicability is Applicability.DISPLAY:
        return one
    safe = options.fix != "never"
    return replace(one, fix=replace(one.fix, applicability=Applicability(options.fix)) if safe else None)


def _unreadable(filename: str, error: SourceError, cards: Sequence[Card], settings: Settings) -> FileResult:
    if isinstance(error, SkippedError):
        return FileResult(filename, remark=f"{filename}: {error.message}")
    found = syntax_error(filename, None, error, cards)
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
