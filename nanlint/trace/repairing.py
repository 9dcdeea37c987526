"""`--fix` and `--diff` of the dynamic pass: every repair was tried before it is offered, so it is written as it is."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from nanlint.cards import Card
from nanlint.commands import writing
from nanlint.config import Settings
from nanlint.engine import FileResult, Repair, lint_text
from nanlint.fix import Applicability, Fix, apply_fixes
from nanlint.source import Source, write_source
from nanlint.trace.results import Results


def repaired(results: Results, allowed: Collection[Applicability], *, write: bool) -> list[FileResult]:
    """The files with their repairs, written if that is wanted; what has no repair is left in `found`.

    Raises:
        ConfigError: a file cannot be written.
    """
    files = []
    for name, found in results.found.items():
        source = results.sources.get(name)
        text, fixes, count = _repaired(name, results, allowed)
        left = tuple(one for one in found if one.fix not in fixes)
        after = source if source is None else replace(source, text=text)
        files.append(FileResult(name, left, after, source, count))
        if write and count:
            _write(name, after)
    return files


def repaired_too(
    static: Sequence[FileResult], results: Results, repair: Repair, settings: Settings, cards: Sequence[Card]
) -> tuple[list[FileResult], Results]:
    """The files of the static pass with the repairs of both, and what the dynamic one leaves to report.

    What the static pass repairs is repaired in the text that the other leaves, so that no edit meets a moved line.

    Raises:
        ConfigError: a file cannot be written.
    """
    names = {os.path.realpath(name): name for name in results.found}
    files, left = [], replace(results, found=dict(results.found))
    for one in static:
        name = names.get(os.path.realpath(one.filename), "")
        text, fixes, count = _repaired(name, results, repair.applicabilities)
        source = results.sources.get(name)
        if not count or source is None:
            files.append(one)
            continue
        traced = replace(source, filename=one.filename, text=text)
        again = lint_text(traced, cards, settings, repair)
        before = source if one.before is None else one.before
        # without writing, what the first look repaired is repaired once more in `again`
        earlier = one.fixed if repair.write else 0
        files.append(replace(again, before=before, fixed=earlier + count + again.fixed))
        left.found[name] = [each for each in results.found[name] if each.fix not in fixes]
        if repair.write:
            _write(one.filename, again.source)
    return files, left


def _repaired(name: str, results: Results, allowed: Collection[Applicability]) -> tuple[str, Sequence[Fix], int]:
    """The text of a file with all repairs that are allowed, and how many these are."""
    source = results.sources.get(name)
    found = results.found.get(name, [])
    fixes = [one.fix for one in found if one.fix is not None and one.fix.applicability in allowed]
    if source is None:
        return "", [], 0
    text, count = apply_fixes(source, fixes)
    return text, fixes, count


def _write(name: str, source: Source | None) -> None:
    if source is not None:
        with writing(name):
            write_source(Path(name), source.encode(source.text))
